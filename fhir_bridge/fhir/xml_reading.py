"""A tree of FHIR XML to plain JSON values, led by the element tables; finds every problem.

https://hl7.org/fhir/R4/xml.html
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial

from lxml import etree

from fhir_bridge.fhir import problems
from fhir_bridge.fhir.elements import Element, Version, elements, is_primitive, is_resource, resource_types
from fhir_bridge.fhir.json_bounds import too_deep
from fhir_bridge.fhir.primitives import FORMATS
from fhir_bridge.fhir.problems import Problem, Problems, below, is_step, shown
from fhir_bridge.limits import Limits
from fhir_bridge.outcome import Issue, Json

FHIR = "http://hl7.org/fhir"
XHTML = "http://www.w3.org/1999/xhtml"
DIV = f"{{{XHTML}}}div"

_NO_ATTRIBUTES: Set[str] = frozenset()
_OF_PRIMITIVES = frozenset({"id", "value"})
_OF_EXTENSIONS = frozenset({"id", "url"})
_OF_OTHERS = frozenset({"id"})


def attributes(type_name: str) -> Set[str]:
    """Return which elements of a data type are attributes in XML; a resource's own `id` is an element."""
    return _OF_EXTENSIONS if type_name == "Extension" else _OF_OTHERS


class Enough(Exception):
    """As many problems were found as anybody is told: the rest of the document is not read."""


@dataclass(frozen=True, slots=True)
class Reading:
    """The reading of one document: `divs` gives the text of each narrative, `found` gathers what is wrong.

    A `path` is the FHIRPath of what is read, a `depth` how many objects and lists it is nested in as JSON.
    """

    version: Version
    divs: Mapping[etree._Element, str]
    limits: Limits
    found: list[Problem] = field(default_factory=list)

    def resource(self, node: etree._Element, path: str = "", depth: int = 1) -> dict[str, Json]:
        """Return the resource that an element is, `{}` where it is none.

        Raises FhirError when nested too deep, and Enough.
        """
        name = _local(node.tag)
        at = path or (name if is_step(name) else "")
        if not is_resource(self.version, name):
            unknown = problems.no_resource({"resourceType": name}, resource_types(self.version))
            self._note(below(at, unknown))
            return {}
        if not self._is_inside(node, FHIR, at):
            return {}
        return {"resourceType": name, **self._object(node, name, at, depth, _NO_ATTRIBUTES)}

    def _object(
        self, node: etree._Element, type_name: str, path: str, depth: int, allowed: Set[str]
    ) -> dict[str, Json]:
        """Return an element's attributes and children as the members of an object; `allowed` are its attributes."""
        if depth > self.limits.max_depth:
            raise too_deep(self.limits)
        value = self._attributes(node, path, allowed)
        self._refuse_text(node, path)
        known = elements(self.version, type_name)
        for name, nodes in self._children(node, type_name, path, allowed).items():
            value |= self._member(known[name], nodes, path, depth)
        return value

    def _attributes(self, node: etree._Element, path: str, allowed: Set[str]) -> dict[str, Json]:
        value: dict[str, Json] = dict(node.attrib)
        for name in [name for name in value if name not in allowed]:
            self._add(path, f"`{shown(_local(name))}` is not an attribute of `{_local(node.tag)}`.")
        return value

    def _refuse_text(self, node: etree._Element, path: str) -> None:
        if any(text and text.strip(" \t\r\n") for text in (node.text, *(child.tail for child in node))):
            self._add(path, f"`{_local(node.tag)}` holds text; a value goes into the attribute `value`.")

    def _children(
        self, node: etree._Element, type_name: str, path: str, allowed: Set[str]
    ) -> Mapping[str, Sequence[etree._Element]]:
        """Return the children that the type has, by name; what repeats may stand anywhere among the others."""
        known = elements(self.version, type_name)
        children: dict[str, list[etree._Element]] = {}
        for child in node:
            name = _local(child.tag)
            element = known.get(name)
            if name in allowed:
                self._add(path, f"`{name}` of `{_local(node.tag)}` is an attribute in XML, not an element.")
            elif element is None:
                self._note(below(path, [problems.unknown_element(type_name, name, known)]))
            elif self._is_inside(child, XHTML if element.type == "xhtml" else FHIR, f"{path}.{element.path}"):
                children.setdefault(name, []).append(child)
        return children

    def _is_inside(self, node: etree._Element, namespace: str, path: str) -> bool:
        """Whether an element is in the namespace; if not, that is noted."""
        name = _local(node.tag)
        is_inside: bool = node.tag == f"{{{namespace}}}{name}"
        if not is_inside:
            self._add(path, f"`{name}` must be in the namespace {namespace}, by `xmlns`.")
        return is_inside

    def _member(self, element: Element, nodes: Sequence[etree._Element], path: str, depth: int) -> dict[str, Json]:
        """Return an element as one member, or two: `given` and `_given`.

        What occurs several times and must not is a list too, and the structure checker says so, or tolerates it.
        """
        repeats = element.repeats or len(nodes) > 1
        if depth + repeats > self.limits.max_depth:
            raise too_deep(self.limits)
        step, deeper = f"{path}.{element.path}", depth + repeats + 1
        places = [f"{step}[{index}]" if repeats else step for index in range(len(nodes))]
        if is_primitive(element.type):
            pairs = [self._primitive(element, *it, deeper) for it in zip(nodes, places, strict=True)]
            return _aligned(element.name, pairs, repeats)
        items = [self._complex(element.type, *it, deeper) for it in zip(nodes, places, strict=True)]
        return {element.name: items if repeats else items[0]}

    def _complex(self, type_name: str, node: etree._Element, path: str, depth: int) -> dict[str, Json]:
        if type_name != "Resource":
            return self._object(node, type_name, path, depth, attributes(type_name))
        self._attributes(node, path, _NO_ATTRIBUTES)
        self._refuse_text(node, path)
        if len(node) == 1:
            return self.resource(node[0], path, depth)
        self._add(path, f"`{_local(node.tag)}` must hold exactly one resource.")
        return {}

    def _primitive(self, element: Element, node: etree._Element, path: str, depth: int) -> tuple[Json, Json]:
        """Return the value and what JSON writes beside it; None for what is not there."""
        if element.type == "xhtml":
            return self.divs[node], None
        if node.keys() == ["value"] and not len(node) and not node.text:  # nearly all; saves a third of the time
            return self._value(element, node.attrib["value"], path), None
        beside = self._object(node, "Element", path, depth, _OF_PRIMITIVES)
        text = beside.pop("value", None)
        if text is None and beside:
            return None, beside
        return self._value(element, text or "", path), beside or None

    def _value(self, element: Element, text: str, path: str) -> Json:
        if element.type in _AS_WRITTEN:
            return text
        trimmed = text.strip(" ")  # XML has made spaces of the other white space already
        value = _NUMBERS[element.type](trimmed) if element.type in _NUMBERS else trimmed
        if value is None:
            self._note(problems.bad_format(path, element.name, FORMATS[self.version][element.type].rule))
        return value

    def _add(self, path: str, text: str) -> None:
        self._note([Problem(path, partial(Issue, "invalid-xml", "structure", text))])

    def _note(self, found: Problems) -> None:
        self.found.extend(found)
        if len(self.found) > self.limits.max_problems:
            raise Enough


