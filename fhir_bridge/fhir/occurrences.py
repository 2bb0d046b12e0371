"""An element's occurrences in the JSON object that holds it, each with its FHIRPath.

https://hl7.org/fhir/R4/json.html: lists, `_name` beside a primitive, the names of a choice
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from fhir_bridge.outcome import Json


class Item(NamedTuple):
    """One occurrence of an element: its value (None where it has extensions alone), FHIRPath and JSON name."""

    value: Json
    path: str
    name: str


Finder = Callable[[Json, str], Sequence[Item]]
"""Called with an object and its path."""


def finder(step: str, names: Sequence[str]) -> Finder:
    """Return what finds the occurrences of an element, whose FHIRPath step is given, under any of its JSON names."""
    if len(names) == 1:
        name, shadow = names[0], f"_{names[0]}"
        return lambda parent, path: (
            _occurrences(parent, name, f"{path}.{step}") if name in parent or shadow in parent else ()
        )
    known = frozenset(names) | frozenset(f"_{name}" for name in names)

    def find(parent: Json, path: str) -> Sequence[Item]:
        if known.isdisjoint(parent):
            return ()
        present = [name for name in dict.fromkeys(key.removeprefix("_") for key in parent) if name in known]
        return [item for name in present for item in _occurrences(parent, name, f"{path}.{step}")]

    return find


def _occurrences(parent: Json, name: str, path: str) -> Sequence[Item]:
    """Return an element's occurrences; one that has only extensions (`_birthDate`) has the value None."""
    value = parent.get(name)
    if value is None:
        shadow = parent.get(f"_{name}")
        value = [None] * len(shadow) if isinstance(shadow, list) else shadow and [None]
        return [Item(None, path, name) for _ in value or ()]
    if isinstance(value, list):
        return [Item(item, f"{path}[{index}]", name) for index, item in enumerate(value)]
    return [Item(value, path, name)]
