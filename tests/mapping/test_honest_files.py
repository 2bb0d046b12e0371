"""What a mapping file cannot keep, and hints that lead to something that works."""

from __future__ import annotations

import pytest

from tests.mapping.lab import SEX, operation, problems, row_problems

HEAD = """\
partner: northlab
connection:
  base_url: $NORTHLAB_URL
  auth: [{{scheme: headers, headers: {{X-A: {}}}}}]
interactions:
  update Patient:
    call: {}
    send: {{map: client, with: {{site: {}}}}}
    receive: {{map: client}}
maps:
  client: {{resource: Patient, rows: {{birthDate: {{at: born}}}}}}
"""
TYPED = "would be taken as it is typed: no variable is put into a text; where one may stand, it stands alone"


@pytest.mark.parametrize(
    ("header", "call", "site", "what"),
    [
        ("Site $SITE", "PUT /{id}", "a", f"4:43: '$SITE' {TYPED}"),
        ("'a-${SITE}'", "PUT /{id}", "a", f"4:43: '${{SITE}}' {TYPED}"),
        ("a", "'PUT /{id}?site=$SITE'", "a", f"7:11: '$SITE' {TYPED}"),
        ("a", "PUT /$SITE/{id}", "a", f"7:11: '$SITE' {TYPED}"),
        ("a", "PUT /{id}", "'from $SITE?'", f"8:38: '$SITE' {TYPED}"),
        ("$SITE?", "PUT /{id}/$updateData", "costs 5$", None),
    ],
)
def test_a_variable_is_put_into_no_text(header: str, call: str, site: str, what: str | None) -> None:
    assert problems(HEAD.format(header, call, site)) == ([f"t.yaml:{what}"] if what else [])


@pytest.mark.parametrize("field", ["attributes.0.value", "0", "a.12"])
def test_an_item_of_a_list_is_no_field(field: str) -> None:
    text = f"'{field}' counts the items of a list, and a field has a name; take the whole list, by 'each'"

    assert row_problems(f"birthDate: {{at: '{field}'}}") == [f"t.yaml:1:17: {text}"]


@pytest.mark.parametrize(
    ("row", "slices", "place"),
    [
        ("id: {at: number, codes: ConceptMap/sex}", "", "1:25: 'id'"),
        (
            "extension[a].url: {at: kind, codes: ConceptMap/sex}",
            "extension[a]: {valueCode: a}",
            "1:37: 'url'",
        ),
        ("extension: {at: list, each: {url: {at: kind, codes: ConceptMap/sex}}}", "", "1:53: 'url'"),
    ],
)
def test_what_needs_a_value_has_no_codes(row: str, slices: str, place: str) -> None:
    why = "cannot be without a value, as it would be for an unknown code; write 'at' alone"

    assert row_problems(row, SEX, slices=slices) == [f"t.yaml:{place} {why}"]


@pytest.mark.parametrize(
    ("row", "what"),
    [
        ("birthDate: {at: b, only: read}", "1:26: unknown 'only: read'; known here: both, create, to_fhir"),
        ("name.text: {at: b}", "1:1: 'name' is a list; say which item: name[slice]"),
        ("contact.name.text: {at: b}", "1:1: 'contact' is a list; say which item: contact[slice]"),
    ],
)
def test_a_hint_leads_to_what_works(row: str, what: str) -> None:
    assert row_problems(row) == [f"t.yaml:{what}"]


def test_a_list_of_plain_values_is_told_by_a_number() -> None:
    slices = "name[usual]: {use: usual}"

    assert row_problems("name[usual].given: {at: b}", slices=slices) == [
        "t.yaml:1:1: 'given' is a list; say which item: given[0]"
    ]
    assert row_problems("name[usual].given[0]: {at: b}", slices=slices) == []


@pytest.mark.parametrize(
    ("definition", "what"),
    [
        ("ConceptMap/sex", "'ConceptMap/sex' is no OperationDefinition of '$order'; name one that is"),
        ("OperationDefinition/order", None),
        (
            "http://hl7.org/fhir/SearchParameter/Patient-active",
            "'http://hl7.org/fhir/SearchParameter/Patient-active' is no OperationDefinition of '$order'; "
            "name one that is",
        ),
    ],
)
def test_the_definition_of_an_operation_is_one(definition: str, what: str | None) -> None:
    file = f"""\
partner: northlab
connection: {{base_url: $NORTHLAB_URL}}
interactions:
  $order Patient:
    definition: {definition}
    call: POST /o/{{id}}
    send: {{map: order}}
    receive: {{map: order}}
maps:
  order: {{resource: Parameters, rows: {{'parameter[n].valueString': {{at: n}}}}}}
"""

    assert problems(file, SEX, operation("order")) == ([f"t.yaml:5:17: {what}"] if what else [])


