"""A resource by itself, sent in the message that another interaction takes, and read out of the answer to that."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from fhir_bridge.fhir.elements import Version
from fhir_bridge.fhir.fhirpath_location import Spot, located
from fhir_bridge.fhir.fhirpath_steps import steps
from fhir_bridge.fhir.interaction import Interaction
from fhir_bridge.fhir.leaving import Gaps, Rest, leave, stands_in
from fhir_bridge.fhir.message import Header, Message, hindered, unwrap, wrap
from fhir_bridge.mapping.checks import is_sound
from fhir_bridge.mapping.headers import Source
from fhir_bridge.mapping.like import Spell
from fhir_bridge.mapping.losses import Harmless, Loss, is_harmless
from fhir_bridge.mapping.partner_fields import Unreadable
from fhir_bridge.mapping.passing import PassSender
from fhir_bridge.mapping.receivers import Received, Receiver, check_told_id
from fhir_bridge.mapping.sending import Pair, Sending
from fhir_bridge.outcome import Issue, Json


@dataclass(frozen=True, slots=True)
class MessageSender:
    """Sends a resource in a message. `bare` checks the resource by itself, `within` checks and sends the message.

    `event` is the event's Coding; `source` tells who sends, by the first of its texts; `profiles` are by type. `silent`
    are values that carry nothing, by type and element: `Condition.verificationStatus`.
    """

    bare: PassSender
    within: PassSender
    event: Json
    source: Sequence[Source]
    profiles: Mapping[str, str]
    silent: Mapping[str, Harmless]

    def check(self, resource: Json, interaction: Interaction) -> list[Issue]:
        """Return what is wrong with the resource; where nothing is, with the message, at the resource's elements."""
        rest, problems = self._fit(resource, interaction)
        if is_sound(problems):
            gaps = Gaps.of(rest.gone)
            problems += [_at(gaps.former_place(issue.expression or ""), issue) for issue in hindered(rest.resource)]
        if problems:
            return problems
        message = self.message(rest.resource, interaction)
        home = _home(message, rest)
        found = self.within.check(message.bundle, interaction)
        return [_at(home(issue.expression or ""), issue) for issue in found]

    def _fit(self, resource: Json, interaction: Interaction) -> tuple[Rest, list[Issue]]:
        """Return what of a resource goes in the message, and what is wrong with it: what its profile does not allow
        is left behind, and is no fault.
        """
        problems = self.bare.check(resource, interaction)
        barred = {issue: None for issue in problems if _can_be_left(issue, resource, interaction.version)}
        rest = leave(resource, [issue.expression or "" for issue in barred], interaction.version)
        return rest, [issue for issue in problems if issue not in barred]

    def message(self, resource: Json, interaction: Interaction) -> Message:
        """Return the message about a resource."""
        texts = (source.read(interaction, resource) for source in self.source)
        endpoint = next((text for text in texts if text is not None), None)
        header = Header(interaction.uuid, self.event, endpoint, interaction.now, self.profiles)
        return wrap(resource, header, interaction.version)

    def send(self, resource: Json, interaction: Interaction) -> Sending:
        rest, _ = self._fit(resource, interaction)
        message = self.message(rest.resource, interaction)
        sending = self.within.send(message.bundle, interaction)
        at_home = _home(message, rest)
        issues = [_at(at_home(issue.expression or ""), issue) for issue in sending.issues]

        def home(expression: str) -> str | None:
            own = sending.home(expression)
            return None if own is None else at_home(own)

        return replace(sending, issues=issues, whole=message.bundle, home=home)

    def complete(self, body: Json, interaction: Interaction) -> Json:
        return body

    def pairs(self, resource: Json) -> list[Pair]:
        return []

    def losses(self, resource: Json, interaction: Interaction, known: Json = None) -> list[Loss]:
        rest, _ = self._fit(resource, interaction)
        return [loss for path in rest.gone for loss in self._loss(resource, path, interaction.version)]

    def _loss(self, resource: Json, path: str, version: Version) -> Iterator[Loss]:
        """Yield an element that does not go in the message, unless it carries nothing."""
        for node in located(version, resource, steps(path)):
            spot = node.spot
            if spot is not None and not is_harmless(node.item.value, self._harmless(spot)):
                yield Loss(path, spot.element.is_modifier)

    def _harmless(self, spot: Spot) -> Harmless:
        return self.silent.get(f"{spot.holder_type}.{spot.element.name}", frozenset())


def _can_be_left(issue: Issue, resource: Json, version: Version) -> bool:
    return issue.error == "element-not-allowed" and stands_in(resource, issue.expression or "", version)


def _home(message: Message, rest: Rest) -> Callable[[str], str | None]:
    """Return where an element of the message stands in what the client sent; None where it does not."""
    gaps = Gaps.of(rest.gone)

    def home(expression: str) -> str | None:
        own = message.home(expression)
        return None if own is None else gaps.former_place(own)

    return home


def _at(expression: str | None, issue: Issue) -> Issue:
    return replace(issue, expression=expression)


@dataclass(frozen=True, slots=True)
class MessageReceiver:
    """Reads the resource of one type out of a message, with what the message says about it."""

    resource_type: str
    within: Receiver
    spell: Spell = str

    def receive(self, body: bytes, interaction: Interaction) -> Received:
        bundle = self.within.receive(body, interaction).resource
        if bundle is None:
            return Received()
        resource = unwrap(bundle, self.resource_type, interaction.version)
        id_ = None if resource is None else resource.get("id")
        if not isinstance(id_, str):
            raise Unreadable((), f"a {self.resource_type} with an id is expected in it")
        check_told_id(id_, interaction, self.spell)
        return Received(resource, id_)
