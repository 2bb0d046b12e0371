"""Reads `maps:` of a mapping file: slices, rows, and tables of outcomes."""

from __future__ import annotations

import re
from collections.abc import Mapping

from fhir_bridge.mapping.fields import Fields, as_text, as_texts, check_beside
from fhir_bridge.mapping.model import MapSpec, MessageHeaderSpec, OutcomeLine, RowSpec, SliceSpec
from fhir_bridge.mapping.reading.errors import ISSUE_CODES
from fhir_bridge.mapping.reading.interactions import read_sources
from fhir_bridge.mapping.source import Node, Problems, Text

ONLY = ("both", "create", "to_fhir")

# What may stand beside the key that says what kind of row a row is.
_OF_ROWS: Mapping[str, tuple[str, ...]] = {
    "at": ("at", "as", "codes", "only", "required", "otherwise", "clears"),
    "each": ("each", "at", "only", "clears"),
    "path": ("path", "otherwise"),
    "value": ("value",),
    "outcome": ("outcome",),
}


def read_map(key: Node, node: Node, problems: Problems) -> MapSpec:
    fields = Fields(node, problems, f"map '{key.text}'")
    spec = MapSpec(
        mark=key.mark,
        name=key.text,
        resource=fields.need_text("resource"),
        profile=fields.text("profile"),
        slices=tuple(_read_slice(name, slice_, problems) for name, slice_ in fields.pairs("slices")),
        rows=tuple(_read_row(name, row, problems) for name, row in fields.pairs("rows")),
        silent={name.word: as_texts(value, problems) for name, value in fields.pairs("silent")},
        tolerated={name.word: as_text(value, problems) for name, value in fields.pairs("tolerated")},
        header=_read_header(fields.node("header"), problems),
    )
    fields.done()
    return spec


def _read_header(node: Node | None, problems: Problems) -> MessageHeaderSpec | None:
    if node is None:
        return None
    fields = Fields(node, problems, "header")
    event, source = fields.need_text("event"), fields.need("source")
    if event and not re.fullmatch(r"\S+#\S+", event):
        problems.add(event.mark, f"'{event}' is no event of a message; write 'system#code'")
    header = MessageHeaderSpec(
        mark=node.mark,
        event=event,
        source=read_sources(source, problems) if source else (),
        profiles={name.word: as_text(value, problems) for name, value in fields.pairs("profiles")},
    )
    fields.done()
    return header


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
        value=fields.text("value"),
        otherwise=fields.value("otherwise"),
        as_=fields.text("as"),
        codes=fields.text("codes"),
        only=fields.choice("only", ONLY, "both"),
        required=fields.flag("required"),
        clears=fields.answer("clears"),
        each=tuple(_read_row(name, inner, problems) for name, inner in fields.pairs("each")),
        outcome=tuple(_read_outcome_line(line, problems) for line in fields.items("outcome")),
    )
    fields.done()
    parts = (("at", row.at), ("path", row.path), ("value", row.value), ("outcome", row.outcome))
    kinds = [kind for kind, part in parts if part]
    if len(kinds) != 1:
        problems.add(key.mark, f"row '{key.text}' needs exactly one of 'at', 'path', 'value' and 'outcome'")
    else:
        check_beside(fields, "each" if row.each and row.at else kinds[0], _OF_ROWS)
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
