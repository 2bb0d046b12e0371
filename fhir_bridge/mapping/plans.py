"""How an interaction is carried out: a plan yields each partner call, is sent its answer, and returns the FHIR answer.

A plan is a generator that does no I/O: `bridge` makes the calls. It checks everything before its first call.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.utils import format_datetime

from fhir_bridge.exchange import PartnerRequest, PartnerResponse
from fhir_bridge.fhir.body import check_type
from fhir_bridge.fhir.conditions import check_if_match, no_version
from fhir_bridge.fhir.interaction import FhirResponse, Interaction
from fhir_bridge.fhir.patch import read_patch
from fhir_bridge.fhir.primitives import FORMATS
from fhir_bridge.fhir.search import read_criteria, searchset, unanswerable, unknown_parameters
from fhir_bridge.mapping.calls import Call, MapSender, Outgoing, Sender
from fhir_bridge.mapping.checks import check_id, left_behind, raise_errors
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

    def told(self, body: Json, resource_type: str) -> str:
        """Return the id that a sound body tells; raises FhirError where it tells none."""
        found = body.get("id") if self.place is None else self.place.get(body)
        if isinstance(found, str):
            return found
        text = "The body must tell the id of the record that it changes."
        raise FhirError(400, Issue("element-missing", "required", text, self.where(body, resource_type)))

    def where(self, body: Json, resource_type: str) -> str:
        """Return the FHIRPath of the id in a sound body."""
        return f"{resource_type}.id" if self.place is None else self.place.where(body, resource_type)


def read_plan(call: Call) -> MakePlan:
    """https://hl7.org/fhir/R4/http.html#read"""

    def plan(interaction: Interaction) -> Plan:
        resource, unknown = yield from _read(call, interaction)
        return answer(interaction, resource, (), unknown)

    return plan


def update_plan(call: Call, id_rule: IdRule, reads: Call | None) -> MakePlan:
    """https://hl7.org/fhir/R4/http.html#update; with If-Match the record is read first, where it can be."""

    def plan(interaction: Interaction) -> Plan:
        check_type(interaction.body, interaction.resource_type)
        outgoing, warnings = _prepare(call, interaction, interaction.body, id_rule)
        if "if-match" in interaction.headers:
            yield from _check_version(reads, interaction)
        return (yield from _make(call, interaction, outgoing, warnings))

    return plan


def told_by_body_plan(call: Call, id_rule: IdRule, resource_type: str, is_id: Callable[[str], bool]) -> MakePlan:
    """An interaction without an id in its address, carried out as the update of the id that its body tells."""

    def plan(interaction: Interaction) -> Plan:
        check_type(interaction.body, resource_type)
        assert call.sender is not None
        problems = call.sender.check(interaction.body, interaction)
        if not _is_sound(problems):
            raise_errors(problems)
        id_ = id_rule.told(interaction.body, resource_type)
        if not is_id(id_):
            where = id_rule.where(interaction.body, resource_type)
            raise FhirError(400, Issue("invalid-id", "value", "No record at the partner can have this id.", where))
        address = replace(interaction.address, resource_type=resource_type, id=id_, operation=None)
        as_update = replace(interaction, code="update", address=address)
        outgoing, warnings = _prepare(call, as_update, interaction.body, id_rule)
        return (yield from _make(call, as_update, outgoing, warnings))

    return plan


def _is_sound(problems: Iterable[Issue]) -> bool:
    """Whether a resource has the shape that FHIR says, so that paths into it can be followed."""
    return not any(issue.code == "structure" for issue in problems)


def _check_version(reads: Call | None, interaction: Interaction) -> Generator[PartnerRequest, PartnerResponse, None]:
    """Read the current record and compare its version with If-Match; raises FhirError."""
    if reads is None:
        raise no_version()
    current, _ = yield from _read(reads, interaction)
    check_if_match(interaction.headers["if-match"], version_headers(current).get("ETag"))


def _read(
    reads: Call, interaction: Interaction
) -> Generator[PartnerRequest, PartnerResponse, tuple[Json, tuple[tuple[str, str], ...]]]:
    """Read the record of the interaction's id; returns the resource and the unknown codes in it."""
    outgoing, issues = reads.prepare(interaction, None)
    raise_errors(issues)
    response = yield outgoing.request
    resource, unknown = reads.read(interaction, response, outgoing)
    return _with_id(resource, interaction), unknown


def operation_plan(call: Call) -> MakePlan:
    """https://hl7.org/fhir/R4/operations.html; an empty body and `{}` are Parameters without any."""

    def plan(interaction: Interaction) -> Plan:
        parameters = {"resourceType": "Parameters"} if interaction.body in (None, {}) else interaction.body
        check_type(parameters, "Parameters")
        outgoing, warnings = _prepare(call, interaction, parameters, None)
        return (yield from _make(call, interaction, outgoing, warnings))

    return plan


