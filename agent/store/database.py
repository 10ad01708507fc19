"""The connection to the truth: SQLite for one process, PostgreSQL for many. The same SQL runs on both."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, ExitStack, asynccontextmanager
from functools import partial
from pathlib import Path
from uuid import UUID

import anyio
import structlog
from sqlalchemy import select
from sqlalchemy.engine import URL
from sqlalchemy.ext.asyncio import AsyncEngine
from uuid_utils.compat import uuid7

from agent.errors import ConfigurationError, DatabaseError
from agent.store import files
from agent.store.address import parse_urls
from agent.store.asked import Asked
from agent.store.awaiting import awaited
from agent.store.datafile import DataFile
from agent.store.faults import faults_told, is_fault
from agent.store.group import GroupWriter
from agent.store.limits import Deadline, Limits
from agent.store.migrations import bring_to_newest, has_newest, upgrade
from agent.store.pools import Kept, Pool, open_pool
from agent.store.titles import Titles
from agent.store.transaction import Transaction
from agent.store.used_up import UsedUp
from agent.store.wall import admit, check_roles

logger = structlog.get_logger()

EVERY_TENANT = None
"""In place of a tenant: upkeep, which works for all of them. Where the database keeps tenants apart, only its own role may."""
UPKEEP_CONNECTIONS = 2
"""Connections that only upkeep uses: the renewal of leases, and what takes runs over."""


class Store:
    """Pools of connections. `read`, `write` and `search` are the only ways in; none is held while a stream is open.

    They raise `DatabaseError` for whatever the database does wrong, at the latest when the transaction's time is over,
    and never use that connection again. What the code does wrong, a broken constraint among it, passes as it is.
    """

    def __init__(
        self,
        url: str,
        *,
        pool_size: int,
        limits: Limits | None = None,
        search_connections: int = 2,
        upkeep_url: str | None = None,
        is_pooled: bool = False,
    ) -> None:
        """Open nothing yet. `upkeep_url`: the same database as the role that owns its tables (`agent/store/wall.py`).
        `is_pooled`: a connection is the server's for a transaction only, as behind pgbouncer.

        Raises:
            ConfigurationError: a URL cannot be used.
        """
        self.url, owners = parse_urls(url, upkeep_url)
        self.has_wall = upkeep_url is not None
        self._limits = limits or Limits()
        self._is_pooled = is_pooled
        self._file = DataFile(self.url.database) if self.url.drivername.startswith("sqlite") else None
        self._main = self._open_pool(pool_size, statement_s=self._limits.statement_s)
        # Of upkeep's own: nobody's searches and turns can take these, so no lease runs out because of them.
        self._upkeep = self._open_pool(UPKEEP_CONNECTIONS, statement_s=self._limits.upkeep_s, url=owners)
        # What takes its time, for all tenants: removing what was deleted, and letting search know.
        self._chores = self._open_pool(1, statement_s=self._limits.statement_s, url=owners)
        # Of searches' own: nobody's turn waits behind them.
        self._searches = self._open_pool(search_connections, statement_s=self._limits.search_s)
        # SQLite's one writer: no other's commits take from it the pages that it knows.
        self._writing = self._open_pool(1, statement_s=self._limits.statement_s) if self._file is not None else None
        self._writer = GroupWriter(self._writing) if self._writing is not None else None
        pools = {"turns": self._main, "upkeep": self._upkeep, "chores": self._chores, "searches": self._searches}
        self.pools = pools if self._writing is None else {**pools, "writes": self._writing}
        self._owners = (self._upkeep if self.has_wall else self._main).engine
        self.titles, self.asked, self.used_up = Titles(), Asked(), UsedUp()
        self.has_forgotten = False  # facts: SQLite's index only marks their words until it is merged

    def _open_pool(self, size: int, *, statement_s: float, url: URL | None = None) -> Pool:
        where = url or self.url, self.path
        return open_pool(*where, self._limits, size=size, statement_s=statement_s, is_pooled=self._is_pooled)

    @property
    def engine(self) -> AsyncEngine:
        """SQLAlchemy's engine. Each of its connections is a new one, and knows no transactions on SQLite."""
        return self._main.engine

    @property
    def path(self) -> Path | None:
        """The file of SQLite; None for a database that is a server."""
        return self._file.path if self._file is not None else None

    @property
    def is_shared(self) -> bool:
        """Whether other processes may work on this database at the same time."""
        return self._file is None

    @asynccontextmanager
    async def read(self, tenant_id: str | None, *, is_urgent: bool = False) -> AsyncIterator[Transaction]:
        """Open a transaction that only reads, of a tenant or of EVERY_TENANT.

        `is_urgent`: on a connection of upkeep's own, and with its shorter time.

        Raises:
            DatabaseError: the database did not do it, or not in time.
        """
        with faults_told(deadline := self._deadline(is_urgent=is_urgent)):
            async with self._begun(deadline, tenant_id, pool=self._pool(tenant_id, is_urgent)) as transaction:
                yield transaction

    @asynccontextmanager
    async def search(self, tenant_id: str) -> AsyncIterator[Transaction]:
        """Open a transaction of a tenant that reads, on a connection for searches and with their shorter time.

        A statement that nobody waits for any more is stopped in the database.

        Raises:
            DatabaseError: the database did not do it, or not in time.
        """
        with faults_told(deadline := Deadline(self._limits.search_s)):
            async with self._begun(deadline, tenant_id, pool=self._searches) as transaction:
                transaction.stop_when_abandoned()
                yield transaction

    @asynccontextmanager
    async def write(
        self, tenant_id: str | None, *, is_urgent: bool = False, is_long: bool = False
    ) -> AsyncIterator[Transaction]:
        """Open a transaction, of a tenant or of EVERY_TENANT, that commits when the block ends and rolls back when it raises.

        `is_urgent`: on a connection of upkeep's own, where writers have several, and with its shorter time; where they
        queue for the one, it is next: no lease must run out because many messages come at once. `is_long`: it touches more
        than a few rows, so nobody who shares a transaction waits for it.

        A stop that comes meanwhile waits until it is decided, which is at the end of the transaction's time at the latest.

        Raises:
            DatabaseError: the database did not do it, or not in time. It may have been committed.
        """
        if self._file is not None and self._file.is_lost and not is_urgent:
            raise DatabaseError("FileGone")
        deadline = self._deadline(is_urgent=is_urgent)
        with faults_told(deadline), anyio.CancelScope(shield=True), ExitStack() as behind:
            part: AbstractAsyncContextManager[Transaction]
            if self._writer is None:
                part = self._begun(deadline, tenant_id, pool=self._pool(tenant_id, is_urgent), writes=True)
            else:
                part = self._writer.part(deadline, is_urgent=is_urgent, is_long=is_long)
            async with part as transaction:
                behind.callback(self.used_up.forget, transaction.has_room)  # also where its end is not known
                yield transaction

    def _pool(self, tenant_id: str | None, is_urgent: bool) -> Pool:
        if is_urgent:
            return self._upkeep
        return self._chores if tenant_id is EVERY_TENANT else self._main

    def _deadline(self, *, is_urgent: bool) -> Deadline:
        return Deadline(self._limits.upkeep_s if is_urgent else self._limits.transaction_s)

    @asynccontextmanager
    async def _begun(
        self, deadline: Deadline, tenant_id: str | None, *, pool: Pool, writes: bool = False
    ) -> AsyncIterator[Transaction]:
        """Open a transaction on a connection that is thrown away if the database fails, or a stop comes in the middle."""
        kept = await self._ready(deadline, tenant_id, pool=pool, writes=writes)
        is_broken = True
        try:
            try:
                yield Transaction(kept)
            except Exception as exc:  # whatever the block raised goes on; here only its connection is looked after
                if not (deadline.missed or is_fault(exc)):
                    await kept.end(commits=False)
                    is_broken = deadline.missed
                raise
            deadline.is_ending = True
            await kept.end(commits=True)
            if deadline.missed:  # whatever the end seemed to say: the connection was given up before it
                raise DatabaseError("DeadlineMissed")
            is_broken = False
        finally:
            deadline.over()  # it is somebody else's from here on
            await pool.give_back(kept, is_broken=is_broken)

    async def _ready(self, deadline: Deadline, tenant_id: str | None, *, pool: Pool, writes: bool) -> Kept:
        """Return a connection with an open transaction.

        A connection that was ended while nobody used it, as at a restart of the server, is found out here, where nothing is
        lost: the next one is new.
        """
        while True:
            kept = await pool.take()
            is_old = kept.was_used
            try:
                deadline.watch(kept.driver.abandon)
                await kept.begin(tenant_id, writes=writes)
            except BaseException as exc:  # a stop, too, leaves a connection on which something has begun
                was_ended = isinstance(exc, Exception) and is_old and kept.driver.is_cut and not deadline.missed
                await pool.give_back(kept, is_broken=True)
                if not was_ended:
                    raise
            else:
                return kept

    async def prepare(self) -> None:
        """Make the database ready to use: SQLite is migrated, PostgreSQL has to be already.

        Raises:
            ConfigurationError: a shared database needs `frontdesk migrate`, or one of its roles is not as the wall needs it.
            DatabaseError: another program had SQLite's file for a minute, or PostgreSQL did not tell of its roles for one.
        """
        if self.path is not None:
            await awaited(self.migrate)
        elif not await has_newest(self._owners):
            raise ConfigurationError("the database has another schema version: run `frontdesk migrate`")
        elif self.has_wall:
            await awaited(self._check_wall)

    async def _check_wall(self) -> None:
        async with self.read(EVERY_TENANT, is_urgent=True) as upkeep, self.read("") as application:
            await check_roles(application, upkeep)

    async def ping(self) -> None:
        """Ask the database for a sign of life.

        Raises:
            DatabaseError: it gave none.
        """
        async with self.read("") as connection:  # of no tenant: it reads nothing
            await connection.execute(select(1))

    async def check_file(self) -> None:
        """Make sure that a SQLite file is still the one that was opened: writes into a deleted one succeed, and are lost.

        It says nothing about PostgreSQL.

        Raises:
            DatabaseError: the file is gone, another one has its place, or the disk does not answer.
        """
        if self._file is not None:
            await self._file.check(within_s=self._limits.upkeep_s)

    async def checkpoint(self, *, most_bytes: int) -> None:
        """Keep SQLite's log of writes short, beside all transactions; PostgreSQL does that itself.

        Raises:
            DatabaseError: the file cannot be opened or written.
        """
        if self._file is not None:
            with faults_told():
                await self._file.checkpoint(most_bytes=most_bytes)

    def note_deletion(self) -> None:
        """Have the next checkpoint cut SQLite's log of writes: what was deleted is in it."""
        if self._file is not None:
            self._file.has_deleted = True

    async def migrate(self) -> None:
        """Bring the schema to the newest version. Safe to call at every start, by several processes at once.

        Raises:
            ConfigurationError: the database cannot be opened, is none of ours, or was made by a newer version of Frontdesk.
        """
        if self.path is not None and not files.check(self.path):
            await files.make(self.path, self._fill)
        if not await has_newest(self._owners):  # nothing is written where nothing is to do: others may have the file
            await bring_to_newest(self._owners)
        if self.has_wall:
            async with self.write(EVERY_TENANT) as connection:
                await connection.run_sync(partial(admit, role=self.url.username))
        if self.path is not None:
            await self.check_file()

    async def _fill(self, path: Path) -> None:
        """Make a new SQLite file with the newest schema."""
        new = Store(self.url.set(database=str(path)).render_as_string(hide_password=False), pool_size=1)
        try:
            async with new.write(EVERY_TENANT) as connection:
                await connection.run_sync(upgrade)
        except DatabaseError as exc:
            raise ConfigurationError(f"{self.path} cannot be made ({exc.reason})") from None
        finally:
            await new.close()

    async def close(self) -> None:
        """Close all connections."""
        if self._writer is not None:
            await self._writer.settle()
        for pool in self.pools.values():
            await pool.close()


def new_id() -> UUID:
    """Return a UUIDv7: unique, and ordered by time within a process."""
    return uuid7()
