"""The simulator of eHealth Ukraine refuses what eHealth refuses, in its order and in its words."""

from __future__ import annotations

import json
import re
from datetime import datetime, timedelta, timezone
from pathlib import Path

import anyio
import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_bridge.sandbox import _ehealth_merges, _ehealth_oauth, _ehealth_registry, ehealth
from tests.sandbox.ehealth_client import (
    DIED,
    NOW,
    PETRO,
    UNKNOWN,
    Json,
    ehealth_client,
    failed,
    field_error,
    path,
    refusal,
    schema_failed,
)

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


NOTHING_TO_UPDATE = field_error("$", "required", "at least one field must be present with a value")
UNKNOWN_CODE = "value is not allowed in enum"
NOT_ALLOWED = "schema does not allow additional properties"


# --- reading


async def test_a_preperson_is_read_in_an_envelope_that_names_the_url() -> None:
    async with ehealth_client() as client:
        response = await client.get(path(PETRO))

    body = response.json()
    request_id = body["meta"].pop("request_id")
    assert re.fullmatch(r"[0-9a-f-]{36}#1", request_id)
    assert response.status_code == 200
    assert body == {
        "meta": {"code": 200, "url": f"http://ehealth.test/api/prepersons/{PETRO}", "type": "object"},
        "data": {
            "id": PETRO,
            "external_id": "#1234-FDS-aa",
            "first_name": "Петро",
            "last_name": "Іванов",
            "second_name": "Миколайович",
            "gender": "MALE",
            "birth_date": "1980-01-01",
            "emergency_contact": {
                "first_name": "Петро",
                "last_name": "Іванов",
                "second_name": "Миколайович",
                "phones": [{"type": "MOBILE", "number": "+380503410870"}],
            },
            "note": "Registered in SmartMed clinic at 01.01.2019 16:40. Male, 40 years old approximately, "
            "tatoo with sport motorcycle on the right forearm",
            "status": "ACTIVE",
            "death_date": None,
            "inserted_at": "2017-04-20T19:14:13Z",
            "inserted_by": "e1453f4c-1077-4e85-8c98-c13ffca0063e",
            "updated_at": "2017-04-20T19:14:13Z",
            "updated_by": "2922a240-63db-404e-b730-09222bfeb2dd",
        },
    }


async def test_each_answer_has_a_request_id_of_its_own() -> None:
    async with ehealth_client() as client:
        answers = [(await client.get(path(id))).json() for id in (PETRO, PETRO, UNKNOWN)]

    assert len({answer["meta"]["request_id"] for answer in answers}) == 3


async def test_an_inactive_preperson_can_still_be_read() -> None:
    async with ehealth_client() as client:
        response = await client.get(path(DIED))

    data = response.json()["data"]
    assert (data["last_name"], data["status"], data["death_date"]) == ("Already-Died", "INACTIVE", "2018-11-11")


async def test_an_id_is_found_in_upper_case_too() -> None:
    async with ehealth_client() as client:
        response = await client.get(path(PETRO.upper()))

    assert response.json()["data"]["id"] == PETRO


async def test_the_prepersons_hold_what_a_reader_must_be_ready_for() -> None:
    """A code that no table knows, both words for a landline, a status in lower case, and nothing but nulls."""
    async with ehealth_client() as client:
        read = [(await client.get(path(f"00000000-0000-4000-8000-{n:012d}"))).json()["data"] for n in range(2, 8)]

    shown = [
        (
            person["last_name"],
            person["gender"],
            person["status"],
            (person["emergency_contact"] or {"phones": [{"type": None}]})["phones"][0]["type"],
        )
        for person in read
    ]
    assert shown == [
        (None, None, "ACTIVE", None),
        ("Unknown-Codes", "UNSPECIFIED", "ACTIVE", "SATELLITE"),
        ("Landline", "FEMALE", "ACTIVE", "LANDLINE"),
        ("Land-Underscore-Line", "FEMALE", "ACTIVE", "LAND_LINE"),
        ("Lower-Case-Active", "FEMALE", "active", None),
        ("Lower-Case-Inactive", "FEMALE", "inactive", None),
    ]


