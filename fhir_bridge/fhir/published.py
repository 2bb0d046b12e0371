"""What FHIR R4 itself publishes, by canonical URL: its search parameters, operations and profiles.

The list is r4_definitions.txt beside this module, made of the JSON definitions of the specification (which are CC0).
https://hl7.org/fhir/R4/downloads.html
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import NamedTuple

HL7 = "http://hl7.org/fhir/"
_OF_EVERY_TYPE = ("Resource", "DomainResource")


class Published(NamedTuple):
    """One definition. `type` is a search parameter's type, else `operation` or `profile`; `bases` are its types."""

    url: str
    code: str
    type: str
    bases: tuple[str, ...]

    def is_of(self, resource_type: str) -> bool:
        """Whether it is defined for a resource type, by name or for every type."""
        return resource_type in self.bases or self.is_general

    @property
    def is_general(self) -> bool:
        return any(base in _OF_EVERY_TYPE for base in self.bases)


@cache
def published() -> Mapping[str, Published]:
    """Return what FHIR publishes, by its URL."""
    text = Path(__file__).with_name("r4_definitions.txt").read_text(encoding="utf-8")
    lines = (line.split(" ") for line in text.splitlines())
    return {f"{HL7}{name}": Published(f"{HL7}{name}", code, type_, tuple(bases)) for name, code, type_, *bases in lines}


def find_search_parameter(resource_type: str, name: str) -> Published | None:
    """Return FHIR's search parameter of this name for a resource type; None where it has none."""
    named = (each for each in published().values() if each.code == name and each.is_of(resource_type))
    return next((each for each in named if each.url.startswith(f"{HL7}SearchParameter/")), None)
