"""Headers of an answer: X-Request-Id, ETag, Last-Modified, Content-Type, Allow; those of a partner's stay away."""

from uuid import UUID

import httpx
import pytest

from fhir_bridge.mapping.routes import Routes
from fhir_bridge.outcome import Json
from tests.outcomes import issue, outcome
from tests.server.roche_sample import REQUEST
from tests.serving import Canned, serving

pytestmark = pytest.mark.anyio

ID = "7c3da506-804d-4550-8993-bf17f9ee0402"
PATIENT = f"/fhir/ehealth/Patient/{ID}"

EVERYWHERE = [
    ("GET", PATIENT),
    ("GET", "/fhir/ehealth/Patient/no-such-patient"),
    ("GET", "/fhir/nobody"),
    ("GET", "/fhir/ehealth/metadata"),
    ("PUT", PATIENT),
    ("DELETE", PATIENT),
    ("GET", "/nowhere"),
    ("POST", "/health/live"),
    ("GET", "/health/live"),
    ("GET", "/health/ready"),
]


@pytest.mark.parametrize(("method", "url"), EVERYWHERE)
async def test_every_answer_has_the_clients_request_id(client: httpx.AsyncClient, method: str, url: str) -> None:
    """Good or bad, whoever answers."""
    response = await client.request(method, url, headers={"X-Request-Id": "5109d51b-421e:run/7"})

    assert response.headers.get_list("x-request-id") == ["5109d51b-421e:run/7"]


@pytest.mark.parametrize(("method", "url"), EVERYWHERE)
async def test_or_a_new_one(client: httpx.AsyncClient, method: str, url: str) -> None:
    """A UUID, another each time."""
    first = (await client.request(method, url)).headers["x-request-id"]
    second = (await client.request(method, url)).headers["x-request-id"]

    assert (str(UUID(first)), str(UUID(second))) == (first, second)
    assert first != second


@pytest.mark.parametrize("sent", [b"", b"a b", b"a,b", b"x" * 129, b"<script>", "é".encode(), b"a\tb"])
async def test_a_request_id_that_may_not_stand_in_a_log_is_replaced(client: httpx.AsyncClient, sent: bytes) -> None:
    """It would have to be quoted or cut, and then it would be another."""
    response = await client.get("/fhir/nobody", headers={b"X-Request-Id": sent})

    assert UUID(response.headers["x-request-id"])


@pytest.mark.parametrize(("method", "url"), EVERYWHERE)
async def test_no_answer_is_for_a_cache_to_keep(client: httpx.AsyncClient, method: str, url: str) -> None:
    """Whether the record of a patient, or an error that tells of one."""
    response = await client.request(method, url)

    assert (response.headers["cache-control"], response.headers["vary"]) == ("no-store", "Accept")


async def test_an_answer_that_is_known_already_may_not_be_kept_either(client: httpx.AsyncClient) -> None:
    etag = (await client.get(PATIENT)).headers["etag"]

    response = await client.get(PATIENT, headers={"If-None-Match": etag})

    assert (response.status_code, response.headers["cache-control"]) == (304, "no-store")


@pytest.mark.parametrize(("method", "url"), EVERYWHERE[:6])
async def test_every_answer_of_a_base_names_the_intermediary(client: httpx.AsyncClient, method: str, url: str) -> None:
    """https://hl7.org/fhir/R4/http.html#custom: who changes what goes through says so."""
    response = await client.request(method, url, headers={"X-Intermediary": "another.example.org"})

    assert response.headers["x-intermediary"] == "fhir-bridge"


async def test_the_intermediary_is_the_public_host_where_one_is_configured(
    ready_routes: Routes, partner: Canned
) -> None:
    async with serving(ready_routes, partner.everywhere(), base_url="https://fhir.example.org:8443") as client:
        response = await client.get("/fhir/metadata")

    assert response.headers["x-intermediary"] == "fhir.example.org"


