"""Values of every FHIR type, made from what FHIR says of the types, and resources and records made from rows."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from fhir_bridge.fhir.elements import Element, elements, is_primitive
from fhir_bridge.mapping.partner_fields import PartnerField
from fhir_bridge.mapping.rows import ConstantRow, ListRow, PathRow, ValueRow
from fhir_bridge.mapping.transforms import TRANSFORMS
from fhir_bridge.outcome import Json
from tests.mapping.shipped import Shipped

TEXT = st.text(st.characters(exclude_categories=("Cc", "Cs")), min_size=1, max_size=12)
WORD = st.text("abcXYZ019", min_size=1, max_size=8)
DATE = st.dates().map(lambda day: day.isoformat())
ZONE = st.sampled_from(["Z", "+00:00", "-05:30", "+14:00"])
INSTANT = st.builds("{}T{:%H:%M:%S}{}{}".format, DATE, st.times(), st.sampled_from(["", ".5", ".123456789"]), ZONE)

# https://hl7.org/fhir/R4/datatypes.html#primitive
PRIMITIVES: dict[str, st.SearchStrategy[Json]] = {
    "boolean": st.booleans(),
    "integer": st.integers(-(2**31), 2**31 - 1),
    "unsignedInt": st.integers(0, 2**31 - 1),
    "positiveInt": st.integers(1, 2**31 - 1),
    "decimal": st.one_of(st.integers(-(10**6), 10**6), st.decimals(-1000, 1000, places=2)),
    "string": TEXT,
    "markdown": TEXT,
    "code": WORD,
    "id": st.from_regex(r"[A-Za-z0-9\-.]{1,16}", fullmatch=True).filter(lambda text: text not in (".", "..")),
    "uri": WORD.map("https://x.example/{}".format),
    "url": WORD.map("https://x.example/{}".format),
    "canonical": WORD.map("http://x.example/{}".format),
    "oid": st.integers(1, 99).map("urn:oid:1.2.{}".format),
    "uuid": st.uuids().map("urn:uuid:{}".format),
    "date": DATE,
    "dateTime": st.one_of(DATE, INSTANT),
    "instant": INSTANT,
    "time": st.times().map("{:%H:%M:%S}".format),
    "base64Binary": st.sampled_from(["YQ==", "YWI="]),
    "xhtml": st.just('<div xmlns="http://www.w3.org/1999/xhtml">a</div>'),
}


def primitive(element: Element) -> st.SearchStrategy[Json]:
    """Return values of an element that is a primitive: of its required codes, if it has some."""
    return st.sampled_from(sorted(element.codes)) if element.codes else PRIMITIVES[element.type]


@st.composite
def objects(draw: Any, type_name: str, depth: int = 2, without: frozenset[str] = frozenset()) -> dict[str, Json]:
    """Draw an object of a type: what it requires, and a few more of its elements; a choice is made once."""
    known = [element for element in elements("4.0", type_name).values() if _is_drawn(element, depth)]
    optional = [element for element in known if not element.required and element.name not in without]
    chosen = [element for element in known if element.required]
    for choice in sorted({element.choice for element in known if element.choice_required and element.choice}):
        chosen.append(draw(st.sampled_from([element for element in known if element.choice == choice])))
    if optional:
        some = draw(st.lists(st.sampled_from(optional), max_size=4, unique_by=lambda element: element.path))
        chosen += [element for element in some if element.path not in {one.path for one in chosen}]
    made: dict[str, Json] = {}
    for element in chosen:
        made |= draw(members(element, depth))
    return made or {"id": draw(PRIMITIVES["id"])}


def _is_drawn(element: Element, depth: int) -> bool:
    """Leave out what any resource may be, and, at the bottom, what has elements itself and need not be there."""
    if element.type == "Resource" or element.name == "modifierExtension":
        return False
    return is_primitive(element.type) or element.required or element.choice_required or depth > 0


@st.composite
def members(draw: Any, element: Element, depth: int) -> dict[str, Json]:
    """Draw the JSON members of an element: its value, or values, and sometimes what stands beside a primitive."""
    if not is_primitive(element.type):
        one = extensions(depth - 1) if element.type == "Extension" else objects(element.type, depth - 1)
        return {element.name: draw(st.lists(one, min_size=1, max_size=3)) if element.repeats else draw(one)}
    value = primitive(element)
    made: dict[str, Json] = {
        element.name: draw(st.lists(value, min_size=1, max_size=3)) if element.repeats else draw(value)
    }
    if element.name != "id" and element.type != "xhtml" and depth > 0 and draw(st.integers(0, 4)) == 0:
        beside = draw(extensions(0).map(lambda extension: {"extension": [extension]}))
        made[f"_{element.name}"] = [beside, *[None] * (len(made[element.name]) - 1)] if element.repeats else beside
    return made


@st.composite
def extensions(draw: Any, depth: int) -> dict[str, Json]:
    """Draw an extension with a value."""
    name, of_type = draw(
        st.sampled_from([("valueString", "string"), ("valueBoolean", "boolean"), ("valueCode", "code")])
    )
    return {"url": draw(PRIMITIVES["uri"]), name: draw(PRIMITIVES[of_type])}


def fhir_values(shipped: Shipped, row: ValueRow) -> st.SearchStrategy[Json]:
    """Return values of a row's element that the partner can hold."""
    if row.is_code:
        table = shipped.tables[row.mark]
        codes = sorted(code for code, other in table.to_partner.items() if table.to_fhir.get(other) == code)
        return st.sampled_from([code == "true" for code in codes] if row.place.element.type == "boolean" else codes)
    if row.place.element.type == "dateTime":
        return INSTANT if row.to_partner is TRANSFORMS["instant"].to_partner else DATE
    if row.to_partner is TRANSFORMS["digits"].to_partner:
        return st.integers(0, 10**18 - 1).map(str)
    if row.place.element.type == "decimal" and row.to_partner is TRANSFORMS["integer"].to_partner:
        return st.integers(-(10**6), 10**6)
    if row.to_fhir is TRANSFORMS["epoch_s"].to_fhir:
        return st.integers(0, 253402300799).map(row.to_fhir)
    if shipped.references.get(row.mark):
        return WORD.map(f"{shipped.references[row.mark]}/{{}}".format)
    return primitive(row.place.element)


