"""What came of a script: a result for each action, and a verdict for each test and for the whole."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from tests.testscript.fhir_xml import Json

Result = Literal["pass", "skip", "fail", "warning", "error"]
"""https://hl7.org/fhir/R4/valueset-report-action-result-codes.html"""

BROKEN: tuple[Result, ...] = ("fail", "error")
"""`fail` is the server's doing; `error` means that the action could not be carried out."""


@dataclass(frozen=True, slots=True)
class ActionResult:
    """One operation or assertion, and what to say of it."""

    kind: Literal["operation", "assert"]
    result: Result
    message: str


@dataclass(frozen=True, slots=True)
class TestResult:
    """One test of a script; `name` is its name, or else its id or its place."""

    __test__ = False  # it is not one of pytest's

    name: str
    description: str
    actions: tuple[ActionResult, ...]

    @property
    def verdict(self) -> Literal["pass", "fail", "skip"]:
        """A test that was not run at all is skipped; it has not passed."""
        if broken(self.actions):
            return "fail"
        return "skip" if all(action.result == "skip" for action in self.actions) else "pass"


@dataclass(frozen=True, slots=True)
class ScriptResult:
    """What came of one script. `file` is the name of its file without ending, `id` and `name` are its own."""

    file: str
    id: str
    name: str
    setup: tuple[ActionResult, ...] = ()
    tests: tuple[TestResult, ...] = ()
    teardown: tuple[ActionResult, ...] = ()

    @property
    def verdict(self) -> Literal["pass", "fail"]:
        """A script passes when nothing of it failed, and not all of its tests were skipped."""
        idle = bool(self.tests) and all(test.verdict == "skip" for test in self.tests)
        return "fail" if idle or broken(self.actions()) else "pass"

    def actions(self) -> list[ActionResult]:
        """Return all results in the order of the script."""
        return [*self.setup, *(action for test in self.tests for action in test.actions), *self.teardown]

    def passed(self) -> int:
        """Return how many tests passed."""
        return sum(test.verdict == "pass" for test in self.tests)


def broken(actions: Iterable[ActionResult]) -> bool:
    """Return whether any of the actions failed."""
    return any(action.result in BROKEN for action in actions)


def titled(action: Json, message: str) -> str:
    """Return the message after the label of its operation or assertion, or else after the description."""
    title = action.get("label") or action.get("description", "").rstrip(".")
    return f"{title}: {message}" if title else message
