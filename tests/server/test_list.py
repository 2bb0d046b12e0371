"""A search that is a partner's list, over HTTP: every record once, and none is missing."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from fhir_bridge.canonical import CANONICAL
from fhir_bridge.outcome import Json
from tests.mapping.lab import load
from tests.serving import serving

pytestmark = pytest.mark.anyio

FHIRS = "http://hl7.org/fhir/SearchParameter"
FILE = f"""\
partner: northlab
title: Northlab
connection: {{base_url: $NORTHLAB_URL}}
identity: {{systems: [sid/client]}}
interactions:
  read Patient:
    call: GET /clients/{{id}}
    receive: {{map: client}}
  search Patient:
    call: GET /clients
    query:
      limit: {{count: 10}}
      start: {{offset: true}}
      mrn: {{parameter: identifier, definition: "{FHIRS}/Patient-identifier", system: sid/mrn}}
      born: {{parameter: birthdate, definition: "{FHIRS}/individual-birthdate"}}
      name: {{parameter: family, definition: "{FHIRS}/individual-family", join: ";"}}
      weight: {{parameter: weight, definition: SearchParameter/weight}}
    receive: {{map: client, each: clients, total: found}}
  search Practitioner:
    call: GET /doctors
    receive: {{map: doctor, each: doctors, total: found}}
maps:
  client:
    resource: Patient
    rows: {{id: {{at: number, only: to_fhir}}, birthDate: {{at: born}}}}
  doctor:
    resource: Practitioner
    rows: {{id: {{at: number, only: to_fhir}}}}
