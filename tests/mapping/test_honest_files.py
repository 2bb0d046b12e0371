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
