"""Versions that change whenever a record does, within one second too, and changes of one record one after the other."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import anyio
import httpx
import pytest

from fhir_bridge.outcome import Json
from fhir_bridge.sandbox import ehealth, wmda
from tests.outcomes import issue, outcome
from tests.server.roche_sample import REQUEST
from tests.serving import READY, SANDBOX, Canned, serving, shipped, simulated

pytestmark = pytest.mark.anyio

ID = "7c3da506-804d-4550-8993-bf17f9ee0402"
OTHER = "00000000-0000-4000-8000-000000000004"
PATIENT = f"/fhir/ehealth/Patient/{ID}"
NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
IS_ANOTHER = "The record has changed since the version that If-Match names; read it again, then send the change."


def named(name: str, id_: str = ID) -> Json:
    return {"resourceType": "Patient", "id": id_, "name": [{"family": name}]}


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    """The bridge before partners in which it is always noon."""
    partners = simulated(ehealth=ehealth.create_app(now=lambda: NOON), wmda=wmda.create_app(now=lambda: NOON))
    async with serving(shipped(SANDBOX), partners) as client:
        yield client


async def test_a_second_change_within_one_second_makes_another_version(client: httpx.AsyncClient) -> None:
    """The partner tells the same second for both, and a client that knows the first alone overwrites nothing."""
    first = (await client.put(PATIENT, json=named("Вовк"))).headers["ETag"]
    second = await client.put(PATIENT, json=named("Ткач"), headers={"If-Match": first})
    third = await client.put(PATIENT, json=named("Бойко"), headers={"If-Match": first})

    assert first == 'W/"2026-11-21T120000Z-57d1c5027a2d"'
    assert (second.status_code, second.headers["ETag"]) == (200, 'W/"2026-11-21T120000Z-7a6c1108f8b0"')
    assert (third.status_code, third.json()) == (
        412,
        outcome(issue("version-differs", "conflict", IS_ANOTHER, "http.If-Match")),
    )
    assert (await client.get(PATIENT)).json()["name"][0]["family"] == "Ткач"


async def test_a_conditional_read_shows_a_change_within_one_second(client: httpx.AsyncClient) -> None:
    first = (await client.put(PATIENT, json=named("Вовк"))).headers["ETag"]
    same = await client.get(PATIENT, headers={"If-None-Match": first})
    await client.put(PATIENT, json=named("Ткач"))
    changed = await client.get(PATIENT, headers={"If-None-Match": first})

    assert (same.status_code, changed.status_code) == (304, 200)


async def test_a_change_back_is_the_same_version_again(client: httpx.AsyncClient) -> None:
    """It is the same record at the same second: nothing of it can be lost."""
    etags = [(await client.put(PATIENT, json=named(name))).headers["ETag"] for name in ("Вовк", "Ткач", "Вовк")]

    assert etags[0] == etags[2] != etags[1]


async def test_a_record_has_one_version_wherever_it_is_told(client: httpx.AsyncClient) -> None:
    """In the answer to an update, to a patch that changes nothing, in a read, a search, a batch and by its own id."""
    updated = await client.put(PATIENT, json=named("Вовк"))
    version = updated.json()["meta"]["versionId"]
    read = await client.get(PATIENT)
    found = (await client.get(f"/fhir/ehealth/Patient?_id={ID}")).json()["entry"][0]["resource"]
    patched = await client.patch(
        PATIENT,
        content=json.dumps([{"op": "replace", "path": "/name/0/family", "value": "Вовк"}]),
        headers={"Content-Type": "application/json-patch+json", "If-Match": f'W/"{version}"'},
    )
    request = {"method": "GET", "url": f"Patient/{ID}"}
    batch = {"resourceType": "Bundle", "type": "batch", "entry": [{"request": request}]}
    entry = (await client.post("/fhir/ehealth", json=batch)).json()["entry"][0]
    by_version = await client.get(f"{PATIENT}/_history/{version}")

    assert [answer.headers["ETag"] for answer in (updated, read, patched, by_version)] == [f'W/"{version}"'] * 4
    assert entry["response"]["etag"] == f'W/"{version}"'
    shown = (read.json(), found, patched.json(), entry["resource"], by_version.json())
    assert [resource["meta"]["versionId"] for resource in shown] == [version] * 5


@pytest.mark.parametrize(
    "other",
    [
        {"lastViewed": "2026-11-21T12:00:01Z"},
        {"weight": 70.0},
        {"patientId": None},
    ],
    ids=["who has looked", "a number spelled otherwise", "null for absent"],
)
async def test_what_does_not_change_a_record_does_not_change_its_version(
    canned: httpx.AsyncClient, partner: Canned, other: Json
) -> None:
    """Nor does the order of the partner's keys."""
    record = {"wmdaId": 7, "lastUpdated": "2026-11-21T12:00:00Z", "weight": 70, "sex": "F"}
    partner.answer(200, record)
    partner.answer(200, dict(reversed({**record, **other}.items())))

    etags = [(await canned.get("/fhir/wmda/Patient/7")).headers["ETag"] for _ in range(2)]

    assert etags[0] == etags[1]


