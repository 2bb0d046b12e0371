"""Further calls of a read: what they add, what may be missing, and whose failure it is when one fails."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from fhir_bridge.fhir.interaction import Address, FhirResponse
from fhir_bridge.mapping.routes import Routes
from fhir_bridge.outcome import FhirError, Issue, Json
from tests.mapping.lab import Done, answer, ask, concept_map, handle, load, problems

FILE = """\
partner: northlab
title: Northlab
connection: {base_url: $NORTHLAB_URL}
identity: {systems: [sid/northlab]}
interactions:
  read Patient:
    call: GET /clients/{id}
    receive: {map: client}
    adds:
      - call: GET /links?of={id}&state=DONE
        receive: {map: links, at: found}
        without: [403, 429]
      - call: GET /clients/{id}/doctors
        receive: {map: doctors}
  update Patient:
    call: PUT /clients/{id}
    send: {map: client}
    receive: {map: client}
  patch Patient: {reads: read Patient, writes: update Patient}
maps:
  client:
    resource: Patient
    slices:
      link[seealso]: {type: seealso}
    rows:
      meta.versionId: {at: revision, as: version, only: to_fhir}
      birthDate: {at: born}
      link[seealso].other.display: {at: twin, only: to_fhir}
  links:
    resource: Patient
    slices:
      link[replaced-by]: {type: replaced-by}
    rows:
      link[replaced-by]: {at: links, each: {other.display: {at: person}}}
  doctors:
    resource: Patient
    rows:
      generalPractitioner: {at: doctors, each: {display: {at: name}}}
      gender: {at: sex, codes: ConceptMap/sex}
