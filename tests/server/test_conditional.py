"""Conditional update and patch, by a partner's identity system; and conditional create, which is refused."""

import json

import httpx
import pytest

from fhir_bridge.outcome import Json
from tests.outcomes import issue, outcome
from tests.server.roche_sample import REQUEST
from tests.server.test_batch import ETAG, ID, IVANOV, RECORD
from tests.serving import Canned

pytestmark = pytest.mark.anyio

SYSTEM = "https://fhir-bridge.example/fhir/sid/ehealth-preperson"
PATIENT = "/fhir/ehealth/Patient"
MALE: Json = {"resourceType": "Patient", "gender": "male"}
CALL = f"PATCH http://ehealth.test/api/prepersons/{ID}"
ONLY_BY = f"A Patient is found here by `_id` or `identifier={SYSTEM}|…` only; ask by that."


@pytest.mark.parametrize(
    "url",
    [
        f"{PATIENT}?identifier={SYSTEM}|{ID}",
        f"{PATIENT}?_id={ID}",
        f"{PATIENT}?identifier={SYSTEM}|{ID}&_format=json",
        f"/fhir/Patient?identifier={SYSTEM}|{ID}",
    ],
)
@pytest.mark.parametrize("body", [IVANOV, MALE], ids=["with the id", "without an id"])
async def test_an_update_finds_its_record_by_its_identity(
    canned: httpx.AsyncClient, partner: Canned, url: str, body: Json
) -> None:
    """https://hl7.org/fhir/R4/http.html#cond-update: the id may be left out."""
    partner.answer(200, RECORD)

    response = await canned.put(url, json=body)

    assert (partner.calls(), partner.bodies()) == ([CALL], [{"gender": "MALE"}])
    assert (response.status_code, response.json()["id"], response.headers["etag"]) == (200, ID, ETAG)


@pytest.mark.parametrize("returns", ["minimal", "representation", "OperationOutcome"])
@pytest.mark.parametrize("criteria", [f"identifier={SYSTEM}|{ID.upper()}", f"_id={ID}"])
@pytest.mark.parametrize("base", ["/fhir/ehealth", "/fhir"])
async def test_the_answer_says_which_record_was_changed(
    canned: httpx.AsyncClient, partner: Canned, base: str, criteria: str, returns: str
) -> None:
    """In Content-Location, for the address of the request does not; with an empty body nothing else would."""
    partner.answer(200, RECORD)
    profile = {"meta": {"profile": ["https://fhir-bridge.example/fhir/StructureDefinition/ehealth-preperson"]}}

    updated = await canned.put(
        f"{base}/Patient?{criteria}", json={**MALE, **profile}, headers={"Prefer": f"return={returns}"}
    )

    assert updated.status_code == 200
    assert updated.headers["content-location"] == f"http://bridge.test/fhir/ehealth/Patient/{ID}"
    assert "location" not in updated.headers


@pytest.mark.parametrize("value", ["female", "male"], ids=["a change", "no change"])
async def test_so_does_that_of_a_patch(canned: httpx.AsyncClient, partner: Canned, value: str) -> None:
    partner.answer(200, RECORD)

    patched = await canned.patch(
        f"{PATIENT}?identifier={SYSTEM}|{ID}",
        content=json.dumps([{"op": "add", "path": "/gender", "value": value}]),
        headers={"Content-Type": "application/json-patch+json", "Prefer": "return=minimal"},
    )

    assert (patched.status_code, patched.content) == (200, b"")
    assert patched.headers["content-location"] == f"http://bridge.test/fhir/ehealth/Patient/{ID}"


@pytest.mark.parametrize("kind", ["batch", "transaction"])
async def test_so_does_an_entry(canned: httpx.AsyncClient, partner: Canned, kind: str) -> None:
    """In `response.location`."""
    partner.answer(200, RECORD)
    request = {"method": "PUT", "url": f"Patient?identifier={SYSTEM}|{ID}"}
    bundle = {"resourceType": "Bundle", "type": kind, "entry": [{"request": request, "resource": MALE}]}

    response = await canned.post("/fhir/ehealth", json=bundle, headers={"Prefer": "return=minimal"})

    told = response.json()["entry"][0]["response"]
    assert (told["status"], told["location"]) == ("200 OK", f"http://bridge.test/fhir/ehealth/Patient/{ID}")


