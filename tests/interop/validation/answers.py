"""Records one answer of each kind that the bridge gives, over a socket, from the sandbox."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import httpx

from fhir_bridge.outcome import Json

REQUESTS = Path(__file__).parents[1] / "requests"

_JSON = "application/fhir+json"
_IN_STU3 = {"Content-Type": f"{_JSON}; fhirVersion=3.0"}
_IN_R4 = {"Accept": f"{_JSON}; fhirVersion=4.0"}
_BOTH_R4 = {**_IN_R4, "Content-Type": f"{_JSON}; fhirVersion=4.0"}
_OF_ROCHE = "Bj6.1Lq-hvb-28"
_PREPERSON = "ehealth/Patient/7c3da506-804d-4550-8993-bf17f9ee0402"
_BY_IDENTIFIER = (
    "identifier=https://fhir-bridge.example/fhir/sid/ehealth-preperson|7c3da506-804d-4550-8993-bf17f9ee0402"
)
_STUDY = "694d61c2-3f1b"
_NO_PARAMETERS = {"resourceType": "Parameters"}
_UPDATE_DATA = "healthex/Patient/{}/$update-data"
_STATUS = "wmda/Patient/123456/$update-search-status"
_WRONG = {"resourceType": "Patient", "gender": "other", "birthDate": "1980", "colour": "red", "active": "yes"}
_PRACTITIONER = {
    "resourceType": "Practitioner",
    "identifier": [{"system": "urn:oid:2.16.724.4.305", "value": "22222222J"}],
    "name": [{"family": "Gil", "given": ["Luz"]}],
}
_UNCHANGED = {
    "resourceType": "Patient",
    "id": _PREPERSON.rpartition("/")[2],
    "gender": "male",
    "photo": [{"title": "x"}],
}


_REFRESH_TOKEN = {
    "resourceType": "Parameters",
    "parameter": [{"name": "refreshToken", "valueString": "refresh-good"}],
}


def _status(code: str, *more: Json) -> Json:
    return {"resourceType": "Parameters", "parameter": [{"name": "status", "valueCode": code}, *more]}


def _message_stu3(patient_id: str) -> Json:
    return {
        "resourceType": "Bundle",
        "type": "message",
        "entry": [
            {
                "fullUrl": "urn:uuid:88a37162-3d7c-41c3-89ab-6e25fd68ba00",
                "resource": {
                    "resourceType": "MessageHeader",
                    "id": "88a37162-3d7c-41c3-89ab-6e25fd68ba00",
                    "event": {"system": "http://roche.com/fhir/rdc/message-type", "code": "new-bundle"},
                    "source": {"endpoint": "urn:oid:2.16.724.4.2"},
                    "timestamp": "2020-03-27T12:21:39.471Z",
                },
            },
            {
                "fullUrl": f"http://clinic.example/fhir/Patient/{patient_id}",
                "resource": {
                    "resourceType": "Patient",
                    "id": patient_id,
                    "identifier": [{"system": "urn:oid:2.16.724.4.41", "value": "12345678Z"}],
                    "name": [{"family": "Doe", "given": ["John"]}],
                    "gender": "male",
                },
            },
        ],
    }


_ACTIVE = {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/condition-clinical", "code": "active"}]}
_WITH_CONDITION = {
    "resourceType": "Patient",
    "id": _OF_ROCHE,
    "contained": [
        {
            "resourceType": "Condition",
            "id": "diabetes",
            "clinicalStatus": _ACTIVE,
            "code": {"coding": [{"system": "http://snomed.info/sct", "code": "46635009"}]},
            "subject": {"reference": "#"},
        }
    ],
    "identifier": [{"system": "urn:oid:2.16.724.4.41", "value": "12345678Z"}],
    "name": [{"family": "Doe", "given": ["John"]}],
}
_EVA = {
    **_PRACTITIONER,
    "id": "sZX6uQW-VOH-0868",
    "identifier": [{"system": "urn:oid:2.16.724.4.305", "value": "11111111H"}],
    "qualification": [{"code": {"text": "Endocrinologist"}}],
}

Call = tuple[str, str, Json, dict[str, str]]
"""Method, address below the hub, body and headers."""

_CALLS: dict[str, Call] = {
    "hub-capabilities.json": ("GET", "metadata", None, {}),
    "healthex-capabilities.json": ("GET", "healthex/metadata", None, {}),
    "ehealth-capabilities.json": ("GET", "ehealth/metadata", None, {}),
    "wmda-capabilities.json": ("GET", "wmda/metadata", None, {}),
    "roche-capabilities.stu3.json": ("GET", "roche/metadata", None, {}),
    "roche-capabilities-r4.json": ("GET", "roche/metadata", None, _IN_R4),
    "hub-terminology.json": ("GET", "metadata?mode=terminology", None, {}),
    "versions.json": ("POST", "$versions", None, {}),
    "patient.json": ("GET", _PREPERSON, None, {}),
    "patient-with-unknown-codes.json": ("GET", "ehealth/Patient/00000000-0000-4000-8000-000000000003", None, {}),
    "patient-without-a-name.json": ("GET", "ehealth/Patient/00000000-0000-4000-8000-000000000002", None, {}),
    "patient-with-a-link.json": ("GET", "ehealth/Patient/00000000-0000-4000-8000-000000000025", None, {}),
    "patient-summary.json": ("GET", f"{_PREPERSON}?_summary=true", None, {}),
    "patient-elements.json": ("GET", f"{_PREPERSON}?_elements=gender", None, {}),
    "searchset.json": ("GET", f"ehealth/Patient?{_BY_IDENTIFIER}", None, {}),
    "searchset-empty.json": ("GET", "ehealth/Patient?_id=00000000-0000-4000-8000-000000000404", None, {}),
    "searchset-count.json": ("GET", f"ehealth/Patient?{_BY_IDENTIFIER}&_summary=count", None, {}),
    "searchset-unknown-parameter.json": ("GET", f"ehealth/Patient?{_BY_IDENTIFIER}&colour=red", None, {}),
    "searchset-definitions.json": ("GET", "ehealth/StructureDefinition", None, {}),
    "definition.json": ("GET", "ehealth/StructureDefinition/ehealth-preperson", None, {}),
    "update-data.json": ("POST", _UPDATE_DATA.format("17d4513f-73e8"), None, {}),
    "update-data-patient-must-act.json": ("POST", _UPDATE_DATA.format("consent-expired"), None, {}),
    "patient-of-wmda.json": ("GET", "wmda/Patient/123456", None, {}),
    "patients-of-wmda.json": ("GET", "wmda/Patient?search-status=PRE,SUS&_count=1", None, {}),
    "created-patient-of-wmda.json": ("POST", "wmda/Patient", "wmda-patient.json", {}),
    "search-started.json": ("POST", "wmda/Patient/123456/$start-search", "start-search.json", {}),
    "status-suspended.json": ("POST", _STATUS, _status("SUS"), {}),
    "status-stopped.json": ("POST", _STATUS, _status("STP", {"name": "reason", "valueCode": "PDC"}), {}),
    "enrollment-link.json": ("POST", "healthex/Patient/17d4513f-73e8/$enrollment-link", _NO_PARAMETERS, {}),
    "study.json": ("GET", f"healthex/ResearchStudy/{_STUDY}", None, {}),
    "studies.json": ("GET", f"healthex/ResearchStudy?_id={_STUDY}", None, {}),
    "everything.json": ("GET", "healthex/Person/17d4513f-73e8/$everything?_count=3", None, {}),
    "refused-everything.json": ("GET", "healthex/Person/consent-revoked/$everything", None, {}),
    "patient-of-roche.stu3.json": ("GET", f"roche/Patient/{_OF_ROCHE}", None, {}),
    "patient-of-roche-in-r4.json": ("GET", f"roche/Patient/{_OF_ROCHE}", None, _IN_R4),
    "created-preperson.json": ("POST", "ehealth/Patient", "preperson.json", {}),
    "token.json": ("POST", "ehealth/$refresh-token", _REFRESH_TOKEN, {}),
    "refused-step.json": ("GET", "ehealth/Patient/00000000-0000-4000-8000-000000000026", None, {}),
    "created-patient.json": ("POST", "Patient", "patient.json", {}),
    "created-practitioner.stu3.json": ("POST", "roche/Practitioner", _PRACTITIONER, _IN_STU3),
    "message.stu3.json": ("PUT", f"roche/Bundle/{_OF_ROCHE}", _message_stu3(_OF_ROCHE), _IN_STU3),
    "refused-by-roche.stu3.json": ("PUT", "roche/Bundle/Unknown-404", _message_stu3("Unknown-404"), _IN_STU3),
    "roche-searchset-r4.json": ("GET", "roche/Patient?_id=Only-Mandatory", None, _IN_R4),
    "roche-patient-with-condition-r4.json": ("PUT", f"roche/Patient/{_OF_ROCHE}", _WITH_CONDITION, _BOTH_R4),
    "roche-practitioner-r4.json": ("PUT", "roche/Practitioner/sZX6uQW-VOH-0868", _EVA, _BOTH_R4),
    "message-processed.json": ("POST", "$process-message", "message.json", {}),
    "batch-response.json": ("POST", "", "batch.json", {}),
    "validated.json": ("POST", "ehealth/Patient/$validate", {"resourceType": "Patient", "gender": "male"}, {}),
    "validated-wrong.json": ("POST", "ehealth/Patient/$validate", _WRONG, {}),
    "refused-several-errors.json": ("PUT", _PREPERSON, _WRONG, {}),
    "refused-no-json.json": ("PUT", _PREPERSON, "not JSON", {}),
    "refused-not-found.json": ("GET", "ehealth/Patient/00000000-0000-4000-8000-000000000404", None, {}),
    "refused-by-the-partner.json": ("GET", "ehealth/Patient/00000000-0000-4000-8000-000000000503", None, {}),
    "refused-method.json": ("DELETE", _PREPERSON, None, {}),
    "refused-path.json": ("GET", "nowhere", None, {}),
    "refused-no-fhir.stu3.json": ("PUT", "roche/Bundle/x", {"resourceType": "Bundle"}, _IN_STU3),
    "left-behind.json": ("PUT", _PREPERSON, _UNCHANGED, {"Prefer": "return=OperationOutcome"}),
}
"""By the file that the answer is kept in; all are 200, but for those that begin with `created` or `refused`."""


def recorded(base: str) -> Iterator[tuple[str, Json]]:
    """Yield file name and resource of each answer. Raises AssertionError where a status is not the expected one."""
    with httpx.Client(base_url=base, timeout=60) as client:
        for name, call in _CALLS.items():
            yield name, _answer(client, name, call)


def _answer(client: httpx.Client, name: str, call: Call) -> Json:
    method, address, body, headers = call
    content = _content(body)
    response = client.request(method, address, content=content, headers={"Content-Type": _JSON, **headers})
    created = 201 if name.startswith("created") else 200
    is_expected = response.is_error if name.startswith("refused") else response.status_code == created
    assert is_expected, f"{name}: {response.status_code} {response.text[:500]}"
    return response.json()


def _content(body: Json) -> bytes | None:
    """A body: a resource, the name of a shared request, or text as it is."""
    if isinstance(body, str):
        return (REQUESTS / body).read_bytes() if body.endswith(".json") else body.encode()
    return None if body is None else json.dumps(body).encode()
