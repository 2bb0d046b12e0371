"""Compiles `together:` of a create: how several records go in one call, and how its answer tells them apart."""

from __future__ import annotations

from collections.abc import Mapping

from fhir_bridge.mapping.model import InteractionSpec, MapSpec
from fhir_bridge.mapping.partner_fields import PartnerField, compile_field
from fhir_bridge.mapping.source import Problems, Text, did_you_mean
from fhir_bridge.mapping.together import Together


def compile_together(interaction: InteractionSpec, maps: Mapping[str, MapSpec], problems: Problems) -> Together:
    spec = interaction.together
    assert spec is not None

    def field(path: Text) -> PartnerField:
        return compile_field(path, path.mark, problems)

    known = _fields(interaction, maps)
    for name in spec.beside:
        if name not in known:
            problems.add(name.mark, f"nothing writes the field '{name}'{did_you_mean(name, known)}")
    return Together(
        most=spec.most,
        records=field(spec.records),
        beside=frozenset(map(str, spec.beside)),
        made=field(spec.made),
        refused=field(spec.refused) if spec.refused else None,
        repeated=field(spec.repeated) if spec.repeated else None,
        index=field(spec.index),
        text=field(spec.text) if spec.text else None,
    )


def _fields(interaction: InteractionSpec, maps: Mapping[str, MapSpec]) -> set[str]:
    """The fields at the top of what is sent."""
    send = interaction.send
    sent = maps.get(send.map or "") if send else None
    paths = [*(row.at[0] for row in (sent.rows if sent else ()) if row.at), *(send.with_ if send else ())]
    return {path.partition(".")[0] for path in paths}
