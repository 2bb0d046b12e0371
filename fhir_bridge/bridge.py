"""The pipeline: an interaction is matched to a route, its plan's calls are made, the FHIR answer comes back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from importlib.metadata import version as package_version
from types import TracebackType
from typing import Self

import anyio

from fhir_bridge.fhir import bundle, conformance
from fhir_bridge.fhir.capability import Offer, Statement, base_title, capability_statement
from fhir_bridge.fhir.conditions import is_not_modified
from fhir_bridge.fhir.interaction import FhirResponse, Interaction
from fhir_bridge.gateway.client import Gateway
from fhir_bridge.mapping.checks import check_type
from fhir_bridge.mapping.routes import Partner, Routes
from fhir_bridge.mapping.validating import validate
from fhir_bridge.outcome import FhirError, Issue, Json

SOFTWARE_VERSION = package_version("fhir-bridge")


class Bridge:
    """Answers FHIR interactions through the partners' APIs. Keeps nothing between two, but counts.

    `unknown_codes` counts the partner codes that no code table knows, by (partner, field, code).
    """

    def __init__(self, routes: Routes, gateway: Gateway, *, base_url: str | None = None) -> None:
        self.routes = routes
        self.unknown_codes: Counter[tuple[str, str, str]] = Counter()
        self._gateway = gateway
        self.base_url = base_url
        self._at_once = {
            partner.name: anyio.CapacityLimiter(partner.connection.at_once)
            for partner in routes.configured()
            if partner.connection is not None
        }

    async def __aenter__(self) -> Self:
        await self._gateway.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._gateway.__aexit__(kind, error, traceback)

    async def handle(self, interaction: Interaction) -> FhirResponse:
        """Answer one FHIR interaction; raises FhirError. Entries of a Bundle pass here too."""
        if interaction.code == "batch":
            return await self._bundle(interaction)
        own = self._own(interaction)
        if own is not None:
            return own
        return await self._through_partner(interaction)

    def _own(self, interaction: Interaction) -> FhirResponse | None:
        """What the bridge answers itself, without any partner; None where it is a partner's to answer."""
        address = interaction.address
        if interaction.code == "capabilities":
            return FhirResponse(200, self.capabilities(interaction))
        if address.operation == "versions" and address.resource_type is None:
            return FhirResponse(200, conformance.versions(self.routes.versions(address.base)))
        if address.operation == "validate" and address.resource_type is not None:
            return validate(self._partners(interaction), interaction)
        if address.resource_type in conformance.TYPES and interaction.version == "4.0":
            return conformance.answer(self.routes.definitions, interaction)
        return None

    async def _through_partner(self, interaction: Interaction) -> FhirResponse:
        route, interaction = self.routes.match(interaction)
        plan = route.plan(interaction)
        try:
            request = next(plan)
            while True:
                request = plan.send(await self._gateway.send(request))
        except StopIteration as done:
            response: FhirResponse = done.value
        self.unknown_codes.update((route.partner, field, code) for field, code in response.unknown_codes)
        if interaction.code == "read" and is_not_modified(interaction.headers, response):
            return FhirResponse(304, None, response.headers)
        return response

    async def _bundle(self, interaction: Interaction) -> FhirResponse:
        """Carry out a Bundle of requests; a message that is posted to the base is processed as one."""
        check_type(interaction.body, "Bundle")
        kind = interaction.body.get("type")
        if kind == "message":
            return await self._through_partner(bundle.as_message(interaction))
        entries = bundle.entries_of(interaction.body)
        if kind == "batch":
            return FhirResponse(200, bundle.response_bundle("batch-response", await self._batch(interaction, entries)))
        if kind == "transaction":
            return await self._transaction(interaction, entries)
        text = "A Bundle that is posted to the base is a `batch`, a `transaction` or a `message`."
        raise FhirError(400, Issue("value-not-allowed", "value", text, "Bundle.type"))

    async def _batch(self, interaction: Interaction, entries: Sequence[Json]) -> list[FhirResponse]:
        """Carry out each entry by itself, side by side; a bad one harms only itself."""
        answers = [bundle.failure(error) if error else None for error in bundle.check_references(entries)]

        async def answer(index: int) -> None:
            try:
                entry = bundle.entry_interaction(entries[index], index, interaction, self.routes.partners)
                async with self._limiter(entry):
                    answers[index] = await self.handle(entry)
            except FhirError as error:
                answers[index] = bundle.failure(error)

        async with anyio.create_task_group() as tasks:
            for index, answered in enumerate(answers):
                if answered is None:
                    tasks.start_soon(answer, index)
        return [answer for answer in answers if answer is not None]

    def _limiter(self, interaction: Interaction) -> anyio.CapacityLimiter:
        """How many entries may call one partner at once; one that calls none waits for nobody."""
        try:
            route, _ = self.routes.match(interaction)
        except FhirError:
            return anyio.CapacityLimiter(1)
        return self._at_once[route.partner]

    async def _transaction(self, interaction: Interaction, entries: Sequence[Json]) -> FhirResponse:
        """Carry out a transaction that changes one thing at most: partners have no common commit."""
        read = [
            bundle.entry_interaction(entry, n, interaction, self.routes.partners) for n, entry in enumerate(entries)
        ]
        writes = [n for n, entry in enumerate(read) if entry.code not in bundle.READS]
        if len(writes) > 1:
            raise bundle.several_writes(writes)
        answers: dict[int, FhirResponse] = {n: await self.handle(read[n]) for n in writes}
        for n, entry in enumerate(read):
            if n not in answers:
                answers[n] = await self._answer(entry)
        return FhirResponse(200, bundle.response_bundle("transaction-response", [answers[n] for n in range(len(read))]))

    async def _answer(self, interaction: Interaction) -> FhirResponse:
        """Answer an entry whatever becomes of it: the write before it cannot be taken back."""
        try:
            return await self.handle(interaction)
        except FhirError as error:
            return bundle.failure(error)

    def capabilities(self, interaction: Interaction) -> Json:
        """Return the CapabilityStatement of the base that was asked, from the routes that there are."""
        base = interaction.address.base
        partner = self.routes.configured_partner(base) if base is not None else None
        partners = [partner] if partner else self.routes.configured()
        offers = [offer for each in partners if interaction.version in each.versions for offer in _offers(each)]
        url = f"{self.base_url}/fhir{f'/{base}' if base else ''}" if self.base_url else None
        names = ", ".join(each.title for each in partners) or "no partner"
        title = base_title(partner.title if partner else None)
        about = Statement(interaction.version, SOFTWARE_VERSION, title, f"FHIR facade of {names}", url)
        return capability_statement(about, offers)

    def _partners(self, interaction: Interaction) -> list[Partner]:
        """The partners that may be meant: that of the base; at the hub, all."""
        base = interaction.address.base
        return [self.routes.configured_partner(base)] if base is not None else self.routes.configured()


def _offers(partner: Partner) -> list[Offer]:
    return [
        Offer(
            resource_type=route.resource_type,
            code=route.code,
            by=partner.title,
            operation=name,
            definition=route.definition,
            profile=route.profile,
            of_system=route.of_system,
            system=partner.logical_system,
        )
        for route in partner.routes
        for name in (route.names() or (None,))
    ]
