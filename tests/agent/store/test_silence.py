"""A database that hangs costs a bounded wait and an error, and never a connection that is used again."""

import asyncio
import os
import shutil
import sqlite3
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from select import POLLRDHUP, poll
from typing import Any
from uuid import uuid4

import anyio
import psycopg
import pytest
from psycopg.pq import TransactionStatus
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError
from support.each import each
from support.faults import until
from support.rows import ANN, in_one, in_use
from support.silence import SilentProxy, silent_proxy

from agent.errors import ConfigurationError, DatabaseError
from agent.store.conversations import create_conversation
from agent.store.database import EVERY_TENANT, Store
from agent.store.limits import Limits
from agent.store.workers import count_living

SHORT = Limits(connect_s=2, checkout_s=1, statement_s=2, transaction_s=2, upkeep_s=1)
LATE_S = 30
"""How late an error may be on a busy machine. Without a limit it never comes."""


@pytest.fixture
async def proxy(postgres: str) -> AsyncIterator[SilentProxy]:
    name = f"silent_{uuid4().hex}"
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE template_frontdesk")
    url = postgres.replace("postgresql://", "postgresql+psycopg://").replace("/postgres?", f"/{name}?")
    async with silent_proxy(url) as proxy:
        yield proxy


@pytest.fixture
async def store(proxy: SilentProxy) -> AsyncIterator[Store]:
    store = Store(proxy.url, pool_size=5, limits=SHORT)
    await store.prepare()
    yield store
    await store.close()


@contextmanager
def in_time(limit_s: float) -> Iterator[None]:
    """Hold an error to its limit: not before it, and not long after."""
    begun = time.monotonic()
    yield
    assert limit_s * 0.9 <= time.monotonic() - begun < limit_s + LATE_S


async def all_at_once(store: Store, count: int) -> None:
    """Have `count` connections open at the same time."""
    async with asyncio.timeout(60):
        await asyncio.gather(*(in_one(store, _briefly) for _ in range(count)))


END_ALL_OTHERS = text(
    "SELECT pg_terminate_backend(pid, 60000) FROM pg_stat_activity"
    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
)


async def _briefly(connection: Any) -> None:
    await connection.execute(text("SELECT pg_sleep(0.2)"))


async def _select(store: Store, after: Awaitable[None] | None = None) -> object:
    async with store.read("acme") as connection:
        if after is not None:
            await after
        return (await connection.execute(select(1))).scalar_one()


async def _end_all_others(store: Store) -> None:
    operator = Store(store.url.render_as_string(hide_password=False), pool_size=1)
    async with operator.read("acme") as connection:
        await connection.execute(END_ALL_OTHERS)
    await operator.close()


@pytest.mark.parametrize("is_urgent", [True, False], ids=["of leases", "of chores"])
async def test_upkeep_that_looks_asks_once_and_finds_out_before_that_its_connection_was_ended(
    proxy: SilentProxy, is_urgent: bool
) -> None:
    """G620"""
    store = Store(proxy.url, pool_size=1)

    async def look() -> Any:
        async with store.read(EVERY_TENANT, is_urgent=is_urgent) as connection:
            assert await count_living(connection) == 0
            driver: Any = connection._kept.driver
            assert driver.pgconn.transaction_status == TransactionStatus.IDLE, "it has begun, and has to end"
            return driver

    first = await look()
    assert await look() is first
    async with store.write(EVERY_TENANT, is_urgent=is_urgent) as connection:
        await count_living(connection)
        writing: Any = connection._kept.driver
        assert writing is first
        assert first.pgconn.transaction_status == TransactionStatus.INTRANS
    end = poll()
    end.register(first.fileno(), POLLRDHUP)
    await _end_all_others(store)
    await until(lambda: bool(end.poll(0)))  # its last words may be there before
    assert await look() is not first
    assert in_use(store) == 0
    await store.close()


