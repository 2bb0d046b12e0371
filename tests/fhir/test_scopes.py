"""What a resource as a whole tells: where its references lead, and that each id is there once.

https://hl7.org/fhir/R4/references.html and https://hl7.org/fhir/R4/element.html
"""

from __future__ import annotations

import pytest

from fhir_bridge.fhir.elements import Version
from fhir_bridge.fhir.structure import structure_checker
from fhir_bridge.outcome import Json

CHECKS = {version: structure_checker(version, rules=True) for version in ("3.0", "4.0")}  # type: ignore[arg-type]

X = "http://example.org/x"
UUID = "urn:uuid:88a37162-3d7c-41c3-89ab-6e25fd68ba0"
HIDDEN = [{"url": X, "valueCode": "masked"}]
CLINIC: Json = {"resourceType": "Organization", "id": "clinic", "name": "Clinic"}
PERSON: Json = {"resourceType": "Person", "id": "p", "gender": "male"}

NOT_AN_ORGANIZATION = "a reference to Organization belongs here."
ONLY_AN_ID = "There is nothing here but an `id`; add what it identifies, or leave it out (ele-1)."
TWICE = "Another element of this resource has this `id`; give each its own, or leave it out."
DIFFERENT = "`type` and `reference` name different types of resources; make them the same, or leave out `type`."


def patient(**elements: Json) -> Json:
    return {"resourceType": "Patient", **elements}


def managed(reference: str, *contained: Json, **elements: Json) -> Json:
    held = {"contained": list(contained)} if contained else {}
    return patient(**held, managingOrganization={"reference": reference, **elements})


def entries(*entries: Json) -> Json:
    return {"resourceType": "Bundle", "type": "collection", "entry": list(entries)}


def told(resource: Json, version: Version = "4.0") -> list[tuple[str, str | None]]:
    """Return text and place of each issue; all must be broken rules."""
    issues = CHECKS[version](resource)
    assert {(issue.error, issue.code, issue.severity) for issue in issues} <= {("rule-broken", "invariant", "error")}
    return [(issue.text, issue.expression) for issue in issues]


@pytest.mark.parametrize("version", ["3.0", "4.0"])
@pytest.mark.parametrize(
    "reference",
    [
        "Person/1",
        "Person/1/_history/2",
        "Person?identifier=http://example.org/sid|1",
        "http://example.org/fhir/Person/1",
        "https://example.org/fhir/Person/1/_history/2",
    ],
)
def test_a_literal_reference_leads_to_a_type_that_the_element_takes(version: Version, reference: str) -> None:
    text = f"This leads to a resource of type Person; {NOT_AN_ORGANIZATION}"

    assert told(managed(reference), version) == [(text, "Patient.managingOrganization.reference")]
    assert told(managed(reference.replace("Person", "Organization")), version) == []


def test_of_several_types_each_may_be_led_to() -> None:
    text = (
        "This leads to a resource of type Person; a reference to Organization or Practitioner or PractitionerRole "
        "belongs here."
    )

    assert told(patient(generalPractitioner=[{"reference": "Practitioner/1"}, {"reference": "Person/1"}])) == [
        (text, "Patient.generalPractitioner[1].reference")
    ]


@pytest.mark.parametrize("reference", ["Person/1", "http://example.org/files/7", "http://example.org/Thing/7"])
def test_where_any_type_will_do_and_where_none_is_told_nothing_is_said(reference: str) -> None:
    assert told(patient(extension=[{"url": X, "valueReference": {"reference": reference}}])) == []


@pytest.mark.parametrize("version", ["3.0", "4.0"])
def test_what_is_contained_is_of_a_type_that_the_reference_takes(version: Version) -> None:
    text = f"This leads to a resource of type Person; {NOT_AN_ORGANIZATION}"

    assert told(managed("#clinic", CLINIC), version) == []
    assert told(managed("#p", PERSON), version) == [(text, "Patient.managingOrganization.reference")]


def test_what_contains_a_resource_is_of_a_type_that_the_reference_takes() -> None:
    text = f"This leads to a resource of type Patient; {NOT_AN_ORGANIZATION}"
    ward = {**CLINIC, "partOf": {"reference": "#"}}

    assert told(managed("#clinic", ward)) == [(text, "Patient.contained[0].partOf.reference")]


