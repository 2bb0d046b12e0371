"""The head of a request, its request line and headers: gathered within limits, and checked as RFC 9112 has it."""

from __future__ import annotations

import re
from typing import NamedTuple

import httptools

from fhir_bridge.limits import Limits
from fhir_bridge.outcome import FhirError, Issue

_TOKEN = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
_REQUEST_LINE = re.compile(rb"(" + _TOKEN + rb") ([\x21-\x7e]+) HTTP/(\d\.\d)")
_HEADER = re.compile(rb"(" + _TOKEN + rb"):[ \t]*([^\x00-\x08\x0a-\x1f\x7f]*)")
_NOT_IN_LINE = re.compile(rb"[^\x20-\x7e\r\n]")
_HOST = re.compile(rb"[A-Za-z0-9\-._~%!$&'()*+,;=:\[\]]*")
_UPGRADE = re.compile(rb"\r\nupgrade:[^\r]*", re.IGNORECASE)

_LONGEST_METHOD = 32
_VERSION_BYTES = len(" HTTP/1.1\r")


class Head(NamedTuple):
    """A head that is complete. `chunked` tells how the body comes, else it has `length` bytes."""

    method: str
    chunked: bool
    length: int
    text: bytes


class HeadReader:
    """Takes the bytes of one head as they come; one that is too large, or cannot become a head, is refused at once.

    A second request on the connection needs a reader of its own.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._text = bytearray()
        self._lines = 0
        self._line_end = -1

    @property
    def begun(self) -> bool:
        return bool(self._text)

    @property
    def text(self) -> bytes:
        """What has come of the head."""
        return bytes(self._text)

    def take(self, data: bytes) -> tuple[Head | None, bytes]:
        """Return the head, once it is complete, and what comes after it. Raises FhirError 400, 414, 431, 501, 505."""
        data = data if self._text else data.lstrip(b"\r\n")  # RFC 9112 section 2.2
        before = len(self._text)
        self._text += data[: self._room(before)]
        end = self._text.find(b"\r\n\r\n", max(before - 3, 0))
        if end >= 0:
            del self._text[end + 4 :]
        self._check(before)
        if end < 0:
            return None, b""
        return read_head(bytes(self._text)), data[len(self._text) - before :]

    def _room(self, taken: int) -> int:
        """How much more may come before it is too much in any case."""
        most = self._limits.max_address_bytes + self._limits.max_header_bytes
        return most + _LONGEST_METHOD + _VERSION_BYTES + 8 - taken

    def _check(self, before: int) -> None:
        """Refuse what the bytes after `before` make wrong; each byte is looked at once."""
        if self._line_end < 0:
            self._line_end = self._text.find(b"\r\n", max(before - 1, 0))
            line = self._text if self._line_end < 0 else self._text[: self._line_end]
            if _NOT_IN_LINE.search(line, before):
                raise no_request_line()
            self._check_line(bytes(line[: self._limits.max_address_bytes + 2 * _LONGEST_METHOD]), len(line))
        lines = self._text.count(b"\n", before)
        if lines != self._text.count(b"\r\n", max(before - 1, 0)):
            raise malformed("A line of the request's head does not end in CRLF; HTTP/1.1 demands it.")
        self._lines += lines
        self._check_headers()

    def _check_line(self, line: bytes, length: int) -> None:
        method, space, _ = line.partition(b" ")
        if length - len(method) - 1 > self._limits.max_address_bytes + _VERSION_BYTES - 1:
            raise address_too_long(self._limits.max_address_bytes)
        if len(method) > _LONGEST_METHOD or (self._line_end >= 0 and not space):
            raise no_request_line()
        if self._line_end >= 0:
            check_request_line(line, self._limits.max_address_bytes)

    def _check_headers(self) -> None:
        if self._line_end < 0:
            return
        complete = self._text.endswith(b"\r\n\r\n")
        size = len(self._text) - self._line_end - 2 - (2 if complete else 0)
        if size > self._limits.max_header_bytes:
            text = f"The headers have more than {self._limits.max_header_bytes} bytes; send fewer or shorter ones."
            raise FhirError(431, Issue("headers-too-large", "too-long", text))
        if self._lines - 1 - complete > self._limits.max_headers:
            text = f"There are more than {self._limits.max_headers} headers; send fewer."
            raise FhirError(431, Issue("headers-too-large", "too-long", text))


def read_head(text: bytes) -> Head:
    """Return what a complete head says of its body. Raises FhirError for what RFC 9112 does not allow.

    The header Upgrade is left out: the bridge changes to no other protocol, and then the request is carried out in
    this one (RFC 9110 section 7.8).
    """
    first, *lines = text.removesuffix(b"\r\n\r\n").split(b"\r\n")
    method, version = check_request_line(first, len(first))
    headers = [_header(line, number) for number, line in enumerate(lines, start=1)]
    _check_host([value for name, value in headers if name == b"host"], version)
    chunked = _is_chunked([value for name, value in headers if name == b"transfer-encoding"], version)
    lengths = [value for name, value in headers if name == b"content-length"]
    return Head(method, chunked, _length(lengths, chunked), _UPGRADE.sub(b"", text))


def check_request_line(line: bytes, max_address_bytes: int) -> tuple[str, bytes]:
    """Return method and version of HTTP. Raises FhirError."""
    found = _REQUEST_LINE.fullmatch(line)
    if found is None:
        raise no_request_line()
    if len(found[2]) > max_address_bytes:
        raise address_too_long(max_address_bytes)
    _check_target(found[2])
    if found[3] not in (b"1.0", b"1.1"):
        raise not_offered(505, "The bridge speaks HTTP/1.1 and HTTP/1.0; send the request in one of them.")
    return found[1].decode(), found[3]


def _check_target(target: bytes) -> None:
    """https://www.rfc-editor.org/rfc/rfc9112#section-3.2"""
    try:
        path = httptools.parse_url(target).path
    except httptools.HttpParserInvalidURLError:
        path = None
    if not path:
        raise malformed("The address of the request is none that HTTP/1.1 allows; write its path, which begins with /.")


