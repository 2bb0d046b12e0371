"""fhir-bridge: a FHIR facade in front of partner APIs that do not speak FHIR."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fhir_bridge.bridge import Bridge
    from fhir_bridge.gateway import Gateway
    from fhir_bridge.mapping.compile import load_routes
    from fhir_bridge.outcome import FhirError
    from fhir_bridge.server import create_app

__all__ = ["Bridge", "FhirError", "Gateway", "create_app", "load_routes"]

_MODULES = {
    "Bridge": "fhir_bridge.bridge",
    "FhirError": "fhir_bridge.outcome",
    "Gateway": "fhir_bridge.gateway",
    "create_app": "fhir_bridge.server",
    "load_routes": "fhir_bridge.mapping.compile",
}


def __getattr__(name: str) -> object:
    """Import a public name when it is first used (PEP 562): `fhir-bridge --help` needs no server, and no FHIR."""
    if name not in _MODULES:
        raise AttributeError(f"module 'fhir_bridge' has no attribute '{name}'")
    return getattr(import_module(_MODULES[name]), name)
