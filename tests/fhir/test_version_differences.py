"""Whatever R4 and STU3 define otherwise: each element of each type that the conversion can meet, in both directions.

The elements are enumerated from FHIR's definitions, so none of them can be forgotten: its value arrives in its place
or in the extension that stands for it, or an issue tells that it does not.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import NamedTuple

import pytest

from fhir_bridge.fhir.conversion import Converted, to_r4, to_stu3
from fhir_bridge.fhir.elements import Element, Version, elements, is_primitive, resource_types
from fhir_bridge.fhir.r4_stu3 import is_convertible
from fhir_bridge.fhir.structure import structure_checker
from fhir_bridge.outcome import Issue, Json

NOW = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)
VERSIONS: tuple[Version, Version] = ("3.0", "4.0")
NOW_WRITTEN = "2026-01-05T08:00:00.000+00:00"
MARK = "arrived"

NUMBERS = {"decimal": 1, "integer": 1, "positiveInt": 1, "unsignedInt": 1}
CONCEPTS = {
    "clinicalStatus": ("http://terminology.hl7.org/CodeSystem/condition-clinical", "active"),
    "verificationStatus": ("http://terminology.hl7.org/CodeSystem/condition-ver-status", "confirmed"),
}


class Spot(NamedTuple):
    """One element of one type, and the elements that lead to it from a resource."""

    version: Version
    root: str
    steps: tuple[Element, ...]
    element: Element

    def __str__(self) -> str:
        return ".".join([self.root, *(step.name for step in self.steps), self.element.name])

    def resource(self, content: dict[str, Json]) -> Json:
        value: Json = content
        for step in reversed(self.steps):
            value = {step.name: [value] if step.repeats else value}
        return {"resourceType": self.root, **value}

    @property
    def holder(self) -> str:
        return self.steps[-1].type if self.steps else self.root


def spots(version: Version) -> Iterator[Spot]:
    """Yield each element of each type that can be reached from what is convertible, by one of the shortest ways."""
    known: set[str] = set()
    paths: list[tuple[str, tuple[Element, ...]]] = [
        (name, ()) for name in sorted(resource_types(version)) if is_convertible(name)
    ]
    for root, steps in paths:
        type_name = steps[-1].type if steps else root
        if type_name in known:
            continue
        known.add(type_name)
        for element in elements(version, type_name).values():
            if element.type == "Resource" or element.name in {"extension", "modifierExtension"}:
                if element.name == "extension" and not steps:
                    paths.append((root, (element,)))
                continue
            yield Spot(version, root, steps, element)
            if not is_primitive(element.type):
                paths.append((root, (*steps, element)))


def content(element: Element, code: str | None = None) -> dict[str, Json]:
    """Return an element's value with the mark in it."""
    if element.name in CONCEPTS and element.type == "CodeableConcept":
        system, known = CONCEPTS[element.name]
        return {element.name: {"id": MARK, "coding": [{"system": system, "code": known}]}}
    if not is_primitive(element.type):
        return {element.name: [{"id": MARK}] if element.repeats else {"id": MARK}}
    codes = element.codes - {"billing"}
    value = code or min(codes, default=None) or NUMBERS.get(element.type, element.type == "boolean" or MARK)
    if element.type == "xhtml" or element.name in {"id", "url", "timestamp"}:
        return {element.name: MARK}
    beside = {"id": MARK}
    return {
        element.name: [value] if element.repeats else value,
        f"_{element.name}": [beside] if element.repeats else beside,
    }


def converted(spot: Spot, resource: Json) -> Converted:
    return to_r4(resource) if spot.version == "3.0" else to_stu3(resource, now=NOW)


def back(spot: Spot, resource: Json) -> Json:
    """Return a converted resource in its own version again, without the time of a message, which STU3 alone has."""
    timeless = {name: value for name, value in resource.items() if name != "timestamp"}
    home = to_stu3(resource, now=NOW).resource if spot.version == "3.0" else to_r4(timeless).resource
    return {name: value for name, value in home.items() if (name, value) != ("timestamp", NOW_WRITTEN)}


