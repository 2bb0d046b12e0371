"""`fhir-bridge explain`: reads a request from the command line, and prints what would become of it."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

from fhir_bridge.cli.checking import Placeholders
from fhir_bridge.cli.explanation import SECRET, explanation, refusal
from fhir_bridge.cli.showing import printable
from fhir_bridge.fhir.negotiation import FHIR_JSON, JSON_PATCH
from fhir_bridge.fhir.request import HttpRequest, read_interaction
from fhir_bridge.mapping.compile import load_routes
from fhir_bridge.mapping.routes import Routes
from fhir_bridge.mapping.source import MappingFileError
from fhir_bridge.outcome import FhirError
from fhir_bridge.settings import Settings, read_settings


def explain(method: str, url: str, body: str | None, headers: Sequence[str]) -> int:
    """Print the explanation; return 1 where the request would be refused, with the reasons.

    Raises ValueError and OSError for arguments that cannot be used, MappingFileError for wrong mapping files.
    """
    request = _request(method.upper(), url, _body(body), _headers(headers))
    settings = read_settings(os.environ)
    routes, limits = _routes(settings), settings.limits
    uuid, now = str(uuid4()), datetime.now(UTC)
    print(printable(f"{request.method} {url}"))
    try:
        bases, versions = routes.partners, routes.versions
        interaction = read_interaction(request, bases, versions, request_id=uuid, uuid=uuid, now=now, limits=limits)
        lines = explanation(routes, interaction)
    except FhirError as error:
        _print(refusal(error))
        return 1
    _print([*lines, *_signs("\n".join(lines))])
    return 0


def _print(lines: Iterable[str]) -> None:
    print(*map(printable, lines), sep="\n")


def _signs(text: str) -> list[str]:
    """Say what the signs mean that stand in a text."""
    secret = [f"{SECRET} stands for what is secret."] if SECRET in text else []
    variable = ["$NAME stands for a variable that is not set."] if re.search(r" \$[A-Z]", text) else []
    return [""] * bool(secret or variable) + [*secret, *variable]


def _routes(settings: Settings) -> Routes:
    """Every partner as it is configured; one that is not, with the names of its variables for their values."""
    described = load_routes(settings.mappings, settings.profiles, Placeholders(settings.environment))
    try:
        configured = load_routes(settings.mappings, settings.profiles, settings.environment, settings.limits)
    except MappingFileError:  # a variable is missing, for the files themselves are right: they were read before
        return described
    there = {partner.name: partner for partner in configured.configured()}
    return replace(described, partners={**described.partners, **there})


def _request(method: str, url: str, body: bytes, headers: Mapping[str, str]) -> HttpRequest:
    parts = urlsplit(url)
    before, fhir, path = parts.path.partition("/fhir")
    if not fhir or path[:1] not in ("", "/"):
        raise ValueError(f"'{url}' is not below /fhir; give an address such as /fhir/<base>/<type>/<id>")
    origin = f"{parts.scheme}://{parts.netloc}" if parts.netloc else "http://127.0.0.1:8080"
    usual = {"content-type": _content_type(method, body)} if body else {}
    return HttpRequest(method, f"{origin}{before}/fhir", path, parts.query, {**usual, **headers}, body)


def _content_type(method: str, body: bytes) -> str:
    """What a body is, where no header says it: a patch that is a list is a JSON Patch."""
    return JSON_PATCH if method == "PATCH" and body.lstrip().startswith(b"[") else FHIR_JSON


def _headers(lines: Iterable[str]) -> dict[str, str]:
    headers = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon or not name.strip():
            raise ValueError(f"'{line}' is no header; write 'Name: value'")
        headers[name.strip().lower()] = value.strip()
    return headers


def _body(argument: str | None) -> bytes:
    if argument is None:
        return b""
    if argument == "-":
        return sys.stdin.buffer.read()
    if argument.lstrip().startswith(("{", "[")):
        return argument.encode()
    return Path(argument).read_bytes()
