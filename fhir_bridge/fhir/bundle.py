"""Bundles of requests: each entry is an interaction of its own, and each answer an entry in the same place.

https://hl7.org/fhir/R4/http.html#transaction
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC
from email.utils import parsedate_to_datetime
from functools import cache
from uuid import NAMESPACE_URL, uuid5

from fhir_bridge.fhir.bundle_places import CONDITIONS, failure_at, is_beside
from fhir_bridge.fhir.elements import Version
from fhir_bridge.fhir.interaction import (
    Address,
    Code,
    FhirResponse,
    Interaction,
    interaction_code,
    parse_address,
    parse_preferences,
    parse_query,
)
from fhir_bridge.fhir.json import loads
from fhir_bridge.fhir.negotiation import FHIR_JSON, JSON_PATCH, MERGE_PATCH_TYPES
from fhir_bridge.fhir.reason_phrases import status_text
from fhir_bridge.fhir.structure import structure_checker
from fhir_bridge.limits import DEFAULTS, Limits
from fhir_bridge.outcome import FhirError, Issue, Json, limited, operation_outcome

_READS = frozenset({"read", "vread", "history", "search-type", "capabilities"})
_SAFE_OPERATIONS = frozenset({"validate", "versions"})
_OF_THE_BUNDLE = frozenset({"content-type", "content-length", "accept", "if-unmodified-since", *CONDITIONS})

_IN_ENTRY = re.compile(r"Bundle\.entry\[(\d+)\](\.resource\b)?")


def entries_of(bundle: Json) -> list[Json]:
    """Return the entries of a Bundle; raises FhirError where they are not a list of objects."""
    entries = bundle.get("entry", [])
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        text = "`entry` must be a list of objects, each with a `request`."
        raise FhirError(400, Issue("wrong-type", "structure", text, "Bundle.entry"))
    return entries


def check_entries(bundle: Json, version: Version, limits: Limits = DEFAULTS) -> list[FhirError | None]:
    """Return the error of each entry, or None; raises FhirError for what is wrong with the Bundle around them.

    A bad entry harms only itself; so many that not all are looked at harm all. The resources are left to the
    interactions that they are sent with, and an entry without a request to `entry_interaction`.
    """
    entries = entries_of(bundle)
    problems: dict[int, list[Issue]] = {}
    around: list[Issue] = []
    issues = _structure(version, limits.max_problems)(_without_resources(bundle, entries))
    if any(issue.error == "too-many-problems" for issue in issues):
        raise FhirError(400, *issues)
    for issue in issues:
        place = _IN_ENTRY.match(issue.expression or "")
        if place is None:
            around.append(issue)
        elif place[2] is None and isinstance(entries[int(place[1])].get("request"), dict):
            problems.setdefault(int(place[1]), []).append(issue)
    if around:
        raise FhirError(400, *around)
    others = check_references(entries)
    return [FhirError(400, *problems[n]) if n in problems else others[n] for n in range(len(entries))]


@cache
def _structure(version: Version, max_problems: int) -> Callable[[Json], list[Issue]]:
    return structure_checker(version, max_problems=max_problems)


def _without_resources(bundle: Json, entries: Sequence[Json]) -> Json:
    """The Bundle with no more of each resource than its type and id, which `fullUrl` has to agree with."""
    return {**bundle, **({"entry": [_without_resource(entry) for entry in entries]} if entries else {})}


def _without_resource(entry: Json) -> Json:
    resource = entry.get("resource")
    if not isinstance(resource, dict):
        return {name: value for name, value in entry.items() if name != "resource"}
    return {**entry, "resource": {name: resource[name] for name in ("resourceType", "id") if name in resource}}


def entry_interaction(entry: Json, index: int, parent: Interaction, bases: Mapping[str, object]) -> Interaction:
    """Return the interaction that an entry asks for, at the base that the Bundle was sent to. Raises FhirError."""
    request = entry.get("request")
    place = f"Bundle.entry[{index}].request"
    method, url = (request.get("method"), request.get("url")) if isinstance(request, dict) else (None, None)
    if not isinstance(request, dict) or not isinstance(method, str) or not isinstance(url, str):
        text = "The entry needs a `request` with `method` and `url`."
        raise FhirError(400, Issue("element-missing", "required", text, place))
    path, _, query = _relative(_short(url, parent, place), parent.base_url, place).partition("?")
    address, code = _address(method, path, parent, bases, place)
    content_type, body = _entry_body(entry, method, index, parent.limits)
    interaction = replace(
        parent,
        code=code,
        address=address,
        query=parse_query(query),
        headers=_entry_headers(request, parent),
        content_type=content_type,
        body=body,
        preferences=parse_preferences(parent.headers.get("prefer", ""), strict=parent.preferences.strict),
        request_id=entry_id(parent, index),
        uuid=str(uuid5(NAMESPACE_URL, entry_id(parent, index) + parent.uuid)),
        base_url=_base_url(address, parent),
        method=method,
    )
    _refuse_nested(interaction, place)
    return interaction


def entry_id(parent: Interaction, index: int) -> str:
    """Return what the log calls an entry: the request id of the Bundle, and the entry's place in it."""
    return f"{parent.request_id}#{index}"


