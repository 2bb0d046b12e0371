"""Records that go in one call: the list they are in, and what the answer tells of each."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import orjson
import pytest

from fhir_bridge.exchange import PartnerResponse
from fhir_bridge.outcome import Issue, Json
from tests.mapping.lab import Done, answer, ask, handle, load, problems

FILE = """\
partner: northlab
title: Northlab
connection: {base_url: $NORTHLAB_URL}
interactions:
  create Patient:
    call: POST /clients
    send: {map: client, with: {channel: ehr}}
    receive: {id: {at: number, as: digits}}
    together:
      most: 10
      in: batch.clients
      beside: [quiet, channel]
      made: done.made
      refused: done.refused
      repeated: done.known
      index: position
      text: why
maps:
  client:
    resource: Patient
    slices:
      name[usual]: {use: usual}
    rows:
      active:                 {at: quiet}
      name[usual].family:     {at: name.surname}
      birthDate:              {at: born}
      multipleBirthInteger:   {at: twins.number}
identity: {id: positive-integer}
errors: {text: fault.text, list: {at: fault.list, field: path, text: words}}
"""
ROUTES = load(FILE)
ADA = {"name": [{"use": "usual", "family": "Lovelace"}], "birthDate": "1815-12-10", "active": True}


def create(*answers: PartnerResponse, resource: Json = ADA) -> Done:
    body = {"resourceType": "Patient", **resource}
    return handle(ROUTES, ask("create", id_=None, body=body, base_url="http://bridge.test/fhir/northlab"), *answers)


def told(done: Json, index: int = 1, of: int = 3) -> PartnerResponse:
    return replace(answer(201, {"done": done}), index=index, of=of)


def test_a_single_record_is_a_list_of_one() -> None:
    done = create(told({"made": [{"number": 42, "position": 0}]}, 0, 1))

    body = {
        "quiet": True,
        "channel": "ehr",
        "batch": {"clients": [{"name": {"surname": "Lovelace"}, "born": "1815-12-10"}]},
    }
    assert done.sent == [("POST", "/clients", body)]
    assert done.response is not None
    assert (done.response.status_code, done.response.headers) == (
        201,
        {"Location": "http://bridge.test/fhir/northlab/Patient/42"},
    )


def test_the_share_of_a_record_makes_the_body_of_several() -> None:
    share = create(told({"made": [{"number": 42, "position": 1}]})).requests[0].share

    assert share is not None
    assert (share.record, share.most) == ({"name": {"surname": "Lovelace"}, "born": "1815-12-10"}, 10)
    assert orjson.loads(share.beside) == {"quiet": True, "channel": "ehr"}
    assert orjson.loads(share.join([{"born": "1"}, {"born": "2"}])) == {
        "quiet": True,
        "channel": "ehr",
        "batch": {"clients": [{"born": "1"}, {"born": "2"}]},
    }


def test_each_record_is_told_by_its_index() -> None:
    done = {"made": [{"number": 7, "position": 0}, {"number": 9, "position": 2}], "known": [{"position": 1}]}

    first, last = create(told(done, 0)), create(told(done, 2))

    assert first.response is not None
    assert last.response is not None
    assert [each.response.headers["Location"][-1] for each in (first, last) if each.response] == ["7", "9"]


def refusal(done: Json, index: int = 1, of: int = 3, resource: Json = ADA) -> tuple[int, list[Issue]]:
    error = create(told(done, index, of), resource=resource).error
    assert error is not None
    return error.status_code, list(error.issues)


def test_a_record_that_is_there_already_is_a_conflict() -> None:
    text = "Northlab has this record already; nothing was made."
    expected = (409, [Issue("partner-refused", "duplicate", text)])

    assert refusal({"known": [{"position": 1}]}) == expected
    assert refusal({"known": [1]}) == expected
    assert refusal({"known": [{"somebody": "else"}]}, 0, 1) == expected


@pytest.mark.parametrize(
    ("why", "text", "expression"),
    [
        ("born lies in the future", "Northlab refused its field `born`.", "Patient.birthDate"),
        ("the surname is too long", "Northlab refused its field `name.surname`.", "Patient.name[0].family"),
        ("a twin needs a number", "Northlab refused its field `twins.number`.", "Patient.multipleBirth"),
        ("somebody unborn", "Northlab refused the request.", None),
    ],
)
def test_words_that_name_a_field_are_told_at_its_element(why: str, text: str, expression: str | None) -> None:
    found = refusal({"refused": [{"position": 1, "why": why}, {"position": 0, "why": "quiet"}]})

    assert found == (422, [Issue("partner-refused", "business-rule", text, expression, diagnostics=why)])


def test_several_complaints_of_one_record_are_all_told() -> None:
    status, issues = refusal({"refused": [{"position": 1, "why": "born"}, {"position": 1, "why": "surname"}, "x"]})

    assert (status, [issue.expression for issue in issues]) == (422, ["Patient.birthDate", "Patient.name[0].family"])


def test_a_complaint_without_words_is_one_all_the_same() -> None:
    issue = Issue("partner-refused", "business-rule", "Northlab refused the request.")

    assert refusal({"refused": [{"position": 1}]}) == (422, [issue])
    assert refusal({"refused": [7]}, 0, 1) == (422, [issue])


@pytest.mark.parametrize(
    ("done", "why"),
    [
        ({}, "it does not tell what became of the record"),
        ({"made": [{"number": 7, "position": 0}]}, "it does not tell what became of the record"),
        ({"made": [{"number": 7, "position": True}]}, "it does not tell what became of the record"),
        ({"made": {"number": 7}}, "`done.made`: a list is expected here"),
        ({"made": [{"position": 1}]}, "`number`: it is missing"),
        ({"made": [1]}, "an object is expected here"),
    ],
)
def test_an_answer_that_does_not_tell_is_unreadable_and_says_that_the_call_was_accepted(done: Json, why: str) -> None:
    text = f"Northlab accepted the call (status 201), but its answer cannot be read: {why}."

    assert refusal(done) == (502, [Issue("partner-answer-unreadable", "exception", text)])


def test_a_refusal_of_the_whole_call_is_told_at_the_record_that_it_names() -> None:
    fault = {
        "fault": {"list": [{"path": "batch.clients[1].born", "words": "too old"}, {"path": "quiet", "words": "no"}]}
    }
    response = replace(answer(400, fault), index=1, of=3)

    error = create(response).error

    assert error is not None
    assert [(issue.expression, issue.diagnostics) for issue in error.issues] == [
        ("Patient.birthDate", "too old"),
        ("Patient.active", "no"),
    ]


def test_the_file_may_leave_out_what_the_partner_never_tells() -> None:
    text = FILE.replace("      refused: done.refused\n      repeated: done.known\n", "").replace(
        "      text: why\n", ""
    )
    body = {"resourceType": "Patient", **ADA}
    routes = load(text)

    done = handle(routes, ask("create", id_=None, body=body), told({"refused": [{"position": 1}]}))

    assert done.error is not None
    assert done.error.status_code == 502


@pytest.mark.parametrize(
    ("was", "becomes", "found"),
    [
        ("beside: [quiet,", "beside: [quite,", "12:16: nothing writes the field 'quite'; did you mean 'quiet'?"),
        ("most: 10", "most: 0", "10:13: 'most' must be a number above zero"),
        ("      in: batch.clients\n", "", "10:7: together has no 'in'; add it"),
        (
            "index: position",
            "index: a b",
            "16:14: 'a b' is no field of the partner; write names with dots between: a.b.c",
        ),
    ],
)
def test_a_mistake_is_told_at_its_place(was: str, becomes: str, found: str) -> None:
    lines: Any = problems(FILE.replace(was, becomes))

    assert [line for line in lines if line.startswith("t.yaml")] == [f"t.yaml:{found}"]


def test_only_a_create_makes_records_together() -> None:
    text = FILE.replace("create Patient", "update Patient").replace("POST /clients", "PUT /clients/{id}")

    assert problems(text) == ["t.yaml:10:7: records are made together, by a create; remove 'together'"]
