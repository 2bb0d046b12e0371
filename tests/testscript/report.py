"""Writes what came of scripts: a TestReport for each, and a table for the eye.

https://hl7.org/fhir/R4/testreport.html
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from tests.testscript.fhir_xml import Json
from tests.testscript.results import BROKEN, ActionResult, ScriptResult, TestResult

ENGINE = "https://fhir-bridge.example/testscript"
"""By which a report names this runner; it is a name, not an address."""


def test_report(result: ScriptResult, servers: Mapping[int, str], issued: datetime) -> Json:
    """Return the TestReport of a script that was run against `servers`, base URLs by destination."""
    report: dict[str, Json] = {
        "resourceType": "TestReport",
        "name": result.name,
        "status": "completed",
        "testScript": {"reference": f"TestScript/{result.id or result.file}", "display": result.name},
        "result": result.verdict,
    }
    if result.tests:
        report["score"] = round(100 * result.passed() / len(result.tests), 1)
    report |= {"tester": "tests.testscript", "issued": issued.isoformat(), "participant": _participants(servers)}
    if result.setup:
        report["setup"] = {"action": [_action(action) for action in result.setup]}
    if result.tests:
        report["test"] = [_test(test) for test in result.tests]
    if result.teardown:
        report["teardown"] = {"action": [_action(action) for action in result.teardown]}
    return report


test_report.__test__ = False  # type: ignore[attr-defined]  # it is not one of pytest's


def _participants(servers: Mapping[int, str]) -> list[Json]:
    engine = {"type": "test-engine", "uri": ENGINE, "display": "tests.testscript"}
    return [engine, *({"type": "server", "uri": url} for url in servers.values())]


def _test(test: TestResult) -> Json:
    described = {"description": test.description} if test.description else {}
    return {"name": test.name, **described, "action": [_action(action) for action in test.actions]}


def _action(action: ActionResult) -> Json:
    return {action.kind: {"result": action.result, "message": action.message}}


def table(results: Sequence[ScriptResult]) -> str:
    """Return a line for each script: its verdict, how many tests passed and failed, and what failed first."""
    rows: list[tuple[str, ...]] = [("script", "result", "passed", "failed", "skipped", "warnings", "first failure")]
    rows += [_row(result) for result in results]
    widths = [max(len(row[column]) for row in rows) for column in range(6)]
    return "\n".join(_line(row, widths) for row in rows)


def _line(row: Sequence[str], widths: Iterable[int]) -> str:
    cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=False)]
    return "  ".join([*cells, row[-1]]).rstrip()


def _row(result: ScriptResult) -> tuple[str, ...]:
    """`passed` and `failed` count tests, `skipped` and `warnings` single actions."""
    results = [action.result for action in result.actions()]
    counts = (result.passed(), len(result.tests) - result.passed(), results.count("skip"), results.count("warning"))
    return (result.file, result.verdict, *map(str, counts), first_failure(result))


def first_failure(result: ScriptResult) -> str:
    """Return where and what the first failure is; nothing where there is none."""
    parts = [("setup", result.setup), *((test.name, test.actions) for test in result.tests)]
    for name, actions in [*parts, ("teardown", result.teardown)]:
        for number, action in enumerate(actions, 1):
            if action.result in BROKEN:
                return f"{name}, action {number}: {action.message}"
    return ""
