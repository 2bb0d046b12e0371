"""Bodies and the messages that carry them: what was sent, what came back, and what a fixture holds."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from lxml import etree

from tests.testscript.fhir_xml import Json, Tree, parse_tree, to_tree, to_value

Media = Literal["json", "xml", "other"]

MIME = {"json": "application/fhir+json", "xml": "application/fhir+xml", "ttl": "application/fhir+turtle"}
"""What the short names of `accept` and `contentType` stand for."""


class ScriptError(Exception):
    """Why an action cannot be carried out: the script, or what it needs, is at fault, not the server."""


class ContentError(Exception):
    """Why a body cannot be read."""


@dataclass(frozen=True, slots=True)
class Content:
    """A body as text; `media` says how it is to be read."""

    media: Media
    text: str

    def value(self) -> Json:
        """Return the body as JSON; raises ContentError."""
        if self.media == "xml":
            return to_value(self.tree())
        if self.media == "json":
            return _loads(self.text)
        raise ContentError("the body is neither JSON nor XML")

    def tree(self) -> Tree:
        """Return the body as XML; raises ContentError."""
        try:
            return parse_tree(self.text) if self.media == "xml" else to_tree(self.value())
        except (ValueError, RecursionError) as error:
            raise ContentError(f"the body is {error}") from error

    def as_media(self, media: Media) -> Content:
        """Return the same as it is sent in `media`; raises ScriptError where that cannot be done."""
        if media == self.media or "other" in (media, self.media):
            return self
        if media == "json":
            raise ScriptError("a fixture in XML cannot be sent as JSON; give it in JSON")
        return Content("xml", etree.tostring(self.tree(), encoding="unicode"))


def media_of(content_type: str) -> Media:
    """Return how a body of this Content-Type is read."""
    name = content_type.partition(";")[0].strip().lower()
    if name.endswith(("json", "json+fhir")):
        return "json"
    return "xml" if name.endswith(("xml", "xml+fhir")) else "other"


def _loads(text: str) -> Json:
    try:
        return json.loads(text, parse_float=Decimal)
    except json.JSONDecodeError as error:
        raise ContentError(f"the body is no JSON, at line {error.lineno}, column {error.colno}") from error


def dumps(value: Json) -> str:
    """Return JSON whose decimals keep their digits: 1.50 stays 1.50."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(key)}: {dumps(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(dumps, value)) + "]"
    return str(value) if isinstance(value, Decimal) else json.dumps(value, ensure_ascii=False)


@dataclass(frozen=True, slots=True)
class Message:
    """A body and its headers; a fixture has no headers. Header names are in lower case."""

    body: Content | None
    headers: Mapping[str, str] | None = None

    def content(self) -> Content:
        """Return the body; raises ContentError where there is none."""
        if self.body is None or not self.body.text.strip():
            raise ContentError("there is no body")
        return self.body


@dataclass(frozen=True, slots=True)
class Exchange:
    """One call: what was asked, and what was answered."""

    method: str
    url: str
    request: Message
    status_code: int
    response: Message
