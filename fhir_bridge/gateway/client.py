"""`Gateway`: the one place from which calls leave; one pool of connections per partner, for the life of the process.

It stands on httpx's transports, one layer below `httpx.AsyncClient`: so nothing follows a redirect, keeps a cookie,
reads a proxy or a password out of the environment (patients' data would go where a variable says), or writes a URL,
which may hold a patient's name, to the log.
"""

from __future__ import annotations

import importlib.metadata
import random as chance
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import replace
from typing import Self

import anyio
import httpcore
import httpx
from anyio.lowlevel import checkpoint_if_cancelled

from fhir_bridge.connection import Connection, MutualTls
from fhir_bridge.exchange import PartnerRequest, PartnerResponse
from fhir_bridge.gateway import answer, auth, failure, tls
from fhir_bridge.gateway.call import Call, call_of
from fhir_bridge.gateway.network import Network
from fhir_bridge.gateway.retry import IN_TRANSIT, UNSENT, Retry, without_useless_wait
from fhir_bridge.gateway.secrets import masked, secrets_of
from fhir_bridge.gateway.sessions import Renewed, Sessions, read_renewed, renewal_endpoint
from fhir_bridge.gateway.token import Token, TokenEndpoint, read_token
from fhir_bridge.gateway.token_cache import TokenCache

# Common servers close a connection that was idle for 5 s; a call that meets this moment is lost, so we are earlier.
_LIMITS = httpx.Limits(max_connections=100, max_keepalive_connections=100, keepalive_expiry=4.0)


class Gateway:
    """Sends calls to the partners of `connections`; use it as an async context manager, or call `aclose`.

    `transports`, by partner, take the place of the network, for that partner's token endpoint too; the files of its
    MutualTls are then not read. `now` is the Unix time in seconds, `random` gives 0 to 1 and makes the jitter.
    Raises ValueError, one line for each problem of any connection.
    """

    def __init__(
        self,
        connections: Iterable[Connection],
        *,
        transports: Mapping[str, httpx.AsyncBaseTransport] | None = None,
        now: Callable[[], float] = time.time,
        sleep: Callable[[float], Awaitable[None]] = anyio.sleep,
        random: Callable[[], float] = chance.random,
    ) -> None:
        connections = tuple(connections)
        opened = _opened(connections, transports or {})
        retry = Retry(now, sleep, random)
        self._partners = {each.partner: _Partner(each, opened[each.partner], retry) for each in connections}

    async def send(self, request: PartnerRequest) -> PartnerResponse:
        """Return the partner's answer, whatever its status; raises FhirError where there is none to return."""
        return await self._partners[request.partner].send(request)

    async def aclose(self) -> None:
        """Close all connections; no call may follow."""
        for partner in self._partners.values():
            await partner.transport.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()


