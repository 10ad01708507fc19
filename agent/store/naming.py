"""Conversations and turns by what their clients call them: an id of the client's own, or all that was said before.

Names are the user's: two users, or two tenants, may use the same one and never meet. A name that is also the id of a
conversation, or of a message, of the user's own means that.
"""

from collections.abc import Sequence
from contextlib import suppress
from hashlib import sha256
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, and_, bindparam, func, or_, select

from agent.errors import NotFoundError
from agent.principal import Principal
from agent.store.columns import ROW_ID
from agent.store.conversations import OWNED, get_conversation, lock_conversation, of
from agent.store.ranking import IS_ANSWER
from agent.store.runs import OWNED_RUN, Run, get_run
from agent.store.statements import Hot
from agent.store.superseding import SUPERSEDED
from agent.store.tables import conversations, messages, runs
from agent.store.transaction import Transaction
from agent.store.versions import find_turn

_BY_KEY = Hot(select(conversations.c.id).where(OWNED, conversations.c.client_key == bindparam("key")))
_BY_ID = Hot(select(conversations.c.id).where(OWNED, conversations.c.id == ROW_ID))
_BY_HISTORY = Hot(
    select(runs.c.conversation_id, runs.c.turn)
    .where(OWNED_RUN, runs.c.history_hash == bindparam("said"), ~SUPERSEDED)
    .order_by(runs.c.created_at.desc(), runs.c.turn.desc())
    .limit(1)
)
_OF_CONVERSATION = select(runs.c.id).where(OWNED_RUN, runs.c.conversation_id == ROW_ID, ~SUPERSEDED, IS_ANSWER)
"""The runs of a conversation, one of each turn that counts: its answer, where it has lanes."""
_BEHIND = Hot(_OF_CONVERSATION.where(runs.c.turn > bindparam("turn")).order_by(runs.c.turn).limit(1))
_NAMED = Hot(
    _OF_CONVERSATION.where(runs.c.client_message_id == bindparam("name")).order_by(runs.c.turn.desc()).limit(1)
)
_COUNT = select(func.count()).select_from(_OF_CONVERSATION.subquery())
_ASKED = (
    select(runs.c.id, messages.c.text)
    .join(messages, and_(messages.c.tenant_id == runs.c.tenant_id, messages.c.run_id == runs.c.id))
    .where(OWNED_RUN, runs.c.conversation_id == ROW_ID, ~SUPERSEDED, messages.c.role == "user")
    .order_by(runs.c.turn)
    .limit(bindparam("most"))
)
"""A user's messages in a conversation, in order, and the runs that answered."""


class Place(NamedTuple):
    """Where a message goes on: behind a turn of a conversation."""

    conversation_id: UUID
    turn: int


def hash_said(principal: Principal, texts: tuple[str, ...]) -> str:
    """Return the hash of what a user and the assistant said to each other, in order; space does not count."""
    said = sha256(f"{principal.tenant_id}\0{principal.user_id}".encode()).hexdigest()
    for text in texts:
        said = hash_next(said, text)
    return said


def hash_next(said: str, text: str) -> str:
    """Return the hash of what was said and one text more."""
    words = " ".join(text.split())
    return sha256(f"{said}\0{words}".encode()).hexdigest()


async def find_conversation(connection: Transaction, principal: Principal, client_key: str) -> UUID | None:
    """Return the principal's conversation of this name, or else of this id; None where there is none."""
    found = await connection.row(_BY_KEY, {**of(principal), "key": client_key})
    if found is None and (row_id := as_id(client_key)) is not None:
        found = await connection.row(_BY_ID, of(principal, row_id))
    return found.id if found is not None else None


async def find_by_history(connection: Transaction, principal: Principal, said: str) -> Place | None:
    """Return where all this was said; the newest place, where it was in several conversations. None where it was in none."""
    row = await connection.row(_BY_HISTORY, {**of(principal), "said": said})
    return Place(row.conversation_id, row.turn) if row is not None else None


async def find_turn_behind(connection: Transaction, principal: Principal, place: Place) -> Run | None:
    """Return the turn that follows a place and counts; None where nothing does. The conversation is locked until the commit.

    Raises:
        NotFoundError: the principal has no such conversation.
    """
    await get_conversation(connection, principal, place.conversation_id)
    await lock_conversation(connection, principal.tenant_id, place.conversation_id)
    behind = await connection.row(_BEHIND, {**of(principal, place.conversation_id), "turn": place.turn})
    return await get_run(connection, principal, behind.id) if behind is not None else None


