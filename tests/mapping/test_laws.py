"""The laws of two-way mapping, held by generated values for every mapping file that is there.

Nothing here knows a partner: resources, records and codes are made from the rows, their types and their code tables.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fhir_bridge.fhir.elements import elements
from fhir_bridge.fhir.json import dumps
from fhir_bridge.fhir.structure import structure_checker
from fhir_bridge.fhir.versions import with_whole_version
from fhir_bridge.mapping.partner_fields import Keys, PartnerField, Unreadable
from fhir_bridge.mapping.receivers import MapReceiver
from fhir_bridge.mapping.rows import ConstantRow, ListRow, PathRow, ValueRow
from fhir_bridge.outcome import Json
from tests.mapping.generated import made_resources, objects, record_of, without_read_only
from tests.mapping.lab import ask
from tests.mapping.shipped import Shipped, shipped_maps

MAPS = shipped_maps()
CHECK = structure_checker("4.0")
every_map = pytest.mark.parametrize("shipped", MAPS, ids=lambda shipped: shipped.name)
some = settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


def read(shipped: Shipped, record: Json) -> Json:
    """Return the resource of a record whose codes are all known; the record is not changed."""
    before = copy.deepcopy(record)
    resource, receiving = shipped.map.to_fhir(record)
    assert (record, receiving.unknown_codes) == (before, [])
    return resource


def sent(shipped: Shipped, resource: Json) -> Json:
    """Return what is sent of a resource with which nothing is wrong; the resource is not changed."""
    before = copy.deepcopy(resource)
    sending = shipped.map.to_partner(resource)
    assert (resource, sending.issues_of(sending.body)) == (before, [])
    return sending.body


def without_outcome(shipped: Shipped, resource: Json) -> Json:
    """Return the resource without the parameter that only tells what the others mean."""
    if shipped.map.outcome is None:
        return resource
    kept = [part for part in resource["parameter"] if part["name"] != shipped.map.outcome.name]
    return {**resource, "parameter": kept}


def test_there_are_maps_to_hold_to_the_laws() -> None:
    assert len(MAPS) >= 5
    assert any(isinstance(row, ListRow) for shipped in MAPS for row in shipped.map.rows)


@every_map
@given(data=st.data())
@some
def test_what_is_written_can_be_read_back(shipped: Shipped, data: st.DataObject) -> None:
    """to_fhir(to_partner(x)) is x, on what the partner can hold; what it keeps itself, it answers with."""
    resource = data.draw(made_resources(shipped))
    assert CHECK(resource) == []

    again = read(shipped, record_of(shipped, resource))

    assert without_outcome(shipped, again) == with_whole_version(resource)


@every_map
@given(data=st.data())
@some
def test_reading_then_writing_changes_nothing(shipped: Shipped, data: st.DataObject) -> None:
    """to_partner(to_fhir(y)) is y without what may only be read, and nothing is sent that was not there."""
    record = record_of(shipped, data.draw(made_resources(shipped)))

    assert sent(shipped, read(shipped, record)) == without_read_only(shipped, record)


@every_map
@given(data=st.data())
@some
def test_reading_is_the_same_each_time_and_what_it_makes_is_fhir(shipped: Shipped, data: st.DataObject) -> None:
    record = record_of(shipped, data.draw(made_resources(shipped)))

    first, second = read(shipped, record), read(shipped, copy.deepcopy(record))

    assert first == second
    assert CHECK(first) == []
    assert sent(shipped, first) == sent(shipped, copy.deepcopy(first))


@every_map
@given(data=st.data())
@some
def test_null_and_empty_fields_are_no_fields(shipped: Shipped, data: st.DataObject) -> None:
    """Whatever of the record is not there may as well be null, empty text, an empty list or an empty object."""
    record = record_of(shipped, data.draw(made_resources(shipped)))
    padded = copy.deepcopy(record)
    for row in shipped.map.rows:
        if isinstance(row, PathRow | ConstantRow):
            continue
        fields = [row.field] if isinstance(row, ListRow) else row.fields
        for field in fields:
            if field.get(record) is None:
                field.put(padded, data.draw(st.sampled_from([None, "", [], {}])))

    assert shipped.map.to_fhir(padded)[0] == read(shipped, record)


def codes_called_the_same(shipped: Shipped) -> list[tuple[ValueRow, PartnerField, str, str]]:
    """Return the codes of the partner that are read as another one of its codes is, with that one."""
    found = []
    for row in shipped.map.rows:
        if isinstance(row, ValueRow) and row.is_code:
            table = shipped.tables[row.mark]
            same = {code: table.to_partner.get(fhir, code) for code, fhir in table.to_fhir.items()}
            found += [(row, row.fields[0], code, first) for code, first in same.items() if code != first]
    return found


@pytest.mark.parametrize(
    ("row", "field", "code", "first"),
    [case for shipped in MAPS for case in codes_called_the_same(shipped)],
)
def test_codes_that_the_table_calls_the_same_are_read_as_the_same(
    row: ValueRow, field: PartnerField, code: str, first: str
) -> None:
    assert row.to_fhir(code) == row.to_fhir(first)
    assert row.to_partner(row.to_fhir(code)) == first


JSON = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-(2**63), 2**63 - 1),
        st.text(max_size=8),
        st.sampled_from(["", "1980-01-01", "x\x00y"]),
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=4), inner, max_size=3)),
    max_leaves=6,
)


@every_map
@given(data=st.data())
@some
def test_an_answer_of_any_shape_is_read_as_fhir_or_told_to_be_unreadable(shipped: Shipped, data: st.DataObject) -> None:
    """Never another error, never what is no FHIR: the partner is trusted in nothing."""
    record: Json = record_of(shipped, data.draw(made_resources(shipped)))
    for keys in data.draw(st.lists(st.sampled_from(sorted(_all_keys(record), key=str)), max_size=3)):
        _put(record, keys, data.draw(JSON))
    receiver = MapReceiver(shipped.map, None, None, CHECK)

    with suppress(Unreadable):
        received = receiver.receive(dumps(record), ask("read", id_=str(_id(record, shipped))))
        assert CHECK(received.resource) == []
        assert all(code.isprintable() for _, code in received.unknown_codes)


def _id(record: Json, shipped: Shipped) -> Json:
    for row in shipped.map.rows:
        if isinstance(row, ValueRow) and row.place.element.name == "id" and len(row.place.steps) == 1:
            return record.get(row.fields[0].keys[0])
    return "42"


def _all_keys(value: Json, within: Keys = ()) -> Iterator[Keys]:
    yield within
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, below in inner:
        yield from _all_keys(below, (*within, key))


def _put(record: Json, keys: Keys, value: Json) -> None:
    """Put a value at a place of a record, where that is still there."""
    *around, last = keys or ("",)
    node = record
    for key in around:
        node = node[key] if _has(node, key) else None
    if _has(node, last):
        node[last] = value


def _has(node: Json, key: str | int) -> bool:
    if isinstance(node, dict):
        return key in node
    return isinstance(node, list) and isinstance(key, int) and key < len(node)


@st.composite
def odd_resources(draw: Any, shipped: Shipped) -> Json:
    """Draw a resource with what the rows hold, and much else beside, before, behind and within it."""
    made = draw(made_resources(shipped, with_path=True))
    extra = draw(objects(shipped.map.resource_type, without=frozenset({"extension"})))
    known = elements("4.0", shipped.map.resource_type)
    there = {known[name.removeprefix("_")].path for name in made if name != "resourceType"}
    for name, value in extra.items():
        element = known[name.removeprefix("_")]
        if (
            isinstance(made.get(name), list)
            and name in extra
            and not name.startswith("_")
            and f"_{name}" not in {*made, *extra}
        ):
            cut = draw(st.integers(0, len(value)))
            made[name] = [*value[:cut], *made[name], *value[cut:]]
        elif element.path not in there:
            made[name] = value
    for name in [name for name in made if isinstance(made[name], list) and not name.startswith("_")]:
        for member in made[name]:
            if isinstance(member, dict) and draw(st.booleans()):
                _widen(member, draw(objects(known[name].type, 1)), known[name].type)
    return made


def _widen(member: Json, extra: Json, type_name: str) -> None:
    """Add what an object has not, choices and all."""
    known = elements("4.0", type_name)
    there = {known[name.removeprefix("_")].path for name in member}
    for name, value in extra.items():
        if known[name.removeprefix("_")].path not in there:
            member[name] = value


def leaves(type_name: str, value: Json, path: str) -> Iterator[str]:
    """Yield the FHIRPath of every plain value, and of every extension and id beside one; not why one is absent."""
    for name, below in value.items():
        if name == "resourceType":
            continue
        element = elements("4.0", type_name)[name.removeprefix("_")]
        items = (
            [(f"{path}.{element.path}[{n}]", item) for n, item in enumerate(below)]
            if isinstance(below, list)
            else [(f"{path}.{element.path}", below)]
        )
        for place, item in items:
            if name.startswith("_"):
                yield from _beside(item or {}, place)
            elif isinstance(item, dict):
                yield from leaves(element.type, item, place)
            elif item is not None:
                yield place


def _beside(extensions: Json, path: str) -> Iterator[str]:
    if "id" in extensions:
        yield f"{path}.id"
    yield from (f"{path}.extension[{n}]" for n, _ in enumerate(extensions.get("extension", ())))


def is_below(path: str, other: str) -> bool:
    return path == other or path.startswith((f"{other}.", f"{other}["))


def silent_paths(shipped: Shipped, resource: Json) -> set[str]:
    """Return the elements that the mapping file calls silent, and what the bridge itself writes of absent values."""
    found = {path for each in shipped.map.silent for path in each.paths(resource)}
    rows = (row for row in shipped.map.rows if isinstance(row, ValueRow | ListRow))
    return found.union(*(row.absences(resource, shipped.map.resource_type) for row in rows))


@every_map
@given(data=st.data())
@settings(some, max_examples=80)
def test_nothing_of_a_resource_is_lost_unsaid(shipped: Shipped, data: st.DataObject) -> None:
    """Every plain value is sent, or tells a member that is sent, or is silent, or is left behind, and just that."""
    resource = data.draw(odd_resources(shipped))
    assert CHECK(resource) == []
    before = copy.deepcopy(resource)

    pairs = [pair for pair in shipped.map.pairs(resource) if pair.sends and pair.value is not None]
    behind = [loss.path for loss in shipped.map.losses(resource)]

    assert resource == before
    used = {path for pair in pairs for path in (pair.element, *pair.told_by)}
    silent = silent_paths(shipped, resource) | {f"{shipped.map.resource_type}.id"}
    for leaf in leaves(shipped.map.resource_type, resource, shipped.map.resource_type):
        is_left = any(is_below(leaf, path) for path in behind)
        is_silent = any(is_below(leaf, path) for path in silent)
        assert (leaf in used) + is_left + (is_silent and leaf not in used and not is_left) == 1, leaf
    assert len(behind) == len(set(behind))


@every_map
@given(data=st.data())
@some
def test_every_field_that_is_sent_is_in_the_trace_at_its_place(shipped: Shipped, data: st.DataObject) -> None:
    """So each complaint of the partner finds its element; and nothing is in the trace that is not sent."""
    resource = data.draw(odd_resources(shipped))
    sending = shipped.map.to_partner(resource)

    traced = {
        pair.field: pair.value
        for pair in shipped.map.pairs(resource)
        if pair.sends and pair.value is not None and pair.field and not str(pair.field[0]).startswith("{")
    }

    plain = {
        keys: _at(sending.body, keys)
        for keys in _all_keys(sending.body)
        if not isinstance(_at(sending.body, keys), dict | list)
    }
    assert traced == plain


def _at(value: Json, keys: Keys) -> Json:
    for key in keys:
        value = value[key]
    return value
