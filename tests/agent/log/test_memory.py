"""The log in this process's memory: how long it keeps what, and what that takes. Its contract is in `test_contract.py`."""

import asyncio
import gc
import tracemalloc
from uuid import UUID

import pytest
from support.logs import RUN, collect, is_there, told, write

from agent.errors import LogTrimmedError
from agent.events.schema import TextDelta
from agent.log.memory import MemoryLog
from agent.principal import RunKey


class Clock:
    """Seconds that pass when the test says so."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


async def test_an_ended_log_is_forgotten_after_its_time() -> None:
    clock = Clock()
    log = MemoryLog(keep_s=10, clock=clock)
    segment = log.open(RUN, 1)
    await write(segment, told(1))
    clock.now = 9.9
    assert len(await log.read(RUN)) == 2
    assert len(await collect(log.follow(RUN))) == 2
    clock.now = 10.0
    with pytest.raises(LogTrimmedError):
        await anext(log.follow(RUN))
    with pytest.raises(LogTrimmedError):
        await log.read(RUN)


async def test_a_log_that_is_open_is_never_forgotten() -> None:
    clock = Clock()
    log = MemoryLog(keep_s=10, clock=clock)
    segment = log.open(RUN, 1)
    await write(segment, told(1, closed=False))
    clock.now = 10_000
    assert len(await log.read(RUN)) == 1


async def test_new_runs_push_expired_ones_out_so_that_memory_does_not_grow() -> None:
    clock = Clock()
    log = MemoryLog(keep_s=10, clock=clock)
    for n in range(100):
        clock.now = float(n)
        await write(log.open(RunKey("acme", UUID(int=n)), 1), told(1))
    alive = [n for n in range(100) if await is_there(log, RunKey("acme", UUID(int=n)))]
    assert alive == list(range(90, 100))


async def test_a_reader_under_way_reads_to_the_end_although_the_log_expires() -> None:
    clock = Clock()
    log = MemoryLog(keep_s=1, clock=clock)
    segment = log.open(RUN, 1)
    await write(segment, told(1, closed=False))
    reader = log.follow(RUN)
    await anext(reader)
    await write(segment, told(2)[1:])
    clock.now = 100
    with pytest.raises(LogTrimmedError):
        await log.read(RUN)
    assert await collect(reader) == told(2)[1:]


def named(n: int, tenant: str = "acme") -> RunKey:
    return RunKey(tenant, UUID(int=n))


async def kept(log: MemoryLog, *runs: RunKey) -> list[RunKey]:
    return [run for run in runs if await is_there(log, run)]


async def test_ended_logs_have_a_room_in_all_and_the_oldest_goes_first() -> None:
    """G36: in bytes, whoever they are of."""
    log = MemoryLog(keep_s=60, keep_bytes=20_000, keep_bytes_per_tenant=20_000)
    runs = [named(n, f"tenant-{n}") for n in range(40)]
    for run in runs:
        await write(log.open(run, 1), told(20))
    there = await kept(log, *runs)
    assert 2 < len(there) < 20
    assert there == runs[-len(there) :]
    assert log._ended.bytes <= 20_000


async def test_a_tenant_has_its_room_and_takes_nothing_of_the_others() -> None:
    """G36: a quarter of all, unless a number says more or less."""
    log = MemoryLog(keep_s=60, keep_bytes=40_000)
    calm = named(0, "calm")
    await write(log.open(calm, 1), told(20))
    busy = [named(n, "busy") for n in range(1, 100)]
    for run in busy:
        await write(log.open(run, 1), told(20))
    assert await kept(log, calm) == [calm]
    there = await kept(log, *busy)
    assert there == busy[-len(there) :]
    assert log._ended._bytes_of_tenant["busy"] <= 10_000


async def test_a_log_that_has_no_room_is_read_to_its_end_by_those_who_read_it() -> None:
    """G36 G2: who comes later gets the transcript."""
    log = MemoryLog(keep_s=60, keep_bytes=0)
    segment = log.open(RUN, 1)
    await write(segment, told(2, closed=False))
    reader = log.follow(RUN)
    first = await anext(reader)
    await write(segment, told(3)[2:])
    assert first + await collect(reader) == told(3)
    with pytest.raises(LogTrimmedError):
        await log.read(RUN)


async def test_an_open_log_takes_no_room_and_gives_none_back() -> None:
    """G36: it is bounded by what a run may say."""
    log = MemoryLog(keep_s=60, keep_bytes=1)
    segment = log.open(RUN, 1)
    await write(segment, told(20, closed=False))
    assert len(await log.read(RUN)) == 20
    assert log._ended.bytes == 0


async def test_ended_logs_are_forgotten_when_nobody_reads_any_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """G36: by themselves."""
    monkeypatch.setattr("agent.log.memory.EXPIRY_S", 0.0)
    log = MemoryLog(keep_s=0.05)
    for n in range(3):
        await write(log.open(named(n), 1), told(1))
    async with asyncio.timeout(60):
        while log._ended.bytes:  # noqa: ASYNC110 (nothing tells, and that is the point)
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("length", [1, 6, 200])
async def test_what_ended_logs_are_said_to_take_is_what_they_take(length: int) -> None:
    """G36: within a factor of one and a half."""
    log = MemoryLog(keep_s=60)
    gc.collect()
    tracemalloc.start()
    try:
        for n in range(200):
            run = named(n, f"tenant-{n % 20}")
            segment = log.open(run, 1)
            for number in range(1, 61):
                segment.append(TextDelta(f"{number:0{length}}"))
            await segment.close("ended")
        gc.collect()
        taken, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert taken / 1.5 < log._ended.bytes < taken * 1.5


async def test_readers_that_come_and_go_while_nothing_is_said_leave_nothing_behind() -> None:
    log = MemoryLog(keep_s=60)
    await write(log.open(RUN, 1), told(1, closed=False))
    before = _futures()
    for _ in range(50):
        waiting = asyncio.create_task(collect(log.follow(RUN)))
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.wait([waiting])
    del waiting
    assert _futures() - before < 5


def _futures() -> int:
    """Return how many futures there are that somebody could still be waiting for."""
    gc.collect()
    return sum(type(one) is asyncio.Future for one in gc.get_objects())
