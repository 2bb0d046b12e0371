"""What `$validate` is asked: about which resource, for which mode, against which profile.

https://hl7.org/fhir/R4/resource-operation-validate.html
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

from fhir_bridge.fhir.elements import Version
from fhir_bridge.fhir.interaction import Interaction
from fhir_bridge.fhir.problems import shown
from fhir_bridge.fhir.structure import structure_checker
from fhir_bridge.mapping.checks import raise_errors
from fhir_bridge.outcome import FhirError, Issue, Json

_MODES = ("create", "update", "delete", "profile")

_VALUES: Mapping[str, Sequence[str]] = {
    "resource": ("resource",),
    "mode": ("valueCode",),
    "profile": ("valueUri", "valueCanonical"),
}
"""The parameters, and the elements that hold what each says. R5 has a canonical as the profile, and so do clients."""


@dataclass(frozen=True, slots=True)
class Question:
    """What is to be validated: a resource (None with mode `delete`), for which mode, against which profile.

    `profile_at` is where the profile is named.
    """

    resource: Json
    mode: str | None
    profile: str | None
    profile_at: str


class _Told(NamedTuple):
    """What a parameter says, and the FHIRPath, or `http.<name>`, of where it says so."""

    value: Json
    place: str


_UNTOLD = _Told(None, "")


def read_question(interaction: Interaction) -> Question:
    """Read the resource itself, or Parameters; what these do not tell may stand in the address.

    Raises FhirError for Parameters that are not those of `$validate`, and for a mode that FHIR does not have.
    """
    told = {name: _Told(text, f"http.{name}") for name, text in interaction.query if name in ("mode", "profile")}
    told |= _of_parameters(interaction) if _is_wrapped(interaction) else {"resource": _Told(interaction.body, "")}
    mode, profile = told.get("mode", _UNTOLD), told.get("profile", _UNTOLD)
    if mode.value not in (None, *_MODES):
        text = f"`mode` is one of {', '.join(_MODES)}."
        raise FhirError(400, Issue("value-not-allowed", "value", text, mode.place))
    if "resource" not in told and mode.value != "delete":
        text = "`resource` is missing; send the resource as this parameter, or as the body itself."
        raise FhirError(400, Issue("element-missing", "required", text, "Parameters.parameter"))
    return Question(told.get("resource", _UNTOLD).value, mode.value, profile.value, profile.place)


def _is_wrapped(interaction: Interaction) -> bool:
    """Whether the body is Parameters around the resource; those of another operation may be the resource itself."""
    body = interaction.body
    if not isinstance(body, dict) or body.get("resourceType") != "Parameters":
        return False
    return interaction.resource_type != "Parameters" or any(part.get("name") == "resource" for part in _parts(body))


def _parts(body: Json) -> list[Json]:
    parts = body.get("parameter")
    return [part for part in parts if isinstance(part, dict)] if isinstance(parts, list) else []


def _of_parameters(interaction: Interaction) -> dict[str, _Told]:
    """What the body's Parameters say, by name; raises FhirError with all that is wrong with them."""
    body = interaction.body
    raise_errors(_structure(interaction.version, interaction.limits.max_problems)(_without_resources(body)))
    raise_errors(_problems(_parts(body)))
    told = ((part, f"Parameters.parameter[{at}].value") for at, part in enumerate(_parts(body)))
    return {part["name"]: _Told(_value(part), place) for part, place in told}


@cache
def _structure(version: Version, max_problems: int) -> Callable[[Json], list[Issue]]:
    return structure_checker(version, max_problems=max_problems)


def _without_resources(body: Json) -> Json:
    """The Parameters without what is to be validated: that has issues of its own."""
    parts = body.get("parameter")
    return {**body, "parameter": [_without_resource(part) for part in parts]} if _parts(body) else body


def _without_resource(part: Json) -> Json:
    if not isinstance(part, dict) or not isinstance(part.get("resource"), dict):
        return part
    return {name: value for name, value in part.items() if name != "resource"}


def _problems(parts: Sequence[Json]) -> Iterator[Issue]:
    names = [part.get("name", "") for part in parts]
    for at, (name, part) in enumerate(zip(names, parts, strict=True)):
        place = f"Parameters.parameter[{at}]"
        if name not in _VALUES:
            text = f"`$validate` has no parameter `{shown(name)}`; known are `resource`, `mode` and `profile`."
            yield Issue("no-slice", "invalid", text, place)
        elif name in names[:at]:
            yield Issue("too-many", "invalid", f"`{name}` occurs at most once; remove the others.", place)
        elif _value(part) is None:
            yield Issue("too-few", "required", f"`{_VALUES[name][0]}` is missing; add it.", place)


def _value(part: Json) -> Json:
    return next((part[element] for element in _VALUES[part["name"]] if element in part), None)
