"""Creating: a call that makes a record, the id that it tells, and the read that may follow."""

from decimal import Decimal
from typing import Any

import pytest

from fhir_bridge.fhir.interaction import FhirResponse, Preferences
from fhir_bridge.fhir.json import loads
from fhir_bridge.mapping.losses import Loss
from fhir_bridge.mapping.plans.answers import CARRIED_OUT, NOT_SHOWN, NOTHING_CHANGED_YET
from fhir_bridge.outcome import FhirError, Issue, Json, operation_outcome
from tests.mapping.lab import (
    URL,
    Done,
    answer,
    ask,
    handle,
    load,
    mapped,
    operation,
    parameters,
    problems,
    profile,
)

FILE = """\
partner: northlab
title: Northlab
connection: {base_url: $NORTHLAB_URL}
identity: {systems: [sid/client], id: positive-integer}
interactions:
  read Patient:
    call: GET /clients/{id}
    receive: {map: client, at: data}
  create Patient:
    call: POST /clients
    send: {map: client, profile: StructureDefinition/new-client, with: {channel.name: ehr, site: $SITE?, unit: $UNIT?}}
    receive: {id: {at: number, as: digits}, at: made}
    then: read Patient
  update Patient:
    call: PUT /clients
    send: {map: client, id: {at: number, as: digits}}
    receive: {empty: success}
    then: read Patient
  patch Patient: {reads: read Patient, writes: update Patient}
  $sign-in:
    definition: OperationDefinition/sign-in
    call: POST /sessions
    send: {map: sign-in, with: {kind: code}}
    receive: {map: session}
maps:
  client:
    resource: Patient
    slices:
      name[usual]: {use: usual}
    rows:
      id: {at: number, as: digits, only: to_fhir}
      meta.lastUpdated: {at: changed, only: to_fhir}
      language: {value: nb-NO}
      name[usual].family: {at: surname}
      birthDate: {at: born, only: create}
    silent: {id: any, meta: any}
  sign-in:
    resource: Parameters
    rows: {'parameter[code].valueString': {at: code}}
  session:
    resource: Parameters
    rows: {'parameter[token].valueString': {at: token, required: true}}
"""
NEW = profile("new-client", "Patient", {"id": "Patient.name", "path": "Patient.name", "min": 1})
ROUTES = load(FILE, NEW, operation("sign-in"), environment={**URL, "SITE": "oslo"})
ADA: Json = {
    "resourceType": "Patient",
    "id": "mine",
    "meta": {"versionId": "7", "lastUpdated": "2001-01-01T00:00:00Z"},
    "name": [{"use": "usual", "family": "Lovelace"}],
    "birthDate": "1815-12-10",
}
MADE = answer(201, {"made": {"number": 42}})
RECORD = {"number": 42, "changed": "2026-01-02T03:04:05Z", "surname": "Lovelace", "born": "1815-12-10"}
READ: Json = {
    "resourceType": "Patient",
    "id": "42",
    "meta": {"lastUpdated": "2026-01-02T03:04:05Z"},
    "language": "nb-NO",
    "name": [{"use": "usual", "family": "Lovelace"}],
    "birthDate": "1815-12-10",
}
VERSION = {"ETag": 'W/"2026-01-02T030405Z-bb50cceb20d8"', "Last-Modified": "Fri, 02 Jan 2026 03:04:05 GMT"}
LATE = FhirError(504, Issue("partner-too-late", "timeout", "Northlab did not answer in time; send again later."))


def create(body: Json, *answers: Any, **also: Any) -> Done:
    return handle(ROUTES, ask("create", id_=None, body=body, base_url="http://b/fhir/northlab", **also), *answers)


def test_a_created_record_is_read_and_its_address_is_told() -> None:
    """The id and the version that the client gave are not taken, and what may be written only now is sent."""
    done = create(ADA, MADE, answer(200, {"data": RECORD}))

    assert done.sent == [
        ("POST", "/clients", {"surname": "Lovelace", "born": "1815-12-10", "channel": {"name": "ehr"}, "site": "oslo"}),
        ("GET", "/clients/42", None),
    ]
    location = {"Location": "http://b/fhir/northlab/Patient/42"}
    assert done.response == FhirResponse(201, READ, {**location, **VERSION})


