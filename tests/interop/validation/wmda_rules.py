"""What breaks WMDA's own rules, or nearly does: by profile, by what is done, values by path."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fhir_bridge.canonical import CANONICAL
from tests.interop.validation.preperson_rules import Changes

_OURS = f"{CANONICAL}/StructureDefinition"


def _hla(*fields: str) -> dict[str, Any]:
    parts = [{"url": "locus", "valueCode": "C"}]
    typed = [{"url": f"field{number}", "valueString": field} for number, field in enumerate(fields, start=1)]
    return {"url": f"{_OURS}/wmda-hla", "extension": parts + typed}


def _typed(*, terms: int, id: int) -> Changes:
    """Return the changes to a typed patient; terms and id have other places from instance to instance."""
    return {
        "a locus that nobody knows": {"extension[0].extension[0].valueCode": "Z"},
        "a typing without a locus": {"extension[0].extension[0]": None},
        "a typing without a field": {"extension[1]": _hla()},
        "a locus typed twice": {"extension[1].extension[0].valueCode": "A"},
        "a typing with a third field": {"extension[1]": _hla("01:02", "03:04", "05:06")},
        "a field as code": {"extension[0].extension[1]": {"url": "field1", "valueCode": "02:01"}},
        "a typing as one value": {"extension[0]": {"url": f"{_OURS}/wmda-hla", "valueString": "A*02:01"}},
        "no terms accepted, but an id": {f"extension[{terms}].valueBoolean": False},
        "no word of terms, but an id": {f"extension[{terms}]": None},
        "no word of terms, and no id": {f"extension[{terms}]": None, "identifier": None},
        "a gender that WMDA lacks": {"gender": "other"},
        "a gender that is hidden": {
            "gender": None,
            "_gender": {
                "extension": [
                    {"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": "unsupported"}
                ]
            },
        },
        "an id of 17 characters": {f"identifier[{id}].value": "1" * 17},
        "an id of 18 characters": {f"identifier[{id}].value": "1" * 18},
        "an id without a value": {f"identifier[{id}].value": None},
        "an identifier of another system": {f"identifier[{id}].system": "http://example.org/mrn"},
        "a name": {"name": [{"family": "Doe"}]},
    }


_WHOLE: Changes = {
    "a status of CMV that nobody knows": {"extension[3].extension[0].valueCode": "X"},
    "a CMV test as text": {"extension[3].extension[1]": {"url": "date", "valueString": "2026"}},
    "two CMV tests": {"extension[4]": {"url": f"{_OURS}/wmda-cmv", "extension": [{"url": "status", "valueCode": "N"}]}},
    "a diagnosis as code": {"extension[4].extension[0]": {"url": "code", "valueCode": "AML"}},
    "a diagnosis without its code": {"extension[4].extension[0]": None},
    "a phase that nobody knows": {"extension[4].extension[2].valueCode": "ZZ"},
    "an ethnicity that nobody knows": {"extension[5].valueCode": "XXXX"},
    "a country that nobody knows": {"extension[6].valueCode": "XX"},
    "a centre as text": {"extension[7]": {"url": f"{_OURS}/wmda-transplant-centre", "valueString": "TC1"}},
    "a blood group that nobody knows": {"extension[8].valueCode": "C"},
    "a rhesus factor that nobody knows": {"extension[9].valueCode": "+"},
    "a weight in pounds": {"extension[10].valueQuantity.code": "[lb_av]"},
    "a weight without a unit": {"extension[10].valueQuantity.system": None, "extension[10].valueQuantity.code": None},
    "a weight at most": {"extension[10].valueQuantity.comparator": "<"},
    "a status of a search that nobody knows": {"extension[12].valueCode": "XYZ"},
    "two ids of WMDA": {"identifier[1]": {"system": f"{CANONICAL}/sid/wmda-id", "value": "1"}},
}

_START_SEARCH_IN: Changes = {
    "an engine that nobody knows": {"parameter[0].valueCode": "1"},
    "an engine as text": {"parameter[0]": {"name": "matchEngine", "valueString": "2"}},
    "no engine": {"parameter[0]": None},
    "two engines": {"parameter[4]": {"name": "matchEngine", "valueCode": "3"}},
    "a kind of search that nobody knows": {"parameter[1].valueCode": "XX"},
    "a kind in small letters": {"parameter[1].valueCode": "dr"},
    "no kind of search": {"parameter[1]": None},
    "fewer mismatches than none": {"parameter[2].valueUnsignedInt": -1},
    "mismatches as integer": {"parameter[2]": {"name": "overallMismatches", "valueInteger": 1}},
    "a resolution as code": {"parameter[3]": {"name": "isCbuAbLowDrb1HighResolution", "valueCode": "false"}},
    "loci, whose spelling is not published": {"parameter[4]": {"name": "lociToBeConsidered", "valueString": "A,B"}},
}

_START_SEARCH_OUT: Changes = {
    "no number": {"parameter[0]": None},
    "the number zero": {"parameter[0].valuePositiveInt": 0},
    "a number as text": {"parameter[0]": {"name": "searchId", "valueString": "7"}},
    "two numbers": {"parameter[1]": {"name": "searchId", "valuePositiveInt": 8}},
    "no outcome": {"parameter[1]": None},
    "an outcome as text": {"parameter[1]": {"name": "outcome", "valueString": "started"}},
    "a parameter that nobody knows": {"parameter[0].name": "priority"},
}


WMDA_RULES: Mapping[str, Changes] = {
    "wmda-patient": {**_typed(terms=11, id=1), **_WHOLE},
    "wmda-new-patient": _typed(terms=3, id=0),
    "wmda-start-search-in": _START_SEARCH_IN,
    "wmda-start-search-out": _START_SEARCH_OUT,
}
