"""A profile's differential as a tree of elements and slices.

https://hl7.org/fhir/R4/elementdefinition.html: paths and ids (`Patient.contact:emergency.telecom:phone.use`)
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from fhir_bridge.outcome import Json

# They are for people, or, as `base`, repeat what stands elsewhere.
_WORDS = """id extension path representation sliceName label code short definition comment requirements alias base
    meaningWhenMissing orderMeaning example mustSupport isModifier isModifierReason isSummary condition mapping"""
_CHECKED = frozenset({"slicing", "min", "max", "type", "binding", "constraint", *_WORDS.split()})
_CHECKED_TYPE = frozenset({"id", "extension", "code", "profile"})

Report = Callable[[str, str], None]
"""Called with an element's id and what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Node:
    """One element, or one slice of it. `name` is FHIR's (`value[x]`).

    `definition` is empty for an element that is only on the way to another.
    """

    id: str
    name: str
    definition: Json = field(default_factory=dict)
    children: dict[str, Node] = field(default_factory=dict)
    slices: dict[str, Node] = field(default_factory=dict)

    @property
    def step(self) -> str:
        """The FHIRPath step: `value` for `value[x]`."""
        return self.name.removesuffix("[x]")

    @property
    def is_only_a_value(self) -> bool:
        """Whether all that it says is that there is one, and which: `system` fixed as `phone`."""
        rules = {key for key in self.definition if key in _CHECKED and key not in _WORDS.split()}
        return not self.children and not self.slices and rules <= {"min", "max"} and self.definition.get("max") == "1"


def read_tree(profile: Json, report: Report) -> Node:
    """Return the root of a StructureDefinition's differential; what it says that is not checked here is reported."""
    root = Node(profile["type"], profile["type"])
    for definition in profile.get("differential", {}).get("element", ()):
        place = definition.get("id", definition.get("path", "?"))
        _report_unsupported(place, definition, report)
        first, *steps = place.split(".")
        if "id" not in definition or first != root.name:
            report(place, f"has no id that starts with {root.name}; give it one, as `{root.name}.name:slice.name`")
            continue
        _node(root, steps, report).definition.update(definition)
    return root


def _node(node: Node, steps: list[str], report: Report) -> Node:
    """Return the node that the steps below `node` lead to, made where it was not there."""
    for step in steps:
        name, _, slice_name = step.partition(":")
        node = node.children.setdefault(name, Node(f"{node.id}.{name}", name))
        if "/" in slice_name:
            report(f"{node.id}:{slice_name}", "slices a slice again; make it a slice of its own")
        if slice_name:
            node = node.slices.setdefault(slice_name, Node(f"{node.id}:{slice_name}", name))
    return node


def _report_unsupported(place: str, definition: Json, report: Report) -> None:
    for key in definition:
        if key not in _CHECKED and not key.startswith(("fixed", "pattern")):
            report(place, f"`{key}` is not checked by the bridge; say it as a constraint in FHIRPath, or leave it out")
    for key in sorted({key for of_type in definition.get("type", ()) for key in of_type} - _CHECKED_TYPE):
        report(place, f"`type.{key}` is not checked by the bridge; say it as a constraint in FHIRPath, or leave it out")
