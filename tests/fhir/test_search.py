"""Searches by the logical id: what a query asks for, and the Bundle of what was found."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from fhir_bridge.fhir.search import (
    Criteria,
    Page,
    check_unconditional,
    read_criteria,
    read_page,
    searchset,
    several_matches,
    sort_parameters,
    unanswerable,
    unknown_parameters,
)
from fhir_bridge.outcome import FhirError, Issue, Json
from tests.outcomes import issue, outcome

SYSTEM = "https://fhir-bridge.example/fhir/sid/northlab-patient"
BASE = "https://bridge.example/fhir/northlab"
ASKED = f"identifier={SYSTEM}|7"
LEAVE_OUT = "This search parameter is not known here; leave it out."


def query(text: str) -> list[tuple[str, str]]:
    """Return the parameters of a query that has nothing to decode."""
    return [(part.partition("=")[0], part.partition("=")[2]) for part in text.split("&")]


def refused(call: Callable[[], object]) -> tuple[int, list[Issue]]:
    with pytest.raises(FhirError) as error:
        call()
    return error.value.status_code, list(error.value.issues)


def patients(*ids: str) -> list[Json]:
    return [{"resourceType": "Patient", "id": id_} for id_ in ids]


def links(bundle: Json) -> dict[str, str]:
    return {link["relation"]: link["url"] for link in bundle["link"]}


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("_id=1", ("1",)),
        ("_id=1,2,1", ("1", "2")),
        ("_id=1,2&_id=2,3", ("2",)),
        ("_id=1&_id=2", ()),
        (ASKED, ("7",)),
        (f"identifier={SYSTEM}|7,{SYSTEM}|8", ("7", "8")),
        (f"{ASKED}&_id=7", ("7",)),
        ("_id=1&_id=", ("1",)),
    ],
)
def test_commas_are_or_and_repetition_is_and(text: str, ids: tuple[str, ...]) -> None:
    """https://hl7.org/fhir/R4/search.html#combining; a parameter without a value says nothing."""
    assert read_criteria(query(text), SYSTEM).ids == ids


@pytest.mark.parametrize(
    "text",
    [
        "family=Smith",
        "_id=",
        "_count=5",
        "identifier=7",
        "identifier=|7",
        f"identifier={SYSTEM}|",
        "identifier=urn:oid:1.2|7",
        f"{ASKED},urn:oid:1.2|7",
        "_id=1&identifier=urn:oid:1.2|7",
    ],
)
def test_what_no_record_can_be_found_by_is_no_criterion(text: str) -> None:
    """An identifier that cannot be answered is not overlooked beside an id: more would be found than was asked for."""
    assert read_criteria(query(text), SYSTEM).ids is None


def test_where_there_is_no_identity_system_an_identifier_is_not_known() -> None:
    criteria = read_criteria(query("_id=1&identifier=a|1"), None)

    assert criteria == Criteria(("1",), ("identifier",), (("_id", "1"),))


def test_parameters_are_told_apart() -> None:
    criteria = read_criteria(query("_id=1&family=x&family=y&_format=json&_summary=text&_sort=name"), SYSTEM)

    assert criteria == Criteria(
        ids=("1",),
        unknown=("family", "_sort"),
        known=(("_id", "1"),),
        page=Page(None, 0, (("_summary", "text"),)),
    )


@pytest.mark.parametrize("name", ["_id:not", "identifier:missing", "identifier:of-type"])
def test_a_modifier_is_never_overlooked(name: str) -> None:
    parameter = name.partition(":")[0]
    text = f"`{name}` has a modifier, and none is known here; ask by `{parameter}`."

    assert refused(lambda: read_criteria([(name, "1")], SYSTEM)) == (
        400,
        [Issue("no-such-search", "not-supported", text, f"http.{parameter}")],
    )


def test_a_modifier_of_a_parameter_that_is_not_known_is_not_known_either() -> None:
    assert sort_parameters([("family:exact", "x")], ["_id"]) == ((), ("family:exact",))


