"""Tables for a terminal: aligned whatever the script, and harmless whatever the text."""

from __future__ import annotations

from fhir_bridge.cli.showing import WIDEST, printable, short, table, width


def test_columns_are_as_wide_as_their_widest_cell() -> None:
    assert table(("element", "at"), [("Patient.id", "id"), ("x", "emergency_contact")]) == [
        "element     at",
        "──────────  ─────────────────",
        "Patient.id  id",
        "x           emergency_contact",
    ]


def test_a_table_without_rows_is_its_heads() -> None:
    assert table(("a", "bc"), []) == ["a  bc", "─  ──"]


def test_width_counts_columns_not_characters() -> None:
    assert [width(text) for text in ("Іван", "e\u0301", "漢字", "")] == [4, 1, 4, 0]


def test_a_wide_script_keeps_the_columns_aligned() -> None:
    assert table(("v", "rule"), [("漢字", "a"), ("Й", "b")]) == ["v     rule", "────  ────", "漢字  a", "Й     b"]


def test_a_text_that_fits_stays_whole() -> None:
    assert short("x" * WIDEST) == "x" * WIDEST


def test_a_longer_text_is_cut_to_the_width() -> None:
    assert short("x" * (WIDEST + 1)) == "x" * (WIDEST - 1) + "…"
    assert width(short("漢" * WIDEST)) <= WIDEST


def test_what_a_terminal_would_obey_is_spelled_out() -> None:
    assert printable("a\x1b[31m\x9b\u202eb\nc") == "a\\u001b[31m\\u009b\\u202eb\\u000ac"


def test_letters_of_any_script_are_shown_as_they_are() -> None:
    assert printable("Їжак 漢字 e\u0301 ½") == "Їжак 漢字 e\u0301 ½"
