"""What an operation sends."""

from __future__ import annotations

import pytest

from tests.testscript.content import Content, ContentError, Message, ScriptError
from tests.testscript.fhir_xml import Json
from tests.testscript.memory import Memory
from tests.testscript.operations import Call, prepare

SERVERS = {1: "http://a.test/fhir", 2: "http://b.test/fhir"}
PATIENT = Content("json", '{"resourceType": "Patient", "id": "p1", "meta": {"versionId": "3"}}')
JSON = {"accept": "application/fhir+json"}


def memory() -> Memory:
    return Memory(
        fixtures={
            "patient": PATIENT,
            "new": Content("json", '{"resourceType": "Patient", "active": ${active}, "id": "${quoted}"}'),
            "nameless": Content("json", '{"resourceType": "Patient"}'),
            "patch": Content("json", "[]"),
        },
        variables={
            "id": {"name": "id", "defaultValue": "p 1"},
            "active": {"name": "active", "defaultValue": "true"},
            "quoted": {"name": "quoted", "defaultValue": 'a"b'},
            "etag": {"name": "etag", "headerField": "ETag", "sourceId": "created"},
        },
        messages={"created": Message(None, {"location": "http://a.test/fhir/Patient/n1/_history/1", "etag": 'W/"1"'})},
    )


def prepared(code: str | None, **operation: Json) -> Call:
    typed = {"type": {"code": code}} if code else {}
    return prepare({**typed, "encodeRequestUrl": True, **operation}, memory(), SERVERS)


@pytest.mark.parametrize(
    ("code", "operation", "method", "path"),
    [
        ("read", {"resource": "Patient", "params": "/${id}"}, "GET", "/Patient/p%201"),
        ("read", {"targetId": "patient"}, "GET", "/Patient/p1"),
        ("read", {"targetId": "created"}, "GET", "/Patient/n1"),
        ("vread", {"targetId": "patient"}, "GET", "/Patient/p1/_history/3"),
        ("vread", {"targetId": "created"}, "GET", "/Patient/n1/_history/1"),
        ("history", {"targetId": "patient", "resource": "Patient"}, "GET", "/Patient/p1/_history"),
        ("history", {"resource": "Patient"}, "GET", "/Patient/_history"),
        (
            "search",
            {"resource": "Patient", "params": "?identifier=a|b&name=ö"},
            "GET",
            "/Patient?identifier=a%7Cb&name=%C3%B6",
        ),
        ("search", {"resource": "Patient"}, "GET", "/Patient"),
        ("capabilities", {}, "GET", "/metadata"),
        ("delete", {"targetId": "patient"}, "DELETE", "/Patient/p1"),
        ("deleteCondSingle", {"resource": "Patient", "params": "?identifier=1"}, "DELETE", "/Patient?identifier=1"),
        ("validate", {"resource": "Patient"}, "GET", "/Patient/$validate"),
        ("everything", {"targetId": "patient"}, "GET", "/Patient/p1/$everything"),
        ("process-message", {"method": "post"}, "POST", "/$process-message"),
        (None, {"method": "options", "url": "Patient/p1"}, "OPTIONS", "/Patient/p1"),
        ("read", {"url": "/Patient/p1", "resource": "Ignored", "params": "/x"}, "GET", "/Patient/p1"),
        (
            "read",
            {"destination": 1, "resource": "Patient", "params": "/100%25?a=b%20c"},
            "GET",
            "/Patient/100%25?a=b%20c",
        ),
    ],
)
def test_the_address_comes_from_url_params_or_target(code: str | None, operation: Json, method: str, path: str) -> None:
    call = prepared(code, **operation)

    assert (call.method, call.url, call.body) == (method, "http://a.test/fhir" + path, None)


