"""FHIRPath Patch: the five operations, the paths they take, and how each fails."""

import copy
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_bridge.fhir.fhirpath_patch import read_fhirpath_patch
from fhir_bridge.fhir.patch_rules import MAX_OPERATIONS, pruned
from fhir_bridge.outcome import FhirError, Issue

SUPPORTED = "names, [n], first(), last(), where(a = 'x' and b = 'y'), ofType(T) and extension('url')"
BIRTH_TIME = {
    "url": "http://hl7.org/fhir/StructureDefinition/patient-birthTime",
    "valueDateTime": "1974-12-25T14:35:45-05:00",
}


def patient(**elements):
    return {"resourceType": "Patient", "id": "1", **elements}


def operation(*values, **parts):
    """Return an operation: its parts by name, a text or a number as it is, and the parts given whole at the end."""
    kinds = {"type": "valueCode", "index": "valueInteger", "source": "valueInteger", "destination": "valueInteger"}
    named = [{"name": name, kinds.get(name, "valueString"): value} for name, value in parts.items()]
    return {"name": "operation", "part": [*named, *values]}


def value(**content):
    return {"name": "value", **content}


def patched(resource, *operations, version="4.0"):
    parameters = {"resourceType": "Parameters", "parameter": list(operations)}
    return pruned(read_fhirpath_patch(parameters, version=version)(resource))


def failure(resource, *operations):
    """Return the status, and of each issue its code, text and expression."""
    with pytest.raises(FhirError) as caught:
        patched(resource, *operations)
    assert {issue.error for issue in caught.value.issues} == {"invalid-patch"}
    return caught.value.status_code, [(issue.code, issue.text, issue.expression) for issue in caught.value.issues]


def inapplicable(text, expression, code="processing"):
    return 422, [(code, text, expression)]


def add(path, name, **content):
    return operation(value(**content), type="add", path=path, name=name)


def replace(path, **content):
    return operation(value(**content), type="replace", path=path)


def insert(path, index, **content):
    return operation(value(**content), type="insert", path=path, index=index)


def delete(path):
    return operation(type="delete", path=path)


def move(path, source, destination):
    return operation(type="move", path=path, source=source, destination=destination)


# add


def test_a_patch_without_operations_changes_nothing():
    resource = patient(birthDate="1920-01-01")

    assert patched(resource) == resource
    assert read_fhirpath_patch({"resourceType": "Parameters"})(resource) == resource


def test_an_element_is_added():
    assert patched(patient(), add("Patient", "birthDate", valueDate="1930-01-01")) == patient(birthDate="1930-01-01")


def test_what_is_added_to_a_list_comes_last():
    resource = patient(name=[{"given": ["Ann"]}])

    assert patched(
        resource,
        add("Patient.name[0]", "given", valueString="Bea"),
        add("Patient", "name", valueHumanName={"text": "A"}),
        add("Patient", "contact", part=[{"name": "gender", "valueCode": "male"}]),
    ) == patient(name=[{"given": ["Ann", "Bea"]}, {"text": "A"}], contact=[{"gender": "male"}])


def test_an_element_of_a_type_without_a_value_is_made_of_parts():
    contact = [
        {"name": "name", "valueHumanName": {"text": "a name"}},
        {"name": "relationship", "valueCodeableConcept": {"text": "mother"}},
        {"name": "relationship", "valueCodeableConcept": {"text": "guardian"}},
        {"name": "gender", "valueCode": "female", "_valueCode": {"id": "g"}},
    ]

    assert patched(patient(), add("Patient", "contact", part=contact)) == patient(
        contact=[
            {
                "name": {"text": "a name"},
                "relationship": [{"text": "mother"}, {"text": "guardian"}],
                "gender": "female",
                "_gender": {"id": "g"},
            }
        ]
    )


def test_parts_may_have_parts():
    request = {"resourceType": "MedicationRequest", "dosageInstruction": [{"text": "daily"}]}
    timing = [{"name": "repeat", "part": [{"name": "count", "valuePositiveInt": 3}]}]

    assert patched(request, add("MedicationRequest.dosageInstruction[0]", "timing", part=timing)) == {
        "resourceType": "MedicationRequest",
        "dosageInstruction": [{"text": "daily", "timing": {"repeat": {"count": 3}}}],
    }


