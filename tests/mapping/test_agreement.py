"""What each part of a mapping file may say by itself, but not together with the others."""

import pytest

from tests.mapping.lab import load, operation, problems

ROWS = "rows: {birthDate: {at: born}, id: {at: number, only: to_fhir}}"
MAPS = f"""\
maps:
  client: {{resource: Patient, {ROWS}}}
  order:
    resource: Parameters
    rows: {{'parameter[lab].valueString': {{path: lab}}, 'parameter[n].valueString': {{at: who.n}}}}
  message: {{resource: Bundle}}
"""


def disagreements(interactions: str, *, fhir: str = '["4.0"]', identity: str = "{}", **environment: str) -> list[str]:
    """Return the problems; the interactions begin in line 6."""
    head = f"partner: northlab\nfhir: {fhir}\nidentity: {identity}\nconnection: {{base_url: $NORTHLAB_URL}}\n"
    return problems(f"{head}interactions:\n{interactions}{MAPS}", operation("order"), operation("other"))


def test_a_file_whose_parts_agree_has_no_problem() -> None:
    interactions = """\
  read Patient: {call: "GET /clients/{id}", receive: {map: client}}
  update Patient: {call: "PUT /clients/{id}", send: {map: client, id: {at: number}}, receive: {map: client}}
  patch Patient: {reads: read Patient, writes: update Patient}
  create Patient: {as: update Patient}
  $order Patient:
    {definition: OperationDefinition/order, call: "POST /{lab}/kits/{id}", send: {map: order}, receive: {map: client}}
"""

    assert disagreements(interactions) == []


@pytest.mark.parametrize(
    ("interaction", "found"),
    [
        (
            'read Patien: {call: "GET /c/{id}", receive: {map: client}}',
            [
                "3: 'Patien' is no resource type; did you mean 'Patient'?",
                "53: map 'client' is of Patient, and 'read Patien' takes Patien; name another map",
            ],
        ),
        (
            'read Patient: {call: "GET /c/{id}", send: {map: client}, receive: {map: client}}',
            ["45: a read sends nothing; remove 'send'"],
        ),
        (
            'read Patient: {call: "GET /c/{id}", receive: {map: order}}',
            ["54: map 'order' is of Parameters, and 'read Patient' takes Patient; name another map"],
        ),
        (
            'update Patient: {call: "PUT /c/{id}", send: {map: order}, receive: {map: client}}',
            ["53: map 'order' is of Parameters, and 'update Patient' takes Patient; name another map"],
        ),
        (
            (
                '$order Patient: {definition: OperationDefinition/order, call: "PUT /c/{id}", '
                "send: {map: client}, receive: {map: client}}"
            ),
            ["92: map 'client' is of Patient, and '$order Patient' takes Parameters; name another map"],
        ),
        (
            'update Patient: {call: "PUT /c/{id}", send: {map: client, id: {at: born}}, receive: {map: client}}',
            ["70: field 'born' is written by line 8 as well; keep one of the two"],
        ),
        (
            (
                '$order Patient: {definition: OperationDefinition/order, call: "PUT '
                '/{lab}", send: {map: order, id: {at: who}}, receive: {map: client}}'
            ),
            ["107: field 'who' is written by line 11 as well; keep one of the two"],
        ),
        (
            (
                'update Patient: {call: "PUT /c/{id}", send: {map: client, id: {at: n, as: '
                "digits}}, receive: {map: client}}"
            ),
            ["77: not every id is digits; write 'id: positive-integer' under 'identity'"],
        ),
        (
            'read Patient: {call: "GET /c/{ids}/{}/{lab}", receive: {map: client}}',
            [
                "24: nothing fills '{ids}' of '/c/{ids}/{}/{lab}'; did you mean 'id'?",
                "24: nothing fills '{}' of '/c/{ids}/{}/{lab}'; known here: id",
                "24: nothing fills '{lab}' of '/c/{ids}/{}/{lab}'; known here: id",
            ],
        ),
        (
            (
                '$order Patient: {definition: OperationDefinition/order, call: "PUT '
                '/c/{lbb}", send: {map: order}, receive: {map: client}}'
            ),
            ["65: nothing fills '{lbb}' of '/c/{lbb}'; did you mean 'lab'?"],
        ),
        (
            "$order Patient: {definition: OperationDefinition/ordre, call: PUT /c, receive: {map: client}}",
            [
                "3: '$order Patient' sends nothing; add 'send'",
                "32: OperationDefinition/ordre is not among the definitions; did you mean OperationDefinition/order?",
            ],
        ),
        (
            (
                "patch Patient: {reads: read Patient, writes: update Patient}\n  update "
                'Patient: {call: "PUT /c/{id}", send: {map: client}, receive: {map: client}}'
            ),
            ["26: there is no interaction 'read Patient'; did you mean 'patch Patient'?"],
        ),
    ],
    ids=range(12),
)
def test_a_disagreement_is_told_at_its_word(interaction: str, found: list[str]) -> None:
    lines = disagreements(f"  {interaction}\n")

    moved = [f"t.yaml:6:{line}" for line in found]
    assert [line for line in lines if "has no '{lab}'" not in line] == moved


