"""Logs in Redis, in tests: of one process, or written by one and read by another."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from uuid import uuid4

from support.redis import RedisServer

from agent.events.schema import START, EventId, LoggedEvent
from agent.log.contract import EventLog, Segment
from agent.log.memory import MemoryLog
from agent.log.redis.entries import StreamLimits
from agent.log.redis.log import RedisLog
from agent.log.redis.outbox import Standing
from agent.principal import RunKey
from agent.redis.address import parse_address
from agent.redis.client import RedisClient
from agent.redis.subscriber import Subscriber


class Truth:
    """The database's word on runs, in tests that have no database."""

    def __init__(self) -> None:
        self.says: Standing | None = Standing(1, is_over=False)

    async def __call__(self, run: RunKey) -> Standing | None:
        return self.says


@asynccontextmanager
async def process_log(
    server: RedisServer | str,
    *,
    prefix: str,
    limits: StreamLimits | None = None,
    truth: Truth | None = None,
    timeout_s: float = 20.0,
) -> AsyncIterator[RedisLog]:
    """Open the log of one process."""
    url = server if isinstance(server, str) else server.url
    client = RedisClient(parse_address(url), prefix=prefix, timeout_s=timeout_s)
    log = RedisLog(
        client,
        Subscriber(client),
        MemoryLog(keep_s=60, clock=lambda: 0.0),
        standing=truth or Truth(),
        limits=limits or StreamLimits(),
    )
    async with log:
        yield log


@asynccontextmanager
async def processes(
    server: RedisServer | str,
    *,
    count: int = 2,
    limits: StreamLimits | None = None,
    truth: Truth | None = None,
    timeout_s: float = 20.0,
) -> AsyncIterator[list[RedisLog]]:
    """Open the logs of several processes on one server, with keys that no other test has.

    They are patient, because a busy machine is no fault; a test of a server that hangs says how long it is waited for.
    """
    prefix = uuid4().hex[:12]
    async with AsyncExitStack() as stack:
        yield [
            await stack.enter_async_context(
                process_log(server, prefix=prefix, limits=limits, truth=truth, timeout_s=timeout_s)
            )
            for _ in range(count)
        ]


class Elsewhere(EventLog):
    """A log that one process writes and another reads."""

    def __init__(self, writer: EventLog, reader: EventLog) -> None:
        self._writer = writer
        self._reader = reader

    @property
    def is_shared(self) -> bool:
        return True

    @property
    def is_well(self) -> bool:
        return self._reader.is_well

    @property
    def lag_s(self) -> float:
        return self._writer.lag_s

    def open(self, run: RunKey, attempt: int, *, age_s: float = 0.0) -> Segment:
        return self._writer.open(run, attempt, age_s=age_s)

    def follow(self, run: RunKey, *, after: EventId = START) -> AsyncGenerator[list[LoggedEvent]]:
        return self._reader.follow(run, after=after)

    async def read(self, run: RunKey, *, after: EventId = START) -> list[LoggedEvent]:
        return await self._reader.read(run, after=after)

    async def last(self, run: RunKey) -> EventId | None:
        return await self._reader.last(run)

    async def opened(self, run: RunKey, *, timeout_s: float) -> bool:
        return await self._reader.opened(run, timeout_s=timeout_s)

    def expect_nothing(self, run: RunKey) -> None:
        self._reader.expect_nothing(run)

    async def forget(self, run: RunKey) -> None:
        await self._writer.forget(run)
