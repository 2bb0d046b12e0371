"""What `fhir-bridge sandbox` prints: the bases, the partners' own addresses, and a call to try at each base."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class Call(NamedTuple):
    """One call to try. `path` is below the bridge's address."""

    title: str
    method: str
    path: str
    body: str
    content_type: str = "application/fhir+json"


NAMES = ("healthex", "ehealth", "wmda", "roche")

CALLS = (
    Call(
        "Ask for a patient's newest records",
        "POST",
        "/fhir/healthex/Patient/17d4513f-73e8/$update-data",
        '{"resourceType": "Parameters", "parameter": [{"name": "skipInteractive", "valueBoolean": true}]}',
    ),
    Call(
        "Change the patronymic of an unidentified patient",
        "PATCH",
        "/fhir/ehealth/Patient/7c3da506-804d-4550-8993-bf17f9ee0402",
        '[{"op": "replace", "path": "/name/0/given/1", "value": "Степанович"}]',
        "application/json-patch+json",
    ),
    Call(
        "Stop the search for a donor",
        "POST",
        "/fhir/wmda/Patient/123456/$update-search-status",
        '{"resourceType": "Parameters", "parameter": '
        '[{"name": "status", "valueCode": "STP"}, {"name": "reason", "valueCode": "PDC"}]}',
    ),
    Call(
        "Change a patient's telephone number by a message (STU3, mutual TLS)",
        "PUT",
        "/fhir/roche/Bundle/Bj6.1Lq-hvb-28",
        """\
{"resourceType": "Bundle", "type": "message", "entry": [
  {"resource": {"resourceType": "MessageHeader", "id": "88a37162-3d7c-41c3-89ab-6e25fd68ba00",
    "event": {"system": "http://roche.com/fhir/rdc/message-type", "code": "new-bundle"},
    "source": {"endpoint": "2.16.724.4.2"}, "timestamp": "2020-03-27T12:21:39.471Z"}},
  {"resource": {"resourceType": "Patient", "id": "Bj6.1Lq-hvb-28",
    "identifier": [{"system": "urn:oid:2.16.724.4.41", "value": "12345678Z"}],
    "name": [{"family": "Doe", "given": ["John"]}], "telecom": [{"system": "phone", "value": "123456789"}],
    "gender": "male", "birthDate": "1991-01-01"}}]}""",
    ),
)


def curl(url: str, call: Call) -> str:
    """Return the call as a command for a shell; the bridge is at `url`."""
    lines = [
        f"curl -i -X {call.method} '{url}{call.path}'",
        f"  -H 'Content-Type: {call.content_type}'",
        f"  -d '{call.body}'",
    ]
    return " \\\n".join(lines)


def welcome(url: str, variables: Mapping[str, str]) -> str:
    """Return what the screen shows; `variables` lead to the partners, the bridge is at `url`."""
    bases = [f"  {url}/fhir/{name:<10} {variables[f'{name.upper()}_BASE_URL']}" for name in NAMES]
    calls = [f"# {call.title}\n{curl(url, call)}" for call in CALLS]
    return "\n".join(
        [
            f"fhir-bridge is ready at {url}/fhir; its bases, and the simulated partner behind each:",
            *bases,
            "",
            "Four calls to try:",
            "",
            "\n\n".join(calls),
            "",
            "docs/sandbox.md lists the patients for every other outcome. Ctrl-C stops it all.",
        ]
    )
