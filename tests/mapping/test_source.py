"""YAML text becomes nodes that know their place; what is no mapping file is told with its place."""

from pathlib import Path

import pytest

from fhir_bridge.mapping.source import (
    MappingFileError,
    Mark,
    Node,
    Problems,
    Text,
    did_you_mean,
    read,
    read_file,
)


def nodes(text: str) -> Node:
    """Return the nodes of a text without problems."""
    problems = Problems()
    node = read(text, "t.yaml", problems)
    assert problems.lines() == []
    assert node is not None
    return node


def lines(text: str) -> list[str]:
    """Return the problems of a text."""
    problems = Problems()
    read(text, "t.yaml", problems)
    return problems.lines()


def test_every_value_knows_its_line_and_column_from_1() -> None:
    root = nodes("a: x\nb:\n  - y\n")

    assert root == Node(
        Mark("t.yaml", 1, 1),
        "mapping",
        pairs=(
            (Node(Mark("t.yaml", 1, 1), "text", "a"), Node(Mark("t.yaml", 1, 4), "text", "x")),
            (
                Node(Mark("t.yaml", 2, 1), "text", "b"),
                Node(Mark("t.yaml", 3, 3), "list", items=(Node(Mark("t.yaml", 3, 5), "text", "y"),)),
            ),
        ),
    )


@pytest.mark.parametrize(
    "typed", ["NO", "012", "1:30", "1e3", "true", "null", "~", "0x1F", "1_000", "2026-01-02", "-0"]
)
def test_a_value_stays_the_text_that_was_typed(typed: str) -> None:
    assert nodes(f"country: {typed}").pairs[0][1].text == typed


def test_a_word_is_text_with_its_place() -> None:
    word = nodes("a: NO").pairs[0][1].word

    assert (word, word.mark, str(word.mark)) == ("NO", Mark("t.yaml", 1, 4), "t.yaml:1:4")


def test_a_text_with_its_place_equals_the_plain_text() -> None:
    assert {Text("id", Mark("t.yaml", 1, 1)): 1} == {"id": 1}


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a: [1, 2", "t.yaml:1:9: not YAML: expected ',' or ']', but got '<stream end>'; mend the text here"),
        (
            "a:\n  b: 1\n c: 2\n",
            "t.yaml:3:2: not YAML: expected <block end>, but found '<block mapping start>'; mend the text here",
        ),
        ("a: 'x", "t.yaml:1:6: not YAML: found unexpected end of stream; mend the text here"),
        ("a: 1\n---\nb: 2\n", "t.yaml:2:1: not YAML: but found another document; mend the text here"),
        ("a: *x\n", "t.yaml:1:4: not YAML: found undefined alias 'x'; mend the text here"),
        ("a: \x00", "t.yaml:1:1: not YAML: it holds characters that no YAML text may hold; remove them"),
        ("", "t.yaml:1:1: the file is empty; start with 'partner: <name>'"),
        ("# nothing yet\n", "t.yaml:1:1: the file is empty; start with 'partner: <name>'"),
        ("[" * 5000, "t.yaml:1:1: nested too deeply to be read; a mapping file has few levels"),
        ("a: 1\nb: 2\na: 3\n", "t.yaml:3:1: 'a' stands here twice, first in line 1; keep one"),
        ("x: {a: 1, a: 2}\n", "t.yaml:1:11: 'a' stands here twice, first in line 1; keep one"),
        ("? [a, b]\n: 1\n", "t.yaml:1:3: a key must be text; write a plain word"),
    ],
    ids=range(12),
)
def test_what_is_no_mapping_file_is_named_with_its_place(text: str, problem: str) -> None:
    assert lines(text) == [problem]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a: &x [*x]\n", "t.yaml:1:4: '*x' stands for this elsewhere; write it out there, without an alias"),
        ("a: &x {b: *x}\n", "t.yaml:1:4: '*x' stands for this elsewhere; write it out there, without an alias"),
        ("a: &x 1\nb: *x\n", "t.yaml:1:4: '*x' stands for this elsewhere; write it out there, without an alias"),
        ("&x a: *x\n", "t.yaml:1:1: '*x' stands for this elsewhere; write it out there, without an alias"),
    ],
)
def test_an_alias_is_refused_even_one_that_leads_to_itself(text: str, problem: str) -> None:
    assert lines(text) == [problem]


def test_aliases_of_aliases_cost_no_time() -> None:
    """Nine levels of nine aliases each would be 387 million values."""
    bomb = "a0: &a0 x\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 10))

    assert lines(bomb) == [
        f"t.yaml:{n + 1}:5: '*a{n}' stands for this elsewhere; write it out there, without an alias" for n in range(9)
    ]


def test_problems_come_in_the_order_of_the_files_and_each_once() -> None:
    problems = Problems()
    for mark in (
        Mark("b.yaml", 1, 1),
        Mark("a.yaml", 10, 1),
        Mark("a.yaml", 2, 9),
        Mark("a.yaml", 2, 3),
        Mark("a.yaml", 2, 3),
    ):
        problems.add(mark, "wrong")

    assert bool(problems)
    assert problems.lines() == ["a.yaml:2:3: wrong", "a.yaml:2:9: wrong", "a.yaml:10:1: wrong", "b.yaml:1:1: wrong"]


def test_without_problems_there_are_none() -> None:
    assert not Problems()


def test_the_error_that_stops_the_start_has_one_line_for_each_problem() -> None:
    error = MappingFileError(iter(["one", "two"]))

    assert (error.problems, str(error)) == (("one", "two"), "one\ntwo")


@pytest.mark.parametrize(
    ("word", "known", "hint"),
    [
        ("dat", ["date", "digits"], "; did you mean 'date'?"),
        ("colour", ["b", "a"], "; known here: a, b"),
        ("x", [], ""),
    ],
)
def test_an_unknown_word_gets_the_nearest_or_all_that_are_known(word: str, known: list[str], hint: str) -> None:
    assert did_you_mean(word, known) == hint


def test_a_file_is_read_as_utf_8(tmp_path: Path) -> None:
    path = tmp_path / "t.yaml"
    path.write_bytes("title: Реєстр".encode())
    problems = Problems()

    node = read_file(path, "t.yaml", problems)

    assert node is not None
    assert (node.pairs[0][1].text, problems.lines()) == ("Реєстр", [])


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    latin = tmp_path / "latin.yaml"
    latin.write_bytes("title: Å".encode("latin-1"))
    problems = Problems()

    assert read_file(latin, "latin.yaml", problems) is None
    assert read_file(tmp_path / "absent.yaml", "absent.yaml", problems) is None
    assert problems.lines() == [
        "absent.yaml:1:1: cannot be read (FileNotFoundError); it must be a readable UTF-8 file",
        "latin.yaml:1:1: cannot be read (UnicodeDecodeError); it must be a readable UTF-8 file",
    ]
