"""Ids that are spelled in another way than the partner spells them, in every interaction that compares ids."""

from __future__ import annotations

from urllib.parse import quote

import httpx
import pytest

from fhir_bridge.outcome import Json
from tests.outcomes import issue, outcome
from tests.serving import Canned

pytestmark = pytest.mark.anyio

ID = "7c3da506-804d-4550-8993-bf17f9ee0402"
SPELLED = "7C3DA506-804d-4550-8993-BF17F9EE0402"
SYSTEM = "https://fhir-bridge.example/fhir/sid/ehealth-preperson"
BASE = "/fhir/ehealth"
PATIENT = f"{BASE}/Patient/{SPELLED}"
CALL = f"http://ehealth.test/api/prepersons/{ID}"
RECORD: Json = {"data": {"id": ID, "gender": "MALE", "updated_at": "2017-04-20T19:14:13Z"}}
MALE: Json = {"resourceType": "Patient", "gender": "male"}
JSON_PATCH = {"Content-Type": "application/json-patch+json"}


async def test_a_read_asks_and_answers_in_the_partner_s_spelling(canned: httpx.AsyncClient, partner: Canned) -> None:
    partner.answer(200, RECORD)

    response = await canned.get(PATIENT)

    assert partner.calls() == [f"GET {CALL}"]
    assert [request.url.params["merge_person_id"] for request in partner.besides] == [ID]
    assert (response.status_code, response.json()["id"]) == (200, ID)


@pytest.mark.parametrize(
    "url", [PATIENT, f"/fhir/Patient?identifier={SYSTEM}|{SPELLED}", f"{BASE}/Patient?_id={SPELLED}"]
)
@pytest.mark.parametrize("id_", [ID, SPELLED, SPELLED.upper()])
async def test_an_update_s_body_may_spell_the_id_in_any_case(
    canned: httpx.AsyncClient, partner: Canned, url: str, id_: str
) -> None:
    partner.answer(200, RECORD)

    response = await canned.put(url, json={**MALE, "id": id_})

    assert (partner.calls(), partner.bodies()) == ([f"PATCH {CALL}"], [{"gender": "MALE"}])
    assert (response.status_code, response.json()["id"]) == (200, ID)


async def test_so_it_is_with_a_patch(canned: httpx.AsyncClient, partner: Canned) -> None:
    partner.answer(200, RECORD)

    response = await canned.patch(
        PATIENT, content='[{"op": "replace", "path": "/gender", "value": "female"}]', headers=JSON_PATCH
    )

    assert partner.calls() == [f"GET {CALL}", f"PATCH {CALL}"]
    assert (response.status_code, response.json()["id"]) == (200, ID)


async def test_a_version_is_read_by_either_spelling(canned: httpx.AsyncClient, partner: Canned) -> None:
    partner.answer(200, RECORD)
    version = (await canned.get(f"{BASE}/Patient/{ID}")).json()["meta"]["versionId"]

    response = await canned.get(f"{PATIENT}/_history/{version}")

    assert (response.status_code, response.json()["id"]) == (200, ID)


@pytest.mark.parametrize(
    "query",
    [
        f"_id={ID},{SPELLED}",
        f"_id={ID}&_id={SPELLED}",
        f"_id={SPELLED}&identifier={quote(f'{SYSTEM}|{ID}')}",
        f"identifier={quote(f'{SYSTEM}|{SPELLED}')}",
    ],
)
async def test_a_search_finds_a_record_once(canned: httpx.AsyncClient, partner: Canned, query: str) -> None:
    partner.answer(200, RECORD)

    bundle = (await canned.get(f"{BASE}/Patient?{query}")).json()

    assert partner.calls() == [f"GET {CALL}"]
    assert [entry["fullUrl"] for entry in bundle["entry"]] == [f"http://bridge.test{BASE}/Patient/{ID}"]


async def test_the_partner_may_spell_it_in_another_way_too(canned: httpx.AsyncClient, partner: Canned) -> None:
    """The client gets one id of a record, and with it one version."""
    partner.answer(200, {"data": {**RECORD["data"], "id": SPELLED}})
    partner.answer(200, RECORD)

    first, second = await canned.get(PATIENT), await canned.get(PATIENT)

    assert (first.json()["id"], first.headers["ETag"]) == (ID, second.headers["ETag"])


