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

OF_CHANGES: Mapping[str, str] = {
    "if-match": "If-Match",
    "if-unmodified-since": "If-Unmodified-Since",
    "if-none-match": "If-None-Match",
}
"""The headers by which a change depends on the version that is there, as they are spelled."""

_ETAG = re.compile(r'(?:"W/"([^"]+)""|(?:W/)?(?:"([^"]+)"|([A-Za-z0-9.\-_~:+=]+)))')
_ETAGS = re.compile(rf"\s*(?:\*|{_ETAG.pattern}(?:\s*,\s*{_ETAG.pattern})*)\s*")


def etags(header: str) -> set[str]:
    """Return the version ids in a header: `W/"1", "2"` is {"1", "2"}.

    A version id without quotes is tolerated, and an ETag in quotes of its own, as HAPI's client sends it.
    """
    return {"".join(spellings) for spellings in _ETAG.findall(header)}


def is_any(header: str) -> bool:
    """Whether a header means every version, and so any record that is there."""
    return header.strip() == "*"


def check_etags(headers: Mapping[str, str]) -> None:
    """Raise FhirError 400 for a header that should name versions and names none, or not as a list.

    https://www.rfc-editor.org/rfc/rfc9110#section-13.1
    """
    issues = [
        Issue("invalid-header", "value", f'`{name}` must name a version: write W/"1", or leave it out.', f"http.{name}")
        for name in ("If-Match", "If-None-Match")
        if not _ETAGS.fullmatch(headers.get(name.lower(), "*"))
    ]
    if issues:
        raise FhirError(400, *issues)


def matches(header: str, etag: str | None) -> bool:
    """Whether an ETag is among those of a header; `*` is among all."""
    return is_any(header) or (etag is not None and bool(etags(header) & etags(etag)))


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
    """Whether a change depends on the version that is there."""
    return not OF_CHANGES.keys().isdisjoint(headers)


def check_current(headers: Mapping[str, str], current: Mapping[str, str]) -> None:
    """Raise FhirError where the record, by the headers that tell its version, is not one that the client means.

    If-Match decides, If-Unmodified-Since only without it; that one says nothing where there is no time, or it is none.
    If-None-Match has to be met as well. https://www.rfc-editor.org/rfc/rfc9110#section-13.2.2
    """
    if "if-match" in headers:
        check_if_match(headers["if-match"], current.get("ETag"))
    else:
        _check_unmodified(headers, current)
    if "if-none-match" in headers:
        _check_if_none_match(headers["if-none-match"], current.get("ETag"))


def _check_if_none_match(header: str, etag: str | None) -> None:
    if etag is None:
        raise no_version("If-None-Match")
    if matches(header, etag):
        text = "The record is of a version that If-None-Match names, so it is not changed; send the change without."
        raise FhirError(412, Issue("version-differs", "conflict", text, "http.If-None-Match"))


def _check_unmodified(headers: Mapping[str, str], current: Mapping[str, str]) -> None:
    since, changed = _moment(headers.get("if-unmodified-since")), _moment(current.get("Last-Modified"))
    if since is not None and changed is not None and changed > since:
        raise _has_changed("the time that If-Unmodified-Since names", "http.If-Unmodified-Since")


def check_if_match(header: str, etag: str | None) -> None:
    """Raise FhirError 412 where the current version is not among those of the header; 400 where there is none."""
    if etag is None and not is_any(header):
        raise no_version()
    if not matches(header, etag):
        raise _has_changed("the version that If-Match names", "http.If-Match")


def _has_changed(since: str, expression: str) -> FhirError:
    text = f"The record has changed since {since}; read it again, then send the change."
    return FhirError(412, Issue("version-differs", "conflict", text, expression))


def check_changes_only(headers: Mapping[str, str]) -> None:
    """Raise FhirError 412 for a change that is wanted only where there is no record yet: none is made here."""
    if is_any(headers.get("if-none-match", "")):
        text = "An update never makes a record here, so `If-None-Match: *` cannot be met; send it without."
        raise FhirError(412, Issue("version-differs", "conflict", text, "http.If-None-Match"))


def no_version(name: str = "If-Match") -> FhirError:
    """Return the error for a condition, of this name, on a version where the partner has none."""
    text = f"The partner tells no version to compare; send the request without {name}."
    return FhirError(400, Issue("version-differs", "not-supported", text, f"http.{name}"))


def check_unconditional_change(headers: Mapping[str, str]) -> None:
    """Raise FhirError 400 where a change depends on the version of a record that cannot be read."""
    for header in ("if-match", "if-none-match"):
        if header in headers:
            raise no_version(OF_CHANGES[header])


def check_no_condition(headers: Mapping[str, str]) -> None:
    """Raise FhirError 400 for an operation that is wanted for one version of a record alone: it compares none."""
    for header in ("if-match", "if-unmodified-since"):
        if header in headers:
            name = OF_CHANGES[header]
            text = (
                f"An operation compares no version, so nothing was done; read the record, and send it without {name}."
            )
            raise FhirError(400, Issue("version-differs", "not-supported", text, f"http.{name}"))


def no_history() -> FhirError:
    """Return the error for an older version, or a list of all. https://hl7.org/fhir/R4/http.html#vread"""
    text = "No older version of anything is kept here; read the present one."
    return FhirError(404, Issue("unknown-path", "not-supported", text))
