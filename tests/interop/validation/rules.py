"""Changes that break the rules which only some types or profiles have: values by path, None takes one out.

The rules of FHIR: https://hl7.org/fhir/R4/patient.html#invs and the pages of the other types; ours: `profiles/`.
"""

from __future__ import annotations

from collections.abc import Mapping

from fhir_bridge.outcome import Json
from tests.interop.validation.healthex_rules import HEALTHEX_RULES
from tests.interop.validation.preperson_rules import (
    ABSENT,
    CODE_IN,
    NEW_PREPERSON,
    PREPERSON,
    REFRESH_IN,
    RELATIONSHIP,
    TOKEN_OUT,
    Changes,
    div,
)
from tests.interop.validation.wmda_rules import WMDA_RULES

_HEADER: Changes = {
    "an event that is a URI": {"eventCoding": None, "eventUri": "http://roche.com/fhir/rdc/message-type#new-bundle"},
    "two events": {"eventUri": "http://example.org/event"},
    "an event that is not known": {"eventCoding.code": "old-bundle"},
    "an address that is a plain word": {"source.endpoint": "clinic"},
    "an address that is an OID alone": {"source.endpoint": "2.16.724.4.2"},
    "a focus that is a plain word": {"focus[0].reference": "patient"},
    "a focus by its address": {"focus[0].reference": "http://example.org/fhir/Patient/1"},
    "a response that is whole": {"response": {"identifier": "m0", "code": "ok"}},
    "a response without a code": {"response": {"identifier": "m0"}},
    "a response of no known code": {"response": {"identifier": "m0", "code": "fine"}},
    "a destination without an address": {"destination": [{"name": "Roche"}]},
    "another resource": {"resourceType": "Patient"},
}

_PATIENT: Changes = {
    "two identifiers, one without a system": {
        "identifier": [{"system": "urn:oid:2.16.724.4.41", "value": "1"}, {"value": "2"}]
    },
    "two names, one without a family": {"name": [{"family": "Doe", "given": ["John"]}, {"given": ["Jack"]}]},
    "two names": {"name": [{"family": "Doe", "given": ["John"]}, {"family": "Roe", "given": ["Jack"]}]},
    "a name that is a text alone": {"name": [{"text": "John Doe"}]},
    "a family name that is hidden": {"name": [{"_family": ABSENT, "given": ["John"]}]},
    "organisations in a list, as Roche's sample has them": {
        "managingOrganization.identifier": [{"system": "urn:oid:2.16.724.4.2", "value": "1"}]
    },
    "a birth date of a month": {"birthDate": "1991-01"},
    "an e-mail without its system (cpt-2)": {"telecom[0].system": None},
}

_BARE_PATIENT: Changes = {
    "no condition": {"contained": None},
    "a condition that is a relapse": {"contained[0].clinicalStatus.coding[0].code": "relapse"},
    "a condition with a severity": {"contained[0].severity": {"text": "mild"}},
    "a condition without a code": {"contained[0].code": None},
    "a condition with a recorder": {"contained[0].recorder": {"reference": "Practitioner/1"}},
    "a condition of nobody": {"contained[0].subject": {"display": "somebody"}},
    "an organisation that nothing refers to": {
        "contained[0]": {"resourceType": "Organization", "id": "o", "name": "x"}
    },
    "a name without a family": {"name": [{"given": ["John"]}]},
    "two names": {"name": [{"family": "Doe", "given": ["John"]}, {"family": "Doe", "given": ["Jack"]}]},
    "no identifier": {"identifier": None},
}

_PRACTITIONER: Changes = {
    "no identifier": {"identifier": None},
    "an identifier without a system": {"identifier": [{"value": "1"}]},
    "two names, one without a family": {"name": [{"family": "Ruiz", "given": ["Eva"]}, {"given": ["Ana"]}]},
    "a name that is a text alone": {"name": [{"text": "Eva Ruiz"}]},
    "a qualification without a code": {"qualification": [{"issuer": {"display": "A university"}}]},
    "a gender of no known code": {"gender": "f"},
}

