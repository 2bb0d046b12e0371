"""Reads one YAML mapping key by key, gathering every problem: a wrong type, a missing, an unknown key."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from fhir_bridge.mapping.source import Mark, Node, Problems, Text, did_you_mean


@dataclass(frozen=True, slots=True)
class Variable:
    """`$NAME` in a mapping file: an environment variable; `$NAME?` may be unset."""

    name: str
    optional: bool
    mark: Mark


Value = Text | Variable
"""Text as it was typed, or the environment variable that holds it."""


class Fields:
    """The keys of one mapping. Every accessor names a key that may stand there; `done` reports the others."""

    def __init__(self, node: Node, problems: Problems, what: str) -> None:
        self.mark = node.mark
        self.what = what
        self.problems = problems
        self._known: set[str] = set()
        self._nodes: dict[str, Node] = {}
        self._keys: list[Node] = []
        self._is_mapping = node.kind == "mapping"
        if not self._is_mapping:
            problems.add(node.mark, f"{what} must be a mapping; write 'key: value' lines")
        for key, value in node.pairs:
            self._keys.append(key)
            self._nodes.setdefault(key.text, value)

    def node(self, key: str) -> Node | None:
        """Return what stands at `key`, None where it is absent."""
        self._known.add(key)
        return self._nodes.get(key)

    def need(self, key: str) -> Node | None:
        """Return what stands at `key`; a problem where it is absent."""
        node = self.node(key)
        if node is None and self._is_mapping:
            self.problems.add(self.mark, f"{self.what} has no '{key}'; add it")
        return node

    def given(self) -> list[Text]:
        """Return the keys that are there, with their places."""
        return [key.word for key in self._keys]

    def text(self, key: str) -> Text | None:
        node = self.node(key)
        return None if node is None else as_text(node, self.problems)

    def need_text(self, key: str) -> Text:
        """Return the text at `key`; empty, and a problem, where there is none."""
        node = self.need(key)
        return Text("", self.mark) if node is None else as_text(node, self.problems)

    def value(self, key: str) -> Value | None:
        node = self.node(key)
        return None if node is None else as_value(node, self.problems)

    def need_value(self, key: str) -> Value:
        """Return the text or variable at `key`, which must not be an optional one."""
        node = self.need(key)
        value = Text("", self.mark) if node is None else as_value(node, self.problems)
        if isinstance(value, Variable) and value.optional:
            self.problems.add(value.mark, f"'{key}' cannot do without its value; write ${value.name}, without '?'")
            return Variable(value.name, False, value.mark)
        return value

    def texts(self, key: str) -> tuple[Text, ...]:
        """Return one text or a list of texts as a tuple."""
        node = self.node(key)
        return () if node is None else as_texts(node, self.problems)

    def values(self, key: str) -> dict[str, Value]:
        """Return a mapping of texts or variables."""
        return {name.text: as_value(node, self.problems) for name, node in self.pairs(key)}

    def pairs(self, key: str) -> tuple[tuple[Node, Node], ...]:
        """Return the pairs of the mapping at `key`; none where it is absent."""
        node = self.node(key)
        if node is not None and node.kind != "mapping":
            self.problems.add(node.mark, f"'{key}' must be a mapping; write 'key: value' lines")
        return () if node is None else node.pairs

    def items(self, key: str) -> tuple[Node, ...]:
        """Return the items of the list at `key`; none where it is absent."""
        node = self.node(key)
        if node is not None and node.kind != "list":
            self.problems.add(node.mark, f"'{key}' must be a list; start each item with '- '")
        return () if node is None else node.items

    def number(self, key: str, default: float) -> float:
        """Return a positive number."""
        node = self.node(key)
        if node is None:
            return default
        try:
            number = float(as_text(node, self.problems))
        except ValueError:
            number = 0.0
        if not 0 < number < math.inf:
            self.problems.add(node.mark, f"'{key}' must be a number above zero")
            return default
        return number

    def count(self, key: str, default: int) -> int:
        """Return a whole number above zero."""
        number = self.number(key, default)
        if number != int(number):
            self.problems.add(self._nodes[key].mark, f"'{key}' must be a whole number")
        return math.ceil(number)

    def flag(self, key: str) -> bool:
        return self.choice(key, ("true", "false"), "false") == "true"

    def answer(self, key: str) -> bool | None:
        """Return true or false, None where nothing is said."""
        return {"true": True, "false": False}.get(self.choice(key, ("true", "false"), ""))

    def choice(self, key: str, known: tuple[str, ...], default: str) -> str:
        """Return one of `known`."""
        node = self.node(key)
        if node is None:
            return default
        word = as_text(node, self.problems)
        if word and word not in known:
            self.problems.add(node.mark, f"unknown '{key}: {word}'{did_you_mean(word, known)}")
        return str(word) if word in known else default

    def done(self) -> None:
        """Report every key that no accessor asked for."""
        for key in self._keys:
            if key.kind == "text" and key.text not in self._known:
                hint = did_you_mean(key.text, self._known)
                self.problems.add(key.mark, f"unknown key '{key.text}' in {self.what}{hint}")


_VARIABLE = re.compile(r"\$(\{[^}]*\}|[A-Z_][A-Z0-9_]*(?![A-Za-z0-9]))")


def as_text(node: Node, problems: Problems) -> Text:
    """Return a text; empty, and a problem, where it is none, or names a variable: that would be taken as typed."""
    text = _plain(node, problems)
    found = _VARIABLE.search(text)
    if found is None:
        return text
    what = "no variable is put into a text; where one may stand, it stands alone"
    problems.add(node.mark, f"'{found[0]}' would be taken as it is typed: {what}")
    return Text("", node.mark)


def _plain(node: Node, problems: Problems) -> Text:
    if node.kind != "text" or not node.text:
        problems.add(node.mark, "text is expected here; write a word, quoted where YAML needs it")
    return node.word


def as_texts(node: Node, problems: Problems) -> tuple[Text, ...]:
    if node.kind == "list":
        return tuple(as_text(item, problems) for item in node.items)
    return (as_text(node, problems),)


def as_value(node: Node, problems: Problems) -> Value:
    if not node.text.startswith("$"):
        return as_text(node, problems)
    text = _plain(node, problems)
    name = text[1:].removesuffix("?")
    if not (name.isascii() and name.isidentifier()):
        problems.add(node.mark, f"'{text}' is no variable; write $NAME, or $NAME? where it may be unset")
        return Text("", node.mark)
    return Variable(name, text.endswith("?"), node.mark)


def variables(values: object) -> Iterator[Variable]:
    """Return every variable in nested dicts, tuples and values."""
    if isinstance(values, Variable):
        yield values
    elif isinstance(values, dict):
        for value in values.values():
            yield from variables(value)
    elif isinstance(values, tuple):
        for value in values:
            yield from variables(value)


def check_beside(fields: Fields, kind: str, known: Mapping[str, tuple[str, ...]]) -> None:
    """Report each key that means something elsewhere, and nothing here."""
    elsewhere = {word for words in known.values() for word in words}.difference(known[kind])
    for key in fields.given():
        if key in elsewhere and fields.node(key):
            fields.problems.add(key.mark, f"'{key}' says nothing beside '{known[kind][0]}'; remove it")
