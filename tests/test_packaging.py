"""What a user installs, and what the repository says of it: the wheel, the dependencies, the pinned versions."""

from __future__ import annotations

import ast
import importlib.metadata
import json
import re
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import httpx
import pytest

from tests.e2e.processes import COMMAND, environment, ran, started, url_in

ROOT = Path(__file__).parents[1]

# In two halves, so that this file is not one that names them.
REGISTRY_HOSTS = [
    ".".join(halves)
    for halves in (
        ("pypi", "org"),
        ("pythonhosted", "org"),
        ("npmjs", "org"),
        ("npmjs", "com"),
        ("yarnpkg", "com"),
        ("packages.fhir", "org"),
        ("packages2.fhir", "org"),
        ("simplifier", "net/packages"),
    )
]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this tree, built without a network."""
    folder = tmp_path_factory.mktemp("dist")
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True, text=True)
    (built,) = folder.iterdir()
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment in which the wheel is the installed package: unpacked, as an installer would, and found first."""
    folder = tmp_path_factory.mktemp("site-packages")
    zipfile.ZipFile(wheel).extractall(folder)
    return {"PYTHONPATH": str(folder)}


def files_below(folder: str) -> set[str]:
    """Return the files below a folder of the repository, as they are called inside the wheel."""
    return {f"fhir_bridge/{file.relative_to(ROOT).as_posix()}" for file in (ROOT / folder).rglob("*") if file.is_file()}


def members(wheel: Path, folder: str) -> set[str]:
    """Return the files of the wheel below `folder`."""
    return {name for name in zipfile.ZipFile(wheel).namelist() if name.startswith(f"{folder}/")}


