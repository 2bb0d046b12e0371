"""How an interaction is carried out: each plan is driven by hand, answer by answer, without a network."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import orjson
import pytest

from fhir_bridge.fhir.interaction import Address, FhirResponse, Preferences
from fhir_bridge.mapping.plans.answers import CARRIED_OUT, NOTHING_CHANGED, version_headers
from fhir_bridge.mapping.routes import Routes
from fhir_bridge.outcome import FhirError, Issue, Json, operation_outcome
from tests.mapping.lab import (
    SEX,
    Done,
    answer,
    ask,
    concept_map,
    extension,
    handle,
    load,
    operation,
    parameters,
    profile,
)

FILE = """\
partner: northlab
title: Northlab
connection: {base_url: $NORTHLAB_URL}
identity: {systems: [sid/client]}
interactions:
  read Patient:
    call: GET /clients/{id}
    receive: {map: client, at: data}
    repeat: safe
  update Patient:
    call: PATCH /clients/{id}
    send: {map: client}
    receive: {map: client, at: data}
    repeat: {safe_without: [died]}
  patch Patient: {reads: read Patient, writes: update Patient}
  create Patient: {as: update Patient}
  $order Patient:
    definition: OperationDefinition/order
    call: POST /clients/{id}/kits
    send: {map: order}
    receive: {map: kit}
maps:
  client:
    resource: Patient
    profile: StructureDefinition/client
    slices:
      name[usual]: {use: usual, otherwise: first without use}
    rows:
      id: {at: number, only: to_fhir}
      meta.lastUpdated: {at: changed, only: to_fhir}
      active: {at: open, only: to_fhir}
      name[usual].family: {at: surname}
      gender: {at: person.sex, codes: ConceptMap/sex}
      birthDate: {at: person.born}
      deceasedDateTime: {at: died, as: date}
      address: {at: addresses, each: {use: {at: kind, codes: ConceptMap/use}, city: {at: town}}}
    silent: {id: any, meta: any, active: "true"}
  order:
    resource: Parameters
    rows: {'parameter[test].valueCode': {at: test}}
  kit:
    resource: Parameters
    rows: {'parameter[kit].valueString': {at: kit}}
