"""Bad input, named: each kind ends in an OperationOutcome that says what and where, and in no call of a partner."""

import asyncio
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import unquote

import httpx
import pytest
from starlette.types import Message

from fhir_bridge.bridge import Bridge
from fhir_bridge.limits import Limits
from fhir_bridge.mapping.routes import Routes
from fhir_bridge.outcome import Json
from fhir_bridge.server import create_app
from tests.outcomes import issue, outcome, parameters
from tests.server.roche_sample import REQUEST
from tests.serving import Canned, gateway, serving, simulated

pytestmark = pytest.mark.anyio

ID = "7c3da506-804d-4550-8993-bf17f9ee0402"
PATIENT = f"/fhir/ehealth/Patient/{ID}"
UPDATE_DATA = "/fhir/healthex/Patient/17d4513f-73e8/$update-data"
STATUS = "/fhir/wmda/Patient/123456/$update-search-status"
MESSAGE = "/fhir/roche/Bundle/Bj6.1Lq-hvb-28"
FHIR_JSON = {"Content-Type": "application/fhir+json"}
SKIP = {"name": "skipInteractive", "valueBoolean": True}

WRITES = [("PUT", PATIENT), ("PATCH", PATIENT), ("POST", UPDATE_DATA), ("POST", STATUS), ("PUT", MESSAGE)]
"""Each of the four calls, and the fifth way to make one of them."""


async def refused(
    client: httpx.AsyncClient,
    partner: Canned,
    request: tuple[str, str],
    content: bytes | str,
    headers: dict[str, str] = FHIR_JSON,
) -> tuple[int, Json]:
    """Send a body and return status and outcome, having seen that the partner was left alone."""
    method, url = request
    response = await client.request(method, url, content=content, headers=headers)
    assert partner.calls() == []
    assert response.headers["content-type"].startswith("application/fhir+json; charset=utf-8")
    return response.status_code, response.json()


async def test_a_client_that_goes_away_is_no_fault_of_the_bridge(
    routes: Routes, caplog: pytest.LogCaptureFixture
) -> None:
    """Nobody reads the answer; the log has its line, and no traceback."""
    caplog.set_level("INFO", "fhir_bridge")
    app = create_app(Bridge(routes, gateway(routes, simulated(), None)))
    coming: list[Message] = [{"type": "http.request", "body": b'{"res', "more_body": True}, {"type": "http.disconnect"}]
    sent: list[Message] = []

    async def receive() -> Message:
        return coming.pop(0)

    async def send(message: Message) -> None:
        sent.append(message)

    headers = [(b"content-type", b"application/fhir+json"), (b"x-request-id", b"run-7")]
    scope = {"type": "http", "method": "PUT", "path": PATIENT, "query_string": b"", "headers": headers}
    await app(scope, receive, send)

    told = issue("invalid-json", "incomplete", "The body breaks off before its end.")
    assert (sent[0]["status"], json.loads(sent[1]["body"])) == (400, outcome(told))
    (line,) = [record for record in caplog.records if record.name == "fhir_bridge"]
    assert (line.getMessage().startswith("run-7 PUT ehealth/- 400"), line.exc_info) == (True, None)


UNREADABLE = {
    "an end too early": (
        b'{"resourceType": "Patient"',
        "invalid-json",
        "it breaks off, at line 1, column 27.",
    ),
    "a comma too many": (
        b'{\n"resourceType": "Patient",\n}',
        "invalid-json",
        "a comma stands before a closing bracket, at line 2, column 26.",
    ),
    "two values": (b"{} {}", "invalid-json", "there is more after the value, at line 1, column 4."),
    "XML": (b"<Patient/>", "invalid-json", "a value is expected, at line 1, column 1."),
    "half a character": (
        b'{"id": "\\ud83d"}',
        "invalid-json",
        "an escape is half of a surrogate pair, and no character, at line 1, column 9.",
    ),
}


@pytest.mark.parametrize("request_", WRITES, ids=str)
@pytest.mark.parametrize("kind", UNREADABLE)
async def test_a_body_that_is_no_json(
    canned: httpx.AsyncClient, partner: Canned, request_: tuple[str, str], kind: str
) -> None:
    """With line and column, and nothing of the content."""
    content, _, what = UNREADABLE[kind]

    status, told = await refused(canned, partner, request_, content)

    assert status == 400
    assert told == outcome(issue("invalid-json", "structure", f"The body is not JSON: {what}"))


