"""What rows write and read: what goes to the partner, what was read of it, and which element is which field."""

from __future__ import annotations

from collections.abc import Callable, Container
from dataclasses import dataclass, field
from typing import Any

from fhir_bridge.mapping.partner_fields import Keys
from fhir_bridge.mapping.source import Mark
from fhir_bridge.outcome import Issue, Json


@dataclass(slots=True)
class Sending:
    """What is written for the partner: the JSON `body`, variables of the URL's path, its query, and what went wrong.

    `lost` are codes that the partner would lose with a field: it takes each field of the body whole. `whole` is what
    the resource became before it was sent, where it became another; `home` says which element of the client's one of
    the partner's FHIR is.
    """

    body: dict[str, Any] = field(default_factory=dict)
    path: dict[str, str] = field(default_factory=dict)
    query: list[tuple[str, str]] = field(default_factory=list)
    issues: list[Issue] = field(default_factory=list)
    lost: list[tuple[str, Issue]] = field(default_factory=list)
    whole: Json = None
    home: Callable[[str], str | None] = str

    def issues_of(self, fields: Container[str]) -> list[Issue]:
        """Return what is wrong where just these fields of the body are sent."""
        return [*self.issues, *(issue for name, issue in self.lost if name in fields)]


@dataclass(slots=True)
class Receiving:
    """What rows read: fields whose code no table knows, as (field, code)."""

    unknown_codes: list[tuple[str, str]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Pair:
    """What one row means for one resource: a FHIR element and a partner field, and the value sent, if any.

    `told_by` are the elements that told which member of a list is meant; `sends` is false for what is only read;
    `name` is how the mapping file writes the element, which has its slices also where the resource has no such member.
    """

    element: str
    field: Keys
    value: Json
    mark: Mark
    told_by: tuple[str, ...] = ()
    sends: bool = True
    name: str = ""
