"""Compiles an operation that is called by GET: what its definition says of its parameters is what its query may say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from fhir_bridge.fhir.definitions import Definitions
from fhir_bridge.fhir.elements import is_primitive
from fhir_bridge.fhir.profile import profile_checker
from fhir_bridge.fhir.structure import structure_checker
from fhir_bridge.mapping.checks import Check
from fhir_bridge.mapping.model import InteractionSpec
from fhir_bridge.mapping.querying import QuerySender
from fhir_bridge.mapping.source import Problems, Text
from fhir_bridge.outcome import Issue, Json


@dataclass(frozen=True, slots=True)
class QueryCompiler:
    """Compiles what makes the query of an operation, out of its OperationDefinition."""

    definitions: Definitions
    problems: Problems

    def sender(self, spec: InteractionSpec) -> QuerySender:
        """Return the sender of an operation; that it has no definition is told elsewhere."""
        types = self.types(spec)
        definition = self._definition(spec)
        if spec.definition is None or definition is None:
            return QuerySender(types, structure_checker("4.0"), _no_profile)
        if definition.get("affectsState") is not False:
            text = (
                f"'{spec.key}' is called by GET, but its definition does not say that `affectsState` is false; say so"
            )
            self.problems.add(spec.definition.mark, text)
        for name, type_name in types.items():
            if not is_primitive(type_name):
                text = f"parameter '{name}' is a {type_name}, and cannot stand in a query; call the operation by POST"
                self.problems.add(spec.definition.mark, text)
        return QuerySender(types, structure_checker("4.0"), self._profile(definition, spec.definition))

    def types(self, spec: InteractionSpec) -> Mapping[str, str]:
        """Return the types of the parameters that go in, by name."""
        parameters = (self._definition(spec) or {}).get("parameter", ())
        return {each["name"]: each.get("type", "part") for each in parameters if each["use"] == "in"}

    def _definition(self, spec: InteractionSpec) -> Json:
        try:
            return self.definitions.find(spec.definition or "")
        except LookupError:
            return None

    def _profile(self, definition: Json, mark: Text) -> Check:
        profile = definition.get("inputProfile")
        if profile is None:
            return _no_profile
        try:
            return profile_checker(profile, self.definitions)
        except ValueError as error:
            for line in str(error).splitlines():
                self.problems.add(mark.mark, line)
            return _no_profile


def _no_profile(resource: Json) -> list[Issue]:
    return []