async def test_when_all_pooled_connections_go_silent_each_use_fails_at_the_limit_and_the_next_ones_work(
    store: Store, proxy: SilentProxy
) -> None:
    """G32"""
    for _ in range(3):
        await all_at_once(store, 5)
        assert proxy.silence() >= 5
        with in_time(SHORT.transaction_s):
            answers = await asyncio.gather(*(_select(store) for _ in range(5)), return_exceptions=True)
        assert [type(answer) for answer in answers] == [DatabaseError] * 5
        with in_time(0):
            assert [await _select(store) for _ in range(5)] == [1] * 5
        assert in_use(store) == 0


async def test_when_one_pooled_connection_fails_in_silence_the_others_are_not_tried(
    store: Store, proxy: SilentProxy
) -> None:
    """G32: of all that went silent with it."""
    await all_at_once(store, 5)
    assert proxy.silence() >= 5
    with in_time(SHORT.transaction_s), pytest.raises(DatabaseError):
        await _select(store)
    assert [await _select(store) for _ in range(5)] == [1] * 5


async def test_who_finds_no_free_connection_is_told_so_in_time(store: Store, proxy: SilentProxy) -> None:
    """G32"""
    await all_at_once(store, 5)
    proxy.silence()
    stuck = [asyncio.create_task(_select(store)) for _ in range(5)]
    await until(lambda: in_use(store) == 5)
    with in_time(SHORT.checkout_s), pytest.raises(DatabaseError):
        await _select(store)
    await asyncio.gather(*stuck, return_exceptions=True)


@pytest.mark.parametrize("word", [b"COMMIT", b"INSERT INTO conv"], ids=["the commit", "a statement"])
async def test_a_connection_that_goes_silent_in_the_middle_fails_the_write_in_time(
    store: Store, proxy: SilentProxy, word: bytes
) -> None:
    """G32"""
    proxy.silent_from = word
    with in_time(SHORT.transaction_s), pytest.raises(DatabaseError):
        await in_one(store, create_conversation, ANN, title="Orders")
    proxy.silent_from = None
    await in_one(store, create_conversation, ANN, title="Orders")


async def test_a_connection_that_is_silent_on_rollback_holds_nobody_up(store: Store, proxy: SilentProxy) -> None:
    """G32"""

    async def refuse() -> None:
        async with store.write("acme") as connection:
            await create_conversation(connection, ANN, title="half")
            raise LookupError

    proxy.silent_from = b"ROLLBACK"
    with in_time(SHORT.transaction_s), pytest.raises(DatabaseError):
        await refuse()
    proxy.silent_from = None
    assert await _select(store) == 1


async def test_a_connection_that_is_cut_in_a_statement_is_a_fault_of_the_database(
    store: Store, proxy: SilentProxy
) -> None:
    """G32"""
    proxy.cut_at = b"INSERT"
    with pytest.raises(DatabaseError):
        await in_one(store, create_conversation, ANN, title="Orders")
    proxy.cut_at = None
    await in_one(store, create_conversation, ANN, title="Orders")


async def test_a_server_that_ends_all_its_connections_fails_those_at_work_and_nobody_after_them(store: Store) -> None:
    """G32"""
    await all_at_once(store, 5)
    with pytest.raises(DatabaseError):
        await _select(store, after=_end_all_others(store))
    assert await asyncio.gather(*(_select(store) for _ in range(5))) == [1] * 5
    await _end_all_others(store)  # while nobody is at work
    assert await asyncio.gather(*(_select(store) for _ in range(5))) == [1] * 5


async def test_a_server_that_accepts_and_says_nothing_is_given_up_at_the_limit(proxy: SilentProxy) -> None:
    """G32"""
    store = Store(proxy.url, pool_size=5, limits=SHORT)
    proxy.says_nothing = True
    with in_time(SHORT.connect_s):
        answers = await asyncio.gather(*(_select(store) for _ in range(8)), return_exceptions=True)
    assert {type(answer) for answer in answers} == {DatabaseError}
    proxy.says_nothing = False
    assert await _select(store) == 1
    await store.close()


