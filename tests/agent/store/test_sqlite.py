"""Which thread SQLite works in: the loop's own for what is short, another for what may wait."""

import asyncio
import shutil
import sqlite3
import threading
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import structlog
from sqlalchemy import select
from support.faults import until

from agent.errors import DatabaseError
from agent.store.database import EVERY_TENANT, Store
from agent.store.limits import Limits
from agent.store.tables import workers
from agent.store.transaction import Transaction
from agent.store.workers import own_runs, renew_lease


@pytest.fixture
async def store(sqlite_template: Path, tmp_path: Path) -> AsyncIterator[Store]:
    store = Store(f"sqlite+aiosqlite:///{shutil.copy(sqlite_template, tmp_path / 'one.db')}", pool_size=2)
    yield store
    await store.close()


def traced(connection: Transaction) -> dict[str, int]:
    """Return what fills with the thread in which each kind of statement is executed from now on."""
    threads: dict[str, int] = {}
    driver: Any = connection._kept.driver
    driver._conn.set_trace_callback(lambda sql: threads.setdefault(sql.split()[0], threading.get_ident()))
    return threads


async def test_a_hot_statement_is_run_at_once_and_only_a_commit_that_waits_for_the_disk_leaves_the_loop(
    store: Store,
) -> None:
    async with store.write("acme") as connection:
        threads = traced(connection)
        await renew_lease(connection, "one", lease_s=3)
    assert threads.pop("COMMIT") != threading.get_ident()
    assert threads == dict.fromkeys(["UPDATE", "INSERT"], threading.get_ident())
    async with store.read("acme") as connection:
        threads = traced(connection)
        await own_runs(connection, "one")
    assert threads == dict.fromkeys(["SELECT", "COMMIT"], threading.get_ident())


async def test_an_ordinary_statement_which_may_read_much_does_not_hold_the_loop(store: Store) -> None:
    for transaction in (store.read, store.write, store.search):
        async with transaction("acme") as connection:
            threads = traced(connection)
            await connection.execute(select(workers))
        assert threads["SELECT"] != threading.get_ident()


async def test_all_that_is_written_goes_through_one_connection(store: Store) -> None:
    drivers = set()
    for is_urgent in (False, True, False):
        async with store.write(EVERY_TENANT, is_urgent=is_urgent) as connection:
            await renew_lease(connection, "one", lease_s=3)
            drivers.add(connection._kept.driver)
        async with store.read("acme") as connection:
            assert connection._kept.driver not in drivers
    assert len(drivers) == 1


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
    async with store.write("acme") as connection:
        await renew_lease(connection, "one", lease_s=3)


async def test_a_time_that_ends_between_a_statement_and_the_close_of_its_cursor_is_a_fault(
    sqlite_template: Path, tmp_path: Path
) -> None:
    """G570"""
    file = shutil.copy(sqlite_template, tmp_path / "one.db")
    store = Store(f"sqlite+aiosqlite:///{file}", pool_size=1, limits=Limits(transaction_s=0.2))

    async def read() -> None:
        async with store.read("acme") as connection:
            driver: Any = connection._kept.driver
            cursor = await driver.execute("SELECT 1")
            await until(lambda: driver._abandoned)
            await cursor.close()

    async with asyncio.timeout(60):
        with pytest.raises(DatabaseError):
            await read()
    await store.close()


async def test_a_start_waits_for_a_file_that_another_program_has(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """G571"""
    monkeypatch.setattr("agent.store.sqlite.BUSY_TIMEOUT_MS", 50)
    monkeypatch.setattr("agent.store.awaiting.RETRY_EVERY_S", 0.05)
    other = sqlite3.connect(tmp_path / "one.db", isolation_level=None)
    other.executescript(
        "PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE; UPDATE alembic_version SET version_num = version_num"
    )
    starting = asyncio.create_task(store.prepare())
    with structlog.testing.capture_logs() as logs:
        async with asyncio.timeout(60):
            while not any(one["event"] == "database_awaited" for one in logs):
                assert not starting.done(), starting.exception()
                await asyncio.sleep(0.01)
    other.execute("COMMIT")
    other.close()
    async with asyncio.timeout(60):
        await starting
