"""The simulator of Roche Diabetes Care refuses what Roche refuses, with the statuses and bodies of its table."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal

import anyio
import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_bridge.sandbox import _roche_registry, roche
from tests.sandbox.roche_service import BASE, HEADERS, JOHN, UPDATE, Json, changed, outcome, roche_client, without

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def update_of(id: str, *, value: str, email: str | None = None) -> Json:
    """Return an update of the patient `id`, whose identifier is `value`."""

    def change(bundle: Json, header: Json, patient: Json, condition: Json) -> None:
        patient["id"] = id
        patient["identifier"][0]["value"] = value
        patient["telecom"] = [{"system": "email", "value": email}] if email else [{"system": "phone", "value": "1"}]

    return changed(change)


NOT_FOUND = outcome(("not-found", "Patient not found"))


# --- the update that the guide prints


async def test_the_printed_update_is_accepted_and_answered_with_the_new_state() -> None:
    async with roche_client() as client:
        response = await client.put(f"/v2/Bundle/{JOHN}", json=UPDATE)

    assert response.status_code == 200
    assert response.headers["content-type"] == "application/fhir+json"
    assert response.json() == UPDATE


async def test_the_new_state_stays() -> None:
    async with roche_client() as client:
        before = (await client.get(f"/Patient/{JOHN}")).json()
        await client.put(f"/v2/Bundle/{JOHN}", json=UPDATE)
        after = (await client.get(f"/Patient/{JOHN}")).json()

    patient = UPDATE["entry"][1]["resource"]
    assert before["telecom"][0] == {"system": "phone", "value": "123123123"}
    assert before == {**patient, "telecom": [{"system": "phone", "value": "123123123"}, patient["telecom"][1]]}
    assert after == patient


async def test_the_id_of_the_bundle_is_not_repeated() -> None:
    bundle = {**UPDATE, "id": "any-id"}

    async with roche_client() as client:
        response = await client.put(f"/v2/Bundle/{JOHN}", json=bundle)

    assert response.json() == UPDATE


async def test_an_element_that_the_update_leaves_out_is_gone() -> None:
    async with roche_client() as client:
        await client.put(f"/v2/Bundle/{JOHN}", json=changed(lambda b, h, patient, c: patient.pop("gender")))
        after = (await client.get(f"/Patient/{JOHN}")).json()

    assert "gender" not in after


async def test_the_previous_state_is_answered_by_a_switch() -> None:
    """So does the sample of the guide."""
    async with roche_client(echo_previous_state=True) as client:
        first = await client.put(f"/v2/Bundle/{JOHN}", json=UPDATE)
        second = await client.put(f"/v2/Bundle/{JOHN}", json=UPDATE)

    previous = changed(lambda b, h, patient, c: patient["telecom"][0].update(value="123123123"))
    assert first.json() == previous
    assert second.json() == UPDATE


async def test_an_empty_answer_is_given_by_a_switch() -> None:
    async with roche_client(empty_answer=True) as client:
        response = await client.put(f"/v2/Bundle/{JOHN}", json=UPDATE)
        after = (await client.get(f"/Patient/{JOHN}")).json()

    assert (response.status_code, response.content) == (200, b"")
    assert after == UPDATE["entry"][1]["resource"]


async def test_a_refused_update_changes_nothing_and_each_app_starts_afresh() -> None:
    async with roche_client() as client:
        before = (await client.get(f"/Patient/{JOHN}")).json()
        await client.put(f"/v2/Bundle/{JOHN}", json=changed(lambda b, h, patient, c: patient.update(gender="M")))
        after_refusal = (await client.get(f"/Patient/{JOHN}")).json()
        await client.put(f"/v2/Bundle/{JOHN}", json=UPDATE)
    async with roche_client() as client:
        afresh = (await client.get(f"/Patient/{JOHN}")).json()

    assert after_refusal == before
    assert afresh == before


# --- what a message may be


def no_condition(bundle: Json, header: Json, patient: Json, condition: Json) -> None:
    del bundle["entry"][2]


def organization_object(bundle: Json, header: Json, patient: Json, condition: Json) -> None:
    patient["managingOrganization"] = {"identifier": {"system": "urn:oid:", "value": "2.16.724.4.2"}}


def no_profiles(bundle: Json, header: Json, patient: Json, condition: Json) -> None:
    del header["meta"], patient["meta"]


def only_mandatory(bundle: Json, header: Json, patient: Json, condition: Json) -> None:
    for name in ("telecom", "gender", "birthDate", "managingOrganization"):
        del patient[name]


def many_elements(bundle: Json, header: Json, patient: Json, condition: Json) -> None:
    """Elements that STU3 has beside the profile's, so that a client of STU3 alone is not refused."""
    extension = {"url": "http://example.org/x", "valueDecimal": 1.5}
    bundle["entry"][0]["fullUrl"] = "urn:uuid:88a37162-3d7c-41c3-89ab-6e25fd68ba00"
    header["destination"] = [{"endpoint": "http://example.org"}]
    header["response"] = {"identifier": "1", "code": "ok"}
    header["focus"] = [{"reference": "Patient/1"}]
    patient.update(
        text={"status": "generated", "div": "<div>John</div>"},
        extension=[extension],
        contained=[{"resourceType": "Organization", "id": "o"}],
        active=True,
        birthDate="1991-01",
        _birthDate={"extension": [extension]},
        deceasedDateTime="2024-02-29T10:00:00+02:00",
        multipleBirthInteger=2,
        animal={"species": {"text": "dog"}},
        photo=[{"contentType": "image/png", "size": 0}],
        address=[{"line": ["Main street 1"], "period": {"start": "2020"}}],
        contact=[{"name": {"family": "Doe"}, "telecom": [{"system": "phone", "value": "1", "rank": 1}]}],
        communication=[{"language": {"text": "Spanish"}}],
        link=[{"other": {"reference": "Patient/2"}, "type": "seealso"}],
    )
    condition["extension"] = [extension]
    condition["code"]["text"] = "LADA"