@st.composite
def made_resources(draw: Any, shipped: Shipped, *, with_path: bool = False) -> Json:
    """Draw a resource that is made of a map's rows alone, at least of one."""
    resource: dict[str, Json] = {"resourceType": shipped.map.resource_type}
    rows = [row for row in shipped.map.rows if with_path or not isinstance(row, PathRow)]
    constants = [row for row in rows if isinstance(row, ConstantRow)]
    derived = derived_rows(shipped)
    rows = [row for row in rows if row not in constants and row not in derived]
    always = [row for row in rows if isinstance(row, ValueRow) and row.required]
    some = draw(st.lists(st.sampled_from(rows), min_size=1, unique_by=lambda row: row.mark))
    for row in shipped.map.rows:
        if row in rows and (row in some or row in always):
            draw(_made(shipped, row, resource))
        elif isinstance(row, ValueRow) and row in derived:
            _derive(row, derived[row], resource)
    for constant in constants:
        if not constant.beside:
            constant.place.put(resource, constant.value)
    for row, told_by in derived.items():
        _derive(row, told_by, resource)
    for row in (*rows, *constants):
        row.finish(resource)
    return resource


def _derive(row: ValueRow, told_by: ValueRow, resource: Json) -> None:
    """Write what a row reads of another one's field, as far as that has something."""
    if (value := told_by.place.get(resource)) is not None:
        row.place.put(resource, row.to_fhir(told_by.to_partner(value)))


def derived_rows(shipped: Shipped) -> dict[ValueRow, ValueRow]:
    """Return the rows that read the field of another one: of a version, and the second that is only read."""
    values = [row for row in shipped.map.rows if isinstance(row, ValueRow)]
    versions = [row for row in values if row.to_fhir is TRANSFORMS["version"].to_fhir]
    others = [row for row in values if row not in versions]
    first = {row.fields: row for row in reversed(others)}
    seconds = [row for row in others if not row.sends and first[row.fields] is not row]
    return {row: first[row.fields] for row in (*versions, *seconds) if row.fields in first}


@st.composite
def _made(draw: Any, shipped: Shipped, row: ValueRow | ListRow | PathRow, resource: dict[str, Json]) -> None:
    """Draw what one row writes, into the resource."""
    if isinstance(row, PathRow):
        row.place.put(resource, draw(WORD))
    elif isinstance(row, ValueRow):
        row.place.put(resource, draw(fhir_values(shipped, row)))
    else:
        for some in draw(
            st.lists(
                st.lists(st.sampled_from(row.rows), min_size=1, unique_by=lambda one: one.mark), min_size=1, max_size=3
            )
        ):
            member = row.place.new()
            for inner in (one for one in row.rows if one in some):
                inner.place.put(member, draw(fhir_values(shipped, inner)))
            row.place.add(resource, member)


def record_of(shipped: Shipped, resource: Json) -> dict[str, Json]:
    """Return the record that a partner would answer with: what is sent, and what it keeps itself."""
    record = shipped.map.to_partner(resource).body
    derived = derived_rows(shipped)
    for row in shipped.map.rows:
        if isinstance(row, ValueRow) and not row.sends and row not in derived:
            _keep(row, resource, record)
        elif isinstance(row, ListRow):
            for index, (_, member) in enumerate(row.place.members(resource)):
                for inner in (inner for inner in row.rows if not inner.sends):
                    _keep(inner, member, row.field.get(record)[index])
    return record


def _keep(row: ValueRow, root: Json, record: dict[str, Json]) -> None:
    value = row.place.get(root)
    if value is not None:
        row.fields[0].put(record, row.to_partner(value))


def without_read_only(shipped: Shipped, record: Json) -> Json:
    """Return the fields of a record that may be written."""
    kept: dict[str, Json] = {}
    for row in shipped.map.rows:
        if isinstance(row, PathRow | ConstantRow) or not row.sends:
            continue
        field: PartnerField = row.field if isinstance(row, ListRow) else row.fields[0]
        value = field.get(record)
        if value is not None:
            field.put(kept, value)
    return kept
