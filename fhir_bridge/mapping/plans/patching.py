"""Patches: the record is read, the patch is applied to it, and the fields that changed are sent."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeGuard

from fhir_bridge.fhir.conditions import check_current
from fhir_bridge.fhir.interaction import Interaction
from fhir_bridge.fhir.patch import read_patch
from fhir_bridge.mapping.calls import Before, Call, Outgoing
from fhir_bridge.mapping.checks import is_sound, raise_errors
from fhir_bridge.mapping.plans.answers import NOTHING_CHANGED, answer, version_headers
from fhir_bridge.mapping.plans.steps import (
    MakePlan,
    Plan,
    left_behind_of,
    make,
    nothing_to_send,
    raise_refusals,
    read_before,
)
from fhir_bridge.mapping.receivers import Received
from fhir_bridge.mapping.rows import ConstantRow, ListRow, PathRow, Row, ValueRow
from fhir_bridge.mapping.senders import MapSender
from fhir_bridge.outcome import Issue, Json


def patch_plan(reads: Call, writes: Call) -> MakePlan:
    """https://hl7.org/fhir/R4/http.html#patch: reads the record, applies the patch, sends the fields that changed."""
    sender = writes.sender
    assert isinstance(sender, MapSender)

    def plan(interaction: Interaction) -> Plan:
        change = read_patch(interaction.content_type, interaction.body, interaction.version, interaction.limits)
        current = yield from read_before(reads, interaction)
        check_current(interaction.headers, version_headers(current.resource))
        patched = change(current.resource)
        outgoing, warnings = _prepare_changes(writes, sender, interaction, current, patched)
        if not outgoing.sending.body:
            return answer(interaction, current, warnings, NOTHING_CHANGED)
        return (yield from make(writes, interaction, outgoing, warnings))

    return plan


def _prepare_changes(
    call: Call, sender: MapSender, interaction: Interaction, received: Received, patched: Json
) -> tuple[Outgoing, tuple[Issue, ...]]:
    """Return the call that sends the fields that a patch changes, and warnings; raises FhirError as an update does.

    What is wrong with the partner's own record, and stays as it is, is no fault of the patch.
    """
    problems = sender.check(patched, interaction)
    if not is_sound(problems):
        raise_errors(problems)
    current = received.resource
    known = sender.check(current, interaction)
    cleared = [row for row in sender.map.rows if _is_cleared(row, call, current, patched)]
    before = Before(
        record=received.record,
        already=sender.send(current, interaction).body,
        cleared=tuple(row.fields[0] if isinstance(row, ValueRow) else row.field for row in cleared),
    )
    outgoing, issues = call.prepare(interaction, patched, before)
    rows = [row for row in sender.map.rows if row not in cleared]
    refused = _refused_changes(rows, interaction.resource_type, current, patched)
    behind = left_behind_of(sender, call.title, interaction, _only_changes(current, patched), current)
    caused = [issue for issue in problems if issue not in known]
    if behind and not (outgoing.sending.body or issues or refused):
        issues.append(nothing_to_send(call.title, interaction.resource_type))
    return outgoing, raise_refusals(interaction, [*caused, *issues, *refused, *behind])


def _is_cleared(row: Row, call: Call, current: Json, patched: Json) -> TypeGuard[ValueRow | ListRow]:
    """Whether a patch removes what the partner can clear: by null, as a row says, or with the whole record."""
    if isinstance(row, PathRow | ConstantRow) or not row.sends:
        return False
    may_clear = call.over is not None if row.clears is None else row.clears
    return may_clear and row.values(current) is not None and row.values(patched) is None


def _refused_changes(rows: Iterable[Row], resource_type: str, current: Json, patched: Json) -> list[Issue]:
    """The issues of a patch that changes what may only be read, or removes what the partner cannot clear."""
    issues = []
    for row in rows:
        before, after = row.values(current), row.values(patched)
        if isinstance(row, PathRow | ConstantRow) or before == after:
            continue
        if not row.sends:
            text = "The partner keeps this element itself; leave it as it is."
            where = row.place.where(current if after is None else patched, resource_type)
            issues.append(Issue("read-only", "business-rule", text, where))
        elif after is None:
            text = "The partner has no way to clear this element; give it another value, or leave it."
            issues.append(Issue("cannot-be-cleared", "business-rule", text, row.place.where(current, resource_type)))
    return issues


def _only_changes(current: Json, patched: Json) -> Json:
    """The patched resource without the elements that were there before."""
    return {key: value for key, value in patched.items() if key == "resourceType" or current.get(key) != value}
