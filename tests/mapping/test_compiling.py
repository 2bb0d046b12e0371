"""Rows are checked against FHIR's types and the code tables; each problem points at the word to change."""

import pytest

from tests.mapping.lab import SEX, concept_map, load, mapped, problems, problems_below, row_problems


def test_unknown_transform_is_named_with_its_place() -> None:
    """The message points at the word to change and offers the nearest one."""
    assert row_problems("birthDate: {at: dob, as: dat}") == [
        "t.yaml:1:26: unknown transform 'dat'; did you mean 'date'?"
    ]


@pytest.mark.parametrize(
    ("row", "found"),
    [
        ("birthdate: {at: dob}", "1: Patient has no element 'birthdate'; did you mean 'birthDate'?"),
        ("contact[kin].nmae.family: {at: a}", "1: no slice 'contact[kin]' is described"),
        ("name.family: {at: surname}", "1: 'name' is a list; say which item: name[slice]"),
        ("name: {at: surname}", "1: 'name' is a list; say which item: name[slice]"),
        ("name[usual].family: {at: surname}", "1: no slice 'name[usual]' is described"),
        ("name[0].family: {at: surname}", "1: [n] stands only on plain values; describe a slice of 'name'"),
        ("gender[0]: {at: sex}", "1: 'gender' is no list; write it without [0]"),
        ("maritalStatus[a].text: {at: m}", "1: 'maritalStatus' is no list; write it without [a]"),
        ("birthDate.value: {at: dob}", "1: date has no element 'value'"),
        ("birth date: {at: dob}", "1: 'birth date' is no step of an element path; write name, name[n] or name[slice]"),
        (
            "maritalStatus: {at: m}",
            (
                "1: 'maritalStatus' is a CodeableConcept, not a plain value; go on to one "
                "of its elements, as in maritalStatus.<element>"
            ),
        ),
        ("deceased: {at: d}", "1: Patient has no element 'deceased'; did you mean 'deceasedBoolean'?"),
        (
            "birthDate: {at: 'date of birth'}",
            "17: 'date of birth' is no field of the partner; write names with dots between: a.b.c",
        ),
        ("birthDate: {at: [dob, ..]}", "23: '..' is no field of the partner; write names with dots between: a.b.c"),
        ("birthDate: {at: .}", "17: '.' is an item of a list; name the list, and write '.' within its 'each'"),
        (
            "address: {at: a, each: {city: {at: .}, state: {at: s}}}",
            "36: '.' is the whole item of a list; it stands alone within 'each'",
        ),
        (
            "address: {at: a, each: {city: {at: [., c]}}}",
            "37: '.' is the whole item of a list; it stands alone within 'each'",
        ),
        (
            "birthDate: {at: dob, as: reference Patient}",
            "26: 'as: reference Patient' does not fit a date; it fits string",
        ),
        (
            "birthDate: {at: dob, as: integer}",
            "26: 'as: integer' does not fit a date; it fits decimal, integer, positiveInt, unsignedInt",
        ),
        ("meta.versionId: {at: revision, as: version}", "1: 'as: version' can only be read; add 'only: to_fhir'"),
        ("deceasedDateTime: {at: died}", "1: a dateTime does not say how it is sent; write as: date or instant"),
        ("text.div: {at: text}", "1: a xhtml does not say how it is sent; no transform fits it"),
        (
            "gender: {at: sex, codes: ConceptMap/sx}",
            "26: ConceptMap/sx is not among the definitions; did you mean ConceptMap/sex?",
        ),
        ("birthDate: {at: dob, codes: ConceptMap/sex}", "29: a date has no codes; write 'as' in the place of 'codes'"),
        (
            "maritalStatus: {at: m, each: {text: {at: t}}}",
            "1: 'maritalStatus' is no list; leave out 'each', and name its elements",
        ),
        (
            "address: {at: a, each: {period: {at: p}}}",
            "25: 'period' is a Period, not a plain value; go on to one of its elements, as in period.<element>",
        ),
        ("address: {at: a, each: {cty: {at: p}}}", "25: Address has no element 'cty'; did you mean 'city'?"),
    ],
)
def test_a_row_that_fhir_does_not_allow(row: str, found: str) -> None:
    assert row_problems(row, SEX) == [f"t.yaml:1:{found}"]


