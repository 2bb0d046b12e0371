"""What a request must be before a partner is called: all that is wrong with it, in one error."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from fhir_bridge.fhir.subset import marks
from fhir_bridge.mapping.losses import Loss
from fhir_bridge.outcome import ErrorCode, FhirError, Issue, Json

Check = Callable[[Json], list[Issue]]
"""A compiled checker: takes a resource, returns every problem."""

# What is no FHIR, or lacks what the call cannot do without, is 400; what is FHIR but not for this partner is 422.
_MALFORMED: frozenset[ErrorCode] = frozenset(
    {
        "wrong-resource-type", "id-differs", "invalid-header",
        "unknown-element", "wrong-type", "unknown-resource-type", "element-missing", "choice-repeated",
        "code-not-allowed", "invalid-format", "empty-value", "nested-too-deep", "too-many-problems",
    }
)  # fmt: skip
_OF_ROWS: frozenset[ErrorCode] = frozenset({"cannot-be-sent", "code-unknown-to-partner"})
_OF_LOSSES: frozenset[ErrorCode] = frozenset({"left-behind", "changes-meaning"})


def is_sound(problems: Iterable[Issue]) -> bool:
    """Whether a resource has the shape that FHIR says, so that paths into it can be followed."""
    return not any(issue.code == "structure" for issue in problems)


def raise_errors(issues: Iterable[Issue]) -> tuple[Issue, ...]:
    """Raise FhirError with all issues where one is an error; else return them: they are warnings."""
    found = tuple(once(issues))
    errors = [issue for issue in found if issue.severity == "error"]
    if errors:
        raise FhirError(400 if any(issue.error in _MALFORMED for issue in errors) else 422, *found)
    return found


def once(issues: Iterable[Issue]) -> Iterator[Issue]:
    """Each issue once; none of a mapping row where the profile objects to the same element for the same reason.

    Nor is an element called left behind of which something else is said, or refused twice.
    """
    found = list(dict.fromkeys(issues))
    others = {(issue.expression, issue.code) for issue in found if issue.error not in _OF_ROWS}
    spoken_of = {issue.expression for issue in found if issue.error != "left-behind"}
    refused = {issue.expression for issue in found if issue.severity == "error" and issue.error not in _OF_LOSSES}
    for issue in found:
        if issue.error in _OF_ROWS and (issue.expression, issue.code) in others:
            continue
        silenced = {"left-behind": spoken_of, "changes-meaning": refused}.get(issue.error, ())
        if issue.expression not in silenced:
            yield issue


def check_id(found: Json, wanted: str, expression: str, *, needed: bool) -> list[Issue]:
    """Return the issue where the id in the body is not the URL's. https://hl7.org/fhir/R4/http.html#update"""
    if found == wanted or (found is None and not needed):
        return []
    text = "The id in the body must be the id in the address; make them the same."
    return [Issue("id-differs", "invalid", text, expression)]


def modifier_extensions(value: Json, path: str) -> Iterator[Issue]:
    """Yield an issue for each modifierExtension: it changes what an element means, and no partner knows it."""
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from modifier_extensions(item, f"{path}[{index}]")
    elif isinstance(value, dict):
        found = value.get("modifierExtension")
        for index, _ in enumerate(found if isinstance(found, list) else ()):
            text = "This modifierExtension is not known here, and what it modifies means something else without it."
            yield Issue("unknown-modifier", "extension", text, f"{path}.modifierExtension[{index}]")
        for key, inner in value.items():
            if key != "modifierExtension" and isinstance(inner, dict | list):
                yield from modifier_extensions(inner, f"{path}.{key}")


def parts_only(resource: Json) -> list[Issue]:
    """Return an issue for each tag of a sound resource that says that it is but a part: the partner takes it whole.

    https://hl7.org/fhir/R4/search.html#summary
    """
    text = "By this tag it is a part of the resource, and what it lacks would be lost; read the whole, and send that."
    return [Issue("rule-broken", "invariant", text, place) for place in marks(resource, resource["resourceType"])]


def left_behind(losses: Iterable[Loss], title: str, *, strict: bool = False) -> list[Issue]:
    """Return an issue for each element that the partner cannot hold.

    It is an error where the client is strict, or where what is sent means something else without the element.
    """
    return [_changes_meaning(loss, title) if loss.modifies else _left_behind(loss, title, strict) for loss in losses]


def _left_behind(loss: Loss, title: str, strict: bool) -> Issue:
    if strict:
        text = f"{title} cannot hold this element; leave it out, or send without `handling=strict`."
        return Issue("left-behind", "not-supported", text, loss.path)
    text = f"{title} cannot hold this element; it is left behind."
    return Issue("left-behind", "not-supported", text, loss.path, "warning")


def _changes_meaning(loss: Loss, title: str) -> Issue:
    if loss.is_kept:
        text = (
            f"{title} keeps this element itself, and it changes what the record means; "
            "leave it out, or send it as it was read, with `If-Match`."
        )
    else:
        text = (
            f"{title} cannot hold this element, and what is sent means something else without it; "
            "leave it out only where that is right."
        )
    return Issue("changes-meaning", "not-supported", text, loss.path)
