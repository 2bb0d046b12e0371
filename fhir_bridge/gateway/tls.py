"""Builds the TLS contexts once, at start, so that a wrong file stops the start and not the first call."""

from __future__ import annotations

import ssl

import httpx

from fhir_bridge.connection import MutualTls


def public_context() -> ssl.SSLContext:
    """Return a context that trusts the public authorities; the environment has no say in which those are."""
    return httpx.create_ssl_context(trust_env=False)


def client_context(mutual: MutualTls) -> ssl.SSLContext:
    """Return a context that shows our certificate and trusts only `ca_bundle`, where there is one.

    Raises ValueError, one line that names the file, for a file that is missing, unreadable or not what it should be.
    """
    context = public_context() if mutual.ca_bundle is None else _trusting(mutual.ca_bundle)
    _check_readable(mutual.key, "key")
    _load_certificates(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), mutual.certificate, "certificate")
    _load_key(context, mutual)
    return context


def _trusting(ca_bundle: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    _load_certificates(context, ca_bundle, "CA bundle")
    return context


def _load_certificates(context: ssl.SSLContext, path: str, what: str) -> None:
    _check_readable(path, what)
    try:
        context.load_verify_locations(cafile=path)
    except ssl.SSLError:
        raise ValueError(f"{what} {path}: there is no PEM certificate in it") from None


def _load_key(context: ssl.SSLContext, mutual: MutualTls) -> None:
    try:
        context.load_cert_chain(mutual.certificate, mutual.key, password=lambda: _no_password(mutual.key))
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            raise ValueError(f"key {mutual.key}: it does not belong to certificate {mutual.certificate}") from None
        raise ValueError(f"key {mutual.key}: there is no PEM private key in it") from None


def _no_password(path: str) -> str:
    """Stop OpenSSL from asking for a password at the terminal."""
    raise ValueError(f"key {path}: it is encrypted; give the key without a password")


def _check_readable(path: str, what: str) -> None:
    try:
        with open(path, "rb") as file:
            file.read(1)
    except OSError as error:
        raise ValueError(f"{what} {path}: {error.strerror}") from None