def test_all_rows_are_checked_and_all_problems_told() -> None:
    rows = """\
        birthdate: {at: dob}
        name.family: {at: a b}
        gender: {at: sex, as: text, codes: ConceptMap/x}
    """

    assert row_problems(rows, SEX) == [
        "t.yaml:1:1: Patient has no element 'birthdate'; did you mean 'birthDate'?",
        "t.yaml:2:1: 'name' is a list; say which item: name[slice]",
        "t.yaml:2:19: 'a b' is no field of the partner; write names with dots between: a.b.c",
        "t.yaml:3:23: 'codes' says already how the value is sent; keep one of 'as' and 'codes'",
        "t.yaml:3:36: ConceptMap/x is not among the definitions; add it, or correct the name",
    ]


@pytest.mark.parametrize(
    ("rows", "found"),
    [
        ("birthDate: {at: a}\nactive: {at: a}", "2:14: field 'a' is written by line 1 as well; keep one of the rows"),
        (
            "birthDate: {at: a}\nactive: {at: a.b}",
            "2:14: field 'a.b' is written by line 1 as well; keep one of the rows",
        ),
        ("birthDate: {at: a.b}\nactive: {at: a}", "2:14: field 'a' is written by line 1 as well; keep one of the rows"),
        (
            "birthDate: {at: [a, c]}\nactive: {at: [a, b]}",
            "2:15: field 'a' is written by line 1 as well; keep one of the rows",
        ),
        (
            "address: {at: a, each: {city: {at: c}}}\nactive: {at: a.n}",
            "2:14: field 'a.n' is written by line 1 as well; keep one of the rows",
        ),
        (
            "address: {at: a, each: {city: {at: c}, state: {at: c}}}",
            "1:52: field 'c' is written by line 1 as well; keep one of the rows",
        ),
        (
            "deceasedBoolean: {at: a}\ndeceasedDateTime: {at: b, as: date}",
            "2:1: element 'deceasedDateTime' is written by line 1 as well; keep one of the rows",
        ),
        (
            "address: {at: a, each: {city: {at: c}}}\naddress[home].city: {at: b}",
            "2:1: element 'address[home].city' is written by line 1 as well; keep one of the rows",
        ),
    ],
)
def test_two_rows_that_write_one_place(rows: str, found: str) -> None:
    """In either direction, and also where one of the places is within the other."""
    slices = "address[home]: {use: home}" if "[home]" in rows else ""

    assert row_problems(rows, slices=slices) == [f"t.yaml:{found}"]


def test_what_is_only_read_writes_no_field() -> None:
    """One field may be read into two elements, one of them sent."""
    rows = """\
        id: {at: number, only: to_fhir}
        language: {at: number}
        address: {at: all, only: to_fhir, each: {city: {at: c}, state: {at: c}}}
    """

    assert row_problems(rows) == []


def test_two_rows_for_one_variable_of_the_path() -> None:
    rows = "language: {path: lab}\nimplicitRules: {path: lab}\n"

    assert [line for line in row_problems(rows) if "written" in line] == [
        "t.yaml:2:23: variable 'lab' is written by line 1 as well; keep one of the rows"
    ]


def test_a_variable_of_a_path_is_text() -> None:
    assert row_problems("active: {path: id}\nbirthDate: {at: born}") == [
        "t.yaml:1:1: 'active' is no text, and a variable of a path is one"
    ]


@pytest.mark.parametrize(
    ("inner", "column"),
    [
        ("city: {at: c, otherwise: '{id}'}", 26),
        ("city: {path: id}", 26),
        ("city: {outcome: [{text: x}]}", 26),
        ("line: {at: l, each: {x: {at: y}}}", 26),
    ],
)
def test_what_a_row_within_each_cannot_be(inner: str, column: int) -> None:
    lines = row_problems(f"address: {{at: a, each: {{ {inner} }}}}")

    text = "a row within 'each' pairs an element with a field; write 'at' alone"
    assert f"t.yaml:1:{column}: {text}" in lines


def test_a_code_table_must_be_a_function_in_the_directions_it_is_used_in() -> None:
    table = concept_map("sex", ("male", "M"), ("male", "H"), ("female", "F"), ("other", "F"))
    both = "gender: {at: sex, codes: ConceptMap/sex}"

    assert row_problems(both, table) == [
        "t.yaml:1:26: 'ConceptMap/sex': `F` may become female or other; mark exactly one of them as `equal`",
        "t.yaml:1:26: 'ConceptMap/sex': `male` may become M or H; mark exactly one of them as `equal`",
    ]
    assert row_problems("gender: {at: sex, codes: ConceptMap/sex, only: to_fhir}\nbirthDate: {at: born}", table) == [
        "t.yaml:1:26: 'ConceptMap/sex': `F` may become female or other; mark exactly one of them as `equal`"
    ]


