"""Reads a whole mapping file into its model."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from fhir_bridge.mapping.connecting import read_connection
from fhir_bridge.mapping.fields import Fields
from fhir_bridge.mapping.like import LIKE
from fhir_bridge.mapping.model import HeaderSource, InteractionSpec, MappingFile
from fhir_bridge.mapping.reading.errors import read_errors
from fhir_bridge.mapping.reading.interactions import read_headers, read_interaction
from fhir_bridge.mapping.reading.maps import read_map
from fhir_bridge.mapping.source import Node, Problems, Text, did_you_mean

VERSIONS = ("4.0", "3.0")


def read_mapping_file(root: Node, problems: Problems) -> MappingFile:
    """Return the model of a mapping file; what is wrong is added to `problems`."""
    fields = Fields(root, problems, "the mapping file")
    partner = fields.need_text("partner")
    if partner and not re.fullmatch(r"[a-z][a-z0-9-]{0,31}", partner):
        problems.add(partner.mark, "'partner' becomes part of a URL; use small letters, digits and '-', a letter first")
    title = str(fields.text("title") or partner)
    versions = fields.texts("fhir") or (Text("4.0", root.mark),)
    for version in versions:
        if version not in VERSIONS:
            problems.add(version.mark, f"unknown FHIR version '{version}'{did_you_mean(version, VERSIONS)}")
    connection = read_connection(fields.need("connection"), problems)
    identity = Fields(fields.node("identity") or Node(root.mark, "mapping"), problems, "identity")
    systems, events = identity.texts("systems"), identity.texts("events")
    id_like = identity.choice("id", tuple(LIKE), "") or None
    identity.done()
    headers = _read_headers(fields, problems)
    interactions = tuple(
        _with_headers(read_interaction(key, node, problems), headers) for key, node in fields.pairs("interactions")
    )
    maps = {key.text: read_map(key, node, problems) for key, node in fields.pairs("maps")}
    errors = read_errors(fields.node("errors"), problems)
    fields.done()
    return MappingFile(
        root.mark, str(partner), title, versions, connection, systems, events, id_like, interactions, maps, errors
    )


def _read_headers(fields: Fields, problems: Problems) -> Mapping[Text, tuple[HeaderSource, ...]]:
    """Read the headers of every call, which can come from no element: what is sent differs from call to call."""
    headers = read_headers(fields)
    for source in (source for sources in headers.values() for source in sources):
        if source.element is not None:
            text = "not every call sends this element; name it in the headers of an interaction that does"
            problems.add(source.element.mark, text)
    return headers


def _with_headers(spec: InteractionSpec, headers: Mapping[Text, tuple[HeaderSource, ...]]) -> InteractionSpec:
    """The interaction with the headers of every call, but for those that it has itself."""
    own = {name.lower() for name in spec.headers}
    others = {name: sources for name, sources in headers.items() if name.lower() not in own}
    adds = tuple(replace(add, spec=_with_headers(add.spec, headers)) for add in spec.adds)
    return replace(spec, headers={**others, **spec.headers}, adds=adds)
