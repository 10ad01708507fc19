"""A reader that wants fewer events a second: what comes meanwhile waits in the log, and its pieces are joined."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

from agent.events.merging import merge_deltas
from agent.events.schema import LoggedEvent


async def paced(reader: AsyncGenerator[list[LoggedEvent]], *, max_rate: float) -> AsyncGenerator[list[LoggedEvent]]:
    """Yield a reader's batches with their deltas joined, at most `max_rate` events a second beside the first ones."""
    loop = asyncio.get_running_loop()
    free_at = 0.0
    async with aclosing(reader) as batches:
        async for batch in batches:
            merged = merge_deltas(batch)
            yield merged
            free_at = max(free_at, loop.time()) + len(merged) / max_rate
            await asyncio.sleep(free_at - loop.time())
