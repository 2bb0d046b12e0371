"""The gateway over real sockets on loopback: what a partner can do to a connection."""

import gzip
import socket
import tracemalloc
from dataclasses import replace

import anyio
import pytest

from fhir_bridge.connection import Connection, Timeouts
from fhir_bridge.exchange import PartnerRequest, PartnerResponse
from fhir_bridge.gateway import Gateway
from fhir_bridge.outcome import Issue
from tests.gateway.loopback import listening, request_of
from tests.gateway.northlab import READ, WRITE, Clock, failure

pytestmark = pytest.mark.anyio

CARRIED_OUT = "It may have received the call and carried it out."
BROKEN_OFF = Issue(
    "fate-unknown",
    "transient",
    "The partner northlab broke off the connection before its answer was complete, or did not speak HTTP. "
    + CARRIED_OUT,
)


def bridge(port, clock=None, max_answer_bytes=1_000_000, **timeouts):
    """Return a gateway to that port of this machine."""
    clock = clock or Clock()
    connection = Connection("northlab", f"http://127.0.0.1:{port}", Timeouts(**timeouts), max_answer_bytes)
    return Gateway([connection], now=clock.now, sleep=clock.sleep, random=lambda: 0.5)


async def test_two_calls_share_one_connection():
    """A connection is kept for the next call."""
    connections = []

    async def handle(stream):
        connections.append(stream)
        async with stream:
            for body in (b"1", b"2"):
                await request_of(stream)
                await stream.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n" + body)

    async with listening(handle) as port, bridge(port) as gateway:
        answers = [await gateway.send(WRITE), await gateway.send(WRITE)]

    assert [answer.body for answer in answers] == [b"1", b"2"]
    assert len(connections) == 1


