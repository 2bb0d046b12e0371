"""CapabilityStatements, stated from plain lists of what is offered. https://hl7.org/fhir/R4/capabilitystatement.html"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from fhir_bridge.fhir.elements import Version
from fhir_bridge.fhir.negotiation import FHIR_JSON, JSON_PATCH
from fhir_bridge.outcome import Json

RELEASED = "2026-11-21"
"""The date of the statement: that of the release, for the software decides what is offered."""

_FULL_VERSIONS: dict[Version, str] = {"4.0": "4.0.1", "3.0": "3.0.2"}


@dataclass(frozen=True, slots=True)
class Offer:
    """One interaction that is offered: `operation` is a name without `$`, `definition` and `profile` are canonicals."""

    resource_type: str
    code: str
    operation: str | None
    definition: str | None
    profile: str | None
    by: str


@dataclass(frozen=True, slots=True)
class Statement:
    """What a CapabilityStatement is about. `url` is the public address of the base, where it is known."""

    version: Version
    software_version: str
    title: str
    description: str
    url: str | None


def capability_statement(about: Statement, offers: Sequence[Offer]) -> Json:
    """Return the CapabilityStatement that lists just these offers, in the FHIR version of `about`."""
    implementation = {"description": about.description}
    if about.url is not None:
        implementation["url"] = about.url
    statement: dict[str, Any] = {
        "resourceType": "CapabilityStatement",
        "name": "FhirBridge",
        "title": about.title,
        "status": "active",
        "date": RELEASED,
        "publisher": "fhir-bridge",
        "kind": "instance",
        "software": {"name": "fhir-bridge", "version": about.software_version},
        "implementation": implementation,
        "fhirVersion": _FULL_VERSIONS[about.version],
    }
    if about.version == "3.0":
        statement["acceptUnknown"] = "no"
    statement["format"] = [FHIR_JSON, "json"]
    if any(offer.code == "patch" for offer in offers):
        statement["patchFormat"] = [JSON_PATCH, FHIR_JSON]
    types = list(dict.fromkeys(offer.resource_type for offer in offers))
    rest: dict[str, Any] = {"mode": "server"}
    resources = [_resource(about.version, [offer for offer in offers if offer.resource_type == name]) for name in types]
    if resources:
        rest["resource"] = resources
    if about.version == "3.0" and (operations := _operations(offers)):
        rest["operation"] = [{**each, "definition": {"reference": each["definition"]}} for each in operations]
    statement["rest"] = [rest]
    return statement


def _resource(version: Version, offers: Sequence[Offer]) -> Json:
    """One `rest.resource`: the interactions, profiles and operations of one type."""
    resource: dict[str, Any] = {"type": offers[0].resource_type}
    profiles = list(dict.fromkeys(offer.profile for offer in offers if offer.profile and offer.operation is None))
    if profiles and version == "4.0":
        resource["supportedProfile"] = profiles
    resource["documentation"] = "; ".join(_documentation(offers))
    interactions = dict.fromkeys(offer.code for offer in offers if offer.operation is None)
    if interactions:
        resource["interaction"] = [{"code": code} for code in interactions]
        resource["updateCreate"] = False
    operations = _operations(offers)
    if operations and version == "4.0":
        resource["operation"] = operations
    return resource


def _documentation(offers: Iterable[Offer]) -> list[str]:
    """Who offers what: `read, update: Northlab`."""
    by: dict[str, list[str]] = {}
    for offer in offers:
        by.setdefault(offer.by, []).append(f"${offer.operation}" if offer.operation else offer.code)
    return [f"{', '.join(dict.fromkeys(names))}: {partner}" for partner, names in by.items()]


def _operations(offers: Iterable[Offer]) -> list[dict[str, Any]]:
    found = [(offer.operation, offer.definition) for offer in offers if offer.operation and offer.definition]
    return [{"name": name, "definition": definition} for name, definition in dict.fromkeys(found)]


def base_title(title: str | None) -> str:
    """Return the title of a base's statement; the hub's where there is no partner."""
    return f"fhir-bridge: {title}" if title else "fhir-bridge: the hub"
