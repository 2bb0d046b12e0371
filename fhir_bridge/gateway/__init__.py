"""The only way out: sends one `PartnerRequest` within its limits."""

from fhir_bridge.gateway.client import Gateway

__all__ = ["Gateway"]
