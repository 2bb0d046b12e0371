"""fhir-bridge: a FHIR facade in front of partner APIs that do not speak FHIR."""
