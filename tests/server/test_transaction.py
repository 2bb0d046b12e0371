"""A transaction: carried out where it changes one thing at most, refused before any call where it changes more."""

import json

import httpx
import pytest

from fhir_bridge.outcome import Json
from tests.outcomes import issue, outcome, parameters
from tests.server.roche_sample import REQUEST
from tests.server.test_batch import ETAG, ID, IVANOV, OTHER, PATIENT, RECORD, STU3, VERSION, asking, bundle
from tests.serving import Canned

pytestmark = pytest.mark.anyio


def transaction(*entries: Json) -> Json:
    return bundle(*entries, kind="transaction")


async def refused(client: httpx.AsyncClient, partner: Canned, *entries: Json, base: str = "/fhir/ehealth") -> Json:
    """Send a transaction and return status and outcome, having seen that the partner was left alone."""
    response = await client.post(base, json=transaction(*entries))
    assert partner.calls() == []
    return response.status_code, response.json()


async def test_one_change_is_carried_out(canned: httpx.AsyncClient, partner: Canned) -> None:
    """Each entry is answered in its place."""
    partner.answer(200, RECORD)

    response = await canned.post(
        "/fhir/ehealth",
        json=transaction(
            asking("GET", f"Patient/{ID}"),
            asking("PUT", f"Patient/{ID}", IVANOV, ifMatch=ETAG),
            asking("POST", "Patient/$validate", IVANOV),
        ),
    )

    answered = {"resource": PATIENT, "response": {"status": "200 OK", **VERSION}}
    fine = outcome(issue("done", "informational", "No problem was found.", severity="information"))
    assert response.status_code == 200
    assert response.json() == {
        "resourceType": "Bundle",
        "type": "transaction-response",
        "entry": [answered, answered, {"resource": fine, "response": {"status": "200 OK"}}],
    }


async def test_what_is_changed_comes_before_what_is_read(canned: httpx.AsyncClient, partner: Canned) -> None:
    """https://hl7.org/fhir/R4/http.html#trules"""
    partner.answer(200, RECORD)

    await canned.post(
        "/fhir/ehealth", json=transaction(asking("GET", f"Patient/{ID}"), asking("PUT", f"Patient/{ID}", IVANOV))
    )

    assert [request.method for request in partner.requests] == ["PATCH", "GET"]


async def test_one_without_entries_is_carried_out_too(canned: httpx.AsyncClient, partner: Canned) -> None:
    """There is nothing to do."""
    response = await canned.post("/fhir/ehealth", json=transaction())

    assert response.json() == {"resourceType": "Bundle", "type": "transaction-response"}


@pytest.mark.parametrize(
    "entry",
    [
        asking("PUT", f"ehealth/Patient/{OTHER}", {**IVANOV, "id": OTHER}),
        asking("PATCH", f"ehealth/Patient/{OTHER}", parameters()),
        asking("DELETE", f"ehealth/Patient/{OTHER}"),
        asking("POST", "healthex/Patient/17d4513f-73e8/$update-data"),
    ],
)
async def test_several_changes_are_refused_before_any_call(
    canned: httpx.AsyncClient, partner: Canned, entry: Json
) -> None:
    """Partners have no common commit; one outcome says so, and what to do instead."""
    change = asking("PUT", f"ehealth/Patient/{ID}", IVANOV)

    status, told = await refused(canned, partner, asking("GET", "metadata"), change, entry, base="/fhir")

    text = (
        "Partners have no common commit, so a transaction can change one thing at most; "
        "send the entries as a batch, where each is carried out by itself."
    )
    assert status == 422
    assert told == outcome(issue("several-writes", "not-supported", text, "Bundle.entry[2]"))


async def test_a_bad_entry_fails_all_of_it_and_all_bad_entries_are_told(
    canned: httpx.AsyncClient, partner: Canned
) -> None:
    """One OperationOutcome, not a Bundle."""
    status, told = await refused(
        canned,
        partner,
        asking("PUT", f"Patient/{ID}", IVANOV),
        asking("GETT", "metadata"),
        asking("GETT", "metadata"),
    )

    text = "`GETT` is not a code of `method`; allowed are DELETE, GET, HEAD, PATCH, POST, PUT."
    assert status == 400
    assert told == outcome(
        issue("code-not-allowed", "code-invalid", text, "Bundle.entry[1].request.method"),
        issue("code-not-allowed", "code-invalid", text, "Bundle.entry[2].request.method"),
    )


