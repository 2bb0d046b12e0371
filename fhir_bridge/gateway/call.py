"""`Call`: one HTTP call that is under way, and what is known of its fate."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from fhir_bridge.exchange import PartnerRequest, Repeat
from fhir_bridge.outcome import FhirError, Issue

# Visible ASCII without `#`, whatever else the mapping let through; a partner's address ends long before the limit.
_PATH = re.compile(r'/[!"$-~]{0,8000}')
# RFC 3986 section 5.2.4: such a segment takes the call to another path, and a server may decode it first.
_DOT_SEGMENT = re.compile(r"/(?:\.|%2e){1,2}(?:[/?]|$)", re.IGNORECASE)
# RFC 9110 section 5.5, without the obsolete bytes above 7F.
_HEADER_VALUE = re.compile(r"(?:[!-~](?:[ \t!-~]*[!-~])?)?")


@dataclass(slots=True)
class Call:
    """One HTTP call; `to` is how its failures name the other side, at the start of a sentence.

    `left`: some of it may have reached the other side, in this attempt or an earlier one. `accepted`: the 2xx
    status that it was answered with. `for_token`: it fetches a token, and the client's own call waits for that.
    `find_out` is that of its request.
    """

    to: str
    method: str
    url: str = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    body: bytes | None = field(repr=False)
    repeat: Repeat
    for_token: bool = False
    left: bool = False
    accepted: int | None = None
    find_out: str = ""

    @property
    def changes(self) -> bool:
        """Whether the partner does something when it gets this call, as far as its method tells."""
        return not self.for_token and self.method not in ("GET", "HEAD")

    @property
    def is_unknown(self) -> bool:
        """Whether nobody knows what became of it, and it must not be made twice."""
        return self.changes and self.left and self.accepted is None and self.repeat == "unsent"

    def fate(self) -> str:
        """Return the sentence that tells a client what may have become of its call."""
        if self.for_token:
            return "The call itself was not carried out."
        if not self.left:
            return "It has not received the call."
        if not self.changes:
            return "It may have received the call, which changes nothing."
        fate = "It may have received the call and carried it out."
        if self.accepted is not None:
            fate = f"It accepted the call, with status {self.accepted}, and may have carried it out."
        return f"{fate} {self.find_out}".rstrip()


def call_of(request: PartnerRequest, base_url: str) -> Call:
    """Return `request` as a call below `base_url`, without any credentials.

    Raises FhirError 500 for a path that would lead elsewhere, 400 `value` for a header that cannot be sent.
    """
    if not is_path(request.path):
        text = f"The path of the call to the partner {request.partner} is not one that may be sent."
        raise FhirError(500, Issue("internal-error", "exception", text))
    for name, value in request.headers.items():
        _check_header(request.partner, name, value)
    return Call(
        to=f"The partner {request.partner}",
        method=request.method,
        url=base_url + request.path,
        headers=request.headers,
        body=request.body,
        repeat=request.repeat,
        find_out=request.find_out,
    )


def _check_header(partner: str, name: str, value: str) -> None:
    if not is_header_value(value):
        text = f"The value of the header {name} cannot be sent to the partner {partner}: only visible ASCII can."
        raise FhirError(400, Issue("invalid-header", "value", text))


def is_path(text: str) -> bool:
    """Say whether `text` is a percent-encoded path, perhaps with a query, that stays below a base URL."""
    return _PATH.fullmatch(text) is not None and _DOT_SEGMENT.search(text.partition("?")[0]) is None


def is_header_value(text: str) -> bool:
    """Say whether `text` may stand in a header: ASCII, one line, no space at either end."""
    return _HEADER_VALUE.fullmatch(text) is not None
