"""The XHTML that a Narrative may have. https://hl7.org/fhir/R4/narrative.html#xhtml"""

from __future__ import annotations

import pytest

from fhir_bridge.fhir.narrative import is_narrative
from fhir_bridge.fhir.structure import structure_checker


def div(inner: str, attributes: str = "") -> str:
    return f'<div xmlns="http://www.w3.org/1999/xhtml"{attributes}>{inner}</div>'


@pytest.mark.parametrize(
    "text",
    [
        div("Іван"),
        f"\n {div('x')}\n",
        div('<p style="color: red">a &lt; b&nbsp;&#160;&eacute;</p>', ' xml:lang="uk"'),
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

    text = "`div` must be a <div> of XHTML's namespace, with something to see in it, and of HTML's formatting alone."
    assert [(issue.error, issue.text, issue.expression) for issue in issues] == [
        ("invalid-format", text, "Patient.text.div")
    ]