async def test_an_update_by_id_says_no_location(canned: httpx.AsyncClient, partner: Canned) -> None:
    """The client has the address already."""
    partner.answer(200, RECORD)

    response = await canned.put(f"{PATIENT}/{ID}", json=IVANOV)

    assert (response.status_code, "content-location" in response.headers) == (200, False)


async def test_so_does_a_patch(canned: httpx.AsyncClient, partner: Canned) -> None:
    """https://hl7.org/fhir/R4/http.html#patch"""
    partner.answer(200, RECORD)
    patch = [{"op": "replace", "path": "/gender", "value": "female"}]

    response = await canned.patch(
        f"{PATIENT}?identifier={SYSTEM}|{ID}",
        content=json.dumps(patch),
        headers={"Content-Type": "application/json-patch+json"},
    )

    assert response.status_code == 200
    assert partner.calls() == [f"GET http://ehealth.test/api/prepersons/{ID}", CALL]


async def test_a_record_that_is_not_there_is_not_made(client: httpx.AsyncClient) -> None:
    """The partner's own 404: it makes no records."""
    response = await client.put(f"{PATIENT}?_id=00000000-0000-4000-8000-000000000404", json=MALE)

    assert (response.status_code, response.json()["issue"][0]["code"]) == (404, "not-found")


async def test_another_id_in_the_body_is_refused(canned: httpx.AsyncClient, partner: Canned) -> None:
    """As in an update by the id."""
    response = await canned.put(f"{PATIENT}?identifier={SYSTEM}|{ID}", json={**MALE, "id": "other"})

    text = "The id in the body must be the id in the address; make them the same."
    assert response.status_code == 400
    assert response.json() == outcome(issue("id-differs", "invalid", text, "Patient.id"))
    assert partner.calls() == []


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
@pytest.mark.parametrize(
    "query",
    [
        "",
        "?_format=json",
        "?family=Smith",
        f"?_id={ID}&family=Smith",
        "?identifier=7",
        "?identifier=https://fhir-bridge.example/fhir/sid/ehealth-external-id|%237",
        f"?_id={ID}&_id=other",
    ],
)
async def test_criteria_that_cannot_be_answered_are_refused(
    canned: httpx.AsyncClient, partner: Canned, method: str, query: str
) -> None:
    """400, and nothing is sent: no criterion of a change may be overlooked."""
    response = await canned.request(method, f"{PATIENT}{query}", json=MALE)

    assert (response.status_code, response.json()) == (400, outcome(issue("no-such-search", "not-supported", ONLY_BY)))
    assert partner.calls() == []


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
async def test_criteria_of_several_are_refused(canned: httpx.AsyncClient, partner: Canned, method: str) -> None:
    """412, as R4 has it."""
    response = await canned.request(method, f"{PATIENT}?_id={ID},other", json=MALE)

    text = "The criteria name more than one Patient; name one."
    assert (response.status_code, response.json()) == (
        412,
        outcome(issue("no-such-search", "multiple-matches", text)),
    )
    assert partner.calls() == []


async def test_in_stu3_they_are_refused_with_a_code_that_stu3_has(canned: httpx.AsyncClient, partner: Canned) -> None:
    """`multiple-matches` is R4's, and a client of STU3 would lose the whole outcome by it."""
    response = await canned.put("/fhir/roche/Patient?_id=a,b", json=MALE)

    text = "The criteria name more than one Patient; name one."
    assert (response.status_code, response.json()) == (412, outcome(issue("no-such-search", "processing", text)))
    assert partner.calls() == []


@pytest.mark.parametrize("url", ["/fhir/roche/Bundle", "/fhir/Bundle"])
async def test_a_conditional_create_is_refused(canned: httpx.AsyncClient, partner: Canned, url: str) -> None:
    """The partner cannot say whether there is one already."""
    response = await canned.post(
        url,
        content=REQUEST,
        headers={"If-None-Exist": "identifier=a|1", "Content-Type": "application/fhir+json; fhirVersion=3.0"},
    )

    text = (
        "The partner cannot say whether it has such a Bundle, so nothing was made. "
        "Make sure that it has none, then send the request without If-None-Exist."
    )
    assert response.status_code == 422
    assert response.json() == outcome(issue("no-such-search", "not-supported", text, "http.If-None-Exist"))
    assert partner.calls() == []
