"""Search: the words of titles and messages, found newest first. It costs what the user has, whoever else has what.

A user's entries are in parts of about `PART_SIZE` words each. In the index a part's number, with tenant and user, is in front
of every word (`words.scope_of`), so a search reads parts one after another, newest first, until it has enough. SQLite has
the words in an FTS5 table, which triggers fill; PostgreSQL in a `tsvector`. Both take them as they are.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any
from uuid import UUID

import anyio
from sqlalchemy import BindParameter, Text, bindparam, cast, func, insert, select, text, update
from sqlalchemy.dialects.postgresql import ARRAY

from agent.principal import Principal
from agent.store.columns import Instant
from agent.store.conversations import Conversation, ConversationCursor
from agent.store.database import Store
from agent.store.runs import rows_changed
from agent.store.tables import UNINDEXED, conversations, messages, search_entries
from agent.store.transaction import Transaction
from agent.store.words import MAX_CHARACTERS, asked_terms, scope_of, terms_of

PART_SIZE = 60_000
"""Words of one part of a user's index; one entry is never in two, so a part may be one message larger."""
ENTRY_SIZE = 20
"""What an entry counts beside its words: a part of many short messages has no more than three thousand of them."""
ENOUGH_HITS = 4_000
"""A word that more messages have is looked for in the newest ones only, though in at least so many hits."""
PARTS_AT_ONCE = 16

BATCH_ROWS = 500
"""Beyond the chunk that goes past them: a turn that writes waits for one batch at most, some tens of milliseconds."""
BATCH_CHARACTERS = 40_000
CHUNK = 25
"""Messages that are read at once: of long ones, a few megabytes."""
INDEXING_LOCK = 7045218
STALL_S = 10
"""A process that stands still within the transaction loses it after this time: the others wait for its lock."""

_NEWEST_PART = select(func.max(search_entries.c.reached)).where(
    search_entries.c.tenant_id == bindparam("of_tenant"), search_entries.c.user_id == bindparam("of_user")
)
# From the index to the entries to what they belong to: a planner that knows nothing yet would begin with all that the user
# has. CROSS JOIN tells SQLite the order, LATERAL with OFFSET tells PostgreSQL.
_MATCHES = {
    "sqlite": """
        SELECT e.tenant_id, e.user_id, e.id, e.conversation_id
        FROM search_index AS f CROSS JOIN search_entries AS e ON e.number = f.rowid
        WHERE f.search_index MATCH :question""",
    "postgresql": """
        SELECT e.tenant_id, e.user_id, e.id, e.conversation_id
        FROM search_entries AS e WHERE e.words @@ CAST(:question AS tsquery)""",
}
_BELONGING = {
    "sqlite": """
        CROSS JOIN conversations AS c ON c.tenant_id = h.tenant_id AND c.id = h.conversation_id
        LEFT JOIN messages AS m ON m.tenant_id = h.tenant_id AND m.id = h.id""",
    "postgresql": """
        CROSS JOIN LATERAL (
            SELECT * FROM conversations AS o WHERE o.tenant_id = h.tenant_id AND o.id = h.conversation_id OFFSET 0
        ) AS c
        LEFT JOIN LATERAL (
            SELECT o.id, o.superseded_by FROM messages AS o WHERE o.tenant_id = h.tenant_id AND o.id = h.id OFFSET 0
        ) AS m ON true""",
}
_SEARCH = """
    WITH matches AS MATERIALIZED ({matches})
    SELECT c.id, c.title, c.created_at, c.updated_at, count(*) AS hits
    FROM matches AS h {belonging}
    WHERE h.tenant_id = :of_tenant AND h.user_id = :of_user AND c.user_id = h.user_id AND c.deleted_at IS NULL
      AND (h.id = h.conversation_id OR (m.id IS NOT NULL AND m.superseded_by IS NULL))
      {after}
    GROUP BY c.id, c.title, c.created_at, c.updated_at"""
_AFTER = "AND (c.updated_at, c.id) < (:updated_at, :after_id)"


