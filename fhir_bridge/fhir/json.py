"""JSON text to values and back, as strictly as FHIR needs it, and numbers as they were written.

https://hl7.org/fhir/R4/json.html and RFC 8259
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from decimal import Decimal, InvalidOperation
from typing import NoReturn

import orjson

from fhir_bridge.fhir.json_bounds import check_bounds, check_count, too_deep
from fhir_bridge.fhir.json_mistakes import mistake, told
from fhir_bridge.fhir.problems import is_step, shown
from fhir_bridge.limits import DEFAULTS, Limits
from fhir_bridge.outcome import ErrorCode, FhirError, Issue, Json, limited


def loads(body: bytes, limits: Limits = DEFAULTS) -> Json:
    """Return the value of JSON text in UTF-8: numbers with fraction or exponent, or beyond 64 bits, as Decimal.

    A byte order mark is skipped. Raises FhirError 400 for anything else than one JSON value: other encodings,
    syntax errors, NaN and Infinity, half a surrogate pair, nesting beyond `limits.max_depth`; for repeated keys with
    an issue for each, the first `limits.max_problems` of them. 413 for more values than `limits.max_values`, which
    are counted before they are made. Texts give the place and never the content. Of a partner's answer, the caller
    catches it.
    """
    text = _text(body)
    check_bounds(body, limits)
    try:
        value = _decoded(_DECODER, text)
    except RecursionError:
        raise too_deep(limits) from None
    except _RepeatedKey:
        raise FhirError(400, *_duplicates(text, limits)) from None
    check_count(body, value, limits)
    _refuse_lone_surrogates(text)
    return value


def dumps(value: Json, *, indented: bool = False) -> bytes:
    """Return JSON text in UTF-8, decimals with the digits that they came with: `1.50` stays `1.50`."""
    return orjson.dumps(value, default=_number_text, option=orjson.OPT_INDENT_2 if indented else None)


def _number_text(value: object) -> orjson.Fragment:
    if not isinstance(value, Decimal):
        raise TypeError(f"{type(value).__name__} is no JSON value")
    # str() writes 0.0000001 as 1E-7, a spelling that STU3 does not allow.
    plain = value.adjusted() > -30 and int(value.as_tuple().exponent) <= 0
    return orjson.Fragment(format(value, "f") if plain else str(value))


def _text(body: bytes) -> str:
    try:
        return body.removeprefix(b"\xef\xbb\xbf").decode("utf-8")
    except UnicodeDecodeError as error:
        position = error.start + (3 if body.startswith(b"\xef\xbb\xbf") else 0)
        raise _refused("not-utf-8", f"The body is not UTF-8: byte {position + 1:,} cannot be read.") from None


def _refused(error: ErrorCode, text: str) -> FhirError:
    return FhirError(400, Issue(error, "structure", text))


def _malformed(what: str) -> FhirError:
    return _refused("invalid-json", f"The body is not JSON: {what}.")


def _decimal(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation:
        raise _refused("invalid-json", "The body holds a number whose exponent is too large.") from None


def _integer(text: str) -> int | Decimal:
    # Python refuses to read more than 4,300 digits, and orjson to write more than 64 bits.
    number = Decimal(text) if len(text) > 18 else int(text)
    return int(number) if -(2**63) <= number < 2**63 else number


def _not_a_number(name: str) -> NoReturn:
    raise _refused("invalid-json", f"The body holds {name}, which is no JSON number.")


class _RepeatedKey(Exception):
    """An object has a key twice: what was read is read again, slowly, to say where."""


def _members(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise _RepeatedKey
    return value


def _decoder(members: Callable[[list[tuple[str, Json]]], dict[str, Json]]) -> json.JSONDecoder:
    return json.JSONDecoder(
        object_pairs_hook=members, parse_float=_decimal, parse_int=_integer, parse_constant=_not_a_number
    )


_DECODER = _decoder(_members)
_SPACE = re.compile(r"[ \t\n\r]*")


def _decoded(decoder: json.JSONDecoder, text: str) -> Json:
    """Return the one value of a text, as a decoder reads it. Raises FhirError 400 where it is not JSON."""
    begin = _end_of_space(text, 0)
    if begin == len(text):
        raise _refused("invalid-json", "The body is empty; send a resource as JSON.")
    try:
        value, end = decoder.raw_decode(text, begin)
    except json.JSONDecodeError as error:
        raise _malformed(mistake(text, error.pos)) from None
    end = _end_of_space(text, end)
    if end < len(text):
        raise _malformed(told("there is more after the value", text, end))
    return value


def _end_of_space(text: str, position: int) -> int:
    match = _SPACE.match(text, position)
    assert match is not None
    return match.end()


def _duplicates(text: str, limits: Limits) -> list[Issue]:
    """Say which keys are repeated and where, in the order of the document as far as it can be read."""
    _refuse_lone_surrogates(text)
    repeated: list[tuple[dict[str, Json], str]] = []

    def members(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
        value = dict(pairs)
        if len(value) != len(pairs) and len(repeated) <= limits.max_problems:
            repeated.extend((value, name) for name, count in Counter(name for name, _ in pairs).items() if count > 1)
        return value

    root = _decoded(_decoder(members), text)
    paths = _paths(root, {id(value) for value, _ in repeated})
    return limited((_duplicate(name, paths.get(id(value))) for value, name in repeated), limits.max_problems)


def _duplicate(name: str, path: str | None) -> Issue:
    text = f"The key `{shown(name)}` occurs more than once in one object; keep one."
    return Issue("duplicate-key", "structure", text, path or None)


# Any text without half a pair of surrogates, in pieces: other threads have their turn between two. No repeat here is
# possessive: Python 3.11.0 to 3.11.4 let it match what it does not.
_SOUND = re.compile(
    r"(?:[^\\]+|\\(?!u[dD][89a-fA-F]).|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}){1,10000}",
    re.DOTALL,
)
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


def _refuse_lone_surrogates(text: str) -> None:
    if not _SURROGATE.search(text):
        return
    lone = 0
    while sound := _SOUND.match(text, lone):
        lone = sound.end()
    if lone < len(text):
        raise _malformed(told("an escape is half of a surrogate pair, and no character", text, lone))


def _paths(root: Json, wanted: Collection[int]) -> Mapping[int, str]:
    """Return the FHIRPaths of the wanted objects within a value, by the identities of the objects."""
    type_name = root.get("resourceType") if isinstance(root, dict) else None
    left: list[tuple[Json, str]] = [(root, type_name if is_step(type_name) else "")]
    paths: dict[int, str] = {}
    while left and len(paths) < len(wanted):
        value, path = left.pop()
        if id(value) in wanted:
            paths[id(value)] = path
        left += [(item, f"{path}{step}".removeprefix(".")) for step, item in _steps(value)]
    return paths


def _steps(value: Json) -> Iterator[tuple[str, Json]]:
    """Yield what a value holds, each with the step of FHIRPath that leads there; a key that is none is left out."""
    if isinstance(value, dict):
        yield from ((f".{name}" if is_step(name) else "", item) for name, item in value.items())
    elif isinstance(value, list):
        yield from ((f"[{index}]", item) for index, item in enumerate(value))
