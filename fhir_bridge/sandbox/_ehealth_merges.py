"""The merge requests that the simulated eHealth knows: which are shown, and how one is made, approved and signed.

"Get merge requests", "Create merge request" and "Sign merge request" of the eHealth wiki. A merge request says that a
preperson (`merge_person_id`) is a person of the registry (`master_person_id`). The bridge only looks at them; the
rest is what happens in eHealth's own house meanwhile.
"""

# INFERRED: the path of approving. Left out: how the person confirms, the content of the signature, and that a
# preperson without episodes is refused, for there are no episodes here.

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID

from fhir_bridge.sandbox._ehealth_answers import Invalid, Json, Refusal
from fhir_bridge.sandbox._ehealth_registry import CLINIC_ID, Registry, Token

STATUSES = ("NEW", "APPROVED", "REJECTED", "CANCELLED", "SIGNED")
UNAVAILABLE_ID = "00000000-0000-4000-8000-000000000026"
"""The preperson whose merge requests cannot be had."""

DEFAULT_PAGE_SIZE = 50
MAX_PAGE_SIZE = 100


def _merge_request(number: int, status: str, *, of: int) -> Json:
    """Return the merge request `number`, of the preperson whose id ends in `of`; the person's id ends alike."""
    return {
        "id": f"00000000-0000-4000-8000-0000000d{number:04d}",
        "master_person_id": f"00000000-0000-4000-8000-0000000e{of:04d}",
        "merge_person_id": f"00000000-0000-4000-8000-{of:012d}",
        "status": status,
        "inserted_at": "2025-10-01T08:00:00Z",
        "inserted_by": "00000000-0000-4000-8000-00000000aaaa",
        "updated_at": "2025-10-02T09:30:00Z",
        "updated_by": "00000000-0000-4000-8000-00000000aaaa",
    }


MERGE_REQUESTS: Mapping[str, Sequence[Json]] = {
    CLINIC_ID: (
        _merge_request(1, "NEW", of=21),
        _merge_request(2, "APPROVED", of=22),
        _merge_request(3, "REJECTED", of=23),
        _merge_request(4, "CANCELLED", of=24),
        _merge_request(5, "CANCELLED", of=25),
        _merge_request(6, "SIGNED", of=25),
    )
}
"""The merge requests by the legal entity that made them; nobody else sees them."""


PERSON_IDS = frozenset(str(each["master_person_id"]) for each in MERGE_REQUESTS[CLINIC_ID])
"""The persons of the registry."""

OPEN = ("NEW", "APPROVED")


@dataclass(slots=True)
class MergeRequests:
    """The merge requests of one running simulator."""

    _made: dict[str, list[Json]] = field(default_factory=lambda: {who: [*each] for who, each in MERGE_REQUESTS.items()})

    def found(self, query: Mapping[str, str], legal_entity_id: str) -> tuple[list[Json], Json]:
        """Return one page of a legal entity's merge requests, and its `paging`; raises Refusal 422 and 503."""
        _check(query)
        if query.get("merge_person_id", "").lower() == UNAVAILABLE_ID:
            raise Refusal(503, "Service is temporarily unavailable")  # INFERRED: a way to see a step of a read fail
        wanted = {name: query[name].lower() for name in ("status", *_IDS) if query.get(name)}
        fitting = [
            each
            for each in self._made.get(legal_entity_id, ())
            if all(str(each[name]).lower() == value for name, value in wanted.items())
        ]
        page, size = int(query.get("page", "1")), int(query.get("page_size", DEFAULT_PAGE_SIZE))
        paging: Json = {
            "page_number": page,
            "page_size": size,
            "total_entries": len(fitting),
            "total_pages": max(1, -(-len(fitting) // size)),
        }
        return fitting[(page - 1) * size : page * size], paging

    def create(self, body: object, registry: Registry, token: Token, *, id: str, at: datetime) -> Json:
        """Return a new merge request; the open ones of the same preperson are cancelled. Raises Refusal."""
        asked = _asked(body)
        if asked["master_person_id"].lower() not in PERSON_IDS:
            raise Refusal(404, "Person not found")
        preperson = registry.known(asked["merge_person_id"])
        if preperson is None:
            raise Refusal(404, "Preperson not found")
        if str(preperson["status"]).upper() != "ACTIVE":
            raise Refusal(409, "Preperson is not active")
        mine = self._made.setdefault(token.legal_entity_id, [])
        for other in mine:
            if other["status"] in OPEN and str(other["merge_person_id"]).lower() == asked["merge_person_id"].lower():
                self._change(other, "CANCELLED", token, at)
        stamp = {"inserted_at": _stamp(at), "inserted_by": token.user_id, "updated_at": "", "updated_by": ""}
        mine.append({"id": id, **asked, "status": "NEW", **stamp})
        return self._change(mine[-1], "NEW", token, at)

    def move(self, id: str, action: str, token: Token, *, at: datetime) -> Json:
        """Return a merge request that was approved or signed; raises Refusal 404 and 409."""
        before, after = {"approve": ("NEW", "APPROVED"), "sign": ("APPROVED", "SIGNED")}[action]
        found = next((each for each in self._made.get(token.legal_entity_id, ()) if each["id"] == id), None)
        if found is None:
            raise Refusal(404, "Merge request not found")  # INFERRED: the words
        if found["status"] != before:
            raise Refusal(409, "Invalid merge request status")
        return self._change(found, after, token, at)

    def _change(self, one: Json, status: str, token: Token, at: datetime) -> Json:
        """Put a merge request with another status in the place of `one`."""
        changed = {**one, "status": status, "updated_at": _stamp(at), "updated_by": token.user_id}
        mine = self._made[token.legal_entity_id]
        mine[mine.index(one)] = changed
        return changed


def _asked(body: object) -> Mapping[str, str]:
    """Return the two ids of a new merge request; raises Refusal 422."""
    given = body if isinstance(body, dict) else {}
    wrong = [
        name for name in _IDS if not isinstance(given.get(name), str) or not given[name] or not _is_uuid(given[name])
    ]
    if wrong:
        problems = [Invalid(f"$.{name}", "uuid", "is not a valid UUID") for name in wrong]
        raise Refusal(422, "Schema validation failed", problems)
    return {name: str(given[name]).lower() for name in _IDS}


def _stamp(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


_IDS = ("master_person_id", "merge_person_id")


def _check(query: Mapping[str, str]) -> None:
    """Raise Refusal 422 that names every parameter that cannot be used."""
    # INFERRED: no page says what happens then; eHealth's library has a place for what is wrong with a query.
    problems = [_wrong(name, "uuid", "is not a valid UUID") for name in _IDS if not _is_uuid(query.get(name, ""))]
    if query.get("status") and query["status"].upper() not in STATUSES:
        problems.append(_wrong("status", "inclusion", "value is not allowed in enum", {"values": STATUSES}))
    for name, most in (("page", 10**6), ("page_size", MAX_PAGE_SIZE)):
        text = query.get(name, "1")
        if not (text.isascii() and text.isdigit() and len(text) < 8 and 1 <= int(text) <= most):
            problems.append(_wrong(name, "number", f"expected a number from 1 to {most}"))
    if problems:
        raise Refusal(422, "Validation failed", problems)


def _wrong(name: str, rule: str, description: str, params: Mapping[str, object] | Sequence[object] = ()) -> Invalid:
    return Invalid(f"$.{name}", rule, description, params, entry_type="query_parameter")


def _is_uuid(text: str) -> bool:
    try:
        return not text or str(UUID(text)) == text.lower()
    except ValueError:
        return False
