"""What a call sends of a resource: the partner's fields that it becomes, and what is wrong with it."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Protocol

from fhir_bridge.fhir.interaction import Interaction
from fhir_bridge.mapping.checks import Check, modifier_extensions
from fhir_bridge.mapping.losses import Loss
from fhir_bridge.mapping.maps import Map
from fhir_bridge.mapping.partner_fields import Constant, PartnerField
from fhir_bridge.mapping.places import Place
from fhir_bridge.mapping.rows import Row
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

    def losses(self, resource: Json, interaction: Interaction, known: Json = None) -> list[Loss]:
        """Return each element that the partner gets nothing of, but for what a `known` record of its has too."""


@dataclass(frozen=True, slots=True)
class MapSender:
    """Sends what the rows of a map say; `in_headers` are elements that the call's headers take.

    `constants` are fields that go with whatever is sent, `ids` those that are the id of the URL where nothing else is.
    `added` are rows of the further calls of a read, whose elements a client may send back as they were read.
    """

    map: Map
    id: IdPair | None
    structure: Check
    profile: Check
    in_headers: tuple[Place, ...] = ()
    constants: tuple[Constant, ...] = ()
    ids: tuple[PartnerField, ...] = ()
    added: tuple[Row, ...] = ()

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

    def losses(self, resource: Json, interaction: Interaction, known: Json = None) -> list[Loss]:
        kept = set() if known is None else self.map.kept(resource, known, self.added)
        found = self.map.losses(resource, self.in_headers, kept)
        if interaction.code != "update" or not any(loss.modifies for loss in found):
            return found
        shown = self.map.kept(resource, resource, self.added)
        return [loss._replace(is_kept=loss.path in shown) for loss in found]

    def repeats_additions(self, resource: Json) -> bool:
        """Whether the resource has elements that only the further calls of a read tell."""
        return any(row.values(resource) is not None for row in self.added)
