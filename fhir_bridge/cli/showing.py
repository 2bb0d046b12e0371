"""Text for a terminal: aligned tables, whatever the script, and nothing that the terminal would obey."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from itertools import accumulate, takewhile

WIDEST = 36
"""How many columns a value may take in a table; a longer one is cut."""

# Control characters, and those that have no shape of their own: some turn the direction of what follows.
_UNSHOWN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Return rows of text as aligned lines below their underlined heads."""
    widths = [max(width(row[column]) for row in (heads, *rows)) for column in range(len(heads))]
    underline = ["─" * wide for wide in widths]
    return [_line(row, widths) for row in (heads, underline, *rows)]


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    padded = (cell + " " * (wide - width(cell)) for cell, wide in zip(cells, widths, strict=True))
    return "  ".join(padded).rstrip()


def width(text: str) -> int:
    """Return how many columns a terminal gives to a text: none to an accent, two to a Chinese character."""
    return sum(map(_columns, text))


def _columns(character: str) -> int:
    if unicodedata.category(character) in ("Mn", "Me"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in ("W", "F") else 1


def short(text: str) -> str:
    """Return the text, cut where it takes more than `WIDEST` columns."""
    if width(text) <= WIDEST:
        return text
    kept = sum(1 for _ in takewhile(lambda end: end < WIDEST, accumulate(map(_columns, text))))
    return f"{text[:kept]}…"


def printable(text: str) -> str:
    """Return the text with `\\u001b` spelled out where a terminal would obey it."""
    return "".join(
        f"\\u{ord(character):04x}" if unicodedata.category(character) in _UNSHOWN else character for character in text
    )
