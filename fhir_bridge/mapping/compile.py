"""`load_routes`: reads every mapping file and compiles it to routes; everything is checked here, at the start."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from fhir_bridge.connection import Forward
from fhir_bridge.exchange import Repeat
from fhir_bridge.fhir.definitions import Definitions, canonical_url, load_definitions
from fhir_bridge.fhir.elements import Version, is_resource
from fhir_bridge.fhir.interaction import Code
from fhir_bridge.fhir.profile import profile_checker
from fhir_bridge.fhir.structure import structure_checker
from fhir_bridge.mapping.agreement import check_agreement, elements_named
from fhir_bridge.mapping.calls import (
    Call,
    IdPair,
    MapReceiver,
    MapSender,
    PassReceiver,
    PassSender,
    Receiver,
    Sender,
)
from fhir_bridge.mapping.checks import Check
from fhir_bridge.mapping.compiling import MapCompiler
from fhir_bridge.mapping.connecting import Environment, resolve, value_of
from fhir_bridge.mapping.fields import Variable
from fhir_bridge.mapping.headers import Source
from fhir_bridge.mapping.like import is_id
from fhir_bridge.mapping.maps import Map
from fhir_bridge.mapping.model import Content, HeaderSource, IdField, InteractionSpec, MappingFile, MapSpec
from fhir_bridge.mapping.partner_fields import compile_field
from fhir_bridge.mapping.places import Paths, Place
from fhir_bridge.mapping.plans import (
    IdRule,
    MakePlan,
    operation_plan,
    patch_plan,
    read_plan,
    search_plan,
    told_by_body_plan,
    update_plan,
)
from fhir_bridge.mapping.reading import read_mapping_file
from fhir_bridge.mapping.refusals import Refusals
from fhir_bridge.mapping.routes import Partner, Route, Routes
from fhir_bridge.mapping.source import MappingFileError, Mark, Problems, Text, did_you_mean, read_file
from fhir_bridge.mapping.transforms import TRANSFORMS
from fhir_bridge.outcome import Issue, Json


def load_routes(mappings: Path, profiles: Path, environment: Environment) -> Routes:
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
        partner = _load(path, f"{mappings.name}/{path.name}", definitions, environment, problems)
        if partner is not None and partner.name in partners:
            problems.add(Mark(f"{mappings.name}/{path.name}", 1, 1), f"partner '{partner.name}' has a file already")
        elif partner is not None:
            partners[partner.name] = partner
    lines += problems.lines()
    if lines:
        raise MappingFileError(lines)
    return Routes(partners, definitions)


def _load(
    path: Path, name: str, definitions: Definitions, environment: Environment, problems: Problems
) -> Partner | None:
    root = read_file(path, name, problems)
    if root is None:
        return None
    model = read_mapping_file(root, problems)
    return _Compiler(model, definitions, environment, problems).partner()


@dataclass(slots=True)
class _Compiler:
    """Compiles one mapping file."""

    model: MappingFile
    definitions: Definitions
    environment: Environment
    problems: Problems

    def partner(self) -> Partner:
        connection, missing = resolve(self.model.connection, self.model.partner, self.environment)
        for variable in missing if connection is None else [*missing, *self._unset_defaults()]:
            self.problems.add(variable.mark, f"the variable {variable.name} is not set; set it and start again")
        check_agreement(self.model, self.problems)
        maps = self._maps()
        calls = {
            spec.key: call
            for spec in self.model.interactions
            if spec.makes_a_call and (call := self._call(spec, maps)) is not None
        }
        routes = [self._route(spec, calls) for spec in self.model.interactions]
        routes += [self._search_route(spec, calls[spec.key]) for spec in self._reads(calls)]
        profiles = {canonical_url(spec.profile) for spec in self.model.maps.values() if spec.profile}
        return Partner(
            name=self.model.partner,
            title=self.model.title,
            versions=tuple(_version(text) for text in self.model.versions),
            connection=connection,
            base_url_variable=self.model.connection.base_url.name,
            logical_system=self._logical_system(),
            systems=frozenset(canonical_url(system) for system in self.model.systems),
            profiles=frozenset(profiles),
            events=frozenset(self.model.events),
            id_like=self.model.id_like,
            routes=tuple(route for route in routes if route is not None),
        )

    def _unset_defaults(self) -> Iterator[Variable]:
        """Yield the variables of headers and of rows' `otherwise` that are not set and have to be."""
        sources = [source for spec in self.model.interactions for each in spec.headers.values() for source in each]
        rows = [row for spec in self.model.maps.values() for row in spec.rows]
        for value in [*(source.text for source in sources), *(row.otherwise for row in rows)]:
            if isinstance(value, Variable) and not value.optional and value_of(value, self.environment) is None:
                yield value

    def _maps(self) -> dict[str, Map]:
        compiler = MapCompiler("4.0", self.definitions, self.environment, self.problems)
        maps = self.model.maps.items()
        return {name: compiler.compile(spec, elements_named(self.model, name)) for name, spec in maps}

    def _call(self, spec: InteractionSpec, maps: Mapping[str, Map]) -> Call | None:
        connection, _ = resolve(self.model.connection, self.model.partner, self.environment)
        forwards = connection is not None and any(isinstance(auth, Forward) for auth in connection.auth)
        receiver, sender, headers = self._receiver(spec, maps), self._sender(spec, maps), self._headers(spec)
        if receiver is None:
            return None
        return Call(
            partner=self.model.partner,
            title=self.model.title,
            method=spec.method,
            path=spec.path,
            sender=sender,
            receiver=receiver,
            headers=headers,
            repeat=_repeat(spec.repeat),
            safe_without=tuple(compile_field(path, path.mark, self.problems) for path in spec.safe_without),
            refusals=Refusals(self.model.partner, self.model.title, self.model.errors, forwards),
        )

    def _map_spec(self, content: Content) -> MapSpec | None:
        spec = self.model.maps.get(content.map)
        if spec is None and content.map:
            hint = did_you_mean(content.map, self.model.maps)
            self.problems.add(content.map.mark, f"there is no map '{content.map}'{hint}")
        return spec

    def _sender(self, spec: InteractionSpec, maps: Mapping[str, Map]) -> Sender | None:
        map_spec = self._map_spec(spec.send) if spec.send else None
        if spec.send is None or map_spec is None:
            if spec.send is None and spec.code in ("update", "operation"):
                self.problems.add(spec.mark, f"'{spec.key}' sends nothing; add 'send'")
            return None
        profile = self._profile(map_spec)
        if spec.send.as_it_is:
            structures = {version: self._structure(version, map_spec, rules=True) for version in self._versions()}
            return PassSender(self._versions()[0], structures, profile)
        sources = [source for choices in self._headers(spec).values() for source in choices]
        in_headers = tuple(source.place for source in sources if source.place is not None)
        structure = self._structure("4.0", map_spec, rules=True)
        return MapSender(maps[map_spec.name], self._id_pair(spec.send.id), structure, profile, in_headers)

    def _receiver(self, spec: InteractionSpec, maps: Mapping[str, Map]) -> Receiver | None:
        if spec.receive is None:
            self.problems.add(spec.mark, f"'{spec.key}' receives nothing; add 'receive'")
            return None
        map_spec = self._map_spec(spec.receive)
        if map_spec is None:
            return None
        if map_spec.profile is not None:
            self._check_definition(map_spec.profile)
        if spec.receive.as_it_is:
            return PassReceiver(str(map_spec.resource), self._versions()[0], spec.receive.empty_is_success)
        at = compile_field(spec.receive.at, spec.receive.at.mark, self.problems) if spec.receive.at else None
        id_pair = self._id_pair(spec.receive.id)
        return MapReceiver(maps[map_spec.name], at, id_pair, self._structure("4.0", map_spec, rules=False))

    def _versions(self) -> tuple[Version, ...]:
        return tuple(_version(text) for text in self.model.versions)

    def _structure(self, version: Version, spec: MapSpec, *, rules: bool) -> Check:
        tolerated: dict[str, str] = {}
        for path, what in spec.tolerated.items():
            try:
                structure_checker(version, tolerated={path: what})
            except ValueError as error:
                self.problems.add(path.mark, f"{error}; correct the path, or write list or text")
            else:
                tolerated[path] = what
        return structure_checker(version, tolerated=tolerated, rules=rules)

    def _profile(self, spec: MapSpec) -> Check:
        if spec.profile is None:
            return _no_profile
        try:
            check = profile_checker(str(spec.profile), self.definitions)
        except ValueError as error:
            for line in str(error).splitlines():
                self.problems.add(spec.profile.mark, line)
            return _no_profile
        of_type = self.definitions.find(spec.profile)["type"]
        if of_type != spec.resource:
            text = f"'{spec.profile}' is a profile of {of_type}, not of {spec.resource}; name one of that"
            self.problems.add(spec.profile.mark, text)
        return check

    def _id_pair(self, field: IdField | None) -> IdPair | None:
        if field is None:
            return None
        if field.as_ not in ("text", "digits"):
            self.problems.add(field.as_.mark, f"unknown transform '{field.as_}' of an id; write text or digits")
            return None
        return IdPair(compile_field(field.at, field.at.mark, self.problems), TRANSFORMS[field.as_])

    def _headers(self, spec: InteractionSpec) -> dict[str, tuple[Source, ...]]:
        return {name: tuple(self._source(spec, source) for source in choices) for name, choices in spec.headers.items()}

    def _source(self, spec: InteractionSpec, source: HeaderSource) -> Source:
        place = self._place(spec, source.element) if source.element else None
        return Source(source.header, place, value_of(source.text, self.environment), source.new, source.like)

    def _place(self, spec: InteractionSpec, path: Text) -> Place | None:
        if spec.send is None:
            self.problems.add(path.mark, f"'{path}' is an element of what is sent, and nothing is sent; add 'send'")
            return None
        map_spec, version = self.model.maps.get(spec.send.map), self._versions()[0]
        if map_spec is None or not is_resource(version, map_spec.resource):
            return None
        slices = {slice_.path: slice_ for slice_ in map_spec.slices}
        return Paths(version, slices, self.problems).place(map_spec.resource, path, path.mark)

    def _route(self, spec: InteractionSpec, calls: Mapping[str, Call]) -> Route | None:
        call = calls.get(spec.writes or spec.as_ or spec.key)
        plan = self._plan(spec, calls)
        if call is None or plan is None:
            return None
        map_spec = self.model.maps.get(spec.send.map) if spec.send else None
        if spec.operation is not None and spec.definition is None:
            self.problems.add(spec.mark, f"'{spec.key}' is an operation; add 'definition', its OperationDefinition")
        if spec.definition is not None:
            self._check_definition(spec.definition)
        return Route(
            mark=spec.mark,
            partner=self.model.partner,
            code=_code(spec.code),
            resource_type=spec.resource_type,
            operation=spec.operation,
            also=spec.also,
            definition=canonical_url(spec.definition) if spec.definition else None,
            profile=canonical_url(map_spec.profile) if map_spec and map_spec.profile else None,
            call=call,
            plan=plan,
            of_system=spec.operation is not None and spec.as_ is not None,
        )

    def _reads(self, calls: Mapping[str, Call]) -> list[InteractionSpec]:
        return [spec for spec in self.model.interactions if spec.code == "read" and spec.key in calls]

    def _search_route(self, spec: InteractionSpec, reads: Call) -> Route:
        """What can be read can be searched for by its id."""
        return Route(
            mark=spec.mark,
            partner=self.model.partner,
            code="search-type",
            resource_type=spec.resource_type,
            operation=None,
            also=(),
            definition=None,
            profile=None,
            call=reads,
            plan=search_plan(reads, self._logical_system(), self._is_id),
        )

    def _is_id(self, text: str) -> bool:
        return is_id(text, self.model.id_like)

    def _logical_system(self) -> str | None:
        """The identity system whose values are the logical ids: the first."""
        return canonical_url(self.model.systems[0]) if self.model.systems else None

    def _plan(self, spec: InteractionSpec, calls: Mapping[str, Call]) -> MakePlan | None:
        if spec.code == "patch":
            return self._patch_plan(spec, calls)
        if spec.as_ is not None:
            return self._plan_as(spec, spec.as_, calls)
        call = calls.get(spec.key)
        if call is None:
            return None
        if spec.code == "read":
            return read_plan(call)
        if spec.code == "operation":
            return operation_plan(call)
        return update_plan(call, self._id_rule(spec), calls.get(f"read {spec.resource_type}"))

    def _id_rule(self, spec: InteractionSpec) -> IdRule:
        return IdRule(self._place(spec, spec.id) if spec.id else None)

    def _plan_as(self, spec: InteractionSpec, as_: Text, calls: Mapping[str, Call]) -> MakePlan | None:
        """The plan of what is carried out as an update, whose id the body tells."""
        updates = {other.key: other for other in self.model.interactions if other.code == "update"}
        if as_ not in updates:
            self.problems.add(as_.mark, f"there is no update '{as_}'{did_you_mean(as_, updates)}")
        call = calls.get(as_)
        if as_ not in updates or call is None:
            return None
        return told_by_body_plan(call, self._id_rule(updates[as_]), updates[as_].resource_type, self._is_id)

    def _patch_plan(self, spec: InteractionSpec, calls: Mapping[str, Call]) -> MakePlan | None:
        reads, writes = calls.get(spec.reads or ""), calls.get(spec.writes or "")
        if spec.reads is None or spec.writes is None or reads is None or writes is None:
            return None
        if reads.sender is None and isinstance(writes.sender, MapSender):
            return patch_plan(reads, writes)
        if isinstance(writes.sender, PassSender):
            self.problems.add(spec.writes.mark, f"'{spec.writes}' sends no map, so a patch cannot write with it")
        return None

    def _check_definition(self, reference: Text) -> None:
        if reference.startswith("http://hl7.org/fhir/"):
            return
        try:
            self.definitions.find(reference)
        except LookupError as error:
            self.problems.add(reference.mark, str(error.args[0]))


def _no_profile(resource: Json) -> list[Issue]:
    return []


def _version(text: str) -> Version:
    return "3.0" if text == "3.0" else "4.0"


def _repeat(text: str) -> Repeat:
    return "safe" if text == "safe" else "unsent"


_CODES: Mapping[str, Code] = {"read": "read", "update": "update", "patch": "patch", "create": "create"}


def _code(text: str) -> Code:
    return _CODES.get(text, "operation")
