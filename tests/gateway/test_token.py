"""Tokens: how each kind of endpoint is asked, what its answer may look like, and what a failure is to the client."""

import base64

import anyio
import httpx
import orjson
import pytest

from fhir_bridge.connection import ClientCredentials, FixedHeaders, Timeouts, TokenExchange
from fhir_bridge.exchange import PartnerResponse
from fhir_bridge.gateway.token import Token, exchange_endpoint, oauth_endpoint, read_token
from fhir_bridge.outcome import Issue
from tests.gateway.northlab import READ, SAFE_WRITE, WRITE, Clock, Northlab, failure, gateway

pytestmark = pytest.mark.anyio

NOW = 1_000_000.0
EXCHANGE = TokenExchange(
    path="/v1/auth/token",
    body={"apiKey": "key-123", "apiSecret": "sec-456"},
    token_at="token",
    expires_at="expiration",
    expires_as="epoch_s",
    lifetime_s=86_400,
)
OAUTH = ClientCredentials(
    "https://login.example/tenant/oauth2/token", "app-1", "pw&2=", {"resource": "f6d78a69-c840-46a2"}
)


def granted(token, expiration=NOW + 86_400):
    """Return the answer of a token endpoint of the JSON kind."""
    return httpx.Response(201, json={"token": token, "expiration": expiration})


def jwt(claims):
    """Return an unsigned JWT with these claims."""
    parts = (base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in (b'{"alg":"ES256"}', claims, b"sig"))
    return ".".join(parts)


async def test_a_token_is_fetched_by_json_once_and_then_kept():
    """The headers that go with every call go to this endpoint too: it is part of the partner's own API."""
    northlab = Northlab(granted("t-1"), httpx.Response(200), httpx.Response(200))
    bridge = gateway(northlab, auth=(EXCHANGE, FixedHeaders({"Api-key": "k-1"})))

    await bridge.send(WRITE)
    await bridge.send(WRITE)

    assert northlab.sent() == ["POST /api/v1/auth/token", "PUT /api/patients/42", "PUT /api/patients/42"]
    assert northlab.authorizations() == [None, "Bearer t-1", "Bearer t-1"]
    fetch = northlab.requests[0]
    assert orjson.loads(fetch.content) == {"apiKey": "key-123", "apiSecret": "sec-456"}
    assert (fetch.headers["content-type"], fetch.headers["api-key"]) == ("application/json", "k-1")


async def test_a_token_may_stand_within_objects_on_both_ways():
    """Dots in the names of fields lead into them."""
    within = TokenExchange("/t", {"login.key": "k", "login.secret": "s"}, "data.token", "data.left", "lifetime_s", 600)
    northlab = Northlab(
        httpx.Response(201, json={"data": {"token": "t-1", "left": 100}}), httpx.Response(200), httpx.Response(200)
    )
    clock = Clock()
    bridge = gateway(northlab, clock, auth=(within,))

    await bridge.send(WRITE)
    clock.now_s += 89
    await bridge.send(WRITE)

    assert orjson.loads(northlab.requests[0].content) == {"login": {"key": "k", "secret": "s"}}
    assert northlab.authorizations() == [None, "Bearer t-1", "Bearer t-1"]


@pytest.mark.parametrize("answer", [{}, {"data": {}}, {"data": "t-1"}, {"data": ["t-1"]}, {"data": {"token": {}}}])
async def test_a_token_that_is_not_where_it_should_be_is_none(answer):
    within = TokenExchange("/t", {}, "data.token", None, "epoch_s", 600)

    error = await failure(gateway(Northlab(httpx.Response(201, json=answer)), auth=(within,)), WRITE)

    assert error.status_code == 502
    assert "it has no usable token at data.token" in error.issues[0].text


async def test_client_credentials_are_posted_as_a_form_to_their_own_url():
    """RFC 6749 section 4.4.2, with `resource` as Azure's first version wants it; the partner's headers stay away."""
    answer = {"token_type": "Bearer", "expires_in": "3599", "expires_on": "1003599", "access_token": "t-1"}
    northlab = Northlab(httpx.Response(200, json=answer), httpx.Response(200))

    await gateway(northlab, auth=(OAUTH, FixedHeaders({"Api-key": "k-1"}))).send(READ)

    fetch, call = northlab.requests
    assert (fetch.method, str(fetch.url)) == ("POST", "https://login.example/tenant/oauth2/token")
    assert fetch.headers["content-type"] == "application/x-www-form-urlencoded"
    assert fetch.content == (
        b"grant_type=client_credentials&client_id=app-1&client_secret=pw%262%3D&resource=f6d78a69-c840-46a2"
    )
    assert "api-key" not in fetch.headers
    assert (call.headers["authorization"], call.headers["api-key"]) == ("Bearer t-1", "k-1")


