"""A resource becomes a message about it, and comes out of the answer again."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from fhir_bridge.fhir.elements import Version
from fhir_bridge.fhir.message import Header, containing, hindered, unwrap, with_contained, wrap
from fhir_bridge.fhir.structure import structure_checker
from fhir_bridge.outcome import Json

EVENT = {"system": "http://northlab.example/events", "code": "result-ready"}
NOW = datetime(2026, 11, 21, 12, 0, 0, 123456, tzinfo=UTC)
ID = "88a37162-3d7c-41c3-89ab-6e25fd68ba00"
HEADER = Header(ID, EVENT, "http://emr.example/northlab", NOW, {})

CONDITION = {
    "resourceType": "Condition",
    "id": "diabetes",
    "clinicalStatus": {"coding": [{"code": "active"}]},
    "subject": {"reference": "#"},
}
PATIENT = {"resourceType": "Patient", "id": "42", "active": True, "contained": [CONDITION]}
SUBJECT = {"reference": "Patient/42"}


def stu3(resource: Json) -> Json:
    return {**resource, "clinicalStatus": "active"}


# --- into a message


def test_a_resource_becomes_a_message_in_r4() -> None:
    message = wrap(PATIENT, HEADER, "4.0")

    assert message.bundle == {
        "resourceType": "Bundle",
        "type": "message",
        "timestamp": "2026-11-21T12:00:00.123+00:00",
        "entry": [
            {
                "resource": {
                    "resourceType": "MessageHeader",
                    "id": ID,
                    "eventCoding": EVENT,
                    "source": {"endpoint": "http://emr.example/northlab"},
                }
            },
            {"resource": {"resourceType": "Patient", "id": "42", "active": True}},
            {
                "resource": {
                    "resourceType": "Condition",
                    "clinicalStatus": {"coding": [{"code": "active"}]},
                    "subject": SUBJECT,
                }
            },
        ],
    }


def test_in_stu3_the_header_says_when() -> None:
    message = wrap({**PATIENT, "contained": [stu3(CONDITION)]}, HEADER, "3.0")

    assert message.bundle == {
        "resourceType": "Bundle",
        "type": "message",
        "entry": [
            {
                "resource": {
                    "resourceType": "MessageHeader",
                    "id": ID,
                    "event": EVENT,
                    "timestamp": "2026-11-21T12:00:00.123+00:00",
                    "source": {"endpoint": "http://emr.example/northlab"},
                }
            },
            {"resource": {"resourceType": "Patient", "id": "42", "active": True}},
            {"resource": {"resourceType": "Condition", "clinicalStatus": "active", "subject": SUBJECT}},
        ],
    }


@pytest.mark.parametrize(("version", "condition"), [("4.0", CONDITION), ("3.0", stu3(CONDITION))])
def test_the_message_is_sound(version: Version, condition: Json) -> None:
    for patient in (PATIENT, {"resourceType": "Patient"}):
        resource = {**patient, "contained": [condition]}

        assert structure_checker(version, rules=True)(resource) == []
        assert structure_checker(version, rules=True)(wrap(resource, HEADER, version).bundle) == []


def test_what_is_wrapped_stays_what_it_was() -> None:
    before = {**PATIENT, "contained": [dict(CONDITION)]}

    wrap(before, HEADER, "4.0")

    assert before == PATIENT


def test_a_resource_without_an_id_is_known_by_an_address_of_its_entry() -> None:
    """Where anything in the message is about it."""
    new = {"resourceType": "Patient", "contained": [CONDITION]}
    _, patient, condition = wrap(new, HEADER, "4.0").bundle["entry"]
    _, alone = wrap({"resourceType": "Patient"}, HEADER, "4.0").bundle["entry"]

    assert patient["fullUrl"] == "urn:uuid:f03d2e93-eccc-5931-b1d2-1e5dbec4dec0"
    assert condition["resource"]["subject"] == {"reference": "urn:uuid:f03d2e93-eccc-5931-b1d2-1e5dbec4dec0"}
    assert alone == {"resource": {"resourceType": "Patient"}}


def test_a_condition_may_name_its_patient_by_address() -> None:
    condition = {**CONDITION, "subject": {"reference": "Patient/42", "display": "Liv Berg"}}

    (_, patient, own) = wrap({**PATIENT, "contained": [condition]}, HEADER, "4.0").bundle["entry"]

    assert "contained" not in patient["resource"]
    assert own["resource"]["subject"] == {"reference": "Patient/42", "display": "Liv Berg"}


ORGANIZATION = {"resourceType": "Organization", "id": "clinic", "partOf": {"reference": "#"}}
PRACTITIONER = {"resourceType": "Practitioner", "id": "liv"}


@pytest.mark.parametrize(
    "contained",
    [
        [{**ORGANIZATION, "partOf": {"reference": "Organization/1"}}],
        [ORGANIZATION],
        [{**CONDITION, "asserter": {"reference": "#liv"}}, PRACTITIONER],
    ],
)
def test_what_others_need_or_what_needs_others_stays_contained(contained: list[Json]) -> None:
    """Its references would lead nowhere from an entry of its own."""
    patient = {**PATIENT, "managingOrganization": {"reference": "#clinic"}, "contained": contained}

    message = wrap(patient, HEADER, "4.0")

    assert [each["resource"] for each in message.bundle["entry"][1:]] == [patient]


@pytest.mark.parametrize(
    ("contained", "refused"),
    [
        ([CONDITION], []),
        ([{**ORGANIZATION, "partOf": {"reference": "Organization/1"}}], []),
        (
            [PRACTITIONER, ORGANIZATION],
            [("Patient.contained[1]", "where no reference to a contained resource finds it")],
        ),
        (
            [{**CONDITION, "asserter": {"reference": "#liv"}}, PRACTITIONER],
            [("Patient.contained[0]", "and cannot refer to another contained resource from there")],
        ),
    ],
)
def test_what_is_about_it_and_can_have_no_entry_is_told(contained: list[Json], refused: list[tuple[str, str]]) -> None:
    patient = {**PATIENT, "managingOrganization": {"reference": "#clinic"}, "contained": contained}

    issues = list(hindered(patient))

    assert [(issue.expression, issue.text.partition(", ")[2].partition(";")[0]) for issue in issues] == refused


def test_a_contained_resource_may_lack_its_id_or_type() -> None:
    """That is wrong, and said elsewhere; it is no reason to fail."""
    nameless, typeless = ({key: CONDITION[key] for key in CONDITION if key != name} for name in ("id", "resourceType"))

    message = wrap({**PATIENT, "contained": [nameless, typeless]}, HEADER, "4.0")

    _, patient, condition = message.bundle["entry"]
    assert patient["resource"]["contained"] == [typeless]
    assert condition["resource"]["subject"] == SUBJECT


def test_each_resource_says_which_profile_it_keeps_to() -> None:
    profiles = {"MessageHeader": "http://x/header", "Patient": "http://x/patient", "Condition": "http://x/condition"}
    named = {**CONDITION, "meta": {"profile": ["http://x/condition"]}}
    patient = {**PATIENT, "meta": {"profile": ["http://ours/patient"], "tag": [{"code": "t"}]}, "contained": [named]}

    message = wrap(patient, Header(ID, EVENT, None, NOW, profiles), "4.0")

    assert [each["resource"]["meta"] for each in message.bundle["entry"]] == [
        {"profile": ["http://x/header"]},
        {"profile": ["http://ours/patient", "http://x/patient"], "tag": [{"code": "t"}]},
        {"profile": ["http://x/condition"]},
    ]
    assert message.bundle["entry"][0]["resource"]["source"] == {}


# --- the way home


@pytest.mark.parametrize(
    ("expression", "home"),
    [
        ("Bundle.entry[1].resource.name[0].family", "Patient.name[0].family"),
        ("Bundle.entry[1].resource", "Patient"),
        ("Bundle.entry[1]", "Patient"),
        ("Bundle.entry[2].resource.code", "Patient.contained[1].code"),
        ("Patient.name", "Patient.name"),
        ("Patient", "Patient"),
        ("Condition.code", "Patient.contained[1].code"),
        ("Bundle.entry[0].resource.event", None),
        ("Bundle.entry[9].resource.code", None),
        ("MessageHeader.event", None),
        ("Bundle.type", None),
        ("Bundle", None),
    ],
)
def test_an_element_of_the_message_is_one_of_what_it_was_made_of(expression: str, home: str | None) -> None:
    message = wrap({**PATIENT, "contained": [PRACTITIONER, CONDITION]}, HEADER, "4.0")

    assert message.home(expression) == home


def test_of_two_resources_of_a_type_the_type_alone_tells_none() -> None:
    message = wrap({**PATIENT, "contained": [CONDITION, {**CONDITION, "id": "2"}]}, HEADER, "4.0")

    assert message.home("Condition.code") is None
    assert message.home("Bundle.entry[3].resource.code") == "Patient.contained[1].code"


def test_what_stays_contained_stood_behind_what_has_an_entry() -> None:
    message = wrap(
        {**PATIENT, "link": [{"other": {"reference": "#liv"}}], "contained": [CONDITION, PRACTITIONER]}, HEADER, "4.0"
    )

    assert message.home("Bundle.entry[1].resource.contained[0].name") == "Patient.contained[1].name"


# --- out of the answer


def answered(*resources: Json, **of_patient: Json) -> Json:
    entries = [
        {"resource": {"resourceType": "MessageHeader", "focus": [SUBJECT]}},
        *({"resource": r} for r in resources),
    ]
    entries[1] |= of_patient
    return {"resourceType": "Bundle", "type": "message", "entry": entries}


BARE = {"resourceType": "Patient", "id": "42"}
OWN = {"resourceType": "Condition", "subject": SUBJECT}


def test_a_resource_comes_out_of_the_answer_with_what_is_about_it() -> None:
    assert unwrap(answered(BARE, OWN, OWN), "Patient", "4.0") == {
        **BARE,
        "contained": [
            {"resourceType": "Condition", "id": "condition-1", "subject": {"reference": "#"}},
            {"resourceType": "Condition", "id": "condition-2", "subject": {"reference": "#"}},
        ],
    }


def test_what_is_wrapped_comes_out_again() -> None:
    patient = {**PATIENT, "contained": [{**CONDITION, "id": "condition-1"}]}

    assert unwrap(wrap(patient, HEADER, "4.0").bundle, "Patient", "4.0") == patient


@pytest.mark.parametrize("reference", ["Patient/42", "http://partner.example/fhir/Patient/42", "urn:uuid:1"])
def test_what_is_about_it_may_name_it_in_several_ways(reference: str) -> None:
    condition = {"resourceType": "Condition", "id": "9", "subject": {"reference": reference}}

    assert unwrap(answered(BARE, condition, fullUrl="urn:uuid:1"), "Patient", "4.0") == {
        **BARE,
        "contained": [{"resourceType": "Condition", "id": "9", "subject": {"reference": "#"}}],
    }


@pytest.mark.parametrize(
    "other",
    [
        {"resourceType": "Condition", "subject": {"reference": "Patient/142"}},
        {"resourceType": "Condition", "subject": {"reference": ["Patient/42"]}},
        {"resourceType": "Organization"},
        {"resourceType": "Patient", "id": "43", "link": [{"other": SUBJECT}]},
        {"resourceType": 7, "subject": SUBJECT},
        None,
        "Condition",
    ],
)
def test_what_is_not_about_it_is_left_out(other: Json) -> None:
    assert unwrap(answered(BARE, other), "Patient", "4.0") == BARE


@pytest.mark.parametrize("bundle", [{}, {"entry": None}, {"entry": [None, {}, {"resource": {}}]}, answered(OWN)])
def test_an_answer_without_the_resource_tells_none(bundle: Json) -> None:
    assert unwrap(bundle, "Patient", "4.0") is None


def test_what_is_contained_has_no_version_and_in_stu3_no_narrative() -> None:
    """dom-1, dom-2, dom-4, dom-5."""
    meta = {
        "versionId": "1",
        "lastUpdated": "2020-01-01T00:00:00Z",
        "security": [{"code": "R"}],
        "profile": ["http://x"],
    }
    text = {"status": "generated", "div": "<div>x</div>"}
    other = {**OWN, "id": "c", "meta": meta, "text": text, "contained": [PRACTITIONER]}
    versioned = {**OWN, "id": "d", "meta": {"versionId": "1"}}

    in_r4 = unwrap(answered(BARE, other, versioned), "Patient", "4.0")["contained"]
    in_stu3 = unwrap(answered(BARE, other), "Patient", "3.0")["contained"]

    kept = {"resourceType": "Condition", "id": "c", "subject": {"reference": "#"}, "meta": {"profile": ["http://x"]}}
    assert in_r4 == [{**kept, "text": text}, {"resourceType": "Condition", "id": "d", "subject": {"reference": "#"}}]
    assert in_stu3 == [kept]


@pytest.mark.parametrize("id_", [None, "taken", 7])
def test_what_has_no_id_of_its_own_gets_one(id_: Json) -> None:
    present = [{"resourceType": "Organization", "id": "taken"}, {"resourceType": "Condition", "id": "condition-1"}]
    other = {"resourceType": "Condition"} if id_ is None else {"resourceType": "Condition", "id": id_}

    assert with_contained({**BARE, "contained": present}, [other]) == {
        **BARE,
        "contained": [*present, {"resourceType": "Condition", "id": "condition-2"}],
    }


def test_a_record_contains_what_the_answer_to_its_change_said_about_it() -> None:
    """And nothing of it twice, nor what the answer itself contained for another reason."""
    clinic = {"resourceType": "Organization", "id": "clinic", "partOf": {"reference": "#"}}
    answer = {**BARE, "contained": [clinic, PRACTITIONER, CONDITION, "x"]}

    assert containing({**BARE, "contained": [clinic]}, answer) == {**BARE, "contained": [clinic, CONDITION]}
    assert containing(BARE, None) == BARE
    assert containing(None, answer) is None


def test_what_contains_nothing_stays_so() -> None:
    assert with_contained(BARE, []) == BARE
    assert with_contained({**BARE, "contained": "x"}, []) == {**BARE, "contained": "x"}