async def find_turn_asked(
    connection: Transaction, principal: Principal, conversation_id: UUID, asked: tuple[str, ...]
) -> Run | None:
    """Return the turn that the last of a client's messages asks anew; None where it is a new one. The conversation is locked.

    `asked` are all messages of the user as the client has them. It is asked anew where those before it are the first ones that
    count here, and another one follows. A first message has none before it: it is, where it is the only one and the same.

    Raises:
        NotFoundError: the principal has no such conversation.
    """
    await get_conversation(connection, principal, conversation_id)
    await lock_conversation(connection, principal.tenant_id, conversation_id)
    values = {**of(principal, conversation_id), "most": len(asked) + 1}
    known = (await connection.execute(_ASKED, values)).all()
    before = len(asked) - 1
    if len(known) <= before or any(map(_differ, asked[:before], (row.text for row in known))):
        return None
    if before == 0 and (len(known) > 1 or _differ(asked[0], known[0].text)):
        return None
    return await get_run(connection, principal, known[before].id)


def _differ(one: str, other: str) -> bool:
    return one.split() != other.split()


async def find_message(
    connection: Transaction, principal: Principal, conversation_id: UUID, message_name: str, *, locks: bool = True
) -> Run | None:
    """Return the newest turn that counts whose message its client calls this; None where there is none.

    The conversation is locked, unless the caller only reads.
    """
    if locks:
        await lock_conversation(connection, principal.tenant_id, conversation_id)
    named = await connection.row(_NAMED, {**of(principal, conversation_id), "name": message_name})
    return await get_run(connection, principal, named.id) if named is not None else None


async def find_named_turn(
    connection: Transaction,
    principal: Principal,
    conversation_id: UUID,
    message_name: str,
    *,
    said_before: int | None,
) -> Run | None:
    """Return the turn of a message, by the name that its client gave it, or else by its id; the conversation is locked.

    None where it is a new one: the client says how many messages of the user's came before it, and no more count here.

    Raises:
        NotFoundError: the principal has no such conversation, or it has no such message.
        SupersededError: another turn took the place of this one.
    """
    await get_conversation(connection, principal, conversation_id)
    named = await find_message(connection, principal, conversation_id, message_name)
    if named is not None:
        return named
    if (message_id := as_id(message_name)) is not None:
        with suppress(NotFoundError):
            return await find_turn(connection, principal, conversation_id, message_id=message_id)
    place = of(principal, conversation_id)
    if said_before is None or (await connection.execute(_COUNT, place)).scalar_one() > said_before:
        raise NotFoundError("No such message.")
    return None


async def newest_turn(
    connection: Transaction, principal: Principal, names: Sequence[str], *, conversation_id: UUID | None
) -> Run | None:
    """Return the newest turn that counts and that one of these names, or of these ids, is a message of. It locks nothing.

    `conversation_id` None: in all of the principal's conversations, where only ids of messages that are stored name anything.
    """
    ids = [row_id for name in names if (row_id := as_id(name)) is not None]
    stored = select(messages.c.run_id).where(messages.c.tenant_id == principal.tenant_id, messages.c.id.in_(ids))
    place: ColumnElement[bool] = OWNED_RUN
    is_named: ColumnElement[bool] = runs.c.id.in_(stored)  # which an index finds, of all that the tenant has
    if conversation_id is not None:
        place = and_(place, runs.c.conversation_id == conversation_id)
        is_named = or_(is_named, runs.c.message_id.in_(ids), runs.c.client_message_id.in_(list(names)))
    statement = select(runs.c.id).where(place, is_named, ~SUPERSEDED)
    statement = statement.order_by(runs.c.created_at.desc(), runs.c.turn.desc()).limit(1)
    run_id = (await connection.execute(statement, of(principal))).scalar_one_or_none()
    return await get_run(connection, principal, run_id) if run_id is not None else None


async def last_turn(connection: Transaction, principal: Principal, conversation_id: UUID) -> Run | None:
    """Return the conversation's newest turn that counts; None where there is none."""
    newest = _OF_CONVERSATION.order_by(runs.c.turn.desc()).limit(1)
    run_id = (await connection.execute(newest, of(principal, conversation_id))).scalar_one_or_none()
    return await get_run(connection, principal, run_id) if run_id is not None else None


async def client_names(
    connection: Transaction, principal: Principal, conversation_id: UUID, *, from_turn: int
) -> dict[UUID, str]:
    """Return what clients call the user's messages, from a turn on, by the runs that answer them."""
    c = runs.c
    statement = select(c.id, c.client_message_id).where(
        OWNED_RUN, c.conversation_id == conversation_id, c.turn >= from_turn, c.client_message_id.is_not(None)
    )
    return {row.id: row.client_message_id for row in await connection.execute(statement, of(principal))}


def as_id(name: str) -> UUID | None:
    """Return the id of ours that a name spells as we do; None where it spells none."""
    try:
        row_id = UUID(name)
    except ValueError:
        return None
    return row_id if str(row_id) == name.lower() else None
