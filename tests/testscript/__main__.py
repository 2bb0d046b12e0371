"""`python -m tests.testscript URL FILE…`: runs TestScripts, writes TestReports, prints a table; 1 where one failed."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import httpx

from tests.testscript.report import table, test_report
from tests.testscript.results import ScriptResult
from tests.testscript.runner import Servers, run_file

TIMEOUT_S = 60.0
"""How long an answer may take."""


def main(arguments: Sequence[str] | None = None, transport: httpx.AsyncBaseTransport | None = None) -> int:
    """Run what the command line names; `transport` takes the place of the network."""
    asked = _parser().parse_args(arguments)
    urls = {1: asked.url, **dict(asked.destination)}
    results = asyncio.run(_run(asked.files, urls, dict(asked.variable), transport))
    for path, result in zip(asked.files, results, strict=True):
        _write(result, urls, asked.reports or path.parent / "reports")
    print(table(results))
    return int(any(result.verdict == "fail" for result in results))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.testscript", description="Run FHIR R4 TestScripts.")
    parser.add_argument("url", metavar="URL", type=_url, help="the FHIR base, as http://127.0.0.1:8080/fhir/ehealth")
    parser.add_argument("files", metavar="FILE", nargs="+", type=Path, help="a TestScript, JSON or XML")
    parser.add_argument(
        "--reports", metavar="FOLDER", type=Path, help="takes the TestReports; else `reports` beside FILE"
    )
    parser.add_argument("--variable", metavar="NAME=VALUE", type=_pair, action="append", default=[], help="a variable")
    parser.add_argument(
        "--destination",
        metavar="N=URL",
        type=_destination,
        action="append",
        default=[],
        help="the base of destination N",
    )
    return parser


def _url(text: str) -> str:
    if not text.startswith(("http://", "https://")):
        raise argparse.ArgumentTypeError(f"{text} is no http address")
    return text.rstrip("/")


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not name or not equals:
        raise argparse.ArgumentTypeError(f"{text} is not NAME=VALUE")
    return name, value


def _destination(text: str) -> tuple[int, str]:
    number, url = _pair(text)
    if not number.isdigit():
        raise argparse.ArgumentTypeError(f"{text} is not N=URL")
    return int(number), _url(url)


async def _run(
    files: Sequence[Path], urls: dict[int, str], given: dict[str, str], transport: httpx.AsyncBaseTransport | None
) -> list[ScriptResult]:
    """Run one script after the other: they may change the same patients."""
    async with httpx.AsyncClient(timeout=TIMEOUT_S, transport=transport) as client:
        servers = Servers(urls, client)
        return [await run_file(path, servers, given) for path in files]


def _write(result: ScriptResult, urls: dict[int, str], folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    report = test_report(result, urls, datetime.now(UTC))
    path = folder / f"{result.file}.json"
    path.write_text(json.dumps(report, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