@pytest.mark.parametrize("request_", WRITES, ids=str)
@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"NaN", issue("invalid-json", "structure", "The body holds NaN, which is no JSON number.")),
        (
            b'{"valueDecimal": -Infinity}',
            issue("invalid-json", "structure", "The body holds -Infinity, which is no JSON number."),
        ),
        (b'{"id": "\xff"}', issue("not-utf-8", "structure", "The body is not UTF-8: byte 9 cannot be read.")),
        (
            '{"id": "é"}'.encode("latin-1"),
            issue("not-utf-8", "structure", "The body is not UTF-8: byte 9 cannot be read."),
        ),
        ("{}".encode("utf-16"), issue("not-utf-8", "structure", "The body is not UTF-8: byte 1 cannot be read.")),
        (
            b"[" * 100_000,
            issue("nested-too-deep", "structure", "The body is nested more than 64 levels deep."),
        ),
        (
            b'{"extension":[' * 50_000 + b"1" + b"]}" * 50_000,
            issue("nested-too-deep", "structure", "The body is nested more than 64 levels deep."),
        ),
        (
            b'{"resourceType": "Patient", "contact": [{}, {"gender": "male", "gender": "male"}]}',
            issue(
                "duplicate-key",
                "structure",
                "The key `gender` occurs more than once in one object; keep one.",
                "Patient.contact[1]",
            ),
        ),
        (b"null", issue("wrong-resource-type", "structure", "The body is `null`, which is no resource.")),
    ],
    ids=[
        "NaN",
        "Infinity",
        "invalid UTF-8",
        "Latin-1",
        "UTF-16",
        "lists 100,000 deep",
        "JSON 100,000 deep",
        "a key twice",
        "null",
    ],
)
async def test_a_body_that_json_or_fhir_does_not_allow(
    canned: httpx.AsyncClient, partner: Canned, request_: tuple[str, str], content: bytes, told: Json
) -> None:
    """The same at every address."""
    assert await refused(canned, partner, request_, content) == (400, outcome(told))


async def test_every_repeated_key_is_named(canned: httpx.AsyncClient, partner: Canned) -> None:
    """All problems of a request are reported together."""
    content = '{"resourceType": "Patient", "id": "a", "id": "b", "name": [{"family": "x", "family": "y"}]}'

    status, told = await refused(canned, partner, ("PUT", PATIENT), content)

    assert status == 400
    assert told == outcome(
        issue(
            "duplicate-key",
            "structure",
            "The key `family` occurs more than once in one object; keep one.",
            "Patient.name[0]",
        ),
        issue("duplicate-key", "structure", "The key `id` occurs more than once in one object; keep one.", "Patient"),
    )


@pytest.mark.parametrize(
    "content_type",
    [
        "text/plain",
        "text/html; charset=utf-8",
        "application/x-www-form-urlencoded",
        "application/octet-stream",
        "application/json-patch+json",
        "application/fhir+json; charset=utf-16",
        "fhir+json",
    ],
)
@pytest.mark.parametrize("request_", [("PUT", PATIENT), ("POST", UPDATE_DATA), ("PUT", MESSAGE)], ids=str)
async def test_a_content_type_that_is_not_taken(
    canned: httpx.AsyncClient, partner: Canned, request_: tuple[str, str], content_type: str
) -> None:
    """415, naming the header."""
    status, told = await refused(canned, partner, request_, "{}", {"Content-Type": content_type})

    (said,) = told["issue"]
    assert status == 415
    assert (said["code"], said["expression"]) == ("not-supported", ["http.Content-Type"])
    assert said["details"]["coding"][0]["code"] == "content-type-not-supported"
    assert said["details"]["text"].startswith("This Content-Type is not taken here; send application/fhir+json or ")


