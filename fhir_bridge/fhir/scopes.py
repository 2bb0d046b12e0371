"""What only a resource as a whole can tell of what is in it: where its references lead, and that no id is there twice.

Whoever meets a reference or an id leaves a pending problem, which is settled here: for references by the resource
that contains others, or the Bundle that has entries; for ids by the resource itself.
https://hl7.org/fhir/R4/references.html#contained, https://hl7.org/fhir/R4/bundle.html#references and
https://hl7.org/fhir/R4/element.html#id
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from fhir_bridge.fhir.elements import Version, is_resource
from fhir_bridge.fhir.problems import Pending, Problem, Problems, broken
from fhir_bridge.fhir.references import Led, contained_problems
from fhir_bridge.outcome import Issue, Json

Value = Mapping[str, Json]
Rule = Callable[[Value], Problems]


@dataclass(frozen=True, slots=True)
class _Identified(Pending):
    """Writes the issue of an id that another element of the resource has too; none of an id that is there once."""

    id: Json

    def __call__(self, expression: str) -> Issue:
        text = "Another element of this resource has this `id`; give each its own, or leave it out."
        return Issue("rule-broken", "invariant", text, expression)


def rules_of_elements(type_name: str) -> Sequence[Rule]:
    """Return the rules of ids for a type that is no resource.

    What is beside a primitive may have an id alone. The ids of ElementDefinitions are paths, which a snapshot and a
    differential have in common.
    """
    ids = () if type_name == "ElementDefinition" else (_id_rule,)
    return ids if type_name == "Element" else (*ids, only_an_id)


def _id_rule(element: Value) -> Problems:
    """Return, for an element with an id, the problem that is none where no other element has it."""
    return (Problem(".id", _Identified(element["id"])),) if "id" in element else ()


def only_an_id(element: Value) -> Problems:
    """Return the problem of an object that has nothing but an id."""
    text = "There is nothing here but an `id`; add what it identifies, or leave it out (ele-1)."
    return (broken("", text),) if element.keys() == {"id"} else ()


def settled(version: Version, resource: Value, found: Problems, max_problems: int) -> Problems:
    """Return the problems of a resource, with what is pending settled as far as this resource can.

    Among contained resources no more problems are looked for than `max_problems`.
    """
    is_container = isinstance(resource.get("contained"), list)
    types = dict(_names(version, resource, is_container=is_container)) if found else {}
    ids: set[str] = set()
    settled: list[Problem] = []
    for problem in found:
        match problem.issue:
            case Led(name=name) as led if name in types:
                settled += led.problems(problem.path, types[name])
            case _Identified(id=id_) if isinstance(id_, str):
                settled += [problem] if id_ in ids else []
                ids.add(id_)
            case _Identified():  # what is wrong with it is said of its type
                pass
            case _:
                settled.append(problem)
    return [*settled, *contained_problems(version, resource, max_problems)] if is_container else settled


_OF_FHIR = "http://hl7.org/fhir/StructureDefinition/"


def _type_of_claim(version: Version, claim: Json) -> str | None:
    """Return the type whose definition by FHIR itself a resource claims to keep; None for any other profile."""
    if not isinstance(claim, str) or not claim.startswith(_OF_FHIR):
        return None
    name = claim.removeprefix(_OF_FHIR).partition("|")[0]
    return name if is_resource(version, name) else None


def profiles_rule(version: Version, type_name: str) -> Rule:
    """Return the rule of a resource that claims FHIR's own definition of a type: it is of that type."""

    def rule(resource: Value) -> Problems:
        meta = resource.get("meta")
        claims = meta.get("profile") if isinstance(meta, dict) else None
        return [
            broken(f".meta.profile[{index}]", f"This profile is for another type of resource than {type_name}.")
            for index, claim in enumerate(claims if isinstance(claims, list) else ())
            if _type_of_claim(version, claim) not in (None, type_name)
        ]

    return rule


def _names(version: Version, resource: Value, *, is_container: bool) -> Iterator[tuple[str, str]]:
    """Yield what may be referred to in a resource by name, and its type."""
    named: list[tuple[str, Json]] = [("#", resource)] if is_container else []
    if is_container:
        named += [(f"#{each.get('id')}", each) for each in resource["contained"] if isinstance(each, dict)]
    if resource.get("resourceType") == "Bundle" and isinstance(resource.get("entry"), list):
        entries = [entry for entry in resource["entry"] if isinstance(entry, dict)]
        named += [(str(entry.get("fullUrl")), entry.get("resource")) for entry in entries]
    for name, each in named:
        type_name = each.get("resourceType") if isinstance(each, dict) else None
        if isinstance(type_name, str) and is_resource(version, type_name):
            yield name, type_name


def at_last(found: Problems) -> Problems:
    """Return what is left of the problems of all that was sent: what is not in it, a reference may well lead to."""
    return [problem for problem in found if not isinstance(problem.issue, Led) or problem.issue.is_local]
