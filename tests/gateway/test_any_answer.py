"""Whatever bytes a partner sends, the gateway gives an answer or a FhirError, and nothing else."""

import gzip
import json

import anyio
import httpx
from hypothesis import given, settings
from hypothesis import strategies as st

from fhir_bridge.connection import Connection, Timeouts, TokenExchange
from fhir_bridge.exchange import PartnerResponse
from fhir_bridge.gateway import Gateway
from fhir_bridge.gateway.token import exchange_endpoint, read_token
from fhir_bridge.outcome import FhirError
from tests.gateway.loopback import listening, request_of
from tests.gateway.northlab import WRITE, Northlab, gateway

NOW = 1_000_000.0
ANSWER = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Encoding: gzip\r\nContent-Length: 40\r\n"
    b"Set-Cookie: a=b\r\nRetry-After: 1\r\nLocation: /x\r\n\r\n" + gzip.compress(b'{"id": 42}', mtime=0)
)
ENDPOINT = exchange_endpoint("northlab", "", TokenExchange("/t", {}, "token", "expiration", "epoch_s", 60), {})
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)


@st.composite
def spoiled(draw):
    """Return an answer in which one stretch of bytes is replaced by others."""
    start = draw(st.integers(0, len(ANSWER)))
    end = draw(st.integers(start, min(start + 30, len(ANSWER))))
    return ANSWER[:start] + draw(st.binary(max_size=30)) + ANSWER[end:]


async def outcome_of(answer):
    """Return what the gateway makes of these bytes off a real socket: a status of the partner's or of ours."""

    async def handle(stream):
        async with stream:
            await request_of(stream)
            await stream.send(answer)

    async with listening(handle) as port:
        connection = Connection("northlab", f"http://127.0.0.1:{port}", Timeouts(read_s=2))
        async with Gateway([connection]) as bridge:
            return await status_of(bridge)


async def status_of(bridge):
    """Return the partner's status in text, or that of the FhirError as a number."""
    try:
        return f"{(await bridge.send(WRITE)).status_code}"
    except FhirError as error:
        return error.status_code


def token_of(body):
    """Return the token that the gateway reads, or the status and the code of the FhirError."""
    try:
        return read_token(PartnerResponse(200, {}, body), ENDPOINT, NOW)
    except FhirError as error:
        return error.status_code, error.issues[0].error


def test_the_unspoiled_answer_is_read():
    """Or the next test would prove nothing."""
    answer = ANSWER.replace(b"Length: 40", b"Length: %d" % len(gzip.compress(b'{"id": 42}', mtime=0)))

    assert anyio.run(outcome_of, answer) == "200"


@given(spoiled())
@settings(max_examples=150)
def test_spoiled_bytes_are_an_answer_or_a_bad_gateway(answer):
    """Never another exception, and never another status of ours than 502."""
    outcome = anyio.run(outcome_of, answer)

    assert outcome == 502 or isinstance(outcome, str)


@given(st.binary(max_size=200), st.sampled_from(["gzip", "identity", "br", "deflate", "\xff", ""]))
def test_any_body_in_any_coding_is_an_answer_or_a_bad_gateway(body, encoding):
    """The label may lie."""

    class Raw(httpx.AsyncByteStream):
        async def __aiter__(self):
            yield body

    response = httpx.Response(200, headers={"Content-Encoding": encoding.encode("latin-1")}, stream=Raw())

    assert anyio.run(status_of, gateway(Northlab(response))) in ("200", 502)


@given(
    st.dictionaries(st.sampled_from(["token", "expiration", "x"]), JSON | st.sampled_from(["a.eyJ9.c", "..", "1e999"]))
    | JSON
)
def test_any_json_of_a_token_endpoint_is_a_token_that_lasts_or_a_bad_gateway(answer):
    """A token that is used at all is used at least once, and not for ever."""
    token = token_of(json.dumps(answer).encode())

    assert token == (502, "partner-answer-unreadable") or (token.value == answer["token"] and token.refresh_at > NOW)
