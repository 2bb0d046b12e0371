"""Patients added to HealthEx: one by one, and the entries of a batch by one call."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from itertools import count
from typing import Any

import httpx
import pytest

from fhir_bridge.mapping.routes import Routes
from fhir_bridge.outcome import Json
from fhir_bridge.sandbox import healthex
from tests.outcomes import issue, outcome
from tests.serving import serving, simulated

pytestmark = pytest.mark.anyio

OURS = "https://fhir-bridge.example/fhir"
CARRIED_OUT = outcome(issue("done", "informational", "The partner carried out the call.", severity="information"))
DUPLICATE = outcome(issue("partner-refused", "duplicate", "HealthEx has this record already; nothing was made."))


NO_EMAIL = outcome(
    issue(
        "partner-refused",
        "business-rule",
        "HealthEx refused its field `email`.",
        "Patient.telecom[0].value",
        diagnostics="email must be an email",
    )
)


class Partner(httpx.AsyncBaseTransport):
    """The simulated HealthEx, which keeps what it was sent, or fails to answer."""

    def __init__(self, **switches: Any) -> None:
        ids = count(1)
        new_id = {"new_id": lambda: f"reference-{next(ids)}"}
        self._app = httpx.ASGITransport(healthex.create_app(**{**new_id, **switches}))
        self.sent: list[tuple[str, Json]] = []
        self.status: int | None = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        content = await request.aread()
        if not request.url.path.endswith("/token"):
            self.sent.append((request.url.path, json.loads(content)))
            if self.status is not None:
                return httpx.Response(self.status)
        return await self._app.handle_async_request(
            httpx.Request(request.method, request.url, headers=request.headers, content=content)
        )


@pytest.fixture
def partner() -> Partner:
    return Partner()


@pytest.fixture
async def client(routes: Routes, partner: Partner) -> AsyncIterator[httpx.AsyncClient]:
    async with serving(routes, simulated() | {"healthex": partner}) as client:
        yield client


def patient(external_id: str, email: str = "ann@example.org", **extensions: Json) -> Json:
    """Return a new patient; extensions are by their names, each with its value."""
    said = {"healthex-contact-preference": {"valueCode": "email"}} | {
        name.replace("_", "-"): value for name, value in extensions.items()
    }
    return {
        "resourceType": "Patient",
        "extension": [{"url": f"{OURS}/StructureDefinition/{name}", **value} for name, value in said.items()],
        "identifier": [{"system": f"{OURS}/sid/healthex-external-id", "value": external_id}],
        "name": [{"family": "Berg", "given": ["Ann"]}],
        "telecom": [{"system": "email", "value": email}],
        "communication": [{"language": {"coding": [{"system": "urn:ietf:bcp:47", "code": "en-US"}]}}],
    }


def row(external_id: str, email: str = "ann@example.org") -> Json:
    return {
        "contactPreference": "email",
        "externalId": external_id,
        "lastName": "Berg",
        "firstName": "Ann",
        "email": email,
        "languagePreference": "en",
    }


async def batch(client: httpx.AsyncClient, *patients: Json) -> list[Json]:
    """Post patients as one batch; return status and outcome, or location, of each entry's response."""
    entries = [{"request": {"method": "POST", "url": "Patient"}, "resource": each} for each in patients]
    response = await client.post("/fhir/healthex", json={"resourceType": "Bundle", "type": "batch", "entry": entries})
    assert response.status_code == 200
    told = [each["response"] for each in response.json()["entry"]]
    return [(each["status"], each.get("location") or each["outcome"]) for each in told]


PATIENTS = "/v1/projects/694d61c2-3f1b/patients"


async def test_an_added_patient_has_the_address_of_healthexs_reference_id(
    client: httpx.AsyncClient, partner: Partner
) -> None:
    response = await client.post("/fhir/healthex/Patient", json=patient("MRN-1"))

    assert partner.sent == [(PATIENTS, {"patients": [row("MRN-1")]})]
    assert response.status_code == 201
    assert response.headers["location"] == "http://bridge.test/fhir/healthex/Patient/reference-1"
    assert response.json() == CARRIED_OUT


async def test_with_return_minimal_there_is_no_body(client: httpx.AsyncClient) -> None:
    headers = {"Prefer": "return=minimal"}
    response = await client.post("/fhir/healthex/Patient", json=patient("MRN-1"), headers=headers)

    assert (response.status_code, response.content) == (201, b"")
    assert response.headers["location"].endswith("/Patient/reference-1")


async def test_an_added_patient_can_be_updated_by_that_id(client: httpx.AsyncClient) -> None:
    location = (await client.post("/fhir/healthex/Patient", json=patient("MRN-1"))).headers["location"]

    response = await client.post(f"{location.removeprefix('http://bridge.test')}/$update-data")

    values = {each["name"]: each.get("valueCode") for each in response.json()["parameter"]}
    assert values["patientActionNeededReason"] == "CONSENT_NOT_FOUND"


