"""Reads the paths of a FHIRPath Patch into steps: a small part of FHIRPath, and nothing outside it.

https://hl7.org/fhirpath/N1/#grammar
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal

from fhir_bridge.outcome import Json

SUPPORTED = "names, [n], first(), last(), where(a = 'x' and b = 'y'), ofType(T) and extension('url')"

MAX_LENGTH = 1000
"""How many characters a path may have."""


@dataclass(frozen=True, slots=True)
class Member:
    """`.name`"""

    name: str


@dataclass(frozen=True, slots=True)
class Index:
    """`[at]` or `first()`; -1 is `last()`."""

    at: int


@dataclass(frozen=True, slots=True)
class Criterion:
    """`path = value`; an empty path is `$this`."""

    path: tuple[str, ...]
    value: Json


@dataclass(frozen=True, slots=True)
class Where:
    """`where(…)`, all of whose criteria hold; `extension('url')` is `extension.where(url = 'url')`."""

    criteria: tuple[Criterion, ...]


@dataclass(frozen=True, slots=True)
class OfType:
    """`ofType(type_name)`"""

    type_name: str


Step = Member | Index | Where | OfType


class PathError(ValueError):
    """A path that cannot be read; the text says from where on, and what a path may hold."""

    def __init__(self, at: int) -> None:
        super().__init__(f"The path cannot be read from character {at + 1} on; it may hold {SUPPORTED}.")


_NAME = r"[A-Za-z_][A-Za-z0-9_]*"
_TEXT = r"'(?:[^'\\]|\\.)*'"
_STEP = re.compile(
    rf"\s*(?:\[\s*(?P<index>[0-9]{{1,9}})\s*\]"
    rf"|(?P<dot>\.?)\s*(?P<name>{_NAME})\s*(?:\((?P<arguments>(?:[^()']|{_TEXT})*)\))?)\s*"
)
_CRITERION = re.compile(
    rf"\s*(?P<path>\$this|{_NAME}(?:\.{_NAME})*)\s*=\s*(?P<literal>{_TEXT}|true|false|[0-9]+(?:\.[0-9]+)?)\s*"
)
_AND = re.compile(r"and\b")
# https://hl7.org/fhirpath/N1/#string
_ESCAPED = re.compile(r"\\(?:u([0-9A-Fa-f]{4})|(.))")
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "f": "\f"}


def steps(path: str) -> tuple[Step, ...]:
    """Return the steps of a path; raises PathError for one outside the part of FHIRPath that patches may use."""
    if len(path) > MAX_LENGTH:
        raise PathError(MAX_LENGTH)
    found: list[Step] = []
    at = 0
    while at < len(path) or not found:
        step = _STEP.match(path, at)
        if step is None or not _may_follow(step, bool(found)):
            raise PathError(at)
        found.extend(_read(step))
        at = step.end()
    return tuple(found)


def _may_follow(step: re.Match[str], another: bool) -> bool:
    """Whether a step may stand after another one, or first: a dot is between two, an index is never first."""
    return another if step["index"] else bool(step["dot"]) == another


def _read(step: re.Match[str]) -> tuple[Step, ...]:
    name, arguments = step["name"], step["arguments"]
    if name is None:
        return (Index(int(step["index"])),)
    if arguments is None:
        return (Member(name),)
    if name == "where":
        return (Where(_criteria(step)),)
    if name == "extension" and re.fullmatch(_TEXT, arguments.strip()):
        return Member("extension"), Where((Criterion(("url",), _literal(arguments.strip())),))
    if name == "ofType" and re.fullmatch(_NAME, arguments.strip()):
        return (OfType(arguments.strip()),)
    if name in {"first", "last"} and not arguments.strip():
        return (Index(0 if name == "first" else -1),)
    raise PathError(step.start("name"))


def _criteria(step: re.Match[str]) -> tuple[Criterion, ...]:
    at, end = step.span("arguments")
    found = []
    while True:
        criterion = _CRITERION.match(step.string, at, end)
        if criterion is None:
            raise PathError(at)
        path = () if criterion["path"] == "$this" else tuple(criterion["path"].split("."))
        found.append(Criterion(path, _literal(criterion["literal"])))
        following = _AND.match(step.string, criterion.end(), end)
        if following is None and criterion.end() < end:
            raise PathError(criterion.end())
        if following is None:
            return tuple(found)
        at = following.end()


def _literal(text: str) -> Json:
    if text.startswith("'"):
        return _ESCAPED.sub(_unescaped, text[1:-1])
    return text == "true" if text in {"true", "false"} else Decimal(text)


def _unescaped(found: re.Match[str]) -> str:
    return chr(int(found[1], 16)) if found[1] else _ESCAPES.get(found[2], found[2])
