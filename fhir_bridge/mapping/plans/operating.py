"""Operations, each of them one call."""

from __future__ import annotations

from collections.abc import Mapping

from fhir_bridge.fhir.body import check_type
from fhir_bridge.fhir.interaction import Interaction
from fhir_bridge.fhir.operation_query import as_parameters, told_of_query
from fhir_bridge.mapping.calls import Call
from fhir_bridge.mapping.plans.steps import Checked, CheckedPlan, make_checked, prepare
from fhir_bridge.outcome import FhirError


def query_plan(call: Call, types: Mapping[str, str]) -> CheckedPlan:
    """An operation that changes nothing, and is asked for by GET too; `types` are those of its parameters."""
    by_post = operation_plan(call)

    def check(interaction: Interaction) -> Checked:
        if interaction.method == "POST":
            return by_post.check(interaction)
        parameters = as_parameters(interaction.query, types)
        try:
            return Checked(call, interaction, *prepare(call, interaction, parameters, None))
        except FhirError as error:
            raise told_of_query(error, parameters) from None

    return CheckedPlan(check, make_checked)


def operation_plan(call: Call) -> CheckedPlan:
    """https://hl7.org/fhir/R4/operations.html; an empty body and `{}` are Parameters without any."""

    def check(interaction: Interaction) -> Checked:
        parameters = {"resourceType": "Parameters"} if interaction.body in (None, {}) else interaction.body
        check_type(parameters, "Parameters")
        return Checked(call, interaction, *prepare(call, interaction, parameters, None))

    return CheckedPlan(check, make_checked)
