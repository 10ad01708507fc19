"""How a run that has begun goes from one living worker to another before it has said anything, and back.

The invariant: it is moved once, by a compare-and-set of its row; whoever has it then has its next attempt.
"""

from collections.abc import Callable
from typing import NamedTuple

from agent.assistant.definition import History
from agent.attempt.credential import OTHER_RIGHTS
from agent.attempt.snapshot import settled, started
from agent.attempt.transcript import Transcript, load_transcript
from agent.errors import ForbiddenError
from agent.events.schema import AnyEvent
from agent.principal import Principal, RunKey
from agent.store import transitions
from agent.store.database import Store
from agent.store.messages import run_messages
from agent.store.runs import Run, get_run
from agent.store.tool_calls import list_calls


class Moved(NamedTuple):
    """A run that is this worker's now: how its log goes on, and what its work begins with."""

    run: Run
    events: list[AnyEvent]
    transcript: Transcript


async def move(
    store: Store,
    principal: Principal,
    key: RunKey,
    *,
    sender: str,
    worker_id: str,
    attempt: int,
    is_shown: bool,
    window_of: Callable[[Run], History],
) -> Moved | None:
    """Make a run this worker's that another one offers, or offered in vain; None where it is not the sender's any more.

    `is_shown`: its readers were told of it, and are told all anew.

    Raises:
        NotFoundError: the principal has no such run.
        ForbiddenError: the principal has other rights than the run was begun with.
    """
    async with store.write(key.tenant_id) as connection:
        if not await transitions.move_run(connection, key, attempt=attempt, sender=sender, worker_id=worker_id):
            return None
        run = await get_run(connection, principal, key.run_id)
        if not principal.has_rights_of(run.starter(principal)):
            raise ForbiddenError(OTHER_RIGHTS)
        messages = await run_messages(connection, principal, run)
        calls = await list_calls(connection, principal, run.id)
        transcript = await load_transcript(connection, principal, run, window=window_of(run), current=messages)
    return Moved(run, [started(run), *(settled(run, messages, calls) if is_shown else [])], transcript)
