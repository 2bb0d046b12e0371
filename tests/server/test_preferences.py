"""`Prefer`: what a success answers, and how strict the bridge is. https://hl7.org/fhir/R4/http.html#ops"""

import httpx
import pytest

from fhir_bridge.outcome import Json
from tests.outcomes import issue, outcome, parameters
from tests.serving import Canned

pytestmark = pytest.mark.anyio

ID = "7c3da506-804d-4550-8993-bf17f9ee0402"
PATIENT = f"/fhir/ehealth/Patient/{ID}"
UPDATE_DATA = "/fhir/healthex/Patient/17d4513f-73e8/$update-data"
IVANOV = {"resourceType": "Patient", "id": ID, "gender": "male"}
DONE = outcome(issue("done", "informational", "The partner carried out the call.", severity="information"))
LEFT = "eHealth Ukraine cannot hold this element; it is left behind."
LEAVE = "eHealth Ukraine cannot hold this element; leave it out, or send without `handling=strict`."


@pytest.mark.parametrize(
    "prefer",
    [
        "return=minimal",
        "return=minimal; handling=lenient",
        "handling=lenient, return=minimal",
        'respond-sync; return="minimal"',
    ],
)
async def test_minimal_is_no_body(client: httpx.AsyncClient, prefer: str) -> None:
    """The version is in the headers."""
    response = await client.put(PATIENT, json=IVANOV, headers={"Prefer": prefer})

    assert (response.status_code, response.content) == (200, b"")
    assert response.headers["etag"].startswith('W/"2')


@pytest.mark.parametrize("prefer", ["return=representation", "", "return=everything", "minimal", "return=Minimal"])
async def test_a_representation_is_what_comes_otherwise(client: httpx.AsyncClient, prefer: str) -> None:
    """A preference that is not known is none."""
    response = await client.put(PATIENT, json=IVANOV, headers={"Prefer": prefer})

    assert response.status_code == 200
    assert (response.json()["resourceType"], response.json()["id"]) == ("Patient", ID)


async def test_an_outcome_says_that_it_was_done(client: httpx.AsyncClient) -> None:
    """And nothing more where nothing was left behind."""
    response = await client.put(PATIENT, json=IVANOV, headers={"Prefer": "return=OperationOutcome"})

    assert (response.status_code, response.json()) == (200, DONE)


async def test_a_read_answers_with_what_was_read(client: httpx.AsyncClient) -> None:
    """`return` is about what changes something."""
    response = await client.get(PATIENT, headers={"Prefer": "return=minimal"})

    assert response.json()["resourceType"] == "Patient"


async def test_an_operation_answers_with_its_parameters(client: httpx.AsyncClient) -> None:
    """`return` is not about operations: their output is what they are called for."""
    for prefer in ("return=minimal", "return=OperationOutcome", "return=representation"):
        response = await client.post(UPDATE_DATA, headers={"Prefer": prefer})

        assert response.status_code == 200
        assert response.json()["parameter"][0] == {"name": "message", "valueCode": "IN_PROGRESS_NO_ACTION_NEEDED"}


async def test_a_failure_is_an_outcome_whatever_is_preferred(client: httpx.AsyncClient) -> None:
    """`return` is about successes."""
    response = await client.put(PATIENT, json={**IVANOV, "id": "x"}, headers={"Prefer": "return=minimal"})

    text = "The id in the body must be the id in the address; make them the same."
    assert (response.status_code, response.json()) == (
        400,
        outcome(issue("id-differs", "invalid", text, "Patient.id")),
    )


@pytest.mark.parametrize(
    ("elements", "expression"),
    [
        ({"photo": [{"title": "x"}]}, "Patient.photo[0]"),
        ({"maritalStatus": {"text": "x"}}, "Patient.maritalStatus"),
        ({"multipleBirthBoolean": False}, "Patient.multipleBirth"),
        ({"extension": [{"url": "http://example.org/x", "valueCode": "y"}]}, "Patient.extension[0]"),
        ({"_gender": {"id": "g"}}, "Patient.gender.id"),
        (
            {"contained": [{"resourceType": "Basic", "id": "b", "code": {"text": "x"}, "subject": {"reference": "#"}}]},
            "Patient.contained[0]",
        ),
        ({"name": [{"use": "official", "family": "І", "suffix": ["мол."]}]}, "Patient.name[0].suffix[0]"),
        ({"name": [{"use": "old", "family": "Старий"}]}, "Patient.name[0]"),
        ({"contact": [{"telecom": [{"system": "phone", "value": "+380503410870"}]}]}, "Patient.contact[0]"),
    ],
)
async def test_what_the_partner_cannot_hold_is_warned_of_or_refused(
    canned: httpx.AsyncClient, partner: Canned, elements: Json, expression: str
) -> None:
    """A lenient client gets a warning and its call, a strict one an error and no call."""
    partner.answer(200, {"data": {"id": ID}})
    body = {**IVANOV, **elements}

    strict = await canned.put(PATIENT, json=body, headers={"Prefer": "return=OperationOutcome, handling=strict"})
    assert partner.calls() == []
    lenient = await canned.put(PATIENT, json=body, headers={"Prefer": "return=OperationOutcome"})

    assert len(partner.calls()) == 1
    assert (strict.status_code, strict.json()) == (
        422,
        outcome(issue("left-behind", "not-supported", LEAVE, expression)),
    )
    assert lenient.status_code == 200
    assert lenient.json()["issue"][1:] == [issue("left-behind", "not-supported", LEFT, expression, severity="warning")]


async def test_a_strict_client_gets_every_problem_at_once(canned: httpx.AsyncClient, partner: Canned) -> None:
    """What cannot be held, and what cannot be sent."""
    body = {**IVANOV, "birthDate": "1980", "photo": [{"title": "x"}]}

    response = await canned.put(PATIENT, json=body, headers={"Prefer": "handling=strict"})

    assert partner.calls() == []
    assert response.status_code == 422
    assert response.json() == outcome(
        issue(
            "cannot-be-sent",
            "value",
            "`birthDate` cannot be sent: a full date is needed here: YYYY-MM-DD.",
            "Patient.birthDate",
        ),
        issue("left-behind", "not-supported", LEAVE, "Patient.photo[0]"),
    )


async def test_an_operation_can_be_strict_too(canned: httpx.AsyncClient, partner: Canned) -> None:
    """`meta` of Parameters has no place at the partner."""
    body = {**parameters({"name": "skipInteractive", "valueBoolean": True}), "meta": {"tag": [{"code": "x"}]}}

    response = await canned.post(UPDATE_DATA, json=body, headers={"Prefer": "handling=strict"})

    text = "HealthEx cannot hold this element; leave it out, or send without `handling=strict`."
    assert partner.calls() == []
    assert (response.status_code, response.json()) == (
        422,
        outcome(issue("left-behind", "not-supported", text, "Parameters.meta")),
    )
