"""Versions: a turn that takes the place of an earlier one. What it supersedes no longer counts, and stays readable.

Nothing is renumbered or removed: the new turn is the conversation's newest, and `runs.replaces` says whose place it takes.
That turn and all between the two are superseded, and so are the messages that their runs may still write.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import and_, bindparam, case, exists, or_, select, update

from agent.errors import NotFoundError, SupersededError
from agent.principal import Principal
from agent.store.columns import OF_TENANT, ROW_ID
from agent.store.conversations import OWNED, get_conversation, lock_conversation, of
from agent.store.done_writes import arguments_of, find_writes
from agent.store.runs import OWNED_RUN, Run, get_run
from agent.store.statements import Hot
from agent.store.superseding import SUPERSEDED
from agent.store.tables import conversations, messages, runs
from agent.store.transaction import Transaction

_OWN = and_(
    messages.c.tenant_id == OF_TENANT,
    messages.c.conversation_id == ROW_ID,
    exists().where(OWNED, conversations.c.id == ROW_ID),
)
_TOUCH = update(conversations).where(OWNED, conversations.c.id == ROW_ID)
_ASSISTANT = (
    select(runs.c.assistant).where(OWNED_RUN, runs.c.conversation_id == ROW_ID).order_by(runs.c.turn.desc()).limit(1)
)
_RUN_OF_MESSAGE = select(messages.c.run_id).where(
    messages.c.tenant_id == OF_TENANT, messages.c.id == bindparam("of_message")
)
_NEWEST_ASSISTANT = Hot(_ASSISTANT)
_ASSISTANT_OF_TURN = Hot(
    _ASSISTANT.where(or_(runs.c.id.in_(_RUN_OF_MESSAGE), runs.c.message_id == bindparam("of_message")))
)


@dataclass(frozen=True, slots=True)
class DoneWrite:
    """A write that was done, or may have been, for an answer that models do not get. `result` None: nobody knows what it did.

    `is_untrusted`: anybody may have written that result. `is_withheld`: a provider refused what was said there, so models get
    no word of it.
    """

    name: str
    arguments: Mapping[str, Any]
    result: str | None
    is_untrusted: bool = False
    is_withheld: bool = False


async def kept_assistant(
    connection: Transaction, principal: Principal, conversation_id: UUID, *, message_id: UUID | None = None
) -> str | None:
    """Return the assistant of the turn that a message belongs to, or else of the principal's conversation's newest turn."""
    statement = _NEWEST_ASSISTANT if message_id is None else _ASSISTANT_OF_TURN
    found = await connection.row(statement, {**of(principal, conversation_id), "of_message": message_id})
    return found.assistant if found is not None else None


async def find_turn(connection: Transaction, principal: Principal, conversation_id: UUID, *, message_id: UUID) -> Run:
    """Return the run of the turn that a message belongs to; no other writer changes the conversation until the caller commits.

    The answer of a run that ended before its first word has an id, too, although it has no row.

    Raises:
        NotFoundError: the principal has no such conversation, or it has no such message.
        SupersededError: another turn took the place of this one.
    """
    await get_conversation(connection, principal, conversation_id)
    await lock_conversation(connection, principal.tenant_id, conversation_id)
    stored = select(messages.c.run_id).where(messages.c.tenant_id == principal.tenant_id, messages.c.id == message_id)
    found = await connection.execute(
        select(runs.c.id, SUPERSEDED.label("is_superseded")).where(
            runs.c.tenant_id == principal.tenant_id,
            runs.c.conversation_id == conversation_id,
            or_(runs.c.id.in_(stored), runs.c.message_id == message_id),
        )
    )
    row = found.one_or_none()
    if row is None:
        raise NotFoundError("No such message.")
    if row.is_superseded:
        raise SupersededError("Another version has taken the place of this message. Read the conversation again.")
    return await get_run(connection, principal, row.id)


async def supersede(
    connection: Transaction, principal: Principal, replaced: Run, *, by: Run, keeps_message: bool
) -> None:
    """Supersede a turn and all after it, because `by` takes their place. The caller commits.

    `keeps_message`: the user's message goes over to `by`, which answers it again, and models get it again where a provider
    had refused it; else `by` has one of its own.
    """
    place = of(principal, replaced.conversation_id)
    if keeps_message:
        goes_over = update(messages).where(_OWN, messages.c.turn == replaced.turn, messages.c.role == "user")
        again = case((messages.c.withheld.is_(True), False), else_=messages.c.withheld)
        await connection.execute(goes_over.values(run_id=by.id, turn=by.turn, withheld=again), place)
    counting = and_(messages.c.turn >= replaced.turn, messages.c.turn < by.turn, messages.c.superseded_by.is_(None))
    await connection.execute(update(messages).where(_OWN, counting).values(superseded_by=by.turn), place)
    await connection.execute(_TOUCH, {**place, "updated_at": by.created_at})


async def superseded_writes(
    connection: Transaction,
    principal: Principal,
    conversation_id: UUID,
    *,
    from_turn: int,
    limit: int,
    withheld: Collection[int] = (),
) -> list[DoneWrite]:
    """Return the last `limit` writes that left the process for turns that models do not get, since `from_turn`, oldest first.

    These are the superseded ones, and those that are named because their messages are withheld.

    Raises:
        NotFoundError: the principal has no such conversation.
    """
    is_superseded = messages.c.superseded_by.is_not(None)
    is_unseen = or_(is_superseded, messages.c.turn.in_(withheld)) if withheld else is_superseded
    which = messages.c.turn >= from_turn, is_unseen
    found = await find_writes(connection, principal, conversation_id, *which, most=limit)
    return [_done(row, is_withheld=row.turn in withheld and row.superseded_by is None) for row in found]


def _done(row: Any, *, is_withheld: bool) -> DoneWrite:
    is_known = row.state == "settled" and row.text is not None
    is_untrusted = is_known and bool(row.is_untrusted)
    return DoneWrite(row.name, arguments_of(row), row.text if is_known else None, is_untrusted, is_withheld)
