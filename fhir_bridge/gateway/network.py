"""The network below the HTTP library: a connection on which an answer is left over is not used for the next call.

The bytes of a surplus answer would be taken for the answer to whoever calls next, and hold somebody else's data. The
library takes bytes from a connection until a message is complete; what it has taken too much, it keeps.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterable
from typing import Any

import httpcore


class UnaskedAnswer(httpcore.ConnectError):
    """The other side sent something, or closed the connection, before it was asked: nothing was sent to it."""


class Network(httpcore.AsyncNetworkBackend):
    """Opens connections that know whether anything is left over on them."""

    def __init__(self) -> None:
        self._network = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        return Stream(await self._network.connect_tcp(host, port, timeout, local_address, socket_options))

    async def sleep(self, seconds: float) -> None:
        await self._network.sleep(seconds)


class Stream(httpcore.AsyncNetworkStream):
    """One connection. The last byte of what came is handed out by itself, when it is asked for.

    An answer that is complete without that byte has something behind it: then the byte stays here, and the connection
    counts as one that cannot be used again.
    """

    at_once_bytes = 1_000_000
    """More than the system gives at once, so that nothing is left between the system and us."""

    def __init__(self, stream: httpcore.AsyncNetworkStream) -> None:
        self._stream = stream
        self._last = b""
        self._asks = False
        self._was_read = False

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        self._asks, self._was_read = False, True
        if self._last:
            chunk, self._last = self._last, b""
            return chunk
        chunk = await self._stream.read(max(max_bytes, self.at_once_bytes), timeout)
        chunk, self._last = (chunk[:-1], chunk[-1:]) if len(chunk) > 1 else (chunk, b"")
        return chunk

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Send a part of a request; raises UnaskedAnswer where an answer is there before the first part of it."""
        if not self._asks and self._is_readable():
            raise UnaskedAnswer("an answer came before it was asked for")
        self._asks = True
        await self._stream.write(buffer, timeout)

    async def aclose(self) -> None:
        await self._stream.aclose()

    async def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.AsyncNetworkStream:
        return TlsStream(await self._stream.start_tls(ssl_context, server_hostname, timeout))

    def get_extra_info(self, info: str) -> Any:
        if info == "is_readable":  # what the library asks before it uses a connection again
            return self._is_readable()
        return self._stream.get_extra_info(info)

    def _is_readable(self) -> bool:
        return bool(self._last) or bool(self._stream.get_extra_info("is_readable"))


class TlsStream(Stream):
    """One connection over TLS: a record that has arrived may still be closed, and the first may be no answer.

    A server sends tickets for later handshakes, which come before its first answer. RFC 8446 section 4.6.1
    """

    at_once_bytes = 0

    def _is_readable(self) -> bool:
        if self._last or _holds_more(self._stream.get_extra_info("ssl_object")):
            return True
        return self._was_read and bool(self._stream.get_extra_info("is_readable"))


def _holds_more(tls: ssl.SSLObject) -> bool:
    """Whether a record that has arrived holds more than tickets: a part of an answer, or the end of the connection."""
    try:
        tls.read(1)
    except ssl.SSLWantReadError:
        return False
    except ssl.SSLError:
        return True
    return True
