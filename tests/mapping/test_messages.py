"""A resource by itself goes in a message: it is checked, wrapped and sent, and comes out of the answer."""

from __future__ import annotations

from typing import Any

import pytest

from fhir_bridge.fhir.interaction import Preferences
from fhir_bridge.mapping.messages import MessageSender
from fhir_bridge.mapping.routes import Routes
from fhir_bridge.outcome import Issue, Json
from tests.mapping.lab import UUID, Done, answer, ask, handle, load, problems, profile, texts

FILE = """\
partner: northlab
title: Northlab
fhir: ["3.0", "4.0"]
connection: {base_url: $NORTHLAB_URL}
interactions:
  read Patient:
    call: GET /patients/{id}
    receive: {as_it_is: patient}
  update Bundle:
    call: PUT /messages/{id}
    send: {as_it_is: message}
    receive: {as_it_is: message, empty: success}
    id: entry[patient].resource.id
    headers:
      X-Sender: {element: "entry[header].resource.source.endpoint"}
  create Bundle:
    call: POST /messages
    send: {as_it_is: message}
    receive: {as_it_is: message}
    with_id: update Bundle
    location: read Patient
  update Patient:
    as: update Bundle
    message: patient
    then: read Patient
  create Patient: {as: create Bundle, message: patient}
maps:
  message:
    resource: Bundle
    profile: StructureDefinition/message
    slices:
      entry[header]: {resource.resourceType: MessageHeader}
      entry[patient]: {resource.resourceType: Patient}
    tolerated: {MessageHeader.source.endpoint: text}
  patient:
    resource: Patient
    profile: StructureDefinition/patient
    header:
      event: http://northlab.example/events#changed
      source: {first_of: [{header: X-Site}, {element: managingOrganization.identifier.value, like: oid}, {text: $SITE}]}
      profiles: {Patient: StructureDefinition/patient}
errors: {operation_outcome: true}
"""
PATIENT_PROFILE = profile(
    "patient",
    "Patient",
    {"id": "Patient.name", "path": "Patient.name", "min": 1},
    {"id": "Patient.contained", "path": "Patient.contained", "max": "2"},
    {"id": "Patient.photo", "path": "Patient.photo", "max": "0"},
    {
        "id": "Patient.telecom",
        "path": "Patient.telecom",
        "slicing": {"discriminator": [{"type": "value", "path": "system"}], "rules": "open"},
    },
    {"id": "Patient.telecom:fax", "path": "Patient.telecom", "sliceName": "fax", "max": "0"},
    {"id": "Patient.telecom:fax.system", "path": "Patient.telecom.system", "fixedCode": "fax"},
)
MESSAGE_PROFILE = profile(
    "message",
    "Bundle",
    {"id": "Bundle.entry", "path": "Bundle.entry"},
    {
        "id": "Bundle.entry.resource",
        "path": "Bundle.entry.resource",
        "constraint": [
            {
                "key": "lab-1",
                "severity": "error",
                "human": "Say when the patient was born.",
                "expression": "ofType(Patient).exists().not() or ofType(Patient).birthDate.exists()",
            }
        ],
    },
)
SITE = {"NORTHLAB_URL": "https://northlab.example/api", "SITE": "oslo-2"}
URL_OF_PROFILE = PATIENT_PROFILE["url"]

CONDITION: dict[str, Any] = {
    "resourceType": "Condition",
    "id": "c",
    "clinicalStatus": {
        "coding": [{"system": "http://terminology.hl7.org/CodeSystem/condition-clinical", "code": "active"}]
    },
    "code": {"text": "LADA"},
    "subject": {"reference": "#"},
}
BARE = {"resourceType": "Patient", "id": "42", "name": [{"family": "Berg"}], "birthDate": "1984-02-29"}
IN_STU3 = {
    "resourceType": "Condition",
    "clinicalStatus": "active",
    "code": {"text": "LADA"},
    "subject": {"reference": "Patient/42"},
}
PATIENT = {**BARE, "contained": [CONDITION]}
META = {"profile": [URL_OF_PROFILE]}


def lab() -> Routes:
    return load(FILE, PATIENT_PROFILE, MESSAGE_PROFILE, environment=SITE)


