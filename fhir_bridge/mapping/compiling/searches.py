"""Compiles what a search says in its call, against the SearchParameters that define it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import parse_qsl

from fhir_bridge.fhir.definitions import Definitions, canonical_url
from fhir_bridge.fhir.elements import resource_types
from fhir_bridge.fhir.published import HL7, find_search_parameter, published
from fhir_bridge.fhir.search import RESULT_PARAMETERS, Parameter
from fhir_bridge.fhir.terminology import all_codes
from fhir_bridge.mapping.arguments import (
    Argument,
    Arguments,
    PageArgument,
    read_date,
    read_number,
    read_reference,
    read_text,
    read_token,
)
from fhir_bridge.mapping.like import is_id, spelling
from fhir_bridge.mapping.model import ArgumentSpec, InteractionSpec, MappingFile
from fhir_bridge.mapping.partner_fields import Constant, PartnerField, compile_field, is_one_place
from fhir_bridge.mapping.source import Problems, Text, did_you_mean
from fhir_bridge.mapping.transforms import TRANSFORMS
from fhir_bridge.outcome import Json

_AS: Mapping[str, tuple[str, ...]] = {
    "token": ("text", "digits"),
    "string": ("text", "digits"),
    "uri": ("text",),
    "date": ("text",),
    "number": ("text", "digits"),
    "reference": ("reference",),
}
"""The types of search parameters that can be asked for at a partner, and what `as` may say of each."""
_READ: Mapping[str, Callable[[str], str]] = {
    "string": read_text,
    "uri": read_text,
    "date": read_date,
    "number": read_number,
}


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
            tuple(self._argument(spec, each, in_body) for each, in_body in given if each.parameter is not None),
            tuple(self._page(each, in_body) for each, in_body in given if each.parameter is None),
            tuple(constants),
        )

    def parameters(self, spec: InteractionSpec) -> tuple[Parameter, ...]:
        """Return the search parameters that a search offers; those with problems are left out."""
        given = (self._parameter(spec, each) for each in (*spec.query, *spec.body) if each.parameter)
        return tuple(parameter for parameter in given if parameter is not None)

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
        in_address = {name for name, _ in parse_qsl(spec.path.partition("?")[2], keep_blank_values=True)}
        for each in spec.query:
            if each.name in in_address:
                text = f"'{each.name}' stands in the address of the call already; keep one of the two"
                self.problems.add(each.name.mark, text)
        self._check_pages([*spec.query, *spec.body])
        self._check_codes(spec)

    def _check_codes(self, spec: InteractionSpec) -> None:
        """Report a parameter that would ask in FHIR's codes where a row reads the partner's: nothing would be found."""
        found = self.model.maps.get(spec.receive.map or "") if spec.receive else None
        coded = {row.element for row in (found.rows if found else ()) if row.codes is not None}
        for each in (*spec.query, *spec.body):
            if each.parameter is not None and each.parameter in coded:
                text = f"'{each.parameter}' would be asked by FHIR's codes, and its row reads the partner's own"
                self.problems.add(each.parameter.mark, f"{text}; leave the parameter out")

    def _check_pages(self, given: Sequence[ArgumentSpec]) -> None:
        """A list in pages is asked for by how many records, and from which on: without one of these, some are lost."""
        counts = [each for each in given if each.most is not None]
        offsets = [each for each in given if each.is_offset]
        for kind in (counts, offsets):
            for each in kind[1:]:
                text = f"line {kind[0].name.mark.line} says this already; keep one of the two"
                self.problems.add(each.name.mark, text)
        if counts and not offsets:
            text = f"'{counts[0].name}' asks for some records, and nothing for those that follow; add an 'offset'"
            self.problems.add(counts[0].name.mark, text)
        if offsets and not counts:
            text = f"'{offsets[0].name}' says from which record on, and nothing says how many; add a 'count'"
            self.problems.add(offsets[0].name.mark, text)

    def _page(self, spec: ArgumentSpec, in_body: bool) -> PageArgument:
        return PageArgument(self._field(spec, in_body), in_body, spec.most)

    def _argument(self, interaction: InteractionSpec, spec: ArgumentSpec, in_body: bool) -> Argument:
        field, parameter = self._field(spec, in_body), self._parameter(interaction, spec)
        read = read_text if parameter is None else self._reading(spec, parameter.type)
        return Argument(spec.name.mark, str(spec.parameter), field, in_body, read, spec.join, spec.required)

    def _field(self, spec: ArgumentSpec, in_body: bool) -> PartnerField:
        return compile_field(spec.name, spec.name.mark, self.problems) if in_body else PartnerField((str(spec.name),))

    def _reading(self, spec: ArgumentSpec, type_: str) -> Callable[[str], Json]:
        """Return how a value of a search parameter of this type becomes the partner's."""
        word, _, type_name = (spec.as_ or "text").partition(" ")
        self._check_as(spec, type_, word)
        if word == "reference":
            self._check_type(spec, type_name)
            like = self.model.id_like
            return read_reference(type_name, lambda text: is_id(text, like), spelling(like))
        read = _READ.get(type_) or read_token(
            canonical_url(spec.system) if spec.system else None, self._codes(spec.system)
        )
        if word != "digits":
            return read
        to_partner = TRANSFORMS["digits"].to_partner
        return lambda text: to_partner(read(text))

    def _check_as(self, spec: ArgumentSpec, type_: str, word: str) -> None:
        """Report what `as` and `system` cannot say of this type; `word` is the first of `as`."""
        assert spec.parameter is not None
        known = _AS.get(type_, ())
        if word not in ("text", "digits", "reference"):
            text = f"unknown 'as: {spec.as_}' of a search parameter; write text, digits or reference <Type>"
            self.problems.add((spec.as_ or spec.parameter).mark, text)
        elif not known:
            text = f"'{spec.parameter}' is a {type_}, which no partner can be asked by; leave the parameter out"
            self.problems.add(spec.parameter.mark, text)
        elif word not in known and type_ == "reference":
            text = f"'{spec.parameter}' is a reference; write 'as: reference <Type>'"
            self.problems.add((spec.as_ or spec.parameter).mark, text)
        elif word not in known:
            text = f"'{spec.parameter}' is a {type_}; write {' or '.join(known)}, or leave out 'as'"
            self.problems.add((spec.as_ or spec.parameter).mark, text)
        if spec.system is not None and type_ != "token":
            self.problems.add(spec.system.mark, f"'system' says nothing of a {type_}; remove it")

    def _check_type(self, spec: ArgumentSpec, type_name: str) -> None:
        types = resource_types("4.0")
        if spec.as_ is not None and type_name not in types:
            text = f"'{type_name}' is no resource type{did_you_mean(type_name, types)}"
            self.problems.add(spec.as_.mark, text)

    def _codes(self, system: Text | None) -> list[str]:
        """The codes of a system, where it is one of ours; of another, any code will do."""
        if system is None or canonical_url(system) not in self.definitions.files:
            return []
        try:
            return all_codes(self.definitions.find(system))
        except LookupError:
            return []

    def _parameter(self, spec: InteractionSpec, argument: ArgumentSpec) -> Parameter | None:
        """Return what a parameter is, by its definition; None, and a problem, where that is none of it."""
        assert argument.parameter is not None
        name, reference = argument.parameter, argument.definition
        if name in RESULT_PARAMETERS:
            text = f"'{name}' says how the answer looks; write 'count' or 'offset' for pages, else leave it out"
            self.problems.add(name.mark, text)
            return None
        if name == "_id" and any(other.key == f"read {spec.resource_type}" for other in self.model.interactions):
            self.problems.add(name.mark, "what can be read is found by '_id' already; leave this out")
            return None
        if reference is None:
            return None  # a problem already
        if canonical_url(reference).startswith(f"{HL7}SearchParameter/"):
            return self._published(spec.resource_type, name, reference)
        return self._defined(spec.resource_type, name, reference)

    def _published(self, resource_type: str, name: Text, reference: Text) -> Parameter | None:
        """Return a search parameter of FHIR's own."""
        found = published().get(canonical_url(reference))
        if found is not None and found.code == name and found.is_of(resource_type):
            return Parameter(str(name), found.type, found.url)
        own = find_search_parameter(resource_type, name)
        hint = f"FHIR's own is {own.url}" if own else "FHIR has none of this name; define it in a file of profiles/"
        text = f"'{reference}' is no SearchParameter '{name}' of {resource_type}; {hint}"
        self.problems.add(reference.mark, text)
        return None

    def _defined(self, resource_type: str, name: Text, reference: Text) -> Parameter | None:
        """Return a search parameter that a file of profiles/ defines."""
        try:
            found = self.definitions.find(reference)
        except LookupError as error:
            self.problems.add(reference.mark, str(error.args[0]))
            return None
        is_one = found["resourceType"] == "SearchParameter" and found["code"] == name
        if not is_one or not {resource_type, "Resource", "DomainResource"}.intersection(found["base"]):
            text = f"'{reference}' is no SearchParameter '{name}' of {resource_type}; name one that is"
            self.problems.add(reference.mark, text)
            return None
        return Parameter(str(name), found["type"], found["url"], found.get("description"))
