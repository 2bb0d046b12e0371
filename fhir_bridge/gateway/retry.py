"""When a call is sent again, and after how long: only where it is safe, with jitter, at most twice.

`unsent` is repeated only when no connection could be made. A kept connection that the partner closed just before the
call ("disconnected without sending a response") is *not* such a case: the bytes had left, and nothing shows that the
partner did not act on them. `safe` is also repeated after a broken connection, a read timeout, and a 502, 503 or 504.
"""

from __future__ import annotations

import email.utils
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import UTC

import anyio
import httpx

from fhir_bridge.exchange import PartnerResponse, Repeat
from fhir_bridge.gateway.failure import tls_error

MAX_REPEATS = 2
PATIENCE_S = 2.0
"""The longest Retry-After that a call waits for by itself; past that the client is told to come back."""

LONGEST_S = 86_400.0
"""The longest Retry-After that a client is told."""

UNSENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
"""Raised before any byte of a call can have left."""
IN_TRANSIT = (httpx.TransportError, OSError)
"""All that a transport raises for a call that fails; OSError is how TLS alerts come out of a read."""

_JITTER_S = 0.2
_BUSY = (502, 503, 504)

Attempt = Callable[[], Awaitable[PartnerResponse]]


@dataclass(frozen=True, slots=True)
class Retry:
    """The clock (`now`: Unix time in seconds), the sleep and the chance (0 to 1) that repeats depend on."""

    now: Callable[[], float]
    sleep: Callable[[float], Awaitable[None]]
    random: Callable[[], float]

    async def answer(self, attempt: Attempt, repeat: Repeat) -> PartnerResponse:
        """Return the answer of `attempt`, or of one of its repeats; raises what the last of them raised."""
        for number in range(MAX_REPEATS):
            jitter_s = self.random() * _JITTER_S * 2**number
            try:
                response = await attempt()
            except IN_TRANSIT as error:
                if not _may_follow(error, repeat) or jitter_s >= _left_s():
                    raise
                await self.sleep(jitter_s)
            else:
                wait_s = max(jitter_s, retry_after_s(response, self.now()) or 0.0)
                if repeat == "unsent" or response.status_code not in _BUSY or wait_s > min(PATIENCE_S, _left_s()):
                    return response
                await self.sleep(wait_s)
        return await attempt()


def _may_follow(error: Exception, repeat: Repeat) -> bool:
    """Say whether a repeat is safe and may help: not where our own pool is full, or the TLS settings are wrong."""
    if isinstance(error, httpx.PoolTimeout) or tls_error(error) is not None:
        return False
    return repeat == "safe" or isinstance(error, UNSENT)


def _left_s() -> float:
    """Return the seconds until the whole call's time limit."""
    return anyio.current_effective_deadline() - anyio.current_time()


def retry_after_s(response: PartnerResponse, now: float) -> float | None:
    """Return the seconds that `Retry-After` asks for, never below 0; None where it is absent or says nothing.

    https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3: a number of seconds, or a date.
    """
    text = response.headers.get("retry-after", "").strip()
    if re.fullmatch(r"[0-9]{1,9}", text):
        return float(text)
    try:
        moment = email.utils.parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    return max(0.0, moment.replace(tzinfo=moment.tzinfo or UTC).timestamp() - now)


def without_useless_wait(response: PartnerResponse, now: float) -> PartnerResponse:
    """Return the response without a `Retry-After` that says nothing, is past, or is more than a day ahead."""
    text = response.headers.get("retry-after")
    if text is None or told_wait_s(response, now) is not None:
        return response
    return replace(
        response, headers={name: response.headers[name] for name in response.headers if name != "retry-after"}
    )


def told_wait_s(response: PartnerResponse, now: float) -> float | None:
    """Return the seconds of a `Retry-After` that helps a client: it is not past, and at most a day ahead; else None."""
    wait_s = retry_after_s(response, now)
    is_number = response.headers.get("retry-after", "").strip().isdigit()
    return None if wait_s is None or wait_s > LONGEST_S or (wait_s == 0 and not is_number) else wait_s
