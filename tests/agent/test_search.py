"""Searches in turns: one of a user at a time, a connection left to the others, and none for longer than its time."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from support.asking import taken
from support.rows import ANN, BEN, EVE, new_run
from support.searching import index_all

from agent.errors import OverloadedError, RateLimitedError
from agent.principal import Principal
from agent.search import Searches
from agent.store.database import Store


class Line:
    """Searches that wait for one connection, which is held; `ended` has who was answered, in order."""

    def __init__(self, searches: Searches) -> None:
        self.searches = searches
        self.ended: list[str] = []
        self.tasks: list[asyncio.Task[None]] = []

    async def join(self, name: str, who: Principal) -> asyncio.Task[None]:
        """Let a search come; return when it waits."""

        async def look() -> None:
            await self.searches.find(who, name, limit=9, after=None)
            self.ended.append(name)

        self.tasks.append(asyncio.create_task(look()))
        await asyncio.sleep(0)
        return self.tasks[-1]


@asynccontextmanager
async def line(store: Store, **limits: Any) -> AsyncIterator[Line]:
    """Hold the store's only connection for searches while the block lets searches come, then wait for them all."""
    bounds: dict[str, Any] = {"most": 2, "timeout_s": 30.0, "most_waiting_per_user": 10, **limits}
    waiting = Line(Searches(store, **bounds))
    async with asyncio.timeout(60):
        async with taken(store._searches):
            yield waiting
        await asyncio.gather(*waiting.tasks, return_exceptions=True)


@pytest.fixture
async def store(sqlite_template: Path, tmp_path: Path) -> AsyncIterator[Store]:
    url = f"sqlite+aiosqlite:///{shutil.copy(sqlite_template, tmp_path / 'one.db')}"
    store = Store(url, pool_size=2, search_connections=1)
    yield store
    await store.close()


async def test_a_user_has_one_search_at_a_time_and_the_newest_is_next(store: Store) -> None:
    """G33"""
    async with line(store) as waiting:
        for name in ("t", "te", "tea"):
            await waiting.join(name, ANN)
    assert waiting.ended == ["t", "tea", "te"]


async def test_a_tenant_leaves_a_connection_to_the_others(store: Store) -> None:
    """G33"""
    async with line(store, most=2) as waiting:
        await waiting.join("ann", ANN)
        await waiting.join("ben", BEN)
        await waiting.join("eve", EVE)
    assert waiting.ended == ["ann", "eve", "ben"]


async def test_tenants_and_their_users_take_turns(store: Store) -> None:
    """G33"""
    async with line(store, most=1) as waiting:
        for number in range(3):
            await waiting.join(f"ann{number}", ANN)
        await waiting.join("ben", BEN)
        await waiting.join("eve", EVE)
    assert waiting.ended == ["ann0", "eve", "ben", "ann2", "ann1"]


async def test_a_search_that_is_not_done_in_time_is_refused_and_holds_nobody_up(store: Store) -> None:
    """G33"""
    await new_run(store)
    await index_all(store)
    async with line(store, timeout_s=0.2) as waiting:
        tasks = [await waiting.join(name, who) for name, who in (("a", ANN), ("b", ANN), ("c", EVE))]
        ends = await asyncio.gather(*tasks, return_exceptions=True)
        assert [type(end) for end in ends] == [OverloadedError] * 3
        assert all(isinstance(end, OverloadedError) and (end.retry_after_s or 0) >= 1 for end in ends)
    assert (
        len(await Searches(store, most=2, timeout_s=30, most_waiting_per_user=1).find(ANN, "how", limit=9, after=None))
        == 1
    )


async def test_a_search_whose_caller_is_gone_gives_its_place_to_the_next(store: Store) -> None:
    """G33"""
    async with line(store) as waiting:
        first, second = await waiting.join("first", ANN), await waiting.join("second", ANN)
        await waiting.join("third", ANN)
        for gone in (first, second):
            gone.cancel()
    assert waiting.ended == ["third"]
    assert not waiting.searches._busy
    assert not waiting.searches._waiting
    assert not waiting.searches._served


async def test_more_searches_of_a_user_than_may_wait_are_refused(store: Store) -> None:
    """G33"""
    async with line(store, most_waiting_per_user=2) as waiting:
        for name in ("works", "waits", "waits too"):
            await waiting.join(name, ANN)
        with pytest.raises(RateLimitedError) as refused:
            await waiting.searches.find(ANN, "too many", limit=9, after=None)
        assert (refused.value.retry_after_s or 0) >= 1
        await waiting.join("another user", BEN)
    assert len(waiting.ended) == 4
