"""What a walk through a resource on its way to the other FHIR version has in hand, and how it writes an extension.

https://hl7.org/fhir/R4/versions.html#extensions
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from fhir_bridge.fhir.cross_version import Content, known_elements, url, written
from fhir_bridge.fhir.elements import Element
from fhir_bridge.fhir.r4_stu3 import NAMES, Way
from fhir_bridge.outcome import Issue, Json


@dataclass(frozen=True, slots=True)
class Walk:
    """One conversion: its direction, the time of a message that tells none, and what could not be carried over."""

    way: Way
    now: datetime | None = None
    issues: list[Issue] = field(default_factory=list)

    def left_behind(self, expression: str, what: str = "has no place for this: it is left behind") -> None:
        text = f"{NAMES[self.way.target]} {what}."
        self.issues.append(Issue("left-behind", "not-supported", text, expression, "warning"))

    def impossible(self, expression: str, what: str) -> None:
        text = f"{NAMES[self.way.target]} {what}."
        self.issues.append(Issue("cannot-be-sent", "not-supported", text, expression))


class Place(NamedTuple):
    """Where the walk is: "ConditionStage", "Condition.stage", "Bundle.entry[2].resource.stage"."""

    type_name: str
    definition: str
    expression: str

    def of(self, element: Element) -> str:
        return f"{self.definition}.{element.path}"

    def expression_of(self, element: Element) -> str:
        return f"{self.expression}.{element.path}"


@dataclass(frozen=True, slots=True)
class Draft:
    """A value being built: its elements, and the extensions that stand for what has no element."""

    value: dict[str, Json] = field(default_factory=dict)
    carried: list[Json] = field(default_factory=list)

    def write(self, name: str, content: Content) -> None:
        self.value.update({prefix + name: item for prefix, item in content.items()})

    def whole(self) -> dict[str, Json]:
        if not self.carried:
            return self.value
        return {**self.value, "extension": [*self.value.get("extension", ()), *self.carried]}


def carry(walk: Walk, place: Place, draft: Draft, element: Element, content: Content) -> None:
    """Write the extension that stands for an element the other version lacks."""
    if "extension" not in known_elements(walk.way.target, place.type_name):
        walk.left_behind(place.expression_of(element))
        return
    if any("modifierExtension" in each for each in _objects(content)):
        walk.impossible(place.expression_of(element), "cannot say this with its modifierExtension")
        return
    draft.carried.extend(written(walk.way.target, url(walk.way.source, place.of(element)), element, content))


def _objects(content: Content) -> list[Json]:
    value = content.get("")
    return [each for each in (value if isinstance(value, list) else [value]) if isinstance(each, dict)]
