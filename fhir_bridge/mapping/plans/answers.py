"""How a success is answered: what the client prefers to see, and the version of the record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from email.utils import format_datetime

from fhir_bridge.fhir.interaction import Code, FhirResponse, Interaction
from fhir_bridge.fhir.primitives import FORMATS
from fhir_bridge.fhir.versions import version_at
from fhir_bridge.mapping.receivers import Received
from fhir_bridge.mapping.refusals import SEND_LATER
from fhir_bridge.outcome import FhirError, Issue, Json, limited, operation_outcome

CARRIED_OUT = "The partner carried out the call."
NOTHING_CHANGED = "The patch changes nothing that the partner holds, so nothing was sent."
NOTHING_CHANGED_YET = "The record is read before it is changed, and that failed; nothing was changed."
NOT_SHOWN = (
    "The partner carried out the call; what became of the record could not be read afterwards. "
    "Read it again, and do not send the change again."
)

_WRITES: frozenset[Code] = frozenset({"create", "update", "patch"})


def answer(
    interaction: Interaction,
    received: Received,
    warnings: tuple[Issue, ...],
    done: str = CARRIED_OUT,
    *,
    versioned: bool = False,
) -> FhirResponse:
    """Return a success in the form that the client prefers; `versioned`: its version can be read by the version's id.

    https://hl7.org/fhir/R4/http.html#return
    """
    location = _location(interaction, received, versioned=versioned)
    versions = {} if interaction.code == "operation" else version_headers(received.resource)
    headers = {**location, **versions}
    wanted = interaction.preferences.returns if interaction.code in _WRITES else None
    told = limited(warnings, interaction.limits.max_problems, severity="warning")
    left_behind = tuple(issue for issue in told if issue.error == "left-behind")
    resource = received.resource
    if wanted == "minimal":
        resource = None
    elif wanted == "OperationOutcome" or resource is None:
        said = Issue("done", "informational", done, severity="information")
        resource, left_behind = operation_outcome([said, *told]), ()
    return FhirResponse(
        201 if "Location" in location else 200, resource, headers, received.unknown_codes, left_behind=left_behind
    )


def not_shown(
    interaction: Interaction, received: Received, error: FhirError, warnings: tuple[Issue, ...]
) -> FhirResponse:
    """Return the answer to a change that was carried out, where the record could not be read after it.

    It is a success, since the change is there to stay, and says why there is no record in it.
    """
    warning = Issue("record-not-shown", "incomplete", NOT_SHOWN, severity="warning")
    why = [_why_not_shown(issue) for issue in error.issues]
    told = limited(warnings, interaction.limits.max_problems, severity="warning")
    outcome = operation_outcome([warning, *why, *told])
    return replace(answer(interaction, received, ()), resource=outcome)


def _why_not_shown(issue: Issue) -> Issue:
    """Return what was wrong with the read; the advice to send it again might be taken for one about the change."""
    text = f"{issue.text.removesuffix(SEND_LATER)}." if issue.text.endswith(SEND_LATER) else issue.text
    return replace(issue.as_warning(), text=f"Reading it failed: {text}")


def _location(interaction: Interaction, received: Received, *, versioned: bool) -> Mapping[str, str]:
    """Where a record stands that was made, and its version where that can be read; or one that criteria told.

    A message may tell no record. https://hl7.org/fhir/R4/http.html#create
    """
    if interaction.by_criteria:
        return {"Content-Location": f"{interaction.base_url}/{interaction.resource_type}/{interaction.id}"}
    if interaction.code != "create" or received.id is None:
        return {}
    address = f"{interaction.base_url}/{received.id_of or interaction.resource_type}/{received.id}"
    version = version_of(received.resource) if versioned and not received.id_of else None
    return {"Location": address if version is None else f"{address}/_history/{version}"}


def version_headers(resource: Json) -> Mapping[str, str]:
    """Return ETag and Last-Modified of a resource that tells its version, or when it was last updated.

    What passes through may tell neither, or anything.
    """
    version, moment = version_of(resource), _last_updated(resource)
    etag = {} if version is None else {"ETag": f'W/"{version}"'}
    return etag if moment is None else {**etag, **_last_modified(moment)}


def version_of(resource: Json) -> str | None:
    """The version that a resource tells; else one that is made of the time of its last change and of its content."""
    version = _meta(resource).get("versionId")
    if isinstance(version, str) and FORMATS["4.0"]["id"].fits(version):
        return version
    moment = _last_updated(resource)
    return None if moment is None else version_at(moment, resource)


def _last_updated(resource: Json) -> str | None:
    moment = _meta(resource).get("lastUpdated")
    return moment if isinstance(moment, str) and FORMATS["4.0"]["instant"].fits(moment) else None


def _meta(resource: Json) -> Mapping[str, Json]:
    meta = resource.get("meta") if isinstance(resource, dict) else None
    return meta if isinstance(meta, dict) else {}


def _last_modified(instant: str) -> Mapping[str, str]:
    """HTTP's spelling of an instant; none of a leap second, nor of what UTC would put into the year 0 or 10000."""
    try:
        moment = datetime.fromisoformat(instant).astimezone(UTC)
    except (ValueError, OverflowError):
        return {}
    return {"Last-Modified": format_datetime(moment, usegmt=True)}
