"""The documentation, held to the code: all that can be written is described, and every example does what it says."""

from __future__ import annotations

import argparse
import ast
import inspect
import json
import re
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import fields
from pathlib import Path
from typing import get_args

import httpx
import pytest

from fhir_bridge import cli
from fhir_bridge.fhir.json import loads
from fhir_bridge.limits import Limits
from fhir_bridge.mapping import connecting
from fhir_bridge.mapping.compile import load_routes
from fhir_bridge.mapping.connecting import SCHEMES
from fhir_bridge.mapping.fields import Fields
from fhir_bridge.mapping.like import LIKE
from fhir_bridge.mapping.model import ANYTHING
from fhir_bridge.mapping.reading import errors, files, interactions, maps, searches
from fhir_bridge.mapping.source import MappingFileError
from fhir_bridge.mapping.transforms import TRANSFORMS
from fhir_bridge.outcome import ErrorCode, Json
from tests import error_examples
from tests.error_examples import Bridges, Example, Row
from tests.serving import Canned, serving

pytestmark = pytest.mark.anyio

TOP = Path(__file__).parents[1]
DOCS = TOP / "docs"
MAPPING_FILES = (DOCS / "mapping-files.md").read_text(encoding="utf-8")
TUTORIAL = (DOCS / "adding-a-partner.md").read_text(encoding="utf-8")
CONFIGURATION = (DOCS / "configuration.md").read_text(encoding="utf-8")
ERRORS = error_examples.PAGE.read_text(encoding="utf-8")
DEFINITIONS = Path(__file__).parent / "fifth_partner" / "profiles"

SET = {
    name: f"{name.lower()}-of-the-example"
    for name in re.findall(r"\$([A-Z][A-Z_]+)", MAPPING_FILES + TUTORIAL)
    if not name.endswith("NOT_SET")
} | {"NORTHLAB_URL": "https://api.northlab.test"}


def sections(page: str) -> dict[str, str]:
    """Return the text below each heading of a page, that of a `###` being part of its `##` too."""
    found = dict(re.findall(r"^## (.*?)\n(.*?)(?=^## |\Z)", page, re.DOTALL | re.MULTILINE))
    return found | dict(re.findall(r"^### (.*?)\n(.*?)(?=^###? |\Z)", page, re.DOTALL | re.MULTILINE))


def blocks(page: str) -> list[tuple[str, str]]:
    """Return language and text of each block of a page, in order."""
    return re.findall(r"^```(\w+)\n(.*?)^```$", page, re.DOTALL | re.MULTILINE)


def words(text: str) -> set[str]:
    """Return what stands in code spans outside of blocks: `a`, or `a: b` as `a` and `a: b`."""
    spans = re.findall(r"`([^`\n]+)`", re.sub(r"^```.*?^```$", "", text, flags=re.DOTALL | re.MULTILINE))
    return {*spans, *(span.partition(":")[0] for span in spans)}


# --- mapping-files.md: everything that may be written ---

SECTIONS: Mapping[str, str] = {
    "read_mapping_file": "The file",
    "read_mapping_file identity": "Identity",
    "read_headers": "The file",
    "read_interaction": "Interactions",
    "_read_call": "Interactions",
    "_read_add": "Further calls",
    "_read_needs": "Interactions",
    "_read_repeat": "Repeat",
    "_read_content": "Send and receive",
    "read_argument": "Searches",
    "_read_id_field": "Send and receive",
    "read_sources": "Headers",
    "_read_source": "Headers",
    "read_map": "Maps",
    "_read_header": "Messages",
    "_read_row": "Rows",
    "_read_outcome_line": "Outcome tables",
    "_read_constant": "Send and receive",
    "_read_together": "Records together",
    "_read_cohort": "Cohorts",
    "read_errors": "Errors",
    "read_errors items": "Errors",
    "_read_saying": "Errors",
    "read_connection": "Connection",
    "_read_timeouts": "Connection",
    "_read_alternatives": "Auth",
    "_read_auth": "Auth",
    "_bearer": "Auth",
    "_headers": "Auth",
    "_forward": "Auth",
    "_forward inner": "Auth",
    "_read_refresh_token": "Auth",
    "_exchange": "Auth",
    "_exchange inner": "Auth",
    "_client_credentials": "Auth",
    "_mutual_tls": "Auth",
}
"""Where the page describes the keys that a function reads; those of its second mapping stand beside its name."""

