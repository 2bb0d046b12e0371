"""Operations, each of them one call."""

from __future__ import annotations

from fhir_bridge.fhir.body import check_type
from fhir_bridge.fhir.interaction import Interaction
from fhir_bridge.mapping.calls import Call
from fhir_bridge.mapping.plans.steps import MakePlan, Plan, make, prepare


def operation_plan(call: Call) -> MakePlan:
    """https://hl7.org/fhir/R4/operations.html; an empty body and `{}` are Parameters without any."""

    def plan(interaction: Interaction) -> Plan:
        parameters = {"resourceType": "Parameters"} if interaction.body in (None, {}) else interaction.body
        check_type(parameters, "Parameters")
        outgoing, warnings = prepare(call, interaction, parameters, None)
        return (yield from make(call, interaction, outgoing, warnings))

    return plan