async def test_a_correlation_id_comes_back(client: httpx.AsyncClient) -> None:
    """But for one that may hold anything."""
    answers = [
        await client.get("/fhir/metadata", headers={b"X-Correlation-Id": sent}) for sent in (b"run:7", b"a b", b"")
    ]

    assert [response.headers.get("x-correlation-id") for response in answers] == ["run:7", None, None]


async def test_a_record_has_its_version_and_the_time_of_its_last_update(
    canned: httpx.AsyncClient, partner: Canned
) -> None:
    """https://hl7.org/fhir/R4/http.html#versioning; the time with the partner's offset is the same moment in GMT."""
    partner.answer(200, {"data": {"id": ID, "updated_at": "2017-04-20T21:14:13.250+02:00"}})

    response = await canned.get(PATIENT)

    assert response.json()["meta"] == {
        "versionId": "2017-04-20T211413.2500200-6f25711de4cc",
        "lastUpdated": "2017-04-20T21:14:13.250+02:00",
    }
    assert response.headers["etag"] == 'W/"2017-04-20T211413.2500200-6f25711de4cc"'
    assert response.headers["last-modified"] == "Thu, 20 Apr 2017 19:14:13 GMT"


async def test_the_present_version_is_read_by_its_id(client: httpx.AsyncClient) -> None:
    """https://hl7.org/fhir/R4/http.html#vread; what it is, ETag says and `meta.versionId`."""
    read = await client.get(PATIENT)
    version = read.json()["meta"]["versionId"]

    vread = await client.get(f"{PATIENT}/_history/{version}")
    head = await client.head(f"{PATIENT}/_history/{version}")
    part = await client.get(f"{PATIENT}/_history/{version}?_elements=gender")
    again = await client.get(f"{PATIENT}/_history/{version}", headers={"If-None-Match": f'W/"{version}"'})
    methods = await client.options(f"{PATIENT}/_history/{version}")

    assert read.headers["etag"] == vread.headers["etag"] == head.headers["etag"] == f'W/"{version}"'
    assert (vread.status_code, vread.json()) == (200, read.json())
    assert (part.json()["gender"], "name" in part.json()) == ("male", False)
    assert again.status_code == 304
    assert methods.headers["allow"] == "OPTIONS, GET, HEAD"


async def test_after_an_update_the_version_before_it_is_kept_no_more(client: httpx.AsyncClient) -> None:
    """404, as for any version that never was."""
    version = (await client.get(PATIENT)).json()["meta"]["versionId"]
    await client.put(PATIENT, json={"resourceType": "Patient", "id": ID, "gender": "male"})

    response = await client.get(f"{PATIENT}/_history/{version}")

    text = "No older version of anything is kept here; read the present one."
    assert (response.status_code, response.json()) == (404, outcome(issue("unknown-path", "not-supported", text)))


async def test_an_update_answers_with_the_new_version(client: httpx.AsyncClient) -> None:
    """Another than before."""
    before = (await client.get(PATIENT)).headers["etag"]

    response = await client.put(PATIENT, json={"resourceType": "Patient", "id": ID, "gender": "male"})

    assert response.headers["etag"] != before
    assert response.headers["etag"] == (await client.get(PATIENT)).headers["etag"]


async def test_a_record_without_a_time_has_no_version(canned: httpx.AsyncClient, partner: Canned) -> None:
    """None is made up."""
    partner.answer(200, {"data": {"id": ID}})

    response = await canned.get(PATIENT)

    assert not {"etag", "last-modified"} & set(response.headers)


async def test_an_operation_and_a_message_have_no_version(client: httpx.AsyncClient) -> None:
    """Parameters are no record, and a message is not kept."""
    operation = await client.post("/fhir/healthex/Patient/17d4513f-73e8/$update-data")
    message = await client.put(
        "/fhir/roche/Bundle/Bj6.1Lq-hvb-28", content=REQUEST, headers={"Content-Type": "application/fhir+json"}
    )

    assert not {"etag", "last-modified"} & {*operation.headers, *message.headers}