def test_a_resource_may_be_added_to_those_contained():
    inner = {"resourceType": "Organization", "id": "o"}

    assert patched(patient(), add("Patient", "contained", resource=inner)) == patient(contained=[inner])


def test_the_type_of_a_value_chooses_the_element_of_a_choice():
    assert patched(patient(), add("Patient", "deceased", valueDateTime="2020")) == patient(deceasedDateTime="2020")


def test_an_extension_is_added_to_a_primitive():
    resource = patient(birthDate="1974-12-25", name=[{"given": ["A", "B"]}])

    assert patched(
        resource,
        add(
            "Patient.birthDate",
            "extension",
            part=[{"name": "url", "valueUri": "urn:x"}, {"name": "value", "valueString": "y"}],
        ),
        add("Patient.name[0].given[1]", "id", valueString="b"),
    ) == patient(
        birthDate="1974-12-25",
        _birthDate={"extension": [{"url": "urn:x", "valueString": "y"}]},
        name=[{"given": ["A", "B"], "_given": [None, {"id": "b"}]}],
    )


def test_what_is_added_to_a_primitive_with_an_extension_keeps_the_lists_aligned():
    resource = patient(name=[{"given": ["A"], "_given": [{"id": "a"}]}])

    assert patched(
        resource,
        add("Patient.name[0]", "given", valueString="B"),
        add("Patient.name[0]", "given", valueString="C", _valueString={"id": "c"}),
    ) == patient(name=[{"given": ["A", "B", "C"], "_given": [{"id": "a"}, None, {"id": "c"}]}])


@pytest.mark.parametrize(
    ("resource", "added", "name"),
    [
        (patient(birthDate="1920"), add("Patient", "birthDate", valueDate="1930"), "birthDate"),
        (patient(_birthDate={"id": "b"}), add("Patient", "birthDate", valueDate="1930"), "birthDate"),
        (patient(deceasedBoolean=True), add("Patient", "deceased", valueDateTime="1930"), "deceased"),
    ],
)
def test_an_element_that_does_not_repeat_is_added_once(resource, added, name):
    assert failure(resource, added) == inapplicable(
        f"{name} is there already, and does not repeat: replace it.", "Parameters.parameter[0].part[2]"
    )


@pytest.mark.parametrize(
    ("added", "text"),
    [
        (add("Patient", "name", valueIdentifier={"value": "1"}), "name takes HumanName, and the value is Identifier."),
        (add("Patient", "name", valueString="A"), "name takes HumanName, and the value is string."),
        (add("Patient", "active", valueString="true"), "active takes boolean, and the value is string."),
        (add("Patient", "active", valueInteger=1), "active takes boolean, and the value is integer."),
        (add("Patient", "gender", valueCodeableConcept={}), "gender takes code, and the value is CodeableConcept."),
        (add("Patient", "deceased", valueCode="x"), "deceased takes boolean or dateTime, and the value is code."),
        (add("Patient", "name", resource={}), "name takes HumanName, and the value is Resource."),
        (add("Patient", "gender", part=[{"name": "x", "valueCode": "y"}]),
         "gender takes a value[x] or a resource, not parts."),
        (add("Patient", "contact", part=[{"name": "x", "valueCode": "y"}]), "contact has no element x."),
        (add("Patient", "contact", part=[{"name": "gender", "valueCode": "male"}] * 2), "gender does not repeat."),
    ],
)  # fmt: skip
def test_a_value_of_another_type_is_refused(added, text):
    assert failure(patient(), added) == inapplicable(text, "Parameters.parameter[0].part[3]")


def test_a_primitive_may_be_given_as_another_that_is_written_alike():
    assert patched(
        patient(),
        add("Patient", "gender", valueString="male"),
        add("Patient", "birthDate", valueDateTime="1930-01-01"),
        add("Patient", "multipleBirth", valueInteger=2),
    ) == patient(gender="male", birthDate="1930-01-01", multipleBirthInteger=2)


def test_an_unknown_name_is_refused():
    assert failure(patient(), add("Patient", "birthday", valueDate="1930")) == inapplicable(
        "Patient has no element birthday.", "Parameters.parameter[0].part[2]"
    )


# insert