def without(resource: Json, name: str) -> Json:
    return {key: value for key, value in resource.items() if key != name}


def message(*resources: Json, endpoint: str = "oslo-2") -> Json:
    header = {
        "resourceType": "MessageHeader",
        "id": UUID,
        "event": {"system": "http://northlab.example/events", "code": "changed"},
        "timestamp": "2026-02-03T04:05:06.000+00:00",
        "source": {"endpoint": endpoint},
    }
    entry = [{"resource": resource} for resource in (header, *resources)]
    return {"resourceType": "Bundle", "type": "message", "entry": entry}


def put(body: Json = PATIENT, *answers: Any, **also: Any) -> Done:
    return handle(lab(), ask("update", body=body, **also), *answers)


def test_a_patient_in_r4_goes_in_a_message_in_stu3_and_the_record_is_read_after_it() -> None:
    """With what is contained in it and about it; the record contains again what the answer says of it."""
    old = {**BARE, "name": [{"family": "Before"}]}

    done = put(PATIENT, answer(200, message(old, IN_STU3)), answer(200, {**BARE, "gender": "female"}))

    assert done.sent == [
        ("PUT", "/messages/42", message({**BARE, "meta": META}, IN_STU3)),
        ("GET", "/patients/42", None),
    ]
    assert done.resource == {**BARE, "gender": "female", "contained": [{**CONDITION, "id": "condition-1"}]}


def test_a_patient_in_stu3_goes_in_a_message_in_stu3() -> None:
    patient = {**PATIENT, "contained": [{**CONDITION, "clinicalStatus": "active"}]}

    done = put(patient, answer(200, message(BARE, IN_STU3)), answer(200, BARE), version="3.0")

    assert done.sent[0] == ("PUT", "/messages/42", message({**BARE, "meta": META}, IN_STU3))
    assert done.resource == {**BARE, "contained": [{**CONDITION, "clinicalStatus": "active", "id": "condition-1"}]}


def test_a_success_without_a_body_is_told_by_the_read() -> None:
    done = put(BARE, answer(200), answer(200, BARE))

    assert done.resource == BARE


def test_the_answer_counts_where_the_record_is_not_read() -> None:
    done = put(PATIENT, answer(200, message(BARE, IN_STU3)), preferences=Preferences("minimal"))

    assert len(done.sent) == 1
    assert done.response is not None
    assert (done.response.status_code, done.resource) == (200, None)


@pytest.mark.parametrize(
    ("headers", "organization", "endpoint"),
    [
        ({}, None, "oslo-2"),
        ({}, "no-oid", "oslo-2"),
        ({}, "urn:oid:1.2.3", "1.2.3"),
        ({"x-site": "bergen"}, "urn:oid:1.2.3", "bergen"),
    ],
)
def test_the_message_says_who_sends_it_and_so_does_a_header_that_asks_the_message(
    headers: dict[str, str], organization: str | None, endpoint: str
) -> None:
    managed = {"managingOrganization": {"identifier": {"value": organization}}} if organization else {}

    done = put({**BARE, **managed}, answer(200, message(BARE)), answer(200, BARE), headers=headers)

    assert done.sent[0][2] == message({**BARE, **managed, "meta": META}, endpoint=endpoint)
    assert done.requests[0].headers["X-Sender"] == endpoint


def test_a_new_patient_gets_its_address_from_the_answer() -> None:
    body = without(PATIENT, "id")

    done = handle(lab(), ask("create", id_=None, body=body, base_url="http://x"), answer(200, message(BARE, IN_STU3)))

    (_, patient, condition) = done.sent[0][2]["entry"]
    assert done.sent[0][:2] == ("POST", "/messages")
    assert patient == {"fullUrl": patient["fullUrl"], "resource": {**without(BARE, "id"), "meta": META}}
    assert condition == {"resource": {**IN_STU3, "subject": {"reference": patient["fullUrl"]}}}
    assert done.response is not None
    assert (done.response.status_code, done.response.headers) == (201, {"Location": "http://x/Patient/42"})
    assert done.resource == {**BARE, "contained": [{**CONDITION, "id": "condition-1"}]}


