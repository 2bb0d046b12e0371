"""The part of a resource that `_summary` and `_elements` ask for."""

from __future__ import annotations

import pytest

from fhir_bridge.fhir.interaction import Address, Code, Interaction
from fhir_bridge.fhir.view import View, read_view
from fhir_bridge.outcome import FhirError, Issue, Json

MARK = {"tag": [{"system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue", "code": "SUBSETTED"}]}
TEXT = {"status": "generated", "div": '<div xmlns="http://www.w3.org/1999/xhtml">Anna</div>'}
PATIENT: Json = {"resourceType": "Patient", "id": "1", "text": TEXT, "gender": "female", "photo": [{"title": "x"}]}


def view(code: Code = "read", **query: str) -> View:
    return read_view(Interaction(code, Address(None, "Patient", "1"), "4.0", tuple(query.items())))


@pytest.mark.parametrize("query", [{}, {"_summary": "false"}, {"_summary": ""}, {"_elements": ""}, {"_elements": " ,"}])
def test_otherwise_all_of_it_is_shown(query: dict[str, str]) -> None:
    assert view(**query) == View()
    assert view(**query).of(PATIENT, "4.0") == PATIENT


@pytest.mark.parametrize(
    ("summary", "shown"),
    [
        ("true", {"gender": "female"}),
        ("text", {"text": TEXT}),
        ("data", {"gender": "female", "photo": [{"title": "x"}]}),
    ],
)
def test_a_summary_is_a_part_and_says_so(summary: str, shown: Json) -> None:
    assert view(_summary=summary).of(PATIENT, "4.0") == {"resourceType": "Patient", "id": "1", "meta": MARK, **shown}


def test_elements_are_shown_by_their_names() -> None:
    assert view(_elements="gender, photo").of(PATIENT, "4.0") == {
        "resourceType": "Patient",
        "id": "1",
        "meta": MARK,
        "gender": "female",
        "photo": [{"title": "x"}],
    }


def test_a_summary_counts_before_elements_unless_it_is_false() -> None:
    assert view(_summary="text", _elements="gender").of(PATIENT, "4.0").keys() == {"resourceType", "id", "meta", "text"}
    assert view(_summary="false", _elements="gender").of(PATIENT, "4.0").keys() == {
        "resourceType", "id", "meta", "gender",
    }  # fmt: skip


def test_no_body_stays_none() -> None:
    assert view(_summary="true").of(None, "4.0") is None


def test_what_a_search_finds_can_be_counted() -> None:
    found = {"resourceType": "Bundle", "type": "searchset", "total": 1, "entry": [{"resource": PATIENT}]}

    assert view("search-type", _summary="count").of(found, "4.0") == {
        "resourceType": "Bundle", "type": "searchset", "total": 1,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("code", "summary", "text"),
    [
        ("read", "yes", "`_summary` is one of true, text, data, count, false."),
        ("search-type", "True", "`_summary` is one of true, text, data, count, false."),
        ("read", "count", "Only what a search finds can be counted; ask for another `_summary`."),
        ("capabilities", "count", "Only what a search finds can be counted; ask for another `_summary`."),
    ],
)
def test_another_summary_is_refused(code: Code, summary: str, text: str) -> None:
    with pytest.raises(FhirError) as error:
        view(code, _summary=summary)

    assert error.value.status_code == 400
    assert error.value.issues == (Issue("value-not-allowed", "value", text, "http._summary"),)


def test_what_changes_something_is_answered_whole() -> None:
    """A part could be sent back as if it were the whole."""
    assert view("update", _summary="never", _elements="gender") == View()
