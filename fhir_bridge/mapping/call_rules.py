"""What a call of each kind of interaction needs to do what it is there for, and what says nothing in it.

A file that breaks one of these rules would be carried out all the same, and do something else than it says.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import combinations

from fhir_bridge.mapping.header_rules import NO_JSON, is_content_type
from fhir_bridge.mapping.model import Content, HeaderSource, InteractionSpec, MappingFile, MapSpec, RowSpec
from fhir_bridge.mapping.partner_fields import is_one_place
from fhir_bridge.mapping.source import Problems, Text, did_you_mean

_CHANGES = ("create", "update")


def check_call(model: MappingFile, spec: InteractionSpec, problems: Problems) -> None:
    """Report what one call cannot do; `spec` makes a call of its own, or is one that adds to a record."""
    if spec.path.startswith("/"):
        _check_method(spec, problems)
        _check_about_one(model, spec, problems)
    _check_sent(model, spec, problems)
    _check_received(model, spec, problems)
    for name, sources in spec.headers.items():
        if is_content_type(name):
            _check_content_type(name, sources, problems)


def has_id(spec: InteractionSpec) -> bool:
    """Whether the address of an interaction holds the id of a record."""
    of_record = spec.code in ("read", "update", "patch", "adds") or spec.operation is not None
    return of_record and spec.resource_type != ""


def _check_method(spec: InteractionSpec, problems: Problems) -> None:
    """What changes nothing is a GET, or a POST where the partner reads by it; what sends a resource has a body."""
    if spec.code in ("read", "search") and spec.method not in ("GET", "POST"):
        text = f"a {spec.code} changes nothing; write GET, or POST where the partner is asked by it"
        problems.add(spec.path.mark, text)
    if spec.code in _CHANGES and spec.method in ("GET", "DELETE"):
        text = f"a {spec.method} has no body, so nothing would be sent; write POST, PUT or PATCH"
        problems.add(spec.path.mark, text)


def _check_about_one(model: MappingFile, spec: InteractionSpec, problems: Problems) -> None:
    """A call about one record says which, in its path or in what it sends; else it is about the same one each time."""
    variables = {"id", *(str(row.path) for row in _rows(sent_map(model, spec)) if row.path)}
    named = set(re.findall(r"\{(.*?)\}", spec.path))
    if not has_id(spec) or "id" in named or named - variables:  # what nothing fills is told elsewhere
        return
    if spec.code in ("read", "adds") or spec.method == "GET":
        text = "the call is the same for every id; write '{id}' into its path"
        problems.add(spec.path.mark, text)
    elif spec.send is not None and not spec.send.as_it_is and not _sends_id(spec.send, sent_map(model, spec)):
        text = "the call is the same for every id; write '{id}' into its path, or 'id' into 'send'"
        problems.add(spec.path.mark, text)


def _sends_id(send: Content, found: MapSpec | None) -> bool:
    rows = found.rows if found else ()
    by_row = any(row.otherwise == "{id}" or (row.element == "id" and row.only != "to_fhir") for row in rows)
    return send.id is not None or by_row


def sent_map(model: MappingFile, spec: InteractionSpec) -> MapSpec | None:
    return model.maps.get(spec.send.map or "") if spec.send else None


def _rows(found: MapSpec | None) -> Iterator[RowSpec]:
    yield from found.rows if found else ()


def _check_sent(model: MappingFile, spec: InteractionSpec, problems: Problems) -> None:
    """Something is sent, each field of it once, and a field that makes a second call another is one of them."""
    send, found = spec.send, sent_map(model, spec)
    if send is None:
        return
    extra = [*send.with_, *([send.id.at] if send.id else [])]
    for one, other in combinations(extra, 2):
        if is_one_place(one, other):
            problems.add(other.mark, f"field '{other}' is written by line {one.mark.line} as well; keep one of the two")
    fields = [row.at[0] for row in _rows(found) if row.at and row.only != "to_fhir"]
    for name in spec.safe_without:
        if not any(is_one_place(name, field) for field in [*fields, *extra]):
            hint = did_you_mean(name, sorted({*map(str, fields), *map(str, extra)}))
            problems.add(name.mark, f"'{spec.key}' sends no field '{name}'{hint}")
    if spec.code in _CHANGES and send.map is not None and found is not None and not (fields or send.as_it_is):
        problems.add(send.map.mark, f"no row of map '{send.map}' is sent; add rows, or write 'as_it_is'")


def _check_received(model: MappingFile, spec: InteractionSpec, problems: Problems) -> None:
    """A read receives a record, a create the id of one, and a list is what a search receives."""
    receive = spec.receive
    if receive is None:
        return
    found = model.maps.get(receive.map or "")
    if receive.each is not None and spec.code != "search":
        text = f"'each' is the list that a search receives, and '{spec.key}' is none; write 'at', the field of a record"
        problems.add(receive.each.mark, text)
    elif spec.code == "read" and receive.map is None and (receive.id is not None or receive.empty_is_success):
        problems.add(receive.mark, "a read receives a record; name its 'map', or 'as_it_is'")
    if found is not None and not receive.as_it_is and not any(row.at for row in found.rows):
        problems.add(receive.mark, f"no row of map '{receive.map}' reads anything; add rows, or write 'as_it_is'")
    elif spec.code == "create":
        _check_new_id(spec, receive, found, problems)


def _check_new_id(spec: InteractionSpec, receive: Content, found: MapSpec | None, problems: Problems) -> None:
    """Nobody finds a new record whose id is not told."""
    if receive.as_it_is:
        if receive.empty_is_success and spec.resource_type != "Bundle":
            problems.add(receive.mark, "an empty answer does not tell the id of the new record; remove 'empty'")
    elif receive.id is None and not any(row.element == "id" for row in _rows(found)):
        where = f"add a row 'id' to map '{receive.map}', or 'id' to 'receive'" if found else "add 'id' to 'receive'"
        problems.add(receive.mark, f"nothing tells the id of the new record; {where}")


def _check_content_type(name: Text, sources: tuple[HeaderSource, ...], problems: Problems) -> None:
    """What is sent is JSON, so its header is a text that says so. What comes from elsewhere may say anything else."""
    for source in sources:
        if not isinstance(source.text, Text):
            value = source.text or source.header or source.element or name
            problems.add(value.mark, NO_JSON)


ONLY_FOR: Mapping[str, tuple[str, ...]] = {
    "also": ("operation",),
    "definition": ("operation",),
    "id": ("update",),
    "then": ("create", "update", "operation"),
    "as": ("create", "update", "operation"),
}
"""The interactions that a key says something of, where it says nothing of the others."""
