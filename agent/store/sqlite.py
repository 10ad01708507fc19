"""SQLite as an asyncio database: short statements run in the event loop's own thread, those that may wait in another one.

A statement that finds a few rows by key takes some ten microseconds; handing it to a thread and back takes several times
that, four times per statement, and much longer while the loop is busy. So the hot ones run at once. What waits for a disk (a
commit), and what may read much, goes to the connection's thread; the lock, where another process has it, is asked for again.
"""

import asyncio
import sqlite3
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

import aiosqlite
from aiosqlite.core import _STOP_RUNNING_SENTINEL, set_exception, set_result

from agent.store.limits import Limits
from agent.store.statements import Found

BUSY_TIMEOUT_MS = 5000
LOCK_POLL_S = 0.01
STEPS_BETWEEN_LOOKS = 10_000
"""Of SQLite's machine, about a millisecond: so soon a search notices that it was stopped."""
NOT_CONNECTED = "no active connection"
"""As aiosqlite says it: SQLAlchemy takes it for a lost connection and throws that away. Its ValueError, which not every way
through SQLAlchemy knows, is an error of SQLite's here."""


class Connection(aiosqlite.Connection):
    """aiosqlite's connection: what goes through it runs in its thread; a hot statement runs at once.

    Nobody waits for the thread past the limit of a statement, or once the connection was abandoned: a thread that hangs in
    the disk cannot be woken. It closes the connection when it is back, and what was not committed is undone then.
    """

    is_cut = False
    """A file ends no connections."""
    settling: asyncio.TimerHandle | None = None
    """Abandons it, unless it is ready to use in time."""
    statement_s = 15.0
    _changes = 0
    _abandoned = False
    _waiting: asyncio.Future[Any] | None = None
    _cursor: object = None
    """Whose statement the thread was given last."""

    async def begin(self, _tenant_id: str | None, *, writes: bool) -> None:
        """Open a transaction; one that writes takes the lock as soon as no other process has it.

        SQLite's own wait holds the connection's mutex all the time, also in a thread: whatever of an old statement is collected
        meanwhile, in the event loop, waits for that.
        """
        self._check()
        self._changes = self._conn.total_changes
        if not writes:
            self._conn.execute(BEGIN_READ)
            return
        until = time.monotonic() + BUSY_TIMEOUT_MS / 1000
        while not self._take_lock():
            if time.monotonic() > until:
                raise sqlite3.OperationalError("database is locked")
            await asyncio.sleep(LOCK_POLL_S)
            self._check()

    async def run(self, sql: str, parameters: Any) -> Found:
        """Run a short statement at once; return its rows, and how many it has changed."""
        self._check()
        cursor = self._conn.execute(sql, parameters)
        return Found(cursor.fetchall(), cursor.rowcount, cursor)

    async def end(self, *, commits: bool) -> None:
        """Commit the transaction, or roll it back; a commit that waits for the disk does so in the thread."""
        self._check()
        if not commits:
            self._conn.rollback()
        elif self._conn.total_changes == self._changes:
            self._conn.commit()
        else:
            await self._execute_beside(partial(self._conn.commit))

    def _take_lock(self) -> bool:
        """Take the lock; return False where another process has it."""
        self._conn.execute("PRAGMA busy_timeout = 0")
        try:
            self._conn.execute(BEGIN_WRITE)
        except sqlite3.OperationalError:
            return False
        finally:
            self._conn.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
        return True

    async def _execute(self, fn: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        self._check()
        return await self._execute_beside(partial(fn, *args, **kwargs))

    async def _execute_beside(self, work: partial[Any]) -> Any:
        loop = asyncio.get_running_loop()
        done = self._waiting = loop.create_future()
        self._cursor = getattr(work.func, "__self__", None)
        limit = loop.call_later(self.statement_s, self.abandon)
        self._tx.put_nowait((None, partial(self._in_thread, work, loop, done)))
        try:
            return await done
        except asyncio.CancelledError:
            self.abandon()  # nobody waits for it any more; SQLAlchemy would close it behind the running statement
            raise
        finally:
            limit.cancel()
            self._waiting = None

    def _in_thread(self, work: partial[Any], loop: asyncio.AbstractEventLoop, done: asyncio.Future[Any]) -> None:
        """Do the work and tell who waits for it; nobody does any more, and the loop may be gone, where it was abandoned."""
        if self._abandoned:
            return
        tell: Callable[[], None]
        try:
            tell = partial(set_result, done, work())
        except BaseException as exc:  # noqa: BLE001 (whatever it is, it belongs to who waits)
            tell = partial(set_exception, done, exc)
        if not self._abandoned:
            loop.call_soon_threadsafe(tell)

    def stop_when_abandoned(self) -> None:
        """Let a statement look now and then whether it is still waited for: an interrupt that comes before it begins is lost."""
        self._conn.set_progress_handler(lambda: self._abandoned, STEPS_BETWEEN_LOOKS)

    def _check(self) -> None:
        """Refuse to work beside the thread that closes an abandoned connection."""
        if self._abandoned:
            raise sqlite3.OperationalError(NOT_CONNECTED)

    def abandon(self) -> None:
        """Give the connection up: who waits for its thread fails now, and the thread closes it as soon as it can."""
        if self._abandoned or self._connection is None:
            return
        self._abandoned = True
        self._connection.interrupt()
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_exception(sqlite3.OperationalError(NOT_CONNECTED))
        self._tx.put_nowait((None, self._close_at_last))

    def _close_at_last(self) -> object:
        """Close in the thread, whoever opened it, and end the thread."""
        if self._connection is not None:
            if isinstance(self._cursor, sqlite3.Cursor):
                self._cursor.close()  # a statement that was not read to its end keeps its lock, past the close too
            with suppress(sqlite3.Error):
                self._connection.close()
            self._connection = None
        return _STOP_RUNNING_SENTINEL

    async def close(self) -> None:
        """Close it, unless it was abandoned: then its thread does."""
        if not self._abandoned:
            await super().close()


BEGIN_READ = "BEGIN"
BEGIN_WRITE = "BEGIN IMMEDIATE"
"""Takes the lock at once: a transaction that reads first and writes later would fail with "database is locked" whenever
another one wrote in between."""


PRAGMAS = (
    f"busy_timeout = {BUSY_TIMEOUT_MS}",
    "synchronous = FULL",
    "foreign_keys = ON",
    # What was deleted is overwritten.
    "secure_delete = ON",
    # No commit of a turn's pays for what others wrote: upkeep moves the log of writes into the file (`checkpoints.py`).
    "wal_autocheckpoint = 0",
)


def connector(path: Path, limits: Limits) -> Callable[[], Awaitable[Connection]]:
    """Return what opens a connection to the file.

    The first one makes the file, where there is none. After that a file that is gone is an error, and not an empty one.
    """
    mode = "rwc"

    async def connect() -> Connection:
        nonlocal mode
        loop = asyncio.get_running_loop()
        until = loop.time() + limits.connect_s
        # Never used by two threads at the same time: who waits for the connection's thread does nothing else with it.
        connection = Connection(
            partial(
                sqlite3.connect,
                f"file:{quote(str(path))}?mode={mode}",
                uri=True,
                isolation_level=None,
                check_same_thread=False,
            ),
            iter_chunk_size=64,
        )
        connection.statement_s = limits.statement_s
        connection._thread.daemon = True
        try:
            async with asyncio.timeout_at(until):
                await connection
        except TimeoutError:
            raise sqlite3.OperationalError("the file was not opened in time") from None
        except RuntimeError as exc:  # no thread can be started
            raise sqlite3.OperationalError(str(exc)) from exc
        mode = "rw"
        connection.settling = loop.call_at(until, connection.abandon)
        return connection

    return connect


def prepare(connection: Any, _record: object) -> None:
    """Set what a new connection needs. It is in autocommit mode, because `begin` opens the transactions."""
    cursor = connection.cursor()
    for pragma in PRAGMAS:
        cursor.execute(f"PRAGMA {pragma}")
    _switch_to_wal(connection, cursor)
    cursor.close()
    driver = connection.driver_connection
    assert isinstance(driver, Connection)
    if driver.settling is not None:
        driver.settling.cancel()


def keep_in_memory(connection: Any, _record: object) -> None:
    """Keep what a connection may have to take back in memory: else SQLite writes it to a file, at each savepoint."""
    cursor = connection.cursor()
    cursor.execute("PRAGMA temp_store = MEMORY")
    cursor.close()


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
            if getattr(exc, "sqlite_errorcode", None) != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
        else:
            return
        connection.run_async(lambda _: asyncio.sleep(0.01))
