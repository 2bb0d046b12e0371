"""The definitions that ship with the bridge: whole, and refusing exactly what the partners cannot take.

Each bad instance is a good one with one rule broken.
"""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path
from typing import get_args

import pytest

from fhir_bridge.canonical import CANONICAL
from fhir_bridge.fhir.definitions import concept_table, load_definitions
from fhir_bridge.fhir.profile import profile_checker
from fhir_bridge.fhir.structure import structure_checker
from fhir_bridge.fhir.terminology import value_set_codes
from fhir_bridge.outcome import ErrorCode, Issue, Json

FOLDER = Path(__file__).parent.parent / "profiles"
DEFINITIONS = load_definitions(FOLDER)
PROFILES = [url for url, one in DEFINITIONS.resources.items() if one["resourceType"] == "StructureDefinition"]
ROCHE = "http://roche.com/fhir/rdc/StructureDefinition"


def changed(resource: Json, **elements: Json) -> Json:
    """Return a copy of a resource with other elements; None takes one out."""
    copy = {**deepcopy(resource), **elements}
    return {name: value for name, value in copy.items() if value is not None}


# --- the files ---


def test_the_folder_holds_no_problem() -> None:
    assert DEFINITIONS.problems == ()


@pytest.mark.parametrize("url", DEFINITIONS.resources)
def test_a_file_is_named_by_type_and_id_and_says_who_made_it_when(url: str) -> None:
    resource = DEFINITIONS.resources[url]
    kind, id_ = resource["resourceType"], resource["id"]

    assert DEFINITIONS.files[url] == f"profiles/{kind}-{id_}.json"
    assert url == f"{CANONICAL}/{kind}/{id_}" or url.startswith("http://roche.com/fhir/rdc/")
    assert (resource["status"], resource["publisher"]) == ("active", "fhir-bridge")
    assert all(resource[name] for name in ("version", "date", "name", "description"))
    assert kind == "SearchParameter" or resource["title"]  # FHIR gives these no title


@pytest.mark.parametrize("url", DEFINITIONS.resources)
def test_a_definition_has_the_structure_that_fhir_demands(url: str) -> None:
    assert structure_checker("4.0")(DEFINITIONS.resources[url]) == []


@pytest.mark.parametrize("canonical", PROFILES)
def test_a_profile_can_be_compiled(canonical: str) -> None:
    assert profile_checker(canonical, DEFINITIONS)(None) == []


def test_the_code_system_of_errors_defines_every_error_of_ours_and_no_other() -> None:
    concepts = DEFINITIONS.find("CodeSystem/bridge-error")["concept"]

    assert sorted(concept["code"] for concept in concepts) == sorted(get_args(ErrorCode))
    assert all(concept["display"] and concept["definition"] for concept in concepts)


@pytest.mark.parametrize(
    "name",
    [
        "healthex-consent-type",
        "healthex-study-type",
        "healthex-study-access",
        "healthex-error",
        "ehealth-error",
        "wmda-error",
        "roche-error",
        "wmda-change-reason",
    ],
)
def test_a_code_system_whose_codes_are_not_all_known_says_so(name: str) -> None:
    assert DEFINITIONS.find(f"CodeSystem/{name}")["content"] == "fragment"


def test_the_value_set_of_reasons_lets_all_known_ones_through() -> None:
    known = [concept["code"] for concept in DEFINITIONS.find("CodeSystem/wmda-change-reason")["concept"]]
    let_through = [code for _, code in value_set_codes("ValueSet/wmda-change-reason", DEFINITIONS)]

    assert len(known) == 20
    assert set(known) <= set(let_through)


