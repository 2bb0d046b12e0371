"""The simulated partners: four small servers that refuse what the real ones refuse, and what leads a bridge to them.

Nothing else of the bridge is imported here, so a wrong mapping cannot agree with itself. docs/sandbox.md says who
stands in them.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Generator, Iterable, Mapping, Sequence
from contextlib import ExitStack, asynccontextmanager, contextmanager
from pathlib import Path

import uvicorn
from starlette.applications import Starlette

from fhir_bridge.sandbox import ehealth, healthex, roche, wmda
from fhir_bridge.sandbox.certificates import Certificates, issue

__all__ = ["partners", "running", "settings"]

_NAMES = {
    "healthex": "http://healthex.test",
    "ehealth": "http://ehealth.test",
    "wmda": "http://wmda.test",
    "roche": "https://roche.test",
}


def partners() -> dict[str, Starlette]:
    """Return the four applications by partner, each in the state of a fresh start, for tests that need no sockets."""
    return {
        "healthex": healthex.create_app(),
        "ehealth": ehealth.create_app(),
        "wmda": wmda.create_app(),
        "roche": roche.create_app(),
    }


def settings(origins: Mapping[str, str] = _NAMES, certificates: Certificates | None = None) -> dict[str, str]:
    """Return the environment variables that lead a bridge to the partners at `origins` (partner: scheme://host:port).

    Without `origins` the partners are at `http://healthex.test` and so on, for tests that route by host name. The
    variables that name files are there only with `certificates`.
    """
    addresses = {
        "HEALTHEX_BASE_URL": origins["healthex"],
        "EHEALTH_BASE_URL": origins["ehealth"],
        "WMDA_BASE_URL": f"{origins['wmda']}/api/v2",
        "WMDA_TOKEN_URL": f"{origins['wmda']}/{wmda.TENANT}/oauth2/token",
        "ROCHE_BASE_URL": f"{origins['roche']}{roche.BASE_PATH}",
    }
    credentials = healthex.SETTINGS | ehealth.SETTINGS | wmda.SETTINGS | roche.SETTINGS
    return addresses | credentials | (_files(certificates) if certificates else {})


def _files(certificates: Certificates) -> dict[str, str]:
    return {
        "ROCHE_CLIENT_CERT": str(certificates.client_certificate),
        "ROCHE_CLIENT_KEY": str(certificates.client_key),
        "ROCHE_CA_BUNDLE": str(certificates.ca_bundle),
    }


@asynccontextmanager
async def running(folder: Path) -> AsyncIterator[dict[str, str]]:
    """Serve the four partners on free ports of 127.0.0.1, and yield the environment variables that lead to them.

    Roche is behind TLS that asks for a client certificate; the certificates are made in `folder`, anew each time.
    The servers run in the caller's event loop, log nothing, and leave its signal handlers alone.
    """
    certificates = issue(folder)
    servers = {
        partner: _server(app, certificates if partner == "roche" else None) for partner, app in partners().items()
    }
    with ExitStack() as sockets:
        listeners = {partner: sockets.enter_context(_listening()) for partner in servers}
        async with _serving([(server, listeners[partner]) for partner, server in servers.items()]):
            yield settings(
                {partner: _origin(partner, listener) for partner, listener in listeners.items()}, certificates
            )


class _Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Leave the signals to whoever owns the event loop."""
        yield


def _listening() -> socket.socket:
    """Return a socket on a free port whose connections send each answer at once.

    asyncio leaves TCP_NODELAY out for such a socket, and a body would wait 40 ms for the ACK of its headers.
    """
    listener = socket.create_server(("127.0.0.1", 0))
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def _server(app: Starlette, certificates: Certificates | None) -> _Server:
    """Return a server that is not started yet; with `certificates` it asks its callers for one of theirs."""
    config = uvicorn.Config(
        app,
        ws="none",
        lifespan="off",
        log_config=None,
        log_level="critical",
        access_log=False,
        timeout_graceful_shutdown=1,  # whoever still waits for a late answer is not waited for
    )
    if certificates is not None:
        config.ssl_certfile = str(certificates.server_certificate)
        config.ssl_keyfile = str(certificates.server_key)
        config.ssl_ca_certs = str(certificates.ca_bundle)
        config.ssl_cert_reqs = ssl.CERT_REQUIRED
    return _Server(config)


@asynccontextmanager
async def _serving(pairs: Sequence[tuple[_Server, socket.socket]]) -> AsyncIterator[None]:
    """Serve each socket until the block ends; raises what a server failed with."""
    tasks = [asyncio.create_task(server.serve([listener])) for server, listener in pairs]
    try:
        await _started([server for server, _ in pairs], tasks)
        yield
    finally:
        for server, _ in pairs:
            server.should_exit = True
        await asyncio.gather(*tasks)


async def _started(servers: Iterable[_Server], tasks: Iterable[asyncio.Task[None]]) -> None:
    while not all(server.started for server in servers):
        for task in tasks:
            if task.done():
                task.result()
        await asyncio.sleep(0.005)


def _origin(partner: str, listener: socket.socket) -> str:
    return f"{'https' if partner == 'roche' else 'http'}://127.0.0.1:{listener.getsockname()[1]}"
