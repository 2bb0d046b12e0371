"""Large bodies are worked on beside the event loop, so that others are answered meanwhile."""

import threading
from collections.abc import Generator
from functools import partial

import anyio
import httpx
import pytest

from fhir_bridge.exchange import PartnerRequest, PartnerResponse
from fhir_bridge.fhir.interaction import FhirResponse
from fhir_bridge.outcome import FhirError, Issue
from fhir_bridge.worker import CLIENT, LARGE_BYTES, THREADS, Worker

PATIENCE_S = 60

pytestmark = pytest.mark.anyio

PATIENT = "/fhir/ehealth/Patient/7c3da506-804d-4550-8993-bf17f9ee0402"
BUSY = FhirError(503, Issue("partner-unreachable", "transient", "busy"))


async def test_a_small_body_is_worked_on_at_once_and_a_large_one_in_a_thread() -> None:
    own, worker = threading.get_ident(), Worker()

    assert await worker.run(LARGE_BYTES - 1, threading.get_ident) == own
    assert await worker.run(LARGE_BYTES, threading.get_ident) != own


async def test_no_more_large_bodies_are_worked_on_at_once_than_there_are_threads() -> None:
    worker, release = Worker(), threading.Event()
    at_once: list[int] = []
    lock, running = threading.Lock(), 0

    def work() -> None:
        nonlocal running
        with lock:
            running += 1
            at_once.append(running)
        release.wait(0.02)
        with lock:
            running -= 1

    async with anyio.create_task_group() as tasks:
        for _ in range(10):
            tasks.start_soon(worker.run, LARGE_BYTES, work)

    assert (len(at_once), max(at_once)) == (10, THREADS)


async def test_clients_take_turns_at_the_threads() -> None:
    """Who has come with ten large bodies keeps another waiting for one of them."""
    worker, begun = Worker(), threading.Event()
    order: list[str] = []

    def work(client: str) -> None:
        begun.wait(PATIENCE_S)
        order.append(client)

    async def run(client: str) -> None:
        CLIENT.set(client)
        await worker.run(LARGE_BYTES, partial(work, client))

    async with anyio.create_task_group() as tasks:
        for client in ["many"] * 10 + ["few"]:
            tasks.start_soon(run, client)
        await anyio.wait_all_tasks_blocked()
        begun.set()

    assert order.index("few") <= THREADS + 1


async def test_a_plan_goes_on_in_a_thread_once_a_partner_has_sent_much() -> None:
    """And survives the failure of a call where it can."""
    threads: list[int] = []

    def plan() -> Generator[PartnerRequest, PartnerResponse, FhirResponse]:
        threads.append(threading.get_ident())
        try:
            yield PartnerRequest("northlab", "GET", "/fails")
        except FhirError:
            threads.append(threading.get_ident())
        yield PartnerRequest("northlab", "GET", "/much")
        threads.append(threading.get_ident())
        return FhirResponse(200, None)

    async def send(request: PartnerRequest) -> PartnerResponse:
        if request.path == "/fails":
            raise BUSY
        return PartnerResponse(200, {}, b" " * LARGE_BYTES)

    response = await Worker().carry_out(plan(), send, 7)

    own = threading.get_ident()
    assert [thread == own for thread in threads] == [True, True, False]
    assert response == FhirResponse(200, None, size=LARGE_BYTES)


async def test_others_are_answered_while_a_large_body_is_checked(client: httpx.AsyncClient) -> None:
    """A hundred calls of /health/live end before it, however many steps each of them takes."""
    names = ",".join(f'{{"family": "{number}"}}' for number in range(20_000))
    body = f'{{"resourceType": "Patient", "id": "{PATIENT[-36:]}", "name": [{names}]}}'
    ended: list[int] = []

    async def put() -> None:
        answer = await client.put(PATIENT, content=body, headers={"Content-Type": "application/fhir+json"})
        ended.append(answer.status_code)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(put)
        for _ in range(100):
            await client.get("/health/live")
        assert ended == []

    assert len(ended) == 1
