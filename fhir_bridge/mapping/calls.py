"""One partner call, compiled: what is sent becomes a `PartnerRequest`, and an answer is read for what it tells."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode

from fhir_bridge.exchange import PartnerRequest, PartnerResponse, Repeat
from fhir_bridge.fhir.interaction import Interaction
from fhir_bridge.fhir.json import dumps
from fhir_bridge.limits import Limits
from fhir_bridge.mapping.arguments import Arguments
from fhir_bridge.mapping.checks import Check
from fhir_bridge.mapping.headers import Source, read_headers
from fhir_bridge.mapping.merging import Merging
from fhir_bridge.mapping.partner_fields import PartnerField, Unreadable, dotted
from fhir_bridge.mapping.receivers import Received, Receiver, read_json
from fhir_bridge.mapping.refusals import Refusals
from fhir_bridge.mapping.senders import Sender
from fhir_bridge.mapping.sending import Pair, Sending
from fhir_bridge.mapping.together import At, Together
from fhir_bridge.outcome import FhirError, Issue, Json


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A call that is ready to be made, once `request` builds it. `pairs` say which element each field came from."""

    request: Callable[[], PartnerRequest]
    sending: Sending
    pairs: Callable[[], Sequence[Pair]]


@dataclass(frozen=True, slots=True)
class Before:
    """What is known of a record before a call changes it.

    `record` is the partner's own, where it was read. Of the fields, those in `already`, with just these values, are
    not sent again; those that are to be `cleared` are sent as null.
    """

    record: Json = None
    already: Mapping[str, Json] = field(default_factory=dict)
    cleared: tuple[PartnerField, ...] = ()

    def changed(self, body: Mapping[str, Json]) -> dict[str, Any]:
        """Return what of a body changes anything."""
        changes = {
            name: value for name, value in body.items() if name not in self.already or self.already[name] != value
        }
        for cleared in self.cleared:
            cleared.put(changes, None)
        return changes


UNKNOWN = Before()
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
    The records of a `versioned` one can be read by the ids of their versions.
    An `anonymous` call carries nobody's token. A client's refresh token is in the header `refresh_header` of its
    request, in lower case. `find_out` says how a client finds out what became of a change.
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
    find_out: str = ""
    versioned: bool = False

    def prepare(
        self, interaction: Interaction, resource: Json, before: Before = UNKNOWN
    ) -> tuple[Outgoing, list[Issue]]:
        """Return the call for a resource (None where nothing is sent), and what is wrong with it."""
        sending = self._send(resource, interaction)
        sending.body = before.changed(sending.body)
        headers, problems = read_headers(self.headers, interaction, sending.whole or resource)
        request = partial(self._request, interaction, sending, headers, before.record)
        outgoing = Outgoing(request, sending, lambda: self._pairs(resource))
        return outgoing, [*sending.issues_of(sending.body), *problems]

    def _request(
        self, interaction: Interaction, sending: Sending, headers: Mapping[str, str], record: Json
    ) -> PartnerRequest:
        body = self._body(interaction, sending, record)
        share = self.together.share(body) if self.together and body is not None else None
        return PartnerRequest(
            partner=self.partner,
            method=self.method,
            path=_with_query(_fill(self.path, {"id": interaction.id, **sending.path}), sending.query),
            headers={**(_WITHOUT_BODY if body is None else _WITH_BODY), **headers},
            body=share.join([share.record]) if share else None if body is None else dumps(body),
            repeat=self.repeat_of(sending.body),
            client_authorization=interaction.headers.get("authorization"),
            client_refresh_token=interaction.headers.get(self.refresh_header or ""),
            anonymous=self.anonymous,
            share=share,
            find_out=self._advice(sending.body),
        )

    def _body(self, interaction: Interaction, sending: Sending, record: Json) -> Json:
        """What goes in the body; None where nothing does. A call that takes the whole is laid over the `record`."""
        if self.method == "GET" or (self.sender is None and self.arguments is None):
            return None
        whole = sending.body if self.over is None or record is None else self.over.merging.whole(record, sending.body)
        return self.sender.complete(whole, interaction) if self.sender else whole

    def _send(self, resource: Json, interaction: Interaction) -> Sending:
        if self.arguments is not None:
            return self.arguments.send(interaction)
        return self.sender.send(resource, interaction) if self.sender else Sending()

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
            find_out = self._advice(outgoing.sending.body)
            raise self.refusals.error(response, pairs, outgoing.sending.home, interaction.limits, find_out)
        try:
            return self.receiver.receive(self._own(response, outgoing, interaction.limits), interaction)
        except Unreadable as error:
            raise self.unreadable(error, response) from None

    def _own(self, response: PartnerResponse, outgoing: Outgoing, limits: Limits) -> bytes:
        """What of an answer is about the record that was sent; raises FhirError where that was refused."""
        if self.together is None:
            return response.body
        split = self.together.split(read_json(response.body, limits), At(response.index, response.of))
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

    def _advice(self, body: dict[str, Any]) -> str:
        """Return how a client finds out what became of the call; nothing where it may be made twice."""
        return self.find_out if self.method != "GET" and self.repeat_of(body) == "unsent" else ""

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