@pytest.mark.parametrize("version", ["5.0", "1.0", "four", ""])
async def test_a_fhir_version_that_a_base_does_not_speak(
    canned: httpx.AsyncClient, partner: Canned, version: str
) -> None:
    """415, naming those that it does."""
    content_type = {"Content-Type": f"application/fhir+json; fhirVersion={version}"}

    told = await refused(canned, partner, ("PUT", MESSAGE), REQUEST, content_type)

    text = "This base speaks fhirVersion 3.0 and 4.0; use that, or leave the parameter out."
    assert told == (
        415,
        outcome(issue("content-type-not-supported", "not-supported", text, "http.Content-Type")),
    )


def other_type(wanted: str) -> Json:
    text = f"`resourceType` must be `{wanted}` here; send a {wanted}."
    return outcome(issue("wrong-resource-type", "invalid", text, "resourceType"))


@pytest.mark.parametrize(
    ("request_", "wanted"),
    [
        (("PUT", PATIENT), "Patient"),
        (("PATCH", PATIENT), "Parameters"),
        (("POST", UPDATE_DATA), "Parameters"),
        (("POST", STATUS), "Parameters"),
        (("PUT", MESSAGE), "Bundle"),
    ],
    ids=str,
)
@pytest.mark.parametrize(
    "content", ['{"resourceType": "Observation"}', '{"resourceType": "Sorcery"}', '{"resourceType": 7}', '{"id": "x"}']
)
async def test_another_resource_type(
    canned: httpx.AsyncClient, partner: Canned, request_: tuple[str, str], wanted: str, content: str
) -> None:
    """Nothing else can be said of it."""
    assert await refused(canned, partner, request_, content) == (400, other_type(wanted))


@pytest.mark.parametrize(
    ("request_", "wanted"),
    [(("PUT", PATIENT), "Patient"), (("POST", UPDATE_DATA), "Parameters"), (("PUT", MESSAGE), "Bundle")],
    ids=str,
)
@pytest.mark.parametrize("content", ["[]", "[{}]", "0", "7", "false", '""', '"Patient"'])
async def test_json_that_is_no_object(
    canned: httpx.AsyncClient, partner: Canned, request_: tuple[str, str], wanted: str, content: str
) -> None:
    """An operation takes an empty body, and yet not an empty list, zero or false for one."""
    text = f"The body is no resource; send a {wanted} as a JSON object."
    told = outcome(issue("wrong-resource-type", "structure", text, wanted))

    assert await refused(canned, partner, request_, content) == (400, told)


@pytest.mark.parametrize(("request_", "wanted"), [(("PUT", PATIENT), "Patient"), (("PUT", MESSAGE), "Bundle")])
@pytest.mark.parametrize("content", ["", " \r\n\t"])
async def test_an_update_without_a_body(
    canned: httpx.AsyncClient, partner: Canned, request_: tuple[str, str], wanted: str, content: str
) -> None:
    """`required`, at the resource."""
    told = outcome(issue("wrong-resource-type", "required", f"The body is empty; send a {wanted}.", wanted))

    assert await refused(canned, partner, request_, content) == (400, told)


async def test_every_problem_of_the_structure_has_its_path(canned: httpx.AsyncClient, partner: Canned) -> None:
    """A number for a code, an object for a list, a text for true, an element that FHIR does not have."""
    body = {
        "resourceType": "Patient",
        "id": ID,
        "nickname": "Петрик",
        "birthDate": "1980-02-30",
        "name": {"family": "Іванов"},
        "active": "true",
        "contact": [{"gender": 5, "telecom": [{"system": "telepathy"}]}],
        "deceasedBoolean": True,
        "deceasedDateTime": "2018-11-11",
    }

    status, told = await refused(canned, partner, ("PUT", PATIENT), json.dumps(body))

    assert status == 400
    assert [(said["code"], said["expression"]) for said in told["issue"]] == [
        ("structure", ["Patient.nickname"]),
        ("value", ["Patient.birthDate"]),
        ("structure", ["Patient.name"]),
        ("structure", ["Patient.active"]),
        ("structure", ["Patient.contact[0].gender"]),
        ("code-invalid", ["Patient.contact[0].telecom[0].system"]),
        ("structure", ["Patient.deceased"]),
        ("invariant", ["Patient.deceased"]),
    ]