def _local(name: str) -> str:
    """Return `Patient` of `{http://hl7.org/fhir}Patient`."""
    return name.rpartition("}")[2]


def _aligned(name: str, pairs: Sequence[tuple[Json, Json]], repeats: bool) -> dict[str, Json]:
    """Return values and what is beside them as two members of equal length, of which one may be absent."""
    members = {name: [value for value, _ in pairs], f"_{name}": [beside for _, beside in pairs]}
    return {
        member: items if repeats else items[0]
        for member, items in members.items()
        if any(item is not None for item in items)
    }


def _boolean(text: str) -> Json:
    return {"true": True, "false": False}.get(text)


# https://hl7.org/fhir/R4/datatypes.html#integer; whatever has more digits is no integer of 32 bits anyway.
_INTEGER = re.compile(r"0|[-+]?[1-9][0-9]{0,17}", re.ASCII)


def _integer(text: str) -> Json:
    return int(text) if _INTEGER.fullmatch(text) else None


# https://hl7.org/fhir/R4/datatypes.html#decimal; Decimal holds no exponent of more than 18 digits.
_DECIMAL = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]{1,17})?", re.ASCII)


def _decimal(text: str) -> Json:
    return Decimal(text) if _DECIMAL.fullmatch(text) else None


_NUMBERS: Mapping[str, Callable[[str], Json]] = {
    "boolean": _boolean,
    "integer": _integer,
    "unsignedInt": _integer,
    "positiveInt": _integer,
    "decimal": _decimal,
}

# White space counts in these. Of all others it is trimmed, as FHIR asks of readers.
_AS_WRITTEN = frozenset({"string", "markdown", "base64Binary"})
