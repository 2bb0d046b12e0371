"""FHIRPath Patch: a Parameters resource whose operations add, insert, delete, replace and move elements.

https://hl7.org/fhir/R4/fhirpatch.html
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import replace

from fhir_bridge.fhir.elements import Element, Version
from fhir_bridge.fhir.fhirpath_location import Item, Node, Spot, candidates, items_of, located, own_type, write_items
from fhir_bridge.fhir.fhirpath_operations import Operation, read_operations
from fhir_bridge.fhir.fhirpath_steps import Member, Step
from fhir_bridge.fhir.fhirpath_values import WrongType, item_for
from fhir_bridge.fhir.patch_rules import does_not_apply, must_stay_itself, nested_too_deep, pruned, refused
from fhir_bridge.outcome import Json

MAX_VISITED = 100_000
"""How many elements all operations of one patch may go over: each could go over a list of thousands."""


def read_fhirpath_patch(parameters: Json, *, version: Version = "4.0") -> Callable[[Json], Json]:
    """Return the function that carries out the operations of `parameters` on a resource; it changes neither of them.

    Raises FhirError 400 for a patch that cannot be read, with all its
    problems; the function raises 422 for the first operation that does not apply. `expression` names the part that
    is at fault, as in `Parameters.parameter[1].part[2]`.
    """
    try:
        operations, issues = read_operations(version, parameters)
    except RecursionError:
        raise nested_too_deep() from None
    if issues:
        raise refused(issues)

    def apply(resource: Json) -> Json:
        patched, reach = copy.deepcopy(resource), _Reach()
        for operation in operations:
            _carry_out(version, replace(operation, visit=reach.visit), patched)
            must_stay_itself(resource, patched, operation.expressions["path"])
        return patched

    return apply


class _TooFar(Exception):
    """The operations of a patch go over more of the resource than they may."""


class _Reach:
    """How many elements the operations of one patch went over so far."""

    def __init__(self) -> None:
        self.visited = 0

    def visit(self, elements: int) -> None:
        self.visited += elements
        if self.visited > MAX_VISITED:
            raise _TooFar


def _carry_out(version: Version, operation: Operation, resource: Json) -> None:
    try:
        _ACTIONS[operation.type](version, operation, resource)
    except WrongType as wrong:
        raise operation.fails("value", str(wrong)) from None
    except _TooFar:
        text = "The operations up to this one go over too much of the resource; send fewer of them at once."
        raise does_not_apply(operation.expressions["path"], text, "too-costly") from None


def _add(version: Version, operation: Operation, resource: Json) -> None:
    node = _one(version, operation, resource, operation.path)
    name = operation.parts["name"]
    found = candidates(version, own_type(node), name)
    if not found:
        raise operation.fails("name", f"{own_type(node)} has no element {name}.")
    element, item = item_for(version, found, operation.parts["value"])
    whole = node.whole()
    there = _items(operation, whole, element) if element.repeats else []
    if not element.repeats and any(_is_there(each) for other in found for each in items_of(whole, other)):
        raise operation.fails("name", f"{name} is there already, and does not repeat: replace it.")
    write_items(whole, element, [*there, item])


def _is_there(item: Item) -> bool:
    """Whether an element holds anything: one that an operation emptied goes at the end of the patch."""
    return any(pruned(each) not in (None, {}) for each in item)


def _insert(version: Version, operation: Operation, resource: Json) -> None:
    whole, element = _list(version, operation, resource)
    _, item = item_for(version, [element], operation.parts["value"])
    items, index = _items(operation, whole, element), operation.parts["index"]
    if index > len(items):
        raise operation.fails("index", f"The list has {len(items)} items: the index is {len(items)} at most.")
    write_items(whole, element, [*items[:index], item, *items[index:]])


def _move(version: Version, operation: Operation, resource: Json) -> None:
    whole, element = _list(version, operation, resource)
    items = _items(operation, whole, element)
    for name in ("source", "destination"):
        if operation.parts[name] >= len(items):
            raise operation.fails(name, f"The list has {len(items)} items: {name} is less than that.")
    items.insert(operation.parts["destination"], items.pop(operation.parts["source"]))
    write_items(whole, element, items)


def _delete(version: Version, operation: Operation, resource: Json) -> None:
    nodes = _located(version, operation, resource, operation.path)
    if len(nodes) > 1:
        raise operation.fails("path", f"The path leads to {len(nodes)} elements; a delete takes one.")
    for node in nodes:
        spot = _spot(operation, node)
        items = _items(operation, spot.holder, spot.element)
        write_items(spot.holder, spot.element, items[: spot.at] + items[spot.at + 1 :])


def _replace(version: Version, operation: Operation, resource: Json) -> None:
    """Replace an element; one of a choice may become another type, under another JSON name."""
    spot = _spot(operation, _one(version, operation, resource, operation.path))
    rivals = candidates(version, spot.holder_type, spot.element.path)
    element, item = item_for(version, rivals, operation.parts["value"])
    items = _items(operation, spot.holder, spot.element)
    items[spot.at] = item
    if element.name != spot.element.name:
        write_items(spot.holder, spot.element, [])
    write_items(spot.holder, element, items)


_ACTIONS: Mapping[str, Callable[[Version, Operation, Json], None]] = {
    "add": _add,
    "insert": _insert,
    "delete": _delete,
    "replace": _replace,
    "move": _move,
}


def _located(version: Version, operation: Operation, resource: Json, path: tuple[Step, ...]) -> list[Node]:
    try:
        return located(version, resource, path, operation.visit)
    except LookupError as unknown:
        raise operation.fails("path", f"{unknown.args[0]}.") from None


def _items(operation: Operation, holder: dict[str, Json], element: Element) -> list[Item]:
    items = items_of(holder, element)
    operation.visit(len(items))
    return items


def _one(version: Version, operation: Operation, resource: Json, path: tuple[Step, ...]) -> Node:
    nodes = _located(version, operation, resource, path)
    if len(nodes) != 1:
        led_to = f"{len(nodes)} elements" if nodes else "nothing"
        raise operation.fails("path", f"The path leads to {led_to}; it must lead to one element.")
    return nodes[0]


def _spot(operation: Operation, node: Node) -> Spot:
    if node.spot is None:
        raise operation.fails("path", "The path leads to the whole resource, not to an element of it.")
    return node.spot


def _list(version: Version, operation: Operation, resource: Json) -> tuple[dict[str, Json], Element]:
    """Return the list that a path names, as the object it stands in and its element; it may be absent, or empty."""
    *parents, last = operation.path
    if not isinstance(last, Member) or (not parents and last.name == resource["resourceType"]):
        raise operation.fails("path", "The path must end in the name of a list, without an index or a filter.")
    node = _one(version, operation, resource, tuple(parents))
    found = candidates(version, own_type(node), last.name)
    if not found:
        raise operation.fails("path", f"{own_type(node)} has no element {last.name}.")
    if not found[0].repeats:
        raise operation.fails("path", f"{last.name} is no list.")
    return node.whole(), found[0]
