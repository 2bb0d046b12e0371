"""What a body must be before anything else is said of it: a resource of the type that its address asks for."""

from __future__ import annotations

from fhir_bridge.outcome import FhirError, Issue, Json


def check_type(body: Json, resource_type: str) -> None:
    """Raise FhirError where the body is not a resource of this type: nothing else can be said of it."""
    if body is None:
        text = f"The body is empty; send a {resource_type}."
        raise FhirError(400, Issue("wrong-resource-type", "required", text, resource_type))
    if not isinstance(body, dict):
        text = f"The body is no resource; send a {resource_type} as a JSON object."
        raise FhirError(400, Issue("wrong-resource-type", "structure", text, resource_type))
    if body.get("resourceType") != resource_type:
        text = f"`resourceType` must be `{resource_type}` here; send a {resource_type}."
        raise FhirError(400, Issue("wrong-resource-type", "invalid", text, "resourceType"))
