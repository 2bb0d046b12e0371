"""R4 to STU3 and back: what each element becomes, what cannot be said, and the two laws of the round trip."""

import copy
from base64 import b64decode
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from fhir_bridge.fhir.conversion import Converted, to_r4, to_stu3
from fhir_bridge.fhir.json import loads
from fhir_bridge.outcome import Issue

NOW = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)
CLINICAL = "http://terminology.hl7.org/CodeSystem/condition-clinical"
VERIFICATION = "http://terminology.hl7.org/CodeSystem/condition-ver-status"
R4_EXTENSION = "http://hl7.org/fhir/4.0/StructureDefinition/extension-"
STU3_EXTENSION = "http://hl7.org/fhir/3.0/StructureDefinition/extension-"

STU3_MESSAGE = {
    "resourceType": "Bundle",
    "type": "message",
    "entry": [
        {
            "resource": {
                "resourceType": "MessageHeader",
                "id": "88a37162-3d7c-41c3-89ab-6e25fd68ba00",
                "event": {"system": "http://example.org/message-type", "code": "new-bundle", "display": "New bundle"},
                "timestamp": "2020-03-27T12:21:39.471Z",
                "source": {"endpoint": "2.16.724.4.2", "software": "EMR middleware", "version": "1.0.0"},
            }
        },
        {
            "resource": {
                "resourceType": "Patient",
                "id": "Bj6.1Lq-hvb-28",
                "identifier": [{"system": "urn:oid:2.16.724.4.41", "value": "12345678Z"}],
                "name": [{"family": "Doe", "given": ["John"]}],
                "gender": "male",
                "managingOrganization": {"identifier": {"system": "urn:oid:", "value": "2.16.724.4.2"}},
            }
        },
        {
            "resource": {
                "resourceType": "Condition",
                "clinicalStatus": "active",
                "code": {"coding": [{"system": "http://snomed.info/sct", "code": "426875007"}]},
                "subject": {"reference": "Patient/another-patient"},
            }
        },
    ],
}
R4_MESSAGE = {
    "resourceType": "Bundle",
    "type": "message",
    "timestamp": "2020-03-27T12:21:39.471Z",
    "entry": [
        {
            "resource": {
                "resourceType": "MessageHeader",
                "id": "88a37162-3d7c-41c3-89ab-6e25fd68ba00",
                "eventCoding": {
                    "system": "http://example.org/message-type",
                    "code": "new-bundle",
                    "display": "New bundle",
                },
                "source": {"endpoint": "2.16.724.4.2", "software": "EMR middleware", "version": "1.0.0"},
            }
        },
        STU3_MESSAGE["entry"][1],
        {
            "resource": {
                "resourceType": "Condition",
                "clinicalStatus": {"coding": [{"system": CLINICAL, "code": "active"}]},
                "code": {"coding": [{"system": "http://snomed.info/sct", "code": "426875007"}]},
                "subject": {"reference": "Patient/another-patient"},
            }
        },
    ],
}


def stu3_of(resource):
    """Return an R4 resource in STU3; nothing may be reported."""
    converted = to_stu3(resource, now=NOW)
    assert converted.issues == ()
    return converted.resource


def r4_of(resource):
    """Return an STU3 resource in R4; nothing may be reported."""
    converted = to_r4(resource)
    assert converted.issues == ()
    return converted.resource


def left_behind(expression, text):
    return Issue("left-behind", "not-supported", text, expression, "warning")


def told_in_stu3(resource, *issues):
    """Return an R4 resource in STU3; just these issues must be reported."""
    converted = to_stu3(resource, now=NOW)
    assert converted.issues == issues
    return converted.resource


def nearest(expression, exact, sent):
    return left_behind(expression, f"STU3 has no code for {exact}: {sent} is sent, and {exact} in an extension.")


def impossible(expression, text):
    return Issue("cannot-be-sent", "not-supported", text, expression)


def in_both(stu3, r4):
    """Assert that each of two resources becomes the other."""
    assert r4_of(stu3) == r4
    assert stu3_of(r4) == stu3


def condition(**elements):
    return {"resourceType": "Condition", **elements}


# Messages


def test_a_message_is_converted_in_both_directions():
    in_both(STU3_MESSAGE, R4_MESSAGE)


def test_what_is_given_is_never_changed():
    stu3, r4 = copy.deepcopy(STU3_MESSAGE), copy.deepcopy(R4_MESSAGE)

    to_r4(stu3)
    to_stu3(r4, now=NOW)

    assert (stu3, r4) == (STU3_MESSAGE, R4_MESSAGE)


