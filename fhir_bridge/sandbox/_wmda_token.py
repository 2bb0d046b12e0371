"""The token endpoint before the simulated WMDA: Azure AD's version 1, for client credentials alone.

WMDA's page "Authentication" states the request, the answer, whose numbers are strings, and that a token for another
environment is refused by the API, not here. The errors are Azure's own: codes that begin with AADSTS.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

TENANT = "c3ab1869-1472-4577-b669-0d64c732e75c"
SEARCH_AND_MATCH = "f6d78a69-c840-46a2-941b-a0e08f9296e7"
"""The resource that WMDA names for the sandbox of Search & Match: what this simulator wants tokens for."""

RESOURCES = frozenset({SEARCH_AND_MATCH, "5df05a6d-8ef0-49fe-9441-62cd9b540376"})
"""What a token can be had for: the sandbox, and production, whose tokens the sandbox refuses."""

SETTINGS = {
    "WMDA_CLIENT_ID": "sandbox-client",
    "WMDA_CLIENT_SECRET": "sandbox-secret",
    "WMDA_RESOURCE": SEARCH_AND_MATCH,
}
"""What a bridge needs to be let in, besides the two URLs."""

LIFETIME_S = 3599


@dataclass(frozen=True, slots=True)
class Client:
    """One registered client. WMDA grants rights on its endpoints apart from the means to get a token."""

    secret: str
    may_call: bool = True


CLIENTS: Mapping[str, Client] = {
    "sandbox-client": Client("sandbox-secret"),
    "client-without-rights": Client("sandbox-secret", may_call=False),
}


@dataclass(frozen=True, slots=True)
class Token:
    """What a token stands for."""

    client: Client
    resource: str
    expires: datetime


class _Error(Exception):
    def __init__(self, status_code: int, error: str, code: int, text: str) -> None:
        super().__init__(status_code, error, code, text)
        self.status_code = status_code
        self.error = error
        self.code = code
        self.text = text


@dataclass(slots=True, kw_only=True)
class TokenEndpoint:
    """Gives out tokens, and knows which of them are still good."""

    now: Callable[[], datetime]
    new_id: Callable[[], str]
    _issued: dict[str, Token] = field(default_factory=dict)

    def valid(self, text: str) -> Token | None:
        """Return what the token `text` stands for; None where it was never given out or has ended."""
        token = self._issued.get(text)
        return token if token is not None and self.now() < token.expires else None

    async def issue(self, request: Request) -> Response:
        """`POST /{tenant}/oauth2/token` with a form; answers a token, or Azure's error."""
        form = dict(parse_qsl((await request.body()).decode("utf-8", "replace"), keep_blank_values=True))
        try:
            client = _client(request, form)
        except _Error as error:
            return self._refused(error)
        now = self.now().replace(microsecond=0)
        token = Token(client, form["resource"], now + timedelta(seconds=LIFETIME_S))
        text = secrets.token_urlsafe(64)
        self._issued[text] = token
        return JSONResponse(
            {
                "token_type": "Bearer",
                "expires_in": str(LIFETIME_S),
                "ext_expires_in": str(LIFETIME_S),
                "expires_on": str(int(token.expires.timestamp())),
                "not_before": str(int(now.timestamp())),
                "resource": token.resource,
                "access_token": text,
            }
        )

    def _refused(self, error: _Error) -> Response:
        body = {
            "error": error.error,
            "error_description": f"AADSTS{error.code}: {error.text}",
            "error_codes": [error.code],
            "timestamp": f"{self.now():%Y-%m-%d %H:%M:%SZ}",
            "trace_id": self.new_id(),
            "correlation_id": self.new_id(),
        }
        return JSONResponse(body, error.status_code)


def _client(request: Request, form: Mapping[str, str]) -> Client:
    """Return who asks for a token, when all of the request is in order; raises _Error."""
    if request.path_params["tenant"] != TENANT:
        raise _Error(400, "invalid_request", 90002, "The tenant was not found.")
    _check_form(request, form)
    client = CLIENTS.get(form["client_id"])
    if client is None:
        raise _Error(400, "unauthorized_client", 700016, "The application was not found in the directory.")
    if client.secret != form["client_secret"]:
        raise _Error(401, "invalid_client", 7000215, "An invalid client secret was provided.")
    if form["resource"] not in RESOURCES:
        raise _Error(400, "invalid_resource", 500011, "The resource principal was not found in the tenant.")
    return client


def _check_form(request: Request, form: Mapping[str, str]) -> None:
    content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    sent = form if content_type == "application/x-www-form-urlencoded" else {}
    for name in ("grant_type", "client_id", "client_secret", "resource"):
        if not sent.get(name):
            raise _Error(400, "invalid_request", 900144, f"The request body must contain the parameter '{name}'.")
    if form["grant_type"] != "client_credentials":
        raise _Error(400, "unsupported_grant_type", 70003, "The grant type is not supported.")
