"""The pipeline: an interaction is matched to a route, its plan's calls are made, the FHIR answer comes back."""

from __future__ import annotations

from collections import Counter
from importlib.metadata import version as package_version
from types import TracebackType
from typing import Self

from fhir_bridge.fhir.capability import Offer, Statement, base_title, capability_statement
from fhir_bridge.fhir.interaction import FhirResponse, Interaction
from fhir_bridge.gateway.client import Gateway
from fhir_bridge.mapping.routes import Partner, Routes
from fhir_bridge.outcome import Json

SOFTWARE_VERSION = package_version("fhir-bridge")


class Bridge:
    """Answers FHIR interactions through the partners' APIs. Keeps nothing between two, but counts.

    `unknown_codes` counts the partner codes that no code table knows, by (partner, field, code).
    """

    def __init__(self, routes: Routes, gateway: Gateway, *, base_url: str | None = None) -> None:
        self.routes = routes
        self.unknown_codes: Counter[tuple[str, str, str]] = Counter()
        self._gateway = gateway
        self._base_url = base_url

    async def __aenter__(self) -> Self:
        await self._gateway.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._gateway.__aexit__(kind, error, traceback)

    async def handle(self, interaction: Interaction) -> FhirResponse:
        """Answer one FHIR interaction; raises FhirError."""
        if interaction.code == "capabilities":
            return FhirResponse(200, self.capabilities(interaction))
        route = self.routes.match(interaction)
        plan = route.plan(interaction)
        try:
            request = next(plan)
            while True:
                request = plan.send(await self._gateway.send(request))
        except StopIteration as done:
            response: FhirResponse = done.value
        self.unknown_codes.update((route.partner, field, code) for field, code in response.unknown_codes)
        return response

    def capabilities(self, interaction: Interaction) -> Json:
        """Return the CapabilityStatement of the base that was asked, from the routes that there are."""
        base = interaction.address.base
        partner = self.routes.configured_partner(base) if base is not None else None
        partners = [partner] if partner else self.routes.configured()
        offers = [offer for each in partners for offer in _offers(each)]
        url = f"{self._base_url}/fhir{f'/{base}' if base else ''}" if self._base_url else None
        names = ", ".join(each.title for each in partners) or "no partner"
        title = base_title(partner.title if partner else None)
        about = Statement(interaction.version, SOFTWARE_VERSION, title, f"FHIR facade of {names}", url)
        return capability_statement(about, offers)


def _offers(partner: Partner) -> list[Offer]:
    return [
        Offer(route.resource_type, route.code, name, route.definition, route.profile, partner.title)
        for route in partner.routes
        for name in (route.names() or (None,))
    ]
