"""The keys and words of a mapping file: what is unknown, missing, repeated or in vain is told at its word."""

import pytest

from tests.mapping.lab import problems

START = "partner: northlab\nconnection: {base_url: $NORTHLAB_URL}\n"


def after_start(text: str) -> list[str]:
    """Return the problems of a file whose third line is where `text` begins."""
    return problems(START + text)


def test_the_smallest_file_has_no_problem() -> None:
    assert after_start("") == []


def test_three_faults_are_all_named_with_line_and_column() -> None:
    """What `fhir-bridge check` prints."""
    text = """\
partner: northlab
connection: {base_url: $NORTHLAB_URL, timeouts: {conect_s: 3}}
interactions:
  read Patient:
    call: GET /clients/{id}
    receive: {map: cleint}
maps:
  client:
    resource: Patient
    rows:
      birthDate: {at: dob, as: dat}
"""

    assert problems(text) == [
        "t.yaml:2:50: unknown key 'conect_s' in timeouts; did you mean 'connect_s'?",
        "t.yaml:6:20: there is no map 'cleint'; did you mean 'client'?",
        "t.yaml:11:32: unknown transform 'dat'; did you mean 'date'?",
    ]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("conection: {}\n", ["3:1: unknown key 'conection' in the mapping file; did you mean 'connection'?"]),
        ("title: a\ntitle: b\n", ["4:1: 'title' stands here twice, first in line 3; keep one"]),
        ("title:\n", ["4:1: text is expected here; write a word, quoted where YAML needs it"]),
        ('fhir: ["4.0", "5.0"]\n', ["3:15: unknown FHIR version '5.0'; did you mean '4.0'?"]),
        ("fhir: 4\n", ["3:7: unknown FHIR version '4'; known here: 3.0, 4.0"]),
        ("identity: [x]\n", ["3:11: identity must be a mapping; write 'key: value' lines"]),
        (
            "identity: {systems: [sid/a, [b]], id: uid, event: x}\n",
            [
                "3:29: text is expected here; write a word, quoted where YAML needs it",
                "3:39: unknown 'id: uid'; did you mean 'uuid'?",
                "3:44: unknown key 'event' in identity; did you mean 'events'?",
            ],
        ),
        ("interactions: [read Patient]\n", ["3:15: 'interactions' must be a mapping; write 'key: value' lines"]),
        ("maps: x\n", ["3:7: 'maps' must be a mapping; write 'key: value' lines"]),
        ("maps: {a: {resource: Patient, row: {}}}\n", ["3:31: unknown key 'row' in map 'a'; did you mean 'rows'?"]),
        ("maps: {a: {rows: {}}}\n", ["3:11: map 'a' has no 'resource'; add it"]),
        ("maps: {a: x}\n", ["3:11: map 'a' must be a mapping; write 'key: value' lines"]),
    ],
)
def test_a_mistake_in_the_file_is_told_at_its_word(text: str, found: list[str]) -> None:
    assert after_start(text) == [f"t.yaml:{line}" for line in found]


@pytest.mark.parametrize("name", ["Northlab", "north lab", "1lab", "north_lab", "é", "a" * 33])
def test_a_partner_name_that_is_no_part_of_an_address(name: str) -> None:
    assert problems(f"partner: {name}\nconnection: {{base_url: $U}}\n") == [
        "t.yaml:1:10: 'partner' becomes part of a URL; use small letters, digits and '-', a letter first"
    ]


def test_a_file_that_is_no_mapping_has_one_problem() -> None:
    assert problems("- partner: northlab\n") == [
        "t.yaml:1:1: the mapping file must be a mapping; write 'key: value' lines"
    ]


def test_a_partner_without_a_name() -> None:
    assert problems("connection: {base_url: $U}\n") == ["t.yaml:1:1: the mapping file has no 'partner'; add it"]


def test_yaml_that_cannot_be_read_is_told_beside_the_other_files() -> None:
    files = {"a.yaml": "partner: [", "b.yaml": "partner: b\nconnection: {base_url: $U, at_once: 0}\n", "c.yaml": ""}

    assert problems(files) == [
        "a.yaml:1:11: not YAML: expected the node content, but found '<stream end>'; mend the text here",
        "b.yaml:2:37: 'at_once' must be a number above zero",
        "c.yaml:1:1: the file is empty; start with 'partner: <name>'",
    ]


