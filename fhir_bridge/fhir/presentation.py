"""How an answer looks on the wire: its format, its FHIR version's name, pretty or not.

https://hl7.org/fhir/R4/http.html#parameters
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from fhir_bridge.fhir import json, xml
from fhir_bridge.fhir.elements import Version
from fhir_bridge.fhir.negotiation import FHIR_JSON, MediaType, choices, first_spoken, is_xml, parse_media_type
from fhir_bridge.fhir.r4_stu3 import TO_STU3
from fhir_bridge.outcome import FhirError, Json


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
        """Return the resource as text in this format, with issue codes that the version has: those of ours are R4's."""
        said = resource if version == "4.0" else _with_issue_codes_of_stu3(resource)
        if is_xml(self.media_type):
            return xml.dumps(said, version, indented=self.pretty)
        return json.dumps(said, indented=self.pretty)


def read_presentation(
    headers: Mapping[str, str], query: Mapping[str, str], version: Version | None = None
) -> Presentation:
    """Return how the answer is to look; in JSON where it cannot be had as it was asked for, which is then refused.

    `version` is the FHIR version of the answer, where that is known already.
    """
    accepts = _accepts(headers.get("accept"), query.get("_format"))
    accept = first_spoken(accepts, (version,)) if version else accepts[0]
    sent = parse_media_type(headers.get("content-type", ""))
    tells_version = "fhirversion" in accept.parameters or "fhirversion" in sent.parameters
    return Presentation(accept.name, tells_version, query.get("_pretty") == "true")


def _accepts(accept: str | None, format_: str | None) -> tuple[MediaType, ...]:
    try:
        return choices(accept, format_)
    except FhirError:
        return (MediaType(FHIR_JSON, {}),)


_NEAREST = TO_STU3.nearest["OperationOutcome.issue.code"]


def _with_issue_codes_of_stu3(value: Json) -> Json:
    """The value with codes of STU3 in its OperationOutcomes, wherever in a Bundle or Parameters they are."""
    if isinstance(value, list):
        return [_with_issue_codes_of_stu3(inner) for inner in value]
    if not isinstance(value, dict):
        return value
    if value.get("resourceType") == "OperationOutcome" and isinstance(value.get("issue"), list):
        return {**value, "issue": [_in_stu3(issue) for issue in value["issue"]]}
    return {name: _with_issue_codes_of_stu3(inner) for name, inner in value.items()}


def _in_stu3(issue: Json) -> Json:
    code = issue.get("code") if isinstance(issue, dict) else None
    return {**issue, "code": _NEAREST[code]} if isinstance(code, str) and code in _NEAREST else issue
