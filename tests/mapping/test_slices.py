"""Slices: which member of a list is meant, told by the values of its elements."""

import pytest

from fhir_bridge.mapping.slices import Slice, compile_slice, fixed_coding, fixed_concept, fixed_part, fixed_value
from fhir_bridge.outcome import Json

SYSTEM = "http://terminology.hl7.org/CodeSystem/v2-0131"
USUAL = compile_slice([fixed_value(["use"], "use", "usual")], "use")
HOME_PHONE = compile_slice([fixed_value(["system"], "system", "phone"), fixed_value(["use"], "use", "home")], None)
KIN = compile_slice([fixed_concept("relationship", SYSTEM, "N", repeats=True)], None)
TYPED = compile_slice([fixed_concept("type", SYSTEM, "MR", repeats=False)], None)
PREFERRED = compile_slice([fixed_value(["preferred"], "preferred", True)], None)
OF_SYSTEM = compile_slice([fixed_coding(SYSTEM)], None)
LOCUS_B = compile_slice([fixed_part("locus", fixed_value(["valueCode"], "value", "B"))], None)
PATIENT = compile_slice([fixed_value(["resource", "resourceType"], "resource.resourceType", "Patient")], None)


@pytest.mark.parametrize(
    ("slice_", "members", "index"),
    [
        (USUAL, [{"use": "old"}, {"use": "usual"}, {"use": "usual"}], 1),
        (USUAL, [{}, {"use": "usual"}], 1),
        (USUAL, [{"use": "old"}, {"family": "a"}, {}], 1),
        (USUAL, [{"use": "old"}], None),
        (USUAL, [], None),
        (USUAL, None, None),
        (HOME_PHONE, [{"system": "phone"}, {"use": "home"}, {"use": "home", "system": "phone"}], 2),
        (KIN, [{"relationship": [{"coding": [{"system": "x", "code": "N"}]}]}], None),
        (KIN, [{"relationship": [{"text": "N"}]}, {"relationship": []}, {}], None),
        (KIN, [{"relationship": [{"coding": [{"system": SYSTEM, "code": "N", "display": "Next of kin"}]}]}], 0),
        (TYPED, [{"type": {"text": "MR"}}, {}, {"type": {"coding": [{"system": SYSTEM, "code": "MR"}]}}], 2),
        (PREFERRED, [{"preferred": False}, {}, {"preferred": True}], 2),
        (OF_SYSTEM, [{"text": "N"}, {"coding": [{"code": "N"}]}, {"coding": [{}, {"system": SYSTEM}]}], 2),
        (LOCUS_B, [{"extension": [{"url": "locus", "valueCode": "A"}, {"url": "x", "valueCode": "B"}]}, {}], None),
        (LOCUS_B, [{"extension": [{"url": "x"}, {"url": "locus", "valueCode": "B"}]}], 0),
        (
            PATIENT,
            [{"fullUrl": "a"}, {"resource": {"resourceType": "Group"}}, {"resource": {"resourceType": "Patient"}}],
            2,
        ),
    ],
)
def test_the_first_member_that_fits_is_meant(slice_: Slice, members: Json, index: int | None) -> None:
    """Where none does, the first without the element that `otherwise` names."""
    assert slice_.first(members) == index


@pytest.mark.parametrize(
    ("slice_", "made"),
    [
        (USUAL, {"use": "usual"}),
        (HOME_PHONE, {"system": "phone", "use": "home"}),
        (KIN, {"relationship": [{"coding": [{"system": SYSTEM, "code": "N"}]}]}),
        (TYPED, {"type": {"coding": [{"system": SYSTEM, "code": "MR"}]}}),
        (PREFERRED, {"preferred": True}),
        (OF_SYSTEM, {"coding": [{"system": SYSTEM}]}),
        (LOCUS_B, {"extension": [{"url": "locus", "valueCode": "B"}]}),
        (PATIENT, {"resource": {"resourceType": "Patient"}}),
    ],
)
def test_a_new_member_fits(slice_: Slice, made: Json) -> None:
    member = slice_.start()

    assert (member, slice_.fits(member), slice_.start() is member) == (made, True, False)


@pytest.mark.parametrize(
    ("slice_", "member", "elements"),
    [
        (USUAL, {"use": "usual"}, ["use"]),
        (USUAL, {}, []),
        (HOME_PHONE, {"system": "phone", "use": "home"}, ["system", "use"]),
        (HOME_PHONE, {"system": "phone"}, ["system"]),
        (
            KIN,
            {"relationship": [{}, {"coding": [{"system": SYSTEM, "code": "N"}]}]},
            ["relationship[1].coding[0].system", "relationship[1].coding[0].code"],
        ),
        (
            TYPED,
            {"type": {"coding": [{}, {"system": SYSTEM, "code": "MR"}]}},
            ["type.coding[1].system", "type.coding[1].code"],
        ),
        (TYPED, {}, []),
        (OF_SYSTEM, {"coding": [{"system": "x"}, {"system": SYSTEM, "code": "N"}]}, ["coding[1].system"]),
        (OF_SYSTEM, {}, []),
        (
            LOCUS_B,
            {"extension": [{"url": "x"}, {"url": "locus", "valueCode": "B", "id": "a"}]},
            ["extension[1].url", "extension[1].value"],
        ),
        (LOCUS_B, {}, []),
    ],
)
def test_the_elements_that_tell_a_member(slice_: Slice, member: Json, elements: list[str]) -> None:
    """Just these: what else a Coding says is not used."""
    assert slice_.told_by(member) == elements