# --- what the partner cannot hold

FAX, PHONE = {"system": "fax", "value": "1"}, {"system": "phone", "value": "2"}
MORE = {**BARE, "telecom": [FAX, PHONE], "photo": [{"title": "x"}]}


def test_what_the_profile_does_not_allow_is_left_behind() -> None:
    done = put(MORE, answer(200, message(BARE)), answer(200, BARE), preferences=Preferences("OperationOutcome"))

    assert done.sent[0] == ("PUT", "/messages/42", message({**BARE, "telecom": [PHONE], "meta": META}))
    left = [(issue["severity"], issue["expression"]) for issue in done.resource["issue"] if "expression" in issue]
    assert left == [("warning", ["Patient.photo[0]"]), ("warning", ["Patient.telecom[0]"])]


def test_a_strict_client_is_refused_for_it() -> None:
    done = put(MORE, preferences=Preferences(strict=True))

    assert done.sent == []
    assert done.error is not None
    text = "Northlab cannot hold this element; leave it out, or send without `handling=strict`."
    assert texts(done.error.issues) == [(text, "Patient.photo[0]"), (text, "Patient.telecom[0]")]


SILENT = "    silent: {Patient.photo: any, ContactPoint.use: [home, work], Condition.stage: any}\nerrors:"
NO_USE = profile(
    "patient",
    "Patient",
    *PATIENT_PROFILE["differential"]["element"][1:4],
    {"id": "Patient.telecom", "path": "Patient.telecom"},
    {"id": "Patient.telecom.use", "path": "Patient.telecom.use", "max": "0"},
    {"id": "Patient.active", "path": "Patient.active", "max": "0"},
)


def test_what_changes_the_meaning_is_refused_but_for_the_values_that_the_map_calls_silent() -> None:
    """By type and element, since what goes in a message has no rows."""
    routes = load(FILE.replace("errors:", SILENT), NO_USE, MESSAGE_PROFILE, environment=SITE)
    told = Preferences("OperationOutcome")

    def refused(**elements: Json) -> list[tuple[str, str | None]]:
        done = handle(routes, ask("update", body={**BARE, **elements}, preferences=told))
        return [(issue.error, issue.expression) for issue in done.error.issues] if done.error else []

    silent = {**BARE, "photo": [{"title": "x"}], "telecom": [{"system": "phone", "value": "1", "use": "home"}]}
    answers = (answer(200, message(BARE)), answer(200, BARE))
    done = handle(routes, ask("update", body=silent, preferences=told), *answers)

    assert done.error is None, done.error.issues
    assert len(done.resource["issue"]) == 1
    assert refused(telecom=[{"system": "phone", "value": "1", "use": "old"}]) == [
        ("changes-meaning", "Patient.telecom[0].use")
    ]
    assert refused(active=True) == [("changes-meaning", "Patient.active")]


def test_what_the_partner_says_of_the_rest_is_told_where_that_stood_before() -> None:
    said = {"severity": "error", "code": "invalid", "expression": ["Patient.telecom[0].value"]}

    done = put(MORE, answer(400, {"resourceType": "OperationOutcome", "issue": [said]}))

    assert done.error is not None
    assert [issue.expression for issue in done.error.issues] == ["Patient.telecom[1].value"]


# --- what is wrong with it


def test_what_is_wrong_with_the_resource_is_told_before_there_is_a_message() -> None:
    """Structure first; then what its profile says."""
    unsound = put({**PATIENT, "nmae": []})
    nameless = put(without(PATIENT, "name"))

    assert [done.sent for done in (unsound, nameless)] == [[], []]
    assert unsound.error is not None
    assert unsound.error.status_code == 400
    assert nameless.error is not None
    assert nameless.error.status_code == 422
    assert texts(nameless.error.issues) == [("`name` is missing; add it.", "Patient.name")]


def test_what_is_wrong_with_the_message_is_told_at_the_resource() -> None:
    done = put(without(BARE, "birthDate"))

    assert done.error is not None
    assert done.error.status_code == 422
    assert texts(done.error.issues) == [("Say when the patient was born.", "Patient")]


