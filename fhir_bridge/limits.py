"""How much of everything a client may ask for: sizes, counts and seconds, each with its variable."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of one process. Each field is set by `FHIR_BRIDGE_` and the field's name in capitals.

    A name that ends in `_s` is a number of seconds, one that ends in `_bytes` a number of bytes, any other a count.
    """

    max_header_bytes: int = 32_768
    max_headers: int = 100
    max_address_bytes: int = 16_384
    max_body_bytes: int = 5_000_000
    max_depth: int = 64
    max_values: int = 200_000
    max_answer_values: int = 1_000_000
    max_attributes: int = 64
    max_problems: int = 1_000
    max_entries: int = 1_000
    bundle_s: int = 120
    header_s: int = 10
    body_s: int = 60
    silence_s: int = 20
    max_connections: int = 1_000
    max_requests: int = 500
    max_requests_of_one: int = 100
    max_bodies_bytes: int = 250_000_000
    shutdown_s: int = 45

    @property
    def of_answers(self) -> Limits:
        """The limits by which a partner's answer is read: it is trusted with more values than a client."""
        return replace(self, max_values=self.max_answer_values)


DEFAULTS = Limits()


def read_limits(environment: Mapping[str, str]) -> Limits:
    """Return the limits of an environment; raises ValueError, naming the variable, for one that cannot be."""
    names = {field.name: f"FHIR_BRIDGE_{field.name.upper()}" for field in fields(Limits)}
    return Limits(**{name: _number(environment[at], at) for name, at in names.items() if environment.get(at)})


def _number(text: str, variable: str) -> int:
    unit = "bytes " if variable.endswith("_BYTES") else "seconds " if variable.endswith("_S") else ""
    if not (text.isascii() and text.isdigit()) or int(text) == 0:
        raise ValueError(f"{variable}: must be a number {f'of {unit}' if unit else ''}above zero")
    return int(text)
