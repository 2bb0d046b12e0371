"""A resource cut down to the part that a client asked for by `_summary` or `_elements`, and marked as such.

https://hl7.org/fhir/R4/search.html#summary and https://hl7.org/fhir/R4/search.html#elements
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import partial
from typing import Literal

from fhir_bridge.fhir.elements import Element, Version, elements, is_primitive, is_resource
from fhir_bridge.outcome import Json

Kind = Literal["true", "text", "data", "count", "false"]
"""The values of `_summary`."""

# What says which resource it is, and what may change the meaning of all the rest: nobody may miss it.
_ALWAYS = frozenset({"id", "meta", "implicitRules", "modifierExtension"})

# https://hl7.org/fhir/R4/resource.html#tags; the system had another name in STU3.
_SUBSETTED: Mapping[Version, Mapping[str, str]] = {
    "3.0": {"system": "http://hl7.org/fhir/v3/ObservationValue", "code": "SUBSETTED"},
    "4.0": {"system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue", "code": "SUBSETTED"},
}

_Cut = Callable[[Json, bool], Json]
"""Cuts one resource down; the flag says whether a search has only included it (`_include`)."""


def summary(resource: Json, kind: Kind, version: Version) -> Json:
    """Return what `_summary` leaves of a resource; of a search's or a history's Bundle, of each resource in it.

    `count` leaves a search's Bundle without its entries: the caller has set its `total`. Raises ValueError for
    `count` of anything else, which the caller refuses.
    """
    if kind == "false":
        return resource
    if kind == "count":
        return _without_entries(resource)
    return _each(resource, lambda one, _: marked(_SUMMARIES[kind](one, version), version), version)


def only_elements(resource: Json, names: Sequence[str], version: Version) -> Json:
    """Return what `_elements` leaves of a resource; of a search's or a history's Bundle, of each resource in it.

    A name is an element of the resource (`name`, `deceased`, `deceasedDateTime`), or has its type in front
    (`Patient.name`). Only the latter applies to resources that a search has included. A resource that no name
    speaks of stays whole, and is not marked.
    """

    def cut(one: Json, is_included: bool) -> Json:
        asked = set(_asked(names, one["resourceType"], is_included))
        return marked(_top(one, version, partial(_is_named, asked)), version) if asked else one

    return _each(resource, cut, version)


def _asked(names: Sequence[str], type_name: str, is_included: bool) -> Collection[str]:
    """Return the elements that are asked for of this type; of `name.family`, that is `name`."""
    own = [name.removeprefix(f"{type_name}.") for name in names if name.startswith(f"{type_name}.")]
    of_any_type = [] if is_included else [name for name in names if not name[:1].isupper()]
    return [name.partition(".")[0].removesuffix("[x]") for name in own + of_any_type]


def _is_named(names: Collection[str], element: Element) -> bool:
    return element.name in names or element.choice in names


def _each(resource: Json, cut: _Cut, version: Version) -> Json:
    is_list = resource.get("resourceType") == "Bundle" and resource.get("type") in ("searchset", "history")
    if not is_list:
        return _if_known(resource, cut, version, is_included=False)
    entries = {"entry": [_entry(entry, cut, version) for entry in resource["entry"]]} if "entry" in resource else {}
    return {**resource, **entries}


def _entry(entry: Json, cut: _Cut, version: Version) -> Json:
    mode = entry.get("search", {}).get("mode")
    if "resource" not in entry or mode == "outcome":
        return entry
    return {**entry, "resource": _if_known(entry["resource"], cut, version, is_included=mode == "include")}


def _if_known(resource: Json, cut: _Cut, version: Version, *, is_included: bool) -> Json:
    """Cut down a resource of a type that FHIR has; of another, nobody knows what may be left out."""
    return cut(resource, is_included) if _has_type(resource, version) else resource


def _has_type(resource: Mapping[str, Json], version: Version) -> bool:
    type_name = resource.get("resourceType")
    return isinstance(type_name, str) and is_resource(version, type_name)


def _without_entries(bundle: Json) -> Json:
    if bundle.get("resourceType") != "Bundle" or bundle.get("type") != "searchset":
        raise ValueError("Only what a search found can be counted.")
    return {name: value for name, value in bundle.items() if name != "entry"}


def _top(resource: Json, version: Version, is_kept: Callable[[Element], bool]) -> Json:
    """Return the elements that are asked for, that are mandatory, or that nobody may miss; each of them whole."""
    known = elements(version, resource["resourceType"])
    kept = {name for name, element in known.items() if name in _ALWAYS or _is_mandatory(element) or is_kept(element)}
    kept.add("resourceType")
    return {name: value for name, value in resource.items() if name.removeprefix("_") in kept}


def _is_mandatory(element: Element) -> bool:
    return element.required or element.choice_required


def _text(resource: Json, version: Version) -> Json:
    return _top(resource, version, lambda element: element.name == "text")


def _data(resource: Json, _: Version) -> Json:
    return {name: value for name, value in resource.items() if name != "text"}


def _true(resource: Json, version: Version) -> Json:
    return _in_summary(resource, resource["resourceType"], version)


_SUMMARIES: Mapping[Kind, Callable[[Json, Version], Json]] = {"true": _true, "text": _text, "data": _data}


def _in_summary(value: Mapping[str, Json], type_name: str, version: Version) -> dict[str, Json]:
    """Return the members of an object that are in the summary, or mandatory, each cut down likewise.

    `_birthDate` goes with `birthDate`: it may say why there is no value.
    """
    known = elements(version, type_name)
    kept: dict[str, Json] = {}
    for name, item in value.items():
        element = known.get(name.removeprefix("_"))
        if element is None:
            kept |= {name: item} if name == "resourceType" else {}
        elif element.in_summary or name == "modifierExtension" or _is_mandatory(element):
            reduced = _reduced(item, element.type, version) if name == element.name else item
            if reduced not in ({}, []):
                kept[name] = reduced
            elif _is_mandatory(element):
                kept[name] = item
    return kept


def _reduced(item: Json, type_name: str, version: Version) -> Json:
    """Return the summary of an element's value; `{}` or `[]` where nothing of it is in the summary."""
    if isinstance(item, list):
        return [one for one in (_reduced(one, type_name, version) for one in item) if one != {}]
    if not isinstance(item, dict) or type_name == "Extension" or is_primitive(type_name):
        return item
    if type_name != "Resource":
        return _in_summary(item, type_name, version)
    return _true(item, version) if _has_type(item, version) else item


