"""Turns at what only some may use at once, a partner or a thread: clients share them fairly."""

from __future__ import annotations

from collections import OrderedDict

import anyio

Line = OrderedDict[anyio.Event, None]
"""Who waits, the first come first. An event is set when its turn has come."""


class Turns:
    """Gives at most `at_once` turns at a time. Clients are served one after the other, and so are a client's requests.

    A client with a thousand calls and a client with one call wait for each other equally long.
    """

    def __init__(self, at_once: int) -> None:
        self._free = at_once
        self._waiting: OrderedDict[str, OrderedDict[object, Line]] = OrderedDict()

    async def take(self, client: str, request: object) -> None:
        """Wait for a turn; whoever has taken a turn gives it back by `release`."""
        if self._free:
            self._free -= 1
            return
        called = anyio.Event()
        self._waiting.setdefault(client, OrderedDict()).setdefault(request, OrderedDict())[called] = None
        try:
            await called.wait()
        except BaseException:
            self._leave(client, request, called)
            raise

    def release(self) -> None:
        """Give a turn back: the next who waits has it."""
        if not self._waiting:
            self._free += 1
            return
        client, requests = self._waiting.popitem(last=False)
        request, line = requests.popitem(last=False)
        called, _ = line.popitem(last=False)
        if line:
            requests[request] = line
        if requests:
            self._waiting[client] = requests
        called.set()

    def _leave(self, client: str, request: object, called: anyio.Event) -> None:
        """Stop waiting; a turn that had come in the same moment goes to the next."""
        if called.is_set():
            self.release()
            return
        requests = self._waiting[client]
        del requests[request][called]
        if not requests[request]:
            del requests[request]
        if not requests:
            del self._waiting[client]