def _prepare(
    call: Call, interaction: Interaction, resource: Json, id_rule: IdRule | None
) -> tuple[Outgoing, tuple[Issue, ...]]:
    """Return the call that sends a resource, and warnings; raises FhirError with all that is wrong with it."""
    sender = call.sender
    assert sender is not None
    problems = sender.check(resource, interaction)
    sound = _is_sound(problems)
    if id_rule is not None:
        problems = [*id_rule.check(interaction, sound=sound), *problems]
    if not sound:
        raise_errors(problems)
    behind = _left_behind(sender, call.title, interaction, resource)
    outgoing, issues = call.prepare(interaction, resource)
    if isinstance(sender, MapSender) and not outgoing.sending.body and _needs_fields(sender) and not issues:
        issues.append(nothing_to_send(call.title, interaction.resource_type))
    refused = {issue.expression for issue in (*problems, *issues)}
    found = [*problems, *issues, *(issue for issue in behind if issue.expression not in refused)]
    if interaction.preferences.strict:
        found = [issue.as_error() if issue.error == "left-behind" else issue for issue in found]
    return outgoing, raise_errors(found)


def _make(call: Call, interaction: Interaction, outgoing: Outgoing, warnings: tuple[Issue, ...]) -> Plan:
    """Make a call and answer with what the partner answers."""
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
        change = read_patch(interaction.content_type, interaction.body, interaction.version)
        current, unknown = yield from _read(reads, interaction)
        if "if-match" in interaction.headers:
            check_if_match(interaction.headers["if-match"], version_headers(current).get("ETag"))
        patched = change(current)
        outgoing, warnings = _prepare_changes(writes, sender, interaction, current, patched)
        if not outgoing.sending.body:
            return answer(interaction, current, warnings, unknown, NOTHING_CHANGED)
        return (yield from _make(writes, interaction, outgoing, warnings))

    return plan


def search_plan(reads: Call, system: str | None, is_id: Callable[[str], bool]) -> MakePlan:
    """https://hl7.org/fhir/R4/http.html#search, by the logical id: reads each record, one after the other.

    What is no id of the partner's is not asked for: there is no such record.
    """

    def plan(interaction: Interaction) -> Plan:
        criteria = read_criteria(interaction.query, system)
        if interaction.preferences.strict and criteria.unknown:
            raise FhirError(400, *unknown_parameters(criteria.unknown))
        if criteria.ids is None:
            raise unanswerable(interaction.resource_type, system)
        found: list[Json] = []
        unknown_codes: list[tuple[str, str]] = []
        for id_ in filter(is_id, criteria.ids):
            one = replace(interaction, address=replace(interaction.address, id=id_))
            try:
                resource, unknown = yield from _read(reads, one)
            except FhirError as error:
                if error.status_code not in (404, 410):
                    raise
                continue
            found.append(resource)
            unknown_codes += unknown
        bundle = searchset(interaction.base_url, interaction.resource_type, criteria, found)
        return FhirResponse(200, bundle, {}, tuple(unknown_codes))

    return plan


def _prepare_changes(
    call: Call, sender: MapSender, interaction: Interaction, current: Json, patched: Json
) -> tuple[Outgoing, tuple[Issue, ...]]:
    """Return the call that sends the fields that a patch changes, and warnings; raises FhirError as an update does.

    What is wrong with the partner's own record, and stays as it is, is no fault of the patch.
    """
    problems = sender.check(patched, interaction)
    if not _is_sound(problems):
        raise_errors(problems)
    known = sender.check(current, interaction)
    outgoing, issues = call.prepare(interaction, patched, already=sender.send(current, interaction).body)
    refused = _refused_changes(sender.map.rows, interaction.resource_type, current, patched)
    behind = _left_behind(sender, call.title, interaction, _only_changes(current, patched))
    caused = [issue for issue in problems if issue not in known]
    return outgoing, raise_errors([*caused, *issues, *refused, *behind])


def _refused_changes(rows: Iterable[Row], resource_type: str, current: Json, patched: Json) -> list[Issue]:
    """The issues of a patch that changes what may only be read, or removes what the partner cannot clear."""
    issues = []
    for row in rows:
        before, after = row.values(current), row.values(patched)
        if isinstance(row, PathRow) or before == after:
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
    wanted = interaction.preferences.returns if interaction.code in ("update", "patch") else None
    if wanted == "minimal":
        return FhirResponse(200, None, headers, unknown_codes)
    if wanted == "OperationOutcome" or resource is None:
        said = Issue("done", "informational", done, severity="information")
        return FhirResponse(200, operation_outcome([said, *warnings]), headers, unknown_codes)
    return FhirResponse(200, resource, headers, unknown_codes)


def version_headers(resource: Json) -> Mapping[str, str]:
    """Return ETag and Last-Modified of a resource that says when it was last updated; what passes through may not."""
    meta = resource.get("meta") if isinstance(resource, dict) else None
    last_updated = meta.get("lastUpdated") if isinstance(meta, dict) else None
    if not isinstance(last_updated, str) or not FORMATS["4.0"]["instant"].fits(last_updated):
        return {}
    return {"ETag": f'W/"{version_id(last_updated)}"', **_last_modified(last_updated)}


def _last_modified(instant: str) -> Mapping[str, str]:
    """HTTP's spelling of an instant; none of a leap second, nor of what UTC would put into the year 0 or 10000."""
    try:
        moment = datetime.fromisoformat(instant).astimezone(UTC)
    except (ValueError, OverflowError):
        return {}
    return {"Last-Modified": format_datetime(moment, usegmt=True)}


def version_id(last_updated: str) -> str:
    """Return a version id made of an instant: `2017-04-20T19:14:13Z` is `2017-04-20T191413Z`."""
    return re.sub(r"[^A-Za-z0-9.-]", "", last_updated)
