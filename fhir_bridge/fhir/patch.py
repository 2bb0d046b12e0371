"""The patches that R4 takes as JSON: JSON Patch, and FHIRPath Patch in a Parameters resource.

https://hl7.org/fhir/R4/http.html#patch
"""

from fhir_bridge.fhir.fhirpath_patch import apply_fhirpath_patch
from fhir_bridge.fhir.json_patch import apply_json_patch

__all__ = ["apply_fhirpath_patch", "apply_json_patch"]
