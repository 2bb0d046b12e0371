"""Turns one operation of a TestScript into an HTTP request.

https://hl7.org/fhir/R4/testscript-definitions.html#TestScript.setup.action.operation
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple
from urllib.parse import quote

from tests.testscript.content import MIME, Content, Message, ScriptError, media_of
from tests.testscript.fhir_xml import Json, listed
from tests.testscript.memory import Memory, header

_METHODS: Mapping[str, str] = {
    "read": "GET", "vread": "GET", "history": "GET", "search": "GET", "capabilities": "GET",
    "create": "POST", "batch": "POST", "transaction": "POST",
    "update": "PUT", "updateCreate": "PUT", "patch": "PATCH",
    "delete": "DELETE", "deleteCondSingle": "DELETE", "deleteCondMultiple": "DELETE",
}  # fmt: skip
"""Any other code is the name of a FHIR operation, such as `validate`."""

_AT_THE_BASE: Mapping[str, str] = {"batch": "", "transaction": "", "capabilities": "/metadata"}
_AT_THE_TYPE = ("create", "search", "deleteCondSingle", "deleteCondMultiple")

# What may stand in a URL: reserved, unreserved, and the percent of what is encoded already.
_SAFE = "%:/?#[]@!$&'()*+,;=-._~"


@dataclass(frozen=True, slots=True)
class Call:
    """An HTTP request to be sent; `body` is what `content` holds."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: Content | None = None


class Identity(NamedTuple):
    """A resource's place on a server."""

    type: str
    id: str
    version_id: str | None = None

    def __str__(self) -> str:
        return f"{self.type}/{self.id}"


def prepare(operation: Json, memory: Memory, servers: Mapping[int, str]) -> Call:
    """Return the request that an operation asks for; `servers` are base URLs by destination. Raises ScriptError."""
    code = operation.get("type", {}).get("code", "").removeprefix("$")
    body = memory.message(operation["sourceId"]).body if "sourceId" in operation else None
    method = operation.get("method", "").upper() or _METHODS.get(code, "POST" if body else "GET")
    url = _url(operation, code, memory, servers)
    if code == "search" and method == "POST":
        url, _, query = url.partition("?")
        return Call(method, f"{url}/_search", _headers(operation, _FORM, memory), Content("other", query))
    if method in ("GET", "HEAD", "DELETE"):
        return Call(method, url, _headers(operation, None, memory))
    content_type = _content_type(operation, body)
    headers = _headers(operation, content_type, memory)
    return Call(method, url, headers, body.as_media(media_of(content_type or "")) if body else None)


_FORM = "application/x-www-form-urlencoded"


def _content_type(operation: Json, body: Content | None) -> str | None:
    """Return the Content-Type that goes with the body: the operation's own, else that of the fixture."""
    named = [field["value"] for field in _header_fields(operation) if field["field"].lower() == "content-type"]
    if named:
        return str(named[-1])
    asked = operation.get("contentType")
    if asked:
        return str(MIME.get(asked, asked))
    return MIME.get(body.media, "application/octet-stream") if body else None


def _header_fields(operation: Json) -> list[Json]:
    return listed(operation.get("requestHeader"))


def _headers(operation: Json, content_type: str | None, memory: Memory) -> dict[str, str]:
    """Return the request's headers; those that the script spells out win."""
    accept = operation.get("accept", "json")
    headers = {"accept": MIME.get(accept, accept)}
    if content_type:
        headers["content-type"] = content_type
    return headers | {field["field"].lower(): memory.fill(field["value"]) for field in _header_fields(operation)}


def _url(operation: Json, code: str, memory: Memory, servers: Mapping[int, str]) -> str:
    """Return the complete URL: `url` as it is, else built from `resource` and `params`, else from `targetId`."""
    base = _base(operation, servers)
    if "url" in operation:
        url = memory.fill(operation["url"])
        url = url if re.match("https?://", url) else f"{base}/{url.removeprefix('/')}"
    else:
        url = base + _path(operation, code, memory)
    return quote(url, safe=_SAFE) if operation.get("encodeRequestUrl", True) else url


def _base(operation: Json, servers: Mapping[int, str]) -> str:
    destination = operation.get("destination", 1)
    if destination not in servers:
        raise ScriptError(f"destination {destination} has no server; give it with --destination {destination}=URL")
    return servers[destination]


def _path(operation: Json, code: str, memory: Memory) -> str:
    """Return what follows the base."""
    resource, params = operation.get("resource"), memory.fill(operation.get("params", ""))
    if params:
        if resource is None and not params.startswith(("/", "?")):
            raise ScriptError(f"params {params} need a resource, or a slash")
        return f"/{resource}{params}" if resource else _AT_THE_BASE.get(code, "") + params
    if code in _AT_THE_BASE:
        return _AT_THE_BASE[code]
    if code in _AT_THE_TYPE or "targetId" not in operation:
        return _of_source(operation, code, memory)
    return _of_target(code, identity(memory.message(operation["targetId"])))


def _of_source(operation: Json, code: str, memory: Memory) -> str:
    """Without params and targetId the body tells the rest: the type, and the id of an update or a patch."""
    resource = operation.get("resource")
    if code and code not in _METHODS:
        return f"/{resource}/${code}" if resource else f"/${code}"
    if code in ("update", "updateCreate") and "sourceId" in operation:
        return f"/{identity(memory.message(operation['sourceId']))}"
    if code == "create" and resource is None and "sourceId" in operation:
        return f"/{_resource_type(memory.message(operation['sourceId']))}"
    if resource is None or code not in (*_AT_THE_TYPE, "history"):
        raise ScriptError(f"{code or 'an operation'} needs url, params or targetId to know its address")
    return f"/{resource}/_history" if code == "history" else f"/{resource}"


def _of_target(code: str, target: Identity) -> str:
    if code == "vread":
        if target.version_id is None:
            raise ScriptError(f"{target} has no version that a vread could ask for")
        return f"/{target}/_history/{target.version_id}"
    if code == "history":
        return f"/{target}/_history"
    return f"/{target}" if not code or code in _METHODS else f"/{target}/${code}"


_LOCATION = re.compile(r"([A-Z][A-Za-z]+)/([A-Za-z0-9\-.]{1,64})(?:/_history/([A-Za-z0-9\-.]{1,64}))?/?$")


def identity(message: Message) -> Identity:
    """Return type, id and version of the resource in a message, or of its Location; raises ScriptError."""
    for name in ("Location", "Content-Location"):
        located = _LOCATION.search("".join(header(message, name))) if message.headers is not None else None
        if located:
            return Identity(*located.groups())
    value = message.content().value()
    if not isinstance(value, dict) or not {"resourceType", "id"} <= value.keys():
        raise ScriptError("what was referred to has no type and id")
    return Identity(value["resourceType"], str(value["id"]), value.get("meta", {}).get("versionId"))


def _resource_type(message: Message) -> str:
    value = message.content().value()
    if not isinstance(value, dict) or "resourceType" not in value:
        raise ScriptError("what is to be sent has no resourceType")
    return str(value["resourceType"])
