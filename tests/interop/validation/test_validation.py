"""The instances that both judges get, and what is made of their verdicts."""

from __future__ import annotations

import json
import re
from collections import Counter

import pytest

from fhir_bridge.outcome import Issue
from tests.interop.validation.breaking import changed, changes, instances
from tests.interop.validation.explained import Explanation, Explanations, explanations
from tests.interop.validation.instances import GOOD, Instance
from tests.interop.validation.mutated import mutated_patients
from tests.interop.validation.table import table
from tests.interop.validation.verdicts import TOP, ours

PATIENT = {"resourceType": "Patient", "name": [{"given": ["a", "b"]}]}


def test_a_change_sets_values_by_path_takes_them_out_and_leaves_the_good_one_as_it_was() -> None:
    new = changed(PATIENT, {"name[0].given[1]": None, "name[0].use": "old", "gender": "male"})

    assert new == {"resourceType": "Patient", "name": [{"given": ["a"], "use": "old"}], "gender": "male"}
    assert changed(PATIENT, {"name[0].given": None}) == {"resourceType": "Patient"}
    assert PATIENT == {"resourceType": "Patient", "name": [{"given": ["a", "b"]}]}


def test_each_change_is_made_wherever_it_fits() -> None:
    counts = Counter(kind for kind, _, _ in changes("x", PATIENT))

    assert counts == {
        "left out": 6,
        "an unknown element": 1,
        "an extension added": 1,
        "only an id": 1,
        "empty": 6,
        "a list for one value": 4,
        "one value for a list": 2,
        "an item twice": 2,
        "another JSON type": 6,
        "another text": 12,
    }


def test_six_hundred_patients_are_mutated_each_in_its_own_way() -> None:
    patients = [str((each.version, each.resource)) for each in mutated_patients()]

    assert len(patients) == len(set(patients)) == 602


def test_every_profile_has_good_and_bad_instances() -> None:
    profiles = {f"StructureDefinition-{group}.json" for group in GOOD} - {"StructureDefinition-STU3 message.json"}
    files = {
        file.name
        for file in (TOP / "profiles").glob("StructureDefinition-*.json")
        if json.loads(file.read_text(encoding="utf-8"))["type"] != "Extension"  # each is in the instance of a profile
    }
    counts = Counter(each.group for each in instances())

    assert profiles == files
    assert min(counts.values()) > 30


@pytest.mark.parametrize("group", GOOD)
def test_a_good_instance_is_right(group: str) -> None:
    version, profile, resource = GOOD[group]

    assert ours(Instance(group, "as it is", "as it is", version, profile, resource)) == []


def test_what_is_explained_is_told_with_its_reason_and_what_is_not_used_is_told_too() -> None:
    known = Explanations([_explanation("stricter", "^x$", "empty"), _explanation("stricter", "^y$", "empty")])

    assert known.of("stricter", "x", "it is empty") == "because"
    assert known.of("stricter", "z", "it is empty") is None
    assert known.of("let_through", "x", "it is empty") is None
    assert list(known.told()) == ["stricter, 1 times: because"]
    assert list(known.useless()) == ["explained.yaml: stricter: nobody says 'empty' of '^y$'"]


def _explanation(section: str, of: str, says: str) -> Explanation:
    return Explanation(section, re.compile(of), re.compile(says), "because")


def test_the_file_of_explanations_has_the_sections_that_are_asked_for() -> None:
    assert {each.section for each in explanations().known} == {"warnings", "answers", "let_through", "stricter"}


def test_the_table_has_both_verdicts_side_by_side() -> None:
    good = Instance("p", "as it is", "", "4.0", "", {})
    bad = Instance("p", "empty", "", "4.0", "", {})
    issue = Issue("empty-value", "structure", "x")
    error = {"severity": "error", "location": "x", "message": "x", "id": "x"}

    text = table([(good, [], []), (bad, [issue], [error]), (bad, [issue], []), (bad, [], [error])])

    assert text.splitlines() == [
        "profile | what was done | instances | both take it | both refuse it | only we refuse | only HAPI refuses",
        "--------+---------------+-----------+--------------+----------------+----------------+------------------",
        "p       | as it is      | 1         | 1            |                |                |",
        "p       | empty         | 3         |              | 1              | 1              | 1",
        "all     |               | 4         | 1            | 1              | 1              | 1",
    ]
