"""Who fetches a token when many need one at once."""

import anyio
import pytest

from fhir_bridge.gateway.token import Token
from fhir_bridge.gateway.token_cache import TokenCache
from fhir_bridge.outcome import FhirError, Issue

pytestmark = pytest.mark.anyio

NOW = 1_000_000.0


class Endpoint:
    """A token endpoint that keeps everyone waiting until a test lets it go; gives t-1, t-2, …, or raises `error`."""

    def __init__(self) -> None:
        self.fetches = 0
        self.go = anyio.Event()
        self.error: FhirError | None = None

    async def fetch(self) -> Token:
        self.fetches += 1
        number = self.fetches
        await self.go.wait()
        if self.error is not None:
            raise self.error
        return Token(f"t-{number}", NOW + 540)


async def ask(cache, got, name):
    """Add what the cache says to `got`: a token's value or an error's status."""
    try:
        got[name] = (await cache.current()).value
    except FhirError as error:
        got[name] = error.status_code


async def test_many_callers_without_a_token_fetch_one():
    """One leads, the others wait for its token."""
    endpoint, got = Endpoint(), {}
    cache = TokenCache(endpoint.fetch, lambda: NOW)

    async with anyio.create_task_group() as tasks:
        for name in "abcd":
            tasks.start_soon(ask, cache, got, name)
        await anyio.wait_all_tasks_blocked()
        endpoint.go.set()

    assert got == {"a": "t-1", "b": "t-1", "c": "t-1", "d": "t-1"}
    assert endpoint.fetches == 1


async def test_a_fetch_that_fails_fails_all_who_wait_and_nobody_after_them():
    """The next caller tries anew."""
    endpoint, got = Endpoint(), {}
    endpoint.error = FhirError(429, Issue("partner-throttled", "throttled", "Too many."), headers={"Retry-After": "9"})
    cache = TokenCache(endpoint.fetch, lambda: NOW)

    async with anyio.create_task_group() as tasks:
        for name in "abc":
            tasks.start_soon(ask, cache, got, name)
        await anyio.wait_all_tasks_blocked()
        endpoint.go.set()
    endpoint.error = None
    await ask(cache, got, "later")

    assert got == {"a": 429, "b": 429, "c": 429, "later": "t-2"}
    assert endpoint.fetches == 2


async def test_each_who_waits_gets_the_whole_error():
    """Status, issues and headers, in an exception of its own."""
    endpoint, caught = Endpoint(), []
    issue = Issue("partner-throttled", "throttled", "Too many.")
    endpoint.error = FhirError(429, issue, headers={"Retry-After": "9"})
    cache = TokenCache(endpoint.fetch, lambda: NOW)

    async def catch():
        with pytest.raises(FhirError) as error:
            await cache.current()
        caught.append(error.value)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(catch)
        tasks.start_soon(catch)
        await anyio.wait_all_tasks_blocked()
        endpoint.go.set()

    assert [(e.status_code, e.issues, e.headers) for e in caught] == [(429, (issue,), {"Retry-After": "9"})] * 2
    assert caught[0] is not caught[1]


async def test_a_leader_who_is_cancelled_leaves_the_lead_to_the_next():
    """Its client went away; the others still want their token, and one of them fetches it for all."""
    endpoint, got = Endpoint(), {}
    cache = TokenCache(endpoint.fetch, lambda: NOW)

    async with anyio.create_task_group() as tasks:
        with anyio.move_on_after(10) as leader:
            async with anyio.create_task_group() as inner:
                inner.start_soon(ask, cache, got, "leader")
                await anyio.wait_all_tasks_blocked()
                for name in "abc":
                    tasks.start_soon(ask, cache, got, name)
                await anyio.wait_all_tasks_blocked()
                leader.cancel()
        await anyio.wait_all_tasks_blocked()
        assert (endpoint.fetches, got) == (2, {})
        endpoint.go.set()

    assert got == {"a": "t-2", "b": "t-2", "c": "t-2"}
    assert endpoint.fetches == 2


async def test_one_who_waits_may_go_away():
    """It takes nothing from the others."""
    endpoint, got = Endpoint(), {}
    cache = TokenCache(endpoint.fetch, lambda: NOW)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(ask, cache, got, "leader")
        await anyio.wait_all_tasks_blocked()
        with anyio.move_on_after(0.01):
            await ask(cache, got, "gone")
        endpoint.go.set()

    assert got == {"leader": "t-1"}


async def test_a_refused_token_is_replaced_once_for_all_who_used_it():
    """Two callers had t-1 refused: the second finds t-2 already there and does not fetch t-3."""
    endpoint = Endpoint()
    endpoint.go.set()
    cache = TokenCache(endpoint.fetch, lambda: NOW)
    refused = await cache.current()

    first = await cache.instead_of(refused)
    second = await cache.instead_of(refused)

    assert (refused.value, first.value, second.value) == ("t-1", "t-2", "t-2")
    assert endpoint.fetches == 2


async def test_a_refused_token_is_not_handed_out_while_its_successor_is_fetched():
    """Whoever comes meanwhile waits for the new one."""
    endpoint, got = Endpoint(), {}
    endpoint.go.set()
    cache = TokenCache(endpoint.fetch, lambda: NOW)
    refused = await cache.current()
    endpoint.go = anyio.Event()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(cache.instead_of, refused)
        await anyio.wait_all_tasks_blocked()
        tasks.start_soon(ask, cache, got, "newcomer")
        await anyio.wait_all_tasks_blocked()
        assert got == {}
        endpoint.go.set()

    assert got == {"newcomer": "t-2"}


async def test_an_endpoint_that_refuses_our_credentials_is_not_asked_again_for_five_seconds():
    """Everybody gets the same error meanwhile; one that only fails is asked again at once."""
    endpoint, now, got = Endpoint(), [NOW], {}
    endpoint.go.set()
    endpoint.error = FhirError(502, Issue("partner-credentials-refused", "login", "Refused."))
    cache = TokenCache(endpoint.fetch, lambda: now[0])

    for name, later_s in (("a", 0), ("b", 4.9), ("c", 5)):
        now[0] = NOW + later_s
        await ask(cache, got, name)
    endpoint.error = FhirError(503, Issue("partner-error", "transient", "Down."))
    now[0] = NOW + 20
    await ask(cache, got, "d")
    endpoint.error = None
    await ask(cache, got, "e")

    assert got == {"a": 502, "b": 502, "c": 502, "d": 503, "e": "t-4"}
    assert endpoint.fetches == 4
