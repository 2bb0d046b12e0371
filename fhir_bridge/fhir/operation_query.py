"""Parameters of an operation in an address: an operation that changes nothing may be asked for by GET.

https://hl7.org/fhir/R4/operations.html#executing
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from decimal import Decimal, InvalidOperation

from fhir_bridge.fhir.search import unknown_parameters
from fhir_bridge.outcome import FhirError, Json

_OF_THE_ANSWER = frozenset({"_format", "_pretty", "_summary", "_elements"})
_OF_PARAMETER = re.compile(r"Parameters\.parameter\[(\d+)\].*")
_NUMBERS = frozenset({"integer", "unsignedInt", "positiveInt", "decimal"})


def as_parameters(query: Iterable[tuple[str, str]], types: Mapping[str, str]) -> Json:
    """Return the Parameters that a query says; `types` are those of the operation's parameters, by name.

    A value that is not of its type stays text, which the structure does not allow. Raises FhirError 400 for a
    parameter that the operation has not.
    """
    given = [(name, text) for name, text in query if text and name not in _OF_THE_ANSWER]
    unknown = [name for name, _ in given if name not in types]
    if unknown:
        raise FhirError(400, *unknown_parameters(unknown))
    parts = [{"name": name, _key(types[name]): _value(types[name], text)} for name, text in given]
    return {"resourceType": "Parameters", **({"parameter": parts} if parts else {})}


def _key(type_name: str) -> str:
    return f"value{type_name[0].upper()}{type_name[1:]}"


def _value(type_name: str, text: str) -> Json:
    if type_name == "boolean":
        return {"true": True, "false": False}.get(text, text)
    if type_name not in _NUMBERS:
        return text
    try:
        number = Decimal(text)
    except InvalidOperation:
        return text
    return int(number) if re.fullmatch(r"-?[0-9]{1,18}", text) else number


def as_query(parameters: Json) -> list[tuple[str, str]]:
    """Return the query that Parameters of plain values say; a repeated one is one list, with commas between."""
    found: dict[str, list[str]] = {}
    for part in parameters.get("parameter", ()):
        value = next((value for key, value in part.items() if key.startswith("value")), None)
        found.setdefault(part["name"], []).append(str(value).lower() if isinstance(value, bool) else str(value))
    return [(name, ",".join(values)) for name, values in found.items()]


def told_of_query(error: FhirError, parameters: Json) -> FhirError:
    """Return an error of Parameters that were made of a query, with each issue at the query's parameter."""
    names = [part["name"] for part in parameters.get("parameter", ())]

    def place(expression: str | None) -> str | None:
        match = _OF_PARAMETER.fullmatch(expression or "")
        return expression if match is None else f"http.{names[int(match[1])]}"

    issues = [replace(issue, expression=place(issue.expression)) for issue in error.issues]
    return FhirError(error.status_code, *issues, headers=error.headers)
