"""Requests that wait for each other, become one call, and share its answer."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import anyio
import pytest

from fhir_bridge.exchange import PartnerRequest, PartnerResponse, Share
from fhir_bridge.gateway.together import Gathering, Send
from fhir_bridge.outcome import FhirError, Issue

pytestmark = pytest.mark.anyio


def join(records: Sequence[object]) -> bytes:
    return json.dumps(list(records)).encode()


def asked(record: str, *, beside: bytes = b"", most: int = 100, **also: Any) -> PartnerRequest:
    share = Share(record, beside, most, join)
    known = {"partner": "northlab", "method": "POST", "path": "/clients", "body": join([record])}
    return PartnerRequest(**(known | also), share=share)


class Partner:
    """A partner that answers each call with its own body, or fails."""

    def __init__(self, error: Exception | None = None) -> None:
        self.calls: list[PartnerRequest] = []
        self.error = error

    async def send(self, request: PartnerRequest) -> PartnerResponse:
        self.calls.append(request)
        if self.error is not None:
            raise self.error
        return PartnerResponse(200, {}, request.body or b"")

    def bodies(self) -> list[Any]:
        return [json.loads(call.body or b"null") for call in self.calls]


Told = tuple[Any, int, int]


async def gather(
    partner: Partner, members: Sequence[Callable[[Send], Awaitable[PartnerResponse | None]]]
) -> dict[int, Told | str | None]:
    """Let members make their requests; return what each was told: the body of its answer, its index, of how many."""
    told: dict[int, Told | str | None] = {}
    gathering = Gathering(partner.send, len(members))

    async def run(position: int) -> None:
        async with gathering.member(position) as send:
            try:
                answer = await members[position](send)
            except FhirError as error:
                told[position] = error.issues[0].text
            else:
                told[position] = None if answer is None else (json.loads(answer.body), answer.index, answer.of)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(gathering.carry_out)
        for position in reversed(range(len(members))):
            tasks.start_soon(run, position)
    return told


def sends(request: PartnerRequest) -> Callable[[Send], Awaitable[PartnerResponse | None]]:
    async def member(send: Send) -> PartnerResponse | None:
        return await send(request)

    return member


async def test_requests_that_fit_become_one_call_in_the_order_of_the_entries() -> None:
    partner = Partner()

    told = await gather(partner, [sends(asked("a")), sends(asked("b")), sends(asked("c"))])

    assert partner.bodies() == [["a", "b", "c"]]
    assert partner.calls[0].share is None
    assert told == {0: (["a", "b", "c"], 0, 3), 1: (["a", "b", "c"], 1, 3), 2: (["a", "b", "c"], 2, 3)}


@pytest.mark.parametrize(
    "other",
    [
        {"beside": b'{"quiet":true}'},
        {"path": "/others"},
        {"method": "PUT"},
        {"headers": {"X-Trace": "2"}},
        {"client_authorization": "Bearer other"},
        {"client_refresh_token": "other"},
        {"anonymous": True},
        {"repeat": "safe"},
    ],
)
async def test_requests_that_differ_in_more_than_their_record_are_calls_of_their_own(other: dict[str, Any]) -> None:
    partner = Partner()

    told = await gather(partner, [sends(asked("a")), sends(asked("b", **other)), sends(asked("c"))])

    assert sorted(partner.bodies()) == [["a", "c"], ["b"]]
    assert told == {0: (["a", "c"], 0, 2), 1: (["b"], 0, 1), 2: (["a", "c"], 1, 2)}


async def test_no_more_go_together_than_fit() -> None:
    partner = Partner()

    told = await gather(partner, [sends(asked(name, most=2)) for name in "abcde"])

    assert sorted(partner.bodies()) == [["a", "b"], ["c", "d"], ["e"]]
    assert told[3] == (["c", "d"], 1, 2)


async def test_a_failure_is_everybodys() -> None:
    partner = Partner(FhirError(503, Issue("partner-unreachable", "transient", "Northlab cannot be reached.")))

    told = await gather(partner, [sends(asked("a")), sends(asked("b"))])

    assert told == {0: "Northlab cannot be reached.", 1: "Northlab cannot be reached."}
    assert len(partner.calls) == 1


async def test_a_fault_of_the_bridge_is_everybodys_too_and_nobody_waits_for_ever() -> None:
    faults: list[str] = []

    async def meets_a_fault(send: Send) -> None:
        try:
            await send(asked("a"))
        except RuntimeError as error:
            faults.append(str(error))

    await gather(Partner(KeyError("x")), [meets_a_fault, meets_a_fault])

    assert faults == ["a call that several make together failed"] * 2


async def test_who_fails_before_is_waited_for_no_longer() -> None:
    partner = Partner()

    async def fails(send: Send) -> None:
        await anyio.sleep(0)
        raise FhirError(422, Issue("rule-broken", "invariant", "A rule is broken."))

    async def asks_nothing(send: Send) -> None:
        return None

    told = await gather(partner, [fails, sends(asked("b")), asks_nothing])

    assert (partner.bodies(), told) == ([["b"]], {0: "A rule is broken.", 1: (["b"], 0, 1), 2: None})


async def test_without_anybody_there_is_no_call() -> None:
    partner = Partner()

    assert (await gather(partner, []), partner.calls) == ({}, [])


async def test_other_requests_of_a_member_go_by_themselves_and_so_do_later_ones() -> None:
    partner = Partner()
    first = PartnerRequest("northlab", "GET", "/clients/1", body=b'"first"')

    async def reads_before_and_asks_again(send: Send) -> PartnerResponse:
        await send(first)
        await send(asked("a"))
        return await send(asked("again"))

    told = await gather(partner, [reads_before_and_asks_again, sends(asked("b"))])

    assert partner.bodies() == ["first", ["a", "b"], ["again"]]
    assert told == {0: (["again"], 0, 1), 1: (["a", "b"], 1, 2)}