@pytest.mark.parametrize("full_url", [f"{UUID}1", "http://example.org/persons"])
def test_what_an_entry_holds_is_of_a_type_that_the_reference_takes(full_url: str) -> None:
    """By its `fullUrl`, where the address does not tell the type."""
    text = f"This leads to a resource of type Person; {NOT_AN_ORGANIZATION}"
    referring = {"fullUrl": f"{UUID}0", "resource": managed(full_url)}

    assert told(entries(referring, {"fullUrl": full_url, "resource": {**CLINIC, "id": "1"}})) == []
    assert told(entries(referring)) == []
    assert told(entries(referring, {"fullUrl": full_url, "resource": PERSON})) == [
        (text, "Bundle.entry[0].resource.managingOrganization.reference")
    ]


@pytest.mark.parametrize(
    ("resource", "expression"),
    [
        (managed("Organization/1", type="Person"), "Patient.managingOrganization.type"),
        (managed("#clinic", CLINIC, type="Person"), "Patient.managingOrganization.type"),
        (
            managed("Organization/1", type="http://hl7.org/fhir/StructureDefinition/Person"),
            "Patient.managingOrganization.type",
        ),
    ],
)
def test_the_type_that_a_reference_names_is_that_which_it_leads_to(resource: Json, expression: str) -> None:
    assert told(resource) == [(DIFFERENT, expression)]


@pytest.mark.parametrize("type_", ["Organization", "http://hl7.org/fhir/StructureDefinition/Organization"])
def test_a_reference_may_name_the_type_that_it_leads_to(type_: str) -> None:
    assert told(managed("Organization/1", type=type_)) == []
    assert told(patient(managingOrganization={"type": type_, "display": "x"})) == []


@pytest.mark.parametrize("version", ["3.0", "4.0"])
def test_an_element_with_an_id_alone_is_nothing(version: Version) -> None:
    bare = {"id": "a"}

    assert told(patient(name=[bare], _birthDate={"id": "b"}, maritalStatus={"id": "c"}), version) == [
        (ONLY_AN_ID, "Patient.name[0]"),
        (ONLY_AN_ID, "Patient.birthDate"),
        (ONLY_AN_ID, "Patient.maritalStatus"),
    ]
    assert told(patient(birthDate="1980", _birthDate=bare), version) == []
    assert told(patient(_birthDate={"id": "a", "extension": HIDDEN}), version) == []


def test_in_a_list_an_id_alone_is_enough_beside_a_value() -> None:
    assert told(patient(name=[{"given": ["Ada", "Eva"], "_given": [{"id": "a"}, None]}])) == []
    assert told(patient(name=[{"_given": [{"id": "a"}, {"extension": HIDDEN}]}])) == [
        (ONLY_AN_ID, "Patient.name[0].given[0]")
    ]
    assert told(patient(name=[{"given": [None, "Eva"], "_given": [{"id": "a"}, {"id": "b"}]}])) == [
        (ONLY_AN_ID, "Patient.name[0].given[0]")
    ]


@pytest.mark.parametrize("version", ["3.0", "4.0"])
def test_an_id_of_an_element_is_there_once_in_a_resource(version: Version) -> None:
    names = [{"id": "a", "family": "Lovelace"}, {"id": "b", "family": "King"}, {"id": "a", "family": "Byron"}]

    assert told(patient(name=names, birthDate="1980", _birthDate={"id": "b"}), version) == [
        (TWICE, "Patient.name[2].id"),
        (TWICE, "Patient.birthDate.id"),
    ]


def test_each_resource_has_its_own_ids() -> None:
    """One that is contained, an entry, and the resource's id itself."""
    named = {"id": "a", "family": "Lovelace"}
    holding = managed("#clinic", {**CLINIC, "identifier": [{"id": "a", "value": "1"}]})

    assert told({**holding, "id": "a", "name": [named]}) == []
    assert told(entries({"resource": patient(name=[named])}, {"resource": patient(name=[named])})) == []


