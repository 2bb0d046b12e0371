"""OperationOutcomes as the tests write them down: `outcome(issue(...), ...)` is the whole body of an answer."""

from __future__ import annotations

from fhir_bridge.outcome import ErrorCode, IssueCode, Json, Severity

BRIDGE_ERROR = "https://fhir-bridge.example/fhir/CodeSystem/bridge-error"


def outcome(*issues: Json) -> Json:
    """Return the OperationOutcome of these issues, and of no others."""
    return {"resourceType": "OperationOutcome", "issue": list(issues)}


def issue(
    error: ErrorCode,
    code: IssueCode,
    text: str,
    expression: str | None = None,
    *,
    severity: Severity = "error",
    partner: tuple[str, str] | None = None,
    diagnostics: str | None = None,
) -> Json:
    """Return one issue: our error code, FHIR's, the text for a person, and where; `partner` is (name, its code)."""
    coding = [{"system": BRIDGE_ERROR, "code": error}]
    if partner is not None:
        name, word = partner
        coding.append({"system": f"https://fhir-bridge.example/fhir/CodeSystem/{name}-error", "code": word})
    said = {} if diagnostics is None else {"diagnostics": diagnostics}
    place = {} if expression is None else {"expression": [expression]}
    return {"severity": severity, "code": code, "details": {"coding": coding, "text": text}, **said, **place}


def parameters(*parameter: Json) -> Json:
    """Return a Parameters resource."""
    return {"resourceType": "Parameters", "parameter": list(parameter)}
