"""Which route an interaction takes: at a partner's base by its name, at the hub by what the request says."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from fhir_bridge.connection import Connection
from fhir_bridge.fhir.definitions import Definitions
from fhir_bridge.fhir.elements import Version, is_resource
from fhir_bridge.fhir.interaction import ID, Address, Code, Interaction
from fhir_bridge.fhir.problems import shown
from fhir_bridge.fhir.search import Parameter, check_unconditional, read_criteria, several_matches, unanswerable
from fhir_bridge.mapping.calls import Call
from fhir_bridge.mapping.like import LIKE, Spell, spelling
from fhir_bridge.mapping.plans.cohort import Cohort
from fhir_bridge.mapping.plans.steps import Checked, CheckedPlan, MakePlan
from fhir_bridge.mapping.source import Mark
from fhir_bridge.outcome import FhirError, Issue, Json

_METHODS: Mapping[Code, str] = {
    "read": "GET, HEAD",
    "update": "PUT",
    "patch": "PATCH",
    "search-type": "GET, HEAD",
    "create": "POST",
}


class Step(NamedTuple):
    """One call of an interaction; `when` says when it is made, where it is not always.

    `follows`: it depends on what the partner answered to the one before it.
    """

    call: Call
    when: str = ""
    follows: bool = False


@dataclass(frozen=True, slots=True)
class Route:
    """One interaction of one partner. `operation` and `also` are names without `$`; `profile` is what it takes.

    An operation is one of an instance, of several with a `cohort`, or, with `of_system`, of the whole base. `call` is
    what the interaction is about, `steps` are all the calls that it may make, in order. A search offers `parameters`,
    and finds what has an id where it is `searched_by_id`. `system` is the identity system whose values are the logical
    ids of the type, where one is.
    """

    mark: Mark
    partner: str
    code: Code
    resource_type: str
    operation: str | None
    also: tuple[str, ...]
    definition: str | None
    profile: str | None
    call: Call
    plan: MakePlan
    steps: tuple[Step, ...]
    of_system: bool = False
    parameters: tuple[Parameter, ...] = ()
    searched_by_id: bool = False
    system: str | None = None
    cohort: Cohort | None = None

    @property
    def check(self) -> Callable[[Interaction], Checked] | None:
        """What the interaction says before a partner is called; None where it sends nothing that can be checked."""
        return self.plan.check if isinstance(self.plan, CheckedPlan) and self.cohort is None else None

    def names(self) -> tuple[str, ...]:
        """The operation's names, the first of them its own; none where it is no operation."""
        return (self.operation, *self.also) if self.operation else ()


@dataclass(frozen=True, slots=True)
class Partner:
    """One partner. `connection` is None where its base URL, the variable `base_url_variable`, is not set.

    `systems` are its identity systems, `profiles` its canonicals, `events` its message events as `system#code`.
    """

    name: str
    title: str
    versions: tuple[Version, ...]
    connection: Connection | None
    base_url_variable: str
    systems: frozenset[str]
    profiles: frozenset[str]
    events: frozenset[str]
    id_like: str | None
    routes: tuple[Route, ...] = field(default_factory=tuple)


