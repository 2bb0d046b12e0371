"""Compiles the maps of one mapping file against FHIR's types and the code tables."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from fhir_bridge.fhir.definitions import CodeTable, Definitions, concept_table
from fhir_bridge.fhir.elements import Element, Version, is_primitive, resource_types
from fhir_bridge.mapping.code_tables import code_functions
from fhir_bridge.mapping.compiling.paths import Paths, absolute
from fhir_bridge.mapping.compiling.silent import compile_silent
from fhir_bridge.mapping.connecting import Environment, value_of
from fhir_bridge.mapping.like import Spell
from fhir_bridge.mapping.maps import Map, OutcomeParameter
from fhir_bridge.mapping.model import MapSpec, RowSpec, SliceSpec
from fhir_bridge.mapping.partner_fields import ITSELF, PartnerField, compile_field, is_one_place
from fhir_bridge.mapping.places import Place
from fhir_bridge.mapping.rows import ConstantRow, ListRow, PathRow, Row, ValueRow
from fhir_bridge.mapping.source import Mark, Problems, Text, did_you_mean
from fhir_bridge.mapping.transforms import (
    TEXT_TYPES,
    TRANSFORMS,
    Transform,
    default_transform,
    find_transform,
    reference_type,
)


def _beside(row: Row, rows: Iterable[Row | None]) -> Row:
    """A constant in an element that has others in it which are read is told that it stands beside these."""
    around = row.place.steps[:-1]
    if not isinstance(row, ConstantRow) or not around:
        return row
    read = (other.place.steps for other in rows if isinstance(other, ValueRow | ListRow))
    return replace(row, beside=any(steps[: len(around)] == around for steps in read))


def _needs_value(place: Place, path: str) -> bool:
    """Whether nothing can stand in the place of an element's value: an id, or the url of an extension."""
    around = path.split(".")[-2].partition("[")[0]
    return place.element.name == "id" or (place.element.name == "url" and around in ("extension", "modifierExtension"))


