"""Compiles the profiles that mapping files and OperationDefinitions name."""

from __future__ import annotations

from fhir_bridge.fhir.definitions import Definitions
from fhir_bridge.fhir.profile import profile_checker
from fhir_bridge.mapping.checks import Check
from fhir_bridge.mapping.source import Mark, Problems
from fhir_bridge.outcome import Issue, Json


def compile_profile(
    reference: str, mark: Mark, definitions: Definitions, problems: Problems, max_problems: int
) -> Check:
    """Return the check of a profile; `no_profile`, and what is wrong as problems, where it can be none."""
    try:
        return profile_checker(reference, definitions, max_problems=max_problems)
    except ValueError as error:
        for line in str(error).splitlines():
            problems.add(mark, line)
        return no_profile


def no_profile(resource: Json) -> list[Issue]:
    """Find nothing: there is no profile to ask."""
    return []
