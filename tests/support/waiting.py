"""Waiting for a condition, with a time limit. Never for a time."""

import asyncio
from collections.abc import Awaitable, Callable


async def until(condition: Callable[[], Awaitable[bool]], *, timeout_s: float = 10) -> None:
    """Return as soon as `condition` holds."""
    async with asyncio.timeout(timeout_s):
        while not await condition():  # noqa: ASYNC110 (it looks at something outside of the process)
            await asyncio.sleep(0.01)
