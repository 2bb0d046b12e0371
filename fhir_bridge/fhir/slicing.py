"""Slices: which of a profile's kinds of item one is, and how many there are of each.

https://hl7.org/fhir/R4/profiling.html#slicing
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import NamedTuple

from fhir_bridge.fhir.cardinality import Cardinality, too_few, too_many
from fhir_bridge.fhir.check import Check, Visit, listed
from fhir_bridge.fhir.differential import Node
from fhir_bridge.fhir.elements import Version, is_resource
from fhir_bridge.fhir.occurrences import Item
from fhir_bridge.fhir.values import Predicate, expected_value, shown
from fhir_bridge.outcome import Issue, Json

_STEPS = re.compile(r"[a-zA-Z]\w*(\.[a-zA-Z]\w*)*")

ItemsCheck = Callable[[Sequence[Item], str, Visit], None]
"""Called with all occurrences of an element, the element's path without an index, and the visit."""


class Discriminator(NamedTuple):
    """What tells a slice's items from others: one of the values at `path` is as it should be where `fits`.

    `words` say so (`` `name` `status` ``); `text` is the expected value where that is a text.
    """

    path: str
    fits: Predicate
    words: str
    text: str | None = None


@dataclass(frozen=True, slots=True)
class Slice:
    discriminators: tuple[Discriminator, ...]
    cardinality: Cardinality
    check: Check

    @property
    def has(self) -> Predicate:
        """Whether an item is one of the slice."""
        first, *others = [one.fits for one in self.discriminators]
        return first if not others else lambda item: first(item) and all(fits(item) for fits in others)

    def label(self, step: str) -> str:
        """Return the slice in words: `` `parameter` with `name` `status` ``."""
        return f"`{step}` with {' and '.join(one.words for one in self.discriminators)}"


def _values_at(value: Json, path: str) -> list[Json]:
    """Return what stands at a path of plain steps, each item of a list by itself; `$this` is the value."""
    values = [value]
    for step in path.split(".") if path != "$this" else ():
        found = [item.get(step) for item in values if isinstance(item, dict)]
        values = [item for one in found for item in (one if isinstance(one, list) else [one])]
    return [value for value in values if value is not None]


def _at(path: str, is_expected: Predicate) -> Predicate:
    """Return whether a value at the path is as expected; a path of one step is the usual one, and the quick one."""
    if path == "$this":
        return is_expected
    if "." in path:
        return lambda item: any(map(is_expected, _values_at(item, path)))

    def fits(item: Json) -> bool:
        value = item.get(path) if isinstance(item, dict) else None
        return any(map(is_expected, value)) if isinstance(value, list) else value is not None and is_expected(value)

    return fits


def discriminators(node: Node, slicing: Json, version: Version) -> tuple[Discriminator, ...]:
    """Return what tells the items of a slice; raises ValueError for what cannot be checked."""
    if slicing.get("ordered") or slicing.get("rules") not in ("open", "closed"):
        raise ValueError("has slicing that is ordered or openAtEnd, which is not checked; make it open or closed")
    if not slicing.get("discriminator"):
        raise ValueError("has slicing without a discriminator; add one of type value, pattern or type")
    return tuple(_discriminator(node, one["type"], one["path"], version) for one in slicing["discriminator"])


def _discriminator(node: Node, kind: str, path: str, version: Version) -> Discriminator:
    if path != "$this" and not _STEPS.fullmatch(path):
        raise ValueError(f"has the discriminator path `{path}`, which is not checked; use plain steps")
    if kind == "type":
        return _by_type(node, path, version)
    if kind not in ("value", "pattern"):
        raise ValueError(f"has a discriminator of type {kind}, which is not checked; use value, pattern or type")
    return _by_value(node, path)


