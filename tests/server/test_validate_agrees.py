"""`$validate` and the request itself find the same errors at the same places, whatever is sent to whomever."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

import httpx
import pytest

from fhir_bridge.mapping.routes import Partner
from fhir_bridge.outcome import Json
from tests.error_examples import PAGE, Request, examples, read_request, rows
from tests.mutants import mutants
from tests.serving import READY, Canned, shipped
from tests.test_cases import CASES
from tests.test_fhir_api_page import TEXT, requests_of_tables
from tests.walkthroughs import pages, steps

pytestmark = pytest.mark.anyio

PARTNERS: Mapping[str, Partner] = shipped(READY).partners
ID = {"ehealth": "7c3da506-804d-4550-8993-bf17f9ee0402", "wmda": "1234567", "healthex": "42", "roche": "Bj6.1Lq-hvb-28"}
CONDITIONS = {"If-Match", "If-None-Match", "If-None-Exist", "If-Unmodified-Since"}


class Asked(NamedTuple):
    """A create, an update or an operation, at the base of a partner."""

    method: str
    base: str
    rest: str
    body: str
    headers: Mapping[str, str]

    @property
    def url(self) -> str:
        return f"/fhir/{self.base}/{self.rest}"

    @property
    def validation(self) -> str | None:
        """The address at which the same is validated; None where there is none."""
        _, is_operation, operation = self.rest.rpartition("$")
        if not is_operation:
            return f"{self.url}/$validate?mode={'update' if self.method == 'PUT' else 'create'}"
        routes = [route for route in PARTNERS[self.base].routes if operation in route.names() and route.check]
        profile = routes[0].profile if routes else None
        return profile and f"/fhir/{self.base}/Parameters/$validate?profile={profile}"


def of_pages() -> Iterator[Asked]:
    """Every create, update and operation of one record or of the base that the documentation shows.

    An operation's record is always one that there may be: its id is not in the Parameters that are validated.
    """
    page = PAGE.read_text(encoding="utf-8")
    shown = [example.request for text in (TEXT, page) for example in examples(text)]
    shown += [row.request for row in rows(page) if row.request is not None]
    shown += [read_request(step.request) for each in pages() for step in steps(each.read_text(encoding="utf-8"))]
    for request in (*requests_of_tables(), *shown):
        match = re.fullmatch(r"/fhir/(\w+)/((?:[A-Z]\w+(?:/[^/$?]+)?/?)?(?:\$[a-z-]+)?)", request.url)
        if match is not None and match[1] in PARTNERS and is_comparable(request, match[2]):
            rest = re.sub(r"/[^/]+/\$", f"/{ID[match[1]]}/$", match[2])
            yield Asked(request.method, match[1], rest, request.body, request.headers)


def is_comparable(request: Request, rest: str) -> bool:
    """Whether a request sends a resource, on no condition, that is no question about another."""
    sends = (request.method, "$" in rest, "/" in rest) in {("POST", False, False), ("PUT", False, True)}
    one_or_all = re.search(r"^\$|/.+/\$", rest) and not re.search(r"\$(validate|process-message)", rest)
    operates = request.method == "POST" and one_or_all and "Parameters" in request.body
    return bool(sends or operates) and CONDITIONS.isdisjoint(request.headers)


def of_cases(base: str) -> Iterator[Asked]:
    """Every resource of the cases, and mutants of one of each map, sent in every way that the partner has."""
    maps: set[str] = set()
    for case in CASES:
        if case.partner == base and case.only != "to_fhir":
            resources = [case.resource]
            if case.map not in maps:
                resources += [mutant.resource for mutant in mutants(case.resource, 30)]
            maps.add(case.map)
            for resource in resources:
                yield from in_every_way(base, case.resource["resourceType"], resource)


def in_every_way(base: str, resource_type: str, resource: Json) -> Iterator[Asked]:
    """An operation takes `{}` for Parameters without any, which `$validate` does not."""
    body, id_ = json.dumps(resource), ID[base]
    headers = {"Content-Type": "application/fhir+json; fhirVersion=4.0"}
    if resource_type != "Parameters":
        yield Asked("POST", base, resource_type, body, headers)
        yield Asked("PUT", base, f"{resource_type}/{id_}", json.dumps({**resource, "id": id_}), headers)
        yield Asked("PUT", base, f"{resource_type}/{id_}", body, {**headers, "Prefer": "handling=strict"})
        return
    for route in PARTNERS[base].routes:
        if resource and route.operation is not None and route.check is not None and route.profile is not None:
            place = "" if route.of_system else f"{route.resource_type}/{id_}/"
            yield Asked("POST", base, f"{place}${route.operation}", body, headers)


async def differences(client: httpx.AsyncClient, partner: Canned, asked: Asked) -> list[str]:
    """Return the errors that only one of the two has. A partner that is called fails: then the request was right."""
    assert asked.validation is not None
    partner.requests.clear()
    response = await client.request(asked.method, asked.url, content=asked.body, headers=asked.headers)
    expected = set() if partner.requests else errors(response)
    partner.requests.clear()
    validated = errors(await client.post(asked.validation, content=asked.body, headers=asked.headers))
    assert partner.requests == []
    return sorted(expected ^ validated)


def errors(response: httpx.Response) -> set[str]:
    """Return the errors of an OperationOutcome: code, place and words."""
    issues = response.json()["issue"]
    return {json.dumps(issue, sort_keys=True) for issue in issues if issue["severity"] == "error"}


async def test_of_what_the_pages_show(canned: httpx.AsyncClient, partner: Canned) -> None:
    partner.answer(500)
    asked = [each for each in of_pages() if each.validation is not None]

    found = {f"{each.method} {each.url} {each.body}": await differences(canned, partner, each) for each in asked}

    assert len(asked) > 80
    assert {url: told for url, told in found.items() if told} == {}


@pytest.mark.parametrize("base", sorted(PARTNERS))
async def test_of_resources_right_and_wrong(canned: httpx.AsyncClient, partner: Canned, base: str) -> None:
    """By create, by update, of a strict client, and by each operation."""
    partner.answer(500)
    asked = list(of_cases(base))

    found = {f"{each.method} {each.url} {each.body}": await differences(canned, partner, each) for each in asked}

    assert len(asked) > 60
    assert {url: told for url, told in found.items() if told} == {}
