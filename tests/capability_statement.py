"""Writes capability-statement.json, what the hub states with every partner configured: `make capability-statement`."""

from __future__ import annotations

import json

import anyio

from fhir_bridge.outcome import Json
from tests.serving import SANDBOX, TOP, serving, shipped, simulated

FILE = TOP / "capability-statement.json"


async def stated() -> Json:
    """Return what `GET /fhir/metadata` answers."""
    async with serving(shipped(SANDBOX), simulated()) as client:
        return (await client.get("/fhir/metadata")).json()


def text_of(statement: Json) -> str:
    """Return the statement as it stands in the file."""
    return json.dumps(statement, ensure_ascii=False, indent=2) + "\n"


if __name__ == "__main__":
    FILE.write_text(text_of(anyio.run(stated)), encoding="utf-8")
