"""What a call sends of a resource: the partner's fields that it becomes, and what is wrong with it."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Protocol

from fhir_bridge.fhir.interaction import Interaction
from fhir_bridge.mapping.checks import Check, modifier_extensions
from fhir_bridge.mapping.maps import Map
from fhir_bridge.mapping.partner_fields import Constant, PartnerField
from fhir_bridge.mapping.places import Place
from fhir_bridge.mapping.sending import Pair, Sending
from fhir_bridge.mapping.transforms import Transform
from fhir_bridge.outcome import Issue, Json


@dataclass(frozen=True, slots=True)
class IdPair:
    """The partner's field that holds the id of the URL."""

    field: PartnerField
    transform: Transform


class Sender(Protocol):
    """Makes the partner's body of a resource whose type is right. Never raises: problems are issues."""

    def send(self, resource: Json, interaction: Interaction) -> Sending: ...

    def complete(self, body: Json, interaction: Interaction) -> Json:
        """Return the body with what goes along with whatever is sent."""

    def check(self, resource: Json, interaction: Interaction) -> list[Issue]: ...

    def pairs(self, resource: Json) -> list[Pair]: ...

    def left_behind(self, resource: Json, interaction: Interaction, known: Json = None) -> list[str]:
        """Return what the partner gets nothing of; what it keeps itself is no loss, as it is in a `known` one."""


@dataclass(frozen=True, slots=True)
class MapSender:
    """Sends what the rows of a map say; `in_headers` are elements that the call's headers take.

    `constants` are fields that go with whatever is sent, `ids` those that are the id of the URL where nothing else is.
    """

    map: Map
    id: IdPair | None
    structure: Check
    profile: Check
    in_headers: tuple[Place, ...] = ()
    constants: tuple[Constant, ...] = ()
    ids: tuple[PartnerField, ...] = ()

    def check(self, resource: Json, interaction: Interaction) -> list[Issue]:
        modifiers = modifier_extensions(resource, self.map.resource_type)
        return [*self.structure(resource), *self.profile(resource), *modifiers]

    def send(self, resource: Json, interaction: Interaction) -> Sending:
        return self.map.to_partner(resource)

    def complete(self, body: Json, interaction: Interaction) -> Json:
        if self.id is None and not self.constants and not self.ids:
            return body
        completed = copy.deepcopy(body)
        for constant in self.constants:
            constant.field.put(completed, constant.value)
        if self.id is not None:
            self.id.field.put(completed, self.id.transform.to_partner(interaction.id))
        for field in self.ids:
            if field.get(completed) is None:
                field.put(completed, interaction.id)
        return completed

    def pairs(self, resource: Json) -> list[Pair]:
        return self.map.pairs(resource)

    def left_behind(self, resource: Json, interaction: Interaction, known: Json = None) -> list[str]:
        unchanged = [] if known is None else self.map.unchanged(resource, known)
        return self.map.left_behind(resource, [*self.in_headers, *unchanged])
