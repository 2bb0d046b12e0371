"""HL7's official examples survive the way from JSON to XML and back; each element is written in FHIR's order."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from fhir_bridge.fhir import json, xml
from fhir_bridge.fhir.elements import Version
from fhir_bridge.fhir.structure import structure_checker
from fhir_bridge.outcome import FhirError
from tests.fhir.round_trip import changed

# It has elements of R4, in STU3's package; official_examples.md says so too.
_NOT_STU3 = "ig-r4.json"


def _of(version: Version, examples: Mapping[str, list[Path]]) -> list[Path]:
    return [path for path in examples[version] if (version, path.name) != ("3.0", _NOT_STU3)]


LARGE = 1_000_000
"""From this size on, in bytes, an example is a matter for a process of its own."""


@pytest.mark.parametrize("version", ["3.0", "4.0"])
def test_every_example_survives_json_to_xml_to_json_unchanged(
    version: Version, official_examples: Mapping[str, list[Path]]
) -> None:
    """Numbers digit by digit, narratives letter by letter, and members in the order that the example has."""
    small = [path for path in _of(version, official_examples) if path.stat().st_size < LARGE]

    assert changed(version, small) == set()


@pytest.mark.parametrize("version", ["3.0", "4.0"])
def test_so_does_every_large_one(version: Version, official_examples: Mapping[str, list[Path]]) -> None:
    """Of up to 35 MB."""
    large = [str(path) for path in _of(version, official_examples) if path.stat().st_size >= LARGE]

    command = [sys.executable, "-m", "tests.fhir.round_trip", version, *large]
    done = subprocess.run(command, capture_output=True, text=True, check=True)

    assert (len(large) > 1, done.stdout) == (True, "")


@pytest.mark.parametrize("version", ["3.0", "4.0"])
def test_with_line_breaks_they_say_the_same(version: Version, official_examples: Mapping[str, list[Path]]) -> None:
    """Each of less than 10 kB, which is most of them."""
    wrong = set()

    for path in _of(version, official_examples):
        text = path.read_bytes()
        if len(text) > 10_000:
            continue
        resource = json.loads(text)
        if xml.loads(xml.dumps(resource, version, indented=True), version) != resource:
            wrong.add(path.name)

    assert wrong == set()


def test_the_example_that_is_of_another_version_is_refused_as_xml_as_it_is_as_json(
    official_examples: Mapping[str, list[Path]],
) -> None:
    (path,) = (path for path in official_examples["3.0"] if path.name == _NOT_STU3)
    resource = json.loads(path.read_bytes())

    with pytest.raises(FhirError) as raised:
        xml.loads(xml.dumps(resource, "3.0"), "3.0")

    of_json = structure_checker("3.0")(resource)
    assert set(raised.value.issues) == {issue for issue in of_json if issue.error == "unknown-element"}
