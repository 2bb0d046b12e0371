"""Secrets of ours that a partner quotes in an error."""

import base64
import json
from urllib.parse import quote

import httpx
import pytest

from fhir_bridge.connection import Bearer, FixedHeaders
from fhir_bridge.gateway.secrets import masked
from tests.gateway.northlab import READ, Northlab, gateway

pytestmark = pytest.mark.anyio

SECRET = 'k/e+y "=1'


@pytest.mark.parametrize(
    "written",
    [
        SECRET,
        SECRET.upper(),
        json.dumps(SECRET)[1:-1],
        quote(SECRET, safe=""),
        base64.b64encode(SECRET.encode()).decode().rstrip("="),
    ],
)
def test_a_secret_is_taken_out_however_it_is_written(written):
    assert masked(f"the key <{written}> is wrong".encode(), [SECRET]) == b"the key <***> is wrong"


def test_a_short_value_is_a_word_like_any_other():
    assert masked(b"no such key", ["key", "", "no"]) == b"no such key"


async def test_what_a_partner_says_of_an_error_holds_none_and_what_it_answers_is_as_it_is():
    body = b'{"error": "token-good with api-key-1 is unknown"}'
    northlab = Northlab(httpx.Response(403, content=body), httpx.Response(200, content=body))
    auth = (Bearer("token-good"), FixedHeaders({"Api-Key": "api-key-1"}))

    async with gateway(northlab, auth=auth) as northlab_gateway:
        refused, answered = [await northlab_gateway.send(READ) for _ in range(2)]

    assert refused.body == b'{"error": "*** with *** is unknown"}'
    assert answered.body == body
