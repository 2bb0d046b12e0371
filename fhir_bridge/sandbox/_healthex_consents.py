"""What the simulated HealthEx says of consents: which patients are asked about, and what they consented to.

Follows https://docs.healthex.io/api/get-patient-consents.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime

from fhir_bridge.sandbox._healthex_answers import Json, Refusal, unexpected
from fhir_bridge.sandbox._healthex_patients import CONSENT_TYPES, Patient

_PATIENT = ("patientId", "patientMRN", "email", "phone", "externalId")
# INFERRED: that `projectId`, which the rule about filters names, and `studyId`, which the body lists, are one thing.
_PROJECT = ("studyId", "projectId")
_BODY = ("consentTypes", "hasConsented", *_PATIENT, *_PROJECT, "expiredConsents", "includeReason")

Is = Callable[[Patient, str], bool]
"""Whether a patient has this id: which of a patient's two ids are understood is a switch of the simulator."""


def check_filters(body: Mapping[str, Json]) -> None:
    """Raise Refusal for a request that asks for nothing, or in two ways. INFERRED: the status and the texts."""
    wrong = unexpected(body, _BODY)
    types = body.get("consentTypes")
    if not isinstance(types, list) or not types or not all(each in CONSENT_TYPES for each in types):
        wrong.append(f"each value in consentTypes must be one of the following values: {', '.join(CONSENT_TYPES)}")
    consented = body.get("hasConsented", [])
    if not isinstance(consented, list) or not all(isinstance(each, bool) for each in consented):
        wrong.append("each value in hasConsented must be a boolean value")
    for name in ("expiredConsents", "includeReason"):
        if not isinstance(body.get(name, False), bool):
            wrong.append(f"{name} must be a boolean value")
    for name in (*_PATIENT, *_PROJECT):
        if not isinstance(body.get(name, ""), str):
            wrong.append(f"{name} must be a string")
    asked = [name for name in _PATIENT if body.get(name)]
    if len(asked) > 1:
        wrong.append(f"only one of {', '.join(_PATIENT)} may be sent")
    if not asked and project_asked(body) is None:
        wrong.append(f"at least one of {', '.join(_PATIENT)}, projectId must be sent")
    if wrong:
        raise Refusal(400, wrong)


def project_asked(body: Mapping[str, Json]) -> str | None:
    return next((body[name] for name in _PROJECT if body.get(name)), None)


def patients_asked(body: Mapping[str, Json], patients: Iterable[Patient], is_: Is) -> list[Patient]:
    """Return the patients that the filters of a request leave."""
    project = project_asked(body)
    of_project = [patient for patient in patients if project in (None, patient.project)]
    name = next((name for name in _PATIENT if body.get(name)), None)
    return of_project if name is None else [each for each in of_project if _fits(each, name, body[name], is_)]


def _fits(patient: Patient, name: str, value: str, is_: Is) -> bool:
    if name == "patientId":
        return is_(patient, value)
    own = {"patientMRN": patient.mrn, "email": patient.email, "phone": patient.phone, "externalId": patient.external_id}
    return own[name] == value


def records(patient: Patient, number: int, body: Mapping[str, Json], now: datetime) -> Json | None:
    """Return what is said of one patient, whose `number` makes the ids of the records; None where it is nothing."""
    consent = patient.consent
    if consent is None:
        return None
    if consent.expires is not None and consent.expires <= now and not body.get("expiredConsents"):
        return None  # INFERRED: what has expired is told of only where it is asked for
    end = {} if consent.expires is None else {"expirationTimestamp": _timestamp(consent.expires)}
    consents = [
        {
            "consentType": type_,
            "studyId": patient.project,
            "hasPatientConsented": not consent.revoked and type_ not in consent.declined,
            "source": "STUDY",
            "consentRecordId": str(10 * number + index),
            **end,
        }
        for index, type_ in enumerate(CONSENT_TYPES, start=1)
        if type_ in body["consentTypes"]
    ]
    wanted = body.get("hasConsented") or [True]
    found = [each for each in consents if each["hasPatientConsented"] in wanted]
    if not found:
        return None
    # INFERRED: that the id is the one which Add Patients gives out; the reference calls it a "reference id".
    return {
        "healthcareOrganizationId": patient.organisation,
        "patientId": patient.reference_id,
        "consents": found,
    }


def _timestamp(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
