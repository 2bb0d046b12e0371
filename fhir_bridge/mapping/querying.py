"""Operations called by GET: their parameters become the query, and pages of the answer lead back to the bridge."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

from fhir_bridge.fhir.interaction import Interaction
from fhir_bridge.fhir.operation_query import as_query
from fhir_bridge.mapping.checks import Check, modifier_extensions
from fhir_bridge.mapping.losses import Loss, losses
from fhir_bridge.mapping.partner_fields import Unreadable
from fhir_bridge.mapping.receivers import Received, Receiver
from fhir_bridge.mapping.sending import Pair, Sending
from fhir_bridge.outcome import Issue, Json


@dataclass(frozen=True, slots=True)
class QuerySender:
    """Sends Parameters as a query, each by its own name. `types` are those of the operation's parameters."""

    types: Mapping[str, str]
    structure: Check
    profile: Check

    def check(self, resource: Json, interaction: Interaction) -> list[Issue]:
        return self.structure(resource) or [*self.profile(resource), *modifier_extensions(resource, "Parameters")]

    def send(self, resource: Json, interaction: Interaction) -> Sending:
        return Sending(query=as_query(resource))

    def complete(self, body: Mapping[str, Any], interaction: Interaction) -> Json:
        return body

    def pairs(self, resource: Json) -> list[Pair]:
        return []

    def losses(self, resource: Json, interaction: Interaction, known: Json = None) -> list[Loss]:
        places = [f"Parameters.parameter[{n}]" for n, _ in enumerate(resource.get("parameter", ()))]
        return losses("4.0", resource, {f"{place}.{part}" for place in places for part in ("name", "value")}, set())


@dataclass(frozen=True, slots=True)
class PageReceiver:
    """Takes a Bundle as `receiver` does, and has its links lead to the same operation of the bridge.

    `names` are the parameters that the operation passes on: a link to another page that has others cannot be followed.
    """

    receiver: Receiver
    path: str
    names: frozenset[str]

    def receive(self, body: bytes, interaction: Interaction) -> Received:
        received = self.receiver.receive(body, interaction)
        links = received.resource.get("link", [])
        if not isinstance(links, list):
            raise Unreadable(("link",), "a list is expected here")
        led = [self._link(link, number, interaction) for number, link in enumerate(links)]
        return replace(received, resource={**received.resource, "link": led} if led else received.resource)

    def _link(self, link: Json, number: int, interaction: Interaction) -> Json:
        if not isinstance(link, dict) or not isinstance(link.get("url"), str):
            raise Unreadable(("link", number), "a link with its `url` is expected here")
        try:
            parts = urlsplit(link["url"])
        except ValueError as error:
            raise Unreadable(("link", number), "its `url` is none") from error
        query = parse_qsl(parts.query)
        known = [(name, value) for name, value in query if name in self.names]
        is_same = unquote(parts.path).rpartition("/")[2] == self.path.rpartition("/")[2]
        if link.get("relation") != "self" and (not is_same or len(known) < len(query)):
            raise Unreadable(("link", number), "it leads to a page that cannot be asked for through the bridge")
        asked = interaction.address
        parts_of = (interaction.base_url, asked.resource_type, asked.id, f"${asked.operation}")
        address = "/".join(part for part in parts_of if part)
        return {**link, "url": f"{address}?{urlencode(known, safe=',:')}" if known else address}
