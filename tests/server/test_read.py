"""`GET /fhir/ehealth/Patient/{id}`: a preperson as a Patient, from the simulated partner."""

import httpx
import pytest

from tests.outcomes import issue, outcome

pytestmark = pytest.mark.anyio

UNSUPPORTED = {
    "extension": [{"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": "unsupported"}]
}


def patient(number: int) -> str:
    """Return the address of a preperson of the sandbox, by the last digits of its id."""
    return f"/fhir/ehealth/Patient/00000000-0000-4000-8000-{number:012d}"


async def test_a_whole_record_is_read(client: httpx.AsyncClient) -> None:
    """The preperson of the partner's own sample, every element of the contract's table but the date of death."""
    response = await client.get("/fhir/ehealth/Patient/7c3da506-804d-4550-8993-bf17f9ee0402")

    assert response.status_code == 200
    assert response.json() == {
        "resourceType": "Patient",
        "id": "7c3da506-804d-4550-8993-bf17f9ee0402",
        "meta": {"versionId": "2017-04-20T191413Z-90847d7180bb", "lastUpdated": "2017-04-20T19:14:13Z"},
        "extension": [
            {
                "url": "https://fhir-bridge.example/fhir/StructureDefinition/preperson-note",
                "valueString": "Registered in SmartMed clinic at 01.01.2019 16:40. Male, 40 years old approximately, "
                "tatoo with sport motorcycle on the right forearm",
            }
        ],
        "identifier": [{"system": "https://fhir-bridge.example/fhir/sid/ehealth-external-id", "value": "#1234-FDS-aa"}],
        "active": True,
        "name": [{"use": "official", "family": "Іванов", "given": ["Петро", "Миколайович"]}],
        "gender": "male",
        "birthDate": "1980-01-01",
        "contact": [
            {
                "relationship": [
                    {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0131", "code": "C"}]}
                ],
                "name": {"family": "Іванов", "given": ["Петро", "Миколайович"]},
                "telecom": [{"system": "phone", "value": "+380503410870", "use": "mobile"}],
            }
        ],
    }


async def test_a_record_with_nothing_in_it_has_no_empty_elements(client: httpx.AsyncClient) -> None:
    """Where the partner says null, FHIR says nothing: no `name`, no `contact`."""
    response = await client.get(patient(2))

    assert response.json() == {
        "resourceType": "Patient",
        "id": "00000000-0000-4000-8000-000000000002",
        "meta": {"versionId": "2017-04-20T191413Z-12cee03a6776", "lastUpdated": "2017-04-20T19:14:13Z"},
        "identifier": [
            {"system": "https://fhir-bridge.example/fhir/sid/ehealth-external-id", "value": "12345678.87654321.2"}
        ],
        "active": True,
    }


async def test_a_date_of_death_is_read(client: httpx.AsyncClient) -> None:
    """Who has died is inactive at the partner."""
    response = await client.get(patient(1))

    assert response.json() == {
        "resourceType": "Patient",
        "id": "00000000-0000-4000-8000-000000000001",
        "meta": {"versionId": "2017-04-20T191413Z-8e368a3dac3a", "lastUpdated": "2017-04-20T19:14:13Z"},
        "identifier": [
            {"system": "https://fhir-bridge.example/fhir/sid/ehealth-external-id", "value": "12345678.87654321.1"}
        ],
        "active": False,
        "name": [{"use": "official", "family": "Already-Died", "given": ["Олена", "Іванівна"]}],
        "gender": "female",
        "birthDate": "1990-05-17",
        "deceasedDateTime": "2018-11-11",
    }


async def test_a_code_that_no_table_knows_is_said_to_be_unsupported(client: httpx.AsyncClient) -> None:
    """Neither a guess nor silence: data-absent-reason stands where the code would."""
    response = await client.get(patient(3))

    body = response.json()
    assert response.status_code == 200
    assert "gender" not in body
    assert body["_gender"] == UNSUPPORTED
    assert body["contact"][0]["telecom"] == [{"system": "phone", "value": "+380503410873", "_use": UNSUPPORTED}]


@pytest.mark.parametrize("number", [4, 5])
async def test_both_of_the_partners_words_for_a_landline_are_home(client: httpx.AsyncClient, number: int) -> None:
    """LANDLINE and LAND_LINE."""
    response = await client.get(patient(number))

    (telecom,) = response.json()["contact"][0]["telecom"]
    assert telecom["use"] == "home"


@pytest.mark.parametrize(("number", "active"), [(6, True), (7, False)])
async def test_the_status_is_read_in_either_case(client: httpx.AsyncClient, number: int, active: bool) -> None:
    """The partner's pages write `active` as well as `ACTIVE`."""
    response = await client.get(patient(number))

    assert response.json()["active"] is active


async def test_an_update_can_be_read_back(client: httpx.AsyncClient) -> None:
    """What the update answers is what a read answers afterwards, with the same version."""
    body = {"resourceType": "Patient", "id": patient(4)[-36:], "birthDate": "1991-02-03"}

    updated = await client.put(patient(4), json=body)
    read = await client.get(patient(4))

    assert read.json()["birthDate"] == "1991-02-03"
    assert (read.json(), read.headers["etag"]) == (updated.json(), updated.headers["etag"])


async def test_an_unknown_id_is_not_found(client: httpx.AsyncClient) -> None:
    """With the partner's own words, and its code for them."""
    response = await client.get(patient(404))

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


async def test_head_has_the_headers_of_get_and_no_body(client: httpx.AsyncClient) -> None:
    """https://hl7.org/fhir/R4/http.html#read"""
    got = await client.get(patient(4))
    headed = await client.head(patient(4))

    assert (headed.status_code, headed.content) == (200, b"")
    for name in ("etag", "last-modified", "content-type", "content-length"):
        assert headed.headers[name] == got.headers[name]


async def test_a_base_that_cannot_read_says_so(client: httpx.AsyncClient) -> None:
    """This partner takes patients, and has no record to read."""
    response = await client.get("/fhir/healthex/Patient/17d4513f-73e8")

    assert response.status_code == 405
    assert response.json() == outcome(
        issue(
            "method-not-allowed",
            "not-supported",
            "HealthEx does not offer `read` of Patient at this address.",
        )
    )


@pytest.mark.parametrize(
    ("resource_type", "text"),
    [
        ("Observation", "eHealth Ukraine offers nothing for Observation; it offers Patient."),
        ("Sorcery", "eHealth Ukraine knows no resource type Sorcery; it offers Patient."),
    ],
)
async def test_a_type_that_a_base_does_not_serve_is_named(
    client: httpx.AsyncClient, resource_type: str, text: str
) -> None:
    """FHIR's own types and invented ones are told apart."""
    response = await client.get(f"/fhir/ehealth/{resource_type}/1")

    assert response.status_code == 404
    assert response.json() == outcome(issue("unknown-path", "not-supported", text))
