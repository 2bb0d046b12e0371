"""FHIR XML is read into the values that JSON has, as strictly as JSON is, and written in FHIR's order."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fhir_bridge.fhir import json
from fhir_bridge.fhir.elements import Element, Version, elements, is_primitive
from fhir_bridge.fhir.narrative import element
from fhir_bridge.fhir.structure import structure_checker
from fhir_bridge.fhir.xml import dumps, loads
from fhir_bridge.outcome import ErrorCode, FhirError, Issue, Json

DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>'
DIV = '<div xmlns="http://www.w3.org/1999/xhtml">{}</div>'


def patient(content: str) -> bytes:
    return f'<Patient xmlns="http://hl7.org/fhir">{content}</Patient>'.encode()


def written(resource: Json, version: Version = "4.0") -> str:
    """Return what is written within the declaration."""
    text = dumps(resource, version).decode()
    assert text.startswith(DECLARATION)
    return text.removeprefix(DECLARATION)


def inside(resource: Json) -> str:
    """Return what is written within a Patient."""
    match = re.fullmatch(r'<Patient xmlns="http://hl7\.org/fhir">(.*)</Patient>', written(resource), re.DOTALL)
    assert match
    return match[1]


def refused(body: bytes, version: Version = "4.0") -> tuple[Issue, ...]:
    with pytest.raises(FhirError) as raised:
        loads(body, version)
    assert raised.value.status_code == 400
    return raised.value.issues


def issue(text: str, expression: str | None = None, error: ErrorCode = "invalid-xml") -> Issue:
    return Issue(error, "structure", text, expression)


# --- both ways ---

BOTH: Mapping[str, tuple[str, Json]] = {
    "values of each kind": (
        '<active value="true"/><birthDate value="1974-12-25"/><multipleBirthInteger value="2"/>',
        {"active": True, "birthDate": "1974-12-25", "multipleBirthInteger": 2},
    ),
    "a resource's id is an element, an element's an attribute": (
        '<id value="a"/><name id="n"><family id="f" value="Chalmers"/></name>',
        {"id": "a", "name": [{"id": "n", "family": "Chalmers", "_family": {"id": "f"}}]},
    ),
    "what repeats is a list, once too": (
        '<name><given value="Peter"/><given value="James"/></name>',
        {"name": [{"given": ["Peter", "James"]}]},
    ),
    "an extension's url is an attribute": (
        '<extension url="urn:a"><extension id="e" url="b"><valueCode value="c"/></extension></extension>',
        {"extension": [{"url": "urn:a", "extension": [{"id": "e", "url": "b", "valueCode": "c"}]}]},
    ),
    "a value with an extension": (
        '<birthDate value="1974"><extension url="urn:a"><valueBoolean value="false"/></extension></birthDate>',
        {"birthDate": "1974", "_birthDate": {"extension": [{"url": "urn:a", "valueBoolean": False}]}},
    ),
    "an extension in the place of a value": (
        '<birthDate><extension url="urn:a"><valueCode value="unknown"/></extension></birthDate>',
        {"_birthDate": {"extension": [{"url": "urn:a", "valueCode": "unknown"}]}},
    ),
    "lists of values and of what is beside them are aligned by null": (
        '<name><given id="a"/><given value="B"/><given id="c" value="C"/></name>',
        {"name": [{"given": [None, "B", "C"], "_given": [{"id": "a"}, None, {"id": "c"}]}]},
    ),
    "a list without any value is absent": (
        '<name><given id="a"/><given id="b"/></name>',
        {"name": [{"_given": [{"id": "a"}, {"id": "b"}]}]},
    ),
    "contained resources stand in an element of their type": (
        '<contained><Organization><id value="o"/></Organization></contained><contained><Basic/></contained>',
        {"contained": [{"resourceType": "Organization", "id": "o"}, {"resourceType": "Basic"}]},
    ),
    "white space in text, and quotes, tags and ampersands": (
        '<name><text value=" a&#9;b&#10;c&#13; &quot;\'&lt;&amp;&gt; \u00e9 \U0001f600 "/></name>',
        {"name": [{"text": " a\tb\nc\r \"'<&> \u00e9 \U0001f600 "}]},
    ),
    "a narrative is kept to the letter": (
        '<text><status value="generated"/><div xmlns="http://www.w3.org/1999/xhtml" lang=\'en\'><!-- a > b <p> -->\r\n'
        '<p title="a>b"  >&#x27;&quot;\u00a0</p ><td></td><br /><![CDATA[ <b> ]]><?p <i?><div>x</div></div></text>',
        {
            "text": {
                "status": "generated",
                "div": "<div xmlns=\"http://www.w3.org/1999/xhtml\" lang='en'><!-- a > b <p> -->\r\n"
                '<p title="a>b"  >&#x27;&quot;\u00a0</p ><td></td><br /><![CDATA[ <b> ]]><?p <i?><div>x</div></div>',
            }
        },
    ),
    "two narratives and one that is empty": (
        "<text><div xmlns=\"http://www.w3.org/1999/xhtml\"/></text><contained><Basic><text>"
        f"{DIV.format('<p/>b')}</text></Basic></contained>",
        {
            "text": {"div": '<div xmlns="http://www.w3.org/1999/xhtml"/>'},
            "contained": [{"resourceType": "Basic", "text": {"div": DIV.format("<p/>b")}}],
        },
    ),
    "nothing": ("", {}),
}  # fmt: skip


@pytest.mark.parametrize("case", BOTH)
def test_xml_and_json_say_the_same(case: str) -> None:
    xml, value = BOTH[case]
    resource = {"resourceType": "Patient", **value}

    assert loads(patient(xml)) == resource
    assert written(resource) == patient(xml).decode().replace("></Patient>", "/>" if not xml else "></Patient>")


def test_bundle_entries_and_parameters_hold_resources_by_their_type() -> None:
    parameters = {"resourceType": "Parameters", "parameter": [{"name": "a", "resource": {"resourceType": "Basic"}}]}
    outcome = {"resourceType": "OperationOutcome"}
    bundle = {
        "resourceType": "Bundle",
        "entry": [{"resource": parameters, "response": {"status": "200", "outcome": outcome}}],
    }
    xml = (
        '<Bundle xmlns="http://hl7.org/fhir"><entry><resource><Parameters><parameter><name value="a"/><resource>'
        '<Basic/></resource></parameter></Parameters></resource><response><status value="200"/><outcome>'
        "<OperationOutcome/></outcome></response></entry></Bundle>"
    )

    assert written(bundle) == xml
    assert loads(xml.encode()) == bundle


def test_an_element_may_be_called_resource_type() -> None:
    scenario = {"resourceType": "ExampleScenario", "instance": [{"resourceId": "a", "resourceType": "Patient"}]}
    claim = {"resourceType": "Claim", "payee": {"resourceType": {"code": "organization"}}}

    assert loads(dumps(scenario)) == scenario
    assert loads(dumps(claim, "3.0"), "3.0") == claim


@pytest.mark.parametrize(
    "text", ["1.50", "0.00", "-0.0", "100", "100.000", "0.0000001", "1E+5", "1.5E-40", "123456789012345678901234567890"]
)
def test_a_decimal_keeps_the_digits_that_it_came_with(text: str) -> None:
    quantity = f'<valueQuantity><value value="{text}"/></valueQuantity>'
    observation = f'<Observation xmlns="http://hl7.org/fhir">{quantity}</Observation>'

    value = loads(observation.encode())["valueQuantity"]["value"]

    assert (type(value), value) == (Decimal, Decimal(text))
    assert written(loads(observation.encode())) == observation
    assert written(json.loads(json.dumps(loads(observation.encode())))) == observation


def test_elements_are_written_in_the_order_of_fhir_and_read_in_any() -> None:
    resource = {"link": [], "gender": "male", "name": [{"given": ["B"], "family": "A"}], "id": "1"}
    in_order = '<id value="1"/><name><family value="A"/><given value="B"/></name><gender value="male"/>'
    in_disorder = '<gender value="male"/><name><given value="B"/><family value="A"/></name><id value="1"/>'

    assert inside({"resourceType": "Patient", **resource}) == in_order
    assert loads(patient(in_disorder)) == loads(patient(in_order))


def test_stu3_has_elements_of_its_own() -> None:
    stu3 = b'<Patient xmlns="http://hl7.org/fhir"><animal><species><text value="dog"/></species></animal></Patient>'

    assert loads(stu3, "3.0") == {"resourceType": "Patient", "animal": {"species": {"text": "dog"}}}
    assert dumps(loads(stu3, "3.0"), "3.0") == DECLARATION.encode() + stu3
    assert [issue.expression for issue in refused(stu3, "4.0")] == ["Patient.animal"]


# --- generated resources ---

TYPES = ["Patient", "Bundle", "Parameters", "Observation", "Questionnaire", "StructureDefinition", "Basic"]
SPECIAL = {
    "boolean": st.booleans(),
    "integer": st.integers(-(2**31), 2**31 - 1),
    "unsignedInt": st.integers(0, 2**31 - 1),
    "positiveInt": st.integers(1, 2**31 - 1),
    "decimal": st.from_regex(r"\A-?(0|[1-9][0-9]{0,30})(\.[0-9]{1,30})?(e-?[0-9]{1,2})?\Z").map(Decimal),
    "xhtml": st.sampled_from(
        [DIV.format(text) for text in ("", "a &lt; b", "<p>x</p>&#160;<td></td>", "<a b='>'/>\n")]
    ),
}
# What XML can hold: https://www.w3.org/TR/xml/#charsets
characters = st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff") | st.sampled_from(
    "\t\n\r"
)
texts = st.text(characters)
tokens = st.text(st.characters(categories=["L", "N", "P"]), min_size=1)


def primitives(element: Element) -> st.SearchStrategy[Json]:
    as_text = texts if element.type in ("string", "markdown", "base64Binary") else tokens
    return SPECIAL.get(element.type, as_text)


def beside(levels: int) -> st.SearchStrategy[Json]:
    extensions = st.lists(objects("4.0", "Extension", levels - 1), min_size=1, max_size=2)
    return st.fixed_dictionaries({"id": texts}, optional={"extension": extensions} if levels > 0 else {})


@st.composite
def objects(draw: st.DrawFn, version: Version, type_name: str, levels: int) -> Json:
    known = elements(version, type_name)
    names = [name for name, element in known.items() if levels > 0 or is_primitive(element.type)]
    chosen = draw(st.lists(st.sampled_from(names), unique=True, max_size=4))
    value: dict[str, Json] = {}
    for name in chosen:
        value |= draw(members(version, type_name, known[name], levels))
    return value


def members(version: Version, type_name: str, element: Element, levels: int) -> st.SearchStrategy[Json]:
    name = element.name
    if not is_primitive(element.type):
        inner = resources(levels - 1) if element.type == "Resource" else objects(version, element.type, levels - 1)
        items = st.lists(inner, min_size=1, max_size=2) if element.repeats else inner
        return st.fixed_dictionaries({name: items})
    values = primitives(element)
    if element.type == "xhtml" or name == "id" or (type_name, name) == ("Extension", "url"):
        return st.fixed_dictionaries({name: values})
    pairs = values.map(lambda value: (value, None)) | st.tuples(values | st.none(), beside(levels))
    if not element.repeats:
        return pairs.map(lambda pair: named(name, *pair))
    return st.lists(pairs, min_size=1, max_size=3).map(lambda items: named(name, *map(list, zip(*items, strict=True))))


def named(name: str, value: Json, extra: Json) -> dict[str, Json]:
    """Leave out a member that is null, or holds nothing else."""
    both = {name: value, f"_{name}": extra}
    return {key: item for key, item in both.items() if any(one is not None for one in as_list(item))}


def as_list(value: Json) -> list[Json]:
    return value if isinstance(value, list) else [value]


def resources(levels: int = 3) -> st.SearchStrategy[Json]:
    def of_type(type_name: str) -> st.SearchStrategy[Json]:
        return objects("4.0", type_name, levels).map(lambda value: {"resourceType": type_name, **value})

    return st.sampled_from(TYPES).flatmap(of_type)


def in_digits(value: Json) -> Json:
    """Return a value in which 1.5 and 1.50 differ."""
    if isinstance(value, dict):
        return {name: in_digits(item) for name, item in value.items()}
    if isinstance(value, list):
        return [in_digits(item) for item in value]
    return json.dumps(value)


@given(resources(), st.booleans())
def test_what_is_written_is_read_back(resource: Json, indented: bool) -> None:
    """On one line or on many."""
    assert in_digits(loads(dumps(resource, indented=indented))) == in_digits(resource)


@given(st.binary() | st.text("<>/&;\"'=!?[]- \nPatient:xmlnsvalue\x00\ufeff\u00e9").map(str.encode))
@example(b"<a>\x00</a>")
@example(b"<\x00")
@example(b'<a b="\xef\xbf\xbf"/>')
def test_no_body_makes_it_fail_in_any_other_way_than_as_a_refusal(body: bytes) -> None:
    assert {issue.severity for issue in refused(body)} == {"error"}


@given(st.text("<>/ab &;='\"!-[]CDATA?", max_size=40))
def test_whatever_is_in_a_narrative_xml_has_it_as_it_was_or_not_at_all(text: str) -> None:
    resource = {"resourceType": "Basic", "text": {"div": f"<div>{text}</div>"}}

    if element(resource["text"]["div"]) is None:
        with pytest.raises(FhirError):
            dumps(resource)
    else:
        assert loads(dumps(resource))["text"]["div"] == DIV.format(text)


# --- what is not well-formed ---


@pytest.mark.parametrize(
    ("body", "what"),
    [
        ("Chalmers", "a start tag is expected, at line 1, column 1"),
        ("{}", "a start tag is expected, at line 1, column 1"),
        ("<a", "a tag does not end, at line 1, column 3"),
        ("<a>\n <b/>", "an end tag is missing, at line 2, column 6"),
        ("<a>\n<secret></a>", "an end tag does not fit the start tag, at line 2, column 13"),
        ("<a/><b/>", "there is more after the root element, at line 1, column 5"),
        ("<a b='&nbsp;'/>", "XML itself has no such entity, use the character, at line 1, column 13"),
        ("<a b='x&y'/>", "a `&` is not written as `&amp;`, at line 1, column 10"),
        ("<a b='x & y'/>", "a `<` or `&` is not written as `&lt;` or `&amp;`, at line 1, column 10"),
        ("<a b='<'/>", "a `<` is not written as `&lt;`, at line 1, column 7"),
        ("<a b=1/>", "an attribute's value is not in quotes, at line 1, column 6"),
        ("<a b='1' b='2'/>", "an attribute occurs twice in one tag, at line 1, column 15"),
        ("<p:a/>", "a prefix has no namespace, at line 1, column 5"),
        ("<a b='\x01'/>", "a control character is no character of XML, at line 1, column 7"),
        ("<a b='&#1;'/>", "a control character is no character of XML, at line 1, column 11"),
        ("<a xmlns='secret value'/>", "a syntax error, at line 1, column 24"),
        ('<?xml version="2.0"?><a/>', "a syntax error, at line 1, column 20"),
        ("<!doctype a><a/>", "a `<` or `&` is not written as `&lt;` or `&amp;`, at line 1, column 2"),
    ],
)
def test_a_syntax_error_has_its_line_and_column_and_shows_no_content(body: str, what: str) -> None:
    assert refused(body.encode()) == (issue(f"The body is not XML: {what}."),)


def test_a_value_of_more_than_10_mb_is_refused() -> None:
    body = patient(f'<name><text value="{"a" * 10_000_001}"/></name>')

    (only,) = refused(body)

    assert only.text.startswith("The body is not XML: a value is longer than 10 MB, at line 1, column ")


@pytest.mark.parametrize("body", [b"", b" \n", b"\xef\xbb\xbf"])
def test_an_empty_body_is_called_empty(body: bytes) -> None:
    assert refused(body) == (issue("The body is empty; send a resource as XML."),)


@pytest.mark.parametrize(
    ("body", "position"), [(b"<a b='\xe9'/>", "7"), (b"\xef\xbb\xbf<\xff", "5"), (b"\xff\xfe<\x00a\x00/\x00>\x00", "1")]
)
def test_other_encodings_than_utf_8_are_refused_with_the_place(body: bytes, position: str) -> None:
    assert refused(body) == (issue(f"The body is not UTF-8: byte {position} cannot be read.", error="not-utf-8"),)


@pytest.mark.parametrize("declared", ["utf-8", "UTF-8", "utf-16", "ISO-8859-1"])
def test_the_body_is_utf_8_whatever_its_declaration_says(declared: str) -> None:
    body = f'\ufeff<?xml version="1.0" encoding="{declared}"?>'.encode() + patient('<gender value="\u00e9"/>')

    assert loads(body) == {"resourceType": "Patient", "gender": "\u00e9"}


def test_comments_and_processing_instructions_are_skipped() -> None:
    body = b"<?a b?><!-- <!DOCTYPE a> -->" + patient('<!-- a -->\n<?b <c?> <gender value="male"><!-- - --></gender>')

    assert loads(body) == {"resourceType": "Patient", "gender": "male"}


# --- attacks ---

NO_DOCTYPE = (issue("The body has a DOCTYPE, which FHIR does not allow; leave it out."),)


def billion_laughs(use: str) -> bytes:
    entities = "".join(f'<!ENTITY l{n + 1} "{f"&l{n};" * 10}">' for n in range(9))
    doctype = f'<!DOCTYPE Patient [<!ENTITY l0 "lol">{entities}]>'
    return f'<?xml version="1.0"?>{doctype}'.encode() + patient(use)


@pytest.mark.parametrize(
    "use",
    ['<name><text value="&l9;"/></name>', f"<text>{DIV.format('&l9;')}</text>", ""],
    ids=["in a value", "in a narrative", "nowhere"],
)
def test_a_billion_laughs_are_refused_before_they_are_read(use: str) -> None:
    assert refused(billion_laughs(use)) == NO_DOCTYPE


@pytest.mark.parametrize("reference", ['SYSTEM "{}"', 'PUBLIC "-//x" "{}"'])
@pytest.mark.parametrize("prolog", ["", "\ufeff", "<?xml version='1.0'?>\n<!-- a --><?p?>", "<!-- > <a> -->"])
def test_an_external_entity_is_neither_fetched_nor_shown(tmp_path: Path, reference: str, prolog: str) -> None:
    secret = tmp_path / "secret"
    secret.write_text("secret")
    entity = f"<!ENTITY e {reference.format(secret.as_uri())}>"

    body = f"{prolog}<!DOCTYPE Patient [{entity}]>".encode() + patient(f"<text>{DIV.format('&e;')}</text>")

    assert refused(body) == NO_DOCTYPE


@pytest.mark.parametrize("doctype", ["<!DOCTYPE Patient>", '<!DOCTYPE Patient SYSTEM "http://127.0.0.1:9/p.dtd">'])
def test_any_doctype_is_refused(doctype: str) -> None:
    assert refused(doctype.encode() + patient("")) == NO_DOCTYPE


def test_a_doctype_that_is_only_spoken_of_is_none() -> None:
    div = DIV.format("<!-- <!DOCTYPE a> --><![CDATA[<!DOCTYPE a>]]>")

    assert loads(patient(f"<text>{div}</text>")) == {"resourceType": "Patient", "text": {"div": div}}


def test_a_prolog_of_a_hundred_thousand_comments_is_refused_at_its_end() -> None:
    assert refused(b"<!-- a -->" * 100_000 + b"<!--") == (
        issue("The body is not XML: a syntax error, at line 1, column 1000005."),
    )


TOO_DEEP = (issue("The body is nested more than 64 levels deep.", error="nested-too-deep"),)


def nested(levels: int) -> Json:
    """Return a Patient with `levels` extensions in one another: two levels of JSON each."""
    extension: dict[str, Json] = {"url": "a"}
    for _ in range(levels - 1):
        extension = {"url": "a", "extension": [extension]}
    return {"resourceType": "Patient", "extension": [extension]}


def test_xml_may_be_nested_as_deep_as_json() -> None:
    assert loads(dumps(nested(31))) == json.loads(json.dumps(nested(31))) == nested(31)
    assert refused(dumps(nested(32))) == TOO_DEEP
    with pytest.raises(FhirError) as raised:
        json.loads(json.dumps(nested(32)))
    assert raised.value.issues == TOO_DEEP


def test_a_list_of_values_is_a_level_too() -> None:
    name: dict[str, Json] = {"given": ["A"]}
    deep: Json = {"resourceType": "Patient", "name": [name]}
    for _ in range(2):
        deep = {"resourceType": "Patient", "contained": [deep]}
    for _ in range(19):
        deep = {"resourceType": "Bundle", "entry": [{"resource": deep}]}

    assert refused(dumps(deep)) == TOO_DEEP
    with pytest.raises(FhirError):
        json.loads(json.dumps(deep))
    name["family"] = name.pop("given")[0]
    assert loads(dumps(deep)) == json.loads(json.dumps(deep))


@pytest.mark.parametrize("levels", [300, 100_000])
def test_nesting_without_end_is_refused(levels: int) -> None:
    assert refused(patient("<extension>" * levels + "</extension>" * levels)) == TOO_DEEP


# --- what is XML, but not FHIR's ---


def test_every_problem_is_named_with_its_place() -> None:
    body = patient(
        """
        <id id="a" value="1" lang="en"/>
        <birthdate value="1974"/>
        <name use="usual"><family value="A" extra="1">Chalmers</family><given><value value="B"/></given></name>
        <name><given value="C"/><given value="D" xml:lang="en"/>secret</name>
        <contained/>
        <deceasedBoolean value="yes"/>
        <photo><size value="1.5"/></photo>
        <extension><url value="urn:a"/><valueDecimal value=".5"/></extension>
        """
    )

    assert refused(body) == (
        issue(
            "`birthdate` is not an element of Patient; did you mean `birthDate`?",
            "Patient.birthdate",
            error="unknown-element",
        ),
        issue("`lang` is not an attribute of `id`.", "Patient.id"),
        issue("`use` is not an attribute of `name`.", "Patient.name[0]"),
        issue("`extra` is not an attribute of `family`.", "Patient.name[0].family"),
        issue("`family` holds text; a value goes into the attribute `value`.", "Patient.name[0].family"),
        issue("`value` of `given` is an attribute in XML, not an element.", "Patient.name[0].given[0]"),
        issue("`name` holds text; a value goes into the attribute `value`.", "Patient.name[1]"),
        issue("`lang` is not an attribute of `given`.", "Patient.name[1].given[1]"),
        issue("`contained` must hold exactly one resource.", "Patient.contained[0]"),
        Issue("invalid-format", "value", "`deceasedBoolean` must be true or false.", "Patient.deceased"),
        Issue(
            "invalid-format",
            "value",
            "`size` must be a whole number from 0 to 2,147,483,647.",
            "Patient.photo[0].size",
        ),
        issue("`url` of `extension` is an attribute in XML, not an element.", "Patient.extension[0]"),
        Issue("invalid-format", "value", "`valueDecimal` must be a number.", "Patient.extension[0].value"),
    )


@pytest.mark.parametrize("value", ["", " ", "1", "True", "yes"])
def test_only_true_and_false_are_booleans(value: str) -> None:
    assert refused(patient(f'<active value="{value}"/>')) == (
        Issue("invalid-format", "value", "`active` must be true or false.", "Patient.active"),
    )


@pytest.mark.parametrize("value", ["", "1.0", "1e3", "01", "-0", "0x1", "\u0661", "9" * 19, "9" * 5000])
def test_only_whole_numbers_in_digits_are_integers(value: str) -> None:
    rule = "a whole number from -2,147,483,648 to 2,147,483,647"
    assert refused(patient(f'<multipleBirthInteger value="{value}"/>')) == (
        Issue("invalid-format", "value", f"`multipleBirthInteger` must be {rule}.", "Patient.multipleBirth"),
    )


@pytest.mark.parametrize("value", ["", ".5", "5.", "+1", "1e", "NaN", "INF", "00.1", "1e999999999999999999", "\u0661"])
def test_only_numbers_of_json_are_decimals(value: str) -> None:
    quantity = f'<valueQuantity><value value="{value}"/></valueQuantity>'

    assert refused(f'<Observation xmlns="http://hl7.org/fhir">{quantity}</Observation>'.encode()) == (
        Issue("invalid-format", "value", "`value` must be a number.", "Observation.value.value"),
    )


def test_space_around_a_value_is_trimmed_where_it_says_nothing() -> None:
    body = patient('<active value=" true "/><gender value="\n male"/><multipleBirthInteger value=" +2 "/>')

    assert loads(body) == {"resourceType": "Patient", "active": True, "gender": "male", "multipleBirthInteger": 2}


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ("<Patient/>", issue("`Patient` must be in the namespace http://hl7.org/fhir, by `xmlns`.", "Patient")),
        (
            '<Patient xmlns="http://hl7.org/fhir/"><x/></Patient>',
            issue("`Patient` must be in the namespace http://hl7.org/fhir, by `xmlns`.", "Patient"),
        ),
        (
            '<Patient xmlns="http://hl7.org/fhir"><gender xmlns="" value="male"/></Patient>',
            issue("`gender` must be in the namespace http://hl7.org/fhir, by `xmlns`.", "Patient.gender"),
        ),
        (
            '<Patient xmlns="http://hl7.org/fhir"><text><div>a</div></text></Patient>',
            issue("`div` must be in the namespace http://www.w3.org/1999/xhtml, by `xmlns`.", "Patient.text.div"),
        ),
        (
            '<html xmlns="http://www.w3.org/1999/xhtml"/>',
            issue("`html` is not a resource type; check the `resourceType`.", "html", "unknown-resource-type"),
        ),
        (
            '<Pateint xmlns="http://hl7.org/fhir"><id value="1"/></Pateint>',
            issue("`Pateint` is not a resource type; did you mean `Patient`?", "Pateint", "unknown-resource-type"),
        ),
        (
            "<a.b/>",
            issue("`a.b` is not a resource type; check the `resourceType`.", None, "unknown-resource-type"),
        ),
        (
            '<Patient xmlns="http://hl7.org/fhir"><contained><HumanName/></contained></Patient>',
            issue(
                "`HumanName` is not a resource type; check the `resourceType`.",
                "Patient.contained[0]",
                "unknown-resource-type",
            ),
        ),
        (
            '<Patient xmlns="http://hl7.org/fhir"><contained id="a"><Basic/></contained></Patient>',
            issue("`id` is not an attribute of `contained`.", "Patient.contained[0]"),
        ),
        (
            '<Patient xmlns="http://hl7.org/fhir"><contained><Basic/>x<Basic/></contained></Patient>',
            issue("`contained` holds text; a value goes into the attribute `value`.", "Patient.contained[0]"),
        ),
        (
            '<Patient xmlns="http://hl7.org/fhir" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
            'xsi:schemaLocation="http://hl7.org/fhir patient.xsd"/>',
            issue("`schemaLocation` is not an attribute of `Patient`.", "Patient"),
        ),
    ],
)
def test_a_problem_has_its_own_words(body: str, found: Issue) -> None:
    assert refused(body.encode())[0] == found


def test_two_resources_in_the_place_of_one_are_refused() -> None:
    body = b'<Bundle xmlns="http://hl7.org/fhir"><entry><resource><Basic/><Basic/></resource></entry></Bundle>'

    assert refused(body) == (issue("`resource` must hold exactly one resource.", "Bundle.entry[0].resource"),)


def test_a_thousand_problems_are_written_out() -> None:
    body = patient('<name use="usual"/>' * 1_002)

    issues = refused(body)

    assert len(issues) == 1_001
    assert issues[999] == issue("`use` is not an attribute of `name`.", "Patient.name[999]")
    assert issues[1_000] == issue("There are more problems; correct these first.", error="too-many-problems")


def test_what_occurs_too_often_or_is_empty_is_left_to_the_structure_checker() -> None:
    body = patient(
        '<name/><name><family/><given value=""/></name><gender value="male"/><gender value="female"/>'
        '<birthDate value="1974"/><birthDate id="b"/><maritalStatus/><maritalStatus/>'
    )

    resource = loads(body)

    assert resource == {
        "resourceType": "Patient",
        "name": [{}, {"family": "", "given": [""]}],
        "gender": ["male", "female"],
        "birthDate": ["1974", None],
        "_birthDate": [None, {"id": "b"}],
        "maritalStatus": [{}, {}],
    }
    assert {(found.text, found.expression) for found in structure_checker("4.0")(resource)} == {
        ("`name` is empty; leave out what has no value.", "Patient.name[0]"),
        ("`family` is empty; leave out what has no value.", "Patient.name[1].family"),
        ("`given` is empty; leave out what has no value.", "Patient.name[1].given[0]"),
        ("`gender` occurs at most once, so it must not be a list.", "Patient.gender"),
        ("`birthDate` occurs at most once, so it must not be a list.", "Patient.birthDate"),
        ("`_birthDate` occurs at most once, so it must not be a list.", "Patient.birthDate"),
        ("`maritalStatus` occurs at most once, so it must not be a list.", "Patient.maritalStatus"),
    }
    assert loads(dumps(resource)) == resource


# --- narratives ---


@pytest.mark.parametrize(
    ("text", "div"),
    [
        ('<h:div class="a">x<h:p>y</h:p><h:br/></h:div>', ' class="a">x<p>y</p><br/></div>'),
        ("<h:div/>", "/>"),
        ('<h:div>&lt;<q:p xmlns:q="urn:q"/></h:div>', '>&lt;<q:p xmlns:q="urn:q"/></div>'),
    ],
)
def test_a_narrative_whose_namespace_is_declared_outside_declares_it_itself(text: str, div: str) -> None:
    by_prefix = (
        f'<Patient xmlns="http://hl7.org/fhir" xmlns:h="http://www.w3.org/1999/xhtml"><text>{text}</text></Patient>'
    )
    by_default = (
        '<f:Patient xmlns:f="http://hl7.org/fhir" xmlns="http://www.w3.org/1999/xhtml">'
        f"<f:text>{text.replace('h:', '')}</f:text></f:Patient>"
    )
    resource = {"resourceType": "Patient", "text": {"div": f'<div xmlns="http://www.w3.org/1999/xhtml"{div}'}}

    assert loads(by_prefix.encode()) == resource
    assert loads(by_default.encode()) == resource


@pytest.mark.parametrize(
    ("div", "expected"),
    [
        ("<div>a</div>", DIV.format("a")),
        (f"\n {DIV.format('a')} ", DIV.format("a")),
        (DIV.format("a\x01\ufffe\ud800b"), DIV.format("a\ufffd\ufffd\ufffdb")),
        ("", '<div xmlns="http://www.w3.org/1999/xhtml"/>'),
    ],
)
def test_a_narrative_is_written_as_the_xhtml_that_it_is(div: str, expected: str) -> None:
    assert inside({"resourceType": "Patient", "text": {"div": div}}) == f"<text>{expected}</text>"


@pytest.mark.parametrize(
    "div",
    ["<div>a &nbsp; <b></div>", "plain", "<p>a</p>", '<div xmlns="">a</div>', "<divide>a</divide>",
     "<?xml version='1.0'?><div>a</div>", "<!DOCTYPE a><div/>", "<div>a</div><div>b</div>", "<div><h:p>a</h:p></div>"],
)  # fmt: skip
def test_a_narrative_that_is_no_xhtml_is_never_written_as_if_it_were(div: str) -> None:
    basic = {"resourceType": "Basic", "text": {"div": div}}
    bundle = {"resourceType": "Bundle", "entry": [{"resource": {"resourceType": "Patient", "contained": [basic]}}]}

    with pytest.raises(FhirError) as caught:
        dumps(bundle)

    text = (
        "The request was carried out, but the narrative at Bundle.entry[0].resource.contained[0].text.div of the "
        "partner's answer is no XHTML, so the answer cannot be written as XML; ask for JSON, and do not send a change "
        "again."
    )
    assert (caught.value.status_code, caught.value.issues) == (
        502,
        (Issue("partner-answer-unreadable", "exception", text),),
    )


# --- what JSON can say and XML cannot ---


def test_characters_that_xml_cannot_hold_are_replaced() -> None:
    value = "a\x00b\x1fc\x7fd\ud800e\ufffff"

    assert (
        inside({"resourceType": "Patient", "language": value})
        == '<language value="a\ufffdb\ufffdc\x7fd\ufffde\ufffdf"/>'
    )
    assert (
        loads(dumps({"resourceType": "Patient", "language": value}))["language"] == "a\ufffdb\ufffdc\x7fd\ufffde\ufffdf"
    )


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"colour": "red", "gender": "male"}, '<gender value="male"/><colour value="red"/>'),
        ({"_colour": {"id": "a"}, "colour": 1}, '<colour id="a" value="1"/>'),
        ({"colour": ["red", {"id": "b", "shade": True, "extension": [{"url": "u"}]}]},
         '<colour value="red"/><colour id="b"><extension url="u"/><shade value="true"/></colour>'),
        ({"colours": {"resourceType": "Colour", "id": "a"}}, '<colours><Colour><id value="a"/></Colour></colours>'),
        ({"not a name": 1, "": 2, "caf\u00e9": 3, "a" * 65: 4}, None),
        ({"gender": None, "name": [None, {}], "_birthDate": None}, "<name/>"),
        ({"gender": {"value": "male"}}, '<gender><value value="male"/></gender>'),
        ({"birthDate": [["1974"]]}, '<birthDate value="[&quot;1974&quot;]"/>'),
        ({"birthDate": "1974", "_birthDate": "x"}, '<birthDate value="1974"/>'),
        ({"name": "A"}, '<name value="A"/>'),
        ({"name": [{"id": {"a": 1}}]}, '<name><id><a value="1"/></id></name>'),
        ({"text": {"div": 1}}, '<text><div value="1"/></text>'),
        ({"contained": [{"id": "a"}, {"resourceType": 5}]},
         '<contained id="a"/><contained><resourceType value="5"/></contained>'),
    ],
)  # fmt: skip
def test_what_fhir_does_not_have_is_written_by_the_shape_of_its_json(value: Json, expected: str | None) -> None:
    whole = written({"resourceType": "Patient", **value})

    assert whole == (patient(expected).decode() if expected else '<Patient xmlns="http://hl7.org/fhir"/>')


def test_a_resource_of_a_type_that_fhir_does_not_have_is_written_all_the_same() -> None:
    resource = {"resourceType": "Colour", "shade": "dark", "id": "a"}

    assert written(resource) == '<Colour xmlns="http://hl7.org/fhir"><id value="a"/><shade value="dark"/></Colour>'


def test_with_line_breaks_nothing_moves_within_a_narrative_or_a_text() -> None:
    narrative = '<div xmlns="http://www.w3.org/1999/xhtml">\n<p>a <b>b</b><br/>\n  c</p><div>d</div></div>'
    resource = {
        "resourceType": "Patient",
        "text": {"status": "generated", "div": narrative},
        "contained": [{"resourceType": "Basic", "text": {"status": "empty", "div": DIV.format("")}, "id": "b"}],
        "name": [{"text": "<a>\n  <b/>", "_family": {"extension": [{"url": "urn:x", "valueBoolean": True}]}}],
    }

    assert (
        dumps(resource, indented=True).decode()
        == f"""{DECLARATION}
