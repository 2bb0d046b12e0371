"""A profile of `profiles/`, compiled once to a check of resources as plain JSON.

Checked are cardinality, fixed and pattern values, required bindings, types of a choice, slices by value, pattern or
resource type, invariants and nested profiles. What a profile says beyond that stops its compilation, so that no rule
is passed over in silence. The structure that FHIR itself demands is checked elsewhere, and so is whatever a profile's
base says. https://hl7.org/fhir/R4/profiling.html
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches

from fhir_bridge.fhir.cardinality import cardinality, too_few, too_many, without_value
from fhir_bridge.fhir.check import Check, Visit, all_of, listed
from fhir_bridge.fhir.definitions import Definitions, canonical_url
from fhir_bridge.fhir.differential import Node, read_tree
from fhir_bridge.fhir.elements import Element, Version, elements, is_primitive, is_resource
from fhir_bridge.fhir.invariants import invariant_check
from fhir_bridge.fhir.occurrences import finder
from fhir_bridge.fhir.slicing import ItemsCheck, Slice, discriminators, slicing_check
from fhir_bridge.fhir.terminology import value_set_codes
from fhir_bridge.fhir.values import binding_check, expected_value, resource_type_check, value_check, wrong_type
from fhir_bridge.limits import DEFAULTS
from fhir_bridge.outcome import Issue, Json, limited

_HL7_BASE = "http://hl7.org/fhir/StructureDefinition/"


def profile_checker(
    canonical: str,
    definitions: Definitions,
    version: Version = "4.0",
    *,
    max_problems: int = DEFAULTS.max_problems,
) -> Callable[[Json], list[Issue]]:
    """Return the check of a resource against a profile: what breaks it, each with its FHIRPath, up to `max_problems`.

    Something missing is placed where it would stand (`Patient.name`), an item of a list at its index. A resource of
    another type than the profile's has no issues here, and no resource is changed. Raises ValueError with one line,
    `profiles/x.json: element: what; what to do`, for each thing that cannot be compiled.
    """
    scope = _Scope(definitions, version, [], ())
    profile = _profile(canonical, canonical, scope)
    if profile is None:
        raise ValueError("\n".join(dict.fromkeys(scope.problems)))

    def check(resource: Json) -> list[Issue]:
        visit = Visit(resource, [], max_problems)
        profile.check(resource, profile.type, visit)
        return limited(visit.issues, max_problems, profile.type)

    return check


@dataclass(frozen=True, slots=True)
class _Profile:
    type: str
    check: Check


@dataclass(frozen=True, slots=True)
class _Scope:
    """What compiling needs to know; `files` are those of the profiles being compiled, the outermost first."""

    definitions: Definitions
    version: Version
    problems: list[str]
    files: tuple[str, ...]

    def report(self, place: str, text: str) -> None:
        self.problems.append(f"{self.files[-1]}: {place}: {text}" if self.files else text)


@dataclass(frozen=True, slots=True)
class _Type:
    """A type as fhir.resources names it (`PatientContact`) and as FHIRPath does (`Patient.contact`)."""

    name: str
    path: str

    def of(self, element: Element, type_name: str) -> _Type:
        """Return the type of one of its elements; a backbone element is known by the path that defines it."""
        if type_name == self.name:
            return self
        is_backbone = type_name.startswith(self.name)
        return _Type(type_name, f"{self.path}.{element.name}" if is_backbone else type_name)


def _profile(canonical: str, place: str, scope: _Scope) -> _Profile | None:
    """Return a compiled profile, or None where there were problems, which are then in the scope.

    `place` is the element that asks for it, which is to blame where there is no such profile.
    """
    try:
        definition = scope.definitions.find(canonical)
    except LookupError as error:
        scope.report(place, str(error))
        return None
    file = scope.definitions.files[canonical_url(canonical)]
    if file in scope.files:
        scope.report(place, "leads back to the profile itself; break the circle")
        return None
    return _compiled(definition, replace(scope, files=(*scope.files, file)))


def _compiled(definition: Json, scope: _Scope) -> _Profile | None:
    if definition["resourceType"] != "StructureDefinition" or definition.get("derivation") != "constraint":
        what = "is not a profile; name a StructureDefinition whose derivation is constraint"
        scope.report(definition["url"], what)
        return None
    type_name, problems_before = definition["type"], len(scope.problems)
    if definition.get("baseDefinition") != _HL7_BASE + type_name:
        scope.report(type_name, f"is not based on {_HL7_BASE}{type_name} itself, which is not checked; base it on that")
    check = _value_check(read_tree(definition, scope.report), _Type(type_name, type_name), scope) or all_of([])
    if len(scope.problems) > problems_before:
        return None
    return _Profile(type_name, _of_resource(type_name, check) if is_resource(scope.version, type_name) else check)


def _of_resource(type_name: str, check: Check) -> Check:
    """Return the check of a resource by itself: inside it, %resource is this one."""

    def check_resource(value: Json, path: str, visit: Visit) -> None:
        if isinstance(value, dict) and value.get("resourceType") == type_name:
            check(value, path, visit.of(value))

    return check_resource


def _value_check(node: Node, of_type: _Type, scope: _Scope) -> Check | None:
    """Return the check of one value of an element or slice, which passes over a value of another shape.

    None where the profile says nothing of it that could be broken.
    """
    checks = [
        *_value_rules(node, of_type, scope),
        *_type_profiles(node, scope),
        *_members(node, of_type, scope),
        *_invariants(node, of_type, scope),
    ]
    if not checks:
        return None
    whole = all_of(checks)
    is_simple = is_primitive(of_type.name)

    def check(value: Json, path: str, visit: Visit) -> None:
        if isinstance(value, dict) != is_simple and not isinstance(value, list):
            whole(value, path, visit)

    return check


def _value_rules(node: Node, of_type: _Type, scope: _Scope) -> Iterable[Check]:
    expected = expected_value(node.definition)
    if expected is not None:
        yield value_check(node.step, *expected)
    binding = node.definition.get("binding", {})
    if binding.get("strength") == "required":
        try:
            yield binding_check(node.step, of_type.name, value_set_codes(binding["valueSet"], scope.definitions))
        except (LookupError, ValueError) as error:
            scope.report(node.id, f"binding: {error}")


def _type_profiles(node: Node, scope: _Scope) -> Iterable[Check]:
    """Yield the check of the profile that a value, an extension or an entry's resource, must keep."""
    profiles = [url for one in node.definition.get("type", ()) for url in one.get("profile", ())]
    if len(profiles) > 1:
        scope.report(node.id, "names several profiles, of which one must be kept; this is not checked: name one")
    elif profiles:
        profile = _profile(profiles[0], node.id, scope)
        if profile is not None:
            yield profile.check


