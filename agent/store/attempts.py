"""Questions to a run's row on behalf of an attempt, which change nothing."""

from uuid import UUID

from sqlalchemy import select

from agent.errors import LeaseLostError
from agent.store.statements import Hot
from agent.store.tables import runs
from agent.store.transaction import Transaction
from agent.store.transitions import OF_ATTEMPT, of_attempt

_IS_AT_WORK = Hot(select(runs.c.cancel_requested_at).where(OF_ATTEMPT, runs.c.state == "running"))


async def check_attempt(connection: Transaction, tenant_id: str, run_id: UUID, *, attempt: int) -> bool:
    """Return whether another process asks to stop the run, which is at work and belongs to this attempt; it is not locked.

    Raises:
        LeaseLostError: it is over, gone, or belongs to another attempt.
    """
    found = await connection.row(_IS_AT_WORK, of_attempt(tenant_id, run_id, attempt))
    if found is None:
        raise LeaseLostError(f"run {run_id}, attempt {attempt}")
    return found.cancel_requested_at is not None