"""
USE = concept_map("use", ("home", "HOME"), ("work", "OFFICE"))
ALIVE = {
    "key": "alive",
    "severity": "error",
    "human": "Nobody dies before being born.",
    "expression": (
        "deceased.empty() or birthDate.empty() or deceased.toString().substring(0, 10) >= birthDate.toString()"
    ),
}
CLIENT = profile("client", "Patient")
CLIENT["differential"]["element"][0]["constraint"] = [ALIVE]
ROUTES = load(FILE, SEX, USE, CLIENT, operation("order"))

ADA = {
    "resourceType": "Patient",
    "id": "42",
    "name": [{"use": "usual", "family": "Lovelace"}],
    "birthDate": "1815-12-10",
}
RECORD = {
    "number": "42",
    "changed": "2026-01-02T03:04:05Z",
    "open": True,
    "surname": "Lovelace",
    "person": {"sex": "F", "born": "1815-12-10"},
    "addresses": [{"kind": "HOME", "town": "London"}],
}
READ = {
    "resourceType": "Patient",
    "id": "42",
    "meta": {"lastUpdated": "2026-01-02T03:04:05Z"},
    "active": True,
    "name": [{"use": "usual", "family": "Lovelace"}],
    "gender": "female",
    "birthDate": "1815-12-10",
    "address": [{"use": "home", "city": "London"}],
}
HEADERS = {"ETag": 'W/"2026-01-02T030405Z-39bfeb067a52"', "Last-Modified": "Fri, 02 Jan 2026 03:04:05 GMT"}
FOUND = answer(200, {"data": RECORD})


def update(body: Json, *answers: Any, routes: Routes = ROUTES, **also: Any) -> Done:
    return handle(routes, ask("update", body=body, **also), *answers)


def problems(done: Done) -> tuple[int, tuple[Issue, ...]]:
    """Return the whole of an error."""
    assert done.error is not None
    return done.error.status_code, done.error.issues


def places(done: Done) -> list[tuple[str, str | None]]:
    assert done.error is not None
    return [(issue.error, issue.expression) for issue in done.error.issues]


def test_a_read_is_one_call_and_the_record_as_a_resource() -> None:
    done = handle(ROUTES, ask("read"), FOUND)

    assert done.sent == [("GET", "/clients/42", None)]
    assert done.response == FhirResponse(200, READ, HEADERS, ())


VERSIONED = load(
    FILE.replace(
        "      meta.lastUpdated:",
        "      meta.versionId: {at: revision, as: version, only: to_fhir}\n      meta.lastUpdated:",
    ),
    *(SEX, USE, CLIENT, operation("order")),
)


@pytest.mark.parametrize("version", ["7", "8"])
def test_the_present_version_is_read_by_its_id_and_no_other_is_kept(version: str) -> None:
    address = Address("northlab", "Patient", "42", special="_version", version_id=version)
    interaction = replace(ask("vread"), address=address)

    done = handle(VERSIONED, interaction, answer(200, {"data": {**RECORD, "revision": 7}}))

    assert done.sent == [("GET", "/clients/42", None)]
    if version == "7":
        resource = {**READ, "meta": {"versionId": "7", "lastUpdated": "2026-01-02T03:04:05Z"}}
        assert done.response == FhirResponse(200, resource, {**HEADERS, "ETag": 'W/"7"'}, ())
    else:
        text = "No older version of anything is kept here; read the present one."
        assert problems(done) == (404, (Issue("unknown-path", "not-supported", text),))


def test_what_a_client_prefers_does_not_change_a_read() -> None:
    done = handle(ROUTES, ask("read", preferences=Preferences("minimal")), FOUND)

    assert done.resource == READ


def test_a_record_that_does_not_tell_its_id_is_the_one_that_was_asked_for() -> None:
    done = handle(ROUTES, ask("read"), answer(200, {"data": {"surname": "Lovelace"}}))

    assert done.response == FhirResponse(
        200, {"resourceType": "Patient", "id": "42", "name": [{"use": "usual", "family": "Lovelace"}]}, {}, ()
    )


def test_a_code_that_no_table_knows_is_told_to_the_log() -> None:
    done = handle(ROUTES, ask("read"), answer(200, {"data": {"person": {"sex": "X"}}}))

    assert done.response == FhirResponse(
        200, {"resourceType": "Patient", "id": "42", "_gender": extension("unsupported")}, {}, (("person.sex", "X"),)
    )


def test_a_refusal_ends_a_read() -> None:
    assert problems(handle(ROUTES, ask("read"), answer(404))) == (
        404,
        (Issue("partner-refused", "not-found", "Northlab does not know this."),),
    )


def test_an_update_sends_what_the_resource_has_and_answers_with_the_record() -> None:
    done = update(ADA, FOUND)

    assert done.sent == [("PATCH", "/clients/42", {"surname": "Lovelace", "person": {"born": "1815-12-10"}})]
    assert done.response == FhirResponse(200, READ, HEADERS, ())


def test_what_is_only_read_is_never_sent() -> None:
    done = update({**ADA, "active": True, "meta": {"lastUpdated": "2026-01-02T03:04:05Z"}}, FOUND)

    assert done.sent == [("PATCH", "/clients/42", {"surname": "Lovelace", "person": {"born": "1815-12-10"}})]


@pytest.mark.parametrize(
    ("resource", "repeat"),
    [({}, "safe"), ({"deceasedDateTime": "1852-11-27"}, "unsent"), ({"photo": [{"title": "a"}]}, "safe")],
)
def test_a_repeat_is_safe_but_with_the_fields_that_make_it_another_call(resource: Json, repeat: str) -> None:
    done = update({**ADA, **resource}, FOUND)

    assert [request.repeat for request in done.requests] == [repeat]


@pytest.mark.parametrize(
    ("returns", "resource"),
    [
        ("minimal", None),
        ("representation", READ),
        (None, READ),
        (
            "OperationOutcome",
            operation_outcome([Issue("done", "informational", CARRIED_OUT, severity="information")]),
        ),
    ],
)
def test_a_client_gets_the_answer_that_it_prefers(returns: Any, resource: Json) -> None:
    done = update(ADA, FOUND, preferences=Preferences(returns))

    assert done.response == FhirResponse(200, resource, HEADERS, ())


def test_what_is_left_behind_is_told_to_who_asks() -> None:
    resource = {**ADA, "photo": [{"title": "a"}], "name": [*ADA["name"], {"use": "old", "family": "Byron"}]}
    warnings = [
        Issue("left-behind", "not-supported", "Northlab cannot hold this element; it is left behind.", path, "warning")
        for path in ("Patient.name[1]", "Patient.photo[0]")
    ]
    done = Issue("done", "informational", CARRIED_OUT, severity="information")

    told = update(resource, FOUND, preferences=Preferences("OperationOutcome"))
    untold = update(resource, FOUND)

    assert told.resource["issue"][0] == operation_outcome([done])["issue"][0]
    assert sorted(told.resource["issue"][1:], key=str) == sorted(operation_outcome(warnings)["issue"], key=str)
    assert told.response is not None
    assert told.response.left_behind == ()
    assert untold.response == FhirResponse(200, READ, HEADERS, left_behind=tuple(warnings))


CHANGED = (
    "Northlab cannot hold this element, and what is sent means something else without it; "
    "leave it out only where that is right."
)
KEPT = (
    "Northlab keeps this element itself, and it changes what the record means; "
    "leave it out, or send it as it was read, with `If-Match`."
)


@pytest.mark.parametrize(
    ("resource", "place", "text"),
    [
        ({"deceasedBoolean": True}, "Patient.deceased", CHANGED),
        ({"deceasedBoolean": False}, "Patient.deceased", CHANGED),
        ({"implicitRules": "http://x.example"}, "Patient.implicitRules", CHANGED),
        ({"link": [{"other": {"reference": "Patient/1"}, "type": "replaced-by"}]}, "Patient.link[0]", CHANGED),
        ({"active": False}, "Patient.active", KEPT),
    ],
)
@pytest.mark.parametrize("preferences", [Preferences(), Preferences("OperationOutcome"), Preferences(strict=True)])
def test_what_changes_the_meaning_is_never_left_behind(
    resource: Json, place: str, text: str, preferences: Preferences
) -> None:
    """What R4 calls a modifier, has no row that sends it, and is not silent with this value."""
    done = update({**ADA, **resource}, preferences=preferences)

    assert (done.requests, problems(done)) == ([], (422, (Issue("changes-meaning", "not-supported", text, place),)))


def test_a_strict_client_is_refused_what_cannot_be_held_and_no_call_is_made() -> None:
    done = update({**ADA, "photo": [{"title": "a"}]}, preferences=Preferences(strict=True))

    text = "Northlab cannot hold this element; leave it out, or send without `handling=strict`."
    assert (done.requests, problems(done)) == (
        [],
        (422, (Issue("left-behind", "not-supported", text, "Patient.photo[0]"),)),
    )


def test_several_faults_are_told_together_and_no_call_is_made() -> None:
    body = {
        **ADA,
        "id": "43",
        "gender": "other",
        "deceasedDateTime": "1852",
        "modifierExtension": [{"url": "http://x.example", "valueBoolean": True}],
    }

    done = update(body)

    assert done.requests == []
    assert places(done) == [
        ("id-differs", "Patient.id"),
        ("unknown-modifier", "Patient.modifierExtension[0]"),
        ("code-unknown-to-partner", "Patient.gender"),
        ("cannot-be-sent", "Patient.deceased"),
    ]
    assert problems(done)[0] == 400


def test_what_is_no_fhir_is_told_with_the_id_and_nothing_is_followed_into_it() -> None:
    done = update({"resourceType": "Patient", "name": "Lovelace", "nmae": 1, "modifierExtension": 5})

    assert problems(done)[0] == 400
    assert places(done)[0] == ("id-differs", "Patient.id")
    assert {place for _, place in places(done)} == {
        "Patient.id",
        "Patient.name",
        "Patient.nmae",
        "Patient.modifierExtension",
    }


@pytest.mark.parametrize("body", [None, [], {"resourceType": "Group"}])
def test_a_body_of_another_kind_makes_no_call(body: Json) -> None:
    done = update(body)

    assert (done.requests, problems(done)[0], places(done)[0][0]) == ([], 400, "wrong-resource-type")


def test_an_update_with_nothing_that_may_be_sent_makes_no_call() -> None:
    done = update({"resourceType": "Patient", "id": "42", "active": True})

    text = "Nothing in this Patient can be sent to Northlab; give it at least one element that it takes."
    assert (done.requests, problems(done)) == ([], (422, (Issue("nothing-to-send", "business-rule", text, "Patient"),)))


def test_where_something_else_is_wrong_nothing_more_is_missed() -> None:
    assert places(update({"resourceType": "Patient", "id": "42", "gender": "other"})) == [
        ("code-unknown-to-partner", "Patient.gender")
    ]


@pytest.mark.parametrize(
    "resource",
    [
        {
            "name": [
                {"given": [None, "x"], "_given": [{"extension": [{"url": "http://x.example", "valueCode": "a"}]}, None]}
            ]
        },
        {"name": [{"_family": {"id": "a"}}]},
        {"contact": [{"relationship": [{"text": "a"}]}]},
        {"address": [{"_use": {"extension": [{"valueCode": "a"}]}}]},
        {"telecom": [{"system": "phone"}]},
        {"contained": [{"id": "a"}]},
        {"deceasedBoolean": False},
        {
            "_birthDate": {"extension": [{"url": "http://x.example", "valueCode": "a"}]},
            "extension": [{"url": "http://x.example", "extension": [{"url": "b"}]}],
        },
    ],
)
def test_odd_resources_are_refused_or_sent_and_never_break_the_bridge(resource: Json) -> None:
    body = {"resourceType": "Patient", "id": "42", "name": [{"family": "Lovelace"}], **resource}

    for preferences in (Preferences(), Preferences(strict=True), Preferences("OperationOutcome")):
        assert first_step(body, preferences) in ("PATCH", 400, 422)


def first_step(body: Json, preferences: Preferences) -> str | int:
    """Return the method of the first call of an update, or the status of what is refused before any."""
    route, interaction = ROUTES.match(ask("update", body=body, preferences=preferences))
    try:
        return next(route.plan(interaction)).method
    except FhirError as error:
        return error.status_code


def test_an_answer_of_another_id_is_never_handed_on() -> None:
    done = update(ADA, answer(200, {"data": {**RECORD, "number": "43"}}))

    text = (
        "Northlab accepted the call (status 200), but its answer cannot be read: it "
        "is the record of another id than the one that was asked for."
    )
    assert problems(done) == (502, (Issue("partner-answer-unreadable", "exception", text),))


def test_an_accepted_update_whose_answer_cannot_be_read_says_that_it_was_accepted() -> None:
    done = update(ADA, answer(202, b"<html>"))

    text = (
        "Northlab accepted the call (status 202), but its answer cannot be read: it "
        "is no JSON: The body is not JSON: a value is expected, at line 1, column 1."
    )
    assert problems(done) == (502, (Issue("partner-answer-unreadable", "exception", text),))


def test_if_match_reads_the_record_first() -> None:
    done = update(ADA, FOUND, FOUND, headers={"if-match": HEADERS["ETag"]})

    assert [method for method, _, _ in done.sent] == ["GET", "PATCH"]
    assert done.resource == READ


def test_a_version_that_differs_stops_the_update() -> None:
    done = update(ADA, FOUND, headers={"if-match": 'W/"1"'})

    assert ([method for method, _, _ in done.sent], problems(done)[0]) == (["GET"], 412)


def test_without_a_read_there_is_no_version() -> None:
    text = FILE[: FILE.index("  read Patient:")] + FILE[FILE.index("  update Patient:") :]
    text = text.replace("  patch Patient: {reads: read Patient, writes: update Patient}\n", "")

    done = update(ADA, routes=load(text, SEX, USE, CLIENT, operation("order")), headers={"if-match": "*"})

    assert (done.requests, problems(done)[0]) == ([], 400)


JSON_PATCH = "application/json-patch+json"
MERGE_PATCH = "application/merge-patch+json"


def patch(*operations: Json, answers: tuple[Any, ...] = (FOUND, FOUND), **also: Any) -> Done:
    """Carry out a JSON Patch on the client of RECORD."""
    interaction = ask("patch", body=list(operations), content_type=JSON_PATCH, **also)
    return handle(ROUTES, interaction, *answers)


def replaced(path: str, value: Json) -> Json:
    return {"op": "replace", "path": path, "value": value}


def test_a_patch_is_applied_to_the_record_and_only_what_changed_is_sent() -> None:
    done = patch(replaced("/name/0/family", "King"))

    assert done.sent == [("GET", "/clients/42", None), ("PATCH", "/clients/42", {"surname": "King"})]
    assert done.response == FhirResponse(200, READ, HEADERS, ())
    assert [request.repeat for request in done.requests] == ["safe", "safe"]


def test_a_field_at_the_top_is_sent_whole() -> None:
    assert patch(replaced("/birthDate", "1815-12-11")).sent[1:] == [
        ("PATCH", "/clients/42", {"person": {"sex": "F", "born": "1815-12-11"}})
    ]


def test_a_repeat_of_a_patch_is_judged_by_what_it_sends() -> None:
    done = patch({"op": "add", "path": "/deceasedDateTime", "value": "1852-11-27"})

    assert (done.sent[1][2], done.requests[1].repeat) == ({"died": "1852-11-27"}, "unsent")


def test_a_fhirpath_patch_does_the_same() -> None:
    operation_ = {
        "name": "operation",
        "part": [
            {"name": "type", "valueCode": "replace"},
            {"name": "path", "valueString": "Patient.name[0].family"},
            {"name": "value", "valueString": "King"},
        ],
    }
    body = {"resourceType": "Parameters", "parameter": [operation_]}

    done = handle(ROUTES, ask("patch", body=body, content_type="application/fhir+json"), FOUND, FOUND)

    assert done.sent == [("GET", "/clients/42", None), ("PATCH", "/clients/42", {"surname": "King"})]


def test_a_merge_patch_does_the_same() -> None:
    done = handle(ROUTES, ask("patch", body={"gender": "male"}, content_type=MERGE_PATCH), FOUND, FOUND)

    assert done.sent[1:] == [("PATCH", "/clients/42", {"person": {"sex": "M", "born": "1815-12-10"}})]


@pytest.mark.parametrize(
    "operations",
    [
        [],
        [{"op": "test", "path": "/gender", "value": "female"}],
        [replaced("/gender", "female")],
        [{"op": "add", "path": "/meta/tag", "value": [{"code": "a"}]}],
    ],
)
def test_a_patch_that_changes_nothing_at_the_partner_sends_nothing(operations: list[Json]) -> None:
    done = patch(*operations, answers=(FOUND,))

    assert done.response == FhirResponse(200, READ, HEADERS, ())


def test_a_patch_that_changes_nothing_says_so() -> None:
    done = patch(replaced("/gender", "female"), answers=(FOUND,), preferences=Preferences("OperationOutcome"))

    said = Issue("done", "informational", NOTHING_CHANGED, severity="information")
    assert done.resource == operation_outcome([said])


NOTHING = Issue(
    "nothing-to-send",
    "business-rule",
    "Nothing in this Patient can be sent to Northlab; give it at least one element that it takes.",
    "Patient",
)


@pytest.mark.parametrize(
    ("operation_", "behind"),
    [
        ({"op": "add", "path": "/maritalStatus", "value": {"text": "married"}}, "Patient.maritalStatus"),
        ({"op": "add", "path": "/address/0/country", "value": "GB"}, "Patient.address[0].country"),
    ],
)
def test_a_patch_whose_every_change_would_be_left_behind_is_refused(operation_: Json, behind: str) -> None:
    """As an update is that has nothing else; who wants an outcome is told what would be left behind."""
    done = patch(operation_, answers=(FOUND,))
    told = patch(operation_, answers=(FOUND,), preferences=Preferences("OperationOutcome"))

    text = "Northlab cannot hold this element; it is left behind."
    warning = Issue("left-behind", "not-supported", text, behind, "warning")
    assert problems(done) == (422, (NOTHING,))
    assert problems(told) == (422, (NOTHING, warning))


def test_only_what_a_patch_changes_is_left_behind_by_it() -> None:
    """`active: false` is of the record, not of the patch."""
    closed = answer(200, {"data": {**RECORD, "open": False}})

    done = patch(replaced("/gender", "male"), answers=(closed, FOUND), preferences=Preferences(strict=True))

    assert done.resource == READ


READ_ONLY = "The partner keeps this element itself; leave it as it is."
NOT_CLEARED = "The partner has no way to clear this element; give it another value, or leave it."


@pytest.mark.parametrize(
    ("operation_", "issue"),
    [
        (replaced("/active", False), Issue("read-only", "business-rule", READ_ONLY, "Patient.active")),
        ({"op": "remove", "path": "/active"}, Issue("read-only", "business-rule", READ_ONLY, "Patient.active")),
        ({"op": "remove", "path": "/meta"}, Issue("read-only", "business-rule", READ_ONLY, "Patient.meta.lastUpdated")),
        (
            {"op": "remove", "path": "/birthDate"},
            Issue("cannot-be-cleared", "business-rule", NOT_CLEARED, "Patient.birthDate"),
        ),
        (
            {"op": "remove", "path": "/name/0/family"},
            Issue("cannot-be-cleared", "business-rule", NOT_CLEARED, "Patient.name[0].family"),
        ),
        (
            {"op": "remove", "path": "/name"},
            Issue("cannot-be-cleared", "business-rule", NOT_CLEARED, "Patient.name[0].family"),
        ),
        (
            {"op": "remove", "path": "/address"},
            Issue("cannot-be-cleared", "business-rule", NOT_CLEARED, "Patient.address"),
        ),
    ],
)
def test_what_is_only_read_and_what_cannot_be_cleared_is_refused_at_the_element(operation_: Json, issue: Issue) -> None:
    done = patch(operation_, answers=(FOUND,))

    assert problems(done) == (422, (issue,))


def test_several_faults_of_a_patch_are_told_together() -> None:
    done = patch(
        replaced("/active", False),
        {"op": "remove", "path": "/birthDate"},
        replaced("/gender", "other"),
        {"op": "add", "path": "/photo", "value": [{"title": "a"}]},
        answers=(FOUND,),
        preferences=Preferences(strict=True),
    )

    assert places(done) == [
        ("code-unknown-to-partner", "Patient.gender"),
        ("read-only", "Patient.active"),
        ("cannot-be-cleared", "Patient.birthDate"),
        ("left-behind", "Patient.photo[0]"),
    ]
    assert problems(done)[0] == 422


@pytest.mark.parametrize(
    ("operation_", "found"),
    [
        (replaced("/birthDate", "1815-13-10"), [("invalid-format", "Patient.birthDate")]),
        (replaced("/birthDate", 5), [("wrong-type", "Patient.birthDate")]),
        ({"op": "add", "path": "/nmae", "value": "x"}, [("unknown-element", "Patient.nmae")]),
    ],
)
def test_a_patch_that_makes_no_fhir_is_refused_as_an_update_would_be(operation_: Json, found: Json) -> None:
    done = patch(operation_, answers=(FOUND,))

    assert (problems(done)[0], places(done)) == (400, found)


def test_a_patch_is_held_to_the_profile() -> None:
    done = patch({"op": "add", "path": "/deceasedDateTime", "value": "1800-01-01"}, answers=(FOUND,))

    assert problems(done) == (422, (Issue("rule-broken", "invariant", "Nobody dies before being born.", "Patient"),))


def test_what_is_wrong_with_the_record_itself_is_no_fault_of_the_patch() -> None:
    """The client changes the name, and cannot do anything about the date of death."""
    odd = answer(200, {"data": {**RECORD, "died": "1800-01-01"}})

    done = patch(replaced("/name/0/family", "King"), answers=(odd, FOUND))

    assert done.sent[1:] == [("PATCH", "/clients/42", {"surname": "King"})]


def test_a_patch_that_cannot_be_read_makes_no_call_at_all() -> None:
    done = patch({"op": "replace", "path": "name"}, answers=())

    assert (done.requests, problems(done)[0]) == ([], 400)


def test_a_patch_that_does_not_apply_ends_after_the_read() -> None:
    done = patch(replaced("/maritalStatus/text", "x"), answers=(FOUND,))

    assert (len(done.requests), problems(done)[0]) == (1, 422)


def test_a_patch_is_not_applied_to_another_version() -> None:
    done = patch(replaced("/gender", "male"), answers=(FOUND,), headers={"if-match": 'W/"1"'})

    assert problems(done)[0] == 412
    assert patch(replaced("/gender", "male"), headers={"if-match": HEADERS["ETag"]}).resource == READ


def test_a_patch_keeps_a_code_that_no_table_knows() -> None:
    """What is not sent stays as it is; what is sent around the code would lose it."""
    record = {**RECORD, "person": {"sex": "X", "born": "1815-12-10"}, "addresses": [{"kind": "SHIP", "town": "London"}]}
    unknown = answer(200, {"data": record})

    elsewhere = patch(replaced("/name/0/family", "King"), answers=(unknown, FOUND))
    beside = patch(replaced("/birthDate", "1815-12-11"), answers=(unknown,))
    in_list = patch({"op": "add", "path": "/address/-", "value": {"city": "Oslo"}}, answers=(unknown,))
    instead = patch({"op": "add", "path": "/gender", "value": "female"}, answers=(unknown, FOUND))

    assert elsewhere.sent[1:] == [("PATCH", "/clients/42", {"surname": "King"})]
    assert places(beside) == [("code-unknown-to-partner", "Patient.gender")]
    assert places(in_list) == [("code-unknown-to-partner", "Patient.address[0].use")]
    assert instead.sent[1:] == [("PATCH", "/clients/42", {"person": {"sex": "F", "born": "1815-12-10"}})]
    assert elsewhere.response is not None
    assert elsewhere.response.unknown_codes == ()


def test_a_refusal_of_a_patch_is_placed_in_the_patched_resource() -> None:
    text = FILE + "errors: {fields: errors}\n"
    routes = load(text, SEX, USE, CLIENT, operation("order"))
    interaction = ask(
        "patch",
        body=[{"op": "add", "path": "/address/0", "value": {"country": "GB"}}, replaced("/address/1/city", "Oslo")],
        content_type=JSON_PATCH,
    )

    done = handle(routes, interaction, FOUND, answer(422, {"errors": {"addresses[0].town": "no"}}))

    assert places(done) == [("partner-refused", "Patient.address[1].city")]


def test_a_header_that_is_missing_stops_a_patch_too() -> None:
    text = FILE.replace(
        "    repeat: {safe_without", "    headers: {X-Site: {header: X-Site}}\n    repeat: {safe_without"
    )
    routes = load(text, SEX, USE, CLIENT, operation("order"))
    interaction = ask("patch", body=[replaced("/gender", "male")], content_type=JSON_PATCH)

    done = handle(routes, interaction, FOUND)

    assert (problems(done)[0], places(done)) == (400, [("element-missing", "http.X-Site")])


def test_a_create_is_the_update_of_the_id_that_the_body_tells() -> None:
    done = handle(ROUTES, ask("create", id_="", body=ADA), FOUND)

    assert done.sent == [("PATCH", "/clients/42", {"surname": "Lovelace", "person": {"born": "1815-12-10"}})]
    assert done.resource == READ


def test_a_create_needs_an_id_that_the_partner_can_have() -> None:
    without = handle(ROUTES, ask("create", id_="", body={key: value for key, value in ADA.items() if key != "id"}))
    steering = handle(ROUTES, ask("create", id_="", body={**ADA, "id": ".."}))
    broken = handle(ROUTES, ask("create", id_="", body={**ADA, "id": 42}))

    assert problems(without) == (
        400,
        (
            Issue(
                "element-missing", "required", "The body must tell the id of the record that it changes.", "Patient.id"
            ),
        ),
    )
    assert problems(steering) == (
        400,
        (Issue("invalid-id", "value", "No record at the partner can have this id.", "Patient.id"),),
    )
    assert places(broken) == [("wrong-type", "Patient.id")]


def order(body: Json, *answers: Any, **also: Any) -> Done:
    return handle(ROUTES, ask("operation", operation="order", body=body, **also), *answers)


KIT = answer(201, {"kit": "k-1"})


def test_an_operation_sends_its_parameters_and_answers_with_parameters() -> None:
    done = order(parameters(test={"valueCode": "dna"}), KIT)

    assert done.sent == [("POST", "/clients/42/kits", {"test": "dna"})]
    assert [request.repeat for request in done.requests] == ["unsent"]
    assert done.response == FhirResponse(200, parameters(kit={"valueString": "k-1"}), {}, ())


@pytest.mark.parametrize("body", [None, {}, {"resourceType": "Parameters"}])
def test_an_empty_body_is_parameters_without_any_and_the_partner_gets_an_object(body: Json) -> None:
    assert order(body, KIT).sent == [("POST", "/clients/42/kits", {})]


@pytest.mark.parametrize("body", [[], "", 0, False, {"resourceType": "Patient"}, {"parameter": []}])
def test_another_body_is_no_parameters(body: Json) -> None:
    done = order(body)

    assert (done.requests, problems(done)[0], places(done)[0][0]) == ([], 400, "wrong-resource-type")


@pytest.mark.parametrize("returns", ["minimal", "OperationOutcome", "representation"])
def test_an_operation_always_answers_with_its_parameters(returns: Any) -> None:
    done = order(parameters(test={"valueCode": "dna"}), KIT, preferences=Preferences(returns))

    assert done.resource == parameters(kit={"valueString": "k-1"})


def test_a_parameter_that_the_partner_does_not_know_is_left_behind() -> None:
    body = parameters(test={"valueCode": "dna"}, colour={"valueCode": "red"})

    assert places(order(body, preferences=Preferences(strict=True))) == [("left-behind", "Parameters.parameter[1]")]


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
    repeat: safe
  create Bundle: {as: update Bundle}
  $process-message Bundle: {as: update Bundle, definition: OperationDefinition/order}
maps:
  message:
    resource: Bundle
    slices:
      entry[patient]: {resource.resourceType: Patient}
"""
PASSING = load(PASS, operation("order"))
EVENT = {"system": "http://lab.example/events", "code": "new"}


