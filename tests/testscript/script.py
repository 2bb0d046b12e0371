"""Reads a TestScript and the fixtures that it names.

https://hl7.org/fhir/R4/testscript-definitions.html#TestScript.fixture
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from lxml import etree

from tests.testscript.content import Content, ContentError, ScriptError, dumps, media_of
from tests.testscript.fhir_xml import Json, listed


@dataclass(frozen=True, slots=True)
class Script:
    """A TestScript: the file, its text, and its value; a value that was XML has no list where there is one item."""

    path: Path
    content: Content
    resource: Json


def read_script(path: Path) -> Script:
    """Return the TestScript in a file, JSON or XML; raises ScriptError."""
    content = read_content(path)
    try:
        resource = content.value()
    except ContentError as error:
        raise ScriptError(f"{path.name} cannot be read: {error}") from error
    if not isinstance(resource, dict) or resource.get("resourceType") != "TestScript":
        raise ScriptError(f"{path.name} is no TestScript")
    return Script(path, content, resource)


def read_content(path: Path) -> Content:
    """Return what a file holds, by its ending; raises ScriptError."""
    try:
        return Content(media_of(path.suffix), path.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise ScriptError(f"{path.name} cannot be read: {reason}") from error


def read_fixtures(script: Script) -> dict[str, Content]:
    """Return all fixtures by their ids; raises ScriptError that names every one that is missing."""
    found: dict[str, Content] = {}
    problems: list[str] = []
    for fixture in listed(script.resource.get("fixture")):
        try:
            found[fixture.get("id", "")] = _fixture(script, fixture)
        except ScriptError as error:
            problems.append(f"fixture {fixture.get('id')}: {error}")
    if problems:
        raise ScriptError("; ".join(problems))
    return found


def _fixture(script: Script, fixture: Json) -> Content:
    reference = fixture.get("resource", {}).get("reference", "")
    if reference.startswith("#"):
        return _contained(script, reference[1:])
    if not reference or "://" in reference:
        raise ScriptError(f"{reference or 'no reference'} is not read; put the resource in a file beside the script")
    return read_content(_file(script.path.parent, reference))


def _file(folder: Path, reference: str) -> Path:
    """`Patient/example` is that file, or Patient/example.json, or Patient-example.json as in HL7's packages."""
    stems = (reference, reference.replace("/", "-"))
    candidates = [folder / reference, *(folder / f"{stem}.{ending}" for stem in stems for ending in ("json", "xml"))]
    found = next((candidate for candidate in candidates if candidate.is_file()), None)
    if found is None:
        raise ScriptError(f"{reference} is not in {folder.name}")
    return found


def _contained(script: Script, id_: str) -> Content:
    if script.content.media == "xml":
        trees = script.content.tree().xpath("f:contained/*[f:id/@value = $id]", namespaces=_PREFIX, id=id_)
        texts = [etree.tostring(tree, encoding="unicode") for tree in trees]
    else:
        texts = [dumps(item) for item in listed(script.resource.get("contained")) if item.get("id") == id_]
    if not texts:
        raise ScriptError(f"#{id_} is not contained in the script")
    return Content(script.content.media, texts[0])


_PREFIX = {"f": "http://hl7.org/fhir"}
