"""What FHIR says of each type: its elements in order, read from the classes of fhir.resources.

R4B stands for R4, which fhir.resources does not have. https://hl7.org/fhir/R4/elementdefinition.html
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from types import MappingProxyType, NoneType
from typing import Any, Literal, get_args, get_origin

from fhir_core.constraints import FHIR_PRIMITIVES_MAPS, FHIR_TYPES_MAPS
from fhir_core.types import FhirBase

from fhir_bridge.fhir import r4
from fhir_bridge.fhir.codes import ABSTRACT_RESOURCES, CODES, DATA_TYPES, NAMES_OF_RESOURCES, NAMES_OF_TYPES
from fhir_bridge.fhir.modifiers import is_modifier

Version = Literal["3.0", "4.0"]
_PACKAGE: Mapping[str, str] = {"3.0": "STU3", "4.0": "R4B"}

_NEW_MODULES = frozenset(name.lower() for name in r4.NEW_RESOURCES | r4.NEW_DATA_TYPES | r4.DEFINITIONS.keys())

# The types beside the resources: a class is imported when its type is first met, so a class cannot be asked.
_NO_RESOURCES = """Resource DomainResource MetadataResource Element BackboneElement FHIRPrimitiveExtension
    Address Age Annotation Attachment CodeableConcept CodeableReference Coding ContactDetail ContactPoint Contributor
    Count DataRequirement Distance Dosage Duration ElementDefinition Expression Extension HumanName Identifier
    MarketingStatus Meta Money Narrative ParameterDefinition Period Population ProdCharacteristic ProductShelfLife
    Quantity Range Ratio RatioRange Reference RelatedArtifact SampledData Signature Timing TriggerDefinition
    UsageContext"""

# https://hl7.org/fhir/R4/datatypes.html#primitive
_PRIMITIVES = frozenset(FHIR_PRIMITIVES_MAPS.values()) - {"integer64"}


def version_of(text: str) -> Version:
    """Return the version that a text names; what names none is R4."""
    return "3.0" if text == "3.0" else "4.0"


@dataclass(frozen=True, slots=True)
class Element:
    """One element of a type, or one of the JSON names that a choice of types has.

    `name` is as in JSON (`deceasedDateTime`), `choice` what the choice is called (`deceased`). `type` is a data
    type, "Resource" for any resource, or a backbone element as fhir.resources spells it ("PatientContact").
    `codes` are those of a required binding, empty where any will do. A modifier changes what its holder means.
    `targets` are the types of resources that a Reference may lead to, empty where any will do.
    """

    name: str
    type: str
    repeats: bool
    required: bool
    choice: str | None
    choice_required: bool
    codes: frozenset[str]
    in_summary: bool
    is_modifier: bool = False
    targets: frozenset[str] = frozenset()

    @property
    def path(self) -> str:
        """The FHIRPath step: `deceased` for deceasedDateTime, else the name."""
        return self.choice or self.name


@cache
def elements(version: Version, type_name: str) -> Mapping[str, Element]:
    """Return the elements of a resource, data type or backbone element by their JSON name, in FHIR's order.

    Raises KeyError for a type that the version does not have.
    """
    if version == "4.0" and type_name in r4.DEFINITIONS:
        found = _defined(version, type_name)
    else:
        found = _of_class(version, type_name)
    return MappingProxyType({element.name: element for element in found})


def is_primitive(type_name: str) -> bool:
    """Whether the type is a JSON string, number or boolean: `date` and `xhtml` are, `HumanName` is not."""
    return type_name in _PRIMITIVES


def is_resource(version: Version, type_name: str) -> bool:
    """Whether the version has a resource of this type: `Patient`, but neither `DomainResource` nor `HumanName`."""
    return type_name in resource_types(version)


@cache
def resource_types(version: Version) -> frozenset[str]:
    """Return the types of resources that can be sent: abstract ones are not among them."""
    package = f"fhir.resources.{_PACKAGE[version]}."
    importlib.import_module(f"{package}fhirtypes")
    places = (place.removeprefix(package) for place in FHIR_TYPES_MAPS.values() if place.startswith(package))
    modules_and_names = (place.split(".") for place in places)
    types = frozenset(name for module, name in modules_and_names if module == name.lower())
    types -= frozenset(_NO_RESOURCES.split())
    return types if version == "3.0" else types - r4.NEW_RESOURCES | r4.OLD_RESOURCES


def _of_class(version: Version, type_name: str) -> Iterable[Element]:
    """Return the elements that the class of fhir.resources has, put right by what R4 has otherwise."""
    model = _model(version, type_name)
    fields = {field.alias or name: field for name, field in model.model_fields.items()}
    found = (_element(version, type_name, name, fields[name]) for name in model.elements_sequence())
    return found if version == "3.0" else filter(None, (_as_in_r4(type_name, element) for element in found))


def _element(version: Version, type_name: str, name: str, field: Any) -> Element:
    extra = field.json_schema_extra or {}
    element_type, repeats = _type(field.annotation)
    return Element(
        name=name,
        type=element_type,
        repeats=repeats,
        required=field.is_required() or extra.get("element_required", False),
        choice=extra.get("one_of_many"),
        choice_required=extra.get("one_of_many_required", False),
        codes=_codes(version, f"{type_name}.{name}", extra.get("enum_values", ())),
        in_summary=extra.get("summary_element_property", False),
        is_modifier=is_modifier(version, type_name, extra.get("one_of_many") or name),
        targets=frozenset(extra.get("enum_reference_types", ())) - _ANY,
    )


_ANY = frozenset({"Resource"})


def _codes(version: Version, path: str, short_text: Iterable[str]) -> frozenset[str]:
    """Return the codes of an element: corrected, made of the names of types, or as the class has them."""
    if path in CODES[version]:
        return CODES[version][path]
    if path in NAMES_OF_RESOURCES:
        return resource_types(version) | ABSTRACT_RESOURCES
    if path in NAMES_OF_TYPES:
        return resource_types(version) | ABSTRACT_RESOURCES | NAMES_OF_TYPES[path] | DATA_TYPES[version]
    return frozenset(short_text)


def _as_in_r4(type_name: str, element: Element) -> Element | None:
    """Return what R4 has in the place of R4B's element; None where R4 has nothing there."""
    if element.name in r4.NEW_ELEMENTS.get(type_name, ()) or element.type == "RatioRange":
        return None
    if element.type == "CodeableReference":  # R4's choices of any data type end in Meta instead
        return replace(element, type="Meta", name=element.name.replace("CodeableReference", "Meta"))
    if element.name in r4.REQUIRED.get(type_name, ()):
        return replace(element, required=True)
    new = r4.NEW_TARGETS.get(f"{type_name}.{element.name}", r4.NEW_RESOURCES)
    return replace(element, targets=element.targets - new) if element.targets & new else element


