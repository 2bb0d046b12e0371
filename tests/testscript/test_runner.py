"""Whole scripts, from files: their order, fixtures and variables, and what may go wrong with them."""

from __future__ import annotations

import json
from pathlib import Path

import httpx
import pytest
from lxml import etree

from tests.testscript.content import Content
from tests.testscript.fhir_xml import Json
from tests.testscript.report import first_failure
from tests.testscript.results import ScriptResult
from tests.testscript.runner import Servers, run_file
from tests.testscript.stub import BASE, Stub

pytestmark = pytest.mark.anyio

READ = {"operation": {"type": {"code": "read"}, "encodeRequestUrl": True, "url": "Patient/${id}", "responseId": "read"}}


def asserted(**assertion: Json) -> Json:
    return {"assert": {**assertion, "warningOnly": False}}


def write(folder: Path, **members: Json) -> Path:
    path = folder / "script.json"
    script = {"resourceType": "TestScript", "id": "s1", "name": "Script", "url": "http://a.test/s1", "status": "draft"}
    path.write_text(json.dumps({**script, **members}), encoding="utf-8")
    return path


def holding(**patients: str) -> Stub:
    """Return a stub with patients by id, each with a family name."""
    texts = {
        id_: json.dumps({"resourceType": "Patient", "id": id_, "name": [{"family": name}]})
        for id_, name in patients.items()
    }
    return Stub(patients={id_: [Content("json", text)] for id_, text in texts.items()})


async def run(path: Path, stub: Stub, **given: str) -> ScriptResult:
    return await run_file(path, stub.servers(), given)


def said(result: ScriptResult) -> list[tuple[str, str]]:
    return [(action.result, action.message) for action in result.actions()]


async def test_a_fixture_is_created_before_the_setup_and_deleted_after_the_teardown(tmp_path: Path) -> None:
    (tmp_path / "mine.json").write_text('{"resourceType": "Patient", "id": "mine"}')
    stub = Stub()
    script = write(
        tmp_path,
        contained=[{"resourceType": "Patient", "birthDate": "1970-01-01", "id": "other"}],
        fixture=[
            {"id": "with-id", "autocreate": True, "autodelete": True, "resource": {"reference": "mine.json"}},
            {"id": "inside", "autocreate": True, "autodelete": True, "resource": {"reference": "#other"}},
        ],
        setup={"action": [asserted(response="created")]},
        test=[{"action": [{"operation": {"type": {"code": "read"}, "encodeRequestUrl": True, "targetId": "with-id"}}]}],
    )

    result = await run(script, stub)

    assert stub.requests == [
        "PUT /Patient/mine",
        "PUT /Patient/other",
        "DELETE /Patient/mine",
        "DELETE /Patient/other",
    ]
    assert said(result) == [
        ("pass", f"autocreate with-id: PUT {BASE}/Patient/mine answered 201"),
        ("pass", f"autocreate inside: PUT {BASE}/Patient/other answered 201"),
        ("error", "no operation has been answered yet"),
        ("skip", "not run: the setup failed"),
        ("pass", f"autodelete with-id: DELETE {BASE}/Patient/mine answered 204"),
        ("pass", f"autodelete inside: DELETE {BASE}/Patient/other answered 204"),
    ]


async def test_a_fixture_without_an_id_is_deleted_where_the_server_has_put_it(tmp_path: Path) -> None:
    (tmp_path / "new.json").write_text('{"resourceType": "Patient"}')
    stub = Stub()
    fixture = {"id": "new", "autocreate": True, "autodelete": True, "resource": {"reference": "new.json"}}

    result = await run(write(tmp_path, fixture=[fixture]), stub)

    assert stub.requests == ["POST /Patient", "DELETE /Patient/created-1"]
    assert result.verdict == "pass"


async def test_a_fixture_that_cannot_be_created_fails_the_script(tmp_path: Path) -> None:
    (tmp_path / "new.json").write_text('{"resourceType": "Observation", "id": "1"}')
    fixture = {"id": "new", "autocreate": True, "autodelete": False, "resource": {"reference": "new.json"}}

    result = await run(write(tmp_path, fixture=[fixture], setup={"action": [READ]}), Stub())

    assert said(result) == [
        ("fail", f"autocreate new: PUT {BASE}/Observation/1 answered 404"),
        ("skip", "not run: a fixture could not be created"),
    ]


