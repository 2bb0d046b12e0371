"""A message about one resource: the resource put into it, and taken out of the answer.

What a resource contains and what is about it, as a Condition whose subject is `#`, has an entry of its own there.
https://hl7.org/fhir/R4/messaging.html, https://hl7.org/fhir/STU3/messageheader.html
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import count
from uuid import NAMESPACE_URL, uuid5

from fhir_bridge.fhir.elements import Version
from fhir_bridge.fhir.leaving import NO_GAPS, Gaps
from fhir_bridge.fhir.references import names_of
from fhir_bridge.outcome import Issue, Json

Resource = Mapping[str, Json]
IsAbout = Callable[[str], bool]
"""Whether a reference leads to the resource that the message is about."""


@dataclass(frozen=True, slots=True)
class Header:
    """What the message says of itself: a new `id`, the event's Coding, who sends it, when.

    `profiles` are what resources in the message say they keep to, by their types.
    """

    id: str
    event: Json
    endpoint: str | None
    now: datetime
    profiles: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Origin:
    """Where the resource of an entry came from, as a FHIRPath: `Patient`, `Patient.contained[0]`; what it `lost`."""

    resource_type: str
    expression: str
    lost: Gaps = NO_GAPS

    def home(self, rest: str) -> str:
        """Return where an element of the entry's resource came from."""
        return self.lost.former_place(f"{self.expression}{rest}")


@dataclass(frozen=True, slots=True)
class Message:
    """A message Bundle; `origins` are those of its entries, the MessageHeader's is None."""

    bundle: Json
    origins: Sequence[Origin | None]

    def home(self, expression: str) -> str | None:
        """Return the FHIRPath, in what the message was made of, of an element of the message; None where it has none.

        `Bundle.entry[1].resource.name` is `Patient.name`; so is `Patient.name` itself.
        """
        if match := _OF_ENTRY.fullmatch(expression):
            at = int(match[1])
            origin = self.origins[at] if at < len(self.origins) else None
            return None if origin is None else origin.home(match[2])
        resource_type, dot, rest = expression.partition(".")
        named = [each for each in self.origins if each is not None and each.resource_type == resource_type]
        return named[0].home(f"{dot}{rest}") if len(named) == 1 else None


_OF_ENTRY = re.compile(r"Bundle\.entry\[(\d{1,4})\](?:\.resource)?((?:\..+)?)")


def wrap(resource: Resource, header: Header, version: Version) -> Message:
    """Return the message about a resource that has the shape of one; without an id it is known by a `urn:uuid:`."""
    moved = {index: None for index, why in _about(resource) if why is None}
    address = None if "id" in resource else f"urn:uuid:{uuid5(NAMESPACE_URL, header.id)}"
    name = address or f"{resource['resourceType']}/{resource['id']}"
    others = [_as_entry(resource["contained"][index], names_of(resource).__contains__, name) for index in moved]
    first = {"fullUrl": address} if address and others else {}
    entry = [
        {"resource": _message_header(header, version)},
        {**first, "resource": _profiled(_without(resource, moved), header.profiles)},
        *({"resource": _profiled(other, header.profiles)} for other in others),
    ]
    timed = {"timestamp": _instant(header.now)} if version == "4.0" else {}
    bundle = {"resourceType": "Bundle", "type": "message", **timed, "entry": entry}
    resource_type = resource["resourceType"]
    places = [f"{resource_type}.contained[{index}]" for index in moved]
    origins = [Origin(each["resourceType"], place) for place, each in zip(places, others, strict=True)]
    return Message(bundle, [None, Origin(resource_type, resource_type, Gaps.of(places)), *origins])


def hindered(resource: Resource) -> Iterator[Issue]:
    """Yield an issue for each contained resource that is about the one that contains it, and can have no entry."""
    for index, why in _about(resource):
        if why is not None:
            resource_type = resource["contained"][index]["resourceType"]
            text = f"In the message this {resource_type} has an entry of its own, {why}; leave that reference out."
            yield Issue("cannot-be-sent", "not-supported", text, f"{resource['resourceType']}.contained[{index}]")


def _message_header(header: Header, version: Version) -> Json:
    """R4 has the time of a message in the Bundle, STU3 in the header, where R4 has a choice of events."""
    own = (
        {"event": header.event, "timestamp": _instant(header.now)}
        if version == "3.0"
        else {"eventCoding": header.event}
    )
    source = {} if header.endpoint is None else {"endpoint": header.endpoint}
    return _profiled({"resourceType": "MessageHeader", "id": header.id, **own, "source": source}, header.profiles)


def _instant(now: datetime) -> str:
    return now.isoformat(timespec="milliseconds")


def _profiled(resource: Resource, profiles: Mapping[str, str]) -> Json:
    """The resource saying that it keeps to the profile of its type, beside those that it names."""
    profile = profiles.get(resource["resourceType"])
    meta = resource.get("meta", {})
    named = meta.get("profile", [])
    if profile is None or profile in named:
        return resource
    return {**resource, "meta": {**meta, "profile": [*named, profile]}}


def _about(resource: Resource) -> Iterator[tuple[int, str | None]]:
    """Yield the index of each contained resource that is about the one that contains it, and why it can have no entry.

    What refers to it, or what it refers to, would not find the other; None where neither is there.
    """
    names, said = names_of(resource), Counter(_references(resource))
    for index, each in enumerate(resource.get("contained", ())):
        own, name = Counter(_references(each)), f"#{each.get('id')}"
        if "resourceType" not in each or names.isdisjoint(own):
            continue
        if any(other.startswith("#") and other != "#" for other in own):
            yield index, "and cannot refer to another contained resource from there"
        else:
            yield index, "where no reference to a contained resource finds it" if said[name] > own[name] else None


