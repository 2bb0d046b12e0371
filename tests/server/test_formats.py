"""JSON and XML, in and out, whatever is asked for and whatever becomes of it; and the FHIR version that is spoken."""

import gzip
import json
from collections.abc import AsyncIterator

import httpx
import pytest

from fhir_bridge.fhir import xml
from fhir_bridge.fhir.elements import Version
from fhir_bridge.limits import Limits
from fhir_bridge.mapping.routes import Routes
from fhir_bridge.outcome import Json
from tests.outcomes import issue, outcome, parameters
from tests.server.roche_sample import REQUEST
from tests.server.test_message import R4_MESSAGE, SAMPLE, of_patient
from tests.serving import Canned, serving, simulated

pytestmark = pytest.mark.anyio

ID = "7c3da506-804d-4550-8993-bf17f9ee0402"
PATIENT = f"/fhir/ehealth/Patient/{ID}"
XML = "application/fhir+xml"
JSON = "application/fhir+json"
IN_XML = {"Accept": XML, "Content-Type": XML}
EITHER = "The answer can be had as application/fhir+json or application/fhir+xml; ask for one of them."
IVANOV: Json = {"resourceType": "Patient", "id": ID, "gender": "female"}
STATUS = parameters({"name": "status", "valueCode": "STP"}, {"name": "reason", "valueCode": "PDC"})
SKIP = parameters({"name": "skipInteractive", "valueBoolean": True})
BATCH: Json = {
    "resourceType": "Bundle",
    "type": "batch",
    "entry": [{"request": {"method": "GET", "url": f"Patient/{ID}"}}],
}
FEMALE_XML = b'<Patient xmlns="http://hl7.org/fhir"><id value="%s"/><gender value="female"/></Patient>'
FEMALE_JSON = b'{"resourceType": "Patient", "id": "%s", "gender": "female"}'


def read(response: httpx.Response, version: Version = "4.0") -> Json:
    """Return the resource of an answer in XML."""
    return xml.loads(response.content, version)


@pytest.fixture
async def other(routes: Routes) -> AsyncIterator[httpx.AsyncClient]:
    """Another bridge before other simulated partners, for the same request in the other format."""
    async with serving(routes, simulated()) as client:
        yield client


@pytest.mark.parametrize(
    ("method", "url", "body"),
    [
        ("GET", PATIENT, None),
        ("GET", f"/fhir/ehealth/Patient?_id={ID}", None),
        ("PUT", PATIENT, IVANOV),
        ("POST", "/fhir/healthex/Patient/17d4513f-73e8/$update-data", SKIP),
        ("POST", "/fhir/wmda/Patient/123456/$update-search-status", STATUS),
        ("POST", "/fhir/ehealth", BATCH),
        ("POST", "/fhir/ehealth/Patient/$validate", IVANOV),
        ("GET", "/fhir/metadata", None),
        ("GET", "/fhir/ehealth/metadata", None),
        ("GET", "/fhir/$versions", None),
        ("GET", "/fhir/StructureDefinition/ehealth-preperson", None),
        ("GET", "/fhir/CodeSystem", None),
    ],
)
async def test_a_request_in_xml_is_answered_in_xml_with_what_json_says(
    client: httpx.AsyncClient, other: httpx.AsyncClient, method: str, url: str, body: Json
) -> None:
    """On every interaction."""
    content = None if body is None else xml.dumps(body)

    in_xml = await client.request(method, url, content=content, headers=IN_XML)
    in_json = await other.request(
        method, url, content=None if body is None else json.dumps(body), headers={"Content-Type": JSON}
    )

    def settled(resource: Json) -> str:
        """The simulated partners number their versions by the clock."""
        return json.dumps(_without_times(resource), sort_keys=True, default=str)

    assert (in_xml.status_code, in_xml.headers["content-type"]) == (200, f"{XML}; charset=utf-8")
    assert in_json.headers["content-type"] == f"{JSON}; charset=utf-8"
    assert settled(read(in_xml)) == settled(in_json.json())


