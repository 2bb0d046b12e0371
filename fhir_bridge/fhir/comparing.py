"""Whether one value of a resource is certainly more, or later, than another; what cannot be told is not."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from fhir_bridge.outcome import Json


def is_more(value: Json, other: Json) -> bool:
    """Whether both are numbers, and the first is the greater one."""
    return _is_number(value) and _is_number(other) and bool(value > other)


def _is_number(value: Json) -> bool:
    return isinstance(value, int | float | Decimal) and not isinstance(value, bool)


def is_after(value: Json, other: Json) -> bool:
    """Whether both are dates with or without a time, and the first is later than the second.

    Of different precision, they are compared as far as both go: 2020-05 is later than 2020-04-30.
    """
    if not isinstance(value, str) or not isinstance(other, str):
        return False
    moments = _moment(value), _moment(other)
    if moments[0] is not None and moments[1] is not None:
        return moments[0] > moments[1]
    both = min(len(value), len(other), len("2020-05-01"))
    return value[:both] > other[:both]


def _moment(text: str) -> datetime | None:
    """Return a date with time and zone; None for anything else."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else None
