"""SQLite as an asyncio database: what is short runs in the event loop's own thread, what may wait runs beside it.

A statement that finds a few rows by key takes some ten microseconds; handing it to a thread and back takes several times
that, four times per statement, and much longer while the loop is busy. So such statements run at once. What waits for a
disk (a commit) or for another process (the lock, where it has it), and what may read much, goes to the connection's thread.
"""

import asyncio
import sqlite3
import time
from collections.abc import Awaitable, Callable
from typing import Any

import aiosqlite
from sqlalchemy import Connection

BUSY_TIMEOUT_MS = 5000
STEPS_BETWEEN_LOOKS = 10_000
"""Of SQLite's machine, about a millisecond: so soon a search notices that it was stopped."""


class BesideOrAtOnce(aiosqlite.Connection):
    """aiosqlite's connection, which runs everything in its thread unless `by_key` is set."""

    _changes = 0
    _is_stopped = False
    by_key = False
    """Whether the open transaction finds its few rows by key."""

    async def _execute(self, fn: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        commits = fn.__name__ == "commit" and self._conn.total_changes != self._changes
        if not self.by_key or commits or args[:1] == (BEGIN_WRITE,):
            try:
                return await super()._execute(fn, *args, **kwargs)  # type: ignore[no-untyped-call]
            except asyncio.CancelledError:
                self._is_stopped = True
                raise
        return fn(*args, **kwargs)

    def stop_when_cancelled(self) -> None:
        """Let what the thread executes end when nobody waits for it any more; the connection is of no more use then.

        The thread looks now and then by itself, so that is so too where it had not begun yet.
        """
        self._conn.set_progress_handler(lambda: self._is_stopped, STEPS_BETWEEN_LOOKS)

    def begin_read(self) -> None:
        """Open a transaction that takes no lock yet."""
        self._changes = self._conn.total_changes
        self._conn.execute(BEGIN_READ)

    def begin_write(self) -> bool:
        """Take the lock, unless another process has it: then waiting for it is the thread's work."""
        self._changes = self._conn.total_changes
        self._conn.execute("PRAGMA busy_timeout = 0")
        try:
            self._conn.execute(BEGIN_WRITE)
        except sqlite3.OperationalError:
            return False
        finally:
            self._conn.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
        return True


BEGIN_READ = "BEGIN"
BEGIN_WRITE = "BEGIN IMMEDIATE"
"""Takes the lock at once: a transaction that reads first and writes later would fail with "database is locked" whenever
another one wrote in between."""


def connector(path: str) -> Callable[[], Awaitable[BesideOrAtOnce]]:
    """Return what opens a connection to the file."""

    async def connect() -> BesideOrAtOnce:
        # Never used by two threads at the same time: who waits for the connection's thread does nothing else with it.
        connection = BesideOrAtOnce(
            lambda: sqlite3.connect(path, isolation_level=None, check_same_thread=False), iter_chunk_size=64
        )
        connection._thread.daemon = True
        await connection
        return connection

    return connect


def prepare(connection: Any, _record: object) -> None:
    """Set what a new connection needs. It is in autocommit mode, because `begin` opens the transactions."""
    cursor = connection.cursor()
    for pragma in (f"busy_timeout = {BUSY_TIMEOUT_MS}", "synchronous = FULL", "foreign_keys = ON"):
        cursor.execute(f"PRAGMA {pragma}")
    _switch_to_wal(connection, cursor)
    cursor.close()


def begin(connection: Connection) -> None:
    """Open a transaction: for writing where the option `frontdesk_writer` is set, at once where `frontdesk_by_key` is."""
    options = connection.get_execution_options()
    driver = connection.connection.driver_connection
    assert isinstance(driver, BesideOrAtOnce)
    driver.by_key = options.get("frontdesk_by_key", False)
    if not options.get("frontdesk_writer"):
        driver.begin_read()
    elif not driver.begin_write():
        connection.exec_driver_sql(BEGIN_WRITE)


def _switch_to_wal(connection: Any, cursor: Any) -> None:
    """Set the journal mode, which the file keeps.

    The first two to open a new file can get in each other's way, and SQLite refuses one of them at once instead of
    having it wait as `busy_timeout` says.
    """
    deadline = time.monotonic() + BUSY_TIMEOUT_MS / 1000
    while True:
        try:
            cursor.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as exc:
            if exc.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
        else:
            return
        connection.run_async(lambda _: asyncio.sleep(0.01))
