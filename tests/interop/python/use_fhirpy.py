"""fhirpy against the sandbox: `use_fhirpy.py BASE async` or `use_fhirpy.py BASE sync`.

Its two clients have the same methods; those of the one are awaited. https://github.com/beda-software/fhir-py
"""

from __future__ import annotations

import asyncio
import inspect
import json
import sys
from importlib.metadata import version
from typing import Any
from uuid import uuid4

from fhirpy import AsyncFHIRClient, SyncFHIRClient
from fhirpy.base.exceptions import OperationOutcome, ResourceNotFound
from reporting import BY_IDENTIFIER, NOBODY, PATIENT_OF_HEALTHEX, PREPERSON, Report, request, same

CLIENTS = {"async": AsyncFHIRClient, "sync": SyncFHIRClient}


async def answer(result: Any) -> Any:
    """Return the result, which the asynchronous client still has to fetch."""
    return await result if inspect.isawaitable(result) else result


async def use(report: Report, client_class: Any, base: str) -> None:
    hub, ehealth, healthex = (client_class(url) for url in (base, f"{base}/ehealth", f"{base}/healthex"))
    patients = ehealth.resources("Patient")

    with report.trying("capability statement"):
        statement = await answer(ehealth.execute("metadata", method="get"))
        same((statement.resourceType, statement.fhirVersion), ("CapabilityStatement", "4.0.1"))

    with report.trying("read"):
        patient = await answer(ehealth.reference("Patient", PREPERSON).to_resource())
        same(patient.get_by_path(["name", 0, "family"]), "Іванов")

    with report.trying("search"):
        found = await answer(patients.search(identifier=BY_IDENTIFIER).fetch_all())
        same([each.id for each in found], [PREPERSON])

    with report.trying("create", "at the hub, by its profile, and at eHealth's base"):
        made = hub.resource("Patient", **request("patient"))
        await answer(made.create())
        made["gender"] = "female"
        await answer(made.update())
        code = made.get_by_path(["contained", 0, "code", "coding", 0, "code"])
        same((made["gender"], made.get_by_path(["name", 0, "family"]), code), ("female", "Roe", "46635009"))

        preperson = ehealth.resource("Patient", **request("preperson"))
        await answer(preperson.create())
        await answer(preperson.refresh())
        same((preperson["active"], preperson.get_by_path(["meta", "versionId"]) is not None), (True, True))

    with report.trying("update"):
        patient["name"][0]["given"] = ["Петро", "Степанович"]
        await answer(patient.update())
        same(patient["name"][0]["given"], ["Петро", "Степанович"])

    with report.trying("patch", "sends a JSON Merge Patch as application/json"):
        await answer(patient.patch(birthDate="1981-02-03"))
        same((patient["birthDate"], patient["name"][0]["family"]), ("1981-02-03", "Іванов"))

    with report.trying("conditional update"):
        change = ehealth.resource("Patient", gender="female")
        updated, created = await answer(patients.search(identifier=BY_IDENTIFIER).update(change))
        same((updated.id, updated["gender"], created), (PREPERSON, "female", False))

    with report.trying("operation"):
        of_healthex = healthex.reference("Patient", PATIENT_OF_HEALTHEX)
        parameters = await answer(of_healthex.execute("$update-data", data=request("parameters")))
        same(parameters["parameter"][0], {"name": "message", "valueCode": "IN_PROGRESS_NO_ACTION_NEEDED"})
        for name, grant in (("$exchange-code", authorization_code()), ("$refresh-token", refresh_token())):
            tokens = await answer(ehealth.execute(name, data=grant))
            same([each["name"] for each in tokens["parameter"]][:3], ["accessToken", "expiresAt", "refreshToken"])
        await search_for_a_donor(client_class(f"{base}/wmda"))
        await fetch_records(healthex)

    with report.trying("validate"):
        same(await answer(ehealth.resource("Patient", gender="female").is_valid()), True)
        same(await answer(ehealth.resource("Patient", gender="robot").is_valid()), False)

    with report.trying("batch"):
        bundle = await answer(hub.execute("", data=request("batch")))
        same([each.response.status for each in bundle.entry], ["200 OK", "200 OK", "404 Not Found"])
        same(bundle.entry[2].response.outcome.issue[0].code, "not-found")

    with report.trying("message"):
        bundle = await answer(hub.execute("$process-message", data=request("message")))
        same(bundle.entry[1].resource.telecom[0]["value"], "123456789")

    with report.trying("error"):
        await refused_update(ehealth)
        await missing_patient(ehealth)
        await refused_create(patients)


