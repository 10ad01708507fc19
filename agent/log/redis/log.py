"""`RedisLog`: any process writes a run's log, and any other reads it.

What is written here is in this process's memory, and is read there first: Redis may come and go. What is written elsewhere
is read from the stream, then as it is published. Redis forgets; then there is no log, and the database tells.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import suppress
from functools import partial
from types import TracebackType

from agent.errors import FrontdeskError, LogAwayError, LogTrimmedError
from agent.events.schema import START, EventId, LogClosed, LoggedEvent
from agent.log.contract import EventLog, next_batch
from agent.log.memory import MemoryLog
from agent.log.redis.entries import StreamLimits, stream_id_of, stream_key
from agent.log.redis.forgetting import forget_streams
from agent.log.redis.outbox import Ask, Outbox
from agent.log.redis.segment import RedisSegment, Ways
from agent.log.redis.stream import Piece, Streams
from agent.log.redis.tails import Tail, Tails
from agent.principal import RunKey
from agent.redis.client import RedisClient
from agent.redis.errors import RedisAwayError
from agent.redis.lasting import lasting
from agent.redis.subscriber import Subscriber

DRAIN_S = 2.0
HANDED_S = 10.0
"""How long readers of a run that was handed over have to notice that."""
SUBSCRIBE_S = 1.0
"""How long a reader waits until it is heard what is published; without, it looks again after each silence."""


class RedisLog(EventLog):
    """The log of one process among many. Enter it once: meanwhile it runs the subscriber, and at the end it closes the client."""

    def __init__(
        self,
        client: RedisClient,
        subscriber: Subscriber,
        local: MemoryLog,
        *,
        standing: Ask,
        limits: StreamLimits,
    ) -> None:
        self._client = client
        self._subscriber = subscriber
        self._local = local
        self._limits = limits
        self._streams = Streams(client)
        self._tails = Tails(subscriber, prefix=client.prefix)
        self._outbox = Outbox(client, window_s=limits.window_s, standing=standing)
        self._standing = standing
        self._handed: set[RunKey] = set()
        """Runs that went from here to another process a moment ago, with their readers."""
        self._ways = Ways(self._outbox.add, self._tails.wake, self._tails.depart, self._hand)
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> "RedisLog":
        loop = asyncio.get_running_loop()
        upkeep: dict[str, Callable[[], Awaitable[None]]] = {
            "subscriber": self._subscriber.run,
            "outbox": self._outbox.run,
            "tails": partial(self._tails.watch, self._end_silent, silence_s=self._limits.silence_s),
        }
        self._tasks = [loop.create_task(lasting(work, name=name)) for name, work in upkeep.items()]
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._outbox.drained(timeout_s=DRAIN_S)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._client.close()

    @property
    def is_shared(self) -> bool:
        return True

    @property
    def is_well(self) -> bool:
        """Whether other processes read what is written here, and the other way round. It asks nobody."""
        return self._client.is_well and self._subscriber.is_well

    @property
    def lag_s(self) -> float:
        """For how long Redis has not taken what this process has for it."""
        return self._outbox.lag_s

    def open(self, run: RunKey, attempt: int, *, age_s: float = 0.0) -> RedisSegment:
        local, key = self._local.open(run, attempt, age_s=age_s), stream_key(self._client.prefix, run)
        return RedisSegment(run, attempt, local, key=key, limits=self._limits, ways=self._ways)

    async def read(self, run: RunKey, *, after: EventId = START) -> list[LoggedEvent]:
        if run in self._local:
            return await self._local.read(run, after=after)
        piece = await self._streams.begin(run, after)
        events = piece.events
        while piece.events:
            piece = await self._streams.behind(run, events[-1].id)
            events += piece.events
        return events

    async def follow(self, run: RunKey, *, after: EventId = START) -> AsyncGenerator[list[LoggedEvent]]:
        last = after
        while True:
            if run not in self._local:
                with self._tails.reading(run) as tail:
                    async for batch in self._follow_elsewhere(run, tail, last):
                        last = batch[-1].id
                        yield batch
                        if type(batch[-1].event) is LogClosed:
                            return
                if run not in self._local:
                    return
            async for batch in self._local.follow(run, after=last):
                last = batch[-1].id
                yield batch
            if run not in self._handed or run in self._local:
                return

    async def last(self, run: RunKey) -> EventId | None:
        if run in self._local:
            return await self._local.last(run)
        newest = await self._streams.newest(run)
        return newest.events[-1].id if newest is not None and newest.kind == "events" else None

    async def opened(self, run: RunKey, *, timeout_s: float) -> bool:
        if run in self._local:
            return True  # as mostly, and then Redis need not be listened to for it
        with self._tails.reading(run) as tail, suppress(TimeoutError):
            departures = tail.departures
            async with asyncio.timeout(timeout_s):
                while run not in self._local:
                    changes = tail.changes
                    if await self._is_open(run):
                        return True
                    if tail.departures != departures:
                        return False
                    await tail.changed(since=changes)
        return run in self._local

    def expect_nothing(self, run: RunKey) -> None:
        self._tails.depart(run)

    async def forget(self, run: RunKey) -> None:
        await self._local.forget(run)
        self._tails.depart(run)
        with suppress(RedisAwayError):  # it expires
            await forget_streams(self._client, [run])

    def _hand(self, run: RunKey) -> None:
        self._handed.add(run)
        asyncio.get_running_loop().call_later(HANDED_S, self._handed.discard, run)

    async def _end_silent(self, run: RunKey) -> None:
        """Forget a stream whose run is over, and whose writer did not live to say so: its readers go to the database."""
        with suppress(FrontdeskError):
            standing = await self._standing(run)
            newest = await self._streams.newest(run)
            if (standing is None or standing.is_over) and (newest is None or newest.kind != "closed"):
                await self.forget(run)
                self._tails.lose(run)

    async def _is_open(self, run: RunKey) -> bool:
        with suppress(LogAwayError):
            newest = await self._streams.newest(run)
            return newest is not None and newest.kind in ("events", "closed")
        return False

    async def _follow_elsewhere(self, run: RunKey, tail: Tail, after: EventId) -> AsyncGenerator[list[LoggedEvent]]:
        """Yield what is written elsewhere, until that ends, or it is written here."""
        with suppress(TimeoutError):
            async with asyncio.timeout(SUBSCRIBE_S):
                await tail.heard()
        piece, last = await self._begin(run, tail, after), after
        while True:
            position = 0
            while batch := next_batch(piece.events, position):
                position, last = position + len(batch), batch[-1].id
                yield batch
            if piece.is_over or run in self._local:
                return
            piece = await self._next(run, tail, last)

    async def _begin(self, run: RunKey, tail: Tail, after: EventId) -> Piece:
        """Return the first piece behind `after`, which the reader may have got before Redis did: where the run is worked on."""
        try:
            return await self._streams.begin(run, after)
        except LogTrimmedError:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._limits.catch_up_s):
                    changes = tail.changes
                    while await self._is_behind(run, after):
                        await tail.changed(since=changes)
                        changes = tail.changes
        return await self._streams.begin(run, after)

    async def _is_behind(self, run: RunKey, after: EventId) -> bool:
        newest = await self._streams.newest(run)
        return newest is not None and newest.kind == "events" and newest.id < stream_id_of(after)

    async def _next(self, run: RunKey, tail: Tail, last: EventId) -> Piece:
        """Return what comes next, as it was heard or from the stream; nothing where it may have moved here."""
        changes = tail.changes
        if tail.is_lost:
            raise LogTrimmedError(f"the log of run {run.run_id} has no end, and the run has")
        events = tail.after(stream_id_of(last))
        if events is None:
            piece = await self._streams.behind(run, last)
            if piece.events or piece.is_over:
                return piece
        elif events or tail.is_left:
            return Piece(events, is_over=not events)
        await tail.changed(since=changes)
        return Piece([], is_over=False)
