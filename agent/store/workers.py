"""Workers: who is alive, and which runs nobody works on. Background work over all tenants, which sees names only.

A worker has one lease, whatever it holds, and runs point to their worker. Times are the database's own and never come
from a process, whose clock may be wrong. What a worker that lost its lease still writes is refused by the attempt.
"""

from typing import NamedTuple
from uuid import UUID

from sqlalchemy import and_, bindparam, delete, exists, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from agent.principal import RunKey
from agent.store.clock import database_now
from agent.store.runs import is_unfinished, rows_changed
from agent.store.tables import runs, workers

CLOCK_SLACK_S = 1.0
"""How far a lease may be ahead of its own length: a clock that is put right by a little is no reason to take runs away."""

_ALIVE = and_(
    workers.c.lease_until >= database_now(),
    # The clock jumped back since: without this, what a dead worker left would wait until the clock is there again.
    workers.c.lease_until <= database_now() + workers.c.lease_s + CLOCK_SLACK_S,
)
NOBODYS = or_(runs.c.worker_id.is_(None), runs.c.worker_id.not_in(select(workers.c.id).where(_ALIVE)))
_of_user = (
    select(
        *(runs.c[name] for name in ("tenant_id", "id", "user_id", "conversation_id", "turn", "begun_attempts")),
        runs.c.created_at,
        func.row_number()
        .over(partition_by=(runs.c.tenant_id, runs.c.user_id), order_by=(runs.c.created_at, runs.c.id))
        .label("number"),
    )
    .where(is_unfinished(runs), NOBODYS)
    .subquery("of_user")
)
_of_tenant = select(
    _of_user,
    func.row_number()
    .over(partition_by=_of_user.c.tenant_id, order_by=(_of_user.c.number, _of_user.c.created_at, _of_user.c.id))
    .label("rank"),
).subquery("of_tenant")
_next = (
    select(_of_tenant)
    .order_by(_of_tenant.c.rank, _of_tenant.c.created_at, _of_tenant.c.id)
    .limit(bindparam("most"))
    .subquery("next")
)
_earlier = runs.alias("earlier")
_ABANDONED = select(
    *(_next.c[name] for name in ("tenant_id", "id", "user_id", "conversation_id", "begun_attempts")),
    ~exists()
    .where(
        _earlier.c.tenant_id == _next.c.tenant_id,
        _earlier.c.conversation_id == _next.c.conversation_id,
        _earlier.c.turn < _next.c.turn,
        is_unfinished(_earlier),
    )
    .label("is_first"),
).order_by(_next.c.rank, _next.c.created_at, _next.c.id)
_OWN = select(runs.c.tenant_id, runs.c.id, runs.c.attempt, runs.c.cancel_requested_at.is_not(None)).where(
    is_unfinished(runs), runs.c.worker_id == bindparam("of_worker")
)
_RENEW = update(workers).where(workers.c.id == bindparam("of_worker"))


class Own(NamedTuple):
    """What the row says of a run that points to a worker."""

    attempt: int
    is_cancel_requested: bool = False


class Abandoned(NamedTuple):
    """A run that nobody works on, and what decides whether there is room for it."""

    tenant_id: str
    run_id: UUID
    user_id: str
    conversation_id: UUID
    begun_attempts: int
    is_first: bool
    """Whether no earlier turn of its conversation is unfinished."""

    @property
    def key(self) -> RunKey:
        return RunKey(self.tenant_id, self.run_id)


async def renew_lease(connection: AsyncConnection, worker_id: str, *, lease_s: float) -> None:
    """Let a worker's lease last `lease_s` from now on; it may be its first one. The caller commits."""
    lease = {"lease_until": database_now() + lease_s, "lease_s": lease_s}
    if rows_changed(await connection.execute(_RENEW.values(**lease), {"of_worker": worker_id})) == 0:
        await connection.execute(workers.insert().values(id=worker_id, **lease))


async def end_lease(connection: AsyncConnection, worker_id: str) -> None:
    """Let others take over at once what a worker leaves. The caller commits."""
    await connection.execute(delete(workers).where(workers.c.id == worker_id))


async def end_all_leases(connection: AsyncConnection) -> None:
    """Say that nobody works on this database, because the caller knows that it is alone. The caller commits."""
    await connection.execute(delete(workers))


async def forget_the_dead(connection: AsyncConnection) -> None:
    """Remove the rows of workers whose lease is over: no row means the same. The caller commits."""
    if (await connection.execute(select(exists().where(~_ALIVE)))).scalar_one():
        await connection.execute(delete(workers).where(~_ALIVE))


async def own_runs(connection: AsyncConnection, worker_id: str) -> dict[RunKey, Own]:
    """Return the unfinished runs that point to a worker."""
    found = await connection.execute(_OWN, {"of_worker": worker_id})
    return {RunKey(tenant_id, run_id): Own(*row) for tenant_id, run_id, *row in found}


async def abandoned_runs(connection: AsyncConnection, *, most: int) -> list[Abandoned]:
    """Return up to `most` unfinished runs without a living worker, over all tenants: names only, no content.

    Each tenant's, and within it each user's, by turns; of one user, the oldest first.
    """
    found = await connection.execute(_ABANDONED, {"most": most})
    return [Abandoned(*row[:5], is_first=bool(row.is_first)) for row in found]