async def search_conversations(
    connection: Transaction, principal: Principal, *, question: str, limit: int, after: ConversationCursor | None
) -> list[Conversation]:
    """Return up to `limit` conversations, newest first, whose title or one of whose messages has all words asked for.

    A word is had where another one begins with it. None is found where no word is asked for. A conversation is found by
    its newest `ENOUGH_HITS` hits, so of a word that is nearly everywhere an old hit in a conversation that went on without
    the word may not be found.
    """
    asked = asked_terms(question)
    reached = (await connection.execute(_NEWEST_PART, _of(principal))).scalar_one()
    if not asked or reached is None:
        return []
    if connection.dialect.name == "postgresql":
        await connection.execute(text("SET LOCAL enable_seqscan = off"))
    found: dict[UUID, Conversation] = {}
    left, size, hits = reached // PART_SIZE + 1, 1, 0
    newest = left
    while left > 0 and hits < ENOUGH_HITS:
        parts = range(left - 1, max(left - size, 0) - 1, -1)
        rows = await _search_parts(connection, principal, parts, asked, after=after)
        found |= {row.id: Conversation(row.id, row.title, row.created_at, row.updated_at) for row in rows}
        hits += sum(row.hits for row in rows)
        left -= len(parts)
        likely = (ENOUGH_HITS - hits) * (newest - left) // max(hits, 1)
        size = min(max(likely, 1), 4 * size, PARTS_AT_ONCE)
    return sorted(found.values(), key=lambda one: (one.updated_at, one.id), reverse=True)[:limit]


async def _search_parts(
    connection: Transaction,
    principal: Principal,
    parts: range,
    asked: Sequence[str],
    *,
    after: ConversationCursor | None,
) -> Sequence[Any]:
    dialect = connection.dialect.name
    scopes = [scope_of(principal.tenant_id, principal.user_id, part) for part in parts]
    values = {**_of(principal), "question": _question(dialect, scopes, asked)}
    types: list[BindParameter[Any]] = []
    if after is not None:
        values |= {"updated_at": after.updated_at, "after_id": after.id}
        types = [bindparam("updated_at", type_=Instant()), bindparam("after_id", type_=conversations.c.id.type)]
    statement = text(
        _SEARCH.format(matches=_MATCHES[dialect], belonging=_BELONGING[dialect], after=_AFTER if after else "")
    ).bindparams(*types)
    columns = [conversations.c[name] for name in ("id", "title", "created_at", "updated_at")]
    return (await connection.execute(statement.columns(*columns, hits=search_entries.c.number.type), values)).all()


def _question(dialect: str, scopes: Sequence[str], asked: Sequence[str]) -> str:
    """Return the query for words that begin with each of those asked for, in one of the scopes.

    Words have neither quotes nor backslashes (`words.py`): within quotes they are only words to both engines.
    """
    if dialect == "postgresql":
        return "|".join("(" + "&".join(f"'{scope}{word}':*" for word in asked) + ")" for scope in scopes)
    return " OR ".join("(" + " AND ".join(f'"{scope}{word}" *' for word in asked) + ")" for scope in scopes)


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


async def index_batch(store: Store) -> int:
    """Let search know of some of what is new, the newest first; return of how many rows.

    Zero where nothing is new, or another process is doing it. A batch is one transaction of at most `BATCH_ROWS` entries;
    what was read is written only if the conversation is as it was, so nothing is indexed twice or forgotten, whenever a
    process dies.
    """
    async with store.read() as connection:
        due = await _due(connection)
    if not due:
        return 0
    words = await anyio.to_thread.run_sync(lambda: [[terms_of(said) for _, said in one.texts] for one in due])
    async with store.write(is_long=True) as connection:
        if not await _is_our_turn(connection):
            return 0
        written = 0
        for one, said in sorted(zip(due, words, strict=True), key=lambda pair: (pair[0].tenant_id, pair[0].id)):
            written += await _write(connection, one, said)
        return written


