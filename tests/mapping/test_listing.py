"""Searches that are a partner's list: what is asked for, the pages, and what becomes of each item."""

from __future__ import annotations

import re
from typing import Any

import pytest

from fhir_bridge.canonical import CANONICAL
from fhir_bridge.exchange import PartnerResponse
from fhir_bridge.fhir.interaction import FhirResponse, Preferences
from fhir_bridge.outcome import Issue, Json
from tests.mapping.lab import Done, answer, ask, handle, load, problems

STATE = f"{CANONICAL}/SearchParameter/client-state"
FILE = """\
partner: northlab
title: Northlab
connection: {base_url: $NORTHLAB_URL}
identity: {systems: [sid/client], id: positive-integer}
interactions:
  read Patient:
    call: GET /clients/{id}
    receive: {map: client}
  search Patient:
    call: GET /clients
    query:
      pageSize: {count: 50}
      from: {offset: true}
      state: {parameter: state, definition: SearchParameter/client-state, system: CodeSystem/state, join: "|"}
      ward: {parameter: ward, definition: SearchParameter/ward, as: digits}
    receive: {map: client, each: page.clients, total: page.found}
    subsetted: true
    repeat: safe
  search DiagnosticReport:
    call: POST /reports/find
    send: {with: {kind: final, by.whom: $NORTHLAB_NAME?}}
    body:
      client.number: {parameter: subject, definition: "http://hl7.org/fhir/SearchParameter/DiagnosticReport-subject",
        as: reference Patient, required: true}
    receive: {map: report, each: "[].reports[]", outer: [clientNumber]}
  search RelatedPerson:
    call: POST /relatives/find
    body: {page.size: {count: 20}, page.from: {offset: true}}
    receive: {map: relative, each: relatives}
maps:
  relative:
    resource: RelatedPerson
    rows: {patient.identifier.value: {at: client}}
  client:
    resource: Patient
    rows:
      id: {at: number, as: digits, only: to_fhir}
      gender: {at: sex, codes: ConceptMap/sex}
      birthDate: {at: born}
  report:
    resource: DiagnosticReport
    rows:
      id: {at: report, only: to_fhir}
      status: {at: status}
      code.text: {at: name}
      subject.identifier.value: {at: clientNumber}
errors: {text: words, fields: wrong}
"""


def parameter(name: str, code: str, **also: Json) -> Json:
    return {
        "resourceType": "SearchParameter",
        "url": f"{CANONICAL}/SearchParameter/{name}",
        "name": "AParameter",
        "status": "active",
        "description": "Open or closed.",
        "code": code,
        "base": ["Patient"],
        "type": "token",
        **also,
    }


DEFINITIONS = (
    parameter("client-state", "state"),
    parameter("ward", "ward"),
    {
        "resourceType": "CodeSystem",
        "url": f"{CANONICAL}/CodeSystem/state",
        "status": "active",
        "content": "complete",
        "concept": [{"code": "OPEN"}, {"code": "CLOSED"}],
    },
    {
        "resourceType": "ConceptMap",
        "url": f"{CANONICAL}/ConceptMap/sex",
        "status": "active",
        "group": [{"element": [{"code": "female", "target": [{"code": "F", "equivalence": "equal"}]}]}],
    },
)
ROUTES = load(FILE, *DEFINITIONS)
BASE = "http://bridge.test/fhir/northlab"
SUBSETTED = {"system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue", "code": "SUBSETTED"}


def search(query: str, *answers: PartnerResponse, resource_type: str = "Patient", **also: Any) -> Done:
    pairs = tuple((part.partition("=")[0], part.partition("=")[2]) for part in query.split("&") if part)
    return handle(ROUTES, ask("search-type", resource_type, None, query=pairs, base_url=BASE, **also), *answers)


def page(*clients: Json, found: Json = None) -> PartnerResponse:
    return answer(200, {"page": {"clients": list(clients), "found": found}})


def patient(number: str, **elements: Json) -> Json:
    return {"resourceType": "Patient", "id": number, "meta": {"tag": [SUBSETTED]}, **elements}


def link(relation: str, query: str) -> Json:
    return {"relation": relation, "url": f"{BASE}/Patient?{query}"}


def refused(done: Done) -> tuple[int, tuple[Issue, ...]]:
    assert done.error is not None
    assert done.requests == []
    return done.error.status_code, done.error.issues


