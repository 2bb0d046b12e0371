"""How much a batch may ask for: entries, time, turns at a partner, and a client that still waits."""

from __future__ import annotations

import json

import anyio
import httpx
import pytest
from starlette.types import Message

from fhir_bridge.bridge import Bridge
from fhir_bridge.limits import Limits
from fhir_bridge.mapping.routes import Routes
from fhir_bridge.outcome import Json
from fhir_bridge.server import create_app
from tests.outcomes import issue, outcome, parameters
from tests.server.test_batch import ID, asking, bundle, numbered, record_of, send, statuses
from tests.serving import Canned, gateway, serving, simulated

pytestmark = pytest.mark.anyio

TOO_LATE = "Nothing was sent to the partner: the whole request has taken longer than 1 s; send this part by itself."
NOT_SENT = outcome(issue("not-sent", "timeout", TOO_LATE))


class Slow(httpx.AsyncBaseTransport):
    """A partner that takes its time, and writes down whom it was asked for; `busy` once it was asked `many` times."""

    def __init__(self, takes_s: float, many: int = 1) -> None:
        self.asked: list[str] = []
        self.takes_s = takes_s
        self.many = many
        self.busy = anyio.Event()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if not request.url.query:
            self.asked.append(request.url.path.rpartition("/")[2])
            if len(self.asked) == self.many:
                self.busy.set()
            await anyio.sleep(self.takes_s)
        return httpx.Response(200, json={"data": record_of(request)})


def reads(number: int) -> list[Json]:
    return [asking("GET", f"Patient/{numbered(n)}") for n in range(number)]


@pytest.mark.parametrize("kind", ["batch", "transaction"])
async def test_a_bundle_with_too_many_entries_is_refused_whole(
    ready_routes: Routes, partner: Canned, kind: str
) -> None:
    """Before an entry is looked at."""
    async with serving(ready_routes, partner.everywhere(), limits=Limits(max_entries=3)) as client:
        response = await client.post("/fhir/ehealth", json=bundle({}, {}, {}, {}, kind=kind))

    text = "A Bundle may have 3 entries, and this one has 4; send the others in another."
    assert response.status_code == 413
    assert response.json() == outcome(issue("too-many", "too-costly", text, "Bundle.entry"))
    assert partner.calls() == []


async def test_a_bundle_may_have_as_many_entries_as_the_limit_says(ready_routes: Routes, partner: Canned) -> None:
    async with serving(ready_routes, partner.everywhere(), limits=Limits(max_entries=3)) as client:
        answered = await send(client, *[asking("GET", "metadata")] * 3)

    assert statuses(answered) == ["200 OK"] * 3


async def test_entries_that_have_not_begun_in_time_are_not_sent(ready_routes: Routes) -> None:
    """Those under way end as they would."""
    ehealth = Slow(1.2)

    async with serving(ready_routes, simulated() | {"ehealth": ehealth}, limits=Limits(bundle_s=1)) as client:
        answered = await send(client, *reads(10))

    assert statuses(answered) == ["200 OK"] * 8 + ["504 Gateway Timeout"] * 2
    assert [entry["response"]["outcome"] for entry in answered[8:]] == [NOT_SENT] * 2
    assert sorted(ehealth.asked) == [numbered(n) for n in range(8)]


async def test_records_of_an_operation_that_have_not_begun_in_time_are_not_sent(ready_routes: Routes) -> None:
    healthex = Slow(1.2)
    named = parameters(*({"name": "patient", "valueReference": {"reference": f"Patient/p{n}"}} for n in range(10)))

    async with serving(ready_routes, simulated() | {"healthex": healthex}, limits=Limits(bundle_s=1)) as client:
        response = await client.post("/fhir/healthex/Patient/$update-data", json=named)

    told = [{part["name"]: part for part in each["part"]} for each in response.json()["parameter"]]
    assert [each["status"]["valueInteger"] for each in told] == [502] * 8 + [504] * 2  # the answers are no HealthEx's
    assert [each["outcome"]["resource"] for each in told[8:]] == [NOT_SENT] * 2


async def test_a_transaction_that_has_not_begun_its_change_in_time_changes_nothing(ready_routes: Routes) -> None:
    """It fails as a whole, at the entry that was not begun."""
    ehealth = Slow(1.2)
    change = asking("PUT", f"Patient/{ID}", {"resourceType": "Patient", "id": ID, "gender": "male"})

    async with serving(ready_routes, simulated() | {"ehealth": ehealth}, limits=Limits(bundle_s=1)) as client:
        response = await client.post("/fhir/ehealth", json=bundle(*reads(1), change, kind="transaction"))

    assert response.status_code == 504
    assert response.json() == outcome(issue("not-sent", "timeout", TOO_LATE, "Bundle.entry[1]"))
    assert ehealth.asked == [numbered(0)]


@pytest.mark.parametrize("addresses", [("10.0.0.1", "10.0.0.2"), ("10.0.0.1", "10.0.0.1")])
async def test_a_small_batch_does_not_wait_for_all_of_a_large_one(
    ready_routes: Routes, addresses: tuple[str, str]
) -> None:
    """Whether two clients send them, or one."""
    ehealth = Slow(0.01, many=8)
    app = create_app(Bridge(ready_routes, gateway(ready_routes, simulated() | {"ehealth": ehealth}, None)))
    one, other = (httpx.ASGITransport(app, client=(address, 1)) for address in addresses)

    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=one, base_url="http://bridge.test") as early,
        httpx.AsyncClient(transport=other, base_url="http://bridge.test") as late,
        anyio.create_task_group() as tasks,
    ):
        tasks.start_soon(lambda: send(early, *reads(100)))
        await ehealth.busy.wait()
        await send(late, asking("GET", f"Patient/{ID}"))

    assert len(ehealth.asked) == 101
    assert ehealth.asked.index(ID) < 24


async def test_entries_of_a_client_that_has_left_are_not_sent(ready_routes: Routes) -> None:
    """Those under way end as they would: what they may have changed stands in the log."""
    ehealth = Slow(0.01)
    app = create_app(Bridge(ready_routes, gateway(ready_routes, simulated() | {"ehealth": ehealth}, None)))
    body = json.dumps(bundle(*reads(100))).encode()
    received = iter([{"type": "http.request", "body": body, "more_body": False}])

    async def receive() -> Message:
        message = next(received, None)
        if message is not None:
            return message
        await ehealth.busy.wait()
        return {"type": "http.disconnect"}

    async def answer(message: Message) -> None:
        return None

    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": "/fhir/ehealth",
        "raw_path": b"/fhir/ehealth",
        "query_string": b"",
        "headers": [(b"content-type", b"application/fhir+json")],
        "client": ("10.0.0.1", 1),
        "server": ("bridge.test", 80),
    }
    async with app.router.lifespan_context(app):
        await app(scope, receive, answer)

    assert 1 <= len(ehealth.asked) <= 8