def test_a_message_without_a_time_is_sent_now():
    message = {**R4_MESSAGE}
    del message["timestamp"]

    header = stu3_of(message)["entry"][0]["resource"]

    assert header["timestamp"] == "2026-01-05T08:00:00.000+00:00"


def test_the_timestamp_of_a_header_alone_travels_in_an_extension():
    stu3 = {"resourceType": "MessageHeader", "timestamp": "2020-03-27T12:21:39.471Z"}
    url = f"{STU3_EXTENSION}MessageHeader.timestamp"

    in_both(
        stu3, {"resourceType": "MessageHeader", "extension": [{"url": url, "valueInstant": "2020-03-27T12:21:39.471Z"}]}
    )


def test_the_timestamp_of_a_bundle_that_is_no_message_is_left_behind():
    bundle = {"resourceType": "Bundle", "type": "collection", "timestamp": "2020-03-27T12:21:39.471Z"}

    assert to_stu3(bundle, now=NOW) == Converted(
        {"resourceType": "Bundle", "type": "collection"},
        (left_behind("Bundle.timestamp", "STU3 has no place for this: it is left behind."),),
    )


def test_an_event_that_is_a_uri_cannot_be_told_in_stu3():
    header = {"resourceType": "MessageHeader", "eventUri": "urn:event", "source": {"endpoint": "urn:a"}}

    converted = to_stu3({"resourceType": "Bundle", "type": "message", "entry": [{"resource": header}]}, now=NOW)

    assert converted.issues == (
        impossible("Bundle.entry[0].resource.event", "STU3 cannot say MessageHeader.eventUri."),
    )


def test_a_receiver_in_stu3_is_the_receiver_of_each_destination_in_r4():
    ward = {"reference": "Organization/ward"}
    stu3 = {
        "resourceType": "MessageHeader",
        "timestamp": "2020-03-27T12:21:39Z",
        "destination": [{"endpoint": "urn:a"}, {"endpoint": "urn:b"}],
        "receiver": ward,
    }

    converted = r4_of({"resourceType": "Bundle", "type": "message", "entry": [{"resource": stu3}]})

    assert converted == {
        "resourceType": "Bundle",
        "type": "message",
        "timestamp": "2020-03-27T12:21:39Z",
        "entry": [
            {
                "resource": {
                    "resourceType": "MessageHeader",
                    "destination": [{"endpoint": "urn:a", "receiver": ward}, {"endpoint": "urn:b", "receiver": ward}],
                }
            }
        ],
    }
    assert stu3_of(converted)["entry"][0]["resource"] == stu3


def test_receivers_that_differ_travel_in_an_extension_of_their_destinations():
    receiver = {"reference": "Organization/ward"}
    r4 = {
        "resourceType": "MessageHeader",
        "destination": [{"endpoint": "urn:a", "receiver": receiver}, {"endpoint": "urn:b"}],
    }

    converted = stu3_of(r4)

    url = f"{R4_EXTENSION}MessageHeader.destination.receiver"
    assert converted == {
        "resourceType": "MessageHeader",
        "destination": [
            {"endpoint": "urn:a", "extension": [{"url": url, "valueReference": receiver}]},
            {"endpoint": "urn:b"},
        ],
        "timestamp": "2026-01-05T08:00:00.000+00:00",
    }
    assert r4_of(converted)["destination"] == r4["destination"]


def test_a_receiver_without_a_destination_travels_in_an_extension():
    extension = {"url": f"{STU3_EXTENSION}MessageHeader.receiver", "valueReference": {"display": "Ward"}}
    timed = {"url": f"{STU3_EXTENSION}MessageHeader.timestamp", "valueInstant": "2020-03-27T12:21:39Z"}

    in_both(
        {"resourceType": "MessageHeader", "receiver": {"display": "Ward"}, "timestamp": "2020-03-27T12:21:39Z"},
        {"resourceType": "MessageHeader", "extension": [extension, timed]},
    )


def test_a_definition_travels_as_a_uri_since_stu3_has_no_canonical():
    r4 = {"resourceType": "MessageHeader", "definition": "http://example.org/MessageDefinition/1|2"}
    bundle = {
        "resourceType": "Bundle",
        "type": "message",
        "timestamp": "2020-03-27T12:21:39Z",
        "entry": [{"resource": r4}],
    }

    header = stu3_of(bundle)["entry"][0]["resource"]

    assert header == {
        "resourceType": "MessageHeader",
        "extension": [
            {
                "url": f"{R4_EXTENSION}MessageHeader.definition",
                "valueUri": "http://example.org/MessageDefinition/1|2",
            }
        ],
        "timestamp": "2020-03-27T12:21:39Z",
    }
    assert r4_of(stu3_of(bundle)) == bundle


