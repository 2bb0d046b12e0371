"""HealthEx around an update: links, studies, and all records of a person, against the simulated partner."""

from typing import Any

import httpx
import pytest

from fhir_bridge.mapping.routes import Routes
from fhir_bridge.outcome import Json
from fhir_bridge.sandbox import healthex
from tests.outcomes import issue, outcome, parameters
from tests.serving import serving, simulated

pytestmark = pytest.mark.anyio

BASE = "http://bridge.test/fhir/healthex"
SIGNED = "https://app.healthex.io/#/patient-consent/694d61c2-3f1b/enrollment/link"
EVERYTHING = "/fhir/healthex/Person/17d4513f-73e8/$everything"
FORBIDDEN = outcome(
    issue(
        "partner-refused",
        "forbidden",
        "HealthEx does not allow this.",
        partner=("healthex", "login"),
        diagnostics="The patient has not consented to your organization",
    )
)


async def ask(routes: Routes, method: str, url: str, body: Json = None, **switches: Any) -> httpx.Response:
    """Send one call to the bridge in front of a HealthEx with these switches."""
    async with serving(routes, simulated(healthex=healthex.create_app(**switches))) as client:
        return await client.request(method, url, **({} if body is None else {"json": body}))


def link(body: Json) -> str:
    (parameter,) = body["parameter"]
    assert parameter["name"] == "url"
    return parameter["valueUrl"].partition(".healthex.io")[2]


# --- the link


async def test_a_link_is_made_for_the_id_that_the_patient_was_added_with(client: httpx.AsyncClient) -> None:
    body = parameters({"name": "externalId", "valueString": "external-no-consent-record"})

    response = await client.post("/fhir/healthex/Patient/no-consent-record/$enrollment-link", json=body)

    assert response.status_code == 200
    assert response.json() == parameters(
        {"name": "url", "valueUrl": f"{SIGNED}?xid=external-no-consent-record.1807449247bcdb40838e4f8034b71278"}
    )


async def test_without_that_id_the_one_in_the_address_is_sent(client: httpx.AsyncClient) -> None:
    """HealthEx makes a link of whatever it gets."""
    response = await client.post("/fhir/healthex/Patient/MRN-1/$enrollment-link")

    assert link(response.json()).startswith("/#/patient-consent/694d61c2-3f1b/enrollment/link?xid=MRN-1.")


async def test_a_link_of_a_paused_study_is_refused_in_the_studys_name(client: httpx.AsyncClient) -> None:
    body = parameters({"name": "project", "valueString": "paused-study"})

    response = await client.post("/fhir/healthex/Patient/1/$enrollment-link", json=body)

    assert response.status_code == 422
    assert response.json() == outcome(
        issue(
            "partner-refused",
            "business-rule",
            "HealthEx refused the request.",
            partner=("healthex", "Bad Request"),
            diagnostics="Study is paused",
        )
    )


async def test_a_link_cannot_be_had_by_get(client: httpx.AsyncClient) -> None:
    response = await client.get("/fhir/healthex/Patient/1/$enrollment-link")

    assert (response.status_code, response.headers["allow"]) == (405, "POST")
    text = "GET means nothing at this address; OPTIONS tells the methods that do."
    assert response.json() == outcome(issue("method-not-allowed", "not-supported", text))


async def test_an_operation_that_nobody_has_is_unknown_by_get_too(client: httpx.AsyncClient) -> None:
    response = await client.get("/fhir/healthex/Patient/1/$link")

    text = (
        "HealthEx has no operation `$link` at this address. It has Patient/[id]/$update-data, "
        "Patient/$update-data, Patient/[id]/$enrollment-link, Person/[id]/$everything."
    )
    assert response.status_code == 404
    assert response.json() == outcome(issue("unknown-path", "not-supported", text))


# --- the study


