"""How many values JSON text holds and how deep they are nested, known before any of them is made.

A value is each object, list, string, number, true, false and null; a key is none.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import accumulate

from fhir_bridge.limits import Limits
from fhir_bridge.outcome import FhirError, Issue, Json

_MARKS = b'"\\,[]{}'
_ALL_BUT_MARKS = bytes(set(range(256)) - set(_MARKS))
_ALL_BUT_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
_STEP = {ord("["): 1, ord("{"): 1, ord("]"): -1, ord("}"): -1}
_PIECE_BYTES = 1_000_000
"""How much is looked at in one go: between two pieces other threads have their turn."""


def check_bounds(body: bytes, limits: Limits) -> None:
    """Raise FhirError for text that is nested too deep (400), or that certainly holds too many values (413).

    Text that passes holds at most twice as many values as it may: `check_count` counts them once they are there.
    """
    commas, opened = body.count(b","), body.count(b"[") + body.count(b"{")
    if commas < limits.max_values and opened <= min(limits.max_values, limits.max_depth):
        return
    commas, brackets = _outside_of_strings(body, limits.max_values)
    if commas >= limits.max_values or sum(map(brackets.count, (b"[", b"{"))) > limits.max_values:
        raise too_many_values(limits)
    if max(accumulate(map(_STEP.__getitem__, brackets)), default=0) > limits.max_depth:
        raise too_deep(limits)


def check_count(body: bytes, value: Json, limits: Limits) -> None:
    """Raise FhirError 413 where the value that was made of the text holds too many; most text is too short for it."""
    if 1 + body.count(b",") + body.count(b"[") + body.count(b"{") > limits.max_values < count(value):
        raise too_many_values(limits)


def too_many_values(limits: Limits) -> FhirError:
    """Return the error for a body that holds more values than anybody may send at once."""
    text = f"The body holds more than {limits.max_values:,} values; send less at once."
    return FhirError(413, Issue("too-many-values", "too-costly", text))


def too_deep(limits: Limits) -> FhirError:
    """Return the error for a body whose objects, lists or XML elements are nested too deep."""
    text = f"The body is nested more than {limits.max_depth} levels deep."
    return FhirError(400, Issue("nested-too-deep", "structure", text))


def _outside_of_strings(body: bytes, enough: int) -> tuple[int, bytes]:
    """Return how many commas stand outside of strings, and the brackets there; no more than are `enough` to refuse."""
    commas, brackets = 0, bytearray()
    for piece in _pieces(body):
        commas += piece.count(b",")
        brackets += piece.translate(None, _ALL_BUT_BRACKETS)
        if commas >= enough or len(brackets) > 2 * enough:
            break
    return commas, bytes(brackets)


def _pieces(body: bytes) -> Iterator[bytes]:
    """Yield the commas and brackets that stand outside of strings, by C code alone: a pattern takes ten times as long.

    What an escape hides is removed first, `\\\\` before `\\"`, so that each quote that is left begins or ends a string.
    """
    marks = body.translate(None, _ALL_BUT_MARKS) if b"\\" not in body else _without_escapes(body)
    inside = 0
    for start in range(0, len(marks), _PIECE_BYTES):
        parts = marks[start : start + _PIECE_BYTES].split(b'"')
        yield b"".join(parts[inside::2])
        inside ^= (len(parts) - 1) % 2


def _without_escapes(body: bytes) -> bytes:
    return body.replace(b"\\\\", b"").replace(b'\\"', b"").translate(None, _ALL_BUT_MARKS)


def count(value: Json) -> int:
    """Return how many values there are in a value, itself included."""
    level, total = [value], 0
    while level:
        total += len(level)
        level = [inner for each in level if isinstance(each, dict | list) for inner in _inner(each)]
    return total


def _inner(value: Json) -> list[Json]:
    return list(value.values()) if isinstance(value, dict) else value