INTERACTION = [
    (
        "raed Patient: {call: GET /x, receive: {map: client}}",
        ["1: 'raed Patient' is no interaction; write '<interaction> <Type>' or '$name <Type>'; did you mean 'read'?"],
    ),
    (
        "read: {call: GET /x, receive: {map: client}}",
        ["1: 'read' is no interaction; write '<interaction> <Type>' or '$name <Type>'"],
    ),
    (
        "$ Patient: {call: GET /x, send: {map: client}, receive: {map: client}}",
        [
            (
                "1: '$ Patient' is no interaction; write '<interaction> <Type>' or '$name "
                "<Type>'; known here: $name, create, patch, read, search, update"
            )
        ],
    ),
    (
        "read Patient: {}",
        ["1: 'read Patient' receives nothing; add 'receive'", "15: 'read Patient' has no 'call'; add it"],
    ),
    (
        "update Patient: x",
        [
            "1: 'update Patient' receives nothing; add 'receive'",
            "1: 'update Patient' sends nothing; add 'send'",
            "17: 'update Patient' must be a mapping; write 'key: value' lines",
        ],
    ),
    (
        "read Patient: {call: FETCH /x, receive: {map: client}}",
        ["22: 'FETCH /x' is no call; write 'METHOD /path', as in 'GET /patients/{id}'"],
    ),
    (
        "read Patient: {call: GET x, receive: {map: client}}",
        ["22: 'GET x' is no call; write 'METHOD /path', as in 'GET /patients/{id}'"],
    ),
    (
        'read Patient: {call: "GET /{id}", receive: {map: client}, repaet: safe}',
        ["59: unknown key 'repaet' in 'read Patient'; did you mean 'repeat'?"],
    ),
    (
        'read Patient: {call: "GET /{id}", receive: {map: client}, repeat: always}',
        ["67: unknown 'repeat: always'; write unsent, safe, or {safe_without: [<field>]}"],
    ),
    (
        'read Patient: {call: "GET /{id}", receive: {map: client}, repeat: [safe]}',
        ["67: text is expected here; write a word, quoted where YAML needs it"],
    ),
    (
        'read Patient: {call: "GET /{id}", receive: {map: client}, repeat: {safe_without: a, safe: b}}',
        ["85: unknown key 'safe' in repeat; known here: safe_without"],
    ),
    (
        'read Patient: {call: "GET /{id}", receive: {mpa: client}}',
        [
            "44: 'receive' says nothing of the answer; name a 'map', the field of its 'id', or 'empty'",
            "45: unknown key 'mpa' in 'receive'; did you mean 'map'?",
        ],
    ),
    (
        'read Patient: {call: "GET /{id}", receive: {map: client, empty: ok, at: [a]}}',
        [
            "58: 'empty' says nothing beside 'map'; remove it",
            "65: unknown 'empty: ok'; known here: error, success",
            "73: text is expected here; write a word, quoted where YAML needs it",
        ],
    ),
    ('read Patient: {call: "GET /{id}", receive: {map: client, id: {as: text}}}', ["62: id has no 'at'; add it"]),
    (
        'read Patient: {call: "GET /{id}", receive: {map: client, id: {at: n, as: number}}}',
        ["74: unknown transform 'number' of an id; write text or digits"],
    ),
    (
        'read Patient: {call: "GET /{id}", receive: {map: client}, reads: read Patient}',
        ["59: 'reads' says nothing beside 'call'; remove it"],
    ),
    (
        "patch Patient: {reads: read Patient}",
        [
            "1: a patch reads and writes with other interactions; add 'reads' and 'writes'",
            "24: there is no interaction 'read Patient'; did you mean 'patch Patient'?",
        ],
    ),
    (
        "create Patient: {definition: OperationDefinition/x}",
        [
            "1: 'create Patient' receives nothing; add 'receive'",
            "1: 'create Patient' sends nothing; add 'send'",
            "17: 'create Patient' has no 'call'; add it",
            "18: 'definition' says nothing of 'create Patient'; remove it",
        ],
    ),
    (
        "create Patient: {as: update Patint, call: GET /x}",
        ["22: there is no update 'update Patint'", "37: 'call' says nothing beside 'as'; remove it"],
    ),
]


