"""The schema's versions, which are alembic's: what brings a database to the newest one, and whether it is there.

On PostgreSQL others work meanwhile. So each version is a transaction of its own, and one that does not get its locks at once
lets go and comes again: whoever waits for a lock of a whole table holds up all who come behind.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache, partial
from pathlib import Path

import structlog
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from agent.errors import ConfigurationError, DatabaseError
from agent.store.address import unreachable
from agent.store.faults import is_fault, is_passing, reason_of
from agent.store.pools import Kept
from alembic import command

logger = structlog.get_logger()

ALEMBIC = Path(__file__).parents[2] / "alembic"
MIGRATION_S = 3600.0
"""A statement's time in a migration on SQLite: a new index over all that was ever said. PostgreSQL's are limited in `alembic`."""
IN_THE_WAY = ("55P03", "40P01")
"""PostgreSQL did not give a lock in time, or somebody waited for one of ours meanwhile."""
TRIES = 60
"""For one version. Behind each there is a pause in which others work."""
PAUSE_S = 1.0


def upgrade(connection: Connection, *, to: str = "head") -> None:
    """Bring the schema to a version, or to the newest. The caller commits.

    Raises:
        CommandError: the schema has a version that is not known here.
    """
    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(ALEMBIC))
    command.upgrade(config, to)


async def bring_to_newest(engine: AsyncEngine, *, tries: int = TRIES) -> None:
    """Bring the schema to the newest version: a SQLite file in one transaction, PostgreSQL in one for each version.

    Raises:
        ConfigurationError: the database cannot be used, has a version that is not known here, or others hold a table so
            long that it cannot be changed. What was done until then is whole, and stays.
        DatabaseError: another program has SQLite's file.
    """
    with _told(engine):
        async with engine.connect() as connection:
            kept = Kept(connection)
            kept.driver.statement_s = MIGRATION_S
            if engine.dialect.name == "sqlite":
                await _step(kept, to="head")
                return
            missing = await connection.run_sync(_missing)
            await connection.rollback()
            for version in missing:
                await _patiently(kept, version, tries=tries)


async def _patiently(kept: Kept, version: str, *, tries: int) -> None:
    for _ in range(tries):
        try:
            await _step(kept, to=version)
        except DBAPIError as exc:
            if getattr(exc.orig, "sqlstate", None) not in IN_THE_WAY:
                raise
            logger.warning("migration_waits", version=version)
            await asyncio.sleep(PAUSE_S)
        else:
            return
    raise ConfigurationError(
        f"schema version {version} cannot be made: others hold a table all the time, as a long transaction or a copy"
        " of the database does. What was there works on. Run `frontdesk migrate` again when that is over"
    )


async def _step(kept: Kept, *, to: str) -> None:
    await kept.begin(None, writes=True)
    async with kept.ordinary.begin():
        await kept.ordinary.run_sync(partial(upgrade, to=to))


def _missing(connection: Connection) -> list[str]:
    """Return the versions behind the schema's own, in order.

    Raises:
        CommandError: that is not known here.
    """
    current = MigrationContext.configure(connection).get_current_revision()
    return [one.revision for one in ScriptDirectory(str(ALEMBIC)).iterate_revisions("head", current or "base")][::-1]


async def has_newest(engine: AsyncEngine) -> bool:
    """Return whether the schema has the newest version. It only reads.

    Raises:
        ConfigurationError: the database cannot be used.
        DatabaseError: another program has SQLite's file.
    """
    with _told(engine):
        async with engine.connect() as connection:
            return await connection.run_sync(is_newest)


@contextmanager
def _told(engine: AsyncEngine) -> Iterator[None]:
    try:
        yield
    except CommandError as exc:
        raise ConfigurationError(f"the database has a schema version that is not known here: {exc}") from exc
    except (SQLAlchemyError, OSError) as exc:
        if not (is_fault(exc) or isinstance(exc, OSError)):
            raise
        if is_passing(exc):
            raise DatabaseError(reason_of(exc)) from exc
        raise unreachable(engine.url, exc) from None


def is_newest(connection: Connection) -> bool:
    """Return whether the schema has the newest version."""
    current = MigrationContext.configure(connection).get_current_revision()
    return current == newest()


@cache
def newest() -> str | None:
    """Return the newest version. All versions are read for it, once in a process."""
    return ScriptDirectory(str(ALEMBIC)).get_current_head()


def is_known(revision: str | None) -> bool:
    """Return whether a schema of this version can be brought to the newest."""
    return revision in {one.revision for one in ScriptDirectory(str(ALEMBIC)).walk_revisions()}
