"""The XHTML of a Narrative: one `div` of HTML's formatting, with something to see in it, and nothing that acts.

https://hl7.org/fhir/R4/narrative.html#xhtml (txt-1, txt-2)
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from html.entities import name2codepoint
from xml.parsers.expat import ExpatError, ParserCreate

from fhir_bridge.outcome import Json

_XHTML = "http://www.w3.org/1999/xhtml"

# HTML 4.0, chapters 7 to 11 but for section 4 of chapter 9, and chapter 15; images and links.
_ELEMENT_NAMES = """a abbr acronym address area b bdo big blockquote br caption cite code col colgroup dd dfn div dl dt
    em h1 h2 h3 h4 h5 h6 hr i img kbd li map ol p pre q samp small span strong sub sup table tbody td tfoot th thead
    tr tt ul var"""
_ATTRIBUTE_NAMES = """abbr accesskey align alt axis bgcolor border cellpadding cellspacing char charoff charset cite
    class colspan coords dir frame headers height href hreflang id ismap lang longdesc name nowrap rel rev rowspan rules
    scope shape span src style summary tabindex title type usemap valign value vspace width xml:lang xmlns"""
_ELEMENTS = frozenset(_ELEMENT_NAMES.split())
_ATTRIBUTES = frozenset(_ATTRIBUTE_NAMES.split())
_ENTITY = re.compile(r"&([A-Za-z][A-Za-z0-9]*);")
_OF_XML = frozenset({"amp", "lt", "gt", "quot", "apos"})


class _Unfit(Exception):
    """The narrative has what it must not have."""


def is_narrative(value: Json) -> bool:
    """Whether text is a `div` as a Narrative may have it. No document type comes before it, so no entity can grow."""
    if not isinstance(value, str) or not value.lstrip().startswith("<div"):
        return False
    seen = _Seen()
    parser = ParserCreate()
    parser.StartElementHandler = seen.start
    parser.CharacterDataHandler = seen.text
    try:
        parser.Parse(_ENTITY.sub(_character, value), True)
    except (ExpatError, _Unfit, UnicodeEncodeError):
        return False
    return seen.something


def _character(entity: re.Match[str]) -> str:
    """HTML's named entities are not XML's; the text that they stand for is what counts."""
    name = entity[1]
    return entity[0] if name in _OF_XML or name not in name2codepoint else chr(name2codepoint[name])


class _Seen:
    """What the parser met so far: whether the root is past, and whether there is anything to see."""

    __slots__ = ("inside", "something")

    def __init__(self) -> None:
        self.inside = False
        self.something = False

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        if not self.inside and (name != "div" or attributes.get("xmlns") != _XHTML):
            raise _Unfit
        if name not in _ELEMENTS or not _ATTRIBUTES.issuperset(attributes):
            raise _Unfit
        if attributes.get("href", "").lstrip().lower().startswith("javascript:"):
            raise _Unfit
        self.inside = True
        self.something = self.something or name == "img"

    def text(self, text: str) -> None:
        self.something = self.something or not text.isspace()
