"""The bench of memory runs, and what it measures is there."""

import pytest

from agent.store.database import Store
from bench.memory import QUESTIONS, measure


@pytest.mark.alone
async def test_finding_among_many_facts_stays_within_its_time(store: Store) -> None:
    """G502: at a small size; `python -m bench.memory` does it with 10,000 facts."""
    measured = await measure(store, facts=400)
    assert measured.found > QUESTIONS / 2
    assert max(measured.words_s, measured.vectors_s) < 0.5, "a busy machine has ten times as long"