async def test_what_was_created_is_the_version_that_is_read_afterwards(client: httpx.AsyncClient) -> None:
    created = await client.post("/fhir/ehealth/Patient", json={
        "resourceType": "Patient",
        "identifier": [{"system": "https://fhir-bridge.example/fhir/sid/ehealth-external-id", "value": "7"}],
    })  # fmt: skip
    address = created.headers["Location"]

    assert address.endswith(f"/_history/{created.json()['meta']['versionId']}")
    assert (await client.get(address)).headers["ETag"] == created.headers["ETag"]


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
async def test_a_change_of_a_version_that_the_client_excludes_is_refused(
    client: httpx.AsyncClient, method: str
) -> None:
    """https://www.rfc-editor.org/rfc/rfc9110#section-13.1.2"""
    etag = (await client.get(PATIENT)).headers["ETag"]
    kind = "fhir+json" if method == "PUT" else "merge-patch+json"
    headers = {"If-None-Match": f'W/"1", {etag}', "Content-Type": f"application/{kind}"}

    response = await client.request(method, PATIENT, json=named("Вовк"), headers=headers)

    text = "The record is of a version that If-None-Match names, so it is not changed; send the change without."
    assert (response.status_code, response.json()) == (
        412,
        outcome(issue("version-differs", "conflict", text, "http.If-None-Match")),
    )
    assert (await client.get(PATIENT)).headers["ETag"] == etag


async def test_a_change_of_another_version_than_the_client_excludes_is_made(client: httpx.AsyncClient) -> None:
    response = await client.put(PATIENT, json=named("Вовк"), headers={"If-None-Match": 'W/"1"'})

    assert response.status_code == 200


async def test_a_version_cannot_be_excluded_where_none_is_told(canned: httpx.AsyncClient, partner: Canned) -> None:
    """The record that is there tells no version; or there is no read of it at all."""
    partner.answer(200, {"data": {"id": ID}})
    headers = {"If-None-Match": 'W/"1"', "Content-Type": "application/fhir+json"}

    without_version = await canned.put(PATIENT, json=named("Вовк"), headers=headers)
    without_read = await canned.put("/fhir/roche/Bundle/Bj6.1Lq-hvb-28", content=REQUEST, headers=headers)

    text = "The partner tells no version to compare; send the request without If-None-Match."
    refused = outcome(issue("version-differs", "not-supported", text, "http.If-None-Match"))
    assert (without_version.status_code, without_version.json()) == (400, refused)
    assert (without_read.status_code, without_read.json()) == (400, refused)
    assert [request.method for request in partner.requests] == ["GET"]


@pytest.mark.parametrize("name", ["If-Match", "If-None-Match"])
@pytest.mark.parametrize("value", ['""', 'W/""', "", '"1', "W/", '*, "1"', '"1" "2"', ","])
@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH"])
async def test_a_header_that_names_no_version_is_refused(
    canned: httpx.AsyncClient, partner: Canned, method: str, name: str, value: str
) -> None:
    """400, and no call."""
    response = await canned.request(method, PATIENT, json=named("Вовк"), headers={name: value})

    text = f'`{name}` must name a version: write W/"1", or leave it out.'
    assert (response.status_code, response.json()) == (
        400,
        outcome(issue("invalid-header", "value", text, f"http.{name}")),
    )
    assert partner.calls() == []


class Slow(httpx.AsyncBaseTransport):
    """A partner that lets everybody else go first before it answers; `log` are its calls as they came and went."""

    def __init__(self, partner: httpx.AsyncBaseTransport) -> None:
        self.partner = partner
        self.log: list[str] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.log.append(request.method)
        for _ in range(20):
            await anyio.sleep(0)
        response = await self.partner.handle_async_request(request)
        self.log.append(str(response.status_code))
        return response


@pytest.fixture
def slow() -> Slow:
    return Slow(httpx.ASGITransport(ehealth.create_app(now=lambda: NOON)))


@pytest.fixture
async def before(slow: Slow) -> AsyncIterator[httpx.AsyncClient]:
    """The bridge before the slow partner."""
    async with serving(shipped(READY), {**simulated(), "ehealth": slow}) as client:
        yield client


async def test_of_changes_at_once_that_know_the_same_version_one_is_made(before: httpx.AsyncClient) -> None:
    etag = (await before.get(PATIENT)).headers["ETag"]
    answers: list[httpx.Response] = []

    async def change(name: str) -> None:
        answers.append(await before.put(PATIENT, json=named(name), headers={"If-Match": etag}))

    async with anyio.create_task_group() as tasks:
        for name in ("Вовк", "Ткач", "Бойко", "Коваль"):
            tasks.start_soon(change, name)

    assert sorted(answer.status_code for answer in answers) == [200, 412, 412, 412]


async def test_so_it_is_in_a_batch(before: httpx.AsyncClient) -> None:
    """Ten entries, more than may call the partner at once."""
    etag = (await before.get(PATIENT)).headers["ETag"]
    request = {"method": "PUT", "url": f"Patient/{ID}", "ifMatch": etag}
    entries = [{"request": request, "resource": named(f"Вовк-{number}")} for number in range(10)]

    response = await before.post("/fhir/ehealth", json={"resourceType": "Bundle", "type": "batch", "entry": entries})

    statuses = sorted(entry["response"]["status"] for entry in response.json()["entry"])
    assert statuses == ["200 OK", *["412 Precondition Failed"] * 9]


async def test_changes_of_other_records_do_not_wait(before: httpx.AsyncClient, slow: Slow) -> None:
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(lambda: before.put(PATIENT, json=named("Вовк")))
        tasks.start_soon(lambda: before.put(f"/fhir/ehealth/Patient/{OTHER}", json=named("Ткач", OTHER)))

    assert slow.log == ["PATCH", "PATCH", "200", "200"]


async def test_a_change_that_its_client_gives_up_lets_the_next_go(before: httpx.AsyncClient, slow: Slow) -> None:
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(lambda: before.put(PATIENT, json=named("Вовк")))
        while "PATCH" not in slow.log:
            await anyio.sleep(0)
        tasks.cancel_scope.cancel()

    response = await before.put(PATIENT, json=named("Ткач"))

    assert (response.status_code, response.json()["name"][0]["family"]) == (200, "Ткач")
