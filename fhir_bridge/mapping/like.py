"""The closed table of named text formats: what `like:` and an identity's `id:` may say in a mapping file."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from fhir_bridge.fhir.interaction import ID

_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_OID = re.compile(r"(?:urn:oid:)?([0-2](?:\.(?:0|[1-9][0-9]*))+)")
_POSITIVE_INTEGER = re.compile(r"[1-9][0-9]{0,17}")


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


Spell = Callable[[str], str]
"""Returns an id as the partner spells it; what cannot be an id of the partner's stays as it is."""


def spelling(like: str | None) -> Spell:
    """Return how the ids of a partner are spelled: UUIDs that differ in case are one id, written in small letters.

    https://www.rfc-editor.org/rfc/rfc9562#section-4
    """
    return _spell_uuid if like == "uuid" else str


def _spell_uuid(text: str) -> str:
    return text.lower() if _UUID.fullmatch(text) else text


def is_id(text: str, like: str | None) -> bool:
    """Whether a partner can have a record of this id: its ids may be of a format, and are FHIR ids in any case."""
    return ID.fullmatch(text) is not None and (like is None or LIKE[like](text) is not None)
