"""The certificates of the simulated mutual TLS: who is let in, and who is not."""

from __future__ import annotations

import ssl
import stat
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from fhir_bridge.sandbox.certificates import Certificates, issue


def server_context(certificates: Certificates) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=certificates.ca_bundle)
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_cert_chain(certificates.server_certificate, certificates.server_key)
    return context


def client_context(trusts: Certificates, presents: Certificates | None) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=trusts.ca_bundle)
    if presents is not None:
        context.load_cert_chain(presents.client_certificate, presents.client_key)
    return context


def handshake(server: ssl.SSLContext, client: ssl.SSLContext, host: str = "localhost") -> ssl.SSLObject:
    """Return the server's side of a finished handshake, in memory; raises ssl.SSLError where a side refuses."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    client_side = client.wrap_bio(to_client, to_server, server_hostname=host)
    server_side = server.wrap_bio(to_server, to_client, server_side=True)
    waiting = [client_side, server_side]
    while waiting:
        side = waiting.pop(0)
        try:
            side.do_handshake()
        except ssl.SSLWantReadError:
            waiting.append(side)
    return server_side


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_the_client_certificate_is_let_in_and_the_server_is_trusted(tmp_path: Path, host: str) -> None:
    certificates = issue(tmp_path)

    server_side = handshake(server_context(certificates), client_context(certificates, certificates), host)

    peer = server_side.getpeercert()
    assert peer is not None
    assert peer["subjectAltName"] == (("email", "fhir-bridge@demo.example"),)


def test_a_client_without_a_certificate_is_refused(tmp_path: Path) -> None:
    certificates = issue(tmp_path)

    with pytest.raises(ssl.SSLError, match="PEER_DID_NOT_RETURN_A_CERTIFICATE"):
        handshake(server_context(certificates), client_context(certificates, None))


def test_a_certificate_of_another_authority_is_refused(tmp_path: Path) -> None:
    certificates, others = issue(tmp_path / "ours"), issue(tmp_path / "others")

    with pytest.raises(ssl.SSLError, match="CERTIFICATE_VERIFY_FAILED"):
        handshake(server_context(certificates), client_context(certificates, others))


def test_a_client_that_trusts_another_authority_refuses_the_server(tmp_path: Path) -> None:
    certificates, others = issue(tmp_path / "ours"), issue(tmp_path / "others")

    with pytest.raises(ssl.SSLCertVerificationError, match="CERTIFICATE_VERIFY_FAILED"):
        handshake(server_context(certificates), client_context(others, certificates))


def test_the_server_certificate_is_for_no_other_host(tmp_path: Path) -> None:
    certificates = issue(tmp_path)

    with pytest.raises(ssl.SSLCertVerificationError, match="Hostname mismatch"):
        handshake(server_context(certificates), client_context(certificates, certificates), "example.org")


def test_the_client_certificate_is_as_roche_makes_them(tmp_path: Path) -> None:
    """RSA 2048, SHA-256, and a common name that is an e-mail address with the environment's code."""
    certificates = issue(tmp_path)

    client = x509.load_pem_x509_certificate(certificates.client_certificate.read_bytes())

    key = client.public_key()
    assert isinstance(key, rsa.RSAPublicKey)
    assert key.key_size == 2048
    assert client.signature_hash_algorithm is not None
    assert client.signature_hash_algorithm.name == "sha256"
    common_names = client.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
    assert [name.value for name in common_names] == ["fhir-bridge@demo.example"]


def test_the_files_are_pem_in_the_folder_and_nobody_else_may_read_the_keys(tmp_path: Path) -> None:
    folder = tmp_path / "made" / "here"

    certificates = issue(folder)

    assert certificates == Certificates(
        ca_bundle=folder / "ca.pem",
        server_certificate=folder / "server.pem",
        server_key=folder / "server.key",
        client_certificate=folder / "client.pem",
        client_key=folder / "client.key",
    )
    for key in (certificates.server_key, certificates.client_key):
        assert stat.S_IMODE(key.stat().st_mode) == 0o600
        assert load_pem_private_key(key.read_bytes(), password=None) is not None


def test_a_second_issue_replaces_the_first(tmp_path: Path) -> None:
    first = issue(tmp_path)
    earlier = client_context(first, first)

    later = issue(tmp_path)

    with pytest.raises(ssl.SSLError, match="CERTIFICATE_VERIFY_FAILED"):
        handshake(server_context(later), earlier)
