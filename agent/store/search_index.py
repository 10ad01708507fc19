"""The index of search: its entries are written behind the turns, in batches, each once.

The invariant: a turn that writes waits for one batch at most. How search finds entries is said in `search.py`.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import anyio
from sqlalchemy import Text, bindparam, cast, delete, func, insert, select, update
from sqlalchemy.dialects.postgresql import ARRAY

from agent.store.advisory import INDEXING, is_our_turn
from agent.store.columns import OF_TENANT, ROW_ID
from agent.store.database import EVERY_TENANT, Store
from agent.store.search import NEWEST_PART, PART_SIZE
from agent.store.statements import Hot
from agent.store.tables import UNINDEXED, conversations, messages, search_entries
from agent.store.transaction import Transaction
from agent.store.words import MAX_CHARACTERS, scope_of, terms_of

ENTRY_SIZE = 20
"""The size that an entry counts beside its words: a part of many short messages has no more than three thousand of them."""
BATCH_ROWS = 150
"""Beyond the chunk that goes past them: a turn that writes waits for one batch at most, a few milliseconds."""
BATCH_CHARACTERS = 12_000
CHUNK = 25
"""Messages that are read at once: of long ones, a few megabytes."""

_LAST_NUMBER = Hot(select(func.max(search_entries.c.number).label("number")))
_FORGET_TITLE = Hot(
    delete(search_entries).where(search_entries.c.tenant_id == OF_TENANT, search_entries.c.id == ROW_ID)
)
_KNOW = Hot(
    update(conversations)
    .where(
        conversations.c.tenant_id == OF_TENANT,
        conversations.c.id == ROW_ID,
        conversations.c.title == bindparam("read_title"),
        conversations.c.is_title_indexed == bindparam("read_is_title_indexed"),
        conversations.c.indexed_position == bindparam("read_position"),
        conversations.c.deleted_at.is_(None),
    )
    .values(is_title_indexed=True),
    "indexed_position",
)
"""A conversation is known to search up to here, if it is as it was read."""
_IS_DUE = Hot(select(conversations.c.id).where(UNINDEXED).limit(1))
"""Asked before all else: mostly nothing is."""
_DUE = (
    select(
        *(
            conversations.c[name]
            for name in ("tenant_id", "id", "user_id", "title", "is_title_indexed", "indexed_position", "last_position")
        )
    )
    .where(UNINDEXED)
    .order_by(conversations.c.updated_at.desc())
    .limit(BATCH_ROWS // 2)
)
_MESSAGES = (
    select(
        *(messages.c[name] for name in ("id", "turn", "position", "role", "superseded_by")),
        func.substr(messages.c.text, 1, MAX_CHARACTERS).label("text"),
    )
    .where(
        messages.c.tenant_id == OF_TENANT,
        messages.c.conversation_id == ROW_ID,
        messages.c.position > bindparam("read_position"),
    )
    .order_by(messages.c.position)
    .limit(CHUNK)
)
"""The next messages of a conversation. Their texts may be long: this one is not for the event loop's thread."""


@dataclass(frozen=True, slots=True)
class _Due:
    """A conversation that search does not know all of, as it was read, and what is new in it."""

    tenant_id: str
    id: UUID
    user_id: str
    title: str
    is_title_indexed: bool
    indexed_position: int
    position: int
    """Up to here its messages have been read."""
    texts: list[tuple[UUID, str]]
    """The id and the text of each new message, and of the title under the conversation's id."""

    @property
    def as_read(self) -> dict[str, Any]:
        """The values of the statements that write it."""
        return {
            "of_tenant": self.tenant_id,
            "of_user": self.user_id,
            "of_id": self.id,
            "read_title": self.title,
            "read_is_title_indexed": self.is_title_indexed,
            "read_position": self.indexed_position,
            "indexed_position": self.position,
        }


