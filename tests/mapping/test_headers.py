"""Headers that come from the request: each from the first of its sources that has a fitting text."""

import pytest

from fhir_bridge.mapping.calls import Call
from fhir_bridge.mapping.headers import read_headers
from fhir_bridge.outcome import Issue, Json
from tests.mapping.lab import URL, UUID, ask, load

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
