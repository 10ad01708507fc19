"""Search: the words of titles and messages, found newest first. It costs what the user has, whoever else has what.

A user's entries are in parts of about `PART_SIZE` words each. In the index a part's number, with tenant and user, is in front
of every word (`words.scope_of`), so a search reads parts one after another, newest first, until it has enough. SQLite has
the words in an FTS5 table, which triggers fill; PostgreSQL in a `tsvector`. Both take them as they are. `search_index.py`
writes the entries.
"""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import BindParameter, bindparam, func, select, text

from agent.principal import Principal
from agent.store.columns import OF_TENANT, OF_USER, Instant
from agent.store.conversations import Conversation, ConversationCursor
from agent.store.statements import Hot
from agent.store.tables import conversations, search_entries
from agent.store.transaction import Transaction
from agent.store.words import asked_terms, scope_of

PART_SIZE = 60_000
"""Words of one part of a user's index; one entry is never in two, so a part may be one message larger."""
ENOUGH_HITS = 4_000
"""A word that more messages have is looked for in the newest ones only, though in at least so many hits."""
PARTS_AT_ONCE = 16

NEWEST_PART = Hot(
    select(func.max(search_entries.c.reached).label("reached")).where(
        search_entries.c.tenant_id == OF_TENANT, search_entries.c.user_id == OF_USER
    )
)
"""How many words a user's entries have, of which `PART_SIZE` make a part; null without entries."""
# From the index to the entries to what they belong to: a planner that knows nothing yet would begin with all that the user
# has. CROSS JOIN tells SQLite the order, LATERAL with OFFSET tells PostgreSQL.
_MATCHES = {
    "sqlite": """
        SELECT e.tenant_id, e.user_id, e.id, e.conversation_id
        FROM search_index AS f CROSS JOIN search_entries AS e ON e.number = f.rowid
        WHERE f.search_index MATCH :question""",
    "postgresql": """
        SELECT e.tenant_id, e.user_id, e.id, e.conversation_id
        FROM search_entries_of_tenant AS e WHERE e.words @@ CAST(:question AS tsquery)""",
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
    reached = (await connection.row(NEWEST_PART, _of(principal))).reached
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


def _of(principal: Principal) -> dict[str, Any]:
    return {"of_tenant": principal.tenant_id, "of_user": principal.user_id}
