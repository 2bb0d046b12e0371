"""Reads `query:` and `body:` of a search: what is asked for, by the partner's names."""

from __future__ import annotations

from collections.abc import Mapping

from fhir_bridge.mapping.fields import Fields, check_beside
from fhir_bridge.mapping.model import ArgumentSpec
from fhir_bridge.mapping.source import Node, Problems

# What may stand beside the key that says where an argument comes from.
_OF_ARGUMENTS: Mapping[str, tuple[str, ...]] = {
    "count": ("count",),
    "offset": ("offset",),
    "parameter": ("parameter", "definition", "as", "system", "join", "required"),
}


def read_argument(key: Node, node: Node, problems: Problems) -> ArgumentSpec:
    fields = Fields(node, problems, f"'{key.text}'")
    join = fields.text("join")
    spec = ArgumentSpec(
        name=key.word,
        most=fields.count("count", 0) or None,
        is_offset=fields.flag("offset"),
        parameter=fields.text("parameter"),
        definition=fields.text("definition"),
        as_=fields.text("as"),
        system=fields.text("system"),
        join=None if join is None else str(join),
        required=fields.flag("required"),
    )
    fields.done()
    kinds = [kind for kind in _OF_ARGUMENTS if kind in fields.given()]
    if len(kinds) != 1:
        problems.add(key.mark, f"'{key.text}' needs exactly one of 'count', 'offset' and 'parameter'")
        return spec
    check_beside(fields, kinds[0], _OF_ARGUMENTS)
    if spec.parameter is not None and spec.definition is None:
        problems.add(key.mark, f"'{key.text}' does not say what '{spec.parameter}' is; add 'definition'")
    return spec
