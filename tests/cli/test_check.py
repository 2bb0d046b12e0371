"""`fhir-bridge check`: every problem with its place, exit 1; nothing of the environment is needed."""

from __future__ import annotations

from pathlib import Path

import pytest

from fhir_bridge.cli import main

NORTHLAB = """\
partner: northlab
title: Northlab
fhir: ["4.0"]

connection:
  base_url: $NORTHLAB_URL
  auth:
    - {scheme: bearer, token: $NORTHLAB_TOKEN}

interactions:
  read Patient:
    call: GET /patients/{id}
    receive: {map: patient}

maps:
  patient:
    resource: Patient
    rows:
      id:        {at: id, only: to_fhir, required: true}
      birthDate: {at: dob}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the mapping file of one partner."""
    mappings = tmp_path / "mappings"
    mappings.mkdir()
    (mappings / "northlab.yaml").write_text(NORTHLAB, encoding="utf-8")
    return mappings


def checked(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    """Return exit status, stdout and stderr of a check."""
    status = main(["check", *arguments])
    return status, *capsys.readouterr()


def test_the_files_that_ship_are_right(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = checked(capsys)

    assert (status, err) == (0, "")
    assert [line.partition(":")[0] for line in out.splitlines()] == ["ehealth", "healthex", "roche", "wmda"]
    assert "$start-search Patient, $update-search-status Patient, vread Patient\n" in out


def test_a_right_folder_lists_its_partners_and_what_they_offer(
    capsys: pytest.CaptureFixture[str], folder: Path
) -> None:
    assert checked(capsys, str(folder)) == (0, "northlab: read Patient, search-type Patient\n", "")


def test_a_problem_has_its_line_and_what_to_do(capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    (folder / "northlab.yaml").write_text(NORTHLAB.replace("{at: dob}", "{at: dob, as: dat}"), encoding="utf-8")

    assert checked(capsys, str(folder)) == (
        1,
        "mappings/northlab.yaml:20:32: unknown transform 'dat'; did you mean 'date'?\n",
        "",
    )


def test_all_problems_come_together_in_the_order_of_the_file(capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    wrong = NORTHLAB.replace("birthDate:", "birthDat:").replace("GET /", "GET ")
    (folder / "northlab.yaml").write_text(wrong, encoding="utf-8")

    status, out, err = checked(capsys, str(folder))

    assert (status, err) == (1, "")
    assert out.splitlines() == [
        "mappings/northlab.yaml:12:11: 'GET patients/{id}' is no call; "
        "write 'METHOD /path', as in 'GET /patients/{id}'",
        "mappings/northlab.yaml:20:7: Patient has no element 'birthDat'; did you mean 'birthDate'?",
    ]


def test_profiles_beside_the_folder_are_read(capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    profiles = folder.parent / "profiles"
    profiles.mkdir()
    (profiles / "Broken.json").write_text("{", encoding="utf-8")

    status, out, err = checked(capsys, str(folder))

    assert (status, err) == (1, "")
    assert out.startswith("profiles/Broken.json: ")
    assert out.count("\n") == 1


def test_a_variable_names_other_profiles_than_those_beside(
    capsys: pytest.CaptureFixture[str], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder.parent / "profiles").mkdir()
    (folder.parent / "profiles" / "Broken.json").write_text("{", encoding="utf-8")
    empty = folder.parent / "others"
    empty.mkdir()
    monkeypatch.setenv("FHIR_BRIDGE_PROFILES", str(empty))

    assert checked(capsys, str(folder)) == (0, "northlab: read Patient, search-type Patient\n", "")


def test_the_variable_names_the_folder_where_the_command_names_none(
    capsys: pytest.CaptureFixture[str], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FHIR_BRIDGE_MAPPINGS", str(folder))

    assert checked(capsys) == (0, "northlab: read Patient, search-type Patient\n", "")


def test_a_folder_that_is_not_there_is_wrong_use(capsys: pytest.CaptureFixture[str]) -> None:
    assert checked(capsys, "/nowhere") == (
        2,
        "",
        "fhir-bridge: there is no folder '/nowhere'; name the one that holds the mapping files\n",
    )


def test_a_folder_without_mapping_files_is_a_problem(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()

    assert checked(capsys, str(empty)) == (
        1,
        "empty: there is no mapping file (*.yaml) in this folder; name one that has some\n",
        "",
    )
