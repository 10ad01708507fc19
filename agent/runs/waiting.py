"""The effect of a new message on a run in front that waits for a person: that run's assistant says it, in `approvals.when_waiting`.

The invariant: a question that a message took away is answered with a no, in the transaction that stores the message.
"""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from agent.assistant.source import Assistants
from agent.attempt.unheld import resume_in
from agent.attempt.unheld_ends import end_waiting
from agent.errors import InterruptedRunError, RunActiveError
from agent.principal import Principal
from agent.store.runs import Run, active_run, get_run, unfinished_runs
from agent.store.transaction import Transaction


async def only_waits(connection: Transaction, principal: Principal, unfinished: Sequence[UUID]) -> bool:
    """Return whether all that is not over is one run that waits for a person: the assistant says elsewhere what is done then."""
    return len(unfinished) == 1 and (await get_run(connection, principal, unfinished[0])).state == "waiting"


class Front(NamedTuple):
    """A run that waited in front of a new one: it is over, or it goes on, or neither."""

    ended: UUID | None = None
    resumed: UUID | None = None


async def deal_with_front(
    connection: Transaction, principal: Principal, run: Run, assistants: Assistants, *, worker_id: str
) -> Front:
    """Deal with a run in front of a new one that waits for a person, as its assistant says.

    One whose questions are answered, and that waits for its user's token only, goes on with the one that comes with the message.

    Raises:
        RunActiveError: there is one, and the assistant is to refuse the message.
    """
    waiting = await active_run(connection, principal, run.conversation_id)
    if waiting is not None and waiting.id == run.id:
        return await _end_replaced(connection, principal, run)
    if waiting is None or waiting.state != "waiting":
        return Front()
    if principal.has_rights_of(waiting.starter(principal)) and await resume_in(
        connection, principal, waiting, worker_id=worker_id
    ):
        return Front(resumed=waiting.id)
    policy = _policy(assistants, principal, waiting)
    if policy == "enqueue":
        return Front()
    if policy == "reject":
        raise RunActiveError("A question is open in this conversation.", run_id=waiting.id)
    return Front(ended=waiting.id) if await end_waiting(connection, principal, waiting) else Front()


def _policy(assistants: Assistants, principal: Principal, waiting: Run) -> str:
    """Return what a new message does to what a run asks: a no, where its assistant is not there any more to say it."""
    try:
        asked_by = assistants.resume(waiting.starter(principal), waiting.assistant)
    except InterruptedRunError:
        return "deny"
    return asked_by.definition.approvals.when_waiting


async def _end_replaced(connection: Transaction, principal: Principal, run: Run) -> Front:
    """End a run in front that waits, where a new one takes the place of its turn: here, or nobody would if we died now."""
    first, *_ = await unfinished_runs(connection, principal, run.conversation_id)
    replaced = await get_run(connection, principal, first)
    return Front(ended=first) if first != run.id and await end_waiting(connection, principal, replaced) else Front()