@pytest.mark.parametrize(
    ("name", "to_partner", "to_fhir"),
    [
        ("ehealth-gender", {"male": "MALE", "female": "FEMALE"}, {"MALE": "male", "FEMALE": "female"}),
        (
            "ehealth-status",
            {"true": "ACTIVE", "false": "INACTIVE"},
            {"ACTIVE": "true", "active": "true", "INACTIVE": "false", "inactive": "false"},
        ),
        (
            "ehealth-phone-type",
            {"mobile": "MOBILE", "home": "LAND_LINE"},
            {"MOBILE": "mobile", "LAND_LINE": "home", "LANDLINE": "home"},
        ),
        ("healthex-consent-status", {"active": "true", "rejected": "false"}, {"true": "active", "false": "rejected"}),
        (
            "healthex-study-status",
            {"in-review": "DRAFT", "active": "ACTIVE", "completed": "COMPLETED", "withdrawn": "WITHDRAWN"},
            {"DRAFT": "in-review", "ACTIVE": "active", "COMPLETED": "completed", "WITHDRAWN": "withdrawn"},
        ),
        (
            "healthex-language",
            {
                **dict.fromkeys(("en", "en-AU", "en-CA", "en-GB", "en-IN", "en-NZ", "en-SG", "en-US"), "en"),
                **dict.fromkeys(("es", "es-AR", "es-ES", "es-MX", "es-US", "es-UY"), "es"),
            },
            {"en": "en", "es": "es"},
        ),
    ],
)
def test_a_concept_map_decides_every_code_in_both_directions(
    name: str, to_partner: dict[str, str], to_fhir: dict[str, str]
) -> None:
    table = concept_table(DEFINITIONS.find(f"ConceptMap/{name}"))

    assert (table.to_partner, table.to_fhir) == (to_partner, to_fhir)
    assert (table.to_partner_problems, table.to_fhir_problems) == ((), ())


# --- eHealth: the preperson ---

EXTERNAL_ID = f"{CANONICAL}/sid/ehealth-external-id"
RELATIONSHIPS = "http://terminology.hl7.org/CodeSystem/v2-0131"
NOTE = f"{CANONICAL}/StructureDefinition/preperson-note"
EMERGENCY = {"coding": [{"system": RELATIONSHIPS, "code": "C"}]}
NEXT_OF_KIN = {"coding": [{"system": RELATIONSHIPS, "code": "N"}]}
PHONE = {"system": "phone", "value": "+380501234567", "use": "mobile"}
MINE = {"system": EXTERNAL_ID, "value": "12345678.87654321.1"}
PREPERSON = {
    "resourceType": "Patient",
    "id": "7c3da506-804d-4550-8993-bf17f9ee0402",
    "extension": [{"url": NOTE, "valueString": "brought in by ambulance"}],
    "identifier": [MINE],
    "active": True,
    "name": [{"use": "official", "family": "Іванов", "given": ["Петро", "Миколайович"]}],
    "gender": "male",
    "birthDate": "1980-01-01",
    "deceasedDateTime": "2018-11-11",
    "contact": [
        {
            "relationship": [EMERGENCY],
            "name": {"family": "Іванова"},
            "telecom": [PHONE, {"system": "phone", "value": "+380441234567", "use": "home"}],
        }
    ],
}


def contact(**elements: Json) -> Json:
    return changed(PREPERSON, contact=[{"relationship": [EMERGENCY], "name": {"family": "Іванова"}, **elements}])


GOOD_PREPERSONS = {
    "all that can be sent": PREPERSON,
    "one field is a right update": {"resourceType": "Patient", "id": "1", "gender": "female"},
    "nothing at all": {"resourceType": "Patient"},
    "what eHealth cannot hold is allowed": changed(
        PREPERSON,
        maritalStatus={"text": "married"},
        telecom=[{"system": "email", "value": "a@example.org", "use": "work"}],
        identifier=[MINE, {"system": "http://example.org/mrn"}],
        extension=[{"url": "http://example.org/x", "valueCode": "y"}],
        _birthDate={"extension": [{"url": "http://example.org/x", "valueCode": "y"}]},
    ),
    "several identifiers of eHealth": changed(PREPERSON, identifier=[MINE, MINE]),
    "a contact that is no emergency contact": changed(
        PREPERSON, contact=[{"relationship": [NEXT_OF_KIN], "telecom": [{"system": "phone", "use": "work"}]}]
    ),
    "an emergency contact who is next of kin as well": contact(relationship=[NEXT_OF_KIN, EMERGENCY]),
    "an emergency contact's e-mail": contact(telecom=[{"system": "email", "use": "work"}]),
    "a telephone without a use": contact(telecom=[{"system": "phone", "value": "1"}]),
    "a telephone whose number is masked": contact(
        telecom=[{"system": "phone", "_value": {"extension": [{"url": "http://example.org/x", "valueCode": "masked"}]}}]
    ),
    "not deceased": changed(PREPERSON, deceasedDateTime=None, deceasedBoolean=False),
    "died on the day of birth": changed(PREPERSON, deceasedDateTime="1980-01-01"),
    "died early on the day of birth, east of Greenwich": changed(
        PREPERSON, deceasedDateTime="1980-01-01T00:30:00+03:00"
    ),
    "a date of death that is too short to compare": changed(PREPERSON, deceasedDateTime="1979"),
    "a date of birth that is too short to compare": changed(PREPERSON, birthDate="2019-01"),
    "a date of death without one of birth": changed(PREPERSON, birthDate=None),
    "a date of birth that is masked": changed(
        PREPERSON, birthDate=None, _birthDate={"extension": [{"url": "http://example.org/x", "valueCode": "masked"}]}
    ),
}

