"""Compiling profiles and checking with them, on profiles made for one rule each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import deepcopy
from decimal import Decimal

import pytest

from fhir_bridge.canonical import CANONICAL
from fhir_bridge.fhir.definitions import Definitions
from fhir_bridge.fhir.profile import profile_checker
from fhir_bridge.outcome import Issue, Json
from tests.limits.looked_at import Looks

HL7 = "http://hl7.org/fhir/StructureDefinition"
URL = f"{CANONICAL}/StructureDefinition/p"


def profile(type_name: str, *elements: Json, url: str = URL) -> Json:
    return {
        "resourceType": "StructureDefinition",
        "url": url,
        "type": type_name,
        "baseDefinition": f"{HL7}/{type_name}",
        "derivation": "constraint",
        "differential": {"element": [{"path": one.get("id", ""), **one} for one in elements]},
    }


def definitions(*resources: Json) -> Definitions:
    files = {one["url"]: f"profiles/{one['url'].rpartition('/')[2]}.json" for one in resources}
    return Definitions({one["url"]: one for one in resources}, files)


def checker(*elements: Json, type_name: str = "Patient", also: tuple[Json, ...] = ()) -> Callable[[Json], list[Issue]]:
    return profile_checker(URL, definitions(profile(type_name, *elements), *also))


def problems(*elements: Json, type_name: str = "Patient", also: tuple[Json, ...] = ()) -> list[str]:
    with pytest.raises(ValueError, match=r"profiles/") as raised:
        checker(*elements, type_name=type_name, also=also)
    return str(raised.value).splitlines()


def sliced(path: str, kind: str = "value", by: str = "system", **slicing: Json) -> Json:
    return {"id": path, "slicing": {"discriminator": [{"type": kind, "path": by}], "rules": "open", **slicing}}


def patient(**elements: Json) -> Json:
    return {"resourceType": "Patient", **elements}


def rule(expression: str, severity: str = "error") -> list[Json]:
    return [{"key": "k-1", "severity": severity, "human": "Do it right.", "expression": expression}]


BROKEN = Issue("rule-broken", "invariant", "Do it right.", "Patient")


# --- cardinality ---


def test_what_is_missing_is_placed_where_it_would_stand() -> None:
    check = checker({"id": "Patient.name", "min": 1}, {"id": "Patient.deceased[x]", "min": 1})

    assert check(patient()) == [
        Issue("too-few", "required", "`name` is missing; add it.", "Patient.name"),
        Issue("too-few", "required", "`deceased` is missing; add it.", "Patient.deceased"),
    ]


def test_too_few_of_several_say_how_many_there_must_be() -> None:
    check = checker({"id": "Patient.name", "min": 2})

    assert check(patient(name=[{"text": "x"}])) == [
        Issue("too-few", "required", "`name` must occur at least 2 times; add the rest.", "Patient.name")
    ]


def test_each_item_beyond_the_maximum_is_reported_at_its_index_and_not_looked_into() -> None:
    check = checker({"id": "Patient.name", "max": "2"}, {"id": "Patient.name.family", "min": 1})

    assert check(patient(name=[{"family": "x"}, {"family": "y"}, {}, {}])) == [
        Issue("too-many", "invalid", "`name` may occur only 2 times; remove this one.", f"Patient.name[{index}]")
        for index in (2, 3)
    ]


def test_an_empty_list_is_no_occurrence() -> None:
    check = checker({"id": "Patient.name", "min": 1})

    assert check(patient(name=[])) == [Issue("too-few", "required", "`name` is missing; add it.", "Patient.name")]


@pytest.mark.parametrize(
    "elements",
    [
        {"birthDate": "1980-01-01"},
        {"_birthDate": {"extension": [{"url": "http://x", "valueCode": "masked"}]}},
    ],
)
def test_a_primitive_is_there_with_a_value_or_with_extensions_alone(elements: Json) -> None:
    assert checker({"id": "Patient.birthDate", "min": 1})(patient(**elements)) == []


def test_a_list_of_primitives_may_have_extensions_alone() -> None:
    check = checker(
        {"id": "Patient.name.given", "min": 2, "max": "2"}, {"id": "Patient.name.given", "fixedString": "x"}
    )
    unknown = {"extension": [{"url": "http://x", "valueCode": "unknown"}]}

    assert check(patient(name=[{"_given": [unknown, unknown]}])) == []
    assert check(patient(name=[{"given": [None, "x"], "_given": [unknown, None]}])) == []
    assert check(patient(name=[{"_given": [unknown] * 3}])) == [
        Issue("too-many", "invalid", "`given` may occur only 2 times; remove this one.", "Patient.name[0].given")
    ]


def test_a_choice_counts_under_each_of_its_names_and_with_extensions_alone() -> None:
    check = checker({"id": "Patient.deceased[x]", "max": "0"})
    issue = Issue("element-not-allowed", "invalid", "`deceased` is not allowed here; remove it.", "Patient.deceased")

    assert check(patient(deceasedBoolean=False)) == [issue]
    assert check(patient(_deceasedDateTime={"extension": []})) == [issue]
    assert check(patient(multipleBirthInteger=2)) == []


# --- values ---


def test_a_fixed_value_is_exactly_that_and_a_pattern_at_least_that() -> None:
    concept = {"coding": [{"system": "http://x", "code": "m"}]}
    more = {"coding": [{"code": "s"}, {"system": "http://x", "code": "m", "display": "Married"}], "text": "married"}
    fixed = checker({"id": "Patient.maritalStatus", "fixedCodeableConcept": concept})
    pattern = checker({"id": "Patient.maritalStatus", "patternCodeableConcept": concept})
    issue = Issue(
        "value-not-allowed",
        "value",
        '`maritalStatus` must be `{"coding":[{"system":"http://x","code":"m"}]}` here; correct it.',
        "Patient.maritalStatus",
    )

    assert fixed(patient(maritalStatus=concept)) == []
    assert fixed(patient(maritalStatus=more)) == [issue]
    assert pattern(patient(maritalStatus=more)) == []
    assert pattern(patient(maritalStatus={"coding": [{"code": "m"}]})) == [issue]
    assert pattern(patient(maritalStatus={"coding": "m"})) == [issue]


def test_true_is_not_1() -> None:
    check = checker({"id": "Patient.active", "fixedBoolean": True})
    count = checker({"id": "Patient.multipleBirth[x]", "type": [{"code": "integer"}], "patternInteger": 1})

    assert check(patient(active=True)) == []
    assert check(patient(active=1)) == [
        Issue("value-not-allowed", "value", "`active` must be `true` here; correct it.", "Patient.active")
    ]
    assert count(patient(multipleBirthInteger=Decimal("1.0"))) == []
    assert count(patient(multipleBirthInteger=True)) == [
        Issue("value-not-allowed", "value", "`multipleBirth` must be `1` here; correct it.", "Patient.multipleBirth")
    ]


SEXES = {
    "resourceType": "ValueSet",
    "url": f"{CANONICAL}/ValueSet/sexes",
    "compose": {"include": [{"system": "http://x", "concept": [{"code": "m"}, {"code": "f"}]}]},
}


def bound(element: str, strength: str = "required", **more: Json) -> Json:
    return {"id": element, "binding": {"strength": strength, "valueSet": "ValueSet/sexes"}, **more}


def not_in_sexes(step: str, expression: str) -> Issue:
    text = f"`{step}` is not one of the codes that are allowed here; use `m` or `f`."
    return Issue("not-in-value-set", "code-invalid", text, expression)


def test_a_required_binding_holds_for_a_code() -> None:
    check = checker(bound("Patient.gender"), also=(SEXES,))

    assert check(patient(gender="m")) == []
    assert check(patient(gender="M")) == [not_in_sexes("gender", "Patient.gender")]


def test_a_required_binding_holds_for_one_coding_of_a_concept() -> None:
    check = checker(bound("Patient.maritalStatus"), also=(SEXES,))
    issue = not_in_sexes("maritalStatus", "Patient.maritalStatus")

    assert check(patient(maritalStatus={"coding": [{"code": "m"}, {"system": "http://x", "code": "f"}]})) == []
    assert check(patient(maritalStatus={"coding": [{"system": "http://y", "code": "f"}]})) == [issue]
    assert check(patient(maritalStatus={"coding": [{"system": [], "code": "f"}, "f"]})) == [issue]
    assert check(patient(maritalStatus={"text": "f"})) == [issue]


def test_a_required_binding_holds_for_a_coding() -> None:
    check = checker(bound("Patient.meta.tag"), also=(SEXES,))

    assert check(patient(meta={"tag": [{"system": "http://x", "code": "m"}, {"code": "m"}]})) == [
        not_in_sexes("tag", "Patient.meta.tag[1]")
    ]


@pytest.mark.parametrize("strength", ["extensible", "preferred", "example"])
def test_a_binding_that_is_not_required_refuses_nothing(strength: str) -> None:
    assert checker(bound("Patient.gender", strength), also=(SEXES,))(patient(gender="x")) == []


def test_a_choice_of_types_names_the_right_one() -> None:
    check = checker({"id": "Patient.deceased[x]", "type": [{"code": "dateTime"}]})

    assert check(patient(deceasedDateTime="2020")) == []
    assert check(patient(deceasedBoolean=True)) == [
        Issue(
            "wrong-type", "structure", "`deceased` has another type here; use `deceasedDateTime`.", "Patient.deceased"
        )
    ]


# --- slices ---

PHONES = (
    sliced("Patient.telecom"),
    {"id": "Patient.telecom:phone", "min": 1, "max": "2"},
    {"id": "Patient.telecom:phone.system", "fixedCode": "phone", "min": 1, "max": "1"},
    {"id": "Patient.telecom:phone.value", "min": 1},
)


def test_a_slice_has_its_own_cardinality_and_rules() -> None:
    check = checker(*PHONES)
    phone = {"system": "phone", "value": "1"}

    assert check(patient(telecom=[phone, {"system": "email"}, phone])) == []
    assert check(patient(telecom=[{"system": "email"}])) == [
        Issue("too-few", "required", "`telecom` with `system` `phone` is missing; add it.", "Patient.telecom")
    ]
    assert check(patient(telecom=[{"system": "phone"}, {}, phone, phone])) == [
        Issue("too-few", "required", "`value` is missing; add it.", "Patient.telecom[0].value"),
        Issue(
            "too-many",
            "invalid",
            "`telecom` with `system` `phone` may occur only 2 times; remove this one.",
            "Patient.telecom[3]",
        ),
    ]


def test_a_slice_that_is_told_by_a_value_may_say_more_of_it() -> None:
    check = checker(
        sliced("Patient.telecom"),
        {"id": "Patient.telecom:phone"},
        {"id": "Patient.telecom:phone.system", "fixedCode": "phone", "constraint": rule("false")},
    )

    assert check(patient(telecom=[{"system": "phone"}])) == [
        Issue("rule-broken", "invariant", "Do it right.", "Patient.telecom[0].system")
    ]


def test_a_slice_may_be_told_by_several_values_and_by_a_path_of_several_steps() -> None:
    check = checker(
        {
            "id": "Patient.contact",
            "slicing": {
                "discriminator": [
                    {"type": "value", "path": "gender"},
                    {"type": "value", "path": "relationship.coding.code"},
                ],
                "rules": "closed",
            },
        },
        {"id": "Patient.contact:mother", "max": "1"},
        {"id": "Patient.contact:mother.gender", "fixedCode": "female"},
        {"id": "Patient.contact:mother.relationship.coding.code", "patternCode": "P"},
    )
    parent = {"relationship": [{"text": "x"}, {"coding": [{"code": "N"}, {"code": "P"}]}]}

    assert check(patient(contact=[{"gender": "female", "relationship": [{"coding": [{"code": "P"}]}]}])) == []
    assert check(patient(contact=[{**parent, "gender": "male"}])) == [
        Issue(
            "no-slice",
            "invalid",
            "This `contact` is none of those known here; known are "
            "`contact` with `gender` `female` and `relationship.coding.code` `P`.",
            "Patient.contact[0]",
        )
    ]


def test_a_slice_may_be_told_by_a_slice_that_must_be_in_it() -> None:
    check = checker(
        sliced("Patient.contact", "pattern", "relationship"),
        sliced("Patient.contact:parent.relationship", "pattern", "$this"),
        {"id": "Patient.contact:parent.relationship:parent", "min": 1, "patternCodeableConcept": {"text": "parent"}},
        {"id": "Patient.contact:parent.name", "min": 1},
    )

    assert check(patient(contact=[{"relationship": [{"text": "aunt"}]}])) == []
    assert check(patient(contact=[{"relationship": [{"text": "aunt"}, {"text": "parent"}]}])) == [
        Issue("too-few", "required", "`name` is missing; add it.", "Patient.contact[0].name")
    ]


def test_items_may_be_told_by_themselves() -> None:
    check = checker(
        sliced("Patient.name.given", "value", "$this", rules="closed"),
        {"id": "Patient.name.given:ana", "min": 1, "max": "1", "fixedString": "Ana"},
    )

    assert check(patient(name=[{"given": ["Ana"]}, {"given": ["Anna"]}])) == [
        Issue(
            "no-slice",
            "invalid",
            "No `given` with this `$this` is known here; did you mean `Ana`? Known are `Ana`.",
            "Patient.name[1].given[0]",
        ),
        Issue("too-few", "required", "`given` with `Ana` is missing; add it.", "Patient.name[1].given"),
    ]


def test_an_extension_is_known_by_the_url_of_its_profile() -> None:
    url = f"{CANONICAL}/StructureDefinition/note"
    note = profile("Extension", {"id": "Extension.value[x]", "min": 1, "type": [{"code": "string"}]}, url=url)
    check = checker(
        sliced("Patient.extension", "value", "url"),
        {"id": "Patient.extension:note", "type": [{"code": "Extension", "profile": [url]}]},
        also=(note,),
    )

    assert check(patient(extension=[{"url": url, "valueString": "x"}, {"url": "http://x"}])) == []
    assert check(patient(extension=[{"url": url}])) == [
        Issue("too-few", "required", "`value` is missing; add it.", "Patient.extension[0].value")
    ]


PATIENT_WITH_NAME = profile(
    "Patient",
    {"id": "Patient", "constraint": rule("%resource.name.exists() and id.exists()")},
    url=f"{CANONICAL}/StructureDefinition/with-name",
)
ENTRIES = (
    sliced("Bundle.entry", "type", "resource"),
    {"id": "Bundle.entry:patient", "max": "1"},
    {
        "id": "Bundle.entry:patient.resource",
        "type": [{"code": "Patient", "profile": [f"{CANONICAL}/StructureDefinition/with-name"]}],
    },
)


def test_a_resource_in_a_bundle_keeps_its_own_profile_in_which_resource_means_itself() -> None:
    check = checker(*ENTRIES, type_name="Bundle", also=(PATIENT_WITH_NAME,))
    nameless = {"resourceType": "Bundle", "entry": [{"resource": patient(id="1")}]}
    named = {"resourceType": "Bundle", "entry": [{"resource": patient(id="1", name=[{"text": "x"}])}, {"resource": 1}]}

    assert check(named) == []
    assert check(nameless) == [Issue("rule-broken", "invariant", "Do it right.", "Bundle.entry[0].resource")]


def test_an_element_of_a_resource_in_a_bundle_can_be_profiled_in_place() -> None:
    check = checker(
        {"id": "Bundle.entry.resource", "type": [{"code": "Patient"}]},
        {"id": "Bundle.entry.resource.name", "min": 1},
        type_name="Bundle",
    )

    assert check({"resourceType": "Bundle", "entry": [{"resource": {"resourceType": "Basic"}}]}) == [
        Issue(
            "wrong-type",
            "structure",
            "`resource` must be of type `Patient` here; send that.",
            "Bundle.entry[0].resource",
        ),
        Issue("too-few", "required", "`name` is missing; add it.", "Bundle.entry[0].resource.name"),
    ]


# --- rules ---


def test_a_rule_that_warns_is_a_warning() -> None:
    check = checker({"id": "Patient", "constraint": rule("name.exists()", "warning")})

    assert check(patient()) == [Issue("rule-broken", "invariant", "Do it right.", "Patient", "warning")]


@pytest.mark.parametrize(
    ("element", "expression", "good", "bad"),
    [
        ("Patient", "deceased is boolean", patient(deceasedBoolean=True), patient(deceasedDateTime="2020")),
        ("Patient", "name.given", patient(name=[{"given": ["x"]}]), patient(name=[{}])),
        (
            "Patient",
            "multipleBirth.ofType(integer) < 2.5",
            patient(multipleBirthInteger=Decimal("2.50") - 1),
            patient(multipleBirthInteger=Decimal("2.50")),
        ),
        ("Patient", "(name | contact.name).count() = 1", patient(name=[{"text": "x"}]), patient()),
        ("Patient", "birthDate.length() = 4", patient(birthDate="1980", _birthDate={"id": "x"}), patient()),
    ],
)
def test_a_rule_on_the_resource_is_kept_or_broken(element: str, expression: str, good: Json, bad: Json) -> None:
    check = checker({"id": element, "constraint": rule(expression)})

    assert (check(good), check(bad)) == ([], [BROKEN])


@pytest.mark.parametrize(
    ("element", "expression", "good", "bad", "place"),
    [
        ("birthDate", "$this.matches('^1')", {"birthDate": "1980"}, {"birthDate": "2080"}, "birthDate"),
        ("name", "family.exists()", {"name": [{"family": "x"}]}, {"name": [{"family": "x"}, {}]}, "name[1]"),
        ("deceased[x]", "$this is boolean", {"deceasedBoolean": False}, {"deceasedDateTime": "1"}, "deceased"),
        ("contact", "%resource.active", {"active": True, "contact": [{}]}, {"contact": [{}]}, "contact[0]"),
        ("link.other", "id = 'x'", {"link": [{"other": {"id": "x"}}]}, {"link": [{"other": {}}]}, "link[0].other"),
    ],
)  # fmt: skip
def test_a_rule_on_an_element_looks_at_each_occurrence(
    element: str, expression: str, good: Json, bad: Json, place: str
) -> None:
    check = checker({"id": f"Patient.{element}", "constraint": rule(expression)})

    assert check(patient()) == []
    assert check(patient(**good)) == []
    assert check(patient(**bad)) == [Issue("rule-broken", "invariant", "Do it right.", f"Patient.{place}")]


def test_a_rule_on_a_choice_inside_a_backbone_element_knows_the_type() -> None:
    check = profile_checker(
        URL,
        definitions(
            profile(
                "Parameters",
                {"id": "Parameters.parameter", "constraint": rule("value is code")},
                {"id": "Parameters.parameter.part", "constraint": rule("value is integer")},
            )
        ),
    )
    part = {"name": "p", "valueInteger": 1}

    assert check({"resourceType": "Parameters", "parameter": [{"name": "x", "valueCode": "y", "part": [part]}]}) == []
    assert check({"resourceType": "Parameters", "parameter": [{"name": "x", "valueString": "y"}]}) == [
        Issue("rule-broken", "invariant", "Do it right.", "Parameters.parameter[0]")
    ]


def test_a_rule_that_cannot_be_evaluated_for_a_value_is_broken() -> None:
    check = checker({"id": "Patient", "constraint": rule("name.given.matches('x')")})

    assert check(patient(name=[{"given": ["x"]}])) == []
    assert check(patient(name=[{"given": [5]}])) == [BROKEN]


# --- every resource ---

DEEP: Json = {}
for _ in range(5000):
    DEEP = {"extension": [DEEP]}


@pytest.mark.parametrize(
    "odd",
    [
        None,
        [],
        "Patient",
        {},
        {"resourceType": "Observation"},
        patient(name="x", telecom=3, contact={"relationship": "x"}, gender=["m"], deceasedBoolean=None),
        patient(name=[None, [], [[{}]], 4], telecom=[None, "phone", [{}]], contact=[[]], birthDate={"a": 1}),
        patient(_name=4, _gender=[], _deceasedDateTime="x", __name=1, _={}),
    ],
)
def test_values_of_another_shape_are_passed_over(odd: Json) -> None:
    check = checker(
        {"id": "Patient", "constraint": rule("true")},
        {"id": "Patient.name.family", "min": 1},
        {"id": "Patient.birthDate", "constraint": rule("false")},
        {"id": "Patient.deceased[x]", "constraint": rule("false")},
        sliced("Patient.telecom"),
        {"id": "Patient.telecom:phone.system", "fixedCode": "phone"},
        {"id": "Patient.telecom:phone.value", "min": 1},
        sliced("Patient.contact", "pattern", "relationship.coding"),
        {"id": "Patient.contact:c.relationship.coding", "patternCoding": {"code": "C"}},
        bound("Patient.gender"),
        also=(SEXES,),
    )

    assert [issue for issue in check(odd) if issue.expression != "Patient.name[3].family"] == []


def test_a_resource_that_is_nested_too_deeply_breaks_its_rules() -> None:
    assert checker({"id": "Patient", "constraint": rule("true")})(patient(extension=[DEEP])) == [BROKEN]


def test_a_resource_is_not_changed() -> None:
    check = checker(
        *PHONES,
        {"id": "Patient", "constraint": rule("name.given.count() > 5 or multipleBirth < 3")},
        {"id": "Patient.name", "constraint": rule("%resource.name.given.select($this + 'x').exists()")},
    )
    resource = patient(
        name=[{"given": ["x", None], "_given": [None, {"id": "y"}]}],
        telecom=[{"system": "fax"}, {"system": "phone"}],
        multipleBirthInteger=Decimal("1.50"),
    )
    before = deepcopy(resource)

    assert check(resource) != []
    assert resource == before
    assert str(resource["multipleBirthInteger"]) == "1.50"


def test_after_a_thousand_problems_nothing_more_is_looked_at() -> None:
    looks = Looks()
    check = checker({"id": "Patient.name.family", "min": 1}, {"id": "Patient.contact.gender", "min": 1})

    issues = check(
        patient(
            name=[looks.object({}) for _ in range(2_000)],
            contact=[looks.object({}) for _ in range(2_000)],
        )
    )

    assert len(issues) == 1001
    assert len(looks.objects) == 1001


def test_a_million_problems_are_cut_short() -> None:
    check = checker(
        sliced("Patient.telecom", rules="closed"),
        {"id": "Patient.telecom:phone.system", "fixedCode": "phone"},
        {"id": "Patient.name.family", "min": 1},
    )

    issues = check(patient(name=[{}] * 1500, telecom=[{"system": "fax"}] * 100_000))

    assert len(issues) == 1001
    assert issues[999].expression == "Patient.telecom[999]"
    assert issues[1000] == Issue(
        "too-many-problems", "structure", "There are more problems; correct these first.", "Patient"
    )


def test_an_empty_profile_finds_nothing() -> None:
    assert checker({"id": "Patient", "short": "Any patient"})(patient(gender="x")) == []


def test_a_profile_of_stu3_is_checked_against_its_elements() -> None:
    check = profile_checker(
        URL,
        definitions(
            profile(
                "MessageHeader",
                {"id": "MessageHeader.event", "constraint": rule("code = 'x'")},
                {"id": "MessageHeader.timestamp", "min": 1},
            )
        ),
        "3.0",
    )

    assert check({"resourceType": "MessageHeader", "event": {"code": "x"}}) == [
        Issue("too-few", "required", "`timestamp` is missing; add it.", "MessageHeader.timestamp")
    ]


# --- profiles that cannot be compiled ---


def test_all_that_is_wrong_with_a_profile_is_told_at_once() -> None:
    assert problems(
        {"id": "Patient.identifer", "min": 1},
        {"id": "Patient.deceasedBoolean", "min": 1},
        {"id": "Patient.gender.zzz", "min": 1},
        {"id": "Patient.birthDate", "maxLength": 4, "minValueDate": "1900-01-01"},
        {"id": "Patient.generalPractitioner", "type": [{"code": "Reference", "targetProfile": []}]},
        {"path": "Patient.name", "min": 1},
        {"id": "Person.name", "min": 1},
        {"id": "Patient.deceased[x]", "type": [{"code": "date"}]},
        {"id": "Patient.name:official", "min": 1},
        sliced("Patient.telecom", ordered=True),
        {"id": "Patient.telecom:phone.system", "fixedCode": "phone"},
        sliced("Patient.address", "value", "use"),
        {"id": "Patient.address:home/old", "min": 1},
        bound("Patient.maritalStatus"),
        bound("Patient.photo", also="x"),
    ) == [
        "profiles/p.json: Patient.birthDate: `maxLength` is not checked by the bridge; "
        "say it as a constraint in FHIRPath, or leave it out",
        "profiles/p.json: Patient.birthDate: `minValueDate` is not checked by the bridge; "
        "say it as a constraint in FHIRPath, or leave it out",
        "profiles/p.json: Patient.generalPractitioner: `type.targetProfile` is not checked by the bridge; "
        "say it as a constraint in FHIRPath, or leave it out",
        "profiles/p.json: Patient.name: has no id that starts with Patient; give it one, as `Patient.name:slice.name`",
        "profiles/p.json: Person.name: has no id that starts with Patient; give it one, as `Patient.name:slice.name`",
        "profiles/p.json: Patient.address:home/old: slices a slice again; make it a slice of its own",
        "profiles/p.json: Patient.photo: `also` is not checked by the bridge; "
        "say it as a constraint in FHIRPath, or leave it out",
        "profiles/p.json: Patient.identifer: Patient has no element `identifer`; did you mean `identifier`?",
        "profiles/p.json: Patient.deceasedBoolean: Patient has no element `deceasedBoolean`; "
        "did you mean `deceased[x]`?",
        "profiles/p.json: Patient.gender.zzz: code has no element `zzz`; correct the path",
        "profiles/p.json: Patient.deceased[x]: `deceased[x]` is never a date; name one of FHIR's types for it",
        "profiles/p.json: Patient.name: has slices, but no slicing that can be checked; "
        "add one, and none to a choice of types",
        "profiles/p.json: Patient.telecom:phone: has slicing that is ordered or openAtEnd, which is not checked; "
        "make it open or closed",
        "profiles/p.json: Patient.address:home/old: is told by `use`, but fixes no value there; "
        "add a fixed[x] or pattern[x]",
        "profiles/p.json: Patient.maritalStatus: binding: ValueSet/sexes is not among the definitions; "
        "add it, or correct the name",
        "profiles/p.json: Patient.photo: binding: ValueSet/sexes is not among the definitions; "
        "add it, or correct the name",
    ]


def slice_problems(slicing: Json, *elements: Json, path: str = "Patient.telecom") -> list[str]:
    return problems({"id": path, "slicing": slicing}, {"id": f"{path}:x"}, *elements)


def _slicings() -> Iterator[tuple[Json, str]]:
    def by(kind: str, path: str) -> Json:
        return {"discriminator": [{"type": kind, "path": path}], "rules": "open"}

    yield {"rules": "open"}, "has slicing without a discriminator; add one of type value, pattern or type"
    yield by("exists", "value"), "has a discriminator of type exists, which is not checked; use value, pattern or type"
    yield (
        by("value", "extension('http://x').value"),
        "has the discriminator path `extension('http://x').value`, which is not checked; use plain steps",
    )
    yield by("type", "value"), "is told by the type of `value`, but gives no resource type there; add it"
    yield by("type", "period"), "is told by the type of `period`, but gives no resource type there; add it"
    yield by("value", "url"), "is told by `url`, but fixes no value there; add a fixed[x] or pattern[x]"
    yield by("value", "a.b"), "is told by `a.b`, but fixes no value there; add a fixed[x] or pattern[x]"
    yield by("value", "use"), "is told by `use`, but fixes no value there; add a fixed[x] or pattern[x]"


@pytest.mark.parametrize(("slicing", "message"), list(_slicings()))
def test_a_slicing_that_cannot_be_checked_is_refused(slicing: Json, message: str) -> None:
    period = {"id": "Patient.telecom:x.period", "type": [{"code": "Period"}]}
    uses = [sliced("Patient.telecom:x.use", by="$this"), {"id": "Patient.telecom:x.use:home", "fixedCode": "home"}]

    assert slice_problems(slicing, period, *uses) == [f"profiles/p.json: Patient.telecom:x: {message}"]


@pytest.mark.parametrize(
    ("constraint", "message"),
    [
        ({**rule("true")[0], "expression": ""}, "constraint k-1 has no expression; add it"),
        ({**rule("true")[0], "human": None}, "constraint k-1 has no human; add it"),
        ({}, "constraint ? has no expression; add it"),
        (
            rule("name.exists(")[0],
            "constraint k-1 cannot be evaluated (no FHIRPath from character 13 on); correct its expression",
        ),
        (
            rule("name exists")[0],
            "constraint k-1 cannot be evaluated (no FHIRPath from character 6 on); correct its expression",
        ),
        (
            rule("nmae.exits()")[0],
            "constraint k-1 cannot be evaluated (Not implemented: exits); correct its expression",
        ),
        (
            rule("%patient.name.exists()")[0],
            "constraint k-1 cannot be evaluated (Attempting to access an undefined environment variable: patient); "
            "correct its expression",
        ),
        (
            {**rule("true")[0], "severity": "fatal"},
            "constraint k-1 has the severity fatal; write error or warning",
        ),
    ],
)
def test_a_rule_that_cannot_be_evaluated_stops_the_compilation(constraint: Json, message: str) -> None:
    assert problems({"id": "Patient", "constraint": [constraint]}) == [f"profiles/p.json: Patient: {message}"]


def test_a_type_without_codes_cannot_be_bound() -> None:
    assert problems(bound("Patient.photo"), also=(SEXES,)) == [
        "profiles/p.json: Patient.photo: binding: a Attachment cannot be bound to a value set here; "
        "bind a code, Coding or CodeableConcept"
    ]


def test_a_choice_of_types_cannot_be_sliced() -> None:
    assert problems(sliced("Patient.deceased[x]", "type", "$this"), {"id": "Patient.deceased[x]:d"}) == [
        "profiles/p.json: Patient.deceased[x]: has slices, but no slicing that can be checked; "
        "add one, and none to a choice of types"
    ]


def test_slicing_without_slices_refuses_nothing() -> None:
    assert checker(sliced("Patient.telecom", rules="closed"))(patient(telecom=[{}])) == []


def test_a_profile_within_is_compiled_too_and_its_problems_name_its_own_file() -> None:
    other = f"{CANONICAL}/StructureDefinition/other"
    wrong = profile("Extension", {"id": "Extension.valu[x]", "min": 1}, url=other)
    extension = {"id": "Patient.extension", "type": [{"code": "Extension", "profile": [other]}]}

    assert problems(extension, also=(wrong,)) == [
        "profiles/other.json: Extension.valu[x]: Extension has no element `valu[x]`; did you mean `value[x]`?"
    ]
    assert problems(extension) == [
        f"profiles/p.json: Patient.extension: {other} is not among the definitions; add it, or correct the name"
    ]


def test_several_profiles_of_one_element_cannot_be_checked() -> None:
    several = {"id": "Patient.extension", "type": [{"code": "Extension", "profile": ["http://a", "http://b"]}]}

    assert problems(several) == [
        "profiles/p.json: Patient.extension: names several profiles, of which one must be kept; "
        "this is not checked: name one"
    ]


def test_profiles_that_lead_back_to_themselves_are_refused() -> None:
    circle = {"id": "Bundle.entry.resource", "type": [{"code": "Bundle", "profile": [URL]}]}

    assert problems(circle, type_name="Bundle") == [
        "profiles/p.json: Bundle.entry.resource: leads back to the profile itself; break the circle"
    ]


def test_what_is_no_profile_of_a_type_of_hl7_is_refused() -> None:
    derived = {**profile("Patient"), "baseDefinition": "http://example.org/base"}
    logical = {**profile("Patient"), "derivation": "specialization"}

    with pytest.raises(ValueError, match="is not based on") as raised:
        profile_checker(URL, definitions(derived))
    assert str(raised.value) == (
        f"profiles/p.json: Patient: is not based on {HL7}/Patient itself, which is not checked; base it on that"
    )
    for what in (logical, {**SEXES, "url": URL}):
        with pytest.raises(ValueError, match="is not a profile") as raised:
            profile_checker(URL, definitions(what))
        assert str(raised.value) == (
            f"profiles/p.json: {URL}: is not a profile; name a StructureDefinition whose derivation is constraint"
        )


def test_a_profile_that_is_not_there_is_answered_with_the_nearest_name() -> None:
    with pytest.raises(ValueError, match="did you mean") as raised:
        profile_checker("StructureDefinition/pp", definitions(profile("Patient")))

    assert str(raised.value) == (
        "StructureDefinition/pp is not among the definitions; did you mean StructureDefinition/p?"
    )
