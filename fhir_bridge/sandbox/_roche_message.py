"""The rules for a message that updates a patient: the Bundle's envelope, the profiles, and what Roche adds."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from fhir_bridge.sandbox._roche_stu3 import RESOURCE_TYPES, Problem, problems

Json = dict[str, object]

PROFILES = {
    "MessageHeader": "http://roche.com/fhir/rdc/StructureDefinition/message-header",
    "Patient": "http://roche.com/fhir/rdc/StructureDefinition/patient-v2",
    "Condition": "http://roche.com/fhir/rdc/StructureDefinition/condition",
}
EVENT_SYSTEM = "http://roche.com/fhir/rdc/message-type"
EVENT_CODE = "new-bundle"  # for an update too


def resources(bundle: Json, resource_type: str) -> list[Json]:
    """Return the resources of one type, in order, of a Bundle that has no `envelope_problems`."""
    entries = bundle["entry"]
    assert isinstance(entries, list)
    return [entry["resource"] for entry in entries if entry["resource"]["resourceType"] == resource_type]


def envelope_problems(bundle: Json) -> list[Problem]:
    """Return why the Bundle is no message of known resources; until it is one, nothing more is looked at."""
    if bundle.get("resourceType") != "Bundle":
        return [Problem("invalid", "The resource is not a Bundle")]
    if "type" not in bundle:
        return [Problem("required", "Bundle.type is mandatory")]
    if bundle["type"] != "message":
        return [Problem("invalid", "Bundle.type is not message")]
    entries = bundle.get("entry")
    if not isinstance(entries, list) or not entries:
        return [Problem("required", "Bundle.entry is mandatory")]
    return list(_entry_problems(entries))


def _entry_problems(entries: list[object]) -> Iterator[Problem]:
    for index, entry in enumerate(entries):
        resource = entry.get("resource") if isinstance(entry, dict) else None
        resource_type = resource.get("resourceType") if isinstance(resource, dict) else None
        if resource_type is None:
            yield Problem("required", f"Bundle.entry[{index}].resource is mandatory")
        elif resource_type not in RESOURCE_TYPES:
            yield Problem("invalid", f"Bundle.entry[{index}].resource is not one of {', '.join(RESOURCE_TYPES)}")
        elif (index == 0) != (resource_type == "MessageHeader"):
            yield Problem("invalid", "The first entry, and no other, is the MessageHeader")


def message_problems(bundle: Json, *, patient_id: str, identifier_systems: Collection[str] | None) -> list[Problem]:
    """Return which rules of STU3, of the profiles and of Roche the message breaks, missing elements first."""
    elements = {name: value for name, value in bundle.items() if name != "resourceType"}
    found = [*problems("Bundle", elements, "Bundle"), *_patient_count(bundle)]
    if not found:
        found = [*_header_problems(bundle), *_profile_problems(bundle)]
        found += _patient_problems(resources(bundle, "Patient")[0], patient_id, identifier_systems)
    return sorted(found, key=lambda problem: problem.code != "required")


def _patient_count(bundle: Json) -> Iterator[Problem]:
    patients = resources(bundle, "Patient")
    if not patients:
        yield Problem("required", "A Patient is mandatory")
    elif len(patients) > 1:
        yield Problem("invalid", "There is more than one Patient")


def _header_problems(bundle: Json) -> Iterator[Problem]:
    event = resources(bundle, "MessageHeader")[0]["event"]
    assert isinstance(event, dict)
    # INFERRED: the value set was not seen, and this is the one event of all samples.
    if (event.get("system"), event.get("code")) != (EVENT_SYSTEM, EVENT_CODE):
        yield Problem("invalid", f"MessageHeader.event is not {EVENT_SYSTEM}|{EVENT_CODE}")


def _profile_problems(bundle: Json) -> Iterator[Problem]:
    # INFERRED: a resource need not name its profile (the sample's Condition does not), but if it names any, its own.
    for resource_type, profile in PROFILES.items():
        for resource in resources(bundle, resource_type):
            meta = resource.get("meta", {})
            assert isinstance(meta, dict)
            if "profile" in meta and profile not in meta["profile"]:
                yield Problem("invalid", f"{resource_type}.meta.profile is not {profile}")


def _patient_problems(patient: Json, patient_id: str, systems: Collection[str] | None) -> Iterator[Problem]:
    names, identifiers = patient["name"], patient["identifier"]
    assert isinstance(names, list)
    assert isinstance(identifiers, list)
    if "id" not in patient:
        yield Problem("required", "Patient.id is mandatory")
    elif patient["id"] != patient_id:
        yield Problem("invalid", "Patient.id is not the id of the URL")  # INFERRED
    if len(names) > 1:
        yield Problem("invalid", "Patient.name has more than one name")  # INFERRED
    for index, identifier in enumerate(identifiers):
        if systems is not None and identifier["system"] not in systems:
            yield Problem("invalid", f"Patient.identifier[{index}].system is not accepted")