@pytest.mark.parametrize(
    ("entry", "status"),
    [
        ({}, 400),
        (asking("GET", "https://elsewhere.example/fhir/Patient/1"), 400),
        (asking("POST", "/", bundle()), 400),
        (asking("GET", "Observation/1"), 404),
        (asking("GET", "ValueSet/none"), 404),
        (asking("GET", "Patient/1/_history"), 404),
        (asking("DELETE", "ValueSet/1"), 422),
    ],
)
async def test_an_entry_that_nobody_answers_fails_it_before_anything_is_changed(
    canned: httpx.AsyncClient, partner: Canned, entry: Json, status: int
) -> None:
    """Although the change comes first."""
    found, told = await refused(canned, partner, asking("PUT", f"Patient/{ID}", IVANOV), entry)

    assert (found, told["resourceType"]) == (status, "OperationOutcome")


NOTHING_FOR_OBSERVATION = "eHealth Ukraine offers nothing for Observation; it offers Patient."
NO_DELETE = "eHealth Ukraine does not offer `delete` of Patient at this address. It allows GET, HEAD, PUT, PATCH."
NO_STRING = "`family` must be a string, not a number."


@pytest.mark.parametrize(
    ("entry", "status", "told"),
    [
        (
            asking("PUT", f"Patient/{ID}", {**IVANOV, "name": [{"family": 1}]}),
            400,
            issue("wrong-type", "structure", NO_STRING, "Bundle.entry[1].resource.name[0].family"),
        ),
        (
            asking("GET", "Observation/1"),
            404,
            issue("unknown-path", "not-supported", NOTHING_FOR_OBSERVATION, "Bundle.entry[1]"),
        ),
        (
            asking("DELETE", f"Patient/{ID}"),
            422,
            issue("method-not-allowed", "not-supported", NO_DELETE, "Bundle.entry[1]"),
        ),
    ],
    ids=["resource", "type", "method"],
)
async def test_it_says_which_entry_failed_it(
    canned: httpx.AsyncClient, partner: Canned, entry: Json, status: int, told: Json
) -> None:
    """By a place in the Bundle that was sent. 405 would be about the POST of the Bundle, which is allowed."""
    response = await canned.post("/fhir/ehealth", json=transaction(asking("GET", f"Patient/{ID}"), entry))

    assert (response.status_code, response.json()) == (status, outcome(told))
    assert "allow" not in response.headers
    assert partner.calls() == []


async def test_a_condition_that_fails_it_is_that_of_its_entry(canned: httpx.AsyncClient, partner: Canned) -> None:
    """No header was sent."""
    partner.answer(200, RECORD)
    change = asking("PUT", f"Patient/{ID}", IVANOV, ifMatch='W/"older"')

    response = await canned.post("/fhir/ehealth", json=transaction(asking("GET", "metadata"), change))

    text = "The record has changed since the version that If-Match names; read it again, then send the change."
    told = issue("version-differs", "conflict", text, "Bundle.entry[1].request.ifMatch")
    assert (response.status_code, response.json()) == (412, outcome(told))


async def test_what_the_partner_refuses_is_told_of_its_entry(client: httpx.AsyncClient) -> None:
    """Of a read too."""
    reads = [asking("GET", f"Patient/{ID}"), asking("GET", "Patient/00000000-0000-4000-8000-000000000404")]

    response = await client.post("/fhir/ehealth", json=transaction(*reads))

    assert response.status_code == 404
    assert [each["expression"] for each in response.json()["issue"]] == [["Bundle.entry[1]"]]