def test_what_cannot_be_said_in_the_partners_version_is_told_at_the_resource() -> None:
    condition = {**CONDITION, "extension": [{"url": "http://x/y", "valueUrl": "http://z"}]}
    answers = answer(200, message(BARE)), answer(200, BARE)

    done = put({**BARE, "contained": [condition]}, *answers, preferences=Preferences("OperationOutcome"))

    assert [(issue["code"], issue["expression"]) for issue in done.resource["issue"] if "expression" in issue] == [
        ("not-supported", ["Patient.contained[0].extension[0].value"])
    ]


def test_the_id_in_the_body_is_that_of_the_address() -> None:
    done = put({**PATIENT, "id": "43"})

    assert done.error is not None
    assert texts(done.error.issues) == [
        ("The id in the body must be the id in the address; make them the same.", "Patient.id")
    ]


@pytest.mark.parametrize(
    ("told", "place"),
    [
        ("Bundle.entry[1].resource.name[0].given", "Patient.name[0].given"),
        ("Bundle.entry[2].resource.assertedDate", "Patient.contained[0].recordedDate"),
        ("Condition.code", "Patient.contained[0].code"),
        ("Bundle.entry[0].resource.source", None),
        ("MessageHeader.timestamp", None),
    ],
)
def test_what_the_partner_refuses_is_told_at_the_resource(told: str, place: str | None) -> None:
    refused = {
        "resourceType": "OperationOutcome",
        "issue": [{"severity": "error", "code": "invalid", "diagnostics": "no", "expression": [told]}],
    }

    done = put(PATIENT, answer(400, refused))

    assert done.error is not None
    assert [issue.expression for issue in done.error.issues] == [place]


def test_the_partners_places_in_a_message_are_told_in_the_clients_version_too() -> None:
    header = {
        "resourceType": "MessageHeader",
        "eventCoding": {"system": "http://northlab.example/events", "code": "changed"},
        "source": {"endpoint": "http://northlab.example"},
    }
    condition = {**CONDITION, "subject": {"reference": "Patient/42"}}
    entry = [{"resource": resource} for resource in (header, BARE, condition)]
    body = {"resourceType": "Bundle", "type": "message", "timestamp": "2026-02-03T04:05:06Z", "entry": entry}
    refused = {
        "resourceType": "OperationOutcome",
        "issue": [{"severity": "error", "code": "invalid", "expression": ["Bundle.entry[2].resource.assertedDate"]}],
    }

    done = handle(lab(), ask("update", "Bundle", body=body), answer(400, refused))

    assert done.error is not None
    assert [issue.expression for issue in done.error.issues] == ["Bundle.entry[2].resource.recordedDate"]


@pytest.mark.parametrize(
    ("found", "why"),
    [
        (message(), "a Patient with an id is expected in it"),
        (message({"resourceType": "Patient"}), "a Patient with an id is expected in it"),
        (message({**BARE, "id": "43"}), "it is the record of another id than the one that was asked for"),
        (BARE, "a Bundle is expected here"),
    ],
)
def test_an_answer_that_does_not_tell_the_patient_cannot_be_read(found: Json, why: str) -> None:
    done = put(PATIENT, answer(200, found))

    assert done.error is not None
    text = f"Northlab accepted the call (status 200), but its answer cannot be read: {why}."
    assert done.error.issues == (Issue("partner-answer-unreadable", "exception", text),)


# --- a message that makes a record


@pytest.mark.parametrize(
    ("patient", "call", "status_code", "headers"),
    [
        (BARE, ("PUT", "/messages/42"), 200, {}),
        (without(BARE, "id"), ("POST", "/messages"), 201, {"Location": "http://x/Patient/42"}),
    ],
)
def test_a_message_that_is_created_is_an_update_where_it_tells_an_id(
    patient: Json, call: tuple[str, str], status_code: int, headers: Json
) -> None:
    body = message(patient)

    done = handle(
        lab(), ask("create", "Bundle", None, body=body, version="3.0", base_url="http://x"), answer(200, message(BARE))
    )

    assert done.sent == [(*call, body)]
    assert done.response is not None
    assert (done.response.status_code, done.response.headers) == (status_code, headers)
    assert done.resource == message(BARE)


