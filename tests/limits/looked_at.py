"""JSON values that tell who looked at them, so that a test counts work instead of measuring time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fhir_bridge.outcome import Json


class Looks:
    """Makes objects and texts: counts how many objects were looked into, and how often texts were compared."""

    def __init__(self) -> None:
        self.objects: set[int] = set()
        self.looks = 0
        self.compared = 0

    def object(self, value: dict[str, Json]) -> Json:
        """Return an object that is known here from the first look into it."""
        return _Object(value, self)

    def text(self, text: str) -> str:
        """Return a text whose comparisons are counted."""
        return _Text(text, self)


class _Object(dict[str, Any]):
    def __init__(self, value: dict[str, Json], looks: Looks) -> None:
        super().__init__(value)
        self._looks = looks

    def _look(self) -> None:
        self._looks.looks += 1
        self._looks.objects.add(id(self))


def _looking(name: str) -> Callable[..., Any]:
    plain = getattr(dict, name)

    def method(self: _Object, *arguments: Any) -> Any:
        self._look()
        return plain(self, *arguments)

    return method


for _name in ("__contains__", "__getitem__", "__iter__", "get", "items", "keys", "values"):
    setattr(_Object, _name, _looking(_name))


class _Text(str):
    _looks: Looks

    def __new__(cls, text: str, looks: Looks) -> _Text:
        made = super().__new__(cls, text)
        made._looks = looks
        return made

    def __eq__(self, other: object) -> bool:
        self._looks.compared += 1
        return str.__eq__(self, other)  # type: ignore[no-any-return]

    def __hash__(self) -> int:
        return str.__hash__(self)
