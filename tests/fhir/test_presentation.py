"""How an answer looks on the wire: its format, the version it names, pretty or not."""

from __future__ import annotations

from decimal import Decimal
from typing import get_args

import pytest

from fhir_bridge.fhir.elements import Version
from fhir_bridge.fhir.json import loads
from fhir_bridge.fhir.presentation import Presentation, read_presentation
from fhir_bridge.fhir.structure import structure_checker
from fhir_bridge.outcome import Issue, IssueCode, Json, operation_outcome

JSON = "application/fhir+json"
XML = "application/fhir+xml"
PATIENT = {"resourceType": "Patient", "id": "1", "gender": "male"}


def look(version: Version | None = None, query: dict[str, str] | None = None, **headers: str) -> Presentation:
    """Return the presentation that headers ask for, their names with `_` for `-`."""
    named = {name.replace("_", "-"): text for name, text in headers.items()}
    return read_presentation(named, query or {}, version)


def test_without_a_word_it_is_fhirs_json() -> None:
    assert look() == Presentation(JSON, tells_version=False, pretty=False)


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [(XML, XML), ("text/xml", "text/xml"), ("application/json", "application/json"), (f"{JSON};q=0.1, {XML}", XML)],
)
def test_the_answer_has_the_media_type_that_was_asked_for(accept: str, media_type: str) -> None:
    assert look(accept=accept).media_type == media_type


def test_format_wins_over_accept() -> None:
    assert look(query={"_format": "xml"}, accept=JSON).media_type == XML


@pytest.mark.parametrize("format_", ["", "html"])
def test_the_refusal_of_what_cannot_be_had_is_in_json(format_: str) -> None:
    assert look(query={"_format": format_, "_pretty": "true"}, accept="text/html") == Presentation(JSON, pretty=True)


@pytest.mark.parametrize(
    "headers",
    [{"accept": f"{JSON}; fhirVersion=4.0"}, {"content_type": f"{XML}; fhirVersion=4.0"}],
)
def test_the_version_is_named_to_whoever_names_one(headers: dict[str, str]) -> None:
    presentation = look(**headers)

    assert presentation.content_type("4.0") == f"{JSON}; charset=utf-8; fhirVersion=4.0"
    assert presentation.content_type("3.0") == f"{JSON}; charset=utf-8; fhirVersion=3.0"


def test_a_version_that_is_not_known_is_not_named() -> None:
    assert look(accept=f"{JSON}; fhirVersion=9.9").content_type(None) == f"{JSON}; charset=utf-8"


def test_nor_is_one_to_whoever_names_none() -> None:
    assert look().content_type("4.0") == f"{JSON}; charset=utf-8"


def test_the_first_media_type_that_fits_the_version_is_taken() -> None:
    accept = f"{XML}; fhirVersion=5.0, {XML}; fhirVersion=3.0, {JSON}; fhirVersion=4.0"

    assert look(accept=accept).media_type == XML
    assert look("3.0", accept=accept).media_type == XML
    assert look("4.0", accept=accept).media_type == JSON


@pytest.mark.parametrize(("text", "pretty"), [("true", True), ("false", False), ("1", False), ("", False)])
def test_pretty_is_asked_for_by_true(text: str, pretty: bool) -> None:
    assert look(query={"_pretty": text}).pretty is pretty


def test_json_is_written_in_one_line_or_pretty() -> None:
    resource = {"resourceType": "Observation", "valueQuantity": {"value": Decimal("1.50")}}

    assert Presentation().write(resource, "4.0") == (b'{"resourceType":"Observation","valueQuantity":{"value":1.50}}')
    assert Presentation(pretty=True).write(PATIENT, "4.0") == (
        b'{\n  "resourceType": "Patient",\n  "id": "1",\n  "gender": "male"\n}'
    )


def test_so_is_xml() -> None:
    assert Presentation("text/xml").write(PATIENT, "4.0") == (
        b'<?xml version="1.0" encoding="UTF-8"?>'
        b'<Patient xmlns="http://hl7.org/fhir"><id value="1"/><gender value="male"/></Patient>'
    )
    assert Presentation("text/xml", pretty=True).write(PATIENT, "4.0") == (
        b'<?xml version="1.0" encoding="UTF-8"?>\n'
        b'<Patient xmlns="http://hl7.org/fhir">\n  <id value="1"/>\n  <gender value="male"/>\n</Patient>'
    )


def everywhere(outcome: Json) -> list[Json]:
    """Return what may hold an OperationOutcome of ours: itself, an entry of a Bundle, Parameters."""
    answered = [{"response": {"status": "410 Gone", "outcome": outcome}}, {"resource": outcome}]
    return [
        outcome,
        {"resourceType": "Bundle", "type": "batch-response", "entry": answered},
        {"resourceType": "Parameters", "parameter": [{"name": "outcome", "resource": outcome}]},
    ]


@pytest.mark.parametrize("code", get_args(IssueCode))
def test_every_issue_code_is_one_of_the_answers_version(code: IssueCode) -> None:
    """A client of STU3 cannot read an outcome with a code that its version does not have."""
    for resource in everywhere(operation_outcome([Issue("done", code, "Done.")])):
        in_stu3 = loads(Presentation().write(resource, "3.0"))

        assert structure_checker("3.0")(in_stu3) == []
        assert loads(Presentation().write(resource, "4.0")) == resource


@pytest.mark.parametrize(
    ("code", "nearest"), [("deleted", "not-found"), ("multiple-matches", "processing"), ("conflict", "conflict")]
)
def test_a_code_that_stu3_lacks_is_its_nearest(code: IssueCode, nearest: IssueCode) -> None:
    """Wherever the outcome is, and in XML too."""
    sent, said = (everywhere(operation_outcome([Issue("done", each, "Done.")])) for each in (code, nearest))

    assert [loads(Presentation().write(resource, "3.0")) for resource in sent] == said
    assert Presentation(XML).write(sent[0], "3.0") == Presentation(XML).write(said[0], "3.0")


@pytest.mark.parametrize("issue", ["deleted", ["deleted"], [None], [{"code": ["deleted"]}], [{}]])
def test_what_a_partner_got_wrong_stays_as_it_is(issue: Json) -> None:
    """It is passed on as it came."""
    resource = {"resourceType": "OperationOutcome", "issue": issue}

    assert loads(Presentation().write(resource, "3.0")) == resource
