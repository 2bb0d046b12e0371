"""Users' own tokens: what the partner refuses is renewed by the refresh token that the client hands in."""

from __future__ import annotations

from dataclasses import replace

import anyio
import httpx
import orjson
import pytest

from fhir_bridge.connection import FixedHeaders, Forward, Renewal, Timeouts, TokenExchange
from fhir_bridge.exchange import PartnerRequest, PartnerResponse
from fhir_bridge.gateway.sessions import MAX_SESSIONS, Renewed, Session, Sessions
from fhir_bridge.gateway.token import Token
from fhir_bridge.outcome import Issue
from tests.gateway.northlab import Clock, Northlab, failure, gateway

pytestmark = pytest.mark.anyio

NOW = 1_000_000.0
EXCHANGE = TokenExchange(
    path="/sessions/renewed",
    body={"session.kind": "renewal", "session.app": "app-1"},
    token_at="data.key",
    expires_at="data.ends",
    expires_as="epoch_s",
    lifetime_s=600,
)
RENEWAL = Renewal("X-Refresh-Token", EXCHANGE, refresh_at="session.old", next_at="data.more.next")
AUTH = (Forward(RENEWAL), FixedHeaders({"Api-key": "k-1"}))

CALL = PartnerRequest(
    "northlab",
    "PUT",
    "/patients/42",
    body=b"{}",
    client_authorization="Bearer a-0",
    client_refresh_token="r-0",
)
REFUSED = PartnerResponse(401, {}, b"")


def renewed(key: str = "a-1", next_: str | None = "r-1", ends: float = NOW + 3600) -> httpx.Response:
    """Return the answer to a renewal."""
    return httpx.Response(201, json={"data": {"key": key, "ends": ends, "more": {"next": next_}}})


def ok() -> httpx.Response:
    return httpx.Response(200)


def no() -> httpx.Response:
    return httpx.Response(401)


def sent_refresh_token(request: httpx.Request) -> object:
    return orjson.loads(request.content)["session"]["old"]


async def test_a_refused_token_is_renewed_and_the_call_is_made_once_more() -> None:
    """With the fixed headers, since it is a call of the partner's own API; the renewal carries no token."""
    northlab = Northlab(no(), renewed(), ok())

    answer = await gateway(northlab, auth=AUTH).send(CALL)

    assert answer.status_code == 200
    assert northlab.sent() == ["PUT /api/patients/42", "POST /api/sessions/renewed", "PUT /api/patients/42"]
    assert northlab.authorizations() == ["Bearer a-0", None, "Bearer a-1"]
    renewal = northlab.requests[1]
    assert orjson.loads(renewal.content) == {"session": {"kind": "renewal", "app": "app-1", "old": "r-0"}}
    assert (renewal.headers["Api-key"], renewal.headers["Content-Type"]) == ("k-1", "application/json")


async def test_the_client_goes_on_with_the_pair_that_it_has() -> None:
    """What was renewed is used at once, and renewed in its turn shortly before it ends."""
    clock = Clock()
    northlab = Northlab(no(), renewed(), ok(), ok(), renewed("a-2", "r-2"), ok())
    bridge = gateway(northlab, clock, auth=AUTH)

    await bridge.send(CALL)
    await bridge.send(CALL)
    clock.now_s += 3540
    await bridge.send(CALL)

    assert northlab.authorizations() == ["Bearer a-0", None, "Bearer a-1", "Bearer a-1", None, "Bearer a-2"]
    assert [sent_refresh_token(northlab.requests[n]) for n in (1, 4)] == ["r-0", "r-1"]


async def test_a_renewed_token_that_is_refused_before_its_end_is_renewed_too() -> None:
    northlab = Northlab(no(), renewed(), ok(), no(), renewed("a-2", "r-2"), ok())
    bridge = gateway(northlab, auth=AUTH)

    await bridge.send(CALL)
    await bridge.send(CALL)

    assert northlab.authorizations()[3:] == ["Bearer a-1", None, "Bearer a-2"]
    assert sent_refresh_token(northlab.requests[4]) == "r-1"


async def test_a_call_is_made_twice_at_most() -> None:
    northlab = Northlab(no(), renewed(), no())

    answer = await gateway(northlab, auth=AUTH).send(CALL)

    assert (answer, len(northlab.requests)) == (REFUSED, 3)


