"""The OAuth 2 service of the simulated eHealth: `POST /oauth/tokens`, and the tokens that it gave out.

"Exchange OAuth code to access token" and "Refresh access token" of the eHealth wiki say what stands in the request,
below an object `token`, and that 201 with the token in `data` is the answer. The pages disagree on details; the
stronger reading is taken everywhere: each attribute that any page calls mandatory must be there, a code and a refresh
token are good for one time, and each answer brings a new refresh token.
"""

# INFERRED: the shape of the token, the statuses and the words, after the published sources of eHealth's first
# authorization service.

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from fhir_bridge.sandbox._ehealth_answers import Invalid, Json, Refusal
from fhir_bridge.sandbox._ehealth_registry import CLINIC_ID, HOSPITAL_ID, TOKENS, Token

CLIENT_SECRET = "sandbox-client-secret"
CLIENTS: Mapping[str, str] = {CLINIC_ID: CLIENT_SECRET, HOSPITAL_ID: "sandbox-hospital-secret"}
"""The secret of each client; a client is a legal entity."""

REDIRECT_URI = "https://mis.example.org/signed-in"
LIFETIME_S = 3600

_COMMON = ("grant_type", "client_id", "client_secret")
REQUIRED: Mapping[str, tuple[str, ...]] = {
    "authorization_code": (*_COMMON, "code", "redirect_uri", "scope"),
    "refresh_token": (*_COMMON, "refresh_token"),
}


@dataclass(frozen=True, slots=True)
class Grant:
    """What a code or a refresh token can be exchanged for: an access token like `token`."""

    type: str
    token: Token = TOKENS["token-good"]
    expired: bool = False


GRANTS: Mapping[str, Grant] = {
    "code-good": Grant("authorization_code"),
    "code-expired": Grant("authorization_code", expired=True),
    "code-of-the-hospital": Grant("authorization_code", TOKENS["token-receptionist"]),
    "refresh-good": Grant("refresh_token"),
    "refresh-expired": Grant("refresh_token", expired=True),
    "refresh-of-the-hospital": Grant("refresh_token", TOKENS["token-receptionist"]),
}
REPEATABLE = ("code-good", "refresh-good")
"""What begins with one of these and a hyphen is as good, once: nobody has to start the simulator anew."""


@dataclass(slots=True, kw_only=True)
class Sessions:
    """Which tokens are good now. `new_id` returns a text that was never used before."""

    now: Callable[[], datetime]
    new_id: Callable[[], str]
    _issued: dict[str, tuple[Token, datetime]] = field(default_factory=dict)
    _grants: dict[str, Grant] = field(default_factory=dict)
    _used: set[str] = field(default_factory=set)

    def find(self, value: str) -> Token | None:
        """Return what an access token stands for; None where it was never given out, or has ended."""
        if value not in self._issued:
            return TOKENS.get(value)
        token, ends = self._issued[value]
        return replace(token, expired=self.now() >= ends)

    def issue(self, body: object) -> Json:
        """Return the `data` of a new access token; raises Refusal 422, 401 and 400."""
        asked = _checked(body)
        if CLIENTS.get(asked["client_id"]) != asked["client_secret"]:
            raise Refusal(401, "Invalid client id or secret.")
        return self._issue(self._redeemed(asked))

    def _redeemed(self, asked: Mapping[str, str]) -> Grant:
        """Return what a code or refresh token can be exchanged for, and use it up."""
        value = asked.get("code") or asked["refresh_token"]
        grant = self._grants.get(value) or GRANTS.get(_family(value))
        if grant is None or grant.type != asked["grant_type"]:
            raise Refusal(401, "Token not found.")
        if grant.token.legal_entity_id != asked["client_id"]:
            raise Refusal(401, "Token not found or expired.")
        if grant.expired:
            raise Refusal(401, "Token expired.")
        if asked.get("redirect_uri", REDIRECT_URI) != REDIRECT_URI:
            raise Refusal(401, "The redirection URI provided does not match a pre-registered value.")
        if value in self._used:
            raise Refusal(401, "Token has already been used.")
        scopes = frozenset(asked.get("scope", "").split()) or grant.token.scopes
        if not scopes <= grant.token.scopes:
            raise Refusal(400, f"Allowed scopes for the token are {', '.join(sorted(grant.token.scopes))}.")
        self._used.add(value)
        return replace(grant, token=replace(grant.token, scopes=scopes))

    def _issue(self, grant: Grant) -> Json:
        token, ends = grant.token, self.now() + timedelta(seconds=LIFETIME_S)
        access, refresh = f"access-{self.new_id()}", f"refresh-{self.new_id()}"
        self._issued[access] = token, ends
        self._grants[refresh] = Grant("refresh_token", token)
        return {
            "id": self.new_id(),
            "name": "access_token",
            "value": access,
            "expires_at": int(ends.timestamp()),
            "user_id": token.user_id,
            "details": {
                "client_id": token.legal_entity_id,
                "grant_type": grant.type,
                "redirect_uri": REDIRECT_URI,
                "refresh_token": refresh,
                "scope": " ".join(sorted(token.scopes)),
            },
        }


def _family(value: str) -> str:
    """Return the grant that `value` is one of: `code-good-2` is a `code-good`."""
    return next((known for known in REPEATABLE if value.startswith(f"{known}-")), value)


def _checked(body: object) -> Mapping[str, str]:
    """Return the attributes of a request; raises Refusal 422 that names each that is missing."""
    token = body.get("token") if isinstance(body, dict) else None
    if not isinstance(token, dict):
        raise _refused([Invalid("$.token", "required", "required property token was not present")])
    grant_type = token.get("grant_type")
    if isinstance(grant_type, str) and grant_type not in REQUIRED:
        raise _refused(
            [Invalid("$.token.grant_type", "inclusion", "value is not allowed in enum", {"values": [*REQUIRED]})]
        )
    required = REQUIRED[grant_type] if isinstance(grant_type, str) else _COMMON
    missing = [name for name in required if not token.get(name) or not isinstance(token[name], str)]
    if missing:
        raise _refused(
            [Invalid(f"$.token.{name}", "required", f"required property {name} was not present") for name in missing]
        )
    return {name: token[name] for name in required}


def _refused(problems: list[Invalid]) -> Refusal:
    return Refusal(422, "Schema validation failed", problems)
