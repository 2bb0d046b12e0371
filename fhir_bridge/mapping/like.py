"""The closed table of named text formats: what `like:` and an identity's `id:` may say in a mapping file."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from fhir_bridge.fhir.interaction import ID

_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_OID = re.compile(r"(?:urn:oid:)?([0-2](?:\.(?:0|[1-9]\d*))+)")
_POSITIVE_INTEGER = re.compile(r"[1-9]\d{0,17}")


def _whole(pattern: re.Pattern[str]) -> Callable[[str], str | None]:
    """Return the format's reader: the pattern's first group where it has one, else all of the text."""

    def read(text: str) -> str | None:
        match = pattern.fullmatch(text)
        return match and match.group(pattern.groups)

    return read


LIKE: Mapping[str, Callable[[str], str | None]] = {
    "uuid": _whole(_UUID),
    "oid": _whole(_OID),
    "positive-integer": _whole(_POSITIVE_INTEGER),
}
"""Each returns the text as the partner wants it (an OID without `urn:oid:`), or None where the format is another."""


def is_id(text: str, like: str | None) -> bool:
    """Whether a partner can have a record of this id: its ids may be of a format, and are FHIR ids in any case."""
    return ID.fullmatch(text) is not None and (like is None or LIKE[like](text) is not None)
