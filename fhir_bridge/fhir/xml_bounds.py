"""How many values XML text holds, and how many attributes an element has, known before a tree is made of it.

A value is each element, and each attribute but `value`, which is what an element holds as JSON. A declaration of a
namespace is an attribute.
"""

from __future__ import annotations

from collections.abc import Sequence
from xml.parsers.expat import ExpatError, ParserCreate

from fhir_bridge.fhir.json_bounds import too_many_values
from fhir_bridge.limits import Limits
from fhir_bridge.outcome import FhirError, Issue

_ALL_BUT_MARKS = bytes(set(range(256)) - set(b"<="))


def check_bounds(body: bytes, limits: Limits) -> None:
    """Raise FhirError 413 for too many values, 400 for an element with too many attributes.

    Most text cannot hold so many, and is not parsed for it. Nothing is raised for text that is no XML.
    """
    tags, equals = body.count(b"<") - body.count(b"</"), body.count(b"=")
    may_be_wide = equals > limits.max_attributes and _is_wide(body, limits.max_attributes)
    if tags + equals <= limits.max_values and not may_be_wide:
        return
    parser = ParserCreate()
    parser.ordered_attributes = True
    parser.StartElementHandler = _Count(limits).start
    try:
        parser.Parse(body, True)
    except ExpatError:
        return


def _is_wide(body: bytes, max_attributes: int) -> bool:
    """Whether there are more `=` than that without a `<` between: no tag has more attributes where there are not."""
    return b"=" * (max_attributes + 1) in body.translate(None, _ALL_BUT_MARKS)


class _Count:
    """What the parser met so far."""

    __slots__ = ("limits", "values")

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.values = 0

    def start(self, name: str, attributes: Sequence[str]) -> None:
        """Count a start tag, whose attributes' names and values take turns."""
        names = attributes[::2]
        if len(names) > self.limits.max_attributes:
            text = f"`{name[:64]}` has more than {self.limits.max_attributes} attributes, which no element of FHIR has."
            raise FhirError(400, Issue("invalid-xml", "structure", text))
        self.values += 1 + len(names) - names.count("value")
        if self.values > self.limits.max_values:
            raise too_many_values(self.limits)
