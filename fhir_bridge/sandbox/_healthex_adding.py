"""What the simulated HealthEx makes of the list of Add Patients: rows that are wrong, repeats, and patients.

Follows https://docs.healthex.io/api/add-patients.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import NamedTuple

from fhir_bridge.sandbox._healthex_answers import Json, Refusal, unexpected
from fhir_bridge.sandbox._healthex_patients import Facility, Patient, Project

_BODY = ("patients", "mrns", "suppressNotifications")
_TEXTS = ("firstName", "lastName", "externalId", "dateOfBirth", "email", "phone", "mrn")
_CODES: Mapping[str, tuple[str, ...]] = {"contactPreference": ("email", "phone"), "languagePreference": ("en", "es")}
_ROW = (*_TEXTS, *_CODES, "targetedFacilities", "allowOnlyTargetedFacilities")
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_NPI = re.compile(r"[0-9]{10}")


class Added(NamedTuple):
    """What became of a list: the body of the answer, and the patients that are new."""

    answer: dict[str, Json]
    patients: list[Patient]


def rows_of(body: Mapping[str, Json]) -> list[Json]:
    """Return the rows of a request; raises Refusal where the request as a whole is wrong."""
    if "mrns" in body:
        # INFERRED: status and text; the guide says only that a data requestor may not send them.
        raise Refusal(400, "mrns may be sent by healthcare organizations only")
    wrong = unexpected(body, _BODY)
    if not isinstance(body.get("patients"), list) or not body["patients"]:
        wrong.append("patients must be an array with at least one element")
    if not isinstance(body.get("suppressNotifications", False), bool):
        wrong.append("suppressNotifications must be a boolean value")
    if wrong:
        raise Refusal(400, wrong)
    rows: list[Json] = body["patients"]
    return rows


def add(rows: Iterable[Json], project: Project, known: Iterable[Patient], new_id: Callable[[], str]) -> Added:
    """Judge each row by itself: a bad one harms no other, a repeat changes nothing."""
    there = {_same(patient) for patient in known if patient.project == project.id}
    errors: list[Json] = []
    duplicates: list[Json] = []
    successful: list[Json] = []
    patients: list[Patient] = []
    rows = list(rows)
    for index, row in enumerate(rows):
        complaints = complaints_of(row)
        if complaints:
            # INFERRED: one item for each thing that is wrong; the reference shows only its two fields.
            errors += [{"patientIndex": index, "error": complaint} for complaint in complaints]
            continue
        patient = _patient(row, project, new_id)
        if _same(patient) in there:
            duplicates.append({"patientIndex": index})  # INFERRED: the shape
            continue
        there.add(_same(patient))
        patients.append(patient)
        email = {} if patient.email is None else {"email": patient.email}
        successful.append({"patientIndex": index, **email, "referenceId": patient.reference_id})
    answer = {
        "totalProcessed": len(rows),
        "successCount": len(successful),
        "errorCount": len({error["patientIndex"] for error in errors}),
        "duplicatesCount": len(duplicates),
        "errors": errors,
        "duplicates": duplicates,
        "successfulPatients": successful,
    }
    return Added(answer, patients)


def _same(patient: Patient) -> tuple[str | None, ...]:
    """What tells a patient from another one. INFERRED: the reference does not say what a repeat is."""
    if patient.external_id is not None:
        return (patient.external_id,)
    return (patient.first_name, patient.last_name, patient.date_of_birth, patient.email, patient.phone, patient.mrn)


def complaints_of(row: Json) -> list[str]:
    """Return everything that is wrong with one row. INFERRED: the texts, in the manner of NestJS."""
    if not isinstance(row, dict):
        return ["patient must be an object"]
    wrong = unexpected(row, _ROW)
    wrong += [f"{name} must be a string" for name in _TEXTS if not isinstance(row.get(name, ""), str)]
    wrong += [f"{name} should not be empty" for name in ("firstName", "lastName") if row.get(name) in (None, "")]
    for name, codes in _CODES.items():
        if row.get(name) not in codes:
            wrong.append(f"{name} must be one of the following values: {', '.join(codes)}")
    return wrong or [*_wrong_values(row), *_wrong_facilities(row)]


def _wrong_values(row: Mapping[str, Json]) -> list[str]:
    wrong = []
    if "dateOfBirth" in row and not _is_date(row["dateOfBirth"]):
        wrong.append("dateOfBirth must be a valid ISO 8601 date string")
    if "email" in row and not _EMAIL.fullmatch(row["email"]):
        wrong.append("email must be an email")
    # INFERRED: that a patient who wants to be called has to have a telephone.
    preference = row["contactPreference"]
    if not row.get(preference):
        wrong.append(f"{preference} is required when contactPreference is {preference}")
    return wrong


def _is_date(text: str) -> bool:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def _wrong_facilities(row: Mapping[str, Json]) -> list[str]:
    wrong = []
    facilities = row.get("targetedFacilities", [])
    if not isinstance(facilities, list):
        wrong.append("targetedFacilities must be an array")
    elif not all(isinstance(npi, str) and _NPI.fullmatch(npi) for npi in facilities):
        wrong.append("each value in targetedFacilities must be an NPI of 10 digits")  # INFERRED
    if not isinstance(row.get("allowOnlyTargetedFacilities", False), bool):
        wrong.append("allowOnlyTargetedFacilities must be a boolean value")
    return wrong


def _patient(row: Mapping[str, Json], project: Project, new_id: Callable[[], str]) -> Patient:
    found: Facility = "new"
    facilities = (found,) * len(row.get("targetedFacilities", []))
    # INFERRED: a list is locked where the patient may choose no other facility.
    locked = row.get("allowOnlyTargetedFacilities", False)
    return Patient(
        reference_id=new_id(),
        external_id=row.get("externalId"),
        first_name=row["firstName"],
        last_name=row["lastName"],
        date_of_birth=row.get("dateOfBirth"),
        email=row.get("email"),
        phone=row.get("phone"),
        mrn=row.get("mrn"),
        project=project.id,
        organisation=project.organisation,
        consent=None,
        targeted_list=("locked" if locked else "unlocked") if facilities else "none",
        facilities=facilities,
    )
