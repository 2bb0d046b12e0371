"""A bridge that runs on a real socket, with uvicorn and our protocol, and clients that write what they like to it."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import NamedTuple

import uvicorn
from starlette.applications import Starlette

from fhir_bridge.bridge import Bridge
from fhir_bridge.cli.serving import server_options
from fhir_bridge.limits import Limits
from fhir_bridge.mapping.routes import Routes
from fhir_bridge.outcome import Json
from fhir_bridge.server import create_app
from fhir_bridge.settings import Settings
from tests.serving import TOP, gateway, simulated

HOST = b"Host: bridge.test\r\n"
LIVE = b"GET /health/live HTTP/1.1\r\n" + HOST + b"\r\n"
METADATA = b"GET /fhir/metadata HTTP/1.1\r\n" + HOST + b"\r\n"
PATIENT = b"/fhir/ehealth/Patient/7c3da506-804d-4550-8993-bf17f9ee0402"
PATIENCE_S = 60
"""How long a client waits before a test fails, however slow the machine is."""


@dataclass
class Client:
    """One connection to the bridge."""

    socket: socket.socket
    unread: bytes = b""

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def answer(self, *, head_only: bool = False) -> Answer:
        """Read one answer."""
        while b"\r\n\r\n" not in self.unread:
            self._receive()
        head, _, self.unread = self.unread.partition(b"\r\n\r\n")
        start, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
        length = 0 if head_only else int(headers.get("content-length", "0"))
        while len(self.unread) < length:
            self._receive()
        body, self.unread = self.unread[:length], self.unread[length:]
        return Answer(int(start.split()[1]), headers, body)

    def ends(self) -> bool:
        """Whether the bridge closes the connection without another byte."""
        try:
            return self.unread == b"" and self.socket.recv(1) == b""
        except ConnectionResetError:
            return True

    def _receive(self) -> None:
        data = self.socket.recv(65536)
        if not data:
            raise AssertionError(f"the bridge closed the connection after {self.unread!r}")
        self.unread += data


class Answer(NamedTuple):
    """What came back."""

    status_code: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Json:
        return json.loads(self.body)


@dataclass
class Running:
    """A bridge that runs; `most_at_once` counts the requests that were under way in the app at the same time."""

    port: int
    server: uvicorn.Server
    requests: int = 0
    most_at_once: int = 0
    now: int = 0

    @contextmanager
    def client(self) -> Iterator[Client]:
        with socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE_S) as connection:
            yield Client(connection)

    def answer(self, request: bytes) -> Answer:
        """Send a request on a connection of its own, and return the answer."""
        with self.client() as client:
            client.send(request)
            return client.answer(head_only=request.startswith(b"HEAD "))


@contextmanager
def running(routes: Routes, limits: Limits, *, proxies: tuple[str, ...] = ()) -> Iterator[Running]:
    """Run a bridge before the simulated partners in a thread, until the block ends."""
    app = create_app(Bridge(routes, gateway(routes, simulated(), None)), limits=limits)
    settings = Settings(TOP / "mappings", TOP / "profiles", limits=limits, trusted_proxies=proxies)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        run = Running(listener.getsockname()[1], uvicorn.Server(uvicorn.Config(app, log_config=None)))
        config = uvicorn.Config(_counted(app, run), **server_options(settings))
        run.server = uvicorn.Server(config)
        thread = threading.Thread(target=run.server.run, args=([listener],))
        thread.start()
        try:
            yield run
        finally:
            run.server.should_exit = True
            thread.join(PATIENCE_S)
            assert not thread.is_alive()


def _counted(app: Starlette, run: Running) -> Starlette:
    class Counted:
        """Counts the requests that reach the app."""

        async def __call__(self, scope: Json, receive: Json, send: Json) -> None:
            counts = scope["type"] == "http"
            run.requests += counts
            run.now += counts
            run.most_at_once = max(run.most_at_once, run.now)
            try:
                await app(scope, receive, send)
            finally:
                run.now -= counts

    return Counted()  # type: ignore[return-value]
