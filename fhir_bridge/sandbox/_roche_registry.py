"""Who the simulated Roche knows: clients, organisations, patients, practitioners, and ids that provoke an error."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

Json = dict[str, object]

PROFILES = {
    "MessageHeader": "http://roche.com/fhir/rdc/StructureDefinition/message-header",
    "Patient": "http://roche.com/fhir/rdc/StructureDefinition/patient-v2",
    "Condition": "http://roche.com/fhir/rdc/StructureDefinition/condition",
    "Practitioner": "http://roche.com/fhir/rdc/StructureDefinition/practitioner-v2",
}

CLIENT_ID = "1234567890"
CLIENT_SECRET = "sandbox-client-secret"
ORG_ID = "2.16.724.4.2"
OTHER_ORG_ID = "2.16.724.4.99"
ORG_IDS = (ORG_ID, OTHER_ORG_ID)

SEED_ID = "Bj6.1Lq-hvb-28"
LATE_ID = "Answers-Late"
LATE_S = 20.0  # INFERRED: the worst documented time is 4 s; longer than a client waits
"""How long the answer for `LATE_ID` takes, in seconds; a change is made before."""

UNKNOWN_ID = "Unknown-404"

# INFERRED: ids that answer with a status of the table of answers, which nothing else would provoke. A record that is
# created has no id yet: there the value of an identifier stands for it.
FAULT_IDS: Mapping[str, int] = {
    "Unauthorized-401": 401,
    "Forbidden-403": 403,
    "Method-Not-Allowed-405": 405,
    "Exception-500": 500,
    "Not-Implemented-501": 501,
}


@dataclass(frozen=True, slots=True)
class Stored:
    """One record, and the organisation that created it: no other may read or update it."""

    resource: Json
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


def _practitioner(id: str, *, identifier: str, family: str, given: str, email: str) -> Json:
    return {
        "resourceType": "Practitioner",
        "meta": {"profile": [PROFILES["Practitioner"]]},
        "id": id,
        "identifier": [{"system": "urn:oid:2.16.724.4.305", "value": identifier}],
        "name": [{"family": family, "given": [given]}],
        "telecom": [{"system": "email", "value": email}],
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

PRACTITIONERS: tuple[Stored, ...] = (
    Stored(
        _practitioner(
            "sZX6uQW-VOH-0868", identifier="11111111H", family="Ruiz", given="Eva", email="eva.ruiz@example.org"
        )
    ),
    Stored(
        _practitioner(
            "Taken-Practitioner", identifier="TAKEN", family="Practitioner", given="Taken", email="taken@example.org"
        )
    ),
)


class Registry:
    """The records of one type that a running simulator has."""

    def __init__(self, resource_type: str, stored: Iterable[Stored]) -> None:
        self.resource_type = resource_type
        self._stored = {str(each.resource["id"]): each for each in stored}
        self._created = 0

    def find(self, id: str, org_id: str) -> Json | None:
        """Return the record, or None where it is unknown or another organisation's."""
        # INFERRED: the two are not told apart.
        stored = self._stored.get(id)
        return stored.resource if stored is not None and stored.org_id == org_id else None

    def clashes(self, resource: Json) -> bool:
        """Return whether another record has an identifier's value or an e-mail address of this one."""
        # The pages on creation say that both are unique. INFERRED: also on an update, whatever the identifier's
        # system, and among all organisations.
        others = [stored.resource for id, stored in self._stored.items() if id != resource.get("id")]
        return any(
            identifier_values(resource) & identifier_values(other) or email_addresses(resource) & email_addresses(other)
            for other in others
        )

    def create(self, resource: Json, org_id: str) -> Json:
        """Put `resource` there with an id of its own, and return it with that id."""
        self._created += 1
        id = f"Created-{self.resource_type}-{self._created}"
        created = {**resource, "id": id}
        self._stored[id] = Stored(created, org_id)
        return created

    def replace(self, resource: Json) -> None:
        """Put `resource` in the place of the one with its id."""
        # INFERRED: what it leaves out is gone.
        id = str(resource["id"])
        self._stored[id] = Stored(resource, self._stored[id].org_id)


def identifier_values(resource: Json) -> set[str]:
    """Return the values of the identifiers of a record that has no problems."""
    return set(_values(resource, "identifier"))


def email_addresses(resource: Json) -> set[str]:
    """Return the e-mail addresses of a record that has no problems, in small letters."""
    return {value.lower() for value in _values(resource, "telecom", system="email")}


def _values(resource: Json, name: str, **elements: str) -> Iterator[str]:
    members = resource.get(name, [])
    assert isinstance(members, list)
    for member in members:
        if "value" in member and all(member.get(key) == value for key, value in elements.items()):
            yield member["value"]
