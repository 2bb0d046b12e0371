"""The simulator of eHealth Ukraine shows merge requests to the legal entity that made them."""

from __future__ import annotations

import httpx
import pytest

from tests.sandbox.ehealth_client import ehealth_client, field_error, refusal, schema_failed

pytestmark = pytest.mark.anyio

ALL = "/api/merge_requests"
SIGNED = "00000000-0000-4000-8000-000000000025"


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def shown(query: dict[str, str], *, token: str = "token-good") -> list[tuple[str, str]]:
    """Return the last digits of each preperson that is shown, and the status."""
    async with ehealth_client(token=token) as client:
        response = await client.get(ALL, params=query)
    assert response.status_code == 200
    return [(each["merge_person_id"][-2:], each["status"]) for each in response.json()["data"]]


async def test_a_merge_request_names_the_preperson_and_the_person() -> None:
    async with ehealth_client() as client:
        response = await client.get(ALL, params={"merge_person_id": SIGNED, "status": "SIGNED"})

    body = response.json()
    assert {name: body["meta"][name] for name in ("code", "type")} == {"code": 200, "type": "list"}
    assert body["paging"] == {"page_number": 1, "page_size": 50, "total_entries": 1, "total_pages": 1}
    assert body["data"] == [
        {
            "id": "00000000-0000-4000-8000-0000000d0006",
            "master_person_id": "00000000-0000-4000-8000-0000000e0025",
            "merge_person_id": SIGNED,
            "status": "SIGNED",
            "inserted_at": "2025-10-01T08:00:00Z",
            "inserted_by": "00000000-0000-4000-8000-00000000aaaa",
            "updated_at": "2025-10-02T09:30:00Z",
            "updated_by": "00000000-0000-4000-8000-00000000aaaa",
        }
    ]


@pytest.mark.parametrize(
    ("query", "seen"),
    [
        (
            {},
            [
                ("21", "NEW"),
                ("22", "APPROVED"),
                ("23", "REJECTED"),
                ("24", "CANCELLED"),
                ("25", "CANCELLED"),
                ("25", "SIGNED"),
            ],
        ),
        ({"status": "cancelled"}, [("24", "CANCELLED"), ("25", "CANCELLED")]),
        ({"merge_person_id": SIGNED}, [("25", "CANCELLED"), ("25", "SIGNED")]),
        ({"master_person_id": "00000000-0000-4000-8000-0000000E0022"}, [("22", "APPROVED")]),
        ({"merge_person_id": "00000000-0000-4000-8000-000000000404"}, []),
        ({"page_size": "4", "page": "2"}, [("25", "CANCELLED"), ("25", "SIGNED")]),
        ({"page_size": "4", "page": "3"}, []),
    ],
)
async def test_merge_requests_are_filtered_and_paged(query: dict[str, str], seen: list[tuple[str, str]]) -> None:
    assert await shown(query) == seen


async def test_the_paging_says_how_many_there_are() -> None:
    async with ehealth_client() as client:
        response = await client.get(ALL, params={"page_size": "4", "page": "2"})

    assert response.json()["paging"] == {"page_number": 2, "page_size": 4, "total_entries": 6, "total_pages": 2}


async def test_another_legal_entity_sees_none_of_them() -> None:
    assert await shown({}, token="token-receptionist") == []


@pytest.mark.parametrize(
    ("token", "expected"),
    [
        ("token-expired", (401, {"type": "access_denied", "message": "Access token validation failed"})),
        ("token-read-only", (403, {"type": "forbidden", "message": "Invalid scope(s)"})),
        ("token-wrong-role", (403, {"type": "forbidden", "message": "Invalid scope(s)"})),
    ],
)
async def test_only_who_has_the_scope_sees_merge_requests(token: str, expected: object) -> None:
    async with ehealth_client(token=token) as client:
        response = await client.get(ALL)

    assert refusal(response) == expected


async def test_what_cannot_be_a_filter_is_refused_with_its_name() -> None:
    query = {"master_person_id": "1", "merge_person_id": "x", "status": "DONE", "page": "0", "page_size": "101"}

    async with ehealth_client() as client:
        response = await client.get(ALL, params=query)

    statuses = {"values": ["NEW", "APPROVED", "REJECTED", "CANCELLED", "SIGNED"]}
    invalid = [
        field_error("$.master_person_id", "uuid", "is not a valid UUID"),
        field_error("$.merge_person_id", "uuid", "is not a valid UUID"),
        field_error("$.status", "inclusion", "value is not allowed in enum", statuses),
        field_error("$.page", "number", "expected a number from 1 to 1000000"),
        field_error("$.page_size", "number", "expected a number from 1 to 100"),
    ]
    in_query = [{**each, "entry_type": "query_parameter"} for each in invalid]
    error = {"type": "validation_failed", "message": "Validation failed", "invalid": in_query}
    assert refusal(response) == (422, error)


