"""`POST` and `PUT` of a Practitioner, which passes as it is, in STU3 or converted from R4 and back."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from fhir_bridge.mapping.routes import Routes
from fhir_bridge.outcome import Json
from fhir_bridge.sandbox import roche
from tests.outcomes import issue, outcome
from tests.serving import SANDBOX, Canned, serving, shipped, simulated

pytestmark = pytest.mark.anyio

ALL = "/fhir/roche/Practitioner"
EVA = f"{ALL}/sZX6uQW-VOH-0868"
CALL = "https://roche.test/partners/fhir/stu3/api/v2/Practitioner"
R4 = {"Content-Type": "application/fhir+json; fhirVersion=4.0", "Accept": "application/fhir+json; fhirVersion=4.0"}
STU3 = {"Content-Type": "application/fhir+json"}


def practitioner(value: str = "22222222J", system: str = "http://hl7.org/fhir/v2/0360", **elements: Json) -> Json:
    """Return a practitioner; the system of a qualification's code is STU3's, or R4's."""
    return {
        "resourceType": "Practitioner",
        "identifier": [{"system": "urn:oid:2.16.724.4.305", "value": value}],
        "name": [{"family": "Gil", "given": ["Luz"]}],
        "telecom": [{"system": "email", "value": "luz.gil@example.org"}],
        "qualification": [{"code": {"coding": [{"system": system, "code": "MD"}]}}],
        **elements,
    }


IN_R4 = "http://terminology.hl7.org/CodeSystem/v2-0360"
IN_STU3 = "http://hl7.org/fhir/v2/0360"
VERSIONS = [pytest.param(R4, IN_R4, id="R4"), pytest.param(STU3, IN_STU3, id="STU3")]


def refused(code: Any, words: str) -> Json:
    """Return the issue for a complaint of the partner; its own code is the issue type."""
    return issue(
        "partner-refused", code, "Roche Diabetes Care refused the request.", partner=("roche", code), diagnostics=words
    )


@pytest.mark.parametrize(("headers", "system"), VERSIONS)
async def test_a_practitioner_is_made_and_changed(
    client: httpx.AsyncClient, headers: dict[str, str], system: str
) -> None:
    """By the id that the partner gave; both answers are what the partner has."""
    made = await client.post(ALL, json=practitioner(system=system), headers=headers)
    changed_one = {**made.json(), "telecom": [{"system": "phone", "value": "600000001"}]}
    changed = await client.put(f"{ALL}/Created-Practitioner-1", json=changed_one, headers=headers)

    assert (made.status_code, made.json()) == (201, {**practitioner(system=system), "id": "Created-Practitioner-1"})
    assert made.headers["Location"] == "http://bridge.test/fhir/roche/Practitioner/Created-Practitioner-1"
    assert (changed.status_code, changed.json()) == (200, changed_one)


@pytest.mark.parametrize(("headers", "system"), VERSIONS)
async def test_the_partner_gets_stu3(
    canned: httpx.AsyncClient, partner: Canned, headers: dict[str, str], system: str
) -> None:
    """With the headers of a change; the organisation is the client's, else the one that is configured."""
    request_id = "5109d51b-421e-4746-b673-16e3fe2b3442"
    body = practitioner(system=system, id="sZX6uQW-VOH-0868")
    partner.answer(200, body)

    await canned.put(EVA, json=body, headers=headers | {"X-Request-Id": request_id, "org_id": "2.16.724.4.7"})
    await canned.post(ALL, json=practitioner(system=system), headers=headers)

    update, create = partner.requests
    assert partner.calls() == [f"PUT {CALL}/sZX6uQW-VOH-0868", f"POST {CALL}"]
    assert partner.bodies() == [practitioner(id="sZX6uQW-VOH-0868"), practitioner()]
    assert update.headers["x-origin-request-id"] == request_id
    assert [request.headers["org_id"] for request in (update, create)] == ["2.16.724.4.7", "2.16.724.4.2"]
    assert {request.headers["content-type"] for request in (update, create)} == {"application/fhir+json"}


async def test_an_update_that_is_answered_without_a_body_is_a_success(routes: Routes) -> None:
    """As version 1 answered. No call reads a practitioner, so there is nothing to show."""
    async with serving(routes, simulated(roche=roche.create_app(empty_answer=True))) as client:
        response = await client.put(EVA, json=practitioner(id="sZX6uQW-VOH-0868"), headers=R4)

    assert (response.status_code, response.json()) == (
        200,
        outcome(issue("done", "informational", "The partner carried out the call.", severity="information")),
    )


async def test_what_the_profile_asks_for_is_told_at_once(canned: httpx.AsyncClient, partner: Canned) -> None:
    """Before anything is sent."""
    body = practitioner(identifier=[{"value": "1"}], name=[{"text": "Luz Gil"}])

    response = await canned.post(ALL, json=body, headers=STU3)

    assert (response.status_code, response.json()) == (
        422,
        outcome(
            issue("too-few", "required", "`system` is missing; add it.", "Practitioner.identifier[0].system"),
            issue("too-few", "required", "`family` is missing; add it.", "Practitioner.name[0].family"),
            issue("too-few", "required", "`given` is missing; add it.", "Practitioner.name[0].given"),
        ),
    )
    assert partner.calls() == []