def test_a_method_that_stu3_has_no_code_for_is_an_error():
    bundle = {
        "resourceType": "Bundle",
        "type": "batch",
        "entry": [{"request": {"method": "PATCH", "url": "Patient/1"}}],
    }

    assert to_stu3(bundle, now=NOW).issues == (
        impossible("Bundle.entry[0].request.method", "STU3 has no code for PATCH."),
    )


# Resource types


def test_a_resource_type_that_did_not_change_is_converted_too():
    practitioner = {
        "resourceType": "Practitioner",
        "identifier": [{"value": "1", "assigner": {"reference": "Organization/1", "type": "Organization"}}],
    }

    converted = stu3_of(practitioner)

    extension = {"url": f"{R4_EXTENSION}Reference.type", "valueUri": "Organization"}
    assert converted == {
        "resourceType": "Practitioner",
        "identifier": [{"value": "1", "assigner": {"reference": "Organization/1", "extension": [extension]}}],
    }
    assert r4_of(converted) == practitioner


def test_a_resource_type_to_which_r4_added_elements_is_converted_too():
    concept, spoken = {"text": "mother"}, {"language": {"text": "uk"}, "preferred": True}
    stu3 = {"resourceType": "RelatedPerson", "patient": {"reference": "Patient/1"}, "relationship": concept}
    r4 = {**stu3, "relationship": [concept, {"text": "neighbour"}], "communication": [spoken]}

    converted = stu3_of(r4)

    assert converted == {
        **stu3,
        "extension": [
            {"url": f"{R4_EXTENSION}RelatedPerson.relationship", "valueCodeableConcept": {"text": "neighbour"}},
            {
                "url": f"{R4_EXTENSION}RelatedPerson.communication",
                "extension": [
                    {"url": "language", "valueCodeableConcept": {"text": "uk"}},
                    {"url": "preferred", "valueBoolean": True},
                ],
            },
        ],
    }
    assert r4_of(converted) == r4
    in_both(stu3, {**stu3, "relationship": [concept]})


def test_the_content_of_a_binary_is_its_data():
    in_both(
        {"resourceType": "Binary", "contentType": "image/png", "content": "AAAA"},
        {"resourceType": "Binary", "contentType": "image/png", "data": "AAAA"},
    )


def test_a_contained_resource_that_is_not_converted_is_kept_whole_in_a_binary():
    """Under its id, so that what refers to it still finds something; on the way back it cannot be told from another."""
    observation = {
        "resourceType": "Observation",
        "id": "o",
        "comment": "\u0416",
        "valueQuantity": {"value": Decimal("1.50")},
    }
    nameless = {"resourceType": "Observation", "status": "final"}
    patient = {
        "resourceType": "Patient",
        "contained": [observation, nameless],
        "generalPractitioner": [{"reference": "#o"}],
    }

    converted = r4_of(patient)

    first, second = converted["contained"]
    in_stu3 = "application/fhir+json; fhirVersion=3.0"
    assert (first["resourceType"], first["id"], first["contentType"]) == ("Binary", "o", in_stu3)
    assert loads(b64decode(first["data"])) == observation
    assert (second.keys(), loads(b64decode(second["data"]))) == ({"resourceType", "contentType", "data"}, nameless)
    text = "STU3 is what this Binary holds, and it is not converted; leave it out, or send the whole in STU3."
    assert to_stu3(converted, now=NOW).issues == (
        impossible("Patient.contained[0]", text),
        impossible("Patient.contained[1]", text),
    )


@pytest.mark.parametrize("type_name", ["NoSuchThing", "HumanName"])
def test_a_contained_resource_of_no_type_is_an_error(type_name):
    patient = {"resourceType": "Patient", "contained": [{"resourceType": type_name}]}

    text = f"R4 has another structure for {type_name}: it is not converted."
    assert to_r4(patient) == Converted(patient, (impossible("Patient.contained[0]", text),))


def test_a_contained_resource_that_stu3_has_another_structure_for_is_an_error():
    patient = {"resourceType": "Patient", "contained": [{"resourceType": "Observation"}]}

    text = "STU3 has another structure for Observation: it is not converted."
    assert to_stu3(patient, now=NOW) == Converted(patient, (impossible("Patient.contained[0]", text),))


