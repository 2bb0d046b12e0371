"""The Starlette app: HTTP in and out, and whatever goes wrong as an OperationOutcome."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from urllib.parse import urlsplit
from uuid import uuid4

import anyio
from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from fhir_bridge.admission import Admission, Visit, client_of
from fhir_bridge.batch import Batches, Caller
from fhir_bridge.bridge import Bridge
from fhir_bridge.fhir.bundle import failure
from fhir_bridge.fhir.interaction import FhirResponse, Interaction, base_of, empty_part, parse_address, parse_query
from fhir_bridge.fhir.json import dumps
from fhir_bridge.fhir.negotiation import ACCEPT_PATCH
from fhir_bridge.fhir.presentation import Presentation, read_presentation
from fhir_bridge.fhir.request import HttpRequest, read_interaction
from fhir_bridge.fhir.unsupported import UNSUPPORTED_ELEMENTS, unsupported_elements
from fhir_bridge.limits import DEFAULTS, Limits
from fhir_bridge.log_lines import crashed, name, write_line
from fhir_bridge.outcome import FhirError, Issue
from fhir_bridge.rendering import NOT_KEPT, REQUEST_ID, render, request_id_of
from fhir_bridge.worker import CLIENT

METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]


def create_app(bridge: Bridge, *, limits: Limits = DEFAULTS) -> Starlette:
    """Return the ASGI app that serves a bridge below `/fhir`, and its health."""
    batches, admission = Batches(bridge, limits), Admission(limits)

    async def fhir(request: Request) -> Response:
        client = client_of(request)
        CLIENT.set(client)
        with admission.visit(client) as visit:
            return await _answer(batches, request, limits, visit)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[dict[str, object]]:
        async with bridge:
            yield {"limits": limits, "rounds": admission.rounds}

    async def live(request: Request) -> Response:
        return _json(request, {"status": "live"})

    async def ready(request: Request) -> Response:
        partners = {name: partner.connection is not None for name, partner in bridge.routes.partners.items()}
        status = "stopping" if request.scope.get("state", {}).get("stopping") else "ready"
        if not any(partners.values()):
            status = "no partner is configured"
        return _json(request, {"status": status, "configured": partners}, 200 if status == "ready" else 503)

    async def refused(request: Request, error: Exception) -> Response:
        """Answer below `/fhir` even what Starlette refuses: an id with a line break, a method that it was not told."""
        below = f"{request.url.path}/".startswith("/fhir/")
        return await fhir(request) if below else _no_fhir_address(request, error)

    return Starlette(
        routes=[
            Route("/health/live", live),
            Route("/health/ready", ready),
            Route("/fhir", fhir, methods=METHODS),
            Route("/fhir/{path:path}", fhir, methods=METHODS),
        ],
        exception_handlers={HTTPException: refused},
        middleware=[_cors(bridge.cors_origins)] if bridge.cors_origins else [],
        lifespan=lifespan,
    )


_EXPOSED = [
    "ETag",
    "Location",
    "Content-Location",
    "Last-Modified",
    "X-Request-Id",
    "Allow",
    "Retry-After",
    UNSUPPORTED_ELEMENTS,
]


def _cors(origins: Sequence[str]) -> Middleware:
    """https://fetch.spec.whatwg.org/#http-cors-protocol; cookies are no business of the bridge."""
    return Middleware(
        _Cors,
        allow_origins=origins,
        allow_methods=METHODS,
        allow_headers=["*"],
        expose_headers=_EXPOSED,
    )


class _Cors(CORSMiddleware):
    """Starlette's, whose refusal of a preflight is given in FHIR."""

    def preflight_response(self, request_headers: Headers) -> Response:
        response = super().preflight_response(request_headers)
        request_id = request_id_of(request_headers.get("x-request-id"), str(uuid4()))
        response.headers["X-Request-Id"] = request_id
        if response.status_code == 200:
            return response
        text = "Pages of this origin may not call the bridge, or not like this; FHIR_BRIDGE_CORS_ORIGINS names who may."
        refusal = failure(FhirError(403, Issue("invalid-header", "forbidden", text, "http.Origin")))
        return render(refusal, Presentation(), None, request_id)


