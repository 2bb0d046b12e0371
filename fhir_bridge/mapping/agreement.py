"""Whether the parts of one mapping file agree: interactions with the maps, calls and ids that they name."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from fhir_bridge.fhir.elements import resource_types, version_of
from fhir_bridge.mapping.call_rules import check_call, has_id, sent_map
from fhir_bridge.mapping.model import AddSpec, Content, InteractionSpec, MappingFile, MapSpec
from fhir_bridge.mapping.operation_rules import check_operations
from fhir_bridge.mapping.partner_fields import is_one_place
from fhir_bridge.mapping.source import Problems, Text, did_you_mean

_TYPES = resource_types("4.0") | resource_types("3.0")


def check_agreement(model: MappingFile, problems: Problems) -> None:
    """Report what each part may say by itself, but not together with the others."""
    check_operations(model, problems)
    for spec in model.interactions:
        _check_type(model, spec, problems)
        if spec.send is not None and (spec.code == "read" or (spec.code == "operation" and spec.method == "GET")):
            kind = "a read" if spec.code == "read" else "an operation that is called by GET"
            problems.add(spec.send.mark, f"{kind} sends nothing; remove 'send'")
        _check_answer(model, spec, problems)
        if spec.code == "search":
            _check_search(spec, problems)
        elif spec.send is not None and spec.send.map is None:
            problems.add(spec.send.mark, f"'{spec.key}' sends a resource; add its 'map'")
        named = ((spec.reads, "read"), (spec.writes, "update"), (spec.then, "read"), (spec.over, "read"))
        _check_named(model, spec, named, problems)
        _check_over(spec, problems)
        _check_message(model, spec, problems)
        _check_created(model, spec, problems)
        for each in (spec, *(add.spec for add in spec.adds)):
            _check_credentials(model, each, problems)
        if spec.makes_a_call:
            _check_call(model, spec, problems)
        for add in spec.adds:
            _check_call(model, add.spec, problems)
            _check_add(spec, add, problems)


def _check_type(model: MappingFile, spec: InteractionSpec, problems: Problems) -> None:
    """The type of an interaction is one in each of the base's FHIR versions."""
    types = {version: resource_types(version_of(version)) for version in model.versions}
    lacking = [version for version, known in types.items() if spec.resource_type not in known]
    if spec.resource_type and lacking:
        which = f" of FHIR {lacking[0]}" if spec.resource_type in _TYPES else ""
        hint = did_you_mean(spec.resource_type, types[lacking[0]])
        problems.add(spec.mark, f"'{spec.resource_type}' is no resource type{which}{hint}")


def _check_credentials(model: MappingFile, spec: InteractionSpec, problems: Problems) -> None:
    """A header of a call is none that `auth` writes, which would take its place; an anonymous call has no token."""
    written = {name for alternatives in model.connection.auth for each in alternatives for name in each.writes}
    for name in spec.headers:
        if name.lower() in written - ({"authorization"} if spec.anonymous else set()):
            problems.add(name.mark, f"'auth' writes '{name}' with every call; keep one of the two")


def _check_over(spec: InteractionSpec, problems: Problems) -> None:
    """Only an update that sends what rows say can be laid over a record."""
    if spec.over is not None and (spec.code != "update" or (spec.send is not None and spec.send.as_it_is)):
        problems.add(spec.over.mark, f"'{spec.key}' is no update that sends a map; remove 'over'")
    if spec.leaves and spec.over is None:
        problems.add(spec.leaves[0].mark, "'leaves' says nothing without 'over'; remove it")


def _check_call(model: MappingFile, spec: InteractionSpec, problems: Problems) -> None:
    for content in filter(None, (spec.send, spec.receive)):
        _check_content(model, spec, content, problems)
    check_call(model, spec, problems)
    _check_path(spec, sent_map(model, spec), problems)


def _check_add(spec: InteractionSpec, add: AddSpec, problems: Problems) -> None:
    """What adds to a record does so with rows, and to lists, or with elements that the record has not by itself."""
    receive, mark = add.spec.receive, add.spec.mark
    if spec.code != "read":
        problems.add(mark, f"only a read has further calls, and '{spec.key}' is none; remove 'adds'")
    elif receive is not None and (receive.as_it_is or receive.map is None):
        problems.add(receive.mark, "what adds to a record needs rows; name a 'map'")


def _check_search(spec: InteractionSpec, problems: Problems) -> None:
    """A search sends no resource, and receives a list of them."""
    if spec.send is not None and spec.send.map is not None:
        problems.add(spec.send.map.mark, "a search sends no resource; write 'with' alone, and 'body' or 'query'")
    if spec.receive is not None and (spec.receive.each is None or spec.receive.map is None):
        problems.add(spec.receive.mark, "a search receives a list; add 'each', the field that holds it, and a 'map'")


def _check_answer(model: MappingFile, spec: InteractionSpec, problems: Problems) -> None:
    """What only some answers have: bare text, and links to other pages."""
    receive = spec.receive
    if receive is None:
        return
    if receive.text is not None and (receive.as_it_is or receive.map is None):
        problems.add(receive.text.mark, "'text' is the field of a record that a 'map' reads; add the map")
    found = model.maps.get(receive.map or "")
    is_page = receive.as_it_is and found is not None and found.resource == "Bundle"
    if receive.links and not (is_page and spec.code == "operation" and spec.method == "GET"):
        text = "'links' are those of a Bundle that an operation called by GET receives as it is; remove it"
        problems.add(receive.mark, text)


