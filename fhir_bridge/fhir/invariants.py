"""A profile's rules in FHIRPath, compiled once with fhirpathpy.

Its traps: it parses what is no FHIRPath without a word; it knows a value's type only from the node it is wrapped
in; it writes into what it is given, so it gets a copy; `$this` is lost after a `where(…)` in the same rule, so put
`$this` first. A rule does not see the extensions of a primitive (`_birthDate`).
https://hl7.org/fhir/R4/elementdefinition-definitions.html#ElementDefinition.constraint
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import fhirpathpy
from antlr4 import CommonTokenStream, InputStream  # type: ignore[import-untyped]
from antlr4.error.ErrorListener import ErrorListener  # type: ignore[import-untyped]
from fhirpathpy.engine.nodes import ResourceNode
from fhirpathpy.models import models
from fhirpathpy.parser.generated.FHIRPathLexer import FHIRPathLexer
from fhirpathpy.parser.generated.FHIRPathParser import FHIRPathParser

from fhir_bridge.fhir.check import Check, Visit, plain
from fhir_bridge.fhir.elements import Version
from fhir_bridge.outcome import Issue, Json, Severity

_MODELS: Mapping[Version, str] = {"3.0": "stu3", "4.0": "r4"}
_SEVERITIES: Mapping[str, Severity] = {"error": "error", "warning": "warning"}

# A value to try a new rule on: a function that fhirpathpy does not have shows only when it is called.
_TEXTS = "base64Binary canonical code date dateTime id instant markdown oid string time uri url uuid"
_SAMPLES: Mapping[str, Json] = {
    **dict.fromkeys(_TEXTS.split(), "2000-01-01"),
    **dict.fromkeys(("decimal", "integer", "positiveInt", "unsignedInt"), 1),
    "boolean": True,
}

_node: Callable[[Json, str], Json] = ResourceNode.create_node
"""Wraps a value together with its type."""

Rule = Callable[[Json, Json], bool]
"""Whether a value keeps a rule; the second argument is %resource."""


def invariant_check(constraint: Json, fhir_type: str, version: Version) -> Check:
    """Return the check of one ElementDefinition.constraint on values of a type (`dateTime`, `Patient.contact`).

    Raises ValueError for one that cannot be checked. A value for which the rule cannot be evaluated breaks it.
    """
    key = constraint.get("key", "?")
    for needed in ("expression", "human", "severity"):
        if not constraint.get(needed):
            raise ValueError(f"constraint {key} has no {needed}; add it")
    severity, human = _SEVERITIES.get(constraint["severity"]), constraint["human"]
    if severity is None:
        raise ValueError(f"constraint {key} has the severity {constraint['severity']}; write error or warning")
    try:
        rule = _compile(constraint["expression"], fhir_type, version)
        rule(_SAMPLES.get(fhir_type, {}), {})
    except Exception as error:
        raise ValueError(f"constraint {key} cannot be evaluated ({error}); correct its expression") from None

    def check(value: Json, path: str, visit: Visit) -> None:
        if visit.may_rule(value, path) and not _is_kept(rule, value, visit):
            visit.issues.append(Issue("rule-broken", "invariant", human, path, severity))

    return check


def _is_kept(rule: Rule, value: Json, visit: Visit) -> bool:
    try:
        return rule(plain(value), visit.plain_resource)
    except Exception:  # fhirpathpy raises bare ones, as where a list is compared; and a value may be nested too deeply
        return False


@cache
def _compile(expression: str, fhir_type: str, version: Version) -> Rule:
    _require_syntax(expression)
    # `where` gives `$this` its meaning from the start, and counts an empty result as false, as FHIR does.
    evaluate = fhirpathpy.compile(f"where({expression})", models[_MODELS[version]], {"returnRawData": True})
    return lambda value, resource: bool(evaluate(_node(value, fhir_type), {"resource": resource}))


class _Strict(ErrorListener):  # type: ignore[misc]
    def syntaxError(self, recognizer: Any, symbol: Any, line: int, column: int, text: str, error: Any) -> None:
        raise ValueError(f"no FHIRPath from character {column + 1} on")


def _require_syntax(expression: str) -> None:
    lexer = FHIRPathLexer(InputStream(expression))
    parser = FHIRPathParser(CommonTokenStream(lexer))
    for recognizer in (lexer, parser):
        recognizer.removeErrorListeners()
        recognizer.addErrorListener(_Strict())
    parser.entireExpression()  # type: ignore[no-untyped-call]
