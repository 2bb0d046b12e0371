"""Fields of a partner's JSON: read from an answer that is trusted in nothing, written, and spelled in several ways."""

import pytest

from fhir_bridge.mapping.partner_fields import (
    Keys,
    PartnerField,
    Unreadable,
    compile_field,
    dotted,
    is_one_place,
    parse_keys,
)
from fhir_bridge.mapping.source import Mark, Problems
from fhir_bridge.outcome import Json

FIELD = PartnerField(("a", "b"))


@pytest.mark.parametrize("value", [7, 0, False, "x", [0], {"c": None}])
def test_what_stands_at_a_field(value: Json) -> None:
    assert FIELD.get({"a": {"b": value}}) == value


@pytest.mark.parametrize(
    "record",
    [
        {},
        {"a": None},
        {"a": ""},
        {"a": []},
        {"a": {}},
        {"a": {"b": None}},
        {"a": {"b": ""}},
        {"a": {"b": []}},
        {"a": {"b": {}}},
    ],
)
def test_absent_null_and_empty_are_the_same(record: Json) -> None:
    assert FIELD.get(record) is None


@pytest.mark.parametrize(
    ("record", "within", "where"),
    [
        ([], (), ()),
        ("x", ("list", 3), ("list", 3)),
        ({"a": 7}, (), ("a",)),
        ({"a": [{"b": 1}]}, ("list", 3), ("list", 3, "a")),
    ],
)
def test_what_is_no_object_where_one_belongs_cannot_be_read(record: Json, within: Keys, where: Keys) -> None:
    with pytest.raises(Unreadable) as caught:
        FIELD.get(record, within)

    assert (caught.value.field, caught.value.why) == (where, "an object is expected here")


def test_what_is_written_makes_the_objects_around_it() -> None:
    body: dict[str, Json] = {"a": {"c": 1}}

    FIELD.put(body, 2)
    PartnerField(("d",)).put(body, 3)

    assert body == {"a": {"c": 1, "b": 2}, "d": 3}


@pytest.mark.parametrize("path", ["a", "a.b_c.d-e", "@type", "поле"])
def test_names_with_dots_between_are_a_field(path: str) -> None:
    problems = Problems()

    assert compile_field(path, Mark("t.yaml", 1, 1), problems).keys == tuple(path.split("."))
    assert problems.lines() == []


@pytest.mark.parametrize("path", [".", "a.", ".a", "a..b", "a b", "a[0]", "a[]"])
def test_what_is_no_field_is_told(path: str) -> None:
    problems = Problems()

    compile_field(path, Mark("t.yaml", 1, 1), problems)

    assert problems.lines() == [
        f"t.yaml:1:1: '{path}' is no field of the partner; write names with dots between: a.b.c"
    ]


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("a", "a", True),
        ("a", "a.b", True),
        ("a.b", "a", True),
        ("a[0]", "a", True),
        ("a", "a[x].b", True),
        ("a", "ab", False),
        ("a.b", "a.c", False),
        ("a[0]", "a[1]", False),
    ],
)
def test_a_place_within_another_is_the_same_place(one: str, other: str, same: bool) -> None:
    assert is_one_place(one, other) is same


@pytest.mark.parametrize(
    ("keys", "text"), [((), ""), (("a",), "a"), (("a", "b", 0, "c"), "a.b[0].c"), ((0, "a"), "[0].a")]
)
def test_keys_as_people_write_them(keys: Keys, text: str) -> None:
    assert dotted(keys) == text


@pytest.mark.parametrize(
    "path",
    [
        "$.a.b.[0].c",
        "$.a.b[0].c",
        "a.b[0].c",
        "a.b.0.c",
        "/a/b/0/c",
        "#/a/b/0/c",
        "$['a']['b'][0]['c']",
        '["a"]["b"][0]["c"]',
        " a . b [0] . c ",
    ],
)
def test_a_partner_spells_a_place_in_many_ways(path: str) -> None:
    assert parse_keys(path) == ("a", "b", 0, "c")


@pytest.mark.parametrize(
    ("path", "keys"),
    [
        ("", ()),
        ("$", ()),
        ("birth_date", ("birth_date",)),
        ("@type", ("@type",)),
        ("a[²]", ("a", "²")),
        ("a[٣]", ("a", "٣")),
        ("9" * 20, ("9" * 20,)),
        ("<script>alert(1)</script>\x00", ("script", "alert", 1, "script")),
        ("a" * 5000, ("a" * 200,)),
    ],
)
def test_nothing_that_a_partner_spells_does_harm(path: str, keys: Keys) -> None:
    assert parse_keys(path) == keys