def test_one_search_asks_for_a_hundred_records_at_most() -> None:
    some, too_many = (",".join(str(number) for number in range(count)) for count in (100, 101))

    assert len(read_criteria([("_id", some)], SYSTEM).ids or ()) == 100
    assert refused(lambda: read_criteria([("_id", too_many)], SYSTEM)) == (
        400,
        [
            Issue(
                "no-such-search",
                "too-costly",
                "One search may ask for 100 records at most; ask for the others by another.",
            )
        ],
    )


@pytest.mark.parametrize(
    ("text", "page"),
    [
        ("_id=1", Page()),
        ("_count=", Page()),
        ("_count=0", Page(0)),
        ("_count=2&_offset=4", Page(2, 4)),
        ("_summary=true&_elements=name", Page(None, 0, (("_summary", "true"), ("_elements", "name")))),
    ],
)
def test_a_page_is_read(text: str, page: Page) -> None:
    assert read_page(query(text)) == page


@pytest.mark.parametrize("name", ["_count", "_offset"])
@pytest.mark.parametrize("value", ["many", "-1", "1.5", "²", "1" * 10])
def test_a_page_is_told_by_whole_numbers(name: str, value: str) -> None:
    assert refused(lambda: read_page([(name, value)])) == (
        400,
        [Issue("value-not-allowed", "value", f"`{name}` is a whole number.", f"http.{name}")],
    )


def test_what_was_found_is_a_searchset_with_a_link_to_itself() -> None:
    criteria = read_criteria(query("_id=1,2&_format=json&_elements=name"), SYSTEM)

    assert searchset(BASE, "Patient", criteria, patients("1", "2")) == {
        "resourceType": "Bundle",
        "type": "searchset",
        "total": 2,
        "link": [{"relation": "self", "url": f"{BASE}/Patient?_id=1,2&_elements=name"}],
        "entry": [
            {
                "fullUrl": f"{BASE}/Patient/1",
                "resource": {"resourceType": "Patient", "id": "1"},
                "search": {"mode": "match"},
            },
            {
                "fullUrl": f"{BASE}/Patient/2",
                "resource": {"resourceType": "Patient", "id": "2"},
                "search": {"mode": "match"},
            },
        ],
    }


def test_where_nothing_was_found_there_is_no_entry() -> None:
    assert searchset(BASE, "Patient", read_criteria(query("_id=1"), SYSTEM), []) == {
        "resourceType": "Bundle",
        "type": "searchset",
        "total": 0,
        "link": [{"relation": "self", "url": f"{BASE}/Patient?_id=1"}],
    }


def test_parameters_that_were_left_aside_are_told_beside_what_was_found() -> None:
    bundle = searchset(BASE, "Patient", read_criteria(query("_id=1&family=x"), SYSTEM), [])

    assert bundle["entry"] == [
        {
            "fullUrl": "urn:uuid:ecc16aa3-b7ad-5077-9ca3-630d29dc6392",
            "resource": outcome(issue("no-such-search", "not-supported", LEAVE_OUT, "http.family", severity="warning")),
            "search": {"mode": "outcome"},
        }
    ]
    assert (bundle["total"], links(bundle)) == (0, {"self": f"{BASE}/Patient?_id=1"})