def test_a_list_is_one_call_and_says_that_its_entries_are_not_whole() -> None:
    done = search("", page({"number": 7, "born": "1984-02-29"}, {"number": 8}, found=2))

    assert done.sent == [("GET", "/clients?pageSize=50&from=0", None)]
    assert dict(done.requests[0].headers) == {"Accept": "application/json"}
    assert done.requests[0].repeat == "safe"
    assert done.resource == {
        "resourceType": "Bundle",
        "type": "searchset",
        "total": 2,
        "link": [link("self", "_count=50")],
        "entry": [
            {
                "fullUrl": f"{BASE}/Patient/7",
                "resource": patient("7", birthDate="1984-02-29"),
                "search": {"mode": "match"},
            },
            {"fullUrl": f"{BASE}/Patient/8", "resource": patient("8"), "search": {"mode": "match"}},
        ],
    }


@pytest.mark.parametrize(
    ("query", "sent", "links"),
    [
        ("_count=2", "pageSize=2&from=0", {"self": "_count=2", "next": "_count=2&_offset=2"}),
        (
            "_count=2&_offset=2",
            "pageSize=2&from=2",
            {"self": "_count=2&_offset=2", "next": "_count=2&_offset=4", "previous": "_count=2"},
        ),
        ("_count=2&_offset=3", "pageSize=2&from=3", {"self": "_count=2&_offset=3", "previous": "_count=2&_offset=1"}),
        ("_count=500", "pageSize=50&from=0", {"self": "_count=50"}),
        ("state=OPEN", "state=OPEN&pageSize=50&from=0", {"self": "state=OPEN&_count=50"}),
        ("state=OPEN,CLOSED", "state=OPEN%7CCLOSED&pageSize=50&from=0", {"self": "state=OPEN,CLOSED&_count=50"}),
        ("ward=7&state=", "ward=7&pageSize=50&from=0", {"self": "ward=7&_count=50"}),
        (
            f"state={CANONICAL}/CodeSystem/state|OPEN&_elements=birthDate",
            "state=OPEN&pageSize=50&from=0",
            {"self": f"state={CANONICAL}/CodeSystem/state%7COPEN&_elements=birthDate&_count=50"},
        ),
    ],
)
def test_pages_and_parameters_become_the_partners(query: str, sent: str, links: dict[str, str]) -> None:
    size, offset = map(int, re.findall(r"pageSize=(\d+)&from=(\d+)", sent)[0])
    done = search(query, page(*[{"number": number} for number in range(1, 6)][offset : offset + size], found=5))

    assert done.sent == [("GET", f"/clients?{sent}", None)]
    assert done.resource["link"] == [link(relation, query) for relation, query in links.items()]


def test_a_count_of_none_asks_for_one_and_shows_none() -> None:
    done = search("_count=0", page({"number": 7}, found=5))

    assert done.sent == [("GET", "/clients?pageSize=1&from=0", None)]
    assert done.resource == {
        "resourceType": "Bundle",
        "type": "searchset",
        "total": 5,
        "link": [link("self", "_count=0")],
    }


@pytest.mark.parametrize(("clients", "relations"), [(2, ["self", "next"]), (1, ["self"])])
def test_where_nobody_knows_the_total_a_full_page_is_not_the_last(clients: int, relations: list[str]) -> None:
    done = search("_count=2", page(*[{"number": number} for number in range(1, clients + 1)]))

    assert "total" not in done.resource
    assert [each["relation"] for each in done.resource["link"]] == relations


def test_what_names_ids_is_read_one_by_one() -> None:
    done = search("_id=7,8", answer(200, {"number": 7}), answer(200, {"number": 8}))

    assert done.sent == [("GET", "/clients/7", None), ("GET", "/clients/8", None)]
    assert [entry["resource"] for entry in done.resource["entry"]] == [
        {"resourceType": "Patient", "id": "7"},
        {"resourceType": "Patient", "id": "8"},
    ]


def test_a_list_names_the_codes_that_no_table_knows() -> None:
    done = search("", page({"number": 7, "sex": "F"}, {"number": 8, "sex": "X"}))

    assert isinstance(done.response, FhirResponse)
    assert done.response.unknown_codes == (("sex", "X"),)


