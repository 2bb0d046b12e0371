"""`/fhir`, the hub: the same interactions, routed to a partner by what the request says."""

import json
from pathlib import Path

import httpx
import pytest

from fhir_bridge.mapping.compile import load_routes
from fhir_bridge.mapping.routes import Routes
from fhir_bridge.outcome import Json
from tests.outcomes import issue, outcome, parameters
from tests.server.roche_sample import ANSWER, REQUEST
from tests.server.test_message import R4_MESSAGE
from tests.server.test_practitioner import IN_R4, practitioner
from tests.serving import SANDBOX, TOP, Canned, serving, shipped, simulated

pytestmark = pytest.mark.anyio

CANON = "https://fhir-bridge.example/fhir"
ID = "7c3da506-804d-4550-8993-bf17f9ee0402"
PATIENT = f"/fhir/Patient/{ID}"
IVANOV = {"resourceType": "Patient", "id": ID, "gender": "male"}
NOBODY = outcome(
    issue(
        "no-partner-found",
        "not-supported",
        "Nothing in the request tells which partner it is for; send it to a partner's own base: "
        "/fhir/ehealth, /fhir/healthex, /fhir/roche, /fhir/wmda.",
    )
)


@pytest.mark.parametrize("operation", ["$update-data", "$updateData"])
async def test_an_operation_that_one_partner_has_tells_it(client: httpx.AsyncClient, operation: str) -> None:
    """Under either name."""
    response = await client.post(f"/fhir/Patient/consent-expired/{operation}")

    assert response.status_code == 200
    assert response.json()["parameter"][1] == {"name": "patientActionNeededReason", "valueCode": "CONSENT_EXPIRED"}


async def test_another_operation_tells_another_partner(client: httpx.AsyncClient) -> None:
    """The answer is the one of the partner's own base."""
    body = parameters({"name": "status", "valueCode": "SUS"})

    at_hub = await client.post("/fhir/Patient/123456/$update-search-status", json=body)
    at_base = await client.post("/fhir/wmda/Patient/123456/$update-search-status", json=body)

    assert at_hub.status_code == 200
    assert at_hub.json() == at_base.json()


@pytest.mark.parametrize(
    "elements",
    [
        {"meta": {"profile": [f"{CANON}/StructureDefinition/ehealth-preperson"]}},
        {"meta": {"profile": ["http://example.org/x", f"{CANON}/StructureDefinition/ehealth-preperson"]}},
        {"identifier": [{"system": f"{CANON}/sid/ehealth-external-id", "value": "#1234-FDS-ab"}]},
        {"identifier": [{"value": "7"}, {"system": f"{CANON}/sid/ehealth-preperson", "value": ID}]},
    ],
    ids=["a profile", "one of two profiles", "an identifier", "the second identifier"],
)
async def test_the_body_tells_the_partner(canned: httpx.AsyncClient, partner: Canned, elements: Json) -> None:
    """A profile or an identity system that is a partner's."""
    partner.answer(200, {"data": {"id": ID}})

    response = await canned.put(PATIENT, json={**IVANOV, **elements})

    assert response.status_code == 200
    assert partner.calls() == [f"PATCH http://ehealth.test/api/prepersons/{ID}"]


@pytest.mark.parametrize("system", ["ehealth-preperson", "ehealth-external-id"])
async def test_the_query_tells_the_partner(canned: httpx.AsyncClient, partner: Canned, system: str) -> None:
    """`?identifier=system|value`, percent-encoded or not."""
    partner.answer(200, {"data": {"id": ID}})

    response = await canned.get(PATIENT, params={"identifier": f"{CANON}/sid/{system}|7"})

    assert response.status_code == 200
    assert partner.calls() == [f"GET http://ehealth.test/api/prepersons/{ID}"]


async def test_a_patch_has_the_query_alone(canned: httpx.AsyncClient, partner: Canned) -> None:
    """A JSON Patch says nothing of its resource."""
    partner.answer(200, {"data": {"id": ID, "gender": "MALE"}})

    response = await canned.patch(
        PATIENT,
        params={"identifier": f"{CANON}/sid/ehealth-preperson|{ID}"},
        content='[{"op": "test", "path": "/gender", "value": "male"}]',
        headers={"Content-Type": "application/json-patch+json"},
    )

    assert (response.status_code, response.json()["gender"]) == (200, "male")


