"""References and contained resources: how a reference is written, and that both ends of a local one are there.

https://hl7.org/fhir/R4/references.html (ref-1, dom-2 to dom-5)
"""

from __future__ import annotations

import re
from collections import Counter, deque
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from fhir_bridge.fhir.elements import Version, resource_types
from fhir_bridge.fhir.primitives import Format, is_absolute
from fhir_bridge.fhir.problems import Problem, Problems, broken
from fhir_bridge.limits import DEFAULTS
from fhir_bridge.outcome import Issue, Json

# `Patient/1`, also of one version; and, in a transaction, `Patient?identifier=…`.
_RELATIVE = re.compile(r"([A-Z][A-Za-z]{0,63})(?:/[A-Za-z0-9\-.]{1,64}(?:/_history/[A-Za-z0-9\-.]{1,64})?|\?\S+)")


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
class _Unresolved:
    """Writes the issue of a reference to a contained resource, which is none where that turns out to be there."""

    id: str

    def __call__(self, expression: str) -> Issue:
        text = "There is no contained resource with this id; add it to `contained`, or correct the reference (ref-1)."
        return Issue("rule-broken", "invariant", text, expression)


def local_reference(reference: Mapping[str, Json]) -> Problems:
    """Return, for a reference such as `#id`, the problem that `contained_problems` takes back where it is none."""
    target = reference.get("reference")
    if not isinstance(target, str) or not target.startswith("#") or target == "#":
        return ()
    return (Problem(".reference", _Unresolved(target[1:])),)


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


def certain(problems: Problems) -> int:
    """Return how many of the problems nothing takes back, as `contained_problems` may take back a local reference's."""
    return sum(not isinstance(problem.issue, _Unresolved) for problem in problems)


def contained_problems(
    version: Version, resource: Mapping[str, Json], found: Problems, max_problems: int = DEFAULTS.max_problems
) -> Problems:
    """Return the problems of a resource that contains others, without those of references that lead to them.

    Among the contained resources no more problems are looked for than `max_problems`.
    """
    contained = resource.get("contained")
    if not isinstance(contained, list):
        return found
    inner = [(f".contained[{index}]", each) for index, each in enumerate(contained) if isinstance(each, dict)]
    known = {id_ for _, each in inner if isinstance(id_ := each.get("id"), str)}
    problems = [problem for problem in found if not _is_resolved(problem, known)]
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


def _is_resolved(problem: Problem, ids: Collection[str]) -> bool:
    return isinstance(problem.issue, _Unresolved) and problem.issue.id in ids


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
        for freed in needs.without(left.popleft()):
            if freed not in found:
                found[freed] = None
                left.append(freed)
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
