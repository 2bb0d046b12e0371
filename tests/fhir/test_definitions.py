"""Reading a folder of definitions, and ConceptMaps as tables."""

from __future__ import annotations

from pathlib import Path
from types import MappingProxyType

import orjson
import pytest

from fhir_bridge.canonical import CANONICAL
from fhir_bridge.fhir.definitions import CodeTable, Definitions, concept_table, load_definitions
from fhir_bridge.fhir.terminology import value_set_codes
from fhir_bridge.outcome import Json

GENDERS = {
    "resourceType": "CodeSystem",
    "url": f"{CANONICAL}/CodeSystem/genders",
    "status": "active",
    "content": "complete",
    "concept": [{"code": "m"}, {"code": "f", "concept": [{"code": "f1"}]}],
}


def folder(tmp_path: Path, **resources: Json) -> Path:
    """Write one file each into a folder `profiles`; text is written as it is."""
    profiles = tmp_path / "profiles"
    profiles.mkdir()
    for name, resource in resources.items():
        content = resource.encode() if isinstance(resource, str) else orjson.dumps(resource)
        (profiles / f"{name}.json").write_bytes(content)
    return profiles


def value_set(**compose: Json) -> Json:
    return {"resourceType": "ValueSet", "url": f"{CANONICAL}/ValueSet/sexes", "status": "active", "compose": compose}


def defined(*resources: Json) -> Definitions:
    return Definitions({one["url"]: one for one in resources}, {one["url"]: "profiles/x.json" for one in resources})


def test_a_definition_is_found_by_its_url_by_a_relative_one_and_with_a_version(tmp_path: Path) -> None:
    definitions = load_definitions(folder(tmp_path, a=GENDERS))

    assert definitions.problems == ()
    assert definitions.files == {f"{CANONICAL}/CodeSystem/genders": "profiles/a.json"}
    assert definitions.find(f"{CANONICAL}/CodeSystem/genders") == GENDERS
    assert definitions.find("CodeSystem/genders") == GENDERS
    assert definitions.find("CodeSystem/genders|1.0.0") == GENDERS


def test_a_definition_that_is_not_there_is_answered_with_the_nearest_name() -> None:
    with pytest.raises(LookupError) as raised:
        defined(GENDERS).find("CodeSystem/gender")

    assert str(raised.value) == "CodeSystem/gender is not among the definitions; did you mean CodeSystem/genders?"


def test_a_definition_like_no_other_is_answered_with_what_to_do() -> None:
    with pytest.raises(LookupError) as raised:
        defined(GENDERS).find("http://example.org/x")

    assert str(raised.value) == "http://example.org/x is not among the definitions; add it, or correct the name"


def test_everything_that_is_wrong_with_a_folder_is_told_at_once(tmp_path: Path) -> None:
    operation = {
        "resourceType": "OperationDefinition",
        "url": f"{CANONICAL}/OperationDefinition/g",
        "name": "G",
        "status": "active",
        "kind": "operation",
        "code": "g",
        "system": True,
        "type": False,
        "instance": False,
        "inputProfile": "http://example.org/StructureDefinition/in",
        "outputProfile": f"{CANONICAL}/CodeSystem/wrong",
        "parameter": [
            {
                "name": "p",
                "use": "in",
                "min": 0,
                "max": "1",
                "binding": {"strength": "required", "valueSet": "http://hl7.org/fhir/ValueSet/administrative-gender"},
            }
        ],
    }
    profiles = folder(
        tmp_path,
        a=GENDERS,
        b="{",
        c=[],
        d={"resourceType": "ValueSet", "status": "active"},
        e=GENDERS,
        f=value_set(include=[{"system": f"{CANONICAL}/CodeSystem/sexes"}, {"system": "http://snomed.info/sct"}]),
        g=operation,
        h={**GENDERS, "url": f"{CANONICAL}/CodeSystem/wrong", "content": "whole", "concepts": []},
        i='{"resourceType": "ValueSet", "status": "active", "status": "active"}',
    )
    (profiles / "j.json").mkdir()

    definitions = load_definitions(profiles)

    assert list(definitions.problems) == [
        "profiles/b.json: The body is not JSON: it breaks off, at line 1, column 2.",
        "profiles/c.json: resource: A resource must be an object, not a list.",
        "profiles/d.json: has no url; give it the canonical URL that others refer to it by",
        "profiles/e.json: has the url of profiles/a.json; give it one of its own",
        "profiles/h.json: CodeSystem.content: `whole` is not a code of `content`; allowed are "
        "complete, example, fragment, not-present, supplement.",
        "profiles/h.json: CodeSystem.concepts: `concepts` is not an element of CodeSystem; did you mean `concept`?",
        "profiles/i.json: The key `status` occurs more than once in one object; keep one.",
        "profiles/j.json: cannot be read (Is a directory); correct or remove it",
        f"profiles/f.json: refers to {CANONICAL}/CodeSystem/sexes, which no file defines; "
        "add it, or correct the reference",
        "profiles/g.json: refers to http://example.org/StructureDefinition/in, which no file defines; "
        "add it, or correct the reference",
    ]
    assert list(definitions.resources) == [
        f"{CANONICAL}/CodeSystem/genders",
        f"{CANONICAL}/ValueSet/sexes",
        f"{CANONICAL}/OperationDefinition/g",
    ]


