"""The base of every canonical URL and identifier system that the bridge defines: `FHIR_BRIDGE_CANONICAL`.

A process has one, from its first moment on: each OperationOutcome and each definition begins with it. Definitions and
mapping files are written with the default one, which is replaced as they are read.
"""

from __future__ import annotations

import os
import re

DEFAULT = "https://fhir-bridge.example/fhir"
CANONICAL = (os.environ.get("FHIR_BRIDGE_CANONICAL") or DEFAULT).rstrip("/")

_FORM = re.compile(r"(https?://[\w.:\[\]-]+(/[\w.~%+-]+)*/?|urn:[A-Za-z0-9][A-Za-z0-9-]+:[\w.:~%+/-]+)", re.ASCII)


def check_canonical(text: str) -> None:
    """Raise ValueError for a text that cannot be the base of canonical URLs."""
    if text and not _FORM.fullmatch(text):
        raise ValueError(
            "FHIR_BRIDGE_CANONICAL: must be an absolute address without query, such as "
            "https://fhir.example.org/bridge, or a urn"
        )


def rebased(content: bytes) -> bytes:
    """Return a definition or a mapping file with each canonical URL of ours below the base of this process."""
    return content.replace(f"{DEFAULT}/".encode(), f"{CANONICAL}/".encode())