@pytest.mark.parametrize(("index", "given"), [(0, ["C", "A", "B"]), (1, ["A", "C", "B"]), (2, ["A", "B", "C"])])
def test_a_value_is_inserted_before_what_stands_at_its_index(index, given):
    resource = patient(name=[{"given": ["A", "B"]}])

    assert patched(resource, insert("Patient.name.given", index, valueString="C")) == patient(name=[{"given": given}])


def test_a_list_that_is_not_there_yet_takes_its_first_item():
    assert patched(patient(), insert("Patient.identifier", 0, valueIdentifier={"value": "1"})) == patient(
        identifier=[{"value": "1"}]
    )
    assert patched(patient(birthDate="1920"), insert("Patient.birthDate.extension", 0, part=[
        {"name": "url", "valueUri": "urn:x"}, {"name": "value", "valueBoolean": True},
    ])) == patient(birthDate="1920", _birthDate={"extension": [{"url": "urn:x", "valueBoolean": True}]})  # fmt: skip


def test_an_insertion_keeps_the_lists_of_a_primitive_aligned():
    resource = patient(name=[{"given": ["A", "B"], "_given": [None, {"id": "b"}]}])

    assert patched(resource, insert("Patient.name[0].given", 1, valueString="C")) == patient(
        name=[{"given": ["A", "C", "B"], "_given": [None, None, {"id": "b"}]}]
    )


def test_an_index_past_the_end_is_refused():
    assert failure(patient(name=[{"text": "A"}]), insert("Patient.name", 2, valueHumanName={"text": "B"})) == (
        inapplicable("The list has 1 items: the index is 1 at most.", "Parameters.parameter[0].part[2]")
    )


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("Patient.birthDate", "birthDate is no list."),
        ("Patient.nonsense", "Patient has no element nonsense."),
        ("Patient.name[0]", "The path must end in the name of a list, without an index or a filter."),
        ("Patient.extension('urn:x')", "The path must end in the name of a list, without an index or a filter."),
        ("Patient", "The path must end in the name of a list, without an index or a filter."),
        ("Patient.name.given", "The path leads to 2 elements; it must lead to one element."),
        ("Patient.contact.telecom", "The path leads to nothing; it must lead to one element."),
    ],
)
@pytest.mark.parametrize("what", ["insert", "move"])
def test_an_insertion_and_a_move_need_a_list(path, text, what):
    resource = patient(name=[{"text": "A"}, {"text": "B"}])
    wrong = insert(path, 0, valueString="x") if what == "insert" else move(path, 0, 0)

    assert failure(resource, wrong) == inapplicable(text, "Parameters.parameter[0].part[1]")


# move


@pytest.mark.parametrize(
    ("source", "destination", "given"),
    [(0, 2, ["B", "C", "A"]), (2, 0, ["C", "A", "B"]), (0, 1, ["B", "A", "C"]), (1, 1, ["A", "B", "C"])],
)
def test_an_item_is_moved_to_the_index_that_it_has_then(source, destination, given):
    resource = patient(name=[{"given": ["A", "B", "C"]}])

    assert patched(resource, move("Patient.name[0].given", source, destination)) == patient(name=[{"given": given}])


def test_what_stands_beside_an_item_is_moved_with_it():
    resource = patient(name=[{"given": ["A", "B"], "_given": [{"id": "a"}, None]}])

    assert patched(resource, move("Patient.name.given", 0, 1)) == patient(
        name=[{"given": ["B", "A"], "_given": [None, {"id": "a"}]}]
    )


@pytest.mark.parametrize(("source", "destination", "name", "part"), [(2, 0, "source", 2), (0, 2, "destination", 3)])
def test_an_item_cannot_be_moved_from_or_to_past_the_end(source, destination, name, part):
    resource = patient(name=[{"text": "A"}, {"text": "B"}])

    assert failure(resource, move("Patient.name", source, destination)) == inapplicable(
        f"The list has 2 items: {name} is less than that.", f"Parameters.parameter[0].part[{part}]"
    )


# delete


def test_an_element_is_deleted_with_what_stands_beside_it():
    resource = patient(birthDate="1974-12-25", _birthDate={"extension": [BIRTH_TIME]}, gender="male")

    assert patched(resource, delete("Patient.birthDate")) == patient(gender="male")


def test_an_item_is_deleted_from_its_list_with_what_stands_beside_it():
    resource = patient(name=[{"given": ["A", "B", "C"], "_given": [{"id": "a"}, None, {"id": "c"}]}])

    assert patched(resource, delete("Patient.name.given[0]")) == patient(
        name=[{"given": ["B", "C"], "_given": [None, {"id": "c"}]}]
    )


