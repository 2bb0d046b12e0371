"""An update for several patients at once: as many calls side by side as may be, and one answer for each."""

from __future__ import annotations

import anyio
import httpx
import pytest

from fhir_bridge.mapping.routes import Routes
from fhir_bridge.outcome import Json
from tests.outcomes import issue, outcome, parameters
from tests.serving import serving, simulated

pytestmark = pytest.mark.anyio

UPDATE = "/fhir/healthex/Patient/$update-data"
NOT_FOUND = outcome(
    issue(
        "partner-refused",
        "not-found",
        "HealthEx does not know this.",
        partner=("healthex", "Not Found"),
        diagnostics="Patient not found",
    )
)


def patient(id_: str) -> Json:
    return {"name": "patient", "valueReference": {"reference": f"Patient/{id_}"}}


def told(response: httpx.Response) -> list[tuple[str, int, Json]]:
    """Return of each result the patient, the status, and the message or the outcome."""
    assert response.status_code == 200
    found = []
    for each in response.json()["parameter"]:
        parts = {part["name"]: part for part in each["part"]}
        resource = (parts.get("return") or parts["outcome"])["resource"]
        what = resource["parameter"][0]["valueCode"] if resource["resourceType"] == "Parameters" else resource
        found.append((parts["patient"]["valueReference"]["reference"], parts["status"]["valueInteger"], what))
    return found


async def test_each_patient_is_updated_by_itself_and_told_in_the_order_of_the_request(
    client: httpx.AsyncClient,
) -> None:
    members = [{"entity": {"reference": "Patient/sign-in-expired"}}]
    group = {"resourceType": "Group", "type": "person", "actual": True, "member": members}
    skip = {"name": "skipInteractive", "valueBoolean": True}

    response = await client.post(
        UPDATE,
        json=parameters(patient("17d4513f-73e8"), patient("never-added"), {"name": "group", "resource": group}, skip),
    )

    assert told(response) == [
        ("Patient/17d4513f-73e8", 200, "IN_PROGRESS_NO_ACTION_NEEDED"),
        ("Patient/never-added", 404, NOT_FOUND),
        ("Patient/sign-in-expired", 200, "IN_PROGRESS_NO_ACTION_NEEDED"),
    ]


async def test_a_patient_whose_id_is_none_is_told_so_and_harms_no_other(client: httpx.AsyncClient) -> None:
    response = await client.post(UPDATE, json=parameters(patient("a_b"), patient("17d4513f-73e8")))

    text = "An id has 1 to 64 letters, digits, '-' and '.', and is neither '.' nor '..'."
    assert told(response) == [
        ("Patient/a_b", 400, outcome(issue("invalid-id", "value", text, "Patient.id"))),
        ("Patient/17d4513f-73e8", 200, "IN_PROGRESS_NO_ACTION_NEEDED"),
    ]


async def test_what_is_wrong_for_all_of_them_is_told_before_any_call(client: httpx.AsyncClient) -> None:
    wrong = {"name": "skipInteractive", "valueString": "yes"}

    response = await client.post(UPDATE, json=parameters(patient("17d4513f-73e8"), wrong))

    assert response.status_code == 400
    text = "`value` has another type here; use `valueBoolean`."
    assert response.json() == outcome(issue("wrong-type", "structure", text, "Parameters.parameter[1].value"))


async def test_nobody_named_is_refused(client: httpx.AsyncClient) -> None:
    response = await client.post(UPDATE, json=parameters({"name": "skipInteractive", "valueBoolean": True}))

    assert response.status_code == 400
    text = "Name the records: `patient`, a reference for each, or `group`, a Group that has members."
    assert response.json() == outcome(issue("element-missing", "required", text, "Parameters.parameter"))


class Slow(httpx.AsyncBaseTransport):
    """HealthEx, which counts how many callers it has at the same time."""

    def __init__(self) -> None:
        self.now = self.most = self.calls = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/token"):
            return httpx.Response(201, json={"token": "t", "expiration": 4_000_000_000})
        self.now, self.calls = self.now + 1, self.calls + 1
        self.most = max(self.most, self.now)
        await anyio.sleep(0.1)
        self.now -= 1
        return httpx.Response(201, json={"message": "IN_PROGRESS_NO_ACTION_NEEDED"})


async def test_no_more_calls_are_made_side_by_side_than_the_partner_may_have(routes: Routes) -> None:
    slow = Slow()
    async with serving(routes, simulated() | {"healthex": slow}) as client:
        response = await client.post(UPDATE, json=parameters(*(patient(f"p-{n}") for n in range(20))))

    assert [id_ for id_, _, _ in told(response)] == [f"Patient/p-{n}" for n in range(20)]
    assert (slow.calls, slow.most) == (20, 8)


async def test_cohorts_within_a_batch_do_not_wait_for_each_other_for_ever(routes: Routes) -> None:
    """Each would hold a turn while it waits for turns of its own."""
    slow = Slow()
    resource = parameters(*(patient(f"p-{n}") for n in range(3)))
    entry = {"request": {"method": "POST", "url": "Patient/$update-data"}, "resource": resource}

    async with serving(routes, simulated() | {"healthex": slow}) as client:
        batch = {"resourceType": "Bundle", "type": "batch", "entry": [entry] * 10}
        response = await client.post("/fhir/healthex", json=batch)

    assert [each["response"]["status"] for each in response.json()["entry"]] == ["200 OK"] * 10
    assert (slow.calls, slow.most) == (30, 8)


async def test_a_cohort_is_more_than_one_change_of_a_transaction(client: httpx.AsyncClient) -> None:
    resource = parameters(patient("17d4513f-73e8"))
    entry = {"request": {"method": "POST", "url": "Patient/$update-data"}, "resource": resource}

    transaction = {"resourceType": "Bundle", "type": "transaction", "entry": [entry]}
    response = await client.post("/fhir/healthex", json=transaction)

    assert response.status_code == 422
    text = (
        "Partners have no common commit, so a transaction can change one thing at most; "
        "send the entries as a batch, where each is carried out by itself."
    )
    assert response.json() == outcome(issue("several-writes", "not-supported", text, "Bundle.entry[0]"))


async def test_at_the_hub_the_name_tells_the_partner(client: httpx.AsyncClient) -> None:
    response = await client.post("/fhir/Patient/$update-data", json=parameters(patient("17d4513f-73e8")))

    assert told(response) == [("Patient/17d4513f-73e8", 200, "IN_PROGRESS_NO_ACTION_NEEDED")]


async def test_it_is_asked_for_by_post_alone(client: httpx.AsyncClient) -> None:
    response = await client.get(UPDATE)

    assert (response.status_code, response.headers["allow"]) == (405, "POST")
