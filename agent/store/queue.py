"""The queue of those who write to SQLite in this process. SQLite's own busy handler polls, and is not fair.

Who waits here waits no longer than until its transaction's deadline; PostgreSQL needs none of this.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from agent.errors import DatabaseError
from agent.store.limits import Deadline


class WriterQueue:
    """A lock that is given in order of arrival, but to the urgent first."""

    def __init__(self) -> None:
        self._taken = False
        self._waiting: deque[asyncio.Future[None]] = deque()

    @asynccontextmanager
    async def turn(self, deadline: Deadline, *, is_urgent: bool) -> AsyncIterator[None]:
        """Wait for the lock, and hold it for the block.

        Raises:
            DatabaseError: its turn did not come in time.
        """
        if self._taken:
            await self._wait(deadline, is_urgent=is_urgent)
        self._taken = True
        try:
            yield
        finally:
            self._pass_on()

    async def _wait(self, deadline: Deadline, *, is_urgent: bool) -> None:
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        deadline.watch(partial(_give_up, turn))
        (self._waiting.appendleft if is_urgent else self._waiting.append)(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if not turn.cancelled():
                self._pass_on()  # its turn came in the moment of the cancellation
            raise

    def _pass_on(self) -> None:
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)  # the lock stays taken on the way
                return
        self._taken = False


def _give_up(turn: asyncio.Future[None]) -> None:
    if not turn.done():
        turn.set_exception(DatabaseError("QueueTimeout"))
