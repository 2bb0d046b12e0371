"""Searches that a facade can answer: by the logical id, or by the identifier that is the logical id."""

import httpx
import pytest

from fhir_bridge.outcome import Json
from tests.outcomes import issue, outcome
from tests.serving import Canned

pytestmark = pytest.mark.anyio

ID = "7c3da506-804d-4550-8993-bf17f9ee0402"
OTHER = "00000000-0000-4000-8000-000000000004"
UNKNOWN = "00000000-0000-4000-8000-000000000404"
BASE = "http://bridge.test/fhir/ehealth"
SYSTEM = "https://fhir-bridge.example/fhir/sid/ehealth-preperson"
SEARCH = "/fhir/ehealth/Patient"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
ONLY_BY = f"A Patient is found here by `_id` or `identifier={SYSTEM}|…` only; ask by that."
LEAVE_OUT = "This search parameter is not known here; leave it out."
MARK = {"system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue", "code": "SUBSETTED"}


def ids(bundle: Json) -> list[str]:
    return [entry["resource"]["id"] for entry in bundle.get("entry", [])]


def record(id_: str, **more: Json) -> Json:
    return {"data": {"id": id_, **more}}


async def test_what_is_found_is_a_searchset(canned: httpx.AsyncClient, partner: Canned) -> None:
    """The partner's record as a read gives it, at the address where it can be read."""
    partner.answer(200, record(ID, gender="MALE"))

    response = await canned.get(f"{SEARCH}?_id={ID}")

    assert partner.calls() == [f"GET http://ehealth.test/api/prepersons/{ID}"]
    assert response.status_code == 200
    assert response.json() == {
        "resourceType": "Bundle",
        "type": "searchset",
        "total": 1,
        "link": [{"relation": "self", "url": f"{BASE}/Patient?_id={ID}"}],
        "entry": [
            {
                "fullUrl": f"{BASE}/Patient/{ID}",
                "resource": {"resourceType": "Patient", "id": ID, "gender": "male"},
                "search": {"mode": "match"},
            }
        ],
    }
    assert not {"etag", "last-modified", "location"} & set(response.headers)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        (f"_id={ID}", [ID]),
        (f"_id={ID},{OTHER}", [ID, OTHER]),
        (f"_id={ID},{UNKNOWN}", [ID]),
        (f"_id={UNKNOWN}", []),
        (f"_id={ID}&_id={OTHER}", []),
        ("_id=a%20b", []),
        (f"identifier={SYSTEM}|{ID}", [ID]),
        (f"identifier={SYSTEM}%7C{ID}", [ID]),
        (f"identifier={SYSTEM}|{ID},{SYSTEM}|{OTHER}", [ID, OTHER]),
        (f"identifier={SYSTEM}|{UNKNOWN}", []),
        (f"_id={ID}&identifier={SYSTEM}|{ID}", [ID]),
    ],
)
async def test_by_get_and_by_post_the_same_is_found(client: httpx.AsyncClient, query: str, found: list[str]) -> None:
    """https://hl7.org/fhir/R4/http.html#search; what does not exist is no error."""
    got = await client.get(f"{SEARCH}?{query}")
    posted = await client.post(f"{SEARCH}/_search", content=query, headers=FORM)
    in_address = await client.post(f"{SEARCH}/_search?{query}")

    assert (got.status_code, ids(got.json())) == (200, found)
    assert got.json()["total"] == len(found)
    assert got.json() == posted.json() == in_address.json()


async def test_parameters_of_address_and_body_are_one_search(client: httpx.AsyncClient) -> None:
    """https://hl7.org/fhir/R4/search.html#Introduction"""
    response = await client.post(f"{SEARCH}/_search?_id={ID},{OTHER}", content=f"_id={OTHER}", headers=FORM)

    assert ids(response.json()) == [OTHER]


async def test_a_posted_search_asks_for_its_format_in_the_body(client: httpx.AsyncClient) -> None:
    """Where its other parameters are."""
    response = await client.post(f"{SEARCH}/_search", content=f"_id={ID}&_format=xml", headers=FORM)

    assert (response.status_code, response.headers["content-type"]) == (200, "application/fhir+xml; charset=utf-8")


async def test_the_format_in_the_body_wins_over_accept(client: httpx.AsyncClient) -> None:
    """As in the address. https://hl7.org/fhir/R4/http.html#parameters"""
    wanted = {**FORM, "Accept": "text/html"}

    response = await client.post(f"{SEARCH}/_search", content=f"_id={ID}&_format=json", headers=wanted)

    assert (response.status_code, response.headers["content-type"]) == (200, "application/fhir+json; charset=utf-8")


