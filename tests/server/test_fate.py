"""What a client is told of a call that may not be made twice, and whose fate nobody knows."""

from __future__ import annotations

import httpx
import pytest

from fhir_bridge.outcome import Json
from tests.outcomes import issue, outcome
from tests.server.roche_sample import REQUEST
from tests.serving import Canned

pytestmark = pytest.mark.anyio

START: Json = {
    "resourceType": "Parameters",
    "parameter": [{"name": "matchEngine", "valueCode": "2"}, {"name": "searchType", "valueCode": "DR"}],
}
SEARCH = "/fhir/wmda/Patient/123456/$start-search"
HTML = "<html><head><title>502 Bad Gateway</title></head></html>"
READ_IT = "Read the Patient to find out, before anything else is sent."
ASK = "No read or search here tells; ask {} before anything else is sent."
NEW: Json = {
    "resourceType": "Patient",
    "identifier": [{"system": "https://fhir-bridge.example/fhir/sid/ehealth-external-id", "value": "7"}],
}


@pytest.mark.parametrize(
    ("status", "answered", "code"),
    [(502, 502, "transient"), (503, 503, "transient"), (504, 504, "timeout"), (522, 502, "exception")],
)
@pytest.mark.parametrize("text", ["", HTML], ids=["empty", "a page for people"])
async def test_an_operation_that_a_proxy_answers_for_may_have_been_carried_out(
    canned: httpx.AsyncClient, partner: Canned, status: int, answered: int, code: str, text: str
) -> None:
    """Who sent it again would start a second search."""
    partner.answer(status, text=text)

    response = await canned.post(SEARCH, json=START)

    said = f"WMDA Search & Match answered with status {status}. It may have carried out the call. {READ_IT}"
    assert (response.status_code, response.json()) == (answered, outcome(issue("fate-unknown", code, said)))
    assert len(partner.requests) == 1


async def test_one_that_is_told_when_to_come_back_was_not_carried_out(
    canned: httpx.AsyncClient, partner: Canned
) -> None:
    partner.answer(503, Retry_After="7")

    response = await canned.post(SEARCH, json=START)

    text = "WMDA Search & Match is not available; send again later."
    assert (response.status_code, response.json()) == (503, outcome(issue("partner-error", "transient", text)))
    assert response.headers["Retry-After"] == "7"


@pytest.mark.parametrize(
    ("error", "status", "error_code", "code", "text"),
    [
        (
            httpx.ReadTimeout("late"), 504, "fate-unknown", "timeout",
            "The partner wmda did not answer in time: nothing came from it for 20 s. It may have received the call and "
            f"carried it out. {READ_IT}",
        ),
        (
            httpx.ReadError("reset"), 502, "fate-unknown", "transient",
            "The partner wmda broke off the connection before its answer was complete, or did not speak HTTP. It may "
            f"have received the call and carried it out. {READ_IT}",
        ),
        (
            httpx.ConnectError("refused"), 503, "partner-unreachable", "transient",
            "The partner wmda cannot be reached: no connection could be made. It has not received the call.",
        ),
    ],
)  # fmt: skip
async def test_so_may_one_that_is_not_answered_but_for_one_that_never_left(
    canned: httpx.AsyncClient, partner: Canned, error: Exception, status: int, error_code: str, code: str, text: str
) -> None:
    partner.fail(error)

    response = await canned.post(SEARCH, json=START)

    assert (response.status_code, response.json()) == (status, outcome(issue(error_code, code, text)))


@pytest.mark.parametrize(
    ("url", "body", "partner_", "find_out"),
    [
        ("/fhir/ehealth/Patient", NEW, "eHealth Ukraine", ASK.format("eHealth Ukraine")),
        ("/fhir/healthex/Patient/17d4513f-73e8/$update-data", {}, "HealthEx", ASK.format("HealthEx")),
        (
            "/fhir/wmda/Patient",
            {
                "resourceType": "Patient",
                "extension": [
                    {
                        "url": "https://fhir-bridge.example/fhir/StructureDefinition/wmda-hla",
                        "extension": [{"url": "locus", "valueCode": locus}, {"url": "field1", "valueString": "02:01"}],
                    }
                    for locus in ("A", "B", "DRB1")
                ],
            },
            "WMDA Search & Match",
            "Search for the Patient to find out, before anything else is sent.",
        ),
    ],
    ids=["a create", "an operation without a read", "a create beside a list"],
)
async def test_the_text_says_what_there_is_to_find_out(
    canned: httpx.AsyncClient, partner: Canned, url: str, body: Json, partner_: str, find_out: str
) -> None:
    partner.answer(502, text=HTML)

    response = await canned.post(url, json=body)

    text = f"{partner_} answered with status 502. It may have carried out the call. {find_out}"
    assert (response.status_code, response.json()) == (502, outcome(issue("fate-unknown", "transient", text)))


