"""One assertion at a time, against an exchange that is written out."""

from __future__ import annotations

import pytest

from tests.testscript.asserts import decide
from tests.testscript.content import Content, Exchange, Message
from tests.testscript.fhir_xml import Json
from tests.testscript.memory import Memory

PATIENT = (
    '{"resourceType": "Patient", "id": "p1", "active": true, "name": ['
    '{"family": "Chalmers", "given": ["Peter", "James"]}, {"family": "Windsor"}], "multipleBirthInteger": 2}'
)
HEADERS = {"content-type": "application/fhir+json; charset=utf-8", "etag": 'W/"3"', "content-length": "12"}


def memory(body: str = PATIENT, status_code: int = 200, **headers: str) -> Memory:
    """Return what a script knows after one PUT and its answer."""
    sent = Message(Content("json", '{"resourceType": "Patient", "id": "sent"}'), {"accept": "application/fhir+json"})
    received = Message(Content("json", body) if body else None, {**HEADERS, **headers})
    exchange = Exchange("PUT", "http://stub.test/fhir/Patient/p1", sent, status_code, received)
    fixtures = {
        "like": Content("json", '{"resourceType": "Patient", "name": [{"given": ["Peter"]}]}'),
        "unlike": Content("json", '{"resourceType": "Patient", "active": true, "birthDate": "1970-01-01"}'),
    }
    variables = {"family": {"name": "family", "expression": "Patient.name[0].family"}}
    return Memory(fixtures, variables, last=exchange)


def decided(known: Memory | None = None, **assertion: Json) -> tuple[str, str]:
    result = decide({"warningOnly": False, **assertion}, known or memory())
    assert result.kind == "assert"
    return result.result, result.message


@pytest.mark.parametrize(
    ("assertion", "message"),
    [
        ({"response": "okay"}, "status is '200'"),
        ({"response": "notFound", "operator": "notEquals"}, "status is '200'"),
        ({"responseCode": "200,201", "operator": "in"}, "status is '200'"),
        ({"responseCode": "400", "operator": "lessThan"}, "status is '200'"),
        ({"contentType": "json"}, "Content-Type of response is 'application/fhir+json'"),
        ({"contentType": "xml,json", "operator": "in"}, "Content-Type of response is 'application/fhir+json'"),
        (
            {"contentType": "application/fhir+json; charset=utf-8"},
            "Content-Type of response is 'application/fhir+json; charset=utf-8'",
        ),
        ({"headerField": "ETag", "value": 'W/"3"'}, "header ETag of response is 'W/\"3\"'"),
        ({"headerField": "Location", "operator": "empty"}, "header Location of response is absent"),
        (
            {"headerField": "Content-Length", "operator": "greaterThan", "value": "9"},
            "header Content-Length of response is '12'",
        ),
        (
            {"headerField": "Accept", "direction": "request", "operator": "contains", "value": "json"},
            "header Accept of request is 'application/fhir+json'",
        ),
        ({"requestMethod": "put"}, "method is 'put'"),
        ({"requestURL": "/Patient/", "operator": "contains"}, "URL is 'http://stub.test/fhir/Patient/p1'"),
        ({"resource": "Patient"}, "resource of response is 'Patient'"),
        ({"resource": "Bundle", "operator": "notEquals"}, "resource of response is 'Patient'"),
        ({"expression": "Patient.active"}, "Patient.active is true"),
        ({"expression": "Patient.name.count() = 2", "operator": "eval"}, "Patient.name.count() = 2 is true"),
        ({"expression": "Patient.name", "operator": "notEmpty"}, "Patient.name is 'something', 'something'"),
        ({"expression": "Patient.photo", "operator": "empty"}, "Patient.photo is absent"),
        ({"expression": "Patient.multipleBirth", "value": "2"}, "Patient.multipleBirth is '2'"),
        ({"expression": "Patient.name[0].family", "value": "${family}"}, "Patient.name[0].family is 'Chalmers'"),
        ({"expression": "Patient.id", "direction": "request", "value": "sent"}, "Patient.id is 'sent'"),
        ({"path": "$.name[1].family", "value": "Windsor"}, "$.name[1].family is 'Windsor'"),
        ({"path": "fhir:Patient/fhir:name/fhir:family/@value", "value": "Chalmers"}, None),
        ({"path": "count(f:Patient/f:name)", "operator": "notIn", "value": "0, 1"}, "count(f:Patient/f:name) is '2'"),
        ({"minimumId": "like"}, "response holds all of like"),
        (
            {
                "compareToSourceId": "like",
                "compareToSourceExpression": "Patient.name.given",
                "expression": "Patient.name.given",
            },
            "Patient.name.given is 'Peter', 'James'",
        ),
        (
            {"compareToSourceId": "like", "compareToSourcePath": "Patient/name/given"},
            "Patient/name/given is 'Peter', 'James'",
        ),
        ({"sourceId": "unlike", "expression": "Patient.birthDate", "value": "1970-01-01"}, None),
    ],
)
def test_what_is_as_the_assertion_says_passes(assertion: Json, message: str | None) -> None:
    result, said = decided(**assertion)

    assert result == "pass"
    assert message is None or said == message


