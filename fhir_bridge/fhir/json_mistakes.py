"""What is wrong with a text that is not JSON: in our own words, which are the same under each version of Python.

Python's reader tells where it stopped. Its words, and the place of a comma too many, differ from version to version.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

_SPACE = " \t\n\r"

# What stands at the place where the reader stopped; the first that fits is told.
_HERE: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r",[ \t\n\r]*[]}]"), "a comma stands before a closing bracket"),
    (re.compile(r"\Z"), "it breaks off"),
    (re.compile(r"[\x00-\x1f]"), "a control character is not written as an escape"),
    (re.compile(r"\\|(?<=\\)u"), "a backslash begins no escape that JSON has"),
    (re.compile(r"'"), "a single quote stands where JSON has double quotes"),
)

# What a string holds, in pieces: other threads have their turn between two.
_CONTENT = re.compile(r'(?:[^"\\]+|\\.){1,10000}', re.DOTALL)

# What is expected behind the last sign before that place; behind any other sign ends a value.
_EXPECTED: Mapping[str, str] = {
    "": "a value is expected",
    "[": "a value is expected",
    ":": "a value is expected",
    "{": "a key in double quotes is expected",
    ",": "a value, or a key in double quotes, is expected",
}


def mistake(text: str, position: int) -> str:
    """Return what is wrong and where, for a text that a JSON reader did not read past `position`; no content of it."""
    before = text[:position].rstrip(_SPACE)
    is_surplus = before.endswith(",") and text[position : position + 1] in ("]", "}")
    position = len(before) - 1 if is_surplus else position
    if text.startswith('"', position) and _never_ends(text, position + 1):
        return told("a string has no closing quote", text, position)
    here = (what for pattern, what in _HERE if pattern.match(text, position))
    what = next(here, None) or _EXPECTED.get(before[-1:], "a comma, a colon or a closing bracket is expected")
    return told(what, text, position)


def _never_ends(text: str, position: int) -> bool:
    """Whether a string, whose content begins here, has no end."""
    while inside := _CONTENT.match(text, position):
        position = inside.end()
    return text[position:] in ("", "\\")


def told(what: str, text: str, position: int) -> str:
    """Return `what` with its place: the line, and the column in it, of a position in a text."""
    line, column = text.count("\n", 0, position) + 1, position - text.rfind("\n", 0, position)
    return f"{what}, at line {line}, column {column}"
