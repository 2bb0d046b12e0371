"""How often an element or a slice may occur, and the words for too few and too many.

https://hl7.org/fhir/R4/elementdefinition-definitions.html: min, max
"""

from __future__ import annotations

from typing import NamedTuple

from fhir_bridge.outcome import Issue, Json


class Cardinality(NamedTuple):
    """`maximum` is None for `*`."""

    minimum: int
    maximum: int | None


def cardinality(definition: Json) -> Cardinality:
    """Return what an ElementDefinition says; what it does not say is free, or the business of FHIR itself."""
    maximum = definition.get("max", "*")
    return Cardinality(definition.get("min", 0), None if maximum == "*" else int(maximum))


def too_few(what: str, minimum: int, path: str) -> Issue:
    """Say that `what` (such as `value`, with its backticks) is missing at the path where it would stand."""
    text = (
        f"{what} is missing; add it." if minimum == 1 else f"{what} must occur at least {minimum} times; add the rest."
    )
    return Issue("too-few", "required", text, path)


def without_value(what: str, path: str) -> Issue:
    """Say of a code that must come from a value set that it has extensions, and no value."""
    return Issue(
        "too-few", "required", f"{what} has no value, and extensions are not enough here; add the value.", path
    )


def too_many(what: str, maximum: int, path: str) -> Issue:
    """Say of one occurrence that it is beyond the maximum; of none at all, that the element is not allowed."""
    if maximum == 0:
        return Issue("element-not-allowed", "invalid", f"{what} is not allowed here; remove it.", path)
    often = "once" if maximum == 1 else f"{maximum} times"
    return Issue("too-many", "invalid", f"{what} may occur only {often}; remove this one.", path)
