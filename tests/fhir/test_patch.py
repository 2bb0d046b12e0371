"""JSON Patch on a resource: the six operations, how each fails, and where the library may not be followed."""

import copy
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_bridge.fhir.json_patch import read_json_patch
from fhir_bridge.fhir.negotiation import JSON_PATCH
from fhir_bridge.fhir.patch import read_patch
from fhir_bridge.fhir.patch_rules import MAX_OPERATIONS
from fhir_bridge.outcome import FhirError, Issue

PATIENT = {
    "resourceType": "Patient",
    "id": "1",
    "active": True,
    "name": [{"family": "Doe", "given": ["Ann", "Bea"]}],
    "multipleBirthInteger": 1,
}
OPERATIONS = "add, remove, replace, move, copy, test"


def patched(*operations, resource=PATIENT, version="4.0"):
    return read_patch(JSON_PATCH, list(operations), version)(resource)


def failure(patch, resource=PATIENT, version="4.0"):
    """Return the status and the issues of a patch that fails."""
    with pytest.raises(FhirError) as caught:
        read_json_patch(patch, version=version)(resource)
    return caught.value.status_code, list(caught.value.issues)


def unreadable(expression, text, code="value"):
    return Issue("invalid-patch", code, text, expression)


def inapplicable(expression, text, code="processing"):
    return (422, [Issue("invalid-patch", code, text, expression)])


# What the operations do


def test_a_patch_without_operations_changes_nothing():
    assert patched() == PATIENT


@pytest.mark.parametrize(
    ("operation", "changed"),
    [
        ({"op": "add", "path": "/gender", "value": "female"}, {"gender": "female"}),
        ({"op": "add", "path": "/active", "value": False}, {"active": False}),
        ({"op": "replace", "path": "/active", "value": False}, {"active": False}),
        (
            {"op": "add", "path": "/name/0/given/1", "value": "Cy"},
            {"name": [{"family": "Doe", "given": ["Ann", "Cy", "Bea"]}]},
        ),
        (
            {"op": "add", "path": "/name/0/given/-", "value": "Cy"},
            {"name": [{"family": "Doe", "given": ["Ann", "Bea", "Cy"]}]},
        ),
        (
            {"op": "add", "path": "/name/0/given/2", "value": "Cy"},
            {"name": [{"family": "Doe", "given": ["Ann", "Bea", "Cy"]}]},
        ),
        ({"op": "remove", "path": "/name/0/given/0"}, {"name": [{"family": "Doe", "given": ["Bea"]}]}),
        ({"op": "replace", "path": "/name/0", "value": {"text": "A"}}, {"name": [{"text": "A"}]}),
        (
            {"op": "move", "from": "/name/0/given/0", "path": "/name/0/given/1"},
            {"name": [{"family": "Doe", "given": ["Bea", "Ann"]}]},
        ),
        (
            {"op": "move", "from": "/name/0/given/0", "path": "/name/0/text"},
            {"name": [{"family": "Doe", "given": ["Bea"], "text": "Ann"}]},
        ),
        (
            {"op": "copy", "from": "/name/0/family", "path": "/name/0/given/-"},
            {"name": [{"family": "Doe", "given": ["Ann", "Bea", "Doe"]}]},
        ),
        ({"op": "test", "path": "/name/0/family", "value": "Doe"}, {}),
        ({"op": "test", "path": "/multipleBirthInteger", "value": Decimal("1.0")}, {}),
        ({"op": "add", "path": "", "value": {**PATIENT, "gender": "other"}}, {"gender": "other"}),
        ({"op": "replace", "path": "/id", "value": "1"}, {}),
    ],
)
def test_an_operation_changes_what_it_names(operation, changed):
    assert patched(operation) == {**PATIENT, **changed}


def test_operations_follow_one_another():
    assert patched(
        {"op": "add", "path": "/telecom", "value": []},
        {"op": "add", "path": "/telecom/-", "value": {"system": "phone"}},
        {"op": "add", "path": "/telecom/0/value", "value": "1"},
    ) == {**PATIENT, "telecom": [{"system": "phone", "value": "1"}]}


def test_a_name_may_hold_a_slash_and_a_tilde():
    resource = {"resourceType": "Basic", "a/b": 1, "m~n": 2, "~1": 3}

    assert patched(
        {"op": "test", "path": "/a~1b", "value": 1},
        {"op": "test", "path": "/m~0n", "value": 2},
        {"op": "remove", "path": "/~01"},
        resource=resource,
    ) == {"resourceType": "Basic", "a/b": 1, "m~n": 2}


