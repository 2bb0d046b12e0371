"""What an interaction says of itself, as a place in the Bundle that it came in."""

from __future__ import annotations

import pytest

from fhir_bridge.fhir.bundle_places import answer_in_bundle, failure_at, failure_in_bundle, place_in_bundle
from fhir_bridge.fhir.interaction import Address, FhirResponse, Interaction
from fhir_bridge.outcome import FhirError, Issue, Json
from tests.outcomes import issue, outcome

JSON = "application/fhir+json"
PATIENT = {"resourceType": "Patient"}
MESSAGE = {"resourceType": "Bundle", "type": "message"}
PARAMETERS = {"resourceType": "Parameters"}


def entry(body: Json = None, *, content_type: str = JSON, operation: str | None = None) -> Interaction:
    query = (("name:exact", "x"), ("_count", "y"), ("b\0d", "z"))
    address = Address(None, "Patient", "1", operation)
    return Interaction("update", address, "4.0", query, content_type=content_type, body=body)


@pytest.mark.parametrize(
    ("expression", "body", "place"),
    [
        ("Patient.name[0].family", PATIENT, "Bundle.entry[2].resource.name[0].family"),
        ("Patient", PATIENT, "Bundle.entry[2].resource"),
        ("Bundle.entry[1].resource.gender", MESSAGE, "Bundle.entry[2].resource.entry[1].resource.gender"),
        ("resourceType", {}, "Bundle.entry[2].resource.resourceType"),
        ("Patient.birthDate", PARAMETERS, "Bundle.entry[2].resource"),
        ("Patient", None, "Bundle.entry[2].resource"),
        ("Patient.id", None, "Bundle.entry[2].request.url"),
        ("Patient.id", PARAMETERS, "Bundle.entry[2].request.url"),
        ("Patient.id", PATIENT, "Bundle.entry[2].resource.id"),
    ],
)
def test_an_element_is_in_the_resource_of_the_entry(expression: str, body: Json, place: str) -> None:
    """Or, where the resource is another one or none, the nearest place that was sent."""
    assert place_in_bundle(expression, entry(body), 2) == place


@pytest.mark.parametrize("expression", ["[1].path", "Patient.birthDate"])
def test_a_patch_in_a_binary_is_its_data(expression: str) -> None:
    patch = entry([], content_type="application/json-patch+json")

    assert place_in_bundle(expression, patch, 2) == "Bundle.entry[2].resource.data"


@pytest.mark.parametrize(
    ("expression", "place"),
    [
        ("http.If-Match", "Bundle.entry[2].request.ifMatch"),
        ("http.If-None-Match", "Bundle.entry[2].request.ifNoneMatch"),
        ("http.If-Modified-Since", "Bundle.entry[2].request.ifModifiedSince"),
        ("http.If-None-Exist", "Bundle.entry[2].request.ifNoneExist"),
        ("http._count", "Bundle.entry[2].request.url"),
        ("http.name", "Bundle.entry[2].request.url"),
        ("http.name:exact", "Bundle.entry[2].request.url"),
        ("http.b\ufffdd", "Bundle.entry[2].request.url"),
        ("http.X-Refresh-Token", "http.X-Refresh-Token"),
        ("http.Accept", "http.Accept"),
    ],
)
def test_conditions_and_parameters_are_in_the_request_of_the_entry(expression: str, place: str) -> None:
    """Other headers hold for each entry, and are those of the Bundle."""
    assert place_in_bundle(expression, entry(), 2) == place


def test_an_error_is_told_of_the_bundle() -> None:
    """What has no place is about the entry."""
    there = Issue("wrong-type", "structure", "No.", "Patient.active")
    nowhere = Issue("partner-throttled", "throttled", "Not now.")

    error = failure_in_bundle(FhirError(429, there, nowhere, headers={"Retry-After": "7"}), entry(PATIENT), 2)

    assert (error.status_code, error.headers) == (429, {"Retry-After": "7"})
    assert [each.expression for each in error.issues] == ["Bundle.entry[2].resource.active", "Bundle.entry[2]"]


def test_an_error_can_be_put_at_one_place() -> None:
    error = failure_at(FhirError(404, Issue("unknown-path", "not-found", "No."), headers={"A": "b"}), "Bundle.type")

    assert (error.status_code, error.headers) == (404, {"A": "b"})
    assert error.issues == (Issue("unknown-path", "not-found", "No.", "Bundle.type"),)


def test_the_outcome_of_an_entry_is_about_its_resource_and_its_request() -> None:
    """What has no place needs none there."""
    inside, nowhere = issue("wrong-type", "structure", "No.", "Patient.active"), issue("partner-late", "timeout", "No.")
    refusal = outcome(inside, issue("version-differs", "conflict", "No.", "http.If-Match"), nowhere)

    told = answer_in_bundle(FhirResponse(400, refusal, {"A": "b"}), entry(PATIENT, operation="validate"), 2)

    placed = issue("version-differs", "conflict", "No.", "Bundle.entry[2].request.ifMatch")
    assert told == FhirResponse(400, outcome(inside, placed, nowhere), {"A": "b"})


@pytest.mark.parametrize(
    ("answer", "operation"),
    [
        (FhirResponse(204, None), None),
        (FhirResponse(200, PATIENT), None),
        (FhirResponse(200, outcome(issue("wrong-type", "structure", "No.", "Patient.active"))), "validate"),
    ],
    ids=["nothing", "a resource", "an outcome that was asked for"],
)
def test_another_answer_stays_as_it_is(answer: FhirResponse, operation: str | None) -> None:
    assert answer_in_bundle(answer, entry(PATIENT, operation=operation), 2) is answer