def test_a_parameter_that_is_not_known_is_left_aside_and_told() -> None:
    done = search("colour=red", page())

    outcome = done.resource["entry"][0]
    assert outcome["search"] == {"mode": "outcome"}
    assert [issue["expression"] for issue in outcome["resource"]["issue"]] == [["http.colour"]]


def test_or_refused_where_the_client_is_strict() -> None:
    done = search("colour=red", preferences=Preferences(strict=True))

    text = "This search parameter is not known here; leave it out."
    assert refused(done) == (400, (Issue("no-such-search", "not-supported", text, "http.colour"),))


ONE_OF = "`state` cannot be searched for so: "


@pytest.mark.parametrize(
    ("query", "name", "why"),
    [
        ("state=BROKEN", "state", "it is one of `OPEN`, `CLOSED`"),
        ("state=http://x|OPEN", "state", f"its codes are of {CANONICAL}/CodeSystem/state"),
        ("state=OPEN&state=CLOSED", "state", "give it once; values with commas between them mean `or`"),
        ("ward=1,2", "ward", "the partner takes one value"),
        ("ward=one", "ward", "only digits are expected here, at most 18, the first of them not 0"),
        ("ward=http://x|1", "ward", "it has no system; leave out all before `|`"),
    ],
)
def test_a_value_that_cannot_be_searched_for_is_refused_before_any_call(query: str, name: str, why: str) -> None:
    text = f"`{name}` cannot be searched for so: {why}."

    assert refused(search(query)) == (400, (Issue("value-not-allowed", "value", text, f"http.{name}"),))


def test_a_modifier_is_refused() -> None:
    text = "`state:not` has a modifier, and none is known here; ask by `state`."

    assert refused(search("state:not=OPEN")) == (400, (Issue("no-such-search", "not-supported", text, "http.state"),))


def test_a_partners_complaint_is_about_the_parameter() -> None:
    done = search("state=OPEN", answer(400, {"wrong": {"state": ["not today"]}}))

    text = "Northlab refused its field `state`."
    assert done.error is not None
    assert done.error.issues == (Issue("partner-refused", "invalid", text, "http.state", diagnostics="not today"),)


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ({"words": "all is well"}, "`page`: it is missing"),
        ({"page": []}, "`page`: an object is expected here"),
        ({"page": {"clients": {}}}, "`page.clients`: a list is expected here"),
        ({"page": {"clients": ["7"]}}, "`page.clients[0]`: an object is expected here"),
        (
            {"page": {"clients": [{"number": 7}, {"number": "8"}]}},
            "`page.clients[1].number`: a whole number is expected here",
        ),
        (
            {"page": {"clients": [{"number": 7, "born": "1984"}, {"number": 8, "born": "long ago"}]}},
            "`page.clients[0].born`: a full date is needed here: YYYY-MM-DD",
        ),
        ({"page": {"clients": [], "found": "many"}}, "`page.found`: a number is expected here"),
        ({"page": {"clients": [], "found": -1}}, "`page.found`: a number is expected here"),
    ],
)
def test_a_list_that_cannot_be_read_is_no_empty_list(body: Json, why: str) -> None:
    done = search("", answer(200, body))

    assert done.error is not None
    assert done.error.issues[0].text == f"Northlab answered with status 200, but its answer cannot be read: {why}."


@pytest.mark.parametrize("body", [{"page": None}, {"page": {}}, {"page": {"clients": None}}, {"page": {"clients": []}}])
def test_a_list_of_nothing_is_empty(body: Json) -> None:
    assert "entry" not in search("", answer(200, body)).resource


# --- by POST, and lists in lists


def reports(query: str, *answers: PartnerResponse) -> Done:
    return search(query, *answers, resource_type="DiagnosticReport")


@pytest.mark.parametrize("subject", ["7", "Patient/7"])
def test_a_search_may_be_posted_with_its_constants(subject: str) -> None:
    done = reports(f"subject={subject}", answer(200, []))

    assert done.sent == [("POST", "/reports/find", {"kind": "final", "client": {"number": "7"}})]


