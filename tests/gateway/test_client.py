"""What leaves for the partner, what comes back of it, and what stops the start."""

import logging

import httpx
import pytest

from fhir_bridge.connection import (
    Bearer,
    ClientCredentials,
    Connection,
    FixedHeaders,
    Forward,
    MutualTls,
    TokenExchange,
)
from fhir_bridge.exchange import PartnerRequest, PartnerResponse
from fhir_bridge.gateway import Gateway
from fhir_bridge.gateway.client import product
from fhir_bridge.outcome import Issue
from tests.gateway.northlab import WRITE, Northlab, failure, gateway

pytestmark = pytest.mark.anyio


async def test_a_call_leaves_with_its_method_path_headers_and_body():
    """The path is appended to the base URL as it is, and nothing of the client's own headers comes along."""
    northlab = Northlab(httpx.Response(204))

    await gateway(northlab).send(WRITE)

    (request,) = northlab.requests
    assert (request.method, str(request.url), request.content) == (
        "PUT",
        "https://northlab.example/api/patients/42",
        b'{"sex":"M"}',
    )
    agent = request.headers.pop("user-agent")
    assert agent.partition("/")[0] == "fhir-bridge"
    assert dict(request.headers) == {
        "host": "northlab.example",
        "accept": "application/json",
        "accept-encoding": "gzip",
        "connection": "keep-alive",
        "content-type": "application/json",
        "content-length": "11",
    }


def test_the_user_agent_tells_the_version_where_one_is_installed():
    """RFC 9110 section 10.1.5: the version may be left out."""
    assert product("httpx") == f"httpx/{httpx.__version__}"
    assert product("never-installed") == "never-installed"


async def test_a_header_of_the_mapping_replaces_the_default_in_whatever_case():
    """Two Accept headers would leave the choice to the partner."""
    northlab = Northlab(httpx.Response(200))

    await gateway(northlab).send(PartnerRequest("northlab", "GET", "/x", {"accept": "application/fhir+json"}))

    assert northlab.requests[0].headers.get_list("accept") == ["application/fhir+json"]


async def test_percent_encoding_of_the_mapping_is_left_alone():
    """`%2F` in an id is part of the id; decoding and encoding it again would change the path."""
    northlab = Northlab(httpx.Response(200))

    await gateway(northlab).send(PartnerRequest("northlab", "GET", "/patients/a%2Fb/$go?name=%D0%86%20x&..=1"))

    assert northlab.sent() == ["GET /api/patients/a%2Fb/$go?name=%D0%86%20x&..=1"]


@pytest.mark.parametrize("status_code", [200, 201, 204, 304, 400, 401, 404, 409, 422, 429, 500, 501, 502, 503, 504])
async def test_every_answer_is_returned_whatever_its_status(status_code):
    """What an error means is the mapping's business."""
    northlab = Northlab(httpx.Response(status_code, headers={"ETag": '"7"', "X-Trace": "t"}, content=b"words"))

    answer = await gateway(northlab).send(WRITE)

    assert answer == PartnerResponse(status_code, {"etag": '"7"', "x-trace": "t", "content-length": "5"}, b"words")


@pytest.mark.parametrize("body", [b"", b"null", b"[]", b'{"id":', b"<html>no</html>", b"\xff\xfe"])
async def test_a_body_is_not_judged(body):
    """An empty body, an array, truncated JSON, HTML, bytes that are no text: all are for the mapping to refuse."""
    answer = await gateway(Northlab(httpx.Response(200, content=body))).send(WRITE)

    assert answer.body == body


async def test_cookies_are_not_kept_between_calls():
    """One client's session must not become another's."""
    northlab = Northlab(httpx.Response(200, headers={"Set-Cookie": "session=of-patient-42"}), httpx.Response(200))
    bridge = gateway(northlab)

    await bridge.send(WRITE)
    await bridge.send(WRITE)

    assert "cookie" not in northlab.requests[1].headers


async def test_no_url_is_logged(caplog):
    """A search has a patient's name in it."""
    caplog.set_level(logging.DEBUG)

    await gateway(Northlab(httpx.Response(200))).send(PartnerRequest("northlab", "GET", "/patients?name=Roe"))

    assert [record for record in caplog.records if "Roe" in record.getMessage()] == []


@pytest.mark.parametrize(
    "path",
    [
        *("", "patients", "@elsewhere.example/", "/a b", "/a#b", "/é", "/a\n"),
        *("/..", "/a/../b", "/a/%2E%2e/b", "/./a", "/a/.?x=1"),
        pytest.param("/" + "a" * 8001, id="too long"),
    ],
)
async def test_a_path_that_leads_elsewhere_is_not_sent(path):
    """The mapping encodes what goes into a path; the gateway does not rely on it."""
    northlab = Northlab()

    error = await failure(gateway(northlab), PartnerRequest("northlab", "GET", path))

    assert (error.status_code, error.issues) == (
        500,
        (
            Issue(
                "internal-error",
                "exception",
                "The path of the call to the partner northlab is not one that may be sent.",
            ),
        ),
    )
    assert northlab.requests == []


