"""The programs that drive a client each, and how one is run: against a sandbox of its own, over a socket."""

from __future__ import annotations

import shutil
import signal
import subprocess
from pathlib import Path
from typing import NamedTuple

from tests.e2e.processes import ended, started, url_in
from tests.interop.results import Result, parse_results, troubles

HERE = Path(__file__).parent
PYTHON = HERE / ".venv/bin/python"
LIMIT_S = 300
"""For one program; the first run of the Java clients builds them."""


class Program(NamedTuple):
    """A program that takes the hub's address, then `arguments`; `needs` are commands and files that must be there."""

    name: str
    command: tuple[str, ...]
    arguments: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()

    def missing(self) -> list[str]:
        """Return what it needs and does not find here."""
        return [need for need in (self.command[0], *self.needs) if not (shutil.which(need) or Path(need).exists())]


def _python(name: str, script: str, *arguments: str) -> Program:
    return Program(name, (str(PYTHON), str(HERE / "python" / script)), arguments)


def _node(name: str, script: str) -> Program:
    return Program(name, ("node", str(HERE / "node" / script)), needs=(str(HERE / "node/node_modules"),))


PROGRAMS = (
    _python("fhirpy (async)", "use_fhirpy.py", "async"),
    _python("fhirpy (sync)", "use_fhirpy.py", "sync"),
    _python("fhirclient (Python)", "use_fhirclient.py"),
    _node("fhir-kit-client", "use-fhir-kit-client.mjs"),
    _node("@medplum/core", "use-medplum.mjs"),
    _node("fhirclient (JavaScript)", "use-fhirclient.mjs"),
    Program("HAPI FHIR", (str(HERE / "java/run"),), needs=("java", "mvn")),
)


class Run(NamedTuple):
    """What a program reported, all that is wrong with it, and what it and the sandbox wrote to stderr."""

    results: list[Result]
    troubles: list[str]
    log: str


def run(program: Program) -> Run:
    """Run a program against a fresh sandbox, since it changes the patients there."""
    with started("sandbox", "--port", "0", until="Ctrl-C") as (sandbox, printed):
        command = [*program.command, f"{url_in(printed)}/fhir", *program.arguments]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT_S, check=False)
        except subprocess.TimeoutExpired:
            done = subprocess.CompletedProcess(command, -1, "", f"no end after {LIMIT_S} s")
        _, log = ended(sandbox, signal.SIGTERM)
    results = parse_results(done.stdout)
    silent = [] if results and done.returncode == 0 else [f"{program.name}: ended with {done.returncode}"]
    return Run(results, silent + troubles(results), f"{log}{done.stderr}")
