"""The profiles of a patient at WMDA: what can be sent passes, and each broken rule is told at its element."""

from __future__ import annotations

from pathlib import Path

import pytest

from fhir_bridge.canonical import CANONICAL
from fhir_bridge.fhir.definitions import load_definitions
from fhir_bridge.fhir.profile import profile_checker
from fhir_bridge.fhir.terminology import value_set_codes
from fhir_bridge.outcome import Issue, Json

DEFINITIONS = load_definitions(Path(__file__).parent.parent / "profiles")
DEFINED = f"{CANONICAL}/StructureDefinition"
WMDA_ID = f"{CANONICAL}/sid/wmda-id"
PATIENT_ID = f"{CANONICAL}/sid/wmda-patient-id"
DIAGNOSES = f"{CANONICAL}/CodeSystem/wmda-diagnosis"


def extension(name: str, **value: Json) -> Json:
    return {"url": f"{DEFINED}/wmda-{name}", **value}


def parts(name: str, *inner: Json) -> Json:
    return {"url": f"{DEFINED}/wmda-{name}", "extension": list(inner)}


def part(url: str, **value: Json) -> Json:
    return {"url": url, **value}


def hla(locus: str, *fields: str) -> Json:
    typed = [part(f"field{n}", valueString=field) for n, field in enumerate(fields, start=1)]
    return parts("hla", part("locus", valueCode=locus), *typed)


def weight(**elements: Json) -> Json:
    kg = {"value": 70, "system": "http://unitsofmeasure.org", "code": "kg"}
    return extension("weight", valueQuantity={**kg, **elements})


def diagnosis(**concept: Json) -> Json:
    return parts("diagnosis", part("code", valueCodeableConcept=concept))


AML = {"system": DIAGNOSES, "code": "AML"}
TERMS = extension("legal-terms", valueBoolean=True)
ALL = [
    hla("A", "02:01", "24:02"),
    hla("B", "07:02", "44:02"),
    hla("DRB1", "15:01"),
    parts("cmv", part("status", valueCode="P"), part("date", valueDate="2026-01-02")),
    parts(
        "diagnosis",
        part("code", valueCodeableConcept={"coding": [AML], "text": "with maturation"}),
        part("date", valueDate="2024-01-01"),
        part("phase", valueCode="C1"),
    ),
    extension("ethnicity", valueCode="CAEU"),
    extension("pool-country", valueCode="NL"),
    extension(
        "transplant-centre", valueIdentifier={"system": f"{CANONICAL}/sid/wmda-transplant-centre", "value": "TC1"}
    ),
    extension("abo", valueCode="AB"),
    extension("rhesus", valueCode="N"),
    weight(unit="kg"),
    TERMS,
    extension("search-status", valueCode="ACT"),
]


def patient(*extensions: Json, **elements: Json) -> Json:
    return {"resourceType": "Patient", "extension": list(extensions), **elements}


WHOLE = patient(
    *ALL,
    id="123456",
    identifier=[{"system": WMDA_ID, "value": "123456"}, {"system": PATIENT_ID, "value": "98761234P"}],
    gender="female",
    birthDate="1980-05-01",
)


def check(resource: Json, name: str = "wmda-patient") -> list[Issue]:
    return profile_checker(f"{DEFINED}/{name}", DEFINITIONS)(resource)


@pytest.mark.parametrize("name", ["wmda-patient", "wmda-new-patient"])
def test_all_that_wmda_holds_may_be_sent(name: str) -> None:
    assert check(WHOLE, name) == []


