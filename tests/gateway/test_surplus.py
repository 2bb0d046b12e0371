"""Answers that nobody asked for, over real sockets: none of them is taken for the answer to the next call."""

import anyio
import httpx
import pytest

from fhir_bridge.gateway.network import Network, UnaskedAnswer
from fhir_bridge.outcome import Issue
from tests.gateway.loopback import listening, request_of
from tests.gateway.northlab import WRITE, Northlab, failure, gateway
from tests.gateway.test_sockets import bridge

pytestmark = pytest.mark.anyio

SOMEBODY_ELSES = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nsecret"


def answer(body, head=b"HTTP/1.1 200 OK"):
    return head + b"\r\nContent-Length: %d\r\n\r\n" % len(body) + body


class Partner:
    """Answers the first call of its first connection with `first`, all others with the number of their connection.

    `pause` parts two segments: a part of the answer comes only when the client has had time to read the one before.
    """

    def __init__(self, *first):
        self.first = first
        self.connections = 0
        self.sent = anyio.Event()

    async def __call__(self, stream):
        self.connections += 1
        number = self.connections
        async with stream:
            if number == 1:
                await request_of(stream)
                for segment in self.first:
                    await stream.send(segment)
                    await anyio.sleep(0.02)
                self.sent.set()
            while True:
                try:
                    await request_of(stream)
                except (anyio.EndOfStream, anyio.BrokenResourceError):
                    return
                await stream.send(answer(b"%d" % number))


@pytest.mark.parametrize(
    "first",
    [
        [answer(b"1") + SOMEBODY_ELSES],
        [answer(b"1") + SOMEBODY_ELSES[:1]],
        [answer(b"1"), SOMEBODY_ELSES],
        [answer(b"1"), b"\r\n"],
        [b"HTTP/1.1 204 No Content\r\n\r\n" + SOMEBODY_ELSES],
        [answer(b"1", b"HTTP/1.1 204 No Content") + SOMEBODY_ELSES],
        [b"HTTP/1.1 103 Early Hints\r\n\r\n" + answer(b"1") + SOMEBODY_ELSES],
        [b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n12"],
        [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n1\r\n0\r\nX-A: b\r\n\r\n" + SOMEBODY_ELSES],
        [answer(b"1"), b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"],
        [answer(b"1" * 65_536 * 4) + SOMEBODY_ELSES],
    ],
    ids=[
        "two answers at once", "one byte more", "a second answer later", "an empty line later", "two without a body",
        "a body that must not be", "after early hints", "a length that is too small", "after a trailer", "a late 408",
        "after a long one",
    ],
)  # fmt: skip
async def test_what_is_left_on_a_connection_is_not_the_next_call_s_answer(first):
    """The connection is thrown away, and the next call has another."""
    partner = Partner(*first)

    async with listening(partner) as port, bridge(port) as gateway:
        await gateway.send(WRITE)
        await partner.sent.wait()
        second = await gateway.send(WRITE)

    assert (second.status_code, second.body, partner.connections) == (200, b"2", 2)


@pytest.mark.parametrize(
    "first",
    [
        [answer(b"1")],
        [b"HTTP/1.1 204 No Content\r\n\r\n"],
        [b"HTTP/1.1 103 Early Hints\r\n\r\n", answer(b"1")],
        [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n1\r\n0\r\nX-A: b\r\n\r\n"],
        [*(bytes([byte]) for byte in answer(b""))],
        [answer(b"1" * 300_000)],
    ],
    ids=["a body", "none", "early hints", "a trailer", "byte by byte", "a long one"],
)
async def test_an_answer_with_nothing_behind_it_leaves_a_connection_to_be_used_again(first):
    partner = Partner(*first)

    async with listening(partner) as port, bridge(port) as gateway:
        await gateway.send(WRITE)
        await partner.sent.wait()
        second = await gateway.send(WRITE)

    assert (second.body, partner.connections) == (b"1", 1)


async def test_an_answer_before_the_call_is_none():
    """Nothing is sent to who speaks first: the call may be made once more, and in the end the text says why."""
    requests = []

    async def handle(stream):
        async with stream:
            await stream.send(SOMEBODY_ELSES)
            requests.append(await stream.receive())

    async with listening(handle) as port:
        stream = await Network().connect_tcp("127.0.0.1", port)
        while not stream.get_extra_info("is_readable"):
            await anyio.sleep(0)
        with pytest.raises(UnaskedAnswer):
            await stream.write(b"GET / HTTP/1.1\r\n\r\n")
        await stream.aclose()

    assert requests == []


async def test_a_partner_that_always_speaks_first_is_told_so():
    error = await failure(gateway(Northlab(*[_unasked() for _ in range(3)])), WRITE)

    text = (
        "The partner northlab cannot be reached: it answers, or closes the connection, before it is asked. "
        "It has not received the call."
    )
    assert (error.status_code, error.issues) == (503, (Issue("partner-unreachable", "transient", text),))


def _unasked():
    """Return the failure as httpx tells it of its network."""
    error = httpx.ConnectError("an answer came before it was asked for")
    error.__cause__ = UnaskedAnswer("an answer came before it was asked for")
    return error
