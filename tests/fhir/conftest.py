"""HL7's official example resources, where `make examples` has installed them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import pytest

_INSTALLED = Path(__file__).parent / "node_modules"
_PACKAGES = {"3.0": "hl7.fhir.r3.examples", "4.0": "hl7.fhir.r4.examples"}
_ABOUT_THE_PACKAGE = {"package.json", ".index.json"}


@pytest.fixture(scope="session")
def official_examples() -> Mapping[str, list[Path]]:
    """The files of each FHIR version, sorted by name; without them the test is skipped, or fails where CI is set."""
    found = {version: _files(_INSTALLED / package) for version, package in _PACKAGES.items()}
    if not all(found.values()):
        missing = "HL7's official examples are not installed; run `make examples`."
        if os.environ.get("CI"):
            pytest.fail(missing)
        pytest.skip(missing)
    return found


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob("*.json") if path.name not in _ABOUT_THE_PACKAGE)
