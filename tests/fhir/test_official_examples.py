"""HL7's official examples pass the structure checker; official_examples.md says which do not, and why."""

from __future__ import annotations

import re
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path

import pytest

from fhir_bridge.fhir.elements import Version
from fhir_bridge.fhir.json import loads
from fhir_bridge.fhir.structure import structure_checker
from fhir_bridge.limits import Limits
from fhir_bridge.outcome import Json

_LISTED = Path(__file__).with_name("official_examples.md")

_ANY_SIZE = Limits(max_values=10_000_000)

# fhir.resources is asked of files up to this size, which are all but the definitions of FHIR itself.
_SMALL_BYTES = 100_000


@pytest.mark.parametrize("version", ["3.0", "4.0"])
def test_only_listed_examples_are_refused_and_only_there_do_we_differ_from_fhir_resources(
    version: Version, official_examples: Mapping[str, list[Path]]
) -> None:
    """Every example is checked, and those that are small by fhir.resources too."""
    check = structure_checker(version)
    refused: dict[str, set[str]] = {"both": set(), "the bridge": set(), "fhir.resources": set()}

    for path in official_examples[version]:
        body = path.read_bytes()
        resource = loads(body, _ANY_SIZE)
        ours = bool(check(resource))
        theirs = _refused_by_fhir_resources(version, resource) if len(body) <= _SMALL_BYTES else ours
        if ours or theirs:
            refused["both" if ours and theirs else "the bridge" if ours else "fhir.resources"].add(path.name)

    assert refused == _listed(version)


@pytest.mark.parametrize("version", ["3.0", "4.0"])
def test_what_is_refused_of_the_examples_is_what_is_written_about_them(
    version: Version, official_examples: Mapping[str, list[Path]]
) -> None:
    """Each kind of problem, without its indices."""
    check = structure_checker(version)
    refused = _listed(version)["both"] | _listed(version)["the bridge"]

    issues = {
        (path.name.partition("-")[0], issue.error, re.sub(r"\[\d+\]", "", issue.expression or ""))
        for path in official_examples[version]
        if path.name in refused
        for issue in check(loads(path.read_bytes(), _ANY_SIZE))
    }

    assert issues == _PROBLEMS[version]


_BOTH = {
    ("ImplementationGuide", "element-missing", "ImplementationGuide.name"),
    ("ImplementationGuide", "element-missing", "ImplementationGuide.status"),
    ("ig", "element-missing", "ImplementationGuide.name"),
    ("ig", "element-missing", "ImplementationGuide.status"),
    ("Questionnaire", "element-missing", "Questionnaire.item.item.linkId"),
    ("Questionnaire", "element-missing", "Questionnaire.item.item.item.linkId"),
    ("Questionnaire", "element-missing", "Questionnaire.item.item.item.item.linkId"),
    ("SearchParameter", "element-missing", "SearchParameter.base"),
}
_PROBLEMS = {
    "3.0": {
        *_BOTH,
        ("ig", "unknown-element", "ImplementationGuide.license"),
        ("ig", "unknown-element", "ImplementationGuide.manifest"),
        ("ig", "unknown-element", "ImplementationGuide.packageId"),
        ("StructureDefinition", "element-missing", "StructureDefinition.type"),
        ("DataElement", "invalid-format", "DataElement.element.example.value"),
    },
    "4.0": {*_BOTH, ("SearchParameter", "invalid-format", "SearchParameter.id")},
}


def _refused_by_fhir_resources(version: Version, resource: Json) -> bool:
    package = import_module({"3.0": "fhir.resources.STU3", "4.0": "fhir.resources.R4B"}[version])
    try:
        package.get_fhir_model_class(resource["resourceType"]).model_validate(resource)
    except ValueError:  # pydantic's errors are among them, and so is a type that R4B does not have
        return True
    return False


def _listed(version: Version) -> dict[str, set[str]]:
    """Read `## 4.0: refused by both` and the files that are listed below it."""
    found: dict[str, set[str]] = {"both": set(), "the bridge": set(), "fhir.resources": set()}
    for section in _LISTED.read_text(encoding="utf-8").split("\n## ")[1:]:
        title, _, text = section.partition("\n")
        of_version, _, by = title.partition(": refused by ")
        if of_version == version:
            found[by] |= set(re.findall(r"^- `(.+)`$", text, re.MULTILINE))
    return found