@pytest.mark.parametrize("index", ["-", "0"])
@pytest.mark.parametrize(
    ("path", "value", "changed"),
    [
        ("/telecom", {"value": "1"}, {"telecom": [{"value": "1"}]}),
        ("/name/0/suffix", "Jr", {"name": [{"family": "Doe", "given": ["Ann", "Bea"], "suffix": ["Jr"]}]}),
        ("/name/0/_suffix", {"id": "s"},
         {"name": [{"family": "Doe", "given": ["Ann", "Bea"], "_suffix": [{"id": "s"}]}]}),
        ("/name/0/extension", {"url": "urn:x"},
         {"name": [{"family": "Doe", "given": ["Ann", "Bea"], "extension": [{"url": "urn:x"}]}]}),
        ("/contact", {"gender": "male"}, {"contact": [{"gender": "male"}]}),
    ],
)  # fmt: skip
def test_a_list_that_is_not_there_is_an_empty_one(path, index, value, changed):
    assert patched({"op": "add", "path": f"{path}/{index}", "value": value}) == {**PATIENT, **changed}


@pytest.mark.parametrize("op", ["move", "copy"])
def test_a_value_is_moved_and_copied_into_a_list_that_is_not_there(op):
    resource = {"resourceType": "Patient", "name": [{"text": "A"}]}

    kept = {"copy": {"name": [{"text": "A", "given": ["A"]}]}, "move": {"name": [{"given": ["A"]}]}}[op]
    assert patched({"op": op, "from": "/name/0/text", "path": "/name/0/given/-"}, resource=resource) == {
        "resourceType": "Patient",
        **kept,
    }


def test_the_last_item_is_removed_and_another_added():
    assert patched(
        {"op": "remove", "path": "/name/0"},
        {"op": "add", "path": "/name/-", "value": {"text": "A"}},
        {"op": "add", "path": "/contact/-", "value": {"gender": "male"}},
        {"op": "add", "path": "/contact/0/telecom/-", "value": {"value": "1"}},
    ) == {**PATIENT, "name": [{"text": "A"}], "contact": [{"gender": "male", "telecom": [{"value": "1"}]}]}


def test_a_list_that_is_not_there_is_one_of_the_type_and_version_that_the_resource_has():
    """STU3's MessageHeader has one receiver, and its Condition one stage."""
    condition = {"resourceType": "Condition", "contained": [{"resourceType": "Basic"}]}
    stage, identifier = {"op": "add", "path": "/stage/-", "value": {}}, {"value": "1"}

    assert patched({"op": "add", "path": "/contained/0/identifier/-", "value": identifier}, resource=condition) == {
        "resourceType": "Condition",
        "contained": [{"resourceType": "Basic", "identifier": [identifier]}],
    }
    assert failure([stage], condition, version="3.0") == inapplicable(
        "[0].path", "stage does not repeat: its path is /stage."
    )
    assert patched({**stage, "value": {"id": "s"}}, resource=condition)["stage"] == [{"id": "s"}]


def test_a_type_that_fhir_does_not_have_has_no_lists():
    resource = {"resourceType": "Patient", "contained": [{"resourceType": "Nothing"}]}

    assert failure([{"op": "add", "path": "/contained/0/name/-", "value": {}}], resource) == inapplicable(
        "[0].path", "There is nothing at /contained/0/name/-."
    )


def test_what_a_removal_leaves_empty_vanishes():
    resource = {"resourceType": "Patient", "contact": [{"name": {"text": "A"}}, {"gender": "male"}]}

    assert patched({"op": "remove", "path": "/contact/0/name/text"}, resource=resource) == {
        "resourceType": "Patient",
        "contact": [{"gender": "male"}],
    }


def test_the_lists_of_a_primitive_keep_their_nulls():
    resource = {"resourceType": "Patient", "name": [{"given": [None, "A"], "_given": [{"id": "i"}, None]}]}

    assert patched({"op": "add", "path": "/active", "value": True}, resource=resource) == {
        **resource,
        "active": True,
    }


def test_decimals_stay_as_they_were_written():
    after = patched({"op": "add", "path": "/extension", "value": [{"url": "urn:x", "valueDecimal": Decimal("1.50")}]})

    assert str(after["extension"][0]["valueDecimal"]) == "1.50"


