"""R4 in front of a partner that speaks STU3: what STU3 cannot say is told or refused, and what it says is readable."""

from __future__ import annotations

import json
from base64 import b64decode
from typing import Any

import httpx
import pytest

from fhir_bridge.outcome import Json
from tests.outcomes import issue, outcome
from tests.server.roche_sample import ANSWER
from tests.server.test_message import R4_MESSAGE
from tests.server.test_patient_in_message import BARE, JOHN, LADA, R4, STU3
from tests.serving import Canned

pytestmark = pytest.mark.anyio

STRICT = {"Prefer": "handling=strict"}
TOLD = {"Prefer": "return=OperationOutcome"}
MEANS = "and what holds this element means something else without it; leave that out."
IDENTIFIER = BARE["identifier"][0]
OLD = {"identifier": [{**IDENTIFIER, "use": "old"}]}
BILLING = {"address": [{"use": "billing", "city": "Utrecht"}]}
MOTHER: dict[str, Any] = {
    "resourceType": "RelatedPerson",
    "id": "mother",
    "patient": {"reference": "#"},
    "relationship": {"text": "mother"},
}
PHOTO: dict[str, Any] = {"resourceType": "Binary", "id": "photo", "contentType": "image/png", "content": "AAAA"}
WEIGHT: dict[str, Any] = {"resourceType": "Observation", "id": "weight", "status": "final", "comment": "as told"}


def timing(*when: str) -> Json:
    return {"url": "http://example.org/when", "valueTiming": {"repeat": {"when": list(when)}}}


@pytest.mark.parametrize("prefer", [{}, STRICT, TOLD, {"Prefer": "handling=lenient"}])
@pytest.mark.parametrize(
    ("elements", "code", "where"),
    [
        (OLD, "old", "Patient.identifier[0].use"),
        (BILLING, "billing", "Patient.address[0].use"),
        ({"contact": [{"name": {"family": "Roe"}, "address": BILLING["address"][0]}]}, "billing",
         "Patient.contact[0].address.use"),
    ],
)  # fmt: skip
async def test_a_use_that_stu3_does_not_have_is_refused(
    canned: httpx.AsyncClient, partner: Canned, prefer: dict[str, str], elements: Json, code: str, where: str
) -> None:
    """A withdrawn identifier must never be taken for a valid one, whatever the client prefers. Nothing is sent."""
    response = await canned.put(JOHN, json={**BARE, **elements}, headers=R4 | prefer)

    assert response.status_code == 422
    assert (
        issue("cannot-be-sent", "not-supported", f"STU3 has no code for {code}, {MEANS}", where)
        in (response.json()["issue"])
    )
    assert partner.requests == []


async def test_the_same_in_a_message_is_told_at_its_place(canned: httpx.AsyncClient, partner: Canned) -> None:
    message = json.loads(json.dumps(R4_MESSAGE))
    message["entry"][1]["resource"]["identifier"][0]["use"] = "old"

    response = await canned.put("/fhir/roche/Bundle/Bj6.1Lq-hvb-28", json=message, headers=R4)

    where = "Bundle.entry[1].resource.identifier[0].use"
    assert (response.status_code, response.json()) == (
        422,
        outcome(issue("cannot-be-sent", "not-supported", f"STU3 has no code for old, {MEANS}", where)),
    )
    assert partner.requests == []


async def test_an_identifier_that_stu3_can_say_is_sent(canned: httpx.AsyncClient, partner: Canned) -> None:
    partner.answer(200, text=ANSWER)
    partner.answer(200, BARE)
    sent = {**BARE, "identifier": [{**IDENTIFIER, "use": "secondary"}]}

    response = await canned.put(JOHN, json=sent, headers=R4)

    bundle = json.loads(partner.requests[0].content)
    assert response.status_code == 200
    assert bundle["entry"][1]["resource"]["identifier"] == sent["identifier"]


@pytest.mark.parametrize(
    ("when", "in_stu3", "what"),
    [
        (["NIGHT", "MORN.early"], ["NIGHT", "MORN"], "MORN.early: MORN is sent, and MORN.early in an extension."),
        (["NIGHT", "NOON"], None, "NOON: it is sent in an extension alone."),
    ],
)
async def test_a_code_of_a_list_that_stu3_does_not_have_is_told(
    canned: httpx.AsyncClient, partner: Canned, when: list[str], in_stu3: list[str] | None, what: str
) -> None:
    """The nearest is sent where there is one; to a strict client it is refused."""
    partner.answer(200, text=ANSWER)
    partner.answer(200, BARE)
    sent = {**BARE, "extension": [timing(*when)]}

    refused = await canned.put(JOHN, json=sent, headers=R4 | STRICT)
    told = await canned.put(JOHN, json=sent, headers=R4 | TOLD)

    where = "Patient.extension[0].value.repeat.when"
    loss = issue("left-behind", "not-supported", f"STU3 has no code for {what}", where)
    assert (refused.status_code, refused.json()) == (422, outcome(loss))
    assert (told.status_code, told.json()["issue"][1]) == (200, {**loss, "severity": "warning"})
    bundle = json.loads(partner.requests[0].content)
    repeat = bundle["entry"][1]["resource"]["extension"][0]["valueTiming"]["repeat"]
    assert repeat.get("when") == in_stu3
    assert {each["valueCode"] for each in repeat["extension"]} <= set(when)