@pytest.mark.parametrize("value", ["a\r\nX-Admin: 1", "a\x00", "Львів", " a", "a "])
async def test_a_header_value_that_cannot_be_sent_is_refused(value):
    """It came from the client, so 400; the value is not repeated."""
    request = PartnerRequest("northlab", "GET", "/patients/42", {"org_id": value})

    error = await failure(gateway(Northlab()), request)

    text = "The value of the header org_id cannot be sent to the partner northlab: only visible ASCII can."
    assert (error.status_code, error.issues) == (400, (Issue("invalid-header", "value", text),))


async def test_each_partner_has_its_own_address_and_credentials():
    """Nothing meant for one reaches another."""
    northlab, southlab = Northlab(httpx.Response(200)), Northlab(httpx.Response(200))
    bridge = Gateway(
        [
            Connection("northlab", "https://northlab.example", auth=(Bearer("north-secret"),)),
            Connection("southlab", "https://southlab.example", auth=(Bearer("south-secret"),)),
        ],
        transports={"northlab": northlab, "southlab": southlab},
    )

    await bridge.send(PartnerRequest("southlab", "GET", "/x"))

    assert northlab.requests == []
    assert [str(request.url) for request in southlab.requests] == ["https://southlab.example/x"]
    assert southlab.authorizations() == ["Bearer south-secret"]


async def test_leaving_the_gateway_closes_every_transport():
    """No connection outlives the process that the gateway lives in."""
    closed = []

    class Closing(httpx.AsyncBaseTransport):
        async def aclose(self):
            closed.append(self)

    transport = Closing()

    async with Gateway([Connection("northlab", "http://n.example")], transports={"northlab": transport}):
        assert closed == []

    assert closed == [transport]


def problems(*auth, base_url="https://northlab.example"):
    """Return the message that a connection with these credentials stops the start with."""
    with pytest.raises(ValueError, match="northlab") as caught:
        Gateway([Connection("northlab", base_url, auth=auth)], transports={"northlab": Northlab()})
    return str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        *("", "northlab.example", "ftp://northlab.example", "file:///etc/passwd", "https://", "https://[::1"),
        *("https://u:pw@n.example", "https://n.example?x=1", "https://n.example#x", "https://n.example:99999"),
    ],
)
def test_an_address_that_is_none_stops_the_start(url):
    """The message does not repeat the address: it may hold a password."""
    assert problems(base_url=url) == "northlab: the base URL is not http:// or https:// with a host and a path"


@pytest.mark.parametrize(
    ("auth", "message"),
    [
        (
            [ClientCredentials("login.example/token", "id", "pw")],
            "northlab: the token URL is not http:// or https:// with a host and a path",
        ),
        (
            [TokenExchange("token", {}, "token", None, "epoch_s", 60)],
            "northlab: the path of the token exchange is not a path that begins with /",
        ),
        ([Bearer("")], "northlab: the bearer token is empty, or holds what is not visible ASCII"),
        ([Bearer("a b")], "northlab: the bearer token is empty, or holds what is not visible ASCII"),
        ([Bearer("a"), Forward()], "northlab: two of its auth schemes write the header Authorization"),
        (
            [FixedHeaders({"authorization": "Basic eA=="}), Bearer("a")],
            "northlab: two of its auth schemes write the header Authorization",
        ),
        (
            [FixedHeaders({"X-Key": "pw\n"})],
            "northlab: the header 'X-Key' cannot be sent: its name or its value is not one line of ASCII",
        ),
        (
            [FixedHeaders({"X Key": "pw"})],
            "northlab: the header 'X Key' cannot be sent: its name or its value is not one line of ASCII",
        ),
    ],
)
def test_credentials_that_cannot_be_sent_stop_the_start(auth, message):
    """No message quotes a secret."""
    assert problems(*auth) == message


def test_a_client_certificate_without_tls_stops_the_start():
    """It would never be shown."""
    message = problems(MutualTls("c.pem", "k.pem"), base_url="http://northlab.example")

    assert message == "northlab: mutual TLS needs a base URL with https://"


def test_all_problems_of_all_connections_are_told_at_once():
    """One line each, in the order of the connections."""
    missing = MutualTls("no-such.pem", "no-such-key.pem", "no-such-ca.pem")
    connections = [
        Connection("northlab", "ftp://x", auth=(Bearer(""),)),
        Connection("southlab", "https://southlab.example", auth=(missing,)),
        Connection("southlab", "https://southlab.example"),
        Connection("southlab", "https://southlab.example"),
    ]

    with pytest.raises(ValueError, match="northlab") as caught:
        Gateway(connections, transports={"northlab": Northlab()})

    assert str(caught.value).splitlines() == [
        "northlab: the base URL is not http:// or https:// with a host and a path",
        "northlab: the bearer token is empty, or holds what is not visible ASCII",
        "southlab: CA bundle no-such-ca.pem: No such file or directory",
        "southlab: there are two connections of this name",
    ]
