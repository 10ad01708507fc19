"""Turns at a backend: how many requests of one tenant are out at once, and whose is next.

The invariants: no tenant waits for another, but where all that there are are out; then the next turn is the tenant's that has
fewest. Of a tenant's users that wait each has a turn before one of them has a second; of one user's requests the first that
came is the first that goes. Nothing is kept of tenants without requests.
"""

import asyncio
from collections import OrderedDict, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from agent.errors import ToolError

EARLIER_S = 0.05
"""So much before its time is over a call stops waiting for its turn: then it can say that nothing had left."""
WAITED = (
    "The request was not sent: too many others are under way at the business system, and its turn did not come in time."
)


class NoTurnError(ToolError):
    """A turn did not come in time. Nothing was sent."""


@dataclass(slots=True)
class _Queue:
    """A tenant's requests: how many are out, and who waits, by user."""

    out: int = 0
    waiting: OrderedDict[str, deque[asyncio.Future[None]]] = field(default_factory=OrderedDict)

    def give(self) -> bool:
        """Give a turn that is free to the next one who waits; return whether there is one."""
        while self.waiting:
            user_id, futures = self.waiting.popitem(last=False)
            future = futures.popleft()
            if futures:
                self.waiting[user_id] = futures  # at the end: the others' turn comes first
            if not future.done():
                self.out += 1
                future.set_result(None)
                return True
        return False

    def leave(self, user_id: str, future: asyncio.Future[None]) -> None:
        """Wait no more."""
        futures = self.waiting.get(user_id)
        if futures is not None and future in futures:
            futures.remove(future)
            if not futures:
                del self.waiting[user_id]


class Turns:
    """So many turns for each tenant, and `in_all` for all of them together; None: no bound."""

    def __init__(self, most: int, *, in_all: int | None = None) -> None:
        self._most = most
        self._in_all = in_all
        self._out = 0
        self._queues: OrderedDict[str, _Queue] = OrderedDict()

    @asynccontextmanager
    async def turn(self, tenant_id: str, user_id: str, *, ends_at: float | None = None) -> AsyncIterator[None]:
        """Wait for a turn and hold it while the block goes on.

        Raises:
            NoTurnError: it did not come before `ends_at`, by the clock of the event loop.
        """
        queue = self._queues.setdefault(tenant_id, _Queue())
        try:
            if queue.out < self._most and self._is_free:
                queue.out += 1
                self._out += 1
            else:
                await self._wait(queue, user_id, ends_at)
            try:
                yield
            finally:
                self._take_back(queue)
        finally:
            if not queue.out and not queue.waiting:
                self._queues.pop(tenant_id, None)

    @property
    def _is_free(self) -> bool:
        return self._in_all is None or self._out < self._in_all

    async def _wait(self, queue: _Queue, user_id: str, ends_at: float | None) -> None:
        future = asyncio.get_running_loop().create_future()
        queue.waiting.setdefault(user_id, deque()).append(future)
        try:
            async with asyncio.timeout_at(None if ends_at is None else ends_at - EARLIER_S):
                await future
        except BaseException as exc:  # a stop, too: a turn that nobody takes would be lost
            queue.leave(user_id, future)
            if future.done() and not future.cancelled():  # its turn had come in the very same moment
                self._take_back(queue)
            if isinstance(exc, TimeoutError):
                raise NoTurnError(WAITED) from exc
            raise

    def _take_back(self, queue: _Queue) -> None:
        """Take a turn of a tenant's back, and give it to whoever is next."""
        queue.out -= 1
        self._out -= 1
        if self._in_all is None:
            self._out += queue.give()
            return
        waiting = ((tenant, one) for tenant, one in self._queues.items() if one.waiting and one.out < self._most)
        for tenant, one in sorted(waiting, key=_out):
            if one.give():
                self._out += 1
                self._queues.move_to_end(tenant)  # of tenants with as many, the others come first the next time
                return


def _out(tenant: tuple[str, _Queue]) -> int:
    return tenant[1].out
