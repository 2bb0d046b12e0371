"""`$process-message`, and a message posted to the base or as a Bundle: carried out as the update that it tells."""

import json

import httpx
import pytest

from fhir_bridge.outcome import Json
from tests.outcomes import issue, outcome
from tests.server.roche_sample import ANSWER, REQUEST
from tests.server.test_message import R4_MESSAGE
from tests.serving import Canned

pytestmark = pytest.mark.anyio

FHIR_JSON = {"Content-Type": "application/fhir+json"}
STU3 = {"Content-Type": "application/fhir+json; fhirVersion=3.0"}
WAYS = ["/fhir/roche/$process-message", "/fhir/roche/Bundle", "/fhir/roche", "/fhir/roche?async=false"]
AT_HUB = ["/fhir/$process-message", "/fhir"]
CALL = "PUT https://roche.test/partners/fhir/stu3/api/v2/Bundle/Bj6.1Lq-hvb-28"


@pytest.mark.parametrize("url", WAYS)
async def test_a_message_tells_the_partner_by_itself(canned: httpx.AsyncClient, partner: Canned, url: str) -> None:
    """The call and the answer are those of the update."""
    partner.answer(200, text=ANSWER)

    response = await canned.post(url, content=REQUEST, headers=FHIR_JSON)

    assert (partner.calls(), partner.bodies()) == ([CALL], [json.loads(REQUEST)])
    assert (response.status_code, response.json()) == (200, json.loads(ANSWER))


@pytest.mark.parametrize("url", AT_HUB)
async def test_the_hub_takes_messages_in_stu3(canned: httpx.AsyncClient, partner: Canned, url: str) -> None:
    """Where the client says that it is STU3: the hub's own version is R4."""
    partner.answer(200, text=ANSWER)

    response = await canned.post(url, content=REQUEST, headers=STU3)

    assert (response.status_code, partner.calls()) == (200, [CALL])


@pytest.mark.parametrize("url", AT_HUB)
async def test_and_in_r4(client: httpx.AsyncClient, url: str) -> None:
    """The answer is R4 as well."""
    response = await client.post(url, json=R4_MESSAGE)

    assert (response.status_code, response.json()) == (200, R4_MESSAGE)


@pytest.mark.parametrize("url", ["/fhir/roche/$process-message", "/fhir/roche", "/fhir/$process-message"])
@pytest.mark.parametrize(
    ("query", "name"),
    [("async=true", "async"), ("response-url=https://client.example/answers", "response-url")],
)
async def test_an_answer_later_or_elsewhere_is_refused(
    canned: httpx.AsyncClient, partner: Canned, url: str, query: str, name: str
) -> None:
    """Nothing is sent: the client would wait for an answer that nobody sends."""
    response = await canned.post(f"{url}?{query}", json=R4_MESSAGE)

    text = "A message is answered at once, in the answer to the request; leave this parameter out."
    assert (response.status_code, response.json()) == (
        400,
        outcome(issue("value-not-allowed", "not-supported", text, f"http.{name}")),
    )
    assert partner.calls() == []


@pytest.mark.parametrize("prefer", ["respond-async", "respond-async, wait=10"])
async def test_a_wish_for_a_later_answer_is_none(client: httpx.AsyncClient, prefer: str) -> None:
    """RFC 7240: a preference that is not met is ignored."""
    response = await client.post("/fhir/roche", content=REQUEST, headers=FHIR_JSON | {"Prefer": prefer})

    assert response.status_code == 200


@pytest.mark.parametrize(
    ("body", "text", "expression", "code"),
    [
        (None, "The body is empty; send a Bundle.", "Bundle", "required"),
        (
            {"resourceType": "Parameters"},
            "`resourceType` must be `Bundle` here; send a Bundle.",
            "resourceType",
            "invalid",
        ),
    ],
)
async def test_what_is_no_bundle_is_no_message(
    canned: httpx.AsyncClient, partner: Canned, body: Json, text: str, expression: str, code: str
) -> None:
    """The body is the message itself, in no Parameters."""
    content = None if body is None else json.dumps(body)

    response = await canned.post("/fhir/roche/$process-message", content=content, headers=FHIR_JSON)

    told = outcome(issue("wrong-resource-type", code, text, expression))  # type: ignore[arg-type]
    assert (response.status_code, response.json(), partner.calls()) == (400, told, [])


async def test_a_base_without_messages_says_what_it_has(client: httpx.AsyncClient) -> None:
    """404, with the operations of the base."""
    response = await client.post("/fhir/wmda", json=R4_MESSAGE)

    text = (
        "WMDA Search & Match has no operation `$process-message` at this address. "
        "It has Patient/[id]/$start-search, Patient/[id]/$update-search-status."
    )
    assert (response.status_code, response.json()) == (404, outcome(issue("unknown-path", "not-supported", text)))
