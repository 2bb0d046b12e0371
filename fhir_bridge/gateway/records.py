"""One change of a record after the other: what was read to check a condition holds until the change is made."""

from __future__ import annotations

from collections.abc import AsyncIterator, Hashable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import anyio

from fhir_bridge.outcome import FhirError, Issue

PATIENCE_S = 60.0
"""How long a change waits for those of the same record that came before it."""


@dataclass(slots=True)
class _Use:
    """The lock of one record, which goes to who has waited longest; `users` hold it or wait for it."""

    lock: anyio.Lock = field(default_factory=anyio.Lock)
    users: int = 0


class Records:
    """The records that this process is changing; a record that nobody changes is not in memory."""

    def __init__(self, patience_s: float = PATIENCE_S) -> None:
        self._patience_s = patience_s
        self._used: dict[Hashable, _Use] = {}

    def __len__(self) -> int:
        return len(self._used)

    @asynccontextmanager
    async def change(self, record: Hashable) -> AsyncIterator[None]:
        """Hold a record while it is changed. Raises FhirError 503 `lock-error` where the turn does not come in time."""
        use = self._used.setdefault(record, _Use())
        use.users += 1
        try:
            await self._acquire(use.lock)
            try:
                yield
            finally:
                use.lock.release()
        finally:
            use.users -= 1
            if not use.users:
                del self._used[record]

    async def _acquire(self, lock: anyio.Lock) -> None:
        with anyio.move_on_after(self._patience_s) as waiting:
            await lock.acquire()
        if waiting.cancelled_caught:
            text = "Other changes of this record are under way, and take long; nothing was sent. Send the change later."
            raise FhirError(503, Issue("record-in-use", "lock-error", text), headers={"Retry-After": "5"})
