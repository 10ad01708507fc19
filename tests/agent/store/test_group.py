"""SQLite's writers share transactions: what one of them does or suffers, and what the others have of it."""

import asyncio
import resource
import shutil
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select, text, update
from sqlalchemy.exc import IntegrityError
from support.faults import until
from support.rows import ANN, in_one, in_use

from agent.errors import DatabaseError
from agent.store import group
from agent.store.conversations import create_conversation
from agent.store.database import EVERY_TENANT, Store
from agent.store.limits import Limits
from agent.store.tables import conversations, messages
from agent.store.workers import renew_lease

LEASE_S = 2.0


@pytest.fixture
async def store(sqlite_template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Store]:
    monkeypatch.setattr(group, "JOINABLE_S", 60.0)  # however slow the machine is, those who come now are in one group
    url = f"sqlite+aiosqlite:///{shutil.copy(sqlite_template, tmp_path / 'one.db')}"
    store = Store(url, pool_size=2, limits=Limits(upkeep_s=LEASE_S))
    yield store
    await store.close()


async def titles(store: Store) -> list[str]:
    async with store.read("acme") as connection:
        return sorted((await connection.execute(select(conversations.c.title))).scalars())


async def commits(store: Store) -> list[str]:
    """Return what fills with SQLite's commits that wrote something, from now on."""
    seen: list[str] = []
    async with store.write("acme") as connection:
        driver: Any = connection._kept.driver
        driver._conn.set_trace_callback(lambda sql: seen.append(sql) if sql == "COMMIT" else None)
    seen.clear()
    return seen


class Held:
    """A writer that has the turn until it is let go, while others come."""

    def __init__(self, store: Store, title: str = "held", **how: bool) -> None:
        self._go = asyncio.Event()
        self._has_turn = asyncio.Event()
        self.task = asyncio.create_task(self._write(store, title, how))

    async def _write(self, store: Store, title: str, how: dict[str, bool]) -> None:
        async with store.write("acme", **how) as connection:
            await create_conversation(connection, ANN, title=title)
            self.driver: Any = connection._kept.driver
            self._has_turn.set()
            await self._go.wait()

    async def begun(self) -> "Held":
        await self._has_turn.wait()
        return self

    def let_go(self) -> None:
        self._go.set()


async def write(store: Store, title: str, **how: bool) -> None:
    async with store.write("acme", **how) as connection:
        await create_conversation(connection, ANN, title=title)


async def come(*writing: Any) -> list[asyncio.Task[Any]]:
    """Let writers come into the queue, in this order."""
    tasks = []
    for one in writing:
        tasks.append(asyncio.create_task(one))
        await asyncio.sleep(0)
    return tasks


