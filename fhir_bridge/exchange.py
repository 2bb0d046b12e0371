"""`PartnerRequest` and `PartnerResponse`: the values that cross to the partner and back."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

Repeat = Literal["unsent", "safe"]
"""When a call may be sent again: only if none of it can have reached the partner, or whenever it failed in transit."""


@dataclass(frozen=True, slots=True)
class Share:
    """What a request adds to a call that several may make together: one `record` of at `most` so many.

    `join` makes the body of the records of them all. Only those go together that have the same `beside` them.
    """

    record: object = field(repr=False)
    beside: bytes = field(repr=False)
    most: int
    join: Callable[[Sequence[object]], bytes] = field(repr=False)


@dataclass(frozen=True, slots=True)
class PartnerRequest:
    """One HTTP call: `path` is below the partner's base URL and percent-encoded; `body` is JSON text.

    `client_authorization` is the client's own Authorization header, for partners that want it forwarded, and
    `client_refresh_token` what renews it. An `anonymous` call has no token at all. One with a `share` is whole, and may
    be one call with others. `find_out` says how a client finds out what became of a call that may not be made
    twice.
    """

    partner: str
    method: str
    path: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes | None = field(default=None, repr=False)
    repeat: Repeat = "unsent"
    client_authorization: str | None = field(default=None, repr=False)
    client_refresh_token: str | None = field(default=None, repr=False)
    anonymous: bool = False
    share: Share | None = field(default=None, repr=False)
    find_out: str = ""


@dataclass(frozen=True, slots=True)
class PartnerResponse:
    """What the partner answered, unread; header names are in lower case.

    `index` is which record of the call is meant, `of` so many that were in it.
    """

    status_code: int
    headers: Mapping[str, str]
    body: bytes
    index: int = 0
    of: int = 1
