"""One line for each interaction, which tells an operator what happened, and nobody who the patient is."""

import json
import logging
import re

import httpx
import pytest

from fhir_bridge.bridge import Bridge
from fhir_bridge.fhir.interaction import FhirResponse, Interaction
from fhir_bridge.mapping.routes import Routes
from fhir_bridge.server import create_app
from tests.outcomes import issue, outcome, parameters
from tests.server.roche_sample import REQUEST
from tests.serving import SANDBOX, Canned, client_of, gateway

pytestmark = pytest.mark.anyio

ID = "7c3da506-804d-4550-8993-bf17f9ee0402"
REQUEST_ID = {"X-Request-Id": "run-7"}


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.INFO, "fhir_bridge")
    return caplog


def lines(log: pytest.LogCaptureFixture) -> list[str]:
    """Return the bridge's own lines, with the level first and the duration as `0.0 ms`."""
    own = [record for record in log.records if record.name.startswith("fhir_bridge")]
    return [re.sub(r"\d+\.\d ms$", "0.0 ms", f"{record.levelname} {record.getMessage()}") for record in own]


@pytest.mark.parametrize(
    ("method", "path", "body", "line"),
    [
        ("GET", f"ehealth/Patient/{ID}", None, "INFO run-7 read ehealth/Patient 200 0.0 ms"),
        ("HEAD", f"ehealth/Patient/{ID}", None, "INFO run-7 read ehealth/Patient 200 0.0 ms"),
        (
            "PUT",
            f"ehealth/Patient/{ID}",
            {"resourceType": "Patient", "id": ID, "gender": "male"},
            "INFO run-7 update ehealth/Patient 200 0.0 ms",
        ),
        ("PUT", f"ehealth/Patient/{ID}", {"resourceType": "Patient"}, "INFO run-7 update ehealth/Patient 400 0.0 ms"),
        ("PATCH", f"ehealth/Patient/{ID}", parameters(), "INFO run-7 patch ehealth/Patient 400 0.0 ms"),
        (
            "POST",
            "healthex/Patient/17d4513f-73e8/$update-data",
            None,
            "INFO run-7 $update-data healthex/Patient 200 0.0 ms",
        ),
        (
            "POST",
            "wmda/Patient/999999/$update-search-status",
            parameters({"name": "status", "valueCode": "SUS"}),
            "INFO run-7 $update-search-status wmda/Patient 404 0.0 ms",
        ),
        ("PUT", "roche/Bundle/Bj6.1Lq-hvb-28", json.loads(REQUEST), "INFO run-7 update roche/Bundle 200 0.0 ms"),
        ("GET", "metadata", None, "INFO run-7 capabilities hub/- 200 0.0 ms"),
        ("GET", "ehealth/metadata", None, "INFO run-7 capabilities ehealth/- 200 0.0 ms"),
        ("DELETE", f"ehealth/Patient/{ID}", None, "INFO run-7 delete ehealth/Patient 405 0.0 ms"),
        ("GET", f"nobody/Patient/{ID}", None, "INFO run-7 GET hub/- 404 0.0 ms"),
        ("PUT", f"ehealth/Patient/{ID}", "no JSON", "INFO run-7 PUT ehealth/- 400 0.0 ms"),
    ],
)
async def test_one_line_for_each_interaction(
    client: httpx.AsyncClient, log: pytest.LogCaptureFixture, method: str, path: str, body: object, line: str
) -> None:
    """Request id, what, where, status, duration; a request that cannot be read has its method and base."""
    content = None if body is None else body if isinstance(body, str) else json.dumps(body)

    await client.request(
        method, f"/fhir/{path}", content=content, headers=REQUEST_ID | {"Content-Type": "application/fhir+json"}
    )

    assert lines(log) == [line]


async def test_a_posted_search_that_is_refused_has_its_line(
    client: httpx.AsyncClient, log: pytest.LogCaptureFixture
) -> None:
    """Whatever is wrong with it: here a format that its body asks for."""
    form = {"Content-Type": "application/x-www-form-urlencoded"}

    await client.post("/fhir/ehealth/Patient/_search", content="_id=x&_format=html", headers=REQUEST_ID | form)

    assert lines(log) == ["INFO run-7 POST ehealth/- 406 0.0 ms"]


@pytest.mark.parametrize(("id_", "status"), [(ID, 200), ("nobody", 404)])
async def test_an_entry_of_a_transaction_has_its_line(
    client: httpx.AsyncClient, log: pytest.LogCaptureFixture, id_: str, status: int
) -> None:
    """That which fails it too."""
    entry = {"request": {"method": "GET", "url": f"Patient/{id_}"}}
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": [entry]}

    await client.post("/fhir/ehealth", json=bundle, headers=REQUEST_ID)

    assert lines(log) == [
        f"INFO run-7#0 read ehealth/Patient {status} 0.0 ms",
        f"INFO run-7 batch ehealth/- {status} 0.0 ms",
    ]


