"""What is sent again, how often, and after how long."""

import httpx
import pytest

from fhir_bridge.connection import Timeouts
from fhir_bridge.exchange import PartnerResponse
from fhir_bridge.gateway.retry import retry_after_s
from fhir_bridge.outcome import Issue
from tests.gateway.northlab import READ, SAFE_WRITE, WRITE, Clock, Northlab, failure, gateway

pytestmark = pytest.mark.anyio

BROKEN = [
    httpx.ReadError("reset"),
    httpx.WriteError("broken pipe"),
    httpx.CloseError("closed"),
    httpx.RemoteProtocolError("Server disconnected without sending a response."),
    httpx.ReadTimeout("late"),
    httpx.WriteTimeout("late"),
    ConnectionResetError("reset"),
]


@pytest.mark.parametrize("error", [httpx.ConnectError("refused"), httpx.ConnectTimeout("late")])
async def test_any_call_is_sent_again_when_no_connection_could_be_made(error):
    """Nothing of it can have left; full jitter, and the second wait may be twice as long as the first."""
    northlab, clock = Northlab(error, error, httpx.Response(204)), Clock()

    answer = await gateway(northlab, clock).send(WRITE)

    assert answer.status_code == 204
    assert northlab.sent() == ["PUT /api/patients/42"] * 3
    assert [request.content for request in northlab.requests] == [b'{"sex":"M"}'] * 3
    assert clock.slept == [0.1, 0.2]


@pytest.mark.parametrize("error", [httpx.ConnectError("refused"), *BROKEN])
async def test_no_call_is_sent_more_than_three_times(error):
    """The last failure is the one that is told."""
    northlab, clock = Northlab(*[error] * 9), Clock()

    await failure(gateway(northlab, clock), SAFE_WRITE)

    assert len(northlab.requests) == 3
    assert clock.slept == [0.1, 0.2]


@pytest.mark.parametrize("error", BROKEN)
async def test_a_call_that_may_have_left_is_not_sent_again_unless_that_is_safe(error):
    """This holds for a kept connection too that the partner closed just before: nobody knows what it has read."""
    northlab = Northlab(error)

    await failure(gateway(northlab), WRITE)

    assert len(northlab.requests) == 1


@pytest.mark.parametrize("first", [*BROKEN, *(httpx.Response(status_code) for status_code in (502, 503, 504))])
async def test_a_safe_call_is_sent_again_after_a_failure_in_transit(first):
    """A broken connection, silence, or a gateway on the way that says so."""
    northlab = Northlab(first, httpx.Response(200, content=b"{}"))

    answer = await gateway(northlab).send(SAFE_WRITE)

    assert answer == PartnerResponse(200, {"content-length": "2"}, b"{}")
    assert len(northlab.requests) == 2


@pytest.mark.parametrize("status_code", [502, 503, 504])
async def test_an_unsafe_call_is_not_sent_again_after_a_bad_gateway(status_code):
    """The partner behind that gateway may have carried it out."""
    northlab = Northlab(httpx.Response(status_code))

    answer = await gateway(northlab).send(WRITE)

    assert answer.status_code == status_code
    assert len(northlab.requests) == 1


@pytest.mark.parametrize("status_code", [400, 404, 408, 409, 429, 500, 501])
async def test_other_answers_are_final(status_code):
    """A 500 may come again for the same reason, and a 429 asks for fewer calls."""
    northlab = Northlab(httpx.Response(status_code))

    answer = await gateway(northlab).send(READ)

    assert answer.status_code == status_code
    assert len(northlab.requests) == 1


async def test_the_last_busy_answer_is_returned():
    """After two repeats the client decides."""
    northlab = Northlab(*(httpx.Response(503, content=text) for text in (b"1", b"2", b"3")))

    answer = await gateway(northlab).send(READ)

    assert answer == PartnerResponse(503, {"content-length": "1"}, b"3")


async def test_a_short_retry_after_is_waited_for():
    """The partner knows better than the jitter."""
    northlab, clock = Northlab(httpx.Response(503, headers={"Retry-After": "2"}), httpx.Response(200)), Clock()

    answer = await gateway(northlab, clock).send(READ)

    assert answer.status_code == 200
    assert clock.slept == [2.0]


@pytest.mark.parametrize("retry_after", ["3", "3600", "Mon, 12 Jan 1970 13:46:43 GMT"])
async def test_a_long_retry_after_is_handed_to_the_client_at_once(retry_after):
    """No client waits blindly for as long as a partner wishes."""
    northlab, clock = Northlab(httpx.Response(503, headers={"Retry-After": retry_after})), Clock()

    answer = await gateway(northlab, clock).send(READ)

    assert (answer.status_code, answer.headers["retry-after"]) == (503, retry_after)
    assert clock.slept == []


@pytest.mark.parametrize("retry_after", ["soon", "Mon, 01 Jan 99999999999999999999 00:00:00 GMT"])
async def test_a_retry_after_that_says_nothing_harms_no_answer(retry_after):
    """An update that was carried out least of all."""
    northlab = Northlab(httpx.Response(200, headers={"Retry-After": retry_after}))

    answer = await gateway(northlab, Clock()).send(WRITE)

    assert answer.status_code == 200


async def test_an_answer_is_returned_when_the_time_left_is_too_short_for_a_repeat():
    """A 503 now is worth more than a 504 later."""
    northlab = Northlab(httpx.Response(503, headers={"Retry-After": "2"}))

    answer = await gateway(northlab, timeouts=Timeouts(whole_s=1.5)).send(READ)

    assert answer.status_code == 503


async def test_a_failure_is_told_when_the_time_left_is_too_short_for_a_repeat():
    """The wait alone would use up the limit of 0.09 s."""
    northlab = Northlab(httpx.ConnectError("refused"))

    error = await failure(gateway(northlab, timeouts=Timeouts(whole_s=0.09)), READ)

    text = "The partner northlab cannot be reached: no connection could be made. It has not received the call."
    assert error.issues == (Issue("partner-unreachable", "transient", text),)


async def test_a_full_pool_is_not_made_fuller_by_repeats():
    """PoolTimeout: it is our side that is busy."""
    northlab = Northlab(httpx.PoolTimeout("full"))

    error = await failure(gateway(northlab), READ)

    text = "The partner northlab cannot be reached: all connections to it are in use. It has not received the call."
    assert (error.status_code, error.issues) == (503, (Issue("partner-unreachable", "transient", text),))
    assert len(northlab.requests) == 1


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0.0),
        ("120", 120.0),
        ("Mon, 12 Jan 1970 13:46:45 GMT", 5.0),
        ("Mon, 12 Jan 1970 13:46:45 -0000", 5.0),
        ("Mon, 12 Jan 1970 13:46:35 GMT", 0.0),
        ("", None),
        ("soon", None),
        ("-1", None),
        ("1.5", None),
        ("9" * 5000, None),
        ("Mon, 99 Jan 1970 13:46:45 GMT", None),
    ],
)
def test_retry_after_is_a_number_of_seconds_or_a_date(text, seconds):
    """At Unix time 1,000,000, which is 1970-01-12 13:46:40."""
    assert retry_after_s(PartnerResponse(503, {"retry-after": text}, b""), 1_000_000.0) == seconds


def test_no_retry_after_asks_for_nothing():
    """The header is optional."""
    assert retry_after_s(PartnerResponse(503, {}, b""), 0.0) is None