def test_who_wants_no_record_gets_none_and_it_is_not_read() -> None:
    done = create(ADA, MADE, preferences=Preferences("minimal"))

    assert [method for method, *_ in done.sent] == ["POST"]
    assert done.response == FhirResponse(201, None, {"Location": "http://b/fhir/northlab/Patient/42"})


def test_who_wants_an_outcome_is_told_what_was_left_behind() -> None:
    body = {**ADA, "photo": [{"title": "x"}], "meta": {"versionId": "1", "tag": [{"code": "x"}]}}

    done = create(body, MADE, answer(200, {"data": RECORD}), preferences=Preferences("OperationOutcome"))

    assert done.response is not None
    assert done.response.status_code == 201
    left = Issue(
        "left-behind", "not-supported", "Northlab cannot hold this element; it is left behind.", "Patient.photo[0]",
        "warning",
    )  # fmt: skip
    said = Issue("done", "informational", CARRIED_OUT, severity="information")
    assert done.resource == operation_outcome([said, left])


@pytest.mark.parametrize("failure", [LATE, answer(503)])
def test_a_record_that_cannot_be_read_is_there_all_the_same(failure: Any) -> None:
    """The client learns its address, and why it is not shown."""
    done = create(ADA, MADE, failure)

    assert done.response is not None
    assert done.response.status_code == 201
    assert done.response.headers == {"Location": "http://b/fhir/northlab/Patient/42"}
    first, second = done.resource["issue"]
    assert (first["severity"], first["code"], first["details"]["text"]) == ("warning", "incomplete", NOT_SHOWN)
    assert second["severity"] == "warning"


def test_what_was_left_behind_is_told_even_where_the_record_cannot_be_read() -> None:
    done = create({**ADA, "photo": [{"title": "x"}]}, MADE, LATE, preferences=Preferences("OperationOutcome"))

    said = [(issue["severity"], issue["details"]["coding"][0]["code"]) for issue in done.resource["issue"]]
    assert said == [("warning", "record-not-shown"), ("warning", "partner-too-late"), ("warning", "left-behind")]


def test_a_new_record_has_its_own_profile() -> None:
    done = create({"resourceType": "Patient", "birthDate": "1815-12-10"})

    assert done.error is not None
    assert [(issue.error, issue.expression) for issue in done.error.issues] == [("too-few", "Patient.name")]


def test_an_answer_without_the_new_id_cannot_be_read() -> None:
    done = create(ADA, answer(201, {"made": {"else": 1}}))

    assert done.error is not None
    text = "Northlab accepted the call (status 201), but its answer cannot be read: `number`: it is missing."
    assert done.error.issues == (Issue("partner-answer-unreadable", "exception", text),)


def test_an_update_sends_nothing_of_what_is_written_at_creation_alone() -> None:
    body = {**ADA, "id": "42"}

    done = handle(ROUTES, ask("update", body=body), answer(204), answer(200, {"data": RECORD}))

    assert done.sent == [("PUT", "/clients", {"surname": "Lovelace", "number": 42}), ("GET", "/clients/42", None)]
    text = "Northlab cannot hold this element; it is left behind."
    behind = Issue("left-behind", "not-supported", text, "Patient.birthDate", "warning")
    assert done.response == FhirResponse(200, READ, VERSION, left_behind=(behind,))


def test_a_patch_does_not_change_it_either() -> None:
    change = {"birthDate": "1816-12-10"}

    done = handle(
        ROUTES,
        ask("patch", body=change, content_type="application/merge-patch+json"),
        answer(200, {"data": RECORD}),
    )

    assert done.error is not None
    assert [(issue.error, issue.expression) for issue in done.error.issues] == [("read-only", "Patient.birthDate")]


def test_what_fails_before_the_change_says_that_nothing_was_changed() -> None:
    done = handle(ROUTES, ask("patch", body={"gender": "male"}, content_type="application/merge-patch+json"), LATE)

    said = Issue("nothing-changed", "informational", NOTHING_CHANGED_YET, severity="information")
    assert done.error is not None
    assert (done.error.status_code, done.error.issues) == (504, (*LATE.issues, said))


def test_a_record_that_is_not_there_needs_no_such_word() -> None:
    body = {"gender": "male"}

    done = handle(ROUTES, ask("patch", body=body, content_type="application/merge-patch+json"), answer(404))

    assert done.error is not None
    assert done.error.issues == (Issue("partner-refused", "not-found", "Northlab does not know this."),)


