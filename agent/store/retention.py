"""Data that is kept no longer: conversations, ratings, memories and files leave by age, in small batches.

The invariant: no conversation goes in which a run works or waits, and no transaction holds others up for longer than one
batch takes. Ids are ordered by time, so what is younger than its time is not read. The record's own way is in `expiry.py`.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Literal, NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, Table, delete, func, select, tuple_, union_all, update

from agent.principal import Principal
from agent.store.advisory import RETAINING, is_our_turn
from agent.store.attachment_tables import files
from agent.store.attachments import let_go_where
from agent.store.audit import Deed, record
from agent.store.audit_tables import audit_seals
from agent.store.clock import database_now, instant
from agent.store.expiry import has_expired
from agent.store.memory_tables import memories
from agent.store.runs import is_unfinished
from agent.store.tables import conversations, feedback, runs
from agent.store.transaction import Transaction

BEGINNING = UUID(int=0)
ID_SLACK = timedelta(days=1)
"""How far the clock of the process that gave an id may have been ahead of the database's."""


Kind = Literal["conversations", "feedback", "memories", "files", "audit"]


class Batch(NamedTuple):
    """A batch: how many one transaction let go of, and behind which conversation the next one looks; None where that was all."""

    gone: int
    last: UUID | None


async def next_tenant(connection: Transaction, *, after: str) -> str | None:
    """Return the first tenant with conversations behind this one, in the order of their names."""
    own = select(func.min(conversations.c.tenant_id)).where(conversations.c.tenant_id > after)
    name: str | None = (await connection.execute(own)).scalar_one()
    return name


async def next_keeping(connection: Transaction, *, after: str) -> str | None:
    """Return the first tenant with anything that is kept for a time behind this one, in the order of their names."""
    tables = conversations, memories, files, audit_seals
    firsts = union_all(
        *(select(func.min(one.c.tenant_id).label("first")).where(one.c.tenant_id > after) for one in tables)
    ).subquery()
    name: str | None = (await connection.execute(select(func.min(firsts.c.first)))).scalar_one()
    return name


async def kinds_due(connection: Transaction, tenant_id: str, days: Mapping[Kind, int]) -> list[Kind]:
    """Return the kinds of which a tenant has something that was kept for so many days. It only reads, and reads little."""
    now = instant((await connection.execute(select(database_now()))).scalar_one())
    due: list[Kind] = []
    for kind, most in days.items():
        if kind == "audit":
            is_due = await has_expired(connection, tenant_id, keep_days=most)
        else:
            table, condition = _OLD[kind]
            old = select(table.c.tenant_id).where(
                table.c.tenant_id == tenant_id, *condition(now - timedelta(days=most))
            )
            is_due = (await connection.execute(old.limit(1))).first() is not None
        due += [kind] if is_due else []
    return due


async def expire_conversations(
    connection: Transaction, tenant_id: str, *, keep_days: int, most_rows: int, after: UUID = BEGINNING
) -> Batch:
    """Hide conversations in which nobody said anything for so long, and record each. The caller commits.

    Their rows go as those of deleted ones do. Of two processes at once, one does nothing.
    """
    if not await is_our_turn(connection, RETAINING):
        return Batch(0, None)
    c = conversations.c
    before = await _before(connection, keep_days)
    old = select(c.id, c.user_id).where(c.tenant_id == tenant_id, c.id > after, *_old_conversations(before))
    old = old.order_by(c.id).limit(most_rows)
    # Locked first and looked at then: a message that came in between has its run by now.
    found = (await connection.execute(old.with_for_update(skip_locked=True))).all()
    busy = await _busy(connection, tenant_id, [row.id for row in found])
    gone = [row for row in found if row.id not in busy]
    if gone:
        now = instant((await connection.execute(select(database_now()))).scalar_one())
        hidden = update(conversations).where(c.tenant_id == tenant_id, c.id.in_([row.id for row in gone]))
        await connection.execute(hidden.values(deleted_at=now))
        told = [Deed("conversation.expired", None, row.user_id, row.id) for row in gone]
        await record(connection, Principal(tenant_id, ""), told)
    return Batch(len(gone), found[-1].id if len(found) == most_rows else None)