async def _due(connection: Transaction) -> list[_Due]:
    names = ("tenant_id", "id", "user_id", "title", "is_title_indexed", "indexed_position", "last_position")
    statement = (
        select(*(conversations.c[name] for name in names))
        .where(UNINDEXED)
        .order_by(conversations.c.updated_at.desc())
        .limit(BATCH_ROWS // 2)
    )
    due: list[_Due] = []
    rows, characters = BATCH_ROWS, BATCH_CHARACTERS
    for row in (await connection.execute(statement)).all():
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
        chunk = await _messages(connection, row.tenant_id, row.id, position)
        if not chunk:
            position = row.last_position
            break
        said = [(one.id, one.text) for one in chunk if one.role != "tool" and one.superseded_by is None]
        texts += said
        position = chunk[-1].position
        rows -= len(chunk)
        characters -= sum(len(text) for _, text in said)
    return _Due(
        row.tenant_id, row.id, row.user_id, row.title, row.is_title_indexed, row.indexed_position, position, texts
    )


async def _messages(connection: Transaction, tenant_id: str, conversation_id: UUID, position: int) -> Sequence[Any]:
    columns = (messages.c[name] for name in ("id", "position", "role", "superseded_by"))
    statement = (
        select(*columns, func.substr(messages.c.text, 1, MAX_CHARACTERS).label("text"))
        .where(
            messages.c.tenant_id == tenant_id,
            messages.c.conversation_id == conversation_id,
            messages.c.position > position,
        )
        .order_by(messages.c.position)
        .limit(CHUNK)
    )
    return (await connection.execute(statement)).all()


async def _is_our_turn(connection: Transaction) -> bool:
    """Return whether nobody else writes entries until this transaction ends: on SQLite that is so anyway."""
    if connection.dialect.name != "postgresql":
        return True
    await connection.execute(text(f"SET LOCAL idle_in_transaction_session_timeout = '{STALL_S}s'"))
    got: bool = (await connection.execute(select(func.pg_try_advisory_xact_lock(INDEXING_LOCK)))).scalar_one()
    return got


async def _write(connection: Transaction, due: _Due, words: Sequence[list[str]]) -> int:
    """Write the entries of what was read, unless the conversation changed meanwhile or is gone."""
    table = conversations.c
    as_read = (
        (table.tenant_id == due.tenant_id)
        & (table.id == due.id)
        & (table.title == due.title)
        & (table.is_title_indexed == due.is_title_indexed)
        & (table.indexed_position == due.indexed_position)
        & table.deleted_at.is_(None)
    )
    known = {"indexed_position": due.position, "is_title_indexed": True}
    if rows_changed(await connection.execute(update(conversations).where(as_read).values(known))) == 0:
        return 0
    entries = search_entries.c
    if not due.is_title_indexed:
        old_title = (entries.tenant_id == due.tenant_id) & (entries.id == due.id)
        await connection.execute(search_entries.delete().where(old_title))
    owner = {"of_tenant": due.tenant_id, "of_user": due.user_id}
    reached = (await connection.execute(_NEWEST_PART, owner)).scalar_one() or 0
    last = (await connection.execute(select(func.max(entries.number)))).scalar_one() or 0
    rows = []
    for number, (entry_id, _), said in zip(count(last + 1), due.texts, words, strict=False):
        reached += ENTRY_SIZE + len(said)
        scope = scope_of(due.tenant_id, due.user_id, reached // PART_SIZE)
        row = {"tenant_id": due.tenant_id, "id": entry_id, "conversation_id": due.id, "user_id": due.user_id}
        rows.append({**row, "number": number, "reached": reached, "scope": scope, "words": said})
    if rows:
        await _insert(connection, rows)
    return len(rows) + 1


async def _insert(connection: Transaction, rows: list[dict[str, Any]]) -> None:
    if connection.dialect.name == "postgresql":
        vector = func.array_to_tsvector(cast(bindparam("scoped"), ARRAY(Text)))
        scoped = [{**row, "scoped": [f"{row['scope']}{word}" for word in row.pop("words")]} for row in rows]
        await connection.execute(insert(search_entries).values(words=vector), scoped)
    else:
        spaced = [{**row, "words": "".join(f" {word}" for word in row["words"])} for row in rows]
        await connection.execute(insert(search_entries), spaced)


def _of(principal: Principal) -> dict[str, Any]:
    return {"of_tenant": principal.tenant_id, "of_user": principal.user_id}
