"""Rounds of the event loop: one piece of work begins in each, so that between any two others are heard."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Hashable
from functools import partial


class Rounds:
    """Lets one piece of work begin in each round. Clients take turns, however much work each of them has."""

    def __init__(self) -> None:
        self._taken = False
        self._waiting: dict[Hashable, deque[Callable[[], None]]] = {}

    def begin(self, who: Hashable, work: Callable[[], None]) -> None:
        """Do the work of a client now where no other work has begun in this round, else in a later round."""
        if self._taken:
            self._waiting.setdefault(who, deque()).append(work)
            return
        self._taken = True
        asyncio.get_running_loop().call_soon(self._next)
        work()

    async def wait(self, who: Hashable) -> None:
        """Wait until a piece of work may begin."""
        turn = asyncio.get_running_loop().create_future()
        self.begin(who, partial(_give, turn))
        await turn

    def _next(self) -> None:
        """Begin the next work of the client whose turn it is."""
        if not self._waiting:
            self._taken = False
            return
        who, works = next(iter(self._waiting.items()))
        del self._waiting[who]
        work = works.popleft()
        if works:
            self._waiting[who] = works
        asyncio.get_running_loop().call_soon(self._next)
        work()


def _give(turn: asyncio.Future[None]) -> None:
    """Let the client's request go on, unless the client has left meanwhile."""
    if not turn.done():
        turn.set_result(None)