@pytest.mark.parametrize(
    "change", [no_condition, organization_object, no_profiles, only_mandatory, many_elements], ids=lambda f: f.__name__
)
async def test_what_stu3_and_the_profiles_allow_is_accepted(change: Callable[[Json, Json, Json, Json], None]) -> None:
    bundle = changed(change)

    async with roche_client() as client:
        response = await client.put(f"/v2/Bundle/{JOHN}", json=bundle)
        after = (await client.get(f"/Patient/{JOHN}")).json()

    assert response.status_code == 200, response.text
    assert after == bundle["entry"][1]["resource"]


async def test_content_type_json_is_accepted_too_and_header_names_in_any_case() -> None:
    headers = {**without("org_id"), "org_Id": "2.16.724.4.2", "Content-Type": "application/json; charset=utf-8"}

    async with roche_client(headers=headers) as client:
        response = await client.put(f"/v2/Bundle/{JOHN}", json=UPDATE)

    assert response.status_code == 200


# --- routes, headers, credentials


@pytest.mark.parametrize(
    ("method", "url", "allow"),
    [
        ("GET", f"/v2/Bundle/{JOHN}", "PUT"),
        ("POST", f"/v2/Bundle/{JOHN}", "PUT"),
        ("PATCH", f"/v2/Bundle/{JOHN}", "PUT"),
        ("PUT", "/v2/Bundle", "POST"),
        ("DELETE", f"/Patient/{JOHN}", "GET, HEAD"),
        ("GET", "/v2/Practitioner/sZX6uQW-VOH-0868", "PUT"),
        ("GET", "/v2/Practitioner", "POST"),
    ],
)
async def test_another_method_is_405_with_an_empty_body(method: str, url: str, allow: str) -> None:
    async with roche_client() as client:
        response = await client.request(method, url)

    assert (response.status_code, response.content) == (405, b"")
    assert set(response.headers["allow"].split(", ")) == set(allow.split(", "))


@pytest.mark.parametrize(
    ("method", "url"),
    [
        ("POST", "/Bundle"),
        ("PUT", "/Bundle/12345678Z"),
        ("POST", "/Practitioner"),
        ("PUT", "/Practitioner/11111111H"),
    ],
)
async def test_a_documented_call_that_is_not_simulated_is_501_with_an_empty_body(method: str, url: str) -> None:
    async with roche_client() as client:
        response = await client.request(method, url)

    assert (response.status_code, response.content) == (501, b"")