def test_a_code_table_must_make_codes_of_the_element() -> None:
    table = concept_map("sex", ("mal", "M"), ("yes", "Y"))

    assert row_problems("gender: {at: sex, codes: ConceptMap/sex}\nactive: {at: a, codes: ConceptMap/sex}", table) == [
        "t.yaml:1:26: 'ConceptMap/sex': `mal` is no code of 'gender'",
        "t.yaml:1:26: 'ConceptMap/sex': `yes` is no code of 'gender'",
        "t.yaml:2:24: 'ConceptMap/sex': `mal` is no code of 'active'",
        "t.yaml:2:24: 'ConceptMap/sex': `yes` is no code of 'active'",
    ]


def test_a_code_table_of_an_element_without_fixed_codes_may_hold_any() -> None:
    assert row_problems("language: {at: l, codes: ConceptMap/l}", concept_map("l", ("uk", "1"), ("en", "2"))) == []


def test_a_definition_that_is_no_code_table() -> None:
    value_set = {"resourceType": "ValueSet", "url": "https://fhir-bridge.example/fhir/ValueSet/v", "status": "active"}

    assert row_problems("gender: {at: sex, codes: ValueSet/v}", value_set) == [
        "t.yaml:1:26: 'ValueSet/v' is no ConceptMap; name one that is"
    ]


@pytest.mark.parametrize("typed", ["Patien", "HumanName", "DomainResource"])
def test_a_map_is_of_a_resource_type(typed: str) -> None:
    text = f"partner: n\nconnection: {{base_url: $U}}\nmaps: {{a: {{resource: {typed}, rows: {{x: {{at: y}}}}}}}}\n"

    (line,) = problems(text)

    assert line.startswith(f"t.yaml:3:22: '{typed}' is no resource type;")


def test_a_slice_is_told_by_true_or_false_alone_where_an_element_is_that() -> None:
    slices = "communication[a]: {preferred: 'yes'}"
    rows = "rows: {'communication[a].language.text': {at: f}}\n"

    assert problems_below("slices", slices, after=rows) == [
        "t.yaml:1:20: 'preferred' is a boolean; a slice is told by a text, or by a CodeableConcept in it"
    ]


@pytest.mark.parametrize(
    ("slices", "found"),
    [
        (
            "extension[a]: {extension.valueCode: x}",
            "1:16: 'extension' is a list, into which a slice cannot look; name an element beside it",
        ),
        (
            "extension[a]: {'extension[].valueCode': x}",
            "1:16: 'extension[]' is no part of an extension; write extension[url], then its value",
        ),
        (
            "extension[a]: {'extension[b].valueCod': x}",
            "1:16: Extension has no element 'valueCod'; did you mean 'valueCode'?",
        ),
    ],
)
def test_a_part_of_an_extension_that_tells_a_slice_is_checked(slices: str, found: str) -> None:
    rows = "rows: {'extension[a].extension[b].valueString': {at: f}}\n"

    assert problems_below("slices", slices, after=rows) == [f"t.yaml:{found}"]


@pytest.mark.parametrize(
    ("slices", "found"),
    [
        ("name[a]: {use: offical}", "1:16: 'offical' is no code of 'use'; did you mean 'official'?"),
        ("name[a]: {us: usual}", "1:11: HumanName has no element 'us'; did you mean 'use'?"),
        ("name[a]: {use.x: usual}", "1:11: code has no element 'x'"),
        (
            "name[a]: {given: Ada}",
            "1:11: 'given' is a list of string; a slice is told by a text, or by a CodeableConcept in it",
        ),
        (
            "name[a]: {period: x}",
            "1:11: 'period' is a Period; a slice is told by a text, or by a CodeableConcept in it",
        ),
        (
            "name[a]: {resourceType: Patient}",
            "1:11: 'resourceType' tells no member; write 'resource.resourceType', of a Bundle's entry",
        ),
        (
            "name[a]: {use: usual, otherwise: first without us}",
            "1:34: HumanName has no element 'us'; did you mean 'use'?",
        ),
    ],
)
def test_a_slice_is_told_by_elements_that_fhir_has(slices: str, found: str) -> None:
    assert problems_below("slices", slices, after="rows: {'name[a].family': {at: f}}\n") == [f"t.yaml:{found}"]


