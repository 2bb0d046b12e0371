"""What the simulated partners call a status: the words of their own servers, under each version of Python."""

from __future__ import annotations

from http import HTTPStatus

# Python names these four otherwise since 3.13; the partners' servers (Node.js, .NET) have the older names.
_OLDER = {
    413: "Payload Too Large",
    414: "URI Too Long",
    416: "Range Not Satisfiable",
    422: "Unprocessable Entity",
}


def phrase(status_code: int) -> str:
    """Return what a status is called: `Not Found`."""
    return _OLDER.get(status_code) or HTTPStatus(status_code).phrase