# --- who may call

NO_TOKEN = (401, {"type": "access_denied", "message": "Access token validation failed"})
NO_SCOPE = (403, {"type": "forbidden", "message": "Invalid scope(s)"})


@pytest.mark.parametrize("token", [None, "token-expired", "token-of-nobody"])
@pytest.mark.parametrize("method", ["GET", "PATCH"])
async def test_without_a_valid_token_the_call_is_401(method: str, token: str | None) -> None:
    async with ehealth_client(token=token) as client:
        response = await client.request(method, path(PETRO))

    assert refusal(response) == NO_TOKEN


async def test_the_token_must_come_as_a_bearer_token() -> None:
    async with ehealth_client(token=None) as client:
        response = await client.get(path(PETRO), headers={"Authorization": "Basic token-good"})

    assert refusal(response) == NO_TOKEN


@pytest.mark.parametrize("api_key", [None, "another-key"])
async def test_without_the_api_key_the_call_is_401(api_key: str | None) -> None:
    async with ehealth_client(api_key=api_key) as client:
        response = await client.get(path(PETRO))

    assert refusal(response) == (401, {"type": "access_denied", "message": "Api-key validation failed"})


@pytest.mark.parametrize("token", ["token-read-only", "token-wrong-role", "token-pharmacy"])
async def test_a_token_that_may_not_write_is_403_on_an_update(token: str) -> None:
    async with ehealth_client(token=token) as client:
        response = await client.patch(path(PETRO), json={"last_name": "Коваль"})

    assert refusal(response) == NO_SCOPE


@pytest.mark.parametrize("token", ["token-write-only", "token-wrong-role", "token-pharmacy"])
async def test_a_token_that_may_not_read_is_403_on_a_read(token: str) -> None:
    async with ehealth_client(token=token) as client:
        response = await client.get(path(PETRO))

    assert refusal(response) == NO_SCOPE


@pytest.mark.parametrize("token", ["token-read-only", "token-receptionist", "token-suspended-legal-entity"])
async def test_who_may_read_reads_even_for_a_legal_entity_that_is_not_active(token: str) -> None:
    async with ehealth_client(token=token) as client:
        response = await client.get(path(PETRO))

    assert response.status_code == 200


@pytest.mark.parametrize("token", ["token-write-only", "token-receptionist"])
async def test_who_may_write_updates(token: str) -> None:
    async with ehealth_client(token=token) as client:
        response = await client.patch(path(PETRO), json={"last_name": "Коваль"})

    assert response.status_code == 200


async def test_a_legal_entity_that_is_not_active_is_409_on_an_update() -> None:
    async with ehealth_client(token="token-suspended-legal-entity") as client:
        response = await client.patch(path(PETRO), json={"last_name": "Коваль"})

    assert refusal(response) == (409, {"type": "request_conflict", "message": "Legal entity must be ACTIVE"})


# --- the order of the checks


@pytest.mark.parametrize(
    ("token", "id", "content", "status_code"),
    [
        ("token-expired", UNKNOWN, b"{", 401),
        ("token-read-only", UNKNOWN, b"{", 403),
        ("token-suspended-legal-entity", UNKNOWN, b"{", 409),
        ("token-good", UNKNOWN, b"{", 404),
        ("token-good", DIED, b"{", 422),
        ("token-good", PETRO, b"{", 400),
    ],
)
async def test_the_first_check_that_fails_decides(token: str, id: str, content: bytes, status_code: int) -> None:
    """Token, scope, legal entity, id, state of the preperson, body."""
    async with ehealth_client(token=token) as client:
        headers = {"Content-Type": "application/json"}
        response = await client.patch(path(id), content=content, headers=headers)

    assert response.status_code == status_code


@pytest.mark.parametrize("id", [UNKNOWN, "not-a-uuid"])
@pytest.mark.parametrize("method", ["GET", "PATCH"])
async def test_an_unknown_id_is_404(method: str, id: str) -> None:
    async with ehealth_client() as client:
        response = await client.request(method, path(id))

    assert refusal(response) == (404, {"type": "not_found", "message": "Validation failed"})


