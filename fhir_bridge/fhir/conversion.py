"""R4 (4.0.1) to STU3 (3.0.2) and back, for messages: Bundle, MessageHeader, Patient, Condition, OperationOutcome.

Nothing is lost unsaid. An element that the other version lacks travels as the extension which FHIR defines for
it and is an element again on the way home; what cannot travel is an Issue. What FHIR does not know is left alone:
finding that is the work of `structure`. Rules: HL7's R3/R4 maps, such as
https://hl7.org/fhir/R4/condition-version-maps.html
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from fhir_bridge.fhir.cross_version import Content, content_of, known_elements, url, value_name, written
from fhir_bridge.fhir.elements import Element, elements, is_primitive
from fhir_bridge.fhir.homecoming import brought_home
from fhir_bridge.fhir.r4_places import settled, unsettled
from fhir_bridge.fhir.r4_stu3 import (
    CONCEPT_SYSTEMS,
    NAMES,
    TO_R4,
    TO_STU3,
    UNTELLABLE,
    Way,
    is_backbone,
    is_convertible,
    nearest_in_stu3,
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

    An element given as a list of one where FHIR has no list becomes that one.
    """
    return _converted(_Walk(TO_R4), resource)


def to_stu3(resource: Json, *, now: datetime) -> Converted:
    """Return an R4 resource as STU3; `now` is the timestamp of a MessageHeader whose Bundle has none."""
    return _converted(_Walk(TO_STU3, now), resource)


@dataclass(frozen=True, slots=True)
class _Walk:
    way: Way
    now: datetime | None = None
    issues: list[Issue] = field(default_factory=list)

    def left_behind(self, expression: str, what: str = "has no place for this: it is left behind") -> None:
        text = f"{NAMES[self.way.target]} {what}."
        self.issues.append(Issue("left-behind", "not-supported", text, expression, "warning"))

    def impossible(self, expression: str, what: str) -> None:
        text = f"{NAMES[self.way.target]} {what}."
        self.issues.append(Issue("cannot-be-sent", "not-supported", text, expression))


class _Place(NamedTuple):
    """Where the walk is: "ConditionStage", "Condition.stage", "Bundle.entry[2].resource.stage"."""

    type_name: str
    definition: str
    expression: str

    def of(self, element: Element) -> str:
        return f"{self.definition}.{element.path}"

    def expression_of(self, element: Element) -> str:
        return f"{self.expression}.{element.path}"


@dataclass(frozen=True, slots=True)
class _Draft:
    """A value being built: its elements, and the extensions that stand for what has no element."""

    value: dict[str, Json] = field(default_factory=dict)
    carried: list[Json] = field(default_factory=list)

    def write(self, name: str, content: Content) -> None:
        self.value.update({prefix + name: item for prefix, item in content.items()})

    def whole(self) -> dict[str, Json]:
        if not self.carried:
            return self.value
        return {**self.value, "extension": [*self.value.get("extension", ()), *self.carried]}


def _converted(walk: _Walk, resource: Json) -> Converted:
    try:
        return Converted(_resource(walk, resource, None), tuple(walk.issues))
    except RecursionError:
        text = "The resource is nested too deeply to be converted."
        return Converted(resource, (Issue("nested-too-deep", "structure", text),))


def _resource(walk: _Walk, resource: Json, expression: str | None) -> Json:
    if not isinstance(resource, dict):
        return resource
    type_name = resource.get("resourceType")
    if not isinstance(type_name, str) or not is_convertible(type_name):
        walk.impossible(expression or str(type_name), f"has another structure for {type_name}: it is not converted")
        return resource
    converted = _object(walk, _Place(type_name, type_name, expression or type_name), resource)
    return _timed(converted, walk.now) if type_name == "MessageHeader" else converted


def _timed(header: dict[str, Json], now: datetime | None) -> dict[str, Json]:
    """STU3 requires the time at which a message is sent, and the bridge sends it now."""
    if now is None or content_of(header, "timestamp"):
        return header
    return {**header, "timestamp": now.isoformat(timespec="milliseconds")}


def _object(walk: _Walk, place: _Place, value: Json) -> Json:
    if not isinstance(value, dict):
        return value
    to_r4 = walk.way.target == "4.0"
    source = value if to_r4 else unsettled(place.type_name, value)
    draft = _Draft()
    for name in dict.fromkeys(key.removeprefix("_") for key in source):
        _element(walk, place, draft, name, content_of(source, name))
    converted = brought_home(walk.way, place.type_name, place.definition, draft.whole())
    return settled(place.type_name, converted) if to_r4 else converted


def _element(walk: _Walk, place: _Place, draft: _Draft, name: str, content: Content) -> None:
    element = known_elements(walk.way.source, place.type_name).get(name)
    if element is None or not _well_formed(element, content):
        draft.write(name, content)
    elif f"{place.definition}.{name}" in UNTELLABLE:
        walk.impossible(place.expression_of(element), f"cannot say {place.definition}.{name}")
    elif place.of(element) in CONCEPT_SYSTEMS:
        (_code_to_concept if element.type == "code" else _concept_to_code)(walk, place, draft, element, content)
    else:
        converted = {prefix: _values(walk, place, element, prefix, item) for prefix, item in content.items()}
        counterpart = _counterpart(walk.way, place, element, content)
        if converted.get("") == []:
            return  # none of its extensions could go along, and FHIR has no empty list
        if counterpart is None:
            _carry(walk, place, draft, element, converted)
        else:
            _fit(walk, place, draft, element, counterpart, converted)


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