def test_neither_the_patch_nor_the_resource_is_changed():
    resource = copy.deepcopy(PATIENT)
    patch = [
        {"op": "add", "path": "/telecom/-", "value": {"value": "1"}},
        {"op": "add", "path": "/contact", "value": [{"gender": "male"}]},
        {"op": "add", "path": "/contact/0/id", "value": "c"},
        {"op": "add", "path": "/name/0/given/-", "value": "Cy"},
    ]
    before = copy.deepcopy(patch)

    read_json_patch(patch)(resource)

    assert (resource, patch) == (PATIENT, before)


# Patches that cannot be read


@pytest.mark.parametrize("patch", [{}, None, "[]", 1])
def test_a_patch_is_a_list(patch):
    assert failure(patch) == (400, [unreadable(None, "A JSON Patch is a list of operations.", "structure")])


def test_all_that_is_wrong_with_a_patch_is_said_at_once():
    patch = [
        {"op": "test", "path": "/active", "value": True},
        "remove",
        {"path": "/active"},
        {"op": "merge", "path": "/active"},
        {"op": ["add"], "path": "/active"},
        {"op": "add", "path": "active"},
        {"op": "move", "from": "/a~2", "path": 1},
        {"op": "replace"},
    ]

    pointer = "is a JSON Pointer, such as /name/0/family."
    assert failure(patch) == (
        400,
        [
            unreadable("[1]", "An operation is an object.", "structure"),
            unreadable("[2]", "An operation needs op.", "required"),
            unreadable("[3].op", f"op is one of {OPERATIONS}."),
            unreadable("[4].op", f"op is one of {OPERATIONS}."),
            unreadable("[5]", "add needs value.", "required"),
            unreadable("[5].path", f"path {pointer}"),
            unreadable("[6].from", f"from {pointer}"),
            unreadable("[6].path", f"path {pointer}"),
            unreadable("[7]", "replace needs path.", "required"),
            unreadable("[7]", "replace needs value.", "required"),
        ],
    )


def test_a_patch_with_very_many_operations_is_refused():
    patch = [{"op": "test", "path": "/active", "value": True}] * (MAX_OPERATIONS + 1)

    text = "A patch holds 1000 operations at most, and this one has 1001."
    assert failure(patch) == (400, [unreadable(None, text, "too-costly")])


# Operations that do not apply


@pytest.mark.parametrize(
    "path", ["/gender", "/name/1", "/name/00", "/name/-1", "/name/-", "/name/0/family/0", "/name/family", "/active/x",
             "/name/99999999999999999999", "/name/0/given/2", "/name/ 0", "/name/\u0661"]
)  # fmt: skip
@pytest.mark.parametrize("op", ["remove", "replace", "test"])
def test_what_is_not_there_cannot_be_removed_replaced_or_tested(op, path):
    assert failure([{"op": op, "path": path, "value": 1}]) == inapplicable("[0].path", f"There is nothing at {path}.")


@pytest.mark.parametrize("op", ["move", "copy"])
def test_what_is_not_there_cannot_be_moved_or_copied(op):
    assert failure([{"op": op, "from": "/gender", "path": "/language"}]) == inapplicable(
        "[0].from", "There is nothing at /gender."
    )


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("/contact/0/gender", "There is nothing at /contact/0/gender."),
        ("/name/0/family/x", "Nothing can be added to a text, number or boolean."),
        ("/name/2", "The list has 1 items: an index is at most 1."),
        ("/name/01", "The list has 1 items: an index is at most 1."),
        ("/name/family", "The list has 1 items: an index is at most 1."),
        ("/gender/-", "gender does not repeat: its path is /gender."),
        ("/contact/-/telecom/-", "There is nothing at /contact/-/telecom/-."),
        ("/contact/0/telecom/-", "There is nothing at /contact/0/telecom/-."),
        ("/name/1/given/-", "There is nothing at /name/1/given/-."),
        ("/telecom/1", "There is nothing at /telecom/1."),
        ("/telecoms/-", "There is nothing at /telecoms/-."),
        ("/telecoms/0/period/-", "There is nothing at /telecoms/0/period/-."),
        ("/active/x/y/-", "There is nothing at /active/x/y/-."),
    ],
)
def test_nothing_is_added_where_there_is_no_place_for_it(path, text):
    assert failure([{"op": "add", "path": path, "value": "x"}]) == inapplicable("[0].path", text)


def test_a_move_must_fit_into_the_list_that_it_leaves_behind():
    assert failure([{"op": "move", "from": "/name/0/given/0", "path": "/name/0/given/2"}]) == inapplicable(
        "[0].path", "There is no such place to write to."
    )