@pytest.mark.parametrize("id", [DIED, "00000000-0000-4000-8000-000000000007"])
async def test_a_preperson_that_is_not_active_cannot_be_updated(id: str) -> None:
    """Whatever the case of its status."""
    async with ehealth_client() as client:
        response = await client.patch(path(id), json={"last_name": "Коваль"})

    assert refusal(response) == (422, {"type": "validation_failed", "message": "Preperson is not active"})


@pytest.mark.parametrize(
    ("method", "url"),
    [("PUT", path(PETRO)), ("DELETE", path(PETRO)), ("GET", "/api/prepersons"), ("GET", path(PETRO) + "/")],
)
async def test_another_method_or_path_is_404(method: str, url: str) -> None:
    async with ehealth_client() as client:
        response = await client.request(method, url)

    assert refusal(response) == (404, {"type": "not_found", "message": "Not found"})


# --- the body


@pytest.mark.parametrize("content_type", ["application/fhir+json", "application/merge-patch+json", "text/plain"])
async def test_a_body_that_is_not_said_to_be_json_is_415(content_type: str) -> None:
    async with ehealth_client() as client:
        headers = {"Content-Type": content_type}
        response = await client.patch(path(PETRO), content=b'{"last_name": "X"}', headers=headers)

    assert refusal(response) == (
        415,
        {"type": "content_type_invalid", "message": "Content-Type must be application/json"},
    )


@pytest.mark.parametrize("content", [b"", b"{", b'{"last_name": NaN}', b'{"last_name": "\xff"}'])
async def test_a_body_that_is_not_json_is_400(content: bytes) -> None:
    async with ehealth_client() as client:
        headers = {"Content-Type": "application/json; charset=utf-8"}
        response = await client.patch(path(PETRO), content=content, headers=headers)

    assert refusal(response) == (400, {"type": "request_malformed", "message": "The body is not JSON"})


async def test_a_body_that_is_not_an_object_is_refused() -> None:
    async with ehealth_client() as client:
        response = await client.patch(path(PETRO), json=["last_name"])

    assert refusal(response) == schema_failed(
        field_error("$", "cast", "type mismatch. Expected object but got array", ("object",))
    )


@pytest.mark.parametrize("body", [{}, {"last_name": None}, {"first_name": ""}, {"emergency_contact": {}}])
async def test_a_body_without_any_value_is_refused(body: Json) -> None:
    async with ehealth_client() as client:
        response = await client.patch(path(PETRO), json=body)

    assert refusal(response) == schema_failed(NOTHING_TO_UPDATE)


@pytest.mark.parametrize("name", ["note", "status"])
async def test_note_and_status_are_forbidden_beside_a_good_field(name: str) -> None:
    """The request that eHealth prints as its example has a note, and is refused too."""
    async with ehealth_client() as client:
        response = await client.patch(path(PETRO), json={"last_name": "Коваль", name: "ACTIVE"})

    assert refusal(response) == schema_failed(field_error(f"$.{name}", "schema", NOT_ALLOWED))


async def test_a_note_alone_is_no_value_either() -> None:
    async with ehealth_client() as client:
        response = await client.patch(path(PETRO), json={"note": "a tall man"})

    assert refusal(response) == schema_failed(NOTHING_TO_UPDATE, field_error("$.note", "schema", NOT_ALLOWED))


