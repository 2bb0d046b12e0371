"""What the clients reported: one table of client × capability, and what is wrong with it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import NamedTuple

CAPABILITIES = (
    "capability statement",
    "read",
    "search",
    "create",
    "update",
    "patch",
    "conditional update",
    "operation",
    "validate",
    "batch",
    "message",
    "error",
)
"""What every client is tried on, in the order of the table; a client may report more."""

_MARKS = {True: "✓", False: "✗", None: "–"}
_START, _END = "<!-- interop -->\n", "<!-- /interop -->"


class Result(NamedTuple):
    """One line of a program: whether a client could do something, None where that cannot be tried; `why` says more."""

    client: str
    capability: str
    worked: bool | None
    why: str


def parse_results(text: str) -> list[Result]:
    """Read a program's output: `{"client": …, "capability": …, "worked": …, "why": …}` on each line."""
    return [Result(**json.loads(line)) for line in text.splitlines()]


def troubles(results: Sequence[Result]) -> list[str]:
    """Return a line for each thing that did not work, or that a client does not speak of."""
    failed = [f"{each.client}: {each.capability}: {_line(each.why)}" for each in results if each.worked is False]
    told = {(each.client, each.capability) for each in results}
    silent = [
        f"{client}: {capability}: not reported"
        for client in _clients(results)
        for capability in CAPABILITIES
        if (client, capability) not in told
    ]
    return failed + silent


def table(results: Sequence[Result]) -> str:
    """Return the table as Markdown that is easy to read as it is, and below it why something did not work."""
    marks = {(each.client, each.capability): _MARKS[each.worked] for each in results}
    capabilities = _capabilities(results)
    rows = [[client, *(marks.get((client, each), "") for each in capabilities)] for client in _clients(results)]
    legend = "✓ worked · ✗ did not · – cannot be tried, for the reason below"
    why_not = _notes([each for each in results if not each.worked])
    return "\n".join([*_markdown(["client", *capabilities], rows), "", legend, "", *why_not]) + "\n"


def hows(results: Sequence[Result]) -> str:
    """Return what is worth knowing of how things worked."""
    return "\n".join(_notes([each for each in results if each.worked])) + "\n"


def _markdown(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(len(row[column]) for row in [head, *rows]) for column in range(len(head))]
    rule = ["-" * width for width in widths]
    return [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |"
        for row in [head, rule, *rows]
    ]


def _notes(results: Sequence[Result]) -> list[str]:
    """One line for each thing that is said: of which capabilities, and of which clients."""
    clients: dict[tuple[str, str], list[str]] = {}
    for each in sorted(results, key=lambda each: _capabilities(results).index(each.capability)):
        if each.why:
            clients.setdefault((_line(each.why), each.capability), []).append(each.client)
    capabilities: dict[tuple[str, str], list[str]] = {}
    for (why, capability), names in clients.items():
        capabilities.setdefault((why, "; ".join(names)), []).append(capability)
    return [f"- {', '.join(said)}: {why} ({names})" for (why, names), said in capabilities.items()]


def _line(why: str) -> str:
    """A reason in one line; an exception may hold a whole page."""
    return " ".join(why.split())[:200]


def _capabilities(results: Sequence[Result]) -> list[str]:
    return list(dict.fromkeys([*CAPABILITIES, *(each.capability for each in results)]))


def _clients(results: Sequence[Result]) -> list[str]:
    return list(dict.fromkeys(each.client for each in results))


def placed(page: str, text: str) -> str:
    """Return a page with `text` between its two markers, in place of what stood there; else raises ValueError."""
    before, start, rest = page.partition(_START)
    _, end, after = rest.partition(_END)
    if not (start and end):
        raise ValueError(f"the page needs the lines {_START.strip()} and {_END}, with the table between them")
    return f"{before}{start}\n{text}\n{end}{after}"