ACCESSORS = {
    name
    for name, function in inspect.getmembers(Fields, inspect.isfunction)
    if list(inspect.signature(function).parameters)[1:2] == ["key"]
}


def known_keys() -> dict[str, set[str]]:
    """Return the keys that the reader of mapping files asks for, by function: `fields.text("at")` asks for `at`."""
    found: dict[str, set[str]] = {}
    for module in (files, interactions, searches, maps, errors, connecting):
        for function in ast.walk(ast.parse(inspect.getsource(module))):
            if isinstance(function, ast.FunctionDef):
                for variable, key in _asked(function):
                    where = function.name if variable in ("fields", "") else f"{function.name} {variable}"
                    found.setdefault(where, set()).add(key)
    return found


def _asked(function: ast.FunctionDef) -> Iterator[tuple[str, str]]:
    for call in ast.walk(function):
        if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Attribute) or not call.args:
            continue
        key, variable = call.args[0], call.func.value
        if call.func.attr in ACCESSORS and isinstance(key, ast.Constant):
            yield variable.id if isinstance(variable, ast.Name) else "", str(key.value)


def test_the_reader_of_mapping_files_has_a_place_in_the_page_for_each_of_its_parts() -> None:
    assert set(known_keys()) == set(SECTIONS)


@pytest.mark.parametrize("function", SECTIONS)
def test_every_key_of_a_mapping_file_is_described(function: str) -> None:
    described = words(sections(MAPPING_FILES)[SECTIONS[function]])

    assert known_keys()[function] - described == set()


def test_keys_that_no_accessor_reads_are_described() -> None:
    described = sections(MAPPING_FILES)

    assert {"otherwise", "first without <element>"} <= words(described["Slices"])
    assert {"first_of"} <= words(described["Auth"])
    assert {ANYTHING, "list", "text"} <= words(described["Silent and tolerated"])


@pytest.mark.parametrize(
    ("section", "known"),
    [
        ("Interactions", interactions.RESTFUL),
        ("The file", [f'"{version}"' for version in files.VERSIONS]),
        ("Rows", maps.ONLY),
        ("Identity", LIKE),
        ("Auth", SCHEMES),
        ("Transforms", TRANSFORMS),
    ],
)
def test_every_word_that_may_stand_at_a_key_is_described(section: str, known: list[str]) -> None:
    assert set(known) - words(sections(MAPPING_FILES)[section]) == set()


def test_a_transform_stands_in_the_page_with_the_types_that_it_fits() -> None:
    rows = re.findall(r"^\| `(\w+)` \| ([\w, ]+) \|", sections(MAPPING_FILES)["Transforms"], re.MULTILINE)

    assert {name: set(types.split(", ")) for name, types in rows} == {
        "as": {"types"},  # the table's head
        **{name: set(transform.types) for name, transform in TRANSFORMS.items()},
    }


# --- every YAML block compiles ---


def whole_files(page: str) -> list[tuple[str, str]]:
    """Return each YAML block of a page as a whole file, and the problems that the block of text behind it tells.

    A block that does not begin with `partner:` has the other top-level keys of the first block of its page.
    """
    listed = blocks(page)
    first = next(text for language, text in listed if language == "yaml")
    found = []
    for (language, text), (after, told) in zip(listed, [*listed[1:], ("", "")], strict=True):
        if language == "yaml":
            whole = text if text.startswith("partner:") else "".join((_by_key(first) | _by_key(text)).values())
            found.append((whole, told if after == "text" else ""))
    return found


def _by_key(text: str) -> dict[str, str]:
    """Return the top-level parts of a YAML text, each with its key's line."""
    parts = re.split(r"^(?=[a-z]+:)", text, flags=re.MULTILINE)
    return {part.partition(":")[0]: part for part in parts if part.strip()}


