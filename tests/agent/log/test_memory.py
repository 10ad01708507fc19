"""The log's contract: in order, once each, past and then live, and never a silent gap."""

import asyncio
import gc
import tracemalloc
from collections.abc import AsyncGenerator
from uuid import UUID, uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.errors import LogTrimmedError, StaleAppendError
from agent.events import (
    START,
    ActionRequested,
    AnyEvent,
    ErrorRaised,
    EventId,
    LogClosed,
    LoggedEvent,
    RunEnded,
    SnapshotTaken,
    SuggestionsOffered,
    TextDelta,
    ToolCallChanged,
    Usage,
)
from agent.log.memory import BATCH, MemoryLog, RunKey

RUN = RunKey("acme", UUID(int=7))


class Clock:
    """Seconds that pass when the test says so."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def log() -> MemoryLog:
    return MemoryLog(keep_s=60)


def told(count: int, *, closed: bool = True) -> list[LoggedEvent]:
    events: list[AnyEvent] = [TextDelta(str(n)) for n in range(1, count + 1)]
    events += [LogClosed()] if closed else []
    return [LoggedEvent(EventId(1, n), event) for n, event in enumerate(events, start=1)]


async def write(log: MemoryLog, events: list[LoggedEvent], run: RunKey = RUN) -> None:
    for logged in events:
        await log.append(run, logged.id, logged.event)


async def collect(reader: AsyncGenerator[list[LoggedEvent]]) -> list[LoggedEvent]:
    async with asyncio.timeout(10):
        return [logged async for batch in reader for logged in batch]


async def test_what_was_appended_is_read_in_order(log: MemoryLog) -> None:
    events = told(12, closed=False)
    await write(log, events)
    assert await log.read(RUN) == events
    assert await log.read(RUN, after=EventId(1, 10)) == events[10:]
    assert await log.read(RUN, after=EventId(1, 12)) == []


@pytest.mark.parametrize("stale", [EventId(1, 3), EventId(1, 2), EventId(0, 9), START])
async def test_an_id_that_is_not_greater_than_the_last_is_refused(log: MemoryLog, stale: EventId) -> None:
    await write(log, told(3, closed=False))
    with pytest.raises(StaleAppendError):
        await log.append(RUN, stale, TextDelta("zombie"))
    assert len(await log.read(RUN)) == 3


async def test_a_later_attempt_begins_to_count_anew_and_shuts_the_earlier_one_out(log: MemoryLog) -> None:
    await write(log, told(10, closed=False))
    await log.append(RUN, EventId(2, 1), TextDelta("successor"))
    with pytest.raises(StaleAppendError):
        await log.append(RUN, EventId(1, 11), TextDelta("zombie"))


async def test_a_closed_log_takes_nothing_more(log: MemoryLog) -> None:
    await write(log, told(1))
    with pytest.raises(StaleAppendError):
        await log.append(RUN, EventId(9, 9), TextDelta("late"))


async def test_runs_of_two_tenants_with_one_id_have_two_logs(log: MemoryLog) -> None:
    other = RunKey("rival", RUN.run_id)
    await write(log, told(2))
    await write(log, told(5), other)
    assert len(await log.read(RUN)) == 3
    assert len(await log.read(other)) == 6


@pytest.mark.parametrize("after", [EventId(1, 4), EventId(1, 99), EventId(2, 1), EventId(2**63, 0), EventId(1, 0)])
async def test_an_id_that_was_never_in_the_log_is_said_so(log: MemoryLog, after: EventId) -> None:
    await write(log, told(3, closed=False))
    with pytest.raises(LogTrimmedError):
        await log.read(RUN, after=after)
    with pytest.raises(LogTrimmedError):
        await anext(log.follow(RUN, after=after))


async def test_a_run_without_a_log_is_said_so(log: MemoryLog) -> None:
    await write(log, told(1))
    stranger = RunKey("rival", RUN.run_id)
    with pytest.raises(LogTrimmedError):
        await log.read(stranger)
    with pytest.raises(LogTrimmedError):
        await anext(log.follow(stranger))


async def test_a_log_that_begins_with_a_later_attempt_serves_readers_of_an_earlier_one_from_its_start(
    log: MemoryLog,
) -> None:
    await log.append(RUN, EventId(2, 1), TextDelta("snapshot"))
    assert len(await log.read(RUN, after=EventId(1, 40))) == 1


async def test_the_reader_of_an_ended_log_gets_all_of_it_and_ends(log: MemoryLog) -> None:
    await write(log, told(4))
    assert await collect(log.follow(RUN)) == told(4)
    assert await collect(log.follow(RUN, after=EventId(1, 5))) == []


async def test_many_readers_get_past_and_live_events_once_each(log: MemoryLog) -> None:
    events = told(500)
    await write(log, events[:100])
    readers = [asyncio.create_task(collect(log.follow(RUN, after=_after(start)))) for start in range(50)]
    for logged in events[100:]:
        await log.append(RUN, logged.id, logged.event)
        if logged.id.n % 7 == 0:
            await asyncio.sleep(0)
    for start, reader in enumerate(readers):
        assert await reader == events[start:]


async def test_a_slow_reader_gets_one_larger_batch(log: MemoryLog) -> None:
    events = told(40)
    await write(log, events[:1])
    reader = log.follow(RUN)
    assert await anext(reader) == events[:1]
    await write(log, events[1:])
    assert await anext(reader) == events[1:]
    assert await collect(reader) == []


async def test_a_batch_has_a_bound(log: MemoryLog) -> None:
    await write(log, told(BATCH * 2))
    sizes = [len(batch) async for batch in log.follow(RUN)]
    assert sizes == [BATCH, BATCH, 1]


async def test_a_reader_that_leaves_does_not_disturb_the_others(log: MemoryLog) -> None:
    await write(log, told(2, closed=False))
    leaving, staying = log.follow(RUN), log.follow(RUN)
    await anext(leaving)
    await anext(staying)
    waiting = asyncio.create_task(collect(staying))
    await asyncio.sleep(0)
    await leaving.aclose()
    await write(log, told(4)[2:])
    assert await waiting == told(4)[2:]


async def test_an_ended_log_is_forgotten_after_its_time() -> None:
    clock = Clock()
    log = MemoryLog(keep_s=10, clock=clock)
    await write(log, told(1))
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
    await write(log, told(1, closed=False))
    clock.now = 10_000
    assert len(await log.read(RUN)) == 1


async def test_new_runs_push_expired_ones_out_so_that_memory_does_not_grow() -> None:
    clock = Clock()
    log = MemoryLog(keep_s=10, clock=clock)
    for n in range(100):
        clock.now = float(n)
        await write(log, told(1), RunKey("acme", UUID(int=n)))
    alive = [n for n in range(100) if await _is_there(log, RunKey("acme", UUID(int=n)))]
    assert alive == list(range(90, 100))


async def test_a_reader_under_way_reads_to_the_end_although_the_log_expires() -> None:
    clock = Clock()
    log = MemoryLog(keep_s=1, clock=clock)
    await write(log, told(1, closed=False))
    reader = log.follow(RUN)
    await anext(reader)
    await write(log, told(2)[1:])
    clock.now = 100
    with pytest.raises(LogTrimmedError):
        await log.read(RUN)
    assert await collect(reader) == told(2)[1:]


async def test_readers_of_a_log_that_is_left_go_away_without_an_end(log: MemoryLog) -> None:
    await write(log, told(2, closed=False))
    readers = [asyncio.create_task(collect(log.follow(RUN))) for _ in range(3)]
    await asyncio.sleep(0)
    log.leave(RUN)
    assert [await reader for reader in readers] == [told(2, closed=False)] * 3


async def test_leaving_all_logs_spares_the_ended_ones(log: MemoryLog) -> None:
    await write(log, told(2))
    log.leave_all()
    assert await collect(log.follow(RUN)) == told(2)


async def test_everybody_who_waits_for_a_log_hears_that_it_was_opened(log: MemoryLog) -> None:
    waiting = [asyncio.create_task(log.opened(RUN, timeout_s=5)) for _ in range(3)]
    await asyncio.sleep(0)
    await write(log, told(1))
    async with asyncio.timeout(1):
        assert await asyncio.gather(*waiting) == [True, True, True]
        assert await log.opened(RUN, timeout_s=5)


async def test_a_log_that_nobody_opens_is_waited_for_no_longer_than_asked(log: MemoryLog) -> None:
    async with asyncio.timeout(1):
        assert not await log.opened(RUN, timeout_s=0.01)


async def test_one_who_gives_up_waiting_does_not_make_the_others_miss_the_opening(log: MemoryLog) -> None:
    patient = asyncio.create_task(log.opened(RUN, timeout_s=5))
    assert not await log.opened(RUN, timeout_s=0.01)
    await write(log, told(1))
    async with asyncio.timeout(1):
        assert await patient


async def test_the_last_id_is_known_while_the_log_is_open(log: MemoryLog) -> None:
    assert log.last(RUN) is None
    await write(log, told(3, closed=False))
    assert log.last(RUN) == EventId(1, 3)
    await log.append(RUN, EventId(1, 4), LogClosed())
    assert log.last(RUN) is None


@settings(max_examples=40, deadline=None)
@given(
    attempts=st.lists(st.integers(min_value=1, max_value=30), min_size=1, max_size=4),
    cuts=st.lists(st.integers(min_value=0, max_value=130), max_size=6),
    turns=st.sets(st.integers(min_value=0, max_value=130)),
)
async def test_any_cuts_and_resumes_read_what_an_uninterrupted_reader_reads(
    attempts: list[int], cuts: list[int], turns: set[int]
) -> None:
    log, run = MemoryLog(keep_s=60), RunKey("acme", uuid4())
    ids = [EventId(attempt, n) for attempt, count in enumerate(attempts, start=1) for n in range(1, count + 1)]
    events = [LoggedEvent(event_id, TextDelta(str(event_id))) for event_id in ids]
    events.append(LoggedEvent(EventId(99, 1), LogClosed()))
    await log.append(run, events[0].id, events[0].event)
    whole = asyncio.create_task(collect(log.follow(run)))
    pieces = asyncio.create_task(_read_with_cuts(log, run, sorted(cuts)))
    for number, logged in enumerate(events[1:]):
        if number in turns:
            await asyncio.sleep(0)
        await log.append(run, logged.id, logged.event)
    assert await whole == await pieces == events


async def _read_with_cuts(log: MemoryLog, run: RunKey, cuts: list[int]) -> list[LoggedEvent]:
    """Read everything, dropping the reader after each of these numbers of events and taking a new one."""
    got: list[LoggedEvent] = []
    async with asyncio.timeout(10):
        while not (got and isinstance(got[-1].event, LogClosed)):
            reader = log.follow(run, after=got[-1].id if got else START)
            async for batch in reader:
                cut = next((cut for cut in cuts if len(got) < cut < len(got) + len(batch)), None)
                got += batch if cut is None else batch[: cut - len(got)]
                if cut is not None:
                    break
            await reader.aclose()
    return got


def _after(start: int) -> EventId:
    return EventId(1, start) if start else START


async def _is_there(log: MemoryLog, run: RunKey) -> bool:
    try:
        await log.read(run)
    except LogTrimmedError:
        return False
    return True


async def test_a_run_that_was_deleted_is_forgotten_and_its_readers_read_to_the_end() -> None:
    """G31"""
    log = MemoryLog(keep_s=60)
    await log.append(RUN, EventId(1, 1), TextDelta("said"))
    await log.append(RUN, EventId(1, 2), LogClosed())
    reader = log.follow(RUN)
    log.forget(RUN)
    with pytest.raises(LogTrimmedError):
        await log.read(RUN)
    log.forget(RUN)
    await reader.aclose()


def named(n: int, tenant: str = "acme") -> RunKey:
    return RunKey(tenant, UUID(int=n))


async def kept(log: MemoryLog, *runs: RunKey) -> list[RunKey]:
    return [run for run in runs if await _is_there(log, run)]


async def test_ended_logs_have_a_room_in_all_and_the_oldest_goes_first() -> None:
    """G36: in bytes, whoever they are of."""
    log = MemoryLog(keep_s=60, keep_bytes=20_000, keep_bytes_per_tenant=20_000)
    runs = [named(n, f"tenant-{n}") for n in range(40)]
    for run in runs:
        await write(log, told(20), run)
    there = await kept(log, *runs)
    assert 2 < len(there) < 20
    assert there == runs[-len(there) :]
    assert log._ended.bytes <= 20_000


async def test_a_tenant_has_its_room_and_takes_nothing_of_the_others() -> None:
    """G36: a quarter of all, unless a number says more or less."""
    log = MemoryLog(keep_s=60, keep_bytes=40_000)
    calm = named(0, "calm")
    await write(log, told(20), calm)
    busy = [named(n, "busy") for n in range(1, 100)]
    for run in busy:
        await write(log, told(20), run)
    assert await kept(log, calm) == [calm]
    there = await kept(log, *busy)
    assert there == busy[-len(there) :]
    assert log._ended._bytes_of_tenant["busy"] <= 10_000


async def test_a_log_that_has_no_room_is_read_to_its_end_by_those_who_read_it() -> None:
    """G36 G2: who comes later gets the transcript."""
    log = MemoryLog(keep_s=60, keep_bytes=0)
    await write(log, told(2, closed=False))
    reader = log.follow(RUN)
    first = await anext(reader)
    await write(log, told(3)[2:])
    assert first + await collect(reader) == told(3)
    with pytest.raises(LogTrimmedError):
        await log.read(RUN)


async def test_an_open_log_takes_no_room_and_gives_none_back() -> None:
    """G36: it is bounded by what a run may say."""
    log = MemoryLog(keep_s=60, keep_bytes=1)
    await write(log, told(20, closed=False))
    assert len(await log.read(RUN)) == 20
    assert log._ended.bytes == 0


async def test_ended_logs_are_forgotten_when_nobody_reads_any_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """G36: by themselves."""
    monkeypatch.setattr("agent.log.memory.EXPIRY_S", 0.0)
    log = MemoryLog(keep_s=0.05)
    for n in range(3):
        await write(log, told(1), named(n))
    async with asyncio.timeout(10):
        while log._ended.bytes:  # noqa: ASYNC110 (nothing tells, and that is the point)
            await asyncio.sleep(0.01)


async def test_an_event_of_every_kind_is_read_from_an_ended_log_as_it_was() -> None:
    """G36 G2: also with numbers that are larger than others take."""
    log = MemoryLog(keep_s=60)
    events: list[AnyEvent] = [
        ToolCallChanged("a", "find", "running", arguments={"n": 10**30, "x": 0.1, "deep": [{"ä": None}]}),
        SnapshotTaken("m", "said", ("find",), (ActionRequested("navigate", "/orders", "b"),)),
        ErrorRaised("deadline", "Too long.", recoverable=True, retry_after_s=1.5),
        RunEnded("failed", "error", Usage(3, 4)),
        SuggestionsOffered(("one?", "two?")),
        LogClosed(),
    ]
    logged = [LoggedEvent(EventId(2, n), event) for n, event in enumerate(events, start=1)]
    await write(log, logged)
    assert await log.read(RUN) == logged
    for n, one in enumerate(logged[:-1]):
        assert await collect(log.follow(RUN, after=one.id)) == logged[n + 1 :]


@pytest.mark.parametrize("length", [1, 6, 200])
async def test_what_ended_logs_are_said_to_take_is_what_they_take(length: int) -> None:
    """G36: within a factor of one and a half."""
    log = MemoryLog(keep_s=60)
    gc.collect()
    tracemalloc.start()
    try:
        for n in range(200):
            run = named(n, f"tenant-{n % 20}")
            for event_id in range(1, 61):
                await log.append(run, EventId(1, event_id), TextDelta(f"{event_id:0{length}}"))
            await log.append(run, EventId(1, 61), LogClosed())
        gc.collect()
        taken, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert taken / 1.5 < log._ended.bytes < taken * 1.5