PARAMETERS: Mapping[str, tuple[list[Json], int, list[Json]]] = {
    "an unknown one": (
        [{"name": "skipInteractiv", "valueBoolean": True}],
        422,
        [
            issue(
                "no-slice",
                "invalid",
                "No `parameter` with this `name` is known here; did you mean `skipInteractive`? "
                "Known are `skipInteractive` and `project`.",
                "Parameters.parameter[0]",
            )
        ],
    ),
    "one twice": (
        [SKIP, {"name": "project", "valueString": "p"}, SKIP],
        422,
        [
            issue(
                "too-many",
                "invalid",
                "`parameter` with `name` `skipInteractive` may occur only once; remove this one.",
                "Parameters.parameter[2]",
            )
        ],
    ),
    "one of another type": (
        [{"name": "skipInteractive", "valueString": "true"}],
        400,
        [
            issue(
                "wrong-type",
                "structure",
                "`value` has another type here; use `valueBoolean`.",
                "Parameters.parameter[0].value",
            )
        ],
    ),
    "a text for true": (
        [{"name": "skipInteractive", "valueBoolean": "true"}],
        400,
        [
            issue(
                "wrong-type",
                "structure",
                "`valueBoolean` must be true or false, not a string.",
                "Parameters.parameter[0].value",
            )
        ],
    ),
    "one without a value": (
        [{"name": "skipInteractive"}],
        422,
        [issue("too-few", "required", "`value` is missing; add it.", "Parameters.parameter[0].value")],
    ),
    "one with parts": (
        [{"name": "skipInteractive", "part": [{"name": "value", "valueBoolean": True}]}],
        422,
        [
            issue("too-few", "required", "`value` is missing; add it.", "Parameters.parameter[0].value"),
            issue(
                "element-not-allowed",
                "invalid",
                "`part` is not allowed here; remove it.",
                "Parameters.parameter[0].part[0]",
            ),
        ],
    ),
    "an empty text": (
        [{"name": "project", "valueString": ""}],
        400,
        [
            issue(
                "empty-value",
                "structure",
                "`valueString` is empty; leave out what has no value.",
                "Parameters.parameter[0].value",
            )
        ],
    ),
    "no list of them": (
        [],
        400,
        [
            issue(
                "empty-value", "structure", "`parameter` is empty; leave out what has no value.", "Parameters.parameter"
            )
        ],
    ),
}


@pytest.mark.parametrize("kind", PARAMETERS)
async def test_parameters_that_the_operation_does_not_take(
    canned: httpx.AsyncClient, partner: Canned, kind: str
) -> None:
    """Each with the place of the parameter that is wrong."""
    parameter, status, told = PARAMETERS[kind]

    answered = await refused(canned, partner, ("POST", UPDATE_DATA), json.dumps(parameters(*parameter)))

    assert answered == (status, outcome(*told))


@pytest.mark.parametrize("project", ["..", ".", "a/b", "../../admin", "a\nb", "a\x7fb"])
async def test_a_parameter_that_would_lead_to_another_path(
    canned: httpx.AsyncClient, partner: Canned, project: str
) -> None:
    """It becomes a segment of the partner's address."""
    body = parameters({"name": "project", "valueString": project})

    answered = await refused(canned, partner, ("POST", UPDATE_DATA), json.dumps(body))

    text = "`project` becomes part of an address: at most 200 characters, no '/', not '.' or '..'."
    assert answered == (422, outcome(issue("cannot-be-sent", "value", text, "Parameters.parameter[0].value")))


REASONS = (
    "`ATX`, `RMT`, `UMT`, `RCT`, `UCT`, `RPT`, `UPT`, `GCC`, `BCC`, `PDC`, "
    "`PAT`, `PPR`, `ICH`, `FND`, `NDF`, `NPH`, `NML`, `RCM`, `OTH` or `UNK`"
)


