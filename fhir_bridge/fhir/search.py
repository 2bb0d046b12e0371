"""Searches that a facade can answer: by the logical id, by the identifier that is it, or by a list of the partner's.

https://hl7.org/fhir/R4/search.html
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple
from urllib.parse import urlencode
from uuid import NAMESPACE_URL, uuid5

from fhir_bridge.fhir.problems import shown
from fhir_bridge.outcome import FhirError, Issue, Json, operation_outcome

RESULT_PARAMETERS = frozenset({"_format", "_pretty", "_summary", "_elements", "_count", "_offset", "_total"})
"""Parameters that say how the answer looks, not what is searched; `_offset` is ours, in the links to other pages."""

_IN_LINKS = ("_summary", "_elements")
_COUNTING = ("_summary", "count")
MAX_IDS = 100
"""How many records one search may ask for: each is a call of the partner."""


class Parameter(NamedTuple):
    """A search parameter that is offered: `type` is FHIR's, `definition` a canonical."""

    name: str
    type: str
    definition: str
    documentation: str | None = None


class Page(NamedTuple):
    """Which of the matches are wanted: `size` of them (None: all), from `offset` on. `shape` goes into every link."""

    size: int | None = None
    offset: int = 0
    shape: tuple[tuple[str, str], ...] = ()


class Criteria(NamedTuple):
    """What a search asks for: the ids (None: no criterion that can be answered), and the parameters left aside."""

    ids: tuple[str, ...] | None
    unknown: tuple[str, ...]
    known: tuple[tuple[str, str], ...]
    page: Page = Page()


def read_criteria(query: Iterable[tuple[str, str]], system: str | None, spell: Callable[[str], str] = str) -> Criteria:
    """Return what a query asks for, where `system|value` of an identifier names the logical id; `spell` writes each id
    as its partner does, so that no record is asked for twice.

    Commas are "or", a repeated parameter is "and"; one without a value is none. Raises FhirError 400 for a modifier,
    which may not be overlooked, and for more ids than `MAX_IDS`. https://hl7.org/fhir/R4/search.html#combining
    """
    query = tuple(query)
    known, unknown = sort_parameters(query, {"_id"} if system is None else {"_id", "identifier"})
    page = read_page(query)
    ids: list[str] | None = None
    for name, value in known:
        found = _ids(name, value, system)
        if found is None:
            return Criteria(None, unknown, known, page)
        spelled = [spell(id_) for id_ in found]
        ids = spelled if ids is None else _in_both(ids, spelled)
    return Criteria(None if ids is None else _few(ids), unknown, known, page)


def sort_parameters(
    query: Iterable[tuple[str, str]], names: Iterable[str]
) -> tuple[tuple[tuple[str, str], ...], tuple[str, ...]]:
    """Return the parameters of these names with their values, and the names of those that are not known here.

    Raises FhirError 400 for a known one with a modifier: without it, something else would be found.
    """
    known, unknown, names = [], [], set(names)
    for name, value in query:
        parameter, _, modifier = name.partition(":")
        if parameter in names and modifier:
            text = f"`{shown(name)}` has a modifier, and none is known here; ask by `{parameter}`."
            raise FhirError(400, Issue("no-such-search", "not-supported", text, f"http.{parameter}"))
        if parameter in names and value:
            known.append((name, value))
        elif name not in RESULT_PARAMETERS and value:
            unknown.append(name)
    return tuple(known), tuple(dict.fromkeys(unknown))


def read_page(query: Iterable[tuple[str, str]]) -> Page:
    """Return which of the matches a query wants, none where it counts them. Raises FhirError 400.

    https://hl7.org/fhir/R4/search.html#count
    """
    wanted = dict(query)
    shape = tuple((name, wanted[name]) for name in _IN_LINKS if wanted.get(name))
    size, offset = _number(wanted, "_count"), _number(wanted, "_offset") or 0
    return Page(0, 0, shape) if _COUNTING in shape else Page(size, offset, shape)


def _number(wanted: dict[str, str], name: str) -> int | None:
    text = wanted.get(name)
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise FhirError(400, Issue("value-not-allowed", "value", f"`{name}` is a whole number.", f"http.{name}"))
    return int(text)


def _ids(name: str, value: str, system: str | None) -> list[str] | None:
    """The logical ids that a parameter names; None for an identifier that no record can be found by."""
    if name == "_id":
        return value.split(",")
    tokens = [token.partition("|") for token in value.split(",")]
    if any(prefix != system or not id_ for prefix, _, id_ in tokens):
        return None
    return [id_ for _, _, id_ in tokens]


def _in_both(ids: Iterable[str], others: Iterable[str]) -> list[str]:
    known = frozenset(others)
    return [id_ for id_ in ids if id_ in known]


def _few(ids: Iterable[str]) -> tuple[str, ...]:
    once = tuple(dict.fromkeys(ids))
    if len(once) > MAX_IDS:
        text = f"One search may ask for {MAX_IDS} records at most; ask for the others by another."
        raise FhirError(400, Issue("no-such-search", "too-costly", text))
    return once


def asks_for_ids(query: Iterable[tuple[str, str]], names: Iterable[str], system: str | None) -> bool:
    """Whether a search names records one by one: by an identifier of the logical id's `system`, or by any.

    Where `identifier` is one of the `names` of a list's parameters, any other identifier is searched for in the list.
    """
    listed = "identifier" in names

    def names_one(parameter: str, value: str) -> bool:
        if parameter == "identifier" and listed:
            return system is not None and any(each.startswith(f"{system}|") for each in value.split(","))
        return parameter in ("_id", "identifier") and value != ""

    return any(names_one(name.partition(":")[0], value) for name, value in query)


