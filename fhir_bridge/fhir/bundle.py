"""Bundles of requests: each entry is an interaction of its own, and each answer an entry in the same place.

https://hl7.org/fhir/R4/http.html#transaction
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from http import HTTPStatus
from typing import Any

from fhir_bridge.fhir.interaction import (
    FhirResponse,
    Interaction,
    interaction_code,
    parse_address,
    parse_preferences,
    parse_query,
)
from fhir_bridge.fhir.json import loads
from fhir_bridge.fhir.negotiation import FHIR_JSON, JSON_PATCH
from fhir_bridge.outcome import FhirError, Issue, Json, operation_outcome

READS = frozenset({"read", "search-type", "capabilities"})
"""The interactions that change nothing."""

# What an entry may say for itself, and the header that says it elsewhere.
_ENTRY_HEADERS: Mapping[str, str] = {
    "ifMatch": "if-match",
    "ifNoneMatch": "if-none-match",
    "ifModifiedSince": "if-modified-since",
    "ifNoneExist": "if-none-exist",
}
_OF_THE_BUNDLE = frozenset({"content-type", "content-length", "accept", *_ENTRY_HEADERS.values()})


def entries_of(bundle: Json) -> list[Json]:
    """Return the entries of a Bundle; raises FhirError where they are not a list of objects."""
    entries = bundle.get("entry", [])
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        text = "`entry` must be a list of objects, each with a `request`."
        raise FhirError(400, Issue("wrong-type", "structure", text, "Bundle.entry"))
    return entries


def entry_interaction(entry: Json, index: int, parent: Interaction, bases: Mapping[str, object]) -> Interaction:
    """Return the interaction that an entry asks for, at the base that the Bundle was sent to. Raises FhirError."""
    request = entry.get("request")
    place = f"Bundle.entry[{index}].request"
    method, url = (request.get("method"), request.get("url")) if isinstance(request, dict) else (None, None)
    if not isinstance(request, dict) or not isinstance(method, str) or not isinstance(url, str):
        text = "The entry needs a `request` with `method` and `url`."
        raise FhirError(400, Issue("element-missing", "required", text, place))
    path, _, query = url.removeprefix("/").partition("?")
    base = parent.address.base
    address = parse_address(f"/{base}/{path}" if base else f"/{path}", bases)
    content_type, body = _entry_body(entry, method, index)
    return replace(
        parent,
        code=interaction_code(method, address),
        address=address,
        query=parse_query(query),
        headers=_entry_headers(request, parent),
        content_type=content_type,
        body=body,
        preferences=parse_preferences(parent.headers.get("prefer", "")),
    )


def _entry_headers(request: Json, parent: Interaction) -> dict[str, str]:
    own = {header: request[name] for name, header in _ENTRY_HEADERS.items() if isinstance(request.get(name), str)}
    return {name: value for name, value in parent.headers.items() if name not in _OF_THE_BUNDLE} | own


def _entry_body(entry: Json, method: str, index: int) -> tuple[str, Json]:
    """An entry's resource is its body; a JSON Patch travels as a Binary. https://hl7.org/fhir/R4/http.html#patch"""
    resource = entry.get("resource")
    if method != "PATCH" or not isinstance(resource, dict) or resource.get("resourceType") != "Binary":
        return FHIR_JSON, resource
    place = f"Bundle.entry[{index}].resource"
    if resource.get("contentType") != JSON_PATCH:
        text = f"A patch in a Binary is a JSON Patch; its contentType must be {JSON_PATCH}."
        raise FhirError(415, Issue("content-type-not-supported", "not-supported", text, f"{place}.contentType"))
    try:
        return JSON_PATCH, loads(base64.b64decode(resource.get("data", ""), validate=True))
    except (binascii.Error, TypeError, ValueError):
        text = "`data` must be the patch in base64."
        raise FhirError(400, Issue("invalid-format", "value", text, f"{place}.data")) from None


def check_references(entries: Sequence[Json]) -> list[FhirError | None]:
    """Return, for each entry of a batch, the error that it refers to another one, or None.

    https://hl7.org/fhir/R4/http.html#brules: entries of a batch do not depend on each other.
    """
    urls = {entry.get("fullUrl") for entry in entries if isinstance(entry.get("fullUrl"), str)}
    return [_refers(entry, index, urls - {entry.get("fullUrl")}) for index, entry in enumerate(entries)]


def _refers(entry: Json, index: int, others: set[Any]) -> FhirError | None:
    for path in _references(entry.get("resource"), f"Bundle.entry[{index}].resource", others):
        text = "Entries of a batch cannot refer to each other; send this one after the other was answered."
        return FhirError(400, Issue("value-not-allowed", "value", text, path))
    return None


def _references(value: Json, path: str, urls: set[Any]) -> Iterator[str]:
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from _references(item, f"{path}[{index}]", urls)
    elif isinstance(value, dict):
        if isinstance(value.get("reference"), str) and value["reference"] in urls:
            yield f"{path}.reference"
        for key, item in value.items():
            if isinstance(item, dict | list):
                yield from _references(item, f"{path}.{key}", urls)


def several_writes(indices: Sequence[int]) -> FhirError:
    """Return the error for a transaction that changes more than one thing."""
    text = (
        "Partners have no common commit, so a transaction can change one thing at most; "
        "send the entries as a batch, where each is carried out by itself."
    )
    return FhirError(422, Issue("several-writes", "not-supported", text, f"Bundle.entry[{indices[1]}]"))


def as_message(interaction: Interaction) -> Interaction:
    """Return the posting of a message to the base as what it means. https://hl7.org/fhir/R4/messaging.html"""
    return replace(interaction, code="operation", address=replace(interaction.address, operation="process-message"))


def response_bundle(kind: str, answers: Sequence[FhirResponse]) -> Json:
    """Return the Bundle of answers: `kind` is `batch-response` or `transaction-response`."""
    bundle: dict[str, Json] = {"resourceType": "Bundle", "type": kind}
    return {**bundle, "entry": [_response_entry(answer) for answer in answers]} if answers else bundle


def failure(error: FhirError) -> FhirResponse:
    """Return an error as the answer of the entry that caused it."""
    return FhirResponse(error.status_code, operation_outcome(error.issues), error.headers)


def _response_entry(answer: FhirResponse) -> Json:
    response: dict[str, Json] = {"status": f"{answer.status_code} {HTTPStatus(answer.status_code).phrase}"}
    if "Location" in answer.headers:
        response["location"] = answer.headers["Location"]
    if "ETag" in answer.headers:
        response["etag"] = answer.headers["ETag"]
    resource = answer.resource
    last_updated = (resource or {}).get("meta", {}).get("lastUpdated")
    if last_updated is not None:
        response["lastModified"] = last_updated
    if resource is not None and resource["resourceType"] == "OperationOutcome":
        return {"response": {**response, "outcome": resource}}
    return {"response": response} if resource is None else {"resource": resource, "response": response}
