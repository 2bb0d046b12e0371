"""Each auth scheme that needs no token endpoint, and their combinations."""

import httpx
import pytest

from fhir_bridge.connection import Bearer, FixedHeaders, Forward
from fhir_bridge.exchange import PartnerRequest, PartnerResponse
from fhir_bridge.gateway.auth import Credentials
from fhir_bridge.outcome import Issue
from tests.gateway.northlab import READ, Northlab, failure, gateway

pytestmark = pytest.mark.anyio


async def test_without_auth_no_credentials_are_sent_even_if_the_client_has_some():
    """The client's own token is for the bridge, unless the mapping says that it is for the partner."""
    northlab = Northlab(httpx.Response(200))

    await gateway(northlab).send(PartnerRequest("northlab", "GET", "/x", client_authorization="Bearer of-the-client"))

    assert northlab.authorizations() == [None]


async def test_a_fixed_bearer_goes_together_with_fixed_headers():
    """All schemes of a connection apply."""
    northlab = Northlab(httpx.Response(200))

    await gateway(northlab, auth=(FixedHeaders({"Api-key": "k-1", "X-Psk": "p-1"}), Bearer("t-1"))).send(READ)

    headers = northlab.requests[0].headers
    assert (headers["Api-key"], headers["X-Psk"], headers["Authorization"]) == ("k-1", "p-1", "Bearer t-1")


async def test_credentials_win_over_a_header_of_the_mapping():
    """No header taken from a request can take the place of the bridge's own."""
    northlab = Northlab(httpx.Response(200))
    request = PartnerRequest("northlab", "GET", "/x", {"authorization": "Bearer other", "API-KEY": "other"})

    await gateway(northlab, auth=(FixedHeaders({"Api-key": "k-1"}), Bearer("t-1"))).send(request)

    headers = northlab.requests[0].headers
    assert (headers.get_list("Api-key"), headers.get_list("Authorization")) == (["k-1"], ["Bearer t-1"])


@pytest.mark.parametrize("sent", ["Bearer abc.d-e_f~g+h/i=", "bearer  abc.d-e_f~g+h/i=", "BEARER abc.d-e_f~g+h/i= "])
async def test_the_clients_own_bearer_token_is_forwarded(sent):
    """The scheme's name is written in any case, RFC 9110 section 11.1, and sent on in the usual one."""
    northlab = Northlab(httpx.Response(200))
    request = PartnerRequest("northlab", "GET", "/x", client_authorization=sent)

    await gateway(northlab, auth=(Forward(), FixedHeaders({"Api-key": "k-1"}))).send(request)

    assert northlab.authorizations() == ["Bearer abc.d-e_f~g+h/i="]
    assert northlab.requests[0].headers["Api-key"] == "k-1"


@pytest.mark.parametrize("sent", [None, "", "Basic dTpw", "Bearer", "Bearer a b", "Bearer ключ", "Bearer a\r\nX: y"])
async def test_without_a_bearer_token_to_forward_the_client_is_asked_for_one(sent):
    """401, as HTTP wants it: with a challenge; the partner is not called, and a password is not passed on."""
    northlab = Northlab()
    request = PartnerRequest("northlab", "GET", "/x", client_authorization=sent)

    error = await failure(gateway(northlab, auth=(Forward(),)), request)

    text = "The partner northlab asks for the caller's own token: send it as 'Authorization: Bearer ' and the token."
    assert (error.status_code, error.issues, error.headers) == (
        401,
        (Issue("login-required", "login", text),),
        {"WWW-Authenticate": "Bearer"},
    )
    assert northlab.requests == []


@pytest.mark.parametrize("auth", [(Bearer("t-1"),), (Forward(),), (FixedHeaders({"X-Api-Key": "k"}),), ()])
async def test_a_401_is_returned_at_once_where_there_is_no_token_to_refresh(auth):
    """Sending the same credentials again would only be refused again."""
    northlab = Northlab(httpx.Response(401, content=b"no"))
    request = PartnerRequest("northlab", "GET", "/x", repeat="safe", client_authorization="Bearer c-1")

    answer = await gateway(northlab, auth=auth).send(request)

    assert answer == PartnerResponse(401, {"content-length": "2"}, b"no")
    assert len(northlab.requests) == 1


def test_credentials_do_not_show_in_a_repr():
    """A repr ends up in a traceback, and a traceback in the log."""
    assert repr(Credentials({"Authorization": "Bearer t-1"})) == "Credentials(token=None)"