async def test_it_tells_the_version_too(client: httpx.AsyncClient) -> None:
    """Of a base that speaks two."""
    content = "_id=Bj6.1Lq-hvb-28&_format=application/fhir%2Bjson;fhirVersion=4.0"

    response = await client.post("/fhir/roche/CodeSystem/_search", content=content, headers=FORM)

    version = "application/fhir+json; charset=utf-8; fhirVersion=4.0"
    assert (response.status_code, response.headers["content-type"]) == (200, version)


async def test_a_posted_search_is_a_form(canned: httpx.AsyncClient, partner: Canned) -> None:
    """JSON is none."""
    response = await canned.post(f"{SEARCH}/_search", json={"_id": ID})

    text = "This Content-Type is not taken here; send application/x-www-form-urlencoded in UTF-8."
    assert response.status_code == 415
    assert response.json() == outcome(issue("content-type-not-supported", "not-supported", text, "http.Content-Type"))
    assert partner.calls() == []


@pytest.mark.parametrize(
    "query",
    ["", "family=Smith", "_count=5", "identifier=7", f"identifier={SYSTEM}|", f"_id={ID}&identifier=urn:oid:1.2|7"],
)
async def test_what_no_record_can_be_found_by_is_refused(
    canned: httpx.AsyncClient, partner: Canned, query: str
) -> None:
    """Everybody would be found, or too many."""
    response = await canned.get(f"{SEARCH}?{query}")

    assert response.status_code == 400
    assert response.json() == outcome(issue("no-such-search", "not-supported", ONLY_BY))
    assert partner.calls() == []


@pytest.mark.parametrize("parameter", ["_id", "identifier"])
async def test_a_modifier_is_refused(canned: httpx.AsyncClient, partner: Canned, parameter: str) -> None:
    """Without it, something else would be found."""
    response = await canned.get(f"{SEARCH}?{parameter}:not={ID}")

    text = f"`{parameter}:not` has a modifier, and none is known here; ask by `{parameter}`."
    assert response.status_code == 400
    assert response.json() == outcome(issue("no-such-search", "not-supported", text, f"http.{parameter}"))
    assert partner.calls() == []


async def test_more_than_a_hundred_at_once_are_too_many(canned: httpx.AsyncClient, partner: Canned) -> None:
    """Each would be a call."""
    many = ",".join(f"p{number}" for number in range(101))

    response = await canned.post(f"{SEARCH}/_search", content=f"_id={many}", headers=FORM)

    text = "One search may ask for 100 records at most; ask for the others by another."
    assert response.status_code == 400
    assert response.json() == outcome(issue("no-such-search", "too-costly", text))
    assert partner.calls() == []


@pytest.mark.parametrize("prefer", [None, "handling=lenient", "handling=whatever"])
async def test_a_parameter_that_is_not_known_is_left_aside(client: httpx.AsyncClient, prefer: str | None) -> None:
    """The answer says so, and its own link does without."""
    headers = {} if prefer is None else {"Prefer": prefer}

    response = await client.get(f"{SEARCH}?_id={ID}&family=Smith&_sort=name", headers=headers)

    body = response.json()
    assert response.status_code == 200
    assert (body["total"], len(body["entry"])) == (1, 2)
    assert body["link"] == [{"relation": "self", "url": f"{BASE}/Patient?_id={ID}"}]
    assert body["entry"][1].pop("fullUrl").startswith("urn:uuid:")
    assert body["entry"][1] == {
        "resource": outcome(
            issue("no-such-search", "not-supported", LEAVE_OUT, "http.family", severity="warning"),
            issue("no-such-search", "not-supported", LEAVE_OUT, "http._sort", severity="warning"),
        ),
        "search": {"mode": "outcome"},
    }


async def test_or_refused_where_the_client_is_strict(canned: httpx.AsyncClient, partner: Canned) -> None:
    """https://hl7.org/fhir/R4/search.html#errors"""
    response = await canned.get(f"{SEARCH}?_id={ID}&family=Smith&_format=json", headers={"Prefer": "handling=strict"})

    assert response.status_code == 400
    assert response.json() == outcome(issue("no-such-search", "not-supported", LEAVE_OUT, "http.family"))
    assert partner.calls() == []


async def test_what_the_partner_refuses_ends_the_search(canned: httpx.AsyncClient, partner: Canned) -> None:
    """Only what is not there is left out."""
    partner.answer(200, record(ID))
    partner.answer(403, {"error": {"message": "no"}})

    response = await canned.get(f"{SEARCH}?_id={ID},{OTHER}")

    assert (response.status_code, response.json()["resourceType"]) == (403, "OperationOutcome")


