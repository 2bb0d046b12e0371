"""HL7's own example TestScripts pass where a server obeys them, and fail, at the right place, where it does not."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from starlette.requests import Request
from starlette.responses import Response

from tests.testscript.report import first_failure
from tests.testscript.results import ScriptResult
from tests.testscript.runner import Servers, run_file
from tests.testscript.script import read_content
from tests.testscript.stub import BASE, Spoil, Stub

pytestmark = pytest.mark.anyio

SEARCHED = {"PatientSearchFamilyName": "Chalmers", "PatientSearchGivenName": "Peter"}


async def run(folder: Path, name: str, stub: Stub, **given: str) -> ScriptResult:
    """Return what came of one example, against a stub that already knows the patient where the script needs it."""
    return await run_file(folder / f"TestScript-testscript-example{name}.json", stub.servers(), given)


def known(folder: Path, spoil: Spoil = lambda request, response: response) -> Stub:
    """Return a stub that holds HL7's example patient."""
    return Stub(spoil, patients={"example": [read_content(folder / "Patient-example.json")]})


def skipped(result: ScriptResult) -> list[str]:
    return [action.message for action in result.actions() if action.result == "skip"]


@pytest.mark.parametrize(
    ("name", "tests", "not_checked"),
    [
        ("", ["Read Patient"], ["patient-profile"]),
        ("-history", ["History Patient"], ["bundle-profile"]),
        ("-multisystem", ["ReadPatient-Destination1", "ReadPatient-Destination2"], []),
        (
            "-readtest",
            [
                "Sprinkler Read Test R001",
                "Sprinkler Read Test R002",
                "Sprinkler Read Test R003",
                "Sprinkler Read Test R004",
            ],
            ["patient-profile"],
        ),
        ("-search", ["Patient Create Search", "Patient Search Dynamic"], ["bundle-profile"]),
        ("-update", ["Update Patient"], []),
    ],
)
async def test_an_example_passes_against_a_server_that_obeys(
    examples: Path, name: str, tests: list[str], not_checked: list[str]
) -> None:
    """All that is not checked is said: validation against profiles, and nothing else."""
    result = await run(examples, name, known(examples), **SEARCHED)

    assert first_failure(result) == ""
    assert [(test.name, test.verdict) for test in result.tests] == [(test, "pass") for test in tests]
    assert [message.rpartition("(")[2].rstrip(")") for message in skipped(result)] == not_checked
    assert {action.result for action in result.actions()} <= {"pass", "skip"}
    assert result.verdict == "pass"


def status(code: int, method: str, path: str) -> Spoil:
    """Answer one request with another status."""

    def spoil(request: Request, response: Response) -> Response:
        if (request.method, request.path_params["path"]) == (method, path):
            response.status_code = code
        return response

    return spoil


def without(name: str, method: str = "GET") -> Spoil:
    """Leave a header out of the answers to a method."""

    def spoil(request: Request, response: Response) -> Response:
        if request.method == method and name in response.headers:
            del response.headers[name]
        return response

    return spoil


def text(old: str, new: str, method: str = "GET") -> Spoil:
    """Put another text into the body of the answers to a method."""

    def spoil(request: Request, response: Response) -> Response:
        if request.method != method:
            return response
        body = bytes(response.body).replace(old.encode(), new.encode())
        headers = {key: value for key, value in response.headers.items() if key != "content-length"}
        return Response(body, response.status_code, headers)

    return spoil


def content_type(name: str) -> Spoil:
    """Answer as another format, whatever the body is."""

    def spoil(request: Request, response: Response) -> Response:
        response.headers["content-type"] = name
        return response

    return spoil


