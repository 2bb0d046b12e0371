"""What a search may say at all: parameters and their definitions, pages; each mistake is told before anything runs."""

from __future__ import annotations

import pytest

from fhir_bridge.canonical import CANONICAL
from fhir_bridge.fhir.published import find_search_parameter
from fhir_bridge.outcome import Json
from tests.mapping.lab import SEX, load, problems

FILE = """\
partner: northlab
connection: {{base_url: $NORTHLAB_URL}}
maps:
  client: {{resource: Patient, rows: {{id: {{at: number, only: to_fhir}}, birthDate: {{at: born}}}}}}
interactions:
  search Patient:
    call: GET /clients?state=open
    query:
      {}
    receive: {{map: client, each: clients}}
"""
FHIRS = "http://hl7.org/fhir/SearchParameter"


def parameter(name: str, **also: Json) -> Json:
    return {
        "resourceType": "SearchParameter",
        "url": f"{CANONICAL}/SearchParameter/{name}",
        "name": "AParameter",
        "status": "active",
        "description": "A parameter.",
        "code": name,
        "base": ["Patient"],
        "type": "token",
        **also,
    }


def found(query: str, *definitions: Json, before: str = "") -> list[str]:
    """Return the problems of a search's query, which stands in line 9 from column 7 on."""
    return problems(FILE.format(query).replace("interactions:\n", f"interactions:\n{before}"), *definitions)


def stated(query: str, *definitions: Json) -> list[tuple[str, str]]:
    """Return the search parameters that are stated, with their types."""
    (route,) = load(FILE.format(query), *definitions).partners["northlab"].routes
    return [(each.name, each.type) for each in route.parameters]


@pytest.mark.parametrize(
    ("query", "what"),
    [
        ("size: {count: 50}", "9:7: 'size' asks for some records, and nothing for those that follow; add an 'offset'"),
        ("from: {offset: true}", "9:7: 'from' says from which record on, and nothing says how many; add a 'count'"),
        (
            "{a: {count: 5}, b: {count: 6}, c: {offset: true}}",
            "9:23: line 9 says this already; keep one of the two",
        ),
        (
            "{a: {count: 5}, b: {offset: true}, c: {offset: true}}",
            "9:42: line 9 says this already; keep one of the two",
        ),
    ],
)
def test_pages_are_asked_for_by_how_many_and_from_which_on(query: str, what: str) -> None:
    assert found(query) == [f"t.yaml:{what}"]


@pytest.mark.parametrize(
    ("definition", "what"),
    [
        (f"{FHIRS}/individual-birthdat", f"FHIR's own is {FHIRS}/individual-birthdate"),
        (f"{FHIRS}/individual-gender", f"FHIR's own is {FHIRS}/individual-birthdate"),
        (f"{FHIRS}/Patient-birthdate", f"FHIR's own is {FHIRS}/individual-birthdate"),
        ("http://hl7.org/fhir/OperationDefinition/Patient-match", None),
    ],
)
def test_a_definition_of_another_parameter_is_none(definition: str, what: str | None) -> None:
    said = (
        f"'{definition}' is no SearchParameter 'birthdate' of Patient; {what}"
        if what
        else f"{definition} is not among the definitions; add it, or correct the name"
    )

    assert found(f"b: {{parameter: birthdate, definition: '{definition}'}}") == [f"t.yaml:9:45: {said}"]


def test_a_parameter_that_fhir_has_not_is_to_be_defined() -> None:
    text = f"'{FHIRS}/Patient-ward' is no SearchParameter 'ward' of Patient; "
    hint = "FHIR has none of this name; define it in a file of profiles/"

    assert found(f"w: {{parameter: ward, definition: '{FHIRS}/Patient-ward'}}") == [f"t.yaml:9:40: {text}{hint}"]


def test_a_definition_of_another_type_or_name_is_none() -> None:
    other = parameter("ward", base=["Encounter"])

    assert found("w: {parameter: ward, definition: SearchParameter/ward}", other) == [
        "t.yaml:9:40: 'SearchParameter/ward' is no SearchParameter 'ward' of Patient; name one that is"
    ]


