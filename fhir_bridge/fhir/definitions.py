"""The definitions of `profiles/`, read once: found by their canonical URL, and ConceptMaps as tables of codes.

https://hl7.org/fhir/R4/conformance-module.html and https://hl7.org/fhir/R4/conceptmap.html
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from types import MappingProxyType

from fhir_bridge.canonical import CANONICAL, rebased
from fhir_bridge.fhir.json import loads
from fhir_bridge.fhir.structure import structure_checker
from fhir_bridge.outcome import FhirError, Issue, Json

_HL7 = ("http://hl7.org/fhir/", "http://terminology.hl7.org/")
_REFERENCE_KEYS = frozenset(
    {"profile", "targetProfile", "baseDefinition", "valueSet", "inputProfile", "outputProfile", "instantiates"}
)
_OF_OURS = "StructureDefinition|ValueSet|CodeSystem|ConceptMap|OperationDefinition|SearchParameter"
_OURS = re.compile(rf"{re.escape(CANONICAL)}/({_OF_OURS})/")


@dataclass(frozen=True, slots=True)
class Definitions:
    """The resources of a folder by canonical URL, the file of each, and all that is wrong with the folder.

    `files` knows a file that has problems too, `resources` does not.
    """

    resources: Mapping[str, Json]
    files: Mapping[str, str]
    problems: tuple[str, ...] = ()

    def find(self, reference: str) -> Json:
        """Return the resource of a canonical URL, or of one relative to ours: `ValueSet/phone-use`.

        Raises LookupError, with the nearest name, for one that the folder does not have.
        """
        url = canonical_url(reference)
        if url not in self.resources:
            raise LookupError(f"{reference} is not among the definitions; {self._advice(url)}")
        return self.resources[url]

    def _advice(self, url: str) -> str:
        names = {known.rpartition("/")[2]: known for known in self.resources}
        nearest = get_close_matches(url.rpartition("/")[2], names, n=1)
        if not nearest:
            return "add it, or correct the name"
        return f"did you mean {names[nearest[0]].removeprefix(CANONICAL + '/')}?"


def canonical_url(reference: str) -> str:
    """Return a reference as the URL that stands in the resource: absolute, and without `|version`."""
    url = reference.partition("|")[0]
    return url if "://" in url or url.startswith("urn:") else f"{CANONICAL}/{url}"


def load_definitions(folder: Path) -> Definitions:
    """Read every `*.json` of a folder: resources of FHIR R4, each with a canonical URL.

    What is wrong stands in `problems`, one line each: `profiles/x.json: what; what to do`. A file with a problem of
    its own is left out.
    """
    resources: dict[str, Json] = {}
    files: dict[str, str] = {}
    problems: list[str] = [] if folder.is_dir() else [f"{folder.name}: there is no such folder; name the right one"]
    structure = structure_checker("4.0")
    for path in sorted(folder.glob("*.json")):
        name = f"{folder.name}/{path.name}"
        resource, found = _read(path, structure)
        url = str(resource["url"]) if isinstance(resource, dict) and "url" in resource else ""
        if url in files:
            found.append(f"has the url of {files[url]}; give it one of its own")
        elif url:
            files[url] = name
        problems += [f"{name}: {problem}" for problem in found]
        if not found:
            resources[url] = resource
    problems += _unknown_references(resources, files)
    return Definitions(MappingProxyType(resources), MappingProxyType(files), tuple(problems))


def _read(path: Path, structure: Callable[[Json], list[Issue]]) -> tuple[Json, list[str]]:
    """Return the JSON value of a file, None where there is none, and all that is wrong with it."""
    try:
        resource = loads(rebased(path.read_bytes()))
    except OSError as error:
        return None, [f"cannot be read ({error.strerror}); correct or remove it"]
    except FhirError as error:
        return None, [issue.text for issue in error.issues]
    problems = [f"{issue.expression or 'resource'}: {issue.text}" for issue in structure(resource)]
    if not problems and "url" not in resource:
        problems = ["has no url; give it the canonical URL that others refer to it by"]
    return resource, problems


def _unknown_references(resources: Mapping[str, Json], files: Mapping[str, str]) -> Iterator[str]:
    for url, resource in resources.items():
        for reference in dict.fromkeys(_references(resource)):
            if canonical_url(reference) not in files:
                yield f"{files[url]}: refers to {reference}, which no file defines; add it, or correct the reference"


def _references(value: Json, key: str = "") -> Iterator[str]:
    """Yield the canonical URLs that a resource refers to, but for those that HL7 defines."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _references(inner, name)
    elif isinstance(value, list):
        for inner in value:
            yield from _references(inner, key)
    elif isinstance(value, str) and (_OURS.match(value) or (key in _REFERENCE_KEYS and not value.startswith(_HL7))):
        yield value


@dataclass(frozen=True, slots=True)
class CodeTable:
    """A ConceptMap as two tables. A direction's problems name the codes that it leaves undecided, and has not."""

    to_partner: Mapping[str, str]
    to_fhir: Mapping[str, str]
    to_partner_problems: tuple[str, ...] = ()
    to_fhir_problems: tuple[str, ...] = ()


def concept_table(concept_map: Json) -> CodeTable:
    """Return the codes of a ConceptMap, whose sources are FHIR's codes and whose targets are the partner's.

    Where several entries compete in a direction, the one whose equivalence is `equal` is taken: with
    home → LAND_LINE (equal) and home → LANDLINE (equivalent), home is written as LAND_LINE and both are read as
    home. Entries that say `unmatched` or `disjoint` pair nothing.
    """
    pairs = list(_pairs(concept_map))
    to_partner, to_partner_problems = _one_way(pairs)
    to_fhir, to_fhir_problems = _one_way((target, source, equal) for source, target, equal in pairs)
    return CodeTable(to_partner, to_fhir, to_partner_problems, to_fhir_problems)


def _pairs(concept_map: Json) -> Iterator[tuple[str, str, bool]]:
    """Yield FHIR's code, the partner's code, and whether the two are marked as each other's first choice."""
    for group in concept_map.get("group", ()):
        for element in group.get("element", ()):
            for target in element.get("target", ()):
                if target.get("equivalence") not in ("unmatched", "disjoint"):
                    yield element["code"], target["code"], target.get("equivalence") == "equal"


def _one_way(pairs: Iterable[tuple[str, str, bool]]) -> tuple[Mapping[str, str], tuple[str, ...]]:
    choices: dict[str, dict[str, bool]] = {}
    for code, other, equal in pairs:
        known = choices.setdefault(code, {})
        known[other] = known.get(other, False) or equal
    table: dict[str, str] = {}
    problems: list[str] = []
    for code, others in choices.items():
        preferred = [other for other, equal in others.items() if equal] if len(others) > 1 else list(others)
        if len(preferred) == 1:
            table[code] = preferred[0]
        else:
            problems.append(f"`{code}` may become {' or '.join(others)}; mark exactly one of them as `equal`")
    return MappingProxyType(table), tuple(problems)
