"""`Login`: what each call carries so that the partner knows who calls; all schemes of a connection apply together."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import httpx

from fhir_bridge.connection import (
    HEADER_NAME,
    Bearer,
    ClientCredentials,
    Connection,
    FixedHeaders,
    Forward,
    MutualTls,
    Renewal,
    TokenExchange,
)
from fhir_bridge.exchange import PartnerRequest
from fhir_bridge.gateway.call import is_header_value, is_path
from fhir_bridge.gateway.sessions import Sessions, refresh_token_of
from fhir_bridge.gateway.token import Token, TokenEndpoint, exchange_endpoint, oauth_endpoint
from fhir_bridge.gateway.token_cache import TokenCache
from fhir_bridge.outcome import FhirError, Issue

_BEARER = re.compile(r"Bearer +([!-~]+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Credentials:
    """The headers of one attempt, and the token among them that could be exchanged for a newer one."""

    headers: dict[str, str] = field(repr=False)
    token: Token | None = None


class Login:
    """The credentials of one partner.

    `tokens` keeps the token where its connection has to fetch one, `sessions` what the clients' own were renewed to.
    """

    def __init__(self, connection: Connection, tokens: TokenCache | None, sessions: Sessions) -> None:
        self._fixed = fixed_headers(connection)
        self._anonymous = {name: value for name, value in self._fixed.items() if name.lower() != "authorization"}
        self._forwards = connection.forwards
        self._renewal = connection.renewal
        self._tokens = tokens
        self._sessions = sessions

    async def credentials(self, request: PartnerRequest) -> Credentials:
        """Return what goes with `request`; raises FhirError 401 `login`, or that no token could be had."""
        if request.anonymous:
            return Credentials(self._anonymous)
        if self._tokens is not None:
            return self._with(await self._tokens.current())
        if self._forwards:
            return await self._of_client(request)
        return Credentials(self._fixed)

    async def renewed(self, refused: Credentials, request: PartnerRequest) -> Credentials | None:
        """Return newer credentials than those that the partner answered with 401; None where there are no others."""
        if request.anonymous:
            return None
        if self._tokens is not None and refused.token is not None:
            return self._with(await self._tokens.instead_of(refused.token))
        refresh_token = self._refresh_token(request)
        if refresh_token is None:
            return None
        session = self._sessions.open(refresh_token)
        if refused.token is not None:
            return self._with(await session.tokens.instead_of(refused.token))
        return self._with(await session.instead_of(_forwarded(request)))

    async def _of_client(self, request: PartnerRequest) -> Credentials:
        """The client's own token, or the one that it was renewed to."""
        token, refresh_token = _forwarded(request), self._refresh_token(request)
        session = self._sessions.find(refresh_token) if refresh_token is not None else None
        if session is not None and session.replaces(token):
            return self._with(await session.tokens.current())
        return Credentials({**self._fixed, "Authorization": f"Bearer {token}"})

    def _refresh_token(self, request: PartnerRequest) -> str | None:
        return None if self._renewal is None else refresh_token_of(request, self._renewal)

    def _with(self, token: Token) -> Credentials:
        return Credentials({**self._fixed, "Authorization": f"Bearer {token.value}"}, token)


def _forwarded(request: PartnerRequest) -> str:
    """Return the client's own bearer token; no other scheme is passed on."""
    match = _BEARER.fullmatch((request.client_authorization or "").strip())
    if match is None:
        text = (
            f"The partner {request.partner} asks for the caller's own token: "
            "send it as 'Authorization: Bearer ' and the token."
        )
        raise FhirError(401, Issue("login-required", "login", text), headers={"WWW-Authenticate": "Bearer"})
    return match[1]


def fixed_headers(connection: Connection) -> dict[str, str]:
    """Return the headers that are the same for every call of a connection."""
    headers: dict[str, str] = {}
    for auth in connection.auth:
        if isinstance(auth, FixedHeaders):
            headers |= auth.headers
        elif isinstance(auth, Bearer):
            headers["Authorization"] = f"Bearer {auth.token}"
    return headers


def token_endpoint(connection: Connection) -> TokenEndpoint | None:
    """Return where this connection's token comes from, if it needs one."""
    for auth in connection.auth:
        if isinstance(auth, TokenExchange):
            return exchange_endpoint(connection.partner, connection.base_url, auth, fixed_headers(connection))
        if isinstance(auth, ClientCredentials):
            return oauth_endpoint(connection.partner, auth)
    return None


def problems(connection: Connection) -> list[str]:
    """Return what is wrong with a connection's address and credentials, one line each; quotes no value of either."""
    found = [] if _is_url(connection.base_url) else ["the base URL is not http:// or https:// with a host and a path"]
    for auth in connection.auth:
        match auth:
            case ClientCredentials() if not _is_url(auth.url):
                found.append("the token URL is not http:// or https:// with a host and a path")
            case TokenExchange(path=path) | Forward(Renewal(exchange=TokenExchange(path=path))) if not is_path(path):
                found.append("the path of the token exchange is not a path that begins with /")
            case MutualTls() if not connection.base_url.startswith("https:"):
                found.append("mutual TLS needs a base URL with https://")
            case Bearer() if re.fullmatch(r"[!-~]+", auth.token) is None:
                found.append("the bearer token is empty, or holds what is not visible ASCII")
    return found + _header_problems(connection)


def _header_problems(connection: Connection) -> list[str]:
    found = []
    writers = [
        auth for auth in connection.auth if isinstance(auth, Bearer | Forward | TokenExchange | ClientCredentials)
    ]
    names = [name for auth in connection.auth if isinstance(auth, FixedHeaders) for name in auth.headers]
    if len(writers) + [name.lower() for name in names].count("authorization") > 1:
        found.append("two of its auth schemes write the header Authorization")
    for auth in connection.auth:
        for name, value in auth.headers.items() if isinstance(auth, FixedHeaders) else ():
            if HEADER_NAME.fullmatch(name) is None or not is_header_value(value):
                found.append(f"the header {name!r} cannot be sent: its name or its value is not one line of ASCII")
    return found


def _is_url(text: str) -> bool:
    """Say whether `text` is an address and no more; a user name in it would be a second, hidden login."""
    try:
        url = httpx.URL(text)
    except httpx.InvalidURL:
        return False
    bare = not (url.userinfo or url.query or url.fragment)
    return bare and url.scheme in ("http", "https") and bool(url.host) and 0 < (url.port or 443) < 65536
