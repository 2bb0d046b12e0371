"""How a call fails that never becomes an answer: each way as the client reads it.

503 `transient`: no connection. 504 `timeout`: no answer in time. 502 `transient`: broken off. 502 `exception`: an
answer, or a TLS handshake, that trying again will not mend.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator, Mapping

import httpx

from fhir_bridge.connection import Connection, MutualTls
from fhir_bridge.gateway.call import Call
from fhir_bridge.gateway.network import UnaskedAnswer
from fhir_bridge.outcome import ErrorCode, FhirError, Issue, IssueCode

# How a TLS stream asks for more bytes, or ends: no failures of TLS, though subclasses of its error. A read over TLS
# that runs into its time limit has one of them among its origins.
_TLS_SIGNALS = (ssl.SSLWantReadError, ssl.SSLWantWriteError, ssl.SSLEOFError, ssl.SSLZeroReturnError)


def in_transit(error: Exception, call: Call, connection: Connection) -> FhirError:
    """Return what a transport's `error` means for the client."""
    if (tls := tls_error(error)) is not None:
        return _insecure(call, tls)
    match error:
        case httpx.PoolTimeout():
            return _unreachable(call, "all connections to it are in use")
        case httpx.ConnectTimeout():
            return _unreachable(call, f"there was no connection within {connection.timeouts.connect_s:g} s")
        case httpx.TimeoutException():
            return too_late(call, f"nothing came from it for {connection.timeouts.read_s:g} s")
        case httpx.ConnectError():
            return _unreachable(call, _why_unconnected(error))
        case _:
            return _broken(call, connection)


def too_late(call: Call, why: str) -> FhirError:
    """Return the 504 for a call that ran into a time limit; `why` says which."""
    error: ErrorCode = "fate-unknown" if call.is_unknown else "partner-too-late"
    return _failure(504, error, "timeout", f"{call.to} did not answer in time: {why}. {call.fate()}")


def unreadable(call: Call, why: str) -> FhirError:
    """Return the 502 for an answer that cannot be used; `why` is a clause about it, and quotes nothing of it."""
    text = f"The answer of {_inside(call)} cannot be read: {why}. {call.fate()}"
    return _failure(502, "fate-unknown" if call.is_unknown else "partner-answer-unreadable", "exception", text)


def redirected(call: Call, status_code: int) -> FhirError:
    """Return the 502 for an answer that points elsewhere: following it would take data and secrets there."""
    text = f"{call.to} answered with a redirect ({status_code}), which is not followed; check its URL. {call.fate()}"
    return _failure(502, "partner-answer-unreadable", "exception", text)


def _unreachable(call: Call, why: str) -> FhirError:
    return _failure(503, "partner-unreachable", "transient", f"{call.to} cannot be reached: {why}. {call.fate()}")


def _insecure(call: Call, error: ssl.SSLError) -> FhirError:
    text = (
        f"{call.to} cannot be reached over TLS: {_tls_reason(error)}. Check its URL, and the certificate, key and "
        f"CA bundle that its connection names. {call.fate()}"
    )
    return _failure(502, "partner-unreachable", "exception", text)


def _broken(call: Call, connection: Connection) -> FhirError:
    if call.changes and call.accepted is not None:
        return unreadable(call, "it broke off")
    # In TLS 1.3 a server refuses a client certificate after the client's handshake, and its alert often gets lost.
    mutual = any(isinstance(each, MutualTls) for each in connection.auth)
    certificate = ", or refused the client certificate" if mutual else ""
    text = f"{call.to} broke off the connection before its answer was complete, or did not speak HTTP{certificate}."
    error: ErrorCode = "fate-unknown" if call.is_unknown else "partner-unreachable"
    return _failure(502, error, "transient", f"{text} {call.fate()}")


def _failure(status_code: int, error: ErrorCode, code: IssueCode, text: str) -> FhirError:
    return FhirError(status_code, Issue(error, code, text))


def _inside(call: Call) -> str:
    return call.to[0].lower() + call.to[1:]


def tls_error(error: BaseException) -> ssl.SSLError | None:
    """Return the TLS failure that `error` comes from, if there is one."""
    for each in _origins(error):
        if isinstance(each, ssl.SSLError) and not isinstance(each, _TLS_SIGNALS):
            return each
    return None


# X509_V_ERR_… of OpenSSL. The numbers stay; its words for them, and Python's, differ from version to version.
_CERTIFICATE: Mapping[int, str] = {
    9: "its certificate is not valid yet",
    10: "its certificate has expired",
    18: "its certificate is self-signed",
    19: "its certificate is of an authority that is not trusted",
    20: "its certificate is of an authority that is not known",
    21: "its certificate comes without that of its authority",
    23: "its certificate is revoked",
    62: "its certificate is for another host name",
    64: "its certificate is for another IP address",
}
_NO_TLS = ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "RECORD_LAYER_FAILURE", "PACKET_LENGTH_TOO_LONG")


def _tls_reason(error: ssl.SSLError) -> str:
    """Return why the handshake failed; an alert by its name in RFC 8446, section 6: `unknown_ca`."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return _CERTIFICATE.get(error.verify_code, f"its certificate is not valid (OpenSSL's {error.verify_code})")
    reason = getattr(error, "reason", None) or ""  # only OpenSSL's own errors have one
    alert = reason.partition("_ALERT_")[2].lower()
    if alert:
        return f"it refused the handshake with the alert {alert}"
    return "it does not speak TLS there" if reason in _NO_TLS else "the handshake failed"


def _why_unconnected(error: BaseException) -> str:
    if any(isinstance(each, socket.gaierror) for each in _origins(error)):
        return "its host name could not be resolved"
    if any(isinstance(each, UnaskedAnswer) for each in _origins(error)):
        return "it answers, or closes the connection, before it is asked"
    return "no connection could be made"


def _origins(error: BaseException | None) -> Iterator[BaseException]:
    """Yield `error` and what it was raised from; httpcore's pool drops the cause, and keeps only the context."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
