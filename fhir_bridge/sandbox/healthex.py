"""HealthEx as a data requestor meets it: a token for a key, then the patients of a project, from being added on.

Follows https://docs.healthex.io: the guides, and the reference pages that each module names; what none of them states
is marked `# INFERRED`.
"""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Literal
from uuid import uuid4

import anyio
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from fhir_bridge.sandbox._healthex_adding import add, rows_of
from fhir_bridge.sandbox._healthex_answers import (
    ErrorsAs,
    Json,
    Refusal,
    json_object,
    refused,
    refused_in_fhir,
    unexpected,
)
from fhir_bridge.sandbox._healthex_consents import check_filters, patients_asked, project_asked, records
from fhir_bridge.sandbox._healthex_fhir import everything, read_query
from fhir_bridge.sandbox._healthex_patients import CLIENTS, PATIENTS, PROJECTS, Client, Consent, Fault, Patient, Project
from fhir_bridge.sandbox._healthex_studies import enrollment_link, study
from fhir_bridge.sandbox._healthex_updating import Reason, action_needed, counts_of, skip_interactive_of
from fhir_bridge.sandbox._phrases import phrase

SETTINGS = {
    "HEALTHEX_API_KEY": "sandbox-key",
    "HEALTHEX_API_SECRET": "sandbox-secret",
    "HEALTHEX_PROJECT_ID": "694d61c2-3f1b",
}
"""What a bridge needs to be let in, besides the base URL."""

TOKEN_LIFETIME = timedelta(hours=24)
LATE_S = 20
"""How long `answers-late` keeps a caller waiting, in seconds: longer than the bridge waits for any call."""


@dataclass(frozen=True, slots=True)
class _Session:
    client: Client
    expires: datetime


