"""Which requests are taken, and whose turn it is: one client with many requests keeps no other waiting."""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Generator, Hashable
from contextlib import contextmanager
from typing import NamedTuple

from starlette.requests import Request

from fhir_bridge.limits import Limits
from fhir_bridge.outcome import FhirError, Issue

_RETRY = {"Retry-After": "1"}


def client_of(request: Request) -> str:
    """Return whose request it is: for now the address that it comes from, before the proxies that are trusted."""
    return request.client.host if request.client else ""


class Admission:
    """Counts the requests under way in one process, all of them and those of each client, and gives them turns."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._all = 0
        self._of: Counter[str] = Counter()
        self._turns = Turns()

    @contextmanager
    def visit(self, client: str) -> Generator[Visit, None, None]:
        """Count a request as long as the block lasts, unless there are too many already."""
        refusal = self._refusal(client)
        if refusal is not None:
            yield Visit(client, self._turns, refusal)
            return
        self._all += 1
        self._of[client] += 1
        try:
            yield Visit(client, self._turns, None)
        finally:
            self._all -= 1
            self._of[client] -= 1
            if not self._of[client]:
                del self._of[client]

    def _refusal(self, client: str) -> FhirError | None:
        if self._of[client] >= self._limits.max_requests_of_one:
            text = f"This client has {self._limits.max_requests_of_one} requests under way; wait until some have ended."
            return FhirError(429, Issue("too-many-requests", "throttled", text), headers=_RETRY)
        if self._all >= self._limits.max_requests:
            text = f"The bridge has {self._limits.max_requests} requests under way; try again in a second."
            return FhirError(503, Issue("too-many-requests", "throttled", text), headers=_RETRY)
        return None


class Visit(NamedTuple):
    """One request of a client, and why it is not carried out, if it is not."""

    client: str
    turns: Turns
    refusal: FhirError | None

    def check(self) -> None:
        """Raise FhirError 429 or 503 for a request that is one too many."""
        if self.refusal is not None:
            raise self.refusal

    async def turn(self, has_body: bool) -> None:
        """Wait for a turn; a client's plain reads do not wait for its own bodies."""
        await self.turns.wait((self.client, has_body))


class Turns:
    """Lets one request begin in each round of the event loop, so that between any two others are heard.

    Those who wait take turns by `who`, whoever has the most of them.
    """

    def __init__(self) -> None:
        self._taken = False
        self._waiting: dict[Hashable, deque[asyncio.Future[None]]] = {}

    async def wait(self, who: Hashable) -> None:
        """Wait for a turn."""
        loop = asyncio.get_running_loop()
        if self._taken:
            turn = loop.create_future()
            self._waiting.setdefault(who, deque()).append(turn)
            await turn
        else:
            self._taken = True
            loop.call_soon(self._next)

    def _next(self) -> None:
        turn = self._first()
        if turn is None:
            self._taken = False
            return
        turn.set_result(None)
        asyncio.get_running_loop().call_soon(self._next)

    def _first(self) -> asyncio.Future[None] | None:
        """The next one of who is next; whoever has left meanwhile is passed over."""
        while self._waiting:
            who, turns = next(iter(self._waiting.items()))
            del self._waiting[who]
            turn = turns.popleft()
            if turns:
                self._waiting[who] = turns
            if not turn.done():
                return turn
        return None
