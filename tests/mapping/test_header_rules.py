"""Headers, secrets and alternatives that would not do what a mapping file says are told at their place."""

from __future__ import annotations

import pytest

from tests.mapping.lab import problems

FILE = """\
partner: northlab
connection:
  base_url: $NORTHLAB_URL
  auth:
    {auth}
headers: {top}
interactions:
  read Patient:
    call: {call}
    headers: {headers}
    receive: {{map: client}}
  update Patient:
    call: PUT /c/{{id}}
    send: {{map: client, with: {sent}}}
    receive: {{map: client}}
maps:
  client: {{resource: Patient, rows: {{birthDate: {{at: born}}}}}}
"""
TYPED = "would be sent as it is typed: nothing is put into a text"
ELSEWHERE = "what comes from a request stands under 'headers' of an interaction"


def told(auth: str = "[]", headers: str = "{}", **more: str) -> list[str]:
    """Return the problems, with a partner whose address is not set: `auth` is in line 5 from column 5 on."""
    parts = {"top": "{}", "call": "GET /c/{id}", "sent": "{}", **more}
    return problems(FILE.format(auth=auth, headers=headers, **parts), environment={})


BEARER, FORWARD = "{scheme: bearer, token: $T}", "{scheme: forward}"


@pytest.mark.parametrize(
    ("auth", "what"),
    [
        (f"[{BEARER}, {{scheme: headers, headers: {{authorization: $A}}}}]",
         "35: another scheme writes 'Authorization'"),
        ("[{scheme: headers, headers: {X-A: a}}, {scheme: headers, headers: {x-a: b}}]",
         "44: another scheme writes 'X-A'"),
        ("[{scheme: mutual-tls, certificate: $C, key: $K}, {scheme: mutual-tls, certificate: $D, key: $L}]",
         "54: another scheme writes 'Client-Certificate'"),
        (f"[{{first_of: [{BEARER}, {FORWARD}]}}, {{scheme: headers, headers: {{X-A: $A}}}}]", None),
    ],
)  # fmt: skip
def test_two_schemes_write_no_header_of_the_same_name(auth: str, what: str | None) -> None:
    rest = "already; list the two below one 'first_of'"

    assert told(auth) == ([f"t.yaml:5:{what} {rest}"] if what else [])


@pytest.mark.parametrize(
    ("header", "what"),
    [
        ("X A: a", "'X A' is no name of a header; write letters, digits and '-'"),
        ("Host: a", "'Host' is written by the connection itself; leave it out"),
        ("content-length: '3'", "'content-length' is written by the connection itself; leave it out"),
        ("X-A: a", None),
    ],
)
def test_a_header_has_a_name_that_a_call_may_write(header: str, what: str | None) -> None:
    name, _, text = header.partition(": ")

    assert told(f"[{{scheme: headers, headers: {{{header}}}}}]") == ([f"t.yaml:5:34: {what}"] if what else [])
    assert told(headers=f"{{{name}: {{text: {text}}}}}") == ([f"t.yaml:10:15: {what}"] if what else [])
    assert told(top=f"{{{name}: {{text: {text}}}}}") == ([f"t.yaml:6:11: {what}"] if what else [])


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("'a {b'", None),
        ('"a\\nb"', "'X-A' is a header; write visible ASCII characters alone"),
        ("'{id}'", f"'{{id}}' {TYPED}; {ELSEWHERE}"),
        ("'{new: uuid}'", f"'{{new: uuid}}' {TYPED}; {ELSEWHERE}"),
    ],
)
def test_the_text_of_a_header_is_sent_as_it_stands(text: str, what: str | None) -> None:
    assert told(f"[{{scheme: headers, headers: {{X-A: {text}}}}}]") == ([f"t.yaml:5:39: {what}"] if what else [])
    assert told(headers=f"{{X-A: {{text: {text}}}}}") == ([f"t.yaml:10:27: {what}"] if what else [])


def test_one_header_is_not_written_in_two_cases() -> None:
    assert told(headers="{X-A: {text: a}, x-a: {text: b}}") == [
        "t.yaml:10:31: 'x-a' is the header of line 10 already; keep one of the two"
    ]


def test_a_form_is_no_type_of_what_is_sent() -> None:
    auth = "[{scheme: headers, headers: {Content-Type: application/x-www-form-urlencoded, Accept: text/csv}}]"

    assert told(auth) == [
        "t.yaml:5:48: what is sent is JSON; write application/json, or another type that ends in +json"
    ]


@pytest.mark.parametrize("name", ["X-A", "Authorization"])
def test_a_call_writes_no_header_that_auth_writes(name: str) -> None:
    auth = "[{scheme: headers, headers: {X-A: $A}}, {scheme: bearer, token: $T}]"
    what = f"'auth' writes '{name}' with every call; keep one of the two"

    assert told(auth, headers=f"{{{name}: {{header: {name}}}}}") == [f"t.yaml:10:15: {what}"]


ENVIRONMENT = "stands in the environment alone; write $NAME"


