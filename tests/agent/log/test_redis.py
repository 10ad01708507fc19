"""A log in Redis, and what only it has: servers that die, forget, hang and lose, and writers in other processes."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from support.each import each
from support.faults import until
from support.logs import RUN, collect, told, write
from support.redis import RedisServer, open_cluster, open_redis, open_sentinel
from support.remote_logs import Truth, processes
from support.tls import tls_door

from agent.errors import ConfigurationError, LogAwayError, LogTrimmedError, StaleAppendError
from agent.events.schema import START, AnyEvent, EventId, LogClosed, LoggedEvent, StepStarted, TextDelta, ToolsStarted
from agent.log.contract import EventLog
from agent.log.redis.entries import NO_ID, StreamLimits, pack, stream_id_of, stream_key
from agent.log.redis.log import RedisLog
from agent.log.redis.outbox import Standing
from agent.log.redis.tails import Tail
from agent.principal import RunKey
from agent.redis.address import parse_address
from agent.redis.errors import RedisAwayError

WAIT_S = 30


@pytest.fixture(params=["redis 6.2", "valkey 9.1"])
def server(request: pytest.FixtureRequest) -> Iterator[RedisServer]:
    """A server of one test's own."""
    with open_redis(request.param) as server:
        yield server


async def keep_reading(log: EventLog, *, after: EventId = START) -> list[LoggedEvent]:
    """Return what a reader gets that comes back wherever it was cut."""
    return await _keep_reading(log, log.follow(RUN, after=after), [])


async def _keep_reading(
    log: EventLog, reader: AsyncIterator[list[LoggedEvent]], got: list[LoggedEvent]
) -> list[LoggedEvent]:
    async with asyncio.timeout(WAIT_S):
        while not (got and isinstance(got[-1].event, LogClosed)):
            try:
                async for batch in reader:
                    got += batch
            except LogAwayError:
                pass
            except LogTrimmedError:  # the server came back empty, and the writer has not been there yet
                assert await log.opened(RUN, timeout_s=WAIT_S)
            reader = log.follow(RUN, after=got[-1].id if got else START)
    return got


async def begin(*logs: RedisLog, count: int) -> list[asyncio.Task[list[LoggedEvent]]]:
    """Return readers, one of each process, that have read so many events and wait for more."""
    readers = [log.follow(RUN) for log in logs]
    assert [await anext(reader) for reader in readers] == [told(count, closed=False)] * len(logs)
    pairs = zip(logs, readers, strict=True)
    tasks = [asyncio.create_task(_keep_reading(log, reader, told(count, closed=False))) for log, reader in pairs]
    await asyncio.sleep(0)
    return tasks


async def test_a_server_that_forgets_everything_costs_no_reader_an_event(server: RedisServer) -> None:
    """G281 G282"""
    async with processes(server, count=3) as (writer, reader, late):
        segment, events = writer.open(RUN, 1), told(40)
        await write(segment, events[:10])
        here, there = await begin(writer, reader, count=10)
        server.flush()
        await write(segment, events[10:20])
        await flushed(segment)
        server.flush()
        await write(segment, events[20:])
        assert await here == await there == events
        assert await late.opened(RUN, timeout_s=WAIT_S)
        assert await keep_reading(late, after=EventId(1, 7)) == events[7:]


async def flushed(segment: object) -> None:
    """Wait until a segment has nothing more to send: a flush gives up where a server has just lost all."""
    async with asyncio.timeout(WAIT_S):
        while segment.has_more:  # type: ignore[attr-defined] # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def test_after_a_server_forgot_all_one_that_lost_its_run_writes_nothing_any_more(server: RedisServer) -> None:
    """G281: the database knows the newest attempt."""
    truth = Truth()
    async with processes(server, truth=truth) as (zombie_log, log):
        zombie = zombie_log.open(RUN, 1)
        await write(zombie, told(5, closed=False))
        mine = asyncio.create_task(collect(zombie_log.follow(RUN)))
        server.flush()
        truth.says = Standing(2, is_over=False)
        zombie.append(told(1)[0].event)
        async with asyncio.timeout(WAIT_S):
            while True:
                try:
                    await zombie.flush()
                    await asyncio.sleep(0.01)
                except StaleAppendError:
                    break
        assert len(await mine) == 6
        with pytest.raises(LogTrimmedError):
            await log.read(RUN)


