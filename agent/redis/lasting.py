"""Work that has to go on for as long as the process does: whatever breaks it is told, and it begins anew."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from agent.places import place_of

logger = structlog.get_logger()

AGAIN_S = 0.5
"""How long after it broke it begins anew."""


async def lasting(work: Callable[[], Awaitable[None]], *, name: str) -> None:
    """Work until cancelled. `work` itself lets nobody wait for what it had begun when it broke."""
    while True:
        try:
            await work()
        except Exception as exc:  # noqa: BLE001 (whatever breaks it: others wait for what it does, and nobody looks whether it lives)
            logger.error("lasting_work_broke", work=name, error=type(exc).__name__, where=place_of(exc))
        await asyncio.sleep(AGAIN_S)
