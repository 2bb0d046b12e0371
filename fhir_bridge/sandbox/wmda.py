"""WMDA Search & Match as a registry meets it: a token from Azure, then patients, their searches and statuses.

Follows https://share.wmda.info/display/P1MCPUB/ (Patient Administration, Search, Authentication); what no page
states is marked `# INFERRED`.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from itertools import count
from typing import Literal
from uuid import uuid4

import anyio
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from fhir_bridge.sandbox import _wmda_patients as registry
from fhir_bridge.sandbox._phrases import phrase
from fhir_bridge.sandbox._wmda_problems import (
    Json,
    Problem,
    Unreadable,
    check,
    json_object,
    unknown_fields,
    wrong_code,
    wrong_integer,
)
from fhir_bridge.sandbox._wmda_record import FIELDS, wrong_in_record
from fhir_bridge.sandbox._wmda_token import SEARCH_AND_MATCH, SETTINGS, TENANT, TokenEndpoint

__all__ = ["REASONS", "SETTINGS", "TENANT", "create_app"]

LATE_S = 20
"""How long patient 900504 keeps a caller waiting, in seconds: longer than the bridge waits for any call."""

REASONS = frozenset({
    "ATX", "RMT", "UMT", "RCT", "UCT", "RPT", "UPT", "GCC", "BCC", "PDC",
    "PAT", "PPR", "ICH", "FND", "NDF", "NPH", "NML", "RCM", "OTH", "UNK",
})  # fmt: skip
"""Values of `changeReason`. INFERRED: the page says that there are 21; these are the 20 of EMDIS' REASON_CHNG."""

STATUSES = ("NEW", "PRE", "ACT", "SUS", "STP")
_NEW_STATUSES = STATUSES[1:]