def test_what_a_deletion_leaves_empty_keeps_its_place_to_the_end_of_the_patch():
    resource = patient(contact=[{"name": {"text": "A"}}, {"gender": "male"}])

    assert patched(
        resource, delete("Patient.contact[0].name.text"), replace("Patient.contact[1].gender", valueCode="female")
    ) == patient(contact=[{"gender": "female"}])


def test_the_last_item_is_deleted_and_another_added():
    resource = patient(name=[{"text": "A"}], contact=[{"telecom": [{"value": "1"}]}])

    assert patched(
        resource,
        delete("Patient.name[0]"),
        add("Patient", "name", valueHumanName={"text": "B"}),
        delete("Patient.contact[0].telecom[0]"),
        add("Patient.contact[0]", "telecom", valueContactPoint={"value": "2"}),
    ) == patient(name=[{"text": "B"}], contact=[{"telecom": [{"value": "2"}]}])


@pytest.mark.parametrize("emptied", ["Patient.maritalStatus.text", "Patient.maritalStatus.coding[0].code"])
def test_an_element_that_was_emptied_can_be_added_anew(emptied):
    status = {"text": "A"} if emptied.endswith("text") else {"coding": [{"code": "M"}]}
    added = add("Patient", "maritalStatus", valueCodeableConcept={"text": "B"})

    assert patched(patient(maritalStatus=status), delete(emptied), added) == patient(maritalStatus={"text": "B"})


def test_an_extension_is_deleted_and_the_value_stays():
    resource = patient(birthDate="1974-12-25", _birthDate={"extension": [BIRTH_TIME]})

    assert patched(resource, delete(f"Patient.birthDate.extension('{BIRTH_TIME['url']}')")) == patient(
        birthDate="1974-12-25"
    )


def test_what_is_not_there_is_deleted_already():
    resource = patient(name=[{"text": "A"}])

    assert patched(resource, delete("Patient.birthDate"), delete("Patient.name[1]")) == resource


def test_one_element_at_most_is_deleted():
    assert failure(patient(name=[{"text": "A"}, {"text": "B"}]), delete("Patient.name")) == inapplicable(
        "The path leads to 2 elements; a delete takes one.", "Parameters.parameter[0].part[1]"
    )


# replace


def test_an_element_is_replaced_whole():
    resource = patient(
        birthDate="1974-12-25", _birthDate={"extension": [BIRTH_TIME]}, maritalStatus={"id": "1", "text": "married"}
    )

    assert patched(
        resource,
        replace("Patient.birthDate", valueDate="1930-01-01"),
        replace("Patient.maritalStatus", valueCodeableConcept={"id": "2", "text": "not married"}),
    ) == patient(birthDate="1930-01-01", maritalStatus={"id": "2", "text": "not married"})


def test_an_item_of_a_list_is_replaced_in_its_place():
    resource = patient(name=[{"given": ["A", "B"], "_given": [{"id": "a"}, {"id": "b"}]}])

    assert patched(resource, replace("Patient.name[0].given[0]", valueString="C")) == patient(
        name=[{"given": ["C", "B"], "_given": [None, {"id": "b"}]}]
    )


def test_a_choice_that_is_replaced_by_another_type_changes_its_name():
    resource = patient(deceasedBoolean=True, _deceasedBoolean={"id": "d"})

    assert patched(resource, replace("Patient.deceased", valueDateTime="2020-01-01")) == patient(
        deceasedDateTime="2020-01-01"
    )


def test_a_decimal_stays_as_it_was_written():
    extension = {"url": "urn:x", "valueDecimal": Decimal("1.0")}

    after = patched(patient(extension=[extension]), replace("Patient.extension.value", valueDecimal=Decimal("1.50")))

    assert str(after["extension"][0]["valueDecimal"]) == "1.50"


@pytest.mark.parametrize(
    ("path", "led_to"), [("Patient.name", "2 elements"), ("Patient.birthDate", "nothing"), ("name[7]", "nothing")]
)
def test_exactly_one_element_is_replaced_or_added_to(path, led_to):
    resource = patient(name=[{"text": "A"}, {"text": "B"}])
    refused = inapplicable(
        f"The path leads to {led_to}; it must lead to one element.", "Parameters.parameter[0].part[1]"
    )

    assert failure(resource, replace(path, valueString="x")) == refused
    assert failure(resource, add(path, "text", valueString="x")) == refused


