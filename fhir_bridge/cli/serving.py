"""`fhir-bridge serve` and `fhir-bridge sandbox`."""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import os
import signal
import socket
import tempfile
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path

import uvicorn
from starlette.applications import Starlette

from fhir_bridge.bridge import Bridge
from fhir_bridge.gateway import Gateway
from fhir_bridge.mapping.compile import load_routes
from fhir_bridge.mapping.routes import Routes
from fhir_bridge.sandbox import running
from fhir_bridge.sandbox.welcome import welcome
from fhir_bridge.server import create_app
from fhir_bridge.settings import Settings, read_settings


def serve(host: str, port: int, workers: int, *, allow_anonymous: bool) -> int:
    """Serve until interrupted. Raises ValueError for an address that others reach, unless anybody may call."""
    if not allow_anonymous and not _is_loopback(host):
        raise ValueError(f"{host} is reached from outside and callers are not checked; add --allow-anonymous to do it")
    settings = read_settings(os.environ)
    routes = load_routes(settings.mappings, settings.profiles, settings.environment)
    app = _app(settings, routes)  # a wrong configuration stops the start here, before any process is made
    with _until_ended(), _listening(host, port) as listener:
        _log_to_stderr()
        bound = listener.getsockname()[1]
        ready = f"fhir-bridge is ready at {_url(host, bound)}/fhir; {_who_is_configured(routes)}"
        if workers == 1:
            with _ended_by_signals(_Server(_config(app))) as server:
                print(ready, flush=True)
                server.run(sockets=[listener])
        else:
            listener.close()
            print(ready, flush=True)
            _serve_in_processes(host, bound, workers)
    return 0


def _serve_in_processes(host: str, port: int, workers: int) -> None:
    app = "fhir_bridge.cli.serving:worker_app"
    uvicorn.run(
        app, factory=True, host=host, port=port, workers=workers, access_log=False, server_header=False, log_config=None
    )


def worker_app() -> Starlette:
    """Return the app of one process among several, each of which reads the environment for itself."""
    _log_to_stderr()
    settings = read_settings(os.environ)
    return _app(settings, load_routes(settings.mappings, settings.profiles, settings.environment))


def _app(settings: Settings, routes: Routes) -> Starlette:
    connections = [partner.connection for partner in routes.configured() if partner.connection is not None]
    bridge = Bridge(routes, Gateway(connections), base_url=settings.base_url, cors_origins=settings.cors_origins)
    return create_app(bridge, limits=settings.limits)


def _who_is_configured(routes: Routes) -> str:
    """Say which partners there are, and which variable brings in each of the others."""
    there = ", ".join(partner.title for partner in routes.configured()) or "no partner is configured"
    absent = [partner.base_url_variable for partner in routes.partners.values() if partner.connection is None]
    return f"{there} (not set: {', '.join(absent)})" if absent else there


def sandbox(port: int) -> int:
    """Serve the bridge and four simulated partners on loopback until interrupted."""
    with _until_ended(), _listening("127.0.0.1", port) as listener:
        _log_to_stderr()
        asyncio.run(_sandbox(listener))
    return 0


async def _sandbox(listener: socket.socket) -> None:
    with tempfile.TemporaryDirectory(prefix="fhir-bridge-") as folder:
        async with running(Path(folder)) as variables:
            settings = read_settings({**_own_variables(), **variables})
            routes = load_routes(settings.mappings, settings.profiles, settings.environment)
            config = _config(_app(settings, routes))
            config.timeout_graceful_shutdown = 1  # whoever still waits for a simulated answer is not waited for
            with _ended_by_signals(_Server(config)) as server:
                print(welcome(_url("127.0.0.1", listener.getsockname()[1]), variables), flush=True)
                await server.serve([listener])


def _own_variables() -> Mapping[str, str]:
    """The bridge's own settings count in the sandbox too; a real partner's never do."""
    return {name: value for name, value in os.environ.items() if name.startswith("FHIR_BRIDGE_")}


class _Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Leave the signals to `_ended_by_signals`: uvicorn raises them once more when it has ended."""
        yield


@contextmanager
def _ended_by_signals(server: _Server) -> Generator[_Server, None, None]:
    """Ctrl-C and SIGTERM end the server, also before it has begun; a second Ctrl-C waits for nobody."""
    before = {number: signal.signal(number, server.handle_exit) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield server
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _config(app: Starlette) -> uvicorn.Config:
    # An access log would hold addresses, and so patients' ids.
    return uvicorn.Config(app, ws="none", access_log=False, server_header=False, log_config=None)


@contextmanager
def _until_ended() -> Generator[None, None, None]:
    """Ctrl-C and SIGTERM are how a server ends, also while it starts, and no error."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    except KeyboardInterrupt:
        pass
    finally:
        signal.signal(signal.SIGTERM, before)


def _listening(host: str, port: int) -> socket.socket:
    """Return a socket that listens; the first callers wait in it until the server takes them. Raises OSError."""
    try:
        listener = socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError as error:
        why = str(error.strerror).partition(" (while")[0]  # create_server says the address once more in brackets
        raise OSError(f"cannot listen on {host}, port {port}: {why}; choose another with --port") from None
    # Each connection inherits it. asyncio leaves it out here, and a body would wait 40 ms for the ACK of its headers.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def _url(host: str, port: int) -> str:
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _log_to_stderr() -> None:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