async def test_a_server_that_dies_and_comes_back_empty_costs_no_reader_an_event(server: RedisServer) -> None:
    """G282"""
    async with processes(server) as (writer, reader):
        segment, events = writer.open(RUN, 1), told(60)
        await write(segment, events[:10])
        here, there = await begin(writer, reader, count=10)
        server.kill()
        began = time.monotonic()
        await write(segment, events[10:30])
        assert time.monotonic() - began < WAIT_S / 3
        assert [one async for one in first(writer.follow(RUN, after=EventId(1, 28)), 2)] == events[28:30]
        server.start()
        await write(segment, events[30:])
        assert await here == await there == events


async def first(reader: AsyncIterator[list[LoggedEvent]], count: int) -> AsyncIterator[LoggedEvent]:
    """Yield so many events."""
    async for batch in reader:
        for one in batch:
            yield one
            count -= 1
        if count <= 0:
            return


async def test_a_server_that_hangs_holds_nobody_up_and_its_late_answer_counts_once(
    server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """G282: what it took while nobody heard so is not written twice, and is nobody else's."""
    async with processes(server) as (writer, reader):
        segment, events = writer.open(RUN, 1), told(30)
        await write(segment, events[:10])
        here, there = await begin(writer, reader, count=10)
        with monkeypatch.context() as hasty:
            for log in (writer, reader):
                hasty.setattr(log._client, "timeout_s", 0.5)
            server.pause()
            await write(segment, events[10:20])
            with pytest.raises(LogAwayError):
                await reader.read(RUN)
            assert not await reader.opened(RunKey("acme", UUID(int=8)), timeout_s=0.2)
            await until(lambda: writer.lag_s > 0)  # not while it tries
        server.resume()
        await write(segment, events[20:])
        assert await here == await there == events
        await flushed(segment)
        assert await reader.read(RUN) == events
        assert writer.lag_s == 0


async def test_what_is_on_its_way_is_waited_for_at_the_end(server: RedisServer) -> None:
    """G282: a process that leaves while Redis takes its time leaves nothing behind, and its log lags until then."""
    async with processes(server) as (writer, reader):
        segment, events = writer.open(RUN, 1), told(3)
        server.pause()
        for event in events:
            segment.append(event.event)
        await until(lambda: not writer._outbox._urgent)
        leaving = asyncio.create_task(writer._outbox.drained(timeout_s=WAIT_S))
        for _ in range(3):
            await asyncio.sleep(0)
        assert not leaving.done()
        server.resume()
        await leaving
        assert await reader.read(RUN) == events


async def test_a_listener_that_is_cut_again_and_again_misses_nothing(server: RedisServer) -> None:
    """G280"""
    async with processes(server) as (writer, reader):
        segment, events = writer.open(RUN, 1), told(200)
        await write(segment, events[:10])
        _, there = await begin(writer, reader, count=10)
        with server.client() as client:
            for start in range(10, 200, 10):
                await write(segment, events[start : start + 10])
                client.execute_command("CLIENT", "KILL", "TYPE", "pubsub")
        await write(segment, events[200:])
        assert await there == events


async def test_a_message_that_does_not_follow_sends_readers_to_the_stream() -> None:
    """G280: and one that came twice, or comes late, adds nothing."""
    tail, events = Tail(), told(9, closed=False)

    def say(first: int, last: int) -> None:
        before = stream_id_of(events[first - 1].id) if first else NO_ID
        tail.hear(f"{before} {stream_id_of(events[last - 1].id)} e ".encode() + pack(events[first:last]))

    at = [stream_id_of(one.id) for one in events]
    assert tail.after(NO_ID) is None
    say(0, 3)
    say(3, 4)
    say(0, 3)
    assert tail.after(NO_ID) == events[:4]
    say(2, 6)
    assert tail.after(at[3]) == events[4:6]
    say(8, 9)
    assert tail.after(at[5]) is None, "two events are missing"
    assert tail.after(at[7]) == events[8:]


async def test_a_reader_that_was_ahead_of_redis_goes_on_elsewhere_where_it_was(server: RedisServer) -> None:
    """G280: it had read where the run is, and comes back elsewhere before the next flush."""
    async with processes(server, limits=StreamLimits(window_s=0.2, catch_up_s=WAIT_S)) as (writer, reader):
        segment, events = writer.open(RUN, 1), told(9)
        await write(segment, events[:3])
        for one in events[3:8]:
            segment.append(one.event)
        here = [one async for one in first(writer.follow(RUN), 8)]
        waiting = asyncio.create_task(keep_reading(reader, after=here[-1].id))
        await asyncio.sleep(0)
        await flushed(segment)
        await write(segment, events[8:])
        assert here + await waiting == events


async def test_what_was_published_to_nobody_is_read_after_a_silence(server: RedisServer) -> None:
    """G280"""
    async with processes(server, limits=StreamLimits(silence_s=0.2)) as (writer, reader):
        segment, events = writer.open(RUN, 1), told(9)
        await write(segment, events[:5])
        follower = reader.follow(RUN)
        assert await anext(follower) == events[:5]
        waiting = asyncio.create_task(collect(follower))
        with server.client() as client:
            [key] = client.keys("*")
            client.xadd(key, {"w": "x", "c": pack(events[5:])}, id=str(stream_id_of(events[-1].id)))
        assert await waiting == events[5:]


async def test_a_stream_whose_writer_did_not_live_to_end_it_is_forgotten_when_its_run_is_over(
    server: RedisServer,
) -> None:
    """G282: its readers read in the database how it ended."""
    truth = Truth()
    async with processes(server, limits=StreamLimits(silence_s=0.1), truth=truth) as (writer, reader):
        await write(writer.open(RUN, 1), told(3, closed=False))
        follower = reader.follow(RUN)
        assert await anext(follower) == told(3, closed=False)
        waiting = asyncio.create_task(collect(follower))
        truth.says = Standing(1, is_over=True)
        async with asyncio.timeout(WAIT_S):
            with pytest.raises(LogTrimmedError):
                await waiting


async def test_a_later_attempt_in_another_process_shuts_the_earlier_one_out_at_its_next_flush(
    server: RedisServer,
) -> None:
    """G281"""
    async with processes(server, count=3) as (old, new, third):
        zombie, heir = old.open(RUN, 1), new.open(RUN, 2)
        await write(zombie, told(3, closed=False))
        left = asyncio.create_task(collect(old.follow(RUN)))
        there = asyncio.create_task(keep_reading(third))
        await write(heir, told(2, closed=False))
        zombie.append(told(1)[0].event)
        with pytest.raises(StaleAppendError):
            await zombie.flush()
        with pytest.raises(StaleAppendError):
            zombie.append(told(1)[0].event)
        assert [str(one.id) for one in await left] == ["1-1", "1-2", "1-3", "1-4"]
        await heir.close("ended")
        assert [str(one.id) for one in await there] == ["1-1", "1-2", "1-3", "2-1", "2-2", "2-3"]


async def test_a_run_that_comes_to_the_readers_process_is_read_there_without_a_break(server: RedisServer) -> None:
    """G280"""
    async with processes(server) as (old, new):
        await write(old.open(RUN, 1), told(3, closed=False))
        follower = new.follow(RUN)
        got = await anext(follower)
        waiting = asyncio.create_task(collect(follower))
        await asyncio.sleep(0)
        heir = new.open(RUN, 2)
        await write(heir, told(2, closed=False))
        await heir.close("ended")
        assert [str(one.id) for one in got + await waiting] == ["1-1", "1-2", "1-3", "2-1", "2-2", "2-3"]


async def test_a_stream_keeps_the_newest_events_and_says_what_it_lacks(server: RedisServer) -> None:
    """G283"""
    limits = StreamLimits(max_events=50)
    async with processes(server, limits=limits) as (writer, reader):
        segment, events = writer.open(RUN, 1), told(400)
        follower = reader.follow(RUN)
        for start in range(0, 400, 20):
            await write(segment, events[start : start + 20])
            if start == 0:
                assert await anext(follower) == events[:20]
        with pytest.raises(LogTrimmedError):
            await reader.read(RUN)
        with pytest.raises(LogTrimmedError):
            await anext(reader.follow(RUN, after=EventId(1, 100)))
        assert await reader.read(RUN, after=EventId(1, 390)) == events[390:400]
        with server.client() as client:
            [key] = client.keys("*")
            assert client.xlen(key) <= 4
        await write(segment, events[400:])
        got: list[LoggedEvent] = []
        with suppress(LogTrimmedError):  # it was too slow, and hears so
            async for batch in follower:
                got += batch
        assert got == events[20 : 20 + len(got)]


async def test_an_append_that_fails_publishes_nothing(server: RedisServer) -> None:
    """G280: who hears of an event finds it in the stream."""
    async with processes(server) as (writer, reader):
        segment, events = writer.open(RUN, 1), told(9)
        await write(segment, events[:5])
        with server.client() as client:
            [key] = client.keys("*")
            heard = client.pubsub(ignore_subscribe_messages=True)
            heard.subscribe(key)
            heard.get_message(timeout=WAIT_S)
            client.config_set("maxmemory-policy", "noeviction")
            client.config_set("maxmemory", 1)
            await write(segment, events[5:7])
            assert heard.get_message(timeout=0.3) is None
            client.config_set("maxmemory", 0)
            await write(segment, events[7:])
            await flushed(segment)
            assert heard.get_message(timeout=WAIT_S) is not None
        assert await reader.read(RUN) == events


async def test_every_key_is_the_tenants_and_goes_by_itself(server: RedisServer) -> None:
    """G283: also of a run that nobody ends, or that was left or forgotten."""
    runs = [RunKey(tenant, RUN.run_id) for tenant in ("acme", "a.b:c@d", "$public", "left", "gone")]
    async with processes(server, count=1, limits=StreamLimits(keep_s=30)) as [log]:
        for run in runs:
            segment = log.open(run, 1)
            await write(segment, told(3, closed=False))
            if run.tenant_id == "left":
                await segment.close("moved")
            if run.tenant_id == "gone":
                await log.forget(run)
                await write(segment, told(3)[1:])
        prefix = log._client.prefix
        with server.client() as client:
            assert set(client.keys("*")) == {stream_key(prefix, run) for run in runs}
            assert all(key.startswith(f"{prefix}:{{") for key in client.keys("*"))
            assert all(0 < client.pttl(key) <= 60_000 for key in client.keys("*"))
            [gone] = client.xrange(stream_key(prefix, runs[-1]))
            assert gone[1] == {"w": "", "g": ""}


async def test_a_thousand_readers_of_a_process_listen_on_one_connection(redis_server: RedisServer) -> None:
    """G284"""
    async with processes(redis_server) as (writer, reader):
        runs = [RunKey("acme", UUID(int=n)) for n in range(1000)]
        segments = [writer.open(run, 1) for run in runs]
        for segment in segments:
            segment.append(told(1)[0].event)
        await asyncio.gather(*(segment.flush() for segment in segments))
        readers = [reader.follow(run) for run in runs]
        assert [len(batch) for batch in await asyncio.gather(*(anext(one) for one in readers))] == [1] * 1000
        waiting = [asyncio.create_task(collect(one)) for one in readers]
        with redis_server.client() as client:
            listening = [one for one in client.client_list() if int(one["sub"]) > 900]
            assert len(listening) == 1
        await asyncio.gather(*(segment.close("ended") for segment in segments))
        assert [len(one) for one in await asyncio.gather(*waiting)] == [1] * 1000


async def test_the_runs_of_a_flush_go_in_one_pipeline(redis_server: RedisServer) -> None:
    """G284: text waits for what comes within the window, everything else takes along what is there."""
    limits = StreamLimits(window_s=2)  # in which a busy machine says all of it, too
    async with processes(redis_server, limits=limits) as (writer, reader):
        runs = [RunKey("acme", UUID(int=n)) for n in range(50)]
        segments = [writer.open(run, 1) for run in runs]
        with redis_server.client() as client:
            before = client.info("stats")["total_reads_processed"]
            for _ in range(10):
                for segment in segments:
                    segment.append(told(1)[0].event)
                await asyncio.sleep(0)
            async with asyncio.timeout(WAIT_S):
                while any(segment.has_more for segment in segments):  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
            assert client.info("stats")["total_reads_processed"] - before < 50
            key = stream_key(writer._client.prefix, runs[7])
            assert client.xlen(key) == 1
        assert len(await reader.read(runs[7])) == 10


async def test_text_that_comes_while_a_flush_is_under_way_waits_for_its_own_window(
    redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """G603: what is no text is sent at once, also where the answer to the flush before was lost."""
    async with processes(redis_server, limits=StreamLimits(window_s=10 * WAIT_S)) as (writer, reader):
        client, segment = writer._client, writer.open(RUN, 1)
        scripts, meanwhile, flushes = client.scripts, list[AnyEvent](), list[int]()

        async def call(*asked: Any) -> list[Any]:
            replies = await scripts(*asked)
            flushes.append(len(meanwhile))
            while meanwhile:
                segment.append(meanwhile.pop(0))
            if len(flushes) == 4:
                raise RedisAwayError("the answer was lost")
            return replies

        monkeypatch.setattr(client, "scripts", call)
        meanwhile.append(TextDelta("meanwhile"))
        await write(segment, told(1, closed=False))
        await write(writer.open(RunKey("acme", UUID(int=8)), 1), told(1, closed=False))
        assert (flushes, segment.has_more) == ([1, 0], True), "what is due goes no later than this other run's"
        segment.append(ToolsStarted(("find_order",)))
        await flushed(segment)
        assert flushes == [1, 0, 0], "both in one"
        meanwhile.append(ToolsStarted(("find_customer",)))
        segment.append(StepStarted(2))
        await flushed(segment)
        assert flushes == [1, 0, 0, 1, 0, 0], "lost, found to be there, and what came behind it"
        assert await reader.read(RUN) == (written := await writer.read(RUN))
        assert len(written) == 5


@pytest.mark.parametrize(
    ("url", "kind", "hosts"),
    [
        ("redis://:secret@cache/3", "one", (("cache", 6379),)),
        ("rediss://user:secret@cache:7000", "one", (("cache", 7000),)),
        ("redis+sentinel://:secret@a,b:27000/desk/1", "sentinel", (("a", 26379), ("b", 27000))),
        ("rediss+cluster://:secret@a:7000,[::1]:7001?ca=/x.pem", "cluster", (("a", 7000), ("::1", 7001))),
    ],
)
def test_a_url_says_where_redis_is_and_shows_no_password(
    url: str, kind: str, hosts: tuple[object, ...], tmp_path: Path
) -> None:
    """G285"""
    ca = tmp_path / "ca.pem"
    ca.touch()
    address = parse_address(url.replace("/x.pem", str(ca)))
    assert (address.kind, address.hosts, address.password) == (kind, hosts, "secret")
    assert address.tls.get("ssl", False) is url.startswith("rediss")
    assert "secret" not in repr(address)


@each(
    "url",
    [
        *("", "http://a", "redis://", "redis://a,b", "redis://a/x", "redis://:pw@a:port", "redis+cluster://a/1"),
        *("redis+sentinel://:pw@a", "redis+other://a", "redis://a/1/2"),
    ],
)
def test_a_url_that_is_none_stops_the_start_without_showing_it(url: str) -> None:
    """G285"""
    with pytest.raises(ConfigurationError, match="FRONTDESK_REDIS_URL") as error:
        parse_address(url)
    assert "pw" not in str(error.value)


async def test_a_log_is_kept_over_tls_by_authorities_that_are_named(redis_server: RedisServer, tmp_path: Path) -> None:
    """G285: and a certificate that nobody knows is no Redis."""
    async with tls_door(tmp_path, redis_server.port) as (port, certificate):
        async with processes(f"rediss://127.0.0.1:{port}/0?ca={certificate}") as (writer, reader):
            await write(writer.open(RUN, 1), told(9))
            assert await reader.read(RUN) == told(9)
        async with processes(f"rediss://127.0.0.1:{port}/0", count=1) as [stranger]:
            with pytest.raises(LogAwayError):
                await stranger.read(RUN)


async def test_a_cluster_serves_runs_of_all_its_slots() -> None:
    """G285"""
    with open_cluster() as url:
        async with processes(url) as (writer, reader):
            runs = [RunKey("acme", UUID(int=n)) for n in range(20)]
            segments = [writer.open(run, 1) for run in runs]
            for segment in segments:
                await write(segment, told(5, closed=False))
                await flushed(segment)
            readers = [reader.follow(run) for run in runs]
            assert [len(await anext(one)) for one in readers] == [5] * 20
            waiting = [asyncio.create_task(collect(one)) for one in readers]
            for segment in segments:
                await write(segment, told(9)[5:])
            assert [len(await one) for one in waiting] == [5] * 20


async def test_sentinel_says_which_server_takes_what_is_written_also_after_the_first_is_gone() -> None:
    """G285"""
    with open_sentinel() as (url, primary):
        async with processes(url, timeout_s=2) as (writer, reader):
            segment, events = writer.open(RUN, 1), told(30)
            await write(segment, events[:10])
            here, there = await begin(writer, reader, count=10)
            primary.kill()
            await write(segment, events[10:])
            assert await here == events
            assert await there == events
