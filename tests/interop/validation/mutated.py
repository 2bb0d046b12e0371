"""Patients with one thing changed, judged by FHIR's own definition alone: no profile of ours has a say."""

from __future__ import annotations

from collections.abc import Iterator

from fhir_bridge.fhir.elements import Version
from fhir_bridge.outcome import Json
from tests.interop.validation.instances import Instance
from tests.mutants import mutants

R4_PATIENTS, STU3_PATIENTS = 400, 200

_BOTH: Json = {
    "resourceType": "Patient",
    "id": "ada",
    "meta": {
        "versionId": "1",
        "lastUpdated": "2024-05-06T07:08:09Z",
        "tag": [{"system": "http://example.org/t", "code": "a"}],
    },
    "extension": [{"url": "http://example.org/note", "valueString": "a note"}],
    "identifier": [
        {
            "use": "official",
            "system": "http://example.org/mrn",
            "value": "12345",
            "period": {"start": "2001-05-06", "end": "2031-05-06"},
            "assigner": {"display": "Clinic"},
        }
    ],
    "active": True,
    "name": [{"use": "official", "family": "Lovelace", "given": ["Ada", "Augusta"], "period": {"start": "1835"}}],
    "telecom": [{"system": "phone", "value": "+44 1", "use": "home", "rank": 1}],
    "gender": "female",
    "birthDate": "1815-12-10",
    "deceasedDateTime": "1852-11-27",
    "address": [{"use": "home", "type": "both", "line": ["1 St James's Square"], "city": "London", "country": "GB"}],
    "photo": [{"contentType": "image/png", "url": "http://example.org/ada.png", "size": 1024, "creation": "1838"}],
    "contact": [
        {
            "name": {"family": "King", "given": ["William"]},
            "telecom": [{"system": "email", "value": "w@example.org"}],
            "gender": "male",
            "organization": {"reference": "Organization/1"},
        }
    ],
    "communication": [{"language": {"text": "English"}, "preferred": True}],
    "generalPractitioner": [{"reference": "Practitioner/1", "display": "Dr X"}],
    "managingOrganization": {"reference": "Organization/1"},
    "link": [{"other": {"reference": "Patient/2"}, "type": "seealso"}],
}


def mutated_patients() -> Iterator[Instance]:
    """Yield the patients as they are, then mutants of them in R4 and STU3, the same each time."""
    yield from _of("patient R4", "4.0", R4_PATIENTS)
    yield from _of("patient STU3", "3.0", STU3_PATIENTS)


def _of(group: str, version: Version, count: int) -> Iterator[Instance]:
    yield Instance(group, "as it is", "as it is", version, "", _BOTH)
    for mutant in mutants(_BOTH, count):
        yield Instance(group, mutant.kind, mutant.place, version, "", mutant.resource)
