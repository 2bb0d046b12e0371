"""HL7's official examples, and asyncio."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

_EXAMPLES = Path(__file__).parents[1] / "fhir/node_modules/hl7.fhir.r4.examples"


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def examples() -> Path:
    """The folder of HL7's R4 examples; without it the test is skipped, or fails where CI is set."""
    if not (_EXAMPLES / "TestScript-testscript-example.json").is_file():
        missing = "HL7's official examples are not installed; run `make examples`."
        if os.environ.get("CI"):
            pytest.fail(missing)
        pytest.skip(missing)
    return _EXAMPLES
