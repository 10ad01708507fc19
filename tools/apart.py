"""Other people's code in a task of its own, so that how it ends cannot be taken for the end of whoever waits for it.

The invariant: a waiter is cancelled only by somebody who cancels the waiter.
"""

import asyncio
from collections.abc import Coroutine
from contextvars import Context
from typing import Any, TypeVar

T = TypeVar("T")


class CutOffError(Exception):
    """The work was cancelled, and not by whoever waited for it."""


async def apart(work: Coroutine[Any, Any, T], *, tasks: "set[asyncio.Task[Any]]", context: Context | None = None) -> T:
    """Return what comes of `work`, or raise what it raises. `tasks` holds it until it has ended.

    Being cancelled cancels the work and does not wait for what it still has to do.

    Raises:
        CutOffError: the work ended as cancelled.
    """
    task = asyncio.create_task(work, context=context)
    tasks.add(task)
    task.add_done_callback(tasks.discard)
    task.add_done_callback(_heard)
    try:
        await asyncio.wait({task})
    except asyncio.CancelledError:
        task.cancel()
        raise
    if task.cancelled():
        raise CutOffError
    return task.result()


def _heard(task: "asyncio.Task[Any]") -> None:
    """Take note of an error that nobody waits for any more, or asyncio would tell of it."""
    if not task.cancelled():
        task.exception()
