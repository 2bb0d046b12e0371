"""Keeps a token until shortly before it ends; one caller at a time fetches the next."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import anyio

from fhir_bridge.gateway.token import Token
from fhir_bridge.outcome import FhirError

REFUSED_S = 5.0
"""How long an endpoint that has refused our credentials is not asked again: it may lock out who asks too often."""


@dataclass(slots=True)
class _Refresh:
    """One fetch that callers wait for; neither a token nor an error at its end means that its leader was cancelled."""

    done: anyio.Event = field(default_factory=anyio.Event)
    token: Token | None = None
    error: FhirError | None = None


class TokenCache:
    """Keeps one token. `fetch` gets a new one and raises FhirError; `now` is the Unix time in seconds."""

    def __init__(self, fetch: Callable[[], Awaitable[Token]], now: Callable[[], float]) -> None:
        self._fetch = fetch
        self._now = now
        self._token: Token | None = None
        self._refresh: _Refresh | None = None
        self._refused: tuple[FhirError, float] | None = None

    async def current(self) -> Token:
        """Return the kept token while it lasts, else a new one; raises FhirError."""
        if self._token is not None and self._now() < self._token.refresh_at:
            return self._token
        return await self._refreshed()

    async def instead_of(self, refused: Token) -> Token:
        """Return another token than the one that the partner refused: a newer one, if somebody has fetched it."""
        if self._token is refused:
            self._token = None
        return await self.current()

    async def _refreshed(self) -> Token:
        """Wait for the fetch that is under way, or lead one; if its leader was cancelled, the next in line leads."""
        while (refresh := self._refresh) is not None:
            await refresh.done.wait()
            if refresh.error is not None:
                raise _anew(refresh.error)
            if refresh.token is not None:
                return refresh.token
        if self._refused is not None and self._now() < self._refused[1]:
            raise _anew(self._refused[0])
        return await self._lead()

    async def _lead(self) -> Token:
        self._refresh = refresh = _Refresh()
        try:
            refresh.token = self._token = await self._fetch()
        except FhirError as error:
            refresh.error = error
            if any(issue.error == "partner-credentials-refused" for issue in error.issues):
                self._refused = error, self._now() + REFUSED_S
            raise
        finally:
            self._refresh = None
            refresh.done.set()
        return refresh.token


def _anew(error: FhirError) -> FhirError:
    """Return a copy for each who raises it: one exception in many tasks would gather all their tracebacks."""
    return FhirError(error.status_code, *error.issues, headers=error.headers)
