"""Headers and addresses that are too large, and what is no HTTP: refused in FHIR before memory is taken."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from fhir_bridge.limits import Limits
from fhir_bridge.mapping.routes import Routes
from fhir_bridge.outcome import FhirError
from fhir_bridge.protocol.head import HeadReader
from tests.limits.running import HOST, LIVE, METADATA, Running, running
from tests.outcomes import issue, outcome

TOO_MANY = outcome(issue("headers-too-large", "too-long", "There are more than 100 headers; send fewer."))
TOO_LARGE = outcome(
    issue("headers-too-large", "too-long", "The headers have more than 32768 bytes; send fewer or shorter ones.")
)
TOO_LONG = outcome(
    issue(
        "address-too-long",
        "too-long",
        "The address has more than 16384 bytes; search by POST, with the parameters in the body.",
    )
)
NO_REQUEST_LINE = (
    "This is no request of HTTP/1.1: it does not begin with a method, an address and a version. TLS ends elsewhere."
)
NO_HEADER = "Header {} of the request is not a name, a colon and a value on one line without control characters."
AROUND_THE_BODY = "The request is not HTTP/1.1: what is around its body, or in its headers, breaks a rule of RFC 9112."


@pytest.fixture(scope="module")
def bridge(routes: Routes) -> Iterator[Running]:
    with running(routes, Limits()) as run:
        yield run


def get(headers: bytes, address: bytes = b"/health/live") -> bytes:
    return b"GET " + address + b" HTTP/1.1\r\n" + headers + b"\r\n"


def test_a_hundred_headers_are_taken_and_one_more_is_431(bridge: Running) -> None:
    assert bridge.answer(get(HOST + b"A: b\r\n" * 99)).status_code == 200

    answer = bridge.answer(get(HOST + b"A: b\r\n" * 100))

    assert (answer.status_code, answer.json()) == (431, TOO_MANY)
    assert answer.headers["connection"] == "close"
    assert re.fullmatch(r"[0-9a-f\-]{36}", answer.headers["x-request-id"])


def test_32_kib_of_headers_are_taken_and_one_byte_more_is_431(bridge: Running) -> None:
    room = 32_768 - len(HOST) - len(b"A: \r\n")
    assert bridge.answer(get(HOST + b"A: " + b"b" * room + b"\r\n")).status_code == 200

    answer = bridge.answer(get(HOST + b"A: " + b"b" * (room + 1) + b"\r\n"))

    assert (answer.status_code, answer.json()) == (431, TOO_LARGE)


def test_an_address_of_16_kib_is_taken_and_one_byte_more_is_414(bridge: Running) -> None:
    address = b"/health/live?" + b"a" * (16_384 - len(b"/health/live?"))
    assert bridge.answer(get(HOST, address)).status_code == 200

    answer = bridge.answer(get(HOST, address + b"a"))

    assert (answer.status_code, answer.json()) == (414, TOO_LONG)


@pytest.mark.parametrize(
    ("endless", "status_code"),
    [(b"GET /health/live HTTP/1.1\r\nA: ", 431), (b"GET /health/live HTTP/1.1\r\n", 431), (b"GET /", 414)],
)
def test_what_does_not_end_is_refused_and_the_rest_is_dropped(
    bridge: Running, endless: bytes, status_code: int
) -> None:
    """One long header, a header after the other, one long address: a megabyte of it is sent, and the answer is read."""
    more = b"A: b\r\n" if endless.endswith(b"1.1\r\n") else b"aaaaaa"
    with bridge.client() as client:
        client.send(endless)
        for _ in range(1000):
            client.send(more * 200)

        assert client.answer().status_code == status_code


@pytest.mark.parametrize("size", [1, 7, 4096, 1_000_000])
@pytest.mark.parametrize("endless", [b"GET /a HTTP/1.1\r\n" + b"A: b\r\n" * 400_000, b"GET /" + b"a" * 1_000_000])
def test_no_more_is_kept_than_the_limits_allow(endless: bytes, size: int) -> None:
    """However small the pieces are that come."""
    reader = HeadReader(Limits())

    with pytest.raises(FhirError):
        take(reader, endless, size)

    assert len(reader.text) <= 32_768 + 16_384 + 100


def take(reader: HeadReader, data: bytes, size: int) -> None:
    for start in range(0, len(data), size):
        reader.take(data[start : start + size])


NOT_HTTP = {
    "HTTP/0.9": (b"GET /\r\n", 400, NO_REQUEST_LINE),
    "TLS": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400, NO_REQUEST_LINE),
    "bytes": (b"\x00\x01\x02", 400, NO_REQUEST_LINE),
    "a long word": (b"a" * 100, 400, NO_REQUEST_LINE),
    "a control character in the address": (b"GET /\x01 HTTP/1.1\r\n", 400, NO_REQUEST_LINE),
    "a letter that is not ASCII in the address": ("GET /é HTTP/1.1\r\n".encode(), 400, NO_REQUEST_LINE),
    "a space too many": (b"GET  / HTTP/1.1\r\n", 400, NO_REQUEST_LINE),
    "HTTP/2": (
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        505,
        "The bridge speaks HTTP/1.1 and HTTP/1.0; send the request in one of them.",
    ),
    "an unknown method": (
        b"SHAKE / HTTP/1.1\r\n" + HOST + b"\r\n",
        501,
        "The bridge does not know the method of the request; OPTIONS tells the methods of an address.",
    ),
    "LF alone": (
        b"GET / HTTP/1.1\n",
        400,
        "A line of the request's head does not end in CRLF; HTTP/1.1 demands it.",
    ),
    "NUL in a header": (get(HOST + b"A: b\x00c\r\n"), 400, NO_HEADER.format(2)),
    "CR in a header": (get(HOST + b"A: b\rc\r\n"), 400, NO_HEADER.format(2)),
    "a space before the colon": (get(b"Host : a\r\n"), 400, NO_HEADER.format(1)),
    "a header without a name": (get(HOST + b": b\r\n"), 400, NO_HEADER.format(2)),
    "a folded header": (get(HOST + b"A: b\r\n c\r\n"), 400, NO_HEADER.format(3)),
    "no Host": (get(b"A: b\r\n"), 400, "The header Host is missing; HTTP/1.1 demands it."),
    "two Hosts": (get(HOST + HOST), 400, "The header Host is there more than once; send it once."),
    "a Host that is none": (get(b"Host: a/b\r\n"), 400, "The header Host is no host name with an optional port."),
    "an address without a path": (
        get(HOST, b"http://a"),
        400,
        "The address of the request is none that HTTP/1.1 allows; write its path, which begins with /.",
    ),
    "two lengths": (
        get(HOST + b"Content-Length: 1\r\n" * 2),
        400,
        "The header Content-Length is there more than once; send it once.",
    ),
    "a length with a sign": (
        get(HOST + b"Content-Length: +1\r\n"),
        400,
        "The header Content-Length is no number of bytes.",
    ),
    "a length and chunks": (
        get(HOST + b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n"),
        400,
        "Content-Length and Transfer-Encoding do not go together; send one of them.",
    ),
    "another transfer coding": (
        get(HOST + b"Transfer-Encoding: gzip, chunked\r\n"),
        501,
        "The only Transfer-Encoding that the bridge takes is `chunked`, once.",
    ),
    "chunks in HTTP/1.0": (
        b"GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n",
        400,
        "HTTP/1.0 has no Transfer-Encoding; send a Content-Length.",
    ),
    "a chunk without a size": (
        b"POST /fhir/wmda HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\nx\r\n",
        400,
        AROUND_THE_BODY,
    ),
    "a chunk of more bytes than there are": (
        b"POST /fhir/wmda HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n",
        400,
        AROUND_THE_BODY,
    ),
}


@pytest.mark.parametrize(("request_", "status_code", "text"), NOT_HTTP.values(), ids=NOT_HTTP)
def test_what_is_no_http_is_told_in_fhir_and_the_connection_ends(
    bridge: Running, request_: bytes, status_code: int, text: str
) -> None:
    code = "structure" if status_code == 400 else "not-supported"
    with bridge.client() as client:
        client.send(request_)
        answer = client.answer()

        assert (answer.status_code, answer.json()) == (status_code, outcome(issue("invalid-http", code, text)))
        assert answer.headers["connection"] == "close"
        assert "x-request-id" in answer.headers
        assert client.ends()


def test_a_refusal_is_xml_and_has_the_clients_request_id_where_these_headers_had_come(bridge: Running) -> None:
    answer = bridge.answer(b"GET / HTTP/1.1\r\nAccept: application/fhir+xml\r\nX-Request-Id: run-7\r\n\r\n")

    assert (answer.status_code, answer.headers["x-request-id"]) == (400, "run-7")
    assert answer.headers["content-type"] == "application/fhir+xml; charset=utf-8"
    assert b'<text value="The header Host is missing; HTTP/1.1 demands it."/>' in answer.body


def test_a_refusal_of_head_has_no_body(bridge: Running) -> None:
    with bridge.client() as client:
        client.send(b"HEAD / HTTP/1.1\r\n\r\n")

        assert client.answer(head_only=True).status_code == 400
        assert client.ends()


def test_http_1_0_needs_no_host_and_empty_lines_may_come_first(bridge: Running) -> None:
    assert bridge.answer(b"\r\n\r\nGET /health/live HTTP/1.0\r\n\r\n").body == b'{"status":"live"}'


def test_a_change_of_protocol_is_not_made_and_the_body_is_read(bridge: Running) -> None:
    """As the HTTP client of Java asks for it with its first request."""
    upgrade = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAEAAEAA\r\n"
    body = b'{"resourceType": "Parameters", "parameter": [{"name": "status", "valueCode": "SUS"}]}'
    length = b"Content-Length: %d\r\nContent-Type: application/fhir+json\r\n\r\n" % len(body)
    with bridge.client() as client:
        client.send(b"POST /fhir/wmda/Patient/123456/$update-search-status HTTP/1.1\r\n" + HOST + upgrade + length)
        client.send(body + LIVE)

        assert client.answer().status_code == 200
        assert client.answer().body == b'{"status":"live"}'


def test_a_trailer_is_no_header(bridge: Running) -> None:
    chunks = b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\nContent-Type: text/plain\r\nX-Request-Id: t\r\n\r\n"
    with bridge.client() as client:
        client.send(b"POST /fhir/healthex/Patient/17d4513f-73e8/$update-data HTTP/1.1\r\n" + HOST)
        client.send(b"Content-Type: application/fhir+json\r\n" + chunks + LIVE)

        answer = client.answer()
        assert (answer.status_code, answer.headers["x-request-id"] == "t") == (200, False)
        assert client.answer().body == b'{"status":"live"}'


def test_after_a_refusal_others_are_served(bridge: Running) -> None:
    bridge.answer(get(b""))

    assert bridge.answer(METADATA).status_code == 200