def message(version: str, id_: str | None = "42") -> Json:
    stu3: Json = {"event": EVENT, "timestamp": "2026-02-03T04:05:06Z"}
    header = stu3 if version == "3.0" else {"eventCoding": EVENT}
    patient = {"resourceType": "Patient", "gender": "female"} | ({"id": id_} if id_ else {})
    return {
        "resourceType": "Bundle",
        "type": "message",
        "entry": [
            {"resource": {"resourceType": "MessageHeader", **header, "source": {"endpoint": "urn:oid:1.2.3"}}},
            {"resource": patient},
        ],
    } | (
        {
            "identifier": {"system": "urn:ietf:rfc:3986", "value": "urn:uuid:88a37162-3d7c-41c3-89ab-6e25fd68ba00"},
            "timestamp": "2026-02-03T04:05:06Z",
        }
        if version == "4.0"
        else {}
    )


def passed(version: str, *answers: Any, body: Json = None, code: Any = "update", **also: Any) -> Done:
    interaction = ask(
        code,
        also.pop("resource_type", "Bundle"),
        also.pop("id_", "42"),
        version=version,
        body=body or message(version),
        **also,
    )
    return handle(PASSING, interaction, *answers)


def test_a_message_passes_through_in_the_partners_version_as_it_is() -> None:
    done = passed("3.0", answer(200, message("3.0")))

    assert done.sent == [("PUT", "/messages/42", message("3.0"))]
    assert done.response == FhirResponse(200, message("3.0"), {}, ())