<Patient xmlns="http://hl7.org/fhir">
  <text>
    <status value="generated"/>
    {narrative}
  </text>
  <contained>
    <Basic>
      <id value="b"/>
      <text>
        <status value="empty"/>
        <div xmlns="http://www.w3.org/1999/xhtml"></div>
      </text>
    </Basic>
  </contained>
  <name>
    <text value="&lt;a&gt;&#10;  &lt;b/&gt;"/>
    <family>
      <extension url="urn:x">
        <valueBoolean value="true"/>
      </extension>
    </family>
  </name>
</Patient>"""
    )


@pytest.mark.parametrize("div", ["<div/>", "<div />", "<div class='a>b'/>", ""])
def test_after_an_empty_narrative_lines_break_again(div: str) -> None:
    resource = {"resourceType": "Patient", "text": {"div": div}, "active": True}

    lines = dumps(resource, indented=True).decode().split("\n")

    assert lines[4:] == ["  </text>", '  <active value="true"/>', "</Patient>"]


@pytest.mark.parametrize("value", [None, [], "Patient", {}, {"resourceType": 1}, {"resourceType": "a b"}])
def test_what_names_no_type_cannot_be_written(value: Json) -> None:
    with pytest.raises(ValueError, match=r"^Only a resource that names its type can be written as XML\.$"):
        dumps(value)


def test_nothing_that_is_written_changes() -> None:
    resource = {"resourceType": "Patient", "_gender": {"id": "a"}, "name": [{"id": "n", "given": [None, "B"]}]}
    before = json.dumps(resource)

    dumps(resource)

    assert json.dumps(resource) == before