@pytest.mark.parametrize(
    ("name", "value", "rule", "description", "params"),
    [
        ("confidant_person", {}, "schema", NOT_ALLOWED, ()),
        ("id", PETRO, "schema", NOT_ALLOWED, ()),
        ("first_name", 7, "cast", "type mismatch. Expected string but got integer", ("string",)),
        ("gender", "male", "inclusion", UNKNOWN_CODE, {"values": ["MALE", "FEMALE"]}),
        ("gender", ["MALE"], "inclusion", UNKNOWN_CODE, {"values": ["MALE", "FEMALE"]}),
        ("birth_date", "1980-02-30", "date", 'expected "1980-02-30" to be an existing date YYYY-MM-DD', ()),
        ("birth_date", "1980-01", "date", 'expected "1980-01" to be an existing date YYYY-MM-DD', ()),
        ("birth_date", "01.02.1980", "date", 'expected "01.02.1980" to be an existing date YYYY-MM-DD', ()),
        ("birth_date", True, "cast", "type mismatch. Expected string but got boolean", ("string",)),
        (
            "death_date",
            "2018-11-11T00:00:00Z",
            "date",
            'expected "2018-11-11T00:00:00Z" to be an existing date YYYY-MM-DD',
            (),
        ),
        ("external_id", "", "invalid", "external_id should not be empty", ()),
        ("external_id", 1.5, "cast", "type mismatch. Expected string but got number", ("string",)),
        ("emergency_contact", "Петро", "cast", "type mismatch. Expected object but got string", ("object",)),
    ],
)
async def test_a_field_that_breaks_the_schema_is_named(
    name: str, value: object, rule: str, description: str, params: object
) -> None:
    async with ehealth_client() as client:
        response = await client.patch(path(PETRO), json={"last_name": "Коваль", name: value})

    assert refusal(response) == schema_failed(field_error(f"$.{name}", rule, description, params))


@pytest.mark.parametrize(
    ("contact", "error"),
    [
        ({"note": "x"}, field_error("$.emergency_contact.note", "schema", NOT_ALLOWED)),
        (
            {"phones": {}},
            field_error(
                "$.emergency_contact.phones", "cast", "type mismatch. Expected array but got object", ("array",)
            ),
        ),
        (
            {"phones": [None]},
            field_error(
                "$.emergency_contact.phones.[0]", "cast", "type mismatch. Expected object but got null", ("object",)
            ),
        ),
        (
            {"phones": [{"type": "MOBILE", "number": 380503410870}]},
            field_error(
                "$.emergency_contact.phones.[0].number",
                "cast",
                "type mismatch. Expected string but got integer",
                ("string",),
            ),
        ),
        (
            {"phones": [{"number": "+380503410870"}]},
            field_error("$.emergency_contact.phones.[0].type", "required", "required property type was not present"),
        ),
        (
            {"phones": [{"type": "WORK", "number": "+380503410870"}]},
            field_error(
                "$.emergency_contact.phones.[0].type",
                "inclusion",
                UNKNOWN_CODE,
                {"values": ["MOBILE", "LAND_LINE", "LANDLINE"]},
            ),
        ),
        (
            {"phones": [{"type": "MOBILE", "number": "+380503410870"}, {"type": "MOBILE", "number": "0503410870"}]},
            field_error(
                "$.emergency_contact.phones.[1].number",
                "format",
                r'string does not match pattern "^\+[0-9]{11,12}$"',
                (r"^\+[0-9]{11,12}$",),
            ),
        ),
    ],
)
async def test_a_contact_that_breaks_the_schema_is_named_to_the_phone(contact: Json, error: Json) -> None:
    async with ehealth_client() as client:
        response = await client.patch(path(PETRO), json={"emergency_contact": contact})

    assert refusal(response) == schema_failed(error)


async def test_all_invalid_fields_of_a_body_are_reported_together() -> None:
    body = {
        "gender": "OTHER",
        "birth_date": "2026-03-05",
        "emergency_contact": {"phones": [{"type": "MOBILE", "number": "1"}]},
        "status": "INACTIVE",
    }

    async with ehealth_client() as client:
        response = await client.patch(path(PETRO), json=body)

    pattern = r"^\+[0-9]{11,12}$"
    assert refusal(response) == schema_failed(
        field_error("$.gender", "inclusion", UNKNOWN_CODE, {"values": ["MALE", "FEMALE"]}),
        field_error(
            "$.emergency_contact.phones.[0].number",
            "format",
            f'string does not match pattern "{pattern}"',
            (pattern,),
        ),
        field_error("$.status", "schema", NOT_ALLOWED),
        field_error("$.birth_date", "invalid", "Birth date can't be in the future"),
    )


