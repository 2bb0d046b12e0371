"""`PATCH /fhir/ehealth/Patient/{id}`: the patch is applied to the partner's record, and what changed is sent."""

import json

import httpx
import pytest

from fhir_bridge.outcome import Json
from tests.outcomes import issue, outcome, parameters
from tests.server.test_read import patient
from tests.server.test_update import NOT_ACTIVE
from tests.serving import Canned

pytestmark = pytest.mark.anyio

ID = "7c3da506-804d-4550-8993-bf17f9ee0402"
URL = f"/fhir/ehealth/Patient/{ID}"
JSON_PATCH = {"Content-Type": "application/json-patch+json"}
RECORD = {
    "id": ID,
    "external_id": "7",
    "first_name": "Петро",
    "last_name": "Іванов",
    "gender": "MALE",
    "birth_date": "1980-01-01",
    "emergency_contact": {
        "last_name": "Іванова",
        "phones": [{"type": "MOBILE", "number": "+380503410870"}, {"type": "LAND_LINE", "number": "+380443410871"}],
    },
    "status": "ACTIVE",
    "updated_at": "2017-04-20T19:14:13Z",
}
READ = f"GET http://ehealth.test/api/prepersons/{ID}"
WRITE = f"PATCH http://ehealth.test/api/prepersons/{ID}"


async def patch(client: httpx.AsyncClient, *operations: Json, url: str = URL, **headers: str) -> httpx.Response:
    """Send a JSON Patch."""
    return await client.patch(url, content=json.dumps(operations), headers=JSON_PATCH | headers)


def answers(partner: Canned, **changes: Json) -> None:
    """Have the record read, and then answered with these changes."""
    partner.answer(200, {"data": RECORD})
    partner.answer(200, {"data": {**RECORD, **changes}})


def operation(type_: str, path: str, **value: Json) -> Json:
    """Return one operation of a FHIRPath Patch."""
    parts = [{"name": "type", "valueCode": type_}, {"name": "path", "valueString": path}]
    return {"name": "operation", "part": [*parts, *({"name": name, **content} for name, content in value.items())]}


async def test_only_the_field_that_changed_is_sent(canned: httpx.AsyncClient, partner: Canned) -> None:
    """One read, one write with one field; the answer is the record as the partner has it then."""
    answers(partner, first_name="Павло")

    response = await patch(canned, {"op": "replace", "path": "/name/0/given/0", "value": "Павло"})

    assert partner.calls() == [READ, WRITE]
    assert partner.bodies() == [None, {"first_name": "Павло"}]
    assert response.status_code == 200
    assert response.json()["name"] == [{"use": "official", "family": "Іванов", "given": ["Павло"]}]


async def test_the_first_item_of_a_list_is_added_to_the_list(canned: httpx.AsyncClient, partner: Canned) -> None:
    """FHIR's JSON has no empty list, so that of a record without a contact is not there."""
    nobody = {name: value for name, value in RECORD.items() if name != "emergency_contact"}
    partner.answer(200, {"data": nobody})
    relationship = [{"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0131", "code": "C"}]}]
    contact = {"relationship": relationship, "name": {"family": "Іванова"}}

    response = await patch(canned, {"op": "add", "path": "/contact/-", "value": contact})

    assert partner.bodies() == [None, {"emergency_contact": {"last_name": "Іванова"}}]
    assert response.status_code == 200


async def test_a_fhirpath_patch_does_the_same(canned: httpx.AsyncClient, partner: Canned) -> None:
    """https://hl7.org/fhir/R4/fhirpatch.html"""
    answers(partner, gender="FEMALE")
    body = parameters(operation("replace", "Patient.gender", value={"valueCode": "female"}))

    response = await canned.patch(URL, json=body, headers={"Content-Type": "application/fhir+json"})

    assert partner.bodies() == [None, {"gender": "FEMALE"}]
    assert (response.status_code, response.json()["gender"]) == (200, "female")


