"""The simulator of eHealth Ukraine: `GET` and `PATCH /api/prepersons/{id}`.

"Update preperson" and "Get preperson by ID" of the eHealth wiki. Checks stand in the order of those pages; what
the pages leave open is marked INFERRED. The prepersons and tokens are listed in docs/sandbox.md.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Container
from dataclasses import dataclass, field
from datetime import UTC, date, datetime

import anyio
import orjson
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from fhir_bridge.sandbox._ehealth_answers import Envelopes, Json, Refusal
from fhir_bridge.sandbox._ehealth_body import changes, date_problems, schema_problems
from fhir_bridge.sandbox._ehealth_registry import API_KEY, FAULT_IDS, FAULTS, LATE_ID, LATE_S, TOKENS, Registry, Token

SETTINGS: dict[str, str] = {"EHEALTH_ACCESS_TOKEN": "token-good", "EHEALTH_API_KEY": API_KEY}
"""The environment variables that let the bridge in."""

# INFERRED: the gateway in front of the services answers for them when they are down, with a page for people.
GATEWAY_PAGE = "<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>"

Sleep = Callable[[float], Awaitable[None]]


def create_app(
    *,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
    sleep: Sleep = anyio.sleep,
    strict_external_id: bool = False,
) -> Starlette:
    """Return the simulator with its prepersons as they are at the start.

    `now` returns an aware time, `sleep` waits for seconds. `strict_external_id` asks for the published pattern,
    which eHealth's own examples break; without it any text will do.
    """
    service = _Service(now=now, sleep=sleep, strict_external_id=strict_external_id)
    app = Starlette(
        routes=[
            Route("/api/prepersons/{id}", service.read, methods=["GET"]),
            Route("/api/prepersons/{id}", service.update, methods=["PATCH"]),
        ],
        exception_handlers={Refusal: service.refused, HTTPException: service.no_route},
    )
    app.router.redirect_slashes = False
    return app


@dataclass(frozen=True, slots=True)
class _Service:
    """The two calls and the prepersons behind them."""

    now: Callable[[], datetime]
    sleep: Sleep
    strict_external_id: bool
    registry: Registry = field(default_factory=Registry)
    envelopes: Envelopes = field(default_factory=Envelopes)

    async def read(self, request: Request) -> Response:
        """Answer `GET`. The status of the legal entity is not looked at here."""
        _authorize(request, "preperson:read")
        return await self._answer(request, self._find(request, faults=FAULTS.keys() - {409}))

    async def update(self, request: Request) -> Response:
        """Answer `PATCH`: 401, 403, 409, 404, 422 for the state, 422 for the body."""
        body = await request.body()
        token = _authorize(request, "preperson:write")
        if token.legal_entity_status != "ACTIVE":
            raise Refusal(409, "Legal entity must be ACTIVE")
        preperson = self._find(request, faults=FAULTS)
        if str(preperson["status"]).upper() != "ACTIVE":
            raise Refusal(422, "Preperson is not active")
        at = self.now().astimezone(UTC)
        asked = self._checked(_json(request, body), preperson, at.date())
        return await self._answer(request, self.registry.update(preperson, asked, at=at, by=token.user_id))

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
        if of_schema or of_dates:
            message = "Schema validation failed" if of_schema else "Validation failed"
            raise Refusal(422, message, of_schema + of_dates)
        assert isinstance(body, dict)
        return changes(body)


def _authorize(request: Request, scope: str) -> Token:
    """Return the caller's token; raises Refusal 401, then 403."""
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    token = TOKENS.get(value) if scheme.lower() == "bearer" else None
    if token is None or token.expired:
        raise Refusal(401, "Access token validation failed")
    if request.headers.get("api-key") != API_KEY:
        raise Refusal(401, "Api-key validation failed")  # INFERRED: the page asks for the header, without a status
    if not token.allows(scope):
        raise Refusal(403, "Invalid scope(s)")
    return token


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