@dataclass(frozen=True, slots=True)
class Routes:
    """Every partner that a mapping file describes, by its name: configured or not; and the definitions they use."""

    partners: Mapping[str, Partner]
    definitions: Definitions

    def configured(self) -> list[Partner]:
        return [partner for partner in self.partners.values() if partner.connection is not None]

    def versions(self, base: str | None) -> tuple[Version, ...]:
        """Return the FHIR versions of a base, the default first; the hub speaks R4, and what a partner speaks."""
        if base is not None:
            return self.partners[base].versions
        others = {version for partner in self.configured() for version in partner.versions} - {"4.0"}
        return ("4.0", *sorted(others))

    def match(self, interaction: Interaction) -> tuple[Route, Interaction]:
        """Return the route of an interaction, and the interaction with the id that its criteria tell.

        Raises FhirError where there is no route, or more than one.
        """
        base = interaction.address.base
        partner = self.configured_partner(base) if base is not None else self.partner_of(interaction)
        route = _route_of(partner, interaction)
        if base is None:  # what is told of a record is told of it where it can be read
            interaction = replace(interaction, base_url=f"{interaction.base_url}/{partner.name}")
        if route.code == "create":
            check_unconditional(interaction.resource_type, interaction.headers, interaction.query)
        if route.code in _WITHOUT_ANY_ID or route.of_system or route.cohort is not None:
            return route, interaction
        if interaction.address.id is None:
            interaction = _with_told_id(route, interaction, spelling(partner.id_like))
        check_record_id(partner, interaction.address)
        return route, spelled(partner, interaction)

    def allow(self, address: Address) -> list[str]:
        """Return the methods that an address takes: by its partner's routes; at the hub, by those of all."""
        here = [route for partner in self.partners_at(address) for route in partner.routes if _is_at(route, address)]
        if address.special == "metadata":
            methods = ["GET", "HEAD"]
        elif address.operation is not None:
            by_get = any(route.call.method == "GET" for route in here)
            methods = ["GET", "HEAD", "POST"] if by_get else ["POST"] if here else []
        elif address.resource_type is None:
            methods = ["POST"]
        else:
            methods = ", ".join(_allowed(here, address)).split(", ") if here else []
        return list(dict.fromkeys(filter(None, methods)))

    def tells_versions(self, address: Address) -> bool:
        """Whether records of this type have versions at the partner of a base; at the hub, at any."""
        routes = [route for partner in self.partners_at(address) for route in partner.routes]
        return any(route.code == "vread" and route.resource_type == address.resource_type for route in routes)

    def partners_at(self, address: Address) -> list[Partner]:
        """Return the partners that may be meant: that of the base, where it is configured; at the hub, all."""
        return [partner for partner in self.configured() if address.base in (None, partner.name)]

    def configured_partner(self, base: str) -> Partner:
        """Return the partner of a base; raises FhirError 404 where it is not configured, naming the variable to set."""
        partner = self.partners[base]
        if partner.connection is None:
            text = f"{partner.title} is not configured here; set {partner.base_url_variable} and start again."
            raise FhirError(404, Issue("partner-not-configured", "not-supported", text))
        return partner

    def partner_of(self, interaction: Interaction) -> Partner:
        """The one partner that the request tells, by the first sign that tells any."""
        told = told_partners(self.configured(), interaction)
        if len(told) > 1:
            names = " and ".join(f"/fhir/{partner.name}" for partner in told)
            text = f"The request fits several partners: {names}. Send it to one of these bases."
            raise FhirError(400, Issue("several-partners-found", "multiple-matches", text))
        if told:
            return told[0]
        bases = ", ".join(f"/fhir/{partner.name}" for partner in self.configured()) or "none is configured"
        text = f"Nothing in the request tells which partner it is for; send it to a partner's own base: {bases}."
        raise FhirError(404, Issue("no-partner-found", "not-supported", text))


def spelled(partner: Partner, interaction: Interaction) -> Interaction:
    """Return the interaction with the ids of its address and of its body as the partner spells them.

    Ids that differ in their spelling alone are one.
    """
    spell, address, body = spelling(partner.id_like), interaction.address, interaction.body
    if isinstance(body, dict) and isinstance(body.get("id"), str):
        body = {**body, "id": spell(body["id"])}
    return replace(interaction, address=replace(address, id=address.id and spell(address.id)), body=body)


def told_partners(partners: Sequence[Partner], interaction: Interaction) -> list[Partner]:
    """Return the partners that a request tells, by the first sign that tells any.

    An operation that several partners have is a sign only where there is no other.
    """
    having = list(_by_operation(partners, interaction))
    if len(having) == 1:
        return having
    signs = (_by_profile, _by_identifier, _by_event, _by_type)
    return next(filter(None, (list(sign(partners, interaction)) for sign in signs)), having)


