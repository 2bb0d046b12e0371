"""Reads `interactions:` of a mapping file: what is asked, which call it becomes, what is sent and received."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace

from fhir_bridge.mapping.call_rules import ONLY_FOR
from fhir_bridge.mapping.fields import Fields, Value, Variable, as_text, as_value, check_beside
from fhir_bridge.mapping.header_rules import check_headers, check_secret, check_value
from fhir_bridge.mapping.like import LIKE
from fhir_bridge.mapping.model import (
    AddSpec,
    CohortSpec,
    ConstantSpec,
    Content,
    HeaderSource,
    IdField,
    InteractionSpec,
    TogetherSpec,
)
from fhir_bridge.mapping.reading.errors import read_status
from fhir_bridge.mapping.reading.searches import read_argument
from fhir_bridge.mapping.source import Node, Problems, Text, did_you_mean

_FITS = {
    "text": re.compile(r".*", re.DOTALL),
    "boolean": re.compile("true|false"),
    "number": re.compile(r"-?(0|[1-9][0-9]{0,17})(\.[0-9]{1,17})?"),
}
"""What a text has to be to stand for a value that is none."""

# What may stand beside the key that says what is sent, or received.
_OF_SENT: Mapping[str, tuple[str, ...]] = {
    "as_it_is": ("as_it_is", "profile"),
    "map": ("map", "id", "profile", "with"),
    "with": ("with",),
}
_OF_RECEIVED: Mapping[str, tuple[str, ...]] = {
    "as_it_is": ("as_it_is", "empty", "links"),
    "each": ("each", "map", "outer", "total"),
    "text": ("text", "map", "id"),
    "map": ("map", "at", "id", "links"),
    "id": ("id", "at"),
    "empty": ("empty",),
}

_PATH = re.compile(r"([^\s{}#]|\{\w*\})*")

RESTFUL = ("read", "update", "patch", "create", "search")

# What may stand beside the key that says how an interaction is carried out.
_OF_INTERACTIONS: Mapping[str, tuple[str, ...]] = {
    "patch": ("reads", "writes"),
    "as": ("as", "also", "definition"),
    "message": ("message", "as", "then"),
    "call": (
        *("call", "also", "definition", "send", "receive", "id", "headers", "repeat", "then"),
        *("anonymous", "with_id", "location", "adds", "over", "leaves", "together", "cohort"),
    ),
    "search": ("call", "query", "body", "send", "receive", "headers", "repeat", "subsetted"),
}


def read_interaction(key: Node, node: Node, problems: Problems) -> InteractionSpec:
    fields = Fields(node, problems, f"'{key.text}'")
    word, _, resource_type = key.text.partition(" ")
    operation = word[1:] or None if word.startswith("$") else None
    code = "operation" if operation is not None else word
    is_known = operation is not None or word in RESTFUL
    if not is_known or (not resource_type and operation is None):
        hint = "" if is_known else did_you_mean(word, (*RESTFUL, "$name"))
        problems.add(key.mark, f"'{key.text}' is no interaction; write '<interaction> <Type>' or '$name <Type>'{hint}")
    reads, writes, as_ = fields.text("reads"), fields.text("writes"), fields.texts("as")
    if code == "patch" and not (reads and writes):
        problems.add(key.mark, "a patch reads and writes with other interactions; add 'reads' and 'writes'")
    message = fields.text("message")
    kind = code if code in ("patch", "search") else "message" if message else "as" if as_ else "call"
    check_beside(fields, kind, _OF_INTERACTIONS)
    for name in fields.given():
        if kind in ("call", "as") and code not in ONLY_FOR.get(name, (code,)):
            problems.add(name.mark, f"'{name}' says nothing of '{key.text}'; remove it")
    method, path = _read_call(fields) if kind in ("call", "search") else ("", key.word)
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
        headers=read_headers(fields),
        repeat=repeat,
        safe_without=safe_without,
        reads=reads,
        writes=writes,
        as_=as_,
        then=fields.text("then"),
        over=fields.text("over"),
        leaves=fields.texts("leaves"),
        anonymous=fields.flag("anonymous"),
        query=tuple(read_argument(name, each, problems) for name, each in fields.pairs("query")),
        body=tuple(read_argument(name, each, problems) for name, each in fields.pairs("body")),
        subsetted=fields.flag("subsetted"),
        message=message,
        with_id=fields.text("with_id"),
        location=fields.text("location"),
        adds=tuple(_read_add(key, item, problems) for item in fields.items("adds")),
        together=_read_together(fields.node("together"), code, problems),
        needs=tuple(_read_needs(fields)),
        cohort=_read_cohort(fields.node("cohort"), bool(operation and resource_type), problems),
    )
    fields.done()
    return spec


def _read_cohort(node: Node | None, of_instance: bool, problems: Problems) -> CohortSpec | None:
    if node is None:
        return None
    if not of_instance:
        problems.add(node.mark, "a cohort is for an operation of one record; remove 'cohort'")
    fields = Fields(node, problems, "cohort")
    spec = CohortSpec(node.mark, fields.count("most", 100), fields.need_text("definition"))
    fields.done()
    return spec


def _read_together(node: Node | None, code: str, problems: Problems) -> TogetherSpec | None:
    if node is None:
        return None
    if code != "create":
        problems.add(node.mark, "records are made together, by a create; remove 'together'")
    fields = Fields(node, problems, "together")
    spec = TogetherSpec(
        mark=node.mark,
        most=fields.count("most", 100),
        records=fields.need_text("in"),
        beside=fields.texts("beside"),
        made=fields.need_text("made"),
        refused=fields.text("refused"),
        repeated=fields.text("repeated"),
        index=fields.need_text("index"),
        text=fields.text("text"),
    )
    fields.done()
    return spec


def _read_needs(fields: Fields) -> Iterator[Variable]:
    """Yield the variables without which an interaction is not offered."""
    for item in fields.items("needs"):
        if item.text and not item.text.startswith("$"):
            fields.problems.add(item.mark, f"'{item.text}' is no variable; write $NAME")
        elif isinstance(value := as_value(item, fields.problems), Variable):
            yield value


def _read_add(key: Node, node: Node, problems: Problems) -> AddSpec:
    """Read a further call of a read: it is read as an interaction that changes nothing, and may be sent again."""
    fields = Fields(node, problems, "adds")
    method, path = _read_call(fields)
    if path and method != "GET":
        problems.add(path.mark, f"a read changes nothing, nor does what adds to it; write 'GET {path}'")
    spec = InteractionSpec(
        mark=node.mark,
        key=f"{key.text} adds",
        code="adds",
        resource_type=key.text.partition(" ")[2],
        operation=None,
        also=(),
        definition=None,
        method=method,
        path=path,
        send=None,
        receive=_read_content(fields.need("receive"), "receive", problems),
        id=None,
        headers={},
        repeat="safe",
        safe_without=(),
        reads=None,
        writes=None,
        as_=(),
        then=None,
    )
    without = tuple(read_status(word, problems) for word in fields.texts("without"))
    fields.done()
    return AddSpec(spec, without)


def _read_call(fields: Fields) -> tuple[str, Text]:
    call = fields.need_text("call")
    method, _, path = call.partition(" ")
    if call and (method not in ("GET", "POST", "PUT", "PATCH", "DELETE") or not path.startswith("/")):
        fields.problems.add(call.mark, f"'{call}' is no call; write 'METHOD /path', as in 'GET /patients/{{id}}'")
        return method, Text("", call.mark)
    if not _PATH.fullmatch(path):
        text = f"'{path}' is no path; each variable is {{name}}, and there are no spaces, no '#' and no other braces"
        fields.problems.add(call.mark, text)
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
        text = f"unknown 'repeat: {word}'; write unsent, safe, or {{safe_without: [<field>]}}"
        problems.add(node.mark, text)
    return word, ()


def _read_content(node: Node | None, what: str, problems: Problems) -> Content | None:
    if node is None:
        return None
    fields = Fields(node, problems, f"'{what}'")
    receives = what == "receive"
    as_it_is, id_ = fields.text("as_it_is"), _read_id_field(fields.node("id"), problems)
    content = Content(
        mark=node.mark,
        map=as_it_is or (fields.text("map") if receives or fields.node("with") else fields.need_text("map")),
        as_it_is=as_it_is is not None,
        at=fields.text("at") if receives else None,
        id=id_,
        empty_is_success=receives and fields.choice("empty", ("error", "success"), "error") == "success",
        profile=None if receives else fields.text("profile"),
        with_={} if receives else {name.word: _read_constant(each, problems) for name, each in fields.pairs("with")},
        each=fields.text("each") if receives else None,
        outer=fields.texts("outer") if receives else (),
        total=fields.text("total") if receives else None,
        text=fields.text("text") if receives else None,
        links=receives and fields.flag("links"),
    )
    fields.done()
    for name, constant in content.with_.items():
        for value in constant.values:
            if isinstance(value, Text):
                check_secret(name, value, problems)
    known = _OF_RECEIVED if receives else _OF_SENT
    kind = next((key for key in known if key in fields.given()), None)
    if kind is not None:
        check_beside(fields, kind, known)
    if receives and kind is None:
        problems.add(node.mark, "'receive' says nothing of the answer; name a 'map', the field of its 'id', or 'empty'")
    return content


def _read_constant(node: Node, problems: Problems) -> ConstantSpec:
    """Read what a field of `with` holds: a value, a list of values, or these with how the partner has them."""
    if node.kind != "mapping":
        items = node.items if node.kind == "list" else (node,)
        return ConstantSpec(tuple(as_value(item, problems) for item in items), node.kind == "list")
    fields = Fields(node, problems, "with")
    value, as_ = fields.need("value"), fields.choice("as", ("text", "boolean", "number"), "text")
    fields.done()
    read = ConstantSpec((), False) if value is None else _read_constant(value, problems)
    fitting = tuple(each for each in read.values if _fits(each, as_, problems))
    return replace(read, values=fitting, as_=as_)


def _fits(value: Value, as_: str, problems: Problems) -> bool:
    """Whether a text stands for a value that is none; a problem where it does not."""
    if isinstance(value, Variable):
        problems.add(value.mark, "a variable is text; leave out 'as'")
        return False
    if value and not _FITS[as_].fullmatch(value):
        problems.add(value.mark, f"'{value}' is no {as_}; correct it, or 'as'")
        return False
    return True


def _read_id_field(node: Node | None, problems: Problems) -> IdField | None:
    if node is None:
        return None
    fields = Fields(node, problems, "id")
    field = IdField(node.mark, fields.need_text("at"), fields.text("as") or Text("text", node.mark))
    fields.done()
    return field


def read_headers(fields: Fields) -> Mapping[Text, tuple[HeaderSource, ...]]:
    """Return the sources of each header of a call, by its name with its place."""
    check_headers([name.word for name, _ in fields.pairs("headers")], fields.problems)
    headers = {name.word: read_sources(node, fields.problems) for name, node in fields.pairs("headers")}
    for name, source in ((name, source) for name, sources in headers.items() for source in sources):
        if isinstance(source.text, Text):
            check_value(name, source.text, fields.problems)
    return headers


def read_sources(node: Node, problems: Problems) -> tuple[HeaderSource, ...]:
    """Return where a text comes from: one source, or the `first_of` several that has one."""
    if [key.text for key, _ in node.pairs] != ["first_of"]:
        return (_read_source(node, problems),)
    items = Fields(node, problems, "header").items("first_of")
    sources = tuple(_read_source(item, problems) for item in items)
    if not sources:
        problems.add(node.mark, "'first_of' is empty; list at least one source")
    for position, item in enumerate(items):
        if any(_has_text(source) for source in sources[:position]) or sources[position] in sources[:position]:
            problems.add(item.mark, "this is never taken: one before it has a text whenever it has; put it first")
    return sources


def _has_text(source: HeaderSource) -> bool:
    """Whether a source always has a text."""
    is_set = isinstance(source.text, Text) or (isinstance(source.text, Variable) and not source.text.optional)
    return (is_set or source.new is not None) and source.like is None


def _read_source(node: Node, problems: Problems) -> HeaderSource:
    fields = Fields(node, problems, "header")
    source = HeaderSource(
        header=fields.text("header"),
        element=fields.text("element"),
        text=fields.value("text"),
        new=fields.choice("new", ("uuid",), "") or None,
        like=fields.choice("like", tuple(LIKE), "") or None,
    )
    fields.done()
    if sum(key in ("header", "element", "text", "new") for key in fields.given()) != 1:
        problems.add(node.mark, "a header comes from exactly one of 'header', 'element', 'text' and 'new'")
    return source
