"""Which thread SQLite works in: the loop's own for what is short, another for what may wait."""

import asyncio
import sqlite3
import threading
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from agent.store.database import Store


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    store = Store(f"sqlite+aiosqlite:///{tmp_path}/one.db", pool_size=2)
    async with store.write() as connection:
        await connection.execute(text("CREATE TABLE facts (name TEXT)"))
    yield store
    await store.close()


async def thread_of_a_statement(connection: AsyncConnection) -> int:
    """Return the thread in which the connection executes."""
    raw: Any = (await connection.get_raw_connection()).driver_connection
    raw._conn.create_function("thread", 0, threading.get_ident)
    return int((await connection.execute(text("SELECT thread()"))).scalar_one())


async def test_what_is_found_by_key_is_read_and_written_at_once(store: Store) -> None:
    async with store.read(by_key=True) as connection:
        assert await thread_of_a_statement(connection) == threading.get_ident()
    async with store.write() as connection:
        assert await thread_of_a_statement(connection) == threading.get_ident()


async def test_what_may_read_much_does_not_hold_the_loop(store: Store) -> None:
    async with store.read() as connection:
        assert await thread_of_a_statement(connection) != threading.get_ident()
    async with store.write(by_key=False) as connection:
        assert await thread_of_a_statement(connection) != threading.get_ident()


async def test_only_a_commit_that_waits_for_the_disk_leaves_the_loop(store: Store) -> None:
    threads: dict[str, int] = {}
    async with store.write() as connection:
        raw: Any = (await connection.get_raw_connection()).driver_connection
        raw._conn.set_trace_callback(lambda sql: threads.setdefault(sql, threading.get_ident()))
        await connection.execute(text("INSERT INTO facts VALUES ('kept')"))
    assert threads["INSERT INTO facts VALUES ('kept')"] == threading.get_ident()
    assert threads.pop("COMMIT") != threading.get_ident()
    async with store.read(by_key=True) as connection:
        assert (await connection.execute(text("SELECT name FROM facts"))).scalar_one() == "kept"
    assert threads["COMMIT"] == threading.get_ident()


async def test_a_writer_that_waits_for_another_process_does_not_hold_the_loop(store: Store, tmp_path: Path) -> None:
    other = sqlite3.connect(tmp_path / "one.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    writing = asyncio.create_task(_write(store))
    begun = time.monotonic()
    await asyncio.wait([writing], timeout=0.3)
    assert time.monotonic() - begun < 4.5, "the loop stood still"
    assert not writing.done()
    other.execute("COMMIT")
    await writing
    other.close()


async def _write(store: Store) -> None:
    async with store.write() as connection:
        await connection.execute(text("INSERT INTO facts VALUES ('waited')"))
