"""What breaks HealthEx's own rules, or nearly does: by profile, by what is done, values by path."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fhir_bridge.canonical import CANONICAL
from tests.interop.validation.preperson_rules import Changes

_OURS = f"{CANONICAL}/StructureDefinition"
_PREFERENCE = f"{_OURS}/healthex-contact-preference"


def _named(name: str, **value: Any) -> dict[str, Any]:
    return {"name": name, **value}


_NEW_PATIENT: Changes = {
    "no extensions": {"extension": None},
    "no contact preference": {"extension[0]": None},
    "two contact preferences": {"extension[1]": {"url": _PREFERENCE, "valueCode": "phone"}},
    "a contact preference that nobody knows": {"extension[0].valueCode": "pigeon"},
    "a contact preference as text": {"extension[0]": {"url": _PREFERENCE, "valueString": "email"}},
    "a contact preference of extensions": {
        "extension[0]": {"url": _PREFERENCE, "extension": [{"url": "x", "valueCode": "email"}]}
    },
    "two facilities": {
        "extension[2]": {
            "url": f"{_OURS}/healthex-targeted-facility",
            "valueIdentifier": {"system": "http://hl7.org/fhir/sid/us-npi", "value": "1215914435"},
        }
    },
    "two projects": {"extension[4]": {"url": f"{_OURS}/healthex-project", "valueString": "x"}},
    "a facility without its number": {"extension[1].valueIdentifier.value": None},
    "a facility of another system": {"extension[1].valueIdentifier.system": "http://example.org/clinics"},
    "no name": {"name": None},
    "a name without a family name (healthex-name)": {"name[0].family": None},
    "a name without a given name (healthex-name)": {"name[0].given": None},
    "an old name alone (healthex-name)": {"name[0].use": "old"},
    "a name without a use": {"name[0].use": None},
    "an old address first (healthex-contact-in-use)": {"telecom[0].use": "old"},
    "an old telephone first (healthex-contact-in-use)": {"telecom[1].use": "old"},
    "an address for work": {"telecom[0].use": "work"},
    "no language": {"communication": None},
    "a language of another system (healthex-language)": {"communication[0].language.coding[0].system": "urn:oid:1.2.3"},
    "a language as text (healthex-language)": {"communication[0].language": {"text": "English"}},
    "a language that is not preferred (healthex-language)": {"communication[0].preferred": False},
    "a language without a word about preference": {"communication[0].preferred": None},
    "an external id without a value": {"identifier[0].value": None},
}

_CONSENT: Changes = {
    "no status": {"status": None},
    "a status that FHIR lacks": {"status": "revoked"},
    "another scope": {"scope.coding[0].code": "research"},
    "a scope as text": {"scope": {"text": "privacy"}},
    "one category": {"category[1]": None},
    "no patient": {"patient": None},
    "a patient by identifier": {"patient": {"identifier": {"value": "1"}}},
    "a study as text": {"extension[0]": {"url": "http://hl7.org/fhir/StructureDefinition/workflow-researchStudy"}},
    "no policy (ppc-1)": {"policyRule": None},
    "a policy in the place of a rule": {"policyRule": None, "policy": [{"uri": "http://example.org/terms"}]},
    "a period that ends before it starts (per-1)": {"provision.period.start": "2028-01-01"},
}

_STUDY: Changes = {
    "no status": {"status": None},
    "a status that FHIR lacks": {"status": "paused"},
    "a pause as one value": {"extension[0]": {"url": f"{_OURS}/healthex-study-pause", "valueBoolean": True}},
    "a pause twice": {"extension[0].extension[1]": {"url": "paused", "valueBoolean": False}},
    "a pause without a reason": {"extension[0].extension[1]": None},
    "a reason as code": {"extension[0].extension[1]": {"url": "reason", "valueCode": "x"}},
    "a part of a pause that nobody knows": {"extension[0].extension[1].url": "since"},
    "a related artifact of no kind": {"relatedArtifact[0].type": None},
}

_EVERYTHING_IN: Changes = {
    "a count as text": {"parameter[0]": _named("_count", valueString="10")},
    "two counts": {"parameter[1]": _named("_count", valueInteger=5)},
    "a type as text": {"parameter[2]": _named("_type", valueString="Observation")},
    "a date in the place of an instant": {"parameter[4]": _named("_since", valueDate="2026-01-01")},
    "an instant without a zone": {"parameter[4].valueInstant": "2026-01-01T00:00:00"},
    "a parameter that nobody knows": {"parameter[0].name": "_sort"},
    "a parameter without a value (inv-1)": {"parameter[0].valueInteger": None},
    "a parameter of parts": {"parameter[0]": _named("_count", part=[_named("x", valueInteger=1)])},
    "nothing": {"parameter": None},
}

_LINK_IN: Changes = {
    "an id as code": {"parameter[0]": _named("externalId", valueCode="MRN-1")},
    "two ids": {"parameter[1]": _named("externalId", valueString="MRN-2")},
    "a parameter that nobody knows": {"parameter[1].name": "study"},
    "a resource in the place of a value": {"parameter[1]": _named("project", resource={"resourceType": "Patient"})},
    "nothing": {"parameter": None},
}

_LINK_OUT: Changes = {
    "a uri in the place of a url": {"parameter[0]": _named("url", valueUri="https://app.healthex.io/")},
    "no address": {"parameter[0].valueUrl": None},
    "another name": {"parameter[0].name": "link"},
}

_COHORT_IN: Changes = {
    "no patients": {"parameter": None},
    "a patient as text": {"parameter[0]": _named("patient", valueString="Patient/1")},
    "a patient as resource": {"parameter[0]": _named("patient", resource={"resourceType": "Patient"})},
    "a group by reference": {"parameter[2]": _named("group", valueReference={"reference": "Group/1"})},
    "a group of another type": {"parameter[2]": _named("group", resource={"resourceType": "Patient"})},
    "two groups": {
        "parameter[0]": _named("group", resource={"resourceType": "Group", "type": "person", "actual": True})
    },
    "members of a group that is not actual (grp-1)": {"parameter[2].resource.actual": False},
    "a parameter that nobody knows": {"parameter[3].name": "interactive"},
}

_COHORT_OUT: Changes = {
    "a result as one value": {"parameter[0]": _named("result", valueString="x")},
    "a result without parts": {"parameter[0].part": None},
    "another name": {"parameter[0].name": "outcome"},
}

HEALTHEX_RULES: Mapping[str, Changes] = {
    "healthex-new-patient": _NEW_PATIENT,
    "healthex-consent": _CONSENT,
    "healthex-study": _STUDY,
    "healthex-person-everything-in": _EVERYTHING_IN,
    "healthex-enrollment-link-in": _LINK_IN,
    "healthex-enrollment-link-out": _LINK_OUT,
    "healthex-update-data-cohort-in": _COHORT_IN,
    "healthex-update-data-cohort-out": _COHORT_OUT,
}
