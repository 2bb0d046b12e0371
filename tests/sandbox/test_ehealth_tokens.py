"""The simulator of eHealth Ukraine exchanges codes and refresh tokens for access tokens, each once."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from tests.sandbox.ehealth_client import NOW, PETRO, Json, ehealth_client, field_error, path, refusal, schema_failed

pytestmark = pytest.mark.anyio

TOKENS = "/oauth/tokens"
CLINIC = {
    "client_id": "00000000-0000-4000-8000-00000000c001",
    "client_secret": "sandbox-client-secret",
}
CODE = {
    **CLINIC,
    "grant_type": "authorization_code",
    "code": "code-good",
    "redirect_uri": "https://mis.example.org/signed-in",
    "scope": "preperson:read preperson:write",
}
REFRESH = {**CLINIC, "grant_type": "refresh_token", "refresh_token": "refresh-good"}


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def test_a_code_is_exchanged_for_a_token_with_the_scopes_that_were_asked_for() -> None:
    async with ehealth_client(token=None) as client:
        answer = await client.post(TOKENS, json={"token": CODE})
        read = await client.get(path(PETRO), headers={"Authorization": "Bearer access-new-1"})
        merges = await client.get("/api/merge_requests", headers={"Authorization": "Bearer access-new-1"})

    assert answer.status_code == 201
    assert answer.json()["data"] == {
        "id": "new-3",
        "name": "access_token",
        "value": "access-new-1",
        "expires_at": 1772604367,
        "user_id": "00000000-0000-4000-8000-00000000aaaa",
        "details": {
            "client_id": "00000000-0000-4000-8000-00000000c001",
            "grant_type": "authorization_code",
            "redirect_uri": "https://mis.example.org/signed-in",
            "refresh_token": "refresh-new-2",
            "scope": "preperson:read preperson:write",
        },
    }
    assert (read.status_code, merges.status_code) == (200, 403)


async def test_a_refresh_token_brings_a_new_pair_and_is_used_up() -> None:
    async with ehealth_client(token=None) as client:
        first = await client.post(TOKENS, json={"token": REFRESH})
        again = await client.post(TOKENS, json={"token": REFRESH})
        next_ = await client.post(TOKENS, json={"token": {**REFRESH, "refresh_token": "refresh-new-2"}})
        read = await client.get(path(PETRO), headers={"Authorization": "Bearer access-new-4"})

    details = first.json()["data"]["details"]
    assert (first.status_code, details["grant_type"], details["refresh_token"]) == (
        201,
        "refresh_token",
        "refresh-new-2",
    )
    assert details["scope"] == "merge_request:read preperson:read preperson:write"
    assert refusal(again) == (401, {"type": "access_denied", "message": "Token has already been used."})
    assert next_.json()["data"]["details"]["refresh_token"] == "refresh-new-5"
    assert read.status_code == 200


async def test_a_token_ends_after_an_hour() -> None:
    clock = [NOW]

    def now() -> datetime:
        return clock[0]

    async with ehealth_client(token="access-new-1", now=now) as client:
        await client.post(TOKENS, json={"token": REFRESH})
        clock[0] = NOW + timedelta(seconds=3599)
        before = await client.get(path(PETRO))
        clock[0] = NOW + timedelta(seconds=3600)
        after = await client.get(path(PETRO))

    assert before.status_code == 200
    assert refusal(after) == (401, {"type": "access_denied", "message": "Access token validation failed"})


async def test_what_begins_like_the_good_ones_is_as_good_once() -> None:
    """So that nobody has to start the simulator anew."""
    async with ehealth_client(token=None) as client:
        codes = [await client.post(TOKENS, json={"token": {**CODE, "code": f"code-good-{n}"}}) for n in (1, 2, 2)]
        tokens = [
            await client.post(TOKENS, json={"token": {**REFRESH, "refresh_token": f"refresh-good-{n}"}})
            for n in (1, 2, 2)
        ]

    assert [each.status_code for each in (*codes, *tokens)] == [201, 201, 401, 201, 201, 401]


@pytest.mark.parametrize(
    ("token", "message"),
    [
        ({**CODE, "client_secret": "guessed"}, "Invalid client id or secret."),
        ({**CODE, "client_id": "00000000-0000-4000-8000-00000000c009"}, "Invalid client id or secret."),
        ({**CODE, "code": "code-of-nobody"}, "Token not found."),
        ({**CODE, "code": "refresh-good"}, "Token not found."),
        ({**REFRESH, "refresh_token": "code-good"}, "Token not found."),
        ({**CODE, "code": "code-of-the-hospital"}, "Token not found or expired."),
        ({**REFRESH, "refresh_token": "refresh-of-the-hospital"}, "Token not found or expired."),
        ({**CODE, "code": "code-expired"}, "Token expired."),
        ({**REFRESH, "refresh_token": "refresh-expired"}, "Token expired."),
        (
            {**CODE, "redirect_uri": "https://elsewhere.example.org"},
            "The redirection URI provided does not match a pre-registered value.",
        ),
    ],
)
async def test_who_has_no_right_to_a_token_gets_none(token: Json, message: str) -> None:
    async with ehealth_client(token=None) as client:
        response = await client.post(TOKENS, json={"token": token})

    assert refusal(response) == (401, {"type": "access_denied", "message": message})


async def test_the_hospital_has_a_secret_of_its_own() -> None:
    hospital = {"client_id": "00000000-0000-4000-8000-00000000c002", "client_secret": "sandbox-hospital-secret"}

    async with ehealth_client(token=None) as client:
        token = {**REFRESH, **hospital, "refresh_token": "refresh-of-the-hospital"}
        answer = await client.post(TOKENS, json={"token": token})
        headers = {"Authorization": "Bearer access-new-1"}
        signed = await client.patch(path(PETRO), json={"last_name": "Коваль"}, headers=headers)

    assert answer.json()["data"]["user_id"] == "00000000-0000-4000-8000-00000000bbbb"
    assert signed.json()["data"]["updated_by"] == "00000000-0000-4000-8000-00000000bbbb"


async def test_more_than_is_allowed_is_400_and_the_code_stays_good() -> None:
    async with ehealth_client(token=None) as client:
        more = await client.post(TOKENS, json={"token": {**CODE, "scope": "preperson:read person:read"}})
        less = await client.post(TOKENS, json={"token": CODE})

    text = "Allowed scopes for the token are merge_request:read, preperson:read, preperson:write."
    assert refusal(more) == (400, {"type": "request_malformed", "message": text})
    assert less.status_code == 201


def missing(*names: str) -> tuple[int, object]:
    entries = [(name, name.rpartition(".")[2]) for name in names]
    return schema_failed(
        *(field_error(f"$.{path}", "required", f"required property {name} was not present") for path, name in entries)
    )


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ([], missing("token")),
        (CODE, missing("token")),
        ({"token": {}}, missing("token.grant_type", "token.client_id", "token.client_secret")),
        (
            {"token": {"grant_type": "authorization_code"}},
            missing("token.client_id", "token.client_secret", "token.code", "token.redirect_uri", "token.scope"),
        ),
        ({"token": {**REFRESH, "refresh_token": ""}}, missing("token.refresh_token")),
        ({"token": {**REFRESH, "refresh_token": 1}}, missing("token.refresh_token")),
        (
            {"token": {**CODE, "grant_type": "password"}},
            schema_failed(
                field_error(
                    "$.token.grant_type",
                    "inclusion",
                    "value is not allowed in enum",
                    {"values": ["authorization_code", "refresh_token"]},
                )
            ),
        ),
    ],
)
async def test_each_attribute_that_is_missing_is_named(body: object, expected: object) -> None:
    """The attributes stand below `token`, not at the top."""
    async with ehealth_client(token=None) as client:
        response = await client.post(TOKENS, json=body)

    assert refusal(response) == expected


async def test_a_body_that_is_no_json_is_refused() -> None:
    async with ehealth_client(token=None) as client:
        form = await client.post(TOKENS, data=REFRESH)
        broken = await client.post(TOKENS, content=b"{", headers={"Content-Type": "application/json"})

    assert (form.status_code, broken.status_code) == (415, 400)


async def test_who_has_no_api_key_gets_no_token() -> None:
    async with ehealth_client(token=None, api_key=None) as client:
        response = await client.post(TOKENS, json={"token": REFRESH})

    assert refusal(response) == (401, {"type": "access_denied", "message": "Api-key validation failed"})