ALL = [spot for version in VERSIONS for spot in spots(version)]


def test_the_elements_are_enumerated() -> None:
    """Hundreds in each version, in data types that only an extension holds too."""
    names = [{str(spot) for spot in ALL if spot.version == version} for version in VERSIONS]

    assert all(len(each) > 600 for each in names)
    for each in names:
        assert {"Patient.birthDate", "Condition.stage.summary", "AppointmentResponse.identifier.use"} <= each
        assert any(name.endswith("valueSampledData.data") for name in each)
        assert any(name.endswith(".repeat.when") for name in each)


def unsaid(spot: Spot) -> bool:
    """Whether the element is lost, and nobody is told."""
    there = converted(spot, spot.resource(content(spot.element)))
    return not there.issues and MARK not in json.dumps(there.resource)


def test_no_element_is_lost_unsaid() -> None:
    assert [str(spot) for spot in ALL if unsaid(spot)] == []


def test_each_element_that_travelled_is_itself_again_at_home() -> None:
    assert [str(spot) for spot in ALL if is_changed(spot)] == []


def is_changed(spot: Spot) -> bool:
    sent = spot.resource(content(spot.element))
    there = converted(spot, sent)
    return not there.issues and back(spot, there.resource) != sent


def issues(spot: Spot, code: str | None = None) -> tuple[Issue, ...]:
    return converted(spot, spot.resource(content(spot.element, code))).issues


def told(version: Version) -> dict[str, str]:
    """Return which elements of a version are not simply sent, and how that is told."""
    found = {spot: issues(spot) for spot in ALL if spot.version == version}
    return {str(spot): each[0].error for spot, each in found.items() if each}


IN_EXTENSIONS_OF_R4 = ["Canonical", "Url", "Uuid"]  # a uri in STU3
NOT_IN_STU3 = [
    "ContactDetail", "Contributor", "DataRequirement", "Dosage", "Expression", "ParameterDefinition", "RelatedArtifact",
    "TriggerDefinition", "UsageContext",
]  # fmt: skip


def test_all_of_stu3_is_said_in_r4_but_for_a_comparator_of_money() -> None:
    assert {name.rpartition("value")[2]: how for name, how in told("3.0").items()} == {
        "Money.comparator": "cannot-be-sent"
    }


def test_what_of_r4_is_not_simply_sent_in_stu3_is_told() -> None:
    held = {name: how for name, how in told("4.0").items() if "extension.value" not in name}
    within = {name.partition("extension.value")[2].partition(".")[0] for name in told("4.0")} - {""}

    assert held == {"Bundle.timestamp": "left-behind", "MessageHeader.eventUri": "cannot-be-sent"}
    assert within == {*IN_EXTENSIONS_OF_R4, *NOT_IN_STU3}


def lacking(version: Version) -> set[tuple[str, str]]:
    """Return the codes that the same element of the other version does not have, by type and element."""
    other: Version = "4.0" if version == "3.0" else "3.0"
    found = set()
    for spot in ALL:
        if spot.version == version and spot.holder.removeprefix("extension.") not in NOT_IN_STU3:
            there = _elements(other, spot.holder).get(spot.element.name)
            codes = spot.element.codes - there.codes if there is not None and there.codes else set()
            found |= {(f"{spot.holder}.{spot.element.name}", code) for code in codes}
    return found


def _elements(version: Version, type_name: str) -> dict[str, Element]:
    try:
        return dict(elements(version, type_name))
    except KeyError:
        return {}


def told_of_codes(version: Version) -> dict[tuple[str, str], str]:
    return {
        (f"{spot.holder}.{spot.element.name}", code): found[0].severity
        for spot in ALL
        if spot.version == version
        for code in spot.element.codes
        if (found := issues(spot, code)) and found != issues(spot)
    }


