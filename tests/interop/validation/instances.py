"""Good resources for our profiles, as full as the profile allows, from which the bad ones are made by breaking a rule.

Names, numbers and dates are invented.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fhir_bridge.canonical import CANONICAL
from fhir_bridge.fhir.elements import Version
from tests.interop.validation.healthex_instances import HEALTHEX
from tests.interop.validation.wmda_instances import WMDA

Resource = dict[str, Any]

ROCHE = "http://roche.com/fhir/rdc/StructureDefinition"
OURS = f"{CANONICAL}/StructureDefinition"


@dataclass(frozen=True, slots=True)
class Instance:
    """One resource to judge: `group` is the profile's short name, `kind` how it was made, `name` what was done to it.

    `profile` is a canonical, or empty where FHIR's own definition is all that counts. All are of R4: a resource in
    STU3 must keep its profile once it is converted.
    """

    group: str
    kind: str
    name: str
    version: Version
    profile: str
    resource: Resource


_TEXT = {"status": "generated", "div": '<div xmlns="http://www.w3.org/1999/xhtml">Ivan Ivanov</div>'}

_PREPERSON: Resource = {
    "resourceType": "Patient",
    "id": "7c3da506-804d-4550-8993-bf17f9ee0402",
    "meta": {
        "versionId": "1",
        "lastUpdated": "2024-05-01T10:00:00.123+03:00",
        "profile": [f"{OURS}/ehealth-preperson"],
        "tag": [{"system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue", "code": "SUBSETTED"}],
    },
    "implicitRules": "http://example.org/rules",
    "language": "uk",
    "text": _TEXT,
    "contained": [{"resourceType": "Organization", "id": "clinic", "name": "Clinic"}],
    "extension": [{"url": f"{OURS}/preperson-note", "valueString": "Brought in by ambulance"}],
    "identifier": [
        {
            "use": "usual",
            "type": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0203", "code": "MR"}]},
            "system": f"{CANONICAL}/sid/ehealth-external-id",
            "value": "12345678.87654321.1",
            "period": {"start": "2020-01-01", "end": "2021-01-01T10:00:00Z"},
            "assigner": {"display": "Clinic"},
        }
    ],
    "active": True,
    "name": [{"use": "official", "family": "Іванов", "given": ["Петро", "Миколайович"], "prefix": ["Dr"]}],
    "telecom": [{"system": "email", "value": "a@example.org", "use": "home", "rank": 1}],
    "gender": "male",
    "birthDate": "1980-01-01",
    "_birthDate": {
        "extension": [
            {
                "url": "http://hl7.org/fhir/StructureDefinition/patient-birthTime",
                "valueDateTime": "1980-01-01T14:35:45-05:00",
            }
        ]
    },
    "deceasedDateTime": "2018-11-11T10:00:00+02:00",
    "address": [{"use": "home", "type": "both", "line": ["1 Street"], "city": "Київ", "country": "UA"}],
    "maritalStatus": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v3-MaritalStatus", "code": "M"}]},
    "multipleBirthInteger": 2,
    "photo": [{"contentType": "image/gif", "data": "R0lGODlh", "title": "photo"}],
    "contact": [
        {
            "relationship": [
                {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0131", "code": "C"}]},
            ],
            "name": {"family": "Іванова", "given": ["Марія", "Іванівна"]},
            "telecom": [{"system": "phone", "value": "+380501234567", "use": "mobile"}],
            "gender": "female",
            "period": {"start": "2020-01-01"},
        }
    ],
    "communication": [{"language": {"coding": [{"system": "urn:ietf:bcp:47", "code": "en"}]}, "preferred": True}],
    "generalPractitioner": [{"reference": "Practitioner/1", "display": "Dr"}],
    "managingOrganization": {"reference": "#clinic"},
    "link": [{"other": {"reference": "Patient/2"}, "type": "seealso"}],
}

_NEW_PREPERSON: Resource = {
    "resourceType": "Patient",
    "meta": {"profile": [f"{OURS}/ehealth-new-preperson"]},
    "extension": [{"url": f"{OURS}/preperson-note", "valueString": "Brought in by ambulance"}],
    "identifier": [{"system": f"{CANONICAL}/sid/ehealth-external-id", "value": "12345678.87654321.1"}],
    "active": True,
    "name": [{"use": "official", "family": "Іванов", "given": ["Петро", "Миколайович"]}],
    "gender": "male",
    "birthDate": "1980-01-01",
    "contact": [
        {
            "relationship": [{"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0131", "code": "C"}]}],
            "telecom": [{"system": "phone", "value": "+380501234567", "use": "mobile"}],
        }
    ],
}

_ROCHE_PATIENT: Resource = {
    "resourceType": "Patient",
    "id": "Bj6.1Lq-hvb-28",
    "identifier": [{"system": "urn:oid:2.16.724.4.41", "value": "12345678Z"}],
    "name": [{"family": "Doe", "given": ["John"]}],
    "telecom": [{"system": "phone", "value": "123456789"}],
    "gender": "male",
    "birthDate": "1991-01-01",
    "managingOrganization": {"identifier": {"system": "urn:oid:2.16.724.4.2", "value": "1"}},
}

_ROCHE_CONDITION: Resource = {
    "resourceType": "Condition",
    "id": "c1",
    "clinicalStatus": {
        "coding": [{"system": "http://terminology.hl7.org/CodeSystem/condition-clinical", "code": "active"}]
    },
    "code": {"coding": [{"system": "http://snomed.info/sct", "code": "44054006"}], "text": "Diabetes type 2"},
    "subject": {"reference": "Patient/Bj6.1Lq-hvb-28"},
}

_ROCHE_BARE_PATIENT: Resource = {
    **_ROCHE_PATIENT,
    "meta": {"profile": [f"{OURS}/roche-patient"]},
    "contained": [{**_ROCHE_CONDITION, "subject": {"reference": "#"}}],
}

_ROCHE_PRACTITIONER: Resource = {
    "resourceType": "Practitioner",
    "id": "sZX6uQW-VOH-0868",
    "meta": {"profile": [f"{ROCHE}/practitioner-v2"]},
    "identifier": [{"system": "urn:oid:2.16.724.4.305", "value": "11111111H"}],
    "name": [{"family": "Ruiz", "given": ["Eva"]}],
    "telecom": [{"system": "email", "value": "eva@example.org"}],
    "qualification": [{"code": {"text": "Endocrinologist"}}],
}

_ROCHE_HEADER: Resource = {
    "resourceType": "MessageHeader",
    "id": "88a37162-3d7c-41c3-89ab-6e25fd68ba00",
    "eventCoding": {"system": "http://roche.com/fhir/rdc/message-type", "code": "new-bundle"},
    "source": {"name": "Clinic", "endpoint": "urn:oid:2.16.724.4.2"},
    "focus": [{"reference": "Patient/Bj6.1Lq-hvb-28"}],
}

_BASE = "http://example.org/fhir"

_ROCHE_MESSAGE: Resource = {
    "resourceType": "Bundle",
    "id": "m1",
    "identifier": {"system": "urn:ietf:rfc:3986", "value": "urn:uuid:88a37162-3d7c-41c3-89ab-6e25fd68ba01"},
    "type": "message",
    "timestamp": "2020-03-27T12:21:39.471Z",
    "entry": [
        {"fullUrl": f"{_BASE}/{one['resourceType']}/{one['id']}", "resource": one}
        for one in (_ROCHE_HEADER, _ROCHE_PATIENT, _ROCHE_CONDITION)
    ],
}

_ROCHE_MESSAGE_STU3: Resource = {
    "resourceType": "Bundle",
    "id": "m1",
    "type": "message",
    "entry": [
        {
            "fullUrl": f"{_BASE}/MessageHeader/88a37162-3d7c-41c3-89ab-6e25fd68ba00",
            "resource": {
                "resourceType": "MessageHeader",
                "id": "88a37162-3d7c-41c3-89ab-6e25fd68ba00",
                "event": {"system": "http://roche.com/fhir/rdc/message-type", "code": "new-bundle"},
                "timestamp": "2020-03-27T12:21:39.471Z",
                "source": {"name": "Clinic", "endpoint": "urn:oid:2.16.724.4.2"},
                "focus": [{"reference": "Patient/Bj6.1Lq-hvb-28"}],
            },
        },
        {"fullUrl": f"{_BASE}/Patient/Bj6.1Lq-hvb-28", "resource": _ROCHE_PATIENT},
        {
            "fullUrl": f"{_BASE}/Condition/c1",
            "resource": {**_ROCHE_CONDITION, "clinicalStatus": "active"},
        },
    ],
}

_OUTCOME: Resource = {
    "resourceType": "OperationOutcome",
    "issue": [
        {
            "severity": "information",
            "code": "informational",
            "details": {"text": "The update runs by itself."},
            "diagnostics": "accepted",
            "expression": ["Parameters"],
        }
    ],
}


def _parameters(*items: Resource) -> Resource:
    return {"resourceType": "Parameters", "parameter": list(items)}


def _count(name: str) -> Resource:
    return {"name": name, "valueInteger": 3}


_UPDATE_DATA_IN = _parameters(
    {"name": "skipInteractive", "valueBoolean": True}, {"name": "project", "valueString": "project-1"}
)
_UPDATE_DATA_OUT = _parameters(
    {"name": "message", "valueCode": "UPDATE_STARTED"},
    {"name": "patientActionNeededReason", "valueCode": "SOMETHING_NEW"},
    {"name": "retrievalId", "valueString": "r1"},
    {"name": "skippedFacilitiesCount", "valueInteger": 1},
    {
        "name": "counts",
        "part": [
            _count("skippedExistingFacilities"),
            _count("changedExistingFacilities"),
            _count("unchangedExistingFacilities"),
            _count("retrievedNewFacilities"),
            _count("skippedNewFacilities"),
        ],
    },
    {"name": "outcome", "resource": _OUTCOME},
)
_STATUS_IN = _parameters({"name": "status", "valueCode": "STP"}, {"name": "reason", "valueCode": "PDC"})
_STATUS_OUT = _parameters(
    {"name": "status", "valueCode": "SUS"},
    {"name": "reason", "valueCode": "PDC"},
    {"name": "outcome", "resource": _OUTCOME},
)

_CODE_IN = _parameters(
    {"name": "code", "valueString": "c-1"},
    {"name": "redirectUri", "valueUri": "https://mis.example.org/signed-in"},
    {"name": "scope", "valueString": "preperson:read preperson:write"},
)
_REFRESH_IN = _parameters({"name": "refreshToken", "valueString": "r-1"})
_TOKEN_OUT = _parameters(
    {"name": "accessToken", "valueString": "a-1"},
    {"name": "expiresAt", "valueInstant": "2026-03-04T06:06:07Z"},
    {"name": "refreshToken", "valueString": "r-1"},
    {"name": "scope", "valueString": "preperson:read"},
    {"name": "user", "valueString": "u-1"},
)

GOOD: Mapping[str, tuple[Version, str, Resource]] = {
    "ehealth-preperson": ("4.0", f"{OURS}/ehealth-preperson", _PREPERSON),
    "ehealth-new-preperson": ("4.0", f"{OURS}/ehealth-new-preperson", _NEW_PREPERSON),
    "ehealth-exchange-code-in": ("4.0", f"{OURS}/ehealth-exchange-code-in", _CODE_IN),
    "ehealth-refresh-token-in": ("4.0", f"{OURS}/ehealth-refresh-token-in", _REFRESH_IN),
    "ehealth-token-out": ("4.0", f"{OURS}/ehealth-token-out", _TOKEN_OUT),
    "roche-message": ("4.0", f"{OURS}/roche-message", _ROCHE_MESSAGE),
    "roche-message-header": ("4.0", f"{ROCHE}/message-header", _ROCHE_HEADER),
    "roche-patient-v2": ("4.0", f"{ROCHE}/patient-v2", _ROCHE_PATIENT),
    "roche-condition": ("4.0", f"{ROCHE}/condition", _ROCHE_CONDITION),
    "roche-patient": ("4.0", f"{OURS}/roche-patient", _ROCHE_BARE_PATIENT),
    "roche-practitioner-v2": ("4.0", f"{ROCHE}/practitioner-v2", _ROCHE_PRACTITIONER),
    "healthex-update-data-in": ("4.0", f"{OURS}/healthex-update-data-in", _UPDATE_DATA_IN),
    "healthex-update-data-out": ("4.0", f"{OURS}/healthex-update-data-out", _UPDATE_DATA_OUT),
    **{name: ("4.0", f"{OURS}/{name}", resource) for name, resource in HEALTHEX.items()},
    **{name: ("4.0", f"{OURS}/{name}", resource) for name, resource in WMDA.items()},
    "wmda-update-search-status-in": ("4.0", f"{OURS}/wmda-update-search-status-in", _STATUS_IN),
    "wmda-update-search-status-out": ("4.0", f"{OURS}/wmda-update-search-status-out", _STATUS_OUT),
    "STU3 message": ("3.0", f"{OURS}/roche-message", _ROCHE_MESSAGE_STU3),
}
"""By the profile's short name: FHIR version, canonical and a good resource."""
