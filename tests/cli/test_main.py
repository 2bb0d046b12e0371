"""`fhir-bridge`: wrong use is one line on stderr and exit 2, and nothing is imported that a command does not need."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

import fhir_bridge
from fhir_bridge.cli import main
from tests.e2e.processes import COMMAND

HELP = """\
usage: fhir-bridge [-h] COMMAND ...

A FHIR facade in front of partner APIs that do not speak FHIR.

positional arguments:
  COMMAND
    sandbox   four simulated partners and the bridge in front of them
    serve     the bridge in front of the configured partners
    check     read mappings and profiles, and print every problem
    explain   show what a request would send to the partner; makes no call

options:
  -h, --help  show this help message and exit
"""


def failed(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """Return what a command of wrong use says on stderr; it says nothing else, and its exit status is 2."""
    try:
        status = main(arguments)
    except SystemExit as left:  # argparse's way
        status = int(left.code or 0)
    out, err = capsys.readouterr()
    assert (status, out) == (2, "")
    return err


def test_the_help_lists_the_commands(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "100")

    with pytest.raises(SystemExit) as left:
        main(["--help"])

    assert (left.value.code, *capsys.readouterr()) == (0, HELP, "")


def test_the_help_imports_nothing_of_the_bridge_and_no_server() -> None:
    script = (
        "import sys\nfrom fhir_bridge.cli import main\n"
        "try:\n    main(['--help'])\nexcept SystemExit:\n    pass\n"
        "parts = {name.split('.')[0] for name in sys.modules} - sys.stdlib_module_names\n"
        "ours = sorted(name for name in sys.modules if name.startswith('fhir_bridge'))\n"
        "print(ours, sorted(parts & {'uvicorn', 'starlette', 'httpx', 'pydantic', 'ruamel', 'orjson'}))\n"
    )

    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert ran.stdout.splitlines()[-1] == "['fhir_bridge', 'fhir_bridge.cli'] []"


def test_no_command_is_wrong_use(capsys: pytest.CaptureFixture[str]) -> None:
    assert failed(capsys) == ("fhir-bridge: the following arguments are required: COMMAND; see fhir-bridge --help\n")


def test_an_unknown_command_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert failed(capsys, "srve") == (
        "fhir-bridge: argument COMMAND: invalid choice: 'srve' (choose from sandbox, serve, check, explain); "
        "see fhir-bridge --help\n"
    )


@pytest.mark.parametrize("port", ["http", "65536", "-1", "٨٠", "8080.0", ""])
def test_a_port_is_a_number_up_to_65535(capsys: pytest.CaptureFixture[str], port: str) -> None:
    assert failed(capsys, "serve", f"--port={port}") == (
        f"fhir-bridge serve: argument --port: '{port}' is no port; give a number from 0 to 65535; "
        "see fhir-bridge serve --help\n"
    )


@pytest.mark.parametrize("workers", ["0", "-2", "two"])
def test_there_is_one_worker_at_least(capsys: pytest.CaptureFixture[str], workers: str) -> None:
    assert failed(capsys, "serve", f"--workers={workers}") == (
        f"fhir-bridge serve: argument --workers: '{workers}' is no number of processes; give 1 or more; "
        "see fhir-bridge serve --help\n"
    )


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "bridge.example", ""])
def test_an_address_that_others_reach_is_refused(capsys: pytest.CaptureFixture[str], host: str) -> None:
    assert failed(capsys, "serve", "--host", host) == (
        f"fhir-bridge: {host} is reached from outside and callers are not checked; add --allow-anonymous to do it\n"
    )


def test_a_missing_variable_has_a_line_each(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEALTHEX_BASE_URL", "https://api.healthex.test")

    lines = failed(capsys, "serve").splitlines()

    assert [line.partition(": ")[2] for line in lines] == [
        "the variable HEALTHEX_API_KEY is not set; set it and start again",
        "the variable HEALTHEX_API_SECRET is not set; set it and start again",
    ]
    assert all(line.startswith("mappings/healthex.yaml:") for line in lines)


@pytest.mark.usefixtures("_four_are_configured")
def test_a_missing_certificate_is_named(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert failed(capsys, "serve") == "fhir-bridge: roche: CA bundle ca.pem: No such file or directory\n"


def test_a_folder_of_mapping_files_that_is_not_there_is_named(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FHIR_BRIDGE_MAPPINGS", "/nowhere")

    assert failed(capsys, "serve") == (
        "fhir-bridge: FHIR_BRIDGE_MAPPINGS: there is no folder '/nowhere'; name one that is there\n"
    )


def test_a_letter_that_the_terminal_does_not_have_stops_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", terminal)

    status = main(["explain", "GET", "/fhir/ehealth/Patient/Ї"])

    assert status == 1
    assert terminal.buffer.getvalue().splitlines()[0] == b"GET /fhir/ehealth/Patient/\\u0407"


def test_a_public_name_is_imported_when_it_is_first_used() -> None:
    script = (
        "import sys, fhir_bridge\n"
        "before = 'fhir_bridge.outcome' in sys.modules\n"
        "from fhir_bridge import *\n"
        "print(before, [name for name in fhir_bridge.__all__ if not callable(globals()[name])])\n"
    )

    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert ran.stdout == "False []\n"


def test_a_name_that_is_not_public_is_none_of_the_package() -> None:
    with pytest.raises(AttributeError, match=r"^module 'fhir_bridge' has no attribute 'serve'$"):
        fhir_bridge.serve  # noqa: B018


@pytest.mark.parametrize(
    "module", ["fhir_bridge.cli.serving", "fhir_bridge.cli.checking", "fhir_bridge.cli.explaining"]
)
def test_only_the_sandbox_needs_what_the_extra_brings(module: str) -> None:
    script = (
        f"import sys, {module}\n"
        "print([name for name in sys.modules if name.startswith(('fhir_bridge.sandbox', 'trustme', 'cryptography'))])\n"
    )

    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert ran.stdout == "[]\n"


def test_without_the_extra_the_sandbox_says_what_to_install(tmp_path: Path) -> None:
    for installed in Path(sysconfig.get_path("platlib")).iterdir():
        if not installed.name.startswith("trustme"):
            (tmp_path / installed.name).symlink_to(installed)
    path = os.pathsep.join([str(tmp_path), str(Path(fhir_bridge.__file__).parents[1])])
    command = [sys.executable, "-S", *COMMAND[1:], "sandbox", "--port", "0"]

    ran = subprocess.run(command, env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True, timeout=60)

    line = "fhir-bridge: the simulated partners are not installed; run: pip install 'fhir-bridge[sandbox]'\n"
    assert (ran.returncode, ran.stdout, ran.stderr) == (2, "", line)
