"""Conformance resources, served: the definitions that the bridge checks by, read by id and found by url."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fhir_bridge.fhir.definitions import Definitions
from fhir_bridge.fhir.elements import Version
from fhir_bridge.fhir.interaction import Address, FhirResponse, Interaction
from fhir_bridge.fhir.search import Criteria, read_page, searchset, sort_parameters, unknown_parameters
from fhir_bridge.outcome import FhirError, Issue, Json

TYPES = ("StructureDefinition", "OperationDefinition", "SearchParameter", "CodeSystem", "ValueSet", "ConceptMap")
"""The types of definitions that are served."""

_PARAMETERS = ("url", "_id", "name")


def answer(definitions: Definitions, interaction: Interaction) -> FhirResponse:
    """Answer a read or a search of definitions; raises FhirError 404 and 405."""
    if interaction.code == "read":
        return FhirResponse(200, _read(definitions, interaction))
    if interaction.code == "search-type":
        return FhirResponse(200, _search(definitions, interaction))
    text = f"A {interaction.resource_type} can be read and searched for here, and nothing else."
    if interaction.code == "operation":
        raise FhirError(404, Issue("unknown-path", "not-supported", text))
    issue = Issue("method-not-allowed", "not-supported", text)
    raise FhirError(405, issue, headers={"Allow": ", ".join(methods(interaction.address))})


def methods(address: Address) -> list[str]:
    """Return the methods that the address of a definition, or of all of a type, takes."""
    if address.special is None and address.operation is None:
        return ["GET", "HEAD"]
    return ["POST"] if address.special == "_search" else []


def of_type(definitions: Definitions, resource_type: str) -> list[Json]:
    return [each for each in definitions.resources.values() if each["resourceType"] == resource_type]


def _read(definitions: Definitions, interaction: Interaction) -> Json:
    for resource in of_type(definitions, interaction.resource_type):
        if resource.get("id") == interaction.id:
            return resource
    text = f"There is no {interaction.resource_type} of this id here; search for it by `url`."
    raise FhirError(404, Issue("unknown-path", "not-found", text))


def _search(definitions: Definitions, interaction: Interaction) -> Json:
    """https://hl7.org/fhir/R4/search.html, by `url`, `name` and `_id`, each as it is written; commas are "or"."""
    known, unknown = sort_parameters(interaction.query, _PARAMETERS)
    if interaction.preferences.strict and unknown:
        raise FhirError(400, *unknown_parameters(unknown))
    found = of_type(definitions, interaction.resource_type)
    for name, value in known:
        element = name.removeprefix("_")
        found = [each for each in found if each.get(element) in value.split(",")]
    criteria = Criteria(None, unknown, known, read_page(interaction.query))
    return searchset(interaction.base_url, interaction.resource_type, criteria, found)


def versions(offered: Sequence[Version]) -> Json:
    """Return the Parameters of `$versions`. https://hl7.org/fhir/R4/capabilitystatement-operation-versions.html"""
    parameters: list[dict[str, Any]] = [{"name": "version", "valueCode": version} for version in offered]
    return {"resourceType": "Parameters", "parameter": [*parameters, {"name": "default", "valueCode": offered[0]}]}


def check_mode(mode: str | None, version: Version) -> None:
    """Refuse a kind of statement that is not had here. https://hl7.org/fhir/R4/http.html#capabilities

    Raises FhirError 404 for `terminology` in STU3, 400 for a mode that FHIR does not have.
    """
    if mode == "terminology" and version == "3.0":
        text = "STU3 has no statement of terminology; ask for fhirVersion=4.0, or without `mode`."
        raise FhirError(404, Issue("unknown-path", "not-supported", text, "http.mode"))
    if mode not in (None, "full", "normative", "terminology"):
        text = "`mode` is full, normative or terminology."
        raise FhirError(400, Issue("value-not-allowed", "value", text, "http.mode"))