@pytest.mark.parametrize("content_type", ["application/fhir+json; fhirVersion=3.0"])
async def test_a_message_is_told_by_its_event(canned: httpx.AsyncClient, partner: Canned, content_type: str) -> None:
    """In STU3, which has to be said here: the hub itself speaks R4."""
    partner.answer(200, text=ANSWER)

    response = await canned.put("/fhir/Bundle/Bj6.1Lq-hvb-28", content=REQUEST, headers={"Content-Type": content_type})

    assert (response.status_code, response.json()) == (200, json.loads(ANSWER))
    assert partner.calls() == ["PUT https://roche.test/partners/fhir/stu3/api/v2/Bundle/Bj6.1Lq-hvb-28"]


async def test_an_r4_message_too(client: httpx.AsyncClient) -> None:
    """R4 is what the hub speaks where nothing is said."""
    response = await client.put("/fhir/Bundle/Bj6.1Lq-hvb-28", json=R4_MESSAGE)

    assert (response.status_code, response.json()) == (200, R4_MESSAGE)


@pytest.mark.parametrize(
    ("method", "url", "body"),
    [
        ("GET", PATIENT, None),
        ("GET", f"{PATIENT}?identifier=http://example.org/x|7", None),
        ("GET", f"{PATIENT}?identifier={ID}", None),
        ("PUT", PATIENT, IVANOV),
        ("PUT", PATIENT, {**IVANOV, "identifier": [{"system": "http://example.org/x", "value": "7"}]}),
        ("PUT", PATIENT, {**IVANOV, "identifier": {"system": 7}, "meta": {"profile": [None]}}),
        ("POST", "/fhir/Patient/1/$sorcery", None),
        ("POST", "/fhir/$sorcery", None),
        ("GET", "/fhir/Observation/1", None),
        ("DELETE", PATIENT, None),
    ],
)
async def test_a_request_that_tells_no_partner(
    canned: httpx.AsyncClient, partner: Canned, method: str, url: str, body: Json
) -> None:
    """404, naming the bases; and nobody is called to find out."""
    response = await canned.request(method, url, **({} if body is None else {"json": body}))

    assert (response.status_code, response.json()) == (404, NOBODY)
    assert partner.calls() == []


async def test_a_request_that_tells_two_partners(canned: httpx.AsyncClient, partner: Canned) -> None:
    """400, naming both."""
    identifier = [
        {"system": f"{CANON}/sid/wmda-id", "value": "123456"},
        {"system": f"{CANON}/sid/ehealth-external-id", "value": "7"},
    ]

    response = await canned.put(PATIENT, json={**IVANOV, "identifier": identifier})

    assert response.status_code == 400
    assert response.json() == outcome(
        issue(
            "several-partners-found",
            "multiple-matches",
            "The request fits several partners: /fhir/ehealth and /fhir/wmda. Send it to one of these bases.",
        )
    )
    assert partner.calls() == []


async def test_a_profile_tells_before_an_identifier_does(canned: httpx.AsyncClient, partner: Canned) -> None:
    """The first sign that tells anything decides."""
    partner.answer(200, {"data": {"id": ID}})
    body = {
        **IVANOV,
        "meta": {"profile": [f"{CANON}/StructureDefinition/ehealth-preperson"]},
        "identifier": [{"system": f"{CANON}/sid/wmda-id", "value": "123456"}],
    }

    response = await canned.put(PATIENT, json=body)

    assert response.status_code == 200
    assert partner.calls() == [f"PATCH http://ehealth.test/api/prepersons/{ID}"]