@pytest.mark.parametrize(
    ("answer", "lasts_s"),
    [
        ({"token": "t", "expiration": NOW + 86_400}, 86_340),
        ({"token": "t", "expiration": str(int(NOW) + 86_400)}, 86_340),
        ({"token": "t", "expiration": f"{NOW + 86_400.5}"}, 86_340.5),
        ({"token": "t", "expiration": NOW + 100}, 90),
        ({"token": "t", "expiration": NOW + 600}, 540),
        ({"token": "t"}, 43_140),
        ({"token": "t", "expiration": None}, 43_140),
        ({"token": "t", "expiration": True}, 43_140),
        ({"token": "t", "expiration": "tomorrow"}, 43_140),
        ({"token": "t", "expiration": "Infinity"}, 43_140),
        ({"token": "t", "expiration": "NaN"}, 43_140),
        ({"token": "t", "expiration": [1]}, 43_140),
        ({"token": "t", "expiration": NOW}, 43_140),
        ({"token": "t", "expiration": 86_400}, 43_140),
        ({"token": jwt(b'{"exp":1003600}')}, 3_540),
        ({"token": jwt(b'{"exp":1003600}'), "expiration": NOW + 7_200}, 7_140),
        ({"token": jwt(b'{"exp":"soon"}')}, 43_140),
        ({"token": jwt(b"[1]")}, 43_140),
        ({"token": jwt(b"\xff")}, 43_140),
        ({"token": "a.b.c"}, 43_140),
        ({"token": "a.b"}, 43_140),
    ],
)
def test_a_token_is_kept_until_shortly_before_its_end(answer, lasts_s):
    """60 s before, or a tenth of its life; an end that is absent, unreadable or past gives way to the JWT's own
    `exp`, and that to the lifetime of the mapping file, 43,200 s here."""
    half_a_day = TokenExchange("/t", {}, "token", "expiration", "epoch_s", lifetime_s=43_200)
    endpoint = exchange_endpoint("northlab", "https://n.example", half_a_day, {})

    token = read_token(PartnerResponse(201, {}, orjson.dumps(answer)), endpoint, NOW)

    assert token == Token(answer["token"], NOW + lasts_s)


@pytest.mark.parametrize(
    ("answer", "lasts_s"),
    [
        ({"access_token": "t", "expires_in": "3599"}, 3_539),
        ({"access_token": "t", "expires_in": 30}, 27),
        ({"access_token": "t", "expires_in": 3599.0, "token_type": "Bearer"}, 3_539),
        ({"access_token": "t"}, 270),
        ({"access_token": "t", "expires_in": "-5"}, 270),
    ],
)
def test_an_oauth_token_says_how_long_it_lasts(answer, lasts_s):
    """In seconds, which Azure's first version writes as text; unsaid, five minutes."""
    token = read_token(PartnerResponse(200, {}, orjson.dumps(answer)), oauth_endpoint("northlab", OAUTH), NOW)

    assert token == Token("t", NOW + lasts_s)


def test_an_exchange_without_a_field_for_the_end_uses_the_lifetime_of_the_mapping():
    """`expires_at` may be None."""
    endpoint = exchange_endpoint("northlab", "", TokenExchange("/t", {}, "jwt", None, "epoch_s", 100), {})

    assert read_token(PartnerResponse(200, {}, b'{"jwt":"t"}'), endpoint, NOW) == Token("t", NOW + 90)


async def test_an_old_token_is_replaced_before_it_ends():
    """By the clock that the gateway was given."""
    northlab, clock = Northlab(granted("t-1", NOW + 600), httpx.Response(200), httpx.Response(200)), Clock(NOW)
    northlab.answers += [granted("t-2", NOW + 1200), httpx.Response(200)]
    bridge = gateway(northlab, clock, auth=(EXCHANGE,))

    await bridge.send(WRITE)
    clock.now_s = NOW + 539.9
    await bridge.send(WRITE)
    clock.now_s = NOW + 540
    await bridge.send(WRITE)

    assert northlab.authorizations() == [None, "Bearer t-1", "Bearer t-1", None, "Bearer t-2"]