@dataclass(slots=True, kw_only=True)
class _HealthEx:
    """The state of one simulator: its switches, its patients, and the tokens that it has given out."""

    now: Callable[[], datetime]
    sleep: Callable[[float], Awaitable[None]]
    new_id: Callable[[], str]
    patients: list[Patient]
    success_status: int
    study_refusal_status: int
    no_consent_status: int
    answer: Literal["newest", "older", "guide"]
    with_code: bool
    errors_as: ErrorsAs
    one_id_each: bool
    consents_on_link: bool
    empty_study: bool
    sessions: dict[str, _Session] = field(default_factory=dict)

    async def token(self, request: Request) -> Response:
        """`POST /v1/auth/token`: `{apiKey, apiSecret}` in; `{token, expiration}` out, in Unix seconds."""
        body = await json_object(request)
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

    async def add_patients(self, request: Request) -> Response:
        """`POST /v1/projects/{projectId}/patients`: each row is judged by itself; only a wrong request is refused."""
        client = self._researcher(request)
        rows = rows_of(await json_object(request))
        project = self._active_project(client, request.path_params["project"])
        added = add(rows, project, self.patients, self.new_id)
        self.patients += added.patients
        return JSONResponse(added.answer, self.success_status)

    async def link(self, request: Request) -> Response:
        """`POST /v1/projects/{projectId}/link`: the address of a page, bare, and called HTML."""
        client = self._researcher(request)
        body = await json_object(request)
        wrong = unexpected(body, ("externalId",))
        external_id = body.get("externalId")
        if "externalId" in body and not (isinstance(external_id, str) and external_id):
            wrong.append("externalId must be a non-empty string")
        if wrong:
            raise Refusal(400, wrong)
        project = self._active_project(client, request.path_params["project"])
        if self.consents_on_link:
            self._consent(project, external_id)
        return HTMLResponse(enrollment_link(project, external_id), self.success_status)

    def _consent(self, project: Project, external_id: str | None) -> None:
        """The patients of the simulator open a link as soon as it is made, and sign in with it."""
        for index, patient in enumerate(self.patients):
            is_meant = external_id is not None and patient.external_id == external_id
            if is_meant and patient.project == project.id and patient.consent is None:
                self.patients[index] = replace(patient, consent=Consent())

    async def consents(self, request: Request) -> Response:
        """`POST /v1/consents`: filters in; for each patient the consents that fit them out."""
        client = self._researcher(request)
        body = await json_object(request)
        check_filters(body)
        if (project := project_asked(body)) is not None:
            self._project(client, project)
        mine = [patient for patient in self.patients if patient.organisation == client.organisation]
        asked = patients_asked(body, mine, self._is)
        for patient in asked if len(asked) == 1 else ():
            if patient.fault is not None and (answer := await self._fault(patient.fault)):
                return answer
        numbered = [(self.patients.index(patient) + 1, patient) for patient in asked]
        told = [records(patient, number, body, self.now()) for number, patient in numbered]
        # INFERRED: that nobody is an empty list, where the question of one consent by its address answers 400.
        return JSONResponse([each for each in told if each is not None], self.success_status)

    async def study(self, request: Request) -> Response:
        """`GET /v1/studies/{id}`: what a project is; whoever belongs to it is not told."""
        client = self._researcher(request)
        project = self._project(client, request.path_params["study"])
        return Response() if self.empty_study else JSONResponse(study(project))

    async def everything(self, request: Request) -> Response:
        """`GET /FHIR/R4/Person/{patientId}/$everything`: only of who has consented."""
        client = self._researcher(request)
        asked = read_query(dict(request.query_params))
        id_ = request.path_params["person"]
        patient = next((each for each in self.patients if self._is_person(each, id_)), None)
        if patient is None:
            raise Refusal(404, "Person not found")  # INFERRED
        if patient.fault is not None and (answer := await self._fault(patient.fault)):
            return answer
        consent = patient.consent
        if consent is None or not consent.holds(self.now()) or patient.organisation != client.organisation:
            # INFERRED: the text.
            raise Refusal(self.no_consent_status, "The patient has not consented to your organization")
        base = f"{str(request.base_url).rstrip('/')}/FHIR/R4"
        return JSONResponse(everything(patient, asked, base), media_type="application/fhir+json")

    async def update_data(self, request: Request) -> Response:
        """`POST …/identified-patients/{patientId}/$updateData`, checked in the order that docs/sandbox.md gives."""
        client = self._researcher(request)
        skip_interactive = skip_interactive_of(await json_object(request))
        project = self._active_project(client, request.path_params["project"])
        patient = self._patient(client, project, request.path_params["patient"])
        if patient.fault is not None and (answer := await self._fault(patient.fault)):
            return answer
        return self._outcome(patient, action_needed(patient, skip_interactive=skip_interactive, now=self.now()))

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
        return project

    def _active_project(self, client: Client, project_id: str) -> Project:
        project = self._project(client, project_id)
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
        return asked == patient.reference_id or (asked == patient.patient_id and not self.one_id_each)

    def _is_person(self, patient: Patient, asked: str) -> bool:
        return asked == patient.patient_id or (asked == patient.reference_id and not self.one_id_each)

    async def _fault(self, fault: Fault) -> Response | None:
        if fault == "late":
            await self.sleep(LATE_S)
            return None
        if fault == "unreadable":
            return HTMLResponse("<html><body>Please sign in</body></html>", self.success_status)
        headers = {} if fault == "500" else {"Retry-After": "7"}
        raise Refusal(int(fault), phrase(int(fault)), headers)

    def _outcome(self, patient: Patient, reason: Reason | None) -> Response:
        started = reason is None
        body: dict[str, Json] = {"message": "IN_PROGRESS_NO_ACTION_NEEDED" if started else "PATIENT_ACTION_NEEDED"}
        if self.with_code:
            body["code"] = self.success_status  # INFERRED: which number; the guide says "a numeric status code"
        if not started:
            body["patientActionNeededReason"] = reason
        # INFERRED: nothing was retrieved where the patient must act, so no facility was skipped either.
        counts = counts_of(patient.facilities if started else ())
        if self.answer != "guide":
            body["skippedFacilitiesCount"] = counts["skippedExistingFacilities"] + counts["skippedNewFacilities"]
        if self.answer == "newest":
            body["counts"] = counts
            body |= {"retrievalId": self.new_id()} if started else {}
        return JSONResponse(body, self.success_status)

    async def refused(self, request: Request, refusal: Exception) -> Response:
        """Answer a call that is not carried out, in the words of the server that was asked."""
        assert isinstance(refusal, Refusal)
        if request.url.path.startswith("/FHIR/"):
            return refused_in_fhir(refusal)
        return refused(refusal, self.errors_as)

    async def no_such_route(self, request: Request, error: Exception) -> Response:
        """An unknown path, and an unknown method on a known one, are one thing to NestJS."""
        return await self.refused(request, Refusal(404, f"Cannot {request.method} {request.url.path}"))


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
    errors_as: ErrorsAs = "json",
    one_id_each: bool = False,
    no_consent_status: Literal[401, 403] = 401,
    consents_on_link: bool = True,
    empty_study: bool = False,
) -> Starlette:
    """Return HealthEx with nobody signed in yet. The switches choose where its documents disagree: docs/sandbox.md."""
    healthex = _HealthEx(
        now=now,
        sleep=sleep,
        new_id=new_id,
        patients=list(patients),
        success_status=success_status,
        study_refusal_status=study_refusal_status,
        answer=answer,
        with_code=with_code,
        errors_as=errors_as,
        one_id_each=one_id_each,
        no_consent_status=no_consent_status,
        consents_on_link=consents_on_link,
        empty_study=empty_study,
    )
    update_data = "/v1/projects/{project}/recruitment/identified-patients/{patient}/$updateData"
    app = Starlette(
        routes=[
            Route("/v1/auth/token", healthex.token, methods=["POST"]),
            Route("/v1/projects/{project}/patients", healthex.add_patients, methods=["POST"]),
            Route("/v1/projects/{project}/link", healthex.link, methods=["POST"]),
            Route(update_data, healthex.update_data, methods=["POST"]),
            Route("/v1/consents", healthex.consents, methods=["POST"]),
            Route("/v1/studies/{study}", healthex.study, methods=["GET"]),
            Route("/FHIR/R4/Person/{person}/$everything", healthex.everything, methods=["GET"]),
        ],
        exception_handlers={Refusal: healthex.refused, HTTPException: healthex.no_such_route},
    )
    app.router.redirect_slashes = False  # a path with a slash too many is another path
    return app
