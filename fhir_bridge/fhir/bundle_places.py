"""Places in a Bundle of requests, for what is said of one of its entries.

An interaction knows nothing of the Bundle that it came in: it names `Patient.gender`, or `http.If-Match`, which an
entry has in its `request`. An entry of a batch is answered as if it were alone, so elements are those of its resource;
what fails a transaction is told of the Bundle. https://hl7.org/fhir/R4/http.html#transaction
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from fhir_bridge.fhir.interaction import FhirResponse, Interaction
from fhir_bridge.fhir.negotiation import FHIR_JSON
from fhir_bridge.fhir.problems import shown
from fhir_bridge.outcome import FhirError, Json

CONDITIONS: Mapping[str, str] = {
    "if-match": "ifMatch",
    "if-none-match": "ifNoneMatch",
    "if-modified-since": "ifModifiedSince",
    "if-none-exist": "ifNoneExist",
}
"""The headers that an entry has for itself, and the elements of its `request` that say them."""


def place_in_bundle(expression: str, interaction: Interaction, index: int) -> str:
    """Return a place that the interaction of an entry names as the place in the Bundle where the client wrote it.

    `Patient.gender` becomes `Bundle.entry[2].resource.gender`, `http.If-Match` `Bundle.entry[2].request.ifMatch`, and a
    parameter `Bundle.entry[2].request.url`. Other headers are those of the Bundle, and stay.
    """
    kind, _, rest = expression.partition(".")
    if kind == "http":
        return _in_request(rest, interaction, f"Bundle.entry[{index}].request")
    return _in_entry(kind, rest, interaction, f"Bundle.entry[{index}]")


def _in_request(name: str, interaction: Interaction, request: str) -> str:
    if name.lower() in CONDITIONS:
        return f"{request}.{CONDITIONS[name.lower()]}"
    is_parameter = any(name in (shown(given), given.partition(":")[0]) for given, _ in interaction.query)
    return f"{request}.url" if is_parameter else f"http.{name}"


def _in_entry(kind: str, rest: str, interaction: Interaction, entry: str) -> str:
    """The place of `rest` in a resource of type `kind`: it may not be the one of the entry, which can be a patch."""
    body = interaction.body
    if interaction.content_type != FHIR_JSON:
        return f"{entry}.resource.data"
    if isinstance(body, dict) and kind == body.get("resourceType"):
        return f"{entry}.resource.{rest}".removesuffix(".")
    if kind == "resourceType":
        return f"{entry}.resource.resourceType"
    return f"{entry}.request.url" if rest == "id" else f"{entry}.resource"


def failure_at(error: FhirError, place: str) -> FhirError:
    """Return an error whose issues are all about one place."""
    issues = [replace(issue, expression=place) for issue in error.issues]
    return FhirError(error.status_code, *issues, headers=error.headers)


def failure_in_bundle(error: FhirError, interaction: Interaction, index: int) -> FhirError:
    """Return the error of an entry as one of the whole Bundle; what has no place of its own is about the entry."""
    places = [issue.expression and place_in_bundle(issue.expression, interaction, index) for issue in error.issues]
    issues = [
        replace(issue, expression=place or f"Bundle.entry[{index}]")
        for issue, place in zip(error.issues, places, strict=True)
    ]
    return FhirError(error.status_code, *issues, headers=error.headers)


def answer_in_bundle(answer: FhirResponse, interaction: Interaction, index: int) -> FhirResponse:
    """Return the answer to an entry, with places in its `request` for what stands there instead of in HTTP.

    The outcome of an operation such as `$validate` is a result like any other, and stays as it is.
    """
    if not is_beside(answer, is_operation=interaction.address.operation is not None):
        return answer
    issues = [_issue_in_bundle(issue, interaction, index) for issue in answer.resource["issue"]]
    return replace(answer, resource={**answer.resource, "issue": issues})


def is_beside(answer: FhirResponse, *, is_operation: bool) -> bool:
    """Whether an answer says how it went, instead of what was asked for: such an outcome stands in `response`."""
    is_outcome = answer.resource is not None and answer.resource["resourceType"] == "OperationOutcome"
    return is_outcome and (answer.status_code >= 400 or not is_operation)


def _issue_in_bundle(issue: Json, interaction: Interaction, index: int) -> Json:
    if "expression" not in issue:
        return issue
    places = [
        place_in_bundle(each, interaction, index) if each.startswith("http.") else each for each in issue["expression"]
    ]
    return {**issue, "expression": places}
