"""Summaries: what a model reads in place of the turns that it reads no more. They are no part of the transcript.

The invariants: a summary counts only while the last message that it covers does, so one that covers what was edited, made
again or removed since is void; and of one conversation only one is made at a time, whichever processes want it.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, and_, bindparam, delete, exists, select, update

from agent.errors import NotFoundError
from agent.events.schema import Usage
from agent.principal import Principal
from agent.store.clock import database_now
from agent.store.columns import OF_TENANT, ROW_ID
from agent.store.conversations import OWNED, get_conversation, lock_conversation, of
from agent.store.database import new_id
from agent.store.done_writes import Done, DoneCall
from agent.store.statements import Hot
from agent.store.tables import conversations, messages, summaries, workers
from agent.store.transaction import Transaction
from agent.store.workers import ALIVE

KEPT = 8
"""How many a conversation has: where the newest are void, one before them counts."""
_c = summaries.c
_COUNTS = exists().where(
    messages.c.tenant_id == _c.tenant_id,
    messages.c.id == _c.until_message_id,
    messages.c.turn == _c.until_turn,
    messages.c.superseded_by.is_(None),
)
"""Whether the last message that a summary covers is still there, in its turn, and counts: then all before it do as they did."""
_OF_CONVERSATION = and_(
    _c.tenant_id == OF_TENANT,
    _c.conversation_id == ROW_ID,
    exists().where(OWNED, conversations.c.id == ROW_ID),
)
_NEWEST = Hot(
    select(summaries)
    .where(_OF_CONVERSATION, _c.text.is_not(None), _c.until_turn < bindparam("before_turn"), _COUNTS)
    .order_by(_c.until_turn.desc(), _c.id.desc())
    .limit(1)
)
_IS_MADE = and_(
    _c.claimed_until >= database_now(), exists().where(workers.c.id == _c.worker_id, ALIVE), _c.text.is_(None)
)
"""Whether somebody alive makes it just now."""


class Until(NamedTuple):
    """The last message that a summary covers."""

    turn: int
    position: int
    message_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class NewSummary:
    """A summary's content. `text` is a model's, over what anybody said; `tools` and `is_untrusted` tell what it was made of."""

    text: str
    done: Done = field(default_factory=Done)
    tools: tuple[str, ...] = ()
    is_untrusted: bool = False
    messages: int
    model: str
    usage: Usage = field(default_factory=Usage)


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary(NewSummary):
    """A summary that was made. `is_void`: something that it covers was replaced or removed since."""

    id: UUID
    run_id: UUID
    until: Until
    created_at: datetime
    is_void: bool = False


async def newest_summary(
    connection: Transaction, principal: Principal, conversation_id: UUID, *, before_turn: int
) -> Summary | None:
    """Return the summary that covers most of what was said before a turn, and is not void; None where there is none."""
    row = await connection.row(_NEWEST, {**of(principal, conversation_id), "before_turn": before_turn})
    return None if row is None else _summary(row, is_void=False)


async def list_summaries(
    connection: Transaction, principal: Principal, conversation_id: UUID, *, with_void: bool = False
) -> list[Summary]:
    """Return the summary that counts, or with the void ones and those before it all that there are, in order.

    Raises:
        NotFoundError: the principal has no such conversation.
    """
    await get_conversation(connection, principal, conversation_id)
    found = select(summaries, _COUNTS.label("counts")).where(*_own(principal, conversation_id), _c.text.is_not(None))
    rows = await connection.execute(found.order_by(_c.until_turn, _c.id))
    every = [_summary(row, is_void=not row.counts) for row in rows]
    return every if with_void else [one for one in every if not one.is_void][-1:]


async def claim_summary(
    connection: Transaction,
    principal: Principal,
    conversation_id: UUID,
    *,
    run_id: UUID,
    after_turn: int,
    until: Until,
    worker_id: str,
    length_s: float,
) -> UUID | None:
    """Claim the making of a summary of the turns behind `after_turn`, up to a message. The caller commits.

    None where somebody is at it, or some of these turns are in one by now: then it would be made for nothing.

    A claim ends after `length_s`, and with the life of its worker.

    Raises:
        NotFoundError: the conversation is gone.
    """
    own = await _lock(connection, principal, conversation_id)
    taken = select(_c.id).where(*own, _IS_MADE | and_(_c.text.is_not(None), _c.until_turn > after_turn, _COUNTS))
    if (await connection.execute(taken.limit(1))).first() is not None:
        return None
    await connection.execute(delete(summaries).where(*own, _c.text.is_(None)))
    claim = new_id()
    row = {
        "tenant_id": principal.tenant_id,
        "id": claim,
        "conversation_id": conversation_id,
        "user_id": principal.user_id,
        "run_id": run_id,
        "until_turn": until.turn,
        "until_position": until.position,
        "until_message_id": until.message_id,
        "worker_id": worker_id,
        "created_at": datetime.now(UTC),
    }
    await connection.execute(summaries.insert().values(**row, claimed_until=database_now() + length_s))
    return claim


async def keep_summary(
    connection: Transaction, principal: Principal, conversation_id: UUID, claim: UUID, new: NewSummary
) -> bool:
    """Keep a summary under its claim, and let the oldest go; False where the claim is over, or it is void. The caller commits.

    Raises:
        NotFoundError: the conversation is gone.
    """
    own = await _lock(connection, principal, conversation_id)
    values = {
        "text": new.text,
        "done": {"calls": [call._asdict() for call in new.done.calls], "earlier": new.done.earlier},
        "tools": list(new.tools),
        "is_untrusted": new.is_untrusted,
        "messages": new.messages,
        "model": new.model,
        "input_tokens": new.usage.input_tokens,
        "output_tokens": new.usage.output_tokens,
        "created_at": datetime.now(UTC),
    }
    kept = update(summaries).where(*own, _c.id == claim, _c.text.is_(None), _COUNTS).values(values)
    if (await connection.execute(kept)).rowcount == 0:
        await drop_claim(connection, principal, conversation_id, claim)
        return False
    old = select(_c.id).where(*own).order_by(_c.until_turn.desc(), _c.id.desc()).offset(KEPT).limit(KEPT)
    if gone := list((await connection.execute(old)).scalars()):
        await connection.execute(delete(summaries).where(*own, _c.id.in_(gone)))
    return True


async def drop_claim(connection: Transaction, principal: Principal, conversation_id: UUID, claim: UUID) -> None:
    """Give a claim back, so that others may make the summary. The caller commits."""
    named = delete(summaries).where(*_own(principal, conversation_id), _c.id == claim, _c.text.is_(None))
    await connection.execute(named)


async def last_message(
    connection: Transaction, principal: Principal, conversation_id: UUID, *, until_turn: int
) -> Until:
    """Return the last message that counts up to a turn.

    Raises:
        NotFoundError: the principal has no such conversation, or none of its messages counts up to there.
    """
    await get_conversation(connection, principal, conversation_id)
    m = messages.c
    own = m.tenant_id == principal.tenant_id, m.conversation_id == conversation_id
    found = select(m.turn, m.position, m.id).where(*own, m.turn <= until_turn, m.superseded_by.is_(None))
    row = (await connection.execute(found.order_by(m.turn.desc(), m.position.desc()).limit(1))).first()
    if row is None:
        raise NotFoundError("No such message.")
    return Until(row.turn, row.position, row.id)


async def remove_summaries(connection: Transaction, tenant_id: str, conversation_id: UUID, *, most_rows: int) -> int:
    """Remove some of a conversation's summaries; return how many. The caller commits."""
    own = _c.tenant_id == tenant_id, _c.conversation_id == conversation_id
    some = list((await connection.execute(select(_c.id).where(*own).limit(most_rows))).scalars())
    if some:
        await connection.execute(delete(summaries).where(*own, _c.id.in_(some)))
    return len(some)


