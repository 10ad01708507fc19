"""The lanes of a turn as its user has them: made with the turn, read together, and one chosen."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import and_, case, func, select, update

from agent.errors import InvalidRequestError, NotFoundError, SupersededError
from agent.principal import Principal
from agent.store.conversations import get_conversation, lock_conversation, of
from agent.store.database import new_id
from agent.store.lanes import settle_answer
from agent.store.ranking import IS_ANSWER
from agent.store.runs import INSERT, OWNED_RUN, Run, get_run, row_of, run_from
from agent.store.tables import runs
from agent.store.transaction import Transaction


class Lanes(NamedTuple):
    """A turn's lanes in their order, and the id of the run that is its answer now."""

    runs: tuple[Run, ...]
    answer: UUID

    @property
    def chosen(self) -> UUID | None:
        """The run that the user chose; None where nobody has."""
        return next((run.id for run in self.runs if run.chosen_at is not None), None)


async def insert_lane(
    connection: Transaction, principal: Principal, first: Run, *, lane: int, model: str, worker_id: str, run_id: UUID
) -> Run:
    """Add a run beside the first one of a turn that was just made, queued. The caller commits.

    The key of the request stands with the first run alone, so that an equal request finds one.

    Raises:
        NotFoundError: the first run is not the principal's.
    """
    await get_run(connection, principal, first.id)
    run = replace(first, id=run_id, message_id=new_id(), lane=lane, model=model, state="queued", started_at=None)
    row = row_of(principal, run, replaces=None, begun_attempts=0, idempotency_key=None, worker_id=worker_id)
    await connection.change(INSERT, row)
    return run


async def get_lanes(connection: Transaction, principal: Principal, run_id: UUID) -> Lanes:
    """Return the lanes of the turn that a run of the principal's is of.

    Raises:
        NotFoundError: the principal has no such run, or it has its turn for itself.
    """
    run = await get_run(connection, principal, run_id)
    if not run.lane:
        raise NotFoundError("No such run.")
    beside = and_(runs.c.conversation_id == run.conversation_id, runs.c.turn == run.turn)
    statement = select(runs, IS_ANSWER.label("is_answer")).where(OWNED_RUN, beside).order_by(runs.c.lane)
    rows = (await connection.execute(statement, of(principal))).all()
    return Lanes(tuple(map(run_from, rows)), next(row.id for row in rows if row.is_answer))


async def choose_lane(connection: Transaction, principal: Principal, conversation_id: UUID, run_id: UUID) -> bool:
    """Make a lane the answer of its turn; return whether that was not chosen before. The caller commits.

    Raises:
        NotFoundError: the principal has no such conversation, or it has no such run.
        InvalidRequestError: the run has its turn for itself, or has failed.
        SupersededError: a later turn has begun, which may have read another answer, or took the place of this one.
    """
    await get_conversation(connection, principal, conversation_id)
    await lock_conversation(connection, principal.tenant_id, conversation_id)
    run = await get_run(connection, principal, run_id)
    if run.conversation_id != conversation_id:
        raise NotFoundError("No such run.")
    if not run.lane:
        raise InvalidRequestError("run_id: its turn has no lanes to choose from")
    if await _has_gone_on(connection, principal, run):
        raise SupersededError("The conversation has gone on from another answer. Read it again.")
    if run.state == "failed":
        raise InvalidRequestError("run_id: this lane has failed")
    if run.chosen_at is not None:
        return False
    chosen_at = case((runs.c.id == run.id, datetime.now(UTC)), else_=None)
    turn = and_(runs.c.tenant_id == principal.tenant_id, runs.c.conversation_id == conversation_id)
    await connection.execute(update(runs).where(turn, runs.c.turn == run.turn).values(chosen_at=chosen_at))
    await settle_answer(connection, principal.tenant_id, run)
    return True


async def count_choices(connection: Transaction, principal: Principal, conversation_id: UUID) -> dict[str, int]:
    """Return how often each model's answer was chosen in the principal's conversation; none where nobody chose."""
    chosen = and_(runs.c.conversation_id == conversation_id, runs.c.chosen_at.is_not(None))
    counted = select(runs.c.model, func.count()).where(OWNED_RUN, chosen).group_by(runs.c.model).order_by(runs.c.model)
    return {model: int(count) for model, count in await connection.execute(counted, of(principal))}


async def _has_gone_on(connection: Transaction, principal: Principal, run: Run) -> bool:
    """Return whether a later turn has begun, or took the place of a run's; none that waits begins until the caller commits."""
    later = (
        select(runs.c.started_at, runs.c.replaces)
        .where(runs.c.tenant_id == principal.tenant_id, runs.c.conversation_id == run.conversation_id)
        .where(runs.c.turn > run.turn)
        .order_by(runs.c.turn, runs.c.lane)
        .with_for_update()
    )
    found = (await connection.execute(later)).all()
    return any(row.started_at is not None or (row.replaces or run.turn + 1) <= run.turn for row in found)
