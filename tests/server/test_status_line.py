"""The first line of an answer: its words are ours, on every Python."""

from __future__ import annotations

import pytest

from fhir_bridge.limits import Limits
from fhir_bridge.mapping.routes import Routes
from tests.limits.running import HOST, running

JSON = b"Content-Type: application/fhir+json\r\n"
WRONG_CODE = b'{"resourceType": "Patient", "gender": "other"}'


@pytest.mark.parametrize(
    ("request_", "line"),
    [
        (b"GET /health/live HTTP/1.1\r\n" + HOST + b"\r\n", b"HTTP/1.1 200 OK"),
        (
            b"POST /fhir/ehealth/Patient HTTP/1.1\r\n%bContent-Length: %d\r\n%b\r\n%b"
            % (HOST, len(WRONG_CODE), JSON, WRONG_CODE),
            b"HTTP/1.1 422 Unprocessable Content",
        ),
        (
            b"POST /fhir HTTP/1.1\r\n%bContent-Length: 2000\r\n%b\r\n" % (HOST, JSON) + b" " * 2000,
            b"HTTP/1.1 413 Content Too Large",
        ),
        (b"GET /fhir/metadata?" + b"a" * 20_000 + b" HTTP/1.1\r\n" + HOST + b"\r\n", b"HTTP/1.1 414 URI Too Long"),
    ],
    ids=["200", "422", "413", "414"],
)
def test_a_status_has_the_phrase_that_is_registered_for_it(routes: Routes, request_: bytes, line: bytes) -> None:
    with running(routes, Limits(max_body_bytes=1000)) as bridge, bridge.client() as client:
        client.send(request_)
        answer = client.socket.recv(len(line) + 2)

    assert answer == line + b"\r\n"
