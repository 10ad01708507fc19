"""Upkeep beside the runs: what has to be done again and again for as long as the process lives.

The invariant: a chore that breaks is told to the operator and done again at its next time; it takes no other along.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from functools import partial

import structlog

from agent.places import place_of
from agent.runs.retention import RetentionCursor, expire
from agent.runtime import Runtime
from agent.search import index_new
from agent.settings import RuntimeSettings
from agent.store.asked_ahead import put_right
from agent.store.deletion import purge_deleted
from agent.store.sealing import seal_all

logger = structlog.get_logger()

CHECKPOINT_EVERY_S = 1.0
"""How often SQLite's log of writes is looked at; nothing is done while it is short."""
PUT_RIGHT_EVERY_S = 60.0


def chores(runtime: Runtime, settings: RuntimeSettings) -> list[Coroutine[None, None, None]]:
    """Return the chores that no run waits for, each to be run until it is cancelled."""
    store = runtime.store
    return [
        repeat(partial(runtime.budgets.give_back, store), every_s=settings.reap_every_s),
        repeat(partial(_purge, runtime, settings), every_s=settings.purge_every_s),
        repeat(partial(store.checkpoint, most_bytes=settings.wal_bytes), every_s=CHECKPOINT_EVERY_S),
        repeat(partial(seal_all, store), every_s=settings.seal_every_s),
        repeat(partial(put_right, store), every_s=PUT_RIGHT_EVERY_S),
        repeat(partial(_expire, runtime, settings, RetentionCursor()), every_s=settings.retention_every_s),
        repeat(partial(index_new, store), every_s=settings.search_index_every_s),
    ]


async def repeat(chore: Callable[[], Awaitable[None]], *, every_s: float, sooner: asyncio.Event | None = None) -> None:
    """Do a chore until cancelled, with `every_s` between one end and the next begin, or less where `sooner` is set."""
    sooner = sooner or asyncio.Event()
    while True:
        sooner.clear()
        try:
            await chore()
        except Exception as exc:  # noqa: BLE001 (the database may be away for a while; upkeep goes on)
            logger.error("upkeep_failed", error=type(exc).__name__, where=place_of(exc))
        with suppress(TimeoutError):
            async with asyncio.timeout(every_s):
                await sooner.wait()


async def _purge(runtime: Runtime, settings: RuntimeSettings) -> None:
    """Remove the rows of deleted conversations, and the bytes of files that went with them."""
    has_removed = await purge_deleted(runtime.store, most_rows=settings.purge_rows, gone=runtime.log.forget)
    if runtime.files is not None and (has_removed or runtime.files.has_gone):
        await runtime.files.remove_gone()


async def _expire(runtime: Runtime, settings: RuntimeSettings, cursor: RetentionCursor) -> None:
    """Remove what is kept no longer."""
    await expire(runtime.store, runtime.assistants, settings, cursor)
    if runtime.files is not None:
        await runtime.files.let_go(most_rows=settings.purge_rows)
