"""One name leads to one operation, and a name that the bridge has taken to none."""

from __future__ import annotations

import pytest

from tests.mapping.lab import operation, problems

HEAD = """\
partner: northlab
connection: {base_url: $NORTHLAB_URL}
maps:
  client: {resource: Patient, rows: {birthDate: {at: born}}}
  order: {resource: Parameters, rows: {'parameter[n].valueString': {at: n}}}
interactions:
  update Patient: {call: "PUT /c/{id}", send: {map: client}, receive: {map: client}}
"""
ORDER = 'definition: OperationDefinition/order, call: "POST /o/{id}", send: {map: order}, receive: {map: order}'
OF_BASE = ORDER.replace("/{id}", "")
COHORT = "cohort: {definition: OperationDefinition/orders}"
TAKEN = "is the operation of line 8 already; name one otherwise"


@pytest.mark.parametrize(
    ("interactions", "what"),
    [
        ([f"$order Patient: {{{ORDER}}}", f"$get Patient: {{also: [$order], {ORDER}}}"],
         f"9:3: '[base]/Patient/[id]/$order' {TAKEN}"),
        ([f"$order Patient: {{also: [$order], {ORDER}}}"], f"8:3: '[base]/Patient/[id]/$order' {TAKEN}"),
        ([f"$order: {{{OF_BASE}}}", "$order Patient: {as: update Patient, definition: OperationDefinition/order}"],
         f"9:3: '[base]/$order' {TAKEN}"),
        ([f"$order Patient: {{{COHORT}, {ORDER}}}", f"$get Patient: {{also: [$order], {COHORT}, {ORDER}}}"],
         f"9:3: '[base]/Patient/[id]/$order' {TAKEN}\n9:3: '[base]/Patient/$order' {TAKEN}"),
        ([f"$order Patient: {{{ORDER}}}", f"$order: {{{OF_BASE}}}"], None),
        ([f"$validate Patient: {{{ORDER}}}"],
         "8:3: the bridge answers '$validate' itself; name the operation otherwise"),
        ([f"$versions: {{{OF_BASE}}}"], "8:3: the bridge answers '$versions' itself; name the operation otherwise"),
        ([f"$get Patient: {{also: [$a_b], {ORDER}}}"],
         "8:3: '$a_b' is no name of an operation; write letters, digits and '-'"),
    ],
)  # fmt: skip
def test_a_name_leads_to_one_operation(interactions: list[str], what: str | None) -> None:
    several = operation("orders") | {"type": True}
    found = problems(HEAD + "".join(f"  {each}\n" for each in interactions), operation("order"), several)

    assert found == ([f"t.yaml:{line}" for line in what.split("\n")] if what else [])
