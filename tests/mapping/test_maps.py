"""Maps: a resource and a record whole, what a resource leaves behind, and outcome tables."""

import copy

import pytest

from fhir_bridge.mapping.losses import Loss
from fhir_bridge.mapping.maps import Map
from fhir_bridge.outcome import Json
from tests.mapping.lab import extension, load, map_of, mapped

SLICES = """\
name[usual]: {use: usual, otherwise: first without use}
identifier[card]: {system: sid/card}
contact[kin]: {relationship: "http://terminology.hl7.org/CodeSystem/v2-0131#N"}
"""
ROWS = """\
id: {at: number, only: to_fhir}
identifier[card].value: {at: card, only: to_fhir}
name[usual].family: {at: surname}
name[usual].given[0]: {at: first}
birthDate: {at: born}
deceasedDateTime: {at: died, as: date}
contact[kin].name.text: {at: kin}
address: {at: addresses, each: {city: {at: town}}}
"""
SILENT = """\
silent:
  id: any
  meta: any
  active: "true"
  deceasedBoolean: "false"
  language: en
  identifier[card]: any
"""
KIN = {"system": "http://terminology.hl7.org/CodeSystem/v2-0131", "code": "N"}
CARD = "https://fhir-bridge.example/fhir/sid/card"


def client() -> Map:
    return mapped(ROWS, slices=SLICES, after=SILENT)


def left_behind(resource: Json) -> list[str]:
    """Return what a Patient leaves behind; it is not changed."""
    whole = {"resourceType": "Patient", **resource}
    before = copy.deepcopy(whole)
    found = paths_of(client().losses(whole))
    assert whole == before
    return found


def paths_of(losses: list[Loss]) -> list[str]:
    return [loss.path for loss in losses]


def test_a_resource_of_rows_alone_leaves_nothing_behind() -> None:
    resource = {
        "name": [{"use": "usual", "family": "Lovelace", "given": ["Ada"]}],
        "birthDate": "1815-12-10",
        "deceasedDateTime": "1852-11-27T10:00:00Z",
        "contact": [{"relationship": [{"coding": [KIN]}], "name": {"text": "Anne"}}],
        "address": [{"city": "London"}],
    }

    assert left_behind(resource) == []


@pytest.mark.parametrize(
    ("resource", "found"),
    [
        ({"photo": [{"title": "a"}, {"title": "b"}]}, ["Patient.photo[0]", "Patient.photo[1]"]),
        ({"maritalStatus": {"text": "single"}}, ["Patient.maritalStatus"]),
        ({"name": [{"use": "old", "family": "Byron"}, {"use": "usual", "family": "Lovelace"}]}, ["Patient.name[0]"]),
        (
            {"name": [{"use": "usual", "family": "Lovelace", "suffix": ["Countess"], "period": {"start": "1835"}}]},
            ["Patient.name[0].suffix[0]", "Patient.name[0].period"],
        ),
        ({"name": [{"use": "usual", "given": ["Ada", "Augusta"]}]}, ["Patient.name[0].given[1]"]),
        ({"name": [{"use": "usual", "prefix": ["Dr"]}]}, ["Patient.name[0]"]),
        ({"name": [{"family": "Lovelace", "id": "n1"}]}, ["Patient.name[0].id"]),
        (
            {
                "birthDate": "1815-12-10",
                "_birthDate": {"id": "b", "extension": [{"url": "http://x.example", "valueCode": "a"}]},
            },
            ["Patient.birthDate.id", "Patient.birthDate.extension[0]"],
        ),
        ({"_birthDate": extension("unknown")}, ["Patient.birthDate.extension[0]"]),
        ({"name": [{"given": ["Ada", None], "_given": [None, {"id": "g"}]}]}, ["Patient.name[0].given[1].id"]),
        ({"name": [{"use": "usual", "family": "Lovelace", "_use": {"id": "u"}}]}, ["Patient.name[0].use.id"]),
        (
            {
                "contact": [
                    {
                        "relationship": [{"coding": [{**KIN, "display": "Next of kin"}], "text": "kin"}],
                        "name": {"text": "Anne"},
                    }
                ]
            },
            ["Patient.contact[0].relationship[0].coding[0].display", "Patient.contact[0].relationship[0].text"],
        ),
        (
            {
                "contact": [
                    {"relationship": [{"text": "x"}, {"coding": [KIN]}], "name": {"text": "Anne", "family": "Milbanke"}}
                ]
            },
            ["Patient.contact[0].relationship[0]", "Patient.contact[0].name.family"],
        ),
        ({"contact": [{"relationship": [{"coding": [KIN]}], "gender": "female"}]}, ["Patient.contact[0]"]),
        (
            {"address": [{"country": "GB"}, {"city": "London", "country": "GB", "line": ["a", "b"]}]},
            [
                "Patient.address[0]",
                "Patient.address[1].country",
                "Patient.address[1].line[0]",
                "Patient.address[1].line[1]",
            ],
        ),
        ({"contained": [{"resourceType": "Group", "type": "person", "actual": True}]}, ["Patient.contained[0]"]),
        ({"extension": [{"url": "http://x.example", "valueCode": "a"}]}, ["Patient.extension[0]"]),
        ({"multipleBirthInteger": 1}, ["Patient.multipleBirth"]),
        ({"birthDate": "1815"}, ["Patient.birthDate"]),
    ],
)
def test_what_no_row_sends_is_left_behind_the_topmost_element_alone(resource: Json, found: list[str]) -> None:
    assert left_behind(resource) == found


