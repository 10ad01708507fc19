"""Work on large answers beside the event loop, so that everybody else's turns go on meanwhile.

Whatever parses JSON holds Python's lock for as long as it takes, in whichever thread it is. The invariant: in this process one
large answer is worked on at a time, and behind each the others have half as long for themselves as it took.
"""

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import TypeVar

from agent.toolkit import CallContext
from tools.backends.turns import NoTurnError, Turns

T = TypeVar("T")

LARGE_BYTES = 256 * 1024
"""A shorter answer costs less than what a thread does."""
_thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="large-answers")


class Aside:
    """A backend's answers that wait to be worked on; of the tenants that have some, each has a turn before one has a second."""

    def __init__(self) -> None:
        self._turns = Turns(1, in_all=1)
        self._next_at = 0.0

    async def do(self, work: Callable[[], T], context: CallContext, *, of_bytes: int) -> T:
        """Return what `work` returns on an answer of this size, or raise what it raises. It touches nothing of the loop's.

        Raises:
            TimeoutError: its turn did not come while the call had time.
        """
        if of_bytes <= LARGE_BYTES:
            return work()
        principal = context.principal
        try:
            async with self._turns.turn(principal.tenant_id, principal.user_id, ends_at=context.ends_at):
                await asyncio.sleep(self._next_at - time.monotonic())
                began = time.monotonic()
                try:
                    return await asyncio.get_running_loop().run_in_executor(_thread, copy_context().run, work)
                finally:
                    now = time.monotonic()
                    self._next_at = now + (now - began) / 2
        except NoTurnError as exc:
            raise TimeoutError from exc
