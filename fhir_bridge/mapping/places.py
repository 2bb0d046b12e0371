"""Places of a resource, such as `name[official].given[0]`: what stands there is read and written, and where that is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from fhir_bridge.fhir.elements import Element
from fhir_bridge.mapping.slices import Slice
from fhir_bridge.outcome import Json

DATA_ABSENT_REASON = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"

SKIPPED = "unknown"
"""The data-absent-reason of an item that a list of primitives skips."""


def absent(reason: str) -> Json:
    """Return the extensions of a primitive that has no value, and why."""
    return {"extension": [{"url": DATA_ABSENT_REASON, "valueCode": reason}]}


class Step(NamedTuple):
    """One step of a path; `path` is its FHIRPath name."""

    name: str
    path: str
    item: int | None
    slice: Slice | None

    def all(self, path: str, node: Json) -> list[tuple[str, Json]]:
        """Return all that this step leads to from an object at `path`: of a list, every member that is meant."""
        value, path = node.get(self.name), f"{path}.{self.path}"
        if not isinstance(value, list):
            return [] if value is None else [(path, value)]
        meant = range(len(value)) if self.slice is None and self.item is None else self._meant(value)
        return [(f"{path}[{n}]", value[n]) for n in meant if n < len(value) and value[n] is not None]

    def _meant(self, members: list[Json]) -> list[int]:
        """Return the index of the one member that is meant, if any is."""
        index = self.item if self.slice is None else self.slice.first(members)
        return [] if index is None else [index]


@dataclass(frozen=True, slots=True)
class Place:
    """One element of a resource. `get` and `put` take the resource, or a list's member.

    `name` is how the mapping file writes it: `name[official].family`.
    """

    steps: tuple[Step, ...]
    element: Element
    name: str = ""

    def get(self, root: Json) -> Json:
        """Return the value that stands here; None where there is none."""
        node = root
        for name, _, item, slice_ in self.steps:
            node = node.get(name)
            if node is None:
                return None
            if slice_ is not None:
                item = slice_.first(node)
                if item is None:
                    return None
            if item is not None:
                node = node[item] if item < len(node) else None
                if node is None:
                    return None
        return node

    def everywhere(self, root: Json, prefix: str) -> list[tuple[str, Json]]:
        """Return every value that the path leads to, with its FHIRPath: of a list, each member that is meant."""
        found = [(prefix, root)]
        for step in self.steps:
            found = [below for path, node in found for below in step.all(path, node)]
        return found

    def put(self, root: Json, value: Json) -> None:
        """Write the value, making what has to be around it."""
        node, last = self._parent(root), self.steps[-1]
        if last.item is None:
            node[last.name] = value
            return
        items = node.setdefault(last.name, [])
        items.extend([None] * (last.item + 1 - len(items)))
        items[last.item] = value

    def put_absent(self, root: Json, reason: str) -> None:
        """Write that there is no value here, and why."""
        parent, last = self._parent(root), self.steps[-1]
        if last.item is None:
            parent[f"_{last.name}"] = absent(reason)
            return
        for name, item in ((last.name, None), (f"_{last.name}", absent(reason))):
            items = parent.setdefault(name, [])
            items.extend([None] * (last.item + 1 - len(items)))
            items[last.item] = item

    def pad(self, root: Json) -> None:
        """Say of each item that a list of primitives skips that it is unknown: `[null, "Миколайович"]`."""
        parent, name = self._around(root), self.steps[-1].name
        items = parent.get(name) if parent else None
        if items and None in items:
            said = [*parent.get(f"_{name}", ()), *[None] * len(items)]
            extensions = [absent(SKIPPED) if item is None else None for item in items]
            parent[f"_{name}"] = [old or new for old, new in zip(said, extensions, strict=False)]

    def absent_reason(self, root: Json) -> str | None:
        """Return why the primitive that should stand here has no value, where the resource says so."""
        beside = self._beside(root)
        for extension in beside.get("extension", ()) if beside else ():
            if extension.get("url") == DATA_ABSENT_REASON:
                return str(extension.get("valueCode"))
        return None

    def is_put_absent(self, root: Json, reason: str) -> bool:
        """Return whether there is no value here, and just what the bridge itself writes of why."""
        return self.get(root) is None and self._beside(root) == absent(reason)

    def is_skipped(self, root: Json) -> bool:
        """Return whether this item of a list of primitives has others after it."""
        parent, last = self._around(root), self.steps[-1]
        return last.item is not None and len((parent or {}).get(last.name, ())) > last.item + 1

    def _beside(self, root: Json) -> Json:
        """Return what stands beside the primitive here: its id and extensions."""
        parent, last = self._around(root), self.steps[-1]
        beside = parent.get(f"_{last.name}") if parent else None
        if last.item is not None:
            return beside[last.item] if beside and last.item < len(beside) else None
        return beside

    def members(self, root: Json) -> list[tuple[int, Json]]:
        """Return every member of the list that the last step's slice tells, with its index."""
        parent, last = self._around(root), self.steps[-1]
        found = enumerate((parent or {}).get(last.name) or ())
        return [(index, member) for index, member in found if last.slice is None or last.slice.fits(member)]

    def new(self) -> Json:
        """Return a new member for the list of the last step, which is not in it yet."""
        last = self.steps[-1]
        return last.slice.start() if last.slice else {}

    def add(self, root: Json, member: Json) -> None:
        """Add a member to the list of the last step."""
        self._parent(root).setdefault(self.steps[-1].name, []).append(member)

    def where(self, root: Json, prefix: str) -> str:
        """Return the FHIRPath of this element in this resource, as far as it is there."""
        *_, (path, _, _) = self._walk(root, prefix)
        return path

    def told_by(self, root: Json, prefix: str) -> list[str]:
        """Return the FHIRPaths of the elements that told which members of lists are meant."""
        found = []
        for path, slice_, member in self._walk(root, prefix):
            if slice_ is not None and member is not None:
                found += [f"{path}.{element}" for element in slice_.told_by(member)]
        return found

    def paths(self, root: Json, prefix: str) -> list[str]:
        """Return the FHIRPath of this element, and of those that told which members of lists are meant."""
        return [self.where(root, prefix), *self.told_by(root, prefix)]

    def _walk(self, root: Json, prefix: str) -> Iterator[tuple[str, Slice | None, Json]]:
        """Yield each step's FHIRPath with the list's items that were found, its slice, and what stands there."""
        node, path = root, prefix
        for name, step_path, item, slice_ in self.steps:
            path += f".{step_path}"
            node = node.get(name) if isinstance(node, dict) else None
            if slice_ is not None:
                item = slice_.first(node)
            if item is not None:
                path += f"[{item}]"
                node = node[item] if node and item < len(node) else None
            elif slice_ is not None:
                node = None
            yield path, slice_, node

    def is_around(self, root: Json) -> bool:
        """Return whether there is what holds the last step's element."""
        return self._around(root) is not None

    def _around(self, root: Json) -> Json:
        """Return the object that holds the last step's element; None where it is not there."""
        return Place(self.steps[:-1], self.element).get(root)

    def _parent(self, root: Json) -> Json:
        """Return the object that holds the last step's element, making what has to be around it."""
        node = root
        for step in self.steps[:-1]:
            node = self._enter(node, step)
        return node

    @staticmethod
    def _enter(node: Json, step: Step) -> Json:
        if step.slice is None:
            return node.setdefault(step.name, {})
        members = node.setdefault(step.name, [])
        for member in members:
            if step.slice.fits(member):
                return member
        members.append(step.slice.start())
        return members[-1]
