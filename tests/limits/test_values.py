"""How many values a body may hold, how deep they may be nested, how many attributes an XML element may have.

Each is known before anything is made of the body: what is no JSON or XML after its limit is refused for the limit.
"""

from __future__ import annotations

import base64

import httpx
import pytest

from fhir_bridge.canonical import CANONICAL
from fhir_bridge.fhir import json, xml
from fhir_bridge.limits import Limits
from fhir_bridge.outcome import FhirError, Issue, Json
from tests.serving import Canned

TEN = Limits(max_values=10, max_attributes=3, max_depth=5)
TOO_MANY = Issue("too-many-values", "too-costly", "The body holds more than 10 values; send less at once.")


def refused_json(body: bytes, limits: Limits = TEN) -> tuple[int, tuple[Issue, ...]]:
    with pytest.raises(FhirError) as raised:
        json.loads(body, limits)
    return raised.value.status_code, raised.value.issues


def refused_xml(body: str, limits: Limits = TEN) -> tuple[int, tuple[Issue, ...]]:
    with pytest.raises(FhirError) as raised:
        xml.loads(body.encode(), "4.0", limits)
    return raised.value.status_code, raised.value.issues


@pytest.mark.parametrize(
    "ten",
    [
        b"[1, 2, 3, 4, 5, 6, 7, 8, 9]",
        b'["", true, false, null, 1.5, "a", [], {}, "b"]',
        b'{"a": [[], [], []], "b": {"c": {"d": {}}}, "e": 1, "f": null}',
        b'[{"a": 1}, {"b": 2}, {"c": 3}, {"d": 4}, {}]',
        rb'["[{,\",{", "\\", ",,,,,,,,,,,,", {"[,[,[,": ",\\\",", "]": 1}, 5, 6, 7]',
    ],
)
def test_ten_values_are_ten_however_they_are_written(ten: bytes) -> None:
    assert json.dumps(json.loads(ten, TEN)) == json.dumps(json.loads(ten))
    assert refused_json(b"[" + ten + b"]") == (413, (TOO_MANY,))


@pytest.mark.parametrize("value", [b"1", b'""', b"{}", b"[]", b'{"a":1}', b'["\\"",'])
def test_far_too_many_values_are_refused_before_the_text_is_parsed(value: bytes) -> None:
    assert refused_json(b"[" + b",".join([value] * 400_000) + b" and this is no JSON") == (413, (TOO_MANY,))


def test_many_lists_in_each_other_are_refused_for_their_depth_and_beyond_all_values_for_their_number() -> None:
    deep = Issue("nested-too-deep", "structure", "The body is nested more than 5 levels deep.")

    assert refused_json(b"[" * 6 + b"]" * 6) == (400, (deep,))
    assert refused_json(b"[" * 11 + b"]" * 11) == (413, (TOO_MANY,))


def test_a_text_that_is_longer_than_a_piece_is_still_a_text() -> None:
    body = b'["' + b",[" * 1_200_000 + b'", "' + b"a" * 3 + b'", [[1, 2], 3]]'

    assert json.loads(body, TEN)[1:] == ["aaa", [[1, 2], 3]]


def patient(content: str, attributes: str = "") -> str:
    return f'<Patient xmlns="http://hl7.org/fhir"{attributes}>{content}</Patient>'


def test_in_xml_each_element_and_each_attribute_but_value_is_a_value() -> None:
    names = '<name><given value="A"/><given value="B"/></name>' * 2
    ten = patient(f'{names}<!-- <a b="" c="" d="" e=""> --><gender value="male"/>')

    assert [name["given"] for name in xml.loads(ten.encode(), "4.0", TEN)["name"]] == [["A", "B"], ["A", "B"]]
    assert refused_xml(patient(f'{names}<gender id="x" value="male"/><active value="true"/>')) == (413, (TOO_MANY,))


def test_far_too_many_elements_are_refused_before_a_tree_is_made() -> None:
    assert refused_xml(patient("<name/>" * 300_000 + "</and this is no XML")) == (413, (TOO_MANY,))