@pytest.mark.parametrize(
    ("status_code", "headers", "body", "expected"),
    [
        (400, {}, b"", (502, "partner-credentials-refused", "login", "refused the bridge's own credentials", "400")),
        (
            401,
            {},
            b"<html>",
            (502, "partner-credentials-refused", "login", "refused the bridge's own credentials", "401"),
        ),
        (403, {}, b"[]", (502, "partner-credentials-refused", "login", "refused the bridge's own credentials", "403")),
        (
            401,
            {},
            b'{"error":"invalid_client","error_description":"sec-456 is wrong"}',
            (502, "partner-credentials-refused", "login", "refused the bridge's own credentials", "401 invalid_client"),
        ),
        (
            400,
            {},
            b'{"error":"sec-456"}',
            (502, "partner-credentials-refused", "login", "refused the bridge's own credentials", "400"),
        ),
        (404, {}, b"", (502, "partner-error", "exception", "gave no token", "404")),
        (500, {}, b"", (502, "partner-error", "exception", "gave no token", "500")),
    ],
)
async def test_a_token_endpoint_that_refuses_fails_the_call(status_code, headers, body, expected):
    """Of its words only OAuth's own error codes are repeated: the rest may quote the secret."""
    status, error_code, code, verb, words = expected
    northlab = Northlab(httpx.Response(status_code, headers=headers, content=body))

    error = await failure(gateway(northlab, auth=(EXCHANGE,)), WRITE)

    text = (
        f"The token endpoint of the partner northlab {verb}: it answered {words}. The call itself was not carried out."
    )
    assert (error.status_code, error.issues, error.headers) == (status, (Issue(error_code, code, text),), {})


@pytest.mark.parametrize(
    ("status_code", "retry_after", "expected", "headers"),
    [
        (429, "30", (429, "partner-throttled", "throttled"), {"Retry-After": "30"}),
        (429, "Mon, 12 Jan 1970 13:46:45 GMT", (429, "partner-throttled", "throttled"), {"Retry-After": "5"}),
        (429, "whenever\tyou like", (429, "partner-throttled", "throttled"), {}),
        (503, "30", (503, "partner-error", "transient"), {"Retry-After": "30"}),
        (502, "30", (502, "partner-error", "transient"), {}),
        (504, "30", (504, "partner-too-late", "timeout"), {}),
    ],
)
async def test_a_busy_token_endpoint_is_the_clients_to_wait_for(status_code, retry_after, expected, headers):
    """`Retry-After` is passed on as a number, and only where it is one."""
    northlab = Northlab(httpx.Response(status_code, headers={"Retry-After": retry_after}))
    status, error_code, code = expected

    error = await failure(gateway(northlab, Clock(NOW), auth=(EXCHANGE,)), WRITE)

    text = (
        f"The token endpoint of the partner northlab gave no token: it answered {status_code}. "
        "The call itself was not carried out."
    )
    assert (error.status_code, error.issues, error.headers) == (status, (Issue(error_code, code, text),), headers)


@pytest.mark.parametrize(
    "body",
    [
        *(b"", b"null", b"[]", b'"t-1"', b"<html>", b'{"token":', b"\xff"),
        *(b'{"token":null}', b'{"token":1}', b'{"token":""}', b'{"token":"a b"}', '{"token":"ключ"}'.encode()),
        *(b'{"token":"a\\r\\nX-Admin: 1"}', b'{"token":"\\u0000"}'),
    ],
)
async def test_an_answer_without_a_usable_token_fails_the_call(body):
    """A token goes into a header; whatever cannot is none."""
    error = await failure(gateway(Northlab(httpx.Response(200, content=body)), auth=(EXCHANGE,)), WRITE)

    text = (
        "The answer of the token endpoint of the partner northlab cannot be read: it has no usable token at token. "
        "The call itself was not carried out."
    )
    assert (error.status_code, error.issues) == (502, (Issue("partner-answer-unreadable", "exception", text),))


@pytest.mark.parametrize(
    ("raised", "status_code", "code", "text"),
    [
        (
            httpx.ConnectError("x"),
            503,
            ("partner-unreachable", "transient"),
            "The token endpoint of the partner northlab cannot be reached: no connection could be made.",
        ),
        (
            httpx.ReadTimeout("x"),
            504,
            ("partner-too-late", "timeout"),
            "The token endpoint of the partner northlab did not answer in time: nothing came from it for 10 s.",
        ),
        (
            httpx.ReadError("x"),
            502,
            ("partner-unreachable", "transient"),
            "The token endpoint of the partner northlab broke off the connection before its answer was complete, or "
            "did not speak HTTP.",
        ),
    ],
)
async def test_a_token_endpoint_is_called_under_the_same_limits_and_may_be_repeated(raised, status_code, code, text):
    """Even for a call that may not; and the client learns that its own call never left."""
    northlab = Northlab(*[raised] * 3)

    error = await failure(gateway(northlab, auth=(EXCHANGE,)), WRITE)

    issue = Issue(*code, f"{text} The call itself was not carried out.")
    assert (error.status_code, error.issues) == (status_code, (issue,))
    assert northlab.sent() == ["POST /api/v1/auth/token"] * 3


