"""Pools of connections, each with its limits: all that a transaction needs to know of which database it is on.

A connection is SQLAlchemy's, around the driver's own. It is kept for good: SQLAlchemy's pools need a greenlet for each use.
"""

import asyncio
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from sqlalchemy import URL, Dialect, event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from agent.errors import DatabaseError
from agent.store import sqlite
from agent.store.limits import Limits
from agent.store.queue import WriterQueue
from agent.store.statements import Found


class Driver(Protocol):
    """A driver's own connection."""

    statement_s: float
    """How long a statement may take."""

    @property
    def is_cut(self) -> bool:
        """Whether the other side ended it, so that others of its age may have been ended, too."""

    async def begin(self, tenant_id: str | None, *, writes: bool) -> None:
        """Open a transaction of a tenant, or of all; a file keeps none apart."""

    async def run(self, sql: str, parameters: Any) -> Found:
        """Run a short statement; return its rows, and how many it has changed."""

    async def end(self, *, commits: bool) -> None:
        """Commit the transaction, or roll it back."""

    def stop_when_abandoned(self) -> None:
        """Let a statement that runs in the database stop when the connection is abandoned."""

    def abandon(self) -> None:
        """Let whatever waits for it fail now. It never waits, and the connection is of no use from then on."""


class Kept:
    """A connection of a pool."""

    __slots__ = ("_error", "age", "dialect", "driver", "ordinary", "was_used")

    def __init__(self, ordinary: AsyncConnection, age: int = 0) -> None:
        self.ordinary = ordinary
        self.age = age
        self.was_used = False
        """Whether it has been in the pool since it was opened."""
        self.dialect: Dialect = ordinary.dialect
        self.driver: Driver = ordinary.sync_connection.connection.driver_connection  # type: ignore[union-attr,assignment]
        self._error: type[Exception] = self.dialect.loaded_dbapi.Error

    async def begin(self, tenant_id: str | None, *, writes: bool) -> None:
        """Open a transaction on the driver; SQLAlchemy joins it where an ordinary statement comes."""
        with self._errors_told():
            await self.driver.begin(tenant_id, writes=writes)

    async def run(self, sql: str, parameters: Any) -> Found:
        """Run a short statement on the driver.

        Raises:
            DBAPIError: the driver's error, as SQLAlchemy tells it, without the parameters.
        """
        try:
            return await self.driver.run(sql, parameters)
        except self._error as exc:
            raise self._told(exc, sql) from exc

    async def end(self, *, commits: bool) -> None:
        """End the transaction, for SQLAlchemy as well where it joined."""
        if self.ordinary.in_transaction():
            await (self.ordinary.commit() if commits else self.ordinary.rollback())
        else:
            with self._errors_told():
                await self.driver.end(commits=commits)

    async def close(self, *, is_broken: bool) -> None:
        """Close it; one that `is_broken` without a word to the other side."""
        if is_broken:
            self.driver.abandon()
            await self.ordinary.invalidate()
        await self.ordinary.close()

    @contextmanager
    def _errors_told(self) -> Iterator[None]:
        try:
            yield
        except self._error as exc:
            raise self._told(exc, None) from exc

    def _told(self, exc: Exception, sql: str | None) -> BaseException:
        return DBAPIError.instance(sql, None, exc, self._error, hide_parameters=True, dialect=self.dialect)


class PoolUse(NamedTuple):
    """The use of a pool: connections that somebody has, those that there may be, and how many wait for one."""

    in_use: int
    size: int
    waiting: int


