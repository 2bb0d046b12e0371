"""The pipeline: an interaction is matched to a route, its plan's calls are made, the FHIR answer comes back."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from importlib.metadata import version as package_version
from types import TracebackType
from typing import Self

import anyio

from fhir_bridge.exchange import PartnerRequest, PartnerResponse
from fhir_bridge.fhir import bundle, conformance
from fhir_bridge.fhir.body import check_type
from fhir_bridge.fhir.bundle_places import answer_in_bundle, failure_in_bundle
from fhir_bridge.fhir.conditions import check_changes_only, no_history
from fhir_bridge.fhir.interaction import Address, FhirResponse, Interaction, no_such_method
from fhir_bridge.fhir.negotiation import check_version
from fhir_bridge.fhir.view import read_view
from fhir_bridge.gateway.client import Gateway
from fhir_bridge.gateway.together import Gathering, Send
from fhir_bridge.log_lines import crashed, log_interaction, where, write_line
from fhir_bridge.mapping.plans.cohort import Cohort
from fhir_bridge.mapping.routes import Partner, Route, Routes
from fhir_bridge.mapping.stating import Server, capabilities
from fhir_bridge.mapping.validating import validate
from fhir_bridge.outcome import FhirError, Issue, Json
from fhir_bridge.worker import Worker

SOFTWARE_VERSION = package_version("fhir-bridge")

MAX_UNKNOWN_CODES = 1000
"""How many different partner codes that no table knows are counted."""


class Bridge:
    """Answers FHIR interactions through the partners' APIs. Keeps nothing between two, but counts.

    `unknown_codes` counts the partner codes that no code table knows, by (partner, field, code). `cors_origins` are the
    origins whose pages a browser lets call it, `*` for all.
    """

    def __init__(
        self, routes: Routes, gateway: Gateway, *, base_url: str | None = None, cors_origins: Sequence[str] = ()
    ) -> None:
        self.routes = routes
        self.unknown_codes: Counter[tuple[str, str, str]] = Counter()
        self._gateway = gateway
        self.base_url = base_url
        self.cors_origins = cors_origins
        self.worker = Worker()
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

    async def answer(self, interaction: Interaction, send: Send | None = None) -> FhirResponse:
        """Answer one interaction, whatever becomes of it, and log it: each passes here, an entry of a Bundle too.

        `send` takes the place of the gateway.
        """
        started = time.perf_counter()
        try:
            response = await self.handle(interaction, send)
        except FhirError as error:
            response = bundle.failure(error)
        except Exception:
            response = crashed(interaction.request_id)
        log_interaction(interaction, response, started)
        return response

    async def handle(self, interaction: Interaction, send: Send | None = None) -> FhirResponse:
        """Answer one FHIR interaction; raises FhirError."""
        self._check_address(interaction)
        if interaction.code == "batch":
            return await self._bundle(interaction)
        view = read_view(interaction)
        own = await self.worker.run(interaction.size, partial(self._own, interaction))
        response = await self._through_partner(interaction, send) if own is None else own
        size = max(response.size, interaction.size)
        shown = await self.worker.run(size, partial(view.of, response.resource, interaction.version))
        return replace(response, resource=shown, size=size)

    def _check_address(self, interaction: Interaction) -> None:
        """Refuse a base that is not there, a FHIR version that it does not speak, a method that an operation has not.

        By GET, that is one that may change something. https://hl7.org/fhir/R4/operations.html#executing
        """
        if interaction.address.base is not None:
            check_version(interaction.version, self.routes.configured_partner(interaction.address.base).versions)
        allowed = self.allow(interaction.address) if interaction.code == "operation" else []
        if allowed and interaction.method not in allowed:
            raise no_such_method(interaction.method, allowed)

    def _own(self, interaction: Interaction) -> FhirResponse | None:
        """What the bridge answers itself, without any partner; None where it is a partner's to answer."""
        address = interaction.address
        if interaction.code == "history" or (interaction.code == "vread" and not self.routes.tells_versions(address)):
            raise no_history()
        if interaction.code == "capabilities":
            server = Server(SOFTWARE_VERSION, self.base_url, bool(self.cors_origins))
            return FhirResponse(200, capabilities(self.routes, self._partners(interaction), interaction, server))
        if address.operation == "versions" and address.resource_type is None:
            return FhirResponse(200, conformance.versions(self.routes.versions(address.base)))
        if address.operation == "validate" and address.resource_type is not None:
            return validate(self._partners(interaction), interaction)
        if address.resource_type in conformance.TYPES and interaction.version == "4.0":
            return conformance.answer(self.routes.definitions, interaction)
        return None

    def allow(self, address: Address) -> list[str]:
        """Return the methods that an address takes, for what the bridge answers itself and for what partners do."""
        if address.operation == "versions" and address.resource_type is None:
            return ["GET", "HEAD", "POST"]
        if address.operation == "validate" and address.resource_type is not None:
            return ["POST"]
        if address.resource_type in conformance.TYPES and "4.0" in self.routes.versions(address.base):
            return conformance.methods(address)
        return self.routes.allow(address)

    async def _through_partner(self, interaction: Interaction, send: Send | None = None) -> FhirResponse:
        if interaction.address.operation == "process-message":
            bundle.check_synchronous(interaction)
        if interaction.code in ("update", "patch"):
            check_changes_only(interaction.headers)
        route, interaction = self._match(interaction)
        if route.cohort is not None:
            return replace(await self._for_each(route.cohort, interaction), partner=route.partner)
        plan = route.plan(interaction)
        response = await self.worker.carry_out(plan, send or self._gateway.send, interaction.size)
        self._count_unknown_codes(route.partner, response)
        return replace(response, partner=route.partner)

    def _match(self, interaction: Interaction) -> tuple[Route, Interaction]:
        """Return the route, and the interaction as that takes it: at the hub, only now it is known who answers."""
        route, interaction = self.routes.match(interaction)
        check_version(interaction.version, self.routes.partners[route.partner].versions)
        return route, interaction

    async def _for_each(self, cohort: Cohort, interaction: Interaction) -> FhirResponse:
        """Carry out an operation for each of several records, side by side."""
        ones = cohort.each(interaction)
        answers: dict[int, FhirResponse] = {}

        async def answer(number: int) -> None:
            async with self._at_once[cohort.partner]:
                answers[number] = await self.answer(ones[number])

        async with anyio.create_task_group() as tasks:
            for number in range(len(ones)):
                tasks.start_soon(answer, number)
        return cohort.answer(ones, [answers[number] for number in range(len(ones))])

    def _count_unknown_codes(self, partner: str, response: FhirResponse) -> None:
        """Count what no table knows; a partner that makes up codes does not fill the memory."""
        for field, code in response.unknown_codes:
            if (partner, field, code) in self.unknown_codes or len(self.unknown_codes) < MAX_UNKNOWN_CODES:
                self.unknown_codes[partner, field, code] += 1

    async def _bundle(self, interaction: Interaction) -> FhirResponse:
        """Carry out a Bundle of requests; a message that is posted to the base is processed as one."""
        check_type(interaction.body, "Bundle")
        kind = interaction.body.get("type")
        if kind == "message":
            return await self._through_partner(bundle.as_message(interaction))
        if kind not in ("batch", "transaction"):
            text = "A Bundle that is posted to the base is a `batch`, a `transaction` or a `message`."
            raise FhirError(400, Issue("value-not-allowed", "value", text, "Bundle.type"))
        check = partial(bundle.check_entries, interaction.body, interaction.version)
        errors = await self.worker.run(interaction.size, check)
        entries = bundle.entries_of(interaction.body)
        carry_out = self._transaction if kind == "transaction" else self._batch
        try:
            answers = await carry_out(interaction, entries, errors)
        except FhirError as error:
            raise bundle.failure_of_all(error) from None
        answered = [
            bundle.response_entry(entry.get("request"), each) for entry, each in zip(entries, answers, strict=True)
        ]
        size = sum(each.size for each in answers)
        return FhirResponse(200, bundle.response_bundle(f"{kind}-response", answered), size=size)

    async def _batch(
        self, interaction: Interaction, entries: Sequence[Json], errors: Sequence[FhirError | None]
    ) -> list[FhirResponse]:
        """Carry out each entry by itself, side by side; a bad one harms only itself."""
        answers: dict[int, FhirResponse] = {}
        read = [self._read_entry(entry, n, interaction, errors[n]) for n, entry in enumerate(entries)]
        routes = {n: self._route(each) for n, each in enumerate(read) if isinstance(each, Interaction)}
        gathered = {n for n, route in routes.items() if route is not None and route.call.together is not None}
        gathering = Gathering(self._send_in_turn, len(gathered))

        async def answer(index: int, entry: Interaction) -> None:
            if index in gathered:
                async with gathering.member(index) as send:
                    answers[index] = await self._entry(entry, index, send)
            else:
                async with self._limiter(routes[index]):
                    answers[index] = await self._entry(entry, index)

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(gathering.carry_out)
            for index, each in enumerate(read):
                if isinstance(each, Interaction):
                    tasks.start_soon(answer, index, each)
                else:
                    answers[index] = each
        return [answers[index] for index in range(len(entries))]

    def _read_entry(
        self, entry: Json, index: int, parent: Interaction, error: FhirError | None
    ) -> Interaction | FhirResponse:
        """Return what an entry of a batch asks for; the answer to one that cannot be read."""
        started = time.perf_counter()
        try:
            if error is not None:
                raise error
            return bundle.entry_interaction(entry, index, parent, self.routes.partners)
        except FhirError as refused:
            response = bundle.failure(refused)
            write_line(bundle.entry_id(parent, index), "?", where(parent, response), response, started)
            return response

    async def _entry(self, entry: Interaction, index: int, send: Send | None = None) -> FhirResponse:
        """Answer an entry, in terms of the Bundle that it came in."""
        return answer_in_bundle(await self.answer(entry, send), entry, index)

    def _route(self, interaction: Interaction) -> Route | None:
        """The route of an entry; None where there is none: what is wrong with it, its answer will tell."""
        try:
            return self.routes.match(interaction)[0]
        except Exception:
            return None

    def _limiter(self, route: Route | None) -> anyio.CapacityLimiter:
        """How many entries may call one partner at once; one that calls none, or takes its own turns, has no limit."""
        if route is None or route.cohort is not None:
            return anyio.CapacityLimiter(1)
        return self._at_once[route.partner]

    async def _send_in_turn(self, request: PartnerRequest) -> PartnerResponse:
        """Make a call that no entry has a turn for, when it is its partner's turn."""
        async with self._at_once[request.partner]:
            return await self._gateway.send(request)

    async def _transaction(
        self, interaction: Interaction, entries: Sequence[Json], errors: Sequence[FhirError | None]
    ) -> list[FhirResponse]:
        """Carry out a transaction that changes one thing at most: partners have no common commit.

        Raises FhirError, which says where in the Bundle it failed.
        """
        if any(errors):
            raise FhirError(400, *(issue for error in errors if error is not None for issue in error.issues))
        bases = self.routes.partners
        read = [bundle.entry_interaction(entry, n, interaction, bases) for n, entry in enumerate(entries)]
        writes = [n for n, entry in enumerate(read) if bundle.is_write(entry) for _ in range(self._changes(entry))]
        if len(writes) > 1:
            raise bundle.several_writes(writes)
        bundle.check_transaction(entries)
        return await self._as_one(read, writes)

    async def _as_one(self, read: Sequence[Interaction], writes: Sequence[int]) -> list[FhirResponse]:
        """Carry out the entries of a transaction, first those that change anything, as FHIR has it.

        What fails before anything is changed fails all of it; what cannot be read afterwards fails alone, since the
        change cannot be taken back.
        """
        for n, entry in enumerate(read):
            try:
                self._check_route(entry)
            except FhirError as error:
                raise failure_in_bundle(error, entry, n) from None
        answers = {n: await self._whole(read[n], n) for n in writes}
        for n, entry in enumerate(read):
            if n not in answers:
                answers[n] = await (self._entry(entry, n) if writes else self._whole(entry, n))
        return [answers[n] for n in range(len(read))]

    def _changes(self, interaction: Interaction) -> int:
        """How many changes a writing entry may be: an operation for several records is more than one."""
        route = self._route(interaction)
        return 2 if route is not None and route.cohort is not None else 1

    def _check_route(self, interaction: Interaction) -> None:
        """Raise FhirError for an entry that nobody answers, before anything is changed."""
        self._check_address(interaction)
        if self._own(interaction) is None:
            self._match(interaction)

    async def _whole(self, entry: Interaction, index: int) -> FhirResponse:
        """Answer an entry without which there is no transaction; raises FhirError."""
        started = time.perf_counter()
        try:
            response = await self.handle(entry)
        except FhirError as error:
            log_interaction(entry, bundle.failure(error), started)
            raise failure_in_bundle(error, entry, index) from None
        log_interaction(entry, response, started)
        return answer_in_bundle(response, entry, index)

    def _partners(self, interaction: Interaction) -> list[Partner]:
        """The partners that may be meant: that of the base; at the hub, all."""
        base = interaction.address.base
        return [self.routes.configured_partner(base)] if base is not None else self.routes.configured()