async def _answer(batches: Batches, request: Request, limits: Limits, visit: Visit) -> Response:
    """Answer one request: whatever happens, in FHIR, with a request id and one line in the log."""
    bridge, started, uuid = batches.bridge, time.perf_counter(), str(uuid4())
    request_id = request_id_of(request.headers.get("x-request-id"), uuid)
    interaction: Interaction | None = None
    presentation = Presentation()
    try:
        headers = _headers(request)
        has_body = "content-length" in headers or "transfer-encoding" in headers
        await visit.turn(has_body)
        presentation = read_presentation(headers, dict(parse_query(request.url.query)))
        visit.check()
        if request.method == "OPTIONS":
            response = _options(bridge, request)
        else:
            http_request = await _http_request(bridge, request, headers, limits, visit)
            if has_body:
                await visit.turn(has_body)
            reading = partial(_interaction, bridge, http_request, request_id, uuid, limits)
            interaction = await bridge.worker.run(len(http_request.body), reading)
            # A posted search asks for its format in the body; and the version was not known before.
            presentation = read_presentation(headers, dict(interaction.query), interaction.version)
            response = await batches.answer(interaction, _caller(request, visit.client))
    except FhirError as error:
        response = failure(error, limits)
    except Exception:
        response = crashed(request_id)
    if interaction is None:
        base = base_of(_path(request), bridge.routes.partners) or "hub"
        write_line(request_id, name(request.method), f"{base}/-", response, started)
    allow = {"Allow": _allow(bridge, request)} if response.status_code == 405 else {}
    told = {**allow, **unsupported_elements(response.left_behind), **_stamps(bridge, request)}
    response = replace(response, headers={**response.headers, **told})
    version = interaction.version if interaction else None
    try:
        rendering = partial(render, response, presentation, version, request_id)
        answer = await bridge.worker.run(response.size, rendering)
    except FhirError as error:
        answer = render(failure(error, limits), presentation, version, request_id)
    except Exception:
        answer = render(crashed(request_id), presentation, version, request_id)
    return _without_body(answer) if request.method == "HEAD" else answer


def _caller(request: Request, client: str) -> Caller:
    """Return the client of a request whose body was read, with the wait until the client leaves."""

    async def left() -> None:
        while (await request.receive())["type"] != "http.disconnect":
            pass

    return Caller(client, left)


def _stamps(bridge: Bridge, request: Request) -> dict[str, str]:
    """What says that an intermediary had its hands in it, and which; and the client's own id of what it is about.

    https://hl7.org/fhir/R4/http.html#custom
    """
    host = urlsplit(bridge.base_url or "").hostname
    correlation_id = request.headers.get("x-correlation-id", "")
    known = {"X-Correlation-Id": correlation_id} if REQUEST_ID.fullmatch(correlation_id) else {}
    return {"X-Intermediary": host or "fhir-bridge", **known}


def _without_body(answer: Response) -> Response:
    """The answer to HEAD: every header, and so the length of the body that is not sent."""
    return Response(status_code=answer.status_code, headers=answer.headers)


def _options(bridge: Bridge, request: Request) -> FhirResponse:
    """What may be done at an address, and by which patches."""
    allow = ", ".join(filter(None, ["OPTIONS", _allow(bridge, request)]))
    return FhirResponse(204, None, {"Allow": allow, **(ACCEPT_PATCH if "PATCH" in allow else {})})


def _allow(bridge: Bridge, request: Request) -> str:
    return ", ".join(bridge.allow(parse_address(_path(request), bridge.routes.partners)))


def _path(request: Request) -> str:
    """The address below `/fhir`, percent-encoded as it came: `a%2Fb` is one segment."""
    return _raw_path(request).removeprefix("/fhir")