def committed() -> list[Path]:
    """Return every file that is committed or about to be."""
    if not (ROOT / ".git").exists():
        pytest.skip("This is not a checkout: nothing is committed here.")
    listing = ["git", "-c", f"safe.directory={ROOT}", "ls-files", "-z", "--cached"]
    names = subprocess.run(listing, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return [ROOT / name for name in names.split("\0") if (ROOT / name).is_file()]


def hosts_named(path: str, text: str) -> list[str]:
    """Return one complaint for each line that names the host of a package registry."""
    lines = enumerate(text.lower().splitlines(), start=1)
    return [f"{path}:{number}: names {host}" for number, line in lines for host in REGISTRY_HOSTS if host in line]


def project() -> dict[str, Any]:
    """Return the `[project]` table of pyproject.toml."""
    table: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return table


def names_of(requirements: list[str]) -> list[str]:
    """Return the packages of some requirements: `uvloop` of `uvloop>=0.20; sys_platform != 'win32'`."""
    return [re.split(r"[^\w.-]", requirement)[0] for requirement in requirements]


def normalized(name: str) -> str:
    """Return a package's name as an index spells it: `fhir-resources` for `fhir.resources` (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def documented(heading: str) -> list[str]:
    """Return the packages that one section of docs/dependencies.md has a line for."""
    page = (ROOT / "docs/dependencies.md").read_text(encoding="utf-8")
    section = page.split(f"## {heading}\n")[1].split("\n## ")[0]
    return re.findall(r"^\| `([^`]+)` \| .+ \| .+ \|$", section, flags=re.MULTILINE)


def packages_imported(files: Iterable[Path]) -> set[str]:
    """Return the installed packages whose modules some files of fhir_bridge import."""
    providers = importlib.metadata.packages_distributions()
    modules = {name for file in files for name in top_modules(file.read_text("utf-8"))}
    outside = modules - sys.stdlib_module_names - {"fhir_bridge"}
    return {normalized(package) for name in outside for package in providers.get(name, [f"whatever holds {name}"])}


def top_modules(text: str) -> set[str]:
    """Return the first word of every absolute import: `{"starlette"}` for `from starlette.routing import Route`."""
    nodes = list(ast.walk(ast.parse(text)))
    plain = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    from_ = {node.module or "" for node in nodes if isinstance(node, ast.ImportFrom) and not node.level}
    return {name.split(".")[0] for name in plain | from_}


def pins() -> dict[str, list[str]]:
    """Return the hashes of each package that constraints.txt pins."""
    text = (ROOT / "constraints.txt").read_text(encoding="utf-8")
    blocks = re.findall(r"^([\w.-]+)==\S+(.*?)(?=^\S|\Z)", text, flags=re.MULTILINE | re.DOTALL)
    return {name: re.findall(r"--hash=sha256:[0-9a-f]{64}\b", rest) for name, rest in blocks}


def test_the_wheel_carries_every_mapping_file(wheel: Path) -> None:
    files = members(wheel, "fhir_bridge/mappings")

    assert "fhir_bridge/mappings/ehealth.yaml" in files
    assert files == files_below("mappings")


def test_the_wheel_carries_every_profile(wheel: Path) -> None:
    files = members(wheel, "fhir_bridge/profiles")

    assert files == files_below("profiles")
    assert [name for name in files if name.endswith(".json")]


def test_the_wheel_carries_every_module_and_the_mark_that_it_is_typed(wheel: Path) -> None:
    modules = {file.relative_to(ROOT).as_posix() for file in (ROOT / "fhir_bridge").rglob("*.py")}

    assert modules | {"fhir_bridge/py.typed"} <= set(zipfile.ZipFile(wheel).namelist())


def test_the_wheel_carries_nothing_but_the_package_and_its_license(wheel: Path) -> None:
    top = {name.split("/")[0] for name in zipfile.ZipFile(wheel).namelist()}

    version = project()["version"]
    assert top == {"fhir_bridge", f"fhir_bridge-{version}.dist-info"}
    assert f"fhir_bridge-{version}.dist-info/licenses/LICENSE" in zipfile.ZipFile(wheel).namelist()


def test_the_installed_package_is_the_one_that_the_next_tests_run(installed: dict[str, str], tmp_path: Path) -> None:
    where = [COMMAND[0], "-c", "import fhir_bridge; print(fhir_bridge.__file__)"]

    done = subprocess.run(where, cwd=tmp_path, env=environment(installed), capture_output=True, text=True, check=True)

    assert done.stdout == f"{installed['PYTHONPATH']}/fhir_bridge/__init__.py\n"


def test_the_installed_package_finds_its_mapping_files_from_any_folder(
    installed: dict[str, str], tmp_path: Path
) -> None:
    status, out, err = ran("check", cwd=tmp_path, more=installed)

    assert (status, err) == (0, "")
    assert [line.partition(":")[0] for line in out.splitlines()] == ["ehealth", "healthex", "roche", "wmda"]


def test_the_installed_package_runs_the_sandbox_from_any_folder(installed: dict[str, str], tmp_path: Path) -> None:
    with started("sandbox", "--port", "0", until="Ctrl-C", cwd=tmp_path, more=installed) as (_, printed):
        statement = httpx.get(f"{url_in(printed)}/fhir/metadata").json()

    assert statement["software"] == {"name": "fhir-bridge", "version": project()["version"]}


def test_no_committed_file_names_the_host_of_a_package_registry() -> None:
    texts = {file.relative_to(ROOT).as_posix(): file.read_text("utf-8", errors="replace") for file in committed()}

    assert "constraints.txt" in texts
    assert [complaint for path, text in texts.items() for complaint in hosts_named(path, text)] == []


def test_a_registry_host_is_named_with_its_line() -> None:
    text = "a\n  resolved: https://registry." + "NPMJS" + ".org/left-pad\n"

    assert hosts_named("package-lock.json", text) == ["package-lock.json:2: names npmjs" + ".org"]


def test_each_dependency_has_its_line_and_no_line_is_left_over() -> None:
    table = project()

    assert sorted(documented("To run")) == sorted(names_of(table["dependencies"]))
    assert sorted(documented("To run the sandbox")) == sorted(names_of(table["optional-dependencies"]["sandbox"]))
    assert ["fhir-bridge", *documented("To develop")] == names_of(table["optional-dependencies"]["dev"])


def test_who_develops_has_what_the_sandbox_needs() -> None:
    assert project()["optional-dependencies"]["dev"][0] == "fhir-bridge[sandbox]"


def test_each_client_that_the_bridge_is_tried_with_has_its_line() -> None:
    interop = ROOT / "tests/interop"
    python = names_of((interop / "python/requirements.in").read_text(encoding="utf-8").split())
    javascript = json.loads((interop / "node/package.json").read_text(encoding="utf-8"))["dependencies"]
    java = re.findall(r"<artifactId>(.+-client)</artifactId>", (interop / "java/pom.xml").read_text(encoding="utf-8"))

    assert sorted(documented("To try the bridge with")) == sorted([*python, *javascript, *java])


def test_whatever_the_package_imports_is_a_declared_dependency() -> None:
    declared = {normalized(name) for name in names_of(project()["dependencies"])}
    files = {*(ROOT / "fhir_bridge").rglob("*.py")}
    simulated = {*(ROOT / "fhir_bridge/sandbox").rglob("*.py")}

    assert packages_imported(files - simulated) - declared == set()
    assert packages_imported(simulated) - declared == {"trustme"}
    assert names_of(project()["optional-dependencies"]["sandbox"]) == ["trustme"]


def test_every_dependency_is_pinned_with_its_hashes() -> None:
    table = project()
    extras = table["optional-dependencies"]
    wanted = {normalized(name) for name in names_of(table["dependencies"] + extras["sandbox"] + extras["dev"])}

    pinned = pins()

    assert wanted - pinned.keys() == {"fhir-bridge"}
    assert [name for name, hashes in pinned.items() if not hashes] == []


def test_the_build_backend_is_the_pinned_one() -> None:
    table = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["build-system"]

    assert names_of(table["requires"]) == ["hatchling"]
    assert "hatchling" in pins()


# --- the Pythons ---


def claimed() -> list[str]:
    """Return the versions of Python that pyproject.toml names, in its order."""
    return [name.rpartition(" ")[2] for name in project()["classifiers"] if re.search(r":: 3\.\d+$", name)]


def test_the_pythons_that_are_claimed_are_those_that_a_change_is_tried_on() -> None:
    """`.ci/run` runs all tests on the first line of `make pythons`, and the quick ones on every other."""
    listed = subprocess.run(["make", "--silent", "pythons"], cwd=ROOT, check=True, capture_output=True, text=True)
    script = (ROOT / ".ci/run").read_text(encoding="utf-8")

    assert [line.split()[0] for line in listed.stdout.splitlines()] == claimed()
    assert script.count("make --silent pythons") == 2
    assert 'make quick-test PYTHON="$python" VENV=".venv-$version"' in script


def test_every_page_claims_the_same_pythons() -> None:
    *older, newest = claimed()
    words = f"Python {', '.join(older)} or {newest}"

    assert project()["requires-python"] == f">={older[0]}"
    for page in ("README.md", "CONTRIBUTING.md", "Makefile"):
        text = (ROOT / page).read_text(encoding="utf-8")
        assert words in text, page
        assert set(re.findall(r"Python (3\.\d+)", text)) == {older[0]}, page
    assert re.search(r"python-version (\S+)", (ROOT / "Makefile").read_text(encoding="utf-8"))[1] == older[0]


def test_nothing_is_fetched_that_is_not_pinned() -> None:
    """Each install takes what a lock names, and resolves nothing."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    installs = re.findall(r"\$\(INSTALL\) (.*)", makefile)

    assert len(installs) == 4
    assert [line for line in installs if not line.startswith("--no-deps ")] == []
    assert [line for line in installs if "--require-hashes" not in line and "--editable ." not in line] == []
    assert re.findall(r"npm (\w+)", makefile.replace("(npm", "(")) == ["ci", "ci"]


@pytest.mark.parametrize("lock", ["constraints.txt", "tests/interop/python/requirements.txt", ".ci/uv.txt"])
def test_a_lock_has_one_version_and_hashes_of_each_package(lock: str) -> None:
    text = (ROOT / lock).read_text(encoding="utf-8")
    entries = re.split(r"^(?=[^\s#])", text, flags=re.MULTILINE)[1:]

    assert entries
    assert [
        each for each in entries if not re.match(r"[\w.-]+(\[\w,]+\])?==\S+ .*--hash=sha256:", each, re.DOTALL)
    ] == []


POM = ElementTree.parse(ROOT / "tests/interop/java/pom.xml").getroot()
MAVEN = "{http://maven.apache.org/POM/4.0.0}"


@pytest.mark.parametrize("kind", ["plugin", "dependency"])
def test_every_artifact_of_maven_has_one_version(kind: str) -> None:
    found = list(POM.iter(f"{MAVEN}{kind}"))
    versions = {each.findtext(f"{MAVEN}artifactId"): each.findtext(f"{MAVEN}version", "") for each in found}

    assert found
    assert {
        name: text for name, text in versions.items() if not re.fullmatch(r"[\d.]+|\$\{hapi\.version\}", text)
    } == {}