@pytest.mark.parametrize(("text", "found"), INTERACTION, ids=range(len(INTERACTION)))
def test_a_mistake_in_an_interaction_is_told_at_its_word(text: str, found: list[str]) -> None:
    lines = after_start(f"interactions:\n  {text}\nmaps: {{client: {{resource: Patient, rows: {{id: {{at: id}}}}}}}}\n")

    assert lines == [f"t.yaml:4:{int(line.partition(':')[0]) + 2}:{line.partition(':')[2]}" for line in found]


@pytest.mark.parametrize(
    ("header", "found"),
    [
        ("{header: a, text: b}", ["1: a header comes from exactly one of 'header', 'element', 'text' and 'new'"]),
        ("{like: uuid}", ["1: a header comes from exactly one of 'header', 'element', 'text' and 'new'"]),
        ("{first_of: []}", ["1: 'first_of' is empty; list at least one source"]),
        (
            "{first_of: x}",
            [
                "1: 'first_of' is empty; list at least one source",
                "12: 'first_of' must be a list; start each item with '- '",
            ],
        ),
        ("{new: oid}", ["7: unknown 'new: oid'; known here: uuid"]),
        ("{header: a, like: uid}", ["19: unknown 'like: uid'; did you mean 'uuid'?"]),
        ("{haeder: a, text: b}", ["2: unknown key 'haeder' in header; did you mean 'header'?"]),
        (
            "x",
            [
                "1: header must be a mapping; write 'key: value' lines",
                "1: a header comes from exactly one of 'header', 'element', 'text' and 'new'",
            ],
        ),
        ("{element: nmae}", ["11: 'nmae' is an element of what is sent, and nothing is sent; add 'send'"]),
    ],
)
def test_a_mistake_in_a_header_is_told_at_its_word(header: str, found: list[str]) -> None:
    read = f"  read Patient: {{call: 'GET /{{id}}', receive: {{map: client}}, headers: {{X-A: {header}}}}}\n"

    lines = after_start(f"interactions:\n{read}maps: {{client: {{resource: Patient, rows: {{id: {{at: id}}}}}}}}\n")

    column = read.rindex(header)
    assert lines == [f"t.yaml:4:{int(line.partition(':')[0]) + column}:{line.partition(':')[2]}" for line in found]


@pytest.mark.parametrize(
    ("errors", "found"),
    [
        ("{txt: a}", ["2: unknown key 'txt' in errors; did you mean 'text'?"]),
        ("{code: c, codes: {X: invald}}", ["22: 'invald' is no issue type of FHIR; did you mean 'invalid'?"]),
        ("{code: c, codes: {X: [a]}}", ["22: text is expected here; write a word, quoted where YAML needs it"]),
        ("{list: {field: entry}}", ["8: list has no 'at'; add it"]),
        ("{list: {at: e, filed: entry}}", ["16: unknown key 'filed' in list; did you mean 'field'?"]),
        ("{operation_outcome: yes}", ["21: unknown 'operation_outcome: yes'; known here: false, true"]),
        ("{says: {code: conflict}}", ["8: 'says' must be a list; start each item with '- '"]),
        ("{says: [{text: a}]}", ["9: says has no 'code'; add it"]),
        (
            "{says: [{code: bisness-rule}]}",
            ["16: 'bisness-rule' is no issue type of FHIR; did you mean 'business-rule'?"],
        ),
        (
            "{says: [{code: conflict, status: [400, 20], answer: 300}]}",
            [
                "40: '20' is no HTTP status of an error; write one from 400 to 599",
                "53: '300' is no HTTP status of an error; write one from 400 to 599",
            ],
        ),
        ("{says: [{code: conflict, statsu: 400}]}", ["26: unknown key 'statsu' in says; did you mean 'status'?"]),
        ("[text]", ["1: errors must be a mapping; write 'key: value' lines"]),
    ],
)
def test_a_mistake_in_errors_is_told_at_its_word(errors: str, found: list[str]) -> None:
    lines = after_start(f"errors: {errors}\n")

    assert lines == [f"t.yaml:3:{int(line.partition(':')[0]) + 8}:{line.partition(':')[2]}" for line in found]