async def test_a_field_that_the_partner_replaces_whole_is_sent_whole(
    canned: httpx.AsyncClient, partner: Canned
) -> None:
    """The partner replaces a contact as a whole, so a new number brings the names and the other phone along."""
    answers(partner)

    await patch(canned, {"op": "replace", "path": "/contact/0/telecom/1/value", "value": "+380443410872"})

    assert partner.bodies()[1] == {
        "emergency_contact": {
            "last_name": "Іванова",
            "phones": [{"type": "MOBILE", "number": "+380503410870"}, {"type": "LAND_LINE", "number": "+380443410872"}],
        }
    }


@pytest.mark.parametrize(
    "operations",
    [[], [{"op": "replace", "path": "/gender", "value": "male"}], [{"op": "test", "path": "/gender", "value": "male"}]],
)
async def test_a_patch_that_changes_nothing_sends_nothing(
    canned: httpx.AsyncClient, partner: Canned, operations: list[Json]
) -> None:
    """The answer is the current record."""
    partner.answer(200, {"data": RECORD})

    response = await patch(canned, *operations)

    assert partner.calls() == [READ]
    assert (response.status_code, response.json()["gender"]) == (200, "male")


async def test_a_patch_that_changes_nothing_says_so_where_it_is_asked(
    canned: httpx.AsyncClient, partner: Canned
) -> None:
    partner.answer(200, {"data": RECORD})

    response = await patch(canned, {"op": "test", "path": "/gender", "value": "male"}, Prefer="return=OperationOutcome")

    assert partner.calls() == [READ]
    assert response.status_code == 200
    assert response.json() == outcome(
        issue(
            "done",
            "informational",
            "The patch changes nothing that the partner holds, so nothing was sent.",
            severity="information",
        ),
    )


async def test_a_patch_whose_every_change_would_be_left_behind_is_refused(
    canned: httpx.AsyncClient, partner: Canned
) -> None:
    """As an update is that has nothing which can be sent."""
    partner.answer(200, {"data": RECORD})

    response = await patch(
        canned, {"op": "add", "path": "/photo", "value": [{"title": "x"}]}, Prefer="return=OperationOutcome"
    )

    text = "Nothing in this Patient can be sent to eHealth Ukraine; give it at least one element that it takes."
    assert partner.calls() == [READ]
    assert response.status_code == 422
    assert response.json() == outcome(
        issue("nothing-to-send", "business-rule", text, "Patient"),
        issue(
            "left-behind",
            "not-supported",
            "eHealth Ukraine cannot hold this element; it is left behind.",
            "Patient.photo[0]",
            severity="warning",
        ),
    )


async def test_a_strict_client_is_refused_what_the_partner_cannot_hold(
    canned: httpx.AsyncClient, partner: Canned
) -> None:
    """Only what the patch adds counts: the record itself came from the partner."""
    partner.answer(200, {"data": RECORD})
    operations = [
        {"op": "add", "path": "/photo", "value": [{"title": "x"}]},
        {"op": "replace", "path": "/gender", "value": "female"},
    ]

    response = await patch(canned, *operations, Prefer="handling=strict")

    assert partner.calls() == [READ]
    assert response.status_code == 422
    assert response.json() == outcome(
        issue(
            "left-behind",
            "not-supported",
            "eHealth Ukraine cannot hold this element; leave it out, or send without `handling=strict`.",
            "Patient.photo[0]",
        )
    )


@pytest.mark.parametrize(
    ("path", "expression"),
    [
        ("/gender", "Patient.gender"),
        ("/name/0/given/0", "Patient.name[0].given[0]"),
        ("/identifier", "Patient.identifier[0].value"),
    ],
)
async def test_what_the_partner_cannot_clear_cannot_be_removed(
    canned: httpx.AsyncClient, partner: Canned, path: str, expression: str
) -> None:
    """Each at its element, and nothing is sent."""
    partner.answer(200, {"data": RECORD})

    response = await patch(canned, {"op": "remove", "path": path})

    assert partner.calls() == [READ]
    assert response.status_code == 422
    assert response.json() == outcome(
        issue(
            "cannot-be-cleared",
            "business-rule",
            "The partner has no way to clear this element; give it another value, or leave it.",
            expression,
        )
    )


