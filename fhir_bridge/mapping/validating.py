"""`$validate`: everything that a request's checks would say of a resource, and what the partner cannot hold; no call.

https://hl7.org/fhir/R4/resource-operation-validate.html
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from fhir_bridge.fhir.body import check_type
from fhir_bridge.fhir.definitions import canonical_url
from fhir_bridge.fhir.interaction import FhirResponse, Interaction, Preferences
from fhir_bridge.fhir.structure import structure_checker
from fhir_bridge.mapping.checks import check_id, is_sound, left_behind, once
from fhir_bridge.mapping.question import Question, read_question
from fhir_bridge.mapping.routes import Partner, Route, check_record_id, told_partners
from fhir_bridge.outcome import FhirError, Issue, Json, operation_outcome


def validate(partners: Sequence[Partner], interaction: Interaction) -> FhirResponse:
    """Return an OperationOutcome with every problem as it stands, and, as information, every element left behind."""
    question = read_question(interaction)
    if question.mode == "delete":
        return _answer([])
    check_type(question.resource, interaction.resource_type)
    routes = _takers(partners, interaction, question)
    names = {route.partner for route in routes}
    route = _meant(routes, question.mode) if len(names) == 1 else None
    issues = list(_problems(interaction, question, route))
    if interaction.address.id is not None and question.mode in (None, "update"):
        issues += _problems_of_ids(interaction, question, route, partners)
    if len(names) > 1:
        issues.append(_several_takers(interaction.resource_type, names))
    return _answer(issues)


def _takers(partners: Sequence[Partner], interaction: Interaction, question: Question) -> list[Route]:
    """The routes that take the resource by the profile that is asked for; else those of whom the resource tells.

    FHIR's own definition is nobody's rule. Raises FhirError 404 for a profile that nobody has.
    """
    if question.profile is None:
        told = told_partners(partners, replace(interaction, body=question.resource)) or partners
        return _taking(told, interaction.resource_type, _claimed(question.resource))
    profile = canonical_url(question.profile)
    routes = _taking(partners, interaction.resource_type, {profile})
    if not routes and profile != _of_fhir(interaction.resource_type):
        known = ", ".join(sorted({route.profile for partner in partners for route in partner.routes if route.profile}))
        text = f"This profile is not known here; known are {known}."
        raise FhirError(404, Issue("unknown-path", "not-supported", text, question.profile_at))
    return routes


def _taking(partners: Iterable[Partner], resource_type: str, profiles: set[str]) -> list[Route]:
    return [route for partner in partners for route in partner.routes if _takes(route, resource_type, profiles)]


def _meant(routes: Sequence[Route], mode: str | None) -> Route:
    """Of a partner's routes that take the resource, the one of the mode: the update, where none is named."""
    code = "create" if mode == "create" else "update"
    return next((route for route in routes if route.code == code), routes[0])


def _of_fhir(resource_type: str) -> str:
    """The canonical of FHIR's own definition of a type, which every resource of it has to fit anyway."""
    return f"http://hl7.org/fhir/StructureDefinition/{resource_type}"


def _problems_of_ids(
    interaction: Interaction, question: Question, route: Route | None, partners: Iterable[Partner]
) -> list[Issue]:
    """What an update would say of the id in the resource and that in the address; its call is not made."""
    needed = question.mode == "update"
    if route is None or route.code != "update":
        found, path = question.resource.get("id"), f"{interaction.resource_type}.id"
        return check_id(found, interaction.id, path, needed=needed)
    body = question.resource if needed else {"id": interaction.id, **question.resource}
    address = replace(interaction.address, operation=None)
    update = replace(interaction, code="update", address=address, body=body, headers={}, preferences=Preferences())
    try:
        check_record_id(next(partner for partner in partners if partner.name == route.partner), address)
        next(route.plan(update))
    except FhirError as error:
        return [issue for issue in error.issues if issue.error in ("id-differs", "invalid-id")]
    return []


def _several_takers(resource_type: str, partners: Iterable[str]) -> Issue:
    """A word to who asks at the hub for what several partners take, each by its own rules."""
    bases = " and ".join(f"/fhir/{partner}" for partner in sorted(partners))
    text = (
        f"Only FHIR's own rules were checked: {bases} both take a {resource_type}; ask at one of them, or by profile."
    )
    return Issue("several-partners-found", "informational", text, severity="information")


def _takes(route: Route, resource_type: str, profiles: set[str]) -> bool:
    """Whether the route takes such a resource: an update its type, an operation the Parameters of its profile."""
    if route.call.sender is None or route.code == "patch":
        return False
    if route.operation is not None or profiles:
        return route.profile in profiles
    return route.resource_type == resource_type


def _claimed(resource: Json) -> set[str]:
    meta = resource.get("meta") if isinstance(resource, dict) else None
    profiles = meta.get("profile") if isinstance(meta, dict) else None
    return {canonical_url(text) for text in profiles if isinstance(text, str)} if isinstance(profiles, list) else set()


def _problems(interaction: Interaction, question: Question, route: Route | None) -> Iterator[Issue]:
    """The problems that the fitting route would report; without one, those of FHIR itself."""
    resource = question.resource
    if route is None:
        yield from structure_checker(interaction.version, rules=True)(resource)
        return
    sender = route.call.sender
    assert sender is not None
    problems = sender.check(resource, interaction)
    if not is_sound(problems):
        yield from problems
        return
    sending = sender.send(resource, interaction)
    problems = [*problems, *sending.issues_of(sending.body)]
    yield from problems
    title, refused = route.call.title, {issue.expression for issue in problems}
    for issue in left_behind(sender.losses(resource, interaction), title):
        if issue.error != "left-behind":
            yield issue
        elif issue.expression not in refused:
            yield replace(issue, severity="information")


def _answer(issues: list[Issue]) -> FhirResponse:
    found = list(once(issues))
    if not any(issue.severity == "error" for issue in found):
        said = Issue("done", "informational", "No problem was found.", severity="information")
        found.insert(0, said)
    return FhirResponse(200, operation_outcome(found))
