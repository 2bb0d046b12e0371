"""Headers that come from the request: each from the first of its sources that has a fitting text."""

import pytest

from fhir_bridge.mapping.calls import Call
from fhir_bridge.mapping.headers import read_headers
from fhir_bridge.outcome import Issue, Json
from tests.mapping.lab import URL, UUID, answer, ask, handle, load, problems

FILE = """\
partner: northlab
connection: {base_url: $NORTHLAB_URL}
interactions:
  update Patient:
    call: PUT /clients/{id}
    send: {map: client}
    receive: {map: client}
    headers:
      X-Unit:
        first_of: [{header: X-Unit, like: oid}, {element: managingOrganization.display}, {text: $UNIT?}]
      X-Trace:
        first_of: [{header: X-Request-Id, like: uuid}, {new: uuid}]
maps:
  client: {resource: Patient, rows: {birthDate: {at: born}}}
"""
TEXT = "only visible ASCII characters, at most 1000."


def call(**environment: str) -> Call:
    (route,) = load(FILE, environment={**URL, **environment}).partners["northlab"].routes
    return route.call


def read(resource: Json, *, unit: str = "", **headers: str) -> tuple[dict[str, str], list[Issue]]:
    environment = {"UNIT": unit} if unit else {}
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return read_headers(call(**environment).headers, ask("update", headers=named), resource)


@pytest.mark.parametrize(
    ("headers", "resource", "unit", "value"),
    [
        ({"x_unit": "urn:oid:1.2.3"}, {"managingOrganization": {"display": "Oslo"}}, "u-1", "1.2.3"),
        ({"x_unit": "no oid"}, {"managingOrganization": {"display": "Oslo"}}, "u-1", "Oslo"),
        ({}, {"managingOrganization": {"reference": "x"}}, "u-1", "u-1"),
        ({"x_unit": ""}, {}, "u-1", "u-1"),
    ],
)
def test_the_first_source_that_has_a_fitting_text_is_taken(
    headers: dict[str, str], resource: Json, unit: str, value: str
) -> None:
    assert read(resource, unit=unit, **headers) == ({"X-Unit": value, "X-Trace": UUID}, [])


def test_a_new_uuid_is_that_of_the_interaction() -> None:
    """So that the log line and the partner's have one."""
    given = "11111111-2222-4333-8444-555555555555"

    assert read({}, unit="u", x_request_id=given)[0]["X-Trace"] == given
    assert read({}, unit="u", x_request_id="trace-1")[0]["X-Trace"] == UUID


def test_a_header_without_any_text_is_needed() -> None:
    assert read({}) == (
        {"X-Trace": UUID},
        [Issue("element-missing", "required", "The header `X-Unit` is needed.", "http.X-Unit")],
    )


@pytest.mark.parametrize("value", ["Осло", "a\r\nX-Other: b", " a", "a ", "a\tb", "\x7f", "a" * 1001])
def test_what_cannot_be_a_header_is_never_sent(value: str) -> None:
    headers, issues = read({"managingOrganization": {"display": value}})

    assert headers == {"X-Trace": UUID}
    assert issues == [Issue("invalid-header", "value", f"`X-Unit` becomes a header: {TEXT}", "http.X-Unit")]


def test_a_header_may_hold_spaces_and_be_long() -> None:
    value = "a" * 998 + " b"

    assert read({"managingOrganization": {"display": value}}) == ({"X-Unit": value, "X-Trace": UUID}, [])


def test_an_element_that_is_no_text_is_no_text() -> None:
    assert read({"managingOrganization": {"display": 7}}, unit="u-1")[0]["X-Unit"] == "u-1"


EVERY = """\
partner: northlab
connection: {base_url: $NORTHLAB_URL}
headers:
  X-Unit: {header: unit}
  X-Site: {text: oslo}
interactions:
  read Patient:
    call: GET /clients/{id}
    receive: {map: client}
    adds: [{call: "GET /clients/{id}/more", receive: {map: more}}]
  update Patient:
    call: PATCH /clients/{id}
    send: {map: client}
    receive: {map: client}
    headers: {x-unit: {element: managingOrganization.display}}
maps:
  client: {resource: Patient, rows: {birthDate: {at: born}}}
  more: {resource: Patient, rows: {gender: {at: sex}}}
"""


def test_the_headers_of_every_call_are_those_of_each() -> None:
    """Of what a read adds too; a call's own take the place of them, in whatever letters."""
    routes = load(EVERY)
    body = {"resourceType": "Patient", "id": "42", "birthDate": "1815-12-10", "managingOrganization": {"display": "b"}}

    read_ = handle(routes, ask("read", headers={"unit": "a"}), answer(200, {"born": "1815-12-10"}), answer(200, {}))
    update = handle(routes, ask("update", body=body), answer(200, {"born": "1815-12-10"}))

    shown = [{name: request.headers[name] for name in request.headers if name.lower().startswith("x-")}
             for request in [*read_.requests, *update.requests]]  # fmt: skip
    every = {"X-Unit": "a", "X-Site": "oslo"}
    assert shown == [every, every, {"X-Site": "oslo", "x-unit": "b"}]


def test_the_headers_of_every_call_come_from_no_element() -> None:
    found = problems(EVERY.replace("{header: unit}", "{element: birthDate}"))

    text = "not every call sends this element; name it in the headers of an interaction that does"
    assert f"t.yaml:4:21: {text}" in found
