"""Codes that the other FHIR version lacks: its nearest is written and the loss told, or the resource is refused.

A modifier such as `Identifier.use` is never left out: an identifier that is `old` would be taken for a valid one.
https://hl7.org/fhir/R4/terminologies.html#required
"""

from __future__ import annotations

from fhir_bridge.fhir.conversion_walk import Draft, Place, Walk, carry
from fhir_bridge.fhir.cross_version import Content
from fhir_bridge.fhir.elements import Element
from fhir_bridge.fhir.r4_stu3 import CONCEPT_SYSTEMS, first_code, nearest_in_stu3
from fhir_bridge.outcome import Json


def lacking_codes(walk: Walk, place: Place, element: Element, target: Element, content: Content) -> list[str]:
    """Return the codes of an element that are of the source version only; one that neither has is not ours to find."""
    value = content.get("")
    codes = value if isinstance(value, list) else [value]
    here_only = element.codes - target.codes if target.codes else frozenset()
    known = here_only | walk.way.nearest.get(place.of(element), {}).keys()
    return [code for code in codes if isinstance(code, str) and code in known]


def write_nearest(
    walk: Walk, place: Place, draft: Draft, element: Element, target: Element, content: Content, lacking: list[str]
) -> None:
    """Write the closest codes that the other version has, and the exact ones as extensions; the loss is told.

    Where one has none that is close, no code of the element is written: a list of some of them would say another thing.
    """
    nearest = walk.way.nearest.get(place.of(element), {})
    expression, names = place.expression_of(element), ", ".join(lacking)
    if all(nearest.get(code) is not None for code in lacking):
        draft.write(target.name, {**content, "": _with_nearest(content[""], nearest)})
        carry(walk, place, draft, element, {"": lacking if isinstance(content[""], list) else lacking[0]})
        sent = ", ".join(str(nearest[code]) for code in lacking)
        walk.left_behind(expression, f"has no code for {names}: {sent} is sent, and {names} in an extension")
    elif element.is_modifier:
        what = "and what holds this element means something else without it; leave that out"
        walk.impossible(expression, f"has no code for {names}, {what}")
    elif target.required:
        walk.impossible(expression, f"has no code for {names}")
    else:
        carry(walk, place, draft, element, content)
        walk.left_behind(expression, f"has no code for {names}: it is sent in an extension alone")


def _with_nearest(value: Json, nearest: Json) -> Json:
    return [nearest.get(code, code) for code in value] if isinstance(value, list) else nearest[value]


def code_to_concept(walk: Walk, place: Place, draft: Draft, element: Element, content: Content) -> None:
    """Write a code of STU3 as the concept that it is in R4, or as an extension where R4 has no such."""
    code = content.get("")
    if code in walk.way.nearest.get(place.of(element), ()):
        carry(walk, place, draft, element, content)
        return
    coding = {"coding": [{"system": CONCEPT_SYSTEMS[place.of(element)], "code": code}]} if "" in content else {}
    draft.write(element.name, {"": {**content.get("_", {}), **coding}})


def concept_to_code(walk: Walk, place: Place, draft: Draft, element: Element, concept: Json, converted: Json) -> None:
    """Write the code that a concept says, and the concept as an extension where it says more than that.

    `converted` is the concept with code systems as STU3 names them.
    """
    path, expression = place.of(element), place.expression_of(element)
    said = {name: item for name, item in concept.items() if name not in {"id", "extension"}}
    code, exact = nearest_in_stu3(path, concept), first_code(path, concept)
    if code is not None:
        draft.write(element.name, {"": code})
    elif said:
        system = CONCEPT_SYSTEMS[path]
        walk.impossible(expression, f"has a code here; give this concept a coding of {system}, which names one")
    if code != exact:
        walk.left_behind(expression, f"has no code for {exact}: {code} is sent, and {exact} in an extension")
    if beside := {name: converted[name] for name in ("id", "extension") if name in converted}:
        draft.write(element.name, {"_": beside})
    if said not in ({}, {"coding": [{"system": CONCEPT_SYSTEMS[path], "code": code}]}):
        carry(walk, place, draft, element, {"": {name: converted[name] for name in said}})
