"""OPTIONS, with the methods of an address; and CORS, for the web pages that may call."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

import httpx
import pytest

from fhir_bridge.bridge import Bridge
from fhir_bridge.mapping.routes import Routes
from fhir_bridge.server import create_app
from tests.outcomes import issue, outcome
from tests.serving import client_of, gateway, simulated

pytestmark = pytest.mark.anyio

ID = "7c3da506-804d-4550-8993-bf17f9ee0402"
PATIENT = f"/fhir/ehealth/Patient/{ID}"
PAGE = "https://app.example.org"
EXPOSED = "ETag, Location, Content-Location, Last-Modified, X-Request-Id, Allow, Retry-After, X-Unsupported-Elements"


@pytest.mark.parametrize(
    ("url", "allow"),
    [
        (PATIENT, {"GET", "HEAD", "PUT", "PATCH"}),
        ("/fhir/ehealth/Patient", {"GET", "HEAD", "POST", "PUT", "PATCH"}),
        ("/fhir/ehealth/$exchange-code", {"POST"}),
        ("/fhir/ehealth/Patient/_search", {"POST"}),
        ("/fhir/ehealth/Patient/1/_history", set()),
        ("/fhir/ehealth/Patient/$validate", {"POST"}),
        ("/fhir/ehealth/Patient/1/$validate", {"POST"}),
        ("/fhir/ehealth/$versions", {"GET", "HEAD", "POST"}),
        ("/fhir/$versions", {"GET", "HEAD", "POST"}),
        ("/fhir/ehealth/metadata", {"GET", "HEAD"}),
        ("/fhir/ehealth", {"POST"}),
        ("/fhir", {"POST"}),
        ("/fhir/ehealth/StructureDefinition", {"GET", "HEAD"}),
        ("/fhir/ehealth/StructureDefinition/ehealth-preperson", {"GET", "HEAD"}),
        ("/fhir/ehealth/StructureDefinition/_search", {"POST"}),
        ("/fhir/ehealth/Observation/1", set()),
        ("/fhir/roche/Bundle", {"POST", "PUT"}),
        ("/fhir/roche/$process-message", {"POST"}),
        ("/fhir/Patient/1", {"GET", "HEAD", "PUT", "PATCH"}),
    ],
)
async def test_an_address_tells_its_methods(client: httpx.AsyncClient, url: str, allow: set[str]) -> None:
    """OPTIONS is one of them, and has no body."""
    response = await client.options(url)

    assert (response.status_code, response.content) == (204, b"")
    assert set(response.headers["allow"].split(", ")) == {"OPTIONS", *allow}


@pytest.mark.parametrize(
    ("method", "url", "allow"),
    [
        ("DELETE", "/fhir/ehealth/StructureDefinition/ehealth-preperson", "GET, HEAD"),
        ("POST", "/fhir/ehealth/StructureDefinition", "GET, HEAD"),
        ("PUT", "/fhir/ehealth/$versions", "GET, HEAD, POST"),
        ("GET", "/fhir/ehealth/Patient/$validate", "POST"),
        ("GET", "/fhir", "POST"),
        ("POST", "/fhir/metadata", "GET, HEAD"),
    ],
)
async def test_what_is_not_allowed_is_told_what_is(
    client: httpx.AsyncClient, method: str, url: str, allow: str
) -> None:
    """405, with the same methods in Allow."""
    response = await client.request(method, url)

    assert (response.status_code, response.headers["allow"]) == (405, allow)


async def test_head_is_wherever_get_is(client: httpx.AsyncClient) -> None:
    """The same headers, and no body."""
    for url in (
        PATIENT,
        "/fhir/metadata",
        "/fhir/ehealth/$versions",
        "/fhir/CodeSystem",
        "/fhir/CodeSystem/bridge-error",
    ):
        got, headed = await client.get(url), await client.head(url)

        assert (headed.status_code, headed.content) == (200, b"")
        for name in ("content-type", "content-length", "etag", "last-modified"):
            assert headed.headers.get(name) == got.headers.get(name)


@asynccontextmanager
async def served_to(routes: Routes, *origins: str) -> AsyncIterator[httpx.AsyncClient]:
    app = create_app(Bridge(routes, gateway(routes, simulated(), None), cors_origins=origins))
    async with app.router.lifespan_context(app), client_of(app) as client:
        yield client


def preflight(
    origin: str = PAGE, method: str = "PUT", headers: str = "content-type, if-match, prefer"
) -> dict[str, str]:
    return {
        "Origin": origin,
        "Access-Control-Request-Method": method,
        "Access-Control-Request-Headers": headers,
    }


async def test_no_page_may_call_where_nothing_is_said(client: httpx.AsyncClient) -> None:
    """Neither before nor after the call."""
    asked = await client.options(PATIENT, headers=preflight())
    read = await client.get(PATIENT, headers={"Origin": PAGE})

    for response in (asked, read):
        assert not [name for name in response.headers if name.startswith("access-control-")]


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "POST", "DELETE", "HEAD"])
async def test_a_page_of_a_named_origin_may_call(routes: Routes, method: str) -> None:
    """With every method, and the headers that it asks for; no cookie is."""
    async with served_to(routes, PAGE, "http://localhost:3000") as client:
        response = await client.options(PATIENT, headers=preflight(method=method))

    assert response.status_code == 200
    assert response.headers["access-control-allow-origin"] == PAGE
    assert method in response.headers["access-control-allow-methods"].split(", ")
    assert response.headers["access-control-allow-headers"] == "content-type, if-match, prefer"
    assert "access-control-allow-credentials" not in response.headers
    assert UUID(response.headers["x-request-id"])


async def test_it_may_read_the_headers_of_the_answer(routes: Routes) -> None:
    """Of an error too."""
    async with served_to(routes, PAGE) as client:
        answers = [await client.get(url, headers={"Origin": PAGE}) for url in (PATIENT, "/fhir/nobody")]

    assert [response.status_code for response in answers] == [200, 404]
    for response in answers:
        assert response.headers["access-control-allow-origin"] == PAGE
        assert response.headers["access-control-expose-headers"] == EXPOSED
        assert response.headers["vary"] == "Accept, Origin"


async def test_a_page_of_another_origin_may_not(routes: Routes) -> None:
    """It is told in FHIR, and the browser keeps the rest from it."""
    async with served_to(routes, PAGE) as client:
        asked = await client.options(
            PATIENT, headers=preflight("https://elsewhere.example") | {"X-Request-Id": "run-7"}
        )
        read = await client.get(PATIENT, headers={"Origin": "https://elsewhere.example"})

    text = "Pages of this origin may not call the bridge, or not like this; FHIR_BRIDGE_CORS_ORIGINS names who may."
    assert (asked.status_code, asked.headers["x-request-id"]) == (403, "run-7")
    assert asked.json() == outcome(issue("invalid-header", "forbidden", text, "http.Origin"))
    assert "access-control-allow-origin" not in {*asked.headers, *read.headers}


async def test_every_page_may_call_where_that_is_said(routes: Routes) -> None:
    """With `*`."""
    async with served_to(routes, "*") as client:
        asked = await client.options(PATIENT, headers=preflight())
        read = await client.get(PATIENT, headers={"Origin": "https://elsewhere.example"})

    assert (asked.status_code, asked.headers["access-control-allow-origin"]) == (200, "*")
    assert read.headers["access-control-allow-origin"] == "*"


async def test_options_without_an_origin_are_no_preflight(routes: Routes) -> None:
    """They are answered as ever."""
    async with served_to(routes, PAGE) as client:
        response = await client.options(PATIENT)

    assert (response.status_code, response.headers["allow"]) == (204, "OPTIONS, GET, HEAD, PUT, PATCH")


async def test_the_statement_says_whether_pages_may_call(client: httpx.AsyncClient, routes: Routes) -> None:
    async with served_to(routes, PAGE) as open_to_pages:
        stated = [(await each.get("/fhir/metadata")).json() for each in (client, open_to_pages)]

    assert [each["rest"][0]["security"]["cors"] for each in stated] == [False, True]
