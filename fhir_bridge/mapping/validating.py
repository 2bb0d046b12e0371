"""`$validate`: what the request itself would say of a resource before any call, and what the partner cannot hold.

The request that is meant is made of the question, finds its route as any other, and is checked by its own plan.
https://hl7.org/fhir/R4/resource-operation-validate.html
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import cache

from fhir_bridge.fhir.body import check_type
from fhir_bridge.fhir.definitions import canonical_url
from fhir_bridge.fhir.elements import Version, is_resource
from fhir_bridge.fhir.interaction import Code, FhirResponse, Interaction, Preferences
from fhir_bridge.fhir.structure import structure_checker
from fhir_bridge.limits import Limits
from fhir_bridge.mapping.checks import check_id, once
from fhir_bridge.mapping.question import Question, read_question
from fhir_bridge.mapping.routes import Partner, Route, Routes, check_record_id, spelled, told_partners
from fhir_bridge.outcome import FhirError, Issue, Json, limited, operation_outcome

Match = Callable[[Interaction], tuple[Route, Interaction]]
"""Finds the route of an interaction, and what that takes; raises FhirError where there is none."""

_ABSTRACT = frozenset({"Resource", "DomainResource"})
_METHODS = {"create": "POST", "update": "PUT", "delete": "DELETE"}


def validate(routes: Routes, match: Match, interaction: Interaction) -> FhirResponse:
    """Return an OperationOutcome with every problem as it stands, and, as information, every element left behind.

    Raises FhirError for a question that cannot be answered. No partner is called.
    """
    question = read_question(interaction)
    about = _about(interaction, question)
    partners = routes.partners_at(interaction.address)
    if question.mode == "delete":
        return _answer(_said(match, _request("delete", about)), about.limits)
    claims = list(_unknown_profiles(routes, partners, about))
    if question.profile is None and question.mode in ("create", "update"):
        return _answer([*_of_mode(match, about, is_update=question.mode == "update"), *claims], about.limits)
    check_type(question.resource, about.resource_type)
    return _answer([*_of_content(routes, partners, about, question), *claims], about.limits)


def _about(interaction: Interaction, question: Question) -> Interaction:
    """The interaction with the resource as its body; an abstract type in the address is the resource's own.

    Its headers are those of the request that is meant, but for the preference of an answer.
    """
    address, resource = interaction.address, question.resource
    if address.resource_type in _ABSTRACT and isinstance(resource, dict):
        own = resource.get("resourceType")
        if isinstance(own, str) and is_resource(interaction.version, own):
            address = replace(address, resource_type=own)
    return replace(
        interaction,
        address=replace(address, operation=None),
        body=resource,
        query=(),
        preferences=Preferences("OperationOutcome", interaction.preferences.strict),
    )


def _request(code: Code, about: Interaction) -> Interaction:
    """The request that is meant, at the address of the instance or type that it is for."""
    address = replace(about.address, id=None) if code == "create" else about.address
    return replace(about, code=code, method=_METHODS[code], address=address)


def _of_mode(match: Match, about: Interaction, *, is_update: bool) -> list[Issue]:
    """What a create or an update of the resource says. An update needs an id: that of the address, or its own."""
    request = _request("update" if is_update else "create", about)
    if is_update and about.address.id is None:
        id_ = about.body.get("id") if isinstance(about.body, dict) else None
        if not isinstance(id_, str):
            text = f"An update needs an id; ask at `{about.resource_type}/<id>/$validate`, or give the resource its id."
            return [Issue("element-missing", "required", text, f"{about.resource_type}.id")]
        request = replace(request, address=replace(request.address, id=id_))
    return _said(match, request)


def _said(match: Match, request: Interaction) -> list[Issue]:
    """What a request says before any partner is called: all that is wrong with it, or the warnings that go along."""
    try:
        route, request = match(request)
        assert route.check is not None
        return list(route.check(request).warnings)
    except FhirError as error:
        return list(error.issues)


def _of_content(routes: Routes, partners: Sequence[Partner], about: Interaction, question: Question) -> Iterator[Issue]:
    """What is to be said of a resource where no interaction is named: by the profile that is, or by what it tells."""
    takers = _takers(routes, partners, about, question)
    names = {route.partner for route in takers}
    if len(names) > 1:
        yield from _structure(about.version, about.limits.max_problems)(about.body)
        yield _several_takers(about.resource_type, names)
    elif not takers:
        yield from _structure(about.version, about.limits.max_problems)(about.body)
        yield from _problems_of_id(about, question)
    else:
        yield from _by_route(routes, _meant(takers, question.mode), about, question)


def _by_route(routes: Routes, route: Route, about: Interaction, question: Question) -> list[Issue]:
    """What a route says of a resource. Where the address has no id, none is asked for."""
    about = spelled(routes.partners[route.partner], about)
    id_ = about.address.id if route.code == "update" and question.mode in (None, "update") else None
    address = replace(about.address, base=route.partner, id=id_, operation=route.operation)
    body = about.body if id_ is None else {"id": id_, **about.body}
    request = replace(about, code=route.code, address=address, body=body)
    issues = [] if route.code == "update" else _problems_of_id(about, question)

    def match(request: Interaction) -> tuple[Route, Interaction]:
        if id_ is not None:
            check_record_id(routes.partners[route.partner], request.address)
        return route, request

    return [*issues, *_said(match, request)]


def _problems_of_id(about: Interaction, question: Question) -> list[Issue]:
    """Whether the id of the resource is that of the address, where there is no update that would say so."""
    if about.address.id is None or question.mode == "profile":
        return []
    return check_id(about.body.get("id"), about.id, f"{about.resource_type}.id", needed=False)


def _takers(routes: Routes, partners: Sequence[Partner], about: Interaction, question: Question) -> list[Route]:
    """The routes that take the resource by the profile that is asked for; else those of whom the resource tells.

    FHIR's own definition is nobody's rule. Raises FhirError 404 for a profile, or a version of one, that nobody has.
    """
    if question.profile is None:
        told = told_partners(partners, about) or partners
        return [route for route in _checking(told) if _takes(route, about)]
    profile = canonical_url(question.profile)
    takers = [route for route in _checking(partners) if route.profile == profile]
    if _is_of_fhir(question.profile, about.resource_type):
        return []
    if not takers or not _has_version(routes, question.profile):
        known = ", ".join(sorted({route.profile for partner in partners for route in partner.routes if route.profile}))
        text = f"This profile is not known here; known are {known}."
        raise FhirError(404, Issue("unknown-path", "not-supported", text, question.profile_at))
    return takers


def _checking(partners: Iterable[Partner]) -> Iterator[Route]:
    return (route for partner in partners for route in partner.routes if route.check is not None)


def _takes(route: Route, about: Interaction) -> bool:
    """Whether a route is for such a resource: by its type; the Parameters of an operation claim its profile."""
    if route.operation is None:
        return route.resource_type == about.resource_type
    return route.profile in {canonical_url(claim) for _, claim in _claims(about.body)}


def _meant(routes: Sequence[Route], mode: str | None) -> Route:
    """Of a partner's routes that take the resource, the one of the mode: the update, where none is named."""
    code = "create" if mode == "create" else "update"
    return next((route for route in routes if route.code == code), routes[0])


