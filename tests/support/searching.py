"""Searching in tests: what was just said is known to search a moment later."""

import asyncio

from sqlalchemy import func, select

from agent.principal import Principal
from agent.store.conversations import Conversation, ConversationCursor
from agent.store.database import EVERY_TENANT, Store
from agent.store.search import search_conversations
from agent.store.search_index import index_batch
from agent.store.tables import UNINDEXED, conversations


async def index_all(store: Store) -> int:
    """Let search know of everything, where nobody else does; return of how many rows."""
    rows = 0
    while batch := await index_batch(store):
        rows += batch
    return rows


async def until_indexed(store: Store) -> None:
    """Wait until upkeep has let search know of everything."""
    unindexed = select(func.count()).select_from(conversations).where(UNINDEXED)
    async with asyncio.timeout(60):
        while True:
            async with store.read(EVERY_TENANT) as connection:
                if not (await connection.execute(unindexed)).scalar_one():
                    return
            await asyncio.sleep(0.02)


async def search(
    store: Store, who: Principal, question: str, *, limit: int = 100, after: ConversationCursor | None = None
) -> list[Conversation]:
    """Search in what is indexed."""
    async with store.search(who.tenant_id) as connection:
        return await search_conversations(connection, who, question=question, limit=limit, after=after)