async def test_a_version_that_an_entry_cannot_have_fails_it_before_anything_is_changed(
    canned: httpx.AsyncClient, partner: Canned
) -> None:
    """The base of the change speaks STU3, that of the read does not."""
    change = asking("POST", "roche/Bundle", json.loads(REQUEST))
    body = transaction(change, asking("GET", "ehealth/metadata"))

    response = await canned.post("/fhir", content=json.dumps(body), headers={"Content-Type": STU3})

    text = "What answers this speaks fhirVersion 4.0; ask for that."
    told = outcome(issue("not-acceptable", "not-supported", text, "http.Accept"))
    assert (response.status_code, response.json()) == (406, told)
    assert partner.calls() == []


@pytest.mark.parametrize("reference", ["urn:uuid:5109d51b-421e-4b0a-9d2b-2a1a3b3c3d3e", "Patient?identifier=a|1"])
async def test_a_reference_that_would_have_to_be_replaced_fails_it(
    canned: httpx.AsyncClient, partner: Canned, reference: str
) -> None:
    """https://hl7.org/fhir/R4/http.html#trules"""
    body = {**IVANOV, "link": [{"other": {"reference": reference}, "type": "seealso"}]}
    entry = {"fullUrl": "urn:uuid:5109d51b-421e-4b0a-9d2b-2a1a3b3c3d3e", **asking("PUT", f"Patient/{ID}", body)}

    status, told = await refused(canned, partner, entry)

    text = "The bridge cannot put in what this reference will mean; refer to a record that is there, as `Patient/42`."
    place = "Bundle.entry[0].resource.link[0].other.reference"
    assert (status, told) == (422, outcome(issue("value-not-allowed", "not-supported", text, place)))


async def test_a_change_that_fails_fails_all_of_it(canned: httpx.AsyncClient, partner: Canned) -> None:
    """Nothing is read afterwards."""
    partner.answer(409, {"error": {"message": "no"}})

    response = await canned.post(
        "/fhir/ehealth", json=transaction(asking("GET", f"Patient/{ID}"), asking("PUT", f"Patient/{ID}", IVANOV))
    )

    assert (response.status_code, response.json()["resourceType"]) == (409, "OperationOutcome")
    assert [request.method for request in partner.requests] == ["PATCH"]


async def test_a_read_of_another_record_that_fails_comes_before_the_change(
    canned: httpx.AsyncClient, partner: Canned
) -> None:
    """So nothing is changed."""
    partner.answer(404, {"error": {"message": "no"}})

    response = await canned.post(
        "/fhir/ehealth", json=transaction(asking("PUT", f"Patient/{ID}", IVANOV), asking("GET", f"Patient/{OTHER}"))
    )

    assert (response.status_code, response.json()["resourceType"]) == (404, "OperationOutcome")
    assert response.json()["issue"][0]["expression"] == ["Bundle.entry[1]"]
    assert [request.method for request in partner.requests] == ["GET"]


async def test_a_read_of_the_changed_record_that_fails_fails_alone(canned: httpx.AsyncClient, partner: Canned) -> None:
    """The change was made and cannot be taken back, and the client has to know that it was."""
    partner.answer(200, RECORD)
    partner.answer(404, {"error": {"message": "no"}})

    response = await canned.post(
        "/fhir/ehealth", json=transaction(asking("GET", f"Patient/{ID}"), asking("PUT", f"Patient/{ID}", IVANOV))
    )

    assert response.status_code == 200
    assert [entry["response"]["status"] for entry in response.json()["entry"]] == ["404 Not Found", "200 OK"]


async def test_a_read_that_fails_where_nothing_is_changed_fails_all(canned: httpx.AsyncClient, partner: Canned) -> None:
    """As FHIR has it."""
    partner.answer(404, {"error": {"message": "no"}})

    response = await canned.post("/fhir/ehealth", json=transaction(asking("GET", f"Patient/{OTHER}")))

    assert (response.status_code, response.json()["resourceType"]) == (404, "OperationOutcome")


@pytest.mark.parametrize("base", ["/fhir", "/fhir/ehealth", "/fhir/roche"])
async def test_a_statement_says_what_a_transaction_can(client: httpx.AsyncClient, base: str) -> None:
    """With the words for a person."""
    statement = (await client.get(f"{base}/metadata")).json()

    assert statement["rest"][0]["interaction"] == [
        {
            "code": "transaction",
            "documentation": "One entry at most may change anything: partners have no common commit.",
        },
        {"code": "batch"},
    ]