async def test_the_profile_of_a_new_record_tells_the_partner_too(canned: httpx.AsyncClient, partner: Canned) -> None:
    partner.answer(201, {"wmdaId": 7})
    parts = [{"url": "locus", "valueCode": "A"}, {"url": "field1", "valueString": "02:01"}]
    typed = {"url": f"{CANON}/StructureDefinition/wmda-hla", "extension": parts}
    body = {
        "resourceType": "Patient",
        "meta": {"profile": [f"{CANON}/StructureDefinition/wmda-new-patient"]},
        "extension": [typed],
    }

    response = await canned.post("/fhir/Patient", json=body, headers={"Prefer": "return=minimal"})

    assert (response.status_code, response.headers["location"]) == (201, "http://bridge.test/fhir/wmda/Patient/7")
    assert partner.calls() == ["POST http://wmda.test/api/v2/patients"]


async def test_what_the_partner_does_not_offer_is_said_for_that_partner(client: httpx.AsyncClient) -> None:
    """The hub adds nothing to what a base can do."""
    response = await client.get("/fhir/Patient/1", params={"identifier": f"{CANON}/sid/healthex-patient|1"})

    assert response.status_code == 405
    assert response.json() == outcome(
        issue("method-not-allowed", "not-supported", "HealthEx does not offer `read` of Patient at this address.")
    )


ONLY_WMDA = {name: value for name, value in SANDBOX.items() if name.startswith("WMDA_")}


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", f"ehealth/Patient/{ID}"),
        ("PUT", f"ehealth/Patient/{ID}"),
        ("GET", "ehealth/metadata"),
        ("GET", "ehealth/Observation/1"),
    ],
)
async def test_a_partner_that_is_not_configured_is_absent(partner: Canned, method: str, path: str) -> None:
    """Its base answers 404, naming the variable to set."""
    async with serving(shipped(ONLY_WMDA), partner.everywhere()) as client:
        response = await client.request(method, f"/fhir/{path}", json=IVANOV if method == "PUT" else None)

    assert response.status_code == 404
    assert response.json() == outcome(
        issue(
            "partner-not-configured",
            "not-supported",
            "eHealth Ukraine is not configured here; set EHEALTH_BASE_URL and start again.",
        )
    )


@pytest.mark.parametrize(
    ("method", "path"), [("PUT", "Bundle/1"), ("GET", "ResearchStudy/1"), ("POST", "$exchange-code")]
)
async def test_the_hub_does_not_find_a_partner_that_is_not_configured(partner: Canned, method: str, path: str) -> None:
    """And does not name its base."""
    async with serving(shipped(ONLY_WMDA), partner.everywhere()) as client:
        response = await client.request(method, f"/fhir/{path}")

    assert response.status_code == 404
    assert response.json() == outcome(
        issue(
            "no-partner-found",
            "not-supported",
            "Nothing in the request tells which partner it is for; send it to a partner's own base: /fhir/wmda.",
        )
    )


async def test_those_that_are_configured_work_without_the_others() -> None:
    """One variable less is no reason to fail."""
    async with serving(shipped(ONLY_WMDA), simulated()) as client:
        response = await client.post(
            "/fhir/Patient/123456/$update-search-status", json=parameters({"name": "status", "valueCode": "SUS"})
        )

    assert response.status_code == 200


# --- a resource type that one configured partner alone has ---

SEARCH_STATUS = parameters({"name": "status", "valueCode": "SUS"})


def resource_of(response: httpx.Response) -> Json:
    return json.loads(response.text.replace("/fhir/wmda/", "/fhir/")) if response.content else None


