"""The XHTML that a Narrative may have. https://hl7.org/fhir/R4/narrative.html#xhtml"""

from __future__ import annotations

import pytest

from fhir_bridge.fhir.elements import Version
from fhir_bridge.fhir.narrative import (
    MAX_ATTRIBUTES,
    MAX_DEPTH,
    MAX_FAULTS,
    element,
    faults,
    is_narrative,
    narratives,
    readable,
)
from fhir_bridge.fhir.structure import structure_checker

XHTML = "http://www.w3.org/1999/xhtml"


def div(inner: str, attributes: str = "") -> str:
    return f'<div xmlns="http://www.w3.org/1999/xhtml"{attributes}>{inner}</div>'


@pytest.mark.parametrize(
    "text",
    [
        div("Іван"),
        f"\n {div('x')}\n",
        div('<p style="color: red">a &lt; b\u00a0&#160;&#xE9;</p>', ' xml:lang="uk" xml:space="preserve"'),
        div("<![CDATA[ a < b ]]>"),
        div(f"<p xmlns='{XHTML}'>x</p>"),
        div('<table><tr><td colspan="2"><a href="http://example.org/x">x</a></td></tr></table>'),
        div('<img src="#photo" alt="x"/>'),
        div("<b></b><!-- nothing -->&amp;"),
    ],
)
def test_formatting_with_something_to_see_is_a_narrative(text: str) -> None:
    assert is_narrative(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "<p>x</p>",
        "<div>x</div>",
        '<division xmlns="http://www.w3.org/1999/xhtml">x</division>',
        div(""),
        div(" <p> \n</p>"),
        div("<script>x</script>"),
        div("<style>x</style>x"),
        div("<iframe>x</iframe>"),
        div("<form><input/>x</form>"),
        div('<p onclick="x()">x</p>'),
        div('<a href=" JavaScript:x()">x</a>'),
        div("x</p>"),
        div("<p>x"),
        div("x") + div("y"),
        div("&unknown;"),
        div("\ud800"),
        "<div" + div("x"),
        '<div xmlns="http://www.w3.org/1999/xhtml"><!DOCTYPE x>x</div>',
        7,
        None,
    ],
)
def test_nothing_else_is(text: object) -> None:
    assert not is_narrative(text)


def test_a_document_type_cannot_make_text_grow() -> None:
    bomb = '<!DOCTYPE d [<!ENTITY a "x">]><div xmlns="http://www.w3.org/1999/xhtml">&a;</div>'

    assert not is_narrative(bomb)
    assert not is_narrative(f"<div/>{bomb}")


def test_a_narrative_that_is_none_is_told_with_its_place() -> None:
    resource = {"resourceType": "Patient", "text": {"status": "generated", "div": div("<script>x</script>")}}

    issues = structure_checker("4.0", rules=True)(resource)

    text = (
        "`div` must be XHTML of HTML's formatting alone: `<script>` is no tag of a narrative; leave it out "
        "(line 1, column 43)."
    )
    assert [(issue.error, issue.text, issue.expression) for issue in issues] == [
        ("invalid-format", text, "Patient.text.div")
    ]


@pytest.mark.parametrize("version", ["3.0", "4.0"])
def test_a_narrative_is_looked_at_wherever_it_stands(version: Version) -> None:
    """In what is contained, in a Bundle, in a part of a Composition."""
    text = {"status": "generated", "div": div("a&nbsp;b")}
    contained = {"resourceType": "Basic", "id": "b", "text": text, "code": {"text": "x"}}
    author = {"reference": "Patient/1"}
    composition = {
        "resourceType": "Composition", "status": "final", "type": {"text": "x"}, "title": "x", "date": "2020",
        "subject": author, "author": [author], "section": [{"title": "x", "text": text}],
    }  # fmt: skip
    patient = {"resourceType": "Patient", "contained": [contained], "managingOrganization": {"reference": "#b"}}
    entry = [{"resource": patient}, {"resource": composition}]

    issues = structure_checker(version, rules=True)({"resourceType": "Bundle", "type": "collection", "entry": entry})

    assert [issue.expression for issue in issues if "`&nbsp;`" in issue.text] == [
        "Bundle.entry[0].resource.contained[0].text.div",
        "Bundle.entry[1].resource.section[0].text.div",
    ]


