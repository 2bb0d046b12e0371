"""Many interactions of one request: batches, transactions, operations on several records, creates that go together.

https://hl7.org/fhir/R4/http.html#transaction
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeVar

import anyio

from fhir_bridge.bridge import Bridge, Routed, logged
from fhir_bridge.exchange import PartnerRequest, PartnerResponse
from fhir_bridge.fhir import bundle
from fhir_bridge.fhir.body import check_type
from fhir_bridge.fhir.bundle_places import answer_in_bundle, failure_in_bundle
from fhir_bridge.fhir.interaction import Address, FhirResponse, Interaction
from fhir_bridge.gateway.together import Gathering, Send
from fhir_bridge.gateway.turns import Turns
from fhir_bridge.limits import DEFAULTS, Limits
from fhir_bridge.log_lines import log_interaction, where, write_line
from fhir_bridge.mapping.plans.cohort import Cohort
from fhir_bridge.outcome import FhirError, Issue, Json

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Caller:
    """Who sent a request: the `client` that turns are shared between, and `left`, which ends when the client leaves."""

    client: str = ""
    left: Callable[[], Awaitable[None]] = anyio.sleep_forever


class Window:
    """The time in which the parts of one request may begin: `seconds` at most, and no longer than the client waits."""

    def __init__(self, caller: Caller, seconds: float) -> None:
        self._caller = caller
        self._seconds = seconds
        self._scopes: set[anyio.CancelScope] = set()
        self._over: str | None = None

    async def around(self, work: Awaitable[T]) -> T:
        """Return what the work returns; raises the FhirError that it raises. The window closes while it goes on."""
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._close_in_time)
            try:
                return await work
            except FhirError as error:  # kept out of the task group, which would wrap it
                failed = error
            finally:
                tasks.cancel_scope.cancel()
        raise failed

    async def _close_in_time(self) -> None:
        with anyio.move_on_after(self._seconds) as waiting:
            await self._caller.left()
        late = f"the whole request has taken longer than {self._seconds} s; send this part by itself"
        self._over = late if waiting.cancelled_caught else "the client has left"
        for scope in self._scopes:
            scope.cancel()

    def check(self) -> None:
        """Raise FhirError 504 where it is too late to begin."""
        if self._over is not None:
            raise FhirError(504, Issue("not-sent", "timeout", f"Nothing was sent to the partner: {self._over}."))

    @asynccontextmanager
    async def turn(self, turns: Turns) -> AsyncIterator[None]:
        """Have a turn at a partner; raises FhirError 504 where the window closes before the turn comes."""
        self.check()
        with anyio.CancelScope() as scope:
            self._scopes.add(scope)
            await turns.take(self._caller.client, self)
        self._scopes.discard(scope)
        if scope.cancelled_caught:
            self.check()
        try:
            self.check()
            yield
        finally:
            turns.release()


class Batches:
    """Answers the requests of clients; what is many interactions in one request is carried out here, one by one.

    Partners are called in turns, which clients share fairly.
    """

    def __init__(self, bridge: Bridge, limits: Limits = DEFAULTS) -> None:
        self.bridge = bridge
        self._limits = limits
        self._turns = {
            partner.name: Turns(partner.connection.at_once)
            for partner in bridge.routes.configured()
            if partner.connection is not None
        }

    async def answer(self, interaction: Interaction, caller: Caller) -> FhirResponse:
        """Answer one request, whatever becomes of it, and log it and its parts."""
        return await logged(interaction, self.handle(interaction, caller))

    async def handle(self, interaction: Interaction, caller: Caller) -> FhirResponse:
        """Answer one request; raises FhirError. A message that is posted to the base is processed as one."""
        window = Window(caller, self._limits.bundle_s)
        if interaction.code == "batch":
            self.bridge.check_address(interaction)
            check_type(interaction.body, "Bundle")
            if interaction.body.get("type") != "message":
                return await window.around(self._bundle(interaction, window))
            interaction = bundle.as_message(interaction)
        routed = self.bridge.route(interaction)
        if routed.route is not None and routed.route.cohort is not None:
            return await window.around(self._for_each(routed.route.cohort, routed.interaction, window))
        return await self.bridge.carry_out(routed)

    async def _bundle(self, interaction: Interaction, window: Window) -> FhirResponse:
        """Carry out a Bundle of requests."""
        kind = interaction.body.get("type")
        if kind not in ("batch", "transaction"):
            text = "A Bundle that is posted to the base is a `batch`, a `transaction` or a `message`."
            raise FhirError(400, Issue("value-not-allowed", "value", text, "Bundle.type"))
        entries = bundle.entries_of(interaction.body)
        self._check_number(entries)
        check = partial(bundle.check_entries, interaction.body, interaction.version, interaction.limits)
        errors = await self.bridge.worker.run(interaction.size, check)
        carry_out = self._transaction if kind == "transaction" else self._batch
        try:
            answers = await carry_out(interaction, entries, errors, window)
        except FhirError as error:
            raise bundle.failure_of_all(error) from None
        answered = [
            bundle.response_entry(entry.get("request"), each) for entry, each in zip(entries, answers, strict=True)
        ]
        size = sum(each.size for each in answers)
        return FhirResponse(200, bundle.response_bundle(f"{kind}-response", answered), size=size)

    def _check_number(self, entries: Sequence[Json]) -> None:
        most = self._limits.max_entries
        if len(entries) > most:
            text = f"A Bundle may have {most} entries, and this one has {len(entries)}; send the others in another."
            raise FhirError(413, Issue("too-many", "too-costly", text, "Bundle.entry"))

    async def _batch(
        self, interaction: Interaction, entries: Sequence[Json], errors: Sequence[FhirError | None], window: Window
    ) -> list[FhirResponse]:
        """Carry out each entry by itself, side by side; a bad one harms only itself."""
        answers: dict[int, FhirResponse] = {}
        read = [self._read_entry(entry, n, interaction, errors[n]) for n, entry in enumerate(entries)]
        routed = {n: self._route(each) for n, each in enumerate(read) if isinstance(each, Interaction)}
        gathered = {n for n, found in routed.items() if _goes_together(found)}
        gathering = Gathering(self._sender(window), len(gathered))

        async def answer(index: int, entry: Interaction) -> None:
            async with gathering.member(index) if index in gathered else nullcontext() as send:
                answering = self._carry_out(routed[index], window, send)
                answers[index] = await _alone(entry, index, answering)

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(gathering.carry_out)
            for index, each in enumerate(read):
                if isinstance(each, Interaction):
                    tasks.start_soon(answer, index, each)
                    await anyio.sleep(0)  # what an entry computes before its first call holds up only itself
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
            return bundle.entry_interaction(entry, index, parent, self.bridge.routes.partners)
        except FhirError as refused:
            response = bundle.failure(refused, parent.limits)
            write_line(bundle.entry_id(parent, index), "?", where(parent, response), response, started)
            return response

    def _route(self, entry: Interaction) -> Routed | FhirError:
        """Return who answers an entry, or why nobody does. A Bundle in an entry is a message, posted to the base."""
        try:
            return self.bridge.route(bundle.as_message(entry) if entry.code == "batch" else entry)
        except FhirError as error:
            return error

    async def _carry_out(self, routed: Routed | FhirError, window: Window, send: Send | None = None) -> FhirResponse:
        """Answer one part of a request, in its turn; raises FhirError. A `send` of its own takes a turn itself."""
        if isinstance(routed, FhirError):
            raise routed
        window.check()
        if routed.route is not None and routed.route.cohort is not None:
            return await self._for_each(routed.route.cohort, routed.interaction, window)
        if routed.route is None or send is not None:
            return await self.bridge.carry_out(routed, send)
        async with window.turn(self._turns[routed.route.partner]):
            return await self.bridge.carry_out(routed)

    def _sender(self, window: Window) -> Send:
        """Return what makes a call that no entry has a turn for, when it is its partner's turn."""

        async def send(request: PartnerRequest) -> PartnerResponse:
            async with window.turn(self._turns[request.partner]):
                return await self.bridge.gateway.send(request)

        return send

    async def _for_each(self, cohort: Cohort, interaction: Interaction, window: Window) -> FhirResponse:
        """Carry out an operation for each of several records, side by side."""
        ones = cohort.each(interaction)
        answers: dict[int, FhirResponse] = {}

        async def answer(number: int) -> None:
            answers[number] = await logged(ones[number], self._carry_out(self._route(ones[number]), window))

        async with anyio.create_task_group() as tasks:
            for number in range(len(ones)):
                tasks.start_soon(answer, number)
                await anyio.sleep(0)
        told = cohort.answer(interaction, ones, [answers[number] for number in range(len(ones))])
        return replace(told, partner=cohort.partner)

    async def _transaction(
        self, interaction: Interaction, entries: Sequence[Json], errors: Sequence[FhirError | None], window: Window
    ) -> list[FhirResponse]:
        """Carry out a transaction that changes one thing at most: partners have no common commit.

        Raises FhirError, which says where in the Bundle it failed.
        """
        if any(errors):
            raise FhirError(400, *(issue for error in errors if error is not None for issue in error.issues))
        bases = self.bridge.routes.partners
        read = [bundle.entry_interaction(entry, n, interaction, bases) for n, entry in enumerate(entries)]
        routed = [self._route(entry) for entry in read]
        writes = [n for n, entry in enumerate(read) if bundle.is_write(entry) for _ in range(_changes(routed[n]))]
        if len(writes) > 1:
            raise bundle.several_writes(writes)
        bundle.check_transaction(entries)
        for n, found in enumerate(routed):
            if isinstance(found, FhirError):
                await _whole(read[n], n, self._carry_out(found, window))
        return await self._as_one(read, routed, writes, window)

    async def _as_one(
        self, read: Sequence[Interaction], routed: Sequence[Routed | FhirError], writes: Sequence[int], window: Window
    ) -> list[FhirResponse]:
        """Carry out the entries of a transaction: reads of other records, then the change, then all else.

        What fails before anything is changed fails all of it; what cannot be read afterwards fails alone, since the
        change cannot be taken back. Whatever may show the change comes after it, as FHIR has it.
        """
        changed = {read[n].address for n in writes}
        before = [n for n, entry in enumerate(read) if entry.code in ("read", "vread") and not _shows(entry, changed)]
        after = [n for n in range(len(read)) if n not in {*before, *writes}]
        answers: dict[int, FhirResponse] = {}
        for n in [*before, *writes]:
            answers[n] = await _whole(read[n], n, self._carry_out(routed[n], window))
        for n in after:
            answering = self._carry_out(routed[n], window)
            answers[n] = await (_alone if writes else _whole)(read[n], n, answering)
        return [answers[n] for n in range(len(read))]


