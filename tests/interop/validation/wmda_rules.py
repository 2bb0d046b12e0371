"""What breaks WMDA's own rules, or nearly does: by profile, by what is done, values by path."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fhir_bridge.outcome import CANONICAL
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


WMDA_RULES: Mapping[str, Changes] = {
    "wmda-patient": {**_typed(terms=11, id=1), **_WHOLE},
    "wmda-new-patient": _typed(terms=3, id=0),
}
