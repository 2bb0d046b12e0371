"""How a request fails: `Issue`, `FhirError`, and the OperationOutcome that a client reads.

https://hl7.org/fhir/R4/operationoutcome.html
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any, Literal

from fhir_bridge.canonical import CANONICAL

Json = Any
"""A plain JSON value: dict, list, str, int, Decimal, bool or None."""

Severity = Literal["error", "warning", "information"]

# https://hl7.org/fhir/R4/valueset-issue-type.html: all 31 codes.
IssueCode = Literal[
    "invalid", "structure", "required", "value", "invariant",
    "security", "login", "unknown", "expired", "forbidden", "suppressed",
    "processing", "not-supported", "duplicate", "multiple-matches", "not-found", "deleted",
    "too-long", "code-invalid", "extension", "too-costly", "business-rule", "conflict",
    "transient", "lock-error", "no-store", "exception", "timeout", "incomplete", "throttled",
    "informational",
]  # fmt: skip

# CodeSystem/bridge-error: what went wrong, in our own words. profiles/CodeSystem-bridge-error.json defines each.
ErrorCode = Literal[
    # reading the request
    "invalid-json", "invalid-xml", "duplicate-key", "nested-too-deep", "not-utf-8", "body-too-large",
    "too-many-values", "invalid-http", "headers-too-large", "address-too-long", "client-too-slow",
    "content-type-not-supported", "not-acceptable", "wrong-resource-type", "invalid-id", "id-differs", "invalid-header",
    "unknown-path", "method-not-allowed", "partner-not-configured", "no-partner-found", "several-partners-found",
    "unknown-profile", "no-such-search", "version-differs", "record-in-use", "several-writes",
    "login-required",
    # FHIR structure
    "unknown-element", "wrong-type", "unknown-resource-type", "element-missing", "choice-repeated",
    "code-not-allowed", "invalid-format", "empty-value", "too-many-problems",
    # profile
    "too-few", "too-many", "element-not-allowed", "value-not-allowed", "not-in-value-set", "no-slice", "rule-broken",
    # mapping
    "cannot-be-sent", "code-unknown-to-partner", "left-behind", "changes-meaning", "read-only",
    "cannot-be-cleared", "nothing-to-send", "unknown-modifier",
    "invalid-patch",
    # partner
    "partner-refused", "partner-credentials-refused", "partner-error", "partner-unreachable",
    "partner-too-late", "partner-answer-unreadable", "partner-throttled", "fate-unknown",
    # neither
    "too-many-connections", "too-many-requests", "bridge-stopping",
    "record-not-shown", "nothing-changed", "not-sent", "step-failed", "internal-error", "done",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Coding:
    """One FHIR Coding: `system` a canonical URL, `code` the partner's or our own."""

    system: str
    code: str


@dataclass(frozen=True, slots=True)
class Issue:
    """One thing that is wrong, or worth saying.

    `error` is ours, `code` is FHIR's, `text` is for a person, `expression` is the FHIRPath of the element
    that the client sent, `partner` is the partner's own code, `diagnostics` the partner's own words.
    """

    error: ErrorCode
    code: IssueCode
    text: str
    expression: str | None = None
    severity: Severity = "error"
    partner: Coding | None = None
    diagnostics: str | None = None

    def as_warning(self) -> Issue:
        """Return the same, said of something that was done all the same."""
        return replace(self, severity="warning")

    def as_error(self) -> Issue:
        """Return the same, said as the reason of a refusal."""
        return replace(self, severity="error")


class FhirError(Exception):
    """The one way a request fails; the server answers it as an OperationOutcome."""

    def __init__(self, status_code: int, *issues: Issue, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(status_code, *issues)
        self.status_code = status_code
        self.issues = issues
        self.headers = dict(headers or {})


def limited(
    issues: Iterable[Issue], at_most: int, expression: str | None = None, severity: Severity = "error"
) -> list[Issue]:
    """Return the first of the issues, and, where there are more, a last one that says so. No more are asked for."""
    first = list(islice(issues, at_most + 1))
    if len(first) <= at_most:
        return first
    text = "There are more problems; correct these first."
    return [*first[:at_most], Issue("too-many-problems", "structure", text, expression, severity)]


def operation_outcome(issues: Iterable[Issue]) -> Json:
    """Return the OperationOutcome that lists `issues`, in order and each once."""
    return {"resourceType": "OperationOutcome", "issue": [_issue(issue) for issue in dict.fromkeys(issues)]}


def _issue(issue: Issue) -> Json:
    codings = [Coding(f"{CANONICAL}/CodeSystem/bridge-error", issue.error)]
    if issue.partner is not None:
        codings.append(issue.partner)
    element: dict[str, Json] = {
        "severity": issue.severity,
        "code": issue.code,
        "details": {
            "coding": [{"system": coding.system, "code": coding.code} for coding in codings],
            "text": issue.text,
        },
    }
    if issue.diagnostics:
        element["diagnostics"] = issue.diagnostics
    if issue.expression:
        element["expression"] = [issue.expression]
    return element


_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]+")
MAX_DIAGNOSTICS = 1000
"""How many characters of a partner's words a client is shown."""


def diagnostics(text: str) -> str | None:
    """Return a partner's own words as a client may read them: one line, no control characters, not too long.

    Nothing at all where they are HTML: that is a page for a browser, and may hold anything.
    """
    line = _UNPRINTABLE.sub(" ", text).strip()
    if line.startswith("<") or "<html" in line.lower():
        return None
    return line[:MAX_DIAGNOSTICS] or None
