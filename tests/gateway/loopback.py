"""A partner on a real socket: whatever it does there, a test writes down as a function of the stream."""

from __future__ import annotations

import re
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import anyio
from anyio.abc import ByteStream, SocketAttribute
from anyio.streams.tls import TLSListener

Handle = Callable[[ByteStream], Awaitable[None]]


@asynccontextmanager
async def listening(handle: Handle, context: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    """Serve each connection with `handle` on 127.0.0.1, over TLS if there is a context, and yield the port."""
    tcp = await anyio.create_tcp_listener(local_host="127.0.0.1")
    listener = tcp if context is None else _TlsListener(tcp, context, standard_compatible=False)
    async with tcp, anyio.create_task_group() as tasks:
        tasks.start_soon(listener.serve, handle)
        yield tcp.extra(SocketAttribute.local_port)
        tasks.cancel_scope.cancel()


async def request_of(stream: ByteStream) -> bytes:
    """Return one whole request: closing a connection with a part of it unread would reset it, and lose the answer."""
    request = b""
    while b"\r\n\r\n" not in request:
        request += await stream.receive()
    head, _, body = request.partition(b"\r\n\r\n")
    length = re.search(rb"content-length: (\d+)", head, re.IGNORECASE)
    while length is not None and len(body) < int(length[1]):
        body += await stream.receive()
    return head + b"\r\n\r\n" + body


class _TlsListener(TLSListener):
    """A handshake that fails is what the client has to report; here it is forgotten."""

    @staticmethod
    async def handle_handshake_error(exc: BaseException, stream: anyio.abc.AnyByteStream) -> None:
        await stream.aclose()


@asynccontextmanager
async def refusing_handshakes(context: ssl.SSLContext) -> AsyncIterator[int]:
    """Answer one handshake, which must fail, with OpenSSL's alert, and yield the port.

    OpenSSL works on the socket itself, because anyio's TLS does not send alerts; and the request is read before the
    socket is closed, because closing at once would reset the connection and lose the alert on its way.
    """
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(5)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(anyio.to_thread.run_sync, _refuse, server, context)
            yield server.getsockname()[1]


def _refuse(server: socket.socket, context: ssl.SSLContext) -> None:
    connection, _ = server.accept()
    tls = context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
    with suppress(ssl.SSLError):
        tls.do_handshake()
    with socket.socket(fileno=tls.detach()) as rest:
        rest.settimeout(5)
        with suppress(ConnectionResetError):
            while rest.recv(4096):
                pass