def faults_in(inner: str) -> list[str]:
    return faults(div(inner))


NO_XML = "it is no XML; write `&lt;` for a `<` and `&amp;` for a `&` that is text, and values in quotes"
CHARACTER = "write the character itself, or its number such as `&#160;`"
NO_END = "has no end tag; each tag has one, or is written as `<br/>` is"
NO_DIV = f'it does not begin with `<div xmlns="{XHTML}">`'


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x", [NO_DIV]),
        ("<DIV>x</DIV>", [NO_DIV]),
        ("<!-- x -->" + div("x"), [NO_DIV]),
        ("<!DOCTYPE div>" + div("x"), [NO_DIV]),
        ("<?xml version='1.0'?>" + div("x"), [NO_DIV]),
        (f"<h:div xmlns:h='{XHTML}'>x</h:div>", [NO_DIV]),
        ("<div>x</div>",
         [f'`<div>` is not in the namespace of XHTML; write `xmlns="{XHTML}"` (line 1, column 1)']),
        (div("x") + div("y"), ["something stands after its `</div>`; put all into one `<div>` (line 1, column 50)"]),
        (div("a\x01b"), ["it holds a control character or another that XML does not have"]),
        (div("\ufffe"), ["it holds a control character or another that XML does not have"]),
        ("<div", [f"{NO_XML} (line 1, column 1)"]),
    ],
)  # fmt: skip
def test_a_narrative_is_one_div_of_xhtml(text: str, expected: list[str]) -> None:
    assert faults(text) == expected


@pytest.mark.parametrize(
    ("inner", "expected"),
    [
        ("a&nbsp;b",
         [f"XML does not have `&nbsp;`; {CHARACTER} (line 1, column 44)"]),
        ("x\n<p>&eacute;</p>",
         [f"XML does not have `&eacute;`; {CHARACTER} (line 2, column 4)"]),
        ("&#0;", ["`&#0;` is the number of no character (line 1, column 43)"]),
        ("&#xD800;", ["`&#xD800;` is the number of no character (line 1, column 43)"]),
        ("&#1114112;", ["`&#1114112;` is the number of no character (line 1, column 43)"]),
        ("a & b", [f"{NO_XML} (line 1, column 46)"]),
        ("&nbsp x", [f"{NO_XML} (line 1, column 48)"]),
        ("a < b", [f"{NO_XML} (line 1, column 46)"]),
        ("<p id=x>y</p>", [f"{NO_XML} (line 1, column 49)"]),
        ("a<br>b", [f"`<br>` {NO_END} (line 1, column 51)"]),
        ("<p>x", [f"`<p>` {NO_END} (line 1, column 49)"]),
        ('<p id="a" id="b">x</p>', ["an attribute occurs twice in one tag (line 1, column 53)"]),
        ("<P>x</P>", ["`<P>` is no tag of a narrative; write `<p>` (line 1, column 43)"]),
        ("<h:p>x</h:p>", ["`<h:p>` is no tag of a narrative; leave it out (line 1, column 43)"]),
        ('<p xmlns="">x</p>',
         [f'`<p>` is not in the namespace of XHTML; write `xmlns="{XHTML}"` (line 1, column 43)']),
        ('<p xmlns="http://hl7.org/fhir">x</p>',
         [f'`<p>` is not in the namespace of XHTML; write `xmlns="{XHTML}"` (line 1, column 43)']),
        ('<p xmlns:h="urn:h">x</p>',
         ["`xmlns:h` of `<p>` is no attribute of a narrative; leave it out (line 1, column 43)"]),
        ("<?php x ?>y", ["`<?php` is a processing instruction; leave it out (line 1, column 43)"]),
        ('<a href="java&#9;script:x">y</a>',
         ["`href` of `<a>` is a script; a narrative does nothing by itself (line 1, column 43)"]),
        ('<img src="VBScript:x"/>',
         ["`src` of `<img>` is a script; a narrative does nothing by itself (line 1, column 43)"]),
        ('<p onclick="x" style="y"><form>z</form></p>',
         ["`onclick` of `<p>` is no attribute of a narrative; leave it out (line 1, column 43)",
          "`<form>` is no tag of a narrative; leave it out (line 1, column 68)"]),
        ("<b> </b>", ["it has neither text nor an image, so there is nothing to see"]),
    ],
)  # fmt: skip
def test_what_is_wrong_names_the_tag_the_attribute_or_the_entity(inner: str, expected: list[str]) -> None:
    assert faults_in(inner) == expected


