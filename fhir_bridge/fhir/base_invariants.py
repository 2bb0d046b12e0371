"""The rules that FHIR itself sets beyond structure: of all data types, and of the resources that partners take.

Each is known to FHIR people by its key (`cpt-2`), which ends its message. Those of other resource types are not
checked, nor are inv-1 of Parameters and bdl-12 of messages, which our profiles of them say more exactly.
https://hl7.org/fhir/R4/datatypes.html#invs, https://hl7.org/fhir/R4/bundle.html#invs and so on
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache

from fhir_bridge.fhir.bundle_invariants import ENTRY, bundle_rule
from fhir_bridge.fhir.comparing import is_after, is_more
from fhir_bridge.fhir.elements import Version, elements
from fhir_bridge.fhir.primitives import is_absolute
from fhir_bridge.fhir.problems import Problems, broken
from fhir_bridge.outcome import Json

Value = Mapping[str, Json]
Rule = Callable[[Value], Problems]
"""Gives the problems of one object as a whole; it may meet anything that JSON can hold."""

_UCUM = "http://unitsofmeasure.org"
_CURRENCIES = "urn:iso:std:iso:4217"


def base_invariants(version: Version, type_name: str) -> Sequence[Rule]:
    """Return the rules of a type, a backbone element as fhir.resources spells it (`PatientContact`)."""
    return (*_BOTH.get(type_name, ()), *_ONLY[version].get(type_name, ()))


def _has(value: Value, name: str) -> bool:
    """Whether an element is there, be it by an extension alone."""
    return name in value or f"_{name}" in value


@cache
def _names(type_name: str, choice: str) -> frozenset[str]:
    """Return what members of an object may stand for a choice: `valueCode`, `_valueCode` and so on."""
    versions: Sequence[Version] = ("3.0", "4.0")
    known = [element for version in versions for element in elements(version, type_name).values()]
    return frozenset(mark + element.name for element in known if element.choice == choice for mark in ("", "_"))


def _rule(key: str, text: str, keeps: Callable[[Value], bool], path: str = "") -> Rule:
    """Return a rule that asks whether a value keeps it; `path` is where it is broken, as seen from the value."""

    def rule(value: Value) -> Problems:
        return () if keeps(value) else (broken(path, f"{text} ({key})."),)

    return rule


def _needs(name: str, other: str, key: str) -> Rule:
    text = f"`{other}` is missing; where there is `{name}`, it must be there too"
    return _rule(key, text, lambda value: not _has(value, name) or _has(value, other), f".{other}")


def _excludes(name: str, other: str, key: str) -> Rule:
    text = f"`{name}` and `{other}` exclude each other; leave out one"
    return _rule(key, text, lambda value: not (_has(value, name) and _has(value, other)))


def _one_of(names: Sequence[str], key: str) -> Rule:
    text = f"One of {', '.join(f'`{name}`' for name in names)} must be there; add one"
    return _rule(key, text, lambda value: any(_has(value, name) for name in names))


def _just_one(name: str, other: str, key: str) -> Rule:
    text = f"Either `{name}` or `{other}` must be there, and not both"
    return _rule(key, text, lambda value: _has(value, name) != _has(value, other))


def _not_negative(name: str, key: str) -> Rule:
    return _rule(key, f"`{name}` must not be negative", lambda value: not is_more(0, value.get(name)), f".{name}")


def _system(system: str, key: str) -> Rule:
    return _rule(key, f"`system` must be {system}", lambda value: value.get("system", system) == system, ".system")


def _keeps_ratio(ratio: Value) -> bool:
    return _has(ratio, "numerator") == _has(ratio, "denominator") and ("numerator" in ratio or "extension" in ratio)


def _quantity(value: Json) -> Json:
    return value.get("value") if isinstance(value, dict) else None


def _is_ordered(range_: Value) -> bool:
    low, high = range_.get("low"), range_.get("high")
    same = all(_of(low, name) == _of(high, name) for name in ("unit", "system", "code"))
    return not (same and is_more(_quantity(low), _quantity(high)))


def _of(value: Json, name: str) -> Json:
    return value.get(name) if isinstance(value, dict) else None


def _coded(concept: Json, system: str) -> set[Json]:
    """Return the codes that a CodeableConcept has of a system."""
    codings = _of(concept, "coding")
    found = [each for each in codings if isinstance(each, dict)] if isinstance(codings, list) else []
    return {str(each.get("code")) for each in found if each.get("system") == system}


_CLINICAL = "http://terminology.hl7.org/CodeSystem/condition-clinical"
_VERIFICATION = "http://terminology.hl7.org/CodeSystem/condition-ver-status"
_OVER = frozenset({"inactive", "resolved", "remission"})
_ABATED = "`clinicalStatus` must be inactive, resolved or remission where there is an abatement"


def _is_over_r4(condition: Value) -> bool:
    return _names("Condition", "abatement").isdisjoint(condition) or bool(
        _coded(condition.get("clinicalStatus"), _CLINICAL) & _OVER
    )


def _is_over_stu3(condition: Value) -> bool:
    abated = (
        not _names("Condition", "abatement").isdisjoint(condition) and condition.get("abatementBoolean") is not False
    )
    return not abated or str(condition.get("clinicalStatus")) in _OVER


def _never_at_home(name: str, key: str) -> Rule:
    def keeps(organization: Value) -> bool:
        items = organization.get(name)
        return not isinstance(items, list) or all(_of(item, "use") != "home" for item in items)

    return _rule(key, f"The `use` of an organisation's {name} must not be home", keeps, f".{name}")


def _is_triggered(trigger: Value) -> bool:
    kind = str(trigger.get("type"))
    return (
        (kind != "named-event" or _has(trigger, "name"))
        and (kind != "periodic" or not _names("TriggerDefinition", "timing").isdisjoint(trigger))
        and (not kind.startswith("data-") or _has(trigger, "data"))
    )


_MEALS = frozenset({"C", "CM", "CD", "CV"})


def _texts(value: Json) -> list[str]:
    return [text for text in value if isinstance(text, str)] if isinstance(value, list) else []


_TIMING = (
    _needs("duration", "durationUnit", "tim-1"),
    _needs("period", "periodUnit", "tim-2"),
    _not_negative("duration", "tim-4"),
    _not_negative("period", "tim-5"),
    _needs("periodMax", "period", "tim-6"),
    _needs("durationMax", "duration", "tim-7"),
    _needs("countMax", "count", "tim-8"),
    _needs("offset", "when", "tim-9"),
    _rule(
        "tim-9",
        "`offset` goes with no `when` of C, CM, CD or CV",
        lambda value: "offset" not in value or not _MEALS.intersection(_texts(value.get("when"))),
        ".when",
    ),
    _excludes("timeOfDay", "when", "tim-10"),
)

_QUANTITY = _needs("code", "system", "qty-3")


def _is_absolute_in_any_case(value: Json) -> bool:
    """An identifier is kept as it was given: a UUID in capitals is one too."""
    return isinstance(value, str) and is_absolute(value.lower())


_BOTH: Mapping[str, Sequence[Rule]] = {
    "Attachment": (_needs("data", "contentType", "att-1"),),
    "ContactPoint": (_needs("value", "system", "cpt-2"),),
    "Extension": (
        _rule(
            "ext-1",
            "An extension has either a value or extensions of its own: one of them, and not both",
            lambda value: _names("Extension", "value").isdisjoint(value) == ("extension" in value),
        ),
    ),
    "Identifier": (
        _rule(
            "RFC 3986",
            "`value` must be an absolute URI where the system is urn:ietf:rfc:3986",
            lambda value: (
                value.get("system") != "urn:ietf:rfc:3986"
                or "value" not in value
                or _is_absolute_in_any_case(value["value"])
            ),
            ".value",
        ),
    ),
    "Period": (
        _rule(
            "per-1",
            "`start` must not be after `end`",
            lambda value: not is_after(value.get("start"), value.get("end")),
            ".start",
        ),
    ),
    "Quantity": (_QUANTITY,),
    "Age": (
        _QUANTITY,
        _needs("value", "code", "age-1"),
        _system(_UCUM, "age-1"),
        _rule(
            "age-1",
            "`value` must be more than 0",
            lambda value: "value" not in value or is_more(value["value"], 0),
            ".value",
        ),
    ),
    "Count": (
        _QUANTITY,
        _needs("value", "code", "cnt-3"),
        _system(_UCUM, "cnt-3"),
        _rule("cnt-3", '`code` must be "1"', lambda value: value.get("code", "1") == "1", ".code"),
        _rule("cnt-3", "`value` must be whole", lambda value: isinstance(value.get("value", 1), int), ".value"),
    ),
    "Distance": (_QUANTITY, _needs("value", "code", "dis-1"), _system(_UCUM, "dis-1")),
    "Duration": (_QUANTITY, _needs("code", "value", "drt-1"), _system(_UCUM, "drt-1")),
    "Range": (_rule("rng-2", "`low` must not be more than `high`", _is_ordered, ".low"),),
    "Ratio": (
        _rule("rat-1", "`numerator` and `denominator` must both be there, or an extension instead", _keeps_ratio),
    ),
    "TimingRepeat": _TIMING,
    "PatientContact": (_one_of(("name", "telecom", "address", "organization"), "pat-1"),),
    "ConditionStage": (_one_of(("summary", "assessment"), "con-1"),),
    "ConditionEvidence": (_one_of(("code", "detail"), "con-2"),),
    "Organization": (
        _one_of(("identifier", "name"), "org-1"),
        _never_at_home("address", "org-2"),
        _never_at_home("telecom", "org-3"),
    ),
    "Consent": (_one_of(("policy", "policyRule"), "ppc-1"),),
    "Group": (
        _rule(
            "grp-1",
            "A group that is not `actual` has no `member`",
            lambda value: not _has(value, "member") or value.get("actual") is True,
            ".member",
        ),
    ),
    "BundleEntry": ENTRY,
}

_ONLY: Mapping[Version, Mapping[str, Sequence[Rule]]] = {
    "3.0": {
        "Money": (_QUANTITY, _needs("value", "code", "mny-1"), _system(_CURRENCIES, "mny-1")),
        "Condition": (
            _rule(
                "con-3",
                "`clinicalStatus` is missing; it must be there unless `verificationStatus` is entered-in-error",
                lambda value: value.get("verificationStatus") == "entered-in-error" or _has(value, "clinicalStatus"),
                ".clinicalStatus",
            ),
            _rule("con-4", _ABATED, _is_over_stu3, ".clinicalStatus"),
        ),
        "Bundle": (bundle_rule("3.0"),),
    },
    "4.0": {
        "Condition": (
            _rule("con-4", _ABATED, _is_over_r4, ".clinicalStatus"),
            _rule(
                "con-5",
                "`clinicalStatus` must not be there where `verificationStatus` is entered-in-error",
                lambda value: (
                    not _has(value, "clinicalStatus")
                    or "entered-in-error" not in _coded(value.get("verificationStatus"), _VERIFICATION)
                ),
                ".clinicalStatus",
            ),
        ),
        "DataRequirementCodeFilter": (_just_one("path", "searchParam", "drq-1"),),
        "DataRequirementDateFilter": (_just_one("path", "searchParam", "drq-2"),),
        "TriggerDefinition": (
            _rule(
                "trd-1",
                "`data` and `timing[x]` exclude each other; leave out one",
                lambda value: not _has(value, "data") or _names("TriggerDefinition", "timing").isdisjoint(value),
            ),
            _needs("condition", "data", "trd-2"),
            _rule("trd-3", "`type` asks for another element: name, timing or data", _is_triggered),
        ),
        "Expression": (_one_of(("expression", "reference"), "exp-1"),),
        "Bundle": (bundle_rule("4.0"),),
    },
}
