"""A fifth partner, added with YAML and JSON alone: Northlab, a laboratory that posts collection kits.

Its answers are written down here; nothing of it is known to the package.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path

import httpx
import pytest

from fhir_bridge import Bridge, Gateway, create_app, load_routes
from fhir_bridge.canonical import CANONICAL
from fhir_bridge.cli import main
from fhir_bridge.fhir.json import dumps, loads
from fhir_bridge.mapping.routes import Routes
from fhir_bridge.outcome import Json
from fhir_bridge.sandbox import settings

pytestmark = pytest.mark.anyio

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
CLIENT = "/fhir/northlab/Patient/NL-00042"

NORTHLAB = {
    "NORTHLAB_URL": "https://api.northlab.test/lab",
    "NORTHLAB_LOGIN": "bridge",
    "NORTHLAB_PASSWORD": "open sesame",
    "NORTHLAB_SITE": "oslo-2",
    "NORTHLAB_COST_CENTRE": "4711",
}
SHIPPED = settings() | {"ROCHE_CLIENT_CERT": "client.pem", "ROCHE_CLIENT_KEY": "key.pem"}

RECORD = """{"client": {
  "clientNumber": "NL-00042", "printedNumber": "0042-7", "nationalNumber": "29028412345", "open": true,
  "revision": 17, "changed": "2026-03-01T09:15:00.120+01:00", "email": "liv@example.org",
  "person": {
    "names": {"surname": "Berg", "first": "Liv", "middle": "Marie"},
    "sex": "F", "born": "1984-02-29", "birthOrder": 2, "weightKg": 61.50},
  "addresses": [
    {"kind": "HOME", "street": "Storgata 1", "careOf": "c/o Dahl", "zip": "0155", "town": "Oslo", "country": "NO",
     "since": "2019-08-01"},
    {"kind": "CABIN", "street": "Fjellveien 9", "zip": "2680", "town": "Vågå", "country": "NO"}],
  "kin": {"name": "Ola Berg", "bond": "BROTHER"}, "language": "nb", "doctors": ["D-7", "D-12"],
  "loyaltyPoints": 12}}"""

PATIENT: Json = {
    "resourceType": "Patient",
    "id": "NL-00042",
    "meta": {"versionId": "17", "lastUpdated": "2026-03-01T09:15:00.120+01:00"},
    "extension": [
        {
            "url": f"{CANONICAL}/StructureDefinition/northlab-body-weight",
            "valueQuantity": {"system": "http://unitsofmeasure.org", "code": "kg", "value": Decimal("61.50")},
        }
    ],
    "identifier": [
        {"system": f"{CANONICAL}/sid/northlab-card", "value": "0042-7"},
        {"system": "urn:oid:2.16.578.1.12.4.1.4.1", "value": "29028412345"},
    ],
    "active": True,
    "name": [{"use": "usual", "family": "Berg", "given": ["Liv", "Marie"]}],
    "telecom": [{"system": "email", "value": "liv@example.org"}],
    "gender": "female",
    "birthDate": "1984-02-29",
    "multipleBirthInteger": 2,
    "address": [
        {
            "use": "home",
            "line": ["Storgata 1", "c/o Dahl"],
            "city": "Oslo",
            "postalCode": "0155",
            "country": "NO",
            "period": {"start": "2019-08-01"},
        },
        {"use": "temp", "line": ["Fjellveien 9"], "city": "Vågå", "postalCode": "2680", "country": "NO"},
    ],
    "contact": [
        {
            "relationship": [
                {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0131", "code": "N"}]},
                {"coding": [{"system": "https://northlab.example/bond", "code": "BROTHER"}]},
            ],
            "name": {"text": "Ola Berg"},
        }
    ],
    "communication": [
        {"language": {"coding": [{"system": "urn:ietf:bcp:47", "code": "nb"}]}, "preferred": True},
    ],
    "generalPractitioner": [{"reference": "Practitioner/D-7"}, {"reference": "Practitioner/D-12"}],
}

ORDER: Json = {
    "resourceType": "Parameters",
    "parameter": [
        {"name": "programme", "valueString": "colon 50+"},
        {"name": "test", "valueCode": "FIT"},
        {"name": "quantity", "valuePositiveInt": 2},
        {"name": "needBy", "valueDate": "2026-03-20"},
        {"name": "express", "valueBoolean": False},
        {"name": "maxCost", "valueDecimal": 250},
    ],
}


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What ships with the bridge, and Northlab's files beside it."""
    merged = tmp_path_factory.mktemp("five")
    for kind in ("mappings", "profiles"):
        shutil.copytree(ROOT / kind, merged / kind)
        shutil.copytree(HERE / kind, merged / kind, dirs_exist_ok=True)
    return merged


@pytest.fixture(scope="module")
def routes(folder: Path) -> Routes:
    return load_routes(folder / "mappings", folder / "profiles", SHIPPED | NORTHLAB)


def answer(status: int, body: Json, **headers: str) -> httpx.Response:
    """Return an answer of Northlab; a text goes as it is."""
    content = body if isinstance(body, str) else json.dumps(body)
    return httpx.Response(status, content=content.encode(), headers=headers)


def session(key: str = "key-1") -> httpx.Response:
    return answer(201, {"sessionKey": key, "validForSeconds": 1800})


class Lab:
    """The bridge in front of a Northlab that answers what it is told to; keeps its requests.

    What is asked of a client's doctors is answered with `doctors`, whenever it is asked.
    """

    def __init__(self, routes: Routes, *answers: httpx.Response, doctors: httpx.Response | None = None) -> None:
        self.requests: list[httpx.Request] = []
        self._answers = list(answers)
        self._doctors = doctors or answer(200, {"doctors": {"active": []}})
        transports = {partner.name: self._transport(partner.name) for partner in routes.configured()}
        connections = [partner.connection for partner in routes.configured() if partner.connection is not None]
        self.bridge = Bridge(routes, Gateway(connections, transports=transports))

    def _transport(self, partner: str) -> httpx.AsyncBaseTransport:
        async def handle(request: httpx.Request) -> httpx.Response:
            assert partner == "northlab", f"{partner} was called"
            if request.url.path.endswith("/doctors"):
                assert request.url.query == b"state=ACTIVE"
                return httpx.Response(self._doctors.status_code, content=self._doctors.content)
            self.requests.append(request)
            return self._answers.pop(0)

        return httpx.MockTransport(handle)

    async def call(self, method: str, url: str, body: Json = None, **headers: str) -> httpx.Response:
        """Send one FHIR call to the bridge; `Content_Type` is a header's name with its hyphen."""
        content = None if body is None else dumps(body)
        names = {"Content-Type": "application/fhir+json"} | {k.replace("_", "-"): v for k, v in headers.items()}
        async with self.bridge, httpx.AsyncClient(transport=self._app(), base_url="http://bridge.test") as client:
            return await client.request(method, url, content=content, headers=names)

    def _app(self) -> httpx.ASGITransport:
        return httpx.ASGITransport(app=create_app(self.bridge))

    def sent(self) -> list[tuple[str, Json]]:
        """Return method, path and body of each request after the session's."""
        return [
            (f"{request.method} {request.url.raw_path.decode()}", json.loads(request.content or "null"))
            for request in self.requests
            if not request.url.path.endswith("/sessions")
        ]


