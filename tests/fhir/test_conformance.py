"""Definitions, served: read by id, found by url, name and id."""

from __future__ import annotations

from types import MappingProxyType

import pytest

from fhir_bridge.fhir.conformance import answer, check_mode, methods, versions
from fhir_bridge.fhir.definitions import Definitions
from fhir_bridge.fhir.interaction import Address, Code, FhirResponse, Interaction, Preferences
from fhir_bridge.outcome import FhirError, Issue, Json
from tests.outcomes import issue, outcome

BASE = "https://bridge.example/fhir/northlab"
CANON = "https://fhir-bridge.example/fhir"


def definition(type_name: str, id_: str, name: str) -> Json:
    return {"resourceType": type_name, "id": id_, "url": f"{CANON}/{type_name}/{id_}", "name": name}


PROFILE = definition("StructureDefinition", "northlab-patient", "NorthlabPatient")
EXTENSION = definition("StructureDefinition", "northlab-note", "NorthlabNote")
CODES = definition("ValueSet", "northlab-kits", "NorthlabKits")
DEFINITIONS = Definitions(MappingProxyType({each["url"]: each for each in (PROFILE, EXTENSION, CODES)}), {})


def interaction(code: Code, address: Address, *, strict: bool = False, **query: str) -> Interaction:
    preferences = Preferences(strict=strict)
    return Interaction(code, address, "4.0", tuple(query.items()), base_url=BASE, preferences=preferences)


def search(type_name: str = "StructureDefinition", *, strict: bool = False, **query: str) -> Json:
    response = answer(DEFINITIONS, interaction("search-type", Address("northlab", type_name), strict=strict, **query))
    assert (response.status_code, response.headers) == (200, {})
    return response.resource


def found(**query: str) -> list[Json]:
    return [entry["resource"] for entry in search(**query).get("entry", [])]


def refused(error: pytest.ExceptionInfo[FhirError]) -> tuple[int, Issue]:
    (only,) = error.value.issues
    return error.value.status_code, only


def test_a_definition_is_read_by_its_id() -> None:
    address = Address("northlab", "StructureDefinition", "northlab-patient")

    assert answer(DEFINITIONS, interaction("read", address)) == FhirResponse(200, PROFILE)


@pytest.mark.parametrize(("type_name", "id_"), [("StructureDefinition", "none"), ("ValueSet", "northlab-patient")])
def test_one_that_is_not_there_is_not_found(type_name: str, id_: str) -> None:
    with pytest.raises(FhirError) as error:
        answer(DEFINITIONS, interaction("read", Address("northlab", type_name, id_)))

    text = f"There is no {type_name} of this id here; search for it by `url`."
    assert refused(error) == (404, Issue("unknown-path", "not-found", text))


@pytest.mark.parametrize(
    ("query", "definitions"),
    [
        ({}, [PROFILE, EXTENSION]),
        ({"url": PROFILE["url"]}, [PROFILE]),
        ({"url": f"{PROFILE['url']},{EXTENSION['url']}"}, [PROFILE, EXTENSION]),
        ({"_id": "northlab-note"}, [EXTENSION]),
        ({"name": "NorthlabNote"}, [EXTENSION]),
        ({"name": "northlabnote"}, []),
        ({"url": PROFILE["url"], "name": "NorthlabNote"}, []),
        ({"url": CODES["url"]}, []),
        ({"url": ""}, [PROFILE, EXTENSION]),
    ],
)
def test_definitions_are_found_by_what_stands_in_them(query: dict[str, str], definitions: list[Json]) -> None:
    assert found(**query) == definitions


def test_what_was_found_is_a_searchset() -> None:
    assert search("ValueSet", name="NorthlabKits") == {
        "resourceType": "Bundle",
        "type": "searchset",
        "total": 1,
        "link": [{"relation": "self", "url": f"{BASE}/ValueSet?name=NorthlabKits"}],
        "entry": [
            {"fullUrl": f"{BASE}/ValueSet/northlab-kits", "resource": CODES, "search": {"mode": "match"}},
        ],
    }


