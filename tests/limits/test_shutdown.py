"""SIGTERM: requests under way have their time to end, and then the process ends, whatever a client does."""

from __future__ import annotations

import signal
import socket
import time
from collections.abc import Mapping
from urllib.parse import urlsplit

import httpx
import pytest

from fhir_bridge.limits import Limits
from fhir_bridge.mapping.routes import Routes
from tests.e2e.processes import started, url_in
from tests.limits.running import HOST, LIVE, PATIENT, Client, running
from tests.outcomes import issue, outcome

EHEALTH: Mapping[str, str] = {
    "EHEALTH_BASE_URL": "http://127.0.0.1:9",
    "EHEALTH_ACCESS_TOKEN": "token",
    "EHEALTH_API_KEY": "key",
}
ONE_BYTE = b"PUT " + PATIENT + b" HTTP/1.1\r\n" + HOST + b"Content-Length: 9\r\n\r\n{"
STOPPING = outcome(
    issue(
        "bridge-stopping",
        "transient",
        "The bridge stops, and the request has not ended. It may have been carried out: read or search to find out.",
    )
)
PATIENCE_S = 120


@pytest.mark.parametrize("workers", ["1", "2"])
def test_one_byte_of_a_body_does_not_hold_the_process(workers: str) -> None:
    """It ends by itself: a client that is answered in time does not matter either."""
    more = {**EHEALTH, "FHIR_BRIDGE_SHUTDOWN_S": "1"}
    with started("serve", "--port", "0", "--workers", workers, until="is ready at", more=more) as (process, text):
        address = urlsplit(url_in(text))
        client = Client(connected(address.hostname or "", address.port or 0))
        client.send(LIVE)
        client.answer()
        client.send(ONE_BYTE)
        process.send_signal(signal.SIGTERM)
        answer = client.answer()
        client.socket.close()

        assert (answer.status_code, answer.json()) == (503, STOPPING)
        assert process.wait(PATIENCE_S) == 0


def connected(host: str, port: int) -> socket.socket:
    """Connect; several processes may need a moment until they take connections."""
    for _ in range(1000):
        try:
            return socket.create_connection((host, port), timeout=PATIENCE_S)
        except ConnectionRefusedError:
            time.sleep(0.1)
    raise AssertionError("nobody listens")


def test_a_request_under_way_ends_and_no_other_is_taken(routes: Routes) -> None:
    """What idles, and what has not yet a whole head, is closed at once."""
    with running(routes, Limits()) as bridge, bridge.client() as under_way, bridge.client() as idle:
        with bridge.client() as begun:
            idle.send(LIVE)
            idle.answer()
            begun.send(b"GET /health")
            under_way.send(ONE_BYTE)
            while bridge.now < 1:
                httpx.get(f"http://127.0.0.1:{bridge.port}/health/live")
            bridge.server.should_exit = True

            assert idle.ends()
            assert begun.ends()
        under_way.send(b"xxxxxxxx" + LIVE)
        answer = under_way.answer()

        assert (answer.status_code, answer.headers["connection"]) == (400, "close")
        assert under_way.ends()
