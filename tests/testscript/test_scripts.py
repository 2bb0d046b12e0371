"""The TestScripts of `tests/testscripts/`: valid ones, which the bridge passes before the simulated partners."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from fhir_bridge.canonical import CANONICAL
from fhir_bridge.fhir.json import loads
from fhir_bridge.fhir.structure import structure_checker
from tests.serving import SANDBOX, serving, shipped, simulated
from tests.testscript.fhir_xml import Json
from tests.testscript.report import first_failure
from tests.testscript.runner import Servers, run_file

pytestmark = pytest.mark.anyio

SCRIPTS = sorted((Path(__file__).parents[1] / "testscripts").glob("*.json"))
FIXTURES = sorted((Path(__file__).parents[1] / "testscripts/fixtures").iterdir())


def read(path: Path) -> Json:
    return loads(path.read_bytes())


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_a_script_is_a_valid_testscript_named_as_its_file(path: Path) -> None:
    script = read(path)

    assert structure_checker("4.0")(script) == []
    assert (script["resourceType"], script["id"]) == ("TestScript", path.stem)
    assert script["url"] == f"{CANONICAL}/TestScript/{path.stem}"


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_every_fixture_and_variable_of_a_script_is_used_in_it(path: Path) -> None:
    script = read(path)
    fixtures = [
        (path.parent / fixture["resource"]["reference"]).read_text("utf-8") for fixture in script.get("fixture", [])
    ]
    text = path.read_text("utf-8").partition('"test": [')[2]

    unused = [fixture["id"] for fixture in script.get("fixture", []) if f'"{fixture["id"]}"' not in text]
    unused += [name for name in _variables(script) if f"${{{name}}}" not in text + "".join(fixtures)]

    assert unused == []


def _variables(script: Json) -> list[str]:
    return [variable["name"] for variable in script.get("variable", [])]


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_every_test_of_a_script_asserts_something(path: Path) -> None:
    tests = read(path)["test"]

    assert [test["name"] for test in tests if not any("assert" in action for action in test["action"])] == []


def test_every_file_of_a_fixture_belongs_to_a_script() -> None:
    named = {fixture["resource"]["reference"] for path in SCRIPTS for fixture in read(path).get("fixture", [])}

    assert {f"fixtures/{path.name}" for path in FIXTURES} == named


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
async def test_the_bridge_passes_a_script(path: Path) -> None:
    """Twice in a row, since a script may not depend on what another one has left behind, itself among them."""
    partner = path.stem.partition("-")[0]

    async with serving(shipped(SANDBOX), simulated()) as client:
        servers = Servers({1: _base(client, partner)}, client)
        first, second = [await run_file(path, servers, {}) for _ in range(2)]

    assert (first_failure(first), first.verdict) == ("", "pass")
    assert (first_failure(second), second.verdict) == ("", "pass")
    assert {action.result for action in first.actions()} == {"pass"}


def _base(client: httpx.AsyncClient, partner: str) -> str:
    root = str(client.base_url.join("/fhir"))
    return root if partner == "hub" else f"{root}/{partner}"
