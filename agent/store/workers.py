"""Workers: who is alive, and which runs nobody works on. Background work over all tenants, which sees names only.

A worker has one lease, whatever it holds, and runs point to their worker. Times are the database's own and never come
from a process, whose clock may be wrong. What a worker that lost its lease still writes is refused by the attempt.
"""

from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Double, and_, bindparam, delete, exists, func, or_, select, update

from agent.principal import RunKey
from agent.store.clock import database_now
from agent.store.columns import OF_TENANT, ROW_ID
from agent.store.runs import UNFINISHED, is_unfinished
from agent.store.statements import Hot
from agent.store.tables import runs, workers
from agent.store.transaction import Transaction

CLOCK_SLACK_S = 1.0
"""How far a lease may be ahead of its own length: a clock that is put right by a little is no reason to take runs away."""

ALIVE = and_(
    workers.c.lease_until >= database_now(),
    # The clock jumped back since: without this, what a dead worker left would wait until the clock is there again.
    workers.c.lease_until <= database_now() + workers.c.lease_s + CLOCK_SLACK_S,
)
"""Whether a worker's lease is not over."""
NOBODYS = or_(runs.c.worker_id.is_(None), runs.c.worker_id.not_in(select(workers.c.id).where(ALIVE)))
_IS_ABANDONED = and_(is_unfinished(runs), runs.c.waits_until.is_(None), NOBODYS)
_IS_ANY_ABANDONED = Hot(select(runs.c.id).where(_IS_ABANDONED).limit(1))
"""Asked before all else: mostly none is."""
_of_user = (
    select(
        *(runs.c[name] for name in ("tenant_id", "id", "user_id", "conversation_id", "turn", "begun_attempts")),
        runs.c.created_at,
        func.row_number()
        .over(partition_by=(runs.c.tenant_id, runs.c.user_id), order_by=(runs.c.created_at, runs.c.id))
        .label("number"),
    )
    .where(_IS_ABANDONED)
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
_STANDING = Hot(select(runs.c.attempt, runs.c.state).where(runs.c.tenant_id == OF_TENANT, runs.c.id == ROW_ID))
_OWN = Hot(
    select(
        *(runs.c.tenant_id, runs.c.id, runs.c.attempt),
        runs.c.cancel_requested_at.is_not(None).label("is_cancel_requested"),
    ).where(is_unfinished(runs), runs.c.worker_id == bindparam("of_worker"))
)
_LEASE = {
    "lease_until": database_now() + bindparam("length", type_=Double),
    "lease_s": bindparam("length", type_=Double),
}
_RENEW = Hot(update(workers).where(workers.c.id == bindparam("of_worker")).values(_LEASE))
_BEGIN = Hot(workers.insert().values(id=bindparam("of_worker"), **_LEASE))
_END = Hot(delete(workers).where(workers.c.id == bindparam("of_worker")))
_END_ALL = Hot(delete(workers))
_ARE_DEAD = Hot(select(exists().where(~ALIVE).label("are_dead")))
_COUNT = Hot(select(func.count().label("living")).select_from(workers).where(ALIVE))
_FORGET = Hot(delete(workers).where(~ALIVE))


class Own(NamedTuple):
    """A run that points to a worker, as its row has it."""

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


async def renew_lease(connection: Transaction, worker_id: str, *, lease_s: float) -> None:
    """Let a worker's lease last `lease_s` from now on; it may be its first one. The caller commits."""
    lease = {"of_worker": worker_id, "length": lease_s}
    if await connection.change(_RENEW, lease) == 0:
        await connection.change(_BEGIN, lease)


async def end_lease(connection: Transaction, worker_id: str) -> None:
    """Let others take over at once what a worker leaves. The caller commits."""
    await connection.change(_END, {"of_worker": worker_id})


async def end_all_leases(connection: Transaction) -> None:
    """Say that nobody works on this database, because the caller knows that it is alone. The caller commits."""
    await connection.change(_END_ALL, {})


async def forget_the_dead(connection: Transaction) -> None:
    """Remove the rows of workers whose lease is over: no row means the same. The caller commits."""
    if (await connection.row(_ARE_DEAD, {})).are_dead:
        await connection.change(_FORGET, {})


async def count_living(connection: Transaction) -> int:
    """Return how many workers are alive."""
    return int((await connection.row(_COUNT, {})).living)


async def own_runs(connection: Transaction, worker_id: str) -> dict[RunKey, Own]:
    """Return the unfinished runs that point to a worker."""
    found = await connection.rows(_OWN, {"of_worker": worker_id})
    return {RunKey(row.tenant_id, row.id): Own(row.attempt, row.is_cancel_requested) for row in found}


async def abandoned_runs(connection: Transaction, *, most: int) -> list[Abandoned]:
    """Return up to `most` unfinished runs without a living worker, over all tenants: names only, no content.

    Each tenant's, and within it each user's, by turns; of one user, the oldest first.
    """
    if await connection.row(_IS_ANY_ABANDONED, {}) is None:
        return []
    found = await connection.execute(_ABANDONED, {"most": most})
    return [Abandoned._make(row) for row in found]


async def standing(connection: Transaction, key: RunKey) -> tuple[int, bool] | None:
    """Return the newest attempt at a run and whether it has its end, whoever has it; None where there is no such run."""
    found = await connection.row(_STANDING, {"of_tenant": key.tenant_id, "of_id": key.run_id})
    return None if found is None else (int(found.attempt), found.state not in UNFINISHED)
