"""Back at home: an element of this version that came as an extension, from the other one, is an element again.

`cross_version` writes and reads one such extension; here they are found in a value and put in their places.
"""

from __future__ import annotations

from fhir_bridge.fhir.cross_version import Content, put, read, url
from fhir_bridge.fhir.elements import Element
from fhir_bridge.fhir.r4_stu3 import CONCEPT_SYSTEMS, TO_R4, TO_STU3, Way, is_backbone, nearest_in_stu3
from fhir_bridge.outcome import Json


def brought_home(way: Way, type_name: str, definition: str, value: dict[str, Json]) -> dict[str, Json]:
    """Return a value of `way.target`, of the type at `definition` ("Condition.stage"), with its elements restored.

    An extension whose element was given another value meanwhile stays what it is.
    """
    extensions = value.get("extension")
    if not isinstance(extensions, list):
        return value
    home = {name: list(item) if isinstance(item, list) else item for name, item in value.items()}
    kept = [each for each in extensions if not _came_home(way, type_name, definition, home, each, value)]
    if len(kept) == len(extensions):
        return value
    home.pop("extension")
    return {**home, "extension": kept} if kept else home


def _came_home(
    way: Way, type_name: str, definition: str, value: dict[str, Json], extension: Json, before: Content
) -> bool:
    """Put the element that one extension stands for into `value`; False where it stands for none, or may not."""
    link = extension.get("url") if isinstance(extension, dict) else None
    prefix = url(way.target, f"{definition}.")
    if not isinstance(link, str) or not link.startswith(prefix):
        return False
    found = read(way.target, type_name, extension, link.removeprefix(prefix))
    if found is None:
        return False
    element, content = found
    path = f"{definition}.{element.path}"
    if is_backbone(element.type, definition):
        content = {"": brought_home(way, element.type, path, content[""])}
    is_put = put(way.target, type_name, value, element, content, before=before)
    return is_put or _replaced(way, path, value, element, content)


def _replaced(way: Way, path: str, value: dict[str, Json], element: Element, content: Content) -> bool:
    """Put an exact code or concept where its nearest stands; False where that was changed since."""
    current, exact = value.get(element.name), content.get("")
    if path in CONCEPT_SYSTEMS and isinstance(current, dict) and isinstance(exact, dict):
        if nearest_in_stu3(path, exact) != nearest_in_stu3(path, current):
            return False
        value[element.name] = {**{name: current[name] for name in ("id", "extension") if name in current}, **exact}
        return True
    back = TO_STU3 if way is TO_R4 else TO_R4
    nearest = back.nearest.get(path, {}).get(exact) if isinstance(exact, str) else None
    codes = current if isinstance(current, list) else [current]
    if nearest is None or nearest not in codes:
        return False
    at = codes.index(nearest)
    value[element.name] = [*codes[:at], exact, *codes[at + 1 :]] if isinstance(current, list) else exact
    return True
