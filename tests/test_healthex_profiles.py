"""The profiles of HealthEx: what is demanded of a new patient, and of the Parameters of its operations."""

from __future__ import annotations

import pytest

from fhir_bridge.canonical import CANONICAL
from fhir_bridge.fhir.profile import profile_checker
from fhir_bridge.outcome import Issue, Json
from tests.interop.validation.healthex_instances import (
    COHORT_IN,
    CONSENT,
    EVERYTHING_IN,
    HEALTHEX,
    LINK_IN,
    LINK_OUT,
    NEW_PATIENT,
    STUDY,
)
from tests.test_profiles import DEFINITIONS, changed

PREFERENCE = f"{CANONICAL}/StructureDefinition/healthex-contact-preference"
NAME = (
    "HealthEx needs a first and a last name: give both in the name with use `official`, "
    "or in the first name without a use."
)
LANGUAGE = (
    "HealthEx needs the language to write in: give it as a coding of urn:ietf:bcp:47 in the communication with "
    "preferred = true, or in the first one without `preferred`."
)
ENGLISH = {"coding": [{"system": "urn:ietf:bcp:47", "code": "en"}]}


def issues(profile: str, resource: Json) -> list[Issue]:
    return profile_checker(f"StructureDefinition/{profile}", DEFINITIONS)(resource)


@pytest.mark.parametrize("profile", HEALTHEX)
def test_a_good_instance_has_no_issue(profile: str) -> None:
    assert issues(profile, HEALTHEX[profile]) == []


def test_a_patient_who_says_nothing_lacks_name_preference_and_language() -> None:
    assert issues("healthex-new-patient", {"resourceType": "Patient"}) == [
        Issue("too-few", "required", f"`extension` with `url` `{PREFERENCE}` is missing; add it.", "Patient.extension"),
        Issue("too-few", "required", "`name` is missing; add it.", "Patient.name"),
        Issue("too-few", "required", "`communication` is missing; add it.", "Patient.communication"),
    ]


@pytest.mark.parametrize(
    "names",
    [
        [{"family": "Berg", "given": ["Ann"]}],
        [{"use": "old", "family": "Dahl"}, {"family": "Berg", "given": ["Ann"]}],
        [{"family": "Dahl"}, {"use": "official", "family": "Berg", "given": ["Ann"]}],
    ],
)
def test_the_official_name_or_the_first_without_a_use_is_the_one_that_counts(names: Json) -> None:
    assert issues("healthex-new-patient", changed(NEW_PATIENT, name=names)) == []


@pytest.mark.parametrize(
    "names",
    [
        [{"family": "Berg"}],
        [{"use": "nickname", "family": "Berg", "given": ["Ann"]}],
        [{"use": "official", "given": ["Ann"]}, {"family": "Berg", "given": ["Ann"]}],
    ],
)
def test_a_name_in_two_parts_is_needed(names: Json) -> None:
    assert issues("healthex-new-patient", changed(NEW_PATIENT, name=names)) == [
        Issue("rule-broken", "invariant", NAME, "Patient")
    ]


@pytest.mark.parametrize(
    "communication",
    [
        [{"language": ENGLISH}],
        [{"language": {"text": "Norwegian"}}, {"language": ENGLISH, "preferred": True}],
        [{"language": {"text": "Norwegian"}, "preferred": False}, {"language": ENGLISH}],
    ],
)
def test_the_preferred_language_or_the_first_that_does_not_say_counts(communication: Json) -> None:
    assert issues("healthex-new-patient", changed(NEW_PATIENT, communication=communication)) == []


@pytest.mark.parametrize(
    "communication",
    [
        [{"language": {"text": "English"}}],
        [{"language": ENGLISH, "preferred": False}],
        [{"language": {"coding": [{"system": "urn:ietf:bcp:47"}]}}],
    ],
)
def test_a_language_as_a_code_is_needed(communication: Json) -> None:
    assert issues("healthex-new-patient", changed(NEW_PATIENT, communication=communication)) == [
        Issue("rule-broken", "invariant", LANGUAGE, "Patient")
    ]


def test_a_preference_is_for_one_of_two_ways() -> None:
    extension = [{"url": PREFERENCE, "valueCode": "fax"}]

    assert issues("healthex-new-patient", changed(NEW_PATIENT, extension=extension)) == [
        Issue(
            "not-in-value-set",
            "code-invalid",
            "`value` is not one of the codes that are allowed here; use `email` or `phone`.",
            "Patient.extension[0].value",
        )
    ]


def test_an_external_id_has_a_value() -> None:
    identifiers = [{"system": f"{CANONICAL}/sid/healthex-external-id"}, {"system": "http://clinic.example/mrn"}]

    assert issues("healthex-new-patient", changed(NEW_PATIENT, identifier=identifiers)) == [
        Issue("too-few", "required", "`value` is missing; add it.", "Patient.identifier[0].value")
    ]


def test_a_consent_tells_its_type_and_a_pause_whether_it_is_one() -> None:
    assert [issue.expression for issue in issues("healthex-consent", changed(CONSENT, category=[{"text": "x"}]))] == [
        "Consent.category"
    ]
    pause = [{**STUDY["extension"][0], "extension": [{"url": "reason", "valueString": "x"}]}]
    assert issues("healthex-study", changed(STUDY, extension=pause)) == [
        Issue(
            "too-few",
            "required",
            "`extension` with `url` `paused` is missing; add it.",
            "ResearchStudy.extension[0].extension",
        )
    ]


def test_a_parameter_that_an_operation_does_not_know_is_refused() -> None:
    def with_more(parameters: Json) -> Json:
        return changed(parameters, parameter=[*parameters["parameter"], {"name": "x", "valueString": "y"}])

    known = {
        "healthex-enrollment-link-in": (LINK_IN, "`externalId` and `project`"),
        "healthex-enrollment-link-out": (LINK_OUT, "`url`"),
        "healthex-person-everything-in": (EVERYTHING_IN, "`_count`, `_offset`, `_type` and `_since`"),
        "healthex-update-data-cohort-in": (COHORT_IN, "`group`, `patient`, `skipInteractive` and `project`"),
    }
    for profile, (good, names) in known.items():
        text = f"No `parameter` with this `name` is known here; known are {names}."
        place = f"Parameters.parameter[{len(good['parameter'])}]"
        (issue,) = issues(profile, with_more(good))
        assert (issue.text.replace("known is", "known are"), issue.expression) == (text, place)