@pytest.mark.parametrize("attribute", ['{}="1"', "xmlns:{}='1'"])
def test_no_element_has_more_attributes_than_the_limit(attribute: str) -> None:
    few, many = ("".join(f" {attribute.format(f'a{n}')}" for n in range(count)) for count in (2, 80_000))
    text = "`Patient` has more than 3 attributes, which no element of FHIR has."
    too_wide = (400, (Issue("invalid-xml", "structure", text),))

    assert refused_xml(patient("", f"{few} b='1'")) == too_wide
    assert refused_xml(patient("", many) + "</and this is no XML") == too_wide
    with pytest.raises(FhirError) as raised:
        xml.loads(patient("", " a0='1'").encode(), "4.0", TEN)
    assert [issue.text for issue in raised.value.issues] == ["`a0` is not an attribute of `Patient`."]


def test_text_full_of_equals_signs_is_no_attribute() -> None:
    div = f'<text><div xmlns="http://www.w3.org/1999/xhtml">{"=" * 100}</div></text>'

    assert xml.loads(patient(div).encode(), "4.0", TEN)["text"]["div"].count("=") == 101


def test_what_is_no_xml_is_told_as_such_whatever_its_length() -> None:
    text = "The body is not XML: an end tag does not fit the start tag, at line 1, column 154."

    assert refused_xml(patient("<name>" + "=" * 100)) == (400, (Issue("invalid-xml", "structure", text),))


def outcome(error: str, code: str, text: str) -> Json:
    coding = [{"system": f"{CANONICAL}/CodeSystem/bridge-error", "code": error}]
    return {
        "resourceType": "OperationOutcome",
        "issue": [{"severity": "error", "code": code, "details": {"coding": coding, "text": text}}],
    }


@pytest.mark.anyio
async def test_contained_of_more_than_a_million_empty_objects_is_413(client: httpx.AsyncClient) -> None:
    body = b'{"resourceType":"Patient","contained":[' + b"{}," * 1_600_000 + b"{}]}"
    headers = {"Content-Type": "application/fhir+json"}

    answer = await client.post("/fhir/ehealth/Patient", content=body, headers=headers)

    assert answer.status_code == 413
    text = "The body holds more than 200,000 values; send less at once."
    assert answer.json() == outcome("too-many-values", "too-costly", text)


@pytest.mark.anyio
async def test_a_search_form_of_more_parameters_than_values_is_413(client: httpx.AsyncClient) -> None:
    headers = {"Content-Type": "application/x-www-form-urlencoded"}

    answer = await client.post("/fhir/ehealth/Patient/_search", content=b"a=&" * 200_000 + b"_id=1", headers=headers)

    assert answer.status_code == 413
    text = "The body holds more than 200,000 values; send less at once."
    assert answer.json() == outcome("too-many-values", "too-costly", text)


@pytest.mark.anyio
async def test_a_patch_in_a_binary_holds_no_more_values_than_any_body(client: httpx.AsyncClient) -> None:
    patch = base64.b64encode(b"[" + b"1," * 200_000 + b"1]").decode()
    binary = {"resourceType": "Binary", "contentType": "application/json-patch+json", "data": patch}
    entry = {"request": {"method": "PATCH", "url": "Patient/1"}, "resource": binary}

    answer = await client.post("/fhir/ehealth", json={"resourceType": "Bundle", "type": "batch", "entry": [entry]})

    response = answer.json()["entry"][0]["response"]
    assert response["status"].startswith("413")
    assert response["outcome"]["issue"][0]["expression"] == ["Bundle.entry[0].resource.data"]


@pytest.mark.anyio
async def test_an_entry_has_no_longer_address_than_any_request(client: httpx.AsyncClient) -> None:
    entry = {"request": {"method": "GET", "url": f"Patient?{'a=1&' * 300_000}"}}

    answer = await client.post("/fhir/ehealth", json={"resourceType": "Bundle", "type": "batch", "entry": [entry]})

    response = answer.json()["entry"][0]["response"]
    assert response["status"].startswith("414")
    issue = response["outcome"]["issue"][0]
    text = "The address has more than 16,384 characters; send a shorter one."
    assert (issue["code"], issue["details"]["text"], issue["expression"]) == (
        "too-long",
        text,
        ["Bundle.entry[0].request.url"],
    )


@pytest.mark.anyio
async def test_a_partner_that_answers_with_too_many_values_is_502(canned: httpx.AsyncClient, partner: Canned) -> None:
    partner.answer(text=b"[" + b"," * 1_000_000 + b"1]")

    answer = await canned.get("/fhir/healthex/ResearchStudy/1")

    assert answer.status_code == 502
    assert "more than 1,000,000 values" in answer.json()["issue"][0]["details"]["text"]
