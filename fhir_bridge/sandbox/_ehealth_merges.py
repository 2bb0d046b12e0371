"""The merge requests that the simulated eHealth knows, and the answer to `GET /api/merge_requests`.

"Get merge requests" of the eHealth wiki: who may see them, and by what they are filtered. A merge request says that a
preperson (`merge_person_id`) is a person of the registry (`master_person_id`); it is made, approved and signed with
a qualified signature, which nothing here does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

from fhir_bridge.sandbox._ehealth_answers import Invalid, Json, Refusal
from fhir_bridge.sandbox._ehealth_registry import CLINIC_ID

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


def found(query: Mapping[str, str], legal_entity_id: str) -> tuple[list[Json], Json]:
    """Return one page of a legal entity's merge requests, and its `paging`; raises Refusal 422 and 503."""
    _check(query)
    if query.get("merge_person_id", "").lower() == UNAVAILABLE_ID:
        raise Refusal(503, "Service is temporarily unavailable")  # INFERRED: a way to see a step of a read fail
    wanted = {name: query[name].lower() for name in ("status", *_IDS) if query.get(name)}
    fitting = [
        each
        for each in MERGE_REQUESTS.get(legal_entity_id, ())
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
