"""The simulated HealthEx's own FHIR R4 server: all that there is of one person, in pages.

Follows https://docs.healthex.io/fhir-server; what stands in the records is invented.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple
from urllib.parse import urlencode

from fhir_bridge.sandbox._healthex_answers import Json, Refusal
from fhir_bridge.sandbox._healthex_patients import Facility, Patient

DEFAULT_COUNT = 30
_BEFORE = "2025-11-03T09:30:00.000Z"
_LATELY = "2026-01-12T16:45:00.000Z"
_KNOWN: tuple[Facility, ...] = ("changed", "unchanged", "unretrievable", "sign-in-expired")


class Asked(NamedTuple):
    """What a query asks for: a page, and which resources. `since` is None where any will do."""

    size: int
    offset: int
    types: tuple[str, ...]
    since: datetime | None
    shape: tuple[tuple[str, str], ...]


def read_query(query: Mapping[str, str]) -> Asked:
    """Return what a query asks for; raises Refusal. INFERRED: that anything is refused, and the texts."""
    wrong = [f"Unknown parameter {name}" for name in query if name not in ("_count", "_offset", "_type", "_since")]
    count, offset = query.get("_count", str(DEFAULT_COUNT)), query.get("_offset", "0")
    wrong += [
        f"{name} must be a whole number" for name, text in (("_count", count), ("_offset", offset)) if not _digits(text)
    ]
    if _digits(count) and int(count) == 0:
        wrong.append("_count must be at least 1")
    since = None
    try:
        since = datetime.fromisoformat(query["_since"]) if "_since" in query else None
    except ValueError:
        wrong.append("_since must be an instant")
    if since is not None and since.tzinfo is None:
        wrong.append("_since must have a time zone")
    if wrong:
        raise Refusal(400, wrong)
    shape = tuple((name, query[name]) for name in ("_type", "_since") if name in query)
    return Asked(int(count), int(offset), tuple(filter(None, query.get("_type", "").split(","))), since, shape)


def _digits(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 10


def everything(patient: Patient, asked: Asked, base: str) -> Json:
    """Return the page of the person's resources that is asked for, as a searchset; `base` has no trailing slash."""
    found = [resource for resource in _resources(patient) if _fits(resource, asked)]
    address = f"{base}/Person/{patient.patient_id}/$everything"
    page = found[asked.offset : asked.offset + asked.size]
    return {
        "resourceType": "Bundle",
        "type": "searchset",
        "total": len(found),
        "link": [{"relation": name, "url": _url(address, asked, at)} for name, at in _links(asked, len(found))],
        "entry": [
            {"fullUrl": f"{base}/{each['resourceType']}/{each['id']}", "resource": each, "search": {"mode": "match"}}
            for each in page
        ],
    }


def _fits(resource: Json, asked: Asked) -> bool:
    if asked.types and resource["resourceType"] not in asked.types:
        return False
    return asked.since is None or datetime.fromisoformat(resource["meta"]["lastUpdated"]) >= asked.since


def _links(asked: Asked, total: int) -> list[tuple[str, int]]:
    links = [("self", asked.offset)]
    if asked.offset + asked.size < total:
        links.append(("next", asked.offset + asked.size))
    if asked.offset > 0:
        links.append(("previous", max(0, asked.offset - asked.size)))
    return links


def _url(address: str, asked: Asked, offset: int) -> str:
    return f"{address}?{urlencode([('_count', asked.size), ('_offset', offset), *asked.shape])}"


def _resources(patient: Patient) -> list[Json]:
    """The person, and a Patient with what belongs to it for each facility that was ever fetched from.

    One without any has the person and one Patient, as was seen.
    """
    known = [facility for facility in patient.facilities if facility in _KNOWN]
    numbers = range(1, max(1, len(known)) + 1)
    ids = [f"{patient.reference_id}-{number}" for number in numbers]
    fetched = [each for id_, facility in zip(ids, known, strict=False) for each in _fetched(id_, facility)]
    return [_person(patient, ids), *map(_patient, ids), *fetched]


def _person(patient: Patient, ids: Sequence[str]) -> Json:
    return {
        "resourceType": "Person",
        "id": patient.patient_id,
        "meta": {"lastUpdated": _BEFORE},
        "name": [{"family": patient.last_name, "given": [patient.first_name]}],
        "link": [{"target": {"reference": f"Patient/{id_}"}} for id_ in ids],
    }


def _patient(id_: str) -> Json:
    return {"resourceType": "Patient", "id": id_, "meta": {"lastUpdated": _BEFORE}, "active": True}


def _fetched(id_: str, facility: Facility) -> list[Json]:
    """What was fetched from one facility."""
    subject = {"reference": f"Patient/{id_}"}
    status = {"system": "http://terminology.hl7.org/CodeSystem/condition-clinical", "code": "active"}
    condition = {
        "resourceType": "Condition",
        "id": f"{id_}-condition",
        "meta": {"lastUpdated": _BEFORE},
        "clinicalStatus": {"coding": [status]},
        "code": {"coding": [{"system": "http://snomed.info/sct", "code": "195967001", "display": "Asthma"}]},
        "subject": subject,
    }
    observation = {
        "resourceType": "Observation",
        "id": f"{id_}-observation",
        "meta": {"lastUpdated": _LATELY if facility == "changed" else _BEFORE},
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": "29463-7", "display": "Body weight"}]},
        "subject": subject,
        "valueQuantity": {"value": 61.5, "unit": "kg", "system": "http://unitsofmeasure.org", "code": "kg"},
    }
    return [condition, observation]