def _without_times(value: Json) -> Json:
    if isinstance(value, list):
        return [_without_times(item) for item in value]
    if isinstance(value, dict):
        moments = ("lastUpdated", "versionId", "etag", "lastModified", "valueString")
        return {name: _without_times(item) for name, item in value.items() if name not in moments}
    return value


async def test_a_message_in_xml_reaches_the_partner_as_json(canned: httpx.AsyncClient, partner: Canned) -> None:
    """STU3 at its base."""
    message = of_patient("bj6.1")
    del message["entry"][1]["resource"]["managingOrganization"]
    partner.answer(200, message)

    response = await canned.put("/fhir/roche/Bundle/bj6.1", content=xml.dumps(message, "3.0"), headers=IN_XML)

    assert partner.bodies() == [message]
    assert (response.status_code, read(response, "3.0")) == (200, message)


async def test_a_message_in_r4_xml_is_converted(client: httpx.AsyncClient) -> None:
    """And its answer is R4 in XML."""
    r4_xml = f"{XML}; fhirVersion=4.0"

    headers = {"Content-Type": r4_xml, "Accept": r4_xml}
    response = await client.put("/fhir/roche/Bundle/Bj6.1Lq-hvb-28", content=xml.dumps(R4_MESSAGE), headers=headers)

    assert (response.status_code, read(response)) == (200, R4_MESSAGE)
    assert response.headers["content-type"] == f"{XML}; charset=utf-8; fhirVersion=4.0"


async def test_what_a_partner_sends_against_fhir_can_be_had_in_xml_too(
    canned: httpx.AsyncClient, partner: Canned
) -> None:
    """Its own sample has a list where STU3 has one value."""
    partner.answer(200, text=REQUEST)

    response = await canned.put(
        "/fhir/roche/Bundle/Bj6.1Lq-hvb-28", content=REQUEST, headers={"Content-Type": JSON, "Accept": XML}
    )

    assert (response.status_code, read(response, "3.0")["entry"][2]) == (200, SAMPLE["entry"][2])


@pytest.mark.parametrize(
    ("method", "url", "headers", "body", "status"),
    [
        ("GET", "/fhir/nobody", {}, "", 404),
        ("GET", "/fhir/ehealth/Observation/1", {}, "", 404),
        ("GET", "/fhir/ehealth/Patient/unknown", {}, "", 404),
        ("DELETE", PATIENT, {}, "", 405),
        ("PROPFIND", PATIENT, {}, "", 405),
        ("GET", PATIENT, {"Accept": f"{XML}; fhirVersion=5.0"}, "", 406),
        ("PUT", PATIENT, {"Content-Type": JSON, "If-None-Match": "*"}, "{}", 412),
        ("PUT", PATIENT, {"Content-Type": JSON}, "{", 400),
        ("PUT", PATIENT, {"Content-Type": JSON}, '{"resourceType": "Patient", "x": "&<>\\u0001"}', 400),
        ("PUT", PATIENT, {"Content-Type": JSON}, json.dumps({**IVANOV, "birthDate": "1980"}), 422),
        ("PUT", PATIENT, {"Content-Type": "text/plain"}, "{}", 415),
        ("PUT", PATIENT, {"Content-Type": JSON}, " " * 2_000_000, 413),
    ],
)
async def test_every_error_comes_in_xml(
    ready_routes: Routes, method: str, url: str, headers: dict[str, str], body: str, status: int
) -> None:
    """Where XML was asked for."""
    async with serving(ready_routes, simulated(), limits=Limits(max_body_bytes=1_000_000)) as client:
        response = await client.request(method, url, content=body or None, headers={"Accept": XML} | headers)

    assert (response.status_code, response.headers["content-type"]) == (status, f"{XML}; charset=utf-8")
    assert read(response)["resourceType"] == "OperationOutcome"