def _as_entry(contained: Resource, is_about: IsAbout, name: str) -> Json:
    """A contained resource standing by itself: its id, which had a meaning only where it was, is gone."""
    return {key: _renamed(value, is_about, name) for key, value in contained.items() if key != "id"}


def _without(resource: Resource, moved: Collection[int]) -> Resource:
    if not moved:
        return resource
    kept = [each for index, each in enumerate(resource["contained"]) if index not in moved]
    rest = {key: value for key, value in resource.items() if key != "contained"}
    return {**rest, "contained": kept} if kept else rest


def _references(value: Json) -> Iterator[str]:
    """Yield what the References in a value say, however deep."""
    if isinstance(value, list):
        for inner in value:
            yield from _references(inner)
    elif isinstance(value, dict):
        for key, inner in value.items():
            if key == "reference" and isinstance(inner, str):
                yield inner
            else:
                yield from _references(inner)


def _renamed(value: Json, is_about: IsAbout, name: str) -> Json:
    """The value with `name` in each of its References that leads there by another."""
    if isinstance(value, list):
        return [_renamed(inner, is_about, name) for inner in value]
    if not isinstance(value, dict):
        return value
    return {
        key: name
        if key == "reference" and isinstance(inner, str) and is_about(inner)
        else _renamed(inner, is_about, name)
        for key, inner in value.items()
    }


def unwrap(bundle: Resource, resource_type: str, version: Version) -> Json:
    """Return the first resource of a type in a message, containing what the message says about it; None without any.

    The Bundle is a partner's: what its entries hold may be anything.
    """
    found = list(_entries(bundle))
    first = _first(found, resource_type)
    if first is None:
        return None
    address, resource = first
    is_about = _named(address, f"{resource_type}/{resource.get('id')}")
    others = [each for _, each in found if each["resourceType"] not in (resource_type, "MessageHeader")]
    about = [each for each in others if any(map(is_about, _references(each)))]
    return with_contained(resource, [_as_contained(each, is_about, version) for each in about])


def id_told(bundle: Resource, resource_type: str) -> str | None:
    """Return the id of the first resource of a type in a message; None where there is none."""
    first = _first(_entries(bundle), resource_type)
    id_ = None if first is None else first[1].get("id")
    return id_ if isinstance(id_, str) else None


def containing(resource: Json, answered: Json) -> Json:
    """Return a resource as it was read, containing also what the answer to its change contained about it."""
    ids = {str(each.get("id")) for each in _contained(resource)}
    others = [each for each in _contained(answered) if str(each.get("id")) not in ids and "#" in _references(each)]
    return with_contained(resource, others) if others and isinstance(resource, dict) else resource


def _contained(resource: Json) -> list[Resource]:
    """What a resource contains, or None does; it may be a partner's."""
    contained = resource.get("contained") if isinstance(resource, dict) else None
    found = contained if isinstance(contained, list) else []
    return [each for each in found if isinstance(each, dict) and isinstance(each.get("resourceType"), str)]


def _first(entries: Iterable[tuple[Json, Resource]], resource_type: str) -> tuple[Json, Resource] | None:
    return next((each for each in entries if each[1]["resourceType"] == resource_type), None)


def _entries(bundle: Resource) -> Iterator[tuple[Json, Resource]]:
    """Yield address and resource of each entry that has a resource."""
    entries = bundle.get("entry")
    for entry in entries if isinstance(entries, list) else ():
        resource = entry.get("resource") if isinstance(entry, dict) else None
        if isinstance(resource, dict) and isinstance(resource.get("resourceType"), str):
            yield entry.get("fullUrl"), resource


def _named(address: Json, name: str) -> IsAbout:
    """Whether a reference leads to what has this address in the Bundle, or this name on any server."""
    return lambda reference: reference in (address, name) or reference.endswith(f"/{name}")


def _as_contained(resource: Resource, is_about: IsAbout, version: Version) -> Resource:
    """A resource as it may be contained in what it is about. https://hl7.org/fhir/R4/domainresource.html#invs"""
    meta = resource.get("meta")
    kept = {key: value for key, value in meta.items() if key in ("profile", "tag")} if isinstance(meta, dict) else {}
    gone = ("meta", "contained", "text") if version == "3.0" else ("meta", "contained")
    rest = {key: _renamed(value, is_about, "#") for key, value in resource.items() if key not in gone}
    return {**rest, "meta": kept} if kept else rest


def with_contained(resource: Resource, others: Sequence[Resource]) -> Json:
    """Return a resource that contains others as well, those of them that have no id of their own by a new one."""
    contained = _contained(resource)
    taken = {str(each.get("id")) for each in contained}
    numbers = defaultdict[str, Iterator[int]](lambda: count(1))
    for other in others:
        resource_type, id_ = other["resourceType"], other.get("id")
        if not isinstance(id_, str) or id_ in taken:
            names = (f"{resource_type.lower()}-{number}" for number in numbers[resource_type])
            id_ = next(name for name in names if name not in taken)
        taken.add(id_)
        contained.append({"resourceType": resource_type, **other, "id": id_})
    return {**resource, "contained": contained} if others else resource
