"""The simulator of Roche Diabetes Care: `PUT v2/Bundle/{id}` and `GET Patient/{id}`, in FHIR STU3.

"Patient Update v2" and "Patient Read" of the RDC EMR implementation guide: statuses and bodies are the guide's.
Patients and switches are listed in docs/sandbox.md. The app itself knows nothing of TLS: whoever serves it demands
a client certificate (see `certificates`).
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Collection, Container, Sequence
from dataclasses import dataclass, field
from typing import Literal

import anyio
import orjson
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from fhir_bridge.sandbox._roche_message import Json, envelope_problems, message_problems, resources
from fhir_bridge.sandbox._roche_registry import (
    CLIENT_ID,
    CLIENT_SECRET,
    FAULT_IDS,
    LATE_ID,
    LATE_S,
    ORG_ID,
    ORG_IDS,
    Registry,
)
from fhir_bridge.sandbox._roche_stu3 import Problem

SETTINGS: dict[str, str] = {
    "ROCHE_CLIENT_ID": CLIENT_ID,
    "ROCHE_CLIENT_SECRET": CLIENT_SECRET,
    "ROCHE_ORG_ID": ORG_ID,
}
"""The environment variables that let the bridge in."""

BASE_PATH = "/partners/fhir/stu3/api"

UPDATE_FAULTS = (401, 403, 405, 500, 501)
READ_FAULTS = (403, 500)  # the table of answers of "Patient Read" has no others


Sleep = Callable[[float], Awaitable[None]]


def create_app(
    *,
    sleep: Sleep = anyio.sleep,
    echo_previous_state: bool = False,
    empty_answer: bool = False,
    origin_request_id_required: bool = True,
    duplicate_status_code: Literal[400, 409] = 400,
    identifier_systems: Collection[str] | None = None,
) -> Starlette:
    """Return the simulator with its patients as they are at the start.

    `sleep` waits for seconds.
    `echo_previous_state`: an update answers with the patient as it was before, as the guide's sample does.
    `empty_answer`: an update answers 200 without a body, as version 1 did.
    `origin_request_id_required`: an update without `x-origin-request-id` is refused; the sample has none.
    `duplicate_status_code`: the status of a clash, which no page states.
    `identifier_systems`: the only systems of a patient's identifiers that are accepted; None accepts any.
    """
    service = _Service(
        sleep=sleep,
        echo_previous_state=echo_previous_state,
        empty_answer=empty_answer,
        origin_request_id_required=origin_request_id_required,
        duplicate_status_code=duplicate_status_code,
        identifier_systems=identifier_systems,
    )
    app = Starlette(routes=_routes(service), exception_handlers={_Refusal: _refused, HTTPException: _no_route})
    app.router.redirect_slashes = False
    return app


class _Refusal(Exception):
    """The call is refused: `issues` are pairs of issue code and diagnostics; without any the body is empty."""

    def __init__(self, status_code: int, *issues: tuple[str, str]) -> None:
        super().__init__(status_code, *issues)
        self.status_code = status_code
        self.issues = issues


@dataclass(frozen=True, slots=True)
class _Service:
    """The two calls, the switches of `create_app`, and the patients."""

    sleep: Sleep
    echo_previous_state: bool
    empty_answer: bool
    origin_request_id_required: bool
    duplicate_status_code: int
    identifier_systems: Collection[str] | None
    registry: Registry = field(default_factory=Registry)

    async def update(self, request: Request) -> Response:
        """Answer `PUT v2/Bundle/{id}`; the id is the patient's."""
        # INFERRED: the order of the checks.
        body = await request.body()
        _check_content_type(request)
        org_id = _authorize(request, bad_client=401)
        self._check_origin_request_id(request)
        bundle = self._message(request, body)
        before = self._find(request, org_id, faults=UPDATE_FAULTS)
        (patient,) = resources(bundle, "Patient")
        if self.registry.clashes(patient):
            text = "Another patient has this identifier or e-mail address"
            raise _Refusal(self.duplicate_status_code, ("duplicate", text))
        self.registry.replace(patient)
        await self._wait(request)
        return self._updated(bundle, before)

    async def read(self, request: Request) -> Response:
        """Answer `GET Patient/{id}`; unlike an update, bad credentials of the client are 403 here."""
        org_id = _authorize(request, bad_client=403)
        patient = self._find(request, org_id, faults=READ_FAULTS)
        await self._wait(request)
        return _json_response(patient)

    async def _wait(self, request: Request) -> None:
        if request.path_params["id"] == LATE_ID:
            await self.sleep(LATE_S)

    def _check_origin_request_id(self, request: Request) -> None:
        value = request.headers.get("x-origin-request-id")
        if value is None and not self.origin_request_id_required:
            return
        if value is None or not re.fullmatch(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}", value):
            raise _Refusal(400, ("required", "x-origin-request-id is mandatory, and a UUID"))

    def _message(self, request: Request, body: bytes) -> Json:
        bundle = _object(body)
        _refuse(envelope_problems(bundle))
        patient_id: str = request.path_params["id"]
        _refuse(message_problems(bundle, patient_id=patient_id, identifier_systems=self.identifier_systems))
        return bundle

    def _find(self, request: Request, org_id: str, *, faults: Container[int]) -> Json:
        id: str = request.path_params["id"]
        status_code = FAULT_IDS.get(id)
        if status_code == 500:
            raise _Refusal(500, ("exception", "Internal server error."))
        if status_code is not None and status_code in faults:
            raise _Refusal(status_code)
        patient = self.registry.find(id, org_id)
        if patient is None:
            raise _Refusal(404, ("not-found", "Patient not found"))
        return patient

    def _updated(self, bundle: Json, before: Json) -> Response:
        """Return the message again: without the Bundle's id, with the patient as it is now, or was before."""
        if self.empty_answer:
            return Response(status_code=200)
        entries = bundle["entry"]
        assert isinstance(entries, list)
        answered = [entry["resource"] for entry in entries]
        if self.echo_previous_state:
            answered = [before if resource["resourceType"] == "Patient" else resource for resource in answered]
        entry = [{"resource": resource} for resource in answered]
        return _json_response({"resourceType": "Bundle", "type": "message", "entry": entry})


