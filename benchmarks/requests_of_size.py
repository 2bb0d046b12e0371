"""Requests of any size, of every kind that could cost more than its size: see `growth`.

Each row: name, method, address, the smallest n, and, where there are some, the body of size n, headers, the partner's
answer of size n.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from typing import Any

Json = Any

EHEALTH, WMDA, ROCHE = "/fhir/ehealth/Patient", "/fhir/wmda/Patient", "/fhir/roche"
PREPERSON = "7c3da506-804d-4550-8993-bf17f9ee0402"
ONE = f"{EHEALTH}/{PREPERSON}"
ENTRY = f"Patient/{PREPERSON}"
HLA = "https://fhir-bridge.example/fhir/StructureDefinition/wmda-hla"
ABSENT = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
XHTML = "http://www.w3.org/1999/xhtml"
XML = {"Content-Type": "application/fhir+xml"}
ANSWER_IN_XML = {"Accept": "application/fhir+xml"}
R4 = {"Content-Type": "application/fhir+json; fhirVersion=4.0", "Accept": "application/fhir+json; fhirVersion=4.0"}
JSON_PATCH = {"Content-Type": "application/json-patch+json"}
MERGE_PATCH = {"Content-Type": "application/merge-patch+json"}
TOLD = {"Prefer": "return=OperationOutcome"}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def patient(**elements: Json) -> Json:
    return {"resourceType": "Patient", "id": PREPERSON, "gender": "male", **elements}


def xml(content: str, attributes: str = "") -> bytes:
    return f'<Patient xmlns="http://hl7.org/fhir"{attributes}>{content}</Patient>'.encode()


def observations(n: int) -> list[Json]:
    return [{"resourceType": "Basic", "id": f"b{i}"} for i in range(n)]


def chain(n: int) -> Json:
    """Contained resources of which each refers to the next, the first one from an element that has to be left."""
    links = [{"resourceType": "Basic", "id": f"b{i}", "subject": {"reference": f"#b{i + 1}"}} for i in range(n)]
    contained = [*links, {"resourceType": "Basic", "id": f"b{n}"}]
    return patient(contained=contained, generalPractitioner=[{"reference": "#b0"}])


def about(n: int) -> Json:
    """Conditions about the patient who contains them."""
    conditions = [{"resourceType": "Condition", "id": f"c{i}", "subject": {"reference": "#"}} for i in range(n)]
    return patient(contained=conditions)


def message(n: int) -> Json:
    """A message with many Conditions, as Roche answers it."""
    header = {"resourceType": "MessageHeader", "event": {"system": "x:y", "code": "z"}, "source": {"endpoint": "x:y"}}
    entries = [{"resource": header}, {"resource": {"resourceType": "Patient", "id": PREPERSON}}]
    entries += [{"resource": {"resourceType": "Condition", "subject": {"reference": ENTRY}}} for _ in range(n)]
    return {"resourceType": "Bundle", "type": "message", "entry": entries}


def patch(operations: Sequence[Json]) -> Json:
    names = ("type", "path", "name", "index", "source", "destination")
    kinds = {"type": "Code", "path": "String", "name": "String"}

    def part(name: str, value: Json) -> Json:
        return value if name not in names else {"name": name, f"value{kinds.get(name, 'Integer')}": value}

    return {
        "resourceType": "Parameters",
        "parameter": [
            {"name": "operation", "part": [part(name, value) for name, value in one.items()]} for one in operations
        ],
    }


def many_names(n: int) -> Json:
    """A patch that adds a Patient's worth of names, then goes over them again and again."""
    given = {"name": "value", "part": [{"name": "given", "valueString": f"g{i}"} for i in range(n)]}
    whole = {"type": "add", "path": "Patient", "name": "name", "value": given}
    again = {
        "type": "replace",
        "path": "Patient.name.given.where($this = 'g1')",
        "value": {"name": "value", "valueString": "g1"},
    }
    return patch([whole, *[again] * 400])


def binary(n: int) -> Json:
    data = base64.b64encode(json.dumps([{"op": "test", "path": f"/{i}", "value": 1} for i in range(n)]).encode())
    resource = {"resourceType": "Binary", "contentType": "application/json-patch+json", "data": data.decode()}
    return batch([{"request": {"method": "PATCH", "url": ENTRY}, "resource": resource}])


def batch(entries: list[Json], kind: str = "batch") -> Json:
    return {"resourceType": "Bundle", "type": kind, "entry": entries}


