"""The database of an installation, for an operator's command."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from agent.errors import ConfigurationError
from agent.store.database import Store
from agent.store.migrations import has_newest
from api.settings import Settings


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[Store]:
    """Open the database of an installation, which is there and up to date, for the block.

    Raises:
        ConfigurationError: it is not there, or its schema is not the newest; nothing was changed.
    """
    store = settings.open_store(pool_size=1)
    if store.path is not None and not store.path.exists():
        raise ConfigurationError(f"there is no database at {store.path}")
    try:
        if store.path is None:
            await store.prepare()
        elif not await has_newest(store.engine):  # a server of another release may be at work on it
            raise ConfigurationError("the database has another schema version: run `frontdesk migrate`")
        yield store
    finally:
        await store.close()
