"""Plans that change a record: update, create, and what is carried out as one of these."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from fhir_bridge.fhir.body import check_type
from fhir_bridge.fhir.conditions import check_current, check_unconditional_change, wants_current
from fhir_bridge.fhir.interaction import Code, Interaction
from fhir_bridge.mapping.calls import Call
from fhir_bridge.mapping.checks import is_sound, raise_errors
from fhir_bridge.mapping.plans.answers import version_headers
from fhir_bridge.mapping.plans.id_rule import IdRule
from fhir_bridge.mapping.plans.steps import Checked, CheckedPlan, Plan, make, make_checked, prepare, read_before
from fhir_bridge.outcome import FhirError, Issue, Json


def update_plan(call: Call, id_rule: IdRule, reads: Call | None) -> CheckedPlan:
    """https://hl7.org/fhir/R4/http.html#update; on a condition the record is read first, where it can be."""

    def check(interaction: Interaction) -> Checked:
        check_type(interaction.body, interaction.resource_type)
        return _check_update(call, id_rule, interaction, reads)

    return CheckedPlan(check, partial(_update, id_rule))


def told_by_body_plan(
    updates: Call, creates: Call | None, id_rule: IdRule, resource_type: str, is_id: Callable[[str], bool]
) -> CheckedPlan:
    """An interaction without an id in its address, carried out as the update of the id that its body tells.

    One that tells none makes a record, where the partner `creates` any.
    """

    def check(interaction: Interaction) -> Checked:
        body = interaction.body
        check_type(body, resource_type)
        assert updates.sender is not None
        problems = updates.sender.check(body, interaction)
        if not is_sound(problems):
            raise_errors(problems)
        id_ = id_rule.told(body)
        if id_ is None and creates is not None:
            return _check_create(creates, _as("create", interaction, resource_type, None))
        if id_ is None:
            text = "The body must tell the id of the record that it changes."
            raise FhirError(400, Issue("element-missing", "required", text, id_rule.where(body, resource_type)))
        if not is_id(id_):
            text = "No record at the partner can have this id."
            raise FhirError(400, Issue("invalid-id", "value", text, id_rule.where(body, resource_type)))
        return _check_update(updates, id_rule, _as("update", interaction, resource_type, id_))

    def calls(checked: Checked) -> Plan:
        return make_checked(checked) if checked.interaction.code == "create" else _update(id_rule, checked)

    return CheckedPlan(check, calls)


def _as(code: Code, interaction: Interaction, resource_type: str, id_: str | None) -> Interaction:
    """What an interaction without an id in its address is, in the end."""
    address = replace(interaction.address, resource_type=resource_type, id=id_, operation=None)
    return replace(interaction, code=code, address=address)


def _check_update(call: Call, id_rule: IdRule, interaction: Interaction, reads: Call | None = None) -> Checked:
    """Check all that can be checked before the current record is read, where it is."""
    body, first = interaction.body, _read_first(call, reads, interaction)
    known = None if first is None else body
    outgoing, warnings = prepare(call, interaction, body, id_rule, known=known)
    if first is None:
        check_unconditional_change(interaction.headers)
    return Checked(call, interaction, outgoing, warnings, first)


def _update(id_rule: IdRule, checked: Checked) -> Plan:
    """Read the current record where that is needed, and make the change."""
    call, interaction, outgoing, warnings = checked.call, checked.interaction, checked.outgoing, checked.warnings
    body = interaction.body
    if checked.first is not None:
        current = yield from read_before(checked.first, interaction, call.sender)
        check_current(interaction.headers, version_headers(current.resource))
        outgoing, warnings = prepare(call, interaction, body, id_rule, known=current.resource, record=current.record)
    return (yield from make(call, interaction, outgoing, warnings))


def _read_first(call: Call, reads: Call | None, interaction: Interaction) -> Call | None:
    """What reads the record before it is changed: the call is laid over it, or the client has a condition."""
    if call.over is not None:
        return call.over.reads
    return reads if wants_current(interaction.headers) else None


def create_plan(call: Call) -> CheckedPlan:
    """https://hl7.org/fhir/R4/http.html#create: the id and the version that a client gives are not taken."""

    def check(interaction: Interaction) -> Checked:
        check_type(interaction.body, interaction.resource_type)
        return _check_create(call, replace(interaction, body=_without_identity(interaction.body)))

    return CheckedPlan(check, make_checked)


def _check_create(call: Call, interaction: Interaction) -> Checked:
    return Checked(call, interaction, *prepare(call, interaction, interaction.body, None))


def _without_identity(resource: Json) -> Json:
    """The resource as it is before a server gave it an id and a version."""
    kept = {key: value for key, value in resource.items() if key != "id"}
    if isinstance(kept.get("meta"), dict) and kept["meta"]:
        kept["meta"] = {key: value for key, value in kept["meta"].items() if key not in ("versionId", "lastUpdated")}
        if not kept["meta"]:
            del kept["meta"]
    return kept
