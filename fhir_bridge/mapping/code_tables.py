"""Code tables: the partner's codes and those of FHIR, in both directions."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from fhir_bridge.outcome import Json

_CODE = re.compile(r"[A-Za-z0-9_.-]{1,32}")


class UnknownCode(ValueError):
    """A partner's code that the table does not know."""


def printable_code(value: Json) -> str:
    """A partner's code as a log may show it; what is no code may be anything, a patient's name too."""
    text = str(value)
    return text if _CODE.fullmatch(text) else "(unprintable)"


def code_functions(
    to_partner: Mapping[str, str], to_fhir: Mapping[str, str], is_boolean: bool
) -> tuple[Callable[[Json], Json], Callable[[Json], Json]]:
    """Return both directions of a code table; a boolean element reads `true` and `false` out of it.

    A table whose partner's codes are `true` and `false` alone is that of a field that is true or false.
    """
    known = ", ".join(f"`{code}`" for code in to_partner)
    flags = {"true": True, "false": False} if set(to_fhir) == {"true", "false"} else {}

    def send(value: Json) -> Json:
        key = str(value).lower() if is_boolean else value
        if key not in to_partner:
            raise ValueError(f"the partner knows only {known}")
        return flags.get(to_partner[key], to_partner[key])

    def receive(value: Json) -> Json:
        if flags and isinstance(value, bool):
            value = str(value).lower()
        if not isinstance(value, str):
            raise ValueError("text is expected here")
        if value not in to_fhir:
            raise UnknownCode(value)
        return to_fhir[value] == "true" if is_boolean else to_fhir[value]

    return send, receive
