"""Random faults under load: nothing acknowledged is lost, nothing is done twice, nobody reads what is not theirs."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.chaos import kinds_on, unleash
from support.cluster_chaos import unleash_on_cluster
from support.postgres import PostgresProcess, open_postgres_process
from support.processes import Nursery


@pytest.fixture(params=["sqlite", "postgresql"])
def server(request: pytest.FixtureRequest) -> str | None:
    """The URL of a PostgreSQL server, or None for SQLite."""
    url: str | None = request.getfixturevalue("postgres") if request.param == "postgresql" else None
    return url


@pytest.mark.timeout(300)
async def test_faults_of_every_kind_break_no_invariant(server: str | None, nursery: Nursery, tmp_path: Path) -> None:
    """G1 G2 G10 G12 G250 G251 G260 G262 G263: I1 to I16. `scripts/chaos --kills 200` does the same for longer."""
    report = await unleash(tmp_path, kills=6, seed=1, users=7, postgres=server, calm_lives=1, nursery=nursery)
    assert report.verdict.is_clean, f"{report}\n{report.verdict.details()}"
    assert report.recovered > 0, "nothing was recovered: the test would prove nothing"
    assert report.answers["approved"] > 0, "nobody said yes: the test would prove less"
    assert report.counts.resumes > 0, "nobody resumed: the test would prove nothing"
    assert kinds_on("postgresql" if server else "sqlite") <= {kind for kind, number in report.made.items() if number}, (
        report
    )


@pytest.fixture
def restarting() -> Iterator[PostgresProcess]:
    """A PostgreSQL server that nobody else minds the restarts of."""
    with open_postgres_process() as process:
        yield process


@pytest.mark.timeout(600)
async def test_faults_of_processes_and_engines_at_once_break_no_invariant(
    restarting: PostgresProcess, tmp_path: Path
) -> None:
    """G320: I1 to I16. `scripts/chaos --cluster --kills 200` does the same for longer."""
    faults = {"kills", "restarts", "silent", "redis"}
    report = await unleash_on_cluster(
        tmp_path, restarting, processes=2, kills=4, seed=1, users=3, faults=faults, pace=0.2
    )
    assert report.verdict.is_clean, f"{report}\n{report.verdict.details()}"
    assert report.recovered > 0, "nothing was recovered: the test would prove nothing"
    assert report.counts.resumes > 0, "nobody resumed: the test would prove nothing"
    assert faults <= {kind for kind, number in report.made.items() if number}, report
