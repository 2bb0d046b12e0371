"""Our own secrets, taken out of what a partner says of an error: some partners quote the call that they refuse."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Iterator
from urllib.parse import quote, quote_plus

from fhir_bridge.connection import Bearer, ClientCredentials, Connection, FixedHeaders, TokenExchange

SHORTEST = 6
"""A shorter value is a word like any other, and taking it out would spoil the text."""


def secrets_of(connection: Connection) -> frozenset[str]:
    """Return the values by which the partner knows the bridge."""
    found: set[str] = set()
    for auth in connection.auth:
        match auth:
            case Bearer():
                found.add(auth.token)
            case FixedHeaders():
                found.update(auth.headers.values())
            case TokenExchange():
                found.update(auth.body.values())
            case ClientCredentials():
                found.add(auth.client_secret)
    return frozenset(found)


def masked(body: bytes, secrets: Iterable[str]) -> bytes:
    """Return a body with `***` in the place of each secret, however it is written there."""
    forms = {form for secret in secrets if len(secret) >= SHORTEST for form in _forms(secret)}
    if not forms:
        return body
    pattern = b"|".join(re.escape(form.encode()) for form in sorted(forms, key=len, reverse=True))
    return re.sub(pattern, b"***", body, flags=re.IGNORECASE)


def _forms(secret: str) -> Iterator[str]:
    """The ways in which texts, JSON, addresses and headers write a secret."""
    yield secret
    yield json.dumps(secret)[1:-1]
    yield json.dumps(secret)[1:-1].replace("/", "\\/")
    yield quote(secret, safe="")
    yield quote_plus(secret)
    for encoded in (base64.b64encode(secret.encode()), base64.urlsafe_b64encode(secret.encode())):
        yield encoded.decode().rstrip("=")
