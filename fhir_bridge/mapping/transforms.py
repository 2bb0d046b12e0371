"""The closed table of named two-way value transforms: what `as:` may say in a mapping file.

`to_fhir` takes what a partner sent, so it trusts nothing; `to_partner` takes an element whose structure was checked.
Both raise ValueError with a sentence that holds no value.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import NamedTuple

from fhir_bridge.fhir.interaction import ID
from fhir_bridge.fhir.versions import version_id
from fhir_bridge.outcome import Json


class Transform(NamedTuple):
    """A pair of functions; `types` are the FHIR types that it may stand on. One that `only_reads` has no way back."""

    to_fhir: Callable[[Json], Json]
    to_partner: Callable[[Json], Json]
    types: frozenset[str]
    only_reads: bool = False


_FULL_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_INSTANT = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})")
_DIGITS = re.compile(r"0|[1-9][0-9]{0,17}")
_HTTPS = re.compile(r"https://[^\s/?#<>\"]+[^\s<>\"]*")
_LARGEST = 10**18
"""Beyond it a number is no JSON number of 64 bits, and the digits of `1E+99999999` would fill the memory."""
_LONGEST_ID = 64
_END_OF_TIME_S = 253402300799
"""The last second of the year 9999."""


def _text(value: Json) -> str:
    if not isinstance(value, str):
        raise ValueError("text is expected here")
    return value


def _boolean(value: Json) -> bool:
    if not isinstance(value, bool):
        raise ValueError("true or false is expected here")
    return value


def _integer(value: Json) -> int:
    """A whole number, also where it was written `3.0`."""
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise ValueError("a whole number is expected here")
    if not -_LARGEST < value < _LARGEST or value != int(value):
        raise ValueError("a whole number is expected here")
    return int(value)


def _number(value: Json) -> int | Decimal:
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise ValueError("a number is expected here")
    return value


def _date(value: Json) -> str:
    """`1980-01-01`, or the date part of a dateTime as it is written, not shifted to UTC."""
    text = _text(value)
    if not _FULL_DATE.match(text):
        raise ValueError("a full date is needed here: YYYY-MM-DD")
    try:
        return dt.date.fromisoformat(text[:10]).isoformat()
    except ValueError:
        raise ValueError("there is no such day in the calendar") from None


def _only_date(value: Json) -> str:
    if len(_text(value)) != len("1980-01-01"):
        raise ValueError("a full date is needed here: YYYY-MM-DD")
    return _date(value)


def _instant(value: Json) -> str:
    """A time with its zone, fraction and offset kept as they came."""
    text = _text(value)
    if not _INSTANT.fullmatch(text):
        raise ValueError("a time with seconds and a zone is expected here")
    _date(text)
    return text


def _epoch_to_fhir(value: Json) -> str:
    """A Unix time in seconds as an instant in UTC."""
    seconds = _integer(value)
    if not 0 <= seconds <= _END_OF_TIME_S:
        raise ValueError("a Unix time in seconds is expected here")
    return dt.datetime.fromtimestamp(seconds, dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _epoch_to_partner(value: Json) -> int:
    try:
        seconds = dt.datetime.fromisoformat(value).timestamp()
    except ValueError:
        raise ValueError("a second that clocks have is needed here") from None
    if seconds != int(seconds):
        raise ValueError("whole seconds are needed here")
    return int(seconds)


def _digits_to_fhir(value: Json) -> str:
    number = _integer(value)
    if number < 0:
        raise ValueError("a number without a sign is expected here")
    return str(number)


def _digits_to_partner(value: Json) -> int:
    if not _DIGITS.fullmatch(value):
        raise ValueError("only digits are expected here, at most 18, the first of them not 0")
    return int(value)


def _version(value: Json) -> str:
    """The version of a record, of whatever changes with it: a number, a hash, a time."""
    version = version_id(str(value)) if isinstance(value, str | int) and not isinstance(value, bool) else ""
    if not 0 < len(version) <= _LONGEST_ID:
        raise ValueError("a version is expected here: a number, or text with at most 64 letters and digits")
    return version


def _https(value: Json) -> str:
    if not _HTTPS.fullmatch(_text(value)):
        raise ValueError("an address that begins with https:// is expected here")
    return str(value)


TEXT_TYPES = frozenset({"string", "code", "id", "uri", "url", "canonical", "oid", "uuid", "markdown"})

TRANSFORMS: Mapping[str, Transform] = {
    "text": Transform(_text, _text, TEXT_TYPES),
    "date": Transform(_only_date, _date, frozenset({"date", "dateTime"})),
    "instant": Transform(_instant, _instant, frozenset({"instant", "dateTime"})),
    "number": Transform(_number, _number, frozenset({"decimal"})),
    "integer": Transform(_integer, _integer, frozenset({"integer", "positiveInt", "unsignedInt", "decimal"})),
    "boolean": Transform(_boolean, _boolean, frozenset({"boolean"})),
    "https": Transform(_https, _https, frozenset({"uri", "url"})),
    "digits": Transform(_digits_to_fhir, _digits_to_partner, frozenset({"string", "id", "code"})),
    "epoch_s": Transform(_epoch_to_fhir, _epoch_to_partner, frozenset({"instant"})),
    "version": Transform(_version, _text, frozenset({"id"}), only_reads=True),
}
_NEVER_USUAL = ("digits", "https", "version", "epoch_s")


_REFERENCE = re.compile(r"reference ([A-Z][A-Za-z]+)")


def find_transform(name: str) -> Transform | None:
    """Return the transform of this name; that of `reference Patient` is made for its type."""
    resource_type = reference_type(name)
    return TRANSFORMS.get(name) if resource_type is None else _reference_to(resource_type)


def reference_type(name: str) -> str | None:
    """Return the type that `reference Patient` leads to; None of another transform."""
    match = _REFERENCE.fullmatch(name)
    return match[1] if match else None


def _reference_to(resource_type: str) -> Transform:
    """An id of the partner's, and a reference to the resource of this id: `42` and `Patient/42`."""

    def to_fhir(value: Json) -> str:
        if not ID.fullmatch(_text(value)):
            raise ValueError("an id of letters, digits, '-' and '.' is expected here")
        return f"{resource_type}/{value}"

    def to_partner(value: Json) -> str:
        type_, _, id_ = str(value).partition("/")
        if type_ != resource_type or not ID.fullmatch(id_):
            raise ValueError(f"a reference of the form {resource_type}/<id> is needed here")
        return id_

    return Transform(to_fhir, to_partner, frozenset({"string"}))


def default_transform(fhir_type: str) -> str | None:
    """Return the transform that an element of this type has when its row names none; None where it must name one."""
    usual = {name: transform for name, transform in TRANSFORMS.items() if name not in _NEVER_USUAL}
    fitting = [name for name, transform in usual.items() if fhir_type in transform.types]
    return fitting[0] if fitting and fhir_type != "dateTime" else None
