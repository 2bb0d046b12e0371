"""How an interaction is carried out: a plan yields each partner call, is sent its answer, and returns the FHIR answer.

A plan is a generator that does no I/O: `bridge` makes the calls. It checks everything before its first call.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

from fhir_bridge.exchange import PartnerRequest, PartnerResponse
from fhir_bridge.fhir.fhirpath_patch import apply_fhirpath_patch
from fhir_bridge.fhir.interaction import FhirResponse, Interaction
from fhir_bridge.fhir.json import dumps
from fhir_bridge.fhir.negotiation import JSON_PATCH
from fhir_bridge.fhir.patch import apply_json_patch
from fhir_bridge.mapping.calls import Call, MapSender, Sender
from fhir_bridge.mapping.checks import check_id, check_type, left_behind, raise_errors
from fhir_bridge.mapping.places import Place
from fhir_bridge.mapping.rows import PathRow, Row
from fhir_bridge.outcome import FhirError, Issue, Json, operation_outcome

Plan = Generator[PartnerRequest, PartnerResponse, FhirResponse]
MakePlan = Callable[[Interaction], Plan]

CARRIED_OUT = "The partner carried out the call."
NOTHING_CHANGED = "The patch changes nothing that the partner holds, so nothing was sent."


@dataclass(frozen=True, slots=True)
class IdRule:
    """Where the id of an update stands in its body. FHIR's own rule: in `id`, and it must be there."""

    place: Place | None = None

    def check(self, interaction: Interaction, *, sound: bool) -> list[Issue]:
        """Return the issue where the ids differ; a path into a resource that is not `sound` cannot be followed."""
        if self.place is None:
            found, expression = interaction.body.get("id"), f"{interaction.resource_type}.id"
            return check_id(found, interaction.id, expression, needed=True)
        if not sound:
            return []
        expression = self.place.where(interaction.body, interaction.resource_type)
        return check_id(self.place.get(interaction.body), interaction.id, expression, needed=False)


def read_plan(call: Call) -> MakePlan:
    """https://hl7.org/fhir/R4/http.html#read"""

    def plan(interaction: Interaction) -> Plan:
        outgoing, issues = call.prepare(interaction, None)
        raise_errors(issues)
        response = yield outgoing.request
        resource, unknown = call.read(interaction, response, outgoing)
        return answer(interaction, _with_id(resource, interaction), (), unknown)

    return plan


def update_plan(call: Call, id_rule: IdRule) -> MakePlan:
    """https://hl7.org/fhir/R4/http.html#update"""

    def plan(interaction: Interaction) -> Plan:
        check_type(interaction.body, interaction.resource_type)
        return (yield from _send(call, interaction, interaction.body, id_rule))

    return plan


def operation_plan(call: Call) -> MakePlan:
    """https://hl7.org/fhir/R4/operations.html; an empty body and `{}` are Parameters without any."""

    def plan(interaction: Interaction) -> Plan:
        parameters = interaction.body or {"resourceType": "Parameters"}
        check_type(parameters, "Parameters")
        return (yield from _send(call, interaction, parameters, None))

    return plan


def _send(call: Call, interaction: Interaction, resource: Json, id_rule: IdRule | None) -> Plan:
    """Check a resource, send it, read the answer."""
    sender = call.sender
    assert sender is not None
    problems = sender.check(resource, interaction)
    sound = not any(issue.code == "structure" for issue in problems)
    if id_rule is not None:
        problems = [*id_rule.check(interaction, sound=sound), *problems]
    if not sound:
        raise_errors(problems)
    behind = _left_behind(sender, call.title, interaction, resource)
    outgoing, issues = call.prepare(interaction, resource)
    if isinstance(sender, MapSender) and not outgoing.sending.body and _needs_fields(sender) and not issues:
        issues.append(nothing_to_send(call.title, interaction.resource_type))
    warnings = raise_errors([*problems, *issues, *behind])
    response = yield outgoing.request
    answered, unknown = call.read(interaction, response, outgoing)
    return answer(interaction, _with_id(answered, interaction), warnings, unknown)


def _needs_fields(sender: MapSender) -> bool:
    """An update with no field is nothing; an operation without parameters is one."""
    return sender.map.resource_type != "Parameters"


def nothing_to_send(title: str, resource_type: str) -> Issue:
    text = f"Nothing in this {resource_type} can be sent to {title}; give it at least one element that it takes."
    return Issue("nothing-to-send", "business-rule", text, resource_type)


def _left_behind(sender: Sender, title: str, interaction: Interaction, resource: Json) -> list[Issue]:
    """What the partner cannot hold, found only where the client wants to know."""
    wanted = interaction.preferences
    if not (wanted.strict or wanted.returns == "OperationOutcome"):
        return []
    return left_behind(sender.left_behind(resource), title, strict=wanted.strict)


