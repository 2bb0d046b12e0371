"""`GET metadata`: each base states what it does, no more and no less."""

from collections.abc import Iterator

import httpx
import pytest

from fhir_bridge.bridge import SOFTWARE_VERSION
from fhir_bridge.fhir.structure import structure_checker
from fhir_bridge.mapping.routes import Routes
from fhir_bridge.outcome import Json
from tests.serving import SANDBOX, Canned, serving, shipped

pytestmark = pytest.mark.anyio

CANON = "https://fhir-bridge.example/fhir"
BASES = ["", "/ehealth", "/healthex", "/wmda", "/roche"]
R4 = {"Accept": "application/fhir+json; fhirVersion=4.0"}


async def statement(client: httpx.AsyncClient, base: str, **headers: str) -> Json:
    response = await client.get(f"/fhir{base}/metadata", headers=headers)
    assert response.status_code == 200
    return response.json()


def stated(body: Json) -> dict[str, list[str]]:
    """Return the interactions and the `$operations` of each resource type."""
    return {
        resource["type"]: [
            *(each["code"] for each in resource.get("interaction", [])),
            *(f"${each['name']}" for each in resource.get("operation", [])),
        ]
        for resource in body["rest"][0]["resource"]
    }


@pytest.mark.parametrize(
    ("base", "version", "title", "description"),
    [
        (
            "",
            "4.0.1",
            "fhir-bridge: the hub",
            "FHIR facade of eHealth Ukraine, HealthEx, Roche Diabetes Care, WMDA Search & Match",
        ),
        ("/ehealth", "4.0.1", "fhir-bridge: eHealth Ukraine", "FHIR facade of eHealth Ukraine"),
        ("/healthex", "4.0.1", "fhir-bridge: HealthEx", "FHIR facade of HealthEx"),
        ("/wmda", "4.0.1", "fhir-bridge: WMDA Search & Match", "FHIR facade of WMDA Search & Match"),
        ("/roche", "3.0.2", "fhir-bridge: Roche Diabetes Care", "FHIR facade of Roche Diabetes Care"),
    ],
)
async def test_a_statement_says_who_speaks_and_which_fhir(
    client: httpx.AsyncClient, base: str, version: str, title: str, description: str
) -> None:
    """Roche's base speaks STU3 where nothing else is asked for."""
    body = await statement(client, base)

    assert (body["resourceType"], body["kind"], body["status"]) == ("CapabilityStatement", "instance", "active")
    assert (body["fhirVersion"], body["title"]) == (version, title)
    assert body["implementation"] == {"description": description}
    assert body["software"] == {"name": "fhir-bridge", "version": SOFTWARE_VERSION}


@pytest.mark.parametrize("base", BASES)
async def test_a_statement_is_good_fhir(client: httpx.AsyncClient, base: str) -> None:
    """In the version that it says."""
    body = await statement(client, base)

    assert structure_checker("3.0" if body["fhirVersion"] == "3.0.2" else "4.0")(body) == []


async def test_a_statement_in_r4_of_a_base_that_speaks_stu3(client: httpx.AsyncClient) -> None:
    """With the profile, for which STU3 has another place."""
    body = await statement(client, "/roche", **R4)

    assert structure_checker("4.0")(body) == []
    assert body["fhirVersion"] == "4.0.1"
    assert body["rest"][0]["resource"][0]["supportedProfile"] == [f"{CANON}/StructureDefinition/roche-message"]


async def test_each_base_states_the_calls_of_the_contract(client: httpx.AsyncClient) -> None:
    """Its own, and the hub all that can tell the partner."""
    ehealth = stated(await statement(client, "/ehealth"))
    healthex = stated(await statement(client, "/healthex"))
    wmda = stated(await statement(client, "/wmda"))
    roche = stated(await statement(client, "/roche", **R4))
    hub = stated(await statement(client, ""))

    assert {"read", "update", "patch"} <= set(ehealth["Patient"])
    assert {"$update-data", "$updateData"} <= set(healthex["Patient"])
    assert "$update-search-status" in wmda["Patient"]
    assert "update" in roche["Bundle"]
    for base in (ehealth, healthex, wmda, roche):
        assert set(base.get("Patient", [])) - {"read", "vread"} <= set(hub["Patient"])
        assert set(base.get("Bundle", [])) <= set(hub["Bundle"])


IDS = {"/ehealth": "00000000-0000-4000-8000-000000000001"}
"""The ids of bases at which `1` can be none."""