def compiled(tmp_path: Path, text: str, *definitions: str) -> str:
    """Return the problems of a mapping file, one line each; `definitions` are further files of `profiles/`."""
    (tmp_path / "mappings").mkdir()
    shutil.copytree(DEFINITIONS, tmp_path / "profiles")
    (tmp_path / "mappings" / "northlab.yaml").write_text(text, encoding="utf-8")
    try:
        load_routes(tmp_path / "mappings", tmp_path / "profiles", SET)
    except MappingFileError as error:
        return "".join(f"{line}\n" for line in error.problems)
    return ""


EXAMPLES = [*whole_files(MAPPING_FILES), *whole_files(TUTORIAL)]


@pytest.mark.parametrize("number", range(len(EXAMPLES)))
def test_a_documented_mapping_file_compiles_or_has_the_problems_that_are_told(tmp_path: Path, number: int) -> None:
    text, problems = EXAMPLES[number]

    assert compiled(tmp_path, text) == problems


def test_every_block_of_yaml_is_tried() -> None:
    pages = [page.read_text(encoding="utf-8") for page in sorted(DOCS.glob("*.md"))]

    assert sum(page.count("```yaml") for page in pages) == len(EXAMPLES)


# --- the tutorial ---


async def test_the_tutorial_ends_with_the_patient_that_it_shows(tmp_path: Path) -> None:
    record, table, patient = [text for language, text in blocks(TUTORIAL) if language == "json"]
    for folder, name, text in (
        ("mappings", "northlab.yaml", whole_files(TUTORIAL)[-1][0]),
        ("profiles", "ConceptMap-northlab-sex.json", table),
    ):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / name).write_text(text, encoding="utf-8")
    routes = load_routes(tmp_path / "mappings", tmp_path / "profiles", SET)
    partner = Canned()
    partner.answer(200, text=record)

    async with serving(routes, {"northlab": partner}) as client:
        response = await client.get("/fhir/northlab/Patient/NL-00042")

    assert (response.status_code, response.json()) == (200, json.loads(patient))
    assert partner.calls() == ["GET https://api.northlab.test/v3/clients/NL-00042"]


def test_the_tutorial_s_first_file_is_checked_as_it_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "partners" / "mappings").mkdir(parents=True)
    (tmp_path / "partners" / "profiles").mkdir()
    Path("partners/mappings/northlab.yaml").write_text(whole_files(TUTORIAL)[0][0], encoding="utf-8")
    (command, told) = next(
        text.split("\n", 1) for _, text in blocks(TUTORIAL) if text.startswith("$ fhir-bridge check")
    )

    assert cli.main(command.split()[2:]) == 0
    assert capsys.readouterr().out == told


# --- configuration.md ---


def test_every_variable_of_the_bridge_is_described() -> None:
    sources = "".join(path.read_text(encoding="utf-8") for path in (TOP / "fhir_bridge").rglob("*.py"))
    limits = {f"FHIR_BRIDGE_{field.name.upper()}" for field in fields(Limits)}
    variables = set(re.findall(r"\bFHIR_BRIDGE_[A-Z_]*[A-Z]\b", sources)) | limits

    assert variables == set(re.findall(r"^\| `(FHIR_BRIDGE_\w+)` \|", CONFIGURATION, re.MULTILINE))


def test_every_variable_of_a_partner_is_described_and_optional_where_it_is() -> None:
    files = "".join(path.read_text(encoding="utf-8") for path in (TOP / "mappings").glob("*.yaml"))
    rows = re.findall(
        r"^\| (`[A-Z].*?`) \| (.*) \|$", sections(CONFIGURATION)["Variables of the partners"], re.MULTILINE
    )
    described = {name: text for names, text in rows for name in re.findall(r"`(\w+)`", names)}

    assert set(described) == set(re.findall(r"\$([A-Z_]+)", files))
    assert {name for name, text in described.items() if text.startswith("optional")} == {
        *re.findall(r"\$([A-Z_]+)\?", files),
        "EHEALTH_ACCESS_TOKEN",
        "EHEALTH_CLIENT_ID",
        "EHEALTH_CLIENT_SECRET",
    }


