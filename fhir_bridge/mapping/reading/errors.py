"""Reads `errors:` of a mapping file: where a partner's error says what, and what it means."""

from __future__ import annotations

import re
from typing import get_args

from fhir_bridge.mapping.fields import Fields, as_text
from fhir_bridge.mapping.model import ErrorSpec, Saying
from fhir_bridge.mapping.source import Node, Problems, Text, did_you_mean
from fhir_bridge.outcome import IssueCode

ISSUE_CODES: tuple[str, ...] = get_args(IssueCode)


def read_errors(node: Node | None, problems: Problems) -> ErrorSpec:
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
    codes = fields.node("codes")
    if codes is not None and not (spec.code or spec.item_code or spec.operation_outcome):
        problems.add(codes.mark, "nothing tells the partner's code, so 'codes' says nothing; add 'code'")
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
        status=tuple(read_status(word, problems) for word in fields.texts("status")),
        answer=None if answer is None else read_status(answer, problems),
        code="" if code is None else _issue_code(code, problems),
    )
    fields.done()
    return saying


def read_status(word: Text, problems: Problems) -> int:
    """Return the HTTP status of an error; a problem where it is none."""
    if not re.fullmatch(r"[45]\d\d", word):
        problems.add(word.mark, f"'{word}' is no HTTP status of an error; write one from 400 to 599")
        return 500
    return int(word)
