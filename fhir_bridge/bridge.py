"""The pipeline: an interaction is matched to a route, its plan's calls are made, the FHIR answer comes back."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, replace
from functools import partial
from importlib.metadata import version as package_version
from types import TracebackType
from typing import Self

from fhir_bridge.fhir import bundle, conformance
from fhir_bridge.fhir.conditions import check_changes_only, check_etags, check_no_condition, no_history
from fhir_bridge.fhir.interaction import Address, FhirResponse, Interaction, no_such_method
from fhir_bridge.fhir.negotiation import check_version
from fhir_bridge.fhir.view import View, read_view
from fhir_bridge.gateway.client import Gateway
from fhir_bridge.gateway.records import Records
from fhir_bridge.gateway.together import Send
from fhir_bridge.log_lines import crashed, log_interaction
from fhir_bridge.mapping.routes import Partner, Route, Routes
from fhir_bridge.mapping.stating import Server, capabilities
from fhir_bridge.mapping.validating import validate
from fhir_bridge.outcome import FhirError
from fhir_bridge.worker import Worker

SOFTWARE_VERSION = package_version("fhir-bridge")

MAX_UNKNOWN_CODES = 1000
"""How many different partner codes that no table knows are counted."""


@dataclass(frozen=True, slots=True)
class Routed:
    """An interaction that was routed. `own` makes the answer of the bridge itself; without it, `route` is a partner's.

    `view` is the part of the answer that the client wants.
    """

    interaction: Interaction
    view: View
    route: Route | None
    own: Callable[[], FhirResponse] | None


async def logged(interaction: Interaction, answering: Awaitable[FhirResponse]) -> FhirResponse:
    """Return the answer to an interaction, whatever becomes of it, and log it: each passes here once."""
    started = time.perf_counter()
    try:
        response = await answering
    except FhirError as error:
        response = bundle.failure(error, interaction.limits)
    except Exception:
        response = crashed(interaction.request_id)
    log_interaction(interaction, response, started)
    return response


class Bridge:
    """Answers FHIR interactions through the partners' APIs. Keeps nothing between two, but counts.

    `unknown_codes` counts the partner codes that no code table knows, by (partner, field, code). `cors_origins` are the
    origins whose pages a browser lets call it, `*` for all. `strict`: clients that name no handling are strict ones.
    """

    def __init__(
        self,
        routes: Routes,
        gateway: Gateway,
        *,
        base_url: str | None = None,
        cors_origins: Sequence[str] = (),
        strict: bool = False,
    ) -> None:
        self.routes = routes
        self.gateway = gateway
        self.unknown_codes: Counter[tuple[str, str, str]] = Counter()
        self.base_url = base_url
        self.cors_origins = cors_origins
        self.worker = Worker()
        self._records = Records()
        self.strict = strict

    async def __aenter__(self) -> Self:
        await self.gateway.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.gateway.__aexit__(kind, error, traceback)

    async def answer(self, interaction: Interaction) -> FhirResponse:
        """Answer one interaction, which is no batch, whatever becomes of it, and log it."""
        return await logged(interaction, self.handle(interaction))

    async def handle(self, interaction: Interaction) -> FhirResponse:
        """Answer one FHIR interaction; raises FhirError."""
        return await self.carry_out(self.route(interaction))

    def route(self, interaction: Interaction) -> Routed:
        """Return who answers an interaction; raises FhirError where nobody does."""
        self.check_address(interaction)
        view = read_view(interaction)
        own = self._own(interaction)
        if own is not None:
            return Routed(interaction, view, None, own)
        if interaction.address.operation == "process-message":
            bundle.check_synchronous(interaction)
        check_etags(interaction.headers)
        if interaction.code in ("update", "patch"):
            check_changes_only(interaction.headers)
        route, interaction = self._match(interaction)
        if interaction.code == "operation" and route.call.method != "GET":
            check_no_condition(interaction.headers)
        return Routed(interaction, view, route, None)

    def _match(self, interaction: Interaction) -> tuple[Route, Interaction]:
        """Return the route, and the interaction as that takes it: at the hub, only now it is known who answers."""
        route, interaction = self.routes.match(interaction)
        check_version(interaction.version, self.routes.partners[route.partner].versions)
        return route, interaction

    async def carry_out(self, routed: Routed, send: Send | None = None) -> FhirResponse:
        """Answer an interaction that was routed; raises FhirError. `send` takes the place of the gateway."""
        interaction = routed.interaction
        if routed.own is not None:
            response = await self.worker.run(interaction.size, routed.own)
        else:
            response = await self._of_partner(routed, send or self.gateway.send)
        size = max(response.size, interaction.size)
        shown = await self.worker.run(size, partial(routed.view.of, response.resource, interaction.version))
        return replace(response, resource=shown, size=size)

    def check_address(self, interaction: Interaction) -> None:
        """Refuse a base that is not there, a FHIR version that it does not speak, a method that an operation has not.

        By GET, that is one that may change something. https://hl7.org/fhir/R4/operations.html#executing
        """
        if interaction.address.base is not None:
            check_version(interaction.version, self.routes.configured_partner(interaction.address.base).versions)
        allowed = self.allow(interaction.address) if interaction.code == "operation" else []
        if allowed and interaction.method not in allowed:
            raise no_such_method(interaction.method, allowed)

    def _own(self, interaction: Interaction) -> Callable[[], FhirResponse] | None:
        """What makes the answer of the bridge itself, without any partner; None where it is a partner's to answer."""
        address = interaction.address
        if interaction.code == "history" or (interaction.code == "vread" and not self.routes.tells_versions(address)):
            raise no_history()
        if interaction.code == "capabilities":
            return partial(self._capabilities, interaction)
        if address.operation == "versions" and address.resource_type is None:
            return lambda: FhirResponse(200, conformance.versions(self.routes.versions(address.base)))
        if address.operation == "validate" and address.resource_type is not None:
            return lambda: validate(self.routes, self._match, interaction)
        if address.resource_type in conformance.TYPES and interaction.version == "4.0":
            return lambda: conformance.answer(self.routes.definitions, interaction)
        return None

    def _capabilities(self, interaction: Interaction) -> FhirResponse:
        server = Server(SOFTWARE_VERSION, self.base_url, bool(self.cors_origins))
        return FhirResponse(200, capabilities(self.routes, self._partners(interaction), interaction, server))

    def allow(self, address: Address) -> list[str]:
        """Return the methods that an address takes, for what the bridge answers itself and for what partners do."""
        if address.operation == "versions" and address.resource_type is None:
            return ["GET", "HEAD", "POST"]
        if address.operation == "validate" and address.resource_type is not None:
            return ["POST"]
        if address.resource_type in conformance.TYPES and "4.0" in self.routes.versions(address.base):
            return conformance.methods(address)
        return self.routes.allow(address)

    async def _of_partner(self, routed: Routed, send: Send) -> FhirResponse:
        route = routed.route
        assert route is not None
        plan = route.plan(routed.interaction)
        async with self._change(route, routed.interaction):
            response = await self.worker.carry_out(plan, send, routed.interaction.size)
        self._count_unknown_codes(route.partner, response)
        return replace(response, partner=route.partner)

    def _change(self, route: Route, interaction: Interaction) -> AbstractAsyncContextManager[None]:
        """Return what holds the record that is changed: two changes of it are not made at once."""
        changes = interaction.code in ("update", "patch")
        return self._records.change((route.partner, interaction.id)) if changes else nullcontext()

    def _count_unknown_codes(self, partner: str, response: FhirResponse) -> None:
        """Count what no table knows; a partner that makes up codes does not fill the memory."""
        for field, code in response.unknown_codes:
            if (partner, field, code) in self.unknown_codes or len(self.unknown_codes) < MAX_UNKNOWN_CODES:
                self.unknown_codes[partner, field, code] += 1

    def _partners(self, interaction: Interaction) -> list[Partner]:
        """The partners that may be meant: that of the base; at the hub, all."""
        base = interaction.address.base
        return [self.routes.configured_partner(base)] if base is not None else self.routes.configured()
