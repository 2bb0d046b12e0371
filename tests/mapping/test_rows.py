"""Rows: one element and one field, in both directions, and what becomes of what the other side cannot hold."""

import copy

import pytest

from fhir_bridge.mapping.code_tables import printable_code
from fhir_bridge.mapping.losses import Loss
from fhir_bridge.mapping.maps import Map
from fhir_bridge.mapping.partner_fields import Unreadable
from fhir_bridge.mapping.rows import is_path_segment
from fhir_bridge.mapping.sending import Pair
from fhir_bridge.outcome import Issue, Json
from tests.mapping.lab import SEX, concept_map, extension, load, map_of, mapped

USE = concept_map("use", ("home", "HOME"), ("work", "OFFICE"), ("work", "WORK", "equivalent"))
OPEN = concept_map("open", ("true", "OPEN"), ("false", "CLOSED"))
NAMES = "name[usual]: {use: usual, otherwise: first without use}"
ADDRESSES = """\
address:
  at: addresses
  each:
    use: {at: kind, codes: ConceptMap/use}
    line[0]: {at: street}
    line[1]: {at: careOf}
    city: {at: town}
    id: {at: n, only: to_fhir}
"""


def sent(map_: Map, resource: Json) -> Json:
    """Return what is sent of a resource, which is not changed; nothing is wrong with it."""
    before = copy.deepcopy(resource)
    sending = map_.to_partner(resource)
    assert (sending.issues, resource) == ([], before)
    return sending.body


def refused(map_: Map, resource: Json) -> tuple[Json, list[Issue]]:
    """Return what would be sent, and what is wrong."""
    sending = map_.to_partner(resource)
    return sending.body, sending.issues_of(sending.body)


def received(map_: Map, record: Json) -> Json:
    """Return the resource of a record, which is not changed; all its codes are known."""
    before = copy.deepcopy(record)
    resource, receiving = map_.to_fhir(record)
    assert (receiving.unknown_codes, record) == ([], before)
    return resource


def unreadable(map_: Map, record: Json) -> tuple[object, str]:
    with pytest.raises(Unreadable) as caught:
        map_.to_fhir(record)
    return caught.value.field, caught.value.why


def test_one_row_goes_both_ways() -> None:
    map_ = mapped("birthDate: {at: person.born}")

    assert sent(map_, {"birthDate": "1815-12-10"}) == {"person": {"born": "1815-12-10"}}
    assert received(map_, {"person": {"born": "1815-12-10"}}) == {"resourceType": "Patient", "birthDate": "1815-12-10"}


def test_what_is_absent_is_not_sent() -> None:
    assert sent(mapped("birthDate: {at: born}\nactive: {at: open}"), {"active": False}) == {"open": False}


def test_a_row_to_fhir_only_is_never_sent() -> None:
    map_ = mapped("id: {at: number, only: to_fhir}\nbirthDate: {at: born}")

    assert sent(map_, {"id": "42", "birthDate": "1815-12-10"}) == {"born": "1815-12-10"}
    assert received(map_, {"number": "42"}) == {"resourceType": "Patient", "id": "42"}


def test_the_first_of_several_fields_that_has_something_is_read_and_the_first_is_written() -> None:
    map_ = mapped("birthDate: {at: [born, dob, birthday]}")

    assert received(map_, {"born": None, "dob": "", "birthday": "1815-12-10"})["birthDate"] == "1815-12-10"
    assert received(map_, {"born": "1815-12-10", "dob": "1900-01-01"})["birthDate"] == "1815-12-10"
    assert sent(map_, {"birthDate": "1815-12-10"}) == {"born": "1815-12-10"}
    assert unreadable(map_, {"dob": 7}) == (("dob",), "text is expected here")


@pytest.mark.parametrize("empty", [None, "", [], {}])
def test_empty_values_of_the_partner_are_absent(empty: Json) -> None:
    map_ = mapped("birthDate: {at: born}\nactive: {at: open}")

    assert received(map_, {"born": empty, "open": False}) == {"resourceType": "Patient", "active": False}


def test_a_required_field_that_is_missing_makes_the_answer_unreadable() -> None:
    map_ = mapped("birthDate: {at: [person.born, dob], required: true}\nactive: {at: open}")

    assert unreadable(map_, {"open": True}) == (("person", "born"), "it is missing")


