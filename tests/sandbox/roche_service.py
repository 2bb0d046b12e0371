"""The simulated Roche as a client of it sees it: its headers, the update that the guide prints, its refusals."""

from __future__ import annotations

import copy
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx

from fhir_bridge.sandbox import roche

BASE = "/partners/fhir/stu3/api"
JOHN = "Bj6.1Lq-hvb-28"
HEADERS = {
    "client_id": "1234567890",
    "client_secret": "sandbox-client-secret",
    "org_id": "2.16.724.4.2",
    "x-origin-request-id": "5109d51b-421e-4746-b673-16e3fe2b3442",
    "Content-Type": "application/fhir+json",
}

Json = Any

# The request that "Patient Update v2" prints, as it is: with a placeholder, and an array that STU3 does not know.
UPDATE: Json = json.loads("""
{ "resourceType": "Bundle", "type": "message", "entry": [
  { "resource": { "resourceType": "MessageHeader", "id": "88a37162-3d7c-41c3-89ab-6e25fd68ba00",
      "event": { "code": "new-bundle", "system": "http://roche.com/fhir/rdc/message-type",
                 "display": "New bundle generated" },
      "source": { "endpoint": "<Organization OID>", "software": "EMR middleware", "version": "1.0.0" },
      "timestamp": "2020-03-27T12:21:39.471Z",
      "meta": { "profile": [ "http://roche.com/fhir/rdc/StructureDefinition/message-header" ] } } },
  { "resource": { "resourceType": "Patient",
      "meta": { "profile": [ "http://roche.com/fhir/rdc/StructureDefinition/patient-v2" ] },
      "id": "Bj6.1Lq-hvb-28",
      "identifier": [ { "system": "urn:oid:2.16.724.4.41", "value": "12345678Z" } ],
      "name": [ { "family": "Doe", "given": [ "John" ] } ],
      "telecom": [ { "system": "phone", "value": "123456789" },
                   { "system": "email", "value": "johndoe123@email.com" } ],
      "gender": "male", "birthDate": "1991-01-01",
      "managingOrganization": { "identifier": [ { "system": "urn:oid:", "value": "2.16.724.4.2" } ] } } },
  { "resource": { "resourceType": "Condition", "clinicalStatus": "active",
      "code": { "coding": [ { "system": "http://snomed.info/sct", "code": "426875007",
                              "display": "Latent autoimmune diabetes mellitus in adult (disorder)" } ] },
      "subject": { "reference": "Patient/sample-id-454b-b5c7-f1ed1fb4ght" } } } ] }
""")


@asynccontextmanager
async def roche_client(
    *,
    headers: dict[str, str] | None = None,
    **switches: Any,
) -> AsyncIterator[httpx.AsyncClient]:
    app = roche.create_app(**switches)
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app=app),
        base_url=f"http://roche.test{BASE}",
        headers=HEADERS if headers is None else headers,
    ) as client:
        yield client


def without(*names: str, **replaced: str) -> dict[str, str]:
    return {name: value for name, value in {**HEADERS, **replaced}.items() if name not in names}


def changed(change: Callable[[Json, Json, Json, Json], object]) -> Json:
    """Return the printed update after `change(bundle, header, patient, condition)` has changed a copy of it."""
    bundle = copy.deepcopy(UPDATE)
    change(bundle, *(entry["resource"] for entry in bundle["entry"]))
    return bundle


def outcome(*issues: tuple[str, str]) -> Json:
    return {
        "resourceType": "OperationOutcome",
        "issue": [{"severity": "error", "code": code, "diagnostics": text} for code, text in issues],
    }
