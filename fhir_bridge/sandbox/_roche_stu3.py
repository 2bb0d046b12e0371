"""What FHIR STU3 (3.0.2) and Roche's profiles allow in what is written: elements, types, codes, and a walk over them.

Written from http://hl7.org/fhir/STU3/ for these resources alone. A resource that is shaped as in R4 has
elements here that nobody knows (`eventCoding`) or values of the wrong type (`clinicalStatus` as an object).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal


@dataclass(frozen=True, slots=True)
class Problem:
    """One broken rule; `code` is the issue code of Roche's table of answers."""

    code: Literal["required", "invalid"]
    text: str


@dataclass(frozen=True, slots=True)
class Element:
    """One element of a type; `shape` says whether its JSON value is a list, one value, or either."""

    type: str
    required: bool
    shape: Literal["one", "list", "either"]
    codes: tuple[str, ...]


_RESOURCE = (
    "id:id meta:Meta implicitRules:uri language:code text:Narrative contained:Contained* "
    "extension:Extension* modifierExtension:Extension* "
)
_ELEMENT = "id:string extension:Extension* "
_BACKBONE = _ELEMENT + "modifierExtension:Extension* "
_IDENTIFIER = _ELEMENT + "use:code=usual|official|temp|secondary type:CodeableConcept period:Period assigner:Reference "
_NAME = (
    _ELEMENT + "use:code=usual|official|temp|nickname|anonymous|old|maiden text:string prefix:string* suffix:string* "
    "period:Period "
)
_GENDER = "gender:code=male|female|other|unknown "

