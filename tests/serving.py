"""The bridge as an app in front of partners that need no network: simulated ones, or one whose answers are canned."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple

import httpx
from starlette.applications import Starlette

import fhir_bridge
from fhir_bridge.bridge import Bridge
from fhir_bridge.connection import Connection, Timeouts
from fhir_bridge.gateway import Gateway
from fhir_bridge.limits import DEFAULTS, Limits
from fhir_bridge.mapping.compile import load_routes
from fhir_bridge.mapping.routes import Routes
from fhir_bridge.outcome import Json
from fhir_bridge.sandbox import partners, settings
from fhir_bridge.server import create_app

TOP = Path(fhir_bridge.__file__).parent.parent

SANDBOX: Mapping[str, str] = {
    **settings(),
    "ROCHE_CLIENT_CERT": "client.pem",  # no file: what takes the place of the network reads none
    "ROCHE_CLIENT_KEY": "client.key",
    "ROCHE_CA_BUNDLE": "ca.pem",
}
"""The environment that leads to the simulated partners."""

READY: Mapping[str, str] = {**SANDBOX, "HEALTHEX_TOKEN": "ready-token", "WMDA_ACCESS_TOKEN": "ready-token"}
"""The same with tokens that are ready, so that a partner gets the client's own calls and no others."""


def shipped(environment: Mapping[str, str]) -> Routes:
    """Return the routes of the mapping files that ship, in this environment."""
    return load_routes(TOP / "mappings", TOP / "profiles", environment)


def simulated(**others: Starlette) -> dict[str, httpx.AsyncBaseTransport]:
    """Return what leads to the four simulated partners; `others` take the place of those of their name."""
    return {name: httpx.ASGITransport(app) for name, app in {**partners(), **others}.items()}


@asynccontextmanager
async def serving(
    routes: Routes,
    transports: Mapping[str, httpx.AsyncBaseTransport],
    *,
    whole_s: float | None = None,
    base_url: str | None = None,
    limits: Limits = DEFAULTS,
) -> AsyncIterator[httpx.AsyncClient]:
    """Serve the bridge and yield a client of it; a repeat waits for nothing, a partner's call at most `whole_s`."""
    bridge = Bridge(routes, gateway(routes, transports, whole_s), base_url=base_url)
    app = create_app(bridge, limits=limits)
    async with app.router.lifespan_context(app), client_of(app) as client:
        yield client


def gateway(routes: Routes, transports: Mapping[str, httpx.AsyncBaseTransport], whole_s: float | None) -> Gateway:
    connections = [partner.connection for partner in routes.configured() if partner.connection is not None]
    limited = [_limited(connection, whole_s) for connection in connections]
    return Gateway(limited, transports=transports, sleep=_no_sleep, random=lambda: 0.0)


def _limited(connection: Connection, whole_s: float | None) -> Connection:
    return connection if whole_s is None else replace(connection, timeouts=Timeouts(whole_s=whole_s))


async def _no_sleep(seconds: float) -> None:
    return None


def client_of(app: Starlette) -> httpx.AsyncClient:
    """Return a client of the app itself; an error that the app lets through is the test's."""
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://bridge.test")


class _Answer(NamedTuple):
    status_code: int
    headers: dict[str, str]
    content: bytes


@dataclass
class Canned(httpx.AsyncBaseTransport):
    """Partners whose answers a test writes down beforehand, one after the other; the last is given again and again.

    `requests` are the calls that were made. An exception among the answers is raised, as a broken network would.
    What is asked besides of a record that was read, its merge requests, is answered by itself: there are none.
    """

    answers: list[_Answer | Exception] = field(default_factory=list)
    requests: list[httpx.Request] = field(default_factory=list)
    besides: list[httpx.Request] = field(default_factory=list)

    def answer(
        self, status_code: int = 200, body: Json = None, *, text: str | bytes | None = None, **headers: str
    ) -> None:
        """Add an answer: `body` as JSON, or `text` as it is; a header's name has `_` for `-`."""
        written = text if text is not None else "" if body is None else json.dumps(body, ensure_ascii=False)
        content = written if isinstance(written, bytes) else written.encode()
        self.answers.append(_Answer(status_code, {name.replace("_", "-"): headers[name] for name in headers}, content))

    def fail(self, error: Exception) -> None:
        """Add a call that ends in this error."""
        self.answers.append(error)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if request.url.path == "/api/merge_requests":
            self.besides.append(request)
            return httpx.Response(200, content=b'{"data": []}')
        self.requests.append(request)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return httpx.Response(answer.status_code, headers=answer.headers, stream=httpx.ByteStream(answer.content))

    def bodies(self) -> list[Json]:
        """Return the JSON that was sent with each call; None where there was no body."""
        return [json.loads(request.content) if request.content else None for request in self.requests]

    def calls(self) -> list[str]:
        """Return method and address of each call, the address as it went over the wire."""
        return [f"{request.method} {request.url}" for request in self.requests]

    def everywhere(self) -> dict[str, httpx.AsyncBaseTransport]:
        """Return what leads to the four partners: here, all four of them."""
        return dict.fromkeys(("healthex", "ehealth", "wmda", "roche"), self)
