"""Elements that change the meaning are never left behind. https://hl7.org/fhir/R4/conformance-rules.html#isModifier"""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from fhir_bridge.canonical import CANONICAL
from fhir_bridge.outcome import Json
from tests.outcomes import issue, outcome, parameters
from tests.serving import Canned

pytestmark = pytest.mark.anyio

ID = "7c3da506-804d-4550-8993-bf17f9ee0402"
EHEALTH = f"/fhir/ehealth/Patient/{ID}"
WMDA = "/fhir/wmda/Patient/123456"
JOHN = "/fhir/roche/Patient/Bj6.1Lq-hvb-28"
R4 = {"Content-Type": "application/fhir+json; fhirVersion=4.0", "Accept": "application/fhir+json; fhirVersion=4.0"}

EXTERNAL = {"system": f"{CANONICAL}/sid/ehealth-external-id", "value": "1"}
EMERGENCY = [{"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0131", "code": "C"}]}]
MERGED = "/fhir/ehealth/Patient/00000000-0000-4000-8000-000000000025"
PERSON = f"{CANONICAL}/sid/ehealth-person"


def lost(title: str, *places: str) -> Json:
    text = (
        f"{title} cannot hold this element, and what is sent means something else without it; "
        "leave it out only where that is right."
    )
    return outcome(*(issue("changes-meaning", "not-supported", text, place) for place in places))


def kept(*places: str) -> Json:
    text = (
        "eHealth Ukraine keeps this element itself, and it changes what the record means; "
        "leave it out, or send it as it was read, with `If-Match`."
    )
    return outcome(*(issue("changes-meaning", "not-supported", text, place) for place in places))


def ivanov(**elements: Json) -> Json:
    return {"resourceType": "Patient", "id": ID, "gender": "male", **elements}


def donor(**elements: Json) -> Json:
    return {"resourceType": "Patient", "id": "123456", "birthDate": "1980-01-01", **elements}


def replaced_by(person: str) -> Json:
    return {"other": {"type": "Patient", "identifier": {"system": PERSON, "value": person}}, "type": "replaced-by"}


def extension(name: str, **value: Json) -> Json:
    return {"url": f"{CANONICAL}/StructureDefinition/wmda-{name}", **value}


PREFERENCES = ["", "handling=lenient", "handling=strict", "return=minimal", "return=OperationOutcome"]
OF_WMDA = [
    ({"deceasedDateTime": "2026-01-02"}, "Patient.deceased"),
    ({"deceasedBoolean": True}, "Patient.deceased"),
    ({"active": False}, "Patient.active"),
    ({"link": [{"other": {"reference": "Patient/2"}, "type": "replaced-by"}]}, "Patient.link[0]"),
    ({"implicitRules": "http://example.org/rules"}, "Patient.implicitRules"),
    (
        {
            "extension": [extension("legal-terms", valueBoolean=True)],
            "identifier": [{"system": f"{CANONICAL}/sid/wmda-patient-id", "value": "1", "use": "old"}],
        },
        "Patient.identifier[0].use",
    ),
    (
        {
            "extension": [
                extension(
                    "transplant-centre",
                    valueIdentifier={
                        "system": f"{CANONICAL}/sid/wmda-transplant-centre",
                        "value": "7",
                        "use": "temp",
                    },
                )
            ]
        },
        "Patient.extension[0].value.use",
    ),
]


@pytest.mark.parametrize("prefer", PREFERENCES)
@pytest.mark.parametrize(("elements", "place"), OF_WMDA)
async def test_what_changes_the_meaning_is_refused_whatever_is_preferred(
    canned: httpx.AsyncClient, partner: Canned, elements: Json, place: str, prefer: str
) -> None:
    """By create and update, before any call."""
    headers = {"Prefer": prefer} if prefer else {}

    updated = await canned.put(WMDA, json=donor(**elements), headers=headers)

    assert partner.calls() == []
    assert (updated.status_code, updated.json()) == (422, lost("WMDA Search & Match", place))