def test_a_message_in_r4_is_converted_and_so_is_the_answer() -> None:
    done = passed("4.0", answer(200, message("3.0")))

    sent = orjson.loads(done.requests[0].body or b"")["entry"][0]["resource"]
    got = done.resource["entry"][0]["resource"]
    assert (sent["event"], "eventCoding" in sent) == (EVENT, False)
    assert (got["eventCoding"], "event" in got) == (EVENT, False)


def test_an_empty_answer_to_a_message_is_told_as_carried_out() -> None:
    done = passed("3.0", answer(200))

    assert done.resource == operation_outcome([Issue("done", "informational", CARRIED_OUT, severity="information")])


def test_the_id_of_the_url_is_the_patients_and_the_bundle_needs_none() -> None:
    other = passed("3.0", body=message("3.0", "43"))
    without = passed("3.0", answer(200), body=message("3.0", None))

    text = "The id in the body must be the id in the address; make them the same."
    assert (other.requests, problems(other)) == (
        [],
        (400, (Issue("id-differs", "invalid", text, "Bundle.entry[1].resource.id"),)),
    )
    assert without.error is None


@pytest.mark.parametrize(
    "entries", [5, [5], [{"resource": 5}], [None], [{"resource": {"resourceType": "Patient", "id": {}}}], {}, []]
)
def test_an_id_is_not_looked_for_in_what_is_no_bundle(entries: Json) -> None:
    done = passed("3.0", body={**message("3.0"), "entry": entries})

    assert (done.requests, problems(done)[0]) == ([], 400)


