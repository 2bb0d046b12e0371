"""The two halves of a call: a resource becomes a request, an answer becomes a resource."""

import orjson
import pytest

from fhir_bridge.canonical import CANONICAL
from fhir_bridge.exchange import PartnerRequest
from fhir_bridge.mapping.calls import Before, Call
from fhir_bridge.mapping.receivers import Received
from fhir_bridge.outcome import FhirError, Issue, Json
from tests.mapping.lab import answer, ask, load, operation, parameters, profile

FILE = """\
partner: northlab
title: Northlab
connection: {base_url: $NORTHLAB_URL}
identity: {id: positive-integer}
interactions:
  read Patient:
    call: GET /clients/{id}
    receive: {map: client, at: the.record}
    repeat: safe
  update Patient:
    call: PATCH /clients/{id}
    send: {map: client}
    receive: {map: client}
    headers: {X-Site: {text: oslo}, accept: {text: application/vnd.lab+json}}
    repeat: {safe_without: [died, person.moved]}
  $order Patient:
    definition: OperationDefinition/order
    call: POST /{lab}/kits
    send: {map: order, id: {at: who.client, as: digits}}
    receive: {map: kit, at: order, id: {at: client, as: digits}}
maps:
  client:
    resource: Patient
    rows:
      id: {at: number, only: to_fhir}
      birthDate: {at: born}
      language: {at: language}
      maritalStatus.text: {at: person.moved}
      deceasedDateTime: {at: died, as: date}
  order:
    resource: Parameters
    rows:
      parameter[lab].valueString: {path: lab}
      parameter[test].valueCode: {at: who.test}
  kit:
    resource: Parameters
    rows: {'parameter[kit].valueString': {at: kit}}
"""


def calls() -> dict[str, Call]:
    routes = load(FILE, operation("order")).partners["northlab"].routes
    return {route.operation or route.code: route.call for route in routes}


READ, UPDATE, ORDER = calls()["read"], calls()["update"], calls()["order"]


def refused(call: Call, body: Json | bytes, *, status: int = 200, id_: str = "42") -> str:
    """Return the text of a 502 for an answer that cannot be read."""
    interaction = ask("read", id_=id_)
    outgoing, _ = READ.prepare(interaction, None)
    with pytest.raises(FhirError) as caught:
        call.read(interaction, answer(status, body), outgoing)
    (issue,) = caught.value.issues
    assert caught.value.status_code == 502
    assert issue == Issue("partner-answer-unreadable", "exception", issue.text)
    return issue.text


def test_a_read_has_no_body() -> None:
    outgoing, issues = READ.prepare(ask("read", headers={"authorization": "Bearer c-1"}), None)

    assert issues == []
    assert outgoing.request() == PartnerRequest(
        partner="northlab",
        method="GET",
        path="/clients/42",
        headers={"Accept": "application/json"},
        body=None,
        repeat="safe",
        client_authorization="Bearer c-1",
    )
    assert outgoing.pairs() == []


def test_a_write_has_the_fields_and_the_headers_of_the_file() -> None:
    outgoing, issues = UPDATE.prepare(ask("update"), {"resourceType": "Patient", "birthDate": "1815-12-10"})

    assert issues == []
    assert outgoing.request() == PartnerRequest(
        partner="northlab",
        method="PATCH",
        path="/clients/42",
        headers={
            "Accept": "application/json",
            "Content-Type": "application/json",
            "X-Site": "oslo",
            "accept": "application/vnd.lab+json",
        },
        body=b'{"born":"1815-12-10"}',
        repeat="safe",
        client_authorization=None,
    )
    assert [pair.element for pair in outgoing.pairs()] == [
        "Patient.id",
        "Patient.birthDate",
        "Patient.language",
        "Patient.maritalStatus.text",
        "Patient.deceased",
    ]


def test_text_goes_as_unicode() -> None:
    outgoing, _ = UPDATE.prepare(ask("update"), {"language": "українська е\u0301"})

    assert outgoing.request().body == '{"language":"українська е\u0301"}'.encode()


@pytest.mark.parametrize(
    ("resource", "repeat"), [({"birthDate": "1815-12-10"}, "safe"), ({"deceasedDateTime": "1852-11-27"}, "unsent")]
)
def test_a_field_may_make_a_repeat_unsafe(resource: Json, repeat: str) -> None:
    outgoing, _ = UPDATE.prepare(ask("update"), resource)

    assert outgoing.request().repeat == repeat