def _goes_together(routed: Routed | FhirError) -> bool:
    """Whether an entry may be one call with others."""
    return isinstance(routed, Routed) and routed.route is not None and routed.route.call.together is not None


def _changes(routed: Routed | FhirError) -> int:
    """How many changes a writing entry may be: an operation for several records is more than one."""
    return 2 if isinstance(routed, Routed) and routed.route is not None and routed.route.cohort is not None else 1


def _shows(entry: Interaction, changed: Iterable[Address]) -> bool:
    """Whether a read may show what a change of one of these addresses has changed."""
    return any((one.resource_type, one.id) == (entry.resource_type, entry.id) for one in changed)


async def _alone(entry: Interaction, index: int, answering: Awaitable[FhirResponse]) -> FhirResponse:
    """Answer an entry whatever becomes of it, in terms of the Bundle that it came in."""
    return answer_in_bundle(await logged(entry, answering), entry, index)


async def _whole(entry: Interaction, index: int, answering: Awaitable[FhirResponse]) -> FhirResponse:
    """Answer an entry without which there is no transaction; raises FhirError."""
    started = time.perf_counter()
    try:
        response = await answering
    except FhirError as error:
        log_interaction(entry, bundle.failure(error), started)
        raise failure_in_bundle(error, entry, index) from None
    log_interaction(entry, response, started)
    return answer_in_bundle(response, entry, index)
