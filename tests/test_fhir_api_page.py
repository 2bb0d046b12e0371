"""docs/fhir-api.md, held to the bridge: each request of the page is sent, and answered as the page says.

`python -m tests.test_fhir_api_page` writes the answers of its blocks anew, after a text of the bridge has changed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import anyio
import pytest

from tests.error_examples import Bridges, Example, Request, answers, examples, read_request, written

pytestmark = pytest.mark.anyio

PAGE = Path(__file__).parents[1] / "docs" / "fhir-api.md"
TEXT = PAGE.read_text(encoding="utf-8")

_ROW = re.compile(r"^\|.* \| (?P<status>\d{3}) \| (?P<try>`.*`) \|$", re.MULTILINE)


def trials() -> Iterator[object]:
    """Return status and request of each row of the tables."""
    for row in _ROW.finditer(TEXT):
        request = _request(row)
        yield pytest.param(int(row["status"]), request, id=f"{row['status']} {request.method} {request.url}")


def requests_of_tables() -> list[Request]:
    return [_request(row) for row in _ROW.finditer(TEXT)]


def _request(row: re.Match[str]) -> Request:
    line, *spans = re.findall(r"`([^`]+)`", row["try"].replace(r"\|", "|"))
    headers = [span for span in spans if re.match(r"[A-Za-z-]+: ", span)]
    body = [span for span in spans if span not in headers]
    return read_request("\n".join([line, *headers, "", *body]))


@pytest.fixture(scope="module")
def bridges() -> Bridges:
    return Bridges()


@pytest.mark.parametrize(("status", "request_"), list(trials()))
async def test_a_request_of_a_table_is_answered_with_its_status(
    bridges: Bridges, status: int, request_: Request
) -> None:
    response = await bridges.answer(request_)

    assert response.status_code == status, response.text


@pytest.mark.parametrize("example", examples(TEXT), ids=lambda example: example.request.url)
async def test_a_request_of_a_block_is_answered_as_shown(bridges: Bridges, example: Example) -> None:
    response = await bridges.answer(example.request)

    assert written(response) == (example.answer, example.outcome)


def test_every_row_of_a_table_has_a_request() -> None:
    rows = [line for line in TEXT.splitlines() if line.startswith("| ") and not re.match(r"\| (what|`Prefer`) ", line)]

    assert [row for row in rows if not _ROW.fullmatch(row)] == []


def main() -> None:
    page = TEXT
    for example, (words, outcome) in reversed(list(zip(examples(page), anyio.run(answers, page), strict=True))):
        (start, end), (first, last) = example.places
        page = page[:start] + words + page[end:first] + outcome + page[last:]
    PAGE.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