@pytest.mark.parametrize(
    ("reference", "why"),
    [
        ("#nobody", "#nobody is not contained in the script"),
        (
            "http://a.test/Patient/1",
            "http://a.test/Patient/1 is not read; put the resource in a file beside the script",
        ),
        ("", "no reference is not read; put the resource in a file beside the script"),
    ],
)
async def test_a_fixture_that_cannot_be_had_is_an_error(tmp_path: Path, reference: str, why: str) -> None:
    fixture = {"id": "f", "autocreate": False, "autodelete": False, "resource": {"reference": reference}}

    assert first_failure(await run(write(tmp_path, fixture=[fixture]), Stub())) == f"setup, action 1: fixture f: {why}"


async def test_a_test_stops_at_its_first_failure_and_the_next_one_runs(tmp_path: Path) -> None:
    script = write(
        tmp_path,
        variable=[{"name": "id", "defaultValue": "p1"}],
        test=[
            {"name": "First", "action": [READ, asserted(response="created"), READ]},
            {"action": [READ, asserted(response="okay")]},
        ],
    )

    result = await run(script, holding(p1="Chalmers"))

    assert [(test.name, test.verdict) for test in result.tests] == [("First", "fail"), ("test 2", "pass")]
    assert said(result) == [
        ("pass", f"GET {BASE}/Patient/p1 answered 200"),
        ("fail", "status is '200'; wanted: equals '201'"),
        ("skip", "not run: an action before it failed"),
        ("pass", f"GET {BASE}/Patient/p1 answered 200"),
        ("pass", "status is '200'"),
    ]


async def test_a_variable_shows_what_the_newest_message_holds(tmp_path: Path) -> None:
    script = write(
        tmp_path,
        variable=[
            {"name": "id", "defaultValue": "p1"},
            {"name": "family", "sourceId": "read", "path": "Patient/name/family"},
            {"name": "etag", "sourceId": "read", "headerField": "ETag", "defaultValue": "none"},
            {"name": "gender", "sourceId": "read", "expression": "Patient.gender", "defaultValue": "unknown"},
        ],
        test=[{"action": [READ, asserted(expression="'${family} ${etag} ${gender}'", value='Chalmers W/"1" unknown')]}],
    )

    result = await run(script, holding(p1="Chalmers"))

    assert first_failure(result) == ""


async def test_a_value_from_outside_wins_over_that_of_the_script(tmp_path: Path) -> None:
    script = write(tmp_path, variable=[{"name": "id", "defaultValue": "p1"}], test=[{"action": [READ]}])
    stub = holding(p1="A", p2="B")

    await run(script, stub, id="p2")

    assert stub.requests == ["GET /Patient/p2"]


@pytest.mark.parametrize(
    ("variable", "why"),
    [
        (
            {"name": "id", "sourceId": "read", "path": "Patient/id"},
            "variable id has no value: read is no fixture, and no operation has given its request or response that id",
        ),
        (
            {"name": "id", "sourceId": "two", "expression": "Patient.name.family"},
            "variable id finds 2 values; it may find one",
        ),
        (
            {"name": "id", "sourceId": "own", "expression": "Patient.id"},
            "variable id has no value: variable id needs its own value",
        ),
        (
            {"name": "id", "sourceId": "two", "expression": "Patient.photo"},
            "variable id has no value; give it with --variable id=…",
        ),
        (
            {"name": "id", "sourceId": "two", "headerField": "ETag"},
            "variable id has no value: a fixture has no headers",
        ),
    ],
)
async def test_a_variable_that_has_no_one_value_is_an_error(tmp_path: Path, variable: Json, why: str) -> None:
    (tmp_path / "two.json").write_text('{"resourceType": "Patient", "name": [{"family": "A"}, {"family": "B"}]}')
    (tmp_path / "own.json").write_text('{"resourceType": "Patient", "id": "${id}"}')
    names = ("two", "own")
    fixtures = [
        {"id": n, "autocreate": False, "autodelete": False, "resource": {"reference": f"{n}.json"}} for n in names
    ]

    result = await run(write(tmp_path, fixture=fixtures, variable=[variable], test=[{"action": [READ]}]), Stub())

    assert said(result) == [("error", why)]