async def test_a_study_tells_its_status_and_beside_it_that_it_is_paused_and_why(client: httpx.AsyncClient) -> None:
    response = await client.get("/fhir/healthex/ResearchStudy/paused-study")

    assert response.status_code == 200
    study = response.json()
    assert (study["id"], study["title"], study["status"]) == ("paused-study", "A study that rests", "active")
    assert study["extension"] == [
        {
            "url": "https://fhir-bridge.example/fhir/StructureDefinition/healthex-study-pause",
            "extension": [
                {"url": "paused", "valueBoolean": True},
                {"url": "reason", "valueString": "Waiting for the ethics committee"},
            ],
        }
    ]


async def test_a_study_of_somebody_else_is_not_found(client: httpx.AsyncClient) -> None:
    response = await client.get("/fhir/healthex/ResearchStudy/study-of-another-organisation")

    assert response.status_code == 404
    assert response.json() == outcome(
        issue(
            "partner-refused",
            "not-found",
            "HealthEx does not know this.",
            partner=("healthex", "Not Found"),
            diagnostics="Project not found",
        )
    )


async def test_a_study_that_is_told_by_nothing_is_unreadable(routes: Routes) -> None:
    response = await ask(routes, "GET", "/fhir/healthex/ResearchStudy/694d61c2-3f1b", empty_study=True)

    text = "HealthEx answered with status 200, but its answer cannot be read: it is empty."
    assert response.status_code == 502
    assert response.json() == outcome(issue("partner-answer-unreadable", "exception", text))


# --- all records


async def test_records_come_as_healthex_wrote_them_and_their_pages_lead_to_the_bridge(
    client: httpx.AsyncClient,
) -> None:
    first = (await client.get(f"{EVERYTHING}?_count=2&_type=Person,Patient")).json()

    assert (first["type"], first["total"]) == ("searchset", 4)
    address = f"{BASE}/Person/17d4513f-73e8/$everything?_count=2"
    assert first["link"] == [
        {"relation": "self", "url": f"{address}&_offset=0&_type=Person,Patient"},
        {"relation": "next", "url": f"{address}&_offset=2&_type=Person,Patient"},
    ]
    assert first["entry"][0]["fullUrl"] == "http://healthex.test/FHIR/R4/Person/person-17d4513f-73e8"

    second = (await client.get(first["link"][1]["url"].removeprefix("http://bridge.test"))).json()

    assert [each["relation"] for each in second["link"]] == ["self", "previous"]
    assert [each["resource"]["id"] for each in second["entry"]] == ["17d4513f-73e8-2", "17d4513f-73e8-3"]


async def test_records_can_be_asked_for_by_post(client: httpx.AsyncClient) -> None:
    body = parameters({"name": "_type", "valueCode": "Person"})

    response = await client.post(EVERYTHING, json=body)

    assert response.json()["link"] == [
        {"relation": "self", "url": f"{BASE}/Person/17d4513f-73e8/$everything?_count=30&_offset=0&_type=Person"}
    ]


async def test_the_identity_of_a_patient_is_none_of_a_study(client: httpx.AsyncClient) -> None:
    """A study of the same id as a patient is not found by the patient's identifier."""
    system = "https://fhir-bridge.example/fhir/sid/healthex-patient"

    by_id = await client.get("/fhir/healthex/ResearchStudy?_id=paused-study")
    by_identity = await client.get(f"/fhir/healthex/ResearchStudy?identifier={system}|paused-study")

    text = "A ResearchStudy is found here by `_id` only; ask by that."
    assert [each["resource"]["id"] for each in by_id.json()["entry"]] == ["paused-study"]
    assert (by_identity.status_code, by_identity.json()) == (
        400,
        outcome(issue("no-such-search", "not-supported", text)),
    )


async def test_where_nothing_was_found_there_is_no_entry(client: httpx.AsyncClient) -> None:
    """HealthEx sends an empty list, which FHIR's JSON does not have."""
    response = await client.get(f"{EVERYTHING}?_type=Foo")

    address = f"{BASE}/Person/17d4513f-73e8/$everything?_count=30&_offset=0&_type=Foo"
    assert response.json() == {
        "resourceType": "Bundle",
        "type": "searchset",
        "total": 0,
        "link": [{"relation": "self", "url": address}],
    }