async def test_a_token_endpoint_that_redirects_is_not_followed():
    """It would get the secret."""
    northlab = Northlab(httpx.Response(307, headers={"Location": "https://elsewhere.example"}))

    error = await failure(gateway(northlab, auth=(EXCHANGE,)), WRITE)

    text = (
        "The token endpoint of the partner northlab answered with a redirect (307), which is not followed; "
        "check its URL. The call itself was not carried out."
    )
    assert (error.status_code, error.issues) == (502, (Issue("partner-answer-unreadable", "exception", text),))


async def test_a_call_whose_token_takes_too_long_was_not_received():
    """The limit of the whole call covers the token too."""

    class Silent(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request):
            await anyio.sleep_forever()

    error = await failure(gateway(Silent(), auth=(EXCHANGE,), timeouts=Timeouts(whole_s=0.01)), WRITE)

    text = "The partner northlab did not answer in time: the whole call may take 0.01 s. It has not received the call."
    assert (error.status_code, error.issues) == (504, (Issue("partner-too-late", "timeout", text),))


async def test_a_401_costs_one_new_token_and_one_repeat():
    """A 401 says that the call was refused, so even an unsafe one may be sent again."""
    northlab = Northlab(granted("t-1"), httpx.Response(401), granted("t-2"), httpx.Response(204))

    answer = await gateway(northlab, auth=(EXCHANGE,)).send(WRITE)

    assert answer.status_code == 204
    assert northlab.authorizations() == [None, "Bearer t-1", None, "Bearer t-2"]
    assert [request.content for request in northlab.requests[1::2]] == [b'{"sex":"M"}'] * 2


async def test_a_second_401_is_the_answer():
    """The mapping says what it means."""
    northlab = Northlab(granted("t-1"), httpx.Response(401), granted("t-2"), httpx.Response(401, content=b"still no"))

    answer = await gateway(northlab, auth=(EXCHANGE,)).send(WRITE)

    assert answer == PartnerResponse(401, {"content-length": "8"}, b"still no")
    assert len(northlab.requests) == 4


async def test_a_refused_call_was_not_received_if_its_repeat_cannot_be_sent():
    """Neither attempt was carried out."""
    northlab = Northlab(granted("t-1"), httpx.Response(401), granted("t-2"), *[httpx.ConnectError("x")] * 3)

    error = await failure(gateway(northlab, auth=(EXCHANGE,)), WRITE)

    text = "The partner northlab cannot be reached: no connection could be made. It has not received the call."
    assert error.issues == (Issue("partner-unreachable", "transient", text),)


async def test_a_401_does_not_make_an_earlier_attempt_forgotten():
    """The first attempt broke off, and may have been carried out; the second was refused, the rest never arrived."""
    northlab = Northlab(granted("t-1"), httpx.ReadError("x"), httpx.Response(401), granted("t-2"))
    northlab.answers += [httpx.ConnectError("x")] * 3

    error = await failure(gateway(northlab, auth=(EXCHANGE,)), SAFE_WRITE)

    text = (
        "The partner northlab cannot be reached: no connection could be made. "
        "It may have received the call and carried it out."
    )
    assert error.issues == (Issue("partner-unreachable", "transient", text),)


async def test_a_token_that_cannot_be_renewed_leaves_the_refused_call_undone():
    """The failure of the token endpoint is told, not the 401 before it."""
    northlab = Northlab(granted("t-1"), httpx.Response(401), httpx.Response(403))

    error = await failure(gateway(northlab, auth=(EXCHANGE,)), WRITE)

    text = (
        "The token endpoint of the partner northlab refused the bridge's own credentials: it answered 403. "
        "The call itself was not carried out."
    )
    assert (error.status_code, error.issues) == (502, (Issue("partner-credentials-refused", "login", text),))


async def test_no_secret_shows_in_a_repr():
    """A repr ends up in a traceback, and a traceback in the log."""
    endpoints = [exchange_endpoint("n", "https://n.example", EXCHANGE, {"k": "k-1"}), oauth_endpoint("n", OAUTH)]

    shown = repr([*endpoints, *(endpoint.call() for endpoint in endpoints), Token("t-1", 0.0), EXCHANGE, OAUTH])

    assert [secret for secret in ("sec-456", "key-123", "pw&2=", "pw%26", "k-1", "t-1") if secret in shown] == []