@pytest.mark.parametrize(
    ("record", "where", "why"),
    [
        ({"person": "x"}, ("person",), "an object is expected here"),
        ({"person": {"born": "1815"}}, ("person", "born"), "a full date is needed here: YYYY-MM-DD"),
        ({"addresses": {"town": "Oslo"}}, ("addresses",), "a list is expected here"),
        ({"addresses": [{"town": "Oslo"}, "Oslo"]}, ("addresses", 1), "an object is expected here"),
        ({"addresses": [{"town": ["Oslo"]}]}, ("addresses", 0, "town"), "text is expected here"),
        ({"addresses": [None, {"kind": 7}]}, ("addresses", 1, "kind"), "text is expected here"),
        ([], (), "an object is expected here"),
        (None, (), "an object is expected here"),
        ({"else": 1}, (), "nothing in it is known"),
        ({"addresses": [{"else": 1}]}, (), "nothing in it is known"),
    ],
)
def test_what_is_of_another_shape_is_told_with_its_place(record: Json, where: object, why: str) -> None:
    map_ = mapped(f"birthDate: {{at: person.born}}\n{ADDRESSES}", USE)

    assert unreadable(map_, record) == (where, why)


def test_codes_go_through_their_table() -> None:
    map_ = mapped("gender: {at: sex, codes: ConceptMap/sex}\nactive: {at: state, codes: ConceptMap/open}", SEX, OPEN)

    assert sent(map_, {"gender": "male", "active": False}) == {"sex": "M", "state": "CLOSED"}
    assert received(map_, {"sex": "F", "state": "OPEN"}) == {
        "resourceType": "Patient",
        "gender": "female",
        "active": True,
    }


def test_a_code_that_the_table_has_not_is_refused_naming_those_it_has() -> None:
    map_ = mapped("gender: {at: sex, codes: ConceptMap/sex}", SEX)

    assert refused(map_, {"gender": "other"}) == (
        {},
        [
            Issue(
                "code-unknown-to-partner",
                "code-invalid",
                "`gender` cannot be sent: the partner knows only `male`, `female`.",
                "Patient.gender",
            )
        ],
    )


def test_a_value_that_the_partner_cannot_hold_is_refused_at_its_element() -> None:
    map_ = mapped("deceasedDateTime: {at: died, as: date}\nactive: {at: open}")

    assert refused(map_, {"deceasedDateTime": "1852-11", "active": True}) == (
        {"open": True},
        [
            Issue(
                "cannot-be-sent",
                "value",
                "`deceased` cannot be sent: a full date is needed here: YYYY-MM-DD.",
                "Patient.deceased",
            )
        ],
    )


def test_a_code_of_the_partner_that_no_table_knows_is_absent_and_unsupported() -> None:
    map_ = mapped("gender: {at: person.sex, codes: ConceptMap/sex}", SEX)

    resource, receiving = map_.to_fhir({"person": {"sex": "X"}})

    assert resource == {"resourceType": "Patient", "_gender": extension("unsupported")}
    assert receiving.unknown_codes == [("person.sex", "X")]


def test_an_unknown_code_in_a_list_of_codes_keeps_its_place() -> None:
    table = concept_map("suffix", ("PhD", "1"))
    map_ = mapped(
        "name[usual].suffix[0]: {at: a, codes: ConceptMap/suffix}\nname[usual].suffix[1]: {at: b}", table, slices=NAMES
    )

    resource, receiving = map_.to_fhir({"a": "9", "b": "jr"})

    assert resource["name"] == [{"use": "usual", "suffix": [None, "jr"], "_suffix": [extension("unsupported"), None]}]
    assert receiving.unknown_codes == [("a", "9")]
    assert sent(map_, resource) == {"b": "jr"}


@pytest.mark.parametrize(
    ("code", "shown"),
    [
        ("X", "X"),
        ("x" * 32, "x" * 32),
        ("x" * 33, "(unprintable)"),
        ("A.b-9_", "A.b-9_"),
        ("Jane Doe", "(unprintable)"),
        ("Ä", "(unprintable)"),
        ("a\nb", "(unprintable)"),
        (7, "7"),
    ],
)
def test_a_code_in_the_log_is_short_and_harmless(code: Json, shown: str) -> None:
    assert printable_code(code) == shown


def test_a_code_that_is_no_text_cannot_be_read() -> None:
    assert unreadable(mapped("gender: {at: sex, codes: ConceptMap/sex}", SEX), {"sex": 1}) == (
        ("sex",),
        "text is expected here",
    )


