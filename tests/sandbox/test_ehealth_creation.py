"""The simulator of eHealth Ukraine creates prepersons as "Create preperson" says, in its order and in its words."""

from __future__ import annotations

import json

import anyio
import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.sandbox.ehealth_client import Json, ehealth_client, failed, field_error, path, refusal, schema_failed

pytestmark = pytest.mark.anyio

ALL = "/api/prepersons"
NOT_ALLOWED = "schema does not allow additional properties"
EMPTY_EXTERNAL_ID = field_error("$.external_id", "required", "external_id should not be empty")


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def test_a_preperson_needs_an_external_id_and_nothing_else() -> None:
    async with ehealth_client() as client:
        answer = await client.post(ALL, json={"external_id": "12345678.87654321.77"})
        read = await client.get(path("new-1"))

    body = answer.json()
    assert answer.status_code == 201
    assert (body["meta"]["code"], body["meta"]["url"]) == (201, "http://ehealth.test/api/prepersons")
    assert body["data"] == {
        "id": "new-1",
        "external_id": "12345678.87654321.77",
        "first_name": None,
        "last_name": None,
        "second_name": None,
        "gender": None,
        "birth_date": None,
        "emergency_contact": None,
        "note": None,
        "status": "ACTIVE",
        "death_date": None,
        "inserted_at": "2026-03-04T05:06:07Z",
        "inserted_by": "00000000-0000-4000-8000-00000000aaaa",
        "updated_at": "2026-03-04T05:06:07Z",
        "updated_by": "00000000-0000-4000-8000-00000000aaaa",
    }
    assert read.json()["data"] == body["data"]


async def test_a_preperson_is_created_with_a_note_and_all_that_is_known() -> None:
    body = {
        "external_id": "12345678.87654321.77",
        "first_name": "Олена",
        "last_name": "Коваль",
        "second_name": "Іванівна",
        "gender": "FEMALE",
        "birth_date": "1990-05-17",
        "emergency_contact": {"last_name": "Коваль", "phones": [{"type": "MOBILE", "number": "+380503410870"}]},
        "note": "brought in by ambulance",
    }

    async with ehealth_client() as client:
        answer = await client.post(ALL, json=body)

    created = answer.json()["data"]
    assert {name: created[name] for name in body} == body


async def test_a_new_preperson_can_be_updated_but_for_the_note() -> None:
    async with ehealth_client() as client:
        await client.post(ALL, json={"external_id": "1", "note": "brought in by ambulance"})
        noted = await client.patch(path("new-1"), json={"note": "went home"})
        named = await client.patch(path("new-1"), json={"last_name": "Коваль"})

    assert noted.status_code == 422
    assert (named.json()["data"]["last_name"], named.json()["data"]["note"]) == ("Коваль", "brought in by ambulance")


@pytest.mark.parametrize(
    ("token", "status_code", "error"),
    [
        ("token-expired", 401, {"type": "access_denied", "message": "Access token validation failed"}),
        ("token-read-only", 403, {"type": "forbidden", "message": "Invalid scope(s)"}),
        ("token-unverified-party", 403, {"type": "forbidden", "message": "Access denied. Party is not verified"}),
        (
            "token-suspended-legal-entity",
            409,
            {"type": "request_conflict", "message": "Legal entity must be ACTIVE"},
        ),
        (
            "token-no-inpatient-service",
            409,
            {"type": "request_conflict", "message": "Legal entity does not have appropriate healthcare services"},
        ),
        ("token-good", 400, {"type": "request_malformed", "message": "The body is not JSON"}),
    ],
)
async def test_who_asks_is_checked_before_what_is_asked(token: str, status_code: int, error: Json) -> None:
    """Token, scope, party, legal entity, its services, body."""
    async with ehealth_client(token=token) as client:
        response = await client.post(ALL, content=b"{", headers={"Content-Type": "application/json"})

    assert refusal(response) == (status_code, error)


@pytest.mark.parametrize("token", ["token-write-only", "token-receptionist"])
async def test_who_may_write_creates(token: str) -> None:
    async with ehealth_client(token=token) as client:
        response = await client.post(ALL, json={"external_id": "1"})

    assert response.status_code == 201


