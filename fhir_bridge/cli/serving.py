"""`fhir-bridge serve` and `fhir-bridge sandbox`."""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import os
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import uvicorn
from starlette.applications import Starlette

from fhir_bridge.bridge import Bridge
from fhir_bridge.gateway import Gateway
from fhir_bridge.mapping.compile import load_routes
from fhir_bridge.sandbox import running
from fhir_bridge.sandbox.welcome import welcome
from fhir_bridge.server import create_app
from fhir_bridge.settings import read_settings


def app_from_environment(environment: Mapping[str, str] = os.environ) -> Starlette:
    """Return the app that an environment describes; raises MappingFileError and ValueError."""
    settings = read_settings(environment)
    routes = load_routes(settings.mappings, settings.profiles, settings.environment)
    connections = [partner.connection for partner in routes.configured() if partner.connection is not None]
    bridge = Bridge(routes, Gateway(connections), base_url=settings.base_url)
    return create_app(bridge, max_body_bytes=settings.max_body_bytes)


def serve(host: str, port: int, workers: int, *, allow_anonymous: bool) -> int:
    """Serve until interrupted. Raises ValueError for an address that others reach, unless anybody may call."""
    if not allow_anonymous and not _is_loopback(host):
        raise ValueError(f"{host} is reached from outside and callers are not checked; add --allow-anonymous to do it")
    app = app_from_environment()  # a wrong configuration stops the start here, before any process is made
    _log_to_stderr()
    uvicorn.run(
        app if workers == 1 else "fhir_bridge.cli.serving:app_from_environment",
        factory=workers > 1,
        host=host,
        port=port,
        workers=workers,
        access_log=False,  # its lines would hold addresses, and so patients' ids
        server_header=False,
        log_config=None,
    )
    return 0


def sandbox(port: int) -> int:
    """Serve the bridge and four simulated partners on loopback until interrupted."""
    _log_to_stderr()
    with suppress(KeyboardInterrupt):
        asyncio.run(_sandbox(port))
    return 0


async def _sandbox(port: int) -> None:
    with tempfile.TemporaryDirectory(prefix="fhir-bridge-") as folder:
        async with running(Path(folder)) as variables:
            config = uvicorn.Config(
                app_from_environment({**_own_variables(), **variables}),
                port=port,
                access_log=False,
                server_header=False,
                log_config=None,
            )
            server = uvicorn.Server(config)
            serving = asyncio.create_task(server.serve())
            while not server.started and not serving.done():
                await asyncio.sleep(0.01)
            if server.started:
                bound = server.servers[0].sockets[0].getsockname()[1]
                print(welcome(f"http://127.0.0.1:{bound}", variables), flush=True)
            await serving


def _own_variables() -> dict[str, str]:
    """The bridge's own settings count in the sandbox too; a real partner's never do."""
    return {name: value for name, value in os.environ.items() if name.startswith("FHIR_BRIDGE_")}


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _log_to_stderr() -> None:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