@pytest.mark.parametrize(
    ("code", "operation", "call"),
    [
        ("create", {"sourceId": "patient"}, ("POST", "/Patient")),
        ("create", {"resource": "Patient", "sourceId": "patient"}, ("POST", "/Patient")),
        ("update", {"sourceId": "patient"}, ("PUT", "/Patient/p1")),
        ("update", {"sourceId": "patient", "targetId": "created"}, ("PUT", "/Patient/n1")),
        ("updateCreate", {"sourceId": "patient"}, ("PUT", "/Patient/p1")),
        ("batch", {"sourceId": "patient"}, ("POST", "")),
        ("transaction", {"sourceId": "patient"}, ("POST", "")),
        ("validate", {"resource": "Patient", "sourceId": "patient"}, ("POST", "/Patient/$validate")),
        (
            None,
            {"method": "post", "resource": "Patient", "params": "/p1/$op", "sourceId": "patient"},
            ("POST", "/Patient/p1/$op"),
        ),
    ],
)
def test_a_fixture_is_sent_to_where_it_says(code: str | None, operation: Json, call: tuple[str, str]) -> None:
    method, path = call

    assert prepared(code, **operation) == Call(
        method, "http://a.test/fhir" + path, {**JSON, "content-type": "application/fhir+json"}, PATIENT
    )


def test_a_destination_has_its_own_base() -> None:
    assert prepared("capabilities", destination=2).url == "http://b.test/fhir/metadata"


def test_a_complete_url_is_used_as_it_is() -> None:
    assert prepared("read", url="http://c.test/x y", encodeRequestUrl=False).url == "http://c.test/x y"


def test_json_is_sent_as_xml_where_the_script_wants_xml() -> None:
    call = prepared("update", sourceId="patient", contentType="xml", accept="xml")

    assert call.headers == {"accept": "application/fhir+xml", "content-type": "application/fhir+xml"}
    assert call.body == Content(
        "xml",
        '<Patient xmlns="http://hl7.org/fhir"><id value="p1"/><meta><versionId value="3"/></meta></Patient>',
    )


def test_headers_that_a_script_spells_out_win_and_have_their_variables_filled_in() -> None:
    fields = [{"field": "If-Match", "value": "${etag}"}, {"field": "accept", "value": "text/plain"}]

    assert prepared("update", sourceId="patient", requestHeader=fields).headers == {
        "accept": "text/plain",
        "content-type": "application/fhir+json",
        "if-match": 'W/"1"',
    }


def test_a_content_type_that_a_script_spells_out_is_taken_as_it_is() -> None:
    fields = [{"field": "Content-Type", "value": "application/json-patch+json"}]

    call = prepared("patch", resource="Patient", params="/p1", sourceId="patch", requestHeader=fields)

    assert (call.headers["content-type"], call.body) == ("application/json-patch+json", Content("json", "[]"))


def test_variables_in_a_fixture_are_filled_in_and_escaped() -> None:
    assert prepared("create", sourceId="new").body == Content(
        "json", '{"resourceType": "Patient", "active": true, "id": "a\\"b"}'
    )


def test_a_search_by_post_sends_a_form() -> None:
    assert prepared("search", resource="Patient", method="post", params="?a=b&c=d") == Call(
        "POST",
        "http://a.test/fhir/Patient/_search",
        {**JSON, "content-type": "application/x-www-form-urlencoded"},
        Content("other", "a=b&c=d"),
    )


@pytest.mark.parametrize(
    ("code", "operation", "message"),
    [
        ("read", {}, "read needs url, params or targetId to know its address"),
        (None, {}, "an operation needs url, params or targetId to know its address"),
        ("read", {"targetId": "nameless"}, "what was referred to has no type and id"),
        (
            "read",
            {"targetId": "nobody"},
            "nobody is no fixture, and no operation has given its request or response that id",
        ),
        ("vread", {"targetId": "named"}, "Patient/p2 has no version that a vread could ask for"),
        ("read", {"params": "Patient/1"}, "params Patient/1 need a resource, or a slash"),
        ("create", {"sourceId": "patch"}, "what is to be sent has no resourceType"),
        ("update", {"sourceId": "patch", "contentType": "xml", "url": "x"}, "the body is JSON, but no FHIR resource"),
        ("read", {"destination": 3, "url": "x"}, "destination 3 has no server; give it with --destination 3=URL"),
    ],
)
def test_an_operation_that_cannot_be_sent_says_why(code: str | None, operation: Json, message: str) -> None:
    known = memory()
    known.messages["named"] = Message(Content("json", '{"resourceType": "Patient", "id": "p2"}'))

    with pytest.raises((ScriptError, ContentError)) as raised:
        prepare({**({"type": {"code": code}} if code else {}), **operation}, known, SERVERS)

    assert str(raised.value) == message
