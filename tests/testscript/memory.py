"""What a running script knows: its fixtures, its variables, and every message so far.

https://hl7.org/fhir/R4/testscript-definitions.html#TestScript.variable
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from xml.sax.saxutils import escape

from tests.testscript import paths
from tests.testscript.content import Content, ContentError, Exchange, Message, ScriptError
from tests.testscript.fhir_xml import Json

_PLACEHOLDER = re.compile(r"\$\{([^{}]+)\}")


@dataclass(slots=True)
class Memory:
    """`given` are values from outside, which win over those of the script; `messages` are by requestId and responseId.

    A variable is evaluated each time it is used, so it shows the newest message.
    """

    fixtures: Mapping[str, Content] = field(default_factory=dict)
    variables: Mapping[str, Json] = field(default_factory=dict)
    given: Mapping[str, str] = field(default_factory=dict)
    messages: dict[str, Message] = field(default_factory=dict)
    last: Exchange | None = None
    _open: list[str] = field(default_factory=list)

    def exchange(self) -> Exchange:
        """Return the newest call; raises ScriptError where there is none."""
        if self.last is None:
            raise ScriptError("no operation has been answered yet")
        return self.last

    def message(self, source_id: str) -> Message:
        """Return a message by its id, or a fixture with its variables filled in; raises ScriptError."""
        if source_id in self.messages:
            return self.messages[source_id]
        if source_id in self.fixtures:
            content = self.fixtures[source_id]
            return Message(Content(content.media, self.fill(content.text, _ESCAPES[content.media])))
        raise ScriptError(f"{source_id} is no fixture, and no operation has given its request or response that id")

    def fill(self, text: str, escaped: Callable[[str], str] = str) -> str:
        """Return `text` with each `${name}` replaced; raises ScriptError for one that has no value."""
        return _PLACEHOLDER.sub(lambda placeholder: escaped(self._value(placeholder[1])), text)

    def _value(self, name: str) -> str:
        if name in self.given:
            return self.given[name]
        if name not in self.variables:
            raise ScriptError(f"${{{name}}} is no variable of this script")
        if name in self._open:
            raise ScriptError(f"variable {name} needs its own value")
        self._open.append(name)
        try:
            return self._evaluated(self.variables[name])
        finally:
            self._open.pop()

    def _evaluated(self, variable: Json) -> str:
        """Return what the variable finds, else its default; raises ScriptError where there is neither."""
        name, default = variable.get("name"), variable.get("defaultValue")
        try:
            found = self._found(variable)
        except (ScriptError, ContentError) as error:
            if default is None:
                raise ScriptError(f"variable {name} has no value: {error}") from error
            found = []
        if len(found) > 1:
            raise ScriptError(f"variable {name} finds {len(found)} values; it may find one")
        if not found and default is None:
            raise ScriptError(f"variable {name} has no value{_hint(variable)}")
        return found[0] if found else str(default)

    def _found(self, variable: Json) -> list[str]:
        if not _SOURCES & variable.keys():
            return []
        source_id = variable.get("sourceId")
        message = self.message(source_id) if source_id else self.exchange().response
        if "headerField" in variable:
            return header(message, variable["headerField"])
        if "path" in variable:
            return paths.path(message.content(), variable["path"])
        return [paths.as_text(value) for value in paths.fhirpath(message.content(), variable["expression"])]


_SOURCES = frozenset({"headerField", "path", "expression"})
_ESCAPES: Mapping[str, Callable[[str], str]] = {
    "json": lambda text: json.dumps(text, ensure_ascii=False)[1:-1],
    "xml": lambda text: escape(text, {'"': "&quot;"}),
    "other": str,
}


def _hint(variable: Json) -> str:
    hint = f", {variable['hint']}" if "hint" in variable else ""
    return f"; give it with --variable {variable.get('name')}=…{hint}"


def header(message: Message, name: str) -> list[str]:
    """Return the value of a header, if it is there; raises ScriptError for a fixture, which has none."""
    if message.headers is None:
        raise ScriptError("a fixture has no headers")
    value = message.headers.get(name.lower())
    return [] if value is None else [value]