BAD_PREPERSONS = {
    "gender other": (
        changed(PREPERSON, gender="other"),
        Issue(
            "not-in-value-set",
            "code-invalid",
            "`gender` is not one of the codes that are allowed here; use `male` or `female`.",
            "Patient.gender",
        ),
    ),
    "an external id without a value": (
        changed(PREPERSON, identifier=[{"system": "http://example.org/mrn"}, {"system": EXTERNAL_ID}]),
        Issue("too-few", "required", "`value` is missing; add it.", "Patient.identifier[1].value"),
    ),
    "deceased, but no date": (
        changed(PREPERSON, deceasedDateTime=None, deceasedBoolean=True),
        Issue(
            "rule-broken",
            "invariant",
            "That a patient has died can be sent with a date only: give the date in deceasedDateTime.",
            "Patient.deceased",
        ),
    ),
    "died before birth": (
        changed(PREPERSON, deceasedDateTime="1979-12-31T23:59:00+02:00"),
        Issue(
            "rule-broken",
            "invariant",
            "The date of death must not be before the date of birth: correct one of them.",
            "Patient.deceased",
        ),
    ),
    "a telephone without a number": (
        contact(telecom=[{"system": "email", "value": "a@example.org"}, {"system": "phone", "use": "home"}]),
        Issue("too-few", "required", "`value` is missing; add it.", "Patient.contact[0].telecom[1].value"),
    ),
    "a telephone at work": (
        contact(telecom=[{**PHONE, "use": "work"}]),
        Issue(
            "not-in-value-set",
            "code-invalid",
            "`use` is not one of the codes that are allowed here; use `mobile` or `home`.",
            "Patient.contact[0].telecom[0].use",
        ),
    ),
    "the telephone of a second emergency contact": (
        changed(
            PREPERSON,
            contact=[
                {"relationship": [NEXT_OF_KIN]},
                {"relationship": [EMERGENCY], "telecom": [{**PHONE, "use": "old"}]},
            ],
        ),
        Issue(
            "not-in-value-set",
            "code-invalid",
            "`use` is not one of the codes that are allowed here; use `mobile` or `home`.",
            "Patient.contact[1].telecom[0].use",
        ),
    ),
    "a note that is no text": (
        changed(PREPERSON, extension=[{"url": NOTE, "valueCode": "x"}]),
        Issue(
            "wrong-type", "structure", "`value` has another type here; use `valueString`.", "Patient.extension[0].value"
        ),
    ),
    "a note without a text": (
        changed(PREPERSON, extension=[{"url": NOTE}]),
        Issue("too-few", "required", "`value` is missing; add it.", "Patient.extension[0].value"),
    ),
    "a note in a note": (
        changed(
            PREPERSON,
            extension=[{"url": NOTE, "valueString": "x", "extension": [{"url": "http://x", "valueCode": "x"}]}],
        ),
        Issue(
            "element-not-allowed",
            "invalid",
            "`extension` is not allowed here; remove it.",
            "Patient.extension[0].extension[0]",
        ),
    ),
    "two notes": (
        changed(PREPERSON, extension=[{"url": NOTE, "valueString": "x"}, {"url": NOTE, "valueString": "y"}]),
        Issue(
            "too-many",
            "invalid",
            f"`extension` with `url` `{NOTE}` may occur only once; remove this one.",
            "Patient.extension[1]",
        ),
    ),
}


# --- eHealth: a preperson that is to be created ---

NEW_PREPERSON = changed(PREPERSON, id=None, deceasedDateTime=None)

GOOD_NEW_PREPERSONS = {
    "all that can be sent": NEW_PREPERSON,
    "an external id and nothing else": {"resourceType": "Patient", "identifier": [MINE]},
    "another identifier beside the external id": changed(NEW_PREPERSON, identifier=[{"value": "1"}, MINE]),
    "not deceased": changed(NEW_PREPERSON, deceasedBoolean=False),
}

