"""Whatever is sent, the bridge answers in FHIR, in time, and never with a crash of its own.

`make fuzz` runs many more of these; see FUZZ_EXAMPLES.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from starlette.applications import Starlette

from fhir_bridge.bridge import Bridge
from fhir_bridge.fhir import json, xml
from fhir_bridge.fhir.negotiation import JSON_TYPES, XML_TYPES
from fhir_bridge.fhir.structure import structure_checker
from fhir_bridge.outcome import FhirError, Json
from fhir_bridge.server import create_app
from tests.fuzz.requests import requests
from tests.serving import SANDBOX, gateway, shipped, simulated

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "300"))
PASSED_ON = {"Patient.managingOrganization.identifier": "list", "MessageHeader.source.endpoint": "text"}
"""Where a message goes through as it is, although it is not STU3: the partner's own sample has it so."""

STRUCTURES = [structure_checker("4.0"), structure_checker("3.0", tolerated=PASSED_ON)]


@pytest.fixture(scope="module")
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    loop = asyncio.new_event_loop()
    yield loop
    loop.close()


@pytest.fixture(scope="module")
def app(loop: asyncio.AbstractEventLoop) -> Starlette:
    """The bridge in front of simulated partners whose patients keep whatever the examples before made of them."""
    routes = shipped(SANDBOX)
    return create_app(Bridge(routes, gateway(routes, simulated(), whole_s=1.0)))


async def call(app: Starlette, method: str, path: str, headers: list[tuple[str, str]], body: bytes) -> httpx.Response:
    """Send a request as bytes: no client has put it right before."""
    address, _, query = f"/fhir{path}".partition("?")
    sent: list[dict[str, Any]] = []
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": address,
        "raw_path": address.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": [(b"host", b"bridge.test"), *((name.encode(), value.encode("latin-1")) for name, value in headers)],
        "client": ("127.0.0.1", 1),
        "server": ("bridge.test", 80),
    }

    coming = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> dict[str, Any]:
        """The client stays until the answer is there."""
        return coming.pop() if coming else await asyncio.Event().wait()

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    await asyncio.wait_for(app(scope, receive, send), timeout=10)
    content = b"".join(message.get("body", b"") for message in sent)
    return httpx.Response(sent[0]["status"], headers=sent[0]["headers"], content=content)


def read(response: httpx.Response) -> Json:
    """Return the resource of an answer, whose Content-Type says which of FHIR's formats it has."""
    media_type = response.headers["content-type"].partition(";")[0]
    if media_type in XML_TYPES:
        try:
            return xml.loads(response.content, "4.0")
        except FhirError:
            return xml.loads(response.content, "3.0")
    assert media_type in JSON_TYPES
    return json.loads(response.content)


@settings(
    max_examples=EXAMPLES,
    derandomize=EXAMPLES <= 300,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
)
@given(request=requests())
def test_any_request_is_answered_in_fhir(loop, app, request):
    response = loop.run_until_complete(call(app, *request))

    assert response.status_code != 500, response.text
    assert "x-request-id" in response.headers
    if not response.content:
        assert response.status_code < 400 or request[0] == "HEAD"
        return
    resource = read(response)
    assert any(check(resource) == [] for check in STRUCTURES), resource
    if response.status_code >= 400:
        assert resource["resourceType"] == "OperationOutcome"