def resource(response: httpx.Response) -> Json:
    return loads(response.content)


def issue(error: str, code: str, text: str, expression: str | None = None, **more: str) -> Json:
    """Return one issue of an OperationOutcome; `reason` is Northlab's own code."""
    codings = [{"system": f"{CANONICAL}/CodeSystem/bridge-error", "code": error}]
    if "reason" in more:
        codings.append({"system": f"{CANONICAL}/CodeSystem/northlab-error", "code": more["reason"]})
    whole: Json = {"severity": more.get("severity", "error"), "code": code}
    whole["details"] = {"coding": codings, "text": text}
    if "diagnostics" in more:
        whole["diagnostics"] = more["diagnostics"]
    return whole | ({"expression": [expression]} if expression else {})


def outcome(*issues: Json) -> Json:
    return {"resourceType": "OperationOutcome", "issue": list(issues)}


def patient(**elements: Json) -> Json:
    """Return a small Patient with other elements."""
    return {"resourceType": "Patient", "id": "NL-00042", "name": [{"family": "Berg"}], **elements}


def parameters(**values: Json) -> Json:
    return [{"name": name, **value} for name, value in values.items()]


# --- the files ---


def test_the_partner_is_yaml_and_json_and_nothing_else() -> None:
    files = [path for path in HERE.rglob("*") if path.is_file() and path.suffix != ".pyc"]

    assert {path.suffix for path in files if path != Path(__file__)} == {".yaml", ".json"}
    assert {path.parent.name for path in files if path != Path(__file__)} == {"mappings", "profiles"}