@pytest.mark.parametrize("url", ["/v3/Bundle/1", f"/v2/Bundle/{JOHN}/", "/metadata"])
async def test_an_unknown_path_is_404_with_an_empty_body(url: str) -> None:
    async with roche_client() as client:
        response = await client.put(url, json=UPDATE)

    assert (response.status_code, response.content) == (404, b"")


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/xml", "application/fhir+json; fhirVersion=4.0", ""]
)
async def test_another_content_type_is_415(content_type: str) -> None:
    async with roche_client(headers={**HEADERS, "Content-Type": content_type}) as client:
        response = await client.put(f"/v2/Bundle/{JOHN}", content=json.dumps(UPDATE))

    assert response.status_code == 415
    assert response.json() == outcome(
        ("not-supported", "Content-Type is not one of (application/json, application/fhir+json)")
    )


@pytest.mark.parametrize(
    "headers",
    [
        without("client_id"),
        without("client_secret"),
        without(client_id="another"),
        without(client_secret="1234567890"),
        without(client_id="sandbox-client-secret", client_secret="1234567890"),
    ],
)
async def test_bad_credentials_are_401_on_an_update_and_403_on_a_read(headers: dict[str, str]) -> None:
    async with roche_client(headers=headers) as client:
        update = await client.put(f"/v2/Bundle/{JOHN}", json=UPDATE)
        read = await client.get(f"/Patient/{JOHN}")

    assert (update.status_code, update.content) == (401, b"")
    assert (read.status_code, read.text) == (403, "ClientID enforcement")


@pytest.mark.parametrize(
    "headers", [without("org_id"), without(org_id="1.2.3"), without(org_id="urn:oid:2.16.724.4.2")]
)
async def test_an_unknown_organisation_is_403(headers: dict[str, str]) -> None:
    async with roche_client(headers=headers) as client:
        update = await client.put(f"/v2/Bundle/{JOHN}", json=UPDATE)
        read = await client.get(f"/Patient/{JOHN}")

    assert (update.status_code, update.content) == (403, b"")
    assert (read.status_code, read.content) == (403, b"")


ORIGIN_REQUEST_ID_REQUIRED = outcome(("required", "x-origin-request-id is mandatory, and a UUID"))


@pytest.mark.parametrize(
    "headers",
    [
        without("x-origin-request-id"),
        without(**{"x-origin-request-id": "1"}),
        without(**{"x-origin-request-id": '5109d51b-421e-4746-b673-16e3fe2b3442"'}),
    ],
)
async def test_an_update_without_an_origin_request_id_that_is_a_uuid_is_refused(headers: dict[str, str]) -> None:
    async with roche_client(headers=headers) as client:
        response = await client.put(f"/v2/Bundle/{JOHN}", json=UPDATE)

    assert (response.status_code, response.json()) == (400, ORIGIN_REQUEST_ID_REQUIRED)


async def test_a_switch_takes_an_update_without_an_origin_request_id_but_none_that_is_no_uuid() -> None:
    async with roche_client(headers=without("x-origin-request-id"), origin_request_id_required=False) as client:
        missing = await client.put(f"/v2/Bundle/{JOHN}", json=UPDATE)
        wrong = await client.put(f"/v2/Bundle/{JOHN}", json=UPDATE, headers={"x-origin-request-id": "1"})

    assert missing.status_code == 200
    assert (wrong.status_code, wrong.json()) == (400, ORIGIN_REQUEST_ID_REQUIRED)