def test_an_unknown_code_that_stands_alone_is_kept_by_not_being_sent() -> None:
    map_ = mapped("gender: {at: sex, codes: ConceptMap/sex}\nactive: {at: open}", SEX)

    assert refused(map_, {"_gender": extension("unsupported"), "active": True}) == ({"open": True}, [])


LOST = "the partner has a code here that no table knows, and sending what is around it would lose it."


def test_an_unknown_code_is_not_lost_with_what_is_sent_around_it() -> None:
    """The partner takes a field of its record whole; a field that is not sent keeps what is in it."""
    map_ = mapped(
        "gender: {at: person.sex, codes: ConceptMap/sex}\nbirthDate: {at: person.born}\nactive: {at: open}", SEX
    )
    read = {"_gender": extension("unsupported"), "birthDate": "1815-12-10"}

    assert refused(map_, read) == (
        {"person": {"born": "1815-12-10"}},
        [Issue("code-unknown-to-partner", "code-invalid", f"`gender` cannot be sent: {LOST}", "Patient.gender")],
    )
    assert refused(map_, {"_gender": extension("unsupported"), "active": True}) == ({"open": True}, [])


def test_an_unknown_code_in_a_list_is_not_lost_with_the_list() -> None:
    map_ = mapped(ADDRESSES, USE)
    read = {"address": [{"city": "Oslo"}, {"_use": extension("unsupported"), "city": "Bergen"}]}

    assert refused(map_, read) == (
        {"addresses": [{"town": "Oslo"}, {"town": "Bergen"}]},
        [Issue("code-unknown-to-partner", "code-invalid", f"`use` cannot be sent: {LOST}", "Patient.address[1].use")],
    )
    assert refused(map_, {"address": [{"_use": extension("unsupported")}]}) == ({}, [])


def test_absent_for_another_reason_is_just_absent() -> None:
    assert refused(mapped(ADDRESSES, USE), {"address": [{"_use": extension("masked"), "city": "Oslo"}]}) == (
        {"addresses": [{"town": "Oslo"}]},
        [],
    )


def test_each_member_of_a_list_is_an_item() -> None:
    map_ = mapped(ADDRESSES, USE)
    resource = {
        "address": [
            {"use": "home", "line": ["Gata 1"], "city": "Oslo"},
            {"use": "work", "line": ["Gata 2", "c/o Dahl"]},
        ]
    }
    record = {
        "addresses": [
            {"kind": "HOME", "street": "Gata 1", "town": "Oslo"},
            {"kind": "OFFICE", "street": "Gata 2", "careOf": "c/o Dahl"},
        ]
    }

    assert sent(map_, resource) == record
    assert received(map_, record) == {"resourceType": "Patient", **resource}


def test_several_codes_of_the_partner_may_be_one_of_fhirs() -> None:
    map_ = mapped(ADDRESSES, USE)

    assert received(map_, {"addresses": [{"kind": "WORK"}, {"kind": "OFFICE"}]})["address"] == [
        {"use": "work"},
        {"use": "work"},
    ]


def test_a_member_that_has_nothing_for_the_partner_is_no_item() -> None:
    map_ = mapped(ADDRESSES, USE)

    assert sent(map_, {"address": [{"country": "NO"}, {"city": "Oslo"}]}) == {"addresses": [{"town": "Oslo"}]}
    assert sent(map_, {"address": [{"country": "NO"}]}) == {}


@pytest.mark.parametrize("item", [None, {}, {"else": 1}, {"town": None, "kind": ""}])
def test_an_item_that_has_nothing_for_fhir_is_no_member(item: Json) -> None:
    map_ = mapped(f"{ADDRESSES}\nactive: {{at: open}}", USE)

    assert received(map_, {"open": True, "addresses": [item]}) == {"resourceType": "Patient", "active": True}
    assert received(map_, {"addresses": [item, {"town": "Oslo"}]})["address"] == [{"city": "Oslo"}]


def test_a_gap_within_a_member_is_said_to_be_unknown() -> None:
    map_ = mapped(ADDRESSES, USE)

    resource = received(map_, {"addresses": [{"careOf": "c/o Dahl"}]})

    assert resource["address"] == [{"line": [None, "c/o Dahl"], "_line": [extension("unknown"), None]}]
    assert sent(map_, resource) == {"addresses": [{"careOf": "c/o Dahl"}]}