@pytest.mark.parametrize(
    ("assertion", "message"),
    [
        ({"response": "created"}, "status is '200'; wanted: equals '201'"),
        ({"responseCode": "200,201", "operator": "notIn"}, "status is '200'; wanted: notIn '200,201'"),
        (
            {"contentType": "xml"},
            "Content-Type of response is 'application/fhir+json'; wanted: equals 'application/fhir+xml'",
        ),
        (
            {"headerField": "Location", "operator": "notEmpty"},
            "header Location of response is absent; wanted: notEmpty",
        ),
        ({"headerField": "ETag", "operator": "empty"}, "header ETag of response is 'W/\"3\"'; wanted: empty"),
        (
            {"headerField": "Location", "operator": "notContains", "value": "x"},
            "header Location of response is absent; wanted: notContains 'x'",
        ),
        ({"requestMethod": "get"}, "method is 'put'; wanted: equals 'get'"),
        ({"resource": "Bundle"}, "resource of response is 'Patient'; wanted: equals 'Bundle'"),
        ({"expression": "Patient.active.not()"}, "Patient.active.not() of response is false, not true"),
        ({"expression": "Patient.actve"}, "Patient.actve of response is empty, not true"),
        ({"expression": "Patient.name.family"}, "Patient.name.family of response is 'Chalmers', 'Windsor', not true"),
        (
            {"expression": "Patient.name.family", "operator": "notEquals", "value": "Windsor"},
            "Patient.name.family is 'Chalmers', 'Windsor'; wanted: notEquals 'Windsor'",
        ),
        (
            {"path": "$.nme[0].family", "operator": "notEquals", "value": "x"},
            "$.nme[0].family is absent; wanted: notEquals 'x'",
        ),
        ({"minimumId": "unlike"}, "response lacks Patient.birthDate of unlike"),
        ({"navigationLinks": True}, "the Bundle has no link first, last, next"),
    ],
)
def test_what_is_not_as_the_assertion_says_fails(assertion: Json, message: str) -> None:
    assert decided(**assertion) == ("fail", message)


