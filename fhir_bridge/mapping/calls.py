"""The two halves of one partner call: a FHIR resource becomes a `PartnerRequest`, an answer becomes a resource."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol
from urllib.parse import quote, urlencode

from fhir_bridge.exchange import PartnerRequest, PartnerResponse, Repeat
from fhir_bridge.fhir.interaction import Interaction
from fhir_bridge.fhir.json import dumps, loads
from fhir_bridge.mapping.arguments import Arguments
from fhir_bridge.mapping.checks import Check, modifier_extensions
from fhir_bridge.mapping.headers import Source, read_headers
from fhir_bridge.mapping.maps import Map
from fhir_bridge.mapping.merging import Merging
from fhir_bridge.mapping.partner_fields import Constant, Keys, PartnerField, Unreadable, dotted
from fhir_bridge.mapping.places import Place
from fhir_bridge.mapping.refusals import Refusals
from fhir_bridge.mapping.rows import Pair, Sending
from fhir_bridge.mapping.together import At, Together
from fhir_bridge.mapping.transforms import Transform
from fhir_bridge.outcome import FhirError, Issue, Json


@dataclass(frozen=True, slots=True)
class IdPair:
    """The partner's field that holds the id of the URL."""

    field: PartnerField
    transform: Transform


class Sender(Protocol):
    """Makes the partner's body of a resource whose type is right. Never raises: problems are issues."""

    def send(self, resource: Json, interaction: Interaction) -> Sending: ...

    def complete(self, body: Json, interaction: Interaction) -> Json:
        """Return the body with what goes along with whatever is sent."""

    def check(self, resource: Json, interaction: Interaction) -> list[Issue]: ...

    def pairs(self, resource: Json) -> list[Pair]: ...

    def left_behind(self, resource: Json, known: Json = None) -> list[str]:
        """Return what the partner gets nothing of; what it keeps itself is no loss, as it is in a `known` one."""


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
class MapSender:
    """Sends what the rows of a map say; `in_headers` are elements that the call's headers take.

    `constants` are fields that go with whatever is sent, `ids` those that are the id of the URL where nothing else is.
    """

    map: Map
    id: IdPair | None
    structure: Check
    profile: Check
    in_headers: tuple[Place, ...] = ()
    constants: tuple[Constant, ...] = ()
    ids: tuple[PartnerField, ...] = ()

    def check(self, resource: Json, interaction: Interaction) -> list[Issue]:
        modifiers = modifier_extensions(resource, self.map.resource_type)
        return [*self.structure(resource), *self.profile(resource), *modifiers]

    def send(self, resource: Json, interaction: Interaction) -> Sending:
        return self.map.to_partner(resource)

    def complete(self, body: Json, interaction: Interaction) -> Json:
        if self.id is None and not self.constants and not self.ids:
            return body
        completed = copy.deepcopy(body)
        for constant in self.constants:
            constant.field.put(completed, constant.value)
        if self.id is not None:
            self.id.field.put(completed, self.id.transform.to_partner(interaction.id))
        for field in self.ids:
            if field.get(completed) is None:
                field.put(completed, interaction.id)
        return completed

    def pairs(self, resource: Json) -> list[Pair]:
        return self.map.pairs(resource)

    def left_behind(self, resource: Json, known: Json = None) -> list[str]:
        unchanged = [] if known is None else self.map.unchanged(resource, known)
        return self.map.left_behind(resource, [*self.in_headers, *unchanged])


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
        record = read_json(body) if self.text is None else _record_of_text(body, self.text)
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
        record = read_json(body)
        id_ = _read_id(record if self.at is None else self.at.get(record), self.id)
        if id_ is None:
            raise Unreadable(self.id.field.keys, "it is missing")
        check_told_id(id_, interaction)
        return Received(id=id_)


def check_told_id(found: str | None, interaction: Interaction) -> None:
    """A record of somebody else must never be taken for the one that was asked for; raises Unreadable."""
    if found is not None and interaction.address.id is not None and found != interaction.id:
        raise Unreadable((), "it is the record of another id than the one that was asked for")


def _read_id(record: Json, id_: IdPair) -> str | None:
    value = id_.field.get(record)
    if value is None:
        return None
    try:
        return str(id_.transform.to_fhir(value))
    except ValueError as error:
        raise Unreadable(id_.field.keys, str(error)) from None


def read_json(body: bytes) -> Json:
    """Return a partner's JSON; raises Unreadable."""
    if not body.strip():
        raise Unreadable((), "it is empty")
    try:
        return loads(body)
    except FhirError as error:
        raise Unreadable((), f"it is no JSON: {error.issues[0].text.removesuffix('.')}") from None


