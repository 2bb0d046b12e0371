"""Reads `errors:` of a mapping file: where a partner's error says what, and what it means."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import get_args

from fhir_bridge.mapping.fields import Fields, as_text
from fhir_bridge.mapping.model import ErrorSpec, Saying
from fhir_bridge.mapping.source import Node, Problems, Text, did_you_mean
from fhir_bridge.outcome import IssueCode

ISSUE_CODES: tuple[str, ...] = get_args(IssueCode)
_NAME = r"[^.\[\]\s/$][^.\[\]\s/]*"
_PATH = re.compile(rf"(?!\d+(\.|$)){_NAME}(\[\])?(\.(?!\d+(\.|$)){_NAME}(\[\])?)*")
"""A field of an error; a list in it is gone through by `[]`, and its items are not counted."""


def read_errors(node: Node | None, problems: Problems) -> ErrorSpec:
    if node is None:
        return ErrorSpec()
    fields = Fields(node, problems, "errors")
    list_ = fields.node("list")
    items = Fields(list_ or Node(node.mark, "mapping"), problems, "list")
    text, code, fields_at = fields.texts("text"), fields.text("code"), fields.text("fields")
    item_field, item_text, item_code = items.text("field"), items.text("text"), items.text("code")
    list_at = items.need_text("at") if list_ else None
    _check_paths([*text, code, fields_at, list_at, item_field, item_text, item_code], problems)
    spec = ErrorSpec(
        text=text,
        code=code,
        list_at=list_at,
        item_field=item_field,
        item_text=item_text,
        item_code=item_code,
        fields_at=fields_at,
        operation_outcome=fields.flag("operation_outcome"),
        codes={name.text: _issue_code(value, problems) for name, value in fields.pairs("codes")},
        says=_read_says(fields.items("says"), problems),
    )
    codes = fields.node("codes")
    if codes is not None and not (spec.code or spec.item_code or spec.operation_outcome):
        problems.add(codes.mark, "nothing tells the partner's code, so 'codes' says nothing; add 'code'")
    items.done()
    fields.done()
    return spec


def _check_paths(paths: Iterable[Text | None], problems: Problems) -> None:
    for path in filter(None, paths):
        if not _PATH.fullmatch(path):
            text = f"'{path}' is no field of an error; write names with dots between, and [] behind a list: a.b[].c"
            problems.add(path.mark, text)


def _read_says(items: Iterable[Node], problems: Problems) -> tuple[Saying, ...]:
    """Read what the words of errors mean; the first line that fits is taken, so none may stand behind a wider one."""
    says: list[Saying] = []
    for item in items:
        saying = _read_saying(item, problems)
        if any(_is_wider(other, saying) for other in says):
            problems.add(item.mark, "this is never taken: a line before it fits whatever it fits; put it first")
        says.append(saying)
    return tuple(says)


def _is_wider(one: Saying, other: Saying) -> bool:
    """Whether all that fits the other fits the one."""
    statuses = not one.status or (bool(other.status) and set(other.status) <= set(one.status))
    words = [any(part.lower() in text.lower() for part in one.text) for text in other.text]
    return statuses and (not one.text or (bool(words) and all(words)))


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