ALIVE = Issue(
    "rule-broken",
    "invariant",
    "A preperson is created alive: leave this out, and send deceasedDateTime by an update once the preperson is there.",
    "Patient.deceased",
)
BAD_NEW_PREPERSONS = {
    "no external id": (
        changed(NEW_PREPERSON, identifier=None),
        Issue(
            "too-few",
            "required",
            f"`identifier` with `system` `{EXTERNAL_ID}` is missing; add it.",
            "Patient.identifier",
        ),
    ),
    "two external ids": (
        changed(NEW_PREPERSON, identifier=[MINE, MINE]),
        Issue(
            "too-many",
            "invalid",
            f"`identifier` with `system` `{EXTERNAL_ID}` may occur only once; remove this one.",
            "Patient.identifier[1]",
        ),
    ),
    "a date of death": (changed(NEW_PREPERSON, deceasedDateTime="2018-11-11"), ALIVE),
    "deceased, but no date": (changed(NEW_PREPERSON, deceasedBoolean=True), ALIVE),
    "gender other": (
        changed(NEW_PREPERSON, gender="other"),
        Issue(
            "not-in-value-set",
            "code-invalid",
            "`gender` is not one of the codes that are allowed here; use `male` or `female`.",
            "Patient.gender",
        ),
    ),
}


# --- HealthEx and WMDA: Parameters ---


def parameters(*items: Json) -> Json:
    return {"resourceType": "Parameters", "parameter": list(items)} if items else {"resourceType": "Parameters"}


OUTCOME = {
    "name": "outcome",
    "resource": {"resourceType": "OperationOutcome", "issue": [{"severity": "information", "code": "informational"}]},
}
UNKNOWN_STATUS = Issue(
    "not-in-value-set",
    "code-invalid",
    "`value` is not one of the codes that are allowed here; use `PRE`, `ACT`, `SUS` or `STP`.",
    "Parameters.parameter[0].value",
)

GOOD_PARAMETERS = {
    "healthex: nothing": ("healthex-update-data-in", parameters()),
    "healthex: all": (
        "healthex-update-data-in",
        parameters({"name": "project", "valueString": "p1"}, {"name": "skipInteractive", "valueBoolean": True}),
    ),
    "healthex: an answer with codes that nobody knows": (
        "healthex-update-data-out",
        parameters(
            {"name": "message", "valueCode": "SOMETHING_NEW"},
            {"name": "patientActionNeededReason", "valueCode": "SOMETHING_NEW"},
            {"name": "retrievalId", "valueString": "r1"},
            {"name": "skippedFacilitiesCount", "valueInteger": 1},
            {"name": "counts", "part": [{"name": "skippedExistingFacilities", "valueInteger": 1}]},
            OUTCOME,
        ),
    ),
    "wmda: a change": ("wmda-update-search-status-in", parameters({"name": "status", "valueCode": "ACT"})),
    "wmda: a stop with its reason, in any order": (
        "wmda-update-search-status-in",
        parameters({"name": "reason", "valueCode": "PDC"}, {"name": "status", "valueCode": "STP"}),
    ),
    "wmda: an answer with codes that nobody knows": (
        "wmda-update-search-status-out",
        parameters({"name": "status", "valueCode": "XXX"}, {"name": "reason", "valueCode": "YYY"}, OUTCOME),
    ),
}

