"""Operations, each of them one call."""

from __future__ import annotations

from collections.abc import Mapping

from fhir_bridge.fhir.body import check_type
from fhir_bridge.fhir.interaction import Interaction
from fhir_bridge.fhir.operation_query import as_parameters, told_of_query
from fhir_bridge.mapping.calls import Call
from fhir_bridge.mapping.plans.steps import MakePlan, Plan, make, prepare
from fhir_bridge.outcome import FhirError


def query_plan(call: Call, types: Mapping[str, str]) -> MakePlan:
    """An operation that changes nothing, and is asked for by GET too; `types` are those of its parameters."""
    by_post = operation_plan(call)

    def plan(interaction: Interaction) -> Plan:
        if interaction.method == "POST":
            return (yield from by_post(interaction))
        parameters = as_parameters(interaction.query, types)
        try:
            outgoing, warnings = prepare(call, interaction, parameters, None)
        except FhirError as error:
            raise told_of_query(error, parameters) from None
        return (yield from make(call, interaction, outgoing, warnings))

    return plan


def operation_plan(call: Call) -> MakePlan:
    """https://hl7.org/fhir/R4/operations.html; an empty body and `{}` are Parameters without any."""

    def plan(interaction: Interaction) -> Plan:
        parameters = {"resourceType": "Parameters"} if interaction.body in (None, {}) else interaction.body
        check_type(parameters, "Parameters")
        outgoing, warnings = prepare(call, interaction, parameters, None)
        return (yield from make(call, interaction, outgoing, warnings))

    return plan
