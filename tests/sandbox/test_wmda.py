"""What the simulated WMDA answers, and that docs/sandbox.md says the same."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from fhir_bridge.sandbox._wmda_patients import patients
from fhir_bridge.sandbox._wmda_token import CLIENTS
from fhir_bridge.sandbox.wmda import REASONS, SETTINGS, TENANT, create_app

pytestmark = pytest.mark.anyio

NOON = datetime(2026, 1, 15, 12, 0, tzinfo=UTC)
SECTION = (Path(__file__).parents[2] / "docs/sandbox.md").read_text("utf-8").split("\n## WMDA\n")[1].split("\n## ")[0]
TOKEN = f"/{TENANT}/oauth2/token"
FORM = {
    "grant_type": "client_credentials",
    "client_id": "sandbox-client",
    "client_secret": "sandbox-secret",
    "resource": "f6d78a69-c840-46a2-941b-a0e08f9296e7",
}
PRODUCTION = "5df05a6d-8ef0-49fe-9441-62cd9b540376"
STOP = {"wmdaId": 123456, "newStatus": "STP", "changeReason": "PDC"}
SEARCH = {"wmdaId": 100001, "matchEngine": 2, "searchType": "DR"}


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def no_wait(seconds: float) -> None:
    pass


def anonymous(**switches: Any) -> httpx.AsyncClient:
    """Return a client of a fresh simulator whose clock stands at noon, and whose ids are all `trace-1`."""
    app = create_app(**{"now": lambda: NOON, "sleep": no_wait, "new_id": lambda: "trace-1"} | switches)
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://wmda.test")


async def log_in(client: httpx.AsyncClient, **form: str) -> None:
    answer = await client.post(TOKEN, data=FORM | form)
    client.headers["authorization"] = f"Bearer {answer.json()['access_token']}"


async def wmda(**switches: Any) -> httpx.AsyncClient:
    """Return a client of a fresh simulator that has logged in."""
    client = anonymous(**switches)
    await log_in(client)
    return client


async def change(body: Any, **switches: Any) -> httpx.Response:
    return await (await wmda(**switches)).put("/api/v2/patients/status", json=body)


async def state_of(client: httpx.AsyncClient, wmda_id: int) -> str:
    return str((await client.get(f"/api/v2/patients/{wmda_id}")).json()["status"])


def rows(heading: str) -> list[list[str]]:
    """Return the cells of the table under `### heading`, without their backticks."""
    table = SECTION.split(f"\n### {heading}\n")[1].split("\n### ")[0]
    lines = [line for line in table.splitlines() if line.startswith("| ")][1:]
    return [[cell.strip().strip("`") for cell in line.strip("|").split("|")] for line in lines]


def problem(status: int, title: str, **more: Any) -> dict[str, Any]:
    return {"type": "about:blank", "title": title, "status": status, **more, "traceId": "trace-1"}


def invalid(**errors: str) -> dict[str, Any]:
    """Return the problem that lists one text for each field."""
    lists = {name: [text] for name, text in errors.items()}
    return problem(400, "One or more validation errors occurred.", errors=lists)


def problem_of(answer: httpx.Response) -> Any:
    """Return the body of a refusal, after a look at how it is labelled."""
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["status"] == answer.status_code
    return answer.json()


# --- the documentation


def test_the_documentation_lists_every_client_and_patient():
    assert {row[0] for row in rows("Clients")} == {*CLIENTS, "any other"}
    assert [row[0] for row in rows("Changes of state")] == [str(number) for number in range(100001, 100007)]
    assert {row[0] for row in rows("Patients")} == {*map(str, patients(NOON)), "999999"}


@pytest.mark.parametrize(("wmda_id", "patient_id", "state", "_who"), rows("Patients"))
async def test_each_patient_is_found_in_the_documented_state(wmda_id, patient_id, state, _who):
    client = await wmda()

    answer = await client.get(f"/api/v2/patients/{wmda_id}")

    if state.isdigit():
        assert (str(answer.status_code), patient_id) == (state, "")
    else:
        assert (answer.status_code, answer.json()["patientId"]) == (200, patient_id)
        assert answer.json()["status"] == state


@pytest.mark.parametrize(
    ("wmda_id", "new_status", "allowed"),
    [
        (int(row[0]), new_status, allowed == "yes")
        for row in rows("Changes of state")
        for new_status, allowed in zip(("PRE", "ACT", "SUS", "STP"), row[2:], strict=True)
    ],
)
async def test_each_change_of_state_is_allowed_or_not_as_documented(wmda_id, new_status, allowed):
    client = await wmda()
    before = await state_of(client, wmda_id)

    body = {"wmdaId": wmda_id, "newStatus": new_status, "changeReason": "OTH"}
    answer = await client.put("/api/v2/patients/status", json=body)

    if allowed:
        assert answer.json() == {"wmdaId": wmda_id, "status": new_status, "changeReason": "OTH"}
        assert (answer.status_code, await state_of(client, wmda_id)) == (200, new_status)
    else:
        detail = f"Status change from {before} to {new_status} is not allowed."
        assert problem_of(answer) == problem(400, "Bad Request", detail=detail)
        assert await state_of(client, wmda_id) == before


def test_the_documentation_lists_every_switch_with_its_default_first():
    defaults = create_app.__kwdefaults__
    documented = {name: values.split(",")[0] for name, values, _ in rows("Switches")}

    assert documented.pop("reasons") == "the 20 known ones"
    assert documented.pop("least_loci") == "a b drb1"
    assert documented == {name: f"**{defaults[name]}**" for name in documented}
    assert set(documented) == set(defaults) - {"now", "sleep", "new_id", "reasons", "least_loci"}


# --- the token


async def test_a_token_answers_with_its_numbers_as_text():
    async with anonymous() as client:
        answer = await client.post(TOKEN, data=FORM)

    noon = int(NOON.timestamp())
    assert answer.status_code == 200
    assert answer.json() == {
        "token_type": "Bearer",
        "expires_in": "3599",
        "ext_expires_in": "3599",
        "expires_on": str(noon + 3599),
        "not_before": str(noon),
        "resource": "f6d78a69-c840-46a2-941b-a0e08f9296e7",
        "access_token": answer.json()["access_token"],
    }


def test_the_settings_are_the_credentials_that_open_everything():
    assert SETTINGS == {
        "WMDA_CLIENT_ID": "sandbox-client",
        "WMDA_CLIENT_SECRET": "sandbox-secret",
        "WMDA_RESOURCE": "f6d78a69-c840-46a2-941b-a0e08f9296e7",
    }


@pytest.mark.parametrize(
    ("wrong", "status", "error", "code", "text"),
    [
        ({"client_secret": "guessed"}, 401, "invalid_client", 7000215, "An invalid client secret was provided."),
        (
            {"client_id": "nobody"},
            400,
            "unauthorized_client",
            700016,
            "The application was not found in the directory.",
        ),
        ({"grant_type": "password"}, 400, "unsupported_grant_type", 70003, "The grant type is not supported."),
        (
            {"resource": "another"},
            400,
            "invalid_resource",
            500011,
            "The resource principal was not found in the tenant.",
        ),
        (
            {"grant_type": ""},
            400,
            "invalid_request",
            900144,
            "The request body must contain the parameter 'grant_type'.",
        ),
        ({"resource": ""}, 400, "invalid_request", 900144, "The request body must contain the parameter 'resource'."),
    ],
)
async def test_a_wrong_request_for_a_token_gets_the_error_of_azure(wrong, status, error, code, text):
    async with anonymous() as client:
        answer = await client.post(TOKEN, data=FORM | wrong)

    assert answer.status_code == status
    assert answer.json() == {
        "error": error,
        "error_description": f"AADSTS{code}: {text}",
        "error_codes": [code],
        "timestamp": "2026-01-15 12:00:00Z",
        "trace_id": "trace-1",
        "correlation_id": "trace-1",
    }


async def test_the_token_endpoint_takes_a_form_and_no_json():
    async with anonymous() as client:
        answer = await client.post(TOKEN, json=FORM)

    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


async def test_another_tenant_is_unknown():
    async with anonymous() as client:
        answer = await client.post("/another-tenant/oauth2/token", data=FORM)

    assert (answer.status_code, answer.json()["error_codes"]) == (400, [90002])


@pytest.mark.parametrize("headers", [{}, {"authorization": "Bearer made-up"}, {"authorization": "Basic made-up"}])
@pytest.mark.parametrize(
    ("method", "url"), [("PUT", "patients/status"), ("POST", "searches"), ("GET", "patients/123456")]
)
async def test_a_call_without_a_token_of_ours_is_401(method, url, headers):
    async with anonymous() as client:
        answer = await client.request(method, f"/api/v2/{url}", headers=headers)

    assert problem_of(answer) == problem(401, "Unauthorized")
    assert answer.headers["www-authenticate"] == "Bearer"


async def test_a_token_is_refused_from_the_second_on_in_which_it_ends():
    clock = [NOON]
    client = await wmda(now=lambda: clock[0])

    clock[0] = NOON + timedelta(seconds=3598)
    assert (await client.get("/api/v2/patients/123456")).status_code == 200
    clock[0] = NOON + timedelta(seconds=3599)
    assert (await client.get("/api/v2/patients/123456")).status_code == 401


async def test_a_token_for_another_environment_is_given_out_and_is_403():
    async with anonymous() as client:
        await log_in(client, resource=PRODUCTION)
        answer = await client.put("/api/v2/patients/status", json=STOP)

    assert problem_of(answer) == problem(403, "Forbidden", detail="The token was issued for another environment.")


async def test_a_client_without_rights_gets_a_token_and_is_403():
    async with anonymous() as client:
        await log_in(client, client_id="client-without-rights")
        answer = await client.put("/api/v2/patients/status", json=STOP)

    assert problem_of(answer) == problem(403, "Forbidden", detail="The client has no rights on this endpoint.")


# --- a change of state


async def test_the_example_of_the_page_is_stopped_with_a_reason():
    answer = await change(STOP)

    assert answer.status_code == 200
    assert answer.json() == {"wmdaId": 123456, "status": "STP", "changeReason": "PDC"}


@pytest.mark.parametrize("reason", [{}, {"changeReason": None}])
async def test_a_reason_that_was_not_given_is_null_in_the_answer(reason):
    answer = await change({"wmdaId": 123456, "newStatus": "SUS", **reason})

    assert answer.status_code == 200
    assert answer.json() == {"wmdaId": 123456, "status": "SUS", "changeReason": None}


async def test_a_stopped_patient_comes_back():
    client = await wmda()
    await client.put("/api/v2/patients/status", json=STOP)

    answer = await client.put("/api/v2/patients/status", json={"wmdaId": 123456, "newStatus": "ACT"})

    assert answer.json() == {"wmdaId": 123456, "status": "ACT", "changeReason": None}
    assert await state_of(client, 123456) == "ACT"


@pytest.mark.parametrize("reason", [{}, {"changeReason": None}])
async def test_to_stop_needs_a_reason(reason):
    answer = await change({"wmdaId": 123456, "newStatus": "STP", **reason})

    assert problem_of(answer) == invalid(changeReason="The changeReason field is required when newStatus is STP.")


NOT_ALLOWED = "The field {} has a value that is not allowed."
NOT_AN_INTEGER = "The JSON value could not be converted to System.Int32."


@pytest.mark.parametrize(
    ("wrong", "errors"),
    [
        ({"newStatus": "NEW"}, {"newStatus": NOT_ALLOWED.format("newStatus")}),
        ({"newStatus": "act"}, {"newStatus": NOT_ALLOWED.format("newStatus")}),
        ({"newStatus": 3}, {"newStatus": NOT_ALLOWED.format("newStatus")}),
        ({"newStatus": ["ACT"]}, {"newStatus": NOT_ALLOWED.format("newStatus")}),
        ({"newStatus": None}, {"newStatus": "The newStatus field is required."}),
        ({"changeReason": "XXX"}, {"changeReason": NOT_ALLOWED.format("changeReason")}),
        ({"changeReason": ""}, {"changeReason": NOT_ALLOWED.format("changeReason")}),
        ({"changeReason": True}, {"changeReason": NOT_ALLOWED.format("changeReason")}),
        ({"wmdaId": "123456"}, {"wmdaId": NOT_AN_INTEGER}),
        ({"wmdaId": True}, {"wmdaId": NOT_AN_INTEGER}),
        ({"wmdaId": 123456.0}, {"wmdaId": NOT_AN_INTEGER}),
        ({"wmdaId": 2_147_483_648}, {"wmdaId": NOT_AN_INTEGER}),
        ({"wmdaId": None}, {"wmdaId": "The wmdaId field is required."}),
        ({"reason": "PDC"}, {"reason": "The field reason is not known."}),
        (
            {"wmdaId": "1", "newStatus": "X", "changeReason": "Y"},
            {
                "wmdaId": NOT_AN_INTEGER,
                "newStatus": NOT_ALLOWED.format("newStatus"),
                "changeReason": NOT_ALLOWED.format("changeReason"),
            },
        ),
    ],
)
async def test_a_field_of_the_wrong_type_or_value_is_named(wrong, errors):
    answer = await change({"wmdaId": 123456, "newStatus": "ACT", "changeReason": "OTH"} | wrong)

    assert problem_of(answer) == invalid(**errors)


@pytest.mark.parametrize("wmda_id", [999999, 100183, 0, -1])
async def test_an_unknown_patient_is_404(wmda_id):
    answer = await change({"wmdaId": wmda_id, "newStatus": "ACT"})

    assert problem_of(answer) == problem(404, "Not Found", detail=f"Patient {wmda_id} was not found.")


async def test_every_one_of_the_twenty_reasons_stops_a_patient():
    answers = [await change(STOP | {"changeReason": reason}) for reason in sorted(REASONS)]

    assert [answer.json()["changeReason"] for answer in answers] == [
        *("ATX", "BCC", "FND", "GCC", "ICH", "NDF", "NML", "NPH", "OTH", "PAT"),
        *("PDC", "PPR", "RCM", "RCT", "RMT", "RPT", "UCT", "UMT", "UNK", "UPT"),
    ]


@pytest.mark.parametrize(
    ("content", "errors"),
    [
        (b"", {"": ["A non-empty request body is required."]}),
        (b"{", {"$": ["The body is not valid JSON."]}),
        (b"[]", {"$": ["The JSON value could not be converted."]}),
    ],
)
async def test_a_body_that_is_no_object_is_400(content, errors):
    client = await wmda()
    headers = {"content-type": "application/json"}

    answer = await client.put("/api/v2/patients/status", content=content, headers=headers)

    assert problem_of(answer) == problem(400, "One or more validation errors occurred.", errors=errors)


@pytest.mark.parametrize(
    ("content_type", "status"),
    [
        ("application/json; charset=utf-8", 200),
        ("application/json-patch+json", 200),
        ("text/json", 415),
        ("application/x-www-form-urlencoded", 415),
    ],
)
async def test_json_must_be_called_json(content_type, status):
    client = await wmda()
    body = b'{"wmdaId":123456,"newStatus":"SUS"}'

    answer = await client.put("/api/v2/patients/status", content=body, headers={"content-type": content_type})

    assert answer.status_code == status


# --- a record

HLA = {
    "a": {"field1": "02:01", "field2": "24:02"},
    "b": {"field1": "07:02", "field2": "44:02"},
    "drb1": {"field1": "15:01", "field2": None},
}
RECORD = {
    "patientId": "98765678P",
    "hla": HLA,
    "idm": {"cmvStatus": "N", "cmvDate": "2026-01-02"},
    "dateOfBirth": "1980-05-01",
    "diagnosis": {"diagnosisCode": "OL", "diagnosisText": "Hairy cell leukaemia", "diagnosisDate": "2025-12-01"},
    "diseasePhase": "R9",
    "ethnicity": "MX",
    "poolCountryCode": "DE",
    "transplantCentreId": "TC 2",
    "abo": "AB",
    "rhesus": "N",
    "weight": 61,
    "sex": "M",
    "legalTerms": True,
}
EMPTY = dict.fromkeys(RECORD) | {"legalTerms": False}
AT_NOON = {"lastUpdated": "2026-01-15T12:00:00Z", "lastViewed": "2026-01-15T12:00:00Z", "assignedUserName": None}


async def create(client: httpx.AsyncClient, body: Any) -> httpx.Response:
    return await client.post("/api/v2/patients", json=body)


async def read(client: httpx.AsyncClient, wmda_id: int) -> Any:
    return (await client.get(f"/api/v2/patients/{wmda_id}")).json()


async def test_a_new_patient_gets_a_number_and_is_new():
    client = await wmda()

    answer = await create(client, RECORD)

    assert (answer.status_code, answer.json()) == (201, {"wmdaId": 200001})
    assert await read(client, 200001) == {"wmdaId": 200001, "status": "NEW", **RECORD, **AT_NOON}


async def test_the_same_person_may_be_there_twice():
    client = await wmda()

    answers = [await create(client, RECORD) for _ in range(2)]

    assert [answer.json() for answer in answers] == [{"wmdaId": 200001}, {"wmdaId": 200002}]


async def test_a_typing_is_all_that_a_patient_needs():
    client = await wmda()

    await create(client, {"hla": HLA})

    assert await read(client, 200001) == {"wmdaId": 200001, "status": "NEW", **EMPTY, "hla": HLA, **AT_NOON}


@pytest.mark.parametrize("terms", [{}, {"legalTerms": None}, {"legalTerms": False}])
async def test_without_the_legal_terms_a_patient_id_is_not_kept(terms):
    client = await wmda()

    answer = await create(client, {"hla": HLA, "patientId": "98765678P", **terms})

    assert (answer.status_code, (await read(client, 200001))["patientId"]) == (201, None)


async def test_an_update_takes_the_place_of_the_whole_record():
    client = await wmda()

    answer = await client.put("/api/v2/patients", json={"wmdaId": 123456, "hla": HLA, "weight": 71})

    assert (answer.status_code, answer.content) == (204, b"")
    kept = {"wmdaId": 123456, "status": "ACT", **EMPTY, "hla": HLA, "weight": 71, **AT_NOON}
    assert await read(client, 123456) == kept


async def test_a_patient_id_can_be_set_once_and_then_stays():
    client = await wmda()
    await create(client, {"hla": HLA})

    answers = [
        await client.put("/api/v2/patients", json={**RECORD, "wmdaId": 200001, "patientId": patient_id})
        for patient_id in ("9876A", "9876A", "9876B")
    ]

    assert [answer.status_code for answer in answers] == [204, 204, 400]
    assert problem_of(answers[2]) == invalid(patientId="The patientId is set already and cannot be changed.")


async def test_an_update_of_nobody_is_404():
    answer = await (await wmda()).put("/api/v2/patients", json={"wmdaId": 999999, "hla": HLA})

    assert problem_of(answer) == problem(404, "Not Found", detail="Patient 999999 was not found.")


async def test_an_update_of_a_stopped_patient_leaves_it_stopped():
    client = await wmda()

    answer = await client.put("/api/v2/patients", json={"wmdaId": 100005, "hla": HLA})

    assert (answer.status_code, await state_of(client, 100005)) == (204, "STP")


NOT_KNOWN = "The field {} is not known."


@pytest.mark.parametrize("field", ["status", "lastUpdated", "lastViewed", "assignedUserName", "firstName"])
async def test_neither_create_nor_update_takes_what_wmda_keeps_itself(field):
    client = await wmda()

    answers = [
        await create(client, {"hla": HLA, field: None}),
        await client.put("/api/v2/patients", json={"wmdaId": 123456, "hla": HLA, field: None}),
    ]

    assert [problem_of(answer) for answer in answers] == [invalid(**{field: NOT_KNOWN.format(field)})] * 2


async def test_a_create_takes_no_number():
    answer = await create(await wmda(), {"wmdaId": 200001, "hla": HLA})

    assert problem_of(answer) == invalid(wmdaId=NOT_KNOWN.format("wmdaId"))


async def test_an_update_needs_a_number():
    answer = await (await wmda()).put("/api/v2/patients", json={"hla": HLA})

    assert problem_of(answer) == invalid(wmdaId="The wmdaId field is required.")


NOT_TEXT = "The JSON value could not be converted to System.String."
NOT_AN_OBJECT = "The JSON value could not be converted."
NO_DATE = "The JSON value could not be converted to System.DateOnly."
NO_TYPING = "The field {} is no HLA typing."


@pytest.mark.parametrize(
    ("wrong", "errors"),
    [
        ({"hla": None}, {"hla": "The hla field is required."}),
        ({"hla": []}, {"hla": NOT_AN_OBJECT}),
        ({"hla": {**HLA, "drb2": {}}}, {"hla.drb2": NOT_KNOWN.format("hla.drb2")}),
        ({"hla": {**HLA, "c": "02:01"}}, {"hla.c": NOT_AN_OBJECT}),
        ({"hla": {**HLA, "c": {"field3": "02"}}}, {"hla.c.field3": NOT_KNOWN.format("hla.c.field3")}),
        ({"hla": {**HLA, "c": {"field2": "02:01"}}}, {"hla.c.field1": "The hla.c.field1 field is required."}),
        ({"hla": {**HLA, "c": {"field1": "A*02:01"}}}, {"hla.c.field1": NO_TYPING.format("hla.c.field1")}),
        ({"hla": {**HLA, "c": {"field1": 2}}}, {"hla.c.field1": NO_TYPING.format("hla.c.field1")}),
        ({"hla": {"a": HLA["a"], "b": HLA["b"]}}, {"hla.drb1.field1": "The hla.drb1.field1 field is required."}),
        ({"idm": "P"}, {"idm": NOT_AN_OBJECT}),
        ({"idm": {"cmvStatus": "X"}}, {"idm.cmvStatus": NOT_ALLOWED.format("idm.cmvStatus")}),
        ({"idm": {"cmvDate": "2026-01"}}, {"idm.cmvDate": NO_DATE}),
        ({"idm": {"ebv": "P"}}, {"idm.ebv": NOT_KNOWN.format("idm.ebv")}),
        ({"dateOfBirth": "1980-13-01"}, {"dateOfBirth": NO_DATE}),
        ({"dateOfBirth": 1980}, {"dateOfBirth": NO_DATE}),
        ({"dateOfBirth": "2026-01-16"}, {"dateOfBirth": "The date must not be in the future."}),
        (
            {"diagnosis": {"diagnosisCode": "C92.0"}},
            {"diagnosis.diagnosisCode": "The field diagnosis.diagnosisCode must match the regular expression "
             "'^[A-Z]{2,3}$'."},
        ),
        ({"diagnosis": {"diagnosisCode": 9}}, {"diagnosis.diagnosisCode": NOT_TEXT}),
        (
            {"diagnosis": {"diagnosisText": "x" * 51}},
            {"diagnosis.diagnosisText": "The field diagnosis.diagnosisText must be a string with a maximum length of "
             "50."},
        ),
        ({"diseasePhase": "C10"}, {"diseasePhase": NOT_ALLOWED.format("diseasePhase")}),
        ({"ethnicity": "XX"}, {"ethnicity": NOT_ALLOWED.format("ethnicity")}),
        (
            {"poolCountryCode": "nl"},
            {"poolCountryCode": "The field poolCountryCode must match the regular expression '^[A-Z]{2}$'."},
        ),
        (
            {"transplantCentreId": "TC 12345678"},
            {"transplantCentreId": "The field transplantCentreId must be a string with a maximum length of 10."},
        ),
        ({"patientId": "9" * 18}, {"patientId": "The field patientId must be a string with a maximum length of 17."}),
        ({"patientId": 98765678}, {"patientId": NOT_TEXT}),
        ({"abo": "0"}, {"abo": NOT_ALLOWED.format("abo")}),
        ({"rhesus": "+"}, {"rhesus": NOT_ALLOWED.format("rhesus")}),
        ({"weight": 70.5}, {"weight": "The JSON value could not be converted to System.Int32."}),
        ({"weight": 1000}, {"weight": "The field weight must be between 1 and 999."}),
        ({"sex": "U"}, {"sex": NOT_ALLOWED.format("sex")}),
        ({"legalTerms": "true"}, {"legalTerms": "The JSON value could not be converted to System.Boolean."}),
    ],
)  # fmt: skip
async def test_each_wrong_field_of_a_record_is_named(wrong, errors):
    client = await wmda()

    answers = [
        await create(client, RECORD | wrong),
        await client.put("/api/v2/patients", json={"wmdaId": 123456, **RECORD, **wrong}),
    ]

    assert [problem_of(answer) for answer in answers] == [invalid(**errors)] * 2


@pytest.mark.parametrize("typing", ["2", "02", "02:01", "02:01:01:01N", "02:01:01G", "02:ABCD", "NNNN"])
async def test_a_typing_may_be_serology_an_allele_a_code_or_a_gene_that_is_not_there(typing):
    answer = await create(await wmda(), {"hla": {**HLA, "drb4": {"field1": typing}}})

    assert answer.status_code == 201


async def test_a_registry_may_ask_for_more_or_fewer_loci():
    answer = await create(await wmda(least_loci=()), {"hla": {}})

    assert answer.status_code == 201


# --- a list


async def listed(query: str) -> httpx.Response:
    return await (await wmda()).get(f"/api/v2/patients{query}")


async def test_a_list_shows_little_of_each_patient():
    answer = await listed("?limit=1&offset=1")

    assert answer.status_code == 200
    assert answer.json() == {
        "paging": {"limit": 1, "offset": 1, "totalCount": 13},
        "patients": [
            {
                "wmdaId": 100002,
                "patientId": "9876PRE",
                "status": "PRE",
                "dateOfBirth": "1980-05-01",
                "ethnicity": "CAEU",
                "lastUpdated": "2024-01-01T10:00:00Z",
                "lastViewed": "2024-01-01T10:00:00Z",
                "assignedUserName": None,
                "requests": [],
            }
        ],
    }


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("?status=NEW", [100001]),
        ("?status=SUS|PRE", [100002, 100004]),
        ("?Status=STP&LIMIT=2", [100005, 100006]),
        ("?status=STP&Offset=2", [100042]),
        ("?status=STP&offset=3", []),
        ("?status=&status=NEW&OnlyMyPatients=false&colour=red", [100001]),
    ],
)
async def test_a_list_is_asked_for_by_status_and_page(query, found):
    answer = await listed(query)

    assert [patient["wmdaId"] for patient in answer.json()["patients"]] == found


@pytest.mark.parametrize(
    ("query", "errors"),
    [
        ("?limit=0", {"limit": "The value '0' is not valid."}),
        ("?limit=ten&offset=-1", {"limit": "The value 'ten' is not valid.", "offset": "The value '-1' is not valid."}),
        ("?status=NEW|new", {"status": "The value 'new' is not valid."}),
    ],
)
async def test_a_wrong_parameter_of_a_list_is_named(query, errors):
    assert problem_of(await listed(query)) == invalid(**errors)


async def test_a_machine_has_no_patients_of_its_own():
    answer = await listed("?onlyMyPatients=True")

    assert problem_of(answer) == problem(403, "Forbidden", detail="Only a user has patients of their own.")


# --- a search, and time


async def test_a_search_moves_a_new_patient_to_pre_and_opens_the_other_states():
    client = await wmda()

    answers = [await client.post("/api/v2/searches", json=SEARCH) for _ in range(2)]

    assert [(answer.status_code, answer.json()) for answer in answers] == [
        (201, {"searchId": 1}),
        (201, {"searchId": 2}),
    ]
    assert await state_of(client, 100001) == "PRE"
    active = await client.put("/api/v2/patients/status", json={"wmdaId": 100001, "newStatus": "ACT"})
    assert active.json() == {"wmdaId": 100001, "status": "ACT", "changeReason": None}


@pytest.mark.parametrize(("wmda_id", "state"), [(100002, "PRE"), (100003, "ACT"), (100004, "SUS")])
async def test_a_search_leaves_a_patient_in_another_state_there(wmda_id, state):
    client = await wmda()

    answer = await client.post("/api/v2/searches", json=SEARCH | {"wmdaId": wmda_id, "searchOnlyOwnIon": True})

    assert (answer.status_code, await state_of(client, wmda_id)) == (201, state)


async def test_a_stopped_patient_cannot_be_searched_for():
    answer = await (await wmda()).post("/api/v2/searches", json=SEARCH | {"wmdaId": 100005})

    detail = "A search cannot be started for a patient in status STP."
    assert problem_of(answer) == problem(400, "Bad Request", detail=detail)


async def test_a_wrong_search_names_each_field():
    body = {"wmdaId": "100001", "matchEngine": "2", "mismatches": 1}

    answer = await (await wmda()).post("/api/v2/searches", json=body)

    assert problem_of(answer) == invalid(
        wmdaId=NOT_AN_INTEGER,
        matchEngine=NOT_ALLOWED.format("matchEngine"),
        searchType="The searchType field is required.",
        mismatches="The field mismatches is not known.",
    )


@pytest.mark.parametrize(
    ("wrong", "text"),
    [
        ({"overallMismatches": 8}, NOT_ALLOWED.format("overallMismatches")),
        ({"overallMismatches": "1"}, NOT_ALLOWED.format("overallMismatches")),
        ({"searchOnlyOwnIon": "true"}, "The JSON value could not be converted to System.Boolean."),
        ({"isCbuAbLowDrb1HighResolution": 1}, "The JSON value could not be converted to System.Boolean."),
    ],
)
async def test_what_a_search_may_say_besides_has_its_type(wrong, text):
    answer = await (await wmda()).post("/api/v2/searches", json=SEARCH | wrong)

    assert problem_of(answer) == invalid(**dict.fromkeys(wrong, text))


async def test_a_patient_is_read_whole():
    answer = await (await wmda()).get("/api/v2/patients/123456")

    assert answer.status_code == 200
    assert answer.json() == {
        "wmdaId": 123456,
        "patientId": "98761234P",
        "status": "ACT",
        "hla": {
            "a": {"field1": "02:01", "field2": "24:02"},
            "b": {"field1": "07:02", "field2": "44:02"},
            "drb1": {"field1": "15:01", "field2": "04:01"},
        },
        "idm": {"cmvStatus": "P"},
        "dateOfBirth": "1980-05-01",
        "diagnosis": {"diagnosisCode": "AML", "diagnosisText": None, "diagnosisDate": "2024-01-01"},
        "diseasePhase": "C1",
        "ethnicity": "CAEU",
        "poolCountryCode": "NL",
        "transplantCentreId": "TC1",
        "abo": "A",
        "rhesus": "P",
        "weight": 70,
        "sex": "F",
        "legalTerms": True,
        "lastUpdated": "2024-01-01T10:00:00Z",
        "lastViewed": "2026-01-15T12:00:00Z",
        "assignedUserName": None,
    }


@pytest.mark.parametrize("wmda_id", ["abc", "-1", "12345678901"])
async def test_a_wmda_id_in_the_path_is_a_number(wmda_id):
    answer = await (await wmda()).get(f"/api/v2/patients/{wmda_id}")

    assert problem_of(answer) == invalid(wmdaId=f"The value '{wmda_id}' is not valid.")


class Calendar:
    """A clock that the test sets, and a token that is always fresh."""

    def __init__(self) -> None:
        self.day = 0

    def now(self) -> datetime:
        return NOON + timedelta(days=self.day)

    async def state_on(self, day: int, client: httpx.AsyncClient) -> str:
        self.day = day
        await log_in(client)
        answer = await client.get("/api/v2/patients/123456")
        return str(answer.json()["status"])


async def test_each_look_at_a_patient_begins_the_42_days_anew():
    calendar = Calendar()
    async with anonymous(now=calendar.now) as client:
        states = [await calendar.state_on(day, client) for day in (41, 82, 124)]

    assert states == ["ACT", "ACT", "STP"]


async def test_an_update_begins_the_42_days_anew_and_a_list_does_not():
    calendar = Calendar()
    async with anonymous(now=calendar.now) as client:
        await log_in(client)
        calendar.day = 41
        await log_in(client)
        await client.put("/api/v2/patients", json={"wmdaId": 123456, "hla": HLA})
        await client.get("/api/v2/patients")
        calendar.day = 43
        await log_in(client)
        answer = await client.get("/api/v2/patients?status=ACT")

    assert [patient["wmdaId"] for patient in answer.json()["patients"]] == [123456]


async def test_a_forgotten_patient_is_stopped_after_42_days_and_anonymous_half_a_year_later():
    calendar = Calendar()
    async with anonymous(now=calendar.now) as client:
        states = [await calendar.state_on(day, client) for day in (42, 42 + 182, 42 + 183)]

    assert states == ["STP", "STP", "404"]


async def test_to_be_stopped_once_more_does_not_prolong_the_half_year():
    calendar = Calendar()
    async with anonymous(now=calendar.now) as client:
        states = []
        for day in (0, 100, 183):
            states.append(await calendar.state_on(day, client))
            await client.put("/api/v2/patients/status", json=STOP)

    assert states == ["ACT", "STP", "404"]


# --- faults, unknown paths, switches


@pytest.mark.parametrize(
    ("wmda_id", "status", "title", "retry_after"),
    [
        (900429, 429, "Too Many Requests", "7"),
        (900500, 500, "Internal Server Error", None),
        (900503, 503, "Service Unavailable", "7"),
    ],
)
async def test_a_passing_fault_says_when_to_come_again(wmda_id, status, title, retry_after):
    answer = await change({"wmdaId": wmda_id, "newStatus": "SUS"})

    assert problem_of(answer) == problem(status, title)
    assert answer.headers.get("retry-after") == retry_after


async def test_a_late_answer_takes_twenty_seconds():
    waited = []

    async def sleep(seconds: float) -> None:
        waited.append(seconds)

    answer = await change({"wmdaId": 900504, "newStatus": "SUS"}, sleep=sleep)

    assert waited == [20]
    assert answer.json() == {"wmdaId": 900504, "status": "SUS", "changeReason": None}


async def test_an_answer_that_cannot_be_read_is_html_with_the_status_of_success():
    answer = await change({"wmdaId": 900200, "newStatus": "SUS"})

    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert answer.text == "<html><body>Please sign in</body></html>"


@pytest.mark.parametrize(
    ("method", "url", "status", "title"),
    [
        ("GET", "/api/v2/nowhere", 404, "Not Found"),
        ("PUT", "/api/v2/patients/status/", 404, "Not Found"),
        ("PUT", "/patients/status", 404, "Not Found"),
        ("GET", "/api/v2/searches", 405, "Method Not Allowed"),
    ],
)
async def test_another_path_or_method_is_a_problem_too(method, url, status, title):
    answer = await (await wmda()).request(method, url)

    assert problem_of(answer) == problem(status, title)


async def test_the_new_state_may_be_called_new_status_as_on_older_pages():
    answer = await change(STOP, status_key="newStatus")

    assert answer.json() == {"wmdaId": 123456, "newStatus": "STP", "changeReason": "PDC"}


@pytest.mark.parametrize("status", [409, 422])
async def test_a_change_may_be_refused_with_another_status(status):
    answer = await change({"wmdaId": 100001, "newStatus": "ACT"}, refused_transition_status=status)

    assert problem_of(answer)["status"] == status
    assert answer.json()["detail"] == "Status change from NEW to ACT is not allowed."


async def test_a_further_reason_can_be_allowed():
    answer = await change(STOP | {"changeReason": "NEU"}, reasons={*REASONS, "NEU"})

    assert answer.json() == {"wmdaId": 123456, "status": "STP", "changeReason": "NEU"}


async def test_each_start_has_everybody_back_in_the_first_state():
    await change(STOP)

    assert await state_of(await wmda(), 123456) == "ACT"