@dataclass(slots=True)
class MapCompiler:
    """Compiles one map. `definitions` hold the ConceptMaps, `environment` the variables of `otherwise`.

    `creating`: whether it is for making a record, and so sends what may be written only then. `spell` writes an id.
    """

    version: Version
    definitions: Definitions
    environment: Environment
    problems: Problems
    creating: bool = False
    spell: Spell = str

    def compile(self, spec: MapSpec, elsewhere: Iterable[str]) -> Map:
        """Return the compiled map; rows with problems are left out. `elsewhere` are elements that calls name."""
        types = resource_types(self.version)
        if spec.resource not in types:
            if spec.resource:
                hint = did_you_mean(spec.resource, types)
                self.problems.add(spec.resource.mark, f"'{spec.resource}' is no resource type{hint}")
            return Map(spec.name, spec.resource, self.version, (), None, ())
        paths = Paths(self.version, {slice_.path: slice_ for slice_ in spec.slices}, self.problems)
        self._check_slices(spec, elsewhere)
        compiled = [self._row(row, spec.resource, "", paths) for row in spec.rows if not row.outcome]
        rows = tuple(_beside(row, compiled) for row in compiled if row is not None)
        for row in (row for row in spec.rows if row.at):
            if row.otherwise is not None and (row.otherwise != "{id}" or spec.resource != "Parameters"):
                text = "'otherwise' beside 'at' is '{id}', the id in the address, in a map of Parameters; write that"
                self.problems.add(row.otherwise.mark, text)
        for row in (row for row in spec.rows if ITSELF in row.at):
            self.problems.add(
                row.at[0].mark, "'.' is an item of a list; name the list, and write '.' within its 'each'"
            )
        _DoubleWrites(self.problems).report(spec.rows, rows, sends=True)
        silent = () if spec.header is not None else compile_silent(spec, paths, self.problems)
        outcome = self._outcome(spec, paths)
        return Map(spec.name, str(spec.resource), self.version, rows, outcome, silent, self.spell)

    def _row(
        self, spec: RowSpec, type_name: str, prefix: str, paths: Paths, within: Element | None = None
    ) -> Row | None:
        """Compile one row; `within` is the list in whose `each` it stands."""
        place = paths.place(type_name, spec.element, spec.mark, prefix, repeats=bool(spec.each))
        fields = tuple(self._field(path) for path in spec.at)
        if place is None:
            return None
        if spec.as_ is not None:
            around = spec.element.rpartition(".")[0]
            holder = paths.place(type_name, around, spec.mark, prefix) if around else None
            self._check_target(spec.as_, holder.element if holder else within)
        if spec.codes is not None and _needs_value(place, f"{prefix}.{spec.element}"):
            why = "cannot be without a value, as it would be for an unknown code"
            text = f"'{place.element.name}' {why}; write 'at' alone"
            self.problems.add(spec.codes.mark, text)
            return None
        if spec.path is not None:
            return self._path_row(spec, spec.path, place)
        if spec.value is not None:
            return self._constant_row(spec, spec.value, place)
        if not fields:
            return None
        if spec.each:
            return self._list_row(spec, place, fields[0], prefix, paths)
        return self._value_row(spec, place, fields)

    def _check_target(self, said: Text, holder: Element | None) -> None:
        """A reference leads to a type of resource that there is, and that its element allows."""
        type_name = reference_type(said)
        if type_name is None:
            return
        types = resource_types(self.version)
        if type_name not in types:
            self.problems.add(said.mark, f"'{type_name}' is no resource type{did_you_mean(type_name, types)}")
        elif holder is not None and holder.targets and type_name not in holder.targets:
            hint = did_you_mean(type_name, holder.targets)
            self.problems.add(said.mark, f"'{holder.name}' leads to no {type_name}{hint}")

    def _field(self, path: Text) -> PartnerField:
        return PartnerField(()) if path == ITSELF else compile_field(path, path.mark, self.problems)

    def _path_row(self, spec: RowSpec, variable: Text, place: Place) -> PathRow | None:
        if place.element.type not in TEXT_TYPES:
            self.problems.add(spec.mark, f"'{spec.element}' is no text, and a variable of a path is one")
            return None
        return PathRow(spec.mark, place, str(variable), value_of(spec.otherwise, self.environment))

    def _constant_row(self, spec: RowSpec, value: Text, place: Place) -> ConstantRow | None:
        if place.element.type not in TEXT_TYPES:
            self.problems.add(spec.mark, f"'{spec.element}' is no text, and a 'value' is one")
            return None
        if place.element.codes and value not in place.element.codes:
            hint = did_you_mean(value, place.element.codes)
            self.problems.add(value.mark, f"'{value}' is no code of '{place.element.name}'{hint}")
            return None
        is_uri = place.element.type in ("uri", "url", "canonical")
        return ConstantRow(spec.mark, place, absolute(value) if is_uri else str(value))

    def _sends(self, only: str) -> bool:
        return only == "both" or (only == "create" and self.creating)

    def _list_row(self, spec: RowSpec, place: Place, field: PartnerField, prefix: str, paths: Paths) -> ListRow | None:
        for row in spec.each:
            if row.each or row.path or row.value or row.outcome or row.otherwise is not None:
                self.problems.add(row.mark, "a row within 'each' pairs an element with a field; write 'at' alone")
            if ITSELF in row.at and (len(spec.each) > 1 or len(row.at) > 1):
                self.problems.add(row.at[0].mark, "'.' is the whole item of a list; it stands alone within 'each'")
        if not place.element.repeats or place.steps[-1].item is not None:
            self.problems.add(spec.mark, f"'{spec.element}' is no list; leave out 'each', and name its elements")
            return None
        slice_ = place.steps[-1].slice
        if slice_ is not None and slice_.otherwise_without is not None:
            self.problems.add(spec.mark, f"'each' takes just '{spec.element}'; leave 'otherwise' out of its slice")
        inner_prefix = f"{prefix}.{spec.element}" if prefix else spec.element
        inner = [self._row(row, place.element.type, inner_prefix, paths, place.element) for row in spec.each]
        rows = tuple(replace(row, part_of=field.keys[0]) for row in inner if isinstance(row, ValueRow))
        return ListRow(spec.mark, place, field, rows, self._sends(spec.only), spec.clears)

    def _value_row(self, spec: RowSpec, place: Place, fields: tuple[PartnerField, ...]) -> ValueRow | None:
        if not is_primitive(place.element.type):
            below = f"go on to one of its elements, as in {spec.element}.<element>"
            self.problems.add(spec.mark, f"'{spec.element}' is a {place.element.type}, not a plain value; {below}")
            return None
        sends = self._sends(spec.only)
        if spec.codes is not None:
            table = self._table(spec.codes, place.element, sends)
            if table is None:
                return None
            to_partner, to_fhir = code_functions(table.to_partner, table.to_fhir, place.element.type == "boolean")
        else:
            transform = self._transform(spec.as_, place.element, spec.mark)
            if transform is None:
                return None
            if transform.only_reads and spec.only != "to_fhir":
                self.problems.add(spec.mark, f"'as: {spec.as_}' can only be read; add 'only: to_fhir'")
            to_partner, to_fhir = transform.to_partner, transform.to_fhir
        return ValueRow(
            mark=spec.mark,
            place=place,
            fields=fields,
            to_partner=to_partner,
            to_fhir=to_fhir,
            sends=sends,
            required=spec.required,
            is_code=spec.codes is not None,
            part_of=fields[0].keys[0] if len(fields[0].keys) > 1 else None,
            padded=place.steps[-1].item is not None,
            clears=spec.clears,
        )

    def _transform(self, said: Text | None, element: Element, mark: Mark) -> Transform | None:
        name = default_transform(element.type) if said is None else str(said)
        if name is None:
            fitting = sorted(word for word, known in TRANSFORMS.items() if element.type in known.types)
            hint = f"write as: {' or '.join(fitting)}" if fitting else "no transform fits it"
            self.problems.add(mark, f"a {element.type} does not say how it is sent; {hint}")
            return None
        place = mark if said is None else said.mark
        transform = find_transform(name)
        if transform is None:
            self.problems.add(
                place, f"unknown transform '{name}'{did_you_mean(name, [*TRANSFORMS, 'reference <Type>'])}"
            )
            return None
        if element.type not in transform.types:
            known = ", ".join(sorted(transform.types))
            self.problems.add(place, f"'as: {name}' does not fit a {element.type}; it fits {known}")
            return None
        return transform

    def _table(self, canonical: Text, element: Element, sends: bool) -> CodeTable | None:
        try:
            concept_map = self.definitions.find(canonical)
        except LookupError as error:
            self.problems.add(canonical.mark, str(error.args[0]))
            return None
        if concept_map["resourceType"] != "ConceptMap":
            self.problems.add(canonical.mark, f"'{canonical}' is no ConceptMap; name one that is")
            return None
        if element.type not in TEXT_TYPES | {"boolean"}:
            self.problems.add(canonical.mark, f"a {element.type} has no codes; write 'as' in the place of 'codes'")
            return None
        table = concept_table(concept_map)
        for problem in table.to_fhir_problems + (table.to_partner_problems if sends else ()):
            self.problems.add(canonical.mark, f"'{canonical}': {problem}")
        known = frozenset({"true", "false"}) if element.type == "boolean" else element.codes
        for code in sorted(set(table.to_fhir.values()) - known if known else ()):
            self.problems.add(canonical.mark, f"'{canonical}': `{code}` is no code of '{element.name}'")
        return table

    def _outcome(self, spec: MapSpec, paths: Paths) -> OutcomeParameter | None:
        found = [row for row in spec.rows if row.outcome]
        for row in found[1:]:
            self.problems.add(row.mark, f"line {found[0].mark.line} has an outcome table already; keep one")
        if not found:
            return None
        self._check_when(found[0], spec.rows)
        place = paths.place(spec.resource, found[0].element, found[0].mark)
        slice_ = place.steps[0].slice if place else None
        if place is None or slice_ is None or place.element.type != "Resource" or len(place.steps) != 2:
            text = "'outcome' stands on a parameter's resource: parameter[name].resource"
            self.problems.add(found[0].mark, text)
            return None
        return OutcomeParameter(slice_.start()["name"], found[0].outcome)

    def _check_when(self, row: RowSpec, rows: tuple[RowSpec, ...]) -> None:
        matches = (re.match(r"parameter\[([^]]+)\]\.value", other.element) for other in rows)
        known = {match[1] for match in matches if match}
        for name in (name for line in row.outcome for name in line.when):
            if name not in known:
                self.problems.add(name.mark, f"no row makes a parameter '{name}'{did_you_mean(name, known)}")

    def _check_slices(self, spec: MapSpec, elsewhere: Iterable[str]) -> None:
        """A slice must be used, and must not take the members of another one of the same list."""
        used = [*_elements(spec.rows, ""), *spec.silent, *elsewhere]
        for index, slice_ in enumerate(spec.slices):
            if not any(f"{element}.".startswith(f"{slice_.path}.") for element in used):
                text = f"no row uses the slice '{slice_.path}'; remove it, or use it"
                self.problems.add(slice_.mark, text)
            for other in spec.slices[:index]:
                if _is_same_list(slice_, other) and _is_within(slice_, other):
                    text = f"what is '{slice_.path}' is '{other.path}' too; give them values that tell them apart"
                    self.problems.add(slice_.mark, text)