def test_the_first_faults_are_told_and_the_deepest_tag() -> None:
    assert len(faults_in("<q1>x</q1>" * (MAX_FAULTS + 5))) == MAX_FAULTS
    assert faults_in("<b>" * 5000 + "x" + "</b>" * 5000) == [
        f"`<b>` is nested more than {MAX_DEPTH} levels deep (line 1, column {43 + 3 * (MAX_DEPTH - 1)})"
    ]
    assert faults_in("<p" + ' a="1"' * (MAX_ATTRIBUTES + 1) + ">x</p>") == [
        "it has a tag of more than 1,000 attributes"
    ]


# What a partner sends


@pytest.mark.parametrize(
    ("inner", "expected"),
    [
        ("a&nbsp;b &eacute;&Omega;&hellip;&zwnj;", "a\u00a0b \u00e9\u03a9\u2026\u200c"),
        ("&NotEqualTilde;", "\u2242\u0338"),
        ("&amp;&lt;&gt;&quot;&apos;&#160;&#xA0;", "&amp;&lt;&gt;&quot;&apos;&#160;&#xA0;"),
        ("&LT;&AMP;&Tab;&lsqb;", "&#60;&#38;&#9;["),
        ("<!-- &nbsp; --><![CDATA[&nbsp;]]><?x &nbsp;?>&nbsp;", "<!-- &nbsp; --><![CDATA[&nbsp;]]><?x &nbsp;?>\u00a0"),
        ('<p title="&copy;">x</p>', '<p title="\u00a9">x</p>'),
        ("&unknown;&nbsp", "&unknown;&nbsp"),
        ("<!-- &nbsp;", "<!-- &nbsp;"),
    ],
)
def test_the_named_entities_of_a_partners_narrative_are_characters(inner: str, expected: str) -> None:
    """But for those that XML has too, and where an entity is plain text."""
    bundle = {"entry": [{"resource": {"text": {"div": div(inner)}, "note": "&nbsp;"}}], "div": [1]}

    assert readable(bundle) == {
        "entry": [{"resource": {"text": {"div": div(expected)}, "note": "&nbsp;"}}],
        "div": [1],
    }


def test_narratives_are_found_wherever_they_stand() -> None:
    entry = [{"resource": {"text": {"div": "a"}, "contained": [{"text": {"div": "b"}}]}}]

    assert list(narratives({"entry": entry, "x": [{"div": 1}, None]}, "Bundle")) == [
        ("Bundle.entry[0].resource.text.div", "a"),
        ("Bundle.entry[0].resource.contained[0].text.div", "b"),
    ]


def test_a_narrative_is_the_element_that_its_text_is() -> None:
    assert element(div("x")) == div("x")
    assert element(" <div>x</div>\n") == div("x")
    assert element(div("\x01")) == div("\ufffd")
    assert element("") == f'<div xmlns="{XHTML}"/>'


@pytest.mark.parametrize(
    "text",
    [
        "x", "<p>x</p>", "<divide>x</divide>", "<div xmlns=''>x</div>", "<div>a<br>b</div>", "<div>a&nbsp;b</div>",
        "<div>&#0;</div>", "<div>x</div><div>y</div>", "<div>x</div>y", "<div",
        "<!DOCTYPE d [<!ENTITY a 'b'>]><div>&a;</div>",
        "<div><h:p>x</h:p></div>", "<?xml version='1.0'?><div/>",
    ],
)  # fmt: skip
def test_what_is_no_xhtml_by_itself_is_no_element(text: str) -> None:
    assert element(text) is None
