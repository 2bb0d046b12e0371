"""One client's connection: what comes in on it is fed to the parser one request at a time, within the limits."""

from __future__ import annotations

import asyncio
import sys
from asyncio import TimerHandle
from typing import Any

import httptools
from uvicorn._types import ASGIReceiveCallable, ASGIReceiveEvent, ASGISendCallable, ASGISendEvent, Scope
from uvicorn.config import Config
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from fhir_bridge.limits import DEFAULTS, Limits
from fhir_bridge.outcome import FhirError
from fhir_bridge.protocol.body import MOST_BYTES, MOST_PIECES, BodyReader
from fhir_bridge.protocol.clock import Clock
from fhir_bridge.protocol.connections import Connections
from fhir_bridge.protocol.head import HeadReader, malformed, not_offered
from fhir_bridge.protocol.refusal import LATE_HEAD, NO_PLACE, STOPPING, refusal
from fhir_bridge.rounds import Rounds

LINGER_S = 2
"""How long the rest of a refused request is read and dropped, so that the client sees the answer and not a reset."""

_TICK_S = 0.5
"""How often a connection looks at its clock."""

_PARSER_REFUSES = "The request is not HTTP/1.1: what is around its body, or in its headers, breaks a rule of RFC 9112."


class HttpProtocol(HttpToolsProtocol):
    """uvicorn's protocol, which gets one whole head at a time, and no request before the last one is answered.

    The app tells the `limits` in its lifespan's state; there the connections of the process are counted too.
    """

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._limits: Limits = app_state.get("limits", DEFAULTS)
        self._all: Connections = app_state.setdefault("connections", Connections(most_connections(self._limits)))
        self._clock = Clock(self._limits, self.loop.time())
        self._head = HeadReader(self._limits)
        self._body: BodyReader | None = None
        self._unread = b""
        self._rounds: Rounds = app_state.setdefault("rounds", Rounds())
        self._is_waiting = self._has_turn = False
        self._flow: _Flow
        self._content = 0
        self._is_in_head = True
        self._fault: FhirError | None = None
        self._ending = False
        self._tick: TimerHandle | None = None
        self._answer = self.app
        self.app = self._until_cancelled

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.flow = self._flow = _Flow(transport)
        self._tick = self.loop.call_later(_TICK_S, self._look_at_clock)
        if not self._all.open(self):
            self._refuse(NO_PLACE)

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._ending = True
        self._all.close(self)
        if self._tick is not None:
            self._tick.cancel()

    def give_way(self) -> None:
        """Close at once: another connection needs the place."""
        self._ending = True
        self.transport.abort()

    def data_received(self, data: bytes) -> None:
        """Keep what comes until it is its turn; what comes after a refusal is dropped."""
        self._clock.hear(self.loop.time())
        if not self._ending and self._fault is None:
            self._unread += data
            self._read()

    def _read(self) -> None:
        """Read on until a request is under way whose body has come; who sends more before its answer has to wait."""
        try:
            while self._unread and not self._ending and not self._is_waiting and not self._is_answering():
                self._read_head() if self._body is None else self._read_body(self._body)
        except FhirError as error:
            self._refuse(error)
        self._flow.hold(bool(self._unread))

    @property
    def _last(self) -> RequestResponseCycle | None:
        """The request that is under way, or the last one that was."""
        return self.cycle

    def _is_under_way(self) -> bool:
        return self._last is not None and not self._last.response_complete

    def _is_answering(self) -> bool:
        return self._body is None and self._is_under_way()

    def _read_head(self) -> None:
        if not self._head.begun:
            self._unset_keepalive_if_required()
            self._clock.begin(self.loop.time())
        head, self._unread = self._head.take(self._unread)
        if head is None:
            return
        self._all.busy(self)
        self._body = BodyReader(head)
        self.parser = httptools.HttpRequestParser(self)
        self._feed(head.text)
        self.cycle.transport = _Ending(self)

    def _read_body(self, body: BodyReader) -> None:
        """Give the parser what has come of the body; chunks may be many, and so each round of the loop reads a few."""
        if body.chunked and not self._has_turn:
            self._is_waiting = True
            self._rounds.begin((self.client and self.client[0], True), self._take_turn)
            return
        self._has_turn = False
        data, start = self._unread[: MOST_BYTES if body.chunked else None], 0
        for _ in range(MOST_PIECES):
            end = body.end_of_piece(data, start)
            self._content = 0
            self._feed(data[start:end])
            body.count(end - start, self._content)
            start = end
            if start == len(data) or self._body is None:
                break
        self._unread = self._unread[start:]

    def _take_turn(self) -> None:
        self._is_waiting, self._has_turn = False, True
        self._read()

    def _feed(self, data: bytes) -> None:
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade:  # CONNECT: the app refuses the method, and nothing follows
            pass
        except httptools.HttpParserInvalidMethodError:
            text = "The bridge does not know the method of the request; OPTIONS tells the methods of an address."
            raise not_offered(501, text) from None
        except httptools.HttpParserError:
            raise malformed(_PARSER_REFUSES) from None

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._is_in_head = True

    def on_header(self, name: bytes, value: bytes) -> None:
        """A trailer is no header: who checked the headers has not seen it. It is dropped."""
        if self._is_in_head:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._is_in_head = False
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._content += len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._body, self._head = None, HeadReader(self._limits)

    def on_response_complete(self) -> None:
        """Go on with what the client has sent meanwhile."""
        if self._ending:
            return
        self._all.idle(self)
        super().on_response_complete()
        if not self.transport.is_closing():
            self._read()

    async def _until_cancelled(self, scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        """Have the app answer; where it is stopped before, at the end of the process, say so."""
        cycle = self.cycle

        async def received() -> ASGIReceiveEvent:
            message = await receive()
            if self._fault is not None:
                raise self._fault
            return message

        async def answered(message: ASGISendEvent) -> None:
            if self._body is not None:  # the rest of the body will not be read
                cycle.keep_alive = False
            await send(message)

        try:
            await self._answer(scope, received, answered)
        except asyncio.CancelledError:
            if not cycle.response_started:
                self.transport.write(refusal(STOPPING, b"", self.server_state.default_headers))
            cycle.disconnected = True

    def _refuse(self, error: FhirError) -> None:
        """Answer with an error and close; where the app has the request already, it is told, and answers."""
        if self._body is not None and self._is_under_way():
            self._fault = error
            self.cycle.message_event.set()
            self._unread = b""
        else:
            self.transport.write(refusal(error, self._head.text, self.server_state.default_headers))
            self.end()

    def end(self) -> None:
        """Close; where there is more to come from the client, first let it read the answer."""
        self._ending = True
        more = self._body is not None or self._head.begun or bool(self._unread) or self._last is None
        self._unread = b""
        self._flow.hold(False)
        self._flow.resume_reading()
        self._all.idle(self)
        if not more:
            self.transport.close()
            return
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self.loop.call_later(LINGER_S, self.transport.close)

    def shutdown(self) -> None:
        """The process ends: an idle connection is closed, and one with a request under way after its answer."""
        self.app_state["stopping"] = True
        super().shutdown()

    def _look_at_clock(self) -> None:
        now = self.loop.time()
        self._tick = self.loop.call_later(_TICK_S, self._look_at_clock)
        if self._clock.answer_is_stuck(now, self.transport.get_write_buffer_size()):
            self.transport.abort()
        elif not self._ending and self._body is None and not self._is_answering() and self._clock.head_is_late(now):
            self._late()

    def _late(self) -> None:
        """A request that has begun is refused; a new connection on which none has begun is closed without a word."""
        if self._head.begun:
            self._refuse(LATE_HEAD)
        elif self._last is None:
            self.transport.close()


class _Flow(FlowControl):
    """Reads no more while what has come is held back, whoever wants to."""

    def __init__(self, transport: asyncio.Transport) -> None:
        super().__init__(transport)
        self._held = False

    def hold(self, held: bool) -> None:
        if held:
            self._held = True
            self.pause_reading()
        elif self._held:
            self._held = False
            self.resume_reading()

    def resume_reading(self) -> None:
        if not self._held:
            super().resume_reading()


class _Ending(asyncio.Transport):
    """The transport as an answer sees it, which closes it without a thought for what the client still sends."""

    def __init__(self, connection: HttpProtocol) -> None:
        super().__init__()
        self._connection = connection

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self._connection.transport.write(data)

    def is_closing(self) -> bool:
        return self._connection.transport.is_closing()

    def close(self) -> None:
        self._connection.end()


def most_connections(limits: Limits) -> int:
    """How many connections may be open: a tenth of the files that the process may open is left for others."""
    return min(limits.max_connections, max(_files() * 9 // 10, 1))


def _files() -> int:
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return sys.maxsize
    most, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return most if most != resource.RLIM_INFINITY else sys.maxsize
