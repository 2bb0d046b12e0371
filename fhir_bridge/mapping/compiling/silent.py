"""Compiles `silent:` of a map: elements that carry nothing for the partner, and the values with which they do."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from fhir_bridge.fhir.elements import Element, Version, elements, is_primitive
from fhir_bridge.mapping.compiling.paths import Paths, absolute
from fhir_bridge.mapping.losses import Harmless, Silent
from fhir_bridge.mapping.model import ANYTHING, MapSpec
from fhir_bridge.mapping.source import Problems, Text, did_you_mean


def compile_silent(spec: MapSpec, paths: Paths, problems: Problems) -> tuple[Silent, ...]:
    """Return the silent elements of a map with rows; a list without a slice stands for each of its members."""
    found: list[Silent] = []
    for name, said in spec.silent.items():
        place = paths.place(spec.resource, name, name.mark, everywhere=True)
        if place is not None:
            found.append(Silent(place, _values(name, said, (place.element,), problems)))
    return tuple(found)


def compile_silent_types(spec: MapSpec, versions: Iterable[Version], problems: Problems) -> Mapping[str, Harmless]:
    """Return the silent values of a map for messages, by type and element, such as `Condition.verificationStatus`."""
    found: dict[str, Harmless] = {}
    for name, said in spec.silent.items():
        known = [element for version in versions for element in _elements(version, name)]
        if known:
            found[str(name)] = _values(name, said, known, problems)
        else:
            problems.add(name.mark, f"FHIR has no element '{name}'; write a type, a dot and one of its elements")
    return found


def _elements(version: Version, name: str) -> list[Element]:
    type_name, _, element = name.partition(".")
    try:
        return [found for found in elements(version, type_name).values() if found.name == element]
    except KeyError:
        return []


def _values(name: Text, said: tuple[Text, ...], known: Sequence[Element], problems: Problems) -> Harmless:
    """Return the values that are said; None for `any`, which a modifier cannot be."""
    if ANYTHING not in said:
        for text in said:
            whys = [_why_not(text, name, element) for element in known]
            if None not in whys:
                problems.add(text.mark, str(whys[0]))
        return frozenset(_absolute(text) for text in said)
    if len(said) > 1:
        problems.add(said[0].mark, "'any' stands for every value; write it alone")
    if any(element.is_modifier for element in known):
        why = f"'{name}' changes what holds it, so not every value of it is harmless; write those that are"
        problems.add(said[0].mark, why)
    return None


def _why_not(text: Text, name: Text, element: Element) -> str | None:
    """Return why an element of this type cannot hold the text; None where it can."""
    if element.type == "CodeableConcept":
        return None if "#" in text else f"'{text}' is no code of a CodeableConcept; write system#code, or any"
    if not is_primitive(element.type):
        return f"'{name}' is a {element.type}; write any, or name one of its elements"
    codes = {"true", "false"} if element.type == "boolean" else element.codes
    return f"'{text}' is no value of '{name}'{did_you_mean(text, codes)}" if codes and text not in codes else None


def _absolute(text: Text) -> str:
    """The system of a code may be short, as any URL of a mapping file."""
    system, _, code = str(text).rpartition("#")
    return f"{absolute(system)}#{code}" if system else str(text)
