"""Reads the operations of a FHIRPath Patch out of its Parameters, and finds all that is wrong with them at once.

https://hl7.org/fhir/R4/fhirpatch.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from fhir_bridge.fhir.elements import Version, elements
from fhir_bridge.fhir.fhirpath_location import Visit, free
from fhir_bridge.fhir.fhirpath_steps import PathError, Step, steps
from fhir_bridge.fhir.patch_rules import does_not_apply, malformed, too_many
from fhir_bridge.fhir.problems import shown
from fhir_bridge.outcome import FhirError, Issue, Json

PARTS: Mapping[str, tuple[str, ...]] = {
    "add": ("path", "name", "value"),
    "insert": ("path", "value", "index"),
    "delete": ("path",),
    "replace": ("path", "value"),
    "move": ("path", "source", "destination"),
}
_TEXTS = frozenset({"type", "path", "name"})
_NUMBERS = frozenset({"index", "source", "destination"})


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation, each of whose parts is there and can be read.

    `type` is a key of `PARTS`. `parts` has a text for `name`, a number for `index`, `source` and `destination`, and
    for `value` the part itself, whose value[x], parts or resource it is. `expressions` are the parts' places. `visit`
    is told how many elements the operation goes over.
    """

    type: str
    path: tuple[Step, ...]
    parts: Mapping[str, Json]
    expressions: Mapping[str, str]
    visit: Visit = free

    def fails(self, part: str, text: str) -> FhirError:
        return does_not_apply(self.expressions[part], text)


def read_operations(version: Version, parameters: Json) -> tuple[list[Operation], list[Issue]]:
    """Return the operations, and what is wrong with them; with any issue the operations are not all."""
    given = parameters.get("parameter", []) if isinstance(parameters, dict) else None
    if not isinstance(given, list) or parameters.get("resourceType") != "Parameters":
        text = "A FHIRPath Patch is a Parameters resource whose parameters are named operation."
        return [], [malformed("Parameters", text, "structure")]
    if issues := too_many(given, "Parameters.parameter"):
        return [], issues
    read = [_Parameter(version, each, f"Parameters.parameter[{at}]") for at, each in enumerate(given)]
    issues = [issue for each in read for issue in each.problems()]
    return ([] if issues else [each.operation() for each in read]), issues


@dataclass(frozen=True, slots=True)
class _Parameter:
    """One parameter as it was sent."""

    version: Version
    given: Json
    expression: str

    def problems(self) -> list[Issue]:
        if not isinstance(self.given, dict) or self.given.get("name") != "operation":
            return [malformed(f"{self.expression}.name", "Each parameter of a FHIRPath Patch is named operation.")]
        found = list(_problems_of_parts(self.version, self.given.get("part"), self.expression))
        return found or list(self._problems_of_operation())

    def operation(self) -> Operation:
        parts = self._parts()
        return Operation(
            parts["type"], steps(parts["path"]), parts, {name: self._expression(name) for name in ("path", *parts)}
        )

    def _parts(self) -> dict[str, Json]:
        """Return each part's value by its name, and the part itself for `value`."""
        return {part["name"]: part if part["name"] == "value" else _value(part) for part in self.given["part"]}

    def _expression(self, name: str) -> str:
        at = next(at for at, part in enumerate(self.given["part"]) if part["name"] == name)
        return f"{self.expression}.part[{at}]"

    def _problems_of_operation(self) -> Iterator[Issue]:
        parts = self._parts()
        if "type" not in parts:
            yield malformed(self.expression, "An operation needs a part named type.", "required")
        elif parts["type"] not in PARTS:
            yield malformed(self._expression("type"), f"type is one of {', '.join(PARTS)}.")
        else:
            yield from self._missing_and_needless(parts)
        yield from self._wrong_values(parts)

    def _missing_and_needless(self, parts: Mapping[str, Json]) -> Iterator[Issue]:
        operation, needed = parts["type"], ("type", *PARTS[parts["type"]])
        for name in needed:
            if name not in parts:
                yield malformed(self.expression, f"{operation} needs a part named {name}.", "required")
        met = set[str]()
        for at, part in enumerate(self.given["part"]):
            expression, name = f"{self.expression}.part[{at}]", part["name"]
            if name not in needed:
                text = f"{operation} has no part named {shown(name)}; it has {', '.join(needed)}."
                yield malformed(expression, text)
            elif name in met:
                yield malformed(expression, f"{name} is given twice.")
            met.add(name)

    def _wrong_values(self, parts: Mapping[str, Json]) -> Iterator[Issue]:
        for name, value in parts.items():
            if name in _TEXTS and not isinstance(value, str):
                yield malformed(self._expression(name), f"{name} is a text.")
            elif name in _NUMBERS and (not isinstance(value, int) or isinstance(value, bool) or value < 0):
                yield malformed(self._expression(name), f"{name} is a whole number, and 0 is the first.")
            elif name == "path":
                yield from _unreadable(value, self._expression(name))


def _unreadable(path: str, expression: str) -> Iterator[Issue]:
    try:
        steps(path)
    except PathError as error:
        yield malformed(expression, str(error))


def _problems_of_parts(version: Version, parts: Json, expression: str) -> Iterator[Issue]:
    if not isinstance(parts, list) or not parts:
        yield malformed(f"{expression}.part", "An operation, and a value without value[x], has parts.", "required")
        return
    for at, part in enumerate(parts):
        yield from _problems_of_part(version, part, f"{expression}.part[{at}]")


def _problems_of_part(version: Version, part: Json, expression: str) -> Iterator[Issue]:
    if not isinstance(part, dict) or not isinstance(part.get("name"), str):
        yield malformed(expression, "A part is an object with a name.", "structure")
        return
    known = elements(version, "ParametersParameter")
    said = {name.removeprefix("_") for name in part} - {"name", "id", "extension"}
    if len(said) != 1 or not said <= known.keys():
        yield malformed(expression, "A part has a name, and one of value[x], part and resource.", "structure")
    elif "part" in said:
        yield from _problems_of_parts(version, part["part"], expression)


def value_name(part: Mapping[str, Json]) -> str | None:
    """Return which value[x] a part has, `valueDate`; None for one with parts or a resource."""
    return next((name.removeprefix("_") for name in part if name.startswith(("value", "_value"))), None)


def _value(part: Mapping[str, Json]) -> Json:
    return part.get(str(value_name(part)))
