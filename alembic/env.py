"""Alembic's entry. Frontdesk hands it an open connection (`Store.migrate`); by hand it opens one from the settings."""

import asyncio

from sqlalchemy import Connection

from agent.store.advisory import MIGRATING
from agent.store.columns import is_compared
from agent.store.database import EVERY_TENANT
from agent.store.limits import Limits
from agent.store.tables import metadata
from alembic import context
from api.settings import load_settings

HOUR_S = 3600.0
"""Who migrates by hand has time."""


def migrate(connection: Connection) -> None:
    """Run the migrations on `connection`, in the caller's transaction.

    PostgreSQL gives up on a lock after 1 s rather than queueing every other query behind a migration.
    """
    if connection.dialect.name == "postgresql":
        # Two processes that start at once: the second waits for the first, then finds nothing to do.
        connection.exec_driver_sql("SET LOCAL lock_timeout = '60s'")
        connection.exec_driver_sql("SET LOCAL statement_timeout = '60s'")
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({MIGRATING})")
        connection.exec_driver_sql("SET LOCAL lock_timeout = '1s'")
    context.configure(
        connection=connection,
        target_metadata=metadata,
        include_object=is_compared,
        render_as_batch=connection.dialect.name == "sqlite",
        transactional_ddl=False,  # the caller's transaction is the transaction
    )
    context.run_migrations()


async def migrate_from_settings() -> None:
    """Serve the `alembic` command itself, as in `alembic revision --autogenerate`."""
    settings = load_settings()
    store = settings.open_store(pool_size=1, limits=Limits(statement_s=HOUR_S, transaction_s=HOUR_S))
    async with store.write(EVERY_TENANT) as connection:
        await connection.run_sync(migrate)
    await store.close()


existing = context.config.attributes.get("connection")
if existing is not None:
    migrate(existing)
else:
    asyncio.run(migrate_from_settings())