json_values = st.recursive(
    st.none() | st.booleans() | st.floats(-5, 5) | st.integers(-5, 5) | st.sampled_from(["", "MALE", "2020-01-01"]),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["phones", "type", "number"]), inner, max_size=2)
    ),
    max_leaves=4,
)
FIELDS = ("external_id", "first_name", "gender", "birth_date", "death_date", "emergency_contact", "note", "x")


@given(body=json_values | st.dictionaries(st.sampled_from(FIELDS), json_values, max_size=3))
def test_whatever_stands_in_a_body_is_accepted_or_refused(body: object) -> None:
    """And never brings the simulator down, which raises here."""

    async def patch() -> httpx.Response:
        async with ehealth_client() as client:
            return await client.patch(
                path(PETRO), content=json.dumps(body), headers={"Content-Type": "application/json"}
            )

    assert anyio.run(patch).status_code in (200, 422)


@pytest.mark.parametrize(
    ("external_id", "matches"),
    [("12345678.87654321.1", True), ("#1234-FDS-ab", False), ("12345678.87654321.1\n", False), ("1.2.3", False)],
)
async def test_the_pattern_of_external_id_is_enforced_by_a_switch(external_id: str, matches: bool) -> None:
    pattern = r"^[0-9]{8,10}\.[0-9]{8,10}\.[0-9]{1,10}$"

    async with ehealth_client(strict_external_id=True) as client:
        strict = await client.patch(path(PETRO), json={"external_id": external_id})
    async with ehealth_client() as client:
        lenient = await client.patch(path(PETRO), json={"external_id": external_id})

    assert lenient.json()["data"]["external_id"] == external_id
    if matches:
        assert strict.json()["data"]["external_id"] == external_id
    else:
        text = f'string does not match pattern "{pattern}"'
        assert refusal(strict) == schema_failed(field_error("$.external_id", "format", text, (pattern,)))


# --- dates


BIRTH_IN_FUTURE = field_error("$.birth_date", "invalid", "Birth date can't be in the future")
DEATH_IN_FUTURE = field_error("$.death_date", "invalid", "Death date can not be in future")
DEATH_BEFORE_BIRTH = field_error("$.death_date", "invalid", "Death date should equal or greater than birth_date")


@pytest.mark.parametrize(
    ("body", "errors"),
    [
        ({"birth_date": "2026-03-05"}, [BIRTH_IN_FUTURE]),
        ({"death_date": "2026-03-05"}, [DEATH_IN_FUTURE]),
        ({"birth_date": "2000-01-01", "death_date": "1999-12-31"}, [DEATH_BEFORE_BIRTH]),
        ({"death_date": "1979-12-31"}, [DEATH_BEFORE_BIRTH]),  # the stored birth date is 1980-01-01
        (
            {"birth_date": "2026-03-06", "death_date": "2026-03-05"},
            [BIRTH_IN_FUTURE, DEATH_IN_FUTURE, DEATH_BEFORE_BIRTH],
        ),
    ],
)
async def test_dates_in_the_future_or_in_the_wrong_order_are_refused(body: Json, errors: list[Json]) -> None:
    async with ehealth_client() as client:
        response = await client.patch(path(PETRO), json=body)

    assert refusal(response) == failed(*errors)


@pytest.mark.parametrize(
    "body", [{"birth_date": "2026-03-04"}, {"death_date": "2026-03-04"}, {"death_date": "1980-01-01"}]
)
async def test_today_and_the_day_of_birth_are_good_dates(body: Json) -> None:
    async with ehealth_client() as client:
        response = await client.patch(path(PETRO), json=body)

    assert response.status_code == 200


async def test_today_is_the_day_in_utc() -> None:
    kyiv = timezone(timedelta(hours=2))

    async with ehealth_client(now=lambda: datetime(2026, 3, 5, 1, 0, tzinfo=kyiv)) as client:
        response = await client.patch(path(PETRO), json={"birth_date": "2026-03-05"})

    assert refusal(response) == failed(BIRTH_IN_FUTURE)