_CONDITION: Changes = {
    "a clinical status that STU3 lacks": {"clinicalStatus.coding[0].code": "relapse"},
    "a clinical status of inactive": {"clinicalStatus.coding[0].code": "inactive"},
    "a clinical status of another system": {"clinicalStatus.coding[0].system": "http://example.org/status"},
    "a clinical status that is a text alone": {"clinicalStatus": {"text": "active"}},
    "a clinical status as in STU3": {"clinicalStatus": "active"},
    "an identifier": {"identifier": [{"value": "1"}]},
    "a verification status": {
        "verificationStatus": {
            "coding": [{"system": "http://terminology.hl7.org/CodeSystem/condition-ver-status", "code": "confirmed"}]
        }
    },
    "a category": {"category": [{"text": "problem"}]},
    "a severity": {"severity": {"text": "mild"}},
    "a body site": {"bodySite": [{"text": "pancreas"}]},
    "an encounter": {"encounter": {"reference": "Encounter/1"}},
    "an onset": {"onsetDateTime": "2010"},
    "an onset that is a text": {"onsetString": "long ago"},
    "an abatement (con-4)": {"abatementDateTime": "2020"},
    "an abatement of what is inactive": {"abatementDateTime": "2020", "clinicalStatus.coding[0].code": "inactive"},
    "a date of record": {"recordedDate": "2020-01-01"},
    "an asserter": {"asserter": {"reference": "Practitioner/1"}},
    "a stage": {"stage": [{"summary": {"text": "II"}}]},
    "a stage without anything (con-1)": {"stage": [{"type": {"text": "x"}}]},
    "an evidence without anything (con-2)": {"evidence": [{"id": "e"}]},
    "an evidence": {"evidence": [{"code": [{"text": "HbA1c"}]}]},
    "a note": {"note": [{"text": "x"}]},
    "a recorder": {"recorder": {"reference": "Practitioner/1"}},
    "a coding's version": {"code.coding[0].version": "2024"},
    "a coding that the user chose": {"code.coding[0].userSelected": True},
    "a subject by its identifier": {"subject": {"identifier": {"system": "urn:oid:2.16.724.4.2", "value": "1"}}},
    "entered in error (con-5)": {
        "verificationStatus": {
            "coding": [
                {"system": "http://terminology.hl7.org/CodeSystem/condition-ver-status", "code": "entered-in-error"}
            ]
        }
    },
}

_HEADER_ENTRY = {
    "fullUrl": "urn:uuid:88a37162-3d7c-41c3-89ab-6e25fd68ba09",
    "resource": {
        "resourceType": "MessageHeader",
        "eventCoding": {"system": "http://roche.com/fhir/rdc/message-type", "code": "new-bundle"},
        "source": {"endpoint": "urn:oid:2.16.724.4.2"},
    },
}
_SECOND_PATIENT = {
    "fullUrl": "http://example.org/fhir/Patient/2",
    "resource": {
        "resourceType": "Patient",
        "id": "2",
        "identifier": [{"system": "urn:oid:2.16.724.4.41", "value": "2"}],
        "name": [{"family": "Roe", "given": ["Jane"]}],
    },
}

_MESSAGE: Changes = {
    "another type of Bundle": {"type": "collection"},
    "a Bundle that is a batch": {"type": "batch"},
    "a type that is none": {"type": "letter"},
    "a type that is hidden": {"type": None, "_type": ABSENT},
    "no patient": {"entry[1]": None},
    "no header": {"entry[0]": None},
    "no condition": {"entry[2]": None},
    "a second patient": {"entry[2]": _SECOND_PATIENT},
    "a second header": {"entry[2]": _HEADER_ENTRY},
    "the header second": {"entry[0]": _SECOND_PATIENT, "entry[1]": _HEADER_ENTRY},
    "a condition that has an onset": {"entry[2].resource.onsetDateTime": "2010"},
    "a condition without a status": {"entry[2].resource.clinicalStatus": None},
    "a patient without a name": {"entry[1].resource.name": None},
    "a patient without an identifier": {"entry[1].resource.identifier": None},
    "a header without an event": {"entry[0].resource.eventCoding": None},
    "a total (bdl-1)": {"total": 3},
    "an entry that was searched for (bdl-2)": {"entry[1].search": {"mode": "match"}},
    "a request (bdl-3)": {"entry[1].request": {"method": "PUT", "url": "Patient/1"}},
    "an answer (bdl-4)": {"entry[1].response": {"status": "200"}},
    "an entry with nothing in it (bdl-5)": {"entry[2].resource": None},
    "an address twice (bdl-7)": {"entry[2]": {"fullUrl": "urn:uuid:88a37162-3d7c-41c3-89ab-6e25fd68ba08"}},
    "an address of one version (bdl-8)": {
        "entry[1].fullUrl": "http://example.org/fhir/Patient/Bj6.1Lq-hvb-28/_history/1"
    },
    "an address of another resource": {"entry[1].fullUrl": "http://example.org/fhir/Patient/1"},
    "an address that is no address of a resource": {"entry[2].fullUrl": "http://example.org/conditions"},
    "an address that is a plain word": {"entry[1].fullUrl": "patient"},
    "an address that is relative": {"entry[1].fullUrl": "Patient/Bj6.1Lq-hvb-28"},
    "a link without a url": {"link": [{"relation": "self"}]},
    "a link": {"link": [{"relation": "self", "url": "http://example.org/fhir/Bundle/m1"}]},
    "a time of day alone": {"timestamp": "12:21:39"},
    "a reference that is a plain word": {"entry[2].resource.subject.reference": "patient"},
    "a reference of no resource type": {"entry[2].resource.subject.reference": "Patiant/1"},
    "a reference with a blank": {"entry[2].resource.subject.reference": "Patient/ 1"},
    "a reference by an id that is too long": {"entry[2].resource.subject.reference": f"Patient/{'x' * 65}"},
}


