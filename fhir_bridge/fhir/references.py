"""References and contained resources: how a reference is written, where it leads, and that both ends of a local one are
there.

https://hl7.org/fhir/R4/references.html (ref-1, dom-2 to dom-5)
"""

from __future__ import annotations

import re
from collections import Counter, deque
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from fhir_bridge.fhir.elements import Version, resource_types
from fhir_bridge.fhir.primitives import Format, is_absolute
from fhir_bridge.fhir.problems import Pending, Problem, Problems, broken
from fhir_bridge.limits import DEFAULTS
from fhir_bridge.outcome import Issue, Json

# `Patient/1`, also of one version; and, in a transaction, `Patient?identifier=…`.
_RELATIVE = re.compile(r"([A-Z][A-Za-z]{0,63})(?:/[A-Za-z0-9\-.]{1,64}(?:/_history/[A-Za-z0-9\-.]{1,64})?|\?\S+)")
_ON_A_SERVER = re.compile(r"https?://\S+/([A-Z][A-Za-z]{0,63})/[A-Za-z0-9\-.]{1,64}(?:/_history/[A-Za-z0-9\-.]{1,64})?")
_OF_FHIR = "http://hl7.org/fhir/StructureDefinition/"


def reference_format(version: Version) -> Format:
    """Return the format of `Reference.reference`."""
    types = resource_types(version)

    def fits(value: Json) -> bool:
        if not isinstance(value, str):
            return False
        relative = _RELATIVE.fullmatch(value)
        if relative is not None:
            return relative[1] in types
        return is_absolute(value) or (value.startswith("#") and not re.search(r"\s", value))

    rule = "a reference such as Patient/1, http://example.org/fhir/Patient/1, urn:uuid:… or #id"
    return Format(fits, (str,), "a string", rule)


@dataclass(frozen=True, slots=True)
class Led(Pending):
    """Where a reference leads is for the resource to say that holds it: whether it contains `name`, and what that is.

    `told` is the type that the reference names itself. Called, it writes the issue of a contained resource that is not
    there; `settled` in module `scopes` takes that back, or says what else is wrong.
    """

    name: str
    targets: frozenset[str]
    told: str | None

    def __call__(self, expression: str) -> Issue:
        text = "There is no contained resource with this id; add it to `contained`, or correct the reference (ref-1)."
        return Issue("rule-broken", "invariant", text, expression)

    @property
    def is_local(self) -> bool:
        """Whether it names a contained resource, and not what contains it, nor an entry of a Bundle."""
        return self.name.startswith("#") and self.name != "#"

    def problems(self, path: str, actual: str) -> Problems:
        """Return what is wrong where the reference at `path` leads to a resource of this type."""
        if self.targets and actual not in self.targets:
            allowed = " or ".join(sorted(self.targets))
            text = f"This leads to a resource of type {actual}; a reference to {allowed} belongs here."
            return (broken(path, text),)
        if self.told not in (None, actual):
            text = "`type` and `reference` name different types of resources; make them the same, or leave out `type`."
            return (broken(f"{path.removesuffix('.reference')}.type", text),)
        return ()


def target_rule(version: Version, targets: frozenset[str]) -> Callable[[Mapping[str, Json]], Problems]:
    """Return the rule of a Reference that may lead to these types of resources; any where there are none."""
    types = resource_types(version)

    def rule(reference: Mapping[str, Json]) -> Problems:
        literal, told = reference.get("reference"), reference.get("type")
        if not isinstance(literal, str):
            return ()
        led = Led(literal, targets, told.removeprefix(_OF_FHIR) if isinstance(told, str) else None)
        match = _RELATIVE.fullmatch(literal) or _ON_A_SERVER.fullmatch(literal)
        if match is not None and match[1] in types:
            return led.problems(".reference", match[1])
        return (Problem(".reference", led),)

    return rule


# What a contained resource has not, by the path in it, and the rule that says so.
_FORBIDDEN: Mapping[Version, Sequence[tuple[str, str]]] = {
    "3.0": (("text", "dom-1"), ("contained", "dom-2"), ("meta.versionId", "dom-4"), ("meta.lastUpdated", "dom-4")),
    "4.0": (
        ("contained", "dom-2"),
        ("meta.versionId", "dom-4"),
        ("meta.lastUpdated", "dom-4"),
        ("meta.security", "dom-5"),
    ),
}


