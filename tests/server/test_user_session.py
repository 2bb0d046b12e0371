"""A user's own tokens: an access token that has run out is renewed by the refresh token that the client hands in."""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncIterator

import httpx
import pytest

from fhir_bridge.mapping.routes import Routes
from fhir_bridge.sandbox import ehealth
from tests.outcomes import issue, outcome
from tests.serving import SANDBOX, Canned, serving, shipped, simulated

pytestmark = pytest.mark.anyio

ID = "7c3da506-804d-4550-8993-bf17f9ee0402"
PATIENT = f"/fhir/ehealth/Patient/{ID}"
USER = {"Authorization": "Bearer token-expired", "X-Refresh-Token": "refresh-good"}
PUT = {"resourceType": "Patient", "id": ID, "gender": "female"}


@pytest.fixture(scope="module")
def routes() -> Routes:
    """The bridge without a token of its own for the partner whose tokens belong to a user."""
    return shipped({name: value for name, value in SANDBOX.items() if name != "EHEALTH_ACCESS_TOKEN"})


@pytest.fixture
async def user(routes: Routes) -> AsyncIterator[httpx.AsyncClient]:
    async with serving(routes, simulated()) as client:
        client.headers.update(USER)
        yield client


async def test_a_session_lives_on_while_the_client_sends_the_pair_that_it_has(user: httpx.AsyncClient) -> None:
    """The partner takes each refresh token once; the bridge alone knows the next."""
    read = await user.get(PATIENT)
    updated = await user.put(PATIENT, json=PUT)
    again = await user.get(PATIENT)

    assert [each.status_code for each in (read, updated, again)] == [200, 200, 200]
    assert again.json()["gender"] == "female"


async def test_a_patch_and_a_batch_renew_once(user: httpx.AsyncClient) -> None:
    patch = [{"op": "replace", "path": "/gender", "value": "female"}]
    entry = {"request": {"method": "GET", "url": f"Patient/{ID}"}}
    batch = {"resourceType": "Bundle", "type": "batch", "entry": [entry, entry, entry]}

    patched = await user.patch(
        PATIENT, content=json.dumps(patch), headers={"Content-Type": "application/json-patch+json"}
    )
    answered = await user.post("/fhir/ehealth", json=batch)

    assert (patched.status_code, patched.json()["gender"]) == (200, "female")
    assert [each["response"]["status"] for each in answered.json()["entry"]] == ["200 OK"] * 3


async def test_a_batch_of_one_user_renews_once(user: httpx.AsyncClient) -> None:
    """Its entries are side by side."""
    entry = {"request": {"method": "GET", "url": f"Patient/{ID}"}}
    batch = {"resourceType": "Bundle", "type": "batch", "entry": [entry] * 5}

    answered = await user.post("/fhir/ehealth", json=batch)

    assert [each["response"]["status"] for each in answered.json()["entry"]] == ["200 OK"] * 5


async def test_a_refresh_token_that_is_refused_asks_the_user_to_log_in(user: httpx.AsyncClient) -> None:
    response = await user.get(PATIENT, headers={"X-Refresh-Token": "refresh-expired"})

    text = (
        "The partner ehealth refused the refresh token as well, with status 401: let the user log in again, and send "
        "the new tokens. The call itself was not carried out."
    )
    assert (response.status_code, response.headers["www-authenticate"]) == (401, "Bearer")
    assert response.json() == outcome(issue("partner-credentials-refused", "login", text, "http.X-Refresh-Token"))


async def test_a_refresh_token_that_somebody_else_has_used_up_is_refused(routes: Routes) -> None:
    """Another process of the bridge, for one: each has its own memory."""
    app = ehealth.create_app()
    async with serving(routes, simulated(ehealth=app)) as one, serving(routes, simulated(ehealth=app)) as other:
        first = await one.get(PATIENT, headers=USER)
        second = await other.get(PATIENT, headers=USER)

    assert (first.status_code, second.status_code) == (200, 401)


async def test_without_a_refresh_token_the_partners_401_is_the_clients(user: httpx.AsyncClient) -> None:
    del user.headers["X-Refresh-Token"]

    response = await user.get(PATIENT)

    assert response.status_code == 401
    assert response.json()["issue"][0]["details"]["text"] == "eHealth Ukraine refused the token that you sent."


async def test_without_the_client_of_its_own_the_bridge_renews_nothing(partner: Canned) -> None:
    """The variables are optional; without them, the client's token is passed on as ever."""
    names = ("EHEALTH_ACCESS_TOKEN", "EHEALTH_CLIENT_ID", "EHEALTH_CLIENT_SECRET")
    partner.answer(401)

    async with serving(
        shipped({name: value for name, value in SANDBOX.items() if name not in names}), partner.everywhere()
    ) as client:
        response = await client.get(PATIENT, headers=USER)

    assert (response.status_code, len(partner.requests)) == (401, 1)


async def test_the_refresh_token_goes_to_the_token_endpoint_and_nowhere_else(routes: Routes, partner: Canned) -> None:
    partner.answer(401)
    partner.answer(201, {"data": {"value": "a-1", "expires_at": 4_000_000_000, "details": {"refresh_token": "r-1"}}})
    partner.answer(200, {"data": {"id": ID}})

    async with serving(routes, partner.everywhere()) as client:
        response = await client.get(PATIENT, headers=USER)

    assert response.status_code == 200
    assert partner.calls() == [
        f"GET http://ehealth.test/api/prepersons/{ID}",
        "POST http://ehealth.test/oauth/tokens",
        f"GET http://ehealth.test/api/prepersons/{ID}",
    ]
    assert partner.bodies()[1] == {
        "token": {
            "grant_type": "refresh_token",
            "client_id": SANDBOX["EHEALTH_CLIENT_ID"],
            "client_secret": SANDBOX["EHEALTH_CLIENT_SECRET"],
            "refresh_token": "refresh-good",
        }
    }
    assert [request.headers.get("authorization") for request in partner.requests] == [
        "Bearer token-expired",
        None,
        "Bearer a-1",
    ]
    assert not any("x-refresh-token" in request.headers for request in partner.requests)


async def test_no_token_stands_in_the_log(user: httpx.AsyncClient, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)

    await user.get(PATIENT)
    await user.get(PATIENT, headers={"X-Refresh-Token": "refresh-expired"})

    own = [record.getMessage() for record in caplog.records if record.name.startswith("fhir_bridge")]
    assert own
    assert not any(word in line for line in own for word in ("token-expired", "refresh-", "access-"))
