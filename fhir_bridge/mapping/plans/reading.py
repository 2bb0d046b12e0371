"""Plans that change nothing: a read, and a search by ids."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from fhir_bridge.fhir.conditions import is_not_modified, no_history
from fhir_bridge.fhir.interaction import FhirResponse, Interaction
from fhir_bridge.fhir.search import read_criteria, searchset, unanswerable, unknown_parameters
from fhir_bridge.mapping.calls import Call
from fhir_bridge.mapping.like import Spell
from fhir_bridge.mapping.plans.adding import additions
from fhir_bridge.mapping.plans.answers import answer, version_headers, version_of
from fhir_bridge.mapping.plans.steps import MakePlan, Plan, read_record
from fhir_bridge.mapping.receivers import Received
from fhir_bridge.outcome import FhirError, Json


def read_plan(call: Call) -> MakePlan:
    """https://hl7.org/fhir/R4/http.html#read"""

    def plan(interaction: Interaction) -> Plan:
        received = yield from read_record(call, interaction)
        return _shown(interaction, received, (yield from additions(call, interaction, received)))

    return plan


def vread_plan(reads: Call) -> MakePlan:
    """https://hl7.org/fhir/R4/http.html#vread: the present version is shown; no other is kept."""

    def plan(interaction: Interaction) -> Plan:
        received = yield from read_record(reads, interaction)
        if version_of(received.resource) != interaction.address.version_id:
            raise no_history()
        return _shown(interaction, received, (yield from additions(reads, interaction, received)))

    return plan


def _shown(interaction: Interaction, received: Received, whole: Received) -> FhirResponse:
    """The record with what was added, or 304 where the client has it already. Its version tells nothing of additions,
    so a record that has any is always shown. https://hl7.org/fhir/R4/http.html#cread
    """
    response = answer(interaction, whole, ())
    response = replace(response, headers={**response.headers, **version_headers(received.resource)})
    if whole.resource == received.resource and is_not_modified(interaction.headers, response):
        return replace(response, status_code=304, resource=None)
    return response


def search_plan(reads: Call, system: str | None, is_id: Callable[[str], bool], spell: Spell = str) -> MakePlan:
    """https://hl7.org/fhir/R4/http.html#search, by the logical id: reads each record, one after the other.

    What is no id of the partner's is not asked for: there is no such record.
    """

    def plan(interaction: Interaction) -> Plan:
        criteria = read_criteria(interaction.query, system, spell)
        if interaction.preferences.strict and criteria.unknown:
            raise FhirError(400, *unknown_parameters(criteria.unknown))
        if criteria.ids is None:
            raise unanswerable(interaction.resource_type, system)
        found: list[Json] = []
        unknown_codes: list[tuple[str, str]] = []
        for id_ in filter(is_id, criteria.ids):
            one = replace(interaction, address=replace(interaction.address, id=id_))
            try:
                received = yield from read_record(reads, one)
                received = yield from additions(reads, one, received)
            except FhirError as error:
                if error.status_code not in (404, 410):
                    raise
                continue
            found.append(received.resource)
            unknown_codes += received.unknown_codes
        bundle = searchset(interaction.base_url, interaction.resource_type, criteria, found)
        return FhirResponse(200, bundle, {}, tuple(unknown_codes))

    return plan
