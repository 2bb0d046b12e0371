"""What a call needs to do what it is there for: what would be carried out and do something else is told at its word."""

from __future__ import annotations

import pytest

from fhir_bridge.fhir.interaction import FhirResponse
from tests.mapping.lab import answer, ask, handle, load, operation, problems

FILE = """\
partner: northlab
connection: {{base_url: $NORTHLAB_URL}}
maps:
  client: {{resource: Patient, rows: {{birthDate: {{at: born}}, gender: {{at: sex, only: create}}}}}}
  whole: {{resource: Patient, rows: {{id: {{at: number, only: to_fhir}}}}}}
  both: {{resource: Patient, rows: {{id: {{at: number}}, birthDate: {{at: born}}}}}}
  bare: {{resource: Patient}}
  order: {{resource: Parameters, rows: {{'parameter[n].valueString': {{at: n}}}}}}
  asked: {{resource: Parameters, rows: {{'parameter[n].valueString': {{at: n, otherwise: '{{id}}'}}}}}}
interactions:
  {}
"""
SAME = "the call is the same for every id; write '{id}' into its path"
ONE_OF = f"{SAME}, or 'id' into 'send'"


def found(interaction: str) -> list[str]:
    """Return the problems of an interaction, which stands in line 11 from column 3 on."""
    return problems(FILE.format(interaction), operation("order"))


@pytest.mark.parametrize(
    ("interaction", "what"),
    [
        ("read Patient: {call: GET /c, receive: {map: whole}}", f"11:24: {SAME}"),
        ('read Patient: {call: "GET /c?n={id}", receive: {map: whole}}', None),
        ("read Patient: {call: 'GET /{id}', receive: {map: whole}, adds: [{call: GET /d, receive: {map: client}}]}",
         f"11:74: {SAME}"),
        ("update Patient: {call: PUT /c, send: {map: client}, receive: {map: client}}", f"11:26: {ONE_OF}"),
        ("update Patient: {call: PUT /c, send: {map: client, id: {at: n}}, receive: {map: client}}", None),
        ("update Patient: {call: PUT /c, send: {map: both}, receive: {map: both}}", None),
        ("update Patient: {call: PUT /c, send: {as_it_is: bare}, receive: {as_it_is: bare}}", None),
        ("$order Patient: {definition: OperationDefinition/order, call: POST /o, send: {map: order}, "
         "receive: {map: order}}", f"11:65: {ONE_OF}"),
        ("$order Patient: {definition: OperationDefinition/order, call: POST /o, send: {map: asked}, "
         "receive: {map: order}}", None),
        ("$order: {definition: OperationDefinition/order, call: POST /o, send: {map: order}, "
         "receive: {map: order}}", None),
        ("create Patient: {call: 'POST /c/{id}', send: {map: client}, receive: {id: {at: n}}}",
         "11:26: nothing fills '{id}' of '/c/{id}'; add a row with this 'path', or remove it"),
    ],
)  # fmt: skip
def test_a_call_about_a_record_says_which(interaction: str, what: str | None) -> None:
    assert found(interaction) == ([f"t.yaml:{what}"] if what else [])


