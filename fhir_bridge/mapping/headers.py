"""Headers of a partner call that come from the request: each from the first of its sources that has a fitting text."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from fhir_bridge.fhir.interaction import Interaction
from fhir_bridge.mapping.like import LIKE
from fhir_bridge.mapping.places import Place
from fhir_bridge.outcome import Issue, Json

FIELD_VALUE = re.compile(r"[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?")
MAX_HEADER = 1000


class Source(NamedTuple):
    """One source of a header: the client's header, an element, fixed text, or a new UUID; `like` names a format."""

    header: str | None
    place: Place | None
    text: str | None
    new: str | None
    like: str | None

    def read(self, interaction: Interaction, body: Json) -> str | None:
        """Return the text that this source has, in the format that is wanted; None where it has none."""
        value = self.text or (interaction.uuid if self.new else None)
        if self.header is not None:
            value = interaction.headers.get(self.header.lower())
        elif self.place is not None:
            value = self.place.get(body)
        if not isinstance(value, str) or not value:
            return None
        return LIKE[self.like](value) if self.like else value


def read_headers(
    sources: Mapping[str, tuple[Source, ...]], interaction: Interaction, body: Json
) -> tuple[dict[str, str], list[Issue]]:
    """Return the headers, and an issue for each that has no value or one that no header may hold."""
    headers: dict[str, str] = {}
    issues: list[Issue] = []
    for name, choices in sources.items():
        value = next((text for source in choices if (text := source.read(interaction, body)) is not None), None)
        if value is None:
            issues.append(Issue("element-missing", "required", f"The header `{name}` is needed.", f"http.{name}"))
        elif len(value) > MAX_HEADER or not FIELD_VALUE.fullmatch(value):
            text = f"`{name}` becomes a header: only visible ASCII characters, at most {MAX_HEADER}."
            issues.append(Issue("invalid-header", "value", text, f"http.{name}"))
        else:
            headers[name] = value
    return headers, issues