async def test_a_new_record_has_the_partner_s_usual_spelling(canned: httpx.AsyncClient, partner: Canned) -> None:
    partner.answer(201, {"data": {**RECORD["data"], "id": SPELLED}})
    external = {"system": "https://fhir-bridge.example/fhir/sid/ehealth-external-id", "value": "7"}

    response = await canned.post(f"{BASE}/Patient", json={**MALE, "identifier": [external]})

    assert response.headers["Location"].startswith(f"http://bridge.test{BASE}/Patient/{ID}/_history/")


async def test_the_record_of_another_id_is_none(canned: httpx.AsyncClient, partner: Canned) -> None:
    partner.answer(200, {"data": {"id": "00000000-0000-4000-8000-000000000001"}})

    response = await canned.get(PATIENT)

    text = (
        "eHealth Ukraine answered with status 200, but its answer cannot be read: it is the record of another id than "
        "the one that was asked for."
    )
    assert (response.status_code, response.json()) == (
        502,
        outcome(issue("partner-answer-unreadable", "exception", text)),
    )


@pytest.mark.parametrize("id_", ["1", f"{ID}0", ID.replace("-", ""), f"urn.uuid.{ID}", f"{ID[:-1]}g", "٧" * 8])
@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH"])
async def test_what_is_no_uuid_is_not_asked_for(
    canned: httpx.AsyncClient, partner: Canned, method: str, id_: str
) -> None:
    response = await canned.request(method, f"{BASE}/Patient/{id_}", json={**MALE, "id": id_})

    text = "eHealth Ukraine has no such Patient: its ids are of the form uuid."
    assert (response.status_code, response.json()) == (
        404,
        outcome(issue("invalid-id", "not-found", text, "Patient.id")),
    )
    assert partner.calls() == []


async def test_what_is_no_uuid_is_not_found(canned: httpx.AsyncClient, partner: Canned) -> None:
    bundle = (await canned.get(f"{BASE}/Patient?_id=1,2")).json()

    assert (bundle["total"], partner.calls()) == (0, [])


@pytest.mark.parametrize("id_", ["0123456", "+123456", "-1", "0", "1.0", "1e3", "١٢٣", "0x1", " 1"])
async def test_a_number_has_one_spelling(canned: httpx.AsyncClient, partner: Canned, id_: str) -> None:
    """WMDA would take some of these for another number, or for the same."""
    response = await canned.get(f"/fhir/wmda/Patient/{quote(id_)}")

    assert (response.status_code, response.json()["issue"][0]["code"], partner.calls()) == (404, "not-found", [])


async def test_ids_that_only_their_partner_understands_are_as_they_are(
    canned: httpx.AsyncClient, partner: Canned
) -> None:
    """HealthEx does not say that its ids are UUIDs, so those that differ in case are two."""
    partner.answer(200, {"id": ID, "status": "ACTIVE"})

    response = await canned.get(f"/fhir/healthex/ResearchStudy/{SPELLED}")

    assert partner.calls() == [f"GET http://healthex.test/v1/studies/{SPELLED}"]
    assert response.status_code == 502


@pytest.mark.parametrize("id_", [ID, SPELLED])
async def test_a_merge_patch_may_spell_the_id_in_any_case(canned: httpx.AsyncClient, partner: Canned, id_: str) -> None:
    partner.answer(200, RECORD)

    response = await canned.patch(
        PATIENT, json={"id": id_, "gender": "female"}, headers={"Content-Type": "application/merge-patch+json"}
    )

    assert partner.calls() == [f"GET {CALL}", f"PATCH {CALL}"]
    assert response.status_code == 200


NEW = "?profile=https://fhir-bridge.example/fhir/StructureDefinition/ehealth-new-preperson"


@pytest.mark.parametrize("query", ["", "?mode=update", "?mode=create", NEW])
@pytest.mark.parametrize(("in_address", "in_body"), [(ID, SPELLED), (SPELLED, ID), (SPELLED, SPELLED.upper())])
async def test_validate_takes_ids_of_two_spellings_for_one(
    client: httpx.AsyncClient, query: str, in_address: str, in_body: str
) -> None:
    """As the update does."""
    identifier = {"system": "https://fhir-bridge.example/fhir/sid/ehealth-external-id", "value": "1"}
    body = {**MALE, "id": in_body, "identifier": [identifier]}

    response = await client.post(f"{BASE}/Patient/{in_address}/$validate{query}", json=body)

    assert "id-differs" not in response.text
    assert response.json()["issue"][0]["severity"] == "information"