def _invariants(node: Node, of_type: _Type, scope: _Scope) -> Iterable[Check]:
    for constraint in node.definition.get("constraint", ()):
        try:
            yield invariant_check(constraint, of_type.path, scope.version)
        except ValueError as error:
            scope.report(node.id, str(error))


def _members(node: Node, of_type: _Type, scope: _Scope) -> Iterable[Check]:
    for child in node.children.values():
        options = _options(child, of_type, scope)
        member = _member(child, options, of_type, scope) if options else None
        if member is not None:
            yield member


def _options(node: Node, of_type: _Type, scope: _Scope) -> Sequence[Element]:
    """Return the element of a name, or all those of a choice such as `value[x]`; reports a name that FHIR has not."""
    try:
        known = elements(scope.version, of_type.name)
    except KeyError:
        known = {}
    names = {f"{one.choice}[x]" if one.choice else one.name for one in known.values()}
    if node.name in names:
        return [one for one in known.values() if node.name in (one.name, f"{one.choice}[x]")]
    nearest = get_close_matches(node.name, names, n=1)
    advice = f"did you mean {listed(nearest)}?" if nearest else "correct the path"
    scope.report(node.id, f"{of_type.path} has no element `{node.name}`; {advice}")
    return ()


def _member(node: Node, options: Sequence[Element], of_type: _Type, scope: _Scope) -> Check | None:
    """Return the check of one element on the object that holds it: how often it occurs, and each occurrence."""
    step, (needed, maximum) = node.step, cardinality(node.definition)
    by_name = _by_name(node, options, of_type, scope)
    slicing = _slicing(node, options, of_type, scope)
    minimum = 0 if slicing and _slices_say_enough(node) else needed
    find = finder(step, [option.name for option in options])
    needs_value = needed > 0 and node.definition.get("binding", {}).get("strength") == "required"
    if not (by_name or slicing or minimum or maximum is not None):
        return None

    def check(parent: Json, path: str, visit: Visit) -> None:
        items = find(parent, path)
        if len(items) < minimum:
            visit.issues.append(too_few(f"`{step}`", needed, f"{path}.{step}"))
        if maximum is not None and len(items) > maximum:
            visit.add(too_many(f"`{step}`", maximum, item.path) for item in items[maximum:])
            items = items[:maximum]
        if needs_value:
            visit.add(without_value(f"`{step}`", item.path) for item in items if item.value is None)
        for item in items:
            if visit.has_enough:
                return
            if item.name in by_name and item.value is not None:
                by_name[item.name](item.value, item.path, visit)
        if slicing is not None:
            slicing(items, f"{path}.{step}", visit)

    return check


