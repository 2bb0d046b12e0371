"""The codes of a ValueSet, as far as our definitions list them. https://hl7.org/fhir/R4/valueset.html"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from fhir_bridge.fhir.definitions import Definitions
from fhir_bridge.outcome import Json

Codes = tuple[tuple[str, str], ...]
"""System and code of each concept, in the ValueSet's order."""

_INCLUDE_KEYS = frozenset({"id", "extension", "system", "version", "concept"})


def value_set_codes(reference: str, definitions: Definitions) -> Codes:
    """Return the codes that `compose` includes: those it lists, or all of a CodeSystem that is defined here.

    Raises LookupError for a ValueSet or CodeSystem that is not defined, ValueError for one that cannot be listed.
    """
    compose = definitions.find(reference).get("compose") or {}
    if not compose.get("include") or "exclude" in compose:
        raise ValueError(f"{reference} cannot be listed; give it compose.include, and no compose.exclude")
    return tuple(
        dict.fromkeys(code for include in compose["include"] for code in _included(include, reference, definitions))
    )


def _included(include: Json, reference: str, definitions: Definitions) -> Iterable[tuple[str, str]]:
    unknown = sorted(set(include) - _INCLUDE_KEYS)
    if unknown or "system" not in include:
        what = f"`{unknown[0]}`" if unknown else "no system"
        raise ValueError(f"{reference} has {what} in compose.include, which cannot be listed; list system and codes")
    system = include["system"]
    concepts = include.get("concept") or _all_concepts(definitions.find(system).get("concept", ()))
    return [(system, concept["code"]) for concept in concepts]


def all_codes(code_system: Json) -> list[str]:
    """Return every code that a CodeSystem lists."""
    return [concept["code"] for concept in _all_concepts(code_system.get("concept", ()))]


def _all_concepts(concepts: Iterable[Json]) -> Iterator[Json]:
    """Yield the concepts of a CodeSystem, each followed by those below it."""
    for concept in concepts:
        yield concept
        yield from _all_concepts(concept.get("concept", ()))
