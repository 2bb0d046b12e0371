"""What a client's program prints: one line of JSON on stdout for each capability that it tried."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

REQUESTS = Path(__file__).parents[1] / "requests"

PREPERSON = "7c3da506-804d-4550-8993-bf17f9ee0402"
NOBODY = "00000000-0000-4000-8000-000000000404"
BY_IDENTIFIER = f"https://fhir-bridge.example/fhir/sid/ehealth-preperson|{PREPERSON}"
PATIENT_OF_HEALTHEX = "17d4513f-73e8"


class Report:
    """Reports on one client, named with its version: `fhirpy 2.3.1 (async)`."""

    def __init__(self, client: str) -> None:
        self._client = client

    @contextmanager
    def trying(self, capability: str, how: str = "") -> Iterator[None]:
        """Report that the block worked, or the exception that it ended with; `how` says what is worth knowing."""
        try:
            yield
        except Exception as error:  # whatever goes wrong is what the report is for
            self._print(capability, False, f"{type(error).__name__}: {error}")
        else:
            self._print(capability, True, how)

    def cannot(self, capability: str, why: str) -> None:
        """Report what the client has no way to do."""
        self._print(capability, None, why)

    def _print(self, capability: str, worked: bool | None, why: str) -> None:
        line = {"client": self._client, "capability": capability, "worked": worked, "why": why}
        print(json.dumps(line, ensure_ascii=False), flush=True)


def request(name: str) -> Any:
    """Return one of the bodies that clients send: `batch`, `message`, `parameters`, `patient` and so on."""
    return json.loads((REQUESTS / f"{name}.json").read_text(encoding="utf-8"))


def same(found: object, expected: object) -> None:
    """Raise AssertionError where the two differ."""
    if found != expected:
        raise AssertionError(f"{found!r} is not {expected!r}")
