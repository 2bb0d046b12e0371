"""Requests of every kind: good ones, good ones with one thing broken, and noise."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import Any

from hypothesis import strategies as st

from fhir_bridge.fhir import xml
from tests.error_examples import read_request
from tests.walkthroughs import pages, steps

PREPERSON = "7c3da506-804d-4550-8993-bf17f9ee0402"
MESSAGE = {
    "resourceType": "Bundle",
    "type": "message",
    "entry": [
        {
            "resource": {
                "resourceType": "MessageHeader",
                "event": {"system": "http://roche.com/fhir/rdc/message-type", "code": "new-bundle"},
                "source": {"endpoint": "2.16.724.4.2"},
                "timestamp": "2020-03-27T12:21:39.471Z",
            }
        },
        {
            "resource": {
                "resourceType": "Patient",
                "id": "Bj6.1Lq-hvb-28",
                "identifier": [{"system": "urn:oid:2.16.724.4.41", "value": "12345678Z"}],
                "name": [{"family": "Doe", "given": ["John"]}],
                "telecom": [{"system": "phone", "value": "123456789"}],
                "managingOrganization": {"identifier": [{"system": "urn:oid:", "value": "2.16.724.4.2"}]},
            }
        },
        {
            "resource": {
                "resourceType": "Condition",
                "clinicalStatus": "active",
                "code": {"coding": [{"system": "http://snomed.info/sct", "code": "426875007"}]},
                "subject": {"reference": "Patient/x"},
            }
        },
    ],
}
WITH_CONDITION = {
    "resourceType": "Patient",
    "id": "Bj6.1Lq-hvb-28",
    "contained": [
        {
            "resourceType": "Condition",
            "id": "c",
            "meta": {"profile": ["http://example.org/p"]},
            "clinicalStatus": "active",
            "code": {"coding": [{"system": "http://snomed.info/sct", "code": "426875007"}]},
            "subject": {"reference": "#"},
        },
        {"resourceType": "Organization", "id": "o", "name": "Clinic", "partOf": {"reference": "#"}},
    ],
    "identifier": [{"system": "urn:oid:2.16.724.4.41", "value": "12345678Z"}],
    "name": [{"family": "Doe", "given": ["John"]}],
    "managingOrganization": {"reference": "#o"},
}
PRACTITIONER = {
    "resourceType": "Practitioner",
    "id": "sZX6uQW-VOH-0868",
    "identifier": [{"system": "urn:oid:2.16.724.4.305", "value": "11111111H"}],
    "name": [{"family": "Ruiz", "given": ["Eva"]}],
    "qualification": [{"code": {"text": "Endocrinologist"}}],
}
PATIENT = {
    "resourceType": "Patient",
    "id": PREPERSON,
    "identifier": [{"system": "https://fhir-bridge.example/fhir/sid/ehealth-external-id", "value": "1"}],
    "active": True,
    "name": [
        {"family": "Old"},
        {"use": "official", "family": "Коваль", "given": [None, "Петрівна"], "_given": [{"id": "a"}, None]},
    ],
    "telecom": [{"system": "phone", "value": "1", "rank": 1}],
    "gender": "female",
    "birthDate": "1980-01-01",
    "_birthDate": {"extension": [{"url": "http://example.org/x", "valueDecimal": 1.50}]},
    "deceasedBoolean": False,
    "contact": [
        {
            "relationship": [{"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0131", "code": "C"}]}],
            "name": {"family": "Б", "given": ["А", "В"]},
            "telecom": [{"system": "email", "value": "a@b.c"}, {"system": "phone", "value": "+380501112233"}],
        }
    ],
    "contained": [{"resourceType": "Basic", "id": "b", "code": {"text": "x"}}],
}
STATUS = {
    "resourceType": "Parameters",
    "parameter": [{"name": "status", "valueCode": "STP"}, {"name": "reason", "valueCode": "PDC"}],
}
UPDATE = {"resourceType": "Parameters", "parameter": [{"name": "skipInteractive", "valueBoolean": True}]}
JSON_PATCH = [
    {"op": "test", "path": "/birthDate", "value": "1980-01-01"},
    {"op": "replace", "path": "/name/0/given/1", "value": "Х"},
    {"op": "move", "from": "/gender", "path": "/gender"},
]
FHIRPATH_PATCH = {
    "resourceType": "Parameters",
    "parameter": [
        {
            "name": "operation",
            "part": [
                {"name": "type", "valueCode": "replace"},
                {"name": "path", "valueString": "Patient.name.where(use = 'official').given[1]"},
                {"name": "value", "valueString": "Х"},
            ],
        }
    ],
}
BATCH = {
    "resourceType": "Bundle",
    "type": "batch",
    "entry": [
        {"request": {"method": "GET", "url": f"ehealth/Patient/{PREPERSON}"}},
        {"request": {"method": "PUT", "url": f"ehealth/Patient/{PREPERSON}", "ifMatch": 'W/"1"'}, "resource": PATIENT},
        {"request": {"method": "POST", "url": "wmda/Patient/123456/$update-search-status"}, "resource": STATUS},
        {
            "request": {"method": "PATCH", "url": f"ehealth/Patient/{PREPERSON}"},
            "resource": {
                "resourceType": "Binary",
                "contentType": "application/json-patch+json",
                "data": base64.b64encode(json.dumps(JSON_PATCH).encode()).decode(),
            },
        },
    ],
}
VALIDATE = {
    "resourceType": "Parameters",
    "parameter": [{"name": "mode", "valueCode": "update"}, {"name": "resource", "resource": PATIENT}],
}

FHIR, PATCH = "application/fhir+json", "application/json-patch+json"
Good = tuple[str, str, str, Any]
"""A good request: method, address below /fhir, content type, body."""

KNOWN = {
    "ehealth": {"id": PREPERSON, "version": "2017-04-20T191413Z-90847d7180bb"},
    "healthex": {"id": "17d4513f-73e8"},
    "roche": {"id": "Bj6.1Lq-hvb-28", "practitioner": "sZX6uQW-VOH-0868"},
    "wmda": {"id": "123456"},
}
"""Who is there from the start, for the names in the walkthrough of each partner."""


def walked() -> Iterator[Good]:
    """The requests of docs/walkthroughs, among which every interaction of every partner has one."""
    for page in pages():
        for step in steps(page.read_text(encoding="utf-8")):
            text = step.request
            for name, value in KNOWN[page.stem].items():
                text = text.replace(f"{{{name}}}", value)
            request = read_request(text)
            if request.url.startswith("/fhir"):
                body = json.loads(request.body) if request.body else None
                content_type = request.headers.get("Content-Type", FHIR)
                yield request.method, request.url.removeprefix("/fhir"), content_type, body


GOOD: list[Good] = [
    *walked(),
    ("GET", "/metadata", FHIR, None),
    ("GET", "/metadata?mode=terminology", FHIR, None),
    ("GET", f"/ehealth/Patient/{PREPERSON}", FHIR, None),
    ("GET", f"/ehealth/Patient?_id={PREPERSON}", FHIR, None),
    ("PUT", f"/ehealth/Patient/{PREPERSON}", FHIR, PATIENT),
    ("PATCH", f"/ehealth/Patient/{PREPERSON}", PATCH, JSON_PATCH),
    ("PATCH", f"/ehealth/Patient/{PREPERSON}", FHIR, FHIRPATH_PATCH),
    ("PATCH", f"/ehealth/Patient/{PREPERSON}", "application/merge-patch+json", {"birthDate": "1980-01-01"}),
    ("POST", "/wmda/Patient/123456/$update-search-status", FHIR, STATUS),
    ("POST", "/healthex/Patient/17d4513f-73e8/$update-data", FHIR, UPDATE),
    ("PUT", "/roche/Bundle/Bj6.1Lq-hvb-28", FHIR, MESSAGE),
    ("POST", "/roche/$process-message", FHIR, MESSAGE),
    ("PUT", "/roche/Patient/Bj6.1Lq-hvb-28", FHIR, WITH_CONDITION),
    ("POST", "/roche/Patient", f"{FHIR}; fhirVersion=4.0", WITH_CONDITION),
    ("PUT", "/roche/Practitioner/sZX6uQW-VOH-0868", FHIR, PRACTITIONER),
    ("POST", "/roche/Practitioner", FHIR, PRACTITIONER),
    ("POST", "", FHIR, BATCH),
    ("POST", "/ehealth/Patient/$validate", FHIR, VALIDATE),
    (
        "GET",
        "/StructureDefinition?url=https://fhir-bridge.example/fhir/StructureDefinition/ehealth-preperson",
        FHIR,
        None,
    ),
]

METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "FOO"]
SEGMENTS = [
    "", "ehealth", "healthex", "wmda", "roche", "Patient", "Bundle", "Parameters", "Foo", "metadata", "_history",
    "_search", "$validate", "$update-data", "$versions", "$", "..", "%2e%2e", "a%2Fb", "%00", "%ff", "x" * 65,
    PREPERSON, "123456", "Bj6.1Lq-hvb-28", "17d4513f-73e8", "StructureDefinition", "Practitioner", "Person", "Consent",
    "ResearchStudy", "$everything", "$start-search", "$enrollment-link", "$exchange-code", "$process-message",
]  # fmt: skip
HEADERS = {
    "content-type": [
        FHIR,
        PATCH,
        "application/json",
        "application/fhir+xml",
        "text/plain",
        "a",
        "",
        FHIR + "; charset=x",
    ],
    "accept": [FHIR, "application/fhir+xml", "text/html", "*/*;q=0", "application/fhir+json;fhirVersion=9", ",;q=x"],
    "prefer": ["handling=strict", "return=OperationOutcome", "return=minimal", "respond-async", "=;,"],
    "if-match": ['W/"1"', "*", "x", '"'],
    "if-none-match": ["*", 'W/"2017-04-20T191413Z-90847d7180bb"', ""],
    "if-modified-since": ["Thu, 01 Jan 2099 00:00:00 GMT", "never", "2099"],
    "if-none-exist": ["identifier=a|b"],
    "x-correlation-id": ["1", "a b", "\x7f"],
    "x-request-id": ["1", "a b", "\x7f", "x" * 500],
    "org_id": ["1.2.3", "a\tb"],
    "content-length": ["x", "99999999999"],
}

QUERIES = [
    "_format=xml", "_format=xml&_pretty=true", "_summary=x", "_summary=count", "_id=%00", "=&;", "_count=0",
    "_count=-1", "_count=x", "_offset=999999999", "_offset=9999999999", "_elements=name", "search-status=ACT,x",
    "search-status=NEW", "patient=Patient/17d4513f-73e8", "patient=Group/1,2", "patient:missing=true",
    "identifier=a%7Cb", "_type=Person",
]  # fmt: skip

odd_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the path of every value within a JSON value, itself included."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, inner in pairs for place in places(inner, (*path, key)))]


def replaced(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    """Return a copy of a JSON value with another value at one place."""
    if not path:
        return new
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = replaced(value[path[0]], path[1:], new)
    return copy


@st.composite
def bodies(draw: st.DrawFn, good: Any) -> bytes:
    """A good body, the same with up to three values replaced, or with its text cut or stained."""
    for _ in range(draw(st.integers(0, 3))):
        good = replaced(good, draw(st.sampled_from(places(good))), draw(odd_values))
    if isinstance(good, dict) and "resourceType" in good and draw(st.integers(0, 4)) == 0:
        return xml_text(good)
    text = json.dumps(good, ensure_ascii=draw(st.booleans())).encode("utf-8", "surrogatepass")
    if draw(st.integers(0, 9)) == 0:
        at = draw(st.integers(0, len(text)))
        text = text[:at] + draw(st.binary(max_size=3)) + text[at + draw(st.integers(0, 5)) :]
    return text


def xml_text(resource: Any) -> bytes:
    """The resource as XML; as JSON where it can be no XML."""
    try:
        return xml.dumps(resource, indented=True)
    except (ValueError, TypeError):
        return json.dumps(resource).encode("utf-8", "surrogatepass")


@st.composite
def requests(draw: st.DrawFn) -> tuple[str, str, list[tuple[str, str]], bytes]:
    """A request as (method, address below /fhir, headers, body)."""
    method, path, content_type, good = draw(st.sampled_from(GOOD))
    body = b"" if good is None else draw(bodies(good))
    headers = {"content-type": "application/fhir+xml" if body.startswith(b"<?xml") else content_type}
    if draw(st.integers(0, 3)) == 0:
        method = draw(st.sampled_from(METHODS))
    if draw(st.integers(0, 3)) == 0:
        path = "/" + "/".join(draw(st.lists(st.sampled_from(SEGMENTS), max_size=5)))
    for name in draw(st.lists(st.sampled_from(sorted(HEADERS)), max_size=3, unique=True)):
        headers[name] = draw(st.sampled_from(HEADERS[name]))
    if draw(st.integers(0, 5)) == 0:
        path += draw(st.sampled_from(["?", "&"])) + draw(st.sampled_from(QUERIES))
    return method, path, list(headers.items()), body