def _raw_path(request: Request) -> str:
    raw_path: bytes = request.scope.get("raw_path") or request.url.path.encode()
    return raw_path.decode("ascii", "replace")


def _headers(request: Request) -> dict[str, str]:
    """The headers by lower-case name; several of one name are one list, as HTTP says (RFC 9110 section 5.3)."""
    return {name: ", ".join(request.headers.getlist(name)) for name in request.headers}


async def _http_request(
    bridge: Bridge, request: Request, headers: Mapping[str, str], limits: Limits, visit: Visit
) -> HttpRequest:
    return HttpRequest(
        method=request.method,
        root=f"{bridge.base_url or str(request.base_url).rstrip('/')}/fhir",
        path=_path(request),
        query=request.url.query,
        headers=headers,
        body=await _read_body(request, limits, visit),
    )


def _interaction(bridge: Bridge, request: HttpRequest, request_id: str, uuid: str, limits: Limits) -> Interaction:
    bases, versions, now = bridge.routes.partners, bridge.routes.versions, datetime.now(UTC)
    return read_interaction(
        request,
        bases,
        versions,
        request_id=request_id,
        uuid=uuid,
        now=now,
        limits=limits,
        strict=bridge.strict,
    )


async def _read_body(request: Request, limits: Limits, visit: Visit) -> bytes:
    """Return the body. Raises FhirError 413 as soon as it is known to be too large, 408 where it does not come."""
    announced = request.headers.get("content-length", "")
    if announced.isascii() and announced.isdigit() and int(announced) > limits.max_body_bytes:
        raise _too_large(limits.max_body_bytes)
    body, ends = bytearray(), anyio.current_time() + limits.body_s
    try:
        with anyio.fail_after(min(limits.body_s, limits.silence_s)) as scope:
            async for chunk in request.stream():
                scope.deadline = min(ends, anyio.current_time() + limits.silence_s)
                body += chunk
                if len(body) > limits.max_body_bytes:
                    raise _too_large(limits.max_body_bytes)
                visit.keep(len(chunk))
    except ClientDisconnect:  # nobody reads the answer, but the log tells what it was
        raise FhirError(400, Issue("invalid-json", "incomplete", "The body breaks off before its end.")) from None
    except TimeoutError:
        text = f"The body did not come within {limits.body_s} s, or nothing of it for {limits.silence_s} s."
        raise FhirError(408, Issue("client-too-slow", "timeout", text), headers=_CLOSE) from None
    return bytes(body)


_CLOSE = {"Connection": "close"}


def _too_large(max_body_bytes: int) -> FhirError:
    text = f"The body is larger than {max_body_bytes} bytes; send less at once."
    return FhirError(413, Issue("body-too-large", "too-long", text), headers=_CLOSE)


def _json(request: Request, value: Mapping[str, object], status_code: int = 200) -> Response:
    request_id = request_id_of(request.headers.get("x-request-id"), str(uuid4()))
    headers = {**NOT_KEPT, "X-Request-Id": request_id}
    return Response(dumps(value), status_code, headers, "application/json")


def _no_fhir_address(request: Request, error: Exception) -> Response:
    """What Starlette refuses by itself: an address outside `/fhir`, or a method that it does not take."""
    assert isinstance(error, HTTPException)
    request_id = request_id_of(request.headers.get("x-request-id"), str(uuid4()))
    path = _raw_path(request)
    if "//" in path:
        issue = empty_part(path)
    elif error.status_code == 405:
        text = "This address does not take this method; Allow names those that it takes."
        issue = Issue("method-not-allowed", "not-supported", text)
    else:
        issue = Issue("unknown-path", "not-found", "There is nothing at this address; FHIR is served below /fhir.")
    response = failure(FhirError(error.status_code, issue, headers=error.headers))
    return render(response, Presentation(), None, request_id)