def _short(url: str, parent: Interaction, place: str) -> str:
    """An entry's address, which may be no longer than that of any request."""
    if len(url) > parent.limits.max_address_bytes:
        text = f"The address has more than {parent.limits.max_address_bytes:,} characters; send a shorter one."
        raise FhirError(414, Issue("value-not-allowed", "too-long", text, f"{place}.url"))
    return url


def _relative(url: str, base_url: str, place: str) -> str:
    """An entry's address below the base: as it is, or without the base's own address, which may stand before it."""
    if url.startswith(f"{base_url}/"):
        return url.removeprefix(f"{base_url}/")
    if "://" in url.partition("?")[0] or url.startswith("//"):
        text = f"The address leads elsewhere; write it without a server, or with {base_url}."
        raise FhirError(400, Issue("value-not-allowed", "value", text, f"{place}.url"))
    return url.removeprefix("/")


def _address(
    method: str, path: str, parent: Interaction, bases: Mapping[str, object], place: str
) -> tuple[Address, Code]:
    base = parent.address.base
    try:
        address = parse_address(f"/{base}/{path}" if base else f"/{path}", bases)
        return address, interaction_code(method, address)
    except FhirError as error:
        raise failure_at(error, f"{place}.url") from None


def _base_url(address: Address, parent: Interaction) -> str:
    """The base that an entry is for: at the hub, its address may name a partner's."""
    return parent.base_url if address.base == parent.address.base else f"{parent.base_url}/{address.base}"


def _refuse_nested(interaction: Interaction, place: str) -> None:
    kind = interaction.body.get("type") if isinstance(interaction.body, dict) else None
    if interaction.code == "batch" and kind != "message":
        text = "An entry cannot be a batch or a transaction itself; put its entries into this Bundle."
        raise FhirError(400, Issue("value-not-allowed", "not-supported", text, f"{place}.url"))


def _entry_headers(request: Json, parent: Interaction) -> dict[str, str]:
    own = {header: request[name] for header, name in CONDITIONS.items() if isinstance(request.get(name), str)}
    return {name: value for name, value in parent.headers.items() if name not in _OF_THE_BUNDLE} | own


def _entry_body(entry: Json, method: str, index: int, limits: Limits) -> tuple[str, Json]:
    """An entry's resource is its body; a patch in JSON travels as a Binary. https://hl7.org/fhir/R4/http.html#patch"""
    resource = entry.get("resource")
    if method != "PATCH" or not isinstance(resource, dict) or resource.get("resourceType") != "Binary":
        return FHIR_JSON, resource
    place, content_type = f"Bundle.entry[{index}].resource", resource.get("contentType")
    if content_type not in (JSON_PATCH, MERGE_PATCH_TYPES[0]):
        text = f"A patch in a Binary is in JSON; its contentType must be {JSON_PATCH} or {MERGE_PATCH_TYPES[0]}."
        raise FhirError(415, Issue("content-type-not-supported", "not-supported", text, f"{place}.contentType"))
    try:
        return content_type, loads(base64.b64decode(resource.get("data", ""), validate=True), limits)
    except (binascii.Error, TypeError, ValueError):
        text = "`data` must be the patch in base64."
        raise FhirError(400, Issue("invalid-format", "value", text, f"{place}.data")) from None
    except FhirError as error:
        raise failure_at(error, f"{place}.data") from None


def check_references(entries: Sequence[Json]) -> list[FhirError | None]:
    """Return, for each entry of a batch, the error that it refers to what another one makes, or None.

    https://hl7.org/fhir/R4/http.html#brules: entries of a batch do not depend on each other.
    """
    made = {url: index for index, entry in enumerate(entries) if (url := _made(entry)) is not None}
    return [_refers(entry, index, made) for index, entry in enumerate(entries)]


def _made(entry: Json) -> str | None:
    """The `fullUrl` by which others could mean what this entry makes; one that is there already may be referred to."""
    url, request = entry.get("fullUrl"), entry.get("request")
    method = request.get("method") if isinstance(request, dict) else None
    return url if isinstance(url, str) and (url.startswith("urn:") or method == "POST") else None


def _refers(entry: Json, index: int, made: Mapping[str, int]) -> FhirError | None:
    for path, reference in _references(entry.get("resource"), f"Bundle.entry[{index}].resource"):
        if made.get(reference, index) != index:
            text = "Entries of a batch cannot refer to each other; send this one after the other was answered."
            return FhirError(400, Issue("value-not-allowed", "value", text, path))
    return None


def _references(value: Json, path: str) -> Iterator[tuple[str, str]]:
    """Yield the place and the text of each reference within a resource."""
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from _references(item, f"{path}[{index}]")
    elif isinstance(value, dict):
        if isinstance(value.get("reference"), str):
            yield f"{path}.reference", value["reference"]
        for key, item in value.items():
            if isinstance(item, dict | list):
                yield from _references(item, f"{path}.{key}")


