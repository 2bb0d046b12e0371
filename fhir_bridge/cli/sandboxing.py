"""`fhir-bridge sandbox`: the simulated partners, and the bridge in front of them."""

from __future__ import annotations

import asyncio
import os
import socket
import tempfile
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

import uvicorn

from fhir_bridge.cli.serving import (
    Server,
    bridge_app,
    ended_by_signals,
    listening,
    log_to_stderr,
    server_options,
    until_ended,
    url_of,
)
from fhir_bridge.mapping.compile import load_routes
from fhir_bridge.settings import read_settings

_OF_THE_EXTRA = "trustme"
"""What `fhir-bridge[sandbox]` brings: the package that makes the certificates of a simulated partner."""


def sandbox(port: int) -> int:
    """Serve the bridge and four simulated partners on loopback until interrupted.

    Raises ValueError where the package is installed without the extra that they need.
    """
    if find_spec(_OF_THE_EXTRA) is None:
        raise ValueError("the simulated partners are not installed; run: pip install 'fhir-bridge[sandbox]'")
    with until_ended(), listening("127.0.0.1", port) as listener:
        log_to_stderr()
        asyncio.run(_sandbox(listener))
    return 0


async def _sandbox(listener: socket.socket) -> None:
    from fhir_bridge.sandbox import running
    from fhir_bridge.sandbox.welcome import welcome

    with tempfile.TemporaryDirectory(prefix="fhir-bridge-") as folder:
        async with running(Path(folder)) as variables:
            settings = read_settings({**_own_variables(), **variables})
            routes = load_routes(settings.mappings, settings.profiles, settings.environment, settings.limits)
            config = uvicorn.Config(bridge_app(settings, routes), **server_options(settings))
            config.timeout_graceful_shutdown = 1  # whoever still waits for a simulated answer is not waited for
            with ended_by_signals(Server(config)) as server:
                print(welcome(url_of("127.0.0.1", listener.getsockname()[1]), variables), flush=True)
                await server.serve([listener])


def _own_variables() -> Mapping[str, str]:
    """The bridge's own settings count in the sandbox too; a real partner's never do."""
    return {name: value for name, value in os.environ.items() if name.startswith("FHIR_BRIDGE_")}