async def test_an_update_that_tells_of_a_death_may_not_be_made_twice(
    canned: httpx.AsyncClient, partner: Canned
) -> None:
    """Any other update of a preperson may."""
    partner.answer(502, text=HTML)
    id_ = "7c3da506-804d-4550-8993-bf17f9ee0402"
    died, born = {"deceasedDateTime": "2020-01-01"}, {"birthDate": "1980-01-01"}

    first, second = [
        await canned.put(f"/fhir/ehealth/Patient/{id_}", json={"resourceType": "Patient", "id": id_, **about})
        for about in (died, born)
    ]

    unknown = f"eHealth Ukraine answered with status 502. It may have carried out the call. {READ_IT}"
    later = "eHealth Ukraine is not available; send again later."
    assert first.json() == outcome(issue("fate-unknown", "transient", unknown))
    assert second.json() == outcome(issue("partner-error", "transient", later))


async def test_so_it_is_with_a_message_that_makes_a_record(canned: httpx.AsyncClient, partner: Canned) -> None:
    partner.answer(504)
    without_id = REQUEST.replace('"id": "Bj6.1Lq-hvb-28",', "")

    response = await canned.post(
        "/fhir/roche/Bundle", content=without_id, headers={"Content-Type": "application/fhir+json"}
    )

    assert response.status_code == 504
    assert response.json()["issue"][0]["details"]["coding"][0]["code"] == "fate-unknown"


async def test_each_record_of_a_call_that_several_make_together_is_told_so(
    canned: httpx.AsyncClient, partner: Canned
) -> None:
    partner.answer(502, text=HTML)
    ours = "https://fhir-bridge.example/fhir"
    patient = {
        "resourceType": "Patient",
        "extension": [{"url": f"{ours}/StructureDefinition/healthex-contact-preference", "valueCode": "email"}],
        "identifier": [{"system": f"{ours}/sid/healthex-external-id", "value": "MRN-1"}],
        "name": [{"family": "Berg", "given": ["Ann"]}],
        "telecom": [{"system": "email", "value": "ann@example.org"}],
        "communication": [{"language": {"coding": [{"system": "urn:ietf:bcp:47", "code": "en-US"}]}}],
    }
    entry = {"request": {"method": "POST", "url": "Patient"}, "resource": patient}
    batch = {"resourceType": "Bundle", "type": "batch", "entry": [entry, entry]}

    answered = (await canned.post("/fhir/healthex", json=batch)).json()["entry"]

    text = f"HealthEx answered with status 502. It may have carried out the call. {ASK.format('HealthEx')}"
    assert [each["response"]["outcome"] for each in answered] == [outcome(issue("fate-unknown", "transient", text))] * 2
    assert len(partner.requests) == 1


async def test_a_read_after_a_change_that_fails_does_not_ask_for_the_change_again(
    canned: httpx.AsyncClient, partner: Canned
) -> None:
    partner.answer(201, {"wmdaId": 7})
    for _ in range(3):
        partner.answer(503)
    hla = "https://fhir-bridge.example/fhir/StructureDefinition/wmda-hla"
    loci = [
        {"url": hla, "extension": [{"url": "locus", "valueCode": locus}, {"url": "field1", "valueString": "02:01"}]}
        for locus in ("A", "B", "DRB1")
    ]

    response = await canned.post("/fhir/wmda/Patient", json={"resourceType": "Patient", "extension": loci})

    assert response.status_code == 201
    assert [each["details"]["text"] for each in response.json()["issue"]] == [
        "The partner carried out the call; what became of the record could not be read afterwards. "
        "Read it again, and do not send the change again.",
        "Reading it failed: WMDA Search & Match is not available.",
    ]