async def _lock(connection: Transaction, principal: Principal, conversation_id: UUID) -> list[ColumnElement[bool]]:
    """Make other writers of the principal's conversation wait; return which rows are its summaries."""
    await get_conversation(connection, principal, conversation_id)
    await lock_conversation(connection, principal.tenant_id, conversation_id)
    return _own(principal, conversation_id)


def _own(principal: Principal, conversation_id: UUID) -> list[ColumnElement[bool]]:
    return [
        _c.tenant_id == principal.tenant_id,
        _c.user_id == principal.user_id,
        _c.conversation_id == conversation_id,
    ]


def _summary(row: Any, *, is_void: bool) -> Summary:
    done = row.done or {}
    calls = [
        DoneCall(one["name"], one["arguments"], one["result"], bool(one.get("is_untrusted")))
        for one in done.get("calls", ())
    ]
    return Summary(
        id=row.id,
        run_id=row.run_id,
        until=Until(row.until_turn, row.until_position, row.until_message_id),
        text=row.text,
        done=Done(tuple(calls), done.get("earlier", {})),
        tools=tuple(row.tools or ()),
        is_untrusted=bool(row.is_untrusted),
        messages=row.messages,
        model=row.model,
        usage=Usage(row.input_tokens, row.output_tokens),
        created_at=row.created_at,
        is_void=is_void,
    )