"""
SEX = concept_map("sex", ("female", "F"))
ROUTES = load(FILE, SEX)

RECORD = {"revision": 7, "born": "1815-12-10", "twin": "Augusta"}
FOUND = answer(200, RECORD)
LINKS = answer(200, {"found": {"links": [{"person": "Ada King"}]}})
DOCTORS = answer(200, {"doctors": [{"name": "Dr. Grey"}, {"name": "Dr. White"}]})
NOTHING = answer(200, {})

TWIN = {"type": "seealso", "other": {"display": "Augusta"}}
ALONE = {
    "resourceType": "Patient",
    "id": "42",
    "meta": {"versionId": "7"},
    "birthDate": "1815-12-10",
    "link": [TWIN],
}
WHOLE = {
    **ALONE,
    "link": [TWIN, {"type": "replaced-by", "other": {"display": "Ada King"}}],
    "generalPractitioner": [{"display": "Dr. Grey"}, {"display": "Dr. White"}],
}
ETAG = {"ETag": 'W/"7"'}
CALLS = ["GET /clients/42", "GET /links?of=42&state=DONE", "GET /clients/42/doctors"]


def sent(done: Done) -> list[str]:
    return [f"{method} {path}" for method, path, _ in done.sent]


def read(*answers: Any, routes: Routes = ROUTES, **also: Any) -> Done:
    return handle(routes, ask("read", **also), *answers)


def test_each_call_adds_its_elements_and_members_to_lists() -> None:
    done = read(FOUND, LINKS, DOCTORS)

    assert sent(done) == CALLS
    assert all(request.repeat == "safe" for request in done.requests[1:])
    assert done.response == FhirResponse(200, WHOLE, ETAG, ())


def test_a_call_may_add_nothing() -> None:
    assert read(FOUND, answer(200, {"found": {}}), NOTHING).response == FhirResponse(200, ALONE, ETAG, ())


def test_a_code_that_no_table_knows_is_told_of_every_call() -> None:
    done = read(FOUND, LINKS, answer(200, {"sex": "X"}))

    assert done.response is not None
    assert done.response.unknown_codes == (("sex", "X"),)


@pytest.mark.parametrize("status_code", [403, 429])
def test_what_may_be_missing_is_left_out_and_the_record_says_so(status_code: int) -> None:
    done = read(FOUND, answer(status_code), DOCTORS)

    subsetted = {"system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue", "code": "SUBSETTED"}
    assert done.resource == {
        **ALONE,
        "meta": {"versionId": "7", "tag": [subsetted]},
        "generalPractitioner": WHOLE["generalPractitioner"],
    }


STEP = "The record was read; what failed is the further call of it, GET /clients/{id}/doctors."
SAID = Issue("step-failed", "informational", STEP, severity="information")


@pytest.mark.parametrize(
    ("partner", "status_code", "error"),
    [
        (503, 503, "partner-error"),
        (403, 403, "partner-refused"),
        (404, 502, "partner-refused"),
        (410, 502, "partner-refused"),
    ],
)
def test_any_other_failure_is_one_of_the_read_and_names_the_call(partner: int, status_code: int, error: str) -> None:
    """And never says that the record is not there."""
    done = read(FOUND, LINKS, answer(partner))

    assert done.error is not None
    refused, said = done.error.issues
    assert (done.error.status_code, refused.error, said) == (status_code, error, SAID)


def test_a_call_that_gets_no_answer_fails_the_read_too() -> None:
    plan = ROUTES.match(ask("read"))[0].plan(ask("read"))
    next(plan)
    plan.send(FOUND)
    plan.send(LINKS)
    late = FhirError(504, Issue("partner-too-late", "timeout", "Late."), headers={"X": "y"})

    with pytest.raises(FhirError) as caught:
        plan.throw(late)

    assert (caught.value.status_code, caught.value.issues, caught.value.headers) == (
        504,
        (*late.issues, SAID),
        {"X": "y"},
    )


@pytest.mark.parametrize(
    ("third", "why"),
    [
        (answer(200, {"doctors": 5}), "`doctors`: a list is expected here"),
        (
            answer(200, {"doctors": [{"name": "a\u0000b"}]}),
            "it makes no FHIR: Patient.generalPractitioner[0].display: ",
        ),
    ],
)
def test_an_answer_that_cannot_be_read_fails_the_read(third: Any, why: str) -> None:
    done = read(FOUND, LINKS, third)

    assert done.error is not None
    assert done.error.status_code == 502
    text = f"Northlab answered with status 200, but its answer cannot be read: {why}"
    assert done.error.issues[0].text.startswith(text)
    assert done.error.issues[1] == SAID


def test_a_search_by_id_makes_them_for_each_record() -> None:
    gone = answer(404)

    done = handle(
        ROUTES, ask("search-type", id_="", query=(("_id", "42,43,44"),)), FOUND, LINKS, DOCTORS, gone, FOUND, NOTHING,
        NOTHING,
    )  # fmt: skip

    assert sent(done) == [*CALLS, "GET /clients/43", *(call.replace("42", "44") for call in CALLS)]
    assert [entry["resource"] for entry in done.resource["entry"]] == [WHOLE, {**ALONE, "id": "44"}]


def test_a_search_whose_further_call_fails_finds_nothing_less() -> None:
    done = handle(ROUTES, ask("search-type", id_="", query=(("_id", "42"),)), FOUND, answer(404))

    assert done.error is not None
    assert done.error.status_code == 502


@pytest.mark.parametrize(("version", "calls"), [("7", CALLS), ("6", CALLS[:1])])
def test_a_version_is_read_with_them_when_it_is_the_present_one(version: str, calls: list[str]) -> None:
    address = Address("northlab", "Patient", "42", special="_version", version_id=version)

    done = handle(ROUTES, replace(ask("vread"), address=address), *[FOUND, LINKS, DOCTORS][: len(calls)])

    assert sent(done) == calls
    assert done.resource == WHOLE if version == "7" else done.error is not None


@pytest.mark.parametrize(
    ("second", "status_code"), [(LINKS, 200), (answer(403), 200), (answer(200, {"found": {}}), 304)]
)
def test_what_was_added_is_never_answered_with_not_modified(second: Any, status_code: int) -> None:
    """Its version is not the record's."""
    done = read(FOUND, second, NOTHING, headers={"if-none-match": 'W/"7"'})

    assert done.response is not None
    assert (done.response.status_code, done.response.headers) == (status_code, ETAG)
    assert (done.response.resource is None) == (status_code == 304)