@pytest.mark.parametrize("type_name", ["Observation", "Claim", "NoSuchThing", "HumanName"])
def test_a_resource_type_with_another_structure_is_an_error_at_its_entry(type_name):
    bundle = {"resourceType": "Bundle", "type": "message", "entry": [{"resource": {"resourceType": type_name}}]}

    assert to_r4(bundle) == Converted(
        bundle,
        (impossible("Bundle.entry[0].resource", f"R4 has another structure for {type_name}: it is not converted."),),
    )


def test_a_contained_resource_is_converted():
    patient = {"resourceType": "Patient", "contained": [{"resourceType": "Condition", "assertedDate": "2020"}]}

    assert r4_of(patient) == {
        "resourceType": "Patient",
        "contained": [{"resourceType": "Condition", "recordedDate": "2020"}],
    }


# Condition


@pytest.mark.parametrize("code", ["active", "recurrence", "inactive", "remission", "resolved"])
def test_a_clinical_status_is_a_code_in_stu3_and_a_concept_in_r4(code):
    in_both(
        condition(clinicalStatus=code),
        condition(clinicalStatus={"coding": [{"system": CLINICAL, "code": code}]}),
    )


@pytest.mark.parametrize("code", ["provisional", "differential", "confirmed", "refuted", "entered-in-error"])
def test_a_verification_status_is_a_code_in_stu3_and_a_concept_in_r4(code):
    in_both(
        condition(verificationStatus=code),
        condition(verificationStatus={"coding": [{"system": VERIFICATION, "code": code}]}),
    )


def test_a_concept_that_says_more_than_its_code_keeps_it_in_an_extension():
    concept = {"coding": [{"system": CLINICAL, "code": "active", "display": "Active"}], "text": "still there"}
    r4 = condition(clinicalStatus=concept)

    converted = stu3_of(r4)

    in_stu3 = {
        "coding": [{"system": "http://hl7.org/fhir/condition-clinical", "code": "active", "display": "Active"}],
        "text": "still there",
    }
    assert converted == condition(
        clinicalStatus="active",
        extension=[{"url": f"{R4_EXTENSION}Condition.clinicalStatus", "valueCodeableConcept": in_stu3}],
    )
    assert r4_of(converted) == r4


def test_a_status_that_stu3_lacks_becomes_the_nearest_one_and_is_itself_again_in_r4():
    r4 = condition(
        clinicalStatus={"coding": [{"system": CLINICAL, "code": "relapse"}]},
        verificationStatus={"coding": [{"system": VERIFICATION, "code": "unconfirmed"}]},
    )

    converted = told_in_stu3(
        r4,
        nearest("Condition.clinicalStatus", "relapse", "recurrence"),
        nearest("Condition.verificationStatus", "unconfirmed", "provisional"),
    )

    assert (converted["clinicalStatus"], converted["verificationStatus"]) == ("recurrence", "provisional")
    assert r4_of(converted) == r4


def test_a_status_that_was_changed_in_stu3_is_not_overwritten_on_the_way_home():
    relapse = condition(clinicalStatus={"coding": [{"system": CLINICAL, "code": "relapse"}]})
    converted = told_in_stu3(relapse, nearest("Condition.clinicalStatus", "relapse", "recurrence"))

    home = r4_of({**converted, "clinicalStatus": "resolved"})

    assert home["clinicalStatus"] == {"coding": [{"system": CLINICAL, "code": "resolved"}]}
    assert [extension["url"] for extension in home["extension"]] == [f"{R4_EXTENSION}Condition.clinicalStatus"]


@pytest.mark.parametrize("concept", [{"coding": [{"system": "http://example.org", "code": "x"}]}, {"text": "worse"}])
def test_a_status_that_names_no_code_cannot_be_said_in_stu3(concept):
    """It is a modifier: without it the Condition means something else."""
    assert to_stu3(condition(clinicalStatus=concept, id="c"), now=NOW).issues == (
        impossible(
            "Condition.clinicalStatus",
            f"STU3 has a code here; give this concept a coding of {CLINICAL}, which names one.",
        ),
    )


def test_several_statuses_cannot_be_said_in_stu3():
    statuses = [{"coding": [{"system": CLINICAL, "code": code}]} for code in ("active", "relapse")]

    assert to_stu3(condition(clinicalStatus=statuses), now=NOW).issues == (
        impossible(
            "Condition.clinicalStatus",
            "STU3 has no Condition.clinicalStatus, and the resource means something else without it.",
        ),
    )


def test_what_stands_beside_a_code_stands_in_the_concept():
    absent = {"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": "unknown"}

    in_both(
        condition(_clinicalStatus={"id": "a", "extension": [absent]}),
        condition(clinicalStatus={"id": "a", "extension": [absent]}),
    )


