"""The header of what was left behind, as HTTP has it."""

from fhir_bridge.fhir.unsupported import unsupported_elements
from fhir_bridge.outcome import Issue


def warning(path: str | None) -> Issue:
    return Issue("left-behind", "not-supported", "text", path, "warning")


def test_the_paths_stand_with_commas_between() -> None:
    found = unsupported_elements([warning("Patient.maritalStatus"), warning("Patient.telecom[0]")])

    assert found == {"X-Unsupported-Elements": "Patient.maritalStatus, Patient.telecom[0]"}


def test_there_is_no_header_without_any() -> None:
    assert unsupported_elements([]) == {}


def test_a_list_that_fits_is_whole_and_a_longer_one_is_cut_between_two_paths() -> None:
    fits = [warning("a" * 1000), warning("b" * 1046)]
    longer = [warning("a" * 1000), warning("b" * 1046), warning("c")]

    assert len(unsupported_elements(fits)["X-Unsupported-Elements"]) == 2048
    assert unsupported_elements(longer) == {"X-Unsupported-Elements": f"{'a' * 1000}, ..."}


def test_the_dots_need_room_too() -> None:
    just = [warning("a" * 1000), warning("b" * 1041), warning("c" * 9)]

    assert len(unsupported_elements(just)["X-Unsupported-Elements"]) == 2048
