"""What JSON Patch and FHIRPath Patch have in common: how they fail, and what a patched resource must still be.

https://hl7.org/fhir/R4/http.html#patch
"""

from __future__ import annotations

from collections.abc import Iterable

from fhir_bridge.outcome import FhirError, Issue, IssueCode, Json

MAX_OPERATIONS = 1000
"""How many operations one patch may hold; each goes over the resource again."""


def too_many(operations: list[Json], expression: str) -> list[Issue]:
    """Return the issue of a patch with more operations than `MAX_OPERATIONS`, or nothing."""
    text = f"A patch holds {MAX_OPERATIONS} operations at most, and this one has {len(operations)}."
    return [malformed(expression, text, "too-costly")] if len(operations) > MAX_OPERATIONS else []


def malformed(expression: str, text: str, code: IssueCode = "value") -> Issue:
    """Return what is wrong with a patch itself, whatever it is applied to."""
    return Issue("invalid-patch", code, text, expression or None)


def refused(issues: Iterable[Issue]) -> FhirError:
    """Return the failure of a patch that cannot be read: 400, with all that is wrong."""
    return FhirError(400, *issues)


def nested_too_deep() -> FhirError:
    """Return the failure of a patch, or a resource, that is nested deeper than a program can follow: 400."""
    return FhirError(400, Issue("nested-too-deep", "structure", "The patch, or what it makes, is nested too deeply."))


def does_not_apply(expression: str, text: str, code: IssueCode = "processing") -> FhirError:
    """Return the failure of an operation that can be read, but not carried out on this resource: 422."""
    return FhirError(422, Issue("invalid-patch", code, text, expression))


def must_stay_itself(before: Json, after: Json, expression: str) -> None:
    """Raise FhirError 422 if an operation made another resource of it: `resourceType` and `id` are not to change."""
    if not isinstance(after, dict):
        raise does_not_apply(expression, "The operation leaves no resource.")
    for name in ("resourceType", "id", "_id"):
        if (name in before, before.get(name)) != (name in after, after.get(name)):
            raise does_not_apply(expression, f"A patch may not change {name.removeprefix('_')}.", "business-rule")


def pruned(value: Json, *, beside: bool = False) -> Json:
    """Return JSON without empty objects and lists, which FHIR does not have; the lists of a primitive stay aligned.

    `beside` is for what stands under `_name`: there, an object that became empty is a null.
    """
    if isinstance(value, dict):
        members = {name: pruned(member, beside=name.startswith("_")) for name, member in value.items()}
        return {name: member for name, member in members.items() if member not in ({}, [])}
    if not isinstance(value, list):
        return value
    items = [pruned(item) for item in value]
    if beside:
        items = [None if item == {} else item for item in items]
        return items if any(item is not None for item in items) else []
    return [item for item in items if item not in ({}, [])]