async def test_project_notifications_and_facilities_are_said_in_extensions(
    client: httpx.AsyncClient, partner: Partner
) -> None:
    npi = {"system": "http://hl7.org/fhir/sid/us-npi", "value": "1234567893"}
    extensions = {
        "healthex_project": {"valueString": "second-study"},
        "healthex_suppress_notifications": {"valueBoolean": True},
        "healthex_targeted_facility": {"valueIdentifier": npi},
        "healthex_only_targeted_facilities": {"valueBoolean": True},
    }

    response = await client.post("/fhir/healthex/Patient", json=patient("MRN-1", **extensions))

    locked = {**row("MRN-1"), "targetedFacilities": ["1234567893"], "allowOnlyTargetedFacilities": True}
    assert response.status_code == 201
    [(path, body)] = partner.sent
    assert (path, body) == (
        "/v1/projects/second-study/patients",
        {"suppressNotifications": True, "patients": [locked]},
    )


async def test_a_patient_who_is_there_already_is_a_conflict(client: httpx.AsyncClient) -> None:
    await client.post("/fhir/healthex/Patient", json=patient("MRN-1"))

    response = await client.post("/fhir/healthex/Patient", json=patient("MRN-1"))

    assert (response.status_code, response.json()) == (409, DUPLICATE)


async def test_what_healthex_refuses_is_told_at_the_clients_element(client: httpx.AsyncClient) -> None:
    response = await client.post("/fhir/healthex/Patient", json=patient("MRN-1", "nobody"))

    assert (response.status_code, response.json()) == (422, NO_EMAIL)


async def test_what_the_profile_demands_is_refused_before_any_call(client: httpx.AsyncClient, partner: Partner) -> None:
    response = await client.post("/fhir/healthex/Patient", json={**patient("MRN-1"), "name": [{"family": "Berg"}]})

    text = (
        "HealthEx needs a first and a last name: give both in the name with use `official`, "
        "or in the first name without a use."
    )
    assert partner.sent == []
    assert response.status_code == 422
    assert response.json() == outcome(issue("rule-broken", "invariant", text, "Patient"))


async def test_an_address_that_is_no_longer_in_use_is_not_written_to(
    client: httpx.AsyncClient, partner: Partner
) -> None:
    adding = patient("Ann")
    adding["telecom"] = [{**adding["telecom"][0], "use": "old"}, {"system": "email", "value": "new@example.org"}]

    response = await client.post("/fhir/healthex/Patient", json=adding)

    text = (
        "HealthEx writes to the first e-mail address and the first telephone: put one before those whose use is `old`."
    )
    assert (response.status_code, response.json()) == (
        422,
        outcome(issue("rule-broken", "invariant", text, "Patient")),
    )
    assert partner.sent == []


async def test_a_language_that_healthex_does_not_write_is_refused(client: httpx.AsyncClient) -> None:
    norwegian = {"language": {"coding": [{"system": "urn:ietf:bcp:47", "code": "no"}]}}

    response = await client.post("/fhir/healthex/Patient", json={**patient("MRN-1"), "communication": [norwegian]})

    known = "`en`, `en-AU`, `en-CA`, `en-GB`, `en-IN`, `en-NZ`, `en-SG`, `en-US`, `es`, `es-AR`, `es-ES`, `es-MX`"
    assert response.status_code == 422
    assert response.json() == outcome(
        issue(
            "code-unknown-to-partner",
            "code-invalid",
            f"`code` cannot be sent: the partner knows only {known}, `es-US`, `es-UY`.",
            "Patient.communication[0].language.coding[0].code",
        )
    )


async def test_a_paused_study_takes_nobody(client: httpx.AsyncClient) -> None:
    response = await client.post(
        "/fhir/healthex/Patient", json=patient("MRN-1", healthex_project={"valueString": "paused-study"})
    )

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


async def test_a_patient_cannot_be_read(client: httpx.AsyncClient) -> None:
    response = await client.get("/fhir/healthex/Patient/17d4513f-73e8")

    assert response.status_code == 405
    text = "HealthEx does not offer `read` of Patient at this address."
    assert response.json() == outcome(issue("method-not-allowed", "not-supported", text))


# --- a batch


async def test_patients_of_one_batch_are_one_call_and_each_is_told_what_became_of_it(
    client: httpx.AsyncClient, partner: Partner
) -> None:
    await client.post("/fhir/healthex/Patient", json=patient("MRN-0"))
    partner.sent.clear()

    told = await batch(
        client,
        patient("MRN-1"),
        patient("MRN-0"),
        patient("MRN-2", "nobody"),
        {"resourceType": "Patient", "name": [{"family": "Berg"}]},
        patient("MRN-3"),
    )

    sent = [row("MRN-1"), row("MRN-0"), row("MRN-2", "nobody"), row("MRN-3")]
    assert partner.sent == [(PATIENTS, {"patients": sent})]
    address = "http://bridge.test/fhir/healthex/Patient"
    assert [told[0], told[1], told[2], told[4]] == [
        ("201 Created", f"{address}/reference-2"),
        ("409 Conflict", DUPLICATE),
        ("422 Unprocessable Content", NO_EMAIL),
        ("201 Created", f"{address}/reference-4"),
    ]
    assert told[3][0] == "422 Unprocessable Content"


