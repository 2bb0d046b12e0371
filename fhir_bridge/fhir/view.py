"""Which part of a resource the client wants to see: `_summary` and `_elements` of a request.

https://hl7.org/fhir/R4/search.html#summary and https://hl7.org/fhir/R4/search.html#elements
"""

from __future__ import annotations

from typing import NamedTuple, cast, get_args

from fhir_bridge.fhir.elements import Version
from fhir_bridge.fhir.interaction import Interaction
from fhir_bridge.fhir.subset import Kind, only_elements, summary
from fhir_bridge.outcome import FhirError, Issue, Json

_VIEWED = frozenset({"read", "vread", "search-type", "capabilities"})


class View(NamedTuple):
    """All of a resource, or the part that is wanted; a summary counts before elements."""

    summary: Kind = "false"
    elements: tuple[str, ...] = ()

    def of(self, resource: Json, version: Version) -> Json:
        """Return what the client wants of a resource, None of None."""
        if resource is None:
            return None
        if self.summary != "false":
            return summary(resource, self.summary, version)
        return only_elements(resource, self.elements, version) if self.elements else resource


def read_view(interaction: Interaction) -> View:
    """Return the part that an interaction wants; all of what is not read or searched for. Raises FhirError 400."""
    wanted = dict(interaction.query)
    if interaction.code not in _VIEWED:
        return View()
    elements = tuple(name.strip() for name in wanted.get("_elements", "").split(",") if name.strip())
    return View(_kind(wanted.get("_summary") or "false", interaction), elements)


def _kind(text: str, interaction: Interaction) -> Kind:
    if text not in get_args(Kind):
        raise _not_had(f"`_summary` is one of {', '.join(get_args(Kind))}.")
    if text == "count" and interaction.code != "search-type":
        raise _not_had("Only what a search finds can be counted; ask for another `_summary`.")
    return cast("Kind", text)


def _not_had(text: str) -> FhirError:
    return FhirError(400, Issue("value-not-allowed", "value", text, "http._summary"))
