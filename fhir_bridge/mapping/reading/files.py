"""Reads a whole mapping file into its model."""

from __future__ import annotations

import re

from fhir_bridge.mapping.connecting import read_connection
from fhir_bridge.mapping.fields import Fields
from fhir_bridge.mapping.model import MappingFile
from fhir_bridge.mapping.reading.errors import read_errors
from fhir_bridge.mapping.reading.interactions import LIKE, read_interaction
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
    id_like = identity.choice("id", LIKE, "") or None
    identity.done()
    interactions = tuple(read_interaction(key, node, problems) for key, node in fields.pairs("interactions"))
    maps = {key.text: read_map(key, node, problems) for key, node in fields.pairs("maps")}
    errors = read_errors(fields.node("errors"), problems)
    fields.done()
    return MappingFile(
        root.mark, str(partner), title, versions, connection, systems, events, id_like, interactions, maps, errors
    )
