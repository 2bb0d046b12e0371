"""How the simulated WMDA says no, and what its checks of a JSON body have in common.

No error body is published; problem details are what ASP.NET answers, by whose schemas WMDA's pages are written.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from typing import Any

from starlette.requests import Request

Json = Any
"""A plain JSON value."""

INT32_MAX = 2**31 - 1  # INFERRED: `wmdaId` is an "integer", in .NET's words int32


class Problem(Exception):
    """A call that WMDA does not carry out; `errors` lists what is wrong with each field of the request."""

    def __init__(
        self,
        status_code: int,
        detail: str | None = None,
        *,
        errors: Mapping[str, list[str]] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(status_code, detail)
        self.status_code = status_code
        self.detail = detail
        self.errors = errors
        self.headers = headers


class Unreadable(Exception):
    """A call that seems to go well, but whose answer is a page for a browser."""


async def json_object(request: Request) -> dict[str, Json]:
    """Return the body of a call; raises Problem where it is no JSON object, or is not called JSON."""
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    # One client in use sends updates as json-patch+json with a plain JSON body; ASP.NET reads any application/*+json.
    if not re.fullmatch(r"application/(.+\+)?json", media_type):
        raise Problem(415)  # INFERRED
    content = await request.body()
    if not content:
        raise Problem(400, errors={"": ["A non-empty request body is required."]})
    try:
        body = json.loads(content)
    except ValueError:
        raise Problem(400, errors={"$": ["The body is not valid JSON."]}) from None
    if not isinstance(body, dict):
        raise Problem(400, errors={"$": ["The JSON value could not be converted."]})
    return body


def check(wrong: Mapping[str, str | None]) -> None:
    """Raise Problem with what is wrong with each field; None is nothing."""
    if errors := {name: [text] for name, text in wrong.items() if text is not None}:
        raise Problem(400, errors=errors)


def wrong_integer(name: str, value: Json) -> str | None:
    if value is None:
        return f"The {name} field is required."
    if type(value) is not int or not -INT32_MAX <= value <= INT32_MAX:
        return "The JSON value could not be converted to System.Int32."
    return None


def wrong_code(name: str, value: Json, allowed: Collection[str | int]) -> str | None:
    if value is None:
        return f"The {name} field is required."
    if type(value) not in (str, int) or value not in allowed:
        return f"The field {name} has a value that is not allowed."
    return None


def unknown_fields(body: Mapping[str, Json], known: Collection[str], within: str = "") -> dict[str, str | None]:
    # INFERRED: that such a field is refused, as WMDA's messaging API does; it brings a misspelt one to light.
    return {f"{within}{name}": f"The field {within}{name} is not known." for name in body if name not in known}