def test_an_operation_of_the_whole_base_has_a_call_of_its_own() -> None:
    interaction = ask("operation", None, None, operation="sign-in", body=parameters(code={"valueString": "x"}))

    done = handle(ROUTES, interaction, answer(201, {"token": "t"}))

    assert done.sent == [("POST", "/sessions", {"code": "x", "kind": "code"})]
    assert done.resource == parameters(token={"valueString": "t"})


CONSTANTS = "language: {value: nb-NO}\nbirthDate: {at: born}"


def test_a_constant_is_in_every_resource_and_in_no_record() -> None:
    """It is no loss where the client has it, and a loss where the client has another."""
    map_ = mapped(CONSTANTS)

    assert map_.to_fhir({"born": "1815-12-10"})[0] == {
        "resourceType": "Patient",
        "language": "nb-NO",
        "birthDate": "1815-12-10",
    }
    resource = {"resourceType": "Patient", "language": "nb-NO", "birthDate": "1815-12-10"}
    assert map_.to_partner(resource).body == {"born": "1815-12-10"}
    assert map_.losses(resource) == []
    assert map_.losses({**resource, "language": "en"}) == [Loss("Patient.language")]


def test_a_constant_beside_what_is_read_is_there_with_it_alone() -> None:
    """A system of no value says nothing, and the record did not say it."""
    rows = "maritalStatus.text: {value: told}\nmanagingOrganization.identifier.system: {value: sid/ward}\n"
    map_ = mapped(rows + "managingOrganization.identifier.value: {at: ward}\nbirthDate: {at: born}")

    with_ward, without = [map_.to_fhir({"born": "1815-12-10", **more})[0] for more in ({"ward": "7"}, {})]

    assert with_ward["managingOrganization"]["identifier"] == {
        "system": "https://fhir-bridge.example/fhir/sid/ward",
        "value": "7",
    }
    assert without == {"resourceType": "Patient", "maritalStatus": {"text": "told"}, "birthDate": "1815-12-10"}


def test_a_constant_that_is_a_uri_may_be_short() -> None:
    rows = "implicitRules: {value: rules/lab}\nbirthDate: {at: born}"

    resource, _ = mapped(rows).to_fhir({"born": "1815-12-10"})

    assert resource["implicitRules"] == "https://fhir-bridge.example/fhir/rules/lab"


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("language: {value: nb-NO}", "active: {value: 'true'}", "'active' is no text, and a 'value' is one"),
        (
            "language: {value: nb-NO}",
            "gender: {value: femal}",
            "'femal' is no code of 'gender'; did you mean 'female'?",
        ),
        ("then: read Patient\n  update", "then: read Patint\n  update", "there is no interaction 'read Patint'; did"),
        (
            "then: read Patient\n  update",
            "then: patch Patient\n  update",
            "'patch Patient' is no read of Patient; name",
        ),
        ("site: $SITE?", "surname: x", "field 'surname' is written by line 34 as well; keep one of the two"),
        ("site: $SITE?", "site: $SITE", "the variable SITE is not set; set it and start again"),
        ("receive: {empty: success}", "receive: {at: x}", "'receive' says nothing of the answer; name a 'map'"),
    ],
)
def test_mistakes_are_told(old: str, new: str, problem: str) -> None:
    assert old in FILE

    found = problems(FILE.replace(old, new, 1), NEW, operation("sign-in"))

    assert [line for line in found if problem in line], found


MESSAGES = """\
partner: northlab
connection: {base_url: $NORTHLAB_URL}
interactions:
  update Bundle:
    call: PUT /messages/{id}
    send: {as_it_is: message}
    receive: {as_it_is: message}
    id: entry[patient].resource.id
  create Bundle:
    call: POST /messages
    send: {as_it_is: message}
    receive: {as_it_is: message}
  $process-message Bundle:
    definition: http://hl7.org/fhir/OperationDefinition/MessageHeader-process-message
    as: [update Bundle, create Bundle]
maps:
  message:
    resource: Bundle
    slices:
      entry[patient]: {resource.resourceType: Patient}
"""


