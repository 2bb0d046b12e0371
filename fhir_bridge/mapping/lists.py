"""A partner's list: where its items are in an answer, and the resources that they are."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from fhir_bridge.fhir.interaction import Interaction
from fhir_bridge.mapping.checks import Check
from fhir_bridge.mapping.maps import Map
from fhir_bridge.mapping.partner_fields import Keys, PartnerField, Unreadable
from fhir_bridge.mapping.receivers import Received, read_json, read_resource
from fhir_bridge.mapping.source import Problems, Text
from fhir_bridge.outcome import Json

_NAME = r"[^.\[\]\s]+"
_ITEMS = re.compile(rf"(\[\]|{_NAME})(\[\]|\.{_NAME})*")


@dataclass(frozen=True, slots=True)
class Items:
    """Where the items of a list are: names of fields, and None for each item of a list on the way.

    `outer` are fields of the objects around an item that count as its own, where it has no such field itself.
    """

    steps: tuple[str | None, ...]
    outer: tuple[str, ...] = ()

    def of(self, answer: Json) -> Iterator[tuple[Keys, Json]]:
        """Yield each item with its place. Raises Unreadable."""
        first = self.steps[0]
        if first is not None and isinstance(answer, dict) and first not in answer:
            raise Unreadable((first,), "it is missing")
        yield from self._below(answer, (), self.steps, {})

    def _below(
        self, node: Json, place: Keys, steps: tuple[str | None, ...], outer: dict[str, Json]
    ) -> Iterator[tuple[Keys, Json]]:
        if not steps:
            yield place, {**outer, **node} if isinstance(node, dict) else node
        elif node is None:
            return
        elif steps[0] is None:
            if not isinstance(node, list):
                raise Unreadable(place, "a list is expected here")
            for index, item in enumerate(node):
                yield from self._below(item, (*place, index), steps[1:], outer)
        else:
            if not isinstance(node, dict):
                raise Unreadable(place, "an object is expected here")
            told = {name: node[name] for name in self.outer if name in node}
            yield from self._below(node.get(steps[0]), (*place, steps[0]), steps[1:], {**outer, **told})


def compile_items(path: Text, outer: tuple[Text, ...], problems: Problems) -> Items:
    """Return the items that `a.b` names, or `[].a[]`: each item of a list, then each of the list `a` in it."""
    if not _ITEMS.fullmatch(path):
        problems.add(path.mark, f"'{path}' leads to no list; write names with dots between, and [] for each item")
    steps = re.findall(rf"\[\]|{_NAME}", path if path.endswith("[]") else f"{path}[]")
    return Items(tuple(None if step == "[]" else step for step in steps), tuple(map(str, outer)))


@dataclass(frozen=True, slots=True)
class ListReceiver:
    """Reads a list: each item is what the rows of a map say. `total` is how many there are on all pages."""

    map: Map
    items: Items
    total: PartnerField | None
    structure: Check

    def receive(self, body: bytes, interaction: Interaction) -> Received:
        answer = read_json(body, interaction.limits)
        found: list[Json] = []
        unknown_codes: list[tuple[str, str]] = []
        for place, item in self.items.of(answer):
            try:
                resource, unknown = read_resource(self.map, self.structure, item)
            except Unreadable as error:
                raise Unreadable((*place, *error.field), error.why) from None
            found.append(resource)
            unknown_codes += unknown
        return Received(unknown_codes=tuple(unknown_codes), found=tuple(found), total=self._total(answer))

    def _total(self, answer: Json) -> int | None:
        total = self.total.get(answer) if self.total is not None else None
        if total is not None and (type(total) is not int or total < 0) and self.total is not None:
            raise Unreadable(self.total.keys, "a number is expected here")
        return total