@pytest.mark.parametrize(
    ("slices", "found"),
    [
        (
            "contact[a]: {telecom.system: phone}",
            "1:14: 'telecom' is a list, into which a slice cannot look; name an element beside it",
        ),
        ("contact[a]: {relationship: C}", "1:28: 'C' is no code of a CodeableConcept; write system#code"),
        (
            "contact[a]: {relationship: 'http://x.example#'}",
            "1:28: 'http://x.example#' is no code of a CodeableConcept; write system#code",
        ),
        (
            "contact[a]: {organization.identifier.type: x#y}",
            (
                "1:14: 'organization.identifier.type' is a CodeableConcept; a slice is told "
                "by a text, or by a CodeableConcept in it"
            ),
        ),
    ],
)
def test_a_slice_is_told_by_what_stands_in_its_members(slices: str, found: str) -> None:
    assert problems_below("slices", slices, after="rows: {'contact[a].gender': {at: f}}\n") == [f"t.yaml:{found}"]


def test_a_list_has_the_members_that_fit_and_no_others_otherwise() -> None:
    rows = "name[a]: {at: names, each: {family: {at: f}}}"

    assert row_problems(rows, slices="name[a]: {use: old, otherwise: first without use}") == [
        "t.yaml:1:1: 'each' takes just 'name[a]'; leave 'otherwise' out of its slice"
    ]


def test_the_type_of_an_entrys_resource_must_be_one() -> None:
    text = """\
partner: northlab
connection: {base_url: $NORTHLAB_URL}
interactions:
  update Bundle:
    call: PUT /b/{id}
    send: {as_it_is: message}
    receive: {as_it_is: message}
    id: entry[patient].resource.id
maps:
  message: {resource: Bundle, slices: {'entry[patient]': {resource.resourceType: Patiend}}}
"""

    assert problems(text) == ["t.yaml:10:82: 'Patiend' is no resource type; did you mean 'Patient'?"]


def test_without_a_slice_a_resource_may_be_of_any_type() -> None:
    text = """\
partner: northlab
connection: {base_url: $NORTHLAB_URL}
interactions:
  update Bundle:
    call: PUT /b/{id}
    send: {as_it_is: message}
    receive: {as_it_is: message}
    id: entry[any].resource.id
    headers: {X-A: {element: "entry[any].resource.name"}}
maps:
  message: {resource: Bundle, slices: {'entry[any]': {fullUrl: x}}}
"""

    assert problems(text) == [
        "t.yaml:9:30: Resource has no element 'name'; known here: id, implicitRules, language, meta"
    ]


@pytest.mark.parametrize(
    ("slices", "rows", "found"),
    [
        (
            "name[a]: {use: usual}\nname[b]: {use: old}\n",
            "name[b].family: {at: f}",
            ["1:1: no row uses the slice 'name[a]'; remove it, or use it"],
        ),
        (
            "name[a]: {use: usual}\nname[aa]: {use: old}\n",
            "name[aa].family: {at: f}",
            ["1:1: no row uses the slice 'name[a]'; remove it, or use it"],
        ),
        (
            "name[a]: {use: usual}\nname[b]: {use: usual}\n",
            "name[a].family: {at: f}\nname[b].family: {at: g}",
            ["2:1: what is 'name[b]' is 'name[a]' too; give them values that tell them apart"],
        ),
        (
            "identifier[a]: {system: x}\nidentifier[b]: {system: x, use: usual}\n",
            "identifier[a].value: {at: f}\nidentifier[b].value: {at: g}",
            ["2:1: what is 'identifier[b]' is 'identifier[a]' too; give them values that tell them apart"],
        ),
    ],
)
def test_a_slice_that_nothing_uses_or_that_is_another_one_too(slices: str, rows: str, found: list[str]) -> None:
    after = "rows:\n" + "".join(f"  {row}\n" for row in rows.splitlines())

    assert problems_below("slices", slices, after=after) == [f"t.yaml:{line}" for line in found]


def test_a_slice_within_each_is_used() -> None:
    slices = "contact[a]: {gender: male}\ncontact[a].telecom[p]: {system: phone}\n"
    rows = "contact[a].telecom[p]: {at: phones, each: {value: {at: number}}}"

    assert row_problems(rows, slices=slices) == []