def test_the_verification_status_unknown_of_stu3_travels_in_an_extension():
    in_both(
        condition(verificationStatus="unknown"),
        condition(extension=[{"url": f"{STU3_EXTENSION}Condition.verificationStatus", "valueCode": "unknown"}]),
    )


def test_the_context_is_the_encounter_and_the_asserted_date_the_recorded_date():
    in_both(
        condition(context={"reference": "Encounter/1"}, assertedDate="2020-01", _assertedDate={"id": "d"}),
        condition(encounter={"reference": "Encounter/1"}, recordedDate="2020-01", _recordedDate={"id": "d"}),
    )


def test_a_context_that_is_an_episode_of_care_is_no_encounter():
    episode = {"reference": "EpisodeOfCare/1"}

    in_both(
        condition(context=episode),
        condition(extension=[{"url": f"{STU3_EXTENSION}Condition.context", "valueReference": episode}]),
    )


def test_an_abatement_that_is_a_boolean_travels_in_an_extension():
    in_both(
        condition(abatementBoolean=False),
        condition(extension=[{"url": f"{STU3_EXTENSION}Condition.abatement", "valueBoolean": False}]),
    )


def test_a_recorder_travels_in_an_extension_beside_those_that_were_there():
    mine = {"url": "http://example.org/mine", "valueDecimal": Decimal("1.50")}
    recorder = {"url": f"{R4_EXTENSION}Condition.recorder", "valueReference": {"reference": "Practitioner/1"}}

    in_both(
        condition(extension=[mine, recorder]),
        condition(extension=[mine], recorder={"reference": "Practitioner/1"}),
    )


def test_the_first_stage_is_the_stage_and_the_others_travel_in_extensions():
    r4 = condition(
        stage=[
            {"summary": {"text": "II"}, "type": {"text": "clinical"}},
            {"id": "s2", "assessment": [{"reference": "Observation/1"}, {"reference": "Observation/2"}]},
            {"summary": {"text": "III"}, "type": {"text": "pathological"}},
        ]
    )

    converted = stu3_of(r4)

    stage_type = f"{R4_EXTENSION}Condition.stage.type"
    assert converted == condition(
        stage={
            "summary": {"text": "II"},
            "extension": [{"url": stage_type, "valueCodeableConcept": {"text": "clinical"}}],
        },
        extension=[
            {
                "url": f"{R4_EXTENSION}Condition.stage",
                "id": "s2",
                "extension": [
                    {"url": "assessment", "valueReference": {"reference": "Observation/1"}},
                    {"url": "assessment", "valueReference": {"reference": "Observation/2"}},
                ],
            },
            {
                "url": f"{R4_EXTENSION}Condition.stage",
                "extension": [
                    {"url": "summary", "valueCodeableConcept": {"text": "III"}},
                    {"url": stage_type, "valueCodeableConcept": {"text": "pathological"}},
                ],
            },
        ],
    )
    assert r4_of(converted) == r4


def test_a_further_stage_with_a_modifier_extension_cannot_be_said():
    modified = {"summary": {"text": "III"}, "modifierExtension": [{"url": "urn:m", "valueBoolean": True}]}

    assert to_stu3(condition(stage=[{"summary": {"text": "II"}}, modified]), now=NOW) == Converted(
        condition(stage={"summary": {"text": "II"}}),
        (impossible("Condition.stage", "STU3 cannot say this with its modifierExtension."),),
    )


# Patient


def test_an_animal_is_an_element_in_stu3_and_the_extension_for_it_in_r4():
    species, neutered = {"coding": [{"system": "http://snomed.info/sct", "code": "387976005"}]}, {"text": "neutered"}

    in_both(
        {"resourceType": "Patient", "animal": {"species": species, "genderStatus": neutered}},
        {
            "resourceType": "Patient",
            "extension": [
                {
                    "url": "http://hl7.org/fhir/StructureDefinition/patient-animal",
                    "extension": [
                        {"url": "species", "valueCodeableConcept": species},
                        {"url": "genderStatus", "valueCodeableConcept": neutered},
                    ],
                }
            ],
        },
    )


def test_an_identifier_given_as_a_list_of_one_becomes_the_one():
    organization = {"identifier": [{"system": "urn:oid:", "value": "2.16.724.4.2"}]}

    assert r4_of({"resourceType": "Patient", "managingOrganization": organization}) == {
        "resourceType": "Patient",
        "managingOrganization": {"identifier": {"system": "urn:oid:", "value": "2.16.724.4.2"}},
    }