def test_a_row_for_a_variable_that_no_call_has() -> None:
    interaction = (
        "  $order Patient: {definition: OperationDefinition/order, call: 'PUT /c/{id}', "
        "send: {map: order}, receive: {map: client}}\n"
    )

    assert disagreements(interaction) == ["t.yaml:11:49: '/c/{id}' has no '{lab}'; add it, or remove the row"]


def test_an_operation_needs_its_definition_and_may_name_one_of_hl7s() -> None:
    call = 'call: "PUT /c/{id}/{lab}", send: {map: order}, receive: {map: client}'
    hl7 = "http://hl7.org/fhir/OperationDefinition/Patient-match"

    assert disagreements(f"  $order Patient: {{{call}}}\n") == [
        "t.yaml:6:3: '$order Patient' is an operation; add 'definition', its OperationDefinition"
    ]
    assert disagreements(f'  $match Patient: {{definition: "{hl7}", {call}}}\n') == []
    assert disagreements(f'  $order Patient: {{definition: "{hl7}", {call}}}\n') == [
        f"t.yaml:6:32: '{hl7}' is no OperationDefinition of '$order'; name one that is"
    ]
    assert disagreements(f'  $match Patient: {{definition: "{hl7}es", {call}}}\n') == [
        f"t.yaml:6:32: {hl7}es is not among the definitions; add it, or correct the name"
    ]


def test_a_patch_reads_with_a_read_and_writes_with_an_update_of_its_own_type() -> None:
    interactions = """\
  read Patient: {call: "GET /c/{id}", receive: {map: client}}
  update Patient: {call: "PUT /c/{id}", send: {map: client}, receive: {map: client}}
  update Bundle: {call: "PUT /b/{id}", send: {as_it_is: message}, receive: {as_it_is: message}}
  patch Patient: {reads: update Patient, writes: read Patient}
  patch Bundle: {reads: read Patient, writes: update Bundle}
"""

    assert disagreements(interactions) == [
        "t.yaml:9:26: 'update Patient' is no read of Patient; name 'read Patient'",
        "t.yaml:9:50: 'read Patient' is no update of Patient; name 'update Patient'",
        "t.yaml:10:25: 'read Patient' is no read of Bundle; name 'read Bundle'",
        "t.yaml:10:47: 'update Bundle' sends no map, so a patch cannot write with it",
    ]


def test_rows_are_of_r4_alone() -> None:
    interaction = '  read Patient: {call: "GET /c/{id}", receive: {map: client}}\n'

    assert disagreements(interaction, fhir='["3.0", "4.0"]') == [
        't.yaml:6:54: a map with rows is R4; write fhir: ["4.0"], or send and receive it as it is'
    ]


def test_an_id_may_be_a_number_where_every_id_is_one() -> None:
    interaction = '  read Patient: {call: "GET /c/{id}", receive: {map: client, id: {at: number, as: digits}}}\n'

    assert disagreements(interaction, identity="{id: positive-integer}") == []


def test_a_slice_that_only_a_header_or_the_id_uses_is_used() -> None:
    text = """\
partner: northlab
connection: {base_url: $NORTHLAB_URL}
interactions:
  update Bundle:
    call: PUT /b/{id}
    send: {as_it_is: message}
    receive: {as_it_is: message}
    id: entry[patient].resource.id
    headers: {X-Source: {element: "entry[header].resource.source.name"}}
maps:
  message:
    resource: Bundle
    slices:
      entry[patient]: {resource.resourceType: Patient}
      entry[header]: {resource.resourceType: MessageHeader}
"""

    assert [route.code for route in load(text).partners["northlab"].routes] == ["update"]