async def test_a_crash_comes_in_xml(canned: httpx.AsyncClient, partner: Canned) -> None:
    """Like everything else."""
    partner.fail(LookupError("nobody foresaw this"))

    response = await canned.get(PATIENT, headers={"Accept": XML, "X-Request-Id": "run-7"})

    text = "The bridge failed; its log says more under the request id run-7."
    assert response.status_code == 500
    assert read(response) == outcome(issue("internal-error", "exception", text))


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        ("application/xml", "application/xml; charset=utf-8"),
        ("text/xml", "text/xml; charset=utf-8"),
        ("application/json", "application/json; charset=utf-8"),
        ("text/json", "text/json; charset=utf-8"),
        ("application/xml+fhir", "application/xml+fhir; charset=utf-8"),
        ("application/json+fhir", "application/json+fhir; charset=utf-8"),
        (f"{XML};q=0.2, {JSON};q=0.9", f"{JSON}; charset=utf-8"),
        (f"{XML};q=1.0, {JSON};q=1.0, application/xml+fhir;q=0.9", f"{XML}; charset=utf-8"),
        ("text/html, application/xhtml+xml, application/xml;q=0.9, */*;q=0.8", "application/xml; charset=utf-8"),
        (f"{JSON};q=0, */*", f"{XML}; charset=utf-8"),
        (f"{XML}; fhirVersion=5.0, {JSON}; fhirVersion=4.0", f"{JSON}; charset=utf-8; fhirVersion=4.0"),
    ],
)
async def test_the_answer_has_the_media_type_that_is_liked_best(
    client: httpx.AsyncClient, accept: str, content_type: str
) -> None:
    """https://hl7.org/fhir/R4/http.html#mime-type"""
    response = await client.get(PATIENT, headers={"Accept": accept})

    assert (response.status_code, response.headers["content-type"]) == (200, content_type)


@pytest.mark.parametrize(
    ("format_", "media_type"),
    [
        ("xml", XML),
        ("text/xml", "text/xml"),
        ("application/xml", "application/xml"),
        ("application/fhir+xml", XML),
        ("application/fhir%2Bxml", XML),
        ("json", JSON),
        ("application/json", "application/json"),
        ("application/fhir%2Bjson", JSON),
    ],
)
async def test_format_wins_over_accept_in_all_its_spellings(
    client: httpx.AsyncClient, format_: str, media_type: str
) -> None:
    """https://hl7.org/fhir/R4/http.html#parameters; with or without its plus encoded."""
    response = await client.get(f"{PATIENT}?_format={format_}", headers={"Accept": "text/html"})

    assert (response.status_code, response.headers["content-type"]) == (200, f"{media_type}; charset=utf-8")


@pytest.mark.parametrize(
    ("url", "accept", "expression"),
    [
        (PATIENT, "text/html", "http.Accept"),
        (PATIENT, "application/fhir+turtle", "http.Accept"),
        (f"{PATIENT}?_format=ttl", XML, "http._format"),
        (f"{PATIENT}?_format=html", XML, "http._format"),
        (f"{PATIENT}?_format=", "text/html", "http.Accept"),
    ],
)
async def test_what_cannot_be_had_is_406(
    canned: httpx.AsyncClient, partner: Canned, url: str, accept: str, expression: str
) -> None:
    """In JSON, for want of anything better; no call is made."""
    response = await canned.get(url, headers={"Accept": accept})

    assert response.status_code == 406
    assert response.json() == outcome(issue("not-acceptable", "not-supported", EITHER, expression))
    assert partner.calls() == []


async def test_a_version_that_format_asks_for_is_told_of_it(client: httpx.AsyncClient) -> None:
    """Accept said nothing."""
    response = await client.get(f"{PATIENT}?_format=application/fhir%2Bjson;fhirVersion=5.0")

    text = "This base speaks fhirVersion 4.0; use that, or leave the parameter out."
    told = issue("not-acceptable", "not-supported", text, "http._format")
    assert (response.status_code, response.json()) == (406, outcome(told))


