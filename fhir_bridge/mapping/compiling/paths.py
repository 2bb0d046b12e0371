"""Element paths such as `name[official].given[0]`: checked against FHIR's types, compiled to places.

A step is an element's name, with `[n]` for the n-th item of a list of primitives or `[slice]` for a member of a
list that the map's `slices:` describe. `parameter[x]` and `part[x]` of Parameters are told by their `name`, and
`extension[x]` within an extension by its `url`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from fhir_bridge.canonical import CANONICAL
from fhir_bridge.fhir.elements import Element, Version, elements, is_primitive, resource_types
from fhir_bridge.mapping.model import SliceSpec
from fhir_bridge.mapping.places import Place, Step
from fhir_bridge.mapping.slices import Fixed, Slice, compile_slice, fixed_coding, fixed_concept, fixed_part, fixed_value
from fhir_bridge.mapping.source import Mark, Problems, Text, did_you_mean
from fhir_bridge.mapping.transforms import TEXT_TYPES

_STEP = re.compile(r"([A-Za-z]+)(?:\[([A-Za-z0-9-]+)\])?")
_RELATIVE_URI = re.compile(r"[A-Za-z]+/[A-Za-z0-9./-]+")


@dataclass(frozen=True, slots=True)
class Paths:
    """Resolves the element paths of one map."""

    version: Version
    slices: Mapping[str, SliceSpec]
    problems: Problems

    def place(
        self, type_name: str, path: str, mark: Mark, prefix: str = "", repeats: bool = False, everywhere: bool = False
    ) -> Place | None:
        """Return the place that `path` names below an element of `type_name`; a problem, and None, where it cannot be.

        `prefix` is the path of that element in the map; `repeats` says that the place is a list to be taken whole,
        `everywhere` that every list on the way is.
        """
        steps: list[Step] = []
        element: Element | None = None
        texts = path.split(".")
        for position, text in enumerate(texts):
            match = _STEP.fullmatch(text)
            element = self._element(type_name, match.group(1), mark) if match else None
            if match is None:
                self.problems.add(mark, f"'{text}' is no step of an element path; write name, name[n] or name[slice]")
            if match is None or element is None:
                return None
            prefix = f"{prefix}.{text}" if prefix else text
            last = position == len(texts) - 1
            of = self._told_by(element, type_name)
            step = self._step(
                element, match.group(2), prefix, mark, told_by=of, whole_list=everywhere or (repeats and last)
            )
            if step is None:
                return None
            steps.append(step)
            type_name = self._type_below(element, prefix)
        assert element is not None
        return Place(tuple(steps), element, path)

    def _element(self, type_name: str, name: str, mark: Mark) -> Element | None:
        known = self._elements(type_name)
        if name not in known:
            self.problems.add(mark, f"{type_name} has no element '{name}'{did_you_mean(name, known)}")
        return known.get(name)

    def _elements(self, type_name: str) -> Mapping[str, Element]:
        return {} if is_primitive(type_name) else elements(self.version, type_name)

    @staticmethod
    def _told_by(element: Element, type_name: str) -> str | None:
        """The element that tells the members of a list which needs no slices."""
        if element.name in ("parameter", "part"):
            return "name"
        return "url" if (type_name, element.name) == ("Extension", "extension") else None

    def _step(
        self, element: Element, selector: str | None, prefix: str, mark: Mark, *, told_by: str | None, whole_list: bool
    ) -> Step | None:
        if selector is None:
            if element.repeats and not whole_list:
                which = "[0]" if is_primitive(element.type) else "[slice]"
                self.problems.add(mark, f"'{element.name}' is a list; say which item: {element.name}{which}")
                return None
            return Step(element.name, element.path, None, None)
        if not element.repeats:
            self.problems.add(mark, f"'{element.name}' is no list; write it without [{selector}]")
            return None
        if selector.isdigit():
            if not is_primitive(element.type):
                self.problems.add(mark, f"[n] stands only on plain values; describe a slice of '{element.name}'")
                return None
            return Step(element.name, element.path, int(selector), None)
        slice_ = self._slice(element, selector, prefix, mark, told_by)
        return None if slice_ is None else Step(element.name, element.path, None, slice_)

    def _slice(self, element: Element, selector: str, prefix: str, mark: Mark, told_by: str | None) -> Slice | None:
        spec = self.slices.get(prefix)
        if spec is None and told_by is not None:
            spec = SliceSpec(mark, prefix, {Text(told_by, mark): Text(selector, mark)}, None)
        if spec is None:
            self.problems.add(mark, f"no slice '{prefix}' is described{did_you_mean(prefix, self.slices)}")
            return None
        if spec.otherwise_without is not None:
            self._element(element.type, spec.otherwise_without, spec.otherwise_without.mark)
        parts = [self._fixed(element, path, text) for path, text in spec.fixed.items()]
        known = [part for part in parts if part is not None]
        return compile_slice(known, spec.otherwise_without) if known and len(known) == len(parts) else None

    def _fixed(self, element: Element, path: Text, text: Text) -> Fixed | None:
        """Return one part of a slice; its elements are checked like those of a row."""
        names = path.split(".")
        if names[-1] == "resourceType":
            return self._fixed_type(element, path, text)
        if element.type == "CodeableConcept" and path == "coding.system":
            return fixed_coding(absolute(text))
        if element.type == "Extension" and names[0].startswith("extension["):
            return self._fixed_part(element, path, text)
        found = self._elements_of(element, names, path.mark)
        if found is None:
            return None
        target = found[-1]
        if target.type == "CodeableConcept" and len(names) == 1:
            return self._fixed_concept(target, text)
        if target.type == "boolean" and text in ("true", "false"):
            return fixed_value(names, ".".join(step.path for step in found), text == "true")
        if target.type not in TEXT_TYPES or target.repeats:
            kind = f"a list of {target.type}" if target.repeats else f"a {target.type}"
            self.problems.add(
                path.mark, f"'{path}' is {kind}; a slice is told by a text, or by a CodeableConcept in it"
            )
            return None
        if text and target.codes and text not in target.codes:
            self.problems.add(text.mark, f"'{text}' is no code of '{path}'{did_you_mean(text, target.codes)}")
            return None
        value = absolute(text) if target.type in ("uri", "url", "canonical") else str(text)
        return fixed_value(names, ".".join(step.path for step in found), value)

    def _fixed_part(self, element: Element, path: Text, text: Text) -> Fixed | None:
        """Return a part of an extension that has parts: `extension[locus].valueCode` is the value of its `locus`."""
        name, _, rest = path.partition(".")
        match = _STEP.fullmatch(name)
        if match is None or match[2] is None:
            self.problems.add(path.mark, f"'{name}' is no part of an extension; write extension[url], then its value")
            return None
        within = self._fixed(element, Text(rest, path.mark), text)
        return None if within is None else fixed_part(match[2], within)

    def _elements_of(self, element: Element, names: list[str], mark: Mark) -> list[Element] | None:
        """Return the element of each name; a problem where there is none, or a list in the middle."""
        found = [element]
        for name in names:
            if len(found) > 1 and found[-1].repeats:
                text = f"'{found[-1].name}' is a list, into which a slice cannot look; name an element beside it"
                self.problems.add(mark, text)
                return None
            below = self._element(found[-1].type, name, mark)
            if below is None:
                return None
            found.append(below)
        return found[1:]

    def _fixed_type(self, element: Element, path: Text, text: Text) -> Fixed | None:
        if element.name != "entry" or path != "resource.resourceType":
            self.problems.add(
                path.mark, f"'{path}' tells no member; write 'resource.resourceType', of a Bundle's entry"
            )
            return None
        types = resource_types(self.version)
        if text not in types:
            self.problems.add(text.mark, f"'{text}' is no resource type{did_you_mean(text, types)}")
            return None
        return fixed_value(path.split("."), str(path), str(text))

    def _fixed_concept(self, element: Element, text: Text) -> Fixed | None:
        system, _, code = text.rpartition("#")
        if not system or not code:
            self.problems.add(text.mark, f"'{text}' is no code of a CodeableConcept; write system#code")
            return None
        return fixed_concept(element.name, absolute(system), code, element.repeats)

    def _type_below(self, element: Element, prefix: str) -> str:
        """Return the type that the next step looks into; for an entry's resource, what its slice says."""
        if element.type != "Resource":
            return element.type
        spec = self.slices.get(prefix.rpartition(".")[0])
        fixed = spec.fixed.items() if spec else ()
        return next((text for path, text in fixed if path == "resource.resourceType"), "Resource")


def absolute(uri: str) -> str:
    """Return a URI whose name in a mapping file may be short for one below our own canonical base."""
    return f"{CANONICAL}/{uri}" if _RELATIVE_URI.fullmatch(uri) else str(uri)
