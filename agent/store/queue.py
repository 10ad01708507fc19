"""The queue of those who write to SQLite in this process. SQLite's own busy handler polls, and is not fair.

Who waits here waits no longer than until its transaction's deadline; PostgreSQL needs none of this.
"""

import asyncio
from collections import deque
from functools import partial
from typing import Any, NamedTuple

from agent.errors import DatabaseError
from agent.store.limits import Deadline


class _Waiting(NamedTuple):
    turn: asyncio.Future[None]
    is_long: bool


class WriterQueue:
    """A lock that is given in order of arrival, but to the urgent first."""

    def __init__(self) -> None:
        self._taken = False
        self._waiting: deque[_Waiting] = deque()

    @property
    def length(self) -> int:
        """How many wait."""
        return sum(not one.turn.done() for one in tuple(self._waiting))

    @property
    def has_short_next(self) -> bool:
        """Whether somebody waits, and the next one does not take long."""
        while self._waiting and self._waiting[0].turn.done():
            self._waiting.popleft()  # it gave up
        return bool(self._waiting) and not self._waiting[0].is_long

    def enter(self, deadline: Deadline, *, is_urgent: bool, is_long: bool) -> asyncio.Future[None] | None:
        """Take the lock, or return what is done when it is the caller's; it fails when that was not in time."""
        if not self._taken:
            self._taken = True
            return None
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        deadline.watch(partial(give_up, turn, "QueueTimeout"))
        (self._waiting.appendleft if is_urgent else self._waiting.append)(_Waiting(turn, is_long))
        return turn

    def pass_on(self) -> None:
        """Give the lock to the next who waits."""
        while self._waiting:
            turn = self._waiting.popleft().turn
            if not turn.done():
                turn.set_result(None)  # the lock stays taken on the way
                return
        self._taken = False


def give_up(waiting: asyncio.Future[Any], reason: str) -> None:
    """End a wait that was too long with a DatabaseError."""
    if not waiting.done():
        waiting.set_exception(DatabaseError(reason))