async def index_batch(store: Store) -> int:
    """Let search know of some of what is new, the newest first; return of how many rows.

    Zero where nothing is new, or another process is doing it. A batch is one transaction of at most `BATCH_ROWS` entries;
    what was read is written only if the conversation is as it was, so nothing is indexed twice or forgotten, whenever a
    process dies.
    """
    async with store.read(EVERY_TENANT) as connection:
        due = await _due(connection)
    if not due:
        return 0
    words = await anyio.to_thread.run_sync(lambda: [[terms_of(said) for _, said in one.texts] for one in due])
    async with store.write(EVERY_TENANT, is_long=True) as connection:
        if not await is_our_turn(connection, INDEXING):
            return 0
        return await _write(
            connection, sorted(zip(due, words, strict=True), key=lambda pair: (pair[0].tenant_id, pair[0].id))
        )


async def _due(connection: Transaction) -> list[_Due]:
    due: list[_Due] = []
    if await connection.row(_IS_DUE, {}) is None:
        return due
    rows, characters = BATCH_ROWS, BATCH_CHARACTERS
    for row in (await connection.execute(_DUE)).all():
        one = await _read(connection, row, rows=rows, characters=characters)
        due.append(one)
        rows -= len(one.texts) + 1
        characters -= sum(len(said) for _, said in one.texts)
        if rows <= 0 or characters <= 0:
            break
    return due


async def _read(connection: Transaction, row: Any, *, rows: int, characters: int) -> _Due:
    """Read what is new in a conversation, up to these bounds and one chunk."""
    texts = [] if row.is_title_indexed else [(row.id, row.title)]
    position = row.indexed_position
    while position < row.last_position and rows > 0 and characters > 0:
        of = {"of_tenant": row.tenant_id, "of_id": row.id, "read_position": position}
        chunk = (await connection.execute(_MESSAGES, of)).all()
        if not chunk:
            position = row.last_position
            break
        # What another lane has said may be the answer yet: whether it is, a search looks then.
        said = [(one.id, one.text) for one in chunk if one.role != "tool" and one.superseded_by in (None, one.turn)]
        texts += said
        position = chunk[-1].position
        rows -= len(chunk)
        characters -= sum(len(text) for _, text in said)
    return _Due(
        row.tenant_id, row.id, row.user_id, row.title, row.is_title_indexed, row.indexed_position, position, texts
    )


async def _write(connection: Transaction, read: Iterable[tuple[_Due, list[list[str]]]]) -> int:
    """Write the entries of what was read, but of no conversation that changed meanwhile or is gone; return of how many rows."""
    last = (await connection.row(_LAST_NUMBER, {})).number or 0
    reached: dict[tuple[str, str], int] = {}
    rows: list[dict[str, Any]] = []
    written = 0
    for due, words in read:
        if await connection.change(_KNOW, due.as_read) == 0:
            continue
        written += 1
        if not due.is_title_indexed:
            await connection.change(_FORGET_TITLE, due.as_read)
        owner = (due.tenant_id, due.user_id)
        if owner not in reached:
            reached[owner] = (await connection.row(NEWEST_PART, due.as_read)).reached or 0
        for (entry_id, _), said in zip(due.texts, words, strict=True):
            reached[owner] += ENTRY_SIZE + len(said)
            scope = scope_of(*owner, reached[owner] // PART_SIZE)
            row = {"tenant_id": due.tenant_id, "id": entry_id, "conversation_id": due.id, "user_id": due.user_id}
            number = last + len(rows) + 1
            rows.append({**row, "number": number, "reached": reached[owner], "scope": scope, "words": said})
    if rows:
        await _insert(connection, rows)
    return written + len(rows)


async def _insert(connection: Transaction, rows: list[dict[str, Any]]) -> None:
    if connection.dialect.name == "postgresql":
        vector = func.array_to_tsvector(cast(bindparam("scoped"), ARRAY(Text)))
        scoped = [{**row, "scoped": [f"{row['scope']}{word}" for word in row.pop("words")]} for row in rows]
        await connection.execute(insert(search_entries).values(words=vector), scoped)
    else:
        spaced = [{**row, "words": "".join(f" {word}" for word in row["words"])} for row in rows]
        await connection.execute(insert(search_entries), spaced)
