"""What a new message does to a run in front of it that waits for a person: the assistant says it, in `approvals.when_waiting`.

The invariant: a question that a message took away is answered with a no, in the transaction that stores the message.
"""

from collections.abc import Sequence
from uuid import UUID

from agent.assistant.definition import Assistant
from agent.attempt.unheld import end_waiting
from agent.errors import RunActiveError
from agent.principal import Principal
from agent.store.runs import Run, active_run, get_run
from agent.store.transaction import Transaction


async def only_waits(connection: Transaction, principal: Principal, unfinished: Sequence[UUID]) -> bool:
    """Return whether all that is not over is one run that waits for a person: the assistant says elsewhere what is done then."""
    return len(unfinished) == 1 and (await get_run(connection, principal, unfinished[0])).state == "waiting"


async def end_in_front(connection: Transaction, principal: Principal, run: Run, assistant: Assistant) -> UUID | None:
    """Deal with a run in front of a new one that waits for a person, as the assistant says; return it where it is over now.

    Raises:
        RunActiveError: there is one, and the assistant is to refuse the message.
    """
    policy = assistant.approvals.when_waiting
    if policy == "enqueue":
        return None
    waiting = await active_run(connection, principal, run.conversation_id)
    if waiting is None or waiting.state != "waiting":
        return None
    if policy == "reject":
        raise RunActiveError("A question is open in this conversation.", run_id=waiting.id)
    return waiting.id if await end_waiting(connection, principal, waiting) else None
