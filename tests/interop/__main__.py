"""`python -m tests.interop`: every client that can run here drives the sandbox; prints client × capability.

Exit 1 where something did not work, or README.md has another table; `--table` writes that anew. With the variable `CI`
set, a client that cannot run here is a failure too.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.interop.programs import PROGRAMS, Program, Run, run
from tests.interop.results import hows, placed, table

README = Path(__file__).parents[2] / "README.md"


def main(arguments: Sequence[str]) -> int:
    runs = [_run(program) for program in PROGRAMS if not program.missing()]
    results = [result for each in runs for result in each.results]
    text = table(results)
    print(f"\n{text}\nHow:\n\n{hows(results)}")
    absent = [f"{each.name}: not run, for want of {', '.join(each.missing())}" for each in PROGRAMS if each.missing()]
    for line in absent:
        print(line)
    wrong = [trouble for each in runs for trouble in each.troubles] + (absent if "CI" in os.environ else [])
    if not wrong and not absent:
        wrong = _readme(text, write="--table" in arguments)
    for line in wrong:
        print(line, file=sys.stderr)
    return 1 if wrong else 0


def _run(program: Program) -> Run:
    """Run one program; where something is wrong, the end of what was logged follows."""
    print(f"{program.name} …", flush=True)
    done = run(program)
    if done.troubles:
        print(done.log[-4000:], file=sys.stderr)
    return done


def _readme(text: str, *, write: bool) -> list[str]:
    """Return what is wrong with the table in README.md, or write it anew."""
    page = README.read_text(encoding="utf-8")
    wanted = placed(page, text)
    if write:
        README.write_text(wanted, encoding="utf-8")
    elif wanted != page:
        return ["README.md has another table; `python -m tests.interop --table` writes it anew."]
    return []


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
