"""An HTTP request read as an interaction: everything that it says, and nothing of what it does not."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from fhir_bridge.fhir.elements import Version
from fhir_bridge.fhir.interaction import Address, Interaction, Preferences
from fhir_bridge.fhir.request import HttpRequest, read_interaction
from fhir_bridge.outcome import FhirError, Issue

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
JSON = "application/fhir+json"
FORM = {"content-type": "application/x-www-form-urlencoded"}


def versions(base: str | None) -> Sequence[Version]:
    return ("4.0",) if base is None else ("3.0", "4.0")


def interaction(
    method: str, path: str, body: bytes = b"", *, query: str = "", headers: dict[str, str] | None = None
) -> Interaction:
    request = HttpRequest(method, "https://bridge.example/fhir", path, query, headers or {}, body)
    return read_interaction(request, {"northlab": None}, versions, request_id="id-1", uuid="uuid-1", now=NOW)


def test_all_that_a_request_says_stands_in_the_interaction() -> None:
    headers = {
        "content-type": "application/json; fhirVersion=4.0",
        "prefer": "return=minimal; handling=strict",
        "if-match": 'W/"1"',
    }

    read = interaction("PUT", "/northlab/Patient/42", b'{"a": 1}', query="_format=json&x=1", headers=headers)

    assert read == Interaction(
        code="update",
        address=Address("northlab", "Patient", "42"),
        version="4.0",
        query=(("_format", "json"), ("x", "1")),
        headers=headers,
        content_type="application/json",
        body={"a": 1},
        preferences=Preferences("minimal", strict=True),
        request_id="id-1",
        uuid="uuid-1",
        now=NOW,
        base_url="https://bridge.example/fhir/northlab",
        method="PUT",
        size=8,
    )


def test_the_hub_is_a_base_too() -> None:
    read = interaction("GET", "/metadata")

    assert (read.base_url, read.version, read.body, read.content_type) == (
        "https://bridge.example/fhir",
        "4.0",
        None,
        "",
    )


def test_xml_is_read_as_the_resource_that_it_is() -> None:
    body = b'<Patient xmlns="http://hl7.org/fhir"><gender value="male"/></Patient>'

    read = interaction("PUT", "/Patient/42", body, headers={"content-type": "application/fhir+xml"})

    assert (read.content_type, read.body) == (
        "application/fhir+xml",
        {"resourceType": "Patient", "gender": "male"},
    )


@pytest.mark.parametrize("body", [b"", b" \r\n"])
def test_no_body_is_none(body: bytes) -> None:
    read = interaction("POST", "/Patient/42/$order-kit", body, headers={"content-type": "text/plain"})

    assert (read.content_type, read.body) == ("", None)


def test_the_body_of_a_read_means_nothing() -> None:
    read = interaction("GET", "/Patient/42", b"not read", headers={"content-type": "text/plain"})

    assert (read.content_type, read.body) == ("", None)


@pytest.mark.parametrize(
    "content_type", ["application/json-patch+json", "application/merge-patch+json", "application/json", JSON]
)
def test_a_patch_has_content_types_of_its_own(content_type: str) -> None:
    read = interaction("PATCH", "/Patient/42", b"[]", headers={"content-type": content_type})

    assert (read.content_type, read.body) == (content_type, [])


@pytest.mark.parametrize("content_type", ["application/json-patch+json", "application/merge-patch+json"])
def test_a_patch_is_no_resource(content_type: str) -> None:
    with pytest.raises(FhirError) as error:
        interaction("PUT", "/Patient/42", b"[]", headers={"content-type": content_type})

    assert error.value.status_code == 415


def test_a_body_that_is_null_is_no_resource() -> None:
    with pytest.raises(FhirError) as error:
        interaction("PUT", "/Patient/42", b"null")

    text = "The body is `null`, which is no resource."
    assert (error.value.status_code, error.value.issues) == (
        400,
        (Issue("wrong-resource-type", "structure", text),),
    )


def test_a_search_that_is_posted_has_its_parameters_in_both_places() -> None:
    read = interaction("POST", "/Patient/_search", b"_id=2&x=%D0%87", query="_id=1", headers=FORM)

    assert (read.code, read.query) == ("search-type", (("_id", "1"), ("_id", "2"), ("x", "Ї")))


def test_a_search_that_is_posted_without_a_body_has_those_of_its_address() -> None:
    assert interaction("POST", "/Patient/_search", query="_id=1").query == (("_id", "1"),)


def test_a_search_that_is_posted_is_a_form() -> None:
    with pytest.raises(FhirError) as error:
        interaction("POST", "/Patient/_search", b"{}", headers={"content-type": JSON})

    assert error.value.status_code == 415


def test_the_body_of_a_search_by_get_means_nothing() -> None:
    assert interaction("GET", "/Patient", b"_id=2", query="_id=1", headers=FORM).query == (("_id", "1"),)
