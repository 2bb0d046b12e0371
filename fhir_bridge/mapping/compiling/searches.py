"""Compiles what a search says in its call, against the SearchParameters that define it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from fhir_bridge.fhir.definitions import Definitions, canonical_url
from fhir_bridge.fhir.elements import resource_types
from fhir_bridge.fhir.search import Parameter
from fhir_bridge.fhir.terminology import all_codes
from fhir_bridge.mapping.arguments import Argument, Arguments, PageArgument, read_reference, read_token
from fhir_bridge.mapping.like import is_id
from fhir_bridge.mapping.model import ArgumentSpec, InteractionSpec, MappingFile
from fhir_bridge.mapping.partner_fields import Constant, PartnerField, compile_field, is_one_place
from fhir_bridge.mapping.source import Problems, Text, did_you_mean
from fhir_bridge.mapping.transforms import TRANSFORMS
from fhir_bridge.outcome import Json

_HL7 = "http://hl7.org/fhir/SearchParameter/"


@dataclass(frozen=True, slots=True)
class SearchCompiler:
    """Compiles the arguments of one mapping file's searches."""

    model: MappingFile
    definitions: Definitions
    problems: Problems

    def arguments(self, spec: InteractionSpec, constants: Iterable[Constant]) -> Arguments:
        """Return what a search says in its call."""
        self._check(spec)
        given = [(each, in_body) for in_body, part in ((False, spec.query), (True, spec.body)) for each in part]
        return Arguments(
            tuple(self._argument(each, in_body) for each, in_body in given if each.parameter is not None),
            tuple(self._page(each, in_body) for each, in_body in given if each.parameter is None),
            tuple(constants),
        )

    def parameters(self, spec: InteractionSpec) -> tuple[Parameter, ...]:
        """Return the search parameters that a search offers; one without a definition is a problem of its own."""
        given = [each for each in (*spec.query, *spec.body) if each.parameter and each.definition]
        return tuple(self._parameter(spec, each) for each in given)

    def _check(self, spec: InteractionSpec) -> None:
        """Report what cannot stand together."""
        if spec.method == "GET" and (spec.body or spec.send):
            mark = spec.body[0].name.mark if spec.body else spec.mark
            self.problems.add(mark, "a GET has no body; write 'query', or another method")
        seen: list[Text] = list(spec.send.with_) if spec.send else []
        for each in spec.body:
            for other in seen:
                if is_one_place(each.name, other):
                    text = f"field '{each.name}' is written by line {other.mark.line} as well; keep one of the two"
                    self.problems.add(each.name.mark, text)
            seen.append(each.name)

    def _page(self, spec: ArgumentSpec, in_body: bool) -> PageArgument:
        return PageArgument(self._field(spec, in_body), in_body, spec.most)

    def _argument(self, spec: ArgumentSpec, in_body: bool) -> Argument:
        field, read = self._field(spec, in_body), self._reading(spec)
        return Argument(spec.name.mark, str(spec.parameter), field, in_body, read, spec.join, spec.required)

    def _field(self, spec: ArgumentSpec, in_body: bool) -> PartnerField:
        return compile_field(spec.name, spec.name.mark, self.problems) if in_body else PartnerField((str(spec.name),))

    def _reading(self, spec: ArgumentSpec) -> Callable[[str], Json]:
        word, _, type_name = (spec.as_ or "text").partition(" ")
        if word == "reference":
            self._check_type(spec, type_name)
            return read_reference(type_name, lambda text: is_id(text, self.model.id_like))
        if spec.as_ is not None and spec.as_ not in ("text", "digits"):
            text = f"unknown 'as: {spec.as_}' of a search parameter; write text, digits or reference <Type>"
            self.problems.add(spec.as_.mark, text)
        token = read_token(canonical_url(spec.system) if spec.system else None, self._codes(spec.system))
        if word != "digits":
            return token
        to_partner = TRANSFORMS["digits"].to_partner
        return lambda text: to_partner(token(text))

    def _check_type(self, spec: ArgumentSpec, type_name: str) -> None:
        types = resource_types("4.0")
        if spec.as_ is not None and type_name not in types:
            text = f"'{type_name}' is no resource type{did_you_mean(type_name, types)}"
            self.problems.add(spec.as_.mark, text)
        if spec.system is not None:
            self.problems.add(spec.system.mark, "'system' says nothing of a reference; remove it")

    def _codes(self, system: Text | None) -> list[str]:
        """The codes of a system, where it is one of ours; of another, any code will do."""
        if system is None or canonical_url(system) not in self.definitions.files:
            return []
        try:
            return all_codes(self.definitions.find(system))
        except LookupError:
            return []

    def _parameter(self, spec: InteractionSpec, argument: ArgumentSpec) -> Parameter:
        name, reference = str(argument.parameter), argument.definition
        assert reference is not None
        url = canonical_url(reference)
        if url.startswith(_HL7):
            return Parameter(name, "reference" if (argument.as_ or "").startswith("reference ") else "token", url)
        try:
            found = self.definitions.find(reference)
        except LookupError as error:
            self.problems.add(reference.mark, str(error.args[0]))
            return Parameter(name, "token", url)
        if (
            found["resourceType"] != "SearchParameter"
            or found["code"] != name
            or spec.resource_type not in found["base"]
        ):
            text = f"'{reference}' is no SearchParameter '{name}' of {spec.resource_type}; name one that is"
            self.problems.add(reference.mark, text)
        return Parameter(name, str(found.get("type", "token")), url, found.get("description"))
