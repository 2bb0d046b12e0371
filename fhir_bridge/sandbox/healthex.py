"""HealthEx as a data requestor meets it: a token for a key, then `$updateData` for one patient of one project.

Follows https://docs.healthex.io/api/update-patient-data and the guide "Updating Patient Data"; what neither of them
states is marked `# INFERRED`.
"""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any, Literal
from uuid import uuid4

import anyio
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from fhir_bridge.sandbox._healthex_patients import (
    CLIENTS,
    PATIENTS,
    PROJECTS,
    Client,
    Facility,
    Fault,
    Patient,
    Project,
)

Json = Any
"""A plain JSON value."""

SETTINGS = {
    "HEALTHEX_API_KEY": "sandbox-key",
    "HEALTHEX_API_SECRET": "sandbox-secret",
    "HEALTHEX_PROJECT_ID": "694d61c2-3f1b",
}
"""What a bridge needs to be let in, besides the base URL."""

TOKEN_LIFETIME = timedelta(hours=24)
LATE_S = 20
"""How long `answers-late` keeps a caller waiting, in seconds: longer than the bridge waits for any call."""


Reason = Literal[
    "CONSENT_EXPIRED", "CONSENT_NOT_FOUND", "CONSENT_REVOKED", "UNLOCKED_OR_NO_TARGETED_LIST",
    "AUTHENTICATION_EXPIRED", "AUTHENTICATION_NEEDED_NEW_FACILITY",
]  # fmt: skip


class Refusal(Exception):
    """A call that HealthEx does not carry out; `message` is a list where fields of the body are wrong."""

    def __init__(self, status_code: int, message: str | list[str], headers: Mapping[str, str] | None = None) -> None:
        super().__init__(status_code, message)
        self.status_code = status_code
        self.message = message
        self.headers = headers


@dataclass(frozen=True, slots=True)
class _Session:
    client: Client
    expires: datetime