def _header(line: bytes, number: int) -> tuple[bytes, bytes]:
    found = _HEADER.fullmatch(line)
    if found is None:
        text = (
            f"Header {number} of the request is not a name, a colon and a value on one line without control characters."
        )
        raise malformed(text)
    return found[1].lower(), found[2].rstrip(b" \t")


def _check_host(hosts: list[bytes], version: bytes) -> None:
    """https://www.rfc-editor.org/rfc/rfc9112#section-3.2"""
    if not hosts and version == b"1.1":
        raise malformed("The header Host is missing; HTTP/1.1 demands it.")
    if len(hosts) > 1:
        raise malformed("The header Host is there more than once; send it once.")
    if not all(_HOST.fullmatch(host) for host in hosts):
        raise malformed("The header Host is no host name with an optional port.")


def _is_chunked(codings: list[bytes], version: bytes) -> bool:
    """https://www.rfc-editor.org/rfc/rfc9112#section-6.1"""
    if not codings:
        return False
    if version == b"1.0":
        raise malformed("HTTP/1.0 has no Transfer-Encoding; send a Content-Length.")
    if len(codings) > 1 or codings[0].lower() != b"chunked":
        raise not_offered(501, "The only Transfer-Encoding that the bridge takes is `chunked`, once.")
    return True


def _length(lengths: list[bytes], chunked: bool) -> int:
    """https://www.rfc-editor.org/rfc/rfc9112#section-6.3"""
    if chunked and lengths:
        raise malformed("Content-Length and Transfer-Encoding do not go together; send one of them.")
    if len(lengths) > 1:
        raise malformed("The header Content-Length is there more than once; send it once.")
    if not lengths:
        return 0
    if not re.fullmatch(rb"[0-9]{1,18}", lengths[0]):
        raise malformed("The header Content-Length is no number of bytes.")
    return int(lengths[0])


def address_too_long(max_address_bytes: int) -> FhirError:
    text = f"The address has more than {max_address_bytes} bytes; search by POST, with the parameters in the body."
    return FhirError(414, Issue("address-too-long", "too-long", text))


def no_request_line() -> FhirError:
    """TLS, HTTP/2 and HTTP/0.9 on a port of HTTP/1.1 end here too."""
    text = (
        "This is no request of HTTP/1.1: it does not begin with a method, an address and a version. TLS ends elsewhere."
    )
    return malformed(text)


def malformed(text: str) -> FhirError:
    """Return the error for a request that is not HTTP as RFC 9112 has it."""
    return FhirError(400, Issue("invalid-http", "structure", text))


def not_offered(status_code: int, text: str) -> FhirError:
    """Return the error for what HTTP allows and the bridge does not do."""
    return FhirError(status_code, Issue("invalid-http", "not-supported", text))
