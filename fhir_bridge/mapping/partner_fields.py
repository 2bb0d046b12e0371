"""Partner fields such as `emergency_contact.phones`: read from an answer that is trusted in nothing, and written."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, NamedTuple

from fhir_bridge.mapping.source import Mark, Problems
from fhir_bridge.outcome import Json

Keys = tuple[str | int, ...]
"""A concrete place in a partner's JSON: `("emergency_contact", "phones", 0, "number")`."""

ITSELF = "."
"""What `at` says of a list whose items are plain values: the item itself."""

_MAX_PATH = 200
_PATH = re.compile(r"[^.\[\]\s]+(\.[^.\[\]\s]+)*")


class Unreadable(Exception):
    """A partner's answer has not the shape that the mapping file says; `field` is where, `why` holds no value."""

    def __init__(self, field: Keys, why: str) -> None:
        super().__init__(field, why)
        self.field = field
        self.why = why


@dataclass(frozen=True, slots=True)
class PartnerField:
    """One field of a partner's JSON object; without `keys`, an item of a list that is a plain value."""

    keys: tuple[str, ...]

    def get(self, record: Json, within: Keys = ()) -> Json:
        """Return what stands here; None where it is absent, null or empty. Raises Unreadable."""
        node = record
        for position, key in enumerate(self.keys):
            if not isinstance(node, dict):
                raise Unreadable((*within, *self.keys[:position]), "an object is expected here")
            node = node.get(key)
            if node is None or node in ("", [], {}):
                return None
        return node

    def remove(self, record: Json) -> None:
        """Take this field out of an object, and with it the objects that would be left with nothing."""
        *around, last = self.keys
        nodes = [record]
        for key in around:
            nodes.append(nodes[-1].get(key) if isinstance(nodes[-1], dict) else None)
        if not isinstance(nodes[-1], dict) or last not in nodes[-1]:
            return
        del nodes[-1][last]
        for node, key in reversed([*zip(nodes, around, strict=False)]):
            if node[key] == {}:
                del node[key]

    def put(self, body: dict[str, Any], value: Json) -> None:
        """Write the value, making the objects around it; that of an item itself as its field `ITSELF`."""
        node = body
        *around, last = self.keys or (ITSELF,)
        for key in around:
            node = node.setdefault(key, {})
        node[last] = value


class Constant(NamedTuple):
    """A field that goes with whatever is sent; `secret` where the value came from the environment."""

    field: PartnerField
    value: Json
    secret: bool


def compile_field(path: str, mark: Mark, problems: Problems) -> PartnerField:
    """Return the field that `a.b.c` names."""
    if any(name.isdigit() for name in path.split(".")):
        text = f"'{path}' counts the items of a list, and a field has a name; take the whole list, by 'each'"
        problems.add(mark, text)
    elif path and not _PATH.fullmatch(path):
        problems.add(mark, f"'{path}' is no field of the partner; write names with dots between: a.b.c")
    return PartnerField(tuple(path.split(".")))


def is_one_place(one: str, other: str) -> bool:
    """Whether two paths lead to one place, or one of them into the other: `a.b` and `a.b.c`, `x[0]` and `x`."""
    return one == other or one.startswith((f"{other}.", f"{other}[")) or other.startswith((f"{one}.", f"{one}["))


def dotted(keys: Keys) -> str:
    """Return `emergency_contact.phones[0].number` for its keys."""
    return "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in keys).removeprefix(".")


def parse_keys(path: str) -> Keys:
    """Return the keys of a partner's own spelling of a place: `$.a.b.[0].c`, `a.b[0].c`, `#/a/b/0/c`, `$['a']['b']`.

    The partner wrote it, so what could not stand in a text for people is no part of it.
    """
    words = re.findall(r"[\w@-]+", path[:_MAX_PATH])
    return tuple(int(word) if re.fullmatch(r"[0-9]{1,9}", word) else word for word in words)
