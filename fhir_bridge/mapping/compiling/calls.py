"""Compiles the calls of one mapping file: what each sends, what it receives, its headers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from fhir_bridge.exchange import Repeat
from fhir_bridge.fhir.definitions import Definitions, canonical_url
from fhir_bridge.fhir.elements import Version, elements, is_resource, version_of
from fhir_bridge.fhir.json import loads
from fhir_bridge.fhir.published import HL7, published
from fhir_bridge.fhir.structure import structure_checker
from fhir_bridge.mapping.agreement import elements_named
from fhir_bridge.mapping.arguments import Arguments
from fhir_bridge.mapping.calls import Add, Call, Over
from fhir_bridge.mapping.checks import Check
from fhir_bridge.mapping.compiling.maps import MapCompiler
from fhir_bridge.mapping.compiling.operations import OperationCompiler
from fhir_bridge.mapping.compiling.paths import Paths
from fhir_bridge.mapping.compiling.profiles import compile_profile, no_profile
from fhir_bridge.mapping.compiling.required import check_required
from fhir_bridge.mapping.compiling.searches import SearchCompiler
from fhir_bridge.mapping.compiling.silent import compile_silent_types
from fhir_bridge.mapping.compiling.together import compile_together
from fhir_bridge.mapping.connecting import Environment, resolve, value_of
from fhir_bridge.mapping.fields import Variable
from fhir_bridge.mapping.headers import Source
from fhir_bridge.mapping.like import Spell, spelling
from fhir_bridge.mapping.lists import ListReceiver, compile_items
from fhir_bridge.mapping.maps import Map
from fhir_bridge.mapping.merging import compile_merging
from fhir_bridge.mapping.messages import MessageReceiver, MessageSender
from fhir_bridge.mapping.model import Content, HeaderSource, IdField, InteractionSpec, MappingFile, MapSpec
from fhir_bridge.mapping.partner_fields import Constant, PartnerField, compile_field
from fhir_bridge.mapping.passing import PassReceiver, PassSender
from fhir_bridge.mapping.places import Place
from fhir_bridge.mapping.querying import PageReceiver
from fhir_bridge.mapping.receivers import IdReceiver, MapReceiver, Receiver
from fhir_bridge.mapping.refusals import Refusals
from fhir_bridge.mapping.rows import Row
from fhir_bridge.mapping.senders import IdPair, MapSender, Sender
from fhir_bridge.mapping.source import Problems, Text, did_you_mean
from fhir_bridge.mapping.transforms import TRANSFORMS
from fhir_bridge.outcome import Json


@dataclass(slots=True)
class CallCompiler:
    """Compiles the calls of one mapping file, whose checks look for `max_problems` in a resource."""

    model: MappingFile
    definitions: Definitions
    environment: Environment
    problems: Problems
    max_problems: int

    @property
    def operations(self) -> OperationCompiler:
        return OperationCompiler(self.definitions, self.problems, self.max_problems)

    @property
    def searches(self) -> SearchCompiler:
        return SearchCompiler(self.model, self.definitions, self.problems)

    @property
    def _spell(self) -> Spell:
        return spelling(self.model.id_like)

    def calls(self) -> dict[str, Call]:
        """Return the calls by the keys of their interactions; those with problems are left out."""
        maps, new = self._maps(creating=False), self._maps(creating=True)
        check_required(self.model.interactions, self.model.maps, maps, self.problems)
        found = {
            spec.key: self._call(spec, new if spec.code == "create" else maps)
            for spec in self.model.interactions
            if spec.makes_a_call
        }
        calls = {key: call for key, call in found.items() if call is not None}
        calls |= self._messages(calls)
        thens = {spec.key: calls.get(spec.then) for spec in self.model.interactions if spec.then is not None}
        adds = {spec.key: tuple(self._adds(spec, maps)) for spec in self.model.interactions}
        overs = {spec.key: self._over(spec, calls, maps) for spec in self.model.interactions if spec.over is not None}
        versioned = {spec.key for spec in self.model.interactions if self._is_versioned(spec, calls)}
        return {
            key: replace(call, then=thens.get(key), adds=adds[key], over=overs.get(key), versioned=key in versioned)
            for key, call in calls.items()
        }

    def _is_versioned(self, spec: InteractionSpec, calls: Mapping[str, Call]) -> bool:
        """Whether the records of an interaction can be read by the ids of their versions."""
        reads = (other for other in self.model.interactions if other.key == f"read {spec.resource_type}")
        return any(other.key in calls and self.tells_version(other) for other in reads)

    def tells_version(self, reads: InteractionSpec) -> bool:
        """Whether a row tells the version of a record that is read."""
        map_spec = self.model.maps.get(reads.receive.map or "") if reads.receive else None
        return map_spec is not None and any(row.element == "meta.versionId" for row in map_spec.rows)

    def _over(self, spec: InteractionSpec, calls: Mapping[str, Call], maps: Mapping[str, Map]) -> Over | None:
        """Compile how an update is laid over the record that is there."""
        reads, map_ = calls.get(spec.over or ""), maps.get((spec.send.map if spec.send else None) or "")
        leaves = [compile_field(path, path.mark, self.problems) for path in spec.leaves]
        return Over(reads, compile_merging(map_, leaves)) if reads is not None and map_ is not None else None

    def _adds(self, spec: InteractionSpec, maps: Mapping[str, Map]) -> Iterator[Add]:
        """Compile the further calls of a read; none of them may write what another one has written."""
        structure = structure_checker("4.0", rules=False, max_problems=self.max_problems)
        written = set(self._elements(spec, maps))
        for add in spec.adds:
            call = self._call(add.spec, maps)
            for name in sorted(written & set(self._elements(add.spec, maps))):
                text = f"'{name}' is no list, and another call of '{spec.key}' writes it; leave it to one of them"
                self.problems.add(add.spec.mark, text)
            written.update(self._elements(add.spec, maps))
            if call is not None:
                yield Add(call, frozenset(add.without), structure)

    def _elements(self, spec: InteractionSpec, maps: Mapping[str, Map]) -> Iterator[str]:
        """Yield the elements at the top of a resource that a call reads, but for lists, which others may add to.

        A choice is one element, `deceased`, whatever its type.
        """
        found = maps.get(spec.receive.map or "") if spec.receive else None
        if found is not None:
            steps = (row.place.steps[0] for row in found.rows)
            known = elements(found.version, found.resource_type) if found.rows else {}
            yield from (step.path for step in steps if not known[step.name].repeats)

    def _messages(self, calls: Mapping[str, Call]) -> dict[str, Call]:
        """The calls of interactions whose resource goes in the message that another one's call sends."""
        found = {}
        for spec in self.model.interactions:
            map_spec = self.model.maps.get(spec.message or "")
            call = calls.get(spec.as_[0]) if spec.as_ else None
            if map_spec is not None and call is not None and isinstance(call.sender, PassSender):
                receiver = MessageReceiver(spec.resource_type, call.receiver, self._spell)
                found[spec.key] = replace(call, sender=self._message_sender(map_spec, call.sender), receiver=receiver)
        return found

    def _message_sender(self, spec: MapSpec, within: PassSender) -> MessageSender | PassSender:
        if spec.header is None:
            return within  # a problem already
        for profile in spec.header.profiles.values():
            self.check_definition(profile)
        system, _, code = spec.header.event.partition("#")
        return MessageSender(
            bare=self._pass_sender(spec, self._profile(spec, spec.profile)),
            within=within,
            event={"system": system, "code": code},
            source=tuple(self._source(source, self._place_in(spec, source.element)) for source in spec.header.source),
            profiles={type_: canonical_url(profile) for type_, profile in spec.header.profiles.items()},
            silent=compile_silent_types(spec, self._versions(), self.problems),
        )

    def _pass_sender(self, spec: MapSpec, profile: Check) -> PassSender:
        structures = {version: self._structure(version, spec, rules=True) for version in self._versions()}
        return PassSender(self._versions()[0], structures, profile)

    def _maps(self, *, creating: bool) -> dict[str, Map]:
        problems = Problems() if creating else self.problems  # the same ones, of the same rows
        compiler = MapCompiler(self._versions()[0], self.definitions, self.environment, problems, creating, self._spell)
        maps = self.model.maps.items()
        return {name: compiler.compile(spec, elements_named(self.model, name)) for name, spec in maps}

    def _call(self, spec: InteractionSpec, maps: Mapping[str, Map]) -> Call | None:
        connection, _ = resolve(self.model.connection, self.model.partner, self.environment)
        renewal = connection.renewal if connection is not None else None
        forwards = spec.anonymous or (connection is not None and connection.forwards)
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
            arguments=self._arguments(spec),
            refusals=Refusals(self.model.partner, self.model.title, self.model.errors, forwards),
            anonymous=spec.anonymous,
            refresh_header=renewal.header.lower() if renewal is not None else None,
            together=compile_together(spec, self.model.maps, self.problems) if spec.together else None,
            find_out=self._find_out(spec),
        )

    def _find_out(self, spec: InteractionSpec) -> str:
        """Return the sentence that says how a client finds out what became of a change."""
        known = {other.key for other in self.model.interactions}
        if f"search {spec.resource_type}" in known and spec.code == "create":
            return f"Search for the {spec.resource_type} to find out, before anything else is sent."
        if f"read {spec.resource_type}" in known and spec.code != "create":
            return f"Read the {spec.resource_type} to find out, before anything else is sent."
        return f"No read or search here tells; ask {self.model.title} before anything else is sent."

    def _map_spec(self, content: Content) -> MapSpec | None:
        spec = self.model.maps.get(content.map) if content.map else None
        if spec is None and content.map:
            hint = did_you_mean(content.map, self.model.maps)
            self.problems.add(content.map.mark, f"there is no map '{content.map}'{hint}")
        return spec

    def _sender(self, spec: InteractionSpec, maps: Mapping[str, Map]) -> Sender | None:
        map_spec = self._map_spec(spec.send) if spec.send else None
        if spec.code == "operation" and spec.method == "GET":
            return self.operations.query_sender(spec)
        if spec.send is None or map_spec is None:
            if spec.send is None and spec.code in ("update", "create", "operation"):
                self.problems.add(spec.mark, f"'{spec.key}' sends nothing; add 'send'")
            return None
        profile = self._profile(map_spec, spec.send.profile or map_spec.profile)
        if spec.send.as_it_is:
            return self._pass_sender(map_spec, profile)
        sources = [source for choices in self._headers(spec).values() for source in choices]
        return MapSender(
            map=maps[map_spec.name],
            id=self._id_pair(spec.send.id),
            structure=self._structure("4.0", map_spec, rules=True),
            profile=profile,
            in_headers=tuple(source.place for source in sources if source.place is not None),
            constants=tuple(self._constants(spec.send)),
            ids=tuple(self._ids(map_spec)),
            added=tuple(self._added(spec, maps)) if spec.code == "update" else (),
        )

    def _added(self, spec: InteractionSpec, maps: Mapping[str, Map]) -> Iterator[Row]:
        """The rows of the further calls that a read of this type makes."""
        read = f"read {spec.resource_type}"
        adds = [add.spec.receive for other in self.model.interactions if other.key == read for add in other.adds]
        for content in adds:
            found = maps.get(content.map or "") if content else None
            yield from found.rows if found else ()

    def _ids(self, spec: MapSpec) -> Iterator[PartnerField]:
        """The fields that are the id in the address where the element of their row is absent."""
        for row in spec.rows:
            if row.at and row.otherwise is not None:
                yield compile_field(row.at[0], row.at[0].mark, self.problems)

    def _arguments(self, spec: InteractionSpec) -> Arguments | None:
        if spec.code != "search":
            return None
        return self.searches.arguments(spec, self._constants(spec.send) if spec.send else ())

    def _constants(self, send: Content) -> Iterator[Constant]:
        """The fields that go with whatever is sent; one whose optional variable is unset is left out."""
        for path, spec in send.with_.items():
            texts = [value_of(value, self.environment) for value in spec.values]
            values = [_constant(text, spec.as_) for text in texts if text is not None]
            if values:
                field = compile_field(path, path.mark, self.problems)
                secret = any(isinstance(value, Variable) for value in spec.values)
                yield Constant(field, values if spec.is_list else values[0], secret)

    def _receiver(self, spec: InteractionSpec, maps: Mapping[str, Map]) -> Receiver | None:
        receive = spec.receive
        if receive is None:
            self.problems.add(spec.mark, f"'{spec.key}' receives nothing; add 'receive'")
            return None
        at = compile_field(receive.at, receive.at.mark, self.problems) if receive.at else None
        id_pair = self._id_pair(receive.id)
        if receive.map is None:
            return IdReceiver(at, id_pair)
        map_spec = self._map_spec(receive)
        if map_spec is None:
            return None
        if map_spec.profile is not None:
            self.check_definition(map_spec.profile)
        if receive.each is not None:
            total = compile_field(receive.total, receive.total.mark, self.problems) if receive.total else None
            items = compile_items(receive.each, receive.outer, self.problems)
            return ListReceiver(maps[map_spec.name], items, total, self._structure("4.0", map_spec, rules=False))
        if receive.as_it_is:
            return self._pass_receiver(spec, receive, map_spec)
        structure = self._structure("4.0", map_spec, rules=False)
        text = compile_field(receive.text, receive.text.mark, self.problems) if receive.text else None
        return MapReceiver(maps[map_spec.name], at, id_pair, structure, adds=spec.code == "adds", text=text)

    def _pass_receiver(self, spec: InteractionSpec, receive: Content, map_spec: MapSpec) -> Receiver:
        about = spec.location.removeprefix("read ") if spec.location else None
        is_empty_success = receive.empty_is_success
        receiver = PassReceiver(str(map_spec.resource), self._versions()[0], is_empty_success, about, self._spell)
        if not receive.links:
            return receiver
        return PageReceiver(receiver, spec.path, frozenset(self.operations.types(spec.definition)))

    def _versions(self) -> tuple[Version, ...]:
        return tuple(version_of(text) for text in self.model.versions)

    def _structure(self, version: Version, spec: MapSpec, *, rules: bool) -> Check:
        tolerated: dict[str, str] = {}
        for path, what in spec.tolerated.items():
            try:
                structure_checker(version, tolerated={path: what})
            except ValueError as error:
                self.problems.add(path.mark, f"{error}; correct the path, or write list or text")
            else:
                tolerated[path] = what
        return structure_checker(version, tolerated=tolerated, rules=rules, max_problems=self.max_problems)

    def _profile(self, spec: MapSpec, profile: Text | None) -> Check:
        if profile is None:
            return no_profile
        check = compile_profile(str(profile), profile.mark, self.definitions, self.problems, self.max_problems)
        if check is no_profile:
            return check
        of_type = self.definitions.find(profile)["type"]
        if of_type != spec.resource:
            text = f"'{profile}' is a profile of {of_type}, not of {spec.resource}; name one of that"
            self.problems.add(profile.mark, text)
        return check

    def _id_pair(self, field: IdField | None) -> IdPair | None:
        if field is None:
            return None
        if field.as_ not in ("text", "digits"):
            self.problems.add(field.as_.mark, f"unknown transform '{field.as_}' of an id; write text or digits")
            return None
        transform, spell = TRANSFORMS[field.as_], self._spell
        spelled = transform._replace(to_fhir=lambda value: spell(transform.to_fhir(value)))
        return IdPair(compile_field(field.at, field.at.mark, self.problems), spelled)

    def _headers(self, spec: InteractionSpec) -> dict[str, tuple[Source, ...]]:
        return {
            str(name): tuple(self._source(source, self.place(spec, source.element)) for source in choices)
            for name, choices in spec.headers.items()
        }

    def _source(self, source: HeaderSource, place: Place | None) -> Source:
        return Source(source.header, place, value_of(source.text, self.environment), source.new, source.like)

    def place(self, spec: InteractionSpec, path: Text | None) -> Place | None:
        """Return the place of an element of what an interaction sends; None where no element is named."""
        if path is not None and spec.send is None:
            self.problems.add(path.mark, f"'{path}' is an element of what is sent, and nothing is sent; add 'send'")
        return self._place_in(self.model.maps.get(spec.send.map or "") if spec.send else None, path)

    def _place_in(self, sent: MapSpec | None, path: Text | None) -> Place | None:
        version = self._versions()[0]
        if sent is None or path is None or not is_resource(version, sent.resource):
            return None
        slices = {slice_.path: slice_ for slice_ in sent.slices}
        return Paths(version, slices, self.problems).place(sent.resource, path, path.mark)

    def check_definition(self, reference: Text) -> None:
        """Report a canonical that is neither FHIR's own nor among the definitions."""
        url = canonical_url(reference)
        of_type = url.removeprefix(f"{HL7}StructureDefinition/")
        if url in published() or is_resource("4.0", of_type) or is_resource("3.0", of_type):
            return
        try:
            self.definitions.find(reference)
        except LookupError as error:
            self.problems.add(reference.mark, str(error.args[0]))


def _constant(text: str, as_: str) -> Json:
    return loads(text.encode()) if as_ != "text" else text


def _repeat(text: str) -> Repeat:
    return "safe" if text == "safe" else "unsent"
