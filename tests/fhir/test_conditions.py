"""Conditions on versions: If-Match, If-None-Match and If-Modified-Since."""

from __future__ import annotations

import pytest

from fhir_bridge.fhir.conditions import (
    check_changes_only,
    check_current,
    check_if_match,
    etags,
    is_not_modified,
    matches,
    no_history,
    no_version,
)
from fhir_bridge.fhir.interaction import FhirResponse
from fhir_bridge.outcome import FhirError, Issue

READ = FhirResponse(
    200, {"resourceType": "Patient"}, {"ETag": 'W/"2"', "Last-Modified": "Thu, 20 Apr 2017 19:14:13 GMT"}
)
UNVERSIONED = FhirResponse(200, {"resourceType": "Patient"})


def refused(error: pytest.ExceptionInfo[FhirError]) -> tuple[int, Issue]:
    """Return the status and the only issue of an error."""
    (issue,) = error.value.issues
    return error.value.status_code, issue


@pytest.mark.parametrize(
    ("header", "ids"),
    [
        ('W/"2"', {"2"}),
        ('"2"', {"2"}),
        ("2", {"2"}),
        ("W/2", {"2"}),
        ('"W/"2""', {"2"}),
        ('W/"1", "2",3', {"1", "2", "3"}),
        ("*", set()),
        ("", set()),
    ],
)
def test_the_version_ids_of_a_header_are_read_weak_strong_and_without_quotes(header: str, ids: set[str]) -> None:
    assert etags(header) == ids


@pytest.mark.parametrize(
    ("header", "etag", "expected"),
    [
        ('W/"2"', 'W/"2"', True),
        ('"2"', 'W/"2"', True),
        ("2", 'W/"2"', True),
        ('W/"1", W/"2"', 'W/"2"', True),
        ("*", 'W/"2"', True),
        ("*", None, True),
        ('W/"1"', 'W/"2"', False),
        ('W/"2"', None, False),
        ("", 'W/"2"', False),
    ],
)
def test_a_version_matches_if_it_is_named_or_all_are(header: str, etag: str | None, expected: bool) -> None:
    assert matches(header, etag) is expected


@pytest.mark.parametrize(
    "headers",
    [
        {"if-none-match": 'W/"2"'},
        {"if-none-match": "2"},
        {"if-none-match": "*"},
        {"if-modified-since": "Thu, 20 Apr 2017 19:14:13 GMT"},
        {"if-modified-since": "Thu, 20 Apr 2017 21:14:14 +0200"},
        {"if-modified-since": "2017-04-20T19:14:13Z"},
        {"if-modified-since": "2017-04-20T19:14:13"},
        {"if-none-match": 'W/"2"', "if-modified-since": "Thu, 20 Apr 2000 19:14:13 GMT"},
    ],
)
def test_what_the_client_has_already_is_not_modified(headers: dict[str, str]) -> None:
    assert is_not_modified(headers, READ)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"if-none-match": 'W/"1"'},
        {"if-modified-since": "Thu, 20 Apr 2017 19:14:12 GMT"},
        {"if-modified-since": "yesterday"},
        {"if-modified-since": "Mon, 01 Jan 99999999999999999999 00:00:00 GMT"},
        {"if-modified-since": ""},
        {"if-none-match": 'W/"1"', "if-modified-since": "Fri, 20 Apr 2035 19:14:13 GMT"},
    ],
)
def test_anything_else_is_sent_again(headers: dict[str, str]) -> None:
    """A time that cannot be read is none, and If-None-Match decides alone where it is there (RFC 9110, 13.2.2)."""
    assert not is_not_modified(headers, READ)


@pytest.mark.parametrize("headers", [{"if-none-match": 'W/"2"'}, {"if-modified-since": "2035-01-01T00:00:00Z"}])
def test_what_has_no_version_or_time_is_always_sent(headers: dict[str, str]) -> None:
    assert not is_not_modified(headers, UNVERSIONED)


def test_only_a_success_can_be_not_modified() -> None:
    assert not is_not_modified({"if-none-match": "*"}, FhirResponse(404, None))


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"if-unmodified-since": "Thu, 20 Apr 2017 19:14:13 GMT"},
        {"if-unmodified-since": "last year"},
        {"if-unmodified-since": "Thu, 20 Apr 2000 19:14:13 GMT", "if-match": 'W/"2"'},
    ],
)
def test_a_change_of_what_the_client_knows_is_let_through(headers: dict[str, str]) -> None:
    """If-Match decides alone where it is there (RFC 9110, 13.2.2)."""
    check_current(headers, READ.headers)


def test_what_has_no_time_is_never_modified_since() -> None:
    check_current({"if-unmodified-since": "Thu, 20 Apr 2000 19:14:13 GMT"}, UNVERSIONED.headers)


@pytest.mark.parametrize(("header", "etag"), [('W/"2"', 'W/"2"'), ("*", 'W/"2"'), ("*", None), ('"1", "2"', 'W/"2"')])
def test_a_change_of_the_version_that_is_there_is_let_through(header: str, etag: str | None) -> None:
    check_if_match(header, etag)


def test_a_change_of_another_version_fails() -> None:
    with pytest.raises(FhirError) as error:
        check_if_match('W/"1"', 'W/"2"')

    text = "The record has changed since the version that If-Match names; read it again, then send the change."
    assert refused(error) == (412, Issue("version-differs", "conflict", text, "http.If-Match"))


def test_a_change_of_a_version_where_there_are_none_is_refused() -> None:
    with pytest.raises(FhirError) as error:
        check_if_match('W/"1"', None)

    text = "The partner tells no version to compare; send the request without If-Match."
    issue = Issue("version-differs", "not-supported", text, "http.If-Match")
    assert refused(error) == (400, issue)
    assert (no_version().status_code, no_version().issues) == (400, (issue,))


def test_no_older_version_is_kept() -> None:
    issue = Issue("unknown-path", "not-supported", "No older version of anything is kept here; read the present one.")
    assert (no_history().status_code, no_history().issues) == (404, (issue,))


@pytest.mark.parametrize("headers", [{}, {"if-none-match": 'W/"1"'}])
def test_a_change_of_what_is_there_is_no_creation(headers: dict[str, str]) -> None:
    check_changes_only(headers)


def test_a_change_that_shall_make_a_record_fails() -> None:
    with pytest.raises(FhirError) as error:
        check_changes_only({"if-none-match": "*"})

    text = "An update never makes a record here, so `If-None-Match: *` cannot be met; send it without."
    assert refused(error) == (412, Issue("version-differs", "conflict", text, "http.If-None-Match"))
