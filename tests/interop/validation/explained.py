"""The differences between the judges that are known and explained: `explained.yaml`."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

_FILE = Path(__file__).with_name("explained.yaml")


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why one judge says what the other does not. `of` and `says` are found in a name and a text."""

    section: str
    of: re.Pattern[str]
    says: re.Pattern[str]
    why: str


@dataclass(slots=True)
class Explanations:
    """All explanations of the file, and how often each was of use, by its number."""

    known: list[Explanation]
    used: Counter[int] = field(default_factory=Counter)

    def of(self, section: str, name: str, text: str) -> str | None:
        """Return why a text is said of something, or None where that is not explained."""
        for number, each in enumerate(self.known):
            if each.section == section and each.of.search(name) and each.says.search(text):
                self.used[number] += 1
                return each.why
        return None

    def useless(self) -> Iterator[str]:
        """Yield a line for each explanation of what was never said."""
        for number, each in enumerate(self.known):
            if number not in self.used:
                yield f"explained.yaml: {each.section}: nobody says {each.says.pattern!r} of {each.of.pattern!r}"

    def told(self) -> Iterator[str]:
        """Yield a line for each explanation that was of use: how often, for what, and the explanation."""
        for number, times in sorted(self.used.items()):
            each = self.known[number]
            yield f"{each.section.replace('_', ' ')}, {times} times: {each.why}"


def explanations() -> Explanations:
    """Return what the file holds. Raises KeyError for an entry that lacks a part."""
    sections: dict[str, list[dict[str, Any]]] = YAML(typ="safe").load(_FILE.read_text(encoding="utf-8"))
    return Explanations(
        [
            Explanation(section, re.compile(each["of"]), re.compile(each["says"]), each["why"].strip())
            for section, entries in sections.items()
            for each in entries
        ]
    )