def test_what_the_partner_has_already_is_not_sent_again() -> None:
    resource = {"birthDate": "1815-12-10", "language": "en", "deceasedDateTime": "1852-11-27"}
    already = {"born": "1815-12-10", "language": "uk", "died": "1852-11-27", "else": 1}

    outgoing, _ = UPDATE.prepare(ask("update"), resource, Before(already=already))

    assert (outgoing.request().body, outgoing.request().repeat) == (b'{"language":"en"}', "safe")


def test_the_id_goes_into_a_field_and_is_no_field_that_is_sent() -> None:
    resource = parameters(lab={"valueString": "oslo"}, test={"valueCode": "dna"})

    outgoing, issues = ORDER.prepare(ask("operation"), resource)
    empty, _ = ORDER.prepare(ask("operation"), parameters(lab={"valueString": "oslo"}))

    assert issues == []
    assert (outgoing.request().path, outgoing.request().body) == ("/oslo/kits", b'{"who":{"test":"dna","client":42}}')
    assert (empty.request().body, empty.sending.body) == (b'{"who":{"client":42}}', {})


@pytest.mark.parametrize(
    ("lab", "path"),
    [
        ("os lo", "/os%20lo/kits"),
        ("a?b=c#d", "/a%3Fb%3Dc%23d/kits"),
        ("%2e%2e", "/%252e%252e/kits"),
        ("Київ", "/%D0%9A%D0%B8%D1%97%D0%B2/kits"),
    ],
)
def test_whatever_goes_into_the_path_stays_one_segment(lab: str, path: str) -> None:
    outgoing, _ = ORDER.prepare(ask("operation"), parameters(lab={"valueString": lab}))

    assert outgoing.request().path == path


def test_what_is_wrong_with_the_resource_and_with_the_headers_is_told_together() -> None:
    text = FILE.replace("{text: oslo}", "{element: managingOrganization.display}")
    update = next(
        route.call for route in load(text, operation("order")).partners["northlab"].routes if route.code == "update"
    )

    _, issues = update.prepare(ask("update"), {"deceasedDateTime": "1852"})

    assert [(issue.error, issue.expression) for issue in issues] == [
        ("cannot-be-sent", "Patient.deceased"),
        ("element-missing", "http.X-Site"),
    ]
    assert update.sender is not None
    assert (
        update.sender.losses({"resourceType": "Patient", "managingOrganization": {"display": "a"}}, ask("update")) == []
    )


def test_a_success_is_the_resource_of_the_record() -> None:
    interaction = ask("read")
    outgoing, _ = READ.prepare(interaction, None)

    record = {"number": "42", "language": "en"}

    received = READ.read(interaction, answer(203, {"the": {"record": record}}), outgoing)

    assert received == Received({"resourceType": "Patient", "id": "42", "language": "en"}, "42", record=record)


def test_a_refusal_is_an_error() -> None:
    interaction = ask("read")
    outgoing, _ = READ.prepare(interaction, None)

    with pytest.raises(FhirError) as caught:
        READ.read(interaction, answer(404), outgoing)

    assert (caught.value.status_code, caught.value.issues) == (
        404,
        (Issue("partner-refused", "not-found", "Northlab does not know this."),),
    )


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"", "it is empty."),
        (b" \n", "it is empty."),
        (b"<html>", "it is no JSON: The body is not JSON: a value is expected, at line 1, column 1."),
        (b'{"a": 1, "a": 2}', "it is no JSON: The key `a` occurs more than once in one object; keep one."),
        (b"[]", "an object is expected here."),
        (b"{}", "an object is expected here."),
        (b'{"the": []}', "an object is expected here."),
        (b'{"the": "x"}', "`the`: an object is expected here."),
        (b'{"the": {"record": []}}', "an object is expected here."),
        (b'{"the": {"record": {"else": 1}}}', "nothing in it is known."),
        (b'{"the": {"record": {"number": 42}}}', "`number`: text is expected here."),
        (
            b'{"the": {"record": {"number": "4 2"}}}',
            "`the.record`: it makes no FHIR: Patient.id: `id` must be an id: 1 to 64 letters, digits, `-` and `.`.",
        ),
        (b'{"the": {"record": {"number": "43"}}}', "it is the record of another id than the one that was asked for."),
    ],
)
def test_an_answer_that_cannot_be_read_says_why_and_never_a_value(body: bytes, why: str) -> None:
    assert refused(READ, body) == f"Northlab answered with status 200, but its answer cannot be read: {why}"