async def expire_feedback(connection: Transaction, tenant_id: str, *, keep_days: int, most_rows: int) -> int:
    """Remove ratings that are so old, and record how many that were; return that. The caller commits."""
    if not await is_our_turn(connection, RETAINING):
        return 0
    c = feedback.c
    before = await _before(connection, keep_days)
    old = select(c.message_id, c.user_id).where(c.tenant_id == tenant_id, *_old_feedback(before))
    keys = [tuple(row) for row in await connection.execute(old.limit(most_rows))]
    if keys:
        named = tuple_(c.message_id, c.user_id).in_(keys)
        await connection.execute(delete(feedback).where(c.tenant_id == tenant_id, named))
        await record(connection, Principal(tenant_id, ""), [Deed("feedback.expired", outcome=str(len(keys)))])
    return len(keys)


async def expire_memories(connection: Transaction, tenant_id: str, *, keep_days: int, most_rows: int) -> int:
    """Remove facts that nobody changed for so long, and record how many that were; return that. The caller commits."""
    if not await is_our_turn(connection, RETAINING):
        return 0
    c = memories.c
    before = await _before(connection, keep_days)
    old = select(c.id).where(c.tenant_id == tenant_id, *_old_memories(before)).limit(most_rows)
    ids = list((await connection.execute(old)).scalars())
    if ids:
        await connection.execute(delete(memories).where(c.tenant_id == tenant_id, c.id.in_(ids)))
        await record(connection, Principal(tenant_id, ""), [Deed("memory.expired", outcome=str(len(ids)))])
    return len(ids)


async def expire_files(connection: Transaction, tenant_id: str, *, keep_days: int, most_rows: int) -> int:
    """Hide files that came so long ago, those that messages have among them; record how many, and return that.

    The caller commits. Their bytes go as those of deleted ones do.
    """
    if not await is_our_turn(connection, RETAINING):
        return 0
    before = await _before(connection, keep_days)
    gone = await let_go_where(connection, tenant_id, *_old_files(before), most_rows=most_rows)
    if gone:
        await record(connection, Principal(tenant_id, ""), [Deed("file.expired", outcome=str(gone))])
    return gone


def _old_conversations(before: datetime) -> list[ColumnElement[bool]]:
    c = conversations.c
    return [c.id < first_id(before), c.deleted_at.is_(None), c.updated_at < before]


def _old_feedback(before: datetime) -> list[ColumnElement[bool]]:
    return [feedback.c.message_id < first_id(before), feedback.c.created_at < before]


def _old_memories(before: datetime) -> list[ColumnElement[bool]]:
    return [memories.c.updated_at < before]


def _old_files(before: datetime) -> list[ColumnElement[bool]]:
    c = files.c
    return [c.id < first_id(before), c.deleted_at.is_(None), c.created_at < before]


_OLD: Mapping[Kind, tuple[Table, Callable[[datetime], list[ColumnElement[bool]]]]] = {
    "conversations": (conversations, _old_conversations),
    "feedback": (feedback, _old_feedback),
    "memories": (memories, _old_memories),
    "files": (files, _old_files),
}


async def _busy(connection: Transaction, tenant_id: str, ids: Sequence[UUID]) -> set[Any]:
    """Return those of these conversations in which a run works or waits."""
    own = select(runs.c.conversation_id).where(runs.c.tenant_id == tenant_id, is_unfinished(runs))
    return set((await connection.execute(own.where(runs.c.conversation_id.in_(ids)))).scalars())


async def _before(connection: Transaction, keep_days: int) -> datetime:
    now: float = (await connection.execute(select(database_now()))).scalar_one()
    return instant(now) - timedelta(days=keep_days)


def first_id(at: datetime, *, slack: int = 1) -> UUID:
    """Return the first id of a time. With a slack of 1 all ids up to then are before it, with -1 all from then on behind it."""
    return UUID(int=max(0, round((at + slack * ID_SLACK).timestamp() * 1000)) << 80)