def test_a_value_cannot_be_moved_into_itself():
    assert failure([{"op": "move", "from": "/name", "path": "/name/0"}]) == inapplicable(
        "[0].path", "A value cannot be moved into itself."
    )


def test_a_value_may_be_moved_to_where_it_is():
    assert patched({"op": "move", "from": "/name/0/given/1", "path": "/name/0/given/1"}) == PATIENT


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("/name/0/family", "Roe"),
        ("/active", 1),
        ("/multipleBirthInteger", True),
        ("/multipleBirthInteger", "1"),
        ("/name/0/given", ["Ann"]),
        ("/name/0/given", {"0": "Ann"}),
        ("/name/0", {"family": "Doe"}),
        ("/name", [{"family": "Doe", "given": ["Ann", 1]}]),
    ],
)
def test_a_test_fails_for_any_other_value(path, value):
    patch = [{"op": "test", "path": "/active", "value": True}, {"op": "test", "path": path, "value": value}]

    assert failure(patch) == inapplicable("[1].path", "The test fails: another value stands there.")


@pytest.mark.parametrize(
    ("operation", "name"),
    [
        ({"op": "replace", "path": "/id", "value": "2"}, "id"),
        ({"op": "remove", "path": "/id"}, "id"),
        ({"op": "add", "path": "/_id", "value": {"id": "x"}}, "id"),
        ({"op": "move", "from": "/id", "path": "/language"}, "id"),
        ({"op": "copy", "from": "/name/0/family", "path": "/id"}, "id"),
        ({"op": "add", "path": "/resourceType", "value": "Person"}, "resourceType"),
        ({"op": "replace", "path": "", "value": {"resourceType": "Patient"}}, "id"),
    ],
)
def test_type_and_id_cannot_be_patched(operation, name):
    assert failure([operation]) == inapplicable("[0]", f"A patch may not change {name}.", "business-rule")


@pytest.mark.parametrize("value", [None, "Patient", [PATIENT]])
def test_a_resource_cannot_be_replaced_by_something_else(value):
    assert failure([{"op": "replace", "path": "", "value": value}]) == inapplicable(
        "[0]", "The operation leaves no resource."
    )


def test_the_whole_resource_cannot_be_removed():
    assert failure([{"op": "remove", "path": ""}]) == inapplicable(
        "[0].path", "The whole resource cannot be removed by a patch."
    )


def test_a_patch_that_doubles_the_resource_again_and_again_is_stopped():
    status_code, (issue,) = failure([{"op": "copy", "from": "", "path": f"/x{at}"} for at in range(60)])

    assert (status_code, issue.code, issue.text) == (422, "too-costly", "The patch copies too much.")


@pytest.mark.parametrize("content_type", [JSON_PATCH, "application/merge-patch+json"])
def test_a_patch_that_nests_too_deeply_is_refused(content_type):
    value: dict = {}
    for _ in range(100_000):
        value = {"a": value}
    patch = (
        [{"op": "add", "path": "/extension", "value": value}] if content_type == JSON_PATCH else {"extension": value}
    )

    with pytest.raises(FhirError) as caught:
        read_patch(content_type, patch, "4.0")(PATIENT)

    assert (caught.value.status_code, list(caught.value.issues)) == (
        400,
        [Issue("nested-too-deep", "structure", "The patch, or what it makes, is nested too deeply.")],
    )


# Any patch at all

texts = st.sampled_from(
    ["", "/", "/name", "/name/0", "/name/-", "/name/0/given/0", "/active", "/id", "/x/y", "/~2", "x"]
)
values = st.recursive(
    st.none() | st.booleans() | st.integers(0, 2) | texts,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(texts, inner, max_size=2),
    max_leaves=4,
)
operations = st.fixed_dictionaries(
    {"op": st.sampled_from(["add", "remove", "replace", "move", "copy", "test"]), "path": texts},
    optional={"from": texts, "value": values},
)


@given(st.lists(operations | values, max_size=4) | values)
def test_any_patch_is_carried_out_or_refused_and_leaves_its_resource_alone(patch):
    resource = copy.deepcopy(PATIENT)

    after, refusal = tried(patch, resource)

    assert resource == PATIENT
    assert (after["resourceType"], after["id"]) == ("Patient", "1")
    assert refusal is None or (refusal.status_code, refusal.issues[0].error) in {
        (400, "invalid-patch"),
        (422, "invalid-patch"),
    }


def tried(patch, resource):
    try:
        return read_json_patch(patch)(resource), None
    except FhirError as refusal:
        return resource, refusal