@pytest.mark.parametrize(
    ("parameter", "status", "told"),
    [
        (
            [{"name": "status", "valueCode": "sus"}],
            422,
            issue(
                "not-in-value-set",
                "code-invalid",
                "`value` is not one of the codes that are allowed here; use `PRE`, `ACT`, `SUS` or `STP`.",
                "Parameters.parameter[0].value",
            ),
        ),
        (
            [{"name": "status", "valueCode": "NEW"}],
            422,
            issue(
                "not-in-value-set",
                "code-invalid",
                "`value` is not one of the codes that are allowed here; use `PRE`, `ACT`, `SUS` or `STP`.",
                "Parameters.parameter[0].value",
            ),
        ),
        (
            [{"name": "status", "valueCode": "STP"}, {"name": "reason", "valueCode": "BORED"}],
            422,
            issue(
                "not-in-value-set",
                "code-invalid",
                f"`value` is not one of the codes that are allowed here; use {REASONS}.",
                "Parameters.parameter[1].value",
            ),
        ),
        (
            [{"name": "reason", "valueCode": "PDC"}],
            422,
            issue(
                "too-few", "required", "`parameter` with `name` `status` is missing; add it.", "Parameters.parameter"
            ),
        ),
        (
            [{"name": "status", "valueString": "SUS"}],
            400,
            issue(
                "wrong-type",
                "structure",
                "`value` has another type here; use `valueCode`.",
                "Parameters.parameter[0].value",
            ),
        ),
        (
            [{"name": "status", "valueCode": "SUS"}, {"name": "status", "valueCode": "STP"}],
            422,
            issue(
                "too-many",
                "invalid",
                "`parameter` with `name` `status` may occur only once; remove this one.",
                "Parameters.parameter[1]",
            ),
        ),
    ],
    ids=["lower case", "NEW", "an unknown reason", "no status", "a string", "two"],
)
async def test_a_status_that_cannot_be_asked_for(
    canned: httpx.AsyncClient, partner: Canned, parameter: list[Json], status: int, told: Json
) -> None:
    """Named with what can."""
    answered = await refused(canned, partner, ("POST", STATUS), json.dumps(parameters(*parameter)))

    assert answered == (status, outcome(told))


async def test_a_message_without_its_header(canned: httpx.AsyncClient, partner: Canned) -> None:
    """https://hl7.org/fhir/STU3/messaging.html"""
    body = json.loads(REQUEST)
    del body["entry"][0]

    answered = await refused(canned, partner, ("PUT", MESSAGE), json.dumps(body))

    text = "`entry` with `resource` of type `MessageHeader` is missing; add it."
    assert answered == (422, outcome(issue("too-few", "required", text, "Bundle.entry")))


async def test_a_message_with_nothing_in_it(canned: httpx.AsyncClient, partner: Canned) -> None:
    """All that is missing is reported, not the first alone."""
    answered = await refused(canned, partner, ("PUT", MESSAGE), '{"resourceType": "Bundle", "type": "message"}')

    missing = "`entry` with `resource` of type `{}` is missing; add it."
    assert answered == (
        422,
        outcome(
            issue("too-few", "required", missing.format("MessageHeader"), "Bundle.entry"),
            issue("too-few", "required", missing.format("Patient"), "Bundle.entry"),
        ),
    )


async def test_a_patch_that_is_none_needs_no_record(canned: httpx.AsyncClient, partner: Canned) -> None:
    """It can be known before any call."""
    partner.answer(404)
    patch = {"Content-Type": "application/json-patch+json"}

    answered = await refused(canned, partner, ("PATCH", PATIENT), '[{"op": "alter", "path": "/gender"}]', patch)

    text = "op is one of add, remove, replace, move, copy, test."
    assert answered == (400, outcome(issue("invalid-patch", "value", text, "[0].op")))


async def raw(
    app: Any, method: str, path: bytes, body: Iterable[bytes] = (), headers: Iterable[tuple[bytes, bytes]] = ()
) -> tuple[int, dict[str, str], Json]:
    """Call the app with a path that no client may tidy up; return status, headers and JSON."""
    chunks = iter(body)
    sent: list[Message] = []
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "server": ("bridge.test", 80),
        "path": unquote(path.decode("ascii")),
        "raw_path": path,
        "query_string": b"",
        "root_path": "",
        "headers": [(b"host", b"bridge.test"), *headers],
    }

    async def receive() -> Message:
        chunk = next(chunks, None)
        return {"type": "http.request", "body": chunk or b"", "more_body": chunk is not None}

    async def send(message: Message) -> None:
        sent.append(message)

    await asyncio.wait_for(app(scope, receive, send), 10)
    start, *rest = sent
    content = b"".join(message.get("body", b"") for message in rest)
    named = {name.decode(): value.decode() for name, value in start["headers"]}
    return start["status"], named, json.loads(content) if content else None