def test_a_patch_and_a_condition_read_the_record_alone() -> None:
    patch = [{"op": "replace", "path": "/birthDate", "value": "1815-12-11"}]
    body = {"resourceType": "Patient", "id": "42", "birthDate": "1815-12-11"}

    patched = handle(
        ROUTES, ask("patch", body=patch, content_type="application/json-patch+json"), FOUND, answer(200, RECORD)
    )
    updated = handle(ROUTES, ask("update", body=body, headers={"if-match": "7"}), FOUND, answer(200, RECORD))

    assert sent(patched) == sent(updated) == ["GET /clients/42", "PUT /clients/42"]


def test_every_call_is_a_step_of_the_interaction() -> None:
    partner = ROUTES.partners["northlab"]
    steps = {
        route.code: [(step.call.path, step.when, step.follows) for step in route.steps] for route in partner.routes
    }

    further = [("/links?of={id}&state=DONE", "", True), ("/clients/{id}/doctors", "", True)]
    assert steps["read"] == steps["vread"] == [("/clients/{id}", "", False), *further]
    assert steps["search-type"] == [(path, "for each id", n > 0) for n, (path, _, _) in enumerate(steps["read"])]


def changed(old: str, new: str) -> list[str]:
    assert old in FILE
    return problems(FILE.replace(old, new, 1), SEX)


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        (
            "call: GET /clients/{id}/doctors",
            "call: POST /clients/{id}/doctors",
            "t.yaml:13:15: a read changes nothing, nor does what adds to it; write 'GET /clients/{id}/doctors'",
        ),
        (
            "/clients/{id}/doctors",
            "/clients/{number}/doctors",
            "t.yaml:13:15: nothing fills '{number}' of '/clients/{number}/doctors'; known here: id",
        ),
        ("        receive: {map: doctors}\n", "", "t.yaml:13:9: adds has no 'receive'; add it"),
        (
            "receive: {map: doctors}",
            "receive: {as_it_is: doctors}",
            "t.yaml:14:18: what adds to a record needs rows; name a 'map'",
        ),
        (
            "receive: {map: doctors}",
            "receive: {empty: success}",
            "t.yaml:14:18: what adds to a record needs rows; name a 'map'",
        ),
        (
            "without: [403, 429]",
            "without: [200]",
            "t.yaml:12:19: '200' is no HTTP status of an error; write one from 400 to 599",
        ),
        ("without: [403", "witout: [403", "t.yaml:12:9: unknown key 'witout' in adds; did you mean 'without'?"),
        (
            "      gender: {at: sex,",
            "      birthDate: {at: b}\n      gender: {at: sex,",
            "t.yaml:13:9: 'birthDate' is no list, and another call of 'read Patient' writes it; "
            "leave it to one of them",
        ),
        (
            "    send: {map: client}\n",
            "    send: {map: client}\n    adds: [{call: GET /x, receive: {map: doctors}}]\n",
            "t.yaml:18:12: only a read has further calls, and 'update Patient' is none; remove 'adds'",
        ),
        (
            "writes: update Patient}",
            "writes: update Patient, adds: []}",
            "t.yaml:19:64: 'adds' says nothing beside 'reads'; remove it",
        ),
        (
            "receive: {map: doctors}",
            "receive: {map: docs}",
            "t.yaml:14:24: there is no map 'docs'; did you mean 'doctors'?",
        ),
    ],
)
def test_a_mistake_in_adds_is_told_at_its_word(old: str, new: str, found: str) -> None:
    assert found in changed(old, new)


def test_a_map_that_adds_is_of_the_same_resource_type() -> None:
    other: Json = FILE.replace("  doctors:\n    resource: Patient", "  doctors:\n    resource: Person")

    assert any("takes Patient; name another map" in line for line in problems(other, SEX))
