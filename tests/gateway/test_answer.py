"""Reading an answer: its size, its compression, redirects, and how a write that was accepted is not denied."""

import gzip
import zlib

import httpx
import pytest

from fhir_bridge.exchange import PartnerResponse
from fhir_bridge.outcome import Issue
from tests.gateway.northlab import READ, SAFE_WRITE, WRITE, Northlab, failure, gateway

pytestmark = pytest.mark.anyio

CARRIED_OUT = "It may have received the call and carried it out."
ACCEPTED = "It accepted the call, with status 201, and may have carried it out."


class Stream(httpx.AsyncByteStream):
    """Bytes off a wire, in chunks; an exception among them is raised."""

    def __init__(self, *chunks):
        self.chunks = list(chunks)
        self.closed = False

    async def __aiter__(self):
        while self.chunks:
            chunk = self.chunks.pop(0)
            if isinstance(chunk, Exception):
                raise chunk
            yield chunk

    async def aclose(self):
        self.closed = True


def streamed(status_code, *chunks, encoding=""):
    """Return an answer with a body as it comes off the wire."""
    return httpx.Response(status_code, headers={"Content-Encoding": encoding}, stream=Stream(*chunks))


def unreadable(why, fate=ACCEPTED):
    """Return the issue of an answer that cannot be read."""
    text = f"The answer of the partner northlab cannot be read: {why}. {fate}"
    code = "fate-unknown" if fate == CARRIED_OUT else "partner-answer-unreadable"
    return Issue(code, "exception", text)


async def test_an_answer_of_exactly_the_limit_is_read():
    """The limit is what may still come."""
    answer = await gateway(Northlab(streamed(200, b"1234", b"5678")), max_answer_bytes=8).send(READ)

    assert answer == PartnerResponse(200, {"content-encoding": ""}, b"12345678")


async def test_reading_stops_at_once_when_an_answer_is_too_large():
    """What is left of it stays unread, and the connection is closed."""
    response = streamed(201, b"1234", b"5678", b"9", b"never read")

    error = await failure(gateway(Northlab(response), max_answer_bytes=8), WRITE)

    assert (error.status_code, error.issues) == (502, (unreadable("it is larger than 8 bytes"),))
    assert (response.stream.chunks, response.stream.closed) == ([b"never read"], True)


async def test_an_error_that_is_too_large_does_not_claim_that_the_call_was_accepted():
    """Only 2xx accepts."""
    error = await failure(gateway(Northlab(streamed(400, b"123456789")), max_answer_bytes=8), WRITE)

    assert error.issues == (unreadable("it is larger than 8 bytes", CARRIED_OUT),)


async def test_a_read_that_is_too_large_changed_nothing():
    """And is not sent again: it would be as large."""
    northlab = Northlab(streamed(200, b"123456789"))

    error = await failure(gateway(northlab, max_answer_bytes=8), READ)

    assert error.issues == (
        unreadable("it is larger than 8 bytes", "It may have received the call, which changes nothing."),
    )
    assert len(northlab.requests) == 1


@pytest.mark.parametrize("encoding", ["gzip", "x-gzip", " GZIP "])
async def test_gzip_is_decoded_however_it_is_cut_into_chunks(encoding):
    """Byte by byte."""
    packed = gzip.compress(b'{"id":42}' * 20, mtime=0)

    answer = await gateway(Northlab(streamed(200, *(bytes([byte]) for byte in packed), encoding=encoding))).send(READ)

    assert answer.body == b'{"id":42}' * 20


@pytest.mark.parametrize("encoding", ["", "identity", "Identity"])
async def test_an_answer_without_compression_is_taken_as_it_is(encoding):
    """`identity` is how a server may say so."""
    answer = await gateway(Northlab(streamed(200, b"\x1f\x8b", encoding=encoding))).send(READ)

    assert answer.body == b"\x1f\x8b"