REQUESTS = {
    "read": ("GET", "/{}/1"),
    "update": ("PUT", "/{}/1"),
    "patch": ("PATCH", "/{}/1"),
    "delete": ("DELETE", "/{}/1"),
    "search-type": ("GET", "/{}?_id=1"),
    "create": ("POST", "/{}"),
}


def every(type_: str) -> Iterator[tuple[str, str, str]]:
    for code, (method, path) in REQUESTS.items():
        yield code, method, path.format(type_)


@pytest.mark.parametrize(
    ("base", "type_"), [("/ehealth", "Patient"), ("/healthex", "Patient"), ("/wmda", "Patient"), ("/roche", "Bundle")]
)
async def test_what_is_stated_is_what_is_done(
    canned: httpx.AsyncClient, partner: Canned, base: str, type_: str
) -> None:
    """An interaction is stated just where it is not answered with 405; a version, where the partner is asked for it."""
    partner.answer(404)
    codes = {code for code in stated(await statement(canned, base, **R4))[type_] if not code.startswith("$")}

    done = set()
    for code, method, path in every(type_):
        response = await canned.request(method, f"/fhir{base}{path}")
        done |= set() if response.status_code == 405 else {code}

    before = len(partner.requests)
    await canned.get(f"/fhir{base}/{type_}/{IDS.get(base, '1')}/_history/1")
    done |= {"vread"} if len(partner.requests) > before else set()
    assert done == codes


async def test_the_hub_states_what_a_request_to_it_can_ask_for(client: httpx.AsyncClient) -> None:
    """What has a body, an identifier, an operation's name or a type of one partner; all else is documented."""
    body = await statement(client, "")

    definitions = (
        "StructureDefinition",
        "OperationDefinition",
        "SearchParameter",
        "CodeSystem",
        "ValueSet",
        "ConceptMap",
    )
    of_patients = ("update-data", "updateData", "update-data", "updateData", "enrollment-link")
    assert stated(body) == {
        "Patient": [
            *("update", "patch", "create", "search-type"),
            *(f"${name}" for name in (*of_patients, "start-search", "update-search-status", "validate")),
        ],
        "Consent": ["search-type", "$validate"],
        "ResearchStudy": ["read", "search-type", "$validate"],
        "Person": ["$everything", "$validate"],
        "Bundle": ["update", "create", "$validate"],
        "Practitioner": ["create", "update", "$validate"],
        **{name: ["read", "search-type", "$validate"] for name in definitions},
    }
    patient = body["rest"][0]["resource"][0]
    assert [each["name"] for each in patient["searchParam"]] == ["identifier"]
    assert "conditionalRead" not in patient
    assert body["rest"][0]["documentation"] == (
        "A request is for the partner that it tells: by an operation, a profile, an identity system, the event of a "
        "message, or a resource type that one partner alone has. What tells none, such as a read of a type that "
        "several have, is asked for at the partner's own base, or in a batch, where the url of an entry may begin with "
        "the partner's name."
    )


@pytest.mark.parametrize(
    "address",
    [
        "Patient/1",
        "Patient/1/_history/1",
        "Patient?_id=1",
        "Patient?search-status=PRE",
        "Observation/1",
    ],
)
async def test_what_the_hub_does_not_state_tells_no_partner(
    canned: httpx.AsyncClient, partner: Canned, address: str
) -> None:
    """The same is answered at a partner's base, or in an entry that names the partner."""
    response = await canned.get(f"/fhir/{address}")

    assert response.status_code == 404
    assert response.json()["issue"][0]["details"]["coding"][0]["code"] == "no-partner-found"
    assert partner.calls() == []


async def test_a_read_is_conditional_where_records_have_versions(client: httpx.AsyncClient) -> None:
    """Without a version or a time of its last change, none is ever 304."""
    found = {
        (base, each["type"]): (each["versioning"], each["conditionalRead"])
        for base in BASES
        for each in (await statement(client, base, **R4))["rest"][0]["resource"]
        if "conditionalRead" in each
    }

    assert found == {
        ("", "ResearchStudy"): ("no-version", "not-supported"),
        ("/ehealth", "Patient"): ("versioned", "full-support"),
        ("/wmda", "Patient"): ("versioned", "full-support"),
        ("/healthex", "ResearchStudy"): ("no-version", "not-supported"),
        ("/roche", "Patient"): ("no-version", "not-supported"),
    }


