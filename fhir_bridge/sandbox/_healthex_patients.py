"""Who stands in the simulated HealthEx: the clients, projects and patients, each named for what it brings about.

docs/sandbox.md lists them all, with the answer that each gets.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
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
    """A study. It takes updates while its status is ACTIVE and it is not paused."""

    id: str
    status: Literal["DRAFT", "ACTIVE", "COMPLETED", "WITHDRAWN"] = "ACTIVE"
    paused: bool = False
    organisation: str = "sandbox-organisation"


PROJECTS = (
    Project("694d61c2-3f1b"),
    Project("second-study"),
    Project("paused-study", paused=True),
    Project("draft-study", status="DRAFT"),
    Project("completed-study", status="COMPLETED"),
    Project("withdrawn-study", status="WITHDRAWN"),
    Project("study-of-another-organisation", organisation="another-organisation"),
)


@dataclass(frozen=True, slots=True)
class Consent:
    """The consent of one patient to one project; without `expires` it holds until it is revoked."""

    revoked: bool = False
    expires: datetime | None = None


Facility = Literal["changed", "unchanged", "unretrievable", "sign-in-expired", "new", "new-needs-sign-in"]
"""What a retrieval finds at one facility: the first four are known from before, the last two are not."""

Fault = Literal["429", "500", "503", "late", "unreadable"]


@dataclass(frozen=True, slots=True)
class Patient:
    """One patient of one project. `reference_id` is what Add Patients gives out."""

    reference_id: str
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

PATIENTS = (
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
