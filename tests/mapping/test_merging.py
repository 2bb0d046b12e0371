"""Updates that are laid over the partner's whole record, and patches that clear what a partner can clear."""

from __future__ import annotations

from typing import Any

import pytest

from fhir_bridge.exchange import PartnerResponse
from fhir_bridge.fhir.interaction import Preferences
from fhir_bridge.mapping.partner_fields import PartnerField
from fhir_bridge.outcome import Issue, Json
from tests.mapping.lab import Done, answer, ask, concept_map, handle, load, problems

FILE = """\
partner: northlab
title: Northlab
connection: {base_url: $NORTHLAB_URL}
identity: {systems: [sid/client], id: positive-integer}
interactions:
  read Patient:
    call: GET /clients/{id}
    receive: {map: client, at: client}
  update Patient:
    call: PUT /clients
    over: read Patient
    leaves: [seenAt, person.checked]
    send: {map: client, id: {at: number, as: digits}}
    receive: {empty: success}
    then: read Patient
  patch Patient: {reads: read Patient, writes: update Patient}
  create Patient: {as: update Patient}
maps:
  client:
    resource: Patient
    slices:
      identifier[card]: {system: sid/card}
    rows:
      id: {at: number, as: digits, only: to_fhir}
      meta.lastUpdated: {at: changed, only: to_fhir}
      identifier[card].value: {at: card, only: to_fhir}
      active: {at: open, clears: false}
      name: {at: names, each: {family: {at: surname}, text: {at: written}}}
      gender: {at: person.sex, codes: ConceptMap/sex}
      birthDate: {at: [person.born, person.birthday]}
      multipleBirthInteger: {at: person.twin.order}
    silent: {id: any, meta: any}
"""
SEX = concept_map("sex", ("female", "F"))
ROUTES = load(FILE, SEX)
RECORD: Json = {
    "number": 42,
    "changed": "2026-01-02T03:04:05Z",
    "seenAt": "2026-02-02T03:04:05Z",
    "card": "0042-7",
    "open": True,
    "names": [{"surname": "Berg", "written": "Liv Berg", "since": "2001"}],
    "person": {"sex": "F", "birthday": "1984-02-29", "twin": {"order": 2}, "weight": 61.5, "checked": True},
    "points": None,
}
KEPT = {"number": 42, "open": True, "names": RECORD["names"], "points": None}
READ = answer(200, {"client": RECORD})
DONE = answer(204)
VERSION = 'W/"2026-01-02T030405Z-26e12849b9f3"'


def patient(**elements: Json) -> Json:
    return {"resourceType": "Patient", "id": "42", **elements}


def update(body: Json, *answers: PartnerResponse, **also: Any) -> Done:
    return handle(ROUTES, ask("update", body=body, **also), *answers)


def patch(*operations: Json, answers: tuple[PartnerResponse, ...], **also: Any) -> Done:
    content_type = "application/json-patch+json"
    return handle(ROUTES, ask("patch", body=list(operations), content_type=content_type, **also), *answers)


def remove(path: str) -> Json:
    return {"op": "remove", "path": path}


def sent(done: Done) -> list[Json]:
    """Return what was sent with the calls that change anything."""
    return [body for method, _, body in done.sent if method == "PUT"]


def test_an_update_is_laid_over_the_record_that_is_there() -> None:
    """What no row knows stays; what the partner keeps itself, and what is named, is not sent back."""
    done = update(patient(active=False), READ, DONE, READ)

    assert done.sent == [
        ("GET", "/clients/42", None),
        (
            "PUT",
            "/clients",
            {
                **KEPT,
                "open": False,
                "person": {"sex": "F", "birthday": "1984-02-29", "twin": {"order": 2}, "weight": 61.5},
            },
        ),
        ("GET", "/clients/42", None),
    ]


def test_a_field_at_the_top_is_changed_as_a_whole_as_far_as_rows_know_it() -> None:
    done = update(patient(birthDate="1985-01-01"), READ, DONE, READ)

    assert sent(done) == [{**KEPT, "person": {"weight": 61.5, "born": "1985-01-01"}}]