async def test_those_who_are_to_be_left_in_peace_and_those_of_another_project_go_in_calls_of_their_own(
    client: httpx.AsyncClient, partner: Partner
) -> None:
    quiet = {"healthex_suppress_notifications": {"valueBoolean": True}}
    elsewhere = {"healthex_project": {"valueString": "second-study"}}

    told = await batch(
        client, patient("A"), patient("B", **quiet), patient("C", **elsewhere), patient("D"), patient("E", **quiet)
    )

    assert [status for status, _ in told] == ["201 Created"] * 5
    assert sorted(partner.sent, key=str) == sorted(
        [
            (PATIENTS, {"patients": [row("A"), row("D")]}),
            (PATIENTS, {"suppressNotifications": True, "patients": [row("B"), row("E")]}),
            ("/v1/projects/second-study/patients", {"patients": [row("C")]}),
        ],
        key=str,
    )


async def test_more_than_fit_into_one_call_are_several(client: httpx.AsyncClient, partner: Partner) -> None:
    told = await batch(client, *(patient(f"MRN-{number}") for number in range(99)), patient("X"), patient("Y"))

    assert [status for status, _ in told] == ["201 Created"] * 101
    assert sorted(len(body["patients"]) for _, body in partner.sent) == [1, 100]


async def test_a_call_that_fails_fails_for_all_who_were_in_it_and_for_nobody_else(
    client: httpx.AsyncClient, partner: Partner
) -> None:
    partner.status = 503
    entries = [{"request": {"method": "POST", "url": "Patient"}, "resource": patient(name)} for name in ("A", "B")]
    entries.append({"request": {"method": "GET", "url": "metadata"}})

    bundle = {"resourceType": "Bundle", "type": "batch", "entry": entries}
    response = await client.post("/fhir/healthex", json=bundle)

    statuses = [each["response"]["status"] for each in response.json()["entry"]]
    assert statuses == ["503 Service Unavailable", "503 Service Unavailable", "200 OK"]
    assert len(partner.sent) == 1


async def test_other_entries_stand_beside_them(client: httpx.AsyncClient, partner: Partner) -> None:
    entries = [
        {"request": {"method": "POST", "url": "Patient"}, "resource": patient("A")},
        {"request": {"method": "POST", "url": "Patient/17d4513f-73e8/$enrollment-link"}},
        {"request": {"method": "POST", "url": "Patient"}, "resource": patient("B")},
    ]

    bundle = {"resourceType": "Bundle", "type": "batch", "entry": entries}
    response = await client.post("/fhir/healthex", json=bundle)

    assert [each["response"]["status"] for each in response.json()["entry"]] == ["201 Created", "200 OK", "201 Created"]
    assert sorted(path for path, _ in partner.sent) == ["/v1/projects/694d61c2-3f1b/link", PATIENTS]


async def test_an_answer_that_does_not_tell_of_everybody_says_that_the_call_was_accepted(routes: Routes) -> None:
    async def answers(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/token"):
            return httpx.Response(201, json={"token": "t", "expiration": 4_000_000_000})
        return httpx.Response(201, json={"successfulPatients": [{"patientIndex": 0, "referenceId": "r-1"}]})

    async with serving(routes, simulated() | {"healthex": httpx.MockTransport(answers)}) as client:
        first, second = await batch(client, patient("A"), patient("B"))

    text = (
        "HealthEx accepted the call (status 201), but its answer cannot be read: "
        "it does not tell what became of the record."
    )
    assert first == ("201 Created", "http://bridge.test/fhir/healthex/Patient/r-1")
    assert second == ("502 Bad Gateway", outcome(issue("partner-answer-unreadable", "exception", text)))


@pytest.mark.parametrize("id_", ["żółw", "a/b", "..", "a\r\nX-Other: 1", "x" * 65])
async def test_an_id_that_fhir_does_not_allow_stands_in_no_address(routes: Routes, id_: str) -> None:
    """Nobody could read what stands there, and a header could not hold it."""
    async with serving(routes, simulated() | {"healthex": Partner(new_id=lambda: id_)}) as client:
        response = await client.post("/fhir/healthex/Patient", json=patient("Ann"))

    text = "HealthEx accepted the call (status 201), but its answer cannot be read: its id is none that FHIR allows."
    assert response.status_code == 502
    assert response.json() == outcome(issue("partner-answer-unreadable", "exception", text))


async def test_at_the_hub_the_external_id_tells_the_partner(client: httpx.AsyncClient, partner: Partner) -> None:
    response = await client.post("/fhir/Patient", json=patient("MRN-1"))

    assert (response.status_code, len(partner.sent)) == (201, 1)
    assert response.headers["location"] == "http://bridge.test/fhir/healthex/Patient/reference-1"
