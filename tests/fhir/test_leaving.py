"""Elements are taken out of a resource, and what is left still tells where it stood."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from fhir_bridge.fhir.elements import Version
from fhir_bridge.fhir.leaving import Gaps, Rest, leave, stands_in
from fhir_bridge.outcome import Json

PATIENT: dict[str, Any] = {
    "resourceType": "Patient",
    "id": "1",
    "name": [{"family": "Berg", "given": ["Ada", "Liv"], "_given": [None, {"id": "g"}]}, {"family": "Dal"}],
    "deceasedDateTime": "2020",
    "_birthDate": {"extension": [{"url": "http://x", "valueCode": "unknown"}]},
}


def without(*names: str) -> Json:
    return {key: value for key, value in PATIENT.items() if key not in names}


@pytest.mark.parametrize(
    ("gone", "left"),
    [
        ([], PATIENT),
        (["Patient.deceased"], without("deceasedDateTime")),
        (["Patient.birthDate"], without("_birthDate")),
        (["Patient.name[0]"], {**PATIENT, "name": [{"family": "Dal"}]}),
        (["Patient.name[0]", "Patient.name[1]"], without("name")),
        (["Patient.name[0].given[0]"], None),
        (["Patient.name[0].given"], {**PATIENT, "name": [{"family": "Berg"}, {"family": "Dal"}]}),
    ],
)
def test_a_resource_is_left_without_elements(gone: list[str], left: Json) -> None:
    before = copy.deepcopy(PATIENT)
    last = {"family": "Berg", "given": ["Liv"], "_given": [{"id": "g"}]}

    rest = leave(PATIENT, gone, "4.0")

    assert rest == Rest(left or {**PATIENT, "name": [last, {"family": "Dal"}]}, tuple(gone))
    assert before == PATIENT


def contained(id_: str, **elements: Json) -> Json:
    return {"resourceType": "Practitioner", "id": id_, **elements}


def by(id_: str) -> Json:
    return [{"reference": f"#{id_}"}]


def test_what_was_contained_for_their_sake_alone_goes_too() -> None:
    """Also for the sake of what goes for that; what is needed by what stays, stays."""
    clinic = {"resourceType": "Organization", "id": "clinic"}
    doctor = contained("dr", qualification=[{"code": {"text": "MD"}, "issuer": {"reference": "#clinic"}}])
    other = contained("other")
    patient = {
        "resourceType": "Patient",
        "contained": [clinic, other, doctor],
        "generalPractitioner": [*by("dr"), *by("other")],
    }

    rest = leave(patient, ["Patient.generalPractitioner[0]"], "4.0")

    assert rest.resource == {"resourceType": "Patient", "contained": [other], "generalPractitioner": by("other")}
    assert rest.gone == ("Patient.generalPractitioner[0]", "Patient.contained[2]", "Patient.contained[0]")


def test_where_nothing_goes_nothing_goes_with_it() -> None:
    """What nothing needed before is wrong, and said elsewhere."""
    patient = {"resourceType": "Patient", "contained": [contained("dr")]}

    assert leave(patient, [], "4.0") == Rest(patient)


@pytest.mark.parametrize(
    ("expression", "version", "stands"),
    [
        ("Patient.name[1].family", "4.0", True),
        ("Patient.name[2].family", "4.0", False),
        ("Patient.deceased", "4.0", True),
        ("Patient.deceased[0]", "4.0", True),
        ("Patient.deceased[1]", "4.0", False),
        ("Patient.animal", "4.0", False),
        ("Patient.birthDate[0]", "3.0", True),
    ],
)
def test_an_element_stands_there_or_does_not(expression: str, version: Version, stands: bool) -> None:
    assert stands_in(PATIENT, expression, version) is stands


@pytest.mark.parametrize(
    ("expression", "place"),
    [
        ("Patient", "Patient"),
        ("Patient.birthDate", "Patient.birthDate"),
        ("Patient.name[0].given[1]", "Patient.name[1].given[3]"),
        ("Patient.name[1].given[1]", "Patient.name[3].given[1]"),
        ("Patient.contact[0].name", "Patient.contact[0].name"),
        ("Patient.name[0][x][]", "Patient.name[1][x][]"),
        ("Patient.name[999999999].given", "Patient.name[1000000001].given"),
        (f"Patient.name[{'9' * 5000}]", f"Patient.name[{'9' * 5000}]"),
    ],
)
def test_what_is_left_stood_elsewhere(expression: str, place: str) -> None:
    gone = ["Patient.name[0]", "Patient.name[2]", "Patient.name[1].given[0]", "Patient.name[1].given[2]"]

    assert Gaps.of(gone).former_place(expression) == place