async def test_a_dead_patient_is_not_registered_for_a_search(canned: httpx.AsyncClient, partner: Canned) -> None:
    body = {"resourceType": "Patient", "birthDate": "1980-01-01", "deceasedDateTime": "2026-01-02"}

    response = await canned.post("/fhir/wmda/Patient", json=body)

    issues = response.json()["issue"]
    assert partner.calls() == []
    assert response.status_code == 422
    assert lost("WMDA Search & Match", "Patient.deceased")["issue"][0] in issues


@pytest.mark.parametrize(
    ("elements", "places"),
    [
        ({"identifier": [{**EXTERNAL, "use": "old"}]}, ["Patient.identifier[0].use"]),
        ({"identifier": [{**EXTERNAL, "use": "secondary"}]}, ["Patient.identifier[0].use"]),
        (
            {"contact": [{"relationship": EMERGENCY, "name": {"family": "І", "use": "anonymous"}}]},
            ["Patient.contact[0].name.use"],
        ),
        (
            {"link": [{"other": {"reference": "Patient/2"}, "type": "seealso"}], "implicitRules": "http://x.example"},
            ["Patient.link[0]", "Patient.implicitRules"],
        ),
    ],
)
async def test_a_modifier_counts_where_what_holds_it_is_sent(
    canned: httpx.AsyncClient, partner: Canned, elements: Json, places: list[str]
) -> None:
    response = await canned.put(EHEALTH, json=ivanov(**elements))

    assert partner.calls() == []
    assert (response.status_code, response.json()) == (422, lost("eHealth Ukraine", *places))


@pytest.mark.parametrize(
    ("elements", "behind"),
    [
        ({"active": True, "deceasedBoolean": False}, None),
        ({"identifier": [{**EXTERNAL, "use": "official"}]}, None),
        ({"identifier": [{**EXTERNAL, "use": "usual"}]}, None),
        ({"identifier": [{"system": "urn:oid:1.2", "value": "1", "use": "old"}]}, "Patient.identifier[0]"),
        ({"name": [{"use": "old", "family": "Старий"}]}, "Patient.name[0]"),
        ({"address": [{"use": "old", "city": "Київ"}]}, "Patient.address[0]"),
        (
            {
                "contained": [{"resourceType": "Organization", "id": "o", "name": "x", "active": False}],
                "managingOrganization": {"reference": "#o"},
            },
            "Patient.contained[0], Patient.managingOrganization",
        ),
        (
            {"contact": [{"relationship": EMERGENCY, "name": {"family": "І", "use": "official"}}]},
            None,
        ),
    ],
)
async def test_a_harmless_value_is_no_loss_and_what_is_lost_whole_is_one(
    canned: httpx.AsyncClient, partner: Canned, elements: Json, behind: str | None
) -> None:
    """The `use` of an identifier of which nothing is sent says nothing of what is sent."""
    partner.answer(200, {"data": {"id": ID}})

    response = await canned.put(EHEALTH, json=ivanov(**elements))

    assert response.status_code == 200
    assert response.headers.get("x-unsupported-elements") == behind


async def test_an_ordinary_patient_can_be_sent_with_what_every_record_has(client: httpx.AsyncClient) -> None:
    """The modifiers of HL7's own example of a patient."""
    body = {
        "resourceType": "Patient",
        "extension": [{"url": f"{CANONICAL}/StructureDefinition/healthex-contact-preference", "valueCode": "email"}],
        "identifier": [
            {
                "use": "usual",
                "type": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0203", "code": "MR"}]},
                "system": "urn:oid:1.2.36.146.595.217.0.1",
                "value": "12345",
            }
        ],
        "active": True,
        "name": [
            {"use": "official", "family": "Chalmers", "given": ["Peter", "James"]},
            {"use": "usual", "given": ["Jim"]},
            {"use": "maiden", "family": "Windsor", "given": ["Peter", "James"]},
        ],
        "telecom": [
            {"use": "home"},
            {"system": "phone", "value": "+1 555 010 0100", "use": "work", "rank": 1},
            {"system": "email", "value": "peter@example.org", "use": "home"},
            {"system": "phone", "value": "(03) 5555 8834", "use": "old"},
        ],
        "gender": "male",
        "birthDate": "1974-12-25",
        "deceasedBoolean": False,
        "communication": [{"preferred": True, "language": {"coding": [{"system": "urn:ietf:bcp:47", "code": "en"}]}}],
    }

    response = await client.post("/fhir/healthex/Patient", json=body, headers={"Prefer": "return=minimal"})

    assert (response.status_code, response.content) == (201, b"")
    assert response.headers["x-unsupported-elements"] == (
        "Patient.identifier[0].system, Patient.name[0].given[1], Patient.name[1], Patient.name[2], "
        "Patient.telecom[1].rank, Patient.telecom[3], Patient.gender"
    )