def elements_named(model: MappingFile, map_name: str) -> Iterator[str]:
    """Yield the elements of what a map sends that the calls name: for headers, and for the id."""
    for spec in model.interactions:
        if spec.send is not None and spec.send.map == map_name:
            sources = [source for choices in spec.headers.values() for source in choices]
            yield from filter(None, (spec.id, *(source.element for source in sources)))


def _check_named(
    model: MappingFile, spec: InteractionSpec, names: Iterable[tuple[Text | None, str]], problems: Problems
) -> None:
    """What an interaction names to carry it out is there, is what it has to be, and is of its own type."""
    known = {other.key: other for other in model.interactions}
    for name, code in names:
        if name and name not in known:
            problems.add(name.mark, f"there is no interaction '{name}'{did_you_mean(name, known)}")
        elif name and (known[name].code, known[name].resource_type) != (code, spec.resource_type):
            text = f"'{name}' is no {code} of {spec.resource_type}; name '{code} {spec.resource_type}'"
            problems.add(name.mark, text)


def _check_message(model: MappingFile, spec: InteractionSpec, problems: Problems) -> None:
    """A message about a resource has a header, and is what an interaction of the same kind takes as it is."""
    if spec.message is None:
        return
    found = model.maps.get(spec.message)
    if found is None:
        hint = did_you_mean(spec.message, model.maps)
        problems.add(spec.message.mark, f"there is no map '{spec.message}'{hint}")
    elif found.header is None or found.resource != spec.resource_type:
        text = f"'{spec.message}' is no map of a {spec.resource_type} with a 'header' for messages; name one that is"
        problems.add(spec.message.mark, text)
    takers = {other.key for other in model.interactions if other.code == spec.code and _takes_messages(other)}
    if len(spec.as_) != 1 or spec.as_[0] not in takers:
        text = f"a message goes to one {spec.code} of Bundle that sends and receives it as it is; name it with 'as'"
        problems.add(spec.mark, text)


def _takes_messages(spec: InteractionSpec) -> bool:
    passes = all(content is not None and content.as_it_is for content in (spec.send, spec.receive))
    return spec.resource_type == "Bundle" and spec.makes_a_call and passes


def _check_created(model: MappingFile, spec: InteractionSpec, problems: Problems) -> None:
    """Only a create may be an update where its body tells an id, and says where what it makes can be read."""
    for name in filter(None, (spec.with_id, spec.location)):
        if spec.code != "create":
            problems.add(name.mark, f"'{spec.key}' makes no record; remove this, which is for a create")
    own = [other for other in model.interactions if other.resource_type == spec.resource_type and other.makes_a_call]
    updates = [other.key for other in own if other.code == "update"]
    if spec.with_id and spec.with_id not in updates:
        hint = did_you_mean(spec.with_id, updates)
        problems.add(spec.with_id.mark, f"there is no update '{spec.with_id}' with a call of its own{hint}")
    reads = [other.key for other in model.interactions if other.code == "read"]
    if spec.location and spec.location not in reads:
        problems.add(spec.location.mark, f"there is no read '{spec.location}'{did_you_mean(spec.location, reads)}")
    if spec.location and (spec.receive is None or not spec.receive.as_it_is or spec.resource_type != "Bundle"):
        text = "'location' is for a Bundle that is received as it is, of whose resources one has the new id; remove it"
        problems.add(spec.location.mark, text)


def _check_content(model: MappingFile, spec: InteractionSpec, content: Content, problems: Problems) -> None:
    found = model.maps.get(content.map or "")
    if found is None or content.map is None:
        return
    expected = "Parameters" if spec.operation is not None else spec.resource_type
    is_free = spec.operation is not None and content is spec.receive
    if found.resource and expected and found.resource != expected and not is_free:
        text = f"map '{content.map}' is of {found.resource}, and '{spec.key}' takes {expected}; name another map"
        problems.add(content.map.mark, text)
    if not content.as_it_is and model.versions != ("4.0",):
        problems.add(content.map.mark, 'a map with rows is R4; write fhir: ["4.0"], or send and receive it as it is')
    for field in [*content.with_, *([content.id.at] if content.id and content is spec.send else [])]:
        for row in found.rows:
            if row.only != "to_fhir" and any(is_one_place(field, other) for other in row.at[:1]):
                text = f"field '{field}' is written by line {row.mark.line} as well; keep one of the two"
                problems.add(field.mark, text)
    if content.id is not None and content.id.as_ == "digits" and model.id_like != "positive-integer":
        problems.add(content.id.as_.mark, "not every id is digits; write 'id: positive-integer' under 'identity'")


def _check_path(spec: InteractionSpec, sent: MapSpec | None, problems: Problems) -> None:
    """Each variable of a call's path is filled, and each row with `path` fills one."""
    rows = {row.path: row for row in (sent.rows if sent else ()) if row.path}
    known = ({"id"} if has_id(spec) else set()) | rows.keys()
    named = re.findall(r"\{(.*?)\}", spec.path)
    for name in named:
        if name not in known:
            hint = did_you_mean(name, known) or "; add a row with this 'path', or remove it"
            problems.add(spec.path.mark, f"nothing fills '{{{name}}}' of '{spec.path}'{hint}")
    for name in rows.keys() - set(named):
        problems.add(name.mark, f"'{spec.path}' has no '{{{name}}}'; add it, or remove the row")