async def test_the_line_has_the_request_id_of_the_answer(
    client: httpx.AsyncClient, log: pytest.LogCaptureFixture
) -> None:
    """So that one can be found by the other."""
    response = await client.get("/fhir/metadata")

    (line,) = lines(log)
    assert line.split()[1] == response.headers["x-request-id"]


async def test_unknown_codes_are_named_with_their_field(
    client: httpx.AsyncClient, log: pytest.LogCaptureFixture
) -> None:
    """A warning for each, so that somebody mends the table."""
    await client.get("/fhir/ehealth/Patient/00000000-0000-4000-8000-000000000003", headers=REQUEST_ID)

    assert lines(log) == [
        "INFO run-7 read ehealth/Patient 200 0.0 ms",
        "WARNING run-7 unknown code in field gender: UNSPECIFIED",
        "WARNING run-7 unknown code in field emergency_contact.phones[0].type: SATELLITE",
    ]


SECRETS = [
    value
    for name, value in SANDBOX.items()
    if name.endswith(("_KEY", "_SECRET", "_TOKEN", "_CLIENT_ID")) and not value.endswith(".key")
]


async def test_no_line_holds_a_patient_an_id_or_a_secret(
    client: httpx.AsyncClient, log: pytest.LogCaptureFixture
) -> None:
    """Not of a good call, not of a bad one, not of one that the partner refuses."""
    body = {
        "resourceType": "Patient",
        "id": ID,
        "name": [{"family": "Шевченко", "given": ["Тарас"]}],
        "birthDate": "2190-03-09",
        "gender": "other",
    }
    client.headers.update(REQUEST_ID)  # among the digits of a new one there may be a year, as in those of a duration
    for sent in (body, {**body, "gender": "male"}, {**body, "gender": "male", "birthDate": "1814-03-09"}):
        await client.put(f"/fhir/ehealth/Patient/{ID}", json=sent, headers={"Authorization": "Bearer of-the-user"})
    await client.put("/fhir/roche/Bundle/Bj6.1Lq-hvb-28", json=json.loads(REQUEST), headers={"org_id": "1.2.3"})
    await client.post("/fhir/healthex/Patient/never-added/$update-data")

    written = "\n".join(lines(log))
    assert len(lines(log)) == 5
    assert [
        word
        for word in (ID, "Bj6.1Lq-hvb-28", "never-added", "Шевченко", "Тарас", "1814", "2190", "Doe", "of-the-user")
        if word in written
    ] == []
    assert [secret for secret in SECRETS if secret in written] == []


@pytest.mark.parametrize(
    ("method", "path", "line"),
    [
        ("POST", "ehealth/Patient/1/$x%0aINFO%20forged", "INFO run-7 $? ehealth/Patient 404 0.0 ms"),
        ("POST", "ehealth/Patient/1/$%D0%86%D0%B2%D0%B0%D0%BD", "INFO run-7 $? ehealth/Patient 404 0.0 ms"),
        ("GET", "ehealth/Shevchenko/1", "INFO run-7 read ehealth/- 404 0.0 ms"),
        ("GET", "ehealth/Patient/a%0aINFO%20forged", "INFO run-7 read ehealth/Patient 404 0.0 ms"),
    ],
)
async def test_a_client_cannot_write_to_the_log(
    client: httpx.AsyncClient, log: pytest.LogCaptureFixture, method: str, path: str, line: str
) -> None:
    """No line of its own, and no text that is not FHIR's."""
    await client.request(method, f"/fhir/{path}", headers=REQUEST_ID)

    assert lines(log) == [line]


async def test_a_partner_cannot_write_to_the_log(
    canned: httpx.AsyncClient, partner: Canned, log: pytest.LogCaptureFixture
) -> None:
    """A code is what it sends, and may be anything."""
    partner.answer(200, {"data": {"id": ID, "gender": "X\nINFO forged"}})

    await canned.get(f"/fhir/ehealth/Patient/{ID}", headers=REQUEST_ID)

    assert lines(log) == [
        "INFO run-7 read ehealth/Patient 200 0.0 ms",
        "WARNING run-7 unknown code in field gender: (unprintable)",
    ]


class _Broken(Bridge):
    async def handle(self, interaction: Interaction) -> FhirResponse:
        raise KeyError("Шевченко")


async def test_a_crash_is_told_to_the_log_and_not_to_the_client(routes: Routes, log: pytest.LogCaptureFixture) -> None:
    """The client reads the request id, by which the traceback can be found."""
    app = create_app(_Broken(routes, gateway(routes, Canned().everywhere(), None)))

    async with client_of(app) as client:
        response = await client.get(f"/fhir/ehealth/Patient/{ID}", headers=REQUEST_ID)

    assert response.status_code == 500
    assert response.json() == outcome(
        issue("internal-error", "exception", "The bridge failed; its log says more under the request id run-7.")
    )
    assert lines(log) == ["ERROR run-7 failed", "INFO run-7 read ehealth/Patient 500 0.0 ms"]
    assert log.records[0].exc_info is not None
