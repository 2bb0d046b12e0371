"""Who stands in the simulated HealthEx: the clients, projects and patients, each named for what it brings about.

docs/sandbox.md lists them all, with the answer that each gets.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Literal


@dataclass(frozen=True, slots=True)
class Client:
    """One pair of key and secret. Only an External Researcher may update patient data."""

    secret: str
    organisation: str
    type: str


CLIENTS: Mapping[str, Client] = {
    "sandbox-key": Client("sandbox-secret", "sandbox-organisation", "API_EXTERNAL_RESEARCHER"),
    # INFERRED: the name of another type; the guide names the External Researcher alone.
    "provider-key": Client("provider-secret", "sandbox-organisation", "API_PROVIDER"),
}


@dataclass(frozen=True, slots=True)
class Project:
    """A study. It takes patients and updates while its status is ACTIVE and it is not paused."""

    id: str
    title: str
    status: Literal["DRAFT", "ACTIVE", "COMPLETED", "WITHDRAWN"] = "ACTIVE"
    study_type: Literal["INTERVENTIONAL", "REGISTRY", "OTHER"] = "REGISTRY"
    pause_reason: str | None = None
    organisation: str = "sandbox-organisation"

    @property
    def paused(self) -> bool:
        return self.pause_reason is not None


PROJECTS = (
    Project("694d61c2-3f1b", "Life with asthma"),
    Project("second-study", "A second study", study_type="INTERVENTIONAL"),
    Project("paused-study", "A study that rests", pause_reason="Waiting for the ethics committee"),
    Project("draft-study", "A study that is being planned", status="DRAFT", study_type="OTHER"),
    Project("completed-study", "A study that is over", status="COMPLETED"),
    Project("withdrawn-study", "A study that was given up", status="WITHDRAWN"),
    Project("study-of-another-organisation", "Somebody else's study", organisation="another-organisation"),
)


ConsentType = Literal["DATA_AUTHORIZATION", "PATIENT_DIRECTED_DATA_EXCHANGE", "FUTURE_DATA_USE"]
CONSENT_TYPES: tuple[ConsentType, ...] = ("DATA_AUTHORIZATION", "PATIENT_DIRECTED_DATA_EXCHANGE", "FUTURE_DATA_USE")


@dataclass(frozen=True, slots=True)
class Consent:
    """The consent of one patient to one project, in all its types but those that the patient `declined`.

    Without `expires` it holds until it is revoked.
    """

    revoked: bool = False
    expires: datetime | None = None
    declined: tuple[ConsentType, ...] = ("FUTURE_DATA_USE",)

    def holds(self, now: datetime) -> bool:
        return not self.revoked and (self.expires is None or now < self.expires)


Facility = Literal["changed", "unchanged", "unretrievable", "sign-in-expired", "new", "new-needs-sign-in"]
"""What a retrieval finds at one facility: the first four are known from before, the last two are not."""

Fault = Literal["429", "500", "503", "late", "unreadable"]


@dataclass(frozen=True, slots=True)
class Patient:
    """One patient of one project. `reference_id` is what Add Patients gives out, `external_id` what it was given."""

    reference_id: str
    external_id: str | None = None
    first_name: str = "Ann"
    last_name: str = "Example"
    date_of_birth: str | None = None
    email: str | None = None
    phone: str | None = None
    mrn: str | None = None
    project: str = "694d61c2-3f1b"
    organisation: str = "sandbox-organisation"
    consent: Consent | None = Consent()
    targeted_list: Literal["locked", "unlocked", "none"] = "locked"
    facilities: tuple[Facility, ...] = ("changed", "changed", "unchanged")
    fault: Fault | None = None

    @property
    def patient_id(self) -> str | None:
        """The second id, which a patient has from the first sign-in on; without consent there was none."""
        return f"person-{self.reference_id}" if self.consent else None


_EXPIRED = Consent(expires=datetime(2025, 3, 31, tzinfo=UTC))
_REVOKED = Consent(revoked=True)

_NAMED = (
    Patient("17d4513f-73e8"),
    Patient("new-facility-found", facilities=("changed", "unchanged", "new", "new")),
    Patient("facility-unreachable", facilities=("changed", "unretrievable")),
    Patient("no-consent-record", consent=None),
    Patient("consent-revoked", consent=_REVOKED),
    Patient("consent-expired", consent=_EXPIRED),
    Patient("no-targeted-list", targeted_list="none"),
    Patient("unlocked-targeted-list", targeted_list="unlocked"),
    Patient("sign-in-expired", facilities=("changed", "unchanged", "sign-in-expired")),
    Patient("new-facility-sign-in", facilities=("changed", "new", "new-needs-sign-in", "new-needs-sign-in")),
    Patient("both-sign-ins", facilities=("sign-in-expired", "new-needs-sign-in")),
    Patient("not-your-organisation", organisation="another-organisation"),
    Patient("in-second-study", project="second-study"),
    # INFERRED: HealthEx documents no fault of its own; these show what a bridge makes of one.
    Patient("answers-429", fault="429"),
    Patient("answers-500", fault="500"),
    Patient("answers-503", fault="503"),
    Patient("answers-late", fault="late"),
    Patient("answers-html", fault="unreadable"),
)

# A patient who was added by somebody is known to them by an id of their own.
PATIENTS = tuple(
    replace(patient, external_id=f"external-{patient.reference_id}", email=f"{patient.reference_id}@patients.example")
    for patient in _NAMED
)