def message(**patient: str) -> Json:
    return {
        "resourceType": "Bundle",
        "type": "collection",
        "entry": [{"resource": {"resourceType": "Patient", "gender": "male", **patient}}],
    }


@pytest.mark.parametrize(
    ("body", "call", "status"),
    [(message(id="7"), ("PUT", "/messages/7"), 200), (message(), ("POST", "/messages"), 200)],
)
def test_what_the_body_tells_decides_between_an_update_and_a_create(
    body: Json, call: tuple[str, str], status: int
) -> None:
    interaction = ask("operation", None, None, operation="process-message", body=body)

    done = handle(load(MESSAGES), interaction, answer(status, body))

    assert done.sent == [(*call, body)]
    assert done.response == FhirResponse(status, body)


def test_what_is_passed_through_must_be_the_record_that_was_asked_for() -> None:
    read = 'read Patient: {call: "GET /p/{id}", receive: {as_it_is: patient}}'
    file = MESSAGES.replace("update Bundle:", f"{read}\n  update Bundle:", 1)
    routes = load(f"{file}  patient: {{resource: Patient}}\n")

    done = handle(routes, ask("read"), answer(200, {"resourceType": "Patient", "id": "43"}))

    assert done.error is not None
    text = "its answer cannot be read: it is the record of another id than the one that was asked for."
    assert done.error.issues[0].text == f"northlab answered with status 200, but {text}"


@pytest.mark.parametrize(
    ("as_", "problem"),
    [
        ("[update Bundle, creat Bundle]", "there is no create 'creat Bundle'; did you mean 'create Bundle'?"),
        (
            "[update Bundle, create Bundle, create Bundle]",
            "'as' names an update, and the create that it is without an id; remove this",
        ),
    ],
)
def test_mistakes_in_as_are_told(as_: str, problem: str) -> None:
    found = problems(MESSAGES.replace("[update Bundle, create Bundle]", as_))

    assert [line.partition(": ")[2] for line in found] == [problem]


def test_a_call_that_cannot_be_compiled_is_told_once() -> None:
    found = problems(MESSAGES.replace("    receive: {as_it_is: message}\n    id:", "    id:"))

    assert [line.partition(": ")[2] for line in found] == ["'update Bundle' receives nothing; add 'receive'"]


# --- constants that are no text


def with_(constants: str) -> str:
    return FILE.replace("with: {channel.name: ehr, site: $SITE?, unit: $UNIT?}", f"with: {constants}")


@pytest.mark.parametrize(
    ("constants", "sent"),
    [
        ('{a: {value: "true", as: boolean}, b: {value: "-1.50", as: number}}', {"a": True, "b": Decimal("-1.50")}),
        ("{a: {value: [true, false], as: boolean}, b: [x, y]}", {"a": [True, False], "b": ["x", "y"]}),
        ("{a: {value: true}, b: {value: [x]}}", {"a": "true", "b": ["x"]}),
        ("{a: [$SITE?, $UNIT?], b: [$UNIT?]}", {"a": ["oslo"]}),
    ],
)
def test_constants_may_be_lists_and_other_than_text(constants: str, sent: Json) -> None:
    routes = load(with_(constants), NEW, operation("sign-in"), environment={**URL, "SITE": "oslo"})

    done = handle(routes, ask("create", id_=None, body=ADA), MADE, answer(200, {"data": RECORD}))

    body = loads(done.requests[0].body or b"")
    assert body == {"surname": "Lovelace", "born": "1815-12-10", **sent}


@pytest.mark.parametrize(
    ("constants", "found"),
    [
        ("{a: {value: yes, as: boolean}}", "11:84: 'yes' is no boolean; correct it, or 'as'"),
        ("{a: {value: [1, 02], as: number}}", "11:88: '02' is no number; correct it, or 'as'"),
        ("{a: {value: $SITE?, as: boolean}}", "11:84: a variable is text; leave out 'as'"),
        ("{a: {as: boolean}}", "11:76: with has no 'value'; add it"),
        ("{a: {value: b, as: date}}", "11:91: unknown 'as: date'; known here: boolean, number, text"),
    ],
)
def test_a_mistake_in_a_constant_is_told_at_its_place(constants: str, found: str) -> None:
    assert problems(with_(constants), NEW, operation("sign-in")) == [f"t.yaml:{found}"]
