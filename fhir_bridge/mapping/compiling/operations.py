"""Compiles what an OperationDefinition says: the query of an operation that is called by GET, and what goes in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from fhir_bridge.fhir.definitions import Definitions
from fhir_bridge.fhir.elements import is_primitive
from fhir_bridge.fhir.structure import structure_checker
from fhir_bridge.mapping.checks import Check
from fhir_bridge.mapping.compiling.profiles import compile_profile, no_profile
from fhir_bridge.mapping.model import InteractionSpec
from fhir_bridge.mapping.querying import QuerySender
from fhir_bridge.mapping.source import Problems, Text
from fhir_bridge.outcome import Json


@dataclass(frozen=True, slots=True)
class OperationCompiler:
    """Reads OperationDefinitions; that one is not there is told elsewhere."""

    definitions: Definitions
    problems: Problems
    max_problems: int

    def query_sender(self, spec: InteractionSpec) -> QuerySender:
        """Return what makes the query of an operation that is called by GET."""
        types, definition = self.types(spec.definition), self.find(spec.definition)
        if spec.definition is not None and definition is not None:
            if definition.get("affectsState") is not False:
                text = "its definition does not say that `affectsState` is false; say so"
                self.problems.add(spec.definition.mark, f"'{spec.key}' is called by GET, but {text}")
            for name, type_name in types.items():
                if not is_primitive(type_name):
                    text = (
                        f"parameter '{name}' is a {type_name}, and cannot stand in a query; call the operation by POST"
                    )
                    self.problems.add(spec.definition.mark, text)
        structure = structure_checker("4.0", max_problems=self.max_problems)
        return QuerySender(types, structure, self.check(spec.definition))

    def types(self, reference: Text | None) -> Mapping[str, str]:
        """Return the types of the parameters that go in, by name."""
        parameters = (self.find(reference) or {}).get("parameter", ())
        return {each["name"]: each.get("type", "part") for each in parameters if each["use"] == "in"}

    def check(self, reference: Text | None) -> Check:
        """Return the check of what goes in, by the profile that the definition names for it."""
        profile = (self.find(reference) or {}).get("inputProfile")
        if profile is None or reference is None:
            return no_profile
        return compile_profile(profile, reference.mark, self.definitions, self.problems, self.max_problems)

    def find(self, reference: Text | None) -> Json:
        """Return a definition; None where there is none."""
        try:
            return self.definitions.find(reference or "")
        except LookupError:
            return None
