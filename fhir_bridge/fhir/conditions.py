"""Conditions on versions: If-Match, If-None-Match, If-Modified-Since.

https://hl7.org/fhir/R4/http.html#concurrency and https://hl7.org/fhir/R4/http.html#cread
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from fhir_bridge.fhir.interaction import FhirResponse
from fhir_bridge.outcome import FhirError, Issue

_ETAG = re.compile(r'(?:W/)?(?:"([^"]*)"|([^\s",]+))')


def etags(header: str) -> set[str]:
    """Return the version ids in a header: `W/"1", "2"` is {"1", "2"}; one without quotes is tolerated."""
    return {quoted or bare for quoted, bare in _ETAG.findall(header)}


def matches(header: str, etag: str | None) -> bool:
    """Whether an ETag is among those of a header; `*` is among all."""
    wanted = etags(header)
    return "*" in wanted or (etag is not None and bool(wanted & etags(etag)))


def is_not_modified(headers: Mapping[str, str], response: FhirResponse) -> bool:
    """Whether a read is answered with 304: If-None-Match decides, If-Modified-Since only without it (RFC 9110 13.2)."""
    if response.status_code != 200:
        return False
    if "if-none-match" in headers:
        return matches(headers["if-none-match"], response.headers.get("ETag"))
    since, changed = headers.get("if-modified-since"), response.headers.get("Last-Modified")
    return since is not None and changed is not None and _moment(changed) <= _moment(since)


def _moment(text: str) -> datetime:
    """An HTTP date, or an instant as entries of a Bundle have it; what is neither is long ago."""
    for read in (parsedate_to_datetime, datetime.fromisoformat):
        try:
            moment = read(text)
        except ValueError:
            continue
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return datetime.min.replace(tzinfo=UTC)


def check_if_match(header: str, etag: str | None) -> None:
    """Raise FhirError 412 where the current version is not among those of the header; 400 where there is none."""
    if etag is None and "*" not in etags(header):
        raise no_version()
    if not matches(header, etag):
        text = "The record has changed since the version that If-Match names; read it again, then send the change."
        raise FhirError(412, Issue("version-differs", "conflict", text, "http.If-Match"))


def check_changes_only(headers: Mapping[str, str]) -> None:
    """Raise FhirError 412 for a change that is wanted only where there is no record yet: none is made here."""
    if "*" in etags(headers.get("if-none-match", "")):
        text = "An update never makes a record here, so `If-None-Match: *` cannot be met; send it without."
        raise FhirError(412, Issue("version-differs", "conflict", text, "http.If-None-Match"))


def no_version() -> FhirError:
    """Return the error for If-Match where the partner has no versions."""
    text = "The partner tells no version to compare; send the request without If-Match."
    return FhirError(400, Issue("version-differs", "not-supported", text, "http.If-Match"))


def no_history() -> FhirError:
    """Return the error for an older version, or a list of all. https://hl7.org/fhir/R4/http.html#vread"""
    text = "No older version of anything is kept here; read the present one."
    return FhirError(404, Issue("unknown-path", "not-supported", text))
