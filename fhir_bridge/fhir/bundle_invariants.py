"""The rules that FHIR sets for a Bundle and its entries. https://hl7.org/fhir/R4/bundle.html#invs"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence

from fhir_bridge.fhir.elements import Version
from fhir_bridge.fhir.problems import Problem, Problems, broken
from fhir_bridge.outcome import Json

Value = Mapping[str, Json]
Rule = Callable[[Value], Problems]
Entries = Sequence[tuple[str, Value]]
"""Path and value of each entry of a Bundle that is an object."""

_REQUESTED = frozenset({"batch", "transaction", "history"})
_ANSWERED = frozenset({"batch-response", "transaction-response"})
_NOT_OF_A_MESSAGE = frozenset({"search", "request", "response"})

# A server's address of a resource: `http://example.org/fhir/Patient/1`.
_ON_A_SERVER = re.compile(r"https?://\S+/([A-Z][A-Za-z]+)/([A-Za-z0-9\-.]{1,64})")


def bundle_rule(version: Version) -> Rule:
    """Return the rule of a Bundle as a whole."""
    is_r4 = version == "4.0"
    answered = _ANSWERED | {"history"} if is_r4 else _ANSWERED

    def rule(bundle: Value) -> Problems:
        kind, entries = _kind(bundle), _entries(bundle)
        found = [*_links(bundle), *(_distinct(entries) if kind != "history" else ())]
        if "total" in bundle and kind not in ("searchset", "history"):
            found.append(broken(".total", "`total` is only for a searchset or history; leave it out (bdl-1)."))
        if kind != "message" or any(not _NOT_OF_A_MESSAGE.isdisjoint(entry) for _, entry in entries):
            found += _search(kind, entries)
            found += _in_entries("request", kind in _REQUESTED, entries, key="bdl-3", needed=is_r4)
            found += _in_entries("response", kind in answered, entries, key="bdl-4", needed=is_r4)
        if kind == "document":
            found += _document(bundle, entries, dated=is_r4)
        return found

    return rule


def _kind(bundle: Value) -> str:
    kind = bundle.get("type")
    return kind if isinstance(kind, str) else ""


def _entries(bundle: Value) -> Entries:
    entries = bundle.get("entry")
    if not isinstance(entries, list):
        return ()
    return [(f".entry[{index}]", entry) for index, entry in enumerate(entries) if isinstance(entry, dict)]


def _search(kind: str, entries: Entries) -> Iterator[Problem]:
    for path, entry in entries:
        if "search" in entry and kind != "searchset":
            yield broken(f"{path}.search", "`search` is only for a searchset; leave it out (bdl-2).")


def _in_entries(name: str, belongs: bool, entries: Entries, *, key: str, needed: bool) -> Iterator[Problem]:
    """Yield each entry that has an element which does not belong there, or lacks one that is needed there."""
    for path, entry in entries:
        if name in entry and not belongs:
            yield broken(f"{path}.{name}", f"`{name}` is not for a Bundle of this type; leave it out ({key}).")
        elif needed and belongs and name not in entry:
            yield broken(f"{path}.{name}", f"`{name}` is missing; a Bundle of this type needs it ({key}).")


def _links(bundle: Value) -> Iterator[Problem]:
    """Yield each link that there is of itself already. https://hl7.org/fhir/R4/bundle.html#link"""
    links, seen = bundle.get("link"), set()
    for index, link in enumerate(links if isinstance(links, list) else ()):
        relation = link.get("relation") if isinstance(link, dict) else None
        if relation in ("self", "first", "previous", "prev", "next", "last") and relation in seen:
            yield broken(f".link[{index}]", f"A Bundle has one link `{relation}` at most; leave out the others.")
        seen.add(str(relation))


def _distinct(entries: Entries) -> list[Problem]:
    keys: set[tuple[str, str]] = set()
    found: list[Problem] = []
    for path, entry in entries:
        if "fullUrl" in entry:
            key = _identity(entry)
            if key in keys:
                found.append(broken(f"{path}.fullUrl", "Another entry has this `fullUrl`; give each its own (bdl-7)."))
            keys.add(key)
    return found


def _identity(entry: Value) -> tuple[str, str]:
    resource = entry.get("resource")
    meta = resource.get("meta") if isinstance(resource, dict) else None
    version = meta.get("versionId") if isinstance(meta, dict) else None
    return str(entry["fullUrl"]), str(version)


def _document(bundle: Value, entries: Entries, *, dated: bool) -> Iterator[Problem]:
    identifier = bundle.get("identifier")
    if not isinstance(identifier, dict) or not {"system", "value"} <= identifier.keys():
        yield broken(".identifier", "A document must have an identifier with system and value (bdl-9).")
    if dated and "timestamp" not in bundle:
        yield broken(".timestamp", "`timestamp` is missing; a document must have one (bdl-10).")
    first = entries[0][1].get("resource") if entries else None
    if not isinstance(first, dict) or first.get("resourceType") != "Composition":
        yield broken(".entry", "The first entry of a document must hold its Composition (bdl-11).")


def _holds_something(entry: Value) -> Problems:
    if "resource" in entry or "request" in entry or "response" in entry:
        return ()
    return (broken("", "An entry must hold a resource, a request or a response (bdl-5)."),)


def _of_no_version(entry: Value) -> Problems:
    if "/_history/" not in str(entry.get("fullUrl")):
        return ()
    return (broken(".fullUrl", "`fullUrl` must not name a version; leave out `/_history/…` (bdl-8)."),)


def _agrees(entry: Value) -> Problems:
    """https://hl7.org/fhir/R4/bundle-definitions.html#Bundle.entry.fullUrl: it must not disagree with the id."""
    address, resource = entry.get("fullUrl"), entry.get("resource")
    match = _ON_A_SERVER.fullmatch(address) if isinstance(address, str) else None
    if match is None or not isinstance(resource, dict):
        return ()
    if (resource.get("resourceType"), resource.get("id")) == match.groups():
        return ()
    return (broken(".fullUrl", "`fullUrl` must end in the type and id of the resource; make them the same."),)


ENTRY: Sequence[Rule] = (_holds_something, _of_no_version, _agrees)