@pytest.mark.parametrize("word", [b"pg_catalog.version", b"set_config"])
async def test_a_connection_that_goes_silent_before_it_is_ready_is_given_up(proxy: SilentProxy, word: bytes) -> None:
    """G32"""
    store = Store(proxy.url, pool_size=5, limits=SHORT)
    proxy.silent_from = word
    with in_time(SHORT.connect_s):
        answers = await asyncio.gather(*(_select(store) for _ in range(5)), return_exceptions=True)
    assert {type(answer) for answer in answers} == {DatabaseError}
    proxy.silent_from = None
    assert await _select(store) == 1
    await store.close()


async def test_a_reader_that_is_cancelled_on_a_silent_connection_is_gone_at_once(
    store: Store, proxy: SilentProxy
) -> None:
    """G32"""
    await all_at_once(store, 1)
    proxy.silence()
    with anyio.move_on_after(0.2) as scope:
        await _select(store)
    assert scope.cancelled_caught
    assert in_use(store) == 0
    assert await _select(store) == 1


async def test_a_stop_does_not_interrupt_a_write_that_the_limit_ends(store: Store, proxy: SilentProxy) -> None:
    """G32"""
    proxy.silent_from = b"COMMIT"
    with in_time(SHORT.transaction_s), anyio.CancelScope() as scope, pytest.raises(DatabaseError):  # noqa: PT012
        scope.cancel()
        await in_one(store, create_conversation, ANN, title="Orders")


async def test_a_statement_that_takes_too_long_is_ended_by_the_server(store: Store) -> None:
    """G32"""
    with in_time(SHORT.statement_s), pytest.raises(DatabaseError) as failed:
        async with store.read("acme") as connection:
            await connection.execute(text("SELECT pg_sleep(60)"))
    assert failed.value.retry_after_s
    async with store.read("acme") as connection:
        shown = [(await connection.execute(text(f"SHOW {name}"))).scalar_one() for name in SERVER_LIMITS]
    assert shown == ["2s", "2s", "2s"]


SERVER_LIMITS = ["statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout"]


async def test_the_kernel_is_told_when_a_peer_counts_as_gone(store: Store) -> None:
    """G32"""
    import socket

    async with store.read("acme") as connection:
        driver: Any = (await connection.ordinary.get_raw_connection()).driver_connection
        with socket.socket(fileno=os.dup(driver.pgconn.socket)) as copy:
            assert copy.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 10_000
            assert copy.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) == 5


async def test_upkeep_has_a_connection_that_nobody_else_takes(store: Store) -> None:
    """G32"""
    release = asyncio.Event()

    async def hold() -> None:
        async with store.read("acme") as connection:
            await connection.execute(select(1))
            await release.wait()

    others = [asyncio.create_task(hold()) for _ in range(5)]
    await until(lambda: in_use(store) == 5)
    async with store.write(EVERY_TENANT, is_urgent=True) as connection:
        await create_conversation(connection, ANN, title="renewed")
    async with store.read(EVERY_TENANT, is_urgent=True) as connection:
        await connection.execute(select(1))
    release.set()
    await asyncio.gather(*others)


async def test_upkeep_waits_for_a_silent_connection_for_its_own_shorter_time(store: Store, proxy: SilentProxy) -> None:
    """G32"""
    async with store.read(EVERY_TENANT, is_urgent=True) as connection:
        await connection.execute(select(1))
    proxy.silence()
    with in_time(SHORT.upkeep_s), pytest.raises(DatabaseError):
        async with store.write(EVERY_TENANT, is_urgent=True) as connection:
            await connection.execute(select(1))
    async with store.write(EVERY_TENANT, is_urgent=True) as connection:
        await connection.execute(select(1))