def _record_of_text(body: bytes, field: PartnerField) -> Json:
    """Return an answer of bare text as a record; text in quotes is JSON's. Raises Unreadable."""
    try:
        text = body.decode().strip()
    except UnicodeDecodeError:
        raise Unreadable((), "it is no text in UTF-8") from None
    record: dict[str, Json] = {}
    field.put(record, read_json(body) if text.startswith('"') else text)
    return record


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A call that is ready to be made. `pairs` say which element each field came from."""

    request: PartnerRequest
    sending: Sending
    pairs: Callable[[], Sequence[Pair]]


_NOTHING: Mapping[str, Json] = MappingProxyType({})
_WITHOUT_BODY = {"Accept": "application/json"}
_WITH_BODY = {"Accept": "application/json", "Content-Type": "application/json"}


class Add(NamedTuple):
    """A further call of a read. Where its status is one of `without`, the record is shown without what it adds."""

    call: Call
    without: frozenset[int]
    structure: Check
    """Checks the record with what was added."""


class Over(NamedTuple):
    """The read of the record that a call takes the place of, and how the two become one."""

    reads: Call
    merging: Merging


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a partner, compiled. `then` is the read that tells what became of a change; `adds` belong to a read.

    A `sender` makes what is sent of a resource; `arguments` make it of what a search asks for. A call that takes the
    whole record is laid `over` the one that is there. Several may be made `together`, as one.
    An `anonymous` call carries nobody's token. A client's refresh token is in the header `refresh_header` of its
    request, in lower case.
    """

    partner: str
    title: str
    method: str
    path: str
    sender: Sender | None
    receiver: Receiver
    headers: Mapping[str, tuple[Source, ...]]
    repeat: Repeat
    safe_without: tuple[PartnerField, ...]
    refusals: Refusals
    then: Call | None = None
    adds: tuple[Add, ...] = ()
    anonymous: bool = False
    refresh_header: str | None = None
    arguments: Arguments | None = None
    over: Over | None = None
    together: Together | None = None

    def prepare(
        self,
        interaction: Interaction,
        resource: Json,
        *,
        already: Mapping[str, Json] = _NOTHING,
        cleared: Iterable[PartnerField] = (),
        record: Json = None,
    ) -> tuple[Outgoing, list[Issue]]:
        """Return the call for a resource (None where nothing is sent), and what is wrong with it.

        Fields that the partner has `already`, with just these values, are not sent again; those that are to be
        `cleared` are null. What is sent is laid over the partner's `record`, where the call takes the whole.
        """
        sending = self._send(resource, interaction)
        if already:
            sending.body = {field: value for field, value in sending.body.items() if already.get(field) != value}
        for field in cleared:
            field.put(sending.body, None)
        whole = sending.body if self.over is None or record is None else self.over.merging.whole(record, sending.body)
        headers, problems = read_headers(self.headers, interaction, sending.whole or resource)
        has_body = self.method != "GET" and (self.sender is not None or self.arguments is not None)
        body = self._complete(whole, interaction) if has_body else None
        share = self.together.share(body) if self.together and body is not None else None
        request = PartnerRequest(
            partner=self.partner,
            method=self.method,
            path=_with_query(_fill(self.path, {"id": interaction.id, **sending.path}), sending.query),
            headers={**(_WITH_BODY if has_body else _WITHOUT_BODY), **headers},
            body=share.join([share.record]) if share else dumps(body) if has_body else None,
            repeat=self.repeat_of(sending.body),
            client_authorization=interaction.headers.get("authorization"),
            client_refresh_token=interaction.headers.get(self.refresh_header or ""),
            anonymous=self.anonymous,
            share=share,
        )
        outgoing = Outgoing(request, sending, lambda: self._pairs(resource))
        return outgoing, [*sending.issues_of(sending.body), *problems]

    def _send(self, resource: Json, interaction: Interaction) -> Sending:
        if self.arguments is not None:
            return self.arguments.send(interaction)
        return self.sender.send(resource, interaction) if self.sender else Sending()

    def _complete(self, body: Json, interaction: Interaction) -> Json:
        return self.sender.complete(body, interaction) if self.sender else body

    def _pairs(self, resource: Json) -> list[Pair]:
        if self.arguments is not None:
            return self.arguments.pairs()
        return self.sender.pairs(resource) if self.sender else []

    def read(self, interaction: Interaction, response: PartnerResponse, outgoing: Outgoing) -> Received:
        """Return what a partner's answer tells; raises FhirError."""
        if not 200 <= response.status_code < 300:
            pairs = outgoing.pairs()
            if self.together is not None:
                pairs = list(self.together.placed(pairs, At(response.index, response.of)))
            raise self.refusals.error(response, pairs, outgoing.sending.home)
        try:
            return self.receiver.receive(self._own(response, outgoing), interaction)
        except Unreadable as error:
            raise self.unreadable(error, response) from None

    def _own(self, response: PartnerResponse, outgoing: Outgoing) -> bytes:
        """What of an answer is about the record that was sent; raises FhirError where that was refused."""
        if self.together is None:
            return response.body
        split = self.together.split(read_json(response.body), At(response.index, response.of))
        if split.refused is not None:
            raise self.refusals.of_record(split.refused, outgoing.pairs())
        if split.repeated:
            raise self.refusals.of_repeat()
        return dumps(split.made)

    def repeat_of(self, body: dict[str, Any]) -> Repeat:
        """Return when this call may be sent again: not safely with a field that makes a second one another."""
        if any(field.get(body) is not None for field in self.safe_without):
            return "unsent"
        return self.repeat

    def unreadable(self, error: Unreadable, response: PartnerResponse) -> FhirError:
        field = f"`{dotted(error.field)}`: " if error.field else ""
        what = f"its answer cannot be read: {field}{error.why}."
        if self.method == "GET":
            text = f"{self.title} answered with status {response.status_code}, but {what}"
        else:
            text = f"{self.title} accepted the call (status {response.status_code}), but {what}"
        return FhirError(502, Issue("partner-answer-unreadable", "exception", text))


def _fill(path: str, variables: Mapping[str, str]) -> str:
    """Return the path with its variables, each percent-encoded so that it stays one segment."""
    return re.sub(r"\{(\w+)\}", lambda match: quote(variables.get(match.group(1), ""), safe=""), path)


def _with_query(path: str, query: Sequence[tuple[str, str]]) -> str:
    return f"{path}{'&' if '?' in path else '?'}{urlencode(query)}" if query else path
