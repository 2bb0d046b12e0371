"""What a base states of itself, from the routes that there are: its CapabilityStatement and TerminologyCapabilities."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

from fhir_bridge.fhir import conformance
from fhir_bridge.fhir.capability import (
    Offer,
    Security,
    Statement,
    base_title,
    capability_statement,
    terminology_capabilities,
)
from fhir_bridge.fhir.interaction import Interaction
from fhir_bridge.mapping.routes import Partner, Routes, sole_partners
from fhir_bridge.outcome import Json

_HUB = (
    "A request is for the partner that it tells: by an operation, a profile, an identity system, the event of a "
    "message, or a resource type that one partner alone has. What tells none, such as a read of a type that several "
    "have, is asked for at the partner's own base, or in a batch, where the url of an entry may begin with the "
    "partner's name."
)
_BY_BODY = frozenset({"create", "update", "patch"})
"""What has a body that can tell the partner, by a profile or an identity."""


class Server(NamedTuple):
    """What is stated besides: the version of the software, its public address, whether pages of others may call it."""

    software_version: str
    base_url: str | None
    cors: bool


def capabilities(routes: Routes, partners: Sequence[Partner], interaction: Interaction, server: Server) -> Json:
    """Return the CapabilityStatement of the base that was asked, whose partners these are.

    Or, where the client wants that, the TerminologyCapabilities.
    """
    mode = dict(interaction.query).get("mode") or None
    conformance.check_mode(mode, interaction.version)
    about = _about(partners, interaction, server)
    if mode == "terminology":
        return terminology_capabilities(about, conformance.of_type(routes.definitions, "CodeSystem"))
    offers = [offer for each in partners if interaction.version in each.versions for offer in _offers(each)]
    if interaction.address.base is None:
        offers = list(_at_hub(offers, frozenset(sole_partners(partners))))
    return capability_statement(about, offers)


def _about(partners: Sequence[Partner], interaction: Interaction, server: Server) -> Statement:
    base = interaction.address.base
    url = f"{server.base_url}/fhir{f'/{base}' if base else ''}" if server.base_url else None
    names = ", ".join(each.title for each in partners) or "no partner"
    title = base_title(names if base else None)
    security = _security(partners, server)
    documentation = None if base else _HUB
    return Statement(
        interaction.version, server.software_version, title, f"FHIR facade of {names}", url, security, documentation
    )


def _security(partners: Sequence[Partner], server: Server) -> Security:
    connections = {each.title: each.connection for each in partners if each.connection and each.connection.auth}
    return Security(
        cors=server.cors,
        token_of=tuple(title for title, connection in connections.items() if connection.forwards),
        own_login=tuple(title for title, connection in connections.items() if not connection.forwards),
        refresh_headers=tuple(each.renewal.header for each in connections.values() if each.renewal is not None),
    )


def _offers(partner: Partner) -> list[Offer]:
    versioned = {route.resource_type for route in partner.routes if route.code == "vread"}
    return [
        Offer(
            resource_type=route.resource_type,
            code=route.code,
            by=partner.title,
            operation=name,
            definition=route.definition,
            profile=route.profile,
            of_system=route.of_system,
            system=route.system if route.searched_by_id else None,
            parameters=route.parameters,
            by_id=route.searched_by_id,
            versioned=route.resource_type in versioned,
        )
        for route in partner.routes
        for name in (route.names() or (None,))
    ]


def _at_hub(offers: Sequence[Offer], sole: Collection[str]) -> Iterator[Offer]:
    """What a request to the hub can ask for: that which can tell the partner, by a sign of `told_partners`.

    Types in `sole` tell it by themselves.
    """
    for offer in offers:
        if offer.resource_type in sole and not offer.of_system:
            yield offer
        elif offer.operation is not None:
            sharing = {other.by for other in offers if other.operation == offer.operation}
            yield from [offer] if len(sharing) == 1 else []
        elif offer.code in _BY_BODY:
            yield offer
        elif offer.system is not None:
            yield replace(offer, by_id=False, parameters=())
