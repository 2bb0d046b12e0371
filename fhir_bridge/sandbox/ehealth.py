"""The simulator of eHealth Ukraine: prepersons, merge requests, and the exchange of tokens.

"Create preperson", "Update preperson", "Get preperson by ID" and "Get merge requests" of the eHealth wiki. Checks
stand in the order of those pages; what the pages leave open is marked INFERRED. The prepersons and tokens are listed
in docs/sandbox.md.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Container
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from uuid import uuid4

import anyio
import orjson
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from fhir_bridge.sandbox import _ehealth_oauth as oauth
from fhir_bridge.sandbox._ehealth_answers import Envelopes, Invalid, Json, Refusal
from fhir_bridge.sandbox._ehealth_body import (
    changes,
    created,
    creation_problems,
    creation_schema_problems,
    date_problems,
    schema_problems,
)
from fhir_bridge.sandbox._ehealth_merges import MergeRequests
from fhir_bridge.sandbox._ehealth_registry import (
    API_KEY,
    CLINIC_ID,
    FAULT_IDS,
    FAULTS,
    LATE_ID,
    LATE_S,
    Registry,
    Token,
)

SETTINGS: dict[str, str] = {
    "EHEALTH_ACCESS_TOKEN": "token-good",
    "EHEALTH_API_KEY": API_KEY,
    "EHEALTH_CLIENT_ID": CLINIC_ID,
    "EHEALTH_CLIENT_SECRET": oauth.CLIENT_SECRET,
}
"""The environment variables that let the bridge in."""

# INFERRED: the gateway in front of the services answers for them when they are down, with a page for people.
GATEWAY_PAGE = "<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>"

Sleep = Callable[[float], Awaitable[None]]


def create_app(
    *,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
    sleep: Sleep = anyio.sleep,
    new_id: Callable[[], str] = lambda: str(uuid4()),
    strict_external_id: bool = False,
    block_unverified_party_users: bool = True,
) -> Starlette:
    """Return the simulator with its prepersons as they are at the start.

    `now` returns an aware time, `sleep` waits for seconds, `new_id` returns a new UUID. `strict_external_id` asks for
    the published pattern, which eHealth's own examples break; without it any text will do.
    `block_unverified_party_users` keeps users who are not verified from creating prepersons.
    """
    service = _Service(
        now=now,
        sleep=sleep,
        new_id=new_id,
        strict_external_id=strict_external_id,
        block_unverified_party_users=block_unverified_party_users,
        sessions=oauth.Sessions(now=now, new_id=new_id),
    )
    app = Starlette(
        routes=[
            Route("/oauth/tokens", service.issue_token, methods=["POST"]),
            Route("/api/merge_requests", service.merge_requests, methods=["GET"]),
            Route("/api/merge_requests", service.create_merge_request, methods=["POST"]),
            Route("/api/merge_requests/{id}/actions/approve", service.approve, methods=["PATCH"]),
            Route("/api/merge_requests/{id}/actions/sign", service.sign, methods=["PATCH"]),
            Route("/api/prepersons", service.create, methods=["POST"]),
            Route("/api/prepersons/{id}", service.read, methods=["GET"]),
            Route("/api/prepersons/{id}", service.update, methods=["PATCH"]),
        ],
        exception_handlers={Refusal: service.refused, HTTPException: service.no_route},
    )
    app.router.redirect_slashes = False
    return app


@dataclass(frozen=True, slots=True, kw_only=True)
class _Service:
    """The calls, and the prepersons and sessions behind them."""

    now: Callable[[], datetime]
    sleep: Sleep
    new_id: Callable[[], str]
    strict_external_id: bool
    block_unverified_party_users: bool
    sessions: oauth.Sessions
    registry: Registry = field(default_factory=Registry)
    merges: MergeRequests = field(default_factory=MergeRequests)
    envelopes: Envelopes = field(default_factory=Envelopes)

    async def create(self, request: Request) -> Response:
        """Answer `POST`: 401, 403, 409 for the legal entity and for its services, 422 for the body."""
        body = await request.body()
        token = self._authorize(request, "preperson:write")
        if self.block_unverified_party_users and not token.verified:
            raise Refusal(403, "Access denied. Party is not verified")
        _check_legal_entity(token)
        if not token.inpatient_service:
            raise Refusal(409, "Legal entity does not have appropriate healthcare services")
        at = self.now().astimezone(UTC)
        fields = self._checked_new(_json(request, body), at.date())
        preperson = self.registry.create(fields, id=self.new_id(), at=at, by=token.user_id)
        return self.envelopes.data(request, preperson, 201)  # INFERRED: as every POST of these services

    async def read(self, request: Request) -> Response:
        """Answer `GET`. The status of the legal entity is not looked at here."""
        self._authorize(request, "preperson:read")
        return await self._answer(request, self._find(request, faults=FAULTS.keys() - {409}))

    async def update(self, request: Request) -> Response:
        """Answer `PATCH`: 401, 403, 409, 404, 422 for the state, 422 for the body."""
        body = await request.body()
        token = self._authorize(request, "preperson:write")
        _check_legal_entity(token)
        preperson = self._find(request, faults=FAULTS)
        if str(preperson["status"]).upper() != "ACTIVE":
            raise Refusal(422, "Preperson is not active")
        at = self.now().astimezone(UTC)
        asked = self._checked(_json(request, body), preperson, at.date())
        return await self._answer(request, self.registry.update(preperson, asked, at=at, by=token.user_id))

    async def merge_requests(self, request: Request) -> Response:
        """Answer `GET /api/merge_requests` with those of the caller's own legal entity."""
        token = self._authorize(request, "merge_request:read")
        return self.envelopes.page(request, *self.merges.found(request.query_params, token.legal_entity_id))

    async def create_merge_request(self, request: Request) -> Response:
        """Answer `POST`: somebody thinks that they know who a preperson is."""
        body = await request.body()
        token = self._authorize(request, "merge_request:write")
        made = self.merges.create(
            _json(request, body), self.registry, token, id=self.new_id(), at=self.now().astimezone(UTC)
        )
        return self.envelopes.data(request, made, 201)

    async def approve(self, request: Request) -> Response:
        """Answer `PATCH`: the person has agreed."""
        token = self._authorize(request, "merge_request:write")
        return self._moved(request, "approve", token)

    async def sign(self, request: Request) -> Response:
        """Answer `PATCH`: it is known who the preperson is."""
        token = self._authorize(request, "merge_request:sign")
        return self._moved(request, "sign", token)

    def _moved(self, request: Request, action: str, token: Token) -> Response:
        moved = self.merges.move(request.path_params["id"], action, token, at=self.now())
        return self.envelopes.data(request, moved)

    async def issue_token(self, request: Request) -> Response:
        """Answer `POST /oauth/tokens`; who calls has no access token yet, or none that is good."""
        body = await request.body()
        _check_api_key(request)
        return self.envelopes.data(request, self.sessions.issue(_json(request, body)), 201)

    async def refused(self, request: Request, error: Exception) -> Response:
        """Answer a call that is refused."""
        assert isinstance(error, Refusal)
        if error.status_code == 502:
            return HTMLResponse(GATEWAY_PAGE, 502)
        return self.envelopes.error(request, error)

    async def no_route(self, request: Request, error: Exception) -> Response:
        """Answer a call that eHealth, as it is simulated, does not know."""
        # INFERRED: the services route by method and path at once, so that a wrong method is not found either.
        return self.envelopes.error(request, Refusal(404, "Not found"))

    async def _answer(self, request: Request, preperson: Json) -> Response:
        if preperson["id"] == LATE_ID:
            await self.sleep(LATE_S)
        return self.envelopes.data(request, preperson)

    def _find(self, request: Request, *, faults: Container[int]) -> Json:
        """Return the preperson that the path names; raises Refusal 404, or the one of `faults` that its id provokes."""
        id: str = request.path_params["id"]
        status_code = FAULT_IDS.get(id)
        if status_code is not None and status_code in faults:
            raise Refusal(status_code, FAULTS[status_code])
        return self.registry.find(id)

    def _checked(self, body: object, preperson: Json, today: date) -> Json:
        """Return what `body` changes; raises Refusal 422 that lists every invalid field."""
        # INFERRED: today is the day in UTC, and a broken schema does not hide what is wrong with the dates.
        of_schema = schema_problems(body, strict_external_id=self.strict_external_id)
        of_dates = date_problems(body, preperson, today) if isinstance(body, dict) else []
        return changes(_passed(body, of_schema, of_dates))

    def _checked_new(self, body: object, today: date) -> Json:
        """Return the fields of a new preperson; raises Refusal 422 that lists every invalid field."""
        strict = self.strict_external_id
        of_page = creation_problems(body, today, strict_external_id=strict) if isinstance(body, dict) else []
        return created(_passed(body, creation_schema_problems(body), of_page))

    def _authorize(self, request: Request, scope: str) -> Token:
        """Return the caller's token; raises Refusal 401, then 403."""
        scheme, _, value = request.headers.get("authorization", "").partition(" ")
        token = self.sessions.find(value) if scheme.lower() == "bearer" else None
        if token is None or token.expired:
            raise Refusal(401, "Access token validation failed")
        _check_api_key(request)
        if not token.allows(scope):
            raise Refusal(403, "Invalid scope(s)")
        return token


def _check_api_key(request: Request) -> None:
    if request.headers.get("api-key") != API_KEY:
        raise Refusal(401, "Api-key validation failed")  # INFERRED: the pages ask for the header, without a status


def _check_legal_entity(token: Token) -> None:
    if token.legal_entity_status != "ACTIVE":
        raise Refusal(409, "Legal entity must be ACTIVE")


def _passed(body: object, of_schema: list[Invalid], of_page: list[Invalid]) -> Json:
    """Return the body, when there are no problems with it; raises Refusal 422."""
    if of_schema or of_page:
        raise Refusal(422, "Schema validation failed" if of_schema else "Validation failed", of_schema + of_page)
    assert isinstance(body, dict)
    return body


def _json(request: Request, body: bytes) -> object:
    """Return the body's JSON; raises Refusal 415 and 400."""
    # INFERRED: both statuses, and that they come so late: nothing that the page checks before needs the body.
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "application/json":
        raise Refusal(415, "Content-Type must be application/json")
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        raise Refusal(400, "The body is not JSON") from None