def _by_type(node: Node, path: str, version: Version) -> Discriminator:
    target = _below(node, path)
    types = [one["code"] for one in target.definition.get("type", ())] if target else []
    if not types or not all(is_resource(version, type_name) for type_name in types):
        raise ValueError(f"is told by the type of `{path}`, but gives no resource type there; add it")
    words = f"type {listed(types)}" if path == "$this" else f"`{path}` of type {listed(types)}"
    return Discriminator(
        path, _at(path, lambda value: isinstance(value, dict) and value.get("resourceType") in types), words
    )


def _by_value(node: Node, path: str) -> Discriminator:
    target = _below(node, path)
    told = expected_value(target.definition) if target else None
    if told is None and path == "url":
        told = _url_of_profile(node)
    if told is None:
        raise ValueError(f"is told by `{path}`, but fixes no value there; add a fixed[x] or pattern[x]")
    is_expected, expected = told
    words = f"`{shown(expected)}`" if path == "$this" else f"`{path}` `{shown(expected)}`"
    return Discriminator(path, _at(path, is_expected), words, expected if isinstance(expected, str) else None)


def _url_of_profile(node: Node) -> tuple[Predicate, Json] | None:
    """An extension is known by its url, which is that of its profile."""
    profiles = [url for one in node.definition.get("type", ()) for url in one.get("profile", ())]
    return expected_value({"fixedUri": profiles[0]}) if len(profiles) == 1 else None


def _below(node: Node, path: str) -> Node | None:
    """Return the node at a path below a slice; where that is sliced again, the slice that must be there."""
    found: Node | None = node
    for step in path.split(".") if path != "$this" else ():
        found = found.children.get(step) if found else None
    if found and found is not node and expected_value(found.definition) is None:
        needed = [one for one in found.slices.values() if one.definition.get("min", 0) > 0]
        return needed[0] if len(needed) == 1 else found
    return found


def slicing_check(step: str, slices: Sequence[Slice], *, closed: bool) -> ItemsCheck:
    """Return the check that each item keeps the rules of its slice, and that each slice has as many as it must.

    An item belongs to the first slice that it fits. One beyond a slice's maximum is reported and not looked into.
    """
    unknown = _unknown_item(step, slices)
    members = [(index, one.has) for index, one in enumerate(slices)]

    def check(items: Sequence[Item], path: str, visit: Visit) -> None:
        counts = [0] * len(slices)
        for item in items:
            if visit.has_enough:
                return
            for index, has in members:
                if has(item.value):
                    counts[index] += 1
                    _check_item(step, slices[index], counts[index], item, visit)
                    break
            else:
                if closed:
                    visit.issues.append(unknown(item))
        for one, count in zip(slices, counts, strict=True):
            if count < one.cardinality.minimum:
                visit.issues.append(too_few(one.label(step), one.cardinality.minimum, path))

    return check


def _check_item(step: str, one: Slice, count: int, item: Item, visit: Visit) -> None:
    maximum = one.cardinality.maximum
    if maximum is not None and count > maximum:
        visit.issues.append(too_many(one.label(step), maximum, item.path))
    else:
        one.check(item.value, item.path, visit)


def _unknown_item(step: str, slices: Sequence[Slice]) -> Callable[[Item], Issue]:
    """Return what is said of an item that fits no slice, with the nearest name where names tell the slices apart."""
    told = [one.discriminators[0] for one in slices if len(one.discriminators) == 1]
    names = {one.text.lower(): one.text for one in told if one.text is not None}
    path = told[0].path if told else ""
    if len(names) == len(slices) and {one.path for one in told} == {path}:
        what, known = f"No `{step}` with this `{path}` is known here", listed([*names.values()], "and")
    else:
        what, known = f"This `{step}` is none of those known here", ", ".join(one.label(step) for one in slices)

    def issue(item: Item) -> Issue:
        sent = next((value for value in _values_at(item.value, path) if isinstance(value, str)), "")
        nearest = get_close_matches(sent[:64].lower(), names, n=1)
        advice = f"did you mean `{names[nearest[0]]}`? Known" if nearest else "known"
        return Issue("no-slice", "invalid", f"{what}; {advice} are {known}.", item.path)

    return issue
