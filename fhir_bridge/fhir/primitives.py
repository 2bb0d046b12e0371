"""The formats of FHIR's primitive types, by FHIR's own regular expressions and, for dates, the calendar.

https://hl7.org/fhir/R4/datatypes.html#primitive and https://hl7.org/fhir/STU3/datatypes.html#primitive
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from fhir_bridge.fhir.narrative import faults, is_narrative
from fhir_bridge.outcome import Json


@dataclass(frozen=True, slots=True)
class Format:
    """How a primitive type is written: `fits` says yes or no, the rest explains a no.

    `kinds` are the Python classes of its JSON value, `kind` their name; `rule` ends the sentence "… must be".
    `faults` tells more of one text that does not fit.
    """

    fits: Callable[[Json], bool]
    kinds: tuple[type, ...]
    kind: str
    rule: str
    faults: Callable[[str], Sequence[str]] | None = None


# Four digits, but not 0000: FHIR's `[0-9]([0-9]([0-9][1-9]|[1-9]0)|[1-9]00)|[1-9]000` says no more, and slower.
_YEAR = r"((?!0000)[0-9]{4})"
_MONTH = r"(0[1-9]|1[0-2])"
_DAY = r"(0[1-9]|[1-2][0-9]|3[0-1])"
_TIME = r"(?:[01][0-9]|2[0-3]):[0-5][0-9]:(?:[0-5][0-9]|60)(?:\.[0-9]+)?"
_ZONE = r"(?:Z|[+-](?:(?:0[0-9]|1[0-3]):[0-5][0-9]|14:00))"
_DATE = rf"{_YEAR}(?:-{_MONTH}(?:-{_DAY})?)?"
_DATE_TIME = rf"{_YEAR}(?:-{_MONTH}(?:-{_DAY}(?:T{_TIME}{_ZONE})?)?)?"
_INSTANT = rf"{_YEAR}-{_MONTH}-{_DAY}T{_TIME}{_ZONE}"

_OF_BASE64 = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/="

MAX_STRING = 1024 * 1024
"""How many characters a string may have."""
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")


def _string(value: Json) -> bool:
    if not isinstance(value, str) or not 0 < len(value) <= MAX_STRING:
        return False
    return value.isprintable() or not _CONTROL.search(value)


def _boolean(value: Json) -> bool:
    return isinstance(value, bool)


def _decimal(value: Json) -> bool:
    return isinstance(value, (int, Decimal, float)) and not isinstance(value, bool)


def _whole(lowest: int) -> Callable[[Json], bool]:
    """Return the check of a whole number of 32 bits: https://hl7.org/fhir/R4/datatypes.html#integer"""

    def fits(value: Json) -> bool:
        return isinstance(value, int) and not isinstance(value, bool) and lowest <= value <= 2**31 - 1

    return fits


def _matching(pattern: str) -> Callable[[Json], bool]:
    # ASCII: `\s` means to FHIR what it means to Java and XML Schema, the six white-space characters of ASCII.
    matches = re.compile(pattern, re.ASCII).fullmatch

    def fits(value: Json) -> bool:
        return isinstance(value, str) and matches(value) is not None

    return fits


def _of_calendar(pattern: str) -> Callable[[Json], bool]:
    """Return the check of a date whose year, month and day are the first three groups of `pattern`."""
    matches = re.compile(pattern, re.ASCII).fullmatch

    def fits(value: Json) -> bool:
        match = matches(value) if isinstance(value, str) else None
        if match is None:
            return False
        day = match[3]
        return day is None or day <= "28" or int(day) <= monthrange(int(match[1]), int(match[2]))[1]

    return fits


_spaceless = _matching(r"\S+")
_two_spaces = re.compile(r"\s\s", re.ASCII).search
_space = re.compile(r"\s", re.ASCII).match


def _base64(value: Json) -> bool:
    """Whether text is groups of four characters with white space between. FHIR's own pattern takes exponential time."""
    groups = _groups(value)
    return bool(groups) and all(len(group) % 4 == 0 for group in groups)


def _base64_stu3(value: Json) -> bool:
    """The same as XML Schema has it: white space may stand anywhere."""
    length = sum(map(len, _groups(value)))
    return length > 0 and length % 4 == 0


def _groups(value: Json) -> list[bytes]:
    """Return what stands between white space, where all of it are characters of base64; nothing where one is not."""
    if not isinstance(value, str) or not value.isascii():
        return []
    groups = value.encode().split()
    return groups if not any(group.translate(None, _OF_BASE64) for group in groups) else []


def _is_uri(value: Json) -> bool:
    # What str can say by itself takes a third of the expression's time, and settles nearly all values.
    return isinstance(value, str) and ((value.isprintable() and " " not in value and value != "") or _spaceless(value))


