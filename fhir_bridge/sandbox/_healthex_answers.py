"""How the simulated HealthEx takes a body, and how it refuses: as a NestJS server does, or in FHIR below `/FHIR`.

INFERRED from texts that were seen: no schema of an error is published.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Literal

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from fhir_bridge.sandbox._phrases import phrase

Json = Any
"""A plain JSON value."""

ErrorsAs = Literal["json", "text", "empty"]

# The issue types of FHIR that stand for the statuses that are given out.
_ISSUE_TYPES: Mapping[int, str] = {
    400: "invalid",
    401: "login",
    403: "forbidden",
    404: "not-found",
    429: "throttled",
    503: "transient",
}


class Refusal(Exception):
    """A call that HealthEx does not carry out; `message` is a list where fields of the body are wrong."""

    def __init__(self, status_code: int, message: str | list[str], headers: Mapping[str, str] | None = None) -> None:
        super().__init__(status_code, message)
        self.status_code = status_code
        self.message = message
        self.headers = headers


async def json_object(request: Request) -> dict[str, Json]:
    """Return the body; an empty one is `{}`, since the guide's own example sends none."""
    content = await request.body()
    if not content:
        return {}
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise Refusal(415, "Unsupported Media Type")  # INFERRED
    try:
        body = json.loads(content)
    except ValueError:
        raise Refusal(400, "Unexpected token in JSON") from None  # INFERRED: the text
    if not isinstance(body, dict):
        raise Refusal(400, "The body must be an object")  # INFERRED: the text
    return body


def unexpected(body: Mapping[str, Json], known: tuple[str, ...]) -> list[str]:
    """Return a complaint for each property that the reference does not list."""
    # INFERRED: that it is refused at all; it brings a misspelt one to light.
    return [f"property {name} should not exist" for name in body if name not in known]


def refused(refusal: Refusal, errors_as: ErrorsAs) -> Response:
    """Return what a refused REST call is answered with."""
    if errors_as == "empty":
        return Response(status_code=refusal.status_code, headers=refusal.headers)
    if errors_as == "text":
        return PlainTextResponse(_in_one_line(refusal), refusal.status_code, refusal.headers)
    name = phrase(refusal.status_code)
    error = {} if refusal.message == name else {"error": name}
    body = {"statusCode": refusal.status_code, "message": refusal.message, **error}
    return JSONResponse(body, refusal.status_code, refusal.headers)


def refused_in_fhir(refusal: Refusal) -> Response:
    """Return what a refused call of the FHIR server is answered with."""
    issue = {
        "severity": "error",
        "code": _ISSUE_TYPES.get(refusal.status_code, "exception"),
        "diagnostics": _in_one_line(refusal),
    }
    outcome = {"resourceType": "OperationOutcome", "issue": [issue]}
    return JSONResponse(outcome, refusal.status_code, refusal.headers, "application/fhir+json")


def _in_one_line(refusal: Refusal) -> str:
    return refusal.message if isinstance(refusal.message, str) else "; ".join(refusal.message)