def deep(levels: int, width: int) -> Json:
    extension: Json = {"url": "http://x.org", "valueString": "a"}
    for _ in range(levels):
        extension = {"url": "http://x.org", "extension": [extension]}
    return [extension] * width


def narrative(content: str) -> Json:
    return {"status": "generated", "div": f'<div xmlns="{XHTML}">{content}</div>'}


def parameters(n: int, part: Json) -> Json:
    return {"resourceType": "Parameters", "parameter": [part] * n}


HLA_PARTS = [{"url": "locus", "valueCode": "A"}, {"url": "field1", "valueString": "02:01"}]
_DATA = {"data": {"id": PREPERSON, "status": "ACTIVE", "first_name": "A", "last_name": "B", "gender": "MALE"}}


def record(n: int) -> Json:
    return _DATA


def long_record(n: int) -> Json:
    phones = [{"type": "MOBILE", "number": f"+38{i}"} for i in range(n)]
    return {"data": {**_DATA["data"], "emergency_contact": {"first_name": "A", "last_name": "B", "phones": phones}}}


KINDS: Sequence[tuple[Any, ...]] = (
    # --- JSON
    ("json: empty objects", "PUT", ONE, 400_000, lambda n: b"[" + b"{}," * n + b"1]"),
    ("json: texts", "PUT", ONE, 400_000, lambda n: b"[" + b'"",' * n + b"1]"),
    ("json: one text", "PUT", ONE, 1_200_000, lambda n: patient(implicitRules="a" * n)),
    ("json: escapes", "PUT", ONE, 600_000, lambda n: b'["' + b"\\n" * n + b'"]'),
    ("json: unicode escapes", "PUT", ONE, 200_000, lambda n: b'["' + b"\\u0041" * n + b'"]'),
    (
        "json: surrogate pairs",
        "PUT",
        ONE,
        100_000,
        lambda n: b'["' + b"\\ud83d\\ude00" * n + b'"]',
    ),
    ("json: commas in a text", "PUT", ONE, 1_200_000, lambda n: b'["' + b"," * n + b'"]'),
    ("json: repeated keys", "PUT", ONE, 16_000, lambda n: b"[" + b'{"a":1,"a":2},' * n + b"1]"),
    (
        "json: digits",
        "PUT",
        ONE,
        1_200_000,
        lambda n: b'{"resourceType":"Patient","a":' + b"1" * n + b"}",
    ),
    ("json: white space", "PUT", ONE, 1_200_000, lambda n: b" " * n + b"{"),
    (
        "json: many keys",
        "PUT",
        ONE,
        45_000,
        lambda n: {"resourceType": "Patient", **{f"k{i}": 1 for i in range(n)}},
    ),
    # --- structure
    (
        "structure: contained resources",
        "PUT",
        ONE,
        12_000,
        lambda n: patient(contained=observations(n)),
    ),
    (
        "structure: contained of one id",
        "PUT",
        ONE,
        12_000,
        lambda n: patient(contained=observations(1) * n),
    ),
    (
        "structure: contained of unknown types",
        "PUT",
        ONE,
        20_000,
        lambda n: patient(contained=[{"resourceType": f"Observatoin{i}"} for i in range(n)]),
    ),
    (
        "structure: contained in contained",
        "PUT",
        ONE,
        16_000,
        lambda n: patient(contained=[{"resourceType": "Patient", "id": "x", "contained": observations(n)}]),
    ),
    (
        "structure: references without an end",
        "PUT",
        ONE,
        20_000,
        lambda n: patient(contained=observations(1), generalPractitioner=[{"reference": f"#x{i}"} for i in range(n)]),
    ),
    (
        "structure: unknown elements everywhere",
        "PUT",
        ONE,
        20_000,
        lambda n: patient(name=[{f"familly{i}": "a"} for i in range(n)]),
    ),
    (
        "structure: wrong types",
        "PUT",
        ONE,
        40_000,
        lambda n: patient(name=[{"given": list(range(n))}]),
    ),
    (
        "structure: wrong codes",
        "PUT",
        ONE,
        20_000,
        lambda n: patient(name=[{"use": f"u{i}"} for i in range(n)]),
    ),
    ("structure: deep extensions", "PUT", ONE, 200, lambda n: patient(extension=deep(28, n))),
    (
        "structure: a base64 of spaces",
        "PUT",
        ONE,
        1_200_000,
        lambda n: patient(photo=[{"data": "aaaa " * (n // 5) + "!"}]),
    ),
    ("structure: a code of spaces", "PUT", ONE, 250_000, lambda n: patient(language="a " * n)),
    (
        "structure: an oid of dots",
        "PUT",
        ONE,
        500_000,
        lambda n: patient(implicitRules="urn:oid:1" + ".1" * n + "."),
    ),
    (
        "structure: a date of digits",
        "PUT",
        ONE,
        1_000_000,
        lambda n: patient(birthDate="2000-01-01T00:00:00." + "1" * n),
    ),
    (
        "structure: a reference of slashes",
        "PUT",
        ONE,
        1_000_000,
        lambda n: patient(managingOrganization={"reference": "Patient/" + "a/" * n}),
    ),
    # --- narratives
    ("narrative: tags", "PUT", ONE, 120_000, lambda n: patient(text=narrative("<b/>" * n))),
    (
        "narrative: nested tags",
        "PUT",
        ONE,
        80_000,
        lambda n: patient(text=narrative("<b>" * n + "</b>" * n)),
    ),
    (
        "narrative: attributes",
        "PUT",
        ONE,
        60_000,
        lambda n: patient(text=narrative("<b " + " ".join(f'a{i}="1"' for i in range(n)) + "/>")),
    ),
    ("narrative: entities", "PUT", ONE, 150_000, lambda n: patient(text=narrative("&nbsp;" * n))),
    (
        "narrative: many",
        "PUT",
        ONE,
        5_000,
        lambda n: patient(
            contained=[{"resourceType": "Basic", "id": f"b{i}", "text": narrative("a")} for i in range(n)]
        ),
    ),
    # --- XML
    (
        "xml: attributes",
        "PUT",
        ONE,
        80_000,
        lambda n: xml("", "".join(f' a{i}="1"' for i in range(n))),
        XML,
    ),
    (
        "xml: namespaces",
        "PUT",
        ONE,
        60_000,
        lambda n: xml("", "".join(f' xmlns:a{i}="b"' for i in range(n))),
        XML,
    ),
    ("xml: unknown elements", "PUT", ONE, 45_000, lambda n: xml("<nam/>" * n), XML),
    (
        "xml: elements",
        "PUT",
        ONE,
        24_000,
        lambda n: xml('<name><family value="a"/></name>' * n),
        XML,
    ),
    ("xml: comments", "PUT", ONE, 150_000, lambda n: xml("<!-- -->" * n), XML),
    ("xml: comments first", "PUT", ONE, 150_000, lambda n: b"<!---->" * n + xml(""), XML),
    (
        "xml: entities",
        "PUT",
        ONE,
        240_000,
        lambda n: xml("<gender value='" + "&amp;" * n + "'/>"),
        XML,
    ),
    ("xml: text", "PUT", ONE, 1_200_000, lambda n: xml("a" * n), XML),
    (
        "xml: narratives",
        "PUT",
        ONE,
        6_000,
        lambda n: xml(f'<contained><Basic><text><div xmlns="{XHTML}">a</div></text></Basic></contained>' * n),
        XML,
    ),
    (
        "xml: a narrative of tags",
        "PUT",
        ONE,
        45_000,
        lambda n: xml(f'<text><div xmlns="{XHTML}">{"<b/>" * n}</div></text>'),
        XML,
    ),
    # --- mapping
    (
        "left behind: names",
        "PUT",
        ONE,
        20_000,
        lambda n: patient(name=[{"family": "a"}] * n),
        TOLD,
        record,
    ),
    (
        "left behind: identifiers",
        "PUT",
        ONE,
        12_000,
        lambda n: patient(name=[{"family": "a"}], identifier=[{"system": "http://x.org", "value": "1"}] * n),
        TOLD,
        record,
    ),
    (
        "left behind: contacts with phones",
        "PUT",
        ONE,
        10_000,
        lambda n: patient(
            name=[{"family": "a"}],
            contact=[
                {
                    "relationship": [
                        {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0131", "code": "C"}]}
                    ],
                    "name": {"family": "a"},
                    "telecom": [{"system": "phone", "value": f"+{i}", "use": "home"} for i in range(n)],
                }
            ],
        ),
        TOLD,
        record,
    ),
    (
        "validate: HLA of one locus",
        "POST",
        f"{WMDA}/$validate",
        5_000,
        lambda n: patient(extension=[{"url": HLA, "extension": HLA_PARTS}] * n),
    ),
    (
        "validate: modifier extensions",
        "POST",
        f"{EHEALTH}/$validate",
        16_000,
        lambda n: patient(modifierExtension=[{"url": "http://x.org", "valueBoolean": True}] * n),
    ),
    ("validate: names", "POST", f"{EHEALTH}/$validate", 20_000, lambda n: patient(name=[{"family": "a"}] * n)),
    (
        "wmda: unknown extensions",
        "POST",
        WMDA,
        16_000,
        lambda n: patient(extension=[{"url": f"http://x.org/{i}", "valueString": "a"} for i in range(n)]),
    ),
    (
        "operation: parameters",
        "POST",
        f"{WMDA}/1/$update-search-status",
        16_000,
        lambda n: parameters(n, {"name": "statuz", "valueCode": "ACT"}),
    ),
    (
        "cohort: patients",
        "POST",
        "/fhir/healthex/Patient/$update-data",
        12_000,
        lambda n: {
            "resourceType": "Parameters",
            "parameter": [{"name": "patient", "valueReference": {"reference": f"Patient/{i}"}} for i in range(n)],
        },
    ),
    (
        "cohort: members",
        "POST",
        "/fhir/healthex/Patient/$update-data",
        12_000,
        lambda n: parameters(
            1,
            {
                "name": "group",
                "resource": {
                    "resourceType": "Group",
                    "type": "person",
                    "actual": True,
                    "member": [{"entity": {"reference": f"Patient/{i}"}} for i in range(n)],
                },
            },
        ),
    ),
    # --- messages and versions
    ("message: contained conditions", "PUT", f"{ROCHE}/Patient/{PREPERSON}", 6_000, about, R4),
    ("message: a chain of contained", "PUT", f"{ROCHE}/Patient/{PREPERSON}", 500, chain, R4),
    (
        "message: barred elements",
        "PUT",
        f"{ROCHE}/Patient/{PREPERSON}",
        240,
        lambda n: patient(generalPractitioner=[{"reference": f"Practitioner/{i}"} for i in range(n)]),
        R4,
    ),
    (
        "message: barred elements, too many",
        "PUT",
        f"{ROCHE}/Patient/{PREPERSON}",
        8_000,
        lambda n: patient(generalPractitioner=[{"reference": f"Practitioner/{i}"} for i in range(n)]),
        R4,
    ),
    ("message: conditions answered", "GET", f"{ROCHE}/Patient/{PREPERSON}", 4_000, None, R4, message),
    ("message: entries sent in R4", "PUT", f"{ROCHE}/Bundle/{PREPERSON}", 8_000, message, R4),
    (
        "message: extensions home",
        "PUT",
        f"{ROCHE}/Bundle/{PREPERSON}",
        8_000,
        lambda n: batch(
            [
                {
                    "resource": {
                        "resourceType": "Patient",
                        "extension": [
                            {
                                "url": "http://hl7.org/fhir/3.0/StructureDefinition/extension-Patient.name",
                                "valueHumanName": {"family": "a"},
                            }
                        ]
                        * n,
                    }
                }
            ],
            "message",
        ),
        R4,
    ),
    # --- patches
    (
        "patch: json, tests",
        "PATCH",
        ONE,
        250,
        lambda n: [{"op": "test", "path": "/" + "a/" * 2_000 + str(i), "value": 1} for i in range(n)],
        JSON_PATCH,
        record,
    ),
    (
        "patch: json, names in front",
        "PATCH",
        ONE,
        40_000,
        lambda n: [
            {"op": "add", "path": "/name", "value": [{}] * n},
            *[{"op": "add", "path": "/name/0", "value": {}}] * 900,
        ],
        JSON_PATCH,
        record,
    ),
    (
        "patch: json, a long pointer",
        "PATCH",
        ONE,
        300_000,
        lambda n: [{"op": "test", "path": "/a" * n, "value": 1}],
        JSON_PATCH,
        record,
    ),
    ("patch: json, bad operations", "PATCH", ONE, 40_000, lambda n: [{}] * n, JSON_PATCH, record),
    ("patch: fhirpath, over many names", "PATCH", ONE, 5_000, many_names, {}, record),
    (
        "patch: fhirpath, bad parts",
        "PATCH",
        ONE,
        12_000,
        lambda n: {
            "resourceType": "Parameters",
            "parameter": [{"name": "operation", "part": [{"name": "type", "valueCode": "x"}] * n}],
        },
        {},
        record,
    ),
    (
        "patch: fhirpath, parts of a value",
        "PATCH",
        ONE,
        12_000,
        lambda n: patch(
            [
                {
                    "type": "add",
                    "path": "Patient",
                    "name": "name",
                    "value": {"name": "value", "part": [{"name": "given", "valueString": "a"}] * n},
                }
            ]
        ),
        {},
        record,
    ),
    (
        "patch: merge",
        "PATCH",
        ONE,
        20_000,
        lambda n: {"name": [{"family": "a"}] * n},
        MERGE_PATCH,
        record,
    ),
    ("patch: in a Binary", "POST", "/fhir/ehealth", 10_000, binary, {}, record),
    # --- batches
    (
        "batch: bad addresses",
        "POST",
        "/fhir/ehealth",
        250,
        lambda n: batch([{"request": {"method": "GET", "url": f"x/{i}/y/z"}} for i in range(n)]),
    ),
    (
        "batch: bad requests",
        "POST",
        "/fhir/ehealth",
        250,
        lambda n: batch([{"request": {"methood": "GET"}} for i in range(n)]),
    ),
    (
        "batch: references",
        "POST",
        "/fhir/ehealth",
        16_000,
        lambda n: batch(
            [
                {
                    "fullUrl": "urn:uuid:0",
                    "request": {"method": "POST", "url": "Patient"},
                    "resource": patient(link=[{"other": {"reference": "urn:uuid:1"}}] * n),
                }
            ]
        ),
    ),
    (
        "batch: problems of entries",
        "POST",
        "/fhir/ehealth",
        250,
        lambda n: batch([{"request": {"method": "PUT", "url": ENTRY}, "resource": patient(name=[{"u": 1}] * 60)}] * n),
    ),
    (
        "transaction: references to what is made",
        "POST",
        "/fhir/ehealth",
        12_000,
        lambda n: batch(
            [
                {
                    "fullUrl": "urn:uuid:0",
                    "request": {"method": "POST", "url": "Patient"},
                    "resource": patient(link=[{"other": {"reference": "urn:uuid:0"}}] * n),
                }
            ],
            "transaction",
        ),
    ),
    (
        "batch: query of an entry",
        "POST",
        "/fhir/ehealth",
        4_000,
        lambda n: batch([{"request": {"method": "GET", "url": "Patient?" + "a=&" * n}}]),
    ),
    # --- searches
    ("search: a form of parameters", "POST", f"{EHEALTH}/_search", 49_000, lambda n: b"a=1&" * n, FORM),
    (
        "search: a form of unknown parameters",
        "POST",
        f"{EHEALTH}/_search",
        49_000,
        lambda n: b"&".join(b"a%d=1" % i for i in range(n)),
        FORM,
    ),
    (
        "search: ids",
        "POST",
        f"{EHEALTH}/_search",
        150_000,
        lambda n: b"_id=" + b",".join(b"%d" % i for i in range(n)),
        FORM,
    ),
    (
        "search: ids twice",
        "POST",
        f"{EHEALTH}/_search",
        10_000,
        lambda n: b"_id=" + b",".join(b"%d" % i for i in range(n)) + b"&_id=" + b",".join(b"%d" % -i for i in range(n)),
        FORM,
    ),
    (
        "search: elements",
        "POST",
        f"{EHEALTH}/_search",
        100_000,
        lambda n: f"_id={PREPERSON}&_elements=".encode() + b",".join(b"a%d" % i for i in range(n)),
        FORM,
        record,
    ),
    # --- partners' answers
    ("answer: phones", "GET", ONE, 5_000, None, {}, long_record),
    ("answer: phones, in XML", "GET", ONE, 5_000, None, ANSWER_IN_XML, long_record),
    (
        "answer: a list",
        "GET",
        f"{WMDA}?search-status=ACT",
        1_000,
        None,
        {},
        lambda n: {"patients": [{"wmdaId": i} for i in range(n)], "total": n},
    ),
    (
        "answer: errors",
        "GET",
        ONE,
        16_000,
        None,
        {},
        lambda n: {"error": {"invalid": [{"entry": f"$.a[{i}]", "rules": []} for i in range(n)]}},
    ),
)