@pytest.mark.parametrize(
    ("text", "ids", "relations"),
    [
        ("_count=2", ["1", "2"], {"self": "_count=2", "next": "_count=2&_offset=2"}),
        (
            "_count=2&_offset=2",
            ["3", "4"],
            {"self": "_count=2&_offset=2", "next": "_count=2&_offset=4", "previous": "_count=2"},
        ),
        ("_count=2&_offset=4", ["5"], {"self": "_count=2&_offset=4", "previous": "_count=2&_offset=2"}),
        ("_count=3&_offset=1", ["2", "3", "4"], {"self": 1, "next": "_count=3&_offset=4", "previous": "_count=3"}),
        ("_count=5", ["1", "2", "3", "4", "5"], {"self": "_count=5"}),
        ("_count=0", [], {"self": "_count=0"}),
        ("_offset=9", [], {"self": "_offset=9"}),
    ],
)
def test_a_page_leads_to_those_beside_it(text: str, ids: list[str], relations: dict[str, str]) -> None:
    """https://hl7.org/fhir/R4/http.html#paging"""
    criteria = read_criteria(query(f"_id=1,2,3,4,5&{text}"), SYSTEM)

    bundle = searchset(BASE, "Patient", criteria, patients("1", "2", "3", "4", "5"))

    expected = {relation: text if at == 1 else at for relation, at in relations.items()}
    assert bundle["total"] == 5
    assert [entry["resource"]["id"] for entry in bundle.get("entry", [])] == ids
    assert links(bundle) == {relation: f"{BASE}/Patient?_id=1,2,3,4,5&{at}" for relation, at in expected.items()}


def test_a_count_of_none_has_not_even_an_outcome() -> None:
    bundle = searchset(BASE, "Patient", read_criteria(query("_id=1&_count=0&family=x"), SYSTEM), patients("1"))

    assert (bundle["total"], "entry" in bundle) == (1, False)


def test_a_parameter_is_encoded_in_a_link() -> None:
    bundle = searchset(BASE, "Patient", read_criteria([("_id", "a b&c")], SYSTEM), [])

    assert links(bundle) == {"self": f"{BASE}/Patient?_id=a+b%26c"}


def test_unknown_parameters_are_each_told_once_and_shortly() -> None:
    assert unknown_parameters(["family", "x\n" + "y" * 100, "family"]) == [
        Issue("no-such-search", "not-supported", LEAVE_OUT, "http.family"),
        Issue("no-such-search", "not-supported", LEAVE_OUT, "http.x\ufffd" + "y" * 62 + "…"),
    ]
    assert len(unknown_parameters([str(number) for number in range(1000)])) == 100


@pytest.mark.parametrize(
    ("error", "status", "issue_"),
    [
        (
            unanswerable("Patient", SYSTEM),
            400,
            Issue(
                "no-such-search",
                "not-supported",
                f"A Patient is found here by `_id` or `identifier={SYSTEM}|…` only; ask by that.",
            ),
        ),
        (
            unanswerable("Patient", None),
            400,
            Issue("no-such-search", "not-supported", "A Patient is found here by `_id` only; ask by that."),
        ),
        (
            several_matches("Patient"),
            412,
            Issue("no-such-search", "multiple-matches", "The criteria name more than one Patient; name one."),
        ),
    ],
)
def test_what_cannot_be_searched_says_what_can(error: FhirError, status: int, issue_: Issue) -> None:
    assert (error.status_code, error.issues) == (status, (issue_,))


@pytest.mark.parametrize(
    ("headers", "query", "where"),
    [
        ({"if-none-exist": "identifier=1"}, (), "If-None-Exist"),
        ({"if-none-exist": "identifier=1"}, (("identifier", "1"),), "If-None-Exist"),
        ({}, (("_format", "json"), ("identifier", "1")), "identifier"),
        ({}, (("x" * 99, "1"),), f"{'x' * 64}…"),
    ],
)
def test_a_create_has_no_condition(headers: dict[str, str], query: tuple[tuple[str, str], ...], where: str) -> None:
    with pytest.raises(FhirError) as caught:
        check_unconditional("Patient", headers, query)

    text = (
        "The partner cannot say whether it has such a Patient, so nothing was made. "
        f"Make sure that it has none, then send the request without {where}."
    )
    issue = Issue("no-such-search", "not-supported", text, f"http.{where}")
    assert (caught.value.status_code, caught.value.issues) == (422, (issue,))


def test_what_says_how_the_answer_looks_is_no_condition() -> None:
    check_unconditional("Patient", {}, (("_format", "json"), ("_pretty", "true")))