def test_a_list_to_fhir_only_is_never_sent_and_nothing_of_it_counts_as_sent() -> None:
    map_ = mapped("address: {at: addresses, only: to_fhir, each: {city: {at: town}}}\nactive: {at: open}")
    resource = {"address": [{"city": "Oslo"}], "active": True}

    assert sent(map_, resource) == {"open": True}
    assert received(map_, {"addresses": [{"town": "Oslo"}]})["address"] == [{"city": "Oslo"}]
    assert map_.losses({"resourceType": "Patient", **resource}) == [Loss("Patient.address[0]")]


def traced(map_: Map, resource: Json) -> list[tuple[str, object, Json, bool]]:
    return [(pair.element, pair.field, pair.value, pair.sends) for pair in map_.pairs(resource)]


def test_the_trace_of_a_row_tells_element_field_and_value_also_where_it_is_absent() -> None:
    map_ = mapped(
        (
            "gender: {at: person.sex, codes: ConceptMap/sex}\nbirthDate: {at: "
            "born}\nid: {at: n, only: to_fhir}\ndeceasedDateTime: {at: died, as: date}"
        ),
        SEX,
    )

    assert traced(map_, {"gender": "male", "id": "42", "deceasedDateTime": "1852"}) == [
        ("Patient.gender", ("person", "sex"), "M", True),
        ("Patient.birthDate", ("born",), None, True),
        ("Patient.id", ("n",), "42", False),
        ("Patient.deceased", ("died",), None, True),
    ]


def test_the_trace_of_a_list_counts_the_items_that_are_sent() -> None:
    """An item that only has what is read would be no item, though its element has a value."""
    map_ = mapped(ADDRESSES, USE)
    resource = {"address": [{"country": "NO"}, {"id": "a1"}, {"city": "Oslo"}, {"use": "home"}]}

    pairs = traced(map_, resource)

    assert [(element, field) for element, field, value, sends in pairs if value is not None and sends] == [
        ("Patient.address[2].city", ("addresses", 0, "town")),
        ("Patient.address[3].use", ("addresses", 1, "kind")),
    ]
    assert pairs[0] == ("Patient.address", ("addresses",), None, True)
    assert ("Patient.address[2]", ("addresses", 0), None, True) in pairs


def test_the_trace_names_the_row_and_what_told_a_member() -> None:
    map_ = mapped("name[usual].family: {at: surname}", slices=NAMES)

    (pair,) = map_.pairs({"name": [{"use": "old"}, {"use": "usual", "family": "Lovelace"}]})

    told_by = ("Patient.name[1].use",)
    name = "name[usual].family"
    assert pair == Pair("Patient.name[1].family", ("surname",), "Lovelace", pair.mark, told_by, name=name)
    assert str(pair.mark) == "mappings/t.yaml:14:7"


def path_map() -> Map:
    text = """\
partner: northlab
connection: {base_url: $NORTHLAB_URL}
interactions:
  update Patient: {call: "PUT /{lab}/{unit}/{id}", send: {map: client}, receive: {map: client}}
maps:
  client:
    resource: Patient
    rows:
      language: {path: lab, otherwise: oslo}
      implicitRules: {path: unit}
      birthDate: {at: born}
"""
    return map_of(load(text))


def test_a_row_may_fill_a_variable_of_the_path() -> None:
    sending = path_map().to_partner({"language": "bergen", "implicitRules": "u 1%", "birthDate": "1815-12-10"})

    assert (sending.path, sending.body, sending.issues) == (
        {"lab": "bergen", "unit": "u 1%"},
        {"born": "1815-12-10"},
        [],
    )


def test_what_the_client_leaves_out_is_taken_from_the_file_or_needed() -> None:
    sending = path_map().to_partner({})

    assert (sending.path, sending.issues) == (
        {"lab": "oslo"},
        [
            Issue(
                "element-missing",
                "required",
                "`unit` is needed: send it, or have a default configured.",
                "Patient.implicitRules",
            )
        ],
    )


@pytest.mark.parametrize("value", [".", "..", "a/b", "a\\b", "a\nb", "a\x00", "\x7f"])
def test_what_would_leave_its_segment_of_the_path_is_refused(value: str) -> None:
    sending = path_map().to_partner({"language": value, "implicitRules": "u"})

    assert sending.path == {"unit": "u"}
    assert sending.issues == [
        Issue(
            "cannot-be-sent",
            "value",
            "`lab` becomes part of an address: at most 200 characters, no '/', not '.' or '..'.",
            "Patient.language",
        )
    ]


