"""The lines of the log: one for each interaction; an operator learns what happened, and nobody who the patient is."""

from __future__ import annotations

import logging
import re
import time

from fhir_bridge.fhir import bundle
from fhir_bridge.fhir.elements import is_resource
from fhir_bridge.fhir.interaction import FhirResponse, Interaction
from fhir_bridge.outcome import FhirError, Issue

log = logging.getLogger("fhir_bridge")

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9\-]{0,63}")


def crashed(request_id: str) -> FhirResponse:
    """Return the answer to a request that a fault of the bridge ends, and log the traceback, which nobody else sees."""
    log.exception("%s failed", request_id)
    text = f"The bridge failed; its log says more under the request id {request_id}."
    return bundle.failure(FhirError(500, Issue("internal-error", "exception", text)))


def write_line(request_id: str, what: str, where: str, response: FhirResponse, started: float) -> None:
    """Log an interaction in one line; it names no patient, and no address, since an address holds an id."""
    duration_ms = (time.perf_counter() - started) * 1000
    log.info("%s %s %s %d %.1f ms", request_id, what, where, response.status_code, duration_ms)
    for field, code in response.unknown_codes:
        log.warning("%s unknown code in field %s: %s", request_id, field, code)


def log_interaction(interaction: Interaction, response: FhirResponse, started: float) -> None:
    """Log what became of an interaction that began at `started`, of `time.perf_counter`."""
    write_line(interaction.request_id, _what(interaction), where(interaction, response), response, started)


def _what(interaction: Interaction) -> str:
    operation = interaction.address.operation
    return interaction.code if operation is None else f"${name(operation)}"


def where(interaction: Interaction, response: FhirResponse) -> str:
    """The partner or base, and the resource type, where it is one: another is the client's text, and not shown."""
    address = interaction.address
    known = address.resource_type is not None and is_resource(interaction.version, address.resource_type)
    return f"{response.partner or address.base or 'hub'}/{address.resource_type if known else '-'}"


def name(text: str) -> str:
    """A name as it may stand in a line of the log; what is none may hold anything, line breaks too."""
    return text if _NAME.fullmatch(text) else "?"
