"""Checks of one value: what a profile fixes, the pattern it must hold, the value set of its code, its type.

https://hl7.org/fhir/R4/elementdefinition-definitions.html: fixed[x], pattern[x], binding, type
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import orjson

from fhir_bridge.fhir.check import Check, Visit, listed
from fhir_bridge.fhir.terminology import Codes
from fhir_bridge.outcome import Issue, Json

Predicate = Callable[[Json], bool]


def equals(value: Json, fixed: Json) -> bool:
    """Whether a value is exactly the fixed one; true is not 1."""
    if isinstance(fixed, dict):
        return (
            isinstance(value, dict) and value.keys() == fixed.keys() and all(equals(value[k], fixed[k]) for k in fixed)
        )
    if isinstance(fixed, list):
        return isinstance(value, list) and len(value) == len(fixed) and all(map(equals, value, fixed))
    return bool(value == fixed) and isinstance(value, bool) == isinstance(fixed, bool)


def holds(pattern: Json) -> Predicate:
    """Return whether a value has at least what the pattern has; an item of a list may stand anywhere."""
    if isinstance(pattern, dict):
        inner = [(key, holds(part)) for key, part in pattern.items()]
        return lambda value: isinstance(value, dict) and all(key in value and has(value[key]) for key, has in inner)
    if isinstance(pattern, list):
        parts = [holds(part) for part in pattern]
        return lambda value: isinstance(value, list) and all(any(map(has, value)) for has in parts)
    if isinstance(pattern, str):
        return lambda value: bool(value == pattern)
    return lambda value: equals(value, pattern)


def expected_value(definition: Json) -> tuple[Predicate, Json] | None:
    """Return how an element's value is told, and the value itself, from its fixed[x] or pattern[x]; None without."""
    key = next((key for key in definition if key.startswith(("fixed", "pattern"))), None)
    if key is None:
        return None
    expected = definition[key]
    if key.startswith("pattern") or isinstance(expected, str):
        return holds(expected), expected
    return lambda value: equals(value, expected), expected


def shown(expected: Json) -> str:
    """Return a value of a profile as it stands in a sentence: text as it is, anything else as JSON."""
    return expected if isinstance(expected, str) else orjson.dumps(expected).decode()


def value_check(step: str, is_expected: Predicate, expected: Json) -> Check:
    """Return the check that an element has the value that a profile expects."""
    text = f"`{step}` must be {listed([shown(expected)])} here; correct it."

    def check(value: Json, path: str, visit: Visit) -> None:
        if not is_expected(value):
            visit.issues.append(Issue("value-not-allowed", "value", text, path))

    return check


def binding_check(step: str, type_name: str, codes: Codes) -> Check:
    """Return the check that a code, Coding or CodeableConcept is in a value set, given as system and code.

    Raises ValueError for a type that has no code.
    """
    is_member = _member(type_name, codes)
    text = f"`{step}` is not one of the codes that are allowed here; use {listed([code for _, code in codes])}."

    def check(value: Json, path: str, visit: Visit) -> None:
        if not is_member(value):
            visit.issues.append(Issue("not-in-value-set", "code-invalid", text, path))

    return check


def _member(type_name: str, codes: Codes) -> Predicate:
    if type_name in ("code", "string", "uri"):
        plain = frozenset(code for _, code in codes)
        return lambda value: value in plain
    known = frozenset(codes)
    if type_name == "Coding":
        return lambda value: _coding_in(value, known)
    if type_name == "CodeableConcept":
        return lambda value: any(_coding_in(coding, known) for coding in _codings(value))
    raise ValueError(f"a {type_name} cannot be bound to a value set here; bind a code, Coding or CodeableConcept")


def _coding_in(coding: Json, known: frozenset[tuple[str, str]]) -> bool:
    if not isinstance(coding, dict):
        return False
    system, code = coding.get("system"), coding.get("code")
    return isinstance(system, str) and isinstance(code, str) and (system, code) in known


def _codings(concept: Json) -> list[Json]:
    codings = concept.get("coding") if isinstance(concept, dict) else None
    return codings if isinstance(codings, list) else []


def resource_type_check(step: str, codes: Sequence[str]) -> Check:
    """Return the check that a resource is of one of the types."""
    text = f"`{step}` must be of type {listed(codes)} here; send that."

    def check(value: Json, path: str, visit: Visit) -> None:
        if isinstance(value, dict) and value.get("resourceType") not in codes:
            visit.issues.append(Issue("wrong-type", "structure", text, path))

    return check


def wrong_type(step: str, names: Sequence[str]) -> Check:
    """Return the check that refuses a choice's value under a name other than these: `valueString` for `valueCode`."""
    text = f"`{step}` has another type here; use {listed(names)}."

    def check(value: Json, path: str, visit: Visit) -> None:
        visit.issues.append(Issue("wrong-type", "structure", text, path))

    return check