# `name:type`, then `!` where it is required, `*` for a list, `+` for one value or a list, `=a|b` for its codes.
_TYPES: Mapping[str, str] = {
    "Bundle": "id:id meta:Meta implicitRules:uri language:code identifier:Identifier type:code=message! "
    "total:unsignedInt link:BundleLink* entry:Entry!* signature:Signature",
    "BundleLink": _BACKBONE + "relation:string! url:uri!",
    "Entry": _BACKBONE + "link:BundleLink* fullUrl:uri resource:Resource!",
    "MessageHeader": _RESOURCE + "event:Coding! destination:Destination* receiver:Reference sender:Reference "
    "timestamp:instant! enterer:Reference author:Reference source:Source! responsible:Reference "
    "reason:CodeableConcept response:Response focus:Reference*",
    "Destination": _BACKBONE + "name:string target:Reference endpoint:uri!",
    "Source": _BACKBONE + "name:string software:string version:string contact:ContactPoint endpoint:uri!",
    "Response": _BACKBONE + "identifier:id! code:code=ok|transient-error|fatal-error! details:Reference",
    # patient-v2. INFERRED: at least one identifier and a name, since their parts are mandatory.
    "Patient": _RESOURCE + "identifier:PatientIdentifier!* active:boolean name:PatientName!* telecom:ContactPoint* "
    + _GENDER + "birthDate:date deceasedBoolean:boolean deceasedDateTime:dateTime address:Address* "
    "maritalStatus:CodeableConcept multipleBirthBoolean:boolean multipleBirthInteger:integer photo:Attachment* "
    "contact:PatientContact* animal:Animal communication:Communication* generalPractitioner:Reference* "
    "managingOrganization:Organization link:PatientLink*",
    # practitioner-v2. INFERRED: the same parts are mandatory as in patient-v2.
    "Practitioner": _RESOURCE + "identifier:PatientIdentifier!* active:boolean name:PatientName!* "
    "telecom:ContactPoint* address:Address* " + _GENDER + "birthDate:date photo:Attachment* "
    "qualification:Qualification* communication:CodeableConcept*",
    "Qualification": _BACKBONE + "identifier:Identifier* code:CodeableConcept! period:Period issuer:Reference",
    # The profile of Roche's R5 successor, which bars more and wants a way to reach the practitioner.
    "PractitionerAsInR5": _RESOURCE + "identifier:PatientIdentifier!* name:NameAsInR5!* telecom:TelecomAsInR5!* "
    "qualification:Qualification* communication:CodeableConcept*",
    "NameAsInR5": _ELEMENT + "use:code=usual|official|temp|nickname|anonymous|old|maiden text:string "
    "family:string! given:string!*",
    "TelecomAsInR5": _ELEMENT + "system:code=phone|fax|email|pager|url|sms|other! value:string!",
    "PatientIdentifier": _IDENTIFIER + "system:uri! value:string!",
    "PatientName": _NAME + "family:string! given:string!*",
    "PatientContact": _BACKBONE + "relationship:CodeableConcept* name:HumanName telecom:ContactPoint* "
    + _GENDER + "address:Address organization:Reference period:Period",
    "Animal": _BACKBONE + "species:CodeableConcept! breed:CodeableConcept genderStatus:CodeableConcept",
    "Communication": _BACKBONE + "language:CodeableConcept! preferred:boolean",
    "PatientLink": _BACKBONE + "other:Reference! type:code=replaced-by|replaces|refer|seealso!",
    # Roche's sample sends an array; STU3 says one object.
    "Organization": _ELEMENT + "reference:string identifier:Identifier+ display:string",
    # The condition profile; what it prohibits (0..0) is left out. INFERRED: so are evidence and note.
    "Condition": _RESOURCE + "clinicalStatus:code=active|recurrence|inactive|remission|resolved! "
    "code:DiabetesType! subject:Reference!",
    "DiabetesType": _ELEMENT + "coding:DiabetesCoding* text:string",
    "DiabetesCoding": _ELEMENT + "system:uri code:code display:string",
    "Meta": _ELEMENT + "versionId:id lastUpdated:instant profile:uri* security:Coding* tag:Coding*",
    "Narrative": _ELEMENT + "status:code=generated|extensions|additional|empty! div:string!",
    "Identifier": _IDENTIFIER + "system:uri value:string",
    "HumanName": _NAME + "family:string given:string*",
    "ContactPoint": _ELEMENT + "system:code=phone|fax|email|pager|url|sms|other value:string "
    "use:code=home|work|temp|old|mobile rank:positiveInt period:Period",
    "Address": _ELEMENT + "use:code=home|work|temp|old type:code=postal|physical|both text:string line:string* "
    "city:string district:string state:string postalCode:string country:string period:Period",
    "Coding": _ELEMENT + "system:uri version:string code:code display:string userSelected:boolean",
    "CodeableConcept": _ELEMENT + "coding:Coding* text:string",
    "Reference": _ELEMENT + "reference:string identifier:Identifier display:string",
    "Period": _ELEMENT + "start:dateTime end:dateTime",
    "Attachment": _ELEMENT + "contentType:code language:code data:string url:uri size:unsignedInt hash:string "
    "title:string creation:dateTime",
    "Signature": _ELEMENT + "type:Coding!* when:instant! whoUri:uri whoReference:Reference onBehalfOfUri:uri "
    "onBehalfOfReference:Reference contentType:code blob:string",
}  # fmt: skip

RESOURCE_TYPES = ("MessageHeader", "Patient", "Condition")


def _element(text: str) -> tuple[str, Element]:
    name, _, rest = text.partition(":")
    shape: Literal["one", "list", "either"] = "list" if "*" in rest else "either" if "+" in rest else "one"
    type, _, codes = re.sub(r"[!*+]", "", rest).partition("=")
    return name, Element(type, "!" in rest, shape, tuple(codes.split("|")) if codes else ())


_SPECIFICATION = {type: dict(map(_element, text.split())) for type, text in _TYPES.items()}

