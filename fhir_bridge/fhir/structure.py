"""Checks that a JSON value is a resource as FHIR defines it; finds every problem and changes nothing.

https://hl7.org/fhir/R4/json.html and https://hl7.org/fhir/R4/validation.html (structure, cardinality, codes, rules)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from fhir_bridge.fhir import problems
from fhir_bridge.fhir.base_invariants import base_invariants
from fhir_bridge.fhir.choices import choices_check
from fhir_bridge.fhir.elements import Element, Version, elements, is_primitive, is_resource, resource_types
from fhir_bridge.fhir.parts import Fits, Part, fitting, is_text, primitive, primitives, single_or_list
from fhir_bridge.fhir.primitives import ABSOLUTE_URI, FORMATS, STRICTER, Format
from fhir_bridge.fhir.problems import Problem, Problems, below, certain
from fhir_bridge.fhir.references import reference_format, target_rule
from fhir_bridge.fhir.scopes import at_last, only_an_id, profiles_rule, rules_of_elements, settled
from fhir_bridge.limits import DEFAULTS
from fhir_bridge.outcome import Issue, Json, limited

Check = Callable[[Json], Problems]
"""Gives the problems of one value; nothing where it is fine."""

_FINE: Problems = ()
_NONE: Mapping[str, str] = MappingProxyType({})

Rule = Callable[[Mapping[str, Json]], Problems]
"""Gives the problems of one object as a whole."""

# These name something by itself, so that it is the same wherever it is read.
_ABSOLUTE = frozenset(
    {("Identifier", "system"), ("Coding", "system"), ("Extension", "url"), ("BundleEntry", "fullUrl")}
)

# The key of the check of extensions within extensions, whose url is a plain name.
_NESTED = "Extension@Extension.extension"


def structure_checker(
    version: Version,
    *,
    tolerated: Mapping[str, str] = _NONE,
    rules: bool = False,
    max_problems: int = DEFAULTS.max_problems,
) -> Callable[[Json], list[Issue]]:
    """Return the check of a resource of any type: all that breaks FHIR's structure, and with `rules` FHIR's own rules.

    Numbers are int or Decimal. `tolerated` names what a partner's own documents get wrong, by the path from a
    resource type: {"Patient.managingOrganization.identifier": "list"} takes a list where one value belongs,
    {"MessageHeader.source.endpoint": "text"} takes any text that is not empty. Raises ValueError for a path that
    FHIR does not have. The check of a type is compiled when the type is first met. It looks for no more problems than
    `max_problems`.
    """
    for path, what in tolerated.items():
        _must_exist(version, path, what)
    checks = _Checks(version, tolerated, rules, max_problems)

    def check(resource: Json) -> list[Issue]:
        try:
            found = at_last(checks.resource(resource))
        except RecursionError:
            return [Issue("nested-too-deep", "structure", "The resource is nested too deeply; send it flatter.")]
        if not found:
            return []
        root = checks.type_of(resource) or ""
        return limited((problem.issue(root + problem.path) for problem in found), max_problems, root)

    return check


def _must_exist(version: Version, path: str, what: str) -> None:
    type_name, *steps = path.split(".")
    try:
        known = is_resource(version, type_name) and what in ("list", "text") and bool(steps)
        for step in steps:
            type_name = elements(version, type_name)[step].type
    except KeyError:
        known = False
    if not known:
        raise ValueError(f'"{path}": "{what}" cannot be tolerated: FHIR {version} has no such element, or no such rule')


class _Checks(dict[str, Check]):
    """The checks by type, each compiled when first asked for; "Resource" checks a resource of any type.

    Below a path that has something tolerated the key is "Reference@Patient.managingOrganization".
    """

    def __init__(self, version: Version, tolerated: Mapping[str, str], rules: bool, max_problems: int) -> None:
        super().__init__(Resource=self.resource)
        self.max_problems = max_problems
        self.version = version
        self.tolerated = tolerated
        self.types = resource_types(version)
        self.rules = rules

    def resource(self, value: Json) -> Problems:
        type_name = self.type_of(value)
        return self[type_name](value) if type_name else problems.no_resource(value, self.types)

    def type_of(self, value: Json) -> str | None:
        """Return the type of a resource; None for what is no resource, or of no type that FHIR has."""
        type_name = value.get("resourceType") if isinstance(value, dict) else None
        return type_name if isinstance(type_name, str) and type_name in self.types else None

    def __missing__(self, key: str) -> Check:
        type_name, _, path = key.partition("@")
        self[key] = check = self._object(type_name, path or type_name)
        return check

    def _object(self, type_name: str, path: str) -> Check:
        known = elements(self.version, type_name)
        formats = {name: self._format(type_name, element, path) for name, element in known.items()}
        parts: dict[str, Part] = {}
        for name, element in known.items():
            parts[name] = self._part(element, f"{path}.{name}", formats[name])
            if _may_be_extended(element):
                parts[f"_{name}"] = self._extension(element)
        plain = self._plain(type_name, known, formats)
        rules = base_invariants(self.version, type_name) if self.rules else ()
        is_of_resource = type_name in self.types
        if self.rules and is_of_resource:
            rules = (*rules, profiles_rule(self.version, type_name))
        elif self.rules:
            rules = (*rules, *rules_of_elements(type_name))
        check = _object_check(type_name, plain, parts, known, rules, self._coded(known), self.max_problems)
        return self._settling(check) if self.rules and is_of_resource else check

    def _settling(self, check: Check) -> Check:
        """Return the check of a resource that settles what only the whole of it can tell."""

        def whole(value: Json) -> Problems:
            found = check(value)
            return settled(self.version, value, found, self.max_problems) if found or "contained" in value else found

        return whole

    def _coded(self, known: Mapping[str, Element]) -> frozenset[str]:
        """Return the elements that need one of their codes: a reason why there is none will not do.

        https://hl7.org/fhir/R4/terminologies.html#required
        """
        return frozenset(name for name, element in known.items() if self.rules and element.codes)

    def _format(self, type_name: str, element: Element, path: str) -> Format | None:
        """Return how an element is written; None for one that is an object."""
        if self.rules and (type_name, element.name) == ("Reference", "reference"):
            return reference_format(self.version)
        if self.rules and (type_name, element.name) in _ABSOLUTE and path != _NESTED.partition("@")[2]:
            return ABSOLUTE_URI
        stricter = STRICTER if self.rules else {}
        return stricter.get(element.type) or FORMATS[self.version].get(element.type)

    def _plain(
        self, type_name: str, known: Mapping[str, Element], formats: Mapping[str, Format | None]
    ) -> Mapping[str, Fits]:
        """Return the checks of the members that are one primitive: most of a resource, and most are fine."""
        plain = {
            name: fitting(element, format)
            for name, element in known.items()
            if (format := formats[name]) is not None and not element.repeats
        }
        return {"resourceType": is_text, **plain} if type_name in self.types else plain

    def _part(self, element: Element, path: str, format: Format | None) -> Part:
        rule = self.tolerated.get(path)
        step = f".{element.path}"
        if format is not None:
            fits = is_text if rule == "text" else fitting(element, format)
            single = primitive(element, step, format, fits)
            several = primitives(element, step, format, fits, self.max_problems)
        else:
            single, several = self._complex(element, step, path), self._complexes(element, step, path)
        if element.repeats:
            return several
        return single_or_list(single, several) if rule == "list" else single

    def _complex(self, element: Element, step: str, path: str) -> Part:
        key = self._key(element, path)

        def part(item: Json, _: Mapping[str, Json]) -> Problems:
            if isinstance(item, list):
                return problems.not_single(step, element.name)
            if not isinstance(item, dict) or not item:
                return problems.not_an_object(step, element.name, item)
            found = self[key](item)
            return below(step, found) if found else _FINE

        return part

    def _complexes(self, element: Element, step: str, path: str) -> Part:
        key, max_problems = self._key(element, path), self.max_problems

        def part(items: Json, _: Mapping[str, Json]) -> Problems:
            if not isinstance(items, list) or not items:
                return problems.not_a_list(step, element.name, items)
            check = self[key]
            first = items[0]
            if len(items) == 1 and isinstance(first, dict) and first:  # most lists; saves a tenth of a Patient's time
                below_first = check(first)
                return below(f"{step}[0]", below_first) if below_first else _FINE
            found: list[Problem] = []
            left = max_problems
            for index, item in enumerate(items):
                if not isinstance(item, dict) or not item:
                    below_item = problems.not_an_object("", element.name, item)
                else:
                    below_item = check(item)
                if below_item:
                    found += below(f"{step}[{index}]", below_item)
                    left -= certain(below_item)
                    if left < 0:
                        break
            return found

        return part

    def _extension(self, element: Element) -> Part:
        """Return the check of `_birthDate`, which holds the id and the extensions of `birthDate`."""
        name = f"_{element.name}"
        beside = Element(name, "Element", element.repeats, False, None, False, frozenset(), False)
        step = f".{element.path}"
        if not element.repeats:
            return self._extension_of_one(element, self._complex(beside, step, name), step)

        def part(items: Json, siblings: Mapping[str, Json]) -> Problems:
            if not isinstance(items, list) or not items:
                return problems.not_a_list(step, name, items)
            values = siblings.get(element.name)
            found = [*problems.unequal_lists(step, element.name)] if _unequal(values, items) else []
            for index, item in enumerate(items):
                if len(found) > self.max_problems:
                    break
                if item is None and isinstance(values, list):
                    continue
                if not isinstance(item, dict) or not item:
                    found += problems.not_an_object(f"{step}[{index}]", name, item)
                else:
                    found += below(f"{step}[{index}]", self["Element"](item))
                    if self.rules and (not isinstance(values, list) or values[index : index + 1] in ([], [None])):
                        found += below(f"{step}[{index}]", only_an_id(item))
            return found

        return part

    def _extension_of_one(self, element: Element, complex: Part, step: str) -> Part:
        """Return the check of `_birthDate`, in which an id alone is enough where there is a `birthDate`."""
        if not self.rules:
            return complex

        def part(item: Json, siblings: Mapping[str, Json]) -> Problems:
            found = complex(item, siblings)
            is_bare = element.name not in siblings and isinstance(item, dict)
            return [*found, *below(step, only_an_id(item))] if is_bare else found

        return part

    def _key(self, element: Element, path: str) -> str:
        """Return the key of the check of an element; that of a Reference is also of the types that it may lead to."""
        type_name = element.type
        if type_name == "Extension" and path.startswith("Extension."):
            return _NESTED
        key = f"{type_name}@{path}" if any(at.startswith(f"{path}.") for at in self.tolerated) else type_name
        if type_name != "Reference" or not self.rules:
            return key
        leading = f"{key}({'|'.join(sorted(element.targets))})"
        if leading not in self:
            self[leading] = _both(self[key], target_rule(self.version, element.targets))
        return leading


def _may_be_extended(element: Element) -> bool:
    # An id is an attribute in XML, and xhtml is not FHIR's own: neither has room for extensions.
    # https://hl7.org/fhir/R4/narrative.html#xhtml and https://hl7.org/fhir/R4/element.html
    return is_primitive(element.type) and element.type != "xhtml" and element.name != "id"


def _unequal(values: Json, extensions: list[Json]) -> bool:
    return isinstance(values, list) and len(values) != len(extensions)


def _both(check: Check, rule: Rule) -> Check:
    return lambda value: [*check(value), *rule(value)]


def _object_check(
    type_name: str,
    plain: Mapping[str, Fits],
    parts: Mapping[str, Part],
    known: Mapping[str, Element],
    rules: Sequence[Rule],
    coded: frozenset[str],
    max_problems: int,
) -> Check:
    """Return the check of an object: each member by itself, what must be there, the choices, then FHIR's own rules.

    It stops looking when there are more problems than `max_problems`.
    """
    required = frozenset(element.name for element in known.values() if element.required)
    choices = choices_check(type_name, known)
    find_plain, find = plain.get, parts.get

    def check(value: Json) -> Problems:
        found: list[Problem] = []
        left = max_problems
        for name, item in value.items():
            fits = find_plain(name)
            if fits is not None and fits(item):
                continue
            part = find(name)
            of_member = part(item, value) if part else (problems.unknown_element(type_name, name, known),)
            if of_member:
                found += of_member
                left -= certain(of_member)
                if left < 0:
                    return found
        if required and not required <= value.keys():
            found += _missing(type_name, [name for name in known if name in required], value, coded)
        if choices is not None:
            found += choices(value)
        for rule in rules:
            found += rule(value)
        return found

    return check


def _missing(type_name: str, required: list[str], value: Mapping[str, Json], coded: frozenset[str]) -> Problems:
    """Return which required elements are not there; but for `coded`, `_name` with the reason for it is enough.

    https://hl7.org/fhir/R4/extensibility.html#Special-Case
    """
    absent = [name for name in required if name not in value and (f"_{name}" not in value or name in coded)]
    return [problems.missing(type_name, name) for name in absent]
