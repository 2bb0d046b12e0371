"""What the simulated HealthEx answers, and that docs/sandbox.md says the same."""

from __future__ import annotations

import base64
import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from fhir_bridge.sandbox._healthex_patients import CLIENTS, PATIENTS, PROJECTS, Consent, Patient
from fhir_bridge.sandbox.healthex import SETTINGS, create_app
from tests.sandbox.healthex_client import NOON, healthex, log_in, rows

pytestmark = pytest.mark.anyio

NO_COUNTS = {
    "skippedExistingFacilities": 0,
    "changedExistingFacilities": 0,
    "unchangedExistingFacilities": 0,
    "retrievedNewFacilities": 0,
    "skippedNewFacilities": 0,
}


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def path(patient: str = "17d4513f-73e8", project: str = "694d61c2-3f1b") -> str:
    return f"/v1/projects/{project}/recruitment/identified-patients/{patient}/$updateData"


async def update(
    patient: str = "17d4513f-73e8", project: str = "694d61c2-3f1b", *, body: Any = None, **switches: Any
) -> httpx.Response:
    """Log in to a fresh simulator and update one patient; `body` is sent as JSON, `{}` where it is None."""
    async with healthex(**switches) as client:
        await log_in(client)
        return await client.post(path(patient, project), json={} if body is None else body)


def in_words(answer: httpx.Response) -> str:
    """Return status, message and reason as the tables of docs/sandbox.md write them."""
    body = answer.json() if answer.headers["content-type"] == "application/json" else {}
    words = [str(answer.status_code), body.get("message"), body.get("patientActionNeededReason")]
    return " ".join(word for word in words if word)


# --- the documentation


def test_the_documentation_lists_every_client_project_and_patient_once():
    assert [row[0] for row in rows("Keys")] == [*CLIENTS, "any other"]
    assert [row[0] for row in rows("Projects")] == [*(project.id for project in PROJECTS), "no-such-study"]
    listed = [row[0] for row in rows("Patients")]
    assert listed == [*(p.reference_id for p in PATIENTS[:13]), "never-added", *(p.reference_id for p in PATIENTS[13:])]


def test_every_id_may_stand_in_a_fhir_url():
    ids = [patient.reference_id for patient in PATIENTS] + [patient.patient_id or "x" for patient in PATIENTS]

    assert [id for id in ids if not re.fullmatch(r"[A-Za-z0-9\-.]{1,64}", id)] == []


@pytest.mark.parametrize(("patient", "_who", "answer", "answer_without_sign_in"), rows("Patients"))
async def test_each_patient_gets_the_documented_answer(patient, _who, answer, answer_without_sign_in):
    assert in_words(await update(patient)) == answer
    assert in_words(await update(patient, body={"skipInteractive": False})) == answer
    assert in_words(await update(patient, body={"skipInteractive": True})) == answer_without_sign_in


@pytest.mark.parametrize(("project", "_what", "answer"), rows("Projects")[2:])
async def test_each_project_that_takes_no_updates_gives_the_documented_answer(project, _what, answer):
    assert in_words(await update(project=project)) == answer


def test_the_documentation_lists_every_switch_with_its_default_first():
    defaults = create_app.__kwdefaults__
    documented = {name: values.split(",")[0] for name, values, _ in rows("Switches")}

    assert documented.pop("patients") == "the ones above"
    assert documented == {name: f"**{defaults[name]}**" for name in documented}
    assert set(documented) == set(defaults) - {"now", "sleep", "new_id", "patients"}


# --- the token


async def test_a_token_is_given_out_for_24_hours_with_its_end_in_unix_seconds():
    async with healthex() as client:
        answer = await client.post("/v1/auth/token", json={"apiKey": "sandbox-key", "apiSecret": "sandbox-secret"})

    head, claims, _ = answer.json()["token"].split(".")
    assert answer.status_code == 201
    assert answer.json() == {"token": answer.json()["token"], "expiration": int(NOON.timestamp()) + 86_400}
    assert json.loads(base64.urlsafe_b64decode(head + "==")) == {"alg": "ES256", "typ": "JWT"}
    assert json.loads(base64.urlsafe_b64decode(claims + "==")) == {
        "organizationId": "sandbox-organisation",
        "permissions": ["ORG_ADMIN"],
        "type": "API_EXTERNAL_RESEARCHER",
        "exp": int(NOON.timestamp()) + 86_400,
    }


