"""Keeps the sessions of users alive, whose own tokens go to the partner: one that has run out is renewed.

A client goes on sending the pair of tokens that it has; what they were renewed to is kept here, and nowhere else, under
a hash of the client's refresh token. https://www.rfc-editor.org/rfc/rfc6749#section-6
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from hashlib import sha256
from typing import NamedTuple

from fhir_bridge.connection import Connection, Renewal
from fhir_bridge.exchange import PartnerRequest, PartnerResponse
from fhir_bridge.gateway.token import Token, TokenEndpoint, exchange_endpoint, field_of, json_object, read_token
from fhir_bridge.gateway.token_cache import TokenCache
from fhir_bridge.outcome import FhirError, Issue

MAX_SESSIONS = 10_000
"""How many sessions are kept; of more, the one that was not used for the longest time is forgotten."""

_REFRESH_TOKEN = re.compile(r"[!-~]{1,4096}")


class Renewed(NamedTuple):
    """What a session goes on with. `refresh_token` is None where the one that was used stays good."""

    token: Token
    refresh_token: str | None


Renew = Callable[[str], Awaitable[Renewed]]
"""Exchanges a refresh token at the partner; raises FhirError, 401 where the partner refuses it."""


class Session:
    """One user's session: the tokens that are good now, and which access token of the client they stand for."""

    def __init__(self, refresh_token: str, renew: Renew, now: Callable[[], float]) -> None:
        self.tokens = TokenCache(self._fetch, now)
        self._refresh_token = refresh_token
        self._renew = renew
        self._outdated = b""

    def replaces(self, token: str) -> bool:
        """Whether the partner has refused this access token of the client already."""
        return _hash(token) == self._outdated

    async def instead_of(self, token: str) -> Token:
        """Return what goes in the place of the client's own access token, which the partner has just refused."""
        renewed = await self.tokens.current()
        self._outdated = _hash(token)
        return renewed

    async def _fetch(self) -> Token:
        renewed = await self._renew(self._refresh_token)
        self._refresh_token = renewed.refresh_token or self._refresh_token
        return renewed.token


class Sessions:
    """The sessions at one partner, by the refresh tokens that clients hand in."""

    def __init__(self, renew: Renew, now: Callable[[], float]) -> None:
        self._renew = renew
        self._now = now
        self._sessions: OrderedDict[bytes, Session] = OrderedDict()

    def find(self, refresh_token: str) -> Session | None:
        """Return the session that a refresh token has begun, if its tokens were renewed here."""
        key = _hash(refresh_token)
        if key in self._sessions:
            self._sessions.move_to_end(key)
        return self._sessions.get(key)

    def open(self, refresh_token: str) -> Session:
        """Return the session of a refresh token, a new one where there is none."""
        session = self.find(refresh_token)
        if session is None:
            session = self._sessions[_hash(refresh_token)] = Session(
                refresh_token, self._renew_or_end(refresh_token), self._now
            )
        if len(self._sessions) > MAX_SESSIONS:
            self._sessions.popitem(last=False)
        return session

    def _renew_or_end(self, begun_with: str) -> Renew:
        """Return how a session is renewed; it ends where the partner refuses to."""

        async def renew(refresh_token: str) -> Renewed:
            try:
                return await self._renew(refresh_token)
            except FhirError as error:
                if error.status_code == 401:
                    self._sessions.pop(_hash(begun_with), None)
                raise

        return renew


def _hash(token: str) -> bytes:
    return sha256(token.encode()).digest()


def refresh_token_of(request: PartnerRequest, renewal: Renewal) -> str | None:
    """Return the refresh token that the client handed in; raises FhirError 400 for what cannot be one."""
    token = request.client_refresh_token
    if token is not None and _REFRESH_TOKEN.fullmatch(token) is None:
        text = "A refresh token is one word of visible ASCII, at most 4096 characters; send it alone."
        raise FhirError(400, Issue("invalid-header", "value", text, f"http.{renewal.header}"))
    return token


def renewal_endpoint(
    connection: Connection, renewal: Renewal, fixed: Mapping[str, str], refresh_token: str
) -> TokenEndpoint:
    """Return where a refresh token is exchanged. It may be good for one time, so the call is not repeated."""
    body = {**renewal.exchange.body, renewal.refresh_at: refresh_token}
    exchange = replace(renewal.exchange, body=body)
    return replace(exchange_endpoint(connection.partner, connection.base_url, exchange, dict(fixed)), repeat="unsent")


def read_renewed(response: PartnerResponse, endpoint: TokenEndpoint, renewal: Renewal, now: float) -> Renewed:
    """Return the new tokens. Raises FhirError 401 where the refresh token is refused, else as `read_token`."""
    if response.status_code in (400, 401, 403):
        text = (
            f"The partner {endpoint.partner} refused the refresh token as well, with status {response.status_code}: "
            "let the user log in again, and send the new tokens. The call itself was not carried out."
        )
        issue = Issue("partner-credentials-refused", "login", text, f"http.{renewal.header}")
        raise FhirError(401, issue, headers={"WWW-Authenticate": "Bearer"})
    token = read_token(response, endpoint, now)
    following = field_of(json_object(response.body), renewal.next_at) if renewal.next_at is not None else None
    return Renewed(token, following if isinstance(following, str) and following else None)