BAD_PARAMETERS = {
    "healthex: text for true": (
        "healthex-update-data-in",
        parameters({"name": "skipInteractive", "valueString": "true"}),
        [
            Issue(
                "wrong-type",
                "structure",
                "`value` has another type here; use `valueBoolean`.",
                "Parameters.parameter[0].value",
            )
        ],
    ),
    "healthex: no value": (
        "healthex-update-data-in",
        parameters({"name": "project"}),
        [Issue("too-few", "required", "`value` is missing; add it.", "Parameters.parameter[0].value")],
    ),
    "healthex: twice, and a name in the wrong case": (
        "healthex-update-data-in",
        parameters(
            {"name": "project", "valueString": "p1"},
            {"name": "project", "valueString": "p2"},
            {"name": "skipinteractive", "valueBoolean": True},
        ),
        [
            Issue(
                "too-many",
                "invalid",
                "`parameter` with `name` `project` may occur only once; remove this one.",
                "Parameters.parameter[1]",
            ),
            Issue(
                "no-slice",
                "invalid",
                "No `parameter` with this `name` is known here; did you mean `skipInteractive`? "
                "Known are `skipInteractive` and `project`.",
                "Parameters.parameter[2]",
            ),
        ],
    ),
    "healthex: an answer without its message and outcome, with counts astray": (
        "healthex-update-data-out",
        parameters(
            {
                "name": "counts",
                "valueInteger": 3,
                "part": [
                    {"name": "skippedExistingFacilities", "valueString": "1"},
                    {"name": "Zählung", "valueInteger": 1},
                ],
            },
        ),
        [
            Issue(
                "element-not-allowed",
                "invalid",
                "`value` is not allowed here; remove it.",
                "Parameters.parameter[0].value",
            ),
            Issue(
                "wrong-type",
                "structure",
                "`value` has another type here; use `valueInteger`.",
                "Parameters.parameter[0].part[0].value",
            ),
            Issue(
                "no-slice",
                "invalid",
                "No `part` with this `name` is known here; known are `skippedExistingFacilities`, "
                "`changedExistingFacilities`, `unchangedExistingFacilities`, `retrievedNewFacilities` and "
                "`skippedNewFacilities`.",
                "Parameters.parameter[0].part[1]",
            ),
            Issue(
                "too-few", "required", "`parameter` with `name` `message` is missing; add it.", "Parameters.parameter"
            ),
            Issue(
                "too-few", "required", "`parameter` with `name` `outcome` is missing; add it.", "Parameters.parameter"
            ),
        ],
    ),
    "healthex: counts of nothing": (
        "healthex-update-data-out",
        parameters({"name": "message", "valueCode": "x"}, {"name": "counts"}, OUTCOME),
        [Issue("too-few", "required", "`part` is missing; add it.", "Parameters.parameter[1].part")],
    ),
    "healthex: an outcome that is none": (
        "healthex-update-data-out",
        parameters(
            {"name": "message", "valueCode": "PATIENT_ACTION_NEEDED"},
            {"name": "outcome", "resource": {"resourceType": "Patient"}},
        ),
        [
            Issue(
                "wrong-type",
                "structure",
                "`resource` must be of type `OperationOutcome` here; send that.",
                "Parameters.parameter[1].resource",
            )
        ],
    ),
    "wmda: nothing": (
        "wmda-update-search-status-in",
        parameters(),
        [Issue("too-few", "required", "`parameter` with `name` `status` is missing; add it.", "Parameters.parameter")],
    ),
    "wmda: a status that cannot be asked for": (
        "wmda-update-search-status-in",
        parameters({"name": "status", "valueCode": "NEW"}),
        [UNKNOWN_STATUS],
    ),
    "wmda: a status that is hidden": (
        "wmda-update-search-status-in",
        parameters(
            {"name": "status", "_valueCode": {"extension": [{"url": "http://x", "valueCode": "masked"}]}},
            {"name": "reason", "valueCode": "PDC"},
        ),
        [
            Issue(
                "too-few",
                "required",
                "`value` has no value, and extensions are not enough here; add the value.",
                "Parameters.parameter[0].value",
            )
        ],
    ),
    "wmda: a status without a value": (
        "wmda-update-search-status-in",
        parameters({"name": "status"}),
        [Issue("too-few", "required", "`value` is missing; add it.", "Parameters.parameter[0].value")],
    ),
    "wmda: a stop without a reason": (
        "wmda-update-search-status-in",
        parameters({"name": "status", "valueCode": "STP"}),
        [
            Issue(
                "rule-broken",
                "invariant",
                "Stopping a search (STP) needs a reason: add the parameter `reason` with one of WMDA's codes.",
                "Parameters.parameter[0]",
            )
        ],
    ),
    "wmda: a stop without a reason, its code with an extension": (
        "wmda-update-search-status-in",
        parameters(
            {"name": "status", "valueCode": "STP", "_valueCode": {"extension": [{"url": "http://x", "valueCode": "y"}]}}
        ),
        [
            Issue(
                "rule-broken",
                "invariant",
                "Stopping a search (STP) needs a reason: add the parameter `reason` with one of WMDA's codes.",
                "Parameters.parameter[0]",
            )
        ],
    ),
    "wmda: all at once": (
        "wmda-update-search-status-in",
        parameters(
            {"name": "status", "valueCode": "stp", "part": [{"name": "x", "valueCode": "y"}]},
            {"name": "reason", "valueCode": "PDX"},
            {"name": "raeson", "valueCode": "PDC"},
        ),
        [
            UNKNOWN_STATUS,
            Issue(
                "element-not-allowed",
                "invalid",
                "`part` is not allowed here; remove it.",
                "Parameters.parameter[0].part[0]",
            ),
            Issue(
                "not-in-value-set",
                "code-invalid",
                "`value` is not one of the codes that are allowed here; use `ATX`, `RMT`, `UMT`, `RCT`, `UCT`, `RPT`, "
                "`UPT`, `GCC`, `BCC`, `PDC`, `PAT`, `PPR`, `ICH`, `FND`, `NDF`, `NPH`, `NML`, `RCM`, `OTH` or `UNK`.",
                "Parameters.parameter[1].value",
            ),
            Issue(
                "no-slice",
                "invalid",
                "No `parameter` with this `name` is known here; did you mean `reason`? "
                "Known are `status` and `reason`.",
                "Parameters.parameter[2]",
            ),
        ],
    ),
}


