"""Compiles the maps of one mapping file against FHIR's types and the code tables, gathering every problem."""

from __future__ import annotations

from dataclasses import dataclass, replace

from fhir_bridge.fhir.definitions import CodeTable, Definitions, concept_table
from fhir_bridge.fhir.elements import Element, Version, is_primitive, is_resource
from fhir_bridge.mapping.connecting import Environment, value_of
from fhir_bridge.mapping.maps import Map, OutcomeParameter
from fhir_bridge.mapping.model import ANYTHING, MapSpec, RowSpec
from fhir_bridge.mapping.partner_fields import PartnerField, compile_field
from fhir_bridge.mapping.places import Paths, Place
from fhir_bridge.mapping.rows import ListRow, PathRow, Row, ValueRow, code_functions
from fhir_bridge.mapping.source import Mark, Problems, did_you_mean
from fhir_bridge.mapping.transforms import TRANSFORMS, Transform, default_transform


@dataclass(slots=True)
class MapCompiler:
    """Compiles one map. `definitions` hold the ConceptMaps, `environment` the variables of `otherwise`."""

    version: Version
    definitions: Definitions
    environment: Environment
    problems: Problems

    def compile(self, spec: MapSpec) -> Map:
        """Return the compiled map; rows with problems are left out."""
        if not is_resource(self.version, spec.resource):
            self.problems.add(spec.mark, f"'{spec.resource}' is no resource type of FHIR {self.version}")
            return Map(spec.name, spec.resource, self.version, (), None, {})
        paths = Paths(self.version, {slice_.path: slice_ for slice_ in spec.slices}, self.problems)
        self._check_unused_slices(spec)
        compiled = [self._row(row, spec.resource, "", paths) for row in spec.rows if not row.outcome]
        rows = tuple(row for row in compiled if row is not None)
        _report_double_writes(spec.rows, self.problems)
        silent = self._silent_places(spec, paths)
        return Map(spec.name, spec.resource, self.version, rows, self._outcome(spec, paths), spec.silent, silent)

    def _row(self, spec: RowSpec, type_name: str, prefix: str, paths: Paths) -> Row | None:
        place = paths.place(type_name, spec.element, spec.mark, prefix, repeats=bool(spec.each))
        if place is None:
            return None
        if spec.path is not None:
            return PathRow(spec.mark, place, spec.path, value_of(spec.otherwise, self.environment))
        fields = tuple(compile_field(path, spec.mark, self.problems) for path in spec.at)
        if spec.each:
            return self._list_row(spec, place, fields, prefix, paths)
        return self._value_row(spec, place, fields)

    def _list_row(
        self, spec: RowSpec, place: Place, fields: tuple[PartnerField, ...], prefix: str, paths: Paths
    ) -> Row | None:
        inner_prefix = f"{prefix}.{spec.element}" if prefix else spec.element
        inner = [self._row(row, place.element.type, inner_prefix, paths) for row in spec.each]
        rows = tuple(replace(row, part_of=fields[0].keys[0]) for row in inner if isinstance(row, ValueRow))
        for row in spec.each:
            if row.each or row.path or row.outcome:
                self.problems.add(row.mark, "a row within 'each' pairs an element with a field; write 'at' alone")
        return ListRow(spec.mark, place, fields[0], rows, spec.only != "to_fhir")

    def _value_row(self, spec: RowSpec, place: Place, fields: tuple[PartnerField, ...]) -> ValueRow | None:
        if not is_primitive(place.element.type):
            below = f"go on to one of its elements, as in {spec.element}.<element>"
            self.problems.add(spec.mark, f"'{spec.element}' is a {place.element.type}, not a plain value; {below}")
            return None
        sends = spec.only != "to_fhir"
        if spec.codes is not None:
            table = self._table(spec.codes, spec.mark, sends)
            if table is None:
                return None
            to_partner, to_fhir = code_functions(table.to_partner, table.to_fhir, place.element.type == "boolean")
        else:
            transform = self._transform(spec.as_, place.element, spec.mark)
            if transform is None:
                return None
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
            part_of=fields[0].keys[0] if fields and len(fields[0].keys) > 1 else None,
            padded=place.steps[-1].item is not None,
        )

    def _transform(self, name: str | None, element: Element, mark: Mark) -> Transform | None:
        if name is None:
            name = default_transform(element.type)
            if name is None:
                fitting = sorted(word for word, known in TRANSFORMS.items() if element.type in known.types)
                hint = f"as: {' or '.join(fitting)}" if fitting else "a part of it"
                self.problems.add(mark, f"a {element.type} does not say how it is sent; write {hint}")
                return None
        if name not in TRANSFORMS:
            self.problems.add(mark, f"unknown transform '{name}'{did_you_mean(name, TRANSFORMS)}")
            return None
        transform = TRANSFORMS[name]
        if element.type not in transform.types:
            known = ", ".join(sorted(transform.types))
            self.problems.add(mark, f"'as: {name}' does not fit a {element.type}; it fits {known}")
            return None
        return transform

    def _table(self, canonical: str, mark: Mark, sends: bool) -> CodeTable | None:
        try:
            concept_map = self.definitions.find(canonical)
        except LookupError as error:
            self.problems.add(mark, str(error.args[0]))
            return None
        if concept_map["resourceType"] != "ConceptMap":
            self.problems.add(mark, f"'{canonical}' is no ConceptMap; name one that is")
            return None
        table = concept_table(concept_map)
        for problem in table.to_fhir_problems + (table.to_partner_problems if sends else ()):
            self.problems.add(mark, f"'{canonical}': {problem}")
        return table

    def _outcome(self, spec: MapSpec, paths: Paths) -> OutcomeParameter | None:
        for row in spec.rows:
            if row.outcome:
                place = paths.place(spec.resource, row.element, row.mark)
                slice_ = place.steps[0].slice if place else None
                if place is None or slice_ is None or place.element.type != "Resource" or len(place.steps) != 2:
                    self.problems.add(row.mark, "'outcome' stands on a parameter's resource: parameter[name].resource")
                    return None
                return OutcomeParameter(slice_.start()["name"], row.outcome)
        return None

    def _silent_places(self, spec: MapSpec, paths: Paths) -> tuple[Place, ...]:
        """The silent elements that stand within others, whatever they hold; those at the top are told by their name."""
        places: list[Place] = []
        for name, said in spec.silent.items():
            place = paths.place(spec.resource, name, spec.mark, repeats=True)
            if place is None or name == place.steps[0].name:
                continue
            if said != ANYTHING:
                self.problems.add(spec.mark, f"'{name}' within another element is silent with 'any' only; write that")
            places.append(place)
        return tuple(places)

    def _check_unused_slices(self, spec: MapSpec) -> None:
        used = " ".join([*(row.element for row in spec.rows), *spec.silent])
        for slice_ in spec.slices:
            if spec.rows and slice_.path not in used:
                self.problems.add(slice_.mark, f"no row uses the slice '{slice_.path}'; remove it, or use it")


def _report_double_writes(rows: tuple[RowSpec, ...], problems: Problems) -> None:
    """Two rows must not write one element, or one field, in either direction."""
    elements: dict[str, Mark] = {}
    fields: dict[str, Mark] = {}
    for row in rows:
        _report_double(elements, row.element, row.mark, "element", problems)
        for field in row.at[:1]:
            _report_double(fields, field, row.mark, "field", problems)
        if row.path is not None:
            _report_double(fields, f"{{{row.path}}}", row.mark, "variable", problems)
        _report_double_writes(row.each, problems)


def _report_double(seen: dict[str, Mark], name: str, mark: Mark, what: str, problems: Problems) -> None:
    """A name that stands within another is the same place: `a.b` and `a.b.c`."""
    for other, first in seen.items():
        if name == other or name.startswith((f"{other}.", f"{other}[")) or other.startswith((f"{name}.", f"{name}[")):
            problems.add(mark, f"{what} '{name}' is written by line {first.line} as well; keep one of the rows")
            return
    seen[name] = mark
