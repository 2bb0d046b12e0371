"""The XHTML of a Narrative: one `div` of HTML's formatting, with something to see in it, and nothing that acts.

JSON has it as text and XML as markup, so it must be well-formed by itself: text that is not is refused from a client,
and never written into XML as if it were. https://hl7.org/fhir/R4/narrative.html#xhtml (txt-1, txt-2)
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from html.entities import html5
from xml.parsers.expat import ErrorString, ExpatError, ParserCreate, errors

from fhir_bridge.fhir.problems import shown
from fhir_bridge.outcome import Json

XHTML = "http://www.w3.org/1999/xhtml"

MAX_DEPTH = 128
"""How deep tags may be nested: lxml, which many clients read XML by, follows 256 levels of a whole resource."""

MAX_ATTRIBUTES = 1000
"""How many values in quotes may stand before the next tag: the parser reads all attributes of a tag in one go."""

MAX_FAULTS = 10
"""How many faults of one narrative are told."""

# HTML 4.0, chapters 7 to 11 but for section 4 of chapter 9, and chapter 15; images and links.
_TAG_NAMES = """a abbr acronym address area b bdo big blockquote br caption cite code col colgroup dd dfn div dl dt
    em h1 h2 h3 h4 h5 h6 hr i img kbd li map ol p pre q samp small span strong sub sup table tbody td tfoot th thead
    tr tt ul var"""
_ATTRIBUTE_NAMES = """abbr accesskey align alt axis bgcolor border cellpadding cellspacing char charoff charset cite
    class colspan coords dir frame headers height href hreflang id ismap lang longdesc name nowrap rel rev rowspan rules
    scope shape span src style summary tabindex title type usemap valign value vspace width xml:lang xml:space xmlns"""
_TAGS = frozenset(_TAG_NAMES.split())
_ATTRIBUTES = frozenset(_ATTRIBUTE_NAMES.split())
_ADDRESSES = ("href", "src", "cite", "longdesc", "usemap")
_ATTRIBUTE = re.compile(r"=\s*[\"']")
_WHITE_SPACE = " \t\r\n"

# https://www.w3.org/TR/xml/#charsets: what XML cannot hold, not even as a character reference.
_NO_CHARACTER = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
# Browsers leave these out of an address before they look at its scheme. https://url.spec.whatwg.org/#url-parsing
_IGNORED = re.compile("[\x00-\x20]")


def is_narrative(value: Json) -> bool:
    """Whether text is a `div` as a Narrative may have it. No document type comes before it, so no entity can grow."""
    return isinstance(value, str) and not faults(value)


def faults(text: str) -> list[str]:
    """Return what keeps text from being a Narrative's `div`, each with its line and column; at most `MAX_FAULTS`."""
    if not text.lstrip(_WHITE_SPACE).startswith("<div"):
        return [f'it does not begin with `<div xmlns="{XHTML}">`']
    if _NO_CHARACTER.search(text):
        return ["it holds a control character or another that XML does not have"]
    wide = (tag for tag in text.split("<") if tag.count("=") > MAX_ATTRIBUTES)
    if any(len(_ATTRIBUTE.findall(tag)) > MAX_ATTRIBUTES for tag in wide):
        return [f"it has a tag of more than {MAX_ATTRIBUTES:,} attributes"]
    return _Reader().read(text)


class _Enough(Exception):
    """There is no need to read on."""


class _Reader:
    """Reads one narrative: which tags are open, what is wrong so far, and whether there is anything to see."""

    def __init__(self) -> None:
        self._parser = ParserCreate()
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._text
        self._parser.ProcessingInstructionHandler = self._instruction
        self._open: list[str] = []
        self._faults: list[str] = []
        self._shows_something = False

    def read(self, text: str) -> list[str]:
        try:
            self._parser.Parse(text, True)
        except _Enough:
            return self._faults
        except ExpatError as error:
            return [*self._faults, f"{self._why(error, text.encode())} ({_place(error.lineno, error.offset)})"]
        if self._faults or self._shows_something:
            return self._faults
        return ["it has neither text nor an image, so there is nothing to see"]

    def _start(self, name: str, attributes: Mapping[str, str]) -> None:
        self._open.append(name)
        if not attributes and name in _TAGS and name != "img" and 1 < len(self._open) <= MAX_DEPTH:
            return  # most tags; a narrative can be made to hold a million
        self._shows_something = self._shows_something or name == "img"
        for fault in _faults_of_tag(name, attributes, len(self._open)):
            self._add(fault)

    def _end(self, name: str) -> None:
        self._open.pop()

    def _text(self, text: str) -> None:
        self._shows_something = self._shows_something or not text.isspace()

    def _instruction(self, target: str, data: str) -> None:
        self._add(f"`<?{shown(target)}` is a processing instruction; leave it out")

    def _add(self, fault: str) -> None:
        place = _place(self._parser.CurrentLineNumber, self._parser.CurrentColumnNumber)
        self._faults.append(f"{fault} ({place})")
        if len(self._faults) == MAX_FAULTS or len(self._open) > MAX_DEPTH:
            raise _Enough

    def _why(self, error: ExpatError, text: bytes) -> str:
        """Say why text is no XML; the parser's own words know neither the tag nor the entity."""
        entity = _ENTITY.match(text, self._parser.ErrorByteIndex)
        if entity is not None and _is(error, errors.XML_ERROR_UNDEFINED_ENTITY):
            name = shown(entity[0].decode())
            return f"XML does not have `{name}`; write the character itself, or its number such as `&#160;`"
        if entity is not None and _is(error, errors.XML_ERROR_BAD_CHAR_REF):
            return f"`{shown(entity[0].decode())}` is the number of no character"
        if _is(error, errors.XML_ERROR_JUNK_AFTER_DOC_ELEMENT):
            return "something stands after its `</div>`; put all into one `<div>`"
        if _is(error, errors.XML_ERROR_DUPLICATE_ATTRIBUTE):
            return "an attribute occurs twice in one tag"
        if self._open and (_is(error, errors.XML_ERROR_TAG_MISMATCH) or _is(error, errors.XML_ERROR_NO_ELEMENTS)):
            return f"`<{shown(self._open[-1])}>` has no end tag; each tag has one, or is written as `<br/>` is"
        return "it is no XML; write `&lt;` for a `<` and `&amp;` for a `&` that is text, and values in quotes"