def _named(name: str, **elements: Json) -> dict[str, Json]:
    return {"name": name, **elements}


_UPDATE_DATA_IN: Changes = {
    "a text for true": {"parameter[0]": _named("skipInteractive", valueString="true")},
    "false": {"parameter[0].valueBoolean": False},
    "no parameters": {"parameter": None},
    "project as a code": {"parameter[1]": _named("project", valueCode="p")},
    "a parameter that nobody knows": {"parameter[1].name": "study"},
    "a parameter in the wrong case": {"parameter[0].name": "skipinteractive"},
    "a parameter twice": {"parameter[1]": _named("skipInteractive", valueBoolean=True)},
    "a parameter with parts": {"parameter[0]": _named("project", part=[_named("x", valueString="y")])},
    "a parameter with a value and parts": {"parameter[1].part": [_named("x", valueString="y")]},
    "a parameter that is a resource": {"parameter[0]": _named("project", resource={"resourceType": "Patient"})},
    "a parameter without a value": {"parameter[1].valueString": None},
    "a value that is hidden": {"parameter[1].valueString": None, "parameter[1]._valueString": ABSENT},
    "a name that is hidden": {"parameter[1].name": None, "parameter[1]._name": ABSENT},
    "two values": {"parameter[1].valueCode": "p"},
}

_OUTCOME = {"resourceType": "OperationOutcome", "issue": [{"severity": "information", "code": "informational"}]}

_UPDATE_DATA_OUT: Changes = {
    "a message as text": {"parameter[0]": _named("message", valueString="UPDATE_STARTED")},
    "a message that is known": {"parameter[0].valueCode": "IN_PROGRESS_NO_ACTION_NEEDED"},
    "no message": {"parameter[0]": None},
    "no outcome": {"parameter[5]": None},
    "an outcome that is a Patient": {"parameter[5].resource": {"resourceType": "Patient"}},
    "an outcome without issues": {"parameter[5].resource.issue": None},
    "an outcome of no known severity": {"parameter[5].resource.issue[0].severity": "hint"},
    "an outcome whose severity is hidden": {
        "parameter[5].resource.issue[0].severity": None,
        "parameter[5].resource.issue[0]._severity": ABSENT,
    },
    "an outcome of no known code": {"parameter[5].resource.issue[0].code": "fine"},
    "an outcome that is a text": {"parameter[5]": _named("outcome", valueString="fine")},
    "a count as decimal": {"parameter[3]": _named("skippedFacilitiesCount", valueDecimal=1.5)},
    "a count below 0": {"parameter[3].valueInteger": -1},
    "a count beyond 32 bits": {"parameter[3].valueInteger": 2147483648},
    "counts without parts (inv-1)": {"parameter[4].part": None},
    "counts with one part": {"parameter[4].part": [_named("skippedNewFacilities", valueInteger=1)]},
    "counts with a part twice": {"parameter[4].part": [_named("skippedNewFacilities", valueInteger=1)] * 2},
    "counts with a part that nobody knows": {"parameter[4].part[0].name": "lostFacilities"},
    "counts with a part as text": {"parameter[4].part[0]": _named("skippedExistingFacilities", valueString="3")},
    "counts with a part of parts": {
        "parameter[4].part[0]": _named("skippedExistingFacilities", part=[_named("x", valueInteger=1)])
    },
    "counts with a value": {"parameter[4]": _named("counts", valueInteger=1)},
    "a second message": {"parameter[1]": _named("message", valueCode="x")},
    "a retrieval as code": {"parameter[2]": _named("retrievalId", valueCode="r1")},
}

