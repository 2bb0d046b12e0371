"""What is wrong with a resource's structure, in words: a sentence that says what to do, and never the value."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from difflib import get_close_matches
from functools import partial
from typing import NamedTuple, TypeGuard

from fhir_bridge.outcome import ErrorCode, Issue, IssueCode, Json


class Problem(NamedTuple):
    """One thing that is wrong: `path` as seen from the value that was checked (`.name[0].given[1]`).

    `issue` writes the Issue once the whole expression is known, so that nothing is written for nobody.
    """

    path: str
    issue: Callable[[str], Issue]


Problems = Sequence[Problem]


class Pending:
    """The base of what writes the issue of a problem that a resource as a whole may take back."""

    __slots__ = ()


def certain(problems: Problems) -> int:
    """Return how many of the problems nothing takes back."""
    return sum(not isinstance(problem.issue, Pending) for problem in problems)


def below(step: str, problems: Problems) -> Problems:
    """Return problems of the value at `step` as problems of the value that holds it."""
    return [Problem(step + problem.path, problem.issue) for problem in problems]


def _one(path: str, error: ErrorCode, code: IssueCode, text: str) -> Problems:
    return (Problem(path, partial(Issue, error, code, text)),)


def is_step(name: Json) -> TypeGuard[str]:
    """Whether a key of the request can stand in a FHIRPath as it is."""
    return isinstance(name, str) and name.isascii() and name.isidentifier() and len(name) <= 64


def unknown_element(type_name: str, name: str, known: Iterable[str]) -> Problem:
    """`birthdate` where only `birthDate` is known. A name that is no FHIRPath step is placed at what holds it."""
    return Problem(f".{name}" if is_step(name) else "", partial(_unknown_element, type_name, name, known))


def _unknown_element(type_name: str, name: str, known: Iterable[str], expression: str) -> Issue:
    advice = _nearest(name, known) or "leave it out, or send it as an extension."
    text = f"`{shown(name)}` is not an element of {type_name}; {advice}"
    return Issue("unknown-element", "structure", text, expression)


def no_resource(value: Json, types: Iterable[str]) -> Problems:
    """The value has no `resourceType` that FHIR knows, or is not even an object."""
    return (Problem("", partial(_no_resource, value, types)),)


def _no_resource(value: Json, types: Iterable[str], expression: str) -> Issue:
    at = expression or None
    if not isinstance(value, dict):
        return Issue("wrong-type", "structure", f"A resource must be an object, not {_kind(value)}.", at)
    if "resourceType" not in value:
        text = '`resourceType` is missing; a resource names its type, such as "resourceType": "Patient".'
        return Issue("element-missing", "required", text, at)
    type_name = value["resourceType"]
    if not isinstance(type_name, str):
        return Issue("wrong-type", "structure", f"`resourceType` must be a string, not {_kind(type_name)}.", at)
    advice = _nearest(type_name, types) or "check the `resourceType`."
    text = f"`{shown(type_name)}` is not a resource type; {advice}"
    return Issue("unknown-resource-type", "structure", text, at)


_ALIKE = 0.75
"""How much of two names must be the same for one to be taken for the other, as difflib counts it."""


def _nearest(name: str, known: Iterable[str]) -> str:
    text = name[:64].lower()
    spellings = {spelling.lower(): spelling for spelling in known if _may_be_alike(text, spelling.lower())}
    nearest = get_close_matches(text, spellings, n=1, cutoff=_ALIKE)
    return f"did you mean `{spellings[nearest[0]]}`?" if nearest else ""


def _may_be_alike(one: str, other: str) -> bool:
    """Whether two names can be alike at all, by their letters alone: difflib takes fifty times as long to say no."""
    needed = _ALIKE * (len(one) + len(other)) / 2
    if needed > min(len(one), len(other)):
        return False
    ones, others = frozenset(one), frozenset(other)
    return needed <= min(len(one) - len(ones - others), len(other) - len(others - ones))


def shown(name: str) -> str:
    """Return a name or code from the request as it may be shown: short, and without control characters."""
    line = "".join(character if character.isprintable() else "\ufffd" for character in name[:65])
    return line if len(line) <= 64 else f"{line[:64]}…"


def wrong_kind(path: str, name: str, expected: str, value: Json) -> Problems:
    """The JSON value is of another kind: `"true"` where true or false belongs. Null counts as empty."""
    if value is None:
        return empty(path, name, "null")
    return _one(path, "wrong-type", "structure", f"`{name}` must be {expected}, not {_kind(value)}.")


def _kind(value: Json) -> str:
    kinds: tuple[tuple[type | tuple[type, ...], str], ...] = (
        (bool, "true or false"),
        (str, "a string"),
        ((int, float, Decimal), "a number"),
        (dict, "an object"),
        (list, "a list"),
    )
    return next((name for kind, name in kinds if isinstance(value, kind)), "null")


def broken(path: str, text: str) -> Problem:
    """One of FHIR's own rules is broken: `cpt-2`."""
    return Problem(path, partial(Issue, "rule-broken", "invariant", text))


def not_an_object(path: str, name: str, value: Json) -> Problems:
    return empty(path, name) if value == {} else wrong_kind(path, name, "an object", value)


def not_a_list(path: str, name: str, value: Json) -> Problems:
    if value is None or value == []:
        return empty(path, name, "null" if value is None else "empty")
    text = f"`{name}` may occur several times, so it must be a list; put it between [ and ]."
    return _one(path, "wrong-type", "structure", text)


def not_single(path: str, name: str) -> Problems:
    return _one(path, "wrong-type", "structure", f"`{name}` occurs at most once, so it must not be a list.")


def empty(path: str, name: str, what: str = "empty") -> Problems:
    return _one(path, "empty-value", "structure", f"`{name}` is {what}; leave out what has no value.")


def unequal_lists(path: str, name: str) -> Problems:
    text = f"`{name}` and `_{name}` must be lists of the same length; fill the gaps with null."
    return _one(path, "wrong-type", "structure", text)


def missing(type_name: str, name: str) -> Problem:
    text = f"`{name}` is missing; {type_name} requires it."
    return Problem(f".{name}", partial(Issue, "element-missing", "required", text))


def missing_choice(type_name: str, choice: str, names: Iterable[str]) -> Problem:
    text = f"`{choice}[x]` is missing; {type_name} requires one of {_listed(names)}."
    return Problem(f".{choice}", partial(Issue, "element-missing", "required", text))


def repeated_choice(choice: str, names: Iterable[str]) -> Problem:
    text = f"Only one of {_listed(names)} may be there; leave out the others."
    return Problem(f".{choice}", partial(Issue, "choice-repeated", "structure", text))


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def bad_format(path: str, name: str, rule: str) -> Problems:
    return _one(path, "invalid-format", "value", f"`{name}` must be {rule}.")


_TOO_MANY_TO_LIST = 100


def bad_code(path: str, name: str, code: str, codes: Iterable[str]) -> Problems:
    known = frozenset(codes)
    allowed = f"allowed are {', '.join(sorted(known))}." if len(known) < _TOO_MANY_TO_LIST else _nearest(code, known)
    text = f"`{shown(code)}` is not a code of `{name}`; {allowed or 'see the value set that FHIR binds it to.'}"
    return _one(path, "code-not-allowed", "code-invalid", text)