def marked(resource: Json, version: Version) -> Json:
    """Return the resource with the tag SUBSETTED, once: it must not be taken for the whole and sent back.

    What passes through may hold anything where tags belong; that is left out.
    """
    found = resource.get("meta")
    meta = found if isinstance(found, dict) else {}
    tagged = meta.get("tag")
    tags = tagged if isinstance(tagged, list) else []
    mark = _SUBSETTED[version]
    if any(mark.items() <= tag.items() for tag in tags if isinstance(tag, dict)):
        return resource
    in_order = dict.fromkeys(name for name in ("resourceType", "id", "meta") if name in resource or name == "meta")
    return {**in_order, **resource, "meta": {**meta, "tag": [*tags, dict(mark)]}}


def marks(resource: Json, path: str) -> Iterator[str]:
    """Yield the FHIRPath of each tag that says of a resource, or of one in a Bundle, that it is but a part."""
    for n, tag in enumerate(resource.get("meta", {}).get("tag", ())):
        if any(mark.items() <= tag.items() for mark in _SUBSETTED.values()):
            yield f"{path}.meta.tag[{n}]"
    for n, entry in enumerate(resource.get("entry", ()) if resource["resourceType"] == "Bundle" else ()):
        if "resource" in entry:
            yield from marks(entry["resource"], f"{path}.entry[{n}].resource")