def authorization_code() -> Any:
    """Return a code, for a user's token, that was never used at the sandbox."""
    told = [
        {"name": "code", "valueString": f"code-good-{uuid4()}"},
        {"name": "redirectUri", "valueUri": "https://mis.example.org/signed-in"},
        {"name": "scope", "valueString": "preperson:read"},
    ]
    return {"resourceType": "Parameters", "parameter": told}


def refresh_token() -> Any:
    """Return a refresh token of the sandbox that was never used."""
    token = {"name": "refreshToken", "valueString": f"refresh-good-{uuid4()}"}
    return {"resourceType": "Parameters", "parameter": [token]}


async def search_for_a_donor(wmda: Any) -> None:
    """A patient is registered, searched for, found in the list, and changed."""
    made = wmda.resource("Patient", **request("wmda-patient"))
    await answer(made.create())
    started = await answer(made.execute("$start-search", data=request("start-search")))
    same(started["parameter"][0]["name"], "searchId")
    listed = await answer(wmda.resources("Patient").search(search_status="PRE").fetch_all())
    same([each.id for each in listed if each.id == made.id], [made.id])
    await answer(made.patch(birthDate="1984-03-01"))
    before, made["gender"] = made["extension"], "male"
    await answer(made.update())
    same((made["birthDate"], made["gender"], made["extension"]), ("1984-03-01", "male", before))


async def fetch_records(healthex: Any) -> None:
    """Patients are added by a batch; one of them gets a link, consents, is updated in a cohort, and has records."""
    bundle = await answer(healthex.execute("", data=two_patients()))
    same([each.response.status for each in bundle.entry], ["201 Created"] * 2)
    ids = [each.response.location.rpartition("/")[2] for each in bundle.entry]
    link = await answer(healthex.execute(f"Patient/{ids[0]}/$enrollment-link", data=external_id(0)))
    same(link["parameter"][0]["valueUrl"].startswith("https://app.healthex.io/"), True)
    consents = await answer(healthex.resources("Consent").search(patient=f"Patient/{ids[0]}").fetch_all())
    same([each["status"] for each in consents], ["active", "active", "rejected"])
    study = await answer(consents[0].get_by_path(["extension", 0, "valueReference"]).to_resource())
    same((study.resourceType, study["status"]), ("ResearchStudy", "active"))
    cohort = [{"name": "patient", "valueReference": {"reference": f"Patient/{each}"}} for each in ids]
    data = {"resourceType": "Parameters", "parameter": cohort}
    results = await answer(healthex.execute("Patient/$update-data", data=data))
    same([each["part"][1]["valueInteger"] for each in results["parameter"]], [200, 200])
    url, count = f"Person/{ids[0]}/$everything", {"_count": 1}
    page = await answer(healthex.execute(url, method="get", params=count))
    same((page["total"], [each.relation for each in page.link]), (2, ["self", "next"]))


RUN = str(uuid4())


def two_patients() -> Any:
    """Return a batch that adds two patients, whom nobody has added before."""
    bundle = request("healthex-patients")
    for number, entry in enumerate(bundle["entry"]):
        entry["resource"]["identifier"][0]["value"] = f"{RUN}-{number}"
    return bundle


def external_id(number: int) -> Any:
    parameter = {"name": "externalId", "valueString": f"{RUN}-{number}"}
    return {"resourceType": "Parameters", "parameter": [parameter]}


async def refused_update(ehealth: Any) -> None:
    """The client's OperationOutcome holds ours as it is."""
    try:
        await answer(ehealth.resource("Patient", id=PREPERSON, birthDate="1980").update())
    except OperationOutcome as error:
        same(error.resource["issue"][0]["expression"], ["Patient.birthDate"])
    else:
        raise AssertionError("an incomplete date was taken")


async def missing_patient(ehealth: Any) -> None:
    """The client's ResourceNotFound holds our OperationOutcome as text."""
    try:
        await answer(ehealth.get("Patient", NOBODY))
    except ResourceNotFound as error:
        same(json.loads(str(error))["issue"][0]["code"], "not-found")
    else:
        raise AssertionError("somebody who is not there was read")


async def refused_create(patients: Any) -> None:
    """It asks for a conditional create as `POST Patient?identifier=...`; no partner can search for one."""
    try:
        await answer(patients.search(identifier=BY_IDENTIFIER).get_or_create(patients.client.resource("Patient")))
    except OperationOutcome as error:
        same(error.resource["issue"][0]["code"], "not-supported")
    else:
        raise AssertionError("a Patient was created")


if __name__ == "__main__":
    base_url, kind = sys.argv[1:]
    asyncio.run(use(Report(f"fhirpy {version('fhirpy')} ({kind})"), CLIENTS[kind], base_url))
