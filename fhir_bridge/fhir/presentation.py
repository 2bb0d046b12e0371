"""How an answer looks on the wire: its format, its FHIR version's name, pretty or not.

https://hl7.org/fhir/R4/http.html#parameters
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from fhir_bridge.fhir import json, xml
from fhir_bridge.fhir.elements import Version
from fhir_bridge.fhir.negotiation import FHIR_JSON, MediaType, choices, first_spoken, is_xml, parse_media_type
from fhir_bridge.outcome import Json


class Presentation(NamedTuple):
    """The media type that the client asked for; `tells_version` where it named a version, so that the answer does too.

    `pretty` is with line breaks.
    """

    media_type: str = FHIR_JSON
    tells_version: bool = False
    pretty: bool = False

    def content_type(self, version: Version | None) -> str:
        """The Content-Type of the answer; `version` is None where it is not known, and then not told."""
        told = f"; fhirVersion={version}" if self.tells_version and version is not None else ""
        return f"{self.media_type}; charset=utf-8{told}"

    def write(self, resource: Json, version: Version) -> bytes:
        """Return the resource as text in this format."""
        if is_xml(self.media_type):
            return xml.dumps(resource, version, indented=self.pretty)
        return json.dumps(resource, indented=self.pretty)


def read_presentation(
    headers: Mapping[str, str], query: Mapping[str, str], version: Version | None = None
) -> tuple[Presentation, tuple[MediaType, ...]]:
    """Return how the answer is to look, and the media types that it may have, best first. Raises FhirError 406.

    `version` is the FHIR version of the answer, where that is known already.
    """
    accepts = choices(headers.get("accept"), query.get("_format"))
    accept = first_spoken(accepts, (version,)) if version else accepts[0]
    sent = parse_media_type(headers.get("content-type", ""))
    tells_version = "fhirversion" in accept.parameters or "fhirversion" in sent.parameters
    return Presentation(accept.name, tells_version, query.get("_pretty") == "true"), accepts