@pytest.mark.parametrize(
    ("headers", "id", "content", "status_code", "code"),
    [
        (without(client_id="x", **{"Content-Type": "text/plain"}), "Unknown-404", b"{", 415, "not-supported"),
        (without("org_id", client_id="x"), "Unknown-404", b"{", 401, None),
        (without("org_id", "x-origin-request-id"), "Unknown-404", b"{", 403, None),
        (without("x-origin-request-id"), "Unknown-404", b"{", 400, "required"),
        (HEADERS, "Unknown-404", b"{", 400, "structure"),
        (HEADERS, "Unknown-404", b'{"resourceType": "Patient"}', 400, "invalid"),
        (HEADERS, "Unknown-404", json.dumps(UPDATE).encode(), 400, "invalid"),
        (HEADERS, "Unknown-404", json.dumps(update_of("Unknown-404", value="TAKEN")).encode(), 404, "not-found"),
        (HEADERS, JOHN, json.dumps(update_of(JOHN, value="TAKEN")).encode(), 400, "duplicate"),
    ],
)
async def test_the_first_check_that_fails_decides(
    headers: dict[str, str], id: str, content: bytes, status_code: int, code: str | None
) -> None:
    """Content type, client, organisation, request id, JSON, envelope, elements, patient, uniqueness."""
    async with roche_client(headers=headers) as client:
        response = await client.put(f"/v2/Bundle/{id}", content=content)

    assert response.status_code == status_code
    assert (response.json()["issue"][0]["code"] if response.content else None) == code


# --- the body


@pytest.mark.parametrize("content", [b"", b"{", b"<Bundle/>", b'{"type": NaN}'])
async def test_a_body_that_is_not_json_is_400_structure(content: bytes) -> None:
    async with roche_client() as client:
        response = await client.put(f"/v2/Bundle/{JOHN}", content=content)

    assert (response.status_code, response.json()) == (400, outcome(("structure", "The body is not JSON")))


async def test_a_body_that_is_no_object_is_400_structure() -> None:
    async with roche_client() as client:
        response = await client.put(f"/v2/Bundle/{JOHN}", json=[UPDATE])

    assert (response.status_code, response.json()) == (400, outcome(("structure", "The body is not a JSON object")))


HEADER, PATIENT, CONDITION = UPDATE["entry"]


@pytest.mark.parametrize(
    ("bundle", "issue"),
    [
        (PATIENT["resource"], ("invalid", "The resource is not a Bundle")),
        ({"resourceType": "Bundle"}, ("required", "Bundle.type is mandatory")),
        ({**UPDATE, "type": "transaction"}, ("invalid", "Bundle.type is not message")),
        ({**UPDATE, "entry": []}, ("required", "Bundle.entry is mandatory")),
        ({**UPDATE, "entry": [HEADER]}, ("required", "A Patient is mandatory")),
        ({**UPDATE, "entry": [HEADER, PATIENT, PATIENT]}, ("invalid", "There is more than one Patient")),
        (
            {**UPDATE, "entry": [HEADER, PATIENT, {"fullUrl": "urn:x"}]},
            ("required", "Bundle.entry[2].resource is mandatory"),
        ),
        (
            {**UPDATE, "entry": [HEADER, PATIENT, {"resource": {"resourceType": "Observation"}}]},
            ("invalid", "Bundle.entry[2].resource is not one of MessageHeader, Patient, Condition"),
        ),
        ({**UPDATE, "timestamp": "2020-03-27T12:21:39.471Z"}, ("invalid", "Bundle.timestamp is not allowed")),
        (
            {**UPDATE, "entry": [HEADER, PATIENT, {**CONDITION, "request": {"method": "PUT", "url": "Condition/1"}}]},
            ("invalid", "Bundle.entry[2].request is not allowed"),
        ),
    ],
)
async def test_a_bundle_that_is_no_message_of_a_patient_is_refused(bundle: Json, issue: tuple[str, str]) -> None:
    async with roche_client() as client:
        response = await client.put(f"/v2/Bundle/{JOHN}", json=bundle)

    assert (response.status_code, response.json()) == (400, outcome(issue))


async def test_the_message_header_comes_first_and_once() -> None:
    async with roche_client() as client:
        late = await client.put(f"/v2/Bundle/{JOHN}", json={**UPDATE, "entry": [PATIENT, CONDITION]})
        twice = await client.put(f"/v2/Bundle/{JOHN}", json={**UPDATE, "entry": [HEADER, PATIENT, HEADER]})

    expected = outcome(("invalid", "The first entry, and no other, is the MessageHeader"))
    assert (late.status_code, late.json()) == (400, expected)
    assert (twice.status_code, twice.json()) == (400, expected)


