"""Narratives: what a client may send, what becomes of a partner's, and that JSON and XML say the same."""

from __future__ import annotations

import json
from xml.etree import ElementTree

import httpx
import pytest

from fhir_bridge.fhir import xml
from fhir_bridge.fhir.elements import Version
from fhir_bridge.outcome import Json
from tests.outcomes import issue, outcome
from tests.server.test_patient_in_message import BARE, JOHN
from tests.serving import Canned

pytestmark = pytest.mark.anyio

DIV = '<div xmlns="http://www.w3.org/1999/xhtml">{}</div>'
VERSIONS: list[Version] = ["3.0", "4.0"]
RULE = "`div` must be XHTML of HTML's formatting alone:"
CHARACTER = "write the character itself, or its number such as `&#160;`"


def patient(inner: str) -> Json:
    return {**BARE, "text": {"status": "generated", "div": DIV.format(inner)}}


def told(version: Version, form: str = "json") -> dict[str, str]:
    return dict.fromkeys(("Content-Type", "Accept"), f"application/fhir+{form}; fhirVersion={version}")


def canonical(div: str) -> str:
    return ElementTree.canonicalize(div)


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_named_entity_is_refused_from_a_client(
    canned: httpx.AsyncClient, partner: Canned, version: Version
) -> None:
    """XML does not have it. Nothing is sent."""
    response = await canned.put(JOHN, json=patient("a&nbsp;b"), headers=told(version))

    text = f"{RULE} XML does not have `&nbsp;`; {CHARACTER} (line 1, column 44)."
    assert (response.status_code, response.json()) == (
        400,
        outcome(issue("invalid-format", "value", text, "Patient.text.div")),
    )
    assert partner.requests == []


@pytest.mark.parametrize("version", VERSIONS)
async def test_every_fault_of_a_narrative_is_told_with_its_tag(
    canned: httpx.AsyncClient, partner: Canned, version: Version
) -> None:
    """In XML the place is that of the narrative, too."""
    sent = patient('<p onclick="x">a</p>\n<script>b</script>')

    in_json = await canned.put(JOHN, json=sent, headers=told(version))
    in_xml = await canned.put(JOHN, content=xml.dumps(sent, version), headers=told(version, "xml"))

    expected = outcome(
        *(
            issue("invalid-format", "value", f"{RULE} {fault}.", "Patient.text.div")
            for fault in (
                "`onclick` of `<p>` is no attribute of a narrative; leave it out (line 1, column 43)",
                "`<script>` is no tag of a narrative; leave it out (line 2, column 1)",
            )
        )
    )
    assert (in_json.status_code, in_json.json()) == (400, expected)
    assert (in_xml.status_code, xml.loads(in_xml.content, version)) == (400, expected)
    assert partner.requests == []


INNERS = [
    "a\u00a0b &amp; c &lt; d &#160;&#x1F600;",
    '<p xml:space="preserve" xml:lang="uk">  a  </p><!-- b --><br/><td></td>',
    "<![CDATA[ a < b & c ]]>",
    '<table><tr><td colspan=\'2\'>a</td></tr></table>\n<img src="#photo" alt="a &gt; b"/>',
]


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("inner", INNERS)
async def test_a_narrative_reaches_the_partner_as_it_was_sent_in_json_and_in_xml(
    canned: httpx.AsyncClient, partner: Canned, version: Version, inner: str
) -> None:
    """And comes back in both."""
    sent = patient(inner)
    record = {**BARE, "text": sent["text"]}
    partner.answer(200, record)

    await canned.put(JOHN, json=sent, headers=told(version))
    await canned.put(JOHN, content=xml.dumps(sent, version), headers=told(version, "xml"))
    in_json = await canned.get(JOHN, headers=told(version))
    in_xml = await canned.get(JOHN, headers=told(version, "xml"))

    bundles = [json.loads(request.content) for request in partner.requests if request.method == "PUT"]
    assert [bundle["entry"][1]["resource"]["text"] for bundle in bundles] == [sent["text"]] * 2
    assert in_json.json() == record
    assert xml.loads(in_xml.content, version) == record
    assert canonical(sent["text"]["div"]) in canonical(in_xml.text)


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_partners_named_entities_are_read_as_characters(
    canned: httpx.AsyncClient, partner: Canned, version: Version
) -> None:
    """Those of XML stay."""
    partner.answer(200, patient("a&nbsp;b&eacute;&hellip; &lt;b&gt;"))

    in_json = await canned.get(JOHN, headers=told(version))
    in_xml = await canned.get(JOHN, headers=told(version, "xml"))

    expected = patient("a\u00a0b\u00e9\u2026 &lt;b&gt;")
    assert (in_json.status_code, in_json.json()) == (200, expected)
    assert (in_xml.status_code, xml.loads(in_xml.content, version)) == (200, expected)


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_partners_broken_narrative_is_passed_on_in_json_and_never_shown_as_tags_in_xml(
    canned: httpx.AsyncClient, partner: Canned, version: Version
) -> None:
    """JSON has it as the partner wrote it; XML cannot have it, and says so."""
    record = {**BARE, "contained": [{**patient("a<br>b"), "id": "c"}], "managingOrganization": {"reference": "#c"}}
    partner.answer(200, record)

    in_json = await canned.get(JOHN, headers=told(version))
    in_xml = await canned.get(JOHN, headers=told(version, "xml"))

    assert (in_json.status_code, in_json.json()) == (200, record)
    text = (
        "The request was carried out, but the narrative at Patient.contained[0].text.div of the partner's answer is no "
        "XHTML, so the answer cannot be written as XML; ask for JSON, and do not send a change again."
    )
    assert (in_xml.status_code, xml.loads(in_xml.content, version)) == (
        502,
        outcome(issue("partner-answer-unreadable", "exception", text)),
    )
