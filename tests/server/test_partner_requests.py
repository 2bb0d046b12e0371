"""Section 2 of the contract, row by row: what leaves for the partner, whole - method, address, headers, JSON."""

import httpx
import pytest

from fhir_bridge.gateway.client import product
from fhir_bridge.outcome import Json
from tests.outcomes import parameters
from tests.server.roche_sample import REQUEST
from tests.server.test_update import EMERGENCY
from tests.serving import Canned

pytestmark = pytest.mark.anyio

ID = "7c3da506-804d-4550-8993-bf17f9ee0402"
PREPERSON = {"data": {"id": ID, "status": "ACTIVE", "updated_at": "2017-04-20T19:14:13Z"}}
GATEWAY = {"user-agent": product("fhir-bridge"), "accept-encoding": "gzip", "connection": "keep-alive"}
JSON_IN = {"accept": "application/json"}
JSON_BOTH = {"accept": "application/json", "content-type": "application/json"}


def sent(partner: Canned) -> tuple[str, str, dict[str, str], Json]:
    """Return the one call that was made: method, address, headers, JSON; the length of the body is left out."""
    ((request,), (body,)) = partner.requests, partner.bodies()
    headers = dict(request.headers)
    assert int(headers.pop("content-length", "0")) == len(request.content)
    return request.method, str(request.url), headers, body


@pytest.mark.parametrize("operation", ["$update-data", "$updateData"])
@pytest.mark.parametrize(
    ("parameter", "body"),
    [
        ([], {}),
        ([{"name": "skipInteractive", "valueBoolean": True}], {"skipInteractive": True}),
        ([{"name": "skipInteractive", "valueBoolean": False}], {"skipInteractive": False}),
    ],
)
async def test_update_data(
    canned: httpx.AsyncClient, partner: Canned, operation: str, parameter: list[Json], body: Json
) -> None:
    """The partner always gets an object; the project is no part of it."""
    partner.answer(201, {"message": "IN_PROGRESS_NO_ACTION_NEEDED"})
    content = {"json": parameters(*parameter)} if parameter else {}

    await canned.post(f"/fhir/healthex/Patient/17d4513f-73e8/{operation}", **content)

    assert sent(partner) == (
        "POST",
        "http://healthex.test/v1/projects/694d61c2-3f1b/recruitment/identified-patients/17d4513f-73e8/$updateData",
        {**GATEWAY, **JSON_BOTH, "host": "healthex.test", "authorization": "Bearer ready-token"},
        body,
    )


@pytest.mark.parametrize(
    ("project", "segment"),
    [
        ("second-study", "second-study"),
        ("a study?x=1#y", "a%20study%3Fx%3D1%23y"),
        ("50%2f", "50%252f"),
        ("дослідження", "%D0%B4%D0%BE%D1%81%D0%BB%D1%96%D0%B4%D0%B6%D0%B5%D0%BD%D0%BD%D1%8F"),
    ],
)
async def test_a_project_is_one_segment_of_the_path_whatever_it_is(
    canned: httpx.AsyncClient, partner: Canned, project: str, segment: str
) -> None:
    """Percent-encoded, so that it cannot lead elsewhere."""
    partner.answer(201, {"message": "IN_PROGRESS_NO_ACTION_NEEDED"})
    body = parameters({"name": "project", "valueString": project})

    await canned.post("/fhir/healthex/Patient/p/$update-data", json=body)

    (request,) = partner.requests
    path = f"/v1/projects/{segment}/recruitment/identified-patients/p/$updateData"
    assert (request.url.raw_path.decode(), partner.bodies()) == (path, [{}])


async def test_read(canned: httpx.AsyncClient, partner: Canned) -> None:
    """A GET with no body and no Content-Type."""
    partner.answer(200, PREPERSON)

    await canned.get(f"/fhir/ehealth/Patient/{ID}")

    assert sent(partner) == (
        "GET",
        f"http://ehealth.test/api/prepersons/{ID}",
        {
            **GATEWAY,
            **JSON_IN,
            "host": "ehealth.test",
            "authorization": "Bearer token-good",
            "api-key": "sandbox-api-key",
        },
        None,
    )


