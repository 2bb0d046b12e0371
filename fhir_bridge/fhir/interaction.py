"""What a request asks for, in FHIR's terms: `Interaction`, read from method, address, headers and body.

https://hl7.org/fhir/R4/http.html
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal
from urllib.parse import parse_qsl, unquote

from fhir_bridge.fhir.elements import Version
from fhir_bridge.limits import DEFAULTS, Limits
from fhir_bridge.outcome import FhirError, Issue, Json

Code = Literal[
    "read", "vread", "update", "patch", "delete", "history", "create", "search-type",
    "capabilities", "batch", "operation",
]  # fmt: skip

ID = re.compile(r"(?!\.{1,2}$)[A-Za-z0-9\-.]{1,64}")
"""https://hl7.org/fhir/R4/datatypes.html#id, but neither `.` nor `..`, which an address could not tell from a step."""

_TYPE = re.compile(r"[A-Z][A-Za-z]+")


@dataclass(frozen=True, slots=True)
class Address:
    """An address below the bridge's root, in parts. `base` is a partner's name, None at the hub.

    `special` is `metadata`, `_search`, `_history`, or `_version`, and then there is a `version_id`.
    """

    base: str | None
    resource_type: str | None = None
    id: str | None = None
    operation: str | None = None
    special: str | None = None
    version_id: str | None = None


@dataclass(frozen=True, slots=True)
class Preferences:
    """https://hl7.org/fhir/R4/http.html#ops: what `Prefer` asks for; values that are not known are no preference."""

    returns: Literal["minimal", "representation", "OperationOutcome"] | None = None
    strict: bool = False