# --- Roche: the message ---

HEADER = {
    "resourceType": "MessageHeader",
    "eventCoding": {"system": "http://roche.com/fhir/rdc/message-type", "code": "new-bundle"},
    "source": {"endpoint": "2.16.724.4.2"},
}
PATIENT = {
    "resourceType": "Patient",
    "id": "Bj6.1Lq-hvb-28",
    "identifier": [{"system": "urn:oid:2.16.724.4.41", "value": "12345678Z"}],
    "name": [{"family": "Roe", "given": ["Ana"]}],
}
CONDITION = {
    "resourceType": "Condition",
    "clinicalStatus": {
        "coding": [{"system": "http://terminology.hl7.org/CodeSystem/condition-clinical", "code": "active"}]
    },
    "code": {"coding": [{"system": "http://snomed.info/sct", "code": "426875007", "display": "LADA"}]},
    "subject": {"reference": "Patient/another"},
}


def message(*resources: Json, **elements: Json) -> Json:
    entries = [{"resource": resource} for resource in resources]
    return {"resourceType": "Bundle", "type": "message", "entry": entries, **elements}


GOOD_MESSAGES = {
    "patient and condition": message(HEADER, PATIENT, CONDITION),
    "patient alone": message(HEADER, PATIENT),
    "two conditions": message(HEADER, PATIENT, CONDITION, CONDITION),
    "an event that is not known yet": message(
        changed(HEADER, eventCoding={"system": "http://roche.com/fhir/rdc/message-type", "code": "other"}), PATIENT
    ),
    "an organisation as well": message(HEADER, PATIENT, {"resourceType": "Organization", "name": "x"}),
    "a managing organisation in the shape of Roche's sample": message(
        HEADER, changed(PATIENT, managingOrganization={"identifier": [{"system": "urn:oid:", "value": "2.16.724.4.2"}]})
    ),
}

