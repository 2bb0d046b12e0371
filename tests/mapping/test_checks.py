"""What a request must be before a partner is called: all that is wrong with it, in one error."""

import pytest

from fhir_bridge.mapping.checks import (
    check_id,
    left_behind,
    modifier_extensions,
    once,
    raise_errors,
)
from fhir_bridge.mapping.losses import Loss
from fhir_bridge.outcome import FhirError, Issue, Json

MALFORMED = Issue("unknown-element", "structure", "a", "Patient.nmae")
UNFIT = Issue("not-in-value-set", "code-invalid", "b", "Patient.gender")
WARNING = Issue("left-behind", "not-supported", "c", "Patient.photo[0]", "warning")


@pytest.mark.parametrize(
    ("issues", "status"),
    [([MALFORMED], 400), ([UNFIT], 422), ([UNFIT, MALFORMED], 400), ([WARNING, UNFIT], 422)],
)
def test_what_is_no_fhir_is_400_and_what_the_partner_does_not_take_422(issues: list[Issue], status: int) -> None:
    """All issues are told, warnings too."""
    with pytest.raises(FhirError) as caught:
        raise_errors(issues)

    assert (caught.value.status_code, caught.value.issues) == (status, tuple(issues))


def test_warnings_are_no_error() -> None:
    assert raise_errors([WARNING, WARNING]) == (WARNING,)
    assert raise_errors([]) == ()


def test_two_issues_of_one_element_are_both_told() -> None:
    other = Issue("rule-broken", "code-invalid", "another rule", "Patient.gender")

    assert list(once([UNFIT, other, UNFIT])) == [UNFIT, other]


def test_a_row_is_silent_where_the_profile_objects_to_the_same_for_the_same_reason() -> None:
    row = Issue("code-unknown-to-partner", "code-invalid", "`gender` cannot be sent.", "Patient.gender")
    elsewhere = Issue("cannot-be-sent", "value", "`birthDate` cannot be sent.", "Patient.birthDate")

    assert list(once([UNFIT, row, elsewhere])) == [UNFIT, elsewhere]
    assert list(once([row, elsewhere])) == [row, elsewhere]


@pytest.mark.parametrize(
    ("found", "needed", "is_right"), [("42", True, True), ("43", True, False), (None, True, False), (None, False, True)]
)
def test_the_id_in_the_body_is_the_one_in_the_address(found: str | None, needed: bool, is_right: bool) -> None:
    text = "The id in the body must be the id in the address; make them the same."

    issues = check_id(found, "42", "Patient.id", needed=needed)

    assert issues == ([] if is_right else [Issue("id-differs", "invalid", text, "Patient.id")])


def test_every_modifier_extension_is_found_wherever_it_stands() -> None:
    modifier = {"url": "http://x.example/not", "valueBoolean": True}
    resource = {
        "resourceType": "Patient",
        "modifierExtension": [modifier, modifier],
        "contact": [{"name": {"family": "a"}}, {"modifierExtension": [modifier]}],
        "contained": [{"resourceType": "Group", "modifierExtension": [modifier]}],
    }

    issues = list(modifier_extensions(resource, "Patient"))

    text = "This modifierExtension is not known here, and what it modifies means something else without it."
    assert issues == [
        Issue("unknown-modifier", "extension", text, f"Patient.{path}modifierExtension[{index}]")
        for path, index in (("", 0), ("", 1), ("contact[1].", 0), ("contained[0].", 0))
    ]


@pytest.mark.parametrize("odd", [5, None, {}, "x", []])
def test_what_is_no_list_of_modifier_extensions_is_left_to_the_structure(odd: Json) -> None:
    assert list(modifier_extensions({"modifierExtension": odd}, "Patient")) == []


def test_what_is_left_behind_is_a_warning_or_for_a_strict_client_an_error() -> None:
    lenient = left_behind([Loss("Patient.photo[0]")], "Northlab", strict=False)
    strict = left_behind([Loss("Patient.photo[0]")], "Northlab", strict=True)

    assert lenient == [
        Issue(
            "left-behind",
            "not-supported",
            "Northlab cannot hold this element; it is left behind.",
            "Patient.photo[0]",
            "warning",
        )
    ]
    assert strict == [
        Issue(
            "left-behind",
            "not-supported",
            "Northlab cannot hold this element; leave it out, or send without `handling=strict`.",
            "Patient.photo[0]",
        )
    ]


def test_an_element_is_not_called_left_behind_where_something_else_is_said_of_it() -> None:
    refused = Issue("read-only", "business-rule", "leave it", "Patient.photo[0]")

    assert list(once([WARNING, UNFIT, refused])) == [UNFIT, refused]