async def test_a_newer_token_of_the_client_is_tried_first() -> None:
    """It may have logged in again; where that one is refused, the session's takes its place."""
    northlab = Northlab(no(), renewed(), ok(), ok(), no(), ok())
    bridge = gateway(northlab, auth=AUTH)
    newer = replace(CALL, client_authorization="Bearer b-0")

    await bridge.send(CALL)
    await bridge.send(newer)
    await bridge.send(newer)

    assert northlab.authorizations()[3:] == ["Bearer b-0", "Bearer b-0", "Bearer a-1"]


@pytest.mark.parametrize("next_", [None, ""])
async def test_without_a_next_refresh_token_the_old_one_stays_good(next_: str | None) -> None:
    """RFC 6749 section 6."""
    northlab = Northlab(no(), renewed(next_=next_), ok(), no(), renewed("a-2"), ok())
    bridge = gateway(northlab, auth=AUTH)

    await bridge.send(CALL)
    await bridge.send(CALL)

    assert [sent_refresh_token(northlab.requests[n]) for n in (1, 4)] == ["r-0", "r-0"]


async def test_a_partner_may_have_no_field_for_the_next_refresh_token() -> None:
    northlab = Northlab(no(), renewed(), ok(), no(), renewed("a-2"), ok())
    bridge = gateway(northlab, auth=(Forward(replace(RENEWAL, next_at=None)),))

    await bridge.send(CALL)
    await bridge.send(CALL)

    assert [sent_refresh_token(northlab.requests[n]) for n in (1, 4)] == ["r-0", "r-0"]


@pytest.mark.parametrize("auth", [AUTH, (Forward(),)])
async def test_without_a_refresh_token_or_a_way_to_use_it_the_401_is_the_answer(auth: object) -> None:
    northlab = Northlab(no())
    call = replace(CALL, client_refresh_token=None) if auth is AUTH else CALL

    assert await gateway(northlab, auth=auth).send(call) == REFUSED
    assert len(northlab.requests) == 1


@pytest.mark.parametrize("status_code", [400, 401, 403])
async def test_a_refused_refresh_token_asks_the_user_to_log_in_again(status_code: int) -> None:
    northlab = Northlab(no(), httpx.Response(status_code, json={"error": "invalid_grant"}))

    error = await failure(gateway(northlab, auth=AUTH), CALL)

    text = (
        f"The partner northlab refused the refresh token as well, with status {status_code}: "
        "let the user log in again, and send the new tokens. The call itself was not carried out."
    )
    issue = Issue("partner-credentials-refused", "login", text, "http.X-Refresh-Token")
    assert (error.status_code, error.issues, error.headers) == (401, (issue,), {"WWW-Authenticate": "Bearer"})


async def test_a_session_that_ended_is_forgotten() -> None:
    """The client's own tokens are tried again, as if it came for the first time."""
    northlab = Northlab(no(), renewed(), ok(), no(), no(), no(), no())
    bridge = gateway(northlab, auth=AUTH)

    await bridge.send(CALL)
    ended = await failure(bridge, CALL)
    again = await failure(bridge, CALL)

    assert (ended.status_code, again.status_code) == (401, 401)
    assert northlab.authorizations()[3:] == ["Bearer a-1", None, "Bearer a-0", None]
    assert [sent_refresh_token(northlab.requests[n]) for n in (4, 6)] == ["r-1", "r-0"]


async def test_a_renewal_that_fails_otherwise_leaves_the_session_as_it_was() -> None:
    """The refresh token was not refused, so the next call may still renew."""
    northlab = Northlab(no(), httpx.Response(503, headers={"Retry-After": "7"}), no(), renewed(), ok())
    bridge = gateway(northlab, auth=AUTH)

    error = await failure(bridge, CALL)
    answer = await bridge.send(CALL)

    text = "The token endpoint of the partner northlab gave no token: it answered 503."
    assert (error.status_code, error.issues, error.headers) == (
        503,
        (Issue("partner-error", "transient", f"{text} The call itself was not carried out."),),
        {"Retry-After": "7"},
    )
    assert answer.status_code == 200


async def test_a_renewal_that_broke_off_is_not_repeated() -> None:
    """The refresh token may be used up by then."""
    northlab = Northlab(no(), httpx.ReadError("lost"))

    error = await failure(gateway(northlab, auth=AUTH), CALL)

    assert (error.status_code, len(northlab.requests)) == (502, 2)