def app_of(client: httpx.AsyncClient) -> Any:
    """Return the app that a client of `serving` talks to."""
    transport = client._transport
    assert isinstance(transport, httpx.ASGITransport)
    return transport.app


NO_ID = "An id has 1 to 64 letters, digits, '-' and '.', and is neither '.' nor '..'."
BAD_IDS = {
    "a step up": b"..",
    "a step nowhere": b".",
    "an encoded step up": b"%2e%2e",
    "an encoded slash": b"a%2Fb",
    "a way to another path": b"..%2f..%2fadmin",
    "65 characters": b"a" * 65,
    "a line break": b"a%0d%0aX-Evil:%20b",
    "a null": b"a%00",
    "a space": b"a%20b",
    "not ASCII": b"%D0%86%D0%B2%D0%B0%D0%BD",
    "no UTF-8": b"%ff",
    "an underscore": b"a_b",
    "a percent sign": b"%2525",
    "a question mark": b"a%3Fb",
    "a line break at the end": b"abc%0a",
}


@pytest.mark.parametrize("kind", BAD_IDS)
@pytest.mark.parametrize(
    ("method", "address"),
    [
        ("GET", b"/fhir/healthex/ResearchStudy/%b"),
        ("PUT", b"/fhir/roche/Practitioner/%b"),
        ("POST", b"/fhir/healthex/Patient/%b/$update-data"),
        ("PUT", b"/fhir/roche/Bundle/%b"),
    ],
)
async def test_an_id_that_is_none(
    canned: httpx.AsyncClient, partner: Canned, method: str, address: bytes, kind: str
) -> None:
    """400 at the id, whatever a path of this kind would mean to a partner."""
    status, _, told = await raw(app_of(canned), method, address.replace(b"%b", BAD_IDS[kind]))

    resource_type = address.split(b"/")[3].decode()
    assert (status, told) == (400, outcome(issue("invalid-id", "value", NO_ID, f"{resource_type}.id")))
    assert partner.calls() == []


@pytest.mark.parametrize("kind", BAD_IDS)
@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH"])
async def test_an_id_that_is_none_where_ids_have_a_form(
    canned: httpx.AsyncClient, partner: Canned, method: str, kind: str
) -> None:
    """404: there is no such record, and no call that could find another one."""
    status, _, told = await raw(app_of(canned), method, b"/fhir/ehealth/Patient/" + BAD_IDS[kind])

    text = "eHealth Ukraine has no such Patient: its ids are of the form uuid."
    assert (status, told) == (404, outcome(issue("invalid-id", "not-found", text, "Patient.id")))
    assert partner.calls() == []


@pytest.mark.parametrize(
    "id_",
    [*BAD_IDS.values(), b"0", b"-1", b"+1", b"01", b"1.0", b"1e5", b"x", b"%31%32%2e", "１２３".encode(), b"9" * 19],
)
async def test_an_id_that_no_record_of_this_partner_can_have(
    canned: httpx.AsyncClient, partner: Canned, id_: bytes
) -> None:
    """Its ids are whole numbers without sign or leading zero: there is no such patient, and no call is made."""
    encoded = b"".join(bytes([byte]) if byte < 128 else b"%%%02X" % byte for byte in id_)
    status, _, told = await raw(app_of(canned), "POST", b"/fhir/wmda/Patient/" + encoded + b"/$update-search-status")

    text = "WMDA Search & Match has no such Patient: its ids are of the form positive-integer."
    assert (status, told) == (404, outcome(issue("invalid-id", "not-found", text, "Patient.id")))
    assert partner.calls() == []


