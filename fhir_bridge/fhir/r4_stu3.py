"""What R4 (4.0.1) and STU3 (3.0.2) call differently: elements, codes, code systems, FHIRPaths, as plain tables.

What only one of them has needs no table: the classes of both versions say so.
https://hl7.org/fhir/R4/diff.html and the R3/R4 maps of each resource, such as
https://hl7.org/fhir/R4/condition-version-maps.html
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache

from fhir_bridge.fhir.elements import Element, Version, elements, is_primitive, is_resource
from fhir_bridge.outcome import Json

NAMES: Mapping[Version, str] = {"3.0": "STU3", "4.0": "R4"}
CONVERTED = frozenset({"Bundle", "MessageHeader", "Patient", "Condition", "OperationOutcome"})


@dataclass(frozen=True, slots=True)
class Way:
    """One direction. Paths are those of the source version, without choice suffix or index.

    `renamed` gives an element its name over there; `nearest` a code that the other side lacks the one that is
    closest to it (None: there is no such); `values` rewrites what stands in an element of text.
    """

    source: Version
    target: Version
    renamed: Mapping[str, str]
    nearest: Mapping[str, Mapping[str, str | None]]
    values: Mapping[str, Callable[[str], str]]


# A code in STU3, a CodeableConcept in R4, with R4's system for it.
CONCEPT_SYSTEMS: Mapping[str, str] = {
    "Condition.clinicalStatus": "http://terminology.hl7.org/CodeSystem/condition-clinical",
    "Condition.verificationStatus": "http://terminology.hl7.org/CodeSystem/condition-ver-status",
}

# Modifiers of STU3 for which R4 has an extension of its own: see `r4_places`.
SAID_ELSEWHERE = frozenset({"Patient.animal"})

STU3_JSON = "application/fhir+json; fhirVersion=3.0"
"""The content of a Binary that stands, in R4, for a contained resource of a type that is not converted."""

# R4's MessageHeader.event may be a uri; STU3's is a Coding, required: there is nothing true to put there.
UNTELLABLE = frozenset({"MessageHeader.eventUri"})

# R4 extensions may hold these; to STU3 they are all uri.
URI_TYPES = frozenset({"uri", "url", "canonical", "uuid", "oid"})
_SAME_JSON = (URI_TYPES, frozenset({"string", "markdown"}), frozenset({"integer", "positiveInt", "unsignedInt"}))

_RENAMED: Mapping[str, str] = {
    "Binary.content": "data",
    "Condition.context": "encounter",
    "Condition.assertedDate": "recordedDate",
    "MessageHeader.event": "eventCoding",
    "Signature.blob": "data",
    "Signature.contentType": "sigFormat",
    "Signature.whoReference": "who",
    "Signature.onBehalfOfReference": "onBehalfOf",
}
# The parent in R4's own hierarchy of codes, where it has one: https://hl7.org/fhir/R4/codesystem-issue-type.html
_NEAREST_IN_STU3: Mapping[str, Mapping[str, str | None]] = {
    "Condition.clinicalStatus": {"relapse": "recurrence"},
    "Condition.verificationStatus": {"unconfirmed": "provisional"},
    "OperationOutcome.issue.code": {"multiple-matches": "processing", "deleted": "not-found"},
    "Timing.repeat.when": {f"{part}.{of_it}": part for part in ("MORN", "AFT", "EVE") for of_it in ("early", "late")},
}
_NEAREST_IN_R4: Mapping[str, Mapping[str, str | None]] = {"Condition.verificationStatus": {"unknown": None}}

_FHIR = "http://hl7.org/fhir/"
_TERMINOLOGY = "http://terminology.hl7.org/CodeSystem/"
# The code systems of the convertible resources that R4 moved to terminology.hl7.org.
_MOVED_SYSTEMS = frozenset(
    {
        "basic-resource-type", "common-tags", "condition-category", "condition-clinical", "condition-ver-status",
        "contactentity-type", "data-absent-reason", "diagnosis-role", "endpoint-connection-type",
        "endpoint-payload-type", "episodeofcare-type", "list-empty-reason", "list-order", "message-events",
        "message-reasons-encounter", "operation-outcome", "organization-type", "practitioner-role",
        "substance-category",
    }
)  # fmt: skip


def r4_system(system: str) -> str:
    """Return R4's name of a code system: `http://hl7.org/fhir/v2/0131` is `…/CodeSystem/v2-0131`."""
    name = system.removeprefix(_FHIR)
    if name == system:
        return system
    if hl7_table := re.fullmatch(r"(v[23])/([A-Za-z0-9]+)", name):
        return f"{_TERMINOLOGY}{hl7_table[1]}-{hl7_table[2]}"
    return _TERMINOLOGY + name if name in _MOVED_SYSTEMS else system


def stu3_system(system: str) -> str:
    """Return STU3's name of a code system: the way back of `r4_system`."""
    name = system.removeprefix(_TERMINOLOGY)
    if name == system:
        return system
    if hl7_table := re.fullmatch(r"(v[23])-([A-Za-z0-9]+)", name):
        return f"{_FHIR}{hl7_table[1]}/{hl7_table[2]}"
    return _FHIR + name if name in _MOVED_SYSTEMS else system