async def test_an_operation_is_stated_with_its_definition(client: httpx.AsyncClient) -> None:
    """Under each of its names."""
    healthex = await statement(client, "/healthex")
    wmda = await statement(client, "/wmda")

    operations = [*healthex["rest"][0]["resource"][0]["operation"], *wmda["rest"][0]["resource"][0]["operation"]]
    named = [{key: each[key] for key in ("name", "definition")} for each in operations]
    assert {"name": "update-data", "definition": f"{CANON}/OperationDefinition/healthex-update-data"} in named
    assert {"name": "updateData", "definition": f"{CANON}/OperationDefinition/healthex-update-data"} in named
    assert {
        "name": "update-search-status",
        "definition": f"{CANON}/OperationDefinition/wmda-update-search-status",
    } in named


async def test_the_profile_and_the_patch_formats_are_stated(client: httpx.AsyncClient) -> None:
    """Of the base that can be patched, and of no other."""
    ehealth = await statement(client, "/ehealth")
    healthex = await statement(client, "/healthex")

    assert ehealth["rest"][0]["resource"][0]["supportedProfile"] == [
        f"{CANON}/StructureDefinition/ehealth-preperson",
        f"{CANON}/StructureDefinition/ehealth-new-preperson",
    ]
    assert {"application/json-patch+json", "application/fhir+json"} <= set(ehealth["patchFormat"])
    assert "patchFormat" not in healthex


async def test_the_hub_leaves_out_who_is_not_configured(partner: Canned) -> None:
    """Nothing is promised that would be 404."""
    routes = shipped({name: value for name, value in SANDBOX.items() if name.startswith("WMDA_")})

    async with serving(routes, partner.everywhere()) as client:
        body = await statement(client, "")

    assert body["implementation"] == {"description": "FHIR facade of WMDA Search & Match"}
    operations = [name for name in stated(body)["Patient"] if name.startswith("$")]
    assert operations == ["$start-search", "$update-search-status", "$validate"]
    assert "Bundle" not in stated(body)


async def test_the_public_address_stands_in_the_statement(ready_routes: Routes, partner: Canned) -> None:
    """Where one is configured: behind a proxy nothing else would tell it."""
    async with serving(ready_routes, partner.everywhere(), base_url="https://fhir.example.org") as client:
        hub = await statement(client, "")
        ehealth = await statement(client, "/ehealth")

    assert hub["implementation"]["url"] == "https://fhir.example.org/fhir"
    assert ehealth["implementation"]["url"] == "https://fhir.example.org/fhir/ehealth"


async def test_each_base_says_what_it_wants_of_a_caller(client: httpx.AsyncClient) -> None:
    """eHealth's token is the caller's own where the bridge has none."""
    routes = shipped({name: value for name, value in SANDBOX.items() if name != "EHEALTH_ACCESS_TOKEN"})
    unchecked = "The bridge itself does not check who calls."
    of_the_caller = (
        "Send your access token for eHealth Ukraine, as a bearer token; it is passed on. With your refresh token in "
        "X-Refresh-Token, an access token that has run out is renewed."
    )
    own = "The bridge has credentials of its own for"
    oauth = {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/restful-security-service", "code": "OAuth"}]}

    async with serving(routes, Canned().everywhere()) as forwarding:
        found = [
            (await statement(each, base))["rest"][0]["security"]
            for each, base in (
                (client, "/ehealth"),
                (client, "/roche"),
                (forwarding, "/ehealth"),
                (forwarding, ""),
            )
        ]

    assert found == [
        {"cors": False, "description": f"{unchecked} {own} eHealth Ukraine."},
        {"cors": False, "description": f"{unchecked} {own} Roche Diabetes Care."},
        {"cors": False, "service": [oauth], "description": f"{unchecked} {of_the_caller}"},
        {
            "cors": False,
            "service": [oauth],
            "description": f"{unchecked} {of_the_caller} {own} HealthEx, Roche Diabetes Care and WMDA Search & Match.",
        },
    ]


@pytest.mark.parametrize("base", BASES)
async def test_no_partner_is_called_for_it(canned: httpx.AsyncClient, partner: Canned, base: str) -> None:
    """Nor with HEAD."""
    await statement(canned, base)
    response = await canned.head(f"/fhir{base}/metadata")

    assert (response.status_code, response.content) == (200, b"")
    assert partner.calls() == []
