"""A client of a fresh simulated HealthEx, for the tests of its calls."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx

from fhir_bridge.sandbox.healthex import create_app

NOON = datetime(2026, 1, 15, 12, 0, tzinfo=UTC)
SECTION = (
    (Path(__file__).parents[2] / "docs/sandbox.md").read_text("utf-8").split("\n## HealthEx\n")[1].split("\n## ")[0]
)


async def no_wait(seconds: float) -> None:
    pass


def healthex(**switches: Any) -> httpx.AsyncClient:
    """Return a client of a fresh simulator whose clock stands at noon, and whose ids are all `retrieval-1`."""
    app = create_app(**{"now": lambda: NOON, "sleep": no_wait, "new_id": lambda: "retrieval-1"} | switches)
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://healthex.test")


async def log_in(client: httpx.AsyncClient, key: str = "sandbox-key") -> None:
    secret = {"sandbox-key": "sandbox-secret", "provider-key": "provider-secret"}[key]
    answer = await client.post("/v1/auth/token", json={"apiKey": key, "apiSecret": secret})
    client.headers["authorization"] = f"Bearer {answer.json()['token']}"


def rows(heading: str) -> list[list[str]]:
    """Return the cells of the table under `### heading`, without their backticks."""
    table = SECTION.split(f"\n### {heading}\n")[1].split("\n### ")[0]
    lines = [line for line in table.splitlines() if line.startswith("| ")][1:]
    return [[cell.strip().strip("`") for cell in line.strip("|").split("|")] for line in lines]