@pytest.mark.parametrize("base", ["Patient", "Resource", "DomainResource"])
def test_a_definition_may_be_for_every_type(base: str) -> None:
    assert stated("w: {parameter: ward, definition: SearchParameter/ward}", parameter("ward", base=[base])) == [
        ("ward", "token")
    ]


@pytest.mark.parametrize(
    ("name", "definition", "also", "type_"),
    [
        ("birthdate", "individual-birthdate", "", "date"),
        ("family", "individual-family", "", "string"),
        ("gender", "individual-gender", "", "token"),
        ("general-practitioner", "Patient-general-practitioner", ", as: reference Practitioner", "reference"),
        ("_lastUpdated", "Resource-lastUpdated", "", "date"),
        ("_source", "Resource-source", "", "uri"),
    ],
)
def test_a_parameter_is_stated_by_the_type_that_fhir_gives_it(
    name: str, definition: str, also: str, type_: str
) -> None:
    query = f"x: {{parameter: {name}, definition: '{FHIRS}/{definition}'{also}}}"

    assert stated(query) == [(name, type_)]


@pytest.mark.parametrize(
    ("query", "what"),
    [
        (
            f"d: {{parameter: general-practitioner, definition: '{FHIRS}/Patient-general-practitioner'}}",
            "9:22: 'general-practitioner' is a reference; write 'as: reference <Type>'",
        ),
        (
            f"d: {{parameter: birthdate, definition: '{FHIRS}/individual-birthdate', as: digits}}",
            "9:109: 'birthdate' is a date; write text, or leave out 'as'",
        ),
        (
            f"d: {{parameter: family, definition: '{FHIRS}/individual-family', system: sid/x}}",
            "9:107: 'system' says nothing of a string; remove it",
        ),
        (
            "d: {parameter: dose, definition: SearchParameter/dose}",
            "9:22: 'dose' is a quantity, which no partner can be asked by; leave the parameter out",
        ),
        (
            "d: {parameter: _count, definition: SearchParameter/dose}",
            "9:22: '_count' says how the answer looks; write 'count' or 'offset' for pages, else leave it out",
        ),
        (
            f"state: {{parameter: active, definition: '{FHIRS}/Patient-active'}}",
            "9:7: 'state' stands in the address of the call already; keep one of the two",
        ),
    ],
)
def test_what_cannot_be_asked_for_is_told(query: str, what: str) -> None:
    assert found(query, parameter("dose", type="quantity")) == [f"t.yaml:{what}"]


def test_what_can_be_read_is_found_by_id_already() -> None:
    read = "  read Patient: {call: 'GET /clients/{id}', receive: {map: client}}\n"
    query = f"i: {{parameter: _id, definition: '{FHIRS}/Resource-id'}}"

    assert found(query, before=read) == ["t.yaml:10:22: what can be read is found by '_id' already; leave this out"]
    assert stated(query) == [("_id", "token")]


def test_fhirs_own_parameters_are_known_by_type_and_name() -> None:
    own = find_search_parameter("Consent", "identifier")

    assert own is not None
    assert (own.url, own.type) == (f"{FHIRS}/clinical-identifier", "token")
    assert find_search_parameter("Patient", "ward") is None
    assert find_search_parameter("Patient", "match") is None


@pytest.mark.parametrize("is_coded", [True, False])
def test_what_a_row_reads_by_codes_cannot_be_asked_for(is_coded: bool) -> None:
    codes = ", codes: ConceptMap/sex" if is_coded else ""
    query = f"s: {{parameter: gender, definition: '{FHIRS}/individual-gender'}}"
    file = FILE.format(query).replace("birthDate: {at: born}", f"gender: {{at: sex{codes}}}")
    text = "'gender' would be asked by FHIR's codes, and its row reads the partner's own; leave the parameter out"

    assert problems(file, SEX) == ([f"t.yaml:9:22: {text}"] if is_coded else [])
