"""The patches that are taken: JSON Patch, FHIRPath Patch in a Parameters resource, and JSON Merge Patch.

https://hl7.org/fhir/R4/http.html#patch
"""

from __future__ import annotations

from collections.abc import Callable

from fhir_bridge.fhir.body import check_type
from fhir_bridge.fhir.elements import Version
from fhir_bridge.fhir.fhirpath_patch import read_fhirpath_patch
from fhir_bridge.fhir.json_patch import read_json_patch
from fhir_bridge.fhir.merge_patch import read_merge_patch
from fhir_bridge.fhir.negotiation import JSON_PATCH, MERGE_PATCH_TYPES
from fhir_bridge.fhir.patch_rules import nested_too_deep, pruned
from fhir_bridge.fhir.structure import structure_checker
from fhir_bridge.limits import DEFAULTS, Limits
from fhir_bridge.outcome import FhirError, Issue, Json


def read_patch(content_type: str, body: Json, version: Version, limits: Limits = DEFAULTS) -> Callable[[Json], Json]:
    """Return the function that applies a patch; which kind it is, its media type says, and Parameters for themselves.

    What all of a patch leaves empty vanishes at its end, so that no index moves between two operations. Raises
    FhirError 400 for a patch that cannot be read, before anything is asked of anybody.
    """
    change = _read(content_type, body, version)

    def apply(resource: Json) -> Json:
        try:
            return pruned(change(resource))
        except RecursionError:
            raise nested_too_deep() from None

    return apply


def _read(content_type: str, body: Json, version: Version, limits: Limits = DEFAULTS) -> Callable[[Json], Json]:
    if body is None:
        text = "The body is empty; send a patch: Parameters, a JSON Patch or a JSON Merge Patch."
        raise FhirError(400, Issue("invalid-patch", "required", text))
    if content_type == JSON_PATCH:
        return read_json_patch(body, version=version)
    is_parameters = isinstance(body, dict) and body.get("resourceType") == "Parameters"
    if content_type in MERGE_PATCH_TYPES and not is_parameters:
        return read_merge_patch(body)
    check_type(body, "Parameters")
    problems = structure_checker(version, max_problems=limits.max_problems)(body)
    if problems:
        raise FhirError(400, *problems)
    return read_fhirpath_patch(body, version=version)