@pytest.mark.parametrize(
    ("interaction", "what"),
    [
        ("read Patient: {call: 'DELETE /c/{id}', receive: {map: whole}}",
         "11:24: a read changes nothing; write GET, or POST where the partner is asked by it"),
        ("search Patient: {call: PUT /c, receive: {map: whole, each: a}}",
         "11:26: a search changes nothing; write GET, or POST where the partner is asked by it"),
        ("update Patient: {call: 'GET /c/{id}', send: {map: client}, receive: {map: client}}",
         "11:26: a GET has no body, so nothing would be sent; write POST, PUT or PATCH"),
        ("create Patient: {call: DELETE /c, send: {map: client}, receive: {map: whole}}",
         "11:26: a DELETE has no body, so nothing would be sent; write POST, PUT or PATCH"),
        ("read Patient: {call: 'POST /find/{id}', receive: {map: whole}}", None),
        ("read Patient: {call: 'GET /c/{id}#{x}', receive: {map: whole}}",
         "11:24: '/c/{id}#{x}' is no path; each variable is {name}, and there are no spaces, no '#' and no other "
         "braces"),
        ("read Patient: {call: 'GET /c/{id', receive: {map: whole}}",
         "11:24: '/c/{id' is no path; each variable is {name}, and there are no spaces, no '#' and no other braces"),
    ],
)  # fmt: skip
def test_a_call_is_of_a_method_and_a_path_that_fit(interaction: str, what: str | None) -> None:
    lines = [line for line in found(interaction) if "nothing fills" not in line and SAME not in line]

    assert lines == ([f"t.yaml:{what}"] if what else [])


def received(what: str, code: str = "read") -> str:
    send = "" if code == "read" else "send: {map: client}, "
    path = "POST /c" if code == "create" else "GET /c/{id}" if code == "read" else "PUT /c/{id}"
    return f"{code} Patient: {{call: '{path}', {send}receive: {what}}}"


@pytest.mark.parametrize(
    ("interaction", "what"),
    [
        (received("{map: whole, each: clients}"),
         "67: 'each' is the list that a search receives, and 'read Patient' is none; "
         "write 'at', the field of a record"),
        (received("{map: whole, total: n}"), "61: 'total' says nothing beside 'map'; remove it"),
        (received("{map: whole, empty: success}"), "61: 'empty' says nothing beside 'map'; remove it"),
        (received("{as_it_is: bare, at: data}"), "65: 'at' says nothing beside 'as_it_is'; remove it"),
        (received("{as_it_is: bare, id: {at: n}}"), "65: 'id' says nothing beside 'as_it_is'; remove it"),
        (received("{id: {at: n}}"), "48: a read receives a record; name its 'map', or 'as_it_is'"),
        (received("{empty: success}"), "48: a read receives a record; name its 'map', or 'as_it_is'"),
        (received("{map: bare}"),
         "48: no row of map 'bare' reads anything; add rows, or write 'as_it_is'"),
        (received("{map: client}", "create"),
         "67: nothing tells the id of the new record; add a row 'id' to map 'client', or 'id' to 'receive'"),
        (received("{empty: success}", "create"), "67: nothing tells the id of the new record; add 'id' to 'receive'"),
        (received("{as_it_is: bare, empty: success}", "create"),
         "67: an empty answer does not tell the id of the new record; remove 'empty'"),
        (received("{map: whole}", "create"), None),
        (received("{as_it_is: bare}", "create"), None),
        (received("{id: {at: n}, empty: success}", "update"), "85: 'empty' says nothing beside 'id'; remove it"),
    ],
)  # fmt: skip
def test_an_answer_is_one_that_the_interaction_can_use(interaction: str, what: str | None) -> None:
    assert found(interaction) == ([f"t.yaml:11:{what}"] if what else [])


def sent(send: str, more: str = "") -> str:
    return f"update Patient: {{call: 'PUT /c/{{id}}', send: {send}, receive: {{map: whole}}{more}}}"


