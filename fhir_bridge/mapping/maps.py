"""A compiled map: one resource and one partner record, in both directions, and what of the resource is lost."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from fhir_bridge.fhir.elements import Version
from fhir_bridge.fhir.versions import with_whole_version
from fhir_bridge.mapping.like import Spell
from fhir_bridge.mapping.losses import Loss, Silent, losses
from fhir_bridge.mapping.model import OutcomeLine
from fhir_bridge.mapping.partner_fields import Unreadable
from fhir_bridge.mapping.places import Place
from fhir_bridge.mapping.rows import ListRow, Row, ValueRow
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

    `silent` are elements that carry nothing for the partner. `spell` writes an id as the partner usually does.
    """

    name: str
    resource_type: str
    version: Version
    rows: tuple[Row, ...]
    outcome: OutcomeParameter | None
    silent: tuple[Silent, ...]
    spell: Spell = str

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
        if "id" in resource:
            resource["id"] = self.spell(resource["id"])
        return with_whole_version(resource), receiving

    def pairs(self, resource: Json) -> list[Pair]:
        """Return what each row means for this resource: the same rows once more, this time with a trace."""
        return [pair for row in self.rows for pair in row.pairs(resource, self.resource_type, ())]

    def losses(self, resource: Json, in_headers: Iterable[Place] = (), kept: Collection[str] = ()) -> list[Loss]:
        """Return each element of a sound resource that the partner gets nothing of; a whole subtree is one.

        What `in_headers` names goes into the call all the same, and what is `kept` the partner has already. The id is
        no loss: the address says it, and where that has none, a new record gets another.
        """
        used = {path for row in self.rows for path in row.used(resource, self.resource_type)}.union(kept)
        for place in in_headers:
            if place.get(resource) is not None:
                used.update(place.paths(resource, self.resource_type))
        for row in self._elements():
            used.update(row.absences(resource, self.resource_type))
        silent = {path for each in self.silent for path in each.paths(resource)} | {f"{self.resource_type}.id"}
        return losses(self.version, resource, used, silent)

    def kept(self, resource: Json, known: Json, added: Iterable[Row] = ()) -> set[str]:
        """Return the FHIRPaths of what is only read, by this map or by `added` rows, and is the same in a known one."""
        rows = [row for row in self._elements() if not row.sends]
        rows += (row for row in added if isinstance(row, ValueRow | ListRow))
        return {path for row in rows for path in row.kept(resource, known, self.resource_type)}

    def _elements(self) -> Iterator[ValueRow | ListRow]:
        return (row for row in self.rows if isinstance(row, ValueRow | ListRow))