@pytest.mark.parametrize(
    "resource",
    [
        {"resourceType": "Patient"},
        patient(name=[{"family": "Doe"}], maritalStatus={"text": "married"}),
        patient({"url": "http://example.org/x", "valueCode": "y"}),
        patient(parts("cmv", part("date", valueDate="2026-01-02"))),
        patient(diagnosis(coding=[{"system": "http://snomed.info/sct", "code": "91861009"}, AML])),
        patient(diagnosis(coding=[{"system": DIAGNOSES, "code": "NEW"}])),
        patient(hla("A", "02:01"), hla("B", "07:02"), {"url": "http://example.org/x", "valueCode": "y"}),
        patient(identifier=[{"system": "http://example.org/mrn"}]),
    ],
)
def test_an_update_needs_nothing_and_may_hold_more_than_wmda(resource: Json) -> None:
    assert check(resource) == []


def test_a_new_patient_needs_a_typing() -> None:
    text = f"`extension` with `url` `{DEFINED}/wmda-hla` is missing; add it."

    assert check(patient(TERMS), "wmda-new-patient") == [Issue("too-few", "required", text, "Patient.extension")]


def value(text: str, place: str) -> Issue:
    return Issue(
        "not-in-value-set", "code-invalid", f"`value` is not one of the codes that are allowed here; {text}", place
    )


def missing(name: str, place: str) -> Issue:
    return Issue("too-few", "required", f"`{name}` is missing; add it.", place)


def rule(text: str, place: str) -> Issue:
    return Issue("rule-broken", "invariant", text, place)


HERE = "Patient.extension[0]"