@pytest.fixture
async def on_file(tmp_path: Path, sqlite_template: Path) -> AsyncIterator[Store]:
    path = shutil.copy(sqlite_template, tmp_path / "one.db")
    store = Store(f"sqlite+aiosqlite:///{path}", pool_size=2, limits=SHORT)
    yield store
    await store.close()


async def test_a_statement_on_sqlite_is_interrupted_at_the_limit(on_file: Store) -> None:
    """G32"""
    forever = text("WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT sum(x) FROM n")
    with in_time(SHORT.statement_s), pytest.raises(DatabaseError):
        async with on_file.read("acme") as connection:
            await connection.execute(forever)
    assert await _select(on_file) == 1


async def test_a_disk_that_hangs_keeps_a_thread_and_nobody_who_waits(on_file: Store) -> None:
    """G32"""
    stuck, release = threading.Event(), threading.Event()

    def hang() -> int:
        stuck.set()
        release.wait(60)
        return 1

    async def work(connection: Any) -> None:
        driver = (await connection.ordinary.get_raw_connection()).driver_connection
        drivers.append(driver)
        driver._conn.create_function("hang", 0, hang)
        await connection.execute(text("SELECT hang()"))

    drivers: list[Any] = []
    async with asyncio.timeout(60):
        with in_time(SHORT.statement_s), pytest.raises(DatabaseError):
            await in_one(on_file, work)
        assert stuck.is_set()
        assert await _select(on_file) == 1
    release.set()
    await asyncio.to_thread(drivers[0]._thread.join, 20)
    assert not drivers[0]._thread.is_alive()
    await in_one(on_file, create_conversation, ANN, title="Orders")


async def test_a_lock_that_another_process_keeps_is_a_fault_in_time(on_file: Store) -> None:
    """G32"""
    assert on_file.url.database
    other = sqlite3.connect(on_file.url.database, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with in_time(SHORT.statement_s), pytest.raises(DatabaseError):
        await in_one(on_file, create_conversation, ANN, title="Orders")
    other.execute("COMMIT")
    other.close()
    await in_one(on_file, create_conversation, ANN, title="Orders")


async def test_a_file_that_another_process_has_for_itself_is_a_fault_in_time(on_file: Store) -> None:
    """G32: also while a connection is made ready."""
    assert on_file.url.database
    other = sqlite3.connect(on_file.url.database, isolation_level=None)
    other.execute("PRAGMA journal_mode = DELETE")
    other.execute("BEGIN EXCLUSIVE")
    with in_time(SHORT.connect_s), pytest.raises(DatabaseError):
        await _select(on_file)
    other.execute("COMMIT")
    other.close()
    assert await _select(on_file) == 1


async def test_writers_that_wait_in_the_queue_fail_in_time_too(on_file: Store) -> None:
    """G32"""
    release = asyncio.Event()

    async def hold() -> None:
        async with on_file.write("acme"):
            await release.wait()

    holding = asyncio.create_task(hold())
    await asyncio.sleep(0)
    with in_time(SHORT.upkeep_s), pytest.raises(DatabaseError):
        async with on_file.write(EVERY_TENANT, is_urgent=True):
            pass
    release.set()
    await asyncio.gather(holding, return_exceptions=True)
    await in_one(on_file, create_conversation, ANN, title="Orders")


async def test_a_mistake_of_the_code_is_not_hidden_as_a_fault(on_file: Store) -> None:
    with pytest.raises(DBAPIError):
        async with on_file.read("acme") as connection:
            await connection.execute(text("SELECT nothing FROM nowhere"))


async def test_a_mistake_of_the_code_is_not_hidden_on_postgresql(store: Store) -> None:
    with pytest.raises(DBAPIError):
        async with store.read("acme") as connection:
            await connection.execute(text("SELECT nothing FROM nowhere"))


async def test_a_full_disk_is_a_fault_and_leaves_nothing_half_written(on_file: Store) -> None:
    """G32"""

    async def fill(connection: Any) -> None:
        await connection.execute(text("PRAGMA max_page_count = 1"))
        for _ in range(1000):
            await create_conversation(connection, ANN, title="x" * 200)

    with pytest.raises(DatabaseError):
        await in_one(on_file, fill)
    async with on_file.read("acme") as connection:
        assert (await connection.execute(text("SELECT count(*) FROM conversations"))).scalar_one() == 0


async def test_a_file_that_was_deleted_or_replaced_is_noticed_and_never_made_anew(on_file: Store) -> None:
    """G32"""
    await on_file.prepare()
    await on_file.check_file()
    assert on_file.url.database
    path = anyio.Path(on_file.url.database)
    aside = await path.rename(path.with_name("aside.db"))
    with pytest.raises(DatabaseError):
        await on_file.check_file()
    await on_file.close()  # new connections find no file
    with pytest.raises(DatabaseError):
        await _select(on_file)
    assert not await path.exists()
    shutil.copy(aside, path)
    with pytest.raises(DatabaseError):
        await on_file.check_file()


async def a_server_that_refuses(message: str) -> asyncio.Server:
    """Return a server that lets nobody in, and says so as PostgreSQL does."""

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1000)
        writer.write(b"N")  # no encryption
        await reader.read(1000)
        fields = b"SFATAL\0C28P01\0M" + message.encode() + b"\0\0"
        writer.write(b"E" + (len(fields) + 4).to_bytes(4, "big") + fields)
        await writer.drain()
        writer.close()

    return await asyncio.start_server(refuse, "127.0.0.1", 0)