@pytest.mark.parametrize("wrong", [replace("Patient", valueString="x"), delete("Patient")])
def test_the_whole_resource_is_neither_replaced_nor_deleted(wrong):
    assert failure(patient(), wrong) == inapplicable(
        "The path leads to the whole resource, not to an element of it.", "Parameters.parameter[0].part[1]"
    )


# Paths


@pytest.mark.parametrize(
    "path",
    [
        "Patient.name[1].text",
        "name[1].text",
        " Patient . name [ 1 ] . text ",
        "Patient.name.last().text",
        "Patient.name.where(use = 'official').text",
        "Patient.name.where(use='official' and period.start = '2020').text",
        "Patient.name.where(family = 'O\\'Hara \\u00e9\\n').text",
        "Patient.name.where(given = 'A').first().text",
        "Patient.name.text.where($this = 'B')",
        "Patient.name.where(extension.value = true).text",
        "Patient.name[1].ofType(HumanName).text",
    ],
)
def test_a_path_leads_to_an_element(path):
    official = {
        "use": "official",
        "text": "B",
        "family": "O'Hara \u00e9\n",
        "given": ["A"],
        "period": {"start": "2020"},
        "extension": [{"url": "urn:main", "valueBoolean": True}],
    }
    resource = patient(name=[{"text": "A", "given": ["A", "A"]}, official])

    assert patched(resource, replace(path, valueString="C")) == patient(
        name=[{"text": "A", "given": ["A", "A"]}, {**official, "text": "C"}]
    )


def test_a_path_may_lead_through_a_contained_resource_and_a_choice():
    resource = patient(
        contained=[{"resourceType": "Organization", "id": "o", "name": "A"}],
        extension=[{"url": "urn:x", "valueQuantity": {"value": Decimal("1.0")}}, {"url": "urn:x", "valueString": "s"}],
    )

    assert patched(
        resource,
        replace("Patient.contained.where(id = 'o').name", valueString="B"),
        replace("Patient.extension('urn:x').value.ofType(Quantity).value", valueDecimal=Decimal("2.0")),
    ) == patient(
        contained=[{"resourceType": "Organization", "id": "o", "name": "B"}],
        extension=[{"url": "urn:x", "valueQuantity": {"value": Decimal("2.0")}}, {"url": "urn:x", "valueString": "s"}],
    )


def test_true_is_not_one_and_a_number_is_compared_by_value():
    resource = patient(multipleBirthInteger=1, active=True, contact=[{"gender": "male"}])

    assert patched(
        resource,
        delete("Patient.active.where($this = 1)"),
        delete("Patient.multipleBirth.where($this = true)"),
        delete("Patient.multipleBirth.where($this = 1.0)"),
    ) == patient(active=True, contact=[{"gender": "male"}])


def test_the_version_decides_which_elements_there_are():
    condition = {"resourceType": "Condition", "clinicalStatus": "active"}

    assert patched(condition, replace("Condition.clinicalStatus", valueCode="resolved"), version="3.0") == {
        "resourceType": "Condition",
        "clinicalStatus": "resolved",
    }
    assert failure(condition, add("Condition", "assertedDate", valueDateTime="2020")) == inapplicable(
        "Condition has no element assertedDate.", "Parameters.parameter[0].part[2]"
    )


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("Patient.nonsense", "Patient has no element nonsense."),
        ("Patient.deceasedBoolean", "Patient has no element deceasedBoolean."),
        ("Patient.active.nonsense", "Element has no element nonsense."),
        ("Patient.name.where(nonsense = 'x')", "HumanName has no element nonsense."),
        ("Patient.contained.name", "FHIR has no type Nonsense."),
    ],
)
def test_a_name_that_fhir_does_not_have_leads_nowhere(path, text):
    resource = patient(active=True, name=[{"text": "A"}], contained=[{"resourceType": "Nonsense"}])

    assert failure(resource, delete(path)) == inapplicable(text, "Parameters.parameter[0].part[1]")