@dataclass(slots=True, kw_only=True)
class _HealthEx:
    """The state of one simulator: its switches, and the tokens that it has given out."""

    now: Callable[[], datetime]
    sleep: Callable[[float], Awaitable[None]]
    new_id: Callable[[], str]
    patients: tuple[Patient, ...]
    success_status: int
    study_refusal_status: int
    answer: Literal["newest", "older", "guide"]
    with_code: bool
    errors_as: Literal["json", "text", "empty"]
    reference_id_only: bool
    sessions: dict[str, _Session] = field(default_factory=dict)

    async def token(self, request: Request) -> Response:
        """`POST /v1/auth/token`: `{apiKey, apiSecret}` in; `{token, expiration}` out, in Unix seconds."""
        body = await _json_object(request)
        if wrong := [
            f"{name} must be a string" for name in ("apiKey", "apiSecret") if not isinstance(body.get(name), str)
        ]:
            raise Refusal(400, wrong)
        client = CLIENTS.get(body["apiKey"])
        if client is None or client.secret != body["apiSecret"]:
            raise Refusal(401, "Invalid API key or secret")  # INFERRED: status and text of a failed login
        expires = self.now() + TOKEN_LIFETIME
        token = _jwt(client, expires)
        self.sessions[token] = _Session(client, expires)
        return JSONResponse({"token": token, "expiration": int(expires.timestamp())}, 201)

    async def update_data(self, request: Request) -> Response:
        """`POST …/identified-patients/{patientId}/$updateData`, checked in the order that docs/sandbox.md gives."""
        client = self._researcher(request)
        skip_interactive = _skip_interactive(await _json_object(request))
        project = self._project(client, request.path_params["project"])
        patient = self._patient(client, project, request.path_params["patient"])
        if patient.fault is not None and (answer := await self._fault(patient.fault)):
            return answer
        return self._outcome(patient, _action_needed(patient, skip_interactive=skip_interactive, now=self.now()))

    def _researcher(self, request: Request) -> Client:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        session = self.sessions.get(token.strip()) if scheme.lower() == "bearer" else None
        if session is None or session.expires <= self.now():
            raise Refusal(401, "Unauthorized")
        if session.client.type != "API_EXTERNAL_RESEARCHER":
            raise Refusal(403, "Forbidden resource")
        return session.client

    def _project(self, client: Client, project_id: str) -> Project:
        project = next((project for project in PROJECTS if project.id == project_id), None)
        if project is None or project.organisation != client.organisation:
            raise Refusal(404, "Project not found")
        # INFERRED: the status; the guide says only that there is "an appropriate error".
        if project.paused:
            raise Refusal(self.study_refusal_status, "Study is paused")
        if project.status != "ACTIVE":
            raise Refusal(self.study_refusal_status, "Study is not active")
        return project

    def _patient(self, client: Client, project: Project, asked: str) -> Patient:
        in_project = (patient for patient in self.patients if patient.project == project.id)
        patient = next((patient for patient in in_project if self._is(patient, asked)), None)
        if patient is None:
            raise Refusal(404, "Patient not found")
        if patient.organisation != client.organisation:
            raise Refusal(403, "Forbidden resource")
        return patient

    def _is(self, patient: Patient, asked: str) -> bool:
        # INFERRED: which of a patient's two ids is meant; nothing says it outright, so either will do.
        return asked == patient.reference_id or (asked == patient.patient_id and not self.reference_id_only)

    async def _fault(self, fault: Fault) -> Response | None:
        if fault == "late":
            await self.sleep(LATE_S)
            return None
        if fault == "unreadable":
            return HTMLResponse("<html><body>Please sign in</body></html>", self.success_status)
        headers = {} if fault == "500" else {"Retry-After": "7"}
        raise Refusal(int(fault), HTTPStatus(int(fault)).phrase, headers)

    def _outcome(self, patient: Patient, reason: Reason | None) -> Response:
        started = reason is None
        body: dict[str, Json] = {"message": "IN_PROGRESS_NO_ACTION_NEEDED" if started else "PATIENT_ACTION_NEEDED"}
        if self.with_code:
            body["code"] = self.success_status  # INFERRED: which number; the guide says "a numeric status code"
        if not started:
            body["patientActionNeededReason"] = reason
        # INFERRED: nothing was retrieved where the patient must act, so no facility was skipped either.
        counts = _counts(patient.facilities if started else ())
        if self.answer != "guide":
            body["skippedFacilitiesCount"] = counts["skippedExistingFacilities"] + counts["skippedNewFacilities"]
        if self.answer == "newest":
            body["counts"] = counts
            body |= {"retrievalId": self.new_id()} if started else {}
        return JSONResponse(body, self.success_status)

    async def refused(self, request: Request, refusal: Exception) -> Response:
        """Answer as a NestJS server does; INFERRED from texts that were seen, as no schema is published."""
        assert isinstance(refusal, Refusal)
        return self._error(refusal.status_code, refusal.message, refusal.headers)

    async def no_such_route(self, request: Request, error: Exception) -> Response:
        """An unknown path, and an unknown method on a known one, are one thing to NestJS."""
        return self._error(404, f"Cannot {request.method} {request.url.path}")

    def _error(self, status_code: int, message: str | list[str], headers: Mapping[str, str] | None = None) -> Response:
        phrase = HTTPStatus(status_code).phrase
        if self.errors_as == "empty":
            return Response(status_code=status_code, headers=headers)
        if self.errors_as == "text":
            text = message if isinstance(message, str) else "; ".join(message)
            return PlainTextResponse(text, status_code, headers)
        error = {} if message == phrase else {"error": phrase}
        return JSONResponse({"statusCode": status_code, "message": message, **error}, status_code, headers)


