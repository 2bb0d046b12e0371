"""How the work for a request grows with its size: each kind of large request at n, 2n and 4n, in one process.

`python -m benchmarks.growth [WORD …]` prints, for each kind whose name holds one of the words, the milliseconds of the
three sizes, the status of the answer, and by what the time grew from 2n to 4n: 2 is in step with the size. No partner
is asked: each gives the answer that the kind writes down. The largest of each kind is near the limits of a request.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import anyio

from benchmarks import requests_of_size
from tests.serving import READY, Canned, serving, shipped

Json = Any

TOO_STEEP = 2.8
"""A factor that marks a kind: what grows with the square of its size has 4."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of request: `body` makes that of size n, `answer` the partner's; the smallest has size `n`."""

    name: str
    method: str
    url: str
    n: int
    body: Callable[[int], bytes | Json] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    answer: Callable[[int], Json] | None = None

    def content(self, n: int) -> bytes:
        made = self.body(n) if self.body is not None else b""
        return made if isinstance(made, bytes) else json.dumps(made, separators=(",", ":")).encode()


async def measure(kind: Kind) -> tuple[list[float], int, int]:
    """Return the milliseconds of the three sizes, and the status and bytes of the largest one's answer."""
    times, status, size = [], 0, 0
    for n in (kind.n, 2 * kind.n, 4 * kind.n):
        partner = Canned()
        partner.answer(200, kind.answer(n) if kind.answer is not None else {"data": {"id": "1"}})
        content = kind.content(n)
        async with serving(ROUTES, partner.everywhere()) as client:
            started = time.perf_counter()
            headers = {"Content-Type": "application/fhir+json", **kind.headers}
            answer = await client.request(kind.method, kind.url, content=content, headers=headers, timeout=600)
            times.append((time.perf_counter() - started) * 1000)
        status, size = answer.status_code, len(answer.content)
    return times, status, size


ROUTES = shipped(READY)


async def main(words: Iterable[str]) -> None:
    words = list(words)
    print(f"{'kind':52}{'n':>8}{'ms':>8}{'2n ms':>8}{'4n ms':>8}{'grew':>7}  status  bytes of the answer")
    for kind in (Kind(*each) for each in requests_of_size.KINDS):
        if words and not any(word in kind.name for word in words):
            continue
        (first, second, third), status, size = await measure(kind)
        grew = third / second
        mark = "  <-- steep" if grew > TOO_STEEP and third > 100 else ""
        print(
            f"{kind.name:52}{kind.n:8}{first:8.0f}{second:8.0f}{third:8.0f}{grew:7.1f}  {status:6}  {size}{mark}",
            flush=True,
        )


if __name__ == "__main__":
    anyio.run(main, sys.argv[1:])