def test_an_identifier_given_as_a_list_of_two_cannot_be_said():
    patient = {"resourceType": "Patient", "managingOrganization": {"identifier": [{"value": "1"}, {"value": "2"}]}}

    assert to_r4(patient) == Converted(
        patient,
        (impossible("Patient.managingOrganization.identifier", "R4 holds one value here, and there are 2."),),
    )


def test_the_systems_that_r4_moved_are_named_as_each_version_names_them():
    def patient(relationship, status, own):
        return {
            "resourceType": "Patient",
            "identifier": [{"system": "http://hl7.org/fhir/sid/us-ssn", "value": "1"}],
            "contact": [{"relationship": [{"coding": [{"system": relationship, "code": "C"}]}]}],
            "maritalStatus": {"coding": [{"system": status, "code": "M"}, {"system": own, "code": "x"}]},
        }

    in_both(
        patient("http://hl7.org/fhir/v2/0131", "http://hl7.org/fhir/v3/MaritalStatus", "http://hl7.org/fhir/other"),
        patient(
            "http://terminology.hl7.org/CodeSystem/v2-0131",
            "http://terminology.hl7.org/CodeSystem/v3-MaritalStatus",
            "http://hl7.org/fhir/other",
        ),
    )


# Data types


def test_what_only_r4_says_of_a_meta_or_a_reference_travels_in_their_extensions():
    r4 = {
        "resourceType": "Patient",
        "meta": {"source": "urn:a", "profile": ["http://example.org/p|1"]},
        "managingOrganization": {"reference": "Organization/1", "type": "Organization"},
    }

    in_both(
        {
            "resourceType": "Patient",
            "meta": {
                "profile": ["http://example.org/p|1"],
                "extension": [{"url": f"{R4_EXTENSION}Meta.source", "valueUri": "urn:a"}],
            },
            "managingOrganization": {
                "reference": "Organization/1",
                "extension": [{"url": f"{R4_EXTENSION}Reference.type", "valueUri": "Organization"}],
            },
        },
        r4,
    )


@pytest.mark.parametrize(
    ("element", "code", "where"),
    [
        ("identifier", "old", "Patient.identifier[0].use"),
        ("address", "billing", "Patient.address[0].use"),
    ],
)
def test_a_use_that_stu3_lacks_is_refused(element, code, where):
    """It is a modifier: an identifier that was withdrawn would be taken for a valid one."""
    patient = {"resourceType": "Patient", element: [{"use": code, "_use": {"id": "u"}, "period": {"start": "2020"}}]}

    why = "and what holds this element means something else without it; leave that out."
    assert to_stu3(patient, now=NOW).issues == (impossible(where, f"STU3 has no code for {code}, {why}"),)


def timing(**repeat):
    return {"resourceType": "Patient", "extension": [{"url": "urn:when", "valueTiming": {"repeat": repeat}}]}


WHEN = "Patient.extension[0].value.repeat.when"


def test_codes_of_a_list_become_the_nearest_and_are_themselves_again_in_r4():
    r4 = timing(when=["NIGHT", "MORN.early", "EVE.late"], _when=[None, {"id": "w"}, None])

    text = "STU3 has no code for MORN.early, EVE.late: MORN, EVE is sent, and MORN.early, EVE.late in an extension."
    converted = told_in_stu3(r4, left_behind(WHEN, text))

    url = f"{R4_EXTENSION}Timing.repeat.when"
    assert converted == timing(
        when=["NIGHT", "MORN", "EVE"],
        _when=[None, {"id": "w"}, None],
        extension=[{"url": url, "valueCode": "MORN.early"}, {"url": url, "valueCode": "EVE.late"}],
    )
    assert r4_of(converted) == r4


@pytest.mark.parametrize(
    ("when", "lacking"),
    [({"when": ["NOON"]}, "NOON"), ({"when": ["NIGHT", "NOON"], "_when": [{"id": "w"}, None]}, "NOON")],
)
def test_a_list_with_a_code_that_stu3_has_nothing_near_for_is_told_by_extensions_alone(when, lacking):
    """A list of the others would say another thing."""
    text = f"STU3 has no code for {lacking}: it is sent in an extension alone."
    converted = told_in_stu3(timing(**when), left_behind(WHEN, text))

    assert "when" not in converted["extension"][0]["valueTiming"]["repeat"]
    assert r4_of(converted) == timing(**when)


