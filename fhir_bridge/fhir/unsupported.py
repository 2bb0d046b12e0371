"""The header that tells a client which elements a partner cannot hold, where no outcome does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from fhir_bridge.outcome import Issue

UNSUPPORTED_ELEMENTS = "X-Unsupported-Elements"

MAX_BYTES = 2048
"""How long the header's value may be."""

_MORE = ", ..."
"""Stands for what has no room: three dots, since `…` is not in ISO 8859-1, as which many clients read a header."""


def unsupported_elements(left_behind: Sequence[Issue]) -> Mapping[str, str]:
    """Return the header that lists the FHIRPaths of what was left behind; none where nothing was."""
    paths = [issue.expression for issue in left_behind if issue.expression is not None]
    whole = ", ".join(paths)
    if len(whole) <= MAX_BYTES:
        return {UNSUPPORTED_ELEMENTS: whole} if paths else {}
    room = whole[: MAX_BYTES - len(_MORE) + 1]
    return {UNSUPPORTED_ELEMENTS: room[: room.rindex(",")] + _MORE}