async def test_update_with_every_element_of_the_table(canned: httpx.AsyncClient, partner: Canned) -> None:
    """Every mapped element that the resource has; never a read-only one, and nothing as null."""
    partner.answer(200, PREPERSON)
    body = {
        "resourceType": "Patient",
        "id": ID,
        "meta": {"versionId": "2017-04-20T191413Z", "lastUpdated": "2017-04-20T19:14:13Z"},
        "extension": [
            {"url": "https://fhir-bridge.example/fhir/StructureDefinition/preperson-note", "valueString": "Tall."}
        ],
        "identifier": [{"system": "https://fhir-bridge.example/fhir/sid/ehealth-external-id", "value": "#1234-FDS-ab"}],
        "active": True,
        "name": [{"use": "official", "family": "Іванов", "given": ["Петро", "Миколайович"]}],
        "gender": "male",
        "birthDate": "1980-01-01",
        "deceasedDateTime": "2018-11-11T23:59:00-10:00",
        "contact": [
            {
                "relationship": EMERGENCY,
                "name": {"family": "Іванова", "given": ["Олена", "Петрівна"]},
                "telecom": [
                    {"system": "phone", "value": "+380503410870", "use": "mobile"},
                    {"system": "phone", "value": "+380443410871", "use": "home"},
                ],
            }
        ],
    }

    await canned.put(f"/fhir/ehealth/Patient/{ID}", json=body)

    assert sent(partner) == (
        "PATCH",
        f"http://ehealth.test/api/prepersons/{ID}",
        {
            **GATEWAY,
            **JSON_BOTH,
            "host": "ehealth.test",
            "authorization": "Bearer token-good",
            "api-key": "sandbox-api-key",
        },
        {
            "external_id": "#1234-FDS-ab",
            "last_name": "Іванов",
            "first_name": "Петро",
            "second_name": "Миколайович",
            "gender": "MALE",
            "birth_date": "1980-01-01",
            "death_date": "2018-11-11",
            "emergency_contact": {
                "last_name": "Іванова",
                "first_name": "Олена",
                "second_name": "Петрівна",
                "phones": [
                    {"number": "+380503410870", "type": "MOBILE"},
                    {"number": "+380443410871", "type": "LAND_LINE"},
                ],
            },
        },
    )


async def test_update_with_one_element(canned: httpx.AsyncClient, partner: Canned) -> None:
    """What is absent is not sent."""
    partner.answer(200, PREPERSON)

    await canned.put(
        f"/fhir/ehealth/Patient/{ID}", json={"resourceType": "Patient", "id": ID, "name": [{"family": "Іванов"}]}
    )

    assert partner.bodies() == [{"last_name": "Іванов"}]


@pytest.mark.parametrize(
    ("parameter", "body"),
    [
        ([{"name": "status", "valueCode": "SUS"}], {"wmdaId": 123456, "newStatus": "SUS"}),
        (
            [{"name": "reason", "valueCode": "PDC"}, {"name": "status", "valueCode": "STP"}],
            {"wmdaId": 123456, "newStatus": "STP", "changeReason": "PDC"},
        ),
    ],
)
async def test_update_search_status(
    canned: httpx.AsyncClient, partner: Canned, parameter: list[Json], body: Json
) -> None:
    """The id is an integer in the body, and there is no key for what is absent; the order does not matter."""
    partner.answer(200, {"wmdaId": 123456, "status": body["newStatus"]})

    await canned.post("/fhir/wmda/Patient/123456/$update-search-status", json=parameters(*parameter))

    assert sent(partner) == (
        "PUT",
        "http://wmda.test/api/v2/patients/status",
        {**GATEWAY, **JSON_BOTH, "host": "wmda.test", "authorization": "Bearer ready-token"},
        body,
    )


async def test_message(canned: httpx.AsyncClient, partner: Canned) -> None:
    """The partner's credentials, the organisation and a request id as headers; the client's own headers stay here."""
    partner.answer(200)

    await canned.put(
        "/fhir/roche/Bundle/Bj6.1Lq-hvb-28",
        content=REQUEST,
        headers={
            "Content-Type": "application/fhir+json",
            "X-Request-Id": "5109D51B-421e-4746-b673-16e3fe2b3442",
            "Authorization": "Bearer of-the-client",
            "Cookie": "session=1",
            "client_id": "of-the-client",
        },
    )

    method, url, headers, _ = sent(partner)
    assert (method, url) == ("PUT", "https://roche.test/partners/fhir/stu3/api/v2/Bundle/Bj6.1Lq-hvb-28")
    assert headers == {
        **GATEWAY,
        "host": "roche.test",
        "accept": "application/fhir+json",
        "content-type": "application/fhir+json",
        "client_id": "1234567890",
        "client_secret": "sandbox-client-secret",
        "org_id": "2.16.724.4.2",
        "x-origin-request-id": "5109D51B-421e-4746-b673-16e3fe2b3442",
    }


@pytest.mark.parametrize(
    ("path", "segment"), [("Bj6.1Lq-hvb-28", "Bj6.1Lq-hvb-28"), ("%42j6%2E1Lq-hvb-28", "Bj6.1Lq-hvb-28")]
)
async def test_an_id_is_decoded_once_and_encoded_once(
    canned: httpx.AsyncClient, partner: Canned, path: str, segment: str
) -> None:
    """Two spellings of one address are one id."""
    partner.answer(200)

    response = await canned.put(
        f"/fhir/roche/Bundle/{path}", content=REQUEST, headers={"Content-Type": "application/fhir+json"}
    )

    assert response.status_code == 200
    assert partner.calls() == [f"PUT https://roche.test/partners/fhir/stu3/api/v2/Bundle/{segment}"]