def _slices_say_enough(node: Node) -> bool:
    """Whether the slices that must be there are as many as the items that must, so that one message is enough."""
    needed = sum(one.definition.get("min", 0) for one in node.slices.values())
    return bool(needed >= node.definition.get("min", 0))


def _by_name(node: Node, options: Sequence[Element], of_type: _Type, scope: _Scope) -> Mapping[str, Check]:
    """Return the check of a value by its JSON name: `valueCode` may be right where `valueString` is not."""
    codes = [one["code"] for one in node.definition.get("type", ())]
    if options[0].choice is None:
        check = _element_check(node, options[0], codes, of_type, scope)
        return {options[0].name: check} if check else {}
    allowed = [one for one in options if not codes or one.type in codes]
    for code in set(codes) - {one.type for one in options}:
        scope.report(node.id, f"`{node.name}` is never a {code}; name one of FHIR's types for it")
        allowed = list(options)
    wrong = wrong_type(node.step, [one.name for one in allowed])
    checks = {
        one.name: _value_check(node, of_type.of(one, one.type), scope) if one in allowed else wrong for one in options
    }
    return {name: check for name, check in checks.items() if check is not None}


def _element_check(node: Node, element: Element, codes: Sequence[str], of_type: _Type, scope: _Scope) -> Check | None:
    if element.type != "Resource":
        return _value_check(node, of_type.of(element, element.type), scope)
    type_name = codes[0] if len(codes) == 1 else element.type
    check = _value_check(node, _Type(type_name, type_name), scope)
    wanted = [resource_type_check(node.step, codes)] if codes and "Resource" not in codes else []
    return all_of([*wanted, check]) if check else all_of(wanted)


def _slicing(node: Node, options: Sequence[Element], of_type: _Type, scope: _Scope) -> ItemsCheck | None:
    slicing = node.definition.get("slicing")
    if slicing is None and not node.slices:
        return None
    if slicing is None or options[0].choice is not None:
        scope.report(node.id, "has slices, but no slicing that can be checked; add one, and none to a choice of types")
        return None
    slices = [
        one for slice_node in node.slices.values() for one in _slice(slice_node, slicing, options[0], of_type, scope)
    ]
    return slicing_check(node.step, slices, closed=slicing.get("rules") == "closed") if slices else None


def _slice(node: Node, slicing: Json, element: Element, of_type: _Type, scope: _Scope) -> Iterable[Slice]:
    try:
        told_by = discriminators(node, slicing, scope.version)
    except ValueError as error:
        scope.report(node.id, str(error))
        return
    codes = [one["code"] for one in node.definition.get("type", ())]
    rest = _without_told(node, [one.path for one in told_by])
    check = _element_check(rest, element, codes, of_type, scope)
    yield Slice(told_by, cardinality(node.definition), check or all_of([]))


def _without_told(node: Node, paths: Sequence[str]) -> Node:
    """Return a slice without the elements that only say what tells its items: they were looked at to find them."""
    told = {name for name, child in node.children.items() if name in paths and child.is_only_a_value}
    return replace(node, children={name: child for name, child in node.children.items() if name not in told})