async def test_a_blank_format_says_nothing(client: httpx.AsyncClient) -> None:
    """As every parameter that is blank."""
    response = await client.get(f"{PATIENT}?_format=", headers={"Accept": XML})

    assert (response.status_code, response.headers["content-type"]) == (200, f"{XML}; charset=utf-8")


@pytest.mark.parametrize(
    ("content_type", "content"),
    [
        ("application/xml", FEMALE_XML),
        ("text/xml; charset=utf-8", FEMALE_XML),
        ("text/json", FEMALE_JSON),
        ("application/json;charset=UTF-8", FEMALE_JSON),
    ],
)
async def test_a_body_is_read_by_its_content_type(
    canned: httpx.AsyncClient, partner: Canned, content_type: str, content: bytes
) -> None:
    """The generic types as FHIR's own; the answer is JSON as long as nothing else is asked for."""
    partner.answer(200, {"data": {"id": ID}})

    response = await canned.put(PATIENT, content=content % ID.encode(), headers={"Content-Type": content_type})

    assert (partner.bodies(), response.status_code) == ([{"gender": "FEMALE"}], 200)
    assert response.headers["content-type"] == f"{JSON}; charset=utf-8"


@pytest.mark.parametrize(
    ("method", "content_type", "types"),
    [
        ("PUT", "text/plain", f"{JSON} or {XML}"),
        ("PUT", f"{JSON}; charset=iso-8859-1", f"{JSON} or {XML}"),
        ("PUT", "application/json-patch+json", f"{JSON} or {XML}"),
        (
            "PATCH",
            "application/xml-patch+xml",
            f"application/json-patch+json, application/merge-patch+json, {JSON} or {XML}",
        ),
    ],
)
async def test_another_content_type_is_415(
    canned: httpx.AsyncClient, partner: Canned, method: str, content_type: str, types: str
) -> None:
    """No call is made."""
    response = await canned.request(method, PATIENT, content="{}", headers={"Content-Type": content_type})

    text = f"This Content-Type is not taken here; send {types} in UTF-8."
    assert response.status_code == 415
    assert response.json() == outcome(issue("content-type-not-supported", "not-supported", text, "http.Content-Type"))
    assert partner.calls() == []


@pytest.mark.parametrize(("method", "url"), [("PUT", PATIENT), ("POST", "/fhir/ehealth/Patient/_search")])
async def test_a_compressed_body_is_415(canned: httpx.AsyncClient, partner: Canned, method: str, url: str) -> None:
    """It is not read as text, which it is not. RFC 9110, section 8.4"""
    body = gzip.compress(b"{}")

    response = await canned.request(method, url, content=body, headers={"Content-Encoding": "gzip"})

    text = "A body that is compressed is not taken; send it as it is, without Content-Encoding."
    told = issue("content-type-not-supported", "not-supported", text, "http.Content-Encoding")
    assert (response.status_code, response.json()) == (415, outcome(told))
    assert response.headers["accept-encoding"] == "identity"
    assert partner.calls() == []


@pytest.mark.parametrize(
    ("url", "version", "status"),
    [
        ("/fhir/ehealth/metadata", "4.0", 200),
        ("/fhir/ehealth/metadata", "4.0.1", 200),
        ("/fhir/ehealth/metadata", "3.0", 406),
        ("/fhir/ehealth/metadata", "5.0", 406),
        ("/fhir/roche/metadata", "3.0", 200),
        ("/fhir/roche/metadata", "4.0", 200),
        ("/fhir/roche/metadata", "4.3", 406),
        ("/fhir/metadata", "3.0", 200),
        ("/fhir/metadata", "4.0", 200),
    ],
)
@pytest.mark.parametrize("media_type", [JSON, XML])
async def test_an_answer_is_in_the_version_that_is_asked_for(
    client: httpx.AsyncClient, media_type: str, url: str, version: str, status: int
) -> None:
    """Or it cannot be had."""
    response = await client.get(url, headers={"Accept": f"{media_type}; fhirVersion={version}"})

    told = f"; fhirVersion={version[:3]}" if status == 200 else ""
    assert (response.status_code, response.headers["content-type"]) == (status, f"{media_type}; charset=utf-8{told}")
    assert (
        f'fhirVersion value="{version[:3]}' in response.text or f'"fhirVersion":"{version[:3]}' in response.text
    ) is (status == 200)


