"""Compiles the interactions of one mapping file to routes, each with its plan."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from fhir_bridge.fhir.definitions import canonical_url
from fhir_bridge.fhir.interaction import Code
from fhir_bridge.fhir.published import published
from fhir_bridge.fhir.structure import structure_checker
from fhir_bridge.mapping.calls import Call
from fhir_bridge.mapping.compiling.calls import CallCompiler
from fhir_bridge.mapping.like import Spell, is_id, spelling
from fhir_bridge.mapping.model import CohortSpec, InteractionSpec, MappingFile
from fhir_bridge.mapping.passing import PassSender
from fhir_bridge.mapping.plans.cohort import Cohort
from fhir_bridge.mapping.plans.id_rule import IdRule
from fhir_bridge.mapping.plans.listing import list_plan
from fhir_bridge.mapping.plans.operating import operation_plan, query_plan
from fhir_bridge.mapping.plans.patching import patch_plan
from fhir_bridge.mapping.plans.reading import read_plan, search_plan, vread_plan
from fhir_bridge.mapping.plans.steps import MakePlan
from fhir_bridge.mapping.plans.writing import create_plan, told_by_body_plan, update_plan
from fhir_bridge.mapping.querying import QuerySender
from fhir_bridge.mapping.routes import Route, Step
from fhir_bridge.mapping.senders import MapSender
from fhir_bridge.mapping.source import Problems, Text, did_you_mean

_FOR_EACH_ID = "for each id"
_IDENTIFIED = "Patient"
"""The type whose records a partner's identity systems are about."""


