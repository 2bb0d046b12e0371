"""Which requests are taken, and whose turn it is: one client with many requests keeps no other waiting."""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass

from starlette.requests import Request

from fhir_bridge.limits import Limits
from fhir_bridge.outcome import FhirError, Issue
from fhir_bridge.rounds import Rounds


def client_of(request: Request) -> str:
    """Return whose request it is: for now the address that it comes from, before the proxies that are trusted."""
    return request.client.host if request.client else ""


class Admission:
    """Counts the requests under way of each client, and the bytes of their bodies. Requests begin in rounds."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._requests: Counter[str] = Counter()
        self._bytes: Counter[str] = Counter()
        self.rounds = Rounds()

    @contextmanager
    def visit(self, client: str) -> Generator[Visit, None, None]:
        """Count a request as long as the block lasts, unless there are too many already."""
        visit = Visit(client, self, self._refusal(client))
        if visit.refusal is not None:
            yield visit
            return
        self._requests[client] += 1
        try:
            yield visit
        finally:
            _subtract(self._requests, client, 1)
            _subtract(self._bytes, client, visit.kept)

    def _refusal(self, client: str) -> FhirError | None:
        of_one, of_all = self._limits.max_requests_of_one, self._limits.max_requests
        if self._requests[client] >= of_one:
            return _too_many(429, f"This client has {of_one} requests under way; wait until some have ended.")
        if self._requests.total() >= of_all:
            return _too_many(503, f"The bridge has {of_all} requests under way; try again in a second.")
        return None

    def keep(self, client: str, size: int) -> None:
        """Count bytes of a body that is under way. Raises FhirError 429 or 503 where they are too many."""
        of_all = self._limits.max_bodies_bytes
        of_one = max(of_all // 5, self._limits.max_body_bytes)
        if self._bytes[client] + size > of_one:
            text = f"The bodies of this client that are under way have {of_one} bytes; wait until some have ended."
            raise _too_many(429, text)
        if self._bytes.total() + size > of_all:
            raise _too_many(503, f"The bodies under way have {of_all} bytes; try again in a second.")
        self._bytes[client] += size


@dataclass(slots=True)
class Visit:
    """One request of a client: `refusal` says why it is not carried out, `kept` counts the bytes of its body."""

    client: str
    admission: Admission
    refusal: FhirError | None
    kept: int = 0

    def check(self) -> None:
        """Raise FhirError 429 or 503 for a request that is one too many."""
        if self.refusal is not None:
            raise self.refusal

    async def turn(self, has_body: bool) -> None:
        """Wait for a turn; a client's plain reads do not wait for its own bodies."""
        await self.admission.rounds.wait((self.client, has_body))

    def keep(self, size: int) -> None:
        """Keep more bytes of the body until the request ends. Raises FhirError 429 or 503."""
        self.admission.keep(self.client, size)
        self.kept += size


def _too_many(status_code: int, text: str) -> FhirError:
    return FhirError(status_code, Issue("too-many-requests", "throttled", text), headers={"Retry-After": "1"})


def _subtract(counts: Counter[str], client: str, count: int) -> None:
    counts[client] -= count
    if not counts[client]:
        del counts[client]
