"""What the simulated HealthEx answers around an update: patients, links, consents, studies, records."""

from __future__ import annotations

from itertools import count
from typing import Any

import httpx
import pytest

from tests.sandbox.healthex_client import healthex, log_in, rows

pytestmark = pytest.mark.anyio

PROJECT = "/v1/projects/694d61c2-3f1b"
ANN = {
    "firstName": "Ann",
    "lastName": "Berg",
    "externalId": "MRN-1",
    "dateOfBirth": "1984-02-29",
    "email": "ann@example.org",
    "contactPreference": "email",
    "languagePreference": "en",
}
BO = {"firstName": "Bo", "lastName": "Dahl", "phone": "+15550100", "contactPreference": "phone"} | {
    "languagePreference": "es"
}
ALL_TYPES = ["DATA_AUTHORIZATION", "PATIENT_DIRECTED_DATA_EXCHANGE", "FUTURE_DATA_USE"]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def numbered() -> dict[str, Any]:
    """The switch that makes ids `id-1`, `id-2` and so on."""
    numbers = count(1)
    return {"new_id": lambda: f"id-{next(numbers)}"}


async def post(url: str, body: Any, **switches: Any) -> httpx.Response:
    async with healthex(**numbered() | switches) as client:
        await log_in(client)
        return await client.post(url, json=body)


async def get(url: str, **switches: Any) -> httpx.Response:
    async with healthex(**switches) as client:
        await log_in(client)
        return await client.get(url)


async def add(*patients: Any, **switches: Any) -> Any:
    return (await post(f"{PROJECT}/patients", {"patients": patients}, **switches)).json()


def bad_request(message: str | list[str]) -> dict[str, Any]:
    return {"statusCode": 400, "message": message, "error": "Bad Request"}


# --- adding patients


async def test_added_patients_are_told_by_their_place_with_the_id_that_they_got():
    answer = await post(f"{PROJECT}/patients", {"patients": [ANN, BO], "suppressNotifications": True})

    assert answer.status_code == 201
    assert answer.json() == {
        "totalProcessed": 2,
        "successCount": 2,
        "errorCount": 0,
        "duplicatesCount": 0,
        "errors": [],
        "duplicates": [],
        "successfulPatients": [
            {"patientIndex": 0, "email": "ann@example.org", "referenceId": "id-1"},
            {"patientIndex": 1, "referenceId": "id-2"},
        ],
    }


async def test_a_row_that_is_wrong_harms_no_other_and_a_repeat_changes_nothing():
    answer = await add({**ANN, "externalId": "external-17d4513f-73e8"}, BO, {**BO, "firstName": ""}, BO)

    assert answer == {
        "totalProcessed": 4,
        "successCount": 1,
        "errorCount": 1,
        "duplicatesCount": 2,
        "errors": [{"patientIndex": 2, "error": "firstName should not be empty"}],
        "duplicates": [{"patientIndex": 0}, {"patientIndex": 3}],
        "successfulPatients": [{"patientIndex": 1, "referenceId": "id-2"}],
    }


@pytest.mark.parametrize(
    ("row", "complaints"),
    [
        ("Ann", ["patient must be an object"]),
        (
            {},
            [
                "firstName should not be empty",
                "lastName should not be empty",
                "contactPreference must be one of the following values: email, phone",
                "languagePreference must be one of the following values: en, es",
            ],
        ),
        (ANN | {"gender": "female"}, ["property gender should not exist"]),
        (ANN | {"mrn": 7}, ["mrn must be a string"]),
        (
            ANN | {"languagePreference": "uk"},
            ["languagePreference must be one of the following values: en, es"],
        ),
        (ANN | {"dateOfBirth": "1984"}, ["dateOfBirth must be a valid ISO 8601 date string"]),
        (ANN | {"email": "ann"}, ["email must be an email"]),
        (ANN | {"contactPreference": "phone"}, ["phone is required when contactPreference is phone"]),
        (ANN | {"targetedFacilities": "1234567893"}, ["targetedFacilities must be an array"]),
        (
            ANN | {"targetedFacilities": ["123"]},
            ["each value in targetedFacilities must be an NPI of 10 digits"],
        ),
        (
            ANN | {"allowOnlyTargetedFacilities": "yes"},
            ["allowOnlyTargetedFacilities must be a boolean value"],
        ),
    ],
)
async def test_each_thing_that_is_wrong_with_a_row_is_an_error_of_its_own(row, complaints):
    answer = await add(row)

    assert answer["errors"] == [{"patientIndex": 0, "error": complaint} for complaint in complaints]
    assert (answer["successCount"], answer["errorCount"]) == (0, 1)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({}, ["patients must be an array with at least one element"]),
        ({"patients": []}, ["patients must be an array with at least one element"]),
        ({"patients": [ANN], "notify": False}, ["property notify should not exist"]),
        ({"patients": [ANN], "suppressNotifications": 1}, ["suppressNotifications must be a boolean value"]),
        ({"mrns": [{"mrn": "7"}]}, "mrns may be sent by healthcare organizations only"),
    ],
)
async def test_a_request_that_is_wrong_as_a_whole_adds_nobody(body, message):
    answer = await post(f"{PROJECT}/patients", body)

    assert (answer.status_code, answer.json()) == (400, bad_request(message))