@pytest.mark.parametrize(
    ("name", "spoil", "failure"),
    [
        (
            "",
            status(500, "DELETE", "Patient/example"),
            "setup, action 2: Confirm that the returned HTTP status is 200(OK) or 204(No Content): "
            "status is '500'; wanted: in '200,204'",
        ),
        (
            "",
            text('"Chalmers"', '"Chalmer"'),
            "setup, action 7: Confirm that the returned Patient contains the expected family name 'Chalmers'. Uses "
            "explicit compareToSourceId reference to fixture-patient-create used to create the Patient: "
            "Patient.name.first().family is 'Chalmer'; wanted: equals 'Chalmers'",
        ),
        (
            "",
            text('"Peter"', '"Pete"'),
            "Read Patient, action 7: Confirm that the returned Patient contains the expected given name 'Peter'. Uses "
            "explicit sourceId reference to read responseId fixture: fhir:Patient/fhir:name/fhir:given/@value is "
            "'Pete', 'James', 'Jim', 'Pete', 'James'; wanted: equals 'Peter'",
        ),
        (
            "-history",
            status(404, "GET", "Patient/example/_history"),
            "History Patient, action 2: Confirm that the returned HTTP status is 200(OK): "
            "status is '404'; wanted: equals '200'",
        ),
        (
            "-history",
            text('"history"', '"searchset"'),
            "History Patient, action 5: Confirm that the returned Bundle type equals 'history': "
            "fhir:Bundle/fhir:type/@value is 'searchset'; wanted: equals 'history'",
        ),
        (
            "-multisystem",
            content_type("application/xml"),
            "ReadPatient-Destination1, action 5: Confirm that the returned format is XML: Content-Type of "
            "response is 'application/xml'; wanted: equals 'application/fhir+xml'",
        ),
        (
            "-readtest",
            status(404, "GET", "Patient/ID-may-not-contain-CAPITALS"),
            "Sprinkler Read Test R004, action 2: Confirm that the returned HTTP status is 400(Bad Request): "
            "status is '404'; wanted: equals '400'",
        ),
        (
            "-readtest",
            text("Patient", "Person"),
            "Sprinkler Read Test R001, action 5: Confirm that the returned resource type is Patient: "
            "resource of response is 'Person'; wanted: equals 'Patient'",
        ),
        (
            "-search",
            without("Location", "POST"),
            "Patient Create Search, action 3: Confirm that the returned HTTP Header Location is present: "
            "header Location of response is absent; wanted: notEmpty",
        ),
        (
            "-search",
            text('<relation value="next"/>', '<relation value="other"/>'),
            "setup, action 5: Confirm that the returned Bundle correctly defines the navigation links: "
            "the Bundle has no link next",
        ),
        (
            "-search",
            text('<total value="2"/>', '<total value="1"/>'),
            "Patient Search Dynamic, action 7: Confirm that the returned Bundle total is greater than or equal to the "
            "number of returned entries: Bundle.total.toInteger() >= entry.count() of response is false, not true",
        ),
        (
            "-update",
            status(200, "PUT", "Patient/example"),
            "setup, action 4: Confirm that the returned HTTP status is 201(Created): "
            "status is '200'; wanted: equals '201'",
        ),
        (
            "-update",
            content_type("application/fhir+json"),
            "Update Patient, action 3: Confirm that the returned format is XML: Content-Type of response is "
            "'application/fhir+json'; wanted: equals 'application/fhir+xml'",
        ),
    ],
)
async def test_an_example_fails_where_a_server_does_not_obey(
    examples: Path, name: str, spoil: Spoil, failure: str
) -> None:
    result = await run(examples, name, known(examples, spoil), **SEARCHED)

    assert first_failure(result) == failure
    assert result.verdict == "fail"


async def test_a_missing_header_that_is_only_a_warning_fails_nothing(examples: Path) -> None:
    result = await run(examples, "", known(examples, without("Last-Modified")))

    assert [action.message for action in result.actions() if action.result == "warning"] == [
        "Confirm that the returned HTTP Header Last-Modified is present. Warning only as the server might not support "
        "versioning: header Last-Modified of response is absent; wanted: notEmpty"
    ]
    assert result.verdict == "pass"


async def test_an_element_that_is_lost_is_named_by_minimum_id(examples: Path) -> None:
    result = await run(examples, "", known(examples, text('"1974-12-25"', '"1974-12-26"')))

    assert [action.message.rpartition(": ")[2] for action in result.actions() if action.result == "warning"] == [
        "response lacks Patient.birthDate, Patient.address.period.start, Patient.contact.address.period.start "
        "of fixture-patient-minimum"
    ]


async def test_what_fails_in_the_setup_leaves_the_tests_out_and_runs_the_teardown(examples: Path) -> None:
    stub = known(examples, status(500, "PUT", "Patient/example"))

    result = await run(examples, "", stub)

    assert {action.message for action in result.tests[0].actions} == {"not run: the setup failed"}
    assert [action.result for action in result.teardown] == ["pass"]
    assert stub.requests == ["DELETE /Patient/example", "PUT /Patient/example", "DELETE /Patient/example"]


async def test_a_variable_without_a_value_is_an_error_that_says_how_to_give_it(examples: Path) -> None:
    result = await run(examples, "-search", known(examples))

    assert result.tests[0].verdict == "pass"
    assert first_failure(result) == (
        "Patient Search Dynamic, action 1: Search for Patient resources on the destination test system: "
        "variable PatientSearchFamilyName has no value; give it with --variable PatientSearchFamilyName=…, "
        "[Family name]"
    )


async def test_a_destination_without_a_server_is_an_error(examples: Path) -> None:
    servers = known(examples).servers()

    result = await run_file(
        examples / "TestScript-testscript-example-multisystem.json", Servers({1: BASE}, servers.client), {}
    )

    assert [test.verdict for test in result.tests] == ["pass", "fail"]
    assert first_failure(result).endswith("destination 2 has no server; give it with --destination 2=URL")


async def test_fixtures_that_are_not_there_are_an_error_and_nothing_is_sent(examples: Path, tmp_path: Path) -> None:
    shutil.copy(examples / "TestScript-testscript-example-update.json", tmp_path / "alone.json")
    stub = Stub()

    result = await run_file(tmp_path / "alone.json", stub.servers(), {})

    assert first_failure(result) == (
        f"setup, action 1: fixture fixture-patient-create: Patient/example is not in {tmp_path.name}; "
        f"fixture fixture-patient-update: Patient/pat1 is not in {tmp_path.name}"
    )
    assert {action.message for action in result.setup[1:]} == {"not run: a fixture is missing"}
    assert [test.verdict for test in result.tests] == ["skip"]
    assert result.verdict == "fail"
    assert stub.requests == []