@dataclass(slots=True, kw_only=True)
class _SearchAndMatch:
    """The state of one simulator: its switches, its tokens and its patients as they have become."""

    now: Callable[[], datetime]
    sleep: Callable[[float], Awaitable[None]]
    new_id: Callable[[], str]
    tokens: TokenEndpoint
    patients: dict[int, registry.Patient]
    status_key: str
    refused_transition_status: int
    reasons: Collection[str]
    least_loci: Collection[str]
    search_ids: count[int] = field(default_factory=partial(count, 1))
    wmda_ids: count[int] = field(default_factory=partial(count, 200001))

    async def create(self, request: Request) -> Response:
        """`POST /patients`: a record in; `{wmdaId}` out. The same person may be there any number of times."""
        self._authorize(request)
        body = await json_object(request)
        check({**self._wrong_in_record(body), **unknown_fields(body, FIELDS)})
        patient = registry.new_patient(next(self.wmda_ids), body, self.now())
        self._keep(patient)
        return JSONResponse({"wmdaId": patient.wmda_id}, 201)

    async def update(self, request: Request) -> Response:
        """`PUT /patients`: the whole record with its wmdaId in; nothing out. What is not in it is gone."""
        self._authorize(request)
        body = await json_object(request)
        unknown = unknown_fields(body, {"wmdaId", *FIELDS})
        check({"wmdaId": wrong_integer("wmdaId", body.get("wmdaId")), **self._wrong_in_record(body), **unknown})
        patient = await self._patient(body["wmdaId"])
        check({"patientId": _wrong_patient_id(patient.record["patientId"], body.get("patientId"))})
        self._keep(registry.rewritten(patient, body, self.now()))
        return Response(status_code=204)

    def _wrong_in_record(self, body: Mapping[str, Json]) -> dict[str, str | None]:
        return wrong_in_record(body, self.now().date(), least_loci=self.least_loci)

    async def list_patients(self, request: Request) -> Response:
        """`GET /patients?limit=&offset=&status=`, names in any case: a page of those who are there, by wmdaId.

        INFERRED: to be in a list is no look; the 42 days go on.
        """
        self._authorize(request)
        query = {name.lower(): value for name, value in request.query_params.items()}
        check(_wrong_in_list(query))
        if query.get("onlymypatients", "").lower() == "true":
            raise Problem(403, "Only a user has patients of their own.")  # INFERRED: a machine's token names no user
        statuses = query["status"].split("|") if query.get("status") else STATUSES
        limit, offset = int(query.get("limit", "100")), int(query.get("offset", "0"))
        there = (registry.settled(self.patients[wmda_id], self.now()) for wmda_id in sorted(self.patients))
        found = [patient for patient in there if patient is not None and patient.status in statuses]
        paging = {"limit": limit, "offset": offset, "totalCount": len(found)}
        return JSONResponse(
            {"paging": paging, "patients": [registry.listed(patient) for patient in found[offset : offset + limit]]}
        )

    async def change_status(self, request: Request) -> Response:
        """`PUT /patients/status`: `{wmdaId, newStatus, changeReason?}` in; `{wmdaId, status, changeReason}` out."""
        self._authorize(request)
        body = await json_object(request)
        check(_wrong_in_status_change(body, self.reasons))
        patient = await self._patient(body["wmdaId"])
        new_status = body["newStatus"]
        if not registry.may_become(patient, new_status):
            detail = f"Status change from {patient.status} to {new_status} is not allowed."
            raise Problem(self.refused_transition_status, detail)  # INFERRED: status and text
        self._keep(registry.moved(patient, new_status, self.now()))
        reason = body.get("changeReason")
        return JSONResponse({"wmdaId": patient.wmda_id, self.status_key: new_status, "changeReason": reason})

    async def start_search(self, request: Request) -> Response:
        """`POST /searches`: `{wmdaId, matchEngine, searchType, …}` in; `{searchId}` out. Moves NEW to PRE."""
        self._authorize(request)
        body = await json_object(request)
        check(_wrong_in_search(body))
        patient = await self._patient(body["wmdaId"])
        if patient.status == "STP":
            raise Problem(400, "A search cannot be started for a patient in status STP.")  # INFERRED
        status: registry.Status = "PRE" if patient.status == "NEW" else patient.status
        self._keep(replace(registry.moved(patient, status, self.now()), searched=True))
        return JSONResponse({"searchId": next(self.search_ids)}, 201)

    async def read(self, request: Request) -> Response:
        """`GET /patients/{wmdaId}`: the whole record. To look at a patient is to care: the 42 days begin again."""
        self._authorize(request)
        asked = request.path_params["wmda_id"]
        if not re.fullmatch("[0-9]{1,10}", asked):
            raise Problem(400, errors={"wmdaId": [f"The value '{asked}' is not valid."]})
        patient = await self._patient(int(asked))
        patient = registry.looked_at(patient, self.now())
        self._keep(patient)
        return JSONResponse(registry.whole(patient))

    def _authorize(self, request: Request) -> None:
        scheme, _, text = request.headers.get("authorization", "").partition(" ")
        token = self.tokens.valid(text.strip()) if scheme.lower() == "bearer" else None
        if token is None:
            raise Problem(401, headers={"WWW-Authenticate": "Bearer"})
        if token.resource != SEARCH_AND_MATCH:
            raise Problem(403, "The token was issued for another environment.")
        if not token.client.may_call:
            raise Problem(403, "The client has no rights on this endpoint.")

    async def _patient(self, wmda_id: int) -> registry.Patient:
        """Return the patient as time has left it; raises what the patient's fault is, if there is one."""
        patient = self.patients.get(wmda_id)
        patient = patient and registry.settled(patient, self.now())
        if patient is None:
            raise Problem(404, f"Patient {wmda_id} was not found.")  # INFERRED
        if fault := registry.FAULTS.get(wmda_id):
            await self._fail(fault)
        return patient

    async def _fail(self, fault: registry.Fault) -> None:
        if fault == "late":
            await self.sleep(LATE_S)
        elif fault == "unreadable":
            raise Unreadable
        else:
            raise Problem(int(fault), headers={} if fault == "500" else {"Retry-After": "7"})

    def _keep(self, patient: registry.Patient) -> None:
        self.patients[patient.wmda_id] = patient

    async def problem(self, request: Request, error: Exception) -> Response:
        """Answer with application/problem+json, as ASP.NET does; INFERRED, since no error body is published."""
        assert isinstance(error, Problem | HTTPException)
        title = phrase(error.status_code)
        body: dict[str, Json] = {"type": "about:blank", "title": title, "status": error.status_code}
        if isinstance(error, Problem):
            body |= {"detail": error.detail} if error.detail else {}
            if error.errors:
                body |= {"title": "One or more validation errors occurred.", "errors": error.errors}
        body["traceId"] = self.new_id()
        return JSONResponse(body, error.status_code, error.headers, "application/problem+json")

    async def page(self, request: Request, error: Exception) -> Response:
        """Answer as something between bridge and partner might: with success, and in HTML."""
        return HTMLResponse("<html><body>Please sign in</body></html>")


def _wrong_patient_id(old: str | None, new: str | None) -> str | None:
    return None if old is None or new in (None, old) else "The patientId is set already and cannot be changed."