@pytest.mark.parametrize(
    ("change", "issues"),
    [
        # a MessageHeader as R4 has it
        (
            lambda b, header, p, c: header.update(eventCoding=header.pop("event")),
            [("required", "MessageHeader.event is mandatory"), ("invalid", "MessageHeader.eventCoding is not allowed")],
        ),
        (
            lambda b, header, p, c: header.update(event="http://roche.com/fhir/rdc/message-type#new-bundle"),
            [("invalid", "MessageHeader.event is not an object with elements")],
        ),
        (lambda b, header, p, c: header.pop("timestamp"), [("required", "MessageHeader.timestamp is mandatory")]),
        (lambda b, header, p, c: header.pop("source"), [("required", "MessageHeader.source is mandatory")]),
        (
            lambda b, header, p, c: header["source"].pop("endpoint"),
            [("required", "MessageHeader.source.endpoint is mandatory")],
        ),
        (
            lambda b, header, p, c: header.update(timestamp="2020-03-27T12:21:39"),
            [("invalid", "MessageHeader.timestamp is not of type instant")],
        ),
        (
            lambda b, header, p, c: header.update(timestamp="2020-02-30T12:21:39Z"),
            [("invalid", "MessageHeader.timestamp is not of type instant")],
        ),
        (
            lambda b, header, p, c: header["event"].update(code="update-bundle"),
            [("invalid", "MessageHeader.event is not http://roche.com/fhir/rdc/message-type|new-bundle")],
        ),
        # a Condition as R4 has it
        (
            lambda b, h, p, condition: condition.update(clinicalStatus={"coding": [{"code": "active"}]}),
            [("invalid", "Condition.clinicalStatus is not of type code")],
        ),
        (
            lambda b, h, p, condition: condition.update(clinicalStatus="relapse"),
            [("invalid", "Condition.clinicalStatus is not one of active, recurrence, inactive, remission, resolved")],
        ),
        (
            lambda b, h, p, condition: condition.pop("clinicalStatus"),
            [("required", "Condition.clinicalStatus is mandatory")],
        ),
        (lambda b, h, p, condition: condition.pop("code"), [("required", "Condition.code is mandatory")]),
        (lambda b, h, p, condition: condition.pop("subject"), [("required", "Condition.subject is mandatory")]),
        (
            lambda b, h, p, condition: condition["subject"].update(type="Patient"),
            [("invalid", "Condition.subject.type is not allowed")],
        ),
        (
            lambda b, h, p, condition: condition["code"]["coding"][0].update(version="1"),
            [("invalid", "Condition.code.coding[0].version is not allowed")],
        ),
        # profiles
        (
            lambda b, header, p, c: header["meta"].update(profile=["http://example.org/p"]),
            [
                (
                    "invalid",
                    "MessageHeader.meta.profile is not http://roche.com/fhir/rdc/StructureDefinition/message-header",
                )
            ],
        ),
        (
            lambda b, h, patient, c: patient["meta"].update(profile=["http://example.org/p"]),
            [("invalid", "Patient.meta.profile is not http://roche.com/fhir/rdc/StructureDefinition/patient-v2")],
        ),
        # patient-v2
        (lambda b, h, patient, c: patient.pop("id"), [("required", "Patient.id is mandatory")]),
        (lambda b, h, patient, c: patient.update(id="other"), [("invalid", "Patient.id is not the id of the URL")]),
        (lambda b, h, patient, c: patient.update(id="x" * 65), [("invalid", "Patient.id is not of type id")]),
        (lambda b, h, patient, c: patient.pop("identifier"), [("required", "Patient.identifier is mandatory")]),
        (
            lambda b, h, patient, c: patient["identifier"][0].pop("system"),
            [("required", "Patient.identifier[0].system is mandatory")],
        ),
        (
            lambda b, h, patient, c: patient["identifier"][0].pop("value"),
            [("required", "Patient.identifier[0].value is mandatory")],
        ),
        (
            lambda b, h, patient, c: patient["identifier"][0].update(use="old"),
            [("invalid", "Patient.identifier[0].use is not one of usual, official, temp, secondary")],
        ),
        (lambda b, h, patient, c: patient.pop("name"), [("required", "Patient.name is mandatory")]),
        (
            lambda b, h, patient, c: patient["name"].append({"family": "D", "given": ["J"]}),
            [("invalid", "Patient.name has more than one name")],
        ),
        (
            lambda b, h, patient, c: patient["name"][0].pop("family"),
            [("required", "Patient.name[0].family is mandatory")],
        ),
        (
            lambda b, h, patient, c: patient["name"][0].pop("given"),
            [("required", "Patient.name[0].given is mandatory")],
        ),
        (
            lambda b, h, patient, c: patient["name"][0].update(family=["Doe"], given="John"),
            [
                ("invalid", "Patient.name[0].family is not of type string"),
                ("invalid", "Patient.name[0].given is not a list with elements"),
            ],
        ),
        (
            lambda b, h, patient, c: patient.update(gender="M"),
            [("invalid", "Patient.gender is not one of male, female, other, unknown")],
        ),
        (
            lambda b, h, patient, c: patient.update(birthDate="1991-02-29"),
            [("invalid", "Patient.birthDate is not of type date")],
        ),
        (
            lambda b, h, patient, c: patient.update(birthDate="01/01/1991"),
            [("invalid", "Patient.birthDate is not of type date")],
        ),
        (
            lambda b, h, patient, c: patient.update(active="true"),
            [("invalid", "Patient.active is not of type boolean")],
        ),
        (
            lambda b, h, patient, c: patient.update(multipleBirthInteger=True),
            [("invalid", "Patient.multipleBirthInteger is not of type integer")],
        ),
        (lambda b, h, patient, c: patient.update(gender=None), [("invalid", "Patient.gender is not of type code")]),
        (
            lambda b, h, patient, c: patient.update(telecom=[]),
            [("invalid", "Patient.telecom is not a list with elements")],
        ),
        (
            lambda b, h, patient, c: patient["telecom"][1].update(system="e-mail"),
            [("invalid", "Patient.telecom[1].system is not one of phone, fax, email, pager, url, sms, other")],
        ),
        (
            lambda b, h, patient, c: patient["managingOrganization"].update(identifier=[]),
            [("invalid", "Patient.managingOrganization.identifier is not a list with elements")],
        ),
        (
            lambda b, h, patient, c: patient.update(extension=[{}]),
            [("required", "Patient.extension[0].url is mandatory")],
        ),
        (
            lambda b, h, patient, c: patient.update(contained=["x"]),
            [("invalid", "Patient.contained[0] is not an object with elements")],
        ),
        (
            lambda b, header, patient, condition: (
                patient.update(gender="M"),
                patient.pop("name"),
                header.pop("timestamp"),
                condition.update(stage={}),
            ),
            [
                ("required", "MessageHeader.timestamp is mandatory"),
                ("required", "Patient.name is mandatory"),
                ("invalid", "Patient.gender is not one of male, female, other, unknown"),
                ("invalid", "Condition.stage is not allowed"),
            ],
        ),
    ],
)
async def test_what_stu3_and_the_profiles_do_not_allow_is_refused_with_every_place(
    change: Callable[[Json, Json, Json, Json], object], issues: list[tuple[str, str]]
) -> None:
    async with roche_client() as client:
        response = await client.put(f"/v2/Bundle/{JOHN}", json=changed(change))

    assert (response.status_code, response.json()) == (400, outcome(*issues))