def patch_plan(reads: Call, writes: Call) -> MakePlan:
    """https://hl7.org/fhir/R4/http.html#patch: reads the record, applies the patch, sends the fields that changed."""
    sender = writes.sender
    assert isinstance(sender, MapSender)

    def plan(interaction: Interaction) -> Plan:
        change = _patch(interaction)
        reading, issues = reads.prepare(interaction, None)
        raise_errors(issues)
        response = yield reading.request
        current, unknown = reads.read(interaction, response, reading)
        current = _with_id(current, interaction)
        patched = change(current)
        check_type(patched, interaction.resource_type)
        body, warnings = _changes(writes, sender, interaction, current, patched)
        if not body:
            return answer(interaction, current, warnings, unknown, NOTHING_CHANGED)
        outgoing, _ = writes.prepare(interaction, patched)
        request = replace(outgoing.request, body=dumps(body), repeat=writes.repeat_of(body))
        response = yield request
        answered, unknown = writes.read(interaction, response, outgoing)
        return answer(interaction, _with_id(answered, interaction), warnings, unknown)

    return plan


def _patch(interaction: Interaction) -> Callable[[Json], Json]:
    """Return the function that applies the patch in the body: JSON Patch or FHIRPath Patch."""
    body = interaction.body
    if interaction.content_type == JSON_PATCH:
        return lambda resource: apply_json_patch(body, resource)
    check_type(body, "Parameters")
    return lambda resource: apply_fhirpath_patch(body, resource, version=interaction.version)


def _changes(
    call: Call, sender: MapSender, interaction: Interaction, current: Json, patched: Json
) -> tuple[dict[str, Any], tuple[Issue, ...]]:
    """Return the partner's fields that a patch changes; raises FhirError for what cannot be changed."""
    problems = sender.check(patched, interaction)
    if any(issue.code == "structure" for issue in problems):
        raise FhirError(422, *problems)
    before, after = sender.send(current, interaction).body, sender.send(patched, interaction)
    refused = _refused_changes(sender.map.rows, interaction.resource_type, current, patched)
    behind = _left_behind(sender, call.title, interaction, _only_changes(current, patched))
    changed = {field: value for field, value in after.body.items() if before.get(field) != value}
    issues = [*problems, *after.issues, *refused, *behind]
    if any(issue.severity == "error" for issue in issues):
        raise_errors(issues)
    return changed, tuple(issues)


def _refused_changes(rows: Iterable[Row], resource_type: str, current: Json, patched: Json) -> list[Issue]:
    """The issues of a patch that changes what may only be read, or removes what the partner cannot clear."""
    issues = []
    for row in rows:
        before, after = row.values(current), row.values(patched)
        if isinstance(row, PathRow) or before == after:
            continue
        if not row.sends:
            text = "The partner keeps this element itself; leave it as it is."
            issues.append(Issue("read-only", "business-rule", text, row.place.where(patched, resource_type)))
        elif after is None:
            text = "The partner has no way to clear this element; give it another value, or leave it."
            issues.append(Issue("cannot-be-cleared", "business-rule", text, row.place.where(current, resource_type)))
    return issues


def _only_changes(current: Json, patched: Json) -> Json:
    """The patched resource without the elements that were there before."""
    return {key: value for key, value in patched.items() if key == "resourceType" or current.get(key) != value}


def _with_id(resource: Json, interaction: Interaction) -> Json:
    """A record that does not tell its id is the one that was asked for. https://hl7.org/fhir/R4/http.html#read"""
    if not isinstance(resource, dict) or resource.get("resourceType") != interaction.resource_type:
        return resource
    if "id" in resource or interaction.resource_type == "Bundle":
        return resource
    return {"resourceType": resource["resourceType"], "id": interaction.id, **resource}


def answer(
    interaction: Interaction,
    resource: Json,
    warnings: tuple[Issue, ...],
    unknown_codes: tuple[tuple[str, str], ...],
    done: str = CARRIED_OUT,
) -> FhirResponse:
    """Return a success in the form that the client prefers. https://hl7.org/fhir/R4/http.html#return"""
    headers = version_headers(resource)
    wanted = interaction.preferences.returns if interaction.code != "read" else None
    if wanted == "minimal":
        return FhirResponse(200, None, headers, unknown_codes)
    if wanted == "OperationOutcome" or resource is None:
        said = Issue("done", "informational", done, severity="information")
        return FhirResponse(200, operation_outcome([said, *warnings]), headers, unknown_codes)
    return FhirResponse(200, resource, headers, unknown_codes)


def version_headers(resource: Json) -> Mapping[str, str]:
    """Return ETag and Last-Modified of a resource that says when it was last updated."""
    last_updated = (resource or {}).get("meta", {}).get("lastUpdated")
    if last_updated is None:
        return {}
    moment = datetime.fromisoformat(last_updated)
    etag = f'W/"{version_id(last_updated)}"'
    return {"ETag": etag, "Last-Modified": format_datetime(moment.astimezone(UTC), usegmt=True)}


def version_id(last_updated: str) -> str:
    """Return a version id made of an instant: `2017-04-20T19:14:13Z` is `2017-04-20T191413Z`."""
    return re.sub(r"[^A-Za-z0-9.-]", "", last_updated)
