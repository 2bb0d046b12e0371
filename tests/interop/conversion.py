"""`python -m tests.interop.conversion`: HAPI's converter of R4 and STU3 beside ours.

Each element of each type that the conversion can meet is sent both ways, with each of its codes. Where HAPI converts
it, ours must be the same, but for what ours tells as an issue, or keeps in FHIR's own extension where HAPI loses it.
Exit 1 where another thing differs, or where one that is listed here no longer does.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from fhir_bridge.fhir.elements import Element, is_primitive
from fhir_bridge.outcome import Json
from tests.fhir.test_version_differences import ALL, CONCEPTS, Spot, converted

JAVA = Path(__file__).parent / "java"

TEXTS = {
    "date": "2020-01-01", "dateTime": "2020-01-01", "instant": "2020-01-01T00:00:00Z", "time": "10:00:00",
    "uri": "urn:a", "url": "urn:a", "canonical": "urn:a", "oid": "urn:oid:1.2", "base64Binary": "AAAA",
    "uuid": "urn:uuid:c757873d-ec9a-4326-a141-556f43239520",
    "xhtml": '<div xmlns="http://www.w3.org/1999/xhtml">x</div>',
}  # fmt: skip
NUMBERS = frozenset({"decimal", "integer", "positiveInt", "unsignedInt"})
PARTS: dict[str, Json] = {
    "Reference": {"display": "s"}, "CodeableConcept": {"text": "s"}, "Coding": {"code": "a"},
    "Identifier": {"value": "s"}, "Quantity": {"unit": "s"}, "Period": {"start": "2020"},
}  # fmt: skip

EXPLAINED = {
    "Signature.onBehalfOfUri": "we keep the uri in an extension, for R4 has a Reference there",
    "Money.code": "we write a currency only where the code system says that the code is one",
    "Money.currency": "HAPI leaves out the system of the currency, which STU3 requires (mny-1)",
    "MessageHeaderDestination.receiver": "HAPI does not know that STU3 has one receiver for all destinations",
}
"""By type and element: why ours is another than HAPI's, and right."""


class Pair(NamedTuple):
    spot: Spot
    code: str | None
    ours: Json
    hapi: Json

    @property
    def element(self) -> str:
        return f"{self.spot.holder}.{self.spot.element.name}"


def main() -> int:
    cases = [(spot, code) for spot in ALL for code in (sorted(spot.element.codes) or [None])]
    sent = [spot.resource(content(spot.element, code)) for spot, code in cases]
    answers = hapi([f"{spot.version} {json.dumps(resource)}" for (spot, _), resource in zip(cases, sent, strict=True)])
    differing = list(_differing(cases, sent, answers))
    known = {pair.element for pair in differing} & EXPLAINED.keys()
    wrong = [
        f"{pair.spot.version}: {pair.spot}, {pair.code}: ours: {json.dumps(pair.ours)}, HAPI's: {json.dumps(pair.hapi)}"
        for pair in differing
        if pair.element not in EXPLAINED
    ]
    wrong += [f"{element}: HAPI's is the same now; take it out of EXPLAINED" for element in EXPLAINED.keys() - known]
    print(f"HAPI's converter and ours agree on {len(cases) - len(differing):,} of {len(cases):,} elements and codes.")
    print("Why ours is another:", *(f"{name}: {EXPLAINED[name]}" for name in sorted(known)), sep="\n- ")
    print(*wrong, sep="\n", file=sys.stderr)
    return 1 if wrong else 0


def hapi(lines: list[str]) -> list[Json]:
    """Return each resource as HAPI converts it; None for one that it does not."""
    with tempfile.TemporaryDirectory() as folder:
        given, written = Path(folder) / "in", Path(folder) / "out"
        given.write_text("\n".join(lines), encoding="utf-8")
        subprocess.run([JAVA / "convert", given, written], check=True, stdout=subprocess.DEVNULL)
        return [json.loads(line) if line else None for line in written.read_text(encoding="utf-8").split("\n")[:-1]]


def content(element: Element, code: str | None) -> Json:
    """Return an element with a value of its type, as HAPI reads it too."""
    if element.name in CONCEPTS and element.type == "CodeableConcept":
        system, known = CONCEPTS[element.name]
        value: Json = {"coding": [{"system": system, "code": known}]}
    elif not is_primitive(element.type):
        value = PARTS.get(element.type, {"id": "m"})
    elif element.type in NUMBERS:
        value = 1
    else:
        value = code or (True if element.type == "boolean" else TEXTS.get(element.type, "s"))
    return {element.name: [value] if element.repeats else value}


def _differing(cases: list[tuple[Spot, str | None]], sent: list[Json], answers: list[Json]) -> Iterator[Pair]:
    for (spot, code), resource, theirs in zip(cases, sent, answers, strict=True):
        ours = converted(spot, resource)
        if theirs is not None and not ours.issues and _in_both(ours.resource) != _in_both(theirs):
            yield Pair(spot, code, ours.resource, theirs)


def _in_both(value: Json) -> Json:
    """Return a value without what HAPI has no word for: FHIR's extensions for the other version, and when it is sent.

    What is empty without them is gone too, as it is for HAPI.
    """
    if isinstance(value, list):
        return [each for each in map(_in_both, value) if each not in ({}, [])]
    if not isinstance(value, dict):
        return value
    members = {name: _in_both(each) for name, each in value.items() if name != "timestamp" and not _is_ours(each)}
    return {name: each for name, each in members.items() if each not in ({}, [], None)}


def _is_ours(value: Json) -> bool:
    return (
        isinstance(value, list)
        and bool(value)
        and all(isinstance(each, dict) and "/StructureDefinition/extension-" in str(each.get("url")) for each in value)
    )


if __name__ == "__main__":
    sys.exit(main())
