"""Compiled rows: each sends a FHIR element to a partner field, receives it back, and can say where both are."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from fhir_bridge.mapping.code_tables import UnknownCode, printable_code
from fhir_bridge.mapping.partner_fields import ITSELF, Keys, PartnerField, Unreadable, dotted
from fhir_bridge.mapping.places import SKIPPED, Place
from fhir_bridge.mapping.sending import Pair, Receiving, Sending
from fhir_bridge.mapping.source import Mark
from fhir_bridge.outcome import Issue, Json

UNSUPPORTED = "unsupported"
"""The data-absent-reason of an element whose code at the partner no table knows."""


@dataclass(frozen=True, slots=True)
class ValueRow:
    """One element and one field. `fields` are read in this order, the first is written.

    `part_of` is the field of the partner's record that holds this one, None where this one is such a field itself.
    `clears`: whether the partner takes null for it; None where the row does not say.
    """

    mark: Mark
    place: Place
    fields: tuple[PartnerField, ...]
    to_partner: Callable[[Json], Json]
    to_fhir: Callable[[Json], Json]
    sends: bool
    required: bool
    is_code: bool
    part_of: str | None
    padded: bool
    clears: bool | None = None

    def send(self, root: Json, sending: Sending, body: dict[str, Any], prefix: str) -> None:
        """Write what the element holds to the partner's field; nothing where it holds nothing."""
        if not self.sends:
            return
        value = self.place.get(root)
        if value is None:
            self._keep_code(root, sending, prefix)
            return
        try:
            self.fields[0].put(body, self.to_partner(value))
        except ValueError as error:
            sending.issues.append(self._cannot_be_sent(str(error), self.place.where(root, prefix)))

    def receive(self, record: Json, root: Json, receiving: Receiving, within: Keys) -> bool:
        """Write what the field holds to the element; returns whether there was anything. Raises Unreadable."""
        value, source = None, self.fields[0]
        for source in self.fields:
            value = source.get(record, within)
            if value is not None:
                break
        if value is None:
            if self.required:
                raise Unreadable((*within, *self.fields[0].keys), "it is missing")
            return False
        keys = (*within, *source.keys)
        try:
            self.place.put(root, self.to_fhir(value))
        except UnknownCode:
            self.place.put_absent(root, UNSUPPORTED)
            receiving.unknown_codes.append((dotted(keys), printable_code(value)))
        except ValueError as error:
            raise Unreadable(keys, str(error)) from None
        return True

    def pairs(self, root: Json, prefix: str, within: Keys) -> Iterator[Pair]:
        """Yield what this row means for the resource, also where the element is absent."""
        told_by = tuple(self.place.told_by(root, prefix))
        value = self.place.get(root)
        if value is not None and self.sends:
            try:
                value = self.to_partner(value)
            except ValueError:
                value = None
        element = self.place.where(root, prefix)
        yield Pair(element, (*within, *self.fields[0].keys), value, self.mark, told_by, self.sends, self.place.name)

    def used(self, root: Json, prefix: str) -> list[str]:
        """Return the FHIRPaths of what is sent, and of what tells it; none where nothing is."""
        value = self.place.get(root)
        if value is None or not self.sends:
            return []
        try:
            self.to_partner(value)
        except ValueError:
            return []
        return self.place.paths(root, prefix)

    def absences(self, root: Json, prefix: str) -> Iterator[str]:
        """Yield the extension that says why there is no value here, where it is the one that `receive` writes."""
        if (self.is_code and self.place.is_put_absent(root, UNSUPPORTED)) or (
            self.padded and self.place.is_put_absent(root, SKIPPED) and self.place.is_skipped(root)
        ):
            yield f"{self.place.where(root, prefix)}.extension[0]"

    def kept(self, root: Json, known: Json, prefix: str) -> list[str]:
        """Return the element, and what tells it, where a record that is known has the same."""
        value = self.place.get(root)
        return self.place.paths(root, prefix) if value is not None and value == self.place.get(known) else []

    def values(self, root: Json) -> Json:
        """Return the element as it stands, to be compared."""
        return self.place.get(root)

    def finish(self, root: Json) -> None:
        """Say of skipped items of a list that they are unknown."""
        if self.padded:
            self.place.pad(root)

    def _keep_code(self, root: Json, sending: Sending, prefix: str) -> None:
        """A code of the partner that no table knows must not be lost with what is sent around it."""
        if self.part_of is not None and self.is_code and self.place.absent_reason(root) == UNSUPPORTED:
            why = "the partner has a code here that no table knows, and sending what is around it would lose it"
            sending.lost.append((self.part_of, self._cannot_be_sent(why, self.place.where(root, prefix))))

    def _cannot_be_sent(self, why: str, expression: str) -> Issue:
        name = self.place.element.path
        if self.is_code:
            return Issue("code-unknown-to-partner", "code-invalid", f"`{name}` cannot be sent: {why}.", expression)
        return Issue("cannot-be-sent", "value", f"`{name}` cannot be sent: {why}.", expression)


