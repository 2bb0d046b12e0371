"""The operators that an assertion compares with.

https://hl7.org/fhir/R4/valueset-assert-operator-codes.html
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal

from tests.testscript.content import ScriptError


def holds(operator: str, actual: Sequence[str], expected: str | None) -> bool:
    """Return whether `actual`, the values that were found in their order, fits.

    The first value must fit; all must where the operator denies. Where nothing was found only `empty` holds, so that
    a path that is misspelt cannot make a test pass. Raises ScriptError for an operator that is used wrongly.
    """
    if operator in ("empty", "notEmpty"):
        return any(actual) == (operator == "notEmpty")
    if expected is None:
        raise ScriptError(f"operator {operator} needs a value to compare with")
    if operator in _DENIALS:
        return bool(actual) and not any(_OPERATORS[_DENIALS[operator]](value, expected) for value in actual)
    if operator not in _OPERATORS:
        raise ScriptError(f"operator {operator} means nothing here")
    return bool(actual) and _OPERATORS[operator](actual[0], expected)


def _in(actual: str, expected: str) -> bool:
    return actual in [item.strip() for item in expected.split(",")]


def _contains(actual: str, expected: str) -> bool:
    return expected in actual


def _greater(actual: str, expected: str) -> bool:
    return _order(actual, expected) > 0


def _less(actual: str, expected: str) -> bool:
    return _order(actual, expected) < 0


_OPERATORS: Mapping[str, Callable[[str, str], bool]] = {
    "equals": str.__eq__,
    "in": _in,
    "contains": _contains,
    "greaterThan": _greater,
    "lessThan": _less,
}
_DENIALS: Mapping[str, str] = {"notEquals": "equals", "notIn": "in", "notContains": "contains"}

_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?")


def _order(one: str, other: str) -> int:
    """Return -1, 0 or 1; raises ScriptError for what is neither two numbers nor two dates."""
    if _NUMBER.fullmatch(one) and _NUMBER.fullmatch(other):
        return int(Decimal(one).compare(Decimal(other)))
    try:
        before, after = _moment(one) < _moment(other), _moment(one) > _moment(other)
    except ValueError as error:
        raise ScriptError(f"{one!r} and {other!r} are neither two numbers nor two dates, and have no order") from error
    return after - before


def _moment(text: str) -> datetime:
    """A date is the beginning of its day, and what names no zone is in UTC."""
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