def test_the_check_command_accepts_it_beside_the_four_that_ship(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check", str(folder / "mappings")]) == 0

    lines = dict(line.split(": ", 1) for line in capsys.readouterr().out.splitlines())
    assert list(lines) == ["ehealth", "healthex", "northlab", "roche", "wmda"]
    assert lines["northlab"].split(", ")[:4] == [
        "read Patient",
        "update Patient",
        "patch Patient",
        "create Patient",
    ]


async def test_a_partner_whose_address_is_not_set_says_which_variable_to_set(folder: Path) -> None:
    without = load_routes(folder / "mappings", folder / "profiles", SHIPPED)

    response = await Lab(without).call("GET", CLIENT)

    text = "Northlab is not configured here; set NORTHLAB_URL and start again."
    assert (response.status_code, resource(response)) == (
        404,
        outcome(issue("partner-not-configured", "not-supported", text)),
    )


# --- read ---


async def test_a_read_logs_in_and_gets_the_client(routes: Routes) -> None:
    lab = Lab(routes, session(), answer(200, RECORD))

    response = await lab.call("GET", CLIENT)

    login, read = lab.requests
    assert (login.method, str(login.url)) == ("POST", "https://api.northlab.test/lab/v3/sessions")
    assert json.loads(login.content) == {"login": "bridge", "password": "open sesame"}
    assert login.headers["X-Lab-Site"] == "oslo-2"
    assert (read.method, str(read.url)) == ("GET", "https://api.northlab.test/lab/v3/clients/NL-00042")
    assert (read.headers["Authorization"], read.headers["X-Lab-Site"]) == ("Bearer key-1", "oslo-2")
    assert (read.content, "X-Lab-Unit" in read.headers) == (b"", False)
    assert (response.status_code, resource(response)) == (200, PATIENT)
    assert response.headers["ETag"] == 'W/"17"'
    assert response.headers["Last-Modified"] == "Sun, 01 Mar 2026 08:15:00 GMT"


@pytest.mark.parametrize(
    ("doctors", "shown"),
    [
        (answer(200, {"doctors": {"active": [{"name": "Kari Lie"}, {"name": "Per Moe"}]}}), ["Kari Lie", "Per Moe"]),
        (answer(403, {"fault": {"summary": "not for you"}}), None),
    ],
)
async def test_a_read_tells_the_doctors_as_well_or_that_they_may_not_be_seen(
    routes: Routes, doctors: httpx.Response, shown: list[str] | None
) -> None:
    lab = Lab(routes, session(), answer(200, RECORD), doctors=doctors)

    read = resource(await lab.call("GET", CLIENT))

    if shown is not None:
        named = [{"display": name} for name in shown]
        assert read == {**PATIENT, "generalPractitioner": [*PATIENT["generalPractitioner"], *named]}
    else:
        assert read["meta"].pop("tag")[0]["code"] == "SUBSETTED"
        assert read == PATIENT


async def test_a_read_fails_with_the_call_that_its_doctors_are_asked_for_with(routes: Routes) -> None:
    """404 would say that there is no such client."""
    lab = Lab(routes, session(), answer(200, RECORD), doctors=answer(404, {"fault": {"summary": "no such address"}}))

    response = await lab.call("GET", CLIENT)

    said = "The record was read; what failed is the further call of it, GET /v3/clients/{id}/doctors?state=ACTIVE."
    assert (response.status_code, resource(response)) == (
        502,
        outcome(
            issue("partner-refused", "not-found", "Northlab does not know this.", diagnostics="no such address"),
            issue("step-failed", "informational", said, severity="information"),
        ),
    )


async def test_staff_of_the_laboratory_keep_their_own_session(folder: Path) -> None:
    """Without a login of the bridge's own, theirs goes through, and is renewed."""
    theirs = {name: value for name, value in NORTHLAB.items() if name not in ("NORTHLAB_LOGIN", "NORTHLAB_PASSWORD")}
    app = {"NORTHLAB_APP": "app-7", "NORTHLAB_APP_SECRET": "sesame"}
    routes = load_routes(folder / "mappings", folder / "profiles", SHIPPED | theirs | app)
    session = {"session": {"key": "staff-2", "renewalKey": "renewal-2", "validForSeconds": 1800}}
    lab = Lab(routes, answer(401, {}), answer(201, session), answer(200, RECORD))

    response = await lab.call("GET", CLIENT, Authorization="Bearer staff-1", X_Lab_Renewal="renewal-1")

    renewal = {"app": {"id": "app-7", "secret": "sesame"}, "renewalKey": "renewal-1"}
    read = ("GET /lab/v3/clients/NL-00042", None)
    assert lab.sent() == [read, ("POST /lab/v3/sessions/renewed", renewal), read]
    assert [request.headers.get("Authorization") for request in lab.requests] == [
        "Bearer staff-1",
        None,
        "Bearer staff-2",
    ]
    assert (response.status_code, resource(response)) == (200, PATIENT)


async def test_the_present_version_can_be_read_by_its_id_and_no_other(routes: Routes) -> None:
    lab = Lab(routes, session(), answer(200, RECORD), answer(200, RECORD))

    present = await lab.call("GET", f"{CLIENT}/_history/17")
    older = await lab.call("GET", f"{CLIENT}/_history/16")

    text = "No older version of anything is kept here; read the present one."
    assert (present.status_code, resource(present), present.headers["ETag"]) == (200, PATIENT, 'W/"17"')
    assert (older.status_code, resource(older)) == (404, outcome(issue("unknown-path", "not-supported", text)))
    assert lab.sent() == [("GET /lab/v3/clients/NL-00042", None)] * 2


async def test_a_decimal_keeps_its_digits_in_both_directions(routes: Routes) -> None:
    lab = Lab(routes, session(), answer(200, RECORD), answer(200, RECORD))
    async with lab.bridge, httpx.AsyncClient(transport=lab._app(), base_url="http://bridge.test") as client:
        read = await client.get(CLIENT)
        await client.put(CLIENT, content=read.content, headers={"Content-Type": "application/fhir+json"})

    assert '"value":61.50' in read.text
    assert b'"weightKg":61.50' in lab.requests[-1].content


def sample(kind: str, ml: Json) -> Json:
    parts = [{"url": "kind", "valueCode": kind}, {"url": "ml", "valueDecimal": ml}]
    return {"url": f"{CANONICAL}/StructureDefinition/northlab-sample", "extension": parts}


async def test_extensions_with_parts_are_told_by_one_of_the_parts(routes: Routes) -> None:
    samples = [sample("urine", 50), sample("blood", Decimal("8.0"))]
    record = json.loads(RECORD)
    record["client"]["person"] = {"samples": {"bloodMl": 8, "urineMl": 50}}
    lab = Lab(routes, session(), answer(200, record))

    response = await lab.call("PUT", CLIENT, patient(extension=samples))

    sent = {"samples": {"bloodMl": 8, "urineMl": 50}, "names": {"surname": "Berg"}}
    assert lab.sent() == [("PATCH /lab/v3/clients/NL-00042", {"person": sent})]
    assert resource(response)["extension"] == [sample("blood", 8), sample("urine", 50)]


async def test_a_whole_number_is_sent_of_whole_decimals_alone(routes: Routes) -> None:
    lab = Lab(routes)

    response = await lab.call("PUT", CLIENT, patient(extension=[sample("blood", Decimal("8.5"))]))

    text = "`value` cannot be sent: a whole number is expected here."
    place = "Patient.extension[0].extension[1].value"
    assert (response.status_code, resource(response)) == (422, outcome(issue("cannot-be-sent", "value", text, place)))
    assert lab.requests == []


async def test_an_optional_variable_that_is_set_becomes_a_header(folder: Path) -> None:
    environment = SHIPPED | NORTHLAB | {"NORTHLAB_UNIT": "blood"}
    lab = Lab(load_routes(folder / "mappings", folder / "profiles", environment), session(), answer(200, RECORD))

    await lab.call("GET", CLIENT)

    assert [request.headers["X-Lab-Unit"] for request in lab.requests] == ["blood", "blood"]


async def test_one_session_serves_many_calls_and_a_refused_one_is_renewed_once(routes: Routes) -> None:
    refused = answer(401, {"fault": {"reason": "SESSION", "summary": "The session has ended"}})
    lab = Lab(routes, session(), answer(200, RECORD), refused, session("key-2"), answer(200, RECORD))
    async with lab.bridge, httpx.AsyncClient(transport=lab._app(), base_url="http://bridge.test") as client:
        statuses = [(await client.get(CLIENT)).status_code for _ in range(2)]

    keys = [request.headers.get("Authorization") for request in lab.requests]
    assert (statuses, keys) == ([200, 200], [None, "Bearer key-1", "Bearer key-1", None, "Bearer key-2"])


async def test_a_record_of_somebody_else_is_never_handed_out(routes: Routes) -> None:
    lab = Lab(routes, session(), answer(200, RECORD.replace("NL-00042", "NL-00043")))

    response = await lab.call("GET", CLIENT)

    text = (
        "Northlab answered with status 200, but its answer cannot be read: "
        "it is the record of another id than the one that was asked for."
    )
    assert (response.status_code, resource(response)) == (
        502,
        outcome(issue("partner-answer-unreadable", "exception", text)),
    )


# --- lists ---


async def test_a_list_is_one_call_and_its_links_lead_to_the_other_pages(routes: Routes) -> None:
    page = {"page": {"clients": [{"clientNumber": "NL-00042", "open": True, "born": "1984-02-29"}], "found": 3}}
    lab = Lab(routes, session(), answer(200, page))

    response = await lab.call("GET", "/fhir/northlab/Patient?active=true&_count=1&_offset=1")

    base = "http://bridge.test/fhir/northlab/Patient"
    assert lab.sent() == [("GET /lab/v3/clients?open=true&pageSize=1&from=1", None)]
    assert (response.status_code, resource(response)) == (
        200,
        {
            "resourceType": "Bundle",
            "type": "searchset",
            "total": 3,
            "link": [
                {"relation": "self", "url": f"{base}?active=true&_count=1&_offset=1"},
                {"relation": "next", "url": f"{base}?active=true&_count=1&_offset=2"},
                {"relation": "previous", "url": f"{base}?active=true&_count=1"},
            ],
            "entry": [
                {
                    "fullUrl": f"{base}/NL-00042",
                    "resource": {
                        "resourceType": "Patient",
                        "id": "NL-00042",
                        "meta": {
                            "tag": [
                                {
                                    "system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue",
                                    "code": "SUBSETTED",
                                }
                            ]
                        },
                        "active": True,
                        "birthDate": "1984-02-29",
                    },
                    "search": {"mode": "match"},
                }
            ],
        },
    )


async def test_a_list_may_be_asked_for_by_post_and_lie_in_lists(routes: Routes) -> None:
    households = [
        {"clientNumber": "NL-00042", "relatives": [{"relativeNumber": "R-1", "born": "2012-05-01"}]},
        {"clientNumber": "NL-00042", "relatives": []},
    ]
    lab = Lab(routes, session(), answer(200, households))

    response = await lab.call("GET", "/fhir/northlab/RelatedPerson?patient=Patient/NL-00042")

    constants = {"kind": "kin", "degrees": [1, 2], "dead": False, "lists": ["open"]}
    assert lab.sent() == [("POST /lab/v3/relatives/find", {**constants, "client": {"number": "NL-00042"}})]
    assert [entry["resource"] for entry in resource(response)["entry"]] == [
        {
            "resourceType": "RelatedPerson",
            "id": "R-1",
            "patient": {"identifier": {"value": "NL-00042"}},
            "birthDate": "2012-05-01",
        }
    ]


async def test_the_statement_lists_the_parameters_of_a_list(routes: Routes) -> None:
    response = await Lab(routes).call("GET", "/fhir/northlab/metadata")

    found = {each["type"]: each.get("searchParam") for each in resource(response)["rest"][0]["resource"]}
    patient, relative = found["Patient"], found["RelatedPerson"]
    assert [each["name"] for each in patient] == ["_id", "identifier", "active"]
    assert [each["name"] for each in relative] == ["_id", "patient"]
    assert relative[1:] == [
        {
            "name": "patient",
            "definition": "http://hl7.org/fhir/SearchParameter/RelatedPerson-patient",
            "type": "reference",
        }
    ]


# --- create ---


async def test_a_new_client_gets_a_number_and_is_read(routes: Routes) -> None:
    """What may be written at the first visit alone is written."""
    lab = Lab(routes, session(), answer(201, {"clientNumber": "NL-00042"}), answer(200, RECORD))

    response = await lab.call("POST", "/fhir/northlab/Patient", patient(id="mine", deceasedBoolean=False))

    sent = {"person": {"names": {"surname": "Berg"}, "dead": False}, "channel": "ehr"}
    assert lab.sent() == [("POST /lab/v3/clients", sent), ("GET /lab/v3/clients/NL-00042", None)]
    assert (response.status_code, resource(response)) == (201, PATIENT)
    assert response.headers["Location"] == f"http://bridge.test{CLIENT}/_history/17"


async def test_a_new_client_that_cannot_be_read_is_there_all_the_same(routes: Routes) -> None:
    lost = answer(500, {"fault": {"reason": "DOWN", "summary": "Come back tomorrow"}})
    lab = Lab(routes, session(), answer(201, {"clientNumber": "NL-00042"}), lost)

    response = await lab.call("POST", "/fhir/northlab/Patient", patient())

    text = (
        "The partner carried out the call; what became of the record could not be read afterwards. "
        "Read it again, and do not send the change again."
    )
    why = issue(
        "partner-error",
        "exception",
        "Reading it failed: Northlab failed.",
        severity="warning",
        reason="DOWN",
        diagnostics="Come back tomorrow",
    )
    assert (response.status_code, resource(response)) == (
        201,
        outcome(issue("record-not-shown", "incomplete", text, severity="warning"), why),
    )
    assert response.headers["Location"] == f"http://bridge.test{CLIENT}"


# --- create, in a message ---

BLOOD_COUNT: Json = {
    "resourceType": "ServiceRequest",
    "status": "active",
    "intent": "order",
    "code": {"text": "Haemoglobin"},
    "subject": {"reference": "Patient/NL-00042"},
}
SPECIMEN: Json = {"resourceType": "Specimen", "id": "blood", "status": "available", "request": [{"reference": "#"}]}


async def test_an_order_goes_in_a_message_with_the_specimen_that_it_contains(routes: Routes) -> None:
    """And comes out of the answer with the number that Northlab gives it."""

    def message(order: Json, specimen: Json) -> Json:
        entry = [{"resource": {"resourceType": "MessageHeader"}}, {"resource": order}, {"resource": specimen}]
        return {"resourceType": "Bundle", "type": "message", "entry": entry}

    numbered, taken = (
        BLOOD_COUNT | {"id": "O-7"},
        SPECIMEN | {"id": "S-9", "request": [{"reference": "ServiceRequest/O-7"}]},
    )
    lab = Lab(routes, session(), answer(201, message(numbered, taken)))

    response = await lab.call("POST", "/fhir/northlab/ServiceRequest", BLOOD_COUNT | {"contained": [SPECIMEN]})

    ((call, sent),) = lab.sent()
    header, order, specimen = sent["entry"]
    event = {"system": "https://northlab.example/events", "code": "ordered"}
    assert call == "POST /lab/v3/messages"
    assert header["resource"] | {"id": ""} == {
        "resourceType": "MessageHeader",
        "id": "",
        "eventCoding": event,
        "source": {"endpoint": "https://emr.example/northlab"},
    }
    assert order["resource"] == BLOOD_COUNT
    assert specimen["resource"] == {
        "resourceType": "Specimen",
        "status": "available",
        "request": [{"reference": order["fullUrl"]}],
    }
    assert (response.status_code, resource(response)) == (201, numbered | {"contained": [SPECIMEN | {"id": "S-9"}]})
    assert response.headers["Location"] == "http://bridge.test/fhir/northlab/ServiceRequest/O-7"


# --- a record in the place of another ---

KIN = {"relativeNumber": "R-1", "clientNumber": "NL-00042", "born": "2012-05-01", "kin": "son", "checkedAt": "today"}
SON: Json = {
    "resourceType": "RelatedPerson",
    "id": "R-1",
    "patient": {"identifier": {"value": "NL-00042"}},
    "birthDate": "2012-05-02",
}


async def test_an_update_that_takes_the_whole_record_is_laid_over_the_one_that_is_there(routes: Routes) -> None:
    lab = Lab(routes, session(), answer(200, KIN), answer(200, {**KIN, "born": "2012-05-02"}))

    response = await lab.call("PUT", "/fhir/northlab/RelatedPerson/R-1", SON)

    whole = {"clientNumber": "NL-00042", "born": "2012-05-02", "kin": "son"}
    assert lab.sent() == [("GET /lab/v3/relatives/R-1", None), ("PUT /lab/v3/relatives/R-1", whole)]
    assert (response.status_code, resource(response)) == (200, SON)


async def test_a_patch_of_it_clears_what_it_removes(routes: Routes) -> None:
    lab = Lab(routes, session(), answer(200, KIN), answer(200, {**KIN, "born": None}))

    operations = [{"op": "remove", "path": "/birthDate"}]
    response = await lab.call(
        "PATCH", "/fhir/northlab/RelatedPerson/R-1", operations, Content_Type="application/json-patch+json"
    )

    whole = {"clientNumber": "NL-00042", "born": None, "kin": "son"}
    assert lab.sent() == [("GET /lab/v3/relatives/R-1", None), ("PUT /lab/v3/relatives/R-1", whole)]
    assert response.status_code == 200


async def test_a_patch_clears_what_its_row_says_can_be_cleared(routes: Routes) -> None:
    lab = Lab(routes, session(), answer(200, RECORD), answer(200, RECORD))

    operations = [{"op": "remove", "path": "/telecom"}]
    await lab.call("PATCH", CLIENT, operations, Content_Type="application/json-patch+json")

    assert lab.sent()[1] == ("PATCH /lab/v3/clients/NL-00042", {"email": None})


# --- update ---


async def test_an_update_sends_every_element_that_may_be_written(routes: Routes) -> None:
    lab = Lab(routes, session(), answer(200, RECORD))

    response = await lab.call("PUT", CLIENT, PATIENT, X_Request_Id="b5d70d7c-1c9f-4b4b-a4e5-0f0e7cd0b0d1")

    assert lab.sent() == [
        (
            "PATCH /lab/v3/clients/NL-00042",
            {
                "person": {
                    "weightKg": 61.50,
                    "names": {"surname": "Berg", "first": "Liv", "middle": "Marie"},
                    "sex": "F",
                    "born": "1984-02-29",
                    "birthOrder": 2,
                },
                "nationalNumber": "29028412345",
                "open": True,
                "email": "liv@example.org",
                "addresses": [
                    {
                        "kind": "HOME",
                        "street": "Storgata 1",
                        "careOf": "c/o Dahl",
                        "town": "Oslo",
                        "zip": "0155",
                        "country": "NO",
                        "since": "2019-08-01",
                    },
                    {"kind": "CABIN", "street": "Fjellveien 9", "town": "Vågå", "zip": "2680", "country": "NO"},
                ],
                "kin": {"name": "Ola Berg", "bond": "BROTHER"},
                "language": "nb",
                "doctors": ["D-7", "D-12"],
            },
        )
    ]
    assert lab.requests[-1].headers["X-Correlation-Id"] == "b5d70d7c-1c9f-4b4b-a4e5-0f0e7cd0b0d1"
    assert (response.status_code, resource(response)) == (200, PATIENT)


async def test_what_was_read_can_be_written_by_a_client_that_wants_nothing_left_behind(routes: Routes) -> None:
    lab = Lab(routes, session(), answer(200, RECORD))

    response = await lab.call("PUT", CLIENT, PATIENT, Prefer="handling=strict, return=OperationOutcome")

    done = issue("done", "informational", "The partner carried out the call.", severity="information")
    assert (response.status_code, resource(response)) == (200, outcome(done))


async def test_what_northlab_cannot_hold_is_named(routes: Routes) -> None:
    lab = Lab(routes, session(), answer(200, RECORD))
    body = patient(maritalStatus={"text": "married"}, address=[{"city": "Oslo", "district": "Sagene"}])

    response = await lab.call("PUT", CLIENT, body, Prefer="return=OperationOutcome")

    text = "Northlab cannot hold this element; it is left behind."
    assert lab.sent()[0][1] == {"person": {"names": {"surname": "Berg"}}, "addresses": [{"town": "Oslo"}]}
    assert resource(response) == outcome(
        issue("done", "informational", "The partner carried out the call.", severity="information"),
        issue("left-behind", "not-supported", text, "Patient.maritalStatus", severity="warning"),
        issue("left-behind", "not-supported", text, "Patient.address[0].district", severity="warning"),
    )


async def test_all_that_breaks_the_profile_or_a_code_table_is_told_at_once_and_nothing_is_called(
    routes: Routes,
) -> None:
    lab = Lab(routes)
    body = {
        "resourceType": "Patient",
        "id": "NL-00042",
        "name": [{"given": ["Liv"]}],
        "address": [{"use": "old", "city": "Oslo"}, {"city": "Moss"}, {"city": "Skien"}, {"city": "Hamar"}],
    }

    response = await lab.call("PUT", CLIENT, body)

    issues = [(each["code"], each.get("expression"), each["details"]["text"]) for each in resource(response)["issue"]]
    assert (response.status_code, lab.requests) == (422, [])
    assert issues == [
        ("invalid", ["Patient.address[3]"], "`address` may occur only 3 times; remove this one."),
        ("invariant", ["Patient"], "A client needs a family name: give `name.family`."),
        (
            "code-invalid",
            ["Patient.address[0].use"],
            "`use` cannot be sent: the partner knows only `home`, `work`, `temp`.",
        ),
    ]


# --- patch ---


async def test_a_json_patch_sends_the_fields_that_it_changes(routes: Routes) -> None:
    lab = Lab(routes, session(), answer(200, RECORD), answer(200, RECORD.replace("liv@example.org", "l@example.org")))
    body = [{"op": "replace", "path": "/telecom/0/value", "value": "l@example.org"}]

    response = await lab.call("PATCH", CLIENT, body, Content_Type="application/json-patch+json")

    assert lab.sent() == [
        ("GET /lab/v3/clients/NL-00042", None),
        ("PATCH /lab/v3/clients/NL-00042", {"email": "l@example.org"}),
    ]
    assert resource(response) == {**PATIENT, "telecom": [{"system": "email", "value": "l@example.org"}]}


async def test_a_fhirpath_patch_sends_the_object_around_a_changed_field_whole(routes: Routes) -> None:
    lab = Lab(routes, session(), answer(200, RECORD), answer(200, RECORD))
    operation = [
        {"name": "type", "valueCode": "replace"},
        {"name": "path", "valueString": "Patient.name.where(use='usual').family"},
        {"name": "value", "valueString": "Dahl"},
    ]

    await lab.call(
        "PATCH", CLIENT, {"resourceType": "Parameters", "parameter": [{"name": "operation", "part": operation}]}
    )

    assert lab.sent()[1] == (
        "PATCH /lab/v3/clients/NL-00042",
        {
            "person": {
                "names": {"surname": "Dahl", "first": "Liv", "middle": "Marie"},
                "sex": "F",
                "born": "1984-02-29",
                "birthOrder": 2,
                "weightKg": 61.50,
            }
        },
    )


async def test_a_patch_of_what_is_only_read_is_refused_after_the_read(routes: Routes) -> None:
    lab = Lab(routes, session(), answer(200, RECORD))
    body = [{"op": "replace", "path": "/identifier/0/value", "value": "0099-1"}]

    response = await lab.call("PATCH", CLIENT, body, Content_Type="application/json-patch+json")

    text = "The partner keeps this element itself; leave it as it is."
    assert lab.sent() == [("GET /lab/v3/clients/NL-00042", None)]
    assert (response.status_code, resource(response)) == (
        422,
        outcome(issue("read-only", "business-rule", text, "Patient.identifier[0].value")),
    )


# --- the operation ---


@pytest.mark.parametrize("name", ["$order-kit", "$orderKit"])
async def test_the_operation_orders_a_kit(routes: Routes, name: str) -> None:
    order = {
        "clientNumber": "NL-00042",
        "kitNumber": "K-9",
        "state": "PACKING",
        "cost": {"amount": 249.90, "currency": "NOK"},
        "shipsAt": "2026-03-02T08:00:00+01:00",
    }
    lab = Lab(routes, session(), answer(202, {"order": order}))

    response = await lab.call("POST", f"{CLIENT}/{name}", ORDER)

    assert lab.sent() == [
        (
            "POST /lab/v3/programmes/colon%2050%2B/kits",
            {
                "clientNumber": "NL-00042",
                "test": "FIT",
                "quantity": 2,
                "delivery": {"latest": "2026-03-20", "express": False},
                "maxCost": 250,
            },
        )
    ]
    assert lab.requests[-1].headers["X-Cost-Centre"] == "4711"
    said = issue("done", "informational", "The kit is being packed.", severity="information")
    assert (response.status_code, resource(response)) == (
        200,
        {
            "resourceType": "Parameters",
            "parameter": [
                {"name": "kit", "valueString": "K-9"},
                {"name": "state", "valueCode": "in-progress"},
                {"name": "cost", "valueMoney": {"value": Decimal("249.9"), "currency": "NOK"}},
                {"name": "shipsAt", "valueInstant": "2026-03-02T08:00:00+01:00"},
                {"name": "outcome", "resource": outcome(said)},
            ],
        },
    )


async def test_kits_are_ordered_for_several_clients_each_by_a_call_of_its_own(routes: Routes) -> None:
    """Kit and fault come in the order of the calls, which is that of the request."""
    kit = answer(202, {"order": {"clientNumber": "NL-1", "kitNumber": "K-1", "state": "PACKING"}})
    lab = Lab(routes, session(), kit, answer(409, {"fault": {"summary": "No kits are left.", "reason": "STOCK"}}))
    patients = [{"name": "patient", "valueReference": {"reference": f"Patient/{id_}"}} for id_ in ("NL-1", "NL-2")]

    response = await lab.call(
        "POST", "/fhir/northlab/Patient/$order-kit", {**ORDER, "parameter": [*patients, *ORDER["parameter"]]}
    )

    assert [body["clientNumber"] for _, body in lab.sent()] == ["NL-1", "NL-2"]
    results = [{part["name"]: part for part in each["part"]} for each in resource(response)["parameter"]]
    assert [each["status"]["valueInteger"] for each in results] == [200, 409]
    assert results[0]["return"]["resource"]["parameter"][0] == {"name": "kit", "valueString": "K-1"}
    assert results[1]["outcome"]["resource"]["issue"][0]["diagnostics"] == "No kits are left."


async def test_a_parameter_that_becomes_a_header_counts_as_sent(routes: Routes) -> None:
    lab = Lab(routes, session(), answer(202, {"order": {"number": "K-9", "state": "SENT"}}))
    body = {**ORDER, "parameter": [*ORDER["parameter"], {"name": "costCentre", "valueString": "77"}]}

    response = await lab.call("POST", f"{CLIENT}/$order-kit", body, Prefer="handling=strict")

    assert (response.status_code, lab.requests[-1].headers["X-Cost-Centre"]) == (200, "77")
    assert resource(response)["parameter"][0] == {"name": "kit", "valueString": "K-9"}


async def test_a_state_that_no_table_knows_is_unsupported_never_a_guess(routes: Routes) -> None:
    lab = Lab(routes, session(), answer(202, {"order": {"kitNumber": "K-9", "state": "LOST"}}))

    response = await lab.call("POST", f"{CLIENT}/$order-kit", ORDER)

    reason = {"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": "unsupported"}
    text = "Northlab answered with a state that is not known here; ask Northlab what it means."
    assert resource(response)["parameter"] == [
        {"name": "kit", "valueString": "K-9"},
        {"name": "state", "_valueCode": {"extension": [reason]}},
        {"name": "outcome", "resource": outcome(issue("done", "business-rule", text, severity="warning"))},
    ]
    assert lab.bridge.unknown_codes == {("northlab", "state", "LOST"): 1}


async def test_a_programme_that_is_neither_sent_nor_configured_is_asked_for(routes: Routes) -> None:
    lab = Lab(routes)

    response = await lab.call("POST", f"{CLIENT}/$order-kit", {**ORDER, "parameter": ORDER["parameter"][1:]})

    text = "`programme` is needed: send it, or have a default configured."
    assert lab.requests == []
    assert (response.status_code, resource(response)) == (
        400,
        outcome(issue("element-missing", "required", text, "Parameters.parameter.value")),
    )


# --- errors ---


async def test_each_field_that_northlab_refuses_is_told_at_the_clients_element(routes: Routes) -> None:
    fault = {
        "summary": "Some fields are wrong",
        "reason": "FIELDS",
        "fields": {
            "person.born": ["lies in the future", "is no date"],
            "addresses[0].zip": "is no zip code of NO",
            "person.names": ["are too long"],
            "shoeSize": ["is missing"],
        },
    }
    lab = Lab(routes, session(), answer(400, {"fault": fault}))
    addresses = [{"text": "Ask the neighbour"}, {"city": "Oslo", "postalCode": "9999"}]
    body = patient(birthDate="2984-02-29", address=addresses)

    response = await lab.call("PUT", CLIENT, body)

    def refused(field: str, words: str, expression: str | None = None) -> Json:
        text = f"Northlab refused its field `{field}`."
        return issue("partner-refused", "value", text, expression, reason="FIELDS", diagnostics=words)

    assert (response.status_code, resource(response)) == (
        400,
        outcome(
            refused("person.born", "lies in the future; is no date", "Patient.birthDate"),
            refused("addresses[0].zip", "is no zip code of NO", "Patient.address[1].postalCode"),
            refused("person.names", "are too long", "Patient.name[0]"),
            refused("shoeSize", "is missing"),
        ),
    )


async def test_a_refused_field_of_the_operation_is_told_at_its_parameter(routes: Routes) -> None:
    fault = {"reason": "FIELDS", "fields": {"delivery.latest": ["is too soon"]}}
    lab = Lab(routes, session(), answer(400, {"fault": fault}))

    response = await lab.call("POST", f"{CLIENT}/$order-kit", ORDER)

    text = "Northlab refused its field `delivery.latest`."
    expected = issue(
        "partner-refused",
        "value",
        text,
        "Parameters.parameter[3].value",
        reason="FIELDS",
        diagnostics="is too soon",
    )
    assert (response.status_code, resource(response)) == (400, outcome(expected))


REFUSALS = {
    "no such client": (404, "NO_CLIENT", "No such client", 404, "not-found", "Northlab does not know this."),
    "no kit left": (400, "STOCK", "No kit is left", 400, "not-found", "Northlab refused the request."),
    "closed": (400, "OTHER", "The file was closed on 1 March", 422, "business-rule", "Northlab refused the request."),
    "stale": (409, "STALE", "Somebody was faster", 409, "conflict", "Northlab refused the request."),
}


@pytest.mark.parametrize("case", REFUSALS)
async def test_a_refusal_keeps_northlabs_own_code_and_words(routes: Routes, case: str) -> None:
    status, reason, words, told, code, text = REFUSALS[case]
    lab = Lab(routes, session(), answer(status, {"fault": {"reason": reason, "summary": words}}))

    response = await lab.call("PUT", CLIENT, patient())

    assert (response.status_code, resource(response)) == (
        told,
        outcome(issue("partner-refused", code, text, reason=reason, diagnostics=words)),
    )


async def test_a_kit_that_was_ordered_is_never_reported_as_if_nothing_had_happened(routes: Routes) -> None:
    lab = Lab(routes, session(), answer(202, "<html>Accepted</html>"))

    response = await lab.call("POST", f"{CLIENT}/$order-kit", ORDER)

    assert response.status_code == 502
    assert resource(response)["issue"][0]["details"]["text"].startswith(
        "Northlab accepted the call (status 202), but its answer cannot be read: it is no JSON"
    )


# --- the hub, and what is offered ---

AT_THE_HUB: Mapping[str, tuple[str, str, Json]] = {
    "the operation that it alone has": ("POST", "/fhir/Patient/NL-00042/$order-kit", ORDER),
    "its profile": (
        "PUT",
        "/fhir/Patient/NL-00042",
        patient(meta={"profile": [f"{CANONICAL}/StructureDefinition/northlab-client"]}),
    ),
    "its identifier in the body": (
        "PUT",
        "/fhir/Patient/NL-00042",
        patient(identifier=[{"system": "urn:oid:2.16.578.1.12.4.1.4.1", "value": "29028412345"}]),
    ),
    "its identifier in the address": (
        "GET",
        f"/fhir/Patient/NL-00042?identifier={CANONICAL}/sid/northlab-card|0042-7",
        None,
    ),
}


@pytest.mark.parametrize("sign", AT_THE_HUB)
async def test_the_hub_finds_it_among_five_by(routes: Routes, sign: str) -> None:
    method, url, body = AT_THE_HUB[sign]
    made = {"order": {"kitNumber": "K-9", "state": "SENT"}} if method == "POST" else RECORD
    lab = Lab(routes, session(), answer(200, made))

    response = await lab.call(method, url, body)

    assert (response.status_code, len(lab.requests)) == (200, 2)


def specimen(label: str, courier: str | None = None) -> Json:
    url = f"{CANONICAL}/StructureDefinition/northlab-courier"
    extension = {} if courier is None else {"extension": [{"url": url, "valueCode": courier}]}
    return {"resourceType": "Specimen", **extension, "accessionIdentifier": {"value": label}}


async def test_samples_of_one_batch_are_registered_by_one_call_for_each_courier(routes: Routes) -> None:
    parcel = {"registered": [{"sampleNumber": "S-1", "position": 0}], "known": [2]}
    rejected = [{"position": 1, "reason": "the label is torn"}]
    lab = Lab(
        routes,
        session(),
        answer(200, {**parcel, "rejected": rejected}),
        answer(200, {"registered": [{"sampleNumber": "S-2"}]}),
    )
    samples = [specimen("a"), specimen("b"), specimen("c", "bike"), specimen("d")]
    entries = [{"request": {"method": "POST", "url": "Specimen"}, "resource": each} for each in samples]

    response = await lab.call("POST", "/fhir/northlab", {"resourceType": "Bundle", "type": "batch", "entry": entries})

    sent = {body.get("courier", ""): body for _, body in lab.sent()}
    assert sent == {
        "": {"channel": "ehr", "samples": [{"label": "a"}, {"label": "b"}, {"label": "d"}]},
        "bike": {"courier": "bike", "channel": "ehr", "samples": [{"label": "c"}]},
    }
    told = [each["response"] for each in resource(response)["entry"]]
    assert [each["status"] for each in told] == [
        "201 Created",
        "422 Unprocessable Content",
        "201 Created",
        "409 Conflict",
    ]
    assert told[0]["location"] == "http://bridge.test/fhir/northlab/Specimen/S-1"
    text = "Northlab refused its field `label`."
    assert told[1]["outcome"] == outcome(
        issue(
            "partner-refused",
            "business-rule",
            text,
            "Specimen.accessionIdentifier.value",
            diagnostics="the label is torn",
        )
    )


async def test_results_come_in_pages_whose_links_lead_to_the_bridge(routes: Routes) -> None:
    page = {
        "resourceType": "Bundle",
        "type": "searchset",
        "link": [{"relation": "next", "url": "https://api.northlab.test/lab/v3/clients/7/results?_count=1&_offset=1"}],
        "entry": [{"resource": {"resourceType": "Observation", "id": "R-1"}, "search": {"mode": "match"}}],
    }
    lab = Lab(routes, session(), answer(200, page))

    response = await lab.call("GET", f"{CLIENT}/$results?_count=1&since=2026-01-01")

    assert lab.sent() == [("GET /lab/v3/clients/NL-00042/results?_count=1&since=2026-01-01", None)]
    address = f"http://bridge.test{CLIENT}/$results?_count=1&_offset=1"
    assert resource(response) == {**page, "link": [{"relation": "next", "url": address}]}


async def test_the_address_of_a_portal_comes_as_bare_text(routes: Routes) -> None:
    lab = Lab(routes, session(), httpx.Response(200, content=b"https://portal.northlab.test/c/1"))

    response = await lab.call("POST", f"{CLIENT}/$portal-link")

    assert lab.sent() == [("POST /lab/v3/portal", {"client": "NL-00042"})]
    url = {"valueUrl": "https://portal.northlab.test/c/1"}
    assert resource(response) == {"resourceType": "Parameters", "parameter": parameters(url=url)}


async def test_its_capability_statement_offers_exactly_what_its_file_says(routes: Routes) -> None:
    statement = resource(await Lab(routes).call("GET", "/fhir/northlab/metadata"))

    patients = [each for each in statement["rest"][0]["resource"] if each["type"] == "Patient"]
    assert (statement["title"], statement["fhirVersion"]) == ("fhir-bridge: Northlab", "4.0.1")
    assert patients == [
        {
            "type": "Patient",
            "supportedProfile": [f"{CANONICAL}/StructureDefinition/northlab-client"],
            "documentation": (
                "read, update, patch, create, $order-kit, $orderKit, search-type, $results, $portal-link, vread: "
                "Northlab"
            ),
            "interaction": [
                {"code": "read"},
                {"code": "update"},
                {"code": "patch"},
                {"code": "create"},
                {"code": "search-type"},
                {"code": "vread"},
            ],
            "versioning": "versioned",
            "readHistory": False,
            "updateCreate": False,
            "conditionalCreate": False,
            "conditionalRead": "full-support",
            "conditionalUpdate": True,
            "searchParam": [
                {"name": "_id", "definition": "http://hl7.org/fhir/SearchParameter/Resource-id", "type": "token"},
                {
                    "name": "identifier",
                    "definition": "http://hl7.org/fhir/SearchParameter/Patient-identifier",
                    "type": "token",
                    "documentation": f"With a system, which is the logical id's: {CANONICAL}/sid/northlab-client.",
                },
                {
                    "name": "active",
                    "definition": "http://hl7.org/fhir/SearchParameter/Patient-active",
                    "type": "token",
                },
            ],
            "operation": [
                {"name": "order-kit", "definition": f"{CANONICAL}/OperationDefinition/northlab-order-kit"},
                {"name": "orderKit", "definition": f"{CANONICAL}/OperationDefinition/northlab-order-kit"},
                {"name": "order-kit", "definition": f"{CANONICAL}/OperationDefinition/northlab-order-kits"},
                {"name": "orderKit", "definition": f"{CANONICAL}/OperationDefinition/northlab-order-kits"},
                {"name": "results", "definition": f"{CANONICAL}/OperationDefinition/northlab-results"},
                {"name": "portal-link", "definition": f"{CANONICAL}/OperationDefinition/northlab-portal-link"},
                {"name": "validate", "definition": "http://hl7.org/fhir/OperationDefinition/Resource-validate"},
            ],
        }
    ]


async def test_what_can_be_read_is_found_by_its_id_and_by_the_identifier_that_is_the_id(routes: Routes) -> None:
    lab = Lab(routes, session(), answer(200, RECORD))

    response = await lab.call("GET", f"/fhir/northlab/Patient?identifier={CANONICAL}/sid/northlab-client|NL-00042")

    bundle = resource(response)
    assert lab.sent() == [("GET /lab/v3/clients/NL-00042", None)]
    assert (bundle["type"], bundle["total"]) == ("searchset", 1)
    assert bundle["entry"] == [
        {
            "fullUrl": "http://bridge.test/fhir/northlab/Patient/NL-00042",
            "resource": PATIENT,
            "search": {"mode": "match"},
        }
    ]


async def test_an_update_of_an_older_version_is_refused_before_it_is_sent(routes: Routes) -> None:
    lab = Lab(routes, session(), answer(200, RECORD))

    response = await lab.call("PUT", CLIENT, patient(), If_Match='W/"2026-02-01T000000Z"')

    text = "The record has changed since the version that If-Match names; read it again, then send the change."
    assert lab.sent() == [("GET /lab/v3/clients/NL-00042", None)]
    assert (response.status_code, resource(response)) == (
        412,
        outcome(issue("version-differs", "conflict", text, "http.If-Match")),
    )


@pytest.mark.parametrize(
    ("method", "url", "status"),
    [
        ("DELETE", CLIENT, 405),
        ("POST", "/fhir/northlab/Patient/NL-00042", 405),
        ("GET", f"{CLIENT}/_history", 404),
    ],
)
async def test_what_its_file_does_not_say_is_not_done(routes: Routes, method: str, url: str, status: int) -> None:
    lab = Lab(routes)

    response = await lab.call(method, url, patient() if method == "POST" else None)

    assert (response.status_code, resource(response)["issue"][0]["code"]) == (status, "not-supported")
    assert lab.requests == []


@pytest.mark.parametrize("partner", ["healthex", "ehealth", "wmda", "roche"])
async def test_the_partners_that_ship_offer_what_they_offered_without_it(routes: Routes, partner: str) -> None:
    alone = load_routes(ROOT / "mappings", ROOT / "profiles", SHIPPED)

    with_it = await Lab(routes).call("GET", f"/fhir/{partner}/metadata")

    assert resource(with_it) == resource(await Lab(alone).call("GET", f"/fhir/{partner}/metadata"))
