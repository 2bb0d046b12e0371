"""The verdicts of both judges, side by side."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from fhir_bridge.outcome import Issue
from tests.interop.validation.instances import Instance
from tests.interop.validation.verdicts import Message, errors

_VERDICTS = {
    (False, False): "both take it",
    (True, True): "both refuse it",
    (True, False): "only we refuse",
    (False, True): "only HAPI refuses",
}


def table(pairs: Sequence[tuple[Instance, list[Issue], list[Message]]]) -> str:
    """Return a table of profile and change, with the number of instances for each pair of verdicts."""
    counts = Counter(
        (instance.group, instance.kind, bool(issues), bool(errors(messages))) for instance, issues, messages in pairs
    )
    rows = [["profile", "what was done", "instances", *_VERDICTS.values()]]
    for group, kind in dict.fromkeys((instance.group, instance.kind) for instance, _, _ in pairs):
        rows.append([group, kind, *_numbers([counts[group, kind, *verdict] for verdict in _VERDICTS])])
    all_ = [sum(counts[row[0], row[1], *verdict] for row in rows[1:]) for verdict in _VERDICTS]
    return _aligned([*rows, ["all", "", *_numbers(all_)]])


def _numbers(counts: Sequence[int]) -> list[str]:
    return [str(number) if number else "" for number in (sum(counts), *counts)]


def _aligned(rows: Sequence[Sequence[str]]) -> str:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = [" | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return "\n".join([lines[0], "-+-".join("-" * width for width in widths), *lines[1:]])
