"""Changes that break the rules of FHIR's data types and of our profile of eHealth's Patient: values by path.

The rules of FHIR: https://hl7.org/fhir/R4/patient.html#invs and the pages of the data types; ours: `profiles/`.
"""

from __future__ import annotations

from collections.abc import Mapping

from fhir_bridge.canonical import CANONICAL
from fhir_bridge.outcome import Json

Changes = Mapping[str, Mapping[str, Json]]
"""By what is done: values by path, where None takes one out."""

RELATIONSHIP = {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0131", "code": "N"}]}
_EMERGENCY = {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0131", "code": "C"}]}
_NOTE = f"{CANONICAL}/StructureDefinition/preperson-note"
_EXTERNAL_ID = f"{CANONICAL}/sid/ehealth-external-id"
ABSENT = {"extension": [{"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": "unknown"}]}
_X = "http://example.org/x"


def div(inner: str, attributes: str = ' xmlns="http://www.w3.org/1999/xhtml"') -> str:
    return f"<div{attributes}>{inner}</div>"


PREPERSON: Changes = {
    # Our profile
    "gender other": {"gender": "other"},
    "gender unknown": {"gender": "unknown"},
    "gender female": {"gender": "female"},
    "deceased, without a date": {"deceasedDateTime": None, "deceasedBoolean": True},
    "not deceased": {"deceasedDateTime": None, "deceasedBoolean": False},
    "died before birth": {"deceasedDateTime": "1979-12-31"},
    "died a moment before the day of birth": {"deceasedDateTime": "1979-12-31T23:59:59+02:00"},
    "died on the day of birth": {"deceasedDateTime": "1980-01-01"},
    "a date of death that is only a year": {"deceasedDateTime": "1979"},
    "a date of birth that is only a year": {"birthDate": "2019"},
    "a contact that is no emergency contact, with a work phone": {
        "contact[0].relationship": [RELATIONSHIP],
        "contact[0].telecom[0].use": "work",
    },
    "an emergency contact's work phone": {"contact[0].telecom[0].use": "work"},
    "an emergency contact's old phone": {"contact[0].telecom[0].use": "old"},
    "an emergency contact's home phone": {"contact[0].telecom[0].use": "home"},
    "an emergency contact who is next of kin too": {"contact[0].relationship": [RELATIONSHIP, _EMERGENCY]},
    "an emergency contact twice over": {"contact[0].relationship": [_EMERGENCY, _EMERGENCY]},
    "an emergency contact's phone without a number": {"contact[0].telecom[0].value": None},
    "an emergency contact's e-mail at work": {
        "contact[0].telecom[0].system": "email",
        "contact[0].telecom[0].use": "work",
    },
    "an external id without a value": {"identifier[0].value": None},
    "an external id whose value is hidden": {"identifier[0].value": None, "identifier[0]._value": ABSENT},
    "two external ids": {
        "identifier": [{"system": _EXTERNAL_ID, "value": "1"}, {"system": _EXTERNAL_ID, "value": "2"}]
    },
    "another identifier without a value": {
        "identifier[0].system": "http://example.org/mrn",
        "identifier[0].value": None,
    },
    "two notes": {"extension": [{"url": _NOTE, "valueString": "1"}, {"url": _NOTE, "valueString": "2"}]},
    "a note that is a code": {"extension": [{"url": _NOTE, "valueCode": "x"}]},
    "a note without a text": {"extension": [{"url": _NOTE}]},
    "a note in a note": {"extension": [{"url": _NOTE, "extension": [{"url": "x", "valueString": "y"}]}]},
    "another extension": {"extension": [{"url": _X, "valueQuantity": {"value": 1}}]},
    "an extension of extensions": {"extension": [{"url": _X, "extension": [{"url": "part", "valueCode": "y"}]}]},
    # The choices, codes and formats of FHIR
    "two dates of death": {"deceasedBoolean": True},
    "two multiple births": {"multipleBirthBoolean": True},
    "a gender that is none": {"gender": "robot"},
    "a gender in capitals": {"gender": "Male"},
    "a use of a name that is none": {"name[0].use": "first"},
    "a system of a contact point that is none": {"telecom[0].system": "telepathy"},
    "a rank of 0": {"telecom[0].rank": 0},
    "a rank of -1": {"telecom[0].rank": -1},
    "a link type that is none": {"link[0].type": "alias"},
    "an address type that is none": {"address[0].type": "castle"},
    "a 30th of February": {"birthDate": "1980-02-30"},
    "a leap day": {"birthDate": "1980-02-29", "deceasedDateTime": "2018"},
    "a leap day of no leap year": {"birthDate": "1981-02-29"},
    "a birth date with a time": {"birthDate": "1980-01-01T10:00:00Z"},
    "a time of death without a zone": {"deceasedDateTime": "2018-11-11T10:00:00"},
    "a time of death without seconds": {"deceasedDateTime": "2018-11-11T10:00Z"},
    "a 25th hour": {"deceasedDateTime": "2018-11-11T25:00:00Z"},
    "an instant without a zone": {"meta.lastUpdated": "2024-05-01T10:00:00"},
    "an instant that is a date": {"meta.lastUpdated": "2024-05-01"},
    "an id with an underscore": {"id": "a_b"},
    "an id of 64 characters": {"id": "x" * 64},
    "a picture that is no base64": {"photo[0].data": "R0lGOD*h"},
    "a name's second part missing, without a reason": {"name[0].given": ["Петро", None]},
    "a patronymic alone, with the reason": {"name[0].given": [None, "Миколайович"], "name[0]._given": [ABSENT, None]},
    "extensions of names of another number": {"name[0]._given": [ABSENT]},
    "a birth date that is hidden": {"birthDate": None, "_birthDate": ABSENT},
    "a link's type that is hidden": {"link[0].type": None, "link[0]._type": ABSENT},
    "a narrative's status that is hidden": {"text.status": None, "text._status": ABSENT},
    "a gender that is hidden": {"gender": None, "_gender": ABSENT},
    # The rules of FHIR
    "a contact with a relationship alone (pat-1)": {"contact": [{"relationship": [_EMERGENCY]}]},
    "a contact with an organisation alone (pat-1)": {"contact": [{"organization": {"display": "Clinic"}}]},
    "a contact point without a system (cpt-2)": {"telecom": [{"value": "1"}]},
    "a contact point without a value": {"telecom": [{"system": "phone", "use": "home"}]},
    "a period that ends before it starts (per-1)": {
        "identifier[0].period": {"start": "2021-01-01", "end": "2020-12-31"}
    },
    "a period that ends hours before it starts (per-1)": {
        "identifier[0].period": {"start": "2021-01-01T10:00:00Z", "end": "2021-01-01T11:30:00+02:00"}
    },
    "a period of a moment": {"identifier[0].period": {"start": "2021-01-01", "end": "2021-01-01"}},
    "a picture without its type (att-1)": {"photo[0].contentType": None},
    "an extension without a value (ext-1)": {"extension": [{"url": _X}]},
    "an extension with a value and extensions (ext-1)": {
        "extension": [{"url": _X, "valueCode": "y", "extension": [{"url": "part", "valueCode": "y"}]}]
    },
    "a quantity's code without a system (qty-3)": {"extension": [{"url": _X, "valueQuantity": {"code": "kg"}}]},
    "a range the wrong way round (rng-2)": {
        "extension": [{"url": _X, "valueRange": {"low": {"value": 2}, "high": {"value": 1}}}]
    },
    "a ratio without a denominator (rat-1)": {"extension": [{"url": _X, "valueRatio": {"numerator": {"value": 2}}}]},
    "a repeat without its unit (tim-2)": {"extension": [{"url": _X, "valueTiming": {"repeat": {"period": 1}}}]},
    "a repeat of less than nothing (tim-5)": {
        "extension": [{"url": _X, "valueTiming": {"repeat": {"period": -1, "periodUnit": "d"}}}]
    },
    "an age without a code (age-1)": {"extension": [{"url": _X, "valueAge": {"value": 1}}]},
    "an age below 0 (age-1)": {
        "extension": [{"url": _X, "valueAge": {"value": -1, "system": "http://unitsofmeasure.org", "code": "a"}}]
    },
    "an expression without one (exp-1)": {"extension": [{"url": _X, "valueExpression": {"language": "text/fhirpath"}}]},
    "a contained resource that nothing refers to (dom-3)": {"managingOrganization": {"display": "Clinic"}},
    "a reference to a contained resource that is not there (ref-1)": {"managingOrganization.reference": "#ward"},
    "a contained resource that contains another (dom-2)": {
        "contained[0].contained": [{"resourceType": "Organization", "id": "x", "name": "x"}],
        "contained[0].partOf": {"reference": "#x"},
    },
    "a contained resource with a version (dom-4)": {"contained[0].meta": {"versionId": "1"}},
    "a contained resource with a time of change (dom-4)": {
        "contained[0].meta": {"lastUpdated": "2024-05-01T10:00:00Z"}
    },
    "a contained resource with a label of secrecy (dom-5)": {
        "contained[0].meta": {
            "security": [{"system": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality", "code": "R"}]
        }
    },
    "a contained organisation without a name (org-1)": {"contained[0].name": None, "contained[0].active": True},
    "a contained organisation at home (org-2)": {"contained[0].address": [{"use": "home", "city": "Kyiv"}]},
    "a contained organisation's phone at home (org-3)": {
        "contained[0].telecom": [{"system": "phone", "value": "1", "use": "home"}]
    },
    "a contained resource of no type": {"contained[0].resourceType": "Clinic"},
    "a system that is a plain word": {"identifier[0].system": "mrn"},
    "a code's system that is a plain word": {"maritalStatus.coding[0].system": "marital"},
    "an extension's url that is a plain word": {"extension": [{"url": "colour", "valueString": "red"}]},
    "a profile that is a plain word": {"meta.profile": ["preperson"]},
    "a URI as identifier": {"identifier[0].system": "urn:ietf:rfc:3986", "identifier[0].value": "urn:oid:1.2.3"},
    "a plain word as URI": {"identifier[0].system": "urn:ietf:rfc:3986", "identifier[0].value": "1.2.3"},
    "a narrative without its namespace (txt-1)": {"text.div": div("x", "")},
    "a narrative that is a paragraph (txt-1)": {"text.div": '<p xmlns="http://www.w3.org/1999/xhtml">x</p>'},
    "a narrative with a script (txt-1)": {"text.div": div("<script>x</script>")},
    "a narrative with a form (txt-1)": {"text.div": div("<form>x</form>")},
    "a narrative that acts on a click (txt-1)": {"text.div": div('<p onclick="x()">x</p>')},
    "a narrative that is not closed": {"text.div": '<div xmlns="http://www.w3.org/1999/xhtml"><p>x</div>'},
    "a narrative that is empty (txt-2)": {"text.div": div("")},
    "a narrative of blanks (txt-2)": {"text.div": div("<p> </p>")},
    "a narrative with a table, an entity and an image": {
        "text.div": div(
            '<table><tr><td style="color: red">a&lt;b&#160;c</td></tr></table><img src="http://example.org/x" alt="x"/>'
        )
    },
    "a narrative of no status": {"text.status": "made"},
}

NEW_PREPERSON: Changes = {
    "no identifier": {"identifier": None},
    "no external id": {"identifier[0].system": "http://example.org/mrn"},
    "an external id without a value": {"identifier[0].value": None},
    "two external ids": {
        "identifier": [{"system": _EXTERNAL_ID, "value": "1"}, {"system": _EXTERNAL_ID, "value": "2"}]
    },
    "two notes": {"extension": [{"url": _NOTE, "valueString": "a"}, {"url": _NOTE, "valueString": "b"}]},
    "a date of death": {"deceasedDateTime": "2018-11-11"},
    "deceased, without a date": {"deceasedBoolean": True},
    "not deceased": {"deceasedBoolean": False},
    "gender other": {"gender": "other"},
    "an emergency contact's work phone": {"contact[0].telecom[0].use": "work"},
}

CODE_IN: Changes = {
    "no code": {"parameter[0]": None},
    "a code of codes": {"parameter[0]": {"name": "code", "valueCode": "c-1"}},
    "a parameter that is not known": {"parameter[2].name": "state"},
    "a place to go back to that is a text": {"parameter[1]": {"name": "redirectUri", "valueString": "here"}},
}
REFRESH_IN: Changes = {
    "twice": {"parameter": [{"name": "refreshToken", "valueString": value} for value in ("r-1", "r-2")]},
    "none": {"parameter": None},
}
TOKEN_OUT: Changes = {
    "no token": {"parameter[0]": None},
    "an end that is a date": {"parameter[1]": {"name": "expiresAt", "valueDate": "2026-03-04"}},
}
