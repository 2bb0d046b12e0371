"""The tables of docs/interactions.md: each interaction of each partner, and the calls that it becomes.

`python -m tests.interactions` writes them anew, after a mapping file has changed.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from fhir_bridge.mapping.routes import Partner, Route, Step
from tests.serving import SANDBOX, shipped

PAGE = Path(__file__).parents[1] / "docs" / "interactions.md"
START = "<!-- what follows is written by `make interactions` -->\n"

_SPELLED = {
    "read": "GET {type}/{{id}}",
    "vread": "GET {type}/{{id}}/_history/{{version}}",
    "update": "PUT {type}/{{id}}",
    "patch": "PATCH {type}/{{id}}",
    "create": "POST {type}",
    "search-type": "GET {type}?…",
}
_VERSIONS = {"4.0": "R4", "3.0": "STU3"}


def tables() -> str:
    """Return a heading and a table for each partner."""
    return "\n".join(line for partner in shipped(SANDBOX).partners.values() for line in _table(partner))


def _table(partner: Partner) -> Iterator[str]:
    versions = " and ".join(_VERSIONS[version] for version in partner.versions)
    yield from ("", f"## {partner.title}", "", f"`/fhir/{partner.name}`, in {versions}.", "")
    yield from ("| interaction | calls, in order |", "|---|---|")
    yield from (f"| `{_interaction(route)}` | {'<br>'.join(map(_call, route.steps))} |" for route in partner.routes)


def _interaction(route: Route) -> str:
    if route.operation is not None:
        methods = "GET, POST" if route.call.method == "GET" else "POST"
        id_ = "" if route.cohort else "/{id}"
        where = "" if route.of_system else f"{route.resource_type}{id_}/"
        return f"{methods} {where}${route.operation}"
    return _SPELLED[route.code].format(type=route.resource_type)


def _call(step: Step) -> str:
    return f"`{step.call.method} {step.call.path}`{f', {step.when}' if step.when else ''}"


def page() -> str:
    """Return the page with its tables as they are now."""
    before, _, _ = PAGE.read_text(encoding="utf-8").partition(START)
    return f"{before}{START}{tables()}\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
