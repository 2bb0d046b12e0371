"""What the client reads when a call never becomes an answer, and what may have become of the call."""

import socket
import ssl

import anyio
import httpx
import pytest

from fhir_bridge.connection import MutualTls, Timeouts
from fhir_bridge.exchange import PartnerRequest
from fhir_bridge.outcome import Issue
from tests.gateway.northlab import READ, SAFE_WRITE, WRITE, Northlab, failure, gateway

pytestmark = pytest.mark.anyio

NOT_RECEIVED = "It has not received the call."
CHANGES_NOTHING = "It may have received the call, which changes nothing."
CARRIED_OUT = "It may have received the call and carried it out."


def caused(error, cause):
    """Return `error` as `raise error from cause` leaves it."""
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("raised", "status_code", "issue"),
    [
        (
            httpx.ConnectError("x"),
            503,
            Issue(
                "partner-unreachable",
                "transient",
                f"The partner northlab cannot be reached: no connection could be made. {NOT_RECEIVED}",
            ),
        ),
        (
            caused(httpx.ConnectError("x"), caused(OSError("x"), socket.gaierror("x"))),
            503,
            Issue(
                "partner-unreachable",
                "transient",
                f"The partner northlab cannot be reached: its host name could not be resolved. {NOT_RECEIVED}",
            ),
        ),
        (
            httpx.ConnectTimeout("x"),
            503,
            Issue(
                "partner-unreachable",
                "transient",
                f"The partner northlab cannot be reached: there was no connection within 3 s. {NOT_RECEIVED}",
            ),
        ),
        (
            httpx.ReadTimeout("x"),
            504,
            Issue(
                "fate-unknown",
                "timeout",
                f"The partner northlab did not answer in time: nothing came from it for 10 s. {CARRIED_OUT}",
            ),
        ),
        (
            httpx.ReadError("x"),
            502,
            Issue(
                "fate-unknown",
                "transient",
                "The partner northlab broke off the connection before its answer was complete, or did not speak HTTP. "
                + CARRIED_OUT,
            ),
        ),
        (
            caused(httpx.ConnectError("x"), ssl.SSLError(1, "x")),
            502,
            Issue(
                "partner-unreachable",
                "exception",
                "The partner northlab cannot be reached over TLS: the handshake failed. Check its URL, and the "
                f"certificate, key and CA bundle that its connection names. {NOT_RECEIVED}",
            ),
        ),
    ],
)
async def test_each_way_to_fail_has_its_status_and_its_words(raised, status_code, issue):
    """A write: the client must know whether it may send it again."""
    error = await failure(gateway(Northlab(*[raised] * 3)), WRITE)

    assert (error.status_code, error.issues) == (status_code, (issue,))


async def test_where_a_client_certificate_is_shown_a_broken_connection_may_mean_that_it_was_refused():
    """In TLS 1.3 the alert that would say so often gets lost."""
    northlab = Northlab(httpx.ReadError("reset"))

    error = await failure(gateway(northlab, auth=(MutualTls("c.pem", "k.pem"),)), WRITE)

    text = (
        "The partner northlab broke off the connection before its answer was complete, or did not speak HTTP, or "
        f"refused the client certificate. {CARRIED_OUT}"
    )
    assert (error.status_code, error.issues) == (502, (Issue("fate-unknown", "transient", text),))


@pytest.mark.parametrize(
    ("request_", "answers", "fate"),
    [
        (READ, [httpx.ReadTimeout("x")] * 3, CHANGES_NOTHING),
        (PartnerRequest("northlab", "HEAD", "/x"), [httpx.ReadTimeout("x")], CHANGES_NOTHING),
        (WRITE, [httpx.ReadTimeout("x")], CARRIED_OUT),
        (WRITE, [httpx.ConnectError("x"), httpx.ConnectError("x"), httpx.ReadTimeout("x")], CARRIED_OUT),
    ],
)
async def test_a_late_answer_says_whether_the_call_may_have_been_received(request_, answers, fate):
    """The last sentence is what the client decides by."""
    error = await failure(gateway(Northlab(*answers)), request_)

    text = f"The partner northlab did not answer in time: nothing came from it for 10 s. {fate}"
    code = "fate-unknown" if fate == CARRIED_OUT else "partner-too-late"
    assert (error.status_code, error.issues) == (504, (Issue(code, "timeout", text),))


@pytest.mark.parametrize("first", [httpx.ReadError("x"), httpx.Response(504)])
async def test_an_earlier_attempt_is_not_forgotten(first):
    """The last attempt made no connection, but the first may have been carried out."""
    error = await failure(gateway(Northlab(first, *[httpx.ConnectError("x")] * 2)), SAFE_WRITE)

    text = f"The partner northlab cannot be reached: no connection could be made. {CARRIED_OUT}"
    assert error.issues == (Issue("partner-unreachable", "transient", text),)


class Silent(httpx.AsyncBaseTransport):
    """Takes every call and answers none."""

    async def handle_async_request(self, request):
        await anyio.sleep_forever()


async def test_the_whole_call_has_a_limit_of_its_own():
    """However patient the limits of each read are."""
    error = await failure(gateway(Silent(), timeouts=Timeouts(whole_s=0.01)), WRITE)

    text = f"The partner northlab did not answer in time: the whole call may take 0.01 s. {CARRIED_OUT}"
    assert (error.status_code, error.issues) == (504, (Issue("fate-unknown", "timeout", text),))


async def test_the_limits_of_a_connection_reach_the_transport():
    """In seconds; a full pool may keep a call waiting as long as a connection may."""
    northlab = Northlab(httpx.Response(200))

    await gateway(northlab, timeouts=Timeouts(connect_s=1.5, read_s=4, whole_s=9)).send(READ)

    assert northlab.requests[0].extensions == {"timeout": {"connect": 1.5, "pool": 1.5, "read": 4, "write": 4}}


async def test_a_caller_who_goes_away_is_not_answered():
    """Cancelling from outside stays a cancellation: it does not become a 504."""
    with anyio.move_on_after(0.01) as scope:
        await gateway(Silent()).send(WRITE)

    assert scope.cancelled_caught
