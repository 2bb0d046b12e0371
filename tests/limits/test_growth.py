"""What once took time with the square of its size, or without a bound: at sizes at which nobody could wait for it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from fhir_bridge.fhir.definitions import load_definitions
from fhir_bridge.fhir.fhirpath_patch import MAX_VISITED, read_fhirpath_patch
from fhir_bridge.fhir.homecoming import brought_home
from fhir_bridge.fhir.json_patch import read_json_patch
from fhir_bridge.fhir.leaving import Gaps, leave, stands_in
from fhir_bridge.fhir.message import containing, with_contained
from fhir_bridge.fhir.primitives import FORMATS
from fhir_bridge.fhir.profile import profile_checker
from fhir_bridge.fhir.r4_stu3 import TO_R4
from fhir_bridge.fhir.search import read_criteria
from fhir_bridge.mapping.locating import Locator
from fhir_bridge.mapping.places import Step
from fhir_bridge.mapping.sending import Pair
from fhir_bridge.mapping.slices import compile_slice, fixed_value
from fhir_bridge.mapping.source import Mark
from fhir_bridge.outcome import FhirError, Issue, Json
from tests.limits.looked_at import Looks
from tests.serving import TOP

N = 20_000


def test_a_chain_of_contained_resources_goes_with_what_its_first_one_was_there_for() -> None:
    chain = [{"resourceType": "Basic", "id": f"b{n}", "subject": {"reference": f"#b{n + 1}"}} for n in range(N)]
    last = {"resourceType": "Basic", "id": f"b{N}"}
    kept = {"resourceType": "Basic", "id": "kept"}
    patient = {
        "resourceType": "Patient",
        "contained": [kept, *chain, last],
        "link": [{"other": {"reference": "#kept"}, "type": "seealso"}],
        "generalPractitioner": [{"reference": "#b0"}],
    }

    rest = leave(patient, ["Patient.generalPractitioner[0]"], "4.0")

    assert rest.resource == {"resourceType": "Patient", "contained": [kept], "link": patient["link"]}
    assert rest.gone == ("Patient.generalPractitioner[0]", *(f"Patient.contained[{n}]" for n in range(1, N + 2)))


def test_many_items_leave_a_list_and_those_after_them_know_where_they_stood() -> None:
    patient = {"resourceType": "Patient", "name": [{"family": f"f{n}"} for n in range(N)]}
    odd = [f"Patient.name[{n}]" for n in range(1, N, 2)]

    rest = leave(patient, odd, "4.0")

    assert rest.resource["name"] == [{"family": f"f{n}"} for n in range(0, N, 2)]
    gaps = Gaps.of(rest.gone)
    assert [gaps.former_place(f"Patient.name[{n}]") for n in range(N // 2)] == [
        f"Patient.name[{n}]" for n in range(0, N, 2)
    ]


def test_an_item_is_found_without_a_look_at_the_others() -> None:
    looks = Looks()
    patient = {"resourceType": "Patient", "name": [looks.object({"family": "a"}) for _ in range(1_000)]}

    assert stands_in(patient, "Patient.name[999].family", "4.0")
    assert not stands_in(patient, "Patient.name[1000].family", "4.0")
    assert len(looks.objects) == 1


def test_resources_without_an_id_get_one_each() -> None:
    conditions: list[Json] = [{"resourceType": "Condition", "subject": {"reference": "#"}} for _ in range(N)]
    taken = {"resourceType": "Condition", "id": "condition-2"}

    whole = with_contained({"resourceType": "Patient", "contained": [taken]}, conditions)

    assert [each["id"] for each in whole["contained"][:4]] == [
        "condition-2",
        "condition-1",
        "condition-3",
        "condition-4",
    ]
    assert len({each["id"] for each in whole["contained"]}) == N + 1
    assert containing({"resourceType": "Patient"}, whole)["contained"] == whole["contained"][1:]


def test_ids_that_are_asked_for_twice_are_those_in_both() -> None:
    first, second = (",".join(map(str, ids)) for ids in (range(4 * N), range(4 * N - 1, 8 * N)))

    assert read_criteria([("_id", first), ("_id", second)], None).ids == (str(4 * N - 1),)


def test_each_field_that_a_partner_complains_of_is_found_at_once() -> None:
    mark = Mark("x.yaml", 1, 1)
    pairs = [Pair(f"Patient.telecom[{n}].value", ("phones", n, "number"), "x", mark) for n in range(N)]

    locator = Locator.of(pairs)

    assert [locator.element(("Phones", n, "number", "0")) for n in range(N)] == [pair.element for pair in pairs]
    assert locator.element(("phones", 7)) == "Patient.telecom[7].value"
    assert locator.element(("phones",)) is None


def operation(**parts: Json) -> Json:
    return {"name": "operation", "part": [{"name": name, **value} for name, value in parts.items()]}


def test_a_fhirpath_patch_goes_over_a_list_no_more_often_than_it_may() -> None:
    patient = {"resourceType": "Patient", "name": [{"given": [f"g{n}" for n in range(1_000)]}]}
    again = operation(
        type={"valueCode": "replace"},
        path={"valueString": "Patient.name.given.where($this = 'g1')"},
        value={"valueString": "g1"},
    )
    few, many = ({"resourceType": "Parameters", "parameter": [again] * count} for count in (10, 1_000))

    assert read_fhirpath_patch(few)(patient) == patient
    with pytest.raises(FhirError) as raised:
        read_fhirpath_patch(many)(patient)
    at = MAX_VISITED // 3_002
    text = "The operations up to this one go over too much of the resource; send fewer of them at once."
    [issue] = raised.value.issues
    assert (raised.value.status_code, issue.code, issue.text) == (422, "too-costly", text)
    assert issue.expression is not None
    assert abs(int(issue.expression.split("[")[1].split("]")[0]) - at) < 60


def test_a_pointer_that_leads_nowhere_is_told_in_short() -> None:
    pointer = "/name" * N

    with pytest.raises(FhirError) as raised:
        read_json_patch([{"op": "test", "path": pointer, "value": 1}])({"resourceType": "Patient"})

    assert raised.value.issues == (
        Issue("invalid-patch", "processing", f"There is nothing at {pointer[:64]}….", "[0].path"),
    )


@pytest.mark.parametrize(
    ("type_name", "unit", "end"),
    [("base64Binary", "aaaa ", "!"), ("code", "a ", ""), ("uri", "a:", " "), ("oid", ".1", ".")],
)
def test_a_long_text_that_nearly_fits_its_format_is_refused(type_name: str, unit: str, end: str) -> None:
    begin = "urn:oid:1" if type_name == "oid" else "a" if type_name == "code" else ""

    assert not FORMATS["4.0"][type_name].fits(begin + unit * 100_000 + end)


SPACES: Callable[[str], str] = "\t\n\r \x0b\x0c".join


@pytest.mark.parametrize("version", ["3.0", "4.0"])
@pytest.mark.parametrize(
    ("value", "fits"),
    [
        ("aaaa", (True, True)),
        (" aaaa\taaaa ", (True, True)),
        ("aa aa", (True, False)),
        ("aaa", (False, False)),
        ("aaä=", (False, False)),
        ("aaa!", (False, False)),
        (" \n", (False, False)),
        ("", (False, False)),
        (1, (False, False)),
        (SPACES(["aaaa"] * 3), (True, True)),
    ],
)
def test_base64_is_groups_of_four(version: str, value: Json, fits: tuple[bool, bool]) -> None:
    assert FORMATS[version]["base64Binary"].fits(value) is fits[version == "4.0"]


@pytest.mark.parametrize(
    ("value", "fits"),
    [("a b", True), ("a", True), ("a  b", False), (" a", False), ("a\n", False), ("", False), (1, False)],
)
def test_a_code_has_single_spaces_within(value: Json, fits: bool) -> None:
    assert FORMATS["4.0"]["code"].fits(value) is fits


def test_rules_in_fhirpath_go_over_no_more_values_than_they_may() -> None:
    check = profile_checker("StructureDefinition/wmda-patient", load_definitions(TOP / "profiles"))
    few, many = ([{"url": "http://example.org", "valueString": "x"}] * count for count in (1_000, 20_000))

    issues = check({"resourceType": "Patient", "extension": many})

    text = "The rules of the profile would go over more than 50,000 values; send less at once."
    assert issues == [Issue("too-many-values", "too-costly", text, "Patient")]
    assert check({"resourceType": "Patient", "extension": few}) == []


def test_of_a_slice_that_one_member_fits_the_members_are_looked_through_once() -> None:
    looks = Looks()
    slice_ = compile_slice([fixed_value(["use"], "use", "official")], None)
    step = Step("name", "name", None, slice_)
    names = [looks.object({"use": "old"}) for _ in range(2_000)]

    assert step.all("Patient", {"name": [*names, {"use": "official"}]}) == [("Patient.name[2000]", {"use": "official"})]
    assert step.all("Patient", {"name": names}) == []
    assert looks.looks <= 2 * len(names)


def test_elements_of_the_other_version_come_home_as_one_list() -> None:
    url = "http://hl7.org/fhir/4.0/StructureDefinition/extension-Patient.photo"
    photo = {"url": url, "valueAttachment": {"title": "x"}}
    stu3 = {"resourceType": "Patient", "extension": [photo] * N, "photo": [{"title": "first"}]}

    home = brought_home(TO_R4, "Patient", "Patient", stu3)

    assert home == {"resourceType": "Patient", "photo": [{"title": "first"}, *[{"title": "x"}] * N]}
    assert stu3["photo"] == [{"title": "first"}]
    assert brought_home(TO_R4, "Patient", "Patient", {**stu3, "photo": 1})["extension"] == [photo] * N


def test_a_value_of_many_parts_is_built_in_one_go() -> None:
    parts = [{"name": "given", "valueString": f"g{n}"} for n in range(N)]
    add = operation(
        type={"valueCode": "add"}, path={"valueString": "Patient"}, name={"valueString": "name"}, value={"part": parts}
    )

    patched = read_fhirpath_patch({"resourceType": "Parameters", "parameter": [add]})({"resourceType": "Patient"})

    assert patched["name"] == [{"given": [f"g{n}" for n in range(N)]}]