def sole_partners(partners: Iterable[Partner]) -> dict[str, Partner]:
    """Return the resource types that one of the partners alone has, each with that partner."""
    having: dict[str, list[Partner]] = {}
    for partner in partners:
        for resource_type in {route.resource_type for route in partner.routes if not route.of_system}:
            having.setdefault(resource_type, []).append(partner)
    return {resource_type: having_it[0] for resource_type, having_it in having.items() if len(having_it) == 1}


def _by_operation(partners: Iterable[Partner], interaction: Interaction) -> Iterator[Partner]:
    name = interaction.address.operation
    if name is not None:
        yield from (partner for partner in partners if any(name in route.names() for route in partner.routes))


def _by_profile(partners: Iterable[Partner], interaction: Interaction) -> Iterator[Partner]:
    meta = interaction.body.get("meta") if isinstance(interaction.body, dict) else None
    named = _texts(meta.get("profile")) if isinstance(meta, dict) else []
    profiles = {canonical.partition("|")[0] for canonical in named}
    yield from (partner for partner in partners if profiles & partner.profiles)


def _by_identifier(partners: Iterable[Partner], interaction: Interaction) -> Iterator[Partner]:
    systems = {value.partition("|")[0] for name, value in interaction.query if name == "identifier" and "|" in value}
    if isinstance(interaction.body, dict):
        identifiers = interaction.body.get("identifier")
        for identifier in identifiers if isinstance(identifiers, list) else [identifiers]:
            systems |= set(_texts([identifier.get("system")])) if isinstance(identifier, dict) else set()
    yield from (partner for partner in partners if systems & partner.systems)


def _by_event(partners: Iterable[Partner], interaction: Interaction) -> Iterator[Partner]:
    event = _event(interaction.body)
    yield from (partner for partner in partners if event in partner.events)


def _by_type(partners: Iterable[Partner], interaction: Interaction) -> Iterator[Partner]:
    sole = sole_partners(partners).get(interaction.address.resource_type or "")
    yield from () if sole is None else (sole,)


def _event(body: Json) -> str | None:
    """The event of a message Bundle as `system#code`, in STU3's spelling or R4's."""
    entries = body.get("entry") if isinstance(body, dict) else None
    for entry in entries if isinstance(entries, list) else ():
        resource = entry.get("resource") if isinstance(entry, dict) else None
        if isinstance(resource, dict) and resource.get("resourceType") == "MessageHeader":
            coding = resource.get("eventCoding", resource.get("event"))
            return f"{coding.get('system')}#{coding.get('code')}" if isinstance(coding, dict) else None
    return None


def _texts(value: Json) -> list[str]:
    return [text for text in value if isinstance(text, str)] if isinstance(value, list) else []


_WITHOUT_ANY_ID: frozenset[Code] = frozenset({"search-type", "create"})
_WITHOUT_ID: frozenset[Code] = _WITHOUT_ANY_ID | {"update", "patch"}
"""What may be asked of a type, without an id: search and create, conditional update and patch."""
_WITH_ID: frozenset[Code] = frozenset({"read", "update", "patch"})
_SPECIAL: Mapping[str, tuple[str, str]] = {"_search": ("search-type", "POST"), "_version": ("vread", "GET, HEAD")}
"""What a special address is for, and the methods that it takes."""


def _route_of(partner: Partner, interaction: Interaction) -> Route:
    """The partner's route for this type and interaction; raises FhirError 404 or 405, saying what there is."""
    address, code = interaction.address, interaction.code
    if code == "operation":
        return _operation_of(partner, interaction)
    here = [route for route in partner.routes if route.resource_type == address.resource_type and not route.of_system]
    if not here:
        raise _no_such_type(partner, interaction)
    for route in here:
        if route.code == code and (address.id is not None or code in _WITHOUT_ID):
            return route
    raise not_allowed(f"`{code}` of {address.resource_type}", partner.title, _allowed(here, address))


