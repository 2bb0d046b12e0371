"""Definitions, served by every R4 base; `$versions`; and the kinds of statements that can be had."""

import httpx
import pytest

from fhir_bridge.fhir.conformance import TYPES
from fhir_bridge.fhir.json import loads
from fhir_bridge.fhir.structure import structure_checker
from fhir_bridge.outcome import Json
from tests.outcomes import issue, outcome, parameters
from tests.serving import READY, TOP, serving, shipped, simulated

pytestmark = pytest.mark.anyio

CANON = "https://fhir-bridge.example/fhir"
PROFILES = sorted((TOP / "profiles").glob("*.json"))
MARK = {"tag": [{"system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue", "code": "SUBSETTED"}]}
R4 = {"Accept": "application/fhir+json; fhirVersion=4.0"}


@pytest.mark.parametrize("path", PROFILES, ids=lambda path: path.stem)
async def test_every_definition_is_read_by_id_and_found_by_url(client: httpx.AsyncClient, path: object) -> None:
    """Just as its file has it."""
    definition: Json = loads(path.read_bytes())  # type: ignore[attr-defined]
    address = f"/fhir/{definition['resourceType']}"

    read = await client.get(f"{address}/{definition['id']}")
    found = await client.get(address, params={"url": definition["url"]})

    assert (read.status_code, loads(read.content)) == (200, definition)
    assert [entry["resource"] for entry in loads(found.content)["entry"]] == [definition]


@pytest.mark.parametrize("base", ["", "/ehealth", "/healthex", "/wmda"])
@pytest.mark.parametrize("resource_type", TYPES)
async def test_every_base_has_them_all(client: httpx.AsyncClient, base: str, resource_type: str) -> None:
    """A client knows its own base only."""
    response = await client.get(f"/fhir{base}/{resource_type}")

    there = [path for path in PROFILES if path.name.startswith(f"{resource_type}-")]
    assert response.json()["total"] == len(there) > 0
    assert response.json()["link"] == [{"relation": "self", "url": f"http://bridge.test/fhir{base}/{resource_type}"}]


async def test_they_are_r4(client: httpx.AsyncClient) -> None:
    """A base in STU3 has them where R4 is asked for."""
    stu3 = await client.get("/fhir/roche/StructureDefinition/roche-message")
    r4 = await client.get("/fhir/roche/StructureDefinition/roche-message", headers=R4)

    assert (stu3.status_code, r4.status_code) == (404, 200)


async def test_a_search_of_them_may_be_posted(client: httpx.AsyncClient) -> None:
    """As any other."""
    response = await client.post(
        "/fhir/ehealth/ConceptMap/_search",
        content="_id=ehealth-gender",
        headers={"Content-Type": "application/x-www-form-urlencoded"},
    )

    assert [entry["fullUrl"] for entry in response.json()["entry"]] == [
        "http://bridge.test/fhir/ehealth/ConceptMap/ehealth-gender"
    ]


async def test_they_are_shown_in_part(client: httpx.AsyncClient) -> None:
    """`url` is asked for, `status` and `content` are mandatory."""
    response = await client.get("/fhir/CodeSystem/bridge-error?_elements=url")

    assert response.json() == {
        "resourceType": "CodeSystem",
        "id": "bridge-error",
        "meta": MARK,
        "url": f"{CANON}/CodeSystem/bridge-error",
        "status": "active",
        "content": "complete",
    }


async def test_one_that_is_not_there_is_not_found(client: httpx.AsyncClient) -> None:
    """And how to look for it is told."""
    response = await client.get("/fhir/ValueSet/none")

    text = "There is no ValueSet of this id here; search for it by `url`."
    assert (response.status_code, response.json()) == (404, outcome(issue("unknown-path", "not-found", text)))


async def test_an_unknown_parameter_is_refused_where_the_client_is_strict(client: httpx.AsyncClient) -> None:
    """`context` is FHIR's, but not known here."""
    response = await client.get("/fhir/ValueSet?context=x&_summary=true", headers={"Prefer": "handling=strict"})

    text = "This search parameter is not known here; leave it out."
    assert response.status_code == 400
    assert response.json() == outcome(issue("no-such-search", "not-supported", text, "http.context"))


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH"])
async def test_they_cannot_be_changed(client: httpx.AsyncClient, method: str) -> None:
    """405, with what can be done."""
    response = await client.request(method, "/fhir/ValueSet/ehealth-phone-use")

    text = "A ValueSet can be read and searched for here, and nothing else."
    assert (response.status_code, response.headers["allow"]) == (405, "GET, HEAD")
    assert response.json() == outcome(issue("method-not-allowed", "not-supported", text))


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(
    ("base", "versions"),
    [("", ["4.0", "3.0"]), ("/ehealth", ["4.0"]), ("/roche", ["3.0", "4.0"])],
)
async def test_the_versions_of_a_base_can_be_asked_for(
    client: httpx.AsyncClient, method: str, base: str, versions: list[str]
) -> None:
    """https://hl7.org/fhir/R4/capabilitystatement-operation-versions.html; the first is the default."""
    response = await client.request(method, f"/fhir{base}/$versions")

    told = [{"name": "version", "valueCode": version} for version in versions]
    assert response.status_code == 200
    assert response.json() == parameters(*told, {"name": "default", "valueCode": versions[0]})