@pytest.mark.parametrize(
    ("name", "exists"), [("Patient", True), ("vitalsigns", True), ("BodySite", True), ("Patiant", False)]
)
def test_a_profile_of_fhirs_own_exists(name: str, exists: bool) -> None:
    url = f"http://hl7.org/fhir/StructureDefinition/{name}"
    file = f"""\
partner: northlab
connection: {{base_url: $NORTHLAB_URL}}
interactions:
  read Patient: {{call: "GET /{{id}}", receive: {{map: client}}}}
maps:
  client: {{resource: Patient, profile: "{url}", rows: {{birthDate: {{at: born}}}}}}
"""
    found = [] if exists else [f"t.yaml:6:40: {url} is not among the definitions; add it, or correct the name"]

    assert problems(file) == found


@pytest.mark.parametrize(
    ("row", "what"),
    [
        ("managingOrganization.reference: {at: o, as: reference Organisation}",
         "1:45: 'Organisation' is no resource type; did you mean 'Organization'?"),
        ("managingOrganization.reference: {at: o, as: reference Patient}",
         "1:45: 'managingOrganization' leads to no Patient; known here: Organization"),
        ("managingOrganization.reference: {at: o, as: reference Organization}", None),
        ("managingOrganization.reference: {at: o, as: reference patient}",
         "1:45: unknown transform 'reference patient'; did you mean 'reference <Type>'?"),
        ("generalPractitioner: {at: d, each: {reference: {at: ., as: reference Device}}}",
         "1:60: 'generalPractitioner' leads to no Device; known here: Organization, Practitioner, PractitionerRole"),
        ("generalPractitioner: {at: d, each: {reference: {at: ., as: reference Practitioner}}}", None),
    ],
)  # fmt: skip
def test_a_reference_leads_to_a_type_that_its_element_allows(row: str, what: str | None) -> None:
    assert row_problems(row) == ([f"t.yaml:{what}"] if what else [])


@pytest.mark.parametrize(
    ("errors", "is_told"),
    [
        ("text: m, codes: {A: value}", True),
        ("code: c, codes: {A: value}", False),
        ("list: {at: l, code: c}, codes: {A: value}", False),
        ("operation_outcome: 'true', codes: {A: value}", False),
    ],
)
def test_codes_of_errors_need_a_field_that_tells_the_code(errors: str, is_told: bool) -> None:
    file = HEAD.format("a", "PUT /{id}", "a") + f"errors: {{{errors}}}\n"
    told = ["t.yaml:12:26: nothing tells the partner's code, so 'codes' says nothing; add 'code'"]

    assert problems(file) == (told if is_told else [])


URL_MISSING = "is no FHIR without 'url', and nothing here makes it; add a row"
OR_A_SLICE = "or a slice that says it"


@pytest.mark.parametrize(
    ("row", "slices", "what"),
    [
        ("extension: {at: l, each: {valueString: {at: v}}}", "",
         f"'extension' {URL_MISSING} 'extension.url', {OR_A_SLICE}"),
        ("extension: {at: l, each: {url: {at: u}, valueString: {at: v}}}", "", None),
        ("extension[a]: {at: l, each: {valueString: {at: v}}}", "extension[a]: {url: sid/a}", None),
        ("extension[a].valueString: {at: v}", "extension[a]: {id: a}",
         f"'extension[a]' {URL_MISSING} 'extension[a].url', {OR_A_SLICE}"),
        ("extension[a].extension[b].valueString: {at: v}", "extension[a]: {url: sid/a}", None),
        ("link[old].other.display: {at: v}", "link[old]: {type: replaced-by}", None),
        ("link: {at: l, each: {type: {at: t}}}", "",
         f"'link' is no FHIR without 'other', and nothing here makes it; add a row 'link.other', {OR_A_SLICE}"),
        ("link: {at: l, each: {type: {at: t}, other.display: {at: d}}}", "", None),
    ],
)  # fmt: skip
def test_what_fhir_requires_of_an_object_is_made(row: str, slices: str, what: str | None) -> None:
    assert row_problems(row, slices=slices) == ([f"t.yaml:1:1: {what}"] if what else [])


@pytest.mark.parametrize(
    ("type_", "rows", "missing"),
    [
        ("Specimen", "receivedTime: {at: t, as: date}", None),
        ("DiagnosticReport", "status: {value: final}, effectiveDateTime: {at: t, as: date}", "code"),
        ("DiagnosticReport", "status: {value: final}, code.text: {at: c}", None),
        ("MedicationStatement", "status: {at: s}, subject.display: {at: p}", "medication[x]"),
        ("MedicationStatement", "status: {at: s}, subject.display: {at: p}, medicationReference.type: {at: m}", None),
    ],
)  # fmt: skip
def test_what_fhir_requires_of_a_record_is_made_by_the_map_that_reads_it(
    type_: str, rows: str, missing: str | None
) -> None:
    file = f"""\
partner: northlab
connection: {{base_url: $NORTHLAB_URL}}
interactions:
  read {type_}:
    call: GET /r/{{id}}
    receive: {{map: one}}
    adds: [{{call: "GET /a/{{id}}", receive: {{map: more}}}}]
maps:
  one: {{resource: {type_}, rows: {{{rows}}}}}
  more: {{resource: {type_}, rows: {{language: {{at: l}}}}}}
"""
    what = f"'{type_}' is no FHIR without '{missing}', and nothing here makes it; add a row '{missing}'"

    assert problems(file) == ([f"t.yaml:9:19: {what}"] if missing else [])