@pytest.mark.parametrize(
    "meta", [None, [], 5, {"lastUpdated": "yesterday"}, {"lastUpdated": 5}, {"lastUpdated": "2026-02-30T00:00:00Z"}, {}]
)
def test_an_odd_answer_that_passes_through_does_not_break_the_bridge(meta: Json) -> None:
    """The partner has accepted the message by then."""
    done = passed("3.0", answer(200, {**message("3.0"), "meta": meta}))

    assert done.response == FhirResponse(200, {**message("3.0"), "meta": meta}, {}, ())


@pytest.mark.parametrize(
    "also",
    [
        {"code": "create", "id_": ""},
        {"code": "operation", "operation": "process-message", "resource_type": None, "id_": None},
    ],
)
def test_a_message_may_be_created_or_processed_and_is_an_update(also: Mapping[str, Any]) -> None:
    done = passed("3.0", answer(200, message("3.0")), **also)
    without = passed("3.0", body=message("3.0", None), **also)

    assert done.sent == [("PUT", "/messages/42", message("3.0"))]
    assert problems(without) == (
        400,
        (
            Issue(
                "element-missing",
                "required",
                "The body must tell the id of the record that it changes.",
                "Bundle.entry[1].resource.id",
            ),
        ),
    )


def search(*query: tuple[str, str], answers: tuple[Any, ...] = (), **also: Any) -> Done:
    interaction = ask("search-type", id_="", query=query, base_url="http://b/fhir/northlab", **also)
    return handle(ROUTES, interaction, *answers)