@pytest.mark.parametrize(
    ("assertion", "message"),
    [
        ({}, "an assertion checks one thing, and this one nothing"),
        (
            {"response": "okay", "resource": "Patient"},
            "an assertion checks one thing, and this one resource and response",
        ),
        ({"response": "fine"}, "fine is no response that an assertion knows"),
        ({"responseCode": "200,201"}, "responseCode 200,201 is a list, which needs the operator in or notIn"),
        ({"headerField": "ETag"}, "operator equals needs a value to compare with"),
        ({"headerField": "ETag", "operator": "eval", "value": "x"}, "operator eval means nothing here"),
        (
            {"headerField": "ETag", "operator": "greaterThan", "value": "1"},
            "'W/\"3\"' and '1' are neither two numbers nor two dates, and have no order",
        ),
        (
            {"expression": "Patient.name", "value": "x"},
            "what was found is no primitive value; ask for one of its elements",
        ),
        ({"path": "Patient/name", "value": "x"}, "what was found is no primitive value; ask for one of its elements"),
        (
            {"path": "$.name[?(@.family)]", "value": "x"},
            "JSONPath $.name[?(@.family)] is not understood from '[?(@.family)]' on",
        ),
        ({"headerField": "ETag", "sourceId": "like", "value": "x"}, "a fixture has no headers"),
        ({"minimumId": "nobody"}, "nobody is no fixture, and no operation has given its request or response that id"),
        ({"expression": "Patient.id", "value": "${nobody}"}, "${nobody} is no variable of this script"),
        (
            {"compareToSourceId": "like", "compareToSourceExpression": "Patient.photo", "expression": "Patient.id"},
            "there is nothing to compare with in like",
        ),
        (
            {"compareToSourceId": "like", "expression": "Patient.id"},
            "compareToSourceId needs compareToSourceExpression or compareToSourcePath",
        ),
    ],
)
def test_what_cannot_be_decided_is_an_error(assertion: Json, message: str) -> None:
    assert decided(**assertion) == ("error", message)


def test_an_expression_that_cannot_be_read_is_an_error() -> None:
    assert decided(expression="Patient..name", operator="empty") == (
        "error",
        "FHIRPath Patient..name cannot be evaluated: it is no FHIRPath",
    )


def test_an_xpath_that_cannot_be_read_is_an_error() -> None:
    assert decided(path="Patient/[", value="x") == ("error", "XPath Patient/[ cannot be evaluated: Invalid expression")


@pytest.mark.parametrize(
    ("assertion", "message"),
    [
        (
            {"validateProfileId": "patient-profile"},
            "not checked: this runner does not validate against profiles (patient-profile)",
        ),
        ({"navigationLinks": False}, "navigationLinks is false: the links are not looked at"),
    ],
)
def test_what_the_runner_does_not_do_is_skipped_and_said(assertion: Json, message: str) -> None:
    assert decided(**assertion) == ("skip", message)


@pytest.mark.parametrize(
    ("assertion", "message"),
    [
        ({"response": "created"}, "status is '200'; wanted: equals '201'"),
        ({"response": "fine"}, "fine is no response that an assertion knows"),
    ],
)
def test_an_assertion_for_warning_only_warns(assertion: Json, message: str) -> None:
    assert decided(warningOnly=True, **assertion) == ("warning", message)


def test_the_label_and_else_the_description_stands_before_the_message() -> None:
    assert decided(response="okay", label="01-Read", description="It is there.") == ("pass", "01-Read: status is '200'")
    assert decided(response="okay", description="It is there.") == ("pass", "It is there: status is '200'")


@pytest.mark.parametrize(
    ("known", "assertion", "message"),
    [
        (memory(body=""), {"resource": "Patient"}, "there is no body"),
        (memory(body="{"), {"expression": "true"}, "the body is no JSON, at line 1, column 2"),
        (memory(body="[]"), {"resource": "Patient"}, "the body is JSON, but no FHIR resource"),
    ],
)
def test_a_body_that_cannot_be_read_fails(known: Memory, assertion: Json, message: str) -> None:
    result, said = decided(known, **assertion)

    assert result == "fail"
    assert said.startswith(message)


def test_before_the_first_operation_there_is_nothing_to_assert() -> None:
    assert decided(Memory(), response="okay") == ("error", "no operation has been answered yet")


def test_a_bundle_with_first_last_and_next_has_its_navigation_links() -> None:
    body = (
        '{"resourceType": "Bundle", "link": [{"relation": "first"}, {"relation": "last"}, {"relation": "next"},'
        ' {"relation": "self"}]}'
    )

    assert decided(memory(body), navigationLinks=True) == ("pass", "the Bundle has the links first, last and next")