def test_a_list_that_was_changed_in_stu3_is_not_overwritten_on_the_way_home():
    extension = {"url": f"{R4_EXTENSION}Timing.repeat.when", "valueCode": "NOON"}

    assert r4_of(timing(when=["NIGHT"], extension=[extension])) == timing(when=["NIGHT"], extension=[extension])


def test_a_modifier_that_the_other_version_lacks_is_refused():
    money = {"resourceType": "Patient", "extension": [{"url": "urn:fee", "valueMoney": {"comparator": "<"}}]}
    repeated = timing(count=1)
    repeated["extension"][0]["valueTiming"]["modifierExtension"] = [{"url": "urn:not", "valueBoolean": True}]

    text = "and the resource means something else without it."
    assert to_r4(money).issues == (
        impossible("Patient.extension[0].value.comparator", f"R4 has no Money.comparator, {text}"),
    )
    assert to_stu3(repeated, now=NOW).issues == (
        impossible("Patient.extension[0].value.modifierExtension", f"STU3 has no Timing.modifierExtension, {text}"),
    )


def test_what_stands_beside_a_list_of_one_goes_with_it():
    in_r4 = r4_of({"resourceType": "Patient", "gender": ["male"], "_gender": [{"id": "g"}]})

    assert in_r4 == {"resourceType": "Patient", "gender": "male", "_gender": {"id": "g"}}


def test_a_signature_is_signed_by_a_reference_in_both():
    in_both(
        {
            "resourceType": "Bundle",
            "type": "collection",
            "signature": {"whoReference": {"reference": "Device/1"}, "contentType": "image/png", "blob": "AAAA"},
        },
        {
            "resourceType": "Bundle",
            "type": "collection",
            "signature": {"who": {"reference": "Device/1"}, "sigFormat": "image/png", "data": "AAAA"},
        },
    )


def test_a_signature_signed_by_a_uri_refers_to_it_in_r4_and_is_a_uri_again_in_stu3():
    in_both(
        {"resourceType": "Bundle", "type": "collection", "signature": {"whoUri": "urn:me"}},
        {
            "resourceType": "Bundle",
            "type": "collection",
            "signature": {
                "extension": [{"url": f"{STU3_EXTENSION}Signature.who", "valueUri": "urn:me"}],
                "who": {"reference": "urn:me"},
            },
        },
    )


def test_a_signature_that_was_signed_anew_keeps_its_new_signer():
    extension = {"url": f"{STU3_EXTENSION}Signature.who", "valueUri": "urn:me"}
    signature = {"extension": [extension], "who": {"reference": "urn:you"}}

    assert stu3_of({"resourceType": "Bundle", "type": "collection", "signature": signature})["signature"] == {
        "extension": [extension],
        "whoReference": {"reference": "urn:you"},
    }


def test_money_has_a_currency_in_r4_and_its_code_and_system_in_stu3():
    def patient(money):
        return {"resourceType": "Patient", "extension": [{"url": "urn:fee", "valueMoney": money}]}

    in_both(
        patient({"value": Decimal("1.50"), "system": "urn:iso:std:iso:4217", "code": "EUR"}),
        patient({"value": Decimal("1.50"), "currency": "EUR"}),
    )


def test_money_that_is_no_iso_currency_travels_in_extensions():
    stu3 = {"resourceType": "Patient", "extension": [{"url": "urn:fee", "valueMoney": {"unit": "shells"}}]}

    assert stu3_of(r4_of(stu3)) == stu3


@pytest.mark.parametrize("name", ["valueUrl", "valueCanonical", "valueUuid"])
def test_an_extension_of_r4_that_holds_a_kind_of_uri_holds_a_uri_in_stu3_and_that_is_reported(name):
    patient = {"resourceType": "Patient", "extension": [{"url": "urn:x", name: "urn:y", f"_{name}": {"id": "i"}}]}

    converted = to_stu3(patient, now=NOW)

    assert converted == Converted(
        {
            "resourceType": "Patient",
            "extension": [{"url": "urn:x", "valueUri": "urn:y", "_valueUri": {"id": "i"}}],
        },
        (
            left_behind(
                "Patient.extension[0].value",
                f"STU3 has no {name[5:].lower()} in an extension: it is a uri there.",
            ),
        ),
    )


def test_an_extension_whose_type_stu3_lacks_is_left_behind():
    kept = {"url": "urn:kept", "valueString": "a"}
    patient = {"resourceType": "Patient", "extension": [{"url": "urn:x", "valueDosage": {"text": "1"}}, kept]}

    assert to_stu3(patient, now=NOW) == Converted(
        {"resourceType": "Patient", "extension": [kept]},
        (left_behind("Patient.extension[0]", "STU3 has no place for this: it is left behind."),),
    )