def test_a_list_is_changed_as_a_whole() -> None:
    done = update(patient(name=[{"family": "Dahl"}]), READ, DONE, READ)

    assert sent(done)[0]["names"] == [{"surname": "Dahl"}]


def test_an_element_that_every_record_has_is_no_field_of_it() -> None:
    text = FILE.replace("      birthDate:", "      language: {value: nb}\n      birthDate:")
    interaction = ask("update", body=patient(language="nb", active=False))

    done = handle(load(text, SEX), interaction, READ, DONE, READ)

    person = {"sex": "F", "birthday": "1984-02-29", "twin": {"order": 2}, "weight": 61.5}
    assert sent(done) == [{**KEPT, "open": False, "person": person}]


def test_a_record_whose_object_is_null_gets_a_new_one() -> None:
    record = {**RECORD, "person": None}
    done = update(patient(birthDate="1985-01-01"), answer(200, {"client": record}), DONE, READ)

    assert sent(done) == [{**KEPT, "person": {"born": "1985-01-01"}}]


def test_a_record_that_is_not_there_cannot_be_changed() -> None:
    done = update(patient(active=False), answer(404))

    assert done.error is not None
    assert (done.error.status_code, len(done.requests)) == (404, 1)


def test_a_record_that_cannot_be_read_says_that_nothing_was_changed() -> None:
    done = update(patient(active=False), answer(500))

    assert done.error is not None
    assert [issue.error for issue in done.error.issues] == ["partner-error", "nothing-changed"]


def test_what_is_wrong_with_a_request_is_told_before_any_call() -> None:
    done = update(patient(gender="other"))

    assert done.error is not None
    assert ([issue.error for issue in done.error.issues], done.requests) == (["code-unknown-to-partner"], [])


def test_an_update_without_an_id_in_its_address_is_laid_over_too() -> None:
    done = handle(ROUTES, ask("create", id_=None, body=patient(active=False)), READ, DONE, READ)

    assert [method for method, _, _ in done.sent] == ["GET", "PUT", "GET"]


@pytest.mark.parametrize("code", ["update", "patch"])
def test_the_record_is_read_once_for_the_version_and_for_the_rest(code: Any) -> None:
    headers = {"if-match": VERSION}
    if code == "update":
        done = update(patient(active=False), READ, DONE, READ, headers=headers)
    else:
        change = {"op": "replace", "path": "/active", "value": False}
        done = patch(change, answers=(READ, DONE, READ), headers=headers)

    assert [method for method, _, _ in done.sent] == ["GET", "PUT", "GET"]


def test_another_version_is_not_changed() -> None:
    done = update(patient(active=False), READ, headers={"if-match": 'W/"1"'})

    assert done.error is not None
    assert (done.error.status_code, len(done.requests)) == (412, 1)


def test_a_patch_sends_the_whole_record_with_what_it_changes() -> None:
    done = patch({"op": "replace", "path": "/birthDate", "value": "1985-01-01"}, answers=(READ, DONE, READ))

    person = {"sex": "F", "born": "1985-01-01", "twin": {"order": 2}, "weight": 61.5}
    assert sent(done) == [{**KEPT, "person": person}]


@pytest.mark.parametrize(
    ("path", "changed"),
    [
        ("/name", {"names": None}),
        ("/birthDate", {"person": {"sex": "F", "born": None, "twin": {"order": 2}, "weight": 61.5}}),
        (
            "/multipleBirthInteger",
            {"person": {"sex": "F", "born": "1984-02-29", "twin": {"order": None}, "weight": 61.5}},
        ),
    ],
)
def test_a_patch_clears_what_it_removes_by_null(path: str, changed: Json) -> None:
    whole = {**KEPT, "person": {"sex": "F", "birthday": "1984-02-29", "twin": {"order": 2}, "weight": 61.5}}

    assert sent(patch(remove(path), answers=(READ, DONE, READ))) == [{**whole, **changed}]


def test_a_row_may_say_that_it_cannot_be_cleared() -> None:
    done = patch(remove("/active"), answers=(READ,))

    text = "The partner has no way to clear this element; give it another value, or leave it."
    assert done.error is not None
    assert done.error.issues == (Issue("cannot-be-cleared", "business-rule", text, "Patient.active"),)


