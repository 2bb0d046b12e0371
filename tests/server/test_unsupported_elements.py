"""`X-Unsupported-Elements`: whoever asks for no outcome is told of what was left behind all the same."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest

from fhir_bridge.bridge import Bridge
from fhir_bridge.mapping.routes import Routes
from fhir_bridge.outcome import Json
from fhir_bridge.server import create_app
from tests.outcomes import issue, outcome, parameters
from tests.serving import Canned, client_of, gateway

pytestmark = pytest.mark.anyio

ID = "7c3da506-804d-4550-8993-bf17f9ee0402"
PATIENT = f"/fhir/ehealth/Patient/{ID}"
HEADER = "x-unsupported-elements"
TELECOM = [{"system": "phone", "value": "1"}, {"system": "email", "value": "a@b.example"}]
IVANOV = {"resourceType": "Patient", "id": ID, "gender": "male"}
MORE = {**IVANOV, "maritalStatus": {"text": "married"}, "telecom": TELECOM}
BEHIND = "Patient.maritalStatus, Patient.telecom[0], Patient.telecom[1]"
LEFT = "eHealth Ukraine cannot hold this element; it is left behind."
LEAVE = "eHealth Ukraine cannot hold this element; leave it out, or send without `handling=strict`."


def warned(*places: str) -> Json:
    return outcome(*(issue("left-behind", "not-supported", LEFT, place, severity="warning") for place in places))


@pytest.mark.parametrize("prefer", [None, "return=minimal", "return=representation", "handling=lenient"])
async def test_the_header_lists_what_was_left_behind(client: httpx.AsyncClient, prefer: str | None) -> None:
    response = await client.put(PATIENT, json=MORE, headers={"Prefer": prefer} if prefer else {})

    assert (response.status_code, response.headers[HEADER]) == (200, BEHIND)


@pytest.mark.parametrize(
    ("body", "prefer"), [(IVANOV, ""), (IVANOV, "return=minimal"), (MORE, "return=OperationOutcome")]
)
async def test_there_is_none_where_nothing_was_or_the_answer_says_it(
    client: httpx.AsyncClient, body: Json, prefer: str
) -> None:
    response = await client.put(PATIENT, json=body, headers={"Prefer": prefer})

    assert response.status_code == 200
    assert HEADER not in response.headers


async def test_nor_where_the_request_was_refused(client: httpx.AsyncClient) -> None:
    """Nothing was left behind then, and the outcome says why it was refused and nothing else."""
    response = await client.put(PATIENT, json={**MORE, "gender": "other"})

    assert response.status_code == 422
    assert HEADER not in response.headers
    assert [each["expression"] for each in response.json()["issue"]] == [["Patient.gender"]]


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("json-patch+json", [{"op": "add", "path": "/maritalStatus", "value": {"text": "x"}},
                             {"op": "replace", "path": "/gender", "value": "female"}]),
        ("merge-patch+json", {"maritalStatus": {"text": "x"}, "gender": "female"}),
    ],
)  # fmt: skip
async def test_a_patch_has_it_too(client: httpx.AsyncClient, content_type: str, body: Json) -> None:
    response = await client.patch(PATIENT, json=body, headers={"Content-Type": f"application/{content_type}"})

    assert (response.status_code, response.headers[HEADER]) == (200, "Patient.maritalStatus")


async def test_a_create_has_it_too(canned: httpx.AsyncClient, partner: Canned) -> None:
    partner.answer(201, {"data": {"id": ID, "first_name": "Іван", "last_name": "Іванов"}})
    name = [{"family": "Іванов", "given": ["Іван"]}]
    identifier = [{"system": "https://fhir-bridge.example/fhir/sid/ehealth-external-id", "value": "1"}]
    told = {"name": name, "gender": "male", "birthDate": "1980-01-01", "identifier": identifier}
    body = {"resourceType": "Patient", **told, "telecom": TELECOM[:1]}

    response = await canned.post("/fhir/ehealth/Patient", json=body)

    assert (response.status_code, response.headers.get(HEADER)) == (201, "Patient.telecom[0]"), response.json()


@pytest.mark.parametrize("prefer", ["", "return=OperationOutcome"])
async def test_an_operation_has_it_whatever_is_returned(client: httpx.AsyncClient, prefer: str) -> None:
    """`return` is not about operations, so their answer never tells it."""
    body = {"resourceType": "Parameters", "meta": {"tag": [{"code": "x"}]}}
    headers = {"Prefer": prefer}

    one = await client.post("/fhir/healthex/Patient/17d4513f-73e8/$update-data", json=body, headers=headers)
    named = [{"name": "patient", "valueReference": {"reference": f"Patient/{id_}"}} for id_ in ("17d4513f-73e8", "2")]
    several = await client.post(
        "/fhir/healthex/Patient/$update-data", json={**body, "parameter": named}, headers=headers
    )

    assert (one.status_code, one.headers[HEADER]) == (200, "Parameters.meta")
    assert (several.status_code, several.headers[HEADER]) == (200, "Parameters.meta")


async def test_what_several_records_leave_behind_is_told_at_the_parameter_that_was_sent(
    client: httpx.AsyncClient,
) -> None:
    named = {"name": "patient", "valueReference": {"reference": "Patient/17d4513f-73e8"}}
    extension = [{"url": "http://x.example/y", "valueCode": "z"}]
    interactive = {"name": "skipInteractive", "valueBoolean": True, "extension": extension}

    response = await client.post("/fhir/healthex/Patient/$update-data", json=parameters(named, interactive))

    assert (response.status_code, response.headers[HEADER]) == (200, "Parameters.parameter[1].extension[0]")


async def test_a_resource_that_goes_in_a_message_has_it(client: httpx.AsyncClient) -> None:
    condition = {"resourceType": "Condition", "id": "c", "clinicalStatus": "active", "severity": {"text": "mild"},
                 "code": {"text": "LADA"}, "subject": {"reference": "#"}}  # fmt: skip
    body = {"resourceType": "Patient", "id": "Bj6.1Lq-hvb-28", "contained": [condition],
            "identifier": [{"system": "urn:oid:2.16.724.4.41", "value": "12345678Z"}],
            "name": [{"family": "Doe", "given": ["John"]}]}  # fmt: skip

    response = await client.put("/fhir/roche/Patient/Bj6.1Lq-hvb-28", json=body)

    assert (response.status_code, response.headers[HEADER]) == (200, "Patient.contained[0].severity")


@pytest.mark.parametrize("kind", ["batch", "transaction"])
async def test_each_entry_of_a_bundle_has_an_outcome(client: httpx.AsyncClient, kind: str) -> None:
    """In terms of its own resource, beside the record; an entry that left nothing behind has none."""
    put = {"request": {"method": "PUT", "url": f"Patient/{ID}"}, "resource": MORE}
    get = {"request": {"method": "GET", "url": f"Patient/{ID}"}}

    response = await client.post("/fhir/ehealth", json={"resourceType": "Bundle", "type": kind, "entry": [put, get]})

    put_entry, get_entry = response.json()["entry"]
    assert (response.status_code, HEADER in response.headers) == (200, False)
    assert put_entry["resource"]["resourceType"] == "Patient"
    assert put_entry["response"]["outcome"] == warned(
        "Patient.maritalStatus", "Patient.telecom[0]", "Patient.telecom[1]"
    )
    assert "outcome" not in get_entry["response"]


async def test_an_entry_without_a_body_has_its_outcome(client: httpx.AsyncClient) -> None:
    entry = {"request": {"method": "PUT", "url": f"Patient/{ID}"}, "resource": MORE}
    body = {"resourceType": "Bundle", "type": "batch", "entry": [entry]}

    response = await client.post("/fhir/ehealth", json=body, headers={"Prefer": "return=minimal"})

    (answered,) = response.json()["entry"]
    assert "resource" not in answered
    assert len(answered["response"]["outcome"]["issue"]) == 3


async def test_a_long_list_ends_in_dots(canned: httpx.AsyncClient, partner: Canned) -> None:
    """At most 2,048 bytes, all of them ASCII, and no path cut in two."""
    partner.answer(200, {"data": {"id": ID}})

    response = await canned.put(PATIENT, json={**IVANOV, "photo": [{"title": "x"}] * 500})

    header = response.headers[HEADER]
    *paths, last = header.split(", ")
    assert (response.status_code, last) == (200, "...")
    assert paths == [f"Patient.photo[{n}]" for n in range(len(paths))]
    assert 2048 - len(", Patient.photo[100]") < len(header) <= 2048


# --- strict as a deployment's default


@pytest.fixture
async def strict(routes: Routes, partner: Canned) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a bridge whose `FHIR_BRIDGE_HANDLING` is strict."""
    partner.answer(200, {"data": {"id": ID}})
    app = create_app(Bridge(routes, gateway(routes, partner.everywhere(), None), strict=True))
    async with app.router.lifespan_context(app), client_of(app) as client:
        yield client


@pytest.mark.parametrize("prefer", ["", "return=minimal", "handling=whatever", "handling=strict"])
async def test_where_strict_is_the_default_a_client_is_refused(
    strict: httpx.AsyncClient, partner: Canned, prefer: str
) -> None:
    response = await strict.put(PATIENT, json={**IVANOV, "photo": [{"title": "x"}]}, headers={"Prefer": prefer})

    assert partner.calls() == []
    assert (response.status_code, response.json()) == (
        422,
        outcome(issue("left-behind", "not-supported", LEAVE, "Patient.photo[0]")),
    )


async def test_unless_it_asks_for_lenience(strict: httpx.AsyncClient) -> None:
    response = await strict.put(PATIENT, json=MORE, headers={"Prefer": "handling=lenient"})

    assert (response.status_code, response.headers[HEADER]) == (200, BEHIND)


async def test_an_entry_of_a_batch_is_strict_too(strict: httpx.AsyncClient) -> None:
    entry = {"request": {"method": "PUT", "url": f"Patient/{ID}"}, "resource": MORE}

    response = await strict.post("/fhir/ehealth", json={"resourceType": "Bundle", "type": "batch", "entry": [entry]})

    assert response.json()["entry"][0]["response"]["status"].startswith("422 ")