# --- what an update does


async def test_an_update_changes_what_it_names_and_is_signed_and_stays() -> None:
    async with ehealth_client() as client:
        before = (await client.get(path(PETRO))).json()["data"]
        answer = await client.patch(path(PETRO), json={"external_id": "#1234-FDS-ab", "second_name": None})
        after = (await client.get(path(PETRO))).json()["data"]

    assert after == {
        **before,
        "external_id": "#1234-FDS-ab",
        "updated_at": "2026-03-04T05:06:07Z",
        "updated_by": "00000000-0000-4000-8000-00000000aaaa",
    }
    assert answer.status_code == 200
    assert answer.json()["data"] == after


async def test_every_field_that_may_be_updated_is_updated_at_once() -> None:
    body = {
        "external_id": "#1234-FDS-ab",
        "first_name": "Іван",
        "last_name": "Коваль",
        "second_name": "Петрович",
        "gender": "FEMALE",
        "birth_date": "1981-02-03",
        "emergency_contact": {"phones": [{"type": "LAND_LINE", "number": "+38044341087"}]},
        "death_date": "2018-11-11",
    }

    async with ehealth_client() as client:
        before = (await client.get(path(PETRO))).json()["data"]
        answer = await client.patch(path(PETRO), json=body)

    assert answer.json()["data"] == {
        **before,
        **body,
        "status": "INACTIVE",
        "updated_at": "2026-03-04T05:06:07Z",
        "updated_by": "00000000-0000-4000-8000-00000000aaaa",
    }


async def test_the_user_of_the_token_signs_the_update() -> None:
    async with ehealth_client(token="token-receptionist") as client:
        response = await client.patch(path(PETRO), json={"last_name": "Коваль"})

    assert response.json()["data"]["updated_by"] == "00000000-0000-4000-8000-00000000bbbb"


async def test_after_a_death_date_nothing_can_be_updated_any_more() -> None:
    async with ehealth_client() as client:
        died = await client.patch(path(PETRO), json={"death_date": "2026-03-03"})
        again = await client.patch(path(PETRO), json={"death_date": "2026-03-02"})
        read = await client.get(path(PETRO))

    assert (died.json()["data"]["status"], died.json()["data"]["death_date"]) == ("INACTIVE", "2026-03-03")
    assert refusal(again) == (422, {"type": "validation_failed", "message": "Preperson is not active"})
    assert read.json()["data"] == died.json()["data"]


async def test_a_refused_update_changes_nothing() -> None:
    async with ehealth_client() as client:
        before = (await client.get(path(PETRO))).json()["data"]
        await client.patch(path(PETRO), json={"last_name": "Коваль", "gender": "OTHER"})
        after = (await client.get(path(PETRO))).json()["data"]

    assert after == before


async def test_each_app_starts_afresh() -> None:
    async with ehealth_client() as client:
        await client.patch(path(PETRO), json={"last_name": "Коваль"})
    async with ehealth_client() as client:
        response = await client.get(path(PETRO))

    assert response.json()["data"]["last_name"] == "Іванов"


# --- ids that provoke an error


@pytest.mark.parametrize(
    ("status_code", "error"),
    [
        (401, {"type": "access_denied", "message": "Access token validation failed"}),
        (403, {"type": "forbidden", "message": "Invalid scope(s)"}),
        (409, {"type": "request_conflict", "message": "Legal entity must be ACTIVE"}),
        (429, {"type": "too_many_requests", "message": "Too many requests"}),
        (500, {"type": "internal_error", "message": "Internal server error"}),
        (503, {"type": "internal_error", "message": "Service is temporarily unavailable"}),
    ],
)
async def test_an_id_that_ends_in_a_status_provokes_it(status_code: int, error: Json) -> None:
    async with ehealth_client() as client:
        response = await client.patch(path(f"00000000-0000-4000-8000-000000000{status_code}"), json={"last_name": "X"})

    assert refusal(response) == (status_code, error)


