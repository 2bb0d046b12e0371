"""Northlab, an invented partner whose every answer a test writes down beforehand."""

from __future__ import annotations

import httpx
import pytest

from fhir_bridge.connection import Connection
from fhir_bridge.exchange import PartnerRequest
from fhir_bridge.gateway import Gateway
from fhir_bridge.outcome import FhirError

READ = PartnerRequest("northlab", "GET", "/patients/42", repeat="safe")
WRITE = PartnerRequest("northlab", "PUT", "/patients/42", {"Content-Type": "application/json"}, b'{"sex":"M"}')
SAFE_WRITE = PartnerRequest("northlab", "PATCH", "/patients/42", body=b"{}", repeat="safe")

Answer = httpx.Response | Exception


class Northlab(httpx.AsyncBaseTransport):
    """Answers call after call with `answers` (an exception is raised) and keeps the requests."""

    def __init__(self, *answers: Answer) -> None:
        self.answers = list(answers)
        self.requests: list[httpx.Request] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def sent(self) -> list[str]:
        """Return method and path of each request, in order."""
        return [f"{request.method} {request.url.raw_path.decode()}" for request in self.requests]

    def authorizations(self) -> list[str | None]:
        """Return the Authorization header of each request, in order."""
        return [request.headers.get("authorization") for request in self.requests]


class Clock:
    """A clock that stands still unless somebody sleeps; `slept` keeps the seconds of each sleep."""

    def __init__(self, now: float = 1_000_000.0) -> None:
        self.now_s = now
        self.slept: list[float] = []

    def now(self) -> float:
        return self.now_s

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now_s += seconds


def gateway(northlab: httpx.AsyncBaseTransport, clock: Clock | None = None, **connection: object) -> Gateway:
    """Return a gateway to `northlab` alone, whose jitter is always half of what it may be."""
    clock = clock or Clock()
    settings = {"partner": "northlab", "base_url": "https://northlab.example/api", **connection}
    return Gateway(
        [Connection(**settings)],  # type: ignore[arg-type]
        transports={"northlab": northlab},
        now=clock.now,
        sleep=clock.sleep,
        random=lambda: 0.5,
    )


async def failure(gateway: Gateway, request: PartnerRequest) -> FhirError:
    """Return the error that `request` ends in."""
    with pytest.raises(FhirError) as caught:
        await gateway.send(request)
    return caught.value
