"""A search that is one call: the partner's own list, or a page of it."""

from __future__ import annotations

from fhir_bridge.fhir.interaction import FhirResponse, Interaction
from fhir_bridge.fhir.search import (
    Criteria,
    Page,
    asks_for_ids,
    check_ids_alone,
    page_of_searchset,
    searchset,
    sort_parameters,
    unknown_parameters,
)
from fhir_bridge.fhir.subset import marked
from fhir_bridge.mapping.calls import Call
from fhir_bridge.mapping.plans.steps import MakePlan, Plan, exchange
from fhir_bridge.mapping.receivers import Received
from fhir_bridge.outcome import FhirError, Issue


def list_plan(call: Call, by_id: MakePlan | None, system: str | None, *, subsetted: bool) -> MakePlan:
    """https://hl7.org/fhir/R4/http.html#search, by what the partner can search by; what names ids is read `by_id`.

    `system` is that of the identifiers that are the ids.
    `subsetted`: the list tells less of each record than a read does. No record is read to tell more.
    """
    arguments = call.arguments
    assert arguments is not None

    def plan(interaction: Interaction) -> Plan:
        if by_id is not None and asks_for_ids(interaction.query, arguments.names(), system):
            check_ids_alone(interaction.query, arguments.names())
            return (yield from by_id(interaction))
        known, unknown = sort_parameters(interaction.query, arguments.names())
        if interaction.preferences.strict and unknown:
            raise FhirError(400, *unknown_parameters(unknown))
        criteria = Criteria(None, unknown, known, arguments.page(interaction))
        outgoing, issues = call.prepare(interaction, None)
        if issues:
            raise FhirError(400, *issues)
        received = yield from exchange(call, interaction, outgoing)
        _check_whole(call, criteria.page, received)
        found = [marked(one, "4.0") for one in received.found] if subsetted else list(received.found)
        about = (interaction.base_url, interaction.resource_type, criteria)
        if arguments.cuts_pages():
            bundle = page_of_searchset(*about, found if criteria.page.size else [], received.total)
        else:
            bundle = searchset(*about, found)
        return FhirResponse(200, bundle, {}, received.unknown_codes)

    return plan


def _check_whole(call: Call, page: Page, received: Received) -> None:
    """Raise FhirError where the partner has more records than it sent, and nothing asks for the others.

    A search that lacks some of them must not look like one that found everything.
    """
    assert call.arguments is not None
    sent, total = len(received.found), received.total
    if not call.arguments.cuts_pages() and sent < (total or 0):
        why = f"it has {total} records and sent {sent}; the mapping file has to say how the others are asked for"
    elif page.size != 0 and sent == 0 and page.offset < (total or 0):
        why = f"it has {total} records, and sent none from number {page.offset + 1} on"
    else:
        return
    text = f"{call.title} did not send all that it found: {why}."
    raise FhirError(502, Issue("partner-answer-unreadable", "exception", text))
