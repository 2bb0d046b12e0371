"""Requests of several entries that become one call: each waits until all that may go with it have come."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Hashable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

import anyio

from fhir_bridge.exchange import PartnerRequest, PartnerResponse, Share
from fhir_bridge.outcome import FhirError

Send = Callable[[PartnerRequest], Awaitable[PartnerResponse]]


@dataclass(slots=True)
class _Waiting:
    """One request that waits for its answer, or for the failure of the call."""

    position: int
    request: PartnerRequest
    share: Share
    answered: anyio.Event = field(default_factory=anyio.Event)
    response: PartnerResponse | None = None
    error: Exception | None = None


class Gathering:
    """The calls that `members` make together; `carry_out` makes them, beside the members, when the last has come.

    A member that fails before it has made its request, or makes none, is waited for no longer.
    """

    def __init__(self, send: Send, members: int) -> None:
        self._send = send
        self._missing = members
        self._waiting: list[_Waiting] = []
        self._complete = anyio.Event()

    async def carry_out(self) -> None:
        """Make the calls, side by side."""
        if self._missing:
            await self._complete.wait()
        async with anyio.create_task_group() as tasks:
            for group in _groups(self._waiting):
                tasks.start_soon(self._call, group)

    @asynccontextmanager
    async def member(self, position: int) -> AsyncIterator[Send]:
        """Yield what sends the requests of one member; `position` is its place among the others."""
        has_come = False

        async def send(request: PartnerRequest) -> PartnerResponse:
            nonlocal has_come
            if request.share is None or has_come:
                return await self._send(request)
            has_come = True
            waiting = _Waiting(position, request, request.share)
            self._waiting.append(waiting)
            self._one_less()
            await waiting.answered.wait()
            if waiting.error is not None:
                raise _anew(waiting.error) from waiting.error
            assert waiting.response is not None
            return waiting.response

        try:
            yield send
        finally:
            if not has_come:
                self._one_less()

    def _one_less(self) -> None:
        self._missing -= 1
        if not self._missing:
            self._complete.set()

    async def _call(self, group: Sequence[_Waiting]) -> None:
        """Make one call, and give each its share of the answer; a failure is everybody's."""
        try:
            records = [waiting.share.record for waiting in group]
            request = replace(group[0].request, body=group[0].share.join(records), share=None)
            response = await self._send(request)
            for index, waiting in enumerate(group):
                waiting.response = replace(response, index=index, of=len(group))
        except Exception as error:  # who waits would wait for ever
            for waiting in group:
                waiting.error = error
        for waiting in group:
            waiting.answered.set()


def _anew(error: Exception) -> Exception:
    """Return an error that several raise as one that each may raise; what is no FhirError is a fault of the bridge."""
    if isinstance(error, FhirError):
        return FhirError(error.status_code, *error.issues, headers=error.headers)
    return RuntimeError("a call that several make together failed")


def _groups(waiting: Sequence[_Waiting]) -> list[list[_Waiting]]:
    """The requests that may go together, in order, and no more of them than fit into one call."""
    found: dict[Hashable, list[_Waiting]] = {}
    for each in sorted(waiting, key=lambda one: one.position):
        request = each.request
        headers = tuple(sorted(request.headers.items()))
        told = (request.client_authorization, request.client_refresh_token, request.anonymous, request.repeat)
        key = (request.partner, request.method, request.path, headers, *told, each.share.beside)
        found.setdefault(key, []).append(each)
    return [
        group[start : start + group[0].share.most]
        for group in found.values()
        for start in range(0, len(group), group[0].share.most)
    ]