async def test_the_settings_are_the_key_that_opens_the_project():
    assert SETTINGS == {
        "HEALTHEX_API_KEY": "sandbox-key",
        "HEALTHEX_API_SECRET": "sandbox-secret",
        "HEALTHEX_PROJECT_ID": "694d61c2-3f1b",
    }


@pytest.mark.parametrize(
    "key",
    [
        {"apiKey": "sandbox-key", "apiSecret": "provider-secret"},
        {"apiKey": "no-such-key", "apiSecret": "sandbox-secret"},
    ],
)
async def test_a_key_with_another_secret_gets_no_token(key):
    async with healthex() as client:
        answer = await client.post("/v1/auth/token", json=key)

    assert answer.status_code == 401
    assert answer.json() == {"statusCode": 401, "message": "Invalid API key or secret", "error": "Unauthorized"}


async def test_a_login_without_key_and_secret_names_both():
    async with healthex() as client:
        answer = await client.post("/v1/auth/token", json={"apiKey": 7})

    assert answer.status_code == 400
    assert answer.json() == {
        "statusCode": 400,
        "message": ["apiKey must be a string", "apiSecret must be a string"],
        "error": "Bad Request",
    }


@pytest.mark.parametrize("headers", [{}, {"authorization": "Bearer made-up"}, {"authorization": "Basic made-up"}])
async def test_an_update_without_a_token_of_ours_is_401(headers):
    async with healthex() as client:
        answer = await client.post(path(), json={}, headers=headers)

    assert answer.status_code == 401
    assert answer.json() == {"statusCode": 401, "message": "Unauthorized"}


async def test_a_token_is_refused_from_the_second_on_in_which_it_ends():
    clock = [NOON]
    async with healthex(now=lambda: clock[0]) as client:
        await log_in(client)

        clock[0] = NOON + timedelta(hours=24, seconds=-1)
        assert (await client.post(path(), json={})).status_code == 201
        clock[0] = NOON + timedelta(hours=24)
        assert (await client.post(path(), json={})).status_code == 401


async def test_a_token_of_one_simulator_is_unknown_to_the_next():
    async with healthex() as first, healthex() as second:
        await log_in(first)

        answer = await second.post(path(), json={}, headers={"authorization": first.headers["authorization"]})

    assert answer.status_code == 401


async def test_a_client_of_another_type_than_external_researcher_is_403():
    async with healthex() as client:
        await log_in(client, "provider-key")
        answer = await client.post(path(), json={})

    assert answer.status_code == 403
    assert answer.json() == {"statusCode": 403, "message": "Forbidden resource", "error": "Forbidden"}


# --- what an update answers


async def test_an_update_that_runs_by_itself_counts_each_facility_and_names_its_retrieval():
    answer = await update("17d4513f-73e8")

    assert answer.status_code == 201
    assert answer.json() == {
        "message": "IN_PROGRESS_NO_ACTION_NEEDED",
        "skippedFacilitiesCount": 0,
        "counts": NO_COUNTS | {"changedExistingFacilities": 2, "unchangedExistingFacilities": 1},
        "retrievalId": "retrieval-1",
    }


async def test_an_update_that_needs_the_patient_names_the_reason_and_starts_no_retrieval():
    answer = await update("consent-expired")

    assert answer.status_code == 201
    assert answer.json() == {
        "message": "PATIENT_ACTION_NEEDED",
        "patientActionNeededReason": "CONSENT_EXPIRED",
        "skippedFacilitiesCount": 0,
        "counts": NO_COUNTS,
    }


@pytest.mark.parametrize(
    ("patient", "skipped", "counts"),
    [
        ("new-facility-found", 0, [0, 1, 1, 2, 0]),
        ("facility-unreachable", 1, [1, 1, 0, 0, 0]),
        ("sign-in-expired", 1, [1, 1, 1, 0, 0]),
        ("new-facility-sign-in", 2, [0, 1, 0, 1, 2]),
        ("both-sign-ins", 2, [1, 0, 0, 0, 1]),
    ],
)
async def test_facilities_that_need_a_sign_in_are_skipped_and_counted_when_nobody_is_to_be_asked(
    patient, skipped, counts
):
    answer = await update(patient, body={"skipInteractive": True})

    assert answer.json() == {
        "message": "IN_PROGRESS_NO_ACTION_NEEDED",
        "skippedFacilitiesCount": skipped,
        "counts": dict(zip(NO_COUNTS, counts, strict=True)),
        "retrievalId": "retrieval-1",
    }


