"""A stop in the middle: whoever stops a task that uses the database sees it end, whatever it was waiting for."""

import asyncio
from collections.abc import Awaitable, Callable, Generator
from typing import Any

import pytest
from sqlalchemy import select, update

from agent.principal import RunKey
from agent.search import index_new
from agent.store.database import Store
from agent.store.deletion import purge_deleted
from agent.store.tables import workers
from agent.store.workers import own_runs, renew_lease

MAX_WAITS = 500


class StoppedAt:
    """Awaits `work` and stops its own task at the `nth` time that it has to wait. `waits` counts how often it had to."""

    def __init__(self, work: Awaitable[object], nth: int) -> None:
        self._work = work.__await__()
        self._nth = nth
        self.waits = 0

    def __await__(self) -> Generator[Any, Any, None]:
        raised: BaseException | None = None
        while True:
            try:
                waited_for = self._work.throw(raised) if raised else next(self._work)
            except StopIteration:
                return
            raised = None
            self.waits += 1
            if self.waits == self._nth:
                task = asyncio.current_task()
                assert task is not None
                task.cancel()
            try:
                yield waited_for
            except BaseException as exc:  # noqa: BLE001 (handed on)
                raised = exc


async def _renew(store: Store, **how: bool) -> None:
    async with store.write("acme", **how) as connection:
        await renew_lease(connection, "one", lease_s=3)


async def _read(store: Store, **how: bool) -> None:
    async with store.read("acme", **how) as connection:
        await own_runs(connection, "one")


async def _ordinary(store: Store, *, writes: bool) -> None:
    async with store.write("acme") if writes else store.read("acme") as connection:
        await connection.execute(update(workers).values(lease_s=3) if writes else select(workers))


async def _search(store: Store) -> None:
    async with store.search("acme") as connection:
        await own_runs(connection, "one")


async def _purge(store: Store) -> None:
    async def gone(_run: RunKey) -> None:
        pass

    await purge_deleted(store, most_rows=10, gone=gone)


USES: dict[str, Callable[[Store], Awaitable[None]]] = {
    "write": _renew,
    "ordinary write": lambda store: _ordinary(store, writes=True),
    "urgent write": lambda store: _renew(store, is_urgent=True),
    "read": _read,
    "ordinary read": lambda store: _ordinary(store, writes=False),
    "urgent read": lambda store: _read(store, is_urgent=True),
    "search": _search,
    "indexing": index_new,
    "purge": _purge,
    "sign of life": lambda store: store.ping(),
    "look at the file": lambda store: store.check_file(),
    "checkpoint": lambda store: store.checkpoint(most_bytes=0),
}


@pytest.fixture(params=["open connections", "new connections"])
def before(request: pytest.FixtureRequest, store: Store) -> Callable[[], Awaitable[None]]:
    """The step before a use: its connection is in the pool, or has to be made."""
    return store.close if request.param == "new connections" else lambda: asyncio.sleep(0)


@pytest.mark.parametrize("use", USES.values(), ids=USES)
async def test_a_stop_of_its_task_ends_every_use_at_each_point_where_it_waits(
    store: Store, use: Callable[[Store], Awaitable[None]], before: Callable[[], Awaitable[None]]
) -> None:
    """Upkeep is stopped once, at shutdown: were that taken for a fault of the database, it would go on for ever."""
    for nth in range(1, MAX_WAITS):
        await use(store)
        await before()
        stopped = StoppedAt(use(store), nth)
        task = asyncio.create_task(_awaited(stopped))
        async with asyncio.timeout(60):
            await asyncio.wait([task])
        if stopped.waits < nth:
            await task
            break
        assert task.cancelled(), f"stopped at wait {nth}, it ended with {task.exception()!r}"
    else:
        raise AssertionError("it waited more often than this test stops it")
    await use(store)


async def _awaited(stopped: StoppedAt) -> None:
    await stopped
