"""Good resources for the profiles of WMDA; typings, numbers and dates are invented."""

from __future__ import annotations

from typing import Any

from fhir_bridge.canonical import CANONICAL

Resource = dict[str, Any]

_OURS = f"{CANONICAL}/StructureDefinition"
_UCUM = "http://unitsofmeasure.org"


def _extension(name: str, **value: Any) -> Resource:
    return {"url": f"{_OURS}/{name}", **value}


def _parts(name: str, **values: Resource) -> Resource:
    return _extension(name, extension=[{"url": url, **value} for url, value in values.items()])


PATIENT: Resource = {
    "resourceType": "Patient",
    "id": "123456",
    "meta": {"profile": [f"{_OURS}/wmda-patient"]},
    "extension": [
        _parts(
            "wmda-hla",
            locus={"valueCode": "A"},
            field1={"valueString": "02:01"},
            field2={"valueString": "24:02"},
        ),
        _parts("wmda-hla", locus={"valueCode": "B"}, field1={"valueString": "07:02"}),
        _parts("wmda-hla", locus={"valueCode": "DRB1"}, field1={"valueString": "15:01"}),
        _parts("wmda-cmv", status={"valueCode": "P"}, date={"valueDate": "2026-01-02"}),
        _parts(
            "wmda-diagnosis",
            code={
                "valueCodeableConcept": {
                    "coding": [{"system": f"{CANONICAL}/CodeSystem/wmda-diagnosis", "code": "AML"}],
                    "text": "with maturation",
                }
            },
            date={"valueDate": "2024-01-01"},
            phase={"valueCode": "C1"},
        ),
        _extension("wmda-ethnicity", valueCode="CAEU"),
        _extension("wmda-pool-country", valueCode="NL"),
        _extension(
            "wmda-transplant-centre",
            valueIdentifier={"system": f"{CANONICAL}/sid/wmda-transplant-centre", "value": "TC1"},
        ),
        _extension("wmda-abo", valueCode="AB"),
        _extension("wmda-rhesus", valueCode="N"),
        _extension("wmda-weight", valueQuantity={"value": 70, "unit": "kg", "system": _UCUM, "code": "kg"}),
        _extension("wmda-legal-terms", valueBoolean=True),
        _extension("wmda-search-status", valueCode="ACT"),
    ],
    "identifier": [
        {"system": f"{CANONICAL}/sid/wmda-id", "value": "123456"},
        {"system": f"{CANONICAL}/sid/wmda-patient-id", "value": "98761234P"},
    ],
    "gender": "female",
    "birthDate": "1980-05-01",
}

NEW_PATIENT: Resource = {
    **{name: PATIENT[name] for name in ("resourceType", "gender", "birthDate")},
    "meta": {"profile": [f"{_OURS}/wmda-new-patient"]},
    "extension": [*PATIENT["extension"][:3], _extension("wmda-legal-terms", valueBoolean=True)],
    "identifier": [{"system": f"{CANONICAL}/sid/wmda-patient-id", "value": "98761234P"}],
}

START_SEARCH_IN: Resource = {
    "resourceType": "Parameters",
    "parameter": [
        {"name": "matchEngine", "valueCode": "2"},
        {"name": "searchType", "valueCode": "DR"},
        {"name": "overallMismatches", "valueUnsignedInt": 1},
        {"name": "isCbuAbLowDrb1HighResolution", "valueBoolean": False},
        {"name": "searchOnlyOwnIon", "valueBoolean": True},
    ],
}

START_SEARCH_OUT: Resource = {
    "resourceType": "Parameters",
    "parameter": [
        {"name": "searchId", "valuePositiveInt": 7},
        {
            "name": "outcome",
            "resource": {
                "resourceType": "OperationOutcome",
                "issue": [{"severity": "information", "code": "informational"}],
            },
        },
    ],
}

# By the profile's short name.
WMDA = {
    "wmda-patient": PATIENT,
    "wmda-new-patient": NEW_PATIENT,
    "wmda-start-search-in": START_SEARCH_IN,
    "wmda-start-search-out": START_SEARCH_OUT,
}
