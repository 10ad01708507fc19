"""Work in a task of its own, so that neither its end nor its waiter's is taken for the other's.

The invariant: a waiter is cancelled only by somebody who cancels the waiter, and what has to be done whole is.
"""

import asyncio
from collections.abc import Coroutine
from contextvars import Context
from typing import Any, TypeVar

import anyio

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


async def to_its_end(work: Coroutine[Any, Any, T]) -> T:
    """Return what comes of `work`, which nobody stops: being cancelled meanwhile, however often, is raised when it has ended.

    anyio's shield alone holds off anyio's cancellations; a time limit of asyncio's, or `Task.cancel`, goes through it.

    Raises:
        CancelledError: the waiter was cancelled; of an error of the work's nothing is told then.
    """
    task = asyncio.create_task(work)
    task.add_done_callback(_heard)
    cancelled: asyncio.CancelledError | None = None
    with anyio.CancelScope(shield=True):
        while not task.done():
            try:
                await asyncio.wait({task})
            except asyncio.CancelledError as exc:
                cancelled = exc
    if cancelled is not None:
        raise cancelled
    return task.result()


def _heard(task: "asyncio.Task[Any]") -> None:
    """Take note of an error that nobody waits for any more, or asyncio would tell of it."""
    if not task.cancelled():
        task.exception()