def test_a_folder_that_is_not_there_is_a_problem(tmp_path: Path) -> None:
    definitions = load_definitions(tmp_path / "profils")

    assert definitions.problems == ("profils: there is no such folder; name the right one",)


def test_the_codes_of_a_value_set_are_those_it_lists_and_all_of_a_code_system() -> None:
    sexes = value_set(
        include=[{"system": "http://x", "concept": [{"code": "a"}]}, {"system": f"{CANONICAL}/CodeSystem/genders"}]
    )
    system = f"{CANONICAL}/CodeSystem/genders"

    codes = value_set_codes("ValueSet/sexes", defined(GENDERS, sexes))

    assert codes == (("http://x", "a"), (system, "m"), (system, "f"), (system, "f1"))


@pytest.mark.parametrize(
    ("compose", "message"),
    [
        ({}, "ValueSet/sexes cannot be listed; give it compose.include, and no compose.exclude"),
        (
            {"include": [{"system": "http://x"}], "exclude": [{"system": "http://x"}]},
            "ValueSet/sexes cannot be listed; give it compose.include, and no compose.exclude",
        ),
        (
            {"include": [{"system": "http://x", "filter": []}]},
            "ValueSet/sexes has `filter` in compose.include, which cannot be listed; list system and codes",
        ),
        (
            {"include": [{"concept": []}]},
            "ValueSet/sexes has no system in compose.include, which cannot be listed; list system and codes",
        ),
    ],
)
def test_a_value_set_that_cannot_be_listed_is_refused(compose: Json, message: str) -> None:
    with pytest.raises(ValueError, match="cannot be listed") as raised:
        value_set_codes("ValueSet/sexes", defined(value_set(**compose)))

    assert str(raised.value) == message


def concept_map(*pairs: tuple[str, str, str]) -> Json:
    return {
        "group": [
            {"element": [{"code": source, "target": [{"code": target, "equivalence": equivalence}]}]}
            for source, target, equivalence in pairs
        ]
    }


def test_a_concept_map_is_read_from_fhir_to_the_partner_and_back() -> None:
    table = concept_table(concept_map(("male", "MALE", "equal"), ("female", "FEMALE", "equivalent")))

    assert table == CodeTable(
        to_partner={"male": "MALE", "female": "FEMALE"}, to_fhir={"MALE": "male", "FEMALE": "female"}
    )
    assert isinstance(table.to_partner, MappingProxyType)


def test_of_several_partner_codes_the_one_marked_equal_is_written_and_all_are_read() -> None:
    table = concept_table(concept_map(("home", "LANDLINE", "equivalent"), ("home", "LAND_LINE", "equal")))

    assert table == CodeTable(to_partner={"home": "LAND_LINE"}, to_fhir={"LANDLINE": "home", "LAND_LINE": "home"})


def test_of_several_fhir_codes_the_one_marked_equal_is_read_and_all_are_written() -> None:
    table = concept_table(concept_map(("mobile", "MOBILE", "equal"), ("work", "MOBILE", "wider")))

    assert table == CodeTable(to_partner={"mobile": "MOBILE", "work": "MOBILE"}, to_fhir={"MOBILE": "mobile"})


def test_entries_that_pair_nothing_are_passed_over() -> None:
    table = concept_table(concept_map(("a", "A", "equal"), ("b", "A", "disjoint"), ("c", "A", "unmatched")))

    assert table == CodeTable(to_partner={"a": "A"}, to_fhir={"A": "a"})


def test_a_target_without_a_code_pairs_nothing() -> None:
    table = concept_table(
        {"group": [{"element": [{"code": "a", "target": [{"equivalence": "unmatched"}]}, {"code": "b"}]}]}
    )

    assert table == CodeTable(to_partner={}, to_fhir={})


@pytest.mark.parametrize("equivalence", ["equal", "equivalent"])
def test_a_choice_that_nothing_decides_is_a_problem_of_its_direction_and_never_a_guess(equivalence: str) -> None:
    table = concept_table(concept_map(("home", "LANDLINE", equivalence), ("home", "LAND_LINE", equivalence)))

    assert table == CodeTable(
        to_partner={},
        to_fhir={"LANDLINE": "home", "LAND_LINE": "home"},
        to_partner_problems=("`home` may become LANDLINE or LAND_LINE; mark exactly one of them as `equal`",),
    )
