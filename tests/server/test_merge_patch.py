"""JSON Merge Patch, RFC 7396: the plain body that some FHIR clients send as PATCH."""

import json

import httpx
import pytest

from fhir_bridge.outcome import Json
from tests.outcomes import issue, outcome
from tests.serving import Canned

pytestmark = pytest.mark.anyio

ID = "7c3da506-804d-4550-8993-bf17f9ee0402"
PATIENT = f"/fhir/ehealth/Patient/{ID}"
RECORD = {
    "data": {"id": ID, "gender": "MALE", "last_name": "Іванов", "first_name": "Петро", "birth_date": "1980-01-01"}
}


async def patch(client: httpx.AsyncClient, body: Json, content_type: str = "application/json") -> httpx.Response:
    return await client.patch(PATIENT, content=json.dumps(body), headers={"Content-Type": content_type})


@pytest.mark.parametrize("content_type", ["application/json", "application/merge-patch+json"])
@pytest.mark.parametrize(
    ("body", "sent"),
    [
        ({"gender": "female"}, {"gender": "FEMALE"}),
        ({"resourceType": "Patient", "id": ID, "birthDate": "1980-01-02"}, {"birth_date": "1980-01-02"}),
        ({"name": [{"family": "Коваль", "given": ["Петро"]}]}, {"last_name": "Коваль"}),
    ],
)
async def test_what_it_changes_is_sent(
    canned: httpx.AsyncClient, partner: Canned, content_type: str, body: Json, sent: Json
) -> None:
    """After the record was read; and nothing else."""
    partner.answer(200, RECORD)

    response = await patch(canned, body, content_type)

    assert response.status_code == 200
    assert [request.method for request in partner.requests] == ["GET", "PATCH"]
    assert partner.bodies() == [None, sent]


@pytest.mark.parametrize("body", [{}, {"gender": "male"}, {"photo": None}])
async def test_what_changes_nothing_is_not_sent(canned: httpx.AsyncClient, partner: Canned, body: Json) -> None:
    """The answer is the record."""
    partner.answer(200, RECORD)

    response = await patch(canned, body)

    assert (response.status_code, response.json()["gender"]) == (200, "male")
    assert [request.method for request in partner.requests] == ["GET"]


@pytest.mark.parametrize(
    ("body", "status", "told"),
    [
        (
            {"gender": None},
            422,
            issue(
                "cannot-be-cleared",
                "business-rule",
                "The partner has no way to clear this element; give it another value, or leave it.",
                "Patient.gender",
            ),
        ),
        (
            {"id": "other"},
            422,
            issue("invalid-patch", "business-rule", "A patch cannot change `id`; leave it out.", "Patient.id"),
        ),
    ],
)
async def test_what_cannot_be_changed_is_refused_where_it_stands(
    canned: httpx.AsyncClient, partner: Canned, body: Json, status: int, told: Json
) -> None:
    """Nothing is sent."""
    partner.answer(200, RECORD)

    response = await patch(canned, body)

    assert (response.status_code, response.json()) == (status, outcome(told))
    assert [request.method for request in partner.requests] == ["GET"]


async def test_what_is_no_object_is_no_patch(canned: httpx.AsyncClient, partner: Canned) -> None:
    """It is refused before the record is read."""
    response = await patch(canned, [])

    told = outcome(issue("invalid-patch", "structure", "A merge patch is a JSON object; send one."))
    assert (response.status_code, response.json()) == (400, told)
    assert partner.calls() == []


async def test_a_resource_of_fhir_is_no_merge_patch(canned: httpx.AsyncClient, partner: Canned) -> None:
    """FHIR's own media type has FHIR's own patch in it: Parameters."""
    response = await patch(canned, {"resourceType": "Patient", "gender": "male"}, "application/fhir+json")

    told = outcome(
        issue(
            "wrong-resource-type",
            "invalid",
            "`resourceType` must be `Parameters` here; send a Parameters.",
            "resourceType",
        )
    )
    assert (response.status_code, response.json(), partner.calls()) == (400, told, [])
