"""What changes a run's row, and nothing else does: begin, go on, hold, end, release, take over, cancel.

`queued -> running -> completed | failed | cancelled`. A worker owns a running run by its attempt number. Every write for
a run first passes `hold_run`, so a worker that lost it finds out before it changes anything. Whoever calls these tells the
log and counts the end, so only the writer and its neighbour for runs that nobody here holds do (`agent/attempt`).
"""

from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy import ColumnElement, and_, bindparam, exists, func, or_, select, true, update
from sqlalchemy.ext.asyncio import AsyncConnection

from agent.errors import LeaseLostError, NotFoundError
from agent.principal import Principal, RunKey
from agent.store.columns import OF_TENANT, OF_USER, ROW_ID, Instant
from agent.store.conversations import of
from agent.store.runs import IS_GONE, OWNED_RUN, RunEnd, is_unfinished, rows_changed
from agent.store.tables import runs
from agent.store.workers import NOBODYS

_NAMED = and_(runs.c.tenant_id == OF_TENANT, runs.c.id == ROW_ID)
_OF_ATTEMPT = and_(_NAMED, runs.c.attempt == bindparam("of_attempt"))
_earlier = runs.alias()
_CLAIM = (
    update(runs)
    .where(
        _NAMED,
        runs.c.state == "queued",
        runs.c.worker_id == bindparam("of_worker"),
        ~exists().where(
            _earlier.c.tenant_id == runs.c.tenant_id,
            _earlier.c.conversation_id == runs.c.conversation_id,
            _earlier.c.turn < runs.c.turn,
            is_unfinished(_earlier),
        ),
    )
    .values(state="running", started_at=bindparam("now"), begun_attempts=runs.c.begun_attempts + 1)
)
_RESUME = update(runs).where(_OF_ATTEMPT, runs.c.state == "running").values(begun_attempts=runs.c.begun_attempts + 1)
_IS_AT_WORK = select(runs.c.cancel_requested_at).where(_OF_ATTEMPT, runs.c.state == "running")
_HOLD = (
    update(runs)
    .where(_OF_ATTEMPT, runs.c.state == "running")
    .values(state="running")
    .returning(runs.c.cancel_requested_at)
)
_UPDATE_SEEN = update(runs).where(_NAMED, ~IS_GONE)
_UPDATE_UNFINISHED = update(runs).where(_OF_ATTEMPT, is_unfinished(runs))
_CANCEL = update(runs).where(OWNED_RUN, runs.c.id == ROW_ID, is_unfinished(runs), NOBODYS)
_REQUEST = (
    update(runs)
    .where(OWNED_RUN, runs.c.id == ROW_ID, is_unfinished(runs))
    .values(cancel_requested_at=func.coalesce(runs.c.cancel_requested_at, bindparam("now", type_=Instant)))
)
_CANCEL_OF_CONVERSATION = (
    update(runs)
    .where(
        runs.c.tenant_id == OF_TENANT,
        runs.c.user_id == OF_USER,
        runs.c.conversation_id == ROW_ID,
        is_unfinished(runs),
    )
    .values(state="cancelled", finish_reason="cancelled", ended_at=bindparam("now"), worker_id=None)
    .returning(runs.c.id)
)


async def claim_run(connection: AsyncConnection, tenant_id: str, run_id: UUID, *, worker_id: str) -> bool:
    """Let a queued run of this worker begin, if no earlier turn of its conversation is unfinished. The caller commits."""
    place = {"of_tenant": tenant_id, "of_id": run_id, "of_worker": worker_id, "now": datetime.now(UTC)}
    return rows_changed(await connection.execute(_CLAIM, place)) == 1


async def resume_run(
    connection: AsyncConnection, tenant_id: str, run_id: UUID, *, attempt: int, counts: bool = True
) -> bool:
    """Go on with a running run, and count the attempt where it `counts`; False where the run is another's by now.

    The caller commits.
    """
    statement = _RESUME if counts else _HOLD
    return rows_changed(await connection.execute(statement, _attempt(tenant_id, run_id, attempt))) == 1


async def hold_run(connection: AsyncConnection, tenant_id: str, run_id: UUID, *, attempt: int) -> bool:
    """Lock the run's row for this transaction, as its owner; return whether another process asks to stop the run.

    Raises:
        LeaseLostError: the run is over, gone, or belongs to another attempt.
    """
    held = (await connection.execute(_HOLD, _attempt(tenant_id, run_id, attempt))).one_or_none()
    if held is None:
        raise LeaseLostError(f"run {run_id}, attempt {attempt}")
    return held[0] is not None


async def check_attempt(connection: AsyncConnection, tenant_id: str, run_id: UUID, *, attempt: int) -> bool:
    """Return whether another process asks to stop the run, which is at work and belongs to this attempt; it is not locked.

    Raises:
        LeaseLostError: it is over, gone, or belongs to another attempt.
    """
    found = (await connection.execute(_IS_AT_WORK, _attempt(tenant_id, run_id, attempt))).one_or_none()
    if found is None:
        raise LeaseLostError(f"run {run_id}, attempt {attempt}")
    return found[0] is not None


