"""An operator's look at a database before trusting it with a start. It reads, and changes nothing."""

import statistics
import time
from dataclasses import dataclass

from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, select, text

from agent.errors import ConfigurationError
from agent.store.clock import database_now
from agent.store.database import EVERY_TENANT, UPKEEP_CONNECTIONS, Store
from agent.store.migrations import ALEMBIC, has_newest
from agent.store.transaction import Transaction
from agent.store.wall import check_roles

LOOKS = 9
"""Round trips, of which the median counts, and the quickest for the clock."""
CHORES = 1
_ROOM = text("""
    SELECT current_setting('max_connections')::int AS most,
        current_setting('superuser_reserved_connections')::int
            + coalesce(current_setting('reserved_connections', true), '0')::int AS reserved,
        (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend') AS used
""")
_READ_ONLY = text("SELECT pg_is_in_recovery() OR current_setting('transaction_read_only')::bool")


@dataclass(frozen=True, slots=True)
class Examined:
    """How a database is. Times are in seconds."""

    kind: str
    """With its version, as people say it."""
    number: int
    """PostgreSQL's own number of its version; 0 of SQLite."""
    schema: str | None
    """The version of the schema that is there; None where there is none."""
    newest: str | None
    """The one that this Frontdesk has."""
    is_known: bool
    """Whether the one that is there is this Frontdesk's or an older one."""
    answer_s: float
    ahead_s: float
    """How far our clock is ahead of the database's."""
    is_read_only: bool = False
    connections: int = 0
    """How many others than superusers may have; 0 where there is no limit."""
    used: int = 0


def connections_of_a_process(*, pool_size: int, search_connections: int) -> int:
    """Return how many connections one process has to PostgreSQL at most."""
    return pool_size + search_connections + UPKEEP_CONNECTIONS + CHORES


async def examine(store: Store) -> Examined:
    """Look at a database as the role that serves.

    Raises:
        ConfigurationError: it cannot be used; the text says why.
        DatabaseError: it broke off in the middle.
    """
    await has_newest(store.engine)  # tells best why it cannot be reached
    async with store.read("") as connection:
        schema, newest, is_known = await connection.run_sync(_schema)
        answer_s, ahead_s = await _times(connection)
        if not store.is_shared:
            version = (await connection.execute(text("SELECT sqlite_version()"))).scalar_one()
            return Examined(f"SQLite {version}", 0, schema, newest, is_known, answer_s, ahead_s)
        version, number = (
            await connection.execute(
                text("SELECT current_setting('server_version'), current_setting('server_version_num')::int")
            )
        ).one()
        room = (await connection.execute(_ROOM)).one()
        is_read_only = bool((await connection.execute(_READ_ONLY)).scalar_one())
        return Examined(
            f"PostgreSQL {version}",
            number,
            schema,
            newest,
            is_known,
            answer_s,
            ahead_s,
            is_read_only,
            max(1, room.most - room.reserved),
            room.used,
        )


async def wrong_roles(store: Store) -> str | None:
    """Return what is wrong with the two roles of a database that keeps tenants apart; None where nothing is.

    Raises:
        DatabaseError: one of them is not let in.
    """
    try:
        async with store.read(EVERY_TENANT, is_urgent=True) as upkeep, store.read("") as application:
            await check_roles(application, upkeep)
    except ConfigurationError as exc:
        return str(exc)
    return None


async def _times(connection: Transaction) -> tuple[float, float]:
    """Return the median round trip, and how far our clock is ahead as the quickest one told."""
    trips = []
    for _ in range(LOOKS):
        asked_at, begun = time.time(), time.perf_counter()
        theirs = (await connection.execute(select(database_now()))).scalar_one()
        taken = time.perf_counter() - begun
        trips.append((taken, asked_at + taken / 2 - theirs))
    return statistics.median(taken for taken, _ in trips), min(trips)[1]


def _schema(connection: Connection) -> tuple[str | None, str | None, bool]:
    scripts = ScriptDirectory(str(ALEMBIC))
    current = MigrationContext.configure(connection).get_current_revision()
    try:
        is_known = current is None or scripts.get_revision(current) is not None
    except CommandError:
        is_known = False
    return current, scripts.get_current_head(), is_known