class _Partner:
    """One partner: its connections and its token, which outlive a call."""

    def __init__(self, connection: Connection, transport: httpx.AsyncBaseTransport, retry: Retry) -> None:
        self.transport = transport
        self._connection = connection
        self._retry = retry
        self._timeout = _timeout(connection)
        self._secrets = secrets_of(connection)
        endpoint = auth.token_endpoint(connection)
        tokens = None if endpoint is None else TokenCache(lambda: self._token(endpoint), retry.now)
        self._login = auth.Login(connection, tokens, Sessions(self._renewed, retry.now))

    async def send(self, request: PartnerRequest) -> PartnerResponse:
        """Answer within the whole call's time limit, which covers its token and its repeats too."""
        call = call_of(request, self._connection.base_url)
        whole_s = self._connection.timeouts.whole_s
        with anyio.move_on_after(whole_s):
            return await self._logged_in(call, request)
        raise failure.too_late(call, f"the whole call may take {whole_s:g} s")

    async def _logged_in(self, call: Call, request: PartnerRequest) -> PartnerResponse:
        """Answer with credentials; where the partner refuses the token, once more with a newer one."""
        credentials = await self._login.credentials(request)
        response = await self._answer(call, credentials.headers)
        if response.status_code != 401:
            return response
        renewed = await self._login.renewed(credentials, request)
        await checkpoint_if_cancelled()  # a renewal ends even where the call is over; the call does not go on then
        return response if renewed is None else await self._answer(call, renewed.headers)

    async def _answer(self, call: Call, credentials: Mapping[str, str]) -> PartnerResponse:
        try:
            response = await self._retry.answer(lambda: self._attempt(call, credentials), call.repeat)
        except IN_TRANSIT as error:
            raise failure.in_transit(error, call, self._connection) from error
        return without_useless_wait(response, self._retry.now())

    async def _attempt(self, call: Call, credentials: Mapping[str, str]) -> PartnerResponse:
        headers = _merged(_HEADERS, call.headers, credentials)
        request = httpx.Request(call.method, call.url, headers=headers, content=call.body, extensions=self._timeout)
        left_before, call.left = call.left, True
        try:
            response = await self.transport.handle_async_request(request)
        except UNSENT:
            call.left = left_before
            raise
        read = await answer.read(response, call, self._connection.max_answer_bytes)
        if not 200 <= read.status_code < 300:
            token = request.headers.get("authorization", "").rpartition(" ")[2]
            read = replace(read, body=masked(read.body, self._secrets | {token}))
        if read.status_code == 401:  # refused, so not carried out: this attempt does not count
            call.left = left_before
        return read

    async def _token(self, endpoint: TokenEndpoint) -> Token:
        response = await self._answer(endpoint.call(), {})
        return read_token(response, endpoint, self._retry.now())

    async def _renewed(self, refresh_token: str) -> Renewed:
        """Exchange a user's refresh token. Once it has left it may be used up, so the answer is waited for even where
        the client's own call is over: what it brings is for the next call.
        """
        connection, renewal = self._connection, self._connection.renewal
        assert renewal is not None
        endpoint = renewal_endpoint(connection, renewal, auth.fixed_headers(connection), refresh_token)
        whole_s = connection.timeouts.whole_s
        with anyio.move_on_after(whole_s, shield=True):
            response = await self._answer(endpoint.call(), {})
            return read_renewed(response, endpoint, renewal, self._retry.now())
        raise failure.too_late(endpoint.call(), f"the whole call may take {whole_s:g} s")


def _opened(
    connections: tuple[Connection, ...], given: Mapping[str, httpx.AsyncBaseTransport]
) -> dict[str, httpx.AsyncBaseTransport]:
    """Return one transport per partner; raises ValueError with the problems of all connections, one line each."""
    opened: dict[str, httpx.AsyncBaseTransport] = {}
    found: list[str] = []
    for connection in connections:
        if connection.partner in opened:
            found.append(f"{connection.partner}: there are two connections of this name")
        found += [f"{connection.partner}: {problem}" for problem in auth.problems(connection)]
        try:
            opened[connection.partner] = given.get(connection.partner) or _transport(connection)
        except ValueError as error:
            found.append(f"{connection.partner}: {error}")
    if found:
        raise ValueError("\n".join(found))
    return opened


def _transport(connection: Connection) -> httpx.AsyncBaseTransport:
    mutual = next((each for each in connection.auth if isinstance(each, MutualTls)), None)
    context = tls.public_context() if mutual is None else tls.client_context(mutual)
    transport = httpx.AsyncHTTPTransport(verify=context, trust_env=False, limits=_LIMITS)
    # httpx has no way to name the network; tests/gateway/test_sockets.py fails where this takes no effect.
    transport._pool = httpcore.AsyncConnectionPool(
        ssl_context=context,
        max_connections=_LIMITS.max_connections,
        max_keepalive_connections=_LIMITS.max_keepalive_connections,
        keepalive_expiry=_LIMITS.keepalive_expiry,
        network_backend=Network(),
    )
    return transport


def _timeout(connection: Connection) -> dict[str, dict[str, float | None]]:
    limits = connection.timeouts
    timeout = httpx.Timeout(connect=limits.connect_s, pool=limits.connect_s, read=limits.read_s, write=limits.read_s)
    return {"timeout": timeout.as_dict()}


def _merged(*parts: Mapping[str, str]) -> list[tuple[str, str]]:
    """Return the headers of all parts, a later one in place of an earlier one, in whatever case either is written."""
    return list({name.lower(): (name, value) for part in parts for name, value in part.items()}.values())


def product(distribution: str) -> str:
    """Return `name/version` for User-Agent; the name alone where it runs from a checkout that was not installed."""
    try:
        return f"{distribution}/{importlib.metadata.version(distribution)}"
    except importlib.metadata.PackageNotFoundError:
        return distribution


_HEADERS = {
    "User-Agent": product("fhir-bridge"),
    "Accept": "application/json",
    "Accept-Encoding": answer.ACCEPT_ENCODING,
    "Connection": "keep-alive",
}
