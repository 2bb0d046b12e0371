"""Who the simulated Roche knows: clients, organisations, patients, and ids that provoke an error."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from fhir_bridge.sandbox._roche_message import PROFILES, Json

CLIENT_ID = "1234567890"
CLIENT_SECRET = "sandbox-client-secret"
ORG_ID = "2.16.724.4.2"
OTHER_ORG_ID = "2.16.724.4.99"
ORG_IDS = (ORG_ID, OTHER_ORG_ID)

SEED_ID = "Bj6.1Lq-hvb-28"
LATE_ID = "Answers-Late"
LATE_S = 20.0  # INFERRED: the worst documented time is 4 s; longer than a client waits
"""How long the answer for `LATE_ID` takes, in seconds; an update is made before."""

UNKNOWN_ID = "Unknown-404"

# INFERRED: ids that answer with a status of the table of answers, which nothing else would provoke.
FAULT_IDS: Mapping[str, int] = {
    "Unauthorized-401": 401,
    "Forbidden-403": 403,
    "Method-Not-Allowed-405": 405,
    "Exception-500": 500,
    "Not-Implemented-501": 501,
}


@dataclass(frozen=True, slots=True)
class Stored:
    """One patient, and the organisation that created it: no other may read or update it."""

    patient: Json
    org_id: str = ORG_ID


def _patient(id: str, *, identifier: str, family: str, given: str, **elements: object) -> Json:
    return {
        "resourceType": "Patient",
        "meta": {"profile": [PROFILES["Patient"]]},
        "id": id,
        "identifier": [{"system": "urn:oid:2.16.724.4.41", "value": identifier}],
        "name": [{"family": family, "given": [given]}],
        **elements,
    }


def _telecom(phone: str, email: str) -> list[Json]:
    return [{"system": "phone", "value": phone}, {"system": "email", "value": email}]


PATIENTS: tuple[Stored, ...] = (
    Stored(
        _patient(
            SEED_ID,
            identifier="12345678Z",
            family="Doe",
            given="John",
            telecom=_telecom("123123123", "johndoe123@email.com"),
            gender="male",
            birthDate="1991-01-01",
            managingOrganization={"identifier": [{"system": "urn:oid:", "value": ORG_ID}]},
        )
    ),
    Stored(_patient("Only-Mandatory", identifier="ONLY-MANDATORY", family="Mandatory", given="Only")),
    Stored(
        _patient(
            "Taken-Email",
            identifier="TAKEN",
            family="Email",
            given="Taken",
            telecom=_telecom("600000001", "taken@example.org"),
            gender="female",
            birthDate="1990-02-03",
            managingOrganization={"identifier": {"system": "urn:oid:", "value": ORG_ID}},
        )
    ),
    Stored(
        _patient("Other-Organization", identifier="OTHER-ORGANIZATION", family="Organization", given="Other"),
        org_id=OTHER_ORG_ID,
    ),
    Stored(_patient(LATE_ID, identifier="ANSWERS-LATE", family="Late", given="Answers")),
)


class Registry:
    """The patients of one running simulator."""

    def __init__(self) -> None:
        self._stored = {str(stored.patient["id"]): stored for stored in PATIENTS}

    def find(self, id: str, org_id: str) -> Json | None:
        """Return the patient, or None where it is unknown or another organisation's."""
        # INFERRED: the two are not told apart.
        stored = self._stored.get(id)
        return stored.patient if stored is not None and stored.org_id == org_id else None

    def clashes(self, patient: Json) -> bool:
        """Return whether another patient has an identifier or an e-mail address of this one."""
        # "Patient Creation v2" says that both are unique. INFERRED: also on an update, and among all organisations.
        others = [stored.patient for id, stored in self._stored.items() if id != patient["id"]]
        return any(_unique(patient) & _unique(other) for other in others)

    def replace(self, patient: Json) -> None:
        """Put `patient` in the place of the one with its id."""
        # INFERRED: what it leaves out is gone.
        id = str(patient["id"])
        self._stored[id] = Stored(patient, self._stored[id].org_id)


def _unique(patient: Json) -> set[tuple[str, str]]:
    identifiers, telecom = patient["identifier"], patient.get("telecom", [])
    assert isinstance(identifiers, list)
    assert isinstance(telecom, list)
    emails = {
        ("email", point["value"].lower()) for point in telecom if point.get("system") == "email" and "value" in point
    }
    return emails | {(identifier["system"], identifier["value"]) for identifier in identifiers}