async def test_each_update_starts_a_retrieval_of_its_own():
    ids = iter(["first", "second"])
    async with healthex(new_id=lambda: next(ids)) as client:
        await log_in(client)
        answers = [await client.post(path(), json={}) for _ in range(2)]

    assert [answer.json()["retrievalId"] for answer in answers] == ["first", "second"]


async def test_a_consent_holds_until_the_moment_it_expires():
    clock = [datetime(2025, 3, 30, 23, 59, 59, tzinfo=UTC)]
    async with healthex(now=lambda: clock[0]) as client:
        await log_in(client)

        assert in_words(await client.post(path("consent-expired"), json={})) == "201 IN_PROGRESS_NO_ACTION_NEEDED"
        clock[0] += timedelta(seconds=1)
        expired = await client.post(path("consent-expired"), json={})
        assert in_words(expired) == "201 PATIENT_ACTION_NEEDED CONSENT_EXPIRED"


async def test_the_reason_is_the_first_of_revoked_expired_list_sign_in():
    expired = datetime(2025, 1, 1, tzinfo=UTC)
    facilities = ("sign-in-expired", "new-needs-sign-in")
    patients = [
        Patient("a", consent=Consent(revoked=True, expires=expired), targeted_list="none", facilities=facilities),
        Patient("b", consent=Consent(expires=expired), targeted_list="none", facilities=facilities),
        Patient("c", targeted_list="none", facilities=facilities),
        Patient("d", facilities=facilities),
    ]

    answers = [(await update(id, patients=patients)).json()["patientActionNeededReason"] for id in "abcd"]

    assert answers == ["CONSENT_REVOKED", "CONSENT_EXPIRED", "UNLOCKED_OR_NO_TARGETED_LIST", "AUTHENTICATION_EXPIRED"]


async def test_the_guides_own_call_has_no_body():
    async with healthex() as client:
        await log_in(client)
        answer = await client.post(path(), headers={"content-type": "application/json"})

    assert in_words(answer) == "201 IN_PROGRESS_NO_ACTION_NEEDED"


async def test_the_dollar_may_be_percent_encoded():
    async with healthex() as client:
        await log_in(client)
        answer = await client.post(path().replace("$", "%24"), json={})

    assert answer.request.url.raw_path.endswith(b"/%24updateData")
    assert in_words(answer) == "201 IN_PROGRESS_NO_ACTION_NEEDED"


async def test_a_patient_answers_to_both_ids_but_has_one_alone_before_the_first_sign_in():
    assert in_words(await update("person-17d4513f-73e8")) == "201 IN_PROGRESS_NO_ACTION_NEEDED"
    assert in_words(await update("person-consent-revoked")) == "201 PATIENT_ACTION_NEEDED CONSENT_REVOKED"
    assert in_words(await update("person-no-consent-record")) == "404 Patient not found"


async def test_a_patient_is_known_in_its_own_project_alone():
    assert in_words(await update("in-second-study", "second-study")) == "201 IN_PROGRESS_NO_ACTION_NEEDED"
    assert in_words(await update("17d4513f-73e8", "second-study")) == "404 Patient not found"


# --- what is refused


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"skipInteractive": "true"}, ["skipInteractive must be a boolean value"]),
        ({"skipInteractive": 1}, ["skipInteractive must be a boolean value"]),
        ({"skipInteractive": None}, ["skipInteractive must be a boolean value"]),
        ({"skipinteractive": True}, ["property skipinteractive should not exist"]),
        ([], "The body must be an object"),
        ("x", "The body must be an object"),
    ],
)
async def test_a_body_of_the_wrong_shape_is_400_and_says_why(body, message):
    answer = await update(body=body)

    assert answer.status_code == 400
    assert answer.json() == {"statusCode": 400, "message": message, "error": "Bad Request"}


async def test_text_that_is_no_json_is_400_and_json_under_another_name_415():
    async with healthex() as client:
        await log_in(client)
        broken = await client.post(path(), content=b"{", headers={"content-type": "application/json"})
        renamed = await client.post(path(), content=b"{}", headers={"content-type": "application/fhir+json"})

    assert broken.json() == {"statusCode": 400, "message": "Unexpected token in JSON", "error": "Bad Request"}
    assert renamed.json() == {"statusCode": 415, "message": "Unsupported Media Type"}
    assert (broken.status_code, renamed.status_code) == (400, 415)


