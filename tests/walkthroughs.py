"""The pages of docs/walkthroughs: each request of a page is sent, in order, to one bridge and its simulated partners.

`{name}` in an answer stands for what the partner makes up, such as a new id; later in the page it is that value. A
request to `http://<partner>.test/…` is made of the simulated partner itself: what happens there without the bridge.
`python -m tests.walkthroughs PAGE…` writes the answers that differ anew, with the names that are known.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

import anyio
import httpx

from fhir_bridge.fhir.json import loads
from fhir_bridge.outcome import Json
from tests.error_examples import Request, pretty, read_request
from tests.serving import SANDBOX, serving, shipped, simulated

PAGES = Path(__file__).parents[1] / "docs" / "walkthroughs"

_STEP = re.compile(
    r"^```http\n(?P<request>.*?)^```\n+Answer: (?P<words>[^\n]*)\n(?:\n```json\n(?P<json>.*?)^```$)?",
    re.DOTALL | re.MULTILINE,
)
_NAME = re.compile(r"\{([a-z][A-Za-z]*)\}")
_SPAN = re.compile(r"`([^`]+)`")


@dataclass(frozen=True, slots=True)
class Step:
    """One request of a page, and its answer: status, some headers, JSON (None where the page shows none)."""

    request: str
    words: str
    answer: str | None
    place: tuple[int, int] = field(compare=False)
    words_place: tuple[int, int] = field(compare=False)


def pages() -> list[Path]:
    return sorted(PAGES.glob("*.md"))


def steps(page: str) -> list[Step]:
    return [
        Step(step["request"], step["words"], step["json"], step.span("json"), step.span("words"))
        for step in _STEP.finditer(page)
    ]


class Walk:
    """One walk through a page; `known` are the values that the names stand for."""

    def __init__(self, client: httpx.AsyncClient, partners: dict[str, httpx.AsyncBaseTransport]) -> None:
        self._client = client
        self._partners = partners
        self.known: dict[str, str] = {}

    async def answer(self, step: Step) -> httpx.Response:
        """Send a request, with what is known for its names."""
        request = read_request(self._filled(step.request))
        transport = self._partners.get(httpx.URL(request.url).host.removesuffix(".test"))
        if transport is None:
            return await _send(self._client, request)
        async with httpx.AsyncClient(transport=transport) as partner:
            return await _send(partner, request)

    def differences(self, step: Step, response: httpx.Response) -> list[str]:
        """Return what of an answer is not as the page says, and learn the names that are new."""
        status, *headers = _SPAN.findall(step.words)
        found = [] if status == str(response.status_code) else [f"status {response.status_code}, not {status}"]
        for header in headers:
            name, _, text = header.partition(": ")
            found += self._compare(text, response.headers.get(name), name)
        if step.answer is not None:
            found += self._compare(loads(step.answer.encode()), _json(response), "$")
        return found

    def _compare(self, shown: Json, found: Json, path: str) -> list[str]:
        if isinstance(shown, dict) and isinstance(found, dict) and shown.keys() == found.keys():
            return [line for key in shown for line in self._compare(shown[key], found[key], f"{path}.{key}")]
        if isinstance(shown, list) and isinstance(found, list) and len(shown) == len(found):
            pairs = enumerate(zip(shown, found, strict=True))
            return [line for n, (one, other) in pairs for line in self._compare(one, other, f"{path}[{n}]")]
        if isinstance(shown, str) and self._fits(shown, found):
            return []
        return [] if shown == found and type(shown) is type(found) else [f"{path}: {found!r}, not {shown!r}"]

    def _fits(self, shown: str, found: Json) -> bool:
        if not _NAME.search(shown) or not isinstance(found, str | int | Decimal):
            return False
        match = re.fullmatch(self._pattern(shown), str(found))
        self.known |= match.groupdict() if match else {}
        return match is not None

    def _pattern(self, shown: str) -> str:
        seen: set[str] = set()

        def part(name: str) -> str:
            if name in self.known:
                return re.escape(self.known[name])
            again, _ = name in seen, seen.add(name)
            return f"(?P={name})" if again else f"(?P<{name}>.+?)"

        parts = _NAME.split(shown)
        return "".join(part(text) if n % 2 else re.escape(text) for n, text in enumerate(parts))

    def _filled(self, text: str) -> str:
        return _NAME.sub(lambda name: self.known.get(name[1], name[0]), text)

    def named(self, text: str) -> str:
        """Return a text with the names in the place of what they stand for."""
        for name, value in sorted(self.known.items(), key=lambda one: -len(one[1])):
            text = text.replace(value, f"{{{name}}}") if len(value) > 3 else text
        return text


async def _send(client: httpx.AsyncClient, request: Request) -> httpx.Response:
    content = request.body.encode() or None
    return await client.request(request.method, request.url, content=content, headers=dict(request.headers))


def _json(response: httpx.Response) -> Json:
    return loads(response.content) if response.content else None


async def walk(page: str) -> list[tuple[Step, httpx.Response, list[str], Walk]]:
    """Walk through a page; returns each step with its answer and what of it is not as the page says."""
    partners = simulated()
    done = []
    async with serving(shipped(SANDBOX), partners) as client:
        walked = Walk(client, partners)
        for step in steps(page):
            response = await walked.answer(step)
            done.append((step, response, walked.differences(step, response), walked))
    return done


def corrected(page: str) -> str:
    """Return the page with the answers that differ as they are."""
    for step, response, differences, walked in reversed(anyio.run(walk, page)):
        if differences:
            page = "".join(_corrected(page, step, response, walked))
    return page


def _corrected(page: str, step: Step, response: httpx.Response, walked: Walk) -> Iterator[str]:
    (start, end), (first, last) = step.words_place, step.place
    _, *headers = _SPAN.findall(step.words)
    names = [header.partition(": ")[0] for header in headers]
    told = " and ".join(f"`{name}: {walked.named(response.headers.get(name, ''))}`" for name in names)
    yield f"{page[:start]}`{response.status_code}`{f', with {told}' if told else ''}"
    if step.answer is None:
        yield page[end:]
        return
    yield page[end:first]
    yield walked.named(pretty(response.json())) + "\n"
    yield page[last:]


if __name__ == "__main__":
    for file in map(Path, sys.argv[1:]):
        file.write_text(corrected(file.read_text(encoding="utf-8")), encoding="utf-8")
