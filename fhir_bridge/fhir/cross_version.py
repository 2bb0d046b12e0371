"""FHIR's own extensions for an element that only another version has, written and read back.

`http://hl7.org/fhir/3.0/StructureDefinition/extension-MessageHeader.timestamp` stands, in an R4 MessageHeader,
for the element that STU3 has there. https://hl7.org/fhir/R4/versions.html#extensions
"""

from __future__ import annotations

from collections.abc import Mapping

from fhir_bridge.fhir.elements import Element, Version, elements, is_primitive
from fhir_bridge.fhir.r4_stu3 import URI_TYPES
from fhir_bridge.outcome import Json

Content = Mapping[str, Json]
"""One element as JSON has it: its value under "", and what stands under `_name` (id, extension) under "_"."""


def url(version: Version, path: str) -> str:
    """Return the extension that stands for the element `path` ("Condition.recorder") of `version`."""
    return f"http://hl7.org/fhir/{version}/StructureDefinition/extension-{path}"


def known_elements(version: Version, type_name: str) -> Mapping[str, Element]:
    """Return the elements of a type, as the other version has them where this one lacks the type: Patient.animal."""
    try:
        return elements(version, type_name)
    except KeyError:
        return elements("3.0" if version == "4.0" else "4.0", type_name)


def content_of(value: Mapping[str, Json], name: str) -> dict[str, Json]:
    """Return what an object has under `name` and `_name`."""
    return {prefix: value[prefix + name] for prefix in ("", "_") if prefix + name in value}


def value_name(version: Version, type_name: str) -> str | None:
    """Return which `value[x]` an extension of `version` holds a type in; None for a type that it cannot hold.

    STU3 has no valueCanonical, valueUrl or valueUuid: they are valueUri there.
    """
    if _own_name(type_name) in elements(version, "Extension"):
        return _own_name(type_name)
    return "valueUri" if type_name in URI_TYPES else None


def written(version: Version, url: str, element: Element, content: Content) -> list[Json]:
    """Return one extension, in a resource of `version`, for each repeat of an element that has no place there.

    The values must be those of `version` already. A backbone element becomes an extension of extensions.
    """
    return [_written(version, url, element.type, item) for item in repeats(content)]


def _written(version: Version, url: str, type_name: str, content: Content) -> Json:
    name = value_name(version, type_name)
    if name is None:
        return {"url": url, **_nested(version, type_name, content[""])}
    return {"url": url, **{prefix + name: value for prefix, value in content.items()}}


def _nested(version: Version, type_name: str, value: Mapping[str, Json]) -> Json:
    parts = known_elements(version, type_name)
    names = dict.fromkeys(key.removeprefix("_") for key in value if key not in {"id", "extension"})
    inner = [
        part
        for name in names
        if name in parts
        for part in written(version, parts[name].path, parts[name], content_of(value, name))
    ]
    identity = {"id": value["id"]} if "id" in value else {}
    extensions = [*inner, *value.get("extension", ())]
    return {**identity, "extension": extensions} if extensions else identity


def repeats(content: Content) -> list[dict[str, Json]]:
    """Split a list, and the list beside it, into the content of each repeat; a null in either is nothing."""
    lists = {prefix: values for prefix, values in content.items() if isinstance(values, list)}
    if not lists:
        return [dict(content)]
    return [
        {prefix: values[at] for prefix, values in lists.items() if at < len(values) and values[at] is not None}
        for at in range(max(len(values) for values in lists.values()))
    ]


def read(version: Version, type_name: str, extension: Json, path: str | None) -> tuple[Element, dict[str, Json]] | None:
    """Return the element of `type_name` at `path` ("abatement") that an extension stands for, and its content.

    None where the extension holds nothing that the element could: it is then an extension like any other.
    """
    found = next((key.removeprefix("_") for key in extension if key.startswith(("value", "_value"))), None)
    for element in known_elements(version, type_name).values():
        if element.path != path:
            continue
        if found in {_own_name(element.type), value_name("3.0", element.type)} - {None}:
            return element, content_of(extension, str(found))
        if found is None and not is_primitive(element.type) and isinstance(extension.get("extension", []), list):
            return element, {"": _unnested(version, element.type, extension)}
    return None


def put(
    version: Version, type_name: str, value: dict[str, Json], element: Element, content: Content, *, before: Content
) -> bool:
    """Write an element that was read back into `value`, whose lists are its own.

    False where another value stood there `before`.
    """
    if element.repeats and not is_primitive(element.type):
        items = value.setdefault(element.name, [])
        if isinstance(items, list):
            items.append(content[""])
        return isinstance(items, list)
    rivals = [other.name for other in known_elements(version, type_name).values() if other.path == element.path]
    if any(prefix + name in (before if element.repeats else value) for name in rivals for prefix in ("", "_")):
        return False
    if element.repeats:
        _add_item(value, element.name, content)
    else:
        value.update({prefix + element.name: item for prefix, item in content.items()})
    return True


def _add_item(value: dict[str, Json], name: str, content: Content) -> None:
    """Add an item to the two lists of a primitive; the second is there where anything stands beside."""
    values = value.setdefault(name, [])
    values.append(content.get(""))
    if content.get("_") is not None or f"_{name}" in value:
        value.setdefault(f"_{name}", [None] * (len(values) - 1)).append(content.get("_"))


def _unnested(version: Version, type_name: str, extension: Json) -> Json:
    """Return the backbone element that an extension of extensions stands for; what is no part of it stays."""
    value: dict[str, Json] = {"id": extension["id"]} if "id" in extension else {}
    kept = []
    for part in extension.get("extension", ()):
        found = read(version, type_name, part, part.get("url")) if isinstance(part, dict) else None
        if found is None or not put(version, type_name, value, *found, before={}):
            kept.append(part)
    return {**value, "extension": kept} if kept else value


def _own_name(type_name: str) -> str:
    return f"value{type_name[0].upper()}{type_name[1:]}"