@pytest.mark.parametrize(
    ("project", "answer"),
    [("paused-study", "Study is paused"), ("draft-study", "Study is not active"), ("nowhere", "Project not found")],
)
async def test_a_project_must_be_active_to_take_patients_and_to_have_links(project, answer):
    added = await post(f"/v1/projects/{project}/patients", {"patients": [ANN]})
    linked = await post(f"/v1/projects/{project}/link", {"externalId": "MRN-1"})

    assert (added.json()["message"], linked.json()["message"]) == (answer, answer)


@pytest.mark.parametrize(
    ("method", "url"),
    [
        ("POST", f"{PROJECT}/patients"),
        ("POST", f"{PROJECT}/link"),
        ("POST", "/v1/consents"),
        ("GET", "/v1/studies/694d61c2-3f1b"),
    ],
)
async def test_no_call_is_open_without_a_token_or_to_another_type_of_client(method, url):
    async with healthex() as client:
        nobody = await client.request(method, url)
        await log_in(client, "provider-key")
        provider = await client.request(method, url)

    assert (nobody.status_code, provider.status_code) == (401, 403)


async def test_an_added_patient_can_be_updated_and_has_not_consented():
    async with healthex(**numbered()) as client:
        await log_in(client)
        await client.post(f"{PROJECT}/patients", json={"patients": [ANN]})
        answer = await client.post(f"{PROJECT}/recruitment/identified-patients/id-1/$updateData", json={})

    assert answer.json()["patientActionNeededReason"] == "CONSENT_NOT_FOUND"


# --- links


async def test_a_link_is_bare_text_that_is_called_html_and_signed_for_the_patient():
    answer = await post(f"{PROJECT}/link", {"externalId": "MRN 1"})

    assert (answer.status_code, answer.headers["content-type"]) == (201, "text/html; charset=utf-8")
    assert answer.text == (
        "https://app.healthex.io/#/patient-consent/694d61c2-3f1b/enrollment/link"
        "?xid=MRN%201.61fc04b153f1122c8c00fe78ac502af5"
    )


async def test_a_link_for_everybody_names_nobody():
    answer = await post(f"{PROJECT}/link", {})

    assert answer.text == "https://app.healthex.io/#/patient-consent/694d61c2-3f1b/enrollment/link"


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"externalId": ""}, ["externalId must be a non-empty string"]),
        ({"externalId": 7}, ["externalId must be a non-empty string"]),
        ({"xid": "7"}, ["property xid should not exist"]),
    ],
)
async def test_a_link_of_a_wrong_request_is_refused(body, message):
    assert (await post(f"{PROJECT}/link", body)).json() == bad_request(message)


async def follow_link(patient: Any, **switches: Any) -> str:
    """Add a patient, make the link, update; return the update's message and reason."""
    async with healthex(**numbered() | switches) as client:
        await log_in(client)
        await client.post(f"{PROJECT}/patients", json={"patients": [patient]})
        await client.post(f"{PROJECT}/link", json={"externalId": patient["externalId"]})
        answer = (await client.post(f"{PROJECT}/recruitment/identified-patients/id-1/$updateData", json={})).json()
    return " ".join(filter(None, [answer["message"], answer.get("patientActionNeededReason")]))


