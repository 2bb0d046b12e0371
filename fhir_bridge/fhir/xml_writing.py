"""Plain JSON values to FHIR XML, in the order that the element tables have.

https://hl7.org/fhir/R4/xml.html
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from itertools import zip_longest

from fhir_bridge.fhir import narrative
from fhir_bridge.fhir.elements import Element, Version, elements, is_primitive, is_resource
from fhir_bridge.fhir.json import dumps
from fhir_bridge.fhir.problems import is_step
from fhir_bridge.fhir.xml_reading import attributes
from fhir_bridge.outcome import Json


def resource_text(version: Version, resource: Mapping[str, Json], xmlns: str = "") -> str:
    """Return the element that a resource is; a type that FHIR does not have is written by the shape of its JSON."""
    name = resource["resourceType"]
    type_name = name if is_resource(version, name) else "DomainResource"
    members = {member: value for member, value in resource.items() if member != "resourceType"}
    return _tag(name, {"xmlns": xmlns} if xmlns else {}, _children(version, type_name, members))


def is_named(value: Json) -> bool:
    """Whether a value is an object that names its type, so that an element can be called after it."""
    return isinstance(value, dict) and is_step(value.get("resourceType"))


def _tag(name: str, attributes: Mapping[str, str], content: str) -> str:
    start = "".join([name, *(f' {attribute}="{_escaped(text)}"' for attribute, text in attributes.items())])
    return f"<{start}>{content}</{name}>" if content else f"<{start}/>"


def _children(version: Version, type_name: str, members: Mapping[str, Json]) -> str:
    """Return the members of an object as elements in FHIR's order, then what FHIR does not have, as it came."""
    known, order = elements(version, type_name), _order(version, type_name)
    names = {member.removeprefix("_"): None for member in members}
    return "".join(
        _member(version, name, known.get(name), members.get(name), members.get(f"_{name}"))
        for name in sorted(names, key=lambda name: order.get(name, len(order)))
        if is_step(name)
    )


@cache
def _order(version: Version, type_name: str) -> Mapping[str, int]:
    return {name: place for place, name in enumerate(elements(version, type_name))}


def _member(version: Version, name: str, element: Element | None, values: Json, beside: Json) -> str:
    type_name = element.type if element else ""
    pairs = zip_longest(_listed(values), _listed(beside))
    return "".join(
        _item(version, name, type_name, value, extra) for value, extra in pairs if (value, extra) != (None, None)
    )


def _listed(value: Json) -> list[Json]:
    return value if isinstance(value, list) else [value]


def _item(version: Version, name: str, type_name: str, value: Json, beside: Json) -> str:
    """Return one element; `type_name` is "" where FHIR has no such element."""
    if type_name == "xhtml" and isinstance(value, str):
        return _div(value)
    if type_name in ("Resource", "") and is_named(value):
        return _tag(name, {}, resource_text(version, value))
    if isinstance(value, dict):
        return _object(version, name, "BackboneElement" if _is_simple(type_name) else type_name, value)
    if isinstance(beside, dict):
        return _object(version, name, "Element", beside, _value(value))
    return _tag(name, _value(value), "")


def _is_simple(type_name: str) -> bool:
    return type_name == "" or is_primitive(type_name)


def _object(
    version: Version, name: str, type_name: str, value: Mapping[str, Json], first: Mapping[str, str] | None = None
) -> str:
    own = {key: value[key] for key in sorted(attributes(type_name)) if isinstance(value.get(key), str)}
    members = {member: item for member, item in value.items() if member not in own}
    return _tag(name, {**own, **(first or {})}, _children(version, type_name, members))


def _value(value: Json) -> dict[str, str]:
    if value is None:
        return {}
    return {"value": value if isinstance(value, str) else dumps(value).decode()}


class NotWritable(ValueError):
    """The resource holds a narrative that is no XHTML: as text, its tags would be read by a person."""


def _div(text: str) -> str:
    """Return a narrative as it is, put into its namespace where it names none; raises NotWritable."""
    div = narrative.element(text)
    if div is None:
        raise NotWritable
    return div


# https://www.w3.org/TR/xml/#charsets: what XML cannot hold, not even as a character reference.
_NO_CHARACTERS = "\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff"
_SPECIAL = re.compile(f'[&<>"\t\n\r{_NO_CHARACTERS}]')
_ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\t": "&#9;", "\n": "&#10;", "\r": "&#13;"}


def _escaped(text: str) -> str:
    """Return text as it may stand in XML; U+FFFD stands for each character that XML cannot hold."""
    return _SPECIAL.sub(lambda special: _ESCAPES.get(special[0], "\ufffd"), text)
