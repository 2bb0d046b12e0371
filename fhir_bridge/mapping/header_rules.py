"""Rules for what a mapping file writes as headers, and for secrets, which stand in no mapping file."""

from __future__ import annotations

import re
from collections.abc import Iterable

from fhir_bridge.connection import HEADER_NAME
from fhir_bridge.mapping.headers import FIELD_VALUE
from fhir_bridge.mapping.source import Problems, Text

_OF_HTTP = frozenset({
    "accept-encoding", "connection", "content-length", "expect", "host",
    "keep-alive", "te", "trailer", "transfer-encoding", "upgrade",
})  # fmt: skip
"""Headers that the connection writes itself."""

_JSON = re.compile(r"application/([\w.-]+\+)?json *(;.*)?", re.IGNORECASE)
_FILLED = re.compile(r"\{\w+(: *\w+)?\}")
"""What looks as if something were to be put in: `{id}`, `{new: uuid}`."""

_SECRETS = (
    "password", "passwd", "passphrase", "secret", "token", "psk", "authorization", "cookie", "credentials",
    "apikey", "accesskey", "authkey", "subscriptionkey", "privatekey",
)  # fmt: skip
"""How the names of secrets end, in small letters."""


def check_headers(names: Iterable[Text], problems: Problems) -> None:
    """Report each name that no header has, that the connection writes itself, or that two headers have."""
    seen: dict[str, Text] = {}
    for name in names:
        first = seen.setdefault(name.lower(), name)
        if not HEADER_NAME.fullmatch(name):
            problems.add(name.mark, f"'{name}' is no name of a header; write letters, digits and '-'")
        elif name.lower() in _OF_HTTP:
            problems.add(name.mark, f"'{name}' is written by the connection itself; leave it out")
        elif first != name:
            problems.add(name.mark, f"'{name}' is the header of line {first.mark.line} already; keep one of the two")


def check_value(name: str, value: Text, problems: Problems) -> None:
    """Report a text that no header may hold, or that this one may not."""
    if value and not FIELD_VALUE.fullmatch(value):
        problems.add(value.mark, f"'{name}' is a header; write visible ASCII characters alone")
    if _FILLED.search(value):
        text = f"'{value}' would be sent as it is typed: nothing is put into a text"
        problems.add(value.mark, f"{text}; what comes from a request stands under 'headers' of an interaction")
    if is_content_type(name) and not is_json(value):
        problems.add(value.mark, NO_JSON)
    check_secret(name, value, problems)


NO_JSON = "what is sent is JSON; write application/json, or another type that ends in +json"


def is_content_type(name: str) -> bool:
    return name.lower() == "content-type"


def is_json(media_type: str) -> bool:
    return _JSON.fullmatch(media_type) is not None


def check_secret(name: str, value: Text, problems: Problems) -> None:
    """Report a text that stands where, by its name, a secret does: files are copied, and kept for ever."""
    if value and re.sub(r"[^a-z0-9]", "", name.lower()).endswith(_SECRETS):
        problems.add(value.mark, f"'{name}' is a secret, and stands in the environment alone; write $NAME")
