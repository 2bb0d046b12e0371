"""How a partner is reached: its address, limits and credentials, as plain values out of the environment."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
"""The name of a header. https://www.rfc-editor.org/rfc/rfc9110#section-5.6.2"""


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Time limits of one call, in seconds: until connected, between two reads, and for the whole call."""

    connect_s: float = 3.0
    read_s: float = 10.0
    whole_s: float = 15.0


@dataclass(frozen=True, slots=True)
class Bearer:
    """`Authorization: Bearer {token}`, a token that does not change."""

    token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class TokenExchange:
    """A token fetched by JSON: `body` is posted to `path`; the answer holds the token, and when it ends.

    The names in `body` are fields, with dots that lead into objects; so are `token_at` and `expires_at`, of the
    answer. `expires_as` says what the latter's number means: the Unix time of the end, in seconds, or the seconds that
    are left. A token without one lasts `lifetime_s`.
    """

    path: str
    body: Mapping[str, str] = field(repr=False)
    token_at: str
    expires_at: str | None
    expires_as: Literal["epoch_s", "lifetime_s"]
    lifetime_s: float


@dataclass(frozen=True, slots=True)
class Renewal:
    """How a client's access token is renewed: by the refresh token that the client hands in the header `header`.

    It goes into the field `refresh_at` of the body of `exchange`; the next one is in the field `next_at` of the
    answer. Without that field, or with nothing in it, a refresh token stays good.
    """

    header: str
    exchange: TokenExchange
    refresh_at: str
    next_at: str | None


@dataclass(frozen=True, slots=True)
class Forward:
    """The client's own Authorization header goes to the partner; a request without one is 401 `login`."""

    renewal: Renewal | None = None


@dataclass(frozen=True, slots=True)
class ClientCredentials:
    """OAuth 2 client credentials, RFC 6749 section 4.4: a form posted to `url`; `expires_in` may be text.

    `form` holds further fields, such as `resource` of Azure's version 1 or `scope`.
    """

    url: str
    client_id: str
    client_secret: str = field(repr=False)
    form: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class FixedHeaders:
    """Headers that go with every call."""

    headers: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True, slots=True)
class MutualTls:
    """A client certificate and its key, and the authorities that the partner's own certificate must come from.

    Each is the path of a PEM file; without `ca_bundle` the public authorities are trusted.
    """

    certificate: str
    key: str
    ca_bundle: str | None = None


Auth = Bearer | Forward | TokenExchange | ClientCredentials | FixedHeaders | MutualTls


@dataclass(frozen=True, slots=True)
class Connection:
    """One partner as the gateway knows it. `base_url` has no trailing slash; all of `auth` applies to each call.

    `at_once` is how many entries of batches, and records of cohorts, may call the partner at the same time.
    """

    partner: str
    base_url: str
    timeouts: Timeouts = Timeouts()
    max_answer_bytes: int = 5_000_000
    auth: tuple[Auth, ...] = ()
    at_once: int = 8

    @property
    def forwards(self) -> bool:
        """Whether the client's own Authorization header goes to the partner."""
        return any(isinstance(each, Forward) for each in self.auth)

    @property
    def renewal(self) -> Renewal | None:
        """How a client's own token is renewed, where it is."""
        return next((each.renewal for each in self.auth if isinstance(each, Forward)), None)