def _wrong_in_list(query: Mapping[str, str]) -> dict[str, str | None]:
    """Return, for each parameter of a list, by its name in small letters, what is wrong with it or None."""
    wrong: dict[str, str | None] = {}
    for name, pattern in (("limit", "[1-9][0-9]{0,8}"), ("offset", "[0-9]{1,9}")):  # INFERRED: no limit of 0
        if not re.fullmatch(pattern, query.get(name, "1")):
            wrong[name] = f"The value '{query[name]}' is not valid."
    for status in query["status"].split("|") if query.get("status") else ():
        if status not in STATUSES:
            wrong["status"] = f"The value '{status}' is not valid."
    return wrong


def _wrong_in_status_change(body: Mapping[str, Json], reasons: Collection[str]) -> dict[str, str | None]:
    """Return, for each field of a status change, what is wrong with it or None."""
    return {
        "wmdaId": wrong_integer("wmdaId", body.get("wmdaId")),
        "newStatus": wrong_code("newStatus", body.get("newStatus"), _NEW_STATUSES),
        "changeReason": _wrong_reason(body, reasons),
        **unknown_fields(body, {"wmdaId", "newStatus", "changeReason"}),
    }


def _wrong_reason(body: Mapping[str, Json], reasons: Collection[str]) -> str | None:
    reason = body.get("changeReason")
    if reason is not None:
        return wrong_code("changeReason", reason, reasons)
    if body.get("newStatus") == "STP":
        return "The changeReason field is required when newStatus is STP."
    return None


_OPTIONAL_IN_SEARCH = {
    "overallMismatches",
    "lociToBeConsidered",
    "isCbuAbLowDrb1HighResolution",
    "searchOnlyOwnIon",
}


def _wrong_in_search(body: Mapping[str, Json]) -> dict[str, str | None]:
    """Return, for each field of a new search, what is wrong with it or None."""
    mismatches = body.get("overallMismatches")
    return {
        "wmdaId": wrong_integer("wmdaId", body.get("wmdaId")),
        "matchEngine": wrong_code("matchEngine", body.get("matchEngine"), (2, 3)),  # HAP-E, ATLAS
        # INFERRED: CB for cords; the page says that there are two types and names DR, donors.
        "searchType": wrong_code("searchType", body.get("searchType"), ("DR", "CB")),
        # INFERRED: 0 to 7; the page says that there are eight values, and that 0 is the default.
        "overallMismatches": None if mismatches is None else wrong_code("overallMismatches", mismatches, range(8)),
        **{name: _wrong_flag(body.get(name)) for name in ("isCbuAbLowDrb1HighResolution", "searchOnlyOwnIon")},
        **unknown_fields(body, {"wmdaId", "matchEngine", "searchType", *_OPTIONAL_IN_SEARCH}),
    }


def _wrong_flag(value: Json) -> str | None:
    return (
        None if value is None or isinstance(value, bool) else "The JSON value could not be converted to System.Boolean."
    )


def create_app(
    *,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
    sleep: Callable[[float], Awaitable[None]] = anyio.sleep,
    new_id: Callable[[], str] = lambda: str(uuid4()),
    status_key: Literal["status", "newStatus"] = "status",
    refused_transition_status: Literal[400, 409, 422] = 400,
    reasons: Collection[str] = REASONS,
    least_loci: Collection[str] = ("a", "b", "drb1"),
) -> Starlette:
    """Return WMDA with its patients as they are at the start, and the token endpoint that belongs to it.

    The switches choose where its documents disagree: docs/sandbox.md.
    """
    tokens = TokenEndpoint(now=now, new_id=new_id)
    wmda = _SearchAndMatch(
        now=now,
        sleep=sleep,
        new_id=new_id,
        tokens=tokens,
        patients=registry.patients(now()),
        status_key=status_key,
        refused_transition_status=refused_transition_status,
        reasons=reasons,
        least_loci=least_loci,
    )
    app = Starlette(
        routes=[
            Route("/{tenant}/oauth2/token", tokens.issue, methods=["POST"]),
            Route("/api/v2/patients", wmda.create, methods=["POST"]),
            Route("/api/v2/patients", wmda.update, methods=["PUT"]),
            Route("/api/v2/patients", wmda.list_patients, methods=["GET"]),
            Route("/api/v2/patients/status", wmda.change_status, methods=["PUT"]),
            Route("/api/v2/patients/{wmda_id}", wmda.read, methods=["GET"]),
            Route("/api/v2/searches", wmda.start_search, methods=["POST"]),
        ],
        exception_handlers={Problem: wmda.problem, HTTPException: wmda.problem, Unreadable: wmda.page},
    )
    app.router.redirect_slashes = False  # a path with a slash too many is another path
    return app
