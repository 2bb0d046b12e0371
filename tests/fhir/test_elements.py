"""What FHIR says of its types, as the rest of the package reads it; all types: test_official_definitions.py."""

from __future__ import annotations

import pytest

from fhir_bridge.fhir.elements import Element, Version, elements, is_primitive, is_resource, resource_types


def test_a_primitive_element_with_codes() -> None:
    assert elements("4.0", "Patient")["gender"] == Element(
        name="gender",
        type="code",
        repeats=False,
        required=False,
        choice=None,
        choice_required=False,
        codes=frozenset({"male", "female", "other", "unknown"}),
        in_summary=True,
    )


def test_a_choice_is_one_element_for_each_of_its_types() -> None:
    patient = elements("4.0", "Patient")

    assert patient["deceasedDateTime"] == Element(
        "deceasedDateTime", "dateTime", False, False, "deceased", False, frozenset(), True, is_modifier=True
    )
    assert patient["deceasedDateTime"].path == patient["deceasedBoolean"].path == "deceased"
    assert patient["birthDate"].path == "birthDate"


def test_a_required_choice_says_so() -> None:
    medication = elements("4.0", "MedicationRequest")["medicationReference"]

    assert (medication.choice, medication.choice_required, medication.required) == ("medication", True, False)


def test_elements_are_in_the_order_of_the_standard() -> None:
    assert list(elements("4.0", "HumanName")) == [
        "id", "extension", "use", "text", "family", "given", "prefix", "suffix", "period",
    ]  # fmt: skip


def test_a_backbone_element_is_called_after_its_path() -> None:
    contact = elements("4.0", "Patient")["contact"]

    assert (contact.type, contact.repeats) == ("PatientContact", True)
    assert elements("4.0", "PatientContact")["relationship"].type == "CodeableConcept"


def test_any_resource_and_any_list_of_primitives() -> None:
    contained = elements("4.0", "Patient")["contained"]
    given = elements("4.0", "HumanName")["given"]

    assert (contained.type, contained.repeats) == ("Resource", True)
    assert (given.type, given.repeats) == ("string", True)


def test_stu3_differs_from_r4() -> None:
    assert elements("3.0", "MessageHeader")["event"].type == "Coding"
    assert "event" not in elements("4.0", "MessageHeader")
    assert elements("4.0", "MessageHeader")["eventCoding"].choice_required
    assert elements("3.0", "Patient")["animal"].type == "PatientAnimal"
    assert elements("3.0", "Condition")["clinicalStatus"].type == "code"
    assert elements("4.0", "Condition")["clinicalStatus"].type == "CodeableConcept"


def test_r4_is_not_r4b() -> None:
    """Extension.value[x] has Meta where R4B has CodeableReference and RatioRange; others are gone or required."""
    values = {element.type for element in elements("4.0", "Extension").values() if element.choice}

    assert "Meta" in values
    assert values.isdisjoint({"CodeableReference", "RatioRange"})
    assert "subjectCanonical" not in elements("4.0", "PlanDefinition")
    assert elements("4.0", "MarketingStatus")["country"].required


def test_r4_has_resources_that_r4b_dropped() -> None:
    name = elements("4.0", "MedicinalProductName")

    assert list(elements("4.0", "MedicinalProduct"))[:9] == [
        "id", "meta", "implicitRules", "language", "text", "contained", "extension", "modifierExtension", "identifier",
    ]  # fmt: skip
    assert name["productName"] == Element("productName", "string", False, True, None, False, frozenset(), True)
    assert elements("4.0", "EvidenceVariable")["type"].codes == {"continuous", "descriptive", "dichotomous"}
    assert elements("4.0", "EvidenceVariableCharacteristic")["definitionReference"].choice_required


@pytest.mark.parametrize(
    ("version", "type_name"),
    [
        ("4.0", "Nothing"),
        ("4.0", "string"),
        ("4.0", "CodeableReference"),
        ("4.0", "Citation"),
        ("4.0", "EvidenceStatistic"),
        ("3.0", "ServiceRequest"),
        ("3.0", "MedicinalProduct"),
    ],
)
def test_a_type_that_the_version_does_not_have_is_a_key_error(version: Version, type_name: str) -> None:
    with pytest.raises(KeyError) as raised:
        elements(version, type_name)

    assert raised.value.args == (type_name,)


def test_what_is_a_resource() -> None:
    assert is_resource("4.0", "Patient")
    assert is_resource("4.0", "SubstanceProtein")
    assert not is_resource("4.0", "Citation")
    assert not is_resource("4.0", "DomainResource")
    assert not is_resource("4.0", "HumanName")
    assert not is_resource("3.0", "ServiceRequest")
    assert (len(resource_types("3.0")), len(resource_types("4.0"))) == (117, 146)


def test_what_is_primitive() -> None:
    assert all(map(is_primitive, ["boolean", "date", "xhtml", "base64Binary", "positiveInt"]))
    assert not any(map(is_primitive, ["HumanName", "Resource", "integer64", "Element"]))


def test_the_same_elements_are_given_again() -> None:
    assert elements("4.0", "Patient") is elements("4.0", "Patient")


def test_the_elements_cannot_be_changed() -> None:
    with pytest.raises(TypeError):
        elements("4.0", "Patient")["name"] = None  # type: ignore[index]