@pytest.mark.parametrize("mode", ["full", "normative", ""])
async def test_a_statement_is_had_in_these_modes(client: httpx.AsyncClient, mode: str) -> None:
    """The same one."""
    named, plain = await client.get(f"/fhir/metadata?mode={mode}"), await client.get("/fhir/metadata")

    assert (named.status_code, named.json()) == (200, plain.json())


@pytest.mark.parametrize("base", ["", "/ehealth", "/roche"])
async def test_terminology_has_a_statement_of_its_own(client: httpx.AsyncClient, base: str) -> None:
    """It names the code systems that can be read here."""
    in_r4 = {"Accept": "application/fhir+json; fhirVersion=4.0"}
    response = await client.get(f"/fhir{base}/metadata?mode=terminology", headers=in_r4)
    served = await client.get(f"/fhir{base}/CodeSystem", headers=in_r4)

    body = response.json()
    assert (response.status_code, body["resourceType"]) == (200, "TerminologyCapabilities")
    assert structure_checker("4.0")(body) == []
    assert [each["uri"] for each in body["codeSystem"]] == [each["resource"]["url"] for each in served.json()["entry"]]


async def test_but_not_in_stu3(client: httpx.AsyncClient) -> None:
    """Which has no such resource."""
    response = await client.get("/fhir/roche/metadata?mode=terminology")

    text = "STU3 has no statement of terminology; ask for fhirVersion=4.0, or without `mode`."
    assert response.status_code == 404
    assert response.json() == outcome(issue("unknown-path", "not-supported", text, "http.mode"))


async def test_a_statement_can_be_cut_down(client: httpx.AsyncClient) -> None:
    """To its summary, in either mode."""
    for query in ("_summary=true", "_summary=true&mode=terminology"):
        body = (await client.get(f"/fhir/metadata?{query}")).json()

        assert body["meta"]["tag"][0]["code"] == "SUBSETTED"
        assert body["title"] == "fhir-bridge: the hub"


async def test_another_mode_is_no_mode(client: httpx.AsyncClient) -> None:
    """400."""
    response = await client.get("/fhir/metadata?mode=brief")

    text = "`mode` is full, normative or terminology."
    assert response.status_code == 400
    assert response.json() == outcome(issue("value-not-allowed", "value", text, "http.mode"))


async def test_a_summary_of_the_statement_is_had(client: httpx.AsyncClient) -> None:
    """Marked, and without what is no summary."""
    response = await client.get("/fhir/ehealth/metadata?_summary=true")

    statement = response.json()
    assert (statement["meta"], statement["fhirVersion"]) == (MARK, "4.0.1")
    assert "searchParam" not in statement["rest"][0]["resource"][0]


async def test_a_base_that_is_not_configured_has_none_of_this() -> None:
    """It is not there."""
    without = {name: value for name, value in READY.items() if name != "WMDA_BASE_URL"}
    text = "WMDA Search & Match is not configured here; set WMDA_BASE_URL and start again."

    async with serving(shipped(without), simulated()) as client:
        for path in ("metadata", "$versions", "CodeSystem", "CodeSystem/bridge-error", "Patient?_id=1"):
            response = await client.get(f"/fhir/wmda/{path}")

            absent = outcome(issue("partner-not-configured", "not-supported", text))
            assert (response.status_code, response.json()) == (404, absent)


@pytest.mark.parametrize(
    "path",
    [
        "Patient/1/_history",
        "Patient/7c3da506-804d-4550-8993-bf17f9ee0402/_history/2",
        "Patient/_history",
        "ValueSet/_history",
        "ValueSet/wmda-change-reason/_history/1.0.0",
    ],
)
async def test_no_older_version_is_kept(client: httpx.AsyncClient, path: str) -> None:
    """https://hl7.org/fhir/R4/http.html#vread: 404, with the reason."""
    response = await client.get(f"/fhir/ehealth/{path}")

    text = "No older version of anything is kept here; read the present one."
    assert (response.status_code, response.json()) == (404, outcome(issue("unknown-path", "not-supported", text)))
