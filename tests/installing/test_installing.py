"""The lock and the wheel, installed as a user would install them, from the registry; `make install-test` runs this.

Each Python of pyproject.toml that is here is tried with two versions of pip, in environments of their own: the oldest
that is supported, and the newest that there is.
"""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import zipfile
from email import message_from_bytes
from importlib import metadata
from pathlib import Path

import httpx
import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.e2e.processes import PATIENCE_S, ended, environment, started, url_in

ROOT = Path(__file__).parents[2]

# Python 3.11 came with pip 22.3; from 3.12 on pip needs what Python 3.12 came with.
OLDEST = {
    "3.11": "pip==22.3 --hash=sha256:1daab4b8d3b97d1d763caeb01a4640a2250a0ea899e257b1e44b9eded91e15ab",
    "3.12": "pip==23.2.1 --hash=sha256:7ccf472345f20d35bdc9d1841ff5f313260c2c33fe417f48c30ac46cccabf5be",
    "3.13": "pip==23.2.1 --hash=sha256:7ccf472345f20d35bdc9d1841ff5f313260c2c33fe417f48c30ac46cccabf5be",
}


def run(*command: str | Path) -> str:
    """Run a command at the top of the repository and return what it prints; it must succeed."""
    # Compiling each module takes longest of all, and nothing here needs it.
    more = {"PIP_NO_COMPILE": "1"}
    done = subprocess.run(command, cwd=ROOT, env=environment(more), capture_output=True, text=True)
    assert done.returncode == 0, f"{command}:\n{done.stdout}{done.stderr}"
    return done.stdout


def pythons() -> dict[str, str]:
    """Return the Pythons that pyproject.toml names, each with the interpreter that is here."""
    lines = [line.split() for line in run("make", "--silent", "pythons").splitlines()]
    return {line[0]: line[1] for line in lines if len(line) > 1}


PYTHONS = pythons()


def with_pip(python: str, requirement: str, folder: Path) -> Path:
    """Return the interpreter of a new environment that has this pip and nothing else."""
    wanted = folder / "pip.txt"
    wanted.write_text(requirement, encoding="utf-8")
    run(python, "-m", "venv", "--without-pip", folder / "pip")
    interpreter = folder / "pip/bin/python"
    hashes = ["--require-hashes"] if "--hash" in requirement else []
    run(python, "-m", "pip", "--python", interpreter, "install", "--no-deps", *hashes, "--requirement", wanted)
    return interpreter


@pytest.mark.parametrize("age", ["oldest", "newest"])
@pytest.mark.parametrize("version", PYTHONS)
def test_the_lock_installs_with_this_pip(version: str, age: str, tmp_path: Path) -> None:
    python = with_pip(PYTHONS[version], OLDEST[version] if age == "oldest" else "pip", tmp_path)
    ready = tmp_path / "venv/.ready"

    run("make", f"PYTHON={python}", f"VENV={tmp_path / 'venv'}", ready)

    checked = run(tmp_path / "venv/bin/fhir-bridge", "check")
    assert [line.partition(":")[0] for line in checked.splitlines()] == ["ehealth", "healthex", "roche", "wmda"]


# --- the wheel ---


def required_by(wheel: Path) -> list[str]:
    """Return what a wheel says that it needs."""
    archive = zipfile.ZipFile(wheel)
    (name,) = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
    return message_from_bytes(archive.read(name)).get_all("Requires-Dist") or []


def needed(wheel: Path, extra: str) -> set[str]:
    """Return the packages that a wheel with an extra needs, and those that they need in turn, on this machine."""
    found: set[str] = set()
    coming = [("", extra)]
    while coming:
        name, of = coming.pop()
        for requirement in map(Requirement, metadata.requires(name) or () if name else required_by(wheel)):
            package = canonicalize_name(requirement.name)
            if package not in found and (requirement.marker is None or requirement.marker.evaluate({"extra": of})):
                found.add(package)
                coming += [(package, each) for each in requirement.extras or {""}]
    return found


def locked(packages: set[str]) -> str:
    """Return the lines of the lock for some packages, with their hashes."""
    text = (ROOT / "constraints.txt").read_text(encoding="utf-8")
    blocks = re.findall(r"^([\w.-]+)(==.*?)(?=^\S|\Z)", text, flags=re.MULTILINE | re.DOTALL)
    return "".join(name + rest for name, rest in blocks if name in packages)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built as `make dist` builds it, in a folder of its own."""
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", folder)
    (built,) = folder.glob("*.whl")
    return built


def install(wheel: Path, extra: str, folder: Path) -> Path:
    """Return the interpreter of a new environment with the wheel and with what it needs, as the lock has it."""
    wanted = folder / "needed.txt"
    wanted.write_text(locked(needed(wheel, extra)), encoding="utf-8")
    run(sys.executable, "-m", "venv", folder / "venv")
    interpreter = folder / "venv/bin/python"
    run(interpreter, "-m", "pip", "install", "--no-deps", "--require-hashes", "--requirement", wanted)
    run(interpreter, "-m", "pip", "install", "--no-deps", wheel)
    assert run(interpreter, "-m", "pip", "check") == "No broken requirements found.\n"
    return interpreter


def test_the_wheel_by_itself_checks_explains_and_serves(wheel: Path, tmp_path: Path) -> None:
    python = install(wheel, "", tmp_path)
    command = (str(python.with_name("fhir-bridge")),)

    explained = run(*command, "explain", "GET", "/fhir/wmda/Patient/123456")
    more = {"EHEALTH_BASE_URL": "http://127.0.0.1:9", "EHEALTH_API_KEY": "key"}
    with started("serve", "--port", "0", until="/fhir", cwd=tmp_path, more=more, command=command) as (process, printed):
        live = httpx.get(f"{url_in(printed)}/health/live").json()
        status, _ = ended(process, signal.SIGTERM)

    assert run(*command, "check").startswith("ehealth: read Patient, ")
    assert "GET $WMDA_BASE_URL/patients/123456" in explained
    assert (live, status) == ({"status": "live"}, 0)
    sandbox = subprocess.run(
        [*command, "sandbox"], cwd=tmp_path, env=environment(), capture_output=True, text=True, timeout=PATIENCE_S
    )
    line = "fhir-bridge: the simulated partners are not installed; run: pip install 'fhir-bridge[sandbox]'\n"
    assert (sandbox.returncode, sandbox.stdout, sandbox.stderr) == (2, "", line)


def test_the_wheel_with_its_extra_has_the_sandbox(wheel: Path, tmp_path: Path) -> None:
    python = install(wheel, "sandbox", tmp_path)
    command = (str(python.with_name("fhir-bridge")),)

    with started("sandbox", "--port", "0", until="Ctrl-C", cwd=tmp_path, command=command) as (_, printed):
        patient = httpx.get(f"{url_in(printed)}/fhir/wmda/Patient/123456").json()

    assert (patient["resourceType"], patient["id"]) == ("Patient", "123456")