def check_ids_alone(query: Iterable[tuple[str, str]], names: Iterable[str]) -> None:
    """Raise FhirError 400 where a search names records, and has parameters of a list as well: it does one of both."""
    known, _ = sort_parameters(query, set(names) - {"identifier"})
    text = "This cannot be searched for together with `_id` or `identifier` here; ask by one of them."
    issues = [Issue("no-such-search", "not-supported", text, f"http.{name}") for name, _ in known]
    if issues:
        raise FhirError(400, *issues)


def unanswerable(resource_type: str, system: str | None) -> FhirError:
    """Return the error for criteria that no record can be found by."""
    ways = f"`_id` or `identifier={system}|…`" if system else "`_id`"
    text = f"A {resource_type} is found here by {ways} only; ask by that."
    return FhirError(400, Issue("no-such-search", "not-supported", text))


def several_matches(resource_type: str) -> FhirError:
    """Return the error for a conditional update whose criteria name several. https://hl7.org/fhir/R4/http.html#cond-update"""
    text = f"The criteria name more than one {resource_type}; name one."
    return FhirError(412, Issue("no-such-search", "multiple-matches", text))


def check_unconditional(resource_type: str, headers: Mapping[str, str], query: Iterable[tuple[str, str]]) -> None:
    """Raise FhirError 422 for a create on a condition, where nothing can be searched: a second record would be made.

    FHIR has the criteria in If-None-Exist; some clients write them into the address.
    https://hl7.org/fhir/R4/http.html#ccreate
    """
    criteria = [name for name, _ in query if name not in RESULT_PARAMETERS]
    if "if-none-exist" in headers or criteria:
        where = "If-None-Exist" if "if-none-exist" in headers else shown(criteria[0])
        text = (
            f"The partner cannot say whether it has such a {resource_type}, so nothing was made. "
            f"Make sure that it has none, then send the request without {where}."
        )
        raise FhirError(422, Issue("no-such-search", "not-supported", text, f"http.{where}"))


def unknown_parameters(names: Sequence[str]) -> list[Issue]:
    """Return an issue for each search parameter that is not known here, but for no more than anybody reads."""
    text = "This search parameter is not known here; leave it out."
    return [
        Issue("no-such-search", "not-supported", text, f"http.{shown(name)}")
        for name in list(dict.fromkeys(names))[:100]
    ]


def searchset(base_url: str, resource_type: str, criteria: Criteria, found: Sequence[Json]) -> Json:
    """Return the Bundle of what was found, or of the page of it that is wanted."""
    size, offset, _ = criteria.page
    shown = found[offset : None if size is None else offset + size]
    return page_of_searchset(base_url, resource_type, criteria, shown, len(found))


def page_of_searchset(
    base_url: str, resource_type: str, criteria: Criteria, shown: Sequence[Json], total: int | None
) -> Json:
    """Return the Bundle of one page; `total` is how many there are on all pages, None where nobody knows.

    Its `self` link holds just the parameters that were used. https://hl7.org/fhir/R4/http.html#paging
    """
    address = f"{base_url}/{resource_type}"
    links = [
        {"relation": relation, "url": "?".join(filter(None, [address, _query(criteria, at)]))}
        for relation, at in _links(criteria.page, len(shown), total)
    ]
    entries = [
        {"fullUrl": _full_url(address, resource, links[0]["url"], n), "resource": resource, "search": {"mode": "match"}}
        for n, resource in enumerate(shown)
    ]
    if criteria.unknown and criteria.page.size != 0:
        entries.append(_left_aside(criteria, links[0]["url"]))
    bundle = {"resourceType": "Bundle", "type": "searchset", **({} if total is None else {"total": total})}
    return {**bundle, "link": links, **({"entry": entries} if entries else {})}


def _full_url(address: str, resource: Json, link: str, index: int) -> str:
    """The address of a match; what has no id has none, and gets a name of its own."""
    return f"{address}/{resource['id']}" if "id" in resource else f"urn:uuid:{uuid5(NAMESPACE_URL, f'{link}#{index}')}"


def _left_aside(criteria: Criteria, link: str) -> Json:
    """Return the entry that tells of unknown parameters; each entry of a searchset needs an address of its own."""
    outcome = operation_outcome([issue.as_warning() for issue in unknown_parameters(criteria.unknown)])
    return {"fullUrl": f"urn:uuid:{uuid5(NAMESPACE_URL, link)}", "resource": outcome, "search": {"mode": "outcome"}}


def _links(page: Page, shown: int, total: int | None) -> list[tuple[str, int]]:
    """The pages that the answer leads to, by offset; a full page is not the last where nobody knows the total.

    The next one begins behind what is shown: a partner may send fewer records than it was asked for.
    """
    links = [("self", page.offset)]
    if page.size and (shown == page.size if total is None else page.offset + shown < total):
        links.append(("next", page.offset + shown))
    if page.size and page.offset > 0:
        links.append(("previous", max(0, page.offset - page.size)))
    return links


def _query(criteria: Criteria, offset: int) -> str:
    size = criteria.page.size
    paging = [] if size is None or _COUNTING in criteria.page.shape else [("_count", str(size))]
    paging += [("_offset", str(offset))] if offset else []
    return urlencode([*criteria.known, *criteria.page.shape, *paging], safe="/:,")
