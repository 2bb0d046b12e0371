"""Both judges: fhir_bridge's own checks, in this process, and HAPI's validator, all resources in one run of Java."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from fhir_bridge.fhir.conversion import to_r4
from fhir_bridge.fhir.definitions import Definitions, load_definitions
from fhir_bridge.fhir.elements import Version
from fhir_bridge.fhir.profile import profile_checker
from fhir_bridge.fhir.structure import structure_checker
from fhir_bridge.outcome import Issue, Json
from tests.interop.validation.instances import Instance

TOP = Path(__file__).parents[3]
_VALIDATE = TOP / "tests" / "interop" / "java" / "validate"

Message = dict[str, Any]
"""One thing that HAPI says: severity, location, message and id."""


def ours(instance: Instance) -> list[Issue]:
    """Return what the bridge finds wrong with an instance, as it does before it calls a partner."""
    issues = _structure(instance.version)(instance.resource)
    if instance.profile and instance.version == "4.0":
        issues += _profile(instance.profile)(instance.resource)
    elif instance.profile and not issues:  # what is no STU3 cannot be converted
        issues += _profile(instance.profile)(to_r4(instance.resource).resource)
    return [issue for issue in issues if issue.severity == "error"]


@cache
def _structure(version: Version) -> Callable[[Json], list[Issue]]:
    return structure_checker(version, rules=True)


@cache
def _profile(canonical: str) -> Callable[[Json], list[Issue]]:
    return profile_checker(canonical, _definitions())


@cache
def _definitions() -> Definitions:
    return load_definitions(TOP / "profiles")


def hapi(resources: Mapping[str, Json], profiles: Mapping[str, str], folder: Path) -> dict[str, list[Message]]:
    """Return HAPI's messages on each resource, by its file name: `NAME.json`, or `NAME.stu3.json`.

    `profiles` are canonicals by file name; the files are left in `folder`, beside `_verdicts.json`.
    """
    for name, resource in resources.items():
        (folder / name).write_text(json.dumps(resource, ensure_ascii=False), encoding="utf-8")
    (folder / "_profiles.json").write_text(json.dumps(profiles), encoding="utf-8")
    subprocess.run([_VALIDATE, folder, folder / "_verdicts.json"], check=True)
    verdicts: dict[str, list[Message]] = json.loads((folder / "_verdicts.json").read_text(encoding="utf-8"))
    return verdicts


def errors(messages: Sequence[Message]) -> list[Message]:
    """Return what makes HAPI refuse a resource."""
    return [message for message in messages if message["severity"] in ("error", "fatal")]
