"""The schema's versions, which are alembic's: what brings a database to the newest one, and whether it is there."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from agent.errors import ConfigurationError
from agent.store.address import unreachable
from agent.store.faults import is_fault
from agent.store.pools import Kept
from alembic import command

ALEMBIC = Path(__file__).parents[2] / "alembic"
MIGRATION_S = 3600.0
"""One statement of a migration on SQLite: a new index over all that was ever said. PostgreSQL's are limited in `alembic`."""


def upgrade(connection: Connection) -> None:
    """Bring the schema to the newest version. The caller commits.

    Raises:
        CommandError: the schema has a version that is not known here.
    """
    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(ALEMBIC))
    command.upgrade(config, "head")


async def bring_to_newest(engine: AsyncEngine) -> None:
    """Bring the schema to the newest version, in one transaction.

    Raises:
        ConfigurationError: the database cannot be used, or has a version that is not known here.
    """
    with _told(engine):
        async with engine.connect() as connection:
            kept = Kept(connection)
            kept.driver.statement_s = MIGRATION_S
            await kept.begin(None, writes=True)
            async with connection.begin():
                await connection.run_sync(upgrade)


async def has_newest(engine: AsyncEngine) -> bool:
    """Return whether the schema has the newest version. It only reads.

    Raises:
        ConfigurationError: the database cannot be used.
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
        raise unreachable(engine.url, exc) from None


def is_newest(connection: Connection) -> bool:
    """Return whether the schema has the newest version."""
    current = MigrationContext.configure(connection).get_current_revision()
    return current == ScriptDirectory(str(ALEMBIC)).get_current_head()
