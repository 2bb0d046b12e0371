"""YAML text to nodes that still know their file, line and column.

Scalars stay the text that was typed, so `NO` is Norway and `012` keeps its zero; what
reads them says which of them are numbers.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Self

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, ScalarNode, SequenceNode

from fhir_bridge.canonical import rebased


@dataclass(frozen=True, slots=True)
class Mark:
    """A place in a mapping file; `line` and `column` count from 1."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


class Text(str):
    """Text of a mapping file, which knows its place: a problem points at the word that has to be changed.

    What is compiled holds plain text: nothing that is sent or answered is of this class.
    """

    __slots__ = ("mark",)
    mark: Mark

    def __new__(cls, text: str, mark: Mark) -> Self:
        made = super().__new__(cls, text)
        made.mark = mark
        return made


@dataclass(frozen=True, slots=True)
class Node:
    """One YAML value with its place: text, a list, or a mapping whose keys are nodes too."""

    mark: Mark
    kind: Literal["text", "list", "mapping"]
    text: str = ""
    items: tuple[Node, ...] = ()
    pairs: tuple[tuple[Node, Node], ...] = ()

    @property
    def word(self) -> Text:
        """The text with its place."""
        return Text(self.text, self.mark)


class Problems:
    """Gathers what is wrong in one or several files; each problem is one line that ends in what to do."""

    def __init__(self) -> None:
        self._found: list[tuple[Mark, str]] = []

    def add(self, mark: Mark, what: str) -> None:
        self._found.append((mark, what))

    def __bool__(self) -> bool:
        return bool(self._found)

    def lines(self) -> list[str]:
        """Return every problem once, as `file:line:column: what; what to do`, in the order of the files."""
        places = sorted(self._found, key=lambda found: (found[0].file, found[0].line, found[0].column))
        return list(dict.fromkeys(f"{mark}: {what}" for mark, what in places))


class MappingFileError(Exception):
    """Mapping files or profiles that cannot be used; stops the start. `problems` holds one line for each."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return `; did you mean 'x'?` for the nearest known word, else the list of what is known."""
    words = sorted(known)
    nearest = difflib.get_close_matches(word, words, n=1, cutoff=0.61)
    if nearest:
        return f"; did you mean '{nearest[0]}'?"
    return f"; known here: {', '.join(words)}" if words else ""


def read(text: str, file: str, problems: Problems) -> Node | None:
    """Return the one document of a YAML text as nodes; None, and a problem, where it is no YAML."""
    try:
        root = YAML(typ="safe", pure=True).compose(text)
    except MarkedYAMLError as error:
        place = error.problem_mark or error.context_mark
        mark = Mark(file, place.line + 1, place.column + 1) if place else Mark(file, 1, 1)
        problems.add(mark, f"not YAML: {error.problem or error.context}; mend the text here")
        return None
    except YAMLError:
        problems.add(Mark(file, 1, 1), "not YAML: it holds characters that no YAML text may hold; remove them")
        return None
    except RecursionError:
        problems.add(Mark(file, 1, 1), "nested too deeply to be read; a mapping file has few levels")
        return None
    if root is None:
        problems.add(Mark(file, 1, 1), "the file is empty; start with 'partner: <name>'")
        return None
    return _Nodes(file, problems, set()).node(root)


def read_file(path: Path, name: str, problems: Problems) -> Node | None:
    """Return the nodes of the file at `path`, called `name` in problems."""
    try:
        text = rebased(path.read_bytes()).decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        problems.add(Mark(name, 1, 1), f"cannot be read ({type(error).__name__}); it must be a readable UTF-8 file")
        return None
    return read(text, name, problems)


@dataclass(frozen=True, slots=True)
class _Nodes:
    """Takes over the nodes of the YAML reader. An alias leads to a node that was `seen`: to itself, even."""

    file: str
    problems: Problems
    seen: set[int]

    def node(self, raw: object) -> Node:
        assert isinstance(raw, ScalarNode | SequenceNode | MappingNode)
        mark = Mark(self.file, raw.start_mark.line + 1, raw.start_mark.column + 1)
        if id(raw) in self.seen:
            self.problems.add(mark, f"'*{raw.anchor}' stands for this elsewhere; write it out there, without an alias")
            return Node(mark, "text", text=f"*{raw.anchor}")
        self.seen.add(id(raw))
        if isinstance(raw, ScalarNode):
            return Node(mark, "text", text=raw.value)
        if isinstance(raw, SequenceNode):
            return Node(mark, "list", items=tuple(self.node(item) for item in raw.value))
        pairs = tuple((self.node(key), self.node(value)) for key, value in raw.value)
        _report_repeated_keys(pairs, self.problems)
        return Node(mark, "mapping", pairs=pairs)


def _report_repeated_keys(pairs: tuple[tuple[Node, Node], ...], problems: Problems) -> None:
    seen: dict[str, Mark] = {}
    for key, _ in pairs:
        if key.kind != "text":
            problems.add(key.mark, "a key must be text; write a plain word")
        elif key.text in seen:
            problems.add(key.mark, f"'{key.text}' stands here twice, first in line {seen[key.text].line}; keep one")
        else:
            seen[key.text] = key.mark
