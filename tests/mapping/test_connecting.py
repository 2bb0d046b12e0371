"""`connection:`: where a partner is, how to log in there, and what of it is missing in the environment."""

import pytest

from fhir_bridge.connection import (
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
from tests.mapping.lab import URL, load, problems


def connection(text: str, **environment: str) -> Connection | None:
    """Return the connection of a file whose `connection:` is `text`, in flow style."""
    routes = load(f"partner: northlab\nconnection: {text}\n", environment={**URL, **environment})
    return routes.partners["northlab"].connection


def auth_problems(auth: str, **environment: str) -> list[str]:
    """Return the problems of `auth:`, whose value begins in line 4, column 9."""
    text = f"partner: northlab\nconnection:\n  base_url: $NORTHLAB_URL\n  auth: {auth}\n"
    return problems(text, environment={**URL, **environment})


def test_all_but_the_address_has_a_default() -> None:
    assert connection("{base_url: $NORTHLAB_URL}") == Connection(
        partner="northlab",
        base_url="https://northlab.example/api",
        timeouts=Timeouts(connect_s=3, read_s=10, whole_s=15),
        max_answer_bytes=5_000_000,
        at_once=8,
        auth=(),
    )


def test_limits_are_taken_from_the_file_and_a_trailing_slash_from_the_address() -> None:
    text = "{base_url: $LAB, timeouts: {connect_s: 1, read_s: 2.5}, max_answer_bytes: 1000, at_once: 2}"

    assert connection(text, LAB="https://lab.example/") == Connection(
        "northlab", "https://lab.example", Timeouts(1, 2.5, 15), max_answer_bytes=1000, at_once=2
    )


@pytest.mark.parametrize("environment", [{}, {"NORTHLAB_URL": ""}])
def test_a_partner_without_an_address_is_there_and_not_configured(environment: dict[str, str]) -> None:
    """None of its other variables is missed then."""
    text = "partner: northlab\nconnection: {base_url: $NORTHLAB_URL, auth: [{scheme: bearer, token: $T}]}\n"

    partner = load(text, environment=environment).partners["northlab"]

    assert (partner.connection, partner.base_url_variable) == (None, "NORTHLAB_URL")


@pytest.mark.parametrize(
    ("auth", "made"),
    [
        ("{scheme: bearer, token: $T}", Bearer("t-1")),
        ("{scheme: forward}", Forward()),
        (
            (
                "{scheme: forward, refresh: {header: X-Refresh, call: POST /s, send: {a.kind: r, a.app: $T, a.b: $U?}, "
                "refresh_token: {send: a.old, receive: b.next}, token: b.key, expires: {at: b.ends}}}"
            ),
            Forward(
                Renewal(
                    "X-Refresh",
                    TokenExchange("/s", {"a.kind": "r", "a.app": "t-1"}, "b.key", "b.ends", "epoch_s", 3600),
                    "a.old",
                    "b.next",
                )
            ),
        ),
        (
            "{scheme: forward, refresh: {header: X-Refresh, call: POST /s, refresh_token: {send: old}, token: key}}",
            Forward(Renewal("X-Refresh", TokenExchange("/s", {}, "key", None, "epoch_s", 3600), "old", None)),
        ),
        (
            "{scheme: headers, headers: {X-Site: oslo, X-Key: $T, X-Unit: $U?}}",
            FixedHeaders({"X-Site": "oslo", "X-Key": "t-1"}),
        ),
        (
            "{scheme: token-exchange, call: POST /sessions, send: {login: $T, unit: $U?}, token: key}",
            TokenExchange("/sessions", {"login": "t-1"}, "key", None, "epoch_s", 3600),
        ),
        (
            (
                "{scheme: token-exchange, call: POST /s, send: {}, token: key, expires: "
                "{at: left, as: lifetime_s}, lifetime_s: 60}"
            ),
            TokenExchange("/s", {}, "key", "left", "lifetime_s", 60),
        ),
        (
            (
                "{scheme: client-credentials, url: $T, client_id: me, client_secret: $T, "
                "form: {scope: all, resource: $U?}}"
            ),
            ClientCredentials("t-1", "me", "t-1", {"scope": "all"}),
        ),
        ("{scheme: mutual-tls, certificate: $T, key: k.pem, ca_bundle: $U?}", MutualTls("t-1", "k.pem", None)),
        (
            "{scheme: mutual-tls, certificate: c.pem, key: k.pem, ca_bundle: ca.pem}",
            MutualTls("c.pem", "k.pem", "ca.pem"),
        ),
    ],
)
def test_each_scheme_becomes_what_the_gateway_knows(auth: str, made: object) -> None:
    found = connection(f"{{base_url: $NORTHLAB_URL, auth: [{auth}]}}", T="t-1")

    assert found is not None
    assert found.auth == (made,)


@pytest.mark.parametrize(
    ("environment", "chosen"),
    [
        ({"READY": "r-1", "LOGIN": "l"}, Bearer("r-1")),
        ({"LOGIN": "l"}, TokenExchange("/s", {"login": "l"}, "key", None, "epoch_s", 3600)),
        ({}, Forward()),
    ],
)
def test_the_first_alternative_whose_variables_are_set_is_taken(environment: dict[str, str], chosen: object) -> None:
    bearer, exchange = (
        "{scheme: bearer, token: $READY}",
        "{scheme: token-exchange, call: POST /s, send: {login: $LOGIN}, token: key}",
    )

    found = connection(
        f"{{base_url: $NORTHLAB_URL, auth: [{{first_of: [{bearer}, {exchange}, {{scheme: forward}}]}}]}}", **environment
    )

    assert found is not None
    assert found.auth == (chosen,)


def test_each_unset_variable_is_a_line_of_its_own() -> None:
    """Of alternatives none of which can be taken, the last one's are missed."""
    text = """\
partner: northlab
connection:
  base_url: $NORTHLAB_URL
  auth:
    - first_of:
        - {scheme: bearer, token: $READY}
        - {scheme: token-exchange, call: POST /s, send: {login: $LOGIN, password: $PASSWORD}, token: key}
    - {scheme: headers, headers: {X-Key: $KEY, X-Unit: $UNIT?}}
"""

    assert problems(text) == [
        "t.yaml:7:65: the variable LOGIN is not set; set it and start again",
        "t.yaml:7:83: the variable PASSWORD is not set; set it and start again",
        "t.yaml:8:42: the variable KEY is not set; set it and start again",
    ]


def test_a_token_is_forwarded_without_renewing_it_where_nobody_says_how() -> None:
    """A first alternative needs variables; the second does without."""
    refresh = "{header: X, call: POST /s, send: {app: $APP}, refresh_token: {send: old}, token: key}"
    auth = f"{{first_of: [{{scheme: forward, refresh: {refresh}}}, {{scheme: forward}}]}}"

    found = connection(f"{{base_url: $NORTHLAB_URL, auth: [{auth}]}}")

    assert found is not None
    assert found.auth == (Forward(),)


def test_a_refresh_that_says_nothing_is_told_all_that_it_needs() -> None:
    assert auth_problems("[{scheme: forward, refresh: {}}]") == [
        "t.yaml:4:37: refresh has no 'header'; add it",
        "t.yaml:4:37: refresh has no 'refresh_token'; add it",
        "t.yaml:4:37: refresh has no 'call'; add it",
        "t.yaml:4:37: refresh has no 'token'; add it",
    ]


def test_a_variable_that_is_set_to_nothing_is_not_set() -> None:
    assert auth_problems("[{scheme: bearer, token: $T}]", T="") == [
        "t.yaml:4:34: the variable T is not set; set it and start again"
    ]


@pytest.mark.parametrize(
    ("auth", "problem"),
    [
        ("[{scheme: berer, token: $T}]", "t.yaml:4:19: unknown scheme 'berer'; did you mean 'bearer'?"),
        ("[{token: $T}]", "t.yaml:4:10: auth has no 'scheme'; add it"),
        ("[{scheme: bearer}]", "t.yaml:4:10: auth has no 'token'; add it"),
        ("[{scheme: bearer, tokn: $T, token: $T}]", "t.yaml:4:27: unknown key 'tokn' in auth; did you mean 'token'?"),
        ("[{scheme: forward, token: $T}]", "t.yaml:4:28: unknown key 'token' in auth; known here: refresh, scheme"),
        ("[{first_of: []}]", "t.yaml:4:10: 'first_of' is empty; list at least one scheme"),
        ("[forward]", "t.yaml:4:10: auth must be a mapping; write 'key: value' lines"),
        ("{scheme: forward}", "t.yaml:4:9: 'auth' must be a list; start each item with '- '"),
        (
            "[{scheme: headers}, {scheme: headers, headers: x}]",
            "t.yaml:4:56: 'headers' must be a mapping; write 'key: value' lines",
        ),
        (
            "[{scheme: token-exchange, call: GET /s, token: k}]",
            "t.yaml:4:41: 'call' of a token exchange must be 'POST /path'",
        ),
        (
            "[{scheme: token-exchange, call: POST s, token: k}]",
            "t.yaml:4:41: 'call' of a token exchange must be 'POST /path'",
        ),
        ("[{scheme: token-exchange, token: k}]", "t.yaml:4:10: auth has no 'call'; add it"),
        (
            "[{scheme: token-exchange, call: POST /s, token: k, expires: {at: e, as: minutes}}]",
            "t.yaml:4:81: unknown 'as: minutes'; known here: epoch_s, lifetime_s",
        ),
        (
            "[{scheme: forward, refresh: {header: 'X Y', call: POST /s, token: k, refresh_token: {send: r}}}]",
            "t.yaml:4:46: 'X Y' is no header of a request; write letters, digits and '-'",
        ),
        (
            "[{scheme: forward, refresh: {header: X, call: POST /s, token: k, refresh_token: {}}}]",
            "t.yaml:4:89: refresh_token has no 'send'; add it",
        ),
        (
            "[{scheme: forward, refresh: {header: X, call: POST /s, token: k, send: {a: b}, refresh_token: {send: a.r}}}]",  # noqa: E501
            "t.yaml:4:110: field 'a.r' is sent already; keep one of the two",
        ),
        (
            "[{scheme: token-exchange, call: POST /s, token: k, send: {a b: c}}]",
            "t.yaml:4:67: 'a b' is no field of the partner; write names with dots between: a.b.c",
        ),
        (
            "[{scheme: forward, refresh: x}]",
            "t.yaml:4:37: refresh must be a mapping; write 'key: value' lines",
        ),
        (
            "[{scheme: bearer, token: $T}, {scheme: forward}]",
            "t.yaml:4:39: another scheme writes 'Authorization' already; list the two below one 'first_of'",
        ),
    ],
)
def test_a_mistake_in_auth_is_told_at_its_word(auth: str, problem: str) -> None:
    assert auth_problems(auth, T="t-1") == [problem]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (
            "connection: {base_url: 'https://lab.example'}",
            "2:24: 'base_url' must be a variable, so that it can be set; write $NAME",
        ),
        ("connection: {base_url: $URL?}", "2:24: 'base_url' cannot do without its value; write $URL, without '?'"),
        ("connection: {}", "2:13: connection has no 'base_url'; add it"),
        ("connection: x", "2:13: connection must be a mapping; write 'key: value' lines"),
        ("title: Northlab", "1:1: the mapping file has no 'connection'; add it"),
        (
            "connection: {base_url: $URL, base_ulr: $URL}",
            "2:30: unknown key 'base_ulr' in connection; did you mean 'base_url'?",
        ),
        ("connection: {base_url: $URL, timeouts: {whole_s: 0}}", "2:50: 'whole_s' must be a number above zero"),
        (
            "connection: {base_url: $URL, timeouts: {whole: 1}}",
            "2:41: unknown key 'whole' in timeouts; did you mean 'whole_s'?",
        ),
        ("connection: {base_url: $URL, at_once: 1.5}", "2:39: 'at_once' must be a whole number"),
    ],
)
def test_a_mistake_in_the_connection_is_told_at_its_word(text: str, found: str) -> None:
    assert problems(f"partner: northlab\n{text}\n") == [f"t.yaml:{found}"]