async def test_a_patient_who_got_a_link_has_consented_and_is_updated_with_a_locked_list():
    locked = ANN | {"targetedFacilities": ["1234567893"], "allowOnlyTargetedFacilities": True}
    unlocked = ANN | {"targetedFacilities": ["1234567893"]}

    assert await follow_link(locked) == "IN_PROGRESS_NO_ACTION_NEEDED"
    assert await follow_link(unlocked) == "PATIENT_ACTION_NEEDED UNLOCKED_OR_NO_TARGETED_LIST"
    assert await follow_link(ANN) == "PATIENT_ACTION_NEEDED UNLOCKED_OR_NO_TARGETED_LIST"


async def test_links_may_be_left_unopened():
    assert await follow_link(ANN, consents_on_link=False) == "PATIENT_ACTION_NEEDED CONSENT_NOT_FOUND"


# --- consents


async def consents(**filters: Any) -> Any:
    return (await post("/v1/consents", {"consentTypes": ALL_TYPES} | filters)).json()


async def test_the_consents_of_a_patient_are_one_for_each_type_and_given_ones_alone_unless_others_are_asked_for():
    given = [
        {
            "consentType": "DATA_AUTHORIZATION",
            "studyId": "694d61c2-3f1b",
            "hasPatientConsented": True,
            "source": "STUDY",
            "consentRecordId": "11",
        },
        {
            "consentType": "PATIENT_DIRECTED_DATA_EXCHANGE",
            "studyId": "694d61c2-3f1b",
            "hasPatientConsented": True,
            "source": "STUDY",
            "consentRecordId": "12",
        },
    ]
    declined = {
        "consentType": "FUTURE_DATA_USE",
        "studyId": "694d61c2-3f1b",
        "hasPatientConsented": False,
        "source": "STUDY",
        "consentRecordId": "13",
    }

    def answer(records: Any) -> Any:
        return [{"healthcareOrganizationId": "sandbox-organisation", "patientId": "17d4513f-73e8", "consents": records}]

    assert await consents(patientId="17d4513f-73e8") == answer(given)
    assert await consents(patientId="17d4513f-73e8", hasConsented=[True, False]) == answer([*given, declined])
    assert await consents(patientId="17d4513f-73e8", hasConsented=[False]) == answer([declined])
    assert await consents(patientId="17d4513f-73e8", consentTypes=["FUTURE_DATA_USE"]) == []


@pytest.mark.parametrize(("patient", "authorization", "exchange", "future"), rows("Consents"))
async def test_each_patient_has_the_documented_consents(patient, authorization, exchange, future):
    answer = await consents(patientId=patient, hasConsented=[True, False], expiredConsents=True)

    told = {
        each["consentType"]: ("given" if each["hasPatientConsented"] else "declined")
        + (", until 31 March 2025" if each["hasPatientConsented"] and "expirationTimestamp" in each else "")
        for item in answer
        for each in item["consents"]
    }
    assert [told.get(name, "nothing") for name in ALL_TYPES] == [authorization, exchange, future]


async def test_expired_consents_are_told_of_only_where_they_are_asked_for():
    assert await consents(patientId="consent-expired") == []
    [patient] = await consents(patientId="consent-expired", expiredConsents=True)
    assert patient["consents"][0]["expirationTimestamp"] == "2025-03-31T00:00:00.000Z"


@pytest.mark.parametrize(
    "filters",
    [
        {"externalId": "external-17d4513f-73e8"},
        {"email": "17d4513f-73e8@patients.example"},
        {"patientId": "person-17d4513f-73e8"},
        {"patientId": "17d4513f-73e8", "studyId": "694d61c2-3f1b"},
        {"patientId": "17d4513f-73e8", "projectId": "694d61c2-3f1b"},
    ],
)
async def test_a_patient_is_found_by_each_identifier(filters):
    assert [each["patientId"] for each in await consents(**filters)] == ["17d4513f-73e8"]