@pytest.mark.parametrize(
    ("path", "at"),
    [
        ("", 1),
        (".name", 1),
        ("[0]", 1),
        ("Patient.", 8),
        ("Patient..name", 8),
        ("Patient name", 9),
        ("Patient.name[", 13),
        ("Patient.name[-1]", 13),
        ("Patient.name[0", 13),
        ("Patient.name[0]name", 16),
        ("Patient.name.where()", 20),
        ("Patient.name.where(use)", 20),
        ("Patient.name.where(use = )", 20),
        ("Patient.name.where(use = 'a' or use = 'b')", 30),
        ("Patient.name.where(use != 'a')", 20),
        ("Patient.name.where(use = 'a' and )", 33),
        ("Patient.name.where(use = 'a", 19),
        ("Patient.name.first(1)", 14),
        ("Patient.name.skip(1)", 14),
        ("Patient.extension(url)", 9),
        ("Patient.extension()", 9),
        ("Patient.deceased.ofType()", 18),
        ("Patient.name | Patient.address", 14),
        ("Patient.managingOrganization.resolve()", 30),
        ("x" * 1001, 1001),
    ],
)
def test_a_path_outside_the_part_of_fhirpath_that_patches_use_says_what_may_be_used(path, at):
    text = f"The path cannot be read from character {at} on; it may hold {SUPPORTED}."

    assert failure(patient(), delete(path)) == (400, [("value", text, "Parameters.parameter[0].part[1]")])


# Identity


@pytest.mark.parametrize(
    "wrong",
    [
        replace("Patient.id", valueId="2"),
        delete("Patient.id"),
        add("Patient.id", "extension", part=[{"name": "url", "valueUri": "urn:x"}]),
    ],
)
def test_the_id_cannot_be_patched(wrong):
    assert failure(patient(), wrong) == inapplicable(
        "A patch may not change id.", "Parameters.parameter[0].part[1]", "business-rule"
    )


def test_an_id_cannot_be_added():
    assert failure({"resourceType": "Patient"}, add("Patient", "id", valueId="2")) == inapplicable(
        "A patch may not change id.", "Parameters.parameter[0].part[1]", "business-rule"
    )


def test_neither_the_patch_nor_the_resource_is_changed():
    resource = patient(name=[{"given": ["A"]}])
    operations = [add("Patient", "name", valueHumanName={"text": "B"}), replace("name[1].text", valueString="C")]
    before = copy.deepcopy((resource, operations))

    patched(resource, *operations)

    assert (resource, operations) == before


def test_the_first_operation_that_does_not_apply_stops_the_patch():
    assert failure(patient(), delete("Patient.name"), replace("Patient.name", valueString="x"), delete("Patient")) == (
        inapplicable("The path leads to nothing; it must lead to one element.", "Parameters.parameter[1].part[1]")
    )


# Patches that cannot be read


@pytest.mark.parametrize(
    "parameters", [None, [], {}, {"resourceType": "Patient"}, {"resourceType": "Parameters", "parameter": {}}]
)
def test_a_patch_is_a_parameters_resource(parameters):
    with pytest.raises(FhirError) as caught:
        read_fhirpath_patch(parameters)(patient())

    text = "A FHIRPath Patch is a Parameters resource whose parameters are named operation."
    assert (caught.value.status_code, list(caught.value.issues)) == (
        400,
        [Issue("invalid-patch", "structure", text, "Parameters")],
    )