def contained_problems(
    version: Version, resource: Mapping[str, Json], max_problems: int = DEFAULTS.max_problems
) -> Problems:
    """Return what is wrong with the contained resources as such, and not many more problems than `max_problems`."""
    contained = resource["contained"]
    inner = [(f".contained[{index}]", each) for index, each in enumerate(contained) if isinstance(each, dict)]
    problems: list[Problem] = []
    needless, met = {f".contained[{index}]" for index in unneeded(resource)}, set[str]()
    for path, each in inner:
        if len(problems) > max_problems:
            break
        problems += _forbidden(version, path, each)
        problems += _of_id(path, each, met, needless)
    return problems


def _of_id(path: str, contained: Mapping[str, Json], met: set[str], needless: Collection[str]) -> Problems:
    """Return what is wrong with a contained resource's id: `met` are those before it, to which it is added."""
    id_ = contained.get("id")
    if "id" not in contained:
        return (broken(f"{path}.id", "`id` is missing; a contained resource is referred to by it."),)
    if not isinstance(id_, str):
        return ()
    if id_ in met:
        return (broken(f"{path}.id", "Another contained resource has this id; give each its own."),)
    met.add(id_)
    text = (
        "Nothing refers to this contained resource, and it does not refer to the one that contains it; refer "
        "to it by its id, or from it by `#`, or leave it out (dom-3)."
    )
    return (broken(path, text),) if path in needless else ()


def _forbidden(version: Version, path: str, contained: Mapping[str, Json]) -> Iterator[Problem]:
    for element, key in _FORBIDDEN[version]:
        within, _, name = element.rpartition(".")
        holder = contained.get(within) if within else contained
        if isinstance(holder, dict) and name in holder:
            yield broken(f"{path}.{element}", f"A contained resource has no `{name}`; leave it out ({key}).")


def unneeded(resource: Mapping[str, Json]) -> list[int]:
    """Return which contained resources nothing holds: nothing else refers to them, nor they to their container."""
    needs = _Needs.of(resource)
    return [index for index in range(len(needs.own)) if needs.is_unneeded(index)]


def all_unneeded(resource: Mapping[str, Json]) -> Mapping[int, None]:
    """Return, in order, which contained resources nothing holds once those are gone that nothing holds, and so on."""
    needs = _Needs.of(resource)
    found = dict.fromkeys(index for index in range(len(needs.own)) if needs.is_unneeded(index))
    left = deque(found)
    while left:
        freed = [index for index in needs.without(left.popleft()) if index not in found]
        found |= dict.fromkeys(freed)
        left.extend(freed)
    return found


@dataclass(frozen=True, slots=True)
class _Needs:
    """How often each text is said in a resource, and in each that it contains; the names that these have, and where."""

    names: frozenset[str]
    said: Counter[str]
    own: Sequence[Counter[str]]
    named: Sequence[str]
    at: Mapping[str, int]

    @staticmethod
    def of(resource: Mapping[str, Json]) -> _Needs:
        contained = resource.get("contained", ())
        named = [f"#{each.get('id')}" if isinstance(each, dict) else "" for each in contained]
        own = [Counter(_texts(each)) for each in contained]
        at = {name: index for index, name in enumerate(named)}
        return _Needs(names_of(resource), Counter(_texts(resource)), own, named, at)

    def is_unneeded(self, index: int) -> bool:
        name, own = self.named[index], self.own[index]
        return self.said[name] == own[name] and self.names.isdisjoint(own)

    def without(self, index: int) -> list[int]:
        """Take a contained resource away, and return those to which it referred that nothing holds any more."""
        self.said.subtract(self.own[index])
        referred = [self.at[name] for name in self.own[index] if name in self.at]
        return [at for at in referred if self.is_unneeded(at)]


def names_of(resource: Mapping[str, Json]) -> frozenset[str]:
    """Return how what a resource contains may refer to it: as `#`, and also as `Patient/1`."""
    return frozenset({"#", f"{resource.get('resourceType')}/{resource['id']}"} if "id" in resource else {"#"})


def _texts(value: Json) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _texts(inner)