async def test_a_server_that_does_not_answer_is_an_error_of_the_operation(tmp_path: Path) -> None:
    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused")

    script = write(
        tmp_path, test=[{"action": [READ, asserted(response="okay")]}], variable=[{"name": "id", "defaultValue": "1"}]
    )
    servers = Servers({1: BASE}, httpx.AsyncClient(transport=httpx.MockTransport(refuse)))

    result = await run_file(script, servers, {})

    assert said(result) == [
        ("error", f"GET {BASE}/Patient/1 got no answer: refused"),
        ("skip", "not run: an action before it failed"),
    ]


async def test_an_action_that_is_neither_operation_nor_assert_is_an_error(tmp_path: Path) -> None:
    result = await run(write(tmp_path, test=[{"action": [{}]}]), Stub())

    assert said(result) == [("error", "an action is either an operation or an assert")]


async def test_an_action_of_a_shape_that_fhir_does_not_allow_is_an_error_of_its_own(tmp_path: Path) -> None:
    odd = {"operation": {**READ["operation"], "requestHeader": [{"field": "Accept"}]}}
    script = write(
        tmp_path, variable=[{"name": "id", "defaultValue": "p1"}], test=[{"action": [odd]}, {"action": [READ]}]
    )

    result = await run(script, holding(p1="A"))

    assert said(result) == [
        ("error", "this cannot be carried out: KeyError 'value'"),
        ("pass", f"GET {BASE}/Patient/p1 answered 200"),
    ]


async def test_a_script_of_a_shape_that_fhir_does_not_allow_is_an_error(tmp_path: Path) -> None:
    result = await run(write(tmp_path, fixture=["x"]), Stub())

    assert said(result) == [
        ("error", "script.json is no valid TestScript: AttributeError 'str' object has no attribute 'get'")
    ]


@pytest.mark.parametrize(
    ("name", "text", "why"),
    [
        ("s.json", '{"resourceType": "Patient"}', "s.json is no TestScript"),
        ("s.json", "{", "s.json cannot be read: the body is no JSON, at line 1, column 2"),
        ("s.txt", "{}", "s.txt cannot be read: the body is neither JSON nor XML"),
        (
            "s.xml",
            "<a/>",
            "s.xml cannot be read: the body is XML, but a is not in FHIR's namespace http://hl7.org/fhir",
        ),
        ("gone.json", None, "gone.json cannot be read: No such file or directory"),
    ],
)
async def test_a_file_that_is_no_testscript_is_an_error(tmp_path: Path, name: str, text: str | None, why: str) -> None:
    if text is not None:
        (tmp_path / name).write_text(text)

    result = await run(tmp_path / name, Stub())

    assert first_failure(result).startswith(f"setup, action 1: {why}")
    assert result.verdict == "fail"


async def test_a_script_in_xml_runs_as_in_json(tmp_path: Path) -> None:
    script = write(
        tmp_path,
        contained=[{"resourceType": "Patient", "id": "like", "name": [{"family": "Chalmers"}]}],
        fixture=[{"id": "like", "autocreate": False, "autodelete": False, "resource": {"reference": "#like"}}],
        variable=[{"name": "id", "defaultValue": "p1"}],
        test=[
            {
                "name": "Only",
                "action": [READ, asserted(compareToSourceId="like", compareToSourceExpression="Patient.name.family")],
            }
        ],
    )
    (tmp_path / "script.xml").write_text(etree.tostring(Content("json", script.read_text()).tree(), encoding="unicode"))

    in_json = await run(script, holding(p1="Chalmers"))
    in_xml = await run(tmp_path / "script.xml", holding(p1="Chalmers"))

    assert in_xml == in_json
    assert said(in_xml) == [
        ("pass", f"GET {BASE}/Patient/p1 answered 200"),
        ("pass", "Patient.name.family is 'Chalmers'"),
    ]