@pytest.mark.parametrize(
    ("auth", "what"),
    [
        ("{scheme: bearer, token: abc}", "30: 'token'"),
        ("{scheme: headers, headers: {X-Api-Key: abc}}", "45: 'X-Api-Key'"),
        ("{scheme: token-exchange, call: POST /t, token: t, send: {login: me, password: abc}}", "84: 'password'"),
        ("{scheme: client-credentials, url: $U, client_id: me, client_secret: abc}", "74: 'client_secret'"),
        ("{scheme: client-credentials, url: $U, client_id: me, client_secret: $S, form: {access_token: abc}}",
         "99: 'access_token'"),
        ("{scheme: client-credentials, url: 'https://a/t', client_id: me, client_secret: $S, form: {scope: all}}",
         None),
    ],
)  # fmt: skip
def test_a_secret_is_not_written_into_the_file(auth: str, what: str | None) -> None:
    assert told(f"[{auth}]") == ([f"t.yaml:5:{what} is a secret, and {ENVIRONMENT}"] if what else [])


def test_a_secret_is_not_sent_from_the_file() -> None:
    assert told(sent="{user.password: abc, pin: $PIN}") == [
        f"t.yaml:14:47: 'user.password' is a secret, and {ENVIRONMENT}"
    ]
    assert told(headers="{X-Token: {text: abc}}") == [f"t.yaml:10:31: 'X-Token' is a secret, and {ENVIRONMENT}"]


def test_a_token_endpoint_is_a_whole_address_and_its_answer_is_read_by_fields() -> None:
    credentials = "{scheme: client-credentials, url: /t, client_id: me, client_secret: $S}"
    exchange = "{scheme: token-exchange, call: POST /t, send: {a: b}, token: a..b, expires: {at: c d}}"
    field = "is no field of the partner; write names with dots between: a.b.c"

    assert told(f"[{credentials}]") == ["t.yaml:5:40: '/t' is no whole address; write https://…, or $NAME"]
    assert told(f"[{exchange}]") == [f"t.yaml:5:67: 'a..b' {field}", f"t.yaml:5:87: 'c d' {field}"]


@pytest.mark.parametrize(
    ("alternatives", "column"),
    [
        (f"{BEARER}, {FORWARD}", None),
        (f"{FORWARD}, {BEARER}", 37),
        (f"{BEARER}, {BEARER}", 47),
        ("{scheme: headers, headers: {X-A: $A?}}, " + BEARER, 58),
    ],
)
def test_an_alternative_that_is_never_taken_is_told(alternatives: str, column: int | None) -> None:
    what = "this is never taken: one before it needs no other variable; put it first"

    assert told(f"[{{first_of: [{alternatives}]}}]") == ([f"t.yaml:5:{column}: {what}"] if column else [])


@pytest.mark.parametrize(
    ("sources", "is_told"),
    [
        ("{header: A}, {text: a}", False),
        ("{text: $A?}, {text: a}", False),
        ("{text: abc, like: uuid}, {text: a}", False),
        ("{text: abc}, {text: $A?}", True),
        ("{text: $ABC}, {header: A}", True),
        ("{new: uuid}, {header: A}", True),
        ("{header: A}, {header: A}", True),
    ],
)
def test_a_source_of_a_header_that_is_never_taken_is_told(sources: str, is_told: bool) -> None:
    column = 34 + sources.index("}") + len(", ") - 1
    what = "this is never taken: one before it has a text whenever it has; put it first"

    assert told(headers=f"{{X-A: {{first_of: [{sources}]}}}}") == ([f"t.yaml:10:{column}: {what}"] if is_told else [])


@pytest.mark.parametrize(
    "path",
    ["a..b", "a b", "$.error.message", "a[0].b", "a/b", "e.0.x", "0", "code.", ".", "[].message"],
)
def test_a_path_of_an_error_leads_somewhere(path: str) -> None:
    what = "is no field of an error; write names with dots between, and [] behind a list: a.b[].c"
    file = FILE.format(auth="[]", headers="{}", top="{}", call="GET /c/{id}", sent="{}")

    assert problems(f"{file}errors: {{text: [m, '{path}']}}\n") == [f"t.yaml:18:20: '{path}' {what}"]
    assert problems(f"{file}errors: {{list: {{at: 'e[].f', field: '{path}'}}}}\n") == [f"t.yaml:18:37: '{path}' {what}"]
    assert problems(f"{file}errors: {{text: 'rules[].text', fields: a.b_2, code: '@code'}}\n") == []


@pytest.mark.parametrize(
    ("first", "second", "is_told"),
    [
        ("", "text: a", True),
        ("text: closed", "text: [IS CLOSED, closed on]", True),
        ("text: closed", "text: [is closed, archived]", False),
        ("text: closed", "status: 400", False),
        ("status: [400, 422]", "status: 400, text: a", True),
        ("status: 400", "status: [400, 422]", False),
        ("status: 400", "text: a", False),
    ],
)
def test_a_meaning_of_words_that_is_never_taken_is_told(first: str, second: str, is_told: bool) -> None:
    file = FILE.format(auth="[]", headers="{}", top="{}", call="GET /c/{id}", sent="{}")
    says = "\n".join(f"    - {{{each}, code: conflict}}" for each in (first, second)).replace("{, ", "{")
    what = "t.yaml:21:7: this is never taken: a line before it fits whatever it fits; put it first"

    assert problems(f"{file}errors:\n  says:\n{says}\n") == ([what] if is_told else [])
