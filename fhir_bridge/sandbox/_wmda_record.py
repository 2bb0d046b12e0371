"""What a patient's record may hold, as WMDA's page "Patient Administration" lists the fields of create and update."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from datetime import date

from fhir_bridge.sandbox._wmda_problems import Json, unknown_fields, wrong_code

LOCI = ("a", "b", "c", "drb1", "drb3", "drb4", "drb5", "dqa1", "dqb1", "dpa1", "dpb1")
"""Loci of `hla`. INFERRED: a client in use sends five of them; WMDA's page on typing names these eleven."""

DISEASE_PHASES = (
    "PF", "PI", "AP", "BC", "AD", "SD", "RD", "NA",
    *(f"{kind}{number}" for kind in "CPRN" for number in range(10)),
)  # fmt: skip
ETHNICITIES = (
    "UK", "AF", "AS", "CA", "HI", "AFNA", "AFSS", "ASSW", "ASSO", "ASCE", "ASSE",
    "ASNE", "ASOC", "CAEU", "CAER", "CANA", "CAAU", "HICA", "HISA", "MX", "OT",
)  # fmt: skip
CMV_STATUSES = ("P", "N")
"""INFERRED: only P was seen; these are the codes of a patient in WMDA's data dictionary."""

FIELDS = (
    "patientId", "hla", "idm", "dateOfBirth", "diagnosis", "diseasePhase", "ethnicity", "poolCountryCode",
    "transplantCentreId", "abo", "rhesus", "weight", "sex", "legalTerms",
)  # fmt: skip
"""What a create and an update take. An update takes `wmdaId` as well; neither takes what WMDA keeps itself."""

_CODES: Mapping[str, Collection[str | int]] = {
    "diseasePhase": DISEASE_PHASES,
    "ethnicity": ETHNICITIES,
    "abo": ("A", "B", "O", "AB"),
    "rhesus": ("P", "N"),
    "sex": ("M", "F"),
}
_LENGTHS: Mapping[str, int] = {"patientId": 17, "transplantCentreId": 10}

# INFERRED: how a typing looks: serology (2), an allele (02:01:01G), an allele code (02:ABCD), or NNNN, no such gene.
_TYPING = re.compile(r"[0-9]{1,4}|[0-9]{2,4}:([0-9]{2,4}|[A-Z]{2,6})(:[0-9]{2,4}){0,2}[A-Z]?|NNNN")


def record(body: Mapping[str, Json]) -> dict[str, Json]:
    """Return what is kept of a body in order: every field, null where it was not sent."""
    kept = {name: body.get(name) for name in FIELDS}
    kept["legalTerms"] = bool(kept["legalTerms"])
    if not kept["legalTerms"]:
        kept["patientId"] = None  # the page: "If not set to true, then patientId will not be stored."
    return kept


def wrong_in_record(body: Mapping[str, Json], today: date, *, least_loci: Collection[str]) -> dict[str, str | None]:
    """Return, for each field of a patient, what is wrong with it or None; nested fields have a dotted name."""
    wrong: dict[str, str | None] = {}
    wrong |= _wrong_hla(body.get("hla"), least_loci)
    wrong |= _wrong_object("idm", body.get("idm"), {"cmvStatus", "cmvDate"})
    wrong |= _wrong_object("diagnosis", body.get("diagnosis"), {"diagnosisCode", "diagnosisText", "diagnosisDate"})
    wrong |= dict(_wrong_values(body, today))
    return wrong


