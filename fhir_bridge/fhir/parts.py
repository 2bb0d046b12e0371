"""Checks of the members of an object that are primitives, by themselves or in a list.

https://hl7.org/fhir/R4/json.html#primitive
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from fhir_bridge.fhir import problems
from fhir_bridge.fhir.elements import Element
from fhir_bridge.fhir.primitives import Format
from fhir_bridge.fhir.problems import Problem, Problems
from fhir_bridge.outcome import Json

Part = Callable[[Json, Mapping[str, Json]], Problems]
"""Gives the problems of one member of an object, which it gets whole as well: `given` must agree with `_given`."""

Fits = Callable[[Json], bool]

_FINE: Problems = ()


def fitting(element: Element, format: Format) -> Fits:
    """Return whether one value is written as it must be, or is one of the codes of its binding."""
    codes = element.codes
    return (lambda value: isinstance(value, str) and value in codes) if codes else format.fits


def is_text(value: Json) -> bool:
    return isinstance(value, str) and value != ""


def primitive(element: Element, step: str, format: Format, fits: Fits) -> Part:
    """Return the check of one value such as `birthDate`; `step` leads to it."""

    def part(item: Json, _: Mapping[str, Json]) -> Problems:
        if fits(item):
            return _FINE
        if isinstance(item, list):
            return problems.not_single(step, element.name)
        return _unfit(element, step, format, item)

    return part


def primitives(element: Element, step: str, format: Format, fits: Fits, max_problems: int) -> Part:
    """Return the check of a list such as `given`, where null stands for a value that `_given` says more of.

    It stops looking when there are more problems than `max_problems`.
    """

    def part(items: Json, siblings: Mapping[str, Json]) -> Problems:
        if not isinstance(items, list) or not items:
            return problems.not_a_list(step, element.name, items)
        if all(map(fits, items)):
            return _FINE
        found: list[Problem] = []
        for index, item in enumerate(items):
            if not fits(item) and not (item is None and _has_extension(siblings.get(f"_{element.name}"), index)):
                found += _unfit(element, f"{step}[{index}]", format, item)
                if len(found) > max_problems:
                    break
        return found

    return part


def _has_extension(extensions: Json, index: int) -> bool:
    return isinstance(extensions, list) and index < len(extensions) and extensions[index] is not None


def _unfit(element: Element, path: str, format: Format, value: Json) -> Problems:
    """Say why a value is not of its primitive type, or is no code of its binding."""
    is_kind = isinstance(value, format.kinds) and isinstance(value, bool) == (bool in format.kinds)
    if not is_kind:
        return problems.wrong_kind(path, element.name, format.kind, value)
    if value == "":
        return problems.empty(path, element.name)
    if element.codes and format.fits(value):
        return problems.bad_code(path, element.name, value, element.codes)
    if format.faults is not None:
        rules = [f"{format.rule}: {fault}" for fault in format.faults(value)]
        return [problem for rule in rules for problem in problems.bad_format(path, element.name, rule)]
    return problems.bad_format(path, element.name, format.rule)


def single_or_list(single: Part, several: Part) -> Part:
    """Return the check of what may be a list where FHIR has one value."""
    return lambda item, siblings: (several if isinstance(item, list) else single)(item, siblings)