async def test_a_patch_cannot_leave_it_behind_either(canned: httpx.AsyncClient, partner: Canned) -> None:
    partner.answer(200, {"data": {"id": ID, "gender": "MALE", "external_id": "1"}})
    operations = [
        {"op": "add", "path": "/link", "value": [{"other": {"reference": "Patient/2"}, "type": "replaced-by"}]},
        {"op": "add", "path": "/identifier/0/use", "value": "old"},
        {"op": "replace", "path": "/gender", "value": "female"},
    ]

    response = await canned.patch(
        EHEALTH, json=operations, headers={"Content-Type": "application/json-patch+json", "Prefer": "return=minimal"}
    )

    assert [request.method for request in partner.requests] == ["GET"]
    assert (response.status_code, response.json()) == (
        422,
        lost("eHealth Ukraine", "Patient.identifier[0].use", "Patient.link[0]"),
    )


async def test_validate_says_so(canned: httpx.AsyncClient, partner: Canned) -> None:
    response = await canned.post("/fhir/wmda/Patient/$validate", json=donor(deceasedBoolean=True))

    assert partner.calls() == []
    assert lost("WMDA Search & Match", "Patient.deceased")["issue"][0] in response.json()["issue"]


async def test_an_operation_is_refused_too(canned: httpx.AsyncClient, partner: Canned) -> None:
    """Of one record, of several, and where a Group names them."""
    rules: dict[str, Any] = {"implicitRules": "http://example.org/rules"}
    one = {"resourceType": "Parameters", **rules}
    named = {"name": "patient", "valueReference": {"reference": "Patient/17d4513f-73e8"}}
    group = {"resourceType": "Group", "type": "person", "actual": True, **rules, "member": [
        {"entity": {"reference": "Patient/17d4513f-73e8"}}]}  # fmt: skip

    of_one = await canned.post("/fhir/healthex/Patient/17d4513f-73e8/$update-data", json=one)
    of_several = await canned.post("/fhir/healthex/Patient/$update-data", json={**one, "parameter": [named]})
    of_group = await canned.post(
        "/fhir/healthex/Patient/$update-data", json=parameters({"name": "group", "resource": group})
    )

    assert partner.calls() == []
    assert (of_one.status_code, of_one.json()) == (422, lost("HealthEx", "Parameters.implicitRules"))
    assert (of_several.status_code, of_several.json()) == (422, lost("HealthEx", "Parameters.implicitRules"))
    assert (of_group.status_code, of_group.json()) == (
        422,
        lost("The bridge", "Parameters.parameter[0].resource.implicitRules"),
    )


async def test_a_batch_refuses_the_entry(canned: httpx.AsyncClient, partner: Canned) -> None:
    """In terms of its own resource; a transaction is refused whole, in terms of the Bundle."""
    entry = {"request": {"method": "PUT", "url": "Patient/123456"}, "resource": donor(active=False)}
    batch, transaction = (
        {"resourceType": "Bundle", "type": kind, "entry": [entry]} for kind in ("batch", "transaction")
    )

    in_batch = await canned.post("/fhir/wmda", json=batch)
    in_transaction = await canned.post("/fhir/wmda", json=transaction)

    assert partner.calls() == []
    assert in_batch.json()["entry"] == [
        {
            "response": {
                "status": in_batch.json()["entry"][0]["response"]["status"],
                "outcome": lost("WMDA Search & Match", "Patient.active"),
            }
        }
    ]
    assert in_batch.json()["entry"][0]["response"]["status"].startswith("422 ")
    assert (in_transaction.status_code, in_transaction.json()) == (
        422,
        lost("WMDA Search & Match", "Bundle.entry[0].resource.active"),
    )