def test_after_a_write_the_text_says_that_the_partner_accepted_the_call() -> None:
    """The client must not think that nothing happened."""
    assert refused(UPDATE, b"", status=201) == (
        "Northlab accepted the call (status 201), but its answer cannot be read: it is empty."
    )


@pytest.mark.parametrize(
    ("record", "why"),
    [
        ({"kit": "k", "client": 43}, "it is the record of another id than the one that was asked for."),
        ({"kit": "k", "client": "42"}, "`client`: a whole number is expected here."),
    ],
)
def test_the_id_in_a_field_of_the_answer_is_the_one_that_was_asked_for(record: Json, why: str) -> None:
    text = "Northlab accepted the call (status 200), but its answer cannot be read: "

    assert refused(ORDER, {"order": record}) == text + why


@pytest.mark.parametrize("record", [{"kit": "k", "client": 42}, {"kit": "k"}, {"kit": "k", "client": None}])
def test_an_answer_that_tells_no_id_is_that_of_the_one_that_was_asked_for(record: Json) -> None:
    interaction = ask("operation")
    outgoing, _ = READ.prepare(interaction, None)

    received = ORDER.read(interaction, answer(200, {"order": record}), outgoing)

    assert received.resource == parameters(kit={"valueString": "k"})


PASS = """\
partner: northlab
title: Northlab
fhir: ["3.0", "4.0"]
connection: {base_url: $NORTHLAB_URL}
interactions:
  update Bundle:
    call: PUT /messages/{id}
    send: {as_it_is: message}
    receive: {as_it_is: message, empty: success}
    id: entry[patient].resource.id
maps:
  message:
    resource: Bundle
    profile: StructureDefinition/message
    slices:
      entry[patient]: {resource.resourceType: Patient}
"""
MESSAGE = profile("message", "Bundle", {"id": "Bundle.entry", "path": "Bundle.entry", "min": 2})
(PASSING,) = [route.call for route in load(PASS, MESSAGE).partners["northlab"].routes]


def message(version: str) -> Json:
    event = {"system": "http://lab.example/events", "code": "new"}
    header = {"event": event, "timestamp": "2026-02-03T04:05:06Z"} if version == "3.0" else {"eventCoding": event}
    bundle: Json = {
        "resourceType": "Bundle",
        "type": "message",
        "entry": [
            {"resource": {"resourceType": "MessageHeader", **header, "source": {"endpoint": "urn:oid:1.2.3"}}},
            {
                "resource": {"resourceType": "Patient", "id": "42", "animal": {"species": {"text": "cat"}}}
                if version == "3.0"
                else {"resourceType": "Patient", "id": "42"}
            },
        ],
    }
    return bundle if version == "3.0" else {**bundle, "timestamp": "2026-02-03T04:05:06Z"}


def test_a_resource_goes_as_it_is_in_the_partners_version() -> None:
    interaction = ask("update", "Bundle", version="3.0")
    body = message("3.0")

    outgoing, issues = PASSING.prepare(interaction, body)

    assert (orjson.loads(outgoing.request().body or b""), issues, outgoing.pairs()) == (body, [], [])
    assert PASSING.sender is not None
    assert PASSING.sender.check(body, interaction) == []
    assert PASSING.sender.losses(body, interaction) == []


def test_a_resource_of_the_other_version_is_converted() -> None:
    interaction = ask("update", "Bundle", version="4.0")

    outgoing, issues = PASSING.prepare(interaction, message("4.0"))

    sent = orjson.loads(outgoing.request().body or b"")
    assert [issue for issue in issues if issue.severity == "error"] == []
    assert sent["entry"][0]["resource"]["event"] == {"system": "http://lab.example/events", "code": "new"}
    assert sent["entry"][0]["resource"]["timestamp"] == "2026-02-03T04:05:06Z"


