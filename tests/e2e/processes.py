"""`fhir-bridge` as a process of its own, with nothing configured but what a test gives it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

COMMAND = (sys.executable, "-c", "import sys; from fhir_bridge.cli import main; sys.exit(main())")
_SETTINGS = ("FHIR_BRIDGE_", "HEALTHEX_", "EHEALTH_", "WMDA_", "ROCHE_")
PATIENCE_S = 30


def environment(more: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the environment of the tests without any setting of the bridge, and `more`."""
    own = {name: value for name, value in os.environ.items() if not name.startswith(_SETTINGS)}
    return {**own, **(more or {})}


def ran(*arguments: str, cwd: Path | None = None, more: Mapping[str, str] | None = None) -> tuple[int, str, str]:
    """Run a command to its end, and return its exit status, stdout and stderr."""
    done = subprocess.run(
        [*COMMAND, *arguments], cwd=cwd, env=environment(more), capture_output=True, text=True, timeout=PATIENCE_S
    )
    return done.returncode, done.stdout, done.stderr


@contextmanager
def started(
    *arguments: str,
    until: str,
    cwd: Path | None = None,
    more: Mapping[str, str] | None = None,
    command: tuple[str, ...] = COMMAND,
) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Start a server and yield it with what it printed, as soon as a line has `until` in it; it ends with the block."""
    process = subprocess.Popen(
        [*command, *arguments],
        cwd=cwd,
        env=environment(more),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        process_group=0,
    )
    with process:
        try:
            yield process, _printed(process, until)
        finally:
            process.kill()


def _printed(process: subprocess.Popen[str], until: str) -> str:
    assert process.stdout is not None
    lines: list[str] = []
    for line in process.stdout:
        lines.append(line)
        if until in line:
            return "".join(lines)
    assert process.stderr is not None
    raise AssertionError(f"it ended before '{until}': {process.stderr.read()}")


def url_in(printed: str) -> str:
    """Return the address that the first line tells: `http://127.0.0.1:8080`."""
    found = re.search(r"http://\S+(?=/fhir)", printed)
    assert found is not None
    return found[0]


def ended(process: subprocess.Popen[str], number: int, *, group: bool = False) -> tuple[int, str]:
    """Send a signal, to the whole group where Ctrl-C would, and return the exit status and what stderr holds."""
    if group:
        os.killpg(process.pid, number)
    else:
        process.send_signal(number)
    _, err = process.communicate(timeout=PATIENCE_S)
    return process.returncode, err
