"""A resource without some of its elements, and where what is left of it stood before.

Nothing stays contained for the sake of what is gone. https://hl7.org/fhir/R4/domainresource.html#invs (dom-3)
"""

from __future__ import annotations

import copy
import re
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from fhir_bridge.fhir.elements import Version
from fhir_bridge.fhir.fhirpath_location import Spot, items_of, located, write_items
from fhir_bridge.fhir.fhirpath_steps import steps
from fhir_bridge.fhir.references import all_unneeded
from fhir_bridge.outcome import Json


class Rest(NamedTuple):
    """What is left of a resource, and what is `gone`, as FHIRPaths of the resource that it was."""

    resource: Json
    gone: tuple[str, ...] = ()


def leave(resource: Json, gone: Sequence[str], version: Version) -> Rest:
    """Return a sound resource without the elements at FHIRPaths, nor what it contained for their sake alone."""
    once = tuple(dict.fromkeys(gone))
    if not once:
        return Rest(resource)
    rest, places = _without(resource, once, version), Gaps.of(once)
    needless = all_unneeded(rest)
    if not needless:
        return Rest(rest, once)
    contained = [each for index, each in enumerate(rest["contained"]) if index not in needless]
    left = {name: value for name, value in rest.items() if name != "contained"}
    former = [places.former_place(f"{resource['resourceType']}.contained[{index}]") for index in needless]
    return Rest({**left, "contained": contained} if contained else left, (*once, *former))


def stands_in(resource: Json, expression: str, version: Version) -> bool:
    """Whether a FHIRPath of plain steps leads to an element; not to one that the resource's version does not have."""
    try:
        return bool(located(version, resource, steps(expression)))
    except LookupError:
        return False


def _without(resource: Json, gone: Sequence[str], version: Version) -> Json:
    rest = copy.deepcopy(resource)
    nodes = [node for expression in gone for node in located(version, rest, steps(expression))]
    taken: dict[tuple[int, str], tuple[Spot, set[int]]] = {}
    for spot in (node.spot for node in nodes if node.spot is not None):
        taken.setdefault((id(spot.holder), spot.element.name), (spot, set()))[1].add(spot.at)
    for spot, places in taken.values():
        items = [item for at, item in enumerate(items_of(spot.holder, spot.element)) if at not in places]
        write_items(spot.holder, spot.element, items)
    return rest


@dataclass(frozen=True, slots=True)
class Gaps:
    """Which items of lists are gone: by the FHIRPath of a list, how many of those that are left stood before each gap.

    Items of a list that are gone leave their numbers to those after them.
    """

    lists: Mapping[str, Sequence[int]] = field(default_factory=dict)

    @staticmethod
    def of(gone: Iterable[str]) -> Gaps:
        """Return the gaps that elements leave, of which those that are items of lists have an index at the end."""
        indices: dict[str, set[int]] = {}
        for expression in gone:
            if match := _ITEM.fullmatch(expression):
                indices.setdefault(match[1], set()).add(int(match[2]))
        return Gaps({place: [at - n for n, at in enumerate(sorted(found))] for place, found in indices.items()})

    def former_place(self, expression: str) -> str:
        """Return where an element stood before: `Patient.name[0]` was `Patient.name[1]` without the first."""
        place = ""
        for step in _INDEX.split(expression):
            place += f"[{self._former_index(int(step[1:-1]), place)}]" if _INDEX.fullmatch(step) else step
        return place

    def _former_index(self, index: int, place: str) -> int:
        return index + bisect_right(self.lists.get(place, ()), index)


NO_GAPS = Gaps()
_INDEX = re.compile(r"(\[\d{1,9}\])")
_ITEM = re.compile(r"(.*)\[(\d{1,9})\]", re.DOTALL)