_SECOND = r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?(Z|[+-][0-9]{2}:[0-9]{2})"
_PATTERNS = {
    "string": r"(?s).*\S.*",
    "uri": r"(?s).*\S.*",  # Roche's own sample has a placeholder with a space in it
    "code": r"[^\s]+([\s]?[^\s]+)*",
    "id": r"[A-Za-z0-9\-.]{1,64}",
    "date": r"[0-9]{4}(-(0[1-9]|1[0-2])(-[0-9]{2})?)?",
    "instant": _SECOND,
    "dateTime": rf"[0-9]{{4}}(-(0[1-9]|1[0-2])(-[0-9]{{2}})?)?|{_SECOND}",
}
_LOWEST = {"integer": None, "unsignedInt": 0, "positiveInt": 1}


def problems(type: str, value: object, path: str) -> Iterator[Problem]:
    """Return what is wrong with `value`, a JSON value of the STU3 type `type` that stands at `path`."""
    if type in ("Contained", "Extension"):
        yield from _open_problems(type, value, path)
    elif type == "Resource":
        yield from _resource_problems(value)
    elif type not in _SPECIFICATION:
        if not _is_primitive(type, value):
            yield Problem("invalid", f"{path} is not of type {type}")
    elif not isinstance(value, dict) or not value:
        yield Problem("invalid", f"{path} is not an object with elements")
    else:
        yield from _children(_SPECIFICATION[type], value, path)


def _resource_problems(value: object) -> Iterator[Problem]:
    assert isinstance(value, dict)  # the caller has looked at the types of the entries
    type = value["resourceType"]
    yield from problems(type, {name: child for name, child in value.items() if name != "resourceType"}, type)


def _open_problems(type: str, value: object, path: str) -> Iterator[Problem]:
    """Extensions and contained resources may hold anything; only what names them is looked at."""
    name = "url" if type == "Extension" else "resourceType"
    if not isinstance(value, dict):
        yield Problem("invalid", f"{path} is not an object with elements")
    elif not isinstance(value.get(name), str):
        yield Problem("required", f"{path}.{name} is mandatory")


def _children(elements: Mapping[str, Element], value: dict[str, object], path: str) -> Iterator[Problem]:
    for name, element in elements.items():
        if element.required and name not in value:
            yield Problem("required", f"{path}.{name} is mandatory")
    for name, child in value.items():
        if name in elements:
            yield from _values(elements[name], child, f"{path}.{name}")
        elif name.removeprefix("_") not in elements:  # `_birthDate` holds the extensions of a primitive
            yield Problem("invalid", f"{path}.{name} is not allowed")


def _values(element: Element, value: object, path: str) -> Iterator[Problem]:
    if element.shape == "one" or (element.shape == "either" and not isinstance(value, list)):
        yield from _one(element, value, path)
    elif not isinstance(value, list) or not value:
        yield Problem("invalid", f"{path} is not a list with elements")
    else:
        for index, child in enumerate(value):
            yield from _one(element, child, f"{path}[{index}]")


def _one(element: Element, value: object, path: str) -> Iterator[Problem]:
    found = list(problems(element.type, value, path))
    if not found and element.codes and value not in element.codes:
        found = [Problem("invalid", f"{path} is not one of {', '.join(element.codes)}")]
    yield from found


def _is_primitive(type: str, value: object) -> bool:
    if type == "boolean":
        return isinstance(value, bool)
    if type in _LOWEST:
        lowest = _LOWEST[type]
        return isinstance(value, int) and not isinstance(value, bool) and (lowest is None or value >= lowest)
    return isinstance(value, str) and re.fullmatch(_PATTERNS[type], value) is not None and _exists(type, value)


def _exists(type: str, text: str) -> bool:
    """Return whether the calendar has this day; text of other types exists."""
    try:
        if "T" in text and type in ("instant", "dateTime"):
            datetime.fromisoformat(text)
        elif type in ("date", "dateTime") and len(text) == len("1991-01-01"):
            date.fromisoformat(text)
    except ValueError:
        return False
    return True