def test_definitions_come_page_by_page_where_that_is_wanted() -> None:
    bundle = search(_count="1")

    assert [entry["resource"] for entry in bundle["entry"]] == [PROFILE]
    assert bundle["link"][1] == {"relation": "next", "url": f"{BASE}/StructureDefinition?_count=1&_offset=1"}


def test_a_parameter_that_is_not_known_is_left_aside_and_told() -> None:
    bundle = search("ValueSet", context="x")

    text = "This search parameter is not known here; leave it out."
    told = issue("no-such-search", "not-supported", text, "http.context", severity="warning")
    assert bundle["total"] == 1
    assert bundle["entry"][1].pop("fullUrl").startswith("urn:uuid:")
    assert bundle["entry"][1] == {"resource": outcome(told), "search": {"mode": "outcome"}}


def test_or_refused_where_the_client_is_strict() -> None:
    with pytest.raises(FhirError) as error:
        search(strict=True, context="x", url=CODES["url"])

    text = "This search parameter is not known here; leave it out."
    assert refused(error) == (400, Issue("no-such-search", "not-supported", text, "http.context"))


@pytest.mark.parametrize(
    ("code", "address", "allow"),
    [
        ("create", Address("northlab", "ValueSet"), "GET, HEAD"),
        ("update", Address("northlab", "ValueSet", "1"), "GET, HEAD"),
        ("vread", Address("northlab", "ValueSet", "1", special="_version"), ""),
    ],
)
def test_nothing_else_can_be_done_with_them(code: Code, address: Address, allow: str) -> None:
    with pytest.raises(FhirError) as error:
        answer(DEFINITIONS, interaction(code, address))

    text = "A ValueSet can be read and searched for here, and nothing else."
    assert refused(error) == (405, Issue("method-not-allowed", "not-supported", text))
    assert error.value.headers == {"Allow": allow}


def test_they_have_no_operations() -> None:
    with pytest.raises(FhirError) as error:
        answer(DEFINITIONS, interaction("operation", Address("northlab", "ValueSet", "1", "expand")))

    text = "A ValueSet can be read and searched for here, and nothing else."
    assert refused(error) == (404, Issue("unknown-path", "not-supported", text))


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        (Address(None, "ValueSet"), ["GET", "HEAD"]),
        (Address(None, "ValueSet", "1"), ["GET", "HEAD"]),
        (Address(None, "ValueSet", special="_search"), ["POST"]),
        (Address(None, "ValueSet", special="_history"), []),
        (Address(None, "ValueSet", operation="expand"), []),
    ],
)
def test_the_methods_of_an_address(address: Address, expected: list[str]) -> None:
    assert methods(address) == expected


def test_the_versions_of_a_base_with_the_default() -> None:
    assert versions(("3.0", "4.0")) == {
        "resourceType": "Parameters",
        "parameter": [
            {"name": "version", "valueCode": "3.0"},
            {"name": "version", "valueCode": "4.0"},
            {"name": "default", "valueCode": "3.0"},
        ],
    }


@pytest.mark.parametrize("mode", [None, "full", "normative", "terminology"])
def test_a_statement_is_had_in_these_modes(mode: str | None) -> None:
    check_mode(mode, "4.0")


@pytest.mark.parametrize(
    ("mode", "status", "issue_"),
    [
        (
            "terminology",
            404,
            Issue(
                "unknown-path",
                "not-supported",
                "STU3 has no statement of terminology; ask for fhirVersion=4.0, or without `mode`.",
                "http.mode",
            ),
        ),
        (
            "",
            400,
            Issue("value-not-allowed", "value", "`mode` is full, normative or terminology.", "http.mode"),
        ),
    ],
)
def test_another_statement_is_not_had(mode: str, status: int, issue_: Issue) -> None:
    with pytest.raises(FhirError) as error:
        check_mode(mode, "3.0")

    assert refused(error) == (status, issue_)