def test_items_of_lists_in_lists_are_all_found_with_what_stands_around_them() -> None:
    done = reports(
        "subject=7&_count=2",
        answer(
            200,
            [
                {"clientNumber": "7", "reports": [{"report": "a", "status": "final", "name": "A"}]},
                {
                    "clientNumber": "8",
                    "reports": [
                        {"status": "final", "name": "B"},
                        {"report": "c", "status": "final", "name": "C", "clientNumber": "9"},
                    ],
                },
                {"clientNumber": "9"},
            ],
        ),
    )

    base = f"{BASE}/DiagnosticReport"
    first, second = done.resource["entry"]
    assert (done.resource["total"], [each["url"] for each in done.resource["link"]]) == (
        3,
        [f"{base}?subject=7&_count=2", f"{base}?subject=7&_count=2&_offset=2"],
    )
    assert first == {
        "fullUrl": f"{base}/a",
        "resource": {
            "resourceType": "DiagnosticReport",
            "id": "a",
            "status": "final",
            "code": {"text": "A"},
            "subject": {"identifier": {"value": "7"}},
        },
        "search": {"mode": "match"},
    }
    assert second["resource"]["subject"] == {"identifier": {"value": "8"}}
    assert second["fullUrl"].startswith("urn:uuid:")


def test_a_page_may_be_asked_for_in_the_body() -> None:
    done = search("_offset=40", answer(200, {"relatives": [{"client": "7"}]}), resource_type="RelatedPerson")

    assert done.sent == [("POST", "/relatives/find", {"page": {"size": 20, "from": 40}})]
    assert dict(done.requests[0].headers) == {"Accept": "application/json", "Content-Type": "application/json"}
    assert done.resource["entry"][0]["resource"] == {
        "resourceType": "RelatedPerson",
        "patient": {"identifier": {"value": "7"}},
    }


def test_an_item_that_makes_no_fhir_is_not_shown() -> None:
    done = reports("subject=7", answer(200, [{"reports": [{"report": "a", "status": "done", "name": "A"}]}]))

    assert done.error is not None
    assert done.error.issues[0].text.startswith(
        "Northlab accepted the call (status 200), but its answer cannot be read: `[0].reports[0]`: it makes no FHIR: "
        "DiagnosticReport.status: "
    )


def test_a_field_of_an_item_counts_before_one_around_it() -> None:
    done = reports(
        "subject=7",
        answer(
            200,
            [
                {
                    "clientNumber": "8",
                    "reports": [{"report": "c", "status": "final", "name": "C", "clientNumber": "9"}],
                }
            ],
        ),
    )

    assert done.resource["entry"][0]["resource"]["subject"] == {"identifier": {"value": "9"}}


@pytest.mark.parametrize(
    ("query", "error", "code", "text"),
    [
        ("", "element-missing", "required", "`subject` is needed: the partner finds nothing without it."),
        (
            "subject=Group/7",
            "value-not-allowed",
            "value",
            "`subject` cannot be searched for so: a reference is expected here, Patient/[id].",
        ),
        (
            "subject=Patient/me",
            "value-not-allowed",
            "value",
            "`subject` cannot be searched for so: no Patient at the partner can have this id.",
        ),
    ],
)
def test_a_reference_that_leads_to_nobody_is_refused(query: str, error: Any, code: Any, text: str) -> None:
    assert refused(reports(query)) == (400, (Issue(error, code, text, "http.subject"),))


def test_a_type_that_cannot_be_read_is_not_found_by_id() -> None:
    done = reports("_id=a&subject=7", answer(200, []))

    assert done.resource["entry"][0]["search"] == {"mode": "outcome"}


# --- what is wrong with a mapping file

HEAD = """\
partner: northlab
connection: {base_url: $NORTHLAB_URL}
maps:
  client: {resource: Patient, rows: {birthDate: {at: born}}}
interactions:
  search Patient:
"""


