"""The examples of docs/errors.md: each request is sent to the bridge, and what it answers must stand in the page.

`python -m tests.error_examples` writes the answers anew, after a text of the bridge has changed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import anyio
import httpx

from fhir_bridge.mapping.routes import Routes
from fhir_bridge.outcome import Json
from tests.serving import READY, SANDBOX, Canned, serving, shipped, simulated

PAGE = Path(__file__).parents[1] / "docs" / "errors.md"

USUAL = {"Content-Type": "application/fhir+json"}
"""The header of every request of the page that does not write it itself."""

FORWARDING = {name: value for name, value in SANDBOX.items() if name != "EHEALTH_ACCESS_TOKEN"}
"""The environment for requests that carry a token of their own: the bridge has none, and passes theirs on."""

WIDTH = 116

NETWORK: Mapping[str, Exception] = {
    "no connection can be made": httpx.ConnectError("refused"),
    "nothing comes from it": httpx.ReadTimeout("late"),
    "the connection breaks off": httpx.ReadError("reset"),
}
"""What the page says of a partner that does not answer, and how the network tells it."""

_BLOCK = re.compile(r"^```(?P<language>\w+)\n(?P<text>.*?)^```$", re.DOTALL | re.MULTILINE)
_ANSWER = re.compile(r"^Answer: (?P<words>.*)$", re.MULTILINE)
_ROW = re.compile(
    r"^\| `(?P<error>[a-z0-9-]+)` \| (?P<status>\d*) \| `?(?P<code>[a-z-]*)`? \|(?P<rest>.*)\|$", re.MULTILINE
)


@dataclass(frozen=True, slots=True)
class Request:
    """One FHIR request as the page writes it: a request line, headers, an empty line, a body."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: str


@dataclass(frozen=True, slots=True)
class Example:
    """One request, what the partner does (None: what the simulated one does), and the answer with its place."""

    title: str
    request: Request
    partner: str | None
    answer: str
    outcome: str
    places: tuple[tuple[int, int], tuple[int, int]] = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Row:
    """One error code of the page's tables: its status, FHIR's code, and a request that brings it about, if any."""

    error: str
    status: str
    code: str
    request: Request | None


def read_request(text: str) -> Request:
    head, _, body = text.partition("\n\n")
    line, *headers = head.splitlines()
    method, url = line.split(" ", 1)
    return Request(method, url, USUAL | dict(header.split(": ", 1) for header in headers), body.strip())


def examples(page: str) -> list[Example]:
    """Return the examples of a page: a block `http`, perhaps one of the partner, a line `Answer:`, a block `json`."""
    found: list[Example] = []
    blocks = list(_BLOCK.finditer(page))
    for index, block in enumerate(blocks):
        if block["language"] != "json":
            continue
        before = [each for each in blocks[max(0, index - 2) : index] if each["language"] in ("http", "text")]
        is_partner = before[-1]["language"] == "text" or before[-1]["text"].startswith("HTTP/")
        request = before[-2] if is_partner else before[-1]
        answer = list(_ANSWER.finditer(page, request.end(), block.start()))[-1]
        found.append(
            Example(
                title=page[: request.start()].rpartition("\n### ")[2].partition("\n")[0],
                request=read_request(request["text"]),
                partner=before[-1]["text"].strip() if is_partner else None,
                answer=answer["words"],
                outcome=block["text"],
                places=(answer.span("words"), block.span("text")),
            )
        )
    return found


def rows(page: str) -> list[Row]:
    """Return the error codes of a page's tables; the request is the code spans of the last column."""
    return [
        Row(row["error"], row["status"], row["code"], _tried(row["rest"].rpartition("|")[2]))
        for row in _ROW.finditer(page)
    ]


def _tried(cell: str) -> Request | None:
    spans = re.findall(r"`([^`]+)`", cell)
    if not spans:
        return None
    headers = [span for span in spans[1:] if re.match(r"[A-Za-z-]+: ", span)]
    body = [span for span in spans[1:] if span not in headers]
    return read_request("\n".join([spans[0], *headers, "", *body]))


class Bridges:
    """The bridge as the page's requests meet it."""

    def __init__(self) -> None:
        self._simulated, self._forwarding, self._ready = shipped(SANDBOX), shipped(FORWARDING), shipped(READY)

    async def answer(self, request: Request, partner: str | None = None) -> httpx.Response:
        """Return the answer to a request; `partner` is what the page says that the partner does."""
        if partner is not None:
            return await _sent(request, self._ready, _partner(partner).everywhere())
        forwards = "Authorization" in request.headers
        return await _sent(request, self._forwarding if forwards else self._simulated, simulated())


async def answers(page: str) -> list[tuple[str, str]]:
    """Return what the bridge answers to each example of a page: the words of the line `Answer:`, and the JSON."""
    bridges = Bridges()
    return [written(await bridges.answer(example.request, example.partner)) for example in examples(page)]


async def _sent(request: Request, routes: Routes, transports: Mapping[str, httpx.AsyncBaseTransport]) -> httpx.Response:
    async with serving(routes, transports) as client:
        content = request.body.encode() or None
        return await client.request(request.method, request.url, content=content, headers=dict(request.headers))


def _partner(text: str) -> Canned:
    canned = Canned()
    if text in NETWORK:
        canned.fail(NETWORK[text])
        return canned
    head, _, body = text.partition("\n\n")
    status, *headers = head.splitlines()
    named = dict(header.split(": ", 1) for header in headers)
    canned.answer(int(status.split()[1]), text=body, **named)
    return canned


def written(response: httpx.Response) -> tuple[str, str]:
    """Return an answer as the page writes it: `404`, or "`429`, with `Retry-After: 7`"; and its JSON."""
    shown = [name for name in ("Allow", "Retry-After", "WWW-Authenticate") if name in response.headers]
    headers = " and ".join(f"`{name}: {response.headers[name]}`" for name in shown)
    words = f"`{response.status_code}`" + (f", with {headers}" if shown else "")
    return words, pretty(response.json()) + "\n"


def pretty(value: Json, indent: str = "") -> str:
    """Return JSON in which whatever fits into a line is one."""
    line = json.dumps(value, ensure_ascii=False)
    if len(indent) + len(line) <= WIDTH or not isinstance(value, dict | list):
        return line
    inner = f"{indent}  "
    if isinstance(value, list):
        return "[\n" + ",\n".join(f"{inner}{pretty(item, inner)}" for item in value) + f"\n{indent}]"
    parts = (f"{inner}{json.dumps(key)}: {pretty(item, inner)}" for key, item in value.items())
    return "{\n" + ",\n".join(parts) + f"\n{indent}}}"


def main() -> None:
    page = PAGE.read_text(encoding="utf-8")
    found = anyio.run(answers, page)
    for example, (words, outcome) in reversed(list(zip(examples(page), found, strict=True))):
        (start, end), (first, last) = example.places
        page = page[:start] + words + page[end:first] + outcome + page[last:]
    PAGE.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