@pytest.mark.parametrize(
    ("silent", "found"),
    [
        ("identifer: any", "1:1: Patient has no element 'identifer'; did you mean 'identifier'?"),
        ("name[b]: any", "1:1: no slice 'name[b]' is described; did you mean 'name[a]'?"),
        ("name[a]: x", "1:10: 'name[a]' is a HumanName; write any, or name one of its elements"),
        ("name.use: [usual, offical]", "1:19: 'offical' is no value of 'name.use'; did you mean 'official'?"),
        ('active: "yes"', "1:9: 'yes' is no value of 'active'; known here: false, true"),
        ("gender: [any, male]", "1:10: 'any' stands for every value; write it alone"),
        ("maritalStatus: S", "1:16: 'S' is no code of a CodeableConcept; write system#code, or any"),
        (
            "active: any",
            "1:9: 'active' changes what holds it, so not every value of it is harmless; write those that are",
        ),
    ],
)
def test_a_mistake_in_silent_is_told_at_its_word(silent: str, found: str) -> None:
    before = "slices: {'name[a]': {use: usual}}\nrows: {'name[a].family': {at: f}}\n"

    assert problems_below("silent", silent, before=before) == [f"t.yaml:{found}"]


OUTCOME = "partner: n\nconnection: {base_url: $U}\nmaps:\n  kit:\n    resource: Parameters\n    rows:\n"


@pytest.mark.parametrize(
    ("rows", "found"),
    [
        (
            "parameter[o].resource: {outcome: [{when: {stat: a}, text: x}]}",
            "7:49: no row makes a parameter 'stat'; did you mean 'state'?",
        ),
        (
            "parameter[o].valueString: {outcome: [{text: x}]}",
            "7:7: 'outcome' stands on a parameter's resource: parameter[name].resource",
        ),
        (
            "parameter[o].part[p].resource: {outcome: [{text: x}]}",
            "7:7: 'outcome' stands on a parameter's resource: parameter[name].resource",
        ),
        (
            "parameter[o].reosurce: {outcome: [{text: x}]}",
            "7:7: ParametersParameter has no element 'reosurce'; did you mean 'resource'?",
        ),
        (
            "parameter[o].resource: {outcome: [{text: x}]}\n      parameter[p].resource: {outcome: [{text: y}]}",
            "8:7: line 7 has an outcome table already; keep one",
        ),
    ],
)
def test_a_mistake_in_where_an_outcome_table_stands(rows: str, found: str) -> None:
    lines = problems(f"{OUTCOME}      {rows}\n      parameter[state].valueCode: {{at: state}}\n")

    assert f"t.yaml:{found}" in lines


def test_a_default_that_the_environment_has_not_is_missed() -> None:
    text = """\
partner: northlab
connection: {base_url: $NORTHLAB_URL}
interactions:
  update Patient:
    call: PUT /{lab}/{id}
    send: {map: client}
    receive: {map: client}
    headers: {X-Site: {text: $SITE}, X-Unit: {text: $UNIT?}}
maps:
  client: {resource: Patient, rows: {language: {path: lab, otherwise: $LAB}, active: {at: a}}}
"""

    assert problems(text) == [
        "t.yaml:8:30: the variable SITE is not set; set it and start again",
        "t.yaml:10:71: the variable LAB is not set; set it and start again",
    ]
    assert problems(text, environment={}) == []


def test_nothing_that_is_compiled_knows_its_place_in_the_file() -> None:
    """What is sent or answered is plain text: a copy of it is, too."""
    client = mapped("name[a].family: {at: f}", slices="name[a]: {use: usual}")

    resource, _ = client.to_fhir({"f": "Lovelace"})

    assert resource == {"resourceType": "Patient", "name": [{"use": "usual", "family": "Lovelace"}]}
    assert {type(resource["resourceType"]), type(resource["name"][0]["use"])} == {str}


def test_the_outcome_of_a_map_is_plain_too() -> None:
    text = """\
partner: northlab
connection: {base_url: $NORTHLAB_URL}
interactions:
  read Patient: {call: "GET /{id}", receive: {map: client}}
maps:
  client: {resource: Patient, rows: {id: {at: id}}}
"""
    (partner,) = load(text).partners.values()

    assert {type(partner.name), type(partner.title), type(partner.routes[0].call.partner)} == {str}
