"""The clients' connections of one process: how many may be open, and which is closed for another."""

from __future__ import annotations

import asyncio
import logging
from typing import Protocol

log = logging.getLogger("fhir_bridge")

_SAID_EVERY_S = 10


class Closable(Protocol):
    """A connection as far as it is counted here."""

    def give_way(self) -> None:
        """Close at once: another connection needs the place."""


class Connections:
    """All open connections. One without a request under way gives way to a newer one, the oldest first."""

    def __init__(self, most: int) -> None:
        self.most = most
        self._open: set[Closable] = set()
        self._idle: dict[Closable, None] = {}
        self._said = float("-inf")

    def open(self, connection: Closable) -> bool:
        """Count a new connection, which is idle; False where there is no place, and none that gives way."""
        self._open.add(connection)
        if len(self._open) > self.most:
            self._say()
        while len(self._open) > self.most and self._idle:
            oldest = next(iter(self._idle))
            self.close(oldest)
            oldest.give_way()
        self._idle[connection] = None
        return len(self._open) <= self.most

    def busy(self, connection: Closable) -> None:
        """A request has come in whole, but for its body."""
        self._idle.pop(connection, None)

    def idle(self, connection: Closable) -> None:
        """The request is answered, or was refused."""
        if connection in self._open:
            self._idle[connection] = None

    def close(self, connection: Closable) -> None:
        self._open.discard(connection)
        self._idle.pop(connection, None)

    def _say(self) -> None:
        """Tell the operator, at most once in ten seconds: whoever opens many must not fill the log."""
        now = asyncio.get_running_loop().time()
        if now - self._said >= _SAID_EVERY_S:
            self._said = now
            log.warning("%d connections are open, and no more may be; the oldest idle ones are closed", self.most)