@pytest.mark.parametrize(
    ("path", "right"),
    [
        (b"/fhir/ehealth//Patient/a", "/fhir/ehealth/Patient/a"),
        (b"/fhir//ehealth/Patient///a//", "/fhir/ehealth/Patient/a/"),
        (b"//fhir/ehealth/metadata", "/fhir/ehealth/metadata"),
        (b"/health//live", "/health/live"),
    ],
)
async def test_two_slashes_side_by_side(canned: httpx.AsyncClient, partner: Canned, path: bytes, right: str) -> None:
    """404, saying the right address: one that reads `a//b` as `a/b` would let two addresses be one."""
    status, _, told = await raw(app_of(canned), "GET", path)

    text = f"The address has two slashes side by side; write {right}."
    assert (status, told) == (404, outcome(issue("unknown-path", "not-found", text)))
    assert partner.requests == []


async def test_two_slashes_in_a_long_address(canned: httpx.AsyncClient) -> None:
    status, _, told = await raw(app_of(canned), "GET", b"/fhir//" + b"a" * 300)

    text = "The address has two slashes side by side; write one."
    assert (status, told) == (404, outcome(issue("unknown-path", "not-found", text)))


@pytest.mark.parametrize(
    "path",
    [
        b"/fhir/ehealth/Patient/a/b/c",
        b"/fhir/ehealth/../roche/Bundle/a",
        b"/fhir/ehealth%2FPatient/a",
        b"/fhir/nobody/Patient/a",
        b"/fhir/ehealth/patient/a",
        b"/fhir/ehealth/metadata/x",
    ],
)
async def test_an_address_that_is_none_of_fhirs(canned: httpx.AsyncClient, partner: Canned, path: bytes) -> None:
    """404, saying what an address looks like."""
    status, _, told = await raw(app_of(canned), "GET", path)

    (said,) = told["issue"]
    form = "This address is no FHIR address: [base]/[type], [base]/[type]/[id], [base]/metadata or one with $operation."
    bases = " Bases here: /fhir, /fhir/ehealth, /fhir/healthex, /fhir/roche, /fhir/wmda."
    assert status == 404
    assert told == outcome(issue("unknown-path", "not-found", said["details"]["text"]))
    assert said["details"]["text"] in (form, form + bases)
    assert partner.calls() == []


@pytest.mark.parametrize("path", [b"/", b"/fhirx", b"/fhir2/Patient/1", b"/health", b"/docs"])
async def test_an_address_outside_of_fhir(canned: httpx.AsyncClient, path: bytes) -> None:
    """404, and where FHIR is."""
    status, _, told = await raw(app_of(canned), "GET", path)

    text = "There is nothing at this address; FHIR is served below /fhir."
    assert (status, told) == (404, outcome(issue("unknown-path", "not-found", text)))


@pytest.mark.parametrize("path", [b"/fhir", b"/fhir/", b"/fhir/ehealth/Patient/1", b"/fhir/metadata"])
async def test_a_method_that_nobody_knows(canned: httpx.AsyncClient, path: bytes) -> None:
    """405, and those that mean something at this address."""
    status, _, told = await raw(app_of(canned), "BREW", path)

    text = "BREW means nothing at this address; OPTIONS tells the methods that do."
    assert (status, told) == (405, outcome(issue("method-not-allowed", "not-supported", text)))


def too_large(limit: int) -> Json:
    text = f"The body is larger than {limit} bytes; send less at once."
    return outcome(issue("body-too-large", "too-long", text))


async def test_a_body_over_the_limit(canned: httpx.AsyncClient, partner: Canned) -> None:
    """Five megabytes, as long as nothing else is configured."""
    answered = await refused(canned, partner, ("PUT", PATIENT), b" " * 5_000_001)

    assert answered == (413, too_large(5_000_000))


async def test_a_body_of_just_the_limit_is_read(canned: httpx.AsyncClient, partner: Canned) -> None:
    """All of it."""
    status, told = await refused(canned, partner, ("PUT", PATIENT), b"{" + b" " * 4_999_998 + b"}")

    assert (status, told) == (400, other_type("Patient"))


async def test_another_limit_can_be_set(ready_routes: Routes, partner: Canned) -> None:
    """In bytes, not in characters."""
    async with serving(ready_routes, partner.everywhere(), limits=Limits(max_body_bytes=10)) as client:
        answered = await refused(client, partner, ("PUT", PATIENT), "ґґґґґґ")

    assert answered == (413, too_large(10))