def _with_told_id(route: Route, interaction: Interaction, spell: Spell) -> Interaction:
    """A conditional update or patch as one of the id that its criteria tell. https://hl7.org/fhir/R4/http.html#cond-update"""
    criteria = read_criteria(interaction.query, route.system, spell)
    if not criteria.ids or criteria.unknown:
        raise unanswerable(interaction.resource_type, route.system)
    if len(criteria.ids) > 1:
        raise several_matches(interaction.resource_type)
    id_, body = criteria.ids[0], interaction.body
    if interaction.code == "update" and isinstance(body, dict) and "id" not in body:
        body = {**body, "id": id_}
    return replace(interaction, address=replace(interaction.address, id=id_), body=body, by_criteria=True)


def _allowed(routes: Iterable[Route], address: Address) -> list[str]:
    codes = [route.code for route in routes if route.operation is None]
    if address.special is not None:
        code, methods = _SPECIAL.get(address.special, ("", ""))
        return [methods] if code in codes else []
    here = _WITHOUT_ID if address.id is None else _WITH_ID
    return [_METHODS[code] for code in codes if code in here]


def not_allowed(what: str, title: str, methods: Iterable[str]) -> FhirError:
    """The error for an interaction that is FHIR's, but not offered at this address; `methods` are those that are."""
    allow = ", ".join(dict.fromkeys(methods))
    text = f"{title} does not offer {what} at this address." + (f" It allows {allow}." if allow else "")
    return FhirError(405, Issue("method-not-allowed", "not-supported", text), headers={"Allow": allow})


def _operation_of(partner: Partner, interaction: Interaction) -> Route:
    address = interaction.address
    for route in partner.routes:
        if address.operation in route.names() and _is_level_of(route, address):
            return route
    known = ", ".join(_spelled(route) for route in partner.routes if route.operation)
    text = f"{partner.title} has no operation `${shown(address.operation or '')}` at this address."
    raise FhirError(404, Issue("unknown-path", "not-supported", f"{text} It has {known}." if known else text))


def _is_level_of(route: Route, address: Address) -> bool:
    """Whether an operation is called where it belongs: on an instance of its type, on the type, or the whole base."""
    if route.of_system:
        return address.resource_type is None
    return address.resource_type == route.resource_type and (address.id is None) is (route.cohort is not None)


def _spelled(route: Route) -> str:
    if route.of_system:
        return f"[base]/${route.operation}"
    return f"{route.resource_type}/{'' if route.cohort else '[id]/'}${route.operation}"


def _is_at(route: Route, address: Address) -> bool:
    """Whether a route has anything to do with what an address names."""
    if address.operation is not None:
        return address.operation in route.names() and _is_level_of(route, address)
    return route.resource_type == address.resource_type and not route.of_system


def _no_such_type(partner: Partner, interaction: Interaction) -> FhirError:
    resource_type = interaction.address.resource_type
    known = ", ".join(sorted({route.resource_type for route in partner.routes if route.resource_type}))
    if resource_type is None:
        return not_allowed(f"`{interaction.code}`", partner.title, [])
    kind = "offers nothing for" if is_resource(interaction.version, resource_type) else "knows no resource type"
    text = f"{partner.title} {kind} {resource_type}; it offers {known}."
    return FhirError(404, Issue("unknown-path", "not-supported", text))


def check_record_id(partner: Partner, address: Address) -> None:
    """Raise FhirError for an id that no record can have: 404 where the partner's have a form, 400 where it is no id."""
    id_ = address.id or ""
    if partner.id_like is not None and LIKE[partner.id_like](id_) is None:
        text = f"{partner.title} has no such {address.resource_type}: its ids are of the form {partner.id_like}."
        raise FhirError(404, Issue("invalid-id", "not-found", text, f"{address.resource_type}.id"))
    if not ID.fullmatch(id_):
        text = "An id has 1 to 64 letters, digits, '-' and '.', and is neither '.' nor '..'."
        raise FhirError(400, Issue("invalid-id", "value", text, f"{address.resource_type}.id"))