def test_a_modifier_extension_whose_type_stu3_lacks_is_an_error():
    patient = {"resourceType": "Patient", "modifierExtension": [{"url": "urn:x", "valueDosage": {"text": "1"}}]}

    assert to_stu3(patient, now=NOW) == Converted(
        {"resourceType": "Patient"},
        (
            impossible(
                "Patient.modifierExtension[0]",
                "STU3 has no extension that holds a Dosage, and this one must be understood.",
            ),
        ),
    )


# OperationOutcome


def test_an_issue_code_that_stu3_lacks_becomes_its_parent_and_is_itself_again_in_r4():
    r4 = {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "deleted"}]}

    converted = told_in_stu3(r4, nearest("OperationOutcome.issue[0].code", "deleted", "not-found"))

    assert converted == {
        "resourceType": "OperationOutcome",
        "issue": [
            {
                "severity": "error",
                "code": "not-found",
                "extension": [{"url": f"{R4_EXTENSION}OperationOutcome.issue.code", "valueCode": "deleted"}],
            }
        ],
    }
    assert r4_of(converted) == r4


@pytest.mark.parametrize(
    ("stu3", "r4"),
    [
        ("Condition.context", "Condition.encounter"),
        ("Bundle.entry[2].resource.assertedDate", "Bundle.entry[2].resource.recordedDate"),
        ("Bundle.entry[2].resource.ofType(Condition).context.reference",
         "Bundle.entry[2].resource.ofType(Condition).encounter.reference"),
        ("MessageHeader.timestamp", "Bundle.timestamp"),
        ("MessageHeader.event", "MessageHeader.event"),
        ("Patient.name[0].family", "Patient.name[0].family"),
    ],
)  # fmt: skip
def test_an_expression_names_the_element_of_its_version(stu3, r4):
    def outcome(expression):
        return {"resourceType": "OperationOutcome", "issue": [{"code": "invalid", "expression": [expression]}]}

    in_both(outcome(stu3), outcome(r4))


def test_lists_of_a_primitive_keep_their_alignment():
    absent = {"extension": [{"url": "urn:absent", "valueReference": {"reference": "Patient/1", "type": "Patient"}}]}
    r4 = {"resourceType": "Patient", "name": [{"given": [None, "Ann"], "_given": [absent, None]}]}

    converted = stu3_of(r4)

    reference = {
        "reference": "Patient/1",
        "extension": [{"url": f"{R4_EXTENSION}Reference.type", "valueUri": "Patient"}],
    }
    assert converted == {
        "resourceType": "Patient",
        "name": [
            {
                "given": [None, "Ann"],
                "_given": [{"extension": [{"url": "urn:absent", "valueReference": reference}]}, None],
            }
        ],
    }
    assert r4_of(converted) == r4


# What is not FHIR


@pytest.mark.parametrize(
    "path", ["Condition.recorder", "Condition.recorder.display", "Condition.nonsense", "Patient.x"]
)
def test_an_extension_that_cannot_be_the_element_it_names_stays_an_extension(path):
    stu3 = condition(extension=[{"url": f"{R4_EXTENSION}{path}", "valueString": "no Reference"}])

    assert r4_of(stu3) == stu3


@pytest.mark.parametrize("value", [None, 1, "text", [], [{"resourceType": "Patient"}]])
def test_what_is_no_resource_is_left_alone(value):
    assert (to_r4(value), to_stu3(value, now=NOW)) == (Converted(value, ()), Converted(value, ()))


@pytest.mark.parametrize("extension", [{"not": "a list"}, 1])
def test_what_fhir_does_not_know_is_left_alone(extension):
    odd = {
        "resourceType": "Patient",
        "nonsense": [1],
        "name": "not an object",
        "gender": {"an": "object"},
        "animal": ["no", "animal"],
        "extension": extension,
        "_birthDate": 1,
        "contact": [],
    }

    assert (r4_of(odd), stu3_of(odd)) == (odd, odd)


def test_a_resource_that_nests_too_deeply_is_an_error():
    nested: dict = {"url": "urn:x", "valueString": "x"}
    for _ in range(100_000):
        nested = {"url": "urn:x", "extension": [nested]}
    patient = {"resourceType": "Patient", "extension": [nested]}

    converted = to_r4(patient)

    assert converted.resource is patient
    assert converted.issues == (
        Issue("nested-too-deep", "structure", "The resource is nested too deeply to be converted."),
    )
