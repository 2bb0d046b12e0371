"""What is refused before it reaches the app: the whole answer in FHIR, and its line in the log."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from uuid import uuid4

from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from fhir_bridge.fhir.bundle import failure
from fhir_bridge.fhir.presentation import read_presentation
from fhir_bridge.log_lines import name, write_line
from fhir_bridge.outcome import FhirError, Issue
from fhir_bridge.rendering import render, request_id_of

NO_PLACE = FhirError(
    503,
    Issue("too-many-connections", "throttled", "The bridge has as many connections as it may; try again in a second."),
    headers={"Retry-After": "1"},
)
LATE_HEAD = FhirError(
    408, Issue("client-too-slow", "timeout", "The headers of the request did not come in time; send them at once.")
)
STOPPING = FhirError(
    503,
    Issue(
        "bridge-stopping",
        "transient",
        "The bridge stops, and the request has not ended. It may have been carried out: read or search to find out.",
    ),
)

_READ = 100
"""How many lines of a refused head are looked at for what the answer should be like: it may have thousands."""


def refusal(error: FhirError, head: bytes, more: Iterable[tuple[bytes, bytes]]) -> bytes:
    """Return the answer to a request of which `head` has come, with `more` headers, and log it.

    The connection's end has to follow it.
    """
    started = time.perf_counter()
    headers = _headers(head)
    request_id = request_id_of(headers.get("x-request-id"), str(uuid4()))
    response = failure(error)
    answer = render(response, read_presentation(headers, {}), None, request_id)
    method = head.partition(b" ")[0].decode("ascii", "replace")
    write_line(request_id, name(method), "-/-", response, started)
    lines = [*more, *answer.raw_headers, (b"connection", b"close")]
    text = b"".join(b"%b: %b\r\n" % line for line in lines)
    return STATUS_LINE[answer.status_code] + text + b"\r\n" + (b"" if method == "HEAD" else bytes(answer.body))


def _headers(head: bytes) -> Mapping[str, str]:
    """The first headers that have come whole; of several of one name the last."""
    pairs = [line.partition(b":") for line in head.split(b"\r\n", _READ)[1:-1]]
    return {name.decode("latin-1").lower(): value.decode("latin-1").strip() for name, _, value in pairs}