def _values(walk: _Walk, place: _Place, element: Element, prefix: str, value: Json) -> Json:
    expression = place.expression_of(element)
    if element.name in {"extension", "modifierExtension"}:
        return _extensions(walk, expression, value, must_keep=element.name == "modifierExtension")
    if isinstance(value, list):
        return [_value(walk, place, element, prefix, each, f"{expression}[{at}]") for at, each in enumerate(value)]
    return _value(walk, place, element, prefix, value, expression)


def _value(walk: _Walk, place: _Place, element: Element, prefix: str, value: Json, expression: str) -> Json:
    if prefix == "_":
        return _object(walk, _Place("Element", "Element", expression), value)
    if is_primitive(element.type):
        rewrite = walk.way.values.get(place.of(element))
        return rewrite(value) if rewrite and isinstance(value, str) else value
    if element.type == "Resource":
        return _resource(walk, value, expression)
    definition = place.of(element) if is_backbone(element.type, place.definition) else element.type
    return _object(walk, _Place(element.type, definition, expression), value)


def _extensions(walk: _Walk, expression: str, values: Json, *, must_keep: bool) -> Json:
    """Convert extensions; one whose value is of a type that the other side's extensions lack cannot go along."""
    if not isinstance(values, list):
        return values
    converted = []
    for at, value in enumerate(values):
        if _can_hold(walk, f"{expression}[{at}]", value, must_keep):
            converted.append(_object(walk, _Place("Extension", "Extension", f"{expression}[{at}]"), value))
    return converted


def _can_hold(walk: _Walk, expression: str, extension: Mapping[str, Json], must_keep: bool) -> bool:
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


def _counterpart(way: Way, place: _Place, element: Element, content: Content) -> Element | None:
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


def _carry(walk: _Walk, place: _Place, draft: _Draft, element: Element, content: Content) -> None:
    """Write the extension that stands for an element the other version lacks."""
    if "extension" not in known_elements(walk.way.target, place.type_name):
        walk.left_behind(place.expression_of(element))
        return
    if any("modifierExtension" in each for each in _objects(content)):
        walk.impossible(place.expression_of(element), "cannot say this with its modifierExtension")
        return
    draft.carried.extend(written(walk.way.target, url(walk.way.source, place.of(element)), element, content))


def _objects(content: Content) -> list[Json]:
    value = content.get("")
    return [each for each in (value if isinstance(value, list) else [value]) if isinstance(each, dict)]


def _fit(walk: _Walk, place: _Place, draft: _Draft, element: Element, target: Element, content: Content) -> None:
    """Write an element where the other version has it, with its codes and its number of repeats."""
    value = content.get("")
    if isinstance(value, str) and _is_lacking(walk.way, place, element, target, value):
        _write_nearest(walk, place, draft, element, target, content)
    elif not isinstance(value, list):
        wrapped = target.repeats and not element.repeats and "" in content
        draft.write(target.name, {"": [value]} if wrapped else content)
    elif target.repeats:
        draft.write(target.name, content)
    elif len(value) == 1 or element.repeats:
        draft.write(target.name, {"": value[0]})
        if value[1:]:
            _carry(walk, place, draft, element, {"": value[1:]})
    else:
        walk.impossible(place.expression_of(element), f"holds one value here, and there are {len(value)}")
        draft.write(target.name, content)


def _is_lacking(way: Way, place: _Place, element: Element, target: Element, code: str) -> bool:
    """Whether a code is one of the source version only; a code that neither has is not ours to find."""
    known_here_only = code in element.codes and bool(target.codes) and code not in target.codes
    return known_here_only or code in way.nearest.get(place.of(element), ())


def _write_nearest(
    walk: _Walk, place: _Place, draft: _Draft, element: Element, target: Element, content: Content
) -> None:
    """Write the closest code that the other version has, and the code itself as the extension for it."""
    nearest = walk.way.nearest.get(place.of(element), {}).get(content[""])
    if nearest is not None:
        draft.write(target.name, {**content, "": nearest})
        _carry(walk, place, draft, element, {"": content[""]})
    elif target.required:
        walk.impossible(place.expression_of(element), f"has no code for {content['']}")
    else:
        _carry(walk, place, draft, element, content)


def _code_to_concept(walk: _Walk, place: _Place, draft: _Draft, element: Element, content: Content) -> None:
    code = content.get("")
    if code in walk.way.nearest.get(place.of(element), ()):
        _carry(walk, place, draft, element, content)
        return
    beside = _values(walk, place, element, "_", content["_"]) if "_" in content else {}
    coding = {"coding": [{"system": CONCEPT_SYSTEMS[place.of(element)], "code": code}]} if "" in content else {}
    draft.write(element.name, {"": {**beside, **coding}})


def _concept_to_code(walk: _Walk, place: _Place, draft: _Draft, element: Element, content: Content) -> None:
    """Write the code that a concept says, and the concept as an extension where it says more than that."""
    concept, system = content[""], CONCEPT_SYSTEMS[place.of(element)]
    said = {name: item for name, item in concept.items() if name not in {"id", "extension"}}
    code = nearest_in_stu3(place.of(element), concept)
    if code is not None:
        draft.write(element.name, {"": code})
    if beside := {name: concept[name] for name in ("id", "extension") if name in concept}:
        draft.write(element.name, {"_": _values(walk, place, element, "_", beside)})
    if said not in ({}, {"coding": [{"system": system, "code": code}]}):
        _carry(walk, place, draft, element, {"": _values(walk, place, element, "", said)})
