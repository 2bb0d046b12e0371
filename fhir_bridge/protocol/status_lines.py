"""The first line of an answer, in the words of `fhir.reason_phrases`: Python's own differ from version to version."""

from __future__ import annotations

from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from fhir_bridge.fhir.reason_phrases import status_text


def use_registered_phrases() -> None:
    """Have uvicorn write the phrases that IANA registers; it has no setting for them."""
    for status_code in STATUS_LINE:
        STATUS_LINE[status_code] = f"HTTP/1.1 {status_text(status_code).ljust(4)}\r\n".encode()