def test_all_that_is_wrong_with_a_patch_is_said_at_once():
    here = "Parameters.parameter"

    assert failure(
        patient(),
        delete("Patient.name"),
        {"name": "patch"},
        {"name": "operation"},
        {"name": "operation", "part": ["type", {"name": "path"}, {"name": "value", "valueString": "a", "part": []}]},
        operation(path="Patient"),
        operation(type="merge", path="Patient"),
        operation(type="add", path="Patient"),
        operation(type="delete", path="Patient.name", index=1),
        operation({"name": "path", "valueString": "Patient"}, type="delete", path="Patient"),
        operation(type="move", path="Patient.name", source=-1, destination=True),
        operation(value(part=[]), type="replace", path="Patient.name["),
        operation(value(valueNonsense=1), type="replace", path="Patient.name"),
        operation(value(part=[{"name": 1}]), type="replace", path="Patient.name"),
        operation({"name": "path", "valueInteger": 1}, type="delete"),
    ) == (
        400,
        [
            ("value", "Each parameter of a FHIRPath Patch is named operation.", f"{here}[1].name"),
            ("required", "An operation, and a value without value[x], has parts.", f"{here}[2].part"),
            ("structure", "A part is an object with a name.", f"{here}[3].part[0]"),
            ("structure", "A part has a name, and one of value[x], part and resource.", f"{here}[3].part[1]"),
            ("structure", "A part has a name, and one of value[x], part and resource.", f"{here}[3].part[2]"),
            ("required", "An operation needs a part named type.", f"{here}[4]"),
            ("value", "type is one of add, insert, delete, replace, move.", f"{here}[5].part[0]"),
            ("required", "add needs a part named name.", f"{here}[6]"),
            ("required", "add needs a part named value.", f"{here}[6]"),
            ("value", "delete has no part named index; it has type, path.", f"{here}[7].part[2]"),
            ("value", "path is given twice.", f"{here}[8].part[2]"),
            ("value", "source is a whole number, and 0 is the first.", f"{here}[9].part[2]"),
            ("value", "destination is a whole number, and 0 is the first.", f"{here}[9].part[3]"),
            ("required", "An operation, and a value without value[x], has parts.", f"{here}[10].part[2].part"),
            ("structure", "A part has a name, and one of value[x], part and resource.", f"{here}[11].part[2]"),
            ("structure", "A part is an object with a name.", f"{here}[12].part[2].part[0]"),
            ("value", "path is a text.", f"{here}[13].part[1]"),
        ],
    )


def test_a_patch_with_very_many_operations_is_refused():
    text = "A patch holds 1000 operations at most, and this one has 1001."

    assert failure(patient(), *[delete("Patient.name")] * (MAX_OPERATIONS + 1)) == (
        400,
        [("too-costly", text, "Parameters.parameter")],
    )


def test_a_value_that_nests_too_deeply_is_refused():
    parts: list = [{"name": "text", "valueString": "x"}]
    for _ in range(100_000):
        parts = [{"name": "name", "part": parts}]

    with pytest.raises(FhirError) as caught:
        patched(patient(), add("Patient", "contact", part=parts))

    assert (caught.value.status_code, list(caught.value.issues)) == (
        400,
        [Issue("nested-too-deep", "structure", "The patch, or what it makes, is nested too deeply.")],
    )


# Any patch at all

paths = st.sampled_from(
    [
        "Patient", "Patient.name", "name[0]", "name.given", "name[0].given[1]", "Patient.id", "Patient.deceased", "(",
        "birthDate", "name.where(use = 'x')", "Patient.birthDate.extension", "contact.name", "name.last()", "name.x",
    ]
)  # fmt: skip
names = st.sampled_from(["name", "given", "id", "birthDate", "deceased", "extension", "nonsense"])
contents = st.sampled_from(
    [
        {"valueString": "a"}, {"valueBoolean": True}, {"valueHumanName": {"text": "t"}}, {"valueHumanName": {}},
        {"part": []}, {"part": [{"name": "given", "valueString": "x"}]}, {"_valueString": {"id": "x"}},
        {"valueHumanName": "x"},
    ]
)  # fmt: skip
indexes = st.integers(-1, 3)
anything = st.one_of(
    st.builds(lambda path, name, content: add(path, name, **content), paths, names, contents),
    st.builds(lambda path, content: replace(path, **content), paths, contents),
    st.builds(lambda path, index, content: insert(path, index, **content), paths, indexes, contents),
    st.builds(delete, paths),
    st.builds(move, paths, indexes, indexes),
)


@given(st.lists(anything, max_size=5))
def test_any_patch_is_carried_out_or_refused_and_leaves_its_resource_alone(operations):
    resource = patient(
        name=[{"given": ["A", "B"], "_given": [None, {"id": "b"}]}, {"text": "C"}],
        birthDate="1974-12-25",
        _birthDate={"extension": [BIRTH_TIME]},
    )
    before = copy.deepcopy(resource)

    after, refusal = tried(resource, operations)

    assert resource == before
    assert (after["resourceType"], after["id"]) == ("Patient", "1")
    assert refusal is None or (refusal.status_code, refusal.issues[0].error) in {
        (400, "invalid-patch"),
        (422, "invalid-patch"),
    }


def tried(resource, operations):
    try:
        return patched(resource, *operations), None
    except FhirError as refusal:
        return resource, refusal