async def test_a_call_that_is_wrong_in_every_way_is_told_the_first():
    """The order: token, type of the client, body, project, state of the study, patient."""
    wrong = {"skipInteractive": "no"}
    async with healthex() as client:
        answers = [in_words(await client.post(path("never-added", "no-such-study"), json=wrong))]
        await log_in(client, "provider-key")
        answers.append(in_words(await client.post(path("never-added", "no-such-study"), json=wrong)))
        await log_in(client)
        answers.append((await client.post(path("never-added", "no-such-study"), json=wrong)).json()["message"][0])
        for project in ("no-such-study", "paused-study", "694d61c2-3f1b"):
            answers.append(in_words(await client.post(path("never-added", project), json={})))

    assert answers == [
        "401 Unauthorized",
        "403 Forbidden resource",
        "skipInteractive must be a boolean value",
        "404 Project not found",
        "400 Study is paused",
        "404 Patient not found",
    ]


async def test_the_refusal_of_a_paused_study_is_the_ruled_body():
    answer = await update(project="paused-study")

    assert answer.status_code == 400
    assert answer.json() == {"statusCode": 400, "message": "Study is paused", "error": "Bad Request"}


@pytest.mark.parametrize(("method", "url"), [("GET", path()), ("POST", path() + "/"), ("POST", "/v2/auth/token")])
async def test_another_method_or_path_is_404_and_names_both(method, url):
    async with healthex() as client:
        answer = await client.request(method, url)

    assert answer.status_code == 404
    assert answer.json() == {"statusCode": 404, "message": f"Cannot {method} {url}", "error": "Not Found"}


@pytest.mark.parametrize(
    ("patient", "retry_after"), [("answers-429", "7"), ("answers-503", "7"), ("answers-500", None)]
)
async def test_a_passing_fault_says_when_to_come_again(patient, retry_after):
    assert (await update(patient)).headers.get("retry-after") == retry_after


async def test_a_late_answer_takes_twenty_seconds():
    waited = []

    async def sleep(seconds: float) -> None:
        waited.append(seconds)

    answer = await update("answers-late", sleep=sleep)

    assert waited == [20]
    assert in_words(answer) == "201 IN_PROGRESS_NO_ACTION_NEEDED"


async def test_an_answer_that_cannot_be_read_is_html_with_the_status_of_success():
    answer = await update("answers-html")

    assert (answer.status_code, answer.headers["content-type"]) == (201, "text/html; charset=utf-8")
    assert answer.text == "<html><body>Please sign in</body></html>"


# --- the switches


async def test_success_may_be_200_as_the_reference_says():
    assert (await update(success_status=200)).status_code == 200


@pytest.mark.parametrize(("status", "phrase"), [(403, "Forbidden"), (409, "Conflict")])
async def test_a_study_may_be_refused_with_another_status(status, phrase):
    answer = await update(project="paused-study", study_refusal_status=status)

    assert answer.status_code == status
    assert answer.json() == {"statusCode": status, "message": "Study is paused", "error": phrase}


async def test_an_older_answer_has_no_counts_and_the_guides_nothing_but_the_message():
    older, guide = await update(answer="older"), await update(answer="guide")

    assert older.json() == {"message": "IN_PROGRESS_NO_ACTION_NEEDED", "skippedFacilitiesCount": 0}
    assert guide.json() == {"message": "IN_PROGRESS_NO_ACTION_NEEDED"}


async def test_the_code_that_the_guide_speaks_of_can_be_had():
    answer = await update(with_code=True, answer="guide")

    assert answer.json() == {"message": "IN_PROGRESS_NO_ACTION_NEEDED", "code": 201}


async def test_errors_may_be_plain_text_or_empty():
    text, empty = await update("never-added", errors_as="text"), await update("never-added", errors_as="empty")

    assert (text.status_code, text.headers["content-type"]) == (404, "text/plain; charset=utf-8")
    assert text.text == "Patient not found"
    assert (empty.status_code, empty.content) == (404, b"")


async def test_several_errors_are_one_line_of_plain_text():
    answer = await update(body={"a": 1, "b": 2}, errors_as="text")

    assert answer.text == "property a should not exist; property b should not exist"


async def test_the_patient_id_may_be_unknown():
    strict = await update("person-17d4513f-73e8", one_id_each=True)

    assert in_words(strict) == "404 Patient not found"
    assert in_words(await update(one_id_each=True)) == "201 IN_PROGRESS_NO_ACTION_NEEDED"
