"""The rules of a Bundle and its entries. https://hl7.org/fhir/R4/bundle.html#invs"""

from __future__ import annotations

import pytest

from fhir_bridge.fhir.elements import Version
from fhir_bridge.fhir.structure import structure_checker
from fhir_bridge.outcome import Json

PATIENT = {"resourceType": "Patient", "id": "1"}
X = "http://example.org/x"
ENTRY = {"fullUrl": "http://example.org/fhir/Patient/1", "resource": PATIENT}
REQUEST = {"method": "GET", "url": "Patient/1"}
ANSWER = {"status": "200 OK"}
COMPOSITION = {
    "resourceType": "Composition",
    "status": "final",
    "type": {"text": "x"},
    "date": "2020",
    "author": [{"display": "x"}],
    "title": "x",
    "subject": {"display": "x"},
}
IDENTIFIER = {"system": "urn:ietf:rfc:3986", "value": "urn:oid:1.2.3"}


def bundle(kind: str, *entries: Json, **elements: Json) -> Json:
    return {"resourceType": "Bundle", "type": kind, **elements, **({"entry": list(entries)} if entries else {})}


SELF = {"relation": "self", "url": "http://example.org/1"}


def told(version: Version, resource: Json) -> list[tuple[str, str | None]]:
    return [(issue.text, issue.expression) for issue in structure_checker(version, rules=True)(resource)]


@pytest.mark.parametrize("version", ["3.0", "4.0"])
@pytest.mark.parametrize(
    "resource",
    [
        bundle("searchset"),
        bundle("searchset", link=[SELF, {"relation": "alternate", "url": X}, {"relation": "alternate", "url": X}]),
        bundle("searchset", {**ENTRY, "search": {"mode": "match"}}, total=1),
        bundle(
            "collection", ENTRY, {"fullUrl": "http://example.org/fhir/Patient/2", "resource": {**PATIENT, "id": "2"}}
        ),
        bundle("collection", ENTRY, {**ENTRY, "resource": {**PATIENT, "meta": {"versionId": "2"}}}),
        bundle("message", {"fullUrl": "urn:uuid:88a37162-3d7c-41c3-89ab-6e25fd68ba00", "resource": PATIENT}),
        bundle("collection", {"fullUrl": "http://example.org/patients", "resource": PATIENT}),
        bundle("batch", {"request": REQUEST}, {"request": REQUEST}),
        bundle("batch-response", {"response": ANSWER}),
        bundle("document", {"resource": COMPOSITION}, identifier=IDENTIFIER, timestamp="2020-01-01T00:00:00Z"),
    ],
)
def test_what_keeps_the_rules_is_right_in_both_versions(version: Version, resource: Json) -> None:
    if version == "3.0" and "timestamp" in resource:
        resource = {name: value for name, value in resource.items() if name != "timestamp"}

    assert told(version, resource) == []


@pytest.mark.parametrize("version", ["3.0", "4.0"])
@pytest.mark.parametrize(
    ("resource", "text", "expression"),
    [
        (
            bundle("collection", ENTRY, total=1),
            "`total` is only for a searchset or history; leave it out (bdl-1).",
            "Bundle.total",
        ),
        (
            bundle("message", {**ENTRY, "search": {"mode": "match"}}),
            "`search` is only for a searchset; leave it out (bdl-2).",
            "Bundle.entry[0].search",
        ),
        (
            bundle("message", ENTRY, {"request": REQUEST}),
            "`request` is not for a Bundle of this type; leave it out (bdl-3).",
            "Bundle.entry[1].request",
        ),
        (
            bundle("collection", {"response": ANSWER}),
            "`response` is not for a Bundle of this type; leave it out (bdl-4).",
            "Bundle.entry[0].response",
        ),
        (
            bundle("collection", {"link": [{"relation": "self", "url": "http://example.org"}]}),
            "An entry must hold a resource, a request or a response (bdl-5).",
            "Bundle.entry[0]",
        ),
        (
            bundle("collection", ENTRY, ENTRY),
            "Another entry has this `fullUrl`; give each its own (bdl-7).",
            "Bundle.entry[1].fullUrl",
        ),
        (
            bundle("collection", {**ENTRY, "fullUrl": "http://example.org/fhir/Patient/1/_history/2"}),
            "`fullUrl` must not name a version; leave out `/_history/…` (bdl-8).",
            "Bundle.entry[0].fullUrl",
        ),
        (
            bundle("collection", {**ENTRY, "resource": {"resourceType": "Patient"}}),
            "`fullUrl` must end in the type and id of the resource; make them the same.",
            "Bundle.entry[0].fullUrl",
        ),
        (
            bundle("collection", {**ENTRY, "fullUrl": "http://example.org/fhir/Person/1"}),
            "`fullUrl` must end in the type and id of the resource; make them the same.",
            "Bundle.entry[0].fullUrl",
        ),
        (
            bundle("searchset", link=[SELF, {"relation": "next", "url": "http://example.org/2"}, SELF]),
            "A Bundle has one link `self` at most; leave out the others.",
            "Bundle.link[2]",
        ),
        (
            bundle("collection", {**ENTRY, "fullUrl": "urn:uuid:1"}),
            "`fullUrl` must be an absolute URI such as http://example.org/x or urn:oid:1.2.3.",
            "Bundle.entry[0].fullUrl",
        ),
        (
            bundle("collection", {**ENTRY, "fullUrl": "Patient/1"}),
            "`fullUrl` must be an absolute URI such as http://example.org/x or urn:oid:1.2.3.",
            "Bundle.entry[0].fullUrl",
        ),
    ],
)
def test_what_breaks_a_rule_is_told_in_both_versions(
    version: Version, resource: Json, text: str, expression: str
) -> None:
    assert told(version, resource) == [(text, expression)]


def test_r4_asks_for_requests_and_answers_where_they_belong() -> None:
    missing = [
        ("`request` is missing; a Bundle of this type needs it (bdl-3).", "Bundle.entry[0].request"),
        ("`response` is missing; a Bundle of this type needs it (bdl-4).", "Bundle.entry[0].response"),
    ]

    assert told("4.0", bundle("batch", ENTRY)) == missing[:1]
    assert told("4.0", bundle("transaction-response", ENTRY)) == missing[1:]
    assert told("4.0", bundle("history", ENTRY, ENTRY)) == [
        (text, f"Bundle.entry[{index}].{name}")
        for (text, _), name in zip(missing, ("request", "response"), strict=True)
        for index in (0, 1)
    ]
    assert told("3.0", bundle("history", ENTRY, ENTRY)) == []


def test_a_document_says_what_it_is() -> None:
    first = ("The first entry of a document must hold its Composition (bdl-11).", "Bundle.entry")
    identified = ("A document must have an identifier with system and value (bdl-9).", "Bundle.identifier")
    dated = ("`timestamp` is missing; a document must have one (bdl-10).", "Bundle.timestamp")

    assert told("4.0", bundle("document")) == [identified, dated, first]
    assert told("4.0", bundle("document", ENTRY, identifier={"value": "1"})) == [identified, dated, first]
    assert told("3.0", bundle("document", ENTRY, identifier=IDENTIFIER)) == [first]
