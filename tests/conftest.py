"""The bridge before the four simulated partners, and before one whose answers are canned."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest
from hypothesis import HealthCheck, settings

from fhir_bridge.mapping.routes import Routes
from tests.serving import READY, SANDBOX, Canned, serving, shipped, simulated

# However slow the machine is, or busy with other work: no test says how long anything takes.
settings.register_profile("unhurried", settings(), deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unhurried")


@pytest.fixture
def anyio_backend() -> str:
    """Run asynchronous tests on asyncio, as the server does."""
    return "asyncio"


@pytest.fixture(scope="session")
def routes() -> Routes:
    """The mapping files that ship, for the simulated partners."""
    return shipped(SANDBOX)


@pytest.fixture(scope="session")
def ready_routes() -> Routes:
    """The same for partners that ask for no token first."""
    return shipped(READY)


@pytest.fixture
async def client(routes: Routes) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the bridge before the four simulated partners, each in the state of a fresh start."""
    async with serving(routes, simulated()) as client:
        yield client


@pytest.fixture
def partner() -> Canned:
    """A partner with canned answers: all four at once."""
    return Canned()


@pytest.fixture
async def canned(ready_routes: Routes, partner: Canned) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the bridge before `partner`."""
    async with serving(ready_routes, partner.everywhere()) as client:
        yield client