@dataclass(frozen=True, slots=True)
class Interaction:
    """One FHIR interaction: a value that holds all that is needed to carry it out.

    `headers` have names in lower case, `body` is parsed JSON (None where there was none), `content_type` is the
    body's media type without parameters, `version` the FHIR version of body and answer, `uuid` a fresh one that may be
    used wherever a new id is needed, `now` the time of the request, `base_url` the base as the client sees it, `method`
    that of HTTP, `limits` what it may ask for. `size` is that of the request's body in bytes, an entry's that of its
    Bundle. `by_criteria`: the id in the address was told by the criteria of a conditional update or patch.
    """

    code: Code
    address: Address
    version: Version
    query: tuple[tuple[str, str], ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    content_type: str = ""
    body: Json = None
    preferences: Preferences = Preferences()
    request_id: str = ""
    uuid: str = ""
    now: datetime = datetime.min
    base_url: str = ""
    method: str = "POST"
    size: int = 0
    limits: Limits = DEFAULTS
    by_criteria: bool = False

    @property
    def resource_type(self) -> str:
        return self.address.resource_type or ""

    @property
    def id(self) -> str:
        return self.address.id or ""


def parse_address(raw_path: str, bases: Mapping[str, object]) -> Address:
    """Return the parts of a percent-encoded path below `/fhir`; `bases` are the names that may come first.

    `/northlab/Patient/42/$op` is Address("northlab", "Patient", "42", "op"). Each part is decoded after the path was
    taken apart, so that `a%2Fb` is one (bad) id. Raises FhirError 404 for what is no FHIR address.
    """
    if "//" in raw_path:
        raise FhirError(404, empty_part(f"/fhir{raw_path}"))
    base = base_of(raw_path, bases)
    parts = [unquote(part) for part in raw_path.removeprefix("/").removesuffix("/").split("/")]
    match parts if base is None else parts[1:]:
        case [] | [""]:
            return Address(base)
        case ["metadata"]:
            return Address(base, special="metadata")
        case [operation] if operation.startswith("$"):
            return Address(base, operation=operation[1:])
        case [resource_type, *rest] if _TYPE.fullmatch(resource_type):
            return _parse_below_type(base, resource_type, rest)
    raise unknown_path(bases)


def empty_part(path: str) -> Issue:
    """Return the issue of a path with two slashes side by side, which another server might read as one."""
    right = re.sub("/{2,}", "/", path)
    text = f"The address has two slashes side by side; write {right}." if len(right) <= _SHOWN else _SLASHES
    return Issue("unknown-path", "not-found", text)


_SHOWN = 300
_SLASHES = "The address has two slashes side by side; write one."


def base_of(raw_path: str, bases: Mapping[str, object]) -> str | None:
    """Return the base that a percent-encoded path begins with; None where that is none, as at the hub."""
    first = unquote(raw_path.removeprefix("/").partition("/")[0])
    return first if first in bases else None


def _parse_below_type(base: str | None, resource_type: str, rest: list[str]) -> Address:
    match rest:
        case []:
            return Address(base, resource_type)
        case ["_search" | "_history" as special]:
            return Address(base, resource_type, special=special)
        case [operation] if operation.startswith("$"):
            return Address(base, resource_type, operation=operation[1:])
        case [id_]:
            return Address(base, resource_type, id_)
        case [id_, "_history"]:
            return Address(base, resource_type, id_, special="_history")
        case [id_, "_history", version_id]:
            return Address(base, resource_type, id_, special="_version", version_id=version_id)
        case [id_, operation] if operation.startswith("$"):
            return Address(base, resource_type, id_, operation[1:])
    raise unknown_path({})


def unknown_path(bases: Mapping[str, object]) -> FhirError:
    """Return the error for an address that is not FHIR's."""
    known = ", ".join(f"/fhir/{base}" for base in bases)
    text = "This address is no FHIR address: [base]/[type], [base]/[type]/[id], [base]/metadata or one with $operation."
    return FhirError(404, Issue("unknown-path", "not-found", f"{text} Bases here: /fhir, {known}." if known else text))


_CODES: Mapping[tuple[str, bool, bool], Code] = {
    # method, is there a type, is there an id
    ("GET", True, True): "read",
    ("PUT", True, True): "update",
    ("PATCH", True, True): "patch",
    ("DELETE", True, True): "delete",
    ("GET", True, False): "search-type",
    ("POST", True, False): "create",
    ("PUT", True, False): "update",
    ("PATCH", True, False): "patch",
    ("DELETE", True, False): "delete",
    ("POST", False, False): "batch",
}
_SPECIAL: Mapping[tuple[str, str], Code] = {
    ("GET", "metadata"): "capabilities",
    ("POST", "_search"): "search-type",
    ("GET", "_history"): "history",
    ("GET", "_version"): "vread",
}


def interaction_code(method: str, address: Address) -> Code:
    """Return FHIR's name for what the method does at this address; raises FhirError 405 where it has none.

    Which methods an operation takes is for whoever has it to say.
    """
    if address.operation is not None:
        return "operation"
    wanted = "GET" if method == "HEAD" else method
    codes = _codes_at(address)
    if wanted not in codes:
        raise no_such_method(method, codes)
    return codes[wanted]


def no_such_method(method: str, allowed: Iterable[str]) -> FhirError:
    """Return the error for a method that means nothing at an address; `allowed` are those that do."""
    text = f"{method} means nothing at this address; OPTIONS tells the methods that do."
    return FhirError(405, Issue("method-not-allowed", "not-supported", text), headers={"Allow": ", ".join(allowed)})


def _codes_at(address: Address) -> Mapping[str, Code]:
    if address.special is not None:
        return {method: code for (method, special), code in _SPECIAL.items() if special == address.special}
    here = (address.resource_type is not None, address.id is not None)
    return {method: code for (method, *where), code in _CODES.items() if tuple(where) == here}


def parse_query(query: str) -> tuple[tuple[str, str], ...]:
    return tuple(parse_qsl(query, keep_blank_values=True))


def parse_preferences(header: str, *, strict: bool = False) -> Preferences:
    """Return what a Prefer header asks for: `return=minimal; handling=strict`, in one header or several.

    Of a preference that is repeated the first counts, in any case of its name. RFC 7240, section 2. `strict` is what
    counts where the header names no handling that is known.
    """
    pairs = (part.partition("=")[::2] for part in re.split("[,;]", header))
    wanted = {name.strip().lower(): value.strip().strip('"') for name, value in reversed(list(pairs))}
    returns, handling = wanted.get("return"), wanted.get("handling")
    return Preferences(
        returns=returns if returns in ("minimal", "representation", "OperationOutcome") else None,
        strict=handling == "strict" or (strict and handling != "lenient"),
    )


@dataclass(frozen=True, slots=True)
class FhirResponse:
    """What the client gets: `resource` is plain JSON, None for an empty body.

    `unknown_codes` are partner codes that no table knows, as (field, code); they and `partner`, who was asked, are for
    the log. `size` is in bytes that of the largest body that was looked at for it, the client's or a partner's.
    `left_behind` are elements that the partner cannot hold, where `resource` does not tell of them.
    """

    status_code: int
    resource: Json
    headers: Mapping[str, str] = field(default_factory=dict)
    unknown_codes: tuple[tuple[str, str], ...] = ()
    partner: str | None = None
    size: int = 0
    left_behind: tuple[Issue, ...] = ()