# --- what the partner keeps itself


async def test_what_is_only_read_is_refused_where_the_record_is_not_read(
    canned: httpx.AsyncClient, partner: Canned
) -> None:
    """With what to do: a read shows it, and it may be sent back with the version that was read."""
    response = await canned.put(EHEALTH, json=ivanov(active=False, link=[replaced_by("p1")]))

    assert partner.calls() == []
    assert (response.status_code, response.json()) == (422, kept("Patient.active", "Patient.link[0]"))


async def test_who_read_a_record_can_send_it_back_with_its_version(client: httpx.AsyncClient) -> None:
    """With the link that a further call of the read tells, and the status that only eHealth sets."""
    read = await client.get(MERGED)
    headers = {"If-Match": read.headers["etag"], "Prefer": "handling=strict"}

    other = await client.put(MERGED, json={**read.json(), "link": [replaced_by("other")]}, headers=headers)
    same = await client.put(MERGED, json=read.json(), headers=headers)

    assert read.json()["link"][0]["type"] == "replaced-by"
    assert (other.status_code, other.json()) == (422, kept("Patient.link[0]"))
    assert same.status_code == 200


async def test_a_record_whose_links_cannot_be_read_is_not_changed_by_who_sends_links(client: httpx.AsyncClient) -> None:
    """Nobody knows whether they are the same."""
    address = "/fhir/ehealth/Patient/00000000-0000-4000-8000-000000000026"
    body = {**ivanov(link=[replaced_by("p1")]), "id": address.rpartition("/")[2]}

    response = await client.put(address, json=body, headers={"If-Match": 'W/"2017-04-20T191413Z"'})

    codes = [each["details"]["coding"][0]["code"] for each in response.json()["issue"]]
    assert (response.status_code, codes) == (503, ["partner-error", "step-failed", "nothing-changed"])


# --- a resource that goes in a message

CONFIRMED = "http://terminology.hl7.org/CodeSystem/condition-ver-status"
JOHN_DOE: dict[str, Any] = {
    "resourceType": "Patient",
    "id": "Bj6.1Lq-hvb-28",
    "identifier": [{"system": "urn:oid:2.16.724.4.41", "value": "12345678Z"}],
    "name": [{"family": "Doe", "given": ["John"]}],
}


def diabetes(**elements: Json) -> Json:
    return {"resourceType": "Condition", "id": "c", "code": {"text": "LADA"}, "subject": {"reference": "#"}, **elements}


def in_r4(code: str) -> Json:
    active = {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/condition-clinical", "code": "active"}]}
    verified = {"coding": [{"system": CONFIRMED, "code": code}]}
    return diabetes(clinicalStatus=active, verificationStatus=verified)


def in_stu3(code: str) -> Json:
    return diabetes(clinicalStatus="active", verificationStatus=code)


@pytest.mark.parametrize("code", ["refuted", "provisional", "differential"])
@pytest.mark.parametrize(("condition", "headers"), [(in_r4, R4), (in_stu3, {})])
async def test_a_condition_that_is_not_confirmed_is_not_sent_as_one_that_is(
    canned: httpx.AsyncClient, partner: Canned, condition: Any, headers: dict[str, str], code: str
) -> None:
    response = await canned.put(JOHN, json={**JOHN_DOE, "contained": [condition(code)]}, headers=headers)

    assert partner.calls() == []
    assert (response.status_code, response.json()) == (
        422,
        lost("Roche Diabetes Care", "Patient.contained[0].verificationStatus"),
    )


@pytest.mark.parametrize(("condition", "headers"), [(in_r4, R4), (in_stu3, {})])
async def test_a_confirmed_one_is(client: httpx.AsyncClient, condition: Any, headers: dict[str, str]) -> None:
    body = {**JOHN_DOE, "contained": [condition("confirmed")]}

    response = await client.put(JOHN, json=body, headers=headers | {"Prefer": "handling=strict"})

    assert response.status_code == 200
    assert "x-unsupported-elements" not in response.headers
