"""`FHIR_BRIDGE_CANONICAL`: canonical URLs and identifier systems of a deployment's own, in every answer."""

from __future__ import annotations

import json

import httpx
import pytest

from tests.e2e.processes import ran, started, url_in
from tests.server.roche_sample import REQUEST

DEFAULT = "fhir-bridge.example"
PREPERSON = "7c3da506-804d-4550-8993-bf17f9ee0402"
JSON = {"Content-Type": "application/fhir+json"}
STOP = {"resourceType": "Parameters", "parameter": [{"name": "status", "valueCode": "SUS"}]}


@pytest.mark.parametrize(
    ("variable", "own"),
    [
        ("https://fhir.hospital.test/bridge", "https://fhir.hospital.test/bridge"),
        ("https://fhir.hospital.test/bridge/", "https://fhir.hospital.test/bridge"),
        ("urn:example:bridge", "urn:example:bridge"),
    ],
)
def test_every_answer_has_the_canonical_urls_of_the_deployment(variable: str, own: str) -> None:
    with (
        started("sandbox", "--port", "0", until="Ctrl-C", more={"FHIR_BRIDGE_CANONICAL": variable}) as (_, printed),
        httpx.Client(base_url=f"{url_in(printed)}/fhir", headers=JSON, timeout=30) as client,
    ):
        bearer = {"Authorization": "Bearer token-good"}
        answers = {
            "update-data": client.post("/healthex/Patient/17d4513f-73e8/$update-data"),
            "read": client.get("/wmda/Patient/123456"),
            "status": client.post("/wmda/Patient/123456/$update-search-status", json=STOP),
            "preperson": client.get(f"/ehealth/Patient/{PREPERSON}", headers=bearer),
            "by identifier": client.get("/wmda/Patient", params={"identifier": f"{own}/sid/wmda-id|123456"}),
            "hub": client.get("/metadata"),
            "base": client.get("/wmda/metadata"),
            "codes": client.get("/ehealth/metadata?mode=terminology"),
            "definition": client.get("/StructureDefinition/wmda-patient"),
            "error": client.put("/roche/Bundle/1", content="{"),
            "unknown": client.get("/nowhere/Patient/1"),
            "validate": client.post("/wmda/Patient/$validate", json={"resourceType": "Patient"}),
        }

    with_ours = {name for name, answer in answers.items() if own in answer.text}
    assert [name for name, answer in answers.items() if DEFAULT in answer.text] == []
    assert with_ours == set(answers)
    (issue,) = answers["error"].json()["issue"]
    assert issue["details"]["coding"] == [{"system": f"{own}/CodeSystem/bridge-error", "code": "invalid-json"}]
    assert answers["by identifier"].json()["total"] == 1
    assert answers["definition"].json()["url"] == f"{own}/StructureDefinition/wmda-patient"


def test_a_patch_and_a_message_succeed_with_the_deployment_s_own() -> None:
    """The identifier of a preperson has the deployment's system; a message passes, and its outcome is the bridge's."""
    own = "https://fhir.hospital.test/bridge"
    patch = [
        {"op": "test", "path": "/identifier/0/system", "value": f"{own}/sid/ehealth-external-id"},
        {"op": "replace", "path": "/identifier/0/value", "value": "#1234-FDS-bb"},
    ]
    patching = {"Content-Type": "application/json-patch+json", "Authorization": "Bearer token-good"}
    with (
        started("sandbox", "--port", "0", until="Ctrl-C", more={"FHIR_BRIDGE_CANONICAL": own}) as (_, printed),
        httpx.Client(base_url=f"{url_in(printed)}/fhir", headers=JSON, timeout=30) as client,
    ):
        patched = client.patch(f"/ehealth/Patient/{PREPERSON}", content=json.dumps(patch), headers=patching)
        passed = client.put("/roche/Bundle/Bj6.1Lq-hvb-28", content=REQUEST)
        told = client.put(
            "/roche/Bundle/Bj6.1Lq-hvb-28", content=REQUEST, headers={"Prefer": "return=OperationOutcome"}
        )

    assert (patched.status_code, passed.status_code, told.status_code) == (200, 200, 200)
    assert patched.json()["identifier"] == [{"system": f"{own}/sid/ehealth-external-id", "value": "#1234-FDS-bb"}]
    assert passed.json()["type"] == "message"
    (issue,) = told.json()["issue"]
    assert issue["details"]["coding"] == [{"system": f"{own}/CodeSystem/bridge-error", "code": "done"}]
    assert [answer.text for answer in (patched, passed, told) if DEFAULT in answer.text] == []


def test_the_command_line_has_them_too() -> None:
    own = {"FHIR_BRIDGE_CANONICAL": "https://fhir.hospital.test/bridge"}
    patient = {
        "resourceType": "Patient",
        "id": PREPERSON,
        "identifier": [{"system": "https://fhir.hospital.test/bridge/sid/ehealth-external-id", "value": "e-7"}],
        "gender": "male",
    }

    checked = ran("check", more=own)
    status, out, _ = ran("explain", "PUT", f"/fhir/ehealth/Patient/{PREPERSON}", json.dumps(patient), more=own)

    assert (checked[0], checked[1].count("\n")) == (0, 4)
    assert (status, '"external_id": "e-7"' in out, DEFAULT in out) == (0, True, False)


def test_an_address_that_cannot_be_one_stops_the_start() -> None:
    assert ran("check", more={"FHIR_BRIDGE_CANONICAL": "hospital.test"}) == (
        2,
        "",
        "fhir-bridge: FHIR_BRIDGE_CANONICAL: must be an absolute address without query, such as "
        "https://fhir.example.org/bridge, or a urn\n",
    )