def test_a_search_by_id_reads_each_record() -> None:
    gone, other = answer(410), answer(200, {"data": {"number": "44", "person": {"sex": "X"}}})

    done = search(("_id", "42,43,44,.."), answers=(FOUND, gone, other))

    assert [path for _, path, _ in done.sent] == ["/clients/42", "/clients/43", "/clients/44"]
    assert [entry["resource"]["id"] for entry in done.resource["entry"]] == ["42", "44"]
    assert done.response is not None
    assert done.response.unknown_codes == (("person.sex", "X"),)


def test_a_search_that_a_refusal_ends() -> None:
    assert problems(search(("_id", "42"), answers=(answer(500),)))[0] == 502


def test_a_search_by_what_cannot_be_answered() -> None:
    assert problems(search(("name", "Ada")))[0] == 400
    assert problems(search(("_id", "42"), ("name", "Ada"), preferences=Preferences(strict=True)))[0] == 400


@pytest.mark.parametrize(
    ("last_updated", "headers"),
    [
        (
            "2017-04-20T19:14:13.0100+03:00",
            {"ETag": 'W/"2017-04-20T191413.01000300-a1c097328fc6"', "Last-Modified": "Thu, 20 Apr 2017 16:14:13 GMT"},
        ),
        ("2016-12-31T23:59:60Z", {"ETag": 'W/"2016-12-31T235960Z-66e047138e82"'}),
        ("0001-01-01T00:00:00+14:00", {"ETag": 'W/"0001-01-01T0000001400-0354c30128ec"'}),
        ("2017-04-20", {}),
        (None, {}),
    ],
)
def test_when_a_record_changed_is_its_version(last_updated: Json, headers: Json) -> None:
    assert version_headers({"meta": {"lastUpdated": last_updated}}) == headers
    assert version_headers(None) == version_headers([]) == version_headers({}) == {}


@pytest.mark.parametrize("version", ["7", "2017-04-20T191413Z"])
def test_a_record_that_tells_its_version_has_that(version: str) -> None:
    told = {"versionId": version}

    assert version_headers({"meta": told}) == {"ETag": f'W/"{version}"'}
    assert version_headers({"meta": {**told, "lastUpdated": "2017-04-20T19:14:13Z"}}) == {
        "ETag": f'W/"{version}"',
        "Last-Modified": "Thu, 20 Apr 2017 19:14:13 GMT",
    }


@pytest.mark.parametrize("version", ["", "a b", 7, None, "x" * 65])
def test_what_is_no_version_is_none(version: Json) -> None:
    """A resource that passes through may hold anything there."""
    meta = {"versionId": version, "lastUpdated": "2017-04-20T19:14:13Z"}

    assert version_headers({"meta": meta})["ETag"] == 'W/"2017-04-20T191413Z-4a4da9810847"'
    assert version_headers({"meta": {"versionId": version}}) == {}