async def test_a_refused_connection_is_tried_three_times():
    """Even for a write: nothing can have left."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    clock = Clock()

    async with bridge(port, clock) as gateway:
        error = await failure(gateway, WRITE)

    text = "The partner northlab cannot be reached: no connection could be made. It has not received the call."
    assert (error.status_code, error.issues) == (503, (Issue("partner-unreachable", "transient", text),))
    assert clock.slept == [0.1, 0.2]


async def test_a_host_name_that_does_not_exist_is_said_to_be_unknown():
    """A label of 64 characters is none, RFC 1035 section 2.3.4, so no name server is asked."""
    connection = Connection("northlab", f"http://{'n' * 64}.example")
    async with Gateway([connection], sleep=Clock().sleep) as gateway:
        error = await failure(gateway, WRITE)

    text = "The partner northlab cannot be reached: its host name could not be resolved. It has not received the call."
    assert (error.status_code, error.issues) == (503, (Issue("partner-unreachable", "transient", text),))


@pytest.mark.parametrize(
    ("timeouts", "why"),
    [
        ({"read_s": 0.1}, "nothing came from it for 0.1 s"),
        ({"whole_s": 0.2}, "the whole call may take 0.2 s"),
    ],
)
async def test_a_partner_that_never_answers_is_late(timeouts, why):
    """Whichever limit comes first."""

    async def handle(stream):
        async with stream:
            await anyio.sleep_forever()

    async with listening(handle) as port, bridge(port, **timeouts) as gateway:
        error = await failure(gateway, WRITE)

    text = f"The partner northlab did not answer in time: {why}. {CARRIED_OUT}"
    assert (error.status_code, error.issues) == (504, (Issue("fate-unknown", "timeout", text),))


async def test_an_answer_that_trickles_is_late_though_each_byte_comes_in_time():
    """That is what the limit of the whole call is for; the write was accepted."""

    async def handle(stream):
        async with stream:
            await request_of(stream)
            await stream.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n")
            while True:
                await stream.send(b" ")
                await anyio.sleep(0.01)

    async with listening(handle) as port, bridge(port, read_s=0.1, whole_s=0.3) as gateway:
        error = await failure(gateway, replace(WRITE, find_out="Read the Patient to find out."))

    text = (
        "The partner northlab did not answer in time: the whole call may take 0.3 s. "
        "It accepted the call, with status 200, and may have carried it out. Read the Patient to find out."
    )
    assert (error.status_code, error.issues) == (504, (Issue("partner-too-late", "timeout", text),))


@pytest.mark.parametrize(
    ("answer", "issue"),
    [
        (b"", BROKEN_OFF),
        (b"HTTP/1.1 20", BROKEN_OFF),
        (b"SSH-2.0-OpenSSH_9.6\r\n", BROKEN_OFF),
        (b"HTTP/1.1 400 No\r\nContent-Length: 9\r\n\r\n{", BROKEN_OFF),
        (
            b"HTTP/1.1 201 Created\r\nContent-Length: 9\r\n\r\n{",
            Issue(
                "partner-answer-unreadable",
                "exception",
                "The answer of the partner northlab cannot be read: it broke off. "
                "It accepted the call, with status 201, and may have carried it out.",
            ),
        ),
    ],
)
async def test_a_partner_that_dies_in_its_answer_has_broken_off(answer, issue):
    """At whatever point; a write is not sent again, and is called accepted where the status had arrived."""
    connections = []

    async def handle(stream):
        connections.append(stream)
        async with stream:
            await request_of(stream)
            await stream.send(answer)

    async with listening(handle) as port, bridge(port) as gateway:
        error = await failure(gateway, WRITE)

    assert (error.status_code, error.issues) == (502, (issue,))
    assert len(connections) == 1


async def test_a_safe_call_survives_a_connection_that_dies_twice():
    """The third attempt is answered."""
    deaths = [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{"]

    async def handle(stream):
        async with stream:
            await request_of(stream)
            await stream.send(deaths.pop(0) if deaths else b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")

    async with listening(handle) as port, bridge(port) as gateway:
        answer = await gateway.send(READ)

    assert answer == PartnerResponse(200, {"content-length": "2"}, b"{}")


async def test_a_kept_connection_that_the_partner_closes_on_the_next_call_costs_that_call():
    """The bytes of the write have left, so it is not sent again, though the partner probably never read it."""
    requests = []

    async def handle(stream):
        async with stream:
            requests.append(await request_of(stream))
            await stream.send(b"HTTP/1.1 204 No Content\r\n\r\n")
            requests.append(await request_of(stream))

    async with listening(handle) as port, bridge(port) as gateway:
        first = await gateway.send(WRITE)
        error = await failure(gateway, WRITE)

    assert first.status_code == 204
    assert (error.status_code, error.issues) == (502, (BROKEN_OFF,))
    assert len(requests) == 2


@pytest.mark.parametrize("pause_s", [0, 0.001])
async def test_an_answer_of_100_mb_is_cut_off_early(pause_s):
    """Fast or slow: about as much is read as the limit allows, and the connection is closed on the partner."""
    sent = 0
    hung_up = anyio.Event()

    async def handle(stream):
        nonlocal sent
        async with stream:
            await request_of(stream)
            await stream.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n")
            try:
                while sent < 100_000_000:
                    await stream.send(bytes(10_000))
                    sent += 10_000
                    await anyio.sleep(pause_s)
            except anyio.BrokenResourceError:
                hung_up.set()

    async with listening(handle) as port, bridge(port, max_answer_bytes=100_000) as gateway:
        error = await failure(gateway, WRITE)
        with anyio.fail_after(5):
            await hung_up.wait()

    text = (
        "The answer of the partner northlab cannot be read: it is larger than 100000 bytes. "
        "It accepted the call, with status 200, and may have carried it out."
    )
    assert (error.status_code, error.issues) == (502, (Issue("partner-answer-unreadable", "exception", text),))
    assert sent < 20_000_000  # what the buffers of both sockets may hold


async def test_a_gzip_bomb_is_given_up_without_unpacking_it():
    """100 kB on the wire, 100 MB unpacked, never more than a few in memory."""
    bomb = gzip.compress(bytes(100_000_000))

    async def handle(stream):
        async with stream:
            await request_of(stream)
            await stream.send(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(bomb))
            await stream.send(bomb)

    async with listening(handle) as port, bridge(port) as gateway:
        tracemalloc.start()
        error = await failure(gateway, READ)
        _, peak_bytes = tracemalloc.get_traced_memory()
        tracemalloc.stop()

    text = (
        "The answer of the partner northlab cannot be read: it is larger than 1000000 bytes. "
        "It may have received the call, which changes nothing."
    )
    assert (error.status_code, error.issues) == (502, (Issue("partner-answer-unreadable", "exception", text),))
    assert peak_bytes < 10_000_000


async def test_a_redirect_is_not_followed_to_another_server():
    """Nobody calls there."""
    called = []

    async def elsewhere(stream):
        called.append(stream)
        await stream.aclose()

    async def handle(stream):
        async with stream:
            await request_of(stream)
            await stream.send(
                b"HTTP/1.1 307 Temporary Redirect\r\nLocation: http://127.0.0.1:%d/\r\nContent-Length: 0\r\n\r\n"
                % other
            )

    async with listening(elsewhere) as other, listening(handle) as port, bridge(port) as gateway:
        error = await failure(gateway, WRITE)

    text = f"The partner northlab answered with a redirect (307), which is not followed; check its URL. {CARRIED_OUT}"
    assert (error.status_code, error.issues) == (502, (Issue("partner-answer-unreadable", "exception", text),))
    assert called == []


async def test_a_proxy_of_the_environment_is_not_used(monkeypatch):
    """Patients' data goes where the connection says, not where a variable of the machine does."""

    async def handle(stream):
        async with stream:
            await request_of(stream)
            await stream.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")

    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    monkeypatch.delenv("NO_PROXY", raising=False)
    async with listening(handle) as port, bridge(port) as gateway:
        answer = await gateway.send(WRITE)

    assert answer.body == b"{}"


async def test_a_hundred_calls_at_once_are_all_answered():
    """As many connections as calls, and each answer goes to its own caller."""

    async def handle(stream):
        async with stream:
            path = (await request_of(stream)).split()[1]
            await anyio.sleep(0.05)
            await stream.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(path), path))

    answers = {}

    async def ask(gateway, number):
        request = PartnerRequest("northlab", "GET", f"/patients/{number}")
        answers[number] = (await gateway.send(request)).body

    async with listening(handle) as port, bridge(port) as gateway, anyio.create_task_group() as tasks:
        for number in range(100):
            tasks.start_soon(ask, gateway, number)

    assert answers == {number: f"/patients/{number}".encode() for number in range(100)}