_is_oid = _matching(r"urn:oid:[0-2](?:\.(?:0|[1-9][0-9]*))+")
_is_uuid = _matching(r"urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


def _is_sound_uri(value: Json) -> bool:
    """Whether a URI that says that it is an OID or a UUID is one. https://hl7.org/fhir/R4/datatypes.html#uri"""
    if not _is_uri(value):
        return False
    if value.startswith("urn:oid:"):
        return _is_oid(value)
    return not value.startswith("urn:uuid:") or _is_uuid(value)


_absolute = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*:\S+").match


def is_absolute(value: Json) -> bool:
    """Whether a URI is absolute: it begins with its scheme, and is what that says."""
    return _is_sound_uri(value) and _absolute(value) is not None


def _is_canonical(value: Json) -> bool:
    return is_absolute(value) or (_is_uri(value) and value.startswith("#"))


def _is_code(value: Json) -> bool:
    if not isinstance(value, str):
        return False
    return value.isalnum() or not (value == "" or _space(value) or _space(value[-1]) or _two_spaces(value))


def _text(fits: Callable[[Json], bool], rule: str) -> Format:
    return Format(fits, (str,), "a string", rule)


def _number(fits: Callable[[Json], bool], rule: str) -> Format:
    return Format(fits, (int, Decimal, float), "a number", rule)


_STRING = _text(_string, "text of at most 1,048,576 characters, without control characters")
_URI = _text(_is_uri, "a URI, which has no spaces")
_DATE_RULE = "a date of the calendar such as 2024-02-29, 2024-02 or 2024"
_DATE_TIME_RULE = "a date, or a date with time and zone such as 2024-02-29T09:30:00+02:00"
_OID_RULE = "an OID such as urn:oid:1.2.3"
_BASE64_RULE = "base64: groups of four of the characters A-Z, a-z, 0-9, +, / and ="

_R4: Mapping[str, Format] = {
    "boolean": Format(_boolean, (bool,), "true or false", "true or false"),
    "integer": _number(_whole(-(2**31)), "a whole number from -2,147,483,648 to 2,147,483,647"),
    "unsignedInt": _number(_whole(0), "a whole number from 0 to 2,147,483,647"),
    "positiveInt": _number(_whole(1), "a whole number from 1 to 2,147,483,647"),
    "decimal": _number(_decimal, "a number"),
    "string": _STRING,
    "markdown": _STRING,
    "uri": _URI,
    "url": _URI,
    "canonical": _URI,
    "code": _text(_is_code, "a code: no spaces at its ends, and no two in a row"),
    "id": _text(_matching(r"[A-Za-z0-9\-.]{1,64}"), "an id: 1 to 64 letters, digits, `-` and `.`"),
    "oid": _text(_is_oid, _OID_RULE),
    "uuid": _text(
        _is_uuid,
        "a UUID in lower case such as urn:uuid:c757873d-ec9a-4326-a141-556f43239520",
    ),
    "base64Binary": _text(_base64, _BASE64_RULE),
    "date": _text(_of_calendar(_DATE), _DATE_RULE),
    "dateTime": _text(_of_calendar(_DATE_TIME), _DATE_TIME_RULE),
    "instant": _text(_of_calendar(_INSTANT), "a date with time and zone such as 2024-02-29T09:30:00.000+02:00"),
    "time": _text(_matching(_TIME), "a time such as 09:30:00"),
    "xhtml": _text(_matching(r"\s*<div\b[\s\S]*"), "XHTML that begins with <div"),
}

# STU3 has years before our era.
_STU3: Mapping[str, Format] = {
    **_R4,
    "oid": _text(_matching(r"urn:oid:(?:0|[1-9][0-9]*)(?:\.(?:0|[1-9][0-9]*))*"), _OID_RULE),
    "base64Binary": _text(_base64_stu3, _BASE64_RULE),
    "date": _text(_of_calendar(f"-?{_DATE}"), _DATE_RULE),
    "dateTime": _text(_of_calendar(f"-?{_DATE_TIME}"), _DATE_TIME_RULE),
}

FORMATS: Mapping[str, Mapping[str, Format]] = {"3.0": _STU3, "4.0": _R4}
"""By FHIR version, then by the name of the primitive type."""

ABSOLUTE_URI = _text(is_absolute, "an absolute URI such as http://example.org/x or urn:oid:1.2.3")
"""The format of a URI that stands by itself, such as the system of a code or identifier."""

_SOUND_URI = _text(
    _is_sound_uri, "a URI without spaces; after urn:oid: an OID such as 1.2.3, after urn:uuid: a UUID in lower case"
)

STRICTER: Mapping[str, Format] = {
    "oid": _R4["oid"],
    "uri": _SOUND_URI,
    "url": _SOUND_URI,
    "canonical": _text(_is_canonical, "an absolute URI such as http://example.org/x, or #id"),
    "xhtml": Format(is_narrative, (str,), "a string", "XHTML of HTML's formatting alone", faults),
}
"""By type: what FHIR demands in words, beyond the format."""
