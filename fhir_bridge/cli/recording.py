"""Runs the bridge up to the partner's door: every call that it would make is written down, and none is made."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import anyio
import httpx

from fhir_bridge.batch import Batches, Caller
from fhir_bridge.bridge import Bridge
from fhir_bridge.connection import Connection, Forward
from fhir_bridge.fhir.interaction import Interaction
from fhir_bridge.gateway import Gateway
from fhir_bridge.mapping.routes import Routes
from fhir_bridge.outcome import FhirError

_ORIGIN = "http://partner.invalid"
# What every HTTP call has, and no mapping says.
_USUAL = frozenset({"host", "connection", "content-length", "accept-encoding", "user-agent", "authorization"})


class PartnerCall(NamedTuple):
    """A call that would be made: `path` is percent-encoded and below the base URL; credentials are not in `headers`."""

    partner: str
    method: str
    path: str
    headers: tuple[tuple[str, str], ...]
    body: bytes


def recorded_calls(routes: Routes, interaction: Interaction) -> list[PartnerCall]:
    """Return the calls of an interaction, as far as they do not depend on what the partner answers.

    None: the bridge answers by itself. Raises FhirError where the request is refused before any call.
    """
    calls: list[PartnerCall] = []
    connections = [_without_secrets(partner.connection) for partner in routes.configured() if partner.connection]
    transports = {connection.partner: _Recorder(connection.partner, calls) for connection in connections}
    batches = Batches(Bridge(routes, Gateway(connections, transports=transports)))
    try:
        anyio.run(batches.handle, interaction, Caller())
    except FhirError:
        if not calls:
            raise
    return calls


def _without_secrets(connection: Connection) -> Connection:
    """The connection without its address and credentials; the caller's own token is all that can still be missing."""
    auth = tuple(each for each in connection.auth if isinstance(each, Forward))
    return replace(connection, base_url=_ORIGIN, auth=auth)


class _Recorder(httpx.AsyncBaseTransport):
    """Takes the place of the network; knows no record, so that nothing follows that depends on one."""

    def __init__(self, partner: str, calls: list[PartnerCall]) -> None:
        self._partner = partner
        self._calls = calls

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        raw = ((name.decode("ascii"), value.decode("ascii")) for name, value in request.headers.raw)
        headers = tuple((name, value) for name, value in raw if name.lower() not in _USUAL)
        path = request.url.raw_path.decode("ascii")
        self._calls.append(PartnerCall(self._partner, request.method, path, headers, await request.aread()))
        return httpx.Response(404)
