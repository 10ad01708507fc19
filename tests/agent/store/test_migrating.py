"""A migration of PostgreSQL while a release before it works: nobody waits long, and what cannot be had is tried again."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import psycopg
import pytest
from sqlalchemy import MetaData, text
from support.faults import until
from support.releases import FIRST_RELEASE, alembic, fill, tables_of
from support.rows import ANN, count_rows, in_one

from agent.errors import ConfigurationError
from agent.store.conversations import list_conversations
from agent.store.database import EVERY_TENANT, Store
from agent.store.migrations import bring_to_newest
from agent.store.repeating import repeated
from alembic import command

pytestmark = pytest.mark.parametrize("empty_database_url", ["postgresql"], indirect=True)

LONGEST_S = 10.0
"""For a turn of the release before, on a busy machine. A lock is waited for one second, and a version's own work is short."""
WAITS = text("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE 'ALTER TABLE%'")


@pytest.fixture
async def store(empty_database_url: str) -> AsyncIterator[Store]:
    """A database of the first release, with rows of it."""
    store = Store(empty_database_url, pool_size=5)
    async with store.write(EVERY_TENANT) as connection:
        await connection.run_sync(alembic(command.upgrade, FIRST_RELEASE))
    yield store
    await store.close()


@asynccontextmanager
async def reading_for_long(store: Store) -> AsyncIterator[None]:
    """Have a transaction open that has read, as a copy of the database does: no table that it read can be changed."""
    url = store.url.render_as_string(hide_password=False).replace("postgresql+psycopg://", "postgresql://")
    async with await psycopg.AsyncConnection.connect(url) as connection:
        await connection.execute("SELECT count(*) FROM conversations, runs, messages")
        yield
        await connection.rollback()


class Release:
    """A release that works on: it knows the tables as they were when it was made."""

    def __init__(self, store: Store, then: MetaData) -> None:
        self.store = store
        self.turns = 0
        self.longest_s = 0.0
        self.is_over = False
        self._then = then

    async def work(self) -> None:
        """Store turns, one after the other, until it is over."""
        while not self.is_over:
            begun = time.monotonic()
            await self._turn()
            self.turns += 1
            self.longest_s = max(self.longest_s, time.monotonic() - begun)

    @repeated
    async def _turn(self) -> None:
        async with self.store.write(ANN.tenant_id) as connection:
            await connection.run_sync(lambda sync: fill(sync, self._then))

    async def goes_on(self) -> None:
        """Wait until it has stored some more."""
        enough = self.turns + 10
        await until(lambda: self.turns >= enough)


async def test_a_release_works_on_while_the_schema_is_brought_to_the_newest_and_behind_it(store: Store) -> None:
    """G322: also where a migration does not get its locks for a while."""
    async with store.read(ANN.tenant_id) as connection:
        then = await connection.run_sync(tables_of)
    release = Release(store, then)
    working = asyncio.create_task(release.work())
    await release.goes_on()

    async def waits() -> bool:
        async with store.read(EVERY_TENANT) as connection:
            return bool((await connection.execute(WAITS)).scalar_one())

    async with reading_for_long(store):
        migrating = asyncio.create_task(store.migrate())
        await until(waits)
        await release.goes_on()
        assert not migrating.done()
    await migrating
    await release.goes_on()
    release.is_over = True
    await working
    assert release.longest_s < LONGEST_S
    await store.prepare()
    assert (await count_rows(store))["conversations"] == release.turns
    assert len(await in_one(store, list_conversations, ANN, limit=50, after=None)) == min(50, release.turns)


async def test_a_schema_that_cannot_be_changed_is_left_whole_and_the_operator_is_told_what_to_do(
    store: Store,
) -> None:
    """G322"""
    async with reading_for_long(store):
        with pytest.raises(ConfigurationError, match="frontdesk migrate") as failed:
            await bring_to_newest(store.engine, tries=1)
    assert "version 0011" in str(failed.value)
    await store.migrate()
    await store.prepare()
