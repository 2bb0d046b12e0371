"""How the simulated eHealth answers: the `meta`/`data` and `meta`/`error` envelopes.

The envelope is that of "Update preperson"; the types of errors and the shape of `invalid` are those of EView,
the library that eHealth's services answer with.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from uuid import uuid4

from starlette.requests import Request
from starlette.responses import JSONResponse

Json = dict[str, object]

# EView's default types, by status.
ERROR_TYPES: Mapping[int, str] = {
    400: "request_malformed",
    401: "access_denied",
    403: "forbidden",
    404: "not_found",
    409: "request_conflict",
    415: "content_type_invalid",
    422: "validation_failed",
    429: "too_many_requests",  # INFERRED: no page speaks of a limit
    500: "internal_error",
    503: "internal_error",
}


@dataclass(frozen=True, slots=True)
class Invalid:
    """One field that breaks one rule; `entry` is a JSONPath such as `$.emergency_contact.phones.[0].number`."""

    entry: str
    rule: str
    description: str
    params: Sequence[object] | Mapping[str, object] = ()
    entry_type: str = "json_data_property"

    def to_json(self) -> Json:
        """Return the field as an element of `error.invalid`."""
        params = self.params if isinstance(self.params, Mapping) else list(self.params)
        rule = {"rule": self.rule, "params": params, "description": self.description}
        return {"entry": self.entry, "entry_type": self.entry_type, "rules": [rule]}


class Refusal(Exception):
    """The call is refused with this status; `invalid` lists the fields that are to blame, if any are."""

    def __init__(self, status_code: int, message: str, invalid: Sequence[Invalid] = ()) -> None:
        super().__init__(status_code, message)
        self.status_code = status_code
        self.message = message
        self.invalid = tuple(invalid)


class Envelopes:
    """Wraps answers; each gets a `request_id` of its own: a UUID, `#`, and the number of the call."""

    def __init__(self) -> None:
        self._numbers = count(1)

    def data(self, request: Request, data: Json, status_code: int = 200) -> JSONResponse:
        """Return a success with `data`."""
        return JSONResponse({"meta": self._meta(request, status_code), "data": data}, status_code)

    def page(self, request: Request, data: Sequence[Json], paging: Json) -> JSONResponse:
        """Return 200 with one page of a list."""
        meta = self._meta(request, 200) | {"type": "list"}
        return JSONResponse({"meta": meta, "data": list(data), "paging": paging})

    def error(self, request: Request, refusal: Refusal) -> JSONResponse:
        """Return the refusal: `error` in the place of `data`, and the HTTP status again in `meta.code`."""
        error: Json = {"type": ERROR_TYPES[refusal.status_code], "message": refusal.message}
        if refusal.invalid:
            error["invalid"] = [invalid.to_json() for invalid in refusal.invalid]
        body = {"meta": self._meta(request, refusal.status_code), "error": error}
        return JSONResponse(body, refusal.status_code, headers=_extra_headers(refusal.status_code))

    def _meta(self, request: Request, status_code: int) -> Json:
        number = next(self._numbers)
        return {
            "code": status_code,
            "url": str(request.url),
            "type": "object",
            "request_id": f"{uuid4()}#{number}",
        }


def _extra_headers(status_code: int) -> dict[str, str]:
    return {"Retry-After": "1"} if status_code in (429, 503) else {}  # INFERRED: both
