"""FHIR's JSON and XML, and the paths into them."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tests.testscript import paths
from tests.testscript.content import Content, ContentError, ScriptError, dumps, media_of
from tests.testscript.minimum import missing

PATIENT_JSON = """{"resourceType": "Patient", "id": "p1",
 "text": {"status": "generated", "div": "<div xmlns='http://www.w3.org/1999/xhtml'><p>Peter</p></div>"},
 "contained": [{"resourceType": "Organization", "id": "o1"}],
 "extension": [{"url": "http://example.org/e", "valueDecimal": 1.50}],
 "active": true,
 "name": [{"id": "n1", "family": "Chalmers", "given": ["Peter", null], "_given": [null, {"extension": [
   {"url": "http://example.org/absent", "valueCode": "unknown"}]}]}],
 "_birthDate": {"id": "b1"}}"""

PATIENT_XML = (
    '<Patient xmlns="http://hl7.org/fhir"><id value="p1"/><text><status value="generated"/>'
    '<div xmlns="http://www.w3.org/1999/xhtml"><p>Peter</p></div></text>'
    '<contained><Organization><id value="o1"/></Organization></contained>'
    '<extension url="http://example.org/e"><valueDecimal value="1.50"/></extension>'
    '<active value="true"/><name id="n1"><family value="Chalmers"/><given value="Peter"/>'
    '<given><extension url="http://example.org/absent"><valueCode value="unknown"/></extension></given></name>'
    '<birthDate id="b1"/></Patient>'
)


def test_json_is_sent_as_xml_with_attributes_narrative_contained_resources_and_extensions_of_primitives() -> None:
    assert Content("json", PATIENT_JSON).as_media("xml") == Content("xml", PATIENT_XML)


def test_xml_is_read_with_the_types_that_fhir_gives() -> None:
    assert Content("xml", PATIENT_XML).value() == {
        "resourceType": "Patient",
        "id": "p1",
        "text": {
            "status": "generated",
            "div": '<div xmlns="http://www.w3.org/1999/xhtml"><p>Peter</p></div>',
        },
        "contained": {"resourceType": "Organization", "id": "o1"},
        "extension": {"url": "http://example.org/e", "valueDecimal": Decimal("1.50")},
        "active": True,
        "name": {
            "id": "n1",
            "family": "Chalmers",
            "given": ["Peter", None],
            "_given": [None, {"extension": {"url": "http://example.org/absent", "valueCode": "unknown"}}],
        },
        "birthDate": None,
        "_birthDate": {"id": "b1"},
    }


def test_xml_is_not_sent_as_json() -> None:
    with pytest.raises(ScriptError, match=r"^a fixture in XML cannot be sent as JSON; give it in JSON$"):
        Content("xml", PATIENT_XML).as_media("json")


def test_decimals_keep_their_digits() -> None:
    assert dumps({"a": [Decimal("1.50"), True, None, "й\n"]}) == '{"a": [1.50, true, null, "й\\n"]}'


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (Content("xml", "<Patient/>"), "the body is XML, but Patient is not in FHIR's namespace http://hl7.org/fhir"),
        (Content("xml", "<Patient"), "the body is no well-formed XML: "),
        (Content("json", "["), "the body is no JSON, at line 1, column 2"),
        (Content("json", "[]"), "the body is JSON, but no FHIR resource"),
        (Content("json", '{"resourceType": "Patient", "text": {"div": "<p>"}}'), "the body is no well-formed XML: "),
        (Content("json", '{"resourceType": "Patient", "no name": 1}'), "the body is Invalid tag name"),
        (Content("other", "hello"), "the body is neither JSON nor XML"),
    ],
)
def test_a_body_that_is_no_resource_is_told_as_what_it_is(content: Content, message: str) -> None:
    with pytest.raises(ContentError) as raised:
        content.tree()

    assert str(raised.value).startswith(message)


def test_an_entity_of_a_document_is_not_read() -> None:
    declared = '<!DOCTYPE a [<!ENTITY e SYSTEM "file:///etc/hostname">]>'
    text = declared + '<Patient xmlns="http://hl7.org/fhir"><id value="1"/>&e;</Patient>'

    assert paths.path(Content("xml", text), "Patient/*/@value") == ["1"]


@pytest.mark.parametrize(
    ("content_type", "media"),
    [
        ("application/fhir+json; charset=utf-8", "json"),
        ("application/json-patch+json", "json"),
        ("text/xml", "xml"),
        ("Application/FHIR+XML", "xml"),
        (".json", "json"),
        ("text/html", "other"),
        ("", "other"),
    ],
)
def test_a_content_type_tells_how_a_body_is_read(content_type: str, media: str) -> None:
    assert media_of(content_type) == media


@pytest.mark.parametrize("content", [Content("json", PATIENT_JSON), Content("xml", PATIENT_XML)])
@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("fhir:Patient/fhir:name/fhir:family/@value", ["Chalmers"]),
        ("/f:Patient/f:id", ["p1"]),
        ("Patient/id", ["p1"]),
        ("//family/@value", ["Chalmers"]),
        ("/Patient/name[family/@value = 'fhir:Chalmers']/family", []),
        ("/Patient[/Patient/active/@value = 'true']/id", ["p1"]),
        ("string(/fhir:Patient/fhir:id/@value)", ["p1"]),
        ("count(//given)", ["2"]),
        ("count(//given) div 4", ["0.5"]),
        ("count(//given) > 1 and count(/Patient) = 1", ["true"]),
        ("Patient/text/xhtml:div", ["Peter"]),
    ],
)
def test_an_xpath_finds_the_same_in_json_and_in_xml(content: Content, path: str, found: list[str]) -> None:
    assert paths.path(content, path) == found


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("$.name[0].family", ["Chalmers"]),
        (".name[0].given[0]", ["Peter"]),
        ("$..family", ["Chalmers"]),
        ("$['name'][*]['family']", ["Chalmers"]),
        ("$.name.*.family", ["Chalmers"]),
        ("$.active", ["true"]),
        ("$.extension[0].valueDecimal", ["1.50"]),
        ("$.name[7].family", []),
        ("$.active.x[0]", []),
    ],
)
def test_a_jsonpath_walks_json(path: str, found: list[str]) -> None:
    assert paths.path(Content("json", PATIENT_JSON), path) == found


def test_a_jsonpath_needs_json() -> None:
    with pytest.raises(ScriptError, match=r"^\$\.id is a JSONPath, and the body is not JSON; use an XPath"):
        paths.path(Content("xml", PATIENT_XML), "$.id")


@pytest.mark.parametrize("content", [Content("json", PATIENT_JSON), Content("xml", PATIENT_XML)])
def test_fhirpath_finds_the_same_in_json_and_in_xml(content: Content) -> None:
    expression = "Patient.active and Patient.extension.value > 1.4 and Patient.contained.id = 'o1'"

    assert paths.fhirpath(content, expression) == [True]


def minimum(wanted: str, actual: str) -> list[str]:
    def tree(members: str) -> object:
        return Content("json", f'{{"resourceType": "Patient", {members}}}').tree()

    return missing(tree(wanted), tree(actual))


@pytest.mark.parametrize(
    ("wanted", "actual"),
    [
        ('"id": "1"', '"active": true, "id": "1"'),
        ('"name": [{"family": "B"}, {"given": ["x"]}]', '"name": [{"given": ["x"]}, {"family": "A"}, {"family": "B"}]'),
        # The first wanted name fits both, the second only one: the first has to give way.
        (
            '"name": [{"use": "usual"}, {"use": "usual", "family": "A"}]',
            '"name": [{"use": "usual", "family": "A"}, {"use": "usual"}]',
        ),
        (
            '"text": {"div": "<div xmlns=\'http://www.w3.org/1999/xhtml\'><p>a  b</p></div>"}',
            '"text": {"status": "generated", "div": "<div xmlns=\'http://www.w3.org/1999/xhtml\'><p>a b</p></div>"}',
        ),
    ],
)
def test_a_resource_that_holds_all_and_more_is_enough(wanted: str, actual: str) -> None:
    assert minimum(wanted, actual) == []


@pytest.mark.parametrize(
    ("wanted", "actual", "lacks"),
    [
        ('"id": "1"', '"id": "2"', ["Patient.id"]),
        ('"gender": "male", "birthDate": "1970"', '"id": "2"', ["Patient.gender", "Patient.birthDate"]),
        (
            '"name": [{"family": "A", "given": ["x"]}]',
            '"name": [{"family": "A", "given": ["y"]}]',
            ["Patient.name.given"],
        ),
        ('"name": [{"family": "A"}, {"family": "A"}]', '"name": [{"family": "A"}]', ["Patient.name"]),
        ('"name": [{"given": ["x", "x"]}]', '"name": [{"given": ["x", "y"]}]', ["Patient.name.given"]),
        ('"multipleBirthInteger": 1', '"multipleBirthInteger": 2', ["Patient.multipleBirthInteger"]),
        ('"name": [{"id": "n1"}]', '"name": [{"family": "A"}]', ["Patient.name.id"]),
    ],
)
def test_what_a_resource_lacks_is_named_by_its_path(wanted: str, actual: str, lacks: list[str]) -> None:
    found = minimum(wanted, actual)

    assert list(dict.fromkeys(found)) == lacks


def test_a_resource_of_another_type_lacks_all() -> None:
    person = Content("json", '{"resourceType": "Person"}').tree()

    assert missing(Content("json", '{"resourceType": "Patient"}').tree(), person) == ["Patient"]