async def test_a_gateway_that_fails_answers_with_a_page() -> None:
    async with ehealth_client() as client:
        response = await client.get(path("00000000-0000-4000-8000-000000000502"))

    assert response.status_code == 502
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    assert response.text.startswith("<html>")


@pytest.mark.parametrize(("status_code", "retry_after"), [(429, "1"), (503, "1"), (500, None)])
async def test_who_should_come_back_later_is_told_when(status_code: int, retry_after: str | None) -> None:
    async with ehealth_client() as client:
        response = await client.get(path(f"00000000-0000-4000-8000-000000000{status_code}"))

    assert response.headers.get("Retry-After") == retry_after


async def test_a_read_never_answers_409() -> None:
    async with ehealth_client() as client:
        response = await client.get(path("00000000-0000-4000-8000-000000000409"))

    assert response.status_code == 404


async def test_one_preperson_is_updated_at_once_and_answers_after_20_seconds() -> None:
    waited: list[float] = []

    async def sleep(seconds: float) -> None:
        waited.append(seconds)

    app = ehealth.create_app(now=lambda: NOW, sleep=sleep)
    headers = {"Authorization": "Bearer token-good", "Api-key": "sandbox-api-key"}
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://ehealth.test", headers=headers) as client:
        await client.get(path(PETRO))
        response = await client.patch(path("00000000-0000-4000-8000-000000000504"), json={"last_name": "X"})

    assert response.json()["data"]["last_name"] == "X"
    assert waited == [20.0]


# --- settings and documentation


async def test_the_settings_let_the_bridge_in() -> None:
    settings = ehealth.SETTINGS
    assert set(settings) == {
        "EHEALTH_ACCESS_TOKEN",
        "EHEALTH_API_KEY",
        "EHEALTH_CLIENT_ID",
        "EHEALTH_CLIENT_SECRET",
    }

    async with ehealth_client(token=settings["EHEALTH_ACCESS_TOKEN"], api_key=settings["EHEALTH_API_KEY"]) as client:
        response = await client.get(path(PETRO))

    assert response.status_code == 200


def test_the_documentation_names_every_preperson_token_and_merge_request() -> None:
    """And the other way round: no id or token stands in its tables that the simulator does not know."""
    text = (Path(__file__).parents[2] / "docs" / "sandbox.md").read_text(encoding="utf-8")
    section = text.partition("\n## eHealth Ukraine\n")[2].partition("\n## ")[0]
    in_tables = "\n".join(line for line in section.splitlines() if line.startswith("|"))

    ids = {str(person["id"]) for person in _ehealth_registry.PREPERSONS}
    ids |= {*_ehealth_registry.FAULT_IDS, _ehealth_registry.UNKNOWN_ID, *_ehealth_oauth.CLIENTS}
    known = [each for made in _ehealth_merges.MERGE_REQUESTS.values() for each in made]
    ids |= {str(each[name]) for each in known for name in ("id", "master_person_id")}
    assert set(re.findall(r"`([0-9a-f]{8}-[0-9a-f-]{27})`", in_tables)) == ids
    assert set(re.findall(r"`(token-[a-z-]+)`", in_tables)) == set(_ehealth_registry.TOKENS)
    assert set(re.findall(r"`((?:code|refresh)-[a-z-]+)`", in_tables)) == set(_ehealth_oauth.GRANTS)


def test_the_documentation_describes_every_preperson_by_the_right_row() -> None:
    """A row names the status that the id provokes, or the last name of the preperson."""
    text = (Path(__file__).parents[2] / "docs" / "sandbox.md").read_text(encoding="utf-8")
    rows = {line.split("`")[1]: line for line in text.splitlines() if line.startswith("| `")}

    for person in _ehealth_registry.PREPERSONS:
        assert str(person["last_name"] or "no name") in rows[str(person["id"])]
    for id, status_code in _ehealth_registry.FAULT_IDS.items():
        assert f"| {status_code} " in rows[id]
