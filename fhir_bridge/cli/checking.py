"""`fhir-bridge check`: prints every problem of mapping files and profiles."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from fhir_bridge.mapping.compile import load_routes
from fhir_bridge.mapping.source import MappingFileError
from fhir_bridge.settings import read_settings


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
    """Print every problem as `file:line:column: what; what to do`; return 1 where there is one."""
    environment = {**os.environ, "FHIR_BRIDGE_MAPPINGS": folder} if folder else os.environ
    settings = read_settings(environment)
    try:
        routes = load_routes(
            settings.mappings, _profiles_beside(settings.mappings, settings.profiles), Placeholders({})
        )
    except MappingFileError as error:
        print(*error.problems, sep="\n")
        return 1
    for partner in routes.partners.values():
        names = ", ".join(
            f"{f'${route.operation}' if route.operation else route.code} {route.resource_type}"
            for route in partner.routes
        )
        print(f"{partner.name}: {names}")
    return 0


def _profiles_beside(mappings: Path, profiles: Path) -> Path:
    """Mapping files in another folder bring their profiles along, in `profiles` beside it, or a variable names them."""
    beside = mappings.resolve().parent / "profiles"
    return beside if "FHIR_BRIDGE_PROFILES" not in os.environ and beside.is_dir() else profiles
