"""`python -m tests.interop.validation`: HAPI's validator on what is ours, and beside our own checks.

1. `profiles/`, `tests/testscripts/`, capability-statement.json, and an answer of each kind from a sandbox: without
   errors, and without warnings but those that explained.yaml explains.
2. Good and bad instances of our profiles, and 600 patients with one thing changed, judged by HAPI and by the bridge;
   prints both verdicts in a table. HAPI must find no error that we let through, and where we are stricter
   explained.yaml says why.

Exit 1 where it is otherwise. Everything is judged in one run of Java, offline.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from fhir_bridge.outcome import Issue, Json
from tests.e2e.processes import started, url_in
from tests.interop.validation.answers import recorded
from tests.interop.validation.breaking import instances
from tests.interop.validation.explained import Explanations, explanations
from tests.interop.validation.instances import Instance
from tests.interop.validation.mutated import mutated_patients
from tests.interop.validation.table import table
from tests.interop.validation.verdicts import TOP, Message, errors, hapi, ours

_ENOUGH = 200


def main() -> int:
    known = explanations()
    own = {**_definitions(), **_answers()}
    judged = [*instances(), *mutated_patients()]
    with tempfile.TemporaryDirectory() as folder:
        verdicts = hapi({**own, **_files(judged)}, _profiles(judged), Path(folder))
    pairs = [(each, ours(each), verdicts[name]) for name, each in zip(_files(judged), judged, strict=True)]
    wrong = [*_in_own({name: verdicts[name] for name in own}, known), *_between(pairs, known), *known.useless()]
    print(
        f"HAPI judges {len(own)} definitions, TestScripts, CapabilityStatements and answers of ours.\n\n{table(pairs)}"
    )
    print("\nWhy the two differ, and what HAPI warns of:", *known.told(), sep="\n- ")
    if len(pairs) < _ENOUGH:
        wrong.append(f"There are {len(pairs)} instances; {_ENOUGH} are needed.")
    print(*wrong, sep="\n", file=sys.stderr)
    return 1 if wrong else 0


def _definitions() -> dict[str, Json]:
    folders = (TOP / "profiles", TOP / "tests" / "testscripts")
    files = [*(file for folder in folders for file in sorted(folder.glob("*.json"))), TOP / "capability-statement.json"]
    return {f"own-{file.name}": json.loads(file.read_text(encoding="utf-8")) for file in files}


def _answers() -> dict[str, Json]:
    with started("sandbox", "--port", "0", until="Ctrl-C") as (_, printed):
        return {f"answer-{name}": answer for name, answer in recorded(f"{url_in(printed)}/fhir")}


def _files(judged: Sequence[Instance]) -> dict[str, Json]:
    """Return the resources by file: those of STU3 are told by their names."""
    names = [f"{number:05}{'.stu3' if one.version == '3.0' else ''}.json" for number, one in enumerate(judged)]
    return {name: one.resource for name, one in zip(names, judged, strict=True)}


def _profiles(judged: Sequence[Instance]) -> dict[str, str]:
    """Return the profile of each file; HAPI cannot judge STU3 by ours, which are of R4."""
    named = zip(_files(judged), judged, strict=True)
    return {name: one.profile for name, one in named if one.version == "4.0" and one.profile}


def _in_own(verdicts: Mapping[str, Sequence[Message]], known: Explanations) -> Iterator[str]:
    """Yield a line for each error or warning in what is ours, but for those that are explained."""
    for file, messages in verdicts.items():
        name = file.partition("-")[2]
        for message in messages:
            section = {"warning": "warnings", "error": "answers", "fatal": "answers"}.get(message["severity"])
            if section and known.of(section, name, message["message"]) is None:
                yield f"{name}: {message['severity']}: {message['location']}: {message['message']}"


def _between(pairs: Sequence[tuple[Instance, list[Issue], list[Message]]], known: Explanations) -> Iterator[str]:
    """Yield a line for each thing that only one of the judges finds wrong, but for those that are explained."""
    for instance, issues, messages in pairs:
        what = f"{instance.group}: {instance.kind}: {instance.name}"
        found = errors(messages)
        for message in [] if issues else found:
            if known.of("let_through", instance.group, message["message"]) is None:
                yield f"let through: {what}: {message['location']}: {message['message']}"
        for issue in [] if found else issues:
            if known.of("stricter", instance.group, issue.text) is None:
                yield f"stricter: {what}: {issue.expression}: {issue.text}"


if __name__ == "__main__":
    sys.exit(main())
