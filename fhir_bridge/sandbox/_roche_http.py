"""How the simulated Roche reads a request and refuses it: media types, credentials, JSON, OperationOutcomes."""

from __future__ import annotations

import re
from collections.abc import Sequence

import orjson
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from fhir_bridge.sandbox._roche_registry import CLIENT_ID, CLIENT_SECRET, FAULT_IDS, ORG_IDS, Json
from fhir_bridge.sandbox._roche_stu3 import Problem

_GATEWAY_WORDS = "ClientID enforcement"
_UUID = r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}"


class Refusal(Exception):
    """The call is refused: `issues` are pairs of issue code and diagnostics; without any the body is `text`."""

    def __init__(self, status_code: int, *issues: tuple[str, str], text: str = "") -> None:
        super().__init__(status_code, *issues)
        self.status_code = status_code
        self.issues = issues
        self.text = text


async def refused(request: Request, error: Exception) -> Response:
    """Answer a `Refusal`."""
    assert isinstance(error, Refusal)
    if not error.issues:
        return Response(error.text or None, error.status_code, media_type="text/plain" if error.text else None)
    issues = [{"severity": "error", "code": code, "diagnostics": text} for code, text in error.issues]
    return json_response({"resourceType": "OperationOutcome", "issue": issues}, error.status_code)


async def no_route(request: Request, error: Exception) -> Response:
    """Answer with an empty body: 405, and 404 for a path that no page knows."""
    # INFERRED: the body of the 404.
    assert isinstance(error, HTTPException)
    return Response(status_code=error.status_code, headers=error.headers)


def json_response(value: Json, status_code: int = 200) -> Response:
    """Return `value` as the partner sends JSON."""
    return Response(orjson.dumps(value), status_code, media_type="application/fhir+json")


def check_content_type(request: Request) -> None:
    """Raise 415 for a body that is no STU3 JSON by its own words."""
    media_type, *parameters = (part.strip().lower() for part in request.headers.get("content-type", "").split(";"))
    # INFERRED: a body that says it is of another FHIR version is not taken for STU3.
    other_version = any(text.startswith("fhirversion=") and text != "fhirversion=3.0" for text in parameters)
    if media_type not in ("application/json", "application/fhir+json") or other_version:
        text = "Content-Type is not one of (application/json, application/fhir+json)"
        raise Refusal(415, ("not-supported", text))


def authorize_write(request: Request) -> str:
    """Return the caller's organisation; raises 401 for wrong credentials, then 403, both without a body."""
    # The table of "Patient Update v2". INFERRED: the other writes have the same.
    return _authorize(request, Refusal(401))


def authorize_read(request: Request) -> str:
    """Return the caller's organisation; raises 403 for wrong credentials, which a gateway in front sees, then 403."""
    # "Patient Read" has no 401. INFERRED: that the gateway's words are the body, as plain text.
    return _authorize(request, Refusal(403, text=_GATEWAY_WORDS))


def _authorize(request: Request, bad_client: Refusal) -> str:
    headers = request.headers
    if (headers.get("client_id"), headers.get("client_secret")) != (CLIENT_ID, CLIENT_SECRET):
        raise bad_client
    org_id = headers.get("org_id")
    if org_id not in ORG_IDS:
        raise Refusal(403)
    return org_id


def check_origin_request_id(request: Request, *, required: bool) -> None:
    """Raise 400 `required` for a request id that is no UUID, or, where it is required, for none."""
    value = request.headers.get("x-origin-request-id")
    if value is None and not required:
        return
    if value is None or not re.fullmatch(_UUID, value):
        raise Refusal(400, ("required", "x-origin-request-id is mandatory, and a UUID"))


def json_object(body: bytes) -> Json:
    """Return the body's JSON object; raises 400 `structure` for anything else."""
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise Refusal(400, ("structure", "The body is not JSON")) from None
    if not isinstance(value, dict):
        raise Refusal(400, ("structure", "The body is not a JSON object"))
    return value


def refuse(found: Sequence[Problem]) -> None:
    """Raise 400 with all that was found, if anything was."""
    if found:
        raise Refusal(400, *((problem.code, problem.text) for problem in found))


def provoke(status_code: int | None, *, table: Sequence[int] = tuple(FAULT_IDS.values())) -> None:
    """Raise the status that a reserved id stands for, where the call's table of answers has it."""
    if status_code == 500:
        raise Refusal(500, ("exception", "Internal server error."))
    if status_code is not None and status_code in table:
        raise Refusal(status_code)
