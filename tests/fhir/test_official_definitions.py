"""What the package knows of FHIR's types is what HL7's own StructureDefinitions and ValueSets say."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from fhir_bridge.fhir.elements import Element, Version, elements, resource_types

_FHIR_TYPE = "http://hl7.org/fhir/StructureDefinition/structuredefinition-fhir-type"

# Bindings whose codes are not listed: too long, or growing after FHIR's publication. See the module `codes`.
_LEFT_OPEN = frozenset({"fhirVersion", "license"})
# HL7 names the system alone, and lists nothing.
_LISTED_ELSEWHERE = frozenset({"Money.currency"})


@pytest.mark.parametrize("version", ["3.0", "4.0"])
def test_every_type_has_the_elements_of_its_structure_definition(
    version: Version, official_examples: Mapping[str, list[Path]]
) -> None:
    """Names, order, types, lists, what is required, choices, the summary and modifiers, of every type."""
    definitions = _structure_definitions(official_examples[version])

    ours = {name: [_as_told(element) for element in elements(version, name).values()] for name in definitions}

    assert len(definitions) > 400
    assert {name: found for name, found in ours.items() if sorted(found) != sorted(definitions[name])} == {}
    assert {name: found for name, found in ours.items() if _order(found) != _order(definitions[name])} == {}


@pytest.mark.parametrize("version", ["3.0", "4.0"])
def test_the_resource_types_are_those_that_have_a_structure_definition(
    version: Version, official_examples: Mapping[str, list[Path]]
) -> None:
    concrete = {
        definition["type"]
        for definition in _read(official_examples[version], "StructureDefinition-")
        if definition["kind"] == "resource" and not definition["abstract"] and "baseDefinition" in definition
    }

    assert resource_types(version) == concrete


@pytest.mark.parametrize("version", ["3.0", "4.0"])
def test_the_codes_of_required_bindings_are_those_of_the_value_sets(
    version: Version, official_examples: Mapping[str, list[Path]]
) -> None:
    files = official_examples[version]
    value_sets = {value_set["url"]: value_set for value_set in _read(files, "ValueSet-")}
    code_systems = {code_system["url"]: code_system for code_system in _read(files, "CodeSystem-")}

    differences = {}
    for type_name, name, url in _bindings(files):
        codes = _codes(url, value_sets, code_systems) if url else frozenset()
        is_open = codes is None or name in _LEFT_OPEN
        if f"{type_name}.{name}" in _LISTED_ELSEWHERE:
            assert {"EUR", "UAH", "USD"} <= elements(version, type_name)[name].codes
        elif elements(version, type_name)[name].codes != (frozenset() if is_open else codes):
            differences[f"{type_name}.{name}"] = codes

    assert differences == {}


@pytest.mark.parametrize("version", ["3.0", "4.0"])
def test_the_types_that_a_reference_leads_to_are_those_of_its_target_profiles(
    version: Version, official_examples: Mapping[str, list[Path]]
) -> None:
    differences = {
        f"{type_name}.{name}": targets
        for type_name, name, targets in _targets(official_examples[version])
        if elements(version, type_name)[name].targets != targets
    }

    assert differences == {}


def _targets(files: list[Path]) -> Iterator[tuple[str, str, set[str]]]:
    """Type, element and types of the target of every Reference; no types where any will do."""
    for definition in _definitions(files):
        for element in definition["snapshot"]["element"][1:]:
            types = [type_ for type_ in element.get("type", ()) if type_.get("code") == "Reference"]
            if types and element["max"] != "0":
                parent, _, name = element["path"].rpartition(".")
                told = [each for type_ in types for each in _as_list(type_.get("targetProfile", []))]
                targets = {each.rpartition("/")[2] for each in told}
                yield _class_name(parent), name.replace("[x]", "Reference"), targets - {"Resource"}


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


# name, type, repeats, required, choice, in summary, modifier
Told = tuple[str, str, bool, bool, str, bool, bool]


def _as_told(element: Element) -> Told:
    required = element.choice_required if element.choice else element.required
    choice = element.choice or ""
    return element.name, element.type, element.repeats, required, choice, element.in_summary, element.is_modifier


def _order(told: list[Told]) -> list[str]:
    """The order of the elements; that of a choice's types is nobody's concern, since one is there at most."""
    return list(dict.fromkeys(choice or name for name, _, _, _, choice, *_ in told))


def _read(files: list[Path], prefix: str) -> Iterator[Any]:
    return (json.loads(path.read_bytes()) for path in files if path.name.startswith(prefix))


def _definitions(files: list[Path]) -> Iterator[Any]:
    """Resources and complex types; not the profiles, and not the models that have no JSON."""
    for definition in _read(files, "StructureDefinition-"):
        if definition.get("derivation") == "specialization" and definition["kind"] in ("resource", "complex-type"):
            yield definition


def _structure_definitions(files: list[Path]) -> dict[str, list[Told]]:
    """All types by name; backbone elements are called as fhir.resources calls them: PatientContact."""
    found: dict[str, list[Told]] = {}
    for definition in _definitions(files):
        root, *members = definition["snapshot"]["element"]
        parents = {element["path"].rpartition(".")[0] for element in members}
        for element in members:
            parent, _, name = element["path"].rpartition(".")
            told = found.setdefault(_class_name(parent), [])
            if element["max"] != "0":
                told += _told(element, name, parents, is_resource_id=parent == root["path"] and name == "id")
    return found


def _told(element: Any, name: str, parents: set[str], *, is_resource_id: bool) -> Iterator[Told]:
    repeats, required = element["max"] != "1", element["min"] > 0
    summary, modifier = element.get("isSummary", False), element.get("isModifier", False)
    choice = name.removesuffix("[x]") if name.endswith("[x]") else ""
    for type_name in _types(element, parents):
        # R4 types the id of a resource as string in its definitions, and as id in its text.
        own = "id" if is_resource_id and _is_id_of_resource(element) else type_name
        yield f"{choice}{_capital(own)}" if choice else name, own, repeats, required, choice, summary, modifier


def _is_id_of_resource(element: Any) -> bool:
    return bool(element["base"]["path"] == "Resource.id")


def _types(element: Any, parents: set[str]) -> list[str]:
    if "contentReference" in element:
        return [_class_name(element["contentReference"].partition("#")[2])]
    codes = [_type(type_, element["path"]) for type_ in element["type"]]
    return list(dict.fromkeys(_class_name(element["path"]) if element["path"] in parents else code for code in codes))


def _type(type_: Any, path: str) -> str:
    told = [extension for extension in type_.get("extension", ()) if extension["url"] == _FHIR_TYPE]
    if told:
        return str(told[0]["valueUrl"])
    return str(type_.get("code", "xhtml" if path == "Narrative.div" else ""))


def _class_name(path: str) -> str:
    return "".join(_capital(step) for step in path.split("."))


def _capital(name: str) -> str:
    return name[0].upper() + name[1:]


def _bindings(files: list[Path]) -> Iterator[tuple[str, str, str | None]]:
    """Type, element and value set of every element of type code; None where the binding is not required."""
    for definition in _definitions(files):
        for element in definition["snapshot"]["element"][1:]:
            parent, _, name = element["path"].rpartition(".")
            if element["max"] != "0" and [type_.get("code") for type_ in element.get("type", ())] == ["code"]:
                yield _class_name(parent), name, _required_value_set(element.get("binding", {}))


def _required_value_set(binding: Any) -> str | None:
    if binding.get("strength") != "required":
        return None
    reference = binding.get("valueSetReference", {}).get("reference")
    return str(binding.get("valueSet") or binding.get("valueSetUri") or reference).partition("|")[0]


def _codes(url: str, value_sets: Mapping[str, Any], code_systems: Mapping[str, Any]) -> frozenset[str] | None:
    """The codes of a value set; None where it cannot be written out, such as all media types."""
    if url not in value_sets:
        return None
    found: set[str] = set()
    for include in value_sets[url]["compose"]["include"]:
        listed = include.get("concept") or _concepts(code_systems.get(include.get("system"), {}))
        nested = [_codes(each.partition("|")[0], value_sets, code_systems) for each in include.get("valueSet", ())]
        if "filter" in include or None in nested or not (listed or nested):
            return None
        found |= {concept["code"] for concept in listed if not nested} | {c for codes in nested for c in codes or ()}
    return frozenset(found)


def _concepts(within: Any) -> list[Any]:
    concepts = within.get("concept", [])
    return [*concepts, *(child for concept in concepts for child in _concepts(concept))]
