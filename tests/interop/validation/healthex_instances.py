"""Good resources for the profiles of HealthEx; names, numbers and dates are invented."""

from __future__ import annotations

from typing import Any

from fhir_bridge.canonical import CANONICAL

Resource = dict[str, Any]

_OURS = f"{CANONICAL}/StructureDefinition"
_CODES = f"{CANONICAL}/CodeSystem"


def _extension(name: str, **value: Any) -> Resource:
    return {"url": f"{_OURS}/{name}", **value}


def _parameters(*items: Resource) -> Resource:
    return {"resourceType": "Parameters", "parameter": list(items)}


def _concept(system: str, code: str) -> Resource:
    return {"coding": [{"system": system, "code": code}]}


NEW_PATIENT: Resource = {
    "resourceType": "Patient",
    "meta": {"profile": [f"{_OURS}/healthex-new-patient"]},
    "extension": [
        _extension("healthex-contact-preference", valueCode="email"),
        _extension(
            "healthex-targeted-facility",
            valueIdentifier={"system": "http://hl7.org/fhir/sid/us-npi", "value": "1234567893"},
        ),
        _extension("healthex-only-targeted-facilities", valueBoolean=True),
        _extension("healthex-project", valueString="second-study"),
        _extension("healthex-suppress-notifications", valueBoolean=True),
    ],
    "identifier": [
        {"system": f"{CANONICAL}/sid/healthex-external-id", "value": "MRN-1"},
        {
            "type": _concept("http://terminology.hl7.org/CodeSystem/v2-0203", "MR"),
            "system": "http://clinic.example/mrn",
            "value": "1",
        },
    ],
    "name": [{"use": "official", "family": "Berg", "given": ["Ann"]}],
    "telecom": [{"system": "email", "value": "ann@example.org"}, {"system": "phone", "value": "+15550100"}],
    "birthDate": "1984-02-29",
    "communication": [{"language": _concept("urn:ietf:bcp:47", "en-US"), "preferred": True}],
}

CONSENT: Resource = {
    "resourceType": "Consent",
    "id": "11",
    "meta": {"profile": [f"{_OURS}/healthex-consent"]},
    "extension": [
        {
            "url": "http://hl7.org/fhir/StructureDefinition/workflow-researchStudy",
            "valueReference": {"reference": "ResearchStudy/694d61c2-3f1b"},
        }
    ],
    "status": "active",
    "scope": _concept("http://terminology.hl7.org/CodeSystem/consentscope", "patient-privacy"),
    "category": [
        _concept("http://loinc.org", "59284-0"),
        _concept(f"{_CODES}/healthex-consent-type", "DATA_AUTHORIZATION"),
    ],
    "patient": {"reference": "Patient/17d4513f-73e8"},
    "organization": [{"identifier": {"system": f"{CANONICAL}/sid/healthex-organization", "value": "organization-1"}}],
    "policyRule": {"text": "The terms that HealthEx shows the patient"},
    "provision": {"period": {"end": "2027-03-31T00:00:00.000Z"}},
}

STUDY: Resource = {
    "resourceType": "ResearchStudy",
    "id": "694d61c2-3f1b",
    "meta": {"profile": [f"{_OURS}/healthex-study"]},
    "extension": [
        _extension(
            "healthex-study-pause",
            extension=[
                {"url": "paused", "valueBoolean": True},
                {"url": "reason", "valueString": "Waiting for the ethics committee"},
            ],
        )
    ],
    "title": "Life with asthma",
    "status": "active",
    "category": [
        _concept(f"{_CODES}/healthex-study-type", "REGISTRY"),
        _concept(f"{_CODES}/healthex-study-access", "FULL_RECORD_IDENTIFIED"),
    ],
    "relatedArtifact": [{"type": "documentation", "label": "Enrollment", "url": "https://app.healthex.io/"}],
    "sponsor": {"identifier": {"system": f"{CANONICAL}/sid/healthex-organization", "value": "organization-1"}},
}

LINK_IN = _parameters(
    {"name": "externalId", "valueString": "MRN-1"},
    {"name": "project", "valueString": "second-study"},
)
LINK_OUT = _parameters({"name": "url", "valueUrl": "https://app.healthex.io/#/patient-consent"})
EVERYTHING_IN = _parameters(
    {"name": "_count", "valueInteger": 10},
    {"name": "_offset", "valueInteger": 20},
    {"name": "_type", "valueCode": "Observation"},
    {"name": "_type", "valueCode": "Condition"},
    {"name": "_since", "valueInstant": "2026-01-01T00:00:00Z"},
)
COHORT_IN = _parameters(
    {"name": "patient", "valueReference": {"reference": "Patient/17d4513f-73e8"}},
    {"name": "patient", "valueReference": {"reference": "Patient/consent-expired"}},
    {
        "name": "group",
        "resource": {
            "resourceType": "Group",
            "type": "person",
            "actual": True,
            "member": [{"entity": {"reference": "Patient/sign-in-expired"}, "inactive": False}],
        },
    },
    {"name": "skipInteractive", "valueBoolean": True},
    {"name": "project", "valueString": "second-study"},
)
COHORT_OUT = _parameters(
    {
        "name": "result",
        "part": [
            {"name": "patient", "valueReference": {"reference": "Patient/17d4513f-73e8"}},
            {"name": "status", "valueInteger": 200},
            {"name": "return", "resource": _parameters({"name": "message", "valueCode": "UPDATE_STARTED"})},
        ],
    }
)

# By the profile's short name.
HEALTHEX = {
    "healthex-new-patient": NEW_PATIENT,
    "healthex-consent": CONSENT,
    "healthex-study": STUDY,
    "healthex-enrollment-link-in": LINK_IN,
    "healthex-enrollment-link-out": LINK_OUT,
    "healthex-person-everything-in": EVERYTHING_IN,
    "healthex-update-data-cohort-in": COHORT_IN,
    "healthex-update-data-cohort-out": COHORT_OUT,
}