async def test_pages_lead_to_each_other(client: httpx.AsyncClient) -> None:
    """https://hl7.org/fhir/R4/http.html#paging: a client follows the links until there is none."""
    wanted = [ID, OTHER, "00000000-0000-4000-8000-000000000005"]
    url: str | None = f"{SEARCH}?_id={','.join(wanted)}&_count=2"
    pages = []
    while url is not None:
        body = (await client.get(url)).json()
        pages.append((body["total"], ids(body)))
        url = next((link["url"] for link in body["link"] if link["relation"] == "next"), None)

    assert pages == [(3, wanted[:2]), (3, wanted[2:])]


@pytest.mark.parametrize("query", ["_summary=count", "_count=0"])
async def test_what_is_found_can_be_counted_alone(client: httpx.AsyncClient, query: str) -> None:
    """No entries at all."""
    response = await client.get(f"{SEARCH}?_id={ID},{UNKNOWN}&{query}&family=x")

    assert response.json() == {
        "resourceType": "Bundle",
        "type": "searchset",
        "total": 1,
        "link": [{"relation": "self", "url": f"{BASE}/Patient?_id={ID},{UNKNOWN}&{query}"}],
    }


@pytest.mark.parametrize(
    ("query", "elements"),
    [
        ("_elements=gender", {"gender"}),
        ("_summary=text", set()),
        ("_summary=true", {"identifier", "active", "name", "gender", "birthDate"}),
        ("_summary=data", {"extension", "identifier", "active", "name", "gender", "birthDate", "contact"}),
    ],
)
async def test_each_match_is_shown_in_part(client: httpx.AsyncClient, query: str, elements: set[str]) -> None:
    """And marked: it must not be sent back. The link asks for the same part."""
    body = (await client.get(f"{SEARCH}?_id={ID}&{query}")).json()

    (entry,) = body["entry"]
    assert set(entry["resource"]) == {"resourceType", "id", "meta", *elements}
    assert entry["resource"]["meta"] == {
        "versionId": "2017-04-20T191413Z-90847d7180bb",
        "lastUpdated": "2017-04-20T19:14:13Z",
        "tag": [MARK],
    }
    assert body["link"][0]["url"] == f"{BASE}/Patient?_id={ID}&{query}"


@pytest.mark.parametrize("url", [f"/fhir/ehealth/Patient/{ID}", f"{SEARCH}?_id={ID}"])
async def test_a_summary_that_there_is_not_is_refused(canned: httpx.AsyncClient, partner: Canned, url: str) -> None:
    """Before any call."""
    response = await canned.get(f"{url}{'&' if '?' in url else '?'}_summary=some")

    text = "`_summary` is one of true, text, data, count, false."
    assert response.status_code == 400
    assert response.json() == outcome(issue("value-not-allowed", "value", text, "http._summary"))
    assert partner.calls() == []


async def test_a_read_is_shown_in_part_and_is_nothing_to_count(client: httpx.AsyncClient) -> None:
    """The version is that of the whole."""
    url = f"/fhir/ehealth/Patient/{ID}"

    whole, part, counted = [await client.get(f"{url}{query}") for query in ("", "?_elements=gender", "?_summary=count")]

    text = "Only what a search finds can be counted; ask for another `_summary`."
    assert set(part.json()) == {"resourceType", "id", "meta", "gender"}
    assert part.headers["etag"] == whole.headers["etag"]
    assert (counted.status_code, counted.json()) == (
        400,
        outcome(issue("value-not-allowed", "value", text, "http._summary")),
    )


async def test_at_the_hub_an_identifier_tells_the_partner(client: httpx.AsyncClient) -> None:
    """The record is said to be where it can be read."""
    got = await client.get(f"/fhir/Patient?identifier={SYSTEM}|{ID}")
    posted = await client.post("/fhir/Patient/_search", content=f"identifier={SYSTEM}|{ID}", headers=FORM)

    assert (got.status_code, ids(got.json())) == (200, [ID])
    assert got.json()["entry"][0]["fullUrl"] == f"{BASE}/Patient/{ID}"
    assert posted.json() == got.json()


async def test_at_the_hub_an_id_tells_nobody(client: httpx.AsyncClient) -> None:
    """It may be anybody's."""
    response = await client.get(f"/fhir/Patient?_id={ID}")

    assert response.status_code == 404
    assert response.json()["issue"][0]["details"]["coding"][0]["code"] == "no-partner-found"


async def test_head_has_the_headers_of_a_search(client: httpx.AsyncClient) -> None:
    """And no body."""
    got, headed = await client.get(f"{SEARCH}?_id={ID}"), await client.head(f"{SEARCH}?_id={ID}")

    assert (headed.status_code, headed.content) == (200, b"")
    assert headed.headers["content-length"] == got.headers["content-length"]


async def test_what_cannot_be_read_cannot_be_searched_for(client: httpx.AsyncClient) -> None:
    """405, and nothing is allowed there."""
    response = await client.post("/fhir/healthex/Patient/_search", content="_id=1", headers=FORM)

    assert (response.status_code, response.headers["allow"]) == (405, "")