def test_an_answer_that_tells_no_id_is_no_201_without_a_location() -> None:
    body = message(without(BARE, "id"))

    done = handle(lab(), ask("create", "Bundle", None, body=body, version="3.0"), answer(201, body))

    assert done.response is not None
    assert (done.response.status_code, done.response.headers) == (200, {})


def test_a_message_that_cannot_be_read_is_refused_before_it_tells_anything() -> None:
    done = handle(lab(), ask("create", "Bundle", None, body={"resourceType": "Bundle", "entry": 1}, version="3.0"))

    assert done.error is not None
    assert done.error.status_code == 400


def test_what_explains_a_message_finds_its_sender() -> None:
    interaction = ask("update", body=PATIENT)
    route, _ = lab().match(interaction)

    assert isinstance(route.call.sender, MessageSender)
    assert route.profile == URL_OF_PROFILE
    assert [step.call.path for step in route.steps] == ["/patients/{id}", "/messages/{id}", "/patients/{id}"]
    assert (route.call.sender.pairs(PATIENT), route.call.sender.losses(PATIENT, interaction)) == ([], [])


# --- mistakes in the file


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("message: patient\n", "message: patint\n", "there is no map 'patint'; did you mean 'patient'?"),
        ("message: patient\n", "message: message\n", "'message' is no map of a Patient with a 'header' for messages"),
        (
            "as: update Bundle\n    message",
            "as: create Bundle\n    message",
            "a message goes to one update of Bundle that sends and receives it as it is; name it with 'as'",
        ),
        (
            "as: update Bundle\n    message",
            "message",
            "a message goes to one update of Bundle that sends and receives it as it is; name it with 'as'",
        ),
        ("message: patient\n    then", "message: patient\n    repeat: safe\n    then", "'repeat' says nothing beside"),
        ("events#changed", "events", "'http://northlab.example/events' is no event of a message; write 'system#code'"),
        ("      source: {first_of", "      sauce: {first_of", "header has no 'source'; add it"),
        ("{text: $SITE}", "{text: $CITY}", "the variable CITY is not set; set it and start again"),
        (
            "errors:",
            "    silent: {Condition.verification: any}\nerrors:",
            "FHIR has no element 'Condition.verification'; write a type, a dot and one of its elements",
        ),
        (
            "errors:",
            "    silent: {Conditio.code: any}\nerrors:",
            "FHIR has no element 'Conditio.code'; write a type, a dot and one of its elements",
        ),
        (
            "errors:",
            "    silent: {Condition.verificationStatus: [confirmed, confirmd]}\nerrors:",
            "'confirmd' is no value of 'Condition.verificationStatus'; did you mean 'confirmed'?",
        ),
        (
            "errors:",
            "    silent: {Condition.verificationStatus: any}\nerrors:",
            "'Condition.verificationStatus' changes what holds it, so not every value of it is harmless",
        ),
        ("Patient: StructureDefinition/patient}", "Patient: StructureDefinition/patent}", "StructureDefinition/patent"),
        ("managingOrganization.identifier", "managingOrganisation.identifier", "has no element 'managingOrganisation'"),
        (
            "with_id: update Bundle",
            "with_id: update Bundel",
            "there is no update 'update Bundel' with a call of its own; did you mean 'update Bundle'?",
        ),
        ("location: read Patient", "location: read Patent", "there is no read 'read Patent'; did you mean"),
        (
            "receive: {as_it_is: message, empty: success}",
            "receive: {as_it_is: message, empty: success}\n    location: read Patient",
            "'update Bundle' makes no record; remove this, which is for a create",
        ),
        (
            "  create Patient: {as: create Bundle, message: patient}",
            "  create Patient: {call: POST /p, send: {as_it_is: patient}, receive: {as_it_is: patient}, "
            "location: read Patient}",
            "'location' is for a Bundle that is received as it is, of whose resources one has the new id; remove it",
        ),
    ],
)
def test_mistakes_are_told(old: str, new: str, problem: str) -> None:
    assert old in FILE

    found = problems(FILE.replace(old, new, 1), PATIENT_PROFILE, MESSAGE_PROFILE, environment=SITE)

    assert [line for line in found if problem in line], found
