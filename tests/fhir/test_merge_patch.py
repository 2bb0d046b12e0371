"""JSON Merge Patch, RFC 7396."""

from __future__ import annotations

import copy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_bridge.fhir.merge_patch import read_merge_patch
from fhir_bridge.fhir.patch import read_patch
from fhir_bridge.outcome import FhirError, Issue, Json

PATIENT: Json = {
    "resourceType": "Patient",
    "id": "1",
    "active": True,
    "name": [{"family": "Smith", "given": ["Anna"]}],
    "maritalStatus": {"text": "married", "coding": [{"code": "M"}]},
}


def patched(patch: Json) -> Json:
    return read_merge_patch(patch)(PATIENT)


@pytest.mark.parametrize(
    ("patch", "changes"),
    [
        ({}, {}),
        ({"gender": "female"}, {"gender": "female"}),
        ({"active": False}, {"active": False}),
        ({"name": [{"family": "Jones"}]}, {"name": [{"family": "Jones"}]}),
        ({"maritalStatus": {"text": "single"}}, {"maritalStatus": {"text": "single", "coding": [{"code": "M"}]}}),
        ({"maritalStatus": {"coding": None}}, {"maritalStatus": {"text": "married"}}),
        ({"maritalStatus": "single"}, {"maritalStatus": "single"}),
        ({"active": {"a": None, "b": 1}}, {"active": {"b": 1}}),
        ({"contact": {"name": {"text": "x", "use": None}}}, {"contact": {"name": {"text": "x"}}}),
        ({"resourceType": "Patient", "id": "1"}, {}),
    ],
)
def test_members_are_replaced_objects_merged_and_lists_taken_whole(patch: Json, changes: Json) -> None:
    assert patched(patch) == {**PATIENT, **changes}


def test_null_removes() -> None:
    assert patched({"active": None, "name": None, "maritalStatus": None, "gender": None}) == {
        "resourceType": "Patient",
        "id": "1",
    }


def test_what_a_merge_leaves_empty_vanishes() -> None:
    patch = {"maritalStatus": {"text": None, "coding": []}, "name": []}

    merged = read_patch("application/merge-patch+json", patch, "4.0")(PATIENT)

    assert merged == {"resourceType": "Patient", "id": "1", "active": True}


def test_neither_the_patch_nor_the_resource_is_changed() -> None:
    patch: Json = {"maritalStatus": {"text": None}, "name": [{"family": "Jones"}]}
    before = copy.deepcopy((patch, PATIENT))

    patched(patch)

    assert (patch, PATIENT) == before


@pytest.mark.parametrize("patch", [[], "x", 5, True])
def test_what_is_no_object_is_no_patch(patch: Json) -> None:
    with pytest.raises(FhirError) as error:
        read_merge_patch(patch)

    issue = Issue("invalid-patch", "structure", "A merge patch is a JSON object; send one.")
    assert (error.value.status_code, error.value.issues) == (400, (issue,))


@pytest.mark.parametrize(
    ("patch", "name"),
    [({"id": "2"}, "id"), ({"id": None}, "id"), ({"resourceType": "Person"}, "resourceType")],
)
def test_type_and_id_stay(patch: Json, name: str) -> None:
    with pytest.raises(FhirError) as error:
        patched(patch)

    issue = Issue("invalid-patch", "business-rule", f"A patch cannot change `{name}`; leave it out.", f"Patient.{name}")
    assert (error.value.status_code, error.value.issues) == (422, (issue,))


VALUES = st.recursive(
    st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=10,
)


@given(st.dictionaries(st.sampled_from(["active", "name", "maritalStatus", "gender", "text"]), VALUES, max_size=4))
def test_what_was_patched_stays_as_it_is_when_patched_again(patch: Json) -> None:
    once = patched(patch)

    assert read_merge_patch(patch)(once) == once