async def end_run(
    connection: AsyncConnection,
    tenant_id: str,
    run_id: UUID,
    *,
    attempt: int,
    end: RunEnd,
    history_hash: str | None = None,
) -> None:
    """Write the run's one end, and the hash of all that was said by now where there is one. The caller commits.

    Raises:
        LeaseLostError: the run is over already, gone, or belongs to another attempt.
    """
    ended = {
        **_attempt(tenant_id, run_id, attempt),
        "state": end.status,
        "finish_reason": end.finish_reason,
        "error_code": end.error_code,
        "input_tokens": end.usage.input_tokens,
        "output_tokens": end.usage.output_tokens,
        "ended_at": datetime.now(UTC),
        "worker_id": None,
    }
    if history_hash is not None:
        ended["history_hash"] = history_hash
    if rows_changed(await connection.execute(_UPDATE_UNFINISHED, ended)) != 1:
        raise LeaseLostError(f"run {run_id}, attempt {attempt}")


async def set_suggestions(
    connection: AsyncConnection, tenant_id: str, run_id: UUID, *, questions: tuple[str, ...]
) -> None:
    """Keep the follow-up questions of an ended run. The caller commits.

    Raises:
        NotFoundError: its conversation was deleted.
    """
    offered = {"of_tenant": tenant_id, "of_id": run_id, "suggestions": list(questions)}
    if rows_changed(await connection.execute(_UPDATE_SEEN, offered)) != 1:
        raise NotFoundError("No such run.")


async def release_run(connection: AsyncConnection, tenant_id: str, run_id: UUID, *, attempt: int) -> None:
    """Let another worker take the run over at once. The caller commits."""
    released = {**_attempt(tenant_id, run_id, attempt), "worker_id": None}
    await connection.execute(_UPDATE_UNFINISHED, released)


async def take_over(
    connection: AsyncConnection, run: RunKey, *, worker_id: str, most_attempts: int | None
) -> str | None:
    """Make a run this worker's, as its next attempt; return its user. The caller commits.

    It is an abandoned one, or one of this worker's own that it does not hold. None where somebody else was faster, or
    where it has begun `most_attempts` attempts. Those that died while they waited are none.
    """
    is_left = runs.c.begun_attempts < most_attempts if most_attempts is not None else true()
    result = await connection.execute(
        update(runs)
        .where(_is_free(run, worker_id), is_left)
        .values(attempt=runs.c.attempt + 1, worker_id=worker_id)
        .returning(runs.c.user_id)
    )
    user_id: str | None = result.scalar_one_or_none()
    return user_id


async def fail_run(connection: AsyncConnection, run: RunKey, *, worker_id: str, code: str, attempts: int) -> str | None:
    """End a run that `take_over` may take and that began `attempts` attempts; return its user. None where that is not so.

    The caller commits.
    """
    result = await connection.execute(
        update(runs)
        .where(_is_free(run, worker_id), runs.c.begun_attempts >= attempts)
        .values(state="failed", finish_reason="error", error_code=code, ended_at=datetime.now(UTC), worker_id=None)
        .returning(runs.c.user_id)
    )
    user_id: str | None = result.scalar_one_or_none()
    return user_id


async def cancel_run(connection: AsyncConnection, principal: Principal, run_id: UUID) -> bool:
    """End the principal's run, if no living worker has it; what a dead one still writes is refused. The caller commits."""
    ended = {"state": "cancelled", "finish_reason": "cancelled", "ended_at": datetime.now(UTC), "worker_id": None}
    return rows_changed(await connection.execute(_CANCEL.values(**ended), of(principal, run_id))) == 1


async def request_cancel(connection: AsyncConnection, principal: Principal, run_id: UUID) -> bool:
    """Ask whoever has the principal's run to end it; False where it is over or there is none. The caller commits."""
    return rows_changed(await connection.execute(_REQUEST, {**of(principal, run_id), "now": datetime.now(UTC)})) == 1


async def cancel_runs(
    connection: AsyncConnection, principal: Principal, conversation_id: UUID, *, now: datetime
) -> list[UUID]:
    """End all runs of the principal's conversation, whoever holds them; return those. The caller commits."""
    place = {**of(principal, conversation_id), "now": now}
    return list((await connection.execute(_CANCEL_OF_CONVERSATION, place)).scalars())


def _attempt(tenant_id: str, run_id: UUID, attempt: int) -> dict[str, object]:
    return {"of_tenant": tenant_id, "of_id": run_id, "of_attempt": attempt}


def _is_free(run: RunKey, worker_id: str) -> ColumnElement[bool]:
    return and_(
        runs.c.tenant_id == run.tenant_id,
        runs.c.id == run.run_id,
        is_unfinished(runs),
        or_(runs.c.worker_id == worker_id, NOBODYS),
    )
