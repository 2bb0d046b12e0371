"""One YAML mapping, read key by key: every problem is gathered, each with its place and what to do."""

import math

import pytest

from fhir_bridge.mapping.fields import Fields, Variable, variables
from fhir_bridge.mapping.source import Mark, Problems, read


class Lines:
    """The fields of one text, and what was wrong with them."""

    def __init__(self, text: str) -> None:
        self.problems = Problems()
        node = read(text, "t.yaml", self.problems)
        assert node is not None
        self.fields = Fields(node, self.problems, "thing")

    @property
    def lines(self) -> list[str]:
        return self.problems.lines()


def test_a_text_is_read_with_its_place() -> None:
    read_in = Lines("a: NO\n")

    word = read_in.fields.text("a")

    assert word == "NO"
    assert word is not None
    assert (word.mark, read_in.fields.text("b"), read_in.lines) == (Mark("t.yaml", 1, 4), None, [])


@pytest.mark.parametrize("text", ["a: [x]", "a: {x: y}", "a: ''", "a:"])
def test_what_is_no_text_is_told(text: str) -> None:
    read_in = Lines(text)

    read_in.fields.text("a")

    column = 3 if text == "a:" else 4
    assert read_in.lines == [f"t.yaml:1:{column}: text is expected here; write a word, quoted where YAML needs it"]


def test_a_key_that_must_be_there_is_missed_at_the_mapping() -> None:
    read_in = Lines("b: x\n")

    assert (read_in.fields.need_text("a"), read_in.fields.need_value("c")) == ("", "")
    assert read_in.lines == ["t.yaml:1:1: thing has no 'a'; add it", "t.yaml:1:1: thing has no 'c'; add it"]


def test_what_is_no_mapping_is_told_once_and_nothing_is_missed_in_it() -> None:
    read_in = Lines("- x\n")

    assert (read_in.fields.need("a"), read_in.fields.given()) == (None, [])
    assert read_in.lines == ["t.yaml:1:1: thing must be a mapping; write 'key: value' lines"]


def test_one_text_or_a_list_of_texts() -> None:
    fields = Lines("a: x\nb: [x, y]\n").fields

    assert (fields.texts("a"), fields.texts("b"), fields.texts("c")) == (("x",), ("x", "y"), ())


def test_a_value_that_begins_with_a_dollar_is_a_variable() -> None:
    read_in = Lines("a: $A_1\nb: $B?\nc: 5$\n")

    fields = read_in.fields
    assert (fields.value("a"), fields.value("b"), fields.need_value("c"), fields.value("d")) == (
        Variable("A_1", False, Mark("t.yaml", 1, 4)),
        Variable("B", True, Mark("t.yaml", 2, 4)),
        "5$",
        None,
    )
    assert read_in.lines == []


@pytest.mark.parametrize("typed", ["$", "$1A", "$A-B", "$A??", "${A}", "$ä", "$A B"])
def test_a_name_that_no_variable_can_have(typed: str) -> None:
    read_in = Lines(f"a: '{typed}'\n")

    read_in.fields.value("a")

    assert read_in.lines == [f"t.yaml:1:4: '{typed}' is no variable; write $NAME, or $NAME? where it may be unset"]


def test_what_cannot_do_without_a_value_has_no_optional_variable() -> None:
    read_in = Lines("a: $A?\n")

    assert read_in.fields.need_value("a") == Variable("A", False, Mark("t.yaml", 1, 4))
    assert read_in.lines == ["t.yaml:1:4: 'a' cannot do without its value; write $A, without '?'"]


def test_pairs_items_and_values_of_what_is_absent_are_none() -> None:
    fields = Lines("a: x\n").fields

    assert (fields.pairs("b"), fields.items("b"), fields.values("b")) == ((), (), {})


def test_a_mapping_where_a_list_belongs_and_the_other_way_round() -> None:
    read_in = Lines("a: [x]\nb: {x: y}\n")

    assert (read_in.fields.pairs("a"), read_in.fields.items("b")) == ((), ())
    assert read_in.lines == [
        "t.yaml:1:4: 'a' must be a mapping; write 'key: value' lines",
        "t.yaml:2:4: 'b' must be a list; start each item with '- '",
    ]


def test_a_mapping_of_texts_and_variables() -> None:
    assert Lines("a: {X: x, Y: $Y}\n").fields.values("a") == {
        "X": "x",
        "Y": Variable("Y", False, Mark("t.yaml", 1, 14)),
    }


def test_numbers_have_defaults() -> None:
    fields = Lines("a: 2.5\nb: 1e3\nc: 10\n").fields

    assert (fields.number("a", 1), fields.number("x", 7.5)) == (2.5, 7.5)
    assert (fields.count("b", 1), fields.count("c", 1), fields.count("x", 8)) == (1000, 10, 8)


@pytest.mark.parametrize("typed", ["0", "-1", "x", "inf", "nan", "1,5", "[1]"])
def test_what_is_no_number_above_zero_is_told_and_the_default_taken(typed: str) -> None:
    read_in = Lines(f"a: {typed}\n")

    assert read_in.fields.number("a", 3) == 3
    assert "t.yaml:1:4: 'a' must be a number above zero" in read_in.lines


def test_half_of_something_that_is_counted() -> None:
    read_in = Lines("a: 0.5\n")

    assert read_in.fields.count("a", 3) == 1
    assert read_in.lines == ["t.yaml:1:4: 'a' must be a whole number"]
    assert math.isclose(Lines("a: 0.5\n").fields.number("a", 3), 0.5)


def test_a_flag_is_true_or_false_and_nothing_else() -> None:
    read_in = Lines("a: true\nb: false\nc: yes\n")

    assert [read_in.fields.flag(key) for key in "abcd"] == [True, False, False, False]
    assert read_in.lines == ["t.yaml:3:4: unknown 'c: yes'; known here: false, true"]


def test_a_choice_among_words() -> None:
    read_in = Lines("a: saef\nb: [safe]\nc: safe\n")

    assert [read_in.fields.choice(key, ("safe", "unsent"), "unsent") for key in "abcd"] == [
        "unsent",
        "unsent",
        "safe",
        "unsent",
    ]
    assert read_in.lines == [
        "t.yaml:1:4: unknown 'a: saef'; did you mean 'safe'?",
        "t.yaml:2:4: text is expected here; write a word, quoted where YAML needs it",
    ]


def test_a_key_that_nobody_asked_for_is_unknown() -> None:
    read_in = Lines("nmae: x\nage: 1\n? [a]\n: b\n")

    read_in.fields.text("name")
    read_in.fields.done()

    assert read_in.lines == [
        "t.yaml:1:1: unknown key 'nmae' in thing; did you mean 'name'?",
        "t.yaml:2:1: unknown key 'age' in thing; known here: name",
        "t.yaml:3:3: a key must be text; write a plain word",
    ]


def test_variables_are_found_wherever_values_stand() -> None:
    one, two = Variable("A", False, Mark("t.yaml", 1, 1)), Variable("B", True, Mark("t.yaml", 2, 1))

    assert list(variables(({"x": one, "y": "text"}, (two,), None))) == [one, two]
