"""A search that is one call: the partner's own list, or a page of it."""

from __future__ import annotations

from fhir_bridge.fhir.interaction import FhirResponse, Interaction
from fhir_bridge.fhir.search import (
    Criteria,
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
from fhir_bridge.outcome import FhirError


def list_plan(call: Call, by_id: MakePlan | None, *, subsetted: bool) -> MakePlan:
    """https://hl7.org/fhir/R4/http.html#search, by what the partner can search by; what names ids is read `by_id`.

    `subsetted`: the list tells less of each record than a read does. No record is read to tell more.
    """
    arguments = call.arguments
    assert arguments is not None

    def plan(interaction: Interaction) -> Plan:
        if by_id is not None and asks_for_ids(interaction.query):
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
        found = [marked(one, "4.0") for one in received.found] if subsetted else list(received.found)
        about = (interaction.base_url, interaction.resource_type, criteria)
        if arguments.cuts_pages():
            bundle = page_of_searchset(*about, found if criteria.page.size else [], received.total)
        else:
            bundle = searchset(*about, found)
        return FhirResponse(200, bundle, {}, received.unknown_codes)

    return plan