@dataclass(frozen=True, slots=True)
class ListRow:
    """Members of a list and the items of a partner's list; what a member's rows leave empty is no item.

    Items may be plain values: then their one row has a field without keys.
    """

    mark: Mark
    place: Place
    field: PartnerField
    rows: tuple[ValueRow, ...]
    sends: bool
    clears: bool | None = None

    @property
    def is_plain(self) -> bool:
        """Whether the items are plain values."""
        return self.rows[:1] != () and self.rows[0].fields[0].keys == ()

    def send(self, root: Json, sending: Sending, body: dict[str, Any], prefix: str) -> None:
        """Write one item for each member that has something for the partner."""
        if not self.sends:
            return
        items = []
        path = self._list_path(root, prefix)
        for index, member in self.place.members(root):
            item: dict[str, Any] = {}
            for row in self.rows:
                row.send(member, sending, item, f"{path}[{index}]")
            if item:
                items.append(item[ITSELF] if self.is_plain else item)
        if items:
            self.field.put(body, items)

    def receive(self, record: Json, root: Json, receiving: Receiving, within: Keys) -> bool:
        """Write one member for each item. Raises Unreadable."""
        items = self.field.get(record, within)
        if items is None:
            return False
        keys = (*within, *self.field.keys)
        if not isinstance(items, list):
            raise Unreadable(keys, "a list is expected here")
        read = [self._receive_item(item, root, receiving, (*keys, n)) for n, item in enumerate(items)]
        return any(read)

    def _receive_item(self, item: Json, root: Json, receiving: Receiving, within: Keys) -> bool:
        if item in (None, {}):
            return False
        if not (self.is_plain or isinstance(item, dict)):
            raise Unreadable(within, "an object is expected here")
        member = self.place.new()
        read = [row.receive(item, member, receiving, within) for row in self.rows]
        if any(read):
            self.place.add(root, member)
        return any(read)

    def pairs(self, root: Json, prefix: str, within: Keys) -> Iterator[Pair]:
        """Yield the list, each item that is sent, and what its rows mean."""
        path, keys = self._list_path(root, prefix), (*within, *self.field.keys)
        around = tuple(self._around(root, prefix))
        slice_ = self.place.steps[-1].slice
        sent = 0
        yield Pair(path, keys, None, self.mark, (), self.sends, self.place.name)
        for index, member in self.place.members(root):
            element = f"{path}[{index}]"
            inner = [pair for row in self.rows for pair in row.pairs(member, element, (*keys, sent))]
            if not any(pair.sends and pair.value is not None for pair in inner):
                continue
            told_by = tuple(f"{element}.{name}" for name in slice_.told_by(member)) if slice_ else ()
            yield Pair(element, (*keys, sent), None, self.mark, (), self.sends, self.place.name)
            for pair in inner:
                yield replace(pair, told_by=(*around, *told_by, *pair.told_by), sends=pair.sends and self.sends)
            sent += 1

    def used(self, root: Json, prefix: str) -> list[str]:
        """Return the FHIRPaths of what is sent of the members, and of what tells these; none where nothing is."""
        path, slice_ = self._list_path(root, prefix), self.place.steps[-1].slice
        found: list[str] = []
        for index, member in self.place.members(root) if self.sends else ():
            element = f"{path}[{index}]"
            inner = [each for row in self.rows for each in row.used(member, element)]
            told_by = slice_.told_by(member) if inner and slice_ else ()
            found += [*inner, *(f"{element}.{name}" for name in told_by)]
        return [*found, *self._around(root, prefix)] if found else []

    def absences(self, root: Json, prefix: str) -> Iterator[str]:
        """Yield the extensions that say why a member has no value, where they are those that `receive` writes."""
        path = self._list_path(root, prefix)
        for index, member in self.place.members(root):
            for row in self.rows:
                yield from row.absences(member, f"{path}[{index}]")

    def kept(self, root: Json, known: Json, prefix: str) -> Iterator[str]:
        """Yield each member that a record which is known has as well."""
        path, others = self._list_path(root, prefix), [member for _, member in self.place.members(known)]
        yield from (f"{path}[{index}]" for index, member in self.place.members(root) if member in others)

    def values(self, root: Json) -> Json:
        """Return the members, to be compared; None where there are none."""
        return [member for _, member in self.place.members(root)] or None

    def finish(self, root: Json) -> None:
        """Say of skipped items of lists within the members that they are unknown."""
        for _, member in self.place.members(root):
            for row in self.rows:
                row.finish(member)

    def _around(self, root: Json, prefix: str) -> list[str]:
        """The FHIRPaths of the elements that tell in which members of lists this list is."""
        return Place(self.place.steps[:-1], self.place.element).told_by(root, prefix)

    def _list_path(self, root: Json, prefix: str) -> str:
        """The FHIRPath of the list, its own index left off."""
        path = self.place.where(root, prefix)
        return path[: path.rindex(self.place.steps[-1].path) + len(self.place.steps[-1].path)]