_STATUS_IN: Changes = {
    "a status that cannot be asked for": {"parameter[0].valueCode": "NEW"},
    "a status in small letters": {"parameter[0].valueCode": "stp"},
    "a status that needs no reason": {"parameter[0].valueCode": "SUS", "parameter[1]": None},
    "a stop without a reason": {"parameter[1]": None},
    "a reason alone": {"parameter[0]": None},
    "a reason that nobody knows": {"parameter[1].valueCode": "WHY"},
    "a status as text": {"parameter[0]": _named("status", valueString="STP")},
    "two statuses": {"parameter[1]": _named("status", valueCode="ACT")},
    "a parameter that nobody knows": {"parameter[1]": _named("priority", valueCode="high")},
    "a status that is hidden": {"parameter[0]": _named("status", _valueCode=ABSENT)},
    "nothing": {"parameter": None},
}

_STATUS_OUT: Changes = {
    "a status that WMDA added": {"parameter[0].valueCode": "XYZ"},
    "a status as text": {"parameter[0]": _named("status", valueString="SUS")},
    "no status": {"parameter[0]": None},
    "no outcome": {"parameter[2]": None},
    "a reason that WMDA added": {"parameter[1].valueCode": "XYZ"},
    "two outcomes": {"parameter[1]": _named("outcome", resource=_OUTCOME)},
    "a parameter that nobody knows": {"parameter[1].name": "priority"},
}

_STU3: Changes = {
    "a header as in R4": {"entry[0].resource.event": None, "entry[0].resource.eventCoding": {"code": "new-bundle"}},
    "a header without its time": {"entry[0].resource.timestamp": None},
    "a status as in R4": {"entry[2].resource.clinicalStatus": {"coding": [{"code": "active"}]}},
    "a status that STU3 lacks": {"entry[2].resource.clinicalStatus": "relapse"},
    "no status (con-3)": {"entry[2].resource.clinicalStatus": None},
    "no status, entered in error": {
        "entry[2].resource.clinicalStatus": None,
        "entry[2].resource.verificationStatus": "entered-in-error",
    },
    "an abatement (con-4)": {"entry[2].resource.abatementDateTime": "2020"},
    "a patient's animal": {"entry[1].resource.animal": {"species": {"text": "cat"}}},
    "a contact with a relationship alone (pat-1)": {"entry[1].resource.contact": [{"relationship": [RELATIONSHIP]}]},
    "a contact point without a system (cpt-2)": {"entry[1].resource.telecom": [{"value": "1"}]},
    "a contained resource with a narrative (dom-1)": {
        "entry[1].resource.contained": [
            {"resourceType": "Organization", "id": "o", "name": "x", "text": {"status": "generated", "div": div("x")}}
        ],
        "entry[1].resource.managingOrganization": {"reference": "#o"},
    },
    "a system that is a plain word": {"entry[1].resource.identifier[0].system": "mrn"},
    "an address twice (bdl-7)": {"entry[2].fullUrl": "http://example.org/fhir/Patient/Bj6.1Lq-hvb-28"},
    "an entry with nothing in it (bdl-5)": {"entry[2].resource": None},
    "a total (bdl-1)": {"total": 3},
    "a request (bdl-3)": {"entry[1].request": {"method": "PUT", "url": "Patient/1"}},
    "the patient first": {"entry[0]": _SECOND_PATIENT},
}

RULES: Mapping[str, Changes] = {
    "ehealth-preperson": PREPERSON,
    "ehealth-new-preperson": NEW_PREPERSON,
    "ehealth-exchange-code-in": CODE_IN,
    "ehealth-refresh-token-in": REFRESH_IN,
    "ehealth-token-out": TOKEN_OUT,
    "roche-message": _MESSAGE,
    "roche-message-header": _HEADER,
    "roche-patient-v2": _PATIENT,
    "roche-condition": _CONDITION,
    "roche-patient": _BARE_PATIENT,
    "roche-practitioner-v2": _PRACTITIONER,
    "healthex-update-data-in": _UPDATE_DATA_IN,
    "healthex-update-data-out": _UPDATE_DATA_OUT,
    **HEALTHEX_RULES,
    **WMDA_RULES,
    "wmda-update-search-status-in": _STATUS_IN,
    "wmda-update-search-status-out": _STATUS_OUT,
    "STU3 message": _STU3,
}
"""By group, then by what is done."""