def test_what_the_partner_keeps_itself_is_not_cleared() -> None:
    done = patch(remove("/identifier"), answers=(READ,))

    assert done.error is not None
    assert [issue.error for issue in done.error.issues] == ["read-only"]


STRICT = Preferences(strict=True)
CARD = {"system": "https://fhir-bridge.example/fhir/sid/card", "value": "0042-7"}


def test_what_the_partner_keeps_itself_is_no_loss_where_it_is_as_it_was() -> None:
    """A record that was read can be sent back, strictly."""
    done = update(patient(active=False, identifier=[CARD]), READ, DONE, READ, preferences=STRICT)

    assert len(sent(done)) == 1


def test_but_is_one_where_it_is_another() -> None:
    done = update(patient(active=False, identifier=[{**CARD, "value": "1"}]), READ, preferences=STRICT)

    text = "Northlab cannot hold this element; leave it out, or send without `handling=strict`."
    assert done.error is not None
    assert done.error.issues == (Issue("left-behind", "not-supported", text, "Patient.identifier[0]"),)
    assert [method for method, _, _ in done.sent] == ["GET"]


def test_a_field_is_removed_with_the_objects_that_held_nothing_else() -> None:
    record = {"a": {"b": {"a": 1}}, "c": {"d": 1, "e": None}, "f": 1}

    for keys in (("a", "b", "a"), ("c", "d"), ("f", "g"), ("h",), ("h", "i")):
        PartnerField(keys).remove(record)

    assert record == {"c": {"e": None}, "f": 1}


# --- without `over`, a row says what can be cleared


def test_a_row_may_say_that_it_can_be_cleared() -> None:
    text = FILE.replace("    over: read Patient\n    leaves: [seenAt, person.checked]\n", "")
    text = text.replace("birthDate: {at: [person.born, person.birthday]}", "birthDate: {at: person.born, clears: true}")
    routes = load(text, SEX)
    record = {**RECORD, "person": {"sex": "F", "born": "1984-02-29"}}
    operations = [remove("/birthDate")]

    done = handle(
        routes,
        ask("patch", body=operations, content_type="application/json-patch+json"),
        answer(200, {"client": record}),
        DONE,
        READ,
    )

    assert sent(done) == [{"number": 42, "person": {"sex": "F", "born": None}}]


# --- what is wrong with a mapping file

HEAD = """\
partner: northlab
connection: {base_url: $NORTHLAB_URL}
maps: {client: {resource: Patient, rows: {birthDate: {at: born}}}}
interactions:
  read Patient: {call: "GET /clients/{id}", receive: {map: client}}
"""


@pytest.mark.parametrize(
    ("key", "lines", "found"),
    [
        ("update", ["over: update Patient"], "8:11: 'update Patient' is no read of Patient; name 'read Patient'"),
        (
            "update",
            ["over: raed Patient"],
            "8:11: there is no interaction 'raed Patient'; did you mean 'read Patient'?",
        ),
        ("create", ["over: read Patient"], "8:11: 'create Patient' is no update that sends a map; remove 'over'"),
        ("update", ["leaves: [born]"], "8:14: 'leaves' says nothing without 'over'; remove it"),
        (
            "update",
            ["over: read Patient", "leaves: [a..b]"],
            "9:14: 'a..b' is no field of the partner; write names with dots between: a.b.c",
        ),
    ],
)
def test_a_mistake_is_told_at_its_word(key: str, lines: list[str], found: str) -> None:
    path, receive = ("/c/{id}", "{map: client}") if key == "update" else ("/c", "{id: {at: number}}")
    inner = [f"call: PUT {path}", *lines, "send: {map: client}", f"receive: {receive}"]
    text = f"{HEAD}  {key} Patient:\n" + "".join(f"    {line}\n" for line in inner)

    assert problems(text) == [f"t.yaml:{found}"]


def test_what_passes_as_it_is_is_laid_over_nothing() -> None:
    inner = ["call: PUT /c/{id}", "over: read Patient", "send: {as_it_is: client}", "receive: {map: client}"]
    text = f"{HEAD}  update Patient:\n" + "".join(f"    {line}\n" for line in inner)

    assert problems(text) == ["t.yaml:8:11: 'update Patient' is no update that sends a map; remove 'over'"]
