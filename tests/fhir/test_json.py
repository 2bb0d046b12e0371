"""JSON is read as strictly as FHIR needs it, and numbers are written as they came."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_bridge.fhir.json import dumps, loads
from fhir_bridge.limits import DEFAULTS, Limits
from fhir_bridge.outcome import ErrorCode, FhirError, Issue, Json

BEHIND_A_VALUE = "a comma, a colon or a closing bracket is expected"


def refused(body: bytes) -> tuple[Issue, ...]:
    with pytest.raises(FhirError) as raised:
        loads(body)
    assert raised.value.status_code == 400
    return raised.value.issues


def issue(error: ErrorCode, text: str, expression: str | None = None) -> Issue:
    return Issue(error, "structure", text, expression)


def test_a_resource_is_read_as_plain_values() -> None:
    body = '{"resourceType": "Patient", "active": true, "name": [{"given": ["Миколай", null]}], "n": -5}'.encode()

    assert loads(body) == {
        "resourceType": "Patient",
        "active": True,
        "name": [{"given": ["Миколай", None]}],
        "n": -5,
    }


@pytest.mark.parametrize(
    "text",
    ["1.50", "0.00", "-0.0", "100.000", "0.0000001", "1E+5", "123456789012345678901234567890", "-9223372036854775809"],
)
def test_a_number_is_written_with_the_digits_that_it_came_with(text: str) -> None:
    assert dumps(loads(f"[{text}]".encode())) == f"[{text}]".encode()


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1.50", Decimal("1.50")),
        ("1e5", Decimal("1e5")),
        ("1.5e-40", Decimal("1.5e-40")),
        ("7", 7),
        ("9223372036854775807", 9223372036854775807),
        ("-9223372036854775808", -9223372036854775808),
        ("9223372036854775808", Decimal("9223372036854775808")),
        ("1" * 5000, Decimal("1" * 5000)),
    ],
)
def test_numbers_that_python_would_round_are_decimals(text: str, value: Json) -> None:
    number = loads(text.encode())

    assert (number, type(number)) == (value, type(value))


def test_a_very_small_number_keeps_its_exponent() -> None:
    assert dumps(Decimal("1.5E-40")) == b"1.5E-40"


def test_what_is_no_json_value_cannot_be_written() -> None:
    with pytest.raises(TypeError, match="Type is not JSON serializable: object"):
        dumps({"a": object()})


def test_text_is_written_as_it_came() -> None:
    body = '{"family":"Ґонта \\u0000 é 😀"}'.encode()

    assert dumps(loads(body)) == body


def test_a_byte_order_mark_is_skipped() -> None:
    assert loads(b'\xef\xbb\xbf{"a":1}') == {"a": 1}


@pytest.mark.parametrize(
    ("body", "position"),
    [(b'{"a":"\xe9"}', "7"), (b"\xef\xbb\xbf\xff", "4"), (b'"\xed\xa0\x80"', "2"), (b" " * 2000 + b"\xff", "2,001")],
)
def test_other_encodings_than_utf_8_are_refused_with_the_place(body: bytes, position: str) -> None:
    assert refused(body) == (issue("not-utf-8", f"The body is not UTF-8: byte {position} cannot be read."),)


@pytest.mark.parametrize(
    ("body", "what"),
    [
        (b'{"family": "Chalmers" "secret"}', f"{BEHIND_A_VALUE}, at line 1, column 23"),
        (b'{"a": 1\n "b": 2}', f"{BEHIND_A_VALUE}, at line 2, column 2"),
        (b'{"a" 1}', f"{BEHIND_A_VALUE}, at line 1, column 6"),
        (b'{"a": 1]', f"{BEHIND_A_VALUE}, at line 1, column 8"),
        (b"[01]", f"{BEHIND_A_VALUE}, at line 1, column 3"),
        (b"[1,]", "a comma stands before a closing bracket, at line 1, column 3"),
        (b'{"a": 1\n ,\n}', "a comma stands before a closing bracket, at line 2, column 2"),
        (b"[1,,]", "a comma stands before a closing bracket, at line 1, column 4"),
        (b'{"a":', "it breaks off, at line 1, column 6"),
        (b"[1, ", "it breaks off, at line 1, column 5"),
        (b'{"a": "secret', "a string has no closing quote, at line 1, column 7"),
        (b'["secret\\', "a string has no closing quote, at line 1, column 2"),
        (b'{"a": "sec\tret"}', "a control character is not written as an escape, at line 1, column 11"),
        (rb'"sec\ret\qx"', "a backslash begins no escape that JSON has, at line 1, column 9"),
        (rb'"sec\u00g0"', "a backslash begins no escape that JSON has, at line 1, column 6"),
        (b"['a']", "a single quote stands where JSON has double quotes, at line 1, column 2"),
        (b"{} {}", "there is more after the value, at line 1, column 4"),
        (b"<secret/>", "a value is expected, at line 1, column 1"),
        (b"[secret]", "a value is expected, at line 1, column 2"),
        (b'{"a": True}', "a value is expected, at line 1, column 7"),
        (b"{secret: 1}", "a key in double quotes is expected, at line 1, column 2"),
        (b'{"a": 1, secret: 2}', "a value, or a key in double quotes, is expected, at line 1, column 10"),
    ],
)
def test_a_syntax_error_has_its_line_and_column_and_shows_no_content(body: bytes, what: str) -> None:
    """In our own words and places: Python's differ from version to version."""
    assert refused(body) == (issue("invalid-json", f"The body is not JSON: {what}."),)


