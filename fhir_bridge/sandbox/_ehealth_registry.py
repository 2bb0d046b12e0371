"""Who the simulated eHealth knows: access tokens, prepersons, and ids that provoke an error."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from fhir_bridge.sandbox._ehealth_answers import Json, Refusal

API_KEY = "sandbox-api-key"
CLINIC_ID = "00000000-0000-4000-8000-00000000c001"
HOSPITAL_ID = "00000000-0000-4000-8000-00000000c002"
SCOPES = frozenset({"preperson:read", "preperson:write", "merge_request:read"})


@dataclass(frozen=True, slots=True)
class Token:
    """One access token: whose it is, what it allows, and the legal entity it was made for (its `client_id`)."""

    scopes: frozenset[str] = SCOPES
    user_id: str = "00000000-0000-4000-8000-00000000aaaa"
    verified: bool = True
    role: str = "SPECIALIST"
    legal_entity_id: str = CLINIC_ID
    legal_entity_type: str = "OUTPATIENT"
    legal_entity_status: str = "ACTIVE"
    inpatient_service: bool = True
    expired: bool = False

    def allows(self, scope: str) -> bool:
        """Return whether the token allows `scope`; a user of another role or legal entity holds no scope at all."""
        # INFERRED: the page names roles and types without a status; eHealth ties scopes to roles, hence its 403.
        return scope in self.scopes and self.role in ROLES and self.legal_entity_type in LEGAL_ENTITY_TYPES


ROLES = ("SPECIALIST", "ASSISTANT", "RECEPTIONIST")
LEGAL_ENTITY_TYPES = ("OUTPATIENT", "EMERGENCY")

TOKENS: Mapping[str, Token] = {
    "token-good": Token(),
    "token-receptionist": Token(
        user_id="00000000-0000-4000-8000-00000000bbbb",
        role="RECEPTIONIST",
        legal_entity_id=HOSPITAL_ID,
        legal_entity_type="EMERGENCY",
    ),
    "token-expired": Token(expired=True),
    "token-read-only": Token(scopes=frozenset({"preperson:read"})),
    "token-write-only": Token(scopes=frozenset({"preperson:write"})),
    "token-wrong-role": Token(role="OWNER"),
    "token-pharmacy": Token(legal_entity_type="PHARMACY"),
    "token-suspended-legal-entity": Token(legal_entity_status="SUSPENDED"),
    "token-merge-requests": Token(scopes=SCOPES | {"merge_request:write", "merge_request:sign"}),
    "token-no-inpatient-service": Token(inpatient_service=False),
    "token-unverified-party": Token(verified=False),
}

SEED_ID = "7c3da506-804d-4550-8993-bf17f9ee0402"

_NOBODY: Json = {
    "id": None,
    "external_id": None,
    "first_name": None,
    "last_name": None,
    "second_name": None,
    "gender": None,
    "birth_date": None,
    "emergency_contact": None,
    "note": None,
    "status": "ACTIVE",
    "death_date": None,
    "inserted_at": "2017-04-20T19:14:13Z",
    "inserted_by": "e1453f4c-1077-4e85-8c98-c13ffca0063e",
    "updated_at": "2017-04-20T19:14:13Z",
    "updated_by": "2922a240-63db-404e-b730-09222bfeb2dd",
}


def _contact(phone_type: str, number: str) -> Json:
    return {
        "first_name": "Петро",
        "last_name": "Іванов",
        "second_name": "Миколайович",
        "phones": [{"type": phone_type, "number": number}],
    }


def _telling(number: int, last_name: str, **fields: object) -> Json:
    """Return a preperson whose id ends in `number` and whose last name says what is special about them."""
    person: Json = {
        "first_name": "Олена",
        "last_name": last_name,
        "second_name": "Іванівна",
        "gender": "FEMALE",
        "birth_date": "1990-05-17",
    }
    return {
        **_NOBODY,
        "id": f"00000000-0000-4000-8000-{number:012d}",
        "external_id": f"12345678.87654321.{number}",
        **person,
        **fields,
    }


PREPERSONS: tuple[Json, ...] = (
    {
        **_NOBODY,
        "id": SEED_ID,
        "external_id": "#1234-FDS-aa",
        "first_name": "Петро",
        "last_name": "Іванов",
        "second_name": "Миколайович",
        "gender": "MALE",
        "birth_date": "1980-01-01",
        "emergency_contact": _contact("MOBILE", "+380503410870"),
        "note": "Registered in SmartMed clinic at 01.01.2019 16:40. Male, 40 years old approximately, "
        "tatoo with sport motorcycle on the right forearm",
        # The sample shows death_date and ACTIVE together, which the rules forbid; here he lives.
    },
    _telling(1, "Already-Died", status="INACTIVE", death_date="2018-11-11"),
    {
        **_NOBODY,
        "id": "00000000-0000-4000-8000-000000000002",
        "external_id": "12345678.87654321.2",  # the one field that creating a preperson requires
    },
    _telling(
        3, "Unknown-Codes", gender="UNSPECIFIED", emergency_contact=_contact("SATELLITE", "+380503410873")
    ),  # INFERRED: dictionaries grow
    _telling(4, "Landline", emergency_contact=_contact("LANDLINE", "+380443410874")),
    _telling(5, "Land-Underscore-Line", emergency_contact=_contact("LAND_LINE", "+380443410875")),
    _telling(6, "Lower-Case-Active", status="active"),
    _telling(7, "Lower-Case-Inactive", status="inactive", death_date="2018-11-11"),
    _telling(21, "Merge-New"),
    _telling(22, "Merge-Approved"),
    _telling(23, "Merge-Rejected"),
    _telling(24, "Merge-Cancelled"),
    # INFERRED: the page on signing speaks of the pair of persons, not of the preperson, who stays as they are.
    _telling(25, "Merge-Signed"),
    _telling(26, "Merge-Requests-Unavailable"),
    _telling(504, "Answers-Late"),
)

LATE_ID = "00000000-0000-4000-8000-000000000504"
LATE_S = 20.0  # INFERRED: no page names a time; longer than a client waits
"""How long the answer for `LATE_ID` takes, in seconds; an update is made before."""

UNKNOWN_ID = "00000000-0000-4000-8000-000000000404"

# INFERRED, all of them: a way to see each error without another token, through the bridge too.
FAULTS: Mapping[int, str] = {
    401: "Access token validation failed",
    403: "Invalid scope(s)",
    409: "Legal entity must be ACTIVE",
    429: "Too many requests",
    500: "Internal server error",
    502: "Bad gateway",
    503: "Service is temporarily unavailable",
}
FAULT_IDS: Mapping[str, int] = {f"00000000-0000-4000-8000-{status_code:012d}": status_code for status_code in FAULTS}


class Registry:
    """The prepersons of one running simulator."""

    def __init__(self) -> None:
        self._prepersons = {str(preperson["id"]): preperson for preperson in PREPERSONS}

    def find(self, id: str) -> Json:
        """Return the preperson; raises Refusal 404, with the words of the page's table of statuses."""
        try:
            return self._prepersons[id.lower()]
        except KeyError:
            raise Refusal(404, "Validation failed") from None

    def known(self, id: str) -> Json | None:
        """Return the preperson, where there is one."""
        return self._prepersons.get(id.lower())

    def create(self, fields: Json, *, id: str, at: datetime, by: str) -> Json:
        """Return a new preperson, who is active."""
        stamp = _stamp(at)
        created = {**_NOBODY, **fields, "id": id, "inserted_at": stamp, "inserted_by": by}
        self._prepersons[id] = created | {"updated_at": stamp, "updated_by": by}
        return self._prepersons[id]

    def update(self, preperson: Json, changes: Json, *, at: datetime, by: str) -> Json:
        """Return the preperson with `changes`; a death date among them makes it inactive for good."""
        status = "INACTIVE" if "death_date" in changes else preperson["status"]
        updated = {**preperson, **changes, "status": status, "updated_at": _stamp(at), "updated_by": by}
        self._prepersons[str(preperson["id"])] = updated
        return updated


def _stamp(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