def _routes(service: _Service) -> Sequence[Route]:
    return [
        Route(f"{BASE_PATH}/v2/Bundle/{{id}}", service.update, methods=["PUT"]),
        Route(f"{BASE_PATH}/Patient/{{id}}", service.read, methods=["GET"]),
        Route(f"{BASE_PATH}/Patient", _no_id, methods=["GET"]),
        Route(f"{BASE_PATH}/Patient/", _no_id, methods=["GET"]),
        # Documented calls that this simulator leaves out. INFERRED: that the 501 of the table is for such.
        Route(f"{BASE_PATH}/v2/Bundle", _not_implemented, methods=["POST"]),
        Route(f"{BASE_PATH}/Bundle", _not_implemented, methods=["POST"]),
        Route(f"{BASE_PATH}/Bundle/{{id}}", _not_implemented, methods=["PUT"]),
        Route(f"{BASE_PATH}/v2/Practitioner", _not_implemented, methods=["POST"]),
        Route(f"{BASE_PATH}/v2/Practitioner/{{id}}", _not_implemented, methods=["PUT"]),
    ]


async def _not_implemented(request: Request) -> Response:
    return Response(status_code=501)


async def _no_id(request: Request) -> Response:
    raise _Refusal(400, ("not-supported", "The FHIR id is missing"))


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, _Refusal)
    if not error.issues:
        return Response(status_code=error.status_code)
    issues = [{"severity": "error", "code": code, "diagnostics": text} for code, text in error.issues]
    return _json_response({"resourceType": "OperationOutcome", "issue": issues}, error.status_code)


async def _no_route(request: Request, error: Exception) -> Response:
    """Answer with an empty body: 405, and 404 for a path that no page knows."""
    # INFERRED: the body of the 404.
    assert isinstance(error, HTTPException)
    return Response(status_code=error.status_code, headers=error.headers)


def _json_response(value: Json, status_code: int = 200) -> Response:
    return Response(orjson.dumps(value), status_code, media_type="application/fhir+json")


def _check_content_type(request: Request) -> None:
    media_type, *parameters = (part.strip().lower() for part in request.headers.get("content-type", "").split(";"))
    # INFERRED: a body that says it is of another FHIR version is not taken for STU3.
    other_version = any(text.startswith("fhirversion=") and text != "fhirversion=3.0" for text in parameters)
    if media_type not in ("application/json", "application/fhir+json") or other_version:
        text = "Content-Type is not one of (application/json, application/fhir+json)"
        raise _Refusal(415, ("not-supported", text))


def _authorize(request: Request, *, bad_client: int) -> str:
    """Return the caller's organisation; raises the status `bad_client` for wrong credentials, then 403."""
    headers = request.headers
    if (headers.get("client_id"), headers.get("client_secret")) != (CLIENT_ID, CLIENT_SECRET):
        raise _Refusal(bad_client)
    org_id = headers.get("org_id")
    if org_id not in ORG_IDS:
        raise _Refusal(403)
    return org_id


def _object(body: bytes) -> Json:
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise _Refusal(400, ("structure", "The body is not JSON")) from None
    if not isinstance(value, dict):
        raise _Refusal(400, ("structure", "The body is not a JSON object"))
    return value


def _refuse(found: Sequence[Problem]) -> None:
    if found:
        raise _Refusal(400, *((problem.code, problem.text) for problem in found))
