"""The transitions of a run's row, which nothing else changes: begin, go on, hold, wait, end, release, take over, cancel.

`queued -> running -> completed | failed | cancelled`, and `running -> waiting -> queued` where it needs a person's yes. A worker
owns a running run by its attempt number. Every write for a run first passes `hold_run`, so a worker that lost it finds out
before it changes anything. Whoever calls these tells the log and counts the end, so only the writer and its neighbour for runs
that nobody here holds do (`agent/attempt`).
"""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import and_, bindparam, exists, func, or_, select, update

from agent.errors import LeaseLostError, NotFoundError
from agent.principal import Principal, RunKey
from agent.store.columns import OF_TENANT, OF_USER, ROW_ID, Instant, Json
from agent.store.conversations import of
from agent.store.runs import IS_GONE, OWNED_RUN, Run, RunEnd, is_unfinished
from agent.store.statements import Hot
from agent.store.tables import runs
from agent.store.transaction import Transaction
from agent.store.workers import NOBODYS

_NAMED = and_(runs.c.tenant_id == OF_TENANT, runs.c.id == ROW_ID)
OF_ATTEMPT = and_(_NAMED, runs.c.attempt == bindparam("of_attempt"))
_earlier = runs.alias()
_CLAIM = Hot(
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
_RESUME = Hot(
    update(runs).where(OF_ATTEMPT, runs.c.state == "running").values(begun_attempts=runs.c.begun_attempts + 1)
)
_CHANGE_MODEL = Hot(update(runs).where(OF_ATTEMPT, runs.c.state == "running"), "model", "model_changed", "used_before")
# No update: a lock writes nothing. It is the one that an update takes; SQLite, whose writers are one at a time, needs none.
_HOLD = Hot(
    select(runs.c.cancel_requested_at).where(OF_ATTEMPT, runs.c.state == "running").with_for_update(key_share=True)
)
_OFFER = Hot(
    update(runs)
    .where(_NAMED, ~IS_GONE)
    .values(suggestions=func.coalesce(runs.c.suggestions, bindparam("questions", type_=Json)))
    .returning(runs.c.suggestions)
)
_UNFINISHED = update(runs).where(OF_ATTEMPT, is_unfinished(runs))
_ENDED = ("state", "finish_reason", "error_code", "input_tokens", "output_tokens", "ended_at")
_END = Hot(_UNFINISHED.values(worker_id=None), *_ENDED)
_END_SAID = Hot(_UNFINISHED.values(worker_id=None), *_ENDED, "history_hash")
_RELEASE = Hot(_UNFINISHED.values(worker_id=None))
_CANCELLED: dict[str, Any] = {
    "state": "cancelled",
    "finish_reason": "cancelled",
    "ended_at": bindparam("now"),
    "worker_id": None,
}
_CANCEL = Hot(update(runs).where(OWNED_RUN, runs.c.id == ROW_ID, is_unfinished(runs), NOBODYS).values(_CANCELLED))
_REQUEST = Hot(
    update(runs)
    .where(OWNED_RUN, runs.c.id == ROW_ID, is_unfinished(runs))
    .values(cancel_requested_at=func.coalesce(runs.c.cancel_requested_at, bindparam("now", type_=Instant)))
)
_CANCEL_OF_CONVERSATION = Hot(
    update(runs)
    .where(
        runs.c.tenant_id == OF_TENANT,
        runs.c.user_id == OF_USER,
        runs.c.conversation_id == ROW_ID,
        is_unfinished(runs),
    )
    .values(_CANCELLED)
    .returning(runs.c.id)
)
_IS_FREE = and_(
    _NAMED, is_unfinished(runs), runs.c.waits_until.is_(None), or_(runs.c.worker_id == bindparam("of_worker"), NOBODYS)
)
_WAITS = and_(_NAMED, runs.c.state == "queued", runs.c.waits_until.is_not(None))
_PAUSE = Hot(
    update(runs)
    .where(OF_ATTEMPT, runs.c.state == "running")
    .values(state="queued", worker_id=None, begun_attempts=runs.c.begun_attempts - 1),
    "waits_until",
)
_LOCK_WAITING = Hot(select(runs.c.user_id).where(_WAITS).with_for_update())
_WAKE = Hot(
    update(runs).where(_WAITS).values(attempt=runs.c.attempt + 1, worker_id=bindparam("of_worker"), waits_until=None)
)
_AWAIT_USER = update(runs).where(_WAITS).values(waits_until=bindparam("until", type_=Instant))
_TAKE_OVER = (
    update(runs)
    .where(_IS_FREE)
    .values(attempt=runs.c.attempt + 1, worker_id=bindparam("of_worker"))
    .returning(runs.c.user_id)
)
_TAKE_BACK = Hot(_TAKE_OVER)
_TAKE_IN = Hot(_TAKE_OVER.where(runs.c.begun_attempts < bindparam("attempts")))
_MOVE = Hot(
    update(runs)
    .where(OF_ATTEMPT, runs.c.state == "running", runs.c.worker_id == bindparam("from_worker"))
    .values(attempt=runs.c.attempt + 1, worker_id=bindparam("of_worker"))
)
_FAIL = Hot(
    update(runs)
    .where(_IS_FREE, runs.c.begun_attempts >= bindparam("attempts"))
    .values(state="failed", finish_reason="error", worker_id=None)
    .returning(runs.c.user_id),
    *("error_code", "ended_at"),
)


async def claim_run(connection: Transaction, tenant_id: str, run_id: UUID, *, worker_id: str) -> bool:
    """Let a queued run of this worker begin, if no earlier turn of its conversation is unfinished. The caller commits."""
    place = {"of_tenant": tenant_id, "of_id": run_id, "of_worker": worker_id, "now": datetime.now(UTC)}
    return await connection.change(_CLAIM, place) == 1


async def resume_run(
    connection: Transaction, tenant_id: str, run_id: UUID, *, attempt: int, counts: bool = True
) -> bool:
    """Go on with a running run, and count the attempt where it `counts`; False where the run is another's by now.

    The caller commits.
    """
    place = of_attempt(tenant_id, run_id, attempt)
    if not counts:
        return await connection.row(_HOLD, place) is not None
    return await connection.change(_RESUME, place) == 1


async def hold_run(connection: Transaction, tenant_id: str, run_id: UUID, *, attempt: int) -> bool:
    """Lock the run's row for this transaction, as its owner; return whether another process asks to stop the run.

    Raises:
        LeaseLostError: the run is over, gone, or belongs to another attempt.
    """
    held = await connection.row(_HOLD, of_attempt(tenant_id, run_id, attempt))
    if held is None:
        raise LeaseLostError(f"run {run_id}, attempt {attempt}")
    return held.cancel_requested_at is not None


async def change_model(connection: Transaction, tenant_id: str, run: Run) -> None:
    """Write which model goes on with the run, and why: as they stand in it. The caller commits.

    Raises:
        LeaseLostError: it is over, gone, or belongs to another attempt.
    """
    values = {name: getattr(run, name) for name in ("model", "model_changed", "used_before")}
    if await connection.change(_CHANGE_MODEL, {**of_attempt(tenant_id, run.id, run.attempt), **values}) != 1:
        raise LeaseLostError(f"run {run.id}, attempt {run.attempt}")


async def end_run(
    connection: Transaction,
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
        **of_attempt(tenant_id, run_id, attempt),
        "state": end.status,
        "finish_reason": end.finish_reason,
        "error_code": end.error_code,
        "input_tokens": end.usage.input_tokens,
        "output_tokens": end.usage.output_tokens,
        "ended_at": datetime.now(UTC),
    }
    statement = _END
    if history_hash is not None:
        statement, ended["history_hash"] = _END_SAID, history_hash
    if await connection.change(statement, ended) != 1:
        raise LeaseLostError(f"run {run_id}, attempt {attempt}")


async def set_suggestions(
    connection: Transaction, tenant_id: str, run_id: UUID, *, questions: tuple[str, ...]
) -> tuple[str, ...]:
    """Keep the follow-up questions of an ended run, unless it has some; return those that it has then. The caller commits.

    Raises:
        NotFoundError: its conversation was deleted.
    """
    offered = {"of_tenant": tenant_id, "of_id": run_id, "questions": list(questions)}
    kept = await connection.row(_OFFER, offered)
    if kept is None:
        raise NotFoundError("No such run.")
    return tuple(kept.suggestions)


async def release_run(connection: Transaction, tenant_id: str, run_id: UUID, *, attempt: int) -> None:
    """Let another worker take the run over at once. The caller commits."""
    await connection.change(_RELEASE, of_attempt(tenant_id, run_id, attempt))


async def pause_run(connection: Transaction, tenant_id: str, run_id: UUID, *, attempt: int, until: datetime) -> None:
    """Queue the run such that nobody can claim it before `wake_run`; its attempt does not count. The caller commits.

    Raises:
        LeaseLostError: the run is over, gone, or belongs to another attempt.
    """
    if await connection.change(_PAUSE, {**of_attempt(tenant_id, run_id, attempt), "waits_until": until}) != 1:
        raise LeaseLostError(f"run {run_id}, attempt {attempt}")


async def lock_waiting(connection: Transaction, run: RunKey) -> str | None:
    """Lock the row of a waiting run for this transaction; return its user, or None where it does not wait."""
    found = await connection.row(_LOCK_WAITING, {"of_tenant": run.tenant_id, "of_id": run.run_id})
    return found.user_id if found is not None else None


async def wake_run(connection: Transaction, run: RunKey, *, worker_id: str) -> bool:
    """Queue a waiting run for this worker, as its next attempt; False where it does not wait. The caller commits."""
    return await connection.change(_WAKE, _free(run, worker_id)) == 1


async def await_user(connection: Transaction, run: RunKey, *, until: datetime) -> None:
    """Let a waiting run wait for its user's token, at most until then. The caller commits."""
    await connection.execute(_AWAIT_USER, {"of_tenant": run.tenant_id, "of_id": run.run_id, "until": until})


async def take_over(connection: Transaction, run: RunKey, *, worker_id: str, most_attempts: int | None) -> str | None:
    """Make a run this worker's, as its next attempt; return its user. The caller commits.

    The run is abandoned, or points to this worker, which does not hold it. None where somebody else was faster, or where it has
    begun `most_attempts` attempts. An attempt that died while it waited for its turn does not count.
    """
    statement = _TAKE_BACK if most_attempts is None else _TAKE_IN
    taken = await connection.row(statement, {**_free(run, worker_id), "attempts": most_attempts})
    return taken.user_id if taken is not None else None


async def move_run(connection: Transaction, run: RunKey, *, attempt: int, sender: str, worker_id: str) -> bool:
    """Make a run that another worker has at work this worker's, as its next attempt; False where that is not so any more.

    From one's own hands into one's own it makes void what was offered to others. The caller commits.
    """
    moved = {**of_attempt(run.tenant_id, run.run_id, attempt), "from_worker": sender, "of_worker": worker_id}
    return await connection.change(_MOVE, moved) == 1


async def fail_run(connection: Transaction, run: RunKey, *, worker_id: str, code: str, attempts: int) -> str | None:
    """End a run that `take_over` may take and that began `attempts` attempts; return its user. None where that is not so.

    The caller commits.
    """
    failed = {"attempts": attempts, "error_code": code, "ended_at": datetime.now(UTC)}
    ended = await connection.row(_FAIL, {**_free(run, worker_id), **failed})
    return ended.user_id if ended is not None else None


async def cancel_run(connection: Transaction, principal: Principal, run_id: UUID) -> bool:
    """End the principal's run, if no living worker has it; what a dead one still writes is refused. The caller commits."""
    return await connection.change(_CANCEL, {**of(principal, run_id), "now": datetime.now(UTC)}) == 1


async def request_cancel(connection: Transaction, principal: Principal, run_id: UUID) -> bool:
    """Ask whoever has the principal's run to end it; False where it is over or there is none. The caller commits."""
    return await connection.change(_REQUEST, {**of(principal, run_id), "now": datetime.now(UTC)}) == 1


async def cancel_runs(
    connection: Transaction, principal: Principal, conversation_id: UUID, *, now: datetime
) -> list[UUID]:
    """End all runs of the principal's conversation, whoever holds them; return those. The caller commits."""
    place = {**of(principal, conversation_id), "now": now}
    return [row.id for row in await connection.rows(_CANCEL_OF_CONVERSATION, place)]


def of_attempt(tenant_id: str, run_id: UUID, attempt: int) -> dict[str, object]:
    """Return the values that name an attempt's run."""
    return {"of_tenant": tenant_id, "of_id": run_id, "of_attempt": attempt}


def _free(run: RunKey, worker_id: str) -> dict[str, object]:
    return {"of_tenant": run.tenant_id, "of_id": run.run_id, "of_worker": worker_id}
