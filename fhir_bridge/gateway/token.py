"""How a token is fetched, and what an answer says of its end.

OAuth 2 client credentials: https://www.rfc-editor.org/rfc/rfc6749#section-4.4
"""

from __future__ import annotations

import base64
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import urlencode

import orjson

from fhir_bridge.connection import ClientCredentials, TokenExchange
from fhir_bridge.exchange import PartnerResponse, Repeat
from fhir_bridge.gateway import failure
from fhir_bridge.gateway.call import Call
from fhir_bridge.gateway.retry import told_wait_s
from fhir_bridge.outcome import ErrorCode, FhirError, Issue, IssueCode, Json

_SKEW_S = 60.0
# RFC 6749 section 5.1 recommends `expires_in`, and promises nothing where it is absent.
_UNSTATED_LIFETIME_S = 300.0
_TOKEN = re.compile(r"[!-~]+")
# RFC 6749 section 5.2: safe to repeat, unlike the free text beside it, which may quote what was sent.
_OAUTH_ERRORS = (
    "invalid_request",
    "invalid_client",
    "invalid_grant",
    "unauthorized_client",
    "unsupported_grant_type",
    "invalid_scope",
)
_FAILURES: dict[int, tuple[int, ErrorCode, IssueCode]] = {
    429: (429, "partner-throttled", "throttled"),
    502: (502, "partner-error", "transient"),
    503: (503, "partner-error", "transient"),
    504: (504, "partner-too-late", "timeout"),
}


@dataclass(frozen=True, slots=True)
class Token:
    """A token, and the Unix time in seconds from which it is not handed out any more."""

    value: str = field(repr=False)
    refresh_at: float


@dataclass(frozen=True, slots=True)
class TokenEndpoint:
    """Where a token comes from, and where in the answer it is; what has the name of a part of `TokenExchange` is it."""

    partner: str
    url: str
    headers: dict[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    token_at: str
    expires_at: str | None
    expires_as: Literal["epoch_s", "lifetime_s"]
    lifetime_s: float
    repeat: Repeat = "safe"

    def call(self) -> Call:
        """Return the call that fetches a token; it may be repeated where it changes nothing."""
        to = f"The token endpoint of the partner {self.partner}"
        return Call(
            to=to,
            method="POST",
            url=self.url,
            headers=self.headers,
            body=self.body,
            repeat=self.repeat,
            for_token=True,
        )


def exchange_endpoint(partner: str, base_url: str, exchange: TokenExchange, fixed: dict[str, str]) -> TokenEndpoint:
    """Return the endpoint that takes JSON below the partner's base URL, and so the partner's `fixed` headers too."""
    return TokenEndpoint(
        partner=partner,
        url=base_url + exchange.path,
        headers={**fixed, "Accept": "application/json", "Content-Type": "application/json"},
        body=orjson.dumps(_nested(exchange.body)),
        token_at=exchange.token_at,
        expires_at=exchange.expires_at,
        expires_as=exchange.expires_as,
        lifetime_s=exchange.lifetime_s,
    )


def _nested(fields: Mapping[str, str]) -> Json:
    """Return `{"a.b": "c"}` as `{"a": {"b": "c"}}`."""
    body: dict[str, Json] = {}
    for name, value in fields.items():
        node = body
        *around, last = name.split(".")
        for key in around:
            node = node.setdefault(key, {})
        node[last] = value
    return body


def oauth_endpoint(partner: str, credentials: ClientCredentials) -> TokenEndpoint:
    """Return the endpoint that takes a form, at a URL of its own: it gets none of the partner's other headers."""
    form = {
        "grant_type": "client_credentials",
        "client_id": credentials.client_id,
        "client_secret": credentials.client_secret,
        **credentials.form,
    }
    return TokenEndpoint(
        partner=partner,
        url=credentials.url,
        headers={"Accept": "application/json", "Content-Type": "application/x-www-form-urlencoded"},
        body=urlencode(form).encode(),
        token_at="access_token",
        expires_at="expires_in",
        expires_as="lifetime_s",
        lifetime_s=_UNSTATED_LIFETIME_S,
    )


def read_token(response: PartnerResponse, endpoint: TokenEndpoint, now: float) -> Token:
    """Return the token of the answer. Raises FhirError: 502 `login` where our credentials were refused,
    429, 503 and 504 as they came, 502 for all else.
    """
    if not 200 <= response.status_code < 300:
        raise _refused(response, endpoint.call(), now)
    answer = json_object(response.body)
    token = field_of(answer, endpoint.token_at)
    if not isinstance(token, str) or _TOKEN.fullmatch(token) is None:
        raise failure.unreadable(endpoint.call(), f"it has no usable token at {endpoint.token_at}")
    ends = _ends(answer, token, endpoint, now)
    return Token(token, ends - min(_SKEW_S, (ends - now) / 10))


def _refused(response: PartnerResponse, call: Call, now: float) -> FhirError:
    if response.status_code in (400, 401, 403):
        text = f"{call.to} refused the bridge's own credentials: {_words(response)}. {call.fate()}"
        return FhirError(502, Issue("partner-credentials-refused", "login", text))
    status_code, error, code = _FAILURES.get(response.status_code, (502, "partner-error", "exception"))
    text = f"{call.to} gave no token: {_words(response)}. {call.fate()}"
    wait_s = told_wait_s(response, now) if status_code in (429, 503) else None
    headers = {} if wait_s is None else {"Retry-After": str(math.ceil(wait_s))}
    return FhirError(status_code, Issue(error, code, text), headers=headers)


def _words(response: PartnerResponse) -> str:
    error = json_object(response.body).get("error")
    known = f" {error}" if isinstance(error, str) and error in _OAUTH_ERRORS else ""
    return f"it answered {response.status_code}{known}"


def field_of(answer: Json, name: str) -> Json:
    """Return the field of an answer, where dots lead into objects; None where it is not there."""
    for key in name.split("."):
        answer = answer.get(key) if isinstance(answer, dict) else None
    return answer


def json_object(body: bytes) -> dict[str, Json]:
    """Return the JSON object in `body`, or an empty one where there is none."""
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        return {}
    return value if isinstance(value, dict) else {}


def _ends(answer: dict[str, Json], token: str, endpoint: TokenEndpoint, now: float) -> float:
    """Return the Unix time at which the token ends; an end that is absent, or has passed already, is not believed."""
    stated = _number(field_of(answer, endpoint.expires_at)) if endpoint.expires_at is not None else None
    if stated is not None and endpoint.expires_as == "lifetime_s":
        stated += now
    for ends in (stated, _number(_claims(token).get("exp"))):
        if ends is not None and ends > now:
            return ends
    return now + endpoint.lifetime_s


def _number(value: Json) -> float | None:
    """Return a finite number, also where it is written as text: Azure's first version says `"3599"`."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _claims(token: str) -> dict[str, Json]:
    """Return the claims of a JWT, unverified: they are used for nothing but the time of its end."""
    payload = token.split(".")[1] if token.count(".") == 2 else ""
    try:
        return json_object(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except ValueError:
        return {}
