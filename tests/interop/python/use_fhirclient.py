"""The SMART client for Python against the sandbox: `use_fhirclient.py BASE`.

It has models of R4, and a server for each base, of which it reads `metadata` before anything else.
https://github.com/smart-on-fhir/client-py
"""

from __future__ import annotations

import sys
from importlib.metadata import version
from typing import Any
from urllib.parse import quote

from fhirclient.client import FHIRClient
from fhirclient.models.bundle import Bundle
from fhirclient.models.fhirdate import FHIRDate
from fhirclient.models.parameters import Parameters
from fhirclient.models.patient import Patient
from fhirclient.server import FHIRNotFoundException
from reporting import BY_IDENTIFIER, NOBODY, PATIENT_OF_HEALTHEX, PREPERSON, Report, request, same
from requests import HTTPError


def server_of(base: str) -> Any:
    """Return the client's server of a base, once it has read what that offers."""
    client = FHIRClient(settings={"app_id": "interop", "api_base": base})
    assert client.prepare(), f"{base} is not open to everybody"
    return client.server


def use(report: Report, base: str) -> None:
    hub, ehealth, healthex = (server_of(url) for url in (base, f"{base}/ehealth", f"{base}/healthex"))

    with report.trying("capability statement"):
        statement = ehealth.capabilityStatement
        same((statement.fhirVersion, statement.rest[0].resource[0].type), ("4.0.1", "Patient"))

    with report.trying("read"):
        patient = Patient.read(PREPERSON, ehealth)
        same(patient.name[0].family, "Іванов")

    with report.trying("search"):
        found = Patient.where({"identifier": BY_IDENTIFIER}).perform_resources_iter(ehealth)
        same([each.id for each in found], [PREPERSON])

    with report.trying("create", "at the hub, by its profile"):
        made = Patient(Patient(request("patient")).create(hub))
        same((made.name[0].family, made.contained[0].code.coding[0].code), ("Roe", "46635009"))

    with report.trying("update"):
        patient.name[0].given = ["Петро", "Степанович"]
        updated = Patient(patient.update())
        same(updated.name[0].given, ["Петро", "Степанович"])

    report.cannot("patch", "the client has no PATCH")

    with report.trying("conditional update"):
        address = f"Patient?identifier={quote(BY_IDENTIFIER)}"
        changed = Patient(ehealth.put_json(address, Patient({"gender": "female"}).as_json()).json())
        same((changed.id, changed.gender), (PREPERSON, "female"))

    with report.trying("operation"):
        parameters = Parameters(request("parameters")).as_json()
        answer = Parameters(healthex.post_json(f"Patient/{PATIENT_OF_HEALTHEX}/$update-data", parameters).json())
        same((answer.parameter[0].name, answer.parameter[0].valueCode), ("message", "IN_PROGRESS_NO_ACTION_NEEDED"))

    with report.trying("validate"):
        checked = ehealth.post_json("Patient/$validate", Patient({"birthDate": "1980"}).as_json()).json()
        same([issue["expression"] for issue in checked["issue"]], [["Patient.birthDate"]])

    with report.trying("batch"):
        answered = Bundle(Bundle(request("batch")).create(hub))
        same([each.response.status for each in answered.entry], ["200 OK", "200 OK", "404 Not Found"])
        same(answered.entry[2].response.outcome.issue[0].code, "not-found")

    with report.trying("message"):
        message = Bundle(request("message")).as_json()
        answered = Bundle(hub.post_json("$process-message", message).json())
        same(answered.entry[1].resource.telecom[0].value, "123456789")

    with report.trying("error"):
        refused_update(ehealth)
        missing_patient(ehealth)


def refused_update(ehealth: Any) -> None:
    """Statuses that the client has no exception for come as that of the library below it."""
    patient = Patient({"id": PREPERSON})
    patient.birthDate = FHIRDate("1980")
    try:
        patient.update(ehealth)
    except HTTPError as error:
        same(error.response.json()["issue"][0]["expression"], ["Patient.birthDate"])
    else:
        raise AssertionError("an incomplete date was taken")


def missing_patient(ehealth: Any) -> None:
    try:
        Patient.read(NOBODY, ehealth)
    except FHIRNotFoundException as error:
        same(error.response.json()["issue"][0]["code"], "not-found")
    else:
        raise AssertionError("somebody who is not there was read")


if __name__ == "__main__":
    use(Report(f"fhirclient {version('fhirclient')} (Python)"), sys.argv[1])