@pytest.mark.parametrize(
    ("resource", "found"),
    [
        ({"id": "42", "meta": {"versionId": "1"}}, []),
        ({"active": True}, []),
        ({"active": False}, ["Patient.active"]),
        ({"deceasedBoolean": False}, []),
        ({"deceasedBoolean": True}, ["Patient.deceased"]),
        ({"language": "en"}, []),
        ({"language": "uk"}, ["Patient.language"]),
        ({"_active": {"id": "a"}}, ["Patient.active.id"]),
        (
            {"identifier": [{"system": CARD, "value": "1", "use": "old"}, {"system": CARD, "value": "2"}]},
            ["Patient.identifier[1]"],
        ),
        ({"identifier": [{"system": "x", "value": "1"}]}, ["Patient.identifier[0]"]),
    ],
)
def test_what_the_file_calls_silent_is_no_loss(resource: Json, found: list[str]) -> None:
    assert left_behind(resource) == found


def test_a_place_that_is_used_elsewhere_in_the_call_is_not_left_behind() -> None:
    """Such as an element that becomes a header."""
    map_ = mapped("managingOrganization.display: {at: organization}\nbirthDate: {at: born}")
    place = map_.rows[0].place
    resource = {"resourceType": "Patient", "managingOrganization": {"display": "a", "reference": "b"}}
    other = mapped("birthDate: {at: born}")

    assert paths_of(other.losses(resource)) == ["Patient.managingOrganization"]
    assert paths_of(other.losses(resource, [place])) == ["Patient.managingOrganization.reference"]
    assert other.losses({"resourceType": "Patient"}, [place]) == []


def test_a_record_whole_and_back() -> None:
    record = {
        "number": "42",
        "card": "7",
        "surname": "Lovelace",
        "first": "Ada",
        "born": "1815-12-10",
        "died": "1852-11-27",
        "kin": "Anne",
        "addresses": [{"town": "London"}, {"town": "Oslo"}],
    }
    before = copy.deepcopy(record)

    resource, receiving = client().to_fhir(record)

    assert resource == {
        "resourceType": "Patient",
        "id": "42",
        "identifier": [{"system": CARD, "value": "7"}],
        "name": [{"use": "usual", "family": "Lovelace", "given": ["Ada"]}],
        "birthDate": "1815-12-10",
        "deceasedDateTime": "1852-11-27",
        "contact": [{"relationship": [{"coding": [KIN]}], "name": {"text": "Anne"}}],
        "address": [{"city": "London"}, {"city": "Oslo"}],
    }
    assert (receiving.unknown_codes, record) == ([], before)
    assert client().to_partner(resource).body == {
        key: value for key, value in record.items() if key not in ("number", "card")
    }


STATUS = """\
partner: northlab
connection: {base_url: $NORTHLAB_URL}
interactions:
  read Parameters: {call: "GET /{id}", receive: {map: status}}
  update Parameters: {call: "PUT /{id}", send: {map: status}, receive: {map: status}}
maps:
  status:
    resource: Parameters
    rows:
      parameter[state].valueCode: {at: state}
      parameter[urgent].valueBoolean: {at: urgent}
      parameter[counts].part[new].valueInteger: {at: counts.new}
      parameter[outcome].resource:
        outcome:
          - {when: {state: done}, text: Done.}
          - {when: {state: waiting, urgent: "true"}, severity: warning, code: incomplete, text: Hurry.}
          - {when: {state: waiting}, severity: warning, text: Wait.}
          - {when: {state: failed}, severity: information, code: deleted, text: Gone.}
"""


def outcome(severity: str, code: str, text: str) -> Json:
    system = "https://fhir-bridge.example/fhir/CodeSystem/bridge-error"
    details = {"coding": [{"system": system, "code": "done"}], "text": text}
    issue = {"severity": severity, "code": code, "details": details}
    return {"name": "outcome", "resource": {"resourceType": "OperationOutcome", "issue": [issue]}}


@pytest.mark.parametrize(
    ("record", "told"),
    [
        ({"state": "done"}, [outcome("information", "informational", "Done.")]),
        ({"state": "waiting"}, [outcome("warning", "business-rule", "Wait.")]),
        ({"state": "waiting", "urgent": False}, [outcome("warning", "business-rule", "Wait.")]),
        ({"state": "waiting", "urgent": True}, [outcome("warning", "incomplete", "Hurry.")]),
        ({"state": "failed"}, [outcome("information", "deleted", "Gone.")]),
        ({"state": "else"}, []),
        ({"counts": {"new": 3}}, []),
    ],
)
def test_an_outcome_table_tells_with_its_first_line_that_fits(record: Json, told: list[Json]) -> None:
    resource, _ = map_of(load(STATUS)).to_fhir(record)

    assert [part for part in resource["parameter"] if part["name"] == "outcome"] == told


def test_parts_of_a_parameter_are_told_by_their_names() -> None:
    map_ = map_of(load(STATUS))
    resource = {
        "resourceType": "Parameters",
        "parameter": [
            {"name": "counts", "part": [{"name": "old", "valueInteger": 1}, {"name": "new", "valueInteger": 3}]}
        ],
    }

    assert map_.to_partner(resource).body == {"counts": {"new": 3}}
    assert paths_of(map_.losses(resource)) == ["Parameters.parameter[0].part[0]"]
