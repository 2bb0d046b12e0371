"""Bodies that are refused, and chunks with little in them: the client sees why, and nobody counts what nobody needs."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from fhir_bridge.limits import Limits
from fhir_bridge.mapping.routes import Routes
from fhir_bridge.outcome import FhirError, Issue
from fhir_bridge.protocol.body import BodyReader
from fhir_bridge.protocol.head import Head
from tests.limits.running import HOST, LIVE, PATIENT, Running, running
from tests.outcomes import issue, outcome

TOO_LARGE = outcome(issue("body-too-large", "too-long", "The body is larger than 5000000 bytes; send less at once."))
MOSTLY_FRAMING = Issue(
    "body-too-large",
    "too-long",
    "The chunks of the body hold less content than what is around it; send larger chunks.",
)
PUT = b"PUT " + PATIENT + b" HTTP/1.1\r\n" + HOST + b"Content-Type: application/fhir+json\r\n"
CHUNKED = PUT + b"Transfer-Encoding: chunked\r\n\r\n"


@pytest.fixture(scope="module")
def bridge(routes: Routes) -> Iterator[Running]:
    with running(routes, Limits()) as run:
        yield run


@pytest.mark.parametrize(
    "head",
    [PUT + b"Content-Length: 20000000\r\n\r\n", PUT + b"Transfer-Encoding: chunked\r\n\r\n1312d00\r\n"],
    ids=["announced", "chunked"],
)
def test_who_sends_20_mb_sees_that_they_are_too_many(bridge: Running, head: bytes) -> None:
    """The rest is read, so that the connection is not reset before the answer."""
    with bridge.client() as client:
        client.send(head)
        for _ in range(200):
            client.send(b" " * 100_000)
        answer = client.answer()

        assert (answer.status_code, answer.json()) == (413, TOO_LARGE)
        assert answer.headers["connection"] == "close"
        assert client.ends()


def test_who_asks_first_is_told_at_once(bridge: Running) -> None:
    with bridge.client() as client:
        client.send(PUT + b"Expect: 100-continue\r\nContent-Length: 20000000\r\n\r\n")

        assert client.answer().status_code == 413


def test_who_asks_first_and_may_go_on(bridge: Running) -> None:
    with bridge.client() as client:
        client.send(PUT + b"Expect: 100-continue\r\nContent-Length: 2\r\n\r\n")
        assert client.answer().status_code == 100
        client.send(b"{}")

        assert client.answer().status_code == 400


def test_where_the_body_is_not_wanted_the_connection_ends_after_the_answer(bridge: Running) -> None:
    """The client may not send what it announced; nobody can tell where its next request would begin."""
    with bridge.client() as client:
        client.send(b"POST /health/live HTTP/1.1\r\n" + HOST + b"Content-Length: 9\r\n\r\n")
        answer = client.answer()

        assert (answer.status_code, answer.headers["connection"]) == (405, "close")
        client.send(b"too late!" + LIVE)
        assert client.ends()


def test_a_body_in_chunks_of_one_byte_is_a_body(bridge: Running) -> None:
    with bridge.client() as client:
        client.send(CHUNKED)
        for byte in b'{"resourceType": "Person"}':
            client.send(b"1\r\n%c\r\n" % byte)
        client.send(b"0\r\n")
        client.send(b"\r\n" + LIVE)

        assert client.answer().json()["issue"][0]["expression"] == ["resourceType"]
        assert client.answer().body == b'{"status":"live"}'


@pytest.mark.parametrize(
    "flood", [b"1\r\na\r\n" * 500_000, b"1;" + b"x" * 2_000_000 + b"\r\na\r\n", b"0\r\n" + b"A: b\r\n" * 500_000]
)
def test_a_body_that_is_mostly_framing_is_413(bridge: Running, flood: bytes) -> None:
    """Chunks of one byte, an extension, trailers."""
    with bridge.client() as client:
        client.send(CHUNKED + flood)
        answer = client.answer()

        assert (answer.status_code, answer.json()) == (
            413,
            outcome(issue(MOSTLY_FRAMING.error, MOSTLY_FRAMING.code, MOSTLY_FRAMING.text)),
        )


def test_no_more_framing_is_read_than_that() -> None:
    body = BodyReader(Head("PUT", True, 0, b""))
    for _ in range(262_144 // 4):
        body.count(6, 1)

    with pytest.raises(FhirError) as raised:
        body.count(6, 1)

    assert (raised.value.status_code, raised.value.issues) == (413, (MOSTLY_FRAMING,))


@pytest.mark.parametrize("cut", range(1, 12))
def test_a_piece_ends_with_the_body_wherever_the_bytes_were_cut(cut: int) -> None:
    data = b"2\r\n{}\r\n0\r\n\r\n"
    body = BodyReader(Head("PUT", True, 0, b""))
    first, second = data[:cut], data[cut:] + LIVE

    assert body.end_of_piece(first, 0) == len(first)
    assert second[body.end_of_piece(second, 0) :] == LIVE
