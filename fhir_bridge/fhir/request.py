"""An HTTP request becomes an `Interaction`: address, headers and body are read and checked, nothing is called."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from fhir_bridge.fhir import json, xml
from fhir_bridge.fhir.elements import Version
from fhir_bridge.fhir.interaction import (
    Code,
    Interaction,
    interaction_code,
    parse_address,
    parse_preferences,
    parse_query,
)
from fhir_bridge.fhir.json_bounds import too_many_values
from fhir_bridge.fhir.negotiation import (
    FHIR_JSON,
    FHIR_XML,
    FORM,
    JSON_TYPES,
    PATCH_TYPES,
    XML_TYPES,
    MediaType,
    body_type,
    choices,
    fhir_version,
    first_spoken,
    is_xml,
    told_version,
)
from fhir_bridge.limits import DEFAULTS, Limits
from fhir_bridge.outcome import FhirError, Issue, Json

_WITH_BODY: frozenset[Code] = frozenset({"update", "patch", "create", "operation", "batch"})


class HttpRequest(NamedTuple):
    """What HTTP says: `path` is percent-encoded and below `root`, header names are in lower case.

    `root` is the bridge's public address, up to and with `/fhir`.
    """

    method: str
    root: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes


def read_interaction(
    request: HttpRequest,
    bases: Mapping[str, object],
    versions: Callable[[str | None], Sequence[Version]],
    *,
    request_id: str,
    uuid: str,
    now: datetime,
    limits: Limits = DEFAULTS,
    strict: bool = False,
) -> Interaction:
    """Return what the request asks for; raises FhirError.

    `bases` are the partners' names, `versions` tells the FHIR versions of a base, `limits` what may be asked for,
    `strict` whether a client that names no handling is a strict one.
    """
    address = parse_address(request.path, bases)
    code = interaction_code(request.method, address)
    query = parse_query(request.query) + _form(request, code, limits)
    content = _content_type(request, code)
    version = _version(request, query, content, versions(address.base))
    return Interaction(
        code=code,
        address=address,
        version=version,
        query=query,
        headers=request.headers,
        content_type=content.name if content else "",
        body=None if content is None else _read_body(request.body, content, version, limits),
        preferences=parse_preferences(request.headers.get("prefer", ""), strict=strict),
        request_id=request_id,
        uuid=uuid,
        now=now,
        base_url=f"{request.root}/{address.base}" if address.base else request.root,
        method=request.method,
        size=len(request.body),
        limits=limits,
    )


def _version(
    request: HttpRequest, query: Sequence[tuple[str, str]], content: MediaType | None, offered: Sequence[Version]
) -> Version:
    """The FHIR version of body and answer. Raises FhirError for one that the base does not speak, or no such format."""
    format_ = dict(query).get("_format")
    accepts = choices(request.headers.get("accept"), format_)
    sent = told_version(content) if content else None
    accept = first_spoken(accepts, (sent,) if sent else offered)
    return fhir_version(content, accept, offered, asked_in="http._format" if format_ else "http.Accept")


def _form(request: HttpRequest, code: Code, limits: Limits) -> tuple[tuple[str, str], ...]:
    """The parameters of a search that is posted, each of them a value. https://hl7.org/fhir/R4/http.html#search"""
    if code != "search-type" or request.method != "POST" or not request.body:
        return ()
    body_type(request.headers, (FORM,))
    if request.body.count(b"&") >= limits.max_values:
        raise too_many_values(limits)
    return parse_query(request.body.decode("utf-8", "replace"))


def _content_type(request: HttpRequest, code: Code) -> MediaType | None:
    """The media type of the body; None where there is no body, or none that means anything."""
    if code not in _WITH_BODY or not request.body.strip():
        return None
    named = PATCH_TYPES if code == "patch" else (FHIR_JSON, FHIR_XML)
    return body_type(request.headers, named, (*JSON_TYPES, *XML_TYPES))


def _read_body(body: bytes, content: MediaType, version: Version, limits: Limits) -> Json:
    value = xml.loads(body, version, limits) if is_xml(content.name) else json.loads(body, limits)
    if value is None:
        raise FhirError(400, Issue("wrong-resource-type", "structure", "The body is `null`, which is no resource."))
    return value
