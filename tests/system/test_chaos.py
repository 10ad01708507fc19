"""Random kills under load: nothing acknowledged is lost, nothing is done twice, nobody reads what is not theirs."""

from pathlib import Path
from random import SystemRandom

import pytest
from support.chaos import unleash

pytestmark = pytest.mark.alone


@pytest.mark.timeout(300)
async def test_twenty_random_kills_break_no_invariant(tmp_path: Path) -> None:
    """G1 G2 G10 G12: I1 to I10. `scripts/chaos --kills 200` does the same for longer; a seed in a failure's message repeats its choices."""
    report = await unleash(tmp_path, kills=20, seed=SystemRandom().randrange(10**6), users=9)
    assert report.verdict.is_clean, f"{report}\n{report.verdict.details()}"
    assert report.recovered > 0, "nothing was recovered: the test would prove nothing"
    assert report.counts.resumes > 0, "nobody resumed: the test would prove nothing"
