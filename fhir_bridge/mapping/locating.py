"""A partner's field taken back to the element that the client sent: each call's rows are sorted once for all fields."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile

from fhir_bridge.mapping.partner_fields import Keys
from fhir_bridge.mapping.sending import Pair

Path = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Locator:
    """Elements by the partner's fields: of rows `at` just a field, and what all rows `below` a field have in common.

    `last` are fields by the last part of their paths.
    """

    at: Mapping[Path, str]
    below: Mapping[Path, Sequence[str]]
    last: Mapping[str, Keys]

    @staticmethod
    def of(pairs: Iterable[Pair]) -> Locator:
        """Return the locator of what a call sends; of several rows of one field the first counts."""
        at: dict[Path, str] = {}
        below: dict[Path, list[str]] = {}
        last: dict[str, Keys] = {}
        for pair in pairs:
            path, steps = _path(pair.field), pair.element.split(".")
            at.setdefault(path, pair.element)
            for end in range(1, len(path)):
                below[path[:end]] = _common(below.get(path[:end], steps), steps)
            if pair.field and isinstance(pair.field[-1], str):
                last.setdefault(pair.field[-1], pair.field)
        return Locator(at, below, last)

    def element(self, field: Keys) -> str | None:
        """Return the FHIRPath of the element that the client sent for a partner's field.

        The row of just this field decides; else the nearest row around it; else what the rows below it have in common.
        """
        path = _path(field)
        for end in range(len(path), 0, -1):
            if path[:end] in self.at:
                return self.at[path[:end]]
        common = self.below.get(path, ())
        return ".".join(common) if len(common) > 1 else None

    def named(self, words: str) -> Keys:
        """Return the field that words name first, by the last part of its path."""
        return next((self.last[word] for word in re.findall(r"\w+", words) if word in self.last), ())


def _path(field: Keys) -> Path:
    return tuple(str(key).lower() for key in field)


def _common(one: Sequence[str], other: Sequence[str]) -> list[str]:
    """Return the steps with which both begin."""
    return [step for step, _ in takewhile(lambda steps: steps[0] == steps[1], zip(one, other, strict=False))]
