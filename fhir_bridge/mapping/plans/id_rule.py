"""Where the id of an update stands in its body."""

from __future__ import annotations

from dataclasses import dataclass

from fhir_bridge.fhir.interaction import Interaction
from fhir_bridge.mapping.checks import check_id
from fhir_bridge.mapping.like import Spell
from fhir_bridge.mapping.places import Place
from fhir_bridge.outcome import Issue, Json


@dataclass(frozen=True, slots=True)
class IdRule:
    """Where the id of an update stands in its body. FHIR's own rule: in `id`, and it must be there.

    `spell` writes an id as the partner does: an id that differs in its spelling alone is the same.
    """

    place: Place | None = None
    spell: Spell = str

    def check(self, interaction: Interaction, *, sound: bool) -> list[Issue]:
        """Return the issue where the ids differ; a path into a resource that is not `sound` cannot be followed.

        Where the address names none, as that of `$validate` may, there is nothing to differ from.
        """
        if interaction.address.id is None:
            return []
        if self.place is None:
            expression = f"{interaction.resource_type}.id"
            return check_id(self.told(interaction.body), interaction.id, expression, needed=True)
        if not sound:
            return []
        expression = self.place.where(interaction.body, interaction.resource_type)
        return check_id(self.told(interaction.body), interaction.id, expression, needed=False)

    def told(self, body: Json) -> str | None:
        """Return the id that a body tells."""
        found = body.get("id") if self.place is None else self.place.get(body)
        return self.spell(found) if isinstance(found, str) else None

    def where(self, body: Json, resource_type: str) -> str:
        """Return the FHIRPath of the id in a sound body."""
        return f"{resource_type}.id" if self.place is None else self.place.where(body, resource_type)