_NOTATION = re.compile(r"(\w+)(\[x\])?:([\w|]+)(?:\(([\w|]+)\))?(\*?)(!?)(\^?)=?(\S*)")


def _defined(version: Version, type_name: str) -> Iterable[Element]:
    """Return the elements of a type that R4B does not have, from its base and the notation of module `r4`."""
    base, own = r4.DEFINITIONS[type_name]
    yield from elements(version, base).values()
    for name, choice, types, targets, repeats, required, summary, codes in _NOTATION.findall(own):
        for element_type in types.split("|"):
            yield Element(
                name=f"{name}{element_type[0].upper()}{element_type[1:]}" if choice else name,
                type=element_type,
                repeats=bool(repeats),
                required=bool(required) and not choice,
                choice=name if choice else None,
                choice_required=bool(required and choice),
                codes=frozenset(codes.split("|")) if codes else frozenset(),
                in_summary=bool(summary),
                is_modifier=is_modifier(version, type_name, name),
                targets=frozenset(targets.split("|")) if targets and element_type == "Reference" else frozenset(),
            )


def _type(annotation: Any) -> tuple[str, bool]:
    """Return the FHIR type that an annotation stands for, and whether it is a list.

    Such as `Optional[List[Optional[Annotated[str, Code()]]]]` or `List[HumanNameType]`.
    """
    if annotation in FHIR_PRIMITIVES_MAPS:
        return FHIR_PRIMITIVES_MAPS[annotation], False
    if isinstance(annotation, type) and issubclass(annotation, FhirBase):
        return annotation.__name__.removesuffix("Type"), False
    inner = next(argument for argument in get_args(annotation) if argument is not NoneType)
    type_name, repeats = _type(inner)
    return type_name, repeats or get_origin(annotation) is list


def _model(version: Version, type_name: str) -> Any:
    """Return the class of a type; raises KeyError where there is none."""
    package = importlib.import_module(f"fhir.resources.{_PACKAGE[version]}")
    try:
        model = package.get_fhir_model_class(type_name)
    except ValueError:
        raise KeyError(type_name) from None
    if version == "4.0" and model.__module__.rpartition(".")[2] in _NEW_MODULES:
        raise KeyError(type_name)
    return model
