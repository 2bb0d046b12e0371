"""Work beside the event loop: what a large body asks for is done in a thread, so that others are answered meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import replace
from functools import partial
from typing import TypeVar

import anyio

from fhir_bridge.exchange import PartnerRequest
from fhir_bridge.fhir.interaction import FhirResponse
from fhir_bridge.gateway.together import Send
from fhir_bridge.gateway.turns import Turns
from fhir_bridge.mapping.plans.steps import Plan
from fhir_bridge.outcome import FhirError

LARGE_BYTES = 5_000
"""From this size on a body is read, checked and mapped in a thread: less takes some tens of milliseconds at most."""

THREADS = 2
"""How many large bodies are worked on at once. More would not be faster, since one thread at a time runs Python."""

CLIENT: ContextVar[str] = ContextVar("CLIENT", default="")
"""The client whose request is carried out. The server sets it for each request; clients share the threads fairly."""

T = TypeVar("T")


class Worker:
    """Does work that grows with a body: a small one's at once, a large one's in a thread when it is its turn."""

    def __init__(self) -> None:
        self._threads = Turns(THREADS)

    async def run(self, size: int, work: Callable[[], T]) -> T:
        """Return what `work` returns, or raise what it raises; `size` is that of the body in bytes."""
        if size < LARGE_BYTES:
            return work()
        await self._threads.take(CLIENT.get(), None)
        try:
            return await anyio.to_thread.run_sync(work)
        finally:
            self._threads.release()

    async def carry_out(self, plan: Plan, send: Send, size: int) -> FhirResponse:
        """Make the calls of a plan, one after the other; a plan may survive that one of them fails.

        `size` is that of the client's body; the answer has the size of the largest body that was looked at.
        """
        step: Callable[[], PartnerRequest] = partial(next, plan)
        while True:
            asked = await self.run(size, partial(_taken, step))
            if isinstance(asked, FhirResponse):
                return replace(asked, size=size)
            try:
                answered = await send(asked)
            except FhirError as error:
                step = partial(plan.throw, error)
            else:
                step, size = partial(plan.send, answered), max(size, len(answered.body))


def _taken(step: Callable[[], PartnerRequest]) -> PartnerRequest | FhirResponse:
    """Return the next call of a plan, or its end: StopIteration does not get out of a thread."""
    try:
        return step()
    except StopIteration as done:
        response: FhirResponse = done.value
        return response