@pytest.mark.parametrize(("version", "full"), [(None, "3.0.2"), ("3.0", "3.0.2"), ("4.0", "4.0.1")])
async def test_a_base_of_two_versions_states_each(client: httpx.AsyncClient, version: str | None, full: str) -> None:
    """The partner's own without a word."""
    accept = JSON if version is None else f"{JSON}; fhirVersion={version}"

    response = await client.get("/fhir/roche/metadata", headers={"Accept": accept})

    assert response.json()["fhirVersion"] == full


@pytest.mark.parametrize(("url", "version"), [(PATIENT, "3.0"), (PATIENT, "5.0"), ("/fhir/roche/Bundle/1", "5.0")])
async def test_a_body_in_a_version_that_a_base_does_not_speak_is_415(
    canned: httpx.AsyncClient, partner: Canned, url: str, version: str
) -> None:
    """In XML as in JSON."""
    response = await canned.put(
        url, content='<Patient xmlns="http://hl7.org/fhir"/>', headers={"Content-Type": f"{XML}; fhirVersion={version}"}
    )

    speaks = "3.0 and 4.0" if "roche" in url else "4.0"
    text = f"This base speaks fhirVersion {speaks}; use that, or leave the parameter out."
    assert (response.status_code, response.json()) == (
        415,
        outcome(issue("content-type-not-supported", "not-supported", text, "http.Content-Type")),
    )
    assert partner.calls() == []


async def test_xml_can_be_had_pretty(client: httpx.AsyncClient) -> None:
    """An error too; the content is the same."""
    plain = await client.get(f"{PATIENT}?_format=xml")
    pretty = await client.get(f"{PATIENT}?_format=xml&_pretty=true")
    error = await client.get("/fhir/nobody?_format=xml&_pretty=true")

    begin = '<?xml version="1.0" encoding="UTF-8"?>\n<{} xmlns="http://hl7.org/fhir">\n  <'
    assert pretty.text.startswith(begin.format("Patient"))
    assert read(pretty) == read(plain)
    assert error.text.startswith(begin.format("OperationOutcome"))


async def test_json_can_be_had_pretty(client: httpx.AsyncClient) -> None:
    """An error too; the content is the same."""
    plain = await client.get(PATIENT)
    pretty = await client.get(f"{PATIENT}?_pretty=true")
    error = await client.get("/fhir/nobody?_pretty=true")

    assert pretty.text.startswith('{\n  "resourceType": "Patient",\n')
    assert pretty.json() == plain.json()
    assert error.text.startswith('{\n  "resourceType": "OperationOutcome",\n')


@pytest.mark.parametrize(
    "content",
    [
        b'<!DOCTYPE Patient [<!ENTITY x SYSTEM "file:///etc/passwd">]><Patient xmlns="http://hl7.org/fhir">&x;</Patient>',
        b'<!DOCTYPE Patient SYSTEM "http://elsewhere.example/x.dtd"><Patient xmlns="http://hl7.org/fhir"/>',
    ],
)
async def test_a_doctype_is_refused(canned: httpx.AsyncClient, partner: Canned, content: bytes) -> None:
    """Nothing is read from a file or the network."""
    response = await canned.put(PATIENT, content=content, headers=IN_XML)

    assert (response.status_code, read(response)["issue"][0]["details"]["coding"][0]["code"]) == (400, "invalid-xml")
    assert partner.calls() == []
