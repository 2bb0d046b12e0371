"""What is written of scripts that have run: TestReports, the table, and the command line that gives both."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from fhir_bridge.fhir.json import loads
from fhir_bridge.fhir.structure import structure_checker
from tests.testscript.__main__ import main
from tests.testscript.content import Content
from tests.testscript.fhir_xml import Json
from tests.testscript.report import table, test_report
from tests.testscript.results import ActionResult, ScriptResult, TestResult
from tests.testscript.stub import BASE, Stub

PATIENT = Content("json", '{"resourceType": "Patient", "id": "p1"}')
SCRIPT: Json = {
    "resourceType": "TestScript",
    "id": "s1",
    "name": "Script",
    "url": "http://a.test/s1",
    "status": "draft",
    "variable": [{"name": "id", "defaultValue": "nobody"}],
    "test": [
        {
            "name": "T",
            "action": [
                {"operation": {"type": {"code": "read"}, "encodeRequestUrl": True, "url": "Patient/${id}"}},
                {"assert": {"response": "okay", "warningOnly": False}},
            ],
        }
    ],
}

RESULT = ScriptResult(
    "script",
    "s1",
    "Script",
    setup=(ActionResult("operation", "pass", "sent"),),
    tests=(
        TestResult(
            "Good",
            "What is good.",
            (ActionResult("operation", "pass", "sent"), ActionResult("assert", "warning", "odd")),
        ),
        TestResult("Bad", "", (ActionResult("assert", "fail", "wrong"), ActionResult("assert", "skip", "not run"))),
        TestResult("Not run", "", (ActionResult("assert", "skip", "not run"),)),
    ),
    teardown=(ActionResult("operation", "error", "lost"),),
)


def test_a_test_report_says_all_that_became_of_a_script() -> None:
    report = test_report(RESULT, {1: "http://a.test/fhir"}, datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC))

    assert report == {
        "resourceType": "TestReport",
        "name": "Script",
        "status": "completed",
        "testScript": {"reference": "TestScript/s1", "display": "Script"},
        "result": "fail",
        "score": 33.3,
        "tester": "tests.testscript",
        "issued": "2026-01-02T03:04:05+00:00",
        "participant": [
            {"type": "test-engine", "uri": "https://fhir-bridge.example/testscript", "display": "tests.testscript"},
            {"type": "server", "uri": "http://a.test/fhir"},
        ],
        "setup": {"action": [{"operation": {"result": "pass", "message": "sent"}}]},
        "test": [
            {
                "name": "Good",
                "description": "What is good.",
                "action": [
                    {"operation": {"result": "pass", "message": "sent"}},
                    {"assert": {"result": "warning", "message": "odd"}},
                ],
            },
            {
                "name": "Bad",
                "action": [
                    {"assert": {"result": "fail", "message": "wrong"}},
                    {"assert": {"result": "skip", "message": "not run"}},
                ],
            },
            {"name": "Not run", "action": [{"assert": {"result": "skip", "message": "not run"}}]},
        ],
        "teardown": {"action": [{"operation": {"result": "error", "message": "lost"}}]},
    }
    assert structure_checker("4.0")(loads(json.dumps(report).encode())) == []


def test_a_script_whose_tests_were_all_skipped_has_not_passed() -> None:
    skipped = TestResult("Not run", "", (ActionResult("assert", "skip", "not run"),))

    assert ScriptResult("script", "s1", "Script", tests=(skipped,)).verdict == "fail"


def test_the_table_shows_each_script_and_its_first_failure() -> None:
    good = ScriptResult("good", "s2", "Good", tests=(TestResult("A", "", (ActionResult("assert", "pass", "fine"),)),))

    assert table([RESULT, good]).splitlines() == [
        "script  result  passed  failed  skipped  warnings  first failure",
        "script  fail    1       2       2        1         Bad, action 1: wrong",
        "good    pass    1       0       0        0",
    ]


def test_the_command_runs_all_files_writes_reports_and_fails_where_one_failed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    script = tmp_path / "script.json"
    script.write_text(json.dumps(SCRIPT))
    transport = httpx.ASGITransport(Stub(patients={"p1": [PATIENT]}).app())
    reports = tmp_path / "out"

    failed = main([BASE + "/", str(script), str(tmp_path / "gone.json"), "--reports", str(reports)], transport)
    passed = main([BASE, str(script), "--variable", "id=p1", "--destination", f"2={BASE}"], transport)

    assert (failed, passed) == (1, 0)
    assert capsys.readouterr().out.splitlines() == [
        "script  result  passed  failed  skipped  warnings  first failure",
        "script  fail    0       1       0        0         T, action 2: status is '404'; wanted: equals '200'",
        "gone    fail    0       0       0        0         "
        "setup, action 1: gone.json cannot be read: No such file or directory",
        "script  result  passed  failed  skipped  warnings  first failure",
        "script  pass    1       0       0        0",
    ]
    written = sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.json") if path != script)
    assert written == ["out/gone.json", "out/script.json", "reports/script.json"]
    for path in written:
        report = loads((tmp_path / path).read_bytes())
        assert (report["resourceType"], structure_checker("4.0")(report)) == ("TestReport", [])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["ftp://a", "x"], "argument URL: ftp://a is no http address"),
        ([BASE, "x", "--variable", "a"], "argument --variable: a is not NAME=VALUE"),
        ([BASE, "x", "--destination", "a=http://b"], "argument --destination: a=http://b is not N=URL"),
        ([BASE], "the following arguments are required: FILE"),
    ],
)
def test_an_argument_that_is_wrong_is_named(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(arguments)

    assert stopped.value.code == 2
    assert re.search(re.escape(message) + "$", capsys.readouterr().err.strip())