ROWS = [
    ("birthDate: {}", ["1: row 'birthDate' needs exactly one of 'at', 'path', 'value' and 'outcome'"]),
    (
        "birthDate: dob",
        [
            "1: row 'birthDate' needs exactly one of 'at', 'path', 'value' and 'outcome'",
            "12: row 'birthDate' must be a mapping; write 'key: value' lines",
        ],
    ),
    ("birthDate: {at: a, requird: true}", ["20: unknown key 'requird' in row 'birthDate'; did you mean 'required'?"]),
    ("birthDate: {at: a, required: maybe}", ["30: unknown 'required: maybe'; known here: false, true"]),
    ("birthDate: {at: a, only: to_partner}", ["26: unknown 'only: to_partner'; known here: both, create, to_fhir"]),
    (
        "birthDate: {at: a, otherwise: b}",
        ["31: 'otherwise' beside 'at' is '{id}', the id in the address, in a map of Parameters; write that"],
    ),
    (
        "language: {path: id, codes: ConceptMap/x, only: to_fhir}",
        ["22: 'codes' says nothing beside 'path'; remove it", "43: 'only' says nothing beside 'path'; remove it"],
    ),
    (
        "address: {at: a, required: true, each: {city: {at: b}}}",
        ["18: 'required' says nothing beside 'each'; remove it"],
    ),
    ("address: {at: [a, b], each: {city: {at: b}}}", ["19: a list is in one field; name one"]),
    ("address: {each: {city: {at: b}}}", ["1: row 'address' needs exactly one of 'at', 'path', 'value' and 'outcome'"]),
    (
        "gender: {at: a, as: text, codes: ConceptMap/x}",
        [
            "21: 'codes' says already how the value is sent; keep one of 'as' and 'codes'",
            "34: ConceptMap/x is not among the definitions; add it, or correct the name",
        ],
    ),
]


@pytest.mark.parametrize(("row", "found"), ROWS, ids=range(len(ROWS)))
def test_a_mistake_in_a_row_is_told_at_its_word(row: str, found: list[str]) -> None:
    lines = after_start(f"maps:\n  client:\n    resource: Patient\n    rows:\n      {row}\n")

    assert lines == [f"t.yaml:7:{int(line.partition(':')[0]) + 6}:{line.partition(':')[2]}" for line in found]


@pytest.mark.parametrize(
    ("slice_", "found"),
    [
        ("{}", "1: slice 'name[a]' says nothing; write which element has which value"),
        ("usual", "1: slice 'name[a]' says nothing; write which element has which value"),
        ("{use: usual, otherwise: first}", "25: 'otherwise' must be 'first without <element>'"),
        ("{use: [usual]}", "7: text is expected here; write a word, quoted where YAML needs it"),
    ],
)
def test_a_mistake_in_a_slice_is_told_at_its_word(slice_: str, found: str) -> None:
    lines = after_start(f"""\
maps:
  client:
    resource: Patient
    slices:
      name[a]: {slice_}
    rows:
      name[a].family: {{at: f}}
""")

    column, _, text = found.partition(":")
    assert lines == [f"t.yaml:7:{int(column) + 15}:{text}"]


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("{text: a, when: [b]}", "17: 'when' must be a mapping; write 'key: value' lines"),
        ("{when: {}}", "1: outcome has no 'text'; add it"),
        ("{text: a, severity: error}", "21: unknown 'severity: error'; known here: information, warning"),
        ("{text: a, code: inform}", "17: unknown 'code: inform'; did you mean 'informational'?"),
        ("{text: a, cod: x}", "11: unknown key 'cod' in outcome; did you mean 'code'?"),
    ],
)
def test_a_mistake_in_an_outcome_table_is_told_at_its_word(line: str, found: str) -> None:
    lines = after_start(
        f"maps: {{kit: {{resource: Parameters, rows: {{'parameter[o].resource': {{outcome: [{line}]}}}}}}}}\n"
    )

    column, _, text = found.partition(":")
    assert lines == [f"t.yaml:3:{int(column) + 78}:{text}"]