BAD_MESSAGES = {
    "not a message": (
        message(HEADER, PATIENT, type="collection"),
        [Issue("value-not-allowed", "value", "`type` must be `message` here; correct it.", "Bundle.type")],
    ),
    "the header second": (
        message(PATIENT, HEADER),
        [
            Issue(
                "rule-broken", "invariant", "The MessageHeader must be the first entry: move it to the front.", "Bundle"
            )
        ],
    ),
    "nothing in it": (
        {"resourceType": "Bundle", "type": "message"},
        [
            Issue(
                "too-few",
                "required",
                "`entry` with `resource` of type `MessageHeader` is missing; add it.",
                "Bundle.entry",
            ),
            Issue(
                "too-few", "required", "`entry` with `resource` of type `Patient` is missing; add it.", "Bundle.entry"
            ),
        ],
    ),
    "two patients": (
        message(HEADER, PATIENT, PATIENT, CONDITION),
        [
            Issue(
                "too-many",
                "invalid",
                "`entry` with `resource` of type `Patient` may occur only once; remove this one.",
                "Bundle.entry[2]",
            ),
        ],
    ),
    "an event that is a URL": (
        message(changed(HEADER, eventCoding=None, eventUri="http://example.org/x"), PATIENT),
        [
            Issue(
                "wrong-type",
                "structure",
                "`event` has another type here; use `eventCoding`.",
                "Bundle.entry[0].resource.event",
            )
        ],
    ),
    "a patient without what Roche demands": (
        message(HEADER, changed(PATIENT, identifier=[{}], name=[{"text": "Ana Roe"}])),
        [
            Issue(
                "too-few", "required", "`system` is missing; add it.", "Bundle.entry[1].resource.identifier[0].system"
            ),
            Issue("too-few", "required", "`value` is missing; add it.", "Bundle.entry[1].resource.identifier[0].value"),
            Issue("too-few", "required", "`family` is missing; add it.", "Bundle.entry[1].resource.name[0].family"),
            Issue("too-few", "required", "`given` is missing; add it.", "Bundle.entry[1].resource.name[0].given"),
        ],
    ),
    "a patient with two names": (
        message(HEADER, changed(PATIENT, name=[*PATIENT["name"], *PATIENT["name"]])),
        [
            Issue(
                "too-many",
                "invalid",
                "`name` may occur only once; remove this one.",
                "Bundle.entry[1].resource.name[1]",
            )
        ],
    ),
    "a patient without identifier and name": (
        message(HEADER, {"resourceType": "Patient"}),
        [
            Issue("too-few", "required", "`identifier` is missing; add it.", "Bundle.entry[1].resource.identifier"),
            Issue("too-few", "required", "`name` is missing; add it.", "Bundle.entry[1].resource.name"),
        ],
    ),
    "a relapse, which STU3 does not know": (
        message(
            HEADER,
            PATIENT,
            changed(
                CONDITION,
                clinicalStatus={
                    "coding": [
                        {"system": "http://terminology.hl7.org/CodeSystem/condition-clinical", "code": "relapse"}
                    ]
                },
            ),
        ),
        [
            Issue(
                "not-in-value-set",
                "code-invalid",
                "`clinicalStatus` is not one of the codes that are allowed here; "
                "use `active`, `recurrence`, `inactive`, `remission` or `resolved`.",
                "Bundle.entry[2].resource.clinicalStatus",
            )
        ],
    ),
    "a condition that says no status and no code": (
        message(HEADER, PATIENT, changed(CONDITION, clinicalStatus=None, code=None)),
        [
            Issue(
                "too-few", "required", "`clinicalStatus` is missing; add it.", "Bundle.entry[2].resource.clinicalStatus"
            ),
            Issue("too-few", "required", "`code` is missing; add it.", "Bundle.entry[2].resource.code"),
        ],
    ),
}


# --- Roche: the patient by itself, and the practitioner ---

