"""A resource without some of its elements, and where what is left of it stood before.

Nothing stays contained for the sake of what is gone. https://hl7.org/fhir/R4/domainresource.html#invs (dom-3)
"""

from __future__ import annotations

import copy
import re
from collections.abc import Collection, Sequence
from typing import NamedTuple

from fhir_bridge.fhir.elements import Version
from fhir_bridge.fhir.fhirpath_location import items_of, located, write_items
from fhir_bridge.fhir.fhirpath_steps import steps
from fhir_bridge.fhir.references import unneeded
from fhir_bridge.outcome import Json


class Rest(NamedTuple):
    """What is left of a resource, and what is `gone`, as FHIRPaths of the resource that it was."""

    resource: Json
    gone: tuple[str, ...] = ()


def leave(resource: Json, gone: Sequence[str], version: Version) -> Rest:
    """Return a sound resource without the elements at FHIRPaths, nor what it contained for their sake alone."""
    rest, all_gone = resource, list(dict.fromkeys(gone))
    new = all_gone
    while new:
        rest = _without(resource, all_gone, version)
        places = [f"{resource['resourceType']}.contained[{index}]" for index in unneeded(rest)]
        new = [former_place(place, all_gone) for place in places]
        all_gone = [*all_gone, *new]
    return Rest(rest, tuple(all_gone))


def stands_in(resource: Json, expression: str, version: Version) -> bool:
    """Whether a FHIRPath of plain steps leads to an element; not to one that the resource's version does not have."""
    try:
        return bool(located(version, resource, steps(expression)))
    except LookupError:
        return False


def _without(resource: Json, gone: Sequence[str], version: Version) -> Json:
    rest = copy.deepcopy(resource)
    nodes = [node for expression in gone for node in located(version, rest, steps(expression))]
    spots = [node.spot for node in nodes if node.spot is not None]
    for spot in sorted(spots, key=lambda spot: spot.at, reverse=True):
        items = items_of(spot.holder, spot.element)
        write_items(spot.holder, spot.element, items[: spot.at] + items[spot.at + 1 :])
    return rest


def former_place(expression: str, gone: Collection[str]) -> str:
    """Return where an element stood before others were gone: `Patient.name[0]` was `Patient.name[1]` without the first.

    Items of a list that are gone leave their numbers to those after them.
    """
    place = ""
    for step in _INDEX.split(expression):
        place += f"[{_former_index(int(step[1:-1]), place, gone)}]" if _INDEX.fullmatch(step) else step
    return place


_INDEX = re.compile(r"(\[\d{1,9}\])")


def _former_index(index: int, place: str, gone: Collection[str]) -> int:
    found = (_INDEX.fullmatch(each.removeprefix(place)) for each in gone if each.startswith(place))
    for missing in sorted(int(match[1][1:-1]) for match in found if match is not None):
        index += missing <= index
    return index
