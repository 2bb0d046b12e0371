"""`fhir-bridge serve`, and what `fhir-bridge sandbox` shares with it: how a server begins to listen, and ends."""

from __future__ import annotations

import ipaddress
import logging
import os
import signal
import socket
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import uvicorn
from starlette.applications import Starlette

from fhir_bridge.bridge import Bridge
from fhir_bridge.gateway import Gateway
from fhir_bridge.mapping.compile import load_routes
from fhir_bridge.mapping.routes import Routes
from fhir_bridge.protocol import HttpProtocol
from fhir_bridge.server import create_app
from fhir_bridge.settings import Settings, read_settings


def serve(host: str, port: int, workers: int, *, allow_anonymous: bool) -> int:
    """Serve until interrupted. Raises ValueError for an address that others reach, unless anybody may call."""
    if not allow_anonymous and not _is_loopback(host):
        raise ValueError(f"{host} is reached from outside and callers are not checked; add --allow-anonymous to do it")
    settings = read_settings(os.environ)
    routes = load_routes(settings.mappings, settings.profiles, settings.environment, settings.limits)
    app = bridge_app(settings, routes)  # a wrong configuration stops the start here, before any process is made
    with until_ended(), listening(host, port) as listener:
        log_to_stderr()
        bound = listener.getsockname()[1]
        ready = _welcome(url_of(host, bound), routes)
        if workers == 1:
            with ended_by_signals(Server(uvicorn.Config(app, **server_options(settings)))) as server:
                print(ready, flush=True)
                server.run(sockets=[listener])
        else:
            listener.close()
            print(ready, flush=True)
            _serve_in_processes(settings, host, bound, workers)
    return 0


def _serve_in_processes(settings: Settings, host: str, port: int, workers: int) -> None:
    app = "fhir_bridge.cli.serving:worker_app"
    uvicorn.run(app, factory=True, host=host, port=port, workers=workers, **server_options(settings))


def worker_app() -> Starlette:
    """Return the app of one process among several, each of which reads the environment for itself."""
    log_to_stderr()
    settings = read_settings(os.environ)
    return bridge_app(
        settings, load_routes(settings.mappings, settings.profiles, settings.environment, settings.limits)
    )


def bridge_app(settings: Settings, routes: Routes) -> Starlette:
    """Return the bridge in front of the configured partners, as settings and mapping files have it."""
    connections = [partner.connection for partner in routes.configured() if partner.connection is not None]
    bridge = Bridge(
        routes,
        Gateway(connections),
        base_url=settings.base_url,
        cors_origins=settings.cors_origins,
        strict=settings.strict,
    )
    return create_app(bridge, limits=settings.limits)


def _welcome(url: str, routes: Routes) -> str:
    """Say where the bridge is, which partners there are, and which variable brings in each of the others."""
    there = ", ".join(partner.title for partner in routes.configured())
    absent = [partner.base_url_variable for partner in routes.partners.values() if partner.connection is None]
    unset = f" (not set: {', '.join(absent)})" if absent else ""
    if not there:
        return f"fhir-bridge listens at {url}/fhir, but is not ready: no partner is configured{unset}"
    return f"fhir-bridge is ready at {url}/fhir; {there}{unset}"


class Server(uvicorn.Server):
    """A server that ends where `ended_by_signals` says."""

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Leave the signals to `ended_by_signals`: uvicorn raises them once more when it has ended."""
        yield


@contextmanager
def ended_by_signals(server: Server) -> Generator[Server, None, None]:
    """Ctrl-C and SIGTERM end the server, also before it has begun; a second Ctrl-C waits for nobody."""
    before = {number: signal.signal(number, server.handle_exit) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield server
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def server_options(settings: Settings) -> dict[str, Any]:
    """Return what uvicorn is told, whoever starts it."""
    return {
        "http": HttpProtocol,
        "ws": "none",
        "access_log": False,  # it would hold addresses, and so patients' ids
        "server_header": False,
        "log_config": None,
        "proxy_headers": bool(settings.trusted_proxies),
        "forwarded_allow_ips": list(settings.trusted_proxies),
        "timeout_graceful_shutdown": settings.limits.shutdown_s,
    }


@contextmanager
def until_ended() -> Generator[None, None, None]:
    """Ctrl-C and SIGTERM are how a server ends, also while it starts, and no error."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    except KeyboardInterrupt:
        pass
    finally:
        signal.signal(signal.SIGTERM, before)


def listening(host: str, port: int) -> socket.socket:
    """Return a socket that listens; the first callers wait in it until the server takes them. Raises OSError."""
    try:
        listener = socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError as error:
        why = str(error.strerror).partition(" (while")[0]  # create_server says the address once more in brackets
        raise OSError(f"cannot listen on {host}, port {port}: {why}; choose another with --port") from None
    # Each connection inherits it. asyncio leaves it out here, and a body would wait 40 ms for the ACK of its headers.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def url_of(host: str, port: int) -> str:
    """Return the address of a server without a path."""
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def log_to_stderr() -> None:
    """Log one line for each request, and whatever else is worth one."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
