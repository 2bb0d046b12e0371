"""Several records in one call: each is an item of a list, and the answer tells by its index what became of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from fhir_bridge.exchange import Share
from fhir_bridge.fhir.json import dumps, loads
from fhir_bridge.mapping.partner_fields import PartnerField, Unreadable
from fhir_bridge.mapping.sending import Pair
from fhir_bridge.outcome import Json


class At(NamedTuple):
    """Which record of a call is meant: the one at `position`, of so many."""

    position: int
    of: int


@dataclass(frozen=True, slots=True)
class Split:
    """What an answer tells of one record: its item where it was made; why it was refused; that it was there already."""

    made: Json = None
    refused: tuple[str, ...] | None = None
    repeated: bool = False


@dataclass(frozen=True, slots=True)
class Together:
    """How records go in one call: as the items of `records`, `most` at once; fields in `beside` are for all of them.

    Of the answer, `made`, `refused` and `repeated` are lists; in their items, `index` tells the record, and `text` why
    it was refused.
    """

    most: int
    records: PartnerField
    beside: frozenset[str]
    made: PartnerField
    refused: PartnerField | None
    repeated: PartnerField | None
    index: PartnerField
    text: PartnerField | None

    def share(self, body: Mapping[str, Any]) -> Share:
        """Return the part that a record, with what stands beside it, has in a call."""
        around = {name: value for name, value in body.items() if name in self.beside}
        record = {name: value for name, value in body.items() if name not in self.beside}

        def join(records: Sequence[object]) -> bytes:
            whole = loads(dumps(around))
            self.records.put(whole, list(records))
            return dumps(whole)

        return Share(record, dumps(around), self.most, join)

    def placed(self, pairs: Sequence[Pair], at: At) -> Iterator[Pair]:
        """Yield the pairs of a record with their fields where they stand in the call."""
        for pair in pairs:
            is_beside = bool(pair.field) and pair.field[0] in self.beside
            yield pair if is_beside else replace(pair, field=(*self.records.keys, at.position, *pair.field))

    def split(self, answer: Json, at: At) -> Split:
        """Return what an answer tells of one record. Raises Unreadable, also where it tells nothing of it."""
        made = self._about(answer, self.made, at)
        if made:
            return Split(made=made[0])
        refused = self._about(answer, self.refused, at)
        if refused:
            return Split(refused=tuple(self._words(item) for item in refused))
        if self._about(answer, self.repeated, at):
            return Split(repeated=True)
        raise Unreadable((), "it does not tell what became of the record")

    def _about(self, answer: Json, field: PartnerField | None, at: At) -> list[Json]:
        """The items that are about a record; where there is one record alone, every item is."""
        items = None if field is None else field.get(answer)
        if items is None or field is None:
            return []
        if not isinstance(items, list):
            raise Unreadable(field.keys, "a list is expected here")
        return [item for item in items if at.of == 1 or self._index(item) == at.position]

    def _index(self, item: Json) -> Json:
        """The index that an item tells, or is; None where it is none."""
        index = self.index.get(item) if isinstance(item, dict) else item
        return None if isinstance(index, bool) else index

    def _words(self, item: Json) -> str:
        words = self.text.get(item) if self.text is not None and isinstance(item, dict) else item
        return words if isinstance(words, str) else ""