def test_what_a_row_with_a_mistake_makes_is_not_told_as_missing() -> None:
    row = "extension: {at: l, each: {url: {at: u, as: txt}, valueString: {at: v}}}"

    assert row_problems(row) == ["t.yaml:1:44: unknown transform 'txt'; did you mean 'text'?"]


PASSING = """\
partner: northlab
fhir: {}
connection: {{base_url: $NORTHLAB_URL}}
interactions:
  read {}: {{call: "GET /{{id}}", receive: {{as_it_is: record}}}}
maps:
  record: {{resource: {}}}
"""


@pytest.mark.parametrize(
    ("versions", "type_", "what"),
    [
        ('["3.0"]', "BodySite", []),
        ('["3.0"]', "ServiceRequest",
         ["5:3: 'ServiceRequest' is no resource type of FHIR 3.0; did you mean 'DeviceRequest'?",
          "7:22: 'ServiceRequest' is no resource type; did you mean 'DeviceRequest'?"]),
        ('["3.0", "4.0"]', "BodySite",
         ["5:3: 'BodySite' is no resource type of FHIR 4.0; did you mean 'BodyStructure'?"]),
        ('["4.0"]', "Patiant",
         ["5:3: 'Patiant' is no resource type; did you mean 'Patient'?",
          "7:22: 'Patiant' is no resource type; did you mean 'Patient'?"]),
        ('["3.0", "4.0"]', "Patient", []),
    ],
)  # fmt: skip
def test_a_type_is_one_in_every_version_of_the_base(versions: str, type_: str, what: list[str]) -> None:
    assert problems(PASSING.format(versions, type_, type_)) == [f"t.yaml:{line}" for line in what]


@pytest.mark.parametrize(
    ("name", "as_", "what"),
    [
        ("create Patient", "update Practitioner",
         "9:24: 'update Practitioner' is no update of Patient; name 'update Patient'"),
        ("update Patient", "update Practitioner",
         "9:24: 'update Practitioner' is no update of Patient; name 'update Patient'"),
        ("create Practitioner", "update Practitioner", None),
    ],
)  # fmt: skip
def test_what_is_carried_out_as_another_is_of_its_type(name: str, as_: str, what: str | None) -> None:
    file = f"""\
partner: northlab
connection: {{base_url: $NORTHLAB_URL}}
maps:
  one: {{resource: Practitioner, rows: {{birthDate: {{at: born}}}}}}
interactions:
  update Practitioner:
    {{call: "PUT /p/{{id}}", send: {{map: one}}, receive: {{map: one}}}}

  {name}: {{as: {as_}}}
"""

    assert problems(file) == ([f"t.yaml:{what}"] if what else [])


@pytest.mark.parametrize(
    ("interaction", "what"),
    [
        ("headers: {X-A: {text: $A-B}}", "23: '$A-B' is no variable; write $NAME, or $NAME? where it may be unset"),
        ("needs: [$A-B]", "9: '$A-B' is no variable; write $NAME, or $NAME? where it may be unset"),
        ("needs: [x $AB]", "9: 'x $AB' is no variable; write $NAME"),
        ("receive: {map: $MAP}", f"16: '$MAP' {TYPED}"),
    ],
)
def test_one_cause_is_one_problem(interaction: str, what: str) -> None:
    receive = "" if "receive" in interaction else "receive: {map: client},"
    file = f"""\
partner: northlab
connection: {{base_url: $NORTHLAB_URL}}
interactions:
  read Patient: {{call: "GET /{{id}}", {receive}
{interaction}}}
maps:
  client: {{resource: Patient, rows: {{birthDate: {{at: born}}}}}}
"""

    assert problems(file) == [f"t.yaml:5:{what}"]


def test_a_further_call_writes_no_other_type_of_a_choice() -> None:
    file = """\
partner: northlab
connection: {base_url: $NORTHLAB_URL}
interactions:
  read Patient:
    call: GET /c/{id}
    receive: {map: client}
    adds: [{call: "GET /d/{id}", receive: {map: more}}]
maps:
  client: {resource: Patient, rows: {deceasedBoolean: {at: dead}}}
  more: {resource: Patient, rows: {deceasedDateTime: {at: died, as: date}}}
"""

    assert problems(file) == [
        "t.yaml:7:12: 'deceased' is no list, and another call of 'read Patient' writes it; leave it to one of them"
    ]