@pytest.mark.parametrize(
    ("operations", "expression"),
    [
        ([{"op": "replace", "path": "/active", "value": False}], "Patient.active"),
        ([{"op": "replace", "path": "/meta/lastUpdated", "value": "2020-01-01T00:00:00Z"}], "Patient.meta.lastUpdated"),
        ([{"op": "remove", "path": "/active"}], "Patient.active"),
    ],
)
async def test_what_the_partner_keeps_itself_cannot_be_patched(
    canned: httpx.AsyncClient, partner: Canned, operations: list[Json], expression: str
) -> None:
    """Its status and its time of the last update; and nothing is sent."""
    partner.answer(200, {"data": RECORD})

    response = await patch(canned, *operations)

    assert partner.calls() == [READ]
    assert response.status_code == 422
    assert response.json() == outcome(
        issue("read-only", "business-rule", "The partner keeps this element itself; leave it as it is.", expression)
    )


async def test_a_patch_may_not_make_another_resource_of_it(canned: httpx.AsyncClient, partner: Canned) -> None:
    """The operation is named by its number."""
    partner.answer(200, {"data": RECORD})

    response = await patch(
        canned, {"op": "test", "path": "/id", "value": ID}, {"op": "replace", "path": "/id", "value": "somebody-else"}
    )

    assert response.status_code == 422
    assert response.json() == outcome(issue("invalid-patch", "business-rule", "A patch may not change id.", "[1]"))


async def test_a_test_that_fails_stops_the_patch(canned: httpx.AsyncClient, partner: Canned) -> None:
    """https://www.rfc-editor.org/rfc/rfc6902#section-4.6; the value that stands there is not given away."""
    partner.answer(200, {"data": RECORD})

    response = await patch(
        canned,
        {"op": "test", "path": "/gender", "value": "female"},
        {"op": "replace", "path": "/birthDate", "value": "1981-01-01"},
    )

    assert partner.calls() == [READ]
    assert response.status_code == 422
    assert response.json() == outcome(
        issue("invalid-patch", "processing", "The test fails: another value stands there.", "[0].path")
    )


async def test_a_patch_that_makes_no_fhir_is_refused(canned: httpx.AsyncClient, partner: Canned) -> None:
    """The result is checked as an update would be."""
    partner.answer(200, {"data": RECORD})

    response = await patch(canned, {"op": "replace", "path": "/birthDate", "value": "1980-02-30"})

    assert partner.calls() == [READ]
    assert response.status_code == 400
    assert response.json() == outcome(
        issue(
            "invalid-format",
            "value",
            "`birthDate` must be a date of the calendar such as 2024-02-29, 2024-02 or 2024.",
            "Patient.birthDate",
        )
    )


async def test_the_record_must_be_there_to_be_patched(client: httpx.AsyncClient) -> None:
    """The read before the write is answered as any read is."""
    response = await patch(client, {"op": "replace", "path": "/gender", "value": "male"}, url=patient(404))

    assert response.status_code == 404
    assert response.json() == outcome(
        issue(
            "partner-refused",
            "not-found",
            "eHealth Ukraine does not know this.",
            partner=("ehealth", "not_found"),
            diagnostics="Validation failed",
        )
    )


async def test_what_the_partner_refuses_is_placed_in_the_patched_resource(client: httpx.AsyncClient) -> None:
    """The client sent an operation; the element that it made is what the partner objects to."""
    response = await patch(client, {"op": "replace", "path": "/contact/0/telecom/0/value", "value": "12345"})

    assert response.status_code == 422
    assert response.json() == outcome(
        issue(
            "partner-refused",
            "value",
            "eHealth Ukraine refused its field `emergency_contact.phones[0].number`.",
            "Patient.contact[0].telecom[0].value",
            partner=("ehealth", "format"),
            diagnostics=r'string does not match pattern "^\+[0-9]{11,12}$"',
        )
    )


async def test_a_known_code_takes_the_place_of_an_unknown_one(canned: httpx.AsyncClient, partner: Canned) -> None:
    """A gender that no table knows is read as unsupported, and can be replaced."""
    partner.answer(200, {"data": {**RECORD, "gender": "UNSPECIFIED"}})
    partner.answer(200, {"data": {**RECORD, "gender": "FEMALE"}})

    response = await patch(
        canned, {"op": "remove", "path": "/_gender"}, {"op": "add", "path": "/gender", "value": "female"}
    )

    assert partner.bodies()[1] == {"gender": "FEMALE"}
    assert (response.status_code, response.json()["gender"]) == (200, "female")


