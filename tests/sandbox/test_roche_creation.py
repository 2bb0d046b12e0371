"""The simulator of Roche Diabetes Care creates patients and practitioners, and updates practitioners."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import httpx
import pytest

from fhir_bridge.sandbox import roche
from tests.sandbox.roche_service import BASE, HEADERS, JOHN, UPDATE, Json, changed, outcome, roche_client, without

pytestmark = pytest.mark.anyio

EVA = "sZX6uQW-VOH-0868"
PROFILE = "http://roche.com/fhir/rdc/StructureDefinition/practitioner-v2"


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def message(value: str = "87654321X", email: str = "ana.roe@example.org", **elements: Json) -> Json:
    """Return a message that creates a patient."""

    def change(bundle: Json, header: Json, patient: Json, condition: Json) -> None:
        del patient["id"]
        patient["identifier"][0]["value"] = value
        patient["name"] = [{"family": "Roe", "given": ["Ana"]}]
        patient["telecom"] = [{"system": "email", "value": email}]
        patient.update(elements)

    return changed(change)


def practitioner(value: str = "22222222J", email: str = "luz.gil@example.org", **elements: Json) -> Json:
    return {
        "resourceType": "Practitioner",
        "meta": {"profile": [PROFILE]},
        "identifier": [{"system": "urn:oid:2.16.724.4.305", "value": value}],
        "name": [{"family": "Gil", "given": ["Luz"]}],
        "telecom": [{"system": "email", "value": email}],
        **elements,
    }


# --- POST v2/Bundle


async def test_a_created_patient_gets_an_id_and_is_read_and_updated_by_it() -> None:
    async with roche_client() as client:
        created = await client.post("/v2/Bundle", json=message())
        read = await client.get("/Patient/Created-Patient-1")
        updated = await client.put(
            "/v2/Bundle/Created-Patient-1", json=message(id="Created-Patient-1", gender="female")
        )
        after = await client.get("/Patient/Created-Patient-1")

    patient = {**message()["entry"][1]["resource"], "id": "Created-Patient-1"}
    header, _, condition = UPDATE["entry"]
    assert created.status_code == 201
    assert created.json() == {
        "resourceType": "Bundle",
        "type": "message",
        "entry": [header, {"resource": patient}, condition],
    }
    assert read.json() == patient
    assert updated.status_code == 200
    assert after.json() == {**patient, "gender": "female"}


async def test_each_created_patient_gets_another_id() -> None:
    async with roche_client() as client:
        first = await client.post("/v2/Bundle", json=message("1", "1@example.org"))
        second = await client.post("/v2/Bundle", json=message("2", "2@example.org"))

    assert [answer.json()["entry"][1]["resource"]["id"] for answer in (first, second)] == [
        "Created-Patient-1",
        "Created-Patient-2",
    ]


async def test_a_created_patient_belongs_to_the_organisation_that_created_it() -> None:
    async with roche_client() as client:
        await client.post("/v2/Bundle", json=message(), headers={"org_id": "2.16.724.4.99"})
        own = await client.get("/Patient/Created-Patient-1", headers={"org_id": "2.16.724.4.99"})
        not_its_own = await client.get("/Patient/Created-Patient-1")

    assert own.status_code == 200
    assert not_its_own.status_code == 404


@pytest.mark.parametrize("url", ["/v2/Bundle", "/v2/Practitioner"])
async def test_a_creation_is_200_by_a_switch(url: str) -> None:
    async with roche_client(created_status_code=200) as client:
        response = await client.post(url, json=message() if url == "/v2/Bundle" else practitioner())

    assert response.status_code == 200


async def test_a_message_that_creates_needs_no_condition() -> None:
    async with roche_client() as client:
        response = await client.post("/v2/Bundle", json={**message(), "entry": message()["entry"][:2]})

    assert response.status_code == 201
    assert len(response.json()["entry"]) == 2


async def test_a_patient_that_is_created_tells_no_id() -> None:
    async with roche_client() as client:
        response = await client.post("/v2/Bundle", json=message(id="mine"))

    expected = outcome(("invalid", "Patient.id is not allowed: it is given at creation"))
    assert (response.status_code, response.json()) == (400, expected)


async def test_a_message_that_creates_is_checked_as_one_that_updates() -> None:
    bundle = message(gender="M")
    del bundle["entry"][0]["resource"]["timestamp"]
    del bundle["entry"][1]["resource"]["name"]

    async with roche_client() as client:
        response = await client.post("/v2/Bundle", json=bundle)

    assert (response.status_code, response.json()) == (
        400,
        outcome(
            ("required", "MessageHeader.timestamp is mandatory"),
            ("required", "Patient.name is mandatory"),
            ("invalid", "Patient.gender is not one of male, female, other, unknown"),
        ),
    )


@pytest.mark.parametrize(
    ("value", "email", "system"),
    [
        ("12345678Z", "new@example.org", "urn:oid:2.16.724.4.41"),
        ("12345678Z", "new@example.org", "urn:oid:1.2"),
        ("new", "JohnDoe123@email.com", "urn:oid:2.16.724.4.41"),
    ],
)
@pytest.mark.parametrize("status_code", [400, 409])
async def test_an_identifier_or_email_that_another_patient_has_is_a_duplicate(
    value: str, email: str, system: str, status_code: Literal[400, 409]
) -> None:
    bundle = message(value, email)
    bundle["entry"][1]["resource"]["identifier"][0]["system"] = system

    async with roche_client(duplicate_status_code=status_code) as client:
        response = await client.post("/v2/Bundle", json=bundle)
        created = await client.get("/Patient/Created-Patient-1")

    expected = outcome(("duplicate", "Another patient has this identifier or e-mail address"))
    assert (response.status_code, response.json()) == (status_code, expected)
    assert created.status_code == 404


async def test_a_patient_without_email_is_refused_by_a_switch_and_only_when_it_is_created() -> None:
    bundle = message(telecom=[{"system": "phone", "value": "1"}])

    async with roche_client() as client:
        by_default = await client.post("/v2/Bundle", json=bundle)
    async with roche_client(email_required=True) as client:
        refused = await client.post("/v2/Bundle", json=bundle)
        created = await client.post("/v2/Bundle", json=message())
        updated = await client.put(
            "/v2/Bundle/Only-Mandatory",
            json=message("ONLY-MANDATORY", id="Only-Mandatory", telecom=[{"system": "phone", "value": "1"}]),
        )

    expected = outcome(("required", "An e-mail address in Patient.telecom is mandatory"))
    assert (refused.status_code, refused.json()) == (400, expected)
    assert [by_default.status_code, created.status_code, updated.status_code] == [201, 201, 200]


# --- POST v2/Practitioner, PUT v2/Practitioner/{id}


async def test_a_created_practitioner_gets_an_id_and_is_updated_by_it() -> None:
    changed_one = practitioner(id="Created-Practitioner-1", telecom=[{"system": "phone", "value": "600000001"}])

    async with roche_client() as client:
        created = await client.post("/v2/Practitioner", json=practitioner())
        updated = await client.put("/v2/Practitioner/Created-Practitioner-1", json=changed_one)

    assert (created.status_code, created.json()) == (201, {**practitioner(), "id": "Created-Practitioner-1"})
    assert (updated.status_code, updated.json()) == (200, changed_one)


async def test_a_practitioner_that_is_there_is_updated() -> None:
    body = practitioner("11111111H", "eva.ruiz@example.org", id=EVA, active=True)

    async with roche_client() as client:
        response = await client.put(f"/v2/Practitioner/{EVA}", json=body)

    assert (response.status_code, response.json()) == (200, body)


async def test_an_update_of_a_practitioner_is_answered_without_a_body_by_a_switch() -> None:
    async with roche_client(empty_answer=True) as client:
        response = await client.put(f"/v2/Practitioner/{EVA}", json=practitioner(id=EVA))

    assert (response.status_code, response.content) == (200, b"")


def no_family(body: Json) -> None:
    del body["name"][0]["family"]


def no_given(body: Json) -> None:
    del body["name"][0]["given"]


def no_system(body: Json) -> None:
    del body["identifier"][0]["system"]


def no_value(body: Json) -> None:
    del body["identifier"][0]["value"]


def no_name_and_a_wrong_gender(body: Json) -> None:
    del body["name"]
    body["gender"] = "F"


def two_names(body: Json) -> None:
    body["name"] *= 2


def another_profile(body: Json) -> None:
    body["meta"]["profile"] = ["http://example.org/p"]


def qualification_without_code(body: Json) -> None:
    body["qualification"] = [{"issuer": {"display": "A university"}}]


@pytest.mark.parametrize(
    ("change", "issues"),
    [
        (no_family, [("required", "Practitioner.name[0].family is mandatory")]),
        (no_given, [("required", "Practitioner.name[0].given is mandatory")]),
        (no_system, [("required", "Practitioner.identifier[0].system is mandatory")]),
        (no_value, [("required", "Practitioner.identifier[0].value is mandatory")]),
        (
            no_name_and_a_wrong_gender,
            [
                ("required", "Practitioner.name is mandatory"),
                ("invalid", "Practitioner.gender is not one of male, female, other, unknown"),
            ],
        ),
        (two_names, [("invalid", "Practitioner.name has more than one name")]),
        (another_profile, [("invalid", f"Practitioner.meta.profile is not {PROFILE}")]),
        (qualification_without_code, [("required", "Practitioner.qualification[0].code is mandatory")]),
        (lambda body: body.update(id="mine"), [("invalid", "Practitioner.id is not allowed: it is given at creation")]),
        (lambda body: body.update(resourceType="Patient"), [("invalid", "The resource is not a Practitioner")]),
    ],
)
async def test_what_the_profile_of_practitioners_does_not_allow_is_refused(
    change: Callable[[Json], object], issues: list[tuple[str, str]]
) -> None:
    body = practitioner()
    change(body)

    async with roche_client() as client:
        response = await client.post("/v2/Practitioner", json=body)

    assert (response.status_code, response.json()) == (400, outcome(*issues))


@pytest.mark.parametrize(
    ("body", "issue"),
    [
        (practitioner(), ("required", "Practitioner.id is mandatory")),
        (practitioner(id="another"), ("invalid", "Practitioner.id is not the id of the URL")),
    ],
)
async def test_an_update_of_a_practitioner_names_its_id_twice(body: Json, issue: tuple[str, str]) -> None:
    async with roche_client() as client:
        response = await client.put(f"/v2/Practitioner/{EVA}", json=body)

    assert (response.status_code, response.json()) == (400, outcome(issue))


@pytest.mark.parametrize(("value", "email"), [("TAKEN", "new@example.org"), ("new", "Taken@example.org")])
@pytest.mark.parametrize("status_code", [400, 409])
async def test_an_identifier_or_email_that_another_practitioner_has_is_a_duplicate(
    value: str, email: str, status_code: Literal[400, 409]
) -> None:
    async with roche_client(duplicate_status_code=status_code) as client:
        create = await client.post("/v2/Practitioner", json=practitioner(value, email))
        update = await client.put(f"/v2/Practitioner/{EVA}", json=practitioner(value, email, id=EVA))

    expected = outcome(("duplicate", "Another practitioner has this identifier or e-mail address"))
    assert (create.status_code, create.json()) == (status_code, expected)
    assert (update.status_code, update.json()) == (status_code, expected)


async def test_a_patient_and_a_practitioner_may_have_the_same_email() -> None:
    async with roche_client() as client:
        response = await client.post("/v2/Practitioner", json=practitioner(email="johndoe123@email.com"))

    assert response.status_code == 201


async def test_an_unknown_practitioner_is_404() -> None:
    async with roche_client() as client:
        response = await client.put("/v2/Practitioner/Unknown-404", json=practitioner(id="Unknown-404"))

    assert (response.status_code, response.json()) == (404, outcome(("not-found", "Practitioner not found")))


async def test_only_some_identifier_systems_of_practitioners_are_accepted_by_a_switch() -> None:
    async with roche_client(identifier_systems={"urn:oid:1.3.6.1.4.1.56221.1.3.2.3"}) as client:
        response = await client.post("/v2/Practitioner", json=practitioner())

    expected = outcome(("invalid", "Practitioner.identifier[0].system is not accepted"))
    assert (response.status_code, response.json()) == (400, expected)


async def test_the_rules_of_the_r5_guide_hold_by_a_switch() -> None:
    barred = practitioner(
        active=True,
        gender="female",
        birthDate="1980-01-01",
        name=[{"family": "Gil", "given": ["Luz"], "prefix": ["Dr"]}],
        telecom=[{"system": "email", "use": "work"}],
    )

    async with roche_client(practitioner_as_in_r5=True) as client:
        refused = await client.post("/v2/Practitioner", json=barred)
        accepted = await client.post("/v2/Practitioner", json=practitioner())

    assert (refused.status_code, refused.json()) == (
        400,
        outcome(
            ("required", "Practitioner.telecom[0].value is mandatory"),
            ("invalid", "Practitioner.name[0].prefix is not allowed"),
            ("invalid", "Practitioner.telecom[0].use is not allowed"),
            ("invalid", "Practitioner.active is not allowed"),
            ("invalid", "Practitioner.gender is not allowed"),
            ("invalid", "Practitioner.birthDate is not allowed"),
        ),
    )
    assert accepted.status_code == 201


# --- all of them

WRITES: list[tuple[str, str, Json]] = [
    ("POST", "/v2/Bundle", message()),
    ("POST", "/v2/Practitioner", practitioner()),
    ("PUT", f"/v2/Practitioner/{EVA}", practitioner(id=EVA)),
]


@pytest.mark.parametrize(("method", "url", "body"), WRITES)
@pytest.mark.parametrize(
    ("headers", "status_code"),
    [
        (without(client_id="x", **{"Content-Type": "text/plain"}), 415),
        (without("org_id", client_id="x"), 401),
        (without("org_id", "x-origin-request-id"), 403),
        (without("x-origin-request-id"), 400),
    ],
)
async def test_the_headers_are_checked_as_of_an_update_of_a_patient(
    method: str, url: str, body: Json, headers: dict[str, str], status_code: int
) -> None:
    async with roche_client(headers=headers) as client:
        response = await client.request(method, url, json=body)

    assert response.status_code == status_code


@pytest.mark.parametrize(("method", "url", "body"), WRITES)
async def test_a_body_that_is_no_object_is_a_matter_of_structure(method: str, url: str, body: Json) -> None:
    async with roche_client() as client:
        response = await client.request(method, url, json=[body])

    assert (response.status_code, response.json()) == (400, outcome(("structure", "The body is not a JSON object")))


@pytest.mark.parametrize(
    ("value", "status_code"),
    [("Unauthorized-401", 401), ("Forbidden-403", 403), ("Method-Not-Allowed-405", 405), ("Not-Implemented-501", 501)],
)
async def test_an_identifier_that_ends_in_a_status_provokes_it_with_an_empty_body(value: str, status_code: int) -> None:
    async with roche_client() as client:
        patient = await client.post("/v2/Bundle", json=message(value))
        created = await client.post("/v2/Practitioner", json=practitioner(value))
        updated = await client.put(f"/v2/Practitioner/{value}", json=practitioner(id=value))

    assert [(answer.status_code, answer.content) for answer in (patient, created, updated)] == [(status_code, b"")] * 3


async def test_an_internal_error_of_a_creation_has_an_outcome() -> None:
    async with roche_client() as client:
        response = await client.post("/v2/Bundle", json=message("Exception-500"))

    assert (response.status_code, response.json()) == (500, outcome(("exception", "Internal server error.")))


async def test_one_identifier_is_created_at_once_and_answered_after_20_seconds() -> None:
    waited: list[float] = []

    async def sleep(seconds: float) -> None:
        waited.append(seconds)

    transport = httpx.ASGITransport(app=roche.create_app(sleep=sleep))
    async with httpx.AsyncClient(transport=transport, base_url=f"http://roche.test{BASE}", headers=HEADERS) as client:
        patient = await client.post("/v2/Bundle", json=message("Answers-Late-Not"))
        waited_not = list(waited)
        late = await client.post("/v2/Practitioner", json=practitioner("Answers-Late"))

    assert (patient.status_code, waited_not) == (201, [])
    assert (late.status_code, waited) == (201, [20.0])


async def test_john_is_not_touched_by_a_creation() -> None:
    async with roche_client() as client:
        before = (await client.get(f"/Patient/{JOHN}")).json()
        await client.post("/v2/Bundle", json=message())
        after = (await client.get(f"/Patient/{JOHN}")).json()

    assert after == before
