"""Where in a resource a FHIRPath leads: the part of FHIRPath that patches use, answered with places, not values.

Names, `[n]`, `first()`, `last()`, `where(a = 'x' and b = 'y')`, `ofType(T)`, `extension('url')`.
https://hl7.org/fhir/R4/fhirpatch.html, https://hl7.org/fhirpath/N1/
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import starmap, zip_longest
from typing import NamedTuple

from fhir_bridge.fhir.elements import Element, Version, elements, is_primitive
from fhir_bridge.fhir.fhirpath_steps import Criterion, Index, Member, OfType, Step, Where
from fhir_bridge.outcome import Json

Visit = Callable[[int], None]
"""Is told how many elements a path goes over, and may raise an error of its own when they are too many."""


class Item(NamedTuple):
    """One repeat of an element: its JSON value, and what stands beside a primitive (id, extension)."""

    value: Json
    beside: Json = None


@dataclass(frozen=True, slots=True)
class Spot:
    """Where an element stands: in the JSON object `holder`, of `holder_type`, as repeat `at` of `element`."""

    holder: dict[str, Json]
    holder_type: str
    element: Element
    at: int


@dataclass(frozen=True, slots=True)
class Node:
    """One element of a resource; the resource itself stands nowhere."""

    type_name: str
    item: Item
    spot: Spot | None = None

    def whole(self) -> dict[str, Json]:
        """Return the JSON object whose members are this element's own: for a primitive, the one beside its value.

        That one is written where it is not there yet.
        """
        whole: dict[str, Json] | None = self.item.beside if is_primitive(self.type_name) else self.item.value
        if whole is not None:
            return whole
        beside: dict[str, Json] = {}
        assert self.spot is not None  # only a resource has none, and it is an object
        items = items_of(self.spot.holder, self.spot.element)
        items[self.spot.at] = Item(self.item.value, beside)
        write_items(self.spot.holder, self.spot.element, items)
        return beside


def items_of(holder: dict[str, Json], element: Element) -> list[Item]:
    """Return the repeats of an element, each with what stands beside it; a single element has at most one."""
    return list(_items(holder, element, EVERY))


EVERY = slice(None)


def _items(holder: dict[str, Json], element: Element, wanted: slice) -> Iterator[Item]:
    """Yield the wanted repeats of an element."""
    values, besides = (_listed(holder.get(prefix + element.name)) for prefix in ("", "_"))
    return starmap(Item, zip_longest(values[wanted], besides[wanted]))


def _listed(value: Json) -> list[Json]:
    return value if isinstance(value, list) else [] if value is None else [value]


def write_items(holder: dict[str, Json], element: Element, items: list[Item]) -> None:
    """Write the repeats of an element as JSON has them: a list, and beside it one of the same length if needed."""
    for name, values in (
        (element.name, [item.value for item in items]),
        (f"_{element.name}", [item.beside for item in items]),
    ):
        if all(value is None for value in values):
            holder.pop(name, None)
        else:
            holder[name] = values if element.repeats else values[0]


def candidates(version: Version, type_name: str, name: str) -> list[Element]:
    """Return the elements that FHIRPath calls `name`: several for a choice of types, none for an unknown name.

    Raises LookupError for a type that FHIR does not have, as a contained resource's may be.
    """
    try:
        return [element for element in elements(version, type_name).values() if element.path == name]
    except KeyError:
        raise LookupError(f"FHIR has no type {type_name}") from None


def own_type(node: Node) -> str:
    """Return the type that an element's members are those of: that of a primitive is "Element"."""
    return "Element" if is_primitive(node.type_name) else node.type_name


def free(elements: int) -> None:
    """Let a path go over any number of elements."""


def located(version: Version, resource: Json, steps: tuple[Step, ...], visit: Visit = free) -> list[Node]:
    """Return the elements that a path leads to. Raises LookupError for a name or a type that FHIR does not have.

    The first step may be the resource's type. `visit` is told how many elements each step goes over.
    """
    type_name = resource["resourceType"]
    nodes, at = [Node(type_name, Item(resource))], int(steps[:1] == (Member(type_name),))
    while at < len(steps):
        step, following = steps[at], steps[at + 1 : at + 2]
        item = _of_one(version, nodes, step, *following) if following else None
        nodes = _stepped(version, nodes, step, visit) if item is None else item
        at += 1 if item is None else 2
        visit(len(nodes))
    return nodes


def _of_one(version: Version, nodes: list[Node], step: Step, index: Step) -> list[Node] | None:
    """Return `name[3]` of one element without going over the others; None for other steps, and those of a choice."""
    if len(nodes) != 1 or not isinstance(step, Member) or not isinstance(index, Index) or index.at < 0:
        return None
    if len(candidates(version, own_type(nodes[0]), step.name)) > 1:
        return None
    return list(_children(version, nodes[0], step.name, slice(index.at, index.at + 1)))


def _stepped(version: Version, nodes: list[Node], step: Step, visit: Visit) -> list[Node]:
    if isinstance(step, Member):
        return [child for node in nodes for child in _children(version, node, step.name)]
    if isinstance(step, Index):
        return nodes[step.at :][:1]
    if isinstance(step, OfType):
        return [node for node in nodes if node.type_name == step.type_name]
    return [node for node in nodes if _satisfies(version, node, step, visit)]


def _children(version: Version, node: Node, name: str, wanted: slice = EVERY) -> Iterator[Node]:
    """Yield the wanted elements of a name."""
    type_name = own_type(node)
    found = candidates(version, type_name, name)
    if not found:
        raise LookupError(f"{type_name} has no element {name}")
    holder = node.item.beside if is_primitive(node.type_name) else node.item.value
    for element in found if isinstance(holder, dict) else ():
        for at, item in enumerate(_items(holder, element, wanted), wanted.start or 0):
            yield Node(_exact_type(element, item), item, Spot(holder, type_name, element, at))


def _exact_type(element: Element, item: Item) -> str:
    if element.type == "Resource" and isinstance(item.value, dict):
        return str(item.value.get("resourceType"))
    return element.type


def _satisfies(version: Version, node: Node, step: Where, visit: Visit) -> bool:
    return all(_equals(version, node, criterion, visit) for criterion in step.criteria)


def _equals(version: Version, node: Node, criterion: Criterion, visit: Visit) -> bool:
    """Whether exactly one element at `path` ("$this": the node itself) has this value; true is not 1."""
    nodes, value = [node], criterion.value
    for name in criterion.path:
        nodes = [child for each in nodes for child in _children(version, each, name)]
        visit(len(nodes))
    found = nodes[0].item.value if len(nodes) == 1 else None
    return isinstance(found, bool) == isinstance(value, bool) and bool(found == value)
