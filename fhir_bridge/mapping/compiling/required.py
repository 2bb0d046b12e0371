"""What FHIR requires of the resources that rows make: without it, no answer of the partner would be FHIR."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from fhir_bridge.fhir.elements import Element, Version, elements
from fhir_bridge.mapping.maps import Map
from fhir_bridge.mapping.model import InteractionSpec, MapSpec
from fhir_bridge.mapping.rows import ListRow, PathRow, Row
from fhir_bridge.mapping.source import Mark, Problems


@dataclass(slots=True)
class _Made:
    """An object that rows make: its type, the first row that makes it, and the elements that it gets, in FHIRPath."""

    type_name: str
    mark: Mark
    elements: set[str] = field(default_factory=set)


def check_required(
    interactions: Iterable[InteractionSpec], specs: Mapping[str, MapSpec], maps: Mapping[str, Map], problems: Problems
) -> None:
    """Report each element that FHIR requires of what a map reads, and that nothing in the map makes."""
    for name, is_whole in dict(_read_by(interactions)).items():
        if name in maps and _is_compiled(specs[name], maps[name]):
            for path, made in _made(specs[name].resource.mark, maps[name]).items():
                if path or is_whole:
                    _check(path, made, maps[name].version, problems)


def _read_by(interactions: Iterable[InteractionSpec]) -> Iterator[tuple[str, bool]]:
    """Yield the names of maps that read, with whether they read a whole record; those that do come last."""
    specs = list(interactions)
    adds = [(add.spec, False) for spec in specs for add in spec.adds]
    for spec, is_whole in [*adds, *((spec, True) for spec in specs)]:
        if spec.receive is not None and spec.receive.map and not spec.receive.as_it_is:
            yield str(spec.receive.map), is_whole


def _is_compiled(spec: MapSpec, map_: Map) -> bool:
    """Whether all rows were compiled; of one that has a problem, it is not known what it makes."""
    said = sum(1 + len(row.each) for row in spec.rows if not row.outcome)
    return said == sum(1 + (len(row.rows) if isinstance(row, ListRow) else 0) for row in map_.rows) > 0


def _made(mark: Mark, map_: Map) -> dict[str, _Made]:
    """Return the objects that a map makes by the mapping file's paths; the resource itself has none."""
    found = {"": _Made(map_.resource_type, mark)}
    for row in map_.rows:
        _add(found, map_.version, "", row)
    if map_.outcome is not None:
        found[""].elements.add("parameter")
    return found


def _add(found: dict[str, _Made], version: Version, path: str, row: Row) -> None:
    """Add what a row makes below the object at `path`."""
    if isinstance(row, PathRow):
        return
    texts = row.place.name.split(".")
    for position, (text, step) in enumerate(zip(texts, row.place.steps, strict=True)):
        around, path = found[path], f"{path}.{text}" if path else text
        around.elements.add(step.path)
        element = elements(version, around.type_name)[step.name]
        if position < len(texts) - 1 or isinstance(row, ListRow):
            made = found.setdefault(path, _Made(element.type, row.mark))
            made.elements.update(step.slice.start() if step.slice else ())
    for inner in row.rows if isinstance(row, ListRow) else ():
        _add(found, version, path, inner)


def _check(path: str, made: _Made, version: Version, problems: Problems) -> None:
    for element in elements(version, made.type_name).values():
        if (element.required or element.choice_required) and not made.elements & {element.path, element.name}:
            made.elements.add(element.path)
            what, row = path or made.type_name, f"{path}.{_spelled(element)}".removeprefix(".")
            text = f"'{what}' is no FHIR without '{_spelled(element)}', and nothing here makes it; add a row '{row}'"
            problems.add(made.mark, f"{text}, or a slice that says it" if path else text)


def _spelled(element: Element) -> str:
    return f"{element.choice}[x]" if element.choice else element.name
