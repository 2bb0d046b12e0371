"""fhir-bridge: a FHIR facade in front of partner APIs that do not speak FHIR."""

from fhir_bridge.bridge import Bridge
from fhir_bridge.gateway import Gateway
from fhir_bridge.mapping.compile import load_routes
from fhir_bridge.outcome import FhirError
from fhir_bridge.server import create_app

__all__ = ["Bridge", "FhirError", "Gateway", "create_app", "load_routes"]