def test_what_modifies_the_meaning_is_refused_in_what_passes_through_too() -> None:
    body = message("3.0")
    body["entry"][1]["resource"]["modifierExtension"] = [{"url": "http://x.example", "valueBoolean": True}]

    assert PASSING.sender is not None
    issues = PASSING.sender.check(body, ask("update", "Bundle", version="3.0"))

    assert [(issue.error, issue.expression) for issue in issues] == [
        ("unknown-modifier", "Bundle.entry[1].resource.modifierExtension[0]")
    ]


def test_a_resource_that_is_sound_in_the_other_version_is_told_which() -> None:
    assert PASSING.sender is not None
    issues = PASSING.sender.check(message("3.0"), ask("update", "Bundle", version="4.0"))

    assert issues[0] == Issue(
        "content-type-not-supported",
        "informational",
        "This is FHIR 3.0; say so in Content-Type: application/fhir+json; fhirVersion=3.0.",
        "http.Content-Type",
        "information",
    )


@pytest.mark.parametrize("version", ["3.0", "4.0"])
def test_a_resource_is_checked_in_the_version_it_is_in(version: str) -> None:
    interaction = ask("update", "Bundle", version=version)
    assert PASSING.sender is not None

    short = {**message(version), "entry": message(version)["entry"][:1]}
    odd = {
        **message(version),
        "entry": [*message(version)["entry"], {"resource": {"resourceType": "Patient", "nmae": 1}}],
    }

    assert [(issue.error, issue.expression) for issue in PASSING.sender.check(short, interaction)] == [
        ("too-few", "Bundle.entry")
    ]
    assert [
        (issue.error, issue.expression) for issue in PASSING.sender.check(odd, interaction) if issue.severity == "error"
    ] == [("unknown-element", "Bundle.entry[2].resource.nmae")]


def test_what_the_profile_says_of_an_stu3_message_is_placed_at_the_element_that_was_sent() -> None:
    """Profiles are R4, where the event is called otherwise."""
    constraint = {"key": "a", "severity": "error", "human": "Events are old.", "expression": "$this.code = 'old'"}
    element = {"id": "MessageHeader.event[x]", "path": "MessageHeader.event[x]", "constraint": [constraint]}
    header = {
        "id": "Bundle.entry",
        "path": "Bundle.entry",
        "slicing": {"discriminator": [{"type": "type", "path": "resource"}], "rules": "open"},
    }
    entry = {"id": "Bundle.entry:header", "path": "Bundle.entry", "sliceName": "header"}
    resource = {
        "id": "Bundle.entry:header.resource",
        "path": "Bundle.entry.resource",
        "type": [{"code": "MessageHeader", "profile": [f"{CANONICAL}/StructureDefinition/header"]}],
    }
    definitions = [profile("message", "Bundle", header, entry, resource), profile("header", "MessageHeader", element)]
    (call,) = [route.call for route in load(PASS, *definitions).partners["northlab"].routes]

    assert call.sender is not None
    issues = call.sender.check(message("3.0"), ask("update", "Bundle", version="3.0"))

    assert [(issue.text, issue.expression) for issue in issues] == [
        ("Events are old.", "Bundle.entry[0].resource.event")
    ]


def test_an_answer_goes_as_it_is_and_is_converted_for_a_client_of_the_other_version() -> None:
    body = orjson.dumps(message("3.0"))

    same = PASSING.receiver.receive(body, ask("update", "Bundle", version="3.0")).resource
    other = PASSING.receiver.receive(body, ask("update", "Bundle", version="4.0")).resource

    assert same == message("3.0")
    assert other["entry"][0]["resource"]["eventCoding"] == {"system": "http://lab.example/events", "code": "new"}


def test_an_empty_answer_may_be_a_success() -> None:
    assert PASSING.receiver.receive(b" ", ask("update", "Bundle", version="3.0")) == Received()


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ({"resourceType": "Patient"}, "a Bundle is expected here."),
        ([], "a Bundle is expected here."),
        (
            {"resourceType": "Bundle", "entry": [{"resource": {"resourceType": "Foo"}}]},
            "it cannot be said in R4: Bundle.entry[0].resource: R4 has another structure for Foo: it is not converted.",
        ),
    ],
)
def test_an_answer_of_another_kind_cannot_be_read(body: Json, why: str) -> None:
    assert refused(PASSING, body).endswith(f"its answer cannot be read: {why}")
