"""What of a sound resource is lost on the way to a partner: each topmost element that the partner gets nothing of."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from fhir_bridge.fhir.elements import Version, elements, is_primitive
from fhir_bridge.mapping.places import Place
from fhir_bridge.outcome import Json


class Loss(NamedTuple):
    """One element, by its FHIRPath. `modifies`: what is sent means something else without it.

    `is_kept`: the partner keeps the element itself, and a read shows it.
    """

    path: str
    modifies: bool = False
    is_kept: bool = False


Harmless = frozenset[str] | None
"""The values with which an element carries nothing for a partner; None for all."""


class Silent(NamedTuple):
    """Elements that carry nothing for a partner where they hold one of the harmless values."""

    place: Place
    values: Harmless

    def paths(self, resource: Json) -> list[str]:
        """Return the FHIRPaths of these elements in a resource."""
        found = self.place.everywhere(resource, resource["resourceType"])
        return [path for path, value in found if is_harmless(value, self.values)]


def is_harmless(value: Json, values: Harmless) -> bool:
    """Whether a value is one that a mapping file writes: `true` for true, system#code for a CodeableConcept."""
    if values is None:
        return True
    if isinstance(value, bool):
        return str(value).lower() in values
    if isinstance(value, dict):
        codings = value.get("coding", ())
        return any(f"{coding.get('system')}#{coding.get('code')}" in values for coding in codings)
    return value in values


def losses(version: Version, resource: Json, used: set[str], silent: set[str]) -> list[Loss]:
    """Return what is lost of a sound resource; a subtree that is lost whole is one loss.

    `used` are the FHIRPaths of what goes to the partner, or tells what goes; `silent` those of what carries nothing.
    """
    type_name = resource["resourceType"]
    walk = _Walk(version, used, silent, around(used) | {type_name}, around(silent))
    return walk.members(type_name, resource, type_name)


def around(paths: Iterable[str]) -> set[str]:
    """Return the paths of all that holds one of these: `Patient.name[0]`, and shorter, for `Patient.name[0].family`."""
    return {path[: step.start()] for path in paths for step in _STEP.finditer(path)}


_STEP = re.compile(r"[.\[]")

_NEVER_MODIFY = frozenset({"id", "extension"})
"""https://hl7.org/fhir/R4/extensibility.html: what changes a meaning is no extension, but a modifierExtension."""


@dataclass(frozen=True, slots=True)
class _Walk:
    """Walks a resource by FHIR's types.

    A modifier tells something of what holds it, so it counts where that is sent at least in part. An element of which
    nothing is sent is lost whole, unless all that it holds is silent.
    """

    version: Version
    used: set[str]
    silent: set[str]
    around_used: set[str]
    around_silent: set[str]

    def members(self, type_name: str, value: Json, path: str, *, within: bool = False) -> list[Loss]:
        """Return what is lost of an object's members; `within`: the object is a modifier, or part of one."""
        keys = (key for key in value if key != "resourceType")
        return [loss for key in keys for loss in self._element(type_name, key, value[key], path, within)]

    def _element(self, type_name: str, key: str, value: Json, holder: str, within: bool) -> list[Loss]:
        element = elements(self.version, type_name)[key.removeprefix("_")]
        path = f"{holder}.{element.path}"
        if key.startswith("_"):
            return [loss for at, item in _items(value, path) for loss in self._beside(item, at)]
        counts = element.is_modifier or (within and element.name not in _NEVER_MODIFY)
        modifies = counts and holder in self.around_used
        return [loss for at, item in _items(value, path) for loss in self._value(element.type, item, at, modifies)]

    def _value(self, type_name: str, value: Json, path: str, modifies: bool) -> list[Loss]:
        """Return what is lost of one value, or the value itself where nothing of it is used."""
        is_sent_in_part = path in self.around_used
        if path in self.used or (path in self.silent and not is_sent_in_part):
            return []
        if is_primitive(type_name) or not (is_sent_in_part or path in self.around_silent):
            return [Loss(path, modifies)]
        found = self.members(value.get("resourceType", type_name), value, path, within=modifies)
        if path in self.silent:
            return [loss for loss in found if loss.modifies]
        return found if is_sent_in_part or not found else [Loss(path, modifies)]

    def _beside(self, value: Json, path: str) -> list[Loss]:
        """Return the id and the extensions that stand beside a primitive value, but for the bridge's own."""
        places = [f"{path}.id"] if "id" in value else []
        places += [f"{path}.extension[{n}]" for n, _ in enumerate(value.get("extension", ()))]
        return [Loss(place) for place in places if place not in self.used]


def _items(value: Json, path: str) -> list[tuple[str, Json]]:
    """Return each value of an element with its FHIRPath: those of a list, or the one that there is."""
    if not isinstance(value, list):
        return [(path, value)]
    return [(f"{path}[{n}]", item) for n, item in enumerate(value) if item is not None]