_ENTITY = re.compile(rb"&[^;<&\s]{1,40};?")


def _is(error: ExpatError, message: str) -> bool:
    return ErrorString(error.code) == message


def _place(line: int, column: int) -> str:
    return f"line {line}, column {column + 1}"


def _faults_of_tag(name: str, attributes: Mapping[str, str], depth: int) -> Iterator[str]:
    tag = f"`<{shown(name)}>`"
    if name not in _TAGS:
        what_to_do = f"write `<{name.lower()}>`" if name.lower() in _TAGS else "leave it out"
        yield f"{tag} is no tag of a narrative; {what_to_do}"
    if attributes.get("xmlns", XHTML if depth > 1 else None) != XHTML:
        yield f'{tag} is not in the namespace of XHTML; write `xmlns="{XHTML}"`'
    for attribute in (each for each in attributes if each not in _ATTRIBUTES):
        yield f"`{shown(attribute)}` of {tag} is no attribute of a narrative; leave it out"
    for attribute in _ADDRESSES:
        if _IGNORED.sub("", attributes.get(attribute, "")).lower().startswith(("javascript:", "vbscript:")):
            yield f"`{attribute}` of {tag} is a script; a narrative does nothing by itself"
    if depth > MAX_DEPTH:
        yield f"{tag} is nested more than {MAX_DEPTH} levels deep"


def element(text: str) -> str | None:
    """Return text as the XML element that it is, put into XHTML's namespace where it names none; None where it is none.

    It may hold what `faults` objects to, but is well-formed. U+FFFD stands for each character that XML cannot hold.
    """
    source = _NO_CHARACTER.sub("\ufffd", text.strip(_WHITE_SPACE))
    if not source:
        return f'<div xmlns="{XHTML}"/>'
    candidates = (source, source.replace("<div", f'<div xmlns="{XHTML}"', 1))
    return next((each for each in candidates if each.startswith("<div") and _is_div(each)), None)


def _is_div(text: str) -> bool:
    names: list[str] = []
    parser = ParserCreate(namespace_separator="}")

    def start(name: str, _: Mapping[str, str]) -> None:
        names.append(name)
        parser.StartElementHandler = None

    parser.StartElementHandler = start
    try:
        parser.Parse(text, True)
    except ExpatError:
        return False
    return names == [f"{XHTML}}}div"]


def narratives(value: Json, path: str) -> Iterator[tuple[str, str]]:
    """Yield the FHIRPath and the text of each `div` in a value that stands at `path`."""
    if isinstance(value, list):
        for index, each in enumerate(value):
            yield from narratives(each, f"{path}[{index}]")
    elif isinstance(value, dict):
        for name, each in value.items():
            yield from narratives(each, f"{path}.{name}")
    elif isinstance(value, str) and path.endswith(".div"):
        yield path, value


def readable(value: Json) -> Json:
    """Return a partner's value with HTML's named entities, which XML does not have, as characters in each narrative."""
    if isinstance(value, list):
        return [readable(each) for each in value]
    if not isinstance(value, dict):
        return value
    return {
        name: _with_characters(each) if name == "div" and isinstance(each, str) else readable(each)
        for name, each in value.items()
    }


# In comments and CDATA an entity is plain text. What does not end is taken to the end, so that none is read twice.
_PLAIN_OR_NAMED = re.compile(
    r"<!--.*?(?:-->|\Z)|<!\[CDATA\[.*?(?:\]\]>|\Z)|<\?.*?(?:\?>|\Z)|&(?P<name>[A-Za-z][A-Za-z0-9]{0,40};)", re.DOTALL
)
_OF_XML = frozenset({"amp;", "lt;", "gt;", "quot;", "apos;"})
_MARKUP = frozenset("&<>\"'\t\n")


def _with_characters(text: str) -> str:
    return _PLAIN_OR_NAMED.sub(_character, text) if "&" in text else text


def _character(found: re.Match[str]) -> str:
    name = found["name"]
    if name is None or name in _OF_XML or name not in html5:
        return found[0]
    return "".join(f"&#{ord(each)};" if each in _MARKUP else each for each in html5[name])