@dataclass(slots=True)
class RouteCompiler:
    """Compiles the routes of one mapping file; `calls` are the compiled calls by the interactions' keys."""

    model: MappingFile
    compiler: CallCompiler
    calls: Mapping[str, Call]
    problems: Problems

    def routes(self) -> tuple[Route, ...]:
        routes = [route for spec in self.model.interactions for route in self._routes_of(spec)]
        listed = {spec.resource_type for spec in self.model.interactions if spec.code == "search"}
        for spec in self._reads():
            call = self.calls[spec.key]
            if spec.resource_type not in listed:
                routes.append(self._beside(spec, "search-type", self._search_plan(spec, call), when=_FOR_EACH_ID))
            if self.compiler.tells_version(spec):
                routes.append(self._beside(spec, "vread", vread_plan(call)))
        return tuple(routes)

    def _routes_of(self, spec: InteractionSpec) -> Iterator[Route]:
        route = self._route(spec)
        if route is not None:
            yield route
            if spec.cohort is not None:
                yield self._cohort_route(route, spec.cohort)

    def _cohort_route(self, route: Route, spec: CohortSpec) -> Route:
        """The operation of a route for several records."""
        self.compiler.check_definition(spec.definition)
        definition = self.compiler.operations.find(spec.definition)
        if definition is not None and definition["type"] is not True:
            text = f"'{spec.definition}' is not of a type; say `type`: true, or name the definition for several records"
            self.problems.add(spec.definition.mark, text)
        cohort = Cohort(
            partner=route.partner,
            resource_type=route.resource_type,
            most=spec.most,
            plan=route.plan,
            is_id=self._is_id,
            spell=self._spell,
            system=self._system_of(route.resource_type),
            structure=structure_checker("4.0", max_problems=self.compiler.max_problems),
            profile=self.compiler.operations.check(spec.definition),
        )
        canonical, steps = canonical_url(spec.definition), (Step(route.call, _FOR_EACH_ID),)
        return replace(route, mark=spec.mark, definition=canonical, profile=None, steps=steps, cohort=cohort)

    def _system_of(self, resource_type: str) -> str | None:
        """The identity system whose values are the logical ids of a type: the first is that of the patients."""
        return canonical_url(self.model.systems[0]) if self.model.systems and resource_type == _IDENTIFIED else None

    def _route(self, spec: InteractionSpec) -> Route | None:
        call = self.calls.get(spec.writes or (spec.as_[0] if spec.as_ and spec.message is None else spec.key))
        plan = self._plan(spec)
        if call is None or plan is None:
            return None
        map_spec = self.model.maps.get((spec.send.map if spec.send else spec.message) or "")
        profile = (spec.send.profile if spec.send else None) or (map_spec.profile if map_spec else None)
        if spec.operation is not None and spec.definition is None:
            self.problems.add(spec.mark, f"'{spec.key}' is an operation; add 'definition', its OperationDefinition")
        if spec.definition is not None:
            self.compiler.check_definition(spec.definition)
            self._check_operation(spec, spec.definition)
        return Route(
            mark=spec.mark,
            partner=self.model.partner,
            code=_code(spec.code),
            resource_type=spec.resource_type,
            operation=spec.operation,
            also=spec.also,
            definition=canonical_url(spec.definition) if spec.definition else None,
            profile=canonical_url(profile) if profile else None,
            call=call,
            plan=plan,
            steps=tuple(self._steps(spec, call)),
            of_system=spec.operation is not None and (bool(spec.as_) or not spec.resource_type),
            parameters=self.compiler.searches.parameters(spec),
            searched_by_id=spec.code == "search" and self._read_of(spec) is not None,
            system=self._system_of(spec.resource_type),
        )

    def _check_operation(self, spec: InteractionSpec, reference: Text) -> None:
        """The definition of an operation is one; FHIR's own is that of just this operation."""
        own, ours = published().get(canonical_url(reference)), self.compiler.operations.find(reference)
        is_own = own is None or (own.type == "operation" and own.code in (spec.operation, *spec.also))
        if not is_own or (ours is not None and ours["resourceType"] != "OperationDefinition"):
            text = f"'{reference}' is no OperationDefinition of '${spec.operation}'; name one that is"
            self.problems.add(reference.mark, text)

    def _reads(self) -> Iterable[InteractionSpec]:
        return [spec for spec in self.model.interactions if spec.code == "read" and spec.key in self.calls]

    def _beside(self, reads: InteractionSpec, code: Code, plan: MakePlan, *, when: str = "") -> Route:
        """What comes with a read: a search by the id, and the version that the record has now."""
        return Route(
            mark=reads.mark,
            partner=self.model.partner,
            code=code,
            resource_type=reads.resource_type,
            operation=None,
            also=(),
            definition=None,
            profile=None,
            call=self.calls[reads.key],
            plan=plan,
            steps=(Step(self.calls[reads.key], when), *_further(self.calls[reads.key], when)),
            searched_by_id=code == "search-type",
            system=self._system_of(reads.resource_type),
        )

    def _steps(self, spec: InteractionSpec, call: Call) -> Iterator[Step]:
        """Every call that an interaction may make."""
        reads = self.calls.get(spec.reads or f"read {spec.resource_type}")
        if spec.code == "search" and reads is not None:
            yield Step(reads, _FOR_EACH_ID)
        elif spec.code == "patch" and reads is not None:
            yield Step(reads)
        elif spec.over is not None and call.over is not None:
            yield Step(call.over.reads)
        elif spec.code == "update" and reads is not None:
            yield Step(reads, "with If-Match or If-Unmodified-Since")
        if spec.with_id is not None and spec.with_id in self.calls:
            yield Step(self.calls[spec.with_id], "where the body tells an id")
            yield Step(call, "where it tells none")
        elif len(spec.as_) == 1:
            yield Step(call)
        elif spec.as_:
            yield Step(call, "where the body tells an id")
            yield Step(self.calls[spec.as_[1]], "where it tells none")
        else:
            yield Step(call, _when(spec, call, reads), follows=spec.code == "patch" or call.over is not None)
        if call.then is not None:
            yield Step(call.then, "unless return=minimal", follows=True)
        if spec.code == "read":
            yield from _further(call)

    def _search_plan(self, spec: InteractionSpec, reads: Call) -> MakePlan:
        return search_plan(reads, self._system_of(spec.resource_type), self._is_id, self._spell)

    def _list_plan(self, spec: InteractionSpec, call: Call) -> MakePlan:
        """What can be read is searched for by its id as well, and never read for the sake of a list."""
        reads = self._read_of(spec)
        by_id = self._search_plan(spec, reads) if reads else None
        return list_plan(call, by_id, self._system_of(spec.resource_type), subsetted=spec.subsetted)

    def _read_of(self, spec: InteractionSpec) -> Call | None:
        return self.calls.get(f"read {spec.resource_type}")

    @property
    def _spell(self) -> Spell:
        return spelling(self.model.id_like)

    def _is_id(self, text: str) -> bool:
        return is_id(text, self.model.id_like)

    def _plan(self, spec: InteractionSpec) -> MakePlan | None:
        if spec.code == "patch":
            return self._patch_plan(spec)
        if spec.as_ and spec.message is None:
            return self._plan_as(spec, *spec.as_)
        if spec.with_id is not None:
            return self._plan_with_id(spec, spec.with_id)
        call = self.calls.get(spec.key)
        if call is None:
            return None
        if spec.code == "read":
            return read_plan(call)
        if isinstance(call.sender, QuerySender):
            return query_plan(call, call.sender.types)
        if spec.code == "operation":
            return operation_plan(call)
        if spec.code == "create":
            return create_plan(call)
        if spec.code == "search":
            return self._list_plan(spec, call)
        return update_plan(call, self._id_rule(spec), self._read_of(spec))

    def _id_rule(self, spec: InteractionSpec) -> IdRule:
        return IdRule(self.compiler.place(spec, spec.id), self._spell)

    def _plan_with_id(self, spec: InteractionSpec, update: Text) -> MakePlan | None:
        """The plan of a create whose body may tell an id: then it is an update."""
        updates = next((other for other in self.model.interactions if other.key == update), None)
        call, creates = self.calls.get(update), self.calls.get(spec.key)
        if updates is None or call is None or creates is None:
            return None
        return told_by_body_plan(call, creates, self._id_rule(updates), updates.resource_type, self._is_id)

    def _plan_as(self, spec: InteractionSpec, update: Text, create: Text | None = None, *more: Text) -> MakePlan | None:
        """The plan of what is carried out as an update, whose id the body tells, or as a create where it tells none."""
        updates = self._named(spec, "update", update)
        creates = self._named(spec, "create", create) if create else None
        for name in more:
            self.problems.add(name.mark, "'as' names an update, and the create that it is without an id; remove this")
        if updates is None or (create is not None and creates is None):
            return None
        call, made = self.calls.get(update), self.calls.get(create or "")
        if call is None:
            return None
        return told_by_body_plan(call, made, self._id_rule(updates), updates.resource_type, self._is_id)

    def _named(self, spec: InteractionSpec, code: str, name: Text) -> InteractionSpec | None:
        """Return the interaction that `spec` is carried out as. It must have a call, and be of the same type."""
        known = {other.key: other for other in self.model.interactions if other.code == code and other.makes_a_call}
        found = known.get(name)
        if found is None:
            self.problems.add(name.mark, f"there is no {code} '{name}'{did_you_mean(name, known)}")
        elif found.resource_type != (spec.resource_type or found.resource_type):
            text = f"'{name}' is no {code} of {spec.resource_type}; name '{code} {spec.resource_type}'"
            self.problems.add(name.mark, text)
        return found

    def _patch_plan(self, spec: InteractionSpec) -> MakePlan | None:
        reads, writes = self.calls.get(spec.reads or ""), self.calls.get(spec.writes or "")
        if spec.reads is None or spec.writes is None or reads is None or writes is None:
            return None
        if reads.sender is None and isinstance(writes.sender, MapSender):
            return patch_plan(reads, writes)
        if isinstance(writes.sender, PassSender):
            self.problems.add(spec.writes.mark, f"'{spec.writes}' sends no map, so a patch cannot write with it")
        return None


def _further(reads: Call, when: str = "") -> Iterator[Step]:
    """The further calls of a read."""
    return (Step(add.call, when, follows=True) for add in reads.adds)


def _when(spec: InteractionSpec, call: Call, reads: Call | None) -> str:
    """When the call that an interaction is about is made, or how."""
    if spec.code == "patch":
        return "where the patch changes anything"
    if spec.code == "search" and reads is not None:
        return "where none is asked for"
    if call.over is not None:
        return "with the rest of the record"
    return f"one for up to {call.together.most} entries of a batch" if call.together else ""


_CODES: Mapping[str, Code] = {
    "read": "read", "update": "update", "patch": "patch", "create": "create", "search": "search-type",
}  # fmt: skip


def _code(text: str) -> Code:
    return _CODES.get(text, "operation")
