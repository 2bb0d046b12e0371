"""The lines that say what becomes of an interaction: its route, its calls, the table of its rows, what is lost."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from fhir_bridge.cli.recording import PartnerCall, recorded_calls
from fhir_bridge.cli.showing import short, table
from fhir_bridge.connection import (
    Auth,
    Bearer,
    ClientCredentials,
    FixedHeaders,
    Forward,
    MutualTls,
    Renewal,
    TokenExchange,
)
from fhir_bridge.fhir import bundle
from fhir_bridge.fhir.conditions import OF_CHANGES, wants_current
from fhir_bridge.fhir.interaction import Interaction
from fhir_bridge.fhir.json import dumps, loads
from fhir_bridge.fhir.search import asks_for_ids
from fhir_bridge.mapping.arguments import Arguments
from fhir_bridge.mapping.calls import Call
from fhir_bridge.mapping.messages import MessageSender
from fhir_bridge.mapping.partner_fields import dotted
from fhir_bridge.mapping.passing import PassSender
from fhir_bridge.mapping.querying import QuerySender
from fhir_bridge.mapping.routes import Partner, Route, Routes, Step
from fhir_bridge.mapping.senders import MapSender, Sender
from fhir_bridge.mapping.source import Mark
from fhir_bridge.outcome import FhirError, Issue, Json

SECRET = "***"


def explanation(routes: Routes, interaction: Interaction) -> list[str]:
    """Return the lines for an interaction; raises FhirError where it would be refused before any call."""
    if interaction.code == "batch" and isinstance(interaction.body, dict):
        if interaction.body.get("type") != "message":
            return _of_entries(routes, interaction)
        interaction = bundle.as_message(interaction)
    calls = recorded_calls(routes, interaction)
    if not calls:
        return ["The bridge answers this itself; no partner is called."]
    route, interaction = routes.match(interaction)
    partner = routes.partners[route.partner]
    lines = [f"{_name(route)}, {partner.title} ({_place(route.mark)})"]
    shown = [*calls, *(_second_call(routes, interaction) if route.call.over is None else [])]
    for call in shown:
        lines += ["", *_call(partner, call, route.call)]
    later = list(_later(partner, route, shown, interaction))
    if route.code == "patch":
        return [*lines, "", *_patch(partner, route, interaction), *later]
    lines += later
    if route.call.together is not None:
        lines += ["", f"In a batch, up to {route.call.together.most} entries that make this call make it together."]
    if route.cohort is not None:
        said = f"Each record has its own call and its own answer; there may be {route.cohort.most} of them."
        return [*lines, "", said]
    if route.call.arguments is not None:
        return [*lines, *_arguments(route.call.arguments, route.system, interaction)]
    if route.call.sender is None or isinstance(route.call.sender, QuerySender):
        return lines
    return [*lines, "", *_content(route, route.call.sender, interaction)]


def refusal(error: FhirError) -> list[str]:
    """Return the lines for a request that is refused before any call."""
    return [f"refused with {error.status_code}, before any call", "", *_issues(error.issues)]


def _of_entries(routes: Routes, interaction: Interaction) -> list[str]:
    """The explanation of each entry of a batch or transaction. Raises FhirError where all of it is refused."""
    recorded_calls(routes, interaction)
    lines: list[str] = []
    entries = bundle.entries_of(interaction.body)
    errors = bundle.check_entries(interaction.body, interaction.version, interaction.limits)
    for index, (entry, error) in enumerate(zip(entries, errors, strict=True)):
        lines += ["", f"Bundle.entry[{index}] {_asks(entry)}".rstrip()]
        lines += (f"  {line}".rstrip() for line in _of_entry(routes, interaction, index, error))
    return lines[1:] or ["The Bundle has no entries."]


def _asks(entry: Json) -> str:
    request = entry.get("request")
    return f"{request.get('method', '')} {request.get('url', '')}" if isinstance(request, dict) else ""


def _of_entry(routes: Routes, interaction: Interaction, index: int, error: FhirError | None) -> list[str]:
    if error is not None:
        return refusal(error)
    entry = interaction.body["entry"][index]
    try:
        return explanation(routes, bundle.entry_interaction(entry, index, interaction, routes.partners))
    except FhirError as refused:
        return refusal(refused)


def _name(route: Route) -> str:
    name = f"${route.operation}" if route.operation else route.code
    return f"{name} {route.resource_type}".strip()


def _place(mark: Mark) -> str:
    return f"{mark.file}:{mark.line}"


def _second_call(routes: Routes, interaction: Interaction) -> list[PartnerCall]:
    """On a condition the record is read first; this is the update that follows where the version is right."""
    if interaction.code != "update" or not wants_current(interaction.headers):
        return []
    headers = {name: value for name, value in interaction.headers.items() if name not in OF_CHANGES}
    return recorded_calls(routes, replace(interaction, headers=headers))


def _later(partner: Partner, route: Route, shown: Sequence[PartnerCall], interaction: Interaction) -> Iterator[str]:
    """The calls that depend on what the partner answers to those that are shown; what writes a patch is told below."""
    steps = list(route.steps)
    for call in shown:
        steps = next((steps[n + 1 :] for n, step in enumerate(steps) if _is_made_by(step, call)), steps)
    for step in steps:
        if step.follows and not (route.code == "patch" and step.call is route.call):
            yield from ("", f"Then follows{f', {step.when}' if step.when else ''}:", "")
            yield f"{step.call.method} {_address(partner, step.call, interaction)}"


def _is_made_by(step: Step, call: PartnerCall) -> bool:
    path = re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(step.call.path))
    made = call.path if "?" in step.call.path else call.path.partition("?")[0]
    return step.call.method == call.method and re.fullmatch(path, made.replace("%24", "$")) is not None


def _address(partner: Partner, call: Call, interaction: Interaction) -> str:
    base_url = partner.connection.base_url if partner.connection else ""
    return f"{base_url}{call.path.replace('{id}', interaction.address.id or '{id}')}"


def _call(partner: Partner, call: PartnerCall, compiled: Call) -> Iterator[str]:
    """The call as HTTP has it; a variable that is not set stands there by its name."""
    connection = partner.connection
    base_url = connection.base_url if connection else ""
    yield f"{call.method} {base_url}{call.path.replace('%24', '$')}"
    yield from (f"  {name}: {value}" for name, value in call.headers)
    for auth in connection.auth if connection else ():
        if isinstance(auth, FixedHeaders | MutualTls) or not compiled.anonymous:
            yield from (f"  {line}" for line in _credentials(auth))
    if call.body:
        yield ""
        yield from (f"  {line}" for line in dumps(_body(call, compiled), indented=True).decode().splitlines())


def _body(call: PartnerCall, compiled: Call) -> Json:
    """The body of a call, without what of it is secret."""
    body = loads(call.body)
    for constant in compiled.sender.constants if isinstance(compiled.sender, MapSender) else ():
        if constant.secret and constant.field.get(body) == constant.value:
            constant.field.put(body, SECRET)
    return body


def _credentials(auth: Auth) -> list[str]:
    """What one scheme adds to each call; never a secret."""
    match auth:
        case Bearer():
            return [f"Authorization: Bearer {SECRET}"]
        case Forward():
            return [f"Authorization: Bearer {SECRET}  (the client's own{_renewed(auth.renewal)})"]
        case TokenExchange():
            return [f"Authorization: Bearer {SECRET}  (from POST {auth.path})"]
        case ClientCredentials():
            return [f"Authorization: Bearer {SECRET}  (from POST {auth.url})"]
        case FixedHeaders():
            return [f"{name}: {SECRET}" for name in auth.headers]
        case MutualTls():
            return [f"over TLS with the client certificate {auth.certificate}"]


def _renewed(renewal: Renewal | None) -> str:
    return f"; renewed by {renewal.header} at POST {renewal.exchange.path}" if renewal is not None else ""


def _patch(partner: Partner, route: Route, interaction: Interaction) -> list[str]:
    """What may follow the reading of the record: which fields, depends on what it answers."""
    sender = route.call.sender
    rows = sender.pairs({"resourceType": route.resource_type}) if sender else []
    whole = "" if route.call.over is None else "the rest of the record, and in it "
    return [
        "The patch is applied to the record that comes back. Then follows",
        "",
        f"{route.call.method} {_address(partner, route.call, interaction)}",
        "",
        f"with {whole}those of these fields that the patch has changed; where it has changed none, nothing is sent.",
        "",
        *table(
            ("element in the mapping file", "partner field", "rule"),
            [(pair.name, dotted(pair.field), _place(pair.mark)) for pair in rows if pair.sends],
        ),
    ]


def _content(route: Route, sender: Sender, interaction: Interaction) -> list[str]:
    """The table of what is sent, and what is not."""
    resource = interaction.body or {"resourceType": "Parameters"}
    if isinstance(sender, PassSender):
        return _passed(sender, resource, interaction, f"The {resource['resourceType']}")
    if isinstance(sender, MessageSender):
        line = f"The {resource['resourceType']} goes in a message, with what it contains that is about it."
        behind = _lost(sender, resource, interaction)
        lines = [line, *_passed(sender, resource, interaction, "The message")]
        return [*lines, *_left_behind("the profile does not allow it, or only what it does not allow needs it", behind)]
    rows = [*_id_row(route, sender, interaction), *_rows(sender, resource)]
    lines = table(("FHIR element", "partner field", "value", "rule"), rows) if rows else ["No row sends anything."]
    return [*lines, *_left_behind("no row takes it", _lost(sender, resource, interaction))]


def _lost(sender: Sender, resource: Json, interaction: Interaction) -> list[str]:
    return [loss.path for loss in sender.losses(resource, interaction)]


def _left_behind(why: str, paths: Sequence[str]) -> list[str]:
    """The elements that are left behind, and why."""
    if not paths:
        return ["", "Nothing is left behind."]
    return ["", f"Left behind, for {why}:", *(f"  {path}" for path in paths)]


def _arguments(said: Arguments, system: str | None, interaction: Interaction) -> Iterator[str]:
    """What a search may say to the partner; nothing of one that names ids, whose records are read."""
    if said.arguments and not asks_for_ids(interaction.query, said.names(), system):
        rows = [(each.parameter, dotted(each.field.keys), _place(each.mark)) for each in said.arguments]
        yield from ("", *table(("search parameter", "partner field", "rule"), rows))


def _rows(sender: Sender, resource: Json) -> list[Sequence[str]]:
    sent = [pair for pair in sender.pairs(resource) if pair.sends and pair.value is not None]
    return [(pair.element, dotted(pair.field), _value(pair.value), _place(pair.mark)) for pair in sent]


def _id_row(route: Route, sender: Sender, interaction: Interaction) -> list[Sequence[str]]:
    """The rows of an id that goes from the address into the body."""
    if not isinstance(sender, MapSender):
        return []
    body = sender.send(interaction.body or {}, interaction).body
    fields = [(field, interaction.id) for field in sender.ids if field.get(body) is None]
    if sender.id is not None:
        fields.append((sender.id.field, sender.id.transform.to_partner(interaction.id)))
    place = _place(route.mark)
    return [("the id in the address", dotted(field.keys), _value(value), place) for field, value in fields]


def _value(value: Json) -> str:
    return short(dumps(value).decode())


def _passed(sender: PassSender | MessageSender, resource: Json, interaction: Interaction, what: str) -> list[str]:
    """What goes as it is; or converted, with what its new version cannot say."""
    version = (sender.within if isinstance(sender, MessageSender) else sender).partner_version
    if interaction.version == version:
        return [f"{what} goes as it is: no row changes it."]
    line = f"{what} is converted from FHIR {interaction.version} to {version}"
    issues = sender.send(resource, interaction).issues
    if not issues:
        return [f"{line}, and nothing is lost."]
    return [f"{line}. What that changes:", "", *_issues(issues)]


def _issues(issues: Sequence[Issue]) -> list[str]:
    """The issues as a table; without the column of places where none has a place."""
    if not any(issue.expression for issue in issues):
        return table(("code", "what"), [(issue.code, issue.text) for issue in issues])
    return table(("at", "code", "what"), [(issue.expression or "", issue.code, issue.text) for issue in issues])
