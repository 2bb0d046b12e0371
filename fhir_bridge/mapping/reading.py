"""Reads the nodes of a mapping file into its model, gathering every problem."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import get_args

from fhir_bridge.mapping.connecting import read_connection
from fhir_bridge.mapping.fields import Fields, as_text
from fhir_bridge.mapping.model import (
    Content,
    ErrorSpec,
    HeaderSource,
    IdField,
    InteractionSpec,
    MappingFile,
    MapSpec,
    OutcomeLine,
    RowSpec,
    Saying,
    SliceSpec,
)
from fhir_bridge.mapping.source import Node, Problems, Text, did_you_mean
from fhir_bridge.outcome import IssueCode

RESTFUL = ("read", "update", "patch", "create")
VERSIONS = ("4.0", "3.0")
ONLY = ("both", "to_fhir")
LIKE = ("uuid", "oid", "positive-integer")
ISSUE_CODES: tuple[str, ...] = get_args(IssueCode)


def read_mapping_file(root: Node, problems: Problems) -> MappingFile:
    """Return the model of a mapping file; what is wrong is added to `problems`."""
    fields = Fields(root, problems, "the mapping file")
    partner = fields.need_text("partner")
    if partner and not re.fullmatch(r"[a-z][a-z0-9-]{0,31}", partner):
        problems.add(partner.mark, "'partner' becomes part of a URL; use small letters, digits and '-', a letter first")
    title = str(fields.text("title") or partner)
    versions = fields.texts("fhir") or (Text("4.0", root.mark),)
    for version in versions:
        if version not in VERSIONS:
            problems.add(version.mark, f"unknown FHIR version '{version}'{did_you_mean(version, VERSIONS)}")
    connection = read_connection(fields.need("connection"), problems)
    identity = Fields(fields.node("identity") or Node(root.mark, "mapping"), problems, "identity")
    systems, events = identity.texts("systems"), identity.texts("events")
    id_like = identity.choice("id", LIKE, "") or None
    identity.done()
    interactions = tuple(_read_interaction(key, node, problems) for key, node in fields.pairs("interactions"))
    maps = {key.text: _read_map(key, node, problems) for key, node in fields.pairs("maps")}
    errors = _read_errors(fields.node("errors"), problems)
    fields.done()
    return MappingFile(
        root.mark, str(partner), title, versions, connection, systems, events, id_like, interactions, maps, errors
    )


def _read_interaction(key: Node, node: Node, problems: Problems) -> InteractionSpec:
    fields = Fields(node, problems, f"'{key.text}'")
    word, _, resource_type = key.text.partition(" ")
    operation = word[1:] or None if word.startswith("$") else None
    code = "operation" if operation is not None else word
    is_known = operation is not None or word in RESTFUL
    if not resource_type or not is_known:
        hint = "" if is_known else did_you_mean(word, (*RESTFUL, "$name"))
        problems.add(key.mark, f"'{key.text}' is no interaction; write '<interaction> <Type>' or '$name <Type>'{hint}")
    reads, writes, as_ = fields.text("reads"), fields.text("writes"), fields.text("as")
    if code == "patch" and not (reads and writes):
        problems.add(key.mark, "a patch reads and writes with other interactions; add 'reads' and 'writes'")
    if code == "create" and not as_:
        problems.add(key.mark, "a create is carried out as an update whose body tells the id; add 'as'")
    kind = code if code == "patch" else "as" if as_ or code == "create" else "call"
    _check_beside(fields, kind, _OF_INTERACTIONS)
    method, path = _read_call(fields) if kind == "call" else ("", key.word)
    repeat, safe_without = _read_repeat(fields.node("repeat"), problems)
    spec = InteractionSpec(
        mark=key.mark,
        key=key.text,
        code=code,
        resource_type=resource_type,
        operation=operation,
        also=tuple(name.removeprefix("$") for name in fields.texts("also")),
        definition=fields.text("definition"),
        method=method,
        path=path,
        send=_read_content(fields.node("send"), "send", problems),
        receive=_read_content(fields.node("receive"), "receive", problems),
        id=fields.text("id"),
        headers={name.text: _read_sources(source, problems) for name, source in fields.pairs("headers")},
        repeat=repeat,
        safe_without=safe_without,
        reads=reads,
        writes=writes,
        as_=as_,
    )
    fields.done()
    return spec


# What may stand beside the key that says how an interaction is carried out, and what kind of row a row is.
_OF_INTERACTIONS: Mapping[str, tuple[str, ...]] = {
    "patch": ("reads", "writes"),
    "as": ("as", "also", "definition"),
    "call": ("call", "also", "definition", "send", "receive", "id", "headers", "repeat"),
}
_OF_ROWS: Mapping[str, tuple[str, ...]] = {
    "at": ("at", "as", "codes", "only", "required"),
    "each": ("each", "at", "only"),
    "path": ("path", "otherwise"),
    "outcome": ("outcome",),
}


def _check_beside(fields: Fields, kind: str, known: Mapping[str, tuple[str, ...]]) -> None:
    """Report each key that means something elsewhere, and nothing here."""
    elsewhere = {word for words in known.values() for word in words}.difference(known[kind])
    for key in fields.given():
        if key in elsewhere and fields.node(key):
            fields.problems.add(key.mark, f"'{key}' says nothing beside '{known[kind][0]}'; remove it")


def _read_call(fields: Fields) -> tuple[str, Text]:
    call = fields.need_text("call")
    method, _, path = call.partition(" ")
    if call and (method not in ("GET", "POST", "PUT", "PATCH", "DELETE") or not path.startswith("/")):
        fields.problems.add(call.mark, f"'{call}' is no call; write 'METHOD /path', as in 'GET /patients/{{id}}'")
    return method, Text(path, call.mark)


def _read_repeat(node: Node | None, problems: Problems) -> tuple[str, tuple[Text, ...]]:
    if node is None:
        return "unsent", ()
    if node.kind == "mapping":
        fields = Fields(node, problems, "repeat")
        safe_without = fields.texts("safe_without")
        fields.done()
        return "safe", safe_without
    word = as_text(node, problems)
    if word and word not in ("unsent", "safe"):
        problems.add(node.mark, f"unknown 'repeat: {word}'{did_you_mean(word, ('unsent', 'safe'))}")
    return word, ()


def _read_content(node: Node | None, what: str, problems: Problems) -> Content | None:
    if node is None:
        return None
    fields = Fields(node, problems, f"'{what}'")
    as_it_is = fields.text("as_it_is")
    map_name = as_it_is or fields.need_text("map")
    content = Content(
        mark=node.mark,
        map=map_name,
        as_it_is=as_it_is is not None,
        at=fields.text("at") if what == "receive" else None,
        id=_read_id_field(fields.node("id"), problems),
        empty_is_success=what == "receive" and fields.choice("empty", ("error", "success"), "error") == "success",
    )
    fields.done()
    return content


def _read_id_field(node: Node | None, problems: Problems) -> IdField | None:
    if node is None:
        return None
    fields = Fields(node, problems, "id")
    field = IdField(node.mark, fields.need_text("at"), fields.text("as") or Text("text", node.mark))
    fields.done()
    return field


def _read_sources(node: Node, problems: Problems) -> tuple[HeaderSource, ...]:
    if [key.text for key, _ in node.pairs] != ["first_of"]:
        return (_read_source(node, problems),)
    sources = tuple(_read_source(item, problems) for item in Fields(node, problems, "header").items("first_of"))
    if not sources:
        problems.add(node.mark, "'first_of' is empty; list at least one source")
    return sources


def _read_source(node: Node, problems: Problems) -> HeaderSource:
    fields = Fields(node, problems, "header")
    source = HeaderSource(
        header=fields.text("header"),
        element=fields.text("element"),
        text=fields.value("text"),
        new=fields.choice("new", ("uuid",), "") or None,
        like=fields.choice("like", LIKE, "") or None,
    )
    fields.done()
    if sum(key in ("header", "element", "text", "new") for key in fields.given()) != 1:
        problems.add(node.mark, "a header comes from exactly one of 'header', 'element', 'text' and 'new'")
    return source


def _read_map(key: Node, node: Node, problems: Problems) -> MapSpec:
    fields = Fields(node, problems, f"map '{key.text}'")
    spec = MapSpec(
        mark=key.mark,
        name=key.text,
        resource=fields.need_text("resource"),
        profile=fields.text("profile"),
        slices=tuple(_read_slice(name, slice_, problems) for name, slice_ in fields.pairs("slices")),
        rows=tuple(_read_row(name, row, problems) for name, row in fields.pairs("rows")),
        silent={name.word: as_text(value, problems) for name, value in fields.pairs("silent")},
        tolerated={name.word: as_text(value, problems) for name, value in fields.pairs("tolerated")},
    )
    fields.done()
    return spec


def _read_slice(key: Node, node: Node, problems: Problems) -> SliceSpec:
    fixed: dict[Text, Text] = {}
    otherwise: Text | None = None
    for name, value in node.pairs:
        text = as_text(value, problems)
        if name.text != "otherwise":
            fixed[name.word] = text
        elif text.startswith("first without "):
            otherwise = Text(text.removeprefix("first without "), text.mark)
        else:
            problems.add(value.mark, "'otherwise' must be 'first without <element>'")
    if not fixed:
        problems.add(node.mark, f"slice '{key.text}' says nothing; write which element has which value")
    return SliceSpec(key.mark, key.text, fixed, otherwise)


def _read_row(key: Node, node: Node, problems: Problems) -> RowSpec:
    fields = Fields(node, problems, f"row '{key.text}'")
    row = RowSpec(
        mark=key.mark,
        element=key.text,
        at=fields.texts("at"),
        path=fields.text("path"),
        otherwise=fields.value("otherwise"),
        as_=fields.text("as"),
        codes=fields.text("codes"),
        only=fields.choice("only", ONLY, "both"),
        required=fields.flag("required"),
        each=tuple(_read_row(name, inner, problems) for name, inner in fields.pairs("each")),
        outcome=tuple(_read_outcome_line(line, problems) for line in fields.items("outcome")),
    )
    fields.done()
    kinds = [kind for kind, part in (("at", row.at), ("path", row.path), ("outcome", row.outcome)) if part]
    if len(kinds) != 1:
        problems.add(key.mark, f"row '{key.text}' needs exactly one of 'at', 'path' and 'outcome'")
    else:
        _check_beside(fields, "each" if row.each and row.at else kinds[0], _OF_ROWS)
    if row.as_ is not None and row.codes is not None:
        problems.add(row.as_.mark, "'codes' says already how the value is sent; keep one of 'as' and 'codes'")
    if row.each and len(row.at) > 1:
        problems.add(row.at[1].mark, "a list is in one field; name one")
    return row


def _read_outcome_line(node: Node, problems: Problems) -> OutcomeLine:
    fields = Fields(node, problems, "outcome")
    severity = fields.choice("severity", ("information", "warning"), "information")
    line = OutcomeLine(
        when={name.word: as_text(value, problems) for name, value in fields.pairs("when")},
        severity=severity,
        code=fields.choice("code", ISSUE_CODES, "informational" if severity == "information" else "business-rule"),
        text=str(fields.need_text("text")),
    )
    fields.done()
    return line


def _read_errors(node: Node | None, problems: Problems) -> ErrorSpec:
    if node is None:
        return ErrorSpec()
    fields = Fields(node, problems, "errors")
    list_ = fields.node("list")
    items = Fields(list_ or Node(node.mark, "mapping"), problems, "list")
    spec = ErrorSpec(
        text=fields.texts("text"),
        code=fields.text("code"),
        list_at=items.need_text("at") if list_ else None,
        item_field=items.text("field"),
        item_text=items.text("text"),
        item_code=items.text("code"),
        fields_at=fields.text("fields"),
        operation_outcome=fields.flag("operation_outcome"),
        codes={name.text: _issue_code(value, problems) for name, value in fields.pairs("codes")},
        says=tuple(_read_saying(item, problems) for item in fields.items("says")),
    )
    items.done()
    fields.done()
    return spec


def _issue_code(node: Node, problems: Problems) -> str:
    code = as_text(node, problems)
    if code and code not in ISSUE_CODES:
        problems.add(node.mark, f"'{code}' is no issue type of FHIR{did_you_mean(code, ISSUE_CODES)}")
    return str(code)


def _read_saying(node: Node, problems: Problems) -> Saying:
    fields = Fields(node, problems, "says")
    answer = fields.text("answer")
    code = fields.need("code")
    saying = Saying(
        text=fields.texts("text"),
        status=tuple(_status(word, problems) for word in fields.texts("status")),
        answer=None if answer is None else _status(answer, problems),
        code="" if code is None else _issue_code(code, problems),
    )
    fields.done()
    return saying


def _status(word: Text, problems: Problems) -> int:
    if not re.fullmatch(r"[45]\d\d", word):
        problems.add(word.mark, f"'{word}' is no HTTP status of an error; write one from 400 to 599")
        return 500
    return int(word)
