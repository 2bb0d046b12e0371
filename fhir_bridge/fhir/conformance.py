"""Conformance resources, served: the definitions that the bridge checks by, read by id and found by url."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fhir_bridge.fhir.definitions import Definitions
from fhir_bridge.fhir.elements import Version
from fhir_bridge.fhir.interaction import FhirResponse, Interaction
from fhir_bridge.fhir.search import Criteria, searchset, unknown_parameters
from fhir_bridge.outcome import FhirError, Issue, Json

TYPES = ("StructureDefinition", "OperationDefinition", "CodeSystem", "ValueSet", "ConceptMap")
"""The types of definitions that are served."""

_PARAMETERS = frozenset({"url", "_id", "name"})


def answer(definitions: Definitions, interaction: Interaction) -> FhirResponse:
    """Answer a read or a search of definitions; raises FhirError 404 and 405."""
    if interaction.code == "read":
        return FhirResponse(200, _read(definitions, interaction))
    if interaction.code == "search-type":
        return FhirResponse(200, _search(definitions, interaction))
    text = f"A {interaction.resource_type} can be read and searched for here, not changed."
    issue = Issue("method-not-allowed", "not-supported", text)
    raise FhirError(405, issue, headers={"Allow": "GET, HEAD"})


def _of_type(definitions: Definitions, resource_type: str) -> list[Json]:
    return [each for each in definitions.resources.values() if each["resourceType"] == resource_type]


def _read(definitions: Definitions, interaction: Interaction) -> Json:
    for resource in _of_type(definitions, interaction.resource_type):
        if resource.get("id") == interaction.id:
            return resource
    text = f"There is no {interaction.resource_type} of this id here; search for it by `url`."
    raise FhirError(404, Issue("unknown-path", "not-found", text))


def _search(definitions: Definitions, interaction: Interaction) -> Json:
    """https://hl7.org/fhir/R4/search.html, by `url`, `name` and `_id`."""
    found = _of_type(definitions, interaction.resource_type)
    known = [(name, value) for name, value in interaction.query if name in _PARAMETERS]
    unknown = tuple(name for name, _ in interaction.query if name not in _PARAMETERS and not name.startswith("_"))
    if interaction.preferences.strict and unknown:
        raise FhirError(400, *unknown_parameters(unknown))
    for name, value in known:
        element = name.removeprefix("_")
        found = [each for each in found if str(each.get(element)) in value.split(",")]
    criteria = Criteria((), unknown, tuple(known))
    return searchset(interaction.base_url, interaction.resource_type, criteria, found)


def versions(offered: Sequence[Version]) -> Json:
    """Return the Parameters of `$versions`. https://hl7.org/fhir/capabilitystatement-operation-versions.html"""
    parameters: list[dict[str, Any]] = [{"name": "version", "valueCode": version} for version in offered]
    return {"resourceType": "Parameters", "parameter": [*parameters, {"name": "default", "valueCode": offered[0]}]}
