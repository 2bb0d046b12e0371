"""The `connection:` of a mapping file: read into a `ConnectionSpec`, then resolved against the environment."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, cast

from fhir_bridge.connection import (
    Auth,
    Bearer,
    ClientCredentials,
    Connection,
    FixedHeaders,
    Forward,
    MutualTls,
    Renewal,
    Timeouts,
    TokenExchange,
)
from fhir_bridge.mapping.fields import Fields, Value, Variable, variables
from fhir_bridge.mapping.header_rules import check_headers, check_secret, check_value
from fhir_bridge.mapping.partner_fields import compile_field, is_one_place
from fhir_bridge.mapping.source import Mark, Node, Problems, Text, did_you_mean

Environment = Mapping[str, str]
Make = Callable[[Environment], Auth]


@dataclass(frozen=True, slots=True)
class AuthSpec:
    """One auth scheme; `needs` are the variables that it cannot do without, `writes` the headers in small letters."""

    scheme: str
    needs: tuple[Variable, ...]
    make: Make
    writes: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class ConnectionSpec:
    """Where a partner is. Each item of `auth` is a list of alternatives: the first whose variables are set is taken."""

    mark: Mark
    base_url: Variable
    timeouts: Timeouts
    max_answer_bytes: int
    at_once: int
    auth: tuple[tuple[AuthSpec, ...], ...]


def value_of(value: Value | None, environment: Environment) -> str | None:
    """Return the text of a value; None where its variable is unset or empty."""
    if isinstance(value, Variable):
        return environment.get(value.name) or None
    return None if value is None else str(value)


def resolve(spec: ConnectionSpec, partner: str, environment: Environment) -> tuple[Connection | None, list[Variable]]:
    """Return how to reach the partner, or None where its base URL is unset; and the variables that are missing."""
    base_url = value_of(spec.base_url, environment)
    if base_url is None:
        return None, []
    missing: list[Variable] = []
    chosen: list[Auth] = []
    for alternatives in spec.auth:
        auth = _first_possible(alternatives, environment)
        if auth is None:
            missing.extend(_unset(alternatives[-1], environment))
        else:
            chosen.append(auth)
    limits = (spec.timeouts, spec.max_answer_bytes)
    connection = Connection(partner, base_url.rstrip("/"), *limits, tuple(chosen), spec.at_once)
    return connection, missing


def _first_possible(alternatives: tuple[AuthSpec, ...], environment: Environment) -> Auth | None:
    for spec in alternatives:
        if not _unset(spec, environment):
            return spec.make(environment)
    return None


def _unset(spec: AuthSpec, environment: Environment) -> list[Variable]:
    return [variable for variable in spec.needs if not environment.get(variable.name)]


def read_connection(node: Node | None, problems: Problems) -> ConnectionSpec:
    """Return the `connection:` of a mapping file; of one without any, a connection that is never there."""
    if node is None:
        nowhere = Mark("", 1, 1)
        return ConnectionSpec(nowhere, Variable("", False, nowhere), Timeouts(), 1, 1, ())
    fields = Fields(node, problems, "connection")
    base_url = fields.need_value("base_url")
    if not isinstance(base_url, Variable):
        if base_url:
            problems.add(base_url.mark, "'base_url' must be a variable, so that it can be set; write $NAME")
        base_url = Variable("", False, node.mark)
    timeouts = _read_timeouts(fields.node("timeouts"), problems)
    max_answer_bytes = fields.count("max_answer_bytes", 5_000_000)
    at_once = fields.count("at_once", 8)
    auth = [_read_alternatives(item, problems) for item in fields.items("auth")]
    written: set[str] = set()
    for item, each in zip(fields.items("auth"), auth, strict=True):
        writes = {name for spec in each for name in spec.writes}
        for name in sorted(writes & written):
            text = f"another scheme writes '{name.title()}' already; list the two below one 'first_of'"
            problems.add(item.mark, text)
        written |= writes
    fields.done()
    return ConnectionSpec(node.mark, base_url, timeouts, max_answer_bytes, at_once, tuple(auth))


def _read_timeouts(node: Node | None, problems: Problems) -> Timeouts:
    if node is None:
        return Timeouts()
    fields = Fields(node, problems, "timeouts")
    usual = Timeouts()
    timeouts = Timeouts(
        connect_s=fields.number("connect_s", usual.connect_s),
        read_s=fields.number("read_s", usual.read_s),
        whole_s=fields.number("whole_s", usual.whole_s),
    )
    fields.done()
    return timeouts


def _read_alternatives(node: Node, problems: Problems) -> tuple[AuthSpec, ...]:
    if [key.text for key, _ in node.pairs] != ["first_of"]:
        return (_read_auth(node, problems),)
    fields = Fields(node, problems, "auth")
    alternatives = tuple(_read_auth(item, problems) for item in fields.items("first_of"))
    needs = [{variable.name for variable in spec.needs} for spec in alternatives]
    for position, item in enumerate(fields.items("first_of")):
        if any(before <= needs[position] for before in needs[:position]):
            problems.add(item.mark, "this is never taken: one before it needs no other variable; put it first")
    if not alternatives:
        problems.add(node.mark, "'first_of' is empty; list at least one scheme")
        return (AuthSpec("none", (), lambda _: FixedHeaders({})),)
    return alternatives


def _read_auth(node: Node, problems: Problems) -> AuthSpec:
    fields = Fields(node, problems, "auth")
    scheme = fields.need_text("scheme")
    if scheme not in SCHEMES:
        if scheme:
            problems.add(scheme.mark, f"unknown scheme '{scheme}'{did_you_mean(scheme, SCHEMES)}")
        return AuthSpec(scheme, (), lambda _: FixedHeaders({}))
    values, make = SCHEMES[scheme](fields)
    fields.done()
    needs = tuple(variable for variable in variables(values) if not variable.optional)
    return AuthSpec(scheme, needs, make, _writes(scheme, [name.text for name, _ in fields.pairs("headers")]))


def _writes(scheme: str, headers: Iterable[str]) -> frozenset[str]:
    """Return what a scheme writes: its own `headers`, or one of which there is but one."""
    if scheme == "headers":
        return frozenset(name.lower() for name in headers)
    return frozenset({"client-certificate" if scheme == "mutual-tls" else "authorization"})


def _need(value: Value | None, environment: Environment) -> str:
    """The text of a value whose variable is known to be set."""
    text = value_of(value, environment)
    assert text is not None
    return text


def _present(values: Mapping[str, Value], environment: Environment) -> dict[str, str]:
    texts = {name: value_of(value, environment) for name, value in values.items()}
    return {name: text for name, text in texts.items() if text is not None}


Scheme = Callable[[Fields], tuple[tuple[object, ...], Make]]


def _bearer(fields: Fields) -> tuple[tuple[object, ...], Make]:
    token = fields.need_value("token")
    _check_secrets({"token": token}, fields.problems)
    return (token,), lambda environment: Bearer(_need(token, environment))


def _forward(fields: Fields) -> tuple[tuple[object, ...], Make]:
    refresh = fields.node("refresh")
    if refresh is None:
        return (), lambda environment: Forward()
    inner = Fields(refresh, fields.problems, "refresh")
    header = inner.need_text("header")
    if header and not re.fullmatch(r"[A-Za-z0-9-]+", header):
        fields.problems.add(header.mark, f"'{header}' is no header of a request; write letters, digits and '-'")
    refresh_at, next_at = _read_refresh_token(inner.need("refresh_token"), fields.problems)
    values, exchange = _exchange(inner, *refresh_at)
    inner.done()
    sent = "".join(refresh_at)
    return values, lambda environment: Forward(Renewal(str(header), exchange(environment), sent, next_at))


def _read_refresh_token(node: Node | None, problems: Problems) -> tuple[tuple[Text, ...], Text | None]:
    """Return the field that a refresh token is sent in, and the one that the next is received in."""
    if node is None:
        return (), None
    fields = Fields(node, problems, "refresh_token")
    places = (fields.need_text("send"),), fields.text("receive")
    fields.done()
    return places


def _headers(fields: Fields) -> tuple[tuple[object, ...], Make]:
    headers = fields.values("headers")
    check_headers([name.word for name, _ in fields.pairs("headers")], fields.problems)
    for name, value in headers.items():
        if isinstance(value, Text):
            check_value(name, value, fields.problems)
    return (headers,), lambda environment: FixedHeaders(_present(headers, environment))


def _token_exchange(fields: Fields) -> tuple[tuple[object, ...], Make]:
    return _exchange(fields)


def _exchange(fields: Fields, *more: Text) -> tuple[tuple[object, ...], Callable[[Environment], TokenExchange]]:
    """Read a token exchange; `more` are fields that are sent besides those of `send`."""
    call = fields.need_text("call")
    method, _, path = call.partition(" ")
    if call and (method != "POST" or not path.startswith("/")):
        fields.problems.add(call.mark, "'call' of a token exchange must be 'POST /path'")
    body = fields.values("send")
    _check_secrets(body, fields.problems)
    _check_apart([*(name.word for name, _ in fields.pairs("send")), *more], fields.problems)
    token_at = fields.need_text("token")
    compile_field(token_at, token_at.mark, fields.problems)
    expires = fields.node("expires")
    expires_at: Text | None = None
    expires_as = "epoch_s"
    if expires is not None:
        inner = Fields(expires, fields.problems, "expires")
        expires_at, expires_as = inner.need_text("at"), inner.choice("as", ("epoch_s", "lifetime_s"), "epoch_s")
        compile_field(expires_at, expires_at.mark, fields.problems)
        inner.done()
    lifetime_s = fields.number("lifetime_s", 3600)

    def make(environment: Environment) -> TokenExchange:
        unit = cast("Literal['epoch_s', 'lifetime_s']", expires_as)
        return TokenExchange(path, _present(body, environment), token_at, expires_at, unit, lifetime_s)

    return (body,), make


def _check_secrets(values: Mapping[str, Value], problems: Problems) -> None:
    for name, value in values.items():
        if isinstance(value, Text):
            check_secret(name, value, problems)


def _check_apart(names: Sequence[Text], problems: Problems) -> None:
    """Report what is no field, and a field that stands within another: `a` and `a.b` cannot both be sent."""
    for index, name in enumerate(names):
        compile_field(name, name.mark, problems)
        if any(is_one_place(name, other) for other in names[:index]):
            problems.add(name.mark, f"field '{name}' is sent already; keep one of the two")


def _client_credentials(fields: Fields) -> tuple[tuple[object, ...], Make]:
    url, form = fields.need_value("url"), fields.values("form")
    client_id, client_secret = fields.need_value("client_id"), fields.need_value("client_secret")
    if isinstance(url, Text) and url and not url.startswith(("https://", "http://")):
        fields.problems.add(url.mark, f"'{url}' is no whole address; write https://…, or $NAME")
    _check_secrets({**form, "client_secret": client_secret}, fields.problems)

    def make(environment: Environment) -> Auth:
        known = _need(url, environment), _need(client_id, environment), _need(client_secret, environment)
        return ClientCredentials(*known, _present(form, environment))

    return (url, client_id, client_secret, form), make


def _mutual_tls(fields: Fields) -> tuple[tuple[object, ...], Make]:
    certificate, key = fields.need_value("certificate"), fields.need_value("key")
    ca_bundle = fields.value("ca_bundle")

    def make(environment: Environment) -> Auth:
        return MutualTls(_need(certificate, environment), _need(key, environment), value_of(ca_bundle, environment))

    return (certificate, key, ca_bundle), make


SCHEMES: Mapping[str, Scheme] = {
    "bearer": _bearer,
    "forward": _forward,
    "headers": _headers,
    "token-exchange": _token_exchange,
    "client-credentials": _client_credentials,
    "mutual-tls": _mutual_tls,
}
"""What `scheme:` may say."""
