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

PATCH_TYPES = (JSON_PATCH, MERGE_PATCH_TYPES[0], FHIR_JSON, FHIR_XML)
ACCEPT_PATCH: Mapping[str, str] = {"Accept-Patch": ", ".join(PATCH_TYPES)}
"""The patches that are taken, as a client is told of them. RFC 5789, section 3.1"""

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
_MOST_CHOICES = 100

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


def body_type(headers: Mapping[str, str], named: Sequence[str], also: Collection[str] = ()) -> MediaType:
    """Return the media type of a body, FHIR's JSON where the client names none; raises FhirError 415.

    `named` are those that a client is told of, `also` others that are taken.
    """
    check_not_coded(headers)
    media_type = parse_media_type(headers.get("content-type") or FHIR_JSON)
    charset = media_type.parameters.get("charset", "utf-8").lower()
    if media_type.name not in (*named, *also) or charset not in ("utf-8", "utf8", "us-ascii"):
        listed = " or ".join(filter(None, [", ".join(named[:-1]), named[-1]]))
        text = f"This Content-Type is not taken here; send {listed} in UTF-8."
        issue = Issue("content-type-not-supported", "not-supported", text, "http.Content-Type")
        raise FhirError(415, issue, headers=ACCEPT_PATCH if named == PATCH_TYPES else None)
    return media_type


def check_not_coded(headers: Mapping[str, str]) -> None:
    """Raise FhirError 415 for a body that is compressed. RFC 9110, sections 8.4 and 15.5.16"""
    codings = {coding.strip().lower() for coding in headers.get("content-encoding", "").split(",")}
    if codings - {"", "identity"}:
        text = "A body that is compressed is not taken; send it as it is, without Content-Encoding."
        issue = Issue("content-type-not-supported", "not-supported", text, "http.Content-Encoding")
        raise FhirError(415, issue, headers={"Accept-Encoding": "identity"})


def choices(accept: str | None, format_: str | None) -> tuple[MediaType, ...]:
    """Return the media types that the answer may have, best first; `_format` wins over Accept.

    A blank `_format` says nothing. Of two that are liked alike, one that is named comes before a range.
    RFC 9110, section 12.5.1. Raises FhirError 406; 400 where Accept names too many to look at.
    """
    if format_:
        name, _, parameters = format_.partition(";")
        wanted = parse_media_type(f"{name.strip().replace(' ', '+')};{parameters}")
        if wanted.name not in _FORMATS:
            raise _not_acceptable("http._format")
        return (wanted._replace(name=_FORMATS[wanted.name]),)
    if accept and accept.count(",") >= _MOST_CHOICES:
        text = f"`Accept` names more than {_MOST_CHOICES} media types; name fewer."
        raise FhirError(400, Issue("invalid-header", "value", text, "http.Accept"))
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