def _wrong_values(body: Mapping[str, Json], today: date) -> Iterator[tuple[str, str | None]]:
    """What is wrong with each plain value; all of them may be null."""
    for name, allowed in _CODES.items():
        yield name, None if body.get(name) is None else wrong_code(name, body[name], allowed)
    for name, length in _LENGTHS.items():
        yield name, _wrong_text(name, body.get(name), length)
    yield "poolCountryCode", _wrong_pattern("poolCountryCode", body.get("poolCountryCode"), "[A-Z]{2}")
    yield "dateOfBirth", _wrong_date(body.get("dateOfBirth"), today)
    yield "weight", _wrong_weight(body.get("weight"))
    if type(body.get("legalTerms")) not in (bool, type(None)):
        yield "legalTerms", "The JSON value could not be converted to System.Boolean."
    if isinstance(idm := body.get("idm"), dict):
        yield "idm.cmvDate", _wrong_date(idm.get("cmvDate"), today)
        status = idm.get("cmvStatus")
        yield "idm.cmvStatus", None if status is None else wrong_code("idm.cmvStatus", status, CMV_STATUSES)
    if isinstance(diagnosis := body.get("diagnosis"), dict):
        # INFERRED: the codes are not published; EMDIS has three letters at most.
        code = diagnosis.get("diagnosisCode")
        yield "diagnosis.diagnosisCode", _wrong_pattern("diagnosis.diagnosisCode", code, "[A-Z]{2,3}")
        yield "diagnosis.diagnosisText", _wrong_text("diagnosis.diagnosisText", diagnosis.get("diagnosisText"), 50)
        yield "diagnosis.diagnosisDate", _wrong_date(diagnosis.get("diagnosisDate"), today)


def _wrong_hla(hla: Json, least_loci: Collection[str]) -> dict[str, str | None]:
    if hla is None:
        return {"hla": "The hla field is required."}
    if not isinstance(hla, dict):
        return {"hla": "The JSON value could not be converted."}
    wrong = unknown_fields(hla, LOCI, "hla.")
    for locus in LOCI:
        wrong |= _wrong_locus(f"hla.{locus}", hla.get(locus), needed=locus in least_loci)
    return wrong


def _wrong_locus(name: str, typing: Json, *, needed: bool) -> dict[str, str | None]:
    wrong = _wrong_object(name, typing, {"field1", "field2"})
    fields = typing if isinstance(typing, dict) else {}
    first, second = (fields.get(field) for field in ("field1", "field2"))
    # INFERRED: what is needed: a first field for A, B and DRB1, and wherever there is a second one.
    if first is None and (needed or second is not None) and not wrong:
        wrong[f"{name}.field1"] = f"The {name}.field1 field is required."
    for field, value in (("field1", first), ("field2", second)):
        if value is not None and not (isinstance(value, str) and _TYPING.fullmatch(value)):
            wrong[f"{name}.{field}"] = f"The field {name}.{field} is no HLA typing."
    return wrong


def _wrong_object(name: str, value: Json, known: Collection[str]) -> dict[str, str | None]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        return {name: "The JSON value could not be converted."}
    return unknown_fields(value, known, f"{name}.")


def _wrong_text(name: str, value: Json, length: int) -> str | None:
    if value is not None and not isinstance(value, str):
        return "The JSON value could not be converted to System.String."
    if value is not None and len(value) > length:
        return f"The field {name} must be a string with a maximum length of {length}."
    return None


def _wrong_pattern(name: str, value: Json, pattern: str) -> str | None:
    if value is not None and not isinstance(value, str):
        return "The JSON value could not be converted to System.String."
    if value is not None and not re.fullmatch(pattern, value):
        return f"The field {name} must match the regular expression '^{pattern}$'."
    return None


def _wrong_date(value: Json, today: date) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str) or not re.fullmatch("[0-9]{4}-[0-9]{2}-[0-9]{2}", value):
        return "The JSON value could not be converted to System.DateOnly."
    try:
        given = date.fromisoformat(value)
    except ValueError:
        return "The JSON value could not be converted to System.DateOnly."
    return "The date must not be in the future." if given > today else None  # INFERRED


def _wrong_weight(value: Json) -> str | None:
    if value is not None and type(value) is not int:
        return "The JSON value could not be converted to System.Int32."
    if value is not None and not 1 <= value <= 999:
        return "The field weight must be between 1 and 999."
    return None