def commands() -> dict[str, argparse.ArgumentParser]:
    (action,) = [each for each in cli._parser()._actions if isinstance(each, argparse._SubParsersAction)]
    return dict(action.choices)


def test_every_command_has_its_section() -> None:
    titles = [title for title in sections(CONFIGURATION) if title.startswith("`fhir-bridge ")]

    assert titles == [*(f"`fhir-bridge {name}`" for name in commands()), "`fhir-bridge --help`"]


@pytest.mark.parametrize("command", commands())
def test_every_option_of_a_command_is_described(command: str) -> None:
    actions = [each for each in commands()[command]._actions if each.dest != "help"]
    names = {name for action in actions for name in action.option_strings or [action.dest]}
    rows = re.findall(r"^\| (`.*?`) \|", sections(CONFIGURATION)[f"`fhir-bridge {command}`"], re.MULTILINE)

    assert {name for row in rows for name in re.findall(r"`([^`]+)`", row)} == names


def test_the_check_of_what_ships_prints_what_the_page_shows(capsys: pytest.CaptureFixture[str]) -> None:
    told = next(text for _, text in blocks(CONFIGURATION) if text.startswith("$ fhir-bridge check\n"))

    assert cli.main(["check", str(TOP / "mappings")]) == 0
    assert capsys.readouterr().out == told.split("\n", 1)[1]


# --- errors.md ---


@pytest.mark.parametrize("example", error_examples.examples(ERRORS), ids=lambda example: example.title)
async def test_the_bridge_answers_an_example_as_the_page_shows_it(bridges: Bridges, example: Example) -> None:
    response = await bridges.answer(example.request, example.partner)

    words, outcome = error_examples.written(response)
    assert (words, json.loads(outcome)) == (example.answer, json.loads(example.outcome))


def test_every_status_of_the_table_has_an_example() -> None:
    rows = re.findall(r"^\| (.*?) \|", sections(ERRORS)["What the partner's status becomes"], re.MULTILINE)
    titles = " ".join(example.title for example in error_examples.examples(ERRORS))

    assert [status for row in rows for status in re.findall(r"[45]\d\d", row) if status not in titles] == []


def test_every_code_of_the_bridge_stands_in_the_page_once() -> None:
    assert sorted(row.error for row in error_examples.rows(ERRORS)) == sorted(get_args(ErrorCode))


@pytest.mark.parametrize(
    "row", [row for row in error_examples.rows(ERRORS) if row.request is not None], ids=lambda row: row.error
)
async def test_the_request_beside_a_code_brings_it_about(bridges: Bridges, row: Row) -> None:
    assert row.request is not None

    response = await bridges.answer(row.request)

    told = {(issue["details"]["coding"][0]["code"], issue["code"]) for issue in _issues(response)}
    assert (response.status_code, (row.error, row.code) in told) == (int(row.status), True)


def _issues(response: httpx.Response) -> list[Json]:
    """Return the issues of an OperationOutcome, or of the one that an operation's answer holds."""
    resource = loads(response.content)
    inner = [part["resource"] for part in resource.get("parameter", ()) if "resource" in part]
    return [issue for each in [resource, *inner] for issue in each.get("issue", ())]


@pytest.fixture(scope="module")
def bridges() -> Bridges:
    return Bridges()


# --- links ---


@pytest.mark.parametrize("page", sorted(path.name for path in DOCS.glob("*.md")))
def test_a_link_leads_to_a_heading_that_is_there(page: str) -> None:
    text = (DOCS / page).read_text(encoding="utf-8")
    links = re.findall(r"\]\((?!https?:)([^)#\s]*)(?:#([^)\s]*))?\)", text)

    broken = [f"{file}#{heading}" for file, heading in links if not _leads(file or page, heading)]
    assert broken == []


def _leads(file: str, heading: str) -> bool:
    path = DOCS / file
    return path.is_file() and (not heading or heading in _anchors(path.read_text(encoding="utf-8")))


def _anchors(text: str) -> set[str]:
    """Return the anchors that a page's headings get: in small letters, without signs, with hyphens for spaces."""
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