@pytest.mark.parametrize("text", ["a", "a b", "%2F", "...", "ключ", "a?b#c"])
def test_what_stays_one_segment_once_it_is_percent_encoded(text: str) -> None:
    assert is_path_segment(text)


def test_a_variable_is_not_received_and_stands_in_the_trace() -> None:
    map_ = path_map()

    resource, _ = map_.to_fhir({"born": "1815-12-10", "lab": "oslo"})

    assert resource == {"resourceType": "Patient", "birthDate": "1815-12-10"}
    assert [(pair.element, pair.field, pair.value) for pair in map_.pairs({"language": "bergen"})] == [
        ("Patient.language", ("{lab}",), "bergen"),
        ("Patient.implicitRules", ("{unit}",), None),
        ("Patient.birthDate", ("born",), None),
    ]
    assert map_.losses({"resourceType": "Patient", "language": "bergen", "implicitRules": "u"}) == []


def test_the_values_of_rows_are_compared_to_find_what_a_patch_changes() -> None:
    rows = mapped(f"birthDate: {{at: born}}\n{ADDRESSES}", USE).rows
    resource = {"birthDate": "1815-12-10", "address": [{"city": "Oslo"}]}

    assert [row.values(resource) for row in rows] == ["1815-12-10", [{"city": "Oslo"}]]
    assert [row.values({}) for row in rows] == [None, None]
    assert [row.values({"language": "a"}) for row in path_map().rows] == ["a", None, None]


# --- lists of plain values, references, flags

DOCTORS = "generalPractitioner: {at: doctors, each: {reference: {at: ., as: reference Practitioner}}}"


def test_items_may_be_plain_values() -> None:
    map_ = mapped(DOCTORS)
    resource = {"generalPractitioner": [{"reference": "Practitioner/7"}, {"reference": "Practitioner/12"}]}

    assert sent(map_, resource) == {"doctors": ["7", "12"]}
    assert received(map_, {"doctors": ["7", None, "12"]}) == {"resourceType": "Patient", **resource}
    assert list(map_.pairs({"generalPractitioner": [{"display": "a"}, {"reference": "Practitioner/7"}]})) == [
        Pair("Patient.generalPractitioner", ("doctors",), None, map_.rows[0].mark, name="generalPractitioner"),
        Pair("Patient.generalPractitioner[1]", ("doctors", 0), None, map_.rows[0].mark, name="generalPractitioner"),
        Pair(
            "Patient.generalPractitioner[1].reference", ("doctors", 0), "7", map_.rows[0].rows[0].mark, name="reference"
        ),
    ]


@pytest.mark.parametrize(
    ("item", "why"),
    [
        ({"id": "7"}, "text is expected here"),
        (7, "text is expected here"),
        ("a/b", "an id of letters, digits, '-' and '.' is expected here"),
    ],
)
def test_a_plain_item_of_another_shape_is_told_with_its_place(item: Json, why: str) -> None:
    assert unreadable(mapped(DOCTORS), {"doctors": ["12", item]}) == (("doctors", 1), why)


@pytest.mark.parametrize("reference", ["Patient/7", "Practitioner/", "#7", "https://x.example/fhir/Practitioner/7"])
def test_a_reference_to_something_else_is_refused_at_its_element(reference: str) -> None:
    text = "`reference` cannot be sent: a reference of the form Practitioner/<id> is needed here."

    assert refused(mapped(DOCTORS), {"generalPractitioner": [{"reference": reference}]}) == (
        {},
        [Issue("cannot-be-sent", "value", text, "Patient.generalPractitioner[0].reference")],
    )


def test_a_field_that_is_true_or_false_may_be_one_of_several_codes() -> None:
    """The table's codes of the partner are `true` and `false` alone; it may have written them as text."""
    map_ = mapped(
        "gender: {at: isFemale, codes: ConceptMap/flag}", concept_map("flag", ("female", "true"), ("male", "false"))
    )

    assert sent(map_, {"gender": "female"}) == {"isFemale": True}
    assert sent(map_, {"gender": "male"}) == {"isFemale": False}
    assert received(map_, {"isFemale": False}) == {"resourceType": "Patient", "gender": "male"}
    assert received(map_, {"isFemale": "true"}) == {"resourceType": "Patient", "gender": "female"}


def test_another_table_takes_no_true_and_false() -> None:
    assert unreadable(mapped("gender: {at: sex, codes: ConceptMap/sex}", SEX), {"sex": True}) == (
        ("sex",),
        "text is expected here",
    )
