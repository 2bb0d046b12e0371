"""Changes laid over a partner's whole record, for a call that puts one record in the place of another."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from fhir_bridge.mapping.maps import Map
from fhir_bridge.mapping.partner_fields import PartnerField
from fhir_bridge.mapping.rows import ListRow, ValueRow
from fhir_bridge.outcome import Json


@dataclass(frozen=True, slots=True)
class Merging:
    """`written` are the fields that rows send, `kept` those that the partner keeps itself and does not take back."""

    written: tuple[PartnerField, ...]
    kept: tuple[PartnerField, ...]

    def whole(self, record: Json, changes: Mapping[str, Json]) -> dict[str, Any]:
        """Return what is sent: the record with `changes`, which are fields at its top.

        What changes of a field at the top takes the place of all that rows know of it, so that the two parts of a pair
        are of one age; what no row knows stays.
        """
        whole = copy.deepcopy(record)
        for field in (*self.kept, *(field for field in self.written if field.keys[0] in changes)):
            field.remove(whole)
        _lay(whole, changes)
        return dict(whole)


def _lay(record: dict[str, Any], changes: Mapping[str, Json]) -> None:
    for name, value in changes.items():
        if isinstance(value, dict) and isinstance(record.get(name), dict):
            _lay(record[name], value)
        else:
            record[name] = value


def compile_merging(map_: Map, leaves: Iterable[PartnerField]) -> Merging:
    """Return how changes of a map's rows are laid over a record; `leaves` are further fields that are not sent back."""
    written: list[PartnerField] = []
    kept = list(leaves)
    for row in map_.rows:
        if isinstance(row, ValueRow | ListRow):
            fields = row.fields if isinstance(row, ValueRow) else (row.field,)
            (written if row.sends else kept).extend(fields)
    return Merging(tuple(written), tuple(kept))
