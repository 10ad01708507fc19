"""The schema's versions, which are alembic's: what brings a database to the newest one, and whether it is there."""

from pathlib import Path

from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

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


def is_newest(connection: Connection) -> bool:
    """Return whether the schema has the newest version."""
    current = MigrationContext.configure(connection).get_current_revision()
    return current == ScriptDirectory(str(ALEMBIC)).get_current_head()
