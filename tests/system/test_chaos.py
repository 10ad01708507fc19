"""Random faults under load: nothing acknowledged is lost, nothing is done twice, nobody reads what is not theirs."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.chaos import kinds_on, unleash
from support.cluster_chaos import unleash_on_cluster
from support.postgres import PostgresProcess, open_postgres_process
from support.processes import Nursery

GATING = {"sqlite": {"kills", "stalls", "locked", "deletions"}, "postgresql": {"kills", "silent", "deletions"}}
"""The kinds of faults that gate, on each database: each but wrong clocks, each of which is a parent of processes of its own."""


@pytest.fixture(params=["sqlite", "postgresql"])
def server(request: pytest.FixtureRequest) -> str | None:
    """The URL of a PostgreSQL server, or None for SQLite."""
    url: str | None = request.getfixturevalue("postgres") if request.param == "postgresql" else None
    return url


@pytest.mark.timeout(300)
@pytest.mark.parametrize("is_whole", [False, pytest.param(True, marks=pytest.mark.long)], ids=["small", "whole"])
async def test_faults_of_every_kind_break_no_invariant(
    server: str | None, nursery: Nursery, tmp_path: Path, is_whole: bool
) -> None:
    """G1 G2 G10 G12 G250 G251 G260 G262 G263: I1 to I16. `scripts/chaos --kills 200` does the same for longer."""
    database = "postgresql" if server else "sqlite"
    faults = kinds_on(database) if is_whole else GATING[database]
    kills, users, calm = (6, 7, 1) if is_whole else (2, 5, 0)
    report = await unleash(
        tmp_path, kills=kills, users=users, calm_lives=calm, seed=1, postgres=server, faults=faults, nursery=nursery
    )
    assert report.verdict.is_clean, f"{report}\n{report.verdict.details()}"
    assert report.recovered > 0, "nothing was recovered: the test would prove nothing"
    assert report.was_agreed, "nobody said yes: the test would prove less"
    assert report.counts.resumes > 0, "nobody resumed: the test would prove nothing"
    assert faults <= {kind for kind, number in report.made.items() if number}, report


@pytest.fixture
def restarting() -> Iterator[PostgresProcess]:
    """A PostgreSQL server that nobody else minds the restarts of."""
    with open_postgres_process() as process:
        yield process


@pytest.mark.timeout(600)
@pytest.mark.parametrize("kills", [2, pytest.param(4, marks=pytest.mark.long)])
async def test_faults_of_processes_and_engines_at_once_break_no_invariant(
    restarting: PostgresProcess, nursery: Nursery, tmp_path: Path, kills: int
) -> None:
    """G320: I1 to I16. `scripts/chaos --cluster --kills 200` does the same for longer."""
    faults = {"kills", "restarts", "silent", "redis"}
    report = await unleash_on_cluster(
        tmp_path, restarting, processes=2, kills=kills, seed=1, users=3, faults=faults, pace=0.2, nursery=nursery
    )
    assert report.verdict.is_clean, f"{report}\n{report.verdict.details()}"
    assert report.recovered > 0, "nothing was recovered: the test would prove nothing"
    assert report.counts.resumes > 0, "nobody resumed: the test would prove nothing"
    assert faults <= {kind for kind, number in report.made.items() if number}, report
