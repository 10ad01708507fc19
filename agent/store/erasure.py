"""Erasing a user, or a whole tenant: what there is of them, and what is left when their conversations are gone.

The invariant: nothing here makes a seal of the record wrong. `user_id` None means the whole tenant.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, Select, Table, case, func, or_, select, text, update

from agent.principal import Principal, RunKey
from agent.store.audit import Deed, blank, record
from agent.store.audit_tables import NO_SALT, audit
from agent.store.clock import database_now
from agent.store.runs import is_unfinished
from agent.store.tables import OF_RUN, OF_USER, approvals, conversations, messages, runs, summaries
from agent.store.transaction import Transaction

NOBODY = ""
"""In place of whoever decided for somebody else, and was erased: NULL means that nobody did in time."""


class Owned(NamedTuple):
    """A conversation, and whose it is."""

    conversation_id: UUID
    user_id: str


async def conversations_of(connection: Transaction, tenant_id: str, *, user_id: str | None, most: int) -> list[Owned]:
    """Return some conversations that were not deleted; none, where no more are there."""
    found = select(conversations.c.id, conversations.c.user_id).where(*_whose(conversations, tenant_id, user_id))
    rows = await connection.execute(found.where(conversations.c.deleted_at.is_(None)).limit(most))
    return [Owned(row.id, row.user_id) for row in rows]


async def count_hidden(connection: Transaction, tenant_id: str, *, user_id: str | None) -> int:
    """Return how many rows there are of conversations that were deleted: conversations, runs and messages."""
    hidden = select(conversations.c.id).where(
        *_whose(conversations, tenant_id, user_id), conversations.c.deleted_at.is_not(None)
    )
    counts = [
        select(func.count()).select_from(table).where(table.c.tenant_id == tenant_id, column.in_(hidden))
        for table, column in (
            (conversations, conversations.c.id),
            (runs, runs.c.conversation_id),
            (messages, messages.c.conversation_id),
        )
    ]
    return sum([(await connection.execute(one)).scalar_one() for one in counts])


async def hidden_runs(
    connection: Transaction, tenant_id: str, *, user_id: str | None, most: int, after: UUID | None = None
) -> list[RunKey]:
    """Return runs of conversations that were deleted, in the order of their ids, behind `after`."""
    own = runs.join(
        conversations, (conversations.c.tenant_id == runs.c.tenant_id) & (conversations.c.id == runs.c.conversation_id)
    )
    found = select(runs.c.id).select_from(own).where(*_whose(runs, tenant_id, user_id))
    found = found.where(conversations.c.deleted_at.is_not(None)).order_by(runs.c.id).limit(most)
    if after is not None:
        found = found.where(runs.c.id > after)
    return [RunKey(tenant_id, run_id) for run_id in (await connection.execute(found)).scalars()]


async def record_erasure(
    connection: Transaction, tenant_id: str, *, user_id: str | None, by: str, outcome: str
) -> float:
    """Record who was erased; return up to when words of theirs may go. The caller commits.

    On the database's clock, and not after the row's own time: what comes later is not forgotten by it.
    """
    until = float((await connection.execute(select(database_now()))).scalar_one())
    told = Deed("tenant.erased" if user_id is None else "user.erased", by, user_id, outcome=outcome)
    await record(connection, Principal(tenant_id, by), [told])
    return until


async def erase_recorded_words(
    connection: Transaction, tenant_id: str, *, user_id: str | None, until: float, most_rows: int
) -> int:
    """Let go of words that the record has of a tenant, or of what a user did in anybody's conversation.

    Return of how many rows; the caller commits. Those of a user's own conversations go with these.
    """
    which: list[ColumnElement[bool]] = [audit.c.at <= until]
    if user_id is not None:
        which.append(audit.c.user_id == user_id)
    return await blank(connection, tenant_id, which, most_rows=most_rows)


async def forget_decider(connection: Transaction, tenant_id: str, user_id: str, *, most_rows: int) -> int:
    """Take a user and their reasons out of what they decided in place of others; return how many rows it were.

    The caller commits. Arguments that they changed stay while the call may not have been made yet.
    """
    c = approvals.c
    found = select(c.tool_call_id).where(c.tenant_id == tenant_id, c.decided_by == user_id).limit(most_rows)
    ids = list((await connection.execute(found)).scalars())
    is_due = select(runs.c.id).where(runs.c.tenant_id == tenant_id, runs.c.id == c.run_id, is_unfinished(runs)).exists()
    blanked = {"decided_by": NOBODY, "reason": None, "edited": case((is_due, c.edited))}
    if ids:
        own = c.tenant_id == tenant_id, c.tool_call_id.in_(ids)
        await connection.execute(update(approvals).where(*own).values(blanked))
    return len(ids)


async def count_traces(connection: Transaction, tenant_id: str, *, user_id: str | None) -> dict[str, int]:
    """Return how many rows there are of a user or a tenant, by table; of the record those that have words."""
    theirs = select(conversations.c.id).where(*_whose(conversations, tenant_id, user_id))
    own = select(runs.c.id).where(runs.c.tenant_id == tenant_id, runs.c.conversation_id.in_(theirs))
    counted: dict[str, Select[Any]] = {
        table.name: _count(table).where(*_whose(table, tenant_id, user_id)) for table in OF_USER
    }
    if user_id is not None:  # by index, and not among all that the tenant has
        for table in (runs, summaries):
            counted[table.name] = _count(table).where(
                table.c.tenant_id == tenant_id, table.c.conversation_id.in_(theirs)
            )
    of_run = {table.name: _count(table).where(table.c.tenant_id == tenant_id) for table in (messages, *OF_RUN)}
    if user_id is not None:
        of_run = {
            table.name: _count(table).where(table.c.tenant_id == tenant_id, table.c.run_id.in_(own))
            for table in (messages, *OF_RUN)
        }
    words = () if user_id is None else (or_(audit.c.user_id == user_id, audit.c.on_behalf_of == user_id),)
    recorded = _count(audit).where(audit.c.tenant_id == tenant_id, text(f"audit.salt <> '{NO_SALT}'"), *words)
    every = {**counted, **of_run, "recorded words": recorded}
    return {name: (await connection.execute(one)).scalar_one() for name, one in every.items()}


def _count(table: Table) -> Select[Any]:
    return select(func.count()).select_from(table)


def _whose(table: Table, tenant_id: str, user_id: str | None) -> Sequence[ColumnElement[bool]]:
    own = table.c.tenant_id == tenant_id
    return (own,) if user_id is None else (own, table.c.user_id == user_id)