async def test_nothing_of_the_partners_headers_comes_along(canned: httpx.AsyncClient, partner: Canned) -> None:
    """A cookie least of all."""
    partner.answer(
        200, {"data": {"id": ID}}, set_cookie="session=1", server="partner", x_request_id="theirs", etag='"theirs"'
    )

    response = await canned.get(PATIENT)

    own = {"cache-control", "vary", "x-intermediary", "x-request-id"}
    assert set(response.headers) == {"content-type", "content-length", *own}
    assert response.headers["x-request-id"] != "theirs"


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        ("application/fhir+json", "application/fhir+json; charset=utf-8"),
        ("*/*", "application/fhir+json; charset=utf-8"),
        ("text/html;q=0.9, application/fhir+json;q=0.5", "application/fhir+json; charset=utf-8"),
        ("application/fhir+json; fhirVersion=4.0", "application/fhir+json; charset=utf-8; fhirVersion=4.0"),
    ],
)
async def test_the_content_type_is_fhirs(client: httpx.AsyncClient, accept: str, content_type: str) -> None:
    """With the version where the client speaks of versions."""
    response = await client.get(PATIENT, headers={"Accept": accept})

    assert (response.status_code, response.headers["content-type"]) == (200, content_type)


async def test_format_wins_over_accept(client: httpx.AsyncClient) -> None:
    """https://hl7.org/fhir/R4/http.html#parameters"""
    response = await client.get(f"{PATIENT}?_format=json", headers={"Accept": "text/html"})

    assert (response.status_code, response.headers["content-type"]) == (200, "application/fhir+json; charset=utf-8")


@pytest.mark.parametrize(
    ("method", "url", "allow", "text"),
    [
        (
            "DELETE",
            PATIENT,
            "GET, HEAD, PUT, PATCH",
            "eHealth Ukraine does not offer `delete` of Patient at this address. It allows GET, HEAD, PUT, PATCH.",
        ),
        (
            "GET",
            "/fhir/roche/Bundle/1",
            "PUT",
            "Roche Diabetes Care does not offer `read` of Bundle at this address. It allows PUT.",
        ),
        (
            "GET",
            "/fhir/wmda/Patient/123456/$update-search-status",
            "POST",
            "GET means nothing at this address; OPTIONS tells the methods that do.",
        ),
        (
            "POST",
            "/fhir/ehealth/metadata",
            "GET, HEAD",
            "POST means nothing at this address; OPTIONS tells the methods that do.",
        ),
    ],
)
async def test_allow_names_the_methods_of_the_address(
    client: httpx.AsyncClient, method: str, url: str, allow: str, text: str
) -> None:
    """Those of a base, not all that FHIR knows."""
    response = await client.request(method, url)

    assert (response.status_code, response.headers["allow"]) == (405, allow)
    assert response.json() == outcome(issue("method-not-allowed", "not-supported", text))


@pytest.mark.parametrize(
    ("url", "allow"),
    [
        (PATIENT, {"OPTIONS", "GET", "HEAD", "PUT", "PATCH"}),
        ("/fhir/wmda/Patient/123456/$update-search-status", {"OPTIONS", "POST"}),
        ("/fhir/roche/Bundle/1", {"OPTIONS", "PUT"}),
    ],
)
async def test_options_names_them_too(client: httpx.AsyncClient, url: str, allow: set[str]) -> None:
    """Without a body."""
    response = await client.options(url)

    assert (response.status_code, response.content) == (204, b"")
    assert set(response.headers["allow"].split(", ")) == allow


@pytest.mark.parametrize(
    "body", [{"resourceType": "Patient", "id": ID, "gender": "male"}, {"resourceType": "Patient", "id": "x"}]
)
async def test_lengths_are_in_bytes(client: httpx.AsyncClient, body: Json) -> None:
    """Cyrillic letters take two each."""
    response = await client.put(PATIENT, json=body)

    assert int(response.headers["content-length"]) == len(response.content)