@pytest.mark.parametrize(
    "name",
    [
        "identifier",
        "verificationStatus",
        "category",
        "severity",
        "bodySite",
        "context",
        "onsetDateTime",
        "abatementDateTime",
        "assertedDate",
        "asserter",
        "stage",
        "evidence",
        "note",
        "encounter",
        "recordedDate",
    ],
)
async def test_an_element_that_the_condition_profile_prohibits_is_refused(name: str) -> None:
    """The last two are R4's."""
    bundle = changed(lambda b, h, p, condition: condition.update({name: "x"}))

    async with roche_client() as client:
        response = await client.put(f"/v2/Bundle/{JOHN}", json=bundle)

    assert (response.status_code, response.json()) == (400, outcome(("invalid", f"Condition.{name} is not allowed")))


async def test_only_some_identifier_systems_are_accepted_by_a_switch() -> None:
    async with roche_client(identifier_systems={"urn:oid:1.3.6.1.4.1.56221.1.3.2.3"}) as client:
        response = await client.put(f"/v2/Bundle/{JOHN}", json=UPDATE)

    expected = outcome(("invalid", "Patient.identifier[0].system is not accepted"))
    assert (response.status_code, response.json()) == (400, expected)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.sampled_from(["", "Patient", "active", "2020-01-01", "x y"]),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(
            st.sampled_from(["resourceType", "id", "url", "_id", "_", "value", "profile"]), inner, max_size=2
        )
    ),
    max_leaves=4,
)


