"""A client of the simulated eHealth, and what its refusals look like."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from itertools import count

import httpx

from fhir_bridge.sandbox import ehealth

NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
PETRO = "7c3da506-804d-4550-8993-bf17f9ee0402"
DIED = "00000000-0000-4000-8000-000000000001"
UNKNOWN = "00000000-0000-4000-8000-000000000404"

Json = dict[str, object]


@asynccontextmanager
async def ehealth_client(
    *,
    token: str | None = "token-good",
    api_key: str | None = "sandbox-api-key",
    now: Callable[[], datetime] = lambda: NOW,
    **switches: bool,
) -> AsyncIterator[httpx.AsyncClient]:
    """Yield a client of a simulator that has just started; its new ids are `new-1`, `new-2` and so on."""
    numbers = count(1)
    app = ehealth.create_app(now=now, new_id=lambda: f"new-{next(numbers)}", **switches)
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    if api_key:
        headers["Api-key"] = api_key
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://ehealth.test", headers=headers) as client:
        yield client


def path(id: str) -> str:
    return f"/api/prepersons/{id}"


def refusal(response: httpx.Response) -> tuple[int, object]:
    """Return the status and `error` of an answer that is an error envelope and nothing else."""
    body = response.json()
    assert set(body) == {"meta", "error"}
    assert body["meta"]["code"] == response.status_code
    return response.status_code, body["error"]


def field_error(entry: str, rule: str, description: str, params: object = ()) -> Json:
    params = list(params) if isinstance(params, tuple) else params
    rules = [{"rule": rule, "params": params, "description": description}]
    return {"entry": entry, "entry_type": "json_data_property", "rules": rules}


def schema_failed(*invalid: Json) -> tuple[int, object]:
    return 422, {"type": "validation_failed", "message": "Schema validation failed", "invalid": list(invalid)}


def failed(*invalid: Json) -> tuple[int, object]:
    return 422, {"type": "validation_failed", "message": "Validation failed", "invalid": list(invalid)}
