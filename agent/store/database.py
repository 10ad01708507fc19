"""The connection to the truth: SQLite for one process, PostgreSQL for many. The same SQL runs on both."""

import asyncio
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
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from uuid_utils.compat import uuid7

from agent.errors import ConfigurationError, FrontdeskError
from agent.store import sqlite
from alembic import command

Transaction: TypeAlias = AsyncConnection
"""An open transaction, for those who hand it on without speaking SQL themselves."""

DRIVERS = {"sqlite+aiosqlite", "postgresql+psycopg"}
ALEMBIC = Path(__file__).parents[2] / "alembic"


class DatabaseError(FrontdeskError):
    """The database does not answer."""


class Store:
    """A pool of connections. `read` and `write` are the only ways in, and `search` of its own connections; none is held
    while a stream is open."""

    def __init__(self, url: str, *, pool_size: int, search_connections: int = 2, search_timeout_s: float = 3.0) -> None:
        try:
            self.url = make_url(url)
        except (ArgumentError, ValueError):
            raise ConfigurationError("the database URL cannot be parsed") from None
        if self.url.drivername not in DRIVERS:
            raise ConfigurationError(f"the database URL must begin with one of {sorted(DRIVERS)}")
        self._sqlite = self.url.drivername.startswith("sqlite")
        if self._sqlite and self.url.database:
            Path(self.url.database).parent.mkdir(parents=True, exist_ok=True)
        self.engine = self._connect(pool_size)
        # Of searches' own: they cost what a user has, and nobody's turn waits behind them.
        self._searches = self._connect(search_connections)
        self._search_timeout_s = search_timeout_s
        # Writers of one process queue here; SQLite's own busy handler polls and is not fair.
        self._writers = _Turns()

    def _connect(self, pool_size: int) -> AsyncEngine:
        """Return a pool of up to `pool_size` connections; none is open yet."""
        connector = {"async_creator": sqlite.connector(self.url.database or "")} if self._sqlite else {}
        engine = create_async_engine(self.url, pool_size=pool_size, max_overflow=0, hide_parameters=True, **connector)
        if self._sqlite:
            event.listen(engine.sync_engine, "connect", sqlite.prepare)
            event.listen(engine.sync_engine, "begin", sqlite.begin)
        return engine

    @asynccontextmanager
    async def read(self, *, by_key: bool = False) -> AsyncIterator[AsyncConnection]:
        """Open a transaction that only reads. `by_key`: it finds a few rows by index, which SQLite does at once."""
        async with self.engine.connect() as connection:
            await connection.execution_options(frontdesk_by_key=by_key)
            async with connection.begin():
                yield connection

    @asynccontextmanager
    async def search(self) -> AsyncIterator[AsyncConnection]:
        """Open a transaction that reads, on a connection for searches.

        A statement that takes longer than a search may, or that nobody waits for any more, is stopped in the database.
        """
        async with self._searches.connect() as connection:
            if self._sqlite:
                driver: Any = connection.sync_connection.connection.driver_connection  # type: ignore[union-attr]
                driver.stop_when_cancelled()
            async with connection.begin():
                if not self._sqlite:
                    limit_ms = int(self._search_timeout_s * 1000)
                    await connection.exec_driver_sql(f"SET LOCAL statement_timeout = {limit_ms}")
                yield connection

    @asynccontextmanager
    async def write(self, *, is_urgent: bool = False, by_key: bool = True) -> AsyncIterator[AsyncConnection]:
        """Open a transaction that commits when the block ends and rolls back when it raises.

        `by_key` False: it touches more than a few rows.

        A stop that comes meanwhile waits until it is decided. Where writers queue, an urgent one is next: no lease must
        run out because many messages come at once.
        """
        with anyio.CancelScope(shield=True):
            async with AsyncExitStack() as stack:
                if self._sqlite:
                    await stack.enter_async_context(self._writers.turn(is_urgent=is_urgent))
                connection = await stack.enter_async_context(self.engine.connect())
                await connection.execution_options(frontdesk_writer=True, frontdesk_by_key=by_key)
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
        await self._searches.dispose()


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