@contextmanager
def full_disk(path: Path) -> Iterator[None]:
    """Let the log of writes grow no further: a commit finds that out."""
    was = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (path.with_name(f"{path.name}-wal").stat().st_size, was[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, was)


async def test_writers_that_come_at_once_share_commits_and_all_of_them_are_stored(store: Store) -> None:
    seen = await commits(store)
    async with asyncio.timeout(60):
        await asyncio.gather(*(write(store, str(number)) for number in range(50)))
    assert len(await titles(store)) == 50
    assert 1 <= len(seen) <= 10


async def test_a_part_that_fails_is_undone_alone(store: Store) -> None:
    async def refuse(connection: Any, title: str) -> None:
        await create_conversation(connection, ANN, title=title)
        raise LookupError(title)

    async def break_a_rule(connection: Any, title: str) -> None:
        await create_conversation(connection, ANN, title=title)
        await connection.execute(text("INSERT INTO feedback (tenant_id) VALUES (NULL)"))

    held = await Held(store).begun()
    tasks = await come(
        write(store, "a"),
        in_one(store, refuse, "b"),
        write(store, "c"),
        in_one(store, break_a_rule, "d"),
        write(store, "e"),
    )
    held.let_go()
    outcomes = await asyncio.gather(held.task, *tasks, return_exceptions=True)
    assert [type(one) for one in outcomes] == [
        type(None),
        type(None),
        LookupError,
        type(None),
        IntegrityError,
        type(None),
    ]
    assert await titles(store) == ["a", "c", "e", "held"]


async def test_a_commit_that_fails_fails_all_who_are_in_it_and_leaves_nothing_of_them(store: Store) -> None:
    """G32"""

    async def refuse(connection: Any) -> None:
        found = await connection.execute(select(func.count()).select_from(conversations))
        raise LookupError(found.scalar_one())  # because of what others have written, which is then not so

    assert store.path
    await write(store, "before")
    held = await Held(store).begun()
    tasks = await come(*(write(store, str(number)) for number in range(5)), in_one(store, refuse))
    with full_disk(store.path):
        held.let_go()
        outcomes = await asyncio.gather(held.task, *tasks, return_exceptions=True)
    assert [type(one) for one in outcomes] == [DatabaseError] * 7
    assert await titles(store) == ["before"]
    await write(store, "after")
    assert await titles(store) == ["after", "before"]


async def test_a_stop_of_one_writer_takes_no_other_ones_commit_along(store: Store) -> None:
    """G5"""
    held = await Held(store).begun()
    tasks = await come(*(write(store, str(number)) for number in range(9)))
    held.let_go()
    assert store._writer
    while not store._writer._commits:  # noqa: ASYNC110 (until they commit)
        await asyncio.sleep(0)
    for task in tasks[::2]:
        task.cancel()
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    assert [one for one in outcomes[1::2] if one is not None] == []
    await held.task
    assert {"1", "3", "5", "7", "held"} <= set(await titles(store))
    await write(store, "after")


@pytest.mark.parametrize("at", range(1, 12))
async def test_whoever_is_stopped_at_any_moment_leaves_the_turn_to_the_others(store: Store, at: int) -> None:
    held = await Held(store).begun()
    tasks = await come(*(write(store, str(number)) for number in range(5)))
    held.let_go()
    for _ in range(at):
        await asyncio.sleep(0)
    for task in tasks[:3]:
        task.cancel()
    async with asyncio.timeout(60):
        await asyncio.gather(held.task, *tasks, return_exceptions=True)
        await write(store, "after")
    assert {"3", "4", "after", "held"} <= set(await titles(store))
    assert in_use(store) == 0


def open_files() -> list[str]:
    """Return the names of this process's files."""
    names = []
    for entry in Path("/proc/self/fd").iterdir():
        with suppress(FileNotFoundError):  # the one that lists them
            names.append(str(entry.readlink()))
    return names


async def test_what_a_part_may_take_back_is_in_no_file(store: Store) -> None:
    """It would be written there page by page, and what is deleted there is not overwritten."""
    await write(store, "x" * 400_000)

    async def forget() -> list[str]:
        async with store.write("acme") as connection:
            await connection.execute(update(conversations).values(title="short"))
            return open_files()

    held = await Held(store).begun()
    [forgetting] = await come(forget())
    held.let_go()
    assert not [name for name in await forgetting if "etilqs" in name]
    await held.task


async def test_nobodys_commit_waits_for_what_takes_long(store: Store) -> None:
    held = await Held(store).begun()
    long = Held(store, "long", is_long=True)
    await asyncio.sleep(0)
    held.let_go()
    async with asyncio.timeout(60):
        await held.task
        await long.begun()
    assert await titles(store) == ["held"]
    tasks = await come(write(store, "behind it"))
    long.let_go()
    await asyncio.gather(long.task, *tasks)
    assert await titles(store) == ["behind it", "held", "long"]


async def test_what_is_urgent_is_stored_before_those_behind_it_come_in(store: Store) -> None:
    held = await Held(store).begun()
    behind = Held(store, "behind")
    await asyncio.sleep(0)
    tasks = await come(write(store, "urgent", is_urgent=True))
    held.let_go()
    async with asyncio.timeout(60):
        await asyncio.gather(held.task, *tasks)
    assert await titles(store) == ["held", "urgent"]
    behind.let_go()
    await behind.task


async def test_a_part_that_missed_its_time_is_a_fault_and_not_stored(store: Store) -> None:
    """G32"""
    held = await Held(store).begun()
    late = Held(store, "late", is_urgent=True)
    await asyncio.sleep(0)
    held.let_go()
    await late.begun()
    await until(lambda: bool(late.driver._abandoned))
    late.let_go()
    with pytest.raises(DatabaseError):
        await late.task
    await asyncio.gather(held.task, return_exceptions=True)
    assert "late" not in await titles(store)
    await write(store, "after")


async def test_no_lease_runs_out_while_the_writer_is_starved_for_twice_as_long(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its renewal is the next one that writes, however many wait."""
    monkeypatch.undo()
    until = time.monotonic() + 2 * LEASE_S
    waiting = 0

    async def flood(number: int) -> None:
        nonlocal waiting
        while time.monotonic() < until:
            waiting += 1
            async with store.write("acme", is_long=number % 2 == 0) as connection:
                waiting -= 1
                await create_conversation(connection, ANN, title=str(number))
                await connection.execute(update(messages).values(text="x"))
                await asyncio.sleep(0.02)

    flooding = [asyncio.create_task(flood(number)) for number in range(400)]
    renewed = [time.monotonic()]
    while time.monotonic() < until:
        await in_one_urgent(store)
        renewed.append(time.monotonic())
        await asyncio.sleep(LEASE_S / 6)
    assert waiting > 100, "nobody was starved: the test would prove nothing"
    assert max(after - before for before, after in pairwise(renewed)) < LEASE_S
    for task in flooding:
        task.cancel()
    await asyncio.gather(*flooding, return_exceptions=True)


async def in_one_urgent(store: Store) -> None:
    async with store.write(EVERY_TENANT, is_urgent=True) as connection:
        await renew_lease(connection, "one", lease_s=LEASE_S)
