"""Who stands in the simulated WMDA, how long a patient is kept, and which status may follow which.

The states are those of the diagram on the page "Patient Administration", the time limits those of the page on the
life of a patient; docs/sandbox.md lists the patients by wmdaId.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Literal

from fhir_bridge.sandbox._wmda_problems import Json
from fhir_bridge.sandbox._wmda_record import record

Status = Literal["NEW", "PRE", "ACT", "SUS", "STP"]

KEPT = timedelta(days=42)
"""After so long without an update or a look, a patient is stopped and the results are deleted."""

ANONYMISED_AFTER = timedelta(days=183)
"""Six months in STP, after which nobody reaches the patient any more. INFERRED: six months in days."""


_LONG_AGO = datetime(2024, 1, 1, 10, tzinfo=UTC)
"""When the patients who are there from the start were last changed."""

_RECORD = {
    "hla": {
        "a": {"field1": "02:01", "field2": "24:02"},
        "b": {"field1": "07:02", "field2": "44:02"},
        "drb1": {"field1": "15:01", "field2": "04:01"},
    },
    "idm": {"cmvStatus": "P"},
    "dateOfBirth": "1980-05-01",
    "diagnosis": {"diagnosisCode": "AML", "diagnosisText": None, "diagnosisDate": "2024-01-01"},
    "diseasePhase": "C1",
    "ethnicity": "CAEU",
    "poolCountryCode": "NL",
    "transplantCentreId": "TC1",
    "abo": "A",
    "rhesus": "P",
    "weight": 70,
    "sex": "F",
    "legalTerms": True,
}
"""The medical data of everybody who is there from the start."""


@dataclass(frozen=True, slots=True)
class Patient:
    """One patient. `record` is what was sent last, `searched` whether a search was ever started.

    `active_at` is when someone last cared, `viewed_at` when someone last looked, `changed_at` when the patient last
    changed. `stopped_at` is None unless `status` is STP.
    """

    wmda_id: int
    record: Mapping[str, Json]
    status: Status
    searched: bool
    active_at: datetime
    changed_at: datetime
    viewed_at: datetime
    stopped_at: datetime | None = None


def new_patient(wmda_id: int, body: Mapping[str, Json], now: datetime) -> Patient:
    """Return the patient that a create makes."""
    return Patient(wmda_id, record(body), "NEW", False, now, now, now)


Fault = Literal["429", "500", "503", "late", "unreadable"]

# INFERRED: WMDA documents no fault of its own; these show what a bridge makes of one.
FAULTS: Mapping[int, Fault] = {
    900200: "unreadable",
    900429: "429",
    900500: "500",
    900503: "503",
    900504: "late",
}
"""wmdaIds of patients in ACT whose every call goes wrong on the way."""


def patients(start: datetime) -> dict[int, Patient]:
    """Return the patients by wmdaId, as they are at `start`."""
    long_ago = start - ANONYMISED_AFTER
    standing = [
        _standing(123456, "98761234P", "ACT", start),
        _standing(100001, "9876NEW", "NEW", start, searched=False),
        _standing(100002, "9876PRE", "PRE", start),
        _standing(100003, "9876ACT", "ACT", start),
        _standing(100004, "9876SUS", "SUS", start),
        _standing(100005, "9876STP", "STP", start, start),
        _standing(100006, "9876NEVERSEARCHED", "STP", start, start, searched=False),
        _standing(100042, "987642DAYSIDLE", "ACT", start - KEPT),
        _standing(100183, "9876SIXMONTHSSTP", "STP", long_ago, long_ago),
        *(_standing(wmda_id, f"9876{wmda_id}", "ACT", start) for wmda_id in FAULTS),
    ]
    return {patient.wmda_id: patient for patient in standing}


def _standing(
    wmda_id: int,
    patient_id: str,
    status: Status,
    active_at: datetime,
    stopped_at: datetime | None = None,
    *,
    searched: bool = True,
) -> Patient:
    kept = record({"patientId": patient_id, **_RECORD})
    return Patient(wmda_id, kept, status, searched, active_at, _LONG_AGO, _LONG_AGO, stopped_at)


def settled(patient: Patient, now: datetime) -> Patient | None:
    """Return what time alone has made of `patient`: the same, stopped after 42 days, or None once anonymised."""
    if patient.status != "STP" and now >= patient.active_at + KEPT:
        patient = replace(patient, status="STP", stopped_at=patient.active_at + KEPT)
    if patient.stopped_at is not None and now >= patient.stopped_at + ANONYMISED_AFTER:
        return None
    return patient


# The diagram, row by row. INFERRED: that asking for the state a patient is in already changes nothing and is allowed
# for ACT, SUS and STP as it is for PRE. The diagram lists NEW among the requests allowed in PRE, but the table of
# fields has no NEW, so no request holds it.
_NEXT: Mapping[Status, frozenset[str]] = {
    "NEW": frozenset({"STP"}),
    "PRE": frozenset({"PRE", "ACT", "SUS", "STP"}),
    "ACT": frozenset({"ACT", "SUS", "STP"}),
    "SUS": frozenset({"ACT", "SUS", "STP"}),
    "STP": frozenset({"ACT", "SUS", "STP"}),
}


def may_become(patient: Patient, new_status: Status) -> bool:
    """Return whether the diagram leads from where `patient` is to `new_status`."""
    if patient.status == "STP" and not patient.searched:
        return new_status == "STP"  # INFERRED: the diagram ends here; there is no search to go back to
    return new_status in _NEXT[patient.status]


def moved(patient: Patient, new_status: Status, now: datetime) -> Patient:
    """Return `patient` in `new_status`; a patient who was in STP already stays stopped since then."""
    stopped_at = (patient.stopped_at or now) if new_status == "STP" else None
    return replace(patient, status=new_status, active_at=now, changed_at=now, stopped_at=stopped_at)


def looked_at(patient: Patient, now: datetime) -> Patient:
    """Return `patient` after a look at the whole record: the 42 days begin again."""
    return replace(patient, active_at=now, viewed_at=now)


def rewritten(patient: Patient, body: Mapping[str, Json], now: datetime) -> Patient:
    """Return `patient` with what an update sent in the place of all there was."""
    return replace(patient, record=record(body), active_at=now, changed_at=now)


def whole(patient: Patient) -> Json:
    """Return the patient as `GET /patients/{wmdaId}` shows it."""
    return {"wmdaId": patient.wmda_id, "status": patient.status, **patient.record, **_kept_by_wmda(patient)}


def listed(patient: Patient) -> Json:
    """Return the patient as an item of `GET /patients`."""
    shown = {name: patient.record[name] for name in ("patientId", "dateOfBirth", "ethnicity")}
    kept = _kept_by_wmda(patient)
    return {"wmdaId": patient.wmda_id, "status": patient.status, **shown, **kept, "requests": []}


def _kept_by_wmda(patient: Patient) -> Json:
    times = {"lastUpdated": patient.changed_at, "lastViewed": patient.viewed_at}
    shown = {name: f"{time.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}" for name, time in times.items()}
    return {**shown, "assignedUserName": None}
