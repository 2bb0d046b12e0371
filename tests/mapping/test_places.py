"""Element paths: where a row's element stands in a resource, how it gets there, and how FHIRPath calls the place."""

import copy

import pytest

from fhir_bridge.mapping.maps import Map
from fhir_bridge.mapping.places import Place, absent
from fhir_bridge.mapping.rows import ListRow
from fhir_bridge.outcome import Json
from tests.mapping.lab import extension, mapped

SLICES = """\
name[usual]: {use: usual, otherwise: first without use}
contact[kin]: {relationship: "http://terminology.hl7.org/CodeSystem/v2-0131#N"}
contact[kin].telecom[phone]: {system: phone}
extension[weight]: {url: StructureDefinition/weight, valueQuantity.code: kg}
extension[typing]: {url: StructureDefinition/typing, "extension[locus].valueCode": B}
"""
WEIGHT = "https://fhir-bridge.example/fhir/StructureDefinition/weight"
TYPING = "https://fhir-bridge.example/fhir/StructureDefinition/typing"
LOCUS = {"url": "locus", "valueCode": "B"}
KIN = {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0131", "code": "N"}]}
ROWS = [
    "name[usual].family: {at: a}",
    "name[usual].given[1]: {at: b}",
    "contact[kin].name.given[0]: {at: c}",
    "extension[weight].valueQuantity.value: {at: d}",
    "deceasedDateTime: {at: e, as: date}",
    "maritalStatus.text: {at: f}",
    "contact[kin].telecom[phone].value: {at: g}",
    "extension[typing].extension[field1].valueString: {at: h}",
]
LISTS = "contact[kin].telecom[phone]: {at: p, each: {value: {at: n}}}\naddress: {at: a, each: {city: {at: c}}}"


def client() -> Map:
    return mapped("\n".join(ROWS), slices=SLICES)


def place(number: int) -> Place:
    """Return the place of the row of this number in ROWS."""
    return client().rows[number].place


@pytest.mark.parametrize(
    ("number", "resource", "value"),
    [
        (0, {"name": [{"use": "usual", "family": "Lovelace"}]}, "Lovelace"),
        (0, {"name": [{"family": "Byron"}, {"use": "usual", "family": "Lovelace"}]}, "Lovelace"),
        (0, {"name": [{"use": "old", "family": "Byron"}, {"family": "Lovelace"}]}, "Lovelace"),
        (0, {"name": [{"use": "old", "family": "Byron"}]}, None),
        (0, {"name": [{"use": "usual", "given": ["Ada"]}]}, None),
        (0, {}, None),
        (1, {"name": [{"given": ["Ada", "Augusta"]}]}, "Augusta"),
        (1, {"name": [{"given": ["Ada"]}]}, None),
        (1, {"name": [{"given": ["Ada", None], "_given": [None, extension("unknown")]}]}, None),
        (1, {"name": [{"_given": [extension("unknown")]}]}, None),
        (2, {"contact": [{"relationship": [{"text": "N"}, KIN], "name": {"given": ["Anne"]}}]}, "Anne"),
        (2, {"contact": [{"relationship": [KIN]}]}, None),
        (2, {"contact": [{"relationship": [{"text": "N"}], "name": {"given": ["Anne"]}}]}, None),
        (2, {"contact": [{"name": {"given": ["Anne"]}}]}, None),
        (3, {"extension": [{"url": WEIGHT, "valueQuantity": {"value": 60, "code": "kg"}}]}, 60),
        (3, {"extension": [{"url": WEIGHT, "valueQuantity": {"value": 60, "code": "g"}}]}, None),
        (7, {"extension": [{"url": TYPING, "extension": [LOCUS, {"url": "field1", "valueString": "07:02"}]}]}, "07:02"),
        (7, {"extension": [{"url": TYPING, "extension": [LOCUS, {"url": "field2", "valueString": "07:02"}]}]}, None),
        (7, {"extension": [{"url": TYPING, "extension": [{"url": "field1", "valueString": "07:02"}]}]}, None),
        (3, {"extension": [{"url": WEIGHT, "valueString": "60"}]}, None),
        (5, {"maritalStatus": {"text": "single"}}, "single"),
        (5, {"maritalStatus": {}}, None),
    ],
)
def test_what_stands_at_a_place(number: int, resource: Json, value: Json) -> None:
    before = copy.deepcopy(resource)

    assert place(number).get(resource) == value
    assert resource == before


@pytest.mark.parametrize(
    ("number", "value", "made"),
    [
        (0, "Lovelace", {"name": [{"use": "usual", "family": "Lovelace"}]}),
        (1, "Augusta", {"name": [{"use": "usual", "given": [None, "Augusta"]}]}),
        (2, "Anne", {"contact": [{"relationship": [KIN], "name": {"given": ["Anne"]}}]}),
        (3, 60, {"extension": [{"url": WEIGHT, "valueQuantity": {"code": "kg", "value": 60}}]}),
        (5, "single", {"maritalStatus": {"text": "single"}}),
        (6, "1", {"contact": [{"relationship": [KIN], "telecom": [{"system": "phone", "value": "1"}]}]}),
    ],
)
def test_what_is_written_makes_what_has_to_be_around_it(number: int, value: Json, made: Json) -> None:
    resource: Json = {}

    place(number).put(resource, value)

    assert resource == made
    assert place(number).get(resource) == value


def test_several_places_of_one_member_make_one_member() -> None:
    resource: Json = {"name": [{"use": "old"}]}

    place(1).put(resource, "Augusta")
    place(0).put(resource, "Lovelace")

    assert resource == {"name": [{"use": "old"}, {"use": "usual", "given": [None, "Augusta"], "family": "Lovelace"}]}


def test_a_gap_in_a_list_is_said_to_be_unknown() -> None:
    resource: Json = {}
    place(1).put(resource, "Augusta")

    place(1).pad(resource)

    assert resource["name"][0]["_given"] == [absent("unknown"), None]


def test_a_list_without_a_gap_and_one_that_is_not_there_are_left_alone() -> None:
    whole: Json = {"name": [{"use": "usual", "given": ["Ada", "Augusta"]}]}
    none: Json = {"name": [{"use": "usual"}]}
    nobody: Json = {}

    for resource in (whole, none, nobody):
        place(1).pad(resource)

    assert whole == {"name": [{"use": "usual", "given": ["Ada", "Augusta"]}]}
    assert none == {"name": [{"use": "usual"}]}
    assert nobody == {}


def test_why_a_value_is_absent_is_written_and_read() -> None:
    resource: Json = {}

    place(0).put_absent(resource, "unsupported")
    place(1).put_absent(resource, "unsupported")

    assert resource == {
        "name": [
            {
                "use": "usual",
                "_family": absent("unsupported"),
                "given": [None, None],
                "_given": [None, absent("unsupported")],
            }
        ]
    }
    assert [place(number).absent_reason(resource) for number in (0, 1, 5)] == ["unsupported", "unsupported", None]


def test_padding_keeps_the_reason_that_is_there() -> None:
    resource: Json = {}
    place(1).put_absent(resource, "unsupported")

    place(1).pad(resource)

    assert resource["name"][0]["_given"] == [absent("unknown"), absent("unsupported")]


@pytest.mark.parametrize(
    "resource",
    [
        {"name": [{"use": "usual", "_family": {"id": "a"}}]},
        {
            "name": [
                {
                    "use": "usual",
                    "_family": {"extension": [{"url": "http://x.example", "valueCode": "a"}, {"valueCode": "b"}]},
                }
            ]
        },
        {"name": [{"use": "usual"}]},
        {"name": []},
    ],
)
def test_what_says_no_reason(resource: Json) -> None:
    assert place(0).absent_reason(resource) is None


def test_an_item_says_its_own_reason() -> None:
    resource = {"name": [{"given": [None, "x"], "_given": [absent("masked"), None]}]}
    short = {"name": [{"given": [None], "_given": [absent("masked")]}]}

    assert (place(1).absent_reason(resource), place(1).absent_reason(short)) == (None, None)


@pytest.mark.parametrize(
    ("number", "resource", "path", "told_by"),
    [
        (0, {"name": [{"use": "old"}, {"use": "usual"}]}, "Patient.name[1].family", ["Patient.name[1].use"]),
        (0, {"name": [{"use": "old"}, {}]}, "Patient.name[1].family", []),
        (0, {"name": [{"use": "old"}]}, "Patient.name.family", []),
        (0, {}, "Patient.name.family", []),
        (1, {"name": [{}]}, "Patient.name[0].given[1]", []),
        (
            2,
            {"contact": [{}, {"relationship": [{"text": "x"}, {"coding": [{}, KIN["coding"][0]]}]}]},
            "Patient.contact[1].name.given[0]",
            [
                "Patient.contact[1].relationship[1].coding[1].system",
                "Patient.contact[1].relationship[1].coding[1].code",
            ],
        ),
        (
            3,
            {"extension": [{"url": WEIGHT, "valueQuantity": {"code": "kg"}}]},
            "Patient.extension[0].value.value",
            ["Patient.extension[0].url", "Patient.extension[0].value.code"],
        ),
        (
            7,
            {"extension": [{"url": "x"}, {"url": TYPING, "extension": [{"url": "field1"}, LOCUS]}]},
            "Patient.extension[1].extension[0].value",
            [
                "Patient.extension[1].url",
                "Patient.extension[1].extension[1].url",
                "Patient.extension[1].extension[1].value",
                "Patient.extension[1].extension[0].url",
            ],
        ),
        (4, {}, "Patient.deceased", []),
        (5, {}, "Patient.maritalStatus.text", []),
    ],
)
def test_a_place_in_fhirpath_and_the_elements_that_told_it(
    number: int, resource: Json, path: str, told_by: list[str]
) -> None:
    assert place(number).where(resource, "Patient") == path
    assert place(number).told_by(resource, "Patient") == told_by


def test_the_members_of_a_list_with_their_indexes() -> None:
    lists = mapped(LISTS, slices="\n".join(SLICES.splitlines()[1:3]))
    phones, addresses = (row.place for row in lists.rows if isinstance(row, ListRow))
    resource = {
        "contact": [{"relationship": [KIN], "telecom": [{"system": "email"}, {"system": "phone", "value": "1"}]}],
        "address": [{"city": "Oslo"}, {}],
    }

    assert phones.members(resource) == [(1, {"system": "phone", "value": "1"})]
    assert addresses.members(resource) == [(0, {"city": "Oslo"}), (1, {})]
    assert phones.members({}) == addresses.members({}) == []


def test_a_new_member_has_what_tells_it_and_is_added_at_the_end() -> None:
    lists = mapped(LISTS, slices="\n".join(SLICES.splitlines()[1:3]))
    phones, addresses = (row.place for row in lists.rows)
    resource: Json = {"address": [{"city": "Oslo"}]}

    phones.add(resource, phones.new())
    addresses.add(resource, addresses.new())

    assert resource == {
        "address": [{"city": "Oslo"}, {}],
        "contact": [{"relationship": [KIN], "telecom": [{"system": "phone"}]}],
    }
