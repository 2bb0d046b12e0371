"""Slices: which member of a list a name such as `name[official]` means, told by the values of its elements."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from fhir_bridge.outcome import Json


class Slice(NamedTuple):
    """Members of one list. `start` makes a new member; `fits` tells one; `told_by` are the elements that tell it."""

    start: Callable[[], dict[str, Json]]
    fits: Callable[[Json], bool]
    otherwise_without: str | None
    told_by: Callable[[Json], list[str]]

    def first(self, members: Json) -> int | None:
        """Return the index of the member that is meant: the first that fits, else the first without an element."""
        for index, member in enumerate(members or ()):
            if self.fits(member):
                return index
        if self.otherwise_without is not None:
            for index, member in enumerate(members or ()):
                if self.otherwise_without not in member:
                    return index
        return None


class Fixed(NamedTuple):
    """One part of a slice: whether a member has it, how a new member gets it, and the elements that say it."""

    fits: Callable[[Json], bool]
    start: Callable[[dict[str, Json]], None]
    told_by: Callable[[Json], tuple[str, ...]]


def compile_slice(parts: list[Fixed], otherwise_without: str | None) -> Slice:
    def start() -> dict[str, Json]:
        member: dict[str, Json] = {}
        for part in parts:
            part.start(member)
        return member

    def fits(member: Json) -> bool:
        return all(part.fits(member) for part in parts)

    def told_by(member: Json) -> list[str]:
        return [element for part in parts for element in part.told_by(member)]

    return Slice(start, fits if len(parts) > 1 else parts[0].fits, otherwise_without, told_by)


def fixed_value(names: list[str], path: str, value: str | bool) -> Fixed:
    """Return the element at the JSON keys `names`, `path` in FHIRPath, where `valueQuantity` is `value`."""
    *around, last = names

    def fits(member: Json) -> bool:
        for name in around:
            member = member.get(name, {})
        return bool(member.get(last) == value)

    def start(member: dict[str, Json]) -> None:
        for name in around:
            member = member.setdefault(name, {})
        member[last] = value

    return Fixed(fits, start, lambda member: (path,) if fits(member) else ())


def fixed_coding(system: str) -> Fixed:
    """Return the system of one of a CodeableConcept's codings."""

    def place(member: Json) -> int | None:
        systems = [coding.get("system") for coding in member.get("coding", ())]
        return systems.index(system) if system in systems else None

    def told_by(member: Json) -> tuple[str, ...]:
        index = place(member)
        return () if index is None else (f"coding[{index}].system",)

    def start(member: dict[str, Json]) -> None:
        member["coding"] = [{"system": system}]

    return Fixed(lambda member: place(member) is not None, start, told_by)


def fixed_part(url: str, within: Fixed) -> Fixed:
    """Return what one of an extension's parts is: the one of this `url` has `within`."""

    def place(member: Json) -> int | None:
        for index, part in enumerate(member.get("extension", ())):
            if part.get("url") == url and within.fits(part):
                return index
        return None

    def start(member: dict[str, Json]) -> None:
        part: dict[str, Json] = {"url": url}
        within.start(part)
        member.setdefault("extension", []).append(part)

    def told_by(member: Json) -> tuple[str, ...]:
        index = place(member)
        if index is None:
            return ()
        elements = ("url", *within.told_by(member["extension"][index]))
        return tuple(f"extension[{index}].{element}" for element in elements)

    return Fixed(lambda member: place(member) is not None, start, told_by)


def fixed_concept(name: str, system: str, code: str, repeats: bool) -> Fixed:
    """Return the CodeableConcept, or list of them, one of whose codings is this."""

    def place(member: Json) -> str | None:
        concepts = member.get(name) or []
        for number, concept in enumerate(concepts if repeats else [concepts]):
            for index, coding in enumerate(concept.get("coding", ()) if concept else ()):
                if coding.get("system") == system and coding.get("code") == code:
                    return f"{name}[{number}].coding[{index}]" if repeats else f"{name}.coding[{index}]"
        return None

    def start(member: dict[str, Json]) -> None:
        concept = {"coding": [{"system": system, "code": code}]}
        member[name] = [concept] if repeats else concept

    def told_by(member: Json) -> tuple[str, ...]:
        path = place(member)
        return (f"{path}.system", f"{path}.code") if path else ()

    return Fixed(lambda member: place(member) is not None, start, told_by)
