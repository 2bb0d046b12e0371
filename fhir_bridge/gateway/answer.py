"""Reads what a partner answers, trusting nothing: a size limit on the decoded bytes, and no redirects."""

from __future__ import annotations

import zlib
from collections.abc import Callable

import httpx

from fhir_bridge.exchange import PartnerResponse
from fhir_bridge.gateway import failure
from fhir_bridge.gateway.call import Call

ACCEPT_ENCODING = "gzip"
"""The one content coding that `read` decodes: a decoder that knows more of them must bound each."""

_REDIRECTS = (301, 302, 303, 307, 308)
_GZIP = 31  # zlib's wbits for a stream with a gzip header

Decode = Callable[[bytes, int], bytes]
"""Turns the next bytes off the wire into at most so many decoded bytes."""


async def read(response: httpx.Response, call: Call, max_bytes: int) -> PartnerResponse:
    """Return the whole answer, and close it; stops reading as soon as it is past `max_bytes`, decoded.

    Raises FhirError 502 for one that is too large, encoded wrongly or a redirect, and what the transport raises.
    """
    try:
        if response.status_code in _REDIRECTS:
            raise failure.redirected(call, response.status_code)
        if response.is_success:
            call.accepted = response.status_code
        body = await _body(response, call, max_bytes)
    finally:
        await response.aclose()
    return PartnerResponse(response.status_code, dict(response.headers), body)


async def _body(response: httpx.Response, call: Call, max_bytes: int) -> bytes:
    match response.headers.get("content-encoding", "").strip().lower():
        case "" | "identity":
            return await _bounded(response, call, max_bytes, _as_it_is)
        case "gzip" | "x-gzip":
            return await _unzipped(response, call, max_bytes)
        case _:
            raise failure.unreadable(call, "it is compressed in a way that was not asked for")


async def _unzipped(response: httpx.Response, call: Call, max_bytes: int) -> bytes:
    gunzip = _Gunzip()
    try:
        body = await _bounded(response, call, max_bytes, gunzip.decode)
    except zlib.error:
        raise failure.unreadable(call, "it is not the gzip that it says it is") from None
    if not gunzip.complete:
        raise failure.unreadable(call, "its gzip ends too early")
    return body


class _Gunzip:
    """Decodes one gzip stream, bit by bit and never more than is asked for; no bytes at all are a complete one."""

    def __init__(self) -> None:
        self._stream = zlib.decompressobj(_GZIP)
        self.complete = True

    def decode(self, chunk: bytes, room: int) -> bytes:
        """Return at most `room` decoded bytes; raises zlib.error."""
        decoded = self._stream.decompress(chunk, room)
        if self._stream.unused_data:  # zlib would keep all of it, however much comes
            raise zlib.error("bytes after the end")
        self.complete = self._stream.eof
        return decoded


def _as_it_is(chunk: bytes, _room: int) -> bytes:
    return chunk


async def _bounded(response: httpx.Response, call: Call, max_bytes: int, decode: Decode) -> bytes:
    """Gather the decoded stream; one byte more than allowed is enough to give up on it."""
    assert isinstance(response.stream, httpx.AsyncByteStream)
    body = bytearray()
    async for chunk in response.stream:
        body += decode(chunk, max_bytes + 1 - len(body))
        if len(body) > max_bytes:
            raise failure.unreadable(call, f"it is larger than {max_bytes} bytes")
    return bytes(body)