def _several_takers(resource_type: str, partners: Iterable[str]) -> Issue:
    """A word to who asks at the hub for what several partners take, each by its own rules."""
    bases = " and ".join(f"/fhir/{partner}" for partner in sorted(partners))
    text = (
        f"Only FHIR's own rules were checked: {bases} both take a {resource_type}; ask at one of them, or by profile."
    )
    return Issue("several-partners-found", "informational", text, severity="information")


_RELEASES = frozenset({"", "3.0", "3.0.0", "3.0.1", "3.0.2", "4.0", "4.0.0", "4.0.1"})


def _is_of_fhir(profile: str, resource_type: str) -> bool:
    """Whether a profile is FHIR's own definition of a type, which every resource of it has to fit anyway."""
    url, _, release = profile.partition("|")
    return url == f"http://hl7.org/fhir/StructureDefinition/{resource_type}" and release in _RELEASES


def _has_version(routes: Routes, profile: str) -> bool:
    """Whether a profile that is known is known in the version that is named, if any is."""
    _, bar, version = profile.partition("|")
    definition = routes.definitions.resources.get(canonical_url(profile), {})
    return not bar or definition.get("version") == version


def _unknown_profiles(routes: Routes, partners: Sequence[Partner], about: Interaction) -> Iterator[Issue]:
    """A warning for each profile that a resource claims, and that nothing is checked by, since nobody here has it."""
    known = {profile for partner in partners for profile in partner.profiles}
    for index, claim in _claims(about.body):
        is_known = canonical_url(claim) in known and _has_version(routes, claim)
        if not is_known and not claim.startswith("http://hl7.org/fhir/StructureDefinition/"):
            text = "This profile is not known here, so nothing was checked by it."
            place = f"{about.resource_type}.meta.profile[{index}]"
            yield Issue("unknown-profile", "not-supported", text, place, severity="warning")


def _claims(resource: Json) -> list[tuple[int, str]]:
    """The profiles that a resource claims, with their places."""
    meta = resource.get("meta") if isinstance(resource, dict) else None
    profiles = meta.get("profile") if isinstance(meta, dict) else None
    listed = enumerate(profiles) if isinstance(profiles, list) else ()
    return [(index, claim) for index, claim in listed if isinstance(claim, str)]


def _as_information(issue: Issue) -> Issue:
    return replace(issue, severity="information")


@cache
def _structure(version: Version, max_problems: int) -> Callable[[Json], list[Issue]]:
    return structure_checker(version, rules=True, max_problems=max_problems)


def _answer(issues: Iterable[Issue], limits: Limits) -> FhirResponse:
    """What is left behind is no fault of the resource: it is told as information, unless it would be refused."""
    found = [
        _as_information(issue) if (issue.error, issue.severity) == ("left-behind", "warning") else issue
        for issue in once(issues)
    ]
    told = limited(found, limits.max_problems)
    if not any(issue.severity == "error" for issue in found):
        said = Issue("done", "informational", "No problem was found.", severity="information")
        told = [said, *told[: limits.max_problems], *(_as_information(more) for more in told[limits.max_problems :])]
    return FhirResponse(200, operation_outcome(told))
