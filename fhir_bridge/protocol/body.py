"""The body of a request on the wire: where it ends, and how much around it is no content."""

from __future__ import annotations

from fhir_bridge.outcome import FhirError, Issue
from fhir_bridge.protocol.head import Head

_END = b"\r\n\r\n"
MOST_PIECES = 500
"""How many pieces of a chunked body are read in one go."""

MOST_BYTES = 16_384
"""How many bytes of a chunked body are read in one go: 3,000 chunks or trailers at most, some milliseconds of work."""

MAX_FRAMING_BYTES = 262_144
"""How many bytes of chunk sizes, chunk extensions and trailers a body may have beyond as many as it has content."""


class BodyReader:
    """Cuts what comes into pieces for the parser, so that none of them holds the beginning of another request.

    A chunked body ends in an empty line, and so each empty line ends a piece.
    """

    def __init__(self, head: Head) -> None:
        self.chunked = head.chunked
        self._left = head.length
        self._last = b""
        self._framing = 0
        self._content = 0

    def end_of_piece(self, data: bytes, start: int) -> int:
        """Return where the piece ends that begins at `start`."""
        if not self.chunked:
            end = min(start + self._left, len(data))
            self._left -= end - start
            return end
        end = self._end_of_lines(data, start)
        self._last = (self._last + data[max(end - 3, start) : end])[-3:]
        return end

    def _end_of_lines(self, data: bytes, start: int) -> int:
        """An empty line may have begun in the piece before."""
        at = (self._last + data[start : start + 3]).find(_END)
        if at >= 0:
            return start + at + len(_END) - len(self._last)
        at = data.find(_END, start)
        return len(data) if at < 0 else at + len(_END)

    def count(self, piece: int, content: int) -> None:
        """Count a piece of so many bytes, of which `content` are the body's. Raises FhirError 413."""
        self._content += content
        self._framing += piece - content
        if self.chunked and self._framing > MAX_FRAMING_BYTES + self._content:
            text = "The chunks of the body hold less content than what is around it; send larger chunks."
            raise FhirError(413, Issue("body-too-large", "too-long", text))
