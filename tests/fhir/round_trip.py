"""`python -m tests.fhir.round_trip VERSION FILE…`: JSON to XML to JSON, and the names of files that come back changed.

As a program of its own, it is not slowed down by the measuring of coverage.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import cast

from fhir_bridge.fhir import json, xml
from fhir_bridge.fhir.elements import Version
from fhir_bridge.limits import Limits
from fhir_bridge.outcome import Json

# Their own JSON has its members in the order of the alphabet, `url` after `extension`, or none at all.
_IN_OTHER_ORDER: Mapping[str, str] = {
    "3.0": "Patient-null",
    "4.0": "Bundle-(terminologies|v[23]-valuesets|valuesets|valueset-expansions)|ConceptMap-sc-.*"
    "|CodeSystem-v2-[0-9]{4}|(CodeSystem|ValueSet)-v3-AdministrativeGender|Questionnaire-qs1|ValueSet-example-hierarchical"
    "|SearchParameter-.*-(extensions|genetic)-.*",
}

_LIMITS = Limits(max_values=10_000_000)
"""The largest example has more values than a client may send."""


def changed(version: Version, paths: Iterable[Path]) -> set[str]:
    """Return the names of the examples that do not survive: a digit, a letter of a narrative, the order of members."""
    in_other_order = re.compile(_IN_OTHER_ORDER[version])
    found = set()
    for path in paths:
        resource = json.loads(path.read_bytes(), _LIMITS)
        back = xml.loads(xml.dumps(resource, version), version, _LIMITS)
        if in_other_order.fullmatch(path.stem):
            resource, back = _sorted(resource), _sorted(back)
        if json.dumps(back) != json.dumps(resource):
            found.add(path.name)
    return found


def _sorted(value: Json) -> Json:
    if isinstance(value, dict):
        return {name: _sorted(value[name]) for name in sorted(value)}
    return [_sorted(item) for item in value] if isinstance(value, list) else value


if __name__ == "__main__":
    print(*sorted(changed(cast("Version", sys.argv[1]), map(Path, sys.argv[2:]))), sep="\n", end="")
