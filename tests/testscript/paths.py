"""Evaluates FHIRPath, XPath and JSONPath against a body.

FHIRPath works on JSON and on XML, with the model of R4; XPath too, since JSON is turned into XML first. JSONPath is for
JSON alone, and is the plain part of it: `$.name[0].family`, `$..family`, `$.name[*].given`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from copy import deepcopy
from decimal import Decimal

import fhirpathpy
from antlr4 import CommonTokenStream, InputStream  # type: ignore[import-untyped]
from fhirpathpy.models import models
from fhirpathpy.parser.generated.FHIRPathLexer import FHIRPathLexer
from fhirpathpy.parser.generated.FHIRPathParser import FHIRPathParser
from lxml import etree

from tests.testscript.content import Content, ScriptError
from tests.testscript.fhir_xml import FHIR, XHTML, Json, Tree


def fhirpath(content: Content, expression: str) -> list[Json]:
    """Return the collection that a FHIRPath expression gives; raises ScriptError and ContentError."""
    value = content.value()
    try:
        _require_syntax(expression)
        return list(fhirpathpy.evaluate(value, expression, {}, models["r4"]))
    except Exception as error:  # fhirpathpy raises whatever comes up
        raise ScriptError(f"FHIRPath {expression} cannot be evaluated: {error}") from error


def _require_syntax(expression: str) -> None:
    """Raise ValueError for what fhirpathpy reads over: it takes `Patient..name` for `Patient`, and finds nothing."""
    lexer = FHIRPathLexer(InputStream(expression))
    parser = FHIRPathParser(CommonTokenStream(lexer))
    for recognizer in (lexer, parser):
        recognizer.removeErrorListeners()
    parser.entireExpression()  # type: ignore[no-untyped-call]
    if parser.getNumberOfSyntaxErrors():
        raise ValueError("it is no FHIRPath")


def path(content: Content, expression: str) -> list[str]:
    """Return the values that an XPath or JSONPath finds, as text; raises ScriptError and ContentError."""
    if re.match(r"\$|\.\w", expression):
        return [as_text(value) for value in _jsonpath(content, expression)]
    return _xpath(content.tree(), expression)


def as_text(value: Json) -> str:
    """Return a primitive as a script writes it; raises ScriptError for anything else."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str | int | float | Decimal):
        return str(value)
    asked = getattr(value, "asStr", None)  # fhirpathpy's dates and times keep their text there
    if isinstance(asked, str):
        return asked
    raise ScriptError("what was found is no primitive value; ask for one of its elements")


# A literal, a prefix that stands for FHIR, or the slash that begins an absolute path.
_TOKEN = re.compile(r"""('[^']*'|"[^"]*")|\b(?:fhir|f):(?=[\w*])|((?:^|[(,|=<>+\[-]|\band\b|\bor\b)\s*)/(?!/)""")
_ROOT = "_"


def _xpath(tree: Tree, expression: str) -> list[str]:
    """FHIR's elements are found with and without a prefix; a path may begin with the resource, or with a slash."""
    document = etree.Element(_ROOT)
    document.append(_without_namespace(tree))
    written = _TOKEN.sub(_rewritten, expression)
    try:
        found = document.xpath(written, namespaces={"xhtml": XHTML, "h": XHTML})
    except etree.XPathError as error:
        raise ScriptError(f"XPath {expression} cannot be evaluated: {error}") from error
    if not isinstance(found, list):
        return [_number(found) if isinstance(found, float) else as_text(found)]
    return [_node_text(node) for node in found]


def _rewritten(token: re.Match[str]) -> str:
    literal, before = token.groups()
    if literal is not None:
        return str(literal)
    return f"{before}/{_ROOT}/" if before is not None else ""


def _without_namespace(tree: Tree) -> Tree:
    copy = deepcopy(tree)
    for element in copy.iter(f"{{{FHIR}}}*"):
        element.tag = etree.QName(element).localname
    return copy


def _number(value: float) -> str:
    return str(int(value)) if value.is_integer() else str(value)


def _node_text(node: Tree | str) -> str:
    """Return an attribute's value; that of an element is its `value`, or its text where it is XHTML."""
    if isinstance(node, str):
        return str(node)
    if "value" in node.attrib:
        return str(node.attrib["value"])
    if etree.QName(node).namespace == XHTML:
        return "".join(node.itertext())
    raise ScriptError("what was found is no primitive value; ask for one of its elements")


_STEP = re.compile(r"\.\.(?P<any>\w+)|\.(?P<name>\w+)|\.\*|\[\*\]|\[(?P<index>\d+)\]|\['(?P<quoted>[^']+)'\]")


def _jsonpath(content: Content, expression: str) -> list[Json]:
    if content.media != "json":
        raise ScriptError(f"{expression} is a JSONPath, and the body is not JSON; use an XPath or an expression")
    found, rest = [content.value()], expression.removeprefix("$")
    while rest:
        step = _STEP.match(rest)
        if step is None:
            raise ScriptError(f"JSONPath {expression} is not understood from {rest!r} on")
        found = [item for value in found for item in _stepped(value, step)]
        rest = rest[step.end() :]
    return found


def _stepped(value: Json, step: re.Match[str]) -> list[Json]:
    if step["any"]:
        return [item[step["any"]] for item in _descendants(value) if isinstance(item, dict) and step["any"] in item]
    if step["index"]:
        return value[int(step["index"]) :][:1] if isinstance(value, list) else []
    name = step["name"] or step["quoted"]
    if name:
        return [value[name]] if isinstance(value, dict) and name in value else []
    return _children(value)


def _children(value: Json) -> list[Json]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []


def _descendants(value: Json) -> Iterator[Json]:
    yield value
    for child in _children(value):
        yield from _descendants(child)
