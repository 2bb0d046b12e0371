"""Resources with one thing changed, of many kinds, the same each time: for whoever wants to know what is said of each.

A change usually breaks a resource, though not always. It knows nothing of what the bridge checks.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from typing import NamedTuple

from fhir_bridge.outcome import Json

X = "http://example.org/x"
Path = tuple[str | int, ...]
Change = Callable[[random.Random, Json], Json]
"""Returns what takes the place of a value; None where the change does not fit it."""


class Mutant(NamedTuple):
    """A resource, and the kind of the change and its place: `an id alone` at `name[0]`."""

    kind: str
    place: str
    resource: Json


def mutants(resource: Json, count: int, seed: int = 0) -> Iterator[Mutant]:
    """Yield so many mutants of a resource, no two alike, the kinds in turn, each at a place that a seed tells."""
    chance = random.Random(f"{seed}")
    kinds, seen = list(CHANGES), {str(resource)}
    for turn in range(count * _PATIENCE):
        mutant = _mutant(chance, kinds[turn % len(kinds)], resource)
        if mutant is not None and str(mutant.resource) not in seen:
            seen.add(str(mutant.resource))
            yield mutant
        if len(seen) > count:
            return


_PATIENCE = 50
"""How often a change is tried for each that is wanted: a resource has so many places, and a kind so many changes."""


def _mutant(chance: random.Random, kind: str, resource: Json) -> Mutant | None:
    """Make a change of a kind at some place where it fits: those of the resource at its top, the others below."""
    places = [((), resource)] if kind.startswith("resource: ") else list(_members(resource))
    chance.shuffle(places)
    for path, value in places:
        changed = CHANGES[kind](chance, value)
        if changed is not None:
            return Mutant(kind, _written(path), _with(resource, path, changed))
    return None


def _members(value: Json, path: Path = ()) -> Iterator[tuple[Path, Json]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, each in inner:
        if step != "resourceType":
            yield (*path, step), each
            yield from _members(each, (*path, step))


def _written(path: Path) -> str:
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path).lstrip(".")


def _with(resource: Json, path: Path, value: Json) -> Json:
    if not path:
        return deepcopy(value)
    copy = deepcopy(resource)
    holder = copy
    for step in path[:-1]:
        holder = holder[step]
    holder[path[-1]] = deepcopy(value)
    return copy


def _of(kind: type | tuple[type, ...], *choices: Json) -> Change:
    """One of these instead of a value of a kind; a callable makes it of the value."""

    def change(chance: random.Random, value: Json) -> Json:
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is int):
            return None
        choice = chance.choice(choices)
        return choice(value) if callable(choice) else choice

    return change


def _adding(*additions: Mapping[str, Json]) -> Change:
    """One of these members more in an object that is no extension, or in the resource."""
    return _of(dict, *(lambda value, more=more: None if "url" in value else {**value, **more} for more in additions))


def _text(wanted: Callable[[str], bool], *choices: Json) -> Change:
    def change(chance: random.Random, value: Json) -> Json:
        return _of(str, *choices)(chance, value) if isinstance(value, str) and wanted(value) else None

    return change


def _is_date(text: str) -> bool:
    return text[:4].isdigit() and text[4:5] in ("", "-")


def _is_uri(text: str) -> bool:
    return text.startswith(("http:", "urn:"))


def _is_word(text: str) -> bool:
    return text.islower() and text.replace("-", "").isalpha()


def _ext(**value: Json) -> Json:
    return {"extension": [{"url": X, **value}]}


_ORG: Json = {"resourceType": "Organization", "id": "o", "name": "x"}
_PERSON: Json = {"resourceType": "Person", "id": "p", "gender": "male"}
_DIV = "<div xmlns='http://www.w3.org/1999/xhtml'>{}</div>"
_REF = "managingOrganization"

CHANGES: Mapping[str, Change] = {
    "another JSON type": _of((str, dict, list), 7, True, "text", [], {}, ["x"]),
    "null": _of(dict, lambda value: {**value, next(iter(value), "x"): None}),
    "nothing in it": _of((dict, list, str), lambda value: type(value)()),
    "in a list": _of((str, dict, bool), lambda value: [value]),
    "out of its list": _of(list, lambda value: value[0] if value else None),
    "twice in its list": _of(list, lambda value: [*value, value[-1]] if value else None),
    "an unknown element": _adding({"colour": "red"}, {"Name": "x"}, {"_colour": _ext(valueCode="x")}),
    "an element in another case": _of(dict, lambda value: {k.upper(): v for k, v in value.items()}),
    "an id alone": _of(dict, lambda _: {"id": "x"}),
    "an id beside": _adding({"id": "x"}, {"id": "a b"}, {"id": ""}),
    "a modifier extension": _adding({"modifierExtension": [{"url": X, "valueCode": "y"}]}),
    "an extension": _adding(
        _ext(valueString="y"),
        _ext(valueCode="a  b"),
        _ext(valueBoolean="true"),
        _ext(valueInteger=1.5),
        _ext(valueDate="2024-02-30"),
        _ext(),
        _ext(valueString="x", extension=[{"url": "y", "valueCode": "z"}]),
        {"extension": [{"url": "colour", "valueCode": "x"}]},
        {"extension": [{"valueCode": "x"}]},
        _ext(valueString="x", valueCode="y"),
        _ext(valueColour="red"),
    ),
    "a value of a data type": _adding(
        _ext(valueMoney={"value": 1, "currency": "EUR"}),
        _ext(valueMoney={"value": 1, "currency": "euro"}),
        _ext(valueQuantity={"value": 1, "comparator": "~"}),
        _ext(valueQuantity={"code": "mg"}),
        _ext(valueAge={"value": -1, "system": "http://unitsofmeasure.org", "code": "a"}),
        _ext(valuePeriod={"start": "2024-02-02", "end": "2024-02-01"}),
        _ext(valueRange={"low": {"value": 2}, "high": {"value": 1}}),
        _ext(valueRatio={"numerator": {"value": 1}}),
        _ext(valueTiming={"repeat": {"when": ["LUNCH"]}}),
        _ext(valueTiming={"repeat": {"period": 1}}),
        _ext(valueHumanName={"use": "nick"}),
        _ext(valueContactPoint={"value": "1"}),
        _ext(valueIdentifier={"use": "mine"}),
        _ext(valueAttachment={"data": "AAAA"}),
        _ext(valueAttachment={"data": "A"}),
        _ext(valueSampledData={"origin": {"value": 1}, "period": 1, "dimensions": 0}),
        _ext(valueDosage={"text": "one", "asNeededBoolean": "yes"}),
        _ext(valueReference={"reference": "Nowhere/1"}),
        _ext(valueReference={"reference": "#nobody"}),
        _ext(valueCoding={"system": "word", "code": "x"}),
        _ext(valueUri="urn:uuid:1"),
        _ext(valueUri="urn:oid:1.x"),
        _ext(valueBase64Binary="a"),
        _ext(valueInstant="2024-01-01"),
        _ext(valueTime="25:00:00"),
        _ext(valueDecimal="1.0"),
        _ext(valuePositiveInt=0),
        _ext(valueUnsignedInt=-1),
        _ext(valueOid="urn:oid:9.1"),
        _ext(valueId="a b"),
        _ext(valueMarkdown=""),
    ),
    "another date": _text(
        _is_date, "1980", "1980-13", "1980-02-30", "80-01-01", "1980-1-1", "1980-01-01T10:00:00", "today", "0000-01-01"
    ),
    "another URI": _text(_is_uri, "word", "a b", "urn:oid:", "urn:oid:5.1", "urn:uuid:7", "Patient/1", "urn:x:1"),
    "another code": _text(_is_word, "red", "MALE", " male", "male ", "a  b", "unknown"),
    "white space": _of(str, lambda value: f" {value}", lambda value: f"{value}\n", " ", "\t"),
    "a control character": _of(str, lambda value: f"{value}\x00", "\x0b"),
    "a long text": _of(str, lambda value: value * 300),
    "the whole of it gone": _of(dict, lambda value: dict(list(value.items())[1:]) or None),
    "resource: no type": _of(dict, lambda value: {k: v for k, v in value.items() if k != "resourceType"}),
    "resource: another type": _of(dict, lambda value: {**value, "resourceType": "Patiant"}),
    "resource: an id": _adding({"id": "a/b"}, {"id": "x" * 65}, {"id": ""}, {"id": 1}, {"_id": {"id": "x"}}),
    "resource: a choice": _adding(
        {"deceasedBoolean": False, "deceasedDateTime": "2024"},
        {"deceasedBoolean": "false"},
        {"deceasedString": "no"},
        {"deceasedDateTime": "2024-02-30"},
        {"multipleBirthInteger": "1"},
        {"multipleBirthInteger": 1, "multipleBirthBoolean": True},
        {"deceased": True},
    ),
    "resource: a reference": _adding(
        {_REF: {"reference": "Organization/1"}},
        {_REF: {"reference": "Person/1"}},
        {_REF: {"reference": "http://example.org/fhir/Person/1"}},
        {_REF: {"reference": "Organization/1", "type": "Person"}},
        {_REF: {"reference": "organisation"}},
        {_REF: {"reference": "urn:uuid:7"}},
        {_REF: {"reference": "#nobody"}},
        {_REF: {"reference": 5}},
        {_REF: {"display": "x"}},
        {"generalPractitioner": [{"reference": "Group/1"}]},
        {"generalPractitioner": {"reference": "Practitioner/1"}},
        {"link": [{"other": {"reference": "Group/1"}, "type": "seealso"}]},
        {"link": [{"type": "seealso"}]},
        {"link": [{"other": {"reference": "Patient/1"}, "type": "twin"}]},
    ),
    "resource: contained": _adding(
        {"contained": [_ORG], _REF: {"reference": "#o"}},
        {"contained": [_PERSON], _REF: {"reference": "#p"}},
        {"contained": [_ORG]},
        {"contained": [_ORG, _ORG], _REF: {"reference": "#o"}},
        {"contained": [{**_ORG, "contained": [_PERSON]}], _REF: {"reference": "#o"}},
        {"contained": [{**_ORG, "meta": {"versionId": "1"}}], _REF: {"reference": "#o"}},
        {"contained": [{**_ORG, "partOf": {"reference": "#"}}], _REF: {"reference": "#o"}},
        {"contained": [{"resourceType": "Organization", "name": "x"}]},
        {"contained": [{"id": "o"}]},
        {"contained": ["x"]},
        {"contained": _ORG},
    ),
    "resource: a narrative": _adding(
        {"text": {"status": "generated", "div": _DIV.format("x")}},
        {"text": {"status": "generated", "div": _DIV.format("")}},
        {"text": {"status": "generated", "div": "<div>x</div>"}},
        {"text": {"status": "generated", "div": _DIV.format("<script>x</script>")}},
        {"text": {"status": "generated", "div": _DIV.format("<p onclick='x'>x</p>")}},
        {"text": {"status": "generated", "div": _DIV.format("<b>x")}},
        {"text": {"status": "generated", "div": _DIV.format("<p xmlns=''>x</p>")}},
        {"text": {"status": "written", "div": _DIV.format("x")}},
        {"text": {"div": _DIV.format("x")}},
        {"text": {"status": "generated"}},
    ),
    "resource: meta": _adding(
        {"meta": {"profile": ["http://hl7.org/fhir/StructureDefinition/Observation"]}},
        {"meta": {"profile": ["word"]}},
        {"meta": {"profile": "http://example.org/x"}},
        {"meta": {"lastUpdated": "2024-01-01"}},
        {"meta": {"tag": [{"system": "word", "code": "x"}]}},
        {"meta": {"security": [{"code": " x"}]}},
        {"meta": {"versionId": "a b"}},
        {"implicitRules": "urn:oid:x"},
        {"language": "en "},
    ),
    "resource: ids twice": _adding(
        {"name": [{"id": "a", "family": "x"}, {"id": "a", "family": "y"}]},
        {"name": [{"id": "a", "family": "x"}], "birthDate": "1980-01-01", "_birthDate": {"id": "a"}},
        {"name": [{"id": "a", "family": "x"}, {"id": "b", "family": "y"}]},
    ),
    "resource: extensions of primitives": _adding(
        {"_birthDate": {"id": "x"}},
        {"_birthDate": _ext(valueCode="x")},
        {"_birthDate": [_ext(valueCode="x")]},
        {"_active": {"extension": []}},
        {"_gender": _ext(valueString="x", valueCode="y")},
        {"name": [{"given": ["a", None], "_given": [None, _ext(valueCode="x")]}]},
        {"name": [{"given": ["a", None], "_given": [None, None]}]},
        {"name": [{"given": ["a"], "_given": [None, _ext(valueCode="x")]}]},
        {"name": [{"_given": [{"id": "x"}]}]},
        {"_name": [{"id": "x"}]},
    ),
    "resource: cardinalities": _adding(
        {"communication": [{"preferred": True}]},
        {"communication": [{"language": {"text": "x"}, "preferred": "yes"}]},
        {"contact": [{"relationship": [{"text": "x"}]}]},
        {"contact": [{"name": {"family": "x"}, "gender": "m"}]},
        {"contact": [{"name": [{"family": "x"}]}]},
        {"telecom": [{"value": "1"}]},
        {"telecom": [{"system": "telegram", "value": "1"}]},
        {"telecom": [{"system": "phone", "value": "1", "rank": 0}]},
        {"identifier": [{"system": "urn:ietf:rfc:3986", "value": "x"}]},
        {"identifier": [{"value": "1", "period": {"start": "2024", "end": "2023"}}]},
        {"address": [{"use": "mine"}]},
        {"address": [{"type": "postal", "line": "x"}]},
        {"maritalStatus": {"coding": {"code": "M"}}},
        {"photo": [{"contentType": "image/png", "size": -1}]},
        {"gender": ["male"]},
        {"birthDate": None},
    ),
}
"""By kind, what is done to a value; those of a resource as a whole fit a Patient of either version."""
