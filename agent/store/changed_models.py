"""The change of a run's model, where the one that was asked for failed: who answers, and what is kept of the one before."""

from dataclasses import replace

from sqlalchemy import update

from agent.errors import LeaseLostError
from agent.store.runs import Run
from agent.store.statements import Hot
from agent.store.tables import runs
from agent.store.transaction import Transaction
from agent.store.transitions import OF_ATTEMPT, place_of

_CHANGE = Hot(update(runs).where(OF_ATTEMPT, runs.c.state == "running"), "model", "model_changed")


def changed(run: Run, model: str, reason: str) -> Run:
    """Return the run as another model goes on with it. The first change is kept; coming back to where it began is none."""
    first = run.model_changed or {"from": run.model, "reason": reason}
    return replace(run, model=model, model_changed=None if first["from"] == model else first)


def asked_model(run: Run) -> str:
    """Return the model that was asked for, whichever answers."""
    return run.model_changed["from"] if run.model_changed else run.model


async def store_change(connection: Transaction, tenant_id: str, run: Run) -> None:
    """Write which model goes on with the run, and why. The caller commits.

    Raises:
        LeaseLostError: the run is over, gone, or belongs to another attempt.
    """
    values = {"model": run.model, "model_changed": run.model_changed}
    if await connection.change(_CHANGE, {**place_of(tenant_id, run.id, run.attempt), **values}) != 1:
        raise LeaseLostError(f"run {run.id}, attempt {run.attempt}")
