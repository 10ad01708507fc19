"""Transactions that were certainly undone are done again: a deadlock's victim, and what was cut off before its commit.

The invariant: what may have been committed is never repeated here. Who asked for it is told that it is not known, and an
equal request, a run's next attempt or the ledger finds out.
"""

import asyncio
import functools
import time
from collections.abc import Callable, Coroutine
from random import uniform
from typing import Any, ParamSpec, TypeVar

import structlog

from agent.errors import DatabaseError

logger = structlog.get_logger()

Given = ParamSpec("Given")
Result = TypeVar("Result")

PAUSES_S = (0.05, 0.4, 1.6)
"""Before each repetition, at most and at least half of it: two that are in each other's way do not meet again."""
LONGEST_S = 5.0
"""Nothing is begun again so long after it was begun first."""


def repeated(
    work: Callable[Given, Coroutine[Any, Any, Result]],
) -> Callable[Given, Coroutine[Any, Any, Result]]:
    """Let a function begin again whose transaction was certainly undone, three times at most.

    What had no connection from the first is not: who waits for a database that is away, or lets nobody in, is told at once.
    Behind a connection that was cut, as at a restart, one that cannot be had yet is tried again.

    It must be one transaction, be the same when it is done twice until that is committed, and ask the database for
    nothing behind it.
    """

    @functools.wraps(work)
    async def with_repetitions(*args: Given.args, **kwargs: Given.kwargs) -> Result:
        begun, was_there = time.monotonic(), False
        for pause_s in PAUSES_S:
            try:
                return await work(*args, **kwargs)
            except DatabaseError as exc:
                was_there |= not exc.is_away
                if not (exc.is_undone and was_there) or time.monotonic() - begun > LONGEST_S:
                    raise
                logger.info("transaction_repeated", error=exc.reason)
            await asyncio.sleep(uniform(pause_s / 2, pause_s))  # noqa: S311 (no secret)
        return await work(*args, **kwargs)

    return with_repetitions