async def test_the_id_in_the_body_is_that_of_the_address(canned: httpx.AsyncClient, partner: Canned) -> None:
    """And must be there."""
    response = await canned.put(EVA, json=practitioner(), headers=R4)

    text = "The id in the body must be the id in the address; make them the same."
    assert (response.status_code, response.json()) == (
        400,
        outcome(issue("id-differs", "invalid", text, "Practitioner.id")),
    )
    assert partner.calls() == []


@pytest.mark.parametrize(("status", "code"), [(400, "duplicate"), (409, "conflict")])
async def test_an_identifier_or_email_that_is_taken(routes: Routes, status: Any, code: str) -> None:
    """By another practitioner; the status of a clash stands on no page."""
    taken = [{"system": "email", "value": "taken@example.org"}]
    async with serving(routes, simulated(roche=roche.create_app(duplicate_status_code=status))) as client:
        made = await client.post(ALL, json=practitioner("TAKEN"), headers=STU3)
        changed = await client.put(EVA, json=practitioner(id="sZX6uQW-VOH-0868", telecom=taken), headers=STU3)

    told = refused(code, "Another practitioner has this identifier or e-mail address")
    told["details"]["coding"][1]["code"] = "duplicate"
    assert [made.status_code, changed.status_code] == [status, status]
    assert [made.json(), changed.json()] == [outcome(told)] * 2


async def test_a_practitioner_that_is_not_there_is_not_made(client: httpx.AsyncClient) -> None:
    """An update never makes a record."""
    response = await client.put(f"{ALL}/Unknown-404", json=practitioner(id="Unknown-404"), headers=R4)

    told = issue(
        "partner-refused",
        "not-found",
        "Roche Diabetes Care does not know this.",
        partner=("roche", "not-found"),
        diagnostics="Practitioner not found",
    )
    assert (response.status_code, response.json()) == (404, outcome(told))


async def test_a_record_of_another_practitioner_is_not_handed_out(canned: httpx.AsyncClient, partner: Canned) -> None:
    """The change was carried out, and the answer says so."""
    partner.answer(200, practitioner(id="another"))

    response = await canned.put(EVA, json=practitioner(id="sZX6uQW-VOH-0868"), headers=STU3)

    text = (
        "Roche Diabetes Care accepted the call (status 200), but its answer cannot be read: "
        "it is the record of another id than the one that was asked for."
    )
    assert (response.status_code, response.json()) == (
        502,
        outcome(issue("partner-answer-unreadable", "exception", text)),
    )


@pytest.mark.parametrize("told", [{}, {"id": None}, {"id": 7}])
async def test_a_new_practitioner_whose_id_is_not_told_cannot_be_found(
    canned: httpx.AsyncClient, partner: Canned, told: Json
) -> None:
    """It was made, but there is no address to give; the client must not take it for a failure, and send it again."""
    partner.answer(201, practitioner(**told))

    response = await canned.post(ALL, json=practitioner(), headers=STU3)

    text = (
        "Roche Diabetes Care accepted the call (status 201), but its answer cannot be read: "
        "it does not tell the id of the new record."
    )
    assert (response.status_code, response.json()) == (
        502,
        outcome(issue("partner-answer-unreadable", "exception", text)),
    )
    assert "Location" not in response.headers


async def test_no_call_reads_a_practitioner(client: httpx.AsyncClient) -> None:
    """Roche has none."""
    response = await client.get(EVA)

    text = "Roche Diabetes Care does not offer `read` of Practitioner at this address. It allows PUT."
    assert (response.status_code, response.json()) == (
        405,
        outcome(issue("method-not-allowed", "not-supported", text)),
    )


async def test_bad_credentials_are_the_bridges_fault() -> None:
    """401 at the partner."""
    async with serving(shipped(SANDBOX | {"ROCHE_CLIENT_SECRET": "wrong"}), simulated()) as client:
        response = await client.post(ALL, json=practitioner(), headers=STU3)

    text = "Roche Diabetes Care refused the bridge's own credentials."
    assert (response.status_code, response.json()) == (
        502,
        outcome(issue("partner-credentials-refused", "login", text)),
    )


async def test_a_practitioner_in_xml(client: httpx.AsyncClient) -> None:
    """The partner gets JSON all the same."""
    body = """<Practitioner xmlns="http://hl7.org/fhir">
      <identifier><system value="urn:oid:2.16.724.4.305"/><value value="22222222J"/></identifier>
      <name><family value="Gil"/><given value="Luz"/></name>
    </Practitioner>"""

    xml = {"Content-Type": "application/fhir+xml", "Accept": "application/fhir+xml"}
    response = await client.post(ALL, content=body, headers=xml)

    assert response.status_code == 201
    assert response.headers["Content-Type"] == "application/fhir+xml; charset=utf-8"
    assert '<id value="Created-Practitioner-1"/>' in response.text
