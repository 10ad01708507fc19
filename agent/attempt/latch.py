"""A latch is set once, and may be waited for. In place of an `asyncio.Event`, which keeps a queue also where nobody waits."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress


class Latch:
    """Open from `set` on."""

    __slots__ = ("_event", "_is_set")

    def __init__(self) -> None:
        self._is_set = False
        self._event: asyncio.Event | None = None

    def set(self) -> None:
        """Let all go on who wait, and who come later."""
        self._is_set = True
        if self._event is not None:
            self._event.set()

    async def wait(self) -> None:
        """Return when it is set."""
        if not self._is_set:
            self._event = self._event or asyncio.Event()
            await self._event.wait()


async def all_set(latches: Sequence[Latch], *, until: float) -> None:
    """Wait until all of them are set, at most until this time of the loop."""
    with suppress(TimeoutError):
        async with asyncio.timeout_at(until):
            for latch in latches:
                await latch.wait()
