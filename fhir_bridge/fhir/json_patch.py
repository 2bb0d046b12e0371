"""JSON Patch (RFC 6902) on a resource.

The library carries the operations out. Pointers are followed here first, and strictly: the library lets `01` be
an index and a text be a list of letters, and its `test` takes true for 1. https://www.rfc-editor.org/rfc/rfc6902

FHIR's JSON has no empty list, so a list that is not there is an empty one: `/telecom/-` adds the first telecom.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal

import jsonpatch

from fhir_bridge.fhir.elements import Element, Version, elements
from fhir_bridge.fhir.patch_rules import does_not_apply, malformed, must_stay_itself, refused, too_many
from fhir_bridge.fhir.problems import shown
from fhir_bridge.outcome import FhirError, Issue, Json

# https://www.rfc-editor.org/rfc/rfc6902#section-4
_MEMBERS: Mapping[str, tuple[str, ...]] = {
    "add": ("path", "value"),
    "remove": ("path",),
    "replace": ("path", "value"),
    "move": ("from", "path"),
    "copy": ("from", "path"),
    "test": ("path", "value"),
}
# https://www.rfc-editor.org/rfc/rfc6901#section-3
_POINTER = re.compile(r"(?:/(?:[^~/]|~[01])*)*")
_INDEX = re.compile(r"0|[1-9][0-9]*")

MAX_COPIED = 100_000
"""How many values all `copy` operations of one patch may write: each could double the resource."""


@dataclass(frozen=True, slots=True)
class _Operation:
    """One operation that can be read; `expression` is its place in the patch, "[1]"."""

    member: Json
    expression: str

    @property
    def op(self) -> str:
        return str(self.member["op"])

    def fail(self, name: str, text: str) -> FhirError:
        return does_not_apply(f"{self.expression}.{name}", text)


def read_json_patch(patch: Json, *, version: Version = "4.0") -> Callable[[Json], Json]:
    """Return the function that carries out a JSON Patch on a resource; it changes neither the resource nor the patch.

    Raises FhirError 400 for a patch that cannot be read, with all its problems; the function raises 422 for the first
    operation that does not apply. `expression` names the member, as in `[1].path`.
    """
    issues = _problems(patch)
    if issues:
        raise refused(issues)
    operations = [_Operation(member, f"[{at}]") for at, member in enumerate(patch)]

    def apply(resource: Json) -> Json:
        return _applied(version, operations, resource)

    return apply


def _applied(version: Version, operations: list[_Operation], resource: Json) -> Json:
    patched, copied = copy.deepcopy(resource), 0
    for operation in operations:
        if operation.op == "copy":
            copied += _size(_found(patched, operation, "from"))
            if copied > MAX_COPIED:
                raise does_not_apply(operation.expression, "The patch copies too much.", "too-costly")
        patched = _carried_out(version, operation, patched)
        must_stay_itself(resource, patched, operation.expression)
    return patched


def _problems(patch: Json) -> list[Issue]:
    if not isinstance(patch, list):
        return [malformed("", "A JSON Patch is a list of operations.", "structure")]
    return too_many(patch, "") or [
        issue for at, operation in enumerate(patch) for issue in _problems_of(operation, f"[{at}]")
    ]


def _problems_of(operation: Json, expression: str) -> list[Issue]:
    if not isinstance(operation, dict):
        return [malformed(expression, "An operation is an object.", "structure")]
    if "op" not in operation:
        return [malformed(expression, "An operation needs op.", "required")]
    op = operation["op"]
    if not isinstance(op, str) or op not in _MEMBERS:
        return [malformed(f"{expression}.op", f"op is one of {', '.join(_MEMBERS)}.")]
    missing = [name for name in _MEMBERS[op] if name not in operation]
    given = [name for name in ("from", "path") if name in _MEMBERS[op] and name in operation]
    return [malformed(expression, f"{op} needs {name}.", "required") for name in missing] + [
        malformed(f"{expression}.{name}", f"{name} is a JSON Pointer, such as /name/0/family.")
        for name in given
        if not isinstance(operation[name], str) or not _POINTER.fullmatch(operation[name])
    ]


def _carried_out(version: Version, operation: _Operation, document: Json) -> Json:
    """Return the document after one operation, which may be the same object, changed."""
    if operation.op == "test":
        if not _equal(_found(document, operation, "path"), operation.member["value"]):
            raise operation.fail("path", "The test fails: another value stands there.")
        return document
    if operation.op in {"add", "move", "copy"}:
        _begin_list(version, operation, document)
    _check(document, operation)
    try:
        return jsonpatch.JsonPatch([copy.deepcopy(operation.member)]).apply(document, in_place=True)
    except (jsonpatch.JsonPatchException, jsonpatch.JsonPointerException):
        raise operation.fail("path", "There is no such place to write to.") from None


def _check(document: Json, operation: _Operation) -> None:
    """Raise FhirError 422 where a pointer does not lead to what the operation needs there."""
    if operation.op in {"remove", "replace"}:
        _found(document, operation, "path")
    if operation.op in {"move", "copy"}:
        _found(document, operation, "from")
    if operation.op in {"add", "move", "copy"}:
        _check_place(document, operation)
    if operation.op == "remove" and operation.member["path"] == "":
        raise operation.fail("path", "The whole resource cannot be removed by a patch.")
    if operation.op == "move" and operation.member["path"].startswith(f"{operation.member['from']}/"):
        raise operation.fail("path", "A value cannot be moved into itself.")


def _begin_list(version: Version, operation: _Operation, document: Json) -> None:
    """Write the empty list that a pointer such as `/telecom/-` or `/telecom/0` leads into, where FHIR has a list."""
    *above, name, index = ["", "", *_tokens(operation.member["path"])]
    holder, type_name = _holder(version, document, above[2:])
    if index not in {"-", "0"} or not isinstance(holder, dict) or name in holder:
        return
    element = _element(version, type_name, name)
    if element is not None and element.repeats:
        holder[name] = []
    elif element is not None:
        path = operation.member["path"].rpartition("/")[0]
        raise operation.fail("path", f"{element.name} does not repeat: its path is {path}.")


def _holder(version: Version, document: Json, tokens: list[str]) -> tuple[Json, str]:
    """Return the value that a pointer leads to, and its FHIR type; None where it leads to nothing."""
    value, type_name = document, ""
    for token in tokens:
        if isinstance(value, list):
            value = value[int(token)] if _is_index(token, len(value) - 1) else None
        elif isinstance(value, dict):
            element = _element(version, _type_of(value, type_name), token)
            value, type_name = value.get(token), "" if element is None else element.type
        else:
            return None, ""
    return value, _type_of(value, type_name)


def _type_of(value: Json, type_name: str) -> str:
    """Return the type that a resource names itself, for others that of the element they stand in."""
    return str(value.get("resourceType", type_name)) if isinstance(value, dict) else type_name


def _element(version: Version, type_name: str, name: str) -> Element | None:
    """Return an element by its JSON name, where `_given` is a list as `given` is; None where FHIR has no such."""
    try:
        return elements(version, type_name).get(name.removeprefix("_"))
    except KeyError:
        return None


def _check_place(document: Json, operation: _Operation) -> None:
    """Raise FhirError 422 unless the pointer's parent is there and can take a member or an item of that name."""
    tokens = _tokens(operation.member["path"])
    parent = document
    for token in tokens[:-1]:
        parent = _child(parent, token, operation, "path")
    if not isinstance(parent, dict | list):
        raise operation.fail("path", "Nothing can be added to a text, number or boolean.")
    if isinstance(parent, list) and tokens[-1] != "-" and not _is_index(tokens[-1], len(parent)):
        raise operation.fail("path", f"The list has {len(parent)} items: an index is at most {len(parent)}.")


