"""CapabilityStatements, stated from plain lists of what is offered. https://hl7.org/fhir/R4/capabilitystatement.html"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fhir_bridge.fhir.conformance import TYPES
from fhir_bridge.fhir.elements import Version
from fhir_bridge.fhir.negotiation import FHIR_JSON, FHIR_XML, JSON_PATCH, MERGE_PATCH_TYPES
from fhir_bridge.fhir.published import find_search_parameter
from fhir_bridge.fhir.search import Parameter
from fhir_bridge.outcome import Json

RELEASED = "2026-11-21"
"""The date of the statement: that of the release, for the software decides what is offered."""

_FULL_VERSIONS: Mapping[Version, str] = {"4.0": "4.0.1", "3.0": "3.0.2"}
_OPERATIONS = "http://hl7.org/fhir/OperationDefinition"
_PARAMETERS = "http://hl7.org/fhir/SearchParameter"


@dataclass(frozen=True, slots=True)
class Offer:
    """One interaction that is offered: `operation` is a name without `$`, `definition` and `profile` are canonicals.

    `of_system`: an operation of the whole base. `by`: who offers it. A search finds records by `parameters`, by the
    identifiers of `system`, and `by_id`, where it does not say otherwise. `versioned`: records of the type have
    versions.
    """

    resource_type: str
    code: str
    by: str
    operation: str | None = None
    definition: str | None = None
    profile: str | None = None
    of_system: bool = False
    system: str | None = None
    parameters: tuple[Parameter, ...] = ()
    by_id: bool = True
    versioned: bool = False


@dataclass(frozen=True, slots=True)
class Security:
    """`cors`: whether web pages of any origin may call. `token_of`: the partners whose token the client sends itself.

    `own_login`: the partners that the bridge logs in at with credentials of its own. `refresh_headers`: where a client
    hands in the refresh token that its access token is renewed by.
    """

    cors: bool = False
    token_of: tuple[str, ...] = ()
    own_login: tuple[str, ...] = ()
    refresh_headers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Statement:
    """What a CapabilityStatement is about. `url` is the public address of the base, where it is known.

    `documentation` is what there is to know beside the list of what is offered.
    """

    version: Version
    software_version: str
    title: str
    description: str
    url: str | None
    security: Security = Security()
    documentation: str | None = None


def capability_statement(about: Statement, offers: Sequence[Offer]) -> Json:
    """Return the CapabilityStatement that lists these offers and what every base has, in the FHIR version of `about`.

    Every base takes batches and transactions, and has `$validate` and `$versions`; in R4 it serves its definitions.
    """
    statement: dict[str, Any] = {
        "resourceType": "CapabilityStatement",
        **_identity(about),
        "fhirVersion": _FULL_VERSIONS[about.version],
        **({"acceptUnknown": "no"} if about.version == "3.0" else {}),
        "format": [FHIR_JSON, FHIR_XML, "json", "xml"],
    }
    if any(offer.code == "patch" for offer in offers):
        statement["patchFormat"] = [JSON_PATCH, FHIR_JSON, FHIR_XML, MERGE_PATCH_TYPES[0]]
    return {**statement, "rest": [_stu3_rest(about, offers) if about.version == "3.0" else _r4_rest(about, offers)]}


def terminology_capabilities(about: Statement, code_systems: Iterable[Json]) -> Json:
    """Return the TerminologyCapabilities: the code systems that are served, and no operation on any.

    https://hl7.org/fhir/R4/terminologycapabilities.html
    """
    known = [
        {"uri": each["url"], **({"version": [{"code": each["version"]}]} if "version" in each else {})}
        for each in code_systems
    ]
    return {
        "resourceType": "TerminologyCapabilities",
        **_identity(about),
        **({"codeSystem": known} if known else {}),
        "codeSearch": "explicit",
    }


def _identity(about: Statement) -> dict[str, Json]:
    return {
        "name": "FhirBridge",
        "title": about.title,
        "status": "active",
        "date": RELEASED,
        "publisher": "fhir-bridge",
        "kind": "instance",
        "software": {"name": "fhir-bridge", "version": about.software_version},
        "implementation": {"description": about.description, **({"url": about.url} if about.url else {})},
    }


_SYSTEM_INTERACTIONS = [
    {"code": "transaction", "documentation": "One entry at most may change anything: partners have no common commit."},
    {"code": "batch"},
]
_VALIDATE = {"name": "validate", "definition": f"{_OPERATIONS}/Resource-validate"}
_VERSIONS = {"name": "versions", "definition": f"{_OPERATIONS}/CapabilityStatement-versions"}

_ID = {"name": "_id", "definition": f"{_PARAMETERS}/Resource-id", "type": "token"}
_WHOLE = "The whole value, as it is written."


# How the answer to a search looks; FHIR defines no SearchParameter for these. https://hl7.org/fhir/R4/search.html#table
_RESULT_PARAMETERS = [
    {"name": "_count", "type": "number", "documentation": "How many matches a page holds; follow the link `next`."},
    {"name": "_summary", "type": "string", "documentation": "true, text, data, count or false; on reads too."},
    {"name": "_elements", "type": "string", "documentation": "The names of elements; on reads too."},
]

_SECURITY_SERVICES: Mapping[Version, str] = {
    "4.0": "http://terminology.hl7.org/CodeSystem/restful-security-service",
    "3.0": "http://hl7.org/fhir/restful-security-service",
}


def _security(about: Statement) -> Json:
    """What the bridge wants of a caller; what stands in front of it may want more."""
    security = about.security
    said = ["The bridge itself does not check who calls."]
    if security.token_of:
        said.append(f"Send your access token for {_listed(security.token_of)}, as a bearer token; it is passed on.")
    if security.refresh_headers:
        header = " or ".join(security.refresh_headers)
        said.append(f"With your refresh token in {header}, an access token that has run out is renewed.")
    if security.own_login:
        said.append(f"The bridge has credentials of its own for {_listed(security.own_login)}.")
    service = {"coding": [{"system": _SECURITY_SERVICES[about.version], "code": "OAuth"}]}
    return {
        "cors": security.cors,
        **({"service": [service]} if security.token_of else {}),
        "description": " ".join(said),
    }


def _listed(names: Sequence[str]) -> str:
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))


def _server(about: Statement) -> dict[str, Json]:
    documentation = {"documentation": about.documentation} if about.documentation else {}
    return {"mode": "server", **documentation, "security": _security(about)}


def _r4_rest(about: Statement, offers: Sequence[Offer]) -> Json:
    return {
        **_server(about),
        "resource": [*(_r4_resource(each) for each in _by_type(offers)), *map(_definitions, TYPES)],
        "interaction": _SYSTEM_INTERACTIONS,
        "searchParam": _RESULT_PARAMETERS,
        "operation": [*_operations(offer for offer in offers if offer.of_system), _VERSIONS],
    }


def _stu3_rest(about: Statement, offers: Sequence[Offer]) -> Json:
    """STU3 lists the operations of all types at the base, each with a reference, and no type without interactions."""
    operations = [*_operations(offers), _VALIDATE, _VERSIONS]
    resources = [resource for resource in map(_resource, _by_type(offers)) if "interaction" in resource]
    return {
        **_server(about),
        **({"resource": resources} if resources else {}),
        "interaction": _SYSTEM_INTERACTIONS,
        **({"searchParam": _RESULT_PARAMETERS} if any("searchParam" in each for each in resources) else {}),
        "operation": [{**each, "definition": {"reference": each["definition"]}} for each in operations],
    }


def _by_type(offers: Sequence[Offer]) -> list[list[Offer]]:
    """The offers of each resource type, in the order in which the types first occur."""
    types = dict.fromkeys(offer.resource_type for offer in offers if not offer.of_system)
    return [[offer for offer in offers if offer.resource_type == name and not offer.of_system] for name in types]


def _r4_resource(offers: Sequence[Offer]) -> Json:
    profiles = list(dict.fromkeys(offer.profile for offer in offers if offer.profile and offer.operation is None))
    resource = _resource(offers)
    return {
        "type": resource.pop("type"),
        **({"supportedProfile": profiles} if profiles else {}),
        **resource,
        "operation": [*_operations(offers), _VALIDATE],
    }


def _resource(offers: Sequence[Offer]) -> dict[str, Any]:
    """One `rest.resource`: the interactions of one type, and how each may be asked for."""
    codes = list(dict.fromkeys(offer.code for offer in offers if offer.operation is None))
    resource: dict[str, Any] = {"type": offers[0].resource_type, "documentation": "; ".join(_documentation(offers))}
    if codes:
        resource["interaction"] = [{"code": code} for code in codes]
    versioned = any(offer.versioned for offer in offers)
    resource |= {"versioning": "versioned" if versioned else "no-version", "readHistory": False, "updateCreate": False}
    if "create" in codes:
        resource["conditionalCreate"] = False
    if "read" in codes:
        resource["conditionalRead"] = "full-support" if versioned else "not-supported"
    if "update" in codes:
        resource["conditionalUpdate"] = True
    if parameters := _search_parameters(offers):
        resource["searchParam"] = parameters
    return resource


def _search_parameters(offers: Sequence[Offer]) -> list[Json]:
    searches = [offer for offer in offers if offer.code == "search-type"]
    systems = dict.fromkeys(offer.system for offer in searches if offer.system)
    parameters = dict.fromkeys(parameter for offer in offers for parameter in offer.parameters)
    identifiers = [each for each in parameters if each.name == "identifier"]
    return [
        *([_ID] if any(offer.by_id for offer in searches) else []),
        *([_identifier(offers[0].resource_type, tuple(systems), identifiers)] if systems else []),
        *(_search_parameter(each) for each in parameters if not (systems and each in identifiers)),
    ]


def _identifier(resource_type: str, systems: Sequence[str], listed: Sequence[Parameter]) -> Json:
    """The search parameter that finds records by their ids, and by what a list can be asked for besides."""
    documentation = f"With a system, which is the logical id's: {', '.join(systems)}."
    if listed:
        documentation = f"{documentation} Any other identifier is searched for in the partner's list."
    found = find_search_parameter(resource_type, "identifier")
    assert found is not None
    definition = listed[0].definition if listed else found.url
    return {"name": "identifier", "definition": definition, "type": "token", "documentation": documentation}


def _search_parameter(parameter: Parameter) -> Json:
    documentation = {"documentation": parameter.documentation} if parameter.documentation else {}
    return {"name": parameter.name, "definition": parameter.definition, "type": parameter.type, **documentation}


def _documentation(offers: Iterable[Offer]) -> list[str]:
    """Who offers what: `read, update: Northlab`."""
    by: dict[str, list[str]] = {}
    for offer in offers:
        by.setdefault(offer.by, []).append(f"${offer.operation}" if offer.operation else offer.code)
    return [f"{', '.join(dict.fromkeys(names))}: {partner}" for partner, names in by.items()]


def _operations(offers: Iterable[Offer]) -> list[dict[str, Any]]:
    found = [(offer.operation, offer.definition) for offer in offers if offer.operation and offer.definition]
    return [{"name": name, "definition": definition} for name, definition in dict.fromkeys(found)]


def _definitions(resource_type: str) -> Json:
    """The `rest.resource` of a type of definitions, which every R4 base serves."""
    definition = f"{_PARAMETERS}/conformance"
    return {
        "type": resource_type,
        "documentation": "What the bridge checks requests by.",
        "interaction": [{"code": "read"}, {"code": "search-type"}],
        "versioning": "no-version",
        "readHistory": False,
        "updateCreate": False,
        "searchParam": [
            _ID,
            {"name": "url", "definition": f"{definition}-url", "type": "uri"},
            {"name": "name", "definition": f"{definition}-name", "type": "string", "documentation": _WHOLE},
        ],
        "operation": [_VALIDATE],
    }


def base_title(title: str | None) -> str:
    """Return the title of a base's statement; the hub's where there is no partner."""
    return f"fhir-bridge: {title}" if title else "fhir-bridge: the hub"
