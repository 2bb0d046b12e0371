"""capability-statement.json at the top of the repository is what the server states, no more and no less."""

from __future__ import annotations

import pytest

from tests.capability_statement import FILE, stated, text_of

pytestmark = pytest.mark.anyio


async def test_the_file_is_what_the_hub_states() -> None:
    assert FILE.read_text(encoding="utf-8") == text_of(await stated()), "make capability-statement writes it anew"
