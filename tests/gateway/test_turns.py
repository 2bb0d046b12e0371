"""Turns at a partner: who waits, and who is next."""

from __future__ import annotations

import anyio
import pytest

from fhir_bridge.gateway.turns import Turns

pytestmark = pytest.mark.anyio


async def served(at_once: int, *asking: tuple[str, str]) -> list[tuple[str, str]]:
    """Let everybody ask in this order, give back one turn after the other, and return in which order they had one."""
    turns, had = Turns(at_once), []

    async def ask(client: str, request: str) -> None:
        await turns.take(client, request)
        had.append((client, request))

    async with anyio.create_task_group() as tasks:
        for client, request in asking:
            tasks.start_soon(ask, client, request)
            await anyio.wait_all_tasks_blocked()
        for _ in asking:
            turns.release()
            await anyio.wait_all_tasks_blocked()
    return had


async def test_as_many_as_there_are_turns_need_not_wait() -> None:
    turns = Turns(2)

    await turns.take("a", 1)
    await turns.take("a", 1)
    with anyio.move_on_after(0) as waiting:
        await turns.take("a", 1)

    assert waiting.cancelled_caught


async def test_clients_are_served_one_after_the_other() -> None:
    """Whoever comes late with little does not wait for all of who came early with much."""
    early, late, last = ("a", "1"), ("b", "2"), ("c", "3")

    assert await served(1, early, early, early, early, late, last) == [early, early, late, last, early, early]


async def test_requests_of_one_client_are_served_one_after_the_other() -> None:
    """Behind a proxy, all clients look alike."""
    early, late = ("a", "1"), ("a", "2")

    assert await served(1, early, early, early, late) == [early, early, late, early]


async def test_many_requests_of_one_client_are_no_more_than_one_of_another() -> None:
    first, second, third, other = ("a", "1"), ("a", "2"), ("a", "3"), ("b", "4")

    assert await served(1, first, first, second, third, other, other) == [first, first, other, second, other, third]


async def test_who_stops_waiting_is_passed_over() -> None:
    """All of a client's requests, or one of several."""
    turns, had = Turns(1), []
    await turns.take("a", "held")

    async def ask(client: str, request: str, scope: anyio.CancelScope) -> None:
        with scope:
            await turns.take(client, request)
            had.append((client, request))

    scopes = [anyio.CancelScope() for _ in range(4)]
    async with anyio.create_task_group() as tasks:
        for scope, (client, request) in zip(scopes, [("a", "1"), ("a", "1"), ("b", "2"), ("b", "3")], strict=True):
            tasks.start_soon(ask, client, request, scope)
        await anyio.wait_all_tasks_blocked()
        for number in (0, 2):
            scopes[number].cancel()
        await anyio.wait_all_tasks_blocked()
        for _ in range(2):
            turns.release()
            await anyio.wait_all_tasks_blocked()

    assert had == [("a", "1"), ("b", "3")]


async def test_a_turn_that_comes_to_who_leaves_goes_to_the_next() -> None:
    """It is lost to nobody."""
    turns, had = Turns(1), []
    await turns.take("a", "held")

    async def ask(client: str, scope: anyio.CancelScope) -> None:
        with scope:
            await turns.take(client, "1")
            had.append(client)

    leaving = anyio.CancelScope()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(ask, "b", leaving)
        tasks.start_soon(ask, "c", anyio.CancelScope())
        await anyio.wait_all_tasks_blocked()
        leaving.cancel()
        turns.release()

    assert had == ["c"]
