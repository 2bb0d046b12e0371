"""docs/interactions.md, held to the mapping files."""

from tests.interactions import PAGE, page


def test_the_page_tells_each_interaction_and_its_calls() -> None:
    assert page() == PAGE.read_text(encoding="utf-8"), "run `make interactions`"
