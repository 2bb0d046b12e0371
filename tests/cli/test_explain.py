"""`fhir-bridge explain`: what a request would send, to whom and by which rule, for each of the partners that ship."""

from __future__ import annotations

import io
import json
import re
import sys
from pathlib import Path

import pytest

from fhir_bridge.cli import main
from fhir_bridge.sandbox.welcome import CALLS
from tests.cli.conftest import CONFIGURED

ROOT = Path(__file__).parents[2]
PREPERSON = "7c3da506-804d-4550-8993-bf17f9ee0402"


def explained(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    """Return the exit status and what is printed; nothing goes to stderr, and no secret anywhere."""
    status = main(["explain", *arguments])
    out, err = capsys.readouterr()
    assert err == ""
    assert "secret-" not in out
    return status, out


def lines_named(text: str) -> str:
    """Return the text with `N` for each digit of a line's number, so that a comment in a mapping file moves nothing."""
    return re.sub(r"(?<=\.yaml:)\d+", lambda number: "N" * len(number[0]), text)


@pytest.mark.usefixtures("_four_are_configured")
def test_an_update_shows_call_headers_rows_and_what_is_left_behind(capsys: pytest.CaptureFixture[str]) -> None:
    patient = {
        "resourceType": "Patient",
        "id": PREPERSON,
        "name": [{"family": "Іванов", "given": ["Петро", "Степанович"]}, {"use": "nickname", "text": "Петя"}],
        "gender": "male",
        "maritalStatus": {"text": "одружений"},
        "contact": [
            {
                "relationship": [
                    {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0131", "code": "C"}]}
                ],
                "name": {"family": "漢" * 30},
                "telecom": [
                    {"system": "email", "value": "a@example.org"},
                    {"system": "phone", "value": "+380503410870", "use": "mobile"},
                ],
            }
        ],
    }

    status, out = explained(
        capsys, "PUT", f"/fhir/ehealth/Patient/{PREPERSON}", json.dumps(patient), "-H", "Authorization: Bearer secret-0"
    )

    assert (status, lines_named(out)) == (
        0,
        """\
PUT /fhir/ehealth/Patient/7c3da506-804d-4550-8993-bf17f9ee0402
update Patient, eHealth Ukraine (mappings/ehealth.yaml:NN)

PATCH https://api.ehealth.test/api/prepersons/7c3da506-804d-4550-8993-bf17f9ee0402
  Accept: application/json
  Content-Type: application/json
  Authorization: Bearer ***  (the client's own)
  Api-key: ***

  {
    "last_name": "Іванов",
    "first_name": "Петро",
    "second_name": "Степанович",
    "gender": "MALE",
    "emergency_contact": {
      "last_name": "漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢",
      "phones": [
        {
          "number": "+380503410870",
          "type": "MOBILE"
        }
      ]
    }
  }

FHIR element                         partner field                       value                                 rule
───────────────────────────────────  ──────────────────────────────────  ────────────────────────────────────  ─────────────────────────
Patient.name[0].family               last_name                           "Іванов"                              mappings/ehealth.yaml:NN
Patient.name[0].given[0]             first_name                          "Петро"                               mappings/ehealth.yaml:NN
Patient.name[0].given[1]             second_name                         "Степанович"                          mappings/ehealth.yaml:NN
Patient.gender                       gender                              "MALE"                                mappings/ehealth.yaml:NNN
Patient.contact[0].name.family       emergency_contact.last_name         "漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢…  mappings/ehealth.yaml:NNN
Patient.contact[0].telecom[1].value  emergency_contact.phones[0].number  "+380503410870"                       mappings/ehealth.yaml:NNN
Patient.contact[0].telecom[1].use    emergency_contact.phones[0].type    "MOBILE"                              mappings/ehealth.yaml:NNN

Left behind, for no row takes it:
  Patient.name[1]
  Patient.maritalStatus
  Patient.contact[0].telecom[0]

*** stands for what is secret.
""",  # noqa: E501
    )


@pytest.mark.usefixtures("_four_are_configured")
def test_a_rule_is_named_with_its_line(capsys: pytest.CaptureFixture[str]) -> None:
    body = f'{{"resourceType": "Patient", "id": "{PREPERSON}", "birthDate": "1990-01-31"}}'

    _, out = explained(capsys, "PUT", f"/fhir/ehealth/Patient/{PREPERSON}", body, "-H", "Authorization: Bearer t")

    row = next(line for line in out.splitlines() if line.startswith("Patient.birthDate"))
    file, _, number = row.split()[-1].partition(":")
    assert (ROOT / file).read_text(encoding="utf-8").splitlines()[int(number) - 1].split()[0] == "birthDate:"


def test_a_patch_shows_the_record_that_is_read_and_the_fields_that_it_may_change(
    capsys: pytest.CaptureFixture[str],
) -> None:
    status, out = explained(
        capsys, "PATCH", f"/fhir/ehealth/Patient/{PREPERSON}", '[{"op": "remove", "path": "/gender"}]'
    )

    assert (status, lines_named(out)) == (
        0,
        """\
PATCH /fhir/ehealth/Patient/7c3da506-804d-4550-8993-bf17f9ee0402
patch Patient, eHealth Ukraine (mappings/ehealth.yaml:NN)

GET $EHEALTH_BASE_URL/api/prepersons/7c3da506-804d-4550-8993-bf17f9ee0402
  Accept: application/json
  Authorization: Bearer ***
  Api-key: ***
  X-Custom-PSK: ***

The patch is applied to the record that comes back. Then follows

PATCH $EHEALTH_BASE_URL/api/prepersons/7c3da506-804d-4550-8993-bf17f9ee0402

with those of these fields that the patch has changed; where it has changed none, nothing is sent.

element in the mapping file        partner field                  rule
─────────────────────────────────  ─────────────────────────────  ─────────────────────────
identifier[external-id].value      external_id                    mappings/ehealth.yaml:NN
name[official].family              last_name                      mappings/ehealth.yaml:NN
name[official].given[0]            first_name                     mappings/ehealth.yaml:NN
name[official].given[1]            second_name                    mappings/ehealth.yaml:NN
gender                             gender                         mappings/ehealth.yaml:NNN
birthDate                          birth_date                     mappings/ehealth.yaml:NNN
deceasedDateTime                   death_date                     mappings/ehealth.yaml:NNN
contact[emergency].name.family     emergency_contact.last_name    mappings/ehealth.yaml:NNN
contact[emergency].name.given[0]   emergency_contact.first_name   mappings/ehealth.yaml:NNN
contact[emergency].name.given[1]   emergency_contact.second_name  mappings/ehealth.yaml:NNN
contact[emergency].telecom[phone]  emergency_contact.phones       mappings/ehealth.yaml:NNN

*** stands for what is secret.
$NAME stands for a variable that is not set.
""",
    )


@pytest.mark.usefixtures("_four_are_configured")
def test_an_operation_shows_the_id_of_the_address_as_a_field(capsys: pytest.CaptureFixture[str]) -> None:
    status, out = explained(capsys, "post", CALLS[2].path, CALLS[2].body)

    assert (status, lines_named(out)) == (
        0,
        """\
POST /fhir/wmda/Patient/123456/$update-search-status
$update-search-status Patient, WMDA Search & Match (mappings/wmda.yaml:NN)

PUT https://wmda.test/api/v2/patients/status
  Accept: application/json
  Content-Type: application/json
  Authorization: Bearer ***  (from POST https://login.test/oauth2/token)

  {
    "newStatus": "STP",
    "changeReason": "PDC",
    "wmdaId": 123456
  }

FHIR element                   partner field  value   rule
─────────────────────────────  ─────────────  ──────  ──────────────────────
the id in the address          wmdaId         123456  mappings/wmda.yaml:NN
Parameters.parameter[0].value  newStatus      "STP"   mappings/wmda.yaml:NNN
Parameters.parameter[1].value  changeReason   "PDC"   mappings/wmda.yaml:NNN

Nothing is left behind.

*** stands for what is secret.
""",
    )


@pytest.mark.usefixtures("_four_are_configured")
def test_a_search_shows_its_call_and_what_it_can_be_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    status, out = explained(capsys, "GET", "/fhir/wmda/Patient?search-status=ACT,SUS&_count=10")

    assert (status, lines_named(out)) == (
        0,
        """\
GET /fhir/wmda/Patient?search-status=ACT,SUS&_count=10
search-type Patient, WMDA Search & Match (mappings/wmda.yaml:NN)

GET https://wmda.test/api/v2/patients?status=ACT%7CSUS&limit=10&offset=0
  Accept: application/json
  Authorization: Bearer ***  (from POST https://login.test/oauth2/token)

search parameter  partner field  rule
────────────────  ─────────────  ─────────────────────
search-status     status         mappings/wmda.yaml:NN

*** stands for what is secret.
""",
    )


@pytest.mark.usefixtures("_four_are_configured")
def test_a_search_by_ids_shows_the_reads_alone(capsys: pytest.CaptureFixture[str]) -> None:
    _, out = explained(capsys, "GET", "/fhir/wmda/Patient?_id=7")

    assert "GET https://wmda.test/api/v2/patients/7\n" in out
    assert "search parameter" not in out


@pytest.mark.usefixtures("_four_are_configured")
@pytest.mark.parametrize("headers", [(), ("-H", 'If-Match: W/"1"')])
def test_an_update_that_is_laid_over_a_record_reads_it_once(
    capsys: pytest.CaptureFixture[str], headers: tuple[str, ...]
) -> None:
    body = json.dumps({"resourceType": "Patient", "id": "7", "gender": "male"})

    status, out = explained(capsys, "PUT", "/fhir/wmda/Patient/7", body, *headers)

    assert (status, lines_named(out)) == (
        0,
        """\
PUT /fhir/wmda/Patient/7
update Patient, WMDA Search & Match (mappings/wmda.yaml:NN)

GET https://wmda.test/api/v2/patients/7
  Accept: application/json
  Authorization: Bearer ***  (from POST https://login.test/oauth2/token)

Then follows, with the rest of the record:

PUT https://wmda.test/api/v2/patients

Then follows, unless return=minimal:

GET https://wmda.test/api/v2/patients/7

FHIR element           partner field  value  rule
─────────────────────  ─────────────  ─────  ──────────────────────
the id in the address  wmdaId         7      mappings/wmda.yaml:NN
Patient.gender         sex            "M"    mappings/wmda.yaml:NNN

Nothing is left behind.

*** stands for what is secret.
""",
    )


@pytest.mark.usefixtures("_four_are_configured")
def test_a_patch_of_a_record_that_is_taken_whole_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    _, out = explained(capsys, "PATCH", "/fhir/wmda/Patient/7", '[{"op": "remove", "path": "/gender"}]')

    before, _, after = out.partition("PUT https://wmda.test/api/v2/patients\n")
    text = "with the rest of the record, and in it those of these fields that the patch has changed; where it has"
    assert before.endswith("The patch is applied to the record that comes back. Then follows\n\n")
    assert after.startswith(f"\n{text} changed none, nothing is sent.\n")
    assert after.endswith(
        "Then follows, unless return=minimal:\n\nGET https://wmda.test/api/v2/patients/7\n\n"
        "*** stands for what is secret.\n"
    )


@pytest.mark.usefixtures("_four_are_configured")
def test_an_operation_without_a_body_sends_what_is_configured(capsys: pytest.CaptureFixture[str]) -> None:
    status, out = explained(capsys, "POST", "https://bridge.test/fhir/Patient/17d4513f-73e8/$update-data")

    assert (status, lines_named(out)) == (
        0,
        """\
POST https://bridge.test/fhir/Patient/17d4513f-73e8/$update-data
$update-data Patient, HealthEx (mappings/healthex.yaml:NN)

POST https://api.healthex.test/v1/projects/project-1/recruitment/identified-patients/17d4513f-73e8/$updateData
  Accept: application/json
  Content-Type: application/json
  Authorization: Bearer ***  (from POST /v1/auth/token)

  {}

No row sends anything.

Nothing is left behind.

*** stands for what is secret.
""",
    )


@pytest.mark.usefixtures("_four_are_configured")
def test_an_operation_by_get_shows_its_parameters_in_the_address(capsys: pytest.CaptureFixture[str]) -> None:
    status, out = explained(capsys, "GET", "/fhir/healthex/Person/p-1/$everything?_count=2&_type=Person")

    assert status == 0
    assert "/FHIR/R4/Person/p-1/$everything?_count=2&_type=Person\n  Accept: application/fhir+json\n" in out
    assert "No row sends anything." not in out


@pytest.mark.usefixtures("_four_are_configured")
def test_an_id_that_takes_the_place_of_an_element_is_shown_as_a_field(capsys: pytest.CaptureFixture[str]) -> None:
    _, without = explained(capsys, "POST", "/fhir/healthex/Patient/p-1/$enrollment-link")
    body = {"resourceType": "Parameters", "parameter": [{"name": "externalId", "valueString": "MRN-1"}]}
    _, with_element = explained(capsys, "POST", "/fhir/healthex/Patient/p-1/$enrollment-link", json.dumps(body))

    assert re.search(r"the id in the address +externalId +\"p-1\"", without)
    assert "the id in the address" not in with_element
    assert re.search(r"Parameters\.parameter\[0\]\.value +externalId +\"MRN-1\"", with_element)


@pytest.mark.usefixtures("_four_are_configured")
def test_a_cohort_shows_the_call_of_each_record(capsys: pytest.CaptureFixture[str]) -> None:
    named = [{"name": "patient", "valueReference": {"reference": f"Patient/p-{n}"}} for n in (1, 2)]
    body = json.dumps({"resourceType": "Parameters", "parameter": named})

    status, out = explained(capsys, "POST", "/fhir/healthex/Patient/$update-data", body)

    assert status == 0
    assert re.findall(r"identified-patients/(.*?)/", out) == ["p-1", "p-2"]
    assert "\nEach record has its own call and its own answer; there may be 100 of them.\n" in out


@pytest.mark.usefixtures("_four_are_configured")
def test_what_entries_of_a_batch_may_do_together_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    preference = "https://fhir-bridge.example/fhir/StructureDefinition/healthex-contact-preference"
    patient = {
        "resourceType": "Patient",
        "extension": [{"url": preference, "valueCode": "phone"}],
        "name": [{"family": "Berg", "given": ["Ann"]}],
        "communication": [{"language": {"coding": [{"system": "urn:ietf:bcp:47", "code": "es"}]}}],
    }

    status, out = explained(capsys, "POST", "/fhir/healthex/Patient", json.dumps(patient))

    assert status == 0
    assert "\nIn a batch, up to 100 entries that make this call make it together.\n" in out


def test_a_partner_that_is_not_configured_is_explained_with_the_names_of_its_variables(
    capsys: pytest.CaptureFixture[str],
) -> None:
    _, out = explained(capsys, "POST", "/fhir/healthex/Patient/17d4513f-73e8/$update-data")

    assert out.splitlines()[3] == (
        "POST $HEALTHEX_BASE_URL/v1/projects/$HEALTHEX_PROJECT_ID"
        "/recruitment/identified-patients/17d4513f-73e8/$updateData"
    )
    assert out.endswith("$NAME stands for a variable that is not set.\n")


def test_a_partner_that_lacks_a_variable_is_explained_all_the_same(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WMDA_BASE_URL", CONFIGURED["WMDA_BASE_URL"])

    status, out = explained(capsys, "POST", CALLS[2].path, CALLS[2].body)

    assert (status, out.splitlines()[3]) == (0, "PUT https://wmda.test/api/v2/patients/status")


@pytest.mark.usefixtures("_four_are_configured")
def test_a_message_goes_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    request_id = "X-Request-Id: 6f0c1c1e-7d5c-4a44-8f0f-6f1a6a1f3a11"

    status, out = explained(capsys, "PUT", CALLS[3].path, CALLS[3].body, "--header", request_id)

    head, _, rest = lines_named(out).partition("\n  {\n")
    sent, _, tail = f"{{\n{rest}".partition("\n  }\n")
    assert status == 0
    assert head == (
        "PUT /fhir/roche/Bundle/Bj6.1Lq-hvb-28\n"
        "update Bundle, Roche Diabetes Care (mappings/roche.yaml:NN)\n\n"
        "PUT https://roche.test/partners/fhir/stu3/api/v2/Bundle/Bj6.1Lq-hvb-28\n"
        "  Accept: application/fhir+json\n"
        "  Content-Type: application/fhir+json\n"
        "  x-origin-request-id: 6f0c1c1e-7d5c-4a44-8f0f-6f1a6a1f3a11\n"
        "  org_id: 2.16.724.4.2\n"
        "  over TLS with the client certificate client.pem\n"
        "  client_id: ***\n"
        "  client_secret: ***\n"
    )
    assert json.loads(f"{sent}}}") == json.loads(CALLS[3].body)
    assert tail == ("\nThe Bundle goes as it is: no row changes it.\n\n*** stands for what is secret.\n")


@pytest.mark.usefixtures("_four_are_configured")
def test_a_message_in_r4_is_shown_converted(capsys: pytest.CaptureFixture[str]) -> None:
    message = json.loads(CALLS[3].body)
    header = message["entry"][0]["resource"]
    header["eventCoding"] = header.pop("event")
    header["source"]["endpoint"] = "urn:oid:2.16.724.4.2"
    del header["timestamp"]
    r4 = "Content-Type: application/fhir+json; fhirVersion=4.0"

    status, out = explained(capsys, "PUT", CALLS[3].path, json.dumps(message), "-H", r4)

    assert status == 0
    assert '          "event": {\n' in out
    assert "eventCoding" not in out
    assert "\nThe Bundle is converted from FHIR 4.0 to 3.0, and nothing is lost.\n" in out


@pytest.mark.usefixtures("_four_are_configured")
def test_what_of_a_patient_does_not_go_in_the_message_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    condition = {
        "resourceType": "Condition",
        "id": "c",
        "clinicalStatus": "active",
        "severity": {"text": "mild"},
        "code": {"text": "LADA"},
        "subject": {"reference": "#"},
    }
    patient = {
        "resourceType": "Patient",
        "id": "Bj6.1Lq-hvb-28",
        "contained": [condition],
        "identifier": [{"system": "urn:oid:2.16.724.4.41", "value": "12345678Z"}],
        "name": [{"family": "Doe", "given": ["John"]}],
    }

    status, out = explained(capsys, "PUT", "/fhir/roche/Patient/Bj6.1Lq-hvb-28", json.dumps(patient))

    assert status == 0
    assert (
        out.partition("with what it contains that is about it.\n")[2]
        == """\
The message goes as it is: no row changes it.

Left behind, for the profile does not allow it, or only what it does not allow needs it:
  Patient.contained[0].severity

*** stands for what is secret.
"""
    )


@pytest.mark.usefixtures("_four_are_configured")
def test_a_patient_that_goes_in_a_message_is_shown_in_it(capsys: pytest.CaptureFixture[str]) -> None:
    patient = {
        "resourceType": "Patient",
        "id": "Bj6.1Lq-hvb-28",
        "extension": [{"url": "https://example.org/x", "valueCanonical": "https://example.org/y"}],
        "identifier": [{"system": "urn:oid:2.16.724.4.41", "value": "12345678Z"}],
        "name": [{"family": "Doe", "given": ["John"]}],
    }
    r4 = "Content-Type: application/fhir+json; fhirVersion=4.0"

    status, out = explained(capsys, "PUT", "/fhir/roche/Patient/Bj6.1Lq-hvb-28", json.dumps(patient), "-H", r4)

    assert status == 0
    assert "\nPUT https://roche.test/partners/fhir/stu3/api/v2/Bundle/Bj6.1Lq-hvb-28\n" in out
    assert '"resourceType": "MessageHeader"' in out
    assert (
        out.partition("\n  }\n")[2]
        == """
Then follows, unless return=minimal:

GET https://roche.test/partners/fhir/stu3/api/Patient/Bj6.1Lq-hvb-28

The Patient goes in a message, with what it contains that is about it.
The message is converted from FHIR 4.0 to 3.0. What that changes:

at                          code           what
──────────────────────────  ─────────────  ─────────────────────────────────────────────────────────
Patient.extension[0].value  not-supported  STU3 has no canonical in an extension: it is a uri there.

Nothing is left behind.

*** stands for what is secret.
"""
    )


def test_what_a_conversion_loses_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    message = json.loads(CALLS[3].body)
    header, patient = (entry["resource"] for entry in message["entry"])
    header["eventCoding"] = header.pop("event")
    header["source"]["endpoint"] = "urn:oid:2.16.724.4.2"
    del header["timestamp"]
    patient["extension"] = [{"url": "https://example.org/x", "valueCanonical": "https://example.org/y"}]
    r4 = "Content-Type: application/fhir+json; fhirVersion=4.0"

    status, out = explained(capsys, "PUT", CALLS[3].path, json.dumps(message), "-H", r4)

    assert (status, out.partition("\n  }\n")[2]) == (
        0,
        """
The Bundle is converted from FHIR 4.0 to 3.0. What that changes:

at                                           code           what
───────────────────────────────────────────  ─────────────  ─────────────────────────────────────────────────────────
Bundle.entry[1].resource.extension[0].value  not-supported  STU3 has no canonical in an extension: it is a uri there.

*** stands for what is secret.
$NAME stands for a variable that is not set.
""",
    )


@pytest.mark.usefixtures("_four_are_configured")
def test_a_refused_request_shows_every_reason_with_its_place(capsys: pytest.CaptureFixture[str]) -> None:
    status, out = explained(
        capsys,
        "PUT",
        "/fhir/ehealth/Patient/7c3da506-804d-4550-8993-bf17f9ee0402",
        '{"resourceType": "Patient", "gender": "male", "foo": 1}',
        "-H",
        "Authorization: Bearer t",
    )

    assert (status, out) == (
        1,
        """\
PUT /fhir/ehealth/Patient/7c3da506-804d-4550-8993-bf17f9ee0402
refused with 400, before any call

at           code       what
───────────  ─────────  ─────────────────────────────────────────────────────────────────────────────
Patient.id   invalid    The id in the body must be the id in the address; make them the same.
Patient.foo  structure  `foo` is not an element of Patient; leave it out, or send it as an extension.
""",
    )


@pytest.mark.usefixtures("_four_are_configured")
def test_a_token_that_the_client_has_to_send_is_missed(capsys: pytest.CaptureFixture[str]) -> None:
    status, out = explained(capsys, "GET", f"/fhir/ehealth/Patient/{PREPERSON}")

    assert (status, out.splitlines()[-1]) == (
        1,
        "login  The partner ehealth asks for the caller's own token: "
        "send it as 'Authorization: Bearer ' and the token.",
    )


def test_an_update_with_if_match_shows_the_reading_before_it(capsys: pytest.CaptureFixture[str]) -> None:
    body = '{"resourceType": "Patient", "id": "7c3da506-804d-4550-8993-bf17f9ee0402", "gender": "male"}'

    status, out = explained(
        capsys, "PUT", "/fhir/ehealth/Patient/7c3da506-804d-4550-8993-bf17f9ee0402", body, "-H", 'If-Match: W/"1"'
    )

    calls = [line for line in out.splitlines()[1:] if line.startswith(("GET", "PATCH"))]
    assert (status, calls) == (
        0,
        [
            "GET $EHEALTH_BASE_URL/api/prepersons/7c3da506-804d-4550-8993-bf17f9ee0402",
            "PATCH $EHEALTH_BASE_URL/api/prepersons/7c3da506-804d-4550-8993-bf17f9ee0402",
        ],
    )


@pytest.mark.usefixtures("_four_are_configured")
def test_a_call_before_anybody_is_logged_in_shows_no_token_and_no_secret(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EHEALTH_CLIENT_ID", "secret-9")
    monkeypatch.setenv("EHEALTH_CLIENT_SECRET", "secret-10")
    body = '{"resourceType": "Parameters", "parameter": [{"name": "refreshToken", "valueString": "r-1"}]}'

    status, out = explained(capsys, "POST", "/fhir/ehealth/$refresh-token", body)

    assert (status, lines_named(out)) == (
        0,
        """\
POST /fhir/ehealth/$refresh-token
$refresh-token, eHealth Ukraine (mappings/ehealth.yaml:NN)

POST https://api.ehealth.test/oauth/tokens
  Accept: application/json
  Content-Type: application/json
  Api-key: ***

  {
    "token": {
      "refresh_token": "r-1",
      "grant_type": "refresh_token",
      "client_id": "***",
      "client_secret": "***"
    }
  }

FHIR element                   partner field        value  rule
─────────────────────────────  ───────────────────  ─────  ─────────────────────────
Parameters.parameter[0].value  token.refresh_token  "r-1"  mappings/ehealth.yaml:NNN

Nothing is left behind.

*** stands for what is secret.
""",
    )


@pytest.mark.usefixtures("_four_are_configured")
def test_a_token_that_is_renewed_says_how(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EHEALTH_CLIENT_ID", "secret-9")
    monkeypatch.setenv("EHEALTH_CLIENT_SECRET", "secret-10")

    _, out = explained(capsys, "GET", f"/fhir/ehealth/Patient/{PREPERSON}", "-H", "Authorization: Bearer secret-0")

    assert "  Authorization: Bearer ***  (the client's own; renewed by X-Refresh-Token at POST /oauth/tokens)\n" in out


def test_a_search_for_several_ids_shows_a_call_for_each(capsys: pytest.CaptureFixture[str]) -> None:
    status, out = explained(
        capsys,
        "GET",
        "/fhir/ehealth/Patient?_id=00000000-0000-4000-8000-000000000041,7c3da506-804d-4550-8993-bf17f9ee0402",
    )

    assert (status, lines_named(out).splitlines()[1]) == (
        0,
        "search-type Patient, eHealth Ukraine (mappings/ehealth.yaml:NN)",
    )
    assert [line for line in out.splitlines()[1:] if line.startswith("GET")] == [
        "GET $EHEALTH_BASE_URL/api/prepersons/00000000-0000-4000-8000-000000000041",
        "GET $EHEALTH_BASE_URL/api/prepersons/7c3da506-804d-4550-8993-bf17f9ee0402",
        "GET $EHEALTH_BASE_URL/api/merge_requests?merge_person_id={id}&status=SIGNED",
    ]


@pytest.mark.parametrize(
    ("method", "url"),
    [
        ("GET", "/fhir/metadata"),
        ("GET", "/fhir/wmda/metadata"),
        ("GET", "/fhir/StructureDefinition/ehealth-preperson"),
        ("POST", "/fhir/$versions"),
    ],
)
def test_what_the_bridge_answers_itself_calls_nobody(capsys: pytest.CaptureFixture[str], method: str, url: str) -> None:
    assert explained(capsys, method, url) == (
        0,
        f"{method} {url}\nThe bridge answers this itself; no partner is called.\n",
    )


def test_each_entry_of_a_batch_is_explained(capsys: pytest.CaptureFixture[str]) -> None:
    batch = {
        "resourceType": "Bundle",
        "type": "batch",
        "entry": [
            {"request": {"method": "GET", "url": "ehealth/Patient/7c3da506-804d-4550-8993-bf17f9ee0402"}},
            {"fullUrl": "urn:uuid:1", "request": {"method": "GET", "url": "metadata"}},
            {
                "request": {"method": "PUT", "url": "ehealth/Patient/7c3da506-804d-4550-8993-bf17f9ee0402"},
                "resource": {
                    "resourceType": "Patient",
                    "id": "7c3da506-804d-4550-8993-bf17f9ee0402",
                    "link": [{"other": {"reference": "urn:uuid:1"}}],
                },
            },
            {"request": {"method": "DELETE", "url": "ehealth/Patient/7c3da506-804d-4550-8993-bf17f9ee0402"}},
        ],
    }

    status, out = explained(capsys, "POST", "/fhir", json.dumps(batch))

    assert (status, lines_named(out)) == (
        0,
        """\
POST /fhir
Bundle.entry[0] GET ehealth/Patient/7c3da506-804d-4550-8993-bf17f9ee0402
  read Patient, eHealth Ukraine (mappings/ehealth.yaml:NN)

  GET $EHEALTH_BASE_URL/api/prepersons/7c3da506-804d-4550-8993-bf17f9ee0402
    Accept: application/json
    Authorization: Bearer ***
    Api-key: ***
    X-Custom-PSK: ***

  Then follows:

  GET $EHEALTH_BASE_URL/api/merge_requests?merge_person_id=7c3da506-804d-4550-8993-bf17f9ee0402&status=SIGNED

Bundle.entry[1] GET metadata
  The bridge answers this itself; no partner is called.

Bundle.entry[2] PUT ehealth/Patient/7c3da506-804d-4550-8993-bf17f9ee0402
  refused with 400, before any call

  at                                                code   what
  ────────────────────────────────────────────────  ─────  ──────────────────────────────────────────────────────────────────────────────────────────
  Bundle.entry[2].resource.link[0].other.reference  value  Entries of a batch cannot refer to each other; send this one after the other was answered.

Bundle.entry[3] DELETE ehealth/Patient/7c3da506-804d-4550-8993-bf17f9ee0402
  refused with 405, before any call

  code           what
  ─────────────  ────────────────────────────────────────────────────────────────────────────────────────────────────
  not-supported  eHealth Ukraine does not offer `delete` of Patient at this address. It allows GET, HEAD, PUT, PATCH.

*** stands for what is secret.
$NAME stands for a variable that is not set.
""",  # noqa: E501
    )


def test_an_entry_that_asks_for_nothing_is_refused_by_itself(capsys: pytest.CaptureFixture[str]) -> None:
    status, out = explained(capsys, "POST", "/fhir", '{"resourceType": "Bundle", "type": "batch", "entry": [{}]}')

    assert (status, out.splitlines()[:3]) == (
        0,
        ["POST /fhir", "Bundle.entry[0]", "  refused with 400, before any call"],
    )


def test_a_transaction_that_is_refused_whole_is_not_explained_by_entries(capsys: pytest.CaptureFixture[str]) -> None:
    entry = {
        "request": {"method": "PUT", "url": "ehealth/Patient/7c3da506-804d-4550-8993-bf17f9ee0402"},
        "resource": {"resourceType": "Patient", "id": "7c3da506-804d-4550-8993-bf17f9ee0402", "gender": "male"},
    }
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": [entry, entry]}

    status, out = explained(capsys, "POST", "/fhir", json.dumps(bundle))

    assert (status, out.splitlines()[1:3]) == (1, ["refused with 422, before any call", ""])


def test_a_batch_without_entries_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert explained(capsys, "POST", "/fhir", '{"resourceType": "Bundle", "type": "batch"}') == (
        0,
        "POST /fhir\nThe Bundle has no entries.\n",
    )


def test_a_message_that_is_posted_to_the_base_is_explained_as_one(capsys: pytest.CaptureFixture[str]) -> None:
    status, out = explained(capsys, "POST", "/fhir/roche", CALLS[3].body)

    assert (status, lines_named(out).splitlines()[1]) == (
        0,
        "$process-message Bundle, Roche Diabetes Care (mappings/roche.yaml:NN)",
    )


def test_the_body_may_be_a_file_or_standard_input(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "status.json"
    file.write_text(CALLS[2].body, encoding="utf-8")
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(CALLS[2].body.encode())))

    from_text = explained(capsys, "POST", CALLS[2].path, CALLS[2].body)
    from_file = explained(capsys, "POST", CALLS[2].path, str(file))
    from_stdin = explained(capsys, "POST", CALLS[2].path, "-")

    assert from_text[0] == 0
    assert from_text == from_file == from_stdin


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (
            ("GET", "/health/live"),
            "'/health/live' is not below /fhir; give an address such as /fhir/<base>/<type>/<id>",
        ),
        (("GET", "/fhirbase/x"), "'/fhirbase/x' is not below /fhir; give an address such as /fhir/<base>/<type>/<id>"),
        (("PUT", "/fhir/x", "/nowhere.json"), "/nowhere.json: No such file or directory"),
        (("GET", "/fhir/x", "-H", "Accept"), "'Accept' is no header; write 'Name: value'"),
        (("GET", "-H", "Accept", "/fhir/x"), "'Accept' is no header; write 'Name: value'"),
    ],
)
def test_wrong_use_is_one_line(capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], line: str) -> None:
    status = main(["explain", *arguments])

    assert (status, *capsys.readouterr()) == (2, "", f"fhir-bridge: {line}\n")


def test_what_a_terminal_would_obey_is_spelled_out(capsys: pytest.CaptureFixture[str]) -> None:
    body = (
        '{"resourceType": "Patient", "id": "7c3da506-804d-4550-8993-bf17f9ee0402", "name": [{"family": "a\u009b31mb"}]}'
    )

    _, out = explained(capsys, "PUT", "/fhir/ehealth/Patient/7c3da506-804d-4550-8993-bf17f9ee0402", body)

    assert '    "last_name": "a\\u009b31mb"\n' in out
    assert "\u009b" not in out


@pytest.mark.parametrize(
    "arguments",
    [
        ("PUT", "{url}", "{body}", "-H", "{header}"),
        ("PUT", "{url}", "-H", "{header}", "{body}"),
        ("PUT", "-H", "{header}", "{url}", "{body}"),
        ("-H", "{header}", "PUT", "{url}", "{body}"),
        ("--header", "{header}", "PUT", "{url}", "-HAccept: application/fhir+json", "{body}"),
        ("PUT", "--header={header}", "{url}", "{body}"),
    ],
)
def test_headers_may_stand_anywhere_as_curl_takes_them(
    capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...]
) -> None:
    body = json.dumps({"resourceType": "Patient", "id": PREPERSON, "gender": "male"})
    words = {"{url}": f"/fhir/ehealth/Patient/{PREPERSON}", "{body}": body, "{header}": 'If-Match: W/"1"'}
    filled = [
        next((each.replace(name, word) for name, word in words.items() if name in each), each) for each in arguments
    ]

    status, out = explained(capsys, *filled)

    calls = [line.split()[0] for line in out.splitlines() if line.startswith(("GET $", "PATCH $"))]
    assert (status, calls[:2]) == (0, ["GET", "PATCH"])  # the record is read first: the condition was taken
    assert "Patient.gender" in out


def test_a_header_without_its_value_is_wrong_use(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main(["explain", "GET", "/fhir/x", "-H"])

    assert (left.value.code, *capsys.readouterr()) == (
        2,
        "",
        "fhir-bridge explain: argument -H/--header: expected one argument; see fhir-bridge explain --help\n",
    )


def test_a_patch_names_slices_as_the_mapping_file_does(capsys: pytest.CaptureFixture[str]) -> None:
    """Each row can be found in the file by the text that stands here."""
    _, out = explained(capsys, "PATCH", "/fhir/wmda/Patient/7", '[{"op": "remove", "path": "/gender"}]')

    rows = [line.split() for line in out.splitlines() if "mappings/wmda.yaml:" in line and "Patient," not in line]
    text = (Path(__file__).parents[2] / "mappings/wmda.yaml").read_text(encoding="utf-8").splitlines()
    assert ["extension[hla-a].extension[field1].valueString", "hla.a.field1"] in [row[:2] for row in rows]
    assert len({row[0] for row in rows}) == len(rows) == 38
    lines = [(row[0], text[int(row[2].rpartition(":")[2]) - 1].split()[0]) for row in rows]
    assert [(name, line) for name, line in lines if line != f"{name}:"] == []
