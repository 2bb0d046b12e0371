"""The further calls of a read, whose answers add elements to the record."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import replace

from fhir_bridge.exchange import PartnerRequest, PartnerResponse
from fhir_bridge.fhir.interaction import Interaction
from fhir_bridge.fhir.subset import marked
from fhir_bridge.mapping.calls import Add, Call
from fhir_bridge.mapping.checks import raise_errors
from fhir_bridge.mapping.partner_fields import Unreadable
from fhir_bridge.mapping.receivers import Received, check_made
from fhir_bridge.outcome import FhirError, Issue, Json


def additions(
    reads: Call, interaction: Interaction, received: Received
) -> Generator[PartnerRequest, PartnerResponse, Received]:
    """Make the further calls of a read, and return the record with what they add."""
    is_whole = True
    for add in reads.adds:
        try:
            part = yield from _added(add, interaction, received.resource)
        except FhirError as error:
            raise _of_step(error, add.call) from None
        is_whole = is_whole and part is not None
        if part is not None:
            received = replace(part, id=received.id, unknown_codes=(*received.unknown_codes, *part.unknown_codes))
    return received if is_whole else replace(received, resource=marked(received.resource, interaction.version))


def _added(
    add: Add, interaction: Interaction, resource: Json
) -> Generator[PartnerRequest, PartnerResponse, Received | None]:
    """Return the resource with what one call adds; None where it may not be had."""
    outgoing, issues = add.call.prepare(interaction, None)
    raise_errors(issues)
    response = yield outgoing.request()
    if response.status_code in add.without:
        return None
    part = add.call.read(interaction, response, outgoing)
    whole = _together(resource, part.resource)
    try:
        check_made(add.structure(whole))
    except Unreadable as error:
        raise add.call.unreadable(error, response) from None
    return replace(part, resource=whole)


def _together(resource: Json, part: Json) -> Json:
    """The elements of both; lists one after the other."""
    added = {name: [*resource.get(name, ()), *value] for name, value in part.items() if isinstance(value, list)}
    return {**resource, **part, **added}


def _of_step(error: FhirError, call: Call) -> FhirError:
    """The failure of a further call: the record is there, so it is never `not found`."""
    text = f"The record was read; what failed is the further call of it, {call.method} {call.path}."
    said = Issue("step-failed", "informational", text, severity="information")
    status_code = 502 if error.status_code in _GONE else error.status_code
    return FhirError(status_code, *error.issues, said, headers=error.headers)


_GONE: Sequence[int] = (404, 410)