def _found(document: Json, operation: _Operation, name: str) -> Json:
    for token in _tokens(operation.member[name]):
        document = _child(document, token, operation, name)
    return document


def _child(value: Json, token: str, operation: _Operation, name: str) -> Json:
    if isinstance(value, dict) and token in value:
        return value[token]
    if isinstance(value, list) and _is_index(token, len(value) - 1):
        return value[int(token)]
    raise operation.fail(name, f"There is nothing at {shown(operation.member[name])}.")


def _is_index(token: str, highest: int) -> bool:
    return len(token) < 10 and _INDEX.fullmatch(token) is not None and int(token) <= highest


def _tokens(pointer: str) -> list[str]:
    return [token.replace("~1", "/").replace("~0", "~") for token in pointer.split("/")[1:]]


def _equal(one: Json, other: Json) -> bool:
    """Whether two JSON values are equal: numbers by value, and true is not 1. RFC 6902, section 4.6."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_equal(one[name], other[name]) for name in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(_equal(*items) for items in zip(one, other, strict=True))
    return _kind(one) == _kind(other) and bool(one == other)


def _kind(value: Json) -> str:
    numeric = isinstance(value, int | float | Decimal) and not isinstance(value, bool)
    return "number" if numeric else type(value).__name__


def _size(value: Json) -> int:
    """Count the values in a JSON value, itself included."""
    members = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return 1 + sum(_size(member) for member in members)