async def test_a_project_alone_finds_everybody_in_it():
    assert [each["patientId"] for each in await consents(projectId="second-study")] == ["in-second-study"]
    assert (await consents(projectId="study-of-another-organisation"))["message"] == "Project not found"
    assert await consents(patientId="never-added") == []
    assert await consents(patientId="17d4513f-73e8", studyId="second-study") == []


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (
            {"patientId": "1"},
            f"each value in consentTypes must be one of the following values: {', '.join(ALL_TYPES)}",
        ),
        (
            {"patientId": "1", "consentTypes": ["ALL"]},
            f"each value in consentTypes must be one of the following values: {', '.join(ALL_TYPES)}",
        ),
        (
            {"consentTypes": ALL_TYPES},
            "at least one of patientId, patientMRN, email, phone, externalId, projectId must be sent",
        ),
        (
            {"consentTypes": ALL_TYPES, "patientId": "1", "email": "a@b.example"},
            "only one of patientId, patientMRN, email, phone, externalId may be sent",
        ),
        ({"consentTypes": ALL_TYPES, "phone": 1}, "phone must be a string"),
        (
            {"consentTypes": ALL_TYPES, "phone": "1", "hasConsented": True},
            "each value in hasConsented must be a boolean value",
        ),
        (
            {"consentTypes": ALL_TYPES, "phone": "1", "includeReason": "yes"},
            "includeReason must be a boolean value",
        ),
        ({"consentTypes": ALL_TYPES, "phone": "1", "id": "1"}, "property id should not exist"),
    ],
)
async def test_filters_that_ask_for_nothing_or_in_two_ways_are_400(body, message):
    answer = await post("/v1/consents", body)

    assert (answer.status_code, answer.json()) == (400, bad_request([message]))


async def test_a_fault_of_the_one_patient_who_is_asked_about_is_the_answer():
    assert (await post("/v1/consents", {"consentTypes": ALL_TYPES, "patientId": "answers-429"})).status_code == 429
    assert (await post("/v1/consents", {"consentTypes": ALL_TYPES, "patientId": "answers-html"})).text.startswith("<")


# --- studies


async def test_a_study_tells_its_state():
    answer = await get("/v1/studies/694d61c2-3f1b")

    assert answer.status_code == 200
    assert answer.json() == {
        "id": "694d61c2-3f1b",
        "addedByOrganization": "sandbox-organisation",
        "owner": "sandbox-organisation",
        "studyVersionId": "694d61c2-3f1b-1",
        "title": "Life with asthma",
        "status": "ACTIVE",
        "versionStatus": "ACTIVE",
        "paused": False,
        "studyType": "REGISTRY",
        "accessData": "FULL_RECORD_IDENTIFIED",
        "consentDataResourceScopes": [],
        "consentDataSensitivityScopes": [],
        "selectedLanguages": ["en", "es"],
        "patientEnrollmentUrl": "https://app.healthex.io/#/patient-consent/694d61c2-3f1b/enrollment/link",
    }


async def test_a_paused_study_is_active_and_says_why_it_rests():
    answer = (await get("/v1/studies/paused-study")).json()

    assert (answer["status"], answer["paused"]) == ("ACTIVE", True)
    assert answer["pauseReason"] == "Waiting for the ethics committee"


async def test_a_study_that_was_not_added_by_the_organisation_is_404():
    for study in ("study-of-another-organisation", "no-such-study"):
        assert (await get(f"/v1/studies/{study}")).json()["message"] == "Project not found"


async def test_a_study_may_be_told_by_nothing():
    answer = await get("/v1/studies/694d61c2-3f1b", empty_study=True)

    assert (answer.status_code, answer.content) == (200, b"")


# --- records

EVERYTHING = "/FHIR/R4/Person/person-17d4513f-73e8/$everything"


async def test_everything_is_a_searchset_of_all_that_belongs_to_the_person():
    answer = await get(EVERYTHING)

    bundle = answer.json()
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/fhir+json")
    assert (bundle["type"], bundle["total"]) == ("searchset", 10)
    assert bundle["link"] == [{"relation": "self", "url": f"http://healthex.test{EVERYTHING}?_count=30&_offset=0"}]
    assert [each["resource"]["resourceType"] for each in bundle["entry"]] == [
        *("Person", "Patient", "Patient", "Patient"),
        *(type_ for _ in range(3) for type_ in ("Condition", "Observation")),
    ]
    assert bundle["entry"][1] == {
        "fullUrl": "http://healthex.test/FHIR/R4/Patient/17d4513f-73e8-1",
        "resource": {
            "resourceType": "Patient",
            "id": "17d4513f-73e8-1",
            "meta": {"lastUpdated": "2025-11-03T09:30:00.000Z"},
            "active": True,
        },
        "search": {"mode": "match"},
    }