@pytest.mark.parametrize(
    ("resource", "found"),
    [
        (
            patient(hla("DRB2", "02:01")),
            value(
                "use `A`, `B`, `C`, `DRB1`, `DRB3`, `DRB4`, `DRB5`, `DQA1`, `DQB1`, `DPA1` or `DPB1`.",
                f"{HERE}.extension[0].value",
            ),
        ),
        (
            patient(parts("hla", part("field1", valueString="02:01"))),
            Issue("too-few", "required", "`extension` with `url` `locus` is missing; add it.", f"{HERE}.extension"),
        ),
        (
            patient(hla("A")),
            Issue("too-few", "required", "`extension` with `url` `field1` is missing; add it.", f"{HERE}.extension"),
        ),
        (
            patient(hla("A", "02:01"), hla("A", "24:02")),
            rule("WMDA has one typing for each HLA locus: name each locus once.", "Patient"),
        ),
        (
            patient(parts("hla", *hla("A", "02:01")["extension"], part("field3", valueString="24:02"))),
            Issue(
                "no-slice",
                "invalid",
                "No `extension` with this `url` is known here; did you mean `field2`? Known are `locus`, `field1` and "
                "`field2`.",
                f"{HERE}.extension[2]",
            ),
        ),
        (patient(parts("cmv", part("status", valueCode="G"))), value("use `P` or `N`.", f"{HERE}.extension[0].value")),
        (
            patient(diagnosis(coding=[{"system": "http://snomed.info/sct", "code": "91861009"}])),
            Issue(
                "too-few",
                "required",
                f"`coding` with `system` `{DIAGNOSES}` is missing; add it.",
                f"{HERE}.extension[0].value.coding",
            ),
        ),
        (
            patient(diagnosis(coding=[{"system": DIAGNOSES, "code": "C92.0"}])),
            rule(
                "WMDA's codes for diagnoses have three letters at most: send one of these.",
                f"{HERE}.extension[0].value.coding[0].code",
            ),
        ),
        (
            patient(diagnosis(coding=[AML], text="x" * 51)),
            rule("WMDA holds 50 characters of text on a diagnosis: shorten it.", f"{HERE}.extension[0].value"),
        ),
        (
            patient(extension("pool-country", valueCode="nl")),
            rule("A country is two capital letters of ISO 3166-1, such as NL: send these.", f"{HERE}.value"),
        ),
        (
            patient(
                extension(
                    "transplant-centre",
                    valueIdentifier={"system": f"{CANONICAL}/sid/wmda-transplant-centre", "value": "TC 12345678"},
                )
            ),
            rule("WMDA's ids of transplant centres have 10 characters at most: correct it.", f"{HERE}.value.value"),
        ),
        (
            patient(extension("transplant-centre", valueIdentifier={"system": "http://example.org/x", "value": "TC1"})),
            Issue(
                "value-not-allowed",
                "value",
                f"`system` must be `{CANONICAL}/sid/wmda-transplant-centre` here; correct it.",
                f"{HERE}.value.system",
            ),
        ),
        (patient(extension("abo", valueCode="0")), value("use `A`, `B`, `O` or `AB`.", f"{HERE}.value")),
        (patient(extension("rhesus", valueCode="+")), value("use `P` or `N`.", f"{HERE}.value")),
        (patient(weight(value=1000)), rule("WMDA takes a weight of 1 to 999 kg: correct it.", f"{HERE}.value")),
        (
            patient(weight(code="g")),
            Issue("value-not-allowed", "value", "`code` must be `kg` here; correct it.", f"{HERE}.value.code"),
        ),
        (
            patient(weight(comparator="<")),
            Issue(
                "element-not-allowed",
                "invalid",
                "`comparator` is not allowed here; remove it.",
                f"{HERE}.value.comparator",
            ),
        ),
        (
            patient(extension("abo", valueCode="A"), extension("abo", valueCode="B")),
            Issue(
                "too-many",
                "invalid",
                f"`extension` with `url` `{DEFINED}/wmda-abo` may occur only once; remove this one.",
                "Patient.extension[1]",
            ),
        ),
        (
            patient(identifier=[{"system": PATIENT_ID, "value": "98761234P"}]),
            rule(
                "WMDA keeps a patientId only where the legal terms are true: add the extension wmda-legal-terms with "
                "true, or leave the identifier out.",
                "Patient",
            ),
        ),
        (
            patient(extension("legal-terms", valueBoolean=False), identifier=[{"system": PATIENT_ID, "value": "1"}]),
            rule(
                "WMDA keeps a patientId only where the legal terms are true: add the extension wmda-legal-terms with "
                "true, or leave the identifier out.",
                "Patient",
            ),
        ),
        (
            patient(TERMS, identifier=[{"system": PATIENT_ID, "value": "9" * 18}]),
            rule("WMDA takes a patientId of 17 characters at most: shorten it.", "Patient.identifier[0].value"),
        ),
        (patient(TERMS, identifier=[{"system": PATIENT_ID}]), missing("value", "Patient.identifier[0].value")),
        (
            patient(gender="other"),
            Issue(
                "not-in-value-set",
                "code-invalid",
                "`gender` is not one of the codes that are allowed here; use `male` or `female`.",
                "Patient.gender",
            ),
        ),
    ],
)
def test_what_wmda_cannot_hold_is_told_at_its_element(resource: Json, found: Issue) -> None:
    assert check(resource) == [found]


@pytest.mark.parametrize(
    ("name", "many"),
    [
        ("wmda-hla-locus", 11),
        ("wmda-disease-phase", 48),
        ("wmda-ethnicity", 21),
        ("wmda-abo", 4),
        ("wmda-rhesus", 2),
        ("wmda-present-search-status", 5),
    ],
)
def test_the_code_systems_have_as_many_codes_as_wmdas_pages_say(name: str, many: int) -> None:
    assert len(value_set_codes(f"ValueSet/{name}", DEFINITIONS)) == many


def test_each_locus_has_the_code_that_loinc_gives_its_typing() -> None:
    concepts = DEFINITIONS.find("CodeSystem/wmda-hla-locus")["concept"]

    assert {concept["code"]: concept["property"][0]["valueCoding"]["code"] for concept in concepts} == {
        "A": "57290-9",
        "B": "57291-7",
        "C": "77636-9",
        "DRB1": "57293-3",
        "DRB3": "57294-1",
        "DRB4": "57295-8",
        "DRB5": "57296-6",
        "DQA1": "59019-0",
        "DQB1": "57299-0",
        "DPA1": "59018-2",
        "DPB1": "59017-4",
    }
