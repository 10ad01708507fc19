"""The connection to the truth: SQLite for one process, PostgreSQL for many. The same SQL runs on both.

On SQLite writers take the lock when they begin (`BEGIN IMMEDIATE`): a transaction that reads first and writes later
would fail at once with "database is locked" whenever another one wrote in between.
"""

import asyncio
import sqlite3
import time
from collections import deque
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, TypeAlias
from uuid import UUID

import anyio
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, event, select
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, OperationalError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine
from uuid_utils.compat import uuid7

from agent.errors import ConfigurationError, FrontdeskError
from alembic import command

Transaction: TypeAlias = AsyncConnection
"""An open transaction, for those who hand it on without speaking SQL themselves."""

BUSY_TIMEOUT_MS = 5000
DRIVERS = {"sqlite+aiosqlite", "postgresql+psycopg"}
ALEMBIC = Path(__file__).parents[2] / "alembic"


class DatabaseError(FrontdeskError):
    """The database does not answer."""


class Store:
    """A pool of connections. `read` and `write` are the only ways in; neither is held while a stream is open."""

    def __init__(self, url: str, *, pool_size: int) -> None:
        try:
            self.url = make_url(url)
        except (ArgumentError, ValueError):
            raise ConfigurationError("the database URL cannot be parsed") from None
        if self.url.drivername not in DRIVERS:
            raise ConfigurationError(f"the database URL must begin with one of {sorted(DRIVERS)}")
        self._sqlite = self.url.drivername.startswith("sqlite")
        if self._sqlite and self.url.database:
            Path(self.url.database).parent.mkdir(parents=True, exist_ok=True)
        self.engine = create_async_engine(self.url, pool_size=pool_size, max_overflow=0, hide_parameters=True)
        # Writers of one process queue here; SQLite's own busy handler polls and is not fair.
        self._writers = _Turns()
        if self._sqlite:
            event.listen(self.engine.sync_engine, "connect", _prepare_sqlite)
            event.listen(self.engine.sync_engine, "begin", _begin_sqlite)

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """Open a transaction that only reads."""
        async with self.engine.connect() as connection, connection.begin():
            yield connection

    @asynccontextmanager
    async def write(self, *, is_urgent: bool = False) -> AsyncIterator[AsyncConnection]:
        """Open a transaction that commits when the block ends and rolls back when it raises.

        A stop that comes meanwhile waits until it is decided. Where writers queue, an urgent one is next: no lease must
        run out because many messages come at once.
        """
        with anyio.CancelScope(shield=True):
            async with AsyncExitStack() as stack:
                if self._sqlite:
                    await stack.enter_async_context(self._writers.turn(is_urgent=is_urgent))
                connection = await stack.enter_async_context(self.engine.connect())
                await connection.execution_options(frontdesk_writer=True)
                await stack.enter_async_context(connection.begin())
                yield connection

    async def prepare(self) -> None:
        """Make the database ready to use: SQLite is migrated, PostgreSQL has to be already.

        Raises:
            ConfigurationError: the schema of a shared database is not the newest; `frontdesk migrate` makes it so.
        """
        if self._sqlite:
            await self.migrate()
            return
        try:
            async with self.engine.connect() as connection:
                current = await connection.run_sync(
                    lambda sync: MigrationContext.configure(sync).get_current_revision()
                )
        except SQLAlchemyError as exc:
            raise ConfigurationError(f"the database cannot be reached: {type(exc).__name__}") from None
        if current != ScriptDirectory(str(ALEMBIC)).get_current_head():
            raise ConfigurationError("the database has another schema version: run `frontdesk migrate`")

    async def ping(self) -> None:
        """Ask the database for a sign of life.

        Raises:
            DatabaseError: it gave none.
        """
        try:
            async with self.read() as connection:
                await connection.execute(select(1))
        except (SQLAlchemyError, OSError) as exc:
            raise DatabaseError(type(exc).__name__) from exc

    async def migrate(self) -> None:
        """Bring the schema to the newest version. Safe to call at every start, by several processes at once.

        Raises:
            ConfigurationError: the database cannot be opened, or was made by a newer version of Frontdesk.
        """
        try:
            async with self.engine.connect() as connection:
                await connection.execution_options(frontdesk_writer=True)
                async with connection.begin():
                    await connection.run_sync(_upgrade)
        except CommandError as exc:
            raise ConfigurationError(f"the database has a schema version that is not known here: {exc}") from exc
        except (OperationalError, OSError) as exc:
            raise ConfigurationError(f"the database cannot be reached: {type(exc).__name__}") from None

    async def close(self) -> None:
        """Close all connections."""
        await self.engine.dispose()


class _Turns:
    """A lock that is given in order of arrival, but to the urgent first."""

    def __init__(self) -> None:
        self._taken = False
        self._waiting: deque[asyncio.Future[None]] = deque()

    @asynccontextmanager
    async def turn(self, *, is_urgent: bool) -> AsyncIterator[None]:
        """Wait for the lock, and hold it for the block."""
        if self._taken:
            await self._wait(is_urgent=is_urgent)
        self._taken = True
        try:
            yield
        finally:
            self._pass_on()

    async def _wait(self, *, is_urgent: bool) -> None:
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        (self._waiting.appendleft if is_urgent else self._waiting.append)(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if not turn.cancelled():
                self._pass_on()  # its turn came in the moment of the cancellation
            raise

    def _pass_on(self) -> None:
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)  # the lock stays taken on the way
                return
        self._taken = False


def new_id() -> UUID:
    """Return a UUIDv7: unique, and ordered by time within a process."""
    return uuid7()


def _upgrade(connection: Connection) -> None:
    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(ALEMBIC))
    command.upgrade(config, "head")


def _prepare_sqlite(connection: Any, _record: object) -> None:
    """Set what a connection to SQLite needs; autocommit, because `_begin_sqlite` opens the transactions."""
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in (f"busy_timeout = {BUSY_TIMEOUT_MS}", "synchronous = FULL", "foreign_keys = ON"):
        cursor.execute(f"PRAGMA {pragma}")
    _switch_to_wal(connection, cursor)
    cursor.close()
    # SQLite's own lower() knows ASCII only; a search for "ä" must find "Ä".
    connection.create_function("lower", 1, _lower, deterministic=True)


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


def _lower(value: object) -> object:
    return value.lower() if isinstance(value, str) else value


def _begin_sqlite(connection: Connection) -> None:
    writer = connection.get_execution_options().get("frontdesk_writer", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writer else "BEGIN")
