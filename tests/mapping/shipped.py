"""Every mapping file that is there, compiled: those that ship, and the fifth partner's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from fhir_bridge.fhir.definitions import CodeTable, Definitions, concept_table, load_definitions
from fhir_bridge.mapping.agreement import elements_named
from fhir_bridge.mapping.compile import load_routes
from fhir_bridge.mapping.compiling.maps import MapCompiler
from fhir_bridge.mapping.maps import Map
from fhir_bridge.mapping.model import MapSpec, RowSpec
from fhir_bridge.mapping.reading.files import read_mapping_file
from fhir_bridge.mapping.routes import Routes
from fhir_bridge.mapping.source import Mark, Problems, read_file

ROOT = Path(__file__).parents[2]
FOLDERS = (ROOT, ROOT / "tests" / "fifth_partner")


class Everything(Mapping[str, str]):
    """An environment in which every variable is set."""

    def __getitem__(self, name: str) -> str:
        return f"the-{name.lower()}"

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


@dataclass(frozen=True, repr=False)
class Shipped:
    """One map of a mapping file with rows: as it was written, and compiled.

    By the places of rows: their code tables, and the types that they refer to.
    """

    name: str
    spec: MapSpec
    map: Map
    tables: Mapping[Mark, CodeTable]
    references: Mapping[Mark, str]

    def __repr__(self) -> str:
        return self.name


def routes() -> Routes:
    """Return the routes of the mapping files that ship, all configured."""
    return load_routes(ROOT / "mappings", ROOT / "profiles", Everything())


def shipped_maps() -> list[Shipped]:
    """Return every map with rows of every mapping file."""
    found: list[Shipped] = []
    for folder in FOLDERS:
        definitions = load_definitions(folder / "profiles")
        for path in sorted((folder / "mappings").glob("*.yaml")):
            found += _maps(path, definitions)
    return found


def _maps(path: Path, definitions: Definitions) -> Iterator[Shipped]:
    problems = Problems()
    root = read_file(path, path.name, problems)
    assert root is not None
    model = read_mapping_file(root, problems)
    for name, spec in model.maps.items():
        for creating in (False, True) if any(row.only == "create" for row in spec.rows) else (False,):
            compiler = MapCompiler("4.0", definitions, Everything(), problems, creating)
            compiled = compiler.compile(spec, elements_named(model, name))
            assert not problems
            if compiled.rows:
                name_ = f"{model.partner}-{name}{'-created' if creating else ''}"
                yield Shipped(
                    name_, spec, compiled, dict(_tables(spec.rows, definitions)), dict(_references(spec.rows))
                )


def _tables(rows: tuple[RowSpec, ...], definitions: Definitions) -> Iterator[tuple[Mark, CodeTable]]:
    for row in rows:
        if row.codes is not None:
            yield row.mark, concept_table(definitions.find(row.codes))
        yield from _tables(row.each, definitions)


def _references(rows: tuple[RowSpec, ...]) -> Iterator[tuple[Mark, str]]:
    for row in rows:
        if (row.as_ or "").startswith("reference "):
            yield row.mark, str(row.as_).removeprefix("reference ")
        yield from _references(row.each)