class Pool:
    """Up to `size` connections; none is open yet. The one that was used last is used next: what it knows is fresh."""

    def __init__(self, engine: AsyncEngine, *, size: int, checkout_s: float) -> None:
        self.engine = engine
        self.in_use = 0
        self.turns: WriterQueue | None = None
        """Who waits for a turn to use the one connection that writes to SQLite, which comes before waiting for it."""
        self._size = size
        self._checkout_s = checkout_s
        self._free: list[Kept] = []
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._age = 0
        """Connections of another age are not used again."""

    @property
    def use(self) -> PoolUse:
        """The pool's use now."""
        waiting = sum(not turn.done() for turn in tuple(self._waiting))
        return PoolUse(self.in_use, self._size, waiting + (self.turns.length if self.turns is not None else 0))

    async def take(self) -> Kept:
        """Return a connection that nobody else has until it is given back.

        Raises:
            DatabaseError: none became free in time.
            DBAPIError: none can be opened.
        """
        if self.in_use >= self._size:
            await self._wait()
        else:
            self.in_use += 1
        try:
            return self._free.pop() if self._free else Kept(await self.engine.connect(), self._age)
        except BaseException:  # a stop, too: the place would be lost to the pool
            self._pass_on()
            raise

    async def give_back(self, kept: Kept, *, is_broken: bool) -> None:
        """Take a connection back, for others to use; one that `is_broken` is closed, also where the caller is stopped meanwhile."""
        if is_broken or kept.age != self._age:
            self._pass_on()
            await asyncio.shield(self._leave(kept, is_broken=is_broken))
        else:
            kept.was_used = True
            self._free.append(kept)
            self._pass_on()

    async def close(self) -> None:
        """Close all that are free, and the others as they come back."""
        await self._close_free(is_broken=False)
        await self.engine.dispose()

    async def _leave(self, kept: Kept, *, is_broken: bool) -> None:
        """Close a connection; where the other side has ended it, those of its age, too: it may have ended them all."""
        is_cut = kept.driver.is_cut
        await kept.close(is_broken=is_broken)
        if is_broken and is_cut and kept.age == self._age:
            await self._close_free(is_broken=True)

    async def _close_free(self, *, is_broken: bool) -> None:
        self._age += 1
        free, self._free = self._free, []
        for kept in free:
            await kept.close(is_broken=is_broken)

    async def _wait(self) -> None:
        """Wait until somebody leaves a place to this one."""
        loop = asyncio.get_running_loop()
        turn: asyncio.Future[None] = loop.create_future()
        self._waiting.append(turn)
        limit = loop.call_later(self._checkout_s, _give_up, turn)
        try:
            await turn
        except asyncio.CancelledError:
            if not turn.cancelled():
                self._pass_on()  # it came in the moment of the cancellation
            raise
        finally:
            limit.cancel()

    def _pass_on(self) -> None:
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)  # the place stays taken on the way
                return
        self.in_use -= 1


def _give_up(turn: asyncio.Future[None]) -> None:
    if not turn.done():
        turn.set_exception(DatabaseError("CheckoutTimeout"))


def open_pool(
    url: URL, file: Path | None, limits: Limits, *, size: int, statement_s: float, is_pooled: bool = False
) -> Pool:
    """Return a pool of up to `size` connections; none is open yet. `file`: of SQLite; None for a server.

    `is_pooled`: a pooler stands before the server, and lends a connection for a transaction only.
    """
    shared: dict[str, Any] = {"poolclass": NullPool, "hide_parameters": True}
    if file is not None:
        engine = create_async_engine(url, async_creator=sqlite.connector(file, limits), **shared)
        event.listen(engine.sync_engine, "connect", sqlite.prepare)
    else:
        from agent.store import postgresql  # psycopg is of no use to an installation on SQLite

        connector = postgresql.connector(limits, prepares=not is_pooled)
        connecting = {**postgresql.parameters(limits), "async_creator_fn": connector}
        engine = create_async_engine(url, connect_args=connecting, **shared)
        prepare = postgresql.preparer(
            statement_s=statement_s, transaction_s=limits.transaction_s, for_transactions=is_pooled
        )
        event.listen(engine.sync_engine, "connect", prepare)
    return Pool(engine, size=size, checkout_s=limits.checkout_s)