def test_the_paths_of_element_definitions_are_no_such_ids() -> None:
    element = {"id": "Patient", "path": "Patient"}
    definition = {
        "resourceType": "StructureDefinition",
        "url": X,
        "name": "X",
        "status": "draft",
        "kind": "resource",
        "abstract": False,
        "type": "Patient",
        "snapshot": {"element": [element]},
        "differential": {"element": [element]},
    }

    assert told(definition) == []


def test_an_id_that_is_none_is_said_to_be_wrong_once() -> None:
    issues = CHECKS["4.0"](patient(name=[{"id": 5, "family": "x"}, {"id": 5, "family": "y"}]))

    assert [(issue.error, issue.expression) for issue in issues] == [
        ("wrong-type", "Patient.name[0].id"),
        ("wrong-type", "Patient.name[1].id"),
    ]


@pytest.mark.parametrize("version", ["3.0", "4.0"])
def test_what_claims_a_definition_of_fhir_is_of_its_type(version: Version) -> None:
    base = "http://hl7.org/fhir/StructureDefinition"
    profiles = [f"{base}/Patient|4.0.1", f"{base}/Observation", f"{base}/vitalsigns", "http://example.org/Observation"]

    assert told(patient(meta={"profile": profiles}), version) == [
        ("This profile is for another type of resource than Patient.", "Patient.meta.profile[1]")
    ]


@pytest.mark.parametrize(
    "uri", ["urn:oid:", "urn:oid:1", "urn:oid:5.2.3", "urn:oid:1.02", "urn:uuid:7", f"{UUID.upper().lower()}X"]
)
def test_an_oid_is_an_oid_and_a_uuid_a_uuid(uri: str) -> None:
    """As a URI of any kind; a reference by such is none either."""
    absolute = "must be an absolute URI such as http://example.org/x or urn:oid:1.2.3."
    sound = "must be a URI without spaces; after urn:oid: an OID such as 1.2.3, after urn:uuid: a UUID in lower case."
    reference = (
        "`reference` must be a reference such as Patient/1, http://example.org/fhir/Patient/1, urn:uuid:… or #id."
    )
    resource = patient(
        implicitRules=uri,
        identifier=[{"system": uri}],
        extension=[{"url": X, "valueUri": uri}],
        managingOrganization={"reference": uri},
    )

    assert [issue.text for issue in CHECKS["4.0"](resource)] == [
        f"`implicitRules` {sound}",
        f"`system` {absolute}",
        f"`valueUri` {sound}",
        reference,
    ]


@pytest.mark.parametrize("version", ["3.0", "4.0"])
def test_an_oid_is_one_by_its_type_too(version: Version) -> None:
    """Every arc begins with 0, 1 or 2, as R4 says and STU3 does not."""
    issues = CHECKS[version](patient(extension=[{"url": X, "valueOid": "urn:oid:9.1"}]))

    assert [(issue.text, issue.expression) for issue in issues] == [
        ("`valueOid` must be an OID such as urn:oid:1.2.3.", "Patient.extension[0].value")
    ]


def test_an_identifier_may_be_a_uuid_in_capitals_but_not_half_a_one() -> None:
    def identified(value: Json) -> Json:
        return patient(identifier=[{"system": "urn:ietf:rfc:3986", "value": value}])

    text = "`value` must be an absolute URI where the system is urn:ietf:rfc:3986 (RFC 3986)."
    assert told(identified("urn:uuid:7C3DA506-804D-4550-8993-BF17F9EE0402")) == []
    assert told(identified("urn:uuid:7C3DA506")) == [(text, "Patient.identifier[0].value")]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"valueMoney": {"value": 1, "currency": "UAH"}}, None),
        (
            {"valueMoney": {"value": 1, "currency": "QQQ"}},
            "`QQQ` is not a code of `currency`; see the value set that FHIR binds it to.",
        ),
        ({"valueDataRequirement": {"type": "Patient"}}, None),
        ({"valueDataRequirement": {"type": "Patiant"}}, "`Patiant` is not a code of `type`; did you mean `Patient`?"),
        ({"valueParameterDefinition": {"use": "in", "type": "Any"}}, None),
    ],
)
def test_the_codes_of_a_data_type_are_checked_wherever_it_stands(value: Json, text: str | None) -> None:
    issues = CHECKS["4.0"](patient(extension=[{"url": X, **value}]))

    assert [issue.text for issue in issues] == ([] if text is None else [text])