@pytest.mark.parametrize("sent", ["", "a b", "ключ", "r" * 4097])
async def test_what_cannot_be_a_refresh_token_is_refused_before_any_call(sent: str) -> None:
    northlab = Northlab()

    error = await failure(gateway(northlab, auth=AUTH), replace(CALL, client_refresh_token=sent))

    text = "A refresh token is one word of visible ASCII, at most 4096 characters; send it alone."
    issue = Issue("invalid-header", "value", text, "http.X-Refresh-Token")
    assert (error.status_code, error.issues, northlab.requests) == (400, (issue,), [])


async def test_an_access_token_is_needed_all_the_same() -> None:
    northlab = Northlab()

    error = await failure(gateway(northlab, auth=AUTH), replace(CALL, client_authorization=None))

    assert (error.status_code, error.issues[0].error, northlab.requests) == (401, "login-required", [])


@pytest.mark.parametrize("auth", [AUTH, (FixedHeaders({"Api-key": "k-1", "authorization": "Basic eA=="}),)])
async def test_an_anonymous_call_carries_no_token_and_renews_none(auth: object) -> None:
    northlab = Northlab(no())

    answer = await gateway(northlab, auth=auth).send(replace(CALL, anonymous=True))

    assert (answer, northlab.authorizations()) == (REFUSED, [None])
    assert northlab.requests[0].headers["Api-key"] == "k-1"


class Waiting(Northlab):
    """Keeps the second request waiting until a test lets it go: the renewal."""

    def __init__(self, *answers: httpx.Response) -> None:
        super().__init__(*answers)
        self.go = anyio.Event()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        answer = await super().handle_async_request(request)
        if request.url.path.endswith("renewed"):
            await self.go.wait()
        return answer


async def test_many_calls_of_one_user_renew_once() -> None:
    northlab = Waiting(no(), renewed(), no(), no(), ok(), ok(), ok())
    bridge = gateway(northlab, auth=AUTH)
    got: list[int] = []

    async def send() -> None:
        got.append((await bridge.send(CALL)).status_code)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(send)
        await anyio.wait_all_tasks_blocked()
        tasks.start_soon(send)
        tasks.start_soon(send)
        await anyio.wait_all_tasks_blocked()
        northlab.go.set()

    assert got == [200, 200, 200]
    assert northlab.authorizations() == ["Bearer a-0", None, "Bearer a-0", "Bearer a-0", *["Bearer a-1"] * 3]


async def test_a_renewal_is_waited_for_even_where_the_call_is_over() -> None:
    """The partner has used the old refresh token up, and who comes next needs the new one."""
    northlab = Waiting(no(), renewed(), ok())
    bridge = gateway(northlab, auth=AUTH)
    over = anyio.CancelScope()

    async def send() -> None:
        with over:
            await bridge.send(CALL)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(send)
        await anyio.wait_all_tasks_blocked()
        over.cancel()
        northlab.go.set()
    answer = await bridge.send(CALL)

    assert answer.status_code == 200
    assert northlab.authorizations() == ["Bearer a-0", None, "Bearer a-1"]


async def test_a_renewal_that_takes_too_long_is_given_up() -> None:
    northlab = Waiting(no(), renewed())

    error = await failure(gateway(northlab, auth=AUTH, timeouts=Timeouts(whole_s=0.02)), CALL)

    assert (error.status_code, error.issues[0].error) == (504, "partner-too-late")


async def test_of_too_many_sessions_the_one_that_was_idle_longest_is_forgotten() -> None:
    async def renew(refresh_token: str) -> Renewed:
        return Renewed(Token(f"for-{refresh_token}", NOW + 60), None)

    sessions = Sessions(renew, lambda: NOW)
    first, second = sessions.open("r-a"), sessions.open("r-b")
    sessions.find("r-a")
    for number in range(MAX_SESSIONS - 1):
        sessions.open(f"r-{number}")

    assert (sessions.find("r-a"), sessions.find("r-b")) == (first, None)
    assert isinstance(second, Session)


def test_no_token_shows_in_a_repr() -> None:
    """A repr ends up in a traceback, and a traceback in the log."""
    assert "a-0" not in repr(CALL)
    assert "r-0" not in repr(CALL)
    assert "app-1" not in repr(AUTH)
