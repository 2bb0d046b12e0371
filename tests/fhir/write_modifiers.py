"""Writes fhir_bridge/fhir/modifiers.py anew from HL7's StructureDefinitions; `make modifiers` runs it.

The definitions come with the packages that `make examples` installs. test_official_definitions.py compares the result.
"""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator
from pathlib import Path

_PACKAGES = {"_STU3": "hl7.fhir.r3.examples", "_R4": "hl7.fhir.r4.examples"}
_INSTALLED = Path(__file__).parent / "node_modules"
_WRITTEN = Path(__file__).parents[2] / "fhir_bridge" / "fhir" / "modifiers.py"

_EVERYWHERE = ("implicitRules", "modifierExtension")
_BEGIN, _END = "# Written by `make modifiers`.\n", "# End of what `make modifiers` writes.\n"


def main() -> None:
    """Write the names of both versions between the two marks."""
    source = _WRITTEN.read_text(encoding="utf-8")
    before, _, rest = source.partition(_BEGIN)
    _, _, after = rest.partition(_END)
    tables = [_table(name, sorted(set(_modifiers(_INSTALLED / package)))) for name, package in _PACKAGES.items()]
    _WRITTEN.write_text(f"{before}{_BEGIN}{''.join(tables)}{_END}{after}", encoding="utf-8")


def _table(name: str, modifiers: list[str]) -> str:
    lines = textwrap.fill(" ".join(modifiers), 116, break_on_hyphens=False)
    return f'{name} = """\n{textwrap.indent(lines, "    ")}\n"""\n'


def _modifiers(package: Path) -> Iterator[str]:
    """Yield each element with `isModifier`; backbone elements are called as fhir.resources calls them."""
    for path in package.glob("StructureDefinition-*.json"):
        definition = json.loads(path.read_bytes())
        if definition.get("derivation") != "specialization" or definition["kind"] not in ("resource", "complex-type"):
            continue
        for element in definition["snapshot"]["element"]:
            *parents, name = element["path"].split(".")
            if element.get("isModifier") and element["max"] != "0" and name not in _EVERYWHERE:
                type_name = "".join(step[0].upper() + step[1:] for step in parents)
                yield f"{type_name}.{name.removesuffix('[x]')}"


if __name__ == "__main__":
    main()
