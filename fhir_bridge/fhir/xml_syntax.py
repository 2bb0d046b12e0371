"""XML text to a tree, as strictly as FHIR needs it, and back to the very text of a part of it.

https://hl7.org/fhir/R4/xml.html and https://www.w3.org/TR/xml/
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from copy import deepcopy

from lxml import etree

from fhir_bridge.fhir.json_bounds import too_deep
from fhir_bridge.fhir.xml_bounds import check_bounds
from fhir_bridge.limits import DEFAULTS, Limits
from fhir_bridge.outcome import ErrorCode, FhirError, Issue

_BEFORE_ROOT = re.compile(rb"\s*(<!--|<\?|<!DOCTYPE)")
_ENDS = {b"<!--": b"-->", b"<?": b"?>"}


def parse(body: bytes, limits: Limits = DEFAULTS) -> etree._Element:
    """Return the root element, without comments and processing instructions.

    The text must be UTF-8, whatever its declaration says: FHIR allows no other encoding. Raises FhirError 400 for
    what is not well-formed, with line and column and never the content, and for any document type, before it is
    read: so no entity is ever declared, expanded or fetched. lxml itself refuses elements nested more than 256
    deep, and an attribute or text of more than 10 MB. Values and attributes are counted before a tree is made.
    """
    if _has_doctype(body):
        raise refused("invalid-xml", "The body has a DOCTYPE, which FHIR does not allow; leave it out.")
    if not body.strip():
        raise refused("invalid-xml", "The body is empty; send a resource as XML.")
    check_bounds(body, limits)
    try:
        return etree.fromstring(body, _parser())
    except etree.XMLSyntaxError as error:
        raise _malformed(error, limits) from None


def _has_doctype(body: bytes) -> bool:
    """Whether there is a document type; it can only stand before the root element."""
    at = 0
    while found := _BEFORE_ROOT.match(body, at):
        begun, at = found[1], found.end()
        if begun == b"<!DOCTYPE":
            return True
        end = body.find(_ENDS[begun], at)
        at = end + len(_ENDS[begun]) if end >= 0 else len(body)
    return False


def _parser() -> etree.XMLParser:
    return etree.XMLParser(
        encoding="utf-8",
        resolve_entities=False,
        load_dtd=False,
        no_network=True,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
        collect_ids=False,
    )


def refused(error: ErrorCode, text: str) -> FhirError:
    """Return the error for a body that cannot be read at all."""
    return FhirError(400, Issue(error, "structure", text))


_WHAT: Mapping[int, str] = {
    etree.ErrorTypes.ERR_DOCUMENT_EMPTY: "a start tag is expected",
    etree.ErrorTypes.ERR_DOCUMENT_END: "there is more after the root element",
    etree.ErrorTypes.ERR_INVALID_CHAR: "a control character is no character of XML",
    etree.ErrorTypes.ERR_ENTITYREF_SEMICOL_MISSING: "a `&` is not written as `&amp;`",
    etree.ErrorTypes.ERR_NAME_REQUIRED: "a `<` or `&` is not written as `&lt;` or `&amp;`",
    etree.ErrorTypes.ERR_UNDECLARED_ENTITY: "XML itself has no such entity, use the character",
    etree.ErrorTypes.ERR_LT_IN_ATTRIBUTE: "a `<` is not written as `&lt;`",
    etree.ErrorTypes.ERR_ATTRIBUTE_NOT_STARTED: "an attribute's value is not in quotes",
    etree.ErrorTypes.ERR_ATTRIBUTE_REDEFINED: "an attribute occurs twice in one tag",
    etree.ErrorTypes.ERR_GT_REQUIRED: "a tag does not end",
    etree.ErrorTypes.ERR_TAG_NAME_MISMATCH: "an end tag does not fit the start tag",
    etree.ErrorTypes.ERR_TAG_NOT_FINISHED: "an end tag is missing",
    etree.ErrorTypes.NS_ERR_UNDEFINED_NAMESPACE: "a prefix has no namespace",
    etree.ErrorTypes.ERR_RESOURCE_LIMIT: "a value is longer than 10 MB",
}


def _malformed(error: etree.XMLSyntaxError, limits: Limits) -> FhirError:
    # libxml2's own words would quote the body.
    if error.code == etree.ErrorTypes.ERR_RESOURCE_LIMIT and error.msg.startswith("Excessive depth"):
        return too_deep(limits)
    line, column = error.position
    what = _WHAT.get(error.code, "a syntax error")
    return refused("invalid-xml", f"The body is not XML: {what}, at line {line}, column {column}.")


# One tag, or what may contain a `<` that begins none. In well-formed XML an attribute's value never contains a `<`.
_MARKUP = re.compile(
    r"""<!--.*?-->|<!\[CDATA\[.*?\]\]>|<\?.*?\?>|<(?P<end>/)?[^>"']*(?:(?:"[^"]*"|'[^']*')[^>"']*)*(?P<tag>>)""",
    re.DOTALL,
)


def sources(root: etree._Element, text: str, tag: str) -> Mapping[etree._Element, str]:
    """Return the very text of the outermost elements of this tag: `text` is what `root` was parsed from.

    lxml would write `<td></td>` as `<td/>` and `&quot;` as `"`: the same XML, but another string in JSON. An element
    that takes a namespace from outside is written by lxml all the same, with the namespace declared.
    """
    found = [node for node in root.iter(tag) if next(node.iterancestors(tag), None) is None]
    if not found:
        return {}
    spans = dict(zip(root.iter("*"), _spans(text), strict=True))
    return {node: _standalone(node, text[slice(*spans[node])]) for node in found}


def _spans(text: str) -> list[tuple[int, int]]:
    """Return where each element begins and ends, in the order of the start tags."""
    spans: list[tuple[int, int]] = []
    is_open: list[int] = []
    for markup in _tags(text):
        if markup["end"]:
            index = is_open.pop()
            spans[index] = (spans[index][0], markup.end())
            continue
        if text[markup.end() - 2] != "/":
            is_open.append(len(spans))
        spans.append(markup.span())
    return spans


def _tags(text: str) -> Iterator[re.Match[str]]:
    return (markup for markup in _MARKUP.finditer(text) if markup["tag"])


def indented(text: str) -> str:
    """Return FHIR XML with each element on a line of its own, but for those of a narrative, which stays as it is.

    Between the elements of FHIR white space means nothing. `text` has none there.
    """
    lines = list(_lines(text))
    ends = [start for start, _ in lines[1:]] + [len(text)]
    written = [f"{'  ' * depth}{text[start:end]}" for (start, depth), end in zip(lines, ends, strict=True)]
    return "\n".join([text[: lines[0][0]], *written])


def _lines(text: str) -> Iterator[tuple[int, int]]:
    """Yield where each line begins, and how deep it is nested; `narrative` is the depth of the `div` that is open."""
    depth, narrative = 0, None
    for tag in _tags(text):
        opens = not tag["end"] and not tag[0].endswith("/>")
        depth -= 1 if tag["end"] else 0
        if narrative is None:
            yield tag.start(), depth
            narrative = depth if opens and re.match(r"<div\b", tag[0]) else None
        elif narrative == depth:
            narrative = None
        depth += 1 if opens else 0


def _standalone(node: etree._Element, source: str) -> str:
    if is_element(source, node.tag):
        return source
    text: str = etree.tostring(_in_default_namespace(node), encoding="unicode")
    return text


def is_element(text: str, tag: str) -> bool:
    """Whether text is an element of this tag by itself, with all namespaces that it needs."""
    try:
        return bool(parse(text.encode()).tag == tag)
    except FhirError:
        return False


def _in_default_namespace(node: etree._Element) -> etree._Element:
    """Return a copy whose own namespace needs no prefix: `<h:div>` as `<div xmlns="…">`."""
    unprefixed = etree.Element(node.tag, dict(node.attrib), nsmap={None: etree.QName(node).namespace})
    unprefixed.text = node.text
    unprefixed.extend(deepcopy(list(node)))
    return unprefixed
