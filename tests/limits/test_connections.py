"""How many connections may be open, and how long a client may take for anything."""

from __future__ import annotations

import logging
from contextlib import ExitStack

import pytest

from fhir_bridge.limits import Limits
from fhir_bridge.mapping.routes import Routes
from tests.limits.running import HOST, LIVE, METADATA, PATIENT, Client, running
from tests.outcomes import issue, outcome

LATE_HEAD = outcome(
    issue("client-too-slow", "timeout", "The headers of the request did not come in time; send them at once.")
)
LATE_BODY = outcome(issue("client-too-slow", "timeout", "The body did not come within 3 s, or nothing of it for 1 s."))
BEGUN = b"PUT " + PATIENT + b" HTTP/1.1\r\n" + HOST + b"Content-Length: 9\r\n\r\n{"
"""A request whose body does not come to its end."""

HURRIED = Limits(header_s=1, body_s=3, silence_s=1)


@pytest.mark.parametrize("begun", [b"G", b"GET /health/live HTTP/1.1\r\n", b"GET /health/live HTTP/1.1\r\n" + HOST])
def test_headers_that_do_not_come_are_408(routes: Routes, begun: bytes) -> None:
    with running(routes, HURRIED) as bridge, bridge.client() as client:
        client.send(begun)
        answer = client.answer()

        assert (answer.status_code, answer.json()) == (408, LATE_HEAD)
        assert client.ends()


@pytest.mark.parametrize(
    "begun",
    [
        BEGUN,
        b"PUT " + PATIENT + b" HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n",
        b"PUT " + PATIENT + b" HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n5\r\nab",
    ],
)
def test_a_body_that_does_not_come_is_408(routes: Routes, begun: bytes) -> None:
    with running(routes, HURRIED) as bridge, bridge.client() as client:
        client.send(begun)
        answer = client.answer()

        assert (answer.status_code, answer.json()) == (408, LATE_BODY)
        assert answer.headers["connection"] == "close"
        assert client.ends()


def test_a_connection_without_a_request_is_no_fault(routes: Routes) -> None:
    """Neither a new one nor one that is kept: both are closed without a word, when it has been long enough."""
    with running(routes, HURRIED) as bridge, bridge.client() as new, bridge.client() as kept:
        kept.send(LIVE)
        kept.answer()

        assert new.ends()
        assert kept.ends()


def test_a_client_that_takes_nothing_of_its_answers_is_cut_off(routes: Routes) -> None:
    with (
        running(routes, HURRIED) as bridge,
        bridge.client() as client,
        pytest.raises(OSError, match=r"reset|Broken pipe"),
    ):
        send_for_ever(client)


def send_for_ever(client: Client) -> None:
    """Send requests, and read no answer."""
    while True:
        client.send(METADATA)


def test_the_oldest_idle_connection_gives_way(routes: Routes, caplog: pytest.LogCaptureFixture) -> None:
    """A kept one, and one on which no more than a byte has come, so that nobody takes all the places with bytes."""
    caplog.set_level(logging.WARNING, "fhir_bridge")
    with running(routes, Limits(max_connections=3)) as bridge, ExitStack() as stack:
        kept = stack.enter_context(bridge.client())
        kept.send(LIVE)
        assert kept.answer().status_code == 200
        begun = stack.enter_context(bridge.client())
        begun.send(b"G")
        for _ in range(3):
            client = stack.enter_context(bridge.client())
            client.send(LIVE)
            assert client.answer().status_code == 200

        assert kept.ends()
        assert begun.ends()

    assert [record.getMessage() for record in caplog.records] == [
        "3 connections are open, and no more may be; the oldest idle ones are closed"
    ]


def test_many_connections_with_a_byte_each_keep_nobody_out(routes: Routes) -> None:
    with running(routes, Limits(max_connections=20)) as bridge, ExitStack() as stack:
        for _ in range(100):
            stack.enter_context(bridge.client()).send(b"G")

        assert bridge.answer(METADATA).status_code == 200


def test_where_none_is_idle_a_new_connection_is_503(routes: Routes) -> None:
    busy = outcome(
        issue(
            "too-many-connections", "throttled", "The bridge has as many connections as it may; try again in a second."
        )
    )
    with running(routes, Limits(max_connections=2)) as bridge, ExitStack() as stack:
        for _ in range(2):
            client = stack.enter_context(bridge.client())
            client.send(LIVE)
            client.answer()
            client.send(BEGUN)
        for _ in range(3):
            client = stack.enter_context(bridge.client())
            client.send(LIVE)
            answer = client.answer()

            assert (answer.status_code, answer.json(), answer.headers["retry-after"]) == (503, busy, "1")