async def test_the_block_of_users_who_are_not_verified_is_a_switch() -> None:
    async with ehealth_client(token="token-unverified-party", block_unverified_party_users=False) as client:
        response = await client.post(ALL, json={"external_id": "1"})

    assert response.status_code == 201


async def test_a_clinic_without_such_services_still_updates() -> None:
    async with ehealth_client(token="token-no-inpatient-service") as client:
        response = await client.patch(path("00000000-0000-4000-8000-000000000002"), json={"last_name": "Коваль"})

    assert response.status_code == 200


@pytest.mark.parametrize("body", [{}, {"external_id": None}, {"external_id": ""}, {"last_name": "Коваль"}])
async def test_without_an_external_id_nobody_is_created(body: Json) -> None:
    async with ehealth_client() as client:
        response = await client.post(ALL, json=body)
        read = await client.get(path("new-1"))

    assert refusal(response) == failed(EMPTY_EXTERNAL_ID)
    assert read.status_code == 404


@pytest.mark.parametrize("name", ["status", "death_date", "is_active", "id"])
async def test_what_the_server_sets_cannot_be_created(name: str) -> None:
    async with ehealth_client() as client:
        response = await client.post(ALL, json={"external_id": "1", name: "2018-11-11"})

    assert refusal(response) == schema_failed(field_error(f"$.{name}", "schema", NOT_ALLOWED))


async def test_all_that_is_wrong_is_told_at_once_the_external_id_last() -> None:
    async with ehealth_client() as client:
        response = await client.post(ALL, json={"gender": "OTHER", "birth_date": "2026-03-05", "note": 1})

    assert refusal(response) == schema_failed(
        field_error("$.gender", "inclusion", "value is not allowed in enum", {"values": ["MALE", "FEMALE"]}),
        field_error("$.note", "cast", "type mismatch. Expected string but got integer", ("string",)),
        field_error("$.birth_date", "invalid", "Birth date can't be in the future"),
        EMPTY_EXTERNAL_ID,
    )


async def test_a_body_that_is_no_object_is_refused() -> None:
    async with ehealth_client() as client:
        response = await client.post(ALL, json=["external_id"])

    assert refusal(response) == schema_failed(
        field_error("$", "cast", "type mismatch. Expected object but got array", ("object",))
    )


@pytest.mark.parametrize("external_id", ["#1234-FDS-ab", 1])
async def test_the_pattern_of_external_id_is_a_switch(external_id: object) -> None:
    pattern = r"^[0-9]{8,10}\.[0-9]{8,10}\.[0-9]{1,10}$"
    text = f'string does not match pattern "{pattern}"'

    async with ehealth_client(strict_external_id=True) as client:
        strict = await client.post(ALL, json={"external_id": external_id})
    async with ehealth_client() as client:
        lenient = await client.post(ALL, json={"external_id": external_id})

    if external_id == 1:
        no_text = field_error("$.external_id", "cast", "type mismatch. Expected string but got integer", ("string",))
        assert refusal(strict) == refusal(lenient) == schema_failed(no_text)
    else:
        assert refusal(strict) == failed(field_error("$.external_id", "format", text, (pattern,)))
        assert lenient.status_code == 201


json_values = st.none() | st.booleans() | st.integers(-5, 5) | st.sampled_from(["", "MALE", "2020-01-01"])
FIELDS = ("external_id", "first_name", "gender", "birth_date", "death_date", "emergency_contact", "note", "x")


@given(body=json_values | st.lists(json_values) | st.dictionaries(st.sampled_from(FIELDS), json_values, max_size=3))
def test_whatever_stands_in_a_body_is_accepted_or_refused(body: object) -> None:
    """And never brings the simulator down, which raises here."""

    async def post() -> httpx.Response:
        async with ehealth_client() as client:
            return await client.post(ALL, content=json.dumps(body), headers={"Content-Type": "application/json"})

    assert anyio.run(post).status_code in (201, 422)