@pytest.mark.parametrize(
    ("method", "path", "called"),
    [
        ("GET", "ResearchStudy/p1", "GET http://healthex.test/v1/studies/p1"),
        ("GET", "ResearchStudy?_id=p1", "GET http://healthex.test/v1/studies/p1"),
        ("GET", "Consent?patient=Patient/7", "POST http://healthex.test/v1/consents"),
        ("PUT", "Practitioner/7", "PUT https://roche.test/partners/fhir/stu3/api/v2/Practitioner/7"),
    ],
)
async def test_a_type_that_one_of_four_alone_has_tells_it(
    canned: httpx.AsyncClient, partner: Canned, method: str, path: str, called: str
) -> None:
    partner.answer(404)

    await canned.request(
        method, f"/fhir/{path}", **({"json": practitioner(system=IN_R4, id="7")} if method == "PUT" else {})
    )

    assert [call.partition("?")[0] for call in partner.calls()] == [called]


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "Patient/123456", None),
        ("GET", "Patient/123456/_history/1", None),
        ("GET", "Patient?search-status=PRE", None),
        ("GET", "Patient?_id=123456", None),
        ("POST", "Patient", {"resourceType": "Patient"}),
        ("PUT", "Patient/123456", {"resourceType": "Patient", "id": "123456", "birthDate": "1980"}),
        ("PATCH", "Patient/123456", [{"op": "test", "path": "/gender", "value": "unknown"}]),
        ("POST", "Patient/123456/$update-search-status", SEARCH_STATUS),
        ("POST", "Patient/123456/$update-data", None),
        ("POST", "Patient/$validate", {"resourceType": "Patient", "gender": "other"}),
        ("DELETE", "Patient/123456", None),
        (
            "POST",
            "",
            {
                "resourceType": "Bundle",
                "type": "batch",
                "entry": [
                    {"request": {"method": "GET", "url": "Patient/123456"}},
                    {
                        "request": {"method": "PUT", "url": "Patient/9"},
                        "resource": {"resourceType": "Patient", "id": "8"},
                    },
                ],
            },
        ),
    ],
)
async def test_where_one_partner_is_configured_the_hub_answers_as_its_base(method: str, path: str, body: Json) -> None:
    """Partners that are not configured do not count: Patient is a type that this one alone has."""
    headers = {"Content-Type": f"application/{'json-patch' if method == 'PATCH' else 'fhir'}+json"}
    content = None if body is None else json.dumps(body)
    async with serving(shipped(ONLY_WMDA), simulated()) as client:
        at_hub = await client.request(method, f"/fhir/{path}".rstrip("/"), content=content, headers=headers)
        at_base = await client.request(method, f"/fhir/wmda/{path}".rstrip("/"), content=content, headers=headers)

    assert at_hub.status_code == at_base.status_code
    assert resource_of(at_hub) == resource_of(at_base)


async def test_where_one_partner_is_configured_the_hub_states_what_its_base_does() -> None:
    async with serving(shipped(ONLY_WMDA), simulated()) as client:
        at_hub = (await client.get("/fhir/metadata")).json()
        at_base = (await client.get("/fhir/wmda/metadata")).json()

    assert [each["resource"] for each in at_hub["rest"]] == [each["resource"] for each in at_base["rest"]]


@pytest.fixture
def twins(tmp_path: Path) -> Routes:
    """Two partners that offer the same, each with identity systems of its own."""
    text = (TOP / "mappings" / "wmda.yaml").read_text(encoding="utf-8")
    (tmp_path / "wmda.yaml").write_text(text, encoding="utf-8")
    twin = text.replace("partner: wmda", "partner: registry").replace("sid/wmda", "sid/registry")
    (tmp_path / "registry.yaml").write_text(twin, encoding="utf-8")
    return load_routes(tmp_path, TOP / "profiles", {**ONLY_WMDA, "WMDA_ACCESS_TOKEN": "ready-token"})


@pytest.mark.parametrize("name", ["wmda", "registry"])
async def test_of_an_operation_that_two_have_another_sign_tells_the_partner(
    twins: Routes, partner: Canned, name: str
) -> None:
    partner.answer(200, {"wmdaId": 7, "status": "SUS"})

    async with serving(twins, {"wmda": partner, "registry": partner}) as client:
        url = f"/fhir/Patient/7/$update-search-status?identifier={CANON}/sid/{name}-id|7"
        response = await client.post(url, json=SEARCH_STATUS)

    assert (response.status_code, response.json()["parameter"][0]) == (200, {"name": "status", "valueCode": "SUS"})
    assert len(partner.requests) == 1


async def test_an_operation_that_two_have_tells_two_partners(twins: Routes, partner: Canned) -> None:
    async with serving(twins, {"wmda": partner, "registry": partner}) as client:
        response = await client.post("/fhir/Patient/7/$update-search-status", json=SEARCH_STATUS)

    text = "The request fits several partners: /fhir/registry and /fhir/wmda. Send it to one of these bases."
    assert response.status_code == 400
    assert response.json() == outcome(issue("several-partners-found", "multiple-matches", text))
    assert partner.calls() == []
