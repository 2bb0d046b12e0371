"""R4 (4.0.1) to STU3 (3.0.2) and back, for messages: Bundle, MessageHeader, Patient, Condition, OperationOutcome.

Resources of other types whose elements are alike in both versions are converted too. Nothing is lost unsaid. An
element that the other version lacks travels as the extension which FHIR defines for it and is an element again on the
way home; what cannot travel, and a modifier that the other version lacks, is an Issue. What FHIR does not know is
left alone: finding that is the work of `structure`. Rules: HL7's R3/R4 maps, such as
https://hl7.org/fhir/R4/condition-version-maps.html
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

from fhir_bridge.fhir.conversion_codes import code_to_concept, concept_to_code, lacking_codes, write_nearest
from fhir_bridge.fhir.conversion_walk import Draft, Place, Walk, carry
from fhir_bridge.fhir.cross_version import Content, content_of, known_elements, repeats, value_name
from fhir_bridge.fhir.elements import Element, elements, is_primitive, is_resource
from fhir_bridge.fhir.homecoming import brought_home
from fhir_bridge.fhir.json import dumps
from fhir_bridge.fhir.r4_places import settled, unsettled
from fhir_bridge.fhir.r4_stu3 import (
    CONCEPT_SYSTEMS,
    SAID_ELSEWHERE,
    STU3_JSON,
    TO_R4,
    TO_STU3,
    UNTELLABLE,
    Way,
    is_backbone,
    is_convertible,
    same_json,
)
from fhir_bridge.outcome import Issue, Json


class Converted(NamedTuple):
    """A resource in the other version, and what could not be carried over, in the source's FHIRPaths.

    A warning is something left behind; with an error among them the resource is not one to send.
    """

    resource: Json
    issues: tuple[Issue, ...]


def to_r4(resource: Json) -> Converted:
    """Return an STU3 resource as R4, which has a place for all that STU3 says: an issue is always an error.

    An element given as a list of one where FHIR has no list becomes that one. A contained resource of a type that is
    not converted becomes a Binary that holds it in STU3, under the same id.
    """
    return _converted(Walk(TO_R4), resource)


def to_stu3(resource: Json, *, now: datetime) -> Converted:
    """Return an R4 resource as STU3; `now` is the timestamp of a MessageHeader whose Bundle has none."""
    return _converted(Walk(TO_STU3, now), resource)


def _converted(walk: Walk, resource: Json) -> Converted:
    try:
        return Converted(_resource(walk, resource, None), tuple(walk.issues))
    except RecursionError:
        text = "The resource is nested too deeply to be converted."
        return Converted(resource, (Issue("nested-too-deep", "structure", text),))


def _resource(walk: Walk, resource: Json, expression: str | None, *, contained: bool = False) -> Json:
    if not isinstance(resource, dict):
        return resource
    type_name = resource.get("resourceType")
    if not isinstance(type_name, str) or not is_convertible(type_name):
        if contained and walk.way.target == "4.0" and isinstance(type_name, str) and is_resource("3.0", type_name):
            return _as_binary(resource)
        walk.impossible(expression or str(type_name), f"has another structure for {type_name}: it is not converted")
        return resource
    if type_name == "Binary" and walk.way.target == "3.0" and resource.get("contentType") == STU3_JSON:
        what = "is what this Binary holds, and it is not converted; leave it out, or send the whole in STU3"
        walk.impossible(expression or type_name, what)
    converted = _object(walk, Place(type_name, type_name, expression or type_name), resource)
    return _timed(converted, walk.now) if type_name == "MessageHeader" else converted


def _as_binary(resource: Mapping[str, Json]) -> Json:
    """Return a contained resource as it is, in a Binary: what refers to it finds it, and nothing of it is lost."""
    identity = {"id": resource["id"]} if "id" in resource else {}
    data = b64encode(dumps(resource)).decode()
    return {"resourceType": "Binary", **identity, "contentType": STU3_JSON, "data": data}


def _timed(header: dict[str, Json], now: datetime | None) -> dict[str, Json]:
    """STU3 requires the time at which a message is sent, and the bridge sends it now."""
    if now is None or content_of(header, "timestamp"):
        return header
    return {**header, "timestamp": now.isoformat(timespec="milliseconds")}


def _object(walk: Walk, place: Place, value: Json) -> Json:
    if not isinstance(value, dict):
        return value
    to_r4 = walk.way.target == "4.0"
    source = value if to_r4 else unsettled(place.type_name, value)
    draft = Draft()
    for name in dict.fromkeys(key.removeprefix("_") for key in source):
        _element(walk, place, draft, name, content_of(source, name))
    converted = brought_home(walk.way, place.type_name, place.definition, draft.whole())
    return settled(place.type_name, converted) if to_r4 else converted


def _element(walk: Walk, place: Place, draft: Draft, name: str, content: Content) -> None:
    element = known_elements(walk.way.source, place.type_name).get(name)
    if element is None or not _well_formed(element, content):
        draft.write(name, content)
    elif f"{place.definition}.{name}" in UNTELLABLE:
        walk.impossible(place.expression_of(element), f"cannot say {place.definition}.{name}")
    else:
        converted = {prefix: _values(walk, place, element, prefix, item) for prefix, item in content.items()}
        if converted.get("") != []:  # none of its extensions could go along, and FHIR has no empty list
            _write(walk, place, draft, element, content, converted)


def _write(walk: Walk, place: Place, draft: Draft, element: Element, content: Content, converted: Content) -> None:
    """Write an element whose values are converted: as the other version's, or as the extension that stands for it."""
    counterpart = _counterpart(walk.way, place, element, content)
    is_concept = place.of(element) in CONCEPT_SYSTEMS and not isinstance(content.get(""), list)
    if is_concept and element.type == "code":
        code_to_concept(walk, place, draft, element, converted)
    elif is_concept:
        concept_to_code(walk, place, draft, element, content[""], converted[""])
    elif counterpart is not None:
        _fit(walk, place, draft, element, counterpart, converted)
    elif element.is_modifier and place.of(element) not in SAID_ELSEWHERE:
        what = f"has no {place.of(element)}, and the resource means something else without it"
        walk.impossible(place.expression_of(element), what)
    else:
        carry(walk, place, draft, element, converted)