# The last step of a FHIRPath that a Condition or MessageHeader begins: by its type's name, by ofType, in an entry.
_CONDITION = r"((?:^|\b)Condition\)?|\.resource)"
_TO_R4_EXPRESSIONS = (
    (re.compile(_CONDITION + r"\.context\b"), r"\1.encounter"),
    (re.compile(_CONDITION + r"\.assertedDate\b"), r"\1.recordedDate"),
    (re.compile(r"^(?:MessageHeader|Bundle\.entry\[0\]\.resource)\.timestamp$"), "Bundle.timestamp"),
)
_TO_STU3_EXPRESSIONS = (
    (re.compile(_CONDITION + r"\.encounter\b"), r"\1.context"),
    (re.compile(_CONDITION + r"\.recordedDate\b"), r"\1.assertedDate"),
    (re.compile(r"^Bundle\.timestamp$"), "MessageHeader.timestamp"),
)


def r4_expression(expression: str) -> str:
    """Return the FHIRPath in R4 of an element in STU3: `Condition.context` is `Condition.encounter`."""
    return _replaced(_TO_R4_EXPRESSIONS, expression)


def stu3_expression(expression: str) -> str:
    """Return the FHIRPath in STU3 of an element in R4: the way back of `r4_expression`."""
    return _replaced(_TO_STU3_EXPRESSIONS, expression)


def _replaced(patterns: tuple[tuple[re.Pattern[str], str], ...], text: str) -> str:
    for pattern, replacement in patterns:
        text = pattern.sub(replacement, text)
    return text


def _back(renamed: Mapping[str, str]) -> dict[str, str]:
    return {f"{path.rpartition('.')[0]}.{name}": path.rpartition(".")[2] for path, name in renamed.items()}


TO_R4 = Way(
    source="3.0",
    target="4.0",
    renamed=_RENAMED,
    nearest=_NEAREST_IN_R4,
    values={"Coding.system": r4_system, "OperationOutcome.issue.expression": r4_expression},
)
TO_STU3 = Way(
    source="4.0",
    target="3.0",
    renamed=_back(_RENAMED) | {f"Extension.value{name}": "valueUri" for name in ("Canonical", "Url", "Uuid")},
    nearest=_NEAREST_IN_STU3,
    values={"Coding.system": stu3_system, "OperationOutcome.issue.expression": stu3_expression},
)


def nearest_in_stu3(path: str, concept: Json) -> str | None:
    """Return the STU3 code nearest to the first coding of an R4 concept that is of the element's own system."""
    code = first_code(path, concept)
    return None if code is None else TO_STU3.nearest[path].get(code, code)


def first_code(path: str, concept: Json) -> str | None:
    """Return the code of the first coding of a concept that is of the element's own system."""
    codings = concept.get("coding") if isinstance(concept, dict) else None
    for coding in codings if isinstance(codings, list) else ():
        code = coding.get("code") if isinstance(coding, dict) else None
        if isinstance(code, str) and coding.get("system") == CONCEPT_SYSTEMS[path]:
            return code
    return None


def same_json(one: str, other: str) -> bool:
    """Whether two types are written alike in JSON, so that a value of one may stand where the other is: uri, url."""
    return one == other or any({one, other} <= family for family in _SAME_JSON)


def is_backbone(type_name: str, definition: str) -> bool:
    """Whether an element's type is a part of `definition` ("Condition.stage"), not a data type of its own."""
    root = definition.partition(".")[0]
    return type_name != root and type_name.startswith(root) and not is_primitive(type_name)


@cache
def is_convertible(type_name: str) -> bool:
    """Whether the conversion knows a resource type: one of `CONVERTED`, or one that is alike in both versions."""
    in_both = all(is_resource(version, type_name) for version in NAMES)
    return in_both and (type_name in CONVERTED or _is_alike(type_name, type_name))


def _is_alike(type_name: str, path: str) -> bool:
    """Whether R4 has each element of an STU3 type, and all else can be carried; data types are converted."""
    stu3, r4 = (elements(version, type_name) for version in ("3.0", "4.0"))
    names = {name: _RENAMED.get(f"{path}.{name}", name) for name in stu3}
    if not r4.keys() >= set(names.values()):
        return False
    new = [r4[name] for name in r4.keys() - set(names.values())]
    return all(map(_can_be_carried, new)) and all(
        _is_alike_element(stu3[name], r4[there], type_name, f"{path}.{name}") for name, there in names.items()
    )


def _can_be_carried(new: Element) -> bool:
    """Whether an element that R4 alone has can be an extension in STU3; that tells a choice by its type."""
    name = f"value{new.type[0].upper()}{new.type[1:]}"
    is_told = new.choice is None or new.type in URI_TYPES or name in elements("3.0", "Extension")
    return is_told and not new.required and not new.choice_required


def _is_alike_element(here: Element, there: Element, type_name: str, path: str) -> bool:
    """Whether whatever STU3 says in an element can be said in R4's: as often, by the same codes, in the same parts."""
    is_bound_alike = not there.codes or (bool(here.codes) and here.codes <= there.codes)
    if not same_json(here.type, there.type) or here.repeats > there.repeats or not is_bound_alike:
        return False
    is_part = is_backbone(here.type, path) and here.type != type_name
    return not is_part or _is_alike(here.type, path)
