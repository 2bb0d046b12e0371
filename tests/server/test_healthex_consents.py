"""What patients consented to at HealthEx, as a search for Consents."""

from __future__ import annotations

import httpx
import pytest

from fhir_bridge.outcome import Json
from tests.outcomes import issue, outcome
from tests.serving import READY, Canned, serving, shipped, simulated

pytestmark = pytest.mark.anyio

TYPES = ["DATA_AUTHORIZATION", "PATIENT_DIRECTED_DATA_EXCHANGE", "FUTURE_DATA_USE"]


def told(bundle: Json) -> list[tuple[str, str, str | None]]:
    """Return type, status and end of each consent."""
    resources = [entry["resource"] for entry in bundle.get("entry", ())]
    return [
        (
            each["category"][0]["coding"][0]["code"],
            each["status"],
            each.get("provision", {}).get("period", {}).get("end"),
        )
        for each in resources
    ]


async def consents(client: httpx.AsyncClient, query: str) -> httpx.Response:
    return await client.get(f"/fhir/healthex/Consent?{query}")


async def test_given_declined_and_expired_consents_are_all_told(client: httpx.AsyncClient) -> None:
    given, expired = await consents(client, "patient=17d4513f-73e8"), await consents(client, "patient=consent-expired")

    assert told(given.json()) == [(TYPES[0], "active", None), (TYPES[1], "active", None), (TYPES[2], "rejected", None)]
    end = "2025-03-31T00:00:00.000Z"
    assert told(expired.json()) == [(TYPES[0], "active", end), (TYPES[1], "active", end), (TYPES[2], "rejected", end)]


async def test_a_consent_that_was_taken_back_is_rejected(client: httpx.AsyncClient) -> None:
    response = await consents(client, "patient=Patient/consent-revoked")

    assert {status for _, status, _ in told(response.json())} == {"rejected"}


@pytest.mark.parametrize("patient", ["no-consent-record", "never-added", "not-your-organisation"])
async def test_who_has_said_nothing_has_none(client: httpx.AsyncClient, patient: str) -> None:
    response = await consents(client, f"patient={patient}")

    assert (response.status_code, response.json()["total"], told(response.json())) == (200, 0, [])


async def test_healthex_is_asked_for_all_types_given_or_not_and_for_the_expired_too() -> None:
    partner = Canned()
    partner.answer(201, [])
    async with serving(shipped(READY), {**simulated(), "healthex": partner}) as client:
        await client.post("/fhir/healthex/Consent/_search", data={"patient": "Patient/p-1"})

    assert partner.calls() == ["POST http://healthex.test/v1/consents"]
    asked = {"consentTypes": TYPES, "hasConsented": [True, False], "expiredConsents": True, "patientId": "p-1"}
    assert partner.bodies() == [asked]


async def test_pages_are_cut_by_the_bridge(client: httpx.AsyncClient) -> None:
    first = (await consents(client, "patient=17d4513f-73e8&_count=2")).json()

    assert (first["total"], len(first["entry"])) == (3, 2)
    following = next(link["url"] for link in first["link"] if link["relation"] == "next")
    second = (await client.get(following.removeprefix("http://bridge.test"))).json()
    assert told(second) == [(TYPES[2], "rejected", None)]


async def test_a_patient_must_be_named(client: httpx.AsyncClient) -> None:
    response = await consents(client, "status=active")

    text = "`patient` is needed: the partner finds nothing without it."
    assert response.status_code == 400
    assert response.json() == outcome(issue("element-missing", "required", text, "http.patient"))


async def test_a_reference_to_somebody_else_is_refused(client: httpx.AsyncClient) -> None:
    response = await consents(client, "patient=Person/1")

    text = "`patient` cannot be searched for so: a reference is expected here, Patient/[id]."
    assert response.status_code == 400
    assert response.json() == outcome(issue("value-not-allowed", "value", text, "http.patient"))


async def test_a_consent_cannot_be_read_by_itself(client: httpx.AsyncClient) -> None:
    response = await client.get("/fhir/healthex/Consent/11")

    assert response.status_code == 405


async def test_a_patient_who_got_a_link_has_consented(client: httpx.AsyncClient) -> None:
    """The patients of the sandbox follow their link at once."""
    link = "/fhir/healthex/Patient/no-consent-record/$enrollment-link"
    parameter = {"name": "externalId", "valueString": "external-no-consent-record"}
    await client.post(link, json={"resourceType": "Parameters", "parameter": [parameter]})

    response = await consents(client, "patient=no-consent-record")

    assert [status for _, status, _ in told(response.json())] == ["active", "active", "rejected"]
