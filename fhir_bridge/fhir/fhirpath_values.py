"""What a FHIRPath Patch puts into a resource: the `value` of an operation as the element that it becomes.

https://hl7.org/fhir/R4/fhirpatch.html
"""

from __future__ import annotations

import copy
from collections.abc import Mapping

from fhir_bridge.fhir.elements import Element, Version, elements, is_primitive
from fhir_bridge.fhir.fhirpath_location import Item, candidates, write_items
from fhir_bridge.fhir.fhirpath_operations import value_name
from fhir_bridge.outcome import Json

_NUMBERS = frozenset({"decimal", "integer", "positiveInt", "unsignedInt"})


class WrongType(ValueError):
    """A value that cannot stand where it is to be put; the text says what can."""


def item_for(version: Version, found: list[Element], part: Mapping[str, Json]) -> tuple[Element, Item]:
    """Return which of the elements of one name the value of a part is, and the value; raises WrongType.

    Several are those of a choice: valueDateTime of `deceased` is deceasedDateTime.
    """
    name = value_name(part)
    if name is not None:
        element = _fitting(found, elements(version, "ParametersParameter")[name].type)
        return element, Item(copy.deepcopy(part.get(name)), copy.deepcopy(part.get(f"_{name}")))
    if "resource" in part:
        return _fitting(found, "Resource"), Item(copy.deepcopy(part["resource"]))
    return _built(version, found, part["part"])


def _fitting(found: list[Element], type_name: str) -> Element:
    for element in found:
        if element.type == type_name:
            return element
    if len(found) == 1 and _written_alike(found[0].type, type_name):
        return found[0]
    types = " or ".join(element.type for element in found)
    raise WrongType(f"{found[0].path} takes {types}, and the value is {type_name}.")


def _written_alike(one: str, other: str) -> bool:
    """Whether two primitives are the same kind of JSON: a client need not know that a name's family is no code."""
    return is_primitive(one) and is_primitive(other) and _kind(one) == _kind(other)


def _kind(primitive: str) -> str:
    if primitive == "boolean":
        return "boolean"
    return "number" if primitive in _NUMBERS else "text"


def _built(version: Version, found: list[Element], parts: Json) -> tuple[Element, Item]:
    """Build an element of a type that has no value[x] from its own elements, each a part."""
    element = found[0]
    if len(found) > 1 or is_primitive(element.type) or element.type == "Resource":
        raise WrongType(f"{element.path} takes a value[x] or a resource, not parts.")
    built: dict[str, tuple[Element, list[Item]]] = {}
    for part in parts:
        own = candidates(version, element.type, part["name"])
        if not own:
            raise WrongType(f"{element.path} has no element {part['name']}.")
        inner, item = item_for(version, own, part)
        if not inner.repeats and any(each.name in built for each in own):
            raise WrongType(f"{part['name']} does not repeat.")
        built.setdefault(inner.name, (inner, []))[1].append(item)
    whole: dict[str, Json] = {}
    for inner, items in built.values():
        write_items(whole, inner, items)
    return element, Item(whole)