def places(value: Json) -> Iterator[tuple[Json, Any]]:
    """Yield the container and the key of everything inside `value`."""
    for key, child in value.items() if isinstance(value, dict) else enumerate(value):
        yield value, key
        if isinstance(child, dict | list):
            yield from places(child)


@given(data=st.data())
def test_whatever_stands_anywhere_in_a_message_is_accepted_or_refused(data: st.DataObject) -> None:
    """And never brings the simulator down, which raises here."""
    bundle = copy.deepcopy(UPDATE)
    container, key = data.draw(st.sampled_from(list(places(bundle))))
    container[key] = data.draw(json_values)

    async def put() -> httpx.Response:
        async with roche_client() as client:
            return await client.put(f"/v2/Bundle/{JOHN}", json=bundle)

    assert anyio.run(put).status_code in (200, 400)


# --- patients


@pytest.mark.parametrize("id", ["Unknown-404", "Other-Organization"])
async def test_a_patient_that_is_unknown_or_another_organisations_is_404(id: str) -> None:
    async with roche_client() as client:
        update = await client.put(f"/v2/Bundle/{id}", json=update_of(id, value="1"))
        read = await client.get(f"/Patient/{id}")

    assert (update.status_code, update.json()) == (404, NOT_FOUND)
    assert (read.status_code, read.json()) == (404, NOT_FOUND)


async def test_the_other_organisation_reads_and_updates_its_own_patient() -> None:
    async with roche_client(headers=without(org_id="2.16.724.4.99")) as client:
        update = await client.put(
            "/v2/Bundle/Other-Organization", json=update_of("Other-Organization", value="OTHER-ORGANIZATION")
        )
        read = await client.get("/Patient/Other-Organization")
        not_its_own = await client.get(f"/Patient/{JOHN}")

    assert update.status_code == 200
    assert read.json()["telecom"] == [{"system": "phone", "value": "1"}]
    assert not_its_own.status_code == 404


@pytest.mark.parametrize(("value", "email"), [("TAKEN", None), ("12345678Z", "Taken@example.org")])
@pytest.mark.parametrize("status_code", [400, 409])
async def test_an_identifier_or_email_of_another_patient_is_a_duplicate(
    status_code: Literal[400, 409], value: str, email: str | None
) -> None:
    async with roche_client(duplicate_status_code=status_code) as client:
        response = await client.put(f"/v2/Bundle/{JOHN}", json=update_of(JOHN, value=value, email=email))

    expected = outcome(("duplicate", "Another patient has this identifier or e-mail address"))
    assert (response.status_code, response.json()) == (status_code, expected)


async def test_a_patient_keeps_an_email_of_its_own() -> None:
    async with roche_client() as client:
        response = await client.put(
            "/v2/Bundle/Taken-Email", json=update_of("Taken-Email", value="TAKEN", email="taken@example.org")
        )

    assert response.status_code == 200


async def test_a_patient_with_mandatory_elements_only_is_read() -> None:
    async with roche_client() as client:
        response = await client.get("/Patient/Only-Mandatory")

    assert response.json() == {
        "resourceType": "Patient",
        "meta": {"profile": ["http://roche.com/fhir/rdc/StructureDefinition/patient-v2"]},
        "id": "Only-Mandatory",
        "identifier": [{"system": "urn:oid:2.16.724.4.41", "value": "ONLY-MANDATORY"}],
        "name": [{"family": "Mandatory", "given": ["Only"]}],
    }


