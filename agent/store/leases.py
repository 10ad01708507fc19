"""Leases: which worker may work on a run, and until when. Background work over all tenants, which sees names only."""

from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, and_, bindparam, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from agent.store.runs import is_unfinished, rows_changed
from agent.store.tables import runs

_ABANDONED = (
    select(runs.c.tenant_id, runs.c.id)
    .where(is_unfinished(runs), runs.c.lease_until < bindparam("now"))
    .order_by(runs.c.created_at, runs.c.id)
)


class RunName(NamedTuple):
    """Names a run for background work."""

    tenant_id: str
    run_id: UUID


async def renew_leases(
    connection: AsyncConnection, held: Collection[RunName], *, worker_id: str, lease_s: float
) -> set[RunName]:
    """Prolong a worker's leases on the runs that it holds; return those that are still its own. The caller commits.

    A run that it let go without an end is not held: its lease runs out, and somebody takes it over.
    """
    until = datetime.now(UTC) + timedelta(seconds=lease_s)
    renewed = await connection.execute(
        update(runs)
        .where(
            runs.c.tenant_id.in_({name.tenant_id for name in held}),
            runs.c.id.in_({name.run_id for name in held}),
            runs.c.worker_id == worker_id,
            is_unfinished(runs),
        )
        .values(lease_until=until)
        .returning(runs.c.tenant_id, runs.c.id)
    )
    return {RunName(row.tenant_id, row.id) for row in renewed}


async def abandoned_runs(connection: AsyncConnection) -> list[RunName]:
    """Return the unfinished runs whose lease has expired, over all tenants, oldest first: names only, no content."""
    found = await connection.execute(_ABANDONED, {"now": datetime.now(UTC)})
    return [RunName(row.tenant_id, row.id) for row in found]


async def take_over(
    connection: AsyncConnection, name: RunName, *, worker_id: str, lease_s: float, most_attempts: int
) -> str | None:
    """Make an abandoned run this worker's, as its next attempt; return its user. The caller commits.

    None where somebody else was faster, or where it has had all its attempts. Those that died while they waited are none.
    """
    now = datetime.now(UTC)
    result = await connection.execute(
        update(runs)
        .where(
            _is_abandoned(name, now),
            runs.c.begun_attempts < most_attempts,
        )
        .values(attempt=runs.c.attempt + 1, worker_id=worker_id, lease_until=now + timedelta(seconds=lease_s))
        .returning(runs.c.user_id)
    )
    user_id: str | None = result.scalar_one_or_none()
    return user_id


async def fail_run(connection: AsyncConnection, name: RunName, *, code: str, attempts: int) -> bool:
    """End an abandoned run that began `attempts` attempts; False where that is not so any more. The caller commits."""
    now = datetime.now(UTC)
    result = await connection.execute(
        update(runs)
        .where(
            _is_abandoned(name, now),
            runs.c.begun_attempts >= attempts,
        )
        .values(state="failed", finish_reason="error", error_code=code, ended_at=now, worker_id=None, lease_until=None)
    )
    return rows_changed(result) == 1


def _is_abandoned(name: RunName, now: datetime) -> ColumnElement[bool]:
    return and_(
        runs.c.tenant_id == name.tenant_id, runs.c.id == name.run_id, is_unfinished(runs), runs.c.lease_until < now
    )
