"""`fhir-bridge check`: prints every problem of mapping files and profiles."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from fhir_bridge.mapping.compile import load_routes
from fhir_bridge.mapping.routes import Partner
from fhir_bridge.mapping.source import MappingFileError
from fhir_bridge.settings import Settings, read_settings


class Placeholders(Mapping[str, str]):
    """An environment in which every variable is set: to its own value, else to its name, `$NAME`."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment

    def __getitem__(self, name: str) -> str:
        return self._environment.get(name) or f"${name}"

    def __iter__(self) -> Iterator[str]:
        return iter(self._environment)

    def __len__(self) -> int:
        return len(self._environment)


def check(folder: str | None) -> int:
    """Print every problem as `file:line:column: what; what to do`; return 1 where there is one.

    Variables count as set, whatever the environment. Raises ValueError for a folder that is not there.
    """
    settings = _settings(folder)
    try:
        routes = load_routes(settings.mappings, settings.profiles, Placeholders({}))
    except MappingFileError as error:
        print(*error.problems, sep="\n")
        return 1
    print(*(f"{partner.name}: {_interactions(partner)}" for partner in routes.partners.values()), sep="\n")
    return 0


def _settings(folder: str | None) -> Settings:
    """The settings of the environment, with another folder of mapping files where one is named."""
    if folder is None:
        return read_settings(os.environ)
    mappings = Path(folder)
    if not mappings.is_dir():
        raise ValueError(f"there is no folder '{folder}'; name the one that holds the mapping files")
    environment = {**os.environ, "FHIR_BRIDGE_MAPPINGS": folder}
    beside = mappings.resolve().parent / "profiles"
    if "FHIR_BRIDGE_PROFILES" not in os.environ and beside.is_dir():
        environment["FHIR_BRIDGE_PROFILES"] = str(beside)
    return read_settings(environment)


def _interactions(partner: Partner) -> str:
    names = (
        (f"${route.operation}" if route.operation else route.code, route.resource_type) for route in partner.routes
    )
    return ", ".join(dict.fromkeys(" ".join(filter(None, name)) for name in names))