@pytest.mark.parametrize("body", [b"", b" \n"])
def test_an_empty_body_is_called_empty(body: bytes) -> None:
    assert refused(body) == (issue("invalid-json", "The body is empty; send a resource as JSON."),)


@pytest.mark.parametrize("name", ["NaN", "Infinity", "-Infinity"])
def test_nan_and_infinity_are_no_numbers(name: str) -> None:
    assert refused(f'{{"value": {name}}}'.encode()) == (
        issue("invalid-json", f"The body holds {name}, which is no JSON number."),
    )


def test_a_number_that_no_computer_can_hold_is_refused() -> None:
    assert refused(b"[1e99999999999999999999]") == (
        issue("invalid-json", "The body holds a number whose exponent is too large."),
    )


@pytest.mark.parametrize(
    ("body", "place"),
    [
        (rb'{"a": "\ud83d"}', "line 1, column 8"),
        (b'[1,\n "\\\\ \\uDE00"]', "line 2, column 6"),
        (rb'"\ud83d\u0041"', "line 1, column 2"),
        (rb'{"\ud83d": 1, "\ud83d": 2}', "line 1, column 3"),
    ],
)
def test_half_a_surrogate_pair_is_refused(body: bytes, place: str) -> None:
    what = "an escape is half of a surrogate pair, and no character"
    assert refused(body) == (issue("invalid-json", f"The body is not JSON: {what}, at {place}."),)


@pytest.mark.parametrize(
    ("body", "text"), [(rb'"\ud83d\ude00"', "😀"), (rb'"\\ud83d"', r"\ud83d"), (rb'"\u00e9"', "é")]
)
def test_whole_pairs_and_escaped_backslashes_are_fine(body: bytes, text: str) -> None:
    assert loads(body) == text


def test_every_repeated_key_is_named_with_its_place() -> None:
    body = b"""{"resourceType": "Patient", "id": "1", "id": "2", "id": "3",
        "name": [{"family": "A"}, {"family": "B", "family": "C", "use": "usual", "use": "old"}]}"""

    assert refused(body) == (
        issue("duplicate-key", "The key `family` occurs more than once in one object; keep one.", "Patient.name[1]"),
        issue("duplicate-key", "The key `use` occurs more than once in one object; keep one.", "Patient.name[1]"),
        issue("duplicate-key", "The key `id` occurs more than once in one object; keep one.", "Patient"),
    )


def test_the_place_of_a_repeated_key_leaves_out_keys_that_are_no_path() -> None:
    text = "The key `a` occurs more than once in one object; keep one."

    assert refused(b'{"o\\n o": {"b": {"a": 1, "a": 2}}}') == (issue("duplicate-key", text, "b"),)
    assert refused(b'[{"a": 1, "a": 2}]') == (issue("duplicate-key", text, "[0]"),)
    assert refused(b'{"a": 1, "a": 2}') == (issue("duplicate-key", text),)
    assert refused(b'{"b": "\\u00e9", "a": 1, "a": 2}') == (issue("duplicate-key", text),)


def test_a_syntax_error_after_a_repeated_key_is_the_syntax_error() -> None:
    assert refused(b'{"a": {"b": 1, "b": 2}, }')[0].error == "invalid-json"


@pytest.mark.parametrize("levels", [DEFAULTS.max_depth + 1, 1_000, 100_000])
@pytest.mark.parametrize(("opening", "closing"), [(b"[", b"]"), (b'{"a":', b"}")])
def test_nesting_beyond_the_limit_is_refused(levels: int, opening: bytes, closing: bytes) -> None:
    assert refused(opening * levels + b"1" + closing * levels) == (
        issue("nested-too-deep", "The body is nested more than 64 levels deep."),
    )


def test_nesting_up_to_the_limit_is_read_and_the_limit_can_be_moved() -> None:
    body = b"[" * DEFAULTS.max_depth + b"]" * DEFAULTS.max_depth

    assert dumps(loads(body)) == body
    with pytest.raises(FhirError) as raised:
        loads(b"[[1]]", Limits(max_depth=1))
    assert raised.value.issues == (issue("nested-too-deep", "The body is nested more than 1 levels deep."),)


def test_a_limit_beyond_what_python_can_nest_is_no_crash() -> None:
    with pytest.raises(FhirError) as raised:
        loads(b"[" * 100_000, Limits(max_depth=1_000_000))

    assert raised.value.issues == (issue("nested-too-deep", "The body is nested more than 1000000 levels deep."),)


def test_brackets_in_texts_are_no_nesting() -> None:
    body = b'["' + b'\\"[{' * 200 + b'",' + b"[]," * 100 + b"1]"

    assert len(loads(body)) == 102


def test_many_brackets_side_by_side_are_no_nesting() -> None:
    assert loads(b"[" + b"{}," * 1000 + b"{}]") == [{}] * 1001


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner)
    ),
    max_leaves=20,
)


@given(json_values)
def test_what_is_written_is_read_back(value: Json) -> None:
    assert loads(dumps(value)) == value


@given(st.binary() | st.text('[]{}",:\\u0d8e1-. \n').map(str.encode))
def test_no_body_makes_it_fail_in_any_other_way(body: bytes) -> None:
    try:
        value = loads(body)
    except FhirError:
        return
    assert loads(dumps(value)) == value
