"""README.md tells the truth: its calls are made, its links lead somewhere, its patients are there."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest

from fhir_bridge.outcome import Json
from fhir_bridge.sandbox import ehealth, healthex, wmda
from fhir_bridge.sandbox.welcome import CALLS, curl
from tests.e2e.processes import ran
from tests.serving import SANDBOX, serving, shipped, simulated

pytestmark = pytest.mark.anyio

TOP = Path(__file__).parents[2]
README = (TOP / "README.md").read_text(encoding="utf-8")
PARTNERS = ("healthex", "ehealth", "wmda", "roche")
THE_SAME = "the same Bundle"


class Message(NamedTuple):
    """One block of HTTP: its first line, the headers that it shows, and its JSON."""

    start: str
    headers: dict[str, str]
    body: Json


class Exchange(NamedTuple):
    """What the client sends, what the partner gets, what the client gets."""

    request: Message
    partner: Message
    answer: Message


class Recorder(httpx.AsyncBaseTransport):
    """Lets calls through to a partner, and keeps them."""

    def __init__(self, inner: httpx.AsyncBaseTransport) -> None:
        self.requests: list[httpx.Request] = []
        self._inner = inner

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        return await self._inner.handle_async_request(request)


def section(heading: str) -> str:
    """Return the text below a heading, up to the next one of its rank."""
    return README.split(f"\n{heading}\n")[1].split(f"\n{heading.split()[0]} ")[0]


def message(block: str, sent: Json = None) -> Message:
    head, _, body = block.rstrip("\n").partition("\n\n")
    start, *lines = head.splitlines()
    headers = dict(line.split(": ", 1) for line in lines)
    return Message(start, headers, sent if body == THE_SAME else json.loads(body))


def exchanges() -> list[Exchange]:
    """Return the four calls, each with its three blocks."""
    blocks = re.findall(r"^```http\n(.*?)^```$", section("## The four calls"), flags=re.MULTILINE | re.DOTALL)
    assert len(blocks) == 3 * len(PARTNERS)
    found = []
    for first, second, third in zip(*[iter(blocks)] * 3, strict=True):
        request = message(first)
        found.append(Exchange(request, message(second, request.body), message(third, request.body)))
    return found


def at_noon() -> datetime:
    return datetime(2026, 11, 21, 12, tzinfo=UTC)


def recorders() -> dict[str, Recorder]:
    """The simulated partners, with a clock that stands still and an id that is known."""
    apps = simulated(
        healthex=healthex.create_app(now=at_noon, new_id=lambda: "8f14e45f-ceea-467a-9c1e-1b2f0f6f5a11"),
        ehealth=ehealth.create_app(now=at_noon),
        wmda=wmda.create_app(now=at_noon),
    )
    return {partner: Recorder(app) for partner, app in apps.items()}


def shown(headers: Mapping[str, str], names: Mapping[str, str]) -> dict[str, str]:
    """Return the headers of these names; one that is missing is missing here too."""
    return {name: headers[name] for name in names if name in headers}


@pytest.mark.parametrize(("partner", "exchange"), list(zip(PARTNERS, exchanges(), strict=True)), ids=PARTNERS)
async def test_each_call_does_what_is_written(partner: str, exchange: Exchange) -> None:
    partners = recorders()
    method, path = exchange.request.start.split(" ")

    async with serving(shipped(SANDBOX), partners) as client:
        content = json.dumps(exchange.request.body).encode()
        answer = await client.request(method, path, headers=exchange.request.headers, content=content)

    call = partners[partner].requests[-1]
    assert exchange.partner == Message(
        f"{call.method} {call.url.raw_path.decode()}",
        shown(call.headers, exchange.partner.headers),
        json.loads(call.content),
    )
    assert exchange.answer == Message(
        f"{answer.status_code} {HTTPStatus(answer.status_code).phrase}",
        shown(answer.headers, exchange.answer.headers),
        answer.json(),
    )


def test_the_first_call_is_one_that_the_sandbox_prints() -> None:
    assert curl("http://127.0.0.1:8080", CALLS[2]) in section("## A minute to the first call")


def test_the_command_that_explains_does() -> None:
    (command,) = re.findall(r"^\.venv/bin/fhir-bridge (explain .*?)\n```", README, flags=re.MULTILINE | re.DOTALL)

    status, out, err = ran(*shlex.split(command.replace("\\\n", "")))

    assert (status, err) == (0, "")
    assert "\nPUT $WMDA_BASE_URL/patients/status\n" in out


def test_every_link_leads_to_a_file() -> None:
    links = re.findall(r"\]\(([^)]+)\)", README)

    assert [link for link in links if not (TOP / link).is_file()] == []
    assert "docs/sandbox.md" in links


def test_every_target_of_make_is_there() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (TOP / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE))

    assert set(re.findall(r"\bmake ([a-z-]+)\b(?=[`\n])", README)) == {"run", "test", "interop", "dist"} & targets


def test_everybody_in_the_table_stands_in_the_sandbox() -> None:
    sandbox = (TOP / "docs/sandbox.md").read_text(encoding="utf-8")
    patients = re.findall(r"^\|.*?\| `(\S+)` \|", section("## Who stands in the sandbox"), flags=re.MULTILINE)

    assert len(patients) == 13
    assert [patient for patient in patients if f"| `{patient}` |" not in sandbox] == []


def test_the_rows_that_it_shows_are_those_of_the_mapping_file() -> None:
    (rows,) = re.findall(r"^```yaml\nrows:\n(.*?)^```$", README, flags=re.MULTILINE | re.DOTALL)
    mapping = (TOP / "mappings/ehealth.yaml").read_text(encoding="utf-8")
    written = {" ".join(line.split()) for line in mapping.splitlines()}

    assert [row for row in rows.splitlines() if " ".join(row.split()) not in written] == []
