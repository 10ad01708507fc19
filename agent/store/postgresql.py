"""PostgreSQL through psycopg: connections that fail at a limit instead of waiting for a peer that says nothing.

A cancelled wait makes psycopg ask the server to cancel the statement and wait again for both, five seconds each. So a limit
shuts the socket down instead: every wait on it ends at once, with an error that SQLAlchemy takes for a lost connection.
"""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from typing import Any

import psycopg
from psycopg import waiting
from psycopg.abc import RV, PQGen
from psycopg.pq import Escaping

from agent.store.limits import Limits
from agent.store.statements import Found
from agent.store.wall import TENANT_SETTING

KEEPALIVE_IDLE_S = 5
KEEPALIVE_EVERY_S = 2
KEEPALIVES = 2
APPLICATION = "frontdesk"
BEGIN = b"BEGIN"
PREPARE_AFTER = 5
"""Times that a connection has run a statement before it is prepared."""


class Connection(psycopg.AsyncConnection[Any]):
    """A connection that can be abandoned, and that a cancelled statement closes."""

    settling: asyncio.TimerHandle | None = None
    """Abandons it, unless it is ready to use in time."""
    begin_words = BEGIN
    statement_s: float
    """How long a statement may take. The server sees to it."""

    async def wait(self, gen: PQGen[RV], interval: float = 0.1, timeout: float | None = None) -> RV:
        try:
            return await waiting.wait_async(gen, self.pgconn.socket, interval=interval, timeout=timeout)
        except (asyncio.CancelledError, KeyboardInterrupt, SystemExit):
            self.pgconn.finish()  # in the middle of a statement: nobody can use it, and the server finds out by itself
            raise

    @property
    def is_cut(self) -> bool:
        """Whether the server is not there any more, or has ended this connection."""
        return self.closed

    async def begin(self, tenant_id: str | None, *, writes: bool) -> None:
        """Open a transaction, in one message with whose it is: the policies of `agent/store/wall.py` go by that.

        What only reads, of every tenant, needs none: in one, too, each statement sees what was committed before it. So
        upkeep, which mostly finds nothing, asks once where it would ask three times.
        """
        words = self.begin_words
        if tenant_id is not None:
            literal = Escaping(self.pgconn).escape_literal(tenant_id.encode())
            words = b"%b; SELECT set_config('%b', %b, true)" % (words, TENANT_SETTING.encode(), literal)
        elif not writes and words == BEGIN:
            for _ in range(2):  # the last words of a server that has ended it, and their end
                self.pgconn.consume_input()
            return
        await self.execute(words, prepare=False)

    async def run(self, sql: str, parameters: Any) -> Found:
        """Run a statement; return its rows, and how many it has changed."""
        cursor = await self.execute(sql.encode(), parameters)
        has_rows = cursor.pgresult is not None and cursor.pgresult.nfields > 0
        return Found(await cursor.fetchall() if has_rows else (), cursor.rowcount, cursor)

    async def end(self, *, commits: bool) -> None:
        """Commit the transaction, or roll it back."""
        await (self.commit() if commits else self.rollback())

    def stop_when_abandoned(self) -> None:
        """Do nothing: the server finds out by itself."""

    def abandon(self) -> None:
        """Shut the socket down: every wait on it ends now."""
        if self.closed:
            return
        shut = socket.socket(fileno=self.pgconn.socket)
        try:
            shut.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass  # the peer was faster
        finally:
            shut.detach()  # the descriptor is libpq's


def connector(limits: Limits, *, prepares: bool) -> Callable[..., Awaitable[Connection]]:
    """Return what opens a connection, which `prepares` what it runs often."""
    threshold = PREPARE_AFTER if prepares else None

    async def connect(*args: Any, **parameters: Any) -> Connection:
        loop = asyncio.get_running_loop()
        until = loop.time() + limits.connect_s
        try:
            async with asyncio.timeout_at(until):  # psycopg's own limit is one for each address of the host
                # A transaction is begun by `begin` alone, so psycopg must not send a BEGIN of its own before it.
                connection = await Connection.connect(*args, autocommit=True, prepare_threshold=threshold, **parameters)
        except TimeoutError:
            raise psycopg.errors.ConnectionTimeout("connection timeout expired") from None
        connection.settling = loop.call_at(until, connection.abandon)
        return connection

    return connect


def parameters(limits: Limits) -> dict[str, object]:
    """Return the connection parameters that let the kernel find out about a peer that is gone."""
    return {
        "connect_timeout": max(2, round(limits.connect_s)),
        "tcp_user_timeout": round(limits.silence_s * 1000),
        "keepalives": 1,
        "keepalives_idle": KEEPALIVE_IDLE_S,
        "keepalives_interval": KEEPALIVE_EVERY_S,
        "keepalives_count": KEEPALIVES,
        "application_name": APPLICATION,
    }


def preparer(*, statement_s: float, transaction_s: float, for_transactions: bool) -> Callable[[Any, object], None]:
    """Return what sets a new connection's limits on the server's side; `for_transactions`: anew with each.

    By a statement, and not by the parameter `options`: poolers refuse that.
    """
    settings = {
        "statement_timeout": statement_s,
        "lock_timeout": statement_s,
        "idle_in_transaction_session_timeout": transaction_s,
    }
    local = str(for_transactions).lower()
    chosen = ", ".join(
        f"set_config('{name}', '{round(limit_s * 1000)}', {local})" for name, limit_s in settings.items()
    )

    def prepare(connection: Any, _record: object) -> None:
        driver = connection.driver_connection
        assert isinstance(driver, Connection)
        if for_transactions:
            driver.begin_words = f"BEGIN; SELECT {chosen}".encode()
        else:
            cursor = connection.cursor()
            cursor.execute(f"SELECT {chosen}")
            cursor.close()
        if driver.settling is not None:
            driver.settling.cancel()

    return prepare