async def test_at_the_hub_pages_lead_to_healthex(client: httpx.AsyncClient) -> None:
    response = await client.get("/fhir/Person/17d4513f-73e8/$everything?_type=Person")

    assert response.json()["link"][0]["url"].startswith(f"{BASE}/Person/17d4513f-73e8/$everything?")


async def test_a_page_may_be_asked_for_within_a_batch(client: httpx.AsyncClient) -> None:
    entry = {"request": {"method": "GET", "url": "Person/17d4513f-73e8/$everything?_count=1"}}

    batch = {"resourceType": "Bundle", "type": "batch", "entry": [entry]}
    response = await client.post("/fhir/healthex", json=batch)

    (answered,) = response.json()["entry"]
    assert answered["response"] == {"status": "200 OK"}
    assert answered["resource"]["link"][1]["url"] == f"{BASE}/Person/17d4513f-73e8/$everything?_count=1&_offset=1"


async def test_in_a_transaction_it_is_no_change(client: httpx.AsyncClient) -> None:
    entries = [
        {"request": {"method": "GET", "url": "Person/17d4513f-73e8/$everything?_type=Person"}},
        {"request": {"method": "GET", "url": "Person/facility-unreachable/$everything?_type=Person"}},
        {"request": {"method": "POST", "url": "Patient/17d4513f-73e8/$update-data"}},
    ]

    transaction = {"resourceType": "Bundle", "type": "transaction", "entry": entries}
    response = await client.post("/fhir/healthex", json=transaction)

    assert [each["response"]["status"] for each in response.json()["entry"]] == ["200 OK"] * 3


async def test_head_has_the_length_of_what_get_answers(client: httpx.AsyncClient) -> None:
    get, head = await client.get(EVERYTHING), await client.head(EVERYTHING)

    assert (head.status_code, head.headers["content-length"]) == (200, get.headers["content-length"])
    assert head.content == b""


async def test_a_wrong_count_is_refused_at_its_place_in_the_address(client: httpx.AsyncClient) -> None:
    response = await client.get(f"{EVERYTHING}?_count=many")

    assert response.status_code == 400
    assert response.json() == outcome(
        issue("wrong-type", "structure", "`valueInteger` must be a number, not a string.", "http._count")
    )


@pytest.mark.parametrize("patient", ["no-consent-record", "consent-revoked", "consent-expired"])
async def test_records_of_who_has_not_consented_are_forbidden(client: httpx.AsyncClient, patient: str) -> None:
    """Though HealthEx's 401 looks as if the login had failed."""
    response = await client.get(f"/fhir/healthex/Person/{patient}/$everything")

    assert (response.status_code, response.json()) == (403, FORBIDDEN)


async def test_so_they_are_where_healthex_says_forbidden(routes: Routes) -> None:
    response = await ask(routes, "GET", "/fhir/healthex/Person/consent-revoked/$everything", no_consent_status=403)

    assert response.status_code == 403
    assert response.json() == outcome(
        issue(
            "partner-refused",
            "forbidden",
            "HealthEx does not allow this.",
            partner=("healthex", "forbidden"),
            diagnostics="The patient has not consented to your organization",
        )
    )


async def test_a_person_whom_healthex_does_not_know_is_not_found(client: httpx.AsyncClient) -> None:
    response = await client.get("/fhir/healthex/Person/never-added/$everything")

    assert response.status_code == 404
    assert response.json() == outcome(
        issue(
            "partner-refused",
            "not-found",
            "HealthEx does not know this.",
            partner=("healthex", "not-found"),
            diagnostics="Person not found",
        )
    )


async def test_a_page_for_a_browser_is_no_record(client: httpx.AsyncClient) -> None:
    response = await client.get("/fhir/healthex/Person/answers-html/$everything")

    assert response.status_code == 502
    assert [each["details"]["coding"][0]["code"] for each in response.json()["issue"]] == ["partner-answer-unreadable"]
