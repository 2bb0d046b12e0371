"""Which format and FHIR version a body has and an answer gets: Content-Type, Accept, `_format`, `fhirVersion`.

https://hl7.org/fhir/R4/http.html#mime-type and https://hl7.org/fhir/R4/http.html#version-parameter
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

from fhir_bridge.fhir.elements import Version
from fhir_bridge.outcome import ErrorCode, FhirError, Issue

FHIR_JSON = "application/fhir+json"
FHIR_XML = "application/fhir+xml"
JSON_PATCH = "application/json-patch+json"
MERGE_PATCH_TYPES = ("application/merge-patch+json", "application/json")
"""A patch in plain JSON is a merge patch: a client that says no more sends the elements that change."""

FORM = "application/x-www-form-urlencoded"
JSON_TYPES = (FHIR_JSON, "application/json", "text/json", "application/json+fhir")

XML_TYPES = (FHIR_XML, "application/xml", "text/xml", "application/xml+fhir")

_FORMATS: Mapping[str, str] = {
    **{name: name for name in (*JSON_TYPES, *XML_TYPES)},
    "json": FHIR_JSON,
    "xml": FHIR_XML,
}
"""What `_format` may say, and the media type that it means."""

_RANGES: Mapping[str, Sequence[str]] = {
    "*/*": (FHIR_JSON, FHIR_XML),
    "application/*": (FHIR_JSON, FHIR_XML),
    "text/*": ("text/json", "text/xml"),
}
_VERSIONS: Mapping[str, Version] = {
    "4.0": "4.0", "4.0.0": "4.0", "4.0.1": "4.0",
    "3.0": "3.0", "3.0.1": "3.0", "3.0.2": "3.0",
}  # fmt: skip


class MediaType(NamedTuple):
    """A media type in lower case and its parameters: `application/fhir+json; fhirVersion=4.0`."""

    name: str
    parameters: Mapping[str, str]

    @property
    def quality(self) -> float:
        try:
            return float(self.parameters.get("q", "1"))
        except ValueError:
            return 0.0


def parse_media_type(text: str) -> MediaType:
    name, *parameters = text.split(";")
    pairs = (parameter.partition("=")[::2] for parameter in parameters)
    return MediaType(name.strip().lower(), {key.strip().lower(): value.strip().strip('"') for key, value in pairs})


def body_type(header: str | None, known: Sequence[str]) -> MediaType:
    """Return the media type of a body, FHIR's JSON where the client names none; raises FhirError 415."""
    media_type = parse_media_type(header or FHIR_JSON)
    charset = media_type.parameters.get("charset", "utf-8").lower()
    if media_type.name not in known or charset not in ("utf-8", "utf8", "us-ascii"):
        text = f"This Content-Type is not taken here; send {' or '.join(known[:2])} in UTF-8."
        raise FhirError(415, Issue("content-type-not-supported", "not-supported", text, "http.Content-Type"))
    return media_type


def choices(accept: str | None, format_: str | None) -> tuple[MediaType, ...]:
    """Return the media types that the answer may have, best first; `_format` wins over Accept. Raises FhirError 406.

    A blank `_format` says nothing. Of two that are liked alike, one that is named comes before a range.
    RFC 9110, section 12.5.1
    """
    if format_:
        name, _, parameters = format_.partition(";")
        wanted = parse_media_type(f"{name.strip().replace(' ', '+')};{parameters}")
        if wanted.name not in _FORMATS:
            raise _not_acceptable("http._format")
        return (wanted._replace(name=_FORMATS[wanted.name]),)
    told = [parse_media_type(text) for text in (accept or "*/*").split(",") if text.strip()]
    refused = {choice.name for choice in told if choice.quality == 0}
    told.sort(key=lambda choice: (-choice.quality, choice.name in _RANGES))
    named = [choice._replace(name=name) for choice in told if choice.quality > 0 for name in _names(choice, refused)]
    if not named:
        raise _not_acceptable("http.Accept")
    return tuple(named)


def _names(choice: MediaType, refused: Collection[str]) -> list[str]:
    """The media type of ours that is meant: itself, or the first within a range that is not refused by its name."""
    if choice.name in (*JSON_TYPES, *XML_TYPES):
        return [choice.name]
    return [name for name in _RANGES.get(choice.name, ()) if name not in refused][:1]


def is_xml(media_type: str) -> bool:
    return media_type in XML_TYPES


def _not_acceptable(expression: str) -> FhirError:
    text = f"The answer can be had as {FHIR_JSON} or {FHIR_XML}; ask for one of them."
    return FhirError(406, Issue("not-acceptable", "not-supported", text, expression))


def fhir_version(
    content: MediaType | None, accept: MediaType, offered: Sequence[Version], *, asked_in: str = "http.Accept"
) -> Version:
    """Return the FHIR version of the interaction: the body's, else the one asked for, else the base's first.

    `asked_in` is the expression of what `accept` comes from. Raises FhirError 415 for a body, 406 for an answer in a
    version that the base does not speak.
    """
    sent = _version(content, offered, 415, "http.Content-Type") if content is not None else None
    asked = _version(accept, offered, 406, asked_in)
    if sent is not None and asked is not None and sent != asked:
        name = asked_in.removeprefix("http.")
        text = f"The answer has the FHIR version of the body; ask for the same in {name} and Content-Type."
        raise FhirError(406, Issue("not-acceptable", "not-supported", text, asked_in))
    return sent or asked or offered[0]


def told_version(media_type: MediaType) -> Version | None:
    """Return the FHIR version that a media type names; None where it names none, or none that there is."""
    return _VERSIONS.get(media_type.parameters.get("fhirversion", ""))


def first_spoken(accepts: Sequence[MediaType], offered: Sequence[Version]) -> MediaType:
    """Return the first media type that names no FHIR version, or one of those offered; the first where none does."""
    for accept in accepts:
        if "fhirversion" not in accept.parameters or told_version(accept) in offered:
            return accept
    return accepts[0]


def check_version(version: Version, offered: Sequence[Version]) -> None:
    """Raise FhirError 406 where the one who has to answer does not speak the version that the hub was asked in."""
    if version not in offered:
        text = f"What answers this speaks fhirVersion {' and '.join(offered)}; ask for that."
        raise FhirError(406, Issue("not-acceptable", "not-supported", text, "http.Accept"))


def _version(media_type: MediaType, offered: Iterable[Version], status: int, expression: str) -> Version | None:
    text = media_type.parameters.get("fhirversion")
    if text is None:
        return None
    version = _VERSIONS.get(text)
    if version is None or version not in offered:
        what = f"This base speaks fhirVersion {' and '.join(offered)}; use that, or leave the parameter out."
        error: ErrorCode = "content-type-not-supported" if status == 415 else "not-acceptable"
        raise FhirError(status, Issue(error, "not-supported", what, expression))
    return version