@pytest.mark.parametrize("url", ["/Patient", "/Patient/"])
async def test_a_read_without_an_id_is_400_not_supported(url: str) -> None:
    async with roche_client() as client:
        response = await client.get(url)

    assert (response.status_code, response.json()) == (400, outcome(("not-supported", "The FHIR id is missing")))


@pytest.mark.parametrize(
    ("id", "status_code"),
    [("Unauthorized-401", 401), ("Forbidden-403", 403), ("Method-Not-Allowed-405", 405), ("Not-Implemented-501", 501)],
)
async def test_an_id_that_ends_in_a_status_provokes_it_with_an_empty_body(id: str, status_code: int) -> None:
    async with roche_client() as client:
        response = await client.put(f"/v2/Bundle/{id}", json=update_of(id, value="1"))

    assert (response.status_code, response.content) == (status_code, b"")


async def test_an_internal_error_has_an_outcome() -> None:
    async with roche_client() as client:
        update = await client.put("/v2/Bundle/Exception-500", json=update_of("Exception-500", value="1"))
        read = await client.get("/Patient/Exception-500")

    expected = outcome(("exception", "Internal server error."))
    assert (update.status_code, update.json()) == (500, expected)
    assert (read.status_code, read.json()) == (500, expected)


@pytest.mark.parametrize(
    ("id", "status_code"), [("Forbidden-403", 403), ("Unauthorized-401", 404), ("Not-Implemented-501", 404)]
)
async def test_a_read_provokes_only_statuses_that_its_table_has(id: str, status_code: int) -> None:
    async with roche_client() as client:
        response = await client.get(f"/Patient/{id}")

    assert response.status_code == status_code


async def test_one_patient_is_updated_at_once_and_answers_after_20_seconds() -> None:
    waited: list[float] = []

    async def sleep(seconds: float) -> None:
        waited.append(seconds)

    transport = httpx.ASGITransport(app=roche.create_app(sleep=sleep))
    async with httpx.AsyncClient(transport=transport, base_url=f"http://roche.test{BASE}", headers=HEADERS) as client:
        await client.put(f"/v2/Bundle/{JOHN}", json=UPDATE)
        update = await client.put("/v2/Bundle/Answers-Late", json=update_of("Answers-Late", value="1"))
        waited_for_update = list(waited)
        read = await client.get("/Patient/Answers-Late")

    assert update.status_code == 200
    assert waited_for_update == [20.0]
    assert read.json()["telecom"] == [{"system": "phone", "value": "1"}]
    assert waited == [20.0, 20.0]


# --- settings and documentation


async def test_the_settings_let_the_bridge_in() -> None:
    settings = roche.SETTINGS
    assert set(settings) == {"ROCHE_CLIENT_ID", "ROCHE_CLIENT_SECRET", "ROCHE_ORG_ID"}
    headers = without(
        client_id=settings["ROCHE_CLIENT_ID"],
        client_secret=settings["ROCHE_CLIENT_SECRET"],
        org_id=settings["ROCHE_ORG_ID"],
    )

    async with roche_client(headers=headers) as client:
        response = await client.put(f"/v2/Bundle/{JOHN}", json=UPDATE)

    assert response.status_code == 200


def test_the_documentation_names_every_patient_client_and_organisation() -> None:
    """And the other way round: the first column of its table of patients holds no id that the simulator lacks."""
    text = (Path(__file__).parents[2] / "docs" / "sandbox.md").read_text(encoding="utf-8")
    section = text.partition("\n## Roche Diabetes Care\n")[2].partition("\n## ")[0]
    patients = section.partition("### Patients and practitioners\n")[2].partition("\n### ")[0]

    ids = {str(stored.resource["id"]) for stored in (*_roche_registry.PATIENTS, *_roche_registry.PRACTITIONERS)}
    ids |= {*_roche_registry.FAULT_IDS, _roche_registry.UNKNOWN_ID}
    assert set(re.findall(r"^\| `([^`]+)`", patients, re.MULTILINE)) == ids
    for name in (*_roche_registry.ORG_IDS, _roche_registry.CLIENT_ID, _roche_registry.CLIENT_SECRET):
        assert f"`{name}`" in section
