"""A place among those that a parent keeps filled: who ends there is followed by another one, and is replaced before it goes."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from api.processes.child import Child

logger = structlog.get_logger()

STEADY_S = 10.0
"""Who has lived for so long did not die of its start."""
FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 30.0


def pause_s(short_lives: int) -> float:
    """Return how long to wait before the next start, after so many in a row that came to nothing."""
    return min(FIRST_PAUSE_S * 2 ** (short_lives - 1), LONGEST_PAUSE_S) if short_lives else 0.0


async def paused(ending: asyncio.Event, seconds: float) -> None:
    """Wait for so long, unless everything ends."""
    try:
        async with asyncio.timeout(seconds):
            await ending.wait()
    except TimeoutError:
        pass


class Place:
    """A place, with a process in it or not. `start` makes a process, which is not ready yet; it may raise OSError."""

    def __init__(
        self, start: Callable[[], Awaitable[Child]], ending: asyncio.Event, child: Child | None = None
    ) -> None:
        self._start = start
        self._ending = ending
        self._child = child
        self._short_lives = 0
        self._filling = asyncio.Lock()

    async def keep(self) -> None:
        """Keep it filled until everything ends."""
        while not self._ending.is_set():
            child = self._child
            if child is not None:
                await child.gone.wait()
                if self._child is child and not self._ending.is_set():
                    await self._mourn(child)
            await self._fill(instead_of=child)

    async def replace(self, *, within_s: float) -> bool:
        """Put a new process here, and let the one before make way when the new one is ready; return whether it ever was."""
        async with self._filling:
            before = self._child
            try:
                new = await self._start()
            except OSError as exc:
                logger.error("process_not_started", error=exc.strerror)
                return False
            if not await new.becomes_ready():
                return False
            self._child, self._short_lives = new, 0
        if before is not None:
            await before.retire(within_s=within_s)
        return True

    async def _mourn(self, child: Child) -> None:
        """Tell of an end that nobody asked for, and wait before the next start where ends come quickly."""
        is_short = not child.is_ready or child.lived_s < STEADY_S
        self._short_lives = self._short_lives + 1 if is_short else 0
        next_s = pause_s(self._short_lives)
        logger.error("process_ended", pid=child.pid, status=child.status, was_ready=child.is_ready, next_s=next_s)
        await paused(self._ending, next_s)

    async def _fill(self, *, instead_of: Child | None) -> None:
        async with self._filling:
            while self._child is instead_of and not self._ending.is_set():
                try:
                    self._child = await self._start()
                except OSError as exc:
                    logger.error("process_not_started", error=exc.strerror)
                    await paused(self._ending, LONGEST_PAUSE_S)
