"""The contract of a log, for any that there is: in order, once each, past and then live, and never a silent gap."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.logs import RUN, collect, is_there, told, write
from support.remote_logs import Elsewhere, processes

from agent.errors import LogTrimmedError, StaleAppendError
from agent.events.schema import (
    START,
    ActionRequested,
    AnyEvent,
    ErrorRaised,
    EventId,
    FileGiven,
    LogClosed,
    LoggedEvent,
    RunEnded,
    SnapshotTaken,
    SuggestionsOffered,
    TextDelta,
    ToolCallChanged,
    Usage,
)
from agent.log.contract import BATCH, EventLog
from agent.log.memory import MemoryLog
from agent.log.redis.entries import StreamLimits
from agent.principal import RunKey

LOGS = {
    "memory": None,
    "redis": "redis_server",
    "redis elsewhere": "redis_server",
    "valkey elsewhere": "valkey_server",
}
"""Every kind of log, and the fixture of its server. One that comes is added here, and keeps the contract when this file
passes. `elsewhere`: one process writes, another reads."""


@asynccontextmanager
async def open_log(kind: str, request: pytest.FixtureRequest) -> AsyncIterator[EventLog]:
    """Open a log of a kind, which has no run yet."""
    fixture = LOGS[kind]
    if fixture is None:
        yield MemoryLog(keep_s=60, clock=lambda: 0.0)
        return
    async with processes(request.getfixturevalue(fixture), limits=StreamLimits(catch_up_s=0.05)) as (writer, reader):
        yield Elsewhere(writer, reader) if "elsewhere" in kind else writer


@pytest.fixture(params=LOGS)
async def log(request: pytest.FixtureRequest) -> AsyncIterator[EventLog]:
    async with open_log(request.param, request) as log:
        yield log


async def test_what_was_appended_is_read_in_order_under_ids_that_the_segment_gives(log: EventLog) -> None:
    events = told(12, closed=False)
    await write(log.open(RUN, 1), events)
    assert await log.read(RUN) == events
    assert await log.read(RUN, after=EventId(1, 10)) == events[10:]
    assert await log.read(RUN, after=EventId(1, 12)) == []


@pytest.mark.parametrize("attempt", [1, 2])
async def test_a_second_writer_of_an_attempt_and_an_earlier_one_are_refused(log: EventLog, attempt: int) -> None:
    await write(log.open(RUN, 2), told(3, closed=False))
    late = log.open(RUN, attempt)
    with pytest.raises(StaleAppendError):
        await write(late, told(1, closed=False))
    assert [str(logged.id) for logged in await log.read(RUN)] == ["2-1", "2-2", "2-3"]


async def test_a_later_attempt_begins_to_count_anew_and_shuts_the_earlier_one_out(log: EventLog) -> None:
    zombie = log.open(RUN, 1)
    await write(zombie, told(10, closed=False))
    await write(log.open(RUN, 2), told(1, closed=False))
    with pytest.raises(StaleAppendError):
        await write(zombie, told(1, closed=False))
    with pytest.raises(StaleAppendError):
        await zombie.close("ended")
    assert [logged.id for logged in await log.read(RUN)] == [*(EventId(1, n) for n in range(1, 11)), EventId(2, 1)]


async def test_an_attempt_that_was_shut_out_takes_no_reader_of_its_successor_away(log: EventLog) -> None:
    zombie, heir = log.open(RUN, 1), log.open(RUN, 2)
    await write(zombie, told(1, closed=False))
    await write(heir, told(1, closed=False))
    reader = asyncio.create_task(collect(log.follow(RUN)))
    await asyncio.sleep(0)
    await zombie.close("moved")
    await heir.close("ended")
    assert [str(logged.id) for logged in await reader] == ["1-1", "2-1", "2-2"]


async def test_a_closed_log_takes_nothing_more(log: EventLog) -> None:
    segment = log.open(RUN, 1)
    await write(segment, told(1))
    for late in (segment, log.open(RUN, 9)):
        with pytest.raises(StaleAppendError):
            await write(late, told(1, closed=False))
    await segment.close("moved")
    assert await log.read(RUN) == told(1)


async def test_runs_of_two_tenants_with_one_id_have_two_logs(log: EventLog) -> None:
    other = RunKey("rival", RUN.run_id)
    await write(log.open(RUN, 1), told(2))
    await write(log.open(other, 1), told(5))
    assert len(await log.read(RUN)) == 3
    assert len(await log.read(other)) == 6


@pytest.mark.parametrize("after", [EventId(1, 4), EventId(1, 99), EventId(2, 1), EventId(2**63, 0), EventId(1, 0)])
async def test_an_id_that_was_never_in_the_log_is_said_so(log: EventLog, after: EventId) -> None:
    await write(log.open(RUN, 1), told(3, closed=False))
    with pytest.raises(LogTrimmedError):
        await log.read(RUN, after=after)
    with pytest.raises(LogTrimmedError):
        await anext(log.follow(RUN, after=after))


async def test_a_run_without_a_log_is_said_so(log: EventLog) -> None:
    await write(log.open(RUN, 1), told(1))
    log.open(stranger := RunKey("rival", RUN.run_id), 1)
    with pytest.raises(LogTrimmedError):
        await log.read(stranger)
    with pytest.raises(LogTrimmedError):
        await anext(log.follow(stranger))


async def test_a_log_that_begins_with_a_later_attempt_serves_readers_of_an_earlier_one_from_its_start(
    log: EventLog,
) -> None:
    await write(log.open(RUN, 2), told(1, closed=False))
    assert len(await log.read(RUN, after=EventId(1, 40))) == 1


async def test_the_reader_of_an_ended_log_gets_all_of_it_and_ends(log: EventLog) -> None:
    await write(log.open(RUN, 1), told(4))
    assert await collect(log.follow(RUN)) == told(4)
    assert await collect(log.follow(RUN, after=EventId(1, 5))) == []


async def test_many_readers_get_past_and_live_events_once_each(log: EventLog) -> None:
    events, segment = told(500), log.open(RUN, 1)
    await write(segment, events[:100])
    readers = [asyncio.create_task(collect(log.follow(RUN, after=_after(start)))) for start in range(50)]
    for logged in events[100:]:
        await write(segment, [logged])
        if logged.id.n % 7 == 0:
            await asyncio.sleep(0)
    for start, reader in enumerate(readers):
        assert await reader == events[start:]


async def test_a_slow_reader_gets_one_larger_batch(log: EventLog) -> None:
    events, segment = told(40), log.open(RUN, 1)
    await write(segment, events[:1])
    reader = log.follow(RUN)
    assert await anext(reader) == events[:1]
    await write(segment, events[1:])
    assert await anext(reader) == events[1:]
    assert await collect(reader) == []


async def test_a_reader_that_waits_gets_all_that_one_turn_of_the_loop_appended_at_once(log: EventLog) -> None:
    events, segment = told(9), log.open(RUN, 1)
    await write(segment, events[:1])
    reader = log.follow(RUN)
    assert await anext(reader) == events[:1]
    waiting = asyncio.ensure_future(anext(reader))
    await asyncio.sleep(0)
    await write(segment, events[1:])
    async with asyncio.timeout(60):
        assert await waiting == events[1:]


async def test_a_batch_has_a_bound(log: EventLog) -> None:
    await write(log.open(RUN, 1), told(BATCH * 2))
    sizes = [len(batch) async for batch in log.follow(RUN)]
    assert sizes == [BATCH, BATCH, 1]


async def test_a_reader_that_leaves_does_not_disturb_the_others(log: EventLog) -> None:
    segment = log.open(RUN, 1)
    await write(segment, told(2, closed=False))
    leaving, staying = log.follow(RUN), log.follow(RUN)
    await anext(leaving)
    await anext(staying)
    waiting = asyncio.create_task(collect(staying))
    await asyncio.sleep(0)
    await leaving.aclose()
    await write(segment, told(4)[2:])
    assert await waiting == told(4)[2:]


async def test_readers_of_a_log_that_moved_go_away_without_an_end(log: EventLog) -> None:
    segment = log.open(RUN, 1)
    await write(segment, told(2, closed=False))
    readers = [log.follow(RUN) for _ in range(3)]
    assert [await anext(reader) for reader in readers] == [told(2, closed=False)] * 3
    waiting = [asyncio.create_task(collect(reader)) for reader in readers]
    await asyncio.sleep(0)
    await segment.close("moved")
    assert [await reader for reader in waiting] == [[], [], []]
    with pytest.raises(StaleAppendError):
        await write(segment, told(1, closed=False))


async def test_everybody_who_waits_for_a_log_hears_that_it_was_opened(log: EventLog) -> None:
    waiting = [asyncio.create_task(log.opened(RUN, timeout_s=600)) for _ in range(3)]
    await asyncio.sleep(0)
    await write(log.open(RUN, 1), told(1))
    async with asyncio.timeout(60):
        assert await asyncio.gather(*waiting) == [True, True, True]
        assert await log.opened(RUN, timeout_s=600)


async def test_a_log_that_nobody_writes_is_waited_for_no_longer_than_asked(log: EventLog) -> None:
    log.open(RUN, 1)
    async with asyncio.timeout(60):
        assert not await log.opened(RUN, timeout_s=0.01)


@pytest.mark.parametrize("how", ["moved", "forgotten"])
async def test_nobody_waits_for_what_is_not_to_come(log: EventLog, how: str) -> None:
    waiting = asyncio.create_task(log.opened(RUN, timeout_s=600))
    await asyncio.sleep(0)
    await (log.open(RUN, 1).close("moved") if how == "moved" else log.forget(RUN))
    async with asyncio.timeout(60):
        assert not await waiting


async def test_one_who_gives_up_waiting_does_not_make_the_others_miss_the_opening(log: EventLog) -> None:
    patient = asyncio.create_task(log.opened(RUN, timeout_s=600))
    assert not await log.opened(RUN, timeout_s=0.01)
    await write(log.open(RUN, 1), told(1))
    async with asyncio.timeout(60):
        assert await patient


async def test_the_last_id_is_known_while_the_log_is_not_closed(log: EventLog) -> None:
    assert await log.last(RUN) is None
    segment = log.open(RUN, 1)
    await write(segment, told(3, closed=False))
    assert await log.last(RUN) == EventId(1, 3)
    await segment.close("ended")
    assert await log.last(RUN) is None


async def test_a_run_that_was_deleted_is_forgotten_and_its_readers_read_to_the_end(log: EventLog) -> None:
    """G31"""
    segment = log.open(RUN, 1)
    await write(segment, told(1, closed=False))
    reader = log.follow(RUN)
    assert await anext(reader) == told(1, closed=False)
    await log.forget(RUN)
    assert not await is_there(log, RUN)
    await write(segment, told(2)[1:])
    assert await collect(reader) == told(2)[1:]
    await log.forget(RUN)
    assert not await is_there(log, RUN)


async def test_an_event_of_every_kind_is_read_from_an_ended_log_as_it_was(log: EventLog) -> None:
    """G36 G2: also with numbers that are larger than others take."""
    events: list[AnyEvent] = [
        ToolCallChanged("a", "find", "running", arguments={"n": 10**30, "x": 0.1, "deep": [{"ä": None}]}),
        FileGiven("f", "a.csv", "text/csv", 9, "a"),
        SnapshotTaken(
            *("m", "said", ("find",), (ActionRequested("navigate", "/orders", "b"),)),
            files=(FileGiven("f", "a.csv", "text/csv", 9, "a"),),
        ),
        ErrorRaised("deadline", "Too long.", recoverable=True, retry_after_s=1.5),
        RunEnded("failed", "error", Usage(3, 4)),
        SuggestionsOffered(("one?", "two?")),
        LogClosed(),
    ]
    logged = [LoggedEvent(EventId(2, n), event) for n, event in enumerate(events, start=1)]
    await write(log.open(RUN, 2), logged)
    assert await log.read(RUN) == logged
    for n, one in enumerate(logged[:-1]):
        assert await collect(log.follow(RUN, after=one.id)) == logged[n + 1 :]


@pytest.mark.parametrize("kind", LOGS)
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    attempts=st.lists(st.integers(min_value=1, max_value=30), min_size=1, max_size=4),
    cuts=st.lists(st.integers(min_value=0, max_value=130), max_size=6),
    turns=st.sets(st.integers(min_value=0, max_value=130)),
)
async def test_any_cuts_and_resumes_read_what_an_uninterrupted_reader_reads(
    request: pytest.FixtureRequest, kind: str, attempts: list[int], cuts: list[int], turns: set[int]
) -> None:
    async with open_log(kind, request) as log:
        await _read_both_ways(log, attempts, cuts, turns)


async def _read_both_ways(log: EventLog, attempts: list[int], cuts: list[int], turns: set[int]) -> None:
    run = RunKey("acme", uuid4())
    ids = [EventId(attempt, n) for attempt, count in enumerate(attempts, start=1) for n in range(1, count + 1)]
    events = [LoggedEvent(event_id, TextDelta(str(event_id))) for event_id in ids]
    events.append(LoggedEvent(EventId(99, 1), LogClosed()))
    segments = {attempt: log.open(run, attempt) for attempt in {logged.id.attempt for logged in events}}
    await write(segments[1], events[:1])
    whole = asyncio.create_task(collect(log.follow(run)))
    pieces = asyncio.create_task(_read_with_cuts(log, run, sorted(cuts)))
    for number, logged in enumerate(events[1:]):
        if number in turns:
            await asyncio.sleep(0)
        await write(segments[logged.id.attempt], [logged])
    assert await whole == await pieces == events


async def _read_with_cuts(log: EventLog, run: RunKey, cuts: list[int]) -> list[LoggedEvent]:
    """Read everything, dropping the reader after each of these numbers of events and taking a new one."""
    got: list[LoggedEvent] = []
    async with asyncio.timeout(60):
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
