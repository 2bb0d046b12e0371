"""Searches that a facade can answer: by the logical id, or by the identifier that is the logical id.

https://hl7.org/fhir/R4/search.html
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple
from urllib.parse import urlencode

from fhir_bridge.outcome import FhirError, Issue, Json, operation_outcome

RESULT_PARAMETERS = frozenset({"_format", "_pretty", "_summary", "_elements", "_count", "_total"})
"""Parameters that say how the answer looks, not what is searched."""


class Criteria(NamedTuple):
    """What a search asks for: the ids (None: no criterion that can be answered), and the parameters left aside."""

    ids: tuple[str, ...] | None
    unknown: tuple[str, ...]
    known: tuple[tuple[str, str], ...]


def read_criteria(query: Iterable[tuple[str, str]], system: str | None) -> Criteria:
    """Return what a query asks for, where `system|value` of an identifier names the logical id.

    Commas are "or", a repeated parameter is "and". https://hl7.org/fhir/R4/search.html#combining
    """
    ids: list[str] | None = None
    unknown, known = [], []
    for name, value in query:
        found = _ids(name, value, system)
        if found is None:
            unknown += [] if name in RESULT_PARAMETERS else [name]
            continue
        known.append((name, value))
        ids = found if ids is None else [id_ for id_ in ids if id_ in found]
    return Criteria(None if ids is None else tuple(dict.fromkeys(ids)), tuple(unknown), tuple(known))


def _ids(name: str, value: str, system: str | None) -> list[str] | None:
    if name == "_id":
        return value.split(",")
    if name != "identifier" or system is None:
        return None
    tokens = [token.partition("|") for token in value.split(",")]
    if any(prefix != system for prefix, _, _ in tokens):
        return None
    return [id_ for _, _, id_ in tokens]


def unanswerable(resource_type: str, system: str | None, status_code: int = 400) -> FhirError:
    """Return the error for criteria that no record can be found by."""
    ways = f"`_id` or `identifier={system}|…`" if system else "`_id`"
    text = f"A {resource_type} is found here by {ways} only; ask by that."
    return FhirError(status_code, Issue("no-such-search", "not-supported", text, f"http.{resource_type}"))


def no_conditional_create(resource_type: str) -> FhirError:
    """Return the error for If-None-Exist where nothing can be searched. https://hl7.org/fhir/R4/http.html#ccreate"""
    text = f"The partner cannot search for a {resource_type}; send the request without If-None-Exist."
    return FhirError(412, Issue("no-such-search", "not-supported", text, "http.If-None-Exist"))


def unknown_parameters(names: Sequence[str]) -> list[Issue]:
    """Return an issue for each search parameter that is not known here."""
    text = "This search parameter is not known here; leave it out."
    return [Issue("no-such-search", "not-supported", text, f"http.{name}") for name in dict.fromkeys(names)]


def searchset(base_url: str, resource_type: str, criteria: Criteria, found: Sequence[Json]) -> Json:
    """Return the Bundle of what was found; its `self` link holds just the parameters that were used."""
    address = f"{base_url}/{resource_type}"
    entries = [
        {"fullUrl": f"{address}/{resource['id']}", "resource": resource, "search": {"mode": "match"}}
        for resource in found
    ]
    if criteria.unknown:
        issues = [issue.as_warning() for issue in unknown_parameters(criteria.unknown)]
        entries.append({"resource": operation_outcome(issues), "search": {"mode": "outcome"}})
    bundle = {
        "resourceType": "Bundle",
        "type": "searchset",
        "total": len(found),
        "link": [{"relation": "self", "url": f"{address}?{urlencode(criteria.known, safe='|/:,')}"}],
    }
    return {**bundle, "entry": entries} if entries else bundle
