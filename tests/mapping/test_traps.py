"""The twelve traps that a two-way mapping has to survive, each against the mapping files that ship."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import orjson
import pytest

from fhir_bridge.canonical import CANONICAL
from fhir_bridge.fhir.interaction import Preferences
from fhir_bridge.mapping.losses import Loss
from fhir_bridge.mapping.maps import Map
from fhir_bridge.outcome import Issue, Json
from tests.mapping.lab import (
    Done,
    answer,
    ask,
    concept_map,
    extension,
    handle,
    map_of,
    mapped,
    parameters,
    row_problems,
)
from tests.mapping.shipped import routes

ROUTES = routes()
PREPERSON = map_of(ROUTES, "ehealth")
ID = "7c3da506-804d-4550-8993-bf17f9ee0402"
EMERGENCY = {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0131", "code": "C"}]}


def to_fhir(record: Json, map_: Map = PREPERSON) -> Json:
    """Return the resource of a record; a preperson always has its id."""
    resource, _ = map_.to_fhir({"id": ID, **record} if map_ is PREPERSON else record)
    return resource


def patient(**elements: Json) -> Json:
    return {"resourceType": "Patient", "id": ID, **elements}


def to_partner(**elements: Json) -> Json:
    """Return what is sent of a Patient with which nothing is wrong."""
    sending = PREPERSON.to_partner(patient(**elements))
    assert sending.issues_of(sending.body) == []
    return sending.body


def refused(**elements: Json) -> list[tuple[str, str | None]]:
    sending = PREPERSON.to_partner(patient(**elements))
    return [(issue.code, issue.expression) for issue in sending.issues_of(sending.body)]


def update(*answers: Any, body: Json, **also: Any) -> Done:
    return handle(ROUTES, ask("update", "Patient", ID, base="ehealth", body=body, **also), *answers)


def contact(*telecom: Json, **elements: Json) -> Json:
    return {"relationship": [EMERGENCY], **elements, **({"telecom": list(telecom)} if telecom else {})}


def phone(value: str, **also: Json) -> Json:
    return {"system": "phone", "value": value, **also}


def test_trap_1_several_rows_build_one_element_and_its_use_comes_with_them() -> None:
    name = {"use": "official", "family": "Шевченко", "given": ["Тарас", "Григорович"]}

    assert to_fhir({"last_name": "Шевченко", "first_name": "Тарас", "second_name": "Григорович"}) == patient(
        name=[name]
    )
    assert to_partner(name=[name]) == {"last_name": "Шевченко", "first_name": "Тарас", "second_name": "Григорович"}
    assert to_fhir({"gender": "MALE"}) == patient(gender="male")
    assert to_fhir({"last_name": "", "first_name": None}) == patient()


def test_trap_2_a_patronymic_without_a_first_name_is_not_taken_for_one() -> None:
    made = patient(name=[{"use": "official", "given": [None, "Миколайович"], "_given": [extension("unknown"), None]}])

    assert to_fhir({"second_name": "Миколайович"}) == made
    assert to_partner(name=made["name"]) == {"second_name": "Миколайович"}


def test_trap_3_of_several_codes_of_the_partner_the_first_is_written() -> None:
    landline = {
        "emergency_contact": {"phones": [{"number": "1", "type": "LANDLINE"}, {"number": "2", "type": "LAND_LINE"}]}
    }

    made = to_fhir(landline)

    assert made["contact"] == [contact(phone("1", use="home"), phone("2", use="home"))]
    assert to_partner(contact=made["contact"]) == {
        "emergency_contact": {"phones": [{"number": "1", "type": "LAND_LINE"}, {"number": "2", "type": "LAND_LINE"}]}
    }
    assert (to_fhir({"status": "active"}), to_fhir({"status": "ACTIVE"})) == (
        patient(active=True),
        patient(active=True),
    )


def test_trap_3_both_directions_of_a_table_are_checked_at_start() -> None:
    table = concept_map("sex", ("male", "M", "equivalent"), ("male", "H", "equivalent"))

    assert row_problems("gender: {at: sex, codes: ConceptMap/sex}", table) == [
        "t.yaml:1:26: 'ConceptMap/sex': `male` may become M or H; mark exactly one of them as `equal`"
    ]


def test_trap_4_a_code_that_no_table_knows_is_unsupported_and_never_a_guess() -> None:
    done = handle(
        ROUTES,
        ask("read", "Patient", ID, base="ehealth"),
        answer(
            200,
            {
                "data": {
                    "id": ID,
                    "gender": "UNKNOWN",
                    "emergency_contact": {"phones": [{"number": "1", "type": "FAX"}]},
                }
            },
        ),
        answer(200, {"data": []}),
    )

    assert done.resource == patient(
        _gender=extension("unsupported"), contact=[contact(phone("1", _use=extension("unsupported")))]
    )
    assert done.response is not None
    assert done.response.unknown_codes == (("gender", "UNKNOWN"), ("emergency_contact.phones[0].type", "FAX"))


@pytest.mark.parametrize("code", ["other", "unknown"])
def test_trap_4_a_code_that_the_partner_does_not_know_is_refused(code: str) -> None:
    assert refused(gender=code) == [("code-invalid", "Patient.gender")]


@pytest.mark.parametrize("empty", [None, "", [], {}])
def test_trap_5_null_and_empty_are_absent_and_nothing_absent_is_sent_as_null(empty: Json) -> None:
    fields = ("last_name", "gender", "birth_date", "status", "note", "emergency_contact", "external_id", "updated_at")

    assert to_fhir(dict.fromkeys(fields, empty)) == patient()
    assert to_fhir({"emergency_contact": {"last_name": empty, "phones": empty}}) == patient()
    assert to_fhir({"emergency_contact": {"phones": [empty or {}, {"number": empty, "type": empty}]}}) == patient()
    assert to_partner(gender="male") == {"gender": "MALE"}
    assert b"null" not in orjson.dumps(
        to_partner(name=[{"use": "official", "given": [None, "Миколайович"], "_given": [extension("unknown"), None]}])
    )


def test_trap_6_what_carries_nothing_is_no_loss_and_all_else_is() -> None:
    silent = patient(
        deceasedBoolean=False,
        active=True,
        text={"status": "empty", "div": "<div>a</div>"},
        meta={"versionId": "1"},
        language="uk",
    )

    assert PREPERSON.losses(silent) == []
    assert PREPERSON.losses(patient(deceasedBoolean=True, active=False, photo=[{"title": "a"}])) == [
        Loss("Patient.deceased", modifies=True),
        Loss("Patient.active", modifies=True),
        Loss("Patient.photo[0]"),
    ]


def test_trap_7_what_stands_beside_a_primitive_is_left_behind_with_a_path_of_its_own() -> None:
    beside = {"id": "b1", "extension": [{"url": "http://x.example/calendar", "valueCode": "julian"}]}
    resource = patient(birthDate="1814-03-09", _birthDate=beside)

    assert PREPERSON.to_partner(resource).body == {"birth_date": "1814-03-09"}
    assert PREPERSON.losses(resource) == [Loss("Patient.birthDate.id"), Loss("Patient.birthDate.extension[0]")]


def test_trap_8_the_trace_finds_the_member_behind_an_item_though_others_are_filtered_out() -> None:
    telecom = [
        {"system": "email", "value": "a@b.example"},
        phone("+380501234567", use="mobile"),
        {"system": "sms", "value": "3"},
        phone("x"),
    ]
    body = patient(
        contact=[
            {"relationship": [{"text": "friend"}], "name": {"text": "a"}},
            contact(*telecom, name={"family": "Франко"}),
        ]
    )
    said = {
        "entry": "$.emergency_contact.phones.[1].number",
        "entry_type": "json_data_property",
        "rules": [{"rule": "format", "description": "string does not match"}],
    }

    done = update(answer(422, {"error": {"type": "validation_failed", "message": "bad", "invalid": [said]}}), body=body)

    assert done.sent[0][2]["emergency_contact"]["phones"] == [
        {"number": "+380501234567", "type": "MOBILE"},
        {"number": "x"},
    ]
    assert done.error is not None
    assert [(issue.expression, issue.code) for issue in done.error.issues] == [
        ("Patient.contact[1].telecom[3].value", "value")
    ]


def test_trap_9_two_rows_that_write_one_place_stop_the_start() -> None:
    assert row_problems("birthDate: {at: a}\nactive: {at: a}") == [
        "t.yaml:2:14: field 'a' is written by line 1 as well; keep one of the rows"
    ]
    assert row_problems("deceasedBoolean: {at: a}\ndeceasedDateTime: {at: b, as: date}") == [
        "t.yaml:2:1: element 'deceasedDateTime' is written by line 1 as well; keep one of the rows"
    ]


@pytest.mark.parametrize(
    ("died", "sent"),
    [
        ("2020-01-31T23:30:00-05:00", "2020-01-31"),
        ("2020-02-01T00:30:00+14:00", "2020-02-01"),
        ("2020-02-01", "2020-02-01"),
    ],
)
def test_trap_10_a_date_is_as_written_and_not_shifted(died: str, sent: str) -> None:
    assert to_partner(deceasedDateTime=died) == {"death_date": sent}


@pytest.mark.parametrize("died", ["2020", "2020-02"])
def test_trap_10_less_than_a_date_is_refused(died: str) -> None:
    assert refused(deceasedDateTime=died) == [("value", "Patient.deceased")]


def test_trap_10_an_instant_keeps_its_fraction_and_offset() -> None:
    done = handle(
        ROUTES,
        ask("read", "Patient", ID, base="ehealth"),
        answer(200, {"data": {"id": ID, "updated_at": "2017-04-20T19:14:13.01000+03:00"}}),
        answer(200, {"data": []}),
    )

    assert done.resource == patient(
        meta={"versionId": "2017-04-20T191413.010000300-651841d4f033", "lastUpdated": "2017-04-20T19:14:13.01000+03:00"}
    )


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"", "it is empty."),
        (b'{"data": {"first_name": "a"}}', "`id`: it is missing."),
        (b'{"data": {"id": "other"}}', "it is the record of another id than the one that was asked for."),
    ],
)
def test_trap_11_the_client_is_told_that_the_partner_accepted_a_write(body: bytes, why: str) -> None:
    done = update(answer(202, body), body=patient(gender="male"))

    text = f"eHealth Ukraine accepted the call (status 202), but its answer cannot be read: {why}"
    assert done.error is not None
    assert (done.error.status_code, done.error.issues) == (
        502,
        (Issue("partner-answer-unreadable", "exception", text),),
    )


@pytest.mark.parametrize("family", ["Ґе\u0301ник", "e\u0301", "é", "👩\u200d⚕️", "\u202eabc", "O'Neil & <b>", "ﬁ"])
def test_trap_12_text_is_unicode_as_it_came(family: str) -> None:
    done = update(answer(200, {"data": {"id": ID, "last_name": family}}), body=patient(name=[{"family": family}]))

    assert done.requests[0].body == orjson.dumps({"last_name": family})
    assert family.encode() in (done.requests[0].body or b"") or "\\u" not in str(done.requests[0].body)
    assert done.resource["name"][0]["family"] == family


def test_trap_12_numbers_are_as_they_came() -> None:
    counts = answer(200, b'{"message": "IN_PROGRESS_NO_ACTION_NEEDED", "skippedFacilitiesCount": 3.0}')
    body = parameters(skipInteractive={"valueBoolean": False})

    done = handle(
        ROUTES, ask("operation", "Patient", "p-1", base="healthex", operation="update-data", body=body), counts
    )

    assert done.requests[0].body == b'{"skipInteractive":false}'

    (found,) = [part for part in done.resource["parameter"] if part["name"] == "skippedFacilitiesCount"]
    assert found == {"name": "skippedFacilitiesCount", "valueInteger": 3}


def test_the_wmda_id_is_a_number_in_the_body() -> None:
    body = parameters(status={"valueCode": "STP"}, reason={"valueCode": "PDC"})
    interaction = ask("operation", "Patient", "123456", base="wmda", operation="update-search-status", body=body)

    done = handle(ROUTES, interaction, answer(200, {"wmdaId": 123456, "newStatus": "STP", "changeReason": "PDC"}))

    assert done.sent == [("PUT", "/patients/status", {"newStatus": "STP", "changeReason": "PDC", "wmdaId": 123456})]
    assert [part["name"] for part in done.resource["parameter"]] == ["status", "reason", "outcome"]


def test_a_strict_client_loses_nothing_of_what_the_preperson_holds() -> None:
    """The whole table of the contract, in one resource."""
    body = patient(
        identifier=[{"system": f"{CANONICAL}/sid/ehealth-external-id", "value": "e-1"}],
        name=[{"use": "official", "family": "Шевченко", "given": ["Тарас", "Григорович"]}],
        gender="male",
        birthDate="1814-03-09",
        deceasedDateTime="1861-03-10",
        contact=[contact(phone("1", use="mobile"), name={"family": "Франко", "given": ["Іван", "Якович"]})],
    )

    done = update(answer(200, {"data": {"id": ID}}), body=body, preferences=Preferences(strict=True))

    assert done.sent == [
        (
            "PATCH",
            f"/api/prepersons/{ID}",
            {
                "external_id": "e-1",
                "last_name": "Шевченко",
                "first_name": "Тарас",
                "second_name": "Григорович",
                "gender": "MALE",
                "birth_date": "1814-03-09",
                "death_date": "1861-03-10",
                "emergency_contact": {
                    "last_name": "Франко",
                    "first_name": "Іван",
                    "second_name": "Якович",
                    "phones": [{"number": "1", "type": "MOBILE"}],
                },
            },
        )
    ]
    assert done.requests[0].repeat == "unsent"


def test_a_decimal_keeps_every_digit() -> None:
    map_ = mapped("extension[w].valueDecimal: {at: weight}", slices="extension[w]: {url: StructureDefinition/weight}")

    resource, _ = map_.to_fhir({"weight": Decimal("61.50")})

    assert str(resource["extension"][0]["valueDecimal"]) == "61.50"
