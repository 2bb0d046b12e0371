"""How many requests may be under way, of one client and of all, and in which order they begin."""

from __future__ import annotations

from contextlib import ExitStack

import anyio
import pytest

from fhir_bridge.limits import Limits
from fhir_bridge.mapping.routes import Routes
from fhir_bridge.outcome import Json
from fhir_bridge.rounds import Rounds
from tests.limits.running import HOST, LIVE, METADATA, PATIENT, Answer, Running, running
from tests.outcomes import issue, outcome

OF_ONE = outcome(
    issue("too-many-requests", "throttled", "This client has 2 requests under way; wait until some have ended.")
)
OF_ALL = outcome(issue("too-many-requests", "throttled", "The bridge has 2 requests under way; try again in a second."))


def begun(of: bytes = b"") -> bytes:
    """Return a request whose body does not come to its end; the proxy says that it is `of` this client."""
    return b"PUT " + PATIENT + b" HTTP/1.1\r\n" + HOST + forwarded(of) + b"Content-Length: 9\r\n\r\n{"


def forwarded(of: bytes) -> bytes:
    return b"X-Forwarded-For: " + of + b"\r\n" if of else b""


def begin(bridge: Running, stack: ExitStack, *requests: bytes) -> None:
    """Send requests, each on a connection of its own, and wait until all are under way."""
    for request in requests:
        stack.enter_context(bridge.client()).send(request)
    while bridge.now < len(requests):
        bridge.answer(LIVE)


def told(answer: Answer) -> tuple[int, Json, str]:
    return answer.status_code, answer.json(), answer.headers["retry-after"]


def test_one_request_too_many_of_a_client_is_429(routes: Routes) -> None:
    """Health is asked for all the same; and the connection stays open."""
    with running(routes, Limits(max_requests_of_one=2)) as bridge, ExitStack() as stack:
        begin(bridge, stack, begun(), begun())
        with bridge.client() as client:
            client.send(METADATA + LIVE)

            assert told(client.answer()) == (429, OF_ONE, "1")
            assert client.answer().status_code == 200


def test_it_is_taken_again_when_another_has_ended(routes: Routes) -> None:
    with running(routes, Limits(max_requests_of_one=1)) as bridge:
        with ExitStack() as stack:
            begin(bridge, stack, begun())
        while bridge.now:
            bridge.answer(LIVE)

        assert bridge.answer(METADATA).status_code == 200


def test_one_request_too_many_of_all_is_503(routes: Routes) -> None:
    with running(routes, Limits(max_requests=2)) as bridge, ExitStack() as stack:
        begin(bridge, stack, begun(), begun())

        assert told(bridge.answer(METADATA)) == (503, OF_ALL, "1")


@pytest.mark.parametrize(
    ("max_bodies_bytes", "clients", "status_code", "text"),
    [
        (
            50,
            [b"192.0.2.1"],
            429,
            "The bodies of this client that are under way have 10 bytes; wait until some have ended.",
        ),
        (16, [b"192.0.2.2", b"192.0.2.3"], 503, "The bodies under way have 16 bytes; try again in a second."),
    ],
)
def test_bodies_under_way_that_are_together_too_large_are_refused(
    routes: Routes, max_bodies_bytes: int, clients: list[bytes], status_code: int, text: str
) -> None:
    """Of one client, and of all."""
    limits = Limits(max_body_bytes=10, max_bodies_bytes=max_bodies_bytes)
    eight = b"PUT " + PATIENT + b" HTTP/1.1\r\n" + HOST + b"%bContent-Length: 9\r\n\r\n{       "
    with running(routes, limits, proxies=("127.0.0.1",)) as bridge, ExitStack() as stack:
        begin(bridge, stack, *(eight % forwarded(client) for client in clients))
        refused = stack.enter_context(bridge.client())
        refused.send(eight % forwarded(b"192.0.2.1"))
        answer = refused.answer()

        assert (answer.status_code, answer.json()) == (
            status_code,
            outcome(issue("too-many-requests", "throttled", text)),
        )
        assert (answer.headers["retry-after"], answer.headers["connection"]) == ("1", "close")


def test_behind_a_trusted_proxy_clients_are_told_apart(routes: Routes) -> None:
    with running(routes, Limits(max_requests_of_one=2), proxies=("127.0.0.0/8",)) as bridge, ExitStack() as stack:
        begin(bridge, stack, begun(b"192.0.2.1"), begun(b"192.0.2.1"))
        mine, other = (
            bridge.answer(b"GET /fhir/metadata HTTP/1.1\r\n" + HOST + forwarded(of) + b"\r\n")
            for of in (b"192.0.2.1", b"192.0.2.9, 192.0.2.2")
        )

        assert told(mine) == (429, OF_ONE, "1")
        assert other.status_code == 200


def test_by_default_nobody_is_believed_whom_a_request_is_of(routes: Routes) -> None:
    """Nor which scheme it came by."""
    link = b"GET /fhir/ehealth/metadata HTTP/1.1\r\nX-Forwarded-Proto: https\r\n" + HOST
    with running(routes, Limits(max_requests_of_one=2)) as bridge, ExitStack() as stack:
        assert b"https://bridge.test" not in bridge.answer(link + b"\r\n").body
        begin(bridge, stack, begun(b"192.0.2.1"), begun(b"192.0.2.2"))

        assert told(bridge.answer(link + forwarded(b"192.0.2.3") + b"\r\n")) == (429, OF_ONE, "1")


def test_ten_thousand_requests_in_one_piece_are_answered_one_after_the_other(routes: Routes) -> None:
    """However many have come, no more than one of a connection is read."""
    with running(routes, Limits()) as bridge, bridge.client() as client:
        client.send(LIVE * 10_000 + METADATA)
        statuses = {client.answer().status_code for _ in range(10_001)}

        assert statuses == {200}
        assert (bridge.requests, bridge.most_at_once) == (10_001, 1)


@pytest.mark.anyio
async def test_clients_take_turns_and_each_round_of_the_loop_has_one() -> None:
    """Who has come with many requests keeps nobody waiting, nor does who has gone."""
    in_rounds, began = Rounds(), []
    rounds = 0

    async def request(who: str) -> None:
        await in_rounds.wait(who)
        began.append((rounds, who))

    async def leave() -> None:
        with anyio.move_on_after(0):
            await request("gone")

    async def count() -> None:
        nonlocal rounds
        while rounds < 20:
            rounds += 1
            await anyio.sleep(0)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(count)
        for who in ("a", "a", "a", "a"):
            tasks.start_soon(request, who)
        tasks.start_soon(leave)
        for who in ("b", "c"):
            tasks.start_soon(request, who)

    assert [who for _, who in began] == ["a", "a", "b", "c", "a", "a"]
    assert len({round_ for round_, _ in began[1:]}) == 5