def _elements(rows: Iterable[RowSpec], prefix: str) -> Iterable[str]:
    """The paths of all rows, those within `each` with the path of their list."""
    for row in rows:
        yield f"{prefix}{row.element}"
        yield from _elements(row.each, f"{prefix}{row.element}.")


def _is_same_list(one: SliceSpec, other: SliceSpec) -> bool:
    return one.path.rpartition("[")[0] == other.path.rpartition("[")[0]


def _is_within(one: SliceSpec, other: SliceSpec) -> bool:
    """Whether all that tells one of the two tells the other as well."""
    return one.fixed.items() <= other.fixed.items() or other.fixed.items() <= one.fixed.items()


@dataclass(frozen=True, slots=True)
class _DoubleWrites:
    """Two rows must not write one element, or one field, in either direction."""

    problems: Problems

    def report(self, specs: Iterable[RowSpec], rows: Iterable[Row], *, sends: bool) -> None:
        """Report them among the rows of one map, or of one list; `sends`: whether anything of it is sent."""
        places = {row.mark: row.place for row in rows}
        elements: dict[str, Mark] = {}
        fields: dict[str, Mark] = {}
        inner = {row.mark: row.rows for row in rows if isinstance(row, ListRow)}
        for spec in specs:
            self._check(elements, _spelled(spec, places.get(spec.mark)), f"element '{spec.element}'", spec.mark)
            writes = sends and spec.only != "to_fhir"
            for field in spec.at[:1] if writes else ():
                self._check(fields, field, f"field '{field}'", field.mark)
            if spec.path is not None:
                self._check(fields, f"{{{spec.path}}}", f"variable '{spec.path}'", spec.path.mark)
            self.report(spec.each, inner.get(spec.mark, ()), sends=writes)

    def _check(self, seen: dict[str, Mark], name: str, what: str, mark: Mark) -> None:
        """A name that stands within another is the same place: `a.b` and `a.b.c`."""
        for other, first in seen.items():
            if is_one_place(name, other):
                self.problems.add(mark, f"{what} is written by line {first.line} as well; keep one of the rows")
                return
        seen[name] = mark


def _spelled(spec: RowSpec, place: Place | None) -> str:
    """The element in FHIRPath's names: `deceasedDateTime` and `deceasedBoolean` are both `deceased`."""
    steps = zip(spec.element.split("."), place.steps, strict=True) if place else ()
    return ".".join(step.path + text.removeprefix(step.name) for text, step in steps) or spec.element
