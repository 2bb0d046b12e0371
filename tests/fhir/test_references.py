"""How references are written, and that both ends of a local one are there. https://hl7.org/fhir/R4/references.html"""

from __future__ import annotations

import pytest

from fhir_bridge.fhir.structure import structure_checker
from fhir_bridge.outcome import Issue, Json

check_r4 = structure_checker("4.0", rules=True)
check_stu3 = structure_checker("3.0", rules=True)

CLINIC = {"resourceType": "Organization", "id": "clinic", "name": "Clinic"}
UNRESOLVED = "There is no contained resource with this id; add it to `contained`, or correct the reference (ref-1)."
UNUSED = (
    "Nothing refers to this contained resource, and it does not refer to the one that contains it; refer to it by its "
    "id, or from it by `#`, or leave it out (dom-3)."
)
WRITTEN = "`reference` must be a reference such as Patient/1, http://example.org/fhir/Patient/1, urn:uuid:… or #id."


def patient(reference: str | None, *contained: Json) -> Json:
    managed = {"managingOrganization": {"reference": reference}} if reference else {}
    return {"resourceType": "Patient", **({"contained": list(contained)} if contained else {}), **managed}


def told(issues: list[Issue]) -> list[tuple[str, str | None]]:
    return [(issue.text, issue.expression) for issue in issues]


@pytest.mark.parametrize(
    "reference",
    [
        "Organization/1",
        "Organization/1/_history/2",
        "Organization?identifier=http://example.org/sid|1",
        "http://example.org/fhir/Organization/1",
        "urn:uuid:88a37162-3d7c-41c3-89ab-6e25fd68ba00",
        "urn:oid:1.2.3",
        "#",
    ],
)
def test_a_reference_as_fhir_writes_it(reference: str) -> None:
    assert check_r4(patient(reference)) == []


@pytest.mark.parametrize(
    "reference",
    [
        "clinic",
        "Organization",
        "Organization/",
        "Organisation/1",
        "Organization/a b",
        "Organization/1/x",
        "../x",
        " #x",
    ],
)
def test_anything_else_is_no_reference(reference: str) -> None:
    assert told(check_r4(patient(reference))) == [(WRITTEN, "Patient.managingOrganization.reference")]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("identifier", "`system` must be an absolute URI such as http://example.org/x or urn:oid:1.2.3."),
        ("extension", "`url` must be an absolute URI such as http://example.org/x or urn:oid:1.2.3."),
        ("meta", "`profile` must be an absolute URI such as http://example.org/x, or #id."),
    ],
)
def test_what_names_something_by_itself_is_absolute(name: str, text: str) -> None:
    elements = {
        "identifier": [{"system": "mrn"}],
        "extension": [{"url": "colour", "extension": [{"url": "colour", "valueCode": "red"}]}],
        "meta": {"profile": ["#id", "http://example.org/x|1", "x"]},
    }

    assert [issue.text for issue in check_r4({"resourceType": "Patient", name: elements[name]})] == [text]


def test_a_local_reference_leads_to_a_contained_resource() -> None:
    assert check_r4(patient("#clinic", CLINIC)) == []
    assert told(
        check_r4(
            patient("#ward", {"resourceType": "Basic", "id": "b", "code": {"text": "x"}, "subject": {"reference": "#"}})
        )
    ) == [(UNRESOLVED, "Patient.managingOrganization.reference")]
    assert told(check_r4(patient("#clinic"))) == [(UNRESOLVED, "Patient.managingOrganization.reference")]


def test_contained_resources_may_refer_to_each_other() -> None:
    ward = {"resourceType": "Organization", "id": "ward", "name": "Ward", "partOf": {"reference": "#clinic"}}

    assert check_r4(patient("#ward", CLINIC, ward)) == []


@pytest.mark.parametrize("name", ["#", "Patient/1"])
def test_a_contained_resource_may_refer_to_the_one_that_contains_it(name: str) -> None:
    """By FHIR's `#`, and by its own address, as a client might that has built both apart."""
    condition = {"resourceType": "Condition", "id": "c", "subject": {"reference": name}}

    assert check_r4({"resourceType": "Patient", "id": "1", "contained": [condition]}) == []


def test_a_contained_resource_about_somebody_else_is_not_needed() -> None:
    condition = {"resourceType": "Condition", "id": "c", "subject": {"reference": "Patient/2"}}

    assert told(check_r4({"resourceType": "Patient", "id": "1", "contained": [condition]})) == [
        (UNUSED, "Patient.contained[0]")
    ]


def test_each_resource_of_a_bundle_contains_its_own() -> None:
    bundle = {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": patient("#clinic", CLINIC)}] * 2}
    other = {**bundle, "entry": [*bundle["entry"], {"resource": patient("#clinic")}]}

    assert check_r4(bundle) == []
    assert told(check_r4(other)) == [(UNRESOLVED, "Bundle.entry[2].resource.managingOrganization.reference")]


@pytest.mark.parametrize(
    ("contained", "text", "path"),
    [
        ([CLINIC, {**CLINIC, "id": "ward"}], UNUSED, ".contained[1]"),
        (
            [CLINIC, {"resourceType": "Organization", "name": "Ward"}],
            "`id` is missing; a contained resource is referred to by it.",
            ".contained[1].id",
        ),
        ([CLINIC, CLINIC], "Another contained resource has this id; give each its own.", ".contained[1].id"),
        (
            [{**CLINIC, "meta": {"versionId": "1"}}],
            "A contained resource has no `versionId`; leave it out (dom-4).",
            ".contained[0].meta.versionId",
        ),
        (
            [{**CLINIC, "meta": {"security": [{"code": "R"}]}}],
            "A contained resource has no `security`; leave it out (dom-5).",
            ".contained[0].meta.security",
        ),
        (
            [{**CLINIC, "partOf": {"reference": "#x"}, "contained": [{**CLINIC, "id": "x"}]}],
            "A contained resource has no `contained`; leave it out (dom-2).",
            ".contained[0].contained",
        ),
    ],
)
def test_what_a_contained_resource_may_not(contained: list[Json], text: str, path: str) -> None:
    assert told(check_r4(patient("#clinic", *contained))) == [(text, f"Patient{path}")]


def test_a_contained_resource_has_no_narrative_in_stu3() -> None:
    text = {"status": "generated", "div": '<div xmlns="http://www.w3.org/1999/xhtml">x</div>'}
    resource = patient("#clinic", {**CLINIC, "text": text})

    assert check_r4(resource) == []
    assert told(check_stu3(resource)) == [
        ("A contained resource has no `text`; leave it out (dom-1).", "Patient.contained[0].text")
    ]


def test_contained_resources_nested_too_deeply_are_refused() -> None:
    inner: Json = CLINIC
    for _ in range(2000):
        inner = {**CLINIC, "contained": [inner]}

    assert [issue.error for issue in check_r4(patient("#clinic", inner))] == ["nested-too-deep"]