async def test_the_merge_requests_of_one_preperson_cannot_be_had() -> None:
    async with ehealth_client() as client:
        read: httpx.Response = await client.get("/api/prepersons/00000000-0000-4000-8000-000000000026")
        merges = await client.get(ALL, params={"merge_person_id": "00000000-0000-4000-8000-000000000026"})

    assert read.status_code == 200
    assert refusal(merges) == (503, {"type": "internal_error", "message": "Service is temporarily unavailable"})


# --- what happens in eHealth's own house

PERSON = "00000000-0000-4000-8000-0000000e0021"
PREPERSON = "00000000-0000-4000-8000-000000000002"
BOTH = {"master_person_id": PERSON, "merge_person_id": PREPERSON}


async def test_a_merge_request_is_made_approved_and_signed() -> None:
    async with ehealth_client(token="token-merge-requests") as client:
        made = await client.post(ALL, json=BOTH)
        approved = await client.patch(f"{ALL}/new-1/actions/approve")
        signed = await client.patch(f"{ALL}/new-1/actions/sign")
        shown = await client.get(ALL, params={"merge_person_id": PREPERSON, "status": "SIGNED"})

    assert made.status_code == 201
    assert made.json()["data"] == {
        "id": "new-1",
        **BOTH,
        "status": "NEW",
        "inserted_at": "2026-03-04T05:06:07Z",
        "inserted_by": "00000000-0000-4000-8000-00000000aaaa",
        "updated_at": "2026-03-04T05:06:07Z",
        "updated_by": "00000000-0000-4000-8000-00000000aaaa",
    }
    assert [each.json()["data"]["status"] for each in (approved, signed)] == ["APPROVED", "SIGNED"]
    assert shown.json()["data"] == [signed.json()["data"]]


async def test_a_new_merge_request_cancels_the_open_ones_of_its_preperson() -> None:
    async with ehealth_client(token="token-merge-requests") as client:
        await client.post(ALL, json=BOTH)
        await client.post(ALL, json=BOTH)
        of_it = await client.get(ALL, params={"merge_person_id": PREPERSON})

    assert [(each["id"], each["status"]) for each in of_it.json()["data"]] == [("new-1", "CANCELLED"), ("new-2", "NEW")]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (
            {**BOTH, "master_person_id": "00000000-0000-4000-8000-0000000e0099"},
            (404, {"type": "not_found", "message": "Person not found"}),
        ),
        (
            {**BOTH, "merge_person_id": "00000000-0000-4000-8000-000000000404"},
            (404, {"type": "not_found", "message": "Preperson not found"}),
        ),
        (
            {**BOTH, "merge_person_id": "00000000-0000-4000-8000-000000000001"},
            (409, {"type": "request_conflict", "message": "Preperson is not active"}),
        ),
        (
            {"master_person_id": "1"},
            schema_failed(
                field_error("$.master_person_id", "uuid", "is not a valid UUID"),
                field_error("$.merge_person_id", "uuid", "is not a valid UUID"),
            ),
        ),
        (
            [],
            schema_failed(
                field_error("$.master_person_id", "uuid", "is not a valid UUID"),
                field_error("$.merge_person_id", "uuid", "is not a valid UUID"),
            ),
        ),
    ],
)
async def test_what_cannot_be_merged_is_refused(body: object, expected: object) -> None:
    async with ehealth_client(token="token-merge-requests") as client:
        response = await client.post(ALL, json=body)

    assert refusal(response) == expected


async def test_a_merge_request_goes_its_way_in_order() -> None:
    wrong = (409, {"type": "request_conflict", "message": "Invalid merge request status"})

    async with ehealth_client(token="token-merge-requests") as client:
        await client.post(ALL, json=BOTH)
        too_early = await client.patch(f"{ALL}/new-1/actions/sign")
        await client.patch(f"{ALL}/new-1/actions/approve")
        again = await client.patch(f"{ALL}/new-1/actions/approve")
        unknown = await client.patch(f"{ALL}/new-2/actions/approve")

    assert (refusal(too_early), refusal(again)) == (wrong, wrong)
    assert refusal(unknown) == (404, {"type": "not_found", "message": "Merge request not found"})


@pytest.mark.parametrize(
    ("method", "url"), [("POST", ALL), ("PATCH", f"{ALL}/x/actions/approve"), ("PATCH", f"{ALL}/x/actions/sign")]
)
async def test_who_may_only_look_may_do_nothing_else(method: str, url: str) -> None:
    async with ehealth_client() as client:
        response = await client.request(method, url, json=BOTH)

    assert refusal(response) == (403, {"type": "forbidden", "message": "Invalid scope(s)"})


async def test_another_action_is_404() -> None:
    async with ehealth_client(token="token-merge-requests") as client:
        response = await client.patch(f"{ALL}/x/actions/undo")

    assert refusal(response) == (404, {"type": "not_found", "message": "Not found"})