@pytest.mark.parametrize(
    ("elements", "code", "text", "where"),
    [
        ({"extension": [{"url": "http://example.org/ecg",
                         "valueSampledData": {"origin": {"value": 1}, "period": 1, "dimensions": 1}}]},
         "required", "`data` is missing; SampledData requires it.", "Patient.extension[0].value.data"),
        ({"contained": [{**LADA, "clinicalStatus": {"text": "worse"}}]},
         "not-supported", None, "Patient.contained[0].clinicalStatus"),
    ],
)  # fmt: skip
async def test_what_stu3_alone_requires_is_asked_for(
    canned: httpx.AsyncClient, partner: Canned, elements: Json, code: Any, text: str | None, where: str
) -> None:
    """Nothing true can be put there."""
    response = await canned.put(JOHN, json={**BARE, **elements}, headers=R4)

    system = "http://terminology.hl7.org/CodeSystem/condition-clinical"
    said = (
        f"It is sent in STU3, and there: {text}"
        if text
        else f"STU3 has a code here; give this concept a coding of {system}, which names one."
    )
    assert response.status_code == 422
    assert issue("cannot-be-sent", code, said, where) in response.json()["issue"]
    assert partner.requests == []


async def test_a_condition_without_a_clinical_status_is_none_in_stu3(
    canned: httpx.AsyncClient, partner: Canned
) -> None:
    """con-3; R4 has it as a best practice alone."""
    message = json.loads(json.dumps(R4_MESSAGE))
    del message["entry"][2]["resource"]["clinicalStatus"]

    response = await canned.put("/fhir/roche/Bundle/Bj6.1Lq-hvb-28", json=message, headers=R4)

    text = "It is sent in STU3, and there: `clinicalStatus` is missing; "
    (told,) = [each for each in response.json()["issue"] if each["code"] == "invariant"]
    assert (response.status_code, told["expression"]) == (422, ["Bundle.entry[2].resource.clinicalStatus"])
    assert told["details"]["text"].startswith(text)
    assert partner.requests == []


async def test_what_a_patient_contains_is_read_in_both_versions(canned: httpx.AsyncClient, partner: Canned) -> None:
    """A type whose elements are alike is converted; another one is kept whole, in a Binary of the same id."""
    record = {**BARE, "contained": [MOTHER, PHOTO, WEIGHT], "generalPractitioner": [{"reference": "#weight"}]}
    partner.answer(200, record)

    in_stu3 = await canned.get(JOHN, headers=STU3)
    in_r4 = await canned.get(JOHN, headers=R4)

    assert (in_stu3.status_code, in_stu3.json()) == (200, record)
    mother, photo, weight = in_r4.json()["contained"]
    assert in_r4.status_code == 200
    assert mother == {**MOTHER, "relationship": [{"text": "mother"}]}
    assert photo == {"resourceType": "Binary", "id": "photo", "contentType": "image/png", "data": "AAAA"}
    assert {name: value for name, value in weight.items() if name != "data"} == {
        "resourceType": "Binary",
        "id": "weight",
        "contentType": "application/fhir+json; fhirVersion=3.0",
    }
    assert json.loads(b64decode(weight["data"])) == WEIGHT


async def test_what_was_kept_whole_cannot_be_sent_back_in_r4(canned: httpx.AsyncClient, partner: Canned) -> None:
    partner.answer(200, {**BARE, "contained": [WEIGHT], "generalPractitioner": [{"reference": "#weight"}]})
    read = (await canned.get(JOHN, headers=R4)).json()

    response = await canned.put(JOHN, json=read, headers=R4)

    text = "STU3 is what this Binary holds, and it is not converted; leave it out, or send the whole in STU3."
    assert response.status_code == 422
    assert issue("cannot-be-sent", "not-supported", text, "Patient.contained[0]") in response.json()["issue"]
    assert [request.method for request in partner.requests] == ["GET"]
