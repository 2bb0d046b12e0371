"""`fhir-bridge explain`: what a request would send to the partner, row by row, and what it would leave behind."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import orjson

from fhir_bridge.cli.checking import Placeholders
from fhir_bridge.exchange import PartnerRequest
from fhir_bridge.fhir.interaction import Interaction
from fhir_bridge.fhir.json import dumps
from fhir_bridge.fhir.request import HttpRequest, read_interaction
from fhir_bridge.mapping.compile import load_routes
from fhir_bridge.mapping.partner_fields import dotted
from fhir_bridge.mapping.routes import Route, Routes
from fhir_bridge.outcome import FhirError, Issue, Json
from fhir_bridge.settings import read_settings


def explain(method: str, url: str, body: str | None, headers: Sequence[str]) -> int:
    """Print the explanation; return 1 where the request would be refused, with the reasons."""
    settings = read_settings(os.environ)
    routes = load_routes(settings.mappings, settings.profiles, Placeholders(settings.environment))
    try:
        interaction = _interaction(routes, method.upper(), url, _body(body), _headers(headers))
        print(*explanation(routes, interaction), sep="\n")
    except FhirError as error:
        print(*_refusal(error), sep="\n")
        return 1
    return 0


def explanation(routes: Routes, interaction: Interaction) -> list[str]:
    """Return the lines for an interaction; raises FhirError where it would be refused before any call."""
    route = routes.match(interaction)
    request = next(route.plan(interaction))
    connection = routes.partners[route.partner].connection
    base_url = connection.base_url if connection else ""
    name = f"${route.operation}" if route.operation else route.code
    lines = [f"route   {route.partner}: {name} {route.resource_type}  ({route.mark})", ""]
    if route.code == "patch":
        lines += [
            f"call 1  {request.method} {base_url}{request.path}",
            "        the patch is applied to what it answers",
        ]
        return [*lines, f"call 2  {route.call.method} {base_url}{request.path}", "        the fields that changed"]
    lines += [f"call    {request.method} {base_url}{request.path}", *_request_lines(request)]
    if route.call.sender is not None:
        lines += ["", *_rows(route, interaction)]
    return lines


def _request_lines(request: PartnerRequest) -> list[str]:
    lines = [f"        {name}: {value}" for name, value in request.headers.items()]
    if request.body is not None:
        pretty = orjson.dumps(orjson.loads(request.body), option=orjson.OPT_INDENT_2).decode()
        lines += [f"        {line}" for line in pretty.splitlines()]
    return lines


def _rows(route: Route, interaction: Interaction) -> list[str]:
    """The table of what is sent, and the elements that are left behind."""
    sender = route.call.sender
    assert sender is not None
    resource = interaction.body or {"resourceType": "Parameters"}
    pairs = [pair for pair in sender.pairs(resource) if pair.sends and pair.value is not None]
    rows = [(pair.element, dotted(pair.field), _short(pair.value), str(pair.mark)) for pair in pairs]
    if not rows:
        return [
            "nothing is mapped: the resource goes as it is" if not sender.pairs(resource) else "no row sends anything"
        ]
    lines = table([("FHIR element", "partner field", "value", "rule"), *rows])
    behind = sender.left_behind(resource)
    return [*lines, "", "left behind" if behind else "nothing is left behind", *(f"  {path}" for path in behind)]


def table(rows: Sequence[tuple[str, ...]]) -> list[str]:
    """Return rows of text as aligned lines, the first underlined."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ["  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return [lines[0], "  ".join("-" * width for width in widths), *lines[1:]]


def _short(value: Json) -> str:
    text = dumps(value).decode()
    return text if len(text) <= 40 else f"{text[:39]}…"


def _refusal(error: FhirError) -> Iterable[str]:
    yield f"refused before any call: {error.status_code}"
    for issue in error.issues:
        yield f"  {_place(issue)}{issue.text}"


def _place(issue: Issue) -> str:
    return f"{issue.expression}: " if issue.expression else ""


def _interaction(routes: Routes, method: str, url: str, body: bytes, headers: Mapping[str, str]) -> Interaction:
    parts = urlsplit(url)
    path = parts.path.partition("/fhir")[2] if "/fhir" in parts.path else parts.path
    request = HttpRequest(method, path, parts.query, headers, body)
    uuid = str(uuid4())
    bases, versions, now = routes.partners, routes.versions, datetime.now(UTC)
    return read_interaction(request, bases, versions, request_id=uuid, uuid=uuid, now=now)


def _headers(lines: Iterable[str]) -> dict[str, str]:
    pairs = (line.partition(":") for line in lines)
    return {name.strip().lower(): value.strip() for name, _, value in pairs}


def _body(argument: str | None) -> bytes:
    if argument is None:
        return b""
    if argument == "-":
        return sys.stdin.buffer.read()
    if argument.lstrip().startswith(("{", "[")):
        return argument.encode()
    return Path(argument).read_bytes()