def check_transaction(entries: Sequence[Json]) -> None:
    """Raise FhirError for what would have to be made or found before a reference means anything.

    https://hl7.org/fhir/R4/http.html#trules: a server that cannot put the right reference in must fail.
    """
    made = {_made(entry) for entry in entries}
    text = "The bridge cannot put in what this reference will mean; refer to a record that is there, as `Patient/42`."
    issues = [
        Issue("value-not-allowed", "not-supported", text, path)
        for index, entry in enumerate(entries)
        for path, reference in _references(entry.get("resource"), f"Bundle.entry[{index}].resource")
        if reference in made or "?" in reference
    ]
    if issues:
        raise FhirError(422, *issues)


def is_write(interaction: Interaction) -> bool:
    """Whether an entry may change anything."""
    if interaction.code == "operation":
        return interaction.method not in ("GET", "HEAD") and interaction.address.operation not in _SAFE_OPERATIONS
    return interaction.code not in _READS


def several_writes(indices: Sequence[int]) -> FhirError:
    """Return the error for a transaction that changes more than one thing."""
    text = (
        "Partners have no common commit, so a transaction can change one thing at most; "
        "send the entries as a batch, where each is carried out by itself."
    )
    return FhirError(422, Issue("several-writes", "not-supported", text, f"Bundle.entry[{indices[1]}]"))


def failure_of_all(error: FhirError) -> FhirError:
    """Return what fails in an entry as what fails a transaction: 405 would be about the method of the Bundle itself."""
    return FhirError(422, *error.issues) if error.status_code == 405 else error


def as_message(interaction: Interaction) -> Interaction:
    """Return the posting of a message to the base as what it means. https://hl7.org/fhir/R4/messaging.html"""
    return replace(interaction, code="operation", address=replace(interaction.address, operation="process-message"))


def check_synchronous(interaction: Interaction) -> None:
    """Raise FhirError where a message is to be answered later, or elsewhere.

    https://hl7.org/fhir/R4/messageheader-operation-process-message.html
    """
    for name, value in interaction.query:
        if name == "response-url" or (name == "async" and value != "false"):
            text = "A message is answered at once, in the answer to the request; leave this parameter out."
            raise FhirError(400, Issue("value-not-allowed", "not-supported", text, f"http.{name}"))


def response_bundle(kind: str, entries: Sequence[Json]) -> Json:
    """Return the Bundle of answered entries: `kind` is `batch-response` or `transaction-response`."""
    return {"resourceType": "Bundle", "type": kind, **({"entry": list(entries)} if entries else {})}


def failure(error: FhirError, limits: Limits = DEFAULTS) -> FhirResponse:
    """Return an error as an answer, with as many of its issues as are told."""
    issues = limited(dict.fromkeys(error.issues), limits.max_problems)
    return FhirResponse(error.status_code, operation_outcome(issues), error.headers)


def response_entry(request: Json, answer: FhirResponse) -> Json:
    """Return the entry that answers an entry's `request`: what HTTP would say in headers stands in `response`."""
    method, url = (request.get("method"), request.get("url")) if isinstance(request, dict) else (None, None)
    response: dict[str, Json] = {"status": status_text(answer.status_code)}
    for name in {"Location", "Content-Location"} & answer.headers.keys():
        response["location"] = answer.headers[name]
    if "ETag" in answer.headers:
        response["etag"] = answer.headers["ETag"]
    if "Last-Modified" in answer.headers:
        response["lastModified"] = _last_modified(answer)
    if is_beside(answer, is_operation="$" in str(url)):
        return {"response": {**response, "outcome": _with_retry_after(answer.resource, answer.headers)}}
    if answer.left_behind:
        response["outcome"] = operation_outcome(answer.left_behind)
    if answer.resource is None or method == "HEAD":
        return {"response": response}
    return {"resource": answer.resource, "response": response}


def _with_retry_after(outcome: Json, headers: Mapping[str, str]) -> Json:
    """Say in an outcome when to send the entry again, for `response` has no element that could."""
    if "Retry-After" not in headers:
        return outcome
    why = outcome["issue"][0]
    said = {
        "severity": "information",
        "code": why["code"],
        "details": {"coding": why["details"]["coding"][:1], "text": "The partner says when to send this entry again."},
        "diagnostics": f"Retry-After: {headers['Retry-After']}",
    }
    return {**outcome, "issue": [*outcome["issue"], said]}


def _last_modified(answer: FhirResponse) -> str:
    """The instant as the resource has it, which is what the header was made of; else the header's, to the second."""
    meta = answer.resource.get("meta", {}) if isinstance(answer.resource, dict) else {}
    moment = parsedate_to_datetime(answer.headers["Last-Modified"]).astimezone(UTC)
    return str(meta.get("lastUpdated") or moment.strftime("%Y-%m-%dT%H:%M:%SZ"))
