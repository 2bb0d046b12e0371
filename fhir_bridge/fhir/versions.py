"""Version ids that change whenever a record does. https://hl7.org/fhir/R4/resource.html#Meta

A partner that tells only when a record was changed, to the second, may change it twice in one second. So the version id
of its record is made of that time and of a fingerprint of what the record holds.
"""

from __future__ import annotations

import json
import re
from decimal import Decimal
from hashlib import sha256
from typing import Any

from fhir_bridge.outcome import Json

_FINGERPRINT_LENGTH = 12
_NO_PART_OF_ID = re.compile(r"[^A-Za-z0-9.-]")
# A date, perhaps with a time, or a number of seconds since 1970: a counter that has come this far is treated alike.
_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}|\d{4}-?\d{2}-?\d{2}T.*|\d{10,}")


def version_id(text: str) -> str:
    """Return the version id of a text that changes with a record: `2017-04-20T19:14:13Z` is `2017-04-20T191413Z`."""
    return _NO_PART_OF_ID.sub("", text)


def version_at(moment: str, resource: Json) -> str:
    """Return the version id of a resource that was changed at this moment: the moment, `-`, and the fingerprint."""
    return f"{version_id(moment)}-{fingerprint(resource)}"


def with_whole_version(resource: dict[str, Any]) -> dict[str, Any]:
    """Return the resource; where its version id is a moment alone, with its fingerprint added to that."""
    version = resource.get("meta", {}).get("versionId")
    if version is None or not _MOMENT.fullmatch(version):
        return resource
    return {**resource, "meta": {**resource["meta"], "versionId": version_at(version, resource)}}


def fingerprint(resource: Json) -> str:
    """Return 12 hexadecimal digits that differ where the content does.

    The order of keys, the spelling of numbers (`1.5` is `1.50`) and the id and the version are no content.
    """
    content = {key: value for key, value in resource.items() if key != "id"}
    content["meta"] = {key: value for key, value in resource.get("meta", {}).items() if key != "versionId"}
    text = json.dumps(_plain(content), ensure_ascii=False, sort_keys=True)
    return sha256(text.encode()).hexdigest()[:_FINGERPRINT_LENGTH]


def _plain(value: Json) -> Json:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        return value
    return str(Decimal(value).normalize())