def _well_formed(element: Element, content: Content) -> bool:
    """Whether the JSON is what FHIR has there: an object for a complex type, and for what stands beside a primitive."""
    value, beside = content.get(""), content.get("_")
    items = value if isinstance(value, list) else [value]
    besides = beside if isinstance(beside, list) else [beside]
    if is_primitive(element.type):
        return not any(isinstance(item, dict | list) for item in items) and all(
            item is None or isinstance(item, dict) for item in besides
        )
    return "_" not in content and bool(items) and all(isinstance(item, dict) for item in items)


def _values(walk: Walk, place: Place, element: Element, prefix: str, value: Json) -> Json:
    expression = place.expression_of(element)
    if element.name in {"extension", "modifierExtension"}:
        return _extensions(walk, expression, value, must_keep=element.name == "modifierExtension")
    if isinstance(value, list):
        return [_value(walk, place, element, prefix, each, f"{expression}[{at}]") for at, each in enumerate(value)]
    return _value(walk, place, element, prefix, value, expression)


def _value(walk: Walk, place: Place, element: Element, prefix: str, value: Json, expression: str) -> Json:
    if prefix == "_":
        return _object(walk, Place("Element", "Element", expression), value)
    if is_primitive(element.type):
        rewrite = walk.way.values.get(place.of(element))
        return rewrite(value) if rewrite and isinstance(value, str) else value
    if element.type == "Resource":
        return _resource(walk, value, expression, contained=element.name == "contained")
    definition = place.of(element) if is_backbone(element.type, place.definition) else element.type
    return _object(walk, Place(element.type, definition, expression), value)


def _extensions(walk: Walk, expression: str, values: Json, *, must_keep: bool) -> Json:
    """Convert extensions; one whose value is of a type that the other side's extensions lack cannot go along."""
    if not isinstance(values, list):
        return values
    converted = []
    for at, value in enumerate(values):
        if _can_hold(walk, f"{expression}[{at}]", value, must_keep):
            converted.append(_object(walk, Place("Extension", "Extension", f"{expression}[{at}]"), value))
    return converted


def _can_hold(walk: Walk, expression: str, extension: Mapping[str, Json], must_keep: bool) -> bool:
    here, there = (elements(version, "Extension") for version in (walk.way.source, walk.way.target))
    names = {name.removeprefix("_") for name in extension}
    lacking = next((here[name] for name in here if name in names and name not in there), None)
    if lacking is None:
        return True
    if must_keep and value_name(walk.way.target, lacking.type) is None:
        walk.impossible(expression, f"has no extension that holds a {lacking.type}, and this one must be understood")
        return False
    if value_name(walk.way.target, lacking.type) is None:
        walk.left_behind(expression)
        return False
    walk.left_behind(f"{expression}.{lacking.path}", f"has no {lacking.type} in an extension: it is a uri there")
    return True


def _counterpart(way: Way, place: Place, element: Element, content: Content) -> Element | None:
    """Return the element of the other version that says the same, if there is one."""
    if place.of(element) == "Condition.context" and _is_episode_of_care(content.get("")):
        return None
    path = f"{place.definition}.{element.name}"
    found = known_elements(way.target, place.type_name).get(way.renamed.get(path, element.name))
    return found if found is not None and same_json(found.type, element.type) else None


def _is_episode_of_care(reference: Json) -> bool:
    """STU3's Condition.context may be an EpisodeOfCare; R4's Condition.encounter may not."""
    target = reference.get("reference") if isinstance(reference, dict) else None
    return isinstance(target, str) and re.search(r"(^|/)EpisodeOfCare/", target) is not None


def _fit(walk: Walk, place: Place, draft: Draft, element: Element, target: Element, content: Content) -> None:
    """Write an element where the other version has it, with its codes and its number of repeats."""
    lacking = lacking_codes(walk, place, element, target, content)
    is_listed = any(isinstance(item, list) for item in content.values())
    if lacking:
        write_nearest(walk, place, draft, element, target, content, lacking)
    elif is_listed and not target.repeats:
        _write_one(walk, place, draft, element, target, content)
    elif target.repeats and not is_listed and not element.repeats:
        draft.write(target.name, {prefix: [item] for prefix, item in content.items()})
    else:
        draft.write(target.name, content)


def _write_one(walk: Walk, place: Place, draft: Draft, element: Element, target: Element, content: Content) -> None:
    """Write the first of a list as the one that the other version has, and the others as extensions."""
    items = repeats(content)
    if len(items) > 1 and not element.repeats:
        walk.impossible(place.expression_of(element), f"holds one value here, and there are {len(items)}")
        draft.write(target.name, content)
        return
    for item in items[:1]:
        draft.write(target.name, item)
    for item in items[1:]:
        carry(walk, place, draft, element, item)