async def test_pages_lead_to_each_other():
    bundle = (await get(f"{EVERYTHING}?_count=4&_offset=4&_type=Person,Patient,Condition,Observation")).json()

    links = {each["relation"]: each["url"].partition("?")[2] for each in bundle["link"]}
    shape = "&_type=Person%2CPatient%2CCondition%2CObservation"
    assert links == {
        "self": f"_count=4&_offset=4{shape}",
        "next": f"_count=4&_offset=8{shape}",
        "previous": f"_count=4&_offset=0{shape}",
    }
    assert len(bundle["entry"]) == 4


async def test_everything_may_be_of_some_types_or_of_late_alone():
    conditions = (await get(f"{EVERYTHING}?_type=Condition")).json()
    late = (await get(f"{EVERYTHING}?_since=2026-01-01T00:00:00Z")).json()

    assert {each["resource"]["resourceType"] for each in conditions["entry"]} == {"Condition"}
    assert [each["resource"]["id"] for each in late["entry"]] == [
        "17d4513f-73e8-1-observation",
        "17d4513f-73e8-2-observation",
    ]


async def test_a_person_without_any_facility_has_the_person_and_one_patient():
    async with healthex(**numbered()) as client:
        await log_in(client)
        await client.post(f"{PROJECT}/patients", json={"patients": [ANN]})
        await client.post(f"{PROJECT}/link", json={"externalId": "MRN-1"})
        bundle = (await client.get("/FHIR/R4/Person/person-id-1/$everything")).json()

    assert [each["resource"]["id"] for each in bundle["entry"]] == ["person-id-1", "id-1-1"]
    assert bundle["entry"][0]["resource"]["name"] == [{"family": "Berg", "given": ["Ann"]}]


@pytest.mark.parametrize(
    ("person", "status", "code", "words"),
    [
        ("never-added", 404, "not-found", "Person not found"),
        ("no-consent-record", 401, "login", "The patient has not consented to your organization"),
        ("consent-revoked", 401, "login", "The patient has not consented to your organization"),
        ("consent-expired", 401, "login", "The patient has not consented to your organization"),
        ("not-your-organisation", 401, "login", "The patient has not consented to your organization"),
        ("answers-500", 500, "exception", "Internal Server Error"),
        ("17d4513f-73e8?_count=x", 400, "invalid", "_count must be a whole number"),
    ],
)
async def test_a_refusal_of_the_fhir_server_is_an_operation_outcome(person, status, code, words):
    name, _, query = person.partition("?")
    answer = await get(f"/FHIR/R4/Person/{name}/$everything?{query}")

    assert answer.status_code == status
    assert answer.json() == {
        "resourceType": "OperationOutcome",
        "issue": [{"severity": "error", "code": code, "diagnostics": words}],
    }


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("_count=0", "_count must be at least 1"),
        ("_offset=-1", "_offset must be a whole number"),
        ("_since=lately", "_since must be an instant"),
        ("_since=2026-01-01T00:00:00", "_since must have a time zone"),
        ("patient=1", "Unknown parameter patient"),
    ],
)
async def test_a_query_that_cannot_be_understood_is_400(query, words):
    assert (await get(f"{EVERYTHING}?{query}")).json()["issue"][0]["diagnostics"] == words


async def test_without_a_consent_403_was_seen_too():
    url = "/FHIR/R4/Person/consent-revoked/$everything"

    assert (await get(url, no_consent_status=403)).json()["issue"][0]["code"] == "forbidden"


async def test_a_person_has_one_id_where_each_address_knows_one():
    assert (await get("/FHIR/R4/Person/17d4513f-73e8/$everything")).status_code == 200
    assert (await get("/FHIR/R4/Person/17d4513f-73e8/$everything", one_id_each=True)).status_code == 404
    assert (await get(EVERYTHING, one_id_each=True)).status_code == 200


async def test_a_page_for_a_browser_may_come_in_place_of_records():
    assert (await get("/FHIR/R4/Person/answers-html/$everything")).text == "<html><body>Please sign in</body></html>"
