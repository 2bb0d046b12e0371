"""`/health/live` and `/health/ready`: whether the process runs, and what its mappings are ready for."""

import httpx
import pytest

from tests.serving import SANDBOX, Canned, serving, shipped

pytestmark = pytest.mark.anyio


async def test_it_lives(client: httpx.AsyncClient) -> None:
    """Without credentials, and never from a cache."""
    response = await client.get("/health/live")

    assert (response.status_code, response.json()) == (200, {"status": "live"})
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["content-type"] == "application/json"


async def test_it_is_ready_with_all_its_partners(client: httpx.AsyncClient) -> None:
    """Whether each is configured; no partner is called for it."""
    response = await client.get("/health/ready")

    assert (response.status_code, response.json()) == (
        200,
        {
            "status": "ready",
            "configured": {"ehealth": True, "healthex": True, "roche": True, "wmda": True},
        },
    )


async def test_a_partner_that_is_not_configured_is_told(partner: Canned) -> None:
    """The bridge is ready all the same."""
    routes = shipped({name: value for name, value in SANDBOX.items() if name.startswith("WMDA_")})

    async with serving(routes, partner.everywhere()) as client:
        response = await client.get("/health/ready")

    assert (response.status_code, response.json()["configured"]) == (
        200,
        {"ehealth": False, "healthex": False, "roche": False, "wmda": True},
    )


async def test_without_any_partner_it_is_not_ready(partner: Canned) -> None:
    """So that nobody is led to a bridge that can do nothing."""
    async with serving(shipped({}), partner.everywhere()) as client:
        response = await client.get("/health/ready")

    assert (response.status_code, response.json()) == (
        503,
        {
            "status": "no partner is configured",
            "configured": {"ehealth": False, "healthex": False, "roche": False, "wmda": False},
        },
    )


async def test_no_code_of_a_partner_is_told(client: httpx.AsyncClient) -> None:
    """Whatever it holds: the log tells it, to those who may read that."""
    await client.get("/fhir/ehealth/Patient/00000000-0000-4000-8000-000000000003")

    response = await client.get("/health/ready")

    assert set(response.json()) == {"status", "configured"}


@pytest.mark.parametrize("path", ["/health/live", "/health/ready"])
async def test_head_is_enough(client: httpx.AsyncClient, path: str) -> None:
    """For a load balancer."""
    response = await client.head(path)

    assert (response.status_code, response.content) == (200, b"")
