"""What the simulated HealthEx makes of an update: whether the patient must act first, and what is fetched.

Follows https://docs.healthex.io/api/update-patient-data.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Literal

from fhir_bridge.sandbox._healthex_answers import Json, Refusal, unexpected
from fhir_bridge.sandbox._healthex_patients import Facility, Patient

Reason = Literal[
    "CONSENT_EXPIRED", "CONSENT_NOT_FOUND", "CONSENT_REVOKED", "UNLOCKED_OR_NO_TARGETED_LIST",
    "AUTHENTICATION_EXPIRED", "AUTHENTICATION_NEEDED_NEW_FACILITY",
]  # fmt: skip


def skip_interactive_of(body: Mapping[str, Json]) -> bool:
    wrong = unexpected(body, ("skipInteractive",))
    skip_interactive = body.get("skipInteractive", False)
    if not isinstance(skip_interactive, bool):
        wrong.append("skipInteractive must be a boolean value")
    if wrong:
        raise Refusal(400, wrong)
    return bool(skip_interactive)


def action_needed(patient: Patient, *, skip_interactive: bool, now: datetime) -> Reason | None:
    """Return why the patient must act before data can be fetched, or None; consent comes before sign-ins."""
    # INFERRED: the order, and that `skipInteractive` does not pass over a targeted list that is not locked.
    consent = patient.consent
    if consent is None:
        return "CONSENT_NOT_FOUND"
    if consent.revoked:
        return "CONSENT_REVOKED"
    if not consent.holds(now):
        return "CONSENT_EXPIRED"
    if patient.targeted_list != "locked":
        return "UNLOCKED_OR_NO_TARGETED_LIST"
    return None if skip_interactive else _sign_in_needed(patient.facilities)


def _sign_in_needed(facilities: Iterable[Facility]) -> Reason | None:
    if "sign-in-expired" in facilities:
        return "AUTHENTICATION_EXPIRED"
    if "new-needs-sign-in" in facilities:
        return "AUTHENTICATION_NEEDED_NEW_FACILITY"
    return None


_COUNTED: Mapping[str, tuple[Facility, ...]] = {
    "skippedExistingFacilities": ("unretrievable", "sign-in-expired"),
    "changedExistingFacilities": ("changed",),
    "unchangedExistingFacilities": ("unchanged",),
    "retrievedNewFacilities": ("new",),
    "skippedNewFacilities": ("new-needs-sign-in",),
}


def counts_of(facilities: tuple[Facility, ...]) -> dict[str, int]:
    return {name: sum(facility in counted for facility in facilities) for name, counted in _COUNTED.items()}
