"""The rules for the bodies of "Create preperson" and "Update preperson": schema, forbidden fields, codes, dates.

All broken rules of a body are found together, in the order of its page.
"""

# INFERRED: the names of the rules and the descriptions, after the tests of eHealth's public services; what is said
# of dates and of an empty external_id is the pages' own.

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import date

from fhir_bridge.sandbox._ehealth_answers import Invalid, Json

EXTERNAL_ID = r"^[0-9]{8,10}\.[0-9]{8,10}\.[0-9]{1,10}$"  # "Create preperson"
PHONE_NUMBER = r"^\+[0-9]{11,12}$"  # INFERRED: a public client checks so; the page says E.164
GENDERS = ("MALE", "FEMALE")
PHONE_TYPES = ("MOBILE", "LAND_LINE", "LANDLINE")

Check = Callable[[str, object], Iterator[Invalid]]
_JSON_TYPES = {str: "string", bool: "boolean", int: "integer", float: "number", list: "array", dict: "object"}


def schema_problems(body: object, *, strict_external_id: bool) -> list[Invalid]:
    """Return what is wrong with the body's shape: checks 7 to 10 of the page."""
    if not isinstance(body, dict):
        return list(_wrong_type("$", body, "object"))
    fields = {**_FIELDS, "external_id": _external_id(strict_external_id)}
    problems = list(_object(fields, forbidden=FORBIDDEN)("$", body))
    if not changes(body):
        problems.append(Invalid("$", "required", "at least one field must be present with a value"))
    return problems + [Invalid(f"$.{name}", "schema", _NOT_ALLOWED) for name in FORBIDDEN if name in body]


def creation_schema_problems(body: object) -> list[Invalid]:
    """Return what is wrong with the shape of a new preperson: check 6 of the page."""
    return list(_object(_CREATED)("$", body))


def creation_problems(body: Json, today: date, *, strict_external_id: bool) -> list[Invalid]:
    """Return what is wrong with a new preperson's birth date and external_id: checks 7 and 8."""
    problems = date_problems({"birth_date": body.get("birth_date")}, {}, today)
    external_id = body.get("external_id")
    if external_id in (None, ""):
        problems.append(Invalid("$.external_id", "required", "external_id should not be empty"))
    elif strict_external_id and isinstance(external_id, str):
        problems += _pattern(EXTERNAL_ID)("$.external_id", external_id)
    return problems


def created(body: Json) -> Json:
    """Return the fields of a new preperson that have a value."""
    return {name: value for name, value in body.items() if value not in (None, "", {}, [])}


def date_problems(body: Json, stored: Json, today: date) -> list[Invalid]:
    """Return what is wrong with the dates: checks 11 to 13. A date that the body leaves out is the stored one's."""
    birth = _date(body.get("birth_date") or stored.get("birth_date"))
    death = _date(body.get("death_date"))
    problems = []
    if body.get("birth_date") and birth and birth > today:
        problems.append(Invalid("$.birth_date", "invalid", "Birth date can't be in the future"))
    if death and death > today:
        problems.append(Invalid("$.death_date", "invalid", "Death date can not be in future"))
    if birth and death and death < birth:
        text = "Death date should equal or greater than birth_date"
        problems.append(Invalid("$.death_date", "invalid", text))
    return problems


def changes(body: Json) -> Json:
    """Return the fields that may be updated and that have a value."""
    # INFERRED: null, "" and {} are no values, so they change nothing; no page says how to clear a field.
    return {name: body[name] for name in _FIELDS if body.get(name) not in (None, "", {}, [])}


def _date(value: object) -> date | None:
    if not isinstance(value, str) or not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value):
        return None
    try:
        return date.fromisoformat(value)
    except ValueError:
        return None


def _wrong_type(entry: str, value: object, expected: str) -> Iterator[Invalid]:
    got = "null" if value is None else _JSON_TYPES[type(value)]
    yield Invalid(entry, "cast", f"type mismatch. Expected {expected} but got {got}", [expected])


def _nullable(check: Check) -> Check:
    return lambda entry, value: iter(()) if value is None else check(entry, value)


def _text(entry: str, value: object) -> Iterator[Invalid]:
    if not isinstance(value, str):
        yield from _wrong_type(entry, value, "string")


def _pattern(pattern: str) -> Check:
    def check(entry: str, value: object) -> Iterator[Invalid]:
        if not isinstance(value, str):
            yield from _wrong_type(entry, value, "string")
        elif not re.fullmatch(pattern.strip("^$"), value):
            yield Invalid(entry, "format", f'string does not match pattern "{pattern}"', [pattern])

    return check


def _code(values: tuple[str, ...]) -> Check:
    def check(entry: str, value: object) -> Iterator[Invalid]:
        if value not in values:
            yield Invalid(entry, "inclusion", "value is not allowed in enum", {"values": values})

    return check


def _day(entry: str, value: object) -> Iterator[Invalid]:
    if not isinstance(value, str):
        yield from _wrong_type(entry, value, "string")
    elif _date(value) is None:
        yield Invalid(entry, "date", f'expected "{value}" to be an existing date YYYY-MM-DD')


def _external_id(strict: bool) -> Check:
    def check(entry: str, value: object) -> Iterator[Invalid]:
        if value == "":
            yield Invalid(entry, "invalid", "external_id should not be empty")
        else:
            yield from (_pattern(EXTERNAL_ID) if strict else _text)(entry, value)

    return _nullable(check)


def _object(fields: Mapping[str, Check], *, required: tuple[str, ...] = (), forbidden: tuple[str, ...] = ()) -> Check:
    def check(entry: str, value: object) -> Iterator[Invalid]:
        if not isinstance(value, dict):
            yield from _wrong_type(entry, value, "object")
            return
        for name in required:
            if name not in value:
                yield Invalid(f"{entry}.{name}", "required", f"required property {name} was not present")
        for name, child in value.items():
            if name in fields:
                yield from fields[name](f"{entry}.{name}", child)
            elif name not in forbidden:
                yield Invalid(f"{entry}.{name}", "schema", _NOT_ALLOWED)

    return check


def _array(item: Check) -> Check:
    def check(entry: str, value: object) -> Iterator[Invalid]:
        if not isinstance(value, list):
            yield from _wrong_type(entry, value, "array")
            return
        for index, child in enumerate(value):
            yield from item(f"{entry}.[{index}]", child)

    return check


_NOT_ALLOWED = "schema does not allow additional properties"
FORBIDDEN = ("note", "status")
_PHONE = _object({"type": _code(PHONE_TYPES), "number": _pattern(PHONE_NUMBER)}, required=("type", "number"))
_NAMES = {name: _nullable(_text) for name in ("first_name", "last_name", "second_name")}
# INFERRED: no part of a contact is required, the whole contact is replaced, and nothing else may stand in it.
_CONTACT = _object({**_NAMES, "phones": _nullable(_array(_PHONE))})
_FIELDS: Mapping[str, Check] = {
    **_NAMES,
    "gender": _nullable(_code(GENDERS)),
    "external_id": _external_id(False),
    "birth_date": _nullable(_day),
    "emergency_contact": _nullable(_CONTACT),
    "death_date": _nullable(_day),
}
# The table of the page on creation has no death_date, and the server sets the status.
_CREATED: Mapping[str, Check] = {
    **{name: check for name, check in _FIELDS.items() if name != "death_date"},
    "external_id": _nullable(_text),
    "note": _nullable(_text),
}