async def test_a_body_that_does_not_say_how_long_it_is(ready_routes: Routes, partner: Canned) -> None:
    """It is counted while it comes, and not read past the limit; the connection ends, since the rest is not read."""
    read: list[int] = []

    def chunks() -> Iterator[bytes]:
        for number in range(1, 1001):
            read.append(number)
            yield b"x" * 100

    async with serving(ready_routes, partner.everywhere(), limits=Limits(max_body_bytes=250)) as client:
        status, headers, told = await raw(app_of(client), "PUT", PATIENT.encode(), chunks())

    assert (status, told) == (413, too_large(250))
    assert headers["connection"] == "close"
    assert read == [1, 2, 3]


async def test_a_body_that_announces_too_much_is_not_read_at_all(ready_routes: Routes, partner: Canned) -> None:
    """The header is enough."""
    announced = [(b"content-length", b"5000001")]

    async with serving(ready_routes, partner.everywhere()) as client:
        status, _, told = await raw(app_of(client), "PUT", PATIENT.encode(), [b"{}"], announced)

    assert (status, told) == (413, too_large(5_000_000))


async def test_an_announced_length_that_is_no_number_is_none(ready_routes: Routes, partner: Canned) -> None:
    announced = [(b"content-length", "²".encode("latin-1"))]

    async with serving(ready_routes, partner.everywhere()) as client:
        status, _, _ = await raw(app_of(client), "PUT", PATIENT.encode(), [b"{}"], announced)

    assert status == 400


@pytest.mark.parametrize("value", ["a\x7fb", "a\x00b", "é", "x" * 1001])
async def test_a_header_that_cannot_be_passed_on(canned: httpx.AsyncClient, partner: Canned, value: str) -> None:
    """`org_id` becomes a header of the partner's call."""
    headers = [(b"content-type", b"application/fhir+json"), (b"org_id", value.encode("latin-1"))]

    status, _, told = await raw(app_of(canned), "PUT", MESSAGE.encode(), [REQUEST.encode()], headers)

    text = "`org_id` becomes a header: only visible ASCII characters, at most 1000."
    assert (status, told) == (400, outcome(issue("invalid-header", "value", text, "http.org_id")))
    assert partner.calls() == []


@pytest.mark.parametrize(
    ("query", "accept", "expression"),
    [
        ("", "text/html", "http.Accept"),
        ("", "application/fhir+turtle", "http.Accept"),
        ("", "*/*;q=0", "http.Accept"),
        ("?_format=ttl", "application/fhir+json", "http._format"),
        ("?_format=html", "", "http._format"),
    ],
)
async def test_a_format_that_the_answer_cannot_have(
    canned: httpx.AsyncClient, partner: Canned, query: str, accept: str, expression: str
) -> None:
    """406, before any call."""
    response = await canned.get(f"{PATIENT}{query}", headers={"Accept": accept})

    (said,) = response.json()["issue"]
    assert response.status_code == 406
    assert (said["code"], said["expression"]) == ("not-supported", [expression])
    assert said["details"]["coding"][0]["code"] == "not-acceptable"
    assert partner.calls() == []


async def test_a_version_that_the_answer_cannot_have(canned: httpx.AsyncClient, partner: Canned) -> None:
    """406, naming the version that the base speaks."""
    response = await canned.get(PATIENT, headers={"Accept": "application/fhir+json; fhirVersion=3.0"})

    text = "This base speaks fhirVersion 4.0; use that, or leave the parameter out."
    assert response.status_code == 406
    assert response.json() == outcome(issue("not-acceptable", "not-supported", text, "http.Accept"))
    assert partner.calls() == []


async def test_two_versions_in_one_request(canned: httpx.AsyncClient, partner: Canned) -> None:
    """The answer has the version of the body."""
    headers = {
        "Content-Type": "application/fhir+json; fhirVersion=4.0",
        "Accept": "application/fhir+json; fhirVersion=3.0",
    }

    response = await canned.put(MESSAGE, content=REQUEST, headers=headers)

    text = "The answer has the FHIR version of the body; ask for the same in Accept and Content-Type."
    assert response.status_code == 406
    assert response.json() == outcome(issue("not-acceptable", "not-supported", text, "http.Accept"))
    assert partner.calls() == []