def _jwt(client: Client, expires: datetime) -> str:
    """Return a token of the shape that HealthEx gives out; its signature is noise, as nobody but HealthEx reads it."""
    head = {"alg": "ES256", "typ": "JWT"}
    claims = {
        "organizationId": client.organisation,
        "permissions": ["ORG_ADMIN"],
        "type": client.type,
        "exp": int(expires.timestamp()),
    }
    parts = [base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in (head, claims)]
    return ".".join([*parts, secrets.token_urlsafe(64)])


async def _json_object(request: Request) -> dict[str, Json]:
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


def _skip_interactive(body: Mapping[str, Json]) -> bool:
    # INFERRED: that a property which the reference does not list is refused; it brings a misspelt one to light.
    wrong = [f"property {name} should not exist" for name in body if name != "skipInteractive"]
    skip_interactive = body.get("skipInteractive", False)
    if not isinstance(skip_interactive, bool):
        wrong.append("skipInteractive must be a boolean value")
    if wrong:
        raise Refusal(400, wrong)
    return bool(skip_interactive)


def _action_needed(patient: Patient, *, skip_interactive: bool, now: datetime) -> Reason | None:
    """Return why the patient must act before data can be fetched, or None; consent comes before sign-ins."""
    # INFERRED: the order, and that `skipInteractive` does not pass over a targeted list that is not locked.
    consent = patient.consent
    if consent is None:
        return "CONSENT_NOT_FOUND"
    if consent.revoked:
        return "CONSENT_REVOKED"
    if consent.expires is not None and consent.expires <= now:
        return "CONSENT_EXPIRED"
    if patient.targeted_list != "locked":
        return "UNLOCKED_OR_NO_TARGETED_LIST"
    return None if skip_interactive else _sign_in_needed(patient.facilities)


def _sign_in_needed(facilities: Iterable[Facility]) -> Reason | None:
    if "sign-in-expired" in facilities:
        return "AUTHENTICATION_EXPIRED"
    if "new-needs-sign-in" in facilities:
        return "AUTHENTICATION_NEEDED_NEW_FACILITY"
    return None


_COUNTED: Mapping[str, tuple[Facility, ...]] = {
    "skippedExistingFacilities": ("unretrievable", "sign-in-expired"),
    "changedExistingFacilities": ("changed",),
    "unchangedExistingFacilities": ("unchanged",),
    "retrievedNewFacilities": ("new",),
    "skippedNewFacilities": ("new-needs-sign-in",),
}


def _counts(facilities: tuple[Facility, ...]) -> dict[str, int]:
    return {name: sum(facility in counted for facility in facilities) for name, counted in _COUNTED.items()}


def create_app(
    *,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
    sleep: Callable[[float], Awaitable[None]] = anyio.sleep,
    new_id: Callable[[], str] = lambda: str(uuid4()),
    patients: Iterable[Patient] = PATIENTS,
    success_status: Literal[200, 201] = 201,
    study_refusal_status: Literal[400, 403, 409] = 400,
    answer: Literal["newest", "older", "guide"] = "newest",
    with_code: bool = False,
    errors_as: Literal["json", "text", "empty"] = "json",
    reference_id_only: bool = False,
) -> Starlette:
    """Return HealthEx with nobody signed in yet. The switches choose where its documents disagree: docs/sandbox.md."""
    healthex = _HealthEx(
        now=now,
        sleep=sleep,
        new_id=new_id,
        patients=tuple(patients),
        success_status=success_status,
        study_refusal_status=study_refusal_status,
        answer=answer,
        with_code=with_code,
        errors_as=errors_as,
        reference_id_only=reference_id_only,
    )
    update_data = "/v1/projects/{project}/recruitment/identified-patients/{patient}/$updateData"
    app = Starlette(
        routes=[
            Route("/v1/auth/token", healthex.token, methods=["POST"]),
            Route(update_data, healthex.update_data, methods=["POST"]),
        ],
        exception_handlers={Refusal: healthex.refused, HTTPException: healthex.no_such_route},
    )
    app.router.redirect_slashes = False  # a path with a slash too many is another path
    return app
