"""FHIR XML to plain JSON values and back: the very values that the JSON of the same resource has.

https://hl7.org/fhir/R4/xml.html
"""

from __future__ import annotations

from contextlib import suppress

from fhir_bridge.fhir.elements import Version
from fhir_bridge.fhir.narrative import element, narratives
from fhir_bridge.fhir.xml_reading import DIV, FHIR, Enough, Reading
from fhir_bridge.fhir.xml_syntax import indented as on_lines
from fhir_bridge.fhir.xml_syntax import parse, refused, sources
from fhir_bridge.fhir.xml_writing import NotWritable, is_named, resource_text
from fhir_bridge.limits import DEFAULTS, Limits
from fhir_bridge.outcome import FhirError, Issue, Json, limited


def loads(body: bytes, version: Version = "4.0", limits: Limits = DEFAULTS) -> Json:
    """Return the resource of XML text in UTF-8: true and false as bool, integers as int, decimals as Decimal.

    A byte order mark, comments and processing instructions are skipped, and elements may come in any order. A
    narrative is kept as it is written. An element that occurs too often becomes a list, and an empty one "" or {}:
    the structure checker has words for these, as it has for what is missing. Raises FhirError 400 for what JSON
    could not say: syntax errors, other encodings, any DOCTYPE, nesting beyond what `json.loads` allows, an element
    with more than `limits.max_attributes`; with an issue for each: unknown resource types, elements and attributes,
    other namespaces, text between elements, booleans and numbers that are none, the first `limits.max_problems` of
    them. 413 for more values than `limits.max_values`.
    """
    text = _text(body)
    root = parse(text.encode(), limits)
    reading = Reading(version, sources(root, text, DIV), limits)
    with suppress(Enough):
        resource = reading.resource(root)
    if reading.found:
        issues = (problem.issue(problem.path) for problem in reading.found)
        raise FhirError(400, *limited(issues, limits.max_problems))
    return resource


def dumps(resource: Json, version: Version = "4.0", *, indented: bool = False) -> bytes:
    """Return XML text in UTF-8, elements in FHIR's order, decimals with the digits that they came with.

    U+FFFD replaces what XML has no character for, such as most control characters. What FHIR does not have is
    written by the shape of its JSON, after what it has, and left out where its name could not be a FHIR element's.
    A narrative stays as it is, `indented` or not. Raises FhirError 502 for a narrative that is no XHTML, which only a
    partner can have sent, and ValueError for what does not name a resource type.
    """
    if not is_named(resource):
        raise ValueError("Only a resource that names its type can be written as XML.")
    try:
        text = f'<?xml version="1.0" encoding="UTF-8"?>{resource_text(version, resource, FHIR)}'
    except NotWritable:
        raise _not_writable(resource) from None
    return (on_lines(text) if indented else text).encode()


def _not_writable(resource: Json) -> FhirError:
    places = (place for place, div in narratives(resource, resource["resourceType"]) if element(div) is None)
    text = (
        f"The request was carried out, but the narrative at {next(places)} of the partner's answer is no XHTML, so the "
        "answer cannot be written as XML; ask for JSON, and do not send a change again."
    )
    return FhirError(502, Issue("partner-answer-unreadable", "exception", text))


def _text(body: bytes) -> str:
    try:
        return body.decode("utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        raise refused("not-utf-8", f"The body is not UTF-8: byte {error.start + 1:,} cannot be read.") from None