async def test_an_empty_body_that_says_gzip_is_empty():
    """Some servers label every answer, a 204 too."""
    answer = await gateway(Northlab(streamed(204, encoding="gzip"))).send(WRITE)

    assert answer.body == b""


async def test_the_limit_counts_decoded_bytes():
    """100 kB that unpack to 100 MB are given up after one byte too many."""
    bomb = gzip.compress(bytes(100_000_000))

    error = await failure(gateway(Northlab(streamed(201, bomb, encoding="gzip"))), WRITE)

    assert error.issues == (unreadable("it is larger than 5000000 bytes"),)


@pytest.mark.parametrize(
    ("body", "encoding", "why"),
    [
        (b"plain text", "gzip", "it is not the gzip that it says it is"),
        (gzip.compress(b"{}", mtime=0) + b"more", "gzip", "it is not the gzip that it says it is"),
        (gzip.compress(b"{}", mtime=0)[:-1], "gzip", "its gzip ends too early"),
        (gzip.compress(b"{}", mtime=0)[:5], "gzip", "its gzip ends too early"),
        (zlib.compress(b"{}"), "deflate", "it is compressed in a way that was not asked for"),
        (b"{}", "gzip, gzip", "it is compressed in a way that was not asked for"),
    ],
)
async def test_an_answer_that_is_compressed_wrongly_is_refused(body, encoding, why):
    """Only what was asked for is unpacked."""
    error = await failure(gateway(Northlab(streamed(201, body, encoding=encoding))), WRITE)

    assert (error.status_code, error.issues) == (502, (unreadable(why),))


@pytest.mark.parametrize("status_code", [301, 302, 303, 307, 308])
async def test_a_redirect_is_not_followed(status_code):
    """It would take patients' data and our credentials to wherever the partner says."""
    northlab = Northlab(httpx.Response(status_code, headers={"Location": "https://elsewhere.example/login?t=secret"}))

    error = await failure(gateway(northlab), SAFE_WRITE)

    text = (
        f"The partner northlab answered with a redirect ({status_code}), which is not followed; check its URL. "
        + CARRIED_OUT
    )
    assert (error.status_code, error.issues) == (502, (Issue("partner-answer-unreadable", "exception", text),))
    assert len(northlab.requests) == 1


async def test_a_write_whose_accepting_answer_breaks_off_is_said_to_be_accepted():
    """The client must not think that nothing happened."""
    response = streamed(201, b'{"id":', httpx.RemoteProtocolError("incomplete"))

    error = await failure(gateway(Northlab(response)), WRITE)

    assert (error.status_code, error.issues) == (502, (unreadable("it broke off"),))
    assert response.stream.closed


async def test_a_write_whose_accepting_answer_stops_is_said_to_be_accepted():
    """As a time limit, not as a broken connection."""
    error = await failure(gateway(Northlab(streamed(201, b'{"id":', httpx.ReadTimeout("x")))), WRITE)

    text = f"The partner northlab did not answer in time: nothing came from it for 10 s. {ACCEPTED}"
    assert (error.status_code, error.issues) == (504, (Issue("partner-too-late", "timeout", text),))


async def test_a_safe_call_whose_answer_breaks_off_is_sent_again():
    """The second answer is whole."""
    northlab = Northlab(streamed(200, b'{"id":', httpx.ReadError("x")), streamed(200, b'{"id":42}'))

    answer = await gateway(northlab).send(READ)

    assert answer.body == b'{"id":42}'


async def test_a_read_whose_answer_breaks_off_each_time_is_a_broken_connection():
    """There was nothing to accept."""
    northlab = Northlab(*(streamed(200, b"{", httpx.ReadError("x")) for _ in range(3)))

    error = await failure(gateway(northlab), READ)

    text = (
        "The partner northlab broke off the connection before its answer was complete, or did not speak HTTP. "
        "It may have received the call, which changes nothing."
    )
    assert (error.status_code, error.issues) == (502, (Issue("partner-unreachable", "transient", text),))
