"""The table of clients, and what counts as wrong with it."""

import pytest

from tests.interop.results import CAPABILITIES, Result, hows, parse_results, placed, table, troubles


def results_of(client: str, **others: Result) -> list[Result]:
    """Return the results of a client that worked in everything, but for `others`."""
    return [others.get(each.replace(" ", "_"), Result(client, each, True, "")) for each in CAPABILITIES]


WITHOUT_PATCH = results_of("old 1.0", patch=Result("old 1.0", "patch", None, "it has no PATCH"))
BROKEN = results_of("new 2.0", read=Result("new 2.0", "read", False, "Error: 500\n  at line 3"))


def test_each_line_of_a_program_is_a_result() -> None:
    text = '{"client": "c 1", "capability": "read", "worked": null, "why": "no"}\n'

    assert parse_results(text) == [Result("c 1", "read", None, "no")]


def test_the_table_has_a_row_for_each_client_and_says_below_why_not() -> None:
    assert table([*WITHOUT_PATCH, *BROKEN]).splitlines() == [
        "| client  | capability statement | read | search | create | update | patch | conditional update | operation "
        "| validate | batch | message | error |",
        "| ------- | -------------------- | ---- | ------ | ------ | ------ | ----- | ------------------ | --------- "
        "| -------- | ----- | ------- | ----- |",
        "| old 1.0 | ✓                    | ✓    | ✓      | ✓      | ✓      | –     | ✓                  | ✓         "
        "| ✓        | ✓     | ✓       | ✓     |",
        "| new 2.0 | ✓                    | ✗    | ✓      | ✓      | ✓      | ✓     | ✓                  | ✓         "
        "| ✓        | ✓     | ✓       | ✓     |",
        "",
        "✓ worked · ✗ did not · – cannot be tried, for the reason below",
        "",
        "- read: Error: 500 at line 3 (new 2.0)",
        "- patch: it has no PATCH (old 1.0)",
    ]


def test_what_is_said_of_several_capabilities_and_clients_is_said_once() -> None:
    results = [Result(client, each, None, "messages only") for client in ("a", "b") for each in ("patch", "read")]

    assert table(results).splitlines()[-1] == "- read, patch: messages only (a; b)"


def test_how_something_worked_is_said_apart_from_the_table() -> None:
    results = [Result("a", "patch", True, "sends a JSON Patch"), Result("b", "patch", None, "has no PATCH")]

    assert table(results).splitlines()[-1] == "- patch: has no PATCH (b)"
    assert hows(results) == "- patch: sends a JSON Patch (a)\n"


def test_a_capability_that_only_one_client_reports_has_a_column_too() -> None:
    results = [*WITHOUT_PATCH, Result("old 1.0", "history", True, "")]

    assert table(results).splitlines()[0].endswith("| error | history |")


def test_what_cannot_be_tried_is_no_trouble() -> None:
    assert troubles(WITHOUT_PATCH) == []


def test_what_failed_is_trouble_in_one_line() -> None:
    assert troubles(BROKEN) == ["new 2.0: read: Error: 500 at line 3"]


def test_what_a_client_does_not_speak_of_is_trouble() -> None:
    assert troubles(BROKEN[:1] + BROKEN[2:]) == ["new 2.0: read: not reported"]


def test_the_table_takes_the_place_of_the_one_before() -> None:
    page = "above\n<!-- interop -->\nold\n<!-- /interop -->\nbelow\n"

    assert placed(page, "new\n") == "above\n<!-- interop -->\n\nnew\n\n<!-- /interop -->\nbelow\n"


def test_the_table_stays_where_it_was_placed() -> None:
    page = placed("<!-- interop -->\n<!-- /interop -->\n", "new\n")

    assert placed(page, "new\n") == page


def test_a_page_without_the_two_markers_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^the page needs the lines <!-- interop --> and <!-- /interop -->, "):
        placed("<!-- interop -->\nno end", "new\n")