CONTAINED = changed(CONDITION, id="diabetes", subject={"reference": "#"})
RELAPSED = {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/condition-clinical", "code": "relapse"}]}

GOOD_PATIENTS = {
    "a patient alone": PATIENT,
    "a patient with a condition": changed(PATIENT, contained=[CONTAINED]),
    "a patient with two conditions": changed(PATIENT, contained=[CONTAINED, changed(CONTAINED, id="another")]),
    "a patient with an organisation as well": changed(
        PATIENT,
        contained=[{"resourceType": "Organization", "id": "clinic"}, CONTAINED],
        managingOrganization={"reference": "#clinic"},
    ),
    "a patient without id, to be created": changed(PATIENT, id=None),
}

BAD_PATIENTS = {
    "nothing in it": (
        {"resourceType": "Patient"},
        [
            Issue("too-few", "required", "`identifier` is missing; add it.", "Patient.identifier"),
            Issue("too-few", "required", "`name` is missing; add it.", "Patient.name"),
        ],
    ),
    "two names": (
        changed(PATIENT, name=[{"family": "Roe", "given": ["Ana"]}, {"text": "Ani"}]),
        [Issue("too-many", "invalid", "`name` may occur only once; remove this one.", "Patient.name[1]")],
    ),
    "a relapse, and a status that Roche does not take": (
        changed(PATIENT, contained=[changed(CONTAINED, clinicalStatus=RELAPSED, verificationStatus={"text": "x"})]),
        [
            Issue(
                "not-in-value-set",
                "code-invalid",
                "`clinicalStatus` is not one of the codes that are allowed here; "
                "use `active`, `recurrence`, `inactive`, `remission` or `resolved`.",
                "Patient.contained[0].clinicalStatus",
            ),
            Issue(
                "element-not-allowed",
                "invalid",
                "`verificationStatus` is not allowed here; remove it.",
                "Patient.contained[0].verificationStatus",
            ),
        ],
    ),
}

PRACTITIONER = {
    "resourceType": "Practitioner",
    "identifier": [{"system": "urn:oid:2.16.724.4.305", "value": "11111111H"}],
    "name": [{"family": "Ruiz", "given": ["Eva"]}],
}


def test_a_practitioner_with_identifier_and_name_keeps_the_profile() -> None:
    assert profile_checker(f"{ROCHE}/practitioner-v2", DEFINITIONS)(PRACTITIONER) == []


def test_a_practitioner_lacks_what_roche_demands() -> None:
    check = profile_checker(f"{ROCHE}/practitioner-v2", DEFINITIONS)

    assert check({"resourceType": "Practitioner", "identifier": [{}], "name": [{"text": "Eva Ruiz"}]}) == [
        Issue("too-few", "required", f"`{name}` is missing; add it.", f"Practitioner.{element}[0].{name}")
        for element, name in (
            ("identifier", "system"),
            ("identifier", "value"),
            ("name", "family"),
            ("name", "given"),
        )
    ]


PROHIBITED: dict[str, tuple[str, Json]] = {
    "identifier": ("identifier[0]", [{"value": "1"}]),
    "verificationStatus": ("verificationStatus", {"text": "x"}),
    "category": ("category[0]", [{"text": "x"}]),
    "severity": ("severity", {"text": "x"}),
    "bodySite": ("bodySite[0]", [{"text": "x"}]),
    "encounter": ("encounter", {"reference": "Encounter/1"}),
    "onsetDateTime": ("onset", "2020"),
    "onsetString": ("onset", "as a child"),
    "abatementAge": ("abatement", {"value": 3}),
    "recordedDate": ("recordedDate", "2020"),
    "asserter": ("asserter", {"reference": "Patient/1"}),
    "stage": ("stage[0]", [{"summary": {"text": "x"}}]),
    "evidence": ("evidence[0]", [{"code": [{"text": "x"}]}]),
    "note": ("note[0]", [{"text": "x"}]),
}


@pytest.mark.parametrize("name", PROHIBITED)
def test_a_condition_that_says_more_than_roche_takes_is_refused(name: str) -> None:
    step, value = PROHIBITED[name]
    element = step.partition("[")[0]
    check = profile_checker(f"{ROCHE}/condition", DEFINITIONS)

    assert check(changed(CONDITION, **{name: value})) == [
        Issue("element-not-allowed", "invalid", f"`{element}` is not allowed here; remove it.", f"Condition.{step}")
    ]


def test_a_coding_of_a_condition_has_no_version() -> None:
    coding = {"system": "http://snomed.info/sct", "version": "1", "code": "46635009", "userSelected": True}
    check = profile_checker(f"{ROCHE}/condition", DEFINITIONS)

    assert check(changed(CONDITION, code={"coding": [{"code": "1"}, coding]})) == [
        Issue(
            "element-not-allowed",
            "invalid",
            f"`{name}` is not allowed here; remove it.",
            f"Condition.code.coding[1].{name}",
        )
        for name in ("version", "userSelected")
    ]


# --- the tables above ---

GOOD = {
    **{f"ehealth: {name}": ("ehealth-preperson", one) for name, one in GOOD_PREPERSONS.items()},
    **{f"ehealth, new: {name}": ("ehealth-new-preperson", one) for name, one in GOOD_NEW_PREPERSONS.items()},
    **GOOD_PARAMETERS,
    **{f"roche: {name}": ("roche-message", one) for name, one in GOOD_MESSAGES.items()},
    **{f"roche, bare: {name}": ("roche-patient", one) for name, one in GOOD_PATIENTS.items()},
}
BAD = {
    **{f"ehealth: {name}": ("ehealth-preperson", one, [issue]) for name, (one, issue) in BAD_PREPERSONS.items()},
    **{
        f"ehealth, new: {name}": ("ehealth-new-preperson", one, [issue])
        for name, (one, issue) in BAD_NEW_PREPERSONS.items()
    },
    **BAD_PARAMETERS,
    **{f"roche: {name}": ("roche-message", one, issues) for name, (one, issues) in BAD_MESSAGES.items()},
    **{f"roche, bare: {name}": ("roche-patient", one, issues) for name, (one, issues) in BAD_PATIENTS.items()},
}


@pytest.mark.parametrize("name", GOOD)
def test_a_good_instance_has_no_issue(name: str) -> None:
    profile, resource = GOOD[name]

    assert profile_checker(f"StructureDefinition/{profile}", DEFINITIONS)(resource) == []


@pytest.mark.parametrize("name", BAD)
def test_a_bad_instance_has_exactly_its_issues(name: str) -> None:
    profile, resource, issues = BAD[name]

    assert profile_checker(f"StructureDefinition/{profile}", DEFINITIONS)(resource) == issues