@pytest.mark.parametrize(
    ("interaction", "what"),
    [
        (sent("{as_it_is: bare, with: {a: b}}"), "64: 'with' says nothing beside 'as_it_is'; remove it"),
        (sent("{as_it_is: bare, id: {at: n}}"), "64: 'id' says nothing beside 'as_it_is'; remove it"),
        (sent("{map: client, with: {a: b, a.c: d}}"),
         "74: field 'a.c' is written by line 11 as well; keep one of the two"),
        (sent("{map: client, with: {n: b}, id: {at: n}}"),
         "84: field 'n' is written by line 11 as well; keep one of the two"),
        (sent("{map: whole}"), "53: no row of map 'whole' is sent; add rows, or write 'as_it_is'"),
        (sent("{map: client}", ", repeat: {safe_without: [brn]}"),
         "109: 'update Patient' sends no field 'brn'; did you mean 'born'?"),
        (sent("{map: client, with: {k.a: b}}", ", repeat: {safe_without: [born, k]}"), None),
        (sent("{map: client}", ", headers: {content-type: {text: application/x-www-form-urlencoded}}"),
         "116: what is sent is JSON; write application/json, or another type that ends in +json"),
        (sent("{map: client}", ", headers: {Content-Type: {header: Content-Type}}"),
         "118: what is sent is JSON; write application/json, or another type that ends in +json"),
        (sent("{map: client}", ", headers: {Content-Type: {text: application/vnd.lab+json; charset=utf-8}}"), None),
        (sent("{map: client}", ", headers: {Content-Type: {new: uuid}}"),
         "95: what is sent is JSON; write application/json, or another type that ends in +json"),
        (sent("{map: client}", ", headers: {Content-Type: {text: $TYPE?}}"),
         "116: what is sent is JSON; write application/json, or another type that ends in +json"),
    ],
)  # fmt: skip
def test_what_is_sent_is_what_the_file_says(interaction: str, what: str | None) -> None:
    assert found(interaction) == ([f"t.yaml:11:{what}"] if what else [])


@pytest.mark.parametrize(
    ("key", "interaction"),
    [
        ("then", "read Patient: {then: read Patient, call: 'GET /c/{id}', receive: {map: whole}}"),
        ("definition", "read Patient: {definition: OperationDefinition/order, call: 'GET /c/{id}', "
         "receive: {map: whole}}"),
        ("also", "create Patient: {also: [$x], call: POST /c, send: {map: client}, receive: {map: whole}}"),
        ("id", "create Patient: {id: id, call: POST /c, send: {map: client}, receive: {map: whole}}"),
        ("as", "read Patient: {as: update Patient}\n"
         "  update Patient: {call: 'PUT /c/{id}', send: {map: client}, receive: {map: whole}}"),
    ],
)  # fmt: skip
def test_a_key_stands_where_it_says_something(key: str, interaction: str) -> None:
    name = interaction.partition(":")[0]
    column = 3 + len(name) + len(": {")

    assert found(interaction) == [f"t.yaml:11:{column}: '{key}' says nothing of '{name}'; remove it"]


VERSIONED = """\
partner: northlab
connection: {{base_url: $NORTHLAB_URL}}
interactions:
  create Patient: {{call: POST /c, send: {{map: client}}, receive: {{map: made}}}}
  read Patient: {{call: "GET /c/{{id}}", receive: {{map: client}}}}
maps:
  made:
    resource: Patient
    rows: {{id: {{at: n, only: to_fhir}}, meta.versionId: {{at: v, as: version, only: to_fhir}}}}
  client:
    resource: Patient
    rows: {{id: {{at: n, only: to_fhir}}, birthDate: {{at: born}}{}}}
"""


@pytest.mark.parametrize(
    ("row", "location"),
    [
        (", meta.versionId: {at: v, as: version, only: to_fhir}", "/Patient/7/_history/3"),
        (", meta.lastUpdated: {at: t, only: to_fhir}", "/Patient/7"),
        ("", "/Patient/7"),
    ],
)
def test_the_address_of_a_new_record_has_a_version_only_where_that_can_be_read(row: str, location: str) -> None:
    body = {"resourceType": "Patient", "birthDate": "1815-12-10"}
    routes = load(VERSIONED.format(row))

    done = handle(routes, ask("create", id_=None, body=body, base_url="http://b"), answer(200, {"n": "7", "v": 3}))

    assert isinstance(done.response, FhirResponse)
    assert (done.response.status_code, done.response.headers["Location"]) == (201, f"http://b{location}")
    codes = {route.code for route in routes.partners["northlab"].routes}
    assert ("vread" in codes) is ("_history" in location)
