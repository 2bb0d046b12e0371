"""JSON Merge Patch, RFC 7396: what some FHIR clients send as PATCH; a null removes, a list replaces the whole list."""

from __future__ import annotations

from collections.abc import Callable

from fhir_bridge.outcome import FhirError, Issue, Json


def read_merge_patch(patch: Json) -> Callable[[Json], Json]:
    """Return the function that merges a patch into a resource; it changes neither of them.

    Raises FhirError 400 for what is no patch; the function raises 422 for another type or id.
    """
    if not isinstance(patch, dict):
        raise FhirError(400, Issue("invalid-patch", "structure", "A merge patch is a JSON object; send one."))

    def apply(resource: Json) -> Json:
        for name in ("resourceType", "id"):
            if name in patch and patch[name] != resource.get(name):
                text, where = f"A patch cannot change `{name}`; leave it out.", f"{resource['resourceType']}.{name}"
                raise FhirError(422, Issue("invalid-patch", "business-rule", text, where))
        return _merged(patch, resource)

    return apply


def _merged(patch: Json, target: Json) -> Json:
    if not isinstance(patch, dict):
        return patch
    merged = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = _merged(value, merged.get(key))
    return merged