@dataclass(frozen=True, slots=True)
class PathRow:
    """One element and a variable of the URL's path; `otherwise` is taken where the element is absent."""

    mark: Mark
    place: Place
    variable: str
    otherwise: str | None

    def send(self, root: Json, sending: Sending, body: dict[str, Any], prefix: str) -> None:
        """Write the variable; an issue `required` where there is no value, `value` where it could leave its place."""
        value = self.place.get(root)
        if value is None:
            value = self.otherwise
        expression = self.place.where(root, prefix)
        if value is None:
            text = f"`{self.variable}` is needed: send it, or have a default configured."
            sending.issues.append(Issue("element-missing", "required", text, expression))
        elif not is_path_segment(value):
            text = f"`{self.variable}` becomes part of an address: at most 200 characters, no '/', not '.' or '..'."
            sending.issues.append(Issue("cannot-be-sent", "value", text, expression))
        else:
            sending.path[self.variable] = value

    def receive(self, record: Json, root: Json, receiving: Receiving, within: Keys) -> bool:
        return False

    def pairs(self, root: Json, prefix: str, within: Keys) -> Iterator[Pair]:
        value = self.place.get(root)
        told_by = tuple(self.place.told_by(root, prefix))
        element = self.place.where(root, prefix)
        yield Pair(element, (f"{{{self.variable}}}",), value, self.mark, told_by, name=self.place.name)

    def used(self, root: Json, prefix: str) -> list[str]:
        return self.place.paths(root, prefix) if self.place.get(root) is not None else []

    def values(self, root: Json) -> Json:
        return self.place.get(root)

    def finish(self, root: Json) -> None:
        pass


@dataclass(frozen=True, slots=True)
class ConstantRow:
    """One element that every resource of the map has, whatever the partner says; the partner gets nothing of it.

    One that stands `beside` elements that are read is there with them alone: it says nothing by itself.
    """

    mark: Mark
    place: Place
    value: str
    beside: bool = False

    def send(self, root: Json, sending: Sending, body: dict[str, Any], prefix: str) -> None:
        pass

    def receive(self, record: Json, root: Json, receiving: Receiving, within: Keys) -> bool:
        """Write the element, which by itself makes no record."""
        if not self.beside:
            self.place.put(root, self.value)
        return False

    def pairs(self, root: Json, prefix: str, within: Keys) -> Iterator[Pair]:
        """Yield the element where it is as it always is: then leaving it behind is no loss."""
        if self.place.get(root) == self.value:
            told_by = tuple(self.place.told_by(root, prefix))
            yield Pair(self.place.where(root, prefix), (), self.value, self.mark, told_by, name=self.place.name)

    def used(self, root: Json, prefix: str) -> list[str]:
        """Return the element where it is as it always is: then leaving it behind is no loss."""
        return self.place.paths(root, prefix) if self.place.get(root) == self.value else []

    def values(self, root: Json) -> Json:
        return self.place.get(root)

    def finish(self, root: Json) -> None:
        """Write the element beside what was read."""
        if self.beside and self.place.is_around(root):
            self.place.put(root, self.value)


Row = ValueRow | ListRow | PathRow | ConstantRow

MAX_SEGMENT = 200
"""How many characters of an address a client may fill in: no partner's names are longer."""
_NO_SEGMENT = re.compile(r"[/\\\x00-\x1f\x7f]")


def is_path_segment(text: str) -> bool:
    """Whether the text, percent-encoded, stays one segment of a URL's path at any server."""
    return text not in ("", ".", "..") and len(text) <= MAX_SEGMENT and not _NO_SEGMENT.search(text)