CODES_OF_R4 = {
    ("Identifier.use", "old"): "error",
    ("Address.use", "billing"): "error",
    ("BundleEntryRequest.method", "HEAD"): "error",
    ("BundleEntryRequest.method", "PATCH"): "error",
    ("OperationOutcomeIssue.code", "deleted"): "warning",
    ("OperationOutcomeIssue.code", "multiple-matches"): "warning",
    ("TimingRepeat.when", "MORN.early"): "warning",
    ("TimingRepeat.when", "MORN.late"): "warning",
    ("TimingRepeat.when", "AFT.early"): "warning",
    ("TimingRepeat.when", "AFT.late"): "warning",
    ("TimingRepeat.when", "EVE.early"): "warning",
    ("TimingRepeat.when", "EVE.late"): "warning",
    ("TimingRepeat.when", "NOON"): "warning",
}


def test_every_code_that_stu3_lacks_is_refused_or_told() -> None:
    """Refused where it is a modifier, or required and near to none."""
    assert lacking("4.0") == CODES_OF_R4.keys()
    assert told_of_codes("4.0") == CODES_OF_R4


def test_r4_lacks_no_code_of_stu3() -> None:
    assert (lacking("3.0"), told_of_codes("3.0")) == (set(), {})


def test_no_code_that_stu3_lacks_is_written_there() -> None:
    for spot in ALL:
        for code in spot.element.codes if spot.version == "4.0" else ():
            if (f"{spot.holder}.{spot.element.name}", code) in CODES_OF_R4:
                there = converted(spot, spot.resource(content(spot.element, code))).resource
                assert "is not a code" not in str(structure_checker("3.0")(there)), (str(spot), code)


@pytest.mark.parametrize("version", VERSIONS)
def test_no_modifier_goes_into_an_extension_unsaid(version: Version) -> None:
    """A system that does not know the extension would take the resource for what it is not.

    But a Condition whose verification is `unknown` in STU3 says in R4, where it has none, the same.
    """
    modifiers = [spot for spot in ALL if spot.version == version and spot.element.is_modifier]
    carried = {
        (str(spot), code)
        for spot in modifiers
        for code in [None, *spot.element.codes]
        if _is_carried_unsaid(spot, code)
    }

    assert len(modifiers) > 20
    assert carried == ({("Condition.verificationStatus", "unknown")} if version == "3.0" else set())


def _is_carried_unsaid(spot: Spot, code: str | None) -> bool:
    there = converted(spot, spot.resource(content(spot.element, code)))
    return not there.issues and "/StructureDefinition/extension-" in json.dumps(there.resource)


def required_in_stu3_alone() -> set[str]:
    found = set()
    for spot in ALL:
        there = _elements("4.0", spot.holder)
        if spot.version == "3.0" and spot.element.required and there:
            same = there.get({"Binary.content": "data"}.get(f"{spot.holder}.{spot.element.name}", spot.element.name))
            if same is None or not same.required:
                found.add(f"{spot.holder}.{spot.element.name}")
    return found


def test_what_stu3_alone_requires_is_found_in_what_would_be_sent() -> None:
    """The time of a message is written by the conversion, its event is R4's eventCoding."""
    assert required_in_stu3_alone() == {
        "Binary.content", "DeviceMetric.identifier", "MessageHeader.event", "MessageHeader.timestamp",
        "SampledData.data", "Specimen.subject",
    }  # fmt: skip
    sampled = {"origin": {"value": 1}, "period": 1, "dimensions": 1}
    for resource, missing in (
        ({"resourceType": "Binary", "contentType": "image/png"}, "Binary.content"),
        ({"resourceType": "DeviceMetric", "type": {"text": "x"}, "category": "setting"}, "DeviceMetric.identifier"),
        ({"resourceType": "Specimen", "status": "available"}, "Specimen.subject"),
        ({"resourceType": "Basic", "code": {"text": "x"}, "extension": [{"url": "urn:x", "valueSampledData": sampled}]},
         "Basic.extension[0].value.data"),
    ):  # fmt: skip
        there = to_stu3(resource, now=NOW).resource
        assert missing in [issue.expression for issue in structure_checker("3.0", rules=True)(there)]
