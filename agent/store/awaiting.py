"""A start waits for its database: a backup, or another program, may have it for a while."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from agent.errors import DatabaseError

logger = structlog.get_logger()

START_WAIT_S = 60.0
RETRY_EVERY_S = 1.0


async def awaited(first: Callable[[], Awaitable[None]]) -> None:
    """Do the first thing of a start; a database that does it not just now is asked again.

    Raises:
        DatabaseError: it did nothing for `START_WAIT_S`.
    """
    loop = asyncio.get_running_loop()
    until = loop.time() + START_WAIT_S
    while True:
        try:
            return await first()
        except DatabaseError:
            if loop.time() > until:
                raise
        logger.warning("database_awaited")
        await asyncio.sleep(RETRY_EVERY_S)