@each(
    ("message", "reason"),
    [
        ('password authentication failed for user "SECRET"', "the password is wrong"),
        ("fe_sendauth: no password supplied", "the password is wrong"),
        ('database "SECRET password" does not exist', "no such database"),
        ('role "SECRET database" does not exist', "no such user"),
        ('no pg_hba.conf entry for host "SECRET"', "pg_hba"),
        ("sorry, too many clients already", "no free connection"),
        ("the database system is starting up", "starting up"),
        ("SECRET words that nobody foresaw", "OperationalError"),
    ],
)
async def test_why_a_server_lets_nobody_in_is_told_in_a_line_without_data(message: str, reason: str) -> None:
    """G32"""
    server = await a_server_that_refuses(message)
    port = server.sockets[0].getsockname()[1]
    store = Store(f"postgresql+psycopg://SECRET:SECRET@127.0.0.1:{port}/SECRET", pool_size=1, limits=SHORT)
    with pytest.raises(ConfigurationError, match=reason) as refused:
        await store.prepare()
    await store.close()
    server.close()
    assert "SECRET" not in str(refused.value)
    assert "\n" not in str(refused.value)
    assert str(port) in str(refused.value)


async def test_a_server_that_says_nothing_at_start_is_told_so(proxy: SilentProxy) -> None:
    """G32"""
    proxy.says_nothing = True
    store = Store(proxy.url, pool_size=1, limits=SHORT)
    with pytest.raises(ConfigurationError, match="did not answer in time"):
        await store.prepare()
    await store.close()


async def _idle_in_a_transaction(store: Store, seconds: float) -> None:
    async with store.read("acme"):
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await asyncio.Event().wait()


async def test_a_transaction_that_idles_past_its_time_has_not_succeeded_and_leaves_no_broken_connection(
    database_url: str,
) -> None:
    """G32: not even one that asked nothing while its connection was given up."""
    store = Store(database_url, pool_size=1, limits=Limits(transaction_s=1.0))
    for _ in range(2):
        with pytest.raises(DatabaseError):
            await _idle_in_a_transaction(store, 2.0)
        async with store.read("acme") as connection:
            assert (await connection.execute(text("SELECT 1"))).scalar_one() == 1
    await store.close()