"""
WEIGHT: Json = {
    "resourceType": "SearchParameter",
    "url": f"{CANONICAL}/SearchParameter/weight",
    "name": "Weight",
    "status": "active",
    "description": "In kilograms.",
    "code": "weight",
    "base": ["Patient"],
    "type": "number",
}
BASE = "http://bridge.test/fhir/northlab"


@dataclass
class Northlab(httpx.AsyncBaseTransport):
    """A partner with so many records, which sends no more than `most` in one answer, and says how many it has."""

    records: int = 0
    most: int = 100
    says_total: bool = True
    asked: list[str] = field(default_factory=list)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request.url.raw_path.decode().removeprefix("/api"))
        name = request.url.path.rpartition("/")[2]
        if name not in ("clients", "doctors"):
            return httpx.Response(200, json={"number": name})
        asked: Mapping[str, str] = request.url.params
        start, size = int(asked.get("start", 0)), min(int(asked.get("limit", 100)), self.most)
        numbers = range(1, self.records + 1)[start : start + size]
        total = {"found": self.records} if self.says_total else {}
        return httpx.Response(200, json={name: [{"number": str(number)} for number in numbers], **total})


@asynccontextmanager
async def bridge(partner: Northlab) -> AsyncIterator[httpx.AsyncClient]:
    async with serving(load(FILE, WEIGHT), {"northlab": partner}) as client:
        yield client


async def get(partner: Northlab, url: str) -> tuple[int, Any]:
    async with bridge(partner) as client:
        answer = await client.get(url if url.startswith("http") else f"/fhir/northlab/{url}")
    return answer.status_code, answer.json()


async def every_page(partner: Northlab, url: str) -> list[str]:
    """Return the ids of all pages, from one `next` link to the other."""
    ids: list[str] = []
    next_: str | None = url
    async with bridge(partner) as client:
        while next_ is not None:
            page = (await client.get(next_)).json()
            ids += [entry["resource"]["id"] for entry in page.get("entry", ())]
            next_ = next((each["url"] for each in page["link"] if each["relation"] == "next"), None)
    return ids


@pytest.mark.parametrize(("most", "says_total"), [(100, True), (100, False), (2, True), (1, True)])
async def test_whoever_follows_the_links_gets_every_record_once(most: int, says_total: bool) -> None:
    partner = Northlab(records=7, most=most, says_total=says_total)

    assert await every_page(partner, f"{BASE}/Patient?_count=3") == ["1", "2", "3", "4", "5", "6", "7"]


async def test_a_partner_that_says_it_has_more_than_it_sent_did_not_send_all() -> None:
    status, outcome = await get(Northlab(records=150), "Practitioner")

    text = (
        "Northlab did not send all that it found: it has 150 records and sent 100; "
        "the mapping file has to say how the others are asked for."
    )
    assert (status, [issue["details"]["text"] for issue in outcome["issue"]]) == (502, [text])


async def test_a_page_with_nothing_in_it_before_the_end_is_no_end() -> None:
    status, outcome = await get(Northlab(records=7, most=0), "Patient?_count=3&_offset=3")

    text = "Northlab did not send all that it found: it has 7 records, and sent none from number 4 on."
    assert (status, [issue["details"]["text"] for issue in outcome["issue"]]) == (502, [text])


@pytest.mark.parametrize("url", ["Patient?_count=3&_offset=7", "Patient?_count=3&_offset=70"])
async def test_behind_the_end_there_is_nothing(url: str) -> None:
    status, page = await get(Northlab(records=7), url)

    assert (status, page["total"], "entry" in page) == (200, 7, False)


@pytest.mark.parametrize(
    ("query", "asked"),
    [
        ("identifier=M-7", "/clients?mrn=M-7&limit=10&start=0"),
        (f"identifier={CANONICAL}/sid/mrn|M-7", "/clients?mrn=M-7&limit=10&start=0"),
        (f"identifier={CANONICAL}/sid/client|7", "/clients/7"),
        ("_id=7", "/clients/7"),
        ("birthdate=1984-02-29", "/clients?born=1984-02-29&limit=10&start=0"),
        ("birthdate=eq1984-02-29", "/clients?born=1984-02-29&limit=10&start=0"),
        ("weight=61.5", "/clients?weight=61.5&limit=10&start=0"),
        ("weight=eq-1", "/clients?weight=-1&limit=10&start=0"),
        ("family=Berg,Dahl", "/clients?name=Berg%3BDahl&limit=10&start=0"),
        (r"family=Berg\,Dahl", "/clients?name=Berg%2CDahl&limit=10&start=0"),
        ("family=Berg|Dahl", "/clients?name=Berg%7CDahl&limit=10&start=0"),
    ],
)
async def test_a_search_is_asked_of_the_partner_in_the_partners_words(query: str, asked: str) -> None:
    partner = Northlab()

    assert (await get(partner, f"Patient?{query}"))[0] == 200
    assert partner.asked == [asked]


FULL = "a full date is needed here: YYYY-MM-DD"


@pytest.mark.parametrize(
    ("query", "name", "why"),
    [
        ("birthdate=ge1984-01-01", "birthdate", "the partner cannot be asked by `ge`; ask for one day, YYYY-MM-DD"),
        ("birthdate=ap1984-01-01", "birthdate", "the partner cannot be asked by `ap`; ask for one day, YYYY-MM-DD"),
        ("birthdate=banana", "birthdate", FULL),
        ("birthdate=1984", "birthdate", FULL),
        ("birthdate=1984-02-29T10:00:00Z", "birthdate", FULL),
        ("birthdate=1983-02-29", "birthdate", "there is no such day in the calendar"),
        ("weight=gt60", "weight", "the partner cannot be asked by `gt`; ask for one number"),
        ("weight=heavy", "weight", "a number is needed here"),
        ("family=Berg;Dahl,Moe", "family", "it holds `;`, which stands between two values at the partner"),
        ("identifier=urn:oid:1.2|7", "identifier", f"its codes are of {CANONICAL}/sid/mrn"),
    ],
)
async def test_what_the_partner_cannot_be_asked_is_refused_and_never_sent_as_it_is(
    query: str, name: str, why: str
) -> None:
    partner = Northlab()

    status, outcome = await get(partner, f"Patient?{query}")

    (issue,) = outcome["issue"]
    assert (status, partner.asked) == (400, [])
    assert issue["details"]["text"] == f"`{name}` cannot be searched for so: {why}."
    assert issue["expression"] == [f"http.{name}"]


async def test_ids_and_another_identifier_cannot_be_asked_for_together() -> None:
    status, outcome = await get(Northlab(), f"Patient?identifier={CANONICAL}/sid/client|7&birthdate=1984-02-29")

    (issue,) = outcome["issue"]
    assert (status, issue["expression"]) == (400, ["http.birthdate"])


async def test_each_search_parameter_is_stated_once_with_its_own_type() -> None:
    _, statement = await get(Northlab(), "metadata")

    patient = next(each for each in statement["rest"][0]["resource"] if each["type"] == "Patient")
    assert [(each["name"], each["type"], each["definition"]) for each in patient["searchParam"]] == [
        ("_id", "token", f"{FHIRS}/Resource-id"),
        ("identifier", "token", f"{FHIRS}/Patient-identifier"),
        ("birthdate", "date", f"{FHIRS}/individual-birthdate"),
        ("family", "string", f"{FHIRS}/individual-family"),
        ("weight", "number", f"{CANONICAL}/SearchParameter/weight"),
    ]
    assert patient["searchParam"][1]["documentation"] == (
        f"With a system, which is the logical id's: {CANONICAL}/sid/client. "
        "Any other identifier is searched for in the partner's list."
    )
