"""Conditions on versions: If-Match, If-None-Match, If-Modified-Since, If-Unmodified-Since.

https://hl7.org/fhir/R4/http.html#concurrency and https://hl7.org/fhir/R4/http.html#cread
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from fhir_bridge.fhir.interaction import FhirResponse
from fhir_bridge.outcome import FhirError, Issue

OF_CHANGES = frozenset({"if-match", "if-unmodified-since"})
"""The headers by which a client changes nothing but the version that it knows."""

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
    since, changed = _moment(headers.get("if-modified-since")), _moment(response.headers.get("Last-Modified"))
    return since is not None and changed is not None and changed <= since


def _moment(text: str | None) -> datetime | None:
    """An HTTP date, or an instant as entries of a Bundle have it; None for what is neither."""
    for read in (parsedate_to_datetime, datetime.fromisoformat):
        try:
            moment = read(text or "")
        except (ValueError, OverflowError):
            continue
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return None


def wants_current(headers: Mapping[str, str]) -> bool:
    """Whether a change is wanted of the version alone that the client knows."""
    return not OF_CHANGES.isdisjoint(headers)


def check_current(headers: Mapping[str, str], current: Mapping[str, str]) -> None:
    """Raise FhirError where the record, by the headers that tell its version, is not the one that the client knows.

    If-Match decides, If-Unmodified-Since only without it; that one says nothing where there is no time, or it is none.
    https://www.rfc-editor.org/rfc/rfc9110#section-13.2.2
    """
    if "if-match" in headers:
        check_if_match(headers["if-match"], current.get("ETag"))
        return
    since, changed = _moment(headers.get("if-unmodified-since")), _moment(current.get("Last-Modified"))
    if since is not None and changed is not None and changed > since:
        raise _has_changed("the time that If-Unmodified-Since names", "http.If-Unmodified-Since")


def check_if_match(header: str, etag: str | None) -> None:
    """Raise FhirError 412 where the current version is not among those of the header; 400 where there is none."""
    if etag is None and "*" not in etags(header):
        raise no_version()
    if not matches(header, etag):
        raise _has_changed("the version that If-Match names", "http.If-Match")


def _has_changed(since: str, expression: str) -> FhirError:
    text = f"The record has changed since {since}; read it again, then send the change."
    return FhirError(412, Issue("version-differs", "conflict", text, expression))


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
