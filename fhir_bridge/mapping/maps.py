"""A compiled map: one resource and one partner record, in both directions, and what of the resource is left behind."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from fhir_bridge.fhir.elements import Version, elements, is_primitive
from fhir_bridge.fhir.versions import with_whole_version
from fhir_bridge.mapping.model import ANYTHING, OutcomeLine
from fhir_bridge.mapping.partner_fields import Unreadable
from fhir_bridge.mapping.places import DATA_ABSENT_REASON, Place
from fhir_bridge.mapping.rows import Row, ValueRow
from fhir_bridge.mapping.sending import Pair, Receiving, Sending
from fhir_bridge.outcome import Issue, IssueCode, Json, Severity, operation_outcome


@dataclass(frozen=True, slots=True)
class OutcomeParameter:
    """A parameter that tells in an OperationOutcome what the other parameters mean: the first line that fits."""

    name: str
    lines: tuple[OutcomeLine, ...]

    def add(self, parameters: Json) -> None:
        """Add the parameter, where a line fits."""
        values = {part["name"]: _value(part) for part in parameters.get("parameter", ())}
        for line in self.lines:
            if all(values.get(name) == value for name, value in line.when.items()):
                outcome = operation_outcome([_issue_of(line)])
                parameters.setdefault("parameter", []).append({"name": self.name, "resource": outcome})
                return


def _value(part: Json) -> str | None:
    """The value of a parameter as a mapping file writes it: `true` for true."""
    found = next((value for key, value in part.items() if key.startswith("value")), None)
    return str(found).lower() if isinstance(found, bool) else None if found is None else str(found)


def _issue_of(line: OutcomeLine) -> Issue:
    code: IssueCode = line.code  # type: ignore[assignment]  # reading/maps.py lets only issue types through
    severity: Severity = "warning" if line.severity == "warning" else "information"
    return Issue("done", code, line.text, severity=severity)


@dataclass(frozen=True, slots=True)
class Map:
    """One map of a mapping file, compiled.

    `silent` are elements that carry nothing for the partner, `silent_places` those of them within other elements.
    """

    name: str
    resource_type: str
    version: Version
    rows: tuple[Row, ...]
    outcome: OutcomeParameter | None
    silent: Mapping[str, str]
    silent_places: tuple[Place, ...] = ()

    def to_partner(self, resource: Json) -> Sending:
        """Return the partner's record; what cannot be sent stands in its `issues`."""
        sending = Sending()
        for row in self.rows:
            row.send(resource, sending, sending.body, self.resource_type)
        return sending

    def to_fhir(self, record: Json, *, may_be_empty: bool = False) -> tuple[Json, Receiving]:
        """Return the resource that a partner's record says; raises Unreadable, also where it says nothing."""
        if not isinstance(record, dict):
            raise Unreadable((), "an object is expected here")
        resource: dict[str, Any] = {"resourceType": self.resource_type}
        receiving = Receiving()
        read = [row.receive(record, resource, receiving, ()) for row in self.rows]
        if not any(read) and not may_be_empty:
            raise Unreadable((), "nothing in it is known")
        for row in self.rows:
            row.finish(resource)
        if self.outcome is not None:
            self.outcome.add(resource)
        return with_whole_version(resource), receiving

    def pairs(self, resource: Json) -> list[Pair]:
        """Return what each row means for this resource: the same rows once more, this time with a trace."""
        return [pair for row in self.rows for pair in row.pairs(resource, self.resource_type, ())]

    def left_behind(self, resource: Json, used: Iterable[Place] = ()) -> list[str]:
        """Return the FHIRPath of each element of a sound resource that the partner gets nothing of.

        A whole subtree is one element. `used` are places that no row sends, and that go into the call all the same.
        """
        sent = [pair for pair in self.pairs(resource) if pair.sends and pair.value is not None]
        paths = {path for pair in sent for path in (pair.element, *pair.told_by)}
        for place in (*self.silent_places, *used):
            if place.get(resource) is not None:
                paths |= {place.where(resource, self.resource_type), *place.told_by(resource, self.resource_type)}
        walk = _Walk(self.version, paths, _around(paths))
        found: list[str] = []
        for key, value in resource.items():
            if key != "resourceType" and not self._is_silent(key, value):
                found += walk.element(self.resource_type, key, value, self.resource_type)
        return found

    def unchanged(self, resource: Json, known: Json) -> list[Place]:
        """Return the places of what is only read, and is the same in a resource that is known."""
        read = [row for row in self.rows if isinstance(row, ValueRow) and not row.sends]
        return [row.place for row in read if row.place.get(resource) == row.place.get(known)]

    def _is_silent(self, key: str, value: Json) -> bool:
        said = self.silent.get(key)
        if isinstance(value, bool):
            return said in (ANYTHING, str(value).lower())
        return said == ANYTHING or (said is not None and said == value)


def _around(paths: Iterable[str]) -> set[str]:
    """The paths of all that holds one of these: of `Patient.name[0].family`, `Patient.name[0]` and the shorter ones."""
    return {path[: step.start()] for path in paths for step in _STEP.finditer(path)}


_STEP = re.compile(r"[.\[]")


@dataclass(frozen=True, slots=True)
class _Walk:
    """Walks a resource by FHIR's types and finds the topmost elements below which nothing was used.

    `around` are the paths of what was `used`, each cut short at every step.
    """

    version: Version
    used: set[str]
    around: set[str]

    def element(self, type_name: str, key: str, value: Json, prefix: str) -> list[str]:
        """Return the unused elements at one JSON key of an object of `type_name`."""
        element = elements(self.version, type_name)[key.removeprefix("_")]
        path = f"{prefix}.{element.path}"
        inner = "Element" if key.startswith("_") else element.type
        if not isinstance(value, list):
            return self.value(inner, value, path)
        return [found for n, item in enumerate(value) for found in self.value(inner, item, f"{path}[{n}]")]

    def value(self, type_name: str, value: Json, path: str) -> list[str]:
        """Return the unused elements of one value, or the value itself where none of it is used."""
        if value is None:
            return []
        if type_name == "Element":
            return self._extensions(value, path)
        if path in self.used:
            return []
        if is_primitive(type_name) or path not in self.around:
            return [path]
        inner = value.get("resourceType", type_name)
        keys = (key for key in value if key != "resourceType")
        return [found for key in keys for found in self.element(inner, key, value[key], path)]

    def _extensions(self, value: Json, path: str) -> list[str]:
        """A primitive's id and extensions; that a value is absent carries nothing."""
        return list(self._each_extension(value, path))

    def _each_extension(self, value: Json, path: str) -> Iterator[str]:
        if "id" in value:
            yield f"{path}.id"
        for n, extension in enumerate(value.get("extension", ())):
            if extension.get("url") != DATA_ABSENT_REASON:
                yield f"{path}.extension[{n}]"
