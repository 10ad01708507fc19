"""Deleting a conversation: one short transaction hides it, many short ones remove its rows.

The invariant: from the first commit on nothing of it can be seen or written, whoever has its ids, and however many rows
it has, no transaction holds others up for longer than one batch takes. What a process leaves, the next one finds.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Column, Select, Table, TextClause, bindparam, delete, select, text, tuple_, update

from agent.errors import NotFoundError
from agent.principal import Principal, RunKey
from agent.store.attachments import let_go_of_conversation
from agent.store.audit import erase_words
from agent.store.columns import ROW_ID
from agent.store.conversations import OWNED, of
from agent.store.database import EVERY_TENANT, Store
from agent.store.statements import Hot
from agent.store.summaries import remove_summaries
from agent.store.tables import OF_RUN, conversations, feedback, messages, runs, search_entries
from agent.store.transaction import Transaction
from agent.store.transitions import cancel_runs

_HIDE = Hot(
    update(conversations)
    .where(OWNED, conversations.c.id == ROW_ID)
    .values(deleted_at=bindparam("now"))
    .returning(conversations.c.id)
)
_DELETED = (
    select(conversations.c.tenant_id, conversations.c.id)
    .where(conversations.c.deleted_at.is_not(None))
    .order_by(conversations.c.deleted_at)
    .limit(1)
)
_IS_DELETED = Hot(_DELETED)
_TAKE = _DELETED.with_for_update(skip_locked=True)
"""The next conversation to remove, which no other process removes at this moment."""

MERGED_PAGES = 64
_MERGES = (
    text("INSERT INTO search_index (search_index, rank) VALUES ('merge', :pages)"),
    text("INSERT INTO memory_index (memory_index, rank) VALUES ('merge', :pages)"),
)
_CHANGES = text("SELECT total_changes()")


@dataclass(frozen=True, slots=True)
class Removed:
    """The rows and runs that one batch removed."""

    rows: int
    runs: Sequence[RunKey]


async def hide_conversation(connection: Transaction, principal: Principal, conversation_id: UUID) -> list[UUID]:
    """Delete a conversation, for all who could see it; return the runs that this has ended. The caller commits.

    Raises:
        NotFoundError: the principal has no such conversation.
    """
    now = datetime.now(UTC)
    if await connection.row(_HIDE, {**of(principal, conversation_id), "now": now}) is None:
        raise NotFoundError("No such conversation.")
    return await cancel_runs(connection, principal, conversation_id, now=now)


async def purge_deleted(store: Store, *, most_rows: int, gone: Callable[[RunKey], Awaitable[None]]) -> bool:
    """Remove the rows of all deleted conversations; tell `gone` of each run that was theirs. Return whether there were any.

    The rows of their files stay, without a word, until somebody has removed their bytes.

    At most `most_rows` in a transaction, and between two of them others have the database for as long as one took.
    """
    has_removed, store.has_forgotten = store.has_forgotten, False
    while True:
        async with store.read(EVERY_TENANT) as connection:
            if await connection.row(_IS_DELETED, {}) is None:
                break
        begun = time.monotonic()
        async with store.write(EVERY_TENANT, is_long=True) as connection:
            removed = await remove_batch(connection, most_rows=most_rows)
        if not removed.rows:
            return has_removed  # another process is at it
        has_removed = True
        store.note_deletion()
        for run in removed.runs:
            await gone(run)
        await asyncio.sleep(time.monotonic() - begun)  # others' share of the database: half
    if has_removed:
        await forget_words(store)
    return has_removed


async def forget_words(store: Store) -> None:
    """Let SQLite's indexes of words lose those of what was removed: until their segments are merged they only mark them.

    A few pages in a transaction, and between two of them others have the database for much longer than one took.
    """
    for merge in _MERGES:
        await _merge(store, merge)


async def _merge(store: Store, merge: TextClause) -> None:
    pages = -MERGED_PAGES  # below zero: begin a merge of all segments, however few there are
    is_merging = True
    while is_merging:
        begun = time.monotonic()
        async with store.write(EVERY_TENANT, is_long=True) as connection:
            if connection.dialect.name != "sqlite":
                return
            before = (await connection.execute(_CHANGES)).scalar_one()
            await connection.execute(merge, {"pages": pages})
            changed = (await connection.execute(_CHANGES)).scalar_one() - before
            is_merging = changed >= 2  # as FTS5 says that it did something
        store.note_deletion()
        pages = MERGED_PAGES
        await asyncio.sleep(4 * (time.monotonic() - begun))  # others' share of the one writer: four fifths


async def remove_batch(connection: Transaction, *, most_rows: int) -> Removed:
    """Remove up to `most_rows` rows of a deleted conversation, those first that point to others. The caller commits."""
    taken = (await connection.execute(_TAKE)).one_or_none()
    if taken is None:
        return Removed(0, [])
    tenant_id, conversation_id = taken
    batch = _Batch(connection, tenant_id, most_rows)
    await batch.remove(messages, conversation_id, pointing=[feedback.c.message_id])
    await batch.remove_entries(conversation_id)
    await batch.remove_summaries(conversation_id)
    await batch.erase_words(conversation_id)
    await batch.let_go_of_files(conversation_id)
    removed = await batch.remove(runs, conversation_id, pointing=[table.c.run_id for table in OF_RUN])
    if batch.room:
        await batch.delete(conversations, [(conversation_id,)])
    return Removed(most_rows - batch.room, [RunKey(tenant_id, run_id) for run_id in removed])


class _Batch:
    """A transaction's share of a tenant's rows. `room` is how many more rows it may remove."""

    def __init__(self, connection: Transaction, tenant_id: str, room: int) -> None:
        self._connection = connection
        self._tenant_id = tenant_id
        self.room = room

    async def remove(self, table: Table, conversation_id: UUID, *, pointing: Sequence[Column[UUID]]) -> list[UUID]:
        """Remove rows of a conversation, those first whose `pointing` columns name them; return the ids of what is gone."""
        if not self.room:
            return []
        own = (table.c.tenant_id == self._tenant_id, table.c.conversation_id == conversation_id)
        ids = [row.id for row in await self._some(select(table.c.id).where(*own))]
        if not ids:
            return []
        for column in pointing:
            child = column.table
            assert isinstance(child, Table)
            children = select(*_key(child)).where(child.c.tenant_id == self._tenant_id, column.in_(ids))
            await self.delete(child, [tuple(row) for row in await self._some(children)])
        gone = ids[: self.room]  # room is left only where nothing points to these any more
        await self.delete(table, [(one,) for one in gone])
        return gone

    async def remove_entries(self, conversation_id: UUID) -> None:
        """Remove what search knows of a conversation."""
        if self.room:
            entries = search_entries.c
            own = (entries.tenant_id == self._tenant_id, entries.conversation_id == conversation_id)
            rows = await self._some(select(entries.id).where(*own))
            await self.delete(search_entries, [(row.id,) for row in rows])

    async def remove_summaries(self, conversation_id: UUID) -> None:
        """Remove what models read in place of a conversation's beginning."""
        if self.room:
            removed = remove_summaries(self._connection, self._tenant_id, conversation_id, most_rows=self.room)
            self.room -= await removed

    async def erase_words(self, conversation_id: UUID) -> None:
        """Blank what the record has of the words; its rows stay."""
        if self.room:
            erased = erase_words(self._connection, self._tenant_id, conversation_id, most_rows=self.room)
            self.room -= await erased

    async def let_go_of_files(self, conversation_id: UUID) -> None:
        """Hide the files of a conversation, so that upkeep removes their bytes."""
        if self.room:
            let_go = let_go_of_conversation(self._connection, self._tenant_id, conversation_id, most_rows=self.room)
            self.room -= await let_go

    async def delete(self, table: Table, keys: Sequence[tuple[Any, ...]]) -> None:
        """Remove rows by their keys within the tenant."""
        if keys:
            named = tuple_(*_key(table)).in_(keys)
            await self._connection.execute(delete(table).where(table.c.tenant_id == self._tenant_id, named))
            self.room -= len(keys)

    async def _some(self, statement: Select[Any]) -> Sequence[Any]:
        rows: Sequence[Any] = (await self._connection.execute(statement.limit(self.room))).all()
        return rows


def _key(table: Table) -> list[Any]:
    """Return the columns of a table's key behind the tenant."""
    return [column for column in table.primary_key.columns if column is not table.c.tenant_id]
