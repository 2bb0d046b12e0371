"""Makes one change to a good resource at a time: by rule everywhere where it fits, and those that only one profile has.

A change usually breaks the resource, though not always: an optional element may be left out. What of each is right is
for the two judges to say.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy

from fhir_bridge.outcome import Json
from tests.interop.validation.instances import GOOD, Instance, Resource
from tests.interop.validation.rules import RULES

Path = tuple[str | int, ...]
Replace = Callable[[Json], Iterator[Json]]
"""Yields what may stand in the place of a value; nothing where the change does not fit it."""

_UNKNOWN = {"colour": "red"}
_EXTENSION = {"extension": [{"url": "http://example.org/colour", "valueString": "red"}]}
_STEP = re.compile(r"([^.\[\]]+)|\[(\d+)\]")


def instances() -> Iterator[Instance]:
    """Yield every instance to judge: the good ones as they are, then each with one thing changed."""
    for group, (version, profile, good) in GOOD.items():
        yield Instance(group, "as it is", "as it is", version, profile, good)
        for kind, name, resource in changes(group, good):
            yield Instance(group, kind, name, version, profile, resource)


def changes(group: str, good: Resource) -> Iterator[tuple[str, str, Resource]]:
    """Yield kind and name of each change to a good resource, and the resource changed."""
    members = [member for member in _members(good) if not _is_elsewhere(group, member[0])]
    for path, _ in members:
        yield "left out", _written(path), without(good, path)
    for kind, replace in _REPLACEMENTS.items():
        for path, value in members:
            for number, new in enumerate(replace(value)):
                yield kind, f"{_written(path)} #{number}", with_value(good, path, new)
    for name, new in RULES.get(group, {}).items():
        yield "a rule broken", name, changed(good, new)


def _is_elsewhere(group: str, path: Path) -> bool:
    """Whether a value is in a resource that is changed by itself as well: those of an R4 message."""
    return group == "roche-message" and "resource" in path[:-1]


def changed(good: Resource, new: Mapping[str, Json]) -> Resource:
    """Return a copy with values by path, as in {"contact[0].telecom[0].use": "work"}; None takes one out."""
    resource = good
    for text, value in new.items():
        path = _read(text)
        resource = without(resource, path) if value is None else with_value(resource, path, value)
    return resource


def with_value(good: Resource, path: Path, value: Json) -> Resource:
    copy = deepcopy(good)
    _holder(copy, path)[path[-1]] = value
    return copy


def without(good: Resource, path: Path) -> Resource:
    """Return a copy without a value; what is empty then goes too, since FHIR has no empty lists and objects."""
    copy = deepcopy(good)
    del _holder(copy, path)[path[-1]]
    return without(copy, path[:-1]) if len(path) > 1 and not _holder(copy, path) else copy


def _holder(value: Json, path: Path) -> Json:
    for step in path[:-1]:
        value = value[step]
    return value


def _read(text: str) -> Path:
    return tuple(name or int(index) for name, index in _STEP.findall(text))


def _written(path: Path) -> str:
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path).lstrip(".")


def _members(value: Json, path: Path = ()) -> Iterator[tuple[Path, Json]]:
    """Yield every value below a value with its path, the outermost first."""
    if isinstance(value, dict | list):
        for step, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield (*path, step), inner
            yield from _members(inner, (*path, step))


def _unknown_element(value: Json) -> Iterator[Json]:
    if isinstance(value, dict):
        yield {**value, **_UNKNOWN}


def _extended(value: Json) -> Iterator[Json]:
    if isinstance(value, dict) and "extension" not in value and "url" not in value:
        yield {**_EXTENSION, **value} if "resourceType" not in value else {**value, **_EXTENSION}


def _only_an_id(value: Json) -> Iterator[Json]:
    if isinstance(value, dict) and "resourceType" not in value:
        yield {"id": "x"}


def _empty(value: Json) -> Iterator[Json]:
    yield type(value)() if isinstance(value, dict | list | str) else None


def _in_a_list(value: Json) -> Iterator[Json]:
    if not isinstance(value, list):
        yield [value]


def _out_of_its_list(value: Json) -> Iterator[Json]:
    if isinstance(value, list):
        yield value[0]


def _twice(value: Json) -> Iterator[Json]:
    if isinstance(value, list):
        yield [*value, value[-1]]


def _another_type(value: Json) -> Iterator[Json]:
    others: dict[type, list[Json]] = {
        bool: ["true", 1],
        int: [str(value), True, 1.5],
        str: [7],
        dict: ["text"],
        list: ["text"],
    }
    yield from others[type(value)]


def _another_text(value: Json) -> Iterator[Json]:
    if isinstance(value, str):
        yield from ("no such value", "\u0007", f" {value}", "x" * 65)


_REPLACEMENTS: dict[str, Replace] = {
    "an unknown element": _unknown_element,
    "an extension added": _extended,
    "only an id": _only_an_id,
    "empty": _empty,
    "a list for one value": _in_a_list,
    "one value for a list": _out_of_its_list,
    "an item twice": _twice,
    "another JSON type": _another_type,
    "another text": _another_text,
}
