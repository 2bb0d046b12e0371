"""The times of one connection: since when a head is awaited, and since when its client takes no byte of an answer."""

from __future__ import annotations

from fhir_bridge.limits import Limits


class Clock:
    """All times are seconds of the event loop's clock, and given."""

    def __init__(self, limits: Limits, now: float) -> None:
        self._limits = limits
        self._began = now
        self._heard = now
        self._unsent = 0
        self._unsent_since = now
        self._taken = now

    def begin(self, now: float) -> None:
        """Another head is awaited from now on, or its first byte has come."""
        self._began = self._heard = now

    def hear(self, now: float) -> None:
        """Bytes have come."""
        self._heard = now

    def head_is_late(self, now: float) -> bool:
        return now - self._began > self._limits.header_s or now - self._heard > self._limits.silence_s

    def answer_is_stuck(self, now: float, unsent: int) -> bool:
        """Whether a client has not taken `unsent` bytes of an answer in the times that it has to send a body."""
        if not unsent or not self._unsent:
            self._unsent_since = self._taken = now
        elif unsent < self._unsent:
            self._taken = now
        self._unsent = unsent
        return now - self._taken > self._limits.silence_s or now - self._unsent_since > self._limits.body_s
