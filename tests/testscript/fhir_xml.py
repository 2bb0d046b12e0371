"""FHIR's JSON as an XML tree, and a tree as a value that FHIRPath can walk.

https://hl7.org/fhir/R4/xml.html and https://hl7.org/fhir/R4/json.html. Neither way needs the definition of a resource:
the members of a JSON object keep their order, and types come from the model that FHIRPath itself uses. A value that was
read from a tree holds a list only where an element was repeated, so it is good for paths, and not for sending.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from itertools import zip_longest
from typing import Any

from fhirpathpy.models import models
from lxml import etree

Json = Any
"""A plain JSON value: dict, list, str, int, Decimal, bool or None."""

Tree = Any
"""An element of lxml, which has no types."""

FHIR = "http://hl7.org/fhir"
XHTML = "http://www.w3.org/1999/xhtml"

_MODEL: Mapping[str, Mapping[str, Any]] = models["r4"]
_NO_NETWORK = {"resolve_entities": False, "no_network": True, "remove_comments": True, "remove_pis": True}


def parse_tree(text: str) -> Tree:
    """Return the root of an XML document; raises ValueError, also where it is not in FHIR's namespace."""
    root = _parsed(text)
    if etree.QName(root).namespace != FHIR:
        raise ValueError(f"XML, but {root.tag} is not in FHIR's namespace {FHIR}")
    return root


def _parsed(text: str) -> Tree:
    try:
        return etree.fromstring(text.encode(), etree.XMLParser(**_NO_NETWORK))
    except etree.XMLSyntaxError as error:
        raise ValueError(f"no well-formed XML: {error.msg}") from error


def to_tree(resource: Json) -> Tree:
    """Return a resource's JSON as XML; raises ValueError for what is no resource."""
    if not isinstance(resource, dict) or not isinstance(resource.get("resourceType"), str):
        raise ValueError("JSON, but no FHIR resource")
    root = etree.Element(_fhir(resource["resourceType"]), nsmap={None: FHIR})
    _fill(root, resource)
    return root


def _fhir(name: str) -> str:
    return f"{{{FHIR}}}{name}"


def _fill(element: Tree, members: Mapping[str, Json]) -> None:
    """Write the members of an object below `element`, `given` and `_given` together."""
    for name in dict.fromkeys(key.removeprefix("_") for key in members if key != "resourceType"):
        if _is_attribute(name, element, members):
            element.set(name, _text(members[name]))
        else:
            for value, extra in zip_longest(listed(members.get(name)), listed(members.get(f"_{name}"))):
                _append(element, name, value, extra)


def _is_attribute(name: str, element: Tree, members: Mapping[str, Json]) -> bool:
    is_extension = etree.QName(element).localname in ("extension", "modifierExtension")
    return (name == "id" and "resourceType" not in members) or (name == "url" and is_extension)


def _append(parent: Tree, name: str, value: Json, extra: Json) -> None:
    if name == "div" and isinstance(value, str):
        parent.append(_parsed(value))
        return
    element = etree.SubElement(parent, _fhir(name))
    if isinstance(value, dict) and "resourceType" in value:
        element.append(to_tree(value))
    elif isinstance(value, dict):
        _fill(element, value)
    elif value is not None:
        element.set("value", _text(value))
    _fill(element, extra or {})


def _text(value: Json) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def listed(value: Json) -> list[Json]:
    """Return the value as a list; nothing at all is no item."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def to_value(root: Tree) -> Json:
    """Return a resource's XML as an object whose numbers and booleans are typed."""
    name = etree.QName(root).localname
    return {"resourceType": name, **_members(root, name)}


def _members(element: Tree, path: str) -> dict[str, Json]:
    """Return what is below an element; `path` is its type, or its own path where its type has no name."""
    found: dict[str, list[Json]] = {name: [text] for name, text in element.attrib.items() if name in ("id", "url")}
    extras: dict[str, list[Json]] = {}
    for child in element:
        name = etree.QName(child).localname
        value, extra = _value(child, _type(path, name))
        found.setdefault(name, []).append(value)
        extras.setdefault(f"_{name}", []).append(extra)
    found |= {name: values for name, values in extras.items() if any(values)}
    return {name: values[0] if len(values) == 1 else values for name, values in found.items()}


def _value(element: Tree, type_name: str) -> tuple[Json, Json]:
    """Return the value of an element, and the id and extensions of a primitive."""
    if etree.QName(element).namespace == XHTML:
        return etree.tostring(element, encoding="unicode", with_tail=False), None
    if len(element) == 1 and etree.QName(element[0]).localname[0].isupper():
        return to_value(element[0]), None
    if "value" in element.attrib:
        return _typed(element.attrib["value"], type_name), _members(element, "Element") or None
    if type_name[:1].islower() and "." not in type_name:
        return None, _members(element, "Element") or None
    return _members(element, type_name), None


def _typed(text: str, type_name: str) -> Json:
    """Return a primitive as JSON has it; what does not fit its type stays text."""
    if type_name == "boolean" and text in ("true", "false"):
        return text == "true"
    if type_name in ("integer", "positiveInt", "unsignedInt") and text.lstrip("-").isdigit():
        return int(text)
    if type_name == "decimal" and text.lstrip("-")[:1].isdigit():
        return Decimal(text)
    return text


def _type(path: str, name: str) -> str:
    """Return the type of the element `name` of `path`, or the path by which the model knows its children."""
    of_choice = _choice(path, name)
    if of_choice:
        return of_choice
    full = f"{path}.{name}"
    full = _MODEL["pathsDefinedElsewhere"].get(full, full)
    return str(_MODEL["path2Type"].get(full, full))


def _choice(path: str, name: str) -> str | None:
    """Return the type of `valueBoolean` where `path` has a `value[x]`."""
    for end in range(len(name) - 1, 0, -1):
        types = _MODEL["choiceTypePaths"].get(f"{path}.{name[:end]}", ())
        if name[end:] in types:
            suffix = name[end:]
            lower = suffix[0].lower() + suffix[1:]
            return lower if lower in _PRIMITIVES else suffix
    return None


_PRIMITIVES = frozenset({
    "base64Binary", "boolean", "canonical", "code", "date", "dateTime", "decimal", "id", "instant", "integer",
    "markdown", "oid", "positiveInt", "string", "time", "unsignedInt", "uri", "url", "uuid",
})  # fmt: skip
