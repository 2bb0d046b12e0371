"""The rules for what is written: a message's envelope, the profiles, and what Roche adds."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from fhir_bridge.sandbox._roche_registry import PROFILES, Json
from fhir_bridge.sandbox._roche_stu3 import RESOURCE_TYPES, Problem, problems

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


def message_problems(bundle: Json, *, patient_id: str | None, systems: Collection[str] | None) -> list[Problem]:
    """Return which rules of STU3, of the profiles and of Roche the message breaks, missing elements first.

    `patient_id` is the id of the URL, None where the patient is created; `systems` are those of identifiers.
    """
    found = [*problems("Bundle", _elements(bundle), "Bundle"), *_patient_count(bundle)]
    if not found:
        found = list(_header_problems(bundle))
        for resource_type in RESOURCE_TYPES:
            found += [each for one in resources(bundle, resource_type) for each in _profile_problems(one)]
        (patient,) = resources(bundle, "Patient")
        found += [*_id_problems(patient, patient_id), *_name_problems(patient), *_system_problems(patient, systems)]
    return _missing_first(found)


def practitioner_problems(
    practitioner: Json, *, id: str | None, systems: Collection[str] | None, as_in_r5: bool
) -> list[Problem]:
    """Return which rules of STU3, of the profile and of Roche the Practitioner breaks, missing elements first.

    `id` is the one of the URL, None where the practitioner is created.
    """
    if practitioner.get("resourceType") != "Practitioner":
        return [Problem("invalid", "The resource is not a Practitioner")]
    type = "PractitionerAsInR5" if as_in_r5 else "Practitioner"
    found = list(problems(type, _elements(practitioner), "Practitioner"))
    if not found:
        found = [*_profile_problems(practitioner), *_id_problems(practitioner, id), *_name_problems(practitioner)]
        found += _system_problems(practitioner, systems)
    return _missing_first(found)


def _elements(resource: Json) -> Json:
    return {name: value for name, value in resource.items() if name != "resourceType"}


def _missing_first(found: list[Problem]) -> list[Problem]:
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


def _profile_problems(resource: Json) -> Iterator[Problem]:
    # INFERRED: a resource need not name its profile (the sample's Condition does not), but if it names any, its own.
    resource_type = str(resource["resourceType"])
    meta = resource.get("meta", {})
    assert isinstance(meta, dict)
    if "profile" in meta and PROFILES[resource_type] not in meta["profile"]:
        yield Problem("invalid", f"{resource_type}.meta.profile is not {PROFILES[resource_type]}")


def _id_problems(resource: Json, id: str | None) -> Iterator[Problem]:
    resource_type = resource["resourceType"]
    if id is None and "id" in resource:
        yield Problem("invalid", f"{resource_type}.id is not allowed: it is given at creation")  # INFERRED
    elif id is not None and "id" not in resource:
        yield Problem("required", f"{resource_type}.id is mandatory")
    elif resource.get("id") != id:
        yield Problem("invalid", f"{resource_type}.id is not the id of the URL")  # INFERRED


def _name_problems(resource: Json) -> Iterator[Problem]:
    names = resource["name"]
    assert isinstance(names, list)
    if len(names) > 1:
        yield Problem("invalid", f"{resource['resourceType']}.name has more than one name")  # INFERRED


def _system_problems(resource: Json, systems: Collection[str] | None) -> Iterator[Problem]:
    identifiers = resource["identifier"]
    assert isinstance(identifiers, list)
    for index, identifier in enumerate(identifiers):
        if systems is not None and identifier["system"] not in systems:
            yield Problem("invalid", f"{resource['resourceType']}.identifier[{index}].system is not accepted")
