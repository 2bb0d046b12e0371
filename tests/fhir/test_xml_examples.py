"""HL7's official examples survive the way from JSON to XML and back; each element is written in FHIR's order."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from fhir_bridge.fhir import json, xml
from fhir_bridge.fhir.elements import Version
from fhir_bridge.fhir.structure import structure_checker
from fhir_bridge.outcome import FhirError, Json

# It has elements of R4, in STU3's package; official_examples.md says so too.
_NOT_STU3 = "ig-r4.json"

# Their own JSON has its members in the order of the alphabet, `url` after `extension`, or none at all.
_IN_OTHER_ORDER: Mapping[str, str] = {
    "3.0": "Patient-null",
    "4.0": "Bundle-(terminologies|v[23]-valuesets|valuesets|valueset-expansions)|ConceptMap-sc-.*"
    "|CodeSystem-v2-[0-9]{4}|(CodeSystem|ValueSet)-v3-AdministrativeGender|Questionnaire-qs1|ValueSet-example-hierarchical"
    "|SearchParameter-.*-(extensions|genetic)-.*",
}


@pytest.mark.parametrize("version", ["3.0", "4.0"])
def test_every_example_survives_json_to_xml_to_json_unchanged(
    version: Version, official_examples: Mapping[str, list[Path]]
) -> None:
    """Numbers digit by digit, narratives letter by letter, and members in the order that the example has."""
    in_other_order = re.compile(_IN_OTHER_ORDER[version])
    changed = set()

    for path in official_examples[version]:
        if (version, path.name) == ("3.0", _NOT_STU3):
            continue
        resource = json.loads(path.read_bytes())
        back = xml.loads(xml.dumps(resource, version), version)
        if in_other_order.fullmatch(path.stem):
            resource, back = _sorted(resource), _sorted(back)
        if json.dumps(back) != json.dumps(resource):
            changed.add(path.name)

    assert changed == set()


@pytest.mark.parametrize("version", ["3.0", "4.0"])
def test_with_line_breaks_they_say_the_same(version: Version, official_examples: Mapping[str, list[Path]]) -> None:
    """Each of less than 10 kB, which is most of them."""
    changed = set()

    for path in official_examples[version]:
        text = path.read_bytes()
        if len(text) > 10_000 or (version, path.name) == ("3.0", _NOT_STU3):
            continue
        resource = json.loads(text)
        if xml.loads(xml.dumps(resource, version, indented=True), version) != resource:
            changed.add(path.name)

    assert changed == set()


def test_the_example_that_is_of_another_version_is_refused_as_xml_as_it_is_as_json(
    official_examples: Mapping[str, list[Path]],
) -> None:
    (path,) = (path for path in official_examples["3.0"] if path.name == _NOT_STU3)
    resource = json.loads(path.read_bytes())

    with pytest.raises(FhirError) as raised:
        xml.loads(xml.dumps(resource, "3.0"), "3.0")

    of_json = structure_checker("3.0")(resource)
    assert set(raised.value.issues) == {issue for issue in of_json if issue.error == "unknown-element"}


def _sorted(value: Json) -> Json:
    if isinstance(value, dict):
        return {name: _sorted(value[name]) for name in sorted(value)}
    return [_sorted(item) for item in value] if isinstance(value, list) else value
