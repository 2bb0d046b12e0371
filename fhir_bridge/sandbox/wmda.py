"""WMDA Search & Match as a registry meets it: a token from Azure, then a patient's search status.

Follows https://share.wmda.info/display/P1MCPUB/ (Patient Administration, Search, Authentication); what no page
states is marked `# INFERRED`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from http import HTTPStatus
from itertools import count
from typing import Any, Literal
from uuid import uuid4

import anyio
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from fhir_bridge.sandbox import _wmda_patients as registry
from fhir_bridge.sandbox._wmda_token import SEARCH_AND_MATCH, SETTINGS, TENANT, TokenEndpoint

__all__ = ["REASONS", "SETTINGS", "TENANT", "create_app"]

Json = Any
"""A plain JSON value."""

LATE_S = 20
"""How long patient 900504 keeps a caller waiting, in seconds: longer than the bridge waits for any call."""

REASONS = frozenset({
    "ATX", "RMT", "UMT", "RCT", "UCT", "RPT", "UPT", "GCC", "BCC", "PDC",
    "PAT", "PPR", "ICH", "FND", "NDF", "NPH", "NML", "RCM", "OTH", "UNK",
})  # fmt: skip
"""Values of `changeReason`. INFERRED: the page says that there are 21; these are the 20 of EMDIS' REASON_CHNG."""

_NEW_STATUSES = ("SUS", "PRE", "ACT", "STP")
_INT32_MAX = 2**31 - 1  # INFERRED: `wmdaId` is an "integer", in .NET's words int32


class Problem(Exception):
    """A call that WMDA does not carry out; `errors` lists what is wrong with each field of the request."""

    def __init__(
        self,
        status_code: int,
        detail: str | None = None,
        *,
        errors: Mapping[str, list[str]] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(status_code, detail)
        self.status_code = status_code
        self.detail = detail
        self.errors = errors
        self.headers = headers


class Unreadable(Exception):
    """A call that seems to go well, but whose answer is a page for a browser."""


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
    search_ids: count[int] = field(default_factory=partial(count, 1))

    async def change_status(self, request: Request) -> Response:
        """`PUT /patients/status`: `{wmdaId, newStatus, changeReason?}` in; `{wmdaId, status, changeReason}` out."""
        self._authorize(request)
        body = await _json_object(request)
        _check(_wrong_in_status_change(body, self.reasons))
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
        body = await _json_object(request)
        _check(_wrong_in_search(body))
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
        self._keep(replace(patient, active_at=self.now()))
        return JSONResponse(registry.record(patient))

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
        phrase = HTTPStatus(error.status_code).phrase
        body: dict[str, Json] = {"type": "about:blank", "title": phrase, "status": error.status_code}
        if isinstance(error, Problem):
            body |= {"detail": error.detail} if error.detail else {}
            if error.errors:
                body |= {"title": "One or more validation errors occurred.", "errors": error.errors}
        body["traceId"] = self.new_id()
        return JSONResponse(body, error.status_code, error.headers, "application/problem+json")

    async def page(self, request: Request, error: Exception) -> Response:
        """Answer as something between bridge and partner might: with success, and in HTML."""
        return HTMLResponse("<html><body>Please sign in</body></html>")


async def _json_object(request: Request) -> dict[str, Json]:
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    # One client in use sends updates as json-patch+json with a plain JSON body; ASP.NET reads any application/*+json.
    if not re.fullmatch(r"application/(.+\+)?json", media_type):
        raise Problem(415)  # INFERRED
    content = await request.body()
    if not content:
        raise Problem(400, errors={"": ["A non-empty request body is required."]})
    try:
        body = json.loads(content)
    except ValueError:
        raise Problem(400, errors={"$": ["The body is not valid JSON."]}) from None
    if not isinstance(body, dict):
        raise Problem(400, errors={"$": ["The JSON value could not be converted."]})
    return body


def _check(wrong: Mapping[str, str | None]) -> None:
    if errors := {name: [text] for name, text in wrong.items() if text is not None}:
        raise Problem(400, errors=errors)


def _wrong_in_status_change(body: Mapping[str, Json], reasons: Collection[str]) -> dict[str, str | None]:
    """Return, for each field of a status change, what is wrong with it or None."""
    return {
        "wmdaId": _wrong_integer("wmdaId", body.get("wmdaId")),
        "newStatus": _wrong_code("newStatus", body.get("newStatus"), _NEW_STATUSES),
        "changeReason": _wrong_reason(body, reasons),
        **_unknown_fields(body, {"wmdaId", "newStatus", "changeReason"}),
    }


def _wrong_reason(body: Mapping[str, Json], reasons: Collection[str]) -> str | None:
    reason = body.get("changeReason")
    if reason is not None:
        return _wrong_code("changeReason", reason, reasons)
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
    """Return, for each field of a new search, what is wrong with it or None; optional ones are not looked at."""
    return {
        "wmdaId": _wrong_integer("wmdaId", body.get("wmdaId")),
        "matchEngine": _wrong_code("matchEngine", body.get("matchEngine"), (2, 3)),  # HAP-E, ATLAS
        # INFERRED: CB for cords; the page says that there are two types and names DR, donors.
        "searchType": _wrong_code("searchType", body.get("searchType"), ("DR", "CB")),
        **_unknown_fields(body, {"wmdaId", "matchEngine", "searchType", *_OPTIONAL_IN_SEARCH}),
    }


def _wrong_integer(name: str, value: Json) -> str | None:
    if value is None:
        return f"The {name} field is required."
    if type(value) is not int or not -_INT32_MAX <= value <= _INT32_MAX:
        return "The JSON value could not be converted to System.Int32."
    return None


def _wrong_code(name: str, value: Json, allowed: Collection[str | int]) -> str | None:
    if value is None:
        return f"The {name} field is required."
    if type(value) not in (str, int) or value not in allowed:
        return f"The field {name} has a value that is not allowed."
    return None


def _unknown_fields(body: Mapping[str, Json], known: Collection[str]) -> dict[str, str | None]:
    # INFERRED: that such a field is refused, as WMDA's messaging API does; it brings a misspelt one to light.
    return {name: f"The field {name} is not known." for name in body if name not in known}


def create_app(
    *,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
    sleep: Callable[[float], Awaitable[None]] = anyio.sleep,
    new_id: Callable[[], str] = lambda: str(uuid4()),
    status_key: Literal["status", "newStatus"] = "status",
    refused_transition_status: Literal[400, 409, 422] = 400,
    reasons: Collection[str] = REASONS,
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
    )
    app = Starlette(
        routes=[
            Route("/{tenant}/oauth2/token", tokens.issue, methods=["POST"]),
            Route("/api/v2/patients/status", wmda.change_status, methods=["PUT"]),
            Route("/api/v2/patients/{wmda_id}", wmda.read, methods=["GET"]),
            Route("/api/v2/searches", wmda.start_search, methods=["POST"]),
        ],
        exception_handlers={Problem: wmda.problem, HTTPException: wmda.problem, Unreadable: wmda.page},
    )
    app.router.redirect_slashes = False  # a path with a slash too many is another path
    return app
