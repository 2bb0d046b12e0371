"""Makes the certificates of the simulated mutual TLS: an authority of its own, a server's and a client's certificate.

Roche's authority signs an RSA 2048 certificate with SHA-256 for each partner; the subject's common name is an
e-mail address that holds the environment's code ("Client certificate generation and configuration").
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import trustme

CLIENT_COMMON_NAME = "fhir-bridge@demo.example"  # INFERRED: the address; "demo" is the documented code


@dataclass(frozen=True, slots=True)
class Certificates:
    """PEM files. The server's certificate is for localhost and 127.0.0.1; `ca_bundle` signed both certificates."""

    ca_bundle: Path
    server_certificate: Path
    server_key: Path
    client_certificate: Path
    client_key: Path


def issue(folder: Path) -> Certificates:
    """Write five PEM files into `folder`, which is made where it is missing, and return their paths.

    Each call makes a new authority, so that certificates of an earlier start are refused.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    authority = trustme.CA(key_type=trustme.KeyType.RSA)
    server = authority.issue_cert("localhost", "127.0.0.1", key_type=trustme.KeyType.RSA)
    client = authority.issue_cert(CLIENT_COMMON_NAME, common_name=CLIENT_COMMON_NAME, key_type=trustme.KeyType.RSA)
    return Certificates(
        ca_bundle=_write(folder / "ca.pem", authority.cert_pem),
        server_certificate=_write(folder / "server.pem", *server.cert_chain_pems),
        server_key=_write(folder / "server.key", server.private_key_pem),
        client_certificate=_write(folder / "client.pem", *client.cert_chain_pems),
        client_key=_write(folder / "client.key", client.private_key_pem),
    )


def _write(path: Path, *blobs: trustme.Blob) -> Path:
    path.touch(mode=0o600)
    path.write_bytes(b"".join(blob.bytes() for blob in blobs))
    return path
