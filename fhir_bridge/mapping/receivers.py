"""What a success's body tells: the resource that a partner's record becomes, and its id."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from fhir_bridge.fhir.interaction import ID, Interaction
from fhir_bridge.fhir.json import loads
from fhir_bridge.limits import DEFAULTS, Limits
from fhir_bridge.mapping.checks import Check
from fhir_bridge.mapping.like import Spell
from fhir_bridge.mapping.maps import Map
from fhir_bridge.mapping.partner_fields import Keys, PartnerField, Unreadable
from fhir_bridge.mapping.senders import IdPair
from fhir_bridge.outcome import FhirError, Issue, Json


@dataclass(frozen=True, slots=True)
class Received:
    """What a success's body tells: a resource (None where it holds none), and the id of the record.

    `unknown_codes` are partner codes that no table knows, as (field, code). `found` are the resources of a list,
    `total` how many there are on all its pages, None where nobody told. `id_of` is the type of the record
    that `id` is of, where it is not the interaction's. `record` is what the partner sent.
    """

    resource: Json = None
    id: str | None = None
    unknown_codes: tuple[tuple[str, str], ...] = ()
    found: tuple[Json, ...] = ()
    total: int | None = None
    id_of: str | None = None
    record: Json = None


class Receiver(Protocol):
    """Reads a success's body; raises Unreadable."""

    def receive(self, body: bytes, interaction: Interaction) -> Received: ...


@dataclass(frozen=True, slots=True)
class MapReceiver:
    """Reads what the rows of a map say. What it makes is checked: a client never gets what is no FHIR.

    An answer that only `adds` to a record may tell nothing; the record is checked when it is whole.
    `text`: the answer is bare text, and counts as a record with this field.
    """

    map: Map
    at: PartnerField | None
    id: IdPair | None
    structure: Check
    adds: bool = False
    text: PartnerField | None = None

    def receive(self, body: bytes, interaction: Interaction) -> Received:
        limits = interaction.limits
        record = read_json(body, limits) if self.text is None else _record_of_text(body, self.text, limits)
        if self.at is not None:
            record = self.at.get(record)
        keys = self.at.keys if self.at else ()
        record = {} if self.adds and record is None else record
        resource, unknown_codes = read_resource(self.map, self.structure, record, keys, adds=self.adds)
        id_ = _read_id(record, self.id) if self.id is not None else resource.get("id")
        check_told_id(id_, interaction)
        return Received(resource, id_, unknown_codes, record=record)


def read_resource(
    map_: Map, structure: Check, record: Json, keys: Keys = (), *, adds: bool = False
) -> tuple[Json, tuple[tuple[str, str], ...]]:
    """Return the resource that a record is, and the unknown codes in it; raises Unreadable where it makes no FHIR.

    One that only `adds` to another may say nothing, and is checked when that is whole.
    """
    resource, receiving = map_.to_fhir(record, may_be_empty=adds)
    if not adds:
        check_made(structure(resource), keys)
    return resource, tuple(receiving.unknown_codes)


def check_made(problems: Sequence[Issue], keys: Keys = ()) -> None:
    """What is made of a partner's answer must be FHIR; raises Unreadable."""
    if problems:
        raise Unreadable(keys, f"it makes no FHIR: {problems[0].expression}: {problems[0].text.removesuffix('.')}")


@dataclass(frozen=True, slots=True)
class IdReceiver:
    """Reads the id of a record out of an answer that tells nothing else; with `id` None, it tells nothing at all."""

    at: PartnerField | None
    id: IdPair | None

    def receive(self, body: bytes, interaction: Interaction) -> Received:
        if self.id is None:
            return Received()
        record = read_json(body, interaction.limits)
        id_ = _read_id(record if self.at is None else self.at.get(record), self.id)
        if id_ is None:
            raise Unreadable(self.id.field.keys, "it is missing")
        check_told_id(id_, interaction)
        return Received(id=id_)


def check_form(id_: str | None) -> None:
    """An id that is told may stand in an address; raises Unreadable for one that FHIR does not allow."""
    if id_ is not None and not ID.fullmatch(id_):
        raise Unreadable((), "its id is none that FHIR allows")


def check_told_id(found: str | None, interaction: Interaction, spell: Spell = str) -> None:
    """Nobody finds a new record whose id is not told, and a record of somebody else must never be taken for the one
    that was asked for, whose id may be spelled in another way; raises Unreadable.
    """
    if found is None and interaction.code == "create":
        raise Unreadable((), "it does not tell the id of the new record")
    check_form(found)
    if found is not None and interaction.address.id is not None and spell(found) != interaction.id:
        raise Unreadable((), "it is the record of another id than the one that was asked for")


def _read_id(record: Json, id_: IdPair) -> str | None:
    value = id_.field.get(record)
    if value is None:
        return None
    try:
        return str(id_.transform.to_fhir(value))
    except ValueError as error:
        raise Unreadable(id_.field.keys, str(error)) from None


def read_json(body: bytes, limits: Limits = DEFAULTS) -> Json:
    """Return a partner's JSON; raises Unreadable, also where it is more than anybody can take in at once."""
    if not body.strip():
        raise Unreadable((), "it is empty")
    try:
        return loads(body, limits.of_answers)
    except FhirError as error:
        raise Unreadable((), f"it is no JSON: {error.issues[0].text.removesuffix('.')}") from None


def _record_of_text(body: bytes, field: PartnerField, limits: Limits) -> Json:
    """Return an answer of bare text as a record; text in quotes is JSON's. Raises Unreadable."""
    try:
        text = body.decode().strip()
    except UnicodeDecodeError:
        raise Unreadable((), "it is no text in UTF-8") from None
    record: dict[str, Json] = {}
    field.put(record, read_json(body, limits) if text.startswith('"') else text)
    return record
