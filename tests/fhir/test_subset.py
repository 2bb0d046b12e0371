"""`_summary` and `_elements` leave what was asked for, what is mandatory, and a mark that it is not the whole."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from fhir_bridge.fhir.elements import Version
from fhir_bridge.fhir.json import dumps, loads
from fhir_bridge.fhir.structure import structure_checker
from fhir_bridge.fhir.subset import Kind, marks, only_elements, summary
from fhir_bridge.outcome import Json

SUBSETTED = {"system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue", "code": "SUBSETTED"}
MARKED = {"tag": [SUBSETTED]}

PATIENT: Json = {
    "resourceType": "Patient",
    "id": "p",
    "meta": {"versionId": "3"},
    "implicitRules": "urn:rules",
    "language": "en",
    "text": {"status": "generated", "div": '<div xmlns="http://www.w3.org/1999/xhtml">Peter</div>'},
    "contained": [{"resourceType": "Basic", "id": "b", "code": {"text": "b"}}],
    "extension": [{"url": "urn:e", "valueCode": "e"}],
    "modifierExtension": [{"url": "urn:m", "valueCode": "m"}],
    "active": False,
    "name": [{"id": "n", "extension": [{"url": "urn:n"}], "given": [None, "B"], "_given": [{"id": "g"}, None]}],
    "_birthDate": {"extension": [{"url": "urn:b", "valueCode": "unknown"}]},
    "deceasedDateTime": "2020",
    "maritalStatus": {"text": "M"},
    "photo": [{"contentType": "image/png", "data": "AAAA"}],
    "communication": [{"language": {"text": "German"}}],
    "link": [{"other": {"reference": "Patient/q"}, "type": "seealso"}],
}


def a_patient(*names: str) -> Json:
    """Return these elements of the Patient, with what always stays, marked."""
    stays = {"resourceType", "id", "implicitRules", "modifierExtension", *names}
    kept = {name: value for name, value in PATIENT.items() if name in stays}
    return {**kept, "meta": {"versionId": "3", "tag": [SUBSETTED]}}


# --- _summary ---


def test_true_leaves_the_elements_of_the_summary_at_every_depth() -> None:
    link = [{"other": {"reference": "Patient/q"}, "type": "seealso"}]
    name = [{"given": [None, "B"], "_given": [{"id": "g"}, None]}]

    assert summary(PATIENT, "true", "4.0") == {
        **a_patient("active", "_birthDate", "deceasedDateTime"),
        "name": name,
        "link": link,
    }


def test_true_leaves_what_is_mandatory_though_it_is_not_of_the_summary() -> None:
    agent = {"requestor": True, "altId": "a"}
    event = {"resourceType": "AuditEvent", "agent": [agent], "source": {"observer": {"display": "o"}, "site": "s"}}

    assert summary(event, "true", "4.0") == {
        "resourceType": "AuditEvent",
        "meta": MARKED,
        "agent": [{"requestor": True}],
        "source": {"observer": {"display": "o"}},
    }


def test_true_leaves_out_what_would_be_empty() -> None:
    library = {"resourceType": "Library", "content": [{"data": "AAAA"}, {"data": "AAAA", "title": "t"}]}
    only_data = {"resourceType": "Library", "content": [{"data": "AAAA"}]}

    assert summary(library, "true", "4.0") == {"resourceType": "Library", "meta": MARKED, "content": [{"title": "t"}]}
    assert summary(only_data, "true", "4.0") == {"resourceType": "Library", "meta": MARKED}


def test_true_leaves_whole_what_is_mandatory_and_would_be_empty() -> None:
    media = {"resourceType": "Media", "content": {"data": "AAAA"}}

    assert summary(media, "true", "4.0") == {**media, "meta": MARKED}


def test_true_leaves_a_modifier_extension_whole_wherever_it_is() -> None:
    modifier = [{"url": "urn:m", "valueCode": "m"}]
    patient = {"resourceType": "Patient", "link": [{"modifierExtension": modifier, "type": "seealso"}]}

    assert summary(patient, "true", "4.0") == {**patient, "meta": MARKED}


def test_true_leaves_out_what_fhir_does_not_have() -> None:
    assert summary({"resourceType": "Basic", "colour": "red", "_colour": {}}, "true", "4.0") == {
        "resourceType": "Basic",
        "meta": MARKED,
    }


def test_true_cuts_down_the_resources_in_a_bundle_that_is_a_resource_itself() -> None:
    inner = {"resourceType": "Patient", "gender": "male", "language": "en"}
    bundle = {
        "resourceType": "Bundle",
        "type": "collection",
        "language": "en",
        "entry": [{"resource": inner}, {"resource": {"resourceType": "Colour", "shade": "dark"}}],
    }

    assert summary(bundle, "true", "4.0") == {
        "resourceType": "Bundle",
        "meta": MARKED,
        "type": "collection",
        "entry": [
            {"resource": {"resourceType": "Patient", "gender": "male"}},
            {"resource": {"resourceType": "Colour", "shade": "dark"}},
        ],
    }


def test_an_element_that_is_called_resource_type_is_an_element() -> None:
    instance = {"resourceId": "a", "resourceType": "Patient", "name": "n"}
    scenario = {"resourceType": "ExampleScenario", "status": "draft", "instance": [instance]}

    assert summary(scenario, "true", "4.0") == {
        "resourceType": "ExampleScenario",
        "meta": MARKED,
        "status": "draft",
    }


def test_values_of_the_wrong_shape_are_left_as_they_are() -> None:
    patient = {"resourceType": "Patient", "name": "A", "gender": {"a": 1}, "telecom": [None, "x"]}

    assert summary(patient, "true", "4.0") == {**patient, "meta": MARKED}


def test_text_leaves_the_narrative_and_what_is_mandatory() -> None:
    observation = {"resourceType": "Observation", "text": {"status": "empty"}, "status": "final", "issued": "2020"}

    assert summary(PATIENT, "text", "4.0") == a_patient("text")
    assert summary(observation, "text", "4.0") == {
        "resourceType": "Observation",
        "meta": MARKED,
        "text": {"status": "empty"},
        "status": "final",
    }


def test_data_leaves_all_but_the_narrative() -> None:
    assert summary(PATIENT, "data", "4.0") == a_patient(*(PATIENT.keys() - {"text"}))


def test_false_leaves_all() -> None:
    assert summary(PATIENT, "false", "4.0") == PATIENT


# --- Bundles of a search ---


def searchset(*entries: Json, **others: Json) -> Json:
    link = [{"relation": "self", "url": "http://fhir.test/Patient"}]
    return {"resourceType": "Bundle", "type": "searchset", "total": 7, "link": link, **others, "entry": [*entries]}


MATCH: Json = {
    "fullUrl": "http://fhir.test/Patient/p",
    "resource": {"resourceType": "Patient", "gender": "male", "language": "en"},
    "search": {"mode": "match"},
}
INCLUDED: Json = {
    "resource": {"resourceType": "Organization", "name": "O", "language": "en"},
    "search": {"mode": "include"},
}
OUTCOME: Json = {"resource": {"resourceType": "OperationOutcome", "language": "en"}, "search": {"mode": "outcome"}}
EMPTY: Json = {"response": {"status": "204"}}


def test_the_entries_of_a_search_are_cut_down_and_not_their_bundle() -> None:
    bundle = searchset(MATCH, INCLUDED, OUTCOME, EMPTY, language="en")

    assert summary(bundle, "true", "4.0") == searchset(
        {**MATCH, "resource": {"resourceType": "Patient", "meta": MARKED, "gender": "male"}},
        {**INCLUDED, "resource": {"resourceType": "Organization", "meta": MARKED, "name": "O"}},
        OUTCOME,
        EMPTY,
        language="en",
    )


def test_the_entries_of_a_history_are_cut_down_likewise() -> None:
    history = {"resourceType": "Bundle", "type": "history", "entry": [{"resource": MATCH["resource"]}, EMPTY]}

    assert summary(history, "true", "4.0") == {
        **history,
        "entry": [{"resource": {"resourceType": "Patient", "meta": MARKED, "gender": "male"}}, EMPTY],
    }


@pytest.mark.parametrize("kind", ["true", "text", "data", "count", "false"])
def test_a_search_that_found_nothing_stays_as_it_is(kind: Kind) -> None:
    nothing = {"resourceType": "Bundle", "type": "searchset", "total": 0}

    assert summary(nothing, kind, "4.0") == only_elements(nothing, ["name"], "4.0") == nothing


def test_count_leaves_a_search_without_its_entries() -> None:
    bundle = searchset(MATCH, INCLUDED)

    assert summary(bundle, "count", "4.0") == {name: value for name, value in bundle.items() if name != "entry"}


@pytest.mark.parametrize("resource", [PATIENT, {"resourceType": "Bundle", "type": "history"}, {"type": "searchset"}])
def test_nothing_but_a_search_can_be_counted(resource: Json) -> None:
    with pytest.raises(ValueError, match=r"^Only what a search found can be counted\.$"):
        summary(resource, "count", "4.0")


# --- _elements ---


@pytest.mark.parametrize(
    "names", [["active", "deceased"], ["Patient.active", "deceased[x]"], ["deceasedDateTime", "active"]]
)
def test_elements_leaves_what_is_named(names: list[str]) -> None:
    assert only_elements(PATIENT, names, "4.0") == a_patient("active", "deceasedDateTime")


def test_elements_leaves_each_element_whole_with_what_is_beside_it() -> None:
    assert only_elements(PATIENT, ["name.given", "birthDate"], "4.0") == a_patient("name", "_birthDate")


def test_elements_leaves_what_is_mandatory() -> None:
    request = {
        "resourceType": "MedicationRequest",
        "status": "active",
        "_intent": {"id": "i"},
        "medicationReference": {"reference": "Medication/1"},
        "subject": {"reference": "Patient/1"},
        "note": [{"text": "n"}],
        "authoredOn": "2020",
    }

    assert only_elements(request, ["authoredOn"], "4.0") == {
        "resourceType": "MedicationRequest",
        "meta": MARKED,
        **{name: value for name, value in request.items() if name not in ("resourceType", "note")},
    }


def test_elements_that_the_resource_does_not_have_leave_nothing_else() -> None:
    assert only_elements(PATIENT, ["colour"], "4.0") == a_patient()


@pytest.mark.parametrize("names", [[], ["Observation.code"], ["Observation.code", "Group"]])
def test_a_resource_that_no_name_speaks_of_stays_whole(names: list[str]) -> None:
    assert only_elements(PATIENT, names, "4.0") == PATIENT


def test_included_resources_are_cut_down_only_by_names_with_their_type() -> None:
    bundle = searchset(MATCH, INCLUDED, OUTCOME)
    match = {**MATCH, "resource": {"resourceType": "Patient", "meta": MARKED, "gender": "male"}}
    included = {**INCLUDED, "resource": {"resourceType": "Organization", "meta": MARKED, "name": "O"}}

    assert only_elements(bundle, ["gender"], "4.0") == searchset(match, INCLUDED, OUTCOME)
    assert only_elements(bundle, ["gender", "Organization.name"], "4.0") == searchset(match, included, OUTCOME)
    assert only_elements(bundle, ["Organization.name"], "4.0") == searchset(MATCH, included, OUTCOME)


# --- the mark ---


def test_the_mark_of_stu3_has_the_system_of_stu3() -> None:
    mark = {"system": "http://hl7.org/fhir/v3/ObservationValue", "code": "SUBSETTED"}
    patient = {"resourceType": "Patient", "animal": {"species": {"text": "dog"}}, "language": "en"}

    assert summary(patient, "true", "3.0") == {
        "resourceType": "Patient",
        "meta": {"tag": [mark]},
        "animal": {"species": {"text": "dog"}},
    }


def test_the_mark_comes_after_other_tags_and_only_once() -> None:
    tagged = {"resourceType": "Basic", "meta": {"tag": [{"code": "a"}]}}
    marked = {"resourceType": "Basic", "meta": {"tag": [{"code": "a"}, {**SUBSETTED, "display": "subsetted"}]}}

    assert summary(tagged, "data", "4.0") == {**tagged, "meta": {"tag": [{"code": "a"}, SUBSETTED]}}
    assert summary(marked, "data", "4.0") == marked


@pytest.mark.parametrize("meta", ["x", {"tag": "x"}, {"tag": [7]}, None])
def test_what_is_no_tag_does_not_keep_the_mark_away(meta: Json) -> None:
    (*_, mark) = summary({"resourceType": "Basic", "meta": meta}, "data", "4.0")["meta"]["tag"]

    assert mark == SUBSETTED


def test_the_mark_stands_where_meta_stands_in_fhir() -> None:
    assert list(summary({"active": True, "id": "p", "resourceType": "Patient"}, "data", "4.0")) == [
        "resourceType",
        "id",
        "meta",
        "active",
    ]


@pytest.mark.parametrize("resource", [{"resourceType": "Colour", "text": {}}, {"text": {}}, {"resourceType": ["a"]}])
@pytest.mark.parametrize("kind", ["true", "text", "data"])
def test_what_is_no_resource_of_fhir_stays_as_it_is(resource: Json, kind: Kind) -> None:
    assert summary(resource, kind, "4.0") == only_elements(resource, ["text"], "4.0") == resource


CUTS: Mapping[str, Callable[[Json, Version], Json]] = {
    "true": lambda resource, version: summary(resource, "true", version),
    "text": lambda resource, version: summary(resource, "text", version),
    "data": lambda resource, version: summary(resource, "data", version),
    "elements": lambda resource, version: only_elements(resource, ["text", "code"], version),
}


@pytest.mark.parametrize("cut", CUTS)
def test_nothing_that_is_given_changes(cut: str) -> None:
    before = dumps(PATIENT)

    CUTS[cut](PATIENT, "4.0")

    assert dumps(PATIENT) == before


@pytest.mark.parametrize("version", ["3.0", "4.0"])
@pytest.mark.parametrize("cut", CUTS)
def test_of_an_official_example_that_is_right_each_part_is_right(
    version: Version, cut: str, official_examples: Mapping[str, list[Path]]
) -> None:
    """One example of each resource type, the first that is right."""
    check = structure_checker(version)
    wrong = {}
    seen = set()

    for path in official_examples[version]:
        type_name = path.name.partition("-")[0]
        if type_name in seen or check(resource := loads(path.read_bytes())):
            continue
        seen.add(type_name)
        if issues := check(CUTS[cut](resource, version)):
            wrong[path.name] = issues

    assert wrong == {}
    assert len(seen) > 100


def test_a_part_is_told_by_its_tag_wherever_it_stands() -> None:
    part = {"resourceType": "Basic", "meta": {"tag": [{"code": "a"}, {**SUBSETTED, "display": "subsetted"}]}}
    of_stu3 = {
        "resourceType": "Basic",
        "meta": {"tag": [{"system": "http://hl7.org/fhir/v3/ObservationValue", "code": "SUBSETTED"}]},
    }
    bundle = {"resourceType": "Bundle", "entry": [{"fullUrl": "urn:x"}, {"resource": part}, {"resource": of_stu3}]}

    assert list(marks(part, "Basic")) == ["Basic.meta.tag[1]"]
    assert list(marks(bundle, "Bundle")) == [
        "Bundle.entry[1].resource.meta.tag[1]",
        "Bundle.entry[2].resource.meta.tag[0]",
    ]
    assert list(marks({"resourceType": "Basic"}, "Basic")) == []
