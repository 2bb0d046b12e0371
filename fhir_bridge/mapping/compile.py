"""`load_routes`: reads every mapping file and compiles it to routes; everything is checked here, at the start."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from fhir_bridge.fhir.definitions import Definitions, canonical_url, load_definitions
from fhir_bridge.fhir.elements import version_of
from fhir_bridge.limits import DEFAULTS, Limits
from fhir_bridge.mapping.agreement import check_agreement
from fhir_bridge.mapping.compiling.calls import CallCompiler
from fhir_bridge.mapping.compiling.routes import RouteCompiler
from fhir_bridge.mapping.connecting import Environment, resolve, value_of
from fhir_bridge.mapping.fields import Variable
from fhir_bridge.mapping.model import MappingFile
from fhir_bridge.mapping.reading.files import read_mapping_file
from fhir_bridge.mapping.routes import Partner, Routes
from fhir_bridge.mapping.source import MappingFileError, Mark, Problems, read_file


def load_routes(mappings: Path, profiles: Path, environment: Environment, limits: Limits = DEFAULTS) -> Routes:
    """Return the routes of all mapping files; raises MappingFileError with every problem of every file.

    A partner whose base URL is not set is there without a connection; one that lacks another variable is a problem.
    """
    definitions = load_definitions(profiles)
    problems = Problems()
    partners: dict[str, Partner] = {}
    lines = list(definitions.problems)
    files = sorted(mappings.glob("*.yaml"))
    if not files:
        lines.append(f"{mappings.name}: there is no mapping file (*.yaml) in this folder; name one that has some")
    for path in files:
        partner = _load(path, f"{mappings.name}/{path.name}", definitions, environment, problems, limits)
        if partner is not None and partner.name in partners:
            problems.add(Mark(f"{mappings.name}/{path.name}", 1, 1), f"partner '{partner.name}' has a file already")
        elif partner is not None:
            partners[partner.name] = partner
    lines += problems.lines()
    if lines:
        raise MappingFileError(lines)
    return Routes(partners, definitions)


def _load(
    path: Path, name: str, definitions: Definitions, environment: Environment, problems: Problems, limits: Limits
) -> Partner | None:
    root = read_file(path, name, problems)
    if root is None:
        return None
    return _partner(read_mapping_file(root, problems), definitions, environment, problems, limits)


def _partner(
    model: MappingFile, definitions: Definitions, environment: Environment, problems: Problems, limits: Limits
) -> Partner:
    """Compile one mapping file."""
    check_agreement(model, problems)
    connection, missing = resolve(model.connection, model.partner, environment)
    if connection is not None:
        model = _offered(model, environment)
        missing += _unset(model, environment)
    for variable in missing:
        problems.add(variable.mark, f"the variable {variable.name} is not set; set it and start again")
    calls = CallCompiler(model, definitions, environment, problems, limits.max_problems)
    routes = RouteCompiler(model, calls, calls.calls(), problems)
    profiles = {canonical_url(spec.profile) for spec in model.maps.values() if spec.profile}
    profiles |= {canonical_url(spec.send.profile) for spec in model.interactions if spec.send and spec.send.profile}
    headers = [spec.header for spec in model.maps.values() if spec.header]
    profiles |= {canonical_url(profile) for header in headers for profile in header.profiles.values()}
    return Partner(
        name=model.partner,
        title=model.title,
        versions=tuple(version_of(text) for text in model.versions),
        connection=connection,
        base_url_variable=model.connection.base_url.name,
        systems=frozenset(canonical_url(system) for system in model.systems),
        profiles=frozenset(profiles),
        events=frozenset(model.events),
        id_like=model.id_like,
        routes=routes.routes(),
    )


def _offered(model: MappingFile, environment: Environment) -> MappingFile:
    """The file without the interactions that need a variable which is not set."""
    offered = (spec for spec in model.interactions if all(value_of(name, environment) for name in spec.needs))
    return replace(model, interactions=tuple(offered))


def _unset(model: MappingFile, environment: Environment) -> Iterator[Variable]:
    """Yield the variables of headers, of rows' `otherwise` and of `with` that are not set and have to be."""
    sources = [source for spec in model.interactions for each in spec.headers.values() for source in each]
    sources += [source for spec in model.maps.values() if spec.header for source in spec.header.source]
    rows = [row for spec in model.maps.values() for row in spec.rows]
    sent = [constant for spec in model.interactions if spec.send for constant in spec.send.with_.values()]
    constants = [value for constant in sent for value in constant.values]
    for value in [*(source.text for source in sources), *(row.otherwise for row in rows), *constants]:
        if isinstance(value, Variable) and not value.optional and value_of(value, environment) is None:
            yield value
