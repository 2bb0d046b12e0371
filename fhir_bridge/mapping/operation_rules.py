"""Which names operations may have: one name leads to one operation at each address."""

from __future__ import annotations

import re
from collections.abc import Iterator

from fhir_bridge.mapping.model import InteractionSpec, MappingFile
from fhir_bridge.mapping.source import Mark, Problems

_NAME = re.compile(r"[A-Za-z0-9-]+")
_BRIDGES_OWN = (("versions", "[base]"), ("validate", "Type"))
"""Operations that the bridge carries out itself, and where."""


def check_operations(model: MappingFile, problems: Problems) -> None:
    """Report names that no address has, that the bridge has taken, or that two operations have."""
    seen: dict[str, Mark] = {}
    for spec in (spec for spec in model.interactions if spec.operation):
        for name in filter(None, (spec.operation, *spec.also)):
            if not _NAME.fullmatch(name):
                problems.add(spec.mark, f"'${name}' is no name of an operation; write letters, digits and '-'")
            for address in _addresses(spec, name):
                if address in seen:
                    text = f"'{address}' is the operation of line {seen[address].line} already; name one otherwise"
                    problems.add(spec.mark, text)
                seen.setdefault(address, spec.mark)
            if (name, "Type" if _of_type(spec) else "[base]") in _BRIDGES_OWN:
                problems.add(spec.mark, f"the bridge answers '${name}' itself; name the operation otherwise")


def _of_type(spec: InteractionSpec) -> bool:
    """Whether the address of an operation begins with its type; what is carried out as another has no id there."""
    return bool(spec.resource_type) and not spec.as_


def _addresses(spec: InteractionSpec, name: str) -> Iterator[str]:
    if not _of_type(spec):
        yield f"[base]/${name}"
        return
    yield f"[base]/{spec.resource_type}/[id]/${name}"
    if spec.cohort is not None:
        yield f"[base]/{spec.resource_type}/${name}"