@pytest.mark.parametrize(
    ("lines", "found"),
    [
        (["call: GET /clients"], ["6:3: 'search Patient' receives nothing; add 'receive'"]),
        (
            ["call: GET /clients", "receive: {map: client}"],
            ["8:14: a search receives a list; add 'each', the field that holds it, and a 'map'"],
        ),
        (
            ["call: GET /clients", "receive: {each: a}"],
            ["8:14: a search receives a list; add 'each', the field that holds it, and a 'map'"],
        ),
        (
            ["call: GET /clients", "receive: {map: client, each: a..b}"],
            ["8:34: 'a..b' leads to no list; write names with dots between, and [] for each item"],
        ),
        (
            ["call: POST /find", "send: {map: client}", "receive: {map: client, each: a}"],
            ["8:17: a search sends no resource; write 'with' alone, and 'body' or 'query'"],
        ),
        (
            ["call: GET /clients", "body: {n: {count: 5}, o: {offset: true}}", "receive: {map: client, each: a}"],
            ["8:12: a GET has no body; write 'query', or another method"],
        ),
        (
            ["call: GET /clients", "send: {with: {a: b}}", "receive: {map: client, each: a}"],
            ["6:3: a GET has no body; write 'query', or another method"],
        ),
        (
            ["call: POST /find", "send: {with: {a.b: c}}", "body: {a: {count: 5}, o: {offset: true}}",
             "receive: {map: client, each: a}"],
            ["9:12: field 'a' is written by line 8 as well; keep one of the two"],
        ),
        (
            ["call: POST /find", "body: {a: {count: 5}, a.b: {offset: true}}", "receive: {map: client, each: a}"],
            ["8:27: field 'a.b' is written by line 8 as well; keep one of the two"],
        ),
        (
            ["call: GET /clients", "query: {n: {}}", "receive: {map: client, each: a}"],
            ["8:13: 'n' needs exactly one of 'count', 'offset' and 'parameter'"],
        ),
        (
            ["call: GET /clients", "query: {n: {count: 5, join: x}, o: {offset: true}}",
             "receive: {map: client, each: a}"],
            ["8:27: 'join' says nothing beside 'count'; remove it"],
        ),
        (
            ["call: GET /clients", "query: {n: {parameter: p}}", "receive: {map: client, each: a}"],
            ["8:13: 'n' does not say what 'p' is; add 'definition'"],
        ),
        (
            ["call: GET /clients", "query: {n: {parameter: p, definition: SearchParameter/x}}",
             "receive: {map: client, each: a}"],
            ["8:43: SearchParameter/x is not among the definitions; add it, or correct the name"],
        ),
        (
            ["call: GET /clients", "query: {n: {parameter: p, definition: SearchParameter/client-state}}",
             "receive: {map: client, each: a}"],
            ["8:43: 'SearchParameter/client-state' is no SearchParameter 'p' of Patient; name one that is"],
        ),
        (
            ["call: GET /clients", "query: {n: {parameter: state, definition: SearchParameter/client-state, as: date}}",
             "receive: {map: client, each: a}"],
            ["8:81: unknown 'as: date' of a search parameter; write text, digits or reference <Type>"],
        ),
        (
            ["call: GET /clients",
             "query: {n: {parameter: state, definition: SearchParameter/client-state, as: reference Patnt, system: x}}",
             "receive: {map: client, each: a}"],
            ["8:81: 'state' is a token; write text or digits, or leave out 'as'",
             "8:81: 'Patnt' is no resource type; did you mean 'Patient'?"],
        ),
        (
            ["call: GET /clients", "also: [x]", "receive: {map: client, each: a}"],
            ["8:5: 'also' says nothing beside 'call'; remove it"],
        ),
    ],
)  # fmt: skip
def test_a_mistake_in_a_search_is_told_at_its_word(lines: list[str], found: list[str]) -> None:
    text = HEAD + "".join(f"    {line}\n" for line in lines)

    assert problems(text, parameter("client-state", "state")) == [f"t.yaml:{line}" for line in found]


def test_a_definition_that_is_wrong_itself_is_told_once() -> None:
    lines = ["call: GET /c", "query: {n: {parameter: state, definition: SearchParameter/s, system: CodeSystem/s}}"]
    text = HEAD + "".join(f"    {line}\n" for line in [*lines, "receive: {map: client, each: a}"])
    wrong = {"resourceType": "CodeSystem", "url": f"{CANONICAL}/CodeSystem/s", "status": "activ", "content": "complete"}

    assert [line.partition(":")[0] for line in problems(text, parameter("s", "state"), wrong)] == ["profiles/1.json"]


def test_an_update_that_sends_only_constants_sends_nothing() -> None:
    text = HEAD.replace("search", "update") + (
        "    call: PUT /clients/{id}\n    send: {with: {a: b}}\n    receive: {empty: success}\n"
    )

    assert problems(text) == ["t.yaml:8:11: 'update Patient' sends a resource; add its 'map'"]
