"""docs/walkthroughs, held to the bridge: each page is walked through, from its first request to its last."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.walkthroughs import corrected, pages, steps, walk

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.stem)
async def test_every_request_of_a_page_is_answered_as_shown(page: Path) -> None:
    done = await walk(page.read_text(encoding="utf-8"))

    assert [(step.request, differences) for step, _, differences, _ in done if differences] == []


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.stem)
def test_every_request_of_a_page_has_its_answer(page: Path) -> None:
    text = page.read_text(encoding="utf-8")

    assert len(steps(text)) == text.count("```http\n") > 3


PAGE = """\
```http
GET /fhir/ehealth/Patient?_id={id}
```

Answer: `200`, with `Content-Type: application/{kind}; charset=utf-8`

```json
{
  "resourceType": "Bundle",
  "type": "{type}",
  "total": 0,
  "link": [{"relation": "self", "url": "http://bridge.test/fhir/ehealth/Patient?_id=%s"}]
}
```

```http
GET /fhir/{type}/{kind}
```

Answer: `404`

```http
GET http://healthex.test/nothing
```

Answer: `404`
"""


async def test_a_name_stands_for_what_it_stood_for_before() -> None:
    first, second, third = await walk(PAGE % "{id}")

    *_, walked = first
    assert walked.known == {"id": "%7Bid%7D", "kind": "fhir+json", "type": "searchset"}
    assert second[1].url.path == "/fhir/searchset/fhir+json"
    assert third[1].json()["statusCode"] == 404
    assert [differences for *_, differences, _ in (first, second, third)] == [[], [], []]


async def test_an_answer_that_differs_is_told_with_its_place() -> None:
    first, *_ = await walk(PAGE % "other")

    assert first[2] == [
        "$.link[0].url: 'http://bridge.test/fhir/ehealth/Patient?_id=%7Bid%7D', "
        "not 'http://bridge.test/fhir/ehealth/Patient?_id=other'"
    ]


def test_a_page_can_be_corrected() -> None:
    wrong = (PAGE % "other").replace("`404`", "`405`").replace('"total": 0', '"total": 1')

    assert corrected(wrong) == (PAGE % "%7Bid%7D")
