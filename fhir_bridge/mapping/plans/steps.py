"""What plans are made of: a resource is prepared to be sent, a call is made, a record is read.

A plan does no I/O: `bridge` makes the calls that it yields, sends it their answers, and throws their failures into it.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass, replace

from fhir_bridge.exchange import PartnerRequest, PartnerResponse
from fhir_bridge.fhir.interaction import FhirResponse, Interaction
from fhir_bridge.fhir.message import containing
from fhir_bridge.mapping.calls import Before, Call, Outgoing
from fhir_bridge.mapping.checks import is_sound, left_behind, raise_errors
from fhir_bridge.mapping.plans.adding import additions
from fhir_bridge.mapping.plans.answers import NOTHING_CHANGED_YET, answer, not_shown
from fhir_bridge.mapping.plans.id_rule import IdRule
from fhir_bridge.mapping.receivers import Received
from fhir_bridge.mapping.senders import MapSender, Sender
from fhir_bridge.outcome import FhirError, Issue, Json

Plan = Generator[PartnerRequest, PartnerResponse, FhirResponse]
MakePlan = Callable[[Interaction], Plan]
Step = Generator[PartnerRequest, PartnerResponse, Received]
"""Some of a plan's calls, and what they tell."""


@dataclass(frozen=True, slots=True)
class Checked:
    """What an interaction would send, found to be right: by which call, for which interaction in the end.

    `first` is the read of the record that comes before, where there is one; `warnings` are what the client is told.
    """

    call: Call
    interaction: Interaction
    outgoing: Outgoing
    warnings: tuple[Issue, ...]
    first: Call | None = None


@dataclass(frozen=True, slots=True)
class CheckedPlan:
    """A plan in two halves: `check` says all that can be said before a partner is called, `calls` makes the calls.

    `check` raises FhirError with all that is wrong. `$validate` asks it too, and so says what the interaction would.
    """

    check: Callable[[Interaction], Checked]
    calls: Callable[[Checked], Plan]

    def __call__(self, interaction: Interaction) -> Plan:
        return (yield from self.calls(self.check(interaction)))


def make_checked(checked: Checked) -> Plan:
    """Make the one call of what was checked."""
    return make(checked.call, checked.interaction, checked.outgoing, checked.warnings)


def read_record(reads: Call, interaction: Interaction) -> Step:
    """Read the record of the interaction's id."""
    outgoing, issues = reads.prepare(interaction, None)
    raise_errors(issues)
    return _with_id((yield from exchange(reads, interaction, outgoing)), interaction)


def read_before(reads: Call, interaction: Interaction, sender: Sender | None = None) -> Step:
    """Read the record that is about to be changed; a failure says that nothing was changed.

    What only further calls tell is read as well where `sender` finds it in the request: it may be sent back as it is.
    """
    try:
        received = yield from read_record(reads, interaction)
        if isinstance(sender, MapSender) and sender.repeats_additions(interaction.body):
            whole = yield from additions(reads, interaction, received)
            return replace(received, resource=whole.resource)
        return received
    except FhirError as error:
        if error.status_code in (404, 410):
            raise
        said = Issue("nothing-changed", "informational", NOTHING_CHANGED_YET, severity="information")
        raise FhirError(error.status_code, *error.issues, said, headers=error.headers) from None


def exchange(call: Call, interaction: Interaction, outgoing: Outgoing) -> Step:
    """Make a call that is ready."""
    response = yield outgoing.request()
    return call.read(interaction, response, outgoing)


def make(call: Call, interaction: Interaction, outgoing: Outgoing, warnings: tuple[Issue, ...]) -> Plan:
    """Make the call that an interaction is about, and answer with what the partner answers."""
    received = yield from exchange(call, interaction, outgoing)
    if call.then is not None and interaction.preferences.returns != "minimal":
        return (yield from _make_then(call, call.then, interaction, received, warnings))
    return answer(interaction, _with_id(received, interaction), warnings, versioned=call.versioned)


def _make_then(
    call: Call, then: Call, interaction: Interaction, received: Received, warnings: tuple[Issue, ...]
) -> Plan:
    """Read the record that was just changed: that is the answer. The change stays, even where the reading fails."""
    id_ = interaction.address.id or received.id
    try:
        shown = yield from read_record(then, replace(interaction, address=replace(interaction.address, id=id_)))
    except FhirError as error:
        return not_shown(interaction, replace(received, id=id_), error, warnings)
    resource = containing(shown.resource, received.resource)
    return answer(interaction, replace(shown, id=id_, resource=resource), warnings, versioned=call.versioned)


def prepare(
    call: Call,
    interaction: Interaction,
    resource: Json,
    id_rule: IdRule | None,
    *,
    known: Json = None,
    record: Json = None,
) -> tuple[Outgoing, tuple[Issue, ...]]:
    """Return the call that sends a resource, and warnings; raises FhirError with all that is wrong with it.

    `known` is the record as it is there, or may be before it was read; `record` is the partner's own, once it was.
    """
    sender = call.sender
    assert sender is not None
    problems = sender.check(resource, interaction)
    sound = is_sound(problems)
    if id_rule is not None:
        problems = [*id_rule.check(interaction, sound=sound), *problems]
    if not sound:
        raise_errors(problems)
    behind = left_behind_of(sender, call.title, interaction, resource, known)
    outgoing, issues = call.prepare(interaction, resource, Before(record))
    if isinstance(sender, MapSender) and not outgoing.sending.body and _needs_fields(sender) and not issues:
        issues.append(nothing_to_send(call.title, interaction.resource_type))
    return outgoing, raise_refusals(interaction, [*problems, *issues, *behind])


def raise_refusals(interaction: Interaction, issues: Iterable[Issue]) -> tuple[Issue, ...]:
    """Raise FhirError with all that is wrong; else return the warnings.

    For a strict client what is left behind is wrong. Where a request is refused, nothing is left behind after all, and
    only who wants an outcome is told what would have been.
    """
    wanted, found = interaction.preferences, list(issues)
    if wanted.strict:
        found = [issue.as_error() if issue.error == "left-behind" else issue for issue in found]
    elif wanted.returns != "OperationOutcome" and any(issue.severity == "error" for issue in found):
        found = [issue for issue in found if issue.error != "left-behind"]
    return raise_errors(found)


def _needs_fields(sender: MapSender) -> bool:
    """An update with no field is nothing; an operation without parameters is one."""
    return sender.map.resource_type != "Parameters"


def nothing_to_send(title: str, resource_type: str) -> Issue:
    text = f"Nothing in this {resource_type} can be sent to {title}; give it at least one element that it takes."
    return Issue("nothing-to-send", "business-rule", text, resource_type)


def left_behind_of(sender: Sender, title: str, interaction: Interaction, resource: Json, known: Json) -> list[Issue]:
    """What the partner cannot hold."""
    return left_behind(sender.losses(resource, interaction, known), title, strict=interaction.preferences.strict)


def _with_id(received: Received, interaction: Interaction) -> Received:
    """A record that does not tell its id is the one that was asked for. https://hl7.org/fhir/R4/http.html#read"""
    resource, id_ = received.resource, interaction.address.id or received.id
    if not isinstance(resource, dict) or resource.get("resourceType") != interaction.resource_type:
        return received
    if id_ is None or "id" in resource or interaction.resource_type == "Bundle":
        return received
    return replace(received, resource={"resourceType": resource["resourceType"], "id": id_, **resource})