async def test_an_unknown_code_elsewhere_does_not_stop_a_patch(client: httpx.AsyncClient) -> None:
    """The contact's phone has a type that no table knows; the patch sends the date of birth alone."""
    response = await patch(client, {"op": "replace", "path": "/birthDate", "value": "1990-05-18"}, url=patient(3))

    assert (response.status_code, response.json()["birthDate"]) == (200, "1990-05-18")


async def test_an_unknown_code_within_what_is_sent_stops_a_patch(client: httpx.AsyncClient) -> None:
    """The contact would be replaced as a whole, and the type of its phone would be lost."""
    response = await patch(
        client, {"op": "replace", "path": "/contact/0/name/family", "value": "Шевченко"}, url=patient(3)
    )

    assert response.status_code == 422
    assert response.json() == outcome(
        issue(
            "code-unknown-to-partner",
            "code-invalid",
            "`use` cannot be sent: the partner has a code here that no table knows, "
            "and sending what is around it would lose it.",
            "Patient.contact[0].telecom[0].use",
        )
    )


async def test_an_inactive_record_cannot_be_patched(client: httpx.AsyncClient) -> None:
    """It can be read; it is the write that is refused."""
    response = await patch(client, {"op": "replace", "path": "/gender", "value": "male"}, url=patient(1))

    assert response.status_code == 422
    assert response.json() == NOT_ACTIVE


@pytest.mark.parametrize(
    ("operations", "text", "code", "expression"),
    [
        ({"op": "add"}, "A JSON Patch is a list of operations.", "structure", None),
        (
            [{"op": "alter", "path": "/gender"}],
            "op is one of add, remove, replace, move, copy, test.",
            "value",
            "[0].op",
        ),
    ],
)
async def test_what_is_no_json_patch_is_named(
    canned: httpx.AsyncClient, partner: Canned, operations: Json, text: str, code: str, expression: str | None
) -> None:
    """400: it can be known without the record."""
    partner.answer(200, {"data": RECORD})

    response = await canned.patch(URL, content=json.dumps(operations), headers=JSON_PATCH)

    assert response.status_code == 400
    assert response.json() == outcome(issue("invalid-patch", code, text, expression))  # type: ignore[arg-type]


async def test_a_base_without_patch_says_so(client: httpx.AsyncClient) -> None:
    """A message can be sent, not patched."""
    response = await patch(client, {"op": "remove", "path": "/id"}, url="/fhir/roche/Bundle/Bj6.1Lq-hvb-28")

    assert (response.status_code, response.headers["allow"]) == (405, "PUT")
    assert response.json() == outcome(
        issue(
            "method-not-allowed",
            "not-supported",
            "Roche Diabetes Care does not offer `patch` of Bundle at this address. It allows PUT.",
        )
    )


PATCHES = "application/json-patch+json, application/merge-patch+json, application/fhir+json, application/fhir+xml"


async def test_the_patches_that_are_taken_are_told(canned: httpx.AsyncClient) -> None:
    """Before and after one that is not, and not where there is none. https://www.rfc-editor.org/rfc/rfc5789"""
    asked = await canned.options(URL)
    refused = await canned.patch(URL, content="x", headers={"Content-Type": "application/xml-patch+xml"})
    elsewhere = await canned.options("/fhir/ehealth/metadata")

    assert (asked.status_code, asked.headers["accept-patch"]) == (204, PATCHES)
    assert (refused.status_code, refused.headers["accept-patch"]) == (415, PATCHES)
    assert "accept-patch" not in elsewhere.headers


@pytest.mark.parametrize("content_type", ["application/json-patch+json", "application/fhir+json"])
async def test_a_patch_without_a_body_is_refused(canned: httpx.AsyncClient, partner: Canned, content_type: str) -> None:
    """Whatever kind it would be."""
    response = await canned.patch(URL, content="", headers={"Content-Type": content_type})

    text = "The body is empty; send a patch: Parameters, a JSON Patch or a JSON Merge Patch."
    assert (response.status_code, response.json()) == (400, outcome(issue("invalid-patch", "required", text)))
    assert partner.calls() == []
